package work_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// alone is a command that is taken, or kept as a question, and what each guard of its row makes of it when that alone does not hold.
type alone struct {
	row  string
	make func() engine.Case
	but  []but
}

// but is one thing that is otherwise, and the refusal that it makes.
type but struct {
	name   string
	change func(*engine.Case)
	code   roundsv1.ProblemCode
}

// holds requires that the row takes its command, and that each thing that is otherwise is refused, and writes nothing.
func (a alone) holds(t *testing.T, rules *work.Rules) {
	t.Helper()
	if v := rules.Judge(a.make()); v.Problem != nil && v.Park == 0 {
		t.Errorf("%s: %v", a.row, v.Problem)
		return
	}
	for _, b := range a.but {
		c := a.make()
		b.change(&c)
		looked(&c)
		if v := rules.Judge(c); v.Problem.GetCode() != b.code || v.Park != 0 || v.Effect != nil || len(v.Derived) > 0 {
			t.Errorf("%s, but %s: %v, kept as %v, writes %v and %v; want %v", a.row, b.name, v.Problem, v.Park, v.Effect, v.Derived, b.code)
		}
	}
}

// stands is a case of the person "me" on a ticket that nothing stands against; unseen: its author has not seen what stands.
func stands(act *roundsv1.TicketCommand, at roundsv1.TicketState, seen bool, changes ...func(*roundsv1.Ticket)) func() engine.Case {
	return func() engine.Case {
		current := ideal("", at)
		for _, change := range changes {
			change(current.GetRecord().GetTicket())
		}
		c := caseOf("ticket", change(current.GetRecord()), proto.CloneOf(act), seen)
		c.Time = time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
		if !seen { // what was looked at was complete, and is not what stands
			c.Mutation.Base, c.Mutation.BaseTimeUs = 6, 6
		}
		return c
	}
}

// looked gives an approval that said what was seen of the evidence as it stands what is to be seen now.
func looked(c *engine.Case) {
	approve := c.Mutation.GetCommand().GetTicket().GetApprove()
	if sum, err := work.Digest(c.Current, c.Lookup); err == nil && c.Saw && len(approve.GetReviewDigest()) > 0 {
		approve.ReviewDigest = sum
	}
}

func of(change func(*roundsv1.Ticket)) func(*engine.Case) {
	return func(c *engine.Case) { change(c.Current.GetRecord().GetTicket()) }
}

func says(change func(*roundsv1.TicketCommand)) func(*engine.Case) {
	return func(c *engine.Case) { change(c.Mutation.GetCommand().GetTicket()) }
}

// knows lets a case read one record more.
func knows(id string, record *roundsv1.Record) func(*engine.Case) {
	return func(c *engine.Case) {
		before := c.Lookup
		c.Lookup = func(kind merge.Kind, of merge.RecordID) (*roundsv1.Change, error) {
			if named, _ := merge.KindOf(record); string(of) == id && named == kind {
				found := change(record)
				found.RecordId = id
				return found, nil
			}
			return before(kind, of)
		}
	}
}

// both does two things to a case.
func both(a, b func(*engine.Case)) func(*engine.Case) {
	return func(c *engine.Case) { a(c); b(c) }
}

// What stands against a decision, whoever makes it.
var (
	onOwnWork    = but{"did some of the work", of(func(t *roundsv1.Ticket) { t.PerformerIds = []string{uid("me")} }), roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK}
	undigested   = but{"does not say what was seen", says(func(c *roundsv1.TicketCommand) { c.GetApprove().ReviewDigest = nil }), roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST}
	noSupervisor = but{"two reviewers do not agree, and a butler decides", both(of(func(t *roundsv1.Ticket) { t.Flags = append(t.Flags, "dissent") }),
		func(c *engine.Case) { c.Roles = []roundsv1.Role{butler} }), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT}
	openTask = but{"a task of it is open", both(of(func(t *roundsv1.Ticket) { t.ChildIds = []string{uid("task")} }),
		knows(uid("task"), ticketRecord(&roundsv1.Ticket{State: stateTriaged}))), codeState}
)

