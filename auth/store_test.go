package auth_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

var errDisk = errors.New("the disk failed")

// memory is a Store in memory. It asserts what the Store's contract asks of an Authority, and fails when told to.
type memory struct {
	mu      sync.RWMutex // one Update at a time
	rows    map[string][]byte
	updates int
	before  func(update int) error // asked before a commit; an error means that nothing was written
	after   func(update int) error // asked after a commit; an error means that it was written and the reply is lost
	twice   bool                   // run every write function twice, as a store that retries may
}

func newMemory() *memory { return &memory{rows: map[string][]byte{}} }

var _ auth.Store = (*memory)(nil)

func (m *memory) View(_ context.Context, read func(auth.Reader) error) error {
	m.mu.RLock()
	rows := m.rows
	m.mu.RUnlock()
	return read(&memoryTx{rows: rows})
}

func (m *memory) Update(_ context.Context, write func(auth.Writer) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.updates++
	if m.twice {
		if err := write(&memoryTx{rows: maps.Clone(m.rows)}); err != nil {
			return err
		}
	}
	t := &memoryTx{rows: maps.Clone(m.rows)}
	if err := write(t); err != nil {
		return err
	}
	if m.before != nil {
		if err := m.before(m.updates); err != nil {
			return err
		}
	}
	m.rows = t.rows
	if m.after != nil {
		return m.after(m.updates)
	}
	return nil
}

// clone is what is on the disk at this moment.
func (m *memory) clone() *memory {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return &memory{rows: maps.Clone(m.rows)}
}

func (m *memory) equal(o *memory) bool { return maps.EqualFunc(m.rows, o.rows, bytes.Equal) }

type memoryTx struct {
	rows     map[string][]byte
	scanning int
}

var _ auth.Writer = (*memoryTx)(nil)

func (t *memoryTx) Get(key []byte) ([]byte, bool, error) {
	v, ok := t.rows[string(key)]
	return v, ok, nil
}

func (t *memoryTx) Scan(from, to []byte) iter.Seq2[auth.Entry, error] {
	return func(yield func(auth.Entry, error) bool) {
		t.scanning++
		defer func() { t.scanning-- }()
		var keys []string
		for k := range t.rows {
			if k >= string(from) && (to == nil || k < string(to)) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		reused := auth.Entry{}
		for _, k := range keys { // the entry is valid for one step only
			reused.Key, reused.Value = append(reused.Key[:0], k...), append(reused.Value[:0], t.rows[k]...)
			if !yield(reused, nil) {
				return
			}
		}
	}
}

func (t *memoryTx) Set(key, value []byte) error {
	if t.scanning > 0 {
		return errors.New("a write while a scan runs")
	}
	if len(key) == 0 || len(key) > 64 || len(value) > 256<<10 {
		return errors.New("key or value out of bounds")
	}
	t.rows[string(key)] = bytes.Clone(value)
	return nil
}

func (t *memoryTx) Delete(key []byte) error {
	if t.scanning > 0 {
		return errors.New("a write while a scan runs")
	}
	delete(t.rows, string(key))
	return nil
}

// accessKey reads the private signing key from the store, to forge with.
func (w *world) accessKey() ed25519.PrivateKey {
	w.t.Helper()
	for k, v := range w.store.rows {
		var s roundsv1.SigningKeyState
		if k[0] == 'K' && proto.Unmarshal(v, &s) == nil && s.GetUse() == roundsv1.SigningKeyUse_SIGNING_KEY_USE_ACCESS {
			return ed25519.NewKeyFromSeed(s.GetSecret())
		}
	}
	w.t.Fatal("no key in the store")
	return nil
}
