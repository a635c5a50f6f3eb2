package work_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// crew is an edit of a ticket's crew: who comes in, and who leaves.
func crew(add, remove []string) *roundsv1.Edit {
	return &roundsv1.Edit{Fields: []uint32{13}, Record: ticketRecord(&roundsv1.Ticket{CrewIds: add}), Removed: ticketRecord(&roundsv1.Ticket{CrewIds: remove})}
}

// notOwn requires that a phone may not approve the ticket's current round.
func (w *town) notOwn(p *phone) {
	w.t.Helper()
	p.sync()
	act := p.do(w.id, p.approves(w.id, 1))
	p.sync()
	p.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
	w.chief.inState(w.id, stateInReview)
}

// TestInventedPeopleHideNobody: however many people a fact names, who really worked is on record, also after leaving the crew.
func TestInventedPeopleHideNobody(t *testing.T) {
	w := newTown(t, "light")
	invented := &roundsv1.Ticket{}
	for n := range 64 {
		name := uid(fmt.Sprint("invented ", n))
		invented.Labour = append(invented.Labour, &roundsv1.Labour{Id: uid("labour of " + name), PersonId: name})
	}
	w.x.done(w.id, &roundsv1.Fact{Record: ticketRecord(invented)})
	w.foreman.done(w.id, crew([]string{uid("R")}, nil))
	w.r.sync()
	w.r.done(w.id, start())
	w.inReview()
	w.r.done(w.id, crew(nil, []string{uid("R")}))
	w.notOwn(w.r)
	w.q.done(w.id, w.q.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}

// TestPhotographersByWordHideNobody: photos name who took them at anybody's word. Where they name too many a supervisor decides; who works is noted all the same.
func TestPhotographersByWordHideNobody(t *testing.T) {
	w := newTown(t, "light")
	for n := range 40 {
		by := func(p *roundsv1.Photo) { p.PersonId = uid(fmt.Sprint("invented ", n)) }
		w.x.do(uid(fmt.Sprint("photo ", n)), shot(w.id, 1, by))
	}
	w.x.sync()
	w.foreman.done(w.id, crew([]string{uid("S"), uid("R")}, nil))
	w.chief.sync()
	w.chief.done(w.id, start())
	w.inReview()
	w.foreman.done(w.id, crew(nil, []string{uid("S"), uid("R")}))
	w.notOwn(w.chief)
	w.notOwn(w.r) // was in the crew when the work was reported as done
	w.notOwn(w.q) // did nothing, as far as is known: but so many are named that nobody can say
	other := w.phone("T", supervisor)
	other.sync()
	other.done(w.id, other.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}

// TestWhoLeavesTheCrew after the work was reported as done had a part in it.
func TestWhoLeavesTheCrew(t *testing.T) {
	w := newTown(t, "light")
	w.foreman.done(w.id, crew([]string{uid("R")}, nil))
	w.inReview()
	w.r.done(w.id, crew(nil, []string{uid("R")}))
	w.notOwn(w.r)
}

// TestPhotoWithoutRoleByTheApprover: where the category is not known a photo without a role proves the work, so who took it does not vouch for it.
func TestPhotoWithoutRoleByTheApprover(t *testing.T) {
	for name, by := range map[string]func(*town) *phone{"written": func(w *town) *phone { return w.r }, "named": func(w *town) *phone { return w.x }} {
		t.Run(name, func(t *testing.T) {
			w := newTownOf(t, work.Config{}, "unknown")
			w.x.done(w.id, start())
			photo := uid("by R")
			by(w).done(photo, shot(w.id, 1, hash(photo), func(p *roundsv1.Photo) {
				p.Role = roundsv1.PhotoRole_PHOTO_ROLE_UNSPECIFIED
				if name == "named" {
					p.PersonId = uid("R")
				}
			}))
			w.x.done(w.id, submit(1, photo))
			w.looked(w.id, photo, stateClean)
			w.chief.inState(w.id, stateInReview)
			w.notOwn(w.r)
			w.q.sync()
			w.q.done(w.id, w.q.approves(w.id, 1))
		})
	}
}

// TestMergeByQuestionNeedsTheRight: what a decision does to a ticket asks for the same right as the command.
func TestMergeByQuestionNeedsTheRight(t *testing.T) {
	for _, action := range []roundsv1.ConflictAction{roundsv1.ConflictAction_CONFLICT_ACTION_MERGE, roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH} {
		for role, may := range map[roundsv1.Role]bool{foreman: false, supervisor: false, dispatcher: true, manager: true} {
			w := newTown(t, "light")
			w.report(uid("again"), "light")
			p := w.phone("P", role)
			var question string
			w.write(func(engine.View) ([]engine.Derived, error) {
				asked := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: w.id},
					Sides: []*roundsv1.Side{{Record: &roundsv1.RecordRef{Kind: "ticket", Id: uid("again")}}}}
				made := work.QuestionOf(asked, "test")
				question = string(made.RecordID)
				return []engine.Derived{made}, nil
			})
			p.sync()
			act := decide(action)
			act.GetDecide().TargetId = w.id
			seq := p.do(question, act)
			p.sync()
			if may || action == roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH {
				p.applied(seq)
			} else {
				p.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
			}
		}
	}
}

