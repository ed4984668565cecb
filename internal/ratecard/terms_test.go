package ratecard

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/id"
	"tributary/internal/money"
)

const (
	ada = id.ID(11)
	bob = id.ID(22)
)

// home gives the three promotions of docs/examples.md E, all in Home and all of March.
func homePromotions() []Promotion {
	p := Promotion{From: march, Until: march.AddDate(0, 1, 0), Categories: []string{"Home"}}
	times, plus, fixed := p, p, p
	times.ID, times.Name, times.Change, times.Value = 1, "half more", Multiply, 15_000
	plus.ID, plus.Name, plus.Change, plus.Value = 2, "one more", Add, 100
	fixed.ID, fixed.Name, fixed.Change, fixed.Value = 3, "flat", Set, 350
	return []Promotion{times, plus, fixed}
}

func bookE() *Book {
	card := Version{ID: 77, Market: 1, Number: 3, Card: Card{Kind: Offsite, Effective: march, Default: 400, Entries: []Entry{
		{Category: "Home", BPS: 300}, {Category: "Home > Kitchen", BPS: 450}, {SKU: "SKU9", BPS: 1200},
		{Category: "Gift Cards", Excluded: true}, {Category: "Home > Towels", BPS: 300, Cap: 50}}}}.Indexed()
	return &Book{Cards: Cards{card}, Contracts: map[id.ID][]Contract{
		ada: {{ID: 5, Creator: ada, Kind: Offsite, BPS: 700, From: march}},
		bob: {{ID: 6, Creator: bob, Kind: Offsite, BPS: 100, Cap: 40, From: march, NoPromotions: true}},
	}}
}

// describe writes a price as people read it.
func describe(p Price) string {
	text := fmt.Sprint(p.Base)
	if p.Final != p.Base || p.Offer != nil {
		text += fmt.Sprintf(" → %d by %s", p.Final, p.Offer.Name)
	}
	if p.Cap != 0 {
		text += fmt.Sprintf(", cap %d", p.Cap)
	}
	if p.Excluded {
		text += ", excluded"
	}
	return text
}

// docs/examples.md E, and what else the order of precedence decides.
func TestPrecedence(t *testing.T) {
	at := march.AddDate(0, 0, 3)
	for _, c := range []struct {
		name       string
		creator    id.ID
		category   string
		sku        string
		promotions []Promotion
		want       string
	}{
		{"category", 1, "Home > Kitchen > Kettles", "", nil, "450"},
		{"nearest above", 1, "Home > Bedding", "", nil, "300"},
		{"default", 1, "Auto", "", nil, "400"},
		{"product before category", 1, "Home", "SKU9", nil, "1200"},
		{"contract before category", ada, "Home", "", nil, "700"},
		{"contract before product", ada, "Home", "SKU9", nil, "700"},
		{"contract before default", ada, "Auto", "", nil, "700"},
		{"three promotions at once: the best one, not their sum", 1, "Home", "", homePromotions(), "300 → 450 by half more"},
		{"a promotion never lowers", 1, "Home > Kitchen", "", homePromotions()[2:], "450"},
		{"a promotion on a contract", ada, "Home", "", homePromotions(), "700 → 1050 by half more"},
		{"a contract without promotions", bob, "Home", "", homePromotions(), "100, cap 40"},
		{"a contract may lower, and brings its own cap", bob, "Home > Towels", "", nil, "100, cap 40"},
		{"a contract without cap lifts the card's", ada, "Home > Towels", "", nil, "700"},
		{"a promotion keeps the cap", 1, "Home > Towels", "", homePromotions(), "300 → 450 by half more, cap 50"},
		{"excluded", 1, "Gift Cards > Printed", "", nil, "0, excluded"},
		{"excluded before contract", ada, "Gift Cards", "", nil, "700, excluded"},
		{"excluded before promotion", 1, "Gift Cards", "", []Promotion{{From: march, Until: at.Add(time.Hour), Change: Set, Value: 900}},
			"0, excluded"},
		{"outside its categories", 1, "Auto", "", homePromotions(), "400"},
	} {
		b := bookE()
		b.Promotions = c.promotions
		got := b.Quote(Ask{Kind: Offsite, Creator: c.creator, Category: c.category, SKU: c.sku, Rated: at, Ordered: at}).Price()
		if describe(got) != c.want {
			t.Errorf("%s: %s, want %s", c.name, describe(got), c.want)
		}
	}
}

