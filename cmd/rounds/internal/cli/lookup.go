package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

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
		return "", say(Failed, "the device has no site yet: run rounds device sync; if that brings none, ask an administrator for a role at a site",
			"本机还没有项目：请运行 rounds device sync；仍然没有时请管理员授予项目角色")
	case len(found) == 0:
		return "", say(Usage, "no site is called %q: rounds device status lists them", "没有叫 %q 的项目：rounds device status 列出全部", asked)
	}
	if asked == "" {
		return "", say(Usage, "the device has %d sites: choose one with --site (rounds device status lists them)",
			"本机有%d个项目：请用 --site 选一个（rounds device status 列出全部）", len(found))
	}
	return "", say(Usage, "%d sites fit %q: choose one with --site (rounds device status lists them)",
		"有%d个项目符合 %q：请用 --site 选一个（rounds device status 列出全部）", len(found), asked)
}

// matches tells whether a part names an id: its beginning or its end, at least four characters.
func matches(id, part string) bool {
	part = strings.ToLower(part)
	return len(part) >= 4 && (strings.HasPrefix(id, part) || strings.HasSuffix(id, part))
}

// find finds the one record of a kind that a part of an id names, in all sites.
func (s *session) find(ctx context.Context, kind merge.Kind, part string) (client.View, error) {
	return s.findAny(ctx, part, kind)
}

// findAny is find for a record that may be of any of some kinds.
func (s *session) findAny(ctx context.Context, part string, kinds ...merge.Kind) (client.View, error) {
	names, namesZh := make([]string, len(kinds)), make([]string, len(kinds))
	for i, kind := range kinds {
		names[i], namesZh[i] = string(kind), (&program{lang: "zh"}).kindName(kind)
	}
	kind, kindZh := strings.Join(names, " or "), strings.Join(namesZh, "或")
	if len(part) < 4 {
		return client.View{}, say(Usage, "%q is too short for an id: give four characters at least", "编号 %q 太短：至少给出四位", part)
	}
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return client.View{}, err
	}
	var found []client.View
	for _, scope := range scopes {
		for _, one := range kinds {
			for view, err := range s.List(ctx, scope, one) {
				if err != nil {
					return client.View{}, err
				}
				if matches(string(view.ID), part) {
					found = append(found, view)
				}
			}
		}
	}
	switch len(found) {
	case 0:
		return client.View{}, say(Failed, "the device has no "+kind+" %s: rounds device sync brings what is new", "本机没有编号为 %s 的"+kindZh+"：rounds device sync 可取回最新数据", part)
	case 1:
		return found[0], nil
	}
	ids := make([]string, 0, 4)
	for _, view := range found[:min(4, len(found))] {
		ids = append(ids, string(view.ID))
	}
	return client.View{}, say(Usage, "%d "+kind+"s fit %s (%s): give more of the id", "有%d条"+kindZh+"符合 %s（%s）：请多给几位编号", len(found), part, strings.Join(ids, ", "))
}

// names remembers the names of people as the crew sees each other.
type names map[string]string

// names reads the staff of a scope. The person is called as people call themselves.
func (d *deviceCommands) names(ctx context.Context, s *session, scope client.Scope) (names, error) {
	all := names{string(s.me): d.in("me", "我")}
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

// person finds who is meant: "me" in either language, a whole id, or a part of an id, a name or a job number among the staff.
func (s *session) person(ctx context.Context, scope client.Scope, asked string) (string, error) {
	if asked == "me" || asked == "我" {
		return string(s.me), nil
	}
	var crew []choice
	for view, err := range s.List(ctx, scope, "staff") {
		if err != nil {
			return "", err
		}
		if staff := view.Record.GetStaff(); !view.Deleted && !staff.GetLeft() {
			crew = append(crew, choice{id: string(view.ID), code: staff.GetCode(), names: []string{staff.GetName()}})
		}
	}
	return choose("person", asked, crew, "me, or a whole id (rounds admin person list)")
}

// category finds a category of the organisation: by its whole id, a part of it, its code or its name. Where the device knows of no category at all, what was
// asked for goes to the server as it is.
func (s *session) category(ctx context.Context, asked string) (string, error) {
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return "", err
	}
	var known []choice
	for _, scope := range scopes {
		if !strings.HasPrefix(string(scope), "org/") {
			continue
		}
		for view, err := range s.List(ctx, scope, "category") {
			if err != nil {
				return "", err
			}
			if c := view.Record.GetCategory(); !view.Deleted && !c.GetRetired() {
				known = append(known, choice{id: string(view.ID), code: c.GetCode(), names: []string{c.GetName().GetZh(), c.GetName().GetEn()}})
			}
		}
	}
	if len(known) == 0 {
		return asked, nil
	}
	return choose("category", asked, known, "a whole id")
}

// placeID finds a place of a site: by its whole id, a part of it, its code or its name.
func (s *session) placeID(ctx context.Context, scope client.Scope, asked string) (string, error) {
	known, err := s.knownPlaces(ctx, scope)
	if err != nil {
		return "", err
	}
	return choose("place", asked, known, "a whole id")
}

