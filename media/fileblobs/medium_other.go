//go:build !unix

package fileblobs

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/rounds-sync/rounds/media"
)

// lockDir locks a folder against other processes by a file that only one may have open; where the system lets several, it only warns them off.
func lockDir(dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, tempName+".lock")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // it cannot be removed while it is open
		return nil, fmt.Errorf("%w: another process has %s open", media.ErrUnavailable, dir)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}

// freeBytes is not known here: only the medium's own word counts.
func freeBytes(string) (int64, error) { return math.MaxInt64 / 2, nil }

// isFull tells the errors of a medium that is used up, which have no common number here.
func isFull(error) bool { return false }

// syncDir has nothing to do: these systems keep names by themselves.
func syncDir(string) error { return nil }
