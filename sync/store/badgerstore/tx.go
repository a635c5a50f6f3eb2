package badgerstore

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"github.com/dgraph-io/badger/v4"
	"github.com/tidwall/btree"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// reader reads one space at one moment.
type reader struct {
	txn   *badger.Txn
	space space  // 0: there is nothing to read
	full  []byte // room for the full key of a Get
}

var _ store.Reader = (*reader)(nil)

// Get implements store.Reader.
func (r *reader) Get(key []byte) ([]byte, error) {
	if r.space == 0 || len(key) == 0 || len(key) > store.MaxKey {
		return nil, store.ErrNotFound
	}
	r.full = appendDataKey(r.full[:0], r.space, key)
	return get(r.txn, r.full)
}

// get returns the value of a full key, or store.ErrNotFound.
func get(txn *badger.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("badgerstore: get: %w", err)
	}
	return valueOf(item, nil)
}

// valueOf copies the value of an item over buf. Badger answers a value that it cannot read with an empty one: that is noticed.
func valueOf(item *badger.Item, buf []byte) ([]byte, error) {
	value, err := item.ValueCopy(buf)
	if err == nil && len(value) == 0 && item.ValueSize() > 0 {
		err = errors.New("the value cannot be read")
	}
	if err != nil {
		return nil, fmt.Errorf("badgerstore: key %x: %w", item.Key(), err)
	}
	return value, nil
}

// iteratorOptions are for the keys with a prefix. Values are not prefetched: nearly all stand beside their keys, and badger
// would start a goroutine for each.
func iteratorOptions(prefix []byte) badger.IteratorOptions {
	o := badger.DefaultIteratorOptions
	o.PrefetchValues = false
	o.Prefix = prefix
	return o
}

// each calls f with every full key that begins with prefix, and its value; both are valid until f returns.
func each(txn *badger.Txn, prefix []byte, f func(key, value []byte) error) error {
	it := txn.NewIterator(iteratorOptions(prefix))
	defer it.Close()
	var buf []byte
	for it.Rewind(); it.Valid(); it.Next() {
		value, err := valueOf(it.Item(), buf)
		if err != nil {
			return err
		}
		buf = value
		if err := f(it.Item().Key(), value); err != nil {
			return err
		}
	}
	return nil
}

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

// writer is a reader with writes on top, which it gathers until the commit.
type writer struct {
	*reader
	target space // where its writes go; the reader's space unless that is 0
	own    *overlay
	budget guard.Budget
	slab   []byte // room for full keys
}

var _ store.Writer = (*writer)(nil)

// Get implements store.Reader.
func (w *writer) Get(key []byte) ([]byte, error) {
	if w.own != nil {
		w.full = appendDataKey(w.full[:0], w.target, key)
		if found, ok := w.own.tree.Get(write{key: w.full}); ok {
			if found.delete {
				return nil, store.ErrNotFound
			}
			return found.value, nil
		}
	}
	return w.reader.Get(key)
}

// Scan implements store.Reader.
func (w *writer) Scan(span store.Span) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) { w.scan(w.target, span, w.own)(yield) }
}

// Set implements store.Writer.
func (w *writer) Set(key, value []byte) error {
	if err := w.budget.Spend(key, value); err != nil {
		return err
	}
	w.put(write{key: w.fullKey(key), value: value})
	return nil
}

// Delete implements store.Writer.
func (w *writer) Delete(key []byte) error {
	if err := w.budget.Spend(key, nil); err != nil {
		return err
	}
	w.put(write{key: w.fullKey(key), delete: true})
	return nil
}

func (w *writer) put(one write) {
	if w.own == nil {
		w.own = newOverlay()
	}
	w.own.tree.Set(one)
}

// fullKey cuts full keys from slabs, which costs less than one allocation each.
func (w *writer) fullKey(key []byte) []byte {
	if n := dataPrefix + len(key); cap(w.slab)-len(w.slab) < n {
		w.slab = make([]byte, 0, max(n, min(64<<10, 2*cap(w.slab)+256)))
	}
	start := len(w.slab)
	w.slab = appendDataKey(w.slab, w.target, key)
	return w.slab[start:len(w.slab):len(w.slab)]
}

// writes returns what is to be committed, in order of keys. A key that was never stored need not be deleted, but nobody looks.
func (w *writer) writes() []write {
	if w.own == nil {
		return nil
	}
	return w.own.tree.Items()
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
