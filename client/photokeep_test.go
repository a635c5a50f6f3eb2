package client_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// evidence is a device with a ticket and a place to upload to.
func evidence(t testing.TB) (*rig, *mediaServer) {
	t.Helper()
	s := newServer(t)
	m := newMedia(t, s)
	d := m.use(newRig(t, s, 1))
	d.cfg.Limits = client.Limits{PartBytes: 64 << 10}
	d.open(d.disk)
	d.create(site, id1, "lamp")
	d.sync()
	return d, m
}

// pass lets time go by on the device and at the server.
func (r *rig) pass(how time.Duration) {
	r.clock.mu.Lock()
	r.clock.wall, r.clock.mono = r.clock.wall.Add(how), r.clock.mono+how
	r.clock.mu.Unlock()
	r.server.mu.Lock()
	r.server.nowUS += how.Microseconds()
	r.server.mu.Unlock()
}

func (r *rig) closeTicket(id client.RecordID) {
	r.server.write(site, id, ticket(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CLOSED}))
}

// files are the originals on the disk of a rig.
func (r *rig) files() []string {
	r.t.Helper()
	var names []string
	for hash, err := range r.cfg.Originals.List(r.t.Context()) {
		if err != nil {
			r.t.Fatal(err)
		}
		names = append(names, hash.String())
	}
	slices.Sort(names)
	return names
}

// The original goes when the server has it and the ticket is closed; not when only one of both is so.
func TestOriginalGoesWithItsTicket(t *testing.T) {
	d, m := evidence(t)
	content := noise(1, 1000)
	d.addPhoto(site, content)
	d.closeTicket(id1)
	m.onCall = func(string, bool) error { return errCut }
	if _, err := d.Sync(t.Context()); err == nil {
		t.Fatal("the upload was to fail")
	}
	if !d.kept(content) {
		t.Fatal("the ticket is closed, and the original gone before the server had it")
	}
	m.onCall = nil
	if report := d.sync(); report.Photos.Stored != 1 {
		t.Fatalf("report %+v", report.Photos)
	}
	if d.kept(content) || len(d.photos()) != 0 || len(d.files()) != 0 {
		t.Fatalf("kept: %v", d.photos())
	}
}

// Else it goes 14 days after it was stored, and no moment before; a clock that jumps is not believed.
func TestOriginalGoesAfterFourteenDays(t *testing.T) {
	d, _ := evidence(t)
	content := noise(1, 1000)
	d.addPhoto(site, content)
	d.sync()
	d.pass(14*24*time.Hour - time.Minute)
	d.sync()
	if !d.kept(content) {
		t.Fatal("gone before 14 days")
	}
	// A phone that says 2099 after a reboot, and has not met the server since.
	d.clock.jump(80 * 365 * 24 * time.Hour)
	d.clock.reboot("boot-2")
	if _, err := d.UploadPhotos(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !d.kept(content) {
		t.Fatal("gone by a clock that jumped")
	}
	d.sync()
	if !d.kept(content) {
		t.Fatal("gone before 14 days, by a clock that was put right")
	}
	d.pass(2 * time.Minute)
	d.sync()
	if d.kept(content) {
		t.Fatal("kept for longer than 14 days")
	}
	if list := d.photos(); len(list) != 0 {
		t.Fatalf("still queued: %+v", list)
	}
}

// What the record says counts as much as what Finish said: its answer may be lost for good.
func TestStateOfTheRecordIsBelieved(t *testing.T) {
	d, m := evidence(t)
	content := noise(1, 1000)
	id := d.addPhoto(site, content)
	m.onCall = func(string, bool) error { return errCut }
	_, _ = d.Sync(t.Context())
	d.server.write(site, id, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_SOFT}}})
	plans := len(m.plans)
	if _, err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := d.photos(); len(list) != 1 || list[0].Stage != client.PhotoStored {
		t.Fatalf("%+v", list)
	}
	if len(m.plans) != plans {
		t.Fatal("asked for what the record says already")
	}
}

