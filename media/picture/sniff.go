package picture

import (
	"bytes"
	"strings"
)

// The media types of the photos that are taken.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	WebP = "image/webp"
	HEIC = "image/heic"
)

const (
	// frontBytes is how far into a file other programs look for the beginning of their own format.
	frontBytes = 4 << 10
	// textFront is how far into a photo the words of a web page or a script are looked for.
	textFront = 1 << 10
	// zipTail is the longest end of a ZIP archive: its last record and the comment behind.
	zipTail = 22 + 1<<16
)

var pngSignature = [8]byte{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}

// sniff tells by content which of the photo types b is, or "".
func sniff(b []byte) string {
	switch {
	case len(b) >= 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff:
		return JPEG
	case bytes.HasPrefix(b, pngSignature[:]):
		return PNG
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return WebP
	case len(b) >= 12 && string(b[4:8]) == "ftyp" && heicBrand(b):
		return HEIC
	}
	return ""
}

// heicBrand tells whether the first box, an ftyp, names HEIC still images among its brands and no other codec as the first.
func heicBrand(b []byte) bool {
	size := int(be32(b))
	if size < 16 || size > len(b) || size > 1024 {
		return false
	}
	major, found := string(b[8:12]), false
	if major == "avif" || major == "avis" || major == "crx " {
		return false
	}
	for at := 8; at+4 <= size; at += 4 {
		switch string(b[at : at+4]) {
		case "heic", "heix", "heim", "heis":
			found = true
		case "mif1", "msf1":
			found = found || major == "mif1" || major == "msf1"
		}
	}
	return found
}

// foreign names a type that b is and that is no photo type of ours, or "".
func foreign(b []byte) string {
	for _, f := range [...]struct{ magic, name string }{
		{"GIF87a", "GIF"}, {"GIF89a", "GIF"}, {"II*\x00", "TIFF"}, {"MM\x00*", "TIFF"}, {"BM", "BMP"}, {"%PDF-", "PDF"}, {"PK\x03\x04", "ZIP"},
		{"PK\x05\x06", "ZIP"}, {"\x1f\x8b", "GZIP"}, {"\x7fELF", "ELF"}, {"MZ", "EXE"}, {"#!", "SCRIPT"}, {"Rar!", "RAR"}, {"7z\xbc\xaf", "7Z"},
	} {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return f.name
		}
	}
	if len(b) >= 12 && string(b[4:8]) == "ftyp" {
		if brand := string(b[8:12]); brand == "avif" || brand == "avis" {
			return "AVIF"
		}
		return "MP4"
	}
	if len(b) >= 12 && string(b[:4]) == "RIFF" {
		return "RIFF"
	}
	text := bytes.ToLower(bytes.TrimLeft(b[:min(len(b), textFront)], "\xef\xbb\xbf \t\r\n"))
	for _, f := range [...]struct{ start, name string }{
		{"<!doctype html", "HTML"}, {"<html", "HTML"}, {"<script", "HTML"}, {"<svg", "SVG"}, {"<?xml", "XML"}, {"<?php", "PHP"},
	} {
		if bytes.HasPrefix(text, []byte(f.start)) {
			return f.name
		}
	}
	return ""
}

// notAPhoto refuses bytes that begin as none of the photo types.
func notAPhoto(b []byte) *Refused {
	front := b[:min(len(b), frontBytes)]
	for at := 1; at < len(front); at++ {
		switch front[at] {
		case 0xff, 0x89, 'R':
			if rest := b[at:]; sniff(rest) != "" && (front[at] != 0xff || len(rest) > 3 && rest[3] >= 0xc0 && rest[3] < 0xff) {
				return inFront()
			}
		}
	}
	if name := foreign(b); name != "" {
		return foreignType(name)
	}
	return unknownType()
}

// disguise refuses a photo that another program would take for something of its own: an archive is read from its end, a PDF is looked for in
// the first kilobytes, and browsers of old guessed web pages by the first words.
func disguise(b []byte) *Refused {
	front := b[:min(len(b), textFront)]
	if bytes.Contains(front, []byte("%PDF-")) {
		return alsoSomethingElse("PDF")
	}
	lower := bytes.ToLower(front)
	for _, word := range [...]string{"<html", "<script", "<!doctype", "<?php", "<body", "<iframe"} {
		if bytes.Contains(lower, []byte(word)) {
			return alsoSomethingElse("HTML")
		}
	}
	tail := b[max(0, len(b)-zipTail):]
	for end := len(tail); ; {
		at := bytes.LastIndex(tail[:end], []byte("PK\x05\x06"))
		if at < 0 {
			return nil
		}
		// The directory lies in front of the record, on the same disk, and the comment reaches at most to the end.
		r, front := tail[at:], int64(len(b)-len(tail)+at)
		if len(r) >= 22 && int(le16(r[20:])) <= len(r)-22 && int64(le32(r[12:])) <= front && le16(r[4:]) == le16(r[6:]) {
			return alsoSomethingElse("ZIP")
		}
		end = at
	}
}

// sameType tells whether a promised media type names the real one.
func sameType(promised, real string) bool {
	promised, _, _ = strings.Cut(strings.ToLower(promised), ";")
	switch promised = strings.TrimSpace(promised); promised {
	case "image/jpg":
		promised = JPEG
	case "image/heif":
		promised = HEIC
	}
	return promised == real
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }
func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
func be64(b []byte) uint64 { return uint64(be32(b))<<32 | uint64(be32(b[4:])) }
func le16(b []byte) uint16 { return uint16(b[1])<<8 | uint16(b[0]) }
func le24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
func le32(b []byte) uint32 { return le24(b) | uint32(b[3])<<24 }
