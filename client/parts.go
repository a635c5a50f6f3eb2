package client

import (
	"context"
	"crypto/md5" //nolint:gosec // what the protocol's Content-MD5 is made of; the hash that counts is SHA-256
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// What can go wrong with a part, besides its link.
var (
	// errStale: the URL is no longer good; Plan gives another one.
	errStale = errors.New("client: the address of a part is no longer good")
	// errSpoiled: the part was damaged on its way, or on the disk since it was read.
	errSpoiled = errors.New("client: a part was damaged on its way")
	// errStandstill: nothing moved for too long.
	errStandstill = errors.New("client: a part stands still")
)

// part is one part of a photo that is to be sent.
type part struct {
	job    *job
	offset int64
	size   int64
	url    string
	header map[string]string
	md5    string
}

// job is one photo of which parts are to be sent in this round.
type job struct {
	photos   []*queuedPhoto // all that have these bytes, in one scope
	original Original
	received int64 // by the server, at the plan
	parts    []*part
	more     bool
	settled  int // parts of which it is known what became of them
	arrived  int // of these, the ones that are there
	moved    atomic.Int64
	stage    PhotoStage
}

func (j *job) hash() PhotoHash { return j.photos[0].hash() }
func (j *job) size() int64     { return j.photos[0].state.Size }

// adopt checks what a Plan asks for: parts within the photo, in order and apart from each other, and no larger than any may be.
func (j *job) adopt(upload *roundsv1.PhotoUpload) error {
	j.received, j.more = upload.GetReceivedBytes(), upload.GetMore()
	end, sum := int64(0), int64(0)
	for _, p := range upload.GetParts() {
		if p.GetSize() <= 0 || p.GetSize() > maxPart || p.GetOffset() < end || p.GetOffset() > j.size()-p.GetSize() {
			return fmt.Errorf("%w: a part of %d bytes at %d of a photo of %d", ErrProtocol, p.GetSize(), p.GetOffset(), j.size())
		}
		if u, err := url.Parse(p.GetUrl()); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%w: a part without an address", ErrProtocol) // the address is a secret
		}
		end, sum = p.GetOffset()+p.GetSize(), sum+p.GetSize()
		j.parts = append(j.parts, &part{job: j, offset: p.GetOffset(), size: p.GetSize(), url: p.GetUrl(), header: p.GetHeaders()})
	}
	if j.received < 0 || j.received > j.size()-sum || (len(j.parts) == 0 && (j.more || j.received != j.size())) {
		return fmt.Errorf("%w: %d bytes received and %d asked for, of a photo of %d", ErrProtocol, j.received, sum, j.size())
	}
	return nil
}

// check holds the original against its hash, and computes the sums of the parts from the very bytes that were good: what changes on the disk
// afterwards is refused at the other end. A fault says that nothing of it may be sent.
func (j *job) check(ctx context.Context, originals Originals) (PhotoFault, error) {
	if err := j.open(ctx, originals); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return PhotoGone, nil
		}
		return PhotoUnreadable, nil
	}
	if j.original.Size() != j.size() {
		return PhotoDamaged, nil
	}
	sum, read := sha256.New(), io.Reader(cancelled{ctx, io.NewSectionReader(j.original, 0, j.size())})
	at := int64(0)
	for _, p := range j.parts {
		own := md5.New() //nolint:gosec // see the import
		if _, err := io.CopyN(sum, read, p.offset-at); err != nil {
			return j.unread(ctx)
		}
		if _, err := io.CopyN(io.MultiWriter(sum, own), read, p.size); err != nil {
			return j.unread(ctx)
		}
		at, p.md5 = p.offset+p.size, base64.StdEncoding.EncodeToString(own.Sum(nil))
	}
	if _, err := io.CopyN(sum, read, j.size()-at); err != nil {
		return j.unread(ctx)
	}
	if PhotoHash(sum.Sum(nil)) != j.hash() {
		return PhotoDamaged, nil
	}
	return "", nil
}

func (j *job) unread(ctx context.Context) (PhotoFault, error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return PhotoUnreadable, nil
}

func (j *job) open(ctx context.Context, originals Originals) error {
	j.close()
	original, err := originals.Open(ctx, j.hash())
	if err == nil {
		j.original = original
	}
	return err
}

func (j *job) close() {
	if j.original != nil {
		_ = j.original.Close() // it was only read
		j.original = nil
	}
}

