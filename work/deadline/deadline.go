// Package deadline computes when a ticket's steps are due and what became of them, from its moves and requirements alone. It is pure: no clock, no files.
//
// What starts and ends a step:
//
//   - RESPOND, from the report until a person answers: triages, dispatches, accepts, begins, or ends the ticket otherwise. What the server does by rules is no
//     answer, nor is that the reporter takes the report back. In a round that began with a reopening, from that; in rework there is none.
//   - ARRIVE, from the report or the reopening until somebody begins. In rework there is none.
//   - FINISH, from the report, the reopening or the rejection until the round's completion.
//   - REVIEW, from the verified evidence, or the last request for more of it, until the decision. A second review of the same round begins it again.
//   - FOLLOW_UP, from the closure for so many working days until the follow-up visit or the customer's acceptance, which are moves from CLOSED to CLOSED
//     with a reason: Visited or Accepted.
//
// Pauses that stop the clocks put off ARRIVE and FINISH. Where the requirements name hours, all but FOLLOW_UP run in working time.
package deadline

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
)

// Short names.
const (
	respond  = roundsv1.Step_STEP_RESPOND
	arrive   = roundsv1.Step_STEP_ARRIVE
	finish   = roundsv1.Step_STEP_FINISH
	review   = roundsv1.Step_STEP_REVIEW
	followUp = roundsv1.Step_STEP_FOLLOW_UP

	open     = roundsv1.DeadlineState_DEADLINE_STATE_OPEN
	stopped  = roundsv1.DeadlineState_DEADLINE_STATE_STOPPED
	met      = roundsv1.DeadlineState_DEADLINE_STATE_MET
	breached = roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
	metLate  = roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC
	disputed = roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED
	void     = roundsv1.DeadlineState_DEADLINE_STATE_VOID
)

// Reasons of a Move to CLOSED of a ticket that is closed already: the customer was asked. They end FOLLOW_UP.
const (
	// Visited: the follow-up visit was made.
	Visited = "follow_up"
	// Accepted: the customer said of their own accord that it is settled.
	Accepted = "customer_accept"
)

// maxDeadlines is how many the schema lets a ticket have: of more, those of the earliest rounds are left out.
const maxDeadlines = 256

// Compute returns the deadlines of a ticket, by round and step: of steps that the requirements give a time, once they have begun. It depends on the ticket's
// moves, whatever their order, and on its round, state, reviews, acceptance, assignee and requirements. Of the deadlines that stand in the ticket it keeps what
// cannot be computed: which breaches were noticed, what disputes were decided to, how long the steps of earlier rounds and those that are over were given, and who had
// to see to them. A step that was over before anybody asked for it is none.
// The ticket is not changed, and what is returned is the caller's. cal is the calendar that the requirements name; a time zone that is not known is Asia/Shanghai.
//
// A step that is done in time is MET. Where its breach had been noticed it is MET_LATE_SYNC, the escalation a false alarm. Both a breach that was noticed and a time that is
// too late count against a person, so where the time of what ended the step is not exact either is DISPUTED until Decide. A noticed breach whose deadline has moved past the moment of noticing is open again. It was a false alarm where the moves say
// so; where the requirements give the step another time than it had, it was none, and the step is MET when it is done by that time.
func Compute(t *roundsv1.Ticket, cal calendar.Calendar) []*roundsv1.Deadline {
	if t.GetRequirements() == nil || t.GetReportedTimeUs() == 0 {
		return clone(t.GetDeadlines())
	}
	l := newLedger(t, cal)
	var all []*roundsv1.Deadline
	for round := uint32(1); round <= max(t.GetRound(), 1); round++ {
		for _, s := range l.steps(round) {
			all = append(all, l.judge(s))
		}
	}
	for _, d := range t.GetDeadlines() {
		if d.GetBreachedUs() == 0 || Find(all, d.GetStep(), d.GetRound()) != nil {
			continue
		}
		d = proto.CloneOf(d) // somebody was told of it
		if d.EscalateUs = 0; Waits(d) || d.GetState() == stopped {
			d.State = void
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b *roundsv1.Deadline) int {
		return cmp.Or(cmp.Compare(a.GetRound(), b.GetRound()), cmp.Compare(a.GetStep(), b.GetStep()))
	})
	return all[max(0, len(all)-maxDeadlines):]
}

// Next returns when the schedule has to look at a ticket, microseconds since 1970: when the earliest of its deadlines that run is due, or when one was
// that was missed and nobody was told of; or when one that was missed is to raise a level. False where there is none.
func Next(ds []*roundsv1.Deadline) (us int64, ok bool) {
	for _, d := range ds {
		if Waits(d) && (!ok || d.GetDueUs() < us) {
			us, ok = d.GetDueUs(), true
		}
		if d.GetEscalateUs() != 0 && (!ok || d.GetEscalateUs() < us) {
			us, ok = d.GetEscalateUs(), true
		}
	}
	return us, ok
}

