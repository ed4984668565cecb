package model

import (
	"fmt"
	"maps"
	"slices"
)

// Where every line stands, worked out anew from everything that is known.

// verdict is what is decided about a line: it holds until a closed month holds part of the line (§6).
type verdict struct {
	made     bool
	ordered  instant
	credited bool
	creator  int // to whom it is credited, or whose touch the reason speaks of
	program  int // through which of the creator's programs
	direct   bool
	reason   string
	price
	volume   bool // its earned base counts for volume tiers
	seller   string
	fee      int64 // rate
	feeLeast int64 // per unit
}

// outcome is what follows for a line.
type outcome struct {
	verdict
	why             string // the reason as it is shown: also what happened to the goods
	pending, earned int64
	promoPending    int64 // the promotion's part of each
	promoEarned     int64
	feeDue          int64
	months, bases   map[string]int64
	laidOut         string // what the months were laid out for: they are laid out anew when something happens to the line
}

type tierKey struct {
	creator int
	month   string
}

// settle works out where every line stands, then what months earn on top.
func (m *market) settle() {
	for _, o := range m.orders {
		for _, l := range o.lines {
			if !m.frozen(l) {
				before := l.verdict
				l.verdict = m.judge(l)
				if before.made && before.creator != l.creator {
					l.months, l.bases = nil, nil // the new one holds nothing of it yet
				}
			}
			m.weigh(l)
		}
	}
	m.topUp()
}

// frozen tells whether a closed month holds part of the line.
func (m *market) frozen(l *line) bool {
	for month, amount := range l.months {
		if amount != 0 && !m.isOpen(month) {
			return true
		}
	}
	return false
}

// judge decides about a line.
func (m *market) judge(l *line) (v verdict) {
	v.made, v.ordered = true, l.order.at
	q := m.ask(l)
	won, about, reason := q.winner()
	unpaid := !m.isPaid(l.order)
	if seller := m.seller(l); seller != "" && seller != m.House && !unpaid {
		if card := m.cardAt("seller_fee", v.ordered); card != nil {
			e := card.entry(m.category(l), l.SKU)
			v.seller, v.fee, v.feeLeast = seller, e.Rate, e.Minimum
		}
	}
	if about != nil && (about.click == nil || !about.click.Forged && !about.click.Elsewhere) {
		v.creator, v.program = about.owner, about.under
	}
	if won == nil {
		v.reason = reason
		return v
	}
	if unpaid {
		v.reason = "awaiting_payment"
		return v
	}
	v.credited, v.direct, v.price = true, q.direct(*won), q.price(*won)
	v.volume = v.kind == "offsite" && !v.contract && len(m.Volumes) > 0
	v.reason = q.standsAgainst(*won)
	switch {
	case v.reason != "":
	case v.excluded:
		v.reason = "excluded_product"
	case v.final == 0:
		v.reason = "rate_zero"
	case l.Net == 0:
		v.reason = "zero_price"
	case commission(l.Net, v.final, v.limit, l.Quantity) == 0:
		v.reason = "rounds_to_zero"
	}
	return v
}

// isPaid tells whether an order was paid, in time.
func (m *market) isPaid(o *order) bool {
	return o.paid != 0 && o.paid <= o.at+m.lapse()
}

// weigh brings a line to its amounts.
func (m *market) weigh(l *line) {
	v := l.verdict
	g := l.fold(v.ordered, m.lapse(), m.now)
	months, bases, laidOut := l.months, l.bases, l.laidOut
	l.outcome = outcome{verdict: v, why: v.reason}
	defer func() {
		if l.laidOut = fmt.Sprint(len(l.events), g, v, l.finding); l.laidOut == laidOut {
			l.months, l.bases = months, bases
		}
	}()
	if l.finding != "" && v.credited && slices.Contains([]string{"", "rate_zero", "zero_price", "rounds_to_zero"}, v.reason) {
		l.why = "policy_violation" // it comes before these
	}
	if v.seller != "" {
		l.feeDue = max(part(g.base, v.fee, wholeRate), v.feeLeast*g.keptShipped())
	}
	if l.why != "" {
		l.months, l.bases = m.layOut(l, v, months, nothing), m.layOut(l, v, bases, nothing)
		return
	}
	at := func(rate int64) worth {
		return func(amount, units int64) int64 { return commission(amount, rate, v.limit, units) }
	}
	earned, total := at(v.final)(g.base, g.keptShipped()), at(v.final)(g.total, g.keptOrdered(l))
	l.earned, l.pending = earned, max(total-earned, 0)
	plain := at(v.base)(g.base, g.keptShipped())
	l.promoEarned = earned - plain
	l.promoPending = l.pending - (at(v.base)(g.total, g.keptOrdered(l)) - plain)
	l.months = m.layOut(l, v, months, at(v.final))
	if v.volume {
		l.bases = m.layOut(l, v, bases, func(amount, _ int64) int64 { return amount })
	}
	if l.earned+l.pending == 0 {
		l.why = whyNothing(g)
	}
}

// whyNothing says why a line earns nothing any more: the first that applies.
func whyNothing(g goods) string {
	switch {
	case g.total != 0:
		return "rounds_to_zero" // what refunds left of it
	case g.lapsed > 0:
		return "not_fulfilled_in_time"
	case g.cancelled > 0:
		return "cancelled"
	}
	return "returned"
}

// topUp brings what months earn on top to their volume tiers, as long as they are open.
func (m *market) topUp() {
	sums := map[tierKey]int64{}
	for _, o := range m.orders {
		for _, l := range o.lines {
			for month, base := range l.bases {
				sums[tierKey{l.creator, month}] += base
			}
		}
	}
	maps.DeleteFunc(m.tiers, func(key tierKey, _ int64) bool { return m.isOpen(key.month) })
	for key, base := range sums {
		if v := m.volumeIn(key.month); v != nil && m.isOpen(key.month) && v.extra(base) != 0 {
			m.tiers[key] = v.extra(base)
		}
	}
}
