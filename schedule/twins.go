package schedule

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

const (
	// indexFresh: version, id -> when it was reported, and what two tickets have in common that are alike. Tickets that nobody has begun with.
	indexFresh engine.IndexName = "fresh"
	// indexTwin: the first 16 bytes of the SHA-256 of category and place, when it was reported, id. Tickets that go on, with what makes two alike.
	indexTwin engine.IndexName = "twin"
)

// mostTwins bounds the tickets that one is held against.
const mostTwins = 32

// twinEntries are those of a ticket that may be like another (row 21).
func twinEntries(id uuid.UUID, change *roundsv1.Change) []engine.IndexEntry {
	t := change.GetRecord().GetTicket()
	var entries []engine.IndexEntry
	switch t.GetState() {
	case roundsv1.TicketState_TICKET_STATE_CLOSED, roundsv1.TicketState_TICKET_STATE_CANCELLED, roundsv1.TicketState_TICKET_STATE_MERGED:
		return nil
	}
	for _, alike := range likenesses(t) {
		entries = append(entries, engine.IndexEntry{Name: indexTwin, Key: slices.Concat(alike, timeKey(t.GetReportedTimeUs()), id[:])})
	}
	if len(entries) == 0 {
		return nil
	}
	switch t.GetState() {
	case roundsv1.TicketState_TICKET_STATE_NEW, roundsv1.TicketState_TICKET_STATE_TRIAGED, roundsv1.TicketState_TICKET_STATE_DISPATCHED:
		entries = append(entries, engine.IndexEntry{Name: indexFresh, Key: append(binary.BigEndian.AppendUint64(nil, change.GetVersion()), id[:]...),
			Value: slices.Concat(timeKey(t.GetReportedTimeUs()), slices.Concat(likenesses(t)...))})
	}
	return entries
}

// likenesses are what two tickets have one of in common where they may be about the same thing: category and place, by the directory or in words.
func likenesses(t *roundsv1.Ticket) [][]byte {
	if t.GetCategoryId() == "" || t.GetParentId() != "" {
		return nil
	}
	var all [][]byte
	add := func(parts ...string) {
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
		all = append(all, sum[:16])
	}
	if place := t.GetLocation().GetPlaceId(); place != "" {
		add("place", t.GetCategoryId(), place)
	}
	if words := strings.TrimSpace(t.GetLocation().GetWords()); words != "" {
		add("words", t.GetCategoryId(), words)
	}
	return all
}

// fresh is a ticket that came or changed.
type fresh struct {
	id       string
	version  uint64
	reported int64
	alike    [][]byte
}

// twins asks a person about the tickets that may be about the same thing, and says when it goes on where it is not through.
func (w *Worker) twins(ctx context.Context, p *place, at moment) (did int, next int64, err error) {
	did, more, err := w.askTwins(ctx, p, at)
	if ofScope(ctx, err) {
		return did, never, err
	}
	next = never
	if err != nil { // it is looked at again soon, from where it failed
		w.count(func(s *Stats) { s.Failures++ })
		w.log.Error("looking for duplicates failed", "scope", string(p.scope), "error", err)
		next = at.now.Add(longestSleep).UnixMicro()
	}
	if more {
		next = at.nowUs
	}
	return did, next, err
}

// askTwins holds the tickets that came or changed since the last look against those that may be about the same thing, and asks a person where two are. More says
// that there are more to look at. However long ago a ticket was reported it is looked at, for its phone may have had no signal for days; a worker that begins anew looks at
// all that nobody has begun with, and asks nothing that was asked.
func (w *Worker) askTwins(ctx context.Context, p *place, at moment) (did int, more bool, err error) {
	within := at.policy.DuplicatePeriod
	if within <= 0 {
		return 0, false, nil
	}
	var all []fresh
	span := store.Span{From: binary.BigEndian.AppendUint64(nil, p.through+1)}
	through := p.through
	for entry, err := range w.cfg.Records.Find(ctx, p.scope, indexFresh, span) {
		if err != nil {
			return 0, false, err
		}
		if len(entry.Key) != 8+16 || len(entry.Value) < 8+16 {
			continue
		}
		through = binary.BigEndian.Uint64(entry.Key)
		all = append(all, fresh{id: uuid.UUID(entry.Key[8:]).String(), version: through, reported: int64(binary.BigEndian.Uint64(entry.Value) ^ 1<<63),
			alike: slices.Collect(slices.Chunk(entry.Value[8:], 16))})
		if more = len(all) == mostItems; more {
			break // the rest comes with the next look
		}
	}
	for _, one := range all {
		n, err := w.twin(ctx, at, one, within)
		if err != nil {
			return did, false, err
		}
		did += n
		p.through = max(p.through, one.version)
	}
	p.through = max(p.through, through)
	return did, more, nil
}

// twin holds one ticket against the others.
func (w *Worker) twin(ctx context.Context, at moment, one fresh, within time.Duration) (did int, err error) {
	others, err := w.alike(ctx, at.scope, one, within)
	if err != nil || len(others) == 0 {
		return 0, err
	}
	err = w.cfg.Records.Write(ctx, at.scope, func(view engine.View) (list []engine.Derived, err error) {
		did = 0 // an act may run again
		mine, err := view.Get(kindTicket, merge.RecordID(one.id))
		if err != nil || !stands(mine) {
			return nil, err
		}
		for _, other := range others {
			theirs, err := view.Get(kindTicket, merge.RecordID(other))
			if err != nil {
				return nil, err
			}
			if !stands(theirs) || !w.cfg.Duplicates(mine.GetRecord().GetTicket(), theirs.GetRecord().GetTicket(), within) {
				continue
			}
			question := w.cfg.DuplicateQuestion(mine, theirs, at.nowUs)
			if len(question) == 0 {
				continue
			}
			before, err := view.Get(kindConflict, question[0].RecordID)
			if err != nil {
				return nil, err
			}
			if before == nil { // two are asked about once, whatever was decided
				list = append(list, question...)
				did++
			}
		}
		return list, nil
	})
	if err != nil {
		return 0, err
	}
	w.count(func(s *Stats) { s.Twins += uint64(did) })
	return did, nil
}

// alike are the tickets that have category and place in common with one, and were reported about the same time.
func (w *Worker) alike(ctx context.Context, scope store.Scope, one fresh, within time.Duration) ([]string, error) {
	var others []string
	for _, alike := range one.alike {
		span := store.Span{From: slices.Concat(alike, timeKey(one.reported-within.Microseconds())),
			To: slices.Concat(alike, timeKey(one.reported+within.Microseconds()+1))}
		for entry, err := range w.cfg.Records.Find(ctx, scope, indexTwin, span) {
			if err != nil {
				return nil, err
			}
			if len(entry.Key) != 16+8+16 {
				continue
			}
			if other := uuid.UUID(entry.Key[24:]).String(); other != one.id && !slices.Contains(others, other) {
				others = append(others, other)
			}
			if len(others) == mostTwins {
				return others, nil
			}
		}
	}
	return others, nil
}
