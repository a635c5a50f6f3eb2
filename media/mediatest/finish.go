package mediatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
)

func testFinishIncomplete(t *testing.T, r *run) {
	content := photo("incomplete", 200*kib)
	u := uploadOf(device, content)
	check := func(io.Reader) error {
		t.Error("check was called without all parts")
		return nil
	}
	wantIs(t, "Finish without an upload", r.d.Finish(ctx, u, check), media.ErrNotFound)
	parts := r.plan(t, u, 64*kib).Parts
	wantIs(t, "Finish without parts", r.d.Finish(ctx, u, check), media.ErrIncomplete)
	for _, i := range []int{3, 0, 2} {
		r.send(t, content, parts[i])
		wantIs(t, "Finish without all parts", r.d.Finish(ctx, u, check), media.ErrIncomplete)
	}
	r.wantReceived(t, u, u.Size-64*kib)
	r.wantNoObject(t, original(content))
	bad := u
	bad.Size = 0
	wantIs(t, "Finish of zero bytes", r.d.Finish(ctx, bad, check), media.ErrInvalid)
	other := u
	other.Size++
	wantIs(t, "Finish of another size", r.d.Finish(ctx, other, check), media.ErrNotFound)
	r.send(t, content, parts[1])
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

// testFinishRefused: what the check refuses is dropped, and can be sent again.
func testFinishRefused(t *testing.T, r *run) {
	for _, partBytes := range []int64{64 * kib, mib} {
		content := photo(fmt.Sprint("refused", partBytes), 200*kib)
		u := uploadOf(device, content)
		r.sendAll(t, u, content, partBytes)
		reason := errors.New("not this")
		err := r.d.Finish(ctx, u, func(from io.Reader) error {
			_, err := io.CopyN(io.Discard, from, 1000) // it does not have to read all
			return errors.Join(err, reason)
		})
		wantIs(t, "Finish", err, reason)
		r.wantNoObject(t, original(content))
		r.wantReceived(t, u, 0)
		r.sendAll(t, u, content, partBytes)
		must(t, media.Receive(ctx, r.d, u))
		r.wantObject(t, original(content), content)
	}
}

// testFinishReads: the check sees just the bytes, in order, to the end.
func testFinishReads(t *testing.T, r *run) {
	for _, size := range []int{1, 64 * kib, 64*kib + 1, 300_000, 8*mib + 1} {
		for _, partBytes := range []int64{64 * kib, 200_000, 8 * mib} {
			if size > mib && partBytes < mib {
				continue
			}
			content := photo(fmt.Sprint("reads", size, partBytes), size)
			u := uploadOf(device, content)
			r.sendAll(t, u, content, partBytes)
			var got []byte
			must(t, r.d.Finish(ctx, u, func(from io.Reader) (err error) {
				got, err = io.ReadAll(from)
				return err
			}))
			if !bytes.Equal(got, content) {
				t.Errorf("%d bytes in parts of %d: the check saw %d bytes, or other ones", size, partBytes, len(got))
			}
			r.wantObject(t, original(content), content)
		}
	}
}

// testFinishGivenUp: a caller that goes away while its photo is checked loses nothing.
func testFinishGivenUp(t *testing.T, r *run) {
	content := photo("given up", 300*kib)
	u := uploadOf(device, content)
	r.sendAll(t, u, content, 128*kib)
	ended, end := context.WithCancel(ctx)
	err := r.d.Finish(ended, u, func(from io.Reader) error {
		end()
		return pass(from)
	})
	if err == nil { // it had read all before it looked
		r.wantObject(t, original(content), content)
		return
	}
	wantIs(t, "Finish that was given up", err, context.Canceled)
	r.wantNoObject(t, original(content))
	r.wantReceived(t, u, u.Size)
	must(t, media.Receive(ctx, r.d, u))
	r.wantObject(t, original(content), content)
}

// testFinishDuringPart finishes while a part is on its way: once it is needed, once it was sent before.
func testFinishDuringPart(t *testing.T, r *run) {
	for _, again := range []bool{false, true} {
		content := photo(fmt.Sprint("during", again), 300*kib)
		u := uploadOf(device, content)
		parts := r.plan(t, u, 128*kib).Parts
		for i, part := range parts {
			if i != 1 || again {
				r.send(t, content, part)
			}
		}
		from, to := io.Pipe()
		status := make(chan int)
		go func() {
			got, _ := r.put(ctx, parts[1], from, parts[1].Size, md5Of(slice(content, parts[1])))
			_ = from.Close() // a server that has answered reads no further
			status <- got
		}()
		half := parts[1].Size / 2
		_, _ = to.Write(slice(content, parts[1])[:half])
		if again {
			must(t, media.Receive(ctx, r.d, u))
			_, _ = to.Write(slice(content, parts[1])[half:])
			_ = to.Close()
			<-status
			wantIs(t, "Finish after a late part", r.d.Finish(ctx, u, pass), media.ErrNotFound)
		} else {
			wantIs(t, "Finish before the last part", media.Receive(ctx, r.d, u), media.ErrIncomplete)
			_, err := to.Write(slice(content, parts[1])[half:])
			must(t, err)
			_ = to.Close()
			if got := <-status; got != http.StatusOK {
				t.Errorf("PUT during Finish: status %d", got)
			}
			must(t, media.Receive(ctx, r.d, u))
		}
		r.wantObject(t, original(content), content)
	}
}

func testFinishByTwoOwners(t *testing.T, r *run) {
	for i := range 5 {
		content := photo(fmt.Sprint("owners", i), 200*kib)
		owners := []media.Owner{device, other, "device-3", "device-4"}
		for j, owner := range owners {
			r.sendAll(t, uploadOf(owner, content), content, int64(j+1)*64*kib)
		}
		var finishing sync.WaitGroup
		for _, owner := range owners {
			finishing.Go(func() {
				if err := media.Receive(ctx, r.d, uploadOf(owner, content)); err != nil {
					t.Errorf("Receive of %s: %v", owner, err)
				}
			})
		}
		finishing.Wait()
		r.wantObject(t, original(content), content)
		for _, owner := range owners {
			wantIs(t, "Finish again", r.d.Finish(ctx, uploadOf(owner, content), pass), media.ErrNotFound)
		}
	}
}

func testFinishTwiceAtOnce(t *testing.T, r *run) {
	for i := range 5 {
		content := photo(fmt.Sprint("twice", i), 200*kib)
		u := uploadOf(device, content)
		r.sendAll(t, u, content, 128*kib)
		errs := make([]error, 3)
		var finishing sync.WaitGroup
		for j := range errs {
			finishing.Go(func() { errs[j] = media.Receive(ctx, r.d, u) })
		}
		finishing.Wait()
		for _, err := range errs {
			if err != nil && !errors.Is(err, media.ErrNotFound) && !errors.Is(err, media.ErrUnavailable) {
				t.Errorf("Receive, three at a time: %v", err)
			}
		}
		if !slices.Contains(errs, nil) {
			t.Errorf("of three Receives none was done: %v", errs)
		}
		r.wantObject(t, original(content), content)
	}
}

// testFinishLeavesWhatIsThere: an object that stands is not written again, and what does not pass does not touch it.
func testFinishLeavesWhatIsThere(t *testing.T, r *run) {
	content := photo("there", 200*kib)
	r.store(t, device, content)
	object, err := r.d.Open(ctx, original(content))
	must(t, err)
	before := object.Info().Modified
	must(t, object.Close())
	r.Pass(2 * time.Second)
	r.store(t, other, content)
	again, err := r.d.Open(ctx, original(content))
	must(t, err)
	must(t, again.Close())
	if !again.Info().Modified.Equal(before) {
		t.Errorf("it was written again: %v, before %v", again.Info().Modified, before)
	}
	u := uploadOf(other, content)
	for _, part := range r.plan(t, u, mib).Parts {
		r.tryPut(part, photo("other", int(part.Size)))
	}
	wantIs(t, "Receive of other bytes", media.Receive(ctx, r.d, u), media.ErrDiffers)
	r.wantObject(t, original(content), content)
}

func testFinishIsDurable(t *testing.T, r *run) {
	one, many := photo("durable one", 100*kib), photo("durable many", 300*kib)
	r.store(t, device, one)
	u := uploadOf(device, many)
	r.sendAll(t, u, many, 64*kib)
	must(t, media.Receive(ctx, r.d, u))
	r.reopen(t)
	r.wantObject(t, original(one), one)
	r.wantObject(t, original(many), many)
	wantIs(t, "Finish again", r.d.Finish(ctx, u, pass), media.ErrNotFound)
	r.wantGet(t, r.link(t, original(many)), many)
}

func testAbort(t *testing.T, r *run) {
	content := photo("abort", 200*kib)
	u := uploadOf(device, content)
	must(t, r.d.Abort(ctx, u))
	r.sendAll(t, uploadOf(other, content), content, 64*kib)
	for _, n := range []int{0, 1, 4} {
		for i, part := range r.plan(t, u, 64*kib).Parts {
			if i < n {
				r.send(t, content, part)
			}
		}
		must(t, r.d.Abort(ctx, u))
		must(t, r.d.Abort(ctx, u))
		wantIs(t, "Finish after Abort", r.d.Finish(ctx, u, pass), media.ErrNotFound)
		r.wantReceived(t, u, 0)
	}
	must(t, media.Receive(ctx, r.d, uploadOf(other, content)))
	must(t, r.d.Abort(ctx, u))
	r.wantObject(t, original(content), content)
}

// testSweep: what rested is dropped; what was planned or got a part since is not, nor is any object.
func testSweep(t *testing.T, r *run) {
	stored := photo("stored", 100)
	r.store(t, device, stored)
	var uploads []media.Upload
	var contents [][]byte
	for i := range 4 {
		content := photo(fmt.Sprint("sweep", i), 256*kib)
		u := uploadOf(device, content)
		r.send(t, content, r.plan(t, u, 64*kib).Parts[i])
		uploads, contents = append(uploads, u), append(contents, content)
	}
	parts := r.plan(t, uploads[3], 64*kib).Parts
	r.Pass(2 * time.Second)
	before := r.Now()
	r.Pass(2 * time.Second)
	r.plan(t, uploads[1], 64*kib)
	r.send(t, contents[3], parts[0])
	if n, err := r.d.Sweep(ctx, before.Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("nothing is as old as that: Sweep = %d, %v", n, err)
	}
	if n, err := r.d.Sweep(ctx, before); n != 2 || err != nil {
		t.Errorf("two have rested: Sweep = %d, %v", n, err)
	}
	if n, err := r.d.Sweep(ctx, before); n != 0 || err != nil {
		t.Errorf("Sweep again = %d, %v", n, err)
	}
	for i, want := range []int64{0, 64 * kib, 0, 128 * kib} {
		r.wantReceived(t, uploads[i], want)
	}
	r.wantObject(t, original(stored), stored)
}

func testReceive(t *testing.T, r *run) {
	content := photo("receive", 100*kib)
	u := uploadOf(device, content)
	u.Hash[5] ^= 1 // announced was another
	r.sendAll(t, u, content, mib)
	var differs *media.DiffersError
	if err := media.Receive(ctx, r.d, u); !errors.As(err, &differs) || !errors.Is(err, media.ErrDiffers) {
		t.Fatalf("Receive of other bytes: %v", err)
	}
	if differs.Want != u || differs.Hash != hashOf(content) || differs.Size != u.Size {
		t.Errorf("what was found: %+v", differs)
	}
	r.wantReceived(t, u, 0)
	r.wantNoObject(t, media.At(media.Original, u.Hash))
	r.wantNoObject(t, original(content))
}

func testAudit(t *testing.T, r *run) {
	if r.Damage == nil {
		t.Skip("stored objects cannot be damaged here")
	}
	good, bad, orphan, missing := photo("good", 100*kib), photo("bad", 100*kib), photo("orphan", kib), photo("missing", kib)
	for _, content := range [][]byte{good, bad, orphan} {
		r.store(t, device, content)
	}
	for _, of := range [][]byte{good, missing} {
		must(t, r.d.Put(ctx, media.At(media.Small, hashOf(of)), "image/jpeg", []byte("small")))
	}
	r.Damage(t, original(bad))
	got := map[media.Fault]bool{}
	want := func(yield func(media.Hash, error) bool) {
		for _, content := range [][]byte{missing, bad, good, bad} {
			if !yield(hashOf(content), nil) {
				return
			}
		}
	}
	for fault, err := range media.Audit(ctx, r.d, media.AuditConfig{Want: want}) {
		must(t, err)
		fault.Found = media.Hash{}
		got[fault] = true
	}
	for _, fault := range []media.Fault{
		{Kind: media.FaultMissing, Address: original(missing)}, {Kind: media.FaultChanged, Address: original(bad)},
		{Kind: media.FaultOrphaned, Address: original(orphan)}, {Kind: media.FaultStray, Address: media.At(media.Small, hashOf(missing))},
	} {
		if !got[fault] {
			t.Errorf("not found: %s %s", fault.Kind, fault.Address)
		}
		delete(got, fault)
	}
	for fault := range got {
		t.Errorf("found without reason: %+v", fault)
	}
}

// testStorm is many devices at once, each with a photo of its own or one that another has too, that change their mind about part sizes, resend, abort
// and ask for the state.
func testStorm(t *testing.T, r *run) {
	var storm sync.WaitGroup
	for i := range 8 {
		storm.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			content := photo(fmt.Sprint("storm", i/2), 300_000+i/2)
			u := uploadOf(media.Owner(fmt.Sprint("device ", i)), content)
			for {
				p, err := r.d.Plan(ctx, u, media.Want{PartBytes: int64(64+random.IntN(200)) * kib, MaxParts: 1 + random.IntN(4), Until: r.Now().Add(time.Hour)})
				if err != nil {
					t.Errorf("Plan: %v", err)
					return
				}
				for _, part := range p.Parts {
					switch random.IntN(8) {
					case 0: // lost
					case 1:
						r.tryPut(part, photo("damage", int(part.Size))[1:])
					case 2:
						r.tryPut(part, slice(content, part))
						r.tryPut(part, slice(content, part))
					default:
						r.tryPut(part, slice(content, part))
					}
				}
				if random.IntN(20) == 0 {
					if err := r.d.Abort(ctx, u); err != nil {
						t.Errorf("Abort: %v", err)
					}
				}
				err = media.Receive(ctx, r.d, u)
				if err == nil {
					break
				}
				if !errors.Is(err, media.ErrIncomplete) && !errors.Is(err, media.ErrNotFound) {
					t.Errorf("Receive: %v", err)
					return
				}
			}
			r.wantObject(t, original(content), content)
		})
	}
	storm.Wait()
	if all := r.list(t, ""); len(all) != 4 {
		t.Errorf("four photos, listed are %v", all)
	}
}
