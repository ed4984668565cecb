// Package rates finds where creators would get more of a price than the operator gets from the seller: now, and with every
// card and promotion to come (docs/spec.md §7). It compares rates and decides nothing.
//
// What must always hold: whatever is sold at a place and an instant of which no warning speaks costs at most the fee's rate;
// a warning says the very rate, the very fee and the whole time for which they hold.
//
// It owns no table. What the lines of the past really cost is in package report; contracts of single creators are not asked.
package rates

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// Warning says that creators would get more of a price than the operator gets from the seller. Rates alone are compared:
// a cap may keep the commission below the fee, a minimum may raise the fee above it.
type Warning struct {
	Kind      ratecard.Kind   // of the commission
	What      string          // the place: "Home > Kitchen", "product SKU9", "default"
	From      time.Time       // first instant: now, or when it begins
	Until     time.Time       // first instant after it; zero: without end
	Base      int64           // the card's rate, basis points
	Final     int64           // with the promotion
	Promotion *ratecard.Offer // nil: none raises the rate
	Fee       int64           // basis points
	Match     string          // the entry that the rate is from
	FeeMatch  string          // the entry that the fee is from
}

// Excess is by how much the rate exceeds the fee, basis points.
func (w Warning) Excess() int64 { return w.Final - w.Fee }

// same tells whether a warning goes on where another ends.
func (w Warning) same(o Warning) bool {
	offer := func(w Warning) ratecard.Offer {
		if w.Promotion == nil {
			return ratecard.Offer{}
		}
		return *w.Promotion
	}
	return w.Base == o.Base && w.Final == o.Final && w.Fee == o.Fee && offer(w) == offer(o) &&
		w.Match == o.Match && w.FeeMatch == o.FeeMatch
}

// Warnings compares, for every place of the cards in force or to come, the rate with promotions to the seller's fee. The
// category of a product is not in the book: it is held against the lowest fee that it might have.
func Warnings(book *ratecard.Book, now time.Time) []Warning { return WarningsIn(book, nil, now) }

// Stored does so for what stands in the database, where the catalog knows the products.
func Stored(tx *db.Tx, m market.Market, now time.Time) ([]Warning, error) {
	book, err := ratecard.LoadBook(tx, m.No)
	if err != nil {
		return nil, err
	}
	var keys []any
	for _, sku := range placesOf(book, now).skus {
		keys = append(keys, sku)
	}
	categories := map[string]string{}
	err = tx.In(selectCategoriesOf, keys, func(scan func(...any) error) error {
		var sku, category string
		err := scan(&sku, &category)
		categories[sku] = category
		return err
	}, int64(m.No))
	if err != nil {
		return nil, fault.Wrap(err, "reading categories of products")
	}
	return WarningsIn(book, categories, now), nil
}

var selectCategoriesOf = db.In(`SELECT sku, category FROM product WHERE market = $1 AND sku IN ($LIST)`)

// commissions are the kinds that are paid out of a fee.
var commissions = []ratecard.Kind{ratecard.Offsite, ratecard.Onsite, ratecard.Boosted}

// WarningsIn does the same, and knows the categories of products, by sku.
func WarningsIn(book *ratecard.Book, categoryOf map[string]string, now time.Time) (all []Warning) {
	at := turns(book, now)
	places := placesOf(book, now)
	for _, kind := range commissions {
		open := map[string]*Warning{} // by place: what the turn before said
		for i, turn := range at {
			said := map[string]*Warning{}
			for _, w := range warningsAt(book, kind, turn, places, categoryOf) {
				w.From = turn
				if before := open[w.What]; before != nil && before.same(w) {
					w.From = before.From
				} else if before != nil {
					all = append(all, before.until(turn))
				}
				said[w.What] = &w
			}
			for what, before := range open {
				if said[what] == nil {
					all = append(all, before.until(turn))
				}
			}
			if open = said; i == len(at)-1 {
				for _, last := range open {
					all = append(all, *last)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Warning) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(slices.Index(commissions, a.Kind), slices.Index(commissions, b.Kind)),
			strings.Compare(a.What, b.What))
	})
	return all
}

