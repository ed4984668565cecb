package ratefile

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
	"tributary/internal/secret"
)

const (
	ada = id.ID(11)
	bob = id.ID(22)
	day = 24 * time.Hour
)

// now is a Sunday in New York, 9 in the morning.
var now = fixed

// open makes the marketplace, with two creators and a small catalog.
func openMarket(t *testing.T) *db.DB {
	t.Helper()
	d := dbtest.Open(t)
	do(t, d, func(tx *db.Tx) error {
		if err := market.Save(tx, theUS); err != nil {
			return err
		}
		for who, handle := range map[id.ID]string{ada: "ada", bob: "bob"} {
			c := creator.Creator{ID: who, Name: handle, Handle: handle, Created: now}
			if err := creator.Create(tx, secret.FixedRing("rates"), c, creator.Personal{}); err != nil {
				return err
			}
		}
		return product.Save(tx, us, func(string) int64 { return 1 }, []product.Product{
			{SKU: "KETTLE", Title: "Kettle", Category: "Home > Kitchen"}, {SKU: "DICE", Title: "Dice", Category: "Games"}})
	})
	return d
}

var insertLine = db.Statement(`INSERT INTO line (market, order_id, line_id, at, sku, quantity, amount, digital, terms, open_units, version,
	whole_version, creator, program, tracking, reason, pending, earned, state, touched)
	VALUES ($1, '1', '1', $2, 'K', 1, 100, 0, '', 0, 1, 1, 0, 0, 0, '', 0, 0, '', $2)`)

// used makes a marketplace with rates, in which an order has come in.
func used(t *testing.T) *db.DB {
	t.Helper()
	d := openMarket(t)
	do(t, d, func(tx *db.Tx) error {
		if _, err := Install(tx, []byte(installed), now.Add(-100*day)); err != nil {
			return err
		}
		_, err := tx.Exec(insertLine, int64(us), now.UnixMicro())
		return err
	})
	return d
}

const installed = `
marketplace: us
currency: USD
offsite:
  effective: 2026-01-01
  default: 4
  rates: {Home: 3, "Home > Kitchen": 4.5, Games: 10}
seller_fee: {effective: 2026-01-01, default: 15}
contracts:
  - {creator: ada, rate: 12, from: 2026-06-01}
`

