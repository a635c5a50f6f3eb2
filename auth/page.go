package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
)

const (
	pageVersion  = 1
	pageFilter   = 8
	maxPosition  = 64
	defaultPage  = 100
	maxPage      = 1000
	maxPageReads = 5000 // rows looked at for one page
)

// encodePage makes a page token: the place behind which the next page begins, and a hash of the question that it belongs to. It grants
// nothing: every page is asked for with the right to see it.
func encodePage(position []byte, question ...string) string {
	b := append([]byte{pageVersion}, questionHash(question)...)
	return base64.RawURLEncoding.EncodeToString(append(b, position...))
}

// decodePage reads a page token; "" is the beginning.
func decodePage(token string, question ...string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	wrong := badField("page_token", "翻页标记无效", "The page token is not of this list")
	if len(token) > base64.RawURLEncoding.EncodedLen(1+pageFilter+maxPosition) {
		return nil, wrong
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) <= 1+pageFilter || b[0] != pageVersion || !bytes.Equal(b[1:1+pageFilter], questionHash(question)) {
		return nil, wrong
	}
	return b[1+pageFilter:], nil
}

func questionHash(question []string) []byte {
	h := sha256.New()
	for _, q := range question {
		h.Write([]byte(q))
		h.Write([]byte{0})
	}
	return h.Sum(nil)[:pageFilter]
}

func pageSize(asked uint32) int {
	if asked == 0 {
		return defaultPage
	}
	return int(min(asked, maxPage))
}

// pager walks over rows for one page.
type pager struct {
	size  int
	taken int
	reads int
	last  []byte // position of the last row looked at
	more  bool
}

// full says whether the page takes no further row; the row at hand then begins the next page.
func (p *pager) full() bool {
	if p.taken >= p.size || p.reads >= maxPageReads {
		p.more = true
	}
	return p.more
}

// looked notes a row, taken into the page or passed over.
func (p *pager) looked(position []byte, taken bool) {
	p.reads++
	p.last = append(p.last[:0], position...)
	if taken {
		p.taken++
	}
}

func (p *pager) next(question ...string) string {
	if !p.more {
		return ""
	}
	return encodePage(p.last, question...)
}

// rows visits the rows below a prefix behind a position, until the page is full. visit says whether it took the row.
func (p *pager) rows(r Reader, prefix, position []byte, visit func(e Entry) (bool, error)) error {
	from := prefix
	if position != nil {
		from = append(append(bytes.Clone(prefix), position...), 0)
	}
	for e, err := range r.Scan(from, after(prefix)) {
		if err != nil {
			return err
		}
		if p.full() {
			return nil
		}
		taken, err := visit(e)
		if err != nil {
			return err
		}
		p.looked(e.Key[len(prefix):], taken)
	}
	return nil
}
