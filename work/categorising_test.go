package work_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
)

const (
	stepFinish = roundsv1.Step_STEP_FINISH
	emergency  = roundsv1.Priority_PRIORITY_EMERGENCY
	minor      = roundsv1.Priority_PRIORITY_MINOR
)

// toCategory and toPriority are edits of a ticket.
func toCategory(id string) *roundsv1.Edit {
	return &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CategoryId: id}), Fields: []uint32{3}}
}

func toPriority(p roundsv1.Priority) *roundsv1.Edit {
	return &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Priority: p}), Fields: []uint32{4}}
}

// tries does something at once, whatever comes of it, and returns its lane seq.
func (p *phone) tries(id string, act any) uint64 {
	p.t.Helper()
	p.sync()
	seq := p.do(id, act)
	p.sync()
	return seq
}

// TestWhoCategorises: category and priority are changed by who gives out work or leads, and by the reporter while the ticket is new; by nobody who has a part in the
// work that was given out, whatever roles they hold. Who may not is told whom to tell.
func TestWhoCategorises(t *testing.T) {
	const noRight = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	for name, c := range map[string]struct {
		role  roundsv1.Role
		given string // to whom the ticket is given before; "": it is new
		does  func(w *town, p *phone)
		may   bool
	}{
		"a worker, of a ticket of others": {worker, "Y", nil, false},
		"a worker who has it":             {worker, "P", nil, false},
		"a foreman":                       {foreman, "Y", nil, true},
		"a butler":                        {butler, "Y", nil, true},
		"a dispatcher":                    {dispatcher, "Y", nil, true},
		"a supervisor":                    {supervisor, "Y", nil, true},
		"a manager":                       {manager, "Y", nil, true},
		"a foreman who has it":            {foreman, "P", nil, false},
		"a manager who has it":            {manager, "P", nil, false},
		"a supervisor in the crew": {supervisor, "Y", func(w *town, p *phone) {
			w.foreman.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CrewIds: []string{uid("P")}}), Fields: []uint32{13}})
		}, false},
		"a dispatcher who scanned a tag": {dispatcher, "Y", func(w *town, p *phone) {
			p.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: uid("scan")}}})})
		}, false},
		"a foreman who laboured, long since": {foreman, "Y", func(w *town, p *phone) { p.done(w.id, labour("P")); w.foreman.done(w.id, dispatch("X")) }, false},
		"a foreman who declined it":          {foreman, "P", func(w *town, p *phone) { p.done(w.id, decline(1)) }, true},
		"a worker, of a new ticket":          {worker, "", nil, false},
		"a butler, of a new ticket":          {butler, "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			p := w.phone("P", c.role)
			w.id = uid("another")
			w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "fault", CategoryId: "light",
				Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})})
			if c.given != "" {
				w.desk.done(w.id, triage())
				w.foreman.done(w.id, dispatch(c.given))
			}
			if c.does != nil {
				c.does(w, p)
			}
			for _, act := range []*roundsv1.Edit{toCategory("pump"), toPriority(emergency)} {
				if seq := p.tries(w.id, act); c.may {
					p.applied(seq)
				} else {
					p.refused(seq, noRight)
					why := p.outcomes[seq].GetProblem().GetSentence()
					if !strings.Contains(why.GetEn(), "remark") || !strings.Contains(why.GetZh(), "备注") {
						t.Errorf("does not say whom to tell: %v", why)
					}
				}
			}
			got := w.chief.ticket(w.id)
			if want := map[bool]string{true: "pump", false: "light"}[c.may]; got.GetCategoryId() != want || got.GetRequirements().GetCategoryId() != want ||
				(got.GetPriority() == emergency) != c.may {
				t.Errorf("%v", got)
			}
			p.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "another"}), Fields: []uint32{1}}) // the rest is everybody's
		})
	}
}

