package ratecard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/id"
	"tributary/internal/product"
)

var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// exampleE is the card of docs/examples.md E, with the cap of example C on a category, and one of its own on a product.
func exampleE() *Version {
	return Version{ID: id.ID(77), Market: 1, Number: 3, Card: Card{Kind: Offsite, Effective: march, Default: 400,
		Entries: []Entry{
			{Category: "Home", BPS: 300, Cap: 9000}, {Category: "Home > Kitchen", BPS: 450}, {SKU: "SKU9", BPS: 1200},
			{Category: "Electronics > Televisions", BPS: 250, Cap: 2500}, {SKU: "TV1", BPS: 500, Cap: 100},
		}}}.Indexed()
}

func TestLookupNearestWins(t *testing.T) {
	for _, c := range []struct{ category, sku, want string }{
		{"Home > Kitchen > Kettles", "", "450 Home > Kitchen, cap 9000 of Home"},
		{"Home > Bedding", "", "300 Home, cap 9000 of Home"},
		{"Home", "", "300 Home, cap 9000 of Home"},
		{"Homeware", "", "400 default"},
		{"Auto", "", "400 default"},
		{"", "", "400 default"},
		{"Home > Bedding", "SKU9", "1200 product SKU9, cap 9000 of Home"},
		{"Auto", "SKU9", "1200 product SKU9"},
		{"", "SKU9", "1200 product SKU9"},
		{" Home>Kitchen ", "other", "450 Home > Kitchen, cap 9000 of Home"},
		{"Electronics > Televisions > OLED", "", "250 Electronics > Televisions, cap 2500 of Electronics > Televisions"},
		{"Electronics > Televisions", "TV1", "500 product TV1, cap 100 of product TV1"},
	} {
		rate := exampleE().Lookup(c.category, c.sku)
		got := fmt.Sprintf("%d %s", rate.BPS, rate.Match)
		if rate.Cap != 0 {
			got += fmt.Sprintf(", cap %d of %s", rate.Cap, rate.CapFrom)
		}
		if got != c.want {
			t.Errorf("%q, %q: %s; want %s", c.category, c.sku, got, c.want)
		}
		if rate.Card != 77 || rate.Version != 3 || !rate.Effective.Equal(march) {
			t.Errorf("%q: the rate does not say where it is from: %+v", c.category, rate)
		}
	}
}

// names make trees in which paths share beginnings, also as texts that are no ancestors ("a" and "ab").
func drawPath(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab"}), 0, 4).Draw(t, "path"), product.Separator)
}

func drawCard(t *rapid.T) Card {
	card := Card{Kind: Offsite, Effective: march, Default: rapid.Int64Range(0, 3).Draw(t, "default")}
	seen := map[string]bool{}
	for range rapid.IntRange(0, 8).Draw(t, "entries") {
		entry := Entry{BPS: rapid.Int64Range(0, 3).Draw(t, "bps"), Cap: rapid.Int64Range(0, 2).Draw(t, "cap")}
		if rapid.IntRange(0, 9).Draw(t, "excluded") == 0 {
			entry = Entry{Excluded: true}
		}
		if rapid.Bool().Draw(t, "product") {
			entry.SKU = rapid.SampledFrom([]string{"P", "Q"}).Draw(t, "sku")
		} else {
			entry.Category = drawPath(t)
		}
		if entry.Text() != "" && !seen[entry.Text()] {
			card.Entries, seen[entry.Text()] = append(card.Entries, entry), true
		}
	}
	return card
}

// slow is the rule read aloud, without an index.
func slow(c Card, category, sku string) (rate Rate) {
	rate = Rate{Match: "default", BPS: c.Default, Effective: c.Effective}
	found := func(entry Entry, hit bool, settled *bool) {
		if hit && !*settled {
			rate.Match, rate.BPS, rate.Excluded, *settled = entry.Text(), entry.BPS, entry.Excluded, true
		}
		if hit && rate.Cap == 0 && entry.Cap != 0 {
			rate.Cap, rate.CapFrom = entry.Cap, entry.Text()
		}
	}
	settled := false
	for _, entry := range c.Entries {
		found(entry, entry.SKU != "" && entry.SKU == sku, &settled)
	}
	for _, path := range product.Ancestors(category) {
		for _, entry := range c.Entries {
			found(entry, entry.SKU == "" && entry.Category == path, &settled)
		}
	}
	return rate
}

func TestLookupIsTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		card := drawCard(t)
		path, sku := drawPath(t), rapid.SampledFrom([]string{"", "P", "Q", "R"}).Draw(t, "ask")
		if diff := cmp.Diff(slow(card, path, sku), (Version{Card: card}).Indexed().Lookup(path, sku)); diff != "" {
			t.Fatalf("%+v: %s", card, diff)
		}
	})
}

