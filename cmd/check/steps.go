package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// racedRooms are the rooms where goroutines meet, and the pure rules, which are cheap to run so. The rest is left out:
// the detector makes SQLite some 25 times slower.
var racedRooms = []string{"money", "policy", "ledger", "click", "order", "ratecard", "attribution", "commission", "accrual",
	"accrual/queue", "event", "job", "edge"}

const module = "tributary"

// gofmt looks at every Go file but the ones that the page generator formats.
func gofmt(ctx context.Context) error {
	files, err := tracked("*.go")
	if err != nil {
		return err
	}
	words := []string{"gofmt", "-l"}
	for _, file := range files {
		if !strings.HasSuffix(file, "_templ.go") {
			words = append(words, file)
		}
	}
	out, err := output(ctx, nil, words...)
	if err != nil {
		return err
	}
	if out != "" {
		return fmt.Errorf("not formatted (run `make fmt`):\n%s", out)
	}
	return nil
}

// tracked lists the repository's own files of that form: no hidden folders, no test data.
func tracked(pattern string) (files []string, err error) {
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		if matched, _ := filepath.Match(pattern, name); matched && !entry.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

func house(ctx context.Context) error {
	return command(ctx, nil, "go", "test", "-count=1", "./internal/house")
}

// generatedPages makes every page again beside the tree and compares, so that a check never writes into the work of
// the person who runs it.
func generatedPages(ctx context.Context) error {
	sources, err := tracked("*.templ")
	if err != nil {
		return err
	}
	committed, err := tracked("*_templ.go")
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "tributary-pages-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	for _, path := range append([]string{"go.mod"}, sources...) {
		if err := copyInto(folder, path); err != nil {
			return err
		}
	}
	if len(sources) > 0 {
		if err := command(ctx, nil, "go", "tool", "-modfile=tools/templ.mod", "templ", "generate", "-path", folder); err != nil {
			return err
		}
	}
	var stale []error
	expected := map[string]bool{}
	for _, source := range sources {
		path := strings.TrimSuffix(source, ".templ") + "_templ.go"
		expected[path] = true
		want, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return err
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, want) {
			stale = append(stale, fmt.Errorf("%s is not what %s makes: run `make generate` and commit", path, source))
		}
	}
	for _, path := range committed {
		if !expected[path] {
			stale = append(stale, fmt.Errorf("%s has no source any more: remove it", path))
		}
	}
	return errors.Join(stale...)
}

func copyInto(folder, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	target := filepath.Join(folder, path)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, text, 0o644)
}

func raceDetector(ctx context.Context) error {
	if err := haveEngines(ctx, compiler); err != nil {
		return err
	}
	words := []string{"go", "test", "-race", "-short", "-count=1", "-timeout", testTimeout}
	for _, room := range racedRooms {
		if files, _ := filepath.Glob(filepath.Join("internal", room, "*.go")); len(files) > 0 {
			words = append(words, "./internal/"+room)
		}
	}
	return command(ctx, append([]string{"CGO_ENABLED=1"}, sqlite...), words...)
}

// testsOnPostgreSQL runs every package whose tests can reach a database; for the others the engine changes nothing.
func testsOnPostgreSQL(ctx context.Context) error {
	out, err := output(ctx, nil, "go", "list", "-test", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./...")
	if err != nil {
		return err
	}
	words := []string{"go", "test", "-count=1", "-timeout", testTimeout}
	alike := 0
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		tested, isTest := strings.CutSuffix(fields[0], ".test")
		switch {
		case !isTest:
		case reaches(fields[1:], module+"/internal/db"):
			words = append(words, tested)
		default:
			alike++
		}
	}
	fmt.Printf("%d packages that touch no database ran above and are the same here\n", alike)
	return withCluster(ctx, func(address string) error {
		return command(ctx, []string{"TEST_DB=" + address}, words...)
	})
}

func reaches(deps []string, wanted string) bool {
	for _, dep := range deps {
		if dep == wanted {
			return true
		}
	}
	return false
}

// fuzz gives every target its time; what it finds is written to testdata/fuzz and becomes a regression file.
func fuzz(ctx context.Context, args []string) error {
	duration := "1m"
	if len(args) > 0 {
		duration = args[0]
	}
	out, err := output(ctx, sqlite, "go", "test", "-list", "^Fuzz", "./...")
	if err != nil {
		return err
	}
	var steps []step
	var targets []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 1 && strings.HasPrefix(fields[0], "Fuzz"):
			targets = append(targets, fields[0])
		case len(fields) > 1 && fields[0] == "ok":
			for _, target := range targets {
				words := []string{"go", "test", "-run", "^$", "-fuzz", "^" + target + "$", "-fuzztime", duration, fields[1]}
				steps = append(steps, step{strings.TrimPrefix(fields[1], module+"/") + " " + target,
					func(ctx context.Context) error { return command(ctx, sqlite, words...) }})
			}
			targets = nil
		}
	}
	return inTurn(ctx, steps)
}
