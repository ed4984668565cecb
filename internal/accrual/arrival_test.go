package accrual_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/click"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/order"
)

// tale is a random month of a few shoppers, as a list of events in order of time.
func (w *world) tale(r *rapid.T, prefix string) []order.Event {
	var tokens []string
	var clicked []time.Time
	for range rapid.IntRange(1, 4).Draw(r, "clicks") {
		at := begin.Add(time.Duration(rapid.IntRange(0, 60).Draw(r, "click hour")) * time.Hour)
		c := rapid.SampledFrom([]id.ID{alice, bob}).Draw(r, "creator")
		invalid := rapid.IntRange(0, 9).Draw(r, "invalid") == 0
		tokens = append(tokens, w.token(c, at, func(k *click.Token) {
			if invalid {
				k.Flags = click.FlagInvalid
			}
		}))
		clicked = append(clicked, at)
	}
	var events []order.Event
	for n := range rapid.IntRange(1, 5).Draw(r, "orders") {
		orderID := fmt.Sprintf("%s-%d", prefix, n)
		at := begin.Add(time.Duration(rapid.IntRange(0, 90*60).Draw(r, "order minute")) * time.Minute)
		e := w.placed(orderID, at)
		if shopper := rapid.IntRange(0, 2).Draw(r, "shopper"); shopper > 0 {
			e.Placed.Shopper = &order.Shopper{Customer: fmt.Sprintf("%s-c-%d", prefix, shopper)}
		}
		for i := range rapid.IntRange(1, 2).Draw(r, "lines") {
			l := line(rapid.Int64Range(1, 5).Draw(r, "quantity"), rapid.Int64Range(0, 3000).Draw(r, "net"))
			l.ID, l.SKU = fmt.Sprint(i+1), rapid.SampledFrom([]string{"KETTLE-1", "MUG-2"}).Draw(r, "sku")
			l.Digital = rapid.IntRange(0, 6).Draw(r, "digital") == 0
			for t := range tokens {
				if !clicked[t].After(at) && rapid.Bool().Draw(r, "carried") {
					l.Clicks = append(l.Clicks, tokens[t])
				}
			}
			if rapid.Bool().Draw(r, "added") {
				added := at.Add(-time.Duration(rapid.IntRange(0, 30*60).Draw(r, "cart minutes")) * time.Minute)
				l.AddedAt = &added
			}
			e.Placed.Lines = append(e.Placed.Lines, l)
			if !l.Digital {
				shipped := rapid.Int64Range(0, l.Quantity).Draw(r, "shipped")
				if shipped > 0 {
					events = append(events, w.event(order.TypeShipped, orderID, l.ID, shipped, at.Add(time.Hour)))
				}
				if shipped < l.Quantity && rapid.Bool().Draw(r, "cancel") {
					events = append(events, w.event(order.TypeCancelled, orderID, l.ID, l.Quantity-shipped, at.Add(2*time.Hour)))
				}
				if shipped > 0 && rapid.Bool().Draw(r, "return") {
					events = append(events, w.event(order.TypeReturned, orderID, l.ID, 1, at.Add(3*time.Hour)))
				}
			}
		}
		events = append(events, e)
	}
	return events
}

// Any order of arrival, any grouping, each event once or twice: the same amounts per line (docs/spec.md §6), and an audit
// that finds nothing. Each tale is lived by shoppers of its own, in one database that fills up.
func TestArrival(t *testing.T) {
	first, second := newWorld(t, resale), newWorld(t, resale)
	after := begin.AddDate(0, 0, 20)
	first.clock.Set(after)
	second.clock.Set(after)
	tales := 0
	rapid.Check(t, func(r *rapid.T) {
		tales++
		prefix := fmt.Sprintf("tale%d", tales)
		events := first.tale(r, prefix)
		slices.SortStableFunc(events, func(a, b order.Event) int { return a.OccurredAt.Compare(b.OccurredAt) })
		for _, e := range events { // one by one, as they happened
			if fate := first.send(e); fate[0] != "accepted" && fate[0] != "waiting order_not_known" {
				r.Fatalf("%s: %s", e.ID, fate)
			}
		}
		arrival := rapid.Permutation(slices.Concat(events, events[:len(events)/2])).Draw(r, "arrival")
		for len(arrival) > 0 {
			n := rapid.IntRange(1, len(arrival)).Draw(r, "group")
			second.send(arrival[:n]...)
			arrival = arrival[n:]
		}
		a, b := first.lines(prefix), second.lines(prefix)
		if !maps.Equal(a, b) {
			r.Fatalf("as it happened: %v\nas it came in:  %v", a, b)
		}
	})
	first.audit()
	second.audit()
	if a, b := first.balances(), second.balances(); !maps.Equal(a, b) {
		t.Errorf("balances differ: %v, %v", a, b)
	}
}

func resale(m *market.Market) { m.Policy.ResaleUnits = 6 }
