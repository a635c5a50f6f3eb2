package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// who wants the person of an act to hold one of the roles that the table names. Of what a person has let in rights are not asked again.
func (m *trade) who(t *work, e *entry, what string, roles ...roundsv1.Role) {
	if m.letIn(e) == nil && !slices.ContainsFunc(e.GetRoles(), func(r roundsv1.Role) bool { return slices.Contains(roles, r) }) {
		m.find(t, e, "%s, as %v, %s", e.GetPersonId(), e.GetRoles(), what)
	}
}

// chief: whether the person of an act is a supervisor, or a manager.
func chief(e *entry) bool {
	return slices.Contains(e.GetRoles(), supervisor) || slices.Contains(e.GetRoles(), manager)
}

// leads: whether the person gives out work.
func leads(e *entry) bool {
	return chief(e) || slices.Contains(e.GetRoles(), foreman) || slices.Contains(e.GetRoles(), dispatcher)
}

// letIn is the command by which a person let in what had been kept back; nil for everything else.
func (m *trade) letIn(e *entry) *entry {
	if e.GetType() != roundsv1.EntryType_ENTRY_TYPE_ADMITTED {
		return nil
	}
	for _, by := range slices.Backward(m.h.acts[ref{"conflict", m.h.at(e.GetCause()).GetOutcome().GetConflictId()}]) {
		command := by.mutation.GetCommand().GetConflict()
		if by.GetSeq() < e.GetSeq() && by.stands() && (command.GetAdmit() != nil || command.GetDecide() != nil) {
			return by
		}
	}
	return nil
}

// partOf: whether a person has the ticket, had it, is of its crew, or did some of the work.
func (t *work) partOf(person string) bool {
	return t.assignee == person || t.crew[person] || slices.Contains(t.former, person) || t.worked(person)
}

// works: whether a person has the ticket or is of its crew.
func (t *work) works(person string) bool { return t.assignee == person || t.crew[person] }

