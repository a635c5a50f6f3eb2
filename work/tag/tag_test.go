package tag_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rounds-sync/rounds/work/tag"
)

const (
	site  = "0199c0de-0000-7000-8000-000000000001"
	place = "0199c0de-0000-7000-8000-000000000b02"
)

func key(seed byte) tag.Key {
	return tag.DeriveKey([]byte(strings.Repeat(string(rune(seed)), 32)), site)
}

func issue(t *testing.T, what tag.Tag, k tag.Key) string {
	t.Helper()
	payload, err := tag.Issue(what, k)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// TestFormat holds the text against what other programs may rely on. The code was reckoned with another implementation (Python's hmac).
func TestFormat(t *testing.T) {
	payload := issue(t, tag.Tag{Site: site, Place: place}, tag.Key{})
	if want := "R1.AZnA3gAAcACAAAAAAAAAAQ.AZnA3gAAcACAAAAAAAALAg.osnQJuOnF390L8u-C30S-A"; payload != want {
		t.Errorf("%s, want %s", payload, want)
	}
	if len(payload) != tag.Length || tag.Length != 71 {
		t.Errorf("%d characters, %d said", len(payload), tag.Length)
	}
}

func TestRead(t *testing.T) {
	here := tag.Tag{Site: site, Place: place}
	old, fresh := key('a'), key('b')
	payload := issue(t, here, old)
	for _, test := range []struct {
		name    string
		payload string
		keys    tag.Keys
		want    error
	}{
		{"the key", payload, tag.Keys{old}, nil},
		{"the key before the rotation", payload, tag.Keys{fresh, old}, nil},
		{"a key that was dropped", payload, tag.Keys{fresh}, tag.ErrFalse},
		{"no key", payload, nil, tag.ErrFalse},
		{"empty", "", tag.Keys{old}, tag.ErrForeign},
		{"another version", "R2" + payload[2:], tag.Keys{old}, tag.ErrForeign},
		{"shorter", payload[:len(payload)-1], tag.Keys{old}, tag.ErrForeign},
		{"longer", payload + "A", tag.Keys{old}, tag.ErrForeign},
		{"a point missing", strings.Replace(payload, ".", "A", 2), tag.Keys{old}, tag.ErrForeign},
		{"a line break", payload[:10] + "\n" + payload[11:], tag.Keys{old}, tag.ErrForeign},
		{"a web address", "https://rounds.example.com/t/" + strings.Repeat("a", 42), tag.Keys{old}, tag.ErrForeign},
	} {
		got, err := tag.Read(test.payload, test.keys)
		if !errors.Is(err, test.want) || (err == nil) != (got == here) {
			t.Errorf("%s: %v %v, want %v", test.name, got, err, test.want)
		}
	}
	if _, err := tag.Issue(tag.Tag{Site: "site", Place: place}, old); err == nil {
		t.Error("issued for what is no site")
	}
	if _, err := tag.Issue(tag.Tag{Site: site}, old); err == nil {
		t.Error("issued for no place")
	}
}

// TestEveryBitCounts: whichever character is changed, the tag is none any more.
func TestEveryBitCounts(t *testing.T) {
	k := key('a')
	payload := issue(t, tag.Tag{Site: site, Place: place}, k)
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	for i := range payload {
		for _, c := range letters {
			changed := payload[:i] + string(c) + payload[i+1:]
			if changed == payload {
				continue
			}
			if got, err := tag.Read(changed, tag.Keys{k}); err == nil {
				t.Fatalf("%s is taken for %v", changed, got)
			}
		}
	}
}

// TestSitesDoNotShareKeys: a tag of one site is none of another.
func TestSitesDoNotShareKeys(t *testing.T) {
	master := []byte("a master of thirty-two bytes here")
	other := uuid.NewSHA1(uuid.Nil, []byte("other")).String()
	payload := issue(t, tag.Tag{Site: site, Place: place}, tag.DeriveKey(master, site))
	if _, err := tag.Read(payload, tag.Keys{tag.DeriveKey(master, other)}); !errors.Is(err, tag.ErrFalse) {
		t.Error(err)
	}
}

// TestKeysDoNotShow: whatever prints a key, alone or within something, prints none of it.
func TestKeysDoNotShow(t *testing.T) {
	k := tag.Key([]byte("0123456789abcdefghijklmnopqrstuv"))
	held := struct{ Keys tag.Keys }{tag.Keys{k}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k, "held", held)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k, "held", held)
	shown := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
		shown += fmt.Sprintf(verb+" "+verb, k, held)
	}
	encoded, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	shown += string(encoded)
	for _, part := range []string{"0123", "30313233", "48 49 50", "0x30", "MDEyMz", "60 61 62", "110000 110001"} {
		if strings.Contains(shown, part) {
			t.Errorf("%q shows in %s", part, shown)
		}
	}
}

func FuzzRead(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	k := key('a')
	for range 4 {
		payload, err := tag.Issue(tag.Tag{Site: site, Place: uuid.NewSHA1(uuid.Nil, []byte{byte(random.IntN(256))}).String()}, k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
		f.Add(payload[:random.IntN(len(payload))])
	}
	f.Add("R1..." + strings.Repeat("=", 66))
	f.Fuzz(func(t *testing.T, payload string) {
		got, err := tag.Read(payload, tag.Keys{k})
		if err != nil {
			if got != (tag.Tag{}) {
				t.Fatalf("%v beside %v", got, err)
			}
			if tag.Ours(payload) == errors.Is(err, tag.ErrForeign) {
				t.Fatalf("%q: %v", payload, err)
			}
			return
		}
		// What is taken is what is issued, to the letter.
		if again, err := tag.Issue(got, k); err != nil || again != payload {
			t.Fatalf("%q was taken for %q (%v)", payload, again, err)
		}
	})
}
