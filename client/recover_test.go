package client_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// P11: an old backup restored: what the device still holds is pushed again, and nothing that it shows goes missing.
func TestP11RestoredServer(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	backup := s.backup()
	d.edit(site, id1, "lamp out")
	d.create(site, id2, "pump")
	d.sync()
	d.sync() // the server knows that all outcomes are stored: the next request says nothing of the lane
	if got := d.status(site).Unstable; got != 3 {
		t.Fatalf("%d mutations are kept, want 3", got)
	}
	lost := client.DerivedID(id2, "made at the desk, not in the backup")
	s.write(site, lost, ticket(&roundsv1.Ticket{Title: "lost"}))
	d.sync()
	s.restore(backup)
	s.write(site, client.DerivedID(id2, "x"), ticket(&roundsv1.Ticket{Title: "another past"}))
	report := d.sync()
	if report.Again != 2 || report.Resets != 1 {
		t.Fatalf("report %+v", report)
	}
	d.wantTitle(site, id1, "lamp out")
	d.wantTitle(site, id2, "pump")
	if _, err := d.Get(t.Context(), site, "ticket", lost); !errors.Is(err, client.ErrNoRecord) {
		t.Fatalf("what the restored server does not have is still shown: %v", err)
	}
	d.wantSame(site)
	d.wantExactlyOnce()
}

// P11 where the device pushes before it hears of the restore: the gap tells.
func TestP11RestoredServerAnswersWithAGap(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	backup := s.backup()
	d.edit(site, id1, "lamp out")
	d.sync()
	s.restore(backup)
	d.edit(site, id1, "lamp mended")
	if report := d.sync(); report.Again != 1 || report.Exchanges != 1 || report.Sent != 2 || report.Applied != 2 {
		t.Fatalf("report %+v", report)
	}
	d.wantTitle(site, id1, "lamp mended")
	d.wantSame(site)
	d.wantExactlyOnce()
}

// P11 where the person has lost the right by then: before the device gives up what it holds, it makes sure that the server has it.
func TestP11RestoredServerThatRevokes(t *testing.T) {
	for name, revoke := range map[string]func(*server, *rig){
		"the scope":  func(s *server, _ *rig) { s.denied[site] = roundsv1.Revocation_REVOCATION_GRACEFUL },
		"the device": func(s *server, _ *rig) { s.revoked[identity(t, 1).Device] = roundsv1.Revocation_REVOCATION_GRACEFUL },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			d := newRig(t, s, 1)
			d.create(site, id1, "lamp")
			d.sync()
			backup := s.backup()
			d.edit(site, id1, "lamp out")
			d.sync()
			d.sync() // the next request says nothing of the lane
			s.restore(backup)
			s.mu.Lock()
			revoke(s, d)
			s.mu.Unlock()
			report, err := d.Sync(t.Context())
			if err != nil && !errors.Is(err, client.ErrRevoked) {
				t.Fatal(err)
			}
			if report.Again != 1 || len(report.Purged) != 1 {
				t.Fatalf("report %+v", report)
			}
			if got := s.scope(site).lane(identity(t, 1).Device).taken(); got != 2 {
				t.Fatalf("the server has %d of 2", got)
			}
		})
	}
}

// P1 where a restored server has judged a copy of an old request anew, and the person has lost the right since: the device hears of it before it
// gives up what it holds.
func TestP1JudgedAnewAndRevoked(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	backup := s.backup()
	d.edit(site, id1, "lamp out")
	d.sync()
	d.sync()
	s.restore(backup)
	s.judge = func(client.Scope, *roundsv1.Mutation) *roundsv1.Outcome {
		return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED}
	}
	for _, old := range s.log {
		again := connect.NewRequest(old)
		again.Header().Set("Authorization", "Bearer "+string(identity(t, 1).Device)+"#0")
		if _, err := s.Exchange(t.Context(), again); err != nil {
			t.Fatal(err)
		}
	}
	s.denied[site] = roundsv1.Revocation_REVOCATION_GRACEFUL
	d.sync()
	var last client.QueuedEntry
	for entry, err := range d.Queued(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		last = entry
	}
	if last.Lane != 2 || last.Status != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED {
		t.Fatalf("the device knows of %+v", last)
	}
}

