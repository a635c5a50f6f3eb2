package work_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

const (
	selfApproval  = roundsv1.ConflictType_CONFLICT_TYPE_SELF_APPROVAL
	staleApproval = roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL
	otherPlace    = roundsv1.ConflictType_CONFLICT_TYPE_OTHER_PLACE
	acknowledge   = roundsv1.ConflictAction_CONFLICT_ACTION_ACKNOWLEDGE
	openAgain     = roundsv1.ConflictAction_CONFLICT_ACTION_REOPEN
	lookAgain     = roundsv1.ConflictAction_CONFLICT_ACTION_REVIEW
)

// asking is an open question about a record, and who is asked.
type asking struct {
	question, subject *roundsv1.Change
}

// way is something that whoever is asked can do about a question now; "" where all that it offers is refused.
func (a asking) way(rules *work.Rules) string {
	c := a.question.GetRecord().GetConflict()
	roles := []roundsv1.Role{c.GetOwnerRole()}
	kind, _ := merge.KindOf(a.subject.GetRecord())
	judged := func(of merge.Kind, current *roundsv1.Change, act any) bool {
		m := mutation(current.GetRecordId(), act)
		m.Base, m.BaseTimeUs = current.GetVersion(), current.GetTimeUs()
		v := rules.Judge(engine.Case{Kind: of, Scope: siteScope, Current: current, Mutation: m, Roles: roles, Person: engine.PersonID(uid("who is asked")), Device: "theirs",
			Saw: true, Trust: roundsv1.Trust_TRUST_A, Lookup: func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
				if string(id) == a.subject.GetRecordId() {
					return a.subject, nil
				}
				return nil, nil
			}})
		return v.Problem == nil
	}
	for _, action := range work.Offers(c, roles) {
		switch action {
		case roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT, roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT, roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE:
			continue // whether what waits fits by now is another question
		case roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD:
			edit := &roundsv1.Edit{Record: empty(kind), Fields: []uint32{c.GetField()}}
			if c.GetField() != 0 && judged(kind, a.subject, edit) {
				return "edit"
			}
		case lookAgain:
			for name, act := range map[string]any{"send back": rejectFor(a.subject.GetRecord().GetTicket().GetRound(), "dirty"), "return": walk("return")} {
				if (name == "send back") == (kind == "ticket") && judged(kind, a.subject, act) {
					return name
				}
			}
		default:
			act := decide(action)
			act.GetDecide().TargetId = a.subject.GetRecordId()
			if judged("conflict", a.question, act) {
				return action.String()
			}
		}
	}
	return ""
}

// TestEveryQuestionHasAnAnswer goes through all questions and all states of what they are about: either the question is closed by what happened, or whoever is asked can
// do something of what it offers.
func TestEveryQuestionHasAnAnswer(t *testing.T) {
	rules := work.New(work.Config{})
	subjects := map[string]*roundsv1.Record{}
	for number, name := range roundsv1.TicketState_name {
		for _, forced := range []bool{false, true} {
			ticket := &roundsv1.Ticket{State: roundsv1.TicketState(number), Round: 1, AssigneeId: uid("worker"), MergedIntoId: uid("another")}
			if forced {
				ticket.Flags, name = []string{"forced"}, name+", by force"
			}
			subjects[name] = ticketRecord(ticket)
		}
	}
	for number, name := range roundsv1.InspectionState_name {
		subjects[name] = round(&roundsv1.Inspection{State: roundsv1.InspectionState(number), Round: 1, InspectorId: uid("worker")})
	}
	asked := 0
	for _, q := range work.Questions() {
		for at, record := range subjects {
			kind, _ := merge.KindOf(record)
			for _, later := range []bool{false, true} { // whether it came to stand there after the question was asked
				c := &roundsv1.Conflict{Type: q.Type, State: openState, OpenedTimeUs: 8, PersonId: uid("worker"), JournalSeq: 5,
					Subject: &roundsv1.RecordRef{Kind: string(kind), Id: uid("the subject")}}
				switch q.Type {
				case roundsv1.ConflictType_CONFLICT_TYPE_ASK:
					c.Field = 15
				case otherPlace:
					c.Field = 5
				}
				if q.Type == roundsv1.ConflictType_CONFLICT_TYPE_ASK && kind != "ticket" {
					continue // no field of a round is asked about
				}
				plainRules().Complete(c, engine.Case{})
				question := change(&roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: c}})
				question.RecordId, question.Writes[0].Stamp.Seq = uid("the question"), 8
				if later {
					question.Writes[0].Stamp.Seq = 6
				}
				subject := change(record)
				subject.RecordId = uid("the subject")
				if _, answered := work.Answered(question, subject); answered {
					continue
				}
				asked++
				if a := (asking{question, subject}); a.way(rules) == "" {
					t.Errorf("%v about what is %s: of %v nothing can be done by a %v", q.Type, at, c.GetActions(), c.GetOwnerRole())
				}
			}
		}
	}
	if asked < 300 {
		t.Errorf("only %d questions", asked)
	}
}

// open is the one question of a type about a record, with how its ways stand for whoever is asked.
func (w *town) open(of roundsv1.ConflictType, about string) (string, asking) {
	w.t.Helper()
	id, _ := w.asked(of, about)
	question := proto.CloneOf(w.chief.replica[id])
	plainRules().Complete(question.GetRecord().GetConflict(), engine.Case{})
	return id, asking{question, w.chief.replica[about]}
}

