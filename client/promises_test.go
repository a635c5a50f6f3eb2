package client_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

var errCut = connect.NewError(connect.CodeUnavailable, errors.New("cut"))

// wantExactlyOnce holds what a device says that it queued against what the server took, in order.
func (r *rig) wantExactlyOnce() {
	r.t.Helper()
	got := map[client.Scope][]journal.Hash{}
	for e, err := range r.Queued(r.t.Context()) {
		if err != nil {
			r.t.Fatalf("Queued: %v", err)
		}
		if e.Status == 0 {
			r.t.Errorf("%s lane seq %d has no outcome", e.Scope, e.Lane)
		}
		got[e.Scope] = append(got[e.Scope], e.Content)
	}
	me, err := r.Identity()
	if err != nil {
		r.t.Fatal(err)
	}
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	for _, name := range r.server.names() {
		var took []journal.Hash
		for _, content := range r.server.scope(name).lane(me.Device).contents {
			took = append(took, journal.ContentHash(content))
		}
		if !slices.Equal(got[name], took) {
			r.t.Errorf("%s: the device queued %d, the server took %d, or others", name, len(got[name]), len(took))
		}
	}
}

// P2: resending, duplicating, cutting or reordering requests changes nothing; done-but-reply-lost is the same as done.
func TestP2LostRequestsAndReplies(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newServer(t)
			d := newRig(t, s, 1)
			d.cfg.Limits = client.Limits{FirstRequestBytes: 600, RequestBytes: 1200, PageBytes: 700}
			d.open(d.disk)
			chance := rand.New(rand.NewPCG(seed, 2))
			s.before = func(int) error {
				if chance.IntN(4) == 0 {
					return errCut
				}
				return nil
			}
			s.after = s.before
			for i := range 30 {
				id := client.DerivedID(id1, fmt.Sprint(i%7))
				scope := []client.Scope{site, desk}[i%2]
				if i < 14 {
					d.create(scope, id, fmt.Sprint("ticket ", i))
				} else {
					d.edit(scope, id, fmt.Sprint("edit ", i))
				}
				if chance.IntN(3) == 0 {
					_, _ = d.Sync(t.Context())
				}
			}
			s.mu.Lock()
			s.before, s.after = nil, nil
			s.mu.Unlock()
			d.sync()
			d.wantExactlyOnce()
			d.wantSame(site)
			d.wantSame(desk)
		})
	}
}

// P6: no mutation blocks another: neither one that is refused, nor one that is parked, nor a lane that is refused as a whole.
func TestP6NothingBlocks(t *testing.T) {
	s := newServer(t)
	s.judge = func(_ client.Scope, m *roundsv1.Mutation) *roundsv1.Outcome {
		switch m.GetEdit().GetRecord().GetTicket().GetTitle() {
		case "refused":
			return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED,
				Problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT}}
		case "parked":
			return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT, ConflictId: string(id2)}
		}
		return nil
	}
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.edit(site, id1, "refused")
	d.edit(site, id1, "parked")
	d.edit(site, id1, "last")
	d.create("site/foreign", id2, "elsewhere")
	s.before = func(n int) error {
		for _, batch := range s.log[n-1].GetLanes() {
			if batch.GetScope() == "site/foreign" {
				return refuse(connect.CodePermissionDenied, &roundsv1.Problem{
					Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, Scope: batch.GetScope()})
			}
		}
		for _, c := range s.log[n-1].GetCursors() {
			if c.GetScope() == "site/foreign" {
				return refuse(connect.CodePermissionDenied, &roundsv1.Problem{
					Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, Scope: c.GetScope()})
			}
		}
		return nil
	}
	report := d.sync()
	if report.Applied != 2 || report.Rejected != 1 || report.Conflicts != 1 || !slices.Equal(report.Parked, []client.Scope{"site/foreign"}) {
		t.Fatalf("report %+v", report)
	}
	d.wantTitle(site, id1, "last")
	d.wantTitle("site/foreign", id2, "elsewhere")
	var statuses []client.TrayStatus
	for _, item := range d.tray() {
		statuses = append(statuses, item.Status)
	}
	if want := []client.TrayStatus{client.TrayParked, client.TrayRejected, client.TrayWaiting}; !slices.Equal(statuses, want) {
		t.Fatalf("tray holds %v, want %v", statuses, want)
	}
}

