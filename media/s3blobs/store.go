package s3blobs

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"golang.org/x/sync/semaphore"

	"github.com/rounds-sync/rounds/media"
)

// Store is a media.Driver on one bucket. Close it.
type Store struct {
	cfg     Config
	api     minio.Core
	public  *minio.Client // signs what is given out
	sse     encrypt.ServerSide
	memory  *semaphore.Weighted // bytes of photos that Finish holds
	locks   locks
	closed  atomic.Bool
	release func()
}

var _ media.Driver = (*Store)(nil)

// Open connects to the bucket, and sets it up as the configuration says. It fails with media.ErrUnavailable if the store does not answer.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, memory: semaphore.NewWeighted(cfg.MemoryBytes), release: func() {}}
	if cfg.Transport == nil {
		own := transport(cfg)
		s.cfg.Transport, s.release = own, own.CloseIdleConnections
	}
	switch cfg.Encryption {
	case EncryptS3:
		s.sse = encrypt.NewSSE()
	case EncryptKMS:
		sse, err := encrypt.NewSSEKMS(cfg.KMSKey, nil)
		if err != nil {
			return nil, fmt.Errorf("s3blobs: %w", err)
		}
		s.sse = sse
	}
	api, err := s.client(cfg.Endpoint, cfg.TLS)
	if err == nil {
		s.api = minio.Core{Client: api}
		s.public, err = s.client(cfg.PublicEndpoint, cfg.PublicTLS)
	}
	if err == nil {
		err = s.setUp(ctx)
	}
	if err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// Close ends the connections that no call is using. Calls after it answer media.ErrClosed. It may be called again.
func (s *Store) Close() error {
	if !s.closed.Swap(true) {
		s.release()
	}
	return nil
}

func (s *Store) client(endpoint string, secure bool) (*minio.Client, error) {
	lookup := minio.BucketLookupAuto
	if s.cfg.PathStyle {
		lookup = minio.BucketLookupPath
	}
	c, err := minio.New(endpoint, &minio.Options{
		Creds:        credentials.NewStaticV4(s.cfg.AccessKey, string(s.cfg.SecretKey), ""),
		Secure:       secure,
		Transport:    s.cfg.Transport,
		Region:       s.cfg.Region, // so that nothing has to be asked before something is signed
		BucketLookup: lookup,
		MaxRetries:   1 + max(0, s.cfg.Retries),
	})
	if err != nil {
		return nil, fmt.Errorf("s3blobs: %w", err)
	}
	return c, nil
}

func transport(cfg Config) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: min(cfg.Timeout, 5*time.Second), KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   cfg.Timeout,
		ResponseHeaderTimeout: cfg.Timeout,
		ExpectContinueTimeout: time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       time.Minute,
		DisableCompression:    true, // photos are compressed already
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
}

// begin is how each call begins: not on a closed store, nor for a caller that has given up.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("s3blobs: %w", err)
	}
	if s.closed.Load() {
		return media.ErrClosed
	}
	return nil
}

// within bounds the time of a request that moves so many bytes.
func (s *Store) within(ctx context.Context, bytes int64) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 2*s.cfg.Timeout+time.Duration(bytes/(256<<10))*time.Second)
}

// locks has one lock for each upload that is being worked on, so that two calls for the same one do not pull the parts from under each other.
// Between several servers there is no such lock; then the slower one finds the parts gone, and nothing worse.
type locks struct {
	mu  sync.Mutex // guards all below
	all map[folder]*lock
}

type lock struct {
	held  chan struct{} // holds one token while nobody has the lock
	users int           // who have it or wait for it
}

// lock waits for an upload's lock and returns what lets go of it, or the context's error.
func (l *locks) lock(ctx context.Context, f folder) (unlock func(), err error) {
	l.mu.Lock()
	if l.all == nil {
		l.all = map[folder]*lock{}
	}
	one := l.all[f]
	if one == nil {
		one = &lock{held: make(chan struct{}, 1)}
		one.held <- struct{}{}
		l.all[f] = one
	}
	one.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(l.all, f)
		}
	}
	select {
	case <-one.held:
		return func() { one.held <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, fmt.Errorf("s3blobs: %w", ctx.Err())
	}
}