// TestReporterCategorises: who reported a ticket corrects the category while it is new. Sent once more, by a phone or as a fact, the report changes neither category
// nor urgency of a ticket that was taken in, and a resident's does not make one less urgent.
func TestReporterCategorises(t *testing.T) {
	report := func(category string, p roundsv1.Priority) *roundsv1.Record {
		return ticketRecord(&roundsv1.Ticket{Title: "fault", CategoryId: category, Priority: p, Channel: roundsv1.Channel_CHANNEL_APP,
			Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})
	}
	const noRight = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	w := newTown(t, "light")
	mine := uid("mine")
	w.x.done(mine, &roundsv1.Edit{Record: report("light", minor)})
	w.x.done(mine, toCategory("tiles"))
	w.x.done(mine, toPriority(roundsv1.Priority_PRIORITY_NORMAL))
	w.y.refused(w.y.tries(mine, toCategory("words")), noRight)
	if got := w.chief.ticket(mine); got.GetCategoryId() != "tiles" || got.GetRequirements().GetCategoryId() != "tiles" {
		t.Fatalf("%v", got)
	}
	// A task has its category from the server, which ranks below everybody.
	w.desk.done(mine, split("pump"))
	task := w.chief.ticket(mine).GetChildIds()[0]
	w.foreman.done(task, dispatch("X"))
	blind := w.second("X's second", "X", worker)
	seq := blind.do(task, &roundsv1.Fact{Record: report("words", 0)})
	blind.sync()
	if o := blind.outcomes[seq]; o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED {
		t.Errorf("%v", o)
	}
	if got := w.chief.ticket(task); got.GetCategoryId() != "pump" || got.GetRequirements().GetAfterPhotos() != 2 {
		t.Errorf("%v", got)
	}

	home := w.phone("home", resident)
	own := uid("the resident's")
	home.done(own, &roundsv1.Edit{Record: report("light", emergency)})
	repeats := func(device string, p roundsv1.Priority) *roundsv1.Outcome {
		phone := w.second(device, "home", resident) // enrolled anew: it never saw the report
		seq := phone.do(own, &roundsv1.Edit{Record: report("light", p)})
		phone.sync()
		return phone.outcomes[seq]
	}
	stands := home.replica[own]
	delete(home.replica, own)
	seq = home.do(own, &roundsv1.Edit{Record: report("light", minor)}) // by the same phone, as if it were new
	home.replica[own] = stands
	home.sync()
	home.refused(seq, noRight)
	if o := repeats("the resident's second", emergency); o.GetProblem() != nil {
		t.Errorf("%v", o)
	}
	w.desk.done(own, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: "tiles"}}})
	w.desk.done(own, toPriority(minor))
	if o := repeats("the resident's third", emergency); o.GetProblem().GetCode() != noRight {
		t.Errorf("%v", o)
	}
	if got := w.chief.ticket(own); got.GetCategoryId() != "tiles" || got.GetPriority() != minor {
		t.Errorf("%v", got)
	}
}

