package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rounds-sync/rounds/media/s3blobs"
)

// plainPuts sends the same bytes to the same object store by plain PUT, each photo whole and in one request that is signed with its SHA-256: what one would
// do without Rounds, and what uploads through it are held against. Nothing hashes what rests there, and nobody knows whose it is.
func (r *run) plainPuts(ctx context.Context) error {
	at, err := s3blobs.ParseURL(r.options.S3)
	if err != nil {
		return err
	}
	o := r.options
	scheme := "http"
	if at.TLS {
		scheme = "https"
	}
	client := plainClient()
	defer client.CloseIdleConnections()
	region := at.Region
	if region == "" {
		region = "us-east-1"
	}
	for _, way := range []struct {
		name   string
		signed bool
	}{{"signed", true}, {"unsigned", false}} {
		photos := noises(o.Seed+2, o.Photos, o.PhotoBytes)
		began := time.Now()
		err := inParallel(o.PhotosAtOnce, len(photos), func(i int) error {
			p := photos[i]
			key := fmt.Sprintf("%sbench-plain/%s/%x", at.Prefix, way.name, p.hash)
			req, err := http.NewRequestWithContext(ctx, http.MethodPut, scheme+"://"+at.Endpoint+"/"+at.Bucket+"/"+key, io.NopCloser(p.part(0, p.size())))
			if err != nil {
				return errors.New("a plain PUT without an address")
			}
			req.ContentLength = p.size()
			if way.signed {
				req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(p.hash[:]))
			} else {
				req.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			}
			resp, err := client.Do(signer.SignV4(*req, at.AccessKey, string(at.SecretKey), "", region))
			if err != nil {
				return errors.New("a plain PUT: the store does not answer")
			}
			defer func() { _ = resp.Body.Close() }()
			answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("a plain PUT: answered %d: %.300s", resp.StatusCode, answer)
			}
			return nil
		})
		if err != nil {
			return err
		}
		rate := float64(o.Photos) * float64(o.PhotoBytes) / 1e6 / time.Since(began).Seconds()
		r.report.add("photos.plain_put_"+way.name+"_mb_per_second_s3", rate, "MB/s")
		if ours, ok := r.report.Find("photos.mb_per_second_s3"); ok && way.signed {
			r.report.add("photos.of_plain_put_s3", ours.Value/rate, "ratio")
		}
	}
	return nil
}
