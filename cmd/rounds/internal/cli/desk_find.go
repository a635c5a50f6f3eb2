package cli

import (
	"context"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// mostFound bounds how many records of the server are looked through for the one that a part of an id names.
const mostFound = 2000

// matching finds the one record of a kind that a part of an id names: among those that the server lists, the last ones first, then on the device.
func (s *deskSession) matching(ctx context.Context, kind merge.Kind, part string) (string, error) {
	if !slices.Contains(merge.Kinds(), kind) {
		return "", say(Usage, "%q is none of %s", "%q 不是以下之一：%s", kind, kindList())
	}
	if len(part) < 4 {
		return "", say(Usage, "%q is too short for an id: give four characters at least", "编号 %q 太短：至少给出四位", part)
	}
	found, err := s.listed(ctx, kind, part)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		for view, err := range s.List(ctx, s.scope, kind) {
			if err != nil {
				return "", err
			}
			if matches(string(view.ID), part) {
				found = append(found, string(view.ID))
			}
		}
	}
	kindZh := (&program{lang: "zh"}).kindName(kind)
	switch len(found) {
	case 0:
		return "", say(Usage, "no "+string(kind)+" that changed lately fits %s: give the whole id (rounds desk list --json)",
			"近期变动的"+kindZh+"中没有符合 %s 的：请给出完整编号（rounds desk list --json）", part)
	case 1:
		return found[0], nil
	}
	return "", say(Usage, "%d "+string(kind)+"s fit %s: give more of the id", "有%d条"+kindZh+"符合 %s：请多给几位编号", len(found), part)
}

func kindList() string {
	var all []string
	for _, kind := range merge.Kinds() {
		all = append(all, string(kind))
	}
	return strings.Join(all, ", ")
}

// listed are the ids at the server that a part names, of the kinds that it lists: a part may name several.
func (s *deskSession) listed(ctx context.Context, kind merge.Kind, part string) (found []string, err error) {
	page, read := "", s.pageOf(kind)
	for looked := 0; read != nil && looked < mostFound; {
		rows, next, err := read(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if matches(row.GetRecordId(), part) {
				found = append(found, row.GetRecordId())
			}
		}
		looked += len(rows)
		if page = next; page == "" || len(rows) == 0 {
			break
		}
	}
	return found, nil
}

// pageOf is how the server lists records of a kind, page by page; nil for a kind that it does not list.
func (s *deskSession) pageOf(kind merge.Kind) func(ctx context.Context, page string) ([]*roundsv1.WorkRow, string, error) {
	const size = 500
	scopes := []string{string(s.scope)}
	switch kind {
	case "ticket":
		return func(ctx context.Context, page string) ([]*roundsv1.WorkRow, string, error) {
			resp, err := call(ctx, s.session, s.work.ListTickets, &roundsv1.ListTicketsRequest{Scopes: scopes, Sort: roundsv1.TicketSort_TICKET_SORT_UPDATED,
				Descending: true, PageSize: size, PageToken: page})
			return resp.GetRows(), resp.GetNextPageToken(), err
		}
	case "inspection":
		return func(ctx context.Context, page string) ([]*roundsv1.WorkRow, string, error) {
			resp, err := call(ctx, s.session, s.work.ListInspections, &roundsv1.ListInspectionsRequest{Scopes: scopes, Sort: roundsv1.InspectionSort_INSPECTION_SORT_UPDATED,
				Descending: true, PageSize: size, PageToken: page})
			return resp.GetRows(), resp.GetNextPageToken(), err
		}
	case "conflict":
		return func(ctx context.Context, page string) ([]*roundsv1.WorkRow, string, error) {
			resp, err := call(ctx, s.session, s.work.Inbox, &roundsv1.InboxRequest{Scopes: scopes, Everybody: true, PageSize: size, PageToken: page})
			var rows []*roundsv1.WorkRow
			for _, item := range resp.GetItems() {
				rows = append(rows, item.GetRow())
			}
			return rows, resp.GetNextPageToken(), err
		}
	}
	return nil
}
