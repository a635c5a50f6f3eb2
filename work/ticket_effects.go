package work

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/deadline"
)

// Numbers of Ticket's fields that the rules write or look at.
const (
	ticketCategory     = 3
	ticketPriority     = 4
	ticketReporter     = 7
	ticketCrew         = 13
	ticketReadings     = 20
	ticketLabour       = 21
	ticketScans        = 22
	ticketAnswers      = 23
	ticketState        = 40
	ticketRound        = 41
	ticketAssignee     = 42
	ticketEpoch        = 43
	ticketEscalation   = 44
	ticketPauseReason  = 45
	ticketCompletions  = 46
	ticketStateReason  = 47
	ticketMergedInto   = 48
	ticketApprovers    = 49
	ticketFlags        = 50
	ticketReportedTime = 51
	ticketRequirements = 52
	ticketMoves        = 53
	ticketDeadlines    = 54
	ticketChildren     = 55
	ticketReviews      = 56
	ticketFormer       = 57
	ticketAcceptance   = 58
	ticketClosedTime   = 59
	ticketPerformers   = 60
	ticketBeforePhoto  = 61
	ticketShown        = 62
	ticketMerged       = 63
)

// Marks on a ticket that the rules look at again.
const (
	flagLate             = "late"
	flagForceAsked       = "force_close_asked"
	flagForced           = "forced"
	flagCustomerAccepted = "customer_accepted"
	flagCustomerDisputed = "customer_disputed"
	flagFalseAlarm       = "offline_false_alarm"
	flagMoreAsked        = "more_asked"
	flagDissent          = "dissent"
	flagSelfApproval     = "self_approval"
	flagByTasks          = "closed_by_tasks"
	flagNoPhoto          = "no_photo" // a find on patrol without a photo so far
)

// Bounds of the schema.
const (
	maxFlags       = 64
	maxCompletions = 256
	maxPhotos      = 64
	maxApprovers   = 16
	maxFormer      = 64
	topLevel       = 3
)

type ticketEffectSet struct {
	firstRound, reportTime, wantsPhoto, early, pinCategory, pinShown, markLate, passOn, performs, tellStop, categorise, assign, unassign, takeOver, joinCrew, pauseReason, clearPause,
	insertPause, insertResume, insertStart, worked, complete, completeLate, forward, approver, secondSigner, clearApprovers, nextRound, stateReason, rejectReason, mergeInto, escalate,
	raise, reopen, askForce, forced, split, accepts, disputes, asked, lateEvidence, evaluation, dissent, selfApproval, signatureOff, retaken, askedCustomer, settled, unlisted,
	declined, cancelled effect
	mark, tell func(flag string) effect
	note       func(roundsv1.Verdict, string) effect
	open       func(flag string) effect
	says       func(roundsv1.Acceptance) effect
	told       func(string, func(*judgement)) effect
}