// P7: a complete pull is a snapshot that holds the device's own acknowledged mutations, and at no moment between does an own
// write vanish.
func TestP7OwnWritesNeverFlicker(t *testing.T) {
	s := newServer(t)
	s.pageBytes = 200
	d := newRig(t, s, 1)
	d.create(site, id1, "before")
	d.sync()
	watching := false
	disk := d.disk.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if !watching || op.Step != memstore.StepCommit {
			return memstore.None
		}
		watching = false // the look below is not looked at
		d.wantTitle(site, id1, "mine")
		watching = true
		return memstore.None
	}})
	d.open(disk)
	for i := range 40 {
		s.write(site, client.DerivedID(id2, fmt.Sprint(i)), ticket(&roundsv1.Ticket{Title: "somebody's", Description: "long enough for small pages"}))
	}
	d.edit(site, id1, "mine")
	for i := range 40 {
		s.write(site, client.DerivedID(id2, fmt.Sprint(i)), ticket(&roundsv1.Ticket{Title: "somebody's again"}))
	}
	watching = true
	replies := 0
	s.after = func(int) error {
		if replies++; replies == 2 {
			return errCut
		}
		return nil
	}
	if _, err := d.Sync(t.Context()); err == nil {
		t.Fatal("the second reply was to be lost")
	}
	report := d.sync()
	if report.Exchanges < 5 {
		t.Fatalf("%d exchanges: the pages were not small", report.Exchanges)
	}
	if v := d.get(site, id1); v.Pending != 0 {
		t.Fatalf("still pending: %+v", v)
	}
	d.wantSame(site)
}

// A counter shows its sum exactly once at every moment, also while the snapshot has the record with the delta and the pull is
// not complete.
func TestP7CountersAreNotShownTwice(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	watching := false
	d.open(d.disk.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if watching && op.Step == memstore.StepCommit {
			watching = false
			if got := d.get(site, id1).Record.GetTicket().GetVisits(); got != 1 {
				t.Errorf("%d visits are shown", got)
			}
			watching = true
		}
		return memstore.None
	}}))
	if _, err := d.Fact(t.Context(), site, id1, ticket(&roundsv1.Ticket{Visits: 1})); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		d.create(site, client.DerivedID(id2, fmt.Sprint(i)), "behind the visit, for pages of its own")
	}
	s.pageBytes = 50
	watching = true
	if report := d.sync(); report.Exchanges < 3 {
		t.Fatalf("%d exchanges: the pages were not small", report.Exchanges)
	}
	d.wantSame(site)
}

// P8: revocation purges: gracefully after the queue was delivered, or at once; and the server is told.
func TestP8Purge(t *testing.T) {
	for _, how := range []roundsv1.Revocation{roundsv1.Revocation_REVOCATION_GRACEFUL, roundsv1.Revocation_REVOCATION_IMMEDIATE} {
		t.Run(how.String(), func(t *testing.T) {
			s := newServer(t)
			d := newRig(t, s, 1)
			d.cfg.Limits = client.Limits{FirstRequestBytes: 500, RequestBytes: 500}
			d.open(d.disk)
			d.create(desk, id1, "stays")
			d.create(site, id1, "goes")
			d.sync()
			s.mu.Lock()
			s.denied[site] = how
			s.mu.Unlock()
			for i := range 12 {
				d.edit(site, id1, fmt.Sprint("edit ", i))
			}
			d.sync()
			if _, err := d.Get(t.Context(), site, "ticket", id1); !errors.Is(err, client.ErrNoRecord) {
				t.Fatalf("the record is still here: %v", err)
			}
			d.wantTitle(desk, id1, "stays")
			scopes, err := d.Scopes(t.Context())
			if err != nil || !slices.Equal(scopes, []client.Scope{desk}) {
				t.Fatalf("scopes %v, %v", scopes, err)
			}
			me, _ := d.Identity()
			took := s.scope(site).lane(me.Device).taken()
			if graceful := how == roundsv1.Revocation_REVOCATION_GRACEFUL; graceful != (took == 13) {
				t.Fatalf("the server took %d of 13", took)
			}
			if !slices.Equal(s.purged, []client.Scope{site}) {
				t.Fatalf("told of %v", s.purged)
			}

			// The person comes back: the lane goes on where it was.
			s.mu.Lock()
			delete(s.denied, site)
			s.mu.Unlock()
			d.sync()
			d.edit(site, id1, "back again")
			d.sync()
			if got := s.scope(site).lane(me.Device).taken(); got != took+1 {
				t.Fatalf("the server took %d, want %d", got, took+1)
			}
			d.wantSame(site)
		})
	}
}

