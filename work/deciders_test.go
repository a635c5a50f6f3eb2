package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/deadline"
)

// TestRow01_WhomItWasGivenToDeclined: what the former assignee finished without signal counts also where nobody has the ticket any more.
func TestRow01_WhomItWasGivenToDeclined(t *testing.T) {
	w := newShift(t)
	w.foreman.done(w.id, dispatch("Y"))
	w.y.done(w.id, decline(2))
	w.foreman.inState(w.id, stateTriaged)
	hours, done := w.x.do(w.id, labour("X")), w.x.do(w.id, submit(1, uid("p1")))
	w.x.sync()
	w.x.applied(hours, done)
	ticket := w.foreman.inState(w.id, stateDone)
	w.completed(ticket, 1, "X")
	if ticket.GetAssigneeId() != uid("X") || !slices.Contains(w.x.outcomes[done].GetFlags(), "done_by_former_assignee") {
		t.Fatalf("%v", ticket)
	}
	(&town{shift: w}).told(roundsv1.NoticeCode_NOTICE_CODE_DONE_BY_OTHER, w.id, "", foreman)

	w = newShift(t) // who knows that it was another's has nothing to report
	w.foreman.done(w.id, dispatch("Y"))
	w.y.done(w.id, decline(2))
	w.x.sync()
	knew := w.x.do(w.id, submit(1, uid("p1")))
	w.x.sync()
	w.x.refused(knew, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	w.foreman.inState(w.id, stateTriaged)
}

// promised has X report the work as done with a photo that does not come.
func (w *town) promised() (photo string) {
	w.t.Helper()
	photo = uid("lost")
	w.x.done(w.id, start())
	w.x.done(photo, shot(w.id, 1, hash("lost")))
	w.x.done(w.id, submit(1, photo))
	w.all()
	return photo
}

// TestForceCloseOfWhatWasSeen: the word of either of the two counts for what they had before them, and not for another round or another request.
func TestForceCloseOfWhatWasSeen(t *testing.T) {
	next := func(w *town, photo string) {
		w.looked(w.id, photo, stateClean)
		w.q.done(w.id, rejectFor(1, "not_clean"))
		w.x.done(w.id, start())
		w.x.done(w.id, pauseFor("other", nil))
	}
	const superseded = roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED

	w := newTown(t, "light")
	photo := w.promised()
	w.chief.done(w.id, forceClose("R"))
	w.r.sync()
	stale := w.r.do(w.id, forceClose("S"))
	next(w, photo)
	w.chief.done(w.id, forceClose("Q"))
	w.r.sync()
	w.r.refused(stale, superseded)
	w.chief.inState(w.id, statePaused)
	w.r.done(w.id, forceClose("S")) // who looks at it now may confirm it
	flagged(t, w.chief.inState(w.id, stateClosed), "forced")

	w = newTown(t, "light") // nor is the first word taken over into another round
	photo = w.promised()
	stale = w.chief.do(w.id, forceClose("R"))
	next(w, photo)
	w.chief.sync()
	w.chief.refused(stale, superseded)

	w = newTown(t, "light") // two who ask without knowing of each other have not confirmed each other
	w.promised()
	other := w.second("phone of T", "T", supervisor)
	other.sync()
	stale = other.do(w.id, forceClose("S"))
	w.chief.done(w.id, forceClose("T"))
	other.sync()
	other.refused(stale, superseded)
	other.done(w.id, forceClose("S"))
	w.chief.inState(w.id, stateClosed)
}

const (
	disputedTime = roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME
	ownWork      = roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK
)

// decides requires what becomes of somebody's decision on a question: refused with a code, or applied where that is 0.
func (w *town) decides(p *phone, question string, act *roundsv1.ConflictCommand, code roundsv1.ProblemCode) {
	w.t.Helper()
	p.sync()
	seq := p.do(question, act)
	p.sync()
	if code == 0 {
		p.applied(seq)
		return
	}
	p.refused(seq, code)
}

// TestSelfApprovalDecidedByAnother: who turns out to have worked on what they closed by force does not put that aside themselves.
func TestSelfApprovalDecidedByAnother(t *testing.T) {
	for _, act := range []*roundsv1.ConflictCommand{decide(acknowledge), dismiss()} {
		w := newTown(t, "light")
		w.promised()
		other := w.second("second phone of S", "S", supervisor)
		other.sync()
		hours := other.do(w.id, labour("S"))
		w.chief.done(w.id, forceClose("R"))
		w.r.done(w.id, forceClose("S"))
		other.sync()
		other.applied(hours)
		id, _ := w.asked(selfApproval, w.id)
		w.decides(w.chief, id, act, ownWork)
		w.decides(w.phone("M", manager), id, act, 0)
	}
}

// TestReopenDecidedByAnother: row 7's question is not answered by whose work it is about.
func TestReopenDecidedByAnother(t *testing.T) {
	w := newTown(t, "light")
	w.foreman.done(w.id, dispatch("S"))
	w.chief.sync()
	w.x.do(w.id, answered("dry", fail))
	late := w.x.do(w.id, submit(1, uid("xp")))
	w.chief.done(w.id, start())
	w.finished(w.chief, w.id, 1)
	w.r.sync()
	w.r.done(w.id, w.r.approves(w.id, 1))
	w.x.sync()
	w.x.applied(late)
	id, _ := w.asked(roundsv1.ConflictType_CONFLICT_TYPE_REOPEN, w.id)
	leave := decide(roundsv1.ConflictAction_CONFLICT_ACTION_LEAVE_CLOSED)
	w.decides(w.chief, id, leave, ownWork)
	w.decides(w.phone("M", manager), id, leave, 0)
}

// TestOwnTimeDecidedByAnother: of several times that one question is about, nobody says of their own that it was in time; that it was late they may say.
func TestOwnTimeDecidedByAnother(t *testing.T) {
	w := newTown(t, "light")
	id, began := uid("another"), w.now
	w.desk.done(id, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "fault", CategoryId: "light", ReporterId: uid("household")})})
	w.all()
	late := func(p *phone, did, found, back time.Duration, act any) { // done in time, found to be late, and heard of by a phone that was switched off meanwhile
		w.now = began.Add(did)
		seq := p.do(id, act)
		w.now = began.Add(found)
		w.breached(id)
		p.restarted, w.now = true, began.Add(back)
		p.sync()
		p.applied(seq)
	}
	late(w.desk, 5*time.Minute, 20*time.Minute, 65*time.Minute, triage())
	w.foreman.done(id, dispatch("S"))
	w.chief.sync()
	late(w.chief, 23*time.Hour, 25*time.Hour, 26*time.Hour, submit(1, uid("p")))

	question, c := w.asked(disputedTime, id)
	if len(c.GetSides()) < 3 || c.GetPersonId() == uid("S") {
		t.Fatalf("one question about two people's times: %v", c)
	}
	w.decides(w.chief, question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET), ownWork)
	w.decides(w.chief, question, dismiss(), ownWork)
	w.decides(w.phone("M", manager), question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET), 0)
}

