package promises

import (
	"math"
	"slices"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// objection is how long after a closure another reviewer may send the work back.
const objection = 24 * time.Hour

// decided: whoever decides on a round did none of the work, nor of that of the ticket's tasks, and took none of the photos that prove it.
func (m *trade) decided(t *work, e *entry) {
	person := e.GetPersonId()
	if by, did := t.hands[person]; did && by < e.GetSeq() {
		m.find(t, e, "%s decides on own work (entry %d)", person, by)
		return
	}
	for _, task := range t.tasks() {
		if by, did := task.hands[person]; did && by < e.GetSeq() {
			m.find(t, e, "%s decides on own work, which is of task %s (entry %d)", person, task.id, by)
		}
	}
	for _, id := range t.manifest() {
		if p := m.photos[id]; p != nil && p.hidden == nil && p.annotates == "" && p.role == roundsv1.PhotoRole_PHOTO_ROLE_AFTER && slices.Contains(p.by, person) && (!t.denied[person] || p.by[0] == person) {
			m.find(t, e, "%s decides on own work, of which photo %s is a proof", person, id)
		}
	}
}

// objects: whoever says that the work is not good enough did none of it by an act of their own. What others say keeps nobody from that.
func (m *trade) objects(t *work, e *entry) {
	person := e.GetPersonId()
	if by, did := t.hands[person]; did && t.own[person] && by < e.GetSeq() {
		m.find(t, e, "%s decides on own work (entry %d)", person, by)
	}
}

func (m *trade) approve(t *work, e *entry, act *roundsv1.TicketApprove) {
	m.who(t, e, "approves", butler, supervisor, manager)
	if m.letIn(e) != nil {
		m.find(t, e, "an approval that was kept back was let in, and nobody looked again (11)")
	}
	m.decided(t, e)
	if len(act.GetReviewDigest()) == 0 && m.letIn(e) == nil {
		m.find(t, e, "approved, and it does not say what was seen")
	}
	round := act.GetRound()
	switch {
	case round == 0 || round > t.round:
		m.find(t, e, "round %d was approved in round %d", round, t.round)
		return
	case round < t.round: // 13, 15
		if e.saw(t.began[t.round]) {
			m.find(t, e, "round %d was approved by somebody who knew of round %d", round, t.round)
		}
		return
	case t.state == atClosed: // 14
		if t.closedBy != byApproval || e.saw(t.moved) {
			m.find(t, e, "it was signed a second time, and nobody approved it meanwhile")
		}
		if l := m.look(t, e, act.GetReviewDigest()); l.early() && !t.unclear {
			m.find(t, e, "signed by somebody who looked before the evidence of the round was complete")
		}
		if !slices.Contains(t.approvers, e.GetPersonId()) {
			t.approvers = append(t.approvers, e.GetPersonId())
		}
		return
	case t.state != atReview:
		m.find(t, e, "it was approved in %v", t.state)
	}
	if e.GetPersonId() == t.assignee {
		m.find(t, e, "the assignee approves")
	}
	if t.dissent && !chief(e) {
		m.find(t, e, "two reviewers do not agree, and no supervisor decides (12)")
	}
	if ok, why := m.proved(t); !ok {
		m.find(t, e, "closed without evidence: %s", why)
	}
	m.looked(t, e, act.GetReviewDigest())
	m.ended(t, e)
	t.enter(e, atClosed)
	t.closedBy, t.approvers, t.closedUs, t.dissent = byApproval, []string{e.GetPersonId()}, max(e.GetOutcome().GetTimeUs(), e.GetTakenUs()), false
}

func (m *trade) reject(t *work, e *entry, act *roundsv1.TicketReject) {
	m.who(t, e, "sends it back", butler, supervisor, manager)
	m.objects(t, e)
	if act.GetRound() != t.round {
		m.find(t, e, "round %d was sent back in round %d", act.GetRound(), t.round)
	}
	if strings.TrimSpace(act.GetWords()) == "" {
		m.find(t, e, "it was sent back without a word")
	}
	for _, id := range act.GetPhotoIds() {
		if p := m.photos[id]; p != nil && !p.unclear && p.subject == t.id && p.round > 0 && p.round < t.round && p.role != roundsv1.PhotoRole_PHOTO_ROLE_BEFORE &&
			!t.unclear && !slices.Contains(t.evidence(), id) && !slices.Contains(m.record(t.id).GetOrigin().GetPhotoIds(), id) {
			m.find(t, e, "a reviewer points at photo %s, which is of another round", id)
		}
		if p := m.photos[id]; !t.unclear && (p == nil || !p.unclear && p.subject != t.id && m.end(p.subject) != t && !slices.Contains(m.record(t.id).GetOrigin().GetPhotoIds(), id)) {
			m.find(t, e, "a reviewer points at photo %s, which is not of it", id)
		}
	}
	if t.state == atClosed { // 12
		if late := time.Duration(e.GetOutcome().GetTimeUs()-t.closedUs) * time.Microsecond; late > objection {
			m.find(t, e, "a closure is objected to %v after it", late)
		}
		if t.closedBy != byApproval || e.saw(t.moved) {
			m.find(t, e, "a closure is objected to that nobody approved, or by somebody who knew of it")
		}
		t.enter(e, atReview)
		t.dissent = true
		return
	}
	if t.state != atReview {
		m.find(t, e, "it was sent back in %v", t.state)
	}
	if t.dissent && !chief(e) {
		m.find(t, e, "two reviewers do not agree, and no supervisor decides (12)")
	}
	t.enter(e, atRework)
	t.next(e)
}

// looked wants who approves to have looked at the evidence as it stands, or at an earlier state of it since which nothing came that speaks against the work: 10, 11.
func (m *trade) looked(t *work, e *entry, digest []byte) {
	if t.unclear {
		return
	}
	if why := m.look(t, e, digest).blind(); why != "" {
		m.find(t, e, "%s", why)
	}
}

// look is what the reviewer of a ticket had before the eyes, and what came since.
func (m *trade) look(t *work, e *entry, digest []byte) *look {
	l := m.sight(e, digest)
	if l.complete = t.whole[t.round]; l.complete != nil {
		l.waited = e.base >= l.complete.GetSeq()
	}
	if t.completed != nil {
		l.came(t.completed)
	}
	if t.disputed != nil && l.came(t.disputed) {
		l.against = "the customer is not content"
	}
	l.answers(t.answers)
	for _, id := range t.evidence() {
		l.photo(m.photos[id])
	}
	return l
}

// look is what a reviewer had before the eyes, and what came since.
type look struct {
	*entry
	digest   []byte
	through  uint64 // of the journal the reviewer was shown so much
	known    bool   // somebody was shown what the digest is the hash of, or nobody knows
	anything bool   // came since
	against  string // what of it speaks against the work
	complete *entry // by which the round went to review first; nil where that is not asked
	waited   bool   // the reviewer had the record in a version since then
}

// sight is what a reviewer had before the eyes.
func (m *trade) sight(e *entry, digest []byte) *look {
	l := &look{entry: e, digest: digest, through: e.base, known: true}
	switch shown := m.c.evidence.Shown; {
	case len(digest) == 0:
	case shown == nil:
		l.through = math.MaxUint64
	default:
		seq, known := shown(digest)
		l.through, l.known = max(l.through, uint64(seq)), known
	}
	return l
}

// came: whether an entry came after what the reviewer was shown; then something did.
func (l *look) came(e *entry) bool {
	if e.GetSeq() <= l.through || l.knows(e) {
		return false
	}
	l.anything = true
	return true
}

func (l *look) answers(all map[string][]answer) {
	for item, said := range all {
		for _, a := range said {
			if l.came(a.entry) && shown(said).said.GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_FAIL {
				l.against = "item " + item + " failed"
			}
		}
	}
}

func (l *look) photo(p *proof) {
	if p == nil || p.changed.GetSeq() <= l.through {
		return
	}
	if l.anything = true; p.state == roundsv1.PhotoState_PHOTO_STATE_HARD && p.hidden == nil && p.judged.GetSeq() > l.through {
		l.against = "photo " + p.id + " cannot count"
	}
}

// blind says why an approval does not count; "" where it does.
func (l *look) blind() string {
	switch {
	case l.against != "":
		return "approved by somebody who has not seen that " + l.against + " (11)"
	case len(l.digest) == 0 && l.anything:
		return "approved by somebody who has not seen all of the evidence, and does not say what was seen"
	case !l.known && !(l.waited && l.anything): // the base tells what was seen, and not the digest
		return "approved on evidence that there never was"
	case l.early():
		return "approved by somebody who looked before the evidence of the round was complete"
	}
	return ""
}

// early: whether the reviewer looked before the evidence of the round was complete, and it was another then.
func (l *look) early() bool {
	return l.complete != nil && l.anything && l.through < l.complete.GetSeq()
}

// shown is the answer of several that counts: of those that nobody replaced who had seen them the worst, and of these the earliest.
func shown(all []answer) (first answer) {
	for i, a := range all {
		if slices.ContainsFunc(all[i+1:], func(later answer) bool { return later.saw(a.entry) }) {
			continue
		}
		if first.entry == nil || a.said.GetResult() > first.said.GetResult() ||
			a.said.GetResult() == first.said.GetResult() && earlier(put{entry: a.entry}, put{entry: first.entry}) < 0 {
			first = a
		}
	}
	return first
}

// manifest are the photos that the current round rests on.
func (t *work) manifest() (ids []string) {
	for _, c := range t.said {
		if c.round == t.round && !c.late {
			ids = append(ids, c.photos...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// evidence are the photos that a reviewer of the current round is shown.
func (t *work) evidence() (ids []string) {
	for _, c := range t.said {
		if c.round == t.round {
			ids = append(ids, c.photos...)
		}
	}
	for _, all := range t.answers {
		ids = append(ids, shown(all).said.GetPhotoIds()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
