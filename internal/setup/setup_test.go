package setup_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/secret"
	"tributary/internal/setup"
)

var now = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

func apply(t *testing.T, d *db.DB, raw string) (string, error) {
	t.Helper()
	file, err := setup.Parse([]byte(raw))
	if err == nil {
		err = file.ReadRates("../../examples")
	}
	if err != nil {
		return "", err
	}
	var said []string
	err = d.Write(context.Background(), db.Interactive, func(tx *db.Tx) (err error) {
		said, err = setup.Apply(tx, secret.FixedRing("setup"), file, "https://go.example", now)
		return err
	})
	return strings.Join(said, "\n"), err
}

func example(t *testing.T) string {
	raw, err := os.ReadFile("../../examples/setup.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The example makes a whole installation; applied again it makes nothing twice and shows no secret again.
func TestExample(t *testing.T) {
	d := dbtest.Open(t)
	first, err := apply(t, d, example(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"marketplace us", "version 1", "Sam Porter (admin) signs in once with https://go.example/login?token=",
		"Ada Wren (creator) signs in once", "tracking id ada-blog-20", "tracking id ada-newsletter-20", `API token "store", shown this once: trib_`} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not in\n%s", want, first)
		}
	}
	second, err := apply(t, d, example(t))
	if err != nil || second != "marketplace us: Harbour Market, USD" {
		t.Errorf("again: %q, %v", second, err)
	}
}

// withRates is the example with rates in place of its card.
func withRates(t *testing.T, rates string) string {
	t.Helper()
	raw := example(t)
	start, end := strings.Index(raw, `"card"`), strings.Index(raw, "\n    }\n  ],\n  \"staff\"")
	if start < 0 || end < start {
		t.Fatal("the example has no card where this test looks for one")
	}
	return raw[:start] + `"rates": ` + rates + raw[end:]
}

// All that a marketplace pays may stand in a file of its own, or within this one.
func TestRates(t *testing.T) {
	for name, c := range map[string]struct{ rates, want string }{
		"file":               {`"rates.yaml"`, "us: contract of ada, offsite, from 2026-12-01 until 2027-11-30"},
		"file with bounties": {`"rates.yaml"`, "us: bounty trade_in, from 2026-12-01"},
		"inline":             {`{"marketplace": "us", "currency": "USD", "offsite": {"effective": "2026-01-01", "default": "4", "rates": {"Gift Cards": "excluded"}}}`, "us: offsite card, version 1, from 2026-01-01"},
		"bounties": {`{"marketplace": "us", "currency": "USD", "bounties": [{"action": "trial", "name": "Trial", "amount": "3.00", "from": "2026-01-01", "page": "/"}]}`,
			"us: bounty trial, from 2026-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.Open(t)
			first, err := apply(t, d, withRates(t, c.rates))
			if err != nil || !strings.Contains(first, c.want) {
				t.Fatalf("%v\n%s", err, first)
			}
			if again, err := apply(t, d, withRates(t, c.rates)); err != nil || again != "marketplace us: Harbour Market, USD" {
				t.Errorf("again: %q, %v", again, err)
			}
		})
	}
	for rates, want := range map[string]string{
		`"../rates.yaml"`: "marketplaces[0].rates: names a file outside the folder",
		`"missing.yaml"`:  "marketplaces[0].rates: names a file that cannot be read",
		`{"marketplace": "uk", "currency": "USD"}`:                "marketplaces[0].rates: marketplace: is uk, and these are the rates of us",
		`{"marketplace": "us", "currency": "USD", "offsite": {}}`: "marketplaces[0].rates: offsite (line 1): has no default rate",
		`{"marketplace": "us", "currency": "USD", "bounties": [{"action": "trial", "name": "Trial", "amount": 3, "page": "https://other.example/"}]}`: "marketplaces[0].rates: bounties[0].page (line 1): is not a page",
		`{"marketplace": "us", "currency": "USD"}, "card": {"kind": "onsite"}`:                                                                        "marketplaces[0]: rates: stands beside card",
	} {
		if said, err := apply(t, dbtest.Open(t), withRates(t, rates)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s\n%s", rates, err, want, said)
		}
	}
}

// A file with a fault is refused as a whole, with the place that is wrong, and leaves nothing.
func TestBadFiles(t *testing.T) {
	d := dbtest.Open(t)
	good := example(t)
	for want, bad := range map[string]string{
		"unknown field":                      strings.Replace(good, `"name"`, `"nmae"`, 1),
		"goes on after its end":              good + "{}",
		"marketplaces[0]: marketplace.zone":  strings.Replace(good, "America/New_York", "America/Nowhere", 1),
		"marketplaces[0]: marketplace.curre": strings.Replace(good, `"currency": "USD", "zone"`, `"currency": "XQX", "zone"`, 1),
		"staff[0]: role":                     strings.Replace(good, `"role": "admin"`, `"role": "king"`, 1),
		"creators[0]: marketplaces":          strings.Replace(good, `"marketplaces": ["us"]`, `"marketplaces": ["fr"]`, 1),
		"creators[0]: program":               strings.Replace(good, `"associates"`, `"friends"`, 1),
		"tokens[0]":                          strings.Replace(good, `"orders.write", `, `"everything", `, 1),
	} {
		if _, err := apply(t, d, bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if said, err := apply(t, d, good); err != nil || !strings.Contains(said, "shown this once") {
		t.Errorf("a refused file left something: %v\n%s", err, said)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"marketplaces":[{"id":"us"}]}`)
	f.Add(`{`)
	f.Fuzz(func(t *testing.T, raw string) { setup.Parse([]byte(raw)) })
}
