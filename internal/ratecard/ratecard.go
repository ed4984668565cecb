// Package ratecard says what a product earns: which rate, under which cap, by which entry of which version
// (docs/spec.md §7). A card belongs to a marketplace and a kind and has versions; the one in force at an instant
// applies.
//
// What must always hold: a version never changes once it is published, and what was in force at a past instant stays
// so; a cut is published at least the notice before it takes effect; a Rate carries everything that its explanation
// needs, so that nobody must look the card up again.
//
// Lookup is pure: the nearest entry wins, product before category before default. Contracts, promotions and tiers are
// not on the card, and what an amount comes to is decided by package commission.
package ratecard

import (
	"slices"
	"time"

	"tributary/internal/id"
	"tributary/internal/product"
)

// Kind tells what a card pays for.
type Kind string

// The kinds.
const (
	Offsite Kind = "offsite" // purchases after a click on a creator's link
	Onsite  Kind = "onsite"  // purchases after a view on the marketplace's own pages
	Boosted Kind = "boosted" // the same, of content that a brand paid to have shown
	// SellerFee is no commission: it says what sellers pay the operator (docs/spec.md §7).
	SellerFee Kind = "seller_fee"
)

// Kinds are all kinds, in the order in which they are shown.
var Kinds = []Kind{Offsite, Onsite, Boosted, SellerFee}

// matchDefault is what Rate.Match says where no entry applies.
const matchDefault = "default"

// Entry gives one category (with all beneath it) or one product its rate. Exactly one of Category and SKU is set.
type Entry struct {
	Category string `json:"category,omitempty"` // clean path (package product)
	SKU      string `json:"sku,omitempty"`
	BPS      int64  `json:"bps"`           // basis points, 0 to 10,000
	Cap      int64  `json:"cap,omitempty"` // minor units per unit of the product; 0: none of its own
	// Excluded products earn nobody anything, whatever contract or promotion there is; BPS is 0 then (§5.8).
	Excluded bool `json:"excluded,omitempty"`
	// Minimum is what a seller pays at least, minor units per unit; on a card of SellerFee only.
	Minimum int64 `json:"minimum,omitempty"`
}

// Text names an entry as people read it: "Home > Kitchen" or "product SKU9".
func (e Entry) Text() string {
	if e.SKU != "" {
		return "product " + e.SKU
	}
	return e.Category
}

// Card is the content of a version: what an operator writes and publishes.
type Card struct {
	Kind      Kind
	Effective time.Time // first instant at which it applies
	Default   int64     // basis points where no entry applies
	Entries   []Entry
}

// Version is a published card. It is immutable: share it freely, never change it.
type Version struct {
	ID        id.ID
	Market    uint16
	Number    int64 // counts the versions of its marketplace and kind from 1
	Published time.Time
	Card
	index *index
}

// Rate is what a product earns under a version, and how that was found. A decision keeps it as a fact.
type Rate struct {
	Card      id.ID     `json:"card"`
	Version   int64     `json:"version"`
	Effective time.Time `json:"effective"`
	Match     string    `json:"match"`              // the entry: "product SKU9", "Home > Kitchen", "default"
	BPS       int64     `json:"bps"`                // basis points
	Cap       int64     `json:"cap,omitempty"`      // minor units per unit; 0: none
	CapFrom   string    `json:"cap_from,omitempty"` // the entry that the cap is from
	Excluded  bool      `json:"excluded,omitempty"` // the entry excludes the product
	Minimum   int64     `json:"minimum,omitempty"`  // of a seller's fee: minor units per unit
}

// index holds every entry's answer, worked out once: a lookup happens with every order line.
type index struct {
	fallback   Rate
	categories map[string]*Rate // rate and cap as they hold in that category, inherited cap included
	products   map[string]*Rate // cap only where the entry has one of its own
}

