package directory

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// groups are rows that write one record together, in the order in which the first of each came.
func groups(rows []*row, name func(*row) (string, bool)) [][]*row {
	var all [][]*row
	at := map[string]int{}
	for _, r := range rows {
		key, ok := name(r)
		if !ok {
			continue
		}
		i, known := at[key]
		if !known {
			i = len(all)
			at[key], all = i, append(all, nil)
		}
		all[i] = append(all[i], r)
	}
	return all
}

// putFor queues the act of several rows, after the checks that every record passes.
func (r *run) putFor(scope store.Scope, kind merge.Kind, id string, before *roundsv1.Change, after *roundsv1.Record, rows []*row) (queued bool, err error) {
	edit := editOf(kind, before.GetRecord(), after)
	p, err := r.judged(scope, kind, id, before, after, edit)
	if err != nil {
		return false, err
	}
	if p != nil {
		for _, one := range rows {
			one.refuse(p)
		}
		return false, nil
	}
	for _, one := range rows {
		one.result.RecordId = id
		one.status(roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED)
		if edit != nil && before == nil {
			one.status(roundsv1.ImportStatus_IMPORT_STATUS_CREATED)
		}
	}
	if edit == nil {
		return false, nil
	}
	r.queue(scope, &pending{act: r.actOf(id, before, edit), rows: rows})
	return true, nil
}

// holidays enters days into calendars. A day that is called normal is taken out; days that are not in the table stay.
func (r *run) holidays() error {
	scope := OrgScope(r.cfg.Root)
	if !r.mayKeep(r.cfg.Root) {
		r.refuseAll(noRight())
		return nil
	}
	for _, rows := range groups(r.rows, func(one *row) (string, bool) {
		return one.keyed("calendar", "日历编码", "the calendar's code")
	}) {
		code, _ := rows[0].cell("calendar")
		id, before, err := r.standing(scope, KindCalendar, "", code)
		var several *ambiguous
		switch {
		case errors.As(err, &several):
			for _, one := range rows {
				one.refuse(several.problem("calendar"))
			}
			continue
		case err != nil:
			return err
		}
		after := proto.CloneOf(before.GetRecord())
		if before == nil {
			after = &roundsv1.Record{Kind: &roundsv1.Record_Calendar{Calendar: &roundsv1.Calendar{Code: code}}}
		}
		days := map[string]*roundsv1.CalendarDay{}
		for _, d := range after.GetCalendar().GetDays() {
			days[d.GetDate()] = d
		}
		for _, one := range rows {
			one.day(code, days, after.GetCalendar())
		}
		after.GetCalendar().Days = nil
		for _, d := range days {
			after.GetCalendar().Days = append(after.GetCalendar().Days, d)
		}
		slices.SortFunc(after.GetCalendar().Days, func(a, b *roundsv1.CalendarDay) int { return cmp.Compare(a.GetDate(), b.GetDate()) })
		rows = slices.DeleteFunc(rows, (*row).refused)
		if len(rows) == 0 {
			continue
		}
		if _, err := r.putFor(scope, KindCalendar, id, before, after, rows); err != nil {
			return err
		}
	}
	return nil
}

// day enters one day.
func (r *row) day(calendar string, days map[string]*roundsv1.CalendarDay, to *roundsv1.Calendar) {
	date, _ := r.cell("date")
	if t, err := time.Parse("2006/1/2", date); err == nil { // as a spreadsheet writes it
		date = t.Format(time.DateOnly)
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		r.refuse(wanted("date", date, "日期，如 2026-10-01", "a day as 2026-10-01"))
		return
	}
	text, _ := r.cell("day")
	kind, ok := dayKinds().read(text)
	if !ok {
		zh, en := dayKinds().choice()
		r.refuse(wanted("day", text, zh, en))
		return
	}
	if !r.once("date", calendar+"\x00"+date, date) {
		return
	}
	old := days[date]
	was := map[bool]string{true: "off", false: "work"}[old.GetOff()]
	if old == nil {
		was = "normal"
	}
	now := &roundsv1.CalendarDay{Date: date, Off: kind == dayOff, Name: old.GetName()}
	if name, ok := r.cell("holiday"); ok {
		now.Name = name
	}
	if kind == dayNormal {
		now = nil
		delete(days, date)
	} else {
		days[date] = now
	}
	for in, place := range map[string]func(*roundsv1.Text) *string{"zh": func(t *roundsv1.Text) *string { return &t.Zh }, "en": func(t *roundsv1.Text) *string { return &t.En }} {
		if name, ok := r.cell("name_" + in); ok && name != "" {
			if to.Name == nil {
				to.Name = &roundsv1.Text{}
			}
			*place(to.Name) = name
		}
	}
	if proto.Equal(old, now) || old == nil && now == nil {
		r.status(roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED)
		return
	}
	r.status(roundsv1.ImportStatus_IMPORT_STATUS_CHANGED)
	if is, _ := dayKinds().read(text); dayKinds().write(is) != was {
		r.changed("day", was)
	}
	if old.GetName() != now.GetName() {
		r.changed("holiday", old.GetName())
	}
}

