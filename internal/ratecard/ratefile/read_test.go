package ratefile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

const us = 1

var theUS = market.Market{No: us, ID: "us", Name: "Harbour Market", Currency: "USD", Zone: "America/New_York",
	Home: "https://shop.example/", Hosts: []string{"shop.example"}, Policy: policy.Shipped()}

const goodFile = `# What Harbour Market pays.
marketplace: us
currency: USD

offsite:
  effective: 2026-12-15   # after the holidays
  default: 4
  rates:
    Home: 3
    "Home > Kitchen": 4.5
    Computers: {rate: 2.5, cap: 25.00}
    Gift Cards: excluded
    Wine: {excluded: true}
  products:
    SKU9: 12
  coming:
    - effective: 2027-02-01T12:00:00Z
      default: 5
seller_fee: {default: 15, rates: {Media: 20, "Jewellery": {rate: 20, minimum: 0.30}}}
promotions:
  - {name: Black Friday, from: 2026-11-27, until: 2026-11-30, categories: [Home], add: 1}
  - name: Half more
    from: 2026-12-01
    until: 2026-12-24T18:00:00Z
    products: [SKU9, SKU10]
    multiply: 1.5
  - {name: Welcome, from: 2027-01-01, until: 2027-01-31, set: 8, kinds: [offsite], new_customers: true}
contracts:
  - {creator: Ada, kind: offsite, rate: 7, cap: 10.00, from: 2026-12-01, promotions: false}
  - {creator: bob, rate: 6.25, from: 2026-12-01, until: 2027-03-31}
volume:
  from: 2027-01
  bands: [{above: 1000.00, extra: 2}, {above: 5000, extra: 3}]
  coming: [{from: 2027-06, bands: []}]
bounties:
  - {action: business_signup, name: A company signs up, amount: 15.00, new_customers: true, from: 2026-12-01, page: /business, window_days: 14}
  - action: trade_in
    name: "A device: traded in"
    share: 2.5
    max: 50.00
    until: 2027-03-31
    page: https://shop.example/trade
`

