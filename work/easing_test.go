package work_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// asksFor requires what a ticket asks for in photos of the finished work.
func (w *town) asksFor(photos uint32) {
	w.t.Helper()
	if need := w.chief.ticket(w.id).GetRequirements(); need.GetAfterPhotos() != photos {
		w.t.Errorf("asks for %v, want %d photos", need, photos)
	}
}

// returned has X decline the ticket, so that nobody has it.
func (w *town) returned() {
	w.t.Helper()
	w.x.done(w.id, decline(1))
	w.foreman.sync()
}

// TestWhoEasesDoesNotWork: of a ticket that somebody made ask for less is asked what was asked before, once that person has a part in the work, whatever the part is.
// Of everybody else is asked what the category says.
func TestWhoEasesDoesNotWork(t *testing.T) {
	for name, c := range map[string]struct {
		does func(w *town)
		want uint32
	}{
		"given to another":      {func(w *town) { w.foreman.done(w.id, dispatch("Y")) }, 0},
		"given to who eased it": {func(w *town) { w.foreman.done(w.id, dispatch("F")) }, 2},
		"given by another":      {func(w *town) { w.desk.done(w.id, dispatch("F")) }, 2},
		"is of the crew":        {func(w *town) { w.crew(uid("F")) }, 0},
		"works in the crew": {func(w *town) {
			w.crew(uid("F"))
			w.foreman.done(w.id, dispatch("Y"))
			w.foreman.sync()
			w.foreman.done(w.id, start())
		}, 2},
		"scans a tag": {func(w *town) {
			w.foreman.done(w.id, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: uid("scan")}}})})
		}, 2},
		"labours":     {func(w *town) { w.foreman.done(w.id, labour("F")) }, 2},
		"photographs": {func(w *town) { w.foreman.done(uid("p"), shot(w.id, 1)) }, 2},
		"in two steps": {func(w *town) {
			w.foreman.done(w.id, toCategory("light"))
			w.foreman.done(w.id, toCategory("words"))
			w.foreman.done(w.id, dispatch("F"))
		}, 2},
		"takes it back":          {func(w *town) { w.foreman.done(w.id, toCategory("pump")); w.foreman.done(w.id, dispatch("F")) }, 2},
		"settled by another":     {func(w *town) { w.desk.done(w.id, toCategory("words")); w.foreman.done(w.id, dispatch("F")) }, 0},
		"settled when it is his": {func(w *town) { w.foreman.done(w.id, dispatch("F")); w.desk.done(w.id, toCategory("words")) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "pump")
			w.asksFor(2)
			w.returned()
			w.foreman.done(w.id, toCategory("words"))
			w.asksFor(0)
			c.does(w)
			w.asksFor(c.want)
		})
	}
}

// crew names the crew of the ticket.
func (w *town) crew(people ...string) {
	w.t.Helper()
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CrewIds: people}), Fields: []uint32{13}})
}

// TestEasedOffline: a foreman labours without signal, and makes the ticket ask for less on another phone before the server hears of that. What was asked before is asked
// when it does.
func TestEasedOffline(t *testing.T) {
	w := newTown(t, "pump")
	w.returned()
	w.foreman.do(w.id, labour("F"))
	other := w.second("F's second", "F", foreman)
	other.done(w.id, toCategory("words"))
	w.asksFor(0)
	w.foreman.sync()
	w.asksFor(2)
}

// TestTasksOfAnEasedTicket: a ticket that was made to ask for less is split into tasks of which one asks for what was asked before, until somebody else has said of
// which category it is.
func TestTasksOfAnEasedTicket(t *testing.T) {
	w := newTown(t, "pump")
	w.returned()
	w.foreman.done(w.id, toCategory("words"))
	w.foreman.refused(w.foreman.tries(w.id, split("words")), roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	w.desk.done(w.id, toCategory("words"))
	w.foreman.done(w.id, split("words"))
}

// TestEasedInTheNextRound: a label that was changed once the work was done asks less of the next round, and not of who changed it.
func TestEasedInTheNextRound(t *testing.T) {
	w := newTown(t, "light")
	w.inReview()
	w.foreman.done(w.id, toCategory("words"))
	w.r.done(w.id, rejectFor(1, "not_clean"))
	w.asksFor(0)
	w.foreman.done(w.id, dispatch("F"))
	w.asksFor(1)
}