// The same bytes twice: one file, two facts, one upload; and the file stays while one of the two needs it.
func TestSameBytesTwice(t *testing.T) {
	d, m := evidence(t)
	d.create(site, id2, "door")
	content := noise(1, 70_000)
	first := d.addPhoto(site, content)
	_, second, err := d.AddPhoto(t.Context(), site, client.PhotoInput{Original: bytes.NewReader(content), Shared: true,
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(id2)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.files()) != 1 {
		t.Fatalf("%d files", len(d.files()))
	}
	if report := d.sync(); report.Photos.Stored != 2 || report.Photos.Bytes != int64(len(content)) {
		t.Fatalf("report %+v", report.Photos)
	}
	if a, b := d.photo(site, first).GetCaptureNumber(), d.photo(site, second).GetCaptureNumber(); a != 1 || b != 2 {
		t.Fatalf("numbers %d and %d", a, b)
	}
	d.closeTicket(id1)
	d.sync()
	if list := d.photos(); len(list) != 1 || list[0].ID != second || !d.kept(content) {
		t.Fatalf("after one ticket was closed: %+v", list)
	}
	// Taken a third time while the last reason to keep it goes.
	d.closeTicket(id2)
	third := d.addPhoto(site, content)
	d.sync()
	if d.kept(content) || !m.has(content) {
		t.Fatalf("kept for %s: %+v", third, d.photos())
	}
}

// A damaged original is never sent, and said so; one that is gone as well.
func TestDamagedOriginal(t *testing.T) {
	d, m := evidence(t)
	contents := [][]byte{noise(1, 100_000), noise(2, 1000), noise(3, 2000)}
	for _, content := range contents {
		d.addPhoto(site, content)
	}
	folder := t.TempDir()
	originals, err := client.Folder(folder)
	if err != nil {
		t.Fatal(err)
	}
	for i, content := range contents {
		switch i {
		case 0:
			content = slices.Clone(content)
			content[77_777] ^= 1
		case 1:
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, hashOf(contents[i]).String()), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.cfg.Originals = originals
	d.open(d.disk)
	var heard []client.PhotoFault
	d.cfg.Progress = func(p client.PhotoProgress) { heard = append(heard, p.Fault) }
	d.open(d.disk)
	report := d.sync()
	if report.Photos.Failed != 2 || report.Photos.Stored != 1 || len(m.puts) != 1 || !m.has(contents[2]) {
		t.Fatalf("report %+v, %d parts", report.Photos, len(m.puts))
	}
	faults := map[client.PhotoHash]client.PhotoFault{}
	for _, p := range d.photos() {
		if p.Stage == client.PhotoFailed {
			faults[p.Hash] = p.Fault
		}
	}
	if faults[hashOf(contents[0])] != client.PhotoDamaged || faults[hashOf(contents[1])] != client.PhotoGone {
		t.Fatalf("faults %v", faults)
	}
	if !slices.Contains(heard, client.PhotoDamaged) || !slices.Contains(heard, client.PhotoGone) {
		t.Fatalf("heard %v", heard)
	}
	status, err := d.Status(t.Context())
	if err != nil || status.Photos.Failed != 2 || status.Photos.Waiting != 2 || status.Photos.Bytes != 101_000 {
		t.Fatalf("status %+v, %v", status.Photos, err)
	}
	// The same photo from the gallery mends it.
	d.addPhoto(site, contents[0])
	d.pass(2 * time.Hour)
	if report := d.sync(); report.Photos.Stored != 2 || !m.has(contents[0]) {
		t.Fatalf("after it was mended: %+v", report.Photos)
	}
}

// What the server says of one photo.
func TestProblemsOfOnePhoto(t *testing.T) {
	const other = 500
	for name, c := range map[string]struct {
		call  string
		code  roundsv1.ProblemCode
		times int
		check func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error)
	}{
		"bytes differ once": {"Finish", roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER, 1,
			func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error) {
				if err != nil || report.Stored != 2 || report.Bytes != int64(2*len(content)+other) || !m.has(content) {
					t.Errorf("%+v, %v", report, err)
				}
			}},
		"bytes differ for ever": {"Finish", roundsv1.ProblemCode_PROBLEM_CODE_BYTES_DIFFER, 1000,
			func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error) {
				if err != nil || report.Stored != 1 || report.Failed != 1 || report.Bytes != int64(3*len(content)+other) {
					t.Errorf("%+v, %v", report, err)
				}
			}},
		"parts missing once": {"Finish", roundsv1.ProblemCode_PROBLEM_CODE_PARTS_MISSING, 1,
			func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error) {
				if err != nil || report.Stored != 2 || report.Bytes != int64(len(content)+other) {
					t.Errorf("%+v, %v", report, err)
				}
			}},
		"not promised": {"Plan", roundsv1.ProblemCode_PROBLEM_CODE_NOT_PROMISED, 1,
			func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error) {
				if err != nil || report.Stored != 1 || report.Failed != 1 {
					t.Errorf("%+v, %v", report, err)
				}
				if report := d.sync(); report.Photos.Stored != 1 || !m.has(content) {
					t.Errorf("after the words: %+v", report.Photos)
				}
			}},
		"redacted": {"Plan", roundsv1.ProblemCode_PROBLEM_CODE_REDACTED, 1000,
			func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error) {
				if err != nil || report.Stored != 1 || d.kept(content) || len(d.photos()) != 1 {
					t.Errorf("%+v, %v: %+v", report, err, d.photos())
				}
			}},
		"full": {"Plan", roundsv1.ProblemCode_PROBLEM_CODE_FULL, 1000,
			func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error) {
				if client.RetryAfter(err) != 7*time.Second || !d.kept(content) {
					t.Errorf("%+v, %v", report, err)
				}
			}},
		"no right": {"Plan", roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, 1000,
			func(t *testing.T, d *rig, m *mediaServer, content []byte, report client.PhotoTally, err error) {
				if err != nil || report.Stored != 1 || report.Failed != 1 || !d.kept(content) {
					t.Errorf("%+v, %v", report, err)
				}
				if last := d.photos()[0]; last.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT || last.Fault != client.PhotoRefused {
					t.Errorf("listed as %+v", last)
				}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			d, m := evidence(t)
			content := noise(1, 100_000)
			d.addPhoto(site, content)
			d.addPhoto(site, noise(2, other))
			left := c.times
			m.problem = func(call string, hash client.PhotoHash) *roundsv1.Problem {
				if call != c.call || hash != hashOf(content) || left == 0 {
					return nil
				}
				left--
				p := &roundsv1.Problem{Code: c.code}
				if c.code == roundsv1.ProblemCode_PROBLEM_CODE_FULL {
					p.RetryAfter = durationpb.New(7 * time.Second)
				}
				return p
			}
			d.cfg.Timing.BackoffFirst = time.Minute // a rest that does not end by itself here
			d.open(d.disk)
			report, err := d.Sync(t.Context())
			c.check(t, d, m, content, report.Photos, err)
		})
	}
}

