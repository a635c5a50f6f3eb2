package work

import (
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// completionTerms are about the word that the work is done: how it is kept, and what is said where it meets somebody else's.
type completionTerms struct {
	room                             condition
	keep, keepLate, tellDoneByFormer effect
	workAfterCancel, doubleWork      refusal
}

func aboutCompletions() completionTerms {
	return completionTerms{
		room: condition{
			name:  "within the limits",
			holds: (*judgement).roomForCompletion,
			refusal: refusal{overLimit, "photo_ids",
				"完工记录或照片过多（每次最多64张）。请减少照片后重新提交。",
				"Too many completions or photos (64 at most). Submit again with fewer photos."},
		},
		keep:             effect{"completions + this one; performers + the person and the crew of this moment", (*judgement).complete},
		keepLate:         effect{`kept as late evidence, flag "late", whoever confirmed it is told; a failed item is a question`, (*judgement).completeLate},
		tellDoneByFormer: effect{"the foreman is told", (*judgement).tellDoneByFormer},

		workAfterCancel: refusal{superseded, "",
			"工单已取消，但您报告已完工。主管将决定是否恢复此工单，您的工作已保留。",
			"The ticket was cancelled, but the work was reported as done. A supervisor decides whether it counts; nothing is lost."},
		doubleWork: refusal{superseded, "",
			"两人处理了同一工单：改派后新处理人已开工，原处理人又报完工。请班长决定采用哪一份，双方工时均保留。",
			"Two people did the same work: the new assignee had started when the former one reported it done. The foreman decides; both labours are" +
				" kept."},
	}
}

// roomForCompletion: whether the ticket holds the completion that is submitted, and its photos.
func (j *judgement) roomForCompletion() bool {
	all, _ := j.completions()
	return len(all) <= maxCompletions && !slices.ContainsFunc(all, func(c *roundsv1.Completion) bool { return len(c.GetPhotoIds()) > maxPhotos })
}

// complete keeps the completion, and who worked as it says: the person, and the crew of this moment.
func (j *judgement) complete() {
	if all, changed := j.completions(); changed {
		j.editTicket(ticketCompletions).Completions = all
	}
	j.perform(string(j.Person))
	j.performByWord(j.ticket().GetCrewIds()...)
	j.performByWord(j.merged.GetRecord().GetTicket().GetCrewIds()...)
	j.unflag(flagMoreAsked)
}

// completions returns those of the ticket with the one that is submitted: a person has one in a round, and its manifest only grows. What comes to a closed round
// is a completion of its own, marked late: the closure does not rest on it.
func (j *judgement) completions() (all []*roundsv1.Completion, changed bool) {
	all = slices.Clone(j.ticket().GetCompletions())
	late := j.state() == closed && j.args.round == j.ticket().GetRound()
	photos := j.ticketAct().GetSubmitCompletion().GetPhotoIds()
	own := func(c *roundsv1.Completion) bool {
		return c.GetRound() == j.args.round && c.GetPersonId() == string(j.Person)
	}
	if i := slices.IndexFunc(all, func(c *roundsv1.Completion) bool { return own(c) && !c.GetLate() }); late && i >= 0 {
		photos = slices.DeleteFunc(slices.Clone(photos), func(id string) bool { return slices.Contains(all[i].GetPhotoIds(), id) })
		if len(photos) == 0 {
			return all, false // sent again
		}
	}
	for i, c := range all {
		if !own(c) || late && !c.GetLate() {
			continue
		}
		grown := proto.CloneOf(c)
		grown.Late = late
		for _, id := range photos {
			if !slices.Contains(grown.PhotoIds, id) {
				grown.PhotoIds = append(grown.PhotoIds, id)
			}
		}
		all[i] = grown
		return all, !proto.Equal(grown, c)
	}
	return append(all, &roundsv1.Completion{Round: j.args.round, PersonId: string(j.Person), PhotoIds: photos, TimeUs: j.Time.UnixMicro(), Late: late,
		TakenUs: j.takenUs()}), true
}

// takenUs is when the act came to the server, microseconds since 1970; 0 where that is not known.
func (j *judgement) takenUs() int64 {
	if j.foresees || j.Taken.IsZero() {
		return 0
	}
	return max(0, j.Taken.UnixMicro())
}

// tellDoneByFormer is the note of row 1, to the foreman.
func (j *judgement) tellDoneByFormer() {
	const code = roundsv1.NoticeCode_NOTICE_CODE_DONE_BY_OTHER
	if j.ticket().GetAssigneeId() == "" {
		j.notify(code, toRole(roundsv1.Role_ROLE_FOREMAN), "改派并被拒单之后，原处理人报了完工（当时没有信号），无需再派单。",
			"After it was given to somebody else, who declined it, the former assignee reported a ticket as done, having had no signal. It need not be given to anybody.")
		return
	}
	j.notify(code, toRole(roundsv1.Role_ROLE_FOREMAN), "改派之后，原处理人报了完工（当时没有信号）。新处理人的任务已撤回。",
		"After it was given to somebody else, the former assignee reported a ticket as done, having had no signal. The new assignee's task is withdrawn.")
}
