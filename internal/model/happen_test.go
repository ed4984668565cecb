package model

import (
	"fmt"
	"slices"
)

// What happens in a random marketplace: orders and what becomes of them, in the order in which they are reported; the clock;
// and what people decide.

// generate makes the tale of a seed.
func generate(seed uint64) *Tale { return newTeller(seed).tell() }

func (r *teller) tell() *Tale {
	r.program()
	events := r.events()
	if r.once(2) {
		r.arrive(events)
	} else {
		r.arriveLater(events)
	}
	if !r.plain && r.once(3) {
		r.interfere()
	}
	if !r.plain && r.once(3) { // told up to somewhere in the middle
		r.tale.Steps = r.tale.Steps[:1+r.IntN(len(r.tale.Steps))]
	}
	return r.tale
}

func (r *teller) events() (events []Event) {
	for n := range 1 + r.IntN(9) {
		order := fmt.Sprint("o", n)
		placed := r.order(order, n)
		events = append(events, placed...)
		if r.p.Policy.AwaitPayment && !r.once(5) {
			events = append(events, Event{ID: r.next("e"), Type: "order.paid", Order: order,
				At: placed[0].At + pick(r, []instant{0, 1, hour, 3 * day})})
		}
		lines := map[string]bool{}
		for _, e := range placed {
			for _, l := range e.Placed.Lines {
				if !lines[l.ID] {
					lines[l.ID] = true
					events = append(events, r.goods(order, l, e.At)...)
				}
			}
		}
	}
	return events
}

// order makes up one or more order.placed of one order.
func (r *teller) order(id string, n int) (events []Event) {
	browser, when := r.IntN(len(r.shoppers)), r.when()
	session := int64(instant(r.p.Policy.SessionHours) * hour)
	if r.calm { // soon after a click of its own
		c := r.p.Clicks[n%len(r.p.Clicks)]
		browser, when = c.Number%len(r.shoppers), c.At+instant(r.Int64N(session/2))
	} else if !r.once(4) {
		browser = pick(r, r.p.Clicks).Number % len(r.shoppers)
	}
	if own := r.clicksOf(browser); !r.calm && len(own) > 0 && !r.once(4) { // not long after a click
		when = pick(r, own).At + instant(r.Int64N(session*5/4))
	}
	r.instants = append(r.instants, when)
	shopper := r.shoppers[browser]
	var lines []Line
	for i := range 1 + r.IntN(3) {
		lines = append(lines, r.line(fmt.Sprint(i+1), when, browser))
	}
	var coupons []string
	for _, c := range r.p.Coupons {
		if r.once(8) {
			coupons = append(coupons, c.Code)
		}
	}
	if r.once(10) {
		coupons = append(coupons, "NOBODY")
	}
	r.Shuffle(len(coupons), func(i, j int) { coupons[i], coupons[j] = coupons[j], coupons[i] })
	placed := func(at instant, lines []Line) {
		events = append(events, Event{ID: r.next("e"), Type: "order.placed", Order: id, At: at,
			Placed: &Placed{Coupons: coupons, Shopper: shopper, Lines: lines}})
	}
	placed(when, lines)
	if r.once(4) { // further lines
		more := r.line("more", when, browser)
		placed(when+pick(r, []instant{0, 1, hour, 2 * day}), []Line{more})
	}
	if r.once(6) { // the same lines once more, under another id
		placed(when+pick(r, []instant{0, 1, hour}), lines[:1+r.IntN(len(lines))])
	}
	if !r.plain && r.once(12) { // contradicted
		changed := lines[0]
		changed.Net++
		placed(when+hour, []Line{changed})
	}
	return events
}

// clicksOf gives the clicks of one browser.
func (r *teller) clicksOf(browser int) (own []Click) {
	for _, c := range r.p.Clicks {
		if c.Number%len(r.shoppers) == browser {
			own = append(own, c)
		}
	}
	return own
}

