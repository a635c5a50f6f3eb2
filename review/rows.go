package review

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// ticket is a ticket as the board has it.
type ticket struct {
	updated, reported, closed int64 // microseconds since 1970
	due, review               int64 // nearest open deadline, and that of the review; 0: none
	category, assignee, reporter, place, parent, household, asset,
	into, flags ref // into: the ticket that it was merged into; flags: all of them, in order, with a zero byte between
	state, priority, escalation uint8
	round                       uint32
	text                        string // folded
	performers                  []ref  // while it waits for review
}

func (t *ticket) bytes() int64 {
	if t == nil {
		return 0
	}
	return int64(len(t.text)) + 4*int64(cap(t.performers))
}

const (
	pendingReview = uint8(roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW)
	merged        = uint8(roundsv1.TicketState_TICKET_STATE_MERGED)
)

func (c *content) ticketRow(change *roundsv1.Change, t *roundsv1.Ticket) ticket {
	row := ticket{
		updated: change.GetTimeUs(), reported: t.GetReportedTimeUs(), closed: t.GetClosedTimeUs(), due: dueOf(t), review: reviewDueOf(t),
		category: c.ids.put(t.GetCategoryId()), assignee: c.ids.put(t.GetAssigneeId()), reporter: c.ids.put(t.GetReporterId()),
		place: c.ids.put(t.GetLocation().GetPlaceId()), parent: c.ids.put(t.GetParentId()), household: c.ids.put(t.GetHouseholdId()),
		asset: c.ids.put(t.GetAssetId()), flags: c.flags(t.GetFlags()), state: uint8(t.GetState()), priority: uint8(t.GetPriority()),
		escalation: uint8(min(t.GetEscalationLevel(), 255)), round: t.GetRound(), text: ticketText(t),
	}
	switch row.state {
	case pendingReview:
		row.performers = c.ids.list(ticketPerformers(t))
	case merged:
		row.into = c.ids.put(t.GetMergedIntoId())
	}
	return row
}

// flags numbers a set of marks as one.
func (c *content) flags(all []string) ref {
	if len(all) == 0 {
		return 0
	}
	return c.ids.put(strings.Join(all, "\x00"))
}

// flagged: whether a set of marks holds one of those asked for.
func (c *content) flagged(set ref, any []string) bool {
	if set == 0 {
		return false
	}
	for flag := range strings.SplitSeq(c.ids.text(set), "\x00") {
		if slices.Contains(any, flag) {
			return true
		}
	}
	return false
}

// ticketText is what full text looks at.
func ticketText(t *roundsv1.Ticket) string {
	texts := append([]string{t.GetTitle(), t.GetDescription(), t.GetCustomerWords(), t.GetNotes(), t.GetContactPhone(), t.GetLocation().GetWords()}, t.GetTags()...)
	return folded(texts...)
}

// openDeadline: whether a deadline still runs, or has passed and the step is still to be done.
func openDeadline(d *roundsv1.Deadline) bool {
	switch d.GetState() {
	case roundsv1.DeadlineState_DEADLINE_STATE_OPEN, roundsv1.DeadlineState_DEADLINE_STATE_BREACHED:
		return d.GetDoneUs() == 0 && d.GetDueUs() > 0
	}
	return false
}

func dueOf(t *roundsv1.Ticket) (due int64) {
	for _, d := range t.GetDeadlines() {
		if openDeadline(d) && (due == 0 || d.GetDueUs() < due) {
			due = d.GetDueUs()
		}
	}
	return due
}

func reviewDueOf(t *roundsv1.Ticket) int64 {
	for _, d := range t.GetDeadlines() {
		if d.GetStep() == roundsv1.Step_STEP_REVIEW && d.GetRound() == t.GetRound() && openDeadline(d) {
			return d.GetDueUs()
		}
	}
	return 0
}

// ticketPerformers are those who worked on a ticket, by anybody's word, in any round: who must not confirm it.
func ticketPerformers(t *roundsv1.Ticket) []string {
	all := slices.Concat([]string{t.GetAssigneeId()}, t.GetCrewIds(), t.GetPerformerIds())
	for _, done := range t.GetCompletions() {
		all = append(all, done.GetPersonId())
	}
	for _, labour := range t.GetLabour() {
		all = append(all, labour.GetPersonId())
	}
	return people(all)
}