// Indexed gives the version ready for quick lookups. Versions from Publish and Load already are.
func (v Version) Indexed() *Version {
	base := Rate{Card: v.ID, Version: v.Number, Effective: v.Effective, Match: matchDefault, BPS: v.Default}
	v.index = &index{fallback: base, categories: make(map[string]*Rate), products: make(map[string]*Rate)}
	for _, entry := range v.Entries {
		rate := base
		rate.Match, rate.BPS, rate.Excluded, rate.Minimum = entry.Text(), entry.BPS, entry.Excluded, entry.Minimum
		if entry.Cap != 0 {
			rate.Cap, rate.CapFrom = entry.Cap, rate.Match
		}
		if entry.SKU != "" {
			v.index.products[entry.SKU] = &rate
		} else {
			v.index.categories[product.CleanCategory(entry.Category)] = &rate
		}
	}
	for path, rate := range v.index.categories {
		for above, ok := product.Parent(path); ok && rate.Cap == 0; above, ok = product.Parent(above) {
			// What stands there may itself be inherited by now; then it comes from the same nearest entry.
			if over := v.index.categories[above]; over != nil && over.Cap != 0 {
				rate.Cap, rate.CapFrom = over.Cap, over.CapFrom
			}
		}
	}
	return &v
}

// Lookup gives the rate of a product in a category: that of its own entry, else of the nearest category that has one,
// else the default. The cap is the product's own, else that of the nearest category that has one. The category is a
// path as the store wrote it; empty where it is not known.
func (v *Version) Lookup(category, sku string) Rate {
	if v.index == nil {
		v = v.Indexed()
	}
	own := v.index.products[sku]
	if own != nil && own.Cap != 0 {
		return *own
	}
	near := v.nearest(product.CleanCategory(category))
	if own == nil {
		return *near
	}
	rate := *own
	rate.Cap, rate.CapFrom = near.Cap, near.CapFrom
	return rate
}

func (v *Version) nearest(path string) *Rate {
	for ok := path != ""; ok; path, ok = product.Parent(path) {
		if rate := v.index.categories[path]; rate != nil {
			return rate
		}
	}
	return &v.index.fallback
}

// Cards are all versions of a marketplace, by kind, effective instant and number.
type Cards []*Version

// At gives the version of a kind that is in force at an instant: of those effective by then the latest; of two with the
// same instant the one published later. Nil where there is none yet.
func (c Cards) At(kind Kind, at time.Time) *Version {
	var found *Version
	for _, v := range c {
		if v.Kind == kind && !v.Effective.After(at) && (found == nil || compareVersions(found, v) < 0) {
			found = v
		}
	}
	return found
}

// Number gives a version by its number; nil where there is none.
func (c Cards) Number(kind Kind, number int64) *Version {
	for _, v := range c {
		if v.Kind == kind && v.Number == number {
			return v
		}
	}
	return nil
}

// Coming lists the versions of a kind that are still to take effect, soonest first, without those that a later
// publication for the same instant replaces.
func (c Cards) Coming(kind Kind, now time.Time) []*Version {
	var coming []*Version
	for _, v := range c {
		if v.Kind == kind && v.Effective.After(now) && c.At(kind, v.Effective) == v {
			coming = append(coming, v)
		}
	}
	slices.SortFunc(coming, compareVersions)
	return coming
}

// Tenure is a version with the time in which it holds.
type Tenure struct {
	*Version
	Until  time.Time  // first instant after it; zero: nothing is published that follows it
	Never  bool       // another version for the same instant replaced it
	Before *Version   // the one in force before it, for Difference; nil for the first
	State  CardTenure // at the instant that was asked for
}

// CardTenure says whether a version is past, in force or coming.
type CardTenure string

// The tenures.
const (
	Past    CardTenure = "past"
	InForce CardTenure = "in_force"
	Coming  CardTenure = "coming"
)

// History lists the versions of a kind, the last to take effect first: what the public page shows.
func (c Cards) History(kind Kind, now time.Time) []Tenure {
	versions := c.Sorted(kind)
	slices.SortFunc(versions, func(a, b *Version) int { return compareVersions(b, a) })
	all := make([]Tenure, len(versions))
	for i, v := range versions {
		t := Tenure{Version: v, State: Past, Never: c.At(kind, v.Effective) != v}
		t.Before = c.At(kind, v.Effective.Add(-time.Microsecond))
		for _, later := range versions[:i] {
			if later.Effective.After(v.Effective) {
				t.Until = later.Effective // the list goes back in time: the last one found is the next one
			}
		}
		switch {
		case t.Never:
		case v.Effective.After(now):
			t.State = Coming
		case c.At(kind, now) == v:
			t.State = InForce
		}
		all[i] = t
	}
	return all
}

func compareVersions(a, b *Version) int {
	if order := a.Effective.Compare(b.Effective); order != 0 {
		return order
	}
	return int(a.Number - b.Number)
}
