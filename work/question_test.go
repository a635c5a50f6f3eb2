package work_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
)

const openState = roundsv1.ConflictState_CONFLICT_STATE_OPEN

// TestQuestions: every type has its row, with words, an owner who may decide, and actions.
func TestQuestions(t *testing.T) {
	seen := map[roundsv1.ConflictType]bool{}
	for _, q := range work.Questions() {
		if seen[q.Type] {
			t.Errorf("%v twice", q.Type)
		}
		seen[q.Type] = true
		if q.Asks.GetZh() == "" || q.Asks.GetEn() == "" || q.Owner == 0 || len(q.Actions) == 0 || q.Remind <= 0 {
			t.Errorf("%v: %+v", q.Type, q)
		}
		if q.Type != roundsv1.ConflictType_CONFLICT_TYPE_ASK && !slices.Contains(q.Deciders, q.Owner) {
			t.Errorf("%v is asked of who may not decide it", q.Type)
		}
		for _, role := range q.Deciders {
			op := work.Decide
			if !slices.ContainsFunc(work.Permissions(), func(p work.Permission) bool { return p.Kind == "conflict" && p.Operation == op && p.Role == role }) {
				t.Errorf("%v: %v decides and may not", q.Type, role)
			}
		}
	}
	for number := range roundsv1.ConflictType_name {
		if number != 0 && !seen[roundsv1.ConflictType(number)] {
			t.Errorf("no row for %v", roundsv1.ConflictType(number))
		}
	}
}

// TestComplete: what a conflict says stays, and what it does not say its type does.
func TestComplete(t *testing.T) {
	for number := range roundsv1.ConflictType_name {
		c := &roundsv1.Conflict{Type: roundsv1.ConflictType(number), PersonId: uid("x"), DeviceId: "d", OpenedTimeUs: 1000, JournalSeq: 7,
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("record")}}
		plainRules().Complete(c, engine.Case{})
		if c.GetOwnerRole() == 0 || len(c.GetActions()) == 0 || c.GetRemindUs() <= 1000 || c.GetSentence().GetZh() == "" || len(c.GetSides()) != 1 ||
			c.GetSides()[0].GetPersonId() != uid("x") || c.GetSides()[0].GetJournalSeq() != 7 {
			t.Errorf("%v: %v", c.GetType(), c)
		}
		again := proto.CloneOf(c)
		plainRules().Complete(again, engine.Case{})
		if !proto.Equal(again, c) {
			t.Errorf("%v: completed twice it differs", c.GetType())
		}
	}
	said := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, Sentence: &roundsv1.Text{Zh: "甲", En: "a"}, OwnerRole: manager, RemindUs: 5,
		Actions: []roundsv1.ConflictAction{roundsv1.ConflictAction_CONFLICT_ACTION_ACKNOWLEDGE}, Sides: []*roundsv1.Side{{PersonId: "p"}}, PersonId: "q"}
	before := proto.CloneOf(said)
	if plainRules().Complete(said, engine.Case{}); !proto.Equal(said, before) {
		t.Errorf("%v", said)
	}
}

// TestQuestionOf: the same question has the same id, another has another.
func TestQuestionOf(t *testing.T) {
	about := func(of roundsv1.ConflictType, id, key string) string {
		d := work.QuestionOf(&roundsv1.Conflict{Type: of, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: id}}, key)
		if c := d.Edit.GetRecord().GetConflict(); c.GetState() != openState || c.GetOwnerRole() == 0 {
			t.Fatalf("%v", c)
		}
		return string(d.RecordID)
	}
	lost, double := roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK
	ids := []string{about(lost, uid("a"), "1"), about(lost, uid("a"), "2"), about(double, uid("a"), "1"), about(lost, uid("b"), "1")}
	if again := about(lost, uid("a"), "1"); again != ids[0] {
		t.Errorf("%s and %s", again, ids[0])
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4 {
		t.Errorf("%v", ids)
	}
}

