package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Names of the states of an inspection round.
const (
	walkPlanned   = roundsv1.InspectionState_INSPECTION_STATE_PLANNED
	walkReleased  = roundsv1.InspectionState_INSPECTION_STATE_RELEASED
	walkRunning   = roundsv1.InspectionState_INSPECTION_STATE_RUNNING
	walkSubmitted = roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED
	walkReview    = roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW
	walkApproved  = roundsv1.InspectionState_INSPECTION_STATE_APPROVED
	walkReturned  = roundsv1.InspectionState_INSPECTION_STATE_RETURNED
	walkMissed    = roundsv1.InspectionState_INSPECTION_STATE_MISSED
	walkPartial   = roundsv1.InspectionState_INSPECTION_STATE_PARTIAL
	walkExcused   = roundsv1.InspectionState_INSPECTION_STATE_EXCUSED
)

// Numbers of an inspection round's fields that the model looks at.
const (
	inspectionVersion = 2
	inspectionState   = 40
	inspectionRound   = 41
)

// walk is one inspection round.
type walk struct {
	id          string
	state       roundsv1.InspectionState
	round       uint32
	inspector   string
	approver    string // who approved the round that it is in
	list        string
	version     uint32
	checkpoints []string
	hands       map[string]uint64 // who walked some of it, by the entry that says so first
	answers     map[string][]answer
	failures    map[[2]string]bool // checkpoint and item of answers that make a ticket

	moved    *entry // that wrote the state last
	returned *entry // by which the round was returned last
	again    []string
	unclear  bool
}

func (m *trade) lost(w *walk, e *entry, format string, args ...any) {
	m.c.find(P9, m.h.scope.Name, "inspection %s, entry %d: "+format, append([]any{w.id, e.GetSeq()}, args...)...)
}

// walk follows one entry of an inspection round.
func (m *trade) walk(id string, e *entry) {
	w := m.round(id)
	if e.redacted || e.mutation == nil {
		w.unclear = true
		return
	}
	switch act := e.mutation.GetAct().(type) {
	case *roundsv1.Mutation_Command:
		if command := act.Command.GetInspection(); command != nil {
			m.walkCommand(w, e, command)
		}
	case *roundsv1.Mutation_Fact:
		m.walkWritten(w, e, act.Fact.GetRecord().GetInspection())
	case *roundsv1.Mutation_Edit:
		if e.rules {
			m.walkServer(w, e, act.Edit)
		} else {
			m.walkWritten(w, e, act.Edit.GetRecord().GetInspection())
		}
	}
	if w.state == roundsv1.InspectionState_INSPECTION_STATE_UNSPECIFIED {
		w.state, w.moved = walkPlanned, e
	}
}

// round is the model of a round; one that nobody heard of before is made.
func (m *trade) round(id string) *walk {
	w := m.walks[id]
	if w == nil {
		w = &walk{id: id, round: 1, hands: map[string]uint64{}, answers: map[string][]answer{}, failures: map[[2]string]bool{}}
		m.walks[id] = w
	}
	return w
}

// did notes that somebody walked some of the round.
func (w *walk) did(e *entry, person string) {
	if _, known := w.hands[person]; !known && person != "" {
		w.hands[person] = e.GetSeq()
	}
}

// photographed notes who took a photo of an item, or one that an answer rests on: that is part of walking it, so somebody else decides (37).
func (w *walk) photographed(e *entry, people []string) {
	for _, person := range people {
		w.did(e, person)
	}
	w.takenBack(e, people...)
}

// takenBack: whether the round was approved by one of some people who walked some of it, as an entry shows: then somebody else decides (37).
func (w *walk) takenBack(e *entry, people ...string) bool {
	if w.state != walkApproved || !slices.Contains(people, w.approver) {
		return false
	}
	w.state, w.moved = walkReview, e
	return true
}

// walkWritten follows what somebody writes on a round: what it is walked with, where it is made; scans, answers and labour.
func (m *trade) walkWritten(w *walk, e *entry, said *roundsv1.Inspection) {
	if w.state == roundsv1.InspectionState_INSPECTION_STATE_UNSPECIFIED {
		w.list, w.version, w.checkpoints = said.GetChecklistId(), said.GetChecklistVersion(), said.GetCheckpointIds()
	}
	if len(said.GetAnswers()) > 0 || slices.ContainsFunc(said.GetVisits(), func(s *roundsv1.Scan) bool { return s.GetCheckpointId() != "" }) {
		w.did(e, e.GetPersonId())
	}
	for _, labour := range said.GetLabour() {
		w.did(e, labour.GetPersonId())
	}
	if m.shows(e, said, w.approver) {
		w.takenBack(e, w.approver)
	}
	list := m.checklist(w)
	for key, said := range said.GetAnswers() {
		w.answers[key] = append(w.answers[key], answer{e, said})
		if checkpoint, item := itemOf(list, w.checkpoints, key); item != nil && result(item, said) == roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
			w.failures[[2]string{checkpoint, item.GetId()}] = true
		}
	}
}

