package work

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// reviewTerms are about the decision on finished work: what evidence the reviewer looked at, what they say of the work, and what becomes of their word.
type reviewTerms struct {
	bySupervisor, digested, digestFresh, digestStale, digestOlder, digestEarly, digestBlind condition
	reasonListed, inWords, pointsAtOwn                                                      condition
	lookAtPhotos, lookAgain, notAsSeen                                                      refusal
	settle, askMore, keepReason, tellSentBack, tellLateEvidence, tellFirst                  effect
}

func aboutReviews() reviewTerms {
	return reviewTerms{
		bySupervisor: condition{
			name:  "a supervisor or manager, where two reviewers did not agree",
			right: true,
			holds: (*judgement).mayDecideDissent,
			refusal: refusal{noRight, "",
				"两位确认人意见不同，须由主管或项目经理决定。",
				"Two reviewers did not agree; a supervisor or manager has to decide."},
		},
		digested: condition{
			name:    "says what evidence was seen",
			holds:   func(j *judgement) bool { return j.foresees || j.Admitted || j.digestGiven() },
			refusal: noDigestGiven(),
		},
		digestFresh: condition{
			name:  "the reviewer looked at the evidence of the round",
			holds: func(j *judgement) bool { return !j.earlyApproval() },
			refusal: refusal{staleCode, "review_digest",
				"他人已确认，工单已关闭，无需再次确认。您确认时未查看本轮完整的证据，因此未记为确认人。",
				"Somebody else approved it, and it is closed: no other approval is needed. Yours is not of the evidence of this round, so it is not added."},
		},
		digestStale: condition{name: "a photo that cannot count, a failed item or a dispute came after the reviewer looked", holds: (*judgement).staleApproval},
		digestOlder: condition{
			name:  "more evidence came after the reviewer had looked at that of the round, which was complete",
			holds: (*judgement).olderDigest,
		},
		digestEarly: condition{
			name:  "other evidence than the reviewer looked at, who did so before that of the round was complete",
			holds: (*judgement).earlyApproval,
		},
		digestBlind: condition{name: "nobody can say what evidence the reviewer looked at", holds: (*judgement).blindApproval},

		reasonListed: condition{
			name:  "a reason of the site's list",
			holds: (*judgement).rejectListed,
			refusal: refusal{invalid, "reason",
				"请从列表中选择退回原因：{choices}；具体情况请写在说明里。",
				"Choose one of the site's reasons for sending work back: {choices_en}. Say more in words."},
			facts: (*judgement).rejectFacts,
		},
		inWords: condition{
			name:  "said in words, too",
			holds: (*judgement).rejectsInWords,
			refusal: refusal{missing, "words",
				"请用文字说明哪里不合格、要怎样处理；如能指出，请标出照片或检查项。",
				"Say in words what is wrong and what is to be done; where there is one that shows it, point at the photo or the item, too."},
		},
		pointsAtOwn: condition{
			name:  "the photos and items pointed at are of this round of the ticket",
			holds: (*judgement).pointsAtOwn,
			refusal: refusal{invalid, "photo_ids",
				"标出的照片或检查项不属于此工单的本轮处理，请从本轮的照片和检查表中重新选择。",
				"A photo or item that was pointed at is not of this round of the ticket. Choose again, from the photos and the checklist of this round."},
		},

		lookAtPhotos: refusal{staleCode, "review_digest",
			"您确认时，本轮的照片和记录还没有齐全，确认未生效。请同步，查看照片后再次确认。",
			"When you approved it the photos and the answers of this round were not complete yet, so the approval does not count. Sync, look at the photos," +
				" and approve it again."},
		lookAgain: refusal{staleCode, "review_digest",
			"您查看之后出现了新的问题（无效照片、不合格项或客户异议），确认暂未生效。请重新查看后再确认或退回。",
			"After you looked something came that speaks against the work: a photo that cannot count, a failed item or a dispute. Your approval waits:" +
				" look again, and approve it or send it back."},
		notAsSeen: refusal{staleCode, "review_digest",
			"证据与您查看时不同，确认未生效。请同步并重新查看后再确认。",
			"The evidence is not what you looked at, so the approval does not count. Sync, look again, and approve it then."},

		settle:           effect{"questions that this answers are closed", (*judgement).settleReview},
		askMore:          effect{`flag "more_asked", the performers are told`, (*judgement).askMore},
		keepReason:       effect{"state_reason", (*judgement).keepRejection},
		tellSentBack:     effect{"the performers are told what is sent back", (*judgement).tellSentBack},
		tellLateEvidence: effect{"the approver is told that evidence came before the approval", (*judgement).tellLateEvidence},
		tellFirst:        effect{"who sent it back is told", (*judgement).tellWhoRejected},
	}
}

