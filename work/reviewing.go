package work

import (
	"bytes"
	"slices"
	"unicode/utf8"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

const maxReviews = 256

// note puts a reviewer's word on record.
func (j *judgement) note(verdict roundsv1.Verdict) {
	act := j.ticketAct()
	r := &roundsv1.Review{Round: j.args.round, PersonId: string(j.Person), Verdict: verdict, TimeUs: j.Time.UnixMicro(), TakenUs: j.takenUs(), Digest: act.GetApprove().GetReviewDigest()}
	switch {
	case act.GetReject() != nil:
		r.Reason, r.Words = act.GetReject().GetReason(), cut(act.GetReject().GetWords())
		r.PhotoIds, r.ItemIds = act.GetReject().GetPhotoIds(), act.GetReject().GetItemIds()
	case act.GetAsk() != nil:
		r.Words, r.PhotoIds = cut(act.GetAsk().GetWords()), act.GetAsk().GetPhotoIds()
	}
	all := append(slices.Clone(j.ticket().GetReviews()), r)
	j.editTicket(ticketReviews).Reviews = all[max(0, len(all)-maxReviews):]
}

// maxWords is how much of a reviewer's words a ticket keeps, bytes: every change of it carries them.
const maxWords = 1024

// cut shortens words to what a ticket holds, between two characters; the command itself stays whole in the journal.
func cut(words string) string {
	end := min(len(words), maxWords)
	for end > 0 && end < len(words) && !utf8.RuneStart(words[end]) {
		end--
	}
	return words[:end]
}

// reviewed returns the last word of a kind on a round, nil where there is none.
func reviewed(t *roundsv1.Ticket, round uint32, verdict roundsv1.Verdict) *roundsv1.Review {
	for _, r := range slices.Backward(t.GetReviews()) {
		if r.GetRound() == round && r.GetVerdict() == verdict {
			return r
		}
	}
	return nil
}

// digestFits: whether the reviewer looked at the evidence as it stands.
func (j *judgement) digestFits() bool {
	given := j.ticketAct().GetApprove().GetReviewDigest()
	if len(given) == 0 || j.Lookup == nil {
		return false
	}
	now, err := Digest(j.Current, j.Lookup)
	return err == nil && bytes.Equal(given, now)
}

func (j *judgement) digestGiven() bool { return len(j.ticketAct().GetApprove().GetReviewDigest()) > 0 }

// news tells what came to the evidence after what the reviewer looked at: anything, and what of it speaks against the work, as sides of the question: a photo that
// cannot count, an item that failed, a dispute. A digest says only that the evidence was another; what is new follows from the version that the reviewer had, because
// a seq is the scope's: who has a record at its version has everything before it.
func (j *judgement) news() (anything bool, against []*roundsv1.Side) {
	if j.foresees {
		return false, nil
	}
	unseen := func(by *roundsv1.Stamp) bool {
		return by.GetSeq() > j.Mutation.GetBase() && (by.GetDeviceId() == "" || by.GetDeviceId() != string(j.Device))
	}
	speaks := func(record *roundsv1.RecordRef, by *roundsv1.Stamp, zh, en string) {
		if len(against) < maxSides-1 { // room for the approver
			against = append(against, &roundsv1.Side{Record: record, PersonId: by.GetPersonId(), DeviceId: by.GetDeviceId(), TimeUs: by.GetTimeUs(),
				JournalSeq: by.GetSeq(), Sentence: &roundsv1.Text{Zh: zh, En: en}})
		}
	}
	t := j.ticket()
	for _, w := range j.Current.GetWrites() {
		if j.Saw || !unseen(w.GetStamp()) {
			continue
		}
		for _, field := range w.GetShown() {
			switch field {
			case ticketCompletions:
				anything = true
			case ticketAcceptance:
				anything = true
				if t.GetAcceptance() == roundsv1.Acceptance_ACCEPTANCE_DISPUTED {
					speaks(j.ref(), w.GetStamp(), "客户提出了异议。", "The customer disputes the work.")
				}
			}
		}
		for _, e := range slices.Concat(w.GetElements(), w.GetSiblingElements()) {
			if e.GetField() != ticketAnswers {
				continue
			}
			anything = true
			if t.GetAnswers()[e.GetKey()].GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
				speaks(j.ref(), w.GetStamp(), "检查项 "+e.GetKey()+" 不合格。", "Item "+e.GetKey()+" of the checklist failed.")
			}
		}
	}
	flags := j.refusedInSight()
	for _, id := range ShownPhotos(j.Current) {
		change := j.lookup(kindPhoto, id)
		if change.GetVersion() <= j.Mutation.GetBase() {
			continue
		}
		anything = true
		if found := writer(change, photoState); slices.Contains(flags, id) && unseen(found) {
			by := writer(change, photoSubject)
			speaks(&roundsv1.RecordRef{Kind: string(kindPhoto), Id: id}, &roundsv1.Stamp{PersonId: by.GetPersonId(), DeviceId: by.GetDeviceId(),
				TimeUs: found.GetTimeUs(), Seq: found.GetSeq()}, "一张照片被判无效。", "A photo was refused.")
		}
	}
	return anything, against
}

