package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

const stateMerged = roundsv1.TicketState_TICKET_STATE_MERGED

// splitTown is a flood with two tasks, to X and Y.
func splitTown(t *testing.T) (w *town, tasks [2]string) {
	w = newTown(t, "flood")
	w.desk.sync()
	w.desk.done(w.id, split("light", "tiles"))
	parent := w.desk.ticket(w.id)
	tasks = [2]string{string(work.TaskID(merge.RecordID(w.id), 0, "light")), string(work.TaskID(merge.RecordID(w.id), 1, "tiles"))}
	if !slices.Equal(parent.GetChildIds(), tasks[:]) {
		t.Fatalf("%v", parent)
	}
	for i, id := range tasks {
		task := w.desk.ticket(id)
		if task.GetState() != stateTriaged || task.GetParentId() != w.id || task.GetReportedTimeUs() != parent.GetReportedTimeUs() || task.GetTitle() != "fault" ||
			task.GetLocation().GetPlaceId() != uid("B2") || task.GetRequirements().GetAfterPhotos() != 1 || len(task.GetDeadlines()) == 0 || task.GetRound() != 1 ||
			task.GetPriority() != roundsv1.Priority_PRIORITY_EMERGENCY {
			t.Fatalf("%v", task)
		}
		w.foreman.done(id, dispatch([]string{"X", "Y"}[i]))
	}
	w.all()
	return w, tasks
}

func TestSplit(t *testing.T) {
	w, tasks := splitTown(t)
	// The ticket itself is not reported, cancelled, merged or closed by force while a task is open; a task is not split again.
	for _, try := range []struct {
		by  *phone
		id  string
		act *roundsv1.TicketCommand
	}{{w.x, w.id, submit(1, uid("p"))}, {w.chief, w.id, cancel()}, {w.desk, w.id, mergeInto(uid("other"))}, {w.desk, tasks[0], split("light")}, {w.desk, tasks[0], mergeInto(tasks[1])}} {
		seq := try.by.do(try.id, try.act)
		try.by.sync()
		try.by.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	}
	done := func(p *phone, id string) {
		w.finished(p, id, 1)
		w.r.sync()
		w.r.done(id, w.r.approves(id, 1))
	}
	done(w.x, tasks[0])
	w.chief.inState(w.id, stateDispatched)
	done(w.y, tasks[1])
	parent := w.chief.inState(w.id, stateClosed)
	flagged(t, parent, "closed_by_tasks")
	if !slices.Equal(parent.GetApproverIds(), []string{uid("R")}) || parent.GetClosedTimeUs() == 0 || slices.Contains(parent.GetFlags(), "forced") {
		t.Fatalf("%v", parent)
	}
	// One that is opened again opens the whole.
	w.chief.done(tasks[1], reopen(1))
	parent = w.chief.inState(w.id, stateTriaged)
	flagged(t, parent, "task_reopened")
	if parent.GetRound() != 2 || parent.GetClosedTimeUs() != 0 {
		t.Fatalf("%v", parent)
	}
	w.chief.done(tasks[1], cancel())
	w.chief.inState(w.id, stateClosed) // the other task was done
}

func TestSplitAndCancelled(t *testing.T) {
	w, tasks := splitTown(t)
	for _, id := range tasks {
		w.chief.done(id, cancel())
	}
	w.chief.inState(w.id, stateCancelled)
}

func TestSplitAndForced(t *testing.T) {
	w, tasks := splitTown(t)
	w.chief.done(tasks[0], cancel())
	w.y.done(tasks[1], submit(1, uid("lost")))
	w.chief.done(tasks[1], forceClose("R"))
	w.r.done(tasks[1], forceClose("S"))
	flagged(t, w.chief.inState(w.id, stateClosed), "forced", "closed_by_tasks")
}

// TestForeignParent: a ticket that says that it is a task of another, which does not name it, binds nobody.
func TestForeignParent(t *testing.T) {
	w, _ := splitTown(t)
	stray := uid("stray")
	w.desk.done(stray, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "stray", ParentId: w.id})})
	w.chief.done(stray, cancel())
	w.chief.inState(w.id, stateDispatched)
}

