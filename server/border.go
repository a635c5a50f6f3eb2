package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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
	if !isTimeout(r.Header.Get("Connect-Timeout-Ms"), 10, "") || !isTimeout(r.Header.Get("Grpc-Timeout"), 8, "HMSmun") {
		return malformed("The Connect-Timeout-Ms or the Grpc-Timeout is no time"), http.StatusBadRequest
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

// isTimeout: whether a header says how long its caller waits: nothing, or so many digits with one of the units behind them. Connect would refuse another without a Problem.
func isTimeout(s string, digits int, units string) bool {
	if s == "" {
		return true
	}
	if units != "" {
		if !strings.Contains(units, s[len(s)-1:]) {
			return false
		}
		s = s[:len(s)-1]
	}
	return s != "" && len(s) <= digits && strings.Trim(s, "0123456789") == ""
}

func isRequestID(s string) bool {
	return len(s) > 0 && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	}) < 0
}

// fixedStatus answers with its own status.
type fixedStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *fixedStatus) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }
