package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNothingIsEnglishAlone: what a command prints, its tables and its refusals, goes through a choice between the two languages: no call that prints or refuses has English
// words of its own.
func TestNothingIsEnglishAlone(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	english := regexp.MustCompile(`[a-z]{2,}|^[A-Z][A-Z ]+$`)
	verbs := regexp.MustCompile(`%[-+# 0-9.\[\]]*[a-zA-Z]|\\n`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, text := range spokenBy(n) {
				if said, err := strconv.Unquote(text.Value); err == nil && english.MatchString(verbs.ReplaceAllString(said, "")) && !spoken(said) {
					t.Errorf("%s says %q in every language", set.Position(text.Pos()), said)
				}
			}
			return true
		})
	}
}

// spokenBy are the strings that a call prints or refuses with, and the headings of a table, as they stand there.
func spokenBy(n ast.Node) (words []*ast.BasicLit) {
	var from []ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		switch called := n.Fun.(type) {
		case *ast.Ident:
			if called.Name == "fail" {
				from = n.Args
			}
		case *ast.SelectorExpr:
			to, ok := called.X.(*ast.Ident)
			if !ok || to.Name != "fmt" || !strings.HasPrefix(called.Sel.Name, "Fprint") {
				return nil
			}
			if out, ok := n.Args[0].(*ast.SelectorExpr); ok && (out.Sel.Name == "Out" || out.Sel.Name == "Err") {
				from = n.Args[1:]
			}
		}
	case *ast.KeyValueExpr:
		list, ok := n.Value.(*ast.CompositeLit)
		if key, is := n.Key.(*ast.Ident); ok && is && key.Name == "head" {
			from = list.Elts
		}
	}
	for _, one := range from {
		if text, ok := one.(*ast.BasicLit); ok && text.Kind == token.STRING {
			words = append(words, text)
		}
	}
	return words
}
