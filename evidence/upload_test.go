package evidence_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
	"github.com/rounds-sync/rounds/sync/engine"
)

// original reads what is stored, and fails where nothing is.
func (w *world) original(content []byte) []byte {
	w.t.Helper()
	object, err := w.memory.Open(context.Background(), media.At(media.Original, hashOf(content)))
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(object)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// large is a content of several parts that is no image.
func large(seed byte) []byte { return bytes.Repeat([]byte{seed, 1, 2, 3, 4, 5, 6}, 30_000) }

func TestFromPromiseToReview(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	content := image(1, drawn.After)
	id := li.promise(content)
	if got := w.photo(id).GetState(); got != 0 {
		t.Fatalf("promised: %v", got)
	}
	w.done("ticket", "", id)
	plan := li.plan(site, content)[0].GetUpload()
	if len(plan.GetParts()) == 0 || plan.GetReceivedBytes() != 0 || w.photo(id).GetState() != roundsv1.PhotoState_PHOTO_STATE_DECLARED {
		t.Fatalf("planned: %v, %v", plan, w.photo(id).GetState())
	}
	li.put(plan.GetParts()[:1], content)
	if len(plan.GetParts()) > 1 {
		plan = li.plan(site, content)[0].GetUpload()
		if plan.GetReceivedBytes() == 0 || w.photo(id).GetState() != roundsv1.PhotoState_PHOTO_STATE_UPLOADING {
			t.Fatalf("one part: %v, %v", plan, w.photo(id).GetState())
		}
		li.put(plan.GetParts(), content)
	}
	if got := li.finish(site, content)[0].GetStored(); got == nil || got.GetDeduplicated() {
		t.Fatalf("finished: %v", got)
	}
	photo := w.photo(id)
	if photo.GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED || photo.GetReport().GetStoredUs() == 0 {
		t.Fatalf("stored: %v %v", photo.GetState(), photo.GetReport())
	}
	if !bytes.Equal(w.original(content), content) {
		t.Fatal("other bytes")
	}
	if got := li.plan(site, content)[0].GetStored(); got == nil || got.GetDeduplicated() {
		t.Fatalf("planned again: %v", got)
	}
	w.work(func() {
		w.until(func() bool {
			return w.ticket("ticket").GetState() == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
		})
	})
	photo = w.photo(id)
	if s := photo.GetState(); s != roundsv1.PhotoState_PHOTO_STATE_CLEAN && s != roundsv1.PhotoState_PHOTO_STATE_SOFT {
		t.Fatalf("settled: %v %v", s, photo.GetReport())
	}
	if r := photo.GetReport(); r.GetWidthPx() != 320 || r.GetMediaType() != "image/jpeg" || r.GetStoredUs() == 0 || r.GetAnalysedUs() == 0 {
		t.Fatalf("report: %v", r)
	}
	for _, class := range []media.Class{media.Large, media.Small, media.Report} {
		if _, err := w.memory.Open(context.Background(), media.At(class, hashOf(content))); err != nil {
			t.Errorf("%s: %v", class, err)
		}
	}
}

// TestNotPromised: bytes are taken for promises of the scope alone, from who ever had a right to it.
func TestNotPromised(t *testing.T) {
	w := newWorld(t)
	li, stranger := w.phone("li", worker), w.phone("stranger")
	content := large(1)
	if got := li.plan(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
		t.Errorf("plan: %v", got)
	}
	if got := li.finish(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
		t.Errorf("finish: %v", got)
	}
	li.promise(content)
	if got := li.plan(farSite, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED {
		t.Errorf("another scope: %v", got)
	}
	h := hashOf(content)
	_, err := w.desk.Plan(context.Background(), stranger.Caller, &roundsv1.PlanRequest{Scope: string(site), Sha256: [][]byte{h[:]}})
	if got := codeOf(t, err); got != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
		t.Errorf("a stranger plans: %v", err)
	}
	_, err = w.desk.Finish(context.Background(), stranger.Caller, &roundsv1.FinishRequest{Scope: string(site), Sha256: [][]byte{h[:]}})
	if got := codeOf(t, err); got != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
		t.Errorf("a stranger finishes: %v", err)
	}
	w.revoked[li.Device] = roundsv1.Revocation_REVOCATION_GRACEFUL
	if li.plan(site, content)[0].GetUpload() == nil {
		t.Error("a device that delivers before it purges was refused")
	}
	w.revoked[li.Device] = roundsv1.Revocation_REVOCATION_IMMEDIATE
	_, err = w.desk.Plan(context.Background(), li.Caller, &roundsv1.PlanRequest{Scope: string(site), Sha256: [][]byte{h[:]}})
	if got := codeOf(t, err); got != roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED {
		t.Errorf("a lost device plans: %v", err)
	}
}