// P8 for a device that was revoked as a whole.
func TestP8DeviceRevoked(t *testing.T) {
	s := newServer(t)
	d := newRig(t, s, 1)
	d.create(site, id1, "lamp")
	d.sync()
	d.edit(site, id1, "last words")
	me, _ := d.Identity()
	s.revoked[me.Device] = roundsv1.Revocation_REVOCATION_GRACEFUL
	report, err := d.Sync(t.Context())
	if !errors.Is(err, client.ErrRevoked) {
		t.Fatalf("Sync: %v", err)
	}
	// Before it purges it asks what became of all that it holds; what it knows already is not counted again.
	if report.Applied != 1 || report.Outcomes() != 1 {
		t.Fatalf("of one mutation it counts %+v", report)
	}
	if scopes, err := d.Scopes(t.Context()); err != nil || len(scopes) != 0 {
		t.Fatalf("left are %v, %v", scopes, err)
	}
	if got := s.scope(site).lane(me.Device).taken(); got != 2 {
		t.Fatalf("the server took %d of 2", got)
	}
	if !slices.Equal(s.purged, []client.Scope{site}) {
		t.Fatalf("told of %v", s.purged)
	}
	if _, err := d.Create(t.Context(), site, id2, ticket(&roundsv1.Ticket{Title: "more"})); !errors.Is(err, client.ErrRevoked) {
		t.Fatalf("Do: %v", err)
	}
	d.wantExactlyOnce()
}

// story is what a device does in the crash tests; each Do that returned is remembered.
func story(ctx context.Context, d *rig, step int) (done bool, promised []client.Ref, err error) {
	do := func(ref client.Ref, err error) (bool, []client.Ref, error) {
		if err != nil {
			return false, nil, err
		}
		return false, []client.Ref{ref}, nil
	}
	title := ticket(&roundsv1.Ticket{Title: fmt.Sprint("step ", step)})
	switch step {
	case 0:
		return do(d.Create(ctx, site, id1, title))
	case 1:
		return do(d.Create(ctx, desk, id2, title))
	case 2, 5, 7, 11:
		_, err := d.Sync(ctx)
		return false, nil, err
	case 3:
		return do(d.Edit(ctx, site, id1, title, "title"))
	case 4:
		return do(d.Edit(ctx, site, id1, ticket(&roundsv1.Ticket{Notes: "refuse me"}), "notes"))
	case 6:
		for i := range 4 {
			d.server.write(site, client.DerivedID(id2, fmt.Sprint(i)), ticket(&roundsv1.Ticket{Title: fmt.Sprint("other ", i)}))
		}
		return false, nil, nil
	case 8:
		items, err := d.Tray(ctx)
		if err != nil {
			return false, nil, err
		}
		for _, item := range items {
			if item.Status == client.TrayRejected {
				return do(d.Resend(ctx, item.Key, &roundsv1.Mutation{RecordId: string(id1), Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{
					Record: ticket(&roundsv1.Ticket{Notes: "mended"}), Fields: []uint32{14}}}}))
			}
		}
		return false, nil, nil
	case 9:
		d.server.mu.Lock()
		d.server.denied[desk] = roundsv1.Revocation_REVOCATION_GRACEFUL
		d.server.mu.Unlock()
		return false, nil, nil
	case 10:
		return do(d.Edit(ctx, desk, id2, title, "title"))
	}
	return true, nil, nil
}

