package accrual

import (
	"tributary/internal/attribution"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/product"
	"tributary/internal/sums"
)

// credited are the creators of an order's lines, with the day on which it counts for them.
func (p *purchase) credited() map[sums.DayKey]bool {
	keys := map[sums.DayKey]bool{}
	for _, l := range p.lines {
		if l.state.Day.Creator != 0 {
			keys[sums.DayKey{Creator: l.state.Day.Creator, Date: l.state.Day.Day}] = true
		}
	}
	return keys
}

// count brings the sums along: what the line added goes, what it adds now comes.
func (g *group) count(l *line) {
	s, ordered := &g.out.sums, clock.FromMicro(l.terms.OrderedAt)
	day := market.Day(ordered, g.book.market.Location())
	s.AddDay(l.state.Day, -1)
	l.state.Day = sums.Counted{}
	b, fold, held := l.state.Basis, l.targets.Fold, l.targets.Posted()
	if b.Credited && b.Reason == "" {
		l.state.Day = sums.Counted{Creator: b.Creator, Day: day, Units: fold.Kept(l.terms.Quantity), Revenue: fold.Total, Commission: held.Total}
	}
	s.AddDay(l.state.Day, 1)
	s.AddJourney(l.state.Journey, -1)
	l.state.Journey.Day, l.state.Journey.Revenue = day, fold.Total
	if l.judge {
		l.state.Journey.Creators = journeyOf(l.facts)
	}
	s.AddJourney(l.state.Journey, 1)
	s.AddMargin(l.state.Margin, -1)
	l.state.Margin = g.marginOf(l)
	s.AddMargin(l.state.Margin, 1)
	s.AddNothing(l.state.Nothing, -1)
	if l.state.Nothing = (sums.Nothing{}); l.targets.Reason != "" {
		l.state.Nothing = sums.Nothing{Month: day[:len("2026-01")], Creator: b.Creator, Reason: string(l.targets.Reason), Revenue: l.terms.Net}
	}
	s.AddNothing(l.state.Nothing, 1)
}

// marginOf says what a line brings and costs; nothing where nobody is credited and no seller pays for it.
func (g *group) marginOf(l *line) sums.Margin {
	b, t := l.state.Basis, l.targets
	credited := b.Credited && (b.Reason == "" || b.Reason == attribution.ZeroPrice) // what is given away is watched, too
	if !credited && b.Seller == "" {
		return sums.Margin{}
	}
	m := sums.Margin{Month: string(g.book.market.Month(clock.FromMicro(l.terms.OrderedAt))), Category: l.state.Margin.Category,
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
