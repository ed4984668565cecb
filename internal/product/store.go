package product

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
)

// Limits of one answer: a page of a list, and how many rows a search looks at before it ranks them.
const (
	maxPage   = 500
	maxRanked = 2_000
	maxWords  = 6
)

var (
	upsert = db.Bulk("BIGINT TEXT BIGINT TEXT TEXT TEXT TEXT TEXT TEXT BIGINT TEXT BIGINT TEXT",
		`INSERT INTO product (market, sku, place, parent, gtin, title, category, brand, seller, price, image, digital, state)
		VALUES $ROWS ON CONFLICT (market, sku) DO UPDATE SET place = excluded.place, parent = excluded.parent,
		gtin = excluded.gtin, title = excluded.title, category = excluded.category, brand = excluded.brand,
		seller = excluded.seller, price = excluded.price, image = excluded.image, digital = excluded.digital,
		state = excluded.state`)
	selectBySKU = db.In(`SELECT sku, parent, gtin, title, category, brand, seller, price, image, digital, state
		FROM product WHERE market = $1 AND sku IN ($LIST)`)
	selectByPlace = db.In(`SELECT place, category, parent FROM product WHERE market = $1 AND place IN ($LIST)`)
	selectByGTIN  = db.In(`SELECT gtin, sku FROM product
		WHERE market = $1 AND gtin <> '' AND state <> 'withdrawn' AND gtin IN ($LIST)`)
	selectAll = db.Statement(`SELECT sku, parent, gtin, title, category, brand, seller, price, image, digital, state
		FROM product WHERE market = $1 ORDER BY sku`)
	selectLike = db.Statement(`SELECT sku, parent, gtin, title, category, brand, seller, price, image, digital, state
		FROM product WHERE market = $1 AND state <> 'withdrawn' AND lower(title) LIKE $2 ORDER BY sku`)
	// The names beneath a category are those between `path > ` and the text after it in byte order.
	selectUnder = db.Statement(`SELECT sku, parent, gtin, title, category, brand, seller, price, image, digital, state
		FROM product WHERE market = $1 AND state <> 'withdrawn' AND sku > $5
		AND (category = $2 OR (category COLLATE "C" >= $3 AND category COLLATE "C" < $4)) ORDER BY sku LIMIT $6`)
	selectCategories = db.Statement(`SELECT category, COUNT(*) FROM product
		WHERE market = $1 AND state <> 'withdrawn' GROUP BY category ORDER BY category COLLATE "C"`)
)

// Save makes or replaces products of a marketplace. place is click.ProductPlace: what a token says of a sku. Of two
// products with one sku the later one stands. Nothing is saved when one of them is refused.
func Save(tx *db.Tx, market uint16, place func(sku string) int64, products []Product) error {
	latest := make(map[string]int, len(products))
	for i, p := range products {
		if err := p.Clean().Check(fmt.Sprintf("products[%d]", i)); err != nil {
			return err
		}
		latest[p.SKU] = i
	}
	rows := make([][]any, 0, len(latest))
	for i, p := range products {
		if latest[p.SKU] != i {
			continue
		}
		p = p.Clean()
		digital := int64(0)
		if p.Digital {
			digital = 1
		}
		rows = append(rows, []any{int64(market), p.SKU, place(p.SKU), p.Parent, p.GTIN, p.Title, p.Category, p.Brand, p.Seller,
			p.Price, p.Image, digital, string(p.State)})
	}
	// One order for all writers, so that two feeds cannot wait for each other.
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[1].(string), b[1].(string)) })
	_, err := tx.Bulk(upsert, rows)
	return fault.Wrap(err, "saving products")
}

// BySKU finds products by their skus; those that do not exist are left out.
func BySKU(tx *db.Tx, market uint16, skus []string) (map[string]Product, error) {
	found := make(map[string]Product, len(skus))
	err := tx.In(selectBySKU, values(skus), func(scan func(...any) error) error {
		p, err := read(scan)
		found[p.SKU] = p
		return err
	}, int64(market))
	return found, fault.Wrap(err, "reading products by sku")
}

// Landing is what attribution asks about the product that a click landed on.
type Landing struct{ Category, Parent string }

// ByPlace finds the products that tokens landed on.
func ByPlace(tx *db.Tx, market uint16, places []int64) (map[int64]Landing, error) {
	found := make(map[int64]Landing, len(places))
	err := tx.In(selectByPlace, values(places), func(scan func(...any) error) error {
		var place int64
		var l Landing
		err := scan(&place, &l.Category, &l.Parent)
		found[place] = l
		return err
	}, int64(market))
	return found, fault.Wrap(err, "reading products by place")
}

