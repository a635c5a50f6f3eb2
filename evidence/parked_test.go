package evidence_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// late is a phone whose person's right has ended.
func (w *world) late(name string) *phone {
	p := w.phone(name, worker)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[p.Person] = true
	return p
}

// parks promises a photo that is quarantined, and returns the ids of the photo and of the question.
func (p *phone) parks(content []byte, changes ...func(*roundsv1.Photo)) (photo, question string) {
	p.t.Helper()
	photo = uuid.Must(uuid.NewRandomFromReader(p.ids)).String()
	o := p.send(site, photo, p.fact(content, changes...))
	if o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED || p.photo(photo) != nil {
		p.t.Fatalf("%v", o)
	}
	return photo, o.GetConflictId()
}

func admit() *roundsv1.ConflictCommand {
	return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}
}

func dismiss() *roundsv1.ConflictCommand {
	return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "not hers"}}}
}

func (w *world) question(id string) *roundsv1.Conflict {
	w.t.Helper()
	change, err := w.engine.Record(context.Background(), site, "conflict", merge.RecordID(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return change.GetRecord().GetConflict()
}

// delivered: whether a question says that the bytes are here.
func (w *world) delivered(id string, content []byte) bool {
	h := hashOf(content)
	return bytes.Equal(w.question(id).GetPhotoSha256(), h[:])
}

func (w *world) upkeep(after time.Duration) {
	w.t.Helper()
	w.pass(after)
	if err := w.desk.Upkeep(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// TestParkedPhoto: the bytes of a quarantined photo come, are kept for as long as it waits, and are the photo's when a person lets it in.
func TestParkedPhoto(t *testing.T) {
	for name, restart := range map[string]bool{"at once": false, "through restarts": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			boss, li := w.phone("boss", manager), w.late("li")
			content := image(1, drawn.After)
			photo, question := li.parks(content)
			again := func() {
				if restart {
					w.start()
				}
			}
			if sent := li.upload(site, content); sent == 0 || !w.delivered(question, content) {
				t.Fatalf("%d parts, %v", sent, w.question(question))
			}
			again()
			if got := li.plan(site, content)[0]; got.GetStored() == nil {
				t.Fatalf("asked for again: %v", got)
			}
			if got := li.finish(site, content)[0]; got.GetStored() == nil {
				t.Fatalf("finished again: %v", got)
			}
			w.upkeep(90 * 24 * time.Hour)
			if resp, err := w.desk.Chase(context.Background(), boss.Caller, &roundsv1.ChaseRequest{Scope: string(site)}); err != nil || len(resp.GetPhotos()) > 0 {
				t.Fatalf("on the chase list: %v, %v", resp, err)
			}
			audited := 0
			for one, err := range evidence.Originals(context.Background(), w.engine, []store.Scope{site}) {
				if err != nil || one.Hash != hashOf(content) || !one.Stored {
					t.Fatalf("%v, %v", one, err)
				}
				audited++
			}
			if audited != 1 {
				t.Fatalf("%d are audited", audited)
			}
			boss.do(site, question, admit())
			again()
			w.upkeep(90 * 24 * time.Hour) // before the worker gets to it
			w.settled(photo)
			if got := w.photo(photo); got.GetState() != roundsv1.PhotoState_PHOTO_STATE_CLEAN || !bytes.Equal(w.original(content), content) {
				t.Fatalf("%v", got)
			}
			if sent := li.upload(site, content); sent != 0 {
				t.Errorf("%d parts after all", sent)
			}
		})
	}
}

// TestParkedDismissed: what nobody lets in is garbage.
func TestParkedDismissed(t *testing.T) {
	w := newWorld(t, func(c *evidence.Config) { c.Grace = 7 * 24 * time.Hour })
	boss, li := w.phone("boss", manager), w.late("li")
	content := large(2)
	photo, question := li.parks(content)
	li.upload(site, content)
	boss.do(site, question, dismiss())
	w.upkeep(6 * 24 * time.Hour)
	if !w.there(media.Original, content) {
		t.Fatal("gone within the grace")
	}
	w.upkeep(2 * 24 * time.Hour)
	if w.there(media.Original, content) || w.photo(photo) != nil {
		t.Fatal("kept after the grace")
	}
	if got := li.plan(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
		t.Errorf("%v", got)
	}
}

// TestParkedProbing: who promises bytes that others have here, or wait with, learns nothing of it: they are to be sent.
func TestParkedProbing(t *testing.T) {
	w := newWorld(t)
	boss, wang, li := w.phone("boss", manager), w.phone("wang", worker), w.late("li")
	here, there, parked := large(3), large(4), large(5)
	wang.promise(here)
	wang.upload(site, here)
	wang.promiseIn(farSite, there)
	wang.upload(farSite, there)
	for _, content := range [][]byte{here, there} {
		photo, question := li.parks(content)
		if got := li.plan(site, content)[0].GetUpload(); len(got.GetParts()) == 0 || got.GetReceivedBytes() != 0 {
			t.Errorf("planned: %v", got)
		}
		if got := li.finish(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_PARTS_MISSING || w.delivered(question, content) {
			t.Errorf("finished: %v", got)
		}
		if sent := li.upload(site, content); sent == 0 || !w.delivered(question, content) {
			t.Errorf("%d parts", sent)
		}
		boss.do(site, question, admit())
		w.work(func() { w.until(func() bool { return w.photo(photo).GetReport().GetStoredUs() != 0 }) })
	}
	li.parks(parked)
	for _, step := range []string{"before", "after"} {
		for _, p := range []*phone{wang, boss, w.late("sun")} {
			if got := p.plan(site, parked)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
				t.Errorf("planned for another, %s: %v", step, got)
			}
			if got := p.finish(site, parked)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
				t.Errorf("finished for another, %s: %v", step, got)
			}
		}
		if got := li.plan(farSite, parked)[0].GetProblem().GetCode(); step == "before" && got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
			t.Errorf("planned at another site: %v", got)
		}
		li.upload(site, parked)
	}
	w.mu.Lock()
	w.revoked[li.Device] = roundsv1.Revocation_REVOCATION_IMMEDIATE
	w.mu.Unlock()
	h := hashOf(parked)
	if _, err := w.desk.Plan(context.Background(), li.Caller, &roundsv1.PlanRequest{Scope: string(site), Sha256: [][]byte{h[:]}}); err == nil {
		t.Error("a lost device plans")
	}
}

