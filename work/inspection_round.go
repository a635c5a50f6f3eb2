package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// walkRoundTerms are about which round of an inspection an act names, how rounds begin and are submitted, and what comes too late for them.
type walkRoundTerms struct {
	current, older                                                          condition
	first, next, setGrace                                                   effect
	submit, submitOlder, lateSync, markLate, tellExcused, noMoreProvisional effect
}

func aboutWalkRounds() walkRoundTerms {
	return walkRoundTerms{
		current: condition{
			name: "the current round",
			holds: func(j *judgement) bool {
				return j.args.round == j.inspection().GetRound()
			},
			refusal: refusal{superseded, "round",
				"此操作针对另一轮巡检。请同步后查看当前一轮。",
				"This is about another round. Sync, and look at the current one."},
		},
		older: condition{name: "an older round", holds: func(j *judgement) bool { return j.args.round > 0 && j.args.round < j.inspection().GetRound() }},

		first:       effect{"round = 1", func(j *judgement) { j.editInspection(inspectionRound).Round = 1 }},
		next:        effect{"round + 1", func(j *judgement) { j.editInspection(inspectionRound).Round = j.inspection().GetRound() + 1 }},
		setGrace:    effect{"grace_end = end of the window + the site's grace", (*judgement).setGrace},
		submit:      effect{"completions + this one", (*judgement).completeWalk},
		submitOlder: effect{`completions + this one of its round; outcome flag "older_round"`, (*judgement).completeOlderWalk},
		lateSync: effect{`flag "late_sync", not provisional; flag "in_time" or "after_window", or a question where the time is not well known`,
			(*judgement).lateSync},
		markLate:          effect{`flag "late"; once for each decision who approved or excused it is told`, (*judgement).arriveLateOfWalk},
		tellExcused:       effect{"who excused it is told", (*judgement).tellExcused},
		noMoreProvisional: effect{"not provisional", (*judgement).settleProvisional},
	}
}

// setGrace writes until when a round that was missed may still come.
func (j *judgement) setGrace() {
	if end := j.inspection().GetWindowEndUs(); end > 0 {
		j.editInspection(inspectionGraceEnd).GraceEndUs = end + j.reference.Policy(j.Scope).MissedGrace.Microseconds()
	}
}

// tellExcused tells who excused a round that it was walked after all.
func (j *judgement) tellExcused() {
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, toPeople(writer(j.Current, inspectionState).GetPersonId()), "您批准免检的巡检其实已经执行：手机当时没有信号。巡检已进入核验。",
		"A round that you excused was walked after all: the phone had no signal. It goes to review.")
}

func (j *judgement) settleProvisional() {
	if j.inspection().GetProvisional() {
		j.editInspection(inspectionProvisional)
	}
}

// completeWalk notes who submitted which round, with the photos of the answers, and whether checkpoints were left out.
func (j *judgement) completeWalk() {
	i := j.inspection()
	var photos []string
	for _, a := range i.GetAnswers() {
		photos = append(photos, a.GetPhotoIds()...)
	}
	slices.Sort(photos)
	photos = slices.Compact(photos)
	all := append(slices.Clone(i.GetCompletions()), &roundsv1.Completion{Round: i.GetRound(), PersonId: string(j.Person),
		PhotoIds: photos[:min(len(photos), maxPhotos)], TimeUs: j.Time.UnixMicro(), TakenUs: j.takenUs()})
	if len(all) > maxCompletions {
		all = all[len(all)-maxCompletions:]
	}
	j.editInspection(inspectionCompletions).Completions = all
	if j.foresees {
		return
	}
	anew := j.walkedAnew() // then visits of the rounds before do not count
	for _, checkpoint := range i.GetCheckpointIds() {
		if !slices.ContainsFunc(i.GetOfficialVisits(), func(v *roundsv1.Visit) bool {
			return v.GetCheckpointId() == checkpoint && (!anew || v.GetRound() == i.GetRound())
		}) {
			j.flagInspection(flagUnvisited)
			return
		}
	}
}

// lateSync is row 30: the walk of a round that was taken for missed has come. Whether it was in the window follows from the effective time; where that is not
// well known a person decides.
func (j *judgement) lateSync() {
	j.flagInspection(flagLateSync)
	i := j.inspection()
	if i.GetProvisional() {
		j.editInspection(inspectionProvisional)
	}
	end := i.GetWindowEndUs()
	switch {
	case end == 0 || j.foresees:
	case j.Trust != roundsv1.Trust_TRUST_A:
		j.ask(roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, []*roundsv1.Side{
			{Record: j.ref(), TimeUs: end, Sentence: &roundsv1.Text{Zh: "系统：巡检未在规定时间内完成。", En: "The server: the round was not walked in its window."}},
			j.thisSide("手机：已巡检，但手机时间不能确定。", "The phone: it was walked, but the phone's clock is not well known."),
		})
	case j.tooEarly(j.Time.UnixMicro()): // marked as such: neither in time nor after the window
	case j.Time.UnixMicro() <= end:
		j.flagInspection(flagInTime)
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, toRole(roundsv1.Role_ROLE_SUPERVISOR), "记为漏检的巡检其实按时完成：手机当时没有信号，现已更正。",
			"A round that was taken for missed was walked in time: the phone had no signal. The result is corrected.")
	default:
		j.flagInspection(flagTooLate)
	}
}
