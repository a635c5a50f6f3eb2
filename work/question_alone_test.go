package work_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

const conflictDecisionReason = 45 // the field's number

// aboutIt is a question of a type about a ticket, in which a mutation of x waits.
func aboutIt(of roundsv1.ConflictType) *roundsv1.Conflict {
	return &roundsv1.Conflict{Type: of, PersonId: uid("x"), JournalSeq: 3, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("it")}}
}

// TestDismissSaysWhy: nobody leaves out what somebody did without saying why, by either command; who lets it in may.
func TestDismissSaysWhy(t *testing.T) {
	const dismissed, admitted = roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS, roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT
	silent := func(action roundsv1.ConflictAction) *roundsv1.ConflictCommand {
		act := decide(action)
		act.GetDecide().Reason = ""
		return act
	}
	without := dismiss()
	without.GetDismiss().Reason = ""
	for _, test := range []struct {
		act      *roundsv1.ConflictCommand
		code     roundsv1.ProblemCode
		decision roundsv1.ConflictAction
		why      string
	}{
		{dismiss(), 0, dismissed, "not needed"},
		{without, codeMissing, 0, ""},
		{decide(dismissed), 0, dismissed, "looked at it"},
		{silent(dismissed), codeMissing, 0, ""},
		{admit(), 0, admitted, ""},
		{silent(admitted), 0, admitted, ""},
		{decide(admitted), 0, admitted, "looked at it"},
	} {
		v := plainRules().Judge(world{}.question(aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT), test.act))
		got := v.Effect.GetRecord().GetConflict()
		if v.Problem.GetCode() != test.code || got.GetDecision() != test.decision || got.GetDecisionReason() != test.why ||
			slices.Contains(v.Effect.GetFields(), conflictDecisionReason) != (test.why != "") {
			t.Errorf("%v: %v, %v", test.act, v.Problem, v.Effect)
		}
	}
}

// TestDecisionIsTold: whose act it was hears what was decided, and why where that was said; about the record, or about the question where it names none.
func TestDecisionIsTold(t *testing.T) {
	for _, named := range []bool{true, false} {
		for _, act := range []*roundsv1.ConflictCommand{admit(), decide(roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT)} {
			question, about := aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT), uid("it")
			if !named {
				question.Subject, about = nil, uid("record")
			}
			v := plainRules().Judge(world{}.question(question, act))
			var told []*roundsv1.Notice
			for _, d := range v.Derived {
				if n := d.Edit.GetRecord().GetNotice(); n.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_DECIDED {
					told = append(told, n)
				}
			}
			if len(told) != 1 || told[0].GetSubject().GetId() != about || !slices.Equal(told[0].GetPersonIds(), []string{uid("x")}) {
				t.Fatalf("%v", told)
			}
			zh, en, why := told[0].GetSentence().GetZh(), told[0].GetSentence().GetEn(), act.GetDecide().GetReason()
			if strings.Contains(en, "Why:") != (why != "") || strings.Contains(zh, "原因") != (why != "") || !strings.Contains(en, why) || !strings.Contains(zh, why) {
				t.Errorf("%q %q", zh, en)
			}
		}
	}
}

// TestServerDecides: the server is nobody whose own act a question could be about.
func TestServerDecides(t *testing.T) {
	for who, want := range map[engine.PersonID]roundsv1.ProblemCode{"": 0, engine.PersonID(uid("me")): 0, engine.PersonID(uid("x")): roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK} {
		question := aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT)
		if who == "" {
			question.PersonId = ""
		}
		c := world{}.question(question, admit())
		c.Person = who
		if v := plainRules().Judge(c); v.Problem.GetCode() != want {
			t.Errorf("%q: %v", who, v.Problem)
		}
	}
}

// TestAnsweredByTheRecord: who closes a question by the review, or by correcting the field, does so once the record has the answer, and is refused before.
func TestAnsweredByTheRecord(t *testing.T) {
	for state, want := range map[roundsv1.TicketState]string{stateInReview: "", stateCancelled: "review"} {
		w := world{uid("it"): ticketRecord(&roundsv1.Ticket{State: state})}
		c := w.question(aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL), decide(roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW))
		c.Current.Writes[0].Stamp.Seq = 6 // the ticket is of 7
		v := plainRules().Judge(c)
		if got := v.Effect.GetRecord().GetConflict().GetResolution(); got != want || (v.Problem == nil) != (want != "") {
			t.Errorf("of a ticket that is %v: %q, %v", state, got, v.Problem)
		}
	}
}