// TestReminder: the ladder of reminders, one level up each time after the first.
func TestReminder(t *testing.T) {
	opened := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	c := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, State: openState, OpenedTimeUs: opened.UnixMicro()}
	plainRules().Complete(c, engine.Case{})
	p := policy.Default()
	p.Remind = 24 * time.Hour
	if r, due := work.Reminder(c, p, opened.Add(3*time.Hour)); due {
		t.Fatalf("before its time: %+v", r)
	}
	now := opened.Add(4 * time.Hour)
	for n, want := range []roundsv1.Role{foreman, supervisor, manager, manager, manager} {
		r, due := work.Reminder(c, p, now)
		if !due || r.Role != want || r.Person != "" || r.Reminders != uint32(n+1) || r.RemindUs != now.Add(24*time.Hour).UnixMicro() || r.Sentence.GetZh() == "" {
			t.Fatalf("reminder %d: %+v %v", n+1, r, due)
		}
		c.Reminders, c.RemindUs = r.Reminders, r.RemindUs
		now = now.Add(24 * time.Hour)
	}
	// What nobody answers for a week is reminded of weekly: in a year that is not hundreds of times.
	told, year := c.GetReminders(), opened.Add(365*24*time.Hour)
	for now.Before(year) {
		r, due := work.Reminder(c, p, now)
		if !due {
			t.Fatalf("not due at %v", now)
		}
		wait := 24 * time.Hour
		if r.Reminders >= 7 {
			wait *= 7
		}
		if r.RemindUs != now.Add(wait).UnixMicro() {
			t.Fatalf("reminder %d: %v", r.Reminders, time.UnixMicro(r.RemindUs).Sub(now))
		}
		c.Reminders, c.RemindUs, told = r.Reminders, r.RemindUs, told+1
		now = now.Add(wait)
	}
	if told < 55 || told > 60 {
		t.Errorf("%d reminders in a year", told)
	}
	// Row 5: work on a cancelled ticket is reminded of daily, however long nobody answers, and where a site has other questions reminded of more seldom.
	seldom, cancelled := p, proto.CloneOf(c)
	seldom.Remind, cancelled.Type = 72*time.Hour, roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL
	for range 30 {
		r, due := work.Reminder(cancelled, seldom, now)
		if !due || r.RemindUs != now.Add(24*time.Hour).UnixMicro() {
			t.Fatalf("work after a cancellation, reminder %d: %v %v", r.Reminders, due, time.UnixMicro(r.RemindUs).Sub(now))
		}
		cancelled.Reminders, cancelled.RemindUs, now = r.Reminders, r.RemindUs, now.Add(24*time.Hour)
	}
	c.Reminders, c.RemindUs, now = 5, opened.UnixMicro(), opened.Add(5*24*time.Hour)
	named := proto.CloneOf(c)
	named.Reminders, named.OwnerId = 0, uid("x")
	if r, _ := work.Reminder(named, p, now); string(r.Person) != uid("x") || r.Role != 0 {
		t.Errorf("to whom it was given: %+v", r)
	}
	named.Reminders = 1
	if r, _ := work.Reminder(named, p, now); r.Person != "" || r.Role != supervisor || r.Level != 1 {
		t.Errorf("a level up: %+v", r)
	}
	c.State = roundsv1.ConflictState_CONFLICT_STATE_RESOLVED
	if r, due := work.Reminder(c, p, now); due {
		t.Errorf("of one that was decided: %+v", r)
	}
	// A server that stood still for a month reminds once.
	c.State, c.RemindUs = openState, opened.UnixMicro()
	if r, _ := work.Reminder(c, p, opened.Add(30*24*time.Hour)); r.RemindUs != opened.Add(31*24*time.Hour).UnixMicro() || !strings.Contains(r.Sentence.GetEn(), "30 days") {
		t.Errorf("%+v", r)
	}
}

// world is a scope of records for Lookup.
type world map[string]*roundsv1.Record

func (w world) lookup(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	r := w[string(id)]
	if of, ok := merge.KindOf(r); !ok || of != kind {
		return nil, nil
	}
	c := change(r)
	c.RecordId = string(id)
	return c, nil
}

// question is a case of a decision on a question, by "me" with every right.
func (w world) question(c *roundsv1.Conflict, act *roundsv1.ConflictCommand) engine.Case {
	c.State = openState
	plainRules().Complete(c, engine.Case{})
	of := caseOf("conflict", change(&roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: c}}), act, true)
	of.Time, of.Lookup = time.UnixMicro(9_000_000), w.lookup
	return of
}

// derived returns what a verdict writes in a record, and fails where it writes nothing.
func derived(t *testing.T, v engine.Verdict, id string) *roundsv1.Edit {
	t.Helper()
	for _, d := range v.Derived {
		if string(d.RecordID) == id {
			return d.Edit
		}
	}
	t.Fatalf("nothing derived for %s: %+v", id, v)
	return nil
}