// A version without cuts lowers nothing anywhere, and every cut that is named is one at a place that can be bought from.
func TestCutsAreComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, next := (Version{Card: drawCard(t)}).Indexed(), (Version{Card: drawCard(t)}).Indexed()
		categories := map[string]string{"P": drawPath(t)}
		cuts := Cuts(before, next, categories)
		named := map[string]bool{}
		for _, cut := range cuts {
			named[cut.What] = true
			if !lower(cut.From, cut.To) || cut.Turn != Fall || cut.Text("USD") == "" {
				t.Fatalf("%+v is no cut", cut)
			}
		}
		path, sku := drawPath(t), rapid.SampledFrom([]string{"P", "Q", "R"}).Draw(t, "ask")
		if sku == "P" {
			path = categories["P"]
		}
		if from, to := before.Lookup(path, sku), next.Lookup(path, sku); lower(from, to) && len(cuts) == 0 {
			t.Fatalf("%q %q: %+v to %+v was not named", path, sku, from, to)
		}
		if len(Cuts(next, next, categories)) != 0 {
			t.Fatal("a card cuts nothing against itself")
		}
	})
}

func TestCuts(t *testing.T) {
	change := func(fn func(*Card)) *Version {
		card := exampleE().Card.Clean()
		fn(&card)
		return Version{Card: card}.Indexed()
	}
	add := func(entry Entry) *Version { return change(func(c *Card) { c.Entries = append(c.Entries, entry) }) }
	for name, c := range map[string]struct {
		next *Version
		want string
	}{
		"same":            {change(func(*Card) {}), ""},
		"rise":            {change(func(c *Card) { c.Entries[1].BPS = 500 }), ""},
		"lower rate":      {change(func(c *Card) { c.Entries[1].BPS = 425 }), "Home > Kitchen from 4.5 % to 4.25 %"},
		"default":         {change(func(c *Card) { c.Default = 0 }), "default from 4 % to 0 %"},
		"default now 5 %": {change(func(c *Card) { c.Default = 500 }), ""},
		"lower cap": {change(func(c *Card) { c.Entries[4].Cap = 50 }),
			"product TV1 by a cap of 50 per unit instead of 100"},
		"new cap": {change(func(c *Card) { c.Entries[2].Cap = 8000 }), "product SKU9 by a new cap of 8000 per unit"},
		"narrower and lower": {add(Entry{Category: "Home > Kitchen > Kettles", BPS: 400}),
			"Home > Kitchen > Kettles from 4.5 % to 4 %"},
		"narrower and higher": {add(Entry{Category: "Auto > Oil", BPS: 600}), ""},
		"product entry gone": {change(func(c *Card) { c.Entries = append(c.Entries[:2], c.Entries[3:]...) }),
			"product SKU9 from 12 % to 4 %"},
		"newly excluded": {add(Entry{Category: "Home > Kitchen > Knives", Excluded: true}),
			"Home > Kitchen > Knives from 4.5 % to excluded"},
		"cap of the branch": {change(func(c *Card) { c.Entries[0].Cap = 5000 }),
			"Home by a cap of 5000 per unit instead of 9000; Home > Kitchen by"},
	} {
		var texts []string
		for _, cut := range Cuts(exampleE(), c.next, map[string]string{"SKU9": "Auto", "TV1": "Electronics > Televisions"}) {
			texts = append(texts, cut.Text(""))
		}
		got := strings.Join(texts, "; ")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Whatever is published in whatever order, nobody is ever cut without notice, and what was in force stays so.
func TestNoticeHoldsOverAnyHistory(t *testing.T) {
	const notice = 2
	at := func(days int) time.Time { return march.AddDate(0, 0, days) }
	rapid.Check(t, func(t *rapid.T) {
		categories := map[string]string{"P": drawPath(t)}
		var cards Cards
		for day := range 12 {
			card := drawCard(t)
			card.Effective = at(day + rapid.IntRange(-1, 4).Draw(t, "days ahead"))
			v := Version{Number: cards.next(Offsite), Published: at(day), Card: card}.Indexed()
			past := cards.At(Offsite, at(day))
			if cards.admit(v, past, categories, notice) != nil || cards.admitNext(v, categories, notice) != nil {
				continue
			}
			cards = append(cards, v)
			if past != nil && cards.At(Offsite, at(day).Add(-time.Microsecond)) == v {
				t.Fatalf("version %d changed what was in force", v.Number)
			}
		}
		for day := 1; day < 20; day++ {
			before, next := cards.At(Offsite, at(day).Add(-time.Microsecond)), cards.At(Offsite, at(day))
			if before == nil || before == next || !next.Effective.Before(next.noticed(notice)) {
				continue
			}
			if cuts := Cuts(before, next, categories); len(cuts) > 0 {
				t.Fatalf("day %d: version %d, published on %s, cuts %s", day, next.Number, next.Published, names(cuts))
			}
		}
	})
}

func TestCardsAt(t *testing.T) {
	at := func(number int64, kind Kind, days int) *Version {
		return Version{Number: number, Card: Card{Kind: kind, Effective: march.AddDate(0, 0, days)}}.Indexed()
	}
	// Version 4 replaces 3, which was to take effect at the same instant.
	cards := Cards{at(1, Offsite, 0), at(2, Offsite, 20), at(3, Offsite, 10), at(4, Offsite, 10), at(1, Onsite, 5)}
	for days, want := range map[int]int64{0: 1, 9: 1, 10: 4, 19: 4, 20: 2, 500: 2} {
		if got := cards.At(Offsite, march.AddDate(0, 0, days)); got == nil || got.Number != want {
			t.Errorf("day %d: %+v, want version %d", days, got, want)
		}
	}
	if v := cards.At(Offsite, march.Add(-time.Microsecond)); v != nil {
		t.Errorf("version %d is in force before the first one", v.Number)
	}
	if v := cards.At(Offsite, march.AddDate(0, 0, 20).Add(-time.Microsecond)); v.Number != 4 {
		t.Errorf("version %d in the last instant of 4", v.Number)
	}
	var coming []int64
	for _, v := range cards.Coming(Offsite, march) {
		coming = append(coming, v.Number)
	}
	if diff := cmp.Diff([]int64{4, 2}, coming); diff != "" {
		t.Error(diff)
	}
	if cards.Number(Onsite, 1) != cards[4] || cards.Number(Onsite, 2) != nil || len(cards.Sorted(Offsite)) != 4 {
		t.Error("versions are found by kind and number")
	}
}

func TestHistory(t *testing.T) {
	at := func(number int64, days int) *Version {
		return Version{Number: number, Card: Card{Kind: Offsite, Effective: march.AddDate(0, 0, days), Default: number}}.Indexed()
	}
	cards := Cards{at(1, 0), at(2, 20), at(3, 10), at(4, 10), Version{Number: 1, Card: Card{Kind: Onsite, Effective: march}}.Indexed()}
	var got []string
	for _, h := range cards.History(Offsite, march.AddDate(0, 0, 15)) {
		text := fmt.Sprintf("%d %s", h.Number, h.State)
		if h.Never {
			text += " never"
		}
		if h.Before != nil {
			text += fmt.Sprintf(" after %d: %d changes", h.Before.Number, len(Difference(h.Before, h.Version)))
		}
		if !h.Until.IsZero() {
			text += " until " + h.Until.Format(time.DateOnly)
		}
		got = append(got, text)
	}
	want := []string{"2 coming after 4: 1 changes", "4 in_force after 1: 1 changes until 2026-03-21", "3 past never after 1: 1 changes until 2026-03-21",
		"1 past until 2026-03-11"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// bigCard is a card of the size that a large shop keeps: 400 categories, 5,000 products.
func bigCard() *Version {
	card := Card{Kind: Offsite, Effective: march, Default: 400}
	for i := range 400 {
		path := fmt.Sprintf("Department %d > Aisle %d", i/20, i)
		card.Entries = append(card.Entries, Entry{Category: path, BPS: int64(i), Cap: int64(i % 3)})
	}
	for i := range 5_000 {
		card.Entries = append(card.Entries, Entry{SKU: fmt.Sprintf("SKU-%06d", i), BPS: 700})
	}
	return Version{Card: card}.Indexed()
}

func BenchmarkLookup(b *testing.B) {
	v := bigCard()
	for name, ask := range map[string][2]string{
		"category": {"Department 3 > Aisle 77 > Shelf > Box", "OTHER"},
		"product":  {"Department 3 > Aisle 77 > Shelf", "SKU-004242"},
		"default":  {"Department 99 > Aisle 4000 > Shelf > Box", "OTHER"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v.Lookup(ask[0], ask[1]).Match == "" {
					b.Fatal("no rate")
				}
			}
		})
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	v := bigCard()
	if n := testing.AllocsPerRun(100, func() { v.Lookup("Department 3 > Aisle 77 > Shelf > Box", "SKU-000001") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
