package cli

import (
	"context"
	"fmt"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

// sites returns the scopes of sites that the device holds.
func (s *session) sites(ctx context.Context) ([]client.Scope, error) {
	all, err := s.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var sites []client.Scope
	for _, scope := range all {
		if strings.HasPrefix(string(scope), "site/") {
			sites = append(sites, scope)
		}
	}
	return sites, nil
}

// site finds the one site that is meant: by a part of its id, by the code or name of its record, or because there is no other.
func (s *session) site(ctx context.Context, asked string) (client.Scope, error) {
	sites, err := s.sites(ctx)
	if err != nil {
		return "", err
	}
	var found []client.Scope
	for _, scope := range sites {
		id := strings.TrimPrefix(string(scope), "site/")
		match := asked == "" || matches(id, strings.TrimPrefix(asked, "site/"))
		for view, err := range s.List(ctx, scope, "site") {
			if err != nil {
				return "", err
			}
			site := view.Record.GetSite()
			match = match || strings.EqualFold(site.GetCode(), asked) || site.GetName().GetZh() == asked || strings.EqualFold(site.GetName().GetEn(), asked)
		}
		if match {
			found = append(found, scope)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(sites) == 0:
		return "", fail(Failed, "the device has no site yet: run rounds device sync; if that brings none, ask an administrator for a role at a site")
	case len(found) == 0:
		return "", fail(Usage, "no site is called %q: rounds device status lists them", asked)
	}
	if asked == "" {
		return "", fail(Usage, "the device has %d sites: choose one with --site (rounds device status lists them)", len(found))
	}
	return "", fail(Usage, "%d sites fit %q: choose one with --site (rounds device status lists them)", len(found), asked)
}

// matches tells whether a part names an id: its beginning or its end, at least four characters.
func matches(id, part string) bool {
	part = strings.ToLower(part)
	return len(part) >= 4 && (strings.HasPrefix(id, part) || strings.HasSuffix(id, part))
}

// find finds the one record of a kind that a part of an id names, in all sites.
func (s *session) find(ctx context.Context, kind merge.Kind, part string) (client.View, error) {
	if len(part) < 4 {
		return client.View{}, fail(Usage, "%q is too short for an id: give four characters at least", part)
	}
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return client.View{}, err
	}
	var found []client.View
	for _, scope := range scopes {
		for view, err := range s.List(ctx, scope, kind) {
			if err != nil {
				return client.View{}, err
			}
			if matches(string(view.ID), part) {
				found = append(found, view)
			}
		}
	}
	switch len(found) {
	case 0:
		return client.View{}, fail(Failed, "the device has no %s %s: rounds device sync brings what is new", kind, part)
	case 1:
		return found[0], nil
	}
	ids := make([]string, 0, 4)
	for _, view := range found[:min(4, len(found))] {
		ids = append(ids, string(view.ID))
	}
	return client.View{}, fail(Usage, "%d %ss fit %s (%s): give more of the id", len(found), kind, part, strings.Join(ids, ", "))
}

// names remembers the names of people as the crew sees each other.
type names map[string]string

// names reads the staff of a scope.
func (s *session) names(ctx context.Context, scope client.Scope) (names, error) {
	all := names{string(s.me): "me"}
	for view, err := range s.List(ctx, scope, "staff") {
		if err != nil {
			return nil, err
		}
		if _, known := all[string(view.ID)]; !known {
			all[string(view.ID)] = view.Record.GetStaff().GetName()
		}
	}
	return all, nil
}

func (n names) of(id string) string {
	switch {
	case id == "":
		return "-"
	case n[id] != "":
		return clean(n[id])
	}
	return shortID(id)
}

// person finds who is meant: "me", a part of an id, or a name among the staff.
func (s *session) person(ctx context.Context, scope client.Scope, asked string) (string, error) {
	if asked == "me" {
		return string(s.me), nil
	}
	if len(asked) == 36 {
		return strings.ToLower(asked), nil
	}
	var found []string
	for view, err := range s.List(ctx, scope, "staff") {
		if err != nil {
			return "", err
		}
		if matches(string(view.ID), asked) || view.Record.GetStaff().GetName() == asked {
			found = append(found, string(view.ID))
		}
	}
	if len(found) == 0 {
		return "", fail(Usage, "the site's list of staff has nobody who fits %q: give the person's whole id (rounds admin person list), or me", asked)
	}
	if len(found) > 1 {
		return "", fail(Usage, "%d people of the crew fit %q: give the person's whole id, or me", len(found), asked)
	}
	return found[0], nil
}

// place describes where something is.
func place(l *roundsv1.Location) string {
	switch {
	case l == nil:
		return "-"
	case l.GetWords() != "":
		return clean(l.GetWords())
	case l.GetPlaceId() != "":
		return shortID(l.GetPlaceId())
	case l.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX:
		return "no fix"
	}
	return fmt.Sprintf("%.5f, %.5f", l.GetLatitude(), l.GetLongitude())
}
