package ratecard

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/fault"
)

func TestPercent(t *testing.T) {
	for text, want := range map[string]int64{"4.5": 450, "4": 400, "0": 0, "0.01": 1, "100": 10_000, "4.50": 450,
		"12.25": 1225, " 3 ": 300} {
		if got, err := ParsePercent("rate", text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "4.555", "-1", "100.01", "4,5", "4.5%", "1e1", "NaN", "400000000000000000000", "."} {
		if got, err := ParsePercent("rate", text); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "rate" {
			t.Errorf("%q was read as %d, %v", text, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		bps := rapid.Int64Range(0, 10_000).Draw(t, "bps")
		if got, err := ParsePercent("rate", FormatPercent(bps)); err != nil || got != bps {
			t.Fatalf("%d is written %q and read %d, %v", bps, FormatPercent(bps), got, err)
		}
	})
}

const goodCard = `{
  "kind": "offsite", "effective": "2026-03-01T02:00:00+02:00", "default": 4,
  "entries": [
    {"category": "Home>Kitchen", "rate": "4.5"},
    {"category": "Gift Cards", "excluded": true},
    {"sku": "SKU9", "rate": 12, "cap": {"amount": 2500, "currency": "USD"}}
  ]
}`

func TestParseCard(t *testing.T) {
	got, err := Parse([]byte(goodCard), "USD")
	if err != nil {
		t.Fatal(err)
	}
	want := Card{Kind: Offsite, Effective: march, Default: 400,
		Entries: []Entry{{Category: "Home > Kitchen", BPS: 450}, {Category: "Gift Cards", Excluded: true}, {SKU: "SKU9", BPS: 1200, Cap: 2500}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseCardNamesTheMistake(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"offsite"`, `"sidewise"`, "kind: is not a kind of rate card; write offsite, onsite, boosted or seller_fee"},
		{`"2026-03-01T02:00:00+02:00"`, `"tomorrow"`, "effective: is not an instant; write it as 2026-12-01T00:00:00Z"},
		{`"2026-03-01T02:00:00+02:00"`, `""`, "effective: is missing"},
		{`"2026-03-01`, `"2926-03-01`, "effective: is in the year 2926"},
		{`"default": 4`, `"default": "101"`, "default: 101 % is not between 0 and 100 %"},
		{`"default": 4,`, ``, `default: "" is not a decimal number`},
		{`"4.5"`, `"4.555"`, "entries[0].rate: 4.555 % has more than two decimals"},
		{`"4.5"`, `[1]`, "entries[0].rate: \"[1]\" is not a decimal number"},
		{`"SKU9"`, `"SKU9", "category": "Home"`, "entries[2]: names not exactly one of category and sku"},
		{`"Home>Kitchen"`, `" > "`, "entries[0]: names not exactly one of category and sku"},
		{`"sku": "SKU9"`, `"category": "Home > Kitchen "`, "entries[2]: Home > Kitchen stands in entries[0] already"},
		{`"SKU9"`, `" SKU9"`, "entries[2].sku: begins or ends with white space"},
		{`"USD"`, `"GBP"`, "entries[2].cap.currency: is not the marketplace's currency; write USD"},
		{`2500`, `0`, "entries[2].cap.amount: is 0; leave it out for none"},
		{`2500`, `-1`, "entries[2].cap: is negative"},
		{`2500`, `2000000000000000`, "entries[2].cap: is beyond the limit"},
		{`2500`, `2.5`, "entries.cap.amount: is a JSON number 2.5 in line 6; write texts in quotes"},
		{`"excluded": true`, `"excluded": true, "rate": 4`, "entries[1].excluded: has a rate or a cap beside it"},
		{`"excluded": true`, `"excluded": false`, `entries[1].rate: "" is not a decimal number`},
		{`"excluded": true`, `"rate": 4, "minimum": {"amount": 30, "currency": "USD"}`, "entries[1].minimum: stands on a card of commissions"},
		{`"offsite"`, `"seller_fee"`, "entries[1].excluded: stands on a seller's fee"},
		{`"kind"`, `"king"`, `card: unknown field "king" near line`},
		{`"default": 4,`, `"default": 4,,`, "card: is not JSON: line 2"},
		{"\n}", "\n", "card: ends too early"},
		{"\n}", "\n}{}", "card: goes on after its end"},
		{`"Home>Kitchen"`, `"` + strings.Repeat("x > ", 9) + `x"`, "entries[0].category: has more than 8 levels"},
	} {
		if !strings.Contains(goodCard, c.old) {
			t.Fatalf("%q is not in the card", c.old)
		}
		_, err := Parse([]byte(strings.Replace(goodCard, c.old, c.new, 1)), "USD")
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: %v, want %s", c.old, c.new, err, c.want)
		}
	}
	if _, err := Parse(make([]byte, MaxFile+1), "USD"); !fault.Is(err, fault.Exhausted) {
		t.Error(err)
	}
}

const feeCard = `{
  "kind": "seller_fee", "effective": "2026-03-01T00:00:00Z", "default": 15,
  "entries": [{"category": "Jewellery", "rate": 20, "minimum": {"amount": 30, "currency": "USD"}}]
}`

func TestSellerFeeCard(t *testing.T) {
	got, err := Parse([]byte(feeCard), "USD")
	want := Card{Kind: SellerFee, Effective: march, Default: 1500, Entries: []Entry{{Category: "Jewellery", BPS: 2000, Minimum: 30}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatal(err, diff)
	}
	if raw, err := got.Marshal("USD"); err != nil || !strings.Contains(string(raw), `"minimum"`) {
		t.Errorf("%v %s", err, raw)
	}
	for bad, want := range map[string]string{
		`"cap": {"amount": 30, "currency": "USD"}`:     "entries[0].cap: stands on a seller's fee",
		`"minimum": {"amount": 0, "currency": "USD"}`:  "entries[0].minimum.amount: is 0",
		`"minimum": {"amount": -1, "currency": "USD"}`: "entries[0].minimum: is negative",
		`"minimum": {"amount": 30, "currency": "GBP"}`: "entries[0].minimum.currency: is not the marketplace's currency",
	} {
		raw := strings.Replace(feeCard, `"minimum": {"amount": 30, "currency": "USD"}`, bad, 1)
		if _, err := Parse([]byte(raw), "USD"); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", bad, err, want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		text, currency string
		want           int64
	}{{"25", "USD", 2500}, {"0.30", "USD", 30}, {"25.5", "GBP", 2550}, {"1200", "JPY", 1200}, {"0", "USD", 0}} {
		got, err := ParseAmount("cap", c.text, c.currency)
		back, _ := ParseAmount("cap", FormatAmount(got, c.currency), c.currency)
		if err != nil || got != c.want || back != got {
			t.Errorf("%s %s: %d, %v; read back %d", c.text, c.currency, got, err, back)
		}
	}
	for _, bad := range []string{"0.305", "-1", "x", "1e3", "99999999999999", "99999999999999999999999"} {
		if got, err := ParseAmount("cap", bad, "USD"); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "cap" {
			t.Errorf("%q was read as %d, %v", bad, got, err)
		}
	}
	if _, err := ParseAmount("cap", "1.5", "JPY"); !fault.Is(err, fault.Invalid) {
		t.Error("half a yen was taken")
	}
}

func TestMarshalIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		card := drawCard(t)
		card.Effective = march.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "µs")) * time.Microsecond)
		raw, err := card.Marshal("GBP")
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(raw, "GBP")
		if diff := cmp.Diff(card.Clean(), back); diff != "" || err != nil {
			t.Fatalf("%v %s\n%s", err, diff, raw)
		}
	})
}

// A card file comes from outside: what is taken can be written and is read back the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(goodCard))
	f.Add([]byte(`{"kind":"onsite","effective":"0001-01-01T00:00:00Z","default":"0","entries":[]}`))
	f.Add([]byte(feeCard))
	f.Add([]byte(`{"default":null,"entries":[{"cap":null}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		card, err := Parse(raw, "USD")
		if err != nil {
			if found := fault.Of(err); found.Kind == fault.Unavailable || found.Rule == "" {
				t.Fatalf("a bad card is the caller's doing: %v", err)
			}
			return
		}
		again, err := card.Marshal("USD")
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(again, "USD")
		if diff := cmp.Diff(card, back); diff != "" || err != nil {
			t.Fatalf("%v %s", err, diff)
		}
	})
}
