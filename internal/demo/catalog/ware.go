package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"tributary/internal/product"
)

// ware is one thing on offer, before a marketplace gives it sku and price.
type ware struct {
	leaf    *Leaf
	product product.Product
	price   map[string]int64
	facts   []Fact
	colour  colour
	variety uint64
	only    string // the one marketplace that has it; empty: both
}

// Shares of a hundred.
const (
	sellerShare = 33 // sold by others than the shop itself, where others may sell: some 30 of all goods
	onlyShare   = 4  // in one marketplace alone, for each of the two
	soldOut     = 2
	ownSeries   = 55 // goods with a name of their own between brand and noun
)

// digitalForms are delivered at once.
var digitalForms = map[string]bool{"ebook": true, "download": true, "film": true, "game": true, "digital": true}

// stock makes the goods of a category: models in up to three variations each, until the shelf or the words run out.
func (l *Leaf) stock() (wares []ware) {
	r, taken := dice(l.code), map[string]bool{}
	for model := 1; len(wares) < perLeaf && model < 4*perLeaf; model++ {
		name := l.name(r)
		base := l.basePrice(r, name.dear)
		common := ware{leaf: l, variety: r.Uint64(), facts: name.facts}
		common.product = product.Product{Category: l.Category, Brand: name.brand, Digital: digitalForms[l.form],
			Parent: fmt.Sprintf("%s-%d", l.code, 1000+model), State: product.Available}
		l.whoSells(r, &common)
		if taken[name.title] {
			continue
		}
		taken[name.title] = true
		for i, variation := range l.variations(r) {
			wares = append(wares, l.vary(common, name, variation, base, i, r))
		}
	}
	return wares[:min(len(wares), perLeaf)]
}

// whoSells decides seller, marketplaces and state of a model.
func (l *Leaf) whoSells(r *rand.Rand, made *ware) {
	seller, only, state := r.IntN(100), r.IntN(100), r.IntN(100)
	if seller < sellerShare && !strings.HasPrefix(l.Department, "Harbour") && l.Department != "Gift Cards" {
		made.product.Seller = Sellers[(seller*7+only)%len(Sellers)].ID
	}
	if only < onlyShare {
		made.only = US
	} else if only < 2*onlyShare {
		made.only = UK
	}
	if state < soldOut && !made.product.Digital {
		made.product.State = product.OutOfStock
	}
}

type variation struct {
	size   string
	colour colour
}

// variations of a model: a few of the sizes, or of the colours where the category has colours.
func (l *Leaf) variations(r *rand.Rand) (all []variation) {
	var sizes []string
	if len(l.sizes) > 0 {
		sizes = append(sizes, l.sizes...)
	}
	if l.form == "colour" {
		size := ""
		if len(sizes) > 0 {
			size = pick(r, sizes)
		}
		first := r.IntN(len(colours))
		for i := range 1 + r.IntN(3) {
			all = append(all, variation{size, colours[(first+i*5)%len(colours)]})
		}
		return all
	}
	if len(sizes) == 0 {
		return []variation{{}}
	}
	first := r.IntN(len(sizes))
	for i := range min(1+r.IntN(2), len(sizes)-first) {
		all = append(all, variation{size: sizes[first+i]})
	}
	return all
}

// vary makes one variation of a model.
func (l *Leaf) vary(made ware, name naming, v variation, base int64, index int, r *rand.Rand) ware {
	made.facts = slices.Clone(made.facts)
	made.colour = v.colour
	made.product.SKU = made.product.Parent
	made.product.Title = name.title
	if name.by == "" {
		made.product.Title = appendPart(name.title, v.size)
	} else {
		made.product.Title += name.by
		if v.size != "" {
			made.product.Title += " (" + v.size + ")"
		}
	}
	if v.size != "" {
		made.facts = append(made.facts, Fact{"Size", v.size})
	}
	if v.colour.Name != "" {
		made.product.Title = appendPart(made.product.Title, v.colour.Name)
		made.product.SKU += "-" + v.colour.Code
		made.facts = append(made.facts, Fact{"Colour", v.colour.Name})
	} else if len(l.sizes) > 0 {
		made.product.SKU += "-" + string(rune('A'+slices.Index(l.sizes, v.size)))
	}
	made.product.GTIN = gtin(r)
	units := base + base*int64(slices.Index(l.sizes, v.size)+1)/8 + int64(index)*base/20
	if value, err := strconv.ParseInt(v.size, 10, 64); err == nil && l.form == "digital" {
		made.price = map[string]int64{US: value * 100, UK: value * 100} // a card is worth what it says
		return made
	}
	made.price = map[string]int64{US: charming(units, r), UK: charming(max(units*17/20, 1), r)}
	return made
}

func appendPart(title, part string) string {
	if part == "" {
		return title
	}
	return title + ", " + part
}

// basePrice is a price in whole units: most goods are near the lower end of their range. Where a category tells dear
// things from others, these have the lower quarter of its range.
func (l *Leaf) basePrice(r *rand.Rand, dear bool) int64 {
	low, high := l.low, l.high
	split := slices.ContainsFunc(l.nouns, func(noun string) bool { return strings.Contains(noun, "+") })
	if quarter := low + (high-low)/4; split && dear {
		low = quarter
	} else if split {
		high = quarter
	}
	n := r.Int64N(1_000)
	return low + (high-low)*n*n/1_300_000
}

// charming turns whole units into minor units that end as prices do.
func charming(units int64, r *rand.Rand) int64 {
	switch {
	case units >= 400:
		return units/10*1000 + 900 // 899.00
	case r.IntN(4) == 0:
		return units*100 + 50
	case r.IntN(3) == 0:
		return units * 100
	default:
		return units*100 + 99
	}
}

// gtin makes a GTIN-13 of the range that is never issued to anybody (29…), with its check digit.
func gtin(r *rand.Rand) string {
	digits := fmt.Sprintf("29%010d", r.Int64N(10_000_000_000))
	sum := 0
	for i, d := range digits {
		sum += int(d-'0') * (1 + 2*(i%2))
	}
	return digits + strconv.Itoa((10-sum%10)%10)
}
