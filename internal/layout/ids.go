package layout

import (
	"go/ast"
	"regexp"
	"slices"
)

// idName is what an id, a cursor, a hash, a seq, or a name of who and where is called.
var idName = regexp.MustCompile(`^(ids?|hash|seq|cursor|scope|site|person|device)$|(ID|Id|IDs|Ids|Hash|Seq|Cursor|Scope|Site|Person|Device)$`)

// ids wants types of their own for ids in what the packages of the product export: the parameters of functions, of methods of exported types and of interfaces, and
// fields. What generated code and tests name, the packages in Rules.Inside, and the names in Rules.Strings may be bare.
func (c *checker) ids(f file) {
	if f.test || f.syntax.Name.Name == "main" || slices.ContainsFunc(c.rules.Inside, func(p string) bool { return match(p, c.pkg.dir) }) {
		return
	}
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if owner, exported := ownerOf(d); exported {
				c.fields(f, owner, d.Type.Params, false)
				c.fields(f, owner, d.Type.Results, false)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok && t.Name.IsExported() {
					c.idsOf(f, t.Name.Name, t.Type)
				}
			}
		}
	}
}

// ownerOf is what a function is called by who uses it ("Engine.Record"), and whether anybody else can.
func ownerOf(d *ast.FuncDecl) (name string, exported bool) {
	if d.Recv == nil {
		return d.Name.Name, d.Name.IsExported()
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	on, ok := of.(*ast.Ident)
	return identOf(on) + "." + d.Name.Name, ok && on.IsExported() && d.Name.IsExported()
}

func identOf(i *ast.Ident) string {
	if i == nil {
		return ""
	}
	return i.Name
}

// idsOf looks into a type: the fields of a struct, the methods of an interface, the parameters of a function.
func (c *checker) idsOf(f file, owner string, t ast.Expr) {
	switch t := t.(type) {
	case *ast.StructType:
		c.fields(f, owner, t.Fields, true)
	case *ast.InterfaceType:
		for _, m := range t.Methods.List {
			if len(m.Names) == 1 && m.Names[0].IsExported() {
				c.idsOf(f, owner+"."+m.Names[0].Name, m.Type)
			}
		}
	case *ast.FuncType:
		c.fields(f, owner, t.Params, false)
		c.fields(f, owner, t.Results, false)
	}
}

func (c *checker) fields(f file, owner string, list *ast.FieldList, exported bool) {
	if list == nil {
		return
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			if exported && !name.IsExported() {
				continue
			}
			at := owner + "." + name.Name
			c.idsOf(f, at, field.Type)
			if idName.MatchString(name.Name) && bare(field.Type) && !slices.Contains(c.rules.Strings, c.pkg.dir+"."+at) {
				c.fault(f.path, name.Pos(), "%s is a bare %s: give it the type of what it names (merge.RecordID, engine.PersonID, store.Scope ...), or its reason in Strings of the rules",
					at, element(field.Type))
			}
		}
	}
}

// bare: whether a type, or what it is a slice of, is none of its own.
func bare(t ast.Expr) bool {
	switch element(t) {
	case "string", "int64", "uint64":
		return true
	}
	return false
}

// element is the name of a type without a package, or of what a slice or a pointer is of; "" for any other.
func element(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.ArrayType:
		return element(t.Elt)
	case *ast.StarExpr:
		return element(t.X)
	case *ast.Ellipsis:
		return element(t.Elt)
	}
	return ""
}
