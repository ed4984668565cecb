package model

import (
	"slices"
	"strings"
)

// To whom a line is credited, and why to nobody (§5).

// touch is a click, a view, or a coupon that is known for a line.
type touch struct {
	click  *Click  // nil: a coupon
	coupon *Coupon // nil: a click or a view
	at     instant
	owner  int
	under  int // program
}

func (t touch) isView() bool  { return t.click != nil && t.click.View }
func (t touch) isClick() bool { return t.click != nil && !t.click.View }

// later tells which of two touches is the later one: by time; of the same instant a click, then a view, then a coupon;
// then the greater number.
func later(a, b touch) bool {
	rank := func(t touch) int {
		switch {
		case t.isClick():
			return 2
		case t.isView():
			return 1
		}
		return 0
	}
	if a.at != b.at {
		return a.at > b.at
	}
	if rank(a) != rank(b) {
		return rank(a) > rank(b)
	}
	return a.click != nil && b.click != nil && a.click.Number > b.click.Number
}

// question is a line with what its attribution rests on.
type question struct {
	*market
	*line
	ordered instant
	touches []touch
	ends    []instant // of the shopper's other orders that may end a session
}

// activeAt tells whether an enrolment counts as active at an instant.
func (m *market) activeAt(creator, program int, at instant) bool {
	state := ""
	for _, c := range m.Creators {
		for _, e := range c.Enrolments {
			for _, s := range e.Standings {
				if c.Number == creator && e.Program == program && s.Since <= at {
					state = s.State
				}
			}
		}
	}
	switch state {
	case "provisional", "under_review", "active", "warned", "limited":
		return true
	}
	return false
}

// counts tells whether a touch is one at all; otherwise it is as if it had not happened.
func (m *market) counts(t touch) bool {
	c := t.click
	if c != nil && (c.Forged || c.Elsewhere || m.invalid(c) || c.Paid && !m.Policy.PaidEarns) {
		return false
	}
	return m.activeAt(t.owner, t.under, t.at)
}

// invalid tells whether a click was found invalid when it was answered, or since.
func (m *market) invalid(c *Click) bool {
	return c.Invalid || !c.Imported && slices.Contains(m.found, c.Number)
}

func (m *market) clickNumber(number int) *Click {
	for i := range m.Clicks {
		if m.Clicks[i].Number == number {
			return &m.Clicks[i]
		}
	}
	panic("a click that is not in the tale")
}

func touchOf(c *Click) touch { return touch{click: c, at: c.At, owner: c.Creator, under: c.Program} }

// ask gathers what the attribution of a line rests on.
func (m *market) ask(l *line) question {
	q := question{market: m, line: l, ordered: l.order.at}
	known := map[int]bool{}
	add := func(c *Click) {
		if !known[c.Number] {
			known[c.Number] = true
			q.touches = append(q.touches, touchOf(c))
		}
	}
	for _, number := range l.Clicks {
		add(m.clickNumber(number))
	}
	if c := m.customersLast(l.order); c != nil {
		add(c)
	}
	for i := range l.Imported {
		q.touches = append(q.touches, touchOf(&l.Imported[i]))
	}
	for _, code := range l.coupons {
		for i := range m.Coupons {
			c := &m.Coupons[i]
			stands := c.Since <= q.ordered && (c.Until == 0 || q.ordered < c.Until)
			if strings.EqualFold(c.Code, code) && stands {
				q.touches = append(q.touches, touch{coupon: c, at: q.ordered, owner: c.Creator, under: c.Program})
			}
		}
	}
	for _, other := range m.orders {
		if other != l.order && m.isPaid(other) && other.physical() && other.at < q.ordered && m.sameShopper(other, l.order) {
			q.ends = append(q.ends, other.at)
		}
	}
	return q
}

// customersLast is the last counting click of the signed-in customer, up to the order.
func (m *market) customersLast(o *order) *Click {
	if o.shopper == nil || o.shopper.Customer == "" {
		return nil
	}
	var last *Click
	for _, b := range m.Bound {
		c := m.clickNumber(b.Click)
		counts := b.Customer == o.shopper.Customer && c.At <= o.at && m.counts(touchOf(c))
		if counts && (last == nil || later(touchOf(c), touchOf(last))) {
			last = c
		}
	}
	return last
}

func (o *order) physical() bool {
	for _, l := range o.lines {
		if !l.Digital {
			return true
		}
	}
	return false
}

// identity is the shopper's own name: the signed-in customer, else the e-mail; empty where neither is known.
func (o *order) identity() string {
	switch {
	case o.shopper == nil:
		return ""
	case o.shopper.Customer != "":
		return "customer " + o.shopper.Customer
	case o.shopper.Email != "":
		return "email " + o.shopper.Email
	}
	return ""
}

// sameShopper tells whether two orders share a click that both present, or the shopper's own name.
func (m *market) sameShopper(a, b *order) bool {
	if a.identity() != "" && a.identity() == b.identity() {
		return true
	}
	for _, l := range a.lines {
		for _, other := range b.lines {
			for _, x := range l.Clicks {
				for _, y := range other.Clicks {
					if c := m.clickNumber(x); x == y && !c.Forged && !c.Elsewhere {
						return true
					}
				}
			}
		}
	}
	return false
}

// inScope tells whether a touch is one for this line: a view must have lasted, and competes only within its scope.
func (q question) inScope(t touch) bool {
	if !t.isView() || t.click.Forged || t.click.Elsewhere {
		return true
	}
	if t.click.Seconds < int64(q.Policy.ViewSeconds) {
		return false
	}
	seen, bought := q.product(t.click.Product), q.product(q.SKU)
	switch q.Policy.ViewScope {
	case "category":
		return seen.Category == q.category(q.line) && seen.Category != ""
	case "variation":
		return seen.SKU == bought.SKU || seen.Parent != "" && seen.Parent == bought.Parent
	}
	return seen.SKU == bought.SKU
}

