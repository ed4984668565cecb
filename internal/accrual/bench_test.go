package accrual_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/order"
)

// BenchmarkTake books orders of two lines each, synced, 500 to a group: what one order costs below HTTP.
func BenchmarkTake(b *testing.B) {
	d, err := db.Open(context.Background(), dbtest.Address(b), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	w := worldOn(b, d)
	at := begin.Add(time.Hour)
	w.clock.Set(at)
	const group = 500
	next := 0
	batch := func() []accrual.Incoming {
		events := make([]order.Event, group)
		for i := range events {
			next++
			token := w.token(alice, begin)
			first, second := line(3, 1999, token), line(1, 4900, token)
			second.ID, second.SKU = "2", "MUG-2"
			events[i] = w.placed(fmt.Sprintf("order-%08d", next), begin.Add(time.Duration(next)*time.Millisecond), first, second)
			events[i].Placed.Shopper = &order.Shopper{Customer: fmt.Sprintf("c-%d", next%5000), Email: fmt.Sprintf("c%d@shop.example", next%5000)}
		}
		return w.incoming(events...)
	}
	b.ResetTimer()
	for done := 0; done < b.N; done += group {
		b.StopTimer()
		events := batch()
		b.StartTimer()
		if _, err := w.Take(context.Background(), 1, events); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
