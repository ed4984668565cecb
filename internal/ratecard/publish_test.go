package ratecard

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

const day = 24 * time.Hour

var newYork = func() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return zone
}()

// used makes a marketplace with the card of example E, in force since March, in which an order has come in.
func used(t *testing.T) *db.DB {
	t.Helper()
	d := open(t)
	do(t, d, func(tx *db.Tx) error {
		_, err := Publish(tx, us, bookE().Cards[0].Card, march, NoticeDays)
		return err
	})
	sold(t, d)
	return d
}

var insertLine = db.Statement(`INSERT INTO line (market, order_id, line_id, at, sku, quantity, amount, digital, terms, open_units, version,
	whole_version, creator, program, tracking, reason, pending, earned, state, touched)
	VALUES ($1, '1', '1', $2, 'K', 1, 100, 0, '', 0, 1, 1, 0, 0, 0, '', 0, 0, '', $2)`)

func sold(t *testing.T, d *db.DB) {
	t.Helper()
	do(t, d, func(tx *db.Tx) error { _, err := tx.Exec(insertLine, int64(us), march.UnixMicro()); return err })
}

func do(t *testing.T, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

func loadBook(t *testing.T, d *db.DB) (b *Book) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) { b, err = LoadBook(tx, us); return err })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expect compares an error with what the table wants: empty is none.
func expect(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
	if err != nil {
		if f := fault.Of(err); f.Kind == fault.Unavailable || f.Rule == "" || f.Fix == "" {
			t.Errorf("%s: %+v is no refusal that helps", what, f)
		}
	}
}

func TestPublishPromotion(t *testing.T) {
	d, now := used(t), march.Add(100*day)
	good := Promotion{Name: "Black Friday", From: now.Add(day), Until: now.Add(5 * day), Categories: []string{"Home"}, Change: Add, Value: 100}
	with := func(fn func(*Promotion)) Promotion { p := good; fn(&p); return p }
	for _, step := range []struct {
		what string
		p    Promotion
		want string
	}{
		{"good", good, ""},
		{"at once", with(func(p *Promotion) { p.From = now }), ""},
		{"sent twice", good, "the very same promotion is published already"},
		{"of a category that nobody has yet", with(func(p *Promotion) { p.Categories = []string{"Moon > Dust"} }), ""},
		{"in the past", with(func(p *Promotion) { p.From = now.Add(-time.Second) }), "from: is in the past"},
		{"without name", with(func(p *Promotion) { p.Name = " " }), "name: is not a name"},
		{"without end", with(func(p *Promotion) { p.Until = time.Time{} }), "until: is missing"},
		{"without beginning", with(func(p *Promotion) { p.From = time.Time{} }), "from: is missing"},
		{"backwards", with(func(p *Promotion) { p.Until = p.From }), "until: is not after its beginning"},
		{"in the year 3000", with(func(p *Promotion) { p.Until = p.Until.AddDate(974, 0, 0) }), "until: is in the year 3000"},
		{"of no kind", with(func(p *Promotion) { p.Kinds = []Kind{"x"} }), `kinds[0]: "x" is not a kind`},
		{"of fees", with(func(p *Promotion) { p.Kinds = []Kind{SellerFee} }), `kinds[0]: "seller_fee" is not a kind`},
		{"of nothing", with(func(p *Promotion) { p.Categories = []string{" > "} }), "categories[0]: is empty"},
		{"of a bad sku", with(func(p *Promotion) { p.SKUs = []string{" x"} }), "products[0]: begins or ends with white space"},
		{"add nothing", with(func(p *Promotion) { p.Value = 0 }), "add: is not above 0"},
		{"set more than all", with(func(p *Promotion) { p.Change, p.Value = Set, 10_001 }), "set: is not above 0"},
		{"multiply by 1", with(func(p *Promotion) { p.Change, p.Value = Multiply, 10_000 }), "multiply: is not above 1"},
		{"multiply by 101", with(func(p *Promotion) { p.Change, p.Value = Multiply, 1_010_000 }), "multiply: is not above 1"},
		{"divide", with(func(p *Promotion) { p.Change = "divide" }), `change: "divide" is not`},
	} {
		err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
			_, err := PublishPromotion(tx, us, step.p, now, NoticeDays)
			return err
		})
		expect(t, step.what, err, step.want)
	}
	b := loadBook(t, d)
	if len(b.Promotions) != 3 || b.Promotions[0].Name != good.Name || !b.Promotions[0].Published.Equal(now) {
		t.Errorf("%+v", b.Promotions)
	}
	if _, version := load(t, d); version != 5 {
		t.Errorf("the marketplace is at version %d, want 5", version)
	}
}

