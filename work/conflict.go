package work

import (
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// The states of an open question.
const (
	openQuestion = state(roundsv1.ConflictState_CONFLICT_STATE_OPEN)
	resolved     = state(roundsv1.ConflictState_CONFLICT_STATE_RESOLVED)
)

// Numbers of Conflict's fields that the rules write.
const (
	conflictType       = 1
	conflictSides      = 11
	conflictState      = 40
	conflictResolution = 41
	conflictResolvedBy = 42
	conflictOwner      = 43
	conflictDecision   = 44
	conflictReason     = 45
)

// Decider says which role may decide questions of a type.
type Decider struct {
	Type roundsv1.ConflictType
	Role roundsv1.Role
}

// Deciders returns who decides what waits, besides the right to admit, to dismiss and to decide. Questions of CONFLICT_TYPE_ASK are decided by editing
// the field. The slice is the caller's.
func Deciders() []Decider {
	var all []Decider
	for _, q := range Questions() {
		for _, role := range q.Deciders {
			all = append(all, Decider{q.Type, role})
		}
	}
	return all
}

// conflictWorkflow is the table of what waits for a person.
func conflictWorkflow() workflow {
	type (
		states = []state
		when   = []condition
		needs  = []condition
		then   = []effect
	)
	act, question := aboutActs(), aboutQuestions()
	return workflow{kind: kindConflict, name: conflictStateName, rows: []row{
		{command: Admit, from: states{openQuestion}, when: when{question.ask}, refuse: question.editField},
		{command: Admit, from: states{openQuestion}, when: when{question.reviewed}, refuse: question.lookAgain},
		{command: Admit, from: states{openQuestion},
			when: when{question.nothing}, refuse: refusal{badState, "", "没有等待采纳的操作。处理完后请选择「不予采纳」关闭此事项。",
				"Nothing waits to be let in. Deal with the records, then dismiss the question."}},
		{command: Admit, from: states{openQuestion}, needs: needs{question.decider, question.another},
			to: resolved, effects: then{resolves("admitted"), question.admit, question.tell}},
		{command: Dismiss, from: states{openQuestion}, when: when{question.ask}, refuse: question.editField},
		{command: Dismiss, from: states{openQuestion}, needs: needs{question.decider, question.impartial, act.saysWhy},
			to: resolved, effects: then{resolves("dismissed"), question.tell}},

		{command: Decide, from: states{openQuestion}, when: when{chosen(actEditField, actReview), question.answered}, needs: needs{question.offered, question.decider},
			to: resolved, effects: then{resolves("")}},
		{command: Decide, from: states{openQuestion}, when: when{chosen(actEditField)}, refuse: question.editField},
		{command: Decide, from: states{openQuestion}, when: when{chosen(actReview)}, refuse: question.lookAgain},
		{command: Decide, from: states{openQuestion}, when: when{chosen(actAdmit)}, needs: needs{question.offered, question.decider, question.waits, question.another},
			to: resolved, effects: then{resolves("admitted"), question.admit, question.tell}},
		{command: Decide, from: states{openQuestion}, when: when{chosen(actDismiss)}, needs: needs{question.offered, question.decider, question.impartial, act.saysWhy},
			to: resolved, effects: then{resolves("dismissed"), question.tell}},
		{command: Decide, number: 2, from: states{openQuestion}, when: when{chosen(actTakeResult)}, needs: needs{question.offered, question.decider, question.waits, question.another},
			to: resolved, effects: then{resolves(""), question.admit, question.tell}},
		{command: Decide, number: 5, from: states{openQuestion}, when: when{chosen(actReinstate)}, needs: needs{question.offered, question.decider, question.waits, question.another},
			to: resolved, effects: then{resolves(""), question.admit, question.tell}},
		{command: Decide, number: 7, from: states{openQuestion}, when: when{chosen(actReopen)}, needs: needs{question.offered, question.decider, question.possible},
			to: resolved, effects: then{resolves(""), question.follow, question.tell}},
		{command: Decide, number: 16, from: states{openQuestion}, when: when{chosen(actCountMet)},
			needs: needs{question.offered, question.decider, question.another, question.impartial, question.possible},
			to:    resolved, effects: then{resolves(""), question.follow, question.tell}},
		{command: Decide, number: 16, from: states{openQuestion}, when: when{chosen(actCountMissed)}, needs: needs{question.offered, question.decider, question.possible},
			to: resolved, effects: then{resolves(""), question.follow, question.tell}},
		{command: Decide, number: 21, from: states{openQuestion}, when: when{chosen(actMerge)}, needs: needs{question.offered, question.decider, question.possible},
			to: resolved, effects: then{resolves(""), question.follow, question.tell}},
		{command: Decide, number: 36, from: states{openQuestion}, when: when{chosen(actRetake)}, needs: needs{question.offered, question.decider, question.possible},
			to: resolved, effects: then{resolves(""), question.follow, question.tell}},
		{command: Decide, from: states{openQuestion}, needs: needs{question.offered, question.decider, question.impartial}, to: resolved, effects: then{resolves(""), question.tell}},
		{command: Assign, from: states{openQuestion}, when: when{question.ask}, needs: needs{question.works, question.able}, effects: then{question.give}}, // whoever has it corrects the field
		{command: Assign, from: states{openQuestion}, needs: needs{question.decider, question.works, question.able}, effects: then{question.give}},

		// Of two who decide at once the first counts. Who decided the same is told that it is so.
		{command: Admit, from: states{resolved}, when: when{question.same}},
		{command: Dismiss, from: states{resolved}, when: when{question.same}},
		{command: Decide, from: states{resolved}, when: when{question.same}},
		{command: Admit, from: states{resolved}, needs: needs{question.undecided}},
		{command: Dismiss, from: states{resolved}, needs: needs{question.undecided}},
		{command: Decide, from: states{resolved}, needs: needs{question.undecided}},
		{command: Assign, from: states{resolved}, needs: needs{question.undecided}},
	}}
}

func conflictStateName(s state) State {
	if s == 0 {
		return ""
	}
	return State(strings.TrimPrefix(roundsv1.ConflictState(s).String(), "CONFLICT_STATE_"))
}

func (j *judgement) conflictAct() *roundsv1.ConflictCommand {
	return j.Mutation.GetCommand().GetConflict()
}

// decision is the action that a command on a question chooses; 0: none.
func (j *judgement) decision() roundsv1.ConflictAction {
	switch j.op {
	case Admit:
		return actAdmit
	case Dismiss:
		return actDismiss
	}
	return j.conflictAct().GetDecide().GetAction()
}

// offers are the actions of a question: those that it names, or of an older one those of its type.
func offers(c *roundsv1.Conflict) []roundsv1.ConflictAction {
	if len(c.GetActions()) > 0 {
		return c.GetActions()
	}
	return questionOf(c.GetType()).Actions
}

// editConflict notes that a field of the question is written and returns where its value goes.
func (j *judgement) editConflict(field uint32) *roundsv1.Conflict {
	if j.draft.conflict == nil {
		j.draft.conflict = &roundsv1.Conflict{}
	}
	j.draft.set(field)
	return j.draft.conflict
}

// resolve writes how a question was decided, by whom and why. Without words of its own the action names itself.
func (j *judgement) resolve(how string) {
	if how == "" {
		how = resolutionOf(j.decision())
	}
	j.editConflict(conflictResolution).Resolution = how
	j.editConflict(conflictResolvedBy).ResolvedById = string(j.Person)
	j.editConflict(conflictDecision).Decision = j.decision()
	if j.args.reason != "" {
		j.editConflict(conflictReason).DecisionReason = j.args.reason
	}
}

// resolutionOf is an action as Conflict.resolution has it: "take result".
func resolutionOf(action roundsv1.ConflictAction) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(action.String(), "CONFLICT_ACTION_"), "_", " "))
}

