package report_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/report"
)

var (
	putLines = db.Bulk("BIGINT TEXT TEXT BIGINT TEXT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT TEXT BIGINT",
		`INSERT INTO line (market, order_id, line_id, at, sku, quantity, amount, digital, terms, open_units, version, whole_version,
			creator, program, tracking, reason, pending, earned, state, touched) VALUES $ROWS`)
	putAccount = db.Statement(`INSERT INTO account (path, debits, credits) VALUES ($1, $2, $3)`)
	putDay     = db.Statement(`INSERT INTO creator_day (market, creator, day, orders, units, revenue, commission) VALUES ($1, $2, $3, 1, 2, 300, $4)`)
	putClicks  = db.Statement(`INSERT INTO click_day (creator, market, day, kind, gross, counted) VALUES ($1, $2, $3, $4, $5, $6)`)
)

var us = market.Market{No: 1, ID: "us", Currency: "USD", Zone: "America/New_York", Policy: policy.Shipped()}

const ada = id.ID(7)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func write(t testing.TB, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Background, fn); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// row is a line as the table has it, with what filters ask about.
type row struct {
	order           string
	at, touched     int64
	pending, earned int64
	reason          string
	program         int64
}

func (r row) values(creator id.ID) []any {
	return []any{int64(1), r.order, "1", r.at, "SKU", int64(1), int64(1000), int64(0), `{"category":"A > B"}`, int64(0), int64(1), int64(1),
		int64(creator), r.program, int64(0), r.reason, r.pending, r.earned, `{"b":{"b":450,"d":true}}`, r.touched}
}

