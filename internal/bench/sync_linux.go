package bench

import (
	"os"
	"syscall"
)

// syncData puts the content of a file on the medium.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
