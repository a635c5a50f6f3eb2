package work_test

import (
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

const (
	codeMissing    = roundsv1.ProblemCode_PROBLEM_CODE_MISSING
	codeInvalid    = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
	codeImpossible = roundsv1.ProblemCode_PROBLEM_CODE_IMPOSSIBLE
	codeOffDuty    = roundsv1.ProblemCode_PROBLEM_CODE_NOT_ON_DUTY
	codeState      = roundsv1.ProblemCode_PROBLEM_CODE_STATE
)

// guard is a case in a company with a directory, whose records are these.
func guard(ticket *roundsv1.Ticket, act any, records map[string]*roundsv1.Record) engine.Case {
	c := caseOf("ticket", change(ticketRecord(ticket)), act, true)
	c.Time, c.Trust = time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC), roundsv1.Trust_TRUST_A
	c.Lookup = func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		r := records[string(id)]
		if of, _ := merge.KindOf(r); r == nil || of != kind {
			return nil, nil
		}
		found := change(r)
		found.RecordId = string(id)
		return found, nil
	}
	return c
}

func photoRecord(round uint32, changes ...func(*roundsv1.Photo)) *roundsv1.Record {
	return shot(uid("record"), round, changes...).GetRecord()
}

// judged is what becomes of a case in a company with a directory.
func judged(t *testing.T, name string, c engine.Case, code roundsv1.ProblemCode, facts map[string]string) engine.Verdict {
	t.Helper()
	v := work.New(work.Config{Reference: office{}}).Judge(c)
	if v.Problem.GetCode() != code {
		t.Errorf("%s: %v, want %v", name, v.Problem, code)
		return v
	}
	if code == 0 {
		return v
	}
	checkProblem(t, v.Problem)
	for key, want := range facts {
		got := v.Problem.GetFacts()[key]
		if got != want || !strings.Contains(v.Problem.GetSentence().GetEn(), want) && key != "round" && key != "category_id" && key != "reasons" && key != "items" {
			t.Errorf("%s: %s is %q, want %q: %v", name, key, got, want, v.Problem)
		}
	}
	if strings.Contains(v.Problem.GetSentence().GetEn()+v.Problem.GetSentence().GetZh(), "{") {
		t.Errorf("%s: an empty place in %v", name, v.Problem)
	}
	return v
}

// pumpTicket is a ticket of "pump" at work: two photos with the live camera, one from before, and a checklist.
func pumpTicket(changes ...func(*roundsv1.Ticket)) *roundsv1.Ticket {
	t := &roundsv1.Ticket{State: stateInProgress, Round: 1, AssignEpoch: 1, AssigneeId: uid("me"), CategoryId: "pump", BeforePhoto: true,
		Requirements: &roundsv1.Requirements{CategoryId: "pump", BeforePhoto: true, AfterPhotos: 2, LiveCamera: true, ChecklistId: "pumps", ChecklistVersion: 3, Skill: "electric"},
		Answers:      map[string]*roundsv1.Answer{"dry": {Result: pass}, "bar": {Reading: ptr(5.0)}}}
	for _, change := range changes {
		change(t)
	}
	return t
}

func ptr[T any](v T) *T { return &v }

