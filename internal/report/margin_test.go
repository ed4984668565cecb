package report_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/report"
)

// credited tells whether a line is somebody's.
func (p purchase) credited() bool { return p.reason == "" && p.creator != 0 }

// addTo is the plain reading of what a line brings: what nobody is credited with and no seller pays for is left out.
func (p purchase) addTo(f *report.Figures) {
	if !p.credited() && p.sold == 0 {
		return
	}
	f.Units, f.Revenue, f.Fee = f.Units+p.units, f.Revenue+p.base, f.Fee+p.fee
	f.Commission, f.Promotion = f.Commission+p.cost, f.Promotion+p.promo
	f.SellerRevenue, f.SellerCost = f.SellerRevenue+p.sold*p.base, f.SellerCost+p.sold*(p.cost+p.promo)
}

func (p purchase) owner() id.ID {
	if p.credited() {
		return p.creator
	}
	return 0
}

// Whatever is asked for, the report is the plain sum of the lines.
func TestMarginIsTheSumOfLines(t *testing.T) {
	d, y := dbtest.Open(t), makeYear(7, 3000, 40)
	y.save(t, d)
	span := report.Span{From: "2026-02", To: "2026-09"}
	for _, by := range []report.By{report.ByMonth, report.ByCategory, report.ByCreator} {
		for _, creator := range []id.ID{0, 1, 39} {
			for _, category := range []string{"", "Top 1", "Top 1 > Middle 3", "Top 9"} {
				ask := report.MarginAsk{Span: span, By: by, Creator: creator, Category: category}
				want, total := map[string]report.Figures{}, report.Figures{}
				for _, p := range y.lines {
					if p.month() < "2026-02" || p.month() > "2026-09" || creator != 0 && p.owner() != creator ||
						category != "" && p.category != category && !strings.HasPrefix(p.category, category+" > ") {
						continue
					}
					p.addTo(&total)
					keys := []string{p.month()}
					switch by {
					case report.ByCreator:
						keys = []string{fmt.Sprint(p.owner())}
					case report.ByCategory:
						keys = nil
						for path := p.category; ; {
							keys = append(keys, path)
							cut := strings.LastIndex(path, " > ")
							if cut < 0 || path == category {
								break
							}
							path = path[:cut]
						}
					}
					for _, key := range keys {
						f := want[key]
						p.addTo(&f)
						if want[key] = f; f == (report.Figures{}) {
							delete(want, key)
						}
					}
				}
				checkMargin(t, d, ask, want, total)
			}
		}
	}
}

func checkMargin(t *testing.T, d *db.DB, ask report.MarginAsk, want map[string]report.Figures, total report.Figures) {
	t.Helper()
	var r report.Margin
	read(t, d, func(tx *db.Tx) (err error) { r, err = report.MarginOf(tx, us, ask); return err })
	got := map[string]report.Figures{}
	for _, row := range r.Rows {
		switch ask.By {
		case report.ByCreator:
			got[fmt.Sprint(row.Creator)] = row.Figures
			if row.Creator != 0 && row.Name != fmt.Sprintf("Creator %d", row.Creator) {
				t.Errorf("creator %d is called %q", row.Creator, row.Name)
			}
		case report.ByCategory:
			got[row.Category] = row.Figures
		default:
			got[string(row.Month)] = row.Figures
		}
		if whole := float64(row.Revenue) / float64(max(total.Revenue, 1)) * 10_000; row.Share < int64(whole-0.6) || row.Share > int64(whole+1.6) {
			t.Errorf("%+v: share %d of %f", ask, row.Share, whole)
		}
	}
	if !maps.Equal(got, want) || r.Total != total || len(got) != len(r.Rows) {
		t.Errorf("%+v:\ngot  %v\n     total %v\nwant %v\n     total %v", ask, got, r.Total, want, total)
	}
}

