package mediatest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

// MemoryConfig makes a Memory. The zero value is one without faults, whose clock stands still at 2026-01-01.
type MemoryConfig struct {
	// Now is its clock. nil: it stands still.
	Now func() time.Time
	// URL is the public base of the URLs that it gives out; "" is "http://media.invalid", which Transport and Handler serve like any other.
	URL string
	// Key signs the URLs, 32 bytes; nil is one that is always the same.
	Key []byte
	// CapacityBytes is what objects and parts may take together; beyond, writes answer media.ErrFull. 0: no limit.
	CapacityBytes int64
	// Fault, if not nil, decides what becomes of each step of each call. It is called from the goroutine of that call, without a lock held, and so
	// from several at a time if the Memory is used so.
	Fault func(Op) Fault
	// Unsynced makes a liar of it: methods return before what they wrote is durable, which it becomes only when Sync is called. A crash loses the rest.
	Unsynced bool
}

// Memory is a media.Driver in memory, for tests and simulations: deterministic, cheap to make by the thousand, with crashes and faults on demand. Its
// URLs are served by Handler, over real HTTP if a server is put around it, or within the process by Transport.
type Memory struct {
	cfg  MemoryConfig
	door *door.Door
	ops  atomic.Uint64

	mu      sync.Mutex // guards all below
	ended   error      // ErrCrashed or media.ErrClosed
	current *state
	durable *state // the same as current unless MemoryConfig.Unsynced
}

var _ media.Driver = (*Memory)(nil)

// state is everything that is kept. The bytes in it are never changed.
type state struct {
	objects map[media.Address]object
	uploads map[door.UploadID]upload
	bytes   int64
}

type object struct {
	content []byte
	info    media.Info
}

type upload struct {
	size    int64
	parts   map[media.Span][]byte
	touched time.Time
}

func newState() *state {
	return &state{objects: map[media.Address]object{}, uploads: map[door.UploadID]upload{}}
}

func (s *state) clone() *state {
	c := &state{objects: maps.Clone(s.objects), uploads: maps.Clone(s.uploads), bytes: s.bytes}
	for id, u := range c.uploads {
		u.parts = maps.Clone(u.parts)
		c.uploads[id] = u
	}
	return c
}

// NewMemory returns an empty one.
func NewMemory(cfg MemoryConfig) *Memory {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	}
	if cfg.URL == "" {
		cfg.URL = "http://media.invalid"
	}
	if cfg.Key == nil {
		key := sha256.Sum256([]byte("mediatest"))
		cfg.Key = key[:]
	}
	m := &Memory{cfg: cfg, current: newState()}
	m.durable = m.current
	if cfg.Unsynced {
		m.durable = newState()
	}
	d, err := door.New(door.Config{Key: cfg.Key, Now: cfg.Now, Standstill: time.Minute, Logger: slog.New(slog.DiscardHandler)}, behind{m})
	if err == nil {
		err = d.SetURL(cfg.URL)
	}
	if err != nil {
		panic(err) // the test is wrong
	}
	m.door = d
	return m
}

// Handler serves the URLs that this Memory gives out, below "/media/v1/".
func (m *Memory) Handler() http.Handler { return m.door }

// SetURL says under which base the Handler can be reached. It holds for URLs given out from now on.
func (m *Memory) SetURL(base string) error { return m.door.SetURL(base) }

// Transport serves requests within the process and at once, without a socket, whatever host they name.
func (m *Memory) Transport() http.RoundTripper { return transport{m.door} }

type transport struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() { _ = in.Body.Close() }()
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, in)
	response := w.Result()
	response.Request = r
	return response, nil
}

// Crash ends this one where it stands, as a power cut would, and returns a new one, with the same configuration, that holds just what was durable
// at that instant.
func (m *Memory) Crash() *Memory {
	m.crash()
	return m.Clone()
}

// Clone returns a new one, with the same configuration, that holds what is durable in this one, which goes on. A closed one is opened again so.
func (m *Memory) Clone() *Memory { return m.CloneWith(m.cfg) }

// CloneWith is Clone with another configuration.
func (m *Memory) CloneWith(cfg MemoryConfig) *Memory {
	c := NewMemory(cfg)
	m.mu.Lock()
	defer m.mu.Unlock()
	c.ops.Store(m.ops.Load())
	c.current = m.durable.clone()
	c.durable = c.current
	if cfg.Unsynced {
		c.durable = c.current.clone()
	}
	return c
}

