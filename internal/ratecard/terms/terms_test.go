package terms

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

var (
	now   = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	theUS = market.Market{No: 1, ID: "us", Currency: "USD", Zone: "America/New_York", Home: "https://shop.example/", Hosts: []string{"shop.example"},
		Policy: policy.Shipped()}
	today = ratecard.Occasion{Market: 1, Marketplace: "us", Currency: "USD", Now: now, NoticeDays: 14}
)

// edition is one of everything: a card, a promotion, and two bounties.
func edition(amount int64) Edition {
	return Edition{
		Edition: ratecard.Edition{Cards: []ratecard.Card{{Kind: ratecard.Offsite, Effective: now, Default: 400}},
			Promotions: []ratecard.Promotion{{Name: "A", From: now, Until: now.AddDate(0, 0, 3), Change: ratecard.Add, Value: 100}}},
		Bounties: bounty.Edition{Offers: []Offer{{Action: "trial", Name: "Trial", Amount: 300, From: now, Page: "/"},
			{Action: "trial", Name: "Trial", Amount: amount, From: now.AddDate(0, 0, 3), Page: "/"}}},
	}
}

// Rates and bounties are published together, or neither is.
func TestPublish(t *testing.T) {
	d := dbtest.Open(t)
	ctx := context.Background()
	if err := d.Write(ctx, db.Interactive, func(tx *db.Tx) error { return market.Save(tx, theUS) }); err != nil {
		t.Fatal(err)
	}
	lane := func(at time.Time, e Edition) error {
		o := today
		o.Now = at
		return d.Lane(ctx, db.Interactive, at, []int64{1}, func(tx *db.Tx) error { return Publish(tx, e, o) })
	}
	load := func() (found Terms) {
		if err := d.Read(ctx, func(tx *db.Tx) (err error) { found, err = Load(tx, 1); return err }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	if !load().Empty() {
		t.Error("a new marketplace pays something")
	}
	bad := edition(400)
	bad.Bounties.Offers[1].Page = ""
	if err := lane(now, bad); !fault.Is(err, fault.Invalid) || !load().Empty() {
		t.Errorf("a bad bounty: %v", err)
	}
	e := edition(400)
	_, said, err := load().With(e, today)
	if err != nil || len(said) != 4 || said[2].PartName != "bounties" || said[3].PartIndex != 1 || said[3].What != OfBounty || said[3].Name != "trial" {
		t.Errorf("%v %+v", err, said)
	}
	if diff := cmp.Diff([]string{"from 3.00 USD to 4.00 USD"}, said[3].Rises); diff != "" {
		t.Error(diff)
	}
	if err := lane(now, e); err != nil {
		t.Fatal(err)
	}
	found := load()
	if found.Empty() || len(found.Rates.Cards) != 1 || len(found.Rates.Promotions) != 1 || len(found.Ahead(now)) != 2 {
		t.Errorf("%+v", found)
	}
	if _, _, err := found.With(Edition{Bounties: bounty.Edition{Offers: []Offer{{Action: "trial", Name: "Trial", Amount: 200, From: now.Add(time.Hour), Page: "/"}}}},
		today); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cut: %v", err)
	}
	if err := lane(now.Add(time.Hour), Edition{}); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestPages(t *testing.T) {
	for page, want := range map[string]bool{"/": true, "/business?a=b": true, "https://shop.example/x": true, "https://other.example/": false, "//other.example": false} {
		if err := CheckPage(theUS, page); (err == nil) != want {
			t.Errorf("%s: %v", page, err)
		}
	}
}
