package auth

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// maxSites bounds the sites that Scopes names: with their desks they fit into the cursors of one request.
const maxSites = 64

// RolesAt returns the roles that a person had in a scope at a moment, in ascending order; none where the person was suspended or
// deleted then, and for a scope that does not exist.
//
//   - site/<id>: the roles granted at that site's node or at any node above it, as the tree stood then
//   - desk/<id>: of those, the roles that open the desk: butler, dispatcher, supervisor, manager, auditor
//   - org/<id>: the roles granted at the organisation's root itself, so that the manager of one site does not keep the reference data
//     of all; reading is wider, see MayRead
//   - user/<id>: for that person, all roles held anywhere; for others none
func (a *Authority) RolesAt(person PersonID, scope Scope, t time.Time) []roundsv1.Role {
	p, kind, id, ok := parseBoth(person, scope)
	if !ok {
		return nil
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	return a.index.roles(p, kind, id, t.UnixMicro()).list()
}

// MayRead says whether a person may read a scope at a moment. A site is open to every role there but resident (who sees a redacted
// feed), administrator and system; a desk to butler, dispatcher, supervisor, manager and auditor; org to everybody who holds any role
// in that organisation; user to that person. A suspended or deleted person reads nothing. The device's state is not asked: see
// DeviceState.
func (a *Authority) MayRead(person PersonID, scope Scope, t time.Time) bool {
	p, kind, id, ok := parseBoth(person, scope)
	if !ok {
		return false
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	return a.index.mayRead(p, kind, id, t.UnixMicro())
}

// EverHad says whether a person has had a role in a scope at any moment until now, though it may be over. For a desk the role must be
// one that opens it. Suspensions do not count against it.
func (a *Authority) EverHad(person PersonID, scope Scope) bool {
	p, kind, id, ok := parseBoth(person, scope)
	if !ok {
		return false
	}
	now := a.now().UnixMicro()
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	return a.index.everHad(p, kind, id, now)
}

// Scopes returns the scopes that belong to a person's work at a moment, every one of which MayRead: the personal scope, the
// organisation's, then the sites, each followed by its desk where a role opens that. The sites are those granted directly, then those
// below nodes granted (district and above), in the order of their ids, 64 in all: who works for more chooses them by name.
func (a *Authority) Scopes(person PersonID, t time.Time) []Scope {
	p, ok := parseUID(string(person))
	if !ok {
		return nil
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	return a.index.scopes(p, t.UnixMicro())
}

func (x *index) scopes(person uid, t int64) []Scope {
	if x.barred(person, t) {
		return nil
	}
	list := []Scope{scopeOf(scopeUser, person)}
	var direct, above []int32
	for _, g := range x.grants[person] {
		if !g.holds(t) {
			continue
		}
		if org := scopeOf(scopeOrg, x.nodes[x.root(g.node)].id); !slices.Contains(list, org) {
			list = append(list, org)
		}
		if siteRoles&(1<<uint(g.role)) == 0 {
			continue
		}
		if x.nodes[g.node].typ == roundsv1.NodeType_NODE_TYPE_SITE {
			direct = append(direct, g.node)
		} else {
			above = append(above, g.node)
		}
	}
	byID := func(l, r int32) int { return bytes.Compare(x.nodes[l].id[:], x.nodes[r].id[:]) }
	slices.SortFunc(direct, byID)
	direct = slices.Compact(direct)
	sites := slices.Clone(direct)
	if len(sites) < maxSites && len(above) > 0 {
		var below []int32
		for _, n := range above {
			below = x.sitesBelow(below, n)
		}
		slices.SortFunc(below, byID)
		for _, n := range slices.Compact(below) {
			if !slices.Contains(direct, n) {
				sites = append(sites, n)
			}
			if len(sites) >= maxSites {
				break
			}
		}
	}
	for _, n := range sites[:min(len(sites), maxSites)] {
		held := x.at(person, n, t)
		if held&siteRoles != 0 {
			list = append(list, scopeOf(scopeSite, x.nodes[n].id))
		}
		if held&deskRoles != 0 {
			list = append(list, scopeOf(scopeDesk, x.nodes[n].id))
		}
	}
	return list
}

func (x *index) sitesBelow(to []int32, n int32) []int32 {
	if x.nodes[n].typ == roundsv1.NodeType_NODE_TYPE_SITE {
		return append(to, n)
	}
	for _, c := range x.nodes[n].children {
		to = x.sitesBelow(to, c)
	}
	return to
}

// Suspended says whether a person is suspended or deleted at a moment.
func (a *Authority) Suspended(person PersonID, t time.Time) bool {
	p, ok := parseUID(string(person))
	if !ok {
		return false
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	return a.index.barred(p, t.UnixMicro())
}

// Erased says whether the personal data of somebody was erased.
func (a *Authority) Erased(person PersonID) bool {
	p, ok := parseUID(string(person))
	if !ok {
		return false
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	return a.index.standing[p].deleted != 0
}

// OrganisationOf returns the scope of the organisation that a site or its desk belongs to now; false for other scopes and for a site that is not there.
func (a *Authority) OrganisationOf(scope Scope) (Scope, bool) {
	kind, id, ok := scope.parse()
	if !ok || kind != scopeSite && kind != scopeDesk {
		return "", false
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	n := a.index.findUID(id)
	if n == none {
		return "", false
	}
	return scopeOf(scopeOrg, a.index.nodes[a.index.root(n)].id), true
}

// DeviceState is what became of a device.
type DeviceState struct {
	// Known is false for a device that never enrolled; the rest is zero then.
	Known bool
	// Revoked is unspecified for a device in service.
	Revoked roundsv1.Revocation
	// Since is when it was revoked; zero for a device that was not.
	Since time.Time
	// Shut says that an old refresh token of it turned up: its tokens are refused, and it has to enrol anew.
	Shut bool
}

// DeviceState returns the state of a device now.
func (a *Authority) DeviceState(id DeviceID) DeviceState {
	d, ok := a.device(id)
	if !ok {
		return DeviceState{}
	}
	return d.state()
}

func (d device) state() DeviceState {
	s := DeviceState{Known: true, Revoked: d.revoked, Shut: d.shut}
	if d.since != 0 {
		s.Since = time.UnixMicro(d.since).UTC()
	}
	return s
}

// DeviceKey returns the public key of a device, and whether it is known. The caller may keep and change the slice.
func (a *Authority) DeviceKey(id DeviceID) (ed25519.PublicKey, bool) {
	d, ok := a.device(id)
	if !ok {
		return nil, false
	}
	return d.key[:], true
}

// PersonOf returns the person whose device it is, and whether the device is known.
func (a *Authority) PersonOf(id DeviceID) (PersonID, bool) {
	d, ok := a.device(id)
	if !ok {
		return "", false
	}
	return PersonID(d.person.String()), true
}

func (a *Authority) device(id DeviceID) (device, bool) {
	u, ok := parseUID(string(id))
	if !ok {
		return device{}, false
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	d, ok := a.index.devices[u]
	return d, ok
}

func parseBoth(person PersonID, scope Scope) (uid, scopeKind, uid, bool) {
	p, ok := parseUID(string(person))
	if !ok {
		return uid{}, "", uid{}, false
	}
	kind, id, ok := scope.parse()
	return p, kind, id, ok
}
