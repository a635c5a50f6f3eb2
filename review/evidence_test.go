package review_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

const (
	photoOfItem = roundsv1.PhotoRole_PHOTO_ROLE_ITEM
	photoAfter  = roundsv1.PhotoRole_PHOTO_ROLE_AFTER
	photoBefore = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE
	clean       = roundsv1.PhotoState_PHOTO_STATE_CLEAN
	doubtful    = roundsv1.PhotoState_PHOTO_STATE_SOFT
	finding     = roundsv1.BulkObstacle_BULK_OBSTACLE_FINDING
	noPhoto     = roundsv1.BulkObstacle_BULK_OBSTACLE_PHOTO
)

func (w *world) itemOf(id string) *roundsv1.ReviewItem {
	w.t.Helper()
	items, _ := w.queue(w.person("boss", manager), 50)
	for _, item := range items {
		if item.GetRow().GetRecordId() == id {
			return item
		}
	}
	w.t.Fatalf("%s is not in the queue", id)
	return nil
}

func shownIDs(item *roundsv1.ReviewItem) []string {
	var all []string
	for _, p := range item.GetPhotos() {
		all = append(all, p.GetPhotoId())
	}
	slices.Sort(all)
	return all
}

func sorted(ids ...string) []string {
	slices.Sort(ids)
	return ids
}

// TestMergedEvidence: work that was reported on a ticket which was merged is shown with the one that it counts for, in the queue, in its rows and in its story; what
// speaks against it is an obstacle there.
func TestMergedEvidence(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	merged := func(name, into string) string {
		w.write(site, made(uid(name), ticket(&roundsv1.Ticket{Title: name, State: roundsv1.TicketState_TICKET_STATE_MERGED, MergedIntoId: uid(into), Round: 1,
			Origin: &roundsv1.Origin{PhotoIds: []string{uid("fault of " + name)}}})),
			made(uid("work of "+name), photo(&roundsv1.Photo{Subject: of("ticket", uid(name)), Round: 1, Role: photoAfter, PersonId: uid("V"), State: doubtful, Sha256: make([]byte, 32)})),
			made(uid("fault of "+name), photo(&roundsv1.Photo{Subject: of("inspection", uid("walk")), Round: 1, Role: photoOfItem, PersonId: uid("I"), State: clean, Sha256: make([]byte, 32)})),
			made(uid("word of "+name), comment(&roundsv1.Comment{Subject: of("ticket", uid(name)), Words: "done there"})))
		return uid(name)
	}
	// t0 went into t1, and that into t2, whose round 1 was done with the photo of t1 alone.
	t2 := w.waiting("t2", 1, func(t *roundsv1.Ticket, p *roundsv1.Photo) {
		t.Round, t.Moves = 1, nil
		t.Completions = []*roundsv1.Completion{{Round: 1, PersonId: uid("V"), TimeUs: 5, PhotoIds: []string{uid("work of t1")}}}
		p.Hidden, p.Round = &roundsv1.Hidden{Reason: "blurred"}, 1
	})
	t1, t0 := merged("t1", "t2"), merged("t0", "t1")

	item := w.itemOf(t2)
	same(t, "the photos", shownIDs(item), sorted(uid("work of t1"), uid("work of t0"), uid("fault of t1"), uid("fault of t0")))
	if !slices.Equal(item.GetObstacles(), []roundsv1.BulkObstacle{finding}) || slices.Contains(item.GetPerformerIds(), uid("I")) || !slices.Contains(item.GetPerformerIds(), uid("V")) {
		t.Errorf("obstacles %v, performers %v", item.GetObstacles(), item.GetPerformerIds())
	}
	if row := item.GetRow(); row.GetPhotos() != 2 || row.GetComments() != 2 || item.GetSummary().GetComments() != 2 {
		t.Errorf("%d photos and %d remarks in the row; 2 and 2 came by way of others", row.GetPhotos(), row.GetComments())
	}
	told := map[string]bool{}
	for _, e := range w.story(boss, &roundsv1.StoryRequest{Record: of("ticket", t2)}) {
		told[e.GetRecord().GetId()] = true
		if foreign := e.GetRecord().GetKind() == "ticket" && e.GetRecord().GetId() != t2; foreign != contains(e.GetSentence().GetEn(), "merged into this one") {
			t.Errorf("the sentence of %v: %v", e.GetRecord(), e.GetSentence())
		}
	}
	for _, one := range []string{t2, t1, t0, uid("work of t1"), uid("work of t0"), uid("word of t1"), uid("word of t0")} {
		if !told[one] {
			t.Errorf("the story does not tell of %s", one)
		}
	}
	items, _ := w.queue(w.person("V", manager), 50)
	same(t, "who photographed the work of a merged ticket is not asked", titles(items), nil)

	// A photographer of the first round is not in the second one's evidence, unless it is said so.
	w.write(site, changed(t2, ticket(&roundsv1.Ticket{Round: 2, Moves: []*roundsv1.Move{{Round: 2, TimeUs: w.now.UnixMicro() + 5, State: roundsv1.TicketState_TICKET_STATE_REWORK}},
		Completions: []*roundsv1.Completion{{Round: 2, PersonId: uid("V"), TimeUs: 5, PhotoIds: []string{uid("work of t0")}}}}), 41, 46, 53))
	same(t, "in round 2", shownIDs(w.itemOf(t2)), sorted(uid("work of t0"), uid("fault of t1"), uid("fault of t0")))

	// The merger is undone.
	w.write(site, changed(t1, ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_TRIAGED}), 40))
	if row := w.itemOf(t2).GetRow(); row.GetComments() != 0 || row.GetPhotos() != 1 {
		t.Errorf("when it stands by itself again: %d photos, %d remarks", row.GetPhotos(), row.GetComments())
	}
}

