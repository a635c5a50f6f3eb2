package arbitration_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

const noRight = roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT

// suspend takes all rights from a person from a moment on.
func (s *site) suspend(p *phone, from time.Time) {
	s.t.Helper()
	if _, err := s.server.Authority().Admin().SuspendPerson(s.t.Context(), s.admin, &roundsv1.SuspendPersonRequest{PersonId: p.id(), FromUs: from.UnixMicro(), Reason: "离职"}); err != nil {
		s.t.Fatal(err)
	}
	s.pass(time.Second)
}

// TestRow32: suspended at t, and acts come from before and after t. Before t and well known they are taken; after t, or where the phone's time is not known well,
// facts wait for a supervisor and commands are refused. With the acts first there is no question.
func TestRow32(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	t.Run("trust A", func(t *testing.T) {
		w := world.site(t).shift()
		s := w.phone("S")
		begun := w.x.do(w.id, start())
		before := w.x.works(w.id)
		w.pass(time.Minute)
		at := w.Now()
		w.pass(time.Minute)
		after := w.x.works(w.id)
		done := w.x.do(w.id, submit(1))
		w.suspend(w.x, at)
		if err := w.x.trySync(); err != nil {
			t.Log(err)
		}

		w.came(begun, applied)
		w.came(before, applied)
		w.came(after, quarantined)
		if o := w.came(done, rejected); o.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("%v", o)
		}
		w.laboured(w.id, map[*phone]int{w.x: 1})
		w.stands(w.id, isStarted)
		w.letIn(s, after)
		w.laboured(w.id, map[*phone]int{w.x: 2})
		w.settled()
	})
	t.Run("trust B", func(t *testing.T) {
		w := world.site(t).shift()
		s := w.phone("S")
		before := w.x.works(w.id)
		begun := w.x.do(w.id, start())
		w.pass(time.Minute)
		w.suspend(w.x, w.Now())
		w.x.clock.reboot()
		w.x.clock.skew = -26 * time.Hour // and the wall clock is another: no anchor is left
		if err := w.x.trySync(); err != nil {
			t.Log(err)
		}

		if o := w.came(before, quarantined); o.GetTrust() == roundsv1.Trust_TRUST_A {
			t.Errorf("%v", o)
		}
		if o := w.came(begun, rejected); o.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Errorf("%v", o)
		}
		w.laboured(w.id, map[*phone]int{w.x: 0})
		w.letIn(s, before)
		w.laboured(w.id, map[*phone]int{w.x: 1})
		w.settled()
	})
}

// letIn lets a supervisor admit a fact that waits.
func (w *shift) letIn(by *phone, fact client.Ref) {
	w.t.Helper()
	by.sync()
	id := w.outcome(fact).GetConflictId()
	c := by.shows("conflict", id).GetConflict()
	if c.GetType() != noRight || c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || c.GetOwnerRole() != supervisor || len(c.GetSides()) == 0 {
		w.t.Fatalf("the question is %v", c)
	}
	ref := by.decide(id, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}})
	by.sync()
	w.came(ref, applied)
	if c := by.shows("conflict", id).GetConflict(); c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED || c.GetResolvedById() != by.id() {
		w.t.Errorf("the question is %v", c)
	}
}

// TestRow33: a phone is lost and revoked, and something comes from it, from whatever time: facts wait for a supervisor, who may let them in; commands are
// refused, and the phone is emptied. A phone that was taken back gracefully first delivers what it holds, as any other. So does a lost one whose upload was
// first: that is no question.
func TestRow33(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	for _, how := range []roundsv1.Revocation{roundsv1.Revocation_REVOCATION_IMMEDIATE, roundsv1.Revocation_REVOCATION_GRACEFUL} {
		t.Run(how.String(), func(t *testing.T) {
			w := world.site(t).shift()
			s := w.phone("S")
			labour := w.x.works(w.id)
			begun := w.x.do(w.id, start())
			w.x.revoke(how)
			if err := w.x.trySync(); err != nil && !errors.Is(err, client.ErrRevoked) {
				t.Errorf("%v", err)
			}
			if v := w.x.shows("ticket", w.id); v != nil {
				t.Errorf("the phone still shows %v", v)
			}
			if how == roundsv1.Revocation_REVOCATION_GRACEFUL {
				w.came(labour, applied)
				w.came(begun, applied)
				w.settled()
				return
			}
			w.came(labour, quarantined)
			if o := w.came(begun, rejected); o.GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED {
				t.Errorf("%v", o)
			}
			w.laboured(w.id, map[*phone]int{w.x: 0})
			w.letIn(s, labour)
			w.laboured(w.id, map[*phone]int{w.x: 1})
			w.settled()
		})
	}
}

