package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/deadline"
)

// Marks that a decision leaves.
const (
	flagRetake   = "retake"
	flagInTime   = "in_time"      // an inspection round's walk was within its window
	flagTooLate  = "after_window" // it was not
	maxLost      = 64             // photos that a decision names, as the schema has it
	lostPhotoWhy = "照片遗失，已安排补拍 (lost: to be taken again)"
)

// consequence is what a decision does to the record that the question is about, as records that the rules write besides; or why it cannot.
func (j *judgement) consequence() engine.Verdict {
	if j.foresees {
		return engine.Verdict{}
	}
	c := j.conflict()
	subject := j.lookup(merge.Kind(c.GetSubject().GetKind()), c.GetSubject().GetId())
	switch j.conflictAct().GetDecide().GetAction() {
	case actReopen:
		if round := subject.GetRecord().GetInspection(); round != nil {
			return j.walkAgain(subject)
		}
		return j.command(subject, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reopen{Reopen: &roundsv1.TicketReopen{
			Round: subject.GetRecord().GetTicket().GetRound(), Reason: j.whyDecided(c)}}})
	case actMerge:
		return j.mergeDuplicates(c, subject)
	case actCountMet, actCountMissed:
		return j.countTime(subject, j.conflictAct().GetDecide().GetAction() == actCountMet)
	case actRetake:
		return j.retake(subject)
	}
	return engine.Verdict{}
}

// walkAgain sends an approved round back for the items that were answered late and failed: to be looked at again (补检).
func (j *judgement) walkAgain(subject *roundsv1.Change) engine.Verdict {
	round := subject.GetRecord().GetInspection()
	if state(round.GetState()) != approved {
		return engine.Verdict{Problem: j.problem(superseded, "", "巡检已不是「已通过」，无需重新打开。", "The round is not approved any more; nothing has to be opened again.")}
	}
	why := j.whyDecided(j.conflict())
	v := engine.Verdict{Derived: []engine.Derived{j.returned(subject, "reopened", why, j.failedSince(subject))}}
	if who := round.GetInspectorId(); who != "" && who != string(j.Person) {
		v.Derived = append(v.Derived, NoticeOf(Telling{About: j.conflict().GetSubject(), Code: roundsv1.NoticeCode_NOTICE_CODE_REOPENED, People: []engine.PersonID{engine.PersonID(who)},
			CausedBy: j.Person, Cause: j.cause(), TimeUs: j.Time.UnixMicro(), Sentence: &roundsv1.Text{
				Zh: "已通过的巡检因迟到的不合格项重新打开：" + why + "。请补检。", En: "A round that was approved is open again, for an item that failed: " + why + ". Walk it again."}}))
	}
	return v
}

// failedSince are the answers of an approved round that fail and were given after the last approval.
func (j *judgement) failedSince(subject *roundsv1.Change) []string {
	approval, round := writer(subject, inspectionReviews).GetSeq(), subject.GetRecord().GetInspection()
	var items []string
	for _, key := range sortedKeys(round.GetAnswers()) {
		if j.fails(round, key, round.GetAnswers()[key]) && writtenAfter(subject, key, approval) {
			items = append(items, key)
		}
	}
	return items
}

// writtenAfter: whether an answer of a round was written after an entry of the journal.
func writtenAfter(c *roundsv1.Change, key string, seq uint64) bool {
	return slices.ContainsFunc(c.GetWrites(), func(w *roundsv1.Write) bool {
		return w.GetStamp().GetSeq() > seq && slices.ContainsFunc(slices.Concat(w.GetElements(), w.GetSiblingElements()), func(e *roundsv1.ElementKey) bool {
			return e.GetField() == inspectionAnswers && e.GetKey() == key
		})
	})
}

// whyDecided is the reason of a decision; where none is given, what was asked.
func (j *judgement) whyDecided(c *roundsv1.Conflict) string {
	if j.args.reason != "" {
		return j.args.reason
	}
	if zh := c.GetSentence().GetZh(); zh != "" {
		return zh
	}
	return questionOf(c.GetType()).Asks.GetZh()
}