func TestSubmitGuards(t *testing.T) {
	a, b, c := uid("a"), uid("b"), uid("c")
	gallery := func(p *roundsv1.Photo) { p.Source = roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY }
	elsewhere := func(p *roundsv1.Photo) { p.Subject = &roundsv1.RecordRef{Kind: "ticket", Id: uid("another")} }
	hidden := func(p *roundsv1.Photo) { p.Hidden = &roundsv1.Hidden{Reason: "a face"} }
	none := func(*roundsv1.Ticket) {}
	for _, test := range []struct {
		name     string
		photos   map[string]*roundsv1.Record
		manifest []string
		change   func(*roundsv1.Ticket)
		code     roundsv1.ProblemCode
		facts    map[string]string
	}{
		{"two", map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1)}, []string{a, b}, none, 0, nil},
		{"one of two", map[string]*roundsv1.Record{a: photoRecord(1)}, []string{a}, none, codeMissing, map[string]string{"required": "2", "have": "1", "round": "1"}},
		{"one and one of another phone that is on its way", map[string]*roundsv1.Record{a: photoRecord(1)}, []string{a, c}, none, 0, nil},
		{"the same twice", map[string]*roundsv1.Record{a: photoRecord(1)}, []string{a, a}, none, codeMissing, map[string]string{"have": "1"}},
		{"the same bytes twice", map[string]*roundsv1.Record{a: photoRecord(1, hash("x")), b: photoRecord(1, hash("x"))}, []string{a, b}, none, codeMissing,
			map[string]string{"have": "1"}},
		{"from the gallery", map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1, gallery)}, []string{a, b}, none, codeMissing, map[string]string{"have": "1"}},
		{"from before", map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1, asBefore)}, []string{a, b}, none, codeMissing, map[string]string{"have": "1"}},
		{"of another round", map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(2)}, []string{a, b}, none, codeMissing, map[string]string{"have": "1"}},
		{"of another ticket", map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1, elsewhere)}, []string{a, b}, none, codeMissing, map[string]string{"have": "1"}},
		{"hidden", map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1, hidden)}, []string{a, b}, none, codeMissing, map[string]string{"have": "1"}},
		{"with a colleague's", map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1)}, []string{a}, func(t *roundsv1.Ticket) {
			t.State, t.Completions = stateDone, []*roundsv1.Completion{{Round: 1, PersonId: uid("you"), PhotoIds: []string{b}}}
		}, 0, nil},
		{"none from before", nil, []string{a, b}, func(t *roundsv1.Ticket) { t.BeforePhoto = false }, codeMissing, map[string]string{"required": "1", "have": "0"}},
		{"an item open", nil, []string{a, b}, func(t *roundsv1.Ticket) { delete(t.Answers, "dry") }, codeMissing, map[string]string{"count": "1", "items": "dry"}},
		{"a fail without its photo", nil, []string{a, b}, func(t *roundsv1.Ticket) { t.Answers["dry"] = &roundsv1.Answer{Result: fail} }, codeMissing,
			map[string]string{"items": "dry"}},
		{"an impossible reading", nil, []string{a, b}, func(t *roundsv1.Ticket) { t.Answers["bar"].Reading = ptr(50.0) }, codeImpossible, map[string]string{"items": "bar"}},
		{"tasks of it open", map[string]*roundsv1.Record{uid("task"): ticketRecord(&roundsv1.Ticket{State: stateTriaged})}, []string{a, b},
			func(t *roundsv1.Ticket) { t.ChildIds = []string{uid("task")} }, codeState, map[string]string{"open": "1"}},
		{"tasks of it ended", map[string]*roundsv1.Record{uid("task"): ticketRecord(&roundsv1.Ticket{State: stateCancelled})}, []string{a, b},
			func(t *roundsv1.Ticket) { t.ChildIds = []string{uid("task")} }, 0, nil},
		{"taken again, the old ones", nil, []string{a, b}, func(t *roundsv1.Ticket) {
			t.State, t.Flags, t.Completions = stateDone, []string{"retake"}, []*roundsv1.Completion{{Round: 1, PersonId: uid("me"), PhotoIds: []string{a, b}}}
		}, codeMissing, nil},
		{"taken again, without a place", map[string]*roundsv1.Record{c: photoRecord(1)}, []string{a, b, c}, func(t *roundsv1.Ticket) {
			t.State, t.Flags, t.Completions = stateDone, []string{"retake"}, []*roundsv1.Completion{{Round: 1, PersonId: uid("me"), PhotoIds: []string{a, b}}}
		}, codeMissing, nil},
		{"taken again, at the tag", map[string]*roundsv1.Record{c: photoRecord(1, func(p *roundsv1.Photo) {
			p.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
		})}, []string{a, b, c}, func(t *roundsv1.Ticket) {
			t.State, t.Flags, t.Completions = stateDone, []string{"retake"}, []*roundsv1.Completion{{Round: 1, PersonId: uid("me"), PhotoIds: []string{a, b}}}
		}, 0, nil},
	} {
		judged(t, test.name, guard(pumpTicket(test.change), submit(1, test.manifest...), test.photos), test.code, test.facts)
	}
	// What was asked of the ticket had not been seen: the work is taken, and its evidence waits.
	unseen := guard(pumpTicket(func(t *roundsv1.Ticket) { t.BeforePhoto, t.Answers = false, nil }), submit(1), nil)
	unseen.Saw, unseen.Mutation.Base = false, 3
	judged(t, "requirements unseen", unseen, 0, nil)
	// An item that a reviewer pointed at is answered anew in the next round.
	again := pumpTicket(func(t *roundsv1.Ticket) {
		t.Round = 2
		t.Reviews = []*roundsv1.Review{{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, ItemIds: []string{"dry"}}}
		t.Moves = []*roundsv1.Move{{State: stateRework, Round: 2, TimeUs: 100}}
	})
	c1 := guard(again, submit(2, a, b), nil)
	judged(t, "an item pointed at", c1, codeMissing, map[string]string{"items": "dry"})
	c1.Current.Writes = append(c1.Current.Writes, &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: 6, TimeUs: 101}, Elements: []*roundsv1.ElementKey{{Field: 23, Key: "dry"}}})
	judged(t, "an item pointed at and answered", c1, 0, nil)
}

