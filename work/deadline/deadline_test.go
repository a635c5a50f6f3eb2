package deadline_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/deadline"
	"github.com/rounds-sync/rounds/work/policy"
)

const (
	triaged    = roundsv1.TicketState_TICKET_STATE_TRIAGED
	dispatched = roundsv1.TicketState_TICKET_STATE_DISPATCHED
	accepted   = roundsv1.TicketState_TICKET_STATE_ACCEPTED
	inProgress = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS
	paused     = roundsv1.TicketState_TICKET_STATE_PAUSED
	done       = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
	reviewing  = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	rework     = roundsv1.TicketState_TICKET_STATE_REWORK
	closed     = roundsv1.TicketState_TICKET_STATE_CLOSED
	cancelled  = roundsv1.TicketState_TICKET_STATE_CANCELLED
	merged     = roundsv1.TicketState_TICKET_STATE_MERGED

	respond  = roundsv1.Step_STEP_RESPOND
	arrive   = roundsv1.Step_STEP_ARRIVE
	finish   = roundsv1.Step_STEP_FINISH
	review   = roundsv1.Step_STEP_REVIEW
	followUp = roundsv1.Step_STEP_FOLLOW_UP
)

// start is when every ticket here is reported: a Monday, 09:00 in Shanghai.
var start = time.Date(2026, 7, 6, 1, 0, 0, 0, time.UTC)

// at is so many minutes after the report.
func at(minutes int) int64 { return start.Add(time.Duration(minutes) * time.Minute).UnixMicro() }

// story builds a ticket move by move, as the rules do, but without computing.
type story struct{ *roundsv1.Ticket }

func begin(change ...func(*roundsv1.Requirements)) story {
	p, err := policy.Parse(map[string]string{"service.normal.respond": "20m", "service.normal.arrive": "2h", "service.normal.finish": "4h",
		"service.review": "60m"})
	if err != nil {
		panic(err)
	}
	r := p.Requirements(nil)
	for _, f := range change {
		f(r)
	}
	return story{&roundsv1.Ticket{ReportedTimeUs: at(0), Round: 1, State: roundsv1.TicketState_TICKET_STATE_NEW, Requirements: r, ReporterId: "resident",
		Moves: []*roundsv1.Move{{State: roundsv1.TicketState_TICKET_STATE_NEW, TimeUs: at(0), Exact: true, Round: 1, PersonId: "resident"}}}}
}

// move takes the ticket to a state; how says more: "x" for exact no more, "stop" for a pause that stops the clocks, "late" to leave the state as it is,
// "next" for the next round first, or a reason.
func (s story) move(minutes int, to roundsv1.TicketState, person string, how ...string) story {
	m := &roundsv1.Move{State: to, TimeUs: at(minutes), Exact: true, PersonId: person}
	late := false
	for _, h := range how {
		switch h {
		case "x":
			m.Exact = false
		case "stop":
			m.StopsClock = true
		case "late":
			late = true
		case "next":
			s.Round++
		default:
			m.Reason = h
		}
	}
	if m.Round = s.Round; !late {
		s.State = to
	}
	s.Moves = append(s.Moves, m)
	return s
}

// look has the schedule notice what is due by then.
func (s story) look(minutes int) story {
	s.Deadlines, _ = deadline.Notice(deadline.Compute(s.Ticket, calendar.China()), at(minutes))
	return s
}

func (s story) assigned(to string) story { s.AssigneeId = to; return s }

// told is all deadlines in a line: step and round, state, minutes due and done after the report, owner, and marks.
func (s story) told() string {
	s.Deadlines = deadline.Compute(s.Ticket, calendar.China())
	var all []string
	for _, d := range s.Deadlines {
		word := strings.ToLower(strings.TrimPrefix(d.GetStep().String(), "STEP_") + " " + strings.TrimPrefix(d.GetState().String(), "DEADLINE_STATE_"))
		if d.GetRound() > 1 {
			word = fmt.Sprintf("%d:%s", d.GetRound(), word)
		}
		word += fmt.Sprintf(" %d", (d.GetDueUs()-at(0))/60e6)
		if d.GetDoneUs() != 0 {
			word += fmt.Sprintf("/%d", (d.GetDoneUs()-at(0))/60e6)
		}
		if d.GetOwnerId() != "" {
			word += " " + d.GetOwnerId()
		}
		if d.GetBreachedUs() != 0 {
			word += fmt.Sprintf(" told@%d", (d.GetBreachedUs()-at(0))/60e6)
		}
		if d.GetOfflineFalseAlarm() {
			word += " false_alarm"
		}
		all = append(all, word)
	}
	return strings.Join(all, "; ")
}

