package report_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/report"
)

// The models are the plain sums of what each day keeps, by month or by creator, each share of the whole of its own model.
func TestModels(t *testing.T) {
	d, y := dbtest.Open(t), makeYear(3, 2000, 30)
	y.save(t, d)
	span := report.Span{From: "2026-01", To: "2026-10"}
	for _, ask := range []report.ModelAsk{{Span: span, By: report.ByMonth}, {Span: span, By: report.ByMonth, Creator: 1},
		{Span: span, By: report.ByCreator}, {Span: span, By: report.ByCreator, Creator: 5}} {
		want, total := map[string]report.Models{}, report.Models{}
		for _, p := range y.lines {
			if p.month() < "2026-01" || p.month() > "2026-10" {
				continue
			}
			add := func(who id.ID, m report.Models) {
				if who == 0 || ask.Creator != 0 && ask.Creator != who {
					return
				}
				key := p.month()
				if ask.By == report.ByCreator {
					key = fmt.Sprintf("Creator %d", who)
				}
				want[key], total = plus(want[key], m), plus(total, m)
			}
			if p.credited() {
				add(p.creator, report.Models{LastOrders: 1, LastRevenue: p.base})
			}
			add(p.first, report.Models{FirstLines: 1, FirstRevenue: p.base, LinearRevenue: p.base})
		}
		read(t, d, func(tx *db.Tx) error {
			rows, sum, err := report.ModelsOf(tx, us, ask)
			if err != nil || sum != total || len(rows) != len(want) {
				t.Errorf("%+v: %d rows, total %+v, want %d, %+v, %v", ask, len(rows), sum, len(want), total, err)
			}
			shares := int64(0)
			for _, r := range rows {
				if r.Models != want[string(r.Month)+r.Name] {
					t.Errorf("%+v: %+v, want %+v", ask, r, want[string(r.Month)+r.Name])
				}
				shares += r.FirstShare
			}
			if shares < 9_950 || shares > 10_050 { // each is rounded by itself
				t.Errorf("%+v: shares add up to %d", ask, shares)
			}
			if !slices.IsSortedFunc(rows, func(a, b report.ModelRow) int {
				if ask.By == report.ByMonth {
					return compare(string(a.Month), string(b.Month))
				}
				return int(b.LastRevenue - a.LastRevenue)
			}) {
				t.Errorf("%+v: not in order", ask)
			}
			return nil
		})
	}
	read(t, d, func(tx *db.Tx) error {
		if _, _, err := report.ModelsOf(tx, us, report.ModelAsk{Span: span, By: report.ByCategory}); fault.Of(err).Field != "by" {
			t.Errorf("by category: %v", err)
		}
		return nil
	})
}

func plus(a, b report.Models) report.Models {
	return report.Models{LastOrders: a.LastOrders + b.LastOrders, LastRevenue: a.LastRevenue + b.LastRevenue, FirstLines: a.FirstLines + b.FirstLines,
		FirstRevenue: a.FirstRevenue + b.FirstRevenue, LinearRevenue: a.LinearRevenue + b.LinearRevenue}
}

