package auth

import (
	"context"
	"iter"
)

// Entry is one key and its value. Both are valid until the iteration takes its next step and must not be changed.
type Entry struct {
	Key, Value []byte
}

// Reader reads the key space. It is valid until the function that received it returns, and for one goroutine.
type Reader interface {
	// Get returns the value of key and whether there is one. The value is valid until the transaction ends and must not be changed.
	Get(key []byte) (value []byte, found bool, err error)
	// Scan visits the keys from <= key < to in ascending order; a nil to ends behind the last key. An error ends the iteration and
	// comes as its last pair. The transaction does not write while it iterates.
	Scan(from, to []byte) iter.Seq2[Entry, error]
}

// Writer reads and writes the key space. It reads its own writes. It may keep the slices that it is given until the transaction has
// ended. Keys are at most 64 bytes, values at most 256 KiB.
type Writer interface {
	Reader
	// Set writes a key.
	Set(key, value []byte) error
	// Delete removes a key; a key that does not exist is no error.
	Delete(key []byte) error
}

// Store is the ordered, transactional key space in which an Authority keeps everything. It belongs to that Authority alone. Its methods
// may be called from any number of goroutines.
type Store interface {
	// View runs read on a consistent snapshot that holds every Update which returned before.
	View(ctx context.Context, read func(Reader) error) error
	// Update runs write in one transaction and commits it; when Update returns nil the writes are durable. It may run write more than
	// once. An error of write is returned as it is, and nothing is written. After any other error the outcome is unknown.
	Update(ctx context.Context, write func(Writer) error) error
}