func TestEndPromotion(t *testing.T) {
	d, now := used(t), march.Add(100*day)
	var p Promotion
	do(t, d, func(tx *db.Tx) (err error) {
		p, err = PublishPromotion(tx, us, Promotion{Name: "Summer", From: now.Add(day), Until: now.Add(60 * day), Change: Add, Value: 100}, now, NoticeDays)
		return err
	})
	for _, step := range []struct {
		what       string
		at, until  time.Time
		want       string
		wantedTill time.Time
	}{
		{"not begun: as one likes", now, now.Add(50 * day), "", now.Add(50 * day)},
		{"what it was", now, now.Add(50 * day), "until: is what it was", now.Add(50 * day)},
		{"running: with notice", now.Add(2 * day), now.Add(16*day - 1000), "until: ends a running promotion", now.Add(50 * day)},
		{"in the past", now.Add(2 * day), now, "until: is in the past", now.Add(50 * day)},
		{"with notice", now.Add(2 * day), now.Add(16 * day), "", now.Add(16 * day)},
		{"later again", now.Add(10 * day), now.Add(20 * day), "", now.Add(20 * day)},
		{"over", now.Add(20 * day), now.Add(30 * day), "it is over", now.Add(20 * day)},
	} {
		err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
			_, err := EndPromotion(tx, us, p.ID, step.until, step.at, NoticeDays)
			return err
		})
		expect(t, step.what, err, step.want)
		if got := loadBook(t, d).Promotions[0].Until; !got.Equal(step.wantedTill) {
			t.Errorf("%s: it ends at %s", step.what, got)
		}
	}
	err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		_, err := EndPromotion(tx, us, 9, now, now, NoticeDays)
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	do(t, d, func(tx *db.Tx) (err error) {
		if p, err = PublishPromotion(tx, us, Promotion{Name: "Oops", From: now.Add(30 * day), Until: now.Add(60 * day), Change: Set, Value: 8000}, now.Add(20*day), NoticeDays); err != nil {
			return err
		}
		p, err = EndPromotion(tx, us, p.ID, now.Add(25*day), now.Add(20*day), NoticeDays)
		return err
	})
	if q := loadBook(t, d).Quote(Ask{Kind: Offsite, Ordered: p.From}); len(q.Offers) != 0 {
		t.Error("a promotion that was taken back before it began is offered")
	}
}

func TestPublishContract(t *testing.T) {
	d, now := used(t), march.Add(100*day)
	soon := now.Add(day)
	good := Contract{Creator: ada, Kind: Offsite, BPS: 1200, From: soon}
	with := func(fn func(*Contract)) Contract { c := good; fn(&c); return c }
	for _, step := range []struct {
		what string
		c    Contract
		want string
	}{
		{"above every rate of the card: at once", good, ""},
		{"sent twice", good, "the very same contract is published already"},
		{"above it", with(func(c *Contract) { c.BPS = 1300 }), ""},
		{"at once below what has not begun, and above the card", with(func(c *Contract) { c.BPS, c.From = 1200, now }), ""},
		{"below what holds", with(func(c *Contract) { c.BPS = 1199 }), "from: this is a cut for the creator, which takes effect no sooner than 14 days"},
		{"below what holds, in time", with(func(c *Contract) { c.BPS, c.From = 1199, now.Add(14*day) }), ""},
		{"a cap that it had not", with(func(c *Contract) { c.Cap = 900 }), "by a new cap of 900"},
		{"no promotions any more", with(func(c *Contract) { c.NoPromotions = true }), "promotions no longer raise it"},
		{"below a product's rate", with(func(c *Contract) { c.Creator, c.BPS = bob, 1100 }), "product SKU9 from 12 % to 11 %"},
		{"no promotions, of somebody who had no contract", with(func(c *Contract) { c.Creator, c.NoPromotions = bob, true }), ""},
		{"without card there is nothing to cut", with(func(c *Contract) { c.Kind, c.BPS = Onsite, 1 }), ""},
		{"in the past", with(func(c *Contract) { c.From = now.Add(-time.Second) }), "from: is in the past"},
		{"without creator", with(func(c *Contract) { c.Creator = 0 }), "creator: is missing"},
		{"of fees", with(func(c *Contract) { c.Kind = SellerFee }), `kind: "seller_fee" is not a kind`},
		{"of more than all", with(func(c *Contract) { c.BPS = 10_001 }), "rate: is not between"},
		{"a negative cap", with(func(c *Contract) { c.Cap = -1 }), "cap: is negative"},
		{"backwards", with(func(c *Contract) { c.Until = soon.Add(-1000) }), "until: is not after its beginning"},
	} {
		err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
			_, err := PublishContract(tx, us, step.c, now, NoticeDays)
			return err
		})
		expect(t, step.what, err, step.want)
	}
	b := loadBook(t, d)
	for at, want := range map[time.Time]int64{now.Add(-1000): 300, now: 1200, now.Add(14 * day): 1199} {
		if got := b.Quote(Ask{Kind: Offsite, Creator: ada, Category: "Home", Rated: at}).Price().Base; got != want {
			t.Errorf("%s: %d, want %d", at, got, want)
		}
	}
}

