package work_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// ticketMoves is the document's table: per command, where each state leads for a person with every right who saw all. A state that is not
// named refuses. "" names the state itself.
func ticketMoves() map[string]map[string]string {
	return map[string]map[string]string{
		"triage":   {"NEW": "TRIAGED"},
		"dispatch": all("DISPATCHED", "TRIAGED", "DISPATCHED", "ACCEPTED", "PAUSED", "REWORK"),
		"accept":   {"DISPATCHED": "ACCEPTED"},
		"decline":  {"DISPATCHED": "TRIAGED"},
		"start":    all("IN_PROGRESS", "DISPATCHED", "ACCEPTED", "PAUSED", "REWORK", "IN_PROGRESS"), // the last: row 18
		"pause":    {"IN_PROGRESS": "PAUSED"},
		"resume":   {"PAUSED": "IN_PROGRESS"},
		"submit_completion": all("DONE_PENDING_EVIDENCE", "DISPATCHED", "ACCEPTED", "IN_PROGRESS", "PAUSED", "REWORK",
			"DONE_PENDING_EVIDENCE", "PENDING_REVIEW"), // the last two: row 4
		"approve": {"PENDING_REVIEW": "CLOSED"},
		"reject":  {"PENDING_REVIEW": "REWORK"},
		"cancel": all("CANCELLED", "NEW", "TRIAGED", "DISPATCHED", "ACCEPTED", "IN_PROGRESS", "PAUSED", "REWORK",
			"DONE_PENDING_EVIDENCE", "PENDING_REVIEW"), // the last two: row 35
		"merge":           all("MERGED", "NEW", "TRIAGED", "DISPATCHED"),
		"escalate":        all("", "NEW", "TRIAGED", "DISPATCHED", "ACCEPTED", "IN_PROGRESS", "PAUSED", "DONE_PENDING_EVIDENCE", "PENDING_REVIEW", "REWORK"),
		"customer_accept": {"CLOSED": ""},
		"dispute":         {"CLOSED": "TRIAGED", "DONE_PENDING_EVIDENCE": "", "PENDING_REVIEW": ""}, // the last two: row 11 hears of it
		"split":           {"NEW": "TRIAGED", "TRIAGED": "", "DISPATCHED": "", "ACCEPTED": "", "IN_PROGRESS": "", "PAUSED": "", "REWORK": ""},
		"ask":             {"PENDING_REVIEW": ""},
		"follow_up":       {"CLOSED": ""}, // where the matter is settled
		"reopen":          {"CLOSED": "TRIAGED"},
		"force_close":     {"DONE_PENDING_EVIDENCE": "CLOSED", "PAUSED": "CLOSED"}, // as the second person
	}
}

// inspectionMoves is the same for inspection rounds.
func inspectionMoves() map[string]map[string]string {
	return map[string]map[string]string{
		"release": {"PLANNED": "RELEASED"},
		"start":   {"RELEASED": "RUNNING", "RETURNED": "RUNNING"},
		"submit":  {"RUNNING": "SUBMITTED", "MISSED": "SUBMITTED", "PARTIAL": "SUBMITTED"},
		"approve": {"PENDING_REVIEW": "APPROVED"},
		"return":  {"PENDING_REVIEW": "RETURNED"},
		"excuse":  {"MISSED": "EXCUSED", "PARTIAL": "EXCUSED"},
	}
}

func all(to string, from ...string) map[string]string {
	m := map[string]string{}
	for _, s := range from {
		m[s] = to
	}
	return m
}

