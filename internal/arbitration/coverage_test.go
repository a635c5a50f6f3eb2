package arbitration_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rounds-sync/rounds/work"
)

// testFiles are the files of tests here, by their names.
func testFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		if files[entry.Name()], err = parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestNothingIsSkipped: a row that is skipped is not kept.
func TestNothingIsSkipped(t *testing.T) {
	for name, file := range testFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, call.Sel.Name) {
				t.Errorf("%s calls %s", name, call.Sel.Name)
			}
			return true
		})
	}
}

// TestEveryRowHasItsTest: the table has the rows 1 to 38, each whole and each with a test by its number here. Rows of the workflows carry no other number, and a
// row that package work keeps by commands has one of them.
func TestEveryRowHasItsTest(t *testing.T) {
	tests := map[string]bool{}
	for _, file := range testFiles(t) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
	}
	rows := work.Arbitrations()
	if len(rows) != 38 {
		t.Fatalf("the table has %d rows", len(rows))
	}
	for i, row := range rows {
		if row.Number != i+1 {
			t.Errorf("row %d stands at place %d", row.Number, i+1)
		}
		if name := fmt.Sprintf("TestRow%02d", row.Number); !tests[name] {
			t.Errorf("there is no %s", name)
		}
		for _, words := range []work.Words{row.A, row.B, row.Outcome} {
			if words.ZH == "" || words.EN == "" {
				t.Errorf("row %d says too little: %+v", row.Number, words)
			}
		}
		if len(row.Keepers) == 0 {
			t.Errorf("nobody keeps row %d", row.Number)
		}
		if len(row.Policies()) != len(row.Fields) {
			t.Errorf("row %d: not every field is one of the schema: %v", row.Number, row.Fields)
		}
		if len(row.Fields) == 0 && slices.Contains(row.Keepers, work.ByWork) && len(row.Keepers) == 1 && len(row.Transitions()) == 0 {
			t.Errorf("row %d is kept by work alone, and no row of a workflow carries its number", row.Number)
		}
	}
	for _, transition := range work.Transitions() {
		if transition.Row < 0 || transition.Row > len(rows) {
			t.Errorf("%s %s carries the number %d", transition.Kind, transition.Command, transition.Row)
		}
	}
}
