package engine

import (
	"bytes"
	"context"
	"errors"
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
// What a call does not find in the history table yet it writes there first, but for the last entries: of a scope that an older release wrote that is all,
// and takes a while, beside those who write. Maintain does the same. An error is an *Error and ends the visit. It asks for nobody's rights.
func (e *Engine) History(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, span HistorySpan) iter.Seq2[HistoryEntry, error] {
	return e.Histories(ctx, scope, []*roundsv1.RecordRef{{Kind: string(kind), Id: string(id)}}, span)
}

// Histories visits the journal entries about any of several records, each once, as History does for one. It looks through what the history table does not have yet once for all of
// them, and looks up each of them once for each page that it reads: a few dozen records at a time are a good number.
func (e *Engine) Histories(ctx context.Context, scope store.Scope, of []*roundsv1.RecordRef, span HistorySpan) iter.Seq2[HistoryEntry, error] {
	return func(yield func(HistoryEntry, error) bool) {
		var subjects [][]byte
		for _, record := range of {
			parsed, ok := parseID(record.GetId())
			if !ok || !validScope(scope) || record.GetKind() == "" {
				yield(HistoryEntry{}, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "record_id",
					"记录无效。", "A record is named by its scope, its kind and a UUID in lower case.").in(scope))
				return
			}
			subjects = append(subjects, recordKey(tableHistory, merge.Kind(record.GetKind()), parsed), recordKey(tableHistory, "", parsed))
		}
		if len(subjects) == 0 {
			return
		}
		// One entry is looked at in the journal itself, without the table.
		one := span.From > 0 && span.To == span.From+1
		if !one {
			if err := e.scope(scope).remember(ctx, rememberBehind); err != nil {
				yield(HistoryEntry{}, err)
				return
			}
		}
		for more := true; more; {
			var page []HistoryEntry
			err := e.cfg.Store.View(ctx, scope, func(r store.Reader) (err error) {
				var known bool
				if one {
					if page, known, err = readOne(r, subjects, uint64(span.From)); known || err != nil {
						more = false
						return err
					}
				}
				page, more, err = readHistory(r, subjects, span)
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

// readHistory reads what stands in a span of the histories of any of several subjects; more says that something is left behind it.
func readHistory(r store.Reader, subjects [][]byte, span HistorySpan) (page []HistoryEntry, more bool, err error) {
	through, err := rememberedThrough(r)
	if err != nil {
		return nil, false, err
	}
	var seqs []uint64
	for _, about := range subjects {
		if seqs, err = readSeqs(r, about, span, seqs); err != nil {
			return nil, false, err
		}
	}
	if span.Reverse || len(seqs) <= historyPage {
		if seqs, err = readRest(r, subjects, through, span, seqs); err != nil {
			return nil, false, err
		}
	}
	slices.Sort(seqs)
	seqs = slices.Compact(seqs) // a record may be named twice
	if span.Reverse {
		slices.Reverse(seqs)
	}
	size := 0
	for _, seq := range seqs {
		if len(page) == historyPage || size >= historyBytes {
			return page, true, nil
		}
		entry, _, encoded, err := openEntry(r, seq)
		if err != nil {
			return page, false, err
		}
		page, size = append(page, entry), size+encoded
	}
	return page, false, nil
}

// readOne reads one entry of the journal, if it is about one of several subjects. Known says that this could be told from the entry alone: of one whose content
// was removed by law perhaps only the history table knows.
func readOne(r store.Reader, subjects [][]byte, seq uint64) (page []HistoryEntry, known bool, err error) {
	entry, about, _, err := openEntry(r, seq)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, true, nil
	case err != nil:
		return nil, false, err
	case slices.ContainsFunc(subjects, func(s []byte) bool { return bytes.Equal(s, about) }):
		return []HistoryEntry{entry}, true, nil
	}
	return nil, about != nil, nil
}

// openEntry reads one entry of the journal, tells what it is about, and of how many bytes it is.
func openEntry(r store.Reader, seq uint64) (entry HistoryEntry, about []byte, size int, err error) {
	encoded, err := r.Get(seqKey(tableJournal, seq))
	if err != nil {
		return HistoryEntry{}, nil, 0, fmt.Errorf("journal entry %d: %w", seq, err)
	}
	head, content, hash, err := journal.Open(encoded)
	if err != nil {
		return HistoryEntry{}, nil, 0, fmt.Errorf("journal entry %d: %w", seq, err)
	}
	outcome, err := fullOutcome(r, head)
	if err != nil {
		return HistoryEntry{}, nil, 0, err
	}
	if len(content) == 0 {
		content = nil
	}
	about, _ = subject(head, content)
	return HistoryEntry{Head: head, Outcome: outcome, Content: bytes.Clone(content), Hash: hash}, about, len(encoded), nil
}

// within: whether a seq is in the span.
func (s HistorySpan) within(seq uint64) bool {
	return seq >= uint64(s.From) && (s.To == 0 || seq < uint64(s.To))
}

// readSeqs appends what the history table has of one subject in a span, a little more than a page of it, from the span's beginning.
func readSeqs(r store.Reader, about []byte, span HistorySpan, seqs []uint64) ([]uint64, error) {
	keys := store.Prefix(about)
	if span.To != 0 {
		keys.To = historyKey(about, span.To)
	}
	if span.From > 0 {
		// The first one of the span may stand under the key of one before it.
		for entry, err := range r.Scan(store.Span{From: keys.From, To: historyKey(about, span.From+1), Reverse: true}) {
			if err != nil {
				return nil, err
			}
			keys.From = bytes.Clone(entry.Key)
			break
		}
	}
	keys.Reverse = span.Reverse
	begun := len(seqs)
	for entry, err := range r.Scan(keys) {
		if err != nil {
			return nil, err
		}
		first, err := keySeq(entry.Key)
		if err != nil {
			return nil, err
		}
		of, err := decodeGaps(nil, first, entry.Value)
		if err != nil {
			return nil, err
		}
		for _, seq := range of {
			if span.within(seq) {
				seqs = append(seqs, seq)
			}
		}
		if len(seqs)-begun > historyPage {
			break
		}
	}
	return seqs, nil
}

// readRest appends what the journal has of several subjects in a span behind what the history table has.
func readRest(r store.Reader, subjects [][]byte, through uint64, span HistorySpan, seqs []uint64) ([]uint64, error) {
	entries := store.Prefix([]byte{tableJournal})
	entries.From = seqKey(tableJournal, max(through+1, uint64(span.From)))
	if span.To != 0 {
		entries.To = seqKey(tableJournal, uint64(span.To))
	}
	for entry, err := range r.Scan(entries) {
		if err != nil {
			return nil, err
		}
		head, content, _, err := journal.Open(entry.Value)
		if err != nil {
			return nil, fmt.Errorf("journal entry %x: %w", entry.Key, err)
		}
		about, _ := subject(head, content)
		if slices.ContainsFunc(subjects, func(s []byte) bool { return bytes.Equal(s, about) }) {
			seqs = append(seqs, head.GetSeq())
		}
	}
	return seqs, nil
}
