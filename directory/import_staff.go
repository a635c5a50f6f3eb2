package directory

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// staffRow is a row that makes a person, the roles of the person, and the record that the crew sees.
type staffRow struct {
	*row
	code  string
	entry PersonEntry
	blank *roundsv1.Record // the record of a new person, checked
	done  Entered
	skip  bool   // a dry run cannot ask the tree about it
	from  string // where the person worked before, if that is elsewhere
}

// staff enters people: who they are, what they may, and their records in the scopes of their sites. A row is judged before anything of it is done: one that makes somebody by itself, and one
// about somebody who is there by how they and their record stand.
func (r *run) staff() error {
	var list []*staffRow
	for _, one := range r.rows {
		s := &staffRow{row: one}
		if err := s.read(); err != nil {
			return err
		}
		if !one.refused() {
			list = append(list, s)
		}
	}
	if err := r.enterPeople(list, true); err != nil {
		return err
	}
	for _, s := range list {
		if err := s.record(); err != nil {
			return err
		}
	}
	if r.dry {
		return nil
	}
	list = slices.DeleteFunc(list, (*staffRow).settled)
	if err := r.enterPeople(list, false); err != nil {
		return err
	}
	for _, s := range list {
		if err := s.leaveSite(); err != nil {
			return err
		}
	}
	return nil
}

// settled: whether nothing is left to be done to the person of a row.
func (s *staffRow) settled() bool {
	return s.refused() || s.done.Created || len(s.done.Changed) == 0
}

// enterPeople brings in those who are new, and hears of the others how they stand; or brings in what changes of these. In a dry run it hears what would be, and those below what is only
// assumed are left out: the tree would not find them.
func (r *run) enterPeople(list []*staffRow, onlyNew bool) error {
	entered := make([]*staffRow, 0, len(list))
	var entries []PersonEntry
	for _, s := range list {
		if s.done = (Entered{ID: s.entry.ID, Created: true}); !s.skip {
			s.entry.OnlyNew = onlyNew
			entered, entries = append(entered, s), append(entries, s.entry)
		}
	}
	if len(entries) == 0 {
		return nil
	}
	done, err := r.cfg.Organisation.EnterPeople(r.ctx, r.caller, entries, r.dry)
	if err != nil {
		return err
	}
	for i, s := range entered {
		if s.done = done[i]; s.done.Problem != nil {
			s.refuse(r.inColumns(s.done.Problem))
		}
	}
	return nil
}

// read makes a person of a row.
func (s *staffRow) read() error {
	var ok bool
	if s.code, ok = s.keyed("code", "工号", "the job number"); !ok {
		return nil
	}
	if !s.once("code", s.code, s.code) {
		return nil
	}
	s.entry = PersonEntry{ID: s.personID(s.code), External: s.code}
	if external, _ := s.cell("external_id"); external != "" {
		s.entry.External = external
	}
	if name, ok := s.cell("name"); ok {
		if name == "" || len(name) > 256 {
			s.refuse(wanted("name", name, "1 到 256 字节的姓名", "a name of 1 to 256 bytes"))
			return nil
		}
		s.entry.Name = &name
	}
	if cell, ok := s.cell("language"); ok {
		language := languages().write(0)
		value, known := languages().read(cell)
		if !known {
			s.refuse(wanted("language", cell, "zh 或 en", "zh or en"))
			return nil
		}
		language = languages().write(value)
		s.entry.Language = &language
	}
	if left, ok := s.cell("left"); ok {
		s.entry.Leaves, _ = yesNo(left) // a cell that is neither is refused with the record
	}
	if code, ok := s.cell("site"); ok {
		home, p, err := s.find("site", ofPolicies, code)
		if err != nil {
			return err
		}
		if p != nil {
			s.refuse(p)
			return nil
		}
		s.site, s.siteCode, s.entry.Home = home, code, &home
		s.skip = s.dry && s.cfg.Organisation.NodeType(home) == roundsv1.NodeType_NODE_TYPE_UNSPECIFIED
	}
	if err := s.grants(); err != nil || s.refused() {
		return err
	}
	return s.tried()
}

// tried refuses a row whose record could not be written, before anybody is made of it.
func (s *staffRow) tried() error {
	after, err := s.filled(nil, newStaff(s.code))
	if err != nil || s.refused() {
		return err
	}
	if s.listed() && !s.mayKeep(s.site) {
		s.refuse(noRight())
	} else if err := s.cfg.Validate(after); err != nil {
		s.refuse(invalid(err))
	} else if p := s.content(nil, after); p != nil {
		s.refuse(p)
	} else {
		s.blank = after
	}
	return nil
}

// listed: whether the person stands in a site's list. Who works for a unit stands in none.
func (s *staffRow) listed() bool {
	return s.skip || s.cfg.Organisation.NodeType(s.site) == roundsv1.NodeType_NODE_TYPE_SITE
}

