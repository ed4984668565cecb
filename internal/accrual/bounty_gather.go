package accrual

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"tributary/internal/attribution"
	"tributary/internal/bounty"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/shopper"
)

// gatherBounties makes the facts of new completions, and mends those of others that these, a reversal or an order change:
// as long as no closed month holds part of one, but for its own reversal (docs/spec.md §6).
func (g *group) gatherBounties() error {
	near := g.nearClaims()
	if err := g.keep(bounty.ClaimsByID(g.tx, g.no, near)); err != nil {
		return err
	}
	if err := g.readSiblings(); err != nil {
		return err
	}
	var fresh, ended, facts []*claim // new ones; those near orders that came in; those whose stored facts change
	for _, c := range g.sortedClaims() {
		switch {
		case c.Version == 0:
			fresh = append(fresh, c)
		case g.fixed(c):
		case slices.Contains(near, c.ID):
			ended = append(ended, c)
		}
	}
	earlier := g.earlier()
	for _, c := range g.sortedClaims() {
		if c.Version > 0 && (c.judge || slices.Contains(ended, c) || c.mendable(earlier)) {
			facts = append(facts, c)
		}
	}
	if err := g.readClaimFacts(facts); err != nil {
		return err
	}
	if err := g.makeBountyFacts(fresh); err != nil {
		return err
	}
	if err := g.readEnds(append(ended, fresh...)); err != nil {
		return err
	}
	for _, c := range append(facts, fresh...) {
		if c.Reversed != nil && c.Facts.Reversed == nil {
			c.Facts.Reversed = c.Reversed
		}
		if c.mendable(earlier) {
			c.Earlier, c.Facts.Earlier = earlier[c.ID], earlier[c.ID]
			g.markClaim(c, true)
		}
	}
	return nil
}

// nearby is a bounty that is known under a key of an order that came in.
type nearby struct {
	key    string
	at     int64
	bounty string
}