func TestParse(t *testing.T) {
	f, err := Parse([]byte(goodFile), theUS)
	if err != nil {
		t.Fatal(err)
	}
	zone := theUS.Location()
	local := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, zone).UTC() }
	want := &File{Market: theUS, Cards: map[ratecard.Kind][]Card{
		ratecard.Offsite: {
			{Card: ratecard.Card{Kind: ratecard.Offsite, Effective: local(2026, 12, 15), Default: 400, Entries: []ratecard.Entry{
				{Category: "Home", BPS: 300}, {Category: "Home > Kitchen", BPS: 450}, {Category: "Computers", BPS: 250, Cap: 2500},
				{Category: "Gift Cards", Excluded: true}, {Category: "Wine", Excluded: true}, {SKU: "SKU9", BPS: 1200}}}},
			{Card: ratecard.Card{Kind: ratecard.Offsite, Effective: time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC), Default: 500}},
		},
		ratecard.SellerFee: {{Card: ratecard.Card{Kind: ratecard.SellerFee, Default: 1500, Entries: []ratecard.Entry{
			{Category: "Media", BPS: 2000}, {Category: "Jewellery", BPS: 2000, Minimum: 30}}}}},
	}, Promotions: []Promotion{
		{Promotion: ratecard.Promotion{Name: "Black Friday", From: local(2026, 11, 27), Until: local(2026, 12, 1), Categories: []string{"Home"},
			Change: ratecard.Add, Value: 100}},
		{Promotion: ratecard.Promotion{Name: "Half more", From: local(2026, 12, 1), Until: time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC),
			SKUs: []string{"SKU10", "SKU9"}, Change: ratecard.Multiply, Value: 15_000}},
		{Promotion: ratecard.Promotion{Name: "Welcome", From: local(2027, 1, 1), Until: local(2027, 2, 1), Kinds: []ratecard.Kind{ratecard.Offsite},
			Change: ratecard.Set, Value: 800, NewCustomers: true}},
	}, Contracts: []Contract{
		{Handle: "ada", Contract: ratecard.Contract{Kind: ratecard.Offsite, BPS: 700, Cap: 1000, From: local(2026, 12, 1), NoPromotions: true}},
		{Handle: "bob", Contract: ratecard.Contract{Kind: ratecard.Offsite, BPS: 625, From: local(2026, 12, 1), Until: local(2027, 4, 1)}},
	}, Volumes: []Volume{
		{Volume: ratecard.Volume{From: "2027-01", Bands: []ratecard.Band{{Above: 100_000, Extra: 200}, {Above: 500_000, Extra: 300}}}},
		{Volume: ratecard.Volume{From: "2027-06"}},
	}, Bounties: []Bounty{
		{Offer: terms.Offer{Action: "business_signup", Name: "A company signs up", Amount: 1500, NewCustomers: true, From: local(2026, 12, 1), Page: "/business",
			WindowDays: 14}},
		{Offer: terms.Offer{Action: "trade_in", Name: "A device: traded in", ShareBPS: 250, Max: 5000, Until: local(2027, 4, 1), Page: "https://shop.example/trade"}},
	}}
	if diff := cmp.Diff(want, f, cmpopts.IgnoreUnexported(File{}, Card{}, Promotion{}, Contract{}, Volume{}, Bounty{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if f.Promotions[2].Line() != 27 || f.Contracts[1].Line() != 30 || f.Bounties[1].Line() != 37 || !f.Has("volume") || f.Has("onsite") {
		t.Errorf("lines %d and %d", f.Promotions[2].Line(), f.Contracts[1].Line())
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"currency: USD", "currency: GBP", "currency (line 3): is not the marketplace's; write USD"},
		{"currency: USD\n", "", "file (line 1): names no currency; write currency: USD"},
		{"marketplace: us\n", "", "file (line 1): names no marketplace"},
		{"marketplace: us", "marketplace: [us]", "marketplace (line 2): is not a single value"},
		{"offsite:", "off-site:", "off-site (line 5): is not known here; write one of marketplace, currency, offsite"},
		{"effective: 2026-12-15 ", "effective: 15.12.2026 ", "offsite.effective (line 6): is neither a date nor an instant"},
		{"effective: 2026-12-15 ", "effective: 2926-12-15 ", "offsite.effective (line 6): is in the year 2926"},
		{"default: 4\n", "default: 104\n", "offsite.default (line 7): 104 % is not between 0 and 100 %"},
		{"  default: 4\n", "", "offsite (line 5): has no default rate"},
		{"Home: 3", "Home: 3.001", "offsite.rates.Home (line 9): 3.001 % has more than two decimals"},
		{"Home: 3", "Home: 1e0", `offsite.rates.Home (line 9): "1e0" is not a decimal number`},
		{"Home: 3", "Home: .5", `offsite.rates.Home (line 9): ".5" is not a decimal number`},
		{"Home: 3", "Home: 0x10", `offsite.rates.Home (line 9): "0x10" is not a decimal number`},
		{"Home: 3", "Home: true", `offsite.rates.Home (line 9): "true" is not a decimal number`},
		{"Home: 3", "Home:", "offsite.rates.Home (line 9): has no rate"},
		{"Home: 3", "Home: [3]", "offsite.rates.Home (line 9): is not a list of names with values"},
		{"Home: 3", "Home: {cap: 3}", "offsite.rates.Home (line 9): has no rate; write rate: 4.5, or excluded"},
		{"Home: 3", "Home: {rate: 3, cap: 0}", "offsite.rates.Home.cap (line 9): is 0"},
		{"Home: 3", "Home: {rate: 3, cap: 3.001}", "offsite.rates.Home.cap (line 9): 3.001 has more than 2 decimals"},
		{"Home: 3", "Home: {rate: 3, cap: -1}", "offsite.rates.Home.cap (line 9): -1 is negative"},
		{"Home: 3", "Home: {rate: 3, top: 1}", "offsite.rates.Home.top (line 9): is not known here; write one of excluded, rate, cap, minimum"},
		{"Home: 3", "Home: {rate: 3, minimum: 1}", "offsite.rates.Home.minimum (line 9): stands on a card of commissions"},
		{"Home: 3", "Home: {rate: 3, excluded: true}", "offsite.rates.Home.excluded (line 9): has a rate or a cap beside it"},
		{"Home: 3", "Home: {rate: 3, excluded: yes}", "offsite.rates.Home.excluded (line 9): is neither true nor false"},
		{"Home: 3", "Home>Kitchen: 3", "offsite.rates.Home > Kitchen (line 10): Home > Kitchen stands in entries[0] already"},
		{"Home: 3", "Computers: 3", `file (line 11): is not YAML there: mapping key "Computers" already defined at [9:5]`},
		{"Home: 3", "> : 3", "file (line 9): "},
		{"Home: 3", "Home: &x 3", "file (line 9): has a mark for anchors"},
		{"Home: 3", "Home: !!str 3", "file (line 9): has a mark for anchors"},
		{"Home: 3", "? Home\n    : 3", "file (line 9): has a question mark as a key"},
		{"Home: 3", "Home: |\n      3", "file (line 9): has a text of several lines"},
		{"Home: 3", "Home: " + strings.Repeat("[", 9) + strings.Repeat("]", 9), "file (line 9): is nested too deeply"},
		{"Home: 3", strings.Repeat("- ", 9) + "3", "file (line 9): is nested too deeply"},
		{"SKU9: 12", `" SKU9": 12`, "offsite.products. SKU9.sku (line 15): begins or ends with white space"},
		{"- effective: 2027-02-01T12:00:00Z\n      default: 5", "- default: 5", "offsite.coming[0] (line 17): has no effective date"},
		{"2027-02-01T12:00:00Z", "2026-12-15", "offsite.coming[0] (line 17): is not later than the card before it"},
		{"default: 15,", "default: 15, effective: soon,", "seller_fee.effective (line 19): is neither a date"},
		{"rate: 20, minimum: 0.30", "rate: 20, cap: 0.30", "seller_fee.rates.Jewellery.cap (line 19): stands on a seller's fee"},
		{"Media: 20", "Media: excluded", "seller_fee.rates.Media.excluded (line 19): stands on a seller's fee"},
		{"add: 1}", "add: 1, set: 3}", "promotions[0].add (line 21): stands beside set; write one of"},
		{"categories: [Home], add: 1}", "categories: [Home]}", "promotions[0] (line 21): does nothing"},
		{"categories: [Home], add: 1}", "categories: [], add: 1}", "promotions[0].categories (line 21): is empty"},
		{"categories: [Home], add: 1}", "categories: Home, add: 1}", "promotions[0].categories (line 21): is not a list"},
		{"categories: [Home], add: 1}", "categories: [[Home]], add: 1}", "promotions[0].categories[0] (line 21): is not a single value"},
		{"until: 2026-11-30", "until: 2026-11-25", "promotions[0].until (line 21): is not after its beginning"},
		{"until: 2026-11-30, ", "", "promotions[0].until (line 21): is missing"},
		{"multiply: 1.5", "multiply: 1.00005", "promotions[1].multiply (line 26): 1.00005 is no factor"},
		{"multiply: 1.5", "multiply: 0.5", "promotions[1].multiply (line 26): is not above 1"},
		{"kinds: [offsite]", "kinds: [seller_fee]", "promotions[2].kinds[0] (line 27): \"seller_fee\" is not a kind"},
		{"new_customers: true", "new_customers: some", "promotions[2].new_customers (line 27): is neither true nor false"},
		{"creator: Ada, ", "", "contracts[0] (line 29): has no creator"},
		{"rate: 7, cap: 10.00, ", "", "contracts[0] (line 29): has no rate"},
		{"cap: 10.00, ", "cap: 10 USD, ", `contracts[0].cap (line 29): "10 USD" is not a decimal number`},
		{"from: 2026-12-01, promotions", "from: 2026-02-30, promotions", "contracts[0].from (line 29): is neither a date"},
		{"from: 2026-12-01, until: 2027-03-31", "until: 2027-03-31", "contracts[1].from (line 30): is missing"},
		{"from: 2027-01\n", "from: 2027-13\n", `volume.from (line 32): "2027-13" is not a month`},
		{"above: 5000,", "above: 500,", "volume.bands[1].above (line 33): is not above that of the band before it"},
		{"{above: 5000, extra: 3}", "{above: 5000}", "volume.bands[1] (line 33): has no extra"},
		{"from: 2027-06", "from: 2027-01", "volume.coming[0] (line 34): begins no later than the tiers before it"},
		{"action: business_signup, ", "", "bounties[0] (line 36): has no action"},
		{"action: business_signup", "action: Business", "bounties[0].action (line 36): is not the name of an action"},
		{"action: business_signup", "action: [a]", "bounties[0].action (line 36): is not a single value"},
		{"name: A company signs up, ", "", "bounties[0] (line 36): has no name"},
		{"name: A company signs up, ", `name: "", `, "bounties[0].name (line 36): is missing"},
		{", page: /business", "", "bounties[0] (line 36): has no page; write what is paid for"},
		{"page: /business", "page: business", "bounties[0].page (line 36): is not the address of a page"},
		{"amount: 15.00, ", "", "bounties[0].amount (line 36): an offer pays either an amount or a share"},
		{"amount: 15.00, ", "amount: 15.001, ", "bounties[0].amount (line 36): 15.001 has more than 2 decimals"},
		{"amount: 15.00, ", "amount: -15, ", "bounties[0].amount (line 36): -15 is negative"},
		{"amount: 15.00, ", "amount: 15.00, max: 3.00, ", "bounties[0].max (line 36): is negative, or stands beside an amount"},
		{"share: 2.5", "share: 250", "bounties[1].share (line 39): 250 % is not between 0 and 100 %"},
		{"max: 50.00", "max: 0", "bounties[1].max (line 40): is 0"},
		{"new_customers: true, from", "new_customers: some, from", "bounties[0].new_customers (line 36): is neither true nor false"},
		{"from: 2026-12-01, page", "from: soon, page", "bounties[0].from (line 36): is neither a date"},
		{"from: 2026-12-01, page", "from: 2926-12-01, page", "bounties[0].from (line 36): is in the year 2926"},
		{"from: 2026-12-01, page", "from: 2026-12-01, until: 2026-11-01, page", "bounties[0].until (line 36): is not after its beginning"},
		{"until: 2027-03-31\n    page", "until: 1980-03-31\n    page", "bounties[1].until (line 41): is not after its beginning"},
		{"window_days: 14", "window_days: 1.5", "bounties[0].window_days (line 36): is not a number of days"},
		{"window_days: 14", "window_days: 99999999999", "bounties[0].window_days (line 36): is not a number of days"},
		{"window_days: 14", "window_days: 400", "bounties[0].window_days (line 36): is 400, and may be 0 to 365"},
		{"window_days: 14", "window: 14", "bounties[0].window (line 36): is not known here; write one of action, name, amount"},
		{"  - action: trade_in", "  - {action: trade_in, name: a, amount: 1, page: /}\n  - action: trade_in", "bounties[2] (line 38): has no from, as another one of trade_in"},
		{"  - action: trade_in", "  - {action: trade_in, name: \"A device: traded in\", share: 2.5, max: 50, until: 2027-03-31, page: https://shop.example/trade}\n  - action: trade_in",
			"bounties[2] (line 38): stands there twice"},
	} {
		if !strings.Contains(goodFile, c.old) {
			t.Fatalf("%q is not in the file", c.old)
		}
		raw := []byte(strings.Replace(goodFile, c.old, c.new, 1))
		_, err := Parse(raw, theUS)
		if !fault.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), c.want) || fault.Of(err).Fix == "" {
			t.Errorf("%q → %q: %v, want %s", c.old, c.new, err, c.want)
		}
	}
	for name, raw := range map[string]string{
		"nothing": "", "only a comment": "# x\n", "two documents": goodFile + "---\na: 1\n", "a list": "- a\n", "a word": "rates",
		"tabs": "\tmarketplace: us\n", "an open bracket": "marketplace: [us\n", "bytes": "\xff\xfe\x00", "an alias": "a: *b\n",
	} {
		if _, err := Parse([]byte(raw), theUS); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse([]byte("# "+strings.Repeat("x", MaxFile)), theUS); !fault.Is(err, fault.Exhausted) {
		t.Error("a file without end was read")
	}
	long := "marketplace: us\ncurrency: USD\npromotions: [" + strings.Repeat("1,", maxListed) + "1]\n"
	if _, err := Parse([]byte(long), theUS); !fault.Is(err, fault.Exhausted) {
		t.Errorf("a list without end: %v", err)
	}
	long = "marketplace: us\ncurrency: USD\nbounties: [" + strings.Repeat("1,", maxBounties) + "1]\n"
	if _, err := Parse([]byte(long), theUS); !fault.Is(err, fault.Exhausted) {
		t.Errorf("bounties without end: %v", err)
	}
}

