package work

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Foresee returns what the server will write in a record besides the mutation itself, if the person has the right to it and nobody else came
// first: the state of a ticket after a command, say. A device shows it while the mutation is pending. False: nothing, or the command would be
// refused or parked. It is pure, and safe for concurrent use.
func (r *Rules) Foresee(current *roundsv1.Change, m *roundsv1.Mutation, person engine.PersonID) (*roundsv1.Edit, bool) {
	kind, ok := merge.KindOfMutation(m)
	if !ok || current.GetDeleted() {
		return nil, false
	}
	if held, ok := merge.KindOf(current.GetRecord()); current != nil && (!ok || held != kind) {
		return nil, false
	}
	j := r.judgement(engine.Case{Kind: kind, Current: current, Mutation: m, Person: person, Saw: true,
		Time: time.UnixMicro(m.GetClock().GetWallUs()).UTC()})
	j.foresees = true
	if j.op == "" || current == nil && j.op != Create {
		return nil, false
	}
	verdict := j.transit(r.rows[kind][j.op])
	if verdict.Problem != nil || verdict.Effect == nil {
		return nil, false
	}
	return verdict.Effect, true
}