// TestReviewGuardsAlone: each guard of the decisions on finished work refuses alone, in each row of the table.
func TestReviewGuardsAlone(t *testing.T) {
	const superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
	complete := func(t *roundsv1.Ticket) {
		t.Moves = []*roundsv1.Move{{State: stateInReview, Round: t.GetRound(), TimeUs: 3, FoundVersion: 3}}
	}
	older := approve(2)
	older.GetApprove().ReviewDigest = []byte("of what was there before")
	disputed := func(t *roundsv1.Ticket) { t.Acceptance = roundsv1.Acceptance_ACCEPTANCE_DISPUTED }
	closed := func(t *roundsv1.Ticket) {
		t.ApproverIds, t.ClosedTimeUs = []string{uid("first")}, time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC).UnixMicro()
		t.Reviews = []*roundsv1.Review{{Round: 2, PersonId: uid("first"), Verdict: roundsv1.Verdict_VERDICT_APPROVED}}
	}
	sentBack := func(t *roundsv1.Ticket) {
		t.Reviews = []*roundsv1.Review{{Round: 1, PersonId: uid("first"), Verdict: roundsv1.Verdict_VERDICT_REJECTED}}
	}
	proves := []but{
		{"a photo of it is not here", of(func(t *roundsv1.Ticket) {
			t.Completions[0].PhotoIds = append(t.Completions[0].PhotoIds, uid("promised"))
		}), codeMissing},
		{"two photos are asked for", of(func(t *roundsv1.Ticket) { t.Requirements = &roundsv1.Requirements{CategoryId: "pump", AfterPhotos: 2} }), codeMissing},
		{"one from before is asked for, and refused", both(of(func(t *roundsv1.Ticket) {
			t.Requirements, t.BeforePhoto, t.ShownPhotoIds = &roundsv1.Requirements{CategoryId: "pump", BeforePhoto: true}, true, []string{uid("before")}
		}), knows(uid("before"), photoRecord(1, asBefore, func(p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_HARD }))), codeMissing},
		{"nobody photographed what a patrol found", of(func(t *roundsv1.Ticket) { t.Flags = []string{"no_photo"} }), codeMissing},
		openTask, onOwnWork, noSupervisor,
	}
	inSight := but{"a refused photo that nobody lists is in sight", both(of(func(t *roundsv1.Ticket) { t.ShownPhotoIds = []string{uid("refused")} }),
		knows(uid("refused"), photoRecord(2, func(p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_HARD }))), codeMissing}
	pointed := but{"points at a photo of another ticket", says(func(c *roundsv1.TicketCommand) {
		if r := c.GetReject(); r != nil {
			r.PhotoIds = []string{uid("elsewhere")}
		} else {
			c.GetAsk().PhotoIds = []string{uid("elsewhere")}
		}
	}), codeInvalid}
	again := but{"of the round before", says(func(c *roundsv1.TicketCommand) {
		if r := c.GetReject(); r != nil {
			r.Round = 1
		} else {
			c.GetAsk().Round = 1
		}
	}), superseded}
	wordless := but{"without words", says(func(c *roundsv1.TicketCommand) { c.GetReject().Words = "" }), codeMissing}
	unlisted := but{"without a reason", says(func(c *roundsv1.TicketCommand) {
		if r := c.GetReject(); r != nil {
			r.Reason = ""
		} else {
			c.GetAsk().Words = ""
		}
	}), codeMissing}
	for _, a := range []alone{
		{"approve", stands(approve(2), stateInReview, true), append(slices.Clip(proves), undigested, inSight)},
		{"approve (10)", stands(older, stateInReview, false, complete), proves},
		{"approve (11)", stands(older, stateInReview, false, disputed), []but{onOwnWork, undigested}},
		{"approve (11), the evidence not verified", stands(older, stateDone, false, disputed), []but{onOwnWork, undigested}},
		{"approve (13)", stands(approve(1), stateRework, false, sentBack), []but{onOwnWork, undigested}},
		{"approve (14)", stands(approve(2), stateClosed, false, closed), []but{onOwnWork, undigested}},
		{"approve (15)", stands(approve(1), stateTriaged, false), []but{onOwnWork, undigested}},
		{"reject", stands(reject(2), stateInReview, true), []but{onOwnWork, noSupervisor, pointed, again, unlisted, wordless}},
		{"reject (12)", stands(reject(2), stateClosed, false, closed), []but{onOwnWork, pointed, unlisted, again, wordless}},
		{"ask", stands(askMore(2), stateInReview, true), []but{onOwnWork, noSupervisor, pointed, again, unlisted}},
		{"dispute", stands(dispute(2), stateInReview, true), []but{{"of the round before", says(func(c *roundsv1.TicketCommand) { c.GetDispute().Round = 1 }), superseded}}},
		{"follow_up, settled", stands(followUp(2, true), stateClosed, true, closed),
			[]but{{"of the round before", says(func(c *roundsv1.TicketCommand) { c.GetFollowUp().Round = 1 }), superseded}}},
		{"follow_up", stands(followUp(2, false), stateClosed, true, closed),
			[]but{{"of the round before", says(func(c *roundsv1.TicketCommand) { c.GetFollowUp().Round = 1 }), superseded}}},
		{"reopen", stands(reopen(2), stateClosed, true, closed), []but{
			{"of the round before", says(func(c *roundsv1.TicketCommand) { c.GetReopen().Round = 1 }), superseded},
			{"without a reason", says(func(c *roundsv1.TicketCommand) { c.GetReopen().Reason = "" }), codeMissing}}},
	} {
		a.holds(t, plainRules())
	}
	listed := alone{"reject", stands(rejectFor(2, "not_clean"), stateInReview, true), []but{
		{"for no reason of the site", says(func(c *roundsv1.TicketCommand) { c.GetReject().Reason = "looks odd" }), codeInvalid}}}
	listed.holds(t, work.New(work.Config{Reference: office{}}))
}

