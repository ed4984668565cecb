package accrual_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/order"
)

// Past lines come page by page, each once, with facts that lead to what was decided.
func TestPast(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		orderID := fmt.Sprint("o", i)
		w.send(w.placed(orderID, begin.Add(time.Duration(i/2)*time.Minute), line(2, 1999, w.token(alice, begin.Add(-time.Hour)))),
			w.event(order.TypeShipped, orderID, "1", 1, begin.Add(time.Hour)))
	}
	var seen []string
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		var cursor explain.PastCursor
		for {
			page, err := explain.Past(tx, 1, begin.Add(3*time.Minute), &cursor, 2)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, p := range page {
				seen = append(seen, p.Order)
				basis, _ := commission.Credit(*p.Facts)
				again := commission.Settle(basis, p.Terms(), p.Events, w.clock.Now(), p.Held)
				if again.Pending != p.Pending || again.Earned != p.Earned || basis != p.Basis {
					t.Errorf("%s: %+v", p.Order, again)
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(seen); got != "[o0 o1 o2 o3 o4 o5]" {
		t.Error(got)
	}
}
