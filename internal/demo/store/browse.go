package store

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tributary/internal/demo/catalog"
	"tributary/internal/fault"
	"tributary/internal/product"
)

func (s *Store) home(v *visit) error {
	f := v.frame("Good things, plainly sold")
	f.about = "Harbour Market: a demo shop with four thousand things, none of which is for sale."
	return v.show(http.StatusOK, homePage(f))
}

func (s *Store) missing(*visit) error {
	return fault.New(fault.NotFound, "", "there is no page at this address", "search for it, or begin at the front page")
}

// product shows a product. The other country's page is that of the same GTIN, whatever its sku is there.
func (s *Store) product(v *visit) error {
	market := v.region.Market
	item := s.config.Catalog.Find(market, v.r.PathValue("sku"))
	if item == nil {
		return fault.New(fault.NotFound, "", "this product is not on our shelves", "search for something like it")
	}
	f := v.frame(item.Title)
	f.about = item.Title + ", " + v.region.Price(item.Price) + ". " + sellerLine(item)
	for _, region := range s.config.Regions {
		if same := s.config.Catalog.Same(region.Market, item); same != nil {
			f.elsewhere[region.Market] = region.Prefix + "/dp/" + escape(same.SKU)
		}
	}
	more := s.config.Catalog.In(market, item.Category)
	near := make([]*catalog.Item, 0, similar)
	for i := range more { // those that stand after it on the shelf, round the end
		other := more[(i+indexOf(more, item))%len(more)]
		if other.Parent != item.Parent && len(near) < similar {
			near = append(near, other)
		}
	}
	return v.show(http.StatusOK, productPage(f, item, s.config.Catalog.Family(market, item), near))
}

// similar is how many other goods of its category a product's page shows.
const similar = 6

func indexOf(goods []*catalog.Item, item *catalog.Item) int {
	for i, other := range goods {
		if other == item {
			return i
		}
	}
	return 0
}

func sellerLine(item *catalog.Item) string {
	return "Sold by " + catalog.SellerName(item.Seller) + "."
}

// shelfPage is one page of a list of goods.
type shelfPage struct {
	items []*catalog.Item
	total int
	page  int // from 1
	last  int
	sort  string
	base  string // address without page and sort
	query url.Values
}

// turn cuts the page out of a list that the address asks for.
func (v *visit) turn(goods []*catalog.Item, base string) shelfPage {
	query := v.r.URL.Query()
	p := shelfPage{total: len(goods), page: 1, last: max(1, (len(goods)+pageSize-1)/pageSize), sort: query.Get("sort"),
		base: base, query: url.Values{}}
	if text := query.Get("k"); text != "" {
		p.query.Set("k", text)
	}
	if asked, err := strconv.Atoi(query.Get("page")); err == nil {
		p.page = min(max(asked, 1), p.last)
	}
	goods = sorted(goods, p.sort)
	p.items = goods[(p.page-1)*pageSize : min(p.page*pageSize, len(goods))]
	return p
}

// address of another page of the same list.
func (p shelfPage) address(page int) string {
	query := url.Values{}
	for name, values := range p.query {
		query[name] = values
	}
	if p.sort != "" {
		query.Set("sort", p.sort)
	}
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	if len(query) == 0 {
		return p.base
	}
	return p.base + "?" + query.Encode()
}

// category shows a department or a part of it, named by its whole path as in the catalog: links of creators name it so.
func (s *Store) category(v *visit) error {
	category := product.CleanCategory(v.r.PathValue("category"))
	if !s.shelves[v.region.Market].names[category] {
		return fault.New(fault.NotFound, "", "there is no such department", "choose one from the list above")
	}
	goods := mixed(s.config.Catalog.In(v.region.Market, category))
	f := v.frame(strings.Join(lastTwo(category), " · "))
	for _, region := range s.config.Regions {
		f.elsewhere[region.Market] = region.Prefix + "/c/" + escape(category)
	}
	return v.show(http.StatusOK, categoryPage(f, category, v.turn(goods, v.path("/c/"+escape(category)))))
}

// lastTwo names a category with what is above it, the nearer first.
func lastTwo(category string) []string {
	names := strings.Split(category, product.Separator)
	if len(names) == 1 {
		return names
	}
	return []string{names[len(names)-1], names[len(names)-2]}
}

// maxFound bounds a search: whoever reads further asks in other words.
const maxFound = 480

func (s *Store) search(v *visit) error {
	text := strings.TrimSpace(v.r.URL.Query().Get("k"))
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	f := v.frame("Search")
	f.query = text
	for _, region := range s.config.Regions {
		f.elsewhere[region.Market] = region.Prefix + "/s?k=" + url.QueryEscape(text)
	}
	found := s.config.Catalog.Search(v.region.Market, text, maxFound)
	return v.show(http.StatusOK, searchPage(f, v.turn(found, v.path("/s"))))
}

// pictureAge is how long browsers keep a picture: a new version of the program may draw better ones.
const pictureAge = "public, max-age=86400"

// picture serves a drawing. Its address is also what the platform's catalog names as the product's image.
func (s *Store) picture(w http.ResponseWriter, r *http.Request) {
	sku, isSVG := strings.CutSuffix(r.PathValue("file"), ".svg")
	drawn, ok := s.config.Catalog.Picture(sku)
	if !ok || !isSVG {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", pictureAge)
	// Storefronts elsewhere may show it.
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Write(drawn)
}