// TestEndingGuardsAlone: each guard of the ways in which a ticket ends without a review, and of what is given and split, refuses alone.
func TestEndingGuardsAlone(t *testing.T) {
	const (
		noRight    = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
		overLimit  = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
		superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
		stale      = roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH
	)
	as := func(of func() engine.Case, roles ...roundsv1.Role) func() engine.Case {
		return func() engine.Case {
			c := of()
			c.Roles = roles
			return c
		}
	}
	reasonless := but{"without a reason", says(func(c *roundsv1.TicketCommand) {
		switch {
		case c.GetCancel() != nil:
			c.GetCancel().Reason = ""
		case c.GetForceClose() != nil:
			c.GetForceClose().Reason = ""
		case c.GetEscalate() != nil:
			c.GetEscalate().Reason = ""
		case c.GetPause() != nil:
			c.GetPause().Reason = ""
		}
	}), codeMissing}
	mine := func(t *roundsv1.Ticket) { t.AssigneeId, t.Completions = uid("me"), nil }
	unworked := func(t *roundsv1.Ticket) { t.AssigneeId, t.Completions = "", nil }
	asked := func(t *roundsv1.Ticket) {
		t.Flags, t.ApproverIds = []string{"force_close_asked"}, []string{uid("first")}
	}
	crowd := make([]string, 64)
	for i := range crowd {
		crowd[i] = uid("task " + strconv.Itoa(i))
	}
	full := but{"64 tasks are there", of(func(t *roundsv1.Ticket) { t.ChildIds = crowd }), overLimit}
	unknown := but{"of a category that there is not", says(func(c *roundsv1.TicketCommand) { c.GetSplit().Tasks[0].CategoryId = "fountain" }), codeInvalid}
	isTask := but{"a task itself", of(func(t *roundsv1.Ticket) { t.ParentId = uid("parent") }), codeState}
	others := of(func(t *roundsv1.Ticket) { t.AssigneeId = uid("somebody else") })
	for _, a := range []alone{
		{"cancel", as(stands(cancel(), stateInProgress, true), supervisor), []but{reasonless, openTask}},
		{"cancel, by who reported it", as(stands(cancel(), stateTriaged, true, unworked), resident), []but{reasonless, openTask}},
		{"cancel (35)", as(stands(cancel(), stateDone, true), supervisor), []but{reasonless, openTask,
			{"no supervisor", func(c *engine.Case) { c.Roles = []roundsv1.Role{resident} }, codeState}}},
		{"force_close, first", stands(forceClose("first"), stateDone, true), []but{reasonless, openTask, onOwnWork}},
		{"force_close, second", stands(forceClose("first"), stateDone, true, asked), []but{reasonless, openTask, onOwnWork}},
		{"escalate", stands(escalate(), stateTriaged, true), []but{reasonless}},
		{"pause", stands(pauseFor("shift", nil), stateInProgress, true, mine), []but{reasonless, {"another's", others, noRight}}},
		{"start (18)", stands(start(), stateInProgress, true, mine), []but{{"another's", others, noRight},
			{"none from before", of(func(t *roundsv1.Ticket) { t.Round, t.Requirements = 1, &roundsv1.Requirements{BeforePhoto: true} }), codeMissing}}},
		{"decline", stands(decline(4), roundsv1.TicketState_TICKET_STATE_DISPATCHED, true, mine), []but{
			{"of an older dispatch", says(func(c *roundsv1.TicketCommand) { c.GetDecline().AssignEpoch = 3 }), stale},
			{"another's", others, noRight}}},
		{"split", stands(split("pump"), roundsv1.TicketState_TICKET_STATE_NEW, true, unworked), []but{full, unknown, isTask}},
		{"split of a ticket at work", stands(split("pump"), stateInProgress, true), []but{full, unknown, isTask}},
	} {
		a.holds(t, work.New(work.Config{Reference: office{}}))
	}
}