// A clone that hears that the server has more than it ever made goes on comparing: what both made is not sent again under the new identity.
func TestForkWithTheServerAhead(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	for _, title := range []string{"a", "b", "c", "d", "e"} {
		d.create(site, client.DerivedID(id1, title), title)
	}
	cloned := newRig(t, s, 1)
	cloned.cfg.Limits = client.Limits{FirstRequestBytes: 200, RequestBytes: 200} // one or two at a time
	cloned.open(d.disk.Clone())
	for _, title := range []string{"f", "g", "h"} {
		d.create(site, client.DerivedID(id1, title), title)
	}
	d.sync()
	cloned.create(site, id2, "of the clone")
	if _, err := cloned.Sync(t.Context()); !errors.Is(err, client.ErrForked) {
		t.Fatalf("Sync: %v", err)
	}
	next := identity(t, 2)
	s.mu.Lock()
	s.keys[next.Device] = next.Key.Public().(ed25519.PublicKey)
	s.mu.Unlock()
	cloned.cfg.Identity, cloned.cfg.Tokens = nil, &tokens{device: next.Device}
	cloned.open(cloned.disk)
	if err := cloned.Reenrol(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	cloned.sync()
	if got := s.scope(site).lane(next.Device).taken(); got != 1 {
		t.Fatalf("%d mutations came under the new identity, want the one that the server did not have", got)
	}
}

// What the server has in a backup is not kept, nor what is older or more than the settings say.
func TestRetention(t *testing.T) {
	for name, prepare := range map[string]func(*server, *rig){
		"stable": func(s *server, _ *rig) { s.stableThrough = 100 },
		"bytes":  func(_ *server, d *rig) { d.cfg.Limits.RetainBytes = 1 },
		"age":    func(s *server, d *rig) { d.cfg.Timing.Retain = time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			d := newRig(t, s, 1)
			prepare(s, d)
			d.cfg.Limits.FirstRequestBytes, d.cfg.Limits.RequestBytes = 300, 300 // some are forgotten while others wait
			d.open(d.disk)
			for i := range 5 {
				d.create(site, client.DerivedID(id1, fmt.Sprint(i)), "lamp")
			}
			d.sync()
			s.mu.Lock()
			s.nowUS += 1_000_000
			s.mu.Unlock()
			d.create(site, id1, "one more")
			d.sync()
			if got := d.status(site); got.Bytes > 200 || got.Unstable > 1 {
				t.Fatalf("kept: %+v", got)
			}
			d.wantExactlyOnce()
		})
	}
}

// P11: what the server took a moment ago is kept however long ago it was made: a phone may have been offline for months, or its clock wrong by years.
func TestRetentionBeginsWithTheServer(t *testing.T) {
	s := newServer(t)
	s.judge = func(client.Scope, *roundsv1.Mutation) *roundsv1.Outcome {
		return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED, TimeUs: s.nowUS - (15 * 365 * 24 * time.Hour).Microseconds()}
	}
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	d.sync()
	if got := d.status(site).Unstable; got != 1 {
		t.Fatalf("%d mutations are kept, want 1", got)
	}
	s.mu.Lock()
	s.nowUS += (31 * 24 * time.Hour).Microseconds()
	s.mu.Unlock()
	d.sync()
	if got := d.status(site).Unstable; got != 0 {
		t.Fatalf("%d mutations are kept, want none", got)
	}
}

