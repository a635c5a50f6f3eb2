package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// rulesPrinted runs `rounds rules` and returns what it prints.
func rulesPrinted(t *testing.T, args ...string) string {
	t.Helper()
	out, fault := &bytes.Buffer{}, &bytes.Buffer{}
	if code := Main(t.Context(), append([]string{"rules"}, args...), Streams{In: strings.NewReader(""), Out: out, Err: fault}); code != int(Done) {
		t.Fatalf("%v: code %d: %s", args, code, fault)
	}
	return out.String()
}

// TestRulesPageIsCurrent: docs/rules.md is what the tables in package work say.
func TestRulesPageIsCurrent(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	if rulesPrinted(t, "--format", "markdown") != string(page) {
		t.Error("docs/rules.md is not what the tables say: go run ./cmd/rounds rules --format markdown > docs/rules.md")
	}
}

// TestRulesForPeople: each section alone and in both languages, with the document's rows in it.
func TestRulesForPeople(t *testing.T) {
	for section, wants := range map[string][]string{
		"arbitration": {"reassign X→Y, Y not started", "并发事件", "waits: DOUBLE_WORK", "ticket.tags: SET"},
		"transitions": {"evidence_verified", "PENDING_REVIEW", "refused: SUPERSEDED"},
		"permissions": {"force_close", "supervisor, manager", "resident"},
		"scopes":      {"inspection", "desk"},
		"questions":   {"WORK_AFTER_CANCEL", "supervisor"},
	} {
		both := rulesPrinted(t, section, "--format", "markdown") + rulesPrinted(t, section, "--format", "markdown", "--lang", "zh")
		for _, want := range wants {
			if !strings.Contains(both, want) {
				t.Errorf("%s does not say %q", section, want)
			}
		}
		if table := rulesPrinted(t, section); strings.Contains(table, "\n|") || strings.Count(table, "\n") < 4 {
			t.Errorf("%s as a table:\n%s", section, table)
		}
	}
	if all := rulesPrinted(t); !strings.Contains(all, "PERMISSIONS") || !strings.Contains(all, "WORKFLOWS") {
		t.Error("without a name not all is printed")
	}
}

// TestRulesForPrograms: the numbers of the table, each once.
func TestRulesForPrograms(t *testing.T) {
	var got struct {
		Arbitration []struct {
			Number  int
			Outcome struct{ ZH, EN string }
			KeptBy  []string `json:"kept_by"`
		}
		Transitions []struct{ Command string }
	}
	if err := json.Unmarshal([]byte(rulesPrinted(t, "--format", "json", "arbitration", "transitions")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Arbitration) != 38 || len(got.Transitions) == 0 {
		t.Fatalf("%d rows, %d transitions", len(got.Arbitration), len(got.Transitions))
	}
	for i, row := range got.Arbitration {
		if row.Number != i+1 || row.Outcome.ZH == "" || row.Outcome.EN == "" || len(row.KeptBy) == 0 {
			t.Errorf("row %d: %+v", i+1, row)
		}
	}
}

// TestRulesAskedWrongly: each fault is one of usage.
func TestRulesAskedWrongly(t *testing.T) {
	for _, args := range [][]string{{"nothing"}, {"--lang", "fr"}, {"--format", "xml"}} {
		fault := &bytes.Buffer{}
		if code := Main(t.Context(), append([]string{"rules"}, args...), Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: fault}); code != int(Usage) || fault.Len() == 0 {
			t.Errorf("%v: code %d: %s", args, code, fault)
		}
	}
}
