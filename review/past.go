package review

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Numbers of the fields of Ticket that are followed here, or of which the rules write more than the journal says.
const (
	ticketCategory = 3
	ticketPriority = 4
	ticketCrew     = 13
	ticketState    = 40
	ticketAssignee = 42
)

// mostMoves is how many moves a ticket has at most; of one that has as many, some were taken away.
const mostMoves = 512

// replacement is what an edit or a command wrote over.
type replacement struct {
	fields []uint32
	record *roundsv1.Record
}

// past goes through the history of one record, entry by entry, and tells what stood before each. The journal has what people and the server sent, and not what the rules
// wrote in the record because of it: so edits are merged again; of what commands write, a ticket's state is read from its moves, its assignee and category from the commands; and
// nothing is said of the rest.
type past struct {
	kind   merge.Kind
	change *roundsv1.Change // as edits made it
	lost   bool             // something that was done is gone: a field that is empty here need not have been
	ruled  bool             // a command was done: the rules may have changed the crew

	ledger   bool // moves are all there
	moves    map[moment]*roundsv1.Move
	state    followed[roundsv1.TicketState]
	assignee followed[string]
}

// moment is who did something when, by which a move is found.
type moment struct {
	us     int64
	person string
}

// followed is the value of a field as far as it is known.
type followed[T comparable] struct {
	value T
	known bool
}

func (f *followed[T]) set(value T) { f.value, f.known = value, true }
func (f *followed[T]) lose()       { f.known = false }

// newPast begins before the first entry about a record that stands so now; nil: there is none.
func newPast(kind merge.Kind, current *roundsv1.Change) *past {
	p := &past{kind: kind}
	if moves := current.GetRecord().GetTicket().GetMoves(); len(moves) > 0 && len(moves) < mostMoves {
		p.ledger, p.moves = true, make(map[moment]*roundsv1.Move, len(moves))
		for _, m := range moves {
			p.moves[moment{m.GetTimeUs(), m.GetPersonId()}] = m
		}
	}
	return p
}

// next takes in one entry, by which was done what did encodes, and tells what it replaced, if that is wanted.
func (p *past) next(entry engine.HistoryEntry, did []byte, wanted bool) (was replacement) {
	switch entry.Outcome.GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
	default:
		return was
	}
	if entry.Head.GetType() == roundsv1.EntryType_ENTRY_TYPE_EVICTED {
		return was
	}
	m := new(roundsv1.Mutation)
	if len(did) == 0 || proto.Unmarshal(did, m) != nil {
		p.change, p.lost = nil, true
		p.state.lose()
		p.assignee.lose()
		return was
	}
	before, state, assignee := p.change, p.state, p.assignee
	p.merge(entry, m)
	if p.kind == kindTicket {
		p.follow(entry, m, before == nil && !p.lost)
	}
	if !wanted || before == nil && !p.lost {
		return was
	}
	fields := m.GetEdit().GetFields()
	if m.GetCommand().GetTicket().GetTriage() != nil {
		fields = []uint32{ticketCategory}
	}
	was = p.overwritten(before.GetRecord(), p.change.GetRecord(), fields)
	if state.known && p.state.known && state != p.state {
		was.ticket(ticketState).State = state.value
	}
	if assignee.known && p.assignee.known && assignee != p.assignee {
		was.ticket(ticketAssignee).AssigneeId = assignee.value
	}
	return was
}

// ticket is where the value of one field more goes.
func (r *replacement) ticket(field uint32) *roundsv1.Ticket {
	r.fields = append(r.fields, field)
	if r.record.GetTicket() == nil {
		r.record = &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{}}}
	}
	return r.record.GetTicket()
}

// merge takes in what an edit, a fact or a triage wrote.
func (p *past) merge(entry engine.HistoryEntry, m *roundsv1.Mutation) {
	head, capacity := entry.Head, merge.Device
	if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DERIVED {
		capacity = merge.Rules
	}
	if command := m.GetCommand(); command != nil {
		p.ruled = true
		triage := command.GetTicket().GetTriage()
		if triage == nil || p.change == nil {
			return
		}
		m = &roundsv1.Mutation{RecordId: m.GetRecordId(), Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Fields: []uint32{ticketCategory},
			Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{CategoryId: triage.GetCategoryId()}}}}}}
		capacity = merge.Rules
	}
	merged := merge.Apply(p.change, merge.Input{Mutation: m, Capacity: capacity, Stamp: &roundsv1.Stamp{Seq: head.GetSeq(), DeviceId: head.GetDeviceId(),
		TimeUs: timeOf(entry), PersonId: head.GetPersonId(), Roles: head.GetRoles()}})
	if merged.Problem == nil {
		p.change = merged.Change
	}
}