// shows: whether what is written on a round shows that a person walked some of it: scanned, answered, laboured, or took a photo of an answer.
func (m *trade) shows(e *entry, said *roundsv1.Inspection, person string) bool {
	if person == "" {
		return false
	}
	for _, a := range said.GetAnswers() {
		if slices.ContainsFunc(a.GetPhotoIds(), func(id string) bool { p := m.photos[id]; return p != nil && slices.Contains(p.by, person) }) {
			return true
		}
	}
	scanned := slices.ContainsFunc(said.GetVisits(), func(s *roundsv1.Scan) bool { return s.GetCheckpointId() != "" })
	return e.GetPersonId() == person && (scanned || len(said.GetAnswers()) > 0) ||
		slices.ContainsFunc(said.GetLabour(), func(l *roundsv1.Labour) bool { return l.GetPersonId() == person })
}

// walkCommand is the document's table: what a command that was taken does to an inspection round.
func (m *trade) walkCommand(w *walk, e *entry, command *roundsv1.InspectionCommand) {
	person := e.GetPersonId()
	need := func(ok bool, format string, args ...any) {
		if !ok {
			m.lost(w, e, format, args...)
		}
	}
	move := func(to roundsv1.InspectionState, from ...roundsv1.InspectionState) {
		need(slices.Contains(from, w.state), "%T was taken in %v", command.GetCommand(), w.state)
		w.state, w.moved = to, e
	}
	decides := func(round uint32) {
		need(chief(e), "%s, as %v, decides on it", person, e.GetRoles())
		need(round == w.round, "%T of round %d was taken in round %d", command.GetCommand(), round, w.round)
		m.walked(w, e)
	}
	late, moved := w.state == walkMissed || w.state == walkPartial, w.moved
	switch act := command.GetCommand().(type) {
	case *roundsv1.InspectionCommand_Release:
		need(chief(e) || slices.Contains(e.GetRoles(), foreman), "%s, as %v, releases it", person, e.GetRoles())
		move(walkReleased, walkPlanned)
		m.pin(w, e)
	case *roundsv1.InspectionCommand_Start:
		need(len(w.checkpoints) == 0 || act.Start.GetScanPayload() != "" || act.Start.GetBrokenTagPhotoId() != "", "it was started, and no tag was scanned")
		w.did(e, person)
		m.pin(w, e)
		if late { // 30: the phone was in the basement
			need(!e.saw(w.moved), "it was started by somebody who knew that it was missed")
			w.claim(person)
			return
		}
		if w.takenBack(e, person) {
			need(!e.saw(moved), "it was started by somebody who knew that it was approved")
			return
		}
		if w.state == walkRunning { // a leader takes over what somebody walks whose phone is lost
			need(e.saw(moved) && person != w.inspector && leads(e), "%s, as %v, takes over what %s walks", person, e.GetRoles(), w.inspector)
			w.inspector = person
			return
		}
		move(walkRunning, walkReleased, walkReturned)
		w.inspector = person
	case *roundsv1.InspectionCommand_Submit:
		if round := act.Submit.GetRound(); round > 0 && round < w.round { // 9: it stays with its round
			w.did(e, person)
			w.takenBack(e, person)
			return
		}
		need(act.Submit.GetRound() == w.round, "round %d was submitted in round %d", act.Submit.GetRound(), w.round)
		need(w.inspector == "" || w.inspector == person, "%s submits what %s walks", person, w.inspector)
		if why := m.gap(w); why != "" {
			m.lost(w, e, "submitted, and %s", why)
		}
		if w.state == walkExcused { // 30: neither had the phone heard of that
			need(!e.saw(moved), "it was submitted by somebody who knew that it was excused")
		}
		move(walkSubmitted, walkRunning, walkMissed, walkPartial, walkExcused)
		w.claim(person)
		w.did(e, person)
	case *roundsv1.InspectionCommand_Approve:
		decides(act.Approve.GetRound())
		if ok, why := m.walkProved(w); !ok {
			m.lost(w, e, "approved without evidence: %s", why)
		}
		need(len(act.Approve.GetReviewDigest()) > 0 || m.letIn(e) != nil, "approved, and it does not say what was seen")
		m.walkLooked(w, e, act.Approve.GetReviewDigest())
		move(walkApproved, walkReview)
		w.approver = person
	case *roundsv1.InspectionCommand_Return:
		decides(act.Return.GetRound())
		need(act.Return.GetReason() != "", "it was returned without a reason")
		move(walkReturned, walkReview)
		w.next(e, act.Return.GetItemIds())
	case *roundsv1.InspectionCommand_Excuse:
		decides(w.round)
		need(act.Excuse.GetReason() != "", "it was excused without a reason")
		move(walkExcused, walkMissed, walkPartial)
	}
}