// TestCategoryAfterCompletion: once the round is reported as done a changed category is a label: what was asked for stays, and when, until the next round begins.
func TestCategoryAfterCompletion(t *testing.T) {
	for name, reach := range map[string]func(w *town){
		"done": func(w *town) {
			w.x.done(w.id, start())
			w.x.done(uid("p"), shot(w.id, 1))
			w.x.done(w.id, submit(1, uid("p")))
		},
		"in review": func(w *town) { w.inReview() },
		"closed":    func(w *town) { w.inReview(); w.r.done(w.id, w.r.approves(w.id, 1)) },
		"cancelled": func(w *town) { w.chief.done(w.id, cancel()) },
		"merged":    func(w *town) { w.report(uid("other"), "light"); w.desk.done(w.id, mergeInto(uid("other"))) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			reach(w)
			before := w.chief.ticket(w.id)
			for _, act := range []*roundsv1.Edit{toCategory("words"), toCategory("pump"), toPriority(emergency)} {
				w.desk.done(w.id, act)
				got := w.chief.ticket(w.id)
				if got.GetRequirements().String() != before.GetRequirements().String() || !sameDeadlines(got, before) || got.GetState() != before.GetState() {
					t.Fatalf("%v\n%v", got, before)
				}
			}
			if got := w.chief.ticket(w.id); got.GetCategoryId() != "pump" || got.GetPriority() != emergency {
				t.Fatalf("%v", got)
			}
			switch name {
			case "in review":
				w.r.done(w.id, rejectFor(1, "not_clean"))
			case "closed":
				w.chief.done(w.id, reopen(1))
			default:
				return
			}
			got := w.chief.ticket(w.id)
			if need := got.GetRequirements(); need.GetCategoryId() != "pump" || need.GetAfterPhotos() != 2 || need.GetFinishUs() >= before.GetRequirements().GetFinishUs() {
				t.Errorf("the next round is asked for %v", need)
			}
			if a, b := deadlineOf(got, stepFinish, 1), deadlineOf(before, stepFinish, 1); a.GetDueUs() != b.GetDueUs() || a.GetState() != b.GetState() {
				t.Errorf("the first round: %v, was %v", a, b)
			}
			if d := deadlineOf(got, stepFinish, 2); d.GetWithinUs() != got.GetRequirements().GetFinishUs() {
				t.Errorf("%v", d)
			}
		})
	}
}

func sameDeadlines(a, b *roundsv1.Ticket) bool {
	return slices.EqualFunc(a.GetDeadlines(), b.GetDeadlines(), func(a, b *roundsv1.Deadline) bool { return a.String() == b.String() })
}

func deadlineOf(t *roundsv1.Ticket, step roundsv1.Step, round uint32) *roundsv1.Deadline {
	for _, d := range t.GetDeadlines() {
		if d.GetStep() == step && d.GetRound() == round {
			return d
		}
	}
	return nil
}