// A call that is refused as a whole: the photos of another scope go on; a token is renewed once.
func TestCallsRefusedAsAWhole(t *testing.T) {
	d, m := evidence(t)
	d.create(desk, id2, "elsewhere")
	d.addPhoto(site, noise(1, 1000))
	other := noise(2, 2000)
	if _, _, err := d.AddPhoto(t.Context(), desk, client.PhotoInput{Original: bytes.NewReader(other),
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(id2)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sync(t.Context(), client.WithoutPhotos()); err != nil || len(m.plans) != 0 {
		t.Fatalf("%v, %d plans", err, len(m.plans))
	}
	m.onCall = func(name string, done bool) error {
		if last := m.plans[len(m.plans)-1]; name == "Plan" && last.GetScope() == string(site) {
			return refuse(connect.CodePermissionDenied, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT})
		}
		return nil
	}
	d.server.mu.Lock()
	me, _ := d.Identity()
	d.server.badTokens[string(me.Device)+"#0"] = true
	d.server.mu.Unlock()
	tally, err := d.UploadPhotos(t.Context())
	if err != nil || tally.Stored != 1 || tally.Failed != 1 || !m.has(other) {
		t.Fatalf("%+v, %v", tally, err)
	}
}

// URLs that are no longer good: Plan again.
func TestExpiredAddresses(t *testing.T) {
	d, m := evidence(t)
	content := noise(1, 6*64<<10)
	d.addPhoto(site, content)
	expired := 0
	m.onPart = func(p fakePut, read int64) int {
		if p.whole && expired < 3 {
			expired++
			m.mu.Lock()
			clear(m.tickets)
			m.mu.Unlock()
		}
		return 0
	}
	report := d.sync()
	if report.Photos.Stored != 1 || report.Photos.Bytes != int64(len(content)) || expired != 3 || !m.has(content) {
		t.Fatalf("report %+v", report.Photos)
	}
}

// Kill between file and store, and at every other operation of the store: what AddPhoto promised is uploaded, and nothing is left over.
func TestPhotoCrashEverywhere(t *testing.T) {
	for _, fault := range []memstore.Fault{memstore.CrashBefore, memstore.CrashAfter, memstore.ReplyLost, memstore.Full} {
		t.Run(fault.String(), func(t *testing.T) {
			struck := true
			for at := 1; struck && !t.Failed(); at++ {
				struck = photoCrash(t, fault, at)
			}
		})
	}
}

func photoCrash(t *testing.T, fault memstore.Fault, at int) (struck bool) {
	d, m := evidence(t)
	count := 0
	d.open(d.disk.CloneWith(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if op.Step != memstore.StepCommit {
			return memstore.None
		}
		if count++; count == at {
			struck = true
			return fault
		}
		return memstore.None
	}}))
	folder, err := client.Folder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d.cfg.Originals = folder
	d.open(d.disk)
	restart := func() { d.open(d.disk.Crash().CloneWith(memstore.Config{})) }
	var promised [][]byte
	for i := range 3 {
		content := noise(uint64(i%2), 3000)
		_, _, err := d.AddPhoto(t.Context(), site, client.PhotoInput{Original: bytes.NewReader(content),
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(id1)}})
		if err != nil && !struck {
			t.Fatal(err)
		}
		if err != nil {
			restart()
			continue
		}
		promised = append(promised, content)
	}
	insist := func() {
		if _, err := d.Sync(t.Context()); err != nil {
			restart()
			d.sync()
		}
	}
	insist()
	for _, content := range promised {
		if !m.has(content) {
			t.Errorf("at %d: a photo that was promised is not there", at)
		}
	}
	numbers := map[uint64]bool{}
	for v, err := range d.List(t.Context(), site, "photo") {
		if err != nil {
			t.Fatal(err)
		}
		numbers[v.Record.GetPhoto().GetCaptureNumber()] = true
	}
	for n := range uint64(len(numbers)) {
		if !numbers[n+1] {
			t.Errorf("at %d: the count has gaps: %v", at, numbers)
		}
	}
	d.closeTicket(id1)
	insist()
	restart()
	if left := d.files(); len(left) != 0 || len(d.photos()) != 0 {
		t.Errorf("at %d: left are %v and %+v", at, left, d.photos())
	}
	return struck
}

