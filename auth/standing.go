package auth

import (
	"context"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// PersonName is what somebody is called; "" of who is not there, or was erased.
func (a *Authority) PersonName(ctx context.Context, person PersonID) (string, error) {
	id, ok := parseUID(string(person))
	if !ok {
		return "", nil
	}
	var p roundsv1.Person
	err := a.cfg.Store.View(ctx, func(r Reader) error {
		_, err := read(r, key(keyPerson, id[:]), &p)
		return err
	})
	return p.GetName(), err
}

// standing is who a person is at a moment, as devices are told with their tokens.
func (a *Authority) standing(ctx context.Context, person uid, now time.Time) (*roundsv1.Standing, error) {
	var p roundsv1.Person
	if err := a.cfg.Store.View(ctx, func(r Reader) error {
		_, err := read(r, key(keyPerson, person[:]), &p)
		return err
	}); err != nil {
		return nil, err
	}
	s := &roundsv1.Standing{Language: p.GetLanguage()}
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	for _, scope := range a.index.scopes(person, now.UnixMicro()) {
		kind, id, ok := scope.parse()
		if !ok || kind != scopeSite && kind != scopeOrg {
			continue
		}
		s.Scopes = append(s.Scopes, &roundsv1.ScopeRoles{Scope: string(scope), Roles: a.index.roles(person, kind, id, now.UnixMicro()).list()})
	}
	return s, nil
}
