package boltstore

import (
	"bytes"
	"iter"

	"go.etcd.io/bbolt"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// reader reads the bucket of a scope, which is nil when it has no keys.
type reader struct{ bucket *bbolt.Bucket }

var _ store.Reader = reader{}

// Get implements store.Reader.
func (r reader) Get(key []byte) ([]byte, error) {
	if r.bucket == nil || len(key) == 0 {
		return nil, store.ErrNotFound
	}
	found, value := r.bucket.Cursor().Seek(key) // Bucket.Get does not tell an empty value from none
	if found == nil || !bytes.Equal(found, key) {
		return nil, store.ErrNotFound
	}
	return value, nil
}

// Scan implements store.Reader.
func (r reader) Scan(span store.Span) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) { scan(r.bucket, span, yield) }
}

func scan(bucket *bbolt.Bucket, span store.Span, yield func(store.Entry, error) bool) {
	if bucket == nil {
		return
	}
	c := bucket.Cursor()
	if span.Reverse {
		for key, value := last(c, span.To); key != nil && bytes.Compare(key, span.From) >= 0; key, value = c.Prev() {
			if !yield(store.Entry{Key: key, Value: value}, nil) {
				return
			}
		}
		return
	}
	key, value := c.Seek(span.From)
	for ; key != nil && (span.To == nil || bytes.Compare(key, span.To) < 0); key, value = c.Next() {
		if !yield(store.Entry{Key: key, Value: value}, nil) {
			return
		}
	}
}

// last moves to the greatest key less than to.
func last(c *bbolt.Cursor, to []byte) (key, value []byte) {
	if to != nil {
		if key, _ := c.Seek(to); key != nil {
			return c.Prev()
		}
	}
	return c.Last()
}

// writer writes the bucket of a scope, which it makes when it has to.
type writer struct {
	all     *bbolt.Bucket
	scope   store.Scope
	bucket  *bbolt.Bucket
	changed bool
	budget  guard.Budget
	err     error
}

var _ store.Writer = (*writer)(nil)

// Get implements store.Reader.
func (w *writer) Get(key []byte) ([]byte, error) { return reader{w.bucket}.Get(key) }

// Scan implements store.Reader.
func (w *writer) Scan(span store.Span) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) { scan(w.bucket, span, yield) }
}

// Set implements store.Writer.
func (w *writer) Set(key, value []byte) error {
	if err := w.budget.Spend(key, value); err != nil {
		return err
	}
	if w.bucket == nil && w.err == nil {
		w.bucket, w.err = w.all.CreateBucket([]byte(w.scope))
	}
	if w.err == nil {
		w.changed = true
		w.err = w.bucket.Put(key, value)
	}
	return w.err
}

// Delete implements store.Writer.
func (w *writer) Delete(key []byte) error {
	if err := w.budget.Spend(key, nil); err != nil {
		return err
	}
	if w.bucket == nil || w.err != nil {
		return w.err
	}
	w.changed = true
	w.err = w.bucket.Delete(key)
	return w.err
}
