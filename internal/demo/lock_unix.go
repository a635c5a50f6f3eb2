//go:build unix

package demo

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock locks a file against other processes until it is closed, here and wherever it was inherited; false where another holds it.
func lock(file *os.File) (bool, error) {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// inherited are the files that a process of the demo keeps open for as long as it lives.
func inherited(alive *os.File) []*os.File {
	if alive == nil {
		return nil
	}
	return []*os.File{alive}
}