// A server that was restored from a backup may have lost what it had stored: it is asked again.
func TestRestoredServerIsAskedAgain(t *testing.T) {
	d, m := evidence(t)
	content := noise(1, 1000)
	d.addPhoto(site, content)
	d.sync()
	backup := d.server.backup()
	m.mu.Lock()
	clear(m.objects)
	clear(m.known)
	m.mu.Unlock()
	d.server.restore(backup)
	if report := d.sync(); report.Photos.Stored != 1 || !m.has(content) {
		t.Fatalf("report %+v", report.Photos)
	}
}

// A scope that is given up gracefully delivers its photos first; at once, and they are gone.
func TestPurgeAndPhotos(t *testing.T) {
	for _, how := range []roundsv1.Revocation{roundsv1.Revocation_REVOCATION_GRACEFUL, roundsv1.Revocation_REVOCATION_IMMEDIATE} {
		t.Run(how.String(), func(t *testing.T) {
			d, m := evidence(t)
			content := noise(1, 1000)
			d.addPhoto(site, content)
			m.onCall = func(string, bool) error { return errCut }
			_, _ = d.Sync(t.Context())
			d.server.mu.Lock()
			d.server.denied[site] = how
			d.server.mu.Unlock()
			graceful := how == roundsv1.Revocation_REVOCATION_GRACEFUL
			if _, err := d.Sync(t.Context()); graceful != (err != nil) || graceful != d.kept(content) {
				t.Fatalf("while the storage is away: %v, kept %v", err, d.kept(content))
			}
			m.onCall = nil
			d.sync()
			if m.has(content) != graceful || len(d.files()) != 0 || !slices.Equal(d.server.purged, []client.Scope{site}) {
				t.Fatalf("stored %v, left %v, told of %v", m.has(content), d.files(), d.server.purged)
			}
			// The person comes back: the count goes on.
			d.server.mu.Lock()
			delete(d.server.denied, site)
			d.server.mu.Unlock()
			d.sync()
			if n := d.photo(site, d.addPhoto(site, noise(2, 100))).GetCaptureNumber(); n != 2 {
				t.Fatalf("the count goes on with %d", n)
			}
		})
	}
}

