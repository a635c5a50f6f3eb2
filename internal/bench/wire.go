package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
)

// wire is a set of connections to the server whose bytes are counted where they enter and leave the kernel: headers are in the count.
type wire struct {
	url       string
	transport *http.Transport
	client    *http.Client
	up, down  atomic.Int64
	made      atomic.Int64 // connections
}

// newWire makes a wire of at most so many connections (0: no limit), by HTTP/1.1 or by HTTP/2 without encryption.
func newWire(url string, connections int, http2 bool) *wire {
	w := &wire{url: url}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	w.transport = &http.Transport{
		DialContext: w.dial, MaxConnsPerHost: connections, MaxIdleConnsPerHost: max(connections, 64), DisableCompression: true, Protocols: protocols,
		ReadBufferSize: 16 << 10,
	}
	w.client = &http.Client{Transport: w.transport}
	return w
}

func (w *wire) close() { w.transport.CloseIdleConnections() }

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.made.Add(1)
	return &countedConn{Conn: c, wire: w}, nil
}

type countedConn struct {
	net.Conn
	wire *wire
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.down.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.up.Add(int64(n))
	return n, err
}

// body is a message as it travels.
type body struct {
	bytes    []byte
	encoding string // "zstd", "gzip" or ""
}

// exchange makes one call of SyncService.Exchange in Connect's unary form and reads the whole answer. into is used again if it is large enough.
// A refusal for the rate is waited out and tried again.
func (w *wire) exchange(ctx context.Context, token string, request body, into []byte) (body, error) {
	for {
		answer, wait, err := w.tryExchange(ctx, token, request, into)
		if wait <= 0 {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return body{}, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (w *wire) tryExchange(ctx context.Context, token string, request body, into []byte) (body, time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+roundsv1connect.SyncServiceExchangeProcedure, bytes.NewReader(request.bytes))
	if err != nil {
		return body{}, 0, err
	}
	r.Header = http.Header{"Content-Type": {"application/proto"}, "Connect-Protocol-Version": {"1"}, "Accept-Encoding": {"zstd, gzip"},
		"Authorization": {"Bearer " + token}, "User-Agent": {"rounds-bench"}}
	if request.encoding != "" {
		r.Header["Content-Encoding"] = []string{request.encoding}
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return body{}, 0, err
	}
	defer resp.Body.Close()
	buffer := bytes.NewBuffer(into[:0])
	if _, err := buffer.ReadFrom(resp.Body); err != nil {
		return body{}, 0, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		wait, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		if err == nil {
			return body{}, max(wait, time.Millisecond), nil
		}
	}
	if resp.StatusCode != http.StatusOK {
		return body{}, 0, refusalOf(resp.StatusCode, buffer.Bytes())
	}
	return body{buffer.Bytes(), resp.Header.Get("Content-Encoding")}, 0, nil
}

func refusalOf(status int, answer []byte) error {
	var told struct{ Code, Message string }
	if json.Unmarshal(answer, &told) == nil && told.Code != "" {
		return fmt.Errorf("the server refused (%d %s): %s", status, told.Code, told.Message)
	}
	return fmt.Errorf("the server refused: status %d", status)
}

// packer compresses and decompresses bodies. It is used by one goroutine at a time.
type packer struct {
	out  *zstd.Encoder
	in   *zstd.Decoder
	gzip gzip.Reader
}

func newPacker() (*packer, error) {
	out, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	in, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &packer{out: out, in: in}, nil
}

func (p *packer) pack(message []byte) body { return body{p.out.EncodeAll(message, nil), "zstd"} }

// unpack returns the message in a body; into is used again if it is large enough.
func (p *packer) unpack(b body, into []byte) ([]byte, error) {
	switch b.encoding {
	case "", "identity":
		return b.bytes, nil
	case "zstd":
		return p.in.DecodeAll(b.bytes, into[:0])
	case "gzip":
		if err := p.gzip.Reset(bytes.NewReader(b.bytes)); err != nil {
			return nil, err
		}
		return io.ReadAll(&p.gzip)
	}
	return nil, fmt.Errorf("the answer is encoded as %q", b.encoding)
}

// stream is an open Watch.
type stream struct {
	resp *http.Response
	end  context.CancelFunc
	head [5]byte
	buf  []byte
}

// watch opens a stream in Connect's form.
func (w *wire) watch(ctx context.Context, token string, request []byte) (*stream, error) {
	ctx, end := context.WithCancel(ctx)
	envelope := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request))), request...)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+roundsv1connect.SyncServiceWatchProcedure, bytes.NewReader(envelope))
	if err != nil {
		end()
		return nil, err
	}
	r.Header = http.Header{"Content-Type": {"application/connect+proto"}, "Connect-Protocol-Version": {"1"},
		"Connect-Accept-Encoding": {"zstd, gzip"}, "Authorization": {"Bearer " + token}, "User-Agent": {"rounds-bench"}}
	resp, err := w.client.Do(r)
	if err != nil {
		end()
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer end()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		_ = resp.Body.Close()
		return nil, refusalOf(resp.StatusCode, text)
	}
	return &stream{resp: resp, end: end}, nil
}

// The flags of an envelope.
const (
	envelopeCompressed = 1
	envelopeLast       = 2
)

// next reads one message. Its bytes are good until the next call.
func (s *stream) next() (body, error) {
	if _, err := io.ReadFull(s.resp.Body, s.head[:]); err != nil {
		return body{}, err
	}
	size := int(binary.BigEndian.Uint32(s.head[1:]))
	if size > 16<<20 {
		return body{}, fmt.Errorf("a message of %d bytes", size)
	}
	if cap(s.buf) < size {
		s.buf = make([]byte, size)
	}
	s.buf = s.buf[:size]
	if _, err := io.ReadFull(s.resp.Body, s.buf); err != nil {
		return body{}, err
	}
	if s.head[0]&envelopeLast != 0 {
		return body{}, errors.Join(io.EOF, fmt.Errorf("the stream ended: %s", s.buf))
	}
	b := body{bytes: s.buf}
	if s.head[0]&envelopeCompressed != 0 {
		b.encoding = s.resp.Header.Get("Connect-Content-Encoding")
	}
	return b, nil
}

func (s *stream) close() {
	s.end()
	_ = s.resp.Body.Close()
}
