// Package demo makes an installation that shows what the product does: two marketplaces with a catalog of some thousands
// of products (demo/catalog), a store that sells them (demo/store), and creators whose history is made through the same
// path that real money takes. Nothing here writes to a table of its own accord: what a person sees in the demo is what
// the product did.
package demo

import (
	"time"

	"tributary/internal/ratecard"
)

// shippedRates is the card that the product comes with, group by group, on the category tree of the demo. What is not
// named takes the default.
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
	{0, []string{"Gift Cards", "Grocery > Wine, Beer & Spirits", "Electronics > Wireless Plans"}},
}

// shippedDefault is the rate of everything else.
const shippedDefault = 400

// ShippedCard is the rate card for purchases that the product comes with.
func ShippedCard(effective time.Time) ratecard.Card {
	card := ratecard.Card{Kind: ratecard.Offsite, Effective: effective, Default: shippedDefault}
	for _, group := range shippedRates {
		for _, category := range group.categories {
			card.Entries = append(card.Entries, ratecard.Entry{Category: category, BPS: group.bps})
		}
	}
	return card
}