func (r *run) refuseAll(p *roundsv1.Problem) {
	for _, one := range r.rows {
		one.refuse(p)
	}
}

// policies enters settings of units and sites.
func (r *run) policies() error {
	for _, rows := range groups(r.rows, func(one *row) (string, bool) {
		code, _ := one.cell("node")
		return code, true
	}) {
		if err := r.policiesOf(rows); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) policiesOf(rows []*row) error {
	code, _ := rows[0].cell("node")
	node, p, err := rows[0].find("node", ofPolicies, code)
	if err != nil {
		return err
	}
	if p == nil && !r.mayKeep(node) {
		p = noRight()
	}
	if p != nil {
		for _, one := range rows {
			one.refuse(p)
		}
		return nil
	}
	assumed := r.cfg.Organisation.NodeType(node) == roundsv1.NodeType_NODE_TYPE_UNSPECIFIED // in a dry run alone
	kind, before, own := KindUnit, (*roundsv1.Change)(nil), map[string]string(nil)
	if !assumed {
		if kind, before, own, err = r.ownSettings(r.ctx, node); err == nil && before == nil && !r.dry {
			if err = r.Follow(r.ctx, r.caller, node); err == nil {
				kind, before, own, err = r.ownSettings(r.ctx, node)
			}
		}
		if err != nil {
			return err
		}
	}
	settings := map[string]string{}
	for k, v := range own {
		settings[k] = v
	}
	for _, one := range rows {
		key, _ := one.cell("key")
		value, _ := one.cell("value")
		if !one.once("key", node+"\x00"+key, key) {
			continue
		}
		old, stood := own[key]
		if key == "" {
			one.refuse(missing("key", "设置项", "the setting: rounds admin policy keys lists them"))
			continue
		}
		if value == "" && !stood && r.knows(key) || stood && old == value {
			one.status(roundsv1.ImportStatus_IMPORT_STATUS_UNCHANGED)
			continue
		}
		if p := r.settingAt(node, key, value); p != nil && (value != "" || !stood) {
			one.refuse(p)
			continue
		}
		if value == "" {
			delete(settings, key)
		} else {
			settings[key] = value
		}
		one.status(roundsv1.ImportStatus_IMPORT_STATUS_CHANGED)
		if !stood {
			one.status(roundsv1.ImportStatus_IMPORT_STATUS_CREATED)
		} else {
			one.changed("value", old)
		}
	}
	rows = slices.DeleteFunc(rows, (*row).refused)
	if assumed || len(rows) == 0 {
		return nil
	}
	scope, _ := r.placeOf(kind, node)
	after := r.withSettings(before.GetRecord(), kind, node, settings)
	edit := editOf(kind, before.GetRecord(), after)
	p = r.refusedAs(scope, kind, node, before, edit)
	if err := r.cfg.Validate(after); err != nil {
		p = invalid(err)
	}
	if p != nil {
		for _, one := range rows {
			one.refuse(p)
		}
		return nil
	}
	for _, one := range rows {
		one.result.RecordId = node
	}
	if edit != nil {
		act := r.actOf(node, before, edit)
		act.Roles = r.vouched(r.caller, kind, node)
		r.queue(scope, &pending{act: act, rows: rows})
	}
	return nil
}

// checklists enters versions of lists, each from all its rows.
func (r *run) checklists() error {
	if !r.mayKeep(r.cfg.Root) {
		r.refuseAll(noRight())
		return nil
	}
	for _, rows := range groups(r.rows, func(one *row) (string, bool) {
		code, ok := one.keyed("code", "检查表编码", "the checklist's code")
		version, _ := one.cell("version")
		return code + "\x00" + version, ok
	}) {
		if err := r.checklist(rows); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) checklist(rows []*row) error {
	scope := OrgScope(r.cfg.Root)
	code, _ := rows[0].cell("code")
	text, _ := rows[0].cell("version")
	version, err := strconv.ParseUint(text, 10, 32)
	if err != nil || version == 0 {
		for _, one := range rows {
			one.refuse(wanted("version", text, "从 1 起的整数", "a whole number from 1"))
		}
		return nil
	}
	series, found, err := rows[0].resolve(ofChecklists, code)
	if err != nil {
		return err
	}
	if !found {
		series = idOf(r.cfg.Root, KindChecklist, "", code, 0)
		r.codes[ref{kind: ofChecklists, code: code}], r.byID[series] = series, code
	}
	id, before, err := r.versionOf(scope, series, code, uint32(version))
	if err != nil {
		return err
	}
	list := &roundsv1.Checklist{Code: code, Version: uint32(version), SeriesId: series, Published: true, Name: before.GetRecord().GetChecklist().GetName()}
	if before != nil && before.GetRecord().GetChecklist().GetSeriesId() == "" {
		list.SeriesId = "" // from before there were series: it is fixed
	}
	for _, one := range rows {
		if p, err := one.item(list); err != nil {
			return err
		} else if p != nil {
			one.refuse(p)
			for _, other := range rows { // half a list is none
				other.refuse(problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, p.GetField(), "", "同一检查表的另一行有错。", "Another row of the same checklist is at fault."))
			}
			return nil
		}
	}
	if p := r.inOrder(series, before.GetRecord().GetChecklist(), list); p != nil {
		for _, one := range rows {
			one.refuse(p)
		}
		return nil
	}
	after := &roundsv1.Record{Kind: &roundsv1.Record_Checklist{Checklist: list}}
	if _, err := r.putFor(scope, KindChecklist, id, before, after, rows); err != nil || rows[0].refused() || before == nil {
		return err
	}
	for _, one := range rows {
		one.itemChanged(before.GetRecord().GetChecklist(), list)
	}
	return nil
}

// itemChanged says of one row whether its question is another now.
func (r *row) itemChanged(before, after *roundsv1.Checklist) {
	id, _ := r.cell("item")
	named := func(c *roundsv1.Checklist) *roundsv1.ChecklistItem {
		i := slices.IndexFunc(c.GetItems(), func(item *roundsv1.ChecklistItem) bool { return item.GetId() == id })
		if i < 0 {
			return nil
		}
		return c.GetItems()[i]
	}
	old, now := named(before), named(after)
	switch {
	case old == nil:
		r.status(roundsv1.ImportStatus_IMPORT_STATUS_CREATED)
	case !proto.Equal(old, now) || before.GetPublished() != after.GetPublished() || !proto.Equal(before.GetName(), after.GetName()):
		r.status(roundsv1.ImportStatus_IMPORT_STATUS_CHANGED)
	}
}

// versionOf finds one version of a list.
func (r *run) versionOf(scope store.Scope, series, code string, version uint32) (id string, before *roundsv1.Change, err error) {
	id = string(ChecklistID(series, version))
	if before, err = r.cfg.Desk.Record(r.ctx, scope, KindChecklist, merge.RecordID(id)); err != nil || before != nil {
		return id, before, err
	}
	for e, err := range r.cfg.Desk.Find(r.ctx, scope, indexName, ofCode(KindChecklist, code)) {
		if err != nil {
			return "", nil, err
		}
		one, ok := readEntry(e)
		if !ok {
			continue
		}
		change, err := r.cfg.Desk.Record(r.ctx, scope, KindChecklist, merge.RecordID(one.id))
		if err != nil {
			return "", nil, err
		}
		if change.GetRecord().GetChecklist().GetVersion() == version {
			return one.id, change, nil
		}
	}
	return id, nil, nil
}

// item adds the question of a row to a list.
func (r *row) item(list *roundsv1.Checklist) (*roundsv1.Problem, error) {
	item := &roundsv1.ChecklistItem{}
	text := func(name string) string {
		cell, _ := r.cell(name)
		return cell
	}
	item.Id = text("item")
	if item.GetId() == "" {
		return missing("item", "检查项编号", "the question's id"), nil
	}
	item.Question, item.Unit = &roundsv1.Text{Zh: text("question_zh"), En: text("question_en")}, text("unit")
	if zh, en := text("name_zh"), text("name_en"); zh != "" || en != "" {
		list.Name = &roundsv1.Text{Zh: zh, En: en}
	}
	item.Weight = 1
	if cell := text("weight"); cell != "" {
		n, ok := number(cell)
		if !ok || n < 0 {
			return wanted("weight", cell, "非负数", "a number from 0"), nil
		}
		item.Weight = n
	}
	for name, to := range map[string]**float64{"low": &item.Low, "high": &item.High, "least": &item.Least, "greatest": &item.Greatest} {
		if cell := text(name); cell != "" {
			n, ok := number(cell)
			if !ok {
				return wanted(name, cell, "数字", "a number"), nil
			}
			*to = proto.Float64(n)
		}
	}
	published := true
	for _, f := range []struct {
		name      string
		otherwise bool
		set       func(bool)
	}{
		{"red_line", false, func(v bool) { item.RedLine = v }}, {"optional", false, func(v bool) { item.OptionalItem = v }},
		{"fail_photo", true, func(v bool) { item.FailWithoutPhoto = !v }}, {"fail_note", true, func(v bool) { item.FailWithoutNote = !v }},
		{"published", true, func(v bool) { published = v }},
	} {
		value, ok := f.otherwise, true
		if cell := text(f.name); cell != "" {
			value, ok = yesNo(cell)
		}
		if !ok {
			return wanted(f.name, text(f.name), "是或否", "yes or no"), nil
		}
		f.set(value)
	}
	list.Published = list.GetPublished() && published
	if code := strings.TrimSpace(text("category")); code != "" {
		id, p, err := r.find("category", ofCategories, code)
		if err != nil || p != nil {
			return p, err
		}
		item.CategoryId = id
	}
	list.Items = append(list.Items, item)
	return nil, nil
}