// TestSecondDecisionIsTold: whoever decides what was decided hears who decided what, by name where that is known; who decides the same is not refused. Where the server
// closed it no decision is there that one could repeat.
func TestSecondDecisionIsTold(t *testing.T) {
	const acknowledge, none = roundsv1.ConflictAction_CONFLICT_ACTION_ACKNOWLEDGE, roundsv1.ConflictAction_CONFLICT_ACTION_UNSPECIFIED
	staff := world{uid("known"): {Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: "Wang Min"}}}}
	for _, test := range []struct {
		by       string
		decision roundsv1.ConflictAction
		act      *roundsv1.ConflictCommand
		saw      bool   // that it was decided
		zh, en   string // of the refusal; "": none
	}{
		{uid("known"), acknowledge, decide(acknowledge), true, "", ""},
		{uid("known"), acknowledge, decide(acknowledge), false, "", ""},
		{uid("known"), acknowledge, dismiss(), true, "由Wang Min处理：已知悉", "by Wang Min: seen"},
		{uid("known"), acknowledge, dismiss(), false, "由Wang Min处理：已知悉", "by Wang Min: seen"},
		{uid("unknown"), acknowledge, dismiss(), true, "由他人处理：已知悉", "by somebody else: seen"},
		{"", none, decide(none), true, "由系统处理：answered: merged", "by the server: answered: merged"},
		{"", none, dismiss(), true, "由系统处理：answered: merged", "by the server: answered: merged"},
	} {
		question := aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE)
		c := staff.question(question, test.act)
		if c.Saw = test.saw; !test.saw {
			c.Mutation.Base = 6
		}
		question.State, question.ResolvedById, question.Decision = roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, test.by, test.decision
		question.Resolution = "answered: merged"
		v := plainRules().Judge(c)
		why := v.Problem.GetSentence()
		if (v.Problem == nil) != (test.en == "") || !strings.Contains(why.GetZh(), test.zh) || !strings.Contains(why.GetEn(), test.en) {
			t.Errorf("%v of what %q decided as %v: %v", test.act, test.by, test.decision, v.Problem)
		}
		code := roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
		if test.saw {
			code = codeState
		}
		if v.Problem != nil && v.Problem.GetCode() != code {
			t.Errorf("seen %v: %v", test.saw, v.Problem)
		}
		if decision, has := v.Problem.GetFacts()["decision"]; v.Problem != nil && (has != (test.decision != 0) || has && decision != "acknowledge") {
			t.Errorf("%v", v.Problem.GetFacts())
		}
	}
}

// until is a staff of one person, who had a role until a moment.
type until struct {
	people
	end time.Time
}

func (u until) Roles(who engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role {
	if !at.Before(u.end) {
		return nil
	}
	return u.people.Roles(who, scope, at)
}

// TestGivingAQuestionWhenItIsTaken: it counts who has a role when the act comes to the server, and not when it was done; where that is not known, when it was done. A
// person without a name is named by the id. A device foresees what it does not know as allowed.
func TestGivingAQuestionWhenItIsTaken(t *testing.T) {
	staff := until{people{engine.PersonID(uid("chief")): {supervisor}}, time.UnixMicro(10_000_000)}
	rules := work.New(work.Config{People: staff})
	for name, test := range map[string]struct {
		done, taken int64
		want        roundsv1.ProblemCode
	}{
		"both before":              {9_000_000, 9_500_000, 0},
		"done before, taken after": {9_000_000, 10_000_000, codeOffDuty},
		"done before":              {9_000_000, 0, 0},
		"done after":               {10_000_000, 0, codeOffDuty},
	} {
		c := world{}.question(aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT), assign("chief"))
		if c.Time = time.UnixMicro(test.done); test.taken != 0 {
			c.Taken = time.UnixMicro(test.taken)
		}
		v := rules.Judge(c)
		if v.Problem.GetCode() != test.want || test.want != 0 && v.Problem.GetFacts()["person"] != uid("chief") {
			t.Errorf("%s: %v", name, v.Problem)
		}
		if edit, ok := rules.Foresee(c.Current, c.Mutation, c.Person); !ok || edit.GetRecord().GetConflict().GetOwnerId() != uid("chief") {
			t.Errorf("%s, foreseen: %v", name, edit)
		}
	}
}

