package demo

import (
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

func kindOf(name string) merge.Kind { return merge.Kind(name) }

// notByPhones are the rows that a phone cannot bring about within a day: 34 needs a ticket that was archived or erased.
func notByPhones() []int { return []int{34} }

// rowsOfTicket counts what the record of a ticket shows of the table.
func (s *daySum) rowsOfTicket(c *roundsv1.Change) {
	t := c.GetRecord().GetTicket()
	for flag, row := range map[string]int{"done_by_former_assignee": 1, "double_work": 2, "work_after_cancel": 5, "done_on_merged_ticket": 6,
		"approved_before_late_evidence": 10, "accept_after_decline": 20, "forced": 36, "self_approval": 37} {
		if slices.Contains(t.GetFlags(), flag) {
			s.Rows[row]++
		}
	}
	by := map[uint32][]string{}
	for _, done := range t.GetCompletions() {
		if done.GetLate() {
			s.Rows[7]++
			continue
		}
		if others := by[done.GetRound()]; len(others) > 0 && !slices.Contains(others, done.GetPersonId()) {
			s.Rows[4]++
		}
		by[done.GetRound()] = append(by[done.GetRound()], done.GetPersonId())
	}
	for _, r := range t.GetReviews() {
		switch r.GetVerdict() {
		case roundsv1.Verdict_VERDICT_OBJECTED:
			s.Rows[12]++
		case roundsv1.Verdict_VERDICT_DISSENT:
			s.Rows[13]++
		}
	}
	if len(t.GetApproverIds()) > 1 && !slices.Contains(t.GetFlags(), "forced") {
		s.Rows[14]++
	}
	for _, d := range t.GetDeadlines() {
		if d.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC {
			s.Rows[16]++
		}
	}
	for _, m := range t.GetMoves() {
		if m.GetLate() && m.GetState() == roundsv1.TicketState_TICKET_STATE_PAUSED {
			s.Rows[17]++
		}
	}
}

func (s *daySum) rowsOfRound(c *roundsv1.Change) {
	i := c.GetRecord().GetInspection()
	for _, v := range i.GetOfficialVisits() {
		if len(v.GetConfirmedByIds()) > 0 {
			s.Rows[29]++
		}
	}
	if slices.Contains(i.GetFlags(), "late_sync") {
		s.Rows[30]++
	}
	if i.GetChecklistVersion() < s.newer[i.GetChecklistId()] && slices.ContainsFunc(i.GetCompletions(), func(c *roundsv1.Completion) bool {
		return c.GetTimeUs() > s.published.UnixMicro()
	}) {
		s.Rows[31]++
	}
	for _, w := range c.GetWrites() {
		for range w.GetSiblingValues().GetInspection().GetAnswers() {
			s.Rows[27]++
		}
	}
}

func (s *daySum) rowsOfQuestion(q *roundsv1.Conflict) {
	if row := map[roundsv1.ConflictType]int{roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL: 11, timeType: 16, duplicateType: 21,
		lostType: 36}[q.GetType()]; row > 0 {
		s.Rows[row]++
	}
}

func (s *daySum) photo(c *roundsv1.Change) {
	s.hidden[c.GetRecordId()] = c.GetRecord().GetPhoto().GetHidden() != nil
	if p := c.GetRecord().GetPhoto(); slices.ContainsFunc(p.GetReport().GetFindings(), func(f *roundsv1.Finding) bool { return f.GetCode() == reusedCode }) {
		s.Rows[26]++
	}
}

func (s *daySum) comment(c *roundsv1.Change) {
	if about := c.GetRecord().GetComment().GetSubject(); about.GetKind() == "photo" {
		s.talked[about.GetId()] = true
	}
}

// Numbers of fields that edits of a ticket are told apart by.
const (
	descriptionField, categoryField, tagsField, partsField = 2, 3, 11, 18
)

// ticketTrack is what the journal says of one ticket so far.
type ticketTrack struct {
	state   roundsv1.TicketState
	round   uint32
	writers map[uint64]map[string]bool // of a field, the devices
	removed uint64                     // seq of the last tag that was removed
}

// rowsOfJournal counts what only the order of arrival shows: which commands were refused because of what had come before, and which edits met.
func (d *Day) rowsOfJournal(s promises.Scope, devices map[string]bool) {
	tracks := map[string]*ticketTrack{}
	for _, encoded := range s.Journal {
		head, content, _, err := journal.Open(encoded)
		m := new(roundsv1.Mutation)
		if err != nil || proto.Unmarshal(content, m) != nil {
			continue
		}
		t := tracks[head.GetRecord().GetId()]
		if t == nil {
			t = &ticketTrack{round: 1, writers: map[uint64]map[string]bool{}}
			tracks[head.GetRecord().GetId()] = t
		}
		d.rowsOfEntry(t, head, m, devices)
	}
}

func (d *Day) rowsOfEntry(t *ticketTrack, head *roundsv1.EntryHead, m *roundsv1.Mutation, lost map[string]bool) {
	outcome := head.GetOutcome()
	rejected := outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED
	stands := outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED || outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED
	if outcome.GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED && outcome.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD {
		if lost[head.GetDeviceId()] {
			d.Rows[33]++
		} else {
			d.Rows[32]++
		}
	}
	if head.GetRecord().GetKind() == "ticket" {
		d.rowsOfEdit(t, head, m)
	}
	c := m.GetCommand().GetTicket()
	if c == nil {
		return
	}
	code := outcome.GetProblem().GetCode()
	late := rejected && (code == roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED || code == roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH)
	older := slices.Contains(outcome.GetFlags(), "older_round")
	switch c.GetCommand().(type) {
	case *roundsv1.TicketCommand_Dispatch:
		if late && t.state == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE {
			d.Rows[35]++
		} else if late {
			d.Rows[19]++
		}
	case *roundsv1.TicketCommand_Cancel, *roundsv1.TicketCommand_Merge:
		if late && t.state == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE {
			d.Rows[35]++
		}
	case *roundsv1.TicketCommand_SubmitCompletion:
		if older {
			d.Rows[9]++
			d.Rows[8] += len(c.GetSubmitCompletion().GetPhotoIds())
		}
		if stands && !older {
			t.state = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
		}
		return
	case *roundsv1.TicketCommand_Approve:
		if older && !slices.Contains(outcome.GetFlags(), "dissent") {
			d.Rows[15]++
		}
	case *roundsv1.TicketCommand_Start:
		if stands && t.state == roundsv1.TicketState_TICKET_STATE_IN_PROGRESS {
			d.Rows[18]++
		}
		if stands && t.state != roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE {
			t.state = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS
		}
		return
	}
	switch c.GetCommand().(type) {
	case *roundsv1.TicketCommand_Reject, *roundsv1.TicketCommand_Dispute, *roundsv1.TicketCommand_Dispatch, *roundsv1.TicketCommand_Pause, *roundsv1.TicketCommand_Decline:
		if stands {
			t.state = 0
		}
	}
}

// rowsOfEdit counts edits of a field by a device that had not seen what another device had written to it.
func (d *Day) rowsOfEdit(t *ticketTrack, head *roundsv1.EntryHead, m *roundsv1.Mutation) {
	for _, loss := range head.GetOutcome().GetLosses() {
		switch loss.GetField() {
		case descriptionField:
			d.Rows[22]++
		case categoryField:
			d.Rows[23]++
		}
	}
	if slices.Contains(m.GetEdit().GetFields(), tagsField) && len(m.GetEdit().GetRemoved().GetTicket().GetTags()) > 0 {
		t.removed = head.GetSeq()
	} else if slices.Contains(m.GetEdit().GetFields(), tagsField) && t.removed > m.GetBase() {
		d.Rows[24]++
	}
	if len(m.GetFact().GetRecord().GetTicket().GetPartsUsed()) > 0 {
		for seqDevice := range t.writers[partsField] {
			if seqDevice != head.GetDeviceId() {
				d.Rows[28]++
				break
			}
		}
		if t.writers[partsField] == nil {
			t.writers[partsField] = map[string]bool{}
		}
		t.writers[partsField][head.GetDeviceId()] = true
	}
}

// tell says which rows were not observed.
func (d *Day) tell() {
	d.NotByPhones = notByPhones()
	for _, row := range work.Arbitrations() {
		if d.Rows[row.Number] == 0 && !slices.Contains(d.NotByPhones, row.Number) {
			d.NotObserved = append(d.NotObserved, row.Number)
		}
	}
}
