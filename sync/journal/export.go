package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
)

const (
	exportTag = "rounds.export.v1"

	// maxScope bounds the scope in a header, in bytes. The protocol allows 128.
	maxScope = 255
	// exportBuffer is how much is read or written at once.
	exportBuffer = 64 << 10
)

// ErrExport: the stream is not an exported journal of this format, or is damaged or cut off. To be tested with errors.Is.
var ErrExport = errors.New("journal: not a whole export")

// Writer writes an exported journal. Make one with NewWriter; it is not for concurrent use. Who made it closes it: without the trailer
// that Close writes, the export is one that was cut off.
type Writer struct {
	out     *bufio.Writer
	sum     hash.Hash
	entries uint64
	err     error
}

// NewWriter begins an export of the journal of scope. Writing is buffered: an error of w may come only from Close. Close does not close w.
func NewWriter(w io.Writer, scope string) (*Writer, error) {
	if len(scope) == 0 || len(scope) > maxScope {
		return nil, fmt.Errorf("journal: exporting: a scope of %d bytes", len(scope))
	}
	out := &Writer{out: bufio.NewWriterSize(w, exportBuffer), sum: sha256.New()}
	out.write(append([]byte(exportTag), 0))
	out.block([]byte(scope))
	return out, out.err
}

// Add writes the next encoded entry. After an error of the stream it returns that error again.
func (w *Writer) Add(encoded []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case len(encoded) == 0 || len(encoded) > MaxEntry:
		return fmt.Errorf("%w: exporting %d bytes", ErrGarbled, len(encoded))
	}
	w.block(encoded)
	if w.err == nil {
		w.entries++
	}
	return w.err
}

// Close writes the trailer and flushes. Nothing can be added after it, and it returns the same when called again.
func (w *Writer) Close() error {
	if w.err == nil {
		sum := w.sum.Sum(nil)
		w.write(append(binary.AppendUvarint([]byte{0}, w.entries), sum...))
	}
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err == nil {
		w.err = errClosed
	}
	if w.err == errClosed {
		return nil
	}
	return w.err
}

var errClosed = errors.New("journal: the export was closed")

// block writes b behind its length.
func (w *Writer) block(b []byte) {
	var length [binary.MaxVarintLen64]byte
	w.write(length[:binary.PutUvarint(length[:], uint64(len(b)))])
	w.write(b)
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	w.sum.Write(b)
	if _, err := w.out.Write(b); err != nil {
		w.err = fmt.Errorf("journal: exporting: %w", err)
	}
}

// Reader reads an exported journal. Make one with NewReader; it is not for concurrent use, and there is nothing to close. It sets aside
// no more memory than the stream has bytes, and never more than for one entry.
type Reader struct {
	in      *bufio.Reader
	sum     hash.Hash
	scope   string
	entries uint64
	buffer  bytes.Buffer
	err     error
}

// NewReader reads the header of an export. It may read more of r than belongs to the export. The error is that of r, or an ErrExport.
func NewReader(r io.Reader) (*Reader, error) {
	in := &Reader{in: bufio.NewReaderSize(r, exportBuffer), sum: sha256.New()}
	tag, err := in.take(uint64(len(exportTag) + 1))
	if err != nil {
		return nil, err
	}
	if string(tag) != exportTag+"\x00" {
		return nil, fmt.Errorf("%w: it begins with other than %q", ErrExport, exportTag)
	}
	length, err := in.length()
	if err != nil {
		return nil, err
	}
	if length == 0 || length > maxScope {
		return nil, fmt.Errorf("%w: a scope of %d bytes", ErrExport, length)
	}
	in.count(length)
	scope, err := in.take(length)
	if err != nil {
		return nil, err
	}
	in.scope = string(scope)
	return in, nil
}

// Scope returns the scope that the header names.
func (r *Reader) Scope() string { return r.scope }

// Next returns the next entry, valid until the next call. Its error is io.EOF behind the last one, and then the export is whole; else
// that of the stream, or an ErrExport; an error comes again with each call. That its bytes are an entry, Next does not check.
func (r *Reader) Next() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	length, err := r.length()
	var encoded []byte
	switch {
	case err != nil:
	case length == 0:
		err = r.trailer()
	case length > MaxEntry:
		err = fmt.Errorf("%w: an entry of %d bytes", ErrExport, length)
	default:
		r.count(length)
		encoded, err = r.take(length)
	}
	if err != nil {
		r.err = err
		return nil, err
	}
	r.entries++
	return encoded, nil
}

// All returns the entries as Next does, and ends behind the last one or with the error that cut them off.
func (r *Reader) All() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			encoded, err := r.Next()
			if err == io.EOF || !yield(encoded, err) || err != nil {
				return
			}
		}
	}
}

// trailer reads what stands behind the last entry. Its error is io.EOF when the export is whole.
func (r *Reader) trailer() error {
	want := r.sum.Sum(nil)
	entries, err := r.length()
	if err != nil {
		return err
	}
	sum, err := r.take(uint64(len(want)))
	switch {
	case err != nil:
		return err
	case entries != r.entries:
		return fmt.Errorf("%w: %d entries, the trailer counts %d", ErrExport, r.entries, entries)
	case !bytes.Equal(sum, want):
		return fmt.Errorf("%w: damaged, its checksum differs", ErrExport)
	}
	switch _, err := r.in.ReadByte(); err {
	case io.EOF:
		return io.EOF
	case nil:
		return fmt.Errorf("%w: bytes behind its trailer", ErrExport)
	default:
		return broken(err)
	}
}

// length reads a number. One that is not in its shortest form is an error: each export has exactly one form.
func (r *Reader) length() (uint64, error) {
	var raw [binary.MaxVarintLen64]byte
	for i := range raw {
		b, err := r.in.ReadByte()
		if err != nil {
			return 0, broken(err)
		}
		raw[i] = b
		if b >= 0x80 {
			continue
		}
		if x, n := binary.Uvarint(raw[:i+1]); n == uvarintLen(x) {
			return x, nil
		}
		break
	}
	return 0, fmt.Errorf("%w: a length that cannot be", ErrExport)
}

// count adds a length to the checksum.
func (r *Reader) count(length uint64) {
	var raw [binary.MaxVarintLen64]byte
	r.sum.Write(raw[:binary.PutUvarint(raw[:], length)])
}

// take reads n bytes.
func (r *Reader) take(n uint64) ([]byte, error) {
	r.buffer.Reset()
	if _, err := io.CopyN(&r.buffer, r.in, int64(n)); err != nil {
		return nil, broken(err)
	}
	r.sum.Write(r.buffer.Bytes())
	return r.buffer.Bytes(), nil
}

// broken makes an ErrExport of a stream that ends too early, and wraps other errors of it.
func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut off", ErrExport)
	}
	return fmt.Errorf("journal: reading an export: %w", err)
}
