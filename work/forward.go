package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// maxHops bounds how far mergers are followed.
const maxHops = 16

// endOf follows a ticket to the one that it goes on in: itself, where it was not merged. Nil: the way ends in nothing, or in a circle.
func (j *judgement) endOf(change *roundsv1.Change) *roundsv1.Change {
	for range maxHops {
		t := change.GetRecord().GetTicket()
		switch {
		case t == nil:
			return nil
		case state(t.GetState()) != merged:
			return change
		}
		change = j.lookup(kindTicket, t.GetMergedIntoId())
	}
	return nil
}

// forward is row 6: a completion of a ticket that was merged meanwhile is judged on the one that it goes on in, as a completion of the round that this one is in,
// by somebody whom it was given to. So is what a customer says of the work on a ticket that was merged: of the round that the other was in then. The answer is kept:
// conditions and effects of the row ask for it.
func (j *judgement) forward() *engine.Verdict {
	if j.onward != nil {
		return j.onward
	}
	j.onward = &engine.Verdict{}
	end := j.endOf(j.Current)
	if end == nil {
		return j.onward
	}
	onto := j.about(end)
	onto.Saw, onto.merged = false, j.Current
	if onto.args.round = max(end.GetRecord().GetTicket().GetRound(), 1); j.op != SubmitCompletion {
		onto.args.round = onto.roundAt()
	}
	*j.onward = onto.transit(j.rules.rows[kindTicket][j.op])
	if j.onward.Effect != nil {
		j.onward.Derived = append([]engine.Derived{{RecordID: merge.RecordID(end.GetRecordId()), Edit: j.onward.Effect}}, j.onward.Derived...)
		j.onward.Effect = nil
	}
	return j.onward
}

// maxMerged is how many tickets the schema lets one name that were merged into it.
const maxMerged = 64

// takesIn notes that another ticket goes on in this one, with those that go on in that.
func (j *judgement) takesIn(id string, other *roundsv1.Ticket) {
	all := slices.Clone(j.after().GetMergedIds())
	for _, id := range append([]string{id}, other.GetMergedIds()...) {
		if len(all) < maxMerged && !slices.Contains(all, id) {
			all = append(all, id)
			j.editTicket(ticketMerged).MergedIds = slices.Clone(all)
		}
	}
}

// takeOnward takes over what came of forwarding.
func (j *judgement) takeOnward() {
	v := j.forward()
	j.verdict.Derived = append(j.verdict.Derived, v.Derived...)
	j.verdict.Flags = append(j.verdict.Flags, v.Flags...)
	j.verdict.Flags = append(j.verdict.Flags, "forwarded")
	j.verdict.Park, j.verdict.Problem, j.verdict.Sides = v.Park, v.Problem, v.Sides
}

// ofMerged: whether this is about a completion that was sent to a ticket which was merged into this one, by who had that one.
func (j *judgement) ofMerged() bool {
	t := j.merged.GetRecord().GetTicket()
	return t != nil && j.Person != "" && (slices.Contains(performers(t), string(j.Person)) || slices.Contains(t.GetFormerAssigneeIds(), string(j.Person)))
}

// passOn shows what is added to a merged ticket on the one that it goes on in, too: labour, readings, scans, and answers where that one has none. Sums are not
// passed on: a part that was used once is not used twice.
func (j *judgement) passOn() {
	end := j.endOf(j.Current)
	if j.foresees || end == nil {
		return
	}
	onto := j.beside(end)
	if onto == nil {
		return
	}
	said, has := j.written().GetTicket(), onto.ticket()
	if len(said.GetLabour()) > 0 {
		onto.editTicket(ticketLabour).Labour = said.GetLabour()
	}
	if len(said.GetReadings()) > 0 {
		onto.editTicket(ticketReadings).Readings = said.GetReadings()
	}
	if len(said.GetScans()) > 0 {
		onto.editTicket(ticketScans).Scans = said.GetScans()
	}
	for item, answer := range said.GetAnswers() {
		if has.GetAnswers()[item] == nil {
			t := onto.editTicket(ticketAnswers)
			if t.Answers == nil {
				t.Answers = map[string]*roundsv1.Answer{}
			}
			t.Answers[item] = answer
		}
	}
	people := j.workersIn()
	onto.perform(j.worker()) // whom labour names stands in the labour
	if self := onto.selfApproved(people); len(self) > 0 {
		onto.takeBackApproval(self)
	}
}
