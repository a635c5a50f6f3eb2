package client

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// Scope is the unit of replication and of the right to read, such as "site/0199c0de-...".
type Scope = store.Scope

// DeviceID names an enrolled device, a UUID.
type DeviceID string

// PersonID names a person, a UUID.
type PersonID string

// Identity is what a device got at its enrolment.
type Identity struct {
	// Device by which the server knows this one.
	Device DeviceID
	// Person whose device it is.
	Person PersonID
	// Key signs the device's lanes. It never leaves the device.
	Key ed25519.PrivateKey
}

// LogValue keeps the key out of logs.
func (i Identity) LogValue() slog.Value {
	return slog.GroupValue(slog.String("device", string(i.Device)), slog.String("person", string(i.Person)))
}

// String keeps the key out of messages.
func (i Identity) String() string { return fmt.Sprintf("device %s of person %s", i.Device, i.Person) }

func (i Identity) check() error {
	var faults []error
	for _, id := range []struct{ name, value string }{{"Identity.Device", string(i.Device)}, {"Identity.Person", string(i.Person)}} {
		if parsed, err := uuid.Parse(id.value); err != nil || parsed.String() != id.value {
			faults = append(faults, fmt.Errorf("%s is not a UUID: %q", id.name, id.value))
		}
	}
	if len(i.Key) != ed25519.PrivateKeySize {
		faults = append(faults, fmt.Errorf("Identity.Key has %d bytes, not %d", len(i.Key), ed25519.PrivateKeySize))
	}
	return errors.Join(faults...)
}

// identityState is an identity at rest.
type identityState struct {
	Branch branch   `json:"branch"`
	Device DeviceID `json:"device_id"`
	Person PersonID `json:"person_id"`
	Seed   []byte   `json:"seed"` // of the Ed25519 key, 32 bytes
}

// self is the identity that the device has now. The zero self has none.
type self struct {
	Identity
	branch branch
}

func (s self) enrolled() bool { return s.branch != 0 }

func (s self) laneStart(scope Scope) journal.Hash {
	return journal.LaneStart(string(s.Device), string(scope))
}

func (s self) same(i Identity) bool {
	return s.Device == i.Device && s.Person == i.Person && s.Key.Equal(i.Key)
}

func loadSelf(r store.Reader) (self, error) {
	var state identityState
	found, err := load(r, single(tableIdentity), &state)
	if err != nil || !found {
		return self{}, err
	}
	if len(state.Seed) != ed25519.SeedSize {
		return self{}, fmt.Errorf("%w: identity", errGarbled)
	}
	key := ed25519.NewKeyFromSeed(state.Seed)
	return self{Identity: Identity{Device: state.Device, Person: state.Person, Key: key}, branch: state.Branch}, nil
}

// saveSelf makes an identity the device's present one.
func saveSelf(w store.Writer, s self) error {
	if err := w.Set(branchKey(s.branch), []byte(s.Device)); err != nil {
		return err
	}
	return save(w, single(tableIdentity), identityState{Branch: s.branch, Device: s.Device, Person: s.Person, Seed: s.Key.Seed()})
}

// Identity returns the device's present identity, or ErrNotEnrolled.
func (d *Device) Identity() (Identity, error) {
	me := d.me()
	if !me.enrolled() {
		return Identity{}, ErrNotEnrolled
	}
	return me.Identity, nil
}

func (d *Device) me() self {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.self
}

// author returns the identity that may queue now.
func (d *Device) author() (self, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return self{}, ErrClosed
	case d.state.Revoked != open:
		return self{}, ErrRevoked
	case !d.self.enrolled():
		return self{}, ErrNotEnrolled
	}
	return d.self, nil
}

// pastDevices returns the device id of each branch.
func (d *Device) pastDevices(ctx context.Context) (map[branch]DeviceID, error) {
	devices := map[branch]DeviceID{}
	err := d.cfg.Store.View(ctx, deviceScope, func(r store.Reader) error {
		for entry, err := range r.Scan(store.Prefix([]byte{tableBranch})) {
			if err != nil {
				return err
			}
			var of branch
			for _, b := range entry.Key[1:] {
				of = of<<8 | branch(b)
			}
			devices[of] = DeviceID(entry.Value)
		}
		return nil
	})
	return devices, in(deviceScope, err)
}