// breached lets the server find what is late.
func (w *town) breached(ticket string) {
	w.t.Helper()
	w.write(func(v engine.View) ([]engine.Derived, error) {
		c, err := v.Get("ticket", merge.RecordID(ticket))
		if err != nil {
			return nil, err
		}
		all, _ := deadline.Notice(c.GetRecord().GetTicket().GetDeadlines(), w.now.UnixMicro())
		return []engine.Derived{{RecordID: merge.RecordID(ticket), Edit: &roundsv1.Edit{Fields: []uint32{54}, Record: ticketRecord(&roundsv1.Ticket{Deadlines: all})}}}, nil
	})
}

// deniesWork is labour by which somebody says that they did none of the work.
func (p *phone) deniesWork() *roundsv1.Fact {
	return &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: uid("none of " + string(p.person)), PersonId: string(p.person), None: true}}})}
}

// tries requires what becomes of a command on a ticket: refused with a code, or applied where that is 0.
func (w *town) tries(p *phone, act *roundsv1.TicketCommand, code roundsv1.ProblemCode) {
	w.t.Helper()
	p.sync()
	seq := p.do(w.id, act)
	p.sync()
	if code == 0 {
		p.applied(seq)
		return
	}
	p.refused(seq, code)
}

// TestNamedByAnother: who did the work cannot choose the reviewer by naming the others. They are told, may send it back and ask for more, and approve it once they
// say themselves that they did none of it.
func TestNamedByAnother(t *testing.T) {
	const named = roundsv1.NoticeCode_NOTICE_CODE_NAMED
	for name, names := range map[string]func(*town){
		"labour": func(w *town) { w.x.done(w.id, labour("R")); w.x.done(w.id, labour("S")) },
		"photo": func(w *town) {
			for _, person := range []string{"R", "S"} {
				id := uid("photo as " + person)
				w.x.done(id, shot(w.id, 1, hash(id), func(p *roundsv1.Photo) { p.PersonId = uid(person) }))
				w.looked(w.id, id, stateClean)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			w.inReview()
			names(w)
			w.told(named, w.id, "R", 0)
			w.r.sync()
			w.tries(w.r, w.r.approves(w.id, 1), ownWork)
			w.tries(w.chief, askMore(1), 0)
			w.r.done(w.id, w.r.deniesWork())
			w.r.sync()
			w.tries(w.r, w.r.approves(w.id, 1), 0)
			w.chief.inState(w.id, stateClosed)
			w.y.done(w.id, labour("R")) // nor does another's word take the closure back, against R's
			w.chief.inState(w.id, stateClosed)
			w.r.done(w.id, scanned()) // R's own act does
			w.chief.inState(w.id, stateInReview)

			w = newTown(t, "light")
			w.inReview()
			names(w)
			w.tries(w.r, rejectFor(1, "not_clean"), 0)
			w.chief.inState(w.id, stateRework)
		})
	}
}

