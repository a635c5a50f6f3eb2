package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Names of the directories that demos make for themselves, and of the file in each that is locked while its demo or its server lives. A directory has the first name until the lock is
// held, so that none with the second is without it but those that are kept.
const (
	makingName = "rounds-new-demo-"
	demoName   = "rounds-demo-"
	aliveName  = "alive.lock"
)

// temporary makes a directory for a demo below another one. The file is its lock, held until it is closed, here and in every process that inherits it; nil where the directory is
// to be kept, which no demo removes.
func temporary(in string, keep bool) (dir string, alive *os.File, err error) {
	if keep {
		dir, err = os.MkdirTemp(in, demoName)
		return dir, nil, err
	}
	made, err := os.MkdirTemp(in, makingName)
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(filepath.Dir(made), demoName+strings.TrimPrefix(filepath.Base(made), makingName))
	alive, err = os.OpenFile(filepath.Join(made, aliveName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		var locked bool
		if locked, err = lock(alive); err == nil && !locked {
			err = fmt.Errorf("demo: %s is locked by another process", alive.Name())
		}
		if err = errors.Join(err, os.Rename(made, dir)); err == nil {
			return dir, alive, nil
		}
		err = errors.Join(err, alive.Close())
	}
	return "", nil, errors.Join(err, os.RemoveAll(made))
}

// sweep removes what demos left that were killed, and returns how many directories these were: never one whose demo or server lives, nor one that was kept. What cannot be removed is
// another's, or in another's way, and stays.
func sweep(in string) int {
	left, err := filepath.Glob(filepath.Join(in, demoName+"*", aliveName))
	if err != nil {
		return 0
	}
	n := 0
	for _, path := range left {
		if sweepOne(path) == nil {
			n++
		}
	}
	return n
}

var errAlive = errors.New("demo: its process lives")

func sweepOne(path string) (err error) {
	dir := filepath.Dir(path)
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() { // a link may lead anywhere
		return errors.Join(errAlive, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }() // held while the directory goes: two demos may begin at once
	locked, err := lock(file)
	if err != nil || !locked {
		return errors.Join(errAlive, err)
	}
	return os.RemoveAll(dir)
}
