package work_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// TestClosure is P9 over random shifts: whatever people with and without signal do, a ticket is closed only with its evidence verified and by who did none of the
// work, by two people who did none, or by its tasks.
func TestClosure(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(16) {
		w := &closure{town: newTown(t, "light"), rand: rand.New(rand.NewPCG(seed, 9)), seed: seed, seen: seen}
		w.people = []*phone{w.x, w.y, w.foreman, w.desk, w.chief, w.r, w.q, w.second("R's second", "R", butler), w.second("S's second", "S", supervisor)}
		second := uid("second ticket")
		w.tickets = []string{w.id, second, string(work.TaskID(merge.RecordID(second), 0, "light")), string(work.TaskID(merge.RecordID(second), 1, "tiles"))}
		w.report(second, "tiles")
		if seed%2 == 0 {
			w.desk.done(second, split("light", "tiles"))
			w.tickets = w.tickets[2:]
			w.all()
		}
		for range 90 {
			w.step()
		}
		for _, p := range w.people {
			p.sync()
		}
		w.holds()
	}
	for _, want := range []string{"closed", "forced", "by tasks", "reopened"} {
		if seen[want] == 0 {
			t.Errorf("no ticket was ever %s: the walk shows nothing; %v", want, seen)
		}
	}
}

type closure struct {
	*town
	rand    *rand.Rand
	seed    uint64
	people  []*phone
	tickets []string
	photos  int
	seen    map[string]int
}

func one[T any](w *closure, of ...T) T { return of[w.rand.IntN(len(of))] }

// step lets somebody do something, and often sync; and the server look at photos.
func (w *closure) step() {
	p, id := one(w, w.people...), one(w, w.tickets...)
	t := p.replica[id].GetRecord().GetTicket()
	if t == nil {
		p.sync()
		return
	}
	w.now = w.now.Add(time.Duration(w.rand.IntN(600)) * time.Second)
	likely := map[roundsv1.TicketState][]string{
		stateTriaged: {"dispatch", "dispatch", "dispatch", "split"}, stateDispatched: {"start", "accept", "done", "dispatch"},
		roundsv1.TicketState_TICKET_STATE_ACCEPTED: {"start", "done"}, stateInProgress: {"done", "done", "pause", "labour"}, statePaused: {"resume", "force", "forced"},
		stateDone: {"look", "look", "look", "look", "look", "look", "force", "forced", "labour"}, stateInReview: {"approve", "approve", "approve", "reject", "ask", "done"}, stateRework: {"start", "done"},
		stateClosed: {"idle", "idle", "idle", "idle", "idle", "labour", "photo", "reopen", "dispute", "done", "reject", "approve"},
	}[t.GetState()]
	act := one(w, "labour", "photo", "answer", "done", "approve", "reject", "force", "cancel", "merge", "look")
	if len(likely) > 0 && w.rand.IntN(6) > 0 {
		act = one(w, likely...)
	}
	// Mostly by who may.
	if who := map[string][]*phone{"dispatch": {w.foreman, w.desk}, "split": {w.desk}, "approve": {w.r, w.q, w.chief}, "reject": {w.r, w.q}, "ask": {w.r}, "force": {w.chief, w.r, w.people[8]},
		"reopen": {w.chief}}[act]; len(who) > 0 && w.rand.IntN(5) > 0 {
		p = one(w, who...)
	}
	if slices.Contains([]string{"start", "accept", "done", "pause", "resume"}, act) && w.rand.IntN(4) > 0 {
		for _, q := range []*phone{w.x, w.y} {
			if t.GetAssigneeId() == string(q.person) {
				p = q
			}
		}
	}
	if t = p.replica[id].GetRecord().GetTicket(); t == nil {
		p.sync()
		return
	}
	w.act(p, id, act, t)
	if w.rand.IntN(3) > 0 {
		p.sync()
		w.holds()
	}
}

func (w *closure) act(p *phone, id, act string, t *roundsv1.Ticket) {
	round := max(1, t.GetRound())
	other := one(w, "X", "Y", "R", "F")
	switch act {
	case "dispatch":
		p.do(id, dispatch(other))
	case "accept":
		p.do(id, accept(t.GetAssignEpoch()))
	case "start":
		p.do(id, start())
	case "pause":
		p.do(id, pauseFor("other", nil))
	case "resume":
		p.do(id, resume())
	case "labour":
		p.do(id, labour(other))
	case "answer":
		p.do(id, answered("lamp", one(w, pass, fail)))
	case "photo":
		w.photos++
		p.do(uid(fmt.Sprint("photo ", w.photos)), shot(id, round, hash(fmt.Sprint(w.photos))))
	case "done":
		w.photos++
		photo := uid(fmt.Sprint("photo ", w.photos))
		p.do(photo, shot(id, round, hash(fmt.Sprint(w.photos))))
		p.do(id, submit(round, photo))
	case "approve":
		p.do(id, one(w, p.approves(id, round), approve(round), approve(max(1, round-1))))
	case "reject":
		p.do(id, rejectFor(round, "not_clean"))
	case "ask":
		p.do(id, askMore(round))
	case "force":
		p.do(id, forceClose(one(w, "R", "S", "F")))
	case "forced":
		w.chief.sync()
		w.chief.do(id, forceClose("R"))
		w.chief.sync()
		w.r.sync()
		w.r.do(id, forceClose("S"))
		w.r.sync()
	case "cancel":
		p.do(id, cancel())
	case "merge":
		p.do(id, mergeInto(one(w, w.tickets...)))
	case "split":
		p.do(id, split("light", "tiles"))
	case "reopen":
		p.do(id, reopen(round))
	case "dispute":
		p.do(id, dispute(round))
	case "look":
		w.look()
	}
}

