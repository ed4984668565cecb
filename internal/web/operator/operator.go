// Package operator holds the pages of the operator's staff: the river's health, orders with the explanation of every
// line, the rate card, the creators.
//
// What must always hold: pages read and never change anything; every line can be explained, also one that earned nobody
// anything.
//
// It owns no rule and no address: package web has the routes, and who may open them.
package operator

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/accrual"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

// Pages answers the staff's requests.
type Pages struct {
	DB        *db.DB
	Clock     *clock.Business
	Unshipped func() (count int64, oldest time.Time) // clicks in the log; nil: another process has it
}

var navigation = []ui.Item{
	{Label: "River", Href: "/operator", Icon: "river"},
	{Label: "Orders", Href: "/operator/orders", Icon: "orders"},
	{Label: "Rates", Href: "/operator/rates", Icon: "rates"},
	{Label: "Creators", Href: "/operator/creators", Icon: "creators"},
}

// desk is what every page of the staff needs, read in the page's own transaction.
type desk struct {
	ui.Frame
	now time.Time
}

// open reads the marketplaces and the one that the address names; without a name it is the first. Staff see them all.
func (p *Pages) open(tx *db.Tx, r *http.Request, title, current string) (*desk, error) {
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	if len(markets) == 0 {
		return nil, fault.New(fault.NotFound, "marketplace", "this installation has no marketplace yet", "make one first")
	}
	chosen := markets[0]
	if name := r.FormValue("market"); name != "" {
		i := slices.IndexFunc(markets, func(m market.Market) bool { return m.ID == name })
		if i < 0 {
			return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "choose one of the list")
		}
		chosen = markets[i]
	}
	d := &desk{now: p.Clock.Now()}
	d.Frame = ui.Frame{Title: title, Current: current, Nav: navigation, Who: ui.Who(r), Markets: markets, Market: chosen,
		Path: r.URL.Path, Format: ui.NewFormat(r.Header.Get("Accept-Language"), chosen.Locale, chosen.Location())}
	if p.Clock.Sandbox() {
		d.Sandbox = d.now
	}
	return d, nil
}

// money writes an amount of the marketplace that is being looked at.
func (d *desk) money(amount int64) string { return d.Format.Money(amount, d.Market.Currency) }

// inMarket is an address of ours in the marketplace that is being looked at.
func (d *desk) inMarket(path string, more ...string) string {
	return ui.Link(path, nil, append([]string{"market", d.Market.ID}, more...)...)
}

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

// Line explains any line, also one that earned nobody anything.
func (p *Pages) Line(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Why", "/operator/orders", func(tx *db.Tx, d *desk) (templ.Component, error) {
		line, err := report.OneLine(tx, d.Market, r.PathValue("order"), r.PathValue("line"))
		if err != nil {
			return nil, err
		}
		e, err := accrual.Explain(tx, d.Market.No, line.Order, line.ID)
		if err != nil {
			return nil, err
		}
		names, err := readNames(tx, e)
		if err != nil {
			return nil, err
		}
		for i := range e.Touches {
			if name, ok := names[e.Touches[i].Creator]; ok {
				e.Touches[i].Creator = name
			}
		}
		why := ui.Explain(e, "", line.Name(), d.Format, d.now)
		d.Title = why.Title
		why.Facts = d.inMarket(r.URL.EscapedPath() + "/facts")
		return linePage(d, line, why, names[e.Creator]), nil
	})
}

// LineFacts gives the same as JSON.
func (p *Pages) LineFacts(w http.ResponseWriter, r *http.Request) error {
	var e *accrual.Explanation
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "", "")
		if err == nil {
			e, err = accrual.Explain(tx, d.Market.No, r.PathValue("order"), r.PathValue("line"))
		}
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(e)
}