// TestRow06: a completion of a ticket that was merged is judged on the one that it goes on in, at the end of the way.
func TestRow06_CompletionOfAMergedTicket(t *testing.T) {
	second, third := uid("second"), uid("third")
	merged := func(t *testing.T) *town {
		w := newTown(t, "light")
		w.report(second, "light")
		w.report(third, "light")
		w.desk.done(second, mergeInto(third))
		w.desk.done(w.id, mergeInto(second)) // goes to the end
		if ticket := w.desk.inState(w.id, stateMerged); ticket.GetMergedIntoId() != third {
			t.Fatalf("%v", ticket)
		}
		w.told(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, w.id, "X", 0)
		circle := w.desk.do(third, mergeInto(second))
		w.desk.sync()
		w.desk.refused(circle, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
		return w
	}
	report := func(w *town) uint64 {
		photo := uid("by X")
		w.x.do(w.id, labour("X"))
		w.x.do(photo, shot(w.id, 1))
		return w.x.do(w.id, submit(1, photo))
	}
	t.Run("nobody has the other", func(t *testing.T) {
		w := merged(t)
		act := report(w)
		w.x.sync()
		w.x.applied(act)
		w.completed(w.chief.inState(w.id, stateMerged), 1, "X")
		other := w.chief.inState(third, stateDone)
		w.completed(other, 1, "X")
		if other.GetAssigneeId() != uid("X") || len(other.GetLabour()) != 1 || !slices.Contains(other.GetPerformerIds(), uid("X")) ||
			!slices.Equal(movesOf(other)[2:], []roundsv1.TicketState{stateDone}) {
			t.Fatalf("%v", other)
		}
		// Its photos prove the work there.
		w.looked(third, uid("by X"), stateClean)
		w.chief.inState(third, stateInReview)
		w.q.sync()
		w.q.done(third, w.q.approves(third, 1))
	})
	t.Run("somebody else works on it", func(t *testing.T) {
		w := merged(t)
		w.foreman.done(third, dispatch("Y"))
		w.y.done(third, start())
		act := report(w)
		w.x.sync()
		w.x.parked(act, roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK)
		flagged(t, w.chief.inState(third, stateInProgress), "double_work")
		w.completed(w.chief.ticket(third), 1)
	})
	t.Run("it is cancelled", func(t *testing.T) {
		w := merged(t)
		w.chief.done(third, cancel())
		act := report(w)
		w.x.sync()
		w.x.parked(act, roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL)
		w.chief.inState(third, stateCancelled)
	})
	t.Run("not by who had neither", func(t *testing.T) {
		w := merged(t)
		z := w.phone("Z", worker)
		act := z.do(w.id, submit(1))
		z.sync()
		z.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
		w.x.sync()
		knew := w.x.do(w.id, submit(1))
		w.x.sync()
		w.x.refused(knew, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	})
}

// TestRow03_LabourOfTheFormerAssignee is told to stop, once.
func TestRow03_LabourOfTheFormerAssignee(t *testing.T) {
	w := newTown(t, "light")
	w.foreman.done(w.id, dispatch("Y"))
	w.told(roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, w.id, "Y", 0)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, w.id, "X", 0)
	for i := range 3 {
		w.x.do(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: uid(string(rune('a' + i))), PersonId: uid("X")}}})})
	}
	w.x.sync()
	stops := 0
	w.chief.sync()
	for _, c := range w.chief.replica {
		if n := c.GetRecord().GetNotice(); n.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_STOP && slices.Contains(n.GetPersonIds(), uid("X")) {
			stops++
		}
	}
	if stops != 1 {
		t.Fatalf("told to stop %d times", stops)
	}
}

