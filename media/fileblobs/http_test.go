package fileblobs_test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/fileblobs"
)

// raw is one request by hand and its answer; the connection is closed after.
func (w *world) raw(t *testing.T, head string, body []byte) (status int, header http.Header, answer string) {
	t.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	must(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.Write(append([]byte(strings.ReplaceAll(head, "\n", "\r\n")+"\r\nHost: x\r\n\r\n"), body...))
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	text, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, response.Header, string(text)
}

// onePart plans the upload of a photo of one part and returns the path to PUT it to.
func (w *world) onePart(t *testing.T, u media.Upload) string {
	t.Helper()
	plan, err := w.now.Load().Plan(ctx, u, media.Want{PartBytes: media.MaxPartBytes, MaxParts: 1, Until: w.clock.Now().Add(time.Hour)})
	must(t, err)
	return strings.TrimPrefix(plan.Parts[0].URL, w.server.URL)
}

func sumOf(b []byte) string {
	sum := md5.Sum(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

var update = flag.Bool("update", false, "write the table of bad requests anew")

// answers is the table of requests and what each was told.
type answers struct{ strings.Builder }

func (a *answers) add(request, what string, status int, says string) {
	fmt.Fprintf(a, "| %s | %s | %d | %s |\n", request, what, status, strings.TrimSpace(says))
}

// hold compares the table with the one in testdata, which docs/evidence.md names.
func (a *answers) hold(t *testing.T) {
	t.Helper()
	const golden = "testdata/bad-requests.md"
	table := "| request | what is wrong | status | answer |\n|---|---|---|---|\n" + a.String()
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, []byte(table), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if string(want) != table {
		t.Errorf("%s is not what bad requests are told now: go test -run TestBadRequests ./media/fileblobs -update\n%s", golden, table)
	}
}

// TestBadRequests is what each bad PUT and GET is told. After all PUTs nothing is here.
func TestBadRequests(t *testing.T) {
	var table answers
	w := newWorld(t, nil)
	hasty := newWorld(t, func(c *fileblobs.Config) { c.Standstill = 200 * time.Millisecond }) // too hasty for what has to work on a slow machine
	u, content := killUpload(0, 1)
	path, n, sum := w.onePart(t, u), len(content), sumOf(content)
	head := func(path string, length int, more string) string {
		return fmt.Sprintf("PUT %s HTTP/1.1\nContent-Length: %d%s", path, length, more)
	}
	for _, test := range []struct {
		what, head string
		body       []byte
		status     int
		says       string
	}{
		{"no MD5", head(path, n, ""), content, 400, "Content-MD5 is missing"},
		{"MD5 of something else", head(path, n, "\nContent-MD5: "+sumOf(nil)), content, 400, "damaged"},
		{"MD5 in hexadecimal", head(path, n, fmt.Sprintf("\nContent-MD5: %x", md5.Sum(content))), content, 400, "Content-MD5"},
		{"too short", head(path, n-1, "\nContent-MD5: "+sum), content[1:], 400, "this part has"},
		{"too long", head(path, n+1, "\nContent-MD5: "+sum), append(content[:n:n], 0), 400, "this part has"},
		{"no length", "PUT " + path + " HTTP/1.1\nTransfer-Encoding: chunked\nContent-MD5: " + sum, []byte("0\r\n\r\n"), 411, "Content-Length"},
		{"packed", head(path, n, "\nContent-Encoding: gzip\nContent-MD5: "+sum), content, 415, "Content-Encoding"},
		{"forged", head(path[:len(path)-2]+"AA", n, "\nContent-MD5: "+sum), content, 403, "not given out"},
		{"elsewhere", head("/media/v1/../../etc/passwd", n, "\nContent-MD5: "+sum), content, 403, "not given out"},
		{"standing still", head(hasty.onePart(t, u), n, "\nContent-MD5: "+sum), content[:n/2], 408, "nothing came"},
		{"POST", strings.Replace(head(path, n, ""), "PUT", "POST", 1), content, 405, "only"},
	} {
		to := w
		if test.status == http.StatusRequestTimeout {
			to = hasty
		}
		status, header, says := to.raw(t, test.head, test.body)
		if status != test.status || !strings.Contains(says, test.says) || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: status %d, %q, want %d with %q", test.what, status, says, test.status, test.says)
		}
		request, _, _ := strings.Cut(test.head, " ")
		table.add(request, test.what, status, says)
	}
	if parts := append(files(t, w.path("uploads")), files(t, hasty.path("uploads"))...); len(parts) > 0 {
		t.Errorf("something is here: %v", parts)
	}
	good := head(path, n, "\nContent-MD5: "+sum)
	if status, _, says := w.raw(t, good, content); status != 200 {
		t.Errorf("as it should be: %d %q", status, says)
	}
	if status, _, _ := w.raw(t, good+"\nExpect: 100-continue", nil); status != 200 { // it is here: the body is not even asked for
		t.Errorf("again, with Expect: %d", status)
	}
	must(t, media.Receive(ctx, w.now.Load(), u))
	status, _, says := w.raw(t, good, content)
	if status != 404 || !strings.Contains(says, "plan again") {
		t.Errorf("after Finish: %d %q", status, says)
	}
	table.add("PUT", "after Finish", status, says)
	linkTo := func(class media.Class) string {
		link, err := w.now.Load().Link(ctx, media.At(class, u.Hash), media.LinkOptions{Until: w.clock.Now().Add(time.Hour), MediaType: "image/jpeg"})
		must(t, err)
		return strings.TrimPrefix(link, w.server.URL)
	}
	link, small := linkTo(media.Original), linkTo(media.Small)
	gets := func(tests []badGet) {
		for _, test := range tests {
			status, header, says := w.raw(t, test.method+" "+test.path+" HTTP/1.1"+test.more, nil)
			if status != test.status || !strings.Contains(says, test.says) || header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(says, w.cfg.Dir) {
				t.Errorf("%s: status %d, %q, want %d with %q", test.what, status, says, test.status, test.says)
			}
			table.add(test.method, test.what, status, says)
		}
	}
	at := []byte(link)
	at[len(at)/2] ^= 1
	gets([]badGet{
		{"GET", "no token", "/media/v1/", "", 403, "not given out"},
		{"GET", "one letter of the token changed", string(at), "", 403, "not given out"},
		{"GET", "the token cut", link[:len(link)-1], "", 403, "not given out"},
		{"GET", "something behind the token", link + "/../x", "", 403, "not given out"},
		{"GET", "the token twice", link + link[len("/media/v1/"):], "", 403, "not given out"},
		{"GET", "a token to PUT", path, "", 403, "not given out"},
		{"GET", "an address of the storage", "/media/v1/" + string(media.At(media.Original, u.Hash)), "", 403, "not given out"},
		{"GET", "a path out of the folder", "/media/v1/../../../../etc/passwd", "", 403, "not given out"},
		{"GET", "that path in %2e%2f", "/media/v1/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "", 403, "not given out"},
		{"GET", "a zero byte in the path", "/media/v1/%00", "", 403, "not given out"},
		{"GET", "a path beside the prefix", "/media/v2/x", "", 404, "nothing is here"},
		{"GET", "a copy that is not there", small, "", 404, "no such object"},
		{"GET", "a range behind the end", link, "\nRange: bytes=99999999-", 416, "range"},
		{"GET", "a range that is none", link, "\nRange: bytes=x-y", 416, "range"},
		{"DELETE", "a link to GET", link, "", 405, "only"},
	})
	w.clock.Pass(time.Hour)
	status, _, says = w.raw(t, good, content)
	if status != 403 || !strings.Contains(says, "expired") {
		t.Errorf("after an hour: %d %q", status, says)
	}
	table.add("PUT", "after the address expired", status, says)
	gets([]badGet{{"GET", "after the link expired", link, "", 403, "expired"}})
	table.hold(t)
}

// badGet is a request without a body, and what it is told.
type badGet struct {
	method, what, path, more string
	status                   int
	says                     string
}

// TestGetHeaders: bytes of strangers are shown so that a browser does nothing else with them.
func TestGetHeaders(t *testing.T) {
	w := newWorld(t, nil)
	u, content := killUpload(0, 1)
	must(t, w.now.Load().SetURL(w.server.URL))
	must(t, sendMissing(w.now.Load(), u, content))
	must(t, media.Receive(ctx, w.now.Load(), u))
	link, err := w.now.Load().Link(ctx, media.At(media.Original, u.Hash), media.LinkOptions{Until: w.clock.Now().Add(time.Hour), MediaType: "image/jpeg"})
	must(t, err)
	answer, err := w.server.Client().Get(link)
	must(t, err)
	got, err := io.ReadAll(answer.Body)
	must(t, err)
	must(t, answer.Body.Close())
	if !bytes.Equal(got, content) {
		t.Error("other bytes")
	}
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Content-Disposition": "inline", "Cache-Control": "private, max-age=300", "Referrer-Policy": "no-referrer", "Accept-Ranges": "bytes",
		"Etag": `"` + u.Hash.String() + `"`,
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, bad := range []media.LinkOptions{
		{MediaType: "image/jpeg"},
		{Until: w.clock.Now(), MediaType: "image/jpeg\r\nX-Evil: 1"},
		{Until: w.clock.Now(), FileName: strings.Repeat("x", 256)},
	} {
		_, err := w.now.Load().Link(ctx, media.At(media.Original, u.Hash), bad)
		wantIs(t, fmt.Sprintf("Link with %+v", bad), err, media.ErrInvalid)
	}
}

// TestURLsOutliveTheServer: with the same key a URL works after a restart, with another it does not.
func TestURLsOutliveTheServer(t *testing.T) {
	w := newWorld(t, nil)
	u, content := killUpload(0, 1)
	path := w.onePart(t, u)
	put := fmt.Sprintf("PUT %s HTTP/1.1\nContent-Length: %d\nContent-MD5: %s", path, len(content), sumOf(content))
	must(t, w.now.Load().Close())
	w.cfg.Key = bytes.Repeat([]byte{1}, fileblobs.KeyBytes)
	w.open(t)
	if status, _, _ := w.raw(t, put, content); status != 403 {
		t.Errorf("with another key: %d", status)
	}
	must(t, w.now.Load().Close())
	w.cfg.Key = make([]byte, fileblobs.KeyBytes)
	w.open(t)
	if status, _, says := w.raw(t, put, content); status != 200 {
		t.Errorf("with the same key: %d %q", status, says)
	}
	must(t, media.Receive(ctx, w.now.Load(), u))
}