// staleApproval is row 11.
func (j *judgement) staleApproval() bool {
	if j.foresees || j.Admitted || j.digestFits() {
		return false
	}
	_, against := j.news()
	return len(against) > 0
}

// sawComplete: whether the reviewer was looking at the round when its evidence had been found complete: at a version that the ticket had, and not one from before the
// round first went to review. What the ledger does not say nobody can.
func (j *judgement) sawComplete() bool {
	return slices.ContainsFunc(j.ticket().GetMoves(), func(m *roundsv1.Move) bool {
		return m.GetRound() == j.ticket().GetRound() && m.GetFoundVersion() != 0 && j.Mutation.GetBase() > m.GetFoundVersion()
	})
}

// olderDigest is row 10: the reviewer decided on evidence that was there, and complete, and more has come.
func (j *judgement) olderDigest() bool {
	if j.foresees || !j.digestGiven() || j.digestFits() || !j.sawComplete() {
		return false
	}
	anything, _ := j.news()
	return anything
}

// earlyApproval: the digest is not of the evidence as it stands, and the reviewer was not looking at that of the round when it was complete: an approval that was queued
// before the work was reported as done, or of a version that there never was. Nobody has looked at the photos.
func (j *judgement) earlyApproval() bool {
	return !j.foresees && !j.Admitted && j.digestGiven() && !j.digestFits() && !j.sawComplete()
}

// blindApproval: nobody can say what the reviewer looked at: the digest is of no version that there was.
func (j *judgement) blindApproval() bool {
	if j.foresees || j.Admitted || !j.digestGiven() {
		return false
	}
	anything, _ := j.news()
	return !anything && !j.digestFits()
}

// objects is the moment of row 12: the round was approved, and the ticket closed not long ago. Of an approval that was made without signal nobody knew before it came.
func (j *judgement) objects() bool {
	t := j.ticket()
	if len(t.GetApproverIds()) == 0 || reviewed(t, t.GetRound(), roundsv1.Verdict_VERDICT_APPROVED) == nil {
		return false
	}
	known := t.GetClosedTimeUs()
	for _, r := range t.GetReviews() {
		if r.GetRound() == t.GetRound() && r.GetVerdict() == roundsv1.Verdict_VERDICT_APPROVED && r.GetTimeUs() == t.GetClosedTimeUs() {
			known = max(known, r.GetTakenUs())
		}
	}
	return j.Time.UnixMicro()-known <= j.reference.Policy(j.Scope).ObjectionPeriod.Microseconds()
}

