package demo

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/tag"
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
	// Responded is the share of tickets that a person answered within 20 minutes of the report; RespondedResidents of those that residents reported.
	Responded          float64 `json:"responded_within_20_min"`
	RespondedResidents float64 `json:"responded_within_20_min_residents"`
	// Overdue deadlines were missed, Corrected were taken for missed until the phone that had been without signal told that they were met (row 16); Disputed
	// wait for somebody to say.
	Overdue   int `json:"overdue"`
	Corrected int `json:"corrected_by_late_sync"`
	Disputed  int `json:"disputed"`
	// Rework counts reviews that sent work back, Reopened tickets that were opened again, Asked requests for more evidence.
	Rework   int            `json:"rework"`
	Reopened int            `json:"reopened"`
	Asked    int            `json:"asked_for_more"`
	AtDesk   int            `json:"approved_at_a_desk"`
	Rounds   Rounds         `json:"rounds"`
	Inbox    []Question     `json:"inbox"`
	Notices  map[string]int `json:"notices"`
	// Rows of the table of concurrent events by how often they were observed, and those of them that no phone can cause in a day or that did not come about.
	Rows        map[int]int `json:"rows_observed"`
	NotByPhones []int       `json:"rows_not_by_phones"`
	NotObserved []int       `json:"rows_not_observed,omitempty"`

	unexplained int
}

// Rounds is what became of the inspection rounds whose window began in the day.
type Rounds struct {
	Planned  int     `json:"planned"`
	Walked   int     `json:"walked"`
	Approved int     `json:"approved"`
	Missed   int     `json:"missed"`
	Late     int     `json:"late_sync"`
	Failed   int     `json:"failed"`
	Returned int     `json:"returned"`
	Score    float64 `json:"average_score"`
	// Scans of checkpoints, and those whose tag was not genuine, by the key that the tags were issued with.
	Scans     int `json:"scans"`
	FalseTags int `json:"false_tags"`
}

// Question is what became of the questions of one type.
type Question struct {
	Type    string `json:"type"`
	Opened  int    `json:"opened"`
	Decided int    `json:"decided"`
	// Answered by what happened to the record.
	Answered int `json:"answered"`
	Open     int `json:"open"`
	// How they were decided; of open ones, who is asked and how old the oldest is.
	How    map[string]int `json:"how,omitempty"`
	Owner  string         `json:"owner,omitempty"`
	AgeMin int            `json:"age_minutes,omitempty"`
}

const responseTime = 20 * time.Minute

// sum reckons the day from the records as the office has them.
func (d *demo) sum(ctx context.Context) (*Day, error) {
	day := &Day{Tickets: map[string]int{}, Notices: map[string]int{}, Rows: map[int]int{}, AtDesk: d.day.atDesk}
	s := daySum{Day: day, end: d.time.Now(), begin: d.progress.begin, site: d.Site.ID, published: d.day.published,
		newer: map[string]uint32{}, hidden: map[string]bool{}, talked: map[string]bool{}}
	status, err := d.desk.device.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, scope := range status.Scopes {
		if !strings.HasPrefix(string(scope.Scope), "org/") {
			continue
		}
		for v, err := range d.desk.device.List(ctx, scope.Scope, "checklist") {
			if err != nil {
				return nil, err
			}
			list := v.Record.GetChecklist()
			s.newer[list.GetSeriesId()] = max(s.newer[list.GetSeriesId()], list.GetVersion())
		}
	}
	for kind, take := range map[string]func(*roundsv1.Change){"ticket": s.ticket, "inspection": s.round, "conflict": s.question, "notice": s.notice, "photo": s.photo, "comment": s.comment} {
		for v, err := range d.desk.device.List(ctx, d.desk.site, kindOf(kind)) {
			if err != nil {
				return nil, err
			}
			take(v.Change)
		}
	}
	s.finish()
	return day, nil
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
	published           time.Time
	newer               map[string]uint32 // newest version of a checklist, by series
	hidden, talked      map[string]bool   // photos
}

