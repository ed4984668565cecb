package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The worked examples of docs/examples.md, lived by the model: it must be right before anything is held against it.

var noon = at(time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC))

// shop is a marketplace with the policy that the product ships with, one card, and two creators who have long been active.
func shop(rate int64, entries ...Entry) Program {
	active := []Enrolment{{1, []Standing{{noon - 800*day, "active"}}}}
	return Program{
		Zone: "America/New_York",
		Policy: Policy{SessionHours: 24, CartDays: 89, LapseDays: 180, HoldDays: 60, ResaleUnits: 10, ResaleDays: 30,
			ViewSeconds: 5, ViewScope: "product", RateAt: "order"},
		Cards:    []Card{{Kind: "offsite", Effective: noon - 800*day, Default: rate, Entries: entries}},
		Creators: []Creator{{Number: 1, Enrolments: active}, {Number: 2, Enrolments: active}},
		Clicks:   []Click{{Number: 1, Creator: 1, Program: 1, At: noon}, {Number: 2, Creator: 2, Program: 1, At: noon + 5*hour}},
	}
}

// story is a market to which things are told one after the other.
type story struct {
	*testing.T
	*market
	count int
}

func tell(t *testing.T, p Program) *story { return &story{T: t, market: newMarket(p, noon)} }

// ordered is an order of one line, an hour after the first click, unless it says otherwise.
func (s *story) ordered(id string, when instant, l Line) *line {
	l.ID, l.SKU = "1", orElse(l.SKU, "SKU1")
	if l.Clicks == nil {
		l.Clicks = []int{1}
	}
	s.send(Event{Type: "order.placed", Order: id, At: when, Placed: &Placed{Lines: []Line{l}}})
	return s.order(id).line("1")
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (s *story) send(e Event) {
	s.Helper()
	s.count++
	e.ID = fmt.Sprint("e", s.count)
	if fate := s.take(e); strings.HasPrefix(fate, "refused") {
		s.Errorf("%s: %s", e.Type, fate)
	}
	s.settle()
}

// goes sends what happens to the line of an order: shipped, cancelled, returned, refunded; an amount below 0 is none.
func (s *story) goes(order, kind string, units, amount int64) {
	s.Helper()
	s.goesAt(order, kind, units, amount, s.now)
}

func (s *story) goesAt(order, kind string, units, amount int64, when instant) {
	s.Helper()
	e := Event{Type: "line." + kind, Order: order, Line: "1", Quantity: units, At: when}
	if amount >= 0 {
		e.Amount = &amount
	}
	s.send(e)
}

func (s *story) wants(l *line, pending, earned int64) {
	s.Helper()
	if l.pending != pending || l.earned != earned {
		s.Errorf("P %d, E %d, want %d, %d", l.pending, l.earned, pending, earned)
	}
}

func (s *story) wantsMonths(l *line, want string) {
	s.Helper()
	if got := fmt.Sprint(l.months); got != want {
		s.Errorf("months %s, want %s", got, want)
	}
}

func TestExampleA(t *testing.T) {
	s := tell(t, shop(450))
	l := s.ordered("A", noon+hour, Line{Quantity: 3, Net: 1999})
	s.wants(l, 90, 0)
	for _, row := range []struct {
		kind                   string
		units, pending, earned int64
	}{{"shipped", 1, 60, 30}, {"shipped", 2, 0, 90}, {"returned", 1, 0, 60}, {"returned", 2, 0, 0}} {
		s.goes("A", row.kind, row.units, -1)
		s.wants(l, row.pending, row.earned)
	}
	if l.why != "returned" {
		t.Errorf("reason %q", l.why)
	}
}

func TestExampleB(t *testing.T) {
	s := tell(t, shop(300))
	l := s.ordered("B", noon+hour, Line{Quantity: 4, Net: 10000})
	s.goes("B", "shipped", 2, -1)
	s.goes("B", "cancelled", 1, -1)
	s.wants(l, 75, 150)
	s.goes("B", "refunded", 0, 555)
	s.wants(l, 75, 133)
}

func TestExampleC(t *testing.T) {
	s := tell(t, shop(250, Entry{SKU: "PC", Rate: 250, Cap: 2500}))
	l := s.ordered("C", noon+hour, Line{SKU: "PC", Quantity: 2, Net: 250000})
	s.wants(l, 5000, 0)
	s.goes("C", "shipped", 1, -1)
	s.wants(l, 2500, 2500)
}

// D as arithmetic: what a campaign adds is funded once and shared between reserved and earned. The model knows no campaign.
func TestExampleD(t *testing.T) {
	bonus := func(total, base, left int64) (reserved, earned int64) {
		funded := min(left, commission(8000, 1500, 0, 2))
		earned = min(funded, commission(base, 1500, 0, 0))
		return min(funded, commission(total, 1500, 0, 0)) - earned, earned
	}
	for _, row := range [][4]int64{{8000, 0, 1000, 0}, {8000, 4000, 400, 600}, {4000, 4000, 0, 600}, {8000, 8000, 0, 1000}} {
		if r, b := bonus(row[0], row[1], 1000); r != row[2] || b != row[3] {
			t.Errorf("total %d, base %d: R %d, B %d, want %d, %d", row[0], row[1], r, b, row[2], row[3])
		}
	}
	s := tell(t, shop(300))
	l := s.ordered("D", noon+hour, Line{Quantity: 2, Net: 8000})
	s.wants(l, 240, 0)
	s.goes("D", "shipped", 1, -1)
	s.wants(l, 120, 120)
	s.goes("D", "cancelled", 1, -1)
	s.wants(l, 0, 120)
}

func TestExampleE(t *testing.T) {
	p := shop(400, Entry{Category: "Home", Rate: 300}, Entry{Category: "Home > Kitchen", Rate: 450},
		Entry{SKU: "SKU9", Rate: 1200})
	promoted, contracted := p, p
	promoted.Promotions = []Promotion{{From: noon, Until: noon + day, Change: "multiply", Value: 15000},
		{From: noon, Until: noon + day, Change: "add", Value: 100}, {From: noon, Until: noon + day, Change: "set", Value: 350}}
	contracted.Contracts = []Contract{{Creator: 1, Kind: "offsite", Rate: 700, From: noon - day}}
	for _, row := range []struct {
		program       Program
		category, sku string
		want          int64
	}{
		{p, "Home > Kitchen > Kettles", "", 450}, {p, "Home > Bedding", "", 300}, {p, "Auto", "", 400}, {p, "Home", "SKU9", 1200},
		{contracted, "Home", "", 700}, {promoted, "Home", "", 450},
	} {
		l := tell(t, row.program).ordered("E", noon+hour, Line{SKU: row.sku, Category: row.category, Quantity: 1, Net: 10000})
		if l.pending != row.want {
			t.Errorf("%s %s: %d, want %d", row.category, row.sku, l.pending, row.want)
		}
	}
}

func TestExampleF(t *testing.T) {
	p := shop(450)
	p.Zone = "UTC"
	m := newMarket(p, noon)
	for month, want := range map[string]string{"2026-01": "2026-04-01", "2026-11": "2027-01-29", "2026-12": "2027-03-01",
		"2027-12": "2028-02-29", "2028-02": "2028-04-29"} {
		if got := m.payable(month).time().Format("2006-01-02 15:04"); got != want+" 00:00" {
			t.Errorf("%s is payable on %s, want %s", month, got, want)
		}
	}
}

func TestExampleG(t *testing.T) {
	kettle := func(s *story) {
		s.ordered("kettle", noon+2*hour, Line{Quantity: 1, Net: 2000})
	}
	for _, row := range []struct {
		clicks         []int
		before         func(*story)
		added, ordered instant // hours after A's click
		creator        int
		reason         string
	}{
		{[]int{1, 2}, nil, 6, 7, 2, ""},
		{[]int{1, 2}, nil, 2, 6, 1, ""},
		{[]int{1}, nil, 0, 25, 0, "expired"},
		{[]int{1}, nil, 23, 60 * 24, 1, ""},
		{[]int{1}, nil, 23, 90 * 24, 0, "expired"},
		{[]int{1}, kettle, 3, 4, 0, "session_ended"},
	} {
		s := tell(t, shop(450))
		if row.before != nil {
			row.before(s)
		}
		added := noon + row.added*hour
		if row.added == 0 {
			added = 0
		}
		l := s.ordered("G", noon+row.ordered*hour, Line{Quantity: 1, Net: 2000, Added: added, Clicks: row.clicks})
		if l.credited != (row.reason == "") || l.credited && l.creator != row.creator || l.why != row.reason {
			t.Errorf("%+v: credited %v, creator %d, reason %q", row, l.credited, l.creator, l.why)
		}
	}
}

func TestExampleH(t *testing.T) {
	events := []Event{{ID: "placed", Type: "order.placed", Order: "H", At: noon + hour,
		Placed: &Placed{Lines: []Line{{ID: "1", SKU: "S", Quantity: 3, Net: 1999, Clicks: []int{1}}}}}}
	for i, e := range []Event{{Type: "line.shipped", Quantity: 1}, {Type: "line.shipped", Quantity: 2},
		{Type: "line.returned", Quantity: 1}} {
		e.ID, e.Order, e.Line, e.At = fmt.Sprint(i), "H", "1", noon+2*hour
		events = append(events, e)
	}
	var orders func(done, left []Event)
	count := 0
	orders = func(done, left []Event) {
		if len(left) == 0 {
			count++
			s := tell(t, shop(450))
			for i, e := range done {
				for range i%3 + 1 { // one to three times
					s.take(e)
				}
			}
			s.settle()
			s.wants(s.order("H").line("1"), 0, 60)
		}
		for i := range left {
			orders(append(slices.Clone(done), left[i]), slices.Concat(left[:i], left[i+1:]))
		}
	}
	orders(nil, events)
	if count != 24 {
		t.Errorf("%d orders", count)
	}
}

func TestExampleK(t *testing.T) {
	date := func(month time.Month, day int) instant { return at(time.Date(2026, month, day, 12, 0, 0, 0, time.UTC)) }
	for _, late := range []bool{false, true} {
		s := tell(t, shop(450))
		l := s.ordered("K", noon+hour, Line{Quantity: 3, Net: 1999})
		s.pass(date(3, 20), false)
		s.goes("K", "shipped", 1, -1)
		s.pass(date(4, 3), false)
		s.goes("K", "shipped", 2, -1)
		s.wantsMonths(l, "map[2026-03:30 2026-04:60]")
		s.pass(date(4, 12), false)
		s.goes("K", "returned", 1, -1)
		s.wantsMonths(l, "map[2026-03:30 2026-04:30]")
		if late {
			s.pass(date(6, 1), false)
			s.goes("K", "returned", 2, -1)
			s.wantsMonths(l, "map[2026-03:30 2026-06:-30]")
		} else {
			s.pass(date(5, 25), false)
			s.goes("K", "returned", 2, -1)
			s.wantsMonths(l, "map[]")
		}
		s.wants(l, 0, 0)
	}
}

func TestExamplesLMP(t *testing.T) {
	for _, row := range []struct {
		name             string
		rate, units, net int64
		goes             []string // kind units amount
		pending, earned  int64
	}{
		{"L", 450, 2, 911, []string{"shipped 1 -1", "cancelled 1 -1"}, 0, 21},
		{"M", 300, 1, 10000, []string{"shipped 1 -1", "returned 1 8500"}, 0, 0},
		{"M, refunded first", 300, 4, 10000, []string{"shipped 4 -1", "refunded 0 2500", "returned 1 0"}, 0, 225},
		{"P", 450, 3, 100, []string{"shipped 3 -1", "returned 1 -1", "refunded 0 33"}, 0, 2},
		{"P, mixed", 450, 4, 1023, []string{"shipped 4 -1", "returned 1 500", "returned 2 -1"}, 0, 0},
		{"P, mixed, the other way round", 450, 4, 1023, []string{"shipped 4 -1", "returned 2 -1", "returned 1 500"}, 0, 0},
	} {
		s := tell(t, shop(row.rate))
		l := s.ordered(row.name, noon+hour, Line{Quantity: row.units, Net: row.net})
		for _, text := range row.goes {
			var kind string
			var units, amount int64
			fmt.Sscan(text, &kind, &units, &amount)
			s.goes(row.name, kind, units, amount)
		}
		if l.pending != row.pending || l.earned != row.earned {
			t.Errorf("%s: P %d, E %d, want %d, %d", row.name, l.pending, l.earned, row.pending, row.earned)
		}
	}
}

func TestExampleN(t *testing.T) {
	p := shop(450)
	p.Promotions = []Promotion{{From: noon, Until: noon + day, Change: "add", Value: 100}}
	l := tell(t, p).ordered("N", noon+hour, Line{Quantity: 1, Net: 1990})
	if l.pending != 109 || l.promoPending != 19 {
		t.Errorf("P %d, of which %d by promotion", l.pending, l.promoPending)
	}
	p = shop(125)
	p.Promotions = []Promotion{{From: noon, Until: noon + day, Change: "multiply", Value: 15000}}
	if l := tell(t, p).ordered("N", noon+hour, Line{Quantity: 1, Net: 100000}); l.final != 188 || l.pending != 1880 {
		t.Errorf("rate %d, P %d", l.final, l.pending)
	}
}

func TestExampleO(t *testing.T) {
	for _, row := range []struct {
		reported time.Time
		why      string
		months   string
	}{
		{time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC), "", "map[2026-03:90]"},
		{time.Date(2026, 5, 29, 12, 0, 0, 0, time.UTC), "session_ended", "map[]"},
	} {
		s := tell(t, shop(450))
		l := s.ordered("O", noon+3*hour, Line{Quantity: 1, Net: 1999})
		s.goes("O", "shipped", 1, -1)
		s.pass(at(row.reported), false)
		s.ordered("earlier", noon+hour, Line{Quantity: 1, Net: 500})
		s.wantsMonths(l, row.months)
		if l.why != row.why {
			t.Errorf("reason %q, want %q", l.why, row.why)
		}
	}
}

