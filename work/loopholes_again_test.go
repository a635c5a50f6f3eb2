package work_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/tag"
)

// reviewed has X walk the round, with two items answered, and the server verify it; before is done once the round runs, and after once it waits for a decision.
func (p *patrol) reviewed(before, after func()) {
	p.t.Helper()
	p.x.done(p.id, walk("start"))
	if before != nil {
		before()
	}
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3)}))
	p.x.done(p.id, walk("submit"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	if after != nil {
		after()
	}
}

// decidesNot requires that a phone may neither approve the round nor send it back.
func (p *patrol) decidesNot(by *phone) {
	p.t.Helper()
	by.sync()
	acts := []uint64{by.do(p.id, by.approvesWalk(p.id)), by.do(p.id, walk("return"))}
	by.sync()
	for _, act := range acts {
		by.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
	}
}

// itemShot is a promised photo of an item of a round.
func itemShot(round string, changes ...func(*roundsv1.Photo)) *roundsv1.Fact {
	p := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: round}, Role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM, SizeBytes: 9}
	for _, change := range changes {
		change(p)
	}
	return &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: p}}}
}

// TestAnswersThatWereReplaced: who worked on a round is remembered for good, also when somebody else gave every answer anew, or the round is walked again by another.
func TestAnswersThatWereReplaced(t *testing.T) {
	photo := uid("by S")
	for name, some := range map[string]struct{ before, after func(*patrol) }{
		"an answer": {before: func(p *patrol) { p.chief.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, "")})) }},
		"the creation's answer": {before: func(p *patrol) {
			p.chief.done(p.id, &roundsv1.Fact{Record: round(&roundsv1.Inspection{ChecklistId: uid("list"), Answers: map[string]*roundsv1.Answer{"gutter": answer(pass, "")}})})
		}},
		"a photo of an answer": {before: func(p *patrol) {
			p.chief.done(photo, itemShot(p.id, func(p *roundsv1.Photo) { p.Role = roundsv1.PhotoRole_PHOTO_ROLE_UNSPECIFIED }))
			p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", photo)}))
		}},
		"a photo that came after its answer": {before: func(p *patrol) {
			p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", photo)}))
			p.x.done(photo, itemShot(p.id, func(p *roundsv1.Photo) { p.Role, p.PersonId = roundsv1.PhotoRole_PHOTO_ROLE_UNSPECIFIED, uid("S") }))
		}},
		"a photo of an item":      {before: func(p *patrol) { p.chief.done(photo, itemShot(p.id)) }},
		"a late photo of an item": {after: func(p *patrol) { p.chief.done(photo, itemShot(p.id)) }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatrol(t, 7, &roundsv1.Inspection{})
			act := func(f func(*patrol)) func() {
				if f == nil {
					return nil
				}
				return func() { f(p) }
			}
			p.reviewed(act(some.before), act(some.after))
			p.decidesNot(p.chief)
			if got := p.round().GetPerformerIds(); !slices.Contains(got, uid("S")) || !slices.Contains(got, uid("X")) {
				t.Fatalf("%v", got)
			}
			other := p.phone("T", supervisor)
			other.done(p.id, other.approvesWalk(p.id))
		})
	}
}

// TestWhoWalkedAnEarlierRound does not decide on a later one, which somebody else began.
func TestWhoWalkedAnEarlierRound(t *testing.T) {
	p := newPatrol(t, 7, &roundsv1.Inspection{})
	p.chief.done(p.id, walk("start"))
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RETURNED}, 40)
	p.reviewed(nil, nil)
	p.decidesNot(p.chief)
}

// TestInventedWalkersHideNobody: photos name who took them at anybody's word. Who acts is noted all the same; and where there is no room nobody decides.
func TestInventedWalkersHideNobody(t *testing.T) {
	p := newPatrol(t, 7, &roundsv1.Inspection{})
	for n := range 40 {
		p.x.do(uid(fmt.Sprint("photo ", n)), itemShot(p.id, func(p *roundsv1.Photo) { p.PersonId = uid(fmt.Sprint("invented ", n)) }))
	}
	p.x.sync()
	p.reviewed(func() { p.chief.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, "")})) }, nil)
	if got := p.round().GetPerformerIds(); len(got) > 34 {
		t.Fatalf("%d", len(got))
	}
	p.decidesNot(p.chief)
	var all []string
	for n := range 64 {
		all = append(all, uid(fmt.Sprint("walker ", n)))
	}
	p.force(&roundsv1.Inspection{PerformerIds: all}, 55)
	p.y.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, "")}))
	other := p.phone("T", supervisor)
	p.decidesNot(other)
	if got := p.round().GetPerformerIds(); !slices.Equal(got, all) {
		t.Fatalf("%v", got)
	}
}