// TestMergedInCircles: two tickets that were merged into each other, however that came, hang nobody up.
func TestMergedInCircles(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	for _, one := range [][2]string{{"a", "b"}, {"b", "a"}, {"c", "c"}} {
		w.write(site, made(uid(one[0]), ticket(&roundsv1.Ticket{Title: one[0], State: roundsv1.TicketState_TICKET_STATE_MERGED, MergedIntoId: uid(one[1])})))
		w.write(site, made(uid("word "+one[0]), comment(&roundsv1.Comment{Subject: of("ticket", uid(one[0])), Words: "x"})))
	}
	resp, err := w.service.ListTickets(t.Context(), boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range resp.GetRows() {
		want := uint32(2)
		if row.GetRecordId() == uid("c") {
			want = 1
		}
		if row.GetComments() != want {
			t.Errorf("%s has %d remarks", row.GetRecord().GetTicket().GetTitle(), row.GetComments())
		}
	}
}

// TestReturnedRound: a photo of an answer of the first walk that still counts is before the reviewer of the second.
func TestReturnedRound(t *testing.T) {
	w := newWorld(t)
	id := uid("walk")
	w.write(site, made(id, inspection(&roundsv1.Inspection{Title: "walk", State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, Round: 2, InspectorId: uid("I"),
		Answers: map[string]*roundsv1.Answer{"door": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, PhotoIds: []string{uid("door")}}}})),
		made(uid("door"), photo(&roundsv1.Photo{Subject: of("inspection", id), Round: 1, Role: photoOfItem, ItemId: "door", PersonId: uid("I"), State: doubtful, Sha256: make([]byte, 32)})),
		made(uid("old"), photo(&roundsv1.Photo{Subject: of("inspection", id), Round: 1, Role: photoOfItem, ItemId: "lamp", State: clean, Sha256: make([]byte, 32)})))
	item := w.itemOf(id)
	same(t, "photos", shownIDs(item), []string{uid("door")})
	if !slices.Equal(item.GetObstacles(), []roundsv1.BulkObstacle{finding}) || len(item.GetDigest()) != 32 {
		t.Errorf("obstacles %v, digest %x", item.GetObstacles(), item.GetDigest())
	}
}