func TestExampleQ(t *testing.T) {
	p := shop(450)
	p.Policy.ResaleUnits = 0
	p.Volumes = []Volume{{From: "2026-01", Bands: []Band{{0, 0}, {100000, 200}}}}
	s := tell(t, p)
	s.ordered("Q", noon+hour, Line{Quantity: 2, Net: 160000})
	s.goes("Q", "shipped", 2, -1)
	march := tierKey{1, "2026-03"}
	if s.tiers[march] != 1200 {
		t.Errorf("T = %d", s.tiers[march])
	}
	s.goes("Q", "returned", 1, -1)
	if s.tiers[march] != 0 {
		t.Errorf("T = %d after the return", s.tiers[march])
	}
}

func TestExampleR(t *testing.T) {
	s := tell(t, shop(450))
	for i, row := range []struct {
		day instant
		why string
	}{{1, ""}, {10, "resale"}, {20, "resale"}} {
		s.Clicks = append(s.Clicks, Click{Number: 10 + i, Creator: 1, Program: 1, At: noon + row.day*day})
		l := Line{ID: "1", SKU: "S", Quantity: 6, Net: 6000, Clicks: []int{10 + i}}
		id := fmt.Sprint("R", i)
		s.send(Event{Type: "order.placed", Order: id, At: noon + row.day*day + hour,
			Placed: &Placed{Shopper: &Shopper{Facts: Facts{Customer: "c"}}, Lines: []Line{l}}})
		if got := s.order(id).line("1").why; got != row.why {
			t.Errorf("day %d: reason %q, want %q", row.day, got, row.why)
		}
	}
}
