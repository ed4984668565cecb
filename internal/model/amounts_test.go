package model

import (
	"cmp"
	"math/big"
	"slices"
)

// What a line's goods come to (§2, §6), and what they are worth at a rate.

// part is round(n × a / b), half up: the one rounding rule.
func part(n, a, b int64) int64 {
	twice := new(big.Int).Mul(big.NewInt(2*n), big.NewInt(a))
	twice.Add(twice, big.NewInt(b))
	return twice.Div(twice, big.NewInt(2*b)).Int64() // Div rounds down, also below zero
}

const wholeRate = 10_000

// commission is C(a): the amount at a rate, and no more than the cap for each of the units. Cap 0 is none.
func commission(amount, rate, limit, units int64) int64 {
	c := part(amount, rate, wholeRate)
	if limit != 0 && c > limit*units {
		c = limit * units
	}
	return c
}

// goods is where the units and amounts of a line stand.
type goods struct {
	shipped, cancelled, lapsed, returned, open int64 // units
	givenBack                                  int64 // returned and refunded amounts
	total, base                                int64
}

// fold sums what happened to a line that was ordered at an instant, as of now.
func (l *line) fold(ordered, lapse, now instant) (g goods) {
	last := ordered + lapse // the last instant at which a unit may be shipped
	late := int64(0)
	g.shipped, g.cancelled = l.digitalUnits(), l.count("line.cancelled")
	for _, e := range l.events {
		switch {
		case e.Type == "line.shipped" && e.At <= last:
			g.shipped += e.Quantity
		case e.Type == "line.shipped":
			late += e.Quantity
		}
	}
	g.open = l.Quantity - g.shipped - late - g.cancelled
	if now > last {
		g.lapsed, g.open = g.open+late, 0
	}
	proportional := int64(0)
	for _, e := range l.backOnes(g.shipped + late) {
		g.returned += e.Quantity
		if e.Amount != nil {
			g.givenBack += *e.Amount
		} else {
			proportional += e.Quantity
		}
	}
	for _, e := range l.events {
		if e.Type == "line.refunded" {
			g.givenBack += *e.Amount
		}
	}
	g.givenBack += part(l.Net, proportional, l.Quantity)
	left := part(l.Net, l.Quantity-g.cancelled-g.lapsed, l.Quantity)
	g.total = max(left-g.givenBack, 0)
	g.base = min(max(part(l.Net, g.shipped, l.Quantity)-g.givenBack, 0), g.total)
	if g.open == 0 && g.returned >= g.shipped {
		g.total, g.base = 0, 0
	}
	return g
}

// backOnes gives the returns for which a shipment is known, in the order in which they happened: the others wait for
// theirs, so that it does not matter which came in first.
func (l *line) backOnes(shipped int64) (back []happening) {
	var all []happening
	for _, e := range l.events {
		if e.Type == "line.returned" {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b happening) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Quantity, b.Quantity))
	})
	for _, e := range all {
		if e.Quantity <= shipped {
			shipped -= e.Quantity
			back = append(back, e)
		}
	}
	return back
}

// keptShipped and keptOrdered are the units that a cap counts, for the earned base and for the total.
func (g goods) keptShipped() int64 { return max(g.shipped-g.returned, 0) }

func (g goods) keptOrdered(l *line) int64 {
	return max(l.Quantity-g.cancelled-g.lapsed-g.returned, 0)
}
