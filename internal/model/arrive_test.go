package model

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// What happens when an event comes in (§6, §11): it is taken, it waits, it is a duplicate, or it is refused.

// market is what the model remembers: what was acknowledged, in that order, and what closed months hold.
type market struct {
	Program
	now    instant
	zone   *time.Location
	known  map[string]string // content of acknowledged events by id
	orders []*order
	early  []happening // waits for its order or line
	tiers  map[tierKey]int64
	drops  int   // events that waited and contradicted what came
	found  []int // clicks that were found invalid after they were answered
}

// order is an order as far as it is known. Its time is that of its earliest order.placed.
type order struct {
	id      string
	at      instant
	paid    instant // 0: not yet
	shopper *Shopper
	lines   []*line
}

// line is a line of an order, with what happened to it, in order of acknowledgement.
type line struct {
	Line
	order   *order
	coupons []string // of the order.placed that brought it
	month   string   // booking month of that, which is when a digital line ships
	events  []happening
	finding string // month in which it was found in breach of the policy
	outcome
}

// happening is an event with its booking month, fixed when it was first acknowledged.
type happening struct {
	Event
	month    string
	received instant
}

func newMarket(p Program, begin instant) *market {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		panic(err)
	}
	return &market{Program: p, now: begin, zone: zone, known: map[string]string{}, tiers: map[tierKey]int64{}}
}

// live goes through the steps of a tale and gives the fate of each event. At the end what is due runs.
func (m *market) live(steps []Step) (fates []string) {
	for _, step := range steps {
		m.pass(max(m.now, step.Clock), step.Idle || step.Clock == 0)
		for _, e := range step.Events {
			fates = append(fates, m.take(e))
		}
		m.found = append(m.found, step.Invalid...)
		for _, name := range step.Disqualify {
			if l := m.line(name); l.finding == "" {
				l.finding = m.monthOf(m.now)
			}
		}
		for _, name := range step.Reinstate {
			m.line(name).finding = ""
		}
		m.settle()
	}
	m.pass(m.now, false)
	return fates
}

// contradicted tells whether anything in a tale contradicts something else.
func (t *Tale) contradicted() bool {
	m := newMarket(t.Program, t.Begin)
	fates := m.live(t.Steps)
	return m.drops > 0 || slices.ContainsFunc(fates, func(fate string) bool { return strings.HasPrefix(fate, "refused") })
}

func (m *market) line(name string) *line {
	order, line, _ := strings.Cut(name, "/")
	return m.order(order).line(line)
}

// pass moves the clock. What waited for more than 180 days is dropped, once somebody looks after it.
func (m *market) pass(to instant, idle bool) {
	if m.now = to; !idle {
		m.early = slices.DeleteFunc(m.early, func(h happening) bool { return h.received < m.now-180*day })
	}
	m.settle()
}

// content tells whether two events of one id are the same: all that they say, but for the shopper.
func content(e Event) string {
	if e.Placed != nil {
		bare := *e.Placed
		bare.Shopper = nil
		e.Placed = &bare
	}
	raw, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func (m *market) take(e Event) string {
	if before, again := m.known[e.ID]; again {
		if before == content(e) {
			return "duplicate"
		}
		return "refused id_reused"
	}
	fate := ""
	switch e.Type {
	case "order.placed":
		fate = m.placed(e)
	default:
		fate = m.happened(happening{e, m.booking(e.At), m.now})
	}
	if fate == "refused order_changed" || fate == "refused more_than_ordered" || fate == "refused more_returned_than_shipped" ||
		fate == "refused more_given_back_than_paid" {
		return fate
	}
	m.known[e.ID] = content(e)
	return fate
}

func (m *market) order(id string) *order {
	for _, o := range m.orders {
		if o.id == id {
			return o
		}
	}
	return nil
}

func (o *order) line(id string) *line {
	for _, l := range o.lines {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// placed takes an order, or adds lines to one.
func (m *market) placed(e Event) string {
	o := m.order(e.Order)
	if o == nil {
		o = &order{id: e.Order, at: e.At}
		m.orders = append(m.orders, o)
	} else {
		news := e.At < o.at
		for _, sent := range e.Placed.Lines {
			known := o.line(sent.ID)
			if known != nil && !sameLine(known.Line, sent) {
				return "refused order_changed"
			}
			news = news || known == nil
		}
		if !news {
			return "duplicate"
		}
	}
	o.at = min(o.at, e.At)
	if o.shopper == nil {
		o.shopper = e.Placed.Shopper
	}
	if !m.Policy.AwaitPayment {
		o.paid = o.at
	}
	for _, sent := range e.Placed.Lines {
		if o.line(sent.ID) == nil {
			o.lines = append(o.lines, &line{Line: sent, order: o, coupons: e.Placed.Coupons, month: m.booking(e.At)})
		}
	}
	// What waited for this comes now, oldest acknowledgement first. What contradicts it after all is dropped.
	waited := m.early
	m.early = nil
	for _, h := range waited {
		if strings.HasPrefix(m.happened(h), "refused") {
			m.drops++
		}
	}
	return "accepted"
}

func sameLine(a, b Line) bool {
	return content(Event{Placed: &Placed{Lines: []Line{a}}}) == content(Event{Placed: &Placed{Lines: []Line{b}}})
}

// happened takes what happened to a line, or the payment of an order.
func (m *market) happened(h happening) string {
	o := m.order(h.Order)
	if o != nil && h.Type == "order.paid" {
		if o.paid == 0 {
			o.paid = h.At
		}
		return "accepted"
	}
	if o == nil || o.line(h.Line) == nil {
		m.early = append(m.early, h)
		return "waiting order_not_known"
	}
	l := o.line(h.Line)
	if why := l.contradicts(h); why != "" {
		return "refused " + why
	}
	l.events = append(l.events, h)
	if h.Type == "line.returned" && l.count("line.returned") > l.count("line.shipped")+l.digitalUnits() {
		return "waiting return_before_shipment"
	}
	return "accepted"
}

// contradicts tells what an event would break, together with all that is acknowledged. What may still come true, such as a
// return ahead of its shipment, breaks nothing.
func (l *line) contradicts(h happening) string {
	with := &line{Line: l.Line, order: l.order, events: append(slices.Clone(l.events), h)}
	cancelled := with.count("line.cancelled")
	if with.digitalUnits()+with.count("line.shipped")+cancelled > l.Quantity {
		return "more_than_ordered"
	}
	if with.count("line.returned") > l.Quantity-cancelled {
		return "more_returned_than_shipped"
	}
	back, units := int64(0), int64(0)
	for _, e := range with.events {
		switch {
		case e.Amount != nil:
			back += *e.Amount
		case e.Type == "line.returned":
			units += e.Quantity
		}
	}
	if back+part(l.Net, units, l.Quantity) > l.Net {
		return "more_given_back_than_paid"
	}
	return ""
}

// count gives the units of all events of a type.
func (l *line) count(kind string) (units int64) {
	for _, e := range l.events {
		if e.Type == kind {
			units += e.Quantity
		}
	}
	return units
}

// digitalUnits are shipped when the order is placed.
func (l *line) digitalUnits() int64 {
	if l.Digital {
		return l.Quantity
	}
	return 0
}
