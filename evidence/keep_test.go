package evidence_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
	"github.com/rounds-sync/rounds/sync/store"
)

func (p *phone) chase(req *roundsv1.ChaseRequest) *roundsv1.ChaseResponse {
	p.t.Helper()
	req.Scope = string(site)
	resp, err := p.desk.Chase(context.Background(), p.Caller, req)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp
}

// TestChase: page by page, the oldest first, with who has to see to it as it ages; gone when it is stored.
func TestChase(t *testing.T) {
	w := newWorld(t)
	boss, li, wang := w.phone("boss", dispatcher, manager), w.phone("li", worker), w.phone("wang", worker)
	w.prepared("ticket", "", boss, wang)
	var ids []string
	var contents [][]byte
	for i := range byte(5) {
		contents = append(contents, large(20+i))
		ids = append(ids, li.promise(contents[i]))
	}
	ids = append(ids, wang.promise(large(30)))
	var got []string
	for req := (&roundsv1.ChaseRequest{PageSize: 2}); ; {
		page := boss.chase(req)
		if (len(page.GetDevices()) > 0) != (req.GetPageToken() == "") {
			t.Fatalf("devices with page %q", req.GetPageToken())
		}
		for _, m := range page.GetPhotos() {
			got = append(got, m.GetPhotoId())
		}
		if page.GetNextPageToken() == "" {
			break
		}
		req = &roundsv1.ChaseRequest{PageSize: 2, PageToken: page.GetNextPageToken()}
	}
	if !slices.Equal(got, ids) {
		t.Fatalf("chased %v\nwant %v", got, ids)
	}
	all := boss.chase(&roundsv1.ChaseRequest{})
	first := all.GetPhotos()[0]
	if first.GetDeviceId() != string(li.Device) || first.GetPersonId() != string(li.Person) || first.GetSizeBytes() != int64(len(contents[0])) ||
		first.GetSubject().GetId() != uid("ticket") || first.GetPromisedUs() == 0 || first.GetState() != 0 {
		t.Errorf("%v", first)
	}
	if d := all.GetDevices(); len(d) != 2 || d[0].GetDeviceId() != string(li.Device) || d[0].GetPhotos() != 5 || d[0].GetBytes() != 5*int64(len(contents[0])) ||
		d[0].GetLastSeenUs() != 77 || d[0].GetOldestUs() != first.GetPromisedUs() {
		t.Errorf("devices %v", d)
	}
	for _, level := range []struct {
		after time.Duration
		owner string
		level uint32
	}{{0, string(li.Person), 0}, {25 * time.Hour, string(wang.Person), 1}, {48 * time.Hour, "", 2}} {
		w.pass(level.after)
		if m := boss.chase(&roundsv1.ChaseRequest{}).GetPhotos()[0]; m.GetOwnerId() != level.owner || m.GetLevel() != level.level || m.GetAgeUs() <= 0 {
			t.Errorf("level %d: %v", level.level, m)
		}
	}
	if own := wang.chase(&roundsv1.ChaseRequest{}); len(own.GetPhotos()) != 1 || own.GetPhotos()[0].GetPhotoId() != ids[5] || len(own.GetDevices()) != 1 {
		t.Errorf("a worker's own: %v", own)
	}
	if of := boss.chase(&roundsv1.ChaseRequest{PersonId: string(wang.Person)}); len(of.GetPhotos()) != 1 {
		t.Errorf("of one person: %v", of)
	}
	for _, token := range []string{"x", "AAAA", "%%%%"} {
		if _, err := w.desk.Chase(context.Background(), boss.Caller, &roundsv1.ChaseRequest{Scope: string(site), PageToken: token}); codeOf(t, err) !=
			roundsv1.ProblemCode_PROBLEM_CODE_LINK {
			t.Errorf("token %q: %v", token, err)
		}
	}
	for _, c := range contents {
		li.upload(site, c)
	}
	if left := boss.chase(&roundsv1.ChaseRequest{}); len(left.GetPhotos()) != 1 {
		t.Errorf("left: %v", left)
	}
}

func (p *phone) redact(id string) (bool, error) {
	resp, err := p.desk.Redact(context.Background(), p.Caller, &roundsv1.RedactRequest{Scope: string(site), PhotoId: id, Reason: "a face"})
	return resp.GetRemoved(), err
}

