package arbitration_test

import (
	"bytes"
	"context"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/rounds-sync/rounds/client"
)

// album keeps the originals of a phone in memory.
type album struct {
	mu   sync.Mutex // guards kept
	kept map[client.PhotoHash][]byte
}

var _ client.Originals = (*album)(nil)

func newAlbum() *album { return &album{kept: map[client.PhotoHash][]byte{}} }

// Create implements client.Originals.
func (a *album) Create(context.Context) (client.NewOriginal, error) { return &negative{album: a}, nil }

// Open implements client.Originals.
func (a *album) Open(_ context.Context, hash client.PhotoHash) (client.Original, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	content, ok := a.kept[hash]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return developed{bytes.NewReader(content)}, nil
}

// Remove implements client.Originals.
func (a *album) Remove(_ context.Context, hash client.PhotoHash) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kept, hash)
	return nil
}

// List implements client.Originals.
func (a *album) List(context.Context) iter.Seq2[client.PhotoHash, error] {
	a.mu.Lock()
	all := slices.Collect(maps.Keys(a.kept))
	a.mu.Unlock()
	return func(yield func(client.PhotoHash, error) bool) {
		for _, hash := range all {
			if !yield(hash, nil) {
				return
			}
		}
	}
}

// negative is an original that is not kept yet.
type negative struct {
	bytes.Buffer
	album *album
}

// Keep implements client.NewOriginal.
func (n *negative) Keep(hash client.PhotoHash) error {
	n.album.mu.Lock()
	defer n.album.mu.Unlock()
	n.album.kept[hash] = bytes.Clone(n.Bytes())
	return nil
}

// Discard implements client.NewOriginal.
func (n *negative) Discard() error { return nil }

// developed is an original that is read.
type developed struct{ *bytes.Reader }

// Close implements client.Original.
func (developed) Close() error { return nil }
