// Package public holds the pages that everybody may read, signed in or not: what a marketplace pays, what changes and
// when, and how it was before.
//
// What must always hold: nothing on these pages depends on who asks; contracts and what sellers pay stay out of them; the
// same is there as JSON.
//
// It owns no rule and no address: package web has the routes.
package public

import (
	"net/http"
	"slices"
	"strings"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/web/ui"
)

// Pages answers requests of everybody.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
}

// desk is what every page needs, read in the page's own transaction.
type desk struct {
	ui.Frame
}

var errNoMarket error = fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "choose one of the list")

// open reads the marketplaces and the one that the address names; without a name it is the first.
func (p *Pages) open(tx *db.Tx, r *http.Request, name, title string) (*desk, error) {
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	if len(markets) == 0 {
		return nil, errNoMarket
	}
	chosen := markets[0]
	if name != "" {
		i := slices.IndexFunc(markets, func(m market.Market) bool { return m.ID == name })
		if i < 0 {
			return nil, errNoMarket
		}
		chosen = markets[i]
	}
	d := &desk{ui.Frame{Title: title, Current: current(r.URL.Path), Who: ui.Who(r), Markets: markets, Market: chosen, Path: r.URL.Path,
		Format: ui.NewFormat(r.Header.Get("Accept-Language"), chosen.Locale, chosen.Location())}}
	if p.Clock.Sandbox() {
		d.Sandbox = p.Clock.Now()
	}
	return d, nil
}

// named splits the marketplace of an address from what it is asked for as: `us`, `us.json`.
func named(r *http.Request) (name string, asJSON bool) {
	return strings.CutSuffix(r.PathValue("marketplace"), ".json")
}

// current is the item of the navigation that an address belongs to.
func current(path string) string {
	if strings.HasPrefix(path, "/rates/") {
		return "/rates"
	}
	return path
}
