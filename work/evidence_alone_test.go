package work_test

import (
	"math"
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// TestTakenAgain: what counts as taken again is a photo of the finished work of this round, in sight, with a proof of its place, from after it was asked for: each thing
// that is otherwise is refused alone.
func TestTakenAgain(t *testing.T) {
	a, b, c := uid("a"), uid("b"), uid("c")
	const gps, tag, none = roundsv1.LocationSource_LOCATION_SOURCE_GPS, roundsv1.LocationSource_LOCATION_SOURCE_TAG, roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX
	const said = roundsv1.LocationSource_LOCATION_SOURCE_CONFIRMED
	at := func(l *roundsv1.Location) func(*roundsv1.Photo) { return func(p *roundsv1.Photo) { p.Location = l } }
	asked := func(us int64, reason string, verdict roundsv1.Verdict) *roundsv1.Review {
		return &roundsv1.Review{Round: 1, Verdict: verdict, Reason: reason, TimeUs: us}
	}
	const ask, no = roundsv1.Verdict_VERDICT_ASKED, roundsv1.Verdict_VERDICT_APPROVED
	placed := at(&roundsv1.Location{Source: tag})
	again := asked(5, "retake", ask) // photos are of 7
	scan := &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: 7, DeviceId: "another", TimeUs: 7}, Elements: []*roundsv1.ElementKey{{Field: 22, Key: uid("scan")}}}
	for _, test := range []struct {
		name    string
		reviews []*roundsv1.Review
		scan    *roundsv1.Write
		photo   []func(*roundsv1.Photo)
		code    roundsv1.ProblemCode
	}{
		{"at the tag", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){placed}, 0},
		{"with a fix", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps, AccuracyM: 5})}, 0},
		{"with a rough fix", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps, AccuracyM: 200})}, 0},
		{"with one that does not say how rough", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps})}, 0},
		{"with one that does not say where", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps, AccuracyM: 201})}, codeMissing},
		{"with one that is no number", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps, AccuracyM: float32(math.NaN())})}, codeMissing},
		{"such a one, and the tag was scanned since", []*roundsv1.Review{again}, scan, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps, AccuracyM: 900})}, 0},
		{"by somebody's word", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: said, AccuracyM: 900})}, 0},
		{"with a fix that another program made up", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps, AccuracyM: 5, Mocked: true})}, codeMissing},
		{"such a one, and the tag was scanned", []*roundsv1.Review{again}, scan, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: gps, Mocked: true})}, 0},
		{"without a fix", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: none})}, codeMissing},
		{"without a fix, and the tag was scanned", []*roundsv1.Review{again}, scan, []func(*roundsv1.Photo){at(&roundsv1.Location{Source: none})}, 0},
		{"of before the work", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){placed, asBefore}, codeMissing},
		{"out of sight", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){placed, func(p *roundsv1.Photo) { p.Hidden = &roundsv1.Hidden{Reason: "a face"} }}, codeMissing},
		{"a drawing on one", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){placed, func(p *roundsv1.Photo) { p.AnnotationOfId = a }}, codeMissing},
		{"of another round", []*roundsv1.Review{again}, nil, []func(*roundsv1.Photo){placed, func(p *roundsv1.Photo) { p.Round = 2 }}, codeMissing},
		{"from before it was asked for", []*roundsv1.Review{asked(7, "retake", ask)}, nil, []func(*roundsv1.Photo){placed}, codeMissing},
		{"where more was asked since, of another kind", []*roundsv1.Review{again, asked(9, "", ask)}, nil, []func(*roundsv1.Photo){placed}, 0},
		{"where somebody decided since", []*roundsv1.Review{again, asked(9, "retake", no)}, nil, []func(*roundsv1.Photo){placed}, 0},
	} {
		ticket := pumpTicket(func(t *roundsv1.Ticket) {
			t.State, t.Flags, t.Reviews = stateDone, []string{"retake"}, test.reviews
			t.Completions = []*roundsv1.Completion{{Round: 1, PersonId: uid("me"), PhotoIds: []string{a, b}}}
		})
		of := guard(ticket, submit(1, a, b, c), map[string]*roundsv1.Record{a: photoRecord(1, hash("a")), b: photoRecord(1, hash("b")), c: photoRecord(1, test.photo...)})
		if test.scan != nil {
			of.Current.Writes = append(of.Current.GetWrites(), test.scan)
		}
		judged(t, test.name, of, test.code, nil)
	}
}

// TestPhotosOfTheRoundBefore: what was listed in the round before, and has not come, counts for nothing in this one.
func TestPhotosOfTheRoundBefore(t *testing.T) {
	a, b := uid("a"), uid("b")
	ticket := func(t *roundsv1.Ticket) {
		t.Round, t.Completions = 2, []*roundsv1.Completion{{Round: 1, PersonId: uid("me"), PhotoIds: []string{a, b}}}
	}
	judged(t, "none of this round", guard(pumpTicket(ticket), submit(2), nil), codeMissing, map[string]string{"required": "2", "have": "0"})
	judged(t, "two of this round", guard(pumpTicket(ticket), submit(2, uid("c"), uid("d")), nil), 0, nil)
}