// everyRole are those that people hold.
func everyRole() (all []roundsv1.Role) {
	for role := roundsv1.Role_ROLE_RESIDENT; role < roundsv1.Role_ROLE_SYSTEM; role++ {
		all = append(all, role)
	}
	return all
}

// TestDecidersAlone: a question is decided, and given to somebody, by the roles that its type names and by no other, whatever is chosen; what the question does not offer
// nobody chooses.
func TestDecidersAlone(t *testing.T) {
	const editField, review = roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD, roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW
	const noRight = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	for _, q := range work.Questions() {
		if q.Type == roundsv1.ConflictType_CONFLICT_TYPE_ASK {
			continue // whoever corrects the field
		}
		for number := range roundsv1.ConflictAction_name {
			action := roundsv1.ConflictAction(number)
			if action == editField || action == review {
				continue // close by themselves
			}
			c := world{}.question(aboutIt(q.Type), decide(action))
			if v := plainRules().Judge(c); (v.Problem.GetCode() == codeInvalid && v.Problem.GetField() == "command.conflict.decide.action") == slices.Contains(q.Actions, action) {
				t.Errorf("%v of %v: %v", action, q.Type, v.Problem)
			}
			for _, role := range everyRole() {
				if c.Roles = []roundsv1.Role{role}; !slices.Contains(q.Actions, action) || slices.Contains(q.Deciders, role) {
					continue
				}
				if v := plainRules().Judge(c); v.Problem.GetCode() != noRight || v.Effect != nil {
					t.Errorf("%v of %v by %v: %v", action, q.Type, role, v.Problem)
				}
			}
		}
		for _, role := range everyRole() {
			c := world{}.question(aboutIt(q.Type), assign("chief"))
			c.Roles = []roundsv1.Role{role}
			v, decides := plainRules().Judge(c), slices.Contains(q.Deciders, role)
			if (v.Problem.GetCode() != noRight || v.Effect != nil) && !decides || v.Problem != nil && decides && (role == supervisor || role == manager) {
				t.Errorf("%v given away by %v: %v", q.Type, role, v.Problem)
			}
		}
	}
	answered := world{uid("it"): ticketRecord(&roundsv1.Ticket{State: stateCancelled})}.question(aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL), decide(review))
	answered.Current.Writes[0].Stamp.Seq, answered.Roles = 6, []roundsv1.Role{foreman}
	if v := plainRules().Judge(answered); v.Problem.GetCode() != noRight {
		t.Errorf("closed by a foreman: %v", v.Problem)
	}
}

// TestDecidedOfWhatIsGone: of a record that is not here no time is judged.
func TestDecidedOfWhatIsGone(t *testing.T) {
	for _, action := range []roundsv1.ConflictAction{roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET, roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED} {
		v := plainRules().Judge(world{}.question(aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME), decide(action)))
		if v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD || v.Effect != nil {
			t.Errorf("%v: %v", action, v.Problem)
		}
	}
}

// TestWhatIsDecidedStays: a question that was decided is given to nobody, and let in by nobody who did not decide just that; and one about a field is given to nobody who
// could not correct it.
func TestWhatIsDecidedStays(t *testing.T) {
	const admitted, dismissed = roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT, roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS
	for _, test := range []struct {
		decision roundsv1.ConflictAction
		act      *roundsv1.ConflictCommand
		want     roundsv1.ProblemCode
	}{
		{dismissed, admit(), codeState}, {admitted, admit(), 0}, {admitted, dismiss(), codeState}, {dismissed, dismiss(), 0}, {admitted, assign("chief"), codeState},
	} {
		question := aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT)
		c := world{}.question(question, test.act)
		question.State, question.Decision = roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, test.decision
		if v := plainRules().Judge(c); v.Problem.GetCode() != test.want || v.Effect != nil {
			t.Errorf("%v of what was decided as %v: %v", test.act, test.decision, v.Problem)
		}
	}
	staff := people{engine.PersonID(uid("auditor")): {roundsv1.Role_ROLE_AUDITOR}}
	v := work.New(work.Config{People: staff}).Judge(world{}.question(aboutIt(roundsv1.ConflictType_CONFLICT_TYPE_ASK), assign("auditor")))
	if v.Problem.GetCode() != codeInvalid || v.Effect != nil {
		t.Errorf("given to who corrects nothing: %v", v.Problem)
	}
}