// A month stands out when it reaches both limits; nothing else does.
func TestFreeWatch(t *testing.T) {
	d := dbtest.Open(t)
	y := &year{}
	for creator, units := range map[id.ID][2]int64{
		1: {20_000, 5_000},  // both limits, just
		2: {19_999, 0},      // one unit too few
		3: {20_000, 5_001},  // not four fifths
		4: {100_000, 1_000}, // most of all
		5: {0, 50_000},
	} {
		y.free(creator, start, units[0], units[1])
		y.free(creator, start.AddDate(0, 1, 0), 10, 10) // another month is another matter
	}
	y.lines = append(y.lines, purchase{order: "nobody's", at: start, units: 90_000, sold: 1, reason: "no_touch"})
	y.save(t, d)
	read(t, d, func(tx *db.Tx) error {
		found, err := report.FreeWatch(tx, us, "2026-03", report.ShippedFreeLimits)
		want := []report.FreeFinding{{Creator: 4, Name: "Creator 4", Units: 101_000, Free: 100_000, Share: 9_901, Revenue: 100},
			{Creator: 1, Name: "Creator 1", Units: 25_000, Free: 20_000, Share: 8_000, Revenue: 100}}
		if err != nil || !slices.Equal(found, want) {
			t.Errorf("found %+v, %v", found, err)
		}
		if found, err = report.FreeWatch(tx, us, "2026-04", report.ShippedFreeLimits); err != nil || len(found) != 0 {
			t.Errorf("a month of few: %+v, %v", found, err)
		}
		if found, err = report.FreeWatch(tx, us, "2026-04", report.FreeLimits{Units: 10, Share: 5_000}); err != nil || len(found) != 5 {
			t.Errorf("other limits: %+v, %v", found, err)
		}
		if _, err = report.FreeWatch(tx, us, "April", report.ShippedFreeLimits); fault.Of(err).Kind != fault.Invalid {
			t.Errorf("%v", err)
		}
		return nil
	})
}

// Reasons are counted by the month of order, and each count opens to its lines.
func TestReasons(t *testing.T) {
	d, y := dbtest.Open(t), makeYear(5, 3000, 20)
	edge := time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC) // 00:00 in New York
	for i, at := range []time.Time{edge.Add(-time.Microsecond), edge} {
		y.lines = append(y.lines, purchase{order: fmt.Sprintf("edge%d", i), at: at, creator: 1, reason: "rounds_to_zero", amount: 5, units: 1})
	}
	y.save(t, d)
	span := report.Span{From: "2026-01", To: "2026-06"}
	for _, creator := range []id.ID{0, 1, 17} {
		want := map[string]report.ReasonRow{}
		for _, p := range y.lines {
			if p.reason == "" || p.month() < "2026-01" || p.month() > "2026-06" || creator != 0 && p.creator != creator {
				continue
			}
			row := want[p.month()+p.reason]
			row.Lines, row.Revenue = row.Lines+1, row.Revenue+p.amount
			want[p.month()+p.reason] = row
		}
		var rows []report.ReasonRow
		read(t, d, func(tx *db.Tx) (err error) { rows, err = report.ReasonsOf(tx, us, creator, span); return err })
		if len(rows) != len(want) || len(rows) == 0 {
			t.Errorf("creator %d: %d rows, want %d", creator, len(rows), len(want))
		}
		for i, r := range rows {
			if w := want[string(r.Month)+r.Reason]; r.Lines != w.Lines || r.Revenue != w.Revenue {
				t.Errorf("creator %d: %+v, want %+v", creator, r, w)
			}
			if i > 0 && (r.Month < rows[i-1].Month || r.Month == rows[i-1].Month && r.Lines > rows[i-1].Lines) {
				t.Errorf("creator %d: row %d is not in order", creator, i)
			}
			if lines := opened(t, d, creator, r); lines != r.Lines {
				t.Errorf("creator %d: %+v opens to %d lines", creator, r, lines)
			}
		}
	}
}

// opened counts the lines that a row opens to, page by page.
func opened(t *testing.T, d *db.DB, creator id.ID, r report.ReasonRow) (count int64) {
	t.Helper()
	if creator != 0 {
		f := report.Filter{Reason: r.Reason, Limit: 7}
		f.From, f.To = report.Span{From: r.Month, To: r.Month}.Bounds(us)
		return int64(len(turnPages(t, d, creator, f)))
	}
	after := report.Line{}
	for {
		var lines []report.Line
		read(t, d, func(tx *db.Tx) (err error) {
			lines, err = report.ReasonLines(tx, us, r.Month, r.Reason, after, 7)
			return err
		})
		for _, l := range lines {
			if l.Reason != r.Reason || us.Month(l.At) != r.Month {
				t.Fatalf("%+v opens to %+v", r, l)
			}
		}
		if count += int64(len(lines)); len(lines) < 7 {
			return count
		}
		after = lines[6]
	}
}
