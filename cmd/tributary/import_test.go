package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tributary/internal/db/dbtest"
)

// The command lines that the README and the guide for operators show, on a small file.
func TestImportCommand(t *testing.T) {
	const small, mapping = "../../internal/orderfile/intake/testdata/small.csv", "../../examples/online-retail.json"
	for name, flags := range map[string][]string{"now": {"--sandbox"}, "replay": {"--replay"}, "other marketplace": {"--sandbox", "--marketplace", "gb"}} {
		t.Run(name, func(t *testing.T) {
			where := []string{"--data", t.TempDir(), "--database", dbtest.Address(t)}
			line := append(append([]string{"import", "orders", small, "--map", mapping}, flags...), where...)
			for _, again := range [][]string{nil, {"--unused", filepath.Join(t.TempDir(), "unused.csv")}, {"--again"}} {
				if code := run(context.Background(), append(line, again...)); code != 0 {
					t.Fatalf("%v: exit code %d", append(line, again...), code)
				}
			}
			if code := run(context.Background(), append([]string{"audit"}, where...)); code != 0 {
				t.Errorf("audit: exit code %d", code)
			}
		})
	}
}

func TestImportsThatCannotBe(t *testing.T) {
	folder := t.TempDir()
	file, mapping := filepath.Join(folder, "orders.csv"), "../../examples/online-retail.json"
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string
		want int
	}{
		{"import orders " + file + " --map " + file, 1},                         // no mapping
		{"import orders " + file + " --map " + mapping, 1},                      // touches by a rule, and no sandbox
		{"import orders " + file + " --map " + mapping + " --sandbox", 1},       // other columns
		{"import orders " + file + " --map " + mapping + " --replay", 1},        // the same in a replay
		{"import orders " + file, 2},                                            // no mapping named
		{"import orders nowhere.csv --map " + mapping, 2},                       // no such file
		{"import orders " + file + " --map " + mapping + " --marketplace U", 1}, // no id
	} {
		where := []string{"--data", folder, "--database", dbtest.Address(t)}
		if code := run(context.Background(), append(strings.Fields(c.line), where...)); code != c.want {
			t.Errorf("%s: exit code %d, want %d", c.line, code, c.want)
		}
	}
}
