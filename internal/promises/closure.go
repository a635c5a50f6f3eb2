package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Trade is what the organisation of a scope asks of the work, as its own lists have it. Nil is answered for what it does not have. What it returns is not changed.
type Trade interface {
	// Category of that id.
	Category(scope store.Scope, id merge.RecordID) *roundsv1.Category
	// Checklist of a series in one version, or with version 0 in the newest that is published.
	Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist
}

// Names of the states, short enough for the tables.
const (
	atNew        = roundsv1.TicketState_TICKET_STATE_NEW
	atTriaged    = roundsv1.TicketState_TICKET_STATE_TRIAGED
	atDispatched = roundsv1.TicketState_TICKET_STATE_DISPATCHED
	atAccepted   = roundsv1.TicketState_TICKET_STATE_ACCEPTED
	atWork       = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS
	atPause      = roundsv1.TicketState_TICKET_STATE_PAUSED
	atDone       = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
	atReview     = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	atRework     = roundsv1.TicketState_TICKET_STATE_REWORK
	atClosed     = roundsv1.TicketState_TICKET_STATE_CLOSED
	atCancelled  = roundsv1.TicketState_TICKET_STATE_CANCELLED
	atMerged     = roundsv1.TicketState_TICKET_STATE_MERGED
)

// Short names of the roles that the document's tables name. A small site is run by its manager, who may do what its leaders may.
const (
	resident   = roundsv1.Role_ROLE_RESIDENT
	foreman    = roundsv1.Role_ROLE_FOREMAN
	butler     = roundsv1.Role_ROLE_BUTLER
	dispatcher = roundsv1.Role_ROLE_DISPATCHER
	supervisor = roundsv1.Role_ROLE_SUPERVISOR
	manager    = roundsv1.Role_ROLE_MANAGER
)

// closures checks P9: it follows the journal with models of the ticket and of the inspection round that know the document's tables and nothing of how the server
// keeps them, and wants each closure to have been earned, and each record to stand where its model has it.
func (c *check) closures(h *history) {
	m := &trade{c: c, h: h, tickets: map[string]*work{}, photos: map[string]*proof{}, walks: map[string]*walk{}, remarks: map[string]*remark{}}
	for _, e := range h.entries {
		m.take(e)
	}
	for id, t := range m.tickets {
		m.settle(id, t)
	}
	for _, w := range m.walks {
		m.arrive(w)
	}
}

// trade is the model of one scope.
type trade struct {
	c       *check
	h       *history
	tickets map[string]*work
	photos  map[string]*proof
	walks   map[string]*walk
	remarks map[string]*remark
}

// work is one ticket.
type work struct {
	of       *trade
	id       string
	state    roundsv1.TicketState
	round    uint32
	epoch    uint32
	level    uint32
	assignee string
	former   []string          // who had it before
	crew     map[string]bool   // who is of it
	hands    map[string]uint64 // who did some of the work, by the entry that says so first
	own      map[string]bool   // of them, by an act of their own
	denied   map[string]bool   // who say to have done none of it, against the word of others
	found    bool              // there is a fact of work: labour, a scan, a reading, an answer
	reporter []string          // who made it, and who reported it
	said     []completion
	parent   string // the ticket that it is a task of
	children []string
	past     map[string]bool // those of them that were done for an earlier round, which bear on the present one no more
	withThem bool            // the server cancelled it with the last of them
	into     string          // the ticket that it was merged into

	began      map[uint32]*entry // by which a round began; the first has none
	whole      map[uint32]*entry // by which a round went to review first: its evidence was complete
	retake     *entry            // by which somebody decided that the photos of the round are to be taken again
	lost       map[string]bool   // photos that nobody had heard of by then
	scans      []*entry
	again      []string // items that a reviewer pointed at, which are to be answered anew in the round
	moved      *entry   // that wrote the state last
	given      *entry   // that gave it to somebody last
	completed  *entry   // that changed the completions last
	declined   *entry   // by which the last dispatch was declined
	ledger     []move
	categories []put
	pinned     string                // the category that counts for what is asked
	pinnedBy   *entry                // that made it count
	easedBy    string                // who said of which category it is, and so that it asks for less
	floor      requirement           // what was asked before
	floored    bool                  // that is asked too: who made it less has a part in it
	asks       []*entry              // by which its category or its priority was said, and with them what is asked
	missed     map[missedStep]*entry // steps that were found to be late, by the entry that says so first
	moves      []*entry              // commands that move it: its own, and those of others that end or reopen it
	answers    map[string][]answer
	disputed   *entry // the customer is not content with the round

	closedBy  closure
	approvers []string // whose word the closure rests on
	closedUs  int64    // when it was closed, and that could be known
	asked     string   // who asked for a forced closure first
	request   *entry   // by which they did
	dissent   bool     // two reviewers did not agree
	unclear   bool     // an entry's content was removed, so that the model cannot follow
}