// ByGTIN gives the skus of a marketplace for GTINs: the same product as elsewhere. Of several the smallest sku.
func ByGTIN(tx *db.Tx, market uint16, gtins []string) (map[string]string, error) {
	found := make(map[string]string, len(gtins))
	err := tx.In(selectByGTIN, values(gtins), func(scan func(...any) error) error {
		var gtin, sku string
		err := scan(&gtin, &sku)
		if known, ok := found[gtin]; !ok || sku < known {
			found[gtin] = sku
		}
		return err
	}, int64(market))
	return found, fault.Wrap(err, "reading products by GTIN")
}

// All calls row for every product of a marketplace, also withdrawn ones, by sku.
func All(tx *db.Tx, market uint16, row func(Product) error) error {
	err := tx.Each(selectAll, func(scan func(...any) error) error {
		p, err := read(scan)
		if err != nil {
			return err
		}
		return row(p)
	}, int64(market))
	return fault.Wrap(err, "reading the catalog")
}

// Browse gives a page of the products in a category and beneath it, by sku; an empty category means all. after is the
// last sku of the page before, empty for the first.
func Browse(tx *db.Tx, market uint16, category, after string, limit int) ([]Product, error) {
	category = CleanCategory(category)
	from, to := category+Separator, category+" >!"
	if category == "" {
		from, to = "", "\U0010FFFF"
	}
	var page []Product
	err := tx.Each(selectUnder, func(scan func(...any) error) error {
		p, err := read(scan)
		page = append(page, p)
		return err
	}, int64(market), category, from, to, after, int64(min(max(limit, 1), maxPage)))
	return page, fault.Wrap(err, "reading products of a category")
}

// Count is a category with the number of products directly in it.
type Count struct {
	Category string
	Products int64
}

// Categories lists the categories that hold products, by path.
func Categories(tx *db.Tx, market uint16) ([]Count, error) {
	var all []Count
	err := tx.Each(selectCategories, func(scan func(...any) error) error {
		var c Count
		err := scan(&c.Category, &c.Products)
		all = append(all, c)
		return err
	}, int64(market))
	return all, fault.Wrap(err, "counting categories")
}

var errEnough = errors.New("enough rows")

// Search finds products whose title has, for every word asked for, a word that begins with it. Letters are compared
// without case. The best come first: fewer other words, then by sku.
func Search(tx *db.Tx, market uint16, text string, limit int) ([]Product, error) {
	words := titleWords(text)
	if len(words) == 0 {
		return nil, nil
	}
	words = words[:min(len(words), maxWords)]
	longest := slices.MaxFunc(words, func(a, b string) int { return len(a) - len(b) })
	var found []Product
	// The engines fold only ASCII alike, so the query finds too much and the words are compared here.
	err := tx.Each(selectLike, func(scan func(...any) error) error {
		p, err := read(scan)
		if err != nil {
			return err
		}
		if matches(titleWords(p.Title), words) {
			found = append(found, p)
		}
		if len(found) == maxRanked {
			return errEnough
		}
		return nil
	}, int64(market), pattern(longest))
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fault.Wrap(err, "searching products")
	}
	slices.SortStableFunc(found, func(a, b Product) int {
		return len(titleWords(a.Title)) - len(titleWords(b.Title))
	})
	return found[:min(len(found), max(limit, 1), maxPage)], nil
}

// titleWords cuts a text into words of small letters and digits.
func titleWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r < '0' || (r > '9' && r < 'a') || (r > 'z' && r < 0x80)
	})
}

func matches(title, asked []string) bool {
	for _, word := range asked {
		if !slices.ContainsFunc(title, func(has string) bool { return strings.HasPrefix(has, word) }) {
			return false
		}
	}
	return true
}

// pattern is a LIKE pattern that finds at least every title with the word: what is not ASCII stands for any text,
// since a capital may have another length.
func pattern(word string) string {
	return "%" + strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '%'
		}
		return r
	}, word) + "%"
}

func read(scan func(...any) error) (Product, error) {
	var p Product
	var digital int64
	err := scan(&p.SKU, &p.Parent, &p.GTIN, &p.Title, &p.Category, &p.Brand, &p.Seller, &p.Price, &p.Image, &digital, &p.State)
	p.Digital = digital != 0
	return p, err
}

func values[T any](list []T) []any {
	out := make([]any, len(list))
	for i, value := range list {
		out[i] = value
	}
	return out
}
