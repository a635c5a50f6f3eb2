package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// AuditConfig says what a store is held against.
type AuditConfig struct {
	// Want visits the hash of every original that ought to be there, in any order, repeated or not. All are read before the store is, and 32 bytes of
	// memory are kept of each. An error ends the audit. nil: it is not known what ought to be there, so nothing is missing and nothing orphaned.
	Want iter.Seq2[Hash, error]
	// Settled spares what is still on its way in: an object written at this time or later is not called orphaned, as its record may have come
	// after Want was read. Zero: everything is judged.
	Settled time.Time
	// Progress, if not nil, is called after each object, from the goroutine that reads the faults.
	Progress func(AuditProgress)
}

// AuditProgress is how far an audit has come.
type AuditProgress struct {
	// Objects looked at.
	Objects int64
	// Bytes hashed.
	Bytes int64
}

// FaultKind is what can be wrong with a store.
type FaultKind uint8

// The kinds of faults.
const (
	// FaultMissing: an original that ought to be there is not.
	FaultMissing FaultKind = iota + 1
	// FaultChanged: the bytes of an original do not have the hash that its address names.
	FaultChanged
	// FaultUnreadable: an original cannot be read to its end; Err says why.
	FaultUnreadable
	// FaultOrphaned: nothing asks for this original.
	FaultOrphaned
	// FaultStray: a copy or report whose original is not there.
	FaultStray
)

// String names the kind in a word.
func (k FaultKind) String() string {
	names := [...]string{"none", "missing", "changed", "unreadable", "orphaned", "stray"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("FaultKind(%d)", uint8(k))
}

// Fault is one thing that an audit found.
type Fault struct {
	Kind FaultKind
	// Address of the object, also of a missing one.
	Address Address
	// Found is the hash that the bytes have now, for FaultChanged.
	Found Hash
	// Err says why it cannot be read, for FaultUnreadable.
	Err error
}

// Audit reads a whole store, computes the hash of every original again, and visits what is wrong: first the originals in the order of their hashes,
// then the copies. One original may have two faults. The store may be in use: an object that is deleted meanwhile is reported missing if it
// was wanted, and not otherwise. An error that ends the audit early (the context's, Want's, ErrUnavailable) comes as the last pair.
func Audit(ctx context.Context, d Objects, cfg AuditConfig) iter.Seq2[Fault, error] {
	return func(yield func(Fault, error) bool) {
		a := audit{ctx: ctx, objects: d, AuditConfig: cfg, yield: func(f Fault) error {
			if !yield(f, nil) {
				return errStopped
			}
			return nil
		}}
		err := a.run()
		if err != nil && !errors.Is(err, errStopped) {
			yield(Fault{}, err)
		}
	}
}

// errStopped: whoever reads the faults has had enough.
var errStopped = errors.New("media: stopped")

type audit struct {
	AuditConfig
	ctx     context.Context // of the one call that this is the state of
	objects Objects
	yield   func(Fault) error
	done    AuditProgress
}

func (a *audit) run() error {
	want, err := a.wanted()
	if err != nil {
		return err
	}
	if err := a.originals(want); err != nil {
		return err
	}
	for _, class := range []Class{Large, Report, Small} {
		if err := a.copies(class); err != nil {
			return err
		}
	}
	return nil
}

// wanted collects what ought to be there, sorted. There is one list for each first byte of a hash: appending then copies a 256th at a time
// and leaves little unused, where one long list would need more than twice its size while it grows.
func (a *audit) wanted() (lists [256][]Hash, err error) {
	if a.Want == nil {
		return lists, nil
	}
	n := 0
	for h, err := range a.Want {
		if err != nil {
			return lists, err
		}
		if n++; n%4096 == 0 && a.ctx.Err() != nil {
			return lists, a.ctx.Err()
		}
		lists[h[0]] = append(lists[h[0]], h)
	}
	for i := range lists {
		slices.SortFunc(lists[i], compare)
		lists[i] = slices.Compact(lists[i])
	}
	return lists, nil
}

func compare(a, b Hash) int { return bytes.Compare(a[:], b[:]) }

// originals walks what is there and what ought to be beside each other: both are in the order of their hashes.
func (a *audit) originals(lists [256][]Hash) error {
	want, stop := iter.Pull(func(yield func(Hash) bool) {
		for _, list := range lists {
			for _, h := range list {
				if !yield(h) {
					return
				}
			}
		}
	})
	defer stop()
	next, some := want()
	for info, err := range a.objects.List(a.ctx, string(Original)+"/") {
		if err != nil {
			return err
		}
		_, h, err := info.Address.Parse()
		if err != nil {
			return err
		}
		for ; some && compare(next, h) < 0; next, some = want() {
			if err := a.missing(next); err != nil {
				return err
			}
		}
		wanted := some && next == h
		if wanted {
			next, some = want()
		}
		if err := a.original(info, h, wanted); err != nil {
			return err
		}
	}
	for ; some; next, some = want() {
		if err := a.missing(next); err != nil {
			return err
		}
	}
	return nil
}

// missing reports an original that List did not visit. It may have come since.
func (a *audit) missing(h Hash) error {
	at := At(Original, h)
	object, err := a.objects.Open(a.ctx, at)
	switch {
	case err == nil:
		return object.Close()
	case errors.Is(err, ErrNotFound):
		return a.yield(Fault{Kind: FaultMissing, Address: at})
	case a.ends(err):
		return err
	}
	return a.yield(Fault{Kind: FaultUnreadable, Address: at, Err: err})
}

// ends tells whether an error is one of the whole store, or of the caller, rather than of one object.
func (a *audit) ends(err error) bool {
	return a.ctx.Err() != nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrClosed)
}