// takerRoles are the roles of whom a question is given to, when that came to the server.
func (j *judgement) takerRoles() []roundsv1.Role {
	return j.rules.people.Roles(engine.PersonID(j.conflictAct().GetAssign().GetPersonId()), j.Scope, j.arrived())
}

// arrived is when the act came to the server; as far as that is not known, when it was done.
func (j *judgement) arrived() time.Time {
	if j.Taken.IsZero() {
		return j.Time
	}
	return j.Taken
}

// takerFacts name whom a question was to be given to, and the roles of who could decide it.
func (j *judgement) takerFacts() map[string]string {
	id := j.conflictAct().GetAssign().GetPersonId()
	facts := map[string]string{"person": id, "person_id": id}
	if name := j.lookup(kindStaff, id).GetRecord().GetStaff().GetName(); name != "" {
		facts["person"] = name
	}
	var able []roundsv1.Role
	var codes []string
	for role := roundsv1.Role_ROLE_RESIDENT; role < roundsv1.Role_ROLE_SYSTEM; role++ {
		if len(Offers(j.conflict(), []roundsv1.Role{role})) > 0 {
			able, codes = append(able, role), append(codes, strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_")))
		}
	}
	words := rolesWords(able)
	facts["roles"], facts["roles_zh"], facts["roles_en"] = strings.Join(codes, ","), words.zh, words.en
	return facts
}

// handOver gives the question to a person.
func (j *judgement) handOver() {
	who := j.conflictAct().GetAssign().GetPersonId()
	j.editConflict(conflictOwner).OwnerId = who
	asked := j.conflict().GetSentence()
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_REMINDER, toPeople(who), "有一项待您处理："+asked.GetZh(), "A question was given to you. "+asked.GetEn())
}