func TestEndContract(t *testing.T) {
	now := march.Add(100 * day)
	for _, c := range []struct {
		what         string
		bps          int64
		began, until time.Duration // of the contract, from now; 0: without end
		end          time.Duration // where it is moved; 0: without end
		want         string
	}{
		{"better than the card: notice", 1300, -10 * day, 0, 13 * day, "until: this is a cut for the creator"},
		{"with notice", 1300, -10 * day, 0, 14 * day, ""},
		{"in the past", 1300, -10 * day, 0, -day, "until: is in the past"},
		{"better nowhere: at once", 0, -10 * day, 0, time.Microsecond, ""},
		{"better somewhere: notice", 350, -10 * day, 0, time.Microsecond, "Home from 3.5 % to 3 %"},
		{"without the card's cap: notice", 100, -10 * day, 0, time.Microsecond, "Home > Towels from 1 % to 3 % and by a new cap of 50"},
		{"not begun: as one likes", 1300, day, 0, day, ""},
		{"later", 1300, -10 * day, day, 3 * day, ""},
		{"later, where it is worse", 100, -10 * day, day, 3 * day, "Home from 3 % to 1 %"},
		{"never", 1300, -10 * day, day, 0, ""},
		{"never, as it is", 1300, -10 * day, 0, 0, "is what it was"},
		{"over", 1300, -10 * day, -day, 3 * day, "it is over"},
	} {
		at := func(d time.Duration) time.Time {
			if d == 0 {
				return time.Time{}
			}
			return now.Add(d)
		}
		b := bookE()
		if c.what == "better nowhere: at once" {
			b.Cards[0].Entries = b.Cards[0].Entries[:4]
			b.Cards[0] = b.Cards[0].Indexed()
		}
		b.Contracts = map[id.ID][]Contract{ada: {{ID: 7, Creator: ada, Kind: Offsite, BPS: c.bps, From: at(c.began), Until: at(c.until)}}}
		_, _, err := b.With(Edition{Ends: []End{{7, at(c.end)}}}, Occasion{Now: now, NoticeDays: NoticeDays, Zone: time.UTC})
		expect(t, c.what, err, c.want)
	}
}

// A contract that replaces another at the instant at which that one ends is weighed against it, not against the card.
func TestContractsThatFollowEachOther(t *testing.T) {
	now := march.Add(100 * day)
	b := bookE() // ada has 7 %
	o := Occasion{Now: now, NoticeDays: NoticeDays, Zone: time.UTC}
	next := Contract{Creator: ada, Kind: Offsite, BPS: 800, From: now.Add(day)}
	after, said, err := b.With(Edition{Ends: []End{{5, next.From}}, Contracts: []Contract{next}}, o)
	if err != nil || len(said) != 2 || len(said[0].Cuts)+len(said[1].Cuts) != 0 {
		t.Fatalf("%v %+v", err, said)
	}
	if got := after.Quote(Ask{Kind: Offsite, Creator: ada, Rated: next.From}).Price().Base; got != 800 || b.Contracts[ada][0].Until != (time.Time{}) {
		t.Errorf("%d; the book that was asked is %+v", got, b.Contracts[ada])
	}
	next.BPS = 600
	_, _, err = b.With(Edition{Ends: []End{{5, next.From}}, Contracts: []Contract{next}}, o)
	expect(t, "lower", err, "contracts[0].from: this is a cut")
}

