package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Numbers of a ticket's fields that the model looks at.
const (
	ticketCategory   = 3
	ticketPriority   = 4
	ticketCrew       = 13
	ticketState      = 40
	ticketRound      = 41
	ticketAssignee   = 42
	ticketEpoch      = 43
	ticketEscalation = 44
	ticketAcceptance = 58
)

// answer is one answer to an item of a checklist.
type answer struct {
	*entry
	said *roundsv1.Answer
}

// written follows what somebody writes on a ticket: who works, what is answered, of which category it is. Fields are those that an edit names.
func (m *trade) written(t *work, e *entry, said *roundsv1.Ticket, fields []uint32) {
	if t.state == roundsv1.TicketState_TICKET_STATE_UNSPECIFIED {
		t.reporter = append(t.reporter, e.GetPersonId())
	}
	t.reporter = append(t.reporter, said.GetReporterId()) // of several who make it, too
	for _, person := range said.GetCrewIds() {
		t.crew[person] = true
	}
	before, named := t.category(), slices.Contains(fields, ticketCategory) || slices.Contains(fields, ticketPriority)
	if slices.Contains(fields, ticketCategory) || len(fields) == 0 && e.base == 0 && said.GetCategoryId() != "" && e.mutation.GetFact() == nil {
		t.categorise(e, said.GetCategoryId(), false)
	}
	if slices.Contains(fields, ticketCategory) {
		t.settles(e, before, said.GetCategoryId())
	}
	if t.state != roundsv1.TicketState_TICKET_STATE_UNSPECIFIED && (named || t.category() != before) {
		m.categorises(t, e)
	}
	if t.asksStill() && e.mutation.GetFact() == nil && (len(fields) == 0 || named) {
		t.asks = append(t.asks, e)
	}
	m.facts(t, e, e.GetPersonId(), said)
}

// facts are evidence that somebody adds to a ticket. What is added to one that was merged is added to the one that it goes on in.
func (m *trade) facts(t *work, e *entry, person string, said *roundsv1.Ticket) {
	works := len(said.GetScans()) > 0 || len(said.GetReadings()) > 0 || len(said.GetAnswers()) > 0 || len(said.GetPartsUsed()) > 0 || said.GetVisits() != 0
	t.found = t.found || works || len(said.GetLabour()) > 0
	if len(said.GetScans()) > 0 {
		t.scans = append(t.scans, e)
	}
	for _, labour := range said.GetLabour() {
		if !labour.GetNone() {
			t.did(e, labour.GetPersonId())
		}
	}
	if works {
		t.did(e, person)
	}
	for _, labour := range said.GetLabour() {
		if labour.GetNone() && !e.rules && labour.GetPersonId() == e.GetPersonId() && !t.own[person] {
			t.denied[person] = true
			delete(t.hands, person)
		}
	}
	if end := m.end(t.id); works && t.into != "" && end != nil && e.mutation.GetFact() != nil { // 6
		end.did(e, person)
	}
	for item, said := range said.GetAnswers() {
		t.answers[item] = append(t.answers[item], answer{e, said})
	}
}

// did notes that somebody did some of the work. A closure rests on the word of who did none of it: where nobody else approved it, it does not hold (37).
func (t *work) did(e *entry, person string) {
	if t.of.author(e) == person {
		t.own[person] = true
		delete(t.denied, person)
	}
	if t.denied[person] {
		return // by another's word
	}
	if _, known := t.hands[person]; !known && person != "" {
		t.hands[person] = e.GetSeq()
		t.floors(e)
	}
	t.doubts(e, person)
	if parent := t.of.tickets[t.parent]; parent != nil && t.state != atCancelled {
		parent.doubts(e, person)
	}
}

// doubts: a closure does not hold that rests on the word of somebody who is shown to have worked, and of nobody else who did not.
func (t *work) doubts(e *entry, person string) {
	if t.state == atClosed && t.closedBy == byApproval && slices.Contains(t.approvers, person) && !slices.ContainsFunc(t.approvers, t.vouches) {
		t.enter(e, atReview)
	}
}

// vouches: whether a person did none of the work, nor of that of the ticket's tasks.
func (t *work) vouches(person string) bool {
	return !t.worked(person) && !slices.ContainsFunc(t.tasks(), func(task *work) bool { return task.worked(person) })
}

// tasks are those of a ticket that were not cancelled.
func (t *work) tasks() (all []*work) {
	for _, id := range t.children {
		if c := t.of.tickets[id]; c != nil && c.state != atCancelled {
			all = append(all, c)
		}
	}
	return all
}