func TestStories(t *testing.T) {
	working := func(r *roundsv1.Requirements) { r.WorkFromMinute, r.WorkToMinute = 9*60, 18*60 }
	only := func(steps ...roundsv1.Step) func(*roundsv1.Requirements) {
		return func(r *roundsv1.Requirements) {
			for _, one := range []struct {
				step roundsv1.Step
				us   *int64
			}{{respond, &r.RespondUs}, {arrive, &r.ArriveUs}, {finish, &r.FinishUs}, {review, &r.ReviewUs}} {
				if !slices.Contains(steps, one.step) {
					*one.us = 0
				}
			}
			if !slices.Contains(steps, followUp) {
				r.FollowUpDays = 0
			}
		}
	}
	for _, row := range []struct {
		name string
		s    story
		want string
	}{
		{"just reported", begin(), "respond open 20; arrive open 120; finish open 240"},
		{"no answer by rules", begin().move(1, triaged, "").move(2, dispatched, "").assigned("xu"), "respond open 20 xu; arrive open 120 xu; finish open 240 xu"},
		{"a person's triage answers", begin().move(5, triaged, "ann"), "respond met 20/5 ann; arrive open 120; finish open 240"},
		{"accepting answers", begin().move(1, dispatched, "").move(19, accepted, "xu").assigned("xu"),
			"respond met 20/19 xu; arrive open 120 xu; finish open 240 xu"},
		{"to the very moment", begin(only(respond)).move(20, triaged, "ann"), "respond met 20/20 ann"},
		{"answered late, and nobody told yet", begin(only(respond)).move(21, triaged, "ann"), "respond breached 20/21 ann"},
		{"answered late, as was told", begin(only(respond)).look(20).move(21, triaged, "ann"), "respond breached 20/21 ann told@20"},
		{"all done in time", begin().move(5, triaged, "ann").move(100, inProgress, "xu").move(200, done, "xu").move(210, reviewing, "").move(250, closed, "bo"),
			"respond met 20/5 ann; arrive met 120/100 xu; finish met 240/200 xu; review met 270/250 bo; follow_up open 4570 bo"},
		{"done without a start", begin(only(arrive, finish)).move(200, done, "xu"), "arrive breached 120/200 xu; finish met 240/200 xu"},

		{"a pause that stops", begin(only(finish)).move(60, inProgress, "xu").move(100, paused, "xu", "stop").move(160, inProgress, "xu"), "finish open 300"},
		{"a pause that does not", begin(only(finish)).move(60, inProgress, "xu").move(100, paused, "xu").move(160, inProgress, "xu"), "finish open 240"},
		{"a pause that goes on", begin(only(finish)).move(60, inProgress, "xu").move(100, paused, "xu", "stop"), "finish stopped 240"},
		{"a pause after the deadline", begin(only(finish)).move(60, inProgress, "xu").move(250, paused, "xu", "stop").move(400, done, "xu"), "finish breached 240/400 xu"},
		{"a pause that begins with the deadline", begin(only(finish)).move(60, inProgress, "xu").move(240, paused, "xu", "stop").move(400, done, "xu"),
			"finish breached 240/400 xu"},
		{"two pauses", begin(only(finish)).move(10, inProgress, "xu").move(20, paused, "xu", "stop").move(30, inProgress, "xu").move(40, paused, "xu", "stop").
			move(60, inProgress, "xu"), "finish open 270"},
		{"a pause ends with a new dispatch", begin(only(finish)).move(10, inProgress, "xu").move(20, paused, "xu", "stop").move(50, dispatched, "ann"), "finish open 270"},
		{"a pause that goes over into one that does not stop", begin(only(finish)).move(10, inProgress, "xu").move(20, paused, "xu", "stop").move(50, paused, "xu"),
			"finish open 270"},

		{"row 17: a pause learnt of after the completion", begin(only(finish)).move(10, inProgress, "xu").look(240).move(270, done, "xu").
			move(100, paused, "xu", "late", "stop").move(140, inProgress, "xu", "late"), "finish met_late_sync 280/270 xu told@240 false_alarm"},
		{"row 17: a pause learnt of while the work goes on", begin(only(finish)).move(10, inProgress, "xu").look(240).
			move(100, paused, "xu", "late", "stop").move(140, inProgress, "xu", "late"), "finish open 280 told@240 false_alarm"},
		{"and missed all the same", begin(only(finish)).move(10, inProgress, "xu").look(240).
			move(100, paused, "xu", "late", "stop").move(140, inProgress, "xu", "late").look(281), "finish breached 280 told@281"},
		{"row 16: done in time without signal", begin(only(finish)).move(10, inProgress, "xu").look(240).move(230, done, "xu"),
			"finish met_late_sync 240/230 xu told@240 false_alarm"},
		{"row 16: by a clock that is not known", begin(only(finish)).move(10, inProgress, "xu").look(240).move(230, done, "xu", "x"),
			"finish disputed 240/230 xu told@240"},
		{"by such a clock, and nobody was told", begin(only(finish)).move(10, inProgress, "xu").move(230, done, "xu", "x"), "finish met 240/230 xu"},
		{"by such a clock too late", begin(only(finish)).move(10, inProgress, "xu").look(240).move(250, done, "xu", "x"), "finish disputed 240/250 xu told@240"},
		{"row 4: of two completions the earlier counts", begin(only(finish)).look(240).move(250, done, "xu").move(239, done, "yi", "late"),
			"finish met_late_sync 240/239 yi told@240 false_alarm"},

		{"rework", begin(only(respond, arrive, finish, review)).move(5, triaged, "ann").move(30, inProgress, "xu").move(60, done, "xu").move(61, reviewing, "").
			move(100, rework, "bo", "next"),
			"respond met 20/5 ann; arrive met 120/30 xu; finish met 240/60 xu; review met 121/100 bo; 2:finish open 340"},
		{"row 9: the older round's completion once more", begin(only(finish)).move(60, done, "xu").move(61, reviewing, "").move(100, rework, "bo", "next").
			move(50, done, "yi", "late"), "finish met 240/60 xu; 2:finish met 340/50 yi"},
		{"reopened", begin().move(5, triaged, "ann").move(30, inProgress, "xu").move(60, done, "xu").move(61, reviewing, "").move(100, closed, "bo").
			move(500, triaged, "resident", "next"),
			"respond met 20/5 ann; arrive met 120/30 xu; finish met 240/60 xu; review met 121/100 bo; follow_up void 4420 bo; 2:respond open 520; 2:arrive open 620; 2:finish open 740"},
		{"reopened after the visit was missed", begin(only(followUp)).move(100, closed, "bo").look(9999).move(10000, triaged, "resident", "next"),
			"follow_up breached 4420 bo told@9999"},

		{"review missed", begin(only(review)).move(60, done, "xu").move(61, reviewing, "").look(500), "review breached 121 told@500"},
		{"asked for more: the reviewer's time begins again", func() story {
			s := begin(only(review)).move(60, done, "xu").move(61, reviewing, "")
			s.Reviews = []*roundsv1.Review{{Round: 1, PersonId: "bo", Verdict: roundsv1.Verdict_VERDICT_ASKED, TimeUs: at(100)}}
			return s
		}(), "review open 160 bo"},
		{"row 4: more work comes while it is reviewed", begin(only(review)).move(60, done, "xu").move(61, reviewing, "").move(70, done, "yi"), ""},
		{"when that was told", begin(only(review)).move(60, done, "xu").move(61, reviewing, "").look(130).move(140, done, "yi"), "review breached 121 told@130"},
		{"the next review in time", begin(only(review)).move(60, done, "xu").move(61, reviewing, "").look(130).move(140, done, "yi").move(150, reviewing, "").
			move(160, closed, "bo"), "review met 210/160 bo told@130"},
		{"and is reviewed then", begin(only(review)).move(60, done, "xu").move(61, reviewing, "").move(70, done, "yi").move(80, reviewing, ""), "review open 140"},
		{"row 12: approved and objected to", begin(only(review, followUp)).move(60, done, "xu").move(61, reviewing, "").move(90, closed, "bo").
			move(200, reviewing, "cy"), "review open 260"},
		{"closed again", begin(only(review, followUp)).move(60, done, "xu").move(61, reviewing, "").move(90, closed, "bo").
			move(200, reviewing, "cy").move(210, closed, "su"), "review met 260/210 su; follow_up open 4530 su"},

		{"the visit was made", begin(only(followUp)).move(100, closed, "bo").move(2000, closed, "bo", deadline.Visited), "follow_up met 4420/2000 bo"},
		{"the customer accepted", begin(only(followUp)).move(100, closed, "bo").move(2000, closed, "resident", deadline.Accepted), "follow_up met 4420/2000 resident"},
		{"a second approval is no visit", begin(only(followUp)).move(100, closed, "bo").move(2000, closed, "cy"), "follow_up open 4420 bo"},
		{"the customer spoke, and no move says when", func() story {
			s := begin(only(followUp)).move(100, closed, "bo")
			s.Acceptance = roundsv1.Acceptance_ACCEPTANCE_ACCEPTED
			return s
		}(), "follow_up met 4420/100 bo"},

		{"after the visit had been missed", func() story {
			s := begin(only(followUp)).move(100, closed, "bo").look(4420)
			s.Acceptance = roundsv1.Acceptance_ACCEPTANCE_ACCEPTED
			return s
		}(), "follow_up breached 4420/4420 bo told@4420"},

		{"cancelled in time", begin(only(respond, finish)).move(30, triaged, "").look(20).move(100, cancelled, "su"),
			"respond breached 20/100 su told@20; finish void 240"},
		{"cancelled by who reported it", begin(only(respond, finish)).move(10, cancelled, "resident"), "respond void 20; finish void 240"},
		{"cancelled when it was too late", begin(only(finish)).move(300, cancelled, "su"), "finish breached 240"},
		{"merged", begin(only(respond, finish)).move(10, merged, "ann"), "respond met 20/10 ann; finish void 240"},
		{"row 5: cancelled and reinstated", begin(only(finish)).move(30, inProgress, "xu").move(100, cancelled, "su").move(200, done, "xu"), "finish met 240/200 xu"},
		{"closed by force from a pause", begin(only(finish)).move(30, inProgress, "xu").move(100, paused, "xu", "stop").move(900, closed, "su"), "finish met 1040/900 su"},

		{"working time: over night", begin(working, only(finish)).move(8*60, inProgress, "xu").move(8*60+30, paused, "xu", "stop").move(24*60, inProgress, "xu"),
			"finish open 240"},
		{"working time: paused over the evening", begin(working, func(r *roundsv1.Requirements) { r.FinishUs = (10 * time.Hour).Microseconds() }, only(finish)).
			move(8*60, inProgress, "xu").move(8*60+30, paused, "xu", "stop").move(24*60, inProgress, "xu"), "finish open 1530"},
	} {
		before := proto.CloneOf(row.s.Ticket)
		got := row.s.told()
		if got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
		before.Deadlines = row.s.Deadlines
		if !proto.Equal(before, row.s.Ticket) {
			t.Errorf("%s: the ticket was changed", row.name)
		}
		if again := row.s.told(); again != row.want {
			t.Errorf("%s: computed again it is %s", row.name, again)
		}
	}
}

