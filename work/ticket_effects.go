package work

import (
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Numbers of Ticket's fields that the rules write or look at.
const (
	ticketCategory     = 3
	ticketCrew         = 13
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
)

// Marks on a ticket that the rules look at again.
const (
	flagLate             = "late"
	flagForceAsked       = "force_close_asked"
	flagForced           = "forced"
	flagCustomerAccepted = "customer_accepted"
	flagCustomerDisputed = "customer_disputed"
)

// Bounds of the schema.
const (
	maxFlags       = 64
	maxCompletions = 256
	maxPhotos      = 64
	topLevel       = 3
)

type ticketEffectSet struct {
	firstRound, reportTime, markLate, categorise, assign, unassign, takeOver, joinCrew, pauseReason, clearPause, complete, approver,
	clearApprovers, nextRound, stateReason, rejectReason, mergeInto, escalate, raise, reopen, askForce, forced effect
	mark, tell func(flag string) effect
}

func ticketEffects() ticketEffectSet {
	return ticketEffectSet{
		firstRound: effect{"round = 1", func(j *judgement) { j.editTicket(ticketRound).Round = 1 }},
		reportTime: effect{"reported_time = effective time", func(j *judgement) {
			j.editTicket(ticketReportedTime).ReportedTimeUs = j.Time.UnixMicro()
		}},
		markLate: effect{`flag "late"`, func(j *judgement) {
			j.verdict.Flags = append(j.verdict.Flags, flagLate)
			j.flag(flagLate)
		}},
		categorise: effect{"category", func(j *judgement) {
			j.editTicket(ticketCategory).CategoryId = j.ticketAct().GetTriage().GetCategoryId()
		}},
		assign: effect{"assignee, assign_epoch + 1, former assignee leaves the crew", func(j *judgement) {
			j.assign(j.ticketAct().GetDispatch().GetAssigneeId())
		}},
		unassign: effect{"no assignee", func(j *judgement) { j.editTicket(ticketAssignee) }},
		takeOver: effect{"assignee = the person, assign_epoch + 1 where it was another", func(j *judgement) {
			if j.ticket().GetAssigneeId() != string(j.Person) {
				j.assign(string(j.Person))
			}
		}},
		joinCrew: effect{"crew + the person", func(j *judgement) {
			if !slices.Contains(j.ticket().GetCrewIds(), string(j.Person)) {
				j.editTicket(ticketCrew).CrewIds = []string{string(j.Person)}
			}
		}},
		pauseReason: effect{"pause_reason", func(j *judgement) { j.editTicket(ticketPauseReason).PauseReason = j.args.reason }},
		clearPause: effect{"no pause_reason", func(j *judgement) {
			if j.ticket().GetPauseReason() != "" {
				j.editTicket(ticketPauseReason)
			}
		}},
		complete: effect{"completions + this one", func(j *judgement) {
			if all, changed := j.completions(); changed {
				j.editTicket(ticketCompletions).Completions = all
			}
		}},
		approver: effect{"approvers + the person", func(j *judgement) {
			var others []string
			if j.op == ForceClose && j.forceAsked() {
				others = slices.Clone(j.ticket().GetApproverIds())
			}
			j.editTicket(ticketApprovers).ApproverIds = append(others, string(j.Person))
		}},
		clearApprovers: effect{"no approvers", func(j *judgement) { j.editTicket(ticketApprovers).ApproverIds = nil }},
		nextRound:      effect{"round + 1", func(j *judgement) { j.editTicket(ticketRound).Round = j.ticket().GetRound() + 1 }},
		stateReason:    effect{"state_reason", func(j *judgement) { j.editTicket(ticketStateReason).StateReason = j.args.reason }},
		rejectReason: effect{"state_reason", func(j *judgement) {
			reason := j.args.reason
			if words := j.ticketAct().GetReject().GetWords(); words != "" {
				reason += ": " + words
			}
			j.editTicket(ticketStateReason).StateReason = reason
		}},
		mergeInto: effect{"merged_into", func(j *judgement) {
			j.editTicket(ticketMergedInto).MergedIntoId = j.ticketAct().GetMerge().GetIntoId()
		}},
		escalate: effect{"escalation_level + 1", (*judgement).raise},
		raise:    effect{"escalation_level + 1, 3 at most", (*judgement).raise},
		reopen: effect{`flags: "customer_disputed" for "customer_accepted" and "forced"`, func(j *judgement) {
			j.unflag(flagCustomerAccepted, flagForced)
			j.flag(flagCustomerDisputed)
		}},
		askForce: effect{`flag "force_close_asked"`, func(j *judgement) { j.flag(flagForceAsked) }},
		forced: effect{`flag "forced"`, func(j *judgement) {
			j.unflag(flagForceAsked)
			j.flag(flagForced)
			j.verdict.Flags = append(j.verdict.Flags, flagForced)
		}},
		mark: func(flag string) effect {
			return effect{`flag "` + flag + `"`, func(j *judgement) {
				j.verdict.Flags = append(j.verdict.Flags, flag)
				j.flag(flag)
			}}
		},
		tell: func(flag string) effect {
			return effect{`outcome flag "` + flag + `"`, func(j *judgement) { j.verdict.Flags = append(j.verdict.Flags, flag) }}
		},
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

func (j *judgement) assign(person string) {
	current := j.ticket()
	t := j.editTicket(ticketAssignee)
	t.AssigneeId = person
	j.editTicket(ticketEpoch).AssignEpoch = current.GetAssignEpoch() + 1
	if former := current.GetAssigneeId(); former != person && slices.Contains(current.GetCrewIds(), former) {
		j.draft.set(ticketCrew)
		j.draft.removed = &roundsv1.Ticket{CrewIds: []string{former}}
	}
}

func (j *judgement) raise() {
	if level := j.ticket().GetEscalationLevel(); level < topLevel {
		j.editTicket(ticketEscalation).EscalationLevel = level + 1
	}
}

// completions returns those of the ticket with the one that is submitted: a person has one in a round, and its manifest only grows.
func (j *judgement) completions() (all []*roundsv1.Completion, changed bool) {
	all = slices.Clone(j.ticket().GetCompletions())
	photos := j.ticketAct().GetSubmitCompletion().GetPhotoIds()
	for i, c := range all {
		if c.GetRound() != j.args.round || c.GetPersonId() != string(j.Person) {
			continue
		}
		grown := proto.CloneOf(c)
		for _, id := range photos {
			if !slices.Contains(grown.PhotoIds, id) {
				grown.PhotoIds = append(grown.PhotoIds, id)
			}
		}
		all[i] = grown
		return all, len(grown.PhotoIds) != len(c.GetPhotoIds())
	}
	return append(all, &roundsv1.Completion{Round: j.args.round, PersonId: string(j.Person), PhotoIds: photos, TimeUs: j.Time.UnixMicro()}), true
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
