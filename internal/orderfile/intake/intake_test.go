package intake_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/orderfile"
	"tributary/internal/orderfile/intake"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const smallFile = "testdata/small.csv"

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// A small file with a row of every kind, against a reconciliation that was checked by hand.
func TestSmallFile(t *testing.T) {
	for name, c := range map[string]struct {
		file, mapping string
		change        func(*intake.Import)
	}{
		"now":    {smallFile, realMapping, func(*intake.Import) {}},
		"replay": {smallFile, realMapping, replay},
		"clicks": {"testdata/clicks.csv", "testdata/clicks.json", func(*intake.Import) {}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.run(c.file, c.mapping, c.change)
			golden(t, "testdata/"+name+".golden", r.Text())
			w.audit()
			// A second import changes nothing, be it skipped as done or sent once more.
			before := w.balances()
			for _, change := range []func(*intake.Import){c.change, func(i *intake.Import) { c.change(i); i.Again = true }} {
				second := w.run(c.file, c.mapping, change)
				if diff := cmp.Diff(r.Text(), second.Text()); diff != "" {
					t.Errorf("the second import says (-first +second):\n%s", diff)
				}
				if len(second.Differences) > 0 {
					t.Errorf("the second import differs: %v", second.Differences)
				}
				if !maps.Equal(before, w.balances()) {
					t.Error("the second import moved money")
				}
			}
			w.audit()
		})
	}
}

// Every row that became nothing is told with its reason, as many as the reconciliation counts.
func TestUnusedRows(t *testing.T) {
	w := newWorld(t)
	var told strings.Builder
	rows := int64(0)
	r := w.run(smallFile, realMapping, func(i *intake.Import) {
		i.Unused = func(u orderfile.Unused) {
			if fmt.Fprintf(&told, "%d %s %s %d %s", u.Row.Number, u.Row.Invoice, u.Row.SKU, u.Row.Quantity, u.Reason); u.Units > 0 {
				fmt.Fprintf(&told, " %d", u.Units)
			} else {
				rows++
			}
			told.WriteString("\n")
		}
	})
	golden(t, "testdata/unused.golden", told.String())
	if rows != r.Totals.RefusedRows() {
		t.Errorf("%d rows told, %d counted", rows, r.Totals.RefusedRows())
	}
}