// Waits: whether a deadline is still to be noticed when it passes: it runs, or it was missed and nobody was told.
func Waits(d *roundsv1.Deadline) bool {
	return d.GetDueUs() != 0 && (d.GetState() == open || d.GetState() == breached && d.GetBreachedUs() == 0)
}

// Notice marks as breached, at a moment, what Waits and is due by then, and returns the deadlines as they are afterwards and those that it marked. Of steps that are not
// done it is left to Raise whether they take the ticket a level up; Compute before that leaves out those that nobody asks for any more. It changes nothing that it is given.
func Notice(ds []*roundsv1.Deadline, nowUs int64) (all, noticed []*roundsv1.Deadline) {
	all = clone(ds)
	for _, d := range all {
		if Waits(d) && d.GetDueUs() <= nowUs {
			d.State, d.BreachedUs, d.OfflineFalseAlarm, d.EscalatedUs = breached, nowUs, false, 0
			if d.GetDoneUs() == 0 {
				d.EscalateUs = nowUs
			}
			noticed = append(noticed, d)
		}
	}
	return all, noticed
}

// Decide settles a disputed deadline: it counts as met or as missed. False where there is no such dispute; then ds come back as they are.
func Decide(ds []*roundsv1.Deadline, step roundsv1.Step, round uint32, inTime bool) ([]*roundsv1.Deadline, bool) {
	i := slices.IndexFunc(ds, func(d *roundsv1.Deadline) bool {
		return d.GetStep() == step && d.GetRound() == round && d.GetState() == disputed
	})
	if i < 0 {
		return ds, false
	}
	all := clone(ds)
	switch {
	case !inTime:
		all[i].State = breached
	case all[i].GetBreachedUs() == 0: // nobody was told that it was late
		all[i].State = met
	default:
		all[i].State, all[i].OfflineFalseAlarm = metLate, true
	}
	return all, true
}

// Anew are the deadlines of after of which a breach had been noticed and which do not count as missed any more because the step was given another time, as of a moment;
// with all deadlines of after, where such a one that was missed by its new time, too, stays missed, since that time. It changes nothing that it is given.
func Anew(before, after []*roundsv1.Deadline, nowUs int64) (all, anew []*roundsv1.Deadline) {
	all = clone(after)
	for _, d := range all {
		was := Find(before, d.GetStep(), d.GetRound())
		if was.GetState() != breached || was.GetBreachedUs() == 0 || d.GetOfflineFalseAlarm() || was.GetWithinUs() == d.GetWithinUs() {
			continue
		}
		switch {
		case d.GetState() == open && d.GetDueUs() <= nowUs:
			d.State, d.BreachedUs, d.EscalateUs = breached, d.GetDueUs(), was.GetEscalateUs()
		case d.GetState() == open, d.GetState() == stopped, d.GetState() == met:
			anew = append(anew, d)
		}
	}
	return all, anew
}

// Corrected are the deadlines of after that were taken for missed before and turn out, by what came late, to have been met, or not to have been due yet.
func Corrected(before, after []*roundsv1.Deadline) []*roundsv1.Deadline {
	return newly(before, after, func(d *roundsv1.Deadline) bool { return d.GetOfflineFalseAlarm() })
}

// Disputed are the deadlines of after of which a person has to say now whether they were met.
func Disputed(before, after []*roundsv1.Deadline) []*roundsv1.Deadline {
	return newly(before, after, func(d *roundsv1.Deadline) bool { return d.GetState() == disputed })
}

func newly(before, after []*roundsv1.Deadline, is func(*roundsv1.Deadline) bool) []*roundsv1.Deadline {
	var list []*roundsv1.Deadline
	for _, d := range after {
		if is(d) && !is(Find(before, d.GetStep(), d.GetRound())) {
			list = append(list, d)
		}
	}
	return list
}

// Find returns the deadline of a step in a round; nil where there is none.
func Find(ds []*roundsv1.Deadline, step roundsv1.Step, round uint32) *roundsv1.Deadline {
	for _, d := range ds {
		if d.GetStep() == step && d.GetRound() == round {
			return d
		}
	}
	return nil
}

func clone(ds []*roundsv1.Deadline) []*roundsv1.Deadline {
	all := make([]*roundsv1.Deadline, len(ds))
	for i, d := range ds {
		all[i] = proto.CloneOf(d)
	}
	return all
}

