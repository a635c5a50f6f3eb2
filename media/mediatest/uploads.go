package mediatest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
)

func testOnePart(t *testing.T, r *run) {
	for _, size := range []int{1, 2, 64*kib - 1, 64 * kib, 64*kib + 1, mib} {
		content := photo("one", size)
		u := uploadOf(device, content)
		p := r.plan(t, u, mib)
		if p.Received != 0 || len(p.Parts) != 1 || p.More {
			t.Fatalf("plan of %d bytes: %d received, %d parts, more: %t", size, p.Received, len(p.Parts), p.More)
		}
		r.send(t, content, p.Parts[0])
		if p := r.plan(t, u, mib); p.Received != u.Size || len(p.Parts) != 0 {
			t.Fatalf("all %d bytes are here, the plan says %d, and %d parts", size, p.Received, len(p.Parts))
		}
		if all := r.list(t, ""); slices.Contains(all, original(content)) {
			t.Error("it is listed before it is finished")
		}
		r.wantNoObject(t, original(content))
		must(t, media.Receive(ctx, r.d, u))
		r.wantObject(t, original(content), content)
	}
}

func testManyParts(t *testing.T, r *run) {
	content := photo("many", 3*mib+12_345)
	u := uploadOf(device, content)
	parts := r.plan(t, u, 256*kib).Parts
	var sending sync.WaitGroup
	for i := range 4 { // from the end, and four at a time
		sending.Go(func() {
			for j := len(parts) - 1 - i; j >= 0; j -= 4 {
				if status := r.tryPut(parts[j], slice(content, parts[j])); status != http.StatusOK {
					t.Errorf("PUT of part %d: status %d", j, status)
				}
			}
		})
	}
	sending.Wait()
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
	if all := r.list(t, ""); len(all) != 1 {
		t.Errorf("parts are listed: %v", all)
	}
}