func ticketEffects() ticketEffectSet {
	mark := func(flag string) effect {
		return effect{`flag "` + flag + `"`, func(j *judgement) {
			j.verdict.Flags = append(j.verdict.Flags, flag)
			j.flag(flag)
		}}
	}
	return ticketEffectSet{
		firstRound: effect{"round = 1", func(j *judgement) { j.editTicket(ticketRound).Round = 1 }},
		reportTime: effect{"reported_time = effective time", func(j *judgement) {
			j.editTicket(ticketReportedTime).ReportedTimeUs = j.Time.UnixMicro()
		}},
		wantsPhoto: effect{`flag "no_photo" where a find on patrol names none; the first photo takes it away`, func(j *judgement) {
			t := j.written().GetTicket()
			if t.GetChannel() == roundsv1.Channel_CHANNEL_PATROL && len(t.GetOrigin().GetPhotoIds()) == 0 {
				j.flag(flagNoPhoto)
			}
		}},
		pinCategory: effect{"requirements of the category", func(j *judgement) {
			t := j.written().GetTicket()
			if j.op == Triage {
				j.anew = byCategory
				j.pin(j.ticketAct().GetTriage().GetCategoryId(), j.ticket().GetPriority())
				return
			}
			j.pin(t.GetCategoryId(), t.GetPriority())
		}},
		early:    effect{`what photos of it write that came before it: performers, before_photo, shown_photo_ids, no flag "no_photo"`, (*judgement).takeEarly},
		pinShown: effect{"requirements of the category that is shown, where it changes before the round is reported as done; the deadlines of steps that run are computed again", (*judgement).pinShown},
		markLate: effect{`flag "late"; once for each closure who confirmed or cancelled it is told`, func(j *judgement) {
			j.verdict.Flags = append(j.verdict.Flags, flagLate)
			j.arriveLate()
		}},
		passOn:   effect{"shown on the ticket that it was merged into, too", (*judgement).passOn},
		performs: effect{"performers + the person, where it is work", func(j *judgement) { j.perform(j.worker()) }}, // whom labour names stands in the labour
		tellStop: effect{"the person is told to stop", (*judgement).tellStop},
		categorise: effect{"category", func(j *judgement) {
			j.editTicket(ticketCategory).CategoryId = j.ticketAct().GetTriage().GetCategoryId()
		}},
		assign: effect{"assignee, assign_epoch + 1, former assignee leaves the crew; both are told", func(j *judgement) {
			j.assign(j.ticketAct().GetDispatch().GetAssigneeId())
		}},
		unassign: effect{"no assignee", (*judgement).unassign},
		takeOver: effect{"assignee = the person, assign_epoch + 1 where it was another, who is told", func(j *judgement) {
			if j.ticket().GetAssigneeId() != string(j.Person) {
				j.assign(string(j.Person))
			}
		}},
		joinCrew: effect{"crew + the person, who performs", func(j *judgement) {
			if !slices.Contains(j.ticket().GetCrewIds(), string(j.Person)) {
				j.editTicket(ticketCrew).CrewIds = []string{string(j.Person)}
			}
			j.perform(string(j.Person))
		}},
		pauseReason: effect{"pause_reason; the foreman is told where the clocks stop", (*judgement).pause},
		clearPause: effect{"no pause_reason", func(j *judgement) {
			if j.ticket().GetPauseReason() != "" {
				j.editTicket(ticketPauseReason)
			}
		}},
		insertPause: effect{"the interval is put where it belongs in the ledger, the deadlines are computed again", func(j *judgement) {
			j.record(&roundsv1.Move{State: movePaused, Round: j.roundAt(), Reason: j.args.reason, StopsClock: j.pausesClock()})
			j.tellClock()
		}},
		insertResume: effect{"the interval ends where it belongs in the ledger, the deadlines are computed again", func(j *judgement) {
			j.record(&roundsv1.Move{State: moveInProgress, Round: j.roundAt()})
		}},
		worked: effect{"performers + the person", func(j *judgement) { j.perform(string(j.Person)) }},
		insertStart: effect{"the start is put where it belongs in the ledger, where nobody was at work then; the deadlines are computed again", func(j *judgement) {
			if readyAt(j.ticket().GetMoves(), j.Time.UnixMicro()) {
				j.record(&roundsv1.Move{State: moveInProgress, Round: j.roundAt()})
			}
		}},
		complete: effect{"completions + this one; performers + the person and the crew of this moment", func(j *judgement) {
			if all, changed := j.completions(); changed {
				j.editTicket(ticketCompletions).Completions = all
			}
			j.perform(string(j.Person))
			j.performByWord(j.ticket().GetCrewIds()...)
			j.performByWord(j.merged.GetRecord().GetTicket().GetCrewIds()...)
			j.unflag(flagMoreAsked)
		}},
		completeLate: effect{`kept as late evidence, flag "late", whoever confirmed it is told; a failed item is a question`, (*judgement).completeLate},
		forward:      effect{"judged on the ticket that it was merged into", (*judgement).takeOnward},
		approver: effect{"approvers + the person", func(j *judgement) {
			var others []string
			if j.op == ForceClose && j.forceStands() {
				others = slices.Clone(j.ticket().GetApproverIds())
			}
			j.editTicket(ticketApprovers).ApproverIds = append(others, string(j.Person))
		}},
		secondSigner: effect{"approvers + the person", func(j *judgement) {
			all := j.ticket().GetApproverIds()
			if !slices.Contains(all, string(j.Person)) && len(all) < maxApprovers {
				j.editTicket(ticketApprovers).ApproverIds = append(slices.Clone(all), string(j.Person))
			}
		}},
		clearApprovers: effect{"no approvers", func(j *judgement) { j.editTicket(ticketApprovers).ApproverIds = nil }},
		nextRound:      effect{"round + 1, with the requirements of the category that is shown and the times of the priority", (*judgement).nextRound},
		stateReason:    effect{"state_reason", func(j *judgement) { j.editTicket(ticketStateReason).StateReason = j.args.reason }},
		rejectReason: effect{"state_reason", func(j *judgement) {
			reason := j.args.reason
			if words := cut(j.ticketAct().GetReject().GetWords()); words != "" {
				reason += ": " + words
			}
			j.editTicket(ticketStateReason).StateReason = reason
		}},
		mergeInto: effect{"merged_into the end of the way, whose performers + who worked on this one, and whose photos + those from before the work, with before_photo; it names this one in merged_ids; the assignee is told", func(j *judgement) {
			into := j.ticketAct().GetMerge().GetIntoId()
			if end := j.endOf(j.lookup(kindTicket, into)); end != nil && !j.foresees {
				into = end.GetRecordId()
				if onto := j.beside(end); onto != nil { // its photos prove the work there, so who took them does not vouch for it
					onto.takesIn(j.Current.GetRecordId(), j.ticket())
					onto.perform(j.ticket().GetPerformerIds()...)
					onto.performByWord(workers(j.ticket())...)
					onto.shows(j.ticket().GetShownPhotoIds()...)
					if j.ticket().GetBeforePhoto() && !onto.after().GetBeforePhoto() {
						onto.editTicket(ticketBeforePhoto).BeforePhoto = true
					}
				}
			}
			j.editTicket(ticketMergedInto).MergedIntoId = into
			j.notify(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, toPeople(j.ticket().GetAssigneeId()), "派给您的工单已并入另一张工单。",
				"A ticket of yours was merged into another.")
		}},
		escalate: effect{"escalation_level + 1, the level is told", (*judgement).raise},
		raise:    effect{"escalation_level + 1, 3 at most, the level is told", (*judgement).raise},
		reopen: effect{`flags: "customer_disputed" for "customer_accepted" and "forced"`, func(j *judgement) {
			j.unflag(flagCustomerAccepted, flagForced, flagByTasks, flagDissent)
			j.flag(flagCustomerDisputed)
		}},
		askForce: effect{`flag "force_close_asked"`, func(j *judgement) { j.flag(flagForceAsked) }},
		forced: effect{`flag "forced"`, func(j *judgement) {
			j.unflag(flagForceAsked)
			j.flag(flagForced)
			j.verdict.Flags = append(j.verdict.Flags, flagForced)
		}},
		split: effect{"a task for each trade, with a derived id", (*judgement).split},
		says: func(a roundsv1.Acceptance) effect {
			return effect{"acceptance = " + strings.TrimPrefix(a.String(), "ACCEPTANCE_"), func(j *judgement) { j.accept(a) }}
		},
		accepts: effect{"acceptance = ACCEPTED", func(j *judgement) { j.accept(roundsv1.Acceptance_ACCEPTANCE_ACCEPTED) }},
		disputes: effect{`acceptance = DISPUTED, flag "customer_disputed", reviewers are told`, func(j *judgement) {
			j.accept(roundsv1.Acceptance_ACCEPTANCE_DISPUTED)
			j.unflag(flagCustomerAccepted)
			j.flag(flagCustomerDisputed)
		}},
		asked: effect{`flag "more_asked", the performers are told`, func(j *judgement) {
			j.flag(flagMoreAsked)
			j.notify(roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, toPeople(performers(j.ticket())...), "确认人要求补充照片或说明,补齐后请再次报完工。",
				"The reviewer asks for more evidence. Add it, and report the work as done again.")
		}},
		lateEvidence: effect{"the approver is told that evidence came before the approval", (*judgement).tellLateEvidence},
		evaluation:   effect{"the customer is asked to evaluate it, once in a round, and so are those whose tickets were merged into it", (*judgement).tellEvaluation},
		dissent:      effect{`flag "dissent", a supervisor is asked, the first reviewer is told`, func(j *judgement) { mark(flagDissent).do(j); j.askForDissent() }},
		selfApproval: effect{`flag "self_approval"; no approvers, a supervisor is asked`, (*judgement).withdrawOwn},
		signatureOff: effect{`flag "self_approval"; approvers without who worked, who is told, and supervisors and foremen; a closure by force or by tasks is a question`,
			(*judgement).withdrawOwn},
		retaken: effect{"the performers are told what is sent back", func(j *judgement) {
			j.notify(roundsv1.NoticeCode_NOTICE_CODE_REJECTED, toPeople(performers(j.ticket())...), "工单被退回返工,请查看原因和标出的照片,处理后重新拍照并报完工。",
				"The work was sent back. Look at the reason and at the photos pointed at; when it is done take new photos and report it again.")
		}},
		declined:  effect{"whoever gave it out and the foreman are told", (*judgement).tellDeclined},
		cancelled: effect{"the assignee, the crew and the reporter are told", (*judgement).tellCancelled},
		askedCustomer: effect{"the ledger says that the customer was asked", func(j *judgement) {
			if !j.foresees {
				how := deadline.Visited
				if j.op == CustomerAccept {
					how = deadline.Accepted
				}
				j.record(&roundsv1.Move{State: moveClosed, Round: j.ticket().GetRound(), Reason: how})
			}
		}},
		unlisted: effect{"shown_photo_ids + those of the round that no manifest lists", (*judgement).showUnlisted},
		settled: effect{"questions that this answers are closed", func(j *judgement) {
			j.unflag(flagDissent)
			how := "approved"
			if j.op == Reject {
				how = "sent back"
			}
			j.answer(how, roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL)
		}},
		mark: mark,
		tell: func(flag string) effect {
			return effect{`outcome flag "` + flag + `"`, func(j *judgement) { j.verdict.Flags = append(j.verdict.Flags, flag) }}
		},
		note: func(v roundsv1.Verdict, name string) effect {
			return effect{"reviews + " + name, func(j *judgement) { j.note(v) }}
		},
		open: func(flag string) effect {
			return effect{`flag "` + flag + `", no approvers, the performers are told`, func(j *judgement) {
				j.unflag(flagCustomerAccepted, flagForced, flagByTasks, flagDissent)
				mark(flag).do(j)
				j.editTicket(ticketApprovers).ApproverIds = nil
				j.notify(roundsv1.NoticeCode_NOTICE_CODE_REOPENED, toPeople(append(performers(j.ticket()), j.ticket().GetApproverIds()...)...),
					"工单已重新打开,等待派单。", "The ticket is open again, and waits to be dispatched.")
			}}
		},
		told: func(name string, do func(*judgement)) effect { return effect{name, do} },
	}
}

