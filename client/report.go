package client

import (
	"log/slog"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Report says what a Sync did. It is complete also when Sync returns an error.
type Report struct {
	// Exchanges that were answered.
	Exchanges int
	// Sent counts mutations in requests that were answered, those sent again included.
	Sent int
	// Outcomes that were stored, by status. One that the server tells again of what was not sent again, as a device asks it to before it gives up what it holds, is not counted again.
	Applied, Merged, Conflicts, Rejected, Quarantined int
	// Changed counts records of the replica that changed, came or went.
	Changed int
	// Again counts mutations that the server had taken and lost, and that are pushed again.
	Again int
	// Resets counts snapshots that began anew.
	Resets int
	// Diverged counts complete pulls whose state hash differed from the server's; Repairs counts the records that were put right.
	Diverged, Repairs int
	// Purged, Parked and Forked name the scopes to which that happened.
	Purged, Parked, Forked []Scope
	// Photos counts what the uploads behind the words did.
	Photos PhotoTally

	known    int // outcomes that came again, the same as before: what was asked for came, so they are progress
	halvings int // of batches in search of a fork: they end, so they are progress
}

func (r *Report) count(status roundsv1.OutcomeStatus) {
	switch status {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED:
		r.Applied++
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		r.Merged++
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT:
		r.Conflicts++
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
		r.Rejected++
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
		r.Quarantined++
	}
}

// Outcomes is how many outcomes were stored.
func (r *Report) Outcomes() int {
	return r.Applied + r.Merged + r.Conflicts + r.Rejected + r.Quarantined
}

// progress is a number that grows whenever something was achieved.
func (r *Report) progress() int {
	return r.Outcomes() + r.Changed + r.Again + r.Resets + r.Repairs + r.Diverged + len(r.Purged) + len(r.Parked) + len(r.Forked) + r.known + r.halvings
}

// add folds in what one transaction did. A transaction that failed is not folded in.
func (r *Report) add(o Report) {
	r.Exchanges += o.Exchanges
	r.Sent += o.Sent
	r.Applied += o.Applied
	r.Merged += o.Merged
	r.Conflicts += o.Conflicts
	r.Rejected += o.Rejected
	r.Quarantined += o.Quarantined
	r.known += o.known
	r.Changed += o.Changed
	r.Again += o.Again
	r.Resets += o.Resets
	r.Diverged += o.Diverged
	r.Repairs += o.Repairs
	r.Purged = union(r.Purged, o.Purged)
	r.Parked = union(r.Parked, o.Parked)
	r.Forked = union(r.Forked, o.Forked)
	r.Photos.add(o.Photos)
}

func union(a, b []Scope) []Scope {
	for _, scope := range b {
		if !slices.Contains(a, scope) {
			a = append(a, scope)
		}
	}
	return a
}

// LogValue implements slog.LogValuer.
func (r Report) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("exchanges", r.Exchanges), slog.Int("sent", r.Sent), slog.Int("outcomes", r.Outcomes()),
		slog.Int("changed", r.Changed), slog.Int("again", r.Again), slog.Int("resets", r.Resets), slog.Int("repairs", r.Repairs))
}
