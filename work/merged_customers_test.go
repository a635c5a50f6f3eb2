package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// mergedReport is a ticket that a resident reported, merged into the town's, and the resident's phone.
func (w *town) mergedReport(name string) (id string, home *phone) {
	w.t.Helper()
	id, home = uid("report of "+name), w.phone(name, resident)
	home.done(id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "the same", Channel: roundsv1.Channel_CHANNEL_APP, ReporterId: uid(name),
		Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})})
	return id, home
}

// evaluations are whom notices about a record ask to evaluate the work.
func (w *town) evaluations(about string) (people []string) {
	w.t.Helper()
	w.chief.sync()
	for _, c := range w.chief.replica {
		if n := c.GetRecord().GetNotice(); n.GetCode() == roundsv1.NoticeCode_NOTICE_CODE_EVALUATE && n.GetSubject().GetId() == about {
			people = append(people, n.GetPersonIds()...)
		}
	}
	return people
}

// TestMergedCustomers: whoever reported a ticket that was merged is asked what they think of the work on the one that theirs went on in, each time that it is done, and
// says so on their own.
func TestMergedCustomers(t *testing.T) {
	closes := func(w *town, round uint32) {
		w.x.done(w.id, start())
		w.finished(w.x, w.id, round)
		w.r.sync()
		w.r.done(w.id, w.r.approves(w.id, round))
		w.chief.inState(w.id, stateClosed)
	}
	w := newTown(t, "light")
	first, one := w.mergedReport("one")
	second, two := w.mergedReport("two")
	w.desk.done(first, mergeInto(second)) // over another that goes on in the ticket itself
	w.desk.done(second, mergeInto(w.id))
	if got := w.chief.ticket(w.id).GetMergedIds(); !slices.Equal(got, []string{second, first}) {
		t.Fatalf("%v", got)
	}
	early := one.tries(first, customerAccept(1))
	one.refused(early, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	closes(w, 1)
	for about, who := range map[string]string{first: "one", second: "two"} {
		if got := w.evaluations(about); !slices.Equal(got, []string{uid(who)}) {
			t.Errorf("%s: asked %v", who, got)
		}
	}
	// Content: on record on both, and the follow-up is done.
	one.refused(one.tries(first, customerAccept(2)), roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	one.done(first, customerAccept(1))
	if a, b := w.chief.ticket(first), w.chief.ticket(w.id); a.GetAcceptance() != roundsv1.Acceptance_ACCEPTANCE_ACCEPTED || b.GetAcceptance() != a.GetAcceptance() ||
		deadlineOf(b, roundsv1.Step_STEP_FOLLOW_UP, 1).GetDoneUs() == 0 {
		t.Fatalf("%v\n%v", a, b)
	}
	// Not content: the work is opened again, one level up.
	earlier := two.second("two's other phone", "two", resident)
	earlier.sync()
	offline := earlier.do(second, dispute(1))
	two.done(second, dispute(1))
	again := w.chief.inState(w.id, stateTriaged)
	if again.GetRound() != 2 || again.GetEscalationLevel() != 1 || w.chief.ticket(second).GetAcceptance() != roundsv1.Acceptance_ACCEPTANCE_DISPUTED ||
		w.chief.ticket(second).GetState() != roundsv1.TicketState_TICKET_STATE_MERGED {
		t.Fatalf("%v", again)
	}
	w.foreman.done(w.id, dispatch("X"))
	closes(w, 2)
	if got := w.evaluations(second); len(got) != 2 {
		t.Errorf("asked %v", got)
	}
	// What was said of the first round is of the first round, whenever it comes.
	earlier.sync()
	earlier.refused(offline, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED)
	// Nobody speaks for others.
	two.refused(two.tries(first, dispute(1)), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	two.refused(two.tries(w.id, dispute(2)), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	w.now = w.now.Add(time.Minute)
	w.chief.inState(w.id, stateClosed)
}