// author is whose act an entry is, or follows from.
func (m *trade) author(e *entry) string {
	if cause := m.h.at(e.GetCause()); e.rules && cause != nil {
		return cause.GetPersonId()
	}
	return e.GetPersonId()
}

func (t *work) worked(person string) bool {
	_, did := t.hands[person]
	return did
}

// categorise notes of which category somebody says that the ticket is. Whoever triages has seen what others said. From the word that the round is done it is a label.
func (t *work) categorise(e *entry, category string, triage bool) {
	before := t.category()
	t.categories = slices.DeleteFunc(t.categories, func(w put) bool { return triage || e.saw(w.entry) })
	named := (&roundsv1.Ticket{CategoryId: category}).ProtoReflect()
	t.categories = append(t.categories, put{entry: e, value: category, rank: rankOf(e, named.Descriptor().Fields().ByNumber(ticketCategory), named, "")})
	if now := t.category(); t.asksStill() && (triage || now != before) {
		t.pins(e, now, e.GetPersonId())
	}
}

// pins notes which category counts for what is asked, and by whose word.
func (t *work) pins(e *entry, category, by string) {
	t.eases(category, by)
	if t.asks = append(t.asks, e); t.pinned != category {
		t.pinned, t.pinnedBy = category, e
	}
	t.floors(e)
}

// asksStill: whether what is asked of the ticket follows its category: until the round is said to be done.
func (t *work) asksStill() bool {
	return open(t.state) && t.state != atDone && t.state != atReview
}

// categorises wants who changes the category or the priority to give out work or lead, or to be the reporter of a ticket that nobody has taken in; and to have no part in
// the work, once it was given out.
func (m *trade) categorises(t *work, e *entry) {
	person := e.GetPersonId()
	if m.letIn(e) != nil {
		return
	}
	if t.state != atNew || !slices.Contains(t.reporter, person) {
		m.who(t, e, "says of which category it is, or how urgent", foreman, butler, dispatcher, supervisor, manager)
	}
	if given := t.epoch > 0 || t.state != atNew && t.state != atTriaged; given && (t.works(person) || t.worked(person)) {
		m.find(t, e, "%s, who has a part in the work, says of which category it is, or how urgent", person)
	}
}

// category is the one that is shown: of the highest role, and of these the latest.
func (t *work) category() string {
	if shown := t.shown(); shown != nil {
		return shown.value
	}
	return ""
}

// categorised is the entry that says so; nil where none does.
func (t *work) categorised() *entry {
	if shown := t.shown(); shown != nil {
		return shown.entry
	}
	return nil
}

func (t *work) shown() (shown *put) {
	for i, w := range t.categories {
		if shown == nil || w.rank > shown.rank || w.rank == shown.rank && earlier(w, *shown) > 0 {
			shown = &t.categories[i]
		}
	}
	return shown
}

// knew: whether the author of an entry knew what was asked of the ticket.
func (t *work) knew(e *entry) bool {
	return !slices.ContainsFunc(t.asks, func(by *entry) bool { return !e.knows(by) })
}

// knewWhen: whether the ticket was of its category when a photo was looked at last.
func (t *work) knewWhen(judged *entry) bool {
	return t.pinnedBy == nil || t.pinnedBy.GetSeq() <= judged.GetSeq()
}

// submit is the word that a round is done.
func (m *trade) submit(t *work, e *entry, submit *roundsv1.TicketSubmit) {
	person, round := e.GetPersonId(), submit.GetRound()
	by := m.letIn(e)
	switch {
	case t.state == atMerged: // 6
		if e.saw(t.moved) {
			m.find(t, e, "work was reported as done by somebody who knew that the ticket was merged")
		}
		t.complete(e, person, round, submit.GetPhotoIds(), false)
		t.did(e, person)
		return
	case round == 0 || round > t.round:
		m.find(t, e, "round %d was reported as done in round %d", round, t.round)
		return
	case round < t.round: // 9
		t.complete(e, person, round, submit.GetPhotoIds(), false)
		t.did(e, person)
		return
	case t.state == atClosed: // 7; 37 where the closure rests on who says so
		if e.saw(t.moved) || !t.partOf(person) && !m.ofMerged(t, person) {
			m.find(t, e, "%s reports work as done that is closed", person)
		}
		t.complete(e, person, round, submit.GetPhotoIds(), true)
		t.did(e, person)
		return
	case t.state == atCancelled: // 5: it waits for a supervisor
		if by == nil || !chief(by) || by.GetPersonId() == person {
			m.find(t, e, "work after the ticket was cancelled counts, and no supervisor said so")
		}
		t.done(e, person, true)
	case by != nil && (t.state == atWork || t.state == atPause) && !t.works(person): // 2: its result was taken
		if !chief(by) && !slices.Contains(by.GetRoles(), foreman) || by.GetPersonId() == person {
			m.find(t, e, "of two who did the work one was chosen by %s, as %v", by.GetPersonId(), by.GetRoles())
		}
		t.done(e, person, true)
	default:
		m.finish(t, e, person, false)
		t.complete(e, person, round, submit.GetPhotoIds(), false)
		m.lists(t, e)
		t.did(e, person)
		return
	}
	t.complete(e, person, round, submit.GetPhotoIds(), false)
	t.did(e, person)
}

