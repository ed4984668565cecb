package accrual

import (
	"cmp"
	"slices"
	"strings"

	"tributary/internal/attribution"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/money"
	"tributary/internal/product"
)

// Sums that pages read in place of lines. Each line remembers what it added, so that a change is a difference, and the
// audit adds all lines up again.

var (
	upsertDays = db.Bulk("BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO creator_day (market, creator, day, orders, units, revenue, commission, first_lines, first_revenue, linear_revenue)
		VALUES $ROWS ON CONFLICT (market, creator, day) DO UPDATE SET orders = creator_day.orders + excluded.orders,
			units = creator_day.units + excluded.units, revenue = creator_day.revenue + excluded.revenue,
			commission = creator_day.commission + excluded.commission, first_lines = creator_day.first_lines + excluded.first_lines,
			first_revenue = creator_day.first_revenue + excluded.first_revenue,
			linear_revenue = creator_day.linear_revenue + excluded.linear_revenue`)
	upsertMargins = db.Bulk("BIGINT TEXT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO margin_month (market, month, creator, category, sold, units, free, revenue, commission, promotion, fee)
		VALUES $ROWS ON CONFLICT (market, month, creator, category, sold) DO UPDATE SET units = margin_month.units + excluded.units,
			free = margin_month.free + excluded.free, revenue = margin_month.revenue + excluded.revenue,
			commission = margin_month.commission + excluded.commission, promotion = margin_month.promotion + excluded.promotion,
			fee = margin_month.fee + excluded.fee`)
)

type dayKey struct {
	creator id.ID
	day     string
}

// daySum is a creator's day by the time of order: what was credited, and what another model would have shared out.
type daySum struct {
	orders, units, revenue, commission      int64
	firstLines, firstRevenue, linearRevenue int64
}

type marginKey struct {
	month    string
	creator  id.ID
	category string
	sold     int64 // 1: by a seller other than the shop
}

// marginSum is what lines of a month brought and cost, as of what is earned. Units and free ones are as ordered and kept.
type marginSum struct{ units, free, revenue, commission, promotion, fee int64 }

// counted is what the line adds to its creator's day.
type counted struct {
	Creator    id.ID  `json:"c,omitempty"`
	Day        string `json:"d,omitempty"`
	Units      int64  `json:"u,omitempty"`
	Revenue    int64  `json:"v,omitempty"`
	Commission int64  `json:"m,omitempty"`
}

// journey are the creators of the clicks and views that led to the line, oldest first, and the revenue that they share:
// for reports alone.
type journey struct {
	Day      string  `json:"d,omitempty"`
	Creators []id.ID `json:"c,omitempty"`
	Revenue  int64   `json:"v,omitempty"`
}

// margin is what the line adds to its month.
type margin struct {
	Month      string `json:"t,omitempty"`
	Creator    id.ID  `json:"c,omitempty"`
	Category   string `json:"k,omitempty"`
	Sold       int64  `json:"s,omitempty"`
	Units      int64  `json:"u,omitempty"`
	Free       int64  `json:"f,omitempty"`
	Revenue    int64  `json:"v,omitempty"`
	Commission int64  `json:"m,omitempty"`
	Promotion  int64  `json:"p,omitempty"`
	Fee        int64  `json:"e,omitempty"`
}

type sums struct {
	days    map[dayKey]*daySum
	margins map[marginKey]*marginSum
}

func (s *sums) open() { s.days, s.margins = map[dayKey]*daySum{}, map[marginKey]*marginSum{} }

func (s *sums) day(key dayKey) *daySum {
	if s.days[key] == nil {
		s.days[key] = &daySum{}
	}
	return s.days[key]
}

// addDay adds what a line counts for its creator's day, sign times.
func (s *sums) addDay(c counted, sign int64) {
	if c.Creator == 0 {
		return
	}
	day := s.day(dayKey{c.Creator, c.Day})
	day.units, day.revenue, day.commission = day.units+sign*c.Units, day.revenue+sign*c.Revenue, day.commission+sign*c.Commission
}

// addJourney shares a line among the creators of its journey, sign times: all of it to the first, and equal parts to each
// click, rounded cumulatively so that they add up.
func (s *sums) addJourney(j journey, sign int64) {
	before, n := int64(0), int64(len(j.Creators))
	for i, creator := range j.Creators {
		sum := s.day(dayKey{creator, j.Day})
		if i == 0 {
			sum.firstLines, sum.firstRevenue = sum.firstLines+sign, sum.firstRevenue+sign*j.Revenue
		}
		through := money.MulDiv(j.Revenue, int64(i)+1, n)
		sum.linearRevenue += sign * (through - before)
		before = through
	}
}

