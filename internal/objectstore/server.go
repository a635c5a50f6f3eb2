// Package objectstore runs a real object store, MinIO, on the loopback: for tests, the demo and measurements. It can be stopped, killed and started
// again over the same data, as an object store somewhere else would be by somebody else.
//
// The program is not part of this module: `make .build/bin/minio` builds it from tools/minio. It is licensed under the AGPL; nothing here links it.
package objectstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// KeyName is the key that the store encrypts with where it is asked for encryption by a key.
const KeyName = "rounds-test"

// Region that the store says it stands in.
const Region = "us-east-1"

// Config is what a Server is started with. The zero Config is usable.
type Config struct {
	// Binary is the program. Default: what Find finds.
	Binary string
	// Dir holds the data. It stays when the server is closed. Default: a new folder that goes when the server is closed.
	Dir string
	// Env are further settings of the program, NAME=value.
	Env []string
	// StartTimeout is how long it may take to get ready. Default: 2 min, for a machine that has much else to do.
	StartTimeout time.Duration
}

// Server is an object store of its own on a free port of the loopback, with keys of its own. Its methods may be called from any number of goroutines.
type Server struct {
	cfg     Config
	address string
	access  string
	secret  string
	kms     string
	own     bool // the folder is ours to remove

	mu  sync.Mutex // guards run
	run *process
}

// Start starts a store and returns when it takes requests. The caller closes it. ErrNoBinary where there is no program to start.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Binary == "" {
		found, err := Find()
		if err != nil {
			return nil, err
		}
		cfg.Binary = found
	}
	if cfg.StartTimeout <= 0 {
		cfg.StartTimeout = 2 * time.Minute
	}
	s := &Server{cfg: cfg, access: "rounds", secret: random(20)}
	key := make([]byte, 32)
	rand.Read(key)
	s.kms = KeyName + ":" + base64.StdEncoding.EncodeToString(key)
	if cfg.Dir == "" {
		dir, err := os.MkdirTemp("", "rounds-objectstore-")
		if err != nil {
			return nil, fmt.Errorf("objectstore: %w", err)
		}
		s.cfg.Dir, s.own = dir, true
	}
	// Between finding a free port and using it somebody else may take it: then another is tried.
	var err error
	for range 3 {
		if s.address, err = freeAddress(); err != nil {
			break
		}
		if err = s.Restart(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Endpoint is where it listens, host:port.
func (s *Server) Endpoint() string { return s.address }

// AccessKey is the name of its one user.
func (s *Server) AccessKey() string { return s.access }

// SecretKey is that user's secret.
func (s *Server) SecretKey() string { return s.secret }

// Dir is where its data stands.
func (s *Server) Dir() string { return s.cfg.Dir }

// URL names a bucket of the store, with its keys, as the --s3 flags take it; the bucket is made when it is not there.
func (s *Server) URL(bucket string) string {
	u := url.URL{Scheme: "s3+http", User: url.UserPassword(s.access, s.secret), Host: s.address, Path: "/" + bucket}
	u.RawQuery = url.Values{"region": {Region}, "create": {"true"}}.Encode()
	return u.String()
}

// Stop ends the program as an operator does: it finishes what it is doing. One that does not run is no error.
func (s *Server) Stop() error { return s.end(syscall.SIGTERM) }

// Kill ends the program in the midst of what it is doing. One that does not run is no error.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

// Restart starts the program again, on the same port over the same data, and returns when it takes requests. One that runs is killed first.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Kill(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return errors.New("objectstore: started twice at once")
	}
	cmd := exec.Command(s.cfg.Binary, "server", "--quiet", "--address", s.address,
		"--certs-dir", filepath.Join(s.cfg.Dir, "certs"), filepath.Join(s.cfg.Dir, "data"))
	cmd.Env = append(append(os.Environ(),
		"HOME="+s.cfg.Dir,
		"MINIO_ROOT_USER="+s.access, "MINIO_ROOT_PASSWORD="+s.secret, "MINIO_KMS_SECRET_KEY="+s.kms,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off",
		// Without this the store drops the parts of large uploads after a day, and a phone that comes back after a weekend begins anew.
		"MINIO_API_STALE_UPLOADS_EXPIRY=720h",
	), s.cfg.Env...)
	p, err := launch(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StartTimeout)
	defer cancel()
	if err := s.ready(ctx, p); err != nil {
		return errors.Join(err, p.end(syscall.SIGKILL))
	}
	s.run = p
	return nil
}

// Close kills the program, and removes its data where the server made the folder.
func (s *Server) Close() error {
	err := s.Kill()
	if s.own {
		err = errors.Join(err, os.RemoveAll(s.cfg.Dir))
	}
	return err
}

func (s *Server) end(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return nil
	}
	err := s.run.end(sig)
	s.run = nil
	return err
}

// process is one run of the program.
type process struct {
	cmd  *exec.Cmd
	said *tail
	done chan struct{} // closed when it has ended
}

// launch starts the program. The thread that starts it stays until it has ended: the system ends the program when that thread goes, so that none is
// left over when a test is killed.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, said: new(tail), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	dieWithParent(cmd)
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended shows in what it said
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("objectstore: %w", err)
	}
	return p, nil
}

// ready waits until the program takes a signed request. Its health check is not enough: it says ready some time before the program knows its users,
// and until then it refuses what is signed.
func (s *Server) ready(ctx context.Context, p *process) error {
	caller, err := minio.New(s.address, &minio.Options{Creds: credentials.NewStaticV4(s.access, s.secret, ""), Region: Region, MaxRetries: 1})
	if err != nil {
		return fmt.Errorf("objectstore: %w", err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, refused := caller.ListBuckets(ctx)
		if refused == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("objectstore: the program ended at once: %s", p.said)
		case <-ctx.Done():
			return fmt.Errorf("objectstore: not ready: %w: %w: %s", ctx.Err(), refused, p.said)
		case <-tick.C:
		}
	}
}

func (p *process) end(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("objectstore: %w", err)
	}
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return nil
}

// tail keeps the last of what the program said.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

// Write takes what the program says.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 4096; over > 0 {
		t.text = append([]byte(nil), t.text[over:]...)
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}

// freeAddress finds a port that is free, and that the system gives to nobody who asks for any: while the store is stopped its port has to stay free, however many
// others listen and dial meanwhile. Systems give ports from 32768 on, or from 49152.
func freeAddress() (string, error) {
	const first, behind = 20_000, 32_768
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+mathrand.IntN(behind-first))); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", fmt.Errorf("objectstore: %w", err)
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