func TestStartNeedsAPhotoFromBefore(t *testing.T) {
	accepted := func(t *roundsv1.Ticket) { t.State = roundsv1.TicketState_TICKET_STATE_ACCEPTED }
	judged(t, "with one", guard(pumpTicket(accepted), start(), nil), 0, nil)
	judged(t, "without", guard(pumpTicket(accepted, func(t *roundsv1.Ticket) { t.BeforePhoto = false }), start(), nil), codeMissing, map[string]string{"required": "1"})
	// On the server: a promise is enough, and a thousand of them write the ticket a few times, as often as one more is noted.
	w := newTown(t, "pump")
	w.x.sync()
	without := w.x.do(w.id, start())
	first := w.x.do(uid("photo 0"), shot(w.id, 1, asBefore))
	with := w.x.do(w.id, start())
	w.x.sync()
	w.x.refused(without, codeMissing)
	w.x.applied(first, with)
	var version uint64
	for i := range 50 {
		w.x.do(uid("more "+string(rune('a'+i))), shot(w.id, 1, asBefore))
	}
	w.x.sync()
	version = w.chief.ticketVersion(w.id)
	for i := range 50 {
		w.x.do(uid("still more "+string(rune('a'+i))), shot(w.id, 1, asBefore))
	}
	w.x.sync()
	if got, noted := w.chief.ticketVersion(w.id), w.chief.ticket(w.id).GetShownPhotoIds(); got != version || len(noted) != 8 || noted[0] != uid("photo 0") {
		t.Fatalf("the ticket was written for each photo: %d, was %d, with %d noted", got, version, len(noted))
	}
}

func (p *phone) ticketVersion(id string) uint64 {
	p.t.Helper()
	p.sync()
	return p.replica[id].GetVersion()
}

func TestDispatchGuards(t *testing.T) {
	now := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC) // 17:00 in Shanghai
	staff := func(s *roundsv1.Staff) map[string]*roundsv1.Record {
		s.Name = "Li Gong"
		return map[string]*roundsv1.Record{uid("another"): {Kind: &roundsv1.Record_Staff{Staff: s}}}
	}
	skilled := []string{"electric"}
	shift := func(from string) []*roundsv1.Duty {
		return []*roundsv1.Duty{{Recurrence: "DTSTART:20260101T" + from + "\nRRULE:FREQ=DAILY", Minutes: 600}}
	}
	ticket := func() *roundsv1.Ticket {
		return pumpTicket(func(t *roundsv1.Ticket) { t.State, t.AssigneeId = stateTriaged, "" })
	}
	person := map[string]string{"person": "Li Gong"}
	for _, test := range []struct {
		name    string
		records map[string]*roundsv1.Record
		code    roundsv1.ProblemCode
		manager roundsv1.ProblemCode
	}{
		{"not in the directory", nil, 0, 0},
		{"fit", staff(&roundsv1.Staff{Skills: skilled}), 0, 0},
		{"left", staff(&roundsv1.Staff{Skills: skilled, Left: true}), codeOffDuty, codeOffDuty},
		{"away", staff(&roundsv1.Staff{Skills: skilled, Absences: []*roundsv1.Absence{{FromUs: now.UnixMicro() - 1, ToUs: now.UnixMicro() + 1}}}), codeOffDuty, 0},
		{"back", staff(&roundsv1.Staff{Skills: skilled, Absences: []*roundsv1.Absence{{FromUs: now.UnixMicro() - 2, ToUs: now.UnixMicro()}}}), 0, 0},
		{"without the skill", staff(&roundsv1.Staff{Skills: []string{"lift"}}), codeOffDuty, 0},
		{"on duty", staff(&roundsv1.Staff{Skills: skilled, Duties: shift("080000")}), 0, 0},
		{"off duty", staff(&roundsv1.Staff{Skills: skilled, Duties: shift("200000")}), codeOffDuty, 0},
	} {
		for _, by := range []roundsv1.Role{foreman, manager} {
			want := test.code
			if by == manager {
				want = test.manager
			}
			c := guard(ticket(), dispatch("another"), test.records)
			c.Roles = []roundsv1.Role{by}
			judged(t, test.name+" by "+by.String(), c, want, person)
		}
	}
}