// A phone was restored from a backup, or cloned: the branch that the server did not take goes on under a new identity, and
// nothing is sent twice.
func TestForkAndReenrol(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	shared := []string{"a", "b", "c"}
	for _, title := range shared {
		d.edit(site, id1, title)
	}
	cloned := newRig(t, s, 1)
	cloned.cfg.Limits = client.Limits{FirstRequestBytes: 250, RequestBytes: 250} // two at a time: the server answers with more taken than was sent
	cloned.open(d.disk.Clone())
	d.create(site, id2, "of the first phone")
	d.edit(site, id2, "of the first phone")
	d.sync()
	for i := range 9 {
		cloned.create(site, client.DerivedID(id2, fmt.Sprint(i)), "of the second phone")
	}
	_, err := cloned.Sync(t.Context())
	if !errors.Is(err, client.ErrForked) {
		t.Fatalf("Sync: %v", err)
	}
	if !cloned.status(site).Forked {
		t.Fatal("the status does not say that the lane is forked")
	}
	if got := cloned.get(site, id2).Record.GetTicket().GetTitle(); got != "of the first phone" {
		t.Fatalf("a forked device still pulls: %q", got)
	}
	was, _ := cloned.Identity()
	next := identity(t, 2)
	s.mu.Lock()
	s.keys[next.Device] = next.Key.Public().(ed25519.PublicKey)
	s.mu.Unlock()
	cloned.cfg.Identity, cloned.cfg.Tokens = nil, &tokens{device: next.Device}
	cloned.open(cloned.disk)
	if err := cloned.Reenrol(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	cloned.sync()
	if got := s.scope(site).lane(next.Device).taken(); got != 9 {
		t.Fatalf("%d mutations came under the new identity, want the 9 that the server did not have", got)
	}
	if got := s.scope(site).lane(was.Device).taken(); got != 6 {
		t.Fatalf("%d mutations stand under the old identity, want 6", got)
	}
	d.sync()
	d.wantSame(site)
	cloned.wantSame(site)
	cloned.wantTitle(site, client.DerivedID(id2, "8"), "of the second phone")
	moved := 0
	for e, err := range cloned.Queued(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Status == 0 {
			t.Errorf("no outcome: %+v", e)
		}
		if e.Device == next.Device {
			moved++
		}
	}
	if moved != 9 {
		t.Fatalf("the ledger has %d under the new identity", moved)
	}
}

// A clone that has nothing to push hears that the server took what it never made, and does not take that for its own.
func TestForkFoundWithoutPushing(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	cloned := newRig(t, s, 1)
	cloned.open(d.disk.Clone())
	d.edit(site, id1, "one")
	d.edit(site, id1, "two")
	d.sync()
	for range 2 { // found, and remembered
		if _, err := cloned.Sync(t.Context()); !errors.Is(err, client.ErrForked) {
			t.Fatalf("Sync: %v", err)
		}
		cloned.edit(site, id1, "three")
	}
	if got := cloned.status(site); got.Last-got.Taken != 2 {
		t.Fatalf("the clone takes its mutation for delivered: %+v", got)
	}
}

// A replica that differs is found by its state hash, repaired by ranges, and the repair is reported.
func TestRepair(t *testing.T) {
	for name, damage := range map[string]func(store.Writer, []store.Entry) error{
		"a record is lost":  func(w store.Writer, r []store.Entry) error { return w.Delete(r[70].Key) },
		"the first is lost": func(w store.Writer, r []store.Entry) error { return w.Delete(r[0].Key) },
		"the last is lost":  func(w store.Writer, r []store.Entry) error { return w.Delete(r[len(r)-1].Key) },
		"one is too many": func(w store.Writer, r []store.Entry) error {
			return w.Set(append(r[5].Key[:len(r[5].Key)-1:len(r[5].Key)-1], 'x'), r[5].Value)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			d := newRig(t, s, 1)
			for i := range 150 {
				s.write(site, client.DerivedID(id1, fmt.Sprint(i)), ticket(&roundsv1.Ticket{Title: fmt.Sprint("ticket ", i)}))
			}
			d.sync()
			spoil(t, d.disk, damage)
			s.write(site, id2, ticket(&roundsv1.Ticket{Title: "one more"}))
			report := d.sync()
			if report.Diverged == 0 || report.Repairs != 1 {
				t.Fatalf("report %+v", report)
			}
			d.wantSame(site)
			if got := d.status(site); got.Repairs != 1 || got.Diverged {
				t.Fatalf("status %+v", got)
			}
		})
	}
}