// ticketActs are well-formed commands of the person "me", on epoch 4 and round 2.
func ticketActs() map[string]*roundsv1.TicketCommand {
	return map[string]*roundsv1.TicketCommand{
		"triage": triage(), "dispatch": dispatch("another"), "accept": accept(4), "decline": decline(4), "start": start(), "pause": pause(), "resume": resume(),
		"submit_completion": submit(2, uid("photo")), "approve": approve(2), "reject": reject(2), "cancel": cancel(), "merge": mergeInto(uid("target")),
		"escalate": escalate(), "customer_accept": customerAccept(2), "dispute": dispute(2), "force_close": forceClose("first"),
		"split": split("pump", "tiles"), "ask": askMore(2), "follow_up": followUp(2, true), "reopen": reopen(2),
	}
}

func inspectionActs() map[string]*roundsv1.InspectionCommand {
	return map[string]*roundsv1.InspectionCommand{
		"release": {Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}},
		"start":   {Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{ScanPayload: "tag"}}},
		"submit":  {Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: 2}}},
		"approve": {Command: &roundsv1.InspectionCommand_Approve{Approve: &roundsv1.InspectionApprove{Round: 2}}},
		"return":  {Command: &roundsv1.InspectionCommand_Return{Return: &roundsv1.InspectionReturn{Round: 2, Reason: "again"}}},
		"excuse":  {Command: &roundsv1.InspectionCommand_Excuse{Excuse: &roundsv1.InspectionExcuse{Reason: "flood"}}},
	}
}

// performs: commands of who does the work; the others are for who does not.
func performs(op string) bool {
	return slices.Contains([]string{"accept", "decline", "start", "pause", "resume", "submit_completion", "submit"}, op)
}

// ideal is a ticket in a state in which nothing but the state can stand against the command.
func ideal(op string, at roundsv1.TicketState) *roundsv1.Change {
	t := &roundsv1.Ticket{State: at, Round: 2, AssignEpoch: 4, AssigneeId: uid("worker"), ReporterId: uid("me"),
		Completions: []*roundsv1.Completion{{Round: 2, PersonId: uid("worker"), PhotoIds: []string{uid("photo")}}}}
	if performs(op) {
		t.AssigneeId = uid("me")
	}
	if op == "force_close" {
		t.Flags, t.ApproverIds = []string{"force_close_asked"}, []string{uid("first")}
	}
	return change(ticketRecord(t))
}

// change is a record that another device wrote.
func change(r *roundsv1.Record) *roundsv1.Change {
	w := &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: 7, DeviceId: "another", PersonId: uid("another"), TimeUs: 7, Roles: []roundsv1.Role{dispatcher}}}
	body := r.ProtoReflect()
	body.Range(everyField(func(number uint32) { w.Shown = append(w.Shown, number) }))
	slices.Sort(w.Shown)
	return &roundsv1.Change{RecordId: uid("record"), Version: 7, TimeUs: 7, Record: r, Writes: []*roundsv1.Write{w}, Entered: 1}
}

// caseOf is a case of the person "me" with every right. An approval without a digest gets that of what stands.
func caseOf(kind merge.Kind, current *roundsv1.Change, act any, saw bool) engine.Case {
	m := mutation(uid("record"), act)
	if saw {
		m.Base, m.BaseTimeUs = 7, 7
	}
	approves, walks := m.GetCommand().GetTicket().GetApprove(), m.GetCommand().GetInspection().GetApprove()
	if sum, err := work.Digest(current, lookup); err == nil && (approves != nil && approves.GetReviewDigest() == nil || walks != nil && walks.GetReviewDigest() == nil) {
		m = proto.CloneOf(m)
		if approves != nil {
			m.GetCommand().GetTicket().GetApprove().ReviewDigest = sum
		} else {
			m.GetCommand().GetInspection().GetApprove().ReviewDigest = sum
		}
	}
	return engine.Case{Scope: siteScope, Kind: kind, Current: current, Mutation: m, Person: engine.PersonID(uid("me")), Device: "mine",
		Roles: []roundsv1.Role{resident, worker, foreman, butler, dispatcher, supervisor, manager}, Saw: saw, Lookup: lookup}
}

