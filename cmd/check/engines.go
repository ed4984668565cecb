package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// engine is something the tests need from the machine.
type engine struct {
	name     string
	packages []string // Debian's
	present  func() bool
}

// oldestPostgreSQL is the oldest release the product supports: the one of Debian 12.
const oldestPostgreSQL = 15

var (
	postgresql = engine{"PostgreSQL", []string{"postgresql"}, func() bool { _, err := postgresBinaries(); return err == nil }}
	// Without a font Chromium draws empty pages, on which colours and sizes prove nothing.
	chromium = engine{"Chromium", []string{"chromium", "fonts-dejavu-core"}, func() bool { return onPath("chromium", "chromium-browser") }}
	compiler = engine{"a C compiler", []string{"gcc", "libc6-dev"}, func() bool { return onPath("gcc", "cc", "clang") }}
)

func onPath(names ...string) bool {
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}

// haveEngines installs what is missing where it may, and otherwise fails with the line to run.
func haveEngines(ctx context.Context, engines ...engine) error {
	missing, packages := lacking(engines)
	if len(missing) == 0 {
		return nil
	}
	line := "apt-get install -y --no-install-recommends " + strings.Join(packages, " ")
	if !isDebian() || os.Geteuid() != 0 {
		return fmt.Errorf("missing: %s; on Debian run: sudo %s", strings.Join(missing, ", "), line)
	}
	fmt.Printf("== missing: %s; %s\n", strings.Join(missing, ", "), line)
	quiet := []string{"DEBIAN_FRONTEND=noninteractive"}
	if _, err := output(ctx, quiet, "apt-get", "update", "-qq"); err != nil {
		return err
	}
	if _, err := output(ctx, quiet, append([]string{"apt-get", "-qq", "-o=Dpkg::Use-Pty=0"}, strings.Fields(line)[1:]...)...); err != nil {
		return err
	}
	if missing, _ := lacking(engines); len(missing) > 0 {
		return fmt.Errorf("still missing: %s, after %s", strings.Join(missing, ", "), line)
	}
	return nil
}

func lacking(engines []engine) (names, packages []string) {
	for _, e := range engines {
		if !e.present() {
			names = append(names, e.name)
			packages = append(packages, e.packages...)
		}
	}
	return names, packages
}

func isDebian() bool {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(release)) {
		if strings.TrimSpace(line) == "ID=debian" {
			return true
		}
	}
	return false
}

// postgresBinaries finds the folder of the newest server: Debian keeps it off the path, one folder per release.
func postgresBinaries() (string, error) {
	newest, folder := 0, ""
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	for _, initdb := range found {
		bin := filepath.Dir(initdb)
		release, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
		if err == nil && release >= oldestPostgreSQL && release > newest {
			newest, folder = release, bin
		}
	}
	if folder != "" {
		return folder, nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("no PostgreSQL server is installed")
	}
	out, err := exec.Command(initdb, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", initdb, err)
	}
	words := strings.Fields(string(out)) // initdb (PostgreSQL) 16.4
	major, _, _ := strings.Cut(words[len(words)-1], ".")
	if release, err := strconv.Atoi(major); err != nil || release < oldestPostgreSQL {
		return "", fmt.Errorf("%s is of release %s; %d or later is needed", initdb, major, oldestPostgreSQL)
	}
	return filepath.Dir(initdb), nil
}
