package market

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/fault"
)

var (
	us = Market{No: 1, ID: "us", Countries: []string{"US"}}
	uk = Market{No: 2, ID: "uk", Countries: []string{"GB", "IE"}}
	de = Market{No: 3, ID: "de", Countries: []string{"DE", "at"}}
	jp = Market{No: 4, ID: "jp", Countries: []string{"JP"}}
	// world serves everybody.
	world = Market{No: 9, ID: "world"}
)

func TestServing(t *testing.T) {
	nearest := map[string]string{"PL": "de", "US": "uk", "BR": "nowhere", "FR": "uk"}
	for _, c := range []struct {
		name    string
		markets []Market
		want    string // country:marketplace
	}{
		{"named", []Market{us, uk, de}, "US:1 GB:2 IE:2 DE:3 AT:3"},
		{"the lower number of two", []Market{{No: 8, Countries: []string{"US"}}, us}, "US:1"},
		{"the operator's map, which moves nobody that is served", []Market{us, uk, de}, "PL:3 FR:2 US:1"},
		{"by region", []Market{us, uk, de, jp}, "CA:1 NL:2 TW:4 AU:4 MX:1 BR:1 IN:4 ZA:2 AE:2"},
		{"everybody else's", []Market{us, uk, world}, "US:1 GB:2 NL:9 FR:2 BR:9"},
		{"only everybody's", []Market{world}, "US:9 ZA:9"},
		{"none", nil, "US:0"},
		{"unknown", []Market{us, world}, "XX:0 ZZ:0 :0 1A:0 USA:0"},
	} {
		g := NewGeography(c.markets, nearest)
		for _, pair := range strings.Fields(c.want) {
			country, no, _ := strings.Cut(pair, ":")
			if got := g.Serving(ParseCountry(country)); got != uint16(no[0]-'0') {
				t.Errorf("%s: %s goes to %d, want %s", c.name, country, got, no)
			}
		}
	}
}

// docs/spec.md §4.
func TestRoute(t *testing.T) {
	g := NewGeography([]Market{us, uk, de}, nil)
	everywhere := func(uint16) bool { return true }
	nowhere := func(uint16) bool { return false }
	for _, c := range []struct {
		name    string
		visit   Visit
		reaches func(uint16) bool
		want    uint16
	}{
		{"at home", Visit{Country: Country{'U', 'S'}, Here: 1, Routable: true}, everywhere, 1},
		{"another marketplace serves the visitor", Visit{Country: Country{'G', 'B'}, Here: 1, Routable: true}, everywhere, 2},
		{"exact is decided by the catalog, not here", Visit{Country: Country{'G', 'B'}, Here: 1, Routable: true,
			Preference: Exact}, everywhere, 2},
		{"the nearest one", Visit{Country: Country{'N', 'L'}, Here: 1, Routable: true}, everywhere, 2},
		{"the creator is not active there", Visit{Country: Country{'G', 'B'}, Here: 1, Routable: true}, nowhere, 1},
		{"the creator's choice", Visit{Country: Country{'G', 'B'}, Here: 1, Routable: true, Preference: Off}, everywhere, 1},
		{"the visitor's choice", Visit{Country: Country{'G', 'B'}, Here: 1, Routable: true, Stay: true}, everywhere, 1},
		{"campaign, bounty and storefront links stay", Visit{Country: Country{'G', 'B'}, Here: 1}, everywhere, 1},
		{"nobody knows the country", Visit{Here: 2, Routable: true}, everywhere, 2},
	} {
		if got := g.Route(c.visit, c.reaches); got != c.want {
			t.Errorf("%s: goes to %d, want %d", c.name, got, c.want)
		}
	}
	// A marketplace keeps whom it serves, also where another one names the country first.
	both := NewGeography([]Market{us, {No: 5, Countries: []string{"CA", "US"}}, world}, nil)
	for here, want := range map[uint16]uint16{5: 5, 9: 9, 1: 1} {
		if got := both.Route(Visit{Country: Country{'U', 'S'}, Here: here, Routable: true}, everywhere); got != want {
			t.Errorf("from %d to %d, want %d", here, got, want)
		}
	}
}

// A visitor is never brought to a marketplace in which the creator has nothing, and never against a wish.
func TestRouteNeverHarms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Market
		for no := range rapid.IntRange(1, 5).Draw(t, "markets") {
			m := Market{No: uint16(no + 1)}
			if rapid.IntRange(0, 4).Draw(t, "world") > 0 {
				m.Countries = rapid.SliceOfN(rapid.StringMatching(`[A-E][A-C]`), 1, 4).Draw(t, "countries")
			}
			all = append(all, m)
		}
		reached := map[uint16]bool{}
		for _, m := range all {
			reached[m.No] = rapid.Bool().Draw(t, "reached")
		}
		v := Visit{
			Country: ParseCountry(rapid.StringMatching(`[A-E][A-C]|`).Draw(t, "country")), Here: uint16(rapid.IntRange(1,
				len(all)).Draw(t, "here")),
			Stay: rapid.Bool().Draw(t, "stay"), Routable: rapid.Bool().Draw(t, "routable"),
			Preference: rapid.SampledFrom([]Preference{"", Close, Exact, Off}).Draw(t, "preference"),
		}
		got := NewGeography(all, nil).Route(v, func(no uint16) bool { return reached[no] })
		if got != v.Here && (!reached[got] || v.Stay || !v.Routable || v.Preference == Off) {
			t.Fatalf("%+v goes to %d", v, got)
		}
	})
}