// Sync makes everything durable that was written. It matters only with MemoryConfig.Unsynced.
func (m *Memory) Sync() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cfg.Unsynced && m.ended == nil {
		m.durable = m.current.clone()
	}
}

// Durable returns the bytes of an object that would be there after a crash in this moment, also of one that crashed or was closed; nil where there is none.
// They must not be changed, and stay what they are.
func (m *Memory) Durable(at media.Address) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.durable.objects[at].content
}

// Steps returns the N of the last Op. It stays 0 without MemoryConfig.Fault.
func (m *Memory) Steps() uint64 { return m.ops.Load() }

// Close lets nobody in any more. What was written stays: Clone opens it again.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended == nil {
		m.ended = media.ErrClosed
	}
	return nil
}

// Damage changes one bit of an object behind everybody's back, as a bad disk would, or answers media.ErrNotFound.
func (m *Memory) Damage(at media.Address) error {
	return m.change(func(s *state) error {
		o, ok := s.objects[at]
		if !ok || len(o.content) == 0 {
			return media.ErrNotFound
		}
		o.content = slices.Clone(o.content)
		o.content[len(o.content)/2] ^= 1
		s.objects[at] = o
		return nil
	})
}

func (m *Memory) crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = ErrCrashed
}

func (m *Memory) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended
}

// change runs a function on the current state. One that returns an error has changed nothing.
func (m *Memory) change(f func(*state) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended != nil {
		return m.ended
	}
	return f(m.current)
}

// room answers ErrFull if so many bytes more do not fit. It is called with the lock held.
func (m *Memory) room(s *state, more int64) error {
	if m.cfg.CapacityBytes > 0 && s.bytes+more > m.cfg.CapacityBytes {
		return media.ErrFull
	}
	return nil
}

// Put implements media.Objects.
func (m *Memory) Put(ctx context.Context, at media.Address, mediaType string, content []byte) error {
	if _, _, err := at.Parse(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.write(StepPut, func(s *state) error {
		more := int64(len(content) - len(s.objects[at].content))
		if err := m.room(s, more); err != nil {
			return err
		}
		s.bytes += more
		s.objects[at] = object{content: slices.Clone(content), info: media.Info{
			Address: at, Size: int64(len(content)), MediaType: mediaType, Modified: m.cfg.Now(),
		}}
		return nil
	})
}

// Open implements media.Objects.
func (m *Memory) Open(ctx context.Context, at media.Address) (media.Object, error) {
	if _, _, err := at.Parse(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.read(StepOpen); err != nil {
		return nil, err
	}
	var found object
	err := m.change(func(s *state) (err error) {
		var ok bool
		if found, ok = s.objects[at]; !ok {
			return media.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &open{Reader: bytes.NewReader(found.content), info: found.info}, nil
}

// open is an object that is being read.
type open struct {
	*bytes.Reader
	info media.Info
}

// Close implements io.Closer.
func (o *open) Close() error { return nil }

// Info implements media.Object.
func (o *open) Info() media.Info { return o.info }

// Delete implements media.Objects.
func (m *Memory) Delete(ctx context.Context, at media.Address) error {
	if _, _, err := at.Parse(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.write(StepDelete, func(s *state) error {
		s.bytes -= int64(len(s.objects[at].content))
		delete(s.objects, at)
		return nil
	})
}

// List implements media.Objects. It visits what was there when it began.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[media.Info, error] {
	return func(yield func(media.Info, error) bool) {
		err := errors.Join(ctx.Err(), m.read(StepList))
		var infos []media.Info
		if err == nil {
			err = m.change(func(s *state) error {
				for at, o := range s.objects {
					if strings.HasPrefix(string(at), prefix) {
						infos = append(infos, o.info)
					}
				}
				return nil
			})
		}
		if err != nil {
			yield(media.Info{}, err)
			return
		}
		slices.SortFunc(infos, func(a, b media.Info) int { return strings.Compare(string(a.Address), string(b.Address)) })
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(media.Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Link implements media.Objects.
func (m *Memory) Link(ctx context.Context, at media.Address, options media.LinkOptions) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := m.read(StepLink); err != nil {
		return "", err
	}
	return m.door.Link(at, options)
}

// Check implements media.Objects.
func (m *Memory) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.read(StepCheck)
}

// String says what it holds, for messages of tests.
func (m *Memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("%d objects, %d uploads, %d bytes", len(m.current.objects), len(m.current.uploads), m.current.bytes)
}

var _ io.Closer = (*Memory)(nil)