// command is the document's table: what a command that was taken does to a ticket.
func (m *trade) command(t *work, e *entry, command *roundsv1.TicketCommand) {
	person := e.GetPersonId()
	t.moves = append(t.moves, e)
	in := func(states ...roundsv1.TicketState) bool { return slices.Contains(states, t.state) }
	need := func(ok bool, format string, args ...any) {
		if !ok {
			m.find(t, e, format, args...)
		}
	}
	from := func(states ...roundsv1.TicketState) {
		need(in(states...), "%T was taken in %v", command.GetCommand(), t.state)
	}
	move := func(to roundsv1.TicketState, states ...roundsv1.TicketState) {
		from(states...)
		t.enter(e, to)
	}
	again := func() { // the closure does not hold: the next round
		move(atTriaged, atClosed)
		t.next(e)
		if t.assignee != "" {
			t.former = append(t.former, t.assignee)
		}
		t.assignee = ""
	}
	raise := func() { t.level = min(t.level+1, 3) }
	thisRound := func(round uint32) {
		need(round == t.round, "%T of round %d was taken in round %d", command.GetCommand(), round, t.round)
	}
	reason := func(words string) { need(words != "", "%T was taken without a reason", command.GetCommand()) }

	switch act := command.GetCommand().(type) {
	case *roundsv1.TicketCommand_Triage:
		m.who(t, e, "triages", dispatcher, butler, manager)
		need(act.Triage.GetCategoryId() != "", "triage sets no category")
		move(atTriaged, atNew)
		t.categorise(e, act.Triage.GetCategoryId(), true)
	case *roundsv1.TicketCommand_Split: // into tasks that may be dispatched at once
		m.who(t, e, "splits it", foreman, dispatcher, manager)
		from(atNew, atTriaged, atDispatched, atAccepted, atWork, atPause, atRework)
		m.splits(t, e, act.Split)
		if in(atNew) {
			t.enter(e, atTriaged)
		}
	case *roundsv1.TicketCommand_Dispatch:
		m.who(t, e, "dispatches", foreman, dispatcher, manager)
		need(t.given == nil || e.knows(t.given), "a dispatch was taken that did not know of the one before (19)")
		need(act.Dispatch.GetAssigneeId() != "", "a dispatch names nobody")
		move(atDispatched, atTriaged, atDispatched, atAccepted, atPause, atRework)
		t.give(e, act.Dispatch.GetAssigneeId())
	case *roundsv1.TicketCommand_Accept:
		need(act.Accept.GetAssignEpoch() == t.epoch, "dispatch %d was accepted, and %d is the last", act.Accept.GetAssignEpoch(), t.epoch)
		if in(atTriaged) { // 20: declined on one phone, accepted on another
			need(t.declined != nil && t.declined == t.moved && t.declined.GetPersonId() == person && !e.saw(t.moved), "it was accepted, and not declined on another phone by the same person")
			t.enter(e, atDispatched)
			t.give(e, person)
			return
		}
		need(m.letIn(e) != nil || person == t.assignee, "%s accepts what %q has", person, t.assignee)
		move(atAccepted, atDispatched)
	case *roundsv1.TicketCommand_Decline:
		need(act.Decline.GetAssignEpoch() == t.epoch, "dispatch %d was declined, and %d is the last", act.Decline.GetAssignEpoch(), t.epoch)
		need(m.letIn(e) != nil || person == t.assignee, "%s declines what %q has", person, t.assignee)
		reason(act.Decline.GetReason())
		move(atTriaged, atDispatched)
		t.former = append(t.former, t.assignee)
		t.assignee, t.declined = "", e
	case *roundsv1.TicketCommand_Start:
		if t.earlier(e) && in(atWork, atPause, atRework, atDone, atReview, atClosed) { // 17: as with pauses
			need(t.works(person) || !in(atWork, atPause, atRework) && t.partOf(person), "a start of %s, who has no part in it", person)
			if slices.Contains([]roundsv1.TicketState{atDispatched, atAccepted, atPause, atRework}, t.stood(e)) {
				t.note(e, atWork)
			}
			if in(atWork, atPause, atRework) {
				t.crew[person] = true
			}
			t.did(e, person)
			return
		}
		need(m.letIn(e) != nil || t.works(person), "%s begins what %q has", person, t.assignee)
		m.begins(t, e)
		from(atDispatched, atAccepted, atPause, atRework, atWork)
		if !in(atWork) { // 18
			t.enter(e, atWork)
		}
		t.crew[person] = true
		t.did(e, person)
	case *roundsv1.TicketCommand_Pause:
		reason(act.Pause.GetReason())
		if t.earlier(e) && t.stood(e) == atWork { // 17: an interval that was learnt of later
			need(t.partOf(person), "a pause of %s, who has no part in it", person)
			t.note(e, atPause)
			m.pauses(t, e, act.Pause)
			return
		}
		need(m.letIn(e) != nil || person == t.assignee, "%s pauses what %q has", person, t.assignee)
		move(atPause, atWork)
		m.pauses(t, e, act.Pause)
	case *roundsv1.TicketCommand_Resume:
		if t.earlier(e) && t.stood(e) == atPause {
			need(t.partOf(person), "%s, who has no part in it, resumes", person)
			t.note(e, atWork)
			return
		}
		need(m.letIn(e) != nil || person == t.assignee, "%s resumes what %q has", person, t.assignee)
		move(atWork, atPause)
	case *roundsv1.TicketCommand_SubmitCompletion:
		m.submit(t, e, act.SubmitCompletion)
	case *roundsv1.TicketCommand_Approve:
		m.approve(t, e, act.Approve)
	case *roundsv1.TicketCommand_Reject:
		reason(act.Reject.GetReason())
		m.reject(t, e, act.Reject)
	case *roundsv1.TicketCommand_Ask:
		m.who(t, e, "asks for more", butler, supervisor, manager)
		thisRound(act.Ask.GetRound())
		from(atReview)
		m.objects(t, e)
	case *roundsv1.TicketCommand_Cancel:
		reason(act.Cancel.GetReason())
		switch {
		case chief(e) && in(atDone, atReview):
			need(e.knows(t.moved), "it was cancelled by somebody who did not know that it is done (35)")
		case !chief(e):
			need(in(atNew, atTriaged, atDispatched), "it was cancelled in %v, and not by a supervisor", t.state)
			need(!t.found && len(t.hands) == 0, "it was cancelled with work on record, and not by a supervisor")
			need(t.parent == "" || slices.Contains([]roundsv1.TicketState{atNew, atTriaged, atDispatched}, m.at(t.parent)), "it was cancelled, and not by a supervisor, and the ticket that it is a task of is %v", m.at(t.parent))
			need(slices.Contains(t.reporter, person) || t.unclear, "it was cancelled by %s, who neither reported it nor is a supervisor", person)
		}
		move(atCancelled, atNew, atTriaged, atDispatched, atAccepted, atWork, atPause, atRework, atDone, atReview)
	case *roundsv1.TicketCommand_Merge:
		m.who(t, e, "merges", dispatcher, manager)
		m.merge(t, e, act.Merge.GetIntoId())
	case *roundsv1.TicketCommand_Escalate:
		m.who(t, e, "escalates", butler, dispatcher, supervisor, manager)
		need(open(t.state) && t.level < 3, "it was escalated in %v, at level %d", t.state, t.level)
		raise()
	case *roundsv1.TicketCommand_CustomerAccept:
		m.who(t, e, "accepts the work as the customer", resident)
		thisRound(act.CustomerAccept.GetRound())
		from(atClosed, atMerged) // of one that was merged it is said of the one that it goes on in
	case *roundsv1.TicketCommand_Dispute:
		m.who(t, e, "disputes the work", resident, butler, dispatcher, manager)
		thisRound(act.Dispute.GetRound())
		if in(atMerged) { // so is this
			return
		}
		if in(atDone, atReview) { // 11: before the decision it is news for the reviewer
			if t.disputed == nil {
				t.disputed = e
			}
			return
		}
		again()
		raise()
	case *roundsv1.TicketCommand_Reopen:
		m.who(t, e, "opens it again", supervisor, manager)
		thisRound(act.Reopen.GetRound())
		reason(act.Reopen.GetReason())
		again()
	case *roundsv1.TicketCommand_FollowUp:
		m.who(t, e, "tells of a follow-up visit", butler, dispatcher, supervisor, manager)
		thisRound(act.FollowUp.GetRound())
		if from(atClosed); !act.FollowUp.GetSolved() {
			again()
			raise()
		}
	case *roundsv1.TicketCommand_ForceClose:
		m.force(t, e, act.ForceClose)
	}
}

