package accrual

import (
	"maps"
	"slices"

	"tributary/internal/attribution"
	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/link/touch"
	"tributary/internal/product"
	"tributary/internal/shopper"
)

var selectVerdicts = db.In(`SELECT click, rule FROM click_verdict WHERE market = $1 AND click IN ($LIST)`)

// readTouches opens the tokens of new lines, adds the shopper's own last click, and reads the standings of all creators.
func (g *group) readTouches(f *found) error {
	var customers [][]byte
	var tags []string
	for _, p := range g.fresh {
		if hash := p.facts.Shopper.Known[creator.FactCustomer]; hash != nil {
			customers = append(customers, hash)
		}
		for _, l := range p.sequence {
			for _, sent := range l.sent.Touches {
				tags = append(tags, link.CleanTag(sent.Tag))
			}
		}
	}
	bound, err := link.CustomerTouches(g.tx, g.no, customers)
	if err != nil {
		return err
	}
	tracking, err := link.TrackingByTag(g.tx, tags)
	if err != nil {
		return err
	}
	creators := map[id.ID]bool{}
	for _, p := range g.fresh {
		for _, l := range p.sequence {
			touches := g.tokenTouches(l.sent.Clicks, attribution.FromToken)
			touches = append(touches, g.tokenTouches(bound[string(p.facts.Shopper.Known[creator.FactCustomer])], attribution.FromCustomer)...)
			for i, sent := range l.sent.Touches {
				touches = append(touches, touch.Imported(tracking[link.CleanTag(sent.Tag)], g.no, int64(i)+1, sent.ClickedAt))
			}
			f.tokens[l] = append(attribution.Distinct(touches), f.couponTouches(l.coupons)...)
		}
		for _, l := range p.lines {
			if l.facts != nil {
				f.tokens[l] = l.facts.Touches
			}
			for _, t := range f.tokens[l] {
				creators[t.Creator] = true
			}
		}
	}
	delete(creators, 0)
	f.standings, err = enrolment.Standings(g.tx, g.no, slices.Sorted(maps.Keys(creators)))
	maps.Copy(g.standings, f.standings)
	return err
}

func (g *group) tokenTouches(tokens []string, source attribution.Source) []attribution.Touch {
	touches := make([]attribution.Touch, 0, len(tokens))
	for _, text := range tokens {
		t, err := g.a.sealer.Open(text)
		if err != nil {
			touches = append(touches, attribution.Touch{Source: source, Broken: attribution.BadToken})
			continue
		}
		if t.Market == g.no && t.Flags.Has(click.FlagUnlogged) && t.Kind != click.KindView {
			g.unlogged = append(g.unlogged, t)
		}
		touches = append(touches, touch.Token(t, g.no, source))
	}
	return touches
}

// couponTouches are the owners of an order's coupons, in the order's own order; a code that nobody owns is no touch.
func (f *found) couponTouches(codes []string) (touches []attribution.Touch) {
	for _, code := range codes {
		if c, known := f.coupons[link.CleanCode(code)]; known {
			touches = append(touches, touch.Coupon(c))
		}
	}
	return touches
}

func (g *group) readCoupons(f *found) (err error) {
	var codes []string
	for _, p := range g.fresh {
		for _, l := range p.sequence {
			for _, code := range l.coupons {
				codes = append(codes, link.CleanCode(code))
			}
		}
	}
	if len(codes) == 0 {
		return nil
	}
	slices.Sort(codes)
	f.coupons, err = link.CouponsByCode(g.tx, g.no, slices.Compact(codes))
	return err
}

// readVerdicts finds which of the touches were found invalid after their click was answered.
func (g *group) readVerdicts(f *found) error {
	lists := make([][]attribution.Touch, 0, len(f.tokens))
	for _, touches := range f.tokens {
		lists = append(lists, touches)
	}
	return g.markVerdicts(lists)
}

func (g *group) markVerdicts(lists [][]attribution.Touch) error {
	if !g.book.verdicts {
		return nil
	}
	var clicks []any
	for _, touches := range lists {
		for _, t := range touches {
			if t.Click != 0 && t.Source != attribution.FromImport {
				clicks = append(clicks, t.Click)
			}
		}
	}
	rules := map[int64]string{}
	if err := g.tx.In(selectVerdicts, clicks, func(scan func(...any) error) error {
		var one int64
		var rule string
		err := scan(&one, &rule)
		rules[one] = rule
		return err
	}, g.lane()); err != nil {
		return fault.Wrap(err, "reading verdicts on clicks")
	}
	for _, touches := range lists {
		for i := range touches {
			if rule, invalid := rules[touches[i].Click]; invalid && touches[i].Source != attribution.FromImport {
				touches[i].Invalid, touches[i].Rule = true, rule
			}
		}
	}
	return nil
}

// readPlaces reads the products of new lines, and those that touches landed on.
func (g *group) readPlaces(f *found) error {
	var skus []string
	places := map[int64]bool{}
	for l, touches := range f.tokens {
		if l.isNew && (l.ordered.Category == "" || l.ordered.Seller == "" || attribution.Seen(touches)) {
			skus = append(skus, l.sku)
		}
		for _, t := range touches {
			if l.isNew && t.Landed == uint8(click.LandedProduct) {
				places[t.Place] = true
			}
		}
	}
	slices.Sort(skus)
	var err error
	if f.products, err = product.BySKU(g.tx, g.no, slices.Compact(skus)); err != nil {
		return err
	}
	list := make([]int64, 0, len(places))
	for place := range places {
		list = append(list, place)
	}
	f.landed, err = product.ByPlace(g.tx, g.no, list)
	return err
}

// readOwners finds creators whose own facts equal the shoppers', and learns the payment and device of a creator's own
// store account.
func (g *group) readOwners(f *found) error {
	f.owners = map[string]map[string][]id.ID{}
	for _, kind := range shopper.Kinds {
		var hashes [][]byte
		for _, p := range g.fresh {
			if hash := p.facts.Shopper.Known[kind]; hash != nil {
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
		f.owners[kind] = owners
	}
	for _, p := range g.fresh {
		facts := p.facts.Shopper.Known
		for _, owner := range f.owners[creator.FactCustomer][string(facts[creator.FactCustomer])] {
			learned := map[string][]byte{creator.FactPayment: facts[creator.FactPayment], creator.FactDevice: facts[creator.FactDevice]}
			if err := creator.AddFacts(g.tx, owner, learned); err != nil {
				return err
			}
		}
	}
	return nil
}
