package cli

import (
	"context"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// listen keeps the language in which the server says that the person is spoken to, for the commands that come.
func (d *deviceCommands) listen(ctx context.Context, s *session) error {
	standing, err := s.tokens.Standing(context.WithoutCancel(ctx))
	if err != nil || standing == nil || standing.GetLanguage() == s.link.Language {
		return err
	}
	s.link.Language = standing.GetLanguage()
	if !d.chosen && s.link.Language != "" {
		d.lang = s.link.Language
	}
	return s.link.write(s.dir)
}

// roles are the person's in a scope, as the server last said; false: they are not known.
func (s *session) roles(ctx context.Context, scope client.Scope) ([]roundsv1.Role, bool, error) {
	standing, err := s.tokens.Standing(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, one := range standing.GetScopes() {
		if one.GetScope() == string(scope) {
			return one.GetRoles(), true, nil
		}
	}
	return nil, false, nil
}

// rolesAsked are the roles that were named, or the person's own in a scope; none: these are not known.
func (s *session) rolesAsked(ctx context.Context, scope client.Scope, named []roundsv1.Role) ([]roundsv1.Role, error) {
	if len(named) > 0 {
		return named, nil
	}
	own, _, err := s.roles(ctx, scope)
	return own, err
}

// anyRoles are the person's in all sites, as far as they are known, in ascending order.
func (s *session) anyRoles(ctx context.Context) ([]roundsv1.Role, error) {
	standing, err := s.tokens.Standing(ctx)
	if err != nil {
		return nil, err
	}
	var all []roundsv1.Role
	for _, one := range standing.GetScopes() {
		if strings.HasPrefix(one.GetScope(), "site/") {
			all = append(all, one.GetRoles()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// renew asks the server who the person is by now; false: it cannot be asked.
func (d *deviceCommands) renew(ctx context.Context, s *session) bool {
	if d.offline {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, d.wait)
	defer cancel()
	held, err := s.tokens.Token(ctx, "")
	if err == nil {
		_, err = s.tokens.Token(ctx, held) // the next one comes with the person's standing
	}
	return err == nil && d.listen(ctx, s) == nil
}