func do(t *testing.T, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

func publishAt(d *db.DB, raw string, at time.Time) (p Plan, err error) {
	err = d.Lane(context.Background(), db.Interactive, at, []int64{us}, func(tx *db.Tx) error {
		p, err = Publish(tx, []byte(raw), 0)
		return err
	})
	return p, err
}

func export(t *testing.T, d *db.DB, at time.Time) (text string) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		raw, err := Export(tx, theUS, at)
		text = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The story of a file: exported, edited, refused, mended, published; and what it says then.
func TestExportEditPublish(t *testing.T) {
	d := used(t)
	first := export(t, d, now)
	want := `# Rates of Harbour Market, as of 2026-11-22. Rates are in percent, amounts in USD, dates those of America/New_York with the
# last day included. A section that is left out stays as it is; one that is here is meant as a whole.
marketplace: us
currency: USD

offsite:
  effective: 2026-01-01
  default: 4
  rates:
    Games: 10
    Home: 3
    "Home > Kitchen": 4.5

seller_fee:
  effective: 2026-01-01
  default: 15

# promotions:
#   - {name: Summer sale, from: 2027-06-01, until: 2027-06-30, categories: [Home], add: 1}

contracts:
  - creator: ada
    kind: offsite
    rate: 12
    from: 2026-06-01

# volume: {from: 2027-01, bands: [{above: 1000.00, extra: 2}]}

# bounties:
#   - {action: signup, name: A company signs up, amount: 15.00, from: 2027-01-01, page: /}
`
	if diff := cmp.Diff(want, first); diff != "" {
		t.Fatal(diff)
	}
	p, err := publishAt(d, first, now)
	if err != nil || !p.Empty() || p.Text(theUS) != "us: nothing changes\n" {
		t.Fatalf("%v %s", err, p.Text(theUS))
	}
	edited := strings.Replace(first, "Home: 3", "Home: 2.5", 1)
	_, err = publishAt(d, edited, now)
	if err == nil || !strings.Contains(err.Error(), "offsite.effective (line 7): is in the past, and the card that is in force since 2026-01-01 is another one") {
		t.Fatal(err)
	}
	_, err = publishAt(d, strings.Replace(edited, "effective: 2026-01-01", "effective: 2026-12-01", 1), now)
	if err == nil || !strings.Contains(err.Error(), "offsite.effective (line 7): this version is a cut, which takes effect no sooner than 14 days after it is published: Home from 3 % to 2.5 %") {
		t.Fatal(err)
	}
	edited = strings.Replace(edited, "  effective: 2026-01-01\n", "", 1) + "promotions:\n  - {name: Black Friday, from: 2026-11-27, until: 2026-11-30, categories: [Games], add: 6}\n" +
		"volume: {from: 2027-01, bands: [{above: 1000.00, extra: 2}]}\n"
	p, err = publishAt(d, edited, now)
	plan := `us: offsite card, version 2, from 2026-12-07
  - Home from 3 % to 2.5 %
us: promotion Black Friday, from 2026-11-27 until 2026-11-30
  + Games: 6 % more
us: volume tiers, version 1, from 2027-01-01
  + 2 % more above 1000.00 USD a month
! Games: 16 % (offsite) is above the seller's fee of 15 % with promotion Black Friday
! Games: 18 % (offsite) is above the seller's fee of 15 % with promotion Black Friday for ada
`
	if diff := cmp.Diff(plan, p.Text(theUS)); diff != "" || err != nil {
		t.Fatal(err, diff)
	}
	if p, err := publishAt(d, edited, now.Add(time.Hour)); err != nil || !p.Empty() {
		t.Fatalf("the same file again: %v\n%s", err, p.Text(theUS))
	}
	if p, err := publishAt(d, edited, now.Add(40*day)); err != nil || !p.Empty() {
		t.Fatalf("the same file, when all of it has come to pass: %v\n%s", err, p.Text(theUS))
	}
	for _, at := range []time.Time{now, now.Add(6 * day), now.Add(20 * day), now.Add(60 * day)} {
		text := export(t, d, at)
		if p, err := publishAt(d, text, at); err != nil || !p.Empty() {
			t.Errorf("exported and imported on %s: %v\n%s\n%s", at, err, p.Text(theUS), text)
		}
	}
}

// Each edit of the exported file, and what it would do.
func TestPlans(t *testing.T) {
	d := used(t)
	if _, err := publishAt(d, `{marketplace: us, currency: USD, offsite: {effective: 2026-01-01, default: 4, rates: {Home: 3, "Home > Kitchen": 4.5, Games: 10},
		coming: [{effective: 2027-01-01, default: 4, rates: {Home: 3.5, "Home > Kitchen": 4.5, Games: 10}}]},
		promotions: [{name: Autumn, from: 2026-11-22, until: 2026-12-31, add: 1}, {name: Spring, from: 2027-03-01, until: 2027-03-31, multiply: 1.5}],
		volume: {from: 2026-12, bands: [{above: 100, extra: 1}]}}`, now.Add(-14*time.Hour)); err != nil {
		t.Fatal(err)
	}
	base := export(t, d, now)
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", "us: nothing changes"},
		{"a coming card is taken back", "coming:", "coming: []\nx:", "us: offsite card, version 3, from 2027-01-01"},
		{"a coming card changes", "      Home: 3.5", "      Home: 3.75", "us: offsite card, version 3, from 2027-01-01\n  + Home from 3 % to 3.75 %"},
		{"a coming card moves", "effective: 2027-01-01", "effective: 2027-02-01",
			"us: offsite card, version 3, from 2027-01-01\nus: offsite card, version 4, from 2027-02-01\n  + Home from 3 % to 3.5 %"},
		{"a rise at once, with what follows", "effective: 2026-01-01\n  default: 4\n  rates:\n    Games: 10\n    Home: 3\n",
			"default: 4\n  rates:\n    Games: 10\n    Home: 3.25\n",
			"us: offsite card, version 3, from 2026-11-22 09:00:00 EST\n  + Home from 3 % to 3.25 %"},
		{"a rise at once, which what follows would cut", "effective: 2026-01-01\n  default: 4\n  rates:\n    Games: 10\n    Home: 3\n",
			"default: 4\n  rates:\n    Games: 10\n    Home: 5\n", "us: offsite card, version 3, from 2026-11-22 09:00:00 EST\n  + Home from 3 % to 5 %"},
		{"a promotion is longer", "until: 2026-12-31", "until: 2027-01-31", "us: promotion Autumn, ends 2027-01-31 instead of 2026-12-31\n  + everything: 1 % more"},
		{"a promotion is shorter", "until: 2026-12-31", "until: 2026-12-06", "us: promotion Autumn, ends 2026-12-06 instead of 2026-12-31\n  - everything"},
		{"a promotion is shorter too soon", "until: 2026-12-31", "until: 2026-12-05",
			"promotions[0].until (line 28): ends a running promotion, which creators were told of, in less than 14 days"},
		{"a running promotion is gone", "  - name: Autumn\n    from: 2026-11-22\n    until: 2026-12-31\n    add: 1\n", "",
			"promotions (line 25): Autumn, which runs since 2026-11-22, is not there; leave it in the file, and write its end: until: 2026-12-06 or later"},
		{"a coming promotion is gone", "  - name: Spring\n    from: 2027-03-01\n    until: 2027-03-31\n    multiply: 1.5\n", "",
			"us: promotion Spring, taken back before it begins\n  - everything: 1.5 times the rate"},
		{"a coming promotion is another", "multiply: 1.5", "multiply: 1.25",
			"us: promotion Spring, taken back before it begins\n  - everything: 1.5 times the rate\nus: promotion Spring, from 2027-03-01 until 2027-03-31\n  + everything: 1.25"},
		{"a promotion in the past", "from: 2027-03-01", "from: 2026-11-01", "promotions[1].from (line 31): is in the past"},
		{"promotions are left out", "promotions:\n  - name: Autumn\n    from: 2026-11-22\n    until: 2026-12-31\n    add: 1\n  - name: Spring\n    from: 2027-03-01\n    until: 2027-03-31\n    multiply: 1.5\n", "",
			"us: nothing changes"},
		{"a contract ends", "    from: 2026-06-01\n", "    from: 2026-06-01\n    until: 2026-12-06\n",
			"us: contract of ada, offsite, ends 2026-12-06\n  - default from 12 % to 4 %\n  - Games from 12 % to 10 %"},
		{"a contract ends too soon", "    from: 2026-06-01\n", "    from: 2026-06-01\n    until: 2026-12-05\n",
			"contracts[0].until (line 40): this is a cut for the creator"},
		{"a contract is gone", "  - creator: ada\n    kind: offsite\n    rate: 12\n    from: 2026-06-01\n", "  []\n",
			"contracts (line 35): the offsite contract of ada, in force since 2026-06-01, is not there; leave it in the file, and write its end: until: 2026-12-06 or later"},
		{"a contract is replaced", "rate: 12\n    from: 2026-06-01", "rate: 13\n    from: 2026-11-25",
			"us: contract of ada, offsite, ends 2026-11-24\nus: contract of ada, offsite, from 2026-11-25\n  + default from 12 % to 13 %"},
		{"a contract is replaced by less", "rate: 12\n    from: 2026-06-01", "rate: 11\n    from: 2026-11-25",
			"contracts[0].from (line 39): this is a cut for the creator"},
		{"a new contract", "contracts:\n", "contracts:\n  - {creator: bob, kind: onsite, rate: 2, from: 2026-12-01}\n", "us: contract of bob, onsite, from 2026-12-01"},
		{"a contract of nobody", "contracts:\n", "contracts:\n  - {creator: carol, rate: 20, from: 2026-12-01}\n",
			"us: nothing changes\n! contracts[0] (line 36): nobody has the handle carol; this contract is left out"},
		{"contracts that overlap", "contracts:\n", "contracts:\n  - {creator: ada, rate: 20, from: 2026-12-01}\n",
			"us: contract of ada, offsite, from 2026-12-01\n  + default from 12 % to 20 %\n  + Games from 12 % to 20 %\n  + Home from 12 % to 20 %\n  + Home > Kitchen from 12 % to 20 %\n! contracts[1] (line 37): overlaps with that of line 36"},
		{"tiers rise", "extra: 1}", "extra: 2}", "us: volume tiers, version 2, from 2026-12-01\n  + 2 % more"},
		{"tiers rise with the next month", "from: 2026-12\n  bands", "from: 2027-01\n  bands", "us: volume tiers, version 2, from 2026-12-01\n  + no volume tiers\nus: volume tiers, version 3, from 2027-01-01\n  + 1 % more above 100.00 USD a month"},
		{"a category without products", "Games: 10\n    Home: 3\n", "Games: 10\n    Home: 3\n    Moon: 4\n", "offsite.effective (line 7): is in the past"},
		{"a new kind of card", "seller_fee:", "onsite: {default: 2, rates: {Moon: 3, Games: 16}, products: {KETTLE: 2, POT: 2}}\nseller_fee:",
			"us: onsite card, version 1, from 2026-11-22 09:00:00 EST\n  + the first of its kind: 4 entries\n" +
				"! Games: 17 % (onsite) is above the seller's fee of 15 %\n! Moon: no product is in this category\n! product POT: the catalog does not have it"},
		{"a lower fee at once", "effective: 2026-01-01\n  default: 15", "default: 9", "us: seller_fee card, version 2, from 2026-11-22 09:00:00 EST\n  - default from 15 % to 9 %\n" +
			"! Games: 11 % (offsite) is above the seller's fee of 9 %\n! default: 13 % (offsite) is above the seller's fee of 9 % for ada"},
		{"another marketplace", "marketplace: us", "marketplace: fr", "marketplace (line 3): there is no marketplace fr; write one that there is, us"},
	} {
		if !strings.Contains(base, c.old) {
			t.Fatalf("%s: %q is not in\n%s", c.name, c.old, base)
		}
		text := strings.Replace(base, c.old, c.new, 1)
		if c.name == "a coming card is taken back" {
			text, _, _ = strings.Cut(base, "  coming:\n    - effective: 2027-01-01")
			_, rest, _ := strings.Cut(base, "\nseller_fee:")
			text += "\nseller_fee:" + rest
		}
		var got string
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			f, err := Read(tx, []byte(text))
			if err != nil {
				return err
			}
			p, err := Draw(tx, f, now)
			got = p.Text(theUS)
			return err
		})
		if err != nil {
			got = err.Error()
			if f := fault.Of(err); f.Kind == fault.Unavailable || f.Fix == "" {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// A plan that was shown is published as it was, or refused.
func TestPlanOvertaken(t *testing.T) {
	d := used(t)
	edited := strings.Replace(installed, "Games: 10", "Games: 11", 1)
	edited = strings.Replace(edited, "effective: 2026-01-01\n", "effective: 2026-12-24\n", 1)
	var shown Plan
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		f, err := Read(tx, []byte(edited))
		if err != nil {
			return err
		}
		shown, err = Draw(tx, f, now)
		return err
	})
	if err != nil || len(shown.Steps) != 1 || shown.Steps[0].Line != 4 {
		t.Fatalf("%v %+v", err, shown.Steps)
	}
	if _, err := publishAt(d, "{marketplace: us, currency: USD, boosted: {default: 1}}", now); err != nil {
		t.Fatal(err)
	}
	try := func(seen int64) error {
		return d.Lane(context.Background(), db.Interactive, now, []int64{us}, func(tx *db.Tx) error {
			_, err := Publish(tx, []byte(edited), seen)
			return err
		})
	}
	if err := try(shown.Version); !fault.Is(err, fault.Conflict) {
		t.Errorf("overtaken: %v", err)
	}
	if err := try(shown.Version + 1); err != nil {
		t.Error(err)
	}
	// A refused file leaves nothing, also where its first parts are good.
	before := export(t, d, now)
	bad := "{marketplace: us, currency: USD, boosted: {default: 2}, promotions: [{name: A, from: 2026-11-01, until: 2026-12-01, add: 1}]}"
	if _, err := publishAt(d, bad, now); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, export(t, d, now)); diff != "" {
		t.Error(diff)
	}
	do(t, d, func(tx *db.Tx) error {
		if _, err := Install(tx, []byte(installed), now); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second installation: %v", err)
		}
		return nil
	})
}