// spoil damages a scope's records behind the device's back, and keeps the sum of what is left, as a fault of the merge would.
func spoil(t *testing.T, disk *memstore.Store, damage func(store.Writer, []store.Entry) error) {
	t.Helper()
	err := disk.Update(context.Background(), site, func(w store.Writer) error {
		var records []store.Entry
		for e, err := range w.Scan(store.Prefix([]byte{'r'})) {
			if err != nil {
				return err
			}
			records = append(records, store.Entry{Key: slices.Clone(e.Key), Value: slices.Clone(e.Value)})
		}
		if err := damage(w, records); err != nil {
			return err
		}
		state, err := w.Get([]byte{'c'})
		if err != nil {
			return err
		}
		spoiled := slices.Clone(state)
		at := bytes.Index(spoiled, []byte(`"sum":"`)) + len(`"sum":"`)
		spoiled[at] = "0123456789abcdef"[(slices.Index([]byte("0123456789abcdef"), spoiled[at])+1)%16]
		return w.Set([]byte{'c'}, spoiled)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// P13: wrong clocks, years off, jumping, running backwards, rebooting, break none of the promises.
func TestP13ClocksJump(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	other := newRig(t, s, 2)
	jumps := []time.Duration{-50 * 365 * 24 * time.Hour, 120 * 365 * 24 * time.Hour, -time.Hour, 3 * time.Minute}
	for i, jump := range jumps {
		d.clock.jump(jump)
		id := client.DerivedID(id1, fmt.Sprint(i))
		d.create(site, id, "made")
		if i%2 == 0 {
			d.clock.reboot(fmt.Sprint("boot ", i))
		}
		d.edit(site, id, fmt.Sprint("seen ", i))
		d.wantTitle(site, id, fmt.Sprint("seen ", i))
		d.sync()
		d.wantTitle(site, id, fmt.Sprint("seen ", i))
		other.sync()
		other.edit(site, id, fmt.Sprint("on top ", i))
		other.sync()
		d.sync()
		d.wantTitle(site, id, fmt.Sprint("on top ", i))
		d.edit(site, id, fmt.Sprint("and again ", i))
		d.wantTitle(site, id, fmt.Sprint("and again ", i))
		d.sync()
		d.wantTitle(site, id, fmt.Sprint("and again ", i))
	}
	d.wantExactlyOnce()
	d.wantSame(site)
	status, err := d.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := time.Duration(s.nowUS-d.clock.wall.UnixMicro()) * time.Microsecond
	if off := status.Offset - want; off > time.Second || off < -time.Second {
		t.Fatalf("the offset of the wall clock is %v, want about %v", status.Offset, want)
	}
}

// What the server calls too large is sent in smaller requests, and what it asks to wait for is handed on.
func TestLimitAndRetryAfter(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	for i := range 40 {
		d.create(site, client.DerivedID(id1, fmt.Sprint(i)), "lamp")
	}
	s.before = func(n int) error {
		for _, batch := range s.log[n-1].GetLanes() {
			if len(batch.GetMutations()) > 10 {
				return refuse(connect.CodeResourceExhausted, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_LIMIT})
			}
		}
		return nil
	}
	d.sync()
	d.wantExactlyOnce()
	s.before = func(int) error {
		return refuse(connect.CodeResourceExhausted, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_RATE,
			RetryAfter: durationpb.New(7 * time.Second)})
	}
	_, err := d.Sync(t.Context())
	if got := client.RetryAfter(err); got != 7*time.Second {
		t.Fatalf("RetryAfter is %v of %v", got, err)
	}
}

// A token that the server refuses is replaced once; a cursor that it does not know is replaced by the beginning.
func TestTokenAndCursorRefused(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	me, _ := d.Identity()
	s.badTokens[string(me.Device)+"#0"] = true
	d.create(site, id1, "lamp")
	d.sync()
	refusals := 0
	s.before = func(n int) error {
		if refusals++; refusals == 1 {
			return refuse(connect.CodeInvalidArgument, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_BAD_CURSOR})
		}
		return nil
	}
	if report := d.sync(); report.Resets != 1 {
		t.Fatalf("report %+v", report)
	}
	d.wantTitle(site, id1, "lamp")
	d.wantSame(site)
}

