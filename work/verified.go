package work

import (
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Verified tells whether the evidence of a ticket or an inspection round is complete and sound, and if so what the server writes in its record: the
// move to PENDING_REVIEW. False: it is not in the state that waits for evidence, or something is missing, promised, still to be looked at or
// refused.
//
// Scope is where the record stands, for the calendar of its deadlines. Category is the ticket's as the organisation has it, nil where it is not known; it counts
// where none was known when the ticket's requirements were pinned. Lookup reads another record of the same scope, nil where there is none; an error of it counts
// as nothing there. Photos are the ids of those whose subject is the record, or another ticket of which the manifests list photos, whoever names them: none of the
// round may stand refused and in sight, and those that are not listed are noted for the reviewer; none given: they are not asked about. The time of the move is that of the last thing that was found out about the photos. Verified is pure but for Lookup, changes nothing of what
// it is given, and is safe for concurrent use.
func (r *Rules) Verified(
	scope store.Scope, current *roundsv1.Change, category *roundsv1.Category, photos []merge.RecordID, lookup func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error),
) (*roundsv1.Edit, bool) {
	verdict, ok := r.verifies(scope, current, category, photos, lookup)
	return verdict.Effect, ok && verdict.Problem == nil && verdict.Effect != nil
}

// Missing is what keeps a ticket or an inspection round that waits for its evidence from review: the first thing that Verified asks and does not find. Nil: nothing, or it
// is not in the state that waits. It is for who shows the record, a device, say, which answers as well as it knows the photos. The arguments are those of Verified.
func (r *Rules) Missing(
	scope store.Scope, current *roundsv1.Change, category *roundsv1.Category, photos []merge.RecordID, lookup func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error),
) *roundsv1.Problem {
	verdict, _ := r.verifies(scope, current, category, photos, lookup)
	return verdict.Problem
}

// verifies is what becomes of a record whose evidence is asked about; false: it does not wait for any.
func (r *Rules) verifies(
	scope store.Scope, current *roundsv1.Change, category *roundsv1.Category, photos []merge.RecordID, lookup func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error),
) (engine.Verdict, bool) {
	kind, ok := merge.KindOf(current.GetRecord())
	if !ok || current.GetDeleted() {
		return engine.Verdict{}, false
	}
	j := r.judgement(engine.Case{Scope: scope, Kind: kind, Current: current, Saw: true, Lookup: lookup, Time: time.UnixMicro(current.GetTimeUs()).UTC()})
	j.op, j.category, j.photos = EvidenceVerified, category, texts(photos)
	rows := r.rows[kind][EvidenceVerified]
	if !slices.ContainsFunc(rows, j.counts) {
		return engine.Verdict{}, false
	}
	for _, id := range slices.Concat(ShownPhotos(current), j.photos) {
		if found := time.UnixMicro(j.lookup(kindPhoto, id).GetTimeUs()).UTC(); found.After(j.Time) {
			j.Time = found
		}
	}
	return j.transit(rows), true
}
