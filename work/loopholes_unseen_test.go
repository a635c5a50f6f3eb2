package work_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestApprovalQueuedBeforeTheWork: an approval that was queued before the round's evidence was complete closes nothing, whatever it says was seen; nor does one of a
// version that there never was. Whoever looks and approves again does.
func TestApprovalQueuedBeforeTheWork(t *testing.T) {
	garbage := func(w *town) *roundsv1.TicketCommand {
		act := approve(1)
		act.GetApprove().ReviewDigest = bytes.Repeat([]byte{7}, 32)
		return act
	}
	honest := func(w *town) *roundsv1.TicketCommand { return w.r.approves(w.id, 1) }
	for name, test := range map[string]struct {
		act    func(*town) *roundsv1.TicketCommand
		before func(*town) // what R saw of the work
		// version of the ticket that R says to have seen, where it is not the one that was
		version *uint64
	}{
		"before it began":              {honest, func(*town) {}, nil},
		"before it began, with words":  {garbage, func(*town) {}, nil},
		"while it went on":             {honest, func(w *town) { w.x.done(w.id, start()); w.r.sync() }, nil},
		"of a version that never was":  {garbage, func(*town) {}, ptr[uint64](99999)},
		"of no version":                {garbage, func(*town) {}, ptr[uint64](0)},
		"when it was reported as done": {honest, func(w *town) { w.x.done(w.id, submit(1, uid("on its way"))); w.r.sync() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			test.before(w)
			seen := w.r.replica[w.id]
			w.r.replica[w.id] = proto.CloneOf(seen)
			if test.version != nil {
				w.r.replica[w.id].Version = *test.version
			}
			early := w.r.do(w.id, test.act(w))
			w.r.replica[w.id] = seen
			w.x.done(uid("on its way"), shot(w.id, 1, hash("on its way")))
			w.looked(w.id, uid("on its way"), stateClean)
			if w.chief.ticket(w.id).GetState() != stateInReview {
				w.finished(w.x, w.id, 1)
			}
			w.chief.inState(w.id, stateInReview)
			w.r.sync()
			w.r.refused(early, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST)
			w.chief.inState(w.id, stateInReview)
			w.r.done(w.id, w.r.approves(w.id, 1))
			w.chief.inState(w.id, stateClosed)
		})
	}
}

// TestSecondSignerLooked: whoever signs a closure beside another, it may rest on one day, so that who did not see the evidence does not sign it.
func TestSecondSignerLooked(t *testing.T) {
	w := newTown(t, "light")
	early := w.q.do(w.id, w.q.approves(w.id, 1))
	w.x.done(w.id, start())
	w.finished(w.x, w.id, 1)
	w.r.sync()
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.q.sync()
	w.q.refused(early, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST)
	w.r.done(w.id, labour("R"))
	w.chief.inState(w.id, stateInReview) // nobody's word is left
}

// TestOlderDigestInTheSameRound: what a reviewer saw complete counts, also where a second bundle has come and was verified since (10).
func TestOlderDigestInTheSameRound(t *testing.T) {
	w := newTown(t, "light")
	w.foreman.done(w.id, crew([]string{"Y"}, nil))
	w.inReview()
	act := w.r.do(w.id, w.r.approves(w.id, 1))
	w.finished(w.y, w.id, 1)
	w.chief.inState(w.id, stateInReview)
	w.r.sync()
	w.r.applied(act)
	flagged(t, w.chief.inState(w.id, stateClosed), "approved_before_late_evidence")
}

// unlisted is X's work on a ticket of "pump", whose checklist X did not know of: the category was another when X went without signal.
func unlisted(t *testing.T) (w *town, done uint64) {
	w = newTown(t, "words")
	done = w.x.do(w.id, submit(1, uid("one"), uid("two")))
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CategoryId: "pump"}), Fields: []uint32{3}})
	w.x.sync()
	w.x.applied(done)
	w.x.done(uid("found"), shot(w.id, 1, asBefore, hash("found")))
	for _, photo := range []string{"one", "two"} {
		w.x.done(uid(photo), shot(w.id, 1, hash(photo)))
		w.looked(w.id, uid(photo), stateClean)
	}
	w.looked(w.id, uid("found"), stateClean)
	return w, done
}

