package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// life is a short history in which every operation may be repeated when its reply was lost.
type life struct {
	*world
	phone *phone
}

const (
	siteID   = "0199c0de-0000-7000-8000-0000000000a1"
	farID    = "0199c0de-0000-7000-8000-0000000000a2"
	liID     = "0199c0de-0000-7000-8000-0000000000b1"
	workerID = "0199c0de-0000-7000-8000-0000000000c1"
	butlerID = "0199c0de-0000-7000-8000-0000000000c2"
)

func (l *life) steps() []func() error {
	ctx, d := l.t.Context(), func() auth.Admin { return l.Admin() }
	bossKey, liKey := newKey(l.world), newKey(l.world)
	var code string
	node := func(id string) func() error {
		return func() error {
			_, err := d().CreateNode(ctx, l.boss.identity(), &roundsv1.CreateNodeRequest{NodeId: id, ParentId: string(l.root),
				Type: roundsv1.NodeType_NODE_TYPE_SITE, Name: &roundsv1.Text{En: id}})
			return err
		}
	}
	grant := func(id, at string, role roundsv1.Role) func() error {
		return func() error {
			_, err := d().CreateGrant(ctx, l.boss.identity(), &roundsv1.CreateGrantRequest{GrantId: id, PersonId: liID, NodeId: at, Role: role})
			return err
		}
	}
	return []func() error{
		func() error {
			f, err := l.Bootstrap(ctx, &roundsv1.Text{En: "Helin"}, "Chen")
			l.root, code = f.Root, string(f.Code)
			return err
		},
		func() (err error) { l.boss, err = l.tryEnroll(bossKey, code); return err },
		node(siteID), node(farID),
		func() error {
			_, err := d().CreatePerson(ctx, l.boss.identity(), &roundsv1.CreatePersonRequest{PersonId: liID, Name: "Li", HomeNodeId: siteID, ExternalId: "7"})
			return err
		},
		grant(workerID, siteID, roundsv1.Role_ROLE_WORKER), grant(butlerID, farID, roundsv1.Role_ROLE_BUTLER),
		func() error {
			resp, err := d().CreateEnrolmentCode(ctx, l.boss.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: liID})
			code = resp.GetCode()
			return err
		},
		func() (err error) { l.phone, err = l.tryEnroll(liKey, code); return err },
		func() error { return l.phone.turn() },
		func() error {
			_, err := d().EndGrant(ctx, l.boss.identity(), &roundsv1.EndGrantRequest{PersonId: liID, GrantId: butlerID})
			return err
		},
		func() error { return l.phone.turn() },
		func() error {
			_, err := d().SuspendPerson(ctx, l.boss.identity(), &roundsv1.SuspendPersonRequest{PersonId: liID})
			return err
		},
		func() error {
			_, err := d().ReinstatePerson(ctx, l.boss.identity(), &roundsv1.ReinstatePersonRequest{PersonId: liID})
			return err
		},
		func() error {
			_, err := d().RotateSigningKey(ctx, l.boss.identity(), &roundsv1.RotateSigningKeyRequest{})
			return err
		},
		func() error {
			_, err := d().RevokeDevice(ctx, l.boss.identity(), &roundsv1.RevokeDeviceRequest{DeviceId: string(l.phone.device),
				Revocation: roundsv1.Revocation_REVOCATION_GRACEFUL})
			return err
		},
		func() error { return l.phone.turn() },
	}
}

// answers is what the Authority says to everything that is asked of it.
func (l *life) answers() string {
	var b strings.Builder
	now := l.clock.now()
	for _, p := range []auth.PersonID{l.boss.person, liID} {
		for _, s := range []auth.Scope{siteOf(siteID), deskOf(siteID), siteOf(farID), deskOf(farID), orgOf(l.root), userOf(liID)} {
			for ago := range 20 {
				t := now.Add(-time.Duration(ago) * time.Minute)
				fmt.Fprintln(&b, s, l.RolesAt(p, s, t), l.MayRead(p, s, t), l.EverHad(p, s))
			}
		}
		fmt.Fprintln(&b, l.Scopes(p, now))
	}
	for _, one := range []*phone{l.boss, l.phone} {
		key, ok := l.DeviceKey(one.device)
		person, _ := l.PersonOf(one.device)
		id, err := l.Verify(one.access)
		fmt.Fprintln(&b, l.DeviceState(one.device), key, ok, person, id, err)
	}
	fmt.Fprintf(&b, "%s", l.JWKS())
	return b.String()
}

