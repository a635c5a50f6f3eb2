package server

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/sync/store"
)

// The scopes of the store that hold no records.
const (
	authScope   store.Scope = "auth"
	serverScope store.Scope = "server"
)

// authStore lets an auth.Authority keep everything in one scope of a store.
type authStore struct{ of store.Store }

var _ auth.Store = authStore{}

// View implements auth.Store.
func (s authStore) View(ctx context.Context, read func(auth.Reader) error) error {
	return s.of.View(ctx, authScope, func(r store.Reader) error { return read(authReader{r}) })
}

// Update implements auth.Store.
func (s authStore) Update(ctx context.Context, write func(auth.Writer) error) error {
	return s.of.Update(ctx, authScope, func(w store.Writer) error { return write(authWriter{authReader{w}, w}) })
}

type authReader struct{ r store.Reader }

// Get implements auth.Reader.
func (a authReader) Get(key []byte) ([]byte, bool, error) {
	value, err := a.r.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	return value, err == nil, err
}

// Scan implements auth.Reader.
func (a authReader) Scan(from, to []byte) iter.Seq2[auth.Entry, error] {
	return func(yield func(auth.Entry, error) bool) {
		for e, err := range a.r.Scan(store.Span{From: from, To: to}) {
			if !yield(auth.Entry{Key: e.Key, Value: e.Value}, err) {
				return
			}
		}
	}
}

type authWriter struct {
	authReader
	w store.Writer
}

var _ auth.Writer = authWriter{}

// Set implements auth.Writer.
func (a authWriter) Set(key, value []byte) error { return a.w.Set(key, value) }

// Delete implements auth.Writer.
func (a authWriter) Delete(key []byte) error { return a.w.Delete(key) }

// recordScopes are the scopes of a store that hold records, in order.
func recordScopes(ctx context.Context, of store.Store) ([]store.Scope, error) {
	all, err := of.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(scope store.Scope) bool { return scope == authScope || scope == serverScope }), nil
}

// recordScopes are those of the server's store.
func (s *Server) recordScopes(ctx context.Context) ([]store.Scope, error) {
	return recordScopes(ctx, s.store)
}
