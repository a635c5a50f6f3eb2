package auth

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Cause is what took a right away.
type Cause int

// The causes, the one that weighs most first.
const (
	// CauseNone: nothing did; there was a right, or there never was one.
	CauseNone Cause = iota
	// CauseDevice: the device was revoked as lost, and what it sends has no right whenever it was done.
	CauseDevice
	// CauseDeletion: the person was deleted.
	CauseDeletion
	// CauseSuspension: the person was suspended.
	CauseSuspension
	// CauseGrant: a role was taken away, or had come to its end.
	CauseGrant
)

// Loss is how somebody came to have no right, or one role less.
type Loss struct {
	// Cause is what did it. CauseNone: the rest is zero.
	Cause Cause
	// By is who did it; empty where nobody did (a role that was given for a time), and where that is not known any more.
	By PersonID
	// Since is the first moment without the right; of a device when it was revoked.
	Since time.Time
	// Role that ended, of CauseGrant.
	Role roundsv1.Role
}

// Lost tells why what a person did on a device in a scope at a moment was without a right, or with one role less than before: the device's loss, else the person's,
// else the role over that scope that ended last by then and is not held otherwise. It answers from memory.
func (a *Authority) Lost(person PersonID, on DeviceID, scope Scope, t time.Time) Loss {
	p, kind, id, ok := parseBoth(person, scope)
	if !ok {
		return Loss{}
	}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	if dev, known := parseUID(string(on)); known {
		if d := a.index.devices[dev]; d.revoked == roundsv1.Revocation_REVOCATION_IMMEDIATE {
			return lossOf(CauseDevice, d.revokedBy, d.since)
		}
	}
	us := t.UnixMicro()
	if loss := a.index.barring(p, us); loss.Cause != CauseNone {
		return loss
	}
	return a.index.endedGrant(p, kind, id, us)
}

func lossOf(cause Cause, by uid, since int64) Loss {
	loss := Loss{Cause: cause, Since: time.UnixMicro(since).UTC()}
	if by != (uid{}) {
		loss.By = PersonID(by.String())
	}
	return loss
}

// barring is the deletion or the suspension that bars a person at a moment.
func (x *index) barring(person uid, t int64) Loss {
	s, ok := x.standing[person]
	if !ok {
		return Loss{}
	}
	if s.deleted != 0 && t >= s.deleted {
		return lossOf(CauseDeletion, s.deletedBy, s.deleted)
	}
	for _, one := range s.suspended {
		if one.holds(t) {
			return lossOf(CauseSuspension, one.by, one.from)
		}
	}
	return Loss{}
}

// endedGrant is the grant over a scope that ended last by a moment, of a role that the person has no more there.
func (x *index) endedGrant(person uid, kind scopeKind, id uid, t int64) Loss {
	held, last := x.roles(person, kind, id, t), Loss{}
	for _, g := range x.grants[person] {
		role := setOf(g.role)
		if g.until > t || g.empty() || held&role != 0 || kind == scopeDesk && role&deskRoles == 0 || !x.covers(g, person, kind, id) {
			continue
		}
		if ended := lossOf(CauseGrant, g.endedBy, g.until); last.Cause == CauseNone || ended.Since.After(last.Since) {
			last = ended
			last.Role = g.role
		}
	}
	return last
}

// covers: whether a grant was over a scope when it ended.
func (x *index) covers(g grant, person uid, kind scopeKind, id uid) bool {
	if kind == scopeUser {
		return person == id
	}
	n := x.findUID(id)
	if n == none {
		return false
	}
	if kind == scopeOrg {
		return n == g.node
	}
	return x.everUnder(n, g.node, span{g.until - 1, g.until})
}
