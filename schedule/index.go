package schedule

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/deadline"
)

// The kinds of records that have something due.
const (
	kindTicket     merge.Kind = "ticket"
	kindInspection merge.Kind = "inspection"
	kindPlan       merge.Kind = "plan"
	kindConflict   merge.Kind = "conflict"
	kindNotice     merge.Kind = "notice"
	kindStaff      merge.Kind = "staff"
)

// The indexes: time, kind, 0, id. Times are microseconds since 1970, big endian with the sign turned so that they sort; ids are their 16 bytes. What is due a
// set time before or after what the record says stands in an index by itself, since the site's settings say how long that is.
const (
	// indexDue: when a deadline, a window or a grace ends, a level waits until, or a question is reminded of.
	indexDue engine.IndexName = "due"
	// indexAhead: when a window begins that is to be released ahead; of a plan, from when on its rounds are still to be made.
	indexAhead engine.IndexName = "due.ahead"
	// indexChase: when work was reported as done whose photos are not here, and nobody was asked for them.
	indexChase engine.IndexName = "due.chase"
	// indexForeman: the same, and the foreman was not told.
	indexForeman engine.IndexName = "due.foreman"
	// indexNotice: when something was told. Notices that devices hold.
	indexNotice engine.IndexName = "due.notice"
)

// IndexVersion changes when the entries do: the engine then makes the indexes anew.
const IndexVersion = "schedule 9"

// Index is what the Worker needs indexed of the records: engine.Config.Index takes it. It is pure.
type Index struct{}

var _ engine.Index = Index{}

// Entries implements engine.Index.
func (Index) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	if change.GetDeleted() || change.GetEvicted() {
		return nil
	}
	id, err := uuid.Parse(change.GetRecordId())
	if err != nil {
		return nil
	}
	var entries []engine.IndexEntry
	add := func(name engine.IndexName, us int64) {
		if us != 0 {
			entries = append(entries, engine.IndexEntry{Name: name, Key: append(append(append(timeKey(us), kind...), 0), id[:]...)})
		}
	}
	switch kind {
	case kindTicket:
		t := change.GetRecord().GetTicket()
		load, waits := dispatchEntries(id, t)
		entries = append(twinEntries(id, change), load...)
		add(indexDispatch, waits)
		if us, ok := deadline.Next(t.GetDeadlines()); ok {
			add(indexDue, us)
		}
	case kindInspection:
		i := change.GetRecord().GetInspection()
		if i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_PLANNED {
			add(indexAhead, i.GetWindowStartUs())
		}
		if passes(i) {
			add(indexDue, i.GetWindowEndUs())
		}
		if settles(i) {
			add(indexDue, max(i.GetGraceEndUs(), 1))
		}
		for _, l := range lingers() {
			add(l.name, l.since(change))
		}
	case kindStaff:
		if !change.GetRecord().GetStaff().GetLeft() {
			entries = append(entries, engine.IndexEntry{Name: indexStaff, Key: id[:]})
		}
	case kindPlan:
		if p := change.GetRecord().GetPlan(); p.GetRecurrence() != "" && !p.GetSuspended() {
			add(indexAhead, goesOn(change))
		}
	case kindNotice:
		add(indexNotice, change.GetRecord().GetNotice().GetTimeUs())
	case kindConflict:
		entries = askedEntries(id, change.GetRecord().GetConflict())
		if c := change.GetRecord().GetConflict(); c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			add(indexDue, c.GetRemindUs())
		}
	}
	if w, ok := waitsOf(change); ok {
		if !slices.Contains(w.flags, chasedFlag(w.round)) {
			add(indexChase, w.since)
		}
		if !slices.Contains(w.flags, foremanFlag(w.round)) {
			add(indexForeman, w.since)
		}
	}
	return entries
}

// fieldMadeThrough is the number of Plan's field that only this package writes.
const fieldMadeThrough = 40

// goesOn is from when on a plan's rounds are still to be made. Of one that was edited since they were, and so may have others now, it is the seq of that edit:
// long ago, and another one for each edit.
func goesOn(change *roundsv1.Change) int64 {
	var made, edited uint64
	for _, w := range change.GetWrites() {
		seq := w.GetStamp().GetSeq()
		edited = max(edited, seq)
		for _, field := range w.GetShown() {
			if field == fieldMadeThrough {
				made = max(made, seq)
			}
		}
	}
	if through := change.GetRecord().GetPlan().GetMadeThroughUs(); through != 0 && made >= edited {
		return through + 1
	}
	return int64(min(max(edited, 1), math.MaxInt32))
}

// anew: whether goesOn is no time but says that the plan is to be gone through anew.
func anew(from int64) bool { return from <= math.MaxInt32 }

// passes: whether a round's window can still pass without it.
func passes(i *roundsv1.Inspection) bool {
	switch i.GetState() {
	case roundsv1.InspectionState_INSPECTION_STATE_PLANNED, roundsv1.InspectionState_INSPECTION_STATE_RELEASED, roundsv1.InspectionState_INSPECTION_STATE_RUNNING:
		return i.GetRound() <= 1
	}
	return false
}

// settles: whether a round is taken for missed, and may still turn out to have been walked.
func settles(i *roundsv1.Inspection) bool {
	switch i.GetState() {
	case roundsv1.InspectionState_INSPECTION_STATE_MISSED, roundsv1.InspectionState_INSPECTION_STATE_PARTIAL:
		return i.GetProvisional()
	}
	return false
}

func timeKey(us int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(us)^1<<63) }

// item is one thing that is due: an entry of an index.
type item struct {
	us   int64 // as the record says
	kind merge.Kind
	id   merge.RecordID
	key  string // of the entry
}

func readItem(key []byte) (item, bool) {
	if len(key) < 8+2+16 {
		return item{}, false
	}
	return item{us: int64(binary.BigEndian.Uint64(key) ^ 1<<63), kind: merge.Kind(key[8 : len(key)-17]), id: merge.RecordID(uuid.UUID(key[len(key)-16:]).String()),
		key: string(key)}, true
}
