package sim

import (
	"crypto/ed25519"
	"maps"
	"slices"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// access is who may do what, and when, by the server's clock.
type access struct {
	mu      sync.RWMutex // guards what follows
	roles   map[engine.PersonID][]roundsv1.Role
	grants  map[engine.PersonID]map[store.Scope][]interval
	keys    map[engine.DeviceID]ed25519.PublicKey
	revoked map[engine.DeviceID]roundsv1.Revocation
}

// interval is the time for which a right was given, microseconds since 1970: from included, to not; to 0: it goes on.
type interval struct{ from, to int64 }

func (i interval) holds(at int64) bool { return at >= i.from && (i.to == 0 || at < i.to) }

var (
	_ engine.Access   = (*access)(nil)
	_ evidence.Access = (*access)(nil)
)

func newAccess() *access {
	return &access{roles: map[engine.PersonID][]roundsv1.Role{}, grants: map[engine.PersonID]map[store.Scope][]interval{},
		keys: map[engine.DeviceID]ed25519.PublicKey{}, revoked: map[engine.DeviceID]roundsv1.Revocation{}}
}

// Roles implements engine.Access.
func (a *access) Roles(p engine.PersonID, s store.Scope, at time.Time) []roundsv1.Role {
	if !a.MayRead(p, s, at) {
		return nil
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.roles[p]
}

// MayRead implements engine.Access.
func (a *access) MayRead(p engine.PersonID, s store.Scope, at time.Time) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.ContainsFunc(a.grants[p][s], func(i interval) bool { return i.holds(at.UnixMicro()) })
}

// EverHad implements engine.Access.
func (a *access) EverHad(p engine.PersonID, s store.Scope) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return len(a.grants[p][s]) > 0
}

// Scopes implements engine.Access.
func (a *access) Scopes(p engine.PersonID, at time.Time) []store.Scope {
	a.mu.RLock()
	scopes := slices.Sorted(maps.Keys(a.grants[p]))
	a.mu.RUnlock()
	return slices.DeleteFunc(scopes, func(s store.Scope) bool { return !a.MayRead(p, s, at) })
}

// DeviceKey implements engine.Access.
func (a *access) DeviceKey(d engine.DeviceID) ed25519.PublicKey {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.keys[d]
}

// Revoked implements engine.Access.
func (a *access) Revoked(d engine.DeviceID) roundsv1.Revocation {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.revoked[d]
}

// Organisation implements evidence.Access.
func (a *access) Organisation(store.Scope) store.Scope { return "" }

// LastSeen implements evidence.Access.
func (a *access) LastSeen(engine.DeviceID) time.Time { return time.Time{} }

// grant gives a right from now on; from is so early that no clock of the history stands before it, where it is the first.
func (a *access) grant(p engine.PersonID, s store.Scope, from int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.grants[p] == nil {
		a.grants[p] = map[store.Scope][]interval{}
	}
	a.grants[p][s] = append(a.grants[p][s], interval{from: from})
}

// end ends a right.
func (a *access) end(p engine.PersonID, s store.Scope, at int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.grants[p][s] {
		if g := &a.grants[p][s][i]; g.to == 0 {
			g.to = max(at, g.from)
		}
	}
}

func (a *access) enrol(d engine.DeviceID, key ed25519.PublicKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[d] = key
}

func (a *access) revoke(d engine.DeviceID, how roundsv1.Revocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked[d] = how
}
