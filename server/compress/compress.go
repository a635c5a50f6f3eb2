// Package compress gives Connect handlers and clients the compressions of Rounds: zstd, which is fast and small, and gzip, which everybody has.
//
// What is decompressed is bounded while it is decompressed: a message that would grow beyond the bound costs no more than the bound. Encoders and
// decoders are pooled by Connect; they run in the goroutine of their call and hold some 100 KiB each.
package compress

import (
	"errors"
	"io"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Zstd and Gzip are the names of the compressions on the wire.
const (
	Zstd = "zstd"
	Gzip = "gzip"
)

// ErrTooLarge is the cause of the error of a message that decompresses to more than is allowed.
var ErrTooLarge = errors.New("compress: the message is too large when decompressed")

// Handler lets a handler read both compressions and answer in the one that the caller prefers. No message may decompress to more than most bytes.
// The error of reading one that does is what refuse makes of ErrTooLarge, and of one that is damaged what it makes of that fault; with refuse
// nil they are errors of Connect without details.
func Handler(most int64, refuse func(error) error) connect.HandlerOption {
	if refuse == nil {
		refuse = plain
	}
	return connect.WithHandlerOptions(
		connect.WithCompression(Gzip, decompressor(newGzip, most, refuse), gzipCompressor),
		connect.WithCompression(Zstd, decompressor(newZstd, most, refuse), zstdCompressor),
	)
}

// Client lets a client send zstd, and read zstd and gzip, preferring zstd. No answer may decompress to more than most bytes.
func Client(most int64) connect.ClientOption {
	return connect.WithClientOptions(
		connect.WithAcceptCompression(Gzip, decompressor(newGzip, most, plain), gzipCompressor),
		connect.WithAcceptCompression(Zstd, decompressor(newZstd, most, plain), zstdCompressor),
		connect.WithSendCompression(Zstd),
	)
}

func plain(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return connect.NewError(connect.CodeResourceExhausted, err)
	}
	return connect.NewError(connect.CodeInvalidArgument, err)
}

func gzipCompressor() connect.Compressor {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // only an unknown level is an error
	return w
}

func zstdCompressor() connect.Compressor {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(256<<10))
	if err != nil {
		panic(err) // the options above are constants: only a change of them can fail
	}
	return w
}

// source is a decompressor that can begin anew.
type source interface {
	io.Reader
	Reset(io.Reader) error
}

func newGzip() source { return new(gzip.Reader) }

func newZstd() source {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		panic(err) // as above
	}
	return r
}

func decompressor(make func() source, most int64, refuse func(error) error) func() connect.Decompressor {
	return func() connect.Decompressor { return &bounded{from: make(), most: most, refuse: refuse} }
}

// bounded reads at most so many bytes of a decompressor. It is used by one goroutine at a time.
type bounded struct {
	from   source
	most   int64
	read   int64
	refuse func(error) error
	bad    error // of Reset: told by Read, where Connect passes it on whole
}

var _ connect.Decompressor = (*bounded)(nil)

// Read implements connect.Decompressor.
func (b *bounded) Read(p []byte) (int, error) {
	if b.bad != nil {
		return 0, b.refuse(b.bad)
	}
	n, err := b.from.Read(p)
	if b.read += int64(n); b.read > b.most {
		return 0, b.refuse(ErrTooLarge)
	}
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, b.refuse(err)
	}
	return n, err
}

// Reset implements connect.Decompressor.
func (b *bounded) Reset(r io.Reader) error {
	b.read = 0
	b.bad = b.from.Reset(r)
	return nil
}

// Close implements connect.Decompressor. A decoder with no concurrency holds nothing that must be released.
func (b *bounded) Close() error { return nil }