// play lives the history; an operation that fails for reasons of the disk is asked for again, after a restart if there is a crash.
func play(t *testing.T, store *memory, crash bool) (*life, int) {
	t.Helper()
	l := &life{world: bare(t, func(c *auth.Config) { c.Store = store })}
	l.world.store = store
	failures := 0
	for i, step := range l.steps() {
		for try := 0; ; try++ {
			l.clock.pass(time.Second)
			err := step()
			if err == nil {
				break
			}
			var refusal *auth.Error
			if errors.As(err, &refusal) || !errors.Is(err, errDisk) || try > 3 {
				t.Fatalf("step %d, try %d: %v", i, try, err)
			}
			failures++
			if crash {
				l.reopen()
			}
		}
	}
	return l, failures
}

// The disk fails at each commit in turn, before it is written and after, with and without a restart: everything ends as without.
func TestCrashBetweenOperations(t *testing.T) {
	plain, _ := play(t, newMemory(), false)
	total := plain.store.updates
	if total < 15 {
		t.Fatalf("%d commits", total)
	}
	for at := 2; at <= total; at++ { // the first is Open's own
		for _, written := range []bool{false, true} {
			for _, crash := range []bool{false, true} {
				store := newMemory()
				fail := func(update int) error {
					if update == at {
						return errDisk
					}
					return nil
				}
				if written {
					store.after = fail
				} else {
					store.before = fail
				}
				l, failures := play(t, store, crash)
				if failures != 1 {
					t.Errorf("commit %d (written %v, crash %v): %d failures", at, written, crash, failures)
				}
				now := l.clock.now()
				if !l.MayRead(liID, siteOf(siteID), now) || l.MayRead(liID, deskOf(farID), now) || !l.EverHad(liID, deskOf(farID)) ||
					l.DeviceState(l.phone.device).Revoked != roundsv1.Revocation_REVOCATION_GRACEFUL || l.DeviceState(l.phone.device).Shut {
					t.Errorf("commit %d (written %v, crash %v): the end is another", at, written, crash)
				}
				if list, err := l.Admin().ListDevices(t.Context(), l.boss.identity(), &roundsv1.ListDevicesRequest{PersonId: liID}); err != nil ||
					len(list.GetDevices()) != 1 {
					t.Errorf("commit %d (written %v, crash %v): %v, %v", at, written, crash, list, err)
				}
				before := l.answers()
				l.reopen()
				if after := l.answers(); after != before {
					t.Errorf("commit %d (written %v, crash %v): a restart changes the answers:\n%s\n%s", at, written, crash, before, after)
				}
			}
		}
	}
}

// A store may run a write function more than once.
func TestStoreRunsWritesTwice(t *testing.T) {
	store := newMemory()
	store.twice = true
	l, _ := play(t, store, false)
	before := l.answers()
	l.reopen()
	if after := l.answers(); after != before {
		t.Errorf("%s\n%s", before, after)
	}
}

func TestOpenRefuses(t *testing.T) {
	w := found(t)
	w.Close()
	if _, err := w.Bootstrap(t.Context(), nil, ""); !errors.Is(err, auth.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	w.store.rows["v"] = []byte{2}
	if _, err := auth.Open(t.Context(), w.cfg); err == nil || !strings.Contains(err.Error(), "format") {
		t.Errorf("a format of the future: %v", err)
	}
	w.store.rows["v"] = []byte{1}
	for k := range w.store.rows {
		if k[0] == 'd' {
			w.store.rows[k] = []byte{0xff}
		}
	}
	if _, err := auth.Open(t.Context(), w.cfg); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged value: %v", err)
	}
	bad := auth.Config{Audience: "https://x/", AccessLife: -1, Externals: []auth.ExternalIssuer{{}, {}}}
	_, err := auth.Open(t.Context(), bad)
	for _, part := range []string{"Store", "audience", "AccessLife", "JWKS", "twice"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("not all faults at once: %v lacks %q", err, part)
		}
	}
}
