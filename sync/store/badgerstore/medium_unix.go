//go:build unix

package badgerstore

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

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