// docs/examples.md N: 187.5 is rounded half up to a whole rate, before any amount is.
func TestOfferRates(t *testing.T) {
	for _, c := range []struct {
		base   int64
		change Change
		value  int64
		want   int64
	}{
		{125, Multiply, 15_000, 188}, {125, Multiply, 14_999, 187}, {450, Add, 100, 550}, {450, Set, 350, 350}, {0, Multiply, 20_000, 0},
		{9_950, Add, 100, 10_000}, {6_000, Multiply, 20_000, 10_000}, {100, "", 700, 100}, {100, Set, 20_000, 10_000}, {100, Add, -900, 0},
	} {
		if got := (Offer{Change: c.change, Value: c.value}).Rate(c.base); got != c.want {
			t.Errorf("%d %s %d: %d, want %d", c.base, c.change, c.value, got, c.want)
		}
	}
	if got := money.Share(1990, 550); got != 109 || money.Share(1990, 450) != 90 {
		t.Errorf("1990 earns %d at 550", got)
	}
}

// Of two promotions that pay alike the smaller id is named, in whatever order they are read.
func TestPromotionTies(t *testing.T) {
	b := bookE()
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		both := []Promotion{{ID: 9, Name: "late", Change: Add, Value: 100}, {ID: 8, Name: "early", Change: Set, Value: 400}}
		b.Promotions = nil
		for _, i := range order {
			both[i].From, both[i].Until = march, march.AddDate(0, 1, 0)
			b.Promotions = append(b.Promotions, both[i])
		}
		q := b.Quote(Ask{Kind: Offsite, Category: "Home", Rated: march, Ordered: march})
		if p := q.Price(); p.Offer == nil || p.Offer.ID != 8 || len(q.Offers) != 2 || q.Offers[0].ID != 8 {
			t.Errorf("%v: %s of %+v", order, describe(p), q.Offers)
		}
	}
}