// Rows stand in the order in which people read them: months by date, a category behind the one above it, creators by size.
func TestMarginOrder(t *testing.T) {
	d := dbtest.Open(t)
	y := &year{}
	for i, category := range []string{"A B", "A", "A > C", "", "A > B", "A > B > C", "B"} {
		y.lines = append(y.lines, purchase{order: fmt.Sprint(i), at: yearStart.AddDate(0, 7-i, 0), creator: id.ID(i + 1), category: category,
			units: 1, amount: 100 * int64(i+1), base: 100 * int64(i+1)})
	}
	y.save(t, d)
	for by, want := range map[report.By]string{
		report.ByMonth:    "2026-01 2026-02 2026-03 2026-04 2026-05 2026-06 2026-07",
		report.ByCategory: "|0 A|0 A > B|1 A > B > C|2 A > C|1 A B|0 B|0",
		report.ByCreator:  "7 6 5 4 3 2 1",
	} {
		var got []string
		read(t, d, func(tx *db.Tx) error {
			r, err := report.MarginOf(tx, us, report.MarginAsk{Span: report.Span{From: "2025-12", To: "2026-11"}, By: by})
			for _, row := range r.Rows {
				switch by {
				case report.ByMonth:
					got = append(got, string(row.Month))
				case report.ByCategory:
					got = append(got, fmt.Sprintf("%s|%d", row.Category, row.Level))
				default:
					got = append(got, fmt.Sprint(row.Creator))
				}
			}
			return err
		})
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", by, text, want)
		}
	}
}

// A row warns where what sellers' lines cost exceeds their fee, whatever the shop's own lines add.
func TestMarginWarns(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      report.Figures
		margin int64
		excess int64
	}{
		{"within the fee", report.Figures{Revenue: 1000, Commission: 40, Promotion: 10, Fee: 150, SellerRevenue: 1000, SellerCost: 50}, 100, 0},
		{"all of the fee", report.Figures{Revenue: 1000, Commission: 100, Promotion: 50, Fee: 150, SellerRevenue: 1000, SellerCost: 150}, 0, 0},
		{"above the fee by the promotion", report.Figures{Revenue: 1000, Commission: 100, Promotion: 51, Fee: 150, SellerRevenue: 1000, SellerCost: 151}, -1, 1},
		{"the shop's own lines have no fee", report.Figures{Revenue: 1000, Commission: 40}, -40, 0},
		{"beside a seller's", report.Figures{Revenue: 2000, Commission: 200, Fee: 150, SellerRevenue: 1000, SellerCost: 60}, -50, 0},
		{"no fee at all", report.Figures{Revenue: 1000, Commission: 40, SellerRevenue: 1000, SellerCost: 40}, -40, 40},
	} {
		if c.f.Margin() != c.margin || c.f.Excess() != c.excess {
			t.Errorf("%s: margin %d, excess %d; want %d, %d", c.name, c.f.Margin(), c.f.Excess(), c.margin, c.excess)
		}
	}
}

// Volume tiers and bounties are lines of their own, by the month or by the creator.
func TestAsides(t *testing.T) {
	d, y := dbtest.Open(t), makeYear(9, 400, 12)
	y.save(t, d)
	span := report.Span{From: "2026-01", To: "2026-06"}
	for _, creator := range []id.ID{0, 1} {
		for _, by := range []report.By{report.ByMonth, report.ByCategory, report.ByCreator} {
			want, earned := map[report.Aside]report.Aside{}, int64(0)
			add := func(key report.Aside, of id.ID, month string, got, pending int64) {
				if month < "2026-01" || month > "2026-06" || creator != 0 && of != creator || got == 0 && pending == 0 {
					return
				}
				if key.Month = market.Month(month); by == report.ByCreator {
					key.Month, key.Creator, key.Name = "", of, fmt.Sprintf("Creator %d", of)
				}
				sum := want[key]
				sum.Count, sum.Earned, sum.Pending = sum.Count+1, sum.Earned+got, sum.Pending+pending
				want[key], earned = sum, earned+got
			}
			for key, extra := range y.volumes {
				add(report.Aside{Kind: report.AsideVolume}, key.creator, key.month, extra, 0)
			}
			for _, b := range y.bounties {
				add(report.Aside{Kind: report.AsideBounty}, b.creator, string(us.Month(b.at)), b.earned, b.pending)
			}
			read(t, d, func(tx *db.Tx) error {
				r, err := report.MarginOf(tx, us, report.MarginAsk{Span: span, By: by, Creator: creator})
				got := map[report.Aside]report.Aside{}
				for _, a := range r.Asides {
					got[report.Aside{Kind: a.Kind, Month: a.Month, Creator: a.Creator, Name: a.Name}] = report.Aside{Count: a.Count, Earned: a.Earned, Pending: a.Pending}
				}
				if !maps.Equal(got, want) || len(got) != len(r.Asides) || r.Aside != earned || r.Left() != r.Total.Margin()-earned {
					t.Errorf("%s of %d: got %v, want %v", by, creator, got, want)
				}
				none, err2 := report.MarginOf(tx, us, report.MarginAsk{Span: span, By: by, Creator: creator, Category: "Top 1"})
				if err2 != nil || len(none.Asides) != 0 || none.Aside != 0 {
					t.Errorf("a category has asides: %v, %v", none.Asides, err2)
				}
				return err
			})
		}
	}
}

