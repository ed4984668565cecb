package ratefile

import (
	"slices"
	"time"

	"tributary/internal/id"
	"tributary/internal/ratecard"
)

// Together they span every instant at which an order can have been placed.
var (
	sinceEver = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	forEver   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Book gives the book as it would be with this file, for running past lines against it. What the file leaves as it is
// stays so, with its own history; what it changes holds since ever, whatever dates it names: the last card of a kind,
// new promotions and contracts in place of those that it ends, the last tiers. With dated, everything keeps its instants:
// the book as it will be. Neither asks whether the file could be published: notice and the past are no matter here. Bounties
// are no part of a book.
func (f *File) Book(base *ratecard.Book, now time.Time, dated bool) (*ratecard.Book, error) {
	c := &comparison{file: f, book: base, handles: map[id.ID]string{}, occasion: ratecard.Occasion{Market: f.Market.No,
		Marketplace: f.Market.ID, Currency: f.Market.Currency, Zone: f.Market.Location(), Now: now,
		NoticeDays: f.Market.Policy.Notice()}}
	c.compare()
	if c.contradiction != nil {
		return nil, c.contradiction
	}
	if dated {
		return base.Put(c.edition.Edition), nil
	}
	// Cards of kinds that the file leaves stay the very same values: a line priced by them is priced as it was.
	b := &ratecard.Book{Contracts: map[id.ID][]ratecard.Contract{}, Volumes: base.Volumes}
	e := ratecard.Edition{}
	for _, v := range base.Cards {
		if _, changed := c.changed[v.Kind]; !changed {
			b.Cards = append(b.Cards, v)
		}
	}
	for _, kind := range ratecard.Kinds {
		if card, ok := c.changed[kind]; ok {
			card.Effective = sinceEver
			e.Cards = append(e.Cards, card)
		}
	}
	for _, p := range base.Promotions {
		if !c.dropped[p.ID] && !c.shortened(p.ID, p.Until) {
			b.Promotions = append(b.Promotions, p)
		}
	}
	for _, p := range c.edition.Promotions {
		p.From, p.Until = sinceEver, forEver
		e.Promotions = append(e.Promotions, p)
	}
	for _, one := range c.edition.Contracts {
		one.From, one.Until = sinceEver, time.Time{}
		e.Contracts = append(e.Contracts, one)
	}
	for who, contracts := range base.Contracts {
		for _, one := range contracts {
			replaced := slices.ContainsFunc(e.Contracts, func(by ratecard.Contract) bool {
				return by.Creator == who && by.Kind == one.Kind
			})
			if !replaced && !c.dropped[one.ID] && !c.shortened(one.ID, one.Until) {
				b.Contracts[who] = append(b.Contracts[who], one)
			}
		}
	}
	if c.tiers != nil {
		b.Volumes = nil
		e.Volumes = []ratecard.Volume{{From: sinceEver.Format("2006-01"), Bands: c.tiers.Bands}}
	}
	return b.Put(e), nil
}

// shortened tells whether the file ends something earlier than it would.
func (c *comparison) shortened(one id.ID, until time.Time) bool {
	return slices.ContainsFunc(c.edition.Ends, func(end ratecard.End) bool {
		return end.ID == one && !end.Until.IsZero() && (until.IsZero() || end.Until.Before(until))
	})
}