// follow finds out where a ticket stands after an entry, and who is to do it.
func (p *past) follow(entry engine.HistoryEntry, m *roundsv1.Mutation, first bool) {
	person, edit, command := entry.Head.GetPersonId(), m.GetEdit(), m.GetCommand().GetTicket()
	if entry.Head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DERIVED {
		// What the server writes says it all.
		if t := edit.GetRecord().GetTicket(); t != nil {
			if first || slices.Contains(edit.GetFields(), ticketState) {
				p.state.set(t.GetState())
			}
			if first || slices.Contains(edit.GetFields(), ticketAssignee) {
				p.assignee.set(t.GetAssigneeId())
			}
		}
		return
	}
	if first {
		p.assignee.set("")
	}
	move := p.moves[moment{timeOf(entry), person}]
	interval := command.GetStart() != nil || command.GetPause() != nil || command.GetResume() != nil
	switch {
	case !p.ledger:
		p.state.lose()
	case move != nil && interval && move.GetLate():
		p.state.lose() // an interval that was put where it belongs leaves the state as it is; a start may have been more
	case move != nil:
		p.state.set(move.GetState())
	case interval && command.GetStart() == nil:
		p.state.lose() // a pause that stopped no clock goes out of the ledger some day
	}
	switch {
	case command.GetDispatch() != nil:
		p.assignee.set(command.GetDispatch().GetAssigneeId())
	case command.GetDecline() != nil, move != nil && (command.GetDispute() != nil || command.GetFollowUp() != nil || command.GetReopen() != nil):
		p.assignee.set("")
	case command.GetAccept() != nil:
		p.assignee.set(person) // also where it was declined before, on another phone
	case command.GetSubmitCompletion() != nil && slices.ContainsFunc(entry.Outcome.GetFlags(), takesOver):
		p.assignee.set(person)
	case command.GetSubmitCompletion() != nil && entry.Head.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED && p.assignee.value != person:
		p.assignee.lose() // taken over, unless the person was of the crew
	}
}

// takesOver: whether a completion with such a mark makes its person the assignee.
func takesOver(flag string) bool {
	return flag == "done_by_former_assignee" || flag == "done_on_merged_ticket"
}

// overwritten returns what stood in those of the fields that are different after, as far as that is known.
func (p *past) overwritten(before, after *roundsv1.Record, fields []uint32) replacement {
	was, is := contentOf(before), contentOf(after)
	if was == nil || is == nil || was.Descriptor() != is.Descriptor() {
		return replacement{}
	}
	var r replacement
	kept := was.New()
	for _, number := range fields {
		field := was.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(number))
		if field == nil || was.Get(field).Equal(is.Get(field)) && was.Has(field) == is.Has(field) || !p.knows(number, was.Has(field)) {
			continue
		}
		r.fields = append(r.fields, number)
		if was.Has(field) {
			kept.Set(field, was.Get(field))
		}
	}
	if len(r.fields) > 0 {
		record := before.ProtoReflect().New()
		record.Set(kindField(before), protoreflect.ValueOfMessage(kept))
		r.record, _ = record.Interface().(*roundsv1.Record)
	}
	return r
}

// knows: whether what merging the edits again shows in a field is what stood there. Of records that have commands the rules write fields of the server and of the workflow,
// the priority that a category begins with, and who comes into the crew and leaves it.
func (p *past) knows(number uint32, set bool) bool {
	if p.lost && !set {
		return false
	}
	switch p.kind {
	case kindTicket, kindInspection, kindConflict:
		switch policy, _ := merge.PolicyOf(p.kind, protoreflect.FieldNumber(number)); policy {
		case roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW, roundsv1.MergePolicy_MERGE_POLICY_SERVER:
			return false
		}
	}
	if p.kind == kindTicket {
		return (number != ticketPriority || set) && (number != ticketCrew || !p.ruled)
	}
	return true
}
