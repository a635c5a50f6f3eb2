package mediatest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
)

func testPutOpenDelete(t *testing.T, r *run) {
	for _, class := range []media.Class{media.Original, media.Large, media.Small, media.Report} {
		content := photo(string(class), 10*kib)
		at := media.At(class, hashOf(content))
		r.wantNoObject(t, at)
		must(t, r.d.Delete(ctx, at))
		must(t, r.d.Put(ctx, at, "image/jpeg", content))
		r.wantObject(t, at, content)
		object, err := r.d.Open(ctx, at)
		must(t, err)
		must(t, object.Close())
		if got, want := object.Info().MediaType, "image/jpeg"; got != want && !(r.NoMediaTypes && got == "") {
			t.Errorf("media type %q, want %q", got, want)
		}
		must(t, r.d.Delete(ctx, at))
		r.wantNoObject(t, at)
		must(t, r.d.Delete(ctx, at))
	}
}

func testPutReplaces(t *testing.T, r *run) {
	at := media.At(media.Report, hashOf([]byte("x")))
	for i, size := range []int{10, 300 * kib, 1} {
		content := photo(strings.Repeat("x", i+1), size)
		must(t, r.d.Put(ctx, at, "application/octet-stream", content))
		r.wantObject(t, at, content)
	}
	if all := r.list(t, ""); len(all) != 1 {
		t.Errorf("one object, put three times, is listed as %v", all)
	}
}

func testReadAnywhere(t *testing.T, r *run) {
	content := photo("read", 300*kib)
	r.store(t, device, content)
	object, err := r.d.Open(ctx, original(content))
	must(t, err)
	defer func() { must(t, object.Close()) }()
	buf := make([]byte, 1000)
	for _, at := range []int64{0, 299 * kib, 17, 128 * kib, 0} {
		n, err := object.ReadAt(buf, at)
		if err != nil || !bytes.Equal(buf[:n], content[at:at+1000]) {
			t.Errorf("ReadAt(%d): %d bytes, %v, or other bytes", at, n, err)
		}
		from, err := object.Seek(at, io.SeekStart)
		must(t, err)
		_, err = io.ReadFull(object, buf)
		if err != nil || from != at || !bytes.Equal(buf, content[at:at+1000]) {
			t.Errorf("read from %d: %v, or other bytes", at, err)
		}
	}
	if end, err := object.Seek(-10, io.SeekEnd); err != nil || end != int64(len(content))-10 {
		t.Errorf("Seek to the end: %d, %v", end, err)
	}
	rest, err := io.ReadAll(object)
	if err != nil || !bytes.Equal(rest, content[len(content)-10:]) {
		t.Errorf("the last 10 bytes: %d bytes, %v", len(rest), err)
	}
	if n, err := object.ReadAt(buf, int64(len(content))-10); n != 10 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt over the end: %d bytes, %v", n, err)
	}
}

func testDeleteWhileReading(t *testing.T, r *run) {
	content := photo("delete", 3*mib)
	r.store(t, device, content)
	object, err := r.d.Open(ctx, original(content))
	must(t, err)
	defer func() { must(t, object.Close()) }()
	got := make([]byte, 1000)
	_, err = io.ReadFull(object, got)
	must(t, err)
	must(t, r.d.Delete(ctx, original(content)))
	r.wantNoObject(t, original(content))
	rest, err := io.ReadAll(object)
	if got = append(got, rest...); err != nil || !bytes.Equal(got, content) {
		t.Errorf("deleted while it was read: %d of %d bytes, %v", len(got), len(content), err)
	}
}

func testAddresses(t *testing.T, r *run) {
	good := string(media.At(media.Original, hashOf([]byte("x"))))
	for _, bad := range []string{
		"", "/", ".", "..", "sha256", "sha256/", "/" + good, good + "/", good + "x", good[:len(good)-1], "other" + good[6:], "SHA256" + good[6:],
		"sha256/../" + good[7:], strings.ToUpper(good), strings.Replace(good, "/", "//", 1), good[:7] + "00/00" + good[12:], good + "\x00", "uploads/x", "format",
	} {
		at := media.Address(bad)
		wantIs(t, "Put at "+bad, r.d.Put(ctx, at, "image/jpeg", []byte("x")), media.ErrInvalid)
		_, err := r.d.Open(ctx, at)
		wantIs(t, "Open of "+bad, err, media.ErrInvalid)
		wantIs(t, "Delete of "+bad, r.d.Delete(ctx, at), media.ErrInvalid)
		_, err = r.d.Link(ctx, at, media.LinkOptions{Until: r.Now().Add(time.Hour), MediaType: "image/jpeg"})
		wantIs(t, "Link to "+bad, err, media.ErrInvalid)
	}
	if all := r.list(t, ""); len(all) != 0 {
		t.Errorf("there should be nothing: %v", all)
	}
}