// The example of the documentation is published as it stands, and says nothing more once it is.
func TestExample(t *testing.T) {
	raw, err := os.ReadFile("../../../examples/rates.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := openMarket(t)
	do(t, d, func(tx *db.Tx) error {
		p, err := Install(tx, raw, now)
		if len(p.Steps) != 13 {
			t.Errorf("%s", p.Text(theUS))
		}
		return err
	})
	for _, days := range []time.Duration{0, 30, 200} {
		if p, err := publishAt(d, string(raw), now.Add(days*day)); err != nil || !p.Empty() {
			t.Errorf("after %d days: %v\n%s", days, err, p.Text(theUS))
		}
	}
}

// names are hard to write as YAML.
func drawName(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"Home", "Film & TV", "null", "Yes", "1984", "4.5", "a: b", "# x", "x #y", "- z", "*a", "&b", "!c", "%d", "@e", "`f", "\"g\"", "'h'",
		"{i}", "[j]", "k, l", "m|n", "é", "日本", "~", "o:", "back\\slash", "tab le", "TRUE", "2026-11-22", "0x10", "?", "<<", "=", "a\u2028b", "-", "---", "..."}).Draw(t, label)
}

func drawBook(t *rapid.T, zone *time.Location) *ratecard.Book {
	b := &ratecard.Book{Contracts: map[id.ID][]ratecard.Contract{}}
	at := func(label string) time.Time {
		date := now.In(zone).AddDate(0, 0, rapid.IntRange(-40, 40).Draw(t, label))
		start := startOf(time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, time.UTC), zone)
		return start.Add(time.Duration(rapid.SampledFrom([]int64{0, 0, 1, 3_600_000_000}).Draw(t, "µs")) * time.Microsecond)
	}
	for _, kind := range ratecard.Kinds {
		for n := range rapid.IntRange(0, 3).Draw(t, "versions") {
			c := ratecard.Card{Kind: kind, Effective: at("effective"), Default: rapid.Int64Range(0, 10_000).Draw(t, "default")}
			seen := map[string]bool{}
			for range rapid.IntRange(0, 4).Draw(t, "entries") {
				e := ratecard.Entry{Category: drawName(t, "category"), BPS: rapid.Int64Range(0, 10_000).Draw(t, "bps")}
				if rapid.Bool().Draw(t, "product") {
					e.SKU, e.Category = e.Category, ""
				}
				amount := rapid.Int64Range(0, 300).Draw(t, "amount")
				if kind == ratecard.SellerFee {
					e.Minimum = amount
				} else if e.Cap = amount; rapid.IntRange(0, 4).Draw(t, "excluded") == 0 {
					e.BPS, e.Cap, e.Excluded = 0, 0, true
				}
				if !seen[e.Text()] {
					c.Entries, seen[e.Text()] = append(c.Entries, e), true
				}
			}
			b.Cards = append(b.Cards, ratecard.Version{ID: id.ID(n + 1), Number: int64(n + 1), Card: c.Clean()}.Indexed())
		}
	}
	for n := range rapid.IntRange(0, 4).Draw(t, "promotions") {
		p := ratecard.Promotion{ID: id.ID(n + 1), Name: drawName(t, "name"), From: at("from"), Change: ratecard.Add, Value: rapid.Int64Range(1, 10_000).Draw(t, "value"),
			NewCustomers: rapid.Bool().Draw(t, "new"), Categories: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawName(t, "in") }), 0, 2).Draw(t, "in")}
		if rapid.Bool().Draw(t, "times") {
			p.Change, p.Value = ratecard.Multiply, rapid.Int64Range(10_001, 1_000_000).Draw(t, "factor")
		}
		p.Until = p.From.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "days")) * day)
		if !slices.ContainsFunc(b.Promotions, p.Same) {
			b.Promotions = append(b.Promotions, p.Clean())
		}
	}
	for n := range rapid.IntRange(0, 3).Draw(t, "contracts") {
		c := ratecard.Contract{ID: id.ID(n + 1), Creator: rapid.SampledFrom([]id.ID{ada, bob}).Draw(t, "who"), Kind: rapid.SampledFrom(ratecard.Kinds[:3]).Draw(t, "kind"),
			BPS: rapid.Int64Range(0, 10_000).Draw(t, "contract"), Cap: rapid.Int64Range(0, 3).Draw(t, "cap"), From: at("begins"), NoPromotions: rapid.Bool().Draw(t, "none")}
		if rapid.Bool().Draw(t, "ends") {
			c.Until = c.From.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "days")) * day)
		}
		if !slices.ContainsFunc(b.Contracts[c.Creator], c.Same) {
			b.Contracts[c.Creator] = append(b.Contracts[c.Creator], c)
		}
	}
	for n := range rapid.IntRange(0, 3).Draw(t, "tiers") {
		v := ratecard.Volume{Number: int64(n + 1), From: fmt.Sprintf("2026-%02d", rapid.IntRange(9, 12).Draw(t, "month"))}
		for i := range rapid.IntRange(0, 2).Draw(t, "bands") {
			v.Bands = append(v.Bands, ratecard.Band{Above: int64(i) * 500, Extra: rapid.Int64Range(0, 10_000).Draw(t, "extra")})
		}
		b.Volumes = append(b.Volumes, v)
	}
	return b
}