// Every country stands in exactly one region, so that the map of the nearest is whole.
func TestRegions(t *testing.T) {
	seen := map[string]bool{}
	for i, r := range regions {
		for _, country := range strings.Fields(r.countries) {
			if seen[country] || ParseCountry(country).String() != country {
				t.Errorf("%s stands twice, or is no country", country)
			}
			seen[country] = true
		}
		for _, then := range r.then {
			if then == i || then >= len(regions) {
				t.Errorf("region %d leads to %d", i, then)
			}
		}
	}
	for _, code := range shipped(t).codes[1:] {
		if !seen[code.String()] {
			t.Errorf("%s stands in no region", code)
		}
	}
	if len(seen) < 249 {
		t.Errorf("%d countries, ISO 3166-1 has 249", len(seen))
	}
}

func TestVisitor(t *testing.T) {
	proxies, err := NewProxies([]string{"10.0.0.0/8", "2001:db8::1", "192.0.2.7"}, "x-forwarded-for", "cf-ipcountry")
	if err != nil {
		t.Fatal(err)
	}
	const list, country = "X-Forwarded-For", "Cf-Ipcountry"
	for _, c := range []struct {
		name, remote string
		header       map[string][]string
		address      string
		country      string
	}{
		{"nobody in between", "203.0.113.9:1234", nil, "203.0.113.9", ""},
		{"a stranger's headers", "203.0.113.9:1234", map[string][]string{list: {"8.8.8.8"}, country: {"US"}}, "203.0.113.9", ""},
		{"a proxy", "10.1.1.1:80", map[string][]string{list: {"8.8.8.8"}, country: {"us"}}, "8.8.8.8", "US"},
		{"what the visitor made up stands first", "10.1.1.1:80", map[string][]string{list: {"1.1.1.1, 8.8.8.8"}}, "8.8.8.8", ""},
		{"proxies behind proxies", "10.1.1.1:80", map[string][]string{list: {"1.1.1.1, 8.8.8.8, 10.2.2.2", "192.0.2.7"}},
			"8.8.8.8", ""},
		{"nothing but proxies", "10.1.1.1:80", map[string][]string{list: {"10.3.3.3,10.2.2.2"}}, "10.3.3.3", ""},
		{"with ports and brackets", "[2001:db8::1]:80", map[string][]string{list: {"1.1.1.1, [2001:db8::2]:443"}},
			"2001:db8::2", ""},
		{"mapped", "[::ffff:10.1.1.1]:80", map[string][]string{list: {"::ffff:8.8.8.8"}}, "8.8.8.8", ""},
		{"rubbish ends the list", "10.1.1.1:80", map[string][]string{list: {"8.8.8.8, unknown, 10.2.2.2"}}, "10.2.2.2", ""},
		{"an empty list", "10.1.1.1:80", map[string][]string{}, "10.1.1.1", ""},
		{"two countries are none", "10.1.1.1:80", map[string][]string{country: {"US", "GB"}}, "10.1.1.1", ""},
		{"nobody knows", "10.1.1.1:80", map[string][]string{country: {"XX"}}, "10.1.1.1", ""},
		{"no address at all", "@", nil, "", ""},
	} {
		address, country := proxies.Visitor(c.remote, c.header)
		text := ""
		if address != (netip.Addr{}) {
			text = address.String()
		}
		if text != c.address || country.String() != c.country {
			t.Errorf("%s: %s in %q, want %s in %q", c.name, text, country, c.address, c.country)
		}
	}
	for _, bad := range []struct{ trusted, header string }{{"0.0.0.0/0", "X"}, {"::/0", "X"}, {"10.0.0.0/33", "X"},
		{"proxy.example", "X"}, {"", "X"}} {
		var trusted []string
		if bad.trusted != "" {
			trusted = []string{bad.trusted}
		}
		if _, err := NewProxies(trusted, bad.header, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v is taken: %v", bad, err)
		}
	}
	if _, err := NewProxies(nil, "", ""); err != nil {
		t.Error(err)
	}
}

func FuzzVisitor(f *testing.F) {
	f.Add("10.1.1.1:80", "8.8.8.8, [::1]:2,", "US")
	proxies, err := NewProxies([]string{"10.0.0.0/8"}, "X-Forwarded-For", "Cf-Ipcountry")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, remote, list, country string) {
		address, c := proxies.Visitor(remote, map[string][]string{"X-Forwarded-For": {list}, "Cf-Ipcountry": {country}})
		if address.Zone() != "" || address.Is4In6() || (c != Country{} && !c.letters()) {
			t.Errorf("%v in %v", address, c)
		}
	})
}
