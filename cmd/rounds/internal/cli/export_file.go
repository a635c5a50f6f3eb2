package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
)

// exported is a file that is whole.
type exported struct {
	File   string `json:"file"`
	Rows   uint64 `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// exportStream is the stream of an export.
type exportStream interface {
	Receive() bool
	Msg() *roundsv1.ExportResponse
	Err() error
}

// target is where a file goes.
type target struct {
	path  string // "": the server's name for it, in this directory; "-": the standard output
	force bool
}

// free refuses a file that is there.
func (t target) free() error {
	if t.path == "" || t.path == "-" || t.force {
		return nil
	}
	_, err := os.Lstat(t.path)
	switch {
	case err == nil:
		return say(Failed, "%s is there already: --force overwrites it", "%s 已存在：--force 可覆盖", t.path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// take writes a stream's file. It gets its name when it is whole: before, it has a name of its own beside it, and what breaks off is removed. On the
// standard output what came before a break stands; the exit code tells. heard is called with each message.
func (t target) take(stream exportStream, p *program, heard func()) (done exported, err error) {
	var (
		head *roundsv1.ExportHead
		end  *roundsv1.ExportEnd
		to   io.Writer
		part *os.File
		hash = sha256.New()
		size int64
		bar  *bar
	)
	defer func() {
		if bar != nil {
			bar.done()
		}
		if part != nil { // not whole
			_ = part.Close()
			_ = os.Remove(part.Name())
		}
	}()
	for stream.Receive() {
		heard()
		switch m := stream.Msg().GetPart().(type) {
		case *roundsv1.ExportResponse_Head:
			if head != nil {
				return done, say(Failed, "the server sent two files at once", "服务器同时发来两个文件")
			}
			head = m.Head
			if t.path == "" {
				if t.path, err = plainName(head.GetFileName()); err != nil {
					return done, err
				}
				if err := t.free(); err != nil {
					return done, err
				}
			}
			bar = p.progress("export", journal.Seq(head.GetTotal()))
			if to = p.Out; t.path != "-" {
				if _, err := os.Stat(filepath.Dir(t.path)); err != nil {
					return done, err // of the directory, not of a name that nobody gave
				}
				if part, err = os.CreateTemp(filepath.Dir(t.path), "."+filepath.Base(t.path)+".*.part"); err != nil {
					return done, err
				}
				to = part
			}
		case *roundsv1.ExportResponse_Chunk:
			if head == nil || end != nil {
				return done, say(Failed, "the server sent a piece of no file", "服务器发来的内容不属于任何文件")
			}
			data := m.Chunk.GetData()
			_, _ = hash.Write(data)
			size += int64(len(data))
			if _, err := to.Write(data); err != nil {
				return done, err
			}
			if bar.to != nil {
				bar.n = journal.Seq(m.Chunk.GetDone())
				bar.draw()
			}
		case *roundsv1.ExportResponse_End:
			end = m.End
		}
	}
	switch sum := hash.Sum(nil); {
	case stream.Err() != nil:
		return done, stream.Err()
	case head == nil || end == nil:
		return done, say(Unreachable, "the server broke off: the file is not whole, try again", "服务器中断：文件不完整，请重试")
	case size != end.GetSizeBytes() || !bytes.Equal(sum, end.GetSha256()):
		return done, say(Failed, "what arrived is not what the server sent (%d of %d bytes, or another SHA-256): try again", "收到的内容与服务器发送的不符（%d / %d 字节，或 SHA-256 不同）：请重试", size, end.GetSizeBytes())
	default:
		done = exported{File: t.path, Rows: end.GetRows(), Bytes: size, SHA256: hex.EncodeToString(sum)}
	}
	if part == nil {
		return done, nil
	}
	if err := errors.Join(part.Sync(), part.Chmod(0o644), part.Close()); err != nil {
		return exported{}, err
	}
	if err := t.name(part.Name()); err != nil {
		return exported{}, err
	}
	part = nil
	return done, nil
}

// name gives a whole file its name, in one step, and takes no other file's without --force.
func (t target) name(part string) error {
	if t.force {
		return os.Rename(part, t.path)
	}
	err := os.Link(part, t.path)
	switch {
	case err == nil:
		return os.Remove(part)
	case errors.Is(err, fs.ErrExist):
		return say(Failed, "%s came to be meanwhile: --force overwrites it", "%s 在此期间出现：--force 可覆盖", t.path)
	}
	// A file system without second names.
	if err := t.free(); err != nil {
		return err
	}
	return os.Rename(part, t.path)
}

// plainName is the server's name for a file, which must not lead out of the directory.
func plainName(name string) (string, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\:`) || clean(name) != name {
		return "", say(Failed, "the server gives the file a name that it may not have (%q): choose one with --out", "服务器给出的文件名不可用（%q）：请用 --out 指定", name)
	}
	return name, nil
}
