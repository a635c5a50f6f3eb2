package cli

import (
	"fmt"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// ruleSection is one of the tables of the rules.
type ruleSection struct {
	name         string
	title, about work.Words
	// table returns the section for people: columns and rows.
	table func(lang string) (head []string, rows [][]string)
	// data returns it for programs.
	data func() any
}

// words are a text in both languages.
func words(zh, en string) work.Words { return work.Words{ZH: zh, EN: en} }

// in is a text in one language.
func in(lang string, w work.Words) string {
	if lang == "zh" {
		return w.ZH
	}
	return w.EN
}

// heads are columns in one language.
func heads(lang string, all ...work.Words) []string {
	cells := make([]string, len(all))
	for i, w := range all {
		cells[i] = in(lang, w)
	}
	return cells
}

func ruleSections() []ruleSection {
	return []ruleSection{
		{"arbitration", words("并发事件（仲裁表）", "Concurrent events (the arbitration table)"),
			words("A 已在服务器上，B 随后由一台未看到 A 的离线设备送来。所有行中 B 的事实均保留。后几列为代码中的对应行。",
				"A is already on the server, B arrives later from an offline device with an older base. In all rows B's facts are appended. "+
					"The last columns are the rows of the code that keep it."),
			arbitrationTable, func() any { return arbitrationData() }},
		{"transitions", words("工作流", "Workflows"),
			words("同一指令有多行时，第一个原状态与条件都符合的行生效；其前提依次检查，第一个不满足的即为拒绝理由。",
				"Of several rows of a command the first whose From and When fit decides. Its Needs are asked in order; the first that does not hold is the refusal."),
			transitionTable, func() any { return transitionData(work.Transitions()) }},
		{"permissions", words("权限", "Permissions"), words("不在表中的一律拒绝。「本人」指仅限本人上报的工单。butler (of the place) 指该地点或其上级地点指定且在岗的管家；没有指定时为任一管家。",
			"What is not in the table is denied. Own: only with tickets that the person reported, and what is said and shown of these."+
				" A butler (of the place) is one whom the place of the ticket or a node above names, and who is there; any butler where none is."),
			permissionTable, func() any { return permissionData() }},
		{"scopes", words("范围", "Scopes"), words("各类记录所在的范围。", "Which kinds of records live in which class of scope."), scopeTable, func() any { return scopeData() }},
		{"questions", words("待决事项", "Questions"), words("每类事项问什么、问谁、可作的决定。没有决定角色的，修改该字段即可。",
			"What waits for a person: who is asked, who decides, and how. Where no role decides, it is answered by editing the field."), questionTable, func() any { return questionData() }},
	}
}

// permissionRow is what one operation on one kind takes.
type permissionRow struct {
	Kind      merge.Kind     `json:"kind"`
	Operation work.Operation `json:"operation"`
	Roles     []string       `json:"roles,omitempty"`
	Own       []string       `json:"own,omitempty"`
}

func permissionData() []permissionRow {
	var all []permissionRow
	for _, p := range work.Permissions() {
		i := slices.IndexFunc(all, func(r permissionRow) bool { return r.Kind == p.Kind && r.Operation == p.Operation })
		if i < 0 {
			i = len(all)
			all = append(all, permissionRow{Kind: p.Kind, Operation: p.Operation})
		}
		switch role := roleName(p.Role); {
		case p.Own:
			all[i].Own = append(all[i].Own, role)
		case p.Served:
			all[i].Roles = append(all[i].Roles, role+" (of the place)")
		default:
			all[i].Roles = append(all[i].Roles, role)
		}
	}
	return all
}

func permissionTable(lang string) ([]string, [][]string) {
	head := heads(lang, words("类型", "Kind"), words("操作", "Operation"), words("角色", "Roles"), words("本人", "Own"))
	var rows [][]string
	for _, p := range permissionData() {
		rows = append(rows, []string{string(p.Kind), string(p.Operation), strings.Join(p.Roles, ", "), strings.Join(p.Own, ", ")})
	}
	return head, rows
}

func roleName(r roundsv1.Role) string { return strings.ToLower(enumName(r.String(), "ROLE")) }

// scopeRow is what lives in one class of scopes.
type scopeRow struct {
	Class work.Class   `json:"class"`
	Kinds []merge.Kind `json:"kinds"`
}

func scopeData() []scopeRow {
	var all []scopeRow
	for _, home := range work.Scopes() {
		i := slices.IndexFunc(all, func(r scopeRow) bool { return r.Class == home.Class })
		if i < 0 {
			i = len(all)
			all = append(all, scopeRow{Class: home.Class})
		}
		all[i].Kinds = append(all[i].Kinds, home.Kind)
	}
	return all
}

func scopeTable(lang string) ([]string, [][]string) {
	head := heads(lang, words("范围", "Scope"), words("记录类型", "Kinds"))
	var rows [][]string
	for _, s := range scopeData() {
		kinds := make([]string, len(s.Kinds))
		for i, k := range s.Kinds {
			kinds[i] = string(k)
		}
		rows = append(rows, []string{string(s.Class), strings.Join(kinds, ", ")})
	}
	return head, rows
}

// questionRow is one type of question.
type questionRow struct {
	Type    string    `json:"type"`
	Asks    bothWords `json:"asks"`
	Owner   string    `json:"owner"`
	Roles   []string  `json:"roles,omitempty"`
	Actions []string  `json:"actions"`
	Remind  string    `json:"remind_after"`
}

func questionData() []questionRow {
	var all []questionRow
	for _, q := range work.Questions() {
		row := questionRow{Type: enumName(q.Type.String(), "CONFLICT_TYPE"), Asks: bothWords{q.Asks.GetZh(), q.Asks.GetEn()}, Owner: roleName(q.Owner),
			Remind: fmt.Sprintf("%g h", q.Remind.Hours())}
		for _, role := range q.Deciders {
			row.Roles = append(row.Roles, roleName(role))
		}
		for _, action := range q.Actions {
			row.Actions = append(row.Actions, enumName(action.String(), "CONFLICT_ACTION"))
		}
		all = append(all, row)
	}
	return all
}

func questionTable(lang string) ([]string, [][]string) {
	head := heads(lang, words("事项", "Question"), words("问题", "Asks"), words("问谁", "Owner"), words("由谁决定", "Decided by"), words("选项", "Actions"),
		words("首次提醒", "Reminded after"))
	var rows [][]string
	for _, q := range questionData() {
		rows = append(rows, []string{q.Type, in(lang, work.Words(q.Asks)), q.Owner, strings.Join(q.Roles, ", "), strings.Join(q.Actions, ", "), q.Remind})
	}
	return head, rows
}
