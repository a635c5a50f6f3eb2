package review_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// waiting is a ticket of worker W under review, with a photo of the finished work.
func (w *world) waiting(name string, due int64, change ...func(*roundsv1.Ticket, *roundsv1.Photo)) string {
	w.t.Helper()
	id := uid(name)
	t := &roundsv1.Ticket{Title: name, State: pending, Round: 2, AssigneeId: uid("W"), ReportedTimeUs: 1, Moves: []*roundsv1.Move{
		{State: roundsv1.TicketState_TICKET_STATE_IN_PROGRESS, TimeUs: 10, Round: 2}, {State: roundsv1.TicketState_TICKET_STATE_PAUSED, TimeUs: 40, Round: 2, Late: true},
		{State: roundsv1.TicketState_TICKET_STATE_IN_PROGRESS, TimeUs: 60, Round: 2}, {State: roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE, TimeUs: 65, Round: 2},
		{State: pending, TimeUs: 70, Round: 2}},
		Completions: []*roundsv1.Completion{{Round: 1, PersonId: uid("V"), TimeUs: 5}, {Round: 2, PersonId: uid("W"), TimeUs: 65, PhotoIds: []string{uid(name + " after")}}}}
	if due != 0 {
		t.Deadlines = []*roundsv1.Deadline{{Step: roundsv1.Step_STEP_REVIEW, Round: 2, DueUs: due, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN},
			{Step: roundsv1.Step_STEP_FINISH, Round: 2, DueUs: 1, DoneUs: 1, State: roundsv1.DeadlineState_DEADLINE_STATE_MET}}
	}
	p := &roundsv1.Photo{Subject: of("ticket", id), Round: 2, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, PersonId: uid("W"), Sha256: make([]byte, 32),
		State: roundsv1.PhotoState_PHOTO_STATE_CLEAN, Preview: []byte("small"), Report: &roundsv1.PhotoReport{}}
	for _, f := range change {
		f(t, p)
	}
	w.write(site, made(id, ticket(t)), made(uid(name+" after"), photo(p)))
	return id
}

func (w *world) queue(caller engine.Caller, size uint32) (items []*roundsv1.ReviewItem, names map[string]*roundsv1.Text) {
	w.t.Helper()
	req := &roundsv1.ReviewQueueRequest{Scopes: []string{string(site)}, PageSize: size}
	for {
		resp, err := w.service.ReviewQueue(w.t.Context(), caller, req)
		if err != nil {
			w.t.Fatal(err)
		}
		items, names = append(items, resp.GetItems()...), resp.GetNames()
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			if int(resp.GetTotal()) != len(items) {
				w.t.Fatalf("a total of %d, and %d items", resp.GetTotal(), len(items))
			}
			return items, names
		}
	}
}

func titles(items []*roundsv1.ReviewItem) []string {
	var all []string
	for _, item := range items {
		r := item.GetRow().GetRecord()
		all = append(all, r.GetTicket().GetTitle()+r.GetInspection().GetTitle())
	}
	return all
}