// TestDenialOfOwnWork: nobody says to have done none of what an act of theirs shows them to have done, nor that of somebody else.
func TestDenialOfOwnWork(t *testing.T) {
	nobodyDenies := func(w *town) {
		if denied := w.chief.ticket(w.id).GetDisclaimerIds(); len(denied) > 0 {
			t.Errorf("taken at their word: %v", denied)
		}
	}
	w := newTown(t, "light")
	w.inReview()
	w.r.done(w.id, scanned())
	w.r.done(w.id, w.r.deniesWork())
	nobodyDenies(w)
	w.tries(w.r, w.r.approves(w.id, 1), ownWork)
	w.tries(w.r, rejectFor(1, "not_clean"), ownWork)

	w = newTown(t, "light")
	w.inReview()
	w.x.done(w.id, labour("R"))
	w.y.done(w.id, w.r.deniesWork()) // said by Y
	nobodyDenies(w)
	w.r.sync()
	w.tries(w.r, w.r.approves(w.id, 1), ownWork)

	w = newTown(t, "light") // who works after having said so did work
	w.inReview()
	w.r.done(w.id, w.r.deniesWork())
	w.r.done(w.id, scanned())
	w.r.sync()
	w.tries(w.r, w.r.approves(w.id, 1), ownWork)
}

// TestButlerDoesNotMoveIt: whose it is to decide on the work does not follow from where the decider says that it is, once it was reported as done.
func TestButlerDoesNotMoveIt(t *testing.T) {
	w := newTown(t, "light")
	w.write(func(engine.View) ([]engine.Derived, error) {
		var all []engine.Derived
		for place, by := range map[string]string{"B2": "R", "other": "Q"} {
			all = append(all, engine.Derived{RecordID: merge.RecordID(uid(place)), Edit: &roundsv1.Edit{Record: &roundsv1.Record{
				Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Code: place, ButlerIds: []string{uid(by)}}}}}})
		}
		return all, nil
	})
	w.inReview()
	moved := &roundsv1.Edit{Fields: []uint32{5}, Record: ticketRecord(&roundsv1.Ticket{Location: &roundsv1.Location{PlaceId: uid("other"),
		Source: roundsv1.LocationSource_LOCATION_SOURCE_CONFIRMED}})}
	w.q.done(w.id, moved)
	w.q.sync()
	const noRight = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	w.tries(w.q, w.q.approves(w.id, 1), noRight)
	w.tries(w.q, rejectFor(1, "not_clean"), noRight)
	w.chief.done(w.id, moved) // as somebody else has it
	w.q.sync()
	w.tries(w.q, w.q.approves(w.id, 1), 0)
}