func codeOf(t *testing.T, err error) roundsv1.ProblemCode {
	t.Helper()
	var own *engine.Error
	if !errors.As(err, &own) || own.Problem == nil {
		t.Fatalf("no problem: %v", err)
	}
	return own.Problem.GetCode()
}

// TestNoProbing: who promises a hash that another site's photo has learns nothing of that, and sends the bytes; they are stored once.
func TestNoProbing(t *testing.T) {
	w := newWorld(t)
	li, wang := w.phone("li", worker), w.phone("wang", worker)
	content := large(2)
	li.promise(content)
	li.upload(site, content)
	id := wang.promiseIn(farSite, content)
	plan := wang.plan(farSite, content)[0].GetUpload()
	if plan == nil || plan.GetReceivedBytes() != 0 {
		t.Fatalf("another site's bytes: %v", plan)
	}
	if got := wang.finish(farSite, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_PARTS_MISSING {
		t.Fatalf("finished without a byte: %v", got)
	}
	if sent := wang.upload(farSite, content); sent != (len(content)+media.MinPartBytes-1)/media.MinPartBytes {
		t.Fatalf("sent %d parts", sent)
	}
	if w.photoIn(farSite, id).GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED {
		t.Fatal("not stored")
	}
}

// TestDeduplicated: within a scope the second photo of the same bytes is stored by the first one's, and both records say so.
func TestDeduplicated(t *testing.T) {
	w := newWorld(t)
	li, wang := w.phone("li", worker), w.phone("wang", worker)
	content := large(3)
	first := li.promise(content)
	li.upload(site, content)
	second := wang.promise(content)
	if got := wang.plan(site, content)[0].GetStored(); !got.GetDeduplicated() {
		t.Fatalf("%v", got)
	}
	if got := wang.finish(site, content)[0].GetStored(); !got.GetDeduplicated() {
		t.Fatalf("finish: %v", got)
	}
	for _, id := range []string{first, second} {
		if w.photo(id).GetReport().GetStoredUs() == 0 {
			t.Errorf("%s is not stored", id)
		}
	}
	if got := li.plan(site, content)[0].GetStored(); got == nil || got.GetDeduplicated() {
		t.Fatalf("of the first: %v", got)
	}
	// Both promised, one uploads: both are stored in one act.
	content = large(4)
	first, second = li.promise(content), wang.promise(content)
	li.upload(site, content)
	if w.photo(first).GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED || w.photo(second).GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED {
		t.Fatal("not both are stored")
	}
}

// TestBytesDiffer: what is not the promised photo is dropped, asked for again, and then taken.
func TestBytesDiffer(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	content := large(5)
	id := li.promise(content)
	wrong := bytes.Clone(content)
	wrong[70_000] ^= 1
	li.put(li.plan(site, content)[0].GetUpload().GetParts(), wrong)
	if got := li.finish(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER {
		t.Fatalf("%v", got)
	}
	if p := w.photo(id); p.GetState() != roundsv1.PhotoState_PHOTO_STATE_DECLARED || len(p.GetFindings()) != 1 || p.GetReport().GetStoredUs() != 0 {
		t.Fatalf("%v %v", p.GetState(), p.GetFindings())
	}
	if _, err := w.memory.Open(context.Background(), media.At(media.Original, hashOf(content))); !errors.Is(err, media.ErrNotFound) {
		t.Fatalf("wrong bytes stand under the address: %v", err)
	}
	li.upload(site, content)
	if p := w.photo(id); p.GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED || len(p.GetFindings()) != 0 {
		t.Fatalf("%v %v", p.GetState(), p.GetFindings())
	}
}

// TestUnfit: what can never be taken is refused at once, with its reason.
func TestUnfit(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	for name, test := range map[string]struct {
		size int64
		code roundsv1.ProblemCode
		find string
	}{
		"empty": {0, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "EMPTY"},
		"huge":  {1<<20 + 1, roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "TOO_LARGE"},
	} {
		content := []byte(name)
		id := li.promise(content, func(p *roundsv1.Photo) { p.SizeBytes = test.size })
		for range 2 {
			if got := li.plan(site, content)[0].GetProblem(); got.GetCode() != test.code && got.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STATE {
				t.Fatalf("%s: %v", name, got)
			}
			if p := w.photo(id); p.GetState() != roundsv1.PhotoState_PHOTO_STATE_HARD || p.GetFindings()[0] != test.find {
				t.Fatalf("%s: %v %v", name, p.GetState(), p.GetFindings())
			}
		}
	}
}

// TestStoredNeverBefore: P9's first half. Whatever single call of the storage fails, loses its reply or finds it full, no photo is STORED before its bytes
// stand there, and in the end it is, with no more than one upload sent twice.
func TestStoredNeverBefore(t *testing.T) {
	for _, fault := range []mediatest.Fault{mediatest.Fail, mediatest.ReplyLost, mediatest.Full} {
		for n := uint64(1); n <= 12; n++ {
			w := newWorld(t)
			li := w.phone("li", worker)
			content := large(6)
			id := li.promise(content)
			w.faults(mediatest.Nth(n, fault))
			for range 12 {
				plan := li.plan(site, content)[0]
				if plan.GetStored() != nil {
					break
				}
				w.consistent(id, content)
				li.put(plan.GetUpload().GetParts(), content)
				li.finish(site, content)
				w.consistent(id, content)
			}
			w.faults(nil)
			if sent := li.upload(site, content); sent > 0 {
				t.Errorf("%v at step %d: not stored in time", fault, n)
			}
			if !bytes.Equal(w.original(content), content) {
				t.Fatal("other bytes")
			}
		}
	}
}

// consistent requires that a photo that is STORED has its bytes.
func (w *world) consistent(id string, content []byte) {
	w.t.Helper()
	if w.photo(id).GetReport().GetStoredUs() == 0 {
		return
	}
	w.mu.Lock()
	kept := w.fault
	w.fault = nil
	w.mu.Unlock()
	defer w.faults(kept)
	if sum := sha256.Sum256(w.original(content)); sum != hashOf(content) {
		w.t.Fatal("stored, and the bytes are others")
	}
}

// TestCrash: the storage and the process end at every step; what comes back goes on, and STORED is never said of what is not there.
func TestCrash(t *testing.T) {
	for _, fault := range []mediatest.Fault{mediatest.CrashBefore, mediatest.CrashAfter} {
		for n := uint64(1); n <= 12; n++ {
			w := newWorld(t)
			li := w.phone("li", worker)
			content := large(7)
			id := li.promise(content)
			w.faults(mediatest.Nth(n, fault))
			sent := 0
			for crashed := false; ; {
				plan := li.plan(site, content)[0]
				if plan.GetStored() != nil {
					break
				}
				sent += li.put(plan.GetUpload().GetParts(), content)
				li.finish(site, content)
				if err := w.memory.Check(context.Background()); err != nil {
					if crashed {
						t.Fatal(err)
					}
					crashed = true
					w.faults(nil)
					w.memory = w.memory.Clone()
					w.start()
					w.consistent(id, content)
				}
				if sent > 20 {
					t.Fatalf("%v at step %d: sent %d parts", fault, n, sent)
				}
			}
			w.faults(nil)
			w.consistent(id, content)
			if w.photo(id).GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED {
				t.Fatalf("%v at step %d: %v", fault, n, w.photo(id).GetState())
			}
			if parts := (len(content) + media.MinPartBytes - 1) / media.MinPartBytes; sent > 2*parts {
				t.Errorf("%v at step %d: %d parts sent of %d", fault, n, sent, parts)
			}
		}
	}
}

// TestNotWrittenDown: bytes are durable and the record cannot be written. While the process lives, nothing is sent again; after it ended, once.
func TestNotWrittenDown(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	content := large(8)
	id := li.promise(content)
	li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
	w.records.fail = func(string) error { return &engine.Error{Kind: engine.Internal, Cause: errors.New("no disk")} }
	if got := li.finish(site, content)[0].GetProblem(); got.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE || got.GetRetryAfter() == nil {
		t.Fatalf("%v", got)
	}
	if w.photo(id).GetReport().GetStoredUs() != 0 {
		t.Fatal("stored")
	}
	w.records.fail = nil
	if sent := li.upload(site, content); sent != 0 || w.photo(id).GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED {
		t.Fatalf("sent %d, %v", sent, w.photo(id).GetState())
	}

	content = large(9)
	id = li.promise(content)
	li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
	w.records.fail = func(string) error { return &engine.Error{Kind: engine.Internal, Cause: errors.New("no disk")} }
	li.finish(site, content)
	w.start()
	if sent := li.upload(site, content); sent == 0 || w.photo(id).GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED {
		t.Fatalf("after a crash: sent %d, %v", sent, w.photo(id).GetState())
	}
}

// TestStorageFull and an absent one are told with a time to wait.
func TestStorageProblems(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	content := large(10)
	li.promise(content)
	for fault, code := range map[mediatest.Fault]roundsv1.ProblemCode{mediatest.Full: roundsv1.ProblemCode_PROBLEM_CODE_FULL,
		mediatest.Fail: roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE} {
		w.faults(func(mediatest.Op) mediatest.Fault { return fault })
		if got := li.plan(site, content)[0].GetProblem(); got.GetCode() != code || got.GetRetryAfter().AsDuration() <= 0 {
			t.Errorf("%v: %v", fault, got)
		}
	}
	w.faults(nil)
	li.put(li.plan(site, content)[0].GetUpload().GetParts(), content)
	w.faults(func(op mediatest.Op) mediatest.Fault { return mediatest.Full })
	if got := li.finish(site, content)[0].GetProblem(); got.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_FULL {
		t.Errorf("finish: %v", got)
	}
	w.faults(nil)
	if sent := li.upload(site, content); sent != 0 {
		t.Errorf("%d parts were lost", sent)
	}
}

// TestExpiry: links expire, uploads stay, and both are swept when nothing happens.
func TestExpiry(t *testing.T) {
	w := newWorld(t, func(c *evidence.Config) { c.PartLife, c.UploadLife = time.Minute, time.Hour })
	li := w.phone("li", worker)
	content := large(11)
	li.promise(content)
	plan := li.plan(site, content)[0].GetUpload()
	li.put(plan.GetParts()[:1], content)
	w.pass(2 * time.Minute)
	if got := li.put(plan.GetParts()[1:2], content); got != 0 {
		t.Fatal("an expired link was taken")
	}
	if got := li.plan(site, content)[0].GetUpload(); got.GetReceivedBytes() != media.MinPartBytes {
		t.Fatalf("resumed at %d", got.GetReceivedBytes())
	}
	w.pass(2 * time.Hour)
	if err := w.desk.Upkeep(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := li.plan(site, content)[0].GetUpload(); got.GetReceivedBytes() != 0 || w.desk.Stats().Swept != 1 {
		t.Fatalf("not swept: %d", got.GetReceivedBytes())
	}
}

// TestAdopt: the records are restored from before the bytes came, and the phone has deleted them: with Adopt the photo is stored all the same, without it
// it is asked for.
func TestAdopt(t *testing.T) {
	for _, adopt := range []bool{false, true} {
		w := newWorld(t, func(c *evidence.Config) { c.Adopt = adopt })
		content := image(97, drawn.After)
		li := w.phone("li", worker)
		li.promiseIn(farSite, content) // how the bytes came to be there
		li.upload(farSite, content)
		w.start()
		id := li.promise(content)
		if !adopt {
			w.work(func() {
				if li.plan(site, content)[0].GetUpload() == nil || w.photo(id).GetState() != roundsv1.PhotoState_PHOTO_STATE_DECLARED {
					t.Errorf("taken for stored: %v", w.photo(id).GetState())
				}
			})
			continue
		}
		w.settled(id)
	}
}
