package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// The sizes that keep the house habitable. They are the upper end of what loved code bases of this kind do; whoever
// needs more splits the thing, or changes the limit here and says why.
const (
	maxFunctionLines = 70   // one screen: the whole rule is in sight
	maxFileLines     = 600  // one topic per file, found by its name
	maxPackageLines  = 3000 // one sitting to read; tests not counted
	maxOwnImports    = 6    // a domain package that needs more of its neighbours is two packages
	maxInterfaces    = 12   // only where two real implementations exist or the world begins
)

// Words that say nothing about the business: whatever stands there belongs to a room with a name.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "base", "core", "models", "service", "manager", "impl"}

// Who may do what the rest of the house may not. Commands are doors too.
var (
	doorSections = []string{"doors", "commands and proof"}
	// These import more than maxOwnImports: the page where the river meets, the form of what it decides, and what reads that back; the
	// page where a life in a program is read; what knows all that is kept about a person; who is told what, and how.
	wideByDesign   = []string{"accrual", "decision", "explain", "audit", "admission", "rights", "notice"}
	timeReaders    = []string{"clock"}
	databaseOwners = []string{"db"}
	diallers       = []string{"egress"}
	// callers speak HTTP to others through a client that egress made and they are given; they make none.
	callers = []string{"site", "network", "auth/oidc"}
)

var (
	serverNames = []string{"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS", "Server", "Handler", "HandlerFunc",
		"Handle", "HandleFunc", "ServeMux", "NewServeMux", "ResponseWriter"}
	dialNames = map[string][]string{
		"net/http": {"Get", "Post", "PostForm", "Head", "Client", "DefaultClient", "Transport", "DefaultTransport"},
		"net":      {"Dial", "DialTimeout", "Dialer", "DialTCP", "DialUDP", "DialIP"},
	}
)

func TestHouse(t *testing.T) {
	for _, violation := range inspect(os.DirFS("../..")) {
		t.Error(violation)
	}
}

// inspect gives every violation in plain words.
func inspect(tree fs.FS) []string {
	text, err := fs.ReadFile(tree, "ARCHITECTURE.md")
	if err != nil {
		return []string{err.Error()}
	}
	rooms, violations := readTable(string(text))
	folders, fset, err := readTree(tree)
	if err != nil {
		return append(violations, err.Error())
	}
	violations = append(violations, compareRooms(rooms, folders)...)
	interfaces := 0
	for _, f := range folders {
		at := slices.IndexFunc(rooms, func(r room) bool { return r.name == f.name })
		if at < 0 {
			continue // already said by compareRooms
		}
		h := &hall{room: rooms[at], folder: f, fset: fset}
		h.imports()
		h.privileges()
		h.sizes()
		interfaces += h.interfaces()
		violations = append(violations, h.violations...)
	}
	if interfaces > maxInterfaces {
		violations = append(violations, fmt.Sprintf("%d interfaces are declared; %d is the limit", interfaces, maxInterfaces))
	}
	return violations
}

// compareRooms holds the table against the folders, both ways.
func compareRooms(rooms []room, folders []folder) (violations []string) {
	exists := map[string]bool{}
	for _, f := range folders {
		exists[f.name] = true
		if !slices.ContainsFunc(rooms, func(r room) bool { return r.name == f.name }) {
			violations = append(violations, fmt.Sprintf("package %s has no row in ARCHITECTURE.md", f.name))
		}
		for word := range strings.SplitSeq(f.name, "/") {
			if slices.Contains(emptyNames, word) {
				violations = append(violations, fmt.Sprintf("package %s: %q names nothing of the business", f.name, word))
			}
		}
	}
	for _, r := range rooms {
		if !exists[r.name] && !r.notYet {
			violations = append(violations, fmt.Sprintf("ARCHITECTURE.md has a row for `%s`, which does not exist: say %q or strike the row",
				r.name, markNotYet))
		}
	}
	return violations
}

// hall is one package while it is inspected.
type hall struct {
	room
	folder     folder
	fset       *token.FileSet
	violations []string
}

func (h *hall) say(format string, args ...any) {
	h.violations = append(h.violations, fmt.Sprintf(format, args...))
}

