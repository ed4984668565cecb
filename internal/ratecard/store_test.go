package ratecard

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/product"
)

const us = 1

func open(t *testing.T) *db.DB {
	t.Helper()
	d := dbtest.Open(t)
	err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		return market.Save(tx, market.Market{No: us, ID: "us", Currency: "USD", Zone: "America/New_York",
			Policy: policy.Shipped()})
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func publish(d *db.DB, card Card, now time.Time) (v *Version, err error) {
	err = d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		v, err = Publish(tx, us, card, now, NoticeDays)
		return err
	})
	return v, err
}

func load(t *testing.T, d *db.DB) (cards Cards, version int64) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err := market.All(tx)
		if err != nil {
			return err
		}
		version = all[0].Version
		cards, err = Load(tx, us)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return cards, version
}

func TestPublishKeepsWhatWasInForce(t *testing.T) {
	d := open(t)
	day := 24 * time.Hour
	now := march.Add(100 * day)
	card := func(effective time.Time, kitchen int64) Card {
		return Card{Kind: Offsite, Effective: effective, Default: 400, Entries: []Entry{{Category: "Home>Kitchen", BPS: kitchen}}}
	}
	for _, step := range []struct {
		what string
		card Card
		want string // part of the refusal; empty: version is published
	}{
		{"the first version may reach back", card(march, 450), ""},
		{"its instant is taken", card(march, 500), "effective: is in the past"},
		{"a later one may not", card(now.Add(-time.Microsecond), 500), "effective: is in the past"},
		{"a cut at once", card(now, 425), "Home > Kitchen from 4.5 % to 4.25 %; set it to 2026-06-23T00:00:00Z or later"},
		{"a cut an instant early", card(now.Add(14*day-time.Microsecond), 425), "this version is a cut"},
		{"a cut in time", card(now.Add(14*day), 425), ""},
		{"a rise at once", card(now, 500), ""},
		{"another kind begins anew", Card{Kind: Onsite, Effective: march, Default: 100}, ""},
		{"a seller's fee", Card{Kind: SellerFee, Effective: march, Default: 1500}, ""},
		{"a lower one needs no notice: creators earn nothing by it", Card{Kind: SellerFee, Effective: now, Default: 1000}, ""},
		{"but changes no past", Card{Kind: SellerFee, Effective: now.Add(-time.Hour), Default: 1000}, "effective: is in the past"},
		{"a card that says nothing", Card{Kind: "x"}, "kind: is not a kind"},
	} {
		_, err := publish(d, step.card, now)
		refused := fault.Is(err, fault.Invalid) && strings.Contains(err.Error(), step.want)
		if step.want == "" && err != nil || step.want != "" && !refused {
			t.Errorf("%s: %v, want %q", step.what, err, step.want)
		}
	}
	cards, version := load(t, d)
	if version != 7 {
		t.Errorf("the marketplace is at version %d, want 7: one, and one per publication", version)
	}
	for at, want := range map[time.Time]int64{march: 450, now.Add(-time.Microsecond): 450, now: 500, now.Add(14 * day): 425} {
		if got := cards.At(Offsite, at).Lookup("Home > Kitchen > Kettles", ""); got.BPS != want {
			t.Errorf("at %s: %+v, want %d", at, got, want)
		}
	}
}

func TestPublishIsReadBack(t *testing.T) {
	d := open(t)
	card := exampleE().Card.Clean()
	card.Entries = append(card.Entries, Entry{Category: "Gift Cards", Excluded: true})
	v, err := publish(d, card, march.Add(1500*time.Nanosecond))
	if err != nil {
		t.Fatal(err)
	}
	cards, _ := load(t, d)
	if diff := cmp.Diff(Cards{v}, cards, cmpopts.IgnoreUnexported(Version{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(v.Lookup("Home > Kitchen", "SKU9"), cards[0].Lookup("Home > Kitchen", "SKU9")); diff != "" {
		t.Error(diff)
	}
}

// A product whose entry goes away is judged by its category in the catalog; an unknown one is protected everywhere.
func TestCutsOfProductsAskTheCatalog(t *testing.T) {
	d := open(t)
	first := Card{Kind: Offsite, Effective: march, Default: 400, Entries: []Entry{
		{Category: "Games", BPS: 2000}, {SKU: "DICE", BPS: 1200}}}
	if _, err := publish(d, first, march); err != nil {
		t.Fatal(err)
	}
	second := Card{Kind: Offsite, Effective: march.Add(time.Hour), Default: 400, Entries: first.Entries[:1]}
	_, err := publish(d, second, march)
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "product DICE from 12 % to 4 %") {
		t.Errorf("got %v", err)
	}
	dice := product.Product{SKU: "DICE", Title: "Dice", Category: "Games > Dice"}
	err = d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		return product.Save(tx, us, func(string) int64 { return 1 }, []product.Product{dice})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publish(d, second, march); err != nil {
		t.Errorf("dice are games and rise to 20 %%: %v", err)
	}
}

func TestPublishNeedsAMarketplace(t *testing.T) {
	d := dbtest.Open(t)
	err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		_, err := Publish(tx, 9, Card{Kind: Offsite, Effective: march}, march, NoticeDays)
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}