func resident(t *roundsv1.Ticket) bool {
	switch t.GetChannel() {
	case roundsv1.Channel_CHANNEL_UNSPECIFIED, roundsv1.Channel_CHANNEL_PATROL, roundsv1.Channel_CHANNEL_INSPECTION:
		return false
	}
	return true
}

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func (s *daySum) ticket(c *roundsv1.Change) {
	t := c.GetRecord().GetTicket()
	switch {
	case t.GetParentId() != "":
		s.Tickets["tasks"]++
	case t.GetOrigin() != nil:
		s.Tickets["failed items"]++
	case resident(t):
		s.Tickets["residents"]++
	default:
		s.Tickets["finds"]++
	}
	forced, tasks := slices.Contains(t.GetFlags(), "forced"), len(t.GetChildIds()) > 0
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
	default:
		s.PhotoVerified++
	}
	for _, deadline := range t.GetDeadlines() {
		switch deadline.GetState() {
		case roundsv1.DeadlineState_DEADLINE_STATE_BREACHED:
			s.Overdue++
		case roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC:
			s.Corrected++
		case roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED:
			s.Disputed++
		}
		if deadline.GetStep() != roundsv1.Step_STEP_RESPOND || deadline.GetRound() != 1 || deadline.GetDoneUs() == 0 {
			continue
		}
		in := deadline.GetDoneUs()-t.GetReportedTimeUs() <= responseTime.Microseconds()
		s.of++
		if in {
			s.inTime++
		}
		if resident(t) {
			s.residents++
			if in {
				s.residing++
			}
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
	s.rowsOfTicket(c)
}

func (s *daySum) round(c *roundsv1.Change) {
	i := c.GetRecord().GetInspection()
	key := tag.Keys{tag.DeriveKey([]byte(demoTagKey), s.site)}
	for _, scan := range i.GetVisits() {
		s.Rounds.Scans++
		if at, err := tag.Read(scan.GetPayload(), key); err != nil || at.Place != scan.GetCheckpointId() {
			s.Rounds.FalseTags++
		}
	}
	s.rowsOfRound(c)
	if i.GetPlanId() == "" || i.GetWindowStartUs() < s.begin.UnixMicro() || i.GetWindowStartUs() >= s.end.UnixMicro() {
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
	if s.inbox == nil {
		s.inbox = map[string]*Question{}
	}
	name := stateName(q.GetType().String(), "CONFLICT_TYPE_")
	one := s.inbox[name]
	if one == nil {
		one = &Question{Type: name, How: map[string]int{}}
		s.inbox[name] = one
	}
	one.Opened++
	switch {
	case q.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN:
		one.Open++
		one.Owner = stateName(q.GetOwnerRole().String(), "ROLE_")
		one.AgeMin = max(one.AgeMin, int((s.end.UnixMicro()-q.GetOpenedTimeUs())/60e6))
		if q.GetOwnerId() == "" && q.GetOwnerRole() == 0 {
			s.unexplained++
		}
	case q.GetResolution() == "":
		s.unexplained++
	case q.GetResolvedById() == "":
		one.Answered++
		one.How[q.GetResolution()]++
	default:
		one.Decided++
		one.How[q.GetResolution()]++
	}
	s.rowsOfQuestion(q)
}

func (s *daySum) notice(c *roundsv1.Change) {
	n := c.GetRecord().GetNotice()
	s.Notices[stateName(n.GetCode().String(), "NOTICE_CODE_")]++
	if n.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_STOP {
		s.Rows[3]++
	}
}

func (s *daySum) finish() {
	for id := range s.talked {
		if s.hidden[id] {
			s.Rows[25]++
		}
	}
	all := s.PhotoVerified + s.Open
	s.ClosureRate = share(s.PhotoVerified, all)
	s.Responded, s.RespondedResidents = share(s.inTime, s.of), share(s.residing, s.residents)
	if s.scored > 0 {
		s.Rounds.Score /= float64(s.scored)
	}
	for _, name := range slices.Sorted(maps.Keys(s.inbox)) {
		s.Inbox = append(s.Inbox, *s.inbox[name])
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
		all = append(all, fmt.Sprintf("%d scans are of tags that were not issued", d.Rounds.FalseTags))
	}
	return all
}

func counts(m map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, m[name]))
	}
	return strings.Join(parts, ", ")
}

func (d *Day) print(out io.Writer) {
	line := func(words string, value any) { fmt.Fprintf(out, "  %-46s %10v\n", words, value) }
	percent := func(f float64) string { return fmt.Sprintf("%.1f %%", 100*f) }
	total := 0
	for _, n := range d.Tickets {
		total += n
	}
	line("tickets", total)
	for _, name := range slices.Sorted(maps.Keys(d.Tickets)) {
		line("  "+name, d.Tickets[name])
	}
	line("  closed with verified photos", d.PhotoVerified)
	line("  closed by force, by two people", d.Forced)
	line("  closed with their tasks", d.ByTasks)
	line("  cancelled", d.Cancelled)
	line("  merged", d.Merged)
	line("  open", d.Open)
	line("photo-verified closure rate, forced apart", percent(d.ClosureRate))
	line("first response within 20 minutes", percent(d.Responded))
	line("  of what residents reported", percent(d.RespondedResidents))
	line("deadlines missed", d.Overdue)
	line("  taken for missed, corrected by a late sync", d.Corrected)
	line("  disputed", d.Disputed)
	line("sent back for rework", d.Rework)
	line("asked for more evidence", d.Asked)
	line("opened again", d.Reopened)
	line("approved at a desk, together", d.AtDesk)
	r := d.Rounds
	line("inspection rounds of the day", r.Planned)
	line("  walked", r.Walked)
	line("  approved", r.Approved)
	line("  missed, or in part", r.Missed)
	line("  submitted after their window (late sync)", r.Late)
	line("  failed: a red line", r.Failed)
	line("  walked again", r.Returned)
	line("  average score", fmt.Sprintf("%.1f", r.Score))
	line("  scans, with false tags", fmt.Sprintf("%d, %d", r.Scans, r.FalseTags))
	fmt.Fprintf(out, "\n  %-22s %7s %8s %9s %5s\n", "question", "opened", "decided", "answered", "open")
	for _, q := range d.Inbox {
		waits := ""
		if q.Open > 0 {
			waits = fmt.Sprintf(", for %s, oldest %d min", q.Owner, q.AgeMin)
		}
		fmt.Fprintf(out, "  %-22s %7d %8d %9d %5d  %s%s\n", q.Type, q.Opened, q.Decided, q.Answered, q.Open, counts(q.How), waits)
	}
	fmt.Fprintf(out, "\n  notices: %s\n", counts(d.Notices))
	var seen []string
	for _, n := range slices.Sorted(maps.Keys(d.Rows)) {
		seen = append(seen, fmt.Sprintf("%d (%d)", n, d.Rows[n]))
	}
	fmt.Fprintf(out, "  rows of the table of concurrent events observed, with how often: %s\n", strings.Join(seen, ", "))
	fmt.Fprintf(out, "  rows that phones cannot cause in a day: %v; not observed: %v\n", d.NotByPhones, d.NotObserved)
	fmt.Fprintln(out, "  Hours of the day pass in seconds: server and phones go by the demo's clock, so deadlines and windows have their real length.")
}
