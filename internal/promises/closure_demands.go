package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// covers: whether what is asked of a task is at least what its ticket asks for. One of no category asks for nothing.
func (r requirement) covers(ticket requirement) bool {
	return !ticket.known || r.photos >= ticket.photos && (r.live || !ticket.live) && (r.before || !ticket.before) && (ticket.list == "" || r.list == ticket.list)
}

// splits wants one task at least to ask for what the ticket asks for.
func (m *trade) splits(t *work, e *entry, act *roundsv1.TicketSplit) {
	if m.c.evidence.Trade == nil || t.unclear {
		return
	}
	asks := m.asked(t).with(t.floor)
	has := slices.ContainsFunc(t.children, func(id string) bool {
		c := m.tickets[id]
		return c != nil && c.state != atCancelled && !t.past[id] && m.asked(c).covers(asks)
	})
	if !has && !slices.ContainsFunc(act.GetTasks(), func(task *roundsv1.TicketTask) bool { return m.demands(task.GetCategoryId()).covers(asks) }) {
		m.find(t, e, "it was split, and none of its tasks asks for what it asks for")
	}
}

// listed says what the checklist of a ticket lacks; "": nothing.
func (m *trade) listed(t *work, series string) string {
	if m.c.evidence.Trade == nil || series == "" {
		return ""
	}
	var questions []question
	for _, item := range m.c.evidence.Trade.Checklist(m.h.scope.Name, series, 0).GetItems() {
		questions = append(questions, question{item, item.GetId()})
	}
	return gapIn(questions, t.answers, t.again, t.began[t.round])
}

// retaken: whether a photo of the finished work, which is sound, was taken after somebody decided that they are to be taken again, and shows its place, or a tag was
// scanned since; true where nobody decided so.
func (m *trade) retaken(t *work) bool {
	if t.retake == nil {
		return true
	}
	since := t.retake.GetOutcome().GetTimeUs()
	scanned := slices.ContainsFunc(t.scans, func(e *entry) bool { return e.GetOutcome().GetTimeUs() > since })
	return slices.ContainsFunc(t.manifest(), func(id string) bool {
		p := m.photos[id]
		return p.unclear || p.made && p.hidden == nil && p.role == roundsv1.PhotoRole_PHOTO_ROLE_AFTER && p.taken > since && (p.placed || scanned)
	})
}

// hides: whether whoever hid a photo has the ticket, did some of its work, or took the photo.
func (m *trade) hides(t *work, p *proof) bool {
	by := p.hiddenBy.GetPersonId()
	if by == "" {
		by = p.hidden.GetPersonId() // the server hides in somebody's name
	}
	return by != "" && (by == t.assignee || t.worked(by) || slices.Contains(p.by, by))
}

// remark is something that somebody said of a record.
type remark struct{ at *entry }

// remark follows one entry of a remark.
func (m *trade) remark(id string, e *entry) {
	if m.remarks[id] == nil {
		m.remarks[id] = &remark{e}
	}
}

// pauses wants a pause that stops the clocks to be shown by something that was made since they last began to run.
func (m *trade) pauses(t *work, e *entry, act *roundsv1.TicketPause) {
	at := e.GetOutcome().GetTimeUs()
	stops := slices.ContainsFunc(m.record(t.id).GetMoves(), func(r *roundsv1.Move) bool {
		return r.GetState() == atPause && r.GetTimeUs() == at && r.GetPersonId() == e.GetPersonId() && r.GetStopsClock()
	})
	if !stops || t.unclear {
		return
	}
	var ran int64 // since when, after the pause before
	stopped := false
	for i, move := range t.ledger {
		if move.us == at && move.to == atPause {
			t.ledger[i].stops = true
			break
		}
		if stopped {
			ran = move.us
		}
		stopped = move.stops
	}
	var made *entry
	switch proof := act.GetProof(); proof.GetKind() {
	case "photo":
		if p := m.photos[proof.GetId()]; p != nil && !p.unclear {
			made = p.at
		}
	case "comment":
		if r := m.remarks[proof.GetId()]; r != nil {
			made = r.at
		}
	}
	if made != nil && made.GetOutcome().GetTimeUs() < ran {
		m.find(t, e, "the clocks are stopped, and what shows why is from before they last began to run")
	}
}