// lookup knows an open ticket and a verified photo.
func lookup(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	switch {
	case kind == "ticket" && string(id) == uid("target"):
		c := change(ticketRecord(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_TRIAGED}))
		c.RecordId = string(id)
		return c, nil
	case kind == "photo" && string(id) == uid("photo of round 1"):
		return change(&roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("record")},
			Round: 1, State: roundsv1.PhotoState_PHOTO_STATE_CLEAN}}}), nil
	case kind == "photo" && string(id) == uid("photo"):
		return change(&roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("record")},
			Round: 2, State: roundsv1.PhotoState_PHOTO_STATE_CLEAN}}}), nil
	}
	return nil, nil
}

// after merges a verdict's effect as the engine does.
func after(t *testing.T, c engine.Case, effect *roundsv1.Edit) *roundsv1.Record {
	t.Helper()
	if effect == nil {
		return c.Current.GetRecord()
	}
	r := merge.Apply(c.Current, merge.Input{Mutation: mutation(c.Mutation.GetRecordId(), effect), Capacity: merge.Rules,
		Stamp: &roundsv1.Stamp{Seq: c.Current.GetVersion() + 1, TimeUs: c.Current.GetTimeUs() + 1, DeviceId: string(c.Device), PersonId: string(c.Person)}})
	if r.Problem != nil {
		t.Fatalf("the effect does not merge: %v\n%v", r.Problem, effect)
	}
	return r.Change.GetRecord()
}

// settle judges a case that saw all, and one that saw nothing, and returns where the first leads: "" when it is refused.
func settle(t *testing.T, c engine.Case, stateOf func(*roundsv1.Record) string) string {
	t.Helper()
	rules := plainRules()
	before := proto.CloneOf(c.Current)
	v := rules.Judge(c)
	if !proto.Equal(before, c.Current) {
		t.Fatal("the case was changed")
	}
	foreseen, ok := rules.Foresee(c.Current, c.Mutation, c.Person)
	if v.Problem != nil {
		checkProblem(t, v.Problem)
		if v.Effect != nil || v.Derived != nil || v.Park != 0 || v.Admit != 0 {
			t.Fatalf("a refusal with effects: %+v", v)
		}
		if ok && v.Problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_STATE {
			t.Fatalf("foreseen, but refused: %v", foreseen)
		}
		return ""
	}
	if ok != (v.Effect != nil) || ok && !proto.Equal(timeless(v.Effect), timeless(foreseen)) {
		t.Fatalf("foreseen %v, came %v", foreseen, v.Effect)
	}
	return stateOf(after(t, c, v.Effect))
}

// timeless is an effect without what a device cannot know: the effective time, and what follows from it and from the settings of the site.
func timeless(e *roundsv1.Edit) *roundsv1.Edit {
	e = proto.CloneOf(e)
	for _, c := range e.GetRecord().GetInspection().GetCompletions() {
		c.TimeUs = 0
	}
	for _, r := range e.GetRecord().GetInspection().GetReviews() {
		r.TimeUs = 0
	}
	if t := e.GetRecord().GetTicket(); t != nil {
		t.Requirements, t.Moves, t.Deadlines, t.ClosedTimeUs = nil, nil, nil, 0
		for _, c := range t.GetCompletions() {
			c.TimeUs = 0
		}
		for _, r := range t.GetReviews() {
			r.TimeUs = 0
		}
		e.Fields = slices.DeleteFunc(e.Fields, func(f uint32) bool { return slices.Contains([]uint32{52, 53, 54, 59}, f) })
	}
	return e
}

func ticketState(r *roundsv1.Record) string {
	return strings.TrimPrefix(r.GetTicket().GetState().String(), "TICKET_STATE_")
}

