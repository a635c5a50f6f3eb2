package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// startsWith has X begin a ticket that needs a photo from before, and requires that it is taken or not.
func (w *town) startsWith(id string, photo bool) {
	w.t.Helper()
	w.foreman.sync()
	w.foreman.done(id, dispatch("X"))
	w.x.sync()
	act := w.x.do(id, start())
	w.x.sync()
	if got := w.chief.ticket(id); got.GetBeforePhoto() != photo {
		w.t.Fatalf("before_photo %v", got.GetBeforePhoto())
	}
	if photo {
		w.x.applied(act)
	} else {
		w.x.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	}
}

// TestBeforePhotoBeforeItsTicket: a photo from before the work that is here before its ticket counts as soon as the ticket is, however that is made.
func TestBeforePhotoBeforeItsTicket(t *testing.T) {
	early := uid("early")
	for name, some := range map[string]struct {
		photo func(*roundsv1.Photo)
		not   bool
	}{
		"from before":           {asBefore, false},
		"of the finished work":  {func(*roundsv1.Photo) {}, true},
		"a drawing on a photo":  {func(p *roundsv1.Photo) { asBefore(p); p.AnnotationOfId = uid("other") }, true},
		"from before, of round": {func(p *roundsv1.Photo) { asBefore(p); p.Round = 0 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			late := uid("late ticket")
			w.r.done(uid("after"), shot(late, 1)) // the notice is there already
			w.r.done(early, shot(late, 1, some.photo))
			w.report(late, "pump")
			w.startsWith(late, !some.not)
			if got := w.chief.ticket(late).GetShownPhotoIds(); slices.Contains(got, early) == some.not {
				t.Fatalf("shown %v", got)
			}
		})
	}
	t.Run("a task", func(t *testing.T) {
		w := newTown(t, "flood")
		task := work.TaskID(merge.RecordID(w.id), 0, "pump")
		w.r.done(early, shot(string(task), 1, asBefore))
		w.desk.sync()
		w.desk.done(w.id, split("pump"))
		w.startsWith(string(task), true)
	})
	t.Run("of a failed item", func(t *testing.T) {
		p := newPatrol(t, 7, &roundsv1.Inspection{})
		found := work.FailureTicketID(merge.RecordID(p.id), "", "gutter")
		p.x.done(early, shot(string(found), 1, asBefore))
		p.x.done(p.id, walk("start"))
		p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", uid("photo"))}))
		if got := p.tickets()["gutter"]; !got.GetBeforePhoto() || !slices.Contains(got.GetShownPhotoIds(), early) {
			t.Fatalf("%v", got)
		}
	})
}

// TestBeforePhotoOfAMergedTicket: a photo from before of a ticket that is merged into another counts there, whether it came before the merger or after.
func TestBeforePhotoOfAMergedTicket(t *testing.T) {
	for _, first := range []bool{true, false} {
		w := newTown(t, "pump")
		other := uid("other ticket")
		w.report(other, "pump")
		if first {
			w.r.done(uid("before"), shot(other, 1, asBefore))
		}
		w.desk.sync()
		w.desk.done(other, mergeInto(w.id))
		if !first {
			w.r.done(uid("before"), shot(other, 1, asBefore))
		}
		w.startsWith(w.id, true)
	}
}

// TestPatrolPhotoBeforeItsTicket: a find on patrol that was photographed before the find came is a find with a photo.
func TestPatrolPhotoBeforeItsTicket(t *testing.T) {
	for name, photo := range map[string]func(*roundsv1.Photo){
		"of the place":         noRole,
		"of the finished work": func(*roundsv1.Photo) {},
		"from before":          asBefore,
		"a drawing":            func(p *roundsv1.Photo) { p.AnnotationOfId = uid("other") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			find := uid("find")
			w.x.done(uid("early"), shot(find, 0, photo))
			w.x.done(find, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "a lamp is out", Channel: roundsv1.Channel_CHANNEL_PATROL,
				Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})})
			if got := w.chief.ticket(find); slices.Contains(got.GetFlags(), "no_photo") != (name == "a drawing") {
				t.Fatalf("%v", got.GetFlags())
			}
		})
	}
}