func TestPromotionFits(t *testing.T) {
	until := march.AddDate(0, 0, 4)
	base := Promotion{ID: 1, From: march, Until: until, Categories: []string{"Home"}}
	with := func(fn func(*Promotion)) Promotion { p := base; fn(&p); return p }
	ask := Ask{Kind: Offsite, Category: "Home > Kitchen", SKU: "KETTLE", Ordered: march.AddDate(0, 0, 1)}
	asked := func(fn func(*Ask)) Ask { a := ask; fn(&a); return a }
	for name, c := range map[string]struct {
		promotion Promotion
		ask       Ask
		want      bool
	}{
		"inside":                        {base, ask, true},
		"its first instant":             {base, asked(func(a *Ask) { a.Ordered = march }), true},
		"an instant too soon":           {base, asked(func(a *Ask) { a.Ordered = march.Add(-time.Microsecond) }), false},
		"its last instant":              {base, asked(func(a *Ask) { a.Ordered = until.Add(-time.Microsecond) }), true},
		"its end":                       {base, asked(func(a *Ask) { a.Ordered = until }), false},
		"a name that only begins alike": {base, asked(func(a *Ask) { a.Category = "Homeware" }), false},
		"another category":              {base, asked(func(a *Ask) { a.Category = "Auto" }), false},
		"a path as the store wrote it":  {base, asked(func(a *Ask) { a.Category = " Home>Kitchen" }), true},
		"everything":                    {with(func(p *Promotion) { p.Categories = nil }), asked(func(a *Ask) { a.Category = "Auto" }), true},
		"its product":                   {with(func(p *Promotion) { p.Categories, p.SKUs = nil, []string{"KETTLE"} }), ask, true},
		"its product outside its categories": {with(func(p *Promotion) { p.Categories, p.SKUs = []string{"Auto"}, []string{"KETTLE"} }),
			ask, true},
		"another product":    {with(func(p *Promotion) { p.Categories, p.SKUs = nil, []string{"POT"} }), ask, false},
		"its kind":           {with(func(p *Promotion) { p.Kinds = []Kind{Onsite, Offsite} }), ask, true},
		"another kind":       {with(func(p *Promotion) { p.Kinds = []Kind{Onsite} }), ask, false},
		"new customers":      {with(func(p *Promotion) { p.NewCustomers = true }), asked(func(a *Ask) { a.NewCustomer = true }), true},
		"known customers":    {with(func(p *Promotion) { p.NewCustomers = true }), ask, false},
		"new ones, for all":  {base, asked(func(a *Ask) { a.NewCustomer = true }), true},
		"rated before, sold": {base, asked(func(a *Ask) { a.Rated = march.AddDate(0, -1, 0) }), true},
	} {
		q := (&Book{Promotions: []Promotion{c.promotion}}).Quote(c.ask)
		if got := len(q.Offers) == 1; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestContractsInTime(t *testing.T) {
	day := func(n int) time.Time { return march.AddDate(0, 0, n) }
	b := &Book{Contracts: map[id.ID][]Contract{ada: {
		{ID: 1, Creator: ada, Kind: Offsite, BPS: 500, From: day(0)},
		{ID: 3, Creator: ada, Kind: Offsite, BPS: 700, From: day(5), Until: day(8)},
		{ID: 2, Creator: ada, Kind: Offsite, BPS: 600, From: day(4), Until: day(7)},
		{ID: 4, Creator: ada, Kind: Onsite, BPS: 200, From: day(0), Until: day(1)},
	}}}
	for at, want := range map[time.Time]int64{day(-1): 0, day(0): 500, day(4): 600, day(5): 700, day(7): 700, day(8): 500} {
		q := b.Quote(Ask{Kind: Offsite, Creator: ada, Rated: at, Ordered: at})
		if p := q.Price(); p.Base != want {
			t.Errorf("%s: %d, want %d", at.Format(time.DateOnly), p.Base, want)
		}
	}
	if q := b.Quote(Ask{Kind: Onsite, Creator: ada, Rated: day(0).Add(-1)}); q.Contract != nil || q.Rate != nil || q.Price() != (Price{}) {
		t.Errorf("%+v", q)
	}
	if q := b.Quote(Ask{Kind: Onsite, Creator: ada, Rated: day(1)}); q.Contract != nil {
		t.Error("a contract holds at its end")
	}
}

// Boosted content has a card of its own or earns as any other does.
func TestBoosted(t *testing.T) {
	onsite := Version{ID: 1, Card: Card{Kind: Onsite, Effective: march, Default: 200}}.Indexed()
	boosted := Version{ID: 2, Card: Card{Kind: Boosted, Effective: march.AddDate(0, 0, 10), Default: 100}}.Indexed()
	b := &Book{Cards: Cards{boosted, onsite},
		Contracts: map[id.ID][]Contract{
			ada: {{ID: 1, Creator: ada, Kind: Onsite, BPS: 300, From: march}},
			bob: {{ID: 2, Creator: bob, Kind: Boosted, BPS: 50, From: march}, {ID: 3, Creator: bob, Kind: Onsite, BPS: 300, From: march}}},
		Promotions: []Promotion{{ID: 4, Name: "views", Kinds: []Kind{Onsite}, Change: Add, Value: 10, From: march, Until: march.AddDate(1, 0, 0)}}}
	for _, c := range []struct {
		creator id.ID
		days    int
		want    string
	}{{1, 0, "200 → 210 by views"}, {1, 10, "100"}, {ada, 0, "300 → 310 by views"}, {ada, 10, "100"}, {bob, 0, "50 → 60 by views"}, {bob, 10, "50"}} {
		at := march.AddDate(0, 0, c.days)
		if got := describe(b.Quote(Ask{Kind: Boosted, Creator: c.creator, Rated: at, Ordered: at}).Price()); got != c.want {
			t.Errorf("creator %d, day %d: %s, want %s", c.creator, c.days, got, c.want)
		}
	}
}

// A version has one effective instant: all of it applies from then on, whatever rises and whatever is cut.
func TestOneEffectiveInstant(t *testing.T) {
	next := exampleE().Card.Clean()
	next.Effective, next.Entries[0].BPS, next.Entries[1].BPS = march.AddDate(0, 0, 20), 350, 400
	b := &Book{Cards: Cards{exampleE(), Version{ID: 78, Number: 4, Card: next}.Indexed()}}
	for at, want := range map[time.Time][2]int64{next.Effective.Add(-time.Microsecond): {300, 450}, next.Effective: {350, 400}} {
		home := b.Quote(Ask{Kind: Offsite, Category: "Home", Rated: at}).Price().Base
		kitchen := b.Quote(Ask{Kind: Offsite, Category: "Home > Kitchen", Rated: at}).Price().Base
		if home != want[0] || kitchen != want[1] {
			t.Errorf("%s: %d and %d, want %d", at, home, kitchen, want)
		}
	}
}

func TestFee(t *testing.T) {
	b := &Book{Cards: Cards{Version{ID: 1, Card: Card{Kind: SellerFee, Effective: march, Default: 1500,
		Entries: []Entry{{Category: "Jewellery", BPS: 2000, Minimum: 30}}}}.Indexed()}}
	if b.Fee("Jewellery", "", march.Add(-1)) != nil {
		t.Error("a fee before the first schedule")
	}
	if r := b.Fee("Jewellery > Rings", "", march); r.BPS != 2000 || r.Minimum != 30 || r.Match != "Jewellery" {
		t.Errorf("%+v", r)
	}
	if r := b.Fee("Home", "", march); r.BPS != 1500 || r.Minimum != 0 || r.Match != "default" {
		t.Errorf("%+v", r)
	}
}

// docs/examples.md Q, and bands beside it.
func TestVolumeExtra(t *testing.T) {
	q := Volume{Bands: []Band{{Above: 100_000, Extra: 200}}}
	two := Volume{Bands: []Band{{Above: 0, Extra: 50}, {Above: 1_000, Extra: 100}, {Above: 2_001, Extra: 0}}}
	for _, c := range []struct {
		v    Volume
		base int64
		want int64
	}{
		{q, 160_000, 1200}, {q, 80_000, 0}, {q, 100_000, 0}, {q, 100_025, 1}, {q, 100_024, 0}, {q, -5, 0}, {q, 0, 0},
		{two, 0, 0}, {two, -1_000, 0}, {two, 1_000, 5}, {two, 2_001, 15}, {two, 1_000_000, 15}, {Volume{}, 500, 0},
		{Volume{Bands: []Band{{Above: 0, Extra: 100}, {Above: 150, Extra: 100}}}, 300, 4}, // each band is rounded by itself: 2 + 2
	} {
		if got := c.v.Extra(c.base); got != c.want {
			t.Errorf("%+v of %d: %d, want %d", c.v.Bands, c.base, got, c.want)
		}
	}
}

func TestVolumeOf(t *testing.T) {
	b := &Book{Volumes: []Volume{{Number: 1, From: "2026-12"}, {Number: 2, From: "2027-03"}, {Number: 3, From: "2027-03"}, {Number: 4, From: "2027-02"}}}
	for month, want := range map[string]int64{"2026-12": 1, "2027-01": 1, "2027-02": 4, "2027-03": 3, "2030-01": 3} {
		if v := b.VolumeOf(month); v == nil || v.Number != want {
			t.Errorf("%s: %+v, want %d", month, v, want)
		}
	}
	if v := b.VolumeOf("2026-11"); v != nil {
		t.Errorf("%+v before the first", v)
	}
}

// Whatever stands in the book, a price is between the rate without promotion and all of the price, comes of one
// promotion at most, and does not depend on the order in which promotions and contracts are read.
func TestPricesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &Book{Cards: Cards{(Version{Card: drawCard(t)}).Indexed()}, Contracts: map[id.ID][]Contract{}}
		for i := range rapid.IntRange(0, 4).Draw(t, "promotions") {
			p := Promotion{ID: id.ID(i + 1), From: march, Until: march.AddDate(0, 0, rapid.IntRange(1, 3).Draw(t, "days")),
				Change: rapid.SampledFrom([]Change{Set, Add, Multiply}).Draw(t, "change"), Value: rapid.Int64Range(1, 30_000).Draw(t, "value")}
			if path := drawPath(t); path != "" {
				p.Categories = []string{path}
			}
			b.Promotions = append(b.Promotions, p)
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "contracts") {
			b.Contracts[ada] = append(b.Contracts[ada], Contract{ID: id.ID(i + 1), Kind: Offsite, From: march,
				BPS: rapid.Int64Range(0, 10_000).Draw(t, "contract"), NoPromotions: rapid.Bool().Draw(t, "none")})
		}
		at := march.AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "day"))
		ask := Ask{Kind: Offsite, Creator: ada, Category: drawPath(t), Rated: at, Ordered: at}
		q := b.Quote(ask)
		p := q.Price()
		base := q.Rate.BPS
		if q.Contract != nil {
			base = q.Contract.BPS
		}
		if p.Base != base || p.Final < p.Base || p.Final > money.FullRate || (p.Final == p.Base) != (p.Offer == nil) {
			t.Fatalf("%+v of %+v", p, q)
		}
		if p.Offer != nil && (p.Excluded || p.Offer.Rate(p.Base) != p.Final) {
			t.Fatalf("%+v by %+v", p, p.Offer)
		}
		slices.Reverse(b.Promotions)
		slices.Reverse(b.Contracts[ada])
		if diff := cmp.Diff(q, b.Quote(ask)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestChangedTexts(t *testing.T) {
	for want, c := range map[string]Changed{
		"default 4 %":                                                     {What: "default", To: Rate{BPS: 400}, Turn: New},
		"Home 4 %, at most 25.00 USD per unit":                            {What: "Home", To: Rate{BPS: 400, Cap: 2500}, Turn: New},
		"Rings 20 %, at least 0.30 USD per unit":                          {What: "Rings", To: Rate{BPS: 2000, Minimum: 30}, Turn: New},
		"Home from 4 % to 4.5 % and without the cap of 1.00 USD per unit": {What: "Home", From: Rate{BPS: 400, Cap: 100}, To: Rate{BPS: 450}, Turn: Rise},
		"Home by a cap of 1.00 USD per unit instead of 2.00 USD":          {What: "Home", From: Rate{Cap: 200}, To: Rate{Cap: 100}, Turn: Fall},
		"Home from 4 % to excluded":                                       {What: "Home", From: Rate{BPS: 400, Cap: 200}, To: Rate{Excluded: true}, Turn: Fall},
		"Rings by a minimum of 0.30 USD per unit instead of 0.00 USD":     {What: "Rings", To: Rate{Minimum: 30}, Turn: Rise},
	} {
		if got := c.Text("USD"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var all []string
	for _, c := range Difference(nil, exampleE()) {
		all = append(all, c.Text("USD"))
	}
	if got := strings.Join(all, "; "); !strings.HasPrefix(got, "default 4 %; Home 3 %, at most 90.00 USD per unit; Home > Kitchen 4.5 %, at most 90.00") {
		t.Error(got)
	}
	next := exampleE().Card.Clean()
	next.Entries[0].BPS, next.Entries[1].BPS = 350, 400
	all = nil
	for _, c := range Difference(exampleE(), Version{Card: next}.Indexed()) {
		all = append(all, string(c.Turn)+" "+c.Text("USD"))
	}
	if diff := cmp.Diff([]string{"rise Home from 3 % to 3.5 %", "cut Home > Kitchen from 4.5 % to 4 %"}, all); diff != "" {
		t.Error(diff)
	}
}