// product gives the files that ship: neither tests nor, unless asked for, generated ones.
func (h *hall) product(generated bool) (files []*source) {
	for _, s := range h.folder.sources {
		if !s.test && (generated || !s.generated) {
			files = append(files, s)
		}
	}
	return files
}

func (h *hall) isDoor() bool { return slices.Contains(doorSections, h.section) }

func (h *hall) imports() {
	own := map[string]bool{}
	for _, s := range h.product(true) {
		for _, imported := range s.ownImports() {
			own[imported] = true
			if !h.allowed[imported] {
				h.say("%s: %s may not import %s (ARCHITECTURE.md)", s.path, h.name, imported)
			}
		}
	}
	if len(own) > maxOwnImports && !h.isDoor() && !slices.Contains(wideByDesign, h.name) {
		h.say("package %s imports %d of our own packages; a domain package may import %d", h.name, len(own), maxOwnImports)
	}
}

// privileges checks what only some rooms may do: read the time, open a database, serve, dial.
func (h *hall) privileges() {
	for _, s := range h.product(true) {
		if slices.Contains(s.imports, "database/sql") && !slices.Contains(databaseOwners, h.name) {
			h.say("%s: only %s imports database/sql", s.path, strings.Join(databaseOwners, ", "))
		}
		knowsHTTP := h.isDoor() || slices.Contains(diallers, h.name) || slices.Contains(callers, h.name) || h.testsOnly
		if slices.Contains(s.imports, "net/http") && !knowsHTTP {
			h.say("%s: only doors and %s import net/http", s.path, strings.Join(diallers, ", "))
		}
		s.uses(func(imported, name string, pos token.Pos) {
			at := h.fset.Position(pos)
			switch {
			case imported == "time" && slices.Contains([]string{"Now", "Since", "Until"}, name) && !slices.Contains(timeReaders, h.name):
				h.say("%s: time.%s: only %s reads the time", at, name, strings.Join(timeReaders, ", "))
			case imported == "net/http" && slices.Contains(serverNames, name) && slices.Contains(diallers, h.name):
				h.say("%s: http.%s: %s dials and does not serve", at, name, h.name)
			case name == "Client" && slices.Contains(callers, h.name): // the type of what they are given
			case slices.Contains(dialNames[imported], name) && !slices.Contains(diallers, h.name) && !h.isCommand():
				h.say("%s: %s.%s: only %s dials", at, path.Base(imported), name, strings.Join(diallers, ", "))
			}
		})
	}
}

// isCommand: commands measure and check a running server from outside, over loopback.
func (h *hall) isCommand() bool { return strings.HasPrefix(h.name, "cmd/") }

func (h *hall) sizes() {
	total := 0
	for _, s := range h.folder.sources {
		if s.generated {
			continue
		}
		if s.lines > maxFileLines {
			h.say("%s: %d lines; a file may have %d", s.path, s.lines, maxFileLines)
		}
		if s.test {
			continue
		}
		total += s.lines
		for _, declaration := range s.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			start, end := h.fset.Position(function.Pos()), h.fset.Position(function.End())
			if lines := end.Line - start.Line + 1; lines > maxFunctionLines {
				h.say("%s: function %s has %d lines; %d is the limit", start, function.Name.Name, lines, maxFunctionLines)
			}
		}
	}
	if total > maxPackageLines {
		h.say("package %s has %d lines; a package may have %d", h.name, total, maxPackageLines)
	}
}

// interfaces counts declared interfaces that something can implement; unions that only constrain type parameters are
// not among them.
func (h *hall) interfaces() (count int) {
	for _, s := range h.product(false) {
		ast.Inspect(s.file, func(node ast.Node) bool {
			declared, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if face, ok := declared.Type.(*ast.InterfaceType); ok && !isUnion(face) {
				count++
			}
			return true
		})
	}
	return count
}

func isUnion(face *ast.InterfaceType) bool {
	for _, field := range face.Methods.List {
		switch field.Type.(type) {
		case *ast.BinaryExpr, *ast.UnaryExpr:
			return true
		}
	}
	return false
}

