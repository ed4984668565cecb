package accrual

import (
	"tributary/internal/clock"
	"tributary/internal/decision"
	"tributary/internal/market"
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
		l.state.Journey.Creators = decision.JourneyOf(l.facts)
	}
	s.AddJourney(l.state.Journey, 1)
	s.AddMargin(l.state.Margin, -1)
	l.state.Margin = decision.MarginOf(l.state, l.targets, l.terms, l.facts, string(g.book.market.Month(ordered)))
	s.AddMargin(l.state.Margin, 1)
	s.AddNothing(l.state.Nothing, -1)
	if l.state.Nothing = (sums.Nothing{}); l.targets.Reason != "" {
		l.state.Nothing = sums.Nothing{Month: day[:len("2026-01")], Creator: b.Creator, Reason: string(l.targets.Reason), Revenue: l.terms.Net}
	}
	s.AddNothing(l.state.Nothing, 1)
}
