package ratecard

import (
	"fmt"
	"strings"
	"testing"
)

func TestAboveFee(t *testing.T) {
	b := bookE()
	if len(b.AboveFee(march)) != 0 {
		t.Error("there is no schedule of fees")
	}
	b.Cards = append(b.Cards, Version{ID: 78, Card: Card{Kind: SellerFee, Effective: march, Default: 1000,
		Entries: []Entry{{Category: "Home", BPS: 400}}}}.Indexed())
	b.Promotions = homePromotions()
	b.Promotions[1].Categories, b.Promotions[1].SKUs = []string{"Auto > Oil"}, []string{"OIL"}
	b.Promotions[1].Value = 700
	var got []string
	for _, a := range b.AboveFee(march) {
		got = append(got, fmt.Sprintf("%s %d>%d %s %d", a.What, a.Rate, a.Fee, a.Promotion, a.Creator))
	}
	want := "Auto > Oil 1100>1000 one more 0; Home 450>400 half more 0; Home > Kitchen 675>400  0; Home > Towels 450>400 half more 0; " +
		"product OIL 1100>1000 one more 0; product SKU9 1200>1000  0; Home 1050>400  11"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
