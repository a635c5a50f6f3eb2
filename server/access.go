package server

import (
	"context"
	"crypto/ed25519"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// access answers the engine's questions, and those of the rules, from an Authority.
type access struct{ of *auth.Authority }

var (
	_ engine.Access = access{}
	_ work.People   = access{}
)

// Roles implements engine.Access.
func (a access) Roles(person engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role {
	return a.of.RolesAt(auth.PersonID(person), auth.Scope(scope), at)
}

// Lost implements work.People.
func (a access) Lost(person engine.PersonID, device engine.DeviceID, scope store.Scope, at time.Time) work.Loss {
	loss := a.of.Lost(auth.PersonID(person), auth.DeviceID(device), auth.Scope(scope), at)
	causes := map[auth.Cause]work.LossCause{auth.CauseDevice: work.LostPhone, auth.CauseDeletion: work.LostPerson, auth.CauseSuspension: work.LostSuspended,
		auth.CauseGrant: work.LostRole}
	return work.Loss{Cause: causes[loss.Cause], By: engine.PersonID(loss.By), Since: loss.Since, Role: loss.Role}
}

// Name is what somebody is called who has, or had, a role over a scope; "" of anybody else, of whom who reads the scope is told nothing.
func (a access) Name(ctx context.Context, scope store.Scope, person engine.PersonID) (string, error) {
	if !a.EverHad(person, scope) {
		return "", nil
	}
	return a.of.PersonName(ctx, auth.PersonID(person))
}

// MayRead implements engine.Access.
func (a access) MayRead(person engine.PersonID, scope store.Scope, at time.Time) bool {
	return a.of.MayRead(auth.PersonID(person), auth.Scope(scope), at)
}

// EverHad implements engine.Access.
func (a access) EverHad(person engine.PersonID, scope store.Scope) bool {
	return a.of.EverHad(auth.PersonID(person), auth.Scope(scope))
}

// Scopes implements engine.Access.
func (a access) Scopes(person engine.PersonID, at time.Time) []store.Scope {
	list := a.of.Scopes(auth.PersonID(person), at)
	scopes := make([]store.Scope, len(list))
	for i, scope := range list {
		scopes[i] = store.Scope(scope)
	}
	return scopes
}

// DeviceKey implements engine.Access.
func (a access) DeviceKey(device engine.DeviceID) ed25519.PublicKey {
	key, ok := a.of.DeviceKey(auth.DeviceID(device))
	if !ok {
		return nil
	}
	return key
}

// Revoked implements engine.Access. A device that was shut out is not told to purge: its person may hold what is not delivered yet, and takes it along
// under a new identity. Its tokens are refused, and its streams are ended by the server.
func (a access) Revoked(device engine.DeviceID) roundsv1.Revocation {
	return a.of.DeviceState(auth.DeviceID(device)).Revoked
}