// TestPhotoBeforeItsTicket: who photographed finished work is known to have worked once the ticket is here, whatever came first.
func TestPhotoBeforeItsTicket(t *testing.T) {
	for name, some := range map[string]struct {
		by   func(*town) *phone
		shot func(*roundsv1.Photo)
		not  bool
	}{
		"finished work":     {by: func(w *town) *phone { return w.r }},
		"an item":           {by: func(w *town) *phone { return w.r }, shot: func(p *roundsv1.Photo) { p.Role = roundsv1.PhotoRole_PHOTO_ROLE_ITEM }},
		"named":             {by: func(w *town) *phone { return w.x }, shot: func(p *roundsv1.Photo) { p.PersonId = uid("R") }},
		"from before, only": {by: func(w *town) *phone { return w.r }, shot: asBefore, not: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, "light")
			late := uid("late ticket")
			for n := range 2 { // the second changes nothing
				w.y.done(uid(fmt.Sprint("of somebody else ", n)), shot(late, 1))
			}
			photo := shot(late, 1)
			if some.shot != nil {
				some.shot(photo.GetRecord().GetPhoto())
			}
			some.by(w).done(uid("early"), photo)
			w.report(late, "light")
			performers := w.chief.ticket(late).GetPerformerIds()
			if slices.Contains(performers, uid("R")) == some.not || !slices.Contains(performers, uid("Y")) {
				t.Fatalf("performers %v", performers)
			}
			w.told(roundsv1.NoticeCode_NOTICE_CODE_EARLY_PHOTO, late, "Y", 0)
			w.foreman.done(late, dispatch("X"))
			w.x.sync()
			w.x.done(late, start())
			w.finished(w.x, late, 1)
			w.r.sync()
			act := w.r.do(late, w.r.approves(late, 1))
			w.r.sync()
			if some.not {
				w.r.applied(act)
				return
			}
			w.r.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK)
			w.q.sync()
			w.q.done(late, w.q.approves(late, 1))
		})
	}
}

// TestPhotoBeforeItsTask: the same of a task that a ticket is split into, and of a round.
func TestPhotoBeforeItsTask(t *testing.T) {
	w := newTown(t, "flood")
	task := work.TaskID(merge.RecordID(w.id), 0, "light")
	w.r.done(uid("early"), shot(string(task), 1))
	w.desk.sync()
	w.desk.done(w.id, split("light"))
	if got := w.chief.ticket(string(task)).GetPerformerIds(); !slices.Equal(got, []string{uid("R")}) {
		t.Fatalf("%v", got)
	}
	p := newPatrol(t, 7, &roundsv1.Inspection{})
	p.id = uid("late round")
	p.chief.done(uid("early"), itemShot(p.id))
	p.lead.done(p.id, &roundsv1.Edit{Record: round(&roundsv1.Inspection{ChecklistId: uid("list")})})
	p.lead.done(p.id, walk("release"))
	p.reviewed(nil, nil)
	p.decidesNot(p.chief)
}

// TestCreationSentAgain: whoever made a ticket may send that once more, with another category: what is shown, and what is asked for, belong together.
func TestCreationSentAgain(t *testing.T) {
	made := func(category string) *roundsv1.Record {
		return ticketRecord(&roundsv1.Ticket{Title: "fault", CategoryId: category, Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})
	}
	for name, act := range map[string]func(string) any{
		"edit": func(category string) any { return &roundsv1.Edit{Record: made(category)} },
		"fact": func(category string) any {
			f := &roundsv1.Fact{Record: made(category)}
			f.Record.GetTicket().Channel = roundsv1.Channel_CHANNEL_BUTLER // facts make a record by what is fixed of it
			return f
		},
	} {
		for _, first := range []string{"light", ""} {
			t.Run(name+" "+first, func(t *testing.T) {
				w := newTown(t, "light")
				mine := uid("mine")
				again := w.second("X's second", "X", worker)
				w.x.done(mine, act(first))
				again.do(mine, act("pump")) // it never saw the first
				again.sync()
				got := w.chief.ticket(mine)
				if shown := got.GetCategoryId(); shown != "pump" || got.GetRequirements().GetCategoryId() != shown || got.GetRequirements().GetAfterPhotos() != 2 {
					t.Fatalf("%q is shown, and asked for is %v", shown, got.GetRequirements())
				}
				// Of a higher role the category stays, and what is asked with it.
				w.desk.sync()
				w.desk.done(mine, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: "tiles"}}})
				third := w.second("X's third", "X", worker)
				third.do(mine, act("pump"))
				third.sync()
				if got := w.chief.ticket(mine); got.GetRequirements().GetCategoryId() != got.GetCategoryId() {
					t.Fatalf("%q is shown, and asked for is %v", got.GetCategoryId(), got.GetRequirements())
				}
			})
		}
	}
}

