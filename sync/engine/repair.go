package engine

import (
	"bytes"
	"cmp"
	"context"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// repairs answers the ranges whose hashes differ from the device's, with their records as far as the budget reaches.
func (e *Engine) repairs(ctx context.Context, caller Caller, checks []*roundsv1.RangeCheck, budget int) ([]*roundsv1.RangeRepair, error) {
	var repairs []*roundsv1.RangeRepair
	named := make(map[string]bool, len(checks))
	for _, check := range checks {
		// Each record is hashed once at the most, however a request is made up.
		if named[check.GetScope()] || !ordered(check.GetRanges()) {
			return nil, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "checks.ranges",
				"校验范围无效。", "A scope is checked once, in ranges that are in order and do not overlap.").in(store.Scope(check.GetScope()))
		}
		named[check.GetScope()] = true
		at, err := decodeCursor(check.GetCursor())
		if err != nil {
			return nil, err
		}
		scope := store.Scope(check.GetScope())
		if !validScope(scope) || !e.cfg.Access.MayRead(caller.Person, scope, e.cfg.Now()) {
			return nil, refuse(Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "checks.scope",
				"您没有该范围的查看权限。", "You have no right to read this scope.").in(scope)
		}
		err = e.cfg.Store.View(ctx, scope, func(r store.Reader) error {
			head, err := readHead(r)
			if err != nil {
				return err
			}
			for _, asked := range check.GetRanges() {
				repair := &roundsv1.RangeRepair{Scope: string(scope), Range: proto.CloneOf(asked)}
				if !bytes.Equal(at.epoch[:], head.GetEpoch()) || at.complete != head.GetSeq() {
					repair.Stale = true
					repairs = append(repairs, repair)
					continue
				}
				equal, size, err := compare(r, asked, repair, budget)
				if err != nil {
					return err
				}
				if budget -= size; !equal {
					repairs = append(repairs, repair)
					e.log.Warn("replica differs", "scope", string(scope), "device", string(caller.Device),
						"first", asked.GetFirst().GetKind()+"/"+asked.GetFirst().GetId(), "last", asked.GetLast().GetKind()+"/"+asked.GetLast().GetId())
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return repairs, nil
}

// ordered: whether ranges follow each other without overlapping.
func ordered(ranges []*roundsv1.RecordRange) bool {
	var before *roundsv1.RecordRef
	for _, r := range ranges {
		if before != nil && compareRefs(before, r.GetFirst()) >= 0 || compareRefs(r.GetFirst(), r.GetLast()) > 0 {
			return false
		}
		before = r.GetLast()
	}
	return true
}

func compareRefs(a, b *roundsv1.RecordRef) int {
	return cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), cmp.Compare(a.GetId(), b.GetId()))
}

// compare hashes a range and, where it differs, fills the repair with its live records, or asks for smaller ranges where they are too many.
func compare(r store.Reader, asked *roundsv1.RecordRange, repair *roundsv1.RangeRepair, budget int) (equal bool, size int, err error) {
	first, ok1 := parseID(asked.GetFirst().GetId())
	last, ok2 := parseID(asked.GetLast().GetId())
	if !ok1 || !ok2 {
		return false, 0, refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "checks.ranges",
			"校验范围无效。", "A range is named by the kinds and ids of its ends.")
	}
	var sum merge.StateHash
	records := 0
	span := store.Span{From: recordKey(tableRecord, merge.Kind(asked.GetFirst().GetKind()), first),
		To: append(recordKey(tableRecord, merge.Kind(asked.GetLast().GetKind()), last), 0)}
	for entry, err := range r.Scan(span) {
		if err != nil {
			return false, 0, err
		}
		seq, err := valueSeq(entry.Value)
		if err != nil {
			return false, 0, err
		}
		value, err := r.Get(seqKey(tableChange, seq))
		if err != nil {
			return false, 0, err
		}
		if len(value) == 0 || value[0] != flagLive {
			continue
		}
		sum.Add(merge.HashEncoded(value[1:]))
		// The first record is sent however large it is: a range of one cannot be asked for in smaller ones.
		records++
		if size += len(value); size > budget && records > 1 {
			repair.Split = true
			continue
		}
		change := new(roundsv1.Change)
		if err := proto.Unmarshal(value[1:], change); err != nil {
			return false, 0, err
		}
		repair.Changes = append(repair.Changes, change)
	}
	repair.Range.StateHash = sum[:]
	if repair.Split {
		repair.Changes, size = nil, 0
	}
	if bytes.Equal(sum[:], asked.GetStateHash()) {
		return true, 0, nil
	}
	return false, size, nil
}
