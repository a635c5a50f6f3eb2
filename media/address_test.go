package media_test

import (
	"crypto/sha256"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rounds-sync/rounds/media"
)

func TestAddress(t *testing.T) {
	h := media.Hash(sha256.Sum256(nil))
	const text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for class, want := range map[media.Class]string{
		media.Original: "sha256/e3/b0/" + text, media.Large: "large/e3/b0/" + text, media.Small: "small/e3/b0/" + text, media.Report: "report/e3/b0/" + text,
	} {
		at := media.At(class, h)
		if string(at) != want {
			t.Errorf("At(%s) = %s, want %s", class, at, want)
		}
		if c, got, err := at.Parse(); c != class || got != h || err != nil {
			t.Errorf("Parse(%s) = %s, %s, %v", at, c, got, err)
		}
	}
	if _, err := media.HashFrom(h[:31]); !errors.Is(err, media.ErrInvalid) {
		t.Errorf("a hash of 31 bytes: %v", err)
	}
	if got, err := media.HashFrom(h[:]); got != h || err != nil {
		t.Errorf("HashFrom = %s, %v", got, err)
	}
}

// FuzzAddress: what Parse accepts is in its one form, and stays below the folder that it is joined to.
func FuzzAddress(f *testing.F) {
	good := string(media.At(media.Original, sha256.Sum256([]byte("x"))))
	for _, seed := range []string{
		good, "", "/", good + "/", "/" + good, strings.ToUpper(good), "sha256/../" + good[7:], "sha256/ab/cd", "large" + good[6:], good[:len(good)-1] + "g",
		strings.Replace(good, "/", `\`, 1), "sha256//" + good[7:], good[:7] + "../.." + good[12:], good + "\x00", "sha256/" + strings.Repeat("0", 70),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		class, h, err := media.Address(text).Parse()
		if err != nil {
			if !errors.Is(err, media.ErrInvalid) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again := media.At(class, h); string(again) != text {
			t.Fatalf("%q is also %q", text, again)
		}
		if !filepath.IsLocal(text) || filepath.Clean(text) != text || strings.ContainsAny(text, "\\\x00.") {
			t.Fatalf("%q is no safe path", text)
		}
	})
}
