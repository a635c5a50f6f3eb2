package work

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// mostBeside bounds how many other records one act changes besides its own.
const mostBeside = 64

// beside is the judgement of another ticket or round of the scope that this act changes too: what a photo is of, the ticket that this one is a task of. There is
// one for each record, however often it is asked for, so that one change does not undo another. Nil: there are too many, and the other stays as it is.
func (j *judgement) beside(other *roundsv1.Change) *judgement {
	root := j
	if j.root != nil {
		root = j.root
	}
	for _, known := range root.others {
		if known.Current.GetRecordId() == other.GetRecordId() {
			return known
		}
	}
	if len(root.others) == mostBeside || root.Kind == kindOf(other) && root.Current.GetRecordId() == other.GetRecordId() {
		return nil
	}
	b := j.about(other)
	b.root = root
	root.others = append(root.others, b)
	return b
}

// kindOf is the kind of a record.
func kindOf(change *roundsv1.Change) merge.Kind {
	kind, _ := merge.KindOf(change.GetRecord())
	return kind
}

// about is a judgement of the same act as one on another ticket or round.
func (j *judgement) about(other *roundsv1.Change) *judgement {
	c := j.Case
	c.Kind, c.Current, c.Saw = kindOf(other), other, true
	c.Mutation = &roundsv1.Mutation{RecordId: other.GetRecordId(), Base: j.Mutation.GetBase(), BaseTimeUs: j.Mutation.GetBaseTimeUs(),
		Clock: j.Mutation.GetClock(), Act: j.Mutation.GetAct()}
	return &judgement{Case: c, rules: j.rules, reference: j.reference, directory: j.directory, op: j.op, args: j.args, foresees: j.foresees}
}

// conclude keeps what follows from what an act wrote on tickets and rounds: ledger, deadlines, parents, marks that a round does not keep. It comes after all effects.
func (j *judgement) conclude() {
	if j.Kind == kindTicket && !j.foresees {
		j.unEase()
		j.keepLedger()
		j.keepLineage()
		j.tellGaps()
		j.tellEmergency()
	}
	if j.Kind == kindInspection {
		j.forgetLate()
	}
	if j.root != nil {
		return
	}
	for i := 0; i < len(j.others); i++ { // one may bring in another
		other := j.others[i]
		other.lapse()
		other.conclude()
		if edit := other.draft.effect(other.Kind); edit != nil {
			j.verdict.Derived = append(j.verdict.Derived, engine.Derived{RecordID: merge.RecordID(other.Current.GetRecordId()), Edit: edit})
		}
		j.verdict.Derived = append(j.verdict.Derived, other.verdict.Derived...)
	}
}
