package ratecard

import (
	"cmp"
	"slices"
	"time"

	"tributary/internal/id"
	"tributary/internal/money"
	"tributary/internal/product"
)

// Change is what a promotion does to a rate.
type Change string

// The changes (docs/spec.md §7).
const (
	Set      Change = "set"      // to Value basis points
	Add      Change = "add"      // Value basis points
	Multiply Change = "multiply" // by Value / 10,000, rounded half up to a whole rate
)

// Promotion raises rates for a time: a season, a category, a range of products.
type Promotion struct {
	ID         id.ID     `json:"id"`
	Name       string    `json:"name"`
	From       time.Time `json:"from"`  // first instant
	Until      time.Time `json:"until"` // first instant after it
	Kinds      []Kind    `json:"kinds,omitempty"`
	Categories []string  `json:"categories,omitempty"` // clean paths, with all beneath them; none and no products: everything
	SKUs       []string  `json:"skus,omitempty"`
	Change     Change    `json:"change"`
	Value      int64     `json:"value"`
	// NewCustomers limits it to orders of which the store says that the shopper is new.
	NewCustomers bool      `json:"new_customers,omitempty"`
	Published    time.Time `json:"published"`
	Ended        time.Time `json:"ended,omitzero"` // when its end was moved last
}

// Offer is a promotion as a decision keeps it: what its explanation needs and no more.
type Offer struct {
	ID     id.ID  `json:"id"`
	Name   string `json:"name"`
	Change Change `json:"change"`
	Value  int64  `json:"value"`
}

// Rate is the rate in basis points that an offer makes of one, at most all of the price.
func (o Offer) Rate(base int64) int64 {
	rate := base
	switch o.Change {
	case Set:
		rate = o.Value
	case Add:
		rate = base + o.Value
	case Multiply:
		rate = money.MulDiv(base, o.Value, money.FullRate)
	}
	return min(max(rate, 0), money.FullRate)
}

// fits tells whether a promotion holds for a line that earns by the card of that kind (Ask.Kind, or what stands in).
func (p Promotion) fits(a Ask, instead Kind) bool {
	if a.Ordered.Before(p.From) || !a.Ordered.Before(p.Until) || p.NewCustomers && !a.NewCustomer {
		return false
	}
	if len(p.Kinds) > 0 && !slices.Contains(p.Kinds, a.Kind) && !slices.Contains(p.Kinds, instead) {
		return false
	}
	if len(p.Categories) == 0 && len(p.SKUs) == 0 || slices.Contains(p.SKUs, a.SKU) {
		return true
	}
	category := product.CleanCategory(a.Category)
	return slices.ContainsFunc(p.Categories, func(above string) bool { return product.Under(category, above) })
}

// Contract is a creator's own rate: it stands before every entry of the card of its kind.
type Contract struct {
	ID      id.ID     `json:"id"`
	Creator id.ID     `json:"creator"`
	Kind    Kind      `json:"kind"`
	BPS     int64     `json:"bps"`
	Cap     int64     `json:"cap,omitempty"` // minor units per unit; 0: none, whatever the card says
	From    time.Time `json:"from"`          // first instant
	Until   time.Time `json:"until"`         // first instant after it; zero: without end
	// NoPromotions keeps promotions from raising it.
	NoPromotions bool      `json:"no_promotions,omitempty"`
	Published    time.Time `json:"published"`
	Ended        time.Time `json:"ended,omitzero"` // when its end was moved last
}

func (c Contract) holds(at time.Time) bool {
	return !at.Before(c.From) && (c.Until.IsZero() || at.Before(c.Until))
}

// Volume is a version of the volume tiers: what a creator's month earns on top of the rates (docs/spec.md §7).
type Volume struct {
	ID        id.ID     `json:"id"`
	Number    int64     `json:"number"`
	From      string    `json:"from"` // first month in which it holds: 2026-12
	Bands     []Band    `json:"bands"`
	Published time.Time `json:"published"`
}

// Band pays Extra basis points on the part of a month's earned base that lies above Above, up to the next band.
type Band struct {
	Above int64 `json:"above"` // minor units
	Extra int64 `json:"extra"` // basis points
}