func (j *judgement) ticketAct() *roundsv1.TicketCommand { return j.Mutation.GetCommand().GetTicket() }

// editTicket notes that a field of the ticket is written and returns where its value goes. Left unset, the field is cleared.
func (j *judgement) editTicket(field uint32) *roundsv1.Ticket {
	if j.draft.ticket == nil {
		j.draft.ticket = &roundsv1.Ticket{}
	}
	j.draft.set(field)
	return j.draft.ticket
}

// assign gives the ticket to somebody. Whoever had it is remembered, and told.
func (j *judgement) assign(person string) {
	current := j.ticket()
	t := j.editTicket(ticketAssignee)
	t.AssigneeId = person
	j.editTicket(ticketEpoch).AssignEpoch = current.GetAssignEpoch() + 1
	former := current.GetAssigneeId()
	if former != person && slices.Contains(current.GetCrewIds(), former) {
		j.draft.set(ticketCrew)
		j.draft.removed = &roundsv1.Ticket{CrewIds: []string{former}}
	}
	if former != person {
		j.remember(former)
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, toPeople(former), "派给您的工单已转给他人,无需再处理;您已做的工时和照片都会保留。",
			"A ticket of yours was given to somebody else. You need not do it; what you did and photographed is kept.")
	}
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_ASSIGNED, toPeople(person), "有新工单派给您,请接单或说明原因后拒单。",
		"A ticket was given to you. Accept it, or decline it with a reason.")
}