// P10: kill -9 of the device at every operation of its store.
func TestP10CrashAtEveryStoreOperation(t *testing.T) {
	crashes := []memstore.Fault{memstore.CrashBefore, memstore.CrashAfter, memstore.ReplyLost, memstore.Full, memstore.Fail}
	for _, fault := range crashes {
		t.Run(fault.String(), func(t *testing.T) { crashEverywhere(t, fault, true, 1) })
	}
	// A crash while reading leaves what a crash before the next write leaves; but an error of a reading has to be handled too.
	t.Run("FailedReading", func(t *testing.T) { crashEverywhere(t, memstore.Fail, false, 11) })
}

func crashEverywhere(t *testing.T, fault memstore.Fault, writes bool, stride int) {
	struck := true
	for at := 1; struck; at += stride {
		struck = crashOnce(t, fault, writes, at)
		if t.Failed() {
			t.Fatalf("at operation %d", at)
		}
	}
}

// crashOnce tells the story with one fault at one operation of the store. struck is false when the story ended before it.
func crashOnce(t *testing.T, fault memstore.Fault, writes bool, at int) (struck bool) {
	t.Helper()
	s := newServer(t)
	s.pageBytes = 150
	s.judge = func(_ client.Scope, m *roundsv1.Mutation) *roundsv1.Outcome {
		if m.GetEdit().GetRecord().GetTicket().GetNotes() == "refuse me" {
			return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED, Problem: &roundsv1.Problem{}}
		}
		return nil
	}
	me := identity(t, 1)
	s.keys[me.Device] = me.Key.Public().(ed25519.PublicKey)
	d := &rig{t: t, clock: newClock(), server: s}
	d.cfg = client.Config{Identity: &me, Sync: s, Tokens: &tokens{device: me.Device}, Clock: d.clock, Rand: seeded(1)}
	count := 0
	disk := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if written := op.Step == memstore.StepCommit || op.Step == memstore.StepDrop; written != writes {
			return memstore.None
		}
		if count++; count == at {
			struck = true
			return fault
		}
		return memstore.None
	}})
	restart := func() {
		disk = disk.Crash().CloneWith(memstore.Config{})
		d.open(disk)
	}
	d.cfg.Store, d.disk = disk, disk
	device, err := client.Open(t.Context(), d.cfg)
	if d.Device = device; err != nil {
		restart()
	}
	var promised []client.Ref
	for step := 0; ; step++ {
		done, refs, err := story(t.Context(), d, step)
		if err != nil {
			if !struck {
				t.Fatalf("step %d: %v", step, err)
			}
			restart()
			if done, refs, err = story(t.Context(), d, step); err != nil && !errors.Is(err, client.ErrRevoked) {
				t.Fatalf("step %d after the restart: %v", step, err)
			}
		}
		promised = append(promised, refs...)
		if done {
			break
		}
	}
	if _, err := d.Sync(t.Context()); err != nil {
		restart()
		d.sync()
	}
	disk = disk.CloneWith(memstore.Config{})
	d.open(disk) // what follows is not part of the story
	d.wantSame(site)
	for _, ref := range promised {
		if got := s.scope(ref.Scope).lane(me.Device).taken(); uint64(ref.Lane) > got {
			t.Errorf("%s lane seq %d was promised, the server took %d", ref.Scope, ref.Lane, got)
		}
	}
	d.wantExactlyOnce()
	if _, err := d.Get(t.Context(), desk, "ticket", id2); !errors.Is(err, client.ErrNoRecord) {
		t.Errorf("the revoked scope is still here: %v", err)
	}
	if !slices.Contains(s.purged, desk) {
		t.Errorf("the server was not told of the purge: %v", s.purged)
	}
	return struck
}
