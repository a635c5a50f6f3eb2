package layout

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// name refuses package names that say nothing about what is inside.
func (c *checker) name() {
	for _, f := range c.pkg.files {
		name := strings.TrimSuffix(f.syntax.Name.Name, "_test")
		if slices.Contains(c.rules.NoNames, name) {
			c.fault(f.path, f.syntax.Name.Pos(), "a package is named after what it provides, not %q", name)
			return
		}
	}
}

// packageComment wants the package's contract told once. Packages that are all tests or all generated need none.
func (c *checker) packageComment() {
	var told []string
	var name string
	for _, f := range c.pkg.files {
		if f.test || f.generated {
			continue
		}
		name = f.syntax.Name.Name
		if f.syntax.Doc != nil && f.syntax.Doc.Text() != "" {
			told = append(told, f.path)
			if text := f.syntax.Doc.Text(); name != "main" && !strings.HasPrefix(text, "Package "+name+" ") {
				c.fault(f.path, f.syntax.Doc.Pos(), "the package comment begins \"Package %s ...\"", name)
			}
		}
	}
	switch {
	case name != "" && len(told) == 0:
		c.fault(c.pkg.dir, token.NoPos, "package %s has no package comment", name)
	case len(told) > 1:
		c.fault(c.pkg.dir, token.NoPos, "package %s has %d package comments: %s", name, len(told), strings.Join(told, ", "))
	}
}

// habits checks what can be seen in one file.
func (c *checker) habits(f file) {
	if f.generated {
		return
	}
	if !f.test && f.lines > c.rules.MaxLines {
		c.fault(f.path, token.NoPos, "%d lines: the longest file has %d", f.lines, c.rules.MaxLines)
	}
	for _, decl := range f.syntax.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			c.fault(f.path, fn.Pos(), "no init functions: what a package needs is handed to it")
		}
	}
	c.clock(f)
	c.marks(f)
	c.ids(f)
}

// clock finds calls that read or wait on the machine's clock. Naming time.Now as a default, without calling it, is fine.
func (c *checker) clock(f file) {
	clock := imported(f.syntax, "time")
	if clock == "" {
		return
	}
	mayRead := f.test || slices.ContainsFunc(c.rules.Clock, func(p string) bool { return match(p, c.pkg.dir) })
	maySleep := !f.test || imported(f.syntax, "testing/synctest") != ""
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := sel.X.(*ast.Ident); !ok || of.Name != clock {
			return true
		}
		switch sel.Sel.Name {
		case "Now", "Since", "Until":
			if !mayRead {
				c.fault(f.path, call.Pos(), "time.%s is called: take a Now func() time.Time instead", sel.Sel.Name)
			}
		case "Sleep":
			if !maySleep {
				c.fault(f.path, call.Pos(), "a test that sleeps: wait for what happens, or use testing/synctest")
			}
		}
		return true
	})
}

// imported returns the name under which a file imports a package, or "".
func imported(f *ast.File, want string) string {
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != want {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return want[strings.LastIndexByte(want, '/')+1:]
	}
	return ""
}
