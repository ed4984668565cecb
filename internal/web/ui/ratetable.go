package ui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tributary/internal/product"
	"tributary/internal/ratecard"
)

// RateTable is a rate card as people read it: a row for every place that one of the versions names, a column for every
// version, the present one first.
type RateTable struct {
	Versions []*ratecard.Version
	Headings []string
	Rows     []RateRow
	Rest     []RateCell // everything else
}

// RateRow is what a category or a product gets under each version.
type RateRow struct {
	What  string
	Level int // how deep the category is
	Cells []RateCell
}

// RateCell is one rate with its cap.
type RateCell struct {
	Rate, Limit string
	Own         bool // an entry of its own; what is inherited is shown softly
	Change      int  // against the version before: −1 a cut, 1 a rise
}

// NewRateTable lays versions of one kind side by side.
func NewRateTable(versions []*ratecard.Version, f Format, currency string, now time.Time) RateTable {
	t := RateTable{Versions: versions}
	entries := map[ratecard.Entry]bool{}
	for i, version := range versions {
		heading := "From " + f.Date(version.Effective, now)
		if i == 0 && !version.Effective.After(now) {
			heading = "In force since " + f.Date(version.Effective, now)
		}
		t.Headings = append(t.Headings, heading)
		for _, e := range version.Entries {
			entries[ratecard.Entry{Category: e.Category, SKU: e.SKU}] = true
		}
	}
	places := make([]ratecard.Entry, 0, len(entries))
	for place := range entries {
		places = append(places, place)
	}
	slices.SortFunc(places, func(a, b ratecard.Entry) int {
		if (a.SKU == "") != (b.SKU == "") { // products behind the categories
			return strings.Compare(a.SKU, b.SKU)
		}
		return strings.Compare(a.Text(), b.Text())
	})
	for _, place := range places {
		row := RateRow{What: place.Text(), Level: strings.Count(place.Category, product.Separator)}
		for i := range versions {
			row.Cells = append(row.Cells, cell(versions, i, place, f, currency))
		}
		t.Rows = append(t.Rows, row)
	}
	for i := range versions {
		t.Rest = append(t.Rest, cell(versions, i, ratecard.Entry{}, f, currency))
	}
	return t
}

// cell is what a place gets under a version, also where it is inherited, and what that changes against the version before.
func cell(versions []*ratecard.Version, i int, place ratecard.Entry, f Format, currency string) RateCell {
	rate := versions[i].Lookup(place.Category, place.SKU)
	c := RateCell{Rate: f.Percent(rate.BPS), Own: rate.Match == place.Text() || place == ratecard.Entry{}}
	if rate.Excluded {
		c.Rate = "excluded"
	}
	if rate.Cap > 0 {
		c.Limit = "at most " + f.Money(rate.Cap, currency) + " a unit"
	}
	if rate.Minimum > 0 {
		c.Limit = "at least " + f.Money(rate.Minimum, currency) + " a unit"
	}
	if i > 0 {
		before := versions[i-1].Lookup(place.Category, place.SKU)
		switch {
		case rate.BPS < before.BPS || rate.Excluded && !before.Excluded || rate.Cap != 0 && (before.Cap == 0 || rate.Cap < before.Cap):
			c.Change = -1
		case rate.BPS > before.BPS || rate.Excluded != before.Excluded || rate.Cap != before.Cap || rate.Minimum != before.Minimum:
			c.Change = 1
		}
	}
	return c
}

// versionText names a version: "version 3".
func versionText(v *ratecard.Version) string { return "version " + strconv.FormatInt(v.Number, 10) }

// KindWords say what a kind of card pays for.
var KindWords = map[ratecard.Kind]string{
	ratecard.Offsite:   "Purchases after a click on a creator's link",
	ratecard.Onsite:    "Purchases after a video on a product page",
	ratecard.Boosted:   "Purchases after a boosted video",
	ratecard.SellerFee: "What sellers pay the shop",
}

// KindNames are the short names of kinds in switches.
var KindNames = map[ratecard.Kind]string{ratecard.Offsite: "Links", ratecard.Onsite: "Views", ratecard.Boosted: "Boosted views", ratecard.SellerFee: "Seller fees"}