// TestTicketStates walks every state × every command.
func TestTicketStates(t *testing.T) {
	if len(ticketMoves()) != len(commandNames("ticket")) {
		t.Fatal("the expectations do not name every command")
	}
	for number := range roundsv1.TicketState_name {
		at := roundsv1.TicketState(number)
		from := strings.TrimPrefix(at.String(), "TICKET_STATE_")
		for op, act := range ticketActs() {
			c := caseOf("ticket", ideal(op, at), act, true)
			got := settle(t, c, ticketState)
			want, leads := ticketMoves()[op][from]
			if leads && want == "" {
				want = from
			}
			if got != want {
				t.Errorf("%s in %s: %q, want %q", op, from, got, want)
			}
			if got == "" {
				if code := plainRules().Judge(c).Problem.GetCode(); code != roundsv1.ProblemCode_PROBLEM_CODE_STATE &&
					(op != "approve" || from != "DONE_PENDING_EVIDENCE" || code != roundsv1.ProblemCode_PROBLEM_CODE_MISSING) {
					t.Errorf("%s in %s: refused with %v", op, from, code)
				}
				// Who had not seen the state is told so.
				blind := plainRules().Judge(caseOf("ticket", ideal(op, at), act, false))
				if at != 0 && blind.Park == 0 && blind.Effect == nil && blind.Problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_STATE {
					t.Errorf("%s in %s, unseen: %v", op, from, blind.Problem)
				}
			}
		}
	}
}

// TestTicketGuards: in the right state each of the other guards refuses alone.
func TestTicketGuards(t *testing.T) {
	const (
		noRight    = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
		own        = roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK
		missing    = roundsv1.ProblemCode_PROBLEM_CODE_MISSING
		superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
		stale      = roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH
	)
	at := func(s roundsv1.TicketState, change func(*roundsv1.Ticket)) func(op string) *roundsv1.Change {
		return func(op string) *roundsv1.Change {
			c := ideal(op, s)
			change(c.GetRecord().GetTicket())
			return c
		}
	}
	none := func(*roundsv1.Ticket) {}
	review := roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	someone := func(t *roundsv1.Ticket) { t.AssigneeId = uid("somebody else") }
	for _, test := range []struct {
		name    string
		act     *roundsv1.TicketCommand
		op      string
		current func(string) *roundsv1.Change
		roles   []roundsv1.Role
		code    roundsv1.ProblemCode
		field   string
	}{
		{"accept an old dispatch", accept(3), "accept", at(stateDispatched, none), nil, stale, "command.ticket.accept.assign_epoch"},
		{"accept for another", accept(4), "accept", at(stateDispatched, someone), nil, noRight, ""},
		{"decline without a reason", &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{Decline: &roundsv1.TicketDecline{AssignEpoch: 4}}}, "decline",
			at(stateDispatched, none), nil, missing, "command.ticket.decline.reason"},
		{"start another's", start(), "start", at(stateDispatched, someone), nil, noRight, ""},
		{"pause another's", pause(), "pause", at(stateInProgress, someone), nil, noRight, ""},
		{"pause as crew", pause(), "pause", at(stateInProgress, func(t *roundsv1.Ticket) { t.AssigneeId, t.CrewIds = uid("x"), []string{uid("me")} }), nil, noRight, ""},
		{"resume another's", resume(), "resume", at(statePaused, someone), nil, noRight, ""},
		{"submit another's", submit(2), "submit_completion", at(stateInProgress, someone), nil, noRight, ""},
		{"approve another round", approve(1), "approve", at(review, none), nil, superseded, "command.ticket.approve.round"},
		{"approve own completion", approve(2), "approve", at(review, func(t *roundsv1.Ticket) { t.Completions[0].PersonId = uid("me") }), nil, own, ""},
		{"approve as crew", approve(2), "approve", at(review, func(t *roundsv1.Ticket) { t.CrewIds = []string{uid("me")} }), nil, own, ""},
		{"approve own labour", approve(2), "approve", at(review, func(t *roundsv1.Ticket) { t.Labour = []*roundsv1.Labour{{PersonId: uid("me")}} }), nil, own, ""},
		{"approve as assignee", approve(2), "approve", at(review, func(t *roundsv1.Ticket) { t.AssigneeId = uid("me") }), nil, own, ""},
		{"approve without a completion", approve(2), "approve", at(review, func(t *roundsv1.Ticket) { t.Completions = nil }), nil, missing, ""},
		{"approve a promise", approve(2), "approve", at(review, func(t *roundsv1.Ticket) { t.Completions[0].PhotoIds = []string{uid("promised")} }), nil, missing, ""},
		{"approve a photo of another round", approve(2), "approve", at(review, func(t *roundsv1.Ticket) { t.Completions[0].PhotoIds = []string{uid("photo of round 1")} }),
			nil, missing, ""},
		{"reject own work", reject(2), "reject", at(review, func(t *roundsv1.Ticket) { t.Completions[0].PersonId = uid("me") }), nil, own, ""},
		{"cancel as worker after accept", cancel(), "cancel", at(roundsv1.TicketState_TICKET_STATE_ACCEPTED, none), []roundsv1.Role{worker}, noRight, ""},
		{"cancel as reporter with work on record", cancel(), "cancel", at(stateDispatched, none), []roundsv1.Role{resident}, noRight, ""},
		{"merge into itself", mergeInto(uid("record")), "merge", at(stateTriaged, none), nil, missing, "command.ticket.merge.into_id"},
		{"merge into nothing", mergeInto(uid("nothing")), "merge", at(stateTriaged, none), nil, missing, "command.ticket.merge.into_id"},
		{"escalate beyond the top", escalate(), "escalate", at(stateTriaged, func(t *roundsv1.Ticket) { t.EscalationLevel = 3 }), nil,
			roundsv1.ProblemCode_PROBLEM_CODE_STATE, ""},
		{"dispute another round", dispute(1), "dispute", at(stateClosed, none), nil, superseded, "command.ticket.dispute.round"},
		{"accept another round", customerAccept(1), "customer_accept", at(stateClosed, none), nil, superseded, "command.ticket.customer_accept.round"},
		{"dispatch to nobody", &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{}}}, "dispatch",
			at(stateTriaged, none), nil, missing, "command.ticket.dispatch.assignee_id"},
	} {
		c := caseOf("ticket", test.current(test.op), test.act, true)
		if test.roles != nil {
			c.Roles = test.roles
		}
		v := plainRules().Judge(c)
		if v.Problem.GetCode() != test.code || v.Problem.GetField() != test.field || v.Effect != nil {
			t.Errorf("%s: %v %v", test.name, v.Problem, v.Effect)
			continue
		}
		checkProblem(t, v.Problem)
	}
}

