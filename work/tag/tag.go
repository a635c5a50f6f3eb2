// Package tag makes and reads what the QR code or NFC tag at a checkpoint says, so that nobody can print one for a place where they never were. It is pure.
//
// # The payload
//
// The text is 71 characters of ASCII, "R1.<site>.<place>.<mac>": the version; the ids of the site and of the place, 16 bytes each; and the first 16 bytes of
// HMAC-SHA256 (RFC 2104, FIPS 198-1) under the site's key over "rounds.tag.v1", a zero byte, and the two ids. Bytes are written as base64 for URLs without
// padding (RFC 4648 section 5). RFC 2104 section 5 asks for half of the hash at least, which is these 128 bits.
//
// A site's key has 32 bytes and never leaves the server: devices send what they scanned and the server says whether it is genuine. What a tag cannot prove
// is that it was not photographed: the order and the gaps of visits, the place and the photos have to.
package tag

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Lengths of a payload and of its parts, bytes.
const (
	// Length of a whole payload.
	Length = len(version) + 1 + idText + 1 + idText + 1 + macText
	// MACLength of the authentication code, before it is written as text.
	MACLength = 16
	// KeyLength of a site's key.
	KeyLength = 32

	idText  = 22 // 16 bytes in base64
	macText = 22
	version = "R1"
)

// Reasons why a payload is not taken.
var (
	// ErrForeign says that it does not have the form of a tag of ours.
	ErrForeign = errors.New("tag: not a tag of this system")
	// ErrFalse says that it has the form and not the code: it was not issued with the site's key.
	ErrFalse = errors.New("tag: not issued for this site")
)

// Key is a site's secret. It prints as nothing but the word for it, whatever it is printed with.
type Key [KeyLength]byte

// Format implements fmt.Formatter: a key does not show in a log.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(tag key)")) }

// MarshalText implements encoding.TextMarshaler: a key does not show in JSON.
func (Key) MarshalText() ([]byte, error) { return []byte("(tag key)"), nil }

// Keys are those that count at a site, the one that tags are issued with first. After a rotation the one before stays until all tags were printed anew.
type Keys []Key

// DeriveKey makes a site's key from one that the server holds, so that one secret is kept for all sites: HMAC-SHA256 of the master under
// "rounds.tag.key.v1", a zero byte, and the site's id. The master has KeyLength bytes of a cryptographic source at least.
func DeriveKey(master []byte, site string) Key {
	h := hmac.New(sha256.New, master)
	h.Write([]byte("rounds.tag.key.v1\x00" + site))
	return Key(h.Sum(nil))
}

// Tag is what a payload says.
type Tag struct {
	// Site and Place are UUIDs in lower case.
	Site, Place string
}

// Issue returns the payload for the tag of a place, under a site's key. The error says that an id is no UUID.
func Issue(t Tag, key Key) (string, error) {
	site, err := uuid.Parse(t.Site)
	if err != nil {
		return "", fmt.Errorf("tag: the site's id: %w", err)
	}
	place, err := uuid.Parse(t.Place)
	if err != nil {
		return "", fmt.Errorf("tag: the place's id: %w", err)
	}
	mac := code(site, place, key)
	return strings.Join([]string{version, text(site[:]), text(place[:]), text(mac[:])}, "."), nil
}

// Read returns what a payload says if one of the keys made it: otherwise ErrForeign or ErrFalse. It compares in constant time, tries every key whatever the
// first says, and looks at Length bytes at most.
func Read(payload string, keys Keys) (Tag, error) {
	site, place, mac, ok := parse(payload)
	if !ok {
		return Tag{}, ErrForeign
	}
	genuine := 0
	for _, key := range keys {
		want := code(site, place, key)
		genuine |= subtle.ConstantTimeCompare(want[:], mac[:])
	}
	if genuine == 0 {
		return Tag{}, ErrFalse
	}
	return Tag{Site: site.String(), Place: place.String()}, nil
}

// Ours: whether a payload has the form of a tag of ours, genuine or not.
func Ours(payload string) bool {
	_, _, _, ok := parse(payload)
	return ok
}

// parse takes a payload apart. What Issue would write otherwise is none: each tag has one text.
func parse(payload string) (site, place uuid.UUID, mac [MACLength]byte, ok bool) {
	if len(payload) != Length || !strings.HasPrefix(payload, version+".") {
		return site, place, mac, false
	}
	rest := payload[len(version)+1:]
	if rest[idText] != '.' || rest[2*idText+1] != '.' {
		return site, place, mac, false
	}
	ok = bytesOf(rest[:idText], site[:]) && bytesOf(rest[idText+1:2*idText+1], place[:]) && bytesOf(rest[2*idText+2:], mac[:])
	return site, place, mac, ok
}

// bytesOf reads 16 bytes written as text. Strict: the bits left over are zero; and no line breaks, which the decoder would skip.
func bytesOf(s string, into []byte) bool {
	if strings.ContainsAny(s, "\r\n") {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && copy(into, b) == len(into) && len(b) == len(into)
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func code(site, place uuid.UUID, key Key) [MACLength]byte {
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte("rounds.tag.v1\x00"))
	h.Write(site[:])
	h.Write(place[:])
	return [MACLength]byte(h.Sum(nil)[:MACLength])
}
