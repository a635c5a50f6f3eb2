package engine

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// What History reads in one view of the store at most.
const (
	historyPage  = 256
	historyBytes = 1 << 20
)

// HistoryEntry is one journal entry in the history of a record. It is the caller's.
type HistoryEntry struct {
	// Head as it is sealed. Of the values that lost it has the names only.
	Head *roundsv1.EntryHead
	// Outcome with the values that lost, as far as they are kept; else as in the head.
	Outcome *roundsv1.Outcome
	// Content is an encoded Mutation; nil where there is none, or where it was removed by law, which journal.Redacted tells.
	Content []byte
	// Hash of the entry.
	Hash journal.Hash
}

// HistorySpan is a stretch of a scope's journal. The zero HistorySpan is all of it, from the oldest entry on.
type HistorySpan struct {
	// From is the first seq that is visited, To the first one behind the span; 0: no bound.
	From, To journal.Seq
	// Reverse visits the newest entry first.
	Reverse bool
}

// History visits the journal entries about one record within a span: what people and devices sent, also what was refused or waits, and of a record that
// never came to be; what the server derived and wrote; admissions and evictions. It costs what is visited, however long the journal is, and reads page
// by page, so that a slow reader holds no snapshot open. A commit that returned before History is in it. An entry that the server could not read as
// anything is in the history of the id that it names, whatever the kind; one that names no record is in none.
//
// In a scope that an older release wrote in, the first call waits until the table that this is read from is filled, beside those who write. An error is
// an *Error and ends the visit. It asks for nobody's rights.
func (e *Engine) History(ctx context.Context, scope store.Scope, kind merge.Kind, id string, span HistorySpan) iter.Seq2[HistoryEntry, error] {
	return func(yield func(HistoryEntry, error) bool) {
		parsed, ok := parseID(id)
		if !ok || !validScope(scope) || kind == "" {
			yield(HistoryEntry{}, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "record_id",
				"记录无效。", "A record is named by its scope, its kind and a UUID in lower case.").in(scope))
			return
		}
		if err := e.remembered(ctx, scope); err != nil {
			yield(HistoryEntry{}, err)
			return
		}
		prefixes := [][]byte{recordKey(tableHistory, kind, parsed), recordKey(tableHistory, "", parsed)}
		for more := true; more; {
			var page []HistoryEntry
			err := e.cfg.Store.View(ctx, scope, func(r store.Reader) (err error) {
				page, more, err = readHistory(r, prefixes, span)
				return err
			})
			for _, entry := range page {
				if !yield(entry, nil) {
					return
				}
			}
			if err != nil {
				yield(HistoryEntry{}, wrap(err))
				return
			}
			if !more {
				return
			}
			if last := journal.Seq(page[len(page)-1].Head.GetSeq()); span.Reverse {
				span.To = last
			} else {
				span.From = last + 1
			}
		}
	}
}

// readHistory reads what stands in a span under any of several prefixes of the history table; more says that something is left behind it. Slices are
// copies.
func readHistory(r store.Reader, prefixes [][]byte, span HistorySpan) (page []HistoryEntry, more bool, err error) {
	var seqs []uint64
	for _, prefix := range prefixes {
		within := store.Prefix(prefix)
		within.From, within.Reverse = seqAfter(prefix, span.From), span.Reverse
		if span.To != 0 {
			within.To = seqAfter(prefix, span.To)
		}
		n := 0
		for entry, err := range r.Scan(within) {
			if err != nil {
				return nil, false, err
			}
			seq, err := keySeq(entry.Key)
			if err != nil {
				return nil, false, err
			}
			if seqs, n = append(seqs, seq), n+1; n > historyPage {
				break
			}
		}
	}
	slices.Sort(seqs)
	if span.Reverse {
		slices.Reverse(seqs)
	}
	size := 0
	for _, seq := range seqs {
		if len(page) == historyPage || size >= historyBytes {
			return page, true, nil
		}
		encoded, err := r.Get(seqKey(tableJournal, seq))
		if err != nil {
			return page, false, fmt.Errorf("journal entry %d: %w", seq, err)
		}
		head, content, hash, err := journal.Open(encoded)
		if err != nil {
			return page, false, fmt.Errorf("journal entry %d: %w", seq, err)
		}
		outcome, err := fullOutcome(r, head)
		if err != nil {
			return page, false, err
		}
		if len(content) == 0 {
			content = nil
		}
		page, size = append(page, HistoryEntry{Head: head, Outcome: outcome, Content: bytes.Clone(content), Hash: hash}), size+len(encoded)
	}
	return page, false, nil
}