func notices(v engine.Verdict, code roundsv1.NoticeCode) (people []string) {
	for _, d := range v.Derived {
		if n := d.Edit.GetRecord().GetNotice(); n.GetCode() == code {
			people = append(people, n.GetPersonIds()...)
		}
	}
	slices.Sort(people)
	return people
}

// TestDecisions: what each action does to the record that the question is about.
func TestDecisions(t *testing.T) {
	rules := work.New(work.Config{})
	id, other, photo, here := uid("record of the question"), uid("the other"), uid("lost photo"), uid("photo that is here")
	about := &roundsv1.RecordRef{Kind: "ticket", Id: id}
	open := func(s roundsv1.TicketState) *roundsv1.Record {
		return ticketRecord(&roundsv1.Ticket{State: s, Round: 2, AssigneeId: uid("worker")})
	}
	t.Run("merge into the other", func(t *testing.T) {
		w := world{id: open(stateTriaged), other: open(stateDispatched)}
		act := decide(roundsv1.ConflictAction_CONFLICT_ACTION_MERGE)
		for target, goes := range map[string]string{other: id, id: other} {
			act.GetDecide().TargetId = target
			v := rules.Judge(w.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Subject: about,
				Sides: []*roundsv1.Side{{Record: about}, {Record: &roundsv1.RecordRef{Kind: "ticket", Id: other}}}}, act))
			if got := derived(t, v, goes).GetRecord().GetTicket(); got.GetState() != roundsv1.TicketState_TICKET_STATE_MERGED || got.GetMergedIntoId() != target {
				t.Errorf("%v", got)
			}
		}
		act.GetDecide().TargetId = uid("a third")
		v := rules.Judge(w.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Subject: about,
			Sides: []*roundsv1.Side{{Record: about}, {Record: &roundsv1.RecordRef{Kind: "ticket", Id: other}}}}, act))
		if v.Problem.GetField() != "command.conflict.decide.target_id" || v.Effect != nil || v.Derived != nil {
			t.Errorf("%+v", v)
		}
		checkProblem(t, v.Problem)
		// The ticket's own guards count: what has ended is not merged into.
		w[other], act.GetDecide().TargetId = open(stateClosed), other
		v = rules.Judge(w.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Subject: about,
			Sides: []*roundsv1.Side{{Record: about}, {Record: &roundsv1.RecordRef{Kind: "ticket", Id: other}}}}, act))
		if v.Problem == nil || v.Effect != nil || v.Derived != nil {
			t.Errorf("%+v", v)
		}
		checkProblem(t, v.Problem)
	})
	t.Run("reopen", func(t *testing.T) {
		w := world{id: open(stateClosed)}
		v := rules.Judge(w.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, Subject: about}, decide(roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN)))
		if got := derived(t, v, id).GetRecord().GetTicket(); got.GetState() == 0 || got.GetState() == stateClosed || got.GetRound() != 3 {
			t.Errorf("%v", got)
		}
	})
	t.Run("count the time", func(t *testing.T) {
		for action, want := range map[roundsv1.ConflictAction][]roundsv1.DeadlineState{
			roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET:    {roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC, roundsv1.DeadlineState_DEADLINE_STATE_MET},
			roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED: {roundsv1.DeadlineState_DEADLINE_STATE_BREACHED},
		} {
			w := world{id: ticketRecord(&roundsv1.Ticket{State: stateDone, Round: 1, Deadlines: []*roundsv1.Deadline{
				{Step: roundsv1.Step_STEP_RESPOND, Round: 1, State: roundsv1.DeadlineState_DEADLINE_STATE_MET},
				{Step: roundsv1.Step_STEP_FINISH, Round: 1, State: roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED, DueUs: 5, DoneUs: 4, BreachedUs: 6}}})}
			v := rules.Judge(w.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, Subject: about, PersonId: uid("x")}, decide(action)))
			got := derived(t, v, id).GetRecord().GetTicket().GetDeadlines()
			if len(got) != 2 || got[0].GetState() != roundsv1.DeadlineState_DEADLINE_STATE_MET || !slices.Contains(want, got[1].GetState()) {
				t.Errorf("%v: %v", action, got)
			}
		}
	})
	t.Run("take the photos again", func(t *testing.T) {
		w := world{id: ticketRecord(&roundsv1.Ticket{State: stateDone, Round: 2, AssigneeId: uid("worker"), Completions: []*roundsv1.Completion{
			{Round: 1, PersonId: uid("earlier"), PhotoIds: []string{uid("of round 1")}}, {Round: 2, PersonId: uid("x"), PhotoIds: []string{photo, here}}}}),
			photo: {Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Round: 2}}},
			here:  {Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Round: 2, State: roundsv1.PhotoState_PHOTO_STATE_CLEAN}}}}
		v := rules.Judge(w.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, Subject: about}, decide(roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE)))
		if got := derived(t, v, photo).GetRecord().GetPhoto().GetHidden(); got.GetReason() == "" || got.GetPersonId() != uid("me") {
			t.Errorf("%v", got)
		}
		if got := derived(t, v, id).GetRecord().GetTicket(); !slices.Equal(got.GetFlags(), []string{"retake"}) {
			t.Errorf("%v", got)
		}
		for _, d := range v.Derived {
			if string(d.RecordID) == here {
				t.Error("a photo that is here was hidden")
			}
		}
		want := []string{uid("worker"), uid("x")}
		slices.Sort(want)
		if got := notices(v, roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED); !slices.Equal(got, want) {
			t.Errorf("told %v", got)
		}
	})
	t.Run("take the photos of a round again", func(t *testing.T) {
		w := world{id: {Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED, Round: 1, InspectorId: uid("x"),
			Answers: map[string]*roundsv1.Answer{"gutter": {PhotoIds: []string{photo}}, "pump": {PhotoIds: []string{here}}}}}},
			photo: {Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{}}},
			here:  {Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_SOFT}}}}
		v := rules.Judge(w.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, Subject: &roundsv1.RecordRef{Kind: "inspection", Id: id}},
			decide(roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE)))
		got := derived(t, v, id).GetRecord().GetInspection()
		if got.GetState() != roundsv1.InspectionState_INSPECTION_STATE_RETURNED || got.GetRound() != 2 || !slices.Equal(got.GetReviews()[0].GetItemIds(), []string{"gutter"}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("both sides are told", func(t *testing.T) {
		v := rules.Judge(world{}.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, Subject: about, PersonId: uid("x"), JournalSeq: 4,
			Sides: []*roundsv1.Side{{PersonId: uid("y")}, {PersonId: uid("x")}, {PersonId: uid("me")}}}, decide(roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON)))
		want := []string{uid("x"), uid("y")}
		slices.Sort(want)
		if got := notices(v, roundsv1.NoticeCode_NOTICE_CODE_DECIDED); !slices.Equal(got, want) || v.Admit != 0 {
			t.Errorf("told %v: %+v", got, v)
		}
		if got := v.Effect.GetRecord().GetConflict(); got.GetDecision() != roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON || got.GetDecisionReason() != "looked at it" ||
			got.GetResolvedById() != uid("me") || got.GetResolution() != "go on" {
			t.Errorf("%v", got)
		}
	})
	t.Run("given to somebody", func(t *testing.T) {
		for _, of := range []roundsv1.ConflictType{roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, roundsv1.ConflictType_CONFLICT_TYPE_ASK} {
			v := rules.Judge(world{}.question(&roundsv1.Conflict{Type: of, Subject: about}, assign("x")))
			if v.Effect.GetRecord().GetConflict().GetOwnerId() != uid("x") || !slices.Equal(notices(v, roundsv1.NoticeCode_NOTICE_CODE_REMINDER), []string{uid("x")}) {
				t.Errorf("%v: %+v", of, v)
			}
		}
	})
}