// sessionEnd gives when the session of a click or view ended for this line, and by what. The 24 h include their last
// instant; what an order or another creator's click ended is over from its own instant on.
func (q question) sessionEnd(t touch) (end instant, why string) {
	end, why = t.at+instant(q.Policy.SessionHours)*hour, "expired"
	for _, other := range q.touches {
		if other.isClick() && q.counts(other) && other.owner != t.owner && later(other, t) && other.at <= end {
			end, why = other.at, "superseded"
		}
	}
	for _, order := range q.ends {
		if order > t.at && order <= end {
			end, why = order, "session_ended"
		}
	}
	return end, why
}

func (q question) inSession(t touch, when instant) bool {
	end, why := q.sessionEnd(t)
	return when >= t.at && (when < end || when == end && why == "expired")
}

// byCart tells whether the line is judged by its add to the cart: where that is known, but for digital lines.
func (q question) byCart() bool { return q.Added != 0 && !q.Digital }

// entered is when the line was chosen.
func (q question) entered() instant {
	if q.byCart() {
		return q.Added
	}
	return q.ordered
}

func (q question) cartEnd(t touch) instant { return t.at + instant(q.Policy.CartDays)*day }

// qualifies tells whether a click or view may win the line.
func (q question) qualifies(t touch) bool {
	return t.coupon == nil && q.inScope(t) && q.counts(t) && q.activeAt(t.owner, t.under, q.ordered) &&
		q.inSession(t, q.entered()) && (!q.byCart() || q.ordered <= q.cartEnd(t))
}

// whyNot names the first reason that stands against a touch.
func (q question) whyNot(t touch) string {
	c := t.click
	switch {
	case c != nil && c.Forged:
		return "bad_token"
	case c != nil && c.Elsewhere:
		return "wrong_marketplace"
	case c != nil && q.invalid(c):
		return "invalid_traffic"
	case c != nil && c.Paid && !q.Policy.PaidEarns:
		return "paid_ad"
	case !q.activeAt(t.owner, t.under, t.at) || !q.activeAt(t.owner, t.under, q.ordered):
		return "enrolment_not_active"
	case q.entered() < t.at:
		return "in_cart_before_click"
	case q.inSession(t, q.entered()):
		return "expired" // chosen in the session, ordered after 89 days
	}
	_, why := q.sessionEnd(t)
	return why
}

// winner gives the touch to which the line is credited; or none, with the touch that the reason speaks of.
func (q question) winner() (won, about *touch, reason string) {
	var latest *touch // qualifying click or view
	var coupon *touch // the first with an active owner
	var last *touch   // of all
	forged := func(t *touch) bool { return t.click != nil && t.click.Forged }
	for i := range q.touches {
		t := &q.touches[i]
		if q.qualifies(*t) && (latest == nil || later(*t, *latest)) {
			latest = t
		}
		if t.coupon != nil && coupon == nil && q.activeAt(t.owner, t.under, q.ordered) {
			coupon = t
		}
		// A token that cannot be read counts only if there is nothing else.
		if q.inScope(*t) && (last == nil || forged(last) && !forged(t) || forged(last) == forged(t) && later(*t, *last)) {
			last = t
		}
	}
	switch {
	case coupon != nil && (q.Policy.CouponsFirst || latest == nil):
		return coupon, coupon, ""
	case latest != nil:
		return latest, latest, ""
	case last == nil:
		return nil, nil, "no_touch"
	}
	return nil, last, q.whyNot(*last)
}

// standsAgainst judges the shopper for the winner alone.
func (q question) standsAgainst(won touch) string {
	s := q.line.order.shopper
	if s == nil {
		return ""
	}
	var own Facts
	for _, c := range q.Creators {
		if c.Number == won.owner {
			own = c.Facts
		}
	}
	same := func(a, b string) bool { return a != "" && a == b }
	used := func(f func(Facts) string) bool { // in the creator's own account at the store
		for _, o := range q.orders {
			mine := learnsFacts && o.shopper != nil && same(o.shopper.Customer, own.Customer)
			if mine && same(f(o.shopper.Facts), f(s.Facts)) {
				return true
			}
		}
		return false
	}
	switch {
	case same(s.Customer, own.Customer), same(s.Email, own.Email), same(s.Payment, own.Payment), same(s.Device, own.Device),
		used(func(f Facts) string { return f.Payment }), used(func(f Facts) string { return f.Device }):
		return "self_purchase"
	case same(s.Address, own.Address), same(s.Household, own.Household):
		return "related_buyer"
	case q.Policy.BusinessOut && s.Business:
		return "resale"
	case q.line.order.identity() != "" && q.Policy.ResaleUnits > 0 && q.unitsOfShopper() > int64(q.Policy.ResaleUnits):
		return "resale"
	}
	return ""
}

// unitsOfShopper counts what the shopper ordered of this sku in the window up to and including this order.
func (q question) unitsOfShopper() (units int64) {
	from := q.ordered - instant(q.Policy.ResaleDays)*day
	for _, o := range q.orders {
		if o.identity() != q.line.order.identity() || o.at < from || o.at > q.ordered {
			continue
		}
		for _, l := range o.lines {
			if l.SKU == q.SKU {
				units += l.Quantity
			}
		}
	}
	return units
}

// direct tells whether what was bought is of the category that was landed on.
func (q question) direct(t touch) bool {
	if t.click == nil {
		return false
	}
	landed := t.click.Category
	if t.click.Product != "" {
		landed = q.product(t.click.Product).Category
	}
	return landed == q.category(q.line) && landed != ""
}
