package evidence_test

import (
	"context"
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

const (
	stateStored   = roundsv1.PhotoState_PHOTO_STATE_STORED
	stateDeclared = roundsv1.PhotoState_PHOTO_STATE_DECLARED
	stateClean    = roundsv1.PhotoState_PHOTO_STATE_CLEAN
	stateSoft     = roundsv1.PhotoState_PHOTO_STATE_SOFT
	stateHard     = roundsv1.PhotoState_PHOTO_STATE_HARD
	stateRedacted = roundsv1.PhotoState_PHOTO_STATE_REDACTED
	inReview      = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	pending       = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
)

func (w *world) found(id, code string) bool { return slices.Contains(w.photo(id).GetFindings(), code) }

// waitFinding has the worker run until a photo has a finding, or has it no longer.
func (w *world) waitFinding(id, code string, has bool) {
	w.t.Helper()
	w.until(func() bool { return w.found(id, code) == has })
}

// TestRefusedImage: what is no image is HARD, says why, and keeps its ticket where it is until a leader hides it and another proves the work.
func TestRefusedImage(t *testing.T) {
	w := newWorld(t)
	li, boss := w.phone("li", worker), w.phone("boss", dispatcher, manager)
	content := large(1)
	bad := li.promise(content)
	li.upload(site, content)
	w.done("ticket", "", bad)
	w.settled(bad)
	if p := w.photo(bad); p.GetState() != stateHard || !w.found(bad, "UNDECODABLE") || len(p.GetReport().GetFindings()) == 0 ||
		p.GetReport().GetFindings()[0].GetSentence().GetZh() == "" {
		t.Fatalf("%v %v", p.GetState(), p.GetReport())
	}
	if got := w.ticket("ticket").GetState(); got != pending {
		t.Fatalf("the ticket is %v", got)
	}
	good := image(2, drawn.After)
	second := li.promise(good)
	li.upload(site, good)
	li.submit("ticket", second)
	w.settled(second)
	if got := w.ticket("ticket").GetState(); got != pending {
		t.Fatalf("with a hard photo the ticket is %v", got)
	}
	boss.do(site, bad, &roundsv1.Edit{Fields: []uint32{16}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{
		Photo: &roundsv1.Photo{Hidden: &roundsv1.Hidden{Reason: "no image"}}}}})
	w.work(func() { w.until(func() bool { return w.ticket("ticket").GetState() == inReview }) })
}

// TestCompletionAfterPhotos: all photos were clean before the work was submitted; the ticket moves all the same, and one that needs no photo too.
func TestCompletionAfterPhotos(t *testing.T) {
	w := newWorld(t)
	li, boss := w.phone("li", worker), w.phone("boss", dispatcher, manager)
	admins := w.phone("admin", admin)
	for name, after := range map[string]uint32{"invoice": 0, "tiles": 2} {
		admins.do(orgScope, uid(name), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{AfterPhotos: after}}}})
	}
	content := image(3, drawn.After)
	id := li.promise(content)
	li.upload(site, content)
	w.settled(id)
	w.work(func() {
		w.done("ticket", "", id)
		w.until(func() bool { return w.ticket("ticket").GetState() == inReview })
		w.done("question", uid("invoice"))
		w.until(func() bool { return w.ticket("question").GetState() == inReview })
	})
	// Two are asked for: one does not do, the second does.
	first, second := image(4, drawn.After), image(5, drawn.After)
	a, b := li.promise(first, of("floor")), li.promise(second, of("floor"))
	li.upload(site, first)
	w.prepared("floor", uid("tiles"), boss, li)
	li.submit("floor", a)
	w.settled(a)
	if got := w.ticket("floor").GetState(); got != pending {
		t.Fatalf("with one photo of two: %v", got)
	}
	w.work(func() {
		li.submit("floor", b)
		li.upload(site, second)
		w.until(func() bool { return w.ticket("floor").GetState() == inReview })
	})
}

// TestReused: the same bytes on another ticket make the later photo hard; the earlier one, which was clean, is looked at again and keeps what it was.
func TestReused(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	content := image(6, drawn.After)
	first := li.promise(content, of("a"))
	li.upload(site, content)
	w.settled(first)
	if w.found(first, "REUSED") {
		t.Fatal("reused alone")
	}
	second := li.promise(content, of("b"))
	if got := li.plan(site, content)[0].GetStored(); got == nil {
		t.Fatal("not stored")
	}
	w.work(func() {
		w.waitFinding(second, "REUSED", true)
		w.waitFinding(first, "REUSED", true)
	})
	if w.photo(first).GetState() == stateHard || w.photo(second).GetState() != stateHard {
		t.Fatalf("%v %v", w.photo(first).GetState(), w.photo(second).GetState())
	}
	// On another site of the same person too, both ways.
	content = image(60, drawn.After)
	here := li.promise(content, of("c"))
	li.upload(site, content)
	w.settled(here)
	there := li.promiseIn(farSite, content, of("d"))
	if sent := li.upload(farSite, content); sent != 0 {
		t.Errorf("the same device sent the same bytes again: %d parts", sent)
	}
	w.work(func() {
		w.until(func() bool { return slices.Contains(w.photoIn(farSite, there).GetFindings(), "REUSED") })
		w.waitFinding(here, "REUSED", true)
	})
}

