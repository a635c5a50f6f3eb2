package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// PhotoHash is the SHA-256 of a photo's bytes, by which it is known everywhere.
type PhotoHash [sha256.Size]byte

// String writes the hash in hexadecimal, lower case.
func (h PhotoHash) String() string { return hex.EncodeToString(h[:]) }

// Originals keep the bytes of photos until the server has them. Each is kept once, whatever the number of photos that have the same bytes.
// They belong to one Device at a time. Whether they rest encrypted is the platform's business. Methods may be called from any number of
// goroutines.
type Originals interface {
	// Create begins a new original. Nobody finds it before it is kept.
	Create(ctx context.Context) (NewOriginal, error)
	// Open reads an original. An error that is fs.ErrNotExist says that there is none. The caller closes it.
	Open(ctx context.Context, hash PhotoHash) (Original, error)
	// Remove deletes an original. One that is not there is no error.
	Remove(ctx context.Context, hash PhotoHash) error
	// List visits the hashes of all originals that are kept. An error ends the iteration and comes as its last pair.
	List(ctx context.Context) iter.Seq2[PhotoHash, error]
}

// NewOriginal is an original that is being written, by one goroutine. It ends with Keep or Discard.
type NewOriginal interface {
	io.Writer
	// Keep makes what was written the original of a hash, which the caller has computed. It is durable when Keep returns nil, and replaces
	// what was kept there before.
	Keep(hash PhotoHash) error
	// Discard forgets what was written. After Keep it does nothing.
	Discard() error
}

// Original is an original that is being read. Its methods may be called from several goroutines.
type Original interface {
	io.ReaderAt
	io.Closer
	// Size in bytes.
	Size() int64
}

// FolderOriginals are originals in a folder, each a file of its own that is named by its hash. Make them with Folder.
type FolderOriginals struct{ dir string }

var _ Originals = (*FolderOriginals)(nil)

// newSuffix marks files that were begun and not kept.
const newSuffix = ".new"

// Folder opens a folder of originals, making it where it is missing, readable by nobody else. What an earlier process began there and did not
// keep is removed: a folder is open in one process at a time, as the store is.
func Folder(dir string) (*FolderOriginals, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("client: originals: %w", err)
	}
	begun, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*"+newSuffix))
	if err != nil {
		return nil, fmt.Errorf("client: originals: %w", err)
	}
	for _, path := range begun {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("client: originals: %w", err)
		}
	}
	return &FolderOriginals{dir: dir}, nil
}

// escapeGlob keeps the characters of a path from being taken for a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (f *FolderOriginals) path(hash PhotoHash) string { return filepath.Join(f.dir, hash.String()) }

// Create implements Originals.
func (f *FolderOriginals) Create(ctx context.Context) (NewOriginal, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(f.dir, "*"+newSuffix)
	if err != nil {
		return nil, err
	}
	return &newFile{folder: f, file: file}, nil
}

// Open implements Originals.
func (f *FolderOriginals) Open(ctx context.Context, hash PhotoHash) (Original, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.Open(f.path(hash))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return fileOriginal{File: file, size: info.Size()}, nil
}

// Remove implements Originals.
func (f *FolderOriginals) Remove(ctx context.Context, hash PhotoHash) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Remove(f.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List implements Originals. Files with other names than hashes are not of this package, and passed over.
func (f *FolderOriginals) List(ctx context.Context) iter.Seq2[PhotoHash, error] {
	return func(yield func(PhotoHash, error) bool) {
		files, err := os.ReadDir(f.dir)
		if err != nil {
			yield(PhotoHash{}, err)
			return
		}
		for _, file := range files {
			if err := ctx.Err(); err != nil {
				yield(PhotoHash{}, err)
				return
			}
			b, err := hex.DecodeString(file.Name())
			if err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != file.Name() {
				continue
			}
			if !yield(PhotoHash(b), nil) {
				return
			}
		}
	}
}

// fileOriginal is a file that is being read.
type fileOriginal struct {
	*os.File
	size int64
}

// Size implements Original.
func (o fileOriginal) Size() int64 { return o.size }

// newFile is a file that is being written.
type newFile struct {
	folder *FolderOriginals
	file   *os.File
	ended  bool
}

// Write implements io.Writer.
func (n *newFile) Write(b []byte) (int, error) { return n.file.Write(b) }

// Keep implements NewOriginal: the bytes are synced before the file gets its name, and the folder after.
func (n *newFile) Keep(hash PhotoHash) error {
	if err := errors.Join(n.file.Sync(), n.file.Close()); err != nil {
		return errors.Join(err, n.Discard())
	}
	if err := os.Rename(n.file.Name(), n.folder.path(hash)); err != nil {
		return errors.Join(err, n.Discard())
	}
	n.ended = true
	return syncFolder(n.folder.dir)
}

// Discard implements NewOriginal.
func (n *newFile) Discard() error {
	if n.ended {
		return nil
	}
	n.ended = true
	_ = n.file.Close() // it may be closed already
	if err := os.Remove(n.file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder makes a rename in a folder durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
