package engine

import (
	"context"
	"errors"
	"iter"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// What Find reads in one view of the store at most.
const (
	findPage  = 256
	findBytes = 1 << 20
)

// Find visits the entries of one index in a scope, in the order of their keys, within a span of them: From <= key < To, nil for no bound, from the
// greatest to the smallest where it is Reverse. The zero Span is the whole index.
//
// It reads page by page, so that a slow reader holds no snapshot open: an entry that stood all the time is visited once, one that comes or goes
// meanwhile perhaps. A commit that returned before Find is in it. Slices are the caller's. At a scope's first use under another
// Config.IndexVersion the indexes are rebuilt first, which takes a while. An error is an *Error and ends the visit.
func (e *Engine) Find(ctx context.Context, scope store.Scope, name IndexName, span store.Span) iter.Seq2[IndexEntry, error] {
	return func(yield func(IndexEntry, error) bool) {
		if err := e.findable(ctx, scope, name); err != nil {
			yield(IndexEntry{}, err)
			return
		}
		prefix, within := indexKey(name, nil), within(name, span)
		for more := true; more; {
			var page []IndexEntry
			err := e.cfg.Store.View(ctx, scope, func(r store.Reader) (err error) {
				page, more, err = indexPage(r, name, len(prefix), within)
				return err
			})
			for _, entry := range page {
				if !yield(entry, nil) {
					return
				}
			}
			if err != nil {
				yield(IndexEntry{}, wrap(err))
				return
			}
			if !more {
				return
			}
			last := indexKey(name, page[len(page)-1].Key)
			if within.Reverse {
				within.To = last
			} else {
				within.From = append(last, 0)
			}
		}
	}
}

// within is a span of an index as one of its scope.
func within(name IndexName, span store.Span) store.Span {
	all := store.Prefix(indexKey(name, nil))
	all.From, all.Reverse = indexKey(name, span.From), span.Reverse
	if span.To != nil {
		all.To = indexKey(name, span.To)
	}
	return all
}

func (e *Engine) findable(ctx context.Context, scope store.Scope, name IndexName) error {
	switch {
	case e.cfg.Index == nil:
		return &Error{Kind: Internal, Cause: errors.New("this engine has no indexes")}
	case !name.valid():
		return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "index", "索引名称无效。", "No index has such a name.").in(scope)
	}
	return e.ready(ctx, scope)
}

// indexPage reads what follows within a span; more says that something is left behind it.
func indexPage(r store.Reader, name IndexName, prefix int, within store.Span) (page []IndexEntry, more bool, err error) {
	size := 0
	for entry, err := range r.Scan(within) {
		if err != nil {
			return page, false, err
		}
		if len(page) == findPage || size >= findBytes {
			return page, true, nil
		}
		size += len(entry.Key) + len(entry.Value)
		own := append(append(make([]byte, 0, len(entry.Key)-prefix+len(entry.Value)), entry.Key[prefix:]...), entry.Value...)
		cut := len(entry.Key) - prefix
		page = append(page, IndexEntry{Name: name, Key: own[:cut:cut], Value: own[cut:]})
	}
	return page, false, nil
}