// look lets the server find something about a photo that is here.
func (w *closure) look() {
	w.chief.sync()
	for n := range w.photos {
		photo := uid(fmt.Sprint("photo ", n+1))
		have := w.chief.replica[photo].GetRecord().GetPhoto()
		if have == nil || have.GetState() != 0 {
			continue
		}
		id := have.GetSubject().GetId()
		if end := w.chief.replica[id].GetRecord().GetTicket(); end.GetState() == stateMerged {
			id = end.GetMergedIntoId()
		}
		w.looked(id, photo, one(w, stateClean, stateClean, stateClean, stateClean, stateClean, stateSoft, stateSoft, roundsv1.PhotoState_PHOTO_STATE_HARD))
	}
}

// holds looks at every ticket that is closed.
func (w *closure) holds() {
	w.t.Helper()
	w.chief.sync()
	record := func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		return w.chief.replica[string(id)], nil
	}
	for _, id := range []string{w.id, uid("second ticket"), string(work.TaskID(merge.RecordID(uid("second ticket")), 0, "light")), string(work.TaskID(merge.RecordID(uid("second ticket")), 1, "tiles"))} {
		c := w.chief.replica[id]
		t := c.GetRecord().GetTicket()
		if t.GetRound() > 1 {
			w.seen["reopened"]++
		}
		if t.GetState() != stateClosed {
			continue
		}
		if why := w.unearned(t, record); why != "" {
			w.t.Fatalf("seed %d: ticket %s is closed %s\n%v", w.seed, id, why, t)
		}
	}
}

// unearned says why a ticket should not be closed; "" where it should.
func (w *closure) unearned(t *roundsv1.Ticket, record func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) string {
	get := func(id string) *roundsv1.Record { c, _ := record("", merge.RecordID(id)); return c.GetRecord() }
	if slices.Contains(t.GetFlags(), "closed_by_tasks") {
		w.seen["by tasks"]++
		done := false
		for _, child := range t.GetChildIds() {
			switch get(child).GetTicket().GetState() {
			case stateClosed:
				done = true
			case stateCancelled, stateMerged:
			default:
				return "while a task is open"
			}
		}
		if !done {
			return "and no task was done"
		}
		return ""
	}
	worked := []string{t.GetAssigneeId()}
	for _, l := range t.GetLabour() {
		worked = append(worked, l.GetPersonId())
	}
	for _, done := range t.GetCompletions() {
		worked = append(worked, done.GetPersonId())
	}
	approvers := slices.Compact(slices.Sorted(slices.Values(t.GetApproverIds())))
	forced := slices.Contains(t.GetFlags(), "forced")
	if forced {
		w.seen["forced"]++
		if len(approvers) < 2 {
			return "by force, and not by two"
		}
		if slices.Contains(t.GetFlags(), "self_approval") {
			return "" // somebody is asked
		}
	}
	if len(approvers) == 0 {
		return "by nobody"
	}
	for _, by := range approvers {
		if slices.Contains(worked, by) || slices.Contains(t.GetPerformerIds(), by) {
			return "by who did some of the work: " + by
		}
	}
	if forced {
		return ""
	}
	w.seen["closed"]++
	sound := 0
	for _, done := range t.GetCompletions() {
		if done.GetRound() != t.GetRound() || done.GetLate() {
			continue
		}
		for _, id := range done.GetPhotoIds() {
			switch photo := get(id).GetPhoto(); {
			case photo.GetState() != stateClean && photo.GetState() != stateSoft:
				return "with a photo that is " + photo.GetState().String()
			default:
				sound++
			}
		}
	}
	if sound == 0 {
		return "without a photo"
	}
	return ""
}

