package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

func TestMissingPhotosAreChased(t *testing.T) {
	for _, asks := range []bool{true, false} {
		w := newWorld(t)
		w.ref.set(t, site, map[string]string{"chase.question": fmt.Sprint(asks)})
		w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements = nil })
		w.move("tiles", doneState, uid("xu"), 0)
		w.move("tiles", doneState, uid("yi"), 0)
		w.tick()
		w.pass(24*time.Hour - 1*time.Microsecond).tick()
		same(t, "before a day", w.notices(), nil)
		w.pass(time.Microsecond).tick().tick()
		people := []string{uid("xu"), uid("yi")}
		slices.Sort(people)
		same(t, "after a day", w.notices(), []string{"CHASE " + strings.Join(people, " ")})
		w.pass(48 * time.Hour).tick().tick()
		same(t, "after three days", w.notices(), []string{"CHASE " + strings.Join(people, " "), "CHASE foreman"})
		var questions []*roundsv1.Conflict
		w.visit(site, func(_ string, r *roundsv1.Record) {
			if c := r.GetConflict(); c != nil {
				questions = append(questions, c)
			}
		})
		if len(questions) != map[bool]int{true: 1, false: 0}[asks] {
			t.Fatalf("questions %v", questions)
		}
		if asks {
			if q := questions[0]; q.GetType() != roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST || len(q.GetSides()) != 3 || len(q.GetActions()) == 0 ||
				q.GetSentence().GetZh() == "" || q.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || q.GetRemindUs() == 0 {
				t.Errorf("%v", q)
			}
		}
		// The next round has its own.
		w.move("tiles", doneState, uid("zo"), 0, func(t *roundsv1.Ticket) { t.Completions[len(t.Completions)-1].Round = 2 })
		w.put(site, uid("tiles"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Round: 2}}}, 41)
		w.pass(24 * time.Hour).tick()
		if got := w.notices(); !slices.Contains(got, "CHASE "+uid("zo")) {
			t.Errorf("round 2: %v", got)
		}
	}
}

// The photos of an inspection round are chased as those of a ticket are; the mark says that some are lost, and what was promised stays listed.
func TestMissingPhotosOfARoundAreChased(t *testing.T) {
	w := newWorld(t)
	photo := uid("crack")
	w.put(site, photo, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: uid("walk")}, Round: 1}}})
	w.put(site, uid("walk"), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		State: roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED, Round: 1, Flags: []string{"late"},
		Completions: []*roundsv1.Completion{{Round: 1, PersonId: uid("xu"), PhotoIds: []string{photo}, TimeUs: w.clock().UnixMicro()}},
		Answers:     map[string]*roundsv1.Answer{"gutter": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, PhotoIds: []string{photo}}}}}})
	w.tick()
	w.pass(24*time.Hour - time.Second).tick()
	same(t, "before a day", w.notices(), nil)
	w.pass(time.Second).tick().tick()
	same(t, "after a day", w.notices(), []string{"CHASE " + uid("xu")})
	w.pass(48 * time.Hour).tick().tick()
	same(t, "after three days", w.notices(), []string{"CHASE " + uid("xu"), "CHASE foreman"})
	var flags []string
	var questions []*roundsv1.Conflict
	w.visit(site, func(id string, r *roundsv1.Record) {
		if r.GetInspection() != nil {
			flags = r.GetInspection().GetFlags()
		}
		if c := r.GetConflict(); c != nil {
			questions = append(questions, c)
		}
	})
	same(t, "flags", flags, []string{"late", "photos_chased_1", "photos_overdue_1", "evidence_lost"})
	if len(questions) != 1 || questions[0].GetSubject().GetKind() != "inspection" || !slices.Contains(questions[0].GetActions(), roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE) ||
		!slices.ContainsFunc(questions[0].GetSides(), func(s *roundsv1.Side) bool { return s.GetRecord().GetId() == photo }) {
		t.Errorf("%v", questions)
	}
}

// Asking for photos takes no mark away but that of an earlier round; and where a ticket is full of marks all stay, and nobody is asked again and again.
func TestChasingLosesNoMark(t *testing.T) {
	var others []string
	for n := range 63 {
		others = append(others, fmt.Sprintf("mark %02d", n))
	}
	for name, test := range map[string]struct{ before, after []string }{
		"room":                                {[]string{"late", "forced"}, []string{"late", "forced", "photos_chased_2"}},
		"another round":                       {[]string{"late", "photos_chased_1", "photos_overdue_1"}, []string{"late", "photos_overdue_1", "photos_chased_2"}},
		"the last place":                      {others, append(slices.Clone(others), "photos_chased_2")},
		"full":                                {append(slices.Clone(others), "late"), append(slices.Clone(others), "late")},
		"full, with its own of another round": {append([]string{"photos_chased_1"}, others...), append(slices.Clone(others), "photos_chased_2")},
	} {
		w := newWorld(t)
		w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements, t.Round, t.Flags = nil, 2, test.before })
		w.move("tiles", doneState, uid("xu"), 0)
		w.pass(24 * time.Hour).tick()
		same(t, name, w.ticket(uid("tiles")).GetFlags(), test.after)
		seq := w.seq()
		w.pass(5 * time.Hour).tick()
		same(t, name+", told", w.notices(), []string{"CHASE " + uid("xu")})
		if w.seq() != seq {
			t.Errorf("%s: written again", name)
		}
	}
}

// Of a completion that came out of a basement a day and more after it was made nobody is asked for photos at once: the times run from when the server heard of it.
func TestChasingCountsFromTheArrival(t *testing.T) {
	w := newWorld(t)
	w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements = nil })
	w.pass(30 * time.Hour)
	w.move("tiles", doneState, uid("xu"), 30*time.Hour, func(t *roundsv1.Ticket) { t.Completions[0].TakenUs = w.clock().UnixMicro() })
	w.tick()
	w.pass(24*time.Hour - time.Microsecond).tick()
	same(t, "before a day", w.notices(), nil)
	w.pass(time.Microsecond).tick()
	same(t, "after a day", w.notices(), []string{"CHASE " + uid("xu")})
	w.pass(48*time.Hour - time.Microsecond).tick()
	same(t, "before three days", w.notices(), []string{"CHASE " + uid("xu")})
	w.pass(time.Microsecond).tick()
	same(t, "after three days", w.notices(), []string{"CHASE " + uid("xu"), "CHASE foreman"})
}

func TestPhotosThatCameAreNotChased(t *testing.T) {
	w := newWorld(t)
	w.report("tiles", func(t *roundsv1.Ticket) { t.Requirements = nil })
	w.move("tiles", doneState, uid("xu"), 0)
	w.pass(23 * time.Hour).tick()
	w.move("tiles", reviewing, "", 0)
	w.pass(time.Hour * 100).tick()
	same(t, "told", w.notices(), nil)
	if n := w.worker.Next(); !n.IsZero() {
		t.Errorf("next at %v", n)
	}
}
