package cli

import (
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// bothWords are a text as JSON has it.
type bothWords struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// arbitrationRow is a row of the table of concurrent events as JSON has it.
type arbitrationRow struct {
	Number      int             `json:"number"`
	A           bothWords       `json:"a"`
	B           bothWords       `json:"b"`
	Outcome     bothWords       `json:"outcome"`
	Keepers     []work.Keeper   `json:"kept_by"`
	Policies    []string        `json:"policies,omitempty"`
	Transitions []transitionRow `json:"transitions,omitempty"`
}

func arbitrationData() []arbitrationRow {
	var all []arbitrationRow
	for _, a := range work.Arbitrations() {
		all = append(all, arbitrationRow{a.Number, bothWords(a.A), bothWords(a.B), bothWords(a.Outcome), a.Keepers, a.Policies(), transitionData(a.Transitions())})
	}
	return all
}

// arbitrationTable prints a row of the document once, and beside and below it each row of the code that keeps it.
func arbitrationTable(lang string) ([]string, [][]string) {
	head := heads(lang, words("#", "#"), words("A（服务器）", "A (server)"), words("B（迟到）", "B (late)"), words("结果", "Outcome"), words("由谁保证", "Kept by"),
		words("指令", "Command"), words("原状态", "From"), words("条件", "When"), words("前提", "Needs"), words("效果", "Effects"), words("新状态", "To"))
	var rows [][]string
	for _, a := range work.Arbitrations() {
		keepers := make([]string, len(a.Keepers))
		for i, k := range a.Keepers {
			keepers[i] = string(k)
		}
		row := []string{strconv.Itoa(a.Number), in(lang, a.A), in(lang, a.B), in(lang, a.Outcome), strings.Join(append(keepers, a.Policies()...), "; ")}
		transitions := a.Transitions()
		if len(transitions) == 0 {
			rows = append(rows, append(row, "", "", "", "", "", ""))
		}
		for i, t := range transitions {
			if i > 0 {
				row = make([]string, len(row))
			}
			rows = append(rows, append(slices.Clone(row), string(t.Kind)+" "+string(t.Command), states(t.From), strings.Join(t.When, "; "),
				strings.Join(t.Needs, "; "), strings.Join(t.Effects, "; "), leadsTo(t)))
		}
	}
	return head, rows
}

// transitionRow is a row of a workflow as JSON has it.
type transitionRow struct {
	Kind    merge.Kind     `json:"kind"`
	Command work.Operation `json:"command"`
	Row     int            `json:"row,omitempty"`
	From    []work.State   `json:"from,omitempty"`
	When    []string       `json:"when,omitempty"`
	Needs   []string       `json:"needs,omitempty"`
	Effects []string       `json:"effects,omitempty"`
	To      work.State     `json:"to,omitempty"`
	Park    string         `json:"park,omitempty"`
	Refuse  string         `json:"refuse,omitempty"`
}

func transitionData(transitions []work.Transition) []transitionRow {
	var all []transitionRow
	for _, t := range transitions {
		all = append(all, transitionRow{t.Kind, t.Command, t.Row, t.From, t.When, t.Needs, t.Effects, t.To, parkedAs(t), refusedAs(t)})
	}
	return all
}

func transitionTable(lang string) ([]string, [][]string) {
	head := heads(lang, words("类型", "Kind"), words("指令", "Command"), words("行", "Row"), words("原状态", "From"), words("条件", "When"), words("前提", "Needs"),
		words("效果", "Effects"), words("新状态", "To"))
	var rows [][]string
	for _, t := range work.Transitions() {
		number := ""
		if t.Row > 0 {
			number = strconv.Itoa(t.Row)
		}
		rows = append(rows, []string{string(t.Kind), string(t.Command), number, states(t.From), strings.Join(t.When, "; "), strings.Join(t.Needs, "; "),
			strings.Join(t.Effects, "; "), leadsTo(t)})
	}
	return head, rows
}

func states(all []work.State) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// parkedAs is the type of the question that a row asks; "" where it asks none.
func parkedAs(t work.Transition) string {
	if t.Park == roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED {
		return ""
	}
	return enumName(t.Park.String(), "CONFLICT_TYPE")
}

// refusedAs is the code of a row that is a refusal; "" for others. That of a row which asks goes with the question.
func refusedAs(t work.Transition) string {
	if t.Refuse == roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED || parkedAs(t) != "" {
		return ""
	}
	return enumName(t.Refuse.String(), "PROBLEM_CODE")
}

// leadsTo is where a row leads: to a state, to a person, or to a refusal.
func leadsTo(t work.Transition) string {
	switch {
	case parkedAs(t) != "":
		return "waits: " + parkedAs(t)
	case refusedAs(t) != "":
		return "refused: " + refusedAs(t)
	case t.To != "":
		return string(t.To)
	}
	return "stays"
}