// TestDigest: it follows what a decision rests on, and nothing else; and does not depend on order.
func TestDigest(t *testing.T) {
	a, b := uid("a"), uid("b")
	photos := map[string]*roundsv1.Photo{a: proof(stateClean, hash("a")), b: proof(stateSoft, hash("b"))}
	ticket := &roundsv1.Ticket{State: stateInReview, Round: 2, Title: "t", Completions: []*roundsv1.Completion{{Round: 1, PersonId: "o", PhotoIds: []string{"x"}},
		{Round: 2, PersonId: "p", PhotoIds: []string{a, b}}, {Round: 2, PersonId: "q"}},
		Answers: map[string]*roundsv1.Answer{"dry": {Result: pass}, "bar": {Reading: ptr(5.0), PhotoIds: []string{uid("c")}}}}
	sum := func(ticket *roundsv1.Ticket, photos map[string]*roundsv1.Photo) string {
		got, err := work.Digest(change(ticketRecord(ticket)), photosOf(photos))
		if err != nil || len(got) != 32 {
			t.Fatal(got, err)
		}
		return string(got)
	}
	clone := func(change func(*roundsv1.Ticket)) *roundsv1.Ticket {
		c := proto.CloneOf(ticket)
		change(c)
		return c
	}
	base := sum(ticket, photos)
	for name, same := range map[string]func(*roundsv1.Ticket){
		"title":             func(t *roundsv1.Ticket) { t.Title, t.Notes, t.Tags = "u", "n", []string{"x"} },
		"labour":            func(t *roundsv1.Ticket) { t.Labour = []*roundsv1.Labour{{Id: "l"}} },
		"flags and reviews": func(t *roundsv1.Ticket) { t.Flags, t.Reviews = []string{"late"}, []*roundsv1.Review{{Round: 2}} },
		"another round":     func(t *roundsv1.Ticket) { t.Completions[0].PhotoIds = []string{"y"} },
		"order": func(t *roundsv1.Ticket) {
			slices.Reverse(t.Completions)
			slices.Reverse(t.Completions[1].PhotoIds)
		},
		"accepted": func(t *roundsv1.Ticket) { t.Acceptance = roundsv1.Acceptance_ACCEPTANCE_ACCEPTED },
	} {
		if sum(clone(same), photos) != base {
			t.Errorf("%s changes it", name)
		}
	}
	digests := map[string]string{base: "base"}
	if got := work.ShownPhotos(change(ticketRecord(clone(func(t *roundsv1.Ticket) {
		t.ShownPhotoIds, t.Origin = []string{"before", b}, &roundsv1.Origin{PhotoIds: []string{"origin"}}
	})))); !slices.Equal(got, slices.Sorted(slices.Values([]string{a, b, uid("c"), "before", "origin"}))) {
		t.Errorf("shown: %v", got)
	}
	differs := func(name, got string) {
		if other, known := digests[got]; known {
			t.Errorf("%s is the same as %s", name, other)
		}
		digests[got] = name
	}
	for name, other := range map[string]func(*roundsv1.Ticket){
		"round":         func(t *roundsv1.Ticket) { t.Round = 1 },
		"a photo more":  func(t *roundsv1.Ticket) { t.Completions[2].PhotoIds = []string{uid("d")} },
		"another's":     func(t *roundsv1.Ticket) { t.Completions[1].PersonId = "r" },
		"late":          func(t *roundsv1.Ticket) { t.Completions[2].Late = true },
		"a fail":        func(t *roundsv1.Ticket) { t.Answers["dry"] = &roundsv1.Answer{Result: fail} },
		"a reading":     func(t *roundsv1.Ticket) { t.Answers["bar"].Reading = ptr(6.0) },
		"a note":        func(t *roundsv1.Ticket) { t.Answers["dry"].Note = "n" },
		"another item":  func(t *roundsv1.Ticket) { t.Answers["oil"] = &roundsv1.Answer{} },
		"disputed":      func(t *roundsv1.Ticket) { t.Acceptance = roundsv1.Acceptance_ACCEPTANCE_DISPUTED },
		"answer photos": func(t *roundsv1.Ticket) { t.Answers["bar"].PhotoIds = nil },
	} {
		differs(name, sum(clone(other), photos))
	}
	for name, other := range map[string]*roundsv1.Photo{
		"gone": nil, "hard": proof(roundsv1.PhotoState_PHOTO_STATE_HARD, hash("a")), "bytes": proof(stateClean, hash("z")),
		"hidden": proof(stateClean, hash("a"), func(p *roundsv1.Photo) { p.Hidden = &roundsv1.Hidden{Reason: "x"} }),
		"found": proof(stateClean, hash("a"), func(p *roundsv1.Photo) {
			p.Report = &roundsv1.PhotoReport{Findings: []*roundsv1.Finding{{Code: 7, Severity: roundsv1.Severity_SEVERITY_SOFT}}}
		}),
	} {
		differs(name, sum(ticket, map[string]*roundsv1.Photo{a: other, b: photos[b]}))
	}
	noted := proof(stateClean, hash("a"), func(p *roundsv1.Photo) {
		p.Report = &roundsv1.PhotoReport{Findings: []*roundsv1.Finding{{Code: 7, Severity: roundsv1.Severity_SEVERITY_NOTE}}, WidthPx: 3}
	})
	if sum(ticket, map[string]*roundsv1.Photo{a: noted, b: photos[b]}) != base {
		t.Error("a note changes it")
	}
	if _, err := work.Digest(change(ticketRecord(ticket)), func(merge.Kind, merge.RecordID) (*roundsv1.Change, error) { return nil, engineError() }); err == nil {
		t.Error("a look-up failed, and nobody heard")
	}
}

func engineError() error { return &engine.Error{Kind: engine.Internal} }
