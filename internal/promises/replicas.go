package promises

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

// snapshot is the content of a scope as of one head of its journal, each record as its canonical bytes.
type snapshot struct {
	who     string
	records map[ref][]byte
}

func snapshotOf(who string, changes []*roundsv1.Change) (snapshot, error) {
	s := snapshot{who: who, records: make(map[ref][]byte, len(changes))}
	for _, change := range changes {
		kind, _ := merge.KindOf(change.GetRecord())
		encoded, err := merge.Marshal(change)
		if err != nil {
			return s, err
		}
		s.records[ref{kind, change.GetRecordId()}] = encoded
	}
	return s, nil
}

// differs names the first record in which two snapshots are not the same.
func (s snapshot) differs(o snapshot) (string, bool) {
	for _, r := range sortedRefs(s.records) {
		other, ok := o.records[r]
		switch {
		case !ok:
			return fmt.Sprintf("%s %s is with %s and not with %s", r.kind, r.id, s.who, o.who), true
		case !bytes.Equal(s.records[r], other):
			return fmt.Sprintf("%s %s is not the same with %s and with %s", r.kind, r.id, s.who, o.who), true
		}
	}
	for _, r := range sortedRefs(o.records) {
		if _, ok := s.records[r]; !ok {
			return fmt.Sprintf("%s %s is with %s and not with %s", r.kind, r.id, o.who, s.who), true
		}
	}
	return "", false
}

func sortedRefs(records map[ref][]byte) []ref {
	return slices.SortedFunc(maps.Keys(records), func(a, b ref) int {
		if a.kind != b.kind {
			return bytes.Compare([]byte(a.kind), []byte(b.kind))
		}
		return bytes.Compare([]byte(a.id), []byte(b.id))
	})
}

// sum is the state hash of a snapshot.
func (s snapshot) sum() (sum merge.StateHash) {
	for _, encoded := range s.records {
		sum.Add(merge.HashEncoded(encoded))
	}
	return sum
}

// replicas holds what devices hold against each other, and against what a fresh device pulled.
func (c *check) replicas() {
	type point struct {
		scope store.Scope
		seq   journal.Seq
	}
	first := map[point]snapshot{}
	for _, s := range c.evidence.Scopes {
		if s.Records == nil {
			continue
		}
		fresh, err := snapshotOf("a fresh device", s.Records)
		if err != nil {
			c.find(P3, s.Name, "%v", err)
			continue
		}
		first[point{s.Name, journal.Seq(len(s.Journal))}] = fresh
	}
	for _, d := range c.evidence.Devices {
		for _, scope := range slices.Sorted(maps.Keys(d.Holds)) {
			h := d.Holds[scope]
			if d.MayRead != nil && !d.MayRead(scope) {
				if len(h.Records) > 0 && d.Settled {
					c.find(P8, scope, "%s holds %d records of a scope that its person may not read", d.Name, len(h.Records))
				}
				continue
			}
			own, err := snapshotOf(d.Name, h.Records)
			if err != nil {
				c.find(P3, scope, "%s: %v", d.Name, err)
				continue
			}
			c.home(d, scope, own)
			c.holding(d, scope, h, own)
			if !h.Complete || h.Pending > 0 {
				continue
			}
			at := point{scope, h.Head.Seq}
			if other, ok := first[at]; !ok {
				first[at] = own
			} else if words, differs := own.differs(other); differs {
				c.behind = true
				c.find(P3, scope, "at %d: %s", h.Head.Seq, words)
			}
		}
		if d.Settled && d.MayRead != nil {
			for _, s := range c.evidence.Scopes {
				if _, holds := d.Holds[s.Name]; !holds && d.MayRead(s.Name) && len(s.Journal) > 0 {
					c.behind = true
				}
			}
		}
	}
}

// home wants every record to be one of the scope that it is held in.
func (c *check) home(d Device, scope store.Scope, own snapshot) {
	h := c.histories[scope]
	if h == nil {
		return
	}
	for _, r := range sortedRefs(own.records) {
		if _, known := h.acts[r]; !known && d.Holds[scope].Pending == 0 {
			c.find(P8, scope, "%s holds %s %s, which never was in this scope", d.Name, r.kind, r.id)
		}
	}
}

// holding looks at one replica by itself.
func (c *check) holding(d Device, scope store.Scope, h Holding, own snapshot) {
	if h.Repaired > 0 {
		c.find(P3, scope, "%s had to repair %d records", d.Name, h.Repaired)
	}
	if h.Complete && h.Pending == 0 && !h.StateHash.IsZero() && h.StateHash != journal.Hash(own.sum()) {
		c.find(P3, scope, "%s: its records do not add up to its state hash", d.Name)
	}
	if !d.Settled {
		return
	}
	end := journal.Seq(0)
	if history := c.histories[scope]; history != nil {
		end = journal.Seq(len(history.scope.Journal))
	}
	if !h.Complete || h.Head.Seq != end {
		c.behind = true
		c.find(P3, scope, "%s synced to the end and stands at %d of %d (complete: %v)", d.Name, h.Head.Seq, end, h.Complete)
	}
	if h.Pending > 0 {
		c.behind = true
		c.find(P7, scope, "%s still lays %d mutations on top of a complete pull", d.Name, h.Pending)
	}
	for _, q := range d.Queued {
		if q.Scope == scope && q.Status != 0 && q.Seq > h.Head.Seq {
			c.find(P7, scope, "%s: lane seq %d has its outcome at %d, the complete pull ends at %d", d.Name, q.Lane, q.Seq, h.Head.Seq)
		}
	}
}