func testPlanNamesSome(t *testing.T, r *run) {
	content := photo("some", 700*kib)
	u := uploadOf(device, content)
	want := r.want(64 * kib)
	want.MaxParts = 4
	for rounds := 0; ; rounds++ {
		p, err := r.d.Plan(ctx, u, want)
		must(t, err)
		r.checkPlan(t, u, 64*kib, p)
		if len(p.Parts) > 4 || rounds > 3 {
			t.Fatalf("round %d: %d parts, asked for 4", rounds, len(p.Parts))
		}
		for _, part := range slices.Backward(p.Parts) {
			r.send(t, content, part)
		}
		if !p.More {
			break
		}
	}
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

func testPlanInvalid(t *testing.T, r *run) {
	good := uploadOf(device, photo("invalid", 100))
	for what, change := range map[string]func(*media.Upload, *media.Want){
		"zero size":      func(u *media.Upload, _ *media.Want) { u.Size = 0 },
		"negative size":  func(u *media.Upload, _ *media.Want) { u.Size = -1 },
		"no owner":       func(u *media.Upload, _ *media.Want) { u.Owner = "" },
		"a part too big": func(_ *media.Upload, w *media.Want) { w.PartBytes = media.MaxPartBytes + 1 },
		"a small part":   func(_ *media.Upload, w *media.Want) { w.PartBytes = media.MinPartBytes - 1 },
		"no parts":       func(_ *media.Upload, w *media.Want) { w.MaxParts = 0 },
		"no end":         func(_ *media.Upload, w *media.Want) { w.Until = time.Time{} },
	} {
		u, want := good, r.want(mib)
		change(&u, &want)
		_, err := r.d.Plan(ctx, u, want)
		wantIs(t, "Plan with "+what, err, media.ErrInvalid)
	}
	for _, owner := range []media.Owner{"../../x", "a/b", ".", "\x00", "with space", "泵房", "%2e%2e"} { // strange, and yet somebody's
		content := photo("owner "+string(owner), 100)
		r.store(t, owner, content)
		r.wantObject(t, original(content), content)
	}
	if all := r.list(t, ""); len(all) != 7 {
		t.Errorf("seven objects, listed are %v", all)
	}
}

// testPartSizesChange is a phone that walks from a good link into a bad one and out again.
func testPartSizesChange(t *testing.T, r *run) {
	content := photo("change", 9*mib+777)
	u := uploadOf(device, content)
	parts := r.plan(t, u, 8*mib).Parts
	r.send(t, content, parts[1])
	received := parts[1].Size
	for _, step := range []struct{ partBytes, parts int64 }{{64 * kib, 5}, {100_000, 3}, {mib, 2}, {64 * kib, 2}, {8 * mib, 99}} {
		p := r.plan(t, u, step.partBytes)
		if p.Received != received {
			t.Fatalf("with parts of %d: received are %d, want %d", step.partBytes, p.Received, received)
		}
		for i, part := range p.Parts {
			if int64(i) == step.parts {
				break
			}
			r.send(t, content, part)
			received += part.Size
		}
	}
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

// testOverlap sends parts of several plans that were made beside each other, the later ones over what the earlier brought.
func testOverlap(t *testing.T, r *run) {
	content := photo("overlap", 2*mib+5)
	u := uploadOf(device, content)
	large, middle, small := r.plan(t, u, mib).Parts, r.plan(t, u, 300_000).Parts, r.plan(t, u, 64*kib).Parts
	for _, part := range []media.Part{small[3], middle[3], large[0], small[0], large[0], middle[4], small[len(small)-1]} {
		r.send(t, content, part)
	}
	r.sendAll(t, u, content, 64*kib)
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

func testResume(t *testing.T, r *run) {
	content := photo("resume", mib+1)
	u := uploadOf(device, content)
	parts := r.plan(t, u, 256*kib).Parts
	r.send(t, content, parts[0])
	r.send(t, content, parts[3])
	r.reopen(t)
	r.wantReceived(t, u, parts[0].Size+parts[3].Size)
	r.Pass(3 * time.Second)
	r.send(t, content, r.plan(t, u, 128*kib).Parts[1])
	r.reopen(t)
	r.sendAll(t, u, content, 64*kib)
	r.reopen(t)
	r.wantReceived(t, u, u.Size)
	must(t, media.Receive(ctx, r.d, u))
	r.reopen(t)
	r.wantObject(t, original(content), content)
}

func testTwoOwners(t *testing.T, r *run) {
	content := photo("two", 300*kib)
	honest, spoiler := uploadOf(device, content), uploadOf(other, content)
	r.send(t, content, r.plan(t, honest, 128*kib).Parts[0])
	r.wantReceived(t, spoiler, 0)
	for _, part := range r.plan(t, spoiler, mib).Parts { // other bytes under the same hash
		if status := r.tryPut(part, photo("spoilt", int(part.Size))); status != http.StatusOK {
			t.Fatalf("PUT: status %d", status)
		}
	}
	wantIs(t, "Receive of other bytes", media.Receive(ctx, r.d, spoiler), media.ErrDiffers)
	r.wantNoObject(t, original(content))
	r.wantReceived(t, honest, 128*kib)
	r.sendAll(t, honest, content, 128*kib)
	must(t, media.Receive(ctx, r.d, honest))
	r.wantObject(t, original(content), content)
	must(t, r.d.Abort(ctx, spoiler))
	r.wantObject(t, original(content), content)
}

// testLostReplies does everything twice, as a device does that did not hear the answer.
func testLostReplies(t *testing.T, r *run) {
	content := photo("lost", 200*kib)
	u := uploadOf(device, content)
	r.plan(t, u, 64*kib)
	for _, part := range r.plan(t, u, 64*kib).Parts {
		r.send(t, content, part)
		r.send(t, content, part)
	}
	must(t, media.Receive(ctx, r.d, u))
	wantIs(t, "Receive again", media.Receive(ctx, r.d, u), media.ErrNotFound)
	r.wantObject(t, original(content), content)
	r.sendAll(t, u, content, 64*kib) // a device that was told nothing begins anew
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
	if all := r.list(t, ""); len(all) != 1 {
		t.Errorf("one object, listed are %v", all)
	}
}

// testOldURLs sends to URLs of an upload that is over.
func testOldURLs(t *testing.T, r *run) {
	content := photo("old", 130*kib)
	u := uploadOf(device, content)
	parts := r.plan(t, u, 64*kib).Parts
	for _, part := range parts {
		r.send(t, content, part)
	}
	must(t, media.Receive(ctx, r.d, u))
	wrong := photo("wrong", int(parts[0].Size))
	r.tryPut(parts[0], wrong)
	r.wantObject(t, original(content), content)
	wantIs(t, "Finish after a late part", r.d.Finish(ctx, u, pass), media.ErrNotFound)
	r.wantObject(t, original(content), content)

	must(t, r.d.Abort(ctx, u))
	r.sendAll(t, u, content, 64*kib)
	must(t, r.d.Abort(ctx, u))
	r.tryPut(parts[1], slice(content, parts[1]))
	wantIs(t, "Finish after Abort and a late part", r.d.Finish(ctx, u, pass), media.ErrNotFound)
}

func pass(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func testWrongMD5(t *testing.T, r *run) {
	content := photo("md5", 200*kib)
	u := uploadOf(device, content)
	part := r.plan(t, u, mib).Parts[0]
	for what, sum := range map[string]string{"of other bytes": md5Of([]byte("x")), "that is no base64": "%%%", "that is too short": "AAAA"} {
		status, err := r.put(ctx, part, bytes.NewReader(content), u.Size, sum)
		if err == nil && status != http.StatusBadRequest {
			t.Errorf("Content-MD5 %s: status %d", what, status)
		}
	}
	damaged := slices.Clone(content)
	damaged[len(damaged)-1] ^= 1
	if status, err := r.put(ctx, part, bytes.NewReader(damaged), u.Size, md5Of(content)); err == nil && status != http.StatusBadRequest {
		t.Errorf("a damaged part: status %d", status)
	}
	r.wantReceived(t, u, 0)
	r.sendAll(t, u, content, mib)
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

// testWrongLength sends more or less than a part. What a store answers to it differs; that it counts as the part may not be.
func testWrongLength(t *testing.T, r *run) {
	content := photo("length", 300*kib)
	u := uploadOf(device, content)
	part := r.plan(t, u, 128*kib).Parts[1]
	for _, body := range [][]byte{content[:0], content[:1], slice(content, part)[1:], content[:part.Size+1], content} {
		r.tryPut(part, body)
		r.wantReceived(t, u, 0)
	}
	body := slice(content, part)
	if status, err := r.put(ctx, part, io.MultiReader(bytes.NewReader(body)), -1, md5Of(body)); err == nil && !refused(status) {
		t.Errorf("a part without Content-Length: status %d", status)
	}
	r.sendAll(t, u, content, 128*kib)
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

// testCutPart cuts the connection in the middle of a part, at several places.
func testCutPart(t *testing.T, r *run) {
	content := photo("cut", 600*kib)
	u := uploadOf(device, content)
	parts := r.plan(t, u, 256*kib).Parts
	r.send(t, content, parts[0])
	for _, at := range []int64{1, 1000, 64 * kib, 200 * kib, 256*kib - 1} {
		from, to := io.Pipe()
		go func() {
			_, _ = to.Write(slice(content, parts[1])[:at])
			_ = to.CloseWithError(errors.New("cut")) // the connection is closed then
		}()
		if status, err := r.put(ctx, parts[1], from, parts[1].Size, md5Of(slice(content, parts[1]))); err == nil && !refused(status) {
			t.Errorf("a part cut after %d bytes: status %d", at, status)
		}
		_ = from.Close()
		r.wantReceived(t, u, 256*kib)
	}
	r.sendAll(t, u, content, 256*kib)
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

func testPartExpires(t *testing.T, r *run) {
	content := photo("expires", 100*kib)
	u := uploadOf(device, content)
	want := r.want(64 * kib)
	var p media.Plan
	life := r.livingFor(func(until time.Time) bool {
		var err error
		want.Until = until
		p, err = r.d.Plan(ctx, u, want)
		if errors.Is(err, media.ErrInvalid) { // its end is near already
			return false
		}
		must(t, err)
		return r.tryPut(p.Parts[0], slice(content, p.Parts[0])) == http.StatusOK
	})
	if life == 0 {
		t.Fatal("a part is not taken while its URL lasts")
	}
	r.Pass(life + time.Second)
	if status := r.tryPut(p.Parts[1], slice(content, p.Parts[1])); !refused(status) {
		t.Errorf("PUT to an expired URL: status %d", status)
	}
	r.wantReceived(t, u, 64*kib)
	r.sendAll(t, u, content, 64*kib)
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

func testPartTampered(t *testing.T, r *run) {
	content := photo("tampered", 64*kib+100)
	u := uploadOf(device, content)
	part := r.plan(t, u, 64*kib).Parts[1]
	for _, url := range tampered(part.URL) {
		changed := part
		changed.URL = url
		if status := r.tryPut(changed, slice(content, part)); !refused(status) {
			t.Errorf("tampered: status %d for\n%s instead of\n%s", status, url, part.URL)
		}
	}
	r.wantReceived(t, u, 0)
	r.send(t, content, part)
	r.wantReceived(t, u, part.Size)
}

// testPartSwapped sends good bytes to the URL of another part, of the same size, and of another upload.
func testPartSwapped(t *testing.T, r *run) {
	content := photo("swapped", 192*kib)
	u := uploadOf(device, content)
	parts := r.plan(t, u, 64*kib).Parts
	r.tryPut(parts[0], slice(content, parts[1]))
	r.tryPut(parts[1], slice(content, parts[0]))
	r.send(t, content, parts[2])
	wantIs(t, "Receive of swapped parts", media.Receive(ctx, r.d, u), media.ErrDiffers)
	r.wantNoObject(t, original(content))

	shorter := content[:100*kib]
	us := uploadOf(device, shorter)
	small := r.plan(t, us, 64*kib).Parts
	if parts = r.plan(t, u, 64*kib).Parts; len(parts) != 3 {
		t.Fatalf("refused parts are still here: %d are missing of 3", len(parts))
	}
	if status := r.tryPut(small[1], slice(content, parts[1])); status == http.StatusOK {
		t.Log("a part of another size was taken; it may not count")
	}
	r.wantReceived(t, us, 0)
	r.wantReceived(t, u, 0)
	r.sendAll(t, us, shorter, 64*kib)
	r.sendAll(t, u, content, 64*kib)
	must(t, media.Receive(ctx, r.d, us))
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(shorter), shorter)
	r.wantObject(t, original(content), content)
}