// command runs a ticket's command, as the person who decides, who needs the right to it, through the ticket's own guards.
func (j *judgement) command(ticket *roundsv1.Change, act *roundsv1.TicketCommand) engine.Verdict {
	if ticket.GetRecord().GetTicket() == nil {
		return engine.Verdict{Problem: j.gone()}
	}
	c := j.Case
	c.Kind, c.Current, c.Saw, c.Admitted = kindTicket, ticket, true, false
	c.Mutation = &roundsv1.Mutation{RecordId: ticket.GetRecordId(), Base: ticket.GetVersion(), BaseTimeUs: ticket.GetTimeUs(), Clock: j.Mutation.GetClock(),
		Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: act}}}}
	sub := j.rules.judgement(c)
	if p := j.rules.allowed(sub); p != nil {
		return engine.Verdict{Problem: p}
	}
	v := sub.transit(j.rules.rows[kindTicket][sub.op])
	if v.Problem != nil {
		v.Problem.Field = "" // it names one of a command that nobody sent
		if v.Problem.GetCode() == badState {
			v.Problem.Code = superseded // the question was looked at, and not the ticket as it stands
		}
		return engine.Verdict{Problem: v.Problem}
	}
	if v.Effect != nil {
		v.Derived = append([]engine.Derived{{RecordID: merge.RecordID(ticket.GetRecordId()), Edit: v.Effect}}, v.Derived...)
	}
	return engine.Verdict{Derived: v.Derived}
}

func (j *judgement) gone() *roundsv1.Problem {
	return j.problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "", "相关记录已不在此项目中，请选择另一项。", "The record that this is about is not here any more. Choose another action.")
}

// mergeDuplicates merges the ticket that does not go on into the one that does.
func (j *judgement) mergeDuplicates(c *roundsv1.Conflict, subject *roundsv1.Change) engine.Verdict {
	tickets := []string{c.GetSubject().GetId()}
	for _, side := range c.GetSides() {
		if id := side.GetRecord().GetId(); side.GetRecord().GetKind() == string(kindTicket) && !slices.Contains(tickets, id) {
			tickets = append(tickets, id)
		}
	}
	into := j.conflictAct().GetDecide().GetTargetId()
	at := slices.Index(tickets, into)
	if at < 0 || len(tickets) < 2 {
		return engine.Verdict{Problem: j.problem(invalid, j.argument("target_id"), "请选择要保留的工单，须为此事项中的一张。",
			"Name the ticket that goes on: one of those that the question is about.")}
	}
	goes := subject
	if at == 0 {
		goes = j.lookup(kindTicket, tickets[1])
	}
	return j.command(goes, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: into}}})
}

// countTime decides the deadlines of a ticket that are disputed, or whether an inspection round was walked in its window.
func (j *judgement) countTime(subject *roundsv1.Change, met bool) engine.Verdict {
	switch {
	case subject.GetRecord().GetTicket() != nil:
		before := subject.GetRecord().GetTicket().GetDeadlines()
		all, changed := before, false
		for _, d := range all {
			if d.GetState() != roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED {
				continue
			}
			if decided, ok := deadline.Decide(all, d.GetStep(), d.GetRound(), met); ok {
				all, changed = decided, true
			}
		}
		if !changed {
			return engine.Verdict{}
		}
		on := j.about(subject)
		on.editTicket(ticketDeadlines).Deadlines = all
		for _, d := range deadline.Corrected(before, all) { // as where the time is well known
			on.tellCorrection(deadline.Find(before, d.GetStep(), d.GetRound()), d)
		}
		edit := engine.Derived{RecordID: merge.RecordID(subject.GetRecordId()), Edit: on.draft.effect(kindTicket)}
		return engine.Verdict{Derived: append([]engine.Derived{edit}, on.verdict.Derived...)}
	case subject.GetRecord().GetInspection() != nil:
		flag := flagTooLate
		if met {
			flag = flagInTime
		}
		flags := slices.DeleteFunc(slices.Clone(subject.GetRecord().GetInspection().GetFlags()), func(f string) bool { return f == flagInTime || f == flagTooLate })
		return engine.Verdict{Derived: []engine.Derived{inspectionEdit(subject.GetRecordId(), &roundsv1.Inspection{Flags: append(flags, flag)}, inspectionFlags)}}
	}
	return engine.Verdict{Problem: j.gone()}
}

func inspectionEdit(id string, i *roundsv1.Inspection, fields ...uint32) engine.Derived {
	return engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}, Fields: fields}}
}