func (r *teller) line(id string, ordered instant, browser int) Line {
	l := Line{ID: id, SKU: pick(r, skus), Quantity: 1 + r.Int64N(6), Digital: r.once(6)}
	switch r.IntN(20) {
	case 0:
		l.Net = 0
	case 1, 2:
		l.Net = r.Int64N(50)
	case 3:
		l.Net = r.Int64N(200_000_000) // times what TestScaledExactly takes it is within what may be
		if !r.plain {
			l.Net = r.Int64N(1_000_000_000_000_000)
		}
	default:
		l.Net = r.Int64N(20_000)
	}
	if r.once(2) {
		l.Category = pick(r, categories)
	}
	if r.once(4) {
		l.Seller = pick(r, sellers)
	}
	for _, c := range r.p.Clicks {
		own := c.Number%len(r.shoppers) == browser || r.once(12) // now and then somebody else's
		if len(l.Clicks) < 10 && (own && c.At <= ordered && (r.calm || !r.once(4)) || r.once(60)) {
			l.Clicks = append(l.Clicks, c.Number)
		}
	}
	for r.once(15) {
		l.Imported = append(l.Imported, Click{Number: len(l.Imported) + 1, Creator: r.IntN(len(r.p.Creators) + 1), Program: 1,
			At: ordered - instant(r.Int64N(int64(3*day))), Imported: true})
	}
	r.Shuffle(len(l.Clicks), func(i, j int) { l.Clicks[i], l.Clicks[j] = l.Clicks[j], l.Clicks[i] })
	if r.once(2) && (!r.calm || r.once(2)) {
		l.Added = ordered - pick(r, []instant{0, 1, hour, 5 * hour, day, 3 * day, 30 * day, instant(r.p.Policy.CartDays) * day})
		if len(l.Clicks) > 0 && (r.calm || !r.once(4)) { // in the session of a click
			session := int64(instant(r.p.Policy.SessionHours) * hour)
			l.Added = min(ordered, r.p.Clicks[pick(r, l.Clicks)-1].At+instant(r.Int64N(session)))
		}
	}
	return l
}

// goods makes up what becomes of a line's units: mostly what can be, now and then what contradicts.
func (r *teller) goods(order string, l Line, placed instant) (events []Event) {
	add := func(kind string, units int64, amount *int64) {
		e := Event{ID: r.next("e"), Type: "line." + kind, Order: order, Line: l.ID, Quantity: units, Amount: amount,
			At: placed + instant(r.Int64N(int64(r.span)))}
		if !r.once(6) {
			e.At = placed + instant(r.Int64N(int64(min(r.span, instant(r.p.Policy.LapseDays)*day))))
		} else if r.once(2) {
			e.At = placed + pick(r, []instant{0, instant(r.p.Policy.LapseDays) * day, instant(r.p.Policy.LapseDays)*day + 1})
		}
		r.instants = append(r.instants, e.At)
		events = append(events, e)
	}
	left, shipped := l.Quantity, int64(0)
	if l.Digital {
		left, shipped = 0, l.Quantity
	}
	for left > 0 && !r.once(4) {
		units := 1 + r.Int64N(left)
		left -= units
		if r.once(5) {
			add("cancelled", units, nil)
		} else {
			add("shipped", units, nil)
			shipped += units
		}
	}
	paid := l.Net * shipped / l.Quantity // what may be given back
	for shipped > 0 && r.once(2) {
		units := 1 + r.Int64N(shipped)
		shipped -= units
		if r.once(3) {
			amount := r.Int64N(paid + 1)
			paid -= amount
			add("returned", units, &amount)
		} else {
			cost := part(l.Net, units, l.Quantity) + 1
			if r.plain && cost > paid {
				break
			}
			paid -= min(paid, cost)
			add("returned", units, nil)
		}
	}
	if paid > 0 && r.once(5) {
		amount := 1 + r.Int64N(paid)
		add("refunded", 0, &amount)
	}
	if !r.plain && r.once(8) { // one more than there may be
		add(pick(r, []string{"shipped", "cancelled", "returned"}), 1+r.Int64N(l.Quantity), nil)
	}
	return events
}