// TestRow34: a ticket was archived, or its personal data erased, and facts come: they are linked to it by its id and somebody is asked; nothing of it can be
// deleted for good while a phone may still have something. With the facts first they are taken as any other.
func TestRow34(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	const orphan = roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN
	for _, name := range []string{"archived", "erased"} {
		t.Run(name, func(t *testing.T) {
			w := world.site(t).shift()
			s := w.phone("S")
			labour := w.x.works(w.id)
			photo := w.x.shoots(w.id)
			e := w.server.Engine()
			if name == "archived" {
				if err := e.Evict(t.Context(), w.scope, "ticket", merge.RecordID(w.id)); err != nil {
					t.Fatal(err)
				}
			} else if err := e.Redact(t.Context(), w.scope, "ticket", merge.RecordID(w.id), []uint32{1, 6, 7}, "住户要求删除"); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
			w.x.sync()

			if status := w.outcome(labour).GetStatus(); status == rejected {
				t.Errorf("%v", w.outcome(labour))
			}
			if name == "erased" && w.ticket(w.id).GetCustomerWords() != "" {
				t.Error("what was erased is back")
			}
			w.settled()
			t.Run("somebody is asked", func(t *testing.T) {
				question := s.asked(orphan, w.id, supervisor, []string{w.x.id()}, roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT,
					roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS)
				ref := s.decide(question.id, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}})
				s.sync()
				w.came(ref, applied)
				w.laboured(w.id, map[*phone]int{w.x: 1})
			})
			t.Run("and of the photo by itself", func(t *testing.T) {
				question := s.asked(orphan, photo, supervisor, []string{w.x.id()}, roundsv1.ConflictAction_CONFLICT_ACTION_ADMIT,
					roundsv1.ConflictAction_CONFLICT_ACTION_DISMISS)
				if sides := question.conflict().GetSides(); len(sides) != 2 || sides[0].GetRecord().GetId() != w.id {
					t.Errorf("it is not linked to the ticket: %v", sides)
				}
				ref := s.decide(question.id, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}})
				s.sync()
				w.came(ref, applied)
				if got := w.photo(photo); got.GetSubject().GetId() != w.id {
					t.Errorf("the photo is of %v", got.GetSubject())
				}
				w.looked(photo)
			})
			s.sync()
		})
	}
}

// entries counts the journal's mutations of a device, by their place in its lane.
func (s *site) entries(device client.DeviceID) map[journal.LaneSeq]int {
	s.t.Helper()
	n := map[journal.LaneSeq]int{}
	for b, err := range s.server.Engine().Journal(s.t.Context(), s.scope, 1) {
		if err != nil {
			s.t.Fatal(err)
		}
		entry, head := &roundsv1.JournalEntry{}, &roundsv1.EntryHead{}
		if err := errors.Join(proto.Unmarshal(b, entry), proto.Unmarshal(entry.GetHead(), head)); err != nil {
			s.t.Fatal(err)
		}
		if client.DeviceID(head.GetDeviceId()) == device && head.GetType() == roundsv1.EntryType_ENTRY_TYPE_MUTATION {
			n[journal.LaneSeq(head.GetLaneSeq())]++
		}
	}
	return n
}

// TestRow38: what came once comes again: nothing changes. A phone whose store was restored from a copy uses numbers again: the fork is found, the phone has to
// enrol anew, and both branches are kept.
func TestRow38(t *testing.T) {
	t.Parallel()
	world := newWorld(t)
	t.Run("replay", func(t *testing.T) {
		w := world.site(t).shift()
		labour := w.x.works(w.id)
		copied := w.x.disk.Clone()
		w.x.sync()
		w.came(labour, applied)
		me, err := w.x.device.Identity()
		if err != nil {
			t.Fatal(err)
		}
		before := w.entries(me.Device)

		w.x.restored(copied)
		w.x.sync() // the same bytes at the same place
		for seq, n := range w.entries(me.Device) {
			if n != 1 || before[seq] != 1 {
				t.Errorf("lane seq %d stands %d times", seq, n)
			}
		}
		w.laboured(w.id, map[*phone]int{w.x: 1})
		w.settled()
	})
	for _, name := range []string{"A first", "B first"} {
		t.Run("fork, "+name, func(t *testing.T) {
			w := world.site(t).shift()
			copied := w.x.disk.Clone()
			if name == "A first" {
				w.x.works(w.id)
				w.x.sync()
				w.x.restored(copied)
				w.x.works(w.id)
			} else { // the copy is in another phone, and comes first
				twin := *w.x
				twin.disk = copied
				twin.open()
				twin.works(w.id)
				twin.sync()
				w.x.works(w.id)
			}
			err := w.x.trySync()
			if !errors.Is(err, client.ErrForked) {
				t.Fatalf("the fork is not found: %v", err)
			}
			old, err := w.x.device.Identity()
			if err != nil {
				t.Fatal(err)
			}
			me := w.x.enrol()
			if err := w.x.device.Reenrol(context.WithoutCancel(t.Context()), me); err != nil {
				t.Fatal(err)
			}
			w.x.sync()
			if me.Device == old.Device || len(w.entries(me.Device)) == 0 {
				t.Errorf("the branch did not come as another device: %v", w.entries(me.Device))
			}
			for seq, n := range w.entries(old.Device) {
				if n != 1 {
					t.Errorf("lane seq %d stands %d times", seq, n)
				}
			}
			w.laboured(w.id, map[*phone]int{w.x: 2})
			w.y.sync()
			alike(w.x, w.y, w.id)
			w.x.facts = nil // one of them came as another device's; both were counted above
		})
	}
}

// restored opens the phone on another store, as after a restore of its backup.
func (p *phone) restored(from *memstore.Store) {
	p.t.Helper()
	if err := p.device.Close(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.disk = from
	p.open()
}
