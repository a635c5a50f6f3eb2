package s3blobs_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rounds-sync/rounds/internal/objectstore"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/s3blobs"
)

// TestSlots: what goes where, and what the store itself refuses of the parts of a multipart upload.
func TestSlots(t *testing.T) {
	t.Parallel()
	d := open(t, config(t))
	content := photo(1, 11*mib)
	u := uploadOf(content)
	p, err := d.Plan(ctx, u, want(8*mib))
	must(t, err)
	if len(p.Parts) != 3 || p.Parts[0].Size != s3blobs.SlotBytes || p.Parts[2].Size != mib {
		t.Fatalf("11 MiB in parts of 8: %d parts", len(p.Parts))
	}
	part := p.Parts[1]
	if !strings.Contains(part.URL, "uploadId=") {
		t.Error("a part of 5 MiB of a large photo is not part of a multipart upload")
	}
	body := content[part.Offset : part.Offset+part.Size]
	put := func(change func(*url.URL), body []byte, sum [16]byte) int {
		u, err := url.Parse(part.URL)
		must(t, err)
		change(u)
		for range 10 { // who refuses hangs up before it has read all, and who still writes then may not hear why
			req, err := http.NewRequest(http.MethodPut, u.String(), bytes.NewReader(body))
			must(t, err)
			req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
			req.Header.Set("Expect", "100-continue")
			if resp, err := http.DefaultClient.Do(req); err == nil {
				must(t, resp.Body.Close())
				return resp.StatusCode
			}
		}
		return 0
	}
	asIs := func(*url.URL) {}
	damaged := bytes.Clone(body)
	damaged[1] ^= 1
	if got := put(asIs, damaged, md5.Sum(body)); got != http.StatusBadRequest {
		t.Errorf("a damaged part: status %d", got)
	}
	if got := put(asIs, body[1:], md5.Sum(body[1:])); got != http.StatusForbidden {
		t.Errorf("a part of another length: status %d", got)
	}
	for name, value := range map[string]string{"partNumber": "1", "uploadId": "x", "X-Amz-Expires": "600000", "X-Amz-Date": "20300101T000000Z"} {
		got := put(func(u *url.URL) { q := u.Query(); q.Set(name, value); u.RawQuery = q.Encode() }, body, md5.Sum(body))
		if got != http.StatusForbidden {
			t.Errorf("another %s: status %d", name, got)
		}
	}
	if got := put(func(u *url.URL) { u.Path += "x" }, body, md5.Sum(body)); got != http.StatusForbidden {
		t.Errorf("another path: status %d", got)
	}
	if p, err = d.Plan(ctx, u, want(mib)); err != nil || p.Received != 0 {
		t.Errorf("after all that: %d received, %v", p.Received, err)
	}
	if got := bring(t, d, content, 8*mib); got != 3 {
		t.Errorf("%d parts were sent", got)
	}
	wantStored(t, d, content)
}

// TestCheckedIsWhatIsStored: bytes that are put over the parts while they are checked do not get to the content address.
func TestCheckedIsWhatIsStored(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	d := open(t, cfg)
	for i, kind := range []struct {
		size      int
		partBytes int64
		status    int // of the PUT during the check
	}{{100 * kib, mib, http.StatusOK}, {300 * kib, 64 * kib, http.StatusOK}, {6 * mib, 5 * mib, http.StatusNotFound}} {
		content, other := photo(byte(10+i), kind.size), photo(byte(20+i), kind.size)
		u := uploadOf(content)
		p, err := d.Plan(ctx, u, want(kind.partBytes))
		must(t, err)
		for _, part := range p.Parts {
			send(part, content)
		}
		must(t, d.Finish(ctx, u, func(r io.Reader) error {
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("the check read %d bytes, %v", len(got), err)
			}
			for _, part := range p.Parts {
				if status := send(part, other); status != kind.status {
					t.Errorf("PUT during the check: status %d", status)
				}
			}
			return nil
		}))
		wantStored(t, d, content)
	}
	// Even a check that lets all through cannot put other bytes under a hash.
	content := photo(30, 1000)
	u := uploadOf(content)
	u.Hash[0] ^= 1
	p, err := d.Plan(ctx, u, want(mib))
	must(t, err)
	send(p.Parts[0], content)
	if err := d.Finish(ctx, u, func(io.Reader) error { return nil }); err == nil {
		t.Error("other bytes were stored under a hash")
	}
	_, err = d.Open(ctx, media.At(media.Original, u.Hash))
	wantIs(t, "Open", err, media.ErrNotFound)
}

