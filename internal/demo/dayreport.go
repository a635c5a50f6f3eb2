package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// Day is what became of the work of the main site.
type Day struct {
	// Tickets by where they came from: residents, finds of the crew, failed items of rounds, tasks of tickets that were split.
	Tickets map[string]int `json:"tickets"`
	// PhotoVerified were closed by approval of verified photos; Forced by two people without; ByTasks with the last of their tasks.
	PhotoVerified int `json:"photo_verified"`
	Forced        int `json:"forced"`
	ByTasks       int `json:"closed_by_tasks"`
	Cancelled     int `json:"cancelled"`
	Merged        int `json:"merged"`
	Open          int `json:"open"`
	// ClosureRate is PhotoVerified as a share of all tickets but those cancelled, merged, forced or closed by their tasks.
	ClosureRate float64 `json:"closure_rate"`
	// Words were closed by approval alone, of a category that asks for no photo: an invoice, a word of praise.
	Words int `json:"closed_without_photos_asked"`
	// Responded is the share of tickets that a person answered within 20 minutes of the report; RespondedResidents of those that residents reported.
	// Response is the distribution: how many were answered within so many minutes, and after more than the last; Unanswered ended without an answer.
	Responded          float64     `json:"responded_within_20_min"`
	RespondedResidents float64     `json:"responded_within_20_min_residents"`
	Response           []Responses `json:"first_response"`
	Unanswered         int         `json:"unanswered"`
	// Answers tell the first responses apart by origin and signal, Late names those that took longer and why.
	Answers []Answers    `json:"first_response_by_origin"`
	Late    []LateAnswer `json:"first_response_late,omitempty"`
	// Deadlines by step.
	Deadlines []Deadlines `json:"deadlines"`
	// Rework counts reviews that sent work back, Reopened tickets that were opened again, Asked requests for more evidence.
	Rework   int            `json:"rework"`
	Reopened int            `json:"reopened"`
	Asked    int            `json:"asked_for_more"`
	AtDesk   int            `json:"approved_at_a_desk"`
	Rounds   Rounds         `json:"rounds"`
	Inbox    []Question     `json:"inbox"`
	Notices  map[string]int `json:"notices"`
	// Rows of the table of concurrent events, all of them, with how often each came about; NotAsked are those that the crew is too small for, or that were left
	// out, and that did not come about by themselves.
	Rows     []Row `json:"rows"`
	NotAsked []int `json:"rows_not_asked,omitempty"`
	// AsTheServer: the server's own lists say the same.
	AsTheServer bool `json:"as_the_server_lists"`

	unexplained int
	falseAlarms int // tickets
	faulty      []string
	answers     []answer
	limits      map[int]bool // within how many minutes the site wants an answer
}

// Responses is one class of the distribution of first responses.
type Responses struct {
	// WithinMin minutes of the report, and not within those of the class before; 0: later.
	WithinMin int `json:"within_min"`
	Tickets   int `json:"tickets"`
}

// Deadlines is what became of the deadlines of one step.
type Deadlines struct {
	Step string `json:"step"`
	// Met in time; Missed; Corrected were taken for missed until the phone that had been without signal told that they were met (row 16); Disputed wait for
	// somebody to say; Open are not due yet.
	Met       int `json:"met"`
	Missed    int `json:"missed"`
	Corrected int `json:"corrected_by_late_sync"`
	Disputed  int `json:"disputed"`
	Open      int `json:"open"`
}

// Rounds is what became of the inspection rounds whose window began in the day: planned ones, and those that the supervisor set up besides.
type Rounds struct {
	Planned  int     `json:"planned"`
	Walked   int     `json:"walked"`
	Approved int     `json:"approved"`
	Missed   int     `json:"missed"`
	Late     int     `json:"late_sync"`
	Failed   int     `json:"failed"`
	Returned int     `json:"returned"`
	Score    float64 `json:"average_score"`
	// Scans of checkpoints, and the visits of which the server says that their tag is not genuine, or another place's.
	Scans     int `json:"scans"`
	FalseTags int `json:"false_tags"`
}

// Question is what became of the questions of one type.
type Question struct {
	Type   string `json:"type"`
	Opened int    `json:"opened"`
	// OnPhones and AtDesks were decided by somebody; Answered by what happened to the record.
	OnPhones int `json:"decided_on_phones"`
	AtDesks  int `json:"decided_at_desks"`
	Answered int `json:"answered"`
	Open     int `json:"open"`
	// By whom they were decided: by role. How: with what.
	By  map[string]int `json:"by,omitempty"`
	How map[string]int `json:"how,omitempty"`
	// Why open ones are open: who is asked what, and how old the oldest is.
	Why []string `json:"why,omitempty"`
}

const responseTime = 20 * time.Minute

// responseClasses are the minutes by which first responses are told apart.
func responseClasses() []int { return []int{1, 5, 10, 20, 60} }

