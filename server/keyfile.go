package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// keyBytes is the length of the keys that the server makes itself and keeps in files: of the links to photos, of page tokens, of tags.
const keyBytes = 32

// fileKey reads a key, or makes one at the first start.
func fileKey(path string, rand io.Reader) ([]byte, error) {
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) == keyBytes:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("%s does not hold a key of %d bytes: move it away, and another one is made, which nothing counts for that was signed before", path, keyBytes)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	key = make([]byte, keyBytes)
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, err
	}
	return key, writeWhole(path, key)
}
