package intake_test

import (
	"os"
	"testing"

	"tributary/internal/clock"
	"tributary/internal/orderfile/intake"
)

const (
	realMapping  = "../../../examples/online-retail.json"
	realVariable = "TRIBUTARY_ONLINE_RETAIL"
	realBeside   = "../../../../shared/data/online-retail-2010-12-to-2011-05.csv.gz" // in a folder beside the repository
)

// realFile is the Online Retail file of the UCI Machine Learning Repository, as rows of invoice, sku, description,
// quantity, invoiced_at, unit_price_gbp, customer and country. It is no part of this repository; empty where it is not
// here.
func realFile(t testing.TB) string {
	path := os.Getenv(realVariable)
	if path == "" {
		path = realBeside
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv(realVariable) != "" {
			t.Fatal(err)
		}
		t.Logf("the real file is not here, name it in %s: only small and invented files are proven", realVariable)
		return ""
	}
	return path
}

// What the file holds was counted by hand, apart from this program.
func TestRealFile(t *testing.T) {
	file := realFile(t)
	if file == "" || testing.Short() {
		return
	}
	for name, change := range map[string]func(*intake.Import){"now": func(*intake.Import) {}, "replay": replay} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			start := clock.Wall()
			r := w.run(file, realMapping, change)
			t.Logf("%s\n%s\n%s; %d purchases and %d names kept", clock.Since(start), r.Text(), r.Sent(), r.Purchases, r.Names)
			returns := r.Totals.Returns
			if r.Totals.Rows != 209_029 || r.Totals.Lines != 203_130 || r.Totals.Refused["postage"] != 884 ||
				r.Totals.Refused["negative_quantity"] != 651 || r.Totals.Refused["price_not_positive"] != 637 || len(r.Totals.Refused) != 3 {
				t.Errorf("rows: %+v", r.Totals)
			}
			if returns.Rows != 3727 || returns.Unmatched != 1040 || returns.InPart != 16 || returns.Matched != 2671 {
				t.Errorf("returns: %+v", returns)
			}
			if len(r.Differences) > 0 {
				t.Errorf("differences: %v", r.Differences)
			}
			w.audit()
		})
	}
}
