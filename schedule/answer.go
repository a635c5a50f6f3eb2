package schedule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// indexAsked: id of a ticket or a round, id of an open question about it. An act on that may be the answer.
const indexAsked engine.IndexName = "asked"

// askedEntries are those of a question.
func askedEntries(id uuid.UUID, c *roundsv1.Conflict) []engine.IndexEntry {
	about, err := uuid.Parse(c.GetSubject().GetId())
	if err != nil || c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		return nil
	}
	switch merge.Kind(c.GetSubject().GetKind()) {
	case kindTicket, kindInspection:
		return []engine.IndexEntry{{Name: indexAsked, Key: slices.Concat(about[:], id[:])}}
	}
	return nil
}

// follower is how far a scope's questions were looked at. The zero follower has looked at none.
type follower struct {
	since   engine.Position // the changes through which questions were looked at; zero: all of them are to be looked at
	next    engine.Position // while all are looked at: where the scope stood at the beginning of that
	at      []byte          // while all are looked at: where that goes on; nil: at the beginning
	refused map[string]bool // questions that could not be looked at: they are tried again
}

// answers closes the questions of a scope that have found their answer, and says when it goes on where it is not through.
func (w *Worker) answers(ctx context.Context, p *place, at moment) (did int, next int64, err error) {
	did, more, err := w.closeAnswered(ctx, p)
	if ofScope(ctx, err) {
		return did, never, err
	}
	next = never
	if err != nil {
		w.count(func(s *Stats) { s.Failures++ })
		w.log.Error("looking for answers failed", "scope", string(p.scope), "error", err)
		next = at.now.Add(longestSleep).UnixMicro()
	}
	if more {
		next = at.now.Add(firstRest).UnixMicro()
	}
	return did, next, err
}

// closeAnswered closes the questions of a scope that have found their answer in what they are about. It looks at all of them once, and then at those that came,
// or whose ticket or round changed, so that it costs what changed and not what is open. It does so much at a time; more says that it is not through, and goes
// on there with the next look.
func (w *Worker) closeAnswered(ctx context.Context, p *place) (did int, more bool, err error) {
	ids, done, more, err := w.toAnswer(ctx, p.scope, p.asked)
	if err != nil {
		return 0, false, err
	}
	done.refused = map[string]bool{}
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		closed, err := w.answer(ctx, p.scope, id)
		if ofScope(ctx, err) {
			return did, false, err // p.asked stays: the next look does all of this again
		}
		if err != nil { // it does not keep the others from theirs
			faults = append(faults, fmt.Errorf("question %s: %w", id, err))
			done.refused[id] = true
		}
		if closed {
			did++
		}
	}
	p.asked = done
	return did, more, errors.Join(faults...)
}

// toAnswer returns the questions to be looked at, and how far the follower is when that is done.
func (w *Worker) toAnswer(ctx context.Context, scope store.Scope, f follower) (ids map[string]bool, done follower, more bool, err error) {
	ids = maps.Clone(f.refused)
	if ids == nil {
		ids = map[string]bool{}
	}
	if f.since != (engine.Position{}) {
		page, err := w.cfg.Records.Changes(ctx, scope, f.since, engine.ChangesLimits{Records: mostItems})
		if err != nil {
			return nil, f, false, err
		}
		if !page.Reset {
			return ids, follower{since: page.Position}, page.More, w.concerned(ctx, scope, page.Changes, ids)
		}
		f = follower{}
	}
	if f.at == nil {
		if f.next, err = w.cfg.Records.Position(ctx, scope); err != nil {
			return nil, f, false, err
		}
	}
	span := store.Span{From: f.at}
	seen := 0
	for entry, err := range w.cfg.Records.Find(ctx, scope, indexAsked, span) {
		if err != nil {
			return nil, f, false, err
		}
		if seen == mostItems {
			f.at = entry.Key
			return ids, f, true, nil
		}
		if id, ok := askedID(entry); ok {
			ids[id] = true
		}
		seen++
	}
	return ids, follower{since: f.next}, false, nil
}

// concerned adds the questions that changes may have answered: those that changed themselves, and those about a ticket or a round that did.
func (w *Worker) concerned(ctx context.Context, scope store.Scope, changes []*roundsv1.Change, ids map[string]bool) error {
	for _, change := range changes {
		id, err := uuid.Parse(change.GetRecordId())
		if err != nil {
			continue
		}
		switch change.GetRecord().GetKind().(type) {
		case *roundsv1.Record_Conflict:
			if len(askedEntries(id, change.GetRecord().GetConflict())) > 0 {
				ids[id.String()] = true
			}
		case *roundsv1.Record_Ticket, *roundsv1.Record_Inspection:
			for entry, err := range w.cfg.Records.Find(ctx, scope, indexAsked, store.Prefix(id[:])) {
				if err != nil {
					return err
				}
				if id, ok := askedID(entry); ok {
					ids[id] = true
				}
			}
		}
	}
	return nil
}

// askedID is the id of a question in an entry of indexAsked.
func askedID(entry engine.IndexEntry) (string, bool) {
	if len(entry.Key) != 16+16 {
		return "", false
	}
	return uuid.UUID(entry.Key[16:]).String(), true
}

// answer closes one question if it has found its answer. It is looked at outside of a transaction first, for nearly none has.
func (w *Worker) answer(ctx context.Context, scope store.Scope, id string) (closed bool, err error) {
	edit, err := w.answered(id, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
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
		return []engine.Derived{{RecordID: merge.RecordID(id), Edit: edit}}, nil
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
func (w *Worker) answered(id string, get func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) (*roundsv1.Edit, error) {
	question, err := get(kindConflict, merge.RecordID(id))
	if err != nil || !stands(question) {
		return nil, err
	}
	c := question.GetRecord().GetConflict()
	subject, err := get(merge.Kind(c.GetSubject().GetKind()), merge.RecordID(c.GetSubject().GetId()))
	if err != nil {
		return nil, err
	}
	edit, ok := w.cfg.Answered(question, subject)
	if !ok {
		return nil, nil
	}
	return edit, nil
}