// TestParkedUnfit: no bytes are taken for what can be none of a photo, and nothing is written.
func TestParkedUnfit(t *testing.T) {
	w := newWorld(t)
	li := w.late("li")
	for size, code := range map[int64]roundsv1.ProblemCode{0: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, 2 << 20: roundsv1.ProblemCode_PROBLEM_CODE_LIMIT} {
		content := []byte{byte(size >> 20)}
		_, question := li.parks(content, func(p *roundsv1.Photo) { p.SizeBytes = size })
		if got := li.plan(site, content)[0].GetProblem().GetCode(); got != code {
			t.Errorf("%d bytes planned: %v", size, got)
		}
		if got := li.finish(site, content)[0].GetProblem().GetCode(); got != code || len(w.question(question).GetPhotoSha256()) > 0 {
			t.Errorf("%d bytes finished: %v", size, got)
		}
	}
	content := large(6)
	_, question := li.parks(content)
	other := bytes.Clone(content)
	other[0] ^= 1
	li.put(li.plan(site, content)[0].GetUpload().GetParts(), other)
	if got := li.finish(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER || w.delivered(question, content) {
		t.Errorf("other bytes: %v", got)
	}
}

// TestParkedCrash: wherever it is cut, the photo ends as stored, and nothing is said to be here that is not.
func TestParkedCrash(t *testing.T) {
	broken := func(string) error { return &engine.Error{Kind: engine.Internal, Cause: errors.New("no disk")} }
	for name, cut := range map[string]func(*world, *phone, []byte, func()){
		"not written down": func(w *world, li *phone, content []byte, decide func()) {
			li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
			w.records.fail = broken
			if got := li.finish(site, content)[0].GetProblem(); got.GetRetryAfter() == nil {
				t.Errorf("%v", got)
			}
			w.records.fail = nil
			if sent := li.upload(site, content); sent != 0 {
				t.Errorf("%d parts came again", sent)
			}
			decide()
		},
		"not written down, and a crash": func(w *world, li *phone, content []byte, decide func()) {
			li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
			w.records.fail = broken
			li.finish(site, content)
			w.start()
			if sent := li.upload(site, content); sent == 0 {
				t.Error("taken without proof")
			}
			decide()
		},
		"decided before the bytes came": func(_ *world, li *phone, content []byte, decide func()) {
			decide()
			li.upload(site, content)
		},
		"decided between plan and finish": func(_ *world, li *phone, content []byte, decide func()) {
			li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
			decide()
			if got := li.finish(site, content)[0]; got.GetStored() == nil {
				t.Errorf("%v", got)
			}
		},
		"decided while the bytes are hashed": func(w *world, li *phone, content []byte, decide func()) {
			li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
			decided := false
			w.faults(func(op mediatest.Op) mediatest.Fault {
				if !decided {
					decided = true
					decide()
				}
				return mediatest.None
			})
			if got := li.finish(site, content)[0]; got.GetStored() == nil || !decided {
				t.Errorf("%v", got)
			}
			w.faults(nil)
		},
		"lost by the storage while it waited": func(w *world, li *phone, content []byte, decide func()) {
			li.upload(site, content)
			if err := w.memory.Delete(context.Background(), media.At(media.Original, hashOf(content))); err != nil {
				t.Error(err)
			}
			w.start()
			if sent := li.upload(site, content); sent == 0 {
				t.Error("not asked for")
			}
			decide()
		},
		"lost by the storage before it was let in": func(w *world, li *phone, content []byte, decide func()) {
			li.upload(site, content)
			if err := w.memory.Delete(context.Background(), media.At(media.Original, hashOf(content))); err != nil {
				t.Error(err)
			}
			w.start()
			decide()
			w.work(func() {
				w.until(func() bool {
					resp, err := w.desk.Chase(context.Background(), w.phone("boss").Caller, &roundsv1.ChaseRequest{Scope: string(site)})
					return err == nil && len(resp.GetPhotos()) == 1 && resp.GetPhotos()[0].GetState() == roundsv1.PhotoState_PHOTO_STATE_DECLARED
				})
			})
			li.upload(site, content)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			boss, li := w.phone("boss", manager), w.late("li")
			content := image(7, drawn.After)
			photo, question := li.parks(content)
			cut(w, li, content, func() { boss.do(site, question, admit()) })
			w.settled(photo)
			if !bytes.Equal(w.original(content), content) {
				t.Error("other bytes")
			}
		})
	}
}

