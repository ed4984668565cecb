// Package product is the catalog of a marketplace: what is sold, in which category, at which price, and what ties a
// product to the same one elsewhere (its GTIN).
//
// What must always hold: a sku names one product of a marketplace and is compared as it is written; a category path is
// stored in its one clean form (CleanCategory), because rate cards and *direct* sales are decided by it; `place` is what
// a click token says of the product (package click), so that a landing page is known again without its text.
//
// It owns no rates and no stock, and it does not decide what a category earns (package ratecard).
package product

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tributary/internal/fault"
	"tributary/internal/money"
)

// State says whether a product can be bought.
type State string

// The states.
const (
	Available  State = "available"
	OutOfStock State = "out_of_stock"
	Withdrawn  State = "withdrawn" // kept, because orders and links name it; not found by search or browsing
)

// Product is one thing that is sold in one marketplace.
type Product struct {
	SKU      string `json:"sku"`
	Parent   string `json:"parent,omitempty"` // sku that its variations (colour, size, model) share
	GTIN     string `json:"gtin,omitempty"`
	Title    string `json:"title"`
	Category string `json:"category"` // clean path: `Home > Kitchen > Kettles`
	Brand    string `json:"brand,omitempty"`
	Seller   string `json:"seller,omitempty"` // empty: the shop itself
	Price    int64  `json:"price"`            // minor units of the marketplace's currency
	Image    string `json:"image,omitempty"`
	Digital  bool   `json:"digital,omitempty"`
	State    State  `json:"state"`
}

// Limits of one product's texts, in bytes: what feeds of real shops hold, with room to spare.
const (
	maxSKU   = 100
	maxTitle = 500
	maxName  = 200 // brand, seller, parent
	maxImage = 2_000
)

// Clean gives the product with its category path in the one form, and Available where no state was named.
func (p Product) Clean() Product {
	p.Category = CleanCategory(p.Category)
	if p.State == "" {
		p.State = Available
	}
	return p
}

// Check refuses a product that cannot be kept; field is the caller's name for it.
func (p Product) Check(field string) error {
	if err := CheckSKU(field+".sku", p.SKU); err != nil {
		return err
	}
	for _, text := range []struct {
		name, value string
		least, most int
	}{
		{"parent", p.Parent, 0, maxSKU}, {"title", p.Title, 1, maxTitle}, {"brand", p.Brand, 0, maxName},
		{"seller", p.Seller, 0, maxName}, {"image", p.Image, 0, maxImage},
	} {
		if err := checkLength(field+"."+text.name, text.value, text.least, text.most); err != nil {
			return err
		}
	}
	if err := CheckCategory(field+".category", p.Category); err != nil {
		return err
	}
	if len(p.GTIN) != 0 && (len(p.GTIN) < 8 || len(p.GTIN) > 14 || strings.Trim(p.GTIN, "0123456789") != "") {
		return fault.Invalidf(field+".gtin", "is not 8 to 14 digits",
			"send the GTIN as printed under the bar code, or leave it out")
	}
	if p.Price < 0 {
		return fault.Invalidf(field+".price", "is negative", "send the price in minor units")
	}
	if err := money.CheckAmount(field+".price", p.Price); err != nil {
		return err
	}
	switch p.State {
	case Available, OutOfStock, Withdrawn:
		return nil
	}
	return fault.Invalidf(field+".state", "is not a state of a product", "send available, out_of_stock or withdrawn")
}

// CheckSKU refuses what cannot be a sku.
func CheckSKU(field, sku string) error { return checkLength(field, sku, 1, maxSKU) }

func checkLength(field, text string, least, most int) error {
	if len(text) < least {
		return fault.Invalidf(field, "is empty", "every product has one")
	}
	if len(text) > most {
		return fault.Invalidf(field, "is longer than %d bytes", "shorten it", most)
	}
	return checkText(field, text)
}

// checkText refuses what neither database nor page can hold: bytes that are not UTF-8, control characters, and white
// space around a text, which makes two skus look like one.
func checkText(field, text string) error {
	if !utf8.ValidString(text) {
		return fault.Invalidf(field, "is not UTF-8", "send the text as UTF-8")
	}
	if strings.TrimSpace(text) != text {
		return fault.Invalidf(field, "begins or ends with white space", "trim it")
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fault.Invalidf(field, "holds a control character", "send it on one line, without tabs")
	}
	return nil
}
