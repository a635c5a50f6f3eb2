//go:build unix

package fileblobs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rounds-sync/rounds/media"
)

// lockDir locks a folder against other processes, or answers ErrUnavailable.
func lockDir(dir string) (unlock func() error, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("%w: another process has %s open", media.ErrUnavailable, dir)
		}
		return nil, errors.Join(err, d.Close())
	}
	return func() error {
		// Closing would let go only with the last copy of the descriptor, and a child of this process has one from its fork to
		// its exec.
		return errors.Join(unix.Flock(int(d.Fd()), unix.LOCK_UN), d.Close())
	}, nil
}

// freeBytes returns what an unprivileged process may still write to the file system of dir.
func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// isFull tells the errors of a medium, or a quota, that is used up.
func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
