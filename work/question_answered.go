package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Answered tells whether a question has found its answer in the record that it is about, and in which words: then the server closes it with this resolution.
// Such are a stale approval and a disagreement, once somebody decided anew, or where nothing is to be decided on any more: the ticket has ended otherwise, or is in
// another round; and evidence that came after all. What waits for a person's decision is never answered by itself. It is pure; subject is the record as it stands, nil
// where it is not known.
func Answered(question, subject *roundsv1.Change) (resolution string, ok bool) {
	c := question.GetRecord().GetConflict()
	if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || subject == nil || subject.GetDeleted() {
		return "", false
	}
	ticket, round := subject.GetRecord().GetTicket(), subject.GetRecord().GetInspection()
	switch c.GetType() {
	case roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL:
		if slices.Contains(offers(c), actReopen) { // a closure that nobody reviews stands until it is opened again
			if ticket != nil && state(ticket.GetState()) != closed {
				return "answered: open again", true
			}
			return "", false
		}
		if how := reviewedSince(question, subject); how != "" {
			return how, true
		}
		if how := overtaken(question, subject); how != "" {
			return how, true
		}
	case roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST:
		switch {
		case ticket != nil && state(ticket.GetState()) != donePending, round != nil && state(round.GetState()) != submitted:
			return "answered: it waits for evidence no more", true
		}
	case roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME:
		if ticket != nil && !slices.ContainsFunc(ticket.GetDeadlines(), func(d *roundsv1.Deadline) bool {
			return d.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED
		}) {
			return "answered: the time is known", true
		}
	case roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE:
		if ticket != nil && state(ticket.GetState()) == merged {
			return "answered: merged", true
		}
	case roundsv1.ConflictType_CONFLICT_TYPE_REOPEN:
		if ticket != nil && state(ticket.GetState()) != closed || round != nil && state(round.GetState()) != approved {
			return "answered: open again", true
		}
	case roundsv1.ConflictType_CONFLICT_TYPE_OTHER_PLACE:
		if c.GetField() != 0 && writer(subject, c.GetField()).GetSeq() > writer(question, conflictType).GetSeq() && !hasSiblings(subject, c.GetField()) {
			return "answered: corrected", true
		}
	}
	return "", false
}

// reviewedSince is how a reviewer decided after a question came; "" where nobody did. What was decided before is no answer to it, also where what it is about was done
// earlier.
func reviewedSince(question, subject *roundsv1.Change) string {
	ticket, round := subject.GetRecord().GetTicket(), subject.GetRecord().GetInspection()
	if max(writer(subject, ticketReviews).GetSeq(), writer(subject, inspectionReviews).GetSeq()) <= writer(question, conflictType).GetSeq() {
		return ""
	}
	for _, review := range slices.Backward(slices.Concat(ticket.GetReviews(), round.GetReviews())) {
		if review.GetTimeUs() <= question.GetRecord().GetConflict().GetOpenedTimeUs() {
			continue
		}
		switch review.GetVerdict() {
		case roundsv1.Verdict_VERDICT_APPROVED:
			return "answered: approved"
		case roundsv1.Verdict_VERDICT_REJECTED:
			return "answered: sent back"
		}
	}
	return ""
}

// overtaken says why a question of a review is about nothing any more; "" where it is not so: the record has ended without that review, or is in a round that began
// after the question came.
func overtaken(question, subject *roundsv1.Change) string {
	asked := writer(question, conflictType).GetSeq()
	since := func(field uint32) bool { return writer(subject, field).GetSeq() > asked }
	if ticket := subject.GetRecord().GetTicket(); ticket != nil {
		switch s := state(ticket.GetState()); {
		case s == closed && since(ticketState):
			return "answered: closed"
		case s == cancelled && since(ticketState):
			return "answered: the ticket was cancelled"
		case s == merged && since(ticketState):
			return "answered: the ticket was merged into another"
		case since(ticketRound):
			return "answered: the next round has begun"
		}
	}
	if round := subject.GetRecord().GetInspection(); round != nil {
		switch {
		case state(round.GetState()) == approved && since(inspectionState):
			return "answered: approved"
		case since(inspectionRound):
			return "answered: the next round has begun"
		}
	}
	return ""
}

// hasSiblings: whether several values of a field stand beside each other, of people who did not see each other's.
func hasSiblings(c *roundsv1.Change, field uint32) bool {
	return slices.ContainsFunc(c.GetWrites(), func(w *roundsv1.Write) bool { return slices.Contains(w.GetSiblings(), field) })
}

// ResolutionOf returns the edit that closes a question that was answered.
func ResolutionOf(resolution string) *roundsv1.Edit {
	return conflictEdit(&roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: resolution}, conflictState, conflictResolution)
}

// answer closes the questions of these types that rules opened about the record and its round, where they are open: this act answers them.
func (j *judgement) answer(how string, types ...roundsv1.ConflictType) {
	if j.foresees {
		return
	}
	for _, of := range types {
		id := questionID(j.ref().GetId(), of, questionKey(j.ref().GetId(), j.questionRound(), nil))
		c := j.lookup(kindConflict, id).GetRecord().GetConflict()
		if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			continue
		}
		j.verdict.Derived = append(j.verdict.Derived, engine.Derived{RecordID: merge.RecordID(id), Edit: conflictEdit(&roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: "answered: " + how,
			ResolvedById: string(j.Person), Decision: actReview}, conflictState, conflictResolution, conflictResolvedBy, conflictDecision)})
	}
}
