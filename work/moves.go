package work

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/deadline"
)

// maxMoves is how many the schema lets a ticket have; maxIdle is how many pauses of it did not stop the clocks, because each change of a ticket carries its ledger.
const (
	maxMoves = 512
	maxIdle  = 64
)

// Short names of states in the ledger.
const (
	movePaused     = roundsv1.TicketState_TICKET_STATE_PAUSED
	moveInProgress = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS
	moveClosed     = roundsv1.TicketState_TICKET_STATE_CLOSED
)

// keepLedger notes a change of the state in the ticket's ledger, and computes the deadlines again where the ledger or the requirements changed.
func (j *judgement) keepLedger() {
	before, after := j.ticket(), j.after()
	if j.draft.has(ticketState) && after.GetState() != before.GetState() {
		moved := &roundsv1.Move{State: after.GetState(), Round: after.GetRound(), Reason: pauseReasonOf(after), StopsClock: j.pausesClock()}
		if j.op == EvidenceVerified {
			moved.FoundVersion = j.Current.GetVersion()
		}
		j.record(moved)
		switch {
		case after.GetState() == moveClosed:
			j.editTicket(ticketClosedTime).ClosedTimeUs = j.Time.UnixMicro()
		case before.GetClosedTimeUs() != 0:
			j.editTicket(ticketClosedTime).ClosedTimeUs = 0
		}
		if ended(state(after.GetState())) && !ended(state(before.GetState())) { // what was late before was looked at by whoever ends it now
			j.unflag(flagLate)
		}
	}
	if j.recount {
		j.computeDeadlines()
	}
}

// pauseReasonOf is the reason that a move to PAUSED carries.
func pauseReasonOf(t *roundsv1.Ticket) string {
	if t.GetState() == movePaused {
		return t.GetPauseReason()
	}
	return ""
}

// record puts a move of this act into the ledger, where its time belongs.
func (j *judgement) record(m *roundsv1.Move) {
	m.TimeUs, m.PersonId = j.Time.UnixMicro(), string(j.Person)
	m.Exact = j.Trust == roundsv1.Trust_TRUST_A || j.Person == "" && j.Device == "" // the server knows what time it is
	ledger := insertMove(j.after().GetMoves(), m)
	j.editTicket(ticketMoves).Moves = ledger
	j.recount = true
}

// insertMove returns the ledger with one move more. One that is earlier than others is marked late. Nothing of what it is given is changed.
func insertMove(ledger []*roundsv1.Move, m *roundsv1.Move) []*roundsv1.Move {
	at := len(ledger)
	for at > 0 && ledger[at-1].GetTimeUs() > m.GetTimeUs() {
		at--
	}
	m.Late = at < len(ledger)
	return fold(slices.Insert(slices.Clone(ledger), at, m), m.GetRound())
}

// fold keeps a ledger within its bounds. Of the pauses that did not stop the clocks, which no deadline asks about, the oldest go, with their resumptions. Then the oldest pauses of earlier rounds go, with their resumptions; what they were for is decided. Then the other pauses of
// the current round go that did not stop the clock, and at last the oldest moves but the first: what is left says when the work was reported, and how it
// ended.
func fold(ledger []*roundsv1.Move, round uint32) []*roundsv1.Move {
	pair := func(i int) bool {
		return ledger[i].GetState() == movePaused && ledger[i+1].GetState() == moveInProgress && ledger[i+1].GetRound() == ledger[i].GetRound()
	}
	idle := 0
	for i := range len(ledger) - 1 {
		if pair(i) && !ledger[i].GetStopsClock() {
			idle++
		}
	}
	for i := 0; i+1 < len(ledger) && idle > maxIdle; {
		if pair(i) && !ledger[i].GetStopsClock() {
			ledger, idle = slices.Delete(ledger, i, i+2), idle-1
			continue
		}
		i++
	}
	folds := []func(*roundsv1.Move) bool{
		func(m *roundsv1.Move) bool { return m.GetRound() < round },
		func(m *roundsv1.Move) bool { return !m.GetStopsClock() },
	}
	for _, may := range folds {
		for i := 0; i+1 < len(ledger) && len(ledger) > maxMoves; {
			if pair(i) && may(ledger[i]) {
				ledger = slices.Delete(ledger, i, i+2)
				continue
			}
			i++
		}
	}
	if over := len(ledger) - maxMoves; over > 0 {
		ledger = slices.Delete(ledger, 1, 1+over)
	}
	return ledger
}

