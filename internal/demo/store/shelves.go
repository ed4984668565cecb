package store

import (
	"slices"
	"strings"

	"tributary/internal/demo/catalog"
	"tributary/internal/product"
)

// shelves is how the goods of a region are laid out. It never changes.
type shelves struct {
	departments []department
	rows        []row
	window      []*catalog.Item // the pictures beside the greeting
	names       map[string]bool // every category and what is above it
}

// department is a tile on the home page.
type department struct {
	name  string
	items int
	face  *catalog.Item
}

// row is a line of goods on the home page.
type row struct {
	title, category string
	items           []*catalog.Item
}

// What the home page shows: chosen by hand, as a shop does.
var homeRows = []struct {
	title      string
	categories []string
}{
	{"A slower breakfast", []string{"Home > Kitchen > Kettles", "Home > Kitchen > Toasters", "Handmade > Ceramics",
		"Grocery > Coffee", "Home > Kitchen > Tableware", "Grocery > Honey & Spreads"}},
	{"For the long evening", []string{"Books > Fiction", "Music > Vinyl", "Home > Lighting", "Toys > Board Games",
		"Electronics > Headphones", "Handmade > Candles"}},
	{"Out of the door", []string{"Outdoors > Tents", "Fashion > Shoes > Boots", "Fashion > Luggage > Backpacks & Bags",
		"Sports > Yoga", "Outdoors > Cycling", "Garden > Plants"}},
}

// pageSize is how many goods a list shows at once: full rows at two, three, four and six in a row.
const pageSize = 24

func arrange(c *catalog.Catalog, market string) shelves {
	s := shelves{names: map[string]bool{}}
	for _, leaf := range c.Leaves() {
		for _, above := range product.Ancestors(leaf.Category) {
			s.names[above] = true
		}
		if len(s.departments) == 0 || s.departments[len(s.departments)-1].name != leaf.Department {
			goods := c.In(market, leaf.Department)
			s.departments = append(s.departments, department{leaf.Department, len(goods), goods[0]})
		}
	}
	for number, home := range homeRows {
		r := row{title: home.title, category: home.categories[0]}
		for _, category := range home.categories {
			if goods := buyable(c.In(market, category)); len(goods) > number {
				r.items = append(r.items, goods[number])
			}
		}
		s.rows = append(s.rows, r)
		for _, category := range home.categories[:3] {
			goods := c.In(market, category)
			s.window = append(s.window, goods[len(goods)/2])
		}
	}
	return s
}

// mixed lays the goods of a department out shelf by shelf, one of each in turn, so that a page shows what there is.
func mixed(goods []*catalog.Item) []*catalog.Item {
	var shelves [][]*catalog.Item
	for i, item := range goods {
		if i == 0 || goods[i-1].Leaf != item.Leaf {
			shelves = append(shelves, nil)
		}
		shelves[len(shelves)-1] = append(shelves[len(shelves)-1], item)
	}
	all := make([]*catalog.Item, 0, len(goods))
	for place := 0; len(all) < len(goods); place++ {
		for _, shelf := range shelves {
			if place < len(shelf) {
				all = append(all, shelf[place])
			}
		}
	}
	return all
}

func buyable(goods []*catalog.Item) []*catalog.Item {
	return slices.DeleteFunc(slices.Clone(goods), func(i *catalog.Item) bool { return i.State != product.Available })
}

// level is one step of a category path, with the path down to it.
type level struct{ name, path string }

// levels cuts a category path into its steps.
func levels(category string) (steps []level) {
	at := product.Ancestors(category)
	slices.Reverse(at)
	for _, path := range at {
		names := strings.Split(path, product.Separator)
		steps = append(steps, level{names[len(names)-1], path})
	}
	return steps
}

// below lists the categories directly beneath one.
func (s shelves) below(category string) (children []level) {
	for path := range s.names {
		if above, ok := product.Parent(path); ok && above == category {
			children = append(children, level{path[len(above)+len(product.Separator):], path})
		}
	}
	slices.SortFunc(children, func(a, b level) int { return strings.Compare(a.name, b.name) })
	return children
}

// sorts are the orders in which a list can be read.
var sorts = []struct{ key, name string }{
	{"", "As laid out"}, {"low", "Price, low first"}, {"high", "Price, high first"}, {"name", "Name"},
}

func sorted(goods []*catalog.Item, key string) []*catalog.Item {
	goods = slices.Clone(goods)
	slices.SortStableFunc(goods, func(a, b *catalog.Item) int {
		switch key {
		case "low":
			return int(a.Price - b.Price)
		case "high":
			return int(b.Price - a.Price)
		case "name":
			return strings.Compare(a.Title, b.Title)
		}
		return 0
	})
	return goods
}
