package demo

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/internal/community"
)

// entered are the ids that the directory gave to what was imported, by table, site and code.
type entered map[[3]string]string

// tables a code stands in; what is not of a site has none.
const (
	unitTable, siteTable, placeTable, assetTable    = "units", "sites", "places", "assets"
	staffTable, categoryTable, checklistTable       = "staff", "categories", "checklists"
	importedAtOnce                                  = 1000
	emergencyFinish, emergencyFinishKey, siteColumn = "1h", "service.emergency.finish", "site"
)

// found enters the company into the directory as rounds import does: units, sites, settings, checklists, categories, places, assets, staff with skills and
// rosters, and plans. Tags of places are issued once the places have ids.
func (o *office) found(ctx context.Context, c *community.Community, dir string, step func(string)) error {
	if err := community.WriteTables(dir, c.Seed, community.Scale{}); err != nil {
		return err
	}
	all := entered{}
	for _, t := range directory.Tables() {
		step("entering the directory: " + t.Name)
		rows, err := readTable(filepath.Join(dir, t.Name+".csv"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := o.enter(ctx, t, rows[0], rows[1:], all); err != nil {
			return err
		}
	}
	if err := all.adopt(c); err != nil {
		return err
	}
	if err := o.issueTags(ctx, c, all); err != nil {
		return err
	}
	_, err := o.admin.SetPolicy(ctx, connect.NewRequest(&roundsv1.SetPolicyRequest{NodeId: c.Site.ID, Set: map[string]string{emergencyFinishKey: emergencyFinish}}))
	if err != nil {
		return fmt.Errorf("demo: the site's settings: %w", err)
	}
	_, err = o.device.Sync(ctx)
	return err
}

// publish puts a second version of the gates' checklist before everybody. Rounds that were released before are walked with the first.
func (o *office) publish(ctx context.Context, c *community.Community, dir string, day *day) error {
	rows, err := readTable(filepath.Join(dir, "tables", checklistTable+".csv"))
	if err != nil {
		return err
	}
	code, version := slices.Index(rows[0], "code"), slices.Index(rows[0], "version")
	var next [][]string
	for _, row := range rows[1:] {
		if row[code] == gatesList || row[code] == liftsList {
			row[version] = "2"
			next = append(next, row)
		}
	}
	at := slices.IndexFunc(directory.Tables(), func(t directory.Table) bool { return t.Name == checklistTable })
	if err := o.enter(ctx, directory.Tables()[at], rows[0], next, entered{}); err != nil {
		return err
	}
	day.published = o.clocks.time.Now()
	_, err = o.device.Sync(ctx)
	return err
}

// Codes of the checklists that get a second version: of the gates and of the lifts.
const gatesList, liftsList = "CL07", "CL02"

func readTable(path string) ([][]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(file).ReadAll()
	return rows, errors.Join(err, file.Close())
}

// enter imports the rows of one table. A row that is refused is an error.
func (o *office) enter(ctx context.Context, t directory.Table, columns []string, rows [][]string, all entered) error {
	for some := range slices.Chunk(rows, importedAtOnce) {
		req := &roundsv1.ImportRequest{Kind: t.Kind, Columns: columns}
		for i, cells := range some {
			req.Rows = append(req.Rows, &roundsv1.ImportRow{Line: uint32(i + 2), Cells: cells})
		}
		resp, err := o.admin.Import(ctx, connect.NewRequest(req))
		if err != nil {
			return fmt.Errorf("demo: importing %s: %w", t.Name, err)
		}
		cell := func(line uint32, name string) string {
			if at := slices.Index(columns, name); at >= 0 {
				return some[line-2][at]
			}
			return ""
		}
		for _, r := range resp.Msg.GetResults() {
			if r.GetStatus() == roundsv1.ImportStatus_IMPORT_STATUS_REFUSED {
				return fmt.Errorf("demo: importing %s, line %d: %s", t.Name, r.GetLine(), r.GetProblem().GetSentence().GetEn())
			}
			site := ""
			if t.Name == placeTable || t.Name == assetTable {
				site = cell(r.GetLine(), siteColumn)
			}
			all[[3]string{t.Name, site, cell(r.GetLine(), "code")}] = r.GetRecordId()
		}
	}
	return nil
}

// adopt gives the community the ids that the directory gave.
func (all entered) adopt(c *community.Community) error {
	var lost error
	id := func(table, site, code string) string {
		found := all[[3]string{table, site, code}]
		if found == "" {
			lost = errors.Join(lost, fmt.Errorf("demo: the directory has no %s %s", table, code))
		}
		return found
	}
	for i := range c.Nodes {
		table := unitTable
		if c.Nodes[i].Type == roundsv1.NodeType_NODE_TYPE_SITE {
			table = siteTable
		}
		c.Nodes[i].ID = id(table, "", c.Nodes[i].Code)
		if c.Nodes[i].Code == c.Site.Code {
			c.Site.ID = c.Nodes[i].ID
		}
	}
	was := map[string]string{}
	for i, p := range c.Places {
		was[p.ID] = id(placeTable, c.Site.Code, p.GetCode())
		c.Places[i].ID = was[p.ID]
		c.Places[i].ParentId = was[p.GetParentId()]
	}
	for i, a := range c.Assets {
		c.Assets[i].ID, c.Assets[i].PlaceId = id(assetTable, c.Site.Code, a.GetCode()), was[a.GetPlaceId()]
	}
	for i := range c.Crew {
		c.Crew[i].ID = id(staffTable, "", community.StaffCode(i))
	}
	for i := range c.Categories {
		c.Categories[i].ID = id(categoryTable, "", c.CategoryCode(i))
	}
	return lost
}

// issueTags has the server issue the tags of all places of the site: each payload carries a code under the site's key, which the server alone has.
func (o *office) issueTags(ctx context.Context, c *community.Community, all entered) error {
	var rows [][]string
	for _, p := range c.Places {
		rows = append(rows, []string{c.Site.Code, p.GetCode(), "auto"})
	}
	at := slices.IndexFunc(directory.Tables(), func(t directory.Table) bool { return t.Name == placeTable })
	if err := o.enter(ctx, directory.Tables()[at], []string{siteColumn, "code", "tag"}, rows, all); err != nil {
		return err
	}
	if _, err := o.device.Sync(ctx); err != nil {
		return err
	}
	tags := map[string]string{}
	for v, err := range o.device.List(ctx, client.Scope("site/"+c.Site.ID), "place") {
		if err != nil {
			return err
		}
		tags[string(v.ID)] = v.Record.GetPlace().GetTag()
	}
	for i, p := range c.Places {
		if c.Places[i].Tag = tags[p.ID]; c.Places[i].Tag == "" {
			return fmt.Errorf("demo: the place %s has no tag", p.GetCode())
		}
	}
	return nil
}