// lastMove is the last change of the state, nil where there is none: that the customer was asked after a closure changes nothing.
func lastMove(ledger []*roundsv1.Move) *roundsv1.Move {
	for _, m := range slices.Backward(ledger) {
		if m.GetState() != moveClosed || m.GetReason() != deadline.Visited && m.GetReason() != deadline.Accepted {
			return m
		}
	}
	return nil
}

// standingAt is the state that the ledger says for a time; 0 before its beginning.
func standingAt(ledger []*roundsv1.Move, us int64) roundsv1.TicketState {
	var at roundsv1.TicketState
	for _, m := range ledger {
		if m.GetTimeUs() > us {
			break
		}
		at = m.GetState()
	}
	return at
}

// readyAt: whether the ledger says for a time that somebody could begin, and nobody was at work.
func readyAt(ledger []*roundsv1.Move, us int64) bool {
	switch state(standingAt(ledger, us)) {
	case dispatched, accepted, paused, rework:
		return true
	}
	return false
}

// roundBegan is when a round of work began, microseconds; 0 where the ledger does not say.
func roundBegan(t *roundsv1.Ticket, round uint32) int64 {
	for _, m := range t.GetMoves() {
		if m.GetRound() == round {
			return m.GetTimeUs()
		}
	}
	return 0
}

// after is the ticket as it will be: what stands or is made, with what was drafted so far. It shares its fields with both, and is not to be changed.
func (j *judgement) after() *roundsv1.Ticket {
	after := &roundsv1.Ticket{}
	into := after.ProtoReflect()
	from := j.shown
	switch {
	case from != nil:
	case j.Current != nil:
		from = j.ticket()
	default:
		from = j.written().GetTicket()
	}
	from.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		into.Set(fd, v)
		return true
	})
	draft, fields := j.draft.ticket.ProtoReflect(), into.Descriptor().Fields()
	for _, number := range j.draft.fields {
		fd := fields.ByNumber(protoreflect.FieldNumber(number))
		switch {
		case number == ticketCrew: // a set: what is drafted is added to it
		case draft.Has(fd):
			into.Set(fd, draft.Get(fd))
		default:
			into.Clear(fd)
		}
	}
	return after
}

// correction is what gives steps other times than they had: not what came late, but what somebody said of the ticket.
type correction string

const (
	byCategory correction = "category"
	byPriority correction = "priority"
)

// computeDeadlines writes the deadlines that follow from ledger and requirements, and tells what that corrects.
func (j *judgement) computeDeadlines() {
	after, was := j.after(), j.ticket().GetDeadlines()
	now := deadline.Compute(after, j.reference.Calendar(j.Scope, after.GetRequirements().GetCalendar()))
	now, anew := deadline.Anew(was, now, max(j.Time.UnixMicro(), j.takenUs()))
	if !slices.EqualFunc(was, now, func(a, b *roundsv1.Deadline) bool { return proto.Equal(a, b) }) {
		j.editTicket(ticketDeadlines).Deadlines = now
	}
	for _, d := range anew {
		j.tellAnew(deadline.Find(was, d.GetStep(), d.GetRound()), d)
	}
	for _, d := range deadline.Corrected(was, now) {
		j.tellCorrection(deadline.Find(was, d.GetStep(), d.GetRound()), d)
	}
	for _, d := range deadline.Disputed(was, now) {
		j.askForTime(d)
	}
}

// tellCorrection is row 16 with a time that is well known: a deadline that was taken for missed was met without signal. Everybody who was told of the breach
// hears of it. The escalation stays. was is the deadline as it stood.
func (j *judgement) tellCorrection(was, d *roundsv1.Deadline) {
	zh, en := stepWords(d.GetStep())
	j.verdict.Flags = append(j.verdict.Flags, flagFalseAlarm)
	j.flag(flagFalseAlarm)
	j.tellOfBreach(was, d, "「"+zh+"」其实没有超时：手机当时没有信号，现已更正。升级记录保留，标记为误报。",
		"The "+en+" was not late after all: the phone had no signal. The result is corrected; the escalation stays, marked as a false alarm.")
}