func testList(t *testing.T, r *run) {
	if all := r.list(t, ""); len(all) != 0 {
		t.Errorf("an empty storage lists %v", all)
	}
	var want []media.Address
	for i := range 40 {
		content := photo(strings.Repeat("l", i), 100+i)
		for _, class := range []media.Class{media.Small, media.Original, media.Report, media.Large}[:1+i%4] {
			at := media.At(class, hashOf(content))
			want = append(want, at)
			must(t, r.d.Put(ctx, at, "image/jpeg", content))
		}
	}
	waiting := photo("waiting", 200*kib)
	r.send(t, waiting, r.plan(t, uploadOf(device, waiting), 64*kib).Parts[0])
	slices.Sort(want)
	one := string(want[len(want)/2])
	class, _, _ := strings.Cut(one, "/")
	for _, prefix := range []string{
		"", "s", "sha", "sha256", "sha256/", "small/", "large/", "report/", one, one[:len(one)-1], one[:len(class)+2], one[:len(class)+3], one[:len(class)+4],
		one[:len(class)+6], one[:len(class)+7], one[:len(class)+9], "zzz", "a", "/", "..", "../", one + "x", "uploads", "sha256/../", "sha2560", "sha256/zz",
	} {
		var below []media.Address
		for _, at := range want {
			if strings.HasPrefix(string(at), prefix) {
				below = append(below, at)
			}
		}
		if got := r.list(t, prefix); !slices.Equal(got, below) {
			t.Errorf("List(%q) visits %d objects, want %d:\n got %v\nwant %v", prefix, len(got), len(below), got, below)
		}
	}
	seen := 0
	for _, err := range r.d.List(ctx, "") {
		must(t, err)
		if seen++; seen == 3 {
			break
		}
	}
	for info, err := range r.d.List(ctx, "sha256/") { // what is deleted while it is listed
		must(t, err)
		must(t, r.d.Delete(ctx, info.Address))
	}
	if left := r.list(t, "sha256/"); len(left) != 0 {
		t.Errorf("all were deleted, listed are %v", left)
	}
}

func testContext(t *testing.T, r *run) {
	content := photo("context", 100)
	r.store(t, device, content)
	ended, end := context.WithCancel(ctx)
	end()
	u := uploadOf(other, content)
	at := original(content)
	_, openErr := r.d.Open(ended, at)
	_, planErr := r.d.Plan(ended, u, r.want(mib))
	_, sweepErr := r.d.Sweep(ended, r.Now())
	var listErr error
	for _, listErr = range r.d.List(ended, "") {
	}
	for what, err := range map[string]error{
		"Put": r.d.Put(ended, at, "image/jpeg", content), "Open": openErr, "Delete": r.d.Delete(ended, at), "List": listErr, "Check": r.d.Check(ended),
		"Plan": planErr, "Finish": r.d.Finish(ended, u, func(io.Reader) error { return nil }), "Abort": r.d.Abort(ended, u), "Sweep": sweepErr,
	} {
		wantIs(t, what+" with a context that has ended", err, context.Canceled)
	}
	r.wantObject(t, at, content)
}

func testCheck(t *testing.T, r *run) {
	must(t, r.d.Check(ctx))
	if all := r.list(t, ""); len(all) != 0 {
		t.Errorf("Check left %v", all)
	}
}

func testObjectsAreDurable(t *testing.T, r *run) {
	kept, gone := photo("kept", kib), photo("gone", kib)
	must(t, r.d.Put(ctx, original(kept), "image/jpeg", kept))
	must(t, r.d.Put(ctx, original(gone), "image/jpeg", gone))
	must(t, r.d.Delete(ctx, original(gone)))
	r.reopen(t)
	r.wantObject(t, original(kept), kept)
	r.wantNoObject(t, original(gone))
}