// people are the ids in a list, each once, in order.
func people(ids []string) []string {
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// inspection is an inspection round as the board has it.
type inspection struct {
	updated, start, end                         int64
	score                                       int64 // millionths
	checklist, plan, inspector, assignee, flags ref
	state                                       uint8
	failed                                      bool
	round                                       uint32
	checkpoints, performers                     []ref
	text                                        string
}

func (i *inspection) bytes() int64 {
	if i == nil {
		return 0
	}
	return int64(len(i.text)) + 4*int64(cap(i.checkpoints)+cap(i.performers))
}

const inspectionPendingReview = uint8(roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW)

func (c *content) inspectionRow(change *roundsv1.Change, i *roundsv1.Inspection) inspection {
	row := inspection{
		updated: change.GetTimeUs(), start: i.GetWindowStartUs(), end: i.GetWindowEndUs(), score: int64(i.GetScore() * 1e6),
		checklist: c.ids.put(i.GetChecklistId()), plan: c.ids.put(i.GetPlanId()), inspector: c.ids.put(i.GetInspectorId()),
		assignee: c.ids.put(i.GetAssigneeId()), flags: c.flags(i.GetFlags()), state: uint8(i.GetState()), failed: i.GetFailed(), round: i.GetRound(),
		checkpoints: c.ids.list(i.GetCheckpointIds()), text: folded(i.GetTitle(), i.GetNotes()),
	}
	if row.state == inspectionPendingReview {
		row.performers = c.ids.list(inspectionPerformers(i))
	}
	return row
}

// inspectionPerformers are those who walked a round.
func inspectionPerformers(i *roundsv1.Inspection) []string {
	all := []string{i.GetInspectorId()}
	for _, done := range i.GetCompletions() {
		all = append(all, done.GetPersonId())
	}
	for _, labour := range i.GetLabour() {
		all = append(all, labour.GetPersonId())
	}
	for _, visit := range i.GetOfficialVisits() {
		all = append(append(all, visit.GetPersonId()), visit.GetConfirmedByIds()...)
	}
	return people(all)
}

// due is the end of the window while the round is still to be submitted; 0 where it is not.
func (i *inspection) due() int64 {
	switch roundsv1.InspectionState(i.state) {
	case roundsv1.InspectionState_INSPECTION_STATE_PLANNED, roundsv1.InspectionState_INSPECTION_STATE_RELEASED,
		roundsv1.InspectionState_INSPECTION_STATE_RUNNING, roundsv1.InspectionState_INSPECTION_STATE_RETURNED,
		roundsv1.InspectionState_INSPECTION_STATE_MISSED, roundsv1.InspectionState_INSPECTION_STATE_PARTIAL:
		return i.end
	}
	return 0
}

// photo is a photo as the board has it.
type photo struct {
	subject     uid
	captured    int64  // effective time of the capture
	seq         uint64 // of the journal entry that brought it
	person      ref
	round       uint32
	role, state uint8
	soft        bool // a finding for the reviewer's eye, or a worse one
	hidden      bool
}

func (c *content) photoRow(change *roundsv1.Change, p *roundsv1.Photo) photo {
	row := photo{person: c.ids.put(p.GetPersonId()), round: p.GetRound(), role: uint8(p.GetRole()), state: uint8(p.GetState()),
		hidden: p.GetHidden() != nil, captured: change.GetTimeUs()}
	row.subject, _ = parseUID(p.GetSubject().GetId())
	if first := firstStamp(change); first != nil {
		row.captured, row.seq = first.GetTimeUs(), first.GetSeq()
	}
	switch p.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
		row.soft = true
	}
	for _, finding := range p.GetReport().GetFindings() {
		row.soft = row.soft || finding.GetSeverity() >= roundsv1.Severity_SEVERITY_SOFT
	}
	return row
}