// TestDuplicates: row 21 for whoever can search, as data.
func TestDuplicates(t *testing.T) {
	base := func(changes ...func(*roundsv1.Ticket)) *roundsv1.Ticket {
		t := &roundsv1.Ticket{Title: "a", State: stateTriaged, CategoryId: "light", ReportedTimeUs: 1_000_000, Location: &roundsv1.Location{PlaceId: uid("B2"), Words: "B2"}}
		for _, change := range changes {
			change(t)
		}
		return t
	}
	for name, test := range map[string]struct {
		change func(*roundsv1.Ticket)
		want   bool
	}{
		"same":             {func(*roundsv1.Ticket) {}, true},
		"two hours later":  {func(t *roundsv1.Ticket) { t.ReportedTimeUs += (2 * time.Hour).Microseconds() }, true},
		"more":             {func(t *roundsv1.Ticket) { t.ReportedTimeUs += (2 * time.Hour).Microseconds() + 1 }, false},
		"earlier":          {func(t *roundsv1.Ticket) { t.ReportedTimeUs -= (3 * time.Hour).Microseconds() }, false},
		"another category": {func(t *roundsv1.Ticket) { t.CategoryId = "tiles" }, false},
		"another place":    {func(t *roundsv1.Ticket) { t.Location.PlaceId = uid("B1") }, false},
		"in words":         {func(t *roundsv1.Ticket) { t.Location.PlaceId = "" }, true},
		"nowhere":          {func(t *roundsv1.Ticket) { t.Location = nil }, false},
		"ended":            {func(t *roundsv1.Ticket) { t.State = stateClosed }, false},
		"a task":           {func(t *roundsv1.Ticket) { t.ParentId = uid("x") }, false},
	} {
		other := base(test.change)
		if got := work.Duplicates(base(), other, 2*time.Hour); got != test.want || work.Duplicates(other, base(), 2*time.Hour) != got {
			t.Errorf("%s: %v", name, got)
		}
	}
	a, b := change(ticketRecord(base())), change(ticketRecord(base(func(t *roundsv1.Ticket) { t.ReportedTimeUs++ })))
	a.RecordId, b.RecordId = uid("a"), uid("b")
	one, two := work.DuplicateQuestion(a, b, 7), work.DuplicateQuestion(b, a, 9)
	if len(one) != 3 || one[0].RecordID != two[0].RecordID || one[0].Edit.GetRecord().GetConflict().GetSubject().GetId() != uid("b") {
		t.Fatalf("%v %v", one, two)
	}
	w := newTown(t, "light")
	w.report(uid("again"), "light")
	w.write(func(v engine.View) ([]engine.Derived, error) {
		first, err := v.Get("ticket", merge.RecordID(w.id))
		if err != nil {
			return nil, err
		}
		second, err := v.Get("ticket", merge.RecordID(uid("again")))
		return work.DuplicateQuestion(first, second, v.Now().UnixMicro()), err
	})
	question, _ := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, uid("again"))
	flagged(t, w.chief.ticket(w.id), work.FlagPossibleDuplicate)
	act := decide(roundsv1.ConflictAction_CONFLICT_ACTION_MERGE)
	act.GetDecide().TargetId = w.id
	w.desk.done(question, act)
	w.chief.inState(uid("again"), stateMerged)
}

// TestEvidenceLost is row 36 for whoever notices.
func TestEvidenceLost(t *testing.T) {
	w := newTown(t, "light")
	photo := uid("lost")
	w.x.done(photo, shot(w.id, 1))
	w.x.done(w.id, submit(1, photo))
	w.write(func(v engine.View) ([]engine.Derived, error) {
		ticket, err := v.Get("ticket", merge.RecordID(w.id))
		if err != nil {
			return nil, err
		}
		question, mark, err := work.EvidenceLost(ticket, v.Get, nil, v.Now().UnixMicro())
		if mark != work.FlagEvidenceLost {
			t.Errorf("mark %q", mark)
		}
		return []engine.Derived{question, {RecordID: merge.RecordID(w.id), Edit: &roundsv1.Edit{Fields: []uint32{50}, Record: ticketRecord(&roundsv1.Ticket{Flags: []string{mark}})}}}, err
	})
	flagged(t, w.chief.ticket(w.id), work.FlagEvidenceLost)
	question, _ := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, w.id)
	w.foreman.done(question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE))
	flagged(t, w.chief.ticket(w.id), work.FlagRetake)
	w.x.sync()
	again := w.x.do(w.id, submit(1, photo))
	w.x.sync()
	w.x.refused(again, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	fresh := uid("fresh")
	w.x.done(fresh, shot(w.id, 1, hash("fresh"), func(p *roundsv1.Photo) {
		p.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
	}))
	w.x.done(w.id, submit(1, photo, fresh))
	w.looked(w.id, fresh, stateClean)
	ticket := w.chief.inState(w.id, stateInReview)
	if !slices.Contains(ticket.GetCompletions()[0].GetPhotoIds(), photo) {
		t.Fatal("what was promised is not listed any more")
	}
}
