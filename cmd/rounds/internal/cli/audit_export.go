package cli

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/rounds-sync/rounds/sync/journal"
)

// export writes journals and the keys of their devices to a directory. A nil export writes nothing.
type export struct {
	dir    string
	keys   map[string]ed25519.PublicKey
	file   *os.File
	writer *journal.Writer
	failed error
}

func newExport(dir string) (*export, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &export{dir: dir, keys: map[string]ed25519.PublicKey{}}, nil
}

func (e *export) key(device string, key ed25519.PublicKey) {
	if e != nil && key != nil {
		e.keys[device] = key
	}
}

// copying begins the file of a journal and returns its entries, each written as it goes by. What the verifier does not read is not written: behind a
// bad entry nothing can be told.
func (e *export) copying(scope string, entries iter.Seq2[[]byte, error]) (iter.Seq2[[]byte, error], error) {
	if e == nil {
		return entries, nil
	}
	name := strings.ReplaceAll(scope, "/", "_") + ".journal"
	var err error
	if e.file, err = os.OpenFile(filepath.Join(e.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	if e.writer, err = journal.NewWriter(e.file, scope); err != nil {
		return nil, errors.Join(err, e.file.Close())
	}
	return func(yield func([]byte, error) bool) {
		for entry, err := range entries {
			if err == nil {
				e.failed = errors.Join(e.failed, e.writer.Add(entry))
			}
			if !yield(entry, err) {
				return
			}
		}
	}, nil
}

// end ends the file of a journal.
func (e *export) end() error {
	if e == nil {
		return nil
	}
	return errors.Join(e.failed, e.writer.Close(), e.file.Sync(), e.file.Close())
}

// close writes the keys.
func (e *export) close() error {
	if e == nil {
		return nil
	}
	text, err := json.MarshalIndent(e.keys, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(e.dir, keysFile), append(text, '\n'), 0o600)
}