// A device that is revoked as a whole, gracefully.
func TestRevokedDeviceDeliversPhotos(t *testing.T) {
	d, m := evidence(t)
	content := noise(1, 1000)
	d.addPhoto(site, content)
	me, _ := d.Identity()
	d.server.mu.Lock()
	d.server.revoked[me.Device] = roundsv1.Revocation_REVOCATION_GRACEFUL
	d.server.mu.Unlock()
	if err := d.Run(t.Context()); !errors.Is(err, client.ErrRevoked) {
		t.Fatal(err)
	}
	if !m.has(content) || len(d.files()) != 0 {
		t.Fatalf("stored %v, left %v", m.has(content), d.files())
	}
}

// After a fork the promise moves to the new identity, and the upload begins anew under it.
func TestReenrolledDeviceUploads(t *testing.T) {
	d, m := evidence(t)
	content := noise(1, 3*64<<10)
	d.addPhoto(site, content)
	m.onPart = func(p fakePut, read int64) int {
		if p.offset > 0 {
			return 500
		}
		return 0
	}
	_, _ = d.Sync(t.Context())
	other := noise(2, 1000)
	d.addPhoto(site, other)
	next := identity(t, 7)
	d.server.mu.Lock()
	d.server.keys[next.Device] = next.Key.Public().(ed25519.PublicKey)
	d.server.mu.Unlock()
	if err := d.Reenrol(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	d.cfg.Tokens.(*tokens).device = next.Device
	m.onPart = nil
	d.sync()
	if !m.has(content) || !m.has(other) {
		t.Fatalf("%+v", d.photos())
	}
}

// A server that is full, or too busy, as a whole: no photo is blamed for it.
func TestFullServerBlamesNoPhoto(t *testing.T) {
	d, m := evidence(t)
	content := noise(1, 1000)
	d.addPhoto(site, content)
	m.onCall = func(string, bool) error {
		return refuse(connect.CodeResourceExhausted, &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_FULL})
	}
	var refused *client.ProblemError
	if _, err := d.Sync(t.Context()); !errors.As(err, &refused) || refused.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_FULL {
		t.Fatalf("Sync: %v", err)
	}
	if list := d.photos(); len(list) != 1 || list[0].Stage != client.PhotoWaiting {
		t.Fatalf("%+v", list)
	}
	m.onCall = nil
	if report := d.sync(); report.Photos.Stored != 1 || !m.has(content) {
		t.Fatalf("%+v", report.Photos)
	}
}
