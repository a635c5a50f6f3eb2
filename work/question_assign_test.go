package work_test

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// TestGivingAQuestion: a question is given to somebody who can decide it. The refusal says who could, by role; nothing changes.
func TestGivingAQuestion(t *testing.T) {
	staff := people{engine.PersonID(uid("chief")): {supervisor}, engine.PersonID(uid("crew")): {worker}, engine.PersonID(uid("lead")): {worker, foreman},
		engine.PersonID(uid("desk")): {dispatcher}, engine.PersonID(uid("house")): {butler}}
	const supervisors, all, reviewers = "supervisor,manager", "foreman,supervisor,manager", "butler,supervisor,manager"
	const invalid, away = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, roundsv1.ProblemCode_PROBLEM_CODE_NOT_ON_DUTY
	for _, test := range []struct {
		of    roundsv1.ConflictType
		to    string
		code  roundsv1.ProblemCode
		roles string
	}{
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, "chief", 0, ""},
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, "lead", invalid, supervisors},
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, "crew", invalid, supervisors},
		{roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, "suspended", away, supervisors},
		{roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, "lead", 0, ""},
		{roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, "desk", invalid, all},
		{roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, "house", 0, ""},
		{roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, "lead", invalid, reviewers},
		{roundsv1.ConflictType_CONFLICT_TYPE_ASK, "crew", 0, ""}, // whoever may edit a ticket corrects the field
		{roundsv1.ConflictType_CONFLICT_TYPE_ASK, "suspended", away, "worker,foreman,butler,dispatcher,supervisor,manager"},
	} {
		here := world{uid(test.to): {Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: "Wang Min"}}}}
		c := here.question(&roundsv1.Conflict{Type: test.of, PersonId: uid("x"), JournalSeq: 3, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("it")}}, assign(test.to))
		v := work.New(work.Config{People: staff}).Judge(c)
		if v.Problem.GetCode() != test.code || v.Problem.GetFacts()["roles"] != test.roles {
			t.Errorf("%v to %s: %v", test.of, test.to, v.Problem)
			continue
		}
		if test.code == 0 {
			if got := v.Effect.GetRecord().GetConflict().GetOwnerId(); got != uid(test.to) || notices(v, roundsv1.NoticeCode_NOTICE_CODE_REMINDER) == nil {
				t.Errorf("%v to %s: given to %q", test.of, test.to, got)
			}
			continue
		}
		checkProblem(t, v.Problem)
		if p := v.Problem; v.Effect != nil || v.Derived != nil || p.GetField() != "command.conflict.assign.person_id" || !strings.Contains(p.GetSentence().GetZh(), "Wang Min") ||
			!strings.Contains(p.GetSentence().GetEn(), "manager") || !strings.Contains(p.GetSentence().GetZh(), "项目经理") || p.GetFacts()["person_id"] != uid(test.to) {
			t.Errorf("%v to %s: %+v", test.of, test.to, v)
		}
		if v := plainRules().Judge(c); v.Problem != nil {
			t.Errorf("where nobody is known: %v", v.Problem)
		}
	}
}

// TestGivingAQuestionWhileAway: it counts who can decide when the act comes to the server: of two phones without signal the one that had not heard yet gives it to
// somebody who was suspended meanwhile. The question stays as it was, and the sender is told who could.
func TestGivingAQuestionWhileAway(t *testing.T) {
	staff := people{engine.PersonID(uid("X")): {worker}, engine.PersonID(uid("S")): {supervisor}, engine.PersonID(uid("other chief")): {supervisor}}
	w := newTownOf(t, work.Config{Reference: office{}, People: staff}, "light")
	w.roles[w.y.person] = []roundsv1.Role{roundsv1.Role_ROLE_AUDITOR}
	question := w.y.parked(func() uint64 { seq := w.y.do(uid("remark"), remark(w.id, "wet")); w.y.sync(); return seq }(), roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT)
	w.chief.sync()
	seq := w.chief.do(question, assign("other chief"))
	delete(staff, engine.PersonID(uid("other chief")))
	w.chief.sync()
	w.chief.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_NOT_ON_DUTY)
	if c := w.chief.replica[question].GetRecord().GetConflict(); c.GetOwnerId() != "" || c.GetState() != openState {
		t.Errorf("%v", c)
	}
	if p := w.chief.outcomes[seq].GetProblem(); p.GetFacts()["roles"] != "supervisor,manager" {
		t.Errorf("who could: %v", p)
	}
}
