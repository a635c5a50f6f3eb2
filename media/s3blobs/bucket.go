package s3blobs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"github.com/rounds-sync/rounds/media"
)

// ruleID marks our rule in a bucket's lifecycle.
const ruleID = "rounds-incomplete-uploads"

// setUp makes the bucket what the configuration says.
func (s *Store) setUp(ctx context.Context) error {
	ctx2, cancel := s.within(ctx, 0)
	defer cancel()
	there, err := s.api.BucketExists(ctx2, s.cfg.Bucket)
	if err != nil {
		return fail(ctx, "look for the bucket", err)
	}
	switch {
	case there:
	case !s.cfg.CreateBucket:
		return fmt.Errorf("s3blobs: there is no bucket %q: make it, or have it made with create=true", s.cfg.Bucket)
	default:
		err := s.api.MakeBucket(ctx2, s.cfg.Bucket, minio.MakeBucketOptions{Region: s.cfg.Region})
		if err != nil && code(err) != minio.BucketAlreadyOwnedByYou { // another server was quicker
			return fail(ctx, "make the bucket", err)
		}
	}
	if s.cfg.Policy != PolicyKeep {
		if err := s.api.SetBucketPolicy(ctx2, s.cfg.Bucket, s.policy()); err != nil {
			return fail(ctx, "set the bucket's policy", err)
		}
	}
	if s.cfg.IncompleteDays > 0 {
		return s.setLifecycle(ctx, ctx2)
	}
	return nil
}

// policy is the bucket's policy as a document; "" takes any off.
func (s *Store) policy() string {
	if s.cfg.Policy != PolicyTLS {
		return ""
	}
	type object = map[string]any
	arn := "arn:aws:s3:::" + s.cfg.Bucket
	text, _ := json.Marshal(object{
		"Version": "2012-10-17",
		"Statement": []object{{
			"Sid": "RoundsTLSOnly", "Effect": "Deny", "Principal": object{"AWS": []string{"*"}}, "Action": []string{"s3:*"},
			"Resource":  []string{arn, arn + "/*"},
			"Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
		}},
	})
	return string(text)
}

// setLifecycle puts our rule among those that the bucket has.
func (s *Store) setLifecycle(ctx, ctx2 context.Context) error {
	all, err := s.api.GetBucketLifecycle(ctx2, s.cfg.Bucket)
	switch {
	case code(err) == "NoSuchLifecycleConfiguration":
		all = lifecycle.NewConfiguration()
	case err != nil:
		return fail(ctx, "read the bucket's lifecycle", err)
	}
	ours := lifecycle.Rule{
		ID: ruleID, Status: "Enabled",
		RuleFilter:                     lifecycle.Filter{Prefix: s.cfg.Prefix + uploadsDir},
		Expiration:                     lifecycle.Expiration{Days: lifecycle.ExpirationDays(s.cfg.IncompleteDays)},
		AbortIncompleteMultipartUpload: lifecycle.AbortIncompleteMultipartUpload{DaysAfterInitiation: lifecycle.ExpirationDays(s.cfg.IncompleteDays)},
	}
	rules := all.Rules[:0:0]
	for _, rule := range all.Rules {
		if rule.ID != ruleID {
			rules = append(rules, rule)
		}
	}
	all.Rules = append(rules, ours)
	return fail(ctx, "set the bucket's lifecycle", s.api.SetBucketLifecycle(ctx2, s.cfg.Bucket, all))
}

// Check implements media.Objects: it writes a few bytes and reads them back.
func (s *Store) Check(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	const text = "rounds"
	key := s.cfg.Prefix + checkName
	if err := s.write(ctx, key, "text/plain", []byte(text), ""); err != nil {
		return err
	}
	d := s.download(ctx, key, media.Span{Size: -1})
	defer d.close()
	got := make([]byte, len(text))
	if _, err := d.readFull(got); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("s3blobs: check: %w: what was written reads otherwise", media.ErrUnavailable)
	}
	return nil
}