// firstStamp is the stamp of the mutation that made a record: what it wrote for good is never another's.
func firstStamp(change *roundsv1.Change) *roundsv1.Stamp {
	var first *roundsv1.Stamp
	for _, write := range change.GetWrites() {
		if first == nil || write.GetStamp().GetSeq() < first.GetSeq() {
			first = write.GetStamp()
		}
	}
	return first
}

// looked: whether the photo is in storage and was looked at.
func (p *photo) looked() bool {
	switch roundsv1.PhotoState(p.state) {
	case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD:
		return true
	}
	return false
}

// comment is a remark as the board has it.
type comment struct {
	subject uid
	hidden  bool
}

// question is a conflict record as the board has it.
type question struct {
	opened   int64
	owner    ref
	role     uint8
	typ      uint8
	open     bool
	subjects []uid // what it is about, the record itself first where it names one
}

func (q *question) bytes() int64 {
	if q == nil {
		return 0
	}
	return int64(cap(q.subjects)) * 16
}

func (c *content) questionRow(q *roundsv1.Conflict) question {
	row := question{opened: q.GetOpenedTimeUs(), owner: c.ids.put(q.GetOwnerId()), role: uint8(q.GetOwnerRole()), typ: uint8(q.GetType()),
		open: q.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN}
	add := func(r *roundsv1.RecordRef) {
		if id, ok := parseUID(r.GetId()); ok && !slices.Contains(row.subjects, id) {
			row.subjects = append(row.subjects, id)
		}
	}
	add(q.GetSubject())
	for _, side := range q.GetSides() {
		add(side.GetRecord())
	}
	return row
}

// notice is a notice as the board has it.
type notice struct {
	time         int64
	code, role   uint8
	people, seen []ref
}

func (n *notice) bytes() int64 {
	if n == nil {
		return 0
	}
	return 4 * int64(cap(n.people)+cap(n.seen))
}

func (c *content) noticeRow(n *roundsv1.Notice) notice {
	return notice{time: n.GetTimeUs(), code: uint8(n.GetCode()), role: uint8(n.GetRole()), people: c.ids.list(n.GetPersonIds()), seen: c.ids.list(n.GetSeenByIds())}
}

// place is a place as the board has it.
type place struct {
	parent uid
	zh, en string
	text   string // folded: names and code
}

func (p *place) bytes() int64 {
	if p == nil {
		return 0
	}
	return int64(len(p.zh) + len(p.en) + len(p.text))
}

func (c *content) placeRow(p *roundsv1.Place) place {
	row := place{zh: strings.Clone(p.GetName().GetZh()), en: strings.Clone(p.GetName().GetEn()),
		text: folded(p.GetName().GetZh(), p.GetName().GetEn(), p.GetCode())}
	row.parent, _ = parseUID(p.GetParentId())
	return row
}

// mostLevels bounds the climb in a tree of places, which anybody may have tied into a knot.
const mostLevels = 64

// below returns the places that are one of those asked for or stand below one, as refs.
func (c *content) below(ids []string) map[ref]bool {
	wanted := map[ref]bool{}
	roots := map[uid]bool{}
	for _, id := range ids {
		if r, known := c.ids.get(id); known {
			wanted[r] = true
		}
		if u, ok := parseUID(id); ok {
			roots[u] = true
		}
	}
	for i := range c.places.slots {
		one := &c.places.slots[i]
		if !one.live {
			continue
		}
		at := one.id
		for range mostLevels {
			if roots[at] {
				if r, known := c.ids.get(one.id.String()); known {
					wanted[r] = true
				}
				break
			}
			above := c.places.get(at)
			if above == nil || above.parent == (uid{}) {
				break
			}
			at = above.parent
		}
	}
	return wanted
}

// named returns the places whose name holds a word, as refs.
func (c *content) named(word string) map[ref]bool {
	found := map[ref]bool{}
	for i := range c.places.slots {
		one := &c.places.slots[i]
		if one.live && strings.Contains(one.row.text, word) {
			if r, known := c.ids.get(one.id.String()); known {
				found[r] = true
			}
		}
	}
	return found
}