// Cards that come together are judged together: a rise now and what follows it.
func TestEditionOfCards(t *testing.T) {
	now := march.Add(100 * day)
	card := func(days int, home int64) Card {
		c := bookE().Cards[0].Card.Clean()
		c.Effective, c.Entries[0].BPS = now.Add(time.Duration(days)*day), home
		return c
	}
	o := Occasion{Now: now, NoticeDays: NoticeDays, Zone: time.UTC}
	coming, _, err := bookE().With(Edition{Cards: []Card{card(5, 500)}}, o)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		book  *Book
		cards []Card
		want  string
	}{
		"a rise now and its end in time":        {bookE(), []Card{card(0, 600), card(14, 300)}, ""},
		"a rise now and its end too soon":       {bookE(), []Card{card(0, 600), card(13, 300)}, "cards[1].effective: this version is a cut"},
		"above what is coming":                  {coming, []Card{card(1, 600)}, "cards[0].entries: with these, version 4"},
		"above what is coming, which is mended": {coming, []Card{card(1, 600), card(5, 600)}, ""},
		"what is coming is taken back":          {coming, []Card{card(5, 300), card(6, 450)}, ""},
		"a bad one":                             {bookE(), []Card{card(0, 600), card(14, 30_000)}, "cards[1].entries[0].rate"},
	} {
		_, said, err := c.book.With(Edition{Cards: c.cards}, o)
		expect(t, name, err, c.want)
		if err == nil && len(said) != len(c.cards) {
			t.Errorf("%s: %+v", name, said)
		}
	}
}

func TestPublishVolume(t *testing.T) {
	d := used(t)
	now := time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC) // still 30 November in New York
	bands := func(pairs ...int64) (all []Band) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, Band{pairs[i], pairs[i+1]})
		}
		return all
	}
	for _, step := range []struct {
		what string
		v    Volume
		want string
	}{
		{"the present month", Volume{From: "2026-11", Bands: bands(100_000, 200)}, "from: is not after 2026-11, the present month"},
		{"the next month, an hour away", Volume{From: "2026-12", Bands: bands(100_000, 200)}, ""},
		{"what has not begun is replaced", Volume{From: "2026-12", Bands: bands(100_000, 100)}, ""},
		{"and again", Volume{From: "2026-12", Bands: bands(100_000, 200, 200_000, 300)}, ""},
		{"a lower one in time", Volume{From: "2027-01", Bands: bands(100_000, 200)}, ""},
		{"the end of tiers", Volume{From: "2027-02"}, ""},
		{"no month", Volume{From: "2027-13"}, `from: "2027-13" is not a month`},
		{"no month either", Volume{From: "2027-1"}, `from: "2027-1" is not a month`},
		{"falling bands", Volume{From: "2027-03", Bands: bands(5, 1, 5, 2)}, "bands[1].above: is not above that of the band before it"},
		{"below zero", Volume{From: "2027-03", Bands: bands(-1, 1)}, "bands[0].above: is not between"},
		{"more than all", Volume{From: "2027-03", Bands: bands(0, 10_001)}, "bands[0].extra: is not between"},
		{"too many", Volume{From: "2027-03", Bands: make([]Band, 21)}, "bands: are more than 20"},
	} {
		err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
			_, err := PublishVolume(tx, us, newYork, step.v, now, NoticeDays)
			return err
		})
		expect(t, step.what, err, step.want)
	}
	b := loadBook(t, d)
	for month, want := range map[string]int64{"2026-12": 4_000, "2027-01": 3_000, "2027-02": 0} {
		if got := b.VolumeOf(month).Extra(250_000); month == "2026-12" && got != 3_500 || month != "2026-12" && got != want {
			t.Errorf("%s brings %d", month, got)
		}
	}
	if b.VolumeOf("2026-11") != nil {
		t.Error("tiers reach back")
	}
}

