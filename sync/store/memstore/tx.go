package memstore

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/tidwall/btree"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// tx is one transaction, for one goroutine.
type tx struct {
	store *Store
	scope store.Scope

	tree      *btree.BTreeG[item] // what it reads: the committed tree, or from the first write on its own; nil is empty
	base      *space              // what tree came from; nil when the scope was empty
	writes    int
	budget    guard.Budget
	iterating int
	ended     bool

	loans []loan // slices handed out for the length of the transaction; only with Config.Paranoid
	given []loan // slices received; only with Config.Paranoid
}

// loan is a slice that crossed the border, beside what it must still be equal to.
type loan struct{ slice, want []byte }

// reader hides the methods that write, so that nobody turns a Reader into a Writer.
type reader struct{ t *tx }

func (r reader) Get(key []byte) ([]byte, error)                     { return r.t.Get(key) }
func (r reader) Scan(span store.Span) iter.Seq2[store.Entry, error] { return r.t.Scan(span) }

var (
	_ store.Reader = reader{}
	_ store.Writer = (*tx)(nil)
)

func (t *tx) run(write func(store.Writer) error) error {
	defer t.end()
	return write(t)
}

// end closes the transaction and calls in what it lent.
func (t *tx) end() {
	t.ended = true
	for _, l := range t.given {
		if !bytes.Equal(l.slice, l.want) {
			panic(fmt.Sprintf("memstore: a slice given to Set or Delete in scope %q was changed before the transaction ended", t.scope))
		}
	}
	for _, l := range t.loans {
		t.callIn(l)
	}
}

func (t *tx) lend(b []byte) loan { return loan{slice: bytes.Clone(b), want: b} }

// callIn ends the validity of a slice: whoever reads it later reads rubbish.
func (t *tx) callIn(l loan) {
	if !bytes.Equal(l.slice, l.want) {
		panic(fmt.Sprintf("memstore: a slice read from scope %q was changed by the one who read it", t.scope))
	}
	for i := range l.slice {
		l.slice[i] = 0xDB
	}
}

func (t *tx) mustBeOpen(method string) {
	if t.ended {
		panic(fmt.Sprintf("memstore: %s in scope %q after its transaction ended", method, t.scope))
	}
}

func (t *tx) mustBeWritable(method string) {
	t.mustBeOpen(method)
	if t.iterating > 0 {
		panic(fmt.Sprintf("memstore: %s in scope %q while the transaction iterates", method, t.scope))
	}
}

// Get implements store.Reader.
func (t *tx) Get(key []byte) ([]byte, error) {
	t.mustBeOpen("Get")
	if err := t.store.readFault(StepGet, t.scope); err != nil {
		return nil, err
	}
	if t.tree == nil {
		return nil, store.ErrNotFound
	}
	found, ok := t.tree.Get(item{key: key})
	if !ok {
		return nil, store.ErrNotFound
	}
	if t.store.cfg.Paranoid {
		l := t.lend(found.value)
		t.loans = append(t.loans, l)
		return l.slice, nil
	}
	return found.value, nil
}

// Scan implements store.Reader.
func (t *tx) Scan(span store.Span) iter.Seq2[store.Entry, error] {
	t.mustBeOpen("Scan")
	return func(yield func(store.Entry, error) bool) {
		t.mustBeOpen("a step of Scan")
		if err := t.store.readFault(StepScan, t.scope); err != nil {
			yield(store.Entry{}, err)
			return
		}
		if t.tree == nil {
			return
		}
		t.iterating++
		defer func() { t.iterating-- }()
		visit := func(it item) bool {
			more := t.pass(it, yield)
			t.mustBeOpen("a step of Scan")
			return more
		}
		if span.Reverse {
			t.descend(span, visit)
		} else {
			t.ascend(span, visit)
		}
	}
}

// pass hands one entry to the one who iterates.
func (t *tx) pass(it item, yield func(store.Entry, error) bool) bool {
	if !t.store.cfg.Paranoid {
		return yield(store.Entry{Key: it.key, Value: it.value}, nil)
	}
	key, value := t.lend(it.key), t.lend(it.value)
	more := yield(store.Entry{Key: key.slice, Value: value.slice}, nil)
	t.callIn(key)
	t.callIn(value)
	return more
}

func (t *tx) ascend(span store.Span, visit func(item) bool) {
	step := func(it item) bool {
		return (span.To == nil || bytes.Compare(it.key, span.To) < 0) && visit(it)
	}
	if span.From == nil {
		t.tree.Scan(step)
	} else {
		t.tree.Ascend(item{key: span.From}, step)
	}
}

func (t *tx) descend(span store.Span, visit func(item) bool) {
	step := func(it item) bool {
		if span.To != nil && bytes.Compare(it.key, span.To) >= 0 {
			return true // To itself is not of the span
		}
		return bytes.Compare(it.key, span.From) >= 0 && visit(it)
	}
	if span.To == nil {
		t.tree.Reverse(step)
	} else {
		t.tree.Descend(item{key: span.To}, step)
	}
}

// Set implements store.Writer.
func (t *tx) Set(key, value []byte) error {
	t.mustBeWritable("Set")
	if err := t.budget.Spend(key, value); err != nil {
		return err
	}
	own := make([]byte, len(key)+len(value))
	copy(own, key)
	copy(own[len(key):], value)
	it := item{key: own[:len(key):len(key)], value: own[len(key):]}
	if t.store.cfg.Paranoid {
		t.given = append(t.given, loan{slice: key, want: it.key}, loan{slice: value, want: it.value})
	}
	t.fork()
	t.tree.Set(it)
	return nil
}

// Delete implements store.Writer.
func (t *tx) Delete(key []byte) error {
	t.mustBeWritable("Delete")
	if err := t.budget.Spend(key, nil); err != nil {
		return err
	}
	if t.store.cfg.Paranoid {
		t.given = append(t.given, loan{slice: key, want: bytes.Clone(key)})
	}
	t.fork()
	t.tree.Delete(item{key: key})
	return nil
}

// fork gives the transaction a tree of its own before its first write.
func (t *tx) fork() {
	if t.writes == 0 {
		t.tree = t.base.fork()
	}
	t.writes++
}