// askForDissent lets a supervisor decide between two reviewers.
func (j *judgement) askForDissent() {
	t := j.ticket()
	sides := []*roundsv1.Side{}
	if r := reviewed(t, t.GetRound(), roundsv1.Verdict_VERDICT_APPROVED); r != nil {
		sides = append(sides, &roundsv1.Side{Record: j.ref(), PersonId: r.GetPersonId(), TimeUs: r.GetTimeUs(), Sentence: &roundsv1.Text{
			Zh: "已确认，工单关闭。", En: "Approved it, and it was closed."}})
	}
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_DISSENT, append(sides, j.thisSide("要求退回返工。", "Sent it back for rework.")))
	j.notify(roundsv1.NoticeCode_NOTICE_CODE_DISSENT, toPeople(t.GetApproverIds()...), "另一位确认人不同意您的确认，工单回到待确认，由主管决定。",
		"Another reviewer disagrees with your approval. The ticket waits for review again, by a supervisor.")
}

// pointsAtOwn: whether what a reviewer points at is of this ticket and of this round: photos that the reviewer is shown, or others of the round; and items of its
// checklist, or of what was answered in the round.
func (j *judgement) pointsAtOwn() bool {
	if j.foresees {
		return true
	}
	t, shown := j.ticket(), ShownPhotos(j.Current)
	for _, id := range slices.Concat(j.ticketAct().GetReject().GetPhotoIds(), j.ticketAct().GetAsk().GetPhotoIds()) {
		photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
		if photo == nil || !slices.Contains(shown, id) && !(j.isOf(photo.GetSubject()) && j.speaksOf(id, j.lookup(kindPhoto, id))) {
			return false
		}
	}
	list := j.listPinned(j.ticket())
	for _, id := range j.ticketAct().GetReject().GetItemIds() {
		named := func(i *roundsv1.ChecklistItem) bool { return i.GetId() == id }
		answered := t.GetAnswers()[id] != nil && (t.GetRound() <= 1 || j.answeredSince(id, roundBegan(t, t.GetRound())))
		if !answered && !slices.ContainsFunc(list.GetItems(), named) {
			return false
		}
	}
	return true
}

// pointedAt are the items that a reviewer pointed at when the round before was sent back, each with whether nobody answered it since.
func (j *judgement) pointedAt(t *roundsv1.Ticket) map[string]bool {
	again := map[string]bool{}
	if t.GetRound() > 1 {
		for _, item := range reviewed(t, t.GetRound()-1, roundsv1.Verdict_VERDICT_REJECTED).GetItemIds() {
			again[item] = !j.answeredSince(item, roundBegan(t, t.GetRound()))
		}
	}
	return again
}

// withPointed is what a checklist asks, with what a reviewer pointed at beside it: an answer that somebody had given though no list asks for it.
func withPointed(asked []checklist.Question, pointed map[string]bool) []checklist.Question {
	for _, item := range sortedKeys(pointed) {
		if !slices.ContainsFunc(asked, func(q checklist.Question) bool { return q.Key == item }) {
			asked = append(asked, checklist.Question{Item: &roundsv1.ChecklistItem{Id: item}, Key: item})
		}
	}
	return asked
}

// pointedOpen are the items that a reviewer pointed at and that are not answered completely since. A completion that was sent to a ticket which was merged is of another
// round.
func (j *judgement) pointedOpen() []string {
	if j.foresees || j.merged != nil {
		return nil
	}
	pointed := j.pointedAt(j.ticket())
	return slices.DeleteFunc(j.lacking(j.ticket()), func(item string) bool { _, is := pointed[item]; return !is })
}

// isOf: whether a reference names the ticket of the case, or one that was merged into it.
func (j *judgement) isOf(ref *roundsv1.RecordRef) bool {
	if ref.GetKind() != string(kindTicket) {
		return false
	}
	return ref.GetId() == j.Current.GetRecordId() || j.endOf(j.lookup(kindTicket, ref.GetId())).GetRecordId() == j.Current.GetRecordId()
}