func TestHolidaysAndZones(t *testing.T) {
	const layout = "2006-01-02 15:04"
	for _, row := range []struct{ name, zone, reported, hours, closed, wantFinish, wantFollowUp string }{
		{"over the spring festival", "Asia/Shanghai", "2026-02-13 16:00", "on", "2026-02-14 10:00", "2026-02-14 15:00", "2026-02-26 10:00"},
		{"into National Day", "Asia/Shanghai", "2026-09-30 17:00", "on", "2026-10-09 09:30", "2026-10-08 16:00", "2026-10-13 09:30"},
		{"day and night", "Asia/Shanghai", "2026-09-30 17:00", "", "2026-09-30 20:00", "2026-10-01 01:00", "2026-10-10 20:00"},
		{"the night that is an hour shorter", "Europe/Berlin", "2026-03-28 22:00", "", "2026-03-29 05:00", "2026-03-29 07:00", "2026-04-01 05:00"},
		{"the night that is an hour longer", "Europe/Berlin", "2026-10-24 22:00", "", "2026-10-25 05:00", "2026-10-25 05:00", "2026-10-28 05:00"},
	} {
		loc, err := time.LoadLocation(row.zone)
		if err != nil {
			t.Fatal(err)
		}
		when := func(s string) int64 {
			d, err := time.ParseInLocation(layout, s, loc)
			if err != nil {
				t.Fatal(err)
			}
			return d.UnixMicro()
		}
		tk := &roundsv1.Ticket{ReportedTimeUs: when(row.reported), Round: 1, State: closed, Moves: []*roundsv1.Move{{State: closed, TimeUs: when(row.closed), Exact: true}},
			Requirements: &roundsv1.Requirements{FinishUs: (8 * time.Hour).Microseconds(), FollowUpDays: 3, TimeZone: row.zone}}
		if row.hours != "" {
			tk.Requirements.WorkFromMinute, tk.Requirements.WorkToMinute = 9*60, 18*60
		}
		ds := deadline.Compute(tk, calendar.China())
		if len(ds) != 2 {
			t.Fatalf("%s: %v", row.name, ds)
		}
		if got := time.UnixMicro(ds[0].GetDueUs()).In(loc).Format(layout); got != row.wantFinish {
			t.Errorf("%s: finish due %s, want %s", row.name, got, row.wantFinish)
		}
		if got := time.UnixMicro(ds[1].GetDueUs()).In(loc).Format(layout); got != row.wantFollowUp {
			t.Errorf("%s: follow-up due %s, want %s", row.name, got, row.wantFollowUp)
		}
	}
}