// sum reckons the day from the records as the office has them.
func (d *demo) sum(ctx context.Context) (*Day, error) {
	day := &Day{Tickets: map[string]int{}, Notices: map[string]int{}, AtDesk: d.day.atDesk, limits: map[int]bool{}}
	for _, within := range append(responseClasses(), 0) {
		day.Response = append(day.Response, Responses{WithinMin: within})
	}
	s := daySum{Day: day, end: d.time.Now(), begin: d.progress.begin, site: d.Site.ID, atDesks: d.answered, roles: map[string]string{}, steps: map[roundsv1.Step]*Deadlines{},
		inbox: map[string]*Question{}}
	for _, w := range append([]*worker{d.desk}, d.workers...) {
		s.roles[w.ID] = stateName(w.Role.String(), "ROLE_")
	}
	for kind, take := range map[string]func(*roundsv1.Change){"ticket": s.ticket, "inspection": s.round, "conflict": s.question, "notice": s.notice} {
		for v, err := range d.desk.device.List(ctx, d.desk.site, kindOf(kind)) {
			if err != nil {
				return nil, err
			}
			take(v.Change)
		}
	}
	s.finish()
	wrong, err := day.hold(ctx, d)
	day.AsTheServer, day.faulty = len(wrong) == 0, wrong
	return day, err
}

// daySum gathers a Day.
type daySum struct {
	*Day
	begin, end          time.Time
	site                string
	inTime, of          int
	residents, residing int
	scored              int
	inbox               map[string]*Question
	steps               map[roundsv1.Step]*Deadlines
	roles               map[string]string // of people
	atDesks             map[client.RecordID]bool
}

func resident(t *roundsv1.Ticket) bool {
	switch t.GetChannel() {
	case roundsv1.Channel_CHANNEL_UNSPECIFIED, roundsv1.Channel_CHANNEL_PATROL, roundsv1.Channel_CHANNEL_INSPECTION:
		return false
	}
	return true
}

// origin is where a ticket came from.
func origin(t *roundsv1.Ticket) string {
	switch {
	case t.GetParentId() != "":
		return "tasks"
	case t.GetOrigin() != nil:
		return "failed items"
	case resident(t):
		return "residents"
	}
	return "finds"
}

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func (s *daySum) ticket(c *roundsv1.Change) {
	t := c.GetRecord().GetTicket()
	s.Tickets[origin(t)]++
	forced, tasks := slices.Contains(t.GetFlags(), "forced"), slices.Contains(t.GetFlags(), "closed_by_tasks")
	switch state := t.GetState(); {
	case state == roundsv1.TicketState_TICKET_STATE_CANCELLED:
		s.Cancelled++
	case state == roundsv1.TicketState_TICKET_STATE_MERGED:
		s.Merged++
	case state != roundsv1.TicketState_TICKET_STATE_CLOSED:
		s.Open++
	case forced:
		s.Forced++
	case tasks:
		s.ByTasks++
	case len(manifest(t)) == 0:
		s.Words++
	default:
		s.PhotoVerified++
	}
	if slices.Contains(t.GetFlags(), "offline_false_alarm") {
		s.falseAlarms++
	}
	for _, deadline := range t.GetDeadlines() {
		step := s.steps[deadline.GetStep()]
		if step == nil {
			step = &Deadlines{Step: stateName(deadline.GetStep().String(), "STEP_")}
			s.steps[deadline.GetStep()] = step
		}
		switch deadline.GetState() {
		case roundsv1.DeadlineState_DEADLINE_STATE_MET:
			step.Met++
		case roundsv1.DeadlineState_DEADLINE_STATE_BREACHED:
			step.Missed++
		case roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC:
			step.Corrected++
		case roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED:
			step.Disputed++
		case roundsv1.DeadlineState_DEADLINE_STATE_OPEN, roundsv1.DeadlineState_DEADLINE_STATE_STOPPED:
			step.Open++
		}
		if deadline.GetStep() == roundsv1.Step_STEP_RESPOND && deadline.GetRound() == 1 {
			s.responded(c.GetRecordId(), t, deadline)
		}
	}
	for _, r := range t.GetReviews() {
		switch r.GetVerdict() {
		case roundsv1.Verdict_VERDICT_REJECTED:
			s.Rework++
		case roundsv1.Verdict_VERDICT_ASKED:
			s.Asked++
		}
	}
	for _, f := range t.GetFlags() {
		if f == "customer_disputed" || f == "reopened" || f == "follow_up_failed" {
			s.Reopened++
		}
	}
}