// TestQueue: the earliest deadline first; nobody is shown own work, nor what the role may not confirm; and the evidence is there.
func TestQueue(t *testing.T) {
	w := newWorld(t, func(c *review.Config) {
		c.Digest = func(record *roundsv1.Change, lookup review.Lookup) ([]byte, error) {
			return []byte(record.GetRecord().GetTicket().GetTitle()), nil
		}
	})
	now := w.now.UnixMicro()
	w.write(site, made(uid("W"), staff("王师傅")))
	first := w.waiting("first", now-1)
	w.waiting("third", 0)
	w.waiting("second", now+5)
	w.waiting("own", now+1, func(t *roundsv1.Ticket, _ *roundsv1.Photo) { t.CrewIds = []string{uid("boss")} })
	w.waiting("own photo", now+2, func(_ *roundsv1.Ticket, p *roundsv1.Photo) { p.PersonId = uid("boss") })
	w.waiting("performed", now+2, func(t *roundsv1.Ticket, _ *roundsv1.Photo) { t.PerformerIds = []string{uid("boss")} })
	w.waiting("closed", now-9, func(t *roundsv1.Ticket, _ *roundsv1.Photo) { t.State = roundsv1.TicketState_TICKET_STATE_CLOSED })
	w.write(site, made(uid("round"), inspection(&roundsv1.Inspection{Title: "round", State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW,
		Round: 1, WindowEndUs: now + 7, InspectorId: uid("W")})),
		made(uid("own round"), inspection(&roundsv1.Inspection{Title: "own round", State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW,
			Round: 1, WindowEndUs: now + 7, InspectorId: uid("boss")})))
	w.write(site, made(uid("before"), photo(&roundsv1.Photo{Subject: of("ticket", first), Round: 1, Role: roundsv1.PhotoRole_PHOTO_ROLE_BEFORE, PersonId: uid("V")})),
		made(uid("old after"), photo(&roundsv1.Photo{Subject: of("ticket", first), Round: 1, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER})),
		made(uid("hidden"), photo(&roundsv1.Photo{Subject: of("ticket", first), Round: 2, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Hidden: &roundsv1.Hidden{Reason: "r"}})),
		made(uid("said"), comment(&roundsv1.Comment{Subject: of("ticket", first), Words: "done"})))

	boss := w.person("boss", manager)
	items, _ := w.queue(boss, 2)
	same(t, "the manager's queue", titles(items), []string{"first", "second", "round", "third"})
	item := items[0]
	var photos []string
	for _, p := range item.GetPhotos() {
		photos = append(photos, p.GetPhotoId())
		if len(p.GetPhoto().GetPreview()) > 0 || p.GetTakenUs() == 0 || p.GetCapturedUs() == 0 {
			t.Errorf("photo %v", p)
		}
	}
	same(t, "photos: before, then after", photos, []string{uid("before"), uid("first after")})
	same(t, "performers", item.GetPerformerIds(), []string{min(uid("V"), uid("W")), max(uid("V"), uid("W"))})
	want := &roundsv1.ReviewSummary{WorkedUs: 35, PausedUs: 20, LateMoves: 1, ReadyUs: 70, DoneUs: 65, Comments: 1, Finish: roundsv1.DeadlineState_DEADLINE_STATE_MET}
	if !proto.Equal(item.GetSummary(), want) {
		t.Errorf("summary %v", item.GetSummary())
	}
	if string(item.GetDigest()) != "first" || !item.GetRow().GetOverdue() || item.GetRow().GetDueUs() != now-1 || item.GetRound() != 2 || len(item.GetObstacles()) > 0 {
		t.Errorf("item %v", item)
	}
	if _, names := w.queue(boss, 50); names[uid("W")].GetZh() != "王师傅" {
		t.Errorf("names %v", names)
	}

	items, _ = w.queue(w.person("butler", butler), 50)
	same(t, "a butler confirms no rounds", titles(items), []string{"first", "own", "own photo", "performed", "second", "third"})
	items, _ = w.queue(w.person("foreman", foreman), 50)
	same(t, "a foreman confirms nothing", titles(items), nil)
	items, _ = w.queue(w.person("W", supervisor), 50)
	same(t, "who did all of it confirms nothing of it", titles(items), []string{"own round"})
}

// TestObstacles: what has to be looked at by itself says why.
func TestObstacles(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	type change = func(*roundsv1.Ticket, *roundsv1.Photo)
	for i, one := range []struct {
		want   roundsv1.BulkObstacle
		change change
	}{
		{0, func(*roundsv1.Ticket, *roundsv1.Photo) {}},
		{roundsv1.BulkObstacle_BULK_OBSTACLE_FLAG, func(t *roundsv1.Ticket, _ *roundsv1.Photo) { t.Flags = []string{"late"} }},
		{roundsv1.BulkObstacle_BULK_OBSTACLE_FINDING, func(_ *roundsv1.Ticket, p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_SOFT }},
		{roundsv1.BulkObstacle_BULK_OBSTACLE_FINDING, func(_ *roundsv1.Ticket, p *roundsv1.Photo) {
			p.Report.Findings = []*roundsv1.Finding{{Severity: roundsv1.Severity_SEVERITY_SOFT}}
		}},
		{0, func(_ *roundsv1.Ticket, p *roundsv1.Photo) {
			p.Report.Findings = []*roundsv1.Finding{{Severity: roundsv1.Severity_SEVERITY_NOTE}}
		}},
		{roundsv1.BulkObstacle_BULK_OBSTACLE_PHOTO, func(_ *roundsv1.Ticket, p *roundsv1.Photo) { p.State = roundsv1.PhotoState_PHOTO_STATE_STORED }},
		{roundsv1.BulkObstacle_BULK_OBSTACLE_FAILED_ITEM, func(t *roundsv1.Ticket, _ *roundsv1.Photo) {
			t.Answers = map[string]*roundsv1.Answer{"a": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL}}
		}},
		{roundsv1.BulkObstacle_BULK_OBSTACLE_DISSENT, func(t *roundsv1.Ticket, _ *roundsv1.Photo) {
			t.Reviews = []*roundsv1.Review{{Round: 2, Verdict: roundsv1.Verdict_VERDICT_ASKED}}
		}},
		{0, func(t *roundsv1.Ticket, _ *roundsv1.Photo) {
			t.Reviews = []*roundsv1.Review{{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED}}
		}},
	} {
		w.waiting(fmt.Sprintf("%02d", i), int64(i+1), one.change)
		items, _ := w.queue(boss, 50)
		var want []roundsv1.BulkObstacle
		if one.want != 0 {
			want = append(want, one.want)
		}
		if got := items[i].GetObstacles(); !slices.Equal(got, want) {
			t.Errorf("%d: %v, not %v", i, got, want)
		}
	}
	// Of a question also the other side.
	w.write(site, made(uid("q"), conflict(&roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, Subject: of("ticket", uid("elsewhere")),
		Sides: []*roundsv1.Side{{Record: of("ticket", uid("00"))}}})))
	items, _ := w.queue(boss, 50)
	if got := items[0]; !slices.Equal(got.GetObstacles(), []roundsv1.BulkObstacle{roundsv1.BulkObstacle_BULK_OBSTACLE_QUESTION}) ||
		!slices.Equal(got.GetQuestionIds(), []string{uid("q")}) {
		t.Errorf("a question: %v", got)
	}
	w.write(site, changed(uid("q"), conflict(&roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED}), 40))
	if items, _ = w.queue(boss, 50); len(items[0].GetObstacles()) > 0 || len(items[0].GetQuestionIds()) > 0 {
		t.Errorf("after it was decided: %v", items[0])
	}
}

