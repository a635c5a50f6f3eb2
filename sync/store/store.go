// Package store is the seam between the sync engine and the place where bytes rest: an ordered, transactional key space that is
// split by scope. A transaction lives in exactly one scope, so a scope may live on any shard, file or database.
//
// The engine needs no more than this of a store, and every store passes the same conformance suite (package storetest).
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// The errors that a store answers with, to be tested with errors.Is. Any other error is a fault of the medium: after it the
// outcome of an Update is unknown, and the caller reads again what it has to know.
var (
	// ErrNotFound: Get found no such key.
	ErrNotFound = errors.New("store: no such key")
	// ErrFull: the medium has no room for the write. Nothing was written; reading goes on, and so does writing once there is room.
	ErrFull = errors.New("store: no space left for writing")
	// ErrReadOnly: the directory or the medium may not be written. Nothing was written.
	ErrReadOnly = errors.New("store: read-only")
	// ErrInUse: another process has the directory open.
	ErrInUse = errors.New("store: in use by another process")
	// ErrTooLarge: the transaction writes more than MaxTransaction. Nothing was written.
	ErrTooLarge = errors.New("store: transaction too large")
	// ErrInvalid: a scope, key or value is empty where it may not be, or longer than the limits below. Nothing was written.
	ErrInvalid = errors.New("store: scope, key or value outside the limits")
	// ErrFormat: the directory holds data of a format version that this program does not know.
	ErrFormat = errors.New("store: unknown format version")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
)

// The limits of every store, in bytes.
const (
	MaxScope = 255
	MaxKey   = 1024
	MaxValue = 16 << 20
	// MaxTransaction bounds the keys and values of all Sets and Deletes of one transaction together, with WriteOverhead for each.
	MaxTransaction = 32 << 20
	WriteOverhead  = 16
)

// Scope names one key space of a store: 1 to MaxScope bytes, of any value.
type Scope string

// Check returns an ErrInvalid when the scope's name is empty or too long.
func (s Scope) Check() error {
	if len(s) == 0 || len(s) > MaxScope {
		return fmt.Errorf("%w: scope of %d bytes", ErrInvalid, len(s))
	}
	return nil
}

// CheckKey returns an ErrInvalid when key is empty or longer than MaxKey.
func CheckKey(key []byte) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: key of %d bytes", ErrInvalid, len(key))
	}
	return nil
}

// CheckValue returns an ErrInvalid when value is longer than MaxValue.
func CheckValue(value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("%w: value of %d bytes", ErrInvalid, len(value))
	}
	return nil
}

// Entry is one key and its value. Both are valid until the iteration takes its next step and must not be changed.
type Entry struct {
	Key   []byte
	Value []byte
}

// Span is a half-open range of keys, From <= key < To. A nil From begins at the first key, a nil To ends behind the last one.
// Reverse visits the same keys from the greatest to the smallest.
type Span struct {
	From, To []byte
	Reverse  bool
}

// Prefix returns the span of all keys that begin with prefix.
func Prefix(prefix []byte) Span {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return Span{From: prefix, To: end[:i+1]}
		}
	}
	return Span{From: prefix}
}

// Reader reads one scope. It is valid until the function that received it returns, and for one goroutine.
type Reader interface {
	// Get returns the value of key, valid until the transaction ends and not to be changed, or ErrNotFound.
	Get(key []byte) ([]byte, error)
	// Scan visits the keys of a span in order; a span whose From is not less than its To is empty. In an Update it sees the
	// transaction's own writes as of the moment the iteration begins; the transaction must not write while it iterates, but
	// may Get and begin other scans. An error ends the iteration and comes as its last pair.
	Scan(span Span) iter.Seq2[Entry, error]
}

// Writer reads and writes one scope. Keys are 1 to MaxKey bytes, values 0 to MaxValue. The store may keep the slices that it is
// given until the transaction has ended: the caller must not change them before. An empty and a nil value are the same.
type Writer interface {
	Reader
	// Set writes a key. It answers ErrInvalid or ErrTooLarge beyond the limits; then the Update writes nothing and returns
	// that error, even if the caller of Set ignored it.
	Set(key, value []byte) error
	// Delete removes a key; a key that does not exist is no error. Its errors are those of Set.
	Delete(key []byte) error
}

// Store is an ordered, transactional key space split by scope. Its methods may be called from any number of goroutines.
//
// A context that is done before a transaction starts (also while it waits for its turn) ends the call with the context's error
// and without effect. Once the function runs, the context no longer matters: the outcome of a commit is always reported. The
// function must not start an Update on the same store, nor close it: it could wait for itself. When it panics, nothing is
// written and the panic goes on.
type Store interface {
	// View runs read on a consistent snapshot of one scope: all commits that returned before View was called are in it, no
	// later write changes it, and nothing is in it that a crash could still undo. It does not wait for writers. The error of
	// read is returned as it is. A scope that was never written is empty.
	View(ctx context.Context, scope Scope, read func(Reader) error) error
	// Update runs write in one transaction and commits it; when Update returns nil, the writes are durable (fsync). Updates of
	// one scope run one after the other, those of different scopes beside each other, sharing syncs of the medium where it can.
	// An error of write is returned as it is and nothing is written. See the errors above for what the others mean.
	Update(ctx context.Context, scope Scope, write func(Writer) error) error
	// Scopes returns, in order, the scopes that hold at least one key.
	Scopes(ctx context.Context) ([]Scope, error)
	// Drop removes every key of a scope, durably. It is atomic: after a crash either all keys stand or none.
	Drop(ctx context.Context, scope Scope) error
	// Close waits for running transactions and releases the medium. Later calls answer ErrClosed.
	Close() error
}
