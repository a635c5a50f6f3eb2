//go:build !linux

package bench

import "os"

// syncData puts the content of a file on the medium.
func syncData(f *os.File) error { return f.Sync() }
