package media

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Hash is the SHA-256 of a photo's bytes, by which it is known everywhere.
type Hash [sha256.Size]byte

// String writes the hash in hexadecimal, lower case.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// HashFrom reads a hash from its 32 bytes, or answers ErrInvalid.
func HashFrom(b []byte) (Hash, error) {
	if len(b) != sha256.Size {
		return Hash{}, fmt.Errorf("%w: a hash of %d bytes", ErrInvalid, len(b))
	}
	return Hash(b), nil
}

// Address is where an object stands in the storage: a class, and a hash with its first four digits as folders, so that no folder gets too large:
// "sha256/ab/cd/abcd…". There are no other addresses.
type Address string

// Class is what an object is.
type Class string

// The classes of objects.
const (
	// Original bytes. What stands at such an address has the hash that the address names: it was computed again from the stored bytes.
	Original Class = "sha256"
	// Large and Small are copies of the original of that hash for the screen: JPEGs of at most 1,280 and 320 pixels a side, upright, without metadata.
	Large Class = "large"
	Small Class = "small"
	// Report is what was found out about the original of that hash, an encoded PhotoReport without findings of other photos.
	Report Class = "report"
)

// At returns the address of a hash in a class.
func At(class Class, h Hash) Address {
	text := h.String()
	return Address(string(class) + "/" + text[:2] + "/" + text[2:4] + "/" + text)
}

// Parse takes an address apart, or answers ErrInvalid. What it accepts is safe as a path below a folder.
func (a Address) Parse() (Class, Hash, error) {
	class, rest, _ := strings.Cut(string(a), "/")
	switch Class(class) {
	case Original, Large, Small, Report:
	default:
		return "", Hash{}, fmt.Errorf("%w: address of no known class", ErrInvalid)
	}
	if len(rest) != len("ab/cd/")+2*sha256.Size {
		return "", Hash{}, fmt.Errorf("%w: address of %d bytes", ErrInvalid, len(a))
	}
	b, err := hex.DecodeString(rest[len("ab/cd/"):])
	if err != nil {
		return "", Hash{}, fmt.Errorf("%w: address without a hash", ErrInvalid)
	}
	if h := Hash(b); At(Class(class), h) == a {
		return Class(class), h, nil
	}
	return "", Hash{}, fmt.Errorf("%w: address not in its one form", ErrInvalid)
}