// Who does not work at the site is given none of its tickets, whoever says so; a phone, which does not know who does, lets the server decide.
func TestDispatchToAStranger(t *testing.T) {
	for _, who := range []string{"another", "stranger"} {
		rules := work.New(work.Config{Reference: office{}, People: people{engine.PersonID(uid("another")): {worker}}})
		for _, by := range []roundsv1.Role{foreman, manager} {
			c := guard(pumpTicket(func(t *roundsv1.Ticket) { t.State, t.AssigneeId = stateTriaged, "" }), dispatch(who), nil)
			c.Roles = []roundsv1.Role{by}
			v := rules.Judge(c)
			if refused := v.Problem.GetCode() == codeOffDuty && v.Problem.GetField() == "command.ticket.dispatch.assignee_id"; refused != (who == "stranger") {
				t.Errorf("to %s by %v: %v", who, by, v.Problem)
			}
		}
	}
}

func TestTriageAndPauseGuards(t *testing.T) {
	fresh := func() *roundsv1.Ticket {
		return &roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_NEW, Round: 1, ReportedTimeUs: 5}
	}
	of := func(category string) *roundsv1.TicketCommand {
		return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}}
	}
	v := judged(t, "known", guard(fresh(), of("pump"), nil), 0, nil)
	got := v.Effect.GetRecord().GetTicket()
	if need := got.GetRequirements(); need.GetCategoryId() != "pump" || need.GetAfterPhotos() != 2 || need.GetChecklistVersion() != 3 || need.GetSkill() != "electric" ||
		got.GetPriority() != roundsv1.Priority_PRIORITY_URGENT || need.GetFinishUs() == 0 || len(got.GetDeadlines()) == 0 {
		t.Errorf("%v", got)
	}
	judged(t, "unknown", guard(fresh(), of("fountain"), nil), codeInvalid, map[string]string{"category_id": "fountain"})
	judged(t, "retired", guard(fresh(), of("steam"), nil), codeInvalid, nil)
	judged(t, "split into the unknown", guard(fresh(), split("pump", "fountain"), nil), codeInvalid, nil)
	judged(t, "split", guard(fresh(), split("pump", "tiles"), nil), 0, nil)
	if v := work.New(work.Config{}).Judge(guard(fresh(), of("free text"), nil)); v.Problem != nil || v.Effect.GetRecord().GetTicket().GetRequirements().GetCategoryId() != "" {
		t.Errorf("without a directory: %v", v)
	}

	call := map[string]*roundsv1.Record{uid("call"): remark(uid("record"), "no answer").GetRecord(), uid("other"): remark(uid("another"), "no").GetRecord(),
		uid("photo"): photoRecord(1)}
	proof := func(kind, id string) *roundsv1.RecordRef { return &roundsv1.RecordRef{Kind: kind, Id: uid(id)} }
	for _, test := range []struct {
		name, reason string
		proof        *roundsv1.RecordRef
		code         roundsv1.ProblemCode
		stops        bool
	}{
		{"a reason that stops nothing", "shift", nil, 0, false},
		{"no reason of the site", "tea", nil, codeInvalid, false},
		{"without a proof", "parts", nil, codeMissing, false},
		{"a proof of another ticket", "parts", proof("comment", "other"), codeMissing, false},
		{"a proof that is not here", "parts", proof("photo", "nowhere"), codeMissing, false},
		{"a remark", "owner", proof("comment", "call"), 0, true},
		{"a photo", "parts", proof("photo", "photo"), 0, true},
	} {
		v := judged(t, test.name, guard(pumpTicket(), pauseFor(test.reason, test.proof), call), test.code, nil)
		if test.code != 0 {
			continue
		}
		if moves := v.Effect.GetRecord().GetTicket().GetMoves(); len(moves) != 1 || moves[0].GetStopsClock() != test.stops || moves[0].GetReason() != test.reason {
			t.Errorf("%s: %v", test.name, moves)
		}
		if told := notices(v, roundsv1.NoticeCode_NOTICE_CODE_CLOCK_STOPPED); test.stops != (len(v.Derived) == 1) {
			t.Errorf("%s: told %v", test.name, told)
		}
	}
}

