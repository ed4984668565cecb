package operator

import (
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/web/ui"
)

// rates is the card: the version in force beside the coming ones.
type rates struct {
	*desk
	kind     ratecard.Kind
	versions []*ratecard.Version // the present one first
	rows     []rateRow
	past     []*ratecard.Version
}

// rateRow is what a category or a product gets under each version.
type rateRow struct {
	what  string
	level int // how deep the category is
	cells []rateCell
}

// rateCell is one rate with its cap.
type rateCell struct {
	rate, cap string
	own       bool // an entry of its own; what is inherited is shown softly
	change    int  // against the version before: −1 a cut, 1 a rise
}

// Rates shows the rate card.
func (p *Pages) Rates(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Rate card", "/operator/rates", func(tx *db.Tx, d *desk) (templ.Component, error) {
		cards, err := ratecard.Load(tx, d.Market.No)
		if err != nil {
			return nil, err
		}
		v := &rates{desk: d, kind: ratecard.Offsite}
		if r.FormValue("kind") == string(ratecard.Onsite) {
			v.kind = ratecard.Onsite
		}
		if present := cards.At(v.kind, d.now); present != nil {
			v.versions = append(v.versions, present)
		}
		v.versions = append(v.versions, cards.Coming(v.kind, d.now)...)
		for _, version := range cards.Sorted(v.kind) {
			if !slices.Contains(v.versions, version) {
				v.past = append(v.past, version)
			}
		}
		v.fill()
		return ratesPage(v), nil
	})
}

// fill makes a row for every place where one of the versions has an entry.
func (v *rates) fill() {
	entries := map[ratecard.Entry]bool{}
	for _, version := range v.versions {
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
		row := rateRow{what: place.Text(), level: strings.Count(place.Category, product.Separator)}
		for i, version := range v.versions {
			row.cells = append(row.cells, v.cell(version, place, i))
		}
		v.rows = append(v.rows, row)
	}
}

// cell is what a place gets under a version, also where it is inherited, and what that changes against the version before.
func (v *rates) cell(version *ratecard.Version, place ratecard.Entry, i int) rateCell {
	rate := version.Lookup(place.Category, place.SKU)
	cell := rateCell{rate: v.Format.Percent(rate.BPS), own: rate.Match == place.Text()}
	if rate.Cap > 0 {
		cell.cap = "at most " + v.money(rate.Cap)
	}
	if i > 0 {
		before := v.versions[i-1].Lookup(place.Category, place.SKU)
		switch {
		case rate.BPS < before.BPS || rate.Cap != 0 && (before.Cap == 0 || rate.Cap < before.Cap):
			cell.change = -1
		case rate.BPS > before.BPS || rate.Cap != before.Cap:
			cell.change = 1
		}
	}
	return cell
}

// heading says when a version holds.
func (v *rates) heading(i int) string {
	if i == 0 && !v.versions[0].Effective.After(v.now) {
		return "In force since " + v.Format.Date(v.versions[i].Effective, v.now)
	}
	return "From " + v.Format.Date(v.versions[i].Effective, v.now)
}

// kindLink leads to the card of a kind.
func (v *rates) kindLink(kind ratecard.Kind) ui.Item {
	return ui.Item{Label: string(kind), Href: v.inMarket("/operator/rates", "kind", string(kind))}
}