// TestNoChangeLater: the photo from before the work arrives after the one of the finished work, which is then looked at again.
func TestNoChangeLater(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	before := func(p *roundsv1.Photo) { p.Role = roundsv1.PhotoRole_PHOTO_ROLE_BEFORE }
	same := drawn.Photo(7, drawn.Tiles, drawn.Options{WidthPx: 320, Shot: 7, Quality: 90})
	again := drawn.Photo(7, drawn.Tiles, drawn.Options{WidthPx: 320, Shot: 7, Quality: 80})
	first := li.promise(again, before)
	after := li.promise(same)
	li.upload(site, same)
	w.settled(after)
	if w.found(after, "NO_CHANGE") {
		t.Fatal("compared with a promise")
	}
	li.upload(site, again)
	w.work(func() { w.waitFinding(after, "NO_CHANGE", true) })
	if w.photo(after).GetState() != stateSoft || w.found(first, "NO_CHANGE") {
		t.Fatalf("%v, %v", w.photo(after).GetState(), w.photo(first).GetFindings())
	}
}

// TestNearDuplicate: a photo that looks like an older one of other work is named; also where the older one's bytes came later, and after a restart.
func TestNearDuplicate(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	first := drawn.Photo(8, drawn.Door, drawn.Options{WidthPx: 320, Shot: 8, Quality: 90})
	again := drawn.Photo(8, drawn.Door, drawn.Options{WidthPx: 320, Shot: 8, Quality: 60})
	older, younger := li.promise(first, of("a")), li.promise(again, of("b"))
	li.upload(site, again)
	w.settled(younger)
	if w.found(younger, "NEAR_DUPLICATE") {
		t.Fatal("compared with a promise")
	}
	w.start() // its memory of how photos look is gone
	li.upload(site, first)
	w.work(func() { w.waitFinding(younger, "NEAR_DUPLICATE", true) })
	if w.found(older, "NEAR_DUPLICATE") {
		t.Fatal("the older one was called the copy")
	}
	for _, f := range w.photo(younger).GetReport().GetFindings() {
		if f.GetCode() == roundsv1.CheckCode_CHECK_CODE_NEAR_DUPLICATE && f.GetOtherPhotoId() != older {
			t.Fatalf("compared with %s", f.GetOtherPhotoId())
		}
	}
}

// TestGap: a number that never came is found, and the finding goes when it comes. A device that begins above 1, as after it was enrolled anew, has no gap.
func TestGap(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	number := func(n uint64) func(*roundsv1.Photo) { return func(p *roundsv1.Photo) { p.CaptureNumber = n } }
	one, two, three := image(9, drawn.After), image(10, drawn.After), image(11, drawn.After)
	li.promiseIn(farSite, two, number(2)) // devices count by site
	first := li.promise(one, number(1))
	third := li.promise(three, number(3))
	li.upload(site, three)
	w.settled(third)
	if !w.found(third, "GAP") {
		t.Fatalf("%v", w.photo(third).GetFindings())
	}
	w.work(func() {
		second := li.promise(two, number(2)) // its bytes may come much later
		w.waitFinding(third, "GAP", false)
		li.upload(site, two)
		w.waitSettled(second)
		if w.found(second, "GAP") {
			t.Fatal("the first photo was missed")
		}
	})
	li.upload(site, one)
	w.settled(first)
	again := w.phone("li again", worker)
	later := again.promise(image(12, drawn.After), number(7))
	again.upload(site, image(12, drawn.After))
	w.settled(later)
	if w.found(first, "GAP") || w.found(later, "GAP") {
		t.Fatalf("%v %v", w.photo(first).GetFindings(), w.photo(later).GetFindings())
	}
}