// Whatever is asked for: turning the pages gives every line that fits once, newest change first.
func TestPagesGiveEveryLineOnce(t *testing.T) {
	d := dbtest.Open(t)
	creator := ada
	rapid.Check(t, func(r *rapid.T) {
		creator++ // each round has a creator of its own in the same table
		rows := make([]row, rapid.IntRange(0, 60).Draw(r, "lines"))
		values := make([][]any, len(rows))
		for i := range rows {
			rows[i] = row{order: fmt.Sprintf("%d-%d", creator, i), at: start.UnixMicro() + rapid.Int64Range(0, 9).Draw(r, "at"),
				touched: start.UnixMicro() + rapid.Int64Range(0, 9).Draw(r, "touched"), program: rapid.Int64Range(1, 2).Draw(r, "program"),
				pending: rapid.Int64Range(0, 1).Draw(r, "pending") * 90, earned: rapid.Int64Range(0, 1).Draw(r, "earned") * 45,
				reason: rapid.SampledFrom([]string{"", "paid_ad", "expired"}).Draw(r, "reason")}
			values[i] = rows[i].values(creator)
		}
		f := report.Filter{Limit: rapid.IntRange(1, 20).Draw(r, "limit"), Program: uint8(rapid.IntRange(0, 2).Draw(r, "wanted program")),
			State:  rapid.SampledFrom([]string{"", report.StateOrdered, report.StatePart, report.StateEarned, report.StateNothing}).Draw(r, "state"),
			Reason: rapid.SampledFrom([]string{"", "paid_ad"}).Draw(r, "wanted reason")}
		write(t, d, func(tx *db.Tx) error { _, err := tx.Bulk(putLines, values); return err })
		var want []string
		slices.SortFunc(rows, func(a, b row) int {
			if a.touched != b.touched {
				return int(b.touched - a.touched)
			}
			return -compare(a.order, b.order)
		})
		for _, one := range rows {
			line := report.Line{Pending: one.pending, Earned: one.earned}
			if (f.Program == 0 || int64(f.Program) == one.program) && (f.State == "" || f.State == line.State()) && (f.Reason == "" || f.Reason == one.reason) {
				want = append(want, one.order)
			}
		}
		got := turnPages(t, d, creator, f)
		if !slices.Equal(got, want) {
			r.Fatalf("filter %+v gives %v, want %v", f, got, want)
		}
	})
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func turnPages(t testing.TB, d *db.DB, creator id.ID, f report.Filter) (orders []string) {
	for {
		var page report.Page
		read(t, d, func(tx *db.Tx) (err error) { page, err = report.Lines(tx, creator, us, f); return err })
		for _, l := range page.Lines {
			orders = append(orders, l.Order)
		}
		if f.After = page.Next; f.After == (report.Cursor{}) {
			return orders
		}
	}
}

// A filter that fits little is looked for window by window, and finds what lies far back.
func TestBeyondTheWindow(t *testing.T) {
	d := dbtest.Open(t)
	var values [][]any
	for i := range 2*report.Window + 100 {
		one := row{order: fmt.Sprintf("o%06d", i), at: start.UnixMicro(), touched: start.UnixMicro() + int64(i), pending: 90, program: 1}
		if i == 3 || i == report.Window+150 {
			one.reason, one.pending = "paid_ad", 0
		}
		values = append(values, one.values(ada))
	}
	write(t, d, func(tx *db.Tx) error { _, err := tx.Bulk(putLines, values); return err })
	f := report.Filter{Reason: "paid_ad", Limit: 10}
	read(t, d, func(tx *db.Tx) error {
		page, err := report.Lines(tx, ada, us, f)
		if err != nil || len(page.Lines) != 1 || !page.Further || page.Lines[0].Order != fmt.Sprintf("o%06d", report.Window+150) {
			t.Errorf("%+v, %v", page, err)
		}
		return nil
	})
	if got := turnPages(t, d, ada, f); !slices.Equal(got, []string{fmt.Sprintf("o%06d", report.Window+150), "o000003"}) {
		t.Errorf("found %v", got)
	}
	line := report.Line{}
	read(t, d, func(tx *db.Tx) (err error) { line, err = report.OneLine(tx, us, "o000003", "1"); return err })
	if line.Category != "A > B" || line.BPS != 450 || !line.Direct || line.Name() != "SKU" || line.State() != report.StateNothing {
		t.Errorf("%+v", line)
	}
}

// Months are payable by the clock, whether or not their transfer has been posted.
func TestBalances(t *testing.T) {
	d := dbtest.Open(t)
	base := "creator/" + ada.Text(id.Creator) + "/us/"
	write(t, d, func(tx *db.Tx) error {
		for _, a := range []struct {
			path            string
			debits, credits int64
		}{
			{base + "pending", 10, 110}, {base + "earned/2026-01", 0, 500}, {base + "earned/2026-02", 20, 320}, {base + "earned/2026-03", 7, 0},
			{base + "earned/2025-12", 50, 50}, {base + "payable", 0, 40}, {base + "in_payment", 60, 75}, {base + "held", 0, 9},
			{"creator/" + id.ID(8).Text(id.Creator) + "/us/pending", 0, 1000}, {"creator/" + ada.Text(id.Creator) + "/uk/pending", 0, 2000},
		} {
			if _, err := tx.Exec(putAccount, a.path, a.debits, a.credits); err != nil {
				return err
			}
		}
		return nil
	})
	// January is payable 60 days after its last day: on 1 April (2026), 00:00 in New York.
	edge := time.Date(2026, 4, 1, 4, 0, 0, 0, time.UTC)
	read(t, d, func(tx *db.Tx) error {
		before, err := report.BalancesOf(tx, ada, us, edge.Add(-time.Microsecond))
		after, err2 := report.BalancesOf(tx, ada, us, edge)
		if err != nil || err2 != nil || before.Payable != 40 || after.Payable != 540 || len(before.Months) != 3 || len(after.Months) != 2 {
			t.Errorf("%+v\n%+v", before, after)
		}
		if before.Pending != 100 || before.InPayment != 15 || before.Paid != 60 || before.Held != 9 || before.Earned() != 793 || after.Months[1].Amount != -7 {
			t.Errorf("%+v", before)
		}
		river, err := report.RiverOf(tx, us, edge)
		if err != nil || river.Pending != 1100 || river.Payable != 540 || river.Overdue != 500 || !river.OverdueSince.Equal(edge) || len(river.Months) != 2 {
			t.Errorf("%+v, %v", river, err)
		}
		return nil
	})
}

// Days are local dates, all present, clicks beside orders, also across a change of the clocks.
func TestDays(t *testing.T) {
	d := dbtest.Open(t)
	from, to := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC), time.Date(2026, 3, 10, 3, 59, 0, 0, time.UTC) // the 9th, still, in New York
	number := time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC).Unix() / 86400
	write(t, d, func(tx *db.Tx) error {
		for _, day := range []string{"2026-03-05", "2026-03-08", "2026-03-09", "2026-03-10"} {
			if _, err := tx.Exec(putDay, int64(1), int64(ada), day, int64(11)); err != nil {
				return err
			}
		}
		for kind := range int64(2) {
			if _, err := tx.Exec(putClicks, int64(ada), int64(1), number, kind, int64(9), int64(4)); err != nil {
				return err
			}
		}
		return nil
	})
	read(t, d, func(tx *db.Tx) error {
		days, err := report.Days(tx, ada, us, from, to)
		if err != nil || len(days) != 4 || days[0].Date != "2026-03-06" || days[3].Date != "2026-03-09" || days[2].Clicks != 8 || days[2].Commission != 11 {
			t.Errorf("%+v, %v", days, err)
		}
		if sum := report.Sum(days); sum.Orders != 2 || sum.Units != 4 || sum.Revenue != 600 || sum.Commission != 22 || sum.Clicks != 8 {
			t.Errorf("%+v", sum)
		}
		none, err := report.Days(tx, ada, us, to, from)
		if err != nil || none != nil {
			t.Errorf("%+v, %v", none, err)
		}
		return nil
	})
}
