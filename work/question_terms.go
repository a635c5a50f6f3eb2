package work

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// questionTerms are about what waits for a person: of what type it is, what it offers, who decides it, and what becomes of the two sides.
type questionTerms struct {
	ask, reviewed, nothing, answered, same condition
	decider, another, impartial            condition
	undecided, offered, waits, possible    condition
	works, able                            condition
	editField, lookAgain                   refusal
	admit, follow, tell, give              effect
}

func aboutQuestions() questionTerms {
	return questionTerms{
		ask:      condition{name: "two values of a field", holds: (*judgement).asksOfField},
		reviewed: condition{name: "the review decides, and nobody instead of it", holds: func(j *judgement) bool { return slices.Contains(offers(j.conflict()), actReview) }},
		nothing:  condition{name: "no mutation waits", holds: func(j *judgement) bool { return j.conflict().GetJournalSeq() == 0 }},
		answered: condition{name: "answered by the record meanwhile", holds: (*judgement).answeredMeanwhile},
		same:     condition{name: "decided the same before", holds: (*judgement).decidedTheSame},

		decider: condition{
			name:    "decides questions of this type",
			right:   true,
			holds:   decides(),
			refusal: refusal{noRight, "", "此类事项须由主管或项目经理决定，请联系他们。", "Questions of this type are for a supervisor or manager. Ask one of them."},
		},
		another: condition{
			name:    "did not do it",
			holds:   func(j *judgement) bool { return j.Person == "" || j.conflict().GetPersonId() != string(j.Person) },
			refusal: refusal{ownWork, "", "这是您自己的操作，须由其他人决定是否采纳。", "You did this yourself; somebody else has to let it in."},
		},
		impartial: condition{
			name:  "had no part in the work that it is about, nor in what is in question",
			holds: (*judgement).hadNoPart,
			refusal: refusal{ownWork, "", "此事项涉及您自己的处理、确认或时限，须由其他主管或项目经理决定。",
				"This is about what you did, confirmed or had to see to yourself: another supervisor or manager has to decide it."},
		},

		undecided: condition{
			name:    "not decided yet",
			holds:   func(*judgement) bool { return false },
			instead: (*judgement).decidedAlready,
			refusal: refusal{superseded, "", "此事项已由他人处理。", "This was decided already."},
		},
		offered: condition{
			name: "the question offers it",
			holds: func(j *judgement) bool {
				return slices.Contains(offers(j.conflict()), j.conflictAct().GetDecide().GetAction())
			},
			refusal: refusal{invalid, "action", "此事项没有这个选项，请选择：{offered}。", "The question does not offer this. Choose one of: {offered_en}."},
			facts:   (*judgement).offeredFacts,
		},
		waits: condition{
			name:    "a mutation waits",
			holds:   func(j *judgement) bool { return j.conflict().GetJournalSeq() != 0 },
			refusal: refusal{badState, "", "没有等待采纳的操作，请选择另一项。", "Nothing waits to be let in. Choose another action."},
		},
		possible: condition{
			name:    "the record it is about allows it",
			holds:   func(j *judgement) bool { return j.consequence().Problem == nil },
			instead: func(j *judgement) *roundsv1.Problem { return j.consequence().Problem },
			refusal: refusal{badState, "", "记录的当前状态不允许这样做。", "The record does not allow this as it stands."},
		},

		works: condition{
			name:  "the person named works at the site, as far as is known",
			holds: func(j *judgement) bool { return j.foresees || j.rules.people == nil || len(j.takerRoles()) > 0 },
			refusal: refusal{offDuty, "person_id", "{person}在此项目没有权限（已停用、已离开或从未有），不能处理此事项。请转交给：{roles_zh}。",
				"{person} has no right at this site: suspended, gone, or never had one. Give it to somebody else: {roles_en}."},
			facts: (*judgement).takerFacts,
		},
		able: condition{
			name: "the person named can decide it, as far as is known",
			holds: func(j *judgement) bool {
				return j.foresees || j.rules.people == nil || len(Offers(j.conflict(), j.takerRoles())) > 0
			},
			refusal: refusal{invalid, "person_id", "{person}的角色不能处理此事项。请转交给：{roles_zh}。", "{person} cannot decide this by any role held here. Give it to: {roles_en}."},
			facts:   (*judgement).takerFacts,
		},

		editField: refusal{badState, "", "请直接修改该字段为正确的值，此事项会自动关闭。",
			"Edit the field to the right value instead; the question then closes by itself."},
		lookAgain: refusal{badState, "", "请打开工单重新查看，然后确认或退回，此事项会自动关闭。",
			"Look at the record again, and approve it or send it back; the question then closes by itself."},

		admit:  effect{"the mutation that waits is judged again as admitted", (*judgement).admitWaiting},
		follow: effect{"the record it is about changes as decided", (*judgement).followDecision},
		tell:   effect{"notice DECIDED to both sides", (*judgement).tellDecision},
		give:   effect{"owner = the person named, with a notice", (*judgement).handOver},
	}
}