// approve confirms a ticket as it stands; with a digest that the rules would make, unless another is given.
func approve(t *testing.T, w *world, id string, digest string) *roundsv1.DeskAct {
	t.Helper()
	change, err := w.engine.Record(t.Context(), site, "ticket", merge.RecordID(id))
	if err != nil {
		t.Fatal(err)
	}
	if digest == "" {
		seen, err := work.Digest(change, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
			return w.engine.Record(t.Context(), site, kind, id)
		})
		if err != nil {
			t.Fatal(err)
		}
		digest = string(seen)
	}
	w.acts++
	return &roundsv1.DeskAct{ActId: uid(fmt.Sprint("act ", w.acts)), Scope: string(site), RecordId: id, Base: change.GetVersion(),
		Act: &roundsv1.DeskAct_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{
			Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: 2, ReviewDigest: []byte(digest)}}}}}}}
}

// TestDecide: each act has its own result, twice is once, and in bulk what has to be looked at is refused and nothing of it done.
func TestDecide(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	sound, flagged := w.waiting("sound", 1), w.waiting("flagged", 2, func(t *roundsv1.Ticket, _ *roundsv1.Photo) { t.Flags = []string{"late"} })
	own := w.waiting("own", 3, func(t *roundsv1.Ticket, _ *roundsv1.Photo) { t.AssigneeId = uid("boss") })
	w.pass(time.Minute)
	stranger := approve(t, w, sound, "")
	stranger.Scope = "site/" + uid("nowhere")
	malformed := approve(t, w, sound, "")
	malformed.ActId = "no id"
	acts := []*roundsv1.DeskAct{approve(t, w, sound, ""), approve(t, w, flagged, ""), approve(t, w, own, ""), stranger, malformed}
	var before [2]*roundsv1.DecideResponse
	for again := range before {
		resp, err := w.service.Decide(t.Context(), boss, &roundsv1.DecideRequest{Acts: acts})
		if err != nil {
			t.Fatal(err)
		}
		before[again] = resp
		r := resp.GetResults()
		if got := r[0].GetOutcome().GetStatus(); got != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			t.Errorf("a sound one: %v", r[0])
		}
		if r[1].GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STATE || r[1].GetProblem().GetFacts()["obstacles"] != "flag" ||
			!slices.Equal(r[1].GetObstacles(), []roundsv1.BulkObstacle{roundsv1.BulkObstacle_BULK_OBSTACLE_FLAG}) {
			t.Errorf("a flagged one: %v", r[1])
		}
		if r[2].GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED {
			t.Errorf("own work: %v", r[2])
		}
		if r[3].GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("a foreign scope: %v", r[3])
		}
		if r[4].GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD {
			t.Errorf("no id: %v", r[4])
		}
		for i, act := range acts {
			if r[i].GetActId() != act.GetActId() {
				t.Errorf("result %d is of %q", i, r[i].GetActId())
			}
		}
	}
	if !proto.Equal(before[0], before[1]) {
		t.Errorf("the second time:\n%v\nnot\n%v", before[1], before[0])
	}
	if c, _ := w.engine.Record(t.Context(), site, "ticket", merge.RecordID(flagged)); c.GetRecord().GetTicket().GetState() != pending {
		t.Error("the flagged one was closed")
	}
	resp, err := w.service.Decide(t.Context(), boss, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{approve(t, w, flagged, "")}})
	if err != nil || resp.GetResults()[0].GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		t.Errorf("the flagged one by itself: %v, %v", resp, err)
	}
	items, _ := w.queue(boss, 50)
	same(t, "what is left", titles(items), nil)
}