// TestDispute reopens one level up.
func TestDispute(t *testing.T) {
	c := caseOf("ticket", ideal("dispute", stateClosed), dispute(2), true)
	c.Current.GetRecord().GetTicket().Flags = []string{"late", "forced", "customer_accepted"}
	c.Current.GetRecord().GetTicket().ApproverIds = []string{uid("first"), uid("second")}
	got := after(t, c, plainRules().Judge(c).Effect).GetTicket()
	if got.GetRound() != 3 || got.GetEscalationLevel() != 1 || got.GetAssigneeId() != "" || len(got.GetApproverIds()) != 0 ||
		!slices.Equal(got.GetFlags(), []string{"customer_disputed"}) || got.GetStateReason() != "it leaks again" {
		t.Errorf("%v", got)
	}
}

// TestCreate: what a new ticket begins with, and what it needs.
func TestCreate(t *testing.T) {
	judge := func(ticket *roundsv1.Ticket, role roundsv1.Role) engine.Verdict {
		return plainRules().Judge(engine.Case{Scope: siteScope, Kind: "ticket", Person: engine.PersonID(uid("me")), Roles: []roundsv1.Role{role},
			Mutation: mutation(uid("record"), &roundsv1.Edit{Record: ticketRecord(ticket)})})
	}
	patrol := roundsv1.Channel_CHANNEL_PATROL
	at := func(l *roundsv1.Location) *roundsv1.Ticket { return &roundsv1.Ticket{Channel: patrol, Location: l} }
	for _, test := range []struct {
		name   string
		ticket *roundsv1.Ticket
		role   roundsv1.Role
		code   roundsv1.ProblemCode
	}{
		{"any", &roundsv1.Ticket{}, worker, 0},
		{"patrol without a place", at(nil), worker, roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
		{"patrol in words", at(&roundsv1.Location{Words: "B2", Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}), worker, roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
		{"patrol at a node", at(&roundsv1.Location{PlaceId: uid("B2")}), worker, 0},
		{"patrol without a fix", at(&roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX}), worker, 0},
		{"patrol by GPS", at(&roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS, AccuracyM: 8}), worker, 0},
		{"with a crew", &roundsv1.Ticket{CrewIds: []string{uid("me")}}, worker, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"with a crew, by a foreman", &roundsv1.Ticket{CrewIds: []string{uid("me")}}, foreman, 0},
		{"by a resident", &roundsv1.Ticket{ReporterId: uid("me")}, resident, 0},
		{"by a resident in another's name", &roundsv1.Ticket{ReporterId: uid("another")}, resident, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
	} {
		v := judge(test.ticket, test.role)
		if v.Problem.GetCode() != test.code {
			t.Errorf("%s: %v", test.name, v.Problem)
		}
		if test.code != 0 {
			checkProblem(t, v.Problem)
		} else if new := v.Effect.GetRecord().GetTicket(); ticketState(v.Effect.GetRecord()) != "NEW" || new.GetRound() != 1 ||
			!slices.Equal(slices.DeleteFunc(slices.Clone(v.Effect.GetFields()), func(n uint32) bool { return n == 50 && test.ticket.GetChannel() == patrol }),
				[]uint32{40, 41, 51, 52, 53, 54}) {
			t.Errorf("%s: %v", test.name, v.Effect)
		}
	}
}

// TestInspectionStates walks every state × every command.
func TestInspectionStates(t *testing.T) {
	if len(inspectionMoves()) != len(commandNames("inspection")) {
		t.Fatal("the expectations do not name every command")
	}
	stateOf := func(r *roundsv1.Record) string {
		return strings.TrimPrefix(r.GetInspection().GetState().String(), "INSPECTION_STATE_")
	}
	for number := range roundsv1.InspectionState_name {
		at := roundsv1.InspectionState(number)
		from := strings.TrimPrefix(at.String(), "INSPECTION_STATE_")
		for op, act := range inspectionActs() {
			round := &roundsv1.Inspection{State: at, Round: 2, InspectorId: uid("inspector"), Answers: map[string]*roundsv1.Answer{
				"gutter": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}}}
			if performs(op) {
				round.InspectorId = uid("me")
			}
			c := caseOf("inspection", change(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: round}}), act, true)
			if got, want := settle(t, c, stateOf), inspectionMoves()[op][from]; got != want {
				t.Errorf("%s in %s: %q, want %q", op, from, got, want)
			}
		}
	}
}

