package review

import (
	"context"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// waited finds the question that an entry waited as, or that let it in; nil for an entry that went straight through.
func (d *desk) waited(ctx context.Context, e *roundsv1.StoryEntry) (*roundsv1.Conflict, error) {
	asked := e.GetOutcome().GetConflictId()
	if e.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED && e.GetCause() > 0 {
		id, ok := parseUID(e.GetRecord().GetId())
		if !ok {
			return nil, nil
		}
		cause, err := d.entry(ctx, kindOfRef(e.GetRecord()), id, journal.Seq(e.GetCause()))
		if err != nil {
			return nil, err
		}
		asked = cause.Outcome.GetConflictId()
	}
	id, ok := parseUID(asked)
	if !ok {
		return nil, nil
	}
	change, err := d.record(ctx, 0, kindConflict, id)
	return change.GetRecord().GetConflict(), err
}

// keptBack are the photos and remarks that wait for a decision with one of the questions, or were left out by it: there is no record of them, so nothing else tells that
// they are about what the question is about. Known are those that are told already.
func (d *desk) keptBack(ctx context.Context, questions []uid, known []*roundsv1.RecordRef) (refs []*roundsv1.RecordRef, err error) {
	told := make(map[string]bool, len(known))
	for _, one := range known {
		told[one.GetId()] = true
	}
	for _, id := range questions {
		change, err := d.record(ctx, 0, kindConflict, id)
		if err != nil {
			return nil, err
		}
		q := change.GetRecord().GetConflict()
		subject := q.GetSubject()
		if q.GetJournalSeq() == 0 || told[subject.GetId()] || !slices.Contains([]merge.Kind{kindPhoto, kindComment}, kindOfRef(subject)) {
			continue
		}
		told[subject.GetId()] = true
		refs = append(refs, subject)
	}
	return refs, nil
}

// entry reads one entry about a record; the zero one where it is about another.
func (d *desk) entry(ctx context.Context, kind merge.Kind, id uid, at journal.Seq) (found engine.HistoryEntry, err error) {
	for entry, err := range d.cfg.Records.History(ctx, d.scopes[0], kind, merge.RecordID(id.String()), engine.HistorySpan{From: at, To: at + 1}) {
		if err != nil {
			return engine.HistoryEntry{}, err
		}
		found = entry
	}
	return found, nil
}

// refused says that an entry was, and what its sender was told.
func refused(told *roundsv1.Text) inBoth {
	if told.GetEn() == "" {
		return inBoth{"（被拒绝）", " (refused)"}
	}
	quoted := retold(told)
	return inBoth{"（被拒绝；" + quoted.zh + "）", " (refused; " + strings.ToLower(quoted.en[:1]) + quoted.en[1:] + ")"}
}

// retold quotes what the sender of an entry was told: it speaks to the sender, and not to who reads the story.
func retold(told *roundsv1.Text) inBoth {
	return inBoth{"提交人收到的说明：「" + told.GetZh() + "」", "The sender was told: “" + told.GetEn() + "”"}
}

// afterwards says what became of an entry that waited: that it still does, or who let it in or left it out, and why.
func afterwards(e *roundsv1.StoryEntry, q *roundsv1.Conflict, names map[string]*roundsv1.Text) inBoth {
	if q.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED {
		why := q.GetSentence()
		if why.GetEn() == "" {
			told := retold(e.GetOutcome().GetProblem().GetSentence())
			why = &roundsv1.Text{Zh: told.zh, En: told.en}
		}
		return inBoth{"（等待人工处理：" + why.GetZh() + "）", " (waits for a person: " + why.GetEn() + ")"}
	}
	how := inBoth{"已处理", "decided"}
	switch q.GetDecision() {
	case roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT, roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT, roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE:
		how = inBoth{"已采纳", "let in"}
	case roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS, roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON, roundsv1.ConflictAction_CONFLICT_ACTION_CONFIRM_CANCEL:
		how = inBoth{"未采纳", "left out"}
	}
	by := inBoth{"系统", "the server"}
	if q.GetResolvedById() != "" {
		by = called(q.GetResolvedById(), names)
	}
	var why inBoth
	if said := q.GetDecisionReason(); said != "" {
		why = inBoth{"：" + said, ": " + said}
	}
	return inBoth{"（曾等待人工处理；" + how.zh + "，" + by.zh + why.zh + "）", " (waited for a person; " + how.en + " by " + by.en + why.en + ")"}
}

// admission says who let in what had waited, whose it was, and why.
func admission(e *roundsv1.StoryEntry, q *roundsv1.Conflict, names map[string]*roundsv1.Text) (who, what inBoth) {
	who, from := inBoth{"系统", "The server"}, inBoth{"系统", "the server"}
	if q.GetResolvedById() != "" {
		who = called(q.GetResolvedById(), names)
	}
	if e.GetPersonId() != "" {
		from = called(e.GetPersonId(), names)
	}
	if what = (inBoth{" " + from.zh + " 提交的内容", " from " + from.en}); q.GetDecisionReason() != "" {
		what = inBoth{what.zh + "：" + q.GetDecisionReason(), what.en + ": " + q.GetDecisionReason()}
	}
	return who, what
}
