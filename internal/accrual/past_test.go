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
		past, err := explain.OpenPast(tx, "us", begin.Add(time.Minute), begin.Add(3*time.Minute))
		if err != nil {
			return err
		}
		if past.Lines != 4 || past.Market.No != 1 || len(past.Rates.Cards) != 1 {
			t.Errorf("%d lines", past.Lines)
		}
		for {
			page, err := past.Rows(tx, 3)
			if err != nil || len(page) == 0 {
				return err
			}
			lines := make([]*explain.PastLine, len(page))
			for i := range page {
				lines[i] = &page[i]
			}
			if err := past.Facts(tx, lines); err != nil {
				return err
			}
			for _, p := range page {
				seen = append(seen, p.Order)
				basis, _ := commission.Credit(*p.Facts)
				again := commission.Settle(basis, p.Terms(), p.Events, w.clock.Now(), p.Held)
				if !again.Posted().Equal(p.Held) || basis != p.Basis || p.Category() != "Home > Kitchen > Kettles" {
					t.Errorf("%s: %+v", p.Order, again)
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(seen); got != "[o2 o3 o4 o5]" {
		t.Error(got)
	}
}