// responded counts how soon somebody answered a report.
func (s *daySum) responded(id string, t *roundsv1.Ticket, d *roundsv1.Deadline) {
	if d.GetDoneUs() == 0 {
		s.Unanswered++
		return
	}
	a := answer{ticket: id, origin: origin(t), place: t.GetLocation().GetPlaceId(), reportedUs: t.GetReportedTimeUs(), answeredUs: d.GetDoneUs()}
	s.answers = append(s.answers, a)
	s.limits[int(time.Duration(d.GetDueUs()-a.reportedUs)*time.Microsecond/time.Minute)] = true
	took := a.took()
	class := slices.IndexFunc(responseClasses(), func(min int) bool { return took <= time.Duration(min)*time.Minute })
	if class < 0 {
		class = len(responseClasses())
	}
	s.Response[class].Tickets++
	s.of++
	if took <= responseTime {
		s.inTime++
	}
	if resident(t) {
		s.residents++
		if took <= responseTime {
			s.residing++
		}
	}
}

func (s *daySum) round(c *roundsv1.Change) {
	i := c.GetRecord().GetInspection()
	s.Rounds.Scans += len(i.GetVisits())
	for _, v := range i.GetOfficialVisits() {
		if slices.Contains(v.GetFlags(), "false_tag") || slices.Contains(v.GetFlags(), "other_tag") {
			s.Rounds.FalseTags++
		}
	}
	if i.GetWindowStartUs() < s.begin.UnixMicro() || i.GetWindowStartUs() >= s.end.UnixMicro() {
		return
	}
	s.Rounds.Planned++
	switch i.GetState() {
	case roundsv1.InspectionState_INSPECTION_STATE_MISSED, roundsv1.InspectionState_INSPECTION_STATE_PARTIAL:
		s.Rounds.Missed++
	}
	if len(i.GetCompletions()) > 0 {
		s.Rounds.Walked++
		s.Rounds.Score += i.GetScore()
		s.scored++
	}
	if i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_APPROVED {
		s.Rounds.Approved++
	}
	if slices.Contains(i.GetFlags(), "late_sync") {
		s.Rounds.Late++
	}
	if i.GetFailed() {
		s.Rounds.Failed++
	}
	if i.GetRound() > 1 {
		s.Rounds.Returned++
	}
}

func (s *daySum) question(c *roundsv1.Change) {
	q := c.GetRecord().GetConflict()
	name := stateName(q.GetType().String(), "CONFLICT_TYPE_")
	one := s.inbox[name]
	if one == nil {
		one = &Question{Type: name, How: map[string]int{}, By: map[string]int{}}
		s.inbox[name] = one
	}
	one.Opened++
	switch {
	case q.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN:
		one.Open++
		asked := stateName(q.GetOwnerRole().String(), "ROLE_")
		if q.GetOwnerId() != "" {
			asked = s.roles[q.GetOwnerId()]
		}
		if q.GetOwnerId() == "" && q.GetOwnerRole() == 0 || q.GetSentence().GetEn() == "" {
			s.unexplained++
		}
		one.Why = append(one.Why, fmt.Sprintf("%s %s waits for %s since %d min: %s", q.GetSubject().GetKind(), q.GetSubject().GetId(), asked,
			(s.end.UnixMicro()-q.GetOpenedTimeUs())/60e6, q.GetSentence().GetEn()))
		return
	case q.GetResolution() == "":
		s.unexplained++
	case q.GetResolvedById() == "":
		one.Answered++
	case s.atDesks[client.RecordID(c.GetRecordId())]:
		one.AtDesks++
	default:
		one.OnPhones++
	}
	if who := s.roles[q.GetResolvedById()]; who != "" {
		one.By[who]++
	} else if q.GetResolvedById() != "" {
		one.By["somebody else"]++
	}
	one.How[q.GetResolution()]++
}

func (s *daySum) notice(c *roundsv1.Change) {
	s.Notices[stateName(c.GetRecord().GetNotice().GetCode().String(), "NOTICE_CODE_")]++
}

func (s *daySum) finish() {
	all := s.PhotoVerified + s.Open
	s.ClosureRate = share(s.PhotoVerified, all)
	s.Responded, s.RespondedResidents = share(s.inTime, s.of), share(s.residing, s.residents)
	if s.scored > 0 {
		s.Rounds.Score /= float64(s.scored)
	}
	for _, name := range slices.Sorted(maps.Keys(s.inbox)) {
		s.Inbox = append(s.Inbox, *s.inbox[name])
	}
	for _, step := range slices.Sorted(maps.Keys(s.steps)) {
		s.Deadlines = append(s.Deadlines, *s.steps[step])
	}
}

// leastClosed is the share of photo-verified closures that a day has to end with.
const leastClosed = 0.99

// faults are what a day must not end with.
func (d *Day) faults() []string {
	var all []string
	if d.ClosureRate < leastClosed {
		all = append(all, fmt.Sprintf("%.1f %% of the tickets are closed with verified photos, and %d are open", 100*d.ClosureRate, d.Open))
	}
	if d.unexplained > 0 {
		all = append(all, fmt.Sprintf("%d questions have neither an answer nor anybody who is asked", d.unexplained))
	}
	if d.Rounds.FalseTags > 0 {
		all = append(all, fmt.Sprintf("%d visits have only scans of tags that were not issued", d.Rounds.FalseTags))
	}
	return append(all, d.faulty...)
}
