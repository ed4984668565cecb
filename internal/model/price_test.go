package model

import (
	"slices"
	"strings"
)

// At which rate a line is paid (§7).

// product is what the catalog says; of a sku that it does not know, no more than the sku.
func (m *market) product(sku string) Product {
	for _, p := range m.Products {
		if p.SKU == sku {
			return p
		}
	}
	return Product{SKU: sku}
}

// category is the one that the store sent, else the catalog's; likewise the seller.
func (m *market) category(l *line) string {
	if l.Category != "" {
		return l.Category
	}
	return m.product(l.SKU).Category
}

func (m *market) seller(l *line) string {
	if l.Seller != "" {
		return l.Seller
	}
	return m.product(l.SKU).Seller
}

// cardAt is the version in force: of those effective by then the one effective last, of several the one published last.
func (m *market) cardAt(kind string, when instant) *Card {
	var found *Card
	for i := range m.Cards {
		c := &m.Cards[i]
		if c.Kind == kind && c.Effective <= when && (found == nil || c.Effective >= found.Effective) {
			found = c
		}
	}
	return found
}

// paths gives a category and those above it, nearest first.
func paths(category string) (all []string) {
	for category != "" {
		all = append(all, category)
		cut := strings.LastIndex(category, " > ")
		category = category[:max(cut, 0)]
	}
	return all
}

// entry finds what a card says of a product: its own entry, else that of the nearest category, else the default. The cap
// is the product's own, else that of the nearest category that has one.
func (c Card) entry(category, sku string) Entry {
	found, known := Entry{Rate: c.Default}, false
	limit := int64(0)
	look := func(fits func(Entry) bool) {
		for _, e := range c.Entries {
			if !fits(e) {
				continue
			}
			if !known {
				found, known = e, true
			}
			if limit == 0 {
				limit = e.Cap
			}
		}
	}
	look(func(e Entry) bool { return e.SKU != "" && e.SKU == sku })
	for _, path := range paths(category) {
		look(func(e Entry) bool { return e.Category == path })
	}
	found.Cap = limit
	return found
}

// price is what a winner's line is paid at: the rate of contract or card, and that with the best promotion.
type price struct {
	base, final, limit int64
	excluded, contract bool
	kind               string
}

func (q question) price(won touch) (p price) {
	p.kind = "offsite"
	if won.isView() {
		p.kind = "onsite"
		if won.click.BoostedView {
			p.kind = "boosted"
		}
	}
	rated := q.rated(won)
	kinds := []string{p.kind}
	if p.kind == "boosted" && q.cardAt("boosted", rated) == nil {
		kinds = []string{"boosted", "onsite"} // boosted views fall back to what onsite ones earn
	}
	if card := q.cardAt(kinds[len(kinds)-1], rated); card != nil {
		e := card.entry(q.category(q.line), q.SKU)
		p.base, p.limit, p.excluded = e.Rate, e.Cap, e.Excluded
	}
	promotions := true
	for _, kind := range kinds {
		for _, c := range q.Contracts {
			if c.Creator == won.owner && c.Kind == kind && c.From <= rated && (c.Until == 0 || rated < c.Until) {
				p.base, p.limit, p.contract = c.Rate, c.Cap, true
				promotions = !c.NoPromotions
			}
		}
		if p.contract {
			break
		}
	}
	p.final = p.base
	for _, promotion := range q.Promotions {
		if promotions && !p.excluded && q.fits(promotion, kinds) {
			p.final = max(p.final, min(promotion.rate(p.base), wholeRate))
		}
	}
	return p
}

// rated is the instant whose card and contract apply.
func (q question) rated(won touch) instant {
	switch {
	case q.Policy.RateAt == "click":
		return won.at
	case q.Policy.RateAt == "shipment" && !q.Digital:
		first := instant(0)
		for _, e := range q.events {
			if e.Type == "line.shipped" && e.At <= q.ordered+q.lapse() && (first == 0 || e.At < first) {
				first = e.At
			}
		}
		if first != 0 {
			return first
		}
	}
	return q.ordered
}

func (m *market) lapse() instant { return instant(m.Policy.LapseDays) * day }

func (p Promotion) rate(base int64) int64 {
	switch p.Change {
	case "set":
		return p.Value
	case "add":
		return base + p.Value
	}
	return part(base, p.Value, wholeRate)
}

func (q question) fits(p Promotion, kinds []string) bool {
	shopper := q.line.order.shopper
	switch {
	case q.ordered < p.From || q.ordered >= p.Until:
		return false
	case p.NewCustomers && (shopper == nil || !shopper.New):
		return false
	case len(p.Kinds) > 0 && !slices.ContainsFunc(p.Kinds, func(kind string) bool { return slices.Contains(kinds, kind) }):
		return false
	case len(p.Categories) == 0 && len(p.SKUs) == 0:
		return true
	case slices.Contains(p.SKUs, q.SKU):
		return true
	}
	for _, path := range paths(q.category(q.line)) {
		if slices.Contains(p.Categories, path) {
			return true
		}
	}
	return false
}

// extra is T(V): each band's part of a month's earned base at the band's extra rate, each rounded by itself.
func (v Volume) extra(base int64) (sum int64) {
	for i, band := range v.Bands {
		upTo := base
		if i+1 < len(v.Bands) {
			upTo = min(base, v.Bands[i+1].Above)
		}
		if upTo > band.Above {
			sum += part(upTo-band.Above, band.Extra, wholeRate)
		}
	}
	return sum
}

// volumeIn is the version that holds in a month.
func (m *market) volumeIn(month string) *Volume {
	var found *Volume
	for i := range m.Volumes {
		v := &m.Volumes[i]
		if v.From <= month && (found == nil || v.From >= found.From) {
			found = v
		}
	}
	return found
}
