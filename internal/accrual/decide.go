package accrual

import (
	"maps"

	"tributary/internal/attribution"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/order"
)

// decision is the stored form of what was decided about a line: whole, or a reference to the version whose facts still
// hold, plus what was folded.
type decision struct {
	Facts   *commission.Facts    `json:"facts,omitempty"`
	Ref     int64                `json:"ref,omitempty"`
	Verdict *attribution.Verdict `json:"verdict,omitempty"`
	Basis   *commission.Basis    `json:"basis,omitempty"`
	Events  []order.Applied      `json:"events,omitempty"`
	Now     int64                `json:"now"`
	Targets commission.Targets   `json:"targets"`
}

// posting is what a group writes: decisions, transfers, days.
type posting struct {
	decisions [][]any
	transfers []ledger.Transfer
	days      map[dayKey]*[4]int64 // orders, units, revenue, commission
}

type dayKey struct {
	creator id.ID
	day     string
}

// decide brings every line that the group touched to its targets.
func (g *group) decide() error {
	g.out.days = map[dayKey]*[4]int64{}
	orders := map[*purchase]map[dayKey]bool{}
	for _, l := range g.dirty {
		if orders[l.order] == nil {
			orders[l.order] = l.order.credited()
		}
		if err := g.decideLine(l); err != nil {
			return err
		}
	}
	for p, before := range orders {
		after := p.credited()
		for key := range before {
			if !after[key] {
				g.day(key)[0]--
			}
		}
		for key := range after {
			if !before[key] {
				g.day(key)[0]++
			}
		}
	}
	return nil
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

func (g *group) decideLine(l *line) error {
	before, held, was := l.state.Basis, l.state.Held, l.state.Reason
	d := decision{Events: l.state.Events, Now: clock.Micro(g.now), Ref: l.whole}
	if l.judge {
		basis, verdict := commission.Credit(*l.facts)
		l.state.Basis = basis
		d.Facts, d.Basis, d.Verdict, d.Ref = l.facts, &basis, &verdict, 0
	}
	posted := held
	if l.state.Basis.Creator != before.Creator {
		posted = commission.Posted{}
	}
	l.targets = commission.Settle(l.state.Basis, l.terms, l.state.Events, g.now, posted)
	d.Targets = l.targets
	target := l.targets.Posted()
	l.state.Held, l.state.Reason = target, l.targets.Reason
	same := held.Total == target.Total && maps.Equal(held.Months, target.Months) && was == l.targets.Reason
	if l.version > 0 && same && before == l.state.Basis && !l.judge {
		return nil // goods moved, money did not
	}
	l.version++
	if l.judge {
		l.whole = l.version
	}
	body, err := encode(d)
	if err != nil {
		return err
	}
	subject := l.subject()
	g.out.decisions = append(g.out.decisions, []any{g.lane(), subject, l.version, g.tx.Turn(g.lane()), d.Now, body})
	for i, leg := range Transition(g.book.market.ID, before, held, l.state.Basis, target) {
		g.out.transfers = append(g.out.transfers, ledger.Transfer{Subject: subject, Version: l.version, Component: Component, Leg: i,
			Debit: leg.Debit, Credit: leg.Credit, Amount: leg.Amount, At: g.now})
	}
	g.count(l)
	g.tell(l, before.Creator, held)
	return nil
}

// count brings the creator's day along: what was ordered on that day, as it stands now.
func (g *group) count(l *line) {
	was := l.state.Day
	now := counted{}
	if b := l.state.Basis; b.Credited && b.Reason == "" {
		day := dayOf(g.book.market, clock.FromMicro(l.terms.OrderedAt))
		now = counted{b.Creator, day, l.targets.Fold.Kept(l.terms.Quantity), l.targets.Fold.Total, l.targets.Posted().Total}
	}
	l.state.Day = now
	if was.Creator != 0 {
		day := g.day(dayKey{was.Creator, was.Day})
		day[1], day[2], day[3] = day[1]-was.Units, day[2]-was.Revenue, day[3]-was.Commission
	}
	if now.Creator != 0 {
		day := g.day(dayKey{now.Creator, now.Day})
		day[1], day[2], day[3] = day[1]+now.Units, day[2]+now.Revenue, day[3]+now.Commission
	}
}

func (g *group) day(key dayKey) *[4]int64 {
	if g.out.days[key] == nil {
		g.out.days[key] = new([4]int64)
	}
	return g.out.days[key]
}

// LineNote is what the outbox says about a line.
type LineNote struct {
	Order   string             `json:"order"`
	Line    string             `json:"line"`
	Version int64              `json:"version"`
	Pending int64              `json:"pending"`
	Earned  int64              `json:"earned"`
	Reason  attribution.Reason `json:"reason,omitempty"`
}

// tell announces what changed, to the creator and, where the credit moved, to the one who had it.
func (g *group) tell(l *line, earlier id.ID, held commission.Posted) {
	t := l.targets
	topic := "commission.adjusted"
	switch {
	case l.version == 1 && !l.state.Basis.Credited:
		topic = "order.unattributed"
	case l.version == 1:
		topic = "commission.pending"
	case t.Posted().Total == 0 && held.Total != 0:
		topic = "commission.reversed"
	case t.Posted().Total == held.Total && t.Earned > 0:
		topic = "commission.earned"
	}
	body := LineNote{l.order.id, l.id, l.version, t.Pending, t.Earned, t.Reason}
	g.notes = append(g.notes, note{topic, int64(l.state.Basis.Creator), body})
	if earlier != 0 && earlier != l.state.Basis.Creator {
		g.notes = append(g.notes, note{"commission.reversed", int64(earlier), LineNote{l.order.id, l.id, l.version, 0, 0, t.Reason}})
	}
}
