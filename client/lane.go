package client

import (
	"encoding/binary"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// laneTx is the outbox of one scope within one transaction.
type laneTx struct {
	w      store.Writer
	scope  Scope
	state  laneState
	report *Report
}

// unsent is how many mutations the server is not known to have.
func (s laneState) unsent() int { return int(s.Last - s.Taken) }

// rests tells whether the server refused the lane as a whole a short while ago. A clock that was set back does not make it
// rest for longer.
func (s laneState) rests(now int64, timing Timing) bool {
	return len(s.Problem) > 0 && now >= s.ParkedUS && now-s.ParkedUS < timing.Parked.Microseconds()
}

// settle takes what the server says of the lane at a time, by its clock, in answer to a request that sent so much of it.
func (l *laneTx) settle(result *roundsv1.LaneResult, sent sentLane, now int64) error {
	s := &l.state
	s.Ask, s.Problem, s.ParkedUS = false, nil, 0
	taken := journal.LaneSeq(result.GetTaken())
	// The server has mutations of this device that this device never made. What both have must be told apart first: it would
	// be taken twice if it were moved to a new identity.
	ahead := taken > s.Last
	// A lane seq that was not sent from here in this or an earlier answered request may be another phone's, with other
	// content: it is believed only when the server has compared ours.
	taken = min(taken, max(sent.through, s.Taken))
	if taken < s.Taken {
		if err := l.rewind(taken); err != nil {
			return err
		}
	}
	s.Taken = taken
	s.Forked = s.Forked || ahead && s.Taken == s.Last
	s.Confirmed = max(s.Confirmed, min(sent.confirmed, s.Acked))
	for _, outcome := range result.GetOutcomes() {
		seq := journal.LaneSeq(outcome.GetLaneSeq())
		if seq <= s.Acked {
			continue
		}
		if seq != s.Acked+1 || seq > s.Taken {
			break
		}
		if err := l.learn(seq, outcome, now, sent.first <= seq && seq <= sent.through); err != nil {
			return err
		}
		s.Acked = seq
	}
	s.Stable = min(s.Stable, s.Taken)
	return nil
}

// rewind makes everything behind taken unsent again: the server was restored from a backup that does not have it.
func (l *laneTx) rewind(taken journal.LaneSeq) error {
	s := &l.state
	if taken+1 < s.Floor {
		// The server lost what it had called stable, or what was kept for longer than the settings say.
		s.Forked = true
		taken = s.Floor - 1
	}
	for seq := taken + 1; seq <= s.Taken; seq++ {
		ref, err := l.record(seq)
		if err != nil {
			return err
		}
		if err := l.w.Set(pendingKey(ref, s.Branch, seq), []byte{0}); err != nil {
			return err
		}
		l.report.Again++
	}
	s.Taken = min(s.Taken, taken)
	s.Acked, s.Confirmed = min(s.Acked, taken), min(s.Confirmed, taken)
	s.Shown, s.Stable = min(s.Shown, taken), min(s.Stable, taken)
	s.doubt()
	return nil
}

// sure is the lane seq through which the stored outcomes cannot have changed: the server could not lose these mutations.
func (s laneState) sure() journal.LaneSeq { return max(s.Stable, s.Floor-min(s.Floor, 1)) }

// doubt asks again for the outcomes of all mutations held that the server may have lost: one that was restored from a backup may have judged
// them anew already, when a copy of an old request arrived.
func (s *laneState) doubt() {
	s.Acked, s.Confirmed = min(s.Acked, s.sure()), min(s.Confirmed, s.sure())
}

// makeSure lets the device ask how far the server has the lane, and what became of it, before it gives up what it holds: a server that was
// restored from a backup may lack something. It is false where nothing is held,
// or nothing can be asked.
func (s *laneState) makeSure() bool {
	if s.Floor > s.Last || s.Forked {
		return false
	}
	s.Ask = true
	s.doubt()
	return true
}

// record returns which record a held mutation is about.
func (l *laneTx) record(seq journal.LaneSeq) (recordRef, error) {
	m, err := loadMutation(l.w, l.state.Branch, seq)
	if err != nil {
		return recordRef{}, err
	}
	return mutationRef(m), nil
}

func mutationRef(m *roundsv1.Mutation) recordRef {
	kind, _ := merge.KindOfMutation(m)
	return recordRef{kind: kind, id: RecordID(m.GetRecordId())}
}

// learn stores one outcome: in the ledger, with what is laid on top, and in the tray where a person has to know. now is the server's clock;
// sent says that the mutation was sent for it, perhaps again.
func (l *laneTx) learn(seq journal.LaneSeq, outcome *roundsv1.Outcome, now int64, sent bool) error {
	of := l.state.Branch
	key := laneKey(tableLedger, of, seq)
	value, err := l.w.Get(key)
	if err != nil {
		return err
	}
	entry, err := decodeLedger(value)
	if err != nil {
		return err
	}
	told := entry.status == outcome.GetStatus() && entry.seq == journal.Seq(outcome.GetSeq())
	if told && !sent {
		l.report.known++
	} else {
		l.report.count(outcome.GetStatus())
	}
	entry.status, entry.seq, entry.toldUS = outcome.GetStatus(), journal.Seq(outcome.GetSeq()), now
	if err := l.w.Set(key, entry.encode()); err != nil {
		return err
	}
	m, err := loadMutation(l.w, of, seq)
	if err != nil {
		return err
	}
	ref := mutationRef(m)
	top := pendingKey(ref, of, seq)
	switch {
	case outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
		err = l.w.Delete(top)
	case seq > l.state.Shown:
		err = l.w.Set(top, binary.AppendUvarint(nil, outcome.GetSeq()))
	}
	if err != nil || told {
		return err // asked for again, and the same as before: what the person did with it in the tray stands
	}
	return l.toTray(seq, ref, m, outcome)
}

// show takes from the top what is in the snapshot: everything through own that the server is known to have from here.
func (l *laneTx) show(own journal.LaneSeq) error {
	s := &l.state
	through := min(own, s.Taken)
	for seq := s.Shown + 1; seq <= through; seq++ {
		ref, err := l.record(seq)
		if err != nil {
			return err
		}
		if err := l.w.Delete(pendingKey(ref, s.Branch, seq)); err != nil {
			return err
		}
		s.Shown = seq
	}
	return nil
}

// trim forgets the mutations that the server cannot lose any more, or that were kept for long enough. now is the server's clock.
func (l *laneTx) trim(now int64, limits Limits, timing Timing) error {
	s := &l.state
	for ; s.Floor <= min(s.Acked, s.Shown); s.Floor++ {
		key := laneKey(tableOutbox, s.Branch, s.Floor)
		if s.Floor > s.Stable && s.Bytes <= limits.RetainBytes {
			old, err := l.outlived(now, timing.Retain)
			if err != nil {
				return err
			}
			if !old {
				return nil
			}
		}
		value, err := l.w.Get(key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		s.Bytes -= max(0, int64(len(value)-len(journal.Hash{})))
		if err := l.w.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// outlived tells whether the server took the first mutation held longer ago than life, by its clock. When it was made says nothing: that may be as long ago as a phone
// was offline, or what a broken clock had.
func (l *laneTx) outlived(now int64, life time.Duration) (bool, error) {
	value, err := l.w.Get(laneKey(tableLedger, l.state.Branch, l.state.Floor))
	if err != nil {
		return false, err
	}
	entry, err := decodeLedger(value)
	return err == nil && now-entry.toldUS > life.Microseconds(), err
}

// park lets the lane rest: the server refused it as a whole.
func (l *laneTx) park(problem *roundsv1.Problem, now int64) error {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(problem)
	if err != nil {
		return err
	}
	l.state.Problem, l.state.ParkedUS = encoded, now
	return nil
}

func (l *laneTx) save() error { return save(l.w, single(tableLane), l.state) }
