package badgerstore

import (
	"bytes"
	"iter"

	"github.com/dgraph-io/badger/v4"
	"github.com/tidwall/btree"

	"github.com/rounds-sync/rounds/sync/store"
)

// Scan implements store.Reader.
func (r *reader) Scan(span store.Span) iter.Seq2[store.Entry, error] {
	return r.scan(r.space, span, nil)
}

// scan merges what is stored in the reader's space with the transaction's own writes, which stand under target.
func (r *reader) scan(target space, span store.Span, own *overlay) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if target == 0 || span.To != nil && bytes.Compare(span.From, span.To) >= 0 {
			return
		}
		b := boundsOf(target, span)
		stored := &storedCursor{}
		if r.space != 0 {
			stored.open(r.txn, b)
			defer stored.it.Close()
		}
		if own == nil {
			for ; stored.key() != nil; stored.next() {
				value, err := stored.value()
				if !yield(store.Entry{Key: stored.key()[dataPrefix:], Value: value}, err) || err != nil {
					return
				}
			}
			return
		}
		written := own.cursor(b)
		for {
			s, w := stored.key(), written.key()
			if s == nil && w == nil {
				return
			}
			order := b.compare(s, w)
			if order < 0 {
				value, err := stored.value()
				if !yield(store.Entry{Key: s[dataPrefix:], Value: value}, err) || err != nil {
					return
				}
				stored.next()
				continue
			}
			if !written.at.delete && !yield(store.Entry{Key: w[dataPrefix:], Value: written.at.value}, nil) {
				return
			}
			if order == 0 {
				stored.next()
			}
			written.next()
		}
	}
}

// bounds are a span in full keys.
type bounds struct {
	common   []byte // all keys of the span begin with it
	from, to []byte // from <= key < to; a nil to is the end of common
	reverse  bool
}

func boundsOf(sp space, span store.Span) bounds {
	b := bounds{from: appendDataKey(nil, sp, span.From), reverse: span.Reverse}
	b.common = b.from[:dataPrefix]
	if span.To != nil {
		b.to = appendDataKey(nil, sp, span.To)
		n := dataPrefix
		for n < len(b.from) && n < len(b.to) && b.from[n] == b.to[n] {
			n++
		}
		b.common = b.from[:n]
	}
	return b
}

// contains is asked of keys that begin with common, in the order of the scan.
func (b *bounds) contains(key []byte) bool {
	if b.reverse {
		return bytes.Compare(key, b.from) >= 0
	}
	return b.to == nil || bytes.Compare(key, b.to) < 0
}

// compare orders two keys as the scan meets them; a nil key comes last.
func (b *bounds) compare(x, y []byte) int {
	switch {
	case y == nil:
		return -1
	case x == nil:
		return 1
	case b.reverse:
		return bytes.Compare(y, x)
	}
	return bytes.Compare(x, y)
}

// end is a key behind all keys that begin with common.
func (b *bounds) end() []byte {
	if b.to != nil {
		return b.to
	}
	return append(bytes.Clone(b.common), bytes.Repeat([]byte{0xff}, store.MaxKey+1)...)
}

// storedCursor walks over stored keys. The zero value has none.
type storedCursor struct {
	it  *badger.Iterator
	b   bounds
	now []byte
	buf []byte
}

func (c *storedCursor) open(txn *badger.Txn, b bounds) {
	o := iteratorOptions(b.common)
	o.Reverse = b.reverse
	c.it, c.b = txn.NewIterator(o), b
	if !b.reverse {
		c.it.Seek(b.from)
	} else {
		end := b.end()
		if c.it.Seek(end); c.it.Valid() && bytes.Equal(c.it.Item().Key(), end) {
			c.it.Next()
		}
	}
	c.settle()
}

func (c *storedCursor) settle() {
	c.now = nil
	if c.it.Valid() {
		if key := c.it.Item().Key(); c.b.contains(key) {
			c.now = key
		}
	}
}

func (c *storedCursor) key() []byte { return c.now }

func (c *storedCursor) value() ([]byte, error) {
	value, err := valueOf(c.it.Item(), c.buf)
	if cap(value) > cap(c.buf) {
		c.buf = value
	}
	return value, err
}

func (c *storedCursor) next() {
	c.it.Next()
	c.settle()
}

// overlay holds the writes of a transaction in order.
type overlay struct{ tree *btree.BTreeG[write] }

func newOverlay() *overlay {
	less := func(a, b write) bool { return bytes.Compare(a.key, b.key) < 0 }
	return &overlay{btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})}
}

// ownCursor walks over the writes of a transaction, also over deletions.
type ownCursor struct {
	it btree.IterG[write]
	b  bounds
	at write
}

func (o *overlay) cursor(b bounds) *ownCursor {
	c := &ownCursor{it: o.tree.Iter(), b: b}
	var ok bool
	if !b.reverse {
		ok = c.it.Seek(write{key: b.from})
	} else if c.it.Seek(write{key: b.end()}) {
		ok = c.it.Prev() // from the first that is too great
	} else {
		ok = c.it.Last()
	}
	c.settle(ok)
	return c
}

func (c *ownCursor) settle(ok bool) {
	c.at = write{}
	if ok {
		if one := c.it.Item(); bytes.HasPrefix(one.key, c.b.common) && c.b.contains(one.key) {
			c.at = one
		}
	}
}

func (c *ownCursor) key() []byte { return c.at.key }

func (c *ownCursor) next() {
	if c.b.reverse {
		c.settle(c.it.Prev())
	} else {
		c.settle(c.it.Next())
	}
}
