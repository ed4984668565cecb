package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tributary/internal/db"
)

// TestInTurn holds that one failure neither stops the others nor gets lost.
func TestInTurn(t *testing.T) {
	var ran []string
	named := func(name string, err error) step {
		return step{name, func(context.Context) error { ran = append(ran, name); return err }}
	}
	err := inTurn(t.Context(), []step{named("one", nil), named("two", errors.New("broken")), named("three", nil)})
	if got := strings.Join(ran, " "); got != "one two three" {
		t.Errorf("ran %s", got)
	}
	if err == nil || err.Error() != "failed: two" {
		t.Errorf("error %v", err)
	}
	if err := inTurn(t.Context(), []step{named("four", nil)}); err != nil {
		t.Error(err)
	}
}

// TestCluster holds that the server answers while it is wanted and is gone afterwards, also when its use failed.
func TestCluster(t *testing.T) {
	for _, want := range []error{nil, errors.New("a test failed")} {
		folder := ""
		err := withCluster(t.Context(), func(address string) error {
			parsed, err := url.Parse(address)
			if err != nil {
				return err
			}
			folder = parsed.Query().Get("host")
			if err := db.Admin(t.Context(), address, "CREATE DATABASE proof"); err != nil {
				t.Errorf("the server at %s does not answer: %v", address, err)
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
		if _, err := os.Stat(folder); folder == "" || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q is still there: %v", folder, err)
		}
	}
}

// TestInterrupt holds that an interrupt ends a running command and then the server.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	folder := ""
	err := withCluster(ctx, func(address string) error {
		parsed, err := url.Parse(address)
		if err != nil {
			return err
		}
		folder = parsed.Query().Get("host")
		cancel()
		return command(ctx, nil, "sleep", "600")
	})
	if err == nil {
		t.Error("an interrupted command is no success")
	}
	if _, err := os.Stat(folder); folder == "" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q is still there: %v", folder, err)
	}
}

func TestOpenToAll(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	closed := filepath.Join(open, "closed")
	within := filepath.Join(closed, "within")
	if err := os.MkdirAll(within, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if openToAll(closed) || openToAll(within) || openToAll(filepath.Join(open, "absent")) {
		t.Error("a closed or absent folder passes for open")
	}
	if !openToAll("/") {
		t.Error("the root is closed")
	}
}

// TestGeneratedPages shows what makes the step fail: a page not made, a page made from another text, a page of nothing.
func TestGeneratedPages(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{"go.mod", "tools/templ.mod", "tools/templ.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, path), string(text))
	}
	t.Chdir(folder)
	expect := func(want string) {
		t.Helper()
		err := generatedPages(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	expect("")
	write(t, "web/page.templ", "package web\n\ntempl Page() {\n\t<p>one</p>\n}\n")
	expect("web/page_templ.go is not what web/page.templ makes")
	if err := command(t.Context(), nil, "go", "tool", "-modfile=tools/templ.mod", "templ", "generate"); err != nil {
		t.Fatal(err)
	}
	expect("")
	write(t, "web/page.templ", "package web\n\ntempl Page() {\n\t<p>two</p>\n}\n")
	expect("web/page_templ.go is not what web/page.templ makes")
	if err := os.Remove("web/page.templ"); err != nil {
		t.Fatal(err)
	}
	expect("web/page_templ.go has no source any more")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLacking(t *testing.T) {
	there, absent := engine{"one", []string{"a"}, func() bool { return true }}, engine{"two", []string{"b", "c"}, func() bool { return false }}
	names, packages := lacking([]engine{there, absent})
	if strings.Join(names, " ") != "two" || strings.Join(packages, " ") != "b c" {
		t.Errorf("got %v %v", names, packages)
	}
}
