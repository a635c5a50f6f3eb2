package layout_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// atOnce tells where in a file something is done beside something else: by a goroutine, by a test that runs beside others, or by a package whose whole purpose that is.
func atOnce(files *token.FileSet, file *ast.File) (found []string) {
	at := func(n ast.Node, what string) {
		found = append(found, fmt.Sprintf("%s: %s", files.Position(n.Pos()), what))
	}
	for _, i := range file.Imports {
		switch i.Path.Value {
		case `"net/http/httptest"`, `"testing/synctest"`, `"golang.org/x/sync/errgroup"`:
			at(i, "import "+i.Path.Value)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			at(n, "go")
		case *ast.SelectorExpr:
			switch n.Sel.Name {
			case "Go", "Parallel", "RunParallel", "AfterFunc":
				at(n, n.Sel.Name)
			}
		}
		return true
	})
	return found
}

// TestAloneIsAlone: what make test leaves the race detector out for starts no goroutine, neither the code nor its tests.
func TestAloneIsAlone(t *testing.T) {
	makefile, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ALONE +:= (.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile names no packages that are tested without the race detector")
	}
	for _, pattern := range strings.Fields(string(line[1])) {
		folder, all := strings.CutSuffix(strings.TrimPrefix(pattern, "./"), "/...")
		looked := 0
		if err := fs.WalkDir(os.DirFS(root), folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".go" || !all && path.Dir(name) != folder {
				return err
			}
			looked++
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, root+"/"+name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, where := range atOnce(files, file) {
				t.Errorf("%s: with it the package is one for the race detector: take it out of ALONE in the Makefile", where)
			}
			return nil
		}); err != nil || looked == 0 {
			t.Errorf("%s: %d files, %v", pattern, looked, err)
		}
	}
}
