package client

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// ranges is into how many ranges a scope is split to find where it differs.
const ranges = 64

// repairTries is how often a difference is located by ranges before the scope is pulled from the beginning.
const repairTries = 6

// compare holds the replica against the state hash of a complete page. A difference is remembered on disk, so that it is
// repaired even after a crash.
func (d *Device) compare(ctx context.Context, scope Scope, rep *replica, page *roundsv1.ScopePage, did *Report) error {
	if len(page.GetStateHash()) == 0 || bytes.Equal(page.GetStateHash(), rep.state.Sum[:]) {
		rep.state.Diverged = 0
		return nil
	}
	did.Diverged++
	sum, err := resum(rep.w, rep.state.Generation)
	if err != nil {
		return err
	}
	if rep.state.Sum = hexHash(sum); bytes.Equal(page.GetStateHash(), sum[:]) {
		d.log.ErrorContext(ctx, "sum of the replica was wrong, its records are not", "scope", scope)
		rep.state.Diverged = 0
		return nil
	}
	rep.state.Diverged++
	d.log.ErrorContext(ctx, "replica differs from the server", "scope", scope, "journal_seq", page.GetJournalSeq(), "try", rep.state.Diverged)
	if rep.state.Diverged > repairTries {
		rep.reset()
		rep.state.Cursor = nil
		did.Resets++
	}
	return nil
}

// check makes the question by which a difference is located: the hashes of ranges that cover all possible records without a
// gap. Where an answer before said that a range is too large, it is split further.
func (d *Device) check(ctx context.Context, s standing) (*roundsv1.RangeCheck, error) {
	check := &roundsv1.RangeCheck{Scope: string(s.scope), Cursor: s.replica.Cursor}
	within := d.link.split[s.scope]
	if len(within) == 0 {
		within = []*roundsv1.RecordRange{{First: firstRef(), Last: lastRef()}}
	}
	within = within[:min(len(within), ranges)]
	err := d.cfg.Store.View(ctx, s.scope, func(r store.Reader) error {
		for _, whole := range within {
			parts, err := splitRange(r, whole, ranges/len(within))
			if err != nil {
				return err
			}
			check.Ranges = append(check.Ranges, parts...)
		}
		return nil
	})
	return check, err
}

// firstRef and lastRef stand before and behind every record.
func firstRef() *roundsv1.RecordRef { return &roundsv1.RecordRef{Id: uuid.Nil.String()} }

func lastRef() *roundsv1.RecordRef {
	return &roundsv1.RecordRef{Kind: strings.Repeat("~", 64), Id: uuid.Max.String()}
}

// splitRange splits a range into at most n with about as many records each, and hashes them.
func splitRange(r store.Reader, whole *roundsv1.RecordRange, n int) ([]*roundsv1.RecordRange, error) {
	count := 0
	for _, err := range r.Scan(rangeSpan(whole)) {
		if err != nil {
			return nil, err
		}
		count++
	}
	each := (count + n - 1) / max(n, 1)
	var parts []*roundsv1.RecordRange
	part := &roundsv1.RecordRange{First: whole.GetFirst()}
	var sum merge.StateHash
	filled := 0
	end := func(last *roundsv1.RecordRef) {
		part.Last, part.StateHash = last, append([]byte(nil), sum[:]...)
		parts = append(parts, part)
		sum, filled = merge.StateHash{}, 0
	}
	for entry, err := range r.Scan(rangeSpan(whole)) {
		if err != nil {
			return nil, err
		}
		ref, err := keyRef(entry.Key)
		if err != nil {
			return nil, err
		}
		stored, err := decodeRecord(entry.Value)
		if err != nil {
			return nil, err
		}
		if filled == each {
			last, err := before(ref)
			if err != nil {
				return nil, err
			}
			end(last)
			part = &roundsv1.RecordRange{First: &roundsv1.RecordRef{Kind: string(ref.kind), Id: string(ref.id)}}
		}
		sum.Add(merge.HashEncoded(stored.encoded))
		filled++
	}
	end(whole.GetLast())
	return parts, nil
}