func TestDecide(t *testing.T) {
	only := func(r *roundsv1.Requirements) { r.RespondUs, r.ArriveUs, r.ReviewUs, r.FollowUpDays = 0, 0, 0, 0 }
	for _, inTime := range []bool{true, false} {
		s := begin(only).move(10, inProgress, "xu").look(240).move(230, done, "xu", "x")
		s.told()
		before := s.Deadlines
		if _, ok := deadline.Decide(s.Deadlines, respond, 1, inTime); ok {
			t.Error("there is no dispute of the answer")
		}
		ds, ok := deadline.Decide(s.Deadlines, finish, 1, inTime)
		if !ok || before[0].GetState() != roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED {
			t.Fatalf("%v, before %v", ds, before)
		}
		s.Deadlines = ds
		want := "finish breached 240/230 xu told@240"
		if inTime {
			want = "finish met_late_sync 240/230 xu told@240 false_alarm"
		}
		if got := s.told(); got != want {
			t.Errorf("decided %v: %s, want %s", inTime, got, want)
		}
		// A completion by another phone, whose time is exact, makes it plain.
		if got := s.move(229, done, "yi", "late").told(); got != "finish met_late_sync 240/229 yi told@240 false_alarm" {
			t.Errorf("decided %v, then exact: %s", inTime, got)
		}
		if n := len(deadline.Corrected(before, s.Deadlines)); n != 1 {
			t.Errorf("%d corrected", n)
		}
	}
	s := begin(only).look(240)
	before := s.Deadlines
	s.move(230, done, "xu", "x").told()
	if n := len(deadline.Disputed(before, s.Deadlines)); n != 1 {
		t.Errorf("%d disputed", n)
	}
	if n := len(deadline.Disputed(s.Deadlines, s.Deadlines)); n != 0 {
		t.Errorf("%d disputed again", n)
	}
}

