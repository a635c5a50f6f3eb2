package engine

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// admission is a mutation of the journal that had been kept back and is judged again.
type admission struct {
	entry uint64
	admit bool // a person let it in: rights are not asked again
}

// kept reads a mutation that was kept back as a candidate, with the author, the time and the trust that it had; an act through the server also with its roles.
func (tx *transaction) kept(a *admission) (*candidate, error) {
	head, content, err := readEntry(tx.w, a.entry)
	if err != nil {
		return nil, err
	}
	if !judged(head) {
		return nil, fmt.Errorf("engine: journal entry %d is no mutation", a.entry)
	}
	it := &item{content: content}
	if journal.Redacted(head, content) {
		it.kind, it.mutation = merge.Kind(head.GetRecord().GetKind()), &roundsv1.Mutation{RecordId: head.GetRecord().GetId()}
		it.id, _ = parseID(it.mutation.GetRecordId())
		it.problem = problem(roundsv1.ProblemCode_PROBLEM_CODE_REDACTED, "", "该内容已依法删除，无法采纳。", "What this said was removed by law; it cannot be let in.")
	} else {
		tx.scope.engine.decode(it)
	}
	var vouched []roundsv1.Role
	if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DESK {
		vouched = head.GetRoles() // the server attested them, and the time, when the act came; Access need not know of them
	}
	return &candidate{
		item: it, caller: Caller{Device: DeviceID(head.GetDeviceId()), Person: PersonID(head.GetPersonId())}, laneSeq: head.GetLaneSeq(),
		time: head.GetOutcome().GetTimeUs(), trust: head.GetOutcome().GetTrust(), now: head.GetTakenUs(), admitted: a.admit,
		entry: a.entry, act: head.GetActId(), vouched: vouched,
	}, nil
}

// judged: whether an entry is what a person did, on a device or through the server, and so was judged.
func judged(head *roundsv1.EntryHead) bool {
	return head.GetType() == roundsv1.EntryType_ENTRY_TYPE_MUTATION || head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DESK
}

// readmit tries what would become of a kept mutation if it were let in; why tells what still stands against it.
func (tx *transaction) readmit(entry uint64) (a *admission, why *roundsv1.Problem, err error) {
	waits, err := tx.waits(entry)
	if err != nil {
		return nil, nil, err
	}
	if !waits {
		return nil, problem(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "", "该操作已处理，无需再次采纳。", "Nothing waits here any more: it was decided before."), nil
	}
	a = &admission{entry: entry, admit: true}
	c, err := tx.kept(a)
	if err != nil {
		return nil, nil, err
	}
	d, err := tx.decide(c)
	if err != nil {
		return nil, nil, err
	}
	switch d.outcome.GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		return a, nil, nil
	}
	return nil, d.outcome.GetProblem(), nil
}

// waits: whether a journal entry is a mutation that was kept back and that nobody has decided on. So nothing is let in twice.
func (tx *transaction) waits(entry uint64) (bool, error) {
	if entry == 0 || entry > tx.head.GetSeq() {
		return false, nil
	}
	head, _, err := readEntry(tx.w, entry)
	if err != nil || !judged(head) || head.GetOutcome().GetConflictId() == "" {
		return false, err
	}
	return tx.undecided(head.GetOutcome().GetConflictId())
}

func (tx *transaction) undecided(conflict string) (bool, error) {
	have, err := tx.record(kindConflict, conflict)
	return have != nil && have.change.GetRecord().GetConflict().GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN, err
}

// again judges a kept mutation once more and writes what follows, under a journal entry that names the old one as its cause.
func (tx *transaction) again(a *admission) (*decision, error) {
	c, err := tx.kept(a)
	if err != nil {
		return nil, err
	}
	d, err := tx.decide(c)
	if err != nil {
		return nil, err
	}
	seq := tx.head.GetSeq() + 1
	d.outcome.LaneSeq, d.outcome.Seq, d.outcome.TimeUs, d.outcome.Trust = c.laneSeq, seq, c.time, c.trust
	if err := tx.enter(&roundsv1.EntryHead{
		Seq: seq, Type: roundsv1.EntryType_ENTRY_TYPE_ADMITTED, DeviceId: string(c.caller.Device), PersonId: string(c.caller.Person),
		LaneSeq: c.laneSeq, Record: &roundsv1.RecordRef{Kind: string(c.item.kind), Id: c.item.mutation.GetRecordId()}, Roles: c.roles,
		TakenUs: tx.scope.engine.cfg.Now().UnixMicro(), Outcome: d.outcome, RecordTimeUs: d.after.GetTimeUs(), Cause: a.entry,
	}, journal.ContentHash(nil), nil); err != nil {
		return nil, err
	}
	return d, tx.follow(c, d, seq)
}

// release judges what had waited for a record that has just appeared, in the order of its arrival.
func (tx *transaction) release(kind merge.Kind, id uuid.UUID, seq uint64) error {
	if tx.head.GetWaiting() == 0 {
		return nil
	}
	type waiting struct {
		key      []byte
		entry    uint64
		conflict string
	}
	var found []waiting
	for entry, err := range tx.w.Scan(store.Prefix(recordKey(tableWaiting, kind, id))) {
		if err != nil {
			return err
		}
		at, err := keySeq(entry.Key)
		if err != nil {
			return err
		}
		found = append(found, waiting{append([]byte(nil), entry.Key...), at, string(entry.Value)})
	}
	for _, w := range found {
		if err := tx.w.Delete(w.key); err != nil {
			return err
		}
		tx.head.Waiting--
		if open, err := tx.undecided(w.conflict); err != nil || !open {
			if err != nil {
				return err
			}
			continue // dismissed meanwhile
		}
		d, err := tx.again(&admission{entry: w.entry})
		if err != nil {
			return err
		}
		if d.conflict != nil {
			continue // kept again, for another reason, under the same conflict
		}
		how := "record appeared: applied"
		if d.outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED {
			how = "record appeared: rejected: " + d.outcome.GetProblem().GetSentence().GetEn()
		}
		if err := tx.derive(w.conflict, resolved(limit(how, 256)), d.outcome.GetTimeUs(), seq); err != nil {
			return err
		}
	}
	return nil
}

// limit cuts words to a number of bytes at the border of a character.
func limit(words string, bytes int) string {
	if len(words) <= bytes {
		return words
	}
	return strings.ToValidUTF8(words[:bytes], "")
}