// TestClosuresThatNobodyReviews: a forced closure, or one by tasks, whose signatory turns out to have worked on it cannot be reviewed: a supervisor may open it again,
// or take note.
func TestClosuresThatNobodyReviews(t *testing.T) {
	for name, close := range map[string]func(w *town){
		"by force": func(w *town) {
			w.x.done(w.id, start())
			w.x.done(uid("p"), shot(w.id, 1))
			w.x.done(w.id, submit(1, uid("p")))
			w.chief.done(w.id, forceClose("R"))
			w.r.done(w.id, forceClose("S"))
		},
		"by tasks": func(w *town) {
			w.id = uid("split")
			w.report(w.id, "light")
			w.foreman.done(w.id, split("light"))
			task := w.chief.ticket(w.id).GetChildIds()[0]
			w.foreman.done(task, dispatch("X"))
			w.x.done(task, start())
			w.finished(w.x, task, 1)
			w.r.sync()
			w.r.done(task, w.r.approves(task, 1))
		},
	} {
		for _, action := range []roundsv1.ConflictAction{acknowledge, openAgain} {
			t.Run(name, func(t *testing.T) {
				w := newTown(t, "light")
				close(w)
				w.chief.inState(w.id, stateClosed)
				w.r.done(w.id, labour("R"))
				id, a := w.open(selfApproval, w.id)
				if how, ok := work.Answered(a.question, a.subject); ok {
					t.Fatalf("closed by itself: %q", how)
				}
				if got := a.question.GetRecord().GetConflict().GetActions(); !slices.Equal(got, []roundsv1.ConflictAction{acknowledge, openAgain}) {
					t.Fatalf("offers %v", got)
				}
				w.chief.done(id, decide(action))
				want := stateClosed
				if action == openAgain {
					want = stateTriaged
				}
				w.chief.inState(w.id, want)
				if q := w.chief.replica[id].GetRecord().GetConflict(); q.GetState() == openState || q.GetDecision() != action {
					t.Fatalf("%v", q)
				}
			})
		}
	}
}

// TestStaleApprovalOvertaken: an approval that waits is about nothing any more once the ticket has ended otherwise, and is closed with the reason; while more work is
// reported it can be left out.
func TestStaleApprovalOvertaken(t *testing.T) {
	waits := func(t *testing.T) (*town, string) {
		w := newTown(t, "light")
		w.inReview()
		w.r.sync()
		late := w.r.do(w.id, w.r.approves(w.id, 1))
		w.x.done(uid("bad"), shot(w.id, 1))
		w.x.done(w.id, submit(1, uid("bad")))
		w.looked(w.id, uid("bad"), roundsv1.PhotoState_PHOTO_STATE_HARD)
		w.r.sync()
		return w, w.r.parked(late, staleApproval)
	}
	w, id := waits(t)
	w.chief.inState(w.id, stateDone)
	_, a := w.open(staleApproval, w.id)
	if how, ok := work.Answered(a.question, a.subject); ok {
		t.Fatalf("closed by itself: %q", how)
	}
	if a.way(work.New(work.Config{})) == "" {
		t.Fatalf("nothing can be done: %v", a.question)
	}
	w.chief.done(id, decide(roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS))

	w, _ = waits(t)
	w.chief.sync()
	w.chief.done(w.id, cancel())
	_, a = w.open(staleApproval, w.id)
	if how, ok := work.Answered(a.question, a.subject); !ok || how != "answered: the ticket was cancelled" {
		t.Fatalf("%q %v", how, ok)
	}
}

// TestOtherPlaceCorrected: two places stand beside each other until somebody who saw both says which is right: a third who saw neither, later or not, is no answer.
func TestOtherPlaceCorrected(t *testing.T) {
	w := newTown(t, "light")
	admin := w.phone("A", roundsv1.Role_ROLE_ADMIN)
	for _, tower := range []string{"tower 1", "tower 2", "tower 3"} {
		admin.done(uid(tower), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Type: roundsv1.PlaceType_PLACE_TYPE_BUILDING}}}})
	}
	at := func(place string) *roundsv1.Edit {
		return &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Location: &roundsv1.Location{PlaceId: uid(place), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}), Fields: []uint32{5}}
	}
	w.all()
	w.x.do(w.id, at("tower 1"))
	w.y.do(w.id, at("tower 2"))
	w.q.do(w.id, at("tower 3")) // the latest, and saw neither
	w.x.sync()
	w.y.sync()
	_, a := w.open(otherPlace, w.id)
	if how, ok := work.Answered(a.question, a.subject); ok {
		t.Fatalf("closed by itself: %q", how)
	}
	w.q.sync()
	_, a = w.open(otherPlace, w.id)
	if how, ok := work.Answered(a.question, a.subject); ok || a.question.GetRecord().GetConflict().GetState() != openState {
		t.Fatalf("closed by who saw neither: %q", how)
	}
	w.chief.done(w.id, at("tower 2"))
	if _, a = w.open(otherPlace, w.id); a.question.GetRecord().GetConflict().GetResolution() != "answered: corrected" {
		t.Fatalf("%v", a.question)
	}
}

// TestWhoIsAsked: whoever is asked about a field may correct it.
func TestWhoIsAsked(t *testing.T) {
	for kind, want := range map[string]roundsv1.Role{"ticket": butler, "staff": manager} {
		c := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_ASK, Subject: &roundsv1.RecordRef{Kind: kind, Id: uid("it")}}
		plainRules().Complete(c, engine.Case{})
		if c.GetOwnerRole() != want || len(work.Offers(c, []roundsv1.Role{want})) == 0 {
			t.Errorf("%s: a %v is asked, and offered %v", kind, c.GetOwnerRole(), work.Offers(c, []roundsv1.Role{c.GetOwnerRole()}))
		}
	}
}