// TestSubmitGuardsAlone: what is asked of a completion is asked whoever reports it: who has the ticket, who had it, and who reported the round before.
func TestSubmitGuardsAlone(t *testing.T) {
	const overLimit = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
	a, b := uid("a"), uid("b")
	make := func(at roundsv1.TicketState, former bool, changes ...func(*roundsv1.Ticket)) func() engine.Case {
		return func() engine.Case {
			ticket := pumpTicket(append(changes, func(t *roundsv1.Ticket) { t.State = at })...)
			if former {
				ticket.AssigneeId, ticket.FormerAssigneeIds, ticket.AssignEpoch = uid("another"), []string{uid("me")}, 2
			}
			c := guard(ticket, submit(1, a, b), map[string]*roundsv1.Record{a: photoRecord(1), b: photoRecord(1)})
			// What was asked was there before the ticket was given away.
			before := &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: 5, DeviceId: "another", TimeUs: 5}, Shown: []uint32{52}}
			c.Current.Writes = []*roundsv1.Write{before, {Stamp: &roundsv1.Stamp{Seq: 7, DeviceId: "another", TimeUs: 7}, Shown: []uint32{40, 42, 43, 57}}}
			c.Mutation.Base, c.Mutation.BaseTimeUs, c.Saw = 5, 5, false
			return c
		}
	}
	asked := []but{
		{"an item is not answered", of(func(t *roundsv1.Ticket) { delete(t.Answers, "dry") }), codeMissing},
		{"a reading cannot be", of(func(t *roundsv1.Ticket) { t.Answers["bar"].Reading = ptr(50.0) }), codeImpossible},
		{"one photo of two", says(func(c *roundsv1.TicketCommand) { c.GetSubmitCompletion().PhotoIds = []string{a} }), codeMissing},
		{"none from before", of(func(t *roundsv1.Ticket) { t.BeforePhoto = false }), codeMissing},
		{"to be taken again, without a place", of(func(t *roundsv1.Ticket) { t.Flags = []string{"retake"} }), codeMissing},
		openTask,
		{"65 photos", says(func(c *roundsv1.TicketCommand) {
			for i := range 65 {
				c.GetSubmitCompletion().PhotoIds = append(c.GetSubmitCompletion().PhotoIds, uid("photo "+strconv.Itoa(i)))
			}
		}), overLimit},
	}
	done := func(t *roundsv1.Ticket) { t.PerformerIds = []string{uid("me")} }
	for _, a := range []alone{
		{"submit", make(stateInProgress, false), asked},
		{"submit (1)", make(roundsv1.TicketState_TICKET_STATE_DISPATCHED, true), asked},
		{"submit (4), by who had it", make(stateDone, true), asked},
		{"submit (4), by who reported it", make(stateDone, false, done), asked},
	} {
		a.holds(t, work.New(work.Config{Reference: office{}}))
	}
}

