package deadline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
)

// ledger is a ticket's moves in the order of their times, with what they say about each round.
type ledger struct {
	ticket *roundsv1.Ticket
	cal    calendar.Calendar
	zone   *time.Location
	hours  calendar.Hours
	moves  []*roundsv1.Move
	stops  []stop
}

// stop is a time in which the clocks stand; toUs 0: it goes on.
type stop struct{ fromUs, toUs int64 }

// step is one step of one round, with when it began and what ended it.
type step struct {
	step    roundsv1.Step
	round   uint32
	startUs int64
	within  time.Duration // that it is given, but for the follow-up visit
	days    int           // that the follow-up visit is given
	dueUs   int64         // when it was due, where that does not follow from what is asked now; 0: it does
	doneUs  int64         // 0: it is not
	exact   bool          // doneUs is known well
	by      string        // who did it; may be empty
	endedUs int64         // not done, when it was no longer asked for; 0: it still is
}

func newLedger(t *roundsv1.Ticket, cal calendar.Calendar) *ledger {
	zone, err := calendar.Zone(t.GetRequirements().GetTimeZone())
	if err != nil {
		zone, _ = calendar.Zone("")
	}
	l := &ledger{ticket: t, cal: cal, zone: zone, moves: slices.Clone(t.GetMoves()),
		hours: calendar.Hours{From: t.GetRequirements().GetWorkFromMinute(), To: t.GetRequirements().GetWorkToMinute()}}
	slices.SortStableFunc(l.moves, order)
	for i, m := range l.moves {
		if m.GetState() != roundsv1.TicketState_TICKET_STATE_PAUSED || !m.GetStopsClock() {
			continue
		}
		one := stop{fromUs: m.GetTimeUs()}
		if i+1 < len(l.moves) {
			one.toUs = l.moves[i+1].GetTimeUs()
		} else if t.GetState() != roundsv1.TicketState_TICKET_STATE_PAUSED {
			continue // a pause that was learnt of after the work had gone on some other way
		}
		if one.toUs != one.fromUs {
			l.stops = append(l.stops, one)
		}
	}
	return l
}