// TestInspect shows each rule a house that breaks it, so that a rule which no longer sees anything is noticed.
func TestInspect(t *testing.T) {
	const table = "### ground\n| `clock` | time | – |\n| `db` | rows | `clock` |\n| `db/dbtest` | databases (tests only) | `db` |\n" +
		"| `egress` | dials | `clock` |\n### doors\n| `web` | pages | ground |\n"
	clean := map[string]string{
		"clock/clock.go":      "package clock\nimport \"time\"\nvar _ = time.Now\n",
		"db/db.go":            "package db\nimport \"database/sql\"\nimport \"tributary/internal/clock\"\nvar _ sql.DB\n",
		"db/dbtest/dbtest.go": "package dbtest\nimport \"tributary/internal/db\"\n",
		"egress/egress.go":    "package egress\nimport \"net/http\"\nvar _ http.Client\n",
		"web/web.go":          "package web\nimport \"net/http\"\nimport \"tributary/internal/db\"\nvar _ http.Server\n",
		"web/web_test.go":     "package web\nimport \"time\"\nimport \"tributary/internal/db/dbtest\"\nvar _ = time.Now\n",
	}
	long := strings.Repeat("\n", maxFunctionLines)
	manyInterfaces := "package clock\n"
	for i := range maxInterfaces + 1 {
		manyInterfaces += fmt.Sprintf("type T%d interface{ M() }\n", i)
	}
	for _, c := range []struct{ name, path, text, table, want string }{
		{name: "a clean house"},
		{name: "import upward", path: "clock/up.go", text: "package clock\nimport _ \"tributary/internal/db\"", want: "clock may not import db"},
		{name: "test room in the product", path: "web/bad.go", text: "package web\nimport _ \"tributary/internal/db/dbtest\"",
			want: "web may not import db/dbtest"},
		{name: "unknown package", path: "stray/stray.go", text: "package stray", want: "package stray has no row"},
		{name: "row without package", table: table + "| `api` | the API | ground |\n", want: "`api`, which does not exist"},
		{name: "row to come", table: table + "| `api` | the API; *not yet built* | ground |\n"},
		{name: "row that allows what stands below", table: strings.Replace(table, "| time | –", "| time | `db`", 1), want: "`clock` allows \"`db`\""},
		{name: "row that allows a section nobody knows", table: table + "| `api` | the API; *not yet built* | grund |\n", want: `allows "grund"`},
		{name: "name that says nothing", path: "util/util.go", text: "package util", want: "names nothing of the business"},
		{name: "time", path: "db/now.go", text: "package db\nimport \"time\"\nvar _ = time.Since", want: "time.Since: only clock"},
		{name: "time by another name", path: "db/now.go", text: "package db\nimport t \"time\"\nvar _ = t.Now", want: "time.Now: only clock"},
		{name: "sql", path: "web/sql.go", text: "package web\nimport _ \"database/sql\"", want: "only db imports database/sql"},
		{name: "http inside", path: "db/http.go", text: "package db\nimport _ \"net/http\"", want: "only doors and egress import net/http"},
		{name: "egress serves", path: "egress/serve.go", text: "package egress\nimport \"net/http\"\nvar _ = http.ListenAndServe", want: "does not serve"},
		{name: "door dials", path: "web/dial.go", text: "package web\nimport \"net\"\nvar _ = net.Dial", want: "net.Dial: only egress dials"},
		{name: "long function", path: "db/long.go", text: "package db\nfunc f() {" + long + "}", want: "function f has 71 lines"},
		{name: "long file", path: "db/long.go", text: "package db\n" + strings.Repeat("//\n", maxFileLines), want: "601 lines"},
		{name: "long generated file", path: "db/long.go",
			text: "// Code generated by a tool. DO NOT EDIT.\npackage db\n" + strings.Repeat("//\n", maxFileLines)},
		{name: "interfaces", path: "clock/faces.go", text: manyInterfaces, want: "13 interfaces"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{"ARCHITECTURE.md": {Data: []byte(table)}}
			if c.table != "" {
				tree["ARCHITECTURE.md"].Data = []byte(c.table)
			}
			for at, text := range clean {
				tree["internal/"+at] = &fstest.MapFile{Data: []byte(text)}
			}
			if c.path != "" {
				tree["internal/"+c.path] = &fstest.MapFile{Data: []byte(c.text)}
			}
			got := strings.Join(inspect(tree), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