// grants reads the roles.
func (s *staffRow) grants() error {
	cell, one := s.cell("role")
	more, others := s.cell("more_roles")
	if !one && !others {
		return nil
	}
	s.entry.Grants = []GrantEntry{}
	if cell != "" {
		role, ok := roles().read(cell)
		if !ok {
			zh, en := roles().choice()
			s.refuse(wanted("role", cell, zh, en))
			return nil
		}
		if s.site == "" {
			s.refuse(missing("site", "角色所在的项目或单元", "the site or unit of the role"))
			return nil
		}
		s.entry.Grants = append(s.entry.Grants, GrantEntry{Role: roundsv1.Role(role), Node: s.site})
	}
	for _, part := range list(more) {
		word, code, _ := strings.Cut(part, "@")
		role, ok := roles().read(word)
		if !ok || code == "" {
			s.refuse(wanted("more_roles", part, "角色@编码，如 foreman@S0002", "a role at a node, as foreman@S0002"))
			return nil
		}
		node, p, err := s.find("more_roles", ofPolicies, strings.TrimSpace(code))
		if err != nil {
			return err
		}
		if p != nil {
			s.refuse(p)
			return nil
		}
		s.skip = s.skip || s.dry && s.cfg.Organisation.NodeType(node) == roundsv1.NodeType_NODE_TYPE_UNSPECIFIED
		s.entry.Grants = append(s.entry.Grants, GrantEntry{Role: roundsv1.Role(role), Node: node})
	}
	return nil
}

// record notes what became of the person, and queues the record.
func (s *staffRow) record() error {
	if s.refused() {
		return nil
	}
	id := s.done.ID
	s.result.RecordId = id
	switch {
	case s.done.Created:
		s.status(roundsv1.ImportStatus_IMPORT_STATUS_CREATED)
	case len(s.done.Changed) > 0:
		s.status(roundsv1.ImportStatus_IMPORT_STATUS_CHANGED)
		s.personChanged()
	default:
		s.status(roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED)
	}
	home := s.done.Person.GetHomeNodeId()
	if s.site == "" {
		s.site = home
	}
	s.codes[ref{ofStaff, s.siteCode, s.code}], s.byID[id] = id, s.code
	if home != s.site {
		s.from = home
	}
	if !s.listed() {
		return nil
	}
	if !s.mayKeep(s.site) {
		s.refuse(noRight())
		return nil
	}
	scope := SiteScope(s.site)
	if s.done.Created && s.blank.GetStaff().GetName() != "" {
		// Nobody knew of the person, so no list has them, and the record is the one that was checked before. Would one stand all the same, the two merge.
		s.blank.GetStaff().Code = s.code
		if s.dry {
			return nil
		}
		s.queue(scope, &pending{act: s.actOf(id, nil, &roundsv1.Edit{Record: s.blank}), rows: []*row{s.row}})
		return nil
	}
	before, err := s.cfg.Desk.Record(s.ctx, scope, KindStaff, merge.RecordID(id))
	if err != nil {
		return err
	}
	blank := newStaff(s.code)
	blank.GetStaff().Name = s.done.Person.GetName()
	after, err := s.filled(before.GetRecord(), blank)
	if err != nil || s.refused() {
		return err
	}
	after.GetStaff().Code = s.code
	if _, told := s.columns["left"]; !told && home != s.site {
		after.GetStaff().Left = false // came back
	}
	_, err = s.put(scope, KindStaff, id, before, after)
	if !s.done.Created && s.result.GetStatus() == roundsv1.ImportStatus_IMPORT_STATUS_CREATED {
		s.result.Status = roundsv1.ImportStatus_IMPORT_STATUS_CHANGED // a record at another site, of a person whom there was
	}
	return err
}

// leaveSite has a person who works elsewhere now marked as gone at the site before.
func (s *staffRow) leaveSite() error {
	site, id := s.from, s.done.ID
	if s.refused() || site == "" || s.cfg.Organisation.NodeType(site) != roundsv1.NodeType_NODE_TYPE_SITE {
		return nil
	}
	before, err := s.cfg.Desk.Record(s.ctx, SiteScope(site), KindStaff, merge.RecordID(id))
	if err != nil || before == nil || before.GetDeleted() || before.GetRecord().GetStaff().GetLeft() {
		return err
	}
	after := proto.CloneOf(before.GetRecord())
	after.GetStaff().Left = true
	s.queue(SiteScope(site), &pending{act: s.actOf(id, before, editOf(KindStaff, before.GetRecord(), after))})
	return nil
}

// personChanged notes which cells changed the person.
func (s *staffRow) personChanged() {
	for _, part := range s.done.Changed {
		switch before := s.done.Person; part {
		case "name":
			s.changed("name", before.GetName())
		case "language":
			s.changed("language", before.GetLanguage())
		case "external_id":
			s.changed("external_id", before.GetExternalId())
		case "home_node_id":
			s.changed("site", s.siteCodeOf(before.GetHomeNodeId()))
		case "grants":
			s.grantsChanged()
		}
	}
}

// grantsChanged says in the words of the columns what roles ran before.
func (s *staffRow) grantsChanged() {
	var here string
	var elsewhere []string
	home := s.done.Person.GetHomeNodeId()
	for _, g := range s.done.Grants {
		role := roles().write(int32(g.GetRole()))
		if g.GetNodeId() == home && here == "" {
			here = role
			continue
		}
		elsewhere = append(elsewhere, role+"@"+s.siteCodeOf(g.GetNodeId()))
	}
	if now, ok := s.cell("role"); ok && now != here {
		s.changed("role", here)
	}
	if now, ok := s.cell("more_roles"); ok && now != strings.Join(elsewhere, ";") {
		s.changed("more_roles", strings.Join(elsewhere, ";"))
	}
}

// siteCodeOf is the code of a site or a unit.
func (s *staffRow) siteCodeOf(node string) string {
	if s.cfg.Organisation.NodeType(node) == roundsv1.NodeType_NODE_TYPE_SITE {
		return s.codeOf(ofSites, node)
	}
	return s.codeOf(ofUnits, node)
}
