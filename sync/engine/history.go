package engine

import (
	"context"
	"iter"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// HistoryEntry is one journal entry in the history of a record.
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
// by page, so that a slow reader holds no snapshot open. A commit that returned before History is in it. Entries that name no record which the server
// could read are in no history.
//
// In a scope that an older release wrote in, the first call waits until the table that this is read from is filled, beside those who write. An error is
// an *Error and ends the visit. It asks for nobody's rights.
func (e *Engine) History(ctx context.Context, scope store.Scope, kind merge.Kind, id string, span HistorySpan) iter.Seq2[HistoryEntry, error] {
	return func(yield func(HistoryEntry, error) bool) {}
}
