package journal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var codeForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)

// tree is the product's code, in which codes are looked for.
type tree struct {
	t     *testing.T
	files *token.FileSet
	codes map[string]string // where each was seen
}

// written finds the codes that the packages that write to the log have for what they decide: texts in the form of a code that
// are given to something called action, or stand in a table called actions or standings.
func written(t *testing.T, root string) map[string]string {
	found := &tree{t: t, files: token.NewFileSet(), codes: map[string]string{}}
	packages := map[string][]*ast.File{}
	writes := map[string]bool{}
	err := fs.WalkDir(os.DirFS(root), ".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(at, ".go") || strings.HasSuffix(at, "_test.go") || strings.HasSuffix(at, "_templ.go") {
			return err
		}
		file, err := parser.ParseFile(found.files, path.Join(root, at), nil, 0)
		if err != nil {
			return nil // the compiler says so
		}
		packages[path.Dir(at)] = append(packages[path.Dir(at)], file)
		for _, one := range file.Imports {
			writes[path.Dir(at)] = writes[path.Dir(at)] || one.Path.Value == `"tributary/internal/journal"`
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for at := range writes {
		if writes[at] {
			found.look(packages[at])
		}
	}
	if len(found.codes) < 10 {
		t.Errorf("only %d codes were found: the search does not see what is written", len(found.codes))
	}
	return found.codes
}

// look reads a package: first which parameters are called action, then what is given to them.
func (f *tree) look(files []*ast.File) {
	takes := map[string]int{}
	for _, file := range files {
		for _, one := range file.Decls {
			if function, ok := one.(*ast.FuncDecl); ok {
				place := 0
				for _, field := range function.Type.Params.List {
					for _, name := range field.Names {
						if name.Name == "action" {
							takes[function.Name.Name] = place
						}
						place++
					}
				}
			}
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.KeyValueExpr:
				if named(n.Key, "Action", "action") {
					f.keep(n.Value)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if named(left, "action") && i < len(n.Rhs) {
						f.keep(n.Rhs[i])
					}
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if named(name, "actions", "standings") && i < len(n.Values) {
						ast.Inspect(n.Values[i], func(value ast.Node) bool {
							if pair, ok := value.(*ast.KeyValueExpr); ok {
								f.keep(pair.Value)
							}
							return true
						})
					}
				}
			case *ast.CallExpr:
				if place, ok := takes[called(n.Fun)]; ok && place < len(n.Args) {
					f.keep(n.Args[place])
				}
			}
			return true
		})
	}
}

func (f *tree) keep(value ast.Expr) {
	literal, ok := value.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	code, err := strconv.Unquote(literal.Value)
	if err == nil && codeForm.MatchString(code) {
		f.codes[code] = f.files.Position(literal.Pos()).String()
	}
}

func named(e ast.Expr, names ...string) bool {
	got := called(e)
	for _, name := range names {
		if got == name {
			return true
		}
	}
	return false
}

// called is the last name of an expression: that of a function, a method, a field.
func called(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