// TestTooLateByAClockNobodyTrusts: nobody was told yet, and a person says whether it was late. What is counted as missed is noticed then.
func TestTooLateByAClockNobodyTrusts(t *testing.T) {
	only := func(r *roundsv1.Requirements) { r.RespondUs, r.ArriveUs, r.ReviewUs, r.FollowUpDays = 0, 0, 0, 0 }
	for inTime, want := range map[bool]string{true: "finish met 240/250 xu", false: "finish breached 240/250 xu"} {
		s := begin(only).move(10, inProgress, "xu").move(250, done, "xu", "x")
		if got := s.told(); got != "finish disputed 240/250 xu" || len(deadline.Disputed(nil, s.Deadlines)) != 1 {
			t.Fatal(got)
		}
		if _, noticed := deadline.Notice(s.Deadlines, at(300)); len(noticed) != 0 {
			t.Errorf("noticed before anybody decided: %v", noticed)
		}
		s.Deadlines, _ = deadline.Decide(s.Deadlines, finish, 1, inTime)
		if got := s.told(); got != want {
			t.Errorf("decided %v: %s, want %s", inTime, got, want)
		}
		if _, noticed := deadline.Notice(s.Deadlines, at(300)); inTime != (len(noticed) == 0) {
			t.Errorf("decided %v: noticed %v", inTime, noticed)
		}
	}
}

