package accrual

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"tributary/internal/attribution"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/shopper"
)

// found is what the database says about what the new lines speak of: a few reads, each for the whole group.
type found struct {
	tokens    map[*line][]attribution.Touch
	standings map[enrolment.Key]enrolment.History
	products  map[string]product.Product
	landed    map[int64]product.Landing // products landed on
	coupons   map[string]link.Coupon
	owners    map[string]map[string][]id.ID
	near      map[string][]neighbour // by key
}

// neighbour is an order known under a key.
type neighbour struct {
	at    int64
	order string
}

// gather makes the facts of the lines of fresh orders, and mends those of later orders of the same shoppers.
func (g *group) gather() error {
	if err := g.gatherShipped(); err != nil || len(g.fresh) == 0 {
		return err
	}
	f := &found{tokens: map[*line][]attribution.Touch{}, near: map[string][]neighbour{}}
	var known []*line // lines of earlier groups whose order moved or was paid
	for _, p := range g.fresh {
		for _, l := range p.lines {
			if !l.isNew && !l.state.Basis.Frozen(l.state.Held, g.now) {
				known = append(known, l)
			}
		}
	}
	if err := g.readFacts(known); err != nil {
		return err
	}
	for _, read := range []func(*found) error{g.readCoupons, g.readTouches, g.readVerdicts, g.readPlaces, g.readOwners, g.readNeighbours} {
		if err := read(f); err != nil {
			return err
		}
	}
	for _, p := range g.fresh {
		lines := slices.Clone(p.sequence)
		for _, l := range p.inOrder() {
			if l.facts != nil && !l.isNew {
				lines = append(lines, l)
			}
		}
		for _, l := range lines {
			g.makeFacts(f, l)
			g.mark(l)
			l.judge = true
		}
	}
	return g.mendLater(f)
}

// readNeighbours finds the other orders of the same shoppers, as far as a rule can reach: sessions and carts, resale.
func (g *group) readNeighbours(f *found) error {
	// Behind it every order of the shopper may be touched by a fresh one; before it what resale and the oldest touch reach.
	low, reach := int64(math.MaxInt64), g.book.market.Policy.ResaleWindow().Microseconds()
	wanted := map[string]bool{}
	for _, p := range g.fresh {
		g.makeKeys(f, p)
		low = min(low, p.at-reach)
		for _, l := range p.lines {
			if first := attribution.Earliest(f.tokens[l]); first != 0 {
				low = min(low, first)
			}
		}
		for _, key := range p.facts.Keys {
			wanted[string(key)] = true
			f.near[string(key)] = append(f.near[string(key)], neighbour{p.at, p.id})
		}
	}
	keys := make([]any, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, []byte(key))
	}
	var ids []string
	if err := g.tx.In(selectNear, keys, func(scan func(...any) error) error {
		var key []byte
		var n neighbour
		if err := scan(&key, &n.at, &n.order); err != nil {
			return err
		}
		if one, found := strings.CutPrefix(n.order, bountyMark); found {
			g.nearby = append(g.nearby, nearby{string(key), n.at, one})
			return nil
		}
		if p := g.orders[n.order]; p == nil || !p.changed { // fresh ones are there already, at their new instant
			f.near[string(key)] = append(f.near[string(key)], n)
			ids = append(ids, n.order)
		}
		return nil
	}, g.lane(), low, int64(math.MaxInt64)); err != nil {
		return fault.Wrap(err, "reading orders of the same shoppers")
	}
	if err := g.readOrders(ids); err != nil {
		return err
	}
	if g.book.market.Policy.ResaleUnits > 0 {
		return g.readLines(ids)
	}
	return nil
}

// makeKeys notes under which keys an order is known: the clicks it presents (the cookie), and the shopper's own.
func (g *group) makeKeys(f *found, p *purchase) {
	before := len(p.facts.Keys)
	if own := p.facts.Shopper.Identity(); own != nil {
		p.addKey(own)
	}
	for _, l := range p.sequence {
		for _, t := range f.tokens[l] {
			if t.Source == attribution.FromToken && t.Broken == "" {
				p.addKey(binary.BigEndian.AppendUint64([]byte{'k'}, uint64(t.Click)))
			}
		}
	}
	if p.wasAt != 0 {
		for _, key := range p.facts.Keys[:before] {
			g.keysGone = append(g.keysGone, []any{g.lane(), key, p.wasAt, p.id})
		}
		before = 0
	}
	for _, key := range p.facts.Keys[before:] {
		g.keyRows = append(g.keyRows, []any{g.lane(), key, p.at, p.id})
	}
}

func (p *purchase) addKey(key []byte) {
	for _, known := range p.facts.Keys {
		if string(known) == string(key) {
			return
		}
	}
	p.facts.Keys = append(p.facts.Keys, key)
}