// Extra is T(V): what a month with that earned base earns on top. Bands stand in rising order. Each band is rounded by
// itself; nothing for a base of zero or below.
func (v Volume) Extra(base int64) (extra int64) {
	for i, band := range v.Bands {
		top := base
		if i+1 < len(v.Bands) {
			top = min(base, v.Bands[i+1].Above)
		}
		if top > band.Above {
			extra += money.Share(top-band.Above, band.Extra)
		}
	}
	return extra
}

// Book is everything that prices a marketplace's lines. It is a value: a what-if prices the same facts with another.
type Book struct {
	Cards      Cards
	Promotions []Promotion
	Contracts  map[id.ID][]Contract // by creator
	Volumes    []Volume
}

// Ask is a question to the book. Rated is the instant at which card and contract are looked up (by policy that of the
// order, of the click or of the first shipment), Ordered that of the order, which promotions go by.
type Ask struct {
	Kind           Kind
	Creator        id.ID
	Category, SKU  string
	Rated, Ordered time.Time
	NewCustomer    bool
}

// Quote is the book's answer, kept as facts: the card's entry, the creator's contract where there is one, and the
// promotions that fit.
type Quote struct {
	Rate     *Rate     `json:"rate,omitempty"` // nil: no card was in force
	Contract *Contract `json:"contract,omitempty"`
	Offers   []Offer   `json:"promotions,omitempty"`
}

// Quote answers for one line.
func (b *Book) Quote(a Ask) (q Quote) {
	card, contract := b.terms(a.Creator, a.Kind, a.Rated)
	if card != nil {
		rate := card.Lookup(a.Category, a.SKU)
		q.Rate = &rate
	}
	q.Contract = contract
	instead := b.instead(a.Kind, a.Rated)
	for _, p := range b.Promotions {
		if p.fits(a, instead) {
			q.Offers = append(q.Offers, Offer{p.ID, p.Name, p.Change, p.Value})
		}
	}
	slices.SortFunc(q.Offers, func(x, y Offer) int { return cmp.Compare(x.ID, y.ID) })
	return q
}

// contract is what a creator has of a kind at an instant: of several the one that was signed last; nil where there is
// none.
func (b *Book) contract(creator id.ID, kind Kind, at time.Time) (found *Contract) {
	for _, c := range b.Contracts[creator] {
		if c.Kind == kind && c.holds(at) && (found == nil || c.ID > found.ID) {
			held := c
			found = &held
		}
	}
	return found
}

// Price is what a quote comes to: rates in basis points, Cap in minor units per unit (0: none).
type Price struct {
	Base, Final, Cap int64
	Offer            *Offer // the promotion that made Final of Base; nil: none did
	Excluded         bool
}

// Price settles the precedence: contract, else the card's entry; then the best single promotion, where it pays more
// than the rate without it.
func (q Quote) Price() (p Price) {
	if q.Rate != nil {
		p.Base, p.Cap, p.Excluded = q.Rate.BPS, q.Rate.Cap, q.Rate.Excluded
	}
	if q.Contract != nil {
		p.Base, p.Cap = q.Contract.BPS, q.Contract.Cap
	}
	p.Final = p.Base
	if p.Excluded || q.Contract != nil && q.Contract.NoPromotions {
		return p
	}
	for i := range q.Offers {
		if rate := q.Offers[i].Rate(p.Base); rate > p.Final {
			p.Final, p.Offer = rate, &q.Offers[i]
		}
	}
	return p
}

// Fee is what a seller pays for a line ordered at that instant: its share and its minimum per unit. Nil: no schedule.
func (b *Book) Fee(category, sku string, ordered time.Time) *Rate {
	card := b.Cards.At(SellerFee, ordered)
	if card == nil {
		return nil
	}
	rate := card.Lookup(category, sku)
	return &rate
}

// VolumeOf gives the volume tiers that hold in a month (2026-12); nil: none.
func (b *Book) VolumeOf(month string) (found *Volume) {
	for i := range b.Volumes {
		v := &b.Volumes[i]
		if v.From <= month && (found == nil || v.From > found.From || v.From == found.From && v.Number > found.Number) {
			found = v
		}
	}
	return found
}
