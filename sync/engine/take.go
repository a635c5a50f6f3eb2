package engine

import (
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// maxOutcomes bounds the outcomes in one answer; a device that confirmed nothing for long gets the rest with its next request.
const maxOutcomes = 2000

// take takes a push in a transaction: every new mutation gets its seq, its outcome and its journal entry, and the lane moves on.
func (tx *transaction) take(p *push) error {
	p.result, p.left = nil, 0
	lane, err := readLane(tx.w, p.caller.Device, p.scope)
	if err != nil {
		return err
	}
	fresh, err := fits(tx.w, p, lane)
	if err != nil {
		return err
	}
	result := &roundsv1.LaneResult{Scope: string(p.scope)}
	if from := p.batch.GetConfirmed() + 1; from <= lane.GetTaken() && from != 0 {
		to := min(lane.GetTaken(), from+maxOutcomes-1)
		if err := laneEntries(tx.w, p.caller.Device, from, to, func(head *roundsv1.EntryHead) error {
			outcome, err := fullOutcome(tx.w, head)
			result.Outcomes = append(result.Outcomes, outcome)
			return err
		}); err != nil {
			return err
		}
	}
	if items := p.items[min(fresh, len(p.items)):]; len(items) > 0 {
		if p.most > 0 && len(items) > p.most {
			items, p.left = items[:p.most], len(items)-p.most
		}
		complete := p.batch.GetConfirmed()+uint64(len(result.Outcomes)) >= lane.GetTaken()
		outcomes, err := tx.takeRun(p, lane, items)
		if err != nil {
			return err
		}
		if complete {
			result.Outcomes = append(result.Outcomes, outcomes...)
		}
	}
	result.Taken = lane.GetTaken()
	if result.Stable, err = laneStable(tx.w, p.caller.Device, lane, tx.head.GetStableSeq()); err != nil {
		return err
	}
	p.result = result
	return nil
}

// takeRun takes mutations that are new to a lane and moves the lane on.
func (tx *transaction) takeRun(p *push, lane *roundsv1.Lane, items []item) ([]*roundsv1.Outcome, error) {
	run := &roundsv1.LaneRun{JournalSeqs: make([]uint64, 0, len(items))}
	outcomes := make([]*roundsv1.Outcome, 0, len(items))
	firstSeq := lane.GetTaken() + 1
	for i := range items {
		it := &items[i]
		made, trust := correct(it.mutation.GetClock(), p.clock, p.now, lane.GetContact())
		c := &candidate{item: it, caller: p.caller, revoked: p.revoked, laneSeq: lane.GetTaken() + 1,
			time: max(made, lane.GetTimeUs()+1), trust: trust, now: p.now}
		if i == len(items)-1 && p.left == 0 {
			c.signature = p.batch.GetSignature()
		}
		outcome, err := tx.settle(c)
		if err != nil {
			return nil, err
		}
		lane.Taken, lane.TimeUs, lane.JournalSeq = c.laneSeq, c.time, outcome.GetSeq()
		run.JournalSeqs = append(run.JournalSeqs, outcome.GetSeq())
		outcomes = append(outcomes, outcome)
	}
	last := &items[len(items)-1]
	lane.Hash, run.Hash = last.laneHash[:], last.laneHash[:]
	if p.left == 0 { // what is left of this request is measured against the one before, too
		lane.Contact = &roundsv1.Contact{Device: p.clock, ServerUs: p.now}
	}
	if err := writeMessage(tx.w, runKey(p.caller.Device, firstSeq), run); err != nil {
		return nil, err
	}
	return outcomes, writeMessage(tx.w, deviceKey(tableLane, p.caller.Device), lane)
}

// settle decides on one mutation, writes its journal entry and all that follows from it.
func (tx *transaction) settle(c *candidate) (*roundsv1.Outcome, error) {
	d, err := tx.decide(c)
	if err != nil {
		return nil, err
	}
	seq := tx.head.GetSeq() + 1
	d.outcome.LaneSeq, d.outcome.Seq, d.outcome.TimeUs, d.outcome.Trust = c.laneSeq, seq, c.time, c.trust
	head := &roundsv1.EntryHead{
		Seq: seq, Type: roundsv1.EntryType_ENTRY_TYPE_MUTATION, DeviceId: string(c.caller.Device), PersonId: string(c.caller.Person),
		LaneSeq: c.laneSeq, Signature: c.signature, Roles: c.roles, TakenUs: c.now, Outcome: d.outcome, RecordTimeUs: d.after.GetTimeUs(),
	}
	if c.act != "" {
		head.Type, head.ActId = roundsv1.EntryType_ENTRY_TYPE_DESK, c.act
	}
	if c.item.kind != "" {
		head.Record = &roundsv1.RecordRef{Kind: string(c.item.kind), Id: c.item.mutation.GetRecordId()}
	}
	if err := tx.enter(head, c.item.contentHash, c.item.content); err != nil {
		return nil, err
	}
	return d.outcome, tx.follow(c, d, seq)
}

// follow writes what a decision brings with it: the record, conflicts, derived records, and what had waited for it.
func (tx *transaction) follow(c *candidate, d *decision, seq uint64) error {
	if d.after != nil && d.after != d.before.change {
		if err := tx.put(c.item.kind, d.before, d.after, len(c.item.content)); err != nil {
			return err
		}
		if err := tx.askAgain(c, d, seq); err != nil {
			return err
		}
	}
	if d.conflict != nil {
		if err := tx.park(c, d, seq); err != nil {
			return err
		}
	}
	for _, derived := range d.derived {
		if err := tx.derive(string(derived.RecordID), derived.Edit, c.time, seq); err != nil {
			return err
		}
	}
	if d.admit != nil {
		if _, err := tx.again(d.admit); err != nil {
			return err
		}
	}
	if d.before.change == nil && d.after != nil {
		return tx.release(c.item.kind, c.item.id, seq)
	}
	return nil
}

// fullOutcome returns the outcome of a journal entry as its device was told it.
func fullOutcome(r store.Reader, head *roundsv1.EntryHead) (*roundsv1.Outcome, error) {
	if len(head.GetOutcome().GetLosses()) == 0 {
		return head.GetOutcome(), nil
	}
	full := new(roundsv1.Outcome)
	found, err := readMessage(r, seqKey(tableOutcome, head.GetSeq()), full)
	if !found {
		full = head.GetOutcome() // its values were redacted
	}
	return full, err
}

// laneStable returns the lane seq through which a lane's mutations stand in the journal at or before stableSeq.
func laneStable(r store.Reader, device DeviceID, lane *roundsv1.Lane, stableSeq uint64) (uint64, error) {
	if lane.GetJournalSeq() <= stableSeq {
		return lane.GetTaken(), nil
	}
	if stableSeq == 0 {
		return 0, nil
	}
	// Only runs taken since the last backup lie behind it.
	for entry, err := range r.Scan(store.Span{From: runKey(device, 0), To: runKey(device, lane.GetTaken()+1), Reverse: true}) {
		if err != nil {
			return 0, err
		}
		first, err := keySeq(entry.Key)
		if err != nil {
			return 0, err
		}
		run := new(roundsv1.LaneRun)
		if err := proto.Unmarshal(entry.Value, run); err != nil {
			return 0, err
		}
		for i := len(run.GetJournalSeqs()) - 1; i >= 0; i-- {
			if run.GetJournalSeqs()[i] <= stableSeq {
				return first + uint64(i), nil
			}
		}
	}
	return 0, nil
}
