package ratefile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/fault"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/terms"
)

const commented = `# agreed on 3 March
marketplace: us
currency: USD
offsite:
  default: 4        # for the rest
  rates:
    # the house
    Home: 3         # was 2
    "Home > Kitchen": {rate: 4.5, cap: 25.00}   # per unit
    Gift Cards: excluded
  products: {SKU9: 12}
  coming:
    - effective: 2027-02-01
      default: 5
      rates:
        Home: 4     # later
`

// A form changes one entry; everything else that the person wrote stays.
func TestAmend(t *testing.T) {
	for name, c := range map[string]struct {
		a        Amendment
		old, new string // of the text; empty: it is written anew
	}{
		"a rate":          {Amendment{Entry: ratecard.Entry{Category: "Home", BPS: 350}}, "Home: 3         # was 2", "Home: 3.5         # was 2"},
		"a rate and cap":  {Amendment{Entry: ratecard.Entry{Category: "Home>Kitchen", BPS: 500}}, "{rate: 4.5, cap: 25.00}", "5"},
		"excluded":        {Amendment{Entry: ratecard.Entry{Category: "Home", Excluded: true}}, "Home: 3 ", "Home: excluded "},
		"no longer so":    {Amendment{Entry: ratecard.Entry{Category: "Gift Cards", BPS: 100, Cap: 50}}, "Gift Cards: excluded", "Gift Cards: {rate: 1, cap: 0.50}"},
		"a new category":  {Amendment{Entry: ratecard.Entry{Category: "Film & TV", BPS: 500}}, "Gift Cards: excluded\n", "Gift Cards: excluded\n    \"Film & TV\": 5\n"},
		"one less":        {Amendment{Entry: ratecard.Entry{Category: "Gift Cards"}, Remove: true}, "    Gift Cards: excluded\n", ""},
		"none to remove":  {Amendment{Entry: ratecard.Entry{Category: "Moon"}, Remove: true}, "", commented},
		"a coming card":   {Amendment{Card: 1, Entry: ratecard.Entry{Category: "Home", BPS: 425}}, "Home: 4     # later", "Home: 4.25     # later"},
		"within brackets": {Amendment{Entry: ratecard.Entry{SKU: "SKU9", BPS: 1300}}, "", ""},
		"a new product":   {Amendment{Entry: ratecard.Entry{SKU: "SKU10", BPS: 1300}}, "", ""},
	} {
		c.a.Kind = ratecard.Offsite
		got, err := Amend([]byte(commented), theUS, c.a)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.old != "" || c.new != "" {
			if diff := cmp.Diff(strings.Replace(commented, c.old, c.new, 1), string(got)); diff != "" && c.new != commented {
				t.Errorf("%s: %s", name, diff)
			}
		}
		f, err := Parse(got, theUS)
		if err != nil {
			t.Fatal(err)
		}
		entries := f.Cards[ratecard.Offsite][c.a.Card].Entries
		found := false
		for _, e := range entries {
			found = found || e == ratecard.Card{Entries: []ratecard.Entry{c.a.Entry}}.Clean().Entries[0]
		}
		if found == c.a.Remove {
			t.Errorf("%s: %+v", name, entries)
		}
	}
	for want, a := range map[fault.Kind]Amendment{
		fault.NotFound: {Kind: ratecard.Onsite}, fault.Invalid: {Kind: ratecard.Offsite, Card: 1, Entry: ratecard.Entry{Category: "Home", BPS: 20_000}},
	} {
		if _, err := Amend([]byte(commented), theUS, a); !fault.Is(err, want) {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// Whatever is changed in whatever file, the text says the same but for the entry.
func TestAmendChangesNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t, theUS.Location())
		f := Of(theUS, terms.Terms{Rates: b, Offers: drawOffers(t, theUS.Location())}, nil, now)
		kind := rapid.SampledFrom(ratecard.Kinds).Draw(t, "kind")
		f.Contracts = nil
		if len(f.Cards[kind]) == 0 {
			return
		}
		a := Amendment{Kind: kind, Card: rapid.IntRange(0, len(f.Cards[kind])-1).Draw(t, "card"), Remove: rapid.Bool().Draw(t, "remove"),
			Entry: ratecard.Entry{Category: drawName(t, "category"), BPS: rapid.Int64Range(0, 10_000).Draw(t, "bps")}}
		if rapid.Bool().Draw(t, "product") {
			a.Entry.SKU, a.Entry.Category = a.Entry.Category, ""
		}
		text := f.Text()
		got, err := Amend(text, theUS, a)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		read, err := Parse(got, theUS)
		if err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		want := f.Cards[kind][a.Card].Card
		kept := []ratecard.Entry{}
		for _, e := range want.Entries {
			if e.Text() != a.Entry.Text() {
				kept = append(kept, e)
			}
		}
		if !a.Remove {
			kept = append(kept, a.Entry)
		}
		want.Entries = kept
		if !want.Same(read.Cards[kind][a.Card].Card) {
			t.Fatalf("%+v became\n%s\nof\n%s", a, got, text)
		}
		f.Cards[kind][a.Card].Card = want.Clean()
		if diff := cmp.Diff(string(f.Text()), string(read.Text())); diff != "" {
			t.Fatal(diff)
		}
	})
}
