// Package catalog makes the goods of the demo installation: some thousands of products that no one sells, in a category
// tree like that of a large shop, for two marketplaces, and the pictures of them.
//
// What must always hold: it is deterministic, so that a link made today leads to the same thing tomorrow; every group
// of the shipped rate card has its categories; a product that both marketplaces sell has one GTIN and two skus, as in
// life. Brands, sellers, authors and titles are invented.
//
// It knows no database: package demo puts its products into the marketplaces' catalogs, and the demo store sells them.
package catalog

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"tributary/internal/product"
)

// The marketplaces for which there are goods.
const (
	US = "us"
	UK = "uk"
)

// Item is a product with what its page shows beside the catalog's own columns.
type Item struct {
	product.Product
	Leaf    *Leaf
	Facts   []Fact
	colour  colour
	variety uint64 // what differs between the pictures of two models
}

// Fact is one line of the table on a product's page.
type Fact struct{ Name, Value string }

// Catalog holds the goods of both marketplaces. It never changes after New.
type Catalog struct {
	leaves   []*Leaf
	goods    map[string][]*Item          // by marketplace, in the order of the tree
	bySKU    map[string]map[string]*Item // by marketplace
	byGTIN   map[string]map[string]*Item
	families map[string]map[string][]*Item
	pictures sync.Map // sku → []byte: drawn when first asked for
}

// perLeaf is how many products a category gets where its words allow as many: about 4,000 in all.
const perLeaf = 24

// New makes the goods. base is the address under which pictures are served, such as `http://store.localhost:8081`.
func New(base string) *Catalog {
	c := &Catalog{leaves: readTree(treeText), goods: map[string][]*Item{}, bySKU: map[string]map[string]*Item{},
		byGTIN: map[string]map[string]*Item{}, families: map[string]map[string][]*Item{}}
	for _, market := range []string{US, UK} {
		c.bySKU[market], c.byGTIN[market] = map[string]*Item{}, map[string]*Item{}
		c.families[market] = map[string][]*Item{}
	}
	for _, leaf := range c.leaves {
		for _, made := range leaf.stock() {
			c.put(made, base)
		}
	}
	return c
}

// put offers one thing in the marketplaces that have it, each under its own sku and at its own price.
func (c *Catalog) put(made ware, base string) {
	for _, market := range []string{US, UK} {
		if made.only != "" && made.only != market {
			continue
		}
		item := &Item{Product: made.product, Leaf: made.leaf, Facts: made.facts, colour: made.colour, variety: made.variety}
		item.Price = made.price[market]
		if market == UK {
			item.SKU, item.Parent = "GB-"+item.SKU, "GB-"+item.Parent
		}
		item.Image = base + "/picture/" + item.SKU + ".svg"
		c.goods[market] = append(c.goods[market], item)
		c.bySKU[market][item.SKU] = item
		c.byGTIN[market][item.GTIN] = item
		c.families[market][item.Parent] = append(c.families[market][item.Parent], item)
	}
}

// Products gives a marketplace's goods as its catalog keeps them.
func (c *Catalog) Products(market string) []product.Product {
	all := make([]product.Product, 0, len(c.goods[market]))
	for _, item := range c.goods[market] {
		all = append(all, item.Product)
	}
	return all
}

// Items gives a marketplace's goods in the order of the tree.
func (c *Catalog) Items(market string) []*Item { return c.goods[market] }

// Leaves gives the categories that hold goods, in the order of the tree.
func (c *Catalog) Leaves() []*Leaf { return c.leaves }

// Find gives one product; nil where the marketplace has none of that sku.
func (c *Catalog) Find(market, sku string) *Item { return c.bySKU[market][sku] }

// Same gives the product of another marketplace with the item's GTIN; nil where it is not sold there.
func (c *Catalog) Same(market string, item *Item) *Item { return c.byGTIN[market][item.GTIN] }

// Family gives the variations of a product, itself among them.
func (c *Catalog) Family(market string, item *Item) []*Item { return c.families[market][item.Parent] }

// In gives the products in a category and beneath it.
func (c *Catalog) In(market, category string) []*Item {
	var found []*Item
	for _, item := range c.goods[market] {
		if product.Under(item.Category, category) {
			found = append(found, item)
		}
	}
	return found
}

// Search finds products whose title, category or brand has, for every word asked for, a word that begins with it. Those
// that have more of the words in their title come first.
func (c *Catalog) Search(market, text string, limit int) []*Item {
	asked := strings.FieldsFunc(strings.ToLower(text), notWord)
	if len(asked) == 0 {
		return nil
	}
	type hit struct {
		item   *Item
		weight int
	}
	var hits []hit
	for _, item := range c.goods[market] {
		title, weight := strings.FieldsFunc(strings.ToLower(item.Title), notWord), 0
		rest := strings.FieldsFunc(strings.ToLower(item.Category+" "+item.Brand), notWord)
		for _, word := range asked {
			begins := func(has string) bool { return strings.HasPrefix(has, word) }
			switch {
			case slices.Contains(title, word):
				weight += 3
			case slices.ContainsFunc(title, begins):
				weight += 2
			case slices.ContainsFunc(rest, begins):
				weight++
			default:
				weight = -100
			}
		}
		if weight > 0 {
			hits = append(hits, hit{item, weight})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.weight - a.weight })
	found := make([]*Item, 0, min(len(hits), limit))
	for _, h := range hits[:min(len(hits), limit)] {
		found = append(found, h.item)
	}
	return found
}

func notWord(r rune) bool { return r < '0' || (r > '9' && r < 'a') || (r > 'z' && r < 0x80) }

// dice are the random numbers of one name: what is made for one category does not change when another one is added.
func dice(name string) *rand.Rand {
	sum := fnv.New64a()
	sum.Write([]byte(name))
	return rand.New(rand.NewPCG(sum.Sum64(), 20260301))
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