// TestChecklistUnseen: work that was reported by somebody who did not know of the checklist waits for it, who is told what is missing, and goes to review when the
// answers are here.
func TestChecklistUnseen(t *testing.T) {
	w, _ := unlisted(t)
	w.chief.inState(w.id, stateDone)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, w.id, "X", 0)
	w.r.sync()
	early := w.r.do(w.id, w.r.approves(w.id, 1))
	w.r.sync()
	w.r.refused(early, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	if said := w.r.outcomes[early].GetProblem().GetFacts(); said["count"] != "2" || said["items"] != "bar,dry" {
		t.Fatalf("%v", w.r.outcomes[early])
	}
	w.x.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"dry": {Result: pass}, "bar": {Reading: ptr(500.0)}}})})
	w.looked(w.id, uid("found"), stateClean)
	w.chief.inState(w.id, stateDone) // no pump has 500 bar
	w.x.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"bar": {Reading: ptr(5.0)}}})})
	w.looked(w.id, uid("found"), stateClean)
	w.chief.inState(w.id, stateInReview)
	w.r.sync()
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}

// TestChecklistOfTheOther: a completion that goes on to another ticket waits for that one's checklist.
func TestChecklistOfTheOther(t *testing.T) {
	w := newTown(t, "words")
	other := uid("other")
	w.report(other, "pump")
	w.desk.sync()
	w.desk.done(w.id, mergeInto(other))
	for _, photo := range []string{"one", "two"} {
		w.x.do(uid(photo), shot(w.id, 1, hash(photo)))
	}
	w.x.do(uid("found"), shot(w.id, 1, asBefore, hash("found")))
	act := w.x.do(w.id, submit(1, uid("one"), uid("two")))
	w.x.sync()
	w.x.applied(act)
	for _, photo := range []string{"one", "two", "found"} {
		w.looked(other, uid(photo), stateClean)
	}
	w.chief.inState(other, stateDone)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, other, "X", 0)
}

// at puts a photo at a tag.
func at(p *roundsv1.Photo) {
	p.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
}

// TestRow36_PlaceWhateverCameFirst: photos that are taken again need a proof of their place, in whatever order they and their completion come; a tag that was scanned
// before does not give it.
func TestRow36_PlaceWhateverCameFirst(t *testing.T) {
	lose := func(t *testing.T) *town {
		w := newTown(t, "light")
		w.x.done(w.id, scanned())
		w.x.done(uid("lost"), shot(w.id, 1, hash("lost")))
		w.x.done(w.id, submit(1, uid("lost")))
		w.retake(w.id)
		return w
	}
	fresh := uid("fresh")
	t.Run("the photo first", func(t *testing.T) {
		w := lose(t)
		w.x.done(fresh, shot(w.id, 1, hash("fresh")))
		act := w.x.do(w.id, submit(1, fresh))
		w.x.sync()
		w.x.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	})
	later := func(t *testing.T, change func(*roundsv1.Photo)) *town {
		w := lose(t)
		w.x.done(w.id, submit(1, fresh))
		w.x.done(fresh, shot(w.id, 1, hash("fresh"), change))
		w.looked(w.id, fresh, stateClean)
		return w
	}
	t.Run("the completion first", func(t *testing.T) {
		w := later(t, func(*roundsv1.Photo) {})
		w.chief.inState(w.id, stateDone)
		w.x.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: uid("another scan"), Payload: "B2"}}})})
		w.looked(w.id, fresh, stateClean)
		w.chief.inState(w.id, stateInReview)
	})
	t.Run("the completion first, at the tag", func(t *testing.T) {
		w := later(t, at)
		w.chief.inState(w.id, stateInReview)
	})
	t.Run("taken before somebody asked", func(t *testing.T) {
		w := newTown(t, "light")
		old := w.second("X's second", "X", worker)
		old.sync()
		old.do(fresh, shot(w.id, 1, hash("fresh"), at))
		w.x.done(uid("lost"), shot(w.id, 1, hash("lost")))
		w.x.done(w.id, submit(1, uid("lost")))
		w.retake(w.id)
		old.sync()
		w.x.sync()
		act := w.x.do(w.id, submit(1, fresh))
		w.x.sync()
		w.x.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	})
}
