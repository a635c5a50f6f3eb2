package server

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// body reads a request's body. A sender that stands still is given up, and what is too large or cut off is refused with a Problem: Connect passes
// on errors of Connect that come from a body, and would make others of its own. It is used by one goroutine at a time.
type body struct {
	from       io.ReadCloser
	control    *http.ResponseController
	standstill time.Duration
	most       int64 // of one message

	enveloped bool
	prefix    [5]byte // of the message that begins
	have      int     // bytes of it
	left      int64   // bytes of the message that are to come; -1 while its prefix is
	total     int64   // bytes so far
	began     time.Time
}

// slowest is how many bytes a second a sender has to send at least, in the long run: a link that is worse than any phone's. Without it one that sends a byte
// now and then would hold its call for months.
const slowest = 256

var _ io.ReadCloser = (*body)(nil)

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	// By the machine's clock, as all deadlines of connections. A connection without deadlines has its own ways to end.
	now := time.Now()
	if b.began.IsZero() {
		b.began = now
	}
	until := now.Add(b.standstill)
	if slow := b.began.Add(b.standstill + time.Duration(b.total)*(time.Second/slowest)); slow.Before(until) {
		until = slow
	}
	_ = b.control.SetReadDeadline(until)
	n, err := b.from.Read(p)
	b.total += int64(n)
	// After its body the connection lives on: for a stream, for the next call. One whose body did not come must not: net/http would wait for the rest.
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	if b.enveloped {
		if large := b.follow(p[:n]); large {
			return 0, tooLarge()
		}
	} else if b.total > b.most {
		return 0, tooLarge()
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		if b.enveloped && (b.left > 0 || b.have > 0) {
			return 0, malformed("The body ends within a message")
		}
		return n, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, malformed("The body ends before its announced length")
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return 0, refusal(connect.CodeDeadlineExceeded, say(0, "上传中断，请重试", "The body of the request did not come"))
	}
	return n, err
}

// follow keeps track of the envelopes, and tells whether a message is too large.
func (b *body) follow(p []byte) bool {
	for len(p) > 0 {
		if b.left > 0 {
			step := min(b.left, int64(len(p)))
			b.left -= step
			p = p[step:]
			if b.left == 0 {
				b.left = -1
			}
			continue
		}
		n := copy(b.prefix[b.have:], p)
		b.have += n
		p = p[n:]
		if b.have < len(b.prefix) {
			break
		}
		b.have = 0
		if b.left = int64(binary.BigEndian.Uint32(b.prefix[1:])); b.left > b.most {
			return true
		}
		if b.left == 0 {
			b.left = -1
		}
	}
	return false
}

// Close implements io.Closer.
func (b *body) Close() error { return b.from.Close() }

// isEnveloped tells whether the body consists of messages with their lengths before them.
func isEnveloped(r *http.Request) bool {
	t := strings.ToLower(r.Header.Get("Content-Type"))
	return strings.HasPrefix(t, "application/grpc") || strings.HasPrefix(t, "application/connect+")
}
