package badgerstore

import (
	"errors"
	"fmt"
	"iter"

	"github.com/dgraph-io/badger/v4"

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