// TestInspectionGuards: in the right state each of the other guards refuses alone.
func TestInspectionGuards(t *testing.T) {
	review, running := roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, roundsv1.InspectionState_INSPECTION_STATE_RUNNING
	passed := map[string]*roundsv1.Answer{"gutter": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}}
	promised := map[string]*roundsv1.Answer{"gutter": {PhotoIds: []string{uid("promised")}}}
	acts := inspectionActs()
	for _, test := range []struct {
		name  string
		act   *roundsv1.InspectionCommand
		round *roundsv1.Inspection
		code  roundsv1.ProblemCode
	}{
		{"submit another's", acts["submit"], &roundsv1.Inspection{State: running, Round: 2, InspectorId: uid("x")}, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"submit another round", acts["submit"], &roundsv1.Inspection{State: running, Round: 1, InspectorId: uid("me")}, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"approve own", acts["approve"], &roundsv1.Inspection{State: review, Round: 2, InspectorId: uid("me"), Answers: passed}, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK},
		{"approve another round", acts["approve"], &roundsv1.Inspection{State: review, Round: 3, Answers: passed}, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"approve nothing", acts["approve"], &roundsv1.Inspection{State: review, Round: 2, ChecklistId: uid("list")}, roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
		{"approve a promise", acts["approve"], &roundsv1.Inspection{State: review, Round: 2, Answers: promised}, roundsv1.ProblemCode_PROBLEM_CODE_MISSING},
		{"return own", acts["return"], &roundsv1.Inspection{State: review, Round: 2, InspectorId: uid("me")}, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK},
	} {
		v := plainRules().Judge(caseOf("inspection", change(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: test.round}}), test.act, true))
		if v.Problem.GetCode() != test.code || v.Effect != nil {
			t.Errorf("%s: %v %v", test.name, v.Problem, v.Effect)
			continue
		}
		checkProblem(t, v.Problem)
	}
}