// makeFacts writes down everything that a line's decision rests on.
func (g *group) makeFacts(f *found, l *line) {
	m, p := g.book.market, l.order
	l.terms.OrderedAt = p.at
	category, seller := l.ordered.Category, l.ordered.Seller
	if known, ok := f.products[l.sku]; ok {
		if category == "" {
			category = known.Category
		}
		if seller == "" {
			seller = known.Seller
		}
	}
	if l.facts == nil {
		l.facts = &commission.Facts{Form: commission.FactsForm, Market: m.ID, Currency: m.Currency, Zone: m.Zone, SKU: l.sku,
			Category: category, Seller: seller, House: seller != "" && seller == m.Seller, Quantity: l.terms.Quantity, Net: l.terms.Net,
			DigitalMonth: l.ordered.Digital, Policy: m.Policy}
		l.facts.Touches = f.tokens[l]
		l.facts.Line.Place = categoryPlace(category)
		if attribution.Seen(l.facts.Touches) {
			l.facts.Line.Product = click.ProductPlace(l.sku)
			if parent := f.products[l.sku].Parent; parent != "" {
				l.facts.Line.Parent = click.ProductPlace(parent)
			}
		}
		f.place(l.facts.Touches)
	}
	facts := l.facts
	facts.Unpaid, facts.NewCustomer, facts.FirstShipped = !p.isPaid(), p.facts.Shopper.New, l.firstShipped(m.Policy)
	facts.Line.OrderedAt, facts.Line.AddedAt, facts.Line.Digital = p.at, l.ordered.Added, l.terms.Digital
	ordered := clock.FromMicro(p.at)
	for i := range facts.Touches {
		t := &facts.Touches[i]
		if t.Source == attribution.FromCoupon {
			t.At = p.at
		}
		history := f.standings[enrolment.Key{Market: g.no, Creator: t.Creator, Program: enrolment.Program(t.Program)}]
		then, now := history.At(clock.FromMicro(t.At)), history.At(ordered)
		t.StandingThen, t.StandingNow, t.ActiveThen, t.ActiveNow = string(then), string(now), then.Active(), now.Active()
	}
	facts.Ends = g.ends(f, l)
	facts.Buyer = g.buyer(f, l)
}

// place says of touches that landed on a product which category that is in, and which variation it is of.
func (f *found) place(touches []attribution.Touch) {
	for i := range touches {
		t := &touches[i]
		if t.Landed != uint8(click.LandedProduct) {
			continue
		}
		landed := f.landed[t.Place]
		t.Place = categoryPlace(landed.Category)
		if t.View && landed.Parent != "" {
			t.Parent = click.ProductPlace(landed.Parent)
		}
	}
}

// categoryPlace is 0 for a category that is not known: two such products are not of the same one.
func categoryPlace(category string) int64 {
	if category = product.CleanCategory(category); category == "" {
		return 0
	}
	return click.CategoryPlace(category)
}

// firstShipped is the first shipment in time, where the card of that instant applies; else 0, so that facts that nobody
// asks about do not change.
func (l *line) firstShipped(p policy.Policy) int64 {
	if p.RateAt != policy.AtShipment {
		return 0
	}
	return order.History{Terms: l.terms, Events: l.state.Events, Lapse: p.Lapse()}.FirstShipped()
}

// gatherShipped brings the facts of lines whose first shipment may have moved, where that decides the card.
func (g *group) gatherShipped() error {
	var lines []*line
	for _, l := range g.shipped {
		if !l.isNew && !l.state.Basis.Frozen(l.state.Held, g.now) {
			lines = append(lines, l)
		}
	}
	if err := g.readFacts(lines); err != nil {
		return err
	}
	for _, l := range lines {
		if first := l.firstShipped(l.facts.Policy); first != l.facts.FirstShipped {
			l.facts.FirstShipped, l.judge = first, true
		}
	}
	return nil
}

// ends are the shopper's other orders that may have ended a session: paid, with something physical, after the first
// touch and before this order.
func (g *group) ends(f *found, l *line) []int64 {
	first := attribution.Earliest(l.facts.Touches)
	if first == 0 {
		return nil
	}
	seen := map[string]bool{l.order.id: true}
	var ends []int64
	for _, key := range l.order.facts.Keys {
		for _, n := range f.near[string(key)] {
			other := g.orders[n.order]
			if seen[n.order] || n.at <= first || n.at >= l.order.at || !other.isPaid() || !other.facts.Physical {
				continue
			}
			seen[n.order] = true
			ends = append(ends, n.at)
		}
	}
	slices.Sort(ends)
	return slices.Compact(ends)
}

// buyer compares the shopper with the creators of the touches, and counts units for the resale rule.
func (g *group) buyer(f *found, l *line) attribution.Buyer {
	who := l.order.facts.Shopper
	own := who.Identity()
	b := attribution.Buyer{Known: own != nil, Business: who.Business}
	creators := map[id.ID]bool{}
	for _, t := range l.facts.Touches {
		creators[t.Creator] = true
	}
	for _, kind := range shopper.Kinds {
		for _, owner := range f.owners[kind][string(who.Known[kind])] {
			if creators[owner] {
				b.Matches = append(b.Matches, attribution.Match{Creator: owner, Kind: kind})
			}
		}
	}
	if own == nil || g.book.market.Policy.ResaleUnits == 0 {
		return b
	}
	from := l.order.at - g.book.market.Policy.ResaleWindow().Microseconds()
	seen := map[string]bool{}
	for _, n := range f.near[string(own)] {
		if n.at < from || n.at > l.order.at || seen[n.order] {
			continue
		}
		seen[n.order] = true
		b.Units += g.orders[n.order].units(l.sku)
	}
	return b
}

