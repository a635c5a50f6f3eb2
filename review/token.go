package review

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// position is where a row stands in an order: rows without the value come last, then the values from the smallest, then ids, then scopes. Where an order is
// descending the value is turned around before.
type position struct {
	last  bool
	rank  int64
	id    uid
	scope uint8 // the place of its scope in the request
}

func (p position) compare(q position) int {
	switch {
	case p.last != q.last:
		if q.last {
			return -1
		}
		return 1
	case p.rank != q.rank:
		if p.rank < q.rank {
			return -1
		}
		return 1
	}
	if c := compareUIDs(p.id, q.id); c != 0 {
		return c
	}
	return int(p.scope) - int(q.scope)
}

// cursor is what a page token says: which row was the last, and by which clock the first page was made.
type cursor struct {
	after position
	nowUS int64
}

const (
	tokenVersion = 1
	tokenBody    = 1 + 1 + 8 + 16 + 1 + 8
	tokenMAC     = 16
)

// asked is a request with pages.
type asked interface {
	proto.Message
	GetPageToken() string
}

// bound is what a token is good for: the call with its scopes, filter and order, and the person. The size of the page may differ from page to page.
func bound(person string, request asked) []byte {
	same := proto.CloneOf[proto.Message](request).ProtoReflect()
	fields := same.Descriptor().Fields()
	for _, name := range []protoreflect.Name{"page_token", "page_size"} {
		if field := fields.ByName(name); field != nil {
			same.Clear(field)
		}
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(same.Interface())
	if err != nil {
		encoded = nil // a text that is no UTF-8; the call has been refused before
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(same.Descriptor().FullName()), []byte(person), encoded} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

func sign(key, bound, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(bound)
	mac.Write(body)
	return mac.Sum(nil)[:tokenMAC]
}

// token makes the token of the page after a row.
func (d *desk) token(request asked, c cursor) string {
	body := make([]byte, 0, tokenBody+tokenMAC)
	last := byte(0)
	if c.after.last {
		last = 1
	}
	body = append(body, tokenVersion, last)
	body = binary.BigEndian.AppendUint64(body, uint64(c.after.rank))
	body = append(body, c.after.id[:]...)
	body = append(body, c.after.scope)
	body = binary.BigEndian.AppendUint64(body, uint64(c.nowUS))
	body = append(body, sign(d.cfg.Key, bound(string(d.caller.Person), request), body)...)
	return base64.RawURLEncoding.EncodeToString(body)
}

// cursor reads the token of a request; that of the first page where it has none.
func (d *desk) cursor(request asked) (*cursor, error) {
	if request.GetPageToken() == "" {
		return &cursor{nowUS: d.now.UnixMicro()}, nil
	}
	c, ok := openToken(d.cfg.Key, bound(string(d.caller.Person), request), request.GetPageToken())
	if !ok {
		return nil, badLink()
	}
	return c, nil
}

// first: whether it is that of the first page.
func (c *cursor) first() bool { return c.after == position{} }

// openToken reads a token that anybody may have made up.
func openToken(key, bound []byte, token string) (*cursor, bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenBody+tokenMAC) { // decoding would pass over line ends
		return nil, false
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(body) != tokenBody+tokenMAC {
		return nil, false
	}
	body, mac := body[:tokenBody], body[tokenBody:]
	if !hmac.Equal(mac, sign(key, bound, body)) || body[0] != tokenVersion || body[1] > 1 {
		return nil, false
	}
	c := &cursor{after: position{last: body[1] == 1, rank: int64(binary.BigEndian.Uint64(body[2:])), scope: body[26]}}
	copy(c.after.id[:], body[10:26])
	c.nowUS = int64(binary.BigEndian.Uint64(body[27:]))
	return c, true
}