func (j *judgement) asksOfField() bool {
	return j.conflict().GetType() == roundsv1.ConflictType_CONFLICT_TYPE_ASK
}

func (j *judgement) answeredMeanwhile() bool {
	subject := j.conflict().GetSubject()
	_, ok := Answered(j.Current, j.lookup(merge.Kind(subject.GetKind()), subject.GetId()))
	return ok
}

func (j *judgement) decidedTheSame() bool {
	return j.conflict().GetDecision() != 0 && j.conflict().GetDecision() == j.decision()
}

// hadNoPart: whether a question whether somebody's work, word or time holds is about another's than the person's. Questions of other types have rules of their own.
func (j *judgement) hadNoPart() bool {
	c := j.conflict()
	side := func(s *roundsv1.Side) bool { return s.GetPersonId() == string(j.Person) }
	switch c.GetType() {
	case roundsv1.ConflictType_CONFLICT_TYPE_REOPEN: // who confirmed it may look again
	case roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL, roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME:
		if j.Person != "" && slices.ContainsFunc(c.GetSides(), side) {
			return false
		}
	default:
		return true
	}
	subject := j.lookup(merge.Kind(c.GetSubject().GetKind()), c.GetSubject().GetId())
	if j.foresees || j.Person == "" || subject == nil {
		return true
	}
	on := j.about(subject)
	if on.Kind == kindInspection {
		return !on.walked()
	}
	return !on.hadPart() && !on.owesDisputed()
}

// owesDisputed: whether the person had to see to a step of the ticket of which it is disputed whether it was in time.
func (j *judgement) owesDisputed() bool {
	return slices.ContainsFunc(j.ticket().GetDeadlines(), func(d *roundsv1.Deadline) bool {
		return d.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED && d.GetOwnerId() == string(j.Person)
	})
}

// decides: whether the person has a role that decides questions of the type of this one.
func decides() func(*judgement) bool {
	deciders := map[roundsv1.ConflictType]uint64{}
	for _, d := range Deciders() {
		deciders[d.Type] |= bit(d.Role)
	}
	return func(j *judgement) bool {
		return j.foresees || deciders[j.conflict().GetType()]&bits(j.Roles) != 0
	}
}

// chosen: whether the person chose one of some actions.
func chosen(actions ...roundsv1.ConflictAction) condition {
	var names []string
	for _, a := range actions {
		names = append(names, strings.TrimPrefix(a.String(), "CONFLICT_ACTION_"))
	}
	return condition{name: strings.Join(names, " or ") + " chosen", holds: func(j *judgement) bool {
		return slices.Contains(actions, j.conflictAct().GetDecide().GetAction())
	}}
}

// offeredFacts are what the person may choose instead.
func (j *judgement) offeredFacts() map[string]string {
	var zh, en []string
	for _, action := range Offers(j.conflict(), j.Roles) {
		z, e := actionWords(action)
		zh, en = append(zh, z), append(en, e)
	}
	return map[string]string{"offered": strings.Join(zh, "、"), "offered_en": strings.Join(en, "; ")}
}

// resolves closes the question; how says how it was decided, "" leaves that to the action's name.
func resolves(how string) effect {
	name := `resolution "` + how + `"`
	if how == "" {
		name = "resolution = the action's name"
	}
	return effect{name + ", resolved by the person, decision and reason", func(j *judgement) { j.resolve(how) }}
}

func (j *judgement) admitWaiting() { j.verdict.Admit = engine.Seq(j.conflict().GetJournalSeq()) }

func (j *judgement) followDecision() {
	j.verdict.Derived = append(j.verdict.Derived, j.consequence().Derived...)
}
