package catalog

import (
	"math/rand/v2"
	"strings"
)

// naming is what a model is called.
type naming struct {
	title string
	by    string // author or artist, after the title
	brand string
	dear  bool // among the more expensive of its category
	facts []Fact
}

// name calls a model something that reads like goods of its kind.
func (l *Leaf) name(r *rand.Rand) naming {
	noun, quality, brand := pick(r, l.nouns), pick(r, l.qualities), pick(r, l.brands)
	switch l.form {
	case "book", "ebook":
		author := person(r)
		return naming{title: fill(r, noun) + ", " + quality, by: ", by " + author, brand: brand,
			facts: []Fact{{"Author", author}, {"Publisher", brand}}}
	case "album", "download":
		artist := pick(r, artists)
		return naming{title: fill(r, noun) + ", " + quality, by: ", by " + artist, brand: brand,
			facts: []Fact{{"Artist", artist}, {"Label", brand}}}
	case "film", "disc", "game":
		return naming{title: fill(r, noun) + ", " + quality, brand: brand, facts: []Fact{{"Studio", brand}, {"Edition", quality}}}
	case "digital":
		return naming{title: brand + " " + noun + ", " + quality, brand: brand, facts: []Fact{{"Issued by", brand}}}
	}
	if strings.Contains(noun, "{") { // a boxed edition of something that has a title
		return naming{title: fill(r, noun) + ", " + quality, brand: brand, facts: []Fact{{"Studio", brand}, {"Edition", quality}}}
	}
	noun, plain := strings.CutSuffix(noun, "*")
	noun, dear := strings.CutSuffix(noun, "+")
	title, facts := brand, []Fact{{"Brand", brand}, {"Type", noun}}
	if r.IntN(100) < ownSeries {
		title += " " + pick(r, series)
	}
	if !plain && !strings.Contains(noun, quality) {
		title += " " + quality
		facts = append(facts, Fact{"Make", quality})
	}
	return naming{title: title + " " + noun, brand: brand, dear: dear, facts: facts}
}

// fill puts words into a title's places.
func fill(r *rand.Rand, pattern string) string {
	for _, place := range []struct {
		name  string
		words []string
	}{{"{thing}", things}, {"{things}", plural}, {"{place}", places}, {"{season}", seasons}} {
		for strings.Contains(pattern, place.name) {
			pattern = strings.Replace(pattern, place.name, pick(r, place.words), 1)
		}
	}
	return pattern
}

func person(r *rand.Rand) string { return pick(r, firstNames) + " " + pick(r, lastNames) }

var (
	things = []string{"Lighthouse", "Orchard", "Salt", "Lantern", "Heron", "Ferry", "Clock", "Garden", "Kestrel",
		"Harbour", "Paper", "Bridge", "Anchor", "Violin", "Orchid", "Map", "Compass", "Mirror", "Fox", "Island", "Letter",
		"Window", "Cartographer", "Tide"}
	plural = []string{"Lighthouses", "Herons", "Lanterns", "Foxes", "Bridges", "Islands", "Letters", "Owls", "Maps",
		"Rivers", "Clocks", "Gardens", "Whales", "Ferns", "Stars", "Swallows"}
	places = []string{"Harrow Lane", "Marrow Bay", "Port Ellis", "Thornwick", "Saint Orla", "Lower Quay", "Eastmere",
		"Cold Harbour", "Lindle", "Grey Sands", "Vallorne", "Ostrava Street", "Penhallow", "Blackwater", "Isle of Wren",
		"Tarn End"}
	seasons    = []string{"Winter", "Spring", "Summer", "Autumn", "Midsummer", "October", "Solstice", "Low Tide"}
	firstNames = []string{"Mira", "Jonas", "Ana", "Theo", "Ingrid", "Samuel", "Leila", "Oscar", "Priya", "Edith",
		"Tomas", "Nadia", "Felix", "Rosa", "Idris", "Hanna", "Conrad", "Yuki", "Marta", "Elias"}
	lastNames = []string{"Holm", "Reyes", "Ashdown", "Marchetti", "Okafor", "Lindqvist", "Bellamy", "Novak", "Carrow",
		"Singh", "Thorne", "Vasquez", "Whitlock", "Amari", "Dufour", "Keane", "Sato", "Brandt", "Fairley", "Moreau"}
	artists = []string{"The Paper Boats", "Orla Finch", "Nightjar Quartet", "Low Meridian", "Tessellate",
		"Harbour Lights Trio", "Juno & the Tide", "Ivory Coastline", "Cassia Bloom", "The Long Shore", "Mono Lake Ensemble",
		"Felt & Thread", "Silver Ferry", "Ada North", "Brass Lantern", "Kindling"}
	series = []string{"Linden", "Skye", "Harrow", "Nova", "Mistral", "Pebble", "Arden", "Fjord", "Willow", "Echo",
		"Juniper", "Atlas", "Cove", "Birch", "Halo", "Tern", "Aspen", "Drift", "Ember", "Loft", "Marlin", "Onyx", "Prairie",
		"Quill", "Rowan", "Sable", "Tundra", "Vale", "Wick", "Zephyr"}
)

// colour is what a variation is called and drawn in: hue, saturation and lightness of its main surface.
type colour struct {
	Name, Code string
	h, s, l    int
}

var colours = []colour{
	{"Moss", "MO", 95, 26, 42}, {"Clay", "CL", 16, 48, 54}, {"Ink", "IN", 222, 40, 30}, {"Oat", "OA", 38, 34, 76},
	{"Slate", "SL", 210, 14, 45}, {"Rust", "RU", 14, 62, 44}, {"Sky", "SK", 203, 52, 62}, {"Black", "BK", 220, 8, 20},
	{"Plum", "PL", 318, 28, 38}, {"Mustard", "MU", 42, 68, 50}, {"Sage", "SG", 130, 16, 60}, {"Rose", "RO", 348, 46, 70},
	{"White", "WH", 40, 16, 93}, {"Navy", "NA", 218, 52, 27}, {"Teal", "TE", 182, 46, 34}, {"Sand", "SA", 34, 30, 66},
}

// Seller is a merchant that sells through the shop.
type Seller struct{ ID, Name string }

// Sellers are those merchants.
var Sellers = []Seller{
	{"northside", "Northside Traders"}, {"fernandco", "Fern & Co"}, {"quaysupply", "Quay Supply"},
	{"bluegate", "Bluegate Goods"}, {"oldmill", "The Old Mill Store"}, {"parcelbarn", "Parcel Barn"},
	{"finchdirect", "Finch Direct"}, {"kindly", "Kindly Wholesale"}, {"tidewater", "Tidewater Outlet"},
	{"hilltop", "Hilltop Merchants"}, {"redbrick", "Redbrick Retail"}, {"lumen", "Lumen House"},
	{"greyhound", "Greyhound Express"}, {"saltbox", "Saltbox Supply"}, {"walnut", "Walnut Street"},
	{"penny", "Pennyworth & Daughters"}, {"arcade", "Arcade Eleven"}, {"meadow", "Meadow Lane"},
	{"osprey", "Osprey Imports"}, {"crate", "Crate & Carry"},
}

// SellerName gives the name of a seller; the shop's own for none.
func SellerName(id string) string {
	for _, seller := range Sellers {
		if seller.ID == id {
			return seller.Name
		}
	}
	return "Harbour Market"
}