// TestEvidenceOfAnEasyCategory: the worker who has a ticket that asks for photos cannot make it one that asks for none, and a leader who does so after it is done
// spares nobody what was asked for.
func TestEvidenceOfAnEasyCategory(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	w.x.refused(w.x.tries(w.id, toCategory("words")), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.x.refused(w.x.tries(w.id, submit(1)), roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.chief.inState(w.id, stateInProgress)
}

// TestBreachAndCorrection: who corrects category or priority while a step runs gives it another time. A breach that was noticed stays on record, with the level that
// it raised; it was no false alarm, and whoever was told of it is told what is true.
func TestBreachAndCorrection(t *testing.T) {
	const open, met, breached = roundsv1.DeadlineState_DEADLINE_STATE_OPEN, roundsv1.DeadlineState_DEADLINE_STATE_MET, roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
	late := func(t *testing.T) (*town, *roundsv1.Deadline) {
		w := newTown(t, "light")
		w.desk.done(w.id, toPriority(emergency))
		w.x.done(w.id, start())
		w.now = time.UnixMicro(deadlineOf(w.chief.ticket(w.id), stepFinish, 1).GetDueUs()).Add(time.Hour)
		w.breach()
		d := deadlineOf(w.chief.ticket(w.id), stepFinish, 1)
		if d.GetState() != breached || d.GetBreachedUs() == 0 {
			t.Fatalf("%v", d)
		}
		return w, d
	}
	words := func(w *town) (all []string) {
		w.chief.sync()
		for _, c := range w.chief.replica {
			if n := c.GetRecord().GetNotice(); n.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_CORRECTED {
				all = append(all, n.GetSentence().GetEn())
			}
		}
		return all
	}
	t.Run("in time for the new time", func(t *testing.T) {
		w, was := late(t)
		w.x.refused(w.x.tries(w.id, toPriority(minor)), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
		w.desk.done(w.id, toPriority(roundsv1.Priority_PRIORITY_NORMAL))
		ticket := w.chief.ticket(w.id)
		d := deadlineOf(ticket, stepFinish, 1)
		if d.GetState() != open || d.GetDueUs() <= w.now.UnixMicro() || d.GetBreachedUs() != was.GetBreachedUs() || d.GetOfflineFalseAlarm() {
			t.Fatalf("%v, was %v", d, was)
		}
		if ticket.GetEscalationLevel() != 1 || slices.Contains(ticket.GetFlags(), "offline_false_alarm") {
			t.Fatalf("%v", ticket)
		}
		told := words(w)
		if len(told) == 0 {
			t.Fatal("nobody is told")
		}
		for _, one := range told {
			if !strings.Contains(one, "set anew") || !strings.Contains(one, "priority") || strings.Contains(one, "signal") {
				t.Errorf("told %q", one)
			}
		}
		w.told(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.id, "", foreman)
		w.told(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.id, "", supervisor)
		// Done by the new time it is met, and later acts leave it so.
		w.x.done(uid("p"), shot(w.id, 1))
		w.x.done(w.id, submit(1, uid("p")))
		w.looked(w.id, uid("p"), stateClean)
		d = deadlineOf(w.chief.inState(w.id, stateInReview), stepFinish, 1)
		if d.GetState() != met || d.GetBreachedUs() != was.GetBreachedUs() || d.GetOfflineFalseAlarm() || len(words(w)) != len(told) {
			t.Fatalf("%v %q", d, words(w))
		}
	})
	t.Run("missed by the new time, too", func(t *testing.T) {
		w, was := late(t)
		w.now = w.now.Add(30 * time.Hour)
		w.desk.done(w.id, toPriority(roundsv1.Priority_PRIORITY_NORMAL))
		d := deadlineOf(w.chief.ticket(w.id), stepFinish, 1)
		if d.GetState() != breached || d.GetBreachedUs() < was.GetBreachedUs() || d.GetOfflineFalseAlarm() || len(words(w)) != 0 {
			t.Fatalf("%v, was %v, told %q", d, was, words(w))
		}
		w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CategoryId: "tiles"}), Fields: []uint32{3}})
		if again := deadlineOf(w.chief.ticket(w.id), stepFinish, 1); again.GetState() != breached || again.GetBreachedUs() == 0 || again.GetOfflineFalseAlarm() {
			t.Fatalf("%v", again)
		}
	})
	t.Run("over before the correction", func(t *testing.T) {
		w, _ := late(t)
		w.x.done(uid("p"), shot(w.id, 1))
		w.x.done(w.id, submit(1, uid("p")))
		w.looked(w.id, uid("p"), stateClean)
		w.r.sync()
		w.r.done(w.id, w.r.approves(w.id, 1))
		before := w.chief.inState(w.id, stateClosed)
		w.desk.done(w.id, toCategory("tiles"))
		w.desk.done(w.id, toPriority(minor))
		if got := w.chief.ticket(w.id); !sameDeadlines(got, before) || slices.Contains(got.GetFlags(), "offline_false_alarm") || len(words(w)) != 0 {
			t.Fatalf("%v\n%v", got.GetDeadlines(), before.GetDeadlines())
		}
	})
}

// TestEverybodyWhoCategorisesRanks: of two who say of which category a ticket is, who did not see each other, the role decides; so no role that may is without a rank.
func TestEverybodyWhoCategorisesRanks(t *testing.T) {
	field := (&roundsv1.Ticket{}).ProtoReflect().Descriptor().Fields().ByName("category_id")
	rule, _ := proto.GetExtension(field.Options(), roundsv1.E_Merge).(*roundsv1.FieldMerge)
	for _, p := range work.Permissions() {
		if p.Kind == "ticket" && (p.Operation == work.Create || p.Operation == work.Edit || p.Operation == work.Triage) && !slices.Contains(rule.GetRoles(), p.Role) {
			t.Errorf("a %v may %s a ticket, and a category of theirs is below everybody's", p.Role, p.Operation)
		}
	}
	if rule.GetRoles()[0] != manager {
		t.Errorf("%v ranks first", rule.GetRoles()[0])
	}
}