// before returns the last reference that may stand before ref, one less as a number: the next range begins with ref, and
// nothing fits between.
func before(ref recordRef) (*roundsv1.RecordRef, error) {
	id, err := uuid.Parse(string(ref.id))
	if err != nil || id == uuid.Nil {
		return nil, fmt.Errorf("%w: record id %q", errGarbled, ref.id)
	}
	for at := len(id) - 1; at >= 0; at-- {
		if id[at]--; id[at] != 0xff {
			break
		}
	}
	return &roundsv1.RecordRef{Kind: string(ref.kind), Id: id.String()}, nil
}

// rangeSpan is the span of the records of a range, both ends included.
func rangeSpan(of *roundsv1.RecordRange) store.Span {
	first, last := of.GetFirst(), of.GetLast()
	return store.Span{
		From: recordKey(merge.Kind(first.GetKind()), RecordID(first.GetId())),
		To:   append(recordKey(merge.Kind(last.GetKind()), RecordID(last.GetId())), 0),
	}
}

// mend applies the server's answers to a check. They are for the snapshot at one cursor, and of no use at another.
func (d *Device) mend(ctx context.Context, scope Scope, rep *replica, s *share, did *Report) error {
	delete(d.link.split, scope)
	if !bytes.Equal(s.repair, rep.state.Cursor) || rep.state.Resetting {
		return nil
	}
	for _, repair := range s.repairs {
		switch {
		case repair.GetStale():
			return nil // the page of this answer, or of the next, brings the change
		case repair.GetSplit():
			d.link.split[scope] = append(d.link.split[scope], repair.GetRange())
			continue
		}
		changed, err := rep.mendRange(repair)
		if err != nil {
			return err
		}
		if changed > 0 {
			rep.state.Diverged = 1 // it gets better: the tries are counted anew
		}
		did.Repairs += changed
		rep.state.Repairs += changed
		d.log.ErrorContext(ctx, "replica repaired", "scope", scope, "records", changed)
	}
	return nil
}

// mendRange makes a range hold exactly what the server says, and returns how many records that changed.
func (rep *replica) mendRange(repair *roundsv1.RangeRepair) (int, error) {
	changed := 0
	told := map[recordRef]*roundsv1.Change{}
	for _, change := range repair.GetChanges() {
		told[refOf(change)] = change
	}
	var gone []recordRef
	for entry, err := range rep.w.Scan(rangeSpan(repair.GetRange())) {
		if err != nil {
			return 0, err
		}
		ref, err := keyRef(entry.Key)
		if err != nil {
			return 0, err
		}
		if told[ref] == nil {
			gone = append(gone, ref)
		}
	}
	for _, ref := range gone {
		old, err := loadRecord(rep.w, ref)
		if err != nil {
			return 0, err
		}
		if err := rep.drop(ref, old); err != nil {
			return 0, err
		}
		changed++
	}
	for ref, change := range told {
		old, err := loadRecord(rep.w, ref)
		if err != nil {
			return 0, err
		}
		if old.change != nil && merge.HashEncoded(old.encoded) == merge.Hash(change) {
			continue
		}
		if err := rep.set(ref, old, change); err != nil {
			return 0, err
		}
		changed++
	}
	return changed, nil
}

// resum computes the sum of the replica afresh, from the records as they rest: the sum itself may be what is wrong.
func resum(r store.Reader, generation uint64) (journal.Hash, error) {
	var sum merge.StateHash
	for entry, err := range r.Scan(store.Prefix(single(tableRecord))) {
		if err != nil {
			return journal.Hash{}, err
		}
		stored, err := decodeRecord(entry.Value)
		if err != nil {
			return journal.Hash{}, err
		}
		if stored.generation == generation {
			sum.Add(merge.HashEncoded(stored.encoded))
		}
	}
	return journal.Hash(sum), nil
}