func (j *judgement) unassign() {
	j.remember(j.ticket().GetAssigneeId())
	j.editTicket(ticketAssignee).AssigneeId = ""
}

// remember keeps who had the ticket, the last one last.
func (j *judgement) remember(person string) {
	if person == "" {
		return
	}
	all := slices.DeleteFunc(slices.Clone(j.ticket().GetFormerAssigneeIds()), func(id string) bool { return id == person })
	all = append(all, person)
	j.editTicket(ticketFormer).FormerAssigneeIds = all[max(0, len(all)-maxFormer):]
}

func (j *judgement) nextRound() {
	j.forgetShown()
	j.editTicket(ticketRound).Round = j.ticket().GetRound() + 1
	j.pinNext()
	j.unflag(flagLate, flagMoreAsked, FlagRetake, FlagEvidenceLost)
	if j.ticket().GetAcceptance() != roundsv1.Acceptance_ACCEPTANCE_UNSPECIFIED {
		j.editTicket(ticketAcceptance).Acceptance = roundsv1.Acceptance_ACCEPTANCE_UNSPECIFIED
	}
}

func (j *judgement) accept(a roundsv1.Acceptance) {
	if j.ticket().GetAcceptance() != a {
		j.editTicket(ticketAcceptance).Acceptance = a
	}
}

