package promises

import (
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Names of the states, short enough for the table below.
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

// objection is how long after a closure another reviewer may send the work back.
const objection = 24 * time.Hour

// Numbers of fields that the server writes by itself.
const (
	fieldPhotoHidden = 16
	fieldState       = 40 // of a ticket and of a photo
)

// closures checks P9: it follows the journal with a model of the ticket that knows the document's table and nothing of how the server keeps it, and wants
// each closure to have been earned, and each ticket to stand where the model has it.
func (c *check) closures(h *history) {
	m := &trade{c: c, h: h, tickets: map[string]*work{}, photos: map[string]*proof{}}
	for _, e := range h.entries {
		m.take(e)
	}
	for id, t := range m.tickets {
		m.settle(id, t)
	}
}

// trade is the model of one scope.
type trade struct {
	c       *check
	h       *history
	tickets map[string]*work
	photos  map[string]*proof
}

// work is one ticket.
type work struct {
	state     roundsv1.TicketState
	round     uint32
	assignee  string
	hands     map[string]uint64   // who did some of the work, by the entry that says so first
	manifests map[uint32][]string // photos that prove a round
	children  []string
	former    []string // who had it before
	into      string   // the ticket that it was merged into
	signers   []string // who approved besides, when it was closed: 14
	approved  string   // who closed it by approval, "" where it is not closed so
	closedUs  int64    // when that was
	movedUs   int64    // when its state changed last, of all effective times
	earned    bool     // it stands closed, and rightly
	forced    bool
	asked     string // who asked for a forced closure first
	unclear   bool   // an entry's content was removed, so that the model cannot follow
}

// proof is one photo.
type proof struct {
	subject string
	sha256  string
	state   roundsv1.PhotoState
	hidden  bool
	unclear bool // content of its entries was removed: what it was is no longer to be told
}

func (m *trade) find(id string, e *entry, format string, args ...any) {
	m.c.find(P9, m.h.scope.Name, "ticket %s, entry %d: "+format, append([]any{id, e.GetSeq()}, args...)...)
}

// take follows one entry.
func (m *trade) take(e *entry) {
	if !e.stands() && e.GetType() != roundsv1.EntryType_ENTRY_TYPE_DERIVED {
		return
	}
	id := e.GetRecord().GetId()
	switch e.GetRecord().GetKind() {
	case "photo":
		m.photo(id, e)
	case "ticket":
		t := m.tickets[id]
		if t == nil {
			t = &work{round: 1, hands: map[string]uint64{}, manifests: map[uint32][]string{}}
			m.tickets[id] = t
		}
		if e.redacted || e.mutation == nil {
			t.unclear = true
			return
		}
		m.ticket(id, t, e)
	}
}

func (m *trade) photo(id string, e *entry) {
	photo := e.mutation.GetEdit().GetRecord().GetPhoto()
	if fact := e.mutation.GetFact().GetRecord().GetPhoto(); fact != nil {
		photo = fact
	}
	p := m.photos[id]
	if p == nil {
		p = &proof{}
		m.photos[id] = p
	}
	if photo == nil {
		p.unclear = p.unclear || e.redacted
		return
	}
	fields := e.mutation.GetEdit().GetFields()
	switch {
	case e.rules && slices.Contains(fields, fieldState):
		p.state = photo.GetState()
	case slices.Contains(fields, fieldPhotoHidden):
		p.hidden = photo.GetHidden() != nil
	case photo.GetSubject() != nil:
		p.subject, p.sha256 = photo.GetSubject().GetId(), string(photo.GetSha256())
		p.hidden = p.hidden || photo.GetHidden() != nil
		if t := m.tickets[p.subject]; t != nil && photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_AFTER {
			t.did(e, e.GetPersonId())
		}
	}
}

// did notes that somebody did some of the work. Where it is who approved, the closure does not hold: 37.
func (t *work) did(e *entry, person string) {
	if _, known := t.hands[person]; !known && person != "" {
		t.hands[person] = e.GetSeq()
	}
	if t.state == atClosed && t.approved != "" && (t.approved == person || slices.Contains(t.signers, person)) {
		t.state, t.earned, t.approved = atReview, false, ""
	}
}

func (t *work) worked(person string) bool {
	_, did := t.hands[person]
	return did
}

func (m *trade) ticket(id string, t *work, e *entry) {
	before := t.state
	defer func() {
		if t.state != before {
			t.movedUs = max(t.movedUs, e.GetOutcome().GetTimeUs())
		}
	}()
	switch act := e.mutation.GetAct().(type) {
	case *roundsv1.Mutation_Command:
		if command := act.Command.GetTicket(); command != nil {
			m.command(id, t, e, command)
		}
	case *roundsv1.Mutation_Fact:
		m.facts(t, e, act.Fact.GetRecord().GetTicket())
	case *roundsv1.Mutation_Edit:
		if e.rules {
			m.server(id, t, e, act.Edit)
			return
		}
		m.facts(t, e, act.Edit.GetRecord().GetTicket())
	}
	if t.state == roundsv1.TicketState_TICKET_STATE_UNSPECIFIED {
		t.state = atNew
	}
}

func (m *trade) facts(t *work, e *entry, said *roundsv1.Ticket) {
	for _, labour := range said.GetLabour() {
		t.did(e, labour.GetPersonId())
	}
	if len(said.GetScans()) > 0 || len(said.GetAnswers()) > 0 {
		t.did(e, e.GetPersonId())
	}
}

// open says whether work may go on.
func open(state roundsv1.TicketState) bool {
	return state != atClosed && state != atCancelled && state != atMerged
}

// command is the document's table: what a command that was taken does to a ticket.
func (m *trade) command(id string, t *work, e *entry, command *roundsv1.TicketCommand) {
	in := func(states ...roundsv1.TicketState) bool { return slices.Contains(states, t.state) }
	move := func(to roundsv1.TicketState, from ...roundsv1.TicketState) {
		if !in(from...) {
			m.find(id, e, "%T was taken in %v", command.GetCommand(), t.state)
		}
		if t.state != to {
			t.asked = ""
		}
		t.state, t.earned, t.approved = to, false, ""
	}
	again := func(to roundsv1.TicketState) { // the closure does not hold: the next round
		move(to, atClosed)
		t.round++
	}
	switch act := command.GetCommand().(type) {
	case *roundsv1.TicketCommand_Triage:
		move(atTriaged, atNew)
	case *roundsv1.TicketCommand_Split: // into tasks that may be dispatched at once
		if in(atNew) {
			move(atTriaged, atNew)
		}
	case *roundsv1.TicketCommand_Dispatch:
		move(atDispatched, atTriaged, atDispatched, atAccepted, atPause, atRework)
		t.former = append(t.former, t.assignee)
		t.assignee = act.Dispatch.GetAssigneeId()
	case *roundsv1.TicketCommand_Accept:
		if in(atTriaged) { // 20: declined on one phone, accepted on another
			move(atDispatched, atTriaged)
			t.assignee = e.GetPersonId()
			return
		}
		move(atAccepted, atDispatched)
	case *roundsv1.TicketCommand_Decline:
		move(atTriaged, atDispatched)
		t.assignee = ""
	case *roundsv1.TicketCommand_Start:
		t.did(e, e.GetPersonId())
		if in(atWork) || !in(atDispatched, atAccepted, atPause, atRework) { // 18; and what is learnt of later
			return
		}
		if in(atPause, atRework) && e.GetOutcome().GetTimeUs() < t.movedUs { // 17: it was before the pause, or before the work was sent back
			return
		}
		move(atWork, t.state)
	case *roundsv1.TicketCommand_Pause:
		if in(atWork) {
			move(atPause, atWork)
		} // else 17: an interval that was learnt of later
	case *roundsv1.TicketCommand_Resume:
		if in(atPause) {
			move(atWork, atPause)
		}
	case *roundsv1.TicketCommand_SubmitCompletion:
		m.submit(t, e, act.SubmitCompletion)
	case *roundsv1.TicketCommand_Approve:
		m.approve(id, t, e, act.Approve.GetRound())
	case *roundsv1.TicketCommand_Reject:
		switch {
		case in(atReview) && act.Reject.GetRound() == t.round:
			m.decided(id, t, e)
			move(atRework, atReview)
			t.round++
		case in(atClosed) && act.Reject.GetRound() == t.round: // 12
			if late := e.GetOutcome().GetTimeUs() - t.closedUs; late > objection.Microseconds() {
				m.find(id, e, "a closure is objected to %v after it", time.Duration(late)*time.Microsecond)
			}
			m.decided(id, t, e)
			move(atReview, atClosed)
		}
	case *roundsv1.TicketCommand_Cancel:
		move(atCancelled, atNew, atTriaged, atDispatched, atAccepted, atWork, atPause, atRework, atDone, atReview) // the last two: 35, on the current version
	case *roundsv1.TicketCommand_Merge:
		move(atMerged, atNew, atTriaged, atDispatched)
		t.into = act.Merge.GetIntoId()
	case *roundsv1.TicketCommand_Dispute:
		if !in(atReview) { // 11: before the decision it is news for the reviewer
			again(atTriaged)
		}
	case *roundsv1.TicketCommand_Reopen:
		again(atTriaged)
	case *roundsv1.TicketCommand_FollowUp:
		if !act.FollowUp.GetSolved() && act.FollowUp.GetRound() == t.round {
			again(atTriaged)
		}
	case *roundsv1.TicketCommand_ForceClose:
		m.force(id, t, e, act.ForceClose)
	}
}

func (m *trade) submit(t *work, e *entry, submit *roundsv1.TicketSubmit) {
	if t.state == atClosed && submit.GetRound() == t.round { // 7: late evidence, which the closure does not rest on; 37 where it is the approver's own
		t.did(e, e.GetPersonId())
		return
	}
	t.did(e, e.GetPersonId())
	t.manifests[submit.GetRound()] = append(t.manifests[submit.GetRound()], submit.GetPhotoIds()...)
	if submit.GetRound() != t.round || t.state == atMerged {
		return // 6, 9
	}
	if t.state == atCancelled && e.GetType() != roundsv1.EntryType_ENTRY_TYPE_ADMITTED {
		return // 5: it waits for a supervisor
	}
	before := t.state == atDispatched || t.state == atAccepted
	if before && slices.Contains(t.former, e.GetPersonId()) || e.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED {
		t.assignee = e.GetPersonId() // 1, 2, 5: the task of whoever had it meanwhile is withdrawn
	}
	t.state, t.asked = atDone, ""
}

// proved: whether the photos of the current round are in storage and sound.
func (m *trade) proved(id string, t *work) (bool, string) {
	sound := map[string]bool{}
	for _, photo := range t.manifests[t.round] {
		p := m.photos[photo]
		switch {
		case p == nil:
			return false, "photo " + photo + " was never promised"
		case p.hidden:
		case p.unclear:
			sound[photo] = true
		case p.subject != id && !m.leads(p.subject, id):
			return false, "photo " + photo + " is of another record"
		case p.state != roundsv1.PhotoState_PHOTO_STATE_CLEAN && p.state != roundsv1.PhotoState_PHOTO_STATE_SOFT:
			return false, "photo " + photo + " is " + p.state.String()
		default:
			sound[p.sha256] = true
		}
	}
	if len(sound) == 0 && !m.needsNone(id) {
		return false, "there is no photo"
	}
	return true, ""
}

// leads: whether a ticket was merged into another, over any others.
func (m *trade) leads(from, to string) bool {
	for range m.tickets { // as many hops as there are tickets, at most
		t := m.tickets[from]
		if t == nil || t.into == "" {
			return false
		}
		if from = t.into; from == to {
			return true
		}
	}
	return false
}

// needsNone: whether the ticket's category says that no photo is needed: an invoice, a word of praise.
func (m *trade) needsNone(id string) bool {
	asked := m.record(id).GetRequirements()
	return asked.GetCategoryId() != "" && asked.GetAfterPhotos() == 0
}

// record is a ticket as it stands at the end; nil where it is not among the live ones.
func (m *trade) record(id string) *roundsv1.Ticket {
	i := slices.IndexFunc(m.h.scope.Records, func(r *roundsv1.Change) bool { return r.GetRecordId() == id && r.GetRecord().GetTicket() != nil })
	if i < 0 {
		return nil
	}
	return m.h.scope.Records[i].GetRecord().GetTicket()
}

// decided: whoever decides on a round did none of the work.
func (m *trade) decided(id string, t *work, e *entry) {
	if by, did := t.hands[e.GetPersonId()]; did && by < e.GetSeq() {
		m.find(id, e, "%s decides on own work (entry %d)", e.GetPersonId(), by)
	}
}

func (m *trade) approve(id string, t *work, e *entry, round uint32) {
	if round == t.round && t.state == atClosed {
		m.decided(id, t, e)
		t.signers = append(t.signers, e.GetPersonId()) // 14
		return
	}
	if round != t.round || t.state != atReview {
		return // 13, 15
	}
	m.decided(id, t, e)
	if e.GetPersonId() == t.assignee {
		m.find(id, e, "the assignee approves")
	}
	if ok, why := m.proved(id, t); !ok {
		m.find(id, e, "closed without evidence: %s", why)
	}
	t.state, t.approved, t.signers, t.earned, t.forced = atClosed, e.GetPersonId(), nil, true, false
	t.closedUs = e.GetOutcome().GetTimeUs()
}

func (m *trade) force(id string, t *work, e *entry, act *roundsv1.TicketForceClose) {
	switch {
	case t.state != atDone && t.state != atPause:
		m.find(id, e, "a forced closure was taken in %v", t.state)
	case t.asked == "" || t.worked(t.asked): // who worked since is not one of the two
		t.asked = e.GetPersonId()
	case t.asked != e.GetPersonId():
		m.decided(id, t, e)
		if act.GetSecondPersonId() != t.asked {
			m.find(id, e, "a forced closure names %q, and %q asked for it", act.GetSecondPersonId(), t.asked)
		}
		t.state, t.earned, t.forced, t.asked = atClosed, true, true, ""
	}
}

// server follows what the server writes by itself.
func (m *trade) server(id string, t *work, e *entry, edit *roundsv1.Edit) {
	said := edit.GetRecord().GetTicket()
	if into := said.GetMergedIntoId(); into != "" {
		t.into = into
	}
	if parent := m.tickets[said.GetParentId()]; parent != nil && !slices.Contains(parent.children, id) {
		parent.children = append(parent.children, id) // the server made it of the other
	}
	if !slices.Contains(edit.GetFields(), fieldState) {
		if t.state == roundsv1.TicketState_TICKET_STATE_UNSPECIFIED {
			t.state = max(said.GetState(), atNew)
		}
		return
	}
	switch to := said.GetState(); {
	case to == t.state:
	case to == atReview && t.state == atDone:
		if ok, why := m.proved(id, t); !ok {
			m.find(id, e, "goes to review without evidence: %s", why)
		}
	case to == atClosed:
		if why := m.unfinished(t); why != "" {
			m.find(id, e, "closed by the server: %s", why)
		}
		t.earned = true
	}
	if said.GetState() != t.state {
		t.asked = ""
	}
	if said.GetState() != atClosed {
		t.earned, t.approved = false, ""
	}
	if slices.Contains(edit.GetFields(), 41) {
		t.round = said.GetRound()
	}
	for _, done := range said.GetCompletions() {
		t.did(e, done.GetPersonId())
		for _, photo := range done.GetPhotoIds() {
			if !slices.Contains(t.manifests[done.GetRound()], photo) {
				t.manifests[done.GetRound()] = append(t.manifests[done.GetRound()], photo)
			}
		}
	}
	t.state = said.GetState()
}

// unfinished says why the tasks of a ticket do not close it; "" where they do.
func (m *trade) unfinished(t *work) string {
	if len(t.children) == 0 {
		return "it has no tasks, and nobody approved"
	}
	for _, child := range t.children {
		switch c := m.tickets[child]; {
		case c == nil:
			return "task " + child + " is not here"
		case open(c.state):
			return "task " + child + " is " + c.state.String()
		}
	}
	return ""
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
	again := t.state == atReview && record.GetState() == atDone // what came with it has to be verified first
	if record.GetState() != t.state && !again && !(t.state == atNew && record.GetState() == 0) {
		m.c.find(P9, m.h.scope.Name, "ticket %s is %v; by the table it is %v", id, record.GetState(), t.state)
	}
	if record.GetState() != atClosed {
		return
	}
	if !t.earned {
		m.c.find(P9, m.h.scope.Name, "ticket %s is closed, and nothing of the table closed it", id)
	}
	if by, did := t.hands[t.approved]; did && t.approved != "" {
		m.c.find(P9, m.h.scope.Name, "ticket %s is closed by %s, who did some of the work (entry %d)", id, t.approved, by)
	}
	if forced := slices.Contains(record.GetFlags(), "forced"); forced != t.forced && len(t.children) == 0 {
		m.c.find(P9, m.h.scope.Name, "ticket %s: its flags say forced %v, and it is %v", id, forced, t.forced)
	}
}
