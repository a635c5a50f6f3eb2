// Package door is the HTTP side of drivers that have no server of their own: it gives out signed URLs to PUT parts to and to GET objects from, and
// serves them. It trusts nothing but its signature: no name that comes from outside ever reaches the storage behind it.
package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rounds-sync/rounds/media"
)

// Path is the prefix of all paths that a Door serves.
const Path = "/media/v1/"

// KeyBytes is the size of a signing key.
const KeyBytes = 32

// Storage is what is behind the door. Its methods may be called from any number of goroutines.
type Storage interface {
	// HasPart tells whether the bytes of a part are here, in whatever parts they came. ErrNotFound: there is no such upload.
	HasPart(ctx context.Context, id UploadID, span media.Span) (bool, error)
	// PutPart stores a part whole and durably, or not at all. The body ends with io.EOF after just span.Size bytes if they are as they were sent;
	// with any other error nothing is kept and that error is returned. ErrNotFound: there is no such upload.
	PutPart(ctx context.Context, id UploadID, span media.Span, body io.Reader) error
	// Open is that of media.Objects.
	Open(ctx context.Context, at media.Address) (media.Object, error)
}

// Config makes a Door.
type Config struct {
	// Key signs URLs: KeyBytes random bytes. URLs live as long as it does.
	Key []byte
	// Now is the clock that URLs expire by.
	Now func() time.Time
	// Standstill is how long a connection may stand still before it is given up.
	Standstill time.Duration
	// Logger hears of faults of the storage. It is never given a URL.
	Logger *slog.Logger
}

// Door gives out URLs and serves them. Its methods may be called from any number of goroutines.
type Door struct {
	cfg     Config
	sign    signer
	storage Storage
	url     atomic.Pointer[string]
	puts    crowd
}

var _ http.Handler = (*Door)(nil)

// New returns a door to a storage. It has no URL yet.
func New(cfg Config, storage Storage) (*Door, error) {
	if len(cfg.Key) != KeyBytes {
		return nil, fmt.Errorf("%w: a signing key of %d bytes, not %d", media.ErrInvalid, len(cfg.Key), KeyBytes)
	}
	return &Door{cfg: cfg, sign: signer{key: append([]byte(nil), cfg.Key...)}, storage: storage}, nil
}

// SetURL says where the door can be reached: scheme, host and perhaps a path that a proxy takes away, as in "https://rounds.example".
func (d *Door) SetURL(public string) error {
	u, err := url.Parse(public)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%w: a public URL has a scheme, a host, and perhaps a path", media.ErrInvalid)
	}
	base := strings.TrimSuffix(u.String(), "/")
	d.url.Store(&base)
	return nil
}

// base is ErrUnavailable as long as nobody has said where the door can be reached.
func (d *Door) base() (string, error) {
	if base := d.url.Load(); base != nil {
		return *base + Path, nil
	}
	return "", fmt.Errorf("%w: its public URL is not known yet", media.ErrUnavailable)
}

// Plan fills in what an upload still needs, given the parts that are here. upload and want are valid.
func (d *Door) Plan(upload media.Upload, here []media.Span, want media.Want) (media.Plan, error) {
	base, err := d.base()
	if err != nil {
		return media.Plan{}, err
	}
	received, missing, more := media.Missing(upload.Size, here, want)
	plan := media.Plan{Received: received, More: more}
	id, end := IDOf(upload), seconds(want.Until)
	for _, span := range missing {
		token := d.sign.part(partToken{upload: id, span: span, end: end})
		plan.Parts = append(plan.Parts, media.Part{Offset: span.Offset, Size: span.Size, URL: base + token})
	}
	return plan, nil
}

// Link is that of media.Objects.
func (d *Door) Link(at media.Address, options media.LinkOptions) (string, error) {
	class, hash, err := at.Parse()
	if err != nil {
		return "", err
	}
	if err := checkOptions(options); err != nil {
		return "", err
	}
	base, err := d.base()
	if err != nil {
		return "", err
	}
	return base + d.sign.link(linkToken{
		class: class, hash: hash, end: seconds(options.Until), mediaType: options.MediaType, fileName: options.FileName,
	}), nil
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "private, no-store")
	token, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok {
		answer(w, http.StatusNotFound, "nothing is here")
		return
	}
	switch r.Method {
	case http.MethodPut:
		d.put(w, r, token)
	case http.MethodGet, http.MethodHead:
		d.get(w, r, token)
	default:
		header.Set("Allow", "GET, HEAD, PUT")
		answer(w, http.StatusMethodNotAllowed, "only GET, HEAD and PUT are served here")
	}
}

// answer sends a reason in plain text.
func answer(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, reason+"\n")
}

// fault answers for an error of the storage.
func (d *Door) fault(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, media.ErrNotFound) && r.Method == http.MethodPut:
		answer(w, http.StatusNotFound, "there is no such upload: it was finished or dropped; plan again")
	case errors.Is(err, media.ErrNotFound):
		answer(w, http.StatusNotFound, "there is no such object")
	case errors.Is(err, media.ErrFull):
		answer(w, http.StatusInsufficientStorage, "the storage is full")
	case errors.Is(err, media.ErrUnavailable), errors.Is(err, media.ErrClosed):
		w.Header().Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, "the storage is not available")
	case r.Context().Err() != nil:
		answer(w, http.StatusBadRequest, "the request was given up")
	default:
		d.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "media request failed", slog.String("method", r.Method), slog.Any("error", err))
		answer(w, http.StatusInternalServerError, "the storage failed")
	}
}

// inTime answers for a token that has ended.
func (d *Door) inTime(end int64) error {
	if d.cfg.Now().Unix() >= end {
		return errExpired
	}
	return nil
}
