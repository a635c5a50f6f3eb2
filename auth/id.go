package auth

import (
	"encoding/hex"
	"io"
	"strings"
	"time"
)

// PersonID names a person: a UUID in its usual form, in small letters.
type PersonID string

// DeviceID names a device: a UUID in its usual form, in small letters.
type DeviceID string

// NodeID names a node of the organisation tree: a UUID in its usual form, in small letters.
type NodeID string

// Scope names a unit of replication: "site/<node id>", "desk/<node id>", "user/<person id>" or "org/<node id of the root>".
type Scope string

// uid is a UUID as it stands in keys and in memory.
type uid [16]byte

// parseUID reads a UUID in its usual form, in any case.
func parseUID(s string) (uid, bool) {
	var u uid
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return uid{}, false
	}
	var digits [32]byte
	n := copy(digits[:], s[:8])
	n += copy(digits[n:], s[9:13])
	n += copy(digits[n:], s[14:18])
	n += copy(digits[n:], s[19:23])
	copy(digits[n:], s[24:])
	if _, err := hex.Decode(u[:], digits[:]); err != nil {
		return uid{}, false
	}
	return u, true
}

func (u uid) String() string {
	var b [36]byte
	hex.Encode(b[:8], u[:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:], u[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// newUID draws a UUIDv7: ids made later sort later, to the millisecond.
func newUID(now time.Time, random io.Reader) (uid, error) {
	var u uid
	if _, err := io.ReadFull(random, u[6:]); err != nil {
		return uid{}, err
	}
	ms := now.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u, nil
}

// scopeKind is the part of a scope's name before the slash.
type scopeKind string

const (
	scopeSite scopeKind = "site"
	scopeDesk scopeKind = "desk"
	scopeUser scopeKind = "user"
	scopeOrg  scopeKind = "org"
)

// parse splits a scope. Only the canonical form of the id is taken, so that one scope has one name.
func (s Scope) parse() (scopeKind, uid, bool) {
	kind, id, ok := strings.Cut(string(s), "/")
	if !ok {
		return "", uid{}, false
	}
	u, ok := parseUID(id)
	if !ok || u.String() != id {
		return "", uid{}, false
	}
	switch k := scopeKind(kind); k {
	case scopeSite, scopeDesk, scopeUser, scopeOrg:
		return k, u, true
	}
	return "", uid{}, false
}

func scopeOf(kind scopeKind, id uid) Scope { return Scope(string(kind) + "/" + id.String()) }
