package order

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var placed = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const lapse = 180 * 24 * time.Hour

func ship(n int64, month string) Applied {
	return Applied{Type: TypeShipped, Quantity: n, At: placed.UnixMicro(), Month: month}
}
func cancel(n int64) Applied { return Applied{Type: TypeCancelled, Quantity: n, Month: "2026-03"} }
func back(n int64, month string) Applied {
	return Applied{Type: TypeReturned, Quantity: n, Month: month}
}
func backAt(n, amount int64) Applied {
	return Applied{Type: TypeReturned, Quantity: n, Amount: &amount, Month: "2026-03"}
}
func refund(amount int64) Applied {
	return Applied{Type: TypeRefunded, Amount: &amount, Month: "2026-03"}
}

func history(quantity, net int64, events ...Applied) History {
	return History{Terms{Quantity: quantity, Net: net, OrderedAt: placed.UnixMicro()}, events, placed.Add(time.Hour), lapse}
}

// docs/examples.md A, B, C, L, M, P: P and E after each step.
func TestExamples(t *testing.T) {
	type step struct {
		event Applied
		p, e  int64
	}
	none := Applied{Type: "placed"}
	for name, c := range map[string]struct {
		quantity, net, bps, cap int64
		steps                   []step
	}{
		"A":                 {3, 1999, 450, 0, []step{{none, 90, 0}, {ship(1, "2026-03"), 60, 30}, {ship(2, "2026-03"), 0, 90}, {back(1, "2026-03"), 0, 60}, {back(2, "2026-03"), 0, 0}}},
		"B":                 {4, 10000, 300, 0, []step{{ship(2, "2026-03"), 150, 150}, {cancel(1), 75, 150}, {refund(555), 75, 133}}},
		"C":                 {2, 250000, 250, 2500, []step{{none, 5000, 0}, {ship(1, "2026-03"), 2500, 2500}}},
		"L":                 {2, 911, 450, 0, []step{{ship(1, "2026-03"), 20, 21}, {cancel(1), 0, 21}}},
		"M":                 {1, 10000, 300, 0, []step{{ship(1, "2026-03"), 0, 300}, {backAt(1, 8500), 0, 0}}},
		"M, refunded first": {4, 10000, 300, 0, []step{{ship(4, "2026-03"), 0, 300}, {refund(2500), 0, 225}, {backAt(1, 0), 0, 225}}},
		"P":                 {3, 100, 450, 0, []step{{ship(3, "2026-03"), 0, 5}, {back(1, "2026-03"), 0, 3}, {refund(33), 0, 2}}},
		"P, mixed":          {4, 1023, 450, 0, []step{{ship(4, "2026-03"), 0, 46}, {backAt(1, 500), 0, 24}, {back(2, "2026-03"), 0, 0}}},
	} {
		h := history(c.quantity, c.net)
		worth := AtRate(c.bps, c.cap)
		for i, s := range c.steps {
			if s.event.Type != "placed" {
				if answer, reason := h.Admit(s.event); answer != Accepted {
					t.Errorf("%s step %d: %s %s", name, i, answer, reason)
				}
				h.Events = append(h.Events, s.event)
			}
			f := h.Fold()
			e := worth(f.Base, f.KeptShipped())
			p := max(worth(f.Total, f.Kept(c.quantity))-e, 0)
			if p != s.p || e != s.e {
				t.Errorf("%s step %d: P %d, E %d, want %d, %d (%+v)", name, i, p, e, s.p, s.e, f)
			}
		}
	}
}

func TestExampleBAmounts(t *testing.T) {
	f := history(4, 10000, ship(2, "2026-03"), cancel(1), refund(555)).Fold()
	if f.Total != 6945 || f.Base != 4445 {
		t.Errorf("total %d, base %d, want 6945, 4445", f.Total, f.Base)
	}
}

// docs/examples.md K, with the present moved to each event's receipt.
func TestExampleK(t *testing.T) {
	worth := AtRate(450, 0)
	all := func(string) bool { return true }
	marchClosed := func(month string) bool { return month != "2026-03" }
	march, april := ship(1, "2026-03"), ship(2, "2026-04")
	for _, c := range []struct {
		events []Applied
		posted map[string]int64
		open   func(string) bool
		want   map[string]int64
	}{
		{[]Applied{march, april}, nil, all, map[string]int64{"2026-03": 30, "2026-04": 60}},
		{[]Applied{march, april, back(1, "2026-04")}, map[string]int64{"2026-03": 30, "2026-04": 60}, all, map[string]int64{"2026-03": 30, "2026-04": 30}},
		{[]Applied{march, april, back(1, "2026-04"), back(2, "2026-05")}, map[string]int64{"2026-03": 30, "2026-04": 30}, all, map[string]int64{}},
		{[]Applied{march, april, back(1, "2026-04"), back(2, "2026-06")}, map[string]int64{"2026-03": 30, "2026-04": 30}, marchClosed, map[string]int64{"2026-03": 30, "2026-06": -30}},
	} {
		h := history(3, 1999, c.events...)
		got := h.Months(worth, c.posted, c.open, "2026-06")
		if !maps.Equal(got, c.want) {
			t.Errorf("%d events: %v, want %v", len(c.events), got, c.want)
		}
	}
}