// tellDecision tells those whose acts the question was about.
func (j *judgement) tellDecision() {
	c := j.conflict()
	people := []string{c.GetPersonId()}
	for _, side := range c.GetSides() {
		people = append(people, side.GetPersonId())
	}
	zh, en := actionWords(j.decision())
	if j.args.reason != "" {
		zh, en = zh+"。原因："+j.args.reason, en+". Why: "+j.args.reason
	}
	about := c.GetSubject()
	if about.GetId() == "" {
		about = j.ref()
	}
	j.notifyAbout(about, roundsv1.NoticeCode_NOTICE_CODE_DECIDED, toPeople(people...), "与您有关的事项已裁决："+zh+"。", "A question about what you did was decided: "+en+".")
}

// decidedAlready refuses a decision that came second: it says who decided what, and when.
func (j *judgement) decidedAlready() *roundsv1.Problem {
	c := j.conflict()
	zh, en := actionWords(c.GetDecision())
	if c.GetDecision() == 0 {
		zh, en = c.GetResolution(), c.GetResolution()
	}
	who := j.lookup(kindStaff, c.GetResolvedById()).GetRecord().GetStaff().GetName()
	byZH, byEN := who, who
	if c.GetResolvedById() == "" {
		byZH, byEN = "系统", "the server"
	} else if who == "" {
		byZH, byEN = "他人", "somebody else"
	}
	code := superseded
	if j.saw(conflictState) {
		code = badState
	}
	p := j.problem(code, "", "此事项已由"+byZH+"处理："+zh+"。以先到的决定为准；如有异议，请联系处理人。",
		"This was decided by "+byEN+": "+en+". The first decision stands; if you disagree, talk to who decided.")
	p.Facts = map[string]string{"decided_by": c.GetResolvedById(), "decision": resolutionOf(c.GetDecision()), "resolution": c.GetResolution()}
	if c.GetDecision() == 0 {
		delete(p.Facts, "decision")
	}
	return p
}

// actionWords name an action in a sentence.
func actionWords(a roundsv1.ConflictAction) (zh, en string) {
	switch a {
	case actAdmit:
		return "采纳", "let it in"
	case actDismiss:
		return "不予采纳", "leave it out"
	case actTakeResult:
		return "采用已报的完工", "take the reported result"
	case actGoOn:
		return "由现处理人继续", "go on with the present assignee"
	case actReinstate:
		return "恢复工单", "reinstate the ticket"
	case actConfirmCancel:
		return "维持取消", "the cancellation stands"
	case actReopen:
		return "重新打开", "open it again"
	case actLeaveClosed:
		return "维持关闭", "the closure stands"
	case actCountMet:
		return "计为按时", "it counts as in time"
	case actCountMissed:
		return "计为超时", "it counts as missed"
	case actMerge:
		return "合并", "merge them"
	case actKeepBoth:
		return "分别保留", "keep both"
	case actRetake:
		return "补拍", "have it photographed again"
	case actEditField:
		return "修改字段", "correct the field"
	case actReview:
		return "重新查看", "look again"
	case actAcknowledge:
		return "已知悉", "seen"
	}
	return "已处理", "decided"
}
