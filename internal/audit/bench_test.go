package audit_test

import (
	"context"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/order"
)

// benchLines is about how many lines are audited.
const benchLines = 20_000

// BenchmarkVerify audits lines of which nearly all have shipped and some came back, and says how many times as quick that
// is as taking the orders was, synced, some hundreds to a group, in the same run.
func BenchmarkVerify(b *testing.B) {
	ctx := context.Background()
	d, err := db.Open(ctx, dbtest.Address(b), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	w := newWorld(b, d)
	defer w.Close()
	lines, took := 0, time.Duration(0)
	for lines < benchLines {
		now := w.clock.Now().Add(time.Hour)
		if err := w.clock.Set(now); err != nil {
			b.Fatal(err)
		}
		groups := map[string][]order.Event{}
		for range 400 {
			e := w.ordered(now)
			lines += len(e.Placed.Lines)
			groups[e.Market] = append(groups[e.Market], e)
		}
		for _, m := range w.markets {
			in := make([]accrual.Incoming, 0, len(groups[m.ID]))
			for _, e := range groups[m.ID] {
				in = append(in, w.incoming(m, e))
			}
			begin := clock.Wall()
			if _, err := w.Take(ctx, m.No, in); err != nil {
				b.Fatal(err)
			}
			took += clock.Since(begin)
		}
	}
	w.live(14, 1) // what happens to the goods
	for b.Loop() {
		seen, err := verify(d, func(text string) { b.Error(text) })
		if err != nil || b.Failed() || seen[0].Lines+seen[1].Lines < lines {
			b.Fatal(seen, err)
		}
	}
	audited, taken := float64(lines*b.N)/b.Elapsed().Seconds(), float64(lines)/took.Seconds()
	b.ReportMetric(audited, "lines/s")
	b.ReportMetric(taken, "taken/s")
	b.ReportMetric(audited/taken, "ratio")
}
