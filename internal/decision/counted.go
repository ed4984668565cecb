package decision

import (
	"tributary/internal/attribution"
	"tributary/internal/commission"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/product"
	"tributary/internal/sums"
)

// MarginOf says what a line brings and costs in the month of its order; nothing where nobody is credited and no seller pays
// for it. Without facts its category is the one that it had before.
func MarginOf(s State, t commission.Targets, terms order.Terms, facts *commission.Facts, month string) sums.Margin {
	b := s.Basis
	credited := b.Credited && (b.Reason == "" || b.Reason == attribution.ZeroPrice) // what is given away is watched, too
	if !credited && b.Seller == "" {
		return sums.Margin{}
	}
	m := sums.Margin{Month: month, Category: s.Margin.Category, Units: t.Fold.Kept(terms.Quantity), Revenue: t.Fold.Base, Fee: t.Fee}
	if facts != nil {
		m.Category = product.CleanCategory(facts.Category)
	}
	if credited {
		m.Creator, m.Commission, m.Promotion = b.Creator, t.Earned-t.PromoEarned, t.PromoEarned
	}
	if b.Seller != "" {
		m.Sold = 1
	}
	if terms.Net == 0 {
		m.Free = m.Units
	}
	return m
}

// JourneyOf gives the creators whose clicks and views led to a line, oldest first.
func JourneyOf(f *commission.Facts) (creators []id.ID) {
	for _, i := range attribution.Journey(f.Touches, f.Line, f.Ends, f.Policy) {
		creators = append(creators, f.Touches[i].Creator)
	}
	return creators
}