// TestTwoServers: two servers on one bucket plan one upload at the same time, and its parts, planned by either, are one upload.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	one, two := open(t, cfg), open(t, cfg)
	content := photo(40, 16*mib)
	u := uploadOf(content)
	plans := make(chan media.Plan)
	for _, d := range []*s3blobs.Store{one, two} {
		go func() {
			p, err := d.Plan(ctx, u, want(5*mib))
			if err != nil {
				t.Errorf("Plan: %v", err)
			}
			plans <- p
		}()
	}
	p1, p2 := <-plans, <-plans
	if len(p1.Parts) != 4 || len(p2.Parts) != 4 {
		t.Fatalf("%d and %d parts", len(p1.Parts), len(p2.Parts))
	}
	for i, part := range p1.Parts {
		if i%2 == 0 {
			part = p2.Parts[i]
		}
		send(part, content)
	}
	bring(t, one, content, 5*mib)
	wantStored(t, two, content)
	if n, err := two.Sweep(ctx, time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("left over after both: %d, %v", n, err)
	}
	wantNothingLeft(t, cfg)
}

// wantNothingLeft looks past the driver for leftovers of uploads.
func wantNothingLeft(t testing.TB, cfg s3blobs.Config) {
	t.Helper()
	api := rawClient(t, cfg)
	for o := range api.ListObjectsIter(ctx, cfg.Bucket, minio.ListObjectsOptions{Prefix: cfg.Prefix + "uploads/", Recursive: true}) {
		must(t, o.Err)
		t.Errorf("left over: %s", o.Key)
	}
	for o := range api.ListIncompleteUploads(ctx, cfg.Bucket, "", true) {
		must(t, o.Err)
		t.Errorf("left over: multipart upload of %s", o.Key)
	}
}