// TestRepin: what a ticket has to fulfil follows the category that is shown, not the one that was written; a priority changes its times alone.
func TestRepin(t *testing.T) {
	w := newTown(t, "light")
	before := w.chief.ticket(w.id)
	category := func(p *phone, to string) uint64 {
		return p.do(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CategoryId: to}), Fields: []uint32{3}})
	}
	lower, chief := category(w.r, "tiles"), category(w.chief, "pump") // neither saw the other
	w.chief.sync()
	w.chief.applied(chief)
	ticket := w.desk.ticket(w.id)
	if need := ticket.GetRequirements(); need.GetCategoryId() != "pump" || need.GetAfterPhotos() != 2 || ticket.GetReportedTimeUs() != before.GetReportedTimeUs() {
		t.Fatalf("%v", ticket)
	}
	w.r.sync()
	if o := w.r.outcomes[lower]; o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED {
		t.Fatalf("%v", o)
	}
	if ticket := w.desk.ticket(w.id); ticket.GetCategoryId() != "pump" || ticket.GetRequirements().GetCategoryId() != "pump" {
		t.Fatalf("%v", ticket)
	}
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Priority: roundsv1.Priority_PRIORITY_EMERGENCY}), Fields: []uint32{4}})
	faster := w.desk.ticket(w.id)
	if faster.GetRequirements().GetCategoryId() != "pump" || faster.GetRequirements().GetFinishUs() >= ticket.GetRequirements().GetFinishUs() ||
		due(faster, roundsv1.Step_STEP_FINISH).GetDueUs() >= due(ticket, roundsv1.Step_STEP_FINISH).GetDueUs() {
		t.Fatalf("%v", faster)
	}
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "louder"}), Fields: []uint32{1}})
	if got := w.desk.ticket(w.id); len(got.GetMoves()) != len(faster.GetMoves()) {
		t.Fatalf("%v", got)
	}
}

// TestRefusalsNameThingsInWords: people read questions and reasons in their language; their codes are for programs, and for what a command takes.
func TestRefusalsNameThingsInWords(t *testing.T) {
	a, b := uid("a"), uid("b")
	for _, test := range []struct {
		name   string
		c      engine.Case
		zh, en string
		facts  map[string]string
	}{
		{"items open", guard(pumpTicket(func(t *roundsv1.Ticket) { t.Answers = nil }), submit(1, a, b), nil), "出口压力、地面干燥", "outlet pressure, floor dry",
			map[string]string{"items": "bar,dry"}},
		{"an impossible reading", guard(pumpTicket(func(t *roundsv1.Ticket) { t.Answers["bar"].Reading = ptr(50.0) }), submit(1, a, b), nil), "出口压力", "outlet pressure",
			map[string]string{"items": "bar"}},
		{"a pause", guard(pumpTicket(), pauseFor("tea", nil), nil), "等待配件（parts）", "waiting for parts (parts)", nil},
		{"a rejection", func() engine.Case {
			c := guard(pumpTicket(func(t *roundsv1.Ticket) {
				t.State, t.AssigneeId = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW, uid("you")
			}), rejectFor(1, "tea"), nil)
			c.Roles = []roundsv1.Role{supervisor}
			return c
		}(), "问题未解决（not_done）", "the fault is still there (not_done)", nil},
	} {
		v := work.New(work.Config{Reference: office{}}).Judge(test.c)
		if !strings.Contains(v.Problem.GetSentence().GetZh(), test.zh) || !strings.Contains(v.Problem.GetSentence().GetEn(), test.en) {
			t.Errorf("%s: %v", test.name, v.Problem)
		}
		for key, want := range test.facts {
			if got := v.Problem.GetFacts()[key]; got != want {
				t.Errorf("%s: %s is %q, want %q", test.name, key, got, want)
			}
		}
	}
}