func TestNextAndNotice(t *testing.T) {
	s := begin()
	ds := deadline.Compute(s.Ticket, calendar.China())
	if us, ok := deadline.Next(ds); !ok || us != at(20) {
		t.Errorf("next %d, %v", us, ok)
	}
	all, noticed := deadline.Notice(ds, at(19))
	if len(noticed) != 0 || !equal(all, ds) {
		t.Errorf("noticed %v", noticed)
	}
	all, noticed = deadline.Notice(ds, at(130))
	if len(noticed) != 2 || ds[0].GetBreachedUs() != 0 {
		t.Errorf("noticed %v", noticed)
	}
	if us, ok := deadline.Next(all); !ok || us != at(130) { // a level waits to be raised
		t.Errorf("next %d, %v", us, ok)
	}
	if us, ok := deadline.Next(deadline.Settle(all)); !ok || us != at(240) {
		t.Errorf("next %d, %v", us, ok)
	}
	if again, noticed := deadline.Notice(all, at(130)); len(noticed) != 0 || !equal(all, again) {
		t.Errorf("noticed twice: %v", noticed)
	}
	s.move(60, inProgress, "xu").move(100, paused, "xu", "stop").told()
	if us, ok := deadline.Next(s.Deadlines); !ok || us != at(20) { // breached before anybody looked
		t.Errorf("next %d, %v", us, ok)
	}
	if _, ok := deadline.Next(nil); ok {
		t.Error("nothing is next")
	}
}

// What was asked of an earlier round stays, also when the category becomes another.
func TestEarlierRoundsKeepWhatWasAsked(t *testing.T) {
	only := func(r *roundsv1.Requirements) { r.RespondUs, r.ArriveUs, r.ReviewUs, r.FollowUpDays = 0, 0, 0, 0 }
	s := begin(only).move(200, done, "xu").move(201, reviewing, "")
	s.told()
	s.move(300, rework, "bo", "next").told()
	s.Requirements.FinishUs = (time.Hour).Microseconds()
	if got := s.told(); got != "finish met 240/200 xu; 2:finish open 360" {
		t.Error(got)
	}
}

func TestWithoutRequirementsNothingIsComputed(t *testing.T) {
	have := []*roundsv1.Deadline{{Step: finish, Round: 1, DueUs: 5}}
	if got := deadline.Compute(&roundsv1.Ticket{ReportedTimeUs: 1, Deadlines: have}, calendar.Calendar{}); !equal(got, have) {
		t.Errorf("%v", got)
	}
	if got := deadline.Compute(nil, calendar.Calendar{}); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestManyRounds(t *testing.T) {
	s := begin()
	for round := range 200 {
		s.move(round*10+1, done, "xu").move(round*10+2, reviewing, "").move(round*10+3, rework, "bo", "next")
	}
	s.told()
	if n := len(s.Deadlines); n != 256 || s.Deadlines[n-1].GetRound() != 201 {
		t.Errorf("%d deadlines, the last %v", n, s.Deadlines[n-1])
	}
}

func equal(a, b []*roundsv1.Deadline) bool {
	return slices.EqualFunc(a, b, func(a, b *roundsv1.Deadline) bool { return proto.Equal(a, b) })
}

// random is a ticket with moves that need not make sense.
func random(rnd *rand.Rand) story {
	s := begin(func(r *roundsv1.Requirements) {
		if rnd.IntN(2) == 0 {
			r.WorkFromMinute, r.WorkToMinute = uint32(rnd.IntN(1440)), uint32(rnd.IntN(1440))
		}
		r.TimeZone = []string{"", "Europe/Berlin", "nowhere"}[rnd.IntN(3)]
	})
	states := []roundsv1.TicketState{triaged, dispatched, accepted, inProgress, paused, paused, done, reviewing, rework, closed, cancelled}
	for range rnd.IntN(20) {
		how := []string{}
		if rnd.IntN(2) == 0 {
			how = append(how, "stop")
		}
		if rnd.IntN(4) == 0 {
			how = append(how, "x")
		}
		to := states[rnd.IntN(len(states))]
		if to == rework && s.Round < 3 {
			how = append(how, "next")
		}
		s.move(rnd.IntN(600), to, []string{"", "xu", "yi"}[rnd.IntN(3)], how...)
	}
	return s
}

// The order in which moves are learnt of does not matter: neither in one look, nor over many, apart from what was noticed in between.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 600 {
		s := random(rnd)
		want := deadline.Compute(s.Ticket, calendar.China())
		mixed := proto.CloneOf(s.Ticket)
		rnd.Shuffle(len(mixed.Moves), func(i, j int) { mixed.Moves[i], mixed.Moves[j] = mixed.Moves[j], mixed.Moves[i] })
		if got := deadline.Compute(mixed, calendar.China()); !equal(got, want) {
			t.Fatalf("moves %v\n got %v\nwant %v", s.Moves, got, want)
		}
		// One by one, with nothing noticed in between and one round.
		if s.Round > 1 {
			continue
		}
		all := mixed.Moves
		mixed.Moves, mixed.Deadlines = nil, nil
		for _, m := range all {
			mixed.Moves = append(mixed.Moves, m)
			mixed.Deadlines = deadline.Compute(mixed, calendar.China())
		}
		if !equal(mixed.Deadlines, want) {
			t.Fatalf("one by one, moves %v\n got %v\nwant %v", s.Moves, mixed.Deadlines, want)
		}
	}
}

