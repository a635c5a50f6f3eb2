package s3blobs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/rounds-sync/rounds/internal/objectstore"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
	"github.com/rounds-sync/rounds/media/s3blobs"
)

var ctx = context.Background()

// shared is the object store that all tests use which do not stop it, each in a bucket of its own.
type shared struct {
	start   sync.Once // when the first test asks
	server  *objectstore.Server
	err     error
	buckets atomic.Int64
	devices http.Client // what devices send with
}

var here shared

func TestMain(m *testing.M) {
	here.devices.Transport = &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}
	code := m.Run()
	if here.server != nil {
		if err := here.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// config is that of a bucket of the test's own in the shared store.
func config(t testing.TB) s3blobs.Config {
	t.Helper()
	here.start.Do(func() { here.server, here.err = objectstore.Start(ctx, objectstore.Config{}) })
	if here.err != nil {
		objectstore.Skip(t, here.err)
	}
	return configAt(here.server, fmt.Sprintf("bucket-%d", here.buckets.Add(1)))
}

func configAt(server *objectstore.Server, bucket string) s3blobs.Config {
	return s3blobs.Config{
		Endpoint: server.Endpoint(), Bucket: bucket, CreateBucket: true, AccessKey: server.AccessKey(), SecretKey: s3blobs.Secret(server.SecretKey()),
		Retries: 3, Timeout: time.Minute, // for a machine that has much else to do
	}
}

func open(t testing.TB, cfg s3blobs.Config) *s3blobs.Store {
	t.Helper()
	s, err := s3blobs.Open(ctx, cfg)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	mediatest.Run(t, func(t *testing.T) *mediatest.Harness {
		cfg := config(t)
		return &mediatest.Harness{
			Driver: open(t, cfg),
			Now:    time.Now,
			Pass:   func(d time.Duration) { <-time.After(d) },
			Reopen: func(t *testing.T) media.Driver { return open(t, cfg) },
			Damage: func(t *testing.T, at media.Address) { damage(t, cfg, at) },
		}
	}, mediatest.Options{NoHead: true})
}

// damage writes an object anew with a bit changed, past the driver.
func damage(t testing.TB, cfg s3blobs.Config, at media.Address) {
	api := rawClient(t, cfg)
	o, err := api.GetObject(ctx, cfg.Bucket, string(at), minio.GetObjectOptions{})
	must(t, err)
	content, err := io.ReadAll(o)
	must(t, err)
	content[len(content)/2] ^= 1
	_, err = api.PutObject(ctx, cfg.Bucket, string(at), bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	must(t, err)
}

// rawClient reaches the bucket past the driver.
func rawClient(t testing.TB, cfg s3blobs.Config) *minio.Client {
	api, err := minio.New(cfg.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(cfg.AccessKey, string(cfg.SecretKey), ""), Region: objectstore.Region})
	must(t, err)
	return api
}

func hashOf(content []byte) media.Hash { return sha256.Sum256(content) }

func isAny(err error, of ...error) bool {
	for _, one := range of {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}
