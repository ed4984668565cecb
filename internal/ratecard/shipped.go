package ratecard

// The cards that the product comes with (docs/spec.md §7), on the category tree of the demo. They are data like any
// operator's: nothing in the product knows these figures.

// shippedRates are the rates of purchases, group by group. What is not named takes the default.
var shippedRates = []struct {
	bps        int64
	categories []string
}{
	{2000, []string{"Harbour Games"}},
	{1000, []string{"Luxury Beauty"}},
	{500, []string{"Music", "Handmade", "Film & TV"}},
	{450, []string{"Books", "Home > Kitchen", "Automotive"}},
	{400, []string{"Fashion > Clothing", "Fashion > Shoes", "Fashion > Jewellery", "Fashion > Watches", "Fashion > Luggage",
		"Harbour Devices"}},
	{300, []string{"Toys", "Home > Furniture", "Home", "Garden", "Pets", "Electronics > Headphones", "Beauty",
		"Musical Instruments", "Business & Industrial", "Outdoors", "Tools", "Sports", "Baby"}},
	{250, []string{"Computers", "Film & TV > Discs"}},
	{200, []string{"Electronics > Televisions", "Video Games > Digital Games"}},
	{100, []string{"Grocery", "Health", "Video Games > Consoles", "Video Games > Game Discs"}},
}

// shippedExcluded earn nobody anything, whatever a contract says.
var shippedExcluded = []string{"Gift Cards", "Grocery > Wine, Beer & Spirits", "Electronics > Wireless Plans"}

// What takes the default: purchases, views on the marketplace's own pages, views that a brand paid for, and sellers' fees
// with what media and jewellery pay.
const (
	shippedDefault = 400
	shippedOnsite  = 200
	shippedBoosted = 100
	shippedFee     = 1500
	shippedMedia   = 2000
)

// Shipped is the card of a kind that the product comes with; it still lacks its effective instant.
func Shipped(kind Kind) Card {
	card := Card{Kind: kind}
	switch kind {
	case SellerFee:
		card.Default = shippedFee
		for _, category := range []string{"Books", "Music", "Film & TV", "Video Games", "Fashion > Jewellery"} {
			card.Entries = append(card.Entries, Entry{Category: category, BPS: shippedMedia})
		}
		return card
	case Onsite:
		card.Default = shippedOnsite
	case Boosted:
		card.Default = shippedBoosted
	default:
		card.Default = shippedDefault
		for _, group := range shippedRates {
			for _, category := range group.categories {
				card.Entries = append(card.Entries, Entry{Category: category, BPS: group.bps})
			}
		}
	}
	for _, category := range shippedExcluded {
		card.Entries = append(card.Entries, Entry{Category: category, Excluded: true})
	}
	return card
}
