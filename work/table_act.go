package work

import roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"

// actTerms are about the act itself, whatever it does and whatever it is done to: whether it makes the record, what state the person had before their eyes, whether
// somebody let it in, and whether it says why.
type actTerms struct {
	makes, unseenState, sawState, admitted, saysWhy condition
	keepReason                                      effect
}

func aboutActs() actTerms {
	return actTerms{
		makes:       condition{name: "no such record yet", holds: (*judgement).makesRecord},
		unseenState: condition{name: "state unseen", holds: (*judgement).missedState},
		sawState:    condition{name: "state seen", holds: (*judgement).sawState},
		admitted:    condition{name: "let in by a person", holds: func(j *judgement) bool { return j.Admitted }},
		saysWhy: condition{
			name:    "reason given",
			holds:   (*judgement).saysWhy,
			refusal: refusal{missing, "reason", "请填写原因。", "Say why."},
		},
		keepReason: effect{"state_reason", (*judgement).keepReason},
	}
}

func (j *judgement) makesRecord() bool { return j.Current == nil }

func (j *judgement) sawState() bool { return j.saw(j.stateField()) }

func (j *judgement) missedState() bool { return !j.sawState() }

func (j *judgement) saysWhy() bool { return j.args.reason != "" }

// keepReason writes why the record is where it is.
func (j *judgement) keepReason() {
	switch j.Kind {
	case kindTicket:
		j.editTicket(ticketStateReason).StateReason = j.args.reason
	case kindInspection:
		j.editInspection(inspectionStateReason).StateReason = j.args.reason
	}
}

// tells marks the outcome of the act, and nothing else.
func tells(flag string) effect {
	return effect{`outcome flag "` + flag + `"`, func(j *judgement) { j.verdict.Flags = append(j.verdict.Flags, flag) }}
}

// Codes of refusals, short enough for the tables.
const (
	noRight        = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	missing        = roundsv1.ProblemCode_PROBLEM_CODE_MISSING
	invalid        = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
	stale          = roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH
	superseded     = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED
	badState       = roundsv1.ProblemCode_PROBLEM_CODE_STATE
	overLimit      = roundsv1.ProblemCode_PROBLEM_CODE_LIMIT
	ownWork        = roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK
	staleCode      = roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST
	noDigest       = roundsv1.ProblemCode_PROBLEM_CODE_NO_DIGEST
	impossible     = roundsv1.ProblemCode_PROBLEM_CODE_IMPOSSIBLE
	offDuty        = roundsv1.ProblemCode_PROBLEM_CODE_NOT_ON_DUTY
	unknownVersion = roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION
)
