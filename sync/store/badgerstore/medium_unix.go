//go:build unix

package badgerstore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/rounds-sync/rounds/sync/store"
)

// locksItself tells badger not to lock the directory: lockDir did, in the same way, so that badger's own tools respect it.
const locksItself = true

// lockDir locks a directory against other processes, for reading together with them, or answers store.ErrInUse.
func lockDir(dir string, readOnly bool) (unlock func() error, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	how := unix.LOCK_EX
	if readOnly {
		how = unix.LOCK_SH
	}
	if err := unix.Flock(int(d.Fd()), how|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = store.ErrInUse
		}
		return nil, errors.Join(err, d.Close())
	}
	return func() error {
		// Closing would let go only with the last copy of the descriptor, and a child of this process has one from its fork to
		// its exec.
		return errors.Join(unix.Flock(int(d.Fd()), unix.LOCK_UN), d.Close())
	}, nil
}

// freeBytes returns what an unprivileged process may still write to the filesystem of dir.
func freeBytes(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

// writable returns why nothing can be written in dir, if so.
func writable(dir string) error { return unix.Access(dir, unix.W_OK) }

// bytesOnDisk returns what a file really takes: those of badger have holes.
func bytesOnDisk(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Blocks) * 512
	}
	return info.Size()
}
