package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// server follows what the server writes by itself, and wants it to follow from what the table has it follow from.
func (m *trade) server(t *work, e *entry, edit *roundsv1.Edit) {
	said, fields := edit.GetRecord().GetTicket(), edit.GetFields()
	cause := m.h.at(e.GetCause())
	if cause == nil {
		cause = &entry{EntryHead: &roundsv1.EntryHead{}} // its own act
	}
	if t.state == roundsv1.TicketState_TICKET_STATE_UNSPECIFIED {
		m.made(t, e, cause, said)
		return
	}
	person := cause.GetPersonId()
	before := t.state
	t.late(e, said.GetDeadlines())
	if cause.mutation.GetCommand() != nil {
		t.moves = append(t.moves, cause)
	}
	m.facts(t, e, person, said)
	for _, id := range said.GetCrewIds() {
		t.crew[id] = true
	}
	if slices.Contains(fields, ticketEscalation) {
		if said.GetEscalationLevel() < t.level {
			m.find(t, e, "its level goes down from %d to %d", t.level, said.GetEscalationLevel())
		}
		t.level = said.GetEscalationLevel()
	}
	if slices.Contains(said.GetFlags(), "retake") && cause.mutation.GetCommand().GetConflict().GetDecide().GetAction() == roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE {
		t.retake = cause // 36
		if t.lost == nil {
			t.lost = map[string]bool{}
		}
		for _, id := range t.manifest() {
			if p := m.photos[id]; p == nil || !p.made {
				t.lost[id] = true
			}
		}
	}
	if said.GetAcceptance() == roundsv1.Acceptance_ACCEPTANCE_DISPUTED && t.disputed == nil { // by the customer of a ticket that was merged into it
		t.disputed = e
	}
	if into := said.GetMergedIntoId(); into != "" {
		if decision := cause.mutation.GetCommand().GetConflict().GetDecide(); decision.GetAction() != roundsv1.ConflictAction_CONFLICT_ACTION_MERGE { // 21
			m.find(t, e, "it was merged, and nobody decided so")
		}
		m.merge(t, e, into)
		return
	}
	forwarded := false
	for _, done := range said.GetCompletions() {
		if m.forwards(t, e, cause, done) {
			forwarded = true
		}
	}
	if !slices.Contains(fields, ticketState) {
		return
	}
	switch to := said.GetState(); {
	case forwarded && to == atDone:
		m.finish(t, e, person, m.ofMerged(t, person))
		t.did(e, person)
		if said.GetAssignEpoch() > 0 {
			t.epoch = said.GetAssignEpoch()
		}
	case to == t.state:
		t.enter(e, to)
	case to == atReview && before == atDone:
		if ok, why := m.proved(t); !ok {
			m.find(t, e, "goes to review without evidence: %s", why)
		}
		t.enter(e, to)
	case to == atClosed && open(before):
		m.closes(t, e)
		t.enter(e, to)
		t.closedBy, t.approvers, t.closedUs = byTasks, nil, e.GetOutcome().GetTimeUs()
	case to == atCancelled && open(before):
		if why := m.unfinished(t, atCancelled, atMerged); why != "" {
			m.find(t, e, "cancelled by the server: %s", why)
		}
		t.enter(e, to)
		t.withThem = true
	case to == atTriaged && (before == atClosed || before == atCancelled && t.withThem):
		m.reopens(t, e, cause, said)
	default:
		m.find(t, e, "the server moves it from %v to %v, which is not in the table", before, to)
		t.enter(e, to)
		if to == atReview || to == atTriaged {
			t.closedBy, t.approvers = byNobody, nil
		}
	}
}