// Whatever a marketplace pays, the file that says so changes nothing when it is read.
func TestWrittenIsRead(t *testing.T) {
	handles := map[id.ID]string{ada: "ada", bob: "1984"}
	rapid.Check(t, func(t *rapid.T) {
		m := theUS
		m.Zone = rapid.SampledFrom([]string{"America/New_York", "UTC", "America/Havana", "Asia/Kolkata"}).Draw(t, "zone")
		m.Currency = rapid.SampledFrom([]string{"USD", "JPY", "BHD"}).Draw(t, "currency")
		b := drawBook(t, m.Location())
		has := terms.Terms{Rates: b, Offers: drawOffers(t, m.Location())}
		text := Of(m, has, handles, now).Text()
		f, err := Parse(text, m)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(string(text), string(f.Text())); diff != "" {
			t.Fatalf("read and written: %s", diff)
		}
		for i := range f.Contracts {
			f.Contracts[i].Creator = map[string]id.ID{"ada": ada, "1984": bob}[f.Contracts[i].Handle]
		}
		c := &comparison{file: f, book: b, offers: has.Offers, handles: handles, occasion: ratecard.Occasion{Zone: m.Location(), Now: now, NoticeDays: 14}}
		c.compare()
		c.bounties()
		if len(c.problems) != 0 || !c.edition.Empty() {
			t.Fatalf("%v %+v\n%s", c.problems, c.edition, text)
		}
		again, err := f.Book(b, now, false)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			a := ratecard.Ask{Kind: rapid.SampledFrom(ratecard.Kinds).Draw(t, "asked"), Creator: rapid.SampledFrom([]id.ID{ada, bob, 3}).Draw(t, "asks"),
				Category: drawName(t, "of"), Rated: now, Ordered: now}
			if diff := cmp.Diff(b.Quote(a), again.Quote(a)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
