//go:build !unix

package demo

import (
	"errors"
	"os"
)

// lock takes a file that nobody knows as held: what killed demos left stays here, for a living one could not be told from it.
func lock(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() > 0 {
		return false, err
	}
	_, err = file.WriteString("in use\n")
	return err == nil, errors.Join(err, file.Sync())
}

// inherited: no files are handed to processes here.
func inherited(*os.File) []*os.File { return nil }