// made is a ticket that the server makes: a task of another, or what an inspection round found.
func (m *trade) made(t *work, e *entry, cause *entry, said *roundsv1.Ticket) {
	t.level, t.epoch = said.GetEscalationLevel(), said.GetAssignEpoch()
	t.reporter = append(t.reporter, said.GetReporterId())
	if said.GetCategoryId() != "" {
		t.categorise(e, said.GetCategoryId(), true)
	}
	switch parent := m.tickets[said.GetParentId()]; {
	case parent != nil && cause.mutation.GetCommand().GetTicket().GetSplit() != nil && cause.GetRecord().GetId() == parent.id:
		t.parent, parent.children = parent.id, append(parent.children, t.id)
		t.enter(e, atTriaged)
	case said.GetOrigin().GetInspectionId() != "" && cause.GetRecord().GetKind() == "inspection":
		t.enter(e, atNew)
	default:
		m.find(t, e, "the server makes a ticket, and nobody asked for it")
		t.enter(e, max(said.GetState(), atNew))
	}
	if said.GetState() != t.state {
		m.find(t, e, "the server makes a ticket that is %v", said.GetState())
	}
}

// forwards: whether a completion that the server writes is new, and was sent on from a ticket that was merged into this one: 6.
func (m *trade) forwards(t *work, e *entry, cause *entry, done *roundsv1.Completion) bool {
	submit := cause.mutation.GetCommand().GetTicket().GetSubmitCompletion()
	if submit == nil || done.GetPersonId() != cause.GetPersonId() || m.end(cause.GetRecord().GetId()) != t || done.GetRound() != t.round {
		return false
	}
	at := slices.IndexFunc(t.said, func(c completion) bool {
		return c.round == done.GetRound() && c.person == done.GetPersonId() && c.late == done.GetLate()
	})
	if at >= 0 && len(t.said[at].photos) == len(done.GetPhotoIds()) && t.state == atClosed {
		return false
	}
	t.complete(e, done.GetPersonId(), done.GetRound(), done.GetPhotoIds(), t.state == atClosed)
	if t.state == atClosed { // 7, 37
		t.did(e, done.GetPersonId())
		return false
	}
	return true
}

// closes is a ticket that the server closes with the last of its tasks. One that somebody worked on goes on: that work has to be reviewed as any other.
func (m *trade) closes(t *work, e *entry) {
	if why := m.unfinished(t, atClosed, atCancelled, atMerged); why != "" {
		m.find(t, e, "closed by the server: %s", why)
		return
	}
	done := func(id string) bool { return m.tickets[id].state == atClosed && !t.past[id] }
	if !slices.ContainsFunc(t.children, done) {
		m.find(t, e, "closed by the server, and none of its tasks was done in its round")
	}
	if asks := m.asked(t).with(t.floor); !slices.ContainsFunc(t.children, func(id string) bool { return done(id) && m.asked(m.tickets[id]).covers(asks) }) {
		m.find(t, e, "closed by the server, and none of its tasks that was done asked for what it asks for")
	}
	for person := range t.hands {
		m.find(t, e, "closed by the server with its tasks, and %s worked on it, which nobody reviewed", person)
	}
}

// unfinished says why the tasks of a ticket do not end it; "" where they do: all of them stand where they may.
func (m *trade) unfinished(t *work, may ...roundsv1.TicketState) string {
	if len(t.children) == 0 {
		return "it has no tasks, and nobody decided"
	}
	for _, child := range t.children {
		switch c := m.tickets[child]; {
		case c == nil:
			return "task " + child + " is not here"
		case !slices.Contains(may, c.state):
			return "task " + child + " is " + c.state.String()
		}
	}
	return ""
}

// reopens is a ticket that is opened again: with one of its tasks, so that what the others did still counts, or by a supervisor's answer to a question.
func (m *trade) reopens(t *work, e *entry, cause *entry, said *roundsv1.Ticket) {
	decided := cause.mutation.GetCommand().GetConflict().GetDecide().GetAction() == roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN && chief(cause)
	task := slices.ContainsFunc(t.children, func(id string) bool { c := m.tickets[id]; return c != nil && open(c.state) })
	disputed := cause.mutation.GetCommand().GetTicket().GetDispute() != nil && m.end(cause.GetRecord().GetId()) == t // 6: of one that was merged into it
	if !decided && !task && !disputed || t.withThem && !task {
		m.find(t, e, "the server opens it again, and nobody asked for that")
	}
	if t.enter(e, atTriaged); task {
		t.begin(e)
	} else {
		t.next(e)
	}
	if t.assignee != "" {
		t.former = append(t.former, t.assignee)
	}
	t.assignee = ""
}
