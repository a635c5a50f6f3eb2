//go:build !unix

package badgerstore

import (
	"io/fs"
	"math"
)

// locksItself leaves the locking of the directory to badger.
const locksItself = false

func lockDir(string, bool) (unlock func() error, err error) { return func() error { return nil }, nil }

// freeBytes is not known here: give Config.FreeBytes a function that knows.
func freeBytes(string) (uint64, error) { return math.MaxUint64, nil }

func writable(string) error { return nil }

func bytesOnDisk(info fs.FileInfo) int64 { return info.Size() }
