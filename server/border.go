package server

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/server/compress"
)

var errNoMethod = errors.New("this call is not open to anybody")

func errNotInService() error {
	return refusal(connect.CodePermissionDenied,
		say(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "您没有这项权限", "The device was revoked or the person is suspended"))
}

type (
	requestIDKey struct{}
	remoteKey    struct{}
	answerKey    struct{}
)

// cutAfter ends the writing of a call's answer after a time, also of what is being written then to a reader that takes nothing. The earliest time counts.
func cutAfter(ctx context.Context, d time.Duration) {
	if answer, ok := ctx.Value(answerKey{}).(*patientWriter); ok {
		answer.cut(time.Now().Add(d))
	}
}

// requestID returns the id under which a call is logged.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// remoteOf returns the address that a call comes from; zero where it has none.
func remoteOf(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(remoteKey{}).(netip.Addr)
	return addr
}

// border is the outermost layer around the calls. It refuses what is no call of this server, in the form of the protocol that the caller speaks
// and with a Problem, and sees to it that neither a slow sender nor a slow reader holds on to anything.
type border struct {
	next       http.Handler
	procedures map[string]bool // procedure to whether it streams
	errors     *connect.ErrorWriter
	proxies    []netip.Prefix
	prefix     string // of request ids
	count      atomic.Uint64
	most       int64
	read       time.Duration
	rejected   func(reason string)
}

// ServeHTTP implements http.Handler.
func (b *border) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Request-Id")
	if !isRequestID(id) {
		id = b.prefix + strconv.FormatUint(b.count.Add(1), 36)
	}
	w.Header().Set("X-Request-Id", id)
	ctx := context.WithValue(r.Context(), requestIDKey{}, id)
	ctx = context.WithValue(ctx, remoteKey{}, b.remote(r))
	if answer, ok := w.(*patientWriter); ok {
		ctx = context.WithValue(ctx, answerKey{}, answer)
	}
	r = r.WithContext(ctx)
	if refused, status := b.refuse(w, r); refused != nil {
		b.rejected("form")
		if status != 0 { // no protocol of ours: an answer that curl shows and a Connect client understands
			w = &fixedStatus{w, status}
		}
		_ = b.errors.Write(w, r, refused)
		return
	}
	r.Body = &body{from: r.Body, control: http.NewResponseController(w), standstill: b.read, enveloped: isEnveloped(r), most: b.most, left: -1}
	b.next.ServeHTTP(w, r)
}

// refuse returns an error for what is no call, and the HTTP status where it is not of Connect's choosing.
func (b *border) refuse(w http.ResponseWriter, r *http.Request) (*connect.Error, int) {
	streams, ok := b.procedures[r.URL.Path]
	if !ok {
		return refusal(connect.CodeUnimplemented, say(0, "没有这个接口", "There is no such call")), 0
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return refusal(connect.CodeUnimplemented, say(0, "请使用 POST", "Calls are made with POST")), http.StatusMethodNotAllowed
	}
	mediaType, _, _ := strings.Cut(strings.ToLower(r.Header.Get("Content-Type")), ";")
	mediaType = strings.TrimSpace(mediaType)
	allowed := []string{"application/json", "application/proto"}
	if streams {
		allowed = []string{"application/connect+json", "application/connect+proto"}
	}
	allowed = append(allowed, "application/grpc", "application/grpc+proto", "application/grpc+json",
		"application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json")
	if !slices.Contains(allowed, mediaType) {
		w.Header().Set("Accept-Post", strings.Join(allowed, ", "))
		return malformed("The Content-Type is none of " + strings.Join(allowed, ", ")), http.StatusUnsupportedMediaType
	}
	for _, name := range []string{"Content-Encoding", "Connect-Content-Encoding", "Grpc-Encoding"} {
		switch r.Header.Get(name) {
		case "", "identity", compress.Gzip, compress.Zstd:
		default:
			return refusal(connect.CodeUnimplemented,
				say(0, "不支持的压缩方式", "The request is compressed by neither gzip nor zstd")), 0
		}
	}
	if v := r.Header.Get("Connect-Protocol-Version"); v != "" && v != "1" {
		return malformed("The Connect-Protocol-Version is not 1"), http.StatusBadRequest
	}
	return nil, 0
}

// remote returns the address of the caller: that of the connection, or where that is a proxy of ours, the last one in X-Forwarded-For that is not.
func (b *border) remote(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host)
	ours := func(a netip.Addr) bool {
		return slices.ContainsFunc(b.proxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0 && ours(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(forwarded[i]))
		if err != nil {
			break
		}
		addr = next
	}
	return addr
}

func isRequestID(s string) bool {
	return len(s) > 0 && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	}) < 0
}

// isEnveloped tells whether the body consists of messages with their lengths before them.
func isEnveloped(r *http.Request) bool {
	t := strings.ToLower(r.Header.Get("Content-Type"))
	return strings.HasPrefix(t, "application/grpc") || strings.HasPrefix(t, "application/connect+")
}

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

// patient gives every write of next its own deadline, so that a reader that takes nothing is given up and one that is slow is not. A body that is
// announced has one from the start: net/http reads what next leaves of it, and would wait for it for ever.
func patient(next http.Handler, read, write time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.ContentLength != 0 {
			_ = control.SetReadDeadline(time.Now().Add(read))
		}
		next.ServeHTTP(&patientWriter{ResponseWriter: w, control: control, standstill: write}, r)
	})
}

// patientWriter is the writer of one call. A deadline stands from a write to the next flush: an idle stream has none, unless the whole answer has an end.
type patientWriter struct {
	http.ResponseWriter
	control    *http.ResponseController
	standstill time.Duration

	mu  sync.Mutex // guards end, and makes it one step with the deadline that follows from it
	end time.Time  // of the whole answer; zero: none
}

var (
	_ http.ResponseWriter = (*patientWriter)(nil)
	_ http.Flusher        = (*patientWriter)(nil)
)

// Write implements io.Writer.
func (w *patientWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher. When it fails the call's context ends.
func (w *patientWriter) Flush() {
	w.begin()
	_ = w.control.Flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.control.SetWriteDeadline(w.end)
}

// begin sets the deadline of a write.
func (w *patientWriter) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := time.Now().Add(w.standstill)
	if !w.end.IsZero() && w.end.Before(at) {
		at = w.end
	}
	_ = w.control.SetWriteDeadline(at)
}

// cut gives the answer an end, and what is being written the time until then at most. Any goroutine may call it, while the call lasts.
func (w *patientWriter) cut(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end.IsZero() || at.Before(w.end) {
		w.end = at
		if until := time.Now().Add(w.standstill); until.Before(at) {
			at = until
		}
		_ = w.control.SetWriteDeadline(at)
	}
}

// Unwrap lets an http.ResponseController through.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// fixedStatus answers with its own status.
type fixedStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *fixedStatus) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }
