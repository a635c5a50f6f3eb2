package review

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// FuzzToken: a token that was not made here is refused, and one that was is read as it was made.
func FuzzToken(f *testing.F) {
	key, req := make([]byte, 32), &roundsv1.ListTicketsRequest{Scopes: []string{"site/1"}}
	d := &desk{Service: &Service{cfg: Config{Key: key}}}
	real := d.token(req, cursor{after: position{last: true, rank: -5, id: uid{1}, scope: 3}, nowUS: 7})
	f.Add(real, int64(3), true, uint8(1))
	f.Add("", int64(-1), false, uint8(0))
	f.Add(real[:len(real)-1]+"A", int64(0), true, uint8(63))
	f.Fuzz(func(t *testing.T, token string, rank int64, last bool, scope uint8) {
		to := bound("", req)
		if c, ok := openToken(key, to, token); ok && d.token(req, *c) != token {
			t.Fatalf("%q is read as %+v, whose token is another", token, c)
		}
		made := cursor{after: position{last: last, rank: rank, id: uid{2, byte(rank)}, scope: scope}, nowUS: rank / 2}
		c, ok := openToken(key, to, d.token(req, made))
		if !ok || *c != made {
			t.Fatalf("%+v came back as %+v", made, c)
		}
		if _, ok := openToken(key, bound("somebody", req), d.token(req, made)); ok {
			t.Fatal("another person's token was taken")
		}
	})
}

// FuzzWords: a query is taken apart into few folded words without spaces, each once; the quick way of folding is the slow one; and a text is found by each of
// its own words.
func FuzzWords(f *testing.F) {
	for _, text := range []string{"", "泵房 漏水", "ＬＩＦＴ　３", "Straße ǅ", "a\x00b\nc", "\xff\xfe x", "İstanbul", "ﬁ", "、。「」—〇々", "K ſ"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			if quick, slow := fold(text), norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text))); quick != slow {
				t.Fatalf("%q folds to %q, and by the tables to %q", text, quick, slow)
			}
		}
		all := words(text)
		if len(all) > mostWords {
			t.Fatalf("%d words", len(all))
		}
		seen := map[string]bool{}
		for _, word := range all {
			if word == "" || seen[word] || strings.ContainsFunc(word, unicode.IsSpace) {
				t.Fatalf("words %q", all)
			}
			seen[word] = true
		}
		g, row := newGrams(), folded("before", text, "after")
		g.put(0, "", row)
		s := search{words: all, named: make([]map[ref]bool, len(all))}
		for _, word := range all {
			s.may = append(s.may, g.may(word))
		}
		if !s.finds(0, row, 1) {
			t.Fatalf("%q is not found by %q", text, all)
		}
	})
}