// TestSweepTakesSlots: Sweep and Abort leave no multipart upload behind, which nobody would see and everybody would pay for.
func TestSweepTakesSlots(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Prefix = "some/where/"
	d := open(t, cfg)
	for i := range byte(2) {
		content := photo(50+i, 11*mib)
		p, err := d.Plan(ctx, uploadOf(content), want(5*mib))
		must(t, err)
		send(p.Parts[i], content)
		p, err = d.Plan(ctx, uploadOf(content), want(64*kib))
		must(t, err)
		send(p.Parts[0], content)
		if i == 0 {
			must(t, d.Abort(ctx, uploadOf(content)))
			continue
		}
		if n, err := d.Sweep(ctx, time.Now().Add(-time.Hour)); n != 0 || err != nil {
			t.Errorf("Sweep of what is new: %d, %v", n, err)
		}
		if n, err := d.Sweep(ctx, time.Now().Add(time.Hour)); n != 1 || err != nil {
			t.Errorf("Sweep: %d, %v", n, err)
		}
	}
	wantNothingLeft(t, cfg)
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		how  s3blobs.Encryption
		key  string
		want string
	}{{s3blobs.EncryptNot, "", ""}, {s3blobs.EncryptS3, "", "AES256"}, {s3blobs.EncryptKMS, objectstore.KeyName, "aws:kms"}} {
		cfg := config(t)
		cfg.Encryption, cfg.KMSKey = kind.how, kind.key
		d := open(t, cfg)
		small, large := photo(60, 100*kib), photo(61, 6*mib)
		bring(t, d, small, 64*kib)
		bring(t, d, large, 5*mib)
		thumb := media.At(media.Small, hashOf(small))
		must(t, d.Put(ctx, thumb, "image/jpeg", small))
		wantStored(t, d, small)
		wantStored(t, d, large)
		for _, at := range []media.Address{media.At(media.Original, hashOf(small)), media.At(media.Original, hashOf(large)), thumb} {
			info, err := rawClient(t, cfg).StatObject(ctx, cfg.Bucket, string(at), minio.StatObjectOptions{})
			must(t, err)
			if got := info.Metadata.Get("X-Amz-Server-Side-Encryption"); got != kind.want {
				t.Errorf("%q: %.10s is encrypted by %q, want %q", kind.how, at, got, kind.want)
			}
		}
		wantNothingLeft(t, cfg)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	d := open(t, cfg)
	content := photo(70, 1000)
	bring(t, d, content, mib)
	address := "http://" + cfg.Endpoint + "/" + cfg.Bucket + "/" + string(media.At(media.Original, hashOf(content)))
	status := func(url string) int {
		resp, err := http.Get(url)
		must(t, err)
		must(t, resp.Body.Close())
		return resp.StatusCode
	}
	public := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::%s/*"]}]}`, cfg.Bucket)
	must(t, rawClient(t, cfg).SetBucketPolicy(ctx, cfg.Bucket, public))
	if got := status(address); got != http.StatusOK {
		t.Fatalf("a public bucket: status %d", got)
	}
	cfg.Policy = s3blobs.PolicyPrivate
	d = open(t, cfg)
	if got := status(address); got != http.StatusForbidden {
		t.Errorf("without a signature: status %d", got)
	}
	link, err := d.Link(ctx, media.At(media.Original, hashOf(content)), media.LinkOptions{Until: time.Now().Add(time.Minute), MediaType: "image/jpeg"})
	must(t, err)
	if got := status(link); got != http.StatusOK {
		t.Errorf("with a signature: status %d", got)
	}
	cfg.Policy = s3blobs.PolicyTLS
	open(t, cfg)
	text, err := rawClient(t, cfg).GetBucketPolicy(ctx, cfg.Bucket)
	must(t, err)
	if !strings.Contains(text, "aws:SecureTransport") {
		t.Errorf("the policy is %s", text)
	}
	if got := status(address); got != http.StatusForbidden {
		t.Errorf("without TLS: status %d", got)
	}
}

// TestLifecycle: our rule stands among others, once.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	open(t, cfg)
	api := rawClient(t, cfg)
	theirs := lifecycle.NewConfiguration()
	theirs.Rules = []lifecycle.Rule{{ID: "theirs", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "logs/"}, Expiration: lifecycle.Expiration{Days: 3}}}
	must(t, api.SetBucketLifecycle(ctx, cfg.Bucket, theirs))
	for _, days := range []int{30, 40} {
		cfg.IncompleteDays = days
		open(t, cfg)
	}
	got, err := api.GetBucketLifecycle(ctx, cfg.Bucket)
	must(t, err)
	if len(got.Rules) != 2 {
		t.Fatalf("rules: %+v", got.Rules)
	}
	for _, rule := range got.Rules {
		if rule.ID != "theirs" && (rule.RuleFilter.Prefix != "uploads/" || rule.Expiration.Days != 40) {
			t.Errorf("our rule: %+v", rule)
		}
	}
}

// TestQuota: the real store without room answers as TestFull has its proxy answer.
func TestQuota(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	d := open(t, cfg)
	quota := strings.NewReader(`{"quota":100000,"size":100000,"quotatype":"hard"}`)
	req, err := http.NewRequest(http.MethodPut, "http://"+cfg.Endpoint+"/minio/admin/v3/set-bucket-quota?bucket="+cfg.Bucket, quota)
	must(t, err)
	req.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	resp, err := http.DefaultClient.Do(signer.SignV4(*req, cfg.AccessKey, string(cfg.SecretKey), "", objectstore.Region))
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("set the quota: status %d", resp.StatusCode)
	}
	content := photo(80, 200*kib)
	wantIs(t, "Put", d.Put(ctx, media.At(media.Large, hashOf(content)), "image/jpeg", content), media.ErrFull)
	must(t, d.Put(ctx, media.At(media.Small, hashOf(content)), "image/jpeg", content[:1000]))
}

// TestPublicEndpoint: devices are given another address than the one that the server uses, and it is signed.
func TestPublicEndpoint(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	front := before(t, here.server)
	cfg.PublicEndpoint = front.endpoint()
	d := open(t, cfg)
	content := photo(90, 100*kib)
	bring(t, d, content, 64*kib)
	if got := front.requests.Load(); got != 2 {
		t.Errorf("%d requests came by the public address, two parts were sent", got)
	}
	wantStored(t, d, content)
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.CreateBucket = false
	if _, err := s3blobs.Open(ctx, cfg); err == nil || isAny(err, media.ErrUnavailable) {
		t.Errorf("without the bucket: %v", err)
	}
	cfg.SecretKey = "wrong"
	if _, err := s3blobs.Open(ctx, cfg); err == nil || isAny(err, media.ErrUnavailable) {
		t.Errorf("with a wrong secret: %v", err)
	}
	if _, err := s3blobs.Open(ctx, s3blobs.Config{Encryption: "rot13", Policy: "x", IncompleteDays: -1, Prefix: "/a"}); err == nil ||
		strings.Count(err.Error(), "\n") < 6 {
		t.Errorf("not all faults are named: %v", err)
	}
	d := open(t, config(t))
	must(t, d.Close())
	must(t, d.Close())
	wantIs(t, "Check after Close", d.Check(ctx), media.ErrClosed)
	ended, end := context.WithCancel(ctx)
	end()
	_, err := s3blobs.Open(ended, config(t))
	wantIs(t, "Open for nobody", err, context.Canceled)
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	cfg, err := s3blobs.ParseURL("s3+https://KEY:se%2Fcret@store.example:9000/photos/a/b?region=eu-central-1&encryption=sse-kms:k1&policy=tls" +
		"&public=https://cdn.example&incomplete-days=30&timeout=5s&retries=0&create=true&path-style=true")
	must(t, err)
	wanted := s3blobs.Config{
		Endpoint: "store.example:9000", TLS: true, PublicEndpoint: "cdn.example", PublicTLS: true, Region: "eu-central-1", Bucket: "photos", Prefix: "a/b/",
		PathStyle: true, AccessKey: "KEY", SecretKey: "se/cret", CreateBucket: true, Encryption: s3blobs.EncryptKMS, KMSKey: "k1", Policy: s3blobs.PolicyTLS,
		IncompleteDays: 30, Timeout: 5 * time.Second, Retries: -1,
	}
	if !reflect.DeepEqual(cfg, wanted) {
		t.Errorf("got %+v\nwant %+v", cfg, wanted)
	}
	for _, bad := range []string{
		"", "http://KEY:hush@h/b", "s3+http://h/bbb", "s3+http://KEY:hush@h", "s3+http://KEY:hush@h/bbb?nothing=1", "s3+http://KEY:hush@h/bbb?create=maybe",
		"s3+http://KEY:hush@h/bbb?create=true&create=true", "s3+http://KEY:hush@h/bbb?public=ftp://x", "s3://KEY:hush@h/bbb?public=http://x", "s3+http://KEY:hush@h:port/b",
		"s3+http://KEY:hush@h/bbb?%zz", "s3+http://KEY:hush@h/bbb#x", "s3+http://KEY:hush@h/bbb/../c", "s3+http://KEY:hush@h/bbb?encryption=sse-kms", "s3+http://KEY:hu sh@ h/b",
	} {
		if _, err := s3blobs.ParseURL(bad); err == nil {
			t.Errorf("%s was taken", bad)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("the secret is in %v", err)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", cfg.SecretKey)
	if text := log.String() + fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, cfg.SecretKey); strings.Contains(text, "se/cret") {
		t.Errorf("the secret shows in %s", text)
	}
}

// FuzzParseURL: what is taken is a valid configuration, and what is not does not say the secret.
func FuzzParseURL(f *testing.F) {
	f.Add("s3+https://KEY:hush-hush@store.example:9000/photos/a?region=x&encryption=sse-kms:k&policy=tls&public=https://h&timeout=5s&retries=0&create=true")
	f.Add("s3://KEY:hush-hush@[::1]:9000/photos")
	f.Add("s3+http://KEY:hush-hush@h/bbb?%zz")
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := s3blobs.ParseURL(text)
		if err == nil {
			if err := cfg.Validate(); err != nil {
				t.Errorf("taken, and not valid: %v", err)
			}
			return
		}
		user, rest, _ := strings.Cut(text, "://")
		secret, _, _ := strings.Cut(rest, "@")
		_, secret, _ = strings.Cut(secret, ":")
		if len(secret) >= 8 && !strings.Contains(user, secret) && strings.Contains(err.Error(), secret) && strings.Count(text, secret) == 1 {
			t.Errorf("the secret is in %v", err)
		}
	})
}