// JSON is YAML: what a program writes is read like what a person writes.
func TestParseJSON(t *testing.T) {
	f, err := Parse([]byte(`{"marketplace": "us", "currency": "USD",
		"offsite": {"default": 4, "rates": {"Home": "3", "Gift Cards": "excluded"}},
		"promotions": [{"name": "A", "from": "2026-12-01", "until": "2026-12-01", "add": 0.5}]}`), theUS)
	if err != nil {
		t.Fatal(err)
	}
	if c := f.Cards[ratecard.Offsite][0]; c.Default != 400 || len(c.Entries) != 2 || !c.Effective.IsZero() || f.Promotions[0].Value != 50 {
		t.Errorf("%+v", f)
	}
}

// Dates are those of the marketplace: also where clocks skip midnight, or live it twice.
func TestDates(t *testing.T) {
	for _, name := range []string{"America/New_York", "UTC", "America/Havana", "Asia/Beirut", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for day := time.Date(2010, 12, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
			at := startOf(day, zone)
			if name == "Pacific/Apia" && day.Format(dateForm) == "2011-12-30" {
				continue // a day that did not happen there
			}
			back, ok := dateOf(at, zone)
			if !ok || !back.Equal(day) || at.In(zone).Format(dateForm) != day.Format(dateForm) {
				t.Fatalf("%s %s begins at %s and is read as %s, %v", name, day.Format(dateForm), at.In(zone), back, ok)
			}
			if before := at.Add(-time.Microsecond).In(zone).Format(dateForm); before >= day.Format(dateForm) {
				t.Fatalf("%s: %s has begun before %s", name, day.Format(dateForm), at)
			}
		}
	}
}