// newest is an organisation that publishes versions of its checklist while rounds are out.
type newest struct {
	library
	version *uint32
}

func (n newest) Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist {
	return library{*n.version}.Checklist(scope, series, version)
}

func (newest) TagKeys(store.Scope) tag.Keys { return tag.Keys{siteKey()} }

// TestRoundMadeAgain: once a round is released it is walked with the version that was pinned, whatever its creation says that comes once more, and whenever that was made.
func TestRoundMadeAgain(t *testing.T) {
	for name, again := range map[string]func(*roundsv1.Inspection) any{
		"edit": func(i *roundsv1.Inspection) any { return &roundsv1.Edit{Record: round(i)} },
		"fact": func(i *roundsv1.Inspection) any { return &roundsv1.Fact{Record: round(i)} },
	} {
		t.Run(name, func(t *testing.T) {
			version := uint32(8)
			reference := newest{library{8}, &version}
			s := newSiteOf(t, work.Config{Reference: reference, Tags: reference})
			p := &patrol{site: s, id: uid("round"), x: s.phone("X", worker), y: s.phone("Y", worker), chief: s.phone("S", supervisor), lead: s.phone("F", foreman)}
			basement := s.second("F's second", "F", foreman)
			made := &roundsv1.Inspection{ChecklistId: uid("list"), ChecklistVersion: 7, Answers: map[string]*roundsv1.Answer{"pressure": measured(3)}}
			other := proto.CloneOf(made)
			other.ChecklistId = uid("another list")
			basement.do(p.id, again(made)) // before the release, and it comes after
			basement.do(p.id, again(other))
			p.lead.done(p.id, &roundsv1.Edit{Record: round(&roundsv1.Inspection{ChecklistId: uid("list")})})
			p.lead.done(p.id, walk("release"))
			version = 9
			basement.sync()
			if got := p.round(); got.GetChecklistVersion() != 8 || got.GetChecklistId() != uid("list") {
				t.Fatalf("version %d of %q", got.GetChecklistVersion(), got.GetChecklistId())
			}
			p.x.sync()
			p.x.done(p.id, walk("start"))
			p.y.sync()
			p.y.do(p.id, again(made))
			p.y.sync()
			if got := p.round(); got.GetChecklistVersion() != 8 || got.GetChecklistId() != uid("list") {
				t.Fatalf("version %d of %q", got.GetChecklistVersion(), got.GetChecklistId())
			}
		})
	}
}

// TestApproveBesideAReopenedTask: a ticket that was split is not approved while one of its tasks is open again.
func TestApproveBesideAReopenedTask(t *testing.T) {
	w := newTown(t, "flood")
	w.x.done(w.id, start())
	w.desk.sync()
	w.desk.done(w.id, split("light"))
	task := w.desk.ticket(w.id).GetChildIds()[0]
	w.foreman.sync()
	w.foreman.done(task, dispatch("Y"))
	w.y.sync()
	w.finished(w.y, task, 1)
	w.r.sync()
	w.r.done(task, w.r.approves(task, 1))
	w.finished(w.x, w.id, 1)
	w.chief.inState(w.id, stateInReview)
	w.chief.done(task, reopen(1))
	w.q.sync()
	act := w.q.do(w.id, w.q.approves(w.id, 1))
	w.q.sync()
	w.q.refused(act, roundsv1.ProblemCode_PROBLEM_CODE_STATE)
	w.chief.inState(w.id, stateInReview)
	w.foreman.sync()
	w.foreman.done(task, dispatch("Y"))
	w.y.sync()
	w.finished(w.y, task, 2)
	w.r.sync()
	w.r.done(task, w.r.approves(task, 2))
	w.q.sync()
	w.q.done(w.id, w.q.approves(w.id, 1))
	w.chief.inState(w.id, stateClosed)
}

// TestWhoNeverHadIt: a ticket that was dispatched twice to one person has no former assignee, and nobody else reports it as done, however old what they saw is.
func TestWhoNeverHadIt(t *testing.T) {
	w := newTown(t, "light")
	photo := uid("by Y")
	acts := []uint64{w.y.do(photo, shot(w.id, 1, hash(photo))), w.y.do(w.id, submit(1, photo))}
	w.foreman.done(w.id, dispatch("X"))
	w.y.sync()
	w.y.applied(acts[0])
	w.y.refused(acts[1], roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
	if got := w.chief.inState(w.id, stateDispatched); got.GetAssignEpoch() != 2 || got.GetAssigneeId() != uid("X") || len(got.GetCompletions()) != 0 {
		t.Fatalf("%v", got)
	}
}