// TestBulkDigest: in bulk an approval without a digest is one that has to be made by itself, and one of older evidence is told so.
func TestBulkDigest(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	a, b := w.waiting("a", 1), w.waiting("b", 2)
	w.pass(time.Minute)
	blind := approve(t, w, a, "none")
	blind.GetCommand().GetTicket().GetApprove().ReviewDigest = nil
	resp, err := w.service.Decide(t.Context(), boss, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{blind, approve(t, w, b, "older")}})
	if err != nil {
		t.Fatal(err)
	}
	if r := resp.GetResults()[0]; !slices.Equal(r.GetObstacles(), []roundsv1.BulkObstacle{roundsv1.BulkObstacle_BULK_OBSTACLE_NO_DIGEST}) {
		t.Errorf("no digest: %v", r)
	}
	if r := resp.GetResults()[1]; r.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST {
		t.Errorf("an older digest: %v", r)
	}
	if items, _ := w.queue(boss, 50); len(items) != 2 {
		t.Errorf("%d of 2 still wait", len(items))
	}
}

// walked is an inspection round under review.
func (w *world) walked(name string) string {
	id := uid(name)
	w.write(site, made(id, inspection(&roundsv1.Inspection{Title: name, State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, Round: 1, InspectorId: uid("I"),
		Answers: map[string]*roundsv1.Answer{"door": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, PhotoIds: []string{uid(name + " door")}}}})),
		made(uid(name+" door"), photo(&roundsv1.Photo{Subject: of("inspection", id), Round: 1, Role: photoOfItem, ItemId: "door", PersonId: uid("I"), State: clean, Sha256: make([]byte, 32)})))
	return id
}

// TestBulkDigestOfRounds: rounds are approved together as tickets are: with the digest of what stands in the queue, and with no other.
func TestBulkDigestOfRounds(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", supervisor)
	a, b, c := w.walked("a"), w.walked("b"), w.walked("c")
	w.pass(time.Minute)
	var acts []*roundsv1.DeskAct
	for i, id := range []string{a, b, c} {
		item := w.itemOf(id)
		digest := item.GetDigest()
		if len(digest) != 32 || len(item.GetPhotos()) != 1 || len(item.GetObstacles()) > 0 {
			t.Fatalf("item %v", item)
		}
		if i == 0 {
			digest = nil
		}
		acts = append(acts, &roundsv1.DeskAct{ActId: uid("act " + id), Scope: string(site), RecordId: id, Base: item.GetRow().GetVersion(), Act: &roundsv1.DeskAct_Command{
			Command: &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{
				Approve: &roundsv1.InspectionApprove{Round: 1, ReviewDigest: digest}}}}}}})
	}
	w.write(site, changed(b, inspection(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"door": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Note: "after all"}}}), 7))
	resp, err := w.service.Decide(t.Context(), boss, &roundsv1.DecideRequest{Acts: acts})
	if err != nil {
		t.Fatal(err)
	}
	r := resp.GetResults()
	if !slices.Equal(r[0].GetObstacles(), []roundsv1.BulkObstacle{roundsv1.BulkObstacle_BULK_OBSTACLE_NO_DIGEST}) {
		t.Errorf("no digest: %v", r[0])
	}
	if p := r[1].GetProblem(); p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST || p.GetField() != "command.inspection.approve.review_digest" {
		t.Errorf("an older digest: %v", r[1])
	}
	if r[2].GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		t.Errorf("the digest of what is shown: %v", r[2])
	}
	items, _ := w.queue(boss, 50)
	same(t, "what still waits", sorted(titles(items)...), []string{"a", "b"})
}

// TestDecideUnseen: an approval of evidence that nobody was shown is refused at a desk, too, whatever version it says was seen.
func TestDecideUnseen(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	a := w.waiting("a", 1)
	for _, base := range []uint64{0, 1, 99999} {
		w.pass(time.Minute)
		unseen := approve(t, w, a, strings.Repeat("7", 32))
		unseen.Base = base
		resp, err := w.service.Decide(t.Context(), boss, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{unseen}})
		if err != nil {
			t.Fatal(err)
		}
		if r := resp.GetResults()[0]; r.GetOutcome().GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST {
			t.Errorf("base %d: %v", base, r)
		}
	}
	if items, _ := w.queue(boss, 50); len(items) != 1 {
		t.Errorf("%d of 1 still wait", len(items))
	}
}