// Tiers are weighed against those of the month before them.
func TestVolumeCuts(t *testing.T) {
	now := time.Date(2026, 12, 20, 12, 0, 0, 0, time.UTC)
	b := &Book{Volumes: []Volume{{Number: 1, From: "2026-12", Bands: []Band{{100_000, 200}}, Published: march}}}
	o := Occasion{Now: now, NoticeDays: NoticeDays, Zone: newYork}
	for name, c := range map[string]struct {
		v    []Volume
		want string
	}{
		"lower without notice":        {[]Volume{{From: "2027-01", Bands: []Band{{100_000, 100}}}}, "volumes[0].from: these tiers are a cut"},
		"later without notice":        {[]Volume{{From: "2027-01", Bands: []Band{{100_001, 200}}}}, "volumes[0].from: these tiers are a cut"},
		"none without notice":         {[]Volume{{From: "2027-01"}}, "volumes[0].from: these tiers are a cut"},
		"higher, then capped":         {[]Volume{{From: "2027-01", Bands: []Band{{50_000, 300}, {200_000, 0}}}}, "volumes[0].from: these tiers are a cut"},
		"higher":                      {[]Volume{{From: "2027-01", Bands: []Band{{50_000, 200}}}}, ""},
		"lower in time":               {[]Volume{{From: "2027-02", Bands: []Band{{100_000, 100}}}}, ""},
		"higher, and down again":      {[]Volume{{From: "2027-01", Bands: []Band{{0, 200}}}, {From: "2027-02", Bands: []Band{{100_000, 200}}}}, ""},
		"higher before what is lower": {[]Volume{{From: "2027-02", Bands: []Band{{100_000, 200}}}, {From: "2027-01", Bands: []Band{{0, 200}}}}, ""},
	} {
		_, said, err := b.With(Edition{Volumes: c.v}, o)
		expect(t, name, err, c.want)
		if err == nil && len(said) != len(c.v) {
			t.Errorf("%s: %+v", name, said)
		}
	}
	// What follows was published as a rise; a higher one before it would make it a cut at once.
	b.Volumes = append(b.Volumes, Volume{Number: 2, From: "2027-02", Bands: []Band{{100_000, 300}}, Published: now.AddDate(0, 0, 30)})
	_, _, err := b.With(Edition{Volumes: []Volume{{From: "2027-01", Bands: []Band{{100_000, 400}}}}}, o)
	expect(t, "a cut of what follows", err, "volumes[0].bands: with these, the tiers of 2027-02 would be a cut")
}

// Before the first order of a marketplace nothing is decided: its terms may reach back.
func TestFirstTermsMayReachBack(t *testing.T) {
	d, now := open(t), march.Add(100*day)
	put := func(tx *db.Tx) error {
		if _, err := PublishPromotion(tx, us, Promotion{Name: "Opening", From: march, Until: march.Add(day), Change: Add, Value: 100}, now, NoticeDays); err != nil {
			return err
		}
		if _, err := PublishContract(tx, us, Contract{Creator: ada, Kind: Offsite, BPS: 100, From: march}, now, NoticeDays); err != nil {
			return err
		}
		_, err := PublishVolume(tx, us, newYork, Volume{From: "2026-03", Bands: []Band{{0, 100}}}, now, NoticeDays)
		return err
	}
	do(t, d, put)
	sold(t, d)
	if err := d.Write(context.Background(), db.Interactive, put); !fault.Is(err, fault.Invalid) {
		t.Errorf("once there is an order: %v", err)
	}
}

var selectOutbox = db.Statement(`SELECT idx, topic, creator, body FROM outbox WHERE lane = $1 ORDER BY turn, idx`)