func (s *sums) addMargin(m margin, sign int64) {
	if m.Month == "" {
		return
	}
	key := marginKey{m.Month, m.Creator, m.Category, m.Sold}
	if s.margins[key] == nil {
		s.margins[key] = &marginSum{}
	}
	sum := s.margins[key]
	sum.units, sum.free, sum.revenue = sum.units+sign*m.Units, sum.free+sign*m.Free, sum.revenue+sign*m.Revenue
	sum.commission, sum.promotion, sum.fee = sum.commission+sign*m.Commission, sum.promotion+sign*m.Promotion, sum.fee+sign*m.Fee
}

// credited are the creators of an order's lines, with the day on which it counts for them.
func (p *purchase) credited() map[dayKey]bool {
	keys := map[dayKey]bool{}
	for _, l := range p.lines {
		if l.state.Day.Creator != 0 {
			keys[dayKey{l.state.Day.Creator, l.state.Day.Day}] = true
		}
	}
	return keys
}

// count brings the sums along: what the line added goes, what it adds now comes.
func (g *group) count(l *line) {
	s, ordered := &g.out.sums, clock.FromMicro(l.terms.OrderedAt)
	day := dayOf(g.book.market, ordered)
	s.addDay(l.state.Day, -1)
	l.state.Day = counted{}
	b, fold, held := l.state.Basis, l.targets.Fold, l.targets.Posted()
	if b.Credited && b.Reason == "" {
		l.state.Day = counted{b.Creator, day, fold.Kept(l.terms.Quantity), fold.Total, held.Total}
	}
	s.addDay(l.state.Day, 1)
	s.addJourney(l.state.Journey, -1)
	l.state.Journey.Day, l.state.Journey.Revenue = day, fold.Total
	if l.judge {
		l.state.Journey.Creators = journeyOf(l.facts)
	}
	s.addJourney(l.state.Journey, 1)
	s.addMargin(l.state.Margin, -1)
	l.state.Margin = g.marginOf(l)
	s.addMargin(l.state.Margin, 1)
}

// marginOf says what a line brings and costs; nothing where nobody is credited and no seller pays for it.
func (g *group) marginOf(l *line) margin {
	b, t := l.state.Basis, l.targets
	credited := b.Credited && b.Reason == ""
	if !credited && b.Seller == "" {
		return margin{}
	}
	m := margin{Month: string(g.book.market.Month(clock.FromMicro(l.terms.OrderedAt))), Category: l.state.Margin.Category,
		Units: t.Fold.Kept(l.terms.Quantity), Revenue: t.Fold.Base, Fee: t.Fee}
	if l.facts != nil {
		m.Category = product.CleanCategory(l.facts.Category)
	}
	if credited {
		m.Creator, m.Commission, m.Promotion = b.Creator, t.Earned-t.PromoEarned, t.PromoEarned
	}
	if b.Seller != "" {
		m.Sold = 1
	}
	if l.terms.Net == 0 {
		m.Free = m.Units
	}
	return m
}

func journeyOf(f *commission.Facts) (creators []id.ID) {
	for _, i := range attribution.Journey(f.Touches, f.Line, f.Ends, f.Policy) {
		creators = append(creators, f.Touches[i].Creator)
	}
	return creators
}

func (g *group) saveSums() error {
	days := make([][]any, 0, len(g.out.sums.days))
	for key, d := range g.out.sums.days {
		if *d != (daySum{}) {
			days = append(days, []any{g.lane(), int64(key.creator), key.day, d.orders, d.units, d.revenue, d.commission,
				d.firstLines, d.firstRevenue, d.linearRevenue})
		}
	}
	margins := make([][]any, 0, len(g.out.sums.margins))
	for key, m := range g.out.sums.margins {
		if *m != (marginSum{}) {
			margins = append(margins, []any{g.lane(), key.month, int64(key.creator), key.category, key.sold, m.units, m.free, m.revenue,
				m.commission, m.promotion, m.fee})
		}
	}
	// Sorted, so that two transactions on rows of one creator wait for each other and never in a ring.
	slices.SortFunc(days, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[1].(int64), b[1].(int64)), strings.Compare(a[2].(string), b[2].(string)))
	})
	slices.SortFunc(margins, func(a, b []any) int {
		return cmp.Or(strings.Compare(a[1].(string), b[1].(string)), cmp.Compare(a[2].(int64), b[2].(int64)),
			strings.Compare(a[3].(string), b[3].(string)), cmp.Compare(a[4].(int64), b[4].(int64)))
	})
	if _, err := g.tx.Bulk(upsertDays, days); err != nil {
		return fault.Wrap(err, "bringing creators' days along")
	}
	_, err := g.tx.Bulk(upsertMargins, margins)
	return fault.Wrap(err, "bringing margins along")
}