// nearClaims are the bounties before which an order of the same shopper came in: it may have ended a session. Most
// orders come after, and nothing is read for them.
func (g *group) nearClaims() (ids []string) {
	if len(g.nearby) == 0 {
		return nil
	}
	first := map[string]int64{} // by key, of this group's orders
	for _, p := range g.fresh {
		for _, key := range p.facts.Keys {
			if at, known := first[string(key)]; !known || p.at < at {
				first[string(key)] = p.at
			}
		}
	}
	for _, n := range g.nearby {
		if first[n.key] < n.at {
			ids = append(ids, n.bounty)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (g *group) sortedClaims() []*claim {
	claims := make([]*claim, 0, len(g.claims))
	for _, c := range g.claims {
		claims = append(claims, c)
	}
	slices.SortFunc(claims, func(a, b *claim) int { return strings.Compare(a.ID, b.ID) })
	return claims
}

// readSiblings brings the other completions of customers of whom one is new or was reversed.
func (g *group) readSiblings() error {
	var customers [][]byte
	for _, c := range g.decided {
		if c.judge {
			customers = append(customers, c.Customer)
		}
	}
	return g.keep(bounty.ClaimsOf(g.tx, g.no, customers))
}

// earlier tells for the claims of these customers which other one stands before each.
func (g *group) earlier() map[string]string {
	sets := map[string][]bounty.Completion{}
	changed := map[string]bool{}
	for _, c := range g.sortedClaims() {
		key := c.Action + "\n" + string(c.Customer)
		sets[key] = append(sets[key], c.Completion(c.Version > 0 && g.fixed(c)))
		changed[key] = changed[key] || c.changed && c.judge
	}
	found := map[string]string{}
	for key, set := range sets {
		if !changed[key] {
			continue // not all of that customer's are in the group
		}
		for i, earlier := range bounty.Earlier(set) {
			found[set[i].ID] = earlier
		}
	}
	return found
}

// mendable tells whether another completion than was known stands before a claim. Before one that a closed month holds
// none does, so its facts stay.
func (c *claim) mendable(earlier map[string]string) bool {
	before, asked := earlier[c.ID]
	return asked && before != c.Earlier
}

// makeBountyFacts writes down everything that the decisions on new completions rest on, but for the ends of sessions.
func (g *group) makeBountyFacts(fresh []*claim) error {
	if len(fresh) == 0 {
		return nil
	}
	touches, err := g.bountyTouches(fresh)
	if err != nil {
		return err
	}
	m := g.book.market
	for _, c := range fresh {
		f := &bounty.Facts{Form: bounty.FactsForm, Market: m.ID, Currency: m.Currency, Zone: m.Zone,
			Bounty: c.ID, Action: c.Action, At: c.At, Touches: touches[c], New: c.shopper.New, Policy: m.Policy}
		f.Buyer.Known = true
		if c.event.Value != nil {
			value := c.event.Value.Amount
			f.Value = &value
		}
		if o := bounty.At(g.book.offers, c.Action, clock.FromMicro(c.At)); o != nil {
			offered := *o
			f.Offer = &offered
		}
		f.Month = g.booking(clock.FromMicro(f.WindowEnd()))
		c.Facts = f
		c.Keys = [][]byte{c.Customer}
		for _, t := range f.Touches {
			if t.Source == attribution.FromToken && t.Broken == "" {
				c.Keys = append(c.Keys, binary.BigEndian.AppendUint64([]byte{'k'}, uint64(t.Click)))
			}
		}
		for _, key := range c.Keys {
			g.keyRows = append(g.keyRows, []any{g.lane(), key, c.At, bountyMark + c.ID})
		}
	}
	return g.matchBuyers(fresh)
}

// bountyTouches opens the tokens of new completions, adds the customer's own last clicks, and says of each what is known:
// whether it came by the bounty's own link, whether it counts, and how its enrolment stood.
func (g *group) bountyTouches(fresh []*claim) (map[*claim][]attribution.Touch, error) {
	var customers [][]byte
	for _, c := range fresh {
		if hash := c.shopper.Known[creator.FactCustomer]; hash != nil {
			customers = append(customers, hash)
		}
	}
	bound, err := link.CustomerTouches(g.tx, g.no, customers)
	if err != nil {
		return nil, err
	}
	touches := make(map[*claim][]attribution.Touch, len(fresh))
	lists := make([][]attribution.Touch, 0, len(fresh))
	var links, creators []id.ID
	for _, c := range fresh {
		list := g.tokenTouches(c.event.Clicks, attribution.FromToken)
		list = attribution.Distinct(append(list, g.tokenTouches(bound[string(c.shopper.Known[creator.FactCustomer])], attribution.FromCustomer)...))
		for _, t := range list {
			if t.Link != 0 && !t.View {
				links = append(links, t.Link)
			}
			if t.Creator != 0 {
				creators = append(creators, t.Creator)
			}
		}
		touches[c], lists = list, append(lists, list)
	}
	if err := g.markVerdicts(lists); err != nil {
		return nil, err
	}
	known, err := link.ByID(g.tx, once(links))
	if err != nil {
		return nil, err
	}
	standings, err := enrolment.Standings(g.tx, g.no, once(creators))
	if err != nil {
		return nil, err
	}
	for c, list := range touches {
		for i := range list {
			t := &list[i]
			if own := known[t.Link]; !t.View && own.Action == c.Action {
				t.Bounty = own.Bounty
			}
			history := standings[enrolment.Key{Market: g.no, Creator: t.Creator, Program: enrolment.Program(t.Program)}]
			then, now := history.At(clock.FromMicro(t.At)), history.At(clock.FromMicro(c.At))
			t.StandingThen, t.StandingNow, t.ActiveThen, t.ActiveNow = string(then), string(now), then.Active(), now.Active()
		}
	}
	return touches, nil
}

func once(ids []id.ID) []id.ID {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// matchBuyers finds which of the touches' creators have facts equal to those of the customer.
func (g *group) matchBuyers(fresh []*claim) error {
	for _, kind := range shopper.Kinds {
		var hashes [][]byte
		for _, c := range fresh {
			if hash := c.shopper.Known[kind]; hash != nil {
				hashes = append(hashes, hash)
			}
		}
		if len(hashes) == 0 {
			continue
		}
		owners, err := creator.Owners(g.tx, kind, hashes)
		if err != nil {
			return err
		}
		for _, c := range fresh {
			for _, owner := range owners[string(c.shopper.Known[kind])] {
				if slices.ContainsFunc(c.Facts.Touches, func(t attribution.Touch) bool { return t.Creator == owner }) {
					c.Facts.Buyer.Matches = append(c.Facts.Buyer.Matches, attribution.Match{Creator: owner, Kind: kind})
				}
			}
		}
	}
	return nil
}

// readEnds finds the orders that may have ended a session of the claims' touches: paid, with something physical, of the
// same shopper. Those of this group count as they stand now.
func (g *group) readEnds(claims []*claim) error {
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	orders := map[string][]string{} // by key
	var keys []any
	for _, c := range claims {
		first := attribution.Earliest(c.Facts.Touches)
		if first == 0 {
			continue
		}
		low, high = min(low, first), max(high, c.At)
		for _, key := range c.Keys {
			if _, known := orders[string(key)]; !known {
				orders[string(key)] = nil
				keys = append(keys, key)
			}
		}
	}
	var ids []string
	if err := g.tx.In(selectNear, keys, func(scan func(...any) error) error {
		var key []byte
		var n neighbour
		err := scan(&key, &n.at, &n.order)
		if !strings.HasPrefix(n.order, bountyMark) {
			orders[string(key)] = append(orders[string(key)], n.order)
			ids = append(ids, n.order)
		}
		return err
	}, g.lane(), low, high); err != nil {
		return fault.Wrap(err, "reading orders of the same shoppers")
	}
	if err := g.readOrders(ids); err != nil {
		return err
	}
	for _, p := range g.fresh {
		for _, key := range p.facts.Keys {
			if _, asked := orders[string(key)]; asked {
				orders[string(key)] = append(orders[string(key)], p.id)
			}
		}
	}
	for _, c := range claims {
		if ends := g.endsOf(c, orders); !slices.Equal(ends, c.Facts.Ends) {
			c.Facts.Ends = ends
			g.markClaim(c, true)
		}
	}
	return nil
}

func (g *group) endsOf(c *claim, orders map[string][]string) (ends []int64) {
	first := attribution.Earliest(c.Facts.Touches)
	for _, key := range c.Keys {
		for _, one := range orders[string(key)] {
			if p := g.orders[one]; first != 0 && p.isPaid() && p.facts.Physical && p.at > first && p.at < c.At {
				ends = append(ends, p.at)
			}
		}
	}
	slices.Sort(ends)
	return slices.Compact(ends)
}
