package ratecard

import (
	"cmp"
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
	Promotion string `json:"promotion,omitempty"` // the one without which the rate would be lower
	Creator   id.ID  `json:"creator,omitempty"`   // whose contract it is
}

// AboveFee lists the places at which, at an instant, the card, a promotion or a contract pays more than the seller's fee.
// Where there is no schedule of fees there is nothing to compare.
func (b *Book) AboveFee(at time.Time) (all []Above) {
	fee := b.Cards.At(SellerFee, at)
	if fee == nil {
		return nil
	}
	for _, kind := range []Kind{Offsite, Onsite, Boosted} {
		card := b.Cards.At(kind, at)
		if card == nil {
			continue
		}
		paths, skus := places(card, fee)
		for _, path := range paths {
			all = append(all, b.above(kind, at, fee, path, "")...)
		}
		for _, sku := range skus {
			all = append(all, b.above(kind, at, fee, "", sku)...)
		}
	}
	return all
}

// above compares one place, for creators without contract and for each who has one.
func (b *Book) above(kind Kind, at time.Time, fee *Version, path, sku string) (all []Above) {
	paid := fee.Lookup(path, sku).BPS
	creators := []id.ID{0}
	for creator := range b.Contracts {
		if b.contract(creator, kind, at) != nil {
			creators = append(creators, creator)
		}
	}
	slices.SortFunc(creators, func(x, y id.ID) int { return cmp.Compare(x, y) })
	for _, creator := range creators {
		price := b.Quote(Ask{Kind: kind, Creator: creator, Category: path, SKU: sku, Rated: at, Ordered: at, NewCustomer: true}).Price()
		if price.Excluded || price.Final <= paid {
			continue
		}
		found := Above{What: Entry{Category: path, SKU: sku}.Text(), Kind: kind, Rate: price.Final, Fee: paid, Creator: creator}
		if found.What == "" {
			found.What = matchDefault
		}
		if price.Offer != nil && price.Base <= paid {
			found.Promotion = price.Offer.Name
		}
		all = append(all, found)
	}
	return all
}