// The lines of an order add up to what they give the months.
func TestOrderMargin(t *testing.T) {
	d := dbtest.Open(t)
	y := &year{lines: []purchase{
		{order: "1", at: start, creator: ada, category: "A > B", sold: 1, units: 2, amount: 2000, base: 1000, cost: 45, promo: 15, fee: 50},
		{order: "2", at: start, category: "A > B", sold: 1, units: 1, amount: 500, base: 500, fee: 75, reason: "no_touch"},
	}}
	y.save(t, d)
	read(t, d, func(tx *db.Tx) error {
		lines, err := report.OrderMargin(tx, us, "1")
		want := report.LineMargin{Line: "1", SKU: "SKU", Category: "A > B", Month: "2026-03", Creator: ada, Name: "Creator 7",
			Figures: report.Figures{Units: 2, Revenue: 1000, Commission: 45, Promotion: 15, Fee: 50, SellerRevenue: 1000, SellerCost: 60}}
		if err != nil || !slices.Equal(lines, []report.LineMargin{want}) || lines[0].Excess() != 10 || lines[0].Margin() != -10 {
			t.Errorf("%+v, %v", lines, err)
		}
		if lines, err = report.OrderMargin(tx, us, "2"); err != nil || lines[0].Margin() != 75 || lines[0].Creator != 0 {
			t.Errorf("%+v, %v", lines, err)
		}
		if _, err = report.OrderMargin(tx, us, "3"); fault.Of(err).Kind != fault.NotFound {
			t.Errorf("an order that is not there: %v", err)
		}
		return nil
	})
}

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		span report.Span
		want string // months, or the field that is refused
	}{
		{report.Span{From: "2026-11", To: "2026-11"}, "[2026-11]"},
		{report.Span{From: "2025-11", To: "2026-02"}, "[2025-11 2025-12 2026-01 2026-02]"},
		{report.Span{From: "2026-02", To: "2026-01"}, "to"},
		{report.Span{From: "2023-11", To: "2026-11"}, "to"},
		{report.Span{From: "", To: "2026-01"}, "from"},
		{report.Span{From: "1989-12", To: "1990-01"}, "from"},
		{report.Span{From: "2199-12", To: "2200-01"}, "from"},
		{report.Span{From: "2026-13", To: "2026-13"}, "from"},
		{report.Span{From: "2026-01", To: "x"}, "to"},
	} {
		got := fmt.Sprint(c.span.Months())
		if err := c.span.Check(); err != nil {
			got = fault.Of(err).Field
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.span, got, c.want)
		}
	}
	if got := report.MonthsUpTo("2026-02", 4); got != (report.Span{From: "2025-11", To: "2026-02"}) {
		t.Errorf("four months: %v", got)
	}
	if whole := (report.Span{From: "2023-12", To: "2026-11"}); whole.Check() != nil || len(whole.Months()) != report.MaxMonths {
		t.Errorf("%v", whole.Check())
	}
}

// Months meet without a gap, in every zone and where clocks jump over midnight.
func TestBounds(t *testing.T) {
	zones := []string{"UTC", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Asia/Kolkata", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Cairo"}
	rapid.Check(t, func(r *rapid.T) {
		m := us
		m.Zone = rapid.SampledFrom(zones).Draw(r, "zone")
		first := market.Month(fmt.Sprintf("%d-%02d", rapid.IntRange(2000, 2036).Draw(r, "year"), rapid.IntRange(1, 12).Draw(r, "month")))
		span := report.Span{From: first, To: first.Next().Next()}
		from, to := span.Bounds(m)
		if m.Month(from) != first || m.Month(from.Add(-time.Microsecond)) >= first || m.Month(to) != span.To.Next() || m.Month(to.Add(-time.Microsecond)) != span.To {
			r.Fatalf("%v in %s: %v to %v", span, m.Zone, from.In(m.Location()), to.In(m.Location()))
		}
	})
}