// judge says what became of a step.
func (l *ledger) judge(s step) *roundsv1.Deadline {
	before := Find(l.ticket.GetDeadlines(), s.step, s.round)
	d := &roundsv1.Deadline{Step: s.step, Round: s.round, DoneUs: s.doneUs, OwnerId: l.owner(s, before), WithinUs: s.within.Microseconds(),
		BreachedUs: before.GetBreachedUs(), OfflineFalseAlarm: before.GetOfflineFalseAlarm(), EscalatedUs: before.GetEscalatedUs()}
	noticed := d.BreachedUs != 0 && d.BreachedUs >= s.startUs // else it was another review, which is over
	anew := noticed && l.anew(s, before)
	var running bool
	d.DueUs, running = l.due(s)
	switch {
	case s.doneUs != 0:
		d.State = ended(d, s.exact, noticed && !anew, before)
	case s.endedUs != 0:
		// Whatever it was that ended the ticket: what had been missed before that stays missed.
		if d.State = void; d.DueUs <= s.endedUs || noticed && d.DueUs <= d.BreachedUs {
			d.State = breached
		}
	case noticed && d.DueUs <= d.BreachedUs:
		d.State = breached
	case running:
		d.State = open
	default:
		d.State = stopped
	}
	if noticed && d.State == breached && s.doneUs == 0 && s.endedUs == 0 {
		d.EscalateUs = before.GetEscalateUs()
	}
	switch {
	case d.State == metLate:
		d.OfflineFalseAlarm = true
	case noticed && !anew && (d.State == open || d.State == stopped || d.State == void):
		d.OfflineFalseAlarm = true // it was not due yet when it was taken for missed
	case d.State == breached || d.State == disputed:
		d.OfflineFalseAlarm = false
	}
	return d
}

// anew: whether a noticed breach was of a time that the step is not given any more, so that what becomes of it says nothing about that breach.
func (l *ledger) anew(s step, before *roundsv1.Deadline) bool {
	switch before.GetState() {
	case open, stopped, met, void:
		return !before.GetOfflineFalseAlarm()
	}
	if before.GetWithinUs() == 0 || before.GetWithinUs() == s.within.Microseconds() {
		return false
	}
	missedUs := before.GetBreachedUs()
	if s.doneUs != 0 {
		missedUs = s.doneUs
	}
	s.within = time.Duration(before.GetWithinUs()) * time.Microsecond
	dueUs, _ := l.due(s)
	return dueUs < missedUs // by the time that it had it is missed still, whatever came late
}

// ended is the state of a step that is done.
func ended(d *roundsv1.Deadline, exact, noticed bool, before *roundsv1.Deadline) roundsv1.DeadlineState {
	inTime := d.GetDueUs() == 0 || d.GetDoneUs() <= d.GetDueUs()
	switch {
	case !exact && (noticed || !inTime):
		return said(d, inTime, before)
	case !inTime:
		return breached
	case !noticed:
		return met
	}
	return metLate
}

// said is the state of a step whose time nobody knows well: what a person decided of the same times, else DISPUTED.
func said(d *roundsv1.Deadline, inTime bool, before *roundsv1.Deadline) roundsv1.DeadlineState {
	wasInTime := before.GetDueUs() == 0 || before.GetDoneUs() <= before.GetDueUs()
	switch before.GetState() {
	case met, metLate, breached:
		if before.GetDoneUs() == d.GetDoneUs() && wasInTime == inTime {
			return before.GetState()
		}
	}
	return disputed
}

// owner is who has to see to a step, or had: who did it, else who has the ticket; of the follow-up visit who closed it, which is nobody by name where its tasks did. Of earlier rounds, who it was when they ended.
func (l *ledger) owner(s step, before *roundsv1.Deadline) string {
	t := l.ticket
	switch {
	case s.doneUs != 0 && s.by != "":
		return s.by
	case s.round < t.GetRound() && before != nil:
		return before.GetOwnerId()
	case s.step == review:
		if reviews := t.GetReviews(); len(reviews) > 0 {
			return slices.MaxFunc(reviews, func(a, b *roundsv1.Review) int { return cmp.Compare(a.GetTimeUs(), b.GetTimeUs()) }).GetPersonId()
		}
		return ""
	case s.step == followUp: // whoever confirmed the work knows what was promised
		i := slices.IndexFunc(t.GetMoves(), func(m *roundsv1.Move) bool {
			return m.GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED && m.GetTimeUs() == s.startUs
		})
		if i < 0 {
			return ""
		}
		return t.GetMoves()[i].GetPersonId()
	}
	return t.GetAssigneeId()
}

// due is when a step is due, microseconds since 1970, and whether its clock runs now.
func (l *ledger) due(s step) (us int64, running bool) {
	start := time.UnixMicro(s.startUs)
	if s.dueUs != 0 {
		return s.dueUs, true
	}
	if s.step == followUp {
		return l.cal.AddWorkingDays(start, s.days, l.zone).UnixMicro(), true
	}
	at, left := start, s.within
	if s.step == arrive || s.step == finish {
		for _, stop := range l.stops {
			from, to := time.UnixMicro(max(stop.fromUs, s.startUs)), time.UnixMicro(stop.toUs)
			if stop.toUs != 0 && !to.After(at) {
				continue
			}
			if from.Before(at) {
				from = at
			}
			passed := l.cal.Between(at, from, l.hours, l.zone)
			if passed >= left {
				break // it was due before the pause
			}
			if left -= passed; stop.toUs == 0 {
				return l.cal.Add(from, left, l.hours, l.zone).UnixMicro(), false
			}
			at = to
		}
	}
	return l.cal.Add(at, left, l.hours, l.zone).UnixMicro(), true
}
