package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/tag"
)

// lostPhoto brings a ticket of lights to where its photo is lost and somebody decided that it is to be taken again.
func (w *town) lostPhoto() {
	w.t.Helper()
	w.x.done(uid("lost"), shot(w.id, 1, hash("lost")))
	w.x.done(w.id, submit(1, uid("lost")))
	w.retake(w.id)
	w.x.sync()
}

// reckoned has the server write when a photo was taken, as the look at it does.
func (w *town) reckoned(photo string, us int64) {
	w.t.Helper()
	w.write(func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(photo), Edit: &roundsv1.Edit{Fields: []uint32{42}, Record: &roundsv1.Record{
			Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Report: &roundsv1.PhotoReport{CapturedUs: us}}}}}}}, nil
	})
}

// TestRow36_NewCapture: a photo that was taken before somebody decided that photos are to be taken again, and declared after it, is no new capture.
func TestRow36_NewCapture(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration // of the decision
		want  roundsv1.TicketState
	}{
		"before": {-time.Hour, stateDone},
		"after":  {time.Millisecond, stateInReview},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			w.lostPhoto()
			asked := w.chief.ticket(w.id).GetReviews()[0].GetTimeUs()
			fresh := uid("fresh")
			w.x.done(fresh, shot(w.id, 1, hash("fresh"), at))
			w.x.done(w.id, submit(1, fresh))
			w.reckoned(fresh, asked+test.after.Microseconds())
			w.looked(w.id, fresh, stateClean)
			w.chief.inState(w.id, test.want)
		})
	}
}

// TestRow36_WhatNeverCame: where the phone is lost before it told even of its photo, that one is not waited for once somebody decided that it is taken again; it stays
// listed, and is waited for as soon as it is heard of after all.
func TestRow36_WhatNeverCame(t *testing.T) {
	fresh := uid("fresh")
	again := func(w *town) {
		w.x.done(w.id, submit(1, uid("lost")))
		w.retake(w.id)
		w.x.sync()
		w.x.done(fresh, shot(w.id, 1, hash("fresh"), at))
		w.x.done(w.id, submit(1, fresh))
	}
	t.Run("taken again", func(t *testing.T) {
		w := newTown(t, "light")
		again(w)
		w.chief.inState(w.id, stateDone)
		w.looked(w.id, fresh, stateClean)
		ticket := w.chief.inState(w.id, stateInReview)
		if listed := ticket.GetCompletions()[0].GetPhotoIds(); !slices.Contains(listed, uid("lost")) {
			t.Errorf("of the lost photo there is listed %v", listed)
		}
		w.r.sync()
		w.r.done(w.id, w.r.approves(w.id, 1))
		w.chief.inState(w.id, stateClosed)
	})
	t.Run("it comes after all", func(t *testing.T) {
		w := newTown(t, "light")
		again(w)
		w.x.done(uid("lost"), shot(w.id, 1, hash("lost")))
		w.looked(w.id, fresh, stateClean)
		w.chief.inState(w.id, stateDone)
		w.looked(w.id, uid("lost"), stateClean)
		w.chief.inState(w.id, stateInReview)
	})
	t.Run("nobody decided", func(t *testing.T) {
		w := newTown(t, "light")
		w.x.done(w.id, submit(1, uid("lost")))
		w.x.done(fresh, shot(w.id, 1, hash("fresh"), at))
		w.x.done(w.id, submit(1, fresh))
		w.looked(w.id, fresh, stateClean)
		w.chief.inState(w.id, stateDone)
	})
}

// keyed are the keys of a site whose tags are verified.
type keyed struct{}

func (keyed) TagKeys(store.Scope) tag.Keys { return tag.Keys{siteKey()} }

// TestRow36_GenuineTag: where tags are verified, only a genuine one of the ticket's place, or of one within it, proves the place of what is taken again; a photo that only
// says that it was taken at a tag does not.
func TestRow36_GenuineTag(t *testing.T) {
	building, room, other := uid("the building"), uid("the room in it"), uid("the other building")
	issued := func(place string) string {
		p, err := tag.Issue(tag.Tag{Site: siteID, Place: place}, siteKey())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, test := range map[string]struct {
		scan  *roundsv1.Scan
		place roundsv1.LocationSource
		want  roundsv1.TicketState
	}{
		"of the place":                 {&roundsv1.Scan{Payload: issued(building)}, 0, stateInReview},
		"of a room in it":              {&roundsv1.Scan{Payload: issued(room), CheckpointId: room}, 0, stateInReview},
		"of another building":          {&roundsv1.Scan{Payload: issued(other)}, 0, stateDone},
		"of another, said to be here":  {&roundsv1.Scan{Payload: issued(other), CheckpointId: building}, 0, stateDone},
		"rubbish":                      {&roundsv1.Scan{Payload: "rubbish", CheckpointId: building}, 0, stateDone},
		"none that could be read":      {&roundsv1.Scan{CheckpointId: building}, 0, stateDone},
		"the photo says so":            {nil, roundsv1.LocationSource_LOCATION_SOURCE_TAG, stateDone},
		"the photo says it is certain": {nil, roundsv1.LocationSource_LOCATION_SOURCE_CONFIRMED, stateDone},
		"the photo has a fix":          {nil, roundsv1.LocationSource_LOCATION_SOURCE_GPS, stateInReview},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTownOf(t, work.Config{Reference: office{}, Tags: keyed{}}, "light")
			w.write(func(engine.View) ([]engine.Derived, error) {
				of := func(id string, p *roundsv1.Place) engine.Derived {
					return engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: p}}}}
				}
				return []engine.Derived{of(building, &roundsv1.Place{}), of(room, &roundsv1.Place{ParentId: building}), of(other, &roundsv1.Place{}),
					{RecordID: merge.RecordID(w.id), Edit: &roundsv1.Edit{Fields: []uint32{5}, Record: ticketRecord(&roundsv1.Ticket{
						Location: &roundsv1.Location{PlaceId: building, Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})}}}, nil
			})
			if got := w.chief.ticket(w.id).GetLocation().GetPlaceId(); got != building {
				t.Fatalf("the ticket is at %q", got)
			}
			w.lostPhoto()
			if test.scan != nil {
				test.scan.Id = uid("a scan")
				w.x.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Scans: []*roundsv1.Scan{test.scan}})})
			}
			fresh := uid("fresh")
			w.x.done(w.id, submit(1, fresh))
			w.x.done(fresh, shot(w.id, 1, hash("fresh"), func(p *roundsv1.Photo) { p.Location = &roundsv1.Location{PlaceId: building, Source: test.place} }))
			w.looked(w.id, fresh, stateClean)
			w.chief.inState(w.id, test.want)
		})
	}
}