func (w *world) there(class media.Class, content []byte) bool {
	object, err := w.memory.Open(context.Background(), media.At(class, hashOf(content)))
	if err == nil {
		_ = object.Close()
	}
	return err == nil
}

// TestRedact: bytes, copies and preview go, and the record stays; not under a hold, and not while another photo has the same bytes.
func TestRedact(t *testing.T) {
	w := newWorld(t)
	boss, li := w.phone("boss", manager), w.phone("li", worker)
	content := image(40, drawn.After)
	first := li.promise(content)
	second := li.promiseIn(farSite, content)
	li.upload(site, content)
	li.upload(farSite, content)
	w.settled(first)
	if _, err := li.redact(first); codeOf(t, err) != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
		t.Fatalf("by a worker: %v", err)
	}
	hold := func(reason string) {
		if _, err := w.desk.Hold(context.Background(), boss.Caller, &roundsv1.HoldRequest{Scope: string(site), PhotoId: first, Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
	hold("court")
	if _, err := boss.redact(first); codeOf(t, err) != roundsv1.ProblemCode_PROBLEM_CODE_STATE || w.photo(first).GetLegalHold() != "court" {
		t.Fatalf("under a hold: %v", err)
	}
	hold("")
	for range 2 { // it may be repeated
		removed, err := boss.redact(first)
		if err != nil || removed {
			t.Fatalf("another photo has the bytes: %v %v", removed, err)
		}
	}
	p := w.photo(first)
	if p.GetState() != stateRedacted || p.GetPreview() != nil || len(p.GetSha256()) != 32 || p.GetReport() != nil || !w.there(media.Original, content) {
		t.Fatalf("%v, report %v", p.GetState(), p.GetReport())
	}
	if got := li.plan(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_REDACTED {
		t.Errorf("planned: %v", got)
	}
	if got := li.finish(site, content)[0].GetProblem().GetCode(); got != roundsv1.ProblemCode_PROBLEM_CODE_REDACTED {
		t.Errorf("finished: %v", got)
	}
	link, err := w.desk.Link(context.Background(), boss.Caller, &roundsv1.LinkRequest{Scope: string(site), PhotoIds: []string{first}, Size: 1})
	if err != nil || link.GetLinks()[0].GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_REDACTED || link.GetLinks()[0].GetUrl() != "" {
		t.Errorf("linked: %v %v", link, err)
	}
	resp, err := w.desk.Redact(context.Background(), boss.Caller, &roundsv1.RedactRequest{Scope: string(farSite), PhotoId: second, Reason: "a face"})
	if err != nil || !resp.GetRemoved() {
		t.Fatalf("%v %v", resp, err)
	}
	for _, class := range []media.Class{media.Original, media.Large, media.Small, media.Report} {
		if w.there(class, content) {
			t.Errorf("%s is still there", class)
		}
	}
	if _, err := boss.redact(uuid.NewString()); codeOf(t, err) != roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD {
		t.Errorf("of no photo: %v", err)
	}
}

// TestRedactInterrupted: the storage fails while the bytes are removed: nobody sees them any more, and they go with the garbage.
func TestRedactInterrupted(t *testing.T) {
	for n := uint64(1); n <= 4; n++ {
		w := newWorld(t)
		boss, li := w.phone("boss", manager), w.phone("li", worker)
		content := image(41, drawn.After)
		id := li.promise(content)
		li.upload(site, content)
		w.settled(id)
		w.faults(mediatest.Nth(n, mediatest.Fail, mediatest.StepDelete))
		if _, err := boss.redact(id); codeOf(t, err) != roundsv1.ProblemCode_PROBLEM_CODE_UNAVAILABLE {
			t.Fatalf("step %d: %v", n, err)
		}
		w.faults(nil)
		if w.photo(id).GetState() != stateRedacted {
			t.Fatalf("step %d: the record does not say so", n)
		}
		w.pass(8 * 24 * time.Hour)
		if err := w.desk.Upkeep(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, class := range []media.Class{media.Original, media.Large, media.Small, media.Report} {
			if w.there(class, content) {
				t.Errorf("step %d: %s is still there", n, class)
			}
		}
	}
}

// TestGarbage: what no photo has goes when it is old enough, whatever it is; what one has or waits for stays.
func TestGarbage(t *testing.T) {
	adopts := false
	w := newWorld(t, func(c *evidence.Config) { c.UploadLife, c.Adopt = 1000*24*time.Hour, adopts })
	li := w.phone("li", worker)
	kept, promised, orphan, copied := image(42, drawn.After), large(43), large(44), large(45)
	id := li.promise(kept)
	li.upload(site, kept)
	w.settled(id)
	li.promise(promised)
	put := func(class media.Class, content []byte) {
		if err := w.memory.Put(context.Background(), media.At(class, hashOf(content)), "", content); err != nil {
			t.Fatal(err)
		}
	}
	put(media.Large, orphan)
	put(media.Small, copied)
	put(media.Report, promised) // of bytes that are on their way
	upkeep := func() {
		if err := w.desk.Upkeep(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	upkeep()
	if !w.there(media.Large, orphan) || !w.there(media.Small, copied) {
		t.Fatal("removed within the grace")
	}
	w.pass(8 * 24 * time.Hour)
	adopts = true // the records may be older than the bytes
	w.start()
	upkeep()
	if !w.there(media.Large, orphan) || !w.there(media.Small, copied) {
		t.Fatal("removed while photos are adopted")
	}
	adopts = false
	w.start()
	upkeep()
	if w.there(media.Large, orphan) || w.there(media.Small, copied) {
		t.Error("garbage is still there")
	}
	if !w.there(media.Original, kept) || !w.there(media.Large, kept) || !w.there(media.Small, kept) || !w.there(media.Report, kept) || !w.there(media.Report, promised) {
		t.Error("removed what a photo has")
	}
	if got := w.desk.Stats().Removed; got != 2 {
		t.Errorf("%d removed", got)
	}
}

// TestRetention: photos of work that has ended go when the site's time is over, but not one under a hold, nor of work that goes on.
func TestRetention(t *testing.T) {
	w := newWorld(t)
	boss, li, admins := w.phone("boss", dispatcher, manager), w.phone("li", worker), w.phone("admin", admin)
	admins.do(site, uid("the site"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{
		Policy: map[string]string{evidence.RetentionKey: "30"}}}}})
	contents := map[string][]byte{"ended": large(50), "held": large(51), "open": large(52), "far": large(53)}
	ids := map[string]string{}
	for _, name := range []string{"ended", "held", "open"} {
		ids[name] = li.promise(contents[name], of(name))
		li.upload(site, contents[name])
		w.prepared(name, "", boss, li)
	}
	ids["far"] = li.promiseIn(farSite, contents["far"], of("ended")) // a site that keeps for ever
	li.upload(farSite, contents["far"])
	for _, name := range []string{"ended", "held"} {
		boss.do(site, uid(name), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "sold"}}})
	}
	if _, err := w.desk.Hold(context.Background(), boss.Caller, &roundsv1.HoldRequest{Scope: string(site), PhotoId: ids["held"], Reason: "court"}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		gone  bool
	}{{29 * 24 * time.Hour, false}, {2 * 24 * time.Hour, true}} {
		w.pass(step.after)
		if err := w.desk.Upkeep(context.Background()); err != nil {
			t.Fatal(err)
		}
		for name, content := range contents {
			scope := site
			if name == "far" {
				scope = farSite
			}
			gone := step.gone && name == "ended"
			if redacted := w.photoIn(scope, ids[name]).GetState() == stateRedacted; redacted != gone || w.there(media.Original, content) == gone {
				t.Errorf("%s after %v: redacted %v", name, step.after, redacted)
			}
		}
	}
	if got := w.desk.Stats().Retired; got != 1 {
		t.Errorf("%d retired", got)
	}
}

// TestOriginals: what an audit holds the storage against.
func TestOriginals(t *testing.T) {
	w := newWorld(t)
	boss, li := w.phone("boss", manager), w.phone("li", worker)
	a, b, c := large(60), large(61), large(62)
	li.promise(a)
	li.upload(site, a)
	li.promise(b)
	gone := li.promise(c)
	li.upload(site, c)
	if _, err := boss.redact(gone); err != nil {
		t.Fatal(err)
	}
	got := map[media.Hash]bool{}
	for one, err := range evidence.Originals(context.Background(), w.engine, []store.Scope{orgScope, site, farSite}) {
		if err != nil {
			t.Fatal(err)
		}
		got[one.Hash] = one.Stored
	}
	if _, named := got[hashOf(c)]; named || len(got) != 2 || !got[hashOf(a)] || got[hashOf(b)] {
		t.Errorf("%v", got)
	}
}
