package demo

import (
	"testing"
	"time"

	"tributary/internal/demo/catalog"
	"tributary/internal/product"
	"tributary/internal/ratecard"
)

// Every entry of the shipped card has goods, and every group of the card is found by what a person would look for.
func TestShippedCardStandsOnTheTree(t *testing.T) {
	card := ShippedCard(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err := card.Check(); err != nil {
		t.Fatal(err)
	}
	leaves := catalog.New("http://store.localhost:8081").Leaves()
	for _, entry := range card.Entries {
		found := false
		for _, leaf := range leaves {
			found = found || product.Under(leaf.Category, entry.Category)
		}
		if !found {
			t.Errorf("%s has no goods", entry.Category)
		}
	}
	v := ratecard.Version{Card: card}.Indexed()
	for category, want := range map[string]int64{
		"Harbour Games > Puzzle": 2000, "Luxury Beauty > Perfume": 1000, "Music > Vinyl": 500, "Handmade > Ceramics": 500,
		"Film & TV > Digital Series": 500, "Film & TV > Discs > Blu-ray": 250, "Books > E-Books": 450,
		"Home > Kitchen > Kettles": 450,
		"Automotive > Car Care":    450, "Fashion > Shoes > Boots": 400, "Fashion > Watches": 400, "Harbour Devices > Readers": 400,
		"Home > Furniture > Sofas": 300, "Home > Bedding": 300, "Electronics > Headphones": 300, "Electronics > Televisions": 200,
		"Electronics > Cameras": 400, "Electronics > Wireless Plans": 0, "Video Games > Digital Games": 200,
		"Video Games > Consoles":    100,
		"Video Games > Accessories": 400, "Grocery > Coffee": 100, "Grocery > Wine, Beer & Spirits > Wine": 0, "Gift Cards": 0,
		"Health > First Aid": 100, "Computers > Laptops": 250, "Office > Desk & Filing": 400, "Baby > Feeding": 300,
	} {
		if got := v.Lookup(category, ""); got.BPS != want {
			t.Errorf("%s earns %d by %s, want %d", category, got.BPS, got.Match, want)
		}
	}
}