func (w *Warning) until(at time.Time) Warning {
	ended := *w
	ended.Until = at
	return ended
}

// turns are now and every later instant at which a rate or a fee may change.
func turns(book *ratecard.Book, now time.Time) []time.Time {
	at := []time.Time{now}
	add := func(instant time.Time) {
		if instant.After(now) {
			at = append(at, instant)
		}
	}
	for _, kind := range ratecard.Kinds {
		for _, v := range book.Cards.Coming(kind, now) {
			add(v.Effective)
		}
	}
	for _, p := range book.Promotions {
		add(p.From)
		add(p.Until)
	}
	slices.SortFunc(at, time.Time.Compare)
	return slices.CompactFunc(at, time.Time.Equal)
}

// places are where rates and fees may differ: everywhere that an entry or a promotion in force or to come names. Whatever
// lies between has the rate and the fee of the nearest one above it.
type places struct{ paths, skus []string }

func placesOf(book *ratecard.Book, now time.Time) places {
	p := places{paths: []string{""}}
	for _, kind := range ratecard.Kinds {
		versions := book.Cards.Coming(kind, now)
		if present := book.Cards.At(kind, now); present != nil {
			versions = append(versions, present)
		}
		for _, v := range versions {
			for _, e := range v.Entries {
				if e.SKU != "" {
					p.skus = append(p.skus, e.SKU)
				} else {
					p.paths = append(p.paths, e.Category)
				}
			}
		}
	}
	for _, promotion := range book.Promotions {
		if promotion.Until.After(now) {
			p.paths, p.skus = append(p.paths, promotion.Categories...), append(p.skus, promotion.SKUs...)
		}
	}
	for _, list := range []*[]string{&p.paths, &p.skus} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return p
}

// warningsAt compares every place at one instant. Where no card or no schedule of fees is in force, there is nothing to
// compare.
func warningsAt(book *ratecard.Book, kind ratecard.Kind, at time.Time, p places, categoryOf map[string]string) []Warning {
	var all []Warning
	if book.Fee("", "", at) == nil {
		return nil
	}
	cheapest, least := "", book.Fee("", "", at).BPS
	for _, path := range p.paths {
		fee := book.Fee(path, "", at)
		if w, over := compare(book, kind, at, path, ""); over {
			all = append(all, w)
		}
		if fee.BPS < least {
			cheapest, least = path, fee.BPS
		}
	}
	for _, sku := range p.skus {
		category, known := categoryOf[sku]
		w, over := compare(book, kind, at, category, sku)
		if !known {
			if other, also := compare(book, kind, at, cheapest, sku); also && (!over || other.Excess() > w.Excess()) {
				w, over = other, true
			}
		}
		if over {
			all = append(all, w)
		}
	}
	return all
}

// compare holds one place's rate against its fee. New customers get every promotion.
func compare(book *ratecard.Book, kind ratecard.Kind, at time.Time, path, sku string) (w Warning, over bool) {
	quote := book.Quote(ratecard.Ask{Kind: kind, Category: path, SKU: sku, Rated: at, Ordered: at, NewCustomer: true})
	price, fee := quote.Price(), book.Fee(path, sku, at)
	if quote.Rate == nil || price.Excluded || price.Final <= fee.BPS {
		return w, false
	}
	w = Warning{Kind: kind, What: "default", Base: price.Base, Final: price.Final, Promotion: price.Offer, Fee: fee.BPS,
		Match: quote.Rate.Match, FeeMatch: fee.Match}
	if path != "" || sku != "" {
		w.What = ratecard.Entry{Category: path, SKU: sku}.Text()
	}
	if kind == ratecard.Boosted && book.Cards.At(kind, at) == nil { // it earns as any other view: that is said once
		onsite, also := compare(book, ratecard.Onsite, at, path, sku)
		return w, !also || !onsite.same(w)
	}
	return w, true
}