// replyBytes is how much of the answer to a part is read, so that its connection can be used again.
const replyBytes = 16 << 10

// put sends one part. moved hears of the bytes as they leave.
func (u *uploads) put(ctx context.Context, p *part, moved func(int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	still := time.AfterFunc(u.d.cfg.Timing.Standstill, func() { cancel(errStandstill) })
	defer still.Stop()
	t := &travel{moved: moved}
	body := func() io.ReadCloser {
		t.back()
		return &travelling{ctx: ctx, gate: &u.d.words, section: io.NewSectionReader(p.job.original, p.offset, p.size), travel: t, left: p.size,
			still: still, patience: u.d.cfg.Timing.Standstill}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, p.url, body())
	if err != nil {
		return fmt.Errorf("%w: a part without an address", ErrProtocol)
	}
	request.GetBody = func() (io.ReadCloser, error) { return body(), nil }
	for name, value := range p.header {
		request.Header.Set(name, value)
	}
	request.ContentLength = p.size
	request.Header.Set("Content-MD5", p.md5)
	answer, err := u.d.cfg.HTTP.Do(request)
	if err != nil {
		t.back()
		return u.broken(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, replyBytes)
	if err = judgePart(answer); err != nil {
		t.back()
	}
	return err
}

// broken is the error of a part that got no answer, without its address.
func (u *uploads) broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errStandstill) {
			return connect.NewError(connect.CodeUnavailable, cause)
		}
		return cause
	}
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err
	}
	return connect.NewError(connect.CodeUnavailable, fmt.Errorf("client: sending a part: %w", err))
}

// judgePart makes an error of what a server or an object store answered to a part.
func judgePart(answer *http.Response) error {
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusForbidden, code == http.StatusNotFound, code == http.StatusGone, code == http.StatusConflict:
		return errStale
	case code == http.StatusBadRequest, code == http.StatusUnprocessableEntity:
		return errSpoiled
	case code == http.StatusInsufficientStorage:
		return waitFor(roundsv1.ProblemCode_PROBLEM_CODE_FULL, answer)
	case code == http.StatusTooManyRequests:
		return waitFor(roundsv1.ProblemCode_PROBLEM_CODE_RATE, answer)
	case code == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		return waitFor(roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE, answer)
	default:
		return connect.NewError(connect.CodeUnavailable, fmt.Errorf("client: a part was answered %d", code))
	}
}

// pauseUnasked is how long the device waits where it is told to wait, and not for how long.
const pauseUnasked = 10 * time.Second

// waitFor is the error of an answer that asks to wait.
func waitFor(code roundsv1.ProblemCode, answer *http.Response) error {
	pause := pauseUnasked
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds <= 24*3600 {
		pause = time.Duration(seconds) * time.Second
	}
	return &ProblemError{Problem: waitProblem(code, pause), Cause: connect.NewError(connect.CodeUnavailable, errors.New("the storage asks to wait"))}
}

// travel counts the bytes of a part that left, and takes them back when it has to leave again.
type travel struct {
	moved func(int64)
	gone  atomic.Int64
}

func (t *travel) on(n int64) {
	t.gone.Add(n)
	t.moved(n)
}

func (t *travel) back() {
	if gone := t.gone.Swap(0); gone > 0 {
		t.moved(-gone)
	}
}

// travelling is the body of a part on its way. It stops while words travel.
type travelling struct {
	ctx      context.Context
	gate     *gate
	section  *io.SectionReader
	travel   *travel
	left     int64
	still    *time.Timer // strikes when nothing moves
	patience time.Duration
}

const (
	// chunk is how much of a part is handed on at once.
	chunk = 16 << 10
	// crawl is the slowest link, in bytes a second, at which a part that was handed on whole is waited for.
	crawl = 2 << 10
)

// Read implements io.Reader.
func (t *travelling) Read(b []byte) (int, error) {
	t.still.Stop() // it is the device that makes the part wait
	err := t.gate.wait(t.ctx)
	if err != nil {
		return 0, err
	}
	n, err := t.section.Read(b[:min(len(b), chunk)])
	t.left -= int64(n)
	t.travel.on(int64(n))
	patience := t.patience
	if t.left == 0 {
		// The system has taken all of it, and may have much of that still to send.
		patience += min(time.Duration(t.section.Size()/crawl)*time.Second, 4*t.patience)
	}
	t.still.Reset(patience)
	return n, err
}

// Close implements io.Closer.
func (t *travelling) Close() error { return nil }