func TestAnnounce(t *testing.T) {
	d, now := used(t), march.Add(100*day)
	card := bookE().Cards[0].Card.Clean()
	card.Effective, card.Default, card.Entries[0].BPS = now.Add(20*day), 450, 250
	var said []Publication
	err := d.Lane(context.Background(), db.Interactive, now, []int64{us}, func(tx *db.Tx) (err error) {
		o := Occasion{Market: us, Marketplace: "us", Currency: "USD", Zone: newYork, Now: tx.Now(), NoticeDays: NoticeDays}
		said, err = PublishAll(tx, Edition{Cards: []Card{card}, Contracts: []Contract{{Creator: ada, Kind: Offsite, BPS: 1300, Cap: 500, From: now.Add(15 * day)}},
			Promotions: []Promotion{{Name: "May", From: now, Until: now.Add(day), Change: Multiply, Value: 15_000, NewCustomers: true, Kinds: []Kind{Offsite}}}}, o)
		if err != nil {
			return err
		}
		return Announce(tx, us, said)
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(selectOutbox, func(scan func(...any) error) error {
			var idx, creator int64
			var topic, body string
			if err := scan(&idx, &topic, &creator, &body); err != nil {
				return err
			}
			var p Publication
			if err := json.Unmarshal([]byte(body), &p); err != nil || topic != TopicPublished || idx != int64(len(got)) || p.Marketplace != "us" {
				t.Errorf("%v: %d %s %s", err, idx, topic, body)
			}
			if (creator != 0) != (p.What == OfContract) {
				t.Errorf("%s is told to %d", body, creator)
			}
			got = append(got, p.What+" rises "+strings.Join(p.Rises, ", ")+" cuts "+strings.Join(p.Cuts, ", "))
			return nil
		}, int64(us))
	})
	want := []string{"card rises default from 4 % to 4.5 % cuts Home from 3 % to 2.5 %",
		"promotion rises everything: 1.5 times the rate, offsite only, for new customers cuts ",
		"contract rises Home > Towels from 3 % to 13 % and by a cap of 5.00 USD per unit instead of 0.50 USD cuts " +
			"default from 4 % to 13 % and by a new cap of 5.00 USD per unit, Home from 3 % to 13 % and by a new cap of 5.00 USD per unit, " +
			"Home > Kitchen from 4.5 % to 13 % and by a new cap of 5.00 USD per unit, " +
			"product SKU9 from 12 % to 13 % and by a new cap of 5.00 USD per unit"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if name, i := said[2].Part(); name != "contracts" || i != 0 {
		t.Errorf("%s[%d]", name, i)
	}
}

// Whatever is published in whatever order, no creator earns less at once: not by card, contract, promotion or an end.
func TestNothingIsLoweredAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		card := drawCard(t)
		b := &Book{Cards: Cards{(Version{ID: 1, Number: 1, Card: card}).Indexed()}, Contracts: map[id.ID][]Contract{}}
		for step := range 8 {
			now := march.Add(time.Duration(step+1) * day)
			later := func(name string) time.Time { return now.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, name)) * day) }
			var e Edition
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				c := drawCard(t)
				c.Effective = later("effective")
				e.Cards = []Card{c}
			case 1:
				e.Promotions = []Promotion{{Name: "p", From: later("from"), Until: now.Add(6 * day), Change: Add, Value: rapid.Int64Range(1, 3).Draw(t, "add")}}
			case 2:
				c := Contract{Creator: ada, Kind: Offsite, BPS: rapid.Int64Range(0, 4).Draw(t, "contract"), From: later("from"),
					Cap: rapid.Int64Range(0, 2).Draw(t, "cap"), NoPromotions: rapid.Bool().Draw(t, "none")}
				if rapid.Bool().Draw(t, "ends") {
					c.Until = c.From.Add(3 * day)
				}
				e.Contracts = []Contract{c}
			case 3:
				for _, p := range b.Promotions {
					e.Ends = append(e.Ends, End{p.ID, later("end")})
				}
				for _, c := range b.Contracts[ada] {
					e.Ends = append(e.Ends, End{c.ID, later("end")})
				}
				if len(e.Ends) > 0 {
					e.Ends = e.Ends[:1]
				}
			}
			after, _, err := b.With(e, Occasion{Now: now, NoticeDays: 2, Zone: time.UTC})
			if err != nil {
				continue
			}
			for range 5 {
				ask := Ask{Kind: Offsite, Creator: rapid.SampledFrom([]id.ID{ada, bob}).Draw(t, "who"), Category: drawPath(t),
					SKU: rapid.SampledFrom([]string{"", "P", "Q"}).Draw(t, "sku"), Rated: now, Ordered: now}
				was, is := b.Quote(ask).Price(), after.Quote(ask).Price()
				if !was.Excluded && (is.Final < was.Final || is.Cap != 0 && (was.Cap == 0 || is.Cap < was.Cap) || is.Excluded) {
					t.Fatalf("%+v: %s became %s by %+v", ask, describe(was), describe(is), e)
				}
			}
			b = after
		}
	})
}