// TestOwnAct: nobody lets in what they did themselves, nor counts it in their favour; against themselves they may decide.
func TestOwnAct(t *testing.T) {
	for of, actions := range map[roundsv1.ConflictType][2]roundsv1.ConflictAction{
		roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT:          {roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT, roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS},
		roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK:       {roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT, roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON},
		roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL: {roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE, roundsv1.ConflictAction_CONFLICT_ACTION_CONFIRM_CANCEL},
		roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME:     {roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET, roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED},
	} {
		for i, want := range []roundsv1.ProblemCode{roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK, 0} {
			w := world{uid("record of the question"): ticketRecord(&roundsv1.Ticket{})}
			v := work.New(work.Config{}).Judge(w.question(&roundsv1.Conflict{Type: of, PersonId: uid("me"), JournalSeq: 3,
				Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("record of the question")}}, decide(actions[i])))
			if v.Problem.GetCode() != want {
				t.Errorf("%v of an own act: %v", actions[i], v.Problem)
			}
		}
	}
}

// TestNotOffered: an action that the question does not offer is refused, with those that it does.
func TestNotOffered(t *testing.T) {
	v := work.New(work.Config{}).Judge(world{}.question(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_COMMAND}, decide(roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE)))
	checkProblem(t, v.Problem)
	if v.Problem.GetField() != "command.conflict.decide.action" || v.Problem.GetFacts()["offered_en"] != "let it in; leave it out" || v.Effect != nil {
		t.Errorf("%+v", v)
	}
}