// TestConflictStates walks every state × type × decision.
func TestConflictStates(t *testing.T) {
	acts := map[string]*roundsv1.ConflictCommand{"admit": admit(), "dismiss": dismiss(), "assign": assign("another")}
	for number := range roundsv1.ConflictAction_name {
		acts[roundsv1.ConflictAction(number).String()] = decide(roundsv1.ConflictAction(number))
	}
	offered := map[roundsv1.ConflictType][]roundsv1.ConflictAction{}
	for _, q := range work.Questions() {
		offered[q.Type] = q.Actions
	}
	for number := range roundsv1.ConflictState_name {
		for kind := range roundsv1.ConflictType_name {
			for _, waits := range []uint64{0, 3} {
				for op, act := range acts {
					at, of := roundsv1.ConflictState(number), roundsv1.ConflictType(kind)
					question := &roundsv1.Conflict{State: at, Type: of, JournalSeq: waits, PersonId: uid("another"), OwnerId: uid("another"),
						Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("target")}}
					c := caseOf("conflict", change(&roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: question}}), act, true)
					got := settle(t, c, func(r *roundsv1.Record) string { return r.GetConflict().GetResolution() })
					want, action := "", act.GetDecide().GetAction()
					if at == roundsv1.ConflictState_CONFLICT_STATE_OPEN && of != 0 && of != roundsv1.ConflictType_CONFLICT_TYPE_ASK {
						switch {
						case op == "dismiss":
							want = "dismissed"
						case op == "admit" && slices.Contains(offered[of], roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW):
							want = "" // who is asked again reviews again
						case op == "admit" && waits != 0:
							want = "admitted"
						case action != 0 && slices.Contains(offered[of], action):
							want = outcomeOf(action, waits != 0)
						}
					}
					v := plainRules().Judge(c)
					admits := want == "admitted" || want == "take result" || want == "reinstate"
					if got != want || (uint64(v.Admit) == waits && waits != 0) != admits {
						t.Errorf("%s of %v %v: %q, want %q; %+v", op, at, of, got, want, v)
					}
				}
			}
		}
	}
}

// outcomeOf is how a question about an open ticket that has nothing to decide on reads after an action; "": refused.
func outcomeOf(a roundsv1.ConflictAction, waits bool) string {
	switch a {
	case roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT:
		if waits {
			return "admitted"
		}
		return ""
	case roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS:
		return "dismissed"
	case roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT, roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE:
		if !waits {
			return ""
		}
	case roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD, roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW, // close by themselves
		roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN, // the ticket is open
		roundsv1.ConflictAction_CONFLICT_ACTION_MERGE,  // into nothing
		roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE: // nothing is awaited
		return ""
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(a.String(), "CONFLICT_ACTION_"), "_", " "))
}