// closure is how a ticket was closed.
type closure int

const (
	byNobody closure = iota
	byApproval
	byForce
	byTasks
)

// completion is somebody's word that a round is done.
type completion struct {
	round  uint32
	person string
	photos []string
	late   bool
}

// move is a change of the state, where its time belongs.
type move struct {
	us    int64
	to    roundsv1.TicketState
	stops bool // the clocks
}

// find notes what is wrong with a ticket.
func (m *trade) find(t *work, e *entry, format string, args ...any) {
	m.c.find(P9, m.h.scope.Name, "ticket %s, entry %d: "+format, append([]any{t.id, e.GetSeq()}, args...)...)
}

// take follows one entry.
func (m *trade) take(e *entry) {
	if !e.stands() && !e.rules || e.GetType() == roundsv1.EntryType_ENTRY_TYPE_EVICTED {
		return
	}
	id := e.GetRecord().GetId()
	switch e.GetRecord().GetKind() {
	case "photo":
		m.photo(id, e)
	case "inspection":
		m.walk(id, e)
	case "comment":
		m.remark(id, e)
	case "ticket":
		t := m.ticket(id)
		if e.redacted || e.mutation == nil {
			t.unclear = true
			return
		}
		m.act(t, e)
	}
}

// ticket is the model of a ticket; one that nobody heard of before is made.
func (m *trade) ticket(id string) *work {
	t := m.tickets[id]
	if t == nil {
		t = &work{of: m, id: id, round: 1, hands: map[string]uint64{}, own: map[string]bool{}, denied: map[string]bool{}, crew: map[string]bool{}, past: map[string]bool{}, began: map[uint32]*entry{}, whole: map[uint32]*entry{}, answers: map[string][]answer{}, missed: map[missedStep]*entry{}}
		m.tickets[id] = t
	}
	return t
}

// act follows one entry of a ticket.
func (m *trade) act(t *work, e *entry) {
	switch act := e.mutation.GetAct().(type) {
	case *roundsv1.Mutation_Command:
		if command := act.Command.GetTicket(); command != nil {
			m.command(t, e, command)
		}
	case *roundsv1.Mutation_Fact:
		m.written(t, e, act.Fact.GetRecord().GetTicket(), nil)
	case *roundsv1.Mutation_Edit:
		if e.rules {
			m.server(t, e, act.Edit)
			return
		}
		m.written(t, e, act.Edit.GetRecord().GetTicket(), act.Edit.GetFields())
	}
	if t.state == roundsv1.TicketState_TICKET_STATE_UNSPECIFIED {
		t.enter(e, atNew)
	}
}

// enter notes that an entry writes the state.
func (t *work) enter(e *entry, to roundsv1.TicketState) {
	if t.state != to {
		t.asked = ""
		t.note(e, to)
	}
	if t.state == atClosed && to != atClosed {
		t.closedBy, t.approvers = byNobody, nil
	}
	t.withThem = false
	if t.whole[t.round] == nil && to == atReview {
		t.whole[t.round] = e
	}
	t.state, t.moved = to, e
}

// note puts a change of the state into the ledger, where its time belongs.
func (t *work) note(e *entry, to roundsv1.TicketState) {
	us := e.GetOutcome().GetTimeUs()
	at := len(t.ledger)
	for at > 0 && t.ledger[at-1].us > us {
		at--
	}
	t.ledger = slices.Insert(t.ledger, at, move{us: us, to: to})
}

// earlier: whether something happened before the last change of the state, and its author did not know of that change: 17.
func (t *work) earlier(e *entry) bool {
	return len(t.ledger) > 0 && e.GetOutcome().GetTimeUs() < t.ledger[len(t.ledger)-1].us && !e.saw(t.moved)
}

// stood is where the ticket stood at the time of an entry, by the ledger.
func (t *work) stood(e *entry) (at roundsv1.TicketState) {
	for _, m := range t.ledger {
		if m.us <= e.GetOutcome().GetTimeUs() {
			at = m.to
		}
	}
	return at
}

// next begins the next round: on what was done by then none of it rests.
func (t *work) next(e *entry) {
	for _, id := range t.children {
		if c := t.of.tickets[id]; c != nil && c.state == atClosed {
			t.past[id] = true
		}
	}
	t.begin(e)
}