// TestLookedInTheRoundBefore: who looked when the evidence of the round before was complete did not look at that of this one.
func TestLookedInTheRoundBefore(t *testing.T) {
	for found, want := range map[uint64]roundsv1.ProblemCode{3: 0, 6: roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST, 7: roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST} {
		older := approve(2)
		older.GetApprove().ReviewDigest = []byte("of what was there before")
		c := stands(older, stateInReview, false, func(t *roundsv1.Ticket) {
			t.Moves = []*roundsv1.Move{{State: stateInReview, Round: 1, TimeUs: 2, FoundVersion: 2}, {State: stateInReview, Round: 2, TimeUs: 3, FoundVersion: found}}
		})()
		if v := plainRules().Judge(c); v.Problem.GetCode() != want {
			t.Errorf("looked at 6, complete at %d: %v", found, v.Problem)
		}
	}
}

// TestObjectsToAnApproval: a closure is objected to where somebody approved the round, and in its time; to the last moment of it.
func TestObjectsToAnApproval(t *testing.T) {
	at := time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)
	closed := func(t *roundsv1.Ticket) {
		t.ApproverIds, t.ClosedTimeUs = []string{uid("first")}, at.Add(-24*time.Hour).UnixMicro()
		t.Reviews = []*roundsv1.Review{{Round: 2, PersonId: uid("first"), Verdict: roundsv1.Verdict_VERDICT_APPROVED}}
	}
	alone{"reject (12)", stands(reject(2), stateClosed, false, closed), []but{
		{"a moment later", func(c *engine.Case) { c.Time = c.Time.Add(time.Microsecond) }, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"nobody is named who approved it", of(func(t *roundsv1.Ticket) { t.ApproverIds = nil }), roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"the round before was approved", of(func(t *roundsv1.Ticket) { t.Reviews[0].Round = 1 }), roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"it was closed by force", of(func(t *roundsv1.Ticket) { t.Flags = []string{"forced"} }), roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"its tasks closed it", of(func(t *roundsv1.Ticket) { t.Flags = []string{"closed_by_tasks"} }), roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
		{"it was sent back", of(func(t *roundsv1.Ticket) { t.Reviews[0].Verdict = roundsv1.Verdict_VERDICT_REJECTED }), roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED},
	}}.holds(t, plainRules())
}

// TestSplitBesideACancelledTask: a task that was cancelled proves nothing: one of those that go on asks for what the ticket asks for.
func TestSplitBesideACancelledTask(t *testing.T) {
	for state, want := range map[roundsv1.TicketState]roundsv1.ProblemCode{stateTriaged: 0, stateCancelled: codeMissing} {
		task := ticketRecord(&roundsv1.Ticket{State: state, Requirements: pumpTicket().GetRequirements()})
		c := guard(pumpTicket(func(t *roundsv1.Ticket) { t.ChildIds = []string{uid("task")} }), split("words"), map[string]*roundsv1.Record{uid("task"): task})
		judged(t, "beside one that is "+state.String(), c, want, nil)
	}
}

// TestCrowdedTicket: where so many are named that nobody can say who worked a supervisor decides, and nobody where there is no room for more; who works gets in, in the
// place of one who is known by other words.
func TestCrowdedTicket(t *testing.T) {
	const ownWork = roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK
	as := func(role roundsv1.Role, people int) engine.Case {
		c := stands(approve(2), stateInReview, true, func(t *roundsv1.Ticket) { t.PerformerIds = crowdOf(people) })()
		c.Roles = []roundsv1.Role{role}
		return c
	}
	for _, test := range []struct {
		role   roundsv1.Role
		people int
		want   roundsv1.ProblemCode
	}{{butler, 31, 0}, {butler, 32, ownWork}, {supervisor, 32, 0}, {supervisor, 63, 0}, {supervisor, 64, ownWork}, {manager, 64, ownWork}} {
		if v := plainRules().Judge(as(test.role, test.people)); v.Problem.GetCode() != test.want {
			t.Errorf("%v, of %d: %v", test.role, test.people, v.Problem)
		}
	}
	for people, known := range map[int]bool{31: false, 32: false, 63: false, 64: true} {
		c := stands(start(), stateInProgress, true, func(t *roundsv1.Ticket) {
			t.AssigneeId, t.PerformerIds = uid("me"), crowdOf(people)
			if known {
				t.Completions = []*roundsv1.Completion{{Round: 1, PersonId: t.GetPerformerIds()[5]}}
			}
		})()
		c.Mutation = mutation(uid("record"), labour("me")) // one's own
		v := plainRules().Judge(c)
		got := after(t, c, v.Effect).GetTicket().GetPerformerIds()
		if v.Problem != nil || !slices.Contains(got, uid("me")) || len(got) != min(people+1, 64) || known && slices.Contains(got, crowdOf(6)[5]) {
			t.Errorf("of %d: %d, %v", people, len(got), v.Problem)
		}
	}
}

// TestAskedInWords: what a reviewer asks for stands on record with its words and what it points at.
func TestAskedInWords(t *testing.T) {
	c := stands(askMore(2), stateInReview, true)()
	c.Mutation.GetCommand().GetTicket().GetAsk().Words = "from nearer"
	v := work.New(work.Config{Reference: office{}}).Judge(c)
	reviews := after(t, c, v.Effect).GetTicket().GetReviews()
	if v.Problem != nil || len(reviews) != 1 || reviews[0].GetVerdict() != roundsv1.Verdict_VERDICT_ASKED || reviews[0].GetWords() != "from nearer" {
		t.Fatalf("%v %v", reviews, v.Problem)
	}
}
