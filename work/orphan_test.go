package work_test

import (
	"context"
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestOrphans is row 34: what was recorded without knowing that the ticket was archived, or erased in part, waits for a supervisor; what is recorded afterwards is
// taken as ever.
func TestOrphans(t *testing.T) {
	const orphan = roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN
	for name, gone := range map[string]func(w *shift) error{
		"archived": func(w *shift) error {
			return w.engine.Evict(context.Background(), siteScope, "ticket", merge.RecordID(w.id))
		},
		"erased": func(w *shift) error {
			return w.engine.Redact(context.Background(), siteScope, "ticket", merge.RecordID(w.id), []uint32{1}, "asked for by the household")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newShift(t)
			first := w.x.do(w.id, labour("X"))
			if err := gone(w); err != nil {
				t.Fatal(err)
			}
			w.x.sync()
			question := w.x.parked(first, orphan)
			if n := len(w.chief.ticket(w.id).GetLabour()); n != 0 {
				t.Fatalf("%d labour before anybody decided", n)
			}
			w.chief.done(question, admit())
			if n := len(w.chief.ticket(w.id).GetLabour()); n != 1 {
				t.Errorf("%d labour after it was let in", n)
			}
			w.y.sync()
			w.y.done(w.id, labour("Y"))
			if n := len(w.chief.ticket(w.id).GetLabour()); n != 2 {
				t.Errorf("%d labour of both", n)
			}
		})
	}
}

// TestOrphansBeside is row 34 of photos and remarks, which are records of their own: each waits with a question of its own.
func TestOrphansBeside(t *testing.T) {
	const orphan = roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN
	round := uid("round")
	walked := func(id string) *roundsv1.Fact {
		return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{SizeBytes: 9,
			Subject: &roundsv1.RecordRef{Kind: "inspection", Id: id}}}}}
	}
	for name, gone := range map[string]func(w *town, kind, id string) error{
		"archived": func(w *town, kind, id string) error {
			return w.engine.Evict(context.Background(), siteScope, merge.Kind(kind), merge.RecordID(id))
		},
		"erased": func(w *town, kind, id string) error {
			return w.engine.Redact(context.Background(), siteScope, merge.Kind(kind), merge.RecordID(id), map[string][]uint32{"ticket": {1}, "inspection": {3}}[kind], "asked for by the household")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			w.chief.done(round, &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Title: "stairs of Li's tower", CheckpointIds: []string{uid("stairs")}}}}})
			w.x.sync()
			acts := []uint64{w.x.do(uid("photo"), shot(w.id, 1)), w.x.do(uid("remark"), remark(w.id, "called Li")), w.x.do(uid("of the round"), walked(round))}
			if err := gone(w, "ticket", w.id); err != nil {
				t.Fatal(err)
			}
			if err := gone(w, "inspection", round); err != nil {
				t.Fatal(err)
			}
			w.x.sync()
			var asked []string
			for _, act := range acts {
				asked = append(asked, w.x.parked(act, orphan))
			}
			if all := slices.Compact(slices.Sorted(slices.Values(asked))); len(all) != len(acts) {
				t.Fatalf("%d questions of %d facts", len(all), len(acts))
			}
			w.chief.sync()
			for i, about := range []string{w.id, w.id, round} {
				c := w.chief.replica[asked[i]].GetRecord().GetConflict()
				if len(c.GetSides()) != 2 || c.GetSides()[0].GetRecord().GetId() != about || c.GetSides()[0].GetTimeUs() == 0 || c.GetSides()[1].GetPersonId() != uid("X") {
					t.Fatalf("%v", c)
				}
			}
			for _, id := range []string{uid("photo"), uid("remark"), uid("of the round")} {
				if w.chief.replica[id] != nil {
					t.Fatal("it counts before anybody decided")
				}
			}
			w.chief.done(asked[0], admit())
			w.chief.done(asked[1], admit())
			w.chief.sync()
			if w.chief.replica[uid("photo")].GetRecord().GetPhoto() == nil || w.chief.replica[uid("remark")].GetRecord().GetComment() == nil {
				t.Fatal("it does not count though it was let in")
			}
			if name == "erased" { // what is made afterwards is taken as ever
				w.y.done(uid("later"), shot(w.id, 1))
				w.y.done(uid("said later"), remark(w.id, "swept"))
			}
		})
	}
}

// TestPhotoOfADeletedTicket: what is about something that is there no more waits, too; what is about something that is not here yet is taken.
func TestPhotoOfADeletedTicket(t *testing.T) {
	for _, deleted := range []bool{true, false} {
		c := engine.Case{Scope: siteScope, Kind: "photo", Person: engine.PersonID(uid("me")), Roles: []roundsv1.Role{worker}, Mutation: mutation(uid("photo"), shot(uid("gone"), 1)),
			Lookup: func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
				if !deleted || kind != "ticket" || string(id) != uid("gone") {
					return nil, nil
				}
				gone := change(ticketRecord(&roundsv1.Ticket{}))
				gone.Deleted = true
				return gone, nil
			}}
		if v := plainRules().Judge(c); (v.Park == roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN) != deleted {
			t.Errorf("deleted %v: %+v", deleted, v)
		}
	}
}