// retake is row 36: the photos that will not come are taken out of sight, so that they do not stand in the way, and stay listed with their hashes; whoever
// did the work is asked for new ones. A ticket goes on waiting for evidence; an inspection round is returned for the items that lost theirs.
func (j *judgement) retake(subject *roundsv1.Change) engine.Verdict {
	var people, items, photos []string
	var v engine.Verdict
	ticket, round := subject.GetRecord().GetTicket(), subject.GetRecord().GetInspection()
	switch {
	case ticket != nil && state(ticket.GetState()) == donePending:
		people = append(people, ticket.GetAssigneeId())
		for _, c := range ticket.GetCompletions() {
			if c.GetRound() == ticket.GetRound() {
				people, photos = append(people, c.GetPersonId()), append(photos, c.GetPhotoIds()...)
			}
		}
		photos = append(photos, ticket.GetShownPhotoIds()...) // from before the work, say
	case round != nil && state(round.GetState()) == submitted:
		people = append(people, round.GetInspectorId())
		for _, key := range sortedKeys(round.GetAnswers()) {
			for _, id := range round.GetAnswers()[key].GetPhotoIds() {
				photos = append(photos, id)
				if (j.lost(id) || j.neverCame(id) || refused(j.lookup(kindPhoto, id).GetRecord().GetPhoto())) && !slices.Contains(items, key) {
					items = append(items, key)
				}
			}
		}
	case ticket != nil || round != nil:
		return engine.Verdict{Problem: j.problem(superseded, "", "记录已不在等待照片，无需补拍。", "It does not wait for photos any more; nothing has to be taken again.")}
	default:
		return engine.Verdict{Problem: j.gone()}
	}
	var never []string
	slices.Sort(photos)
	for _, id := range slices.Compact(photos) {
		if j.neverCame(id) {
			never = append(never, id)
		}
		if j.lost(id) {
			v.Derived = append(v.Derived, engine.Derived{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Fields: []uint32{photoHidden}, Record: &roundsv1.Record{
				Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Hidden: &roundsv1.Hidden{Reason: lostPhotoWhy, PersonId: string(j.Person)}}}}}})
		}
	}
	if ticket != nil {
		v.Derived = append(v.Derived, j.asksAgain(subject, never))
	} else {
		v.Derived = append(v.Derived, j.returned(subject, flagRetake, lostPhotoWhy, items))
	}
	for _, person := range slices.Compact(slices.Sorted(slices.Values(people))) {
		if person == "" || person == string(j.Person) {
			continue
		}
		v.Derived = append(v.Derived, NoticeOf(Telling{About: j.conflict().GetSubject(), Code: roundsv1.NoticeCode_NOTICE_CODE_MORE_ASKED, People: []engine.PersonID{engine.PersonID(person)},
			CausedBy: j.Person, Cause: j.cause(), TimeUs: j.Time.UnixMicro(), Sentence: &roundsv1.Text{
				Zh: "部分照片不会再到达（手机丢失或已清除）。请到现场扫码并重新拍摄。", En: "Some photos will not come any more: the phone is lost or wiped. Go there, scan the tag and take them again."}}))
	}
	return v
}

// asksAgain marks a ticket whose photos are to be taken again, and keeps since when: what was taken or scanned before does not count. It keeps which of them nobody has
// heard of, too: there is no record of those that could be taken out of sight.
func (j *judgement) asksAgain(subject *roundsv1.Change, never []string) engine.Derived {
	ticket := subject.GetRecord().GetTicket()
	reviews := append(slices.Clone(ticket.GetReviews()), &roundsv1.Review{Round: ticket.GetRound(), PersonId: string(j.Person),
		Verdict: roundsv1.Verdict_VERDICT_ASKED, Reason: flagRetake, Words: cut(j.args.reason), PhotoIds: never[:min(len(never), maxLost)], TimeUs: j.Time.UnixMicro()})
	edit := &roundsv1.Ticket{Flags: slices.Clone(ticket.GetFlags()), Reviews: reviews[max(0, len(reviews)-maxReviews):]}
	if len(edit.Flags) < maxFlags && !slices.Contains(edit.Flags, flagRetake) {
		edit.Flags = append(edit.Flags, flagRetake)
	}
	return engine.Derived{RecordID: merge.RecordID(subject.GetRecordId()), Edit: &roundsv1.Edit{Fields: []uint32{ticketFlags, ticketReviews},
		Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: edit}}}}
}

// neverCame: whether nobody has heard of a photo: its record was lost with the phone, too.
func (j *judgement) neverCame(id string) bool { return j.lookup(kindPhoto, id) == nil }

// lost: whether a photo is promised, is not hidden, and its bytes are not in storage.
func (j *judgement) lost(id string) bool {
	photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
	if photo == nil || photo.GetHidden() != nil {
		return false
	}
	return absent(photo)
}

// returned sends an inspection round back for items, with a code and in words.
func (j *judgement) returned(subject *roundsv1.Change, code, why string, items []string) engine.Derived {
	round := subject.GetRecord().GetInspection()
	reviews := append(slices.Clone(round.GetReviews()), &roundsv1.Review{Round: round.GetRound(), PersonId: string(j.Person),
		Verdict: roundsv1.Verdict_VERDICT_REJECTED, Reason: code, Words: cut(j.args.reason), ItemIds: items, TimeUs: j.Time.UnixMicro()})
	return inspectionEdit(subject.GetRecordId(), &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RETURNED, Round: round.GetRound() + 1,
		StateReason: why, Reviews: reviews[max(0, len(reviews)-maxRoundReviews):], Flags: without(round.GetFlags(), flagLate)},
		inspectionState, inspectionRound, inspectionStateReason, inspectionFlags, inspectionReviews)
}
