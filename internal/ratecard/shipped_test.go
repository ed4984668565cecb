package ratecard

import "testing"

// Every shipped card can be published as it is, and pays no less for views than nothing and no more than for purchases.
func TestShipped(t *testing.T) {
	offsite := Shipped(Offsite)
	offsite.Effective = march
	buys := Version{Card: offsite}.Indexed()
	for _, kind := range Kinds {
		card := Shipped(kind)
		card.Effective = march
		if err := card.Check(); err != nil || card.Kind != kind {
			t.Errorf("%s: %v", kind, err)
		}
		v := Version{Card: card}.Indexed()
		for category, excluded := range map[string]bool{"Gift Cards": true, "Grocery > Wine, Beer & Spirits > Wine": true, "Home > Kitchen": false} {
			if got := v.Lookup(category, "").Excluded; got != (excluded && kind != SellerFee) {
				t.Errorf("%s: %s is excluded: %v", kind, category, got)
			}
		}
	}
	for category, want := range map[string]int64{"Harbour Games": 2000, "Home > Kitchen > Kettles": 450, "Home > Bedding": 300, "Office": 400} {
		if got := buys.Lookup(category, "").BPS; got != want {
			t.Errorf("%s: %d, want %d", category, got, want)
		}
	}
	fees := Version{Card: Shipped(SellerFee)}.Indexed()
	for category, want := range map[string]int64{"Home": 1500, "Books > Novels": 2000, "Fashion > Jewellery > Rings": 2000, "Fashion > Shoes": 1500} {
		if got := fees.Lookup(category, "").BPS; got != want {
			t.Errorf("the fee of %s is %d, want %d", category, got, want)
		}
	}
}
