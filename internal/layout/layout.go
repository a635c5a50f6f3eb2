// Package layout keeps the house in order: which of our packages may import which, and the habits that a machine can check. Its
// test runs the checks over the whole tree; the table itself stands in table.go.
package layout

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Fault is one place in the tree that breaks a rule.
type Fault struct {
	Path string // of the file or folder, from the root of the tree
	Line int    // from 1; 0 where the fault is the whole file or folder
	What string // the rule that is broken and, where it helps, what is allowed
}

// String is the fault as compilers print theirs.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.Path + ": " + f.What
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.What)
}

// pkg is one folder with Go files. Files of its external test package (name_test) belong to it.
type pkg struct {
	dir   string // from the root; "." is the root
	files []file
}

type file struct {
	path      string
	syntax    *ast.File
	lines     int
	test      bool
	generated bool
}

// Check reads every Go file below the root of tree, which is the root of our module, whatever its build tags, and returns the
// faults in the order of the tree. It passes over folders that the go command does not see and over other modules. A file that
// does not parse is an error.
func Check(tree fs.FS, rules Rules) ([]Fault, error) {
	fset := token.NewFileSet()
	pkgs, err := read(tree, fset)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	for _, p := range pkgs {
		c := checker{rules: rules, fset: fset, pkg: p}
		c.imports()
		c.name()
		c.packageComment()
		for _, f := range p.files {
			c.habits(f)
		}
		faults = append(faults, c.faults...)
	}
	return faults, nil
}

// read parses the tree's Go files, folder by folder.
func read(tree fs.FS, fset *token.FileSet) ([]pkg, error) {
	var pkgs []pkg
	err := fs.WalkDir(tree, ".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return nil
		}
		skip, err := outside(tree, at, entry.Name())
		if err != nil {
			return err
		}
		if skip {
			return fs.SkipDir
		}
		p, err := readFolder(tree, fset, at)
		if err != nil {
			return err
		}
		if len(p.files) > 0 {
			pkgs = append(pkgs, p)
		}
		return nil
	})
	return pkgs, err
}

// outside tells whether a folder is none of the module's.
func outside(tree fs.FS, at, name string) (bool, error) {
	if at == "." {
		return false, nil
	}
	if hidden(name) || name == "testdata" || name == "vendor" || name == "node_modules" {
		return true, nil
	}
	_, err := fs.Stat(tree, path.Join(at, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// hidden tells whether the go command passes over a name.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func readFolder(tree fs.FS, fset *token.FileSet, dir string) (pkg, error) {
	entries, err := fs.ReadDir(tree, dir)
	if err != nil {
		return pkg{}, err
	}
	p := pkg{dir: dir}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if entry.IsDir() || path.Ext(name) != ".go" || hidden(entry.Name()) {
			continue
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return pkg{}, err
		}
		syntax, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return pkg{}, err
		}
		p.files = append(p.files, file{
			path:      name,
			syntax:    syntax,
			lines:     strings.Count(string(source), "\n"),
			test:      strings.HasSuffix(name, "_test.go"),
			generated: ast.IsGenerated(syntax),
		})
	}
	return p, nil
}

// checker gathers the faults of one package.
type checker struct {
	rules  Rules
	fset   *token.FileSet
	pkg    pkg
	faults []Fault
}

func (c *checker) fault(at string, pos token.Pos, format string, args ...any) {
	f := Fault{Path: at, What: fmt.Sprintf(format, args...)}
	if pos.IsValid() {
		f.Line = c.fset.Position(pos).Line
	}
	c.faults = append(c.faults, f)
}

// imports holds every import of the package against the table.
func (c *checker) imports() {
	row, ok := c.rules.row(c.pkg.dir)
	if !ok {
		c.fault(c.pkg.dir, token.NoPos, "the import table has no row for this package: see internal/layout/table.go")
		return
	}
	for _, f := range c.pkg.files {
		for _, spec := range f.syntax.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser has seen to it
			}
			if !f.test && slices.ContainsFunc(row.Never, func(p string) bool { return match(p, to) }) {
				c.fault(f.path, spec.Pos(), "%s may not import %s", c.pkg.dir, to)
			}
			ours, ok := strings.CutPrefix(to, c.rules.Module+"/")
			if !ok || ours == c.pkg.dir {
				continue
			}
			allowed := row.May
			if f.test {
				allowed = slices.Concat(row.May, row.Tests, c.rules.Tests)
			}
			if !slices.ContainsFunc(allowed, func(p string) bool { return match(p, ours) }) {
				c.fault(f.path, spec.Pos(), "%s may not import %s; the import table allows it: %s", c.pkg.dir, ours, list(allowed))
			}
		}
	}
}

func list(patterns []string) string {
	if len(patterns) == 0 {
		return "nothing of ours"
	}
	return strings.Join(patterns, ", ")
}
