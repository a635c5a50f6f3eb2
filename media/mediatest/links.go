package mediatest

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
)

func testLink(t *testing.T, r *run) {
	content := photo("link", 200*kib)
	r.store(t, device, content)
	shown := r.request(t, http.MethodGet, r.link(t, original(content)))
	if shown.status != http.StatusOK || !bytes.Equal(shown.body, content) || shown.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("GET: status %d, %d bytes, %v", shown.status, len(shown.body), shown.header)
	}
	if d, _, _ := strings.Cut(shown.header.Get("Content-Disposition"), ";"); d != "" && d != "inline" {
		t.Errorf("shown, not saved, is %q", d)
	}
	const name = `泵房 "4", before.jpg`
	link, err := r.d.Link(ctx, original(content), media.LinkOptions{Until: r.Now().Add(time.Hour), MediaType: "image/png", FileName: name})
	must(t, err)
	saved := r.request(t, http.MethodGet, link)
	how, params, err := mime.ParseMediaType(saved.header.Get("Content-Disposition"))
	if err != nil || how != "attachment" || params["filename"] != name {
		t.Errorf("Content-Disposition %q: %v", saved.header.Get("Content-Disposition"), err)
	}
	if saved.status != http.StatusOK || saved.header.Get("Content-Type") != "image/png" {
		t.Errorf("saved: status %d, type %s", saved.status, saved.header.Get("Content-Type"))
	}
	tag := shown.header.Get("ETag")
	if again := r.request(t, http.MethodGet, r.link(t, original(content)), "If-None-Match", tag); tag == "" || again.status != http.StatusNotModified {
		t.Errorf("again with ETag %s: status %d", tag, again.status)
	}
}

func testLinkRanges(t *testing.T, r *run) {
	const size = 100_000
	content := photo("ranges", size)
	r.store(t, device, content)
	link := r.link(t, original(content))
	for _, test := range []struct {
		header   string
		from, to int // to < 0: it cannot be satisfied
	}{
		{"bytes=0-0", 0, 1},
		{"bytes=0-", 0, size},
		{"bytes=5-9", 5, 10},
		{"bytes=65535-65536", 65535, 65537},
		{"bytes=99999-", 99_999, size},
		{"bytes=-1", 99_999, size},
		{"bytes=-500", 99_500, size},
		{"bytes=-200000", 0, size},
		{"bytes=50000-999999999", 50_000, size},
		{"bytes=0-99999", 0, size},
		{"bytes=100000-", 0, -1},
		{"bytes=100000-100001", 0, -1},
	} {
		a := r.request(t, http.MethodGet, link, "Range", test.header)
		if test.to < 0 {
			if a.status != http.StatusRequestedRangeNotSatisfiable {
				t.Errorf("%s: status %d", test.header, a.status)
			}
			continue
		}
		where := fmt.Sprintf("bytes %d-%d/%d", test.from, test.to-1, size)
		if a.status != http.StatusPartialContent || !bytes.Equal(a.body, content[test.from:test.to]) || a.header.Get("Content-Range") != where {
			t.Errorf("%s: status %d, %d bytes, Content-Range %q", test.header, a.status, len(a.body), a.header.Get("Content-Range"))
		}
	}
	for _, bad := range []string{"bytes=x-y", "bytes=9-5", "lines=1-2", "bytes", "bytes=-", "bytes=--5", strings.Repeat("bytes=0-1,", 1000) + "2-3"} {
		a := r.request(t, http.MethodGet, link, "Range", bad)
		if whole := a.status == http.StatusOK && bytes.Equal(a.body, content); !whole && !refused(a.status) {
			t.Errorf("Range %.20q: status %d, %d bytes", bad, a.status, len(a.body))
		}
	}
}

func testLinkHead(t *testing.T, r *run) {
	if r.NoHead {
		t.Skip("links of this driver answer GET only")
	}
	content := photo("head", 70_000)
	r.store(t, device, content)
	a := r.request(t, http.MethodHead, r.link(t, original(content)))
	if a.status != http.StatusOK || len(a.body) != 0 || a.header.Get("Content-Length") != "70000" || a.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("HEAD: status %d, %d bytes, %v", a.status, len(a.body), a.header)
	}
}

func testLinkWithoutObject(t *testing.T, r *run) {
	content := photo("later", 100)
	link := r.link(t, original(content))
	if a := r.request(t, http.MethodGet, link); a.status != http.StatusNotFound {
		t.Errorf("a link to nothing: status %d", a.status)
	}
	r.store(t, device, content)
	r.wantGet(t, link, content)
	must(t, r.d.Delete(ctx, original(content)))
	if a := r.request(t, http.MethodGet, link); a.status != http.StatusNotFound {
		t.Errorf("a link to what was deleted: status %d", a.status)
	}
}

func testLinkExpires(t *testing.T, r *run) {
	content := photo("expires", 100)
	r.store(t, device, content)
	var link string
	life := r.livingFor(func(until time.Time) bool {
		var err error
		link, err = r.d.Link(ctx, original(content), media.LinkOptions{Until: until, MediaType: "image/jpeg"})
		if errors.Is(err, media.ErrInvalid) { // its end is near already
			return false
		}
		must(t, err)
		a := r.request(t, http.MethodGet, link)
		return a.status == http.StatusOK && bytes.Equal(a.body, content)
	})
	if life == 0 {
		t.Fatal("a link does not work while it lasts")
	}
	r.Pass(life + time.Second)
	if a := r.request(t, http.MethodGet, link); a.status != http.StatusForbidden || bytes.Contains(a.body, content) {
		t.Errorf("an expired link: status %d", a.status)
	}
}

// tampered returns the URL with one byte after the host changed, for each of these bytes.
func tampered(url string) (all []string) {
	begin := strings.Index(url, "://") + 3
	begin += strings.IndexByte(url[begin:], '/') + 1
	for i := begin; i < len(url); i++ {
		changed := []byte(url)
		changed[i] ^= 1
		all = append(all, string(changed))
	}
	return append(all, url[:len(url)-1], url+"A", url[:begin], url[:begin]+"../"+url[begin:], url+"/..", url+"%0A", url+"=")
}

func testLinkTampered(t *testing.T, r *run) {
	content := photo("tampered", 100)
	r.store(t, device, content)
	link := r.link(t, original(content))
	for _, url := range tampered(link) {
		if a := r.request(t, http.MethodGet, url); !refused(a.status) {
			t.Errorf("tampered: status %d for\n%s instead of\n%s", a.status, url, link)
		}
	}
	r.wantGet(t, link, content)
}

// testMethods uses URLs for what they are not for.
func testMethods(t *testing.T, r *run) {
	content := photo("methods", 100*kib)
	r.store(t, device, content)
	link := r.link(t, original(content))
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, "TRACE", "PROPFIND"} {
		if a := r.request(t, method, link); !refused(a.status) {
			t.Errorf("%s of a link: status %d", method, a.status)
		}
	}
	if status := r.tryPut(media.Part{URL: link}, content); !refused(status) {
		t.Errorf("PUT of bytes to a link: status %d", status)
	}
	r.wantGet(t, link, content)

	u := uploadOf(other, content)
	part := r.plan(t, u, mib).Parts[0]
	r.send(t, content, part)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if a := r.request(t, method, part.URL); !refused(a.status) {
			t.Errorf("%s of a part: status %d", method, a.status)
		}
	}
	r.wantReceived(t, u, u.Size)
}