// The months always add up to E, whatever has closed; and with all months open they do not depend on arrival.
func TestMonthsAddUp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		quantity := rapid.Int64Range(1, 6).Draw(r, "quantity")
		h := history(quantity, rapid.Int64Range(0, 5000).Draw(r, "net"))
		worth := AtRate(rapid.Int64Range(0, 2000).Draw(r, "bps"), rapid.SampledFrom([]int64{0, 0, 7, 50}).Draw(r, "cap"))
		posted := map[string]int64{}
		closedThrough := ""
		for step := range rapid.IntRange(1, 12).Draw(r, "steps") {
			now := fmt.Sprintf("2026-%02d", 1+step)
			e := drawEvent(r, now)
			if answer, _ := h.Admit(e); answer == Refused {
				continue
			}
			h.Events = append(h.Events, e)
			if rapid.IntRange(0, 3).Draw(r, "close") == 0 && step > 0 {
				closedThrough = fmt.Sprintf("2026-%02d", step)
			}
			through := closedThrough
			before := maps.Clone(posted)
			posted = h.Months(worth, posted, func(month string) bool { return month > through }, now)
			f := h.Fold()
			sum := int64(0)
			for month, amount := range posted {
				sum += amount
				if month <= through && before[month] != amount {
					r.Fatalf("closed month %s went from %d to %d", month, before[month], amount)
				}
			}
			if want := worth(f.Base, f.KeptShipped()); sum != want {
				r.Fatalf("months %v add up to %d, E is %d", posted, sum, want)
			}
		}
	})
}

func drawEvent(r *rapid.T, now string) Applied {
	switch rapid.IntRange(0, 4).Draw(r, "kind") {
	case 0:
		return cancel(1)
	case 1:
		return back(rapid.Int64Range(1, 2).Draw(r, "returned"), now)
	case 2:
		e := refund(rapid.Int64Range(1, 900).Draw(r, "refunded"))
		e.Month = now
		return e
	}
	return ship(rapid.Int64Range(1, 3).Draw(r, "shipped"), now)
}

// Any order of arrival of a set of events of which none is refused gives the same fold and, months being open, the same
// months (docs/examples.md H).
func TestOrderOfArrival(t *testing.T) {
	all := func(string) bool { return true }
	rapid.Check(t, func(r *rapid.T) {
		h := history(rapid.Int64Range(1, 6).Draw(r, "quantity"), rapid.Int64Range(0, 5000).Draw(r, "net"))
		for range rapid.IntRange(1, 8).Draw(r, "events") {
			e := drawEvent(r, fmt.Sprintf("2026-%02d", rapid.IntRange(3, 6).Draw(r, "month")))
			if answer, _ := h.Admit(e); answer == Accepted {
				h.Events = append(h.Events, e)
			}
		}
		shuffled := h
		shuffled.Events = nil
		for _, e := range rapid.Permutation(h.Events).Draw(r, "arrival") {
			if answer, reason := shuffled.Admit(e); answer == Refused {
				r.Fatalf("refused in another order: %s", reason)
			}
			shuffled.Events = append(shuffled.Events, e)
		}
		if h.Fold() != shuffled.Fold() {
			r.Fatalf("%+v\n%+v", h.Fold(), shuffled.Fold())
		}
		worth := AtRate(450, 0)
		if a, b := h.Months(worth, nil, all, "2026-09"), shuffled.Months(worth, nil, all, "2026-09"); !maps.Equal(a, b) {
			r.Fatalf("%v\n%v", a, b)
		}
	})
}

func TestContradictionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		h    History
		next Applied
		want string
	}{
		{history(3, 1999, ship(2, "2026-03")), ship(2, "2026-03"), "more_than_ordered"},
		{history(3, 1999, ship(2, "2026-03"), cancel(1)), cancel(1), "more_than_ordered"},
		{history(3, 1999, ship(2, "2026-03"), cancel(1)), back(3, "2026-03"), "more_returned_than_shipped"},
		{history(3, 1999, back(3, "2026-03")), cancel(1), "more_returned_than_shipped"},
		{history(3, 1999, ship(3, "2026-03"), refund(1500)), refund(500), "more_given_back_than_paid"},
		{history(3, 1999, ship(3, "2026-03"), refund(1500)), back(1, "2026-03"), "more_given_back_than_paid"},
		{history(3, 1999), back(1, "2026-03"), "return_before_shipment"},
	} {
		if _, reason := c.h.Admit(c.next); reason != c.want {
			t.Errorf("%v then %v: %q, want %q", c.h.Events, c.next, reason, c.want)
		}
	}
}

func TestLapse(t *testing.T) {
	h := history(3, 900, ship(1, "2026-03"))
	h.Now = placed.Add(lapse + time.Microsecond)
	if f := h.Fold(); f.Lapsed != 2 || f.Open != 0 || f.Total != 300 {
		t.Errorf("lapsed: %+v", f)
	}
	late := Applied{Type: TypeShipped, Quantity: 1, At: placed.Add(lapse + time.Hour).UnixMicro(), Month: "2026-09"}
	inTime := Applied{Type: TypeShipped, Quantity: 1, At: placed.Add(lapse).UnixMicro(), Month: "2026-09"}
	h.Events = append(h.Events, late, inTime)
	if f := h.Fold(); f.Shipped != 2 || f.Late != 1 || f.Lapsed != 1 || f.Total != 600 || f.Base != 600 {
		t.Errorf("one late, one reported late: %+v", f)
	}
	h = history(3, 900, ship(1, "2026-03"))
	h.Now = placed.Add(lapse)
	if f := h.Fold(); f.Open != 2 {
		t.Errorf("the last instant counts: %+v", f)
	}
}
