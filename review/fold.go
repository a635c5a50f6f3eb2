package review

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// mostWords of a query count; more would only cost time.
const mostWords = 16

// fold brings a text into the form in which texts are compared: NFKC, case-folded, and NFKC again (Unicode's toNFKC_Casefold but for the characters that are
// ignored there). Nearly all texts take the quick way: they are ASCII and Han, where only A to Z change.
func fold(text string) string {
	plain, upper := true, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 0x80:
			plain = false
		case 'A' <= c && c <= 'Z':
			upper = true
		}
	}
	if !plain && !simple(text) {
		return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
	}
	if !upper {
		return text
	}
	folded := []byte(text)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

// simple: whether a text consists of ASCII, unified Han and the Chinese punctuation that NFKC leaves alone.
func simple(text string) bool {
	for _, r := range text {
		switch {
		case r < 0x80, 0x4E00 <= r && r <= 0x9FFF, 0x3001 <= r && r <= 0x3003, 0x3008 <= r && r <= 0x3011, r == 0x2014:
		default:
			return false
		}
	}
	return true
}

// Between two fields stands what no word of a query contains, so that no word is found across them.
const between = "\n"

// folded joins texts for the search.
func folded(texts ...string) string {
	var b strings.Builder
	for _, text := range texts {
		if text == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(between)
		}
		b.WriteString(fold(text))
	}
	return b.String()
}

// words takes a query apart: what stands between spaces, folded, each once.
func words(query string) []string {
	var all []string
	for _, word := range strings.FieldsFunc(fold(query), unicode.IsSpace) {
		if len(all) == mostWords {
			break
		}
		if !slices.Contains(all, word) {
			all = append(all, word)
		}
	}
	return all
}