// TestLiveCamera: what the category demands, and the site's own thresholds.
func TestPolicy(t *testing.T) {
	w := newWorld(t)
	li, admins := w.phone("li", worker), w.phone("admin", admin)
	admins.do(orgScope, uid("live"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{LiveCamera: true}}}})
	gallery := func(p *roundsv1.Photo) { p.Source = roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY }
	number := func(p *roundsv1.Photo) { p.CaptureNumber = 4 }
	admins.do(site, uid("the site"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{
		Policy: map[string]string{"photo.gap.allowed": "2"}}}}})
	content := image(12, drawn.After)
	li.promise(image(14, drawn.After), func(p *roundsv1.Photo) { p.CaptureNumber = 1 })
	id := li.promise(content, gallery, number)
	w.done("ticket", uid("live"), id)
	li.upload(site, content)
	w.settled(id)
	if !w.found(id, "NOT_CAMERA") || w.found(id, "GAP") {
		t.Fatalf("%v", w.photo(id).GetFindings())
	}
}

// TestLiveCameraAsPinned: what was asked of the crew counts, whatever the category asks meanwhile.
func TestLiveCameraAsPinned(t *testing.T) {
	for _, asked := range []bool{true, false} {
		w := newWorld(t)
		li, admins := w.phone("li", worker), w.phone("admin", admin)
		admins.do(orgScope, uid("lamp"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{LiveCamera: !asked}}}})
		content := image(12, drawn.After)
		id := li.promise(content, func(p *roundsv1.Photo) { p.Source = roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY })
		w.done("ticket", uid("lamp"), id)
		pinned := &roundsv1.Ticket{Requirements: &roundsv1.Requirements{CategoryId: uid("lamp"), AfterPhotos: 1, LiveCamera: asked}}
		if err := w.engine.Write(context.Background(), site, func(engine.View) ([]engine.Derived, error) {
			return []engine.Derived{{RecordID: merge.RecordID(uid("ticket")), Edit: &roundsv1.Edit{Fields: []uint32{52}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: pinned}}}}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		li.upload(site, content)
		w.settled(id)
		if w.found(id, "NOT_CAMERA") != asked {
			t.Errorf("asked %v: %v", asked, w.photo(id).GetFindings())
		}
	}
}

// TestWorkerFaults: whatever call of the storage fails while a photo is looked at, it is never marked wrongly, and settled in the end.
func TestWorkerFaults(t *testing.T) {
	content := image(13, drawn.After)
	for _, fault := range []mediatest.Fault{mediatest.Fail, mediatest.ReplyLost, mediatest.Full} {
		for n := uint64(1); n <= 6; n++ {
			w := newWorld(t)
			li := w.phone("li", worker)
			id := li.promise(content)
			li.upload(site, content)
			w.faults(mediatest.Nth(n, fault))
			w.settled(id)
			if p := w.photo(id); p.GetState() == stateHard || p.GetReport().GetWidthPx() != 320 {
				t.Fatalf("%v at step %d: %v %v", fault, n, p.GetState(), p.GetFindings())
			}
			w.faults(nil)
			for _, class := range []media.Class{media.Large, media.Small, media.Report} {
				if _, err := w.memory.Open(context.Background(), media.At(class, hashOf(content))); err != nil {
					t.Errorf("%v at step %d: %s: %v", fault, n, class, err)
				}
			}
		}
	}
}

// TestLostOriginal: the storage lost what was stored: the photo waits for its bytes again, and is settled when they come.
func TestLostOriginal(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	content := image(14, drawn.After)
	id := li.promise(content)
	li.upload(site, content)
	if err := w.memory.Delete(context.Background(), media.At(media.Original, hashOf(content))); err != nil {
		t.Fatal(err)
	}
	w.work(func() {
		w.until(func() bool { return w.photo(id).GetState() == stateDeclared })
		if !w.found(id, "BYTES_LOST") {
			t.Fatal("it does not say why")
		}
		li.upload(site, content)
		w.until(func() bool { s := w.photo(id).GetState(); return s == stateClean || s == stateSoft })
	})
}

// TestManyPhotos: all of a backlog are settled after a restart, over several sites.
func TestManyPhotos(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	ids := map[store.Scope][]string{}
	for i := range uint64(12) {
		content := image(100+i, drawn.After)
		scope := []store.Scope{site, farSite}[i%2]
		ids[scope] = append(ids[scope], li.promiseIn(scope, content))
		li.upload(scope, content)
	}
	w.start()
	w.work(func() {
		for scope, list := range ids {
			for _, id := range list {
				w.until(func() bool { s := w.photoIn(scope, id).GetState(); return s == stateClean || s == stateSoft })
			}
		}
		w.until(func() bool { s := w.desk.Stats(); return s.Settled[stateClean]+s.Settled[stateSoft] >= 12 })
	})
	waiting, err := w.desk.Waiting(context.Background())
	if err != nil || waiting.Photos != 0 || waiting.Unsettled != 0 {
		t.Fatalf("%+v %v", waiting, err)
	}
}
