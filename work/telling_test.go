package work_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// count is how many notices of a code about a record there are, for a role or a person.
func (w *town) count(code roundsv1.NoticeCode, about string) (n int, to []string) {
	w.chief.sync()
	for _, c := range w.chief.replica {
		if notice := c.GetRecord().GetNotice(); notice.GetCode() == code && notice.GetSubject().GetId() == about {
			n++
			to = append(to, notice.GetRole().String())
			to = append(to, notice.GetPersonIds()...)
		}
	}
	return n, to
}

// TestEvaluationIsAsked: the customer is asked what they think of the work when it is confirmed, once in a round, and nobody where the crew itself reported it.
func TestEvaluationIsAsked(t *testing.T) {
	const evaluate = roundsv1.NoticeCode_NOTICE_CODE_EVALUATE
	home := uid("home")
	for name, c := range map[string]struct {
		ticket *roundsv1.Ticket
		want   int
	}{
		"a household that a call names":  {&roundsv1.Ticket{Channel: roundsv1.Channel_CHANNEL_PHONE, ReporterId: uid("H")}, 1},
		"a household beside a butler":    {&roundsv1.Ticket{Channel: roundsv1.Channel_CHANNEL_BUTLER, ReporterId: uid("D"), HouseholdId: home}, 1},
		"a find on patrol":               {&roundsv1.Ticket{Channel: roundsv1.Channel_CHANNEL_PATROL, ReporterId: uid("Y")}, 0},
		"one of the crew, from the desk": {&roundsv1.Ticket{Channel: roundsv1.Channel_CHANNEL_PHONE, ReporterId: uid("D")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			id := uid("evaluated")
			c.ticket.Title, c.ticket.Location = "fault", &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
			w.desk.done(id, &roundsv1.Edit{Record: ticketRecord(c.ticket)})
			w.desk.done(id, triage())
			w.foreman.done(id, dispatch("X"))
			w.x.done(id, start())
			w.finished(w.x, id, 1)
			if n, _ := w.count(evaluate, id); n != 0 {
				t.Errorf("asked before it was confirmed")
			}
			w.r.sync()
			w.r.done(id, w.r.approves(id, 1))
			if n, to := w.count(evaluate, id); n != c.want {
				t.Errorf("asked %d times, want %d: %v", n, c.want, to)
			}
		})
	}
}

// TestEmergencyAlertsSeveralLines: when a ticket becomes an emergency foremen, supervisors and managers are told at once, each once.
func TestEmergencyAlertsSeveralLines(t *testing.T) {
	const emergency = roundsv1.NoticeCode_NOTICE_CODE_EMERGENCY
	w := newTown(t, "light")
	place := &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
	told := func(id string, want int) {
		t.Helper()
		if n, to := w.count(emergency, id); n != want {
			t.Errorf("%d notices, want %d: %v", n, want, to)
		}
		for _, role := range []roundsv1.Role{foreman, supervisor, manager} {
			if want > 0 {
				w.told(emergency, id, "", role)
			}
		}
	}
	told(w.id, 0)
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CategoryId: "flood"}), Fields: []uint32{3}})
	told(w.id, 3)
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CategoryId: "light"}), Fields: []uint32{3}})
	w.desk.done(w.id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{CategoryId: "flood"}), Fields: []uint32{3}})
	told(w.id, 3)

	made := uid("made")
	w.desk.done(made, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "burst", CategoryId: "flood", ReporterId: uid("H"), Location: place})})
	told(made, 3)

	triaged := uid("triaged")
	w.desk.done(triaged, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "burst", ReporterId: uid("H"), Location: place})})
	told(triaged, 0)
	w.desk.done(triaged, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: "flood"}}})
	told(triaged, 3)
}

// TestNobodyIsLeftInTheDark: a ticket that its assignee does not take is not silently nobody's, and who works on one that is cancelled hears of it.
func TestNobodyIsLeftInTheDark(t *testing.T) {
	w := newTown(t, "light")
	w.desk.done(w.id, dispatch("Y")) // by D, where F gave it to X before
	w.y.sync()
	w.y.done(w.id, decline(w.y.ticket(w.id).GetAssignEpoch()))
	w.told(roundsv1.NoticeCode_NOTICE_CODE_UNASSIGNED, w.id, "D", 0)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_UNASSIGNED, w.id, "", foreman)

	w = newTown(t, "light")
	w.x.done(w.id, start())
	w.chief.done(w.id, cancel())
	w.told(roundsv1.NoticeCode_NOTICE_CODE_WITHDRAWN, w.id, "X", 0)
	w.told(roundsv1.NoticeCode_NOTICE_CODE_DECIDED, w.id, "household", 0)
}
