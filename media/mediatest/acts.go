package mediatest

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
)

const (
	kib    = 1 << 10
	mib    = 1 << 20
	device = media.Owner("device-1")
	other  = media.Owner("device-2")
)

var ctx = context.Background()

// photo makes bytes that look like noise, the same for the same seed and size.
func photo(seed string, size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(content)
	return content
}

func hashOf(content []byte) media.Hash { return sha256.Sum256(content) }

func uploadOf(owner media.Owner, content []byte) media.Upload {
	return media.Upload{Owner: owner, Hash: hashOf(content), Size: int64(len(content))}
}

func original(content []byte) media.Address { return media.At(media.Original, hashOf(content)) }

// want asks for parts of a size, all that are missing.
func (r *run) want(partBytes int64) media.Want {
	return media.Want{PartBytes: partBytes, MaxParts: 1000, Until: r.Now().Add(time.Hour)}
}

func (r *run) plan(t testing.TB, u media.Upload, partBytes int64) media.Plan {
	t.Helper()
	p, err := r.d.Plan(ctx, u, r.want(partBytes))
	must(t, err)
	r.checkPlan(t, u, partBytes, p)
	return p
}

// checkPlan holds a plan against what it promises.
func (r *run) checkPlan(t testing.TB, u media.Upload, partBytes int64, p media.Plan) {
	t.Helper()
	sum, end := p.Received, int64(0)
	for _, part := range p.Parts {
		if part.Offset < end || part.Size < 1 || part.Size > partBytes || part.Offset+part.Size > u.Size {
			t.Fatalf("part %d+%d of an upload of %d bytes, asked for parts of %d, the one before ends at %d", part.Offset, part.Size, u.Size, partBytes, end)
		}
		end = part.Offset + part.Size
		sum += part.Size
	}
	if !p.More && sum != u.Size {
		t.Fatalf("received %d and the parts make %d of %d bytes", p.Received, sum, u.Size)
	}
	if p.More && sum >= u.Size {
		t.Fatalf("received %d and the parts make %d of %d bytes, and there should be more", p.Received, sum, u.Size)
	}
}

func (r *run) wantReceived(t testing.TB, u media.Upload, want int64) {
	t.Helper()
	if p := r.plan(t, u, mib); p.Received != want {
		t.Errorf("received are %d bytes, want %d", p.Received, want)
	}
}

func md5Of(content []byte) string {
	sum := md5.Sum(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// put is a PUT of a part as a device would make it, but for the body and the MD5 that are given.
func (r *run) put(ctx context.Context, part media.Part, body io.Reader, length int64, sum string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, part.URL, body)
	if err != nil {
		return 0, err
	}
	for name, values := range part.Header {
		req.Header[name] = values
	}
	req.ContentLength = length
	if sum != "" {
		req.Header.Set("Content-MD5", sum)
	}
	answer, err := r.Client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}

// tryPut sends a body for a part and returns the status; 0: there was no answer.
func (r *run) tryPut(part media.Part, body []byte) int {
	status, _ := r.put(ctx, part, bytes.NewReader(body), int64(len(body)), md5Of(body))
	return status
}

func slice(content []byte, part media.Part) []byte {
	return content[part.Offset : part.Offset+part.Size]
}

// send sends the part as it should be.
func (r *run) send(t testing.TB, content []byte, part media.Part) {
	t.Helper()
	body := slice(content, part)
	status, err := r.put(ctx, part, bytes.NewReader(body), part.Size, md5Of(body))
	if err != nil || status != http.StatusOK {
		t.Fatalf("PUT of part %d+%d: status %d, %v", part.Offset, part.Size, status, err)
	}
}

// sendAll sends what is missing.
func (r *run) sendAll(t testing.TB, u media.Upload, content []byte, partBytes int64) {
	t.Helper()
	for more := true; more; {
		p := r.plan(t, u, partBytes)
		for _, part := range p.Parts {
			r.send(t, content, part)
		}
		more = p.More
	}
}

// store brings content in whole, by owner.
func (r *run) store(t testing.TB, owner media.Owner, content []byte) {
	t.Helper()
	u := uploadOf(owner, content)
	r.sendAll(t, u, content, mib)
	must(t, media.Receive(ctx, r.d, u))
}

// wantObject reads an object whole.
func (r *run) wantObject(t testing.TB, at media.Address, want []byte) {
	t.Helper()
	object, err := r.d.Open(ctx, at)
	must(t, err)
	got, err := io.ReadAll(object)
	must(t, errors.Join(err, object.Close()))
	if !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes with hash %s, want %d with %s", at, len(got), hashOf(got), len(want), hashOf(want))
	}
	if info := object.Info(); info.Address != at || info.Size != int64(len(want)) || info.Modified.IsZero() {
		t.Errorf("info of %s with %d bytes: %+v", at, len(want), info)
	}
}

func (r *run) wantNoObject(t testing.TB, at media.Address) {
	t.Helper()
	object, err := r.d.Open(ctx, at)
	if err == nil {
		_ = object.Close()
	}
	wantIs(t, "Open of what is not there", err, media.ErrNotFound)
}

// link makes a link of one hour.
func (r *run) link(t testing.TB, at media.Address) string {
	t.Helper()
	link, err := r.d.Link(ctx, at, media.LinkOptions{Until: r.Now().Add(time.Hour), MediaType: "image/jpeg"})
	must(t, err)
	return link
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// request asks without a body; headers are in pairs of name and value. An answer of status 0 did not come.
func (r *run) request(t testing.TB, method, url string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return answer{}
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	got, err := r.Client.Do(req)
	if err != nil {
		return answer{}
	}
	body, err := io.ReadAll(got.Body)
	must(t, errors.Join(err, got.Body.Close()))
	return answer{got.StatusCode, got.Header, body}
}

func (r *run) wantGet(t testing.TB, url string, want []byte) {
	t.Helper()
	a := r.request(t, http.MethodGet, url)
	if a.status != http.StatusOK || !bytes.Equal(a.body, want) || a.header.Get("Content-Length") != strconv.Itoa(len(want)) {
		t.Errorf("GET: status %d, %d bytes, Content-Length %s; want %d bytes", a.status, len(a.body), a.header.Get("Content-Length"), len(want))
	}
}

// livingFor has something done while what it makes lasts, and returns for how long it was made to last: a short time, or where the machine has so much else to do that the
// time was over before, a longer one. 0: it was not done although there was time.
func (r *run) livingFor(done func(until time.Time) bool) time.Duration {
	for life := 2 * time.Second; ; life *= 2 {
		began := r.Now()
		switch {
		case done(began.Add(life)):
			return life
		case r.Now().Sub(began) < life-2*time.Second: // seconds may be rounded down: both when it begins and how long it lasts
			return 0
		}
	}
}

// list reads the addresses below a prefix.
func (r *run) list(t testing.TB, prefix string) (all []media.Address) {
	t.Helper()
	for info, err := range r.d.List(ctx, prefix) {
		must(t, err)
		if info.Size < 1 || info.Modified.IsZero() {
			t.Errorf("listed: %+v", info)
		}
		all = append(all, info.Address)
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantIs(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func refused(status int) bool { return status == 0 || status >= 400 && status < 500 }