// P10 for the move to a new identity: a crash at each write of it, and what was queued is moved once.
func TestP10CrashWhileReenrolling(t *testing.T) {
	struck := true
	for at := 1; struck; at++ {
		struck = false
		s := newServer(t)
		d := newRig(t, s, 1)
		d.create(site, id1, "lamp")
		d.create(desk, id2, "inbox")
		d.sync()
		for i := range 5 {
			d.edit(site, id1, fmt.Sprint("edit ", i))
			d.edit(desk, id2, fmt.Sprint("edit ", i))
		}
		next := identity(t, 2)
		s.keys[next.Device] = next.Key.Public().(ed25519.PublicKey)
		writes, moving := 0, true
		d.cfg.Identity, d.cfg.Tokens = nil, &tokens{device: next.Device}
		d.open(d.disk.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
			if op.Step == memstore.StepCommit && moving {
				if writes++; writes == at {
					struck = true
					return memstore.CrashAfter
				}
			}
			return memstore.None
		}}))
		if err := d.Reenrol(t.Context(), next); err != nil {
			d.open(d.disk.Crash().CloneWith(memstore.Config{}))
		}
		moving = false
		if me, err := d.Identity(); err != nil || me.Device != next.Device {
			t.Fatalf("crash at %d: identity %v, %v", at, me, err)
		}
		d.edit(site, id1, "after")
		d.sync()
		for scope, want := range map[client.Scope]uint64{site: 6, desk: 5} {
			if got := s.scope(scope).lane(next.Device).taken(); got != want {
				t.Fatalf("crash at %d: %s has %d mutations under the new identity, want %d", at, scope, got, want)
			}
		}
		d.wantTitle(site, id1, "after")
		d.wantSame(site)
	}
}

// When the store loses its reply, Do looks whether the mutation is there, and does not make the person do it twice.
func TestDoFindsWhatItsStoreHasDone(t *testing.T) {
	d := newRig(t, newServer(t), 1)
	d.open(d.disk.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if op.Step == memstore.StepCommit {
			return memstore.ReplyLost
		}
		return memstore.None
	}}))
	d.create(site, id1, "lamp")
	if got := d.status(site).Queued; got != 1 {
		t.Fatalf("%d queued", got)
	}
}

// P8: a device that was revoked, and could not write that down, gives up everything at the next occasion, and not only after a restart.
func TestP8RevocationGoesOnAfterAFailedWrite(t *testing.T) {
	for failing := 1; ; failing++ {
		s := newServer(t)
		d := newRig(t, s, 1)
		d.create(site, id1, "lamp")
		d.create(desk, id1, "lamp")
		d.sync()
		s.mu.Lock()
		s.revoked[identity(t, 1).Device] = roundsv1.Revocation_REVOCATION_GRACEFUL
		s.mu.Unlock()
		commits, struck := 0, false
		d.open(d.disk.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
			if op.Step == memstore.StepCommit || op.Step == memstore.StepDrop {
				if commits++; commits == failing {
					struck = true
					return memstore.Fail
				}
			}
			return memstore.None
		}}))
		for range 3 {
			_, _ = d.Sync(t.Context())
		}
		scopes, err := d.Scopes(t.Context())
		if err != nil || len(scopes) > 0 {
			t.Fatalf("write %d failed: the device still holds %v (%v)", failing, scopes, err)
		}
		if !struck {
			if failing < 5 {
				t.Fatalf("only %d writes", commits)
			}
			return
		}
	}
}

// A lane that the server refuses is sent once in a Sync, also where that Sync finds out that the device's clock was wrong.
func TestRefusedLaneRestsThroughAClockChange(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.sync()
	d.clock.reboot("boot-2")
	d.clock.jump(10 * time.Hour)
	d.create("site/foreign", id2, "elsewhere")
	d.create("site/strange", id2, "elsewhere")
	refused := map[string]int{}
	s.before = func(n int) error {
		for _, batch := range s.log[n-1].GetLanes() {
			refused[batch.GetScope()]++
			return refuse(connect.CodePermissionDenied, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, Scope: batch.GetScope()})
		}
		return nil
	}
	d.sync()
	if refused["site/foreign"] != 1 || refused["site/strange"] != 1 {
		t.Fatalf("sent and refused: %v", refused)
	}
}
