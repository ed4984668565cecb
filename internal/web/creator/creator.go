// Package creator holds the pages of a creator: home, earnings with the explanation of every line, links.
//
// What must always hold: everything is read for the creator who has signed in and for nobody else; a page reads a fixed
// number of bounded stretches, whatever the installation's size; what a page says can be opened down to its lines.
//
// It owns no rule and no address: package web has the routes.
package creator

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/admission"
	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/person"
	"tributary/internal/report"
	"tributary/internal/secret"
	"tributary/internal/web/ui"
)

// Pages answers a creator's requests.
type Pages struct {
	DB       *db.DB
	Clock    *clock.Business
	Ring     *secret.Ring
	Address  string                      // where links begin
	LinkMade func(context.Context) error // waits until the edge knows a new link; nil: it is asked nothing
	// Admission tells where somebody stands who is not approved yet; nil: nothing is said of it.
	Admission *admission.Desk
	books     books
}

// desk is what every page of a creator needs, read in the page's own transaction.
type desk struct {
	ui.Frame
	me   auth.Principal
	now  time.Time
	keys person.Keys
}

// open reads the marketplaces of the creator and the one that the address names; without a name it is the first.
func (p *Pages) open(tx *db.Tx, r *http.Request, title, current string) (*desk, error) {
	me := ui.Who(r)
	all, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	own, err := report.MarketsOf(tx, me.Creator)
	if err != nil {
		return nil, err
	}
	markets := slices.DeleteFunc(slices.Clone(all), func(m market.Market) bool { return !slices.Contains(own, m.No) })
	if len(markets) == 0 { // somebody without a tracking id may look around
		markets = all
	}
	if len(markets) == 0 {
		return nil, fault.New(fault.NotFound, "marketplace", "this installation has no marketplace yet", "make one first")
	}
	d := &desk{me: me, now: p.Clock.Now(), keys: person.Keys{Ring: p.Ring}}
	chosen := markets[0]
	if name := r.FormValue("market"); name != "" {
		i := slices.IndexFunc(markets, func(m market.Market) bool { return m.ID == name })
		if i < 0 {
			return nil, fault.New(fault.NotFound, "marketplace", "you are not in this marketplace", "choose one of yours")
		}
		chosen = markets[i]
	}
	d.Frame = ui.Frame{Title: title, Current: current, Nav: ui.CreatorNav, Who: me, Markets: markets, Market: chosen,
		Path: r.URL.Path, Format: ui.NewFormat(r.Header.Get("Accept-Language"), chosen.Locale, chosen.Location())}
	if p.Clock.Sandbox() {
		d.Sandbox = d.now
	}
	return d, nil
}

// inMarket is an address of ours in the marketplace that is being looked at.
func (d *desk) inMarket(path string, more ...string) string {
	changes := more
	if len(d.Markets) > 1 {
		changes = append([]string{"market", d.Market.ID}, more...)
	}
	return ui.Link(path, nil, changes...)
}

// money writes an amount of the marketplace that is being looked at.
func (d *desk) money(amount int64) string { return d.Format.Money(amount, d.Market.Currency) }

// show reads and sends a page.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, title, current string,
	read func(*db.Tx, *desk) (templ.Component, error)) error {
	var page templ.Component
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, title, current)
		if err != nil {
			return err
		}
		page, err = read(tx, d)
		return err
	})
	if err != nil {
		return err
	}
	return ui.Send(w, r, page)
}

// Market is the number of the marketplace that a request looks at.
func (p *Pages) Market(r *http.Request) (number uint16, err error) {
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "", "")
		if err == nil {
			number = d.Market.No
		}
		return err
	})
	return number, err
}
