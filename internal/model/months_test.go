package model

import (
	"cmp"
	"slices"
	"time"
)

// In which months an earned commission stands (§10).

func (m *market) monthOf(when instant) string { return when.time().In(m.zone).Format("2006-01") }

// payable is 00:00 of the payable date of a month: from then on it is closed.
func (m *market) payable(month string) instant {
	first, err := time.ParseInLocation("2006-01", month, m.zone)
	if err != nil {
		panic(err)
	}
	return at(time.Date(first.Year(), first.Month()+1, m.Policy.HoldDays, 0, 0, 0, 0, m.zone))
}

func (m *market) isOpen(month string) bool { return m.now < m.payable(month) }

// booking is the month of an event that is acknowledged now.
func (m *market) booking(happened instant) string {
	if month := m.monthOf(happened); m.isOpen(month) {
		return month
	}
	return m.monthOf(m.now)
}

// worth is what an amount and a number of units come to: a commission, or for volume tiers the amount itself.
type worth func(amount, units int64) int64

// nothing is what a line is worth that has a reason to earn nothing.
func nothing(_, _ int64) int64 { return 0 }

// layOut lays what a line has earned out over months. stood is how it lay before; what closed months hold of that stands.
func (m *market) layOut(l *line, v verdict, stood map[string]int64, w worth) map[string]int64 {
	g := l.fold(v.ordered, m.lapse(), m.now)
	months := map[string]int64{}
	rest := w(g.base, g.keptShipped())
	for month, amount := range stood {
		if !m.isOpen(month) {
			months[month] = amount
			rest -= amount
		}
	}
	switch {
	case l.why != "" && l.finding != "" && m.isOpen(l.finding):
		months[l.finding] += rest // a finding takes everything back in its own month
	case l.why != "":
		months[m.monthOf(m.now)] += rest
	case rest < 0:
		m.takeBack(l, v, rest, months, w)
	default:
		m.spread(m.shipments(l, v, g, w), rest, months)
	}
	for month, amount := range months {
		if amount == 0 {
			delete(months, month)
		}
	}
	return months
}

// share is what a month's shipments have earned.
type share struct {
	month  string
	earned int64
}

// shipments gives the months of shipment, oldest first, with what each has earned, as if all were open. Reductions come off
// the newest first: so the oldest shipments are those that still hold the base.
func (m *market) shipments(l *line, v verdict, g goods, w worth) (shares []share) {
	units := map[string]int64{}
	if l.Digital {
		units[l.month] += l.Quantity
	}
	for _, e := range l.events {
		if e.Type == "line.shipped" && e.At <= v.ordered+m.lapse() {
			units[e.month] += e.Quantity
		}
	}
	var months []string
	for month := range units {
		months = append(months, month)
	}
	slices.Sort(months)
	through, before := int64(0), int64(0)
	for _, month := range months {
		through += units[month]
		earned := w(min(part(l.Net, through, l.Quantity), g.base), min(through, g.keptShipped()))
		shares = append(shares, share{month, earned - before})
		before = earned
	}
	return shares
}

// spread puts the rest into the open months. Where closed months hold more than their share, the newest open ones give way;
// where they hold less, the oldest open one takes it, and where none is open, the present month.
func (m *market) spread(shares []share, rest int64, months map[string]int64) {
	shares = slices.DeleteFunc(shares, func(s share) bool { return !m.isOpen(s.month) })
	if len(shares) == 0 {
		shares = []share{{m.monthOf(m.now), 0}}
	}
	sum := int64(0)
	for _, s := range shares {
		sum += s.earned
	}
	for i := len(shares) - 1; i >= 0 && sum > rest; i-- {
		less := min(shares[i].earned, sum-rest)
		shares[i].earned -= less
		sum -= less
	}
	shares[0].earned += rest - sum
	for _, s := range shares {
		months[s.month] += s.earned
	}
}

// takeBack splits a rest below zero over the reductions that caused it, oldest first, each in its booking month. What was
// booked in a month that has closed since stays there.
func (m *market) takeBack(l *line, v verdict, rest int64, months map[string]int64, w worth) {
	var reductions, others []happening
	for _, e := range l.events {
		if e.Type == "line.returned" || e.Type == "line.refunded" {
			reductions = append(reductions, e)
		} else {
			others = append(others, e)
		}
	}
	slices.SortStableFunc(reductions, func(a, b happening) int { return cmp.Compare(a.month, b.month) })
	closed := int64(0)
	for _, amount := range months {
		closed += amount
	}
	booked := int64(0)
	for i := range reductions {
		so := &line{Line: l.Line, order: l.order, month: l.month, events: slices.Concat(others, reductions[:i+1])}
		g := so.fold(v.ordered, m.lapse(), m.now)
		below := min(w(g.base, g.keptShipped())-closed, 0)
		if below < booked && m.isOpen(reductions[i].month) {
			months[reductions[i].month] += below - booked
			booked = below
		}
	}
	months[m.monthOf(m.now)] += rest - booked
}