// TestTransitions: as data the table names every command, and only states that there are.
func TestTransitions(t *testing.T) {
	table := work.Transitions()
	rows := map[int]bool{}
	for _, row := range table {
		rows[row.Row] = true
		for _, state := range append(slices.Clone(row.From), row.To) {
			_, ofTicket := roundsv1.TicketState_value["TICKET_STATE_"+string(state)]
			_, ofInspection := roundsv1.InspectionState_value["INSPECTION_STATE_"+string(state)]
			_, ofConflict := roundsv1.ConflictState_value["CONFLICT_STATE_"+string(state)]
			if state != "" && !ofTicket && !ofInspection && !ofConflict {
				t.Errorf("%s %s: no state %q", row.Kind, row.Command, state)
			}
		}
	}
	for _, want := range []int{1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 35, 37} {
		if !rows[want] {
			t.Errorf("no row %d", want)
		}
	}
	for _, kind := range []merge.Kind{"ticket", "inspection", "conflict"} {
		for _, name := range commandNames(kind) {
			if !slices.ContainsFunc(table, func(r work.Transition) bool { return r.Kind == kind && r.Command == work.Operation(name) }) {
				t.Errorf("no row for %s %s", kind, name)
			}
			if !slices.ContainsFunc(work.Permissions(), func(p work.Permission) bool { return p.Kind == kind && p.Operation == work.Operation(name) }) {
				t.Errorf("nobody may %s a %s", name, kind)
			}
		}
	}
}

// TestEdits: who may change a crew, and that what is hidden has a reason.
func TestEdits(t *testing.T) {
	crew := func(edit *roundsv1.Edit, role roundsv1.Role, change func(*roundsv1.Ticket)) roundsv1.ProblemCode {
		c := caseOf("ticket", ideal("edit", stateInProgress), edit, true)
		change(c.Current.GetRecord().GetTicket())
		c.Roles = []roundsv1.Role{role}
		return plainRules().Judge(c).Problem.GetCode()
	}
	add := &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CrewIds: []string{uid("me")}}), Fields: []uint32{13}}
	remove := &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{}), Removed: ticketRecord(&roundsv1.Ticket{CrewIds: []string{uid("x")}}), Fields: []uint32{13}}
	outside := func(*roundsv1.Ticket) {}
	inside := func(t *roundsv1.Ticket) { t.AssigneeId = uid("me") }
	for _, edit := range []*roundsv1.Edit{add, remove} {
		if got := crew(edit, worker, outside); got != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("an outsider: %v", got)
		}
		if got := crew(edit, worker, inside); got != 0 {
			t.Errorf("the assignee: %v", got)
		}
		if got := crew(edit, foreman, outside); got != 0 {
			t.Errorf("a foreman: %v", got)
		}
	}
	if got := crew(&roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "light"}), Fields: []uint32{1}}, worker, outside); got != 0 {
		t.Errorf("a title: %v", got)
	}
	for field, hide := range map[uint32]func(*roundsv1.Hidden) *roundsv1.Record{
		16: func(h *roundsv1.Hidden) *roundsv1.Record {
			return &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Hidden: h}}}
		},
		5: func(h *roundsv1.Hidden) *roundsv1.Record {
			return &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Hidden: h}}}
		},
	} {
		for reason, want := range map[string]roundsv1.ProblemCode{"": roundsv1.ProblemCode_PROBLEM_CODE_MISSING, "a face": 0} {
			record := hide(&roundsv1.Hidden{Reason: reason})
			kind, _ := merge.KindOf(record)
			v := plainRules().Judge(caseOf(kind, change(empty(kind)), &roundsv1.Edit{Record: record, Fields: []uint32{field}}, true))
			if v.Problem.GetCode() != want {
				t.Errorf("%s hidden for %q: %v", kind, reason, v.Problem)
			}
		}
	}
}
