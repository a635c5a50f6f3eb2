package arbitration_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

const noImage = "this is no image"

func asBefore(in *client.PhotoInput) { in.Role = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE }

// TestBeforePhotoCounts: where the category asks for a photo from before, its promise lets the work begin, and only one that is stored and sound lets the ticket go to
// review and be closed. There is a way out: another one, and the bad one out of sight.
func TestBeforePhotoCounts(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	category := newID()
	world.enter(world.org(), category, &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{Name: &roundsv1.Text{Zh: "墙面", En: "walls"},
		Code: "walls", AfterPhotos: 1, BeforePhoto: true, Priority: roundsv1.Priority_PRIORITY_NORMAL}}})
	w := world.site(t).shift()
	r, chief := w.phone("R"), w.phone("S")
	w.d.edit(w.id, &roundsv1.Ticket{CategoryId: category}, "category_id")
	w.d.sync()
	w.all()
	none := w.x.do(w.id, start())
	w.x.sync()
	w.x.refused(none, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)

	bad := w.x.shootsBytes([]byte(noImage), w.id, asBefore)
	begun := w.x.do(w.id, start())
	_, after := w.x.completes(w.id, 1)
	w.x.words()
	w.came(begun, applied)
	if listed := chief.chased(); !slices.ContainsFunc(listed, func(m *roundsv1.MissingPhoto) bool { return m.GetPhotoId() == bad }) {
		t.Errorf("the promised photo from before is not chased: %v", listed)
	}
	w.x.sync()
	w.looked(bad, after)
	if got := w.stands(w.id, isDone); w.photo(bad).GetState() != isHard || !slices.Contains(got.GetShownPhotoIds(), bad) {
		t.Fatalf("%v, shown %v", w.photo(bad).GetState(), got.GetShownPhotoIds())
	}
	r.sync()
	early := r.approves(w.id, 1)
	r.sync()
	r.refused(early, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)

	w.f.sync()
	w.f.hides(bad)
	w.f.sync()
	w.stands(w.id, isDone) // out of sight it is none
	good := w.x.shoots(w.id, asBefore)
	w.x.sync()
	w.looked(good)
	w.inState(w.id, isInReview)
	r.sync()

	// What the reviewer saw includes it: taken out of sight meanwhile, nothing from before is left.
	w.f.sync()
	seen := r.approves(w.id, 1)
	w.f.hides(good)
	w.f.sync()
	r.sync()
	r.refused(seen, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.stands(w.id, isInReview)
	third := w.x.shoots(w.id, asBefore)
	w.x.sync()
	w.looked(third)
	r.sync()
	yes := r.approves(w.id, 1)
	r.sync()
	w.came(yes, applied)
	w.stands(w.id, isClosed)
	w.settled()
}

// TestEarlyLabel: a photo that says "round 2", taken and looked at while round 1 was under review, does not satisfy round 2 after the rejection, by itself or beside others.
func TestEarlyLabel(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		r := s.phone("R")
		w.reviewable(1)
		old := w.x.shoots(w.id, inRound(2))
		w.x.sync()
		w.looked(old)
		w.pass(10 * time.Minute)
		r.sync()
		no := r.do(w.id, reject(1))
		r.sync()
		w.came(no, applied)
		w.x.sync()
		w.x.do(w.id, start())
		alone := w.x.do(w.id, submit(2, old))
		w.x.sync()
		if s.photo(old).GetState() == isHard {
			s.t.Fatal("the photo is refused for something else")
		}
		w.x.refused(alone, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		w.stands(w.id, isStarted)
		fresh := w.x.shoots(w.id, inRound(2))
		w.x.do(w.id, submit(2, old, fresh))
		w.x.sync()
		w.looked(fresh)
		r.sync()
		w.stands(w.id, isDone) // what is listed has to be of the round
		r.hides(old)
		r.sync()
		w.inState(w.id, isInReview)
	})
}

