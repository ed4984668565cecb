package ratecard

import (
	"slices"
	"time"

	"tributary/internal/id"
)

// Above is a place where a commission rate exceeds what the seller pays: whatever is sold there costs the operator money.
type Above struct {
	What      string `json:"what"` // "Home > Kitchen", "product SKU9", "default"
	Kind      Kind   `json:"kind"`
	Rate      int64  `json:"rate"` // basis points
	Fee       int64  `json:"fee"`
	Promotion string `json:"promotion,omitempty"` // the one without which the rate would not exceed it
	Creator   id.ID  `json:"creator,omitempty"`   // whose contract it is: the place where it exceeds the fee most
}

// AboveFee lists the places at which, at an instant, a card or a promotion pays more than the seller's fee, and behind
// them each contract that does. Where there is no schedule of fees there is nothing to compare.
func (b *Book) AboveFee(at time.Time) (all []Above) {
	fee := b.Cards.At(SellerFee, at)
	if fee == nil {
		return nil
	}
	var promoted Card // the places of promotions, which may be narrower than any entry
	for _, p := range b.Promotions {
		if at.Before(p.From) || !at.Before(p.Until) {
			continue
		}
		for _, path := range p.Categories {
			promoted.Entries = append(promoted.Entries, Entry{Category: path})
		}
		for _, sku := range p.SKUs {
			promoted.Entries = append(promoted.Entries, Entry{SKU: sku})
		}
	}
	// A contract pays the same everywhere else, so the fee's own places are enough for it.
	feePaths, feeSKUs := places(fee, &Version{Card: promoted})
	for _, kind := range []Kind{Offsite, Onsite, Boosted} {
		card := b.Cards.At(kind, at)
		if card == nil {
			continue
		}
		paths, skus := places(card, fee, &Version{Card: promoted})
		all = append(all, b.above(0, kind, at, fee, paths, skus)...)
		for _, creator := range b.contracted(kind, at) {
			worst := Above{}
			for _, found := range b.above(creator, kind, at, fee, feePaths, feeSKUs) {
				if found.Rate-found.Fee > worst.Rate-worst.Fee {
					worst = found
				}
			}
			if worst.Rate > 0 {
				all = append(all, worst)
			}
		}
	}
	return all
}

// contracted lists the creators who have a contract of a kind at an instant.
func (b *Book) contracted(kind Kind, at time.Time) (creators []id.ID) {
	for creator := range b.Contracts {
		if b.contract(creator, kind, at) != nil {
			creators = append(creators, creator)
		}
	}
	slices.Sort(creators)
	return creators
}

// above compares what a creator is paid at these places. A product is compared where nothing is known of its category.
func (b *Book) above(creator id.ID, kind Kind, at time.Time, fee *Version, paths, skus []string) (all []Above) {
	try := func(e Entry) {
		paid := fee.Lookup(e.Category, e.SKU).BPS
		price := b.Quote(Ask{Kind: kind, Creator: creator, Category: e.Category, SKU: e.SKU, Rated: at, Ordered: at,
			NewCustomer: true}).Price()
		if price.Excluded || price.Final <= paid {
			return
		}
		found := Above{What: e.Text(), Kind: kind, Rate: price.Final, Fee: paid, Creator: creator}
		if found.What == "" {
			found.What = matchDefault
		}
		if price.Offer != nil && price.Base <= paid {
			found.Promotion = price.Offer.Name
		}
		all = append(all, found)
	}
	for _, path := range paths {
		try(Entry{Category: path})
	}
	for _, sku := range skus {
		try(Entry{SKU: sku})
	}
	return all
}