// TestDecidedTwice: of two who decide offline the first counts. The second is told who decided what; who decided the same is not refused.
func TestDecidedTwice(t *testing.T) {
	takeResult, goOn := decide(roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT), decide(roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON)
	for _, first := range []*roundsv1.ConflictCommand{takeResult, goOn} {
		w, question := doubleWork(t)
		w.foreman.sync()
		w.chief.sync()
		one, two := w.foreman.do(question, first), w.chief.do(question, goOn)
		w.foreman.sync()
		w.chief.sync()
		w.foreman.applied(one)
		if first == goOn {
			w.chief.applied(two)
		} else {
			w.chief.refused(two, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
			if facts := w.chief.outcomes[two].GetProblem().GetFacts(); facts["decided_by"] != uid("F") || facts["decision"] != "take result" {
				t.Errorf("%v", facts)
			}
		}
		c := w.chief.replica[question].GetRecord().GetConflict()
		if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED || c.GetResolvedById() != uid("F") || c.GetDecision() != first.GetDecide().GetAction() {
			t.Errorf("%v", c)
		}
		want := stateInProgress
		if first == takeResult {
			want = stateDone
		}
		w.foreman.inState(w.id, want)
	}
}

// TestReinstate: row 5. A completion of a cancelled ticket counts once a supervisor says so.
func TestReinstate(t *testing.T) {
	for action, want := range map[roundsv1.ConflictAction]roundsv1.TicketState{
		roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE: stateDone, roundsv1.ConflictAction_CONFLICT_ACTION_CONFIRM_CANCEL: stateCancelled} {
		w := newShift(t)
		w.chief.done(w.id, cancel())
		seq := w.x.do(w.id, submit(1, uid("p1")))
		w.x.sync()
		question := w.x.parked(seq, roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL)
		denied := w.foreman
		denied.sync()
		no := denied.do(question, decide(action))
		denied.sync()
		denied.refused(no, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
		w.chief.done(question, decide(action))
		w.chief.inState(w.id, want)
		w.x.sync()
		told := false
		for _, c := range w.x.replica {
			n := c.GetRecord().GetNotice()
			told = told || n.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_DECIDED && slices.Contains(n.GetPersonIds(), uid("X"))
		}
		if !told {
			t.Errorf("%v: nobody told X", action)
		}
	}
}

// TestAnswered: which questions find their answer in the record, and which wait for a person.
func TestAnswered(t *testing.T) {
	review := func(v roundsv1.Verdict, us int64) *roundsv1.Record {
		return ticketRecord(&roundsv1.Ticket{State: stateInReview, Reviews: []*roundsv1.Review{{Verdict: v, TimeUs: us}}})
	}
	for _, test := range []struct {
		name    string
		of      roundsv1.ConflictType
		subject *roundsv1.Record
		want    bool
	}{
		{"approved since", roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, review(roundsv1.Verdict_VERDICT_APPROVED, 11), true},
		{"sent back since", roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, review(roundsv1.Verdict_VERDICT_REJECTED, 11), true},
		{"approved before", roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, review(roundsv1.Verdict_VERDICT_APPROVED, 10), false},
		{"more asked for", roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, review(roundsv1.Verdict_VERDICT_ASKED, 11), false},
		{"evidence awaited", roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, ticketRecord(&roundsv1.Ticket{State: stateDone}), false},
		{"evidence here", roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, ticketRecord(&roundsv1.Ticket{State: stateClosed}), true},
		{"open again", roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, ticketRecord(&roundsv1.Ticket{State: stateTriaged}), true},
		{"still closed", roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, ticketRecord(&roundsv1.Ticket{State: stateClosed}), false},
		{"merged", roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, ticketRecord(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_MERGED}), true},
		{"still disputed", roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME,
			ticketRecord(&roundsv1.Ticket{Deadlines: []*roundsv1.Deadline{{State: roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED}}}), false},
		{"closed by force since", roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, ticketRecord(&roundsv1.Ticket{State: stateClosed}), true},
		{"cancelled since", roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, ticketRecord(&roundsv1.Ticket{State: stateCancelled}), true},
		{"merged since", roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, ticketRecord(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_MERGED}), true},
		{"in the next round", roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, ticketRecord(&roundsv1.Ticket{State: stateInReview, Round: 2}), true},
		{"done once more", roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, ticketRecord(&roundsv1.Ticket{State: stateDone}), false},
		{"work after cancel", roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL, review(roundsv1.Verdict_VERDICT_APPROVED, 11), false},
		{"double work", roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, review(roundsv1.Verdict_VERDICT_APPROVED, 11), false},
	} {
		c := &roundsv1.Conflict{Type: test.of, State: openState, OpenedTimeUs: 10}
		question := change(&roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: c}})
		question.Writes[0].Stamp.Seq = 6
		how, got := work.Answered(question, change(test.subject))
		if got != test.want || (how != "") != got {
			t.Errorf("%s: %q %v", test.name, how, got)
		}
		if question.Writes[0].Stamp.Seq = 7; test.want && slices.Contains([]roundsv1.ConflictType{roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL,
			roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL}, test.of) {
			if _, got := work.Answered(question, change(test.subject)); got {
				t.Errorf("%s: by what was decided before it came", test.name)
			}
		}
		c.State = roundsv1.ConflictState_CONFLICT_STATE_RESOLVED
		if _, got := work.Answered(question, change(test.subject)); got {
			t.Errorf("%s: decided, and answered again", test.name)
		}
	}
}

