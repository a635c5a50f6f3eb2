// Package typeset sets Chinese and English text and photos on A4 pages, as PDF. Its fonts are embedded, of each what the document uses, and text can be
// searched and copied. A document is made in memory: it is meant for tens of pages. The same content gives the same
// document, but for the order in which pictures of one width stand in the file.
//
// A sign that no font has is not dropped: it is shown as its compatible form where there is one ("℃" as "°C"), else by its number ("[U+1F600]").
package typeset

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

//go:embed fonts/DroidSansFallbackFull.ttf.gz
var droidGz []byte

// face is one font.
type face struct {
	name  string
	bytes []byte
	font  *sfnt.Font
	em    fixed.Int26_6
}

// fonts are the fonts in the order in which they are asked for a sign. Not to be used by several goroutines.
type fonts struct {
	faces []face
	buf   sfnt.Buffer
	known map[rune]glyph
}

// glyph says which font shows a sign, and how wide it is.
type glyph struct {
	face  int     // -1: none
	width float64 // in ems
}

// loadFonts unpacks the fonts. They are not kept between documents: a server that makes none has no megabytes of glyphs in memory.
func loadFonts() (*fonts, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(droidGz))
	if err != nil {
		return nil, fmt.Errorf("typeset: the Chinese font: %w", err)
	}
	droid, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("typeset: the Chinese font: %w", err)
	}
	f := &fonts{known: map[rune]glyph{}}
	for _, one := range []face{{name: "latin", bytes: goregular.TTF}, {name: "chinese", bytes: droid}} {
		if one.font, err = sfnt.Parse(one.bytes); err != nil {
			return nil, fmt.Errorf("typeset: the font %s: %w", one.name, err)
		}
		one.em = fixed.I(int(one.font.UnitsPerEm()))
		f.faces = append(f.faces, one)
	}
	return f, nil
}

// of returns how a sign is shown.
func (f *fonts) of(r rune) glyph {
	if g, ok := f.known[r]; ok {
		return g
	}
	found := glyph{face: -1}
	if r <= 0xffff && !unicode.Is(unicode.Cs, r) { // what the way in which text is embedded can name
		for i := range f.faces {
			one := &f.faces[i]
			index, err := one.font.GlyphIndex(&f.buf, r)
			if err != nil || index == 0 {
				continue
			}
			advance, err := one.font.GlyphAdvance(&f.buf, index, one.em, font.HintingNone)
			if err == nil {
				found = glyph{face: i, width: float64(advance) / float64(one.em)}
				break
			}
		}
	}
	f.known[r] = found
	return found
}

// width of a text that is shown, in ems.
func (f *fonts) width(s string) (w float64) {
	for _, r := range s {
		w += f.of(r).width
	}
	return w
}

// run is a part of a text in one font.
type run struct {
	face int
	text string
}

// runs cuts a text that is shown into parts of one font each.
func (f *fonts) runs(s string) []run {
	var all []run
	for _, r := range s {
		g := f.of(r)
		if n := len(all); n > 0 && all[n-1].face == g.face {
			all[n-1].text += string(r)
		} else {
			all = append(all, run{g.face, string(r)})
		}
	}
	return all
}

// shown is a text as the fonts can show it. Line ends stay; a tab is four spaces.
func (f *fonts) shown(s string) string {
	s = strings.ToValidUTF8(s, "[?]")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", "    ", "\u00a0", " ").Replace(s)
	s = norm.NFC.String(s)
	whole := true
	for _, r := range s {
		whole = whole && (r == '\n' || f.of(r).face >= 0 && r >= ' ')
	}
	if whole {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r >= ' ' && f.of(r).face >= 0:
			b.WriteRune(r)
		case r == 0x200b || r == 0x200c || r == 0x200d || r == 0xad || r == 0xfeff || r >= 0xfe00 && r <= 0xfe0f:
			// By themselves they show nothing anywhere: they join, or choose between forms of, what stands beside them.
		default:
			b.WriteString(f.instead(r))
		}
	}
	return b.String()
}

// instead is what is shown of a sign that no font has.
func (f *fonts) instead(r rune) string {
	plain := norm.NFKC.String(string(r))
	if plain != string(r) {
		for _, p := range plain {
			if p < ' ' || f.of(p).face < 0 {
				return fmt.Sprintf("[U+%04X]", r)
			}
		}
		if unicode.IsNumber(r) { // ① and its like
			return "(" + plain + ")"
		}
		return plain
	}
	return fmt.Sprintf("[U+%04X]", r)
}