// knows: as saw, and what its own device wrote it knows in any case.
func (e *entry) knows(other *entry) bool {
	return e.saw(other) || !other.rules && other.GetDeviceId() == e.GetDeviceId()
}

// begins wants a photo from before the work, where the category asks for one. Of what a person has let in that is not asked; the evidence waits for it.
func (m *trade) begins(t *work, e *entry) {
	if asked := m.asked(t); !asked.before || t.round > 1 || !t.knew(e) || m.letIn(e) != nil {
		return
	}
	for _, p := range m.photos {
		if p.unclear || p.role == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE && m.end(p.subject) == t { // 6: that of a ticket that was merged into it, too
			return
		}
	}
	m.find(t, e, "the work begins without a photo from before, which its category asks for")
}

// merge ends a ticket in favour of another.
func (m *trade) merge(t *work, e *entry, into string) {
	if t.state != atNew && t.state != atTriaged && t.state != atDispatched {
		m.find(t, e, "it was merged in %v", t.state)
	}
	end := m.end(into)
	if end == nil || end == t || !open(end.state) {
		m.find(t, e, "it was merged into %s, which is not open", into)
	}
	t.enter(e, atMerged)
	t.into = into
	if end == nil {
		return
	}
	for person, seq := range t.hands { // its photos prove the work there
		if t.own[person] {
			end.own[person] = true
			delete(end.denied, person)
		}
		if end.denied[person] {
			continue
		}
		if _, known := end.hands[person]; !known {
			end.hands[person] = seq
		}
	}
}

// end is the ticket that a ticket goes on in, over any that were merged; nil where the way ends in nothing.
func (m *trade) end(id string) *work {
	for range len(m.tickets) + 1 { // as many hops as there are tickets, at most
		t := m.tickets[id]
		if t == nil || t.into == "" {
			return t
		}
		id = t.into
	}
	return nil
}

// force is a closure without evidence, by two people.
func (m *trade) force(t *work, e *entry, act *roundsv1.TicketForceClose) {
	if t.state != atDone && t.state != atPause {
		m.find(t, e, "a forced closure was taken in %v", t.state)
	}
	if act.GetReason() == "" {
		m.find(t, e, "a forced closure was taken without a reason")
	}
	if !e.knows(t.moved) || t.round > 1 && !e.knows(t.began[t.round]) {
		m.find(t, e, "a forced closure was taken by somebody who did not know where the ticket stands")
	}
	m.decided(t, e)
	switch {
	case t.asked == "" || !t.vouches(t.asked) || t.asked == e.GetPersonId(): // who worked since is not one of the two; who asks anew names another
		m.who(t, e, "asks for a forced closure", supervisor, manager)
		if second := act.GetSecondPersonId(); second == e.GetPersonId() || second == t.assignee || !t.vouches(second) {
			m.find(t, e, "a forced closure names %q, who cannot be the second person", second)
		}
		t.asked, t.request = e.GetPersonId(), e
	default:
		m.who(t, e, "confirms a forced closure", foreman, butler, dispatcher, supervisor, manager)
		if act.GetSecondPersonId() != t.asked {
			m.find(t, e, "a forced closure names %q, and %q asked for it", act.GetSecondPersonId(), t.asked)
		}
		if !e.knows(t.request) {
			m.find(t, e, "a forced closure was confirmed by somebody who did not know of the request")
		}
		m.ended(t, e)
		t.enter(e, atClosed)
		t.closedBy, t.closedUs = byForce, e.GetOutcome().GetTimeUs()
	}
}

// at is the state of a ticket; unspecified where nobody heard of it.
func (m *trade) at(id string) (at roundsv1.TicketState) {
	if t := m.tickets[id]; t != nil {
		at = t.state
	}
	return at
}