// TestOtherPlace: two people name places in different buildings, and a person says which is right.
func TestOtherPlace(t *testing.T) {
	w := newShift(t)
	admin := w.phone("A", roundsv1.Role_ROLE_ADMIN)
	for name, place := range map[string]*roundsv1.Place{
		"tower 1": {Type: roundsv1.PlaceType_PLACE_TYPE_BUILDING}, "tower 2": {Type: roundsv1.PlaceType_PLACE_TYPE_BUILDING},
		"floor 3": {Type: roundsv1.PlaceType_PLACE_TYPE_FLOOR, ParentId: uid("tower 1")}, "floor 4": {Type: roundsv1.PlaceType_PLACE_TYPE_FLOOR, ParentId: uid("tower 1")},
		"garage": {Type: roundsv1.PlaceType_PLACE_TYPE_FLOOR, ParentId: uid("tower 2"), Name: &roundsv1.Text{Zh: "车库", En: "garage"}},
	} {
		admin.done(uid(name), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: place}}})
	}
	at := func(place string) *roundsv1.Edit {
		return &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Location: &roundsv1.Location{PlaceId: uid(place), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}), Fields: []uint32{5}}
	}
	questions := func() (open, decided []*roundsv1.Conflict) {
		w.chief.sync()
		for _, c := range w.chief.replica {
			if q := c.GetRecord().GetConflict(); q.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_OTHER_PLACE {
				if q.GetState() == openState {
					open = append(open, q)
				} else {
					decided = append(decided, q)
				}
			}
		}
		return open, decided
	}
	w.x.sync()
	w.y.sync()
	w.x.do(w.id, at("floor 3"))
	w.y.do(w.id, at("floor 4")) // the same building
	w.x.sync()
	w.y.sync()
	if open, _ := questions(); len(open) != 0 {
		t.Fatalf("%v", open)
	}
	w.x.sync()
	w.y.sync()
	w.x.do(w.id, at("floor 3"))
	w.y.do(w.id, at("garage"))
	w.x.sync()
	w.y.sync()
	open, _ := questions()
	if len(open) != 1 || open[0].GetField() != 5 || len(open[0].GetSides()) != 2 || open[0].GetSides()[0].GetPersonId() != uid("X") ||
		open[0].GetSides()[1].GetSentence().GetZh() != "地点：车库" || !slices.Contains(open[0].GetActions(), roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD) {
		t.Fatalf("%v", open)
	}
	w.desk.done(w.id, at("garage")) // having seen both
	open, decided := questions()
	if len(open) != 0 || len(decided) != 1 || decided[0].GetResolvedById() != uid("D") || decided[0].GetResolution() != "answered: corrected" {
		t.Fatalf("%v %v", open, decided)
	}
}