func (p *purchase) units(sku string) int64 { return unitsOf(slices.Collect(maps.Values(p.lines)), sku) }

func unitsOf(lines []*line, sku string) (units int64) {
	for _, l := range lines {
		if l.sku == sku {
			units += l.terms.Quantity
		}
	}
	return units
}

// mendLater corrects the facts of later orders of the same shoppers, which did not know of the fresh ones: a session that
// these had ended, units that count as resale. As long as no closed month holds part of a line (§6).
func (g *group) mendLater(f *found) error {
	later := map[string]bool{}
	for _, p := range g.fresh {
		for _, key := range p.facts.Keys {
			for _, n := range f.near[string(key)] {
				if other := g.orders[n.order]; !other.changed && g.mayChange(p, n) {
					later[n.order] = true
				}
			}
		}
	}
	if len(later) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(later))
	if err := g.readLines(ids); err != nil {
		return err
	}
	var lines []*line
	for _, one := range ids {
		for _, l := range g.orders[one].inOrder() {
			if !l.state.Basis.Frozen(l.state.Held, g.now) {
				lines = append(lines, l)
			}
		}
	}
	if err := g.readFacts(lines); err != nil {
		return err
	}
	for _, l := range lines {
		if g.mend(f, l) {
			l.judge = true
			g.mark(l)
		}
	}
	return nil
}

// mayChange tells whether a fresh order can change the facts of a later one at all: it ends sessions, or its units count
// for resale (also those of the same instant). Most orders are the newest of their shopper, and nothing is read for them.
func (g *group) mayChange(p *purchase, n neighbour) bool {
	if g.book.market.Policy.ResaleUnits > 0 {
		return n.at >= p.at
	}
	return n.at > p.at && (p.wasAt != 0 || p.facts.Physical && p.isPaid())
}

// mend adds what the fresh orders change in a line's facts, and tells whether anything did.
func (g *group) mend(f *found, l *line) bool {
	first, changed := attribution.Earliest(l.facts.Touches), false
	own := l.order.facts.Shopper.Identity()
	for _, p := range g.fresh {
		if !p.shares(l.order) {
			continue
		}
		if p.wasAt != 0 {
			kept := slices.DeleteFunc(slices.Clone(l.facts.Ends), func(at int64) bool { return at == p.wasAt && !g.stays(f, l, p, at) })
			changed = changed || len(kept) != len(l.facts.Ends)
			l.facts.Ends = kept
		}
		if p.isPaid() && p.facts.Physical && first != 0 && p.at > first && p.at < l.order.at && !slices.Contains(l.facts.Ends, p.at) {
			l.facts.Ends = append(l.facts.Ends, p.at)
			slices.Sort(l.facts.Ends)
			changed = true
		}
	}
	if own == nil || g.book.market.Policy.ResaleUnits == 0 {
		return changed
	}
	from := l.order.at - g.book.market.Policy.ResaleWindow().Microseconds()
	for _, p := range g.fresh {
		if string(p.facts.Shopper.Identity()) != string(own) {
			continue
		}
		before, units := cmp.Or(p.wasAt, p.at), int64(0)
		if p.at >= from && p.at <= l.order.at {
			units = p.units(l.sku)
		}
		if before >= from && before <= l.order.at { // what it counted until now: its lines of before
			units -= p.units(l.sku) - unitsOf(p.sequence, l.sku)
		}
		l.facts.Buyer.Units += units
		changed = changed || units != 0
	}
	return changed
}

// stays tells whether another order of the shopper's ended sessions at the instant that one has left.
func (g *group) stays(f *found, l *line, left *purchase, at int64) bool {
	for _, key := range l.order.facts.Keys {
		for _, n := range f.near[string(key)] {
			if other := g.orders[n.order]; n.at == at && other != left && other != l.order && other.isPaid() && other.facts.Physical {
				return true
			}
		}
	}
	return false
}

// shares tells whether two orders are known under one key.
func (p *purchase) shares(other *purchase) bool {
	for _, key := range p.facts.Keys {
		for _, theirs := range other.facts.Keys {
			if string(key) == string(theirs) {
				return true
			}
		}
	}
	return false
}

// inOrder gives the lines by id, so that what is done to them comes in the same order every time.
func (p *purchase) inOrder() []*line {
	lines := make([]*line, 0, len(p.lines))
	for _, l := range p.lines {
		lines = append(lines, l)
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i].id < lines[j].id })
	return lines
}
