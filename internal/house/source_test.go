package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

const modulePath = "tributary"

// source is one Go file, with what the rules ask about it.
type source struct {
	path      string
	test      bool
	generated bool
	lines     int
	file      *ast.File
	imports   []string
	local     map[string]string // name in this file → import path
}

// folder is a package: the name a row has for it, and its files.
type folder struct {
	name    string
	sources []*source
}

// readTree parses every Go file of the module. Folders with a module of their own are other people's houses.
func readTree(tree fs.FS) (folders []folder, fset *token.FileSet, err error) {
	fset = token.NewFileSet()
	byName := map[string]*folder{}
	err = fs.WalkDir(tree, ".", func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enterFolder(tree, at)
		}
		if path.Ext(at) != ".go" {
			return nil
		}
		s, err := readSource(tree, fset, at)
		if err != nil {
			return err
		}
		name := roomName(path.Dir(at))
		if byName[name] == nil {
			byName[name] = &folder{name: name}
		}
		byName[name].sources = append(byName[name].sources, s)
		return nil
	})
	for _, f := range byName {
		folders = append(folders, *f)
	}
	sort.Slice(folders, func(i, j int) bool { return folders[i].name < folders[j].name })
	return folders, fset, err
}

func enterFolder(tree fs.FS, at string) error {
	base := path.Base(at)
	if at != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(at, "go.mod")); err == nil && at != "." {
		return fs.SkipDir
	}
	return nil
}

func readSource(tree fs.FS, fset *token.FileSet, at string) (*source, error) {
	text, err := fs.ReadFile(tree, at)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(fset, at, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{path: at, file: file, test: strings.HasSuffix(at, "_test.go"), generated: ast.IsGenerated(file)}
	s.lines = strings.Count(string(text), "\n")
	s.local = map[string]string{}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		s.imports = append(s.imports, imported)
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		s.local[name] = imported
	}
	return s, nil
}

// roomName is the name that ARCHITECTURE.md has for a folder: without internal/ in front.
func roomName(dir string) string { return strings.TrimPrefix(dir, "internal/") }

// ownImports lists the rooms a file imports.
func (s *source) ownImports() (rooms []string) {
	for _, imported := range s.imports {
		if within, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
			rooms = append(rooms, roomName(within))
		}
	}
	return rooms
}

// uses calls found for each selector of an imported package in the file: uses of time.Now as ("time", "Now").
func (s *source) uses(found func(imported, name string, at token.Pos)) {
	ast.Inspect(s.file, func(node ast.Node) bool {
		// To hold a client that egress made is not to dial: a pointer to one makes none.
		if pointer, ok := node.(*ast.StarExpr); ok {
			if held, ok := pointer.X.(*ast.SelectorExpr); ok && held.Sel.Name == "Client" {
				return false
			}
		}
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok {
			if imported, ok := s.local[x.Name]; ok {
				found(imported, selector.Sel.Name, selector.Pos())
			}
		}
		return true
	})
}