// TestWalkGuardsAlone is the same for inspection rounds.
func TestWalkGuardsAlone(t *testing.T) {
	const (
		noRight    = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
		superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
		ownWork    = roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK
		isMissed   = roundsv1.InspectionState_INSPECTION_STATE_MISSED
		isReviewed = roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW
	)
	make := func(act string, at roundsv1.InspectionState, seen bool) func() engine.Case {
		return func() engine.Case {
			i := &roundsv1.Inspection{State: at, Round: 1, ChecklistId: uid("list"), ChecklistVersion: 8, Answers: map[string]*roundsv1.Answer{
				"gutter": answer(pass, ""), "pressure": measured(3), "cover": answer(pass, "")}}
			return caseOf("inspection", change(round(i)), walk(act), seen)
		}
	}
	walked := func(change func(*roundsv1.Inspection)) func(*engine.Case) {
		return func(c *engine.Case) { change(c.Current.GetRecord().GetInspection()) }
	}
	says := func(change func(*roundsv1.InspectionCommand)) func(*engine.Case) {
		return func(c *engine.Case) { change(c.Mutation.GetCommand().GetInspection()) }
	}
	own := but{"walked some of it", walked(func(i *roundsv1.Inspection) { i.PerformerIds = []string{uid("me")} }), ownWork}
	for _, a := range []alone{
		{"start (30)", make("start", isMissed, false), []but{
			{"given to somebody else", both(walked(func(i *roundsv1.Inspection) { i.AssigneeId = uid("x") }), func(c *engine.Case) { c.Roles = []roundsv1.Role{worker} }), noRight},
			{"without a tag", both(walked(func(i *roundsv1.Inspection) { i.CheckpointIds = []string{uid("gate")} }),
				says(func(c *roundsv1.InspectionCommand) { c.GetStart().ScanPayload = "" })), codeMissing},
			{"its list was never published", walked(func(i *roundsv1.Inspection) { i.ChecklistId = uid("a draft") }), roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION}}},
		{"submit (30)", make("submit", isMissed, false), []but{
			{"of another round", says(func(c *roundsv1.InspectionCommand) { c.GetSubmit().Round = 2 }), superseded},
			{"another's", walked(func(i *roundsv1.Inspection) { i.InspectorId = uid("x") }), noRight},
			{"an item is not answered", walked(func(i *roundsv1.Inspection) { delete(i.Answers, "gutter") }), codeMissing}}},
		{"approve", make("approve", isReviewed, true), []but{own,
			{"a refused photo that no answer names is in sight", both(walked(func(i *roundsv1.Inspection) { i.ShownPhotoIds = []string{uid("refused")} }),
				knows(uid("refused"), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: uid("record")},
					Round: 1, Role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM, State: roundsv1.PhotoState_PHOTO_STATE_HARD}}})), codeMissing}}},
		{"return", make("return", isReviewed, true), []but{own,
			{"without a reason", says(func(c *roundsv1.InspectionCommand) { c.GetReturn().Reason = "" }), codeMissing},
			{"of another round", says(func(c *roundsv1.InspectionCommand) { c.GetReturn().Round = 2 }), superseded}}},
		{"excuse", make("excuse", isMissed, true), []but{own,
			{"without a reason", says(func(c *roundsv1.InspectionCommand) { c.GetExcuse().Reason = "" }), codeMissing}}},
	} {
		a.holds(t, work.New(work.Config{Reference: library{8}, Tags: library{8}}))
	}
}