// raise takes the ticket one level up and tells whoever is there.
func (j *judgement) raise() {
	level := j.ticket().GetEscalationLevel()
	if level >= topLevel {
		return
	}
	level++
	j.editTicket(ticketEscalation).EscalationLevel = level
	if j.foresees {
		return
	}
	if role := j.reference.Policy(j.Scope).LevelRoles[level]; role != roundsv1.Role_ROLE_UNSPECIFIED {
		j.notify(roundsv1.NoticeCode_NOTICE_CODE_ESCALATED, toRole(role), "工单已升级到您这一级,请跟进。", "A ticket was escalated to your level. See to it.")
	}
}

// tellStop is what a former assignee who works on is told, once for each time that the ticket was given away.
func (j *judgement) tellStop() {
	if j.foresees {
		return
	}
	j.verdict.Derived = append(j.verdict.Derived, NoticeOf(Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_STOP, People: []string{string(j.Person)},
		Sentence: &roundsv1.Text{Zh: "工单已改派给他人,请停止处理;如需继续,请联系班长改派回来。您的工时和照片已保留。",
			En: "The ticket was given to somebody else: stop, or ask the foreman to give it back. Your labour and photos are kept."},
		Cause: "epoch " + strconv.FormatUint(uint64(j.ticket().GetAssignEpoch()), 10), TimeUs: j.Time.UnixMicro()}))
}

// tellLateEvidence is the note of row 10, to who approved.
func (j *judgement) tellLateEvidence() {
	if j.foresees {
		return
	}
	j.verdict.Derived = append(j.verdict.Derived, NoticeOf(Telling{About: j.ref(), Code: roundsv1.NoticeCode_NOTICE_CODE_LATE_EVIDENCE,
		People: []string{string(j.Person)}, Sentence: &roundsv1.Text{Zh: "您的确认已生效。您查看之后又有新证据到达,请再看一眼。",
			En: "Your approval counts. More evidence had arrived after you looked: look once more."}, Cause: j.cause(), TimeUs: j.Time.UnixMicro()}))
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

// lapse takes back a forced closure that waits for its second person, when the work goes on.
func (j *judgement) lapse() {
	if j.Kind != kindTicket || j.op == ForceClose || !j.forceAsked() || !j.draft.has(ticketState) && !j.draft.has(ticketCompletions) {
		return
	}
	j.unflag(flagForceAsked)
	if !j.draft.has(ticketApprovers) {
		j.editTicket(ticketApprovers)
	}
}

func (j *judgement) forceAsked() bool { return slices.Contains(j.ticket().GetFlags(), flagForceAsked) }

// forceStands: whether somebody asked for a forced closure who did none of the work. Who worked on the ticket after asking is not one of the two any more, and
// whoever asks next is the first.
func (j *judgement) forceStands() bool {
	hands := workers(j.ticket())
	return j.forceAsked() && !slices.ContainsFunc(j.ticket().GetApproverIds(), func(id string) bool { return slices.Contains(hands, id) })
}

// flag marks the ticket. A ticket that is full of marks stays as it is: the outcome tells all the same.
func (j *judgement) flag(name string) {
	flags := j.flags()
	if len(flags) < maxFlags && !slices.Contains(flags, name) {
		j.editTicket(ticketFlags).Flags = append(flags, name)
	}
}

func (j *judgement) unflag(names ...string) {
	before := j.flags()
	after := slices.DeleteFunc(slices.Clone(before), func(f string) bool { return slices.Contains(names, f) })
	if len(after) != len(before) {
		j.editTicket(ticketFlags).Flags = after
	}
}

// flags are the ticket's marks as drafted so far; the slice may be changed.
func (j *judgement) flags() []string {
	if j.draft.has(ticketFlags) {
		return slices.Clone(j.draft.ticket.GetFlags())
	}
	return slices.Clone(j.ticket().GetFlags())
}