// TestWhatCountsIsShown: whatever a ticket or a round names as its evidence, wherever that stands, all that the digest covers is before the reviewer, what is found
// about anything that is shown is an obstacle, and so is what is not there.
func TestWhatCountsIsShown(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 4))
		w := newWorld(t)
		var photos []string
		states := []roundsv1.PhotoState{0, clean, clean, clean, clean, doubtful, roundsv1.PhotoState_PHOTO_STATE_HARD, roundsv1.PhotoState_PHOTO_STATE_STORED}
		subjects := []*roundsv1.RecordRef{of("ticket", uid("here")), of("ticket", uid("merged")), of("ticket", uid("elsewhere")), of("inspection", uid("round"))}
		records := map[string]*roundsv1.Photo{}
		for i := range 12 {
			id := uid(fmt.Sprint("photo ", i))
			photos = append(photos, id)
			if random.IntN(8) == 0 {
				continue // promised, and not here
			}
			p := &roundsv1.Photo{Subject: subjects[random.IntN(len(subjects))], Round: 1 + random.Uint32N(2), Role: roundsv1.PhotoRole(1 + random.IntN(3)), PersonId: uid("W"),
				Sha256: make([]byte, 32), State: states[random.IntN(len(states))], Report: &roundsv1.PhotoReport{}}
			if random.IntN(8) == 0 {
				p.Report.Findings = []*roundsv1.Finding{{Severity: roundsv1.Severity(1 + random.IntN(3))}}
			}
			if random.IntN(8) == 0 {
				p.Hidden = &roundsv1.Hidden{Reason: "r"}
			}
			records[id] = p
			w.write(site, made(id, photo(p)))
		}
		some := func() (ids []string) {
			for range random.IntN(3) {
				ids = append(ids, photos[random.IntN(len(photos))])
			}
			return ids
		}
		answers := func() map[string]*roundsv1.Answer {
			return map[string]*roundsv1.Answer{"a": {PhotoIds: some()}, "b": {PhotoIds: append(some(), "no id")[:random.IntN(2)]}}
		}
		round := 1 + random.Uint32N(2)
		w.write(site,
			made(uid("here"), ticket(&roundsv1.Ticket{State: pending, Round: round, AssigneeId: uid("W"), Answers: answers(), ShownPhotoIds: some(), Origin: &roundsv1.Origin{PhotoIds: some()},
				Completions: []*roundsv1.Completion{{Round: 1, PhotoIds: some()}, {Round: 2, PhotoIds: some(), Late: true}}})),
			made(uid("merged"), ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_MERGED, MergedIntoId: uid("here"), Round: 1})),
			made(uid("elsewhere"), ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED, Round: 1})),
			made(uid("round"), inspection(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, Round: round, Answers: answers(), ShownPhotoIds: some()})))
		for _, id := range []string{uid("here"), uid("round")} {
			item := w.itemOf(id)
			kind := "ticket"
			if id == uid("round") {
				kind = "inspection"
			}
			change, err := w.engine.Record(t.Context(), site, merge.Kind(kind), merge.RecordID(id))
			if err != nil {
				t.Fatal(err)
			}
			shown := shownIDs(item)
			wantFinding, wantPhoto := false, false
			for _, one := range work.ShownPhotos(change) {
				if !slices.Contains(shown, one) {
					t.Errorf("seed %d: %s covers %s, which nobody is shown", seed, kind, one)
				}
				p := records[one]
				wantPhoto = wantPhoto || p == nil || p.GetHidden() != nil || p.GetState() == 0 || p.GetState() == roundsv1.PhotoState_PHOTO_STATE_STORED
			}
			for i, one := range shown {
				p := records[one]
				if i > 0 && shown[i-1] == one {
					t.Errorf("seed %d: %s is shown twice", seed, one)
				}
				wantFinding = wantFinding || p.GetState() == doubtful || p.GetState() == roundsv1.PhotoState_PHOTO_STATE_HARD ||
					slices.ContainsFunc(p.GetReport().GetFindings(), func(f *roundsv1.Finding) bool { return f.GetSeverity() >= roundsv1.Severity_SEVERITY_SOFT })
			}
			if slices.Contains(item.GetObstacles(), finding) != wantFinding || wantPhoto && !slices.Contains(item.GetObstacles(), noPhoto) {
				t.Errorf("seed %d: %s with %v: a finding %v, something missing %v", seed, kind, item.GetObstacles(), wantFinding, wantPhoto)
			}
		}
		w.service.Close()
	}
}

// TestManyPhotos: of more photos than an item has room for, those that the decision rests on come first, and it is not one for bulk.
func TestManyPhotos(t *testing.T) {
	w := newWorld(t)
	listed := uid("listed")
	id := w.waiting("many", 1, func(t *roundsv1.Ticket, _ *roundsv1.Photo) { t.Completions[1].PhotoIds = []string{listed} })
	for i := range 300 {
		w.write(site, made(uid(fmt.Sprint("p", i)), photo(&roundsv1.Photo{Subject: of("ticket", id), Round: 2, Role: photoBefore, State: clean, Sha256: make([]byte, 32)})))
	}
	w.pass(time.Second)
	w.write(site, made(listed, photo(&roundsv1.Photo{Subject: of("ticket", id), Round: 2, Role: photoAfter, State: clean, Sha256: make([]byte, 32)})))
	item := w.itemOf(id)
	if shown := shownIDs(item); !item.GetMorePhotos() || len(shown) != 256 || !slices.Contains(shown, listed) || !slices.Equal(item.GetObstacles(), []roundsv1.BulkObstacle{noPhoto}) {
		t.Errorf("%d photos, more %v, obstacles %v", len(item.GetPhotos()), item.GetMorePhotos(), item.GetObstacles())
	}
}