// finish is the word that the current round is done, by who may say so. Merged: it was said of a ticket that was merged into this one.
func (m *trade) finish(t *work, e *entry, person string, merged bool) {
	had := merged || slices.Contains(t.former, person) && (t.given == nil || !e.saw(t.given))
	admitted := m.letIn(e) != nil
	switch t.state {
	case atNew, atTriaged: // 1: whom it was given to declined it
		if !merged && (t.state == atNew || !had) {
			m.find(t, e, "%s reports as done what was given to nobody", person)
		}
		t.done(e, person, true)
	case atDispatched, atAccepted:
		if t.works(person) || admitted {
			t.done(e, person, false)
			return
		}
		if !had { // 1
			m.find(t, e, "%s reports as done what %q has", person, t.assignee)
		}
		t.done(e, person, true)
	case atWork, atPause, atRework: // 2: where another works it waits for the foreman
		cause := m.h.at(e.GetCause())
		chosen := cause != nil && m.letIn(cause) != nil // of what was merged into this
		if !t.works(person) && !admitted && !chosen {
			m.find(t, e, "%s reports as done what %q has", person, t.assignee)
		}
		t.done(e, person, chosen && t.state != atRework && !t.works(person))
	case atDone, atReview: // 4
		if !t.works(person) && !t.worked(person) && !had && !admitted {
			m.find(t, e, "%s, who has no part in it, reports it as done", person)
		}
		t.done(e, person, false)
	default:
		m.find(t, e, "work was reported as done in %v", t.state)
	}
}

// done moves a ticket to where it waits for its evidence. Takes: the task of whoever had it meanwhile is withdrawn.
func (t *work) done(e *entry, person string, takes bool) {
	if takes && t.assignee != person {
		t.give(e, person)
	}
	t.asked = ""
	t.enter(e, atDone)
}

// complete notes somebody's word on a round: a person has one, which grows; and another for what comes after the closure.
func (t *work) complete(e *entry, person string, round uint32, photos []string, late bool) {
	changed := false
	own := func(late bool) int {
		return slices.IndexFunc(t.said, func(c completion) bool { return c.round == round && c.person == person && c.late == late })
	}
	if first := own(false); late && first >= 0 {
		photos = slices.DeleteFunc(slices.Clone(photos), func(id string) bool { return slices.Contains(t.said[first].photos, id) })
		if len(photos) == 0 {
			return // sent again
		}
	}
	at := own(late)
	if at < 0 && !late {
		if at = own(true); at >= 0 { // it came late, and the round goes on
			t.said[at].late, changed = false, true
		}
	}
	if at < 0 {
		t.said = append(t.said, completion{round: round, person: person, late: late})
		at, changed = len(t.said)-1, true
	}
	for _, id := range photos {
		if !slices.Contains(t.said[at].photos, id) {
			t.said[at].photos, changed = append(t.said[at].photos, id), true
		}
	}
	if changed {
		t.completed, t.asked = e, ""
	}
}

// ofMerged: whether a person had, or worked on, a ticket that was merged into this one.
func (m *trade) ofMerged(t *work, person string) bool {
	for _, other := range m.tickets {
		if other.into != "" && other.partOf(person) && m.end(other.id) == t {
			return true
		}
	}
	return false
}

// ended wants all tasks of a ticket to have ended.
func (m *trade) ended(t *work, e *entry) {
	for _, child := range t.children {
		if c := m.tickets[child]; c != nil && open(c.state) {
			m.find(t, e, "it is closed, and its task %s is %v", child, c.state)
		}
	}
}
