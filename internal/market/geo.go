package market

import (
	"sort"
	"strings"

	"tributary/internal/fault"
)

// Geo routing (docs/spec.md §4): which marketplace a visitor belongs to, and whether a link brings him there. The rules
// are pure; what the destination sells is asked of the catalog by whoever routes.

// Preference is a creator's choice of how near a match must be. Empty is Close.
type Preference string

// The preferences.
const (
	Close Preference = "close" // the same product, else a close match, else a search for its title
	Exact Preference = "exact" // the same product, else the visitor stays
	Off   Preference = "off"
)

// Check refuses a preference that does not exist.
func (p Preference) Check() error {
	switch p {
	case "", Close, Exact, Off:
		return nil
	}
	return fault.Invalidf("routing", "is not a preference", "send close, exact or off")
}

// Country is an ISO 3166-1 alpha-2 code in capitals; zero where it is unknown.
type Country [2]byte

// ParseCountry reads two letters of either case; anything else, and the codes that networks use for *nobody knows*
// (XX, ZZ, and Tor's T1), is the unknown country.
func ParseCountry(text string) Country {
	if len(text) != 2 {
		return Country{}
	}
	c := Country{text[0] &^ 0x20, text[1] &^ 0x20}
	if !c.letters() || c == (Country{'X', 'X'}) || c == (Country{'Z', 'Z'}) {
		return Country{}
	}
	return c
}

func (c Country) letters() bool { return c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z' }

// String gives the code; empty where the country is unknown.
func (c Country) String() string {
	if c == (Country{}) {
		return ""
	}
	return string(c[:])
}

func (c Country) index() int { return int(c[0]-'A')*26 + int(c[1]-'A') }

// Geography tells which marketplace serves a country. It is immutable, and a look-up is one step into an array.
type Geography struct {
	serving [26 * 26]uint16 // marketplace by country: its own, else the nearest; 0 none
	serves  map[uint16]*[26 * 26]bool
	first   uint16
}

// NewGeography lays out the marketplaces. Of two that name a country the lower number serves it; one that names none
// serves all, after those that name it. Countries that nobody serves go where nearest says (country to marketplace id:
// the operator's policy), else to a marketplace of their region, else nowhere.
func NewGeography(all []Market, nearest map[string]string) *Geography {
	sorted := append([]Market(nil), all...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].No < sorted[j].No })
	g := &Geography{serves: map[uint16]*[26 * 26]bool{}}
	byID, everywhere := map[string]uint16{}, uint16(0)
	for _, m := range sorted {
		if g.first == 0 {
			g.first = m.No
		}
		byID[m.ID] = m.No
		own := new([26 * 26]bool)
		g.serves[m.No] = own
		if len(m.Countries) == 0 {
			for i := range own {
				own[i] = true
			}
			if everywhere == 0 {
				everywhere = m.No
			}
		}
		for _, text := range m.Countries {
			if c := ParseCountry(text); c.letters() {
				own[c.index()] = true
				if g.serving[c.index()] == 0 {
					g.serving[c.index()] = m.No
				}
			}
		}
	}
	named := g.serving
	for i := range g.serving {
		if g.serving[i] == 0 {
			g.serving[i] = everywhere
		}
	}
	for text, to := range nearest {
		if c := ParseCountry(text); c.letters() && named[c.index()] == 0 && byID[to] != 0 {
			g.serving[c.index()] = byID[to]
		}
	}
	g.fillRegions(&named)
	return g
}

// fillRegions gives countries without a marketplace to the lowest marketplace that names a country of their region, and
// to that of the next region in order where their own has none.
func (g *Geography) fillRegions(named *[26 * 26]uint16) {
	lowest := make([]uint16, len(regions))
	for i, r := range regions {
		for _, text := range strings.Fields(r.countries) {
			if no := named[ParseCountry(text).index()]; no != 0 && (lowest[i] == 0 || no < lowest[i]) {
				lowest[i] = no
			}
		}
	}
	for i, r := range regions {
		for _, text := range strings.Fields(r.countries) {
			at := ParseCountry(text).index()
			for _, near := range append([]int{i}, r.then...) {
				if g.serving[at] == 0 {
					g.serving[at] = lowest[near]
				}
			}
		}
	}
}

// Serving is the marketplace that a visitor from that country belongs to; 0 where there is none, or the country is
// unknown.
func (g *Geography) Serving(c Country) uint16 {
	if !c.letters() {
		return 0
	}
	return g.serving[c.index()]
}

// Serves tells whether a marketplace serves a country by its own list.
func (g *Geography) Serves(no uint16, c Country) bool {
	own := g.serves[no]
	return own != nil && c.letters() && own[c.index()]
}

// First is the marketplace with the lowest number: where a link leads of which nothing else is known.
func (g *Geography) First() uint16 { return g.first }

// Visit is one visitor at one link.
type Visit struct {
	Country    Country
	Here       uint16 // the marketplace of the link
	Stay       bool   // the visitor has asked to stay
	Routable   bool   // a product, search, category or home link of associates
	Preference Preference
}

// Route gives the marketplace that the visitor should be brought to: Here, or the one that serves the visitor's country
// if the creator is active there with a tracking id (reaches). A link's own marketplace keeps whom it serves.
func (g *Geography) Route(v Visit, reaches func(no uint16) bool) uint16 {
	if !v.Routable || v.Stay || v.Preference == Off || g.Serves(v.Here, v.Country) {
		return v.Here
	}
	there := g.Serving(v.Country)
	if there == 0 || there == v.Here || !reaches(there) {
		return v.Here
	}
	return there
}
