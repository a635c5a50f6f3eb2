package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
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