func (w *walk) claim(person string) {
	if w.inspector == "" {
		w.inspector = person
	}
}

// next begins the next round: the items that were named have to be looked at again.
func (w *walk) next(e *entry, items []string) {
	w.round++
	w.returned, w.again = e, items
}

// walked: whoever decides on a round walked none of it, and took none of the photos of its answers.
func (m *trade) walked(w *walk, e *entry) {
	person := e.GetPersonId()
	if by, did := w.hands[person]; did && by < e.GetSeq() {
		m.lost(w, e, "%s decides on own work (entry %d)", person, by)
	}
	for _, id := range w.photos() {
		if p := m.photos[id]; p != nil && slices.Contains(p.by, person) {
			m.lost(w, e, "%s decides on own work, of which photo %s is a proof", person, id)
		}
	}
}

// pin: a round is walked with one version of its checklist, from its release on.
func (m *trade) pin(w *walk, e *entry) {
	if m.c.evidence.Trade == nil || w.list == "" {
		return
	}
	list := m.c.evidence.Trade.Checklist(m.h.scope.Name, w.list, w.version)
	if list == nil {
		m.lost(w, e, "released with version %d of its checklist, which nobody has", w.version)
		return
	}
	w.version = list.GetVersion()
}

// walkServer follows what the server writes of a round by itself.
func (m *trade) walkServer(w *walk, e *entry, edit *roundsv1.Edit) {
	said := edit.GetRecord().GetInspection()
	if w.state == roundsv1.InspectionState_INSPECTION_STATE_UNSPECIFIED { // of a plan
		w.list, w.version, w.checkpoints = said.GetChecklistId(), said.GetChecklistVersion(), said.GetCheckpointIds()
		w.state, w.moved = max(said.GetState(), walkPlanned), e
		if w.state == walkReleased {
			m.pin(w, e)
		}
		if w.state > walkReleased {
			m.lost(w, e, "the server makes a round that is %v", said.GetState())
		}
		return
	}
	if !slices.Contains(edit.GetFields(), inspectionState) {
		return
	}
	decided := roundsv1.ConflictAction_CONFLICT_ACTION_UNSPECIFIED
	if cause := m.h.at(e.GetCause()); cause != nil {
		decided = cause.mutation.GetCommand().GetConflict().GetDecide().GetAction()
	}
	from, to, moved := w.state, said.GetState(), w.moved
	w.state, w.moved = to, e
	switch {
	case from == to && moved.GetSeq() == e.GetCause(): // 37: what a photo brought about is written beside it
	case from == walkPlanned && to == walkReleased:
		m.pin(w, e)
	case (from == walkPlanned || from == walkReleased) && to == walkMissed, from == walkRunning && to == walkPartial:
		if w.round > 1 {
			m.lost(w, e, "taken for %v in round %d, which has no window", to, w.round)
		}
	case from == walkSubmitted && to == walkReview:
		if ok, why := m.walkProved(w); !ok {
			m.lost(w, e, "goes to review without evidence: %s", why)
		}
	case from == walkSubmitted && to == walkReturned && decided == roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE,
		from == walkApproved && to == walkReturned && decided == roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN:
		w.round++
		w.returned, w.again = e, nil
		if reviews := said.GetReviews(); len(reviews) > 0 {
			w.again = reviews[len(reviews)-1].GetItemIds()
		}
	default:
		m.lost(w, e, "the server moves it from %v to %v, which is not in the table", from, to)
	}
}

// walkProved: whether there are answers, where the round asks for any, and every photo that they name is in storage, sound, and of this round's record. One that was
// taken out of sight does not stand in the way.
func (m *trade) walkProved(w *walk) (bool, string) {
	for _, id := range w.photos() {
		p := m.photos[id]
		switch {
		case p == nil || !p.made && !p.unclear:
			return false, "photo " + id + " was never promised"
		case p.hidden != nil || p.unclear:
		case p.subject != w.id:
			return false, "photo " + id + " is of another record"
		case p.state != roundsv1.PhotoState_PHOTO_STATE_CLEAN && p.state != roundsv1.PhotoState_PHOTO_STATE_SOFT:
			return false, "photo " + id + " is " + p.state.String()
		}
	}
	if len(w.answers) == 0 && m.asks(w) {
		return false, "nobody answered anything"
	}
	return true, ""
}

// walkLooked wants who approves to have looked at the evidence as it stands, or at an earlier state of it since which nothing came that speaks against the round.
func (m *trade) walkLooked(w *walk, e *entry, digest []byte) {
	if w.unclear {
		return
	}
	l := m.sight(e, digest)
	l.answers(w.answers)
	if len(digest) > 0 { // without one nobody can say what photos were seen
		for _, id := range w.photos() {
			l.photo(m.photos[id])
		}
	}
	if why := l.blind(); why != "" {
		m.lost(w, e, "%s", why)
	}
}
