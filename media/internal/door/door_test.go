package door_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/internal/door"
)

// guarded is a storage that nobody without a token may reach.
type guarded struct{ reached *int }

func (g guarded) HasPart(context.Context, door.UploadID, media.Span) (bool, error) {
	*g.reached++
	return false, nil
}

func (g guarded) PutPart(_ context.Context, _ door.UploadID, _ media.Span, body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	return err
}

func (g guarded) Open(context.Context, media.Address) (media.Object, error) {
	*g.reached++
	return nil, media.ErrNotFound
}

var now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func newDoor(t testing.TB) (*door.Door, *int) {
	t.Helper()
	reached := new(int)
	d, err := door.New(door.Config{
		Key: make([]byte, door.KeyBytes), Now: func() time.Time { return now }, Standstill: time.Minute, Logger: slog.New(slog.DiscardHandler),
	}, guarded{reached})
	if err == nil {
		err = d.SetURL("http://x")
	}
	if err != nil {
		t.Fatal(err)
	}
	return d, reached
}

// tokens returns one of each kind.
func tokens(t testing.TB, d *door.Door) (put, get string) {
	t.Helper()
	u := media.Upload{Owner: "device", Size: 256 << 20}
	here := []media.Span{{Offset: 0, Size: u.Size - 1}}
	plan, err := d.Plan(u, here, media.Want{PartBytes: media.MaxPartBytes, MaxParts: 1, Until: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	link, err := d.Link(media.At(media.Large, media.Hash{}), media.LinkOptions{Until: now.Add(time.Hour), MediaType: "image/jpeg"})
	if err != nil {
		t.Fatal(err)
	}
	cut := func(url string) string { return strings.TrimPrefix(url, "http://x"+door.Path) }
	return cut(plan.Parts[0].URL), cut(link)
}

func serve(d *door.Door, method, token string) int {
	r := httptest.NewRequest(method, "http://x"+door.Path, bytes.NewReader([]byte("x")))
	r.URL.Path = door.Path + token
	r.Header.Set("Content-MD5", "nd1Zq/B0l0XjkIS2Oj2mGw==") // whatever it is
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Code
}

// TestTokensAreShort: a phone at 64 kbit/s gets a hundred of them.
func TestTokensAreShort(t *testing.T) {
	d, _ := newDoor(t)
	put, get := tokens(t, d)
	if len(put) > 62 {
		t.Errorf("the token of a part has %d characters", len(put))
	}
	if len(get) > 90 {
		t.Errorf("the token of a link has %d characters", len(get))
	}
}

// TestTokenBits flips every bit of a token: none of the changed ones gets past the door, nor does one that is cut, or written otherwise.
func TestTokenBits(t *testing.T) {
	d, reached := newDoor(t)
	put, get := tokens(t, d)
	serve(d, http.MethodPut, put)
	serve(d, http.MethodGet, get)
	if *reached != 2 {
		t.Fatalf("the tokens as they are got past the door %d times, not twice", *reached)
	}
	for method, token := range map[string]string{http.MethodPut: put, http.MethodGet: get} {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		var changed []string
		for bit := range len(raw) * 8 {
			other := bytes.Clone(raw)
			other[bit/8] ^= 1 << (bit % 8)
			changed = append(changed, base64.RawURLEncoding.EncodeToString(other))
		}
		for i := range token {
			changed = append(changed, token[:i], token[:i]+"\n"+token[i:], token[:i]+"/"+token[i:])
		}
		last := token[len(token)-1]
		for c := range byte(128) { // a last letter whose unused bits differ decodes to the same bytes
			if c != last {
				changed = append(changed, token[:len(token)-1]+string(c))
			}
		}
		for _, bad := range append(changed, token+"=", token+"A", "", strings.Repeat(token, 50)) {
			for _, m := range []string{method, http.MethodPut, http.MethodGet} {
				if code := serve(d, m, bad); code != http.StatusForbidden || *reached != 2 {
					t.Fatalf("%s with token %q: status %d, reached %d", m, bad, code, *reached)
				}
			}
		}
	}
	if code := serve(d, http.MethodPut, get); code != http.StatusForbidden {
		t.Errorf("PUT with a token to GET: %d", code)
	}
	if code := serve(d, http.MethodGet, put); code != http.StatusForbidden {
		t.Errorf("GET with a token to PUT: %d", code)
	}
}

// FuzzToken: nothing gets in that was not given out.
func FuzzToken(f *testing.F) {
	d, reached := newDoor(f)
	put, get := tokens(f, d)
	for _, seed := range []string{put, get, "", "/", "../../etc/passwd", put[:20], strings.Repeat("A", 1000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		before := *reached
		for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodHead} {
			serve(d, method, token)
		}
		if *reached != before && token != put && token != get {
			t.Fatalf("token %q got in", token)
		}
	})
}