// A pause that stops the clocks never makes a deadline earlier, whenever it is learnt of; and one that does not, changes none.
func TestPausingNeverShortens(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	later := 0
	for range 600 {
		s := random(rnd)
		without := deadline.Compute(s.Ticket, calendar.China())
		with := story{proto.CloneOf(s.Ticket)}
		// Within an interval of work, so that nothing but the pause changes.
		from := rnd.IntN(500)
		to := from + 1 + rnd.IntN(90)
		if slices.ContainsFunc(s.Moves, func(m *roundsv1.Move) bool { return m.GetTimeUs() >= at(from) && m.GetTimeUs() <= at(to) }) || stoppedAt(s, at(from)) {
			continue
		}
		with.move(from, paused, "", "late", "stop").move(to, inProgress, "", "late")
		for _, d := range deadline.Compute(with.Ticket, calendar.China()) {
			if i := slices.IndexFunc(without, func(o *roundsv1.Deadline) bool { return o.GetStep() == d.GetStep() && o.GetRound() == d.GetRound() }); i >= 0 {
				if d.GetDueUs() < without[i].GetDueUs() {
					t.Fatalf("a pause from %d to %d makes %v\nof %v", from, to, d, without[i])
				}
				if d.GetDueUs() > without[i].GetDueUs() {
					later++
				}
			}
		}
	}
	if later < 30 {
		t.Errorf("only %d deadlines were put off: this proves nothing", later)
	}
}

// stoppedAt: whether a pause that stops the clocks goes on at a moment.
func stoppedAt(s story, us int64) bool {
	var last *roundsv1.Move
	for _, m := range s.Moves {
		if m.GetTimeUs() <= us && (last == nil || m.GetTimeUs() >= last.GetTimeUs()) {
			last = m
		}
	}
	return last.GetState() == paused
}

// What was noticed stays noticed, and a breach that stands is never turned to met.
func TestWhatWasNoticedStays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		s := random(rnd)
		all := s.Moves
		s.Moves = all[:1]
		var told []*roundsv1.Deadline
		for i := range all {
			s.Moves = all[:i+1]
			s.Deadlines = deadline.Compute(s.Ticket, calendar.China())
			for _, d := range told {
				now := s.Deadlines[slices.IndexFunc(s.Deadlines, func(o *roundsv1.Deadline) bool { return o.GetStep() == d.GetStep() && o.GetRound() == d.GetRound() })]
				if now.GetBreachedUs() == 0 {
					t.Fatalf("%v is forgotten: %v", d, now)
				}
				if now.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_MET {
					t.Fatalf("%v is met as if nobody had been told: %v", d, now)
				}
			}
			var noticed []*roundsv1.Deadline
			s.Deadlines, noticed = deadline.Notice(s.Deadlines, at(rnd.IntN(700)))
			for _, d := range noticed {
				if d.GetStep() == respond || d.GetStep() == finish { // others may begin again, or later
					told = append(told, d)
				}
			}
		}
	}
}

func BenchmarkCompute(b *testing.B) {
	s := begin().move(5, triaged, "ann").move(30, inProgress, "xu").move(40, paused, "xu", "stop").move(50, inProgress, "xu").move(60, done, "xu").move(61, reviewing, "")
	cal := calendar.China()
	b.ReportAllocs()
	for b.Loop() {
		s.Deadlines = deadline.Compute(s.Ticket, cal)
	}
}
