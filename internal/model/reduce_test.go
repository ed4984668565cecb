package model

import (
	"encoding/json"
	"slices"
)

// reduce leaves out of a tale whatever is not needed for model and engine to differ: it tries to do without each part in
// turn, until nothing more can go.
func (es *engines) reduce(tale *Tale) *Tale {
	differ := func(t *Tale) (yes bool) {
		defer func() {
			if recover() != nil {
				yes = false // a tale that tells of what is not there is no tale
			}
		}()
		found, _ := es.compare(t)
		return len(found) > 0
	}
	for budget := 1500; budget > 0; {
		smaller := false
		for i := 0; budget > 0; i++ {
			shorter := tale.without(i)
			if shorter == nil {
				break
			}
			budget--
			if differ(shorter) {
				tale, smaller = shorter, true
				i--
			}
		}
		if !smaller {
			break
		}
	}
	return tale
}

// copy is a tale of its own.
func (t *Tale) copy() *Tale {
	raw, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	var own Tale
	if err := json.Unmarshal(raw, &own); err != nil {
		panic(err)
	}
	return &own
}

// without gives the tale without its i-th part; nil where it has no more.
func (t *Tale) without(i int) *Tale {
	own := t.copy()
	p := &own.Program
	for _, cut := range []func(*int) bool{
		func(i *int) bool { return drop(&own.Steps, i) },
		func(i *int) bool { return dropEach(own.Steps, func(s *Step) bool { return drop(&s.Events, i) }) },
		func(i *int) bool {
			return dropEach(own.Steps, func(s *Step) bool {
				return dropEach(s.Events, func(e *Event) bool {
					if e.Placed == nil {
						return false
					}
					return len(e.Placed.Lines) > 1 && drop(&e.Placed.Lines, i) || drop(&e.Placed.Coupons, i) ||
						simpler(e.Placed, i)
				})
			})
		},
		func(i *int) bool { return drop(&p.Promotions, i) || drop(&p.Contracts, i) || drop(&p.Volumes, i) },
		func(i *int) bool { return drop(&p.Bound, i) || drop(&p.Coupons, i) || drop(&p.Products, i) },
		func(i *int) bool { return drop(&p.Cards, i) },
		func(i *int) bool { return dropEach(p.Cards, func(c *Card) bool { return drop(&c.Entries, i) }) },
		func(i *int) bool { return drop(&p.Creators, i) },
		func(i *int) bool {
			return dropEach(p.Creators, func(c *Creator) bool {
				return drop(&c.Enrolments, i) || c.Facts != (Facts{}) && change(i, func() { c.Facts = Facts{} })
			})
		},
		func(i *int) bool { return own.unused(i) },
		func(i *int) bool { return own.plainPolicy(i) },
	} {
		if cut(&i) {
			return own
		}
	}
	return nil
}

// drop takes the i-th of a list out; where the list is shorter, it takes its length off i.
func drop[T any](list *[]T, i *int) bool {
	if *i >= len(*list) {
		*i -= len(*list)
		return false
	}
	*list = slices.Delete(*list, *i, *i+1)
	return true
}

func dropEach[T any](list []T, cut func(*T) bool) bool {
	for i := range list {
		if cut(&list[i]) {
			return true
		}
	}
	return false
}

// change counts as one part.
func change(i *int, do func()) bool {
	if *i > 0 {
		*i--
		return false
	}
	do()
	return true
}

// simpler takes facts off an order.
func simpler(p *Placed, i *int) bool {
	if p.Shopper != nil && change(i, func() { p.Shopper = nil }) {
		return true
	}
	for n := range p.Lines {
		l := &p.Lines[n]
		if drop(&l.Clicks, i) || drop(&l.Imported, i) || l.Added != 0 && change(i, func() { l.Added = 0 }) ||
			l.Seller != "" && change(i, func() { l.Seller = "" }) ||
			l.Category != "" && change(i, func() { l.Category = "" }) || l.Digital && change(i, func() { l.Digital = false }) {
			return true
		}
	}
	return false
}

// unused takes out a click that nobody presents.
func (t *Tale) unused(i *int) bool {
	used := map[int]bool{}
	for _, e := range t.events() {
		if e.Placed != nil {
			for _, l := range e.Placed.Lines {
				for _, number := range l.Clicks {
					used[number] = true
				}
			}
		}
	}
	for _, b := range t.Program.Bound {
		used[b.Click] = true
	}
	for n, c := range t.Program.Clicks {
		if !used[c.Number] && change(i, func() { t.Program.Clicks = slices.Delete(t.Program.Clicks, n, n+1) }) {
			return true
		}
	}
	return false
}

// plainPolicy takes one choice of the policy back to what is shipped.
func (t *Tale) plainPolicy(i *int) bool {
	p := &t.Program.Policy
	for _, off := range []*bool{&p.AwaitPayment, &p.PaidEarns, &p.BusinessOut, &p.CouponsFirst} {
		if *off && change(i, func() { *off = false }) {
			return true
		}
	}
	return p.ResaleUnits != 0 && change(i, func() { p.ResaleUnits = 0 }) ||
		p.RateAt != "order" && change(i, func() { p.RateAt = "order" }) ||
		p.ViewScope != "product" && change(i, func() { p.ViewScope = "product" }) ||
		t.Program.Zone != "UTC" && change(i, func() { t.Program.Zone = "UTC" })
}