// TestPatrolWithoutAPhoto: a find on patrol comes with a photo. That of a new one cannot be here yet, so its lack is marked and refuses nothing.
func TestPatrolWithoutAPhoto(t *testing.T) {
	w := newTown(t, "light")
	find := func(id string, photos ...string) {
		w.y.done(id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "a find", Channel: roundsv1.Channel_CHANNEL_PATROL,
			Location: &roundsv1.Location{PlaceId: uid("B2")}, Origin: &roundsv1.Origin{PhotoIds: photos}})})
	}
	marked := func(id string) bool { return slices.Contains(w.chief.ticket(id).GetFlags(), "no_photo") }
	find(uid("bare"))
	find(uid("named"), uid("photo"))
	if !marked(uid("bare")) || marked(uid("named")) || marked(w.id) {
		t.Fatalf("%v %v", w.chief.ticket(uid("bare")), w.chief.ticket(uid("named")))
	}
	w.y.done(uid("drawing"), shot(uid("bare"), 1, func(p *roundsv1.Photo) { p.AnnotationOfId = uid("another") }))
	if !marked(uid("bare")) {
		t.Fatal("a drawing is no photo")
	}
	w.y.done(uid("shown"), shot(uid("bare"), 1, func(p *roundsv1.Photo) { p.Role = roundsv1.PhotoRole_PHOTO_ROLE_UNSPECIFIED }))
	if marked(uid("bare")) {
		t.Fatal("its photo has come")
	}
	w.desk.done(uid("bare"), triage())
}

// TestPatrolFindIsClosedWithAPhoto: the photo that a find on patrol still lacks is asked for before the ticket is closed, also where its category asks for none.
func TestPatrolFindIsClosedWithAPhoto(t *testing.T) {
	w := newTown(t, "light")
	id, photo := uid("find"), uid("its photo")
	w.y.done(id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "a find", Channel: roundsv1.Channel_CHANNEL_PATROL,
		Location: &roundsv1.Location{PlaceId: uid("B2")}})})
	w.desk.done(id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: "words"}}})
	w.foreman.done(id, dispatch("X"))
	w.x.done(id, start())
	w.x.done(id, submit(1))
	w.looked(id, uid("nothing"), stateClean)
	w.chief.inState(id, stateDone)
	w.r.sync()
	seq := w.r.do(id, w.r.approves(id, 1))
	w.r.sync()
	w.r.refused(seq, codeMissing)

	w.x.done(photo, shot(id, 1))
	w.looked(id, photo, stateClean)
	w.chief.inState(id, stateInReview)
	w.r.sync()
	w.r.done(id, w.r.approves(id, 1))
	w.chief.inState(id, stateClosed)
}

// TestWordsOnATicket are short, and whole in the journal.
func TestWordsOnATicket(t *testing.T) {
	for name, words := range map[string]string{"plain": strings.Repeat("a", 65536), "runes": "a" + strings.Repeat("\U0001F600", 16383)} {
		w := newTown(t, "light")
		w.inReview()
		act := rejectFor(1, "not_clean")
		act.GetReject().Words = words
		w.r.done(w.id, act)
		ticket := w.chief.ticket(w.id)
		kept := ticket.GetReviews()[0].GetWords()
		if len(kept) > 1024 || len(kept) < 1020 || !strings.HasPrefix(words, kept) || !utf8.ValidString(kept) || ticket.GetStateReason() != "not_clean: "+kept {
			t.Errorf("%s: %d bytes of words, state_reason %d", name, len(kept), len(ticket.GetStateReason()))
		}
	}
}

// TestPausesAreFew: pauses that do not stop the clocks do not pile up.
func TestPausesAreFew(t *testing.T) {
	w := newTown(t, "light")
	w.x.done(w.id, start())
	for range 70 {
		w.x.do(w.id, pauseFor("other", nil))
		w.x.do(w.id, resume())
	}
	w.x.sync()
	pauses := 0
	for _, s := range movesOf(w.chief.ticket(w.id)) {
		if s == roundsv1.TicketState_TICKET_STATE_PAUSED {
			pauses++
		}
	}
	if pauses == 0 || pauses > 65 {
		t.Fatalf("%d pauses", pauses)
	}
}

// TestDuplicatesSayWhatIsAlike: whoever decides whether two tickets are the same is told what of them is.
func TestDuplicatesSayWhatIsAlike(t *testing.T) {
	place := &roundsv1.Location{PlaceId: uid("B2"), Words: "the lobby", Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
	said := func(a, b *roundsv1.Ticket) string {
		first, second := change(ticketRecord(a)), change(ticketRecord(b))
		second.RecordId = uid("second")
		text := work.DuplicateQuestion(first, second, 1)[0].Edit.GetRecord().GetConflict().GetSentence()
		if text.GetZh() == "" {
			t.Errorf("%v", text)
		}
		return text.GetEn()
	}
	for _, c := range []struct {
		b    *roundsv1.Ticket
		want string
	}{
		{&roundsv1.Ticket{Location: place, Title: "a leak", CustomerWords: "it drips"}, "the category, the place, the tag that was scanned, the place in words, the title"},
		{&roundsv1.Ticket{Location: &roundsv1.Location{PlaceId: uid("B2")}, CustomerWords: "it leaks"}, "the category, the place, the customer's words"},
		{&roundsv1.Ticket{Location: &roundsv1.Location{Words: "the lobby"}}, "the category, the place in words"},
	} {
		if got := said(&roundsv1.Ticket{Location: place, Title: "A leak", CustomerWords: "it leaks"}, c.b); !strings.Contains(got, "(alike: "+c.want+")") {
			t.Errorf("%q, want alike: %s", got, c.want)
		}
	}
}
