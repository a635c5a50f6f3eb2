package schedule

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// indexAsked: id. Open questions about a ticket or a round: an act on that may be the answer.
const indexAsked engine.IndexName = "asked"

// askedEntries are those of a question.
func askedEntries(id uuid.UUID, c *roundsv1.Conflict) []engine.IndexEntry {
	switch merge.Kind(c.GetSubject().GetKind()) {
	case kindTicket, kindInspection:
		if c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN && c.GetSubject().GetId() != "" {
			return []engine.IndexEntry{{Name: indexAsked, Key: id[:]}}
		}
	}
	return nil
}

// answers closes the questions of a scope that have found their answer in what they are about. It looks at so many at a time, in the order of their ids; more says
// that it is not through, and goes on there with the next look.
func (w *Worker) answers(ctx context.Context, p *place) (did int, more bool, err error) {
	var ids []string
	span := store.Span{From: p.asked}
	p.asked = nil
	for entry, err := range w.cfg.Records.Find(ctx, p.scope, indexAsked, span) {
		if err != nil {
			return 0, false, err
		}
		if len(ids) == mostItems {
			p.asked = entry.Key
			break
		}
		if id, err := uuid.FromBytes(entry.Key); err == nil {
			ids = append(ids, id.String())
		}
	}
	var faults []error
	for _, id := range ids {
		closed, err := w.answer(ctx, p.scope, id)
		if unavailable(ctx, err) {
			return did, false, err
		}
		if err != nil { // it does not keep the others from theirs
			faults = append(faults, fmt.Errorf("question %s: %w", id, err))
		}
		if closed {
			did++
		}
	}
	return did, p.asked != nil, errors.Join(faults...)
}

// answer closes one question if it has found its answer. It is looked at outside of a transaction first, for nearly none has.
func (w *Worker) answer(ctx context.Context, scope store.Scope, id string) (closed bool, err error) {
	edit, err := w.answered(id, func(kind merge.Kind, id string) (*roundsv1.Change, error) {
		return w.cfg.Records.Record(ctx, scope, kind, id)
	})
	if err != nil || edit == nil {
		return false, err
	}
	err = w.cfg.Records.Write(ctx, scope, func(view engine.View) ([]engine.Derived, error) {
		edit, err := w.answered(id, view.Get)
		if closed = err == nil && edit != nil; !closed {
			return nil, err
		}
		return []engine.Derived{{RecordID: id, Edit: edit}}, nil
	})
	if err != nil {
		return false, err
	}
	if closed {
		w.count(func(s *Stats) { s.Answered++ })
	}
	return closed, nil
}

// answered is the edit that closes a question; nil where it waits on.
func (w *Worker) answered(id string, get func(merge.Kind, string) (*roundsv1.Change, error)) (*roundsv1.Edit, error) {
	question, err := get(kindConflict, id)
	if err != nil || !stands(question) {
		return nil, err
	}
	c := question.GetRecord().GetConflict()
	subject, err := get(merge.Kind(c.GetSubject().GetKind()), c.GetSubject().GetId())
	if err != nil {
		return nil, err
	}
	edit, ok := w.cfg.Answered(question, subject)
	if !ok {
		return nil, nil
	}
	return edit, nil
}