// TestParkedDismissedMeanwhile: bytes that end their way after the question was dismissed are not said to be kept.
func TestParkedDismissedMeanwhile(t *testing.T) {
	w := newWorld(t)
	boss, li := w.phone("boss", manager), w.late("li")
	content := large(8)
	_, question := li.parks(content)
	li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
	decided := false
	w.faults(func(mediatest.Op) mediatest.Fault {
		if !decided {
			decided = true
			boss.do(site, question, dismiss())
		}
		return mediatest.None
	})
	if got := li.finish(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
		t.Errorf("%v", got)
	}
}

// TestParkedRedaction: bytes that somebody waits with are not taken from him because another photo of them is redacted.
func TestParkedRedaction(t *testing.T) {
	w := newWorld(t)
	boss, wang, li := w.phone("boss", manager), w.phone("wang", worker), w.late("li")
	content := large(9)
	photo := wang.promise(content)
	wang.upload(site, content)
	_, question := li.parks(content)
	li.upload(site, content)
	if _, err := boss.redact(photo); err != nil || !w.there(media.Original, content) || !w.delivered(question, content) {
		t.Errorf("%v", err)
	}
}

// TestParkedMany: delivered ones make room for older ones.
func TestParkedMany(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of photos")
	}
	w := newWorld(t)
	li := w.late("li")
	var contents [][]byte
	for i := range 505 {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		contents = append(contents, sum[:])
		li.parks(sum[:])
	}
	if got := li.plan(site, contents[0])[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
		t.Fatalf("not bounded: %v", got)
	}
	for _, content := range contents[495:] {
		li.upload(site, content)
	}
	if sent := li.upload(site, contents[0]); sent != 1 {
		t.Errorf("%d parts", sent)
	}
}