// tellAnew tells whoever was told of a breach that the step has another time now, and why. The breach and the escalation stay as they are: they were right by the time
// that the step had. was is the deadline as it stood.
func (j *judgement) tellAnew(was, d *roundsv1.Deadline) {
	zh, en := stepWords(d.GetStep())
	whatZH, whatEN := "类别", "category"
	if j.anew == byPriority {
		whatZH, whatEN = "优先级", "priority"
	}
	byZH, byEN := j.named()
	j.tellOfBreach(was, d, "「"+zh+"」的时限已重新设定："+byZH+"更正了工单的"+whatZH+"。此前的超时和升级记录保留。",
		"The deadline of the "+en+" was set anew, because the "+whatEN+" of the ticket was corrected by "+byEN+". That it was late by the time before, and the escalation, stay"+
			" on record.")
}

// named is the person of the act in a sentence.
func (j *judgement) named() (zh, en string) {
	if j.Person == "" {
		return "系统", "the server"
	}
	if name := j.lookup(kindStaff, string(j.Person)).GetRecord().GetStaff().GetName(); name != "" {
		return name, name
	}
	return "他人", "somebody else"
}

// tellOfBreach tells everybody who was told of a breach: who had to see to the step, the role that leads it, and each level that the ticket went to.
func (j *judgement) tellOfBreach(was, d *roundsv1.Deadline, zh, en string) {
	tell := func(to recipients) { j.notify(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, to, zh, en) }
	tell(toPeople(was.GetOwnerId(), d.GetOwnerId(), j.ticket().GetAssigneeId(), j.after().GetAssigneeId()))
	site := j.reference.Policy(j.Scope)
	// Whether somebody had the step by name when it was late is not known any more where one has it now.
	told := []roundsv1.Role{site.ToldOf(d.GetStep(), false)}
	if was.GetOwnerId() != "" {
		told = append(told, site.ToldOf(d.GetStep(), true))
	}
	told = append(told, site.LevelRoles[1:min(int(j.ticket().GetEscalationLevel()), topLevel)+1]...)
	slices.Sort(told)
	for _, role := range slices.Compact(told) {
		if role != roundsv1.Role_ROLE_UNSPECIFIED {
			tell(toRole(role))
		}
	}
}

// askForTime is row 16 with a time that is not: what counts against a person is decided by a person. So it is where nobody was told yet, too, and such a clock says
// that it was late.
func (j *judgement) askForTime(d *roundsv1.Deadline) {
	zh, en := stepWords(d.GetStep())
	server := &roundsv1.Side{Record: j.ref(), TimeUs: d.GetBreachedUs(), Sentence: &roundsv1.Text{Zh: "系统：「" + zh + "」已超过时限。", En: "The server: the " + en + " was late."}}
	if d.GetBreachedUs() == 0 {
		server.TimeUs, server.Sentence = d.GetDueUs(), &roundsv1.Text{Zh: "系统：这是「" + zh + "」的时限。", En: "The server: this is when the " + en + " was due."}
	}
	phone := j.thisSide("手机：「"+zh+"」在时限之前完成，但手机时间不能确定。", "The phone: the "+en+" was in time, but its clock is not well known.")
	if d.GetDoneUs() > d.GetDueUs() {
		phone = j.thisSide("手机：「"+zh+"」在时限之后完成，但手机时间不能确定。", "The phone: the "+en+" was late, but its clock is not well known.")
	}
	j.ask(roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, []*roundsv1.Side{server, phone})
}

// stepWords name a step.
func stepWords(s roundsv1.Step) (zh, en string) {
	switch s {
	case roundsv1.Step_STEP_RESPOND:
		return "响应", "response"
	case roundsv1.Step_STEP_ARRIVE:
		return "到场", "arrival"
	case roundsv1.Step_STEP_FINISH:
		return "完工", "completion"
	case roundsv1.Step_STEP_REVIEW:
		return "确认", "review"
	case roundsv1.Step_STEP_FOLLOW_UP:
		return "回访", "follow-up visit"
	}
	return "步骤", "step"
}