func (a *audit) original(info Info, want Hash, wanted bool) error {
	found, err := a.hash(info.Address)
	switch {
	case errors.Is(err, ErrNotFound):
		if !wanted {
			return nil
		}
		err = a.yield(Fault{Kind: FaultMissing, Address: info.Address})
	case err != nil && a.ends(err):
		return err
	case err != nil:
		err = a.yield(Fault{Kind: FaultUnreadable, Address: info.Address, Err: err})
	case found != want:
		err = a.yield(Fault{Kind: FaultChanged, Address: info.Address, Found: found})
	}
	if err != nil {
		return err
	}
	if a.Want != nil && !wanted && (a.Settled.IsZero() || info.Modified.Before(a.Settled)) {
		if err := a.yield(Fault{Kind: FaultOrphaned, Address: info.Address}); err != nil {
			return err
		}
	}
	a.step()
	return nil
}

func (a *audit) hash(at Address) (_ Hash, err error) {
	object, err := a.objects.Open(a.ctx, at)
	if err != nil {
		return Hash{}, err
	}
	defer func() { err = errors.Join(err, object.Close()) }()
	size, hash, err := rehash(a.ctx, object, -1)
	a.done.Bytes += size
	return hash, err
}

func (a *audit) step() {
	a.done.Objects++
	if a.Progress != nil {
		a.Progress(a.done)
	}
}

// copies walks the objects of a class beside the originals.
func (a *audit) copies(class Class) error {
	next, stop := iter.Pull2(a.objects.List(a.ctx, string(Original)+"/"))
	defer stop()
	var original Hash
	some := true
	advance := func() (err error) {
		info, err, more := next()
		if some = more; !more {
			return nil
		}
		if err == nil {
			_, original, err = info.Address.Parse()
		}
		return err
	}
	if err := advance(); err != nil {
		return err
	}
	for info, err := range a.objects.List(a.ctx, string(class)+"/") {
		if err != nil {
			return err
		}
		_, h, err := info.Address.Parse()
		if err != nil {
			return err
		}
		for some && compare(original, h) < 0 {
			if err := advance(); err != nil {
				return err
			}
		}
		if !some || original != h {
			if err := a.stray(info.Address, h); err != nil {
				return err
			}
		}
		a.step()
	}
	return nil
}

// stray reports a copy whose original List did not visit. It may have come since.
func (a *audit) stray(at Address, h Hash) error {
	object, err := a.objects.Open(a.ctx, At(Original, h))
	switch {
	case err == nil:
		return object.Close()
	case errors.Is(err, ErrNotFound):
		return a.yield(Fault{Kind: FaultStray, Address: at})
	case a.ends(err):
		return err
	}
	return nil // it is there, and was called unreadable before
}