// notes puts the reviewer's word on record.
func notes(verdict roundsv1.Verdict) effect {
	return effect{"reviews + " + strings.TrimPrefix(verdict.String(), "VERDICT_"), func(j *judgement) { j.note(verdict) }}
}

// noDigestGiven refuses an approval that nobody can hold against the evidence.
func noDigestGiven() refusal {
	return refusal{noDigest, "review_digest",
		"确认未注明您查看的是哪些证据，未生效。请更新应用，重新查看后再确认。",
		"The approval does not say what evidence you looked at, so it does not count. Update the app, look again, and approve it then."}
}

// mayDecideDissent: whether two reviewers agreed so far, or the person stands above them.
func (j *judgement) mayDecideDissent() bool {
	return !slices.Contains(j.ticket().GetFlags(), flagDissent) || j.isSupervisor()
}

func (j *judgement) rejectListed() bool {
	p := j.reference.Policy(j.Scope)
	_, listed := p.Reject(j.args.reason)
	return listed || j.foresees || !j.directory || len(p.RejectReasons) == 0
}

func (j *judgement) rejectFacts() map[string]string {
	var reasons choices
	for _, r := range j.reference.Policy(j.Scope).RejectReasons {
		reasons.add(r.Code, r.Words)
	}
	return reasons.facts()
}

func (j *judgement) rejectsInWords() bool {
	return strings.TrimSpace(j.ticketAct().GetReject().GetWords()) != ""
}

// keepRejection writes why the work was sent back: the reason of the list, and the words.
func (j *judgement) keepRejection() {
	reason := j.args.reason
	if words := cut(j.ticketAct().GetReject().GetWords()); words != "" {
		reason += ": " + words
	}
	j.editTicket(ticketStateReason).StateReason = reason
}

// settleReview closes the questions that a decision on the work answers.
func (j *judgement) settleReview() {
	j.unflag(flagDissent)
	how := "approved"
	if j.op == Reject {
		how = "sent back"
	}
	j.answer(how, roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL)
}

// askMore marks the ticket, and tells the performers, that the evidence is not enough to decide on.
func (j *judgement) askMore() {
	j.flag(flagMoreAsked)
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, toPeople(performers(j.ticket())...), "确认人要求补充照片或说明，补齐后请再次报完工。",
		"The reviewer asks for more evidence. Add it, and report the work as done again.")
}

// tellSentBack tells the performers to do the work again.
func (j *judgement) tellSentBack() {
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_REJECTED, toPeople(performers(j.ticket())...), "工单被退回返工，请查看原因和标出的照片，处理后重新拍照并报完工。",
		"The work was sent back. Look at the reason and at the photos pointed at; when it is done take new photos and report it again.")
}

// tellLateEvidence is the note of row 10, to who approved.
func (j *judgement) tellLateEvidence() {
	if j.foresees {
		return
	}
	j.verdict.Derived = append(j.verdict.Derived, NoticeOf(Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE,
		People: []engine.PersonID{j.Person}, Sentence: &roundsv1.Text{Zh: "您的确认已生效。您查看之后又有新证据到达，请再看一眼。",
			En: "Your approval counts. More evidence had arrived after you looked: look once more."}, Cause: j.cause(), TimeUs: j.Time.UnixMicro()}))
}

// tellWhoRejected is the note of row 13, to who sent the round back that somebody else approves.
func (j *judgement) tellWhoRejected() {
	by := reviewed(j.ticket(), j.args.round, roundsv1.Verdict_VERDICT_REJECTED).GetPersonId()
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_DISSENT, toPeople(by), "您退回的工单，另一位确认人认为合格。返工不变，仅供参考。",
		"Another reviewer would have approved what you sent back. The rework stands; this is for you to know.")
}