// repeat lets some events come more than once.
func (r *teller) repeat(events []Event) []Event {
	for _, e := range events {
		for r.once(4) {
			events = append(events, e)
		}
		if !r.plain && r.once(60) { // under the same id, something else
			e.At++
			events = append(events, e)
		}
	}
	return events
}

// arrive reports everything at one instant, after all has happened.
func (r *teller) arrive(events []Event) {
	last := r.tale.Begin
	for _, e := range events {
		last = max(last, e.At)
	}
	switch r.IntN(6) {
	case 0, 1:
		last += r.lull()
	case 2: // clocks of honest stores may be ahead
		last -= instant(r.Int64N(int64(20 * hour)))
	}
	r.tale.Steps = append(r.tale.Steps, Step{Clock: max(last, r.tale.Begin)})
	r.inGroups(r.repeat(events))
}

func (r *teller) lull() instant { return instant(r.Int64N(int64(100 * day))) }

// inGroups reports events in several requests, in some order.
func (r *teller) inGroups(events []Event) {
	if r.once(3) {
		slices.SortStableFunc(events, func(a, b Event) int { return int(a.At - b.At) })
	} else {
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	}
	for len(events) > 0 {
		n := 1 + r.IntN(min(len(events), pick(r, []int{1, 4, 1000})))
		r.tale.Steps = append(r.tale.Steps, Step{Events: events[:n]})
		events = events[n:]
	}
}

// arriveLater reports each event when the clock has passed it, soon or late, and lets the clock run on.
func (r *teller) arriveLater(events []Event) {
	due := map[instant][]Event{}
	var stops []instant
	for range 1 + r.IntN(6) {
		stops = append(stops, r.tale.Begin+instant(r.Int64N(int64(2*r.span+90*day))))
	}
	m := newMarket(*r.p, r.tale.Begin)
	for _, e := range events {
		stops = append(stops, e.At)
		if r.once(6) { // just when the month of an event closes, or the time to ship ends
			edge := pick(r, []instant{m.payable(m.monthOf(e.At)), e.At + m.lapse()})
			stops = append(stops, edge+pick(r, []instant{-1, 0, 1}))
		}
	}
	slices.Sort(stops)
	stops = append(stops, stops[len(stops)-1]+r.lull())
	for _, e := range r.repeat(events) {
		first, _ := slices.BinarySearch(stops, e.At)
		if r.once(3) {
			first += r.IntN(len(stops) - first)
		}
		due[stops[first]] = append(due[stops[first]], e)
	}
	for _, stop := range slices.Compact(slices.Clone(stops)) {
		if stop >= r.tale.Begin {
			r.tale.Steps = append(r.tale.Steps, Step{Clock: stop, Idle: r.once(4)})
		}
		r.inGroups(due[stop])
	}
	if r.once(2) {
		until := instant(r.p.Policy.LapseDays+r.p.Policy.HoldDays+40) * day
		r.tale.Steps = append(r.tale.Steps, Step{Clock: stops[len(stops)-1] + until})
	}
}

// interfere lets people find clicks invalid and lines in breach, and take that back, between the steps.
func (r *teller) interfere() {
	m := newMarket(*r.p, r.tale.Begin)
	var steps []Step
	decide := func(s Step) {
		steps = append(steps, s)
		m.live([]Step{s})
	}
	for _, s := range r.tale.Steps {
		decide(s)
		var known, breached []string
		for _, o := range m.orders {
			for _, l := range o.lines {
				known = append(known, o.id+"/"+l.ID)
				if l.finding != "" {
					breached = append(breached, o.id+"/"+l.ID)
				}
			}
		}
		if r.once(25) {
			decide(Step{Invalid: []int{pick(r, r.p.Clicks).Number}})
		}
		if len(known) > 0 && r.once(5) {
			decide(Step{Disqualify: []string{pick(r, known)}})
		}
		if len(breached) > 0 && r.once(4) {
			decide(Step{Reinstate: []string{pick(r, breached)}})
		}
	}
	r.tale.Steps = steps
}
