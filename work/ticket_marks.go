package work

import "slices"

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

// maxFlags is how many marks the schema lets a record have.
const maxFlags = 64

// marks puts a mark on the ticket and on the outcome of the act.
func marks(flag string) effect {
	return effect{`flag "` + flag + `"`, func(j *judgement) { j.flagBoth(flag) }}
}

// flagBoth marks the ticket and the outcome of the act.
func (j *judgement) flagBoth(name string) {
	j.verdict.Flags = append(j.verdict.Flags, name)
	j.flag(name)
}

// flag marks the ticket. A ticket that is full of marks stays as it is: the outcome tells all the same.
func (j *judgement) flag(name string) {
	flags := j.flags()
	if len(flags) < maxFlags && !slices.Contains(flags, name) {
		j.editTicket(ticketFlags).Flags = append(flags, name)
	}
}

// unflag takes marks off the ticket.
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