// TestRefusedPhotoThatNobodyLists: a photo of the round that cannot count keeps the ticket from review and from being closed, though no manifest lists it; out of sight,
// with a reason, it does not, and a rejection leaves it behind.
func TestRefusedPhotoThatNobodyLists(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for _, name := range []string{"before the completion", "under review"} {
		t.Run(name, func(t *testing.T) {
			w := world.site(t).shift()
			r := w.phone("R")
			var bad string
			if name == "under review" {
				w.reviewable(1)
				bad = w.x.shootsBytes([]byte(noImage), w.id, inRound(1))
				w.x.sync()
				w.looked(bad)
				w.stands(w.id, isInReview)
			} else {
				w.x.do(w.id, start())
				bad = w.x.shootsBytes([]byte(noImage), w.id, inRound(1))
				w.x.sync()
				w.looked(bad)
				_, good := w.x.completes(w.id, 1)
				w.x.sync()
				w.looked(good)
				w.stands(w.id, isDone)
			}
			r.sync()
			no := r.approves(w.id, 1)
			r.sync()
			item := r.refused(no, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
			if facts := w.outcome(no).GetProblem().GetFacts(); name == "under review" && (facts["photos"] != bad || facts["count"] != "1") {
				t.Errorf("%v of %v", facts, item)
			}
			r.hides(bad)
			r.sync()
			w.inState(w.id, isInReview)
			r.sync()
			yes := r.approves(w.id, 1)
			r.sync()
			w.came(yes, applied)
			w.stands(w.id, isClosed)
			w.settled()
		})
	}
	t.Run("sent back", func(t *testing.T) {
		w := world.site(t).shift()
		r := w.phone("R")
		w.reviewable(1)
		bad := w.x.shootsBytes([]byte(noImage), w.id, inRound(1))
		w.x.sync()
		w.looked(bad)
		r.sync()
		r.do(w.id, reject(1))
		r.sync()
		w.x.sync()
		w.reviewable(2)
		yes := r.approves(w.id, 2)
		r.sync()
		w.came(yes, applied)
		w.stands(w.id, isClosed)
		w.settled()
	})
}

// TestApprovalSaysWhatWasSeen: an approval without a digest closes nothing, of a ticket and of a round.
func TestApprovalSaysWhatWasSeen(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	t.Run("ticket", func(t *testing.T) {
		w := world.site(t).shift()
		r := w.phone("R")
		w.reviewable(1)
		no := r.do(w.id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: 1}}})
		r.sync()
		r.refused(no, roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST)
		w.stands(w.id, isInReview)
	})
	t.Run("round", func(t *testing.T) {
		w := world.site(t).walks()
		w.walkedThrough()
		no := w.s.walk(w.round, approveWalk(1, nil))
		w.s.sync()
		w.s.refused(no, roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST)
		if got := w.inspection().GetState(); got != roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW {
			t.Errorf("the round is %v", got)
		}
		yes := w.s.approvesWalk(w, 1)
		w.s.sync()
		w.came(yes, applied)
	})
}

func approveWalk(round uint32, digest []byte) *roundsv1.InspectionCommand {
	return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{Approve: &roundsv1.InspectionApprove{Round: round, ReviewDigest: digest}}}
}

// approvesWalk confirms a round with the evidence as this phone shows it.
func (p *phone) approvesWalk(w *walkedSite, round uint32) client.Ref {
	p.t.Helper()
	return p.walk(w.round, approveWalk(round, p.digestOf("inspection", w.round)))
}

// walkedThrough lets X walk the round, until it waits for confirmation and everybody has seen that.
func (w *walkedSite) walkedThrough() {
	w.t.Helper()
	w.x.begins(w)
	w.x.answers(w, map[string]roundsv1.AnswerResult{"lamp": pass, "door": pass})
	w.x.visits(w, w.gate)
	w.x.visits(w, w.garage)
	w.x.ends(w)
	w.x.sync()
	w.walkIn(roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW)
	w.all()
}

// walkIn waits until the round stands in a state.
func (w *walkedSite) walkIn(want roundsv1.InspectionState) {
	w.t.Helper()
	w.until("the round in "+want.String()+", from "+w.inspection().GetState().String(), func() bool { return w.inspection().GetState() == want })
}

// TestRow37OfRounds: approved by S, and then a visit or an answer of S's own comes: back to review, for another, as with tickets. Another's late visit changes nothing.
func TestRow37OfRounds(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for _, name := range []string{"a visit", "an answer", "another's visit"} {
		t.Run(name, func(t *testing.T) {
			w := world.site(t).walks()
			s2, chief := w.phone("S'"), w.phone("S2")
			w.walkedThrough()
			var late client.Ref
			switch name {
			case "a visit":
				_, late = s2.visits(w, w.garage)
			case "an answer":
				late = s2.answers(w, map[string]roundsv1.AnswerResult{"lamp": pass})
			default:
				_, late = w.y.visits(w, w.garage)
			}
			yes := w.s.approvesWalk(w, 1)
			w.s.sync()
			w.came(yes, applied)
			w.walkIn(roundsv1.InspectionState_INSPECTION_STATE_APPROVED)
			s2.sync()
			w.y.sync()
			if got := w.outcome(late).GetStatus(); got != applied && got != merged {
				t.Errorf("the fact is %v", got)
			}
			if !slices.Contains(w.inspection().GetFlags(), "late") {
				t.Errorf("flags %v", w.inspection().GetFlags())
			}
			if name == "another's visit" {
				w.walkIn(roundsv1.InspectionState_INSPECTION_STATE_APPROVED)
				chief.noQuestions(w.round)
				w.settled()
				return
			}
			if i := w.inspection(); i.GetState() != roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW || !slices.Contains(i.GetFlags(), "self_approval") {
				t.Fatalf("%v, flags %v", i.GetState(), i.GetFlags())
			}
			chief.asked(roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, w.round, supervisor, []string{w.s.id()}, reviewNow)
			w.s.sync()
			again := w.s.approvesWalk(w, 1)
			w.s.sync()
			w.s.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
			other := chief.approvesWalk(w, 1)
			chief.sync()
			w.came(other, applied)
			w.walkIn(roundsv1.InspectionState_INSPECTION_STATE_APPROVED)
			chief.noQuestions(w.round)
			w.settled()
		})
	}
}

