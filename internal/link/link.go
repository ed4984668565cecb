// Package link knows the addresses: the tracking ids (tags) in them, what an address of the edge asks for, where in a
// store that leads, and the short codes that stand for a longer one. It also knows what else credits a creator beside a
// click: who owns a coupon's code, and how a view of a video travels in a token.
//
// What must always hold: an address that leads anywhere but to a marketplace's own hosts is refused (docs/spec.md §3.1);
// a tag belongs to one creator, program and marketplace for ever, and is never given out again, nor is a coupon's code to
// another creator; what is read here is clean UTF-8 without control characters, so that every text may go into a header,
// a record or a row.
//
// Reading and building addresses is pure. The package does not decide what a click earns, and it serves nothing.
package link

import (
	"strings"

	"tributary/internal/click"
)

// Wanted is what an address of the edge asks for.
type Wanted struct {
	Kind     click.LinkKind
	SKU      string // product
	Category string // category: the levels, with ` > ` between them
	Query    string // search
	Page     string // page: the address in the store, as it was given; Addresses.Page judges it
	Items    string // cart: sku:quantity,…
	Code     string // short
	Show     bool   // short: tell where it leads (`/{code}+`)
	Carried
}

// Carried is what goes along with any kind of link.
type Carried struct {
	Tag     string // as tags are compared (CleanTag); empty where there is none
	TagText string // as it stood in the address
	Sub     [5]string
	UTM     [5]string // source, medium, campaign, term, content
	Ads     []click.AdID
	Stay    Stay
}

// Stay is the visitor's wish about geo routing.
type Stay uint8

// The wishes: none, stay in the link's own marketplace, and be routed again.
const (
	StayUnsaid Stay = iota
	StayHere
	StayNot
)

// Limits of what an address may hold. Whoever is over them gets a clear answer.
const (
	maxPath   = 2048 // bytes, escaped
	maxQuery  = 8192 // bytes, escaped: eleven ids of networks, five utm fields, and a page's own address
	maxSKU    = 100  // bytes, as package product
	maxSearch = 200
	maxLevels = 300 // bytes of a category path
	maxPage   = 2048
	maxItems  = 50
	maxUnits  = 999
	maxText   = 400 // bytes of a sub-id or utm field: 100 characters
)

var utmNames = [5]string{"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"}

var subNames = [5]string{"sub1", "sub2", "sub3", "sub4", "sub5"}

// CleanTag gives a tag as it is compared: without case, and without what people lose or add at its ends when they copy
// it (white space, `_` and `-`, with which no tag begins or ends). A text that is clean already is returned as it is.
func CleanTag(text string) string {
	return strings.ToLower(strings.Trim(text, " \t\r\n\u00a0_-"))
}

// Path writes the address on the edge that asks for this, without its tag: the one spelling of it, which a short link
// keeps as its target.
func (w *Wanted) Path() string {
	to := make([]byte, 0, 64)
	separator := byte('?')
	switch w.Kind {
	case click.KindProduct:
		to = appendEscaped(append(to, "/dp/"...), w.SKU)
	case click.KindSearch:
		to, separator = appendEscaped(append(to, "/s?k="...), w.Query), '&'
	case click.KindCategory:
		to = append(to, "/c/"...)
		for i, level := range strings.Split(w.Category, " > ") {
			if i > 0 {
				to = append(to, '/')
			}
			to = appendEscaped(to, level)
		}
	case click.KindPage:
		to, separator = appendEscaped(append(to, "/to?url="...), w.Page), '&'
	case click.KindCart:
		to, separator = append(to, "/cart?add="...), '&'
		for i, item := range strings.Split(w.Items, ",") {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendEscaped(to, item)
		}
	case click.KindShort:
		to = appendEscaped(append(to, '/'), w.Code)
	default:
		to = append(to, '/')
	}
	return string(w.appendCarried(to, separator))
}

// appendCarried writes the sub-ids and utm fields behind an address; separator is `?` or `&`, as the address needs next.
func (c *Carried) appendCarried(to []byte, separator byte) []byte {
	add := func(name, value string) {
		if value == "" {
			return
		}
		to = append(append(append(to, separator), name...), '=')
		to, separator = appendEscaped(to, value), '&'
	}
	for i, value := range c.UTM {
		add(utmNames[i], value)
	}
	for i, value := range c.Sub {
		add(subNames[i], value)
	}
	return to
}

const hexDigits = "0123456789ABCDEF"

// appendEscaped writes a text so that it means itself in a path and in a query alike: everything but RFC 3986's
// unreserved characters is escaped.
func appendEscaped(to []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; unreserved(c) {
			to = append(to, c)
		} else {
			to = append(to, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return to
}

func unreserved(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