// begin begins the next round, of which is asked what the category asks that the ticket is of by now.
func (t *work) begin(e *entry) {
	t.round++
	if parent := t.of.tickets[t.parent]; parent != nil {
		delete(parent.past, t.id)
	}
	t.began[t.round], t.disputed, t.dissent, t.retake, t.lost, t.again = e, nil, false, nil, nil, e.mutation.GetCommand().GetTicket().GetReject().GetItemIds()
	if t.asks = append(t.asks, e); t.pinned != t.category() { // what was changed after the last one was done
		t.pins(e, t.category(), t.categorised().GetPersonId())
	}
}

// give gives the ticket to somebody.
func (t *work) give(e *entry, person string) {
	if t.assignee != "" && t.assignee != person {
		t.former = append(t.former, t.assignee)
		delete(t.crew, t.assignee)
	}
	t.assignee, t.given = person, e
	t.epoch++
	t.floors(e)
}

// open says whether work may go on.
func open(state roundsv1.TicketState) bool {
	return state != atClosed && state != atCancelled && state != atMerged
}

// settle holds the model against the record.
func (m *trade) settle(id string, t *work) {
	if t.unclear {
		return
	}
	record := m.record(id)
	if record == nil {
		return
	}
	wrong := func(format string, args ...any) {
		m.c.find(P9, m.h.scope.Name, "ticket %s "+format, append([]any{id}, args...)...)
	}
	if record.GetState() != t.state && !(t.state == atNew && record.GetState() == 0) {
		wrong("is %v; by the table it is %v", record.GetState(), t.state)
	}
	if has := max(record.GetRound(), 1); has != t.round {
		wrong("is in round %d; by the table it is in round %d", has, t.round)
	}
	if record.GetAssigneeId() != t.assignee || record.GetAssignEpoch() != t.epoch {
		wrong("is with %q, dispatch %d; by the table it is with %q, dispatch %d", record.GetAssigneeId(), record.GetAssignEpoch(), t.assignee, t.epoch)
	}
	if record.GetEscalationLevel() != t.level {
		wrong("is at level %d; by the table it is at %d", record.GetEscalationLevel(), t.level)
	}
	if record.GetCategoryId() != t.category() {
		wrong("is of category %q; by the table it is of %q", record.GetCategoryId(), t.category())
	}
	if m.c.evidence.Trade != nil && m.c.evidence.Trade.Category(m.h.scope.Name, merge.RecordID(t.pinned)) != nil && record.GetRequirements().GetCategoryId() != t.pinned {
		wrong("is asked for what category %q asks; by the table it is %q", record.GetRequirements().GetCategoryId(), t.pinned)
	}
	for _, id := range t.children {
		if c := m.tickets[id]; t.state == atCancelled && t.withThem && c != nil && !c.unclear && c.state != atCancelled {
			wrong("was cancelled with its tasks, and task %s is %v", id, c.state)
		}
	}
	m.lateness(t, record)
	if record.GetState() != atClosed || t.state != atClosed {
		return
	}
	if has, want := provenBy(record), t.manifest(); !slices.Equal(has, want) {
		wrong("rests on the photos %q; by the table it rests on %q", has, want)
	}
	if t.closedBy == byNobody {
		wrong("is closed, and nothing of the table closed it")
	}
	if t.closedBy == byApproval && !slices.ContainsFunc(t.approvers, t.vouches) {
		wrong("is closed by %q, who all did some of the work", t.approvers)
	}
	if forced := slices.Contains(record.GetFlags(), "forced"); t.closedBy != byTasks && forced != (t.closedBy == byForce) {
		wrong(": its flags say forced %v, and it is %v", forced, t.closedBy == byForce)
	}
}

// provenBy are the photos that a record's current round rests on, as it says itself: those of all words that the round is done which did not come after its closure.
func provenBy(record *roundsv1.Ticket) (ids []string) {
	for _, c := range record.GetCompletions() {
		if c.GetRound() == max(record.GetRound(), 1) && !c.GetLate() {
			ids = append(ids, c.GetPhotoIds()...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// record is a ticket as it stands at the end; nil where it is not among the live ones.
func (m *trade) record(id string) *roundsv1.Ticket {
	return m.change("ticket", id).GetRecord().GetTicket()
}

// change is a record as it stands at the end.
func (m *trade) change(kind, id string) *roundsv1.Change {
	for _, change := range m.h.scope.Records {
		if change.GetRecordId() != id {
			continue
		}
		if kind == "ticket" && change.GetRecord().GetTicket() != nil || kind == "inspection" && change.GetRecord().GetInspection() != nil {
			return change
		}
	}
	return nil
}
