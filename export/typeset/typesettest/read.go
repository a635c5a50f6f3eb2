// Package typesettest reads the documents that package typeset writes, for tests: as a program finds their text that has nothing but the document.
package typesettest

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
)

// Document is what was found in one.
type Document struct {
	// Text of all pages, in the order in which it was written, without breaks between pieces.
	Text string
	// Pages, pictures and embedded fonts.
	Pages, Images, Fonts int
}

var stream = regexp.MustCompile(`(?s)<<([^>]*)/Filter /FlateDecode([^>]*?)>>\nstream\n(.*?)\nendstream`)

// Read reads a document. Its strings are decoded as the document's own maps from codes to characters say, which have to name each code as itself.
func Read(pdf []byte) (Document, error) {
	raw := string(pdf)
	if !strings.HasPrefix(raw, "%PDF-1.") || !strings.HasSuffix(strings.TrimSpace(raw), "%%EOF") {
		return Document{}, errors.New("this is no PDF, or not all of one")
	}
	d := Document{Pages: strings.Count(raw, "/Type /Page\n"), Images: strings.Count(raw, "/Subtype /Image"), Fonts: strings.Count(raw, "/FontFile2")}
	if maps := strings.Count(raw, "/ToUnicode"); maps != d.Fonts || strings.Count(raw, "<0000> <FFFF> <0000>") != maps {
		return Document{}, fmt.Errorf("%d fonts, %d maps to characters", d.Fonts, maps)
	}
	var text strings.Builder
	for _, found := range stream.FindAllStringSubmatch(raw, -1) {
		z, err := zlib.NewReader(strings.NewReader(found[3]))
		if err != nil {
			return Document{}, err
		}
		content, err := io.ReadAll(z)
		if err != nil {
			return Document{}, err
		}
		if !strings.Contains(found[1]+found[2], "/Length1") && bytes.Contains(content, []byte(" Tj")) {
			shown(&text, content)
		}
	}
	d.Text = text.String()
	return d, nil
}

// shown gathers the strings of a page.
func shown(to *strings.Builder, content []byte) {
	for i := 0; i < len(content); i++ {
		if content[i] != '(' {
			continue
		}
		var s []byte
		for i++; i < len(content) && content[i] != ')'; i++ {
			if content[i] == '\\' {
				if i++; content[i] == 'r' {
					s = append(s, '\r')
					continue
				}
			}
			s = append(s, content[i])
		}
		units := make([]uint16, len(s)/2)
		for n := range units {
			units[n] = uint16(s[2*n])<<8 | uint16(s[2*n+1])
		}
		to.WriteString(string(utf16.Decode(units)))
	}
}
