package typeset

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// wide counts a Chinese character as two.
func wide(s string) (n float64) {
	for _, r := range s {
		if n++; r >= 0x2e80 {
			n++
		}
	}
	return n
}

func TestLinesBreakWhereTheyMay(t *testing.T) {
	for _, c := range []struct {
		text  string
		width float64
		want  []string
	}{
		{"", 10, []string{""}},
		{"hello world again", 11, []string{"hello world", "again"}},
		{"水管爆裂马上来", 6, []string{"水管爆", "裂马上", "来"}},
		{"水管爆，裂", 6, []string{"水管", "爆，裂"}},         // not before the comma
		{"水管（爆裂）了", 6, []string{"水管", "（爆", "裂）了"}}, // not behind the opening one, nor before the closing one
		{"a\n\nb", 5, []string{"a", "", "b"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"in abcdefghij", 4, []string{"in", "abcd", "efgh", "ij"}},
		{"ab   ", 2, []string{"ab"}},
		{"水", 1, []string{"水"}},
	} {
		if got := breakLines(c.text, c.width, wide); !slices.Equal(got, c.want) {
			t.Errorf("%q in %v: %q, not %q", c.text, c.width, got, c.want)
		}
	}
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"水管（爆裂）马上来，快！", "hello world", "a\u0301\u0301\u0301b", "👨‍👩‍👧 x", "\r\n \n", strings.Repeat("x", 300), "e" + strings.Repeat("\u0301", 100)} {
		f.Add(s, uint8(10))
	}
	f.Fuzz(func(t *testing.T, s string, n uint8) {
		if !utf8.ValidString(s) || len(s) > 4096 {
			return // what is shown is valid
		}
		width := float64(n%80) + 1
		lines := breakLines(s, width, wide)
		drop := func(s string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune(" "+lineEnds, r) {
					return -1
				}
				return r
			}, s)
		}
		if drop(strings.Join(lines, "")) != drop(s) {
			t.Fatalf("%q became %q", s, lines)
		}
		for _, line := range lines {
			if w := wide(line); w > width && utf8.RuneCountInString(line) > 16 {
				t.Fatalf("%q is %v wide, of %v", line, w, width)
			}
		}
	})
}
