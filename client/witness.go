package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// Witness is the head of a scope's journal as the server once showed it to this device. A journal that does not hold this hash
// at this seq was rewritten, or was restored to an earlier state.
type Witness struct {
	Seq  journal.Seq
	Hash journal.Hash
}

// recentWitnesses is how many witnesses are kept whole. Of those before it every second is kept for as many again, of those
// before it every fourth, and so on: some hundred more for a million.
const recentWitnesses = 1000

// witness keeps the head of the journal that came with a complete page.
func (rep *replica) witness(page *roundsv1.ScopePage) error {
	hash, err := journal.ParseHash(page.GetJournalHash())
	if err != nil || hash.IsZero() {
		return nil
	}
	s := &rep.state
	seq := journal.Seq(page.GetJournalSeq())
	if s.Witnesses > 0 && s.JournalSeq == seq && journal.Hash(s.JournalHash) == hash {
		return nil
	}
	s.Witnesses++
	s.JournalSeq, s.JournalHash = seq, hexHash(hash)
	value := append(binary.BigEndian.AppendUint64(nil, uint64(seq)), hash[:]...)
	if err := rep.w.Set(witnessKey(s.Witnesses), value); err != nil {
		return err
	}
	for level := uint(1); s.Witnesses > recentWitnesses<<(level-1); level++ {
		number := s.Witnesses - recentWitnesses<<(level-1)
		if number%(1<<level) == 0 {
			continue
		}
		if err := rep.w.Delete(witnessKey(number)); err != nil {
			return err
		}
	}
	return nil
}

// Witnesses returns the heads of a scope's journal that this device has seen, in the order in which it saw them: the last
// thousand, and ever fewer of those before.
func (d *Device) Witnesses(ctx context.Context, scope Scope) ([]Witness, error) {
	var all []Witness
	err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		for entry, err := range r.Scan(store.Prefix(single(tableWitness))) {
			if err != nil {
				return err
			}
			if len(entry.Value) != 8+len(journal.Hash{}) {
				return fmt.Errorf("%w: witness", errGarbled)
			}
			all = append(all, Witness{Seq: journal.Seq(binary.BigEndian.Uint64(entry.Value)), Hash: journal.Hash(entry.Value[8:])})
		}
		return nil
	})
	return all, in(scope, err)
}

// VerifyReplica computes the state hash of a scope afresh from the records as they rest. The error says that it is not the sum
// that was kept up, which no crash may cause.
func (d *Device) VerifyReplica(ctx context.Context, scope Scope) (journal.Hash, error) {
	var sum journal.Hash
	err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
		var state replicaState
		if _, err := load(r, single(tableReplica), &state); err != nil {
			return err
		}
		var err error
		sum, err = resum(r, state.Generation)
		if err != nil {
			return err
		}
		if sum != journal.Hash(state.Sum) {
			return errSum
		}
		return nil
	})
	return sum, in(scope, err)
}

var errSum = errors.New("the state hash is not the sum of the records")