// order is by time; of the same time, any order that does not depend on which arrived first.
func order(a, b *roundsv1.Move) int {
	return cmp.Or(cmp.Compare(a.GetTimeUs(), b.GetTimeUs()), cmp.Compare(a.GetRound(), b.GetRound()), cmp.Compare(a.GetState(), b.GetState()),
		strings.Compare(a.GetPersonId(), b.GetPersonId()), strings.Compare(a.GetReason(), b.GetReason()), compareBool(a.GetStopsClock(), b.GetStopsClock()),
		compareBool(a.GetExact(), b.GetExact()))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// roundOf is the round of a move; those that name none are of the first.
func roundOf(m *roundsv1.Move) uint32 { return max(m.GetRound(), 1) }

// steps are the steps of a round that have begun and are given a time, in their order.
func (l *ledger) steps(round uint32) []step {
	need := l.ticket.GetRequirements()
	startUs, reopened, began := l.begins(round)
	if !began {
		return nil
	}
	endedUs := l.ends(round)
	var all []step
	stands := slices.ContainsFunc(l.ticket.GetDeadlines(), func(d *roundsv1.Deadline) bool { return d.GetRound() == round })
	add := func(s step, within int64) {
		before := Find(l.ticket.GetDeadlines(), s.step, round)
		earlier := round < l.ticket.GetRound()
		switch {
		case before.GetWithinUs() != 0 && (earlier || s.doneUs != 0 && before.GetDoneUs() != 0):
			within = before.GetWithinUs() // the category is another now, but this was asked of the crew then
		case before.GetDueUs() != 0 && earlier && s.step == followUp:
			s.dueUs = before.GetDueUs()
		case before == nil && stands && (s.startUs == startUs && (earlier || s.doneUs != 0) || s.step == followUp && earlier):
			return // it was over before anybody asked for it
		}
		if within <= 0 && s.days <= 0 && s.dueUs == 0 {
			return
		}
		if s.round, s.within = round, time.Duration(within)*time.Microsecond; s.doneUs == 0 {
			s.endedUs = endedUs
		}
		all = append(all, s)
	}
	done := func(of roundsv1.Step, is func(*roundsv1.Move) bool) step {
		s := step{step: of, startUs: startUs}
		for _, m := range l.moves {
			if roundOf(m) == round && is(m) {
				s.doneUs, s.exact, s.by = m.GetTimeUs(), m.GetExact(), m.GetPersonId()
				break
			}
		}
		return s
	}
	if round == 1 || reopened {
		add(done(respond, func(m *roundsv1.Move) bool { return l.answers(m, startUs, reopened) }), need.GetRespondUs())
		add(done(arrive, begins), need.GetArriveUs())
	}
	add(done(finish, finishes), need.GetFinishUs())
	if s, reviewed := l.review(round); reviewed {
		add(s, need.GetReviewUs())
	}
	if s, closed := l.followUp(round, int(need.GetFollowUpDays())); closed {
		add(s, 0)
	}
	return all
}

// begins is when a round began, and whether that was a reopening. False: the moves do not say yet.
func (l *ledger) begins(round uint32) (us int64, reopened, ok bool) {
	if round == 1 {
		return l.ticket.GetReportedTimeUs(), false, true
	}
	for _, m := range l.moves {
		if roundOf(m) != round {
			continue
		}
		if !ok { // a phone with a wrong clock may have worked before that
			us, reopened, ok = m.GetTimeUs(), false, true
		}
		switch m.GetState() {
		case roundsv1.TicketState_TICKET_STATE_REWORK:
			return m.GetTimeUs(), false, true
		case roundsv1.TicketState_TICKET_STATE_TRIAGED:
			return m.GetTimeUs(), true, true
		}
	}
	return us, reopened, ok
}

// ends is when a round was no longer asked for: when the next one began, or the ticket was cancelled or merged. 0: it still is.
func (l *ledger) ends(round uint32) int64 {
	t := l.ticket
	if round < t.GetRound() {
		us, _, _ := l.begins(round + 1)
		return us
	}
	switch t.GetState() {
	case roundsv1.TicketState_TICKET_STATE_CANCELLED, roundsv1.TicketState_TICKET_STATE_MERGED:
		for _, m := range slices.Backward(l.moves) {
			if m.GetState() == t.GetState() {
				return m.GetTimeUs()
			}
		}
		return max(t.GetReportedTimeUs(), 1)
	}
	return 0
}

// answers: whether a move is a person's answer to the report.
func (l *ledger) answers(m *roundsv1.Move, startUs int64, reopened bool) bool {
	switch {
	case m.GetPersonId() == "", m.GetState() == roundsv1.TicketState_TICKET_STATE_NEW, reopened && m.GetTimeUs() == startUs:
		return false
	case m.GetState() == roundsv1.TicketState_TICKET_STATE_CANCELLED:
		return m.GetPersonId() != l.ticket.GetReporterId()
	}
	return true
}

// begins: whether a move says that somebody is there.
func begins(m *roundsv1.Move) bool {
	switch m.GetState() {
	case roundsv1.TicketState_TICKET_STATE_IN_PROGRESS, roundsv1.TicketState_TICKET_STATE_PAUSED:
		return true
	}
	return finishes(m)
}

// finishes: whether a move says that the work is done.
func finishes(m *roundsv1.Move) bool {
	switch m.GetState() {
	case roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE, roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW, roundsv1.TicketState_TICKET_STATE_CLOSED:
		return true
	}
	return false
}

// review is the last review of a round. False: there was none.
func (l *ledger) review(round uint32) (s step, begun bool) {
	for _, m := range l.moves {
		switch state := m.GetState(); {
		case roundOf(m) == round+1 && begun && s.doneUs == 0: // sent back, or reopened
			s.doneUs, s.exact, s.by = m.GetTimeUs(), m.GetExact(), m.GetPersonId()
		case roundOf(m) != round:
		case state == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW && (!begun || s.doneUs != 0):
			s, begun = step{step: review, startUs: m.GetTimeUs()}, true
		case state == roundsv1.TicketState_TICKET_STATE_CLOSED && begun && s.doneUs == 0:
			s.doneUs, s.exact, s.by = m.GetTimeUs(), m.GetExact(), m.GetPersonId()
		case state == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE && begun && s.doneUs == 0:
			s, begun = step{}, false // more work was reported, and waits for its evidence
		}
	}
	if begun && s.doneUs == 0 {
		for _, r := range l.ticket.GetReviews() {
			if max(r.GetRound(), 1) == round && r.GetVerdict() == roundsv1.Verdict_VERDICT_ASKED {
				s.startUs = max(s.startUs, r.GetTimeUs())
			}
		}
	}
	return s, begun
}

// followUp is the visit after a round that is closed. False: it is not.
func (l *ledger) followUp(round uint32, days int) (step, bool) {
	t := l.ticket
	s := step{step: followUp, days: days}
	for _, m := range l.moves {
		if roundOf(m) != round {
			continue
		}
		switch {
		case m.GetState() != roundsv1.TicketState_TICKET_STATE_CLOSED:
			s.startUs, s.doneUs = 0, 0 // closed before, and taken back
		case s.startUs == 0:
			s.startUs = m.GetTimeUs()
		case s.doneUs == 0 && (m.GetReason() == Visited || m.GetReason() == Accepted):
			s.doneUs, s.exact, s.by = m.GetTimeUs(), m.GetExact(), m.GetPersonId()
		}
	}
	if s.doneUs == 0 && round == max(t.GetRound(), 1) && t.GetAcceptance() != roundsv1.Acceptance_ACCEPTANCE_UNSPECIFIED {
		s.doneUs, s.exact = s.startUs, true // the customer spoke, and no move says when
		if before := Find(t.GetDeadlines(), followUp, round); before.GetState() == breached {
			s.doneUs = max(s.doneUs, before.GetBreachedUs(), before.GetDueUs()) + 1 // not before it was missed
		}
	}
	return s, s.startUs != 0
}
