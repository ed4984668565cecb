package rates_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/report/rates"
)

func card(kind ratecard.Kind, from time.Time, fallback int64, entries ...ratecard.Entry) *ratecard.Version {
	v := ratecard.Version{Number: from.Unix(), Card: ratecard.Card{Kind: kind, Effective: from, Default: fallback, Entries: entries}}
	return v.Indexed()
}

func in(category string, bps int64) ratecard.Entry {
	return ratecard.Entry{Category: category, BPS: bps}
}
func of(sku string, bps int64) ratecard.Entry { return ratecard.Entry{SKU: sku, BPS: bps} }

func offer(n int64, from, until time.Time, change ratecard.Change, value int64, categories ...string) ratecard.Promotion {
	return ratecard.Promotion{ID: id.ID(n), Name: fmt.Sprintf("P%d", n), From: from, Until: until, Change: change, Value: value, Categories: categories}
}

var (
	us    = market.Market{No: 1, ID: "us", Currency: "USD", Zone: "America/New_York", Policy: policy.Shipped()}
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// said writes warnings as a program manager would note them.
func said(warnings []rates.Warning) (all []string) {
	for _, w := range warnings {
		text := fmt.Sprintf("%s %s %d>%d", w.Kind, w.What, w.Final, w.Fee)
		if w.Promotion != nil {
			text += " by " + w.Promotion.Name
		}
		if !w.From.Equal(start) {
			text += w.From.Format(" from 01-02")
		}
		if !w.Until.IsZero() {
			text += w.Until.Format(" until 01-02")
		}
		all = append(all, text)
	}
	return all
}

func day(n int) time.Time { return start.AddDate(0, 0, n) }

func TestWarnings(t *testing.T) {
	long := start.AddDate(-1, 0, 0)
	fees := card(ratecard.SellerFee, long, 1500, in("Music", 500), of("CHEAP", 100))
	cards := card(ratecard.Offsite, long, 400, in("Games", 2000), in("Games > Cards", 300), in("Music > Vinyl", 500), of("SKU9", 1200))
	for _, c := range []struct {
		name string
		book ratecard.Book
		want []string
	}{
		{"a rate above the fee", ratecard.Book{Cards: ratecard.Cards{fees, cards}},
			[]string{"offsite Games 2000>1500", "offsite product CHEAP 400>100", "offsite product SKU9 1200>500"}},
		{"no schedule of fees", ratecard.Book{Cards: ratecard.Cards{cards}}, nil},
		{"no card", ratecard.Book{Cards: ratecard.Cards{fees}}, nil},
		{"a schedule to come", ratecard.Book{Cards: ratecard.Cards{cards, card(ratecard.SellerFee, day(3), 1500)}},
			[]string{"offsite Games 2000>1500 from 03-04"}},
		{"a card to come mends one and breaks another", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 1500), cards,
			card(ratecard.Offsite, day(10), 400, in("Games", 1500), in("Toys", 1501))}},
			[]string{"offsite Games 2000>1500 until 03-11", "offsite Toys 1501>1500 from 03-11"}},
		{"one that is replaced before it holds says nothing", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 1500),
			card(ratecard.Offsite, long, 400), {Number: 5, Card: ratecard.Card{Kind: ratecard.Offsite, Effective: day(10), Default: 9000}},
			{Number: 6, Card: ratecard.Card{Kind: ratecard.Offsite, Effective: day(10), Default: 500}}}}, nil},
		{"a running promotion", ratecard.Book{Cards: ratecard.Cards{fees, card(ratecard.Offsite, long, 400, in("Music", 300))},
			Promotions: []ratecard.Promotion{offer(1, day(-1), day(5), ratecard.Multiply, 20_000, "Music > Vinyl"), offer(2, day(-9), day(-1), ratecard.Set, 9000)}},
			[]string{"offsite Music > Vinyl 600>500 by P1 until 03-06", "offsite product CHEAP 400>100"}},
		{"promotions one after the other, the best of two", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 1500), card(ratecard.Offsite, long, 400)},
			Promotions: []ratecard.Promotion{offer(1, day(1), day(5), ratecard.Add, 1200), offer(2, day(3), day(9), ratecard.Set, 1700)}},
			[]string{"offsite default 1600>1500 by P1 from 03-02 until 03-04", "offsite default 1700>1500 by P2 from 03-04 until 03-10"}},
		{"for new customers only is above the fee for them", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 1500), card(ratecard.Offsite, long, 400)},
			Promotions: []ratecard.Promotion{{ID: 1, Name: "P1", From: day(-1), Until: day(9), Change: ratecard.Set, Value: 1600, NewCustomers: true}}},
			[]string{"offsite default 1600>1500 by P1 until 03-10"}},
		{"views and boosted views have cards of their own", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 500),
			card(ratecard.Onsite, long, 600), card(ratecard.Boosted, day(2), 700)}},
			[]string{"onsite default 600>500", "boosted default 700>500 from 03-03"}},
		{"what is boosted by a promotion alone", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 500), card(ratecard.Onsite, long, 400)},
			Promotions: []ratecard.Promotion{{ID: 1, Name: "P1", From: day(-1), Until: day(9), Change: ratecard.Add, Value: 200, Kinds: []ratecard.Kind{ratecard.Boosted}}}},
			[]string{"boosted default 600>500 by P1 until 03-10"}},
		{"what is excluded earns nothing", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 1500, in("Gift Cards", 0)),
			card(ratecard.Offsite, long, 400, ratecard.Entry{Category: "Gift Cards", Excluded: true})},
			Promotions: []ratecard.Promotion{offer(1, day(-1), day(9), ratecard.Set, 1000, "Gift Cards")}}, nil},
		{"a product's own fee", ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 1500, of("SKU9", 1100), of("SKU8", 1200)),
			card(ratecard.Offsite, long, 400, of("SKU9", 1200), of("SKU8", 1200))}},
			[]string{"offsite product SKU9 1200>1100"}},
	} {
		if got := said(rates.Warnings(&c.book, start)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// A warning stands where a line of that place, ordered at that instant, would cost more than it brings, and nowhere else.
func TestWarningsAreTrue(t *testing.T) {
	paths := []string{"", "A", "A > B", "A > B > C", "D", "D > E"}
	skus := []string{"", "S1", "S2"}
	rapid.Check(t, func(r *rapid.T) {
		book, categories := drawBook(r, paths), map[string]string{"S1": "A > B", "S2": "D"}
		warnings := rates.WarningsIn(book, categories, start)
		for range 20 {
			at := day(rapid.IntRange(0, 40).Draw(r, "day")).Add(time.Hour)
			kind := rapid.SampledFrom([]ratecard.Kind{ratecard.Offsite, ratecard.Onsite}).Draw(r, "kind")
			sku := rapid.SampledFrom(skus).Draw(r, "sku")
			path := rapid.SampledFrom(paths).Draw(r, "path")
			if category, known := categories[sku]; known {
				path = category
			}
			q := book.Quote(ratecard.Ask{Kind: kind, Category: path, SKU: sku, Rated: at, Ordered: at, NewCustomer: true})
			fee := book.Fee(path, sku, at)
			over := fee != nil && q.Rate != nil && q.Price().Final > fee.BPS
			if over && !slices.ContainsFunc(warnings, func(w rates.Warning) bool { return w.Kind == kind && covers(w, path, sku, at) }) {
				r.Fatalf("%s %q %q at %v: %d above %d, no warning among %q", kind, path, sku, at, q.Price().Final, fee.BPS, said(warnings))
			}
		}
		for _, w := range warnings {
			last := w.Until.Add(-time.Microsecond)
			if w.Until.IsZero() {
				last = day(1000)
			}
			for _, at := range []time.Time{w.From, last} {
				a := ratecard.Ask{Kind: w.Kind, Category: w.What, Rated: at, Ordered: at, NewCustomer: true}
				if sku, found := strings.CutPrefix(w.What, "product "); found {
					a.SKU, a.Category = sku, categories[sku]
				} else if w.What == "default" {
					a.Category = ""
				}
				if price, fee := book.Quote(a).Price(), book.Fee(a.Category, a.SKU, at); price.Final != w.Final || fee.BPS != w.Fee || w.Excess() <= 0 {
					r.Fatalf("%q at %v: %d, %+v", said([]rates.Warning{w}), at, price.Final, fee)
				}
			}
		}
	})
}

// covers tells whether a warning speaks of a line: of its product, or of its category or one above it.
func covers(w rates.Warning, path, sku string, at time.Time) bool {
	place := sku != "" && w.What == "product "+sku || w.What == path || w.What == "default" || product.Under(path, w.What)
	return place && !at.Before(w.From) && (w.Until.IsZero() || at.Before(w.Until))
}

func drawBook(r *rapid.T, paths []string) *ratecard.Book {
	book := &ratecard.Book{}
	for _, kind := range []ratecard.Kind{ratecard.Offsite, ratecard.Onsite, ratecard.SellerFee} {
		for n := range rapid.IntRange(0, 3).Draw(r, "versions") {
			v := card(kind, day(rapid.IntRange(-5, 30).Draw(r, "effective")), rapid.Int64Range(0, 10).Draw(r, "default"))
			v.Number = int64(n + 1)
			for _, path := range paths[1:] {
				if rapid.IntRange(0, 2).Draw(r, "entry") == 0 {
					v.Entries = append(v.Entries, in(path, rapid.Int64Range(0, 10).Draw(r, "bps")))
				}
			}
			for _, sku := range []string{"S1", "S2"} {
				if rapid.IntRange(0, 2).Draw(r, "product") == 0 {
					v.Entries = append(v.Entries, of(sku, rapid.Int64Range(0, 10).Draw(r, "bps")))
				}
			}
			book.Cards = append(book.Cards, v.Indexed())
		}
	}
	for n := range rapid.IntRange(0, 3).Draw(r, "promotions") {
		from := rapid.IntRange(-5, 30).Draw(r, "from")
		p := offer(int64(n+1), day(from), day(from+rapid.IntRange(1, 20).Draw(r, "days")), ratecard.Add, rapid.Int64Range(1, 5).Draw(r, "value"))
		if rapid.Bool().Draw(r, "narrow") {
			p.Categories = []string{rapid.SampledFrom(paths[1:]).Draw(r, "category")}
		}
		if rapid.Bool().Draw(r, "of a product") {
			p.SKUs = []string{"S1"}
		}
		book.Promotions = append(book.Promotions, p)
	}
	return book
}

// What the catalog knows of a product decides which fee it is held against.
func TestStored(t *testing.T) {
	d := dbtest.Open(t)
	long := start.AddDate(-1, 0, 0)
	err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		if err := market.Save(tx, us); err != nil {
			return err
		}
		for _, c := range []ratecard.Card{{Kind: ratecard.SellerFee, Effective: long, Default: 1500, Entries: []ratecard.Entry{in("Music", 500)}},
			{Kind: ratecard.Offsite, Effective: long, Default: 400, Entries: []ratecard.Entry{of("SKU8", 1200), of("SKU9", 1200), of("SKU7", 1200)}}} {
			if _, err := ratecard.Publish(tx, us.No, c, long, 0); err != nil {
				return err
			}
		}
		place := func(sku string) int64 { return int64(sku[3]) }
		return product.Save(tx, us.No, place, []product.Product{{SKU: "SKU8", Title: "A", Category: "Music > Vinyl", State: product.Available},
			{SKU: "SKU9", Title: "B", Category: "Home", State: product.Available}})
	})
	if err != nil {
		t.Fatal(err)
	}
	err = d.Read(context.Background(), func(tx *db.Tx) error {
		warnings, err := rates.Stored(tx, us, start)
		if got := strings.Join(said(warnings), "; "); err != nil || got != "offsite product SKU7 1200>500; offsite product SKU8 1200>500" {
			t.Errorf("%s, %v", got, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWarnings measures the check of a card with 500 entries under 10 promotions.
func BenchmarkWarnings(b *testing.B) {
	long := start.AddDate(-1, 0, 0)
	var entries []ratecard.Entry
	for n := range 500 {
		entries = append(entries, in(fmt.Sprintf("Top %d > Category %d", n%20, n), 400))
	}
	book := &ratecard.Book{Cards: ratecard.Cards{card(ratecard.SellerFee, long, 1500), card(ratecard.Offsite, long, 400, entries...)}}
	for n := range 10 {
		book.Promotions = append(book.Promotions, offer(int64(n+1), day(n), day(n+5), ratecard.Set, 1600, fmt.Sprintf("Top %d", n)))
	}
	for b.Loop() {
		rates.Warnings(book, start)
	}
}
