package evidence_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// TestFalseBytesOfAnother: whoever may write to a scope may send bytes for a hash that somebody else promised there. That they are false is not held against
// the photo of the other, also where both promise the hash.
func TestFalseBytesOfAnother(t *testing.T) {
	w := newWorld(t)
	li, wang := w.phone("li", worker), w.phone("wang", worker)
	content := large(70)
	wrong := bytes.Clone(content)
	wrong[0] ^= 1
	of := li.promise(content)
	spoil := func() {
		t.Helper()
		wang.put(wang.plan(site, content)[0].GetUpload().GetParts(), wrong)
		if got := wang.finish(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER {
			t.Fatalf("false bytes: %v", got)
		}
		if p := w.photo(of); len(p.GetFindings()) != 0 {
			t.Errorf("another's false bytes stand in the photo: %v %v", p.GetState(), p.GetFindings())
		}
	}
	spoil()
	own := wang.promise(content)
	spoil()
	if p := w.photo(own); len(p.GetFindings()) != 1 {
		t.Errorf("their own photo: %v", p.GetFindings())
	}
	if li.upload(site, content); w.photo(of).GetReport().GetStoredUs() == 0 {
		t.Error("not stored")
	}
}

// TestRedactAgainstAPromise: who knows a hash cannot keep the bytes from being removed by promising them again.
func TestRedactAgainstAPromise(t *testing.T) {
	w := newWorld(t)
	boss, li, wang := w.phone("boss", manager), w.phone("li", worker), w.phone("wang", worker)
	content := large(71)
	id := li.promise(content)
	li.upload(site, content)
	wang.promise(content)
	wang.promiseIn(farSite, content)
	if removed, err := boss.redact(id); err != nil || !removed || w.there(media.Original, content) {
		t.Fatalf("removed %v, %v; still there: %v", removed, err, w.there(media.Original, content))
	}
	// Whoever has the bytes can still deliver them for their own photo.
	if sent := wang.upload(farSite, content); sent == 0 || !w.there(media.Original, content) {
		t.Errorf("sent %d", sent)
	}
}

// TestRedactUnderWay: parts that arrived of a photo go with it, and no further ones are taken.
func TestRedactUnderWay(t *testing.T) {
	w := newWorld(t)
	boss, li := w.phone("boss", manager), w.phone("li", worker)
	content := large(72)
	id := li.promise(content)
	parts := li.plan(site, content)[0].GetUpload().GetParts()
	li.put(parts[:2], content)
	if removed, err := boss.redact(id); err != nil || !removed {
		t.Fatalf("removed %v, %v", removed, err)
	}
	if taken := li.put(parts[2:3], content); taken != 0 {
		t.Error("a part was taken after")
	}
	plan, err := w.memory.Plan(context.Background(), media.Upload{Owner: media.Owner(li.Device), Hash: hashOf(content), Size: int64(len(content))},
		media.Want{PartBytes: media.MinPartBytes, MaxParts: 10, Until: w.clock().Add(time.Hour)})
	if err != nil || plan.Received != 0 {
		t.Errorf("%d bytes of it are here, %v", plan.Received, err)
	}
}

// TestRedactBehindMany: bytes that a photo has stay, however many promise the same.
func TestRedactBehindMany(t *testing.T) {
	w := newWorld(t)
	boss, li := w.phone("boss", manager), w.phone("li", worker)
	content := large(73)
	first := li.promise(content)
	li.upload(site, content)
	last := "ffffffff-ffff-4fff-bfff-ffffffffffff"
	h := hashOf(content)
	fact := func(id string) {
		li.do(site, id, &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("ticket")}, Sha256: h[:], SizeBytes: int64(len(content))}}}})
	}
	fact(last)
	if li.plan(site, content)[0].GetStored() == nil || w.photo(last).GetReport().GetStoredUs() == 0 {
		t.Fatal("the second photo is not stored")
	}
	for i := range 1001 {
		fact(fmt.Sprintf("00000000-0000-4000-8000-%012x", i))
	}
	if removed, err := boss.redact(first); err != nil || removed || !w.there(media.Original, content) {
		t.Fatalf("removed %v, %v", removed, err)
	}
}

// TestPromisedByMany: promises that others make of the same hash afterwards, be they ever so many, of another size and under the lowest ids, do not stand in the
// way of the one that was first.
func TestPromisedByMany(t *testing.T) {
	w := newWorld(t)
	li, wang := w.phone("li", worker), w.phone("wang", worker)
	content := large(75)
	id := li.promise(content)
	h := hashOf(content)
	for i := range 1001 {
		wang.do(site, fmt.Sprintf("00000000-0000-4000-8000-%012x", i), &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("ticket")}, Sha256: h[:], SizeBytes: 1}}}})
	}
	if parts := li.plan(site, content)[0].GetUpload().GetParts(); len(parts) != (len(content)+media.MinPartBytes-1)/media.MinPartBytes {
		t.Fatalf("planned: %v", parts)
	}
	if li.upload(site, content); w.photo(id).GetReport().GetStoredUs() == 0 {
		t.Error("not stored")
	}
}

// scoped knows whose scopes are whose: world says that everybody works everywhere.
type scoped struct {
	evidence.Access
	of map[engine.PersonID][]store.Scope
}

func (s scoped) Scopes(p engine.PersonID, _ time.Time) []store.Scope { return s.of[p] }

// TestReusedUnderAnotherName: a device that says that somebody unknown took the photo is held against its own person's other sites all the same.
func TestReusedUnderAnotherName(t *testing.T) {
	access := &scoped{of: map[engine.PersonID][]store.Scope{engine.PersonID(uid("li")): {site, farSite}}}
	w := newWorld(t, func(c *evidence.Config) { access.Access, c.Access = c.Access, access })
	li := w.phone("li", worker)
	content := image(74, drawn.After)
	li.promiseIn(farSite, content, of("elsewhere"))
	li.upload(farSite, content)
	id := li.promise(content, func(p *roundsv1.Photo) { p.PersonId = uuid.NewString() })
	li.upload(site, content)
	w.settled(id)
	if got := w.photo(id).GetFindings(); !slices.Contains(got, "REUSED") {
		t.Errorf("found %v", got)
	}
}
