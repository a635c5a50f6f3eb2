package door

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rounds-sync/rounds/media"
)

// put takes one part.
func (d *Door) put(w http.ResponseWriter, r *http.Request, token string) {
	b, err := d.sign.open(token)
	if err != nil {
		answer(w, http.StatusForbidden, err.Error())
		return
	}
	part, err := readPart(b)
	if err == nil {
		err = d.inTime(part.end)
	}
	if err != nil {
		answer(w, http.StatusForbidden, err.Error())
		return
	}
	sum, status, err := announced(r, part.span)
	if err != nil {
		answer(w, status, err.Error())
		return
	}
	leave, ok := d.puts.enter(party(part.upload[:]))
	if !ok {
		w.Header().Set("Retry-After", "5")
		answer(w, http.StatusTooManyRequests, "this device sends too many parts at once")
		return
	}
	defer leave()
	here, err := d.storage.HasPart(r.Context(), part.upload, part.span)
	if err != nil {
		d.fault(w, r, err)
		return
	}
	if here && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		w.WriteHeader(http.StatusOK) // the body was not even sent
		return
	}
	body := &body{from: r.Body, left: part.span.Size, md5: md5.New(), want: sum}
	watch := d.watchReads(w, body)
	defer watch.end()
	if here { // it is read all the same: a client that is still writing would not hear the answer
		_, err = io.Copy(io.Discard, body)
	} else {
		err = d.storage.PutPart(r.Context(), part.upload, part.span, body)
	}
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case body.err == nil || !errors.Is(err, body.err):
		d.fault(w, r, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		answer(w, http.StatusRequestTimeout, "nothing came for too long")
	case errors.Is(err, errDamaged):
		answer(w, http.StatusBadRequest, errDamaged.Error())
	default:
		answer(w, http.StatusBadRequest, "the part did not come whole")
	}
}

// announced checks the headers of a PUT and returns the MD5 of what is to come.
func announced(r *http.Request, span media.Span) (sum []byte, status int, err error) {
	if r.ContentLength < 0 {
		return nil, http.StatusLengthRequired, errors.New("Content-Length is missing")
	}
	if r.ContentLength != span.Size {
		return nil, http.StatusBadRequest, fmt.Errorf("this part has %d bytes, the Content-Length is %d", span.Size, r.ContentLength)
	}
	if len(r.Header.Values("Content-Encoding")) > 0 {
		return nil, http.StatusUnsupportedMediaType, errors.New("parts are sent as they are, without Content-Encoding")
	}
	sum, err = base64.StdEncoding.Strict().DecodeString(r.Header.Get("Content-MD5"))
	if err != nil || len(sum) != md5.Size {
		return nil, http.StatusBadRequest, errors.New("Content-MD5 is missing or is not the MD5 of a part in base64")
	}
	return sum, 0, nil
}

var (
	errDamaged = errors.New("the part was damaged on its way: its MD5 is not that of Content-MD5")
	errShort   = errors.New("the part did not come whole")
)

// body reads a part and ends with io.EOF only if it came whole and undamaged. MD5 guards against accidents on the way, nothing else: what a
// photo is worth hangs on its SHA-256.
type body struct {
	from io.Reader
	left int64
	md5  hash.Hash
	want []byte
	read func() // called before each read
	err  error  // how it ended, unless with io.EOF
	end  bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.end:
		return 0, io.EOF
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	b.read()
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.md5.Write(p[:n])
	if b.left == 0 {
		if subtle.ConstantTimeCompare(b.md5.Sum(nil), b.want) != 1 {
			b.err = errDamaged
			return n, b.err
		}
		b.end = true
		return n, nil
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errShort
		}
		b.err = err
	}
	return n, b.err
}

// watchReads takes the server's own limit for a whole request off, as a phone may need long, and gives up when nothing comes.
func (d *Door) watchReads(w http.ResponseWriter, b *body) *standstill {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Time{}) // not every connection has deadlines; then it is without
	watch := watchOver(d.cfg.Standstill, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	b.read = watch.moves
	return watch
}