// TestReturnedWhole: a return that names no items asks for the whole round anew: every answer, and visits of this walk.
func TestReturnedWhole(t *testing.T) {
	only(t, func(s *site) {
		w := s.walks()
		w.walkedThrough()
		back := w.s.walk(w.round, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Return{Return: &roundsv1.InspectionReturn{Round: 1, Reason: "重走一遍"}}})
		w.s.sync()
		w.came(back, applied)
		w.x.sync()
		w.x.begins(w)
		ends := func() client.Ref {
			ref := w.x.walk(w.round, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: 2}}})
			w.x.sync()
			return ref
		}
		none := ends()
		w.x.refused(none, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		if got := s.outcome(none).GetProblem().GetFacts()["unanswered"]; got != "door,lamp" && got != "lamp,door" {
			s.t.Errorf("unanswered: %q", got)
		}
		w.x.answers(w, map[string]roundsv1.AnswerResult{"lamp": pass})
		w.x.refused(ends(), roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		w.x.answers(w, map[string]roundsv1.AnswerResult{"door": pass})
		w.x.visits(w, w.gate)
		w.came(ends(), applied)
		if i := w.inspection(); !slices.Contains(i.GetFlags(), "unvisited") {
			s.t.Errorf("the garage was not visited again: flags %v", i.GetFlags())
		}
		w.walkIn(roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW)
	})
}

// TestUnlistedPhotosAreShown: a sound photo of the round that no manifest lists is shown to the reviewer and covered by the digest, whether it came before the completion
// or after; one of another round, or a drawing, is not.
func TestUnlistedPhotosAreShown(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		r := s.phone("R")
		w.crew()
		w.x.do(w.id, start())
		early := w.x.shoots(w.id, inRound(1))
		_, listed := w.x.completes(w.id, 1)
		drawing := w.x.shoots(w.id, inRound(1), func(in *client.PhotoInput) {
			in.Role, in.AnnotationOf = roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION, client.RecordID(listed)
		})
		w.x.sync()
		w.looked(early, listed, drawing)
		ticket := w.inState(w.id, isInReview)
		if got := ticket.GetShownPhotoIds(); !slices.Equal(got, []string{early}) {
			s.t.Fatalf("shown beside the manifest: %v, want %s", got, early)
		}
		r.sync()
		before := r.digest(w.id)
		approved := r.approves(w.id, 1)
		late := w.y.shoots(w.id, inRound(1))
		w.y.sync()
		w.looked(late)
		if got := w.stands(w.id, isInReview).GetShownPhotoIds(); !slices.Equal(got, []string{early, late}) {
			s.t.Fatalf("shown beside the manifest: %v, want %s and %s", got, early, late)
		}
		r.sync()
		if slices.Equal(before, r.digest(w.id)) {
			s.t.Error("the digest does not cover what came")
		}
		w.came(approved, applied) // nothing speaks against it: row 10
		w.flagged(w.stands(w.id, isClosed), "approved_before_late_evidence")
	})
}

// TestBeforePhotoOfMergedTicket: the photo from before that was taken of T1 counts for T2, into which it was merged, and is shown there.
func TestBeforePhotoOfMergedTicket(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		t2 := w.reported("楼道灯不亮,二单元")
		t1 := w.reported("楼道灯不亮,又一次")
		s.all()
		first := w.x.shoots(t1, asBefore)
		w.x.sync()
		w.looked(first)
		w.d.sync()
		w.d.do(t1, mergeInto(t2))
		w.d.sync()
		later := w.y.shoots(t1, asBefore)
		w.y.sync()
		if got := s.ticket(t2).GetShownPhotoIds(); !slices.Equal(got, []string{first, later}) {
			s.t.Errorf("T2 shows %v, want %s and %s", got, first, later)
		}
	})
}