func (s *session) knownPlaces(ctx context.Context, scope client.Scope) ([]choice, error) {
	var known []choice
	for view, err := range s.List(ctx, scope, "place") {
		if err != nil {
			return nil, err
		}
		if p := view.Record.GetPlace(); !view.Deleted {
			known = append(known, choice{id: string(view.ID), code: p.GetCode(), names: []string{p.GetName().GetZh(), p.GetName().GetEn()}, tag: p.GetTag()})
		}
	}
	return known, nil
}

// choice is something that can be meant.
type choice struct {
	id, code string
	names    []string
	tag      string // what the tag of a place says
}

// label is what people call it.
func (c choice) label() string {
	name := shortID(c.id)
	for _, one := range c.names {
		if one != "" {
			name = clean(one)
			break
		}
	}
	if c.code != "" {
		name += " (" + clean(c.code) + ")"
	}
	return name
}

// choose finds what is meant by a whole id, which need not be known here, a code, a name, or a part of an id; in this order. It refuses what fits nothing, with
// what is most like it, and what fits more than one. instead says what could be given in its place.
func choose(what, asked string, known []choice, instead string) (string, error) {
	if isID(asked) {
		return strings.ToLower(asked), nil
	}
	switch found := fitting(asked, known); {
	case len(found) == 1:
		return found[0].id, nil
	case len(found) > 1:
		return "", say(Usage, "%d fit the "+what+" %q (%s): give the code, or the whole id", "有%d个"+whatZh(what)+"符合 %q（%s）：请给出代码或完整编号", len(found), asked, labels(found))
	}
	if like := alike(asked, known); len(like) > 0 {
		return "", say(Usage, "no "+what+" is called %q: perhaps %s; or give "+instead, "没有叫 %q 的"+whatZh(what)+"，是不是 %s？也可以给出完整编号", asked, labels(like))
	}
	return "", say(Usage, "no "+what+" is called %q: give "+instead, "没有叫 %q 的"+whatZh(what)+"：请给出完整编号", asked)
}

// isID tells whether somebody gave a whole id, which need not be known here.
func isID(asked string) bool {
	_, err := uuid.Parse(asked)
	return err == nil && len(asked) == 36
}

// fitting are those whose code is what was asked for, or where there are none, whose name, or of whose id it is a part.
func fitting(asked string, known []choice) []choice {
	for _, fits := range []func(choice) bool{
		func(c choice) bool { return c.code != "" && strings.EqualFold(c.code, asked) },
		func(c choice) bool {
			return asked != "" && slices.ContainsFunc(c.names, func(name string) bool { return strings.EqualFold(name, asked) })
		},
		func(c choice) bool { return matches(c.id, asked) },
	} {
		var found []choice
		for _, c := range known {
			if fits(c) {
				found = append(found, c)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// whatZh is what choose looks for, in Chinese.
func whatZh(what string) string {
	if zh := map[string]string{"person": "人员", "category": "类别", "place": "位置", "checklist": "检查表", "site": "项目", "asset": "设备"}[what]; zh != "" {
		return zh
	}
	return what
}

// mostSuggested bounds a suggestion.
const mostSuggested = 5

func labels(of []choice) string {
	var all []string
	for _, c := range of[:min(len(of), mostSuggested)] {
		all = append(all, c.label())
	}
	if len(of) > mostSuggested {
		all = append(all, "...")
	}
	return strings.Join(all, ", ")
}

// alike are those that were perhaps meant, the likeliest first: the fewest letters differ, or one is a part of the other. Where there are few, all of them.
func alike(asked string, known []choice) []choice {
	if len(known) <= mostSuggested {
		return known
	}
	type scored struct {
		choice
		distance int
	}
	asked = strings.ToLower(asked)
	var all []scored
	for _, c := range known {
		best := scored{c, 1 << 20}
		for _, word := range append([]string{c.code}, c.names...) {
			word = strings.ToLower(word)
			d := distance([]rune(asked), []rune(word))
			if word == "" || d > max(1, len([]rune(word))/2) && (asked == "" || !strings.Contains(word, asked) && !strings.Contains(asked, word)) {
				continue
			}
			best.distance = min(best.distance, d)
		}
		if best.distance < 1<<20 {
			all = append(all, best)
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(a.distance, b.distance) })
	var like []choice
	for _, one := range all[:min(len(all), mostSuggested)] {
		like = append(like, one.choice)
	}
	return like
}

// distance is how many letters have to be put in, left out or changed to make one word of another (Levenshtein 1965; the table by rows of Wagner and Fischer 1974).
func distance(a, b []rune) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)] // names are short; what was typed need not be
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// place describes where something is.
func (p *program) place(l *roundsv1.Location) string {
	switch {
	case l == nil:
		return "-"
	case l.GetWords() != "":
		return clean(l.GetWords())
	case l.GetPlaceId() != "":
		return shortID(l.GetPlaceId())
	case l.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX:
		return p.in("no fix", "无定位")
	}
	return fmt.Sprintf("%.5f, %.5f", l.GetLatitude(), l.GetLongitude())
}

// categoryName is what people call a category.
func (s *session) categoryName(ctx context.Context, id string, in func(*roundsv1.Text) string) (string, error) {
	if id == "" {
		return "", nil
	}
	reference, err := s.reference(ctx)
	if err != nil {
		return "", err
	}
	c := reference.categories[id]
	if c == nil {
		return shortID(id), nil
	}
	return clean(strings.TrimSpace(c.GetCode() + " " + in(c.GetName()))), nil
}