// A file comes from outside: whatever it is, it is read or refused with words that help.
func FuzzParse(f *testing.F) {
	f.Add([]byte(goodFile))
	f.Add([]byte(`{"marketplace": "us", "currency": "USD", "offsite": {"default": 4}}`))
	for _, seed := range []string{"a: &a [*a]", "- - - -", "? x\n: y", "a: 'x\n", "\"\\x", "a: {b: [c", "%YAML 1.2\n---\na: b", "offsite:\n  rates:\n    ~: 1\n", "<<: 1"} {
		f.Add([]byte(seed))
		f.Add([]byte("marketplace: us\ncurrency: USD\n" + seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := Parse(raw, theUS)
		if err != nil {
			if found := fault.Of(err); found.Kind == fault.Unavailable || found.Rule == "" || found.Fix == "" {
				t.Fatalf("a bad file is the caller's doing: %v", err)
			}
			return
		}
		for kind, cards := range file.Cards {
			for _, c := range cards {
				if c.Kind != kind || c.line < 1 || len(c.entries) != len(c.Entries) {
					t.Fatalf("%+v", c)
				}
			}
		}
		if len(file.Bounties) > 0 {
			c := &comparison{file: file, places: map[string][]place{},
				occasion: ratecard.Occasion{Zone: theUS.Location(), Now: fixed, NoticeDays: 14}}
			c.bounties() // whatever the file says can be compared
		}
		if _, err := file.Book(&ratecard.Book{}, fixed, false); err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}

var fixed = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("marketplace: us\ncurrency: USD\noffsite:\n  default: 4\n  products:\n")
	for i := range 5_000 {
		fmt.Fprintf(&text, "    SKU-%06d: {rate: 4.5, cap: 25.00}\n", i)
	}
	raw := []byte(text.String())
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := Parse(raw, theUS); err != nil {
			b.Fatal(err)
		}
	}
}
