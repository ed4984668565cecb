// Package operator holds the pages of the operator's staff: the river's health, orders with the explanation of every
// line, rates with their drafts and what they would have cost, reports, the queue of what waits for a person, the creators.
//
// What must always hold: what is opened by GET reads and changes nothing; every change is a form that was sent, by a role
// that may send it, through the function of the package that owns the rule; what is refused comes back in its form with
// what was typed; every line can be explained, also one that earned nobody anything.
//
// It owns no rule and no address: package web has the routes, and who may open them.
package operator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/accrual"
	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/correction"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

// Pages answers the staff's requests.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Works
	Unshipped func() (count int64, oldest time.Time) // clicks in the log; nil: another process has it
}

// Works are what staff set going from their pages.
type Works struct {
	Accrual *accrual.Accrual // posts what people decide
}

// Who may change what, and who may read what money is made of. The table of routes names these sets, and pages offer
// nothing that would be refused.
var (
	Answerers   = auth.Of(auth.Admin, auth.Reviewer, auth.Support) // of claims
	Adjusters   = auth.Of(auth.Admin, auth.Finance)                // propose adjustments, decide about corrections
	Finders     = auth.Of(auth.Admin, auth.Reviewer)               // disqualify lines, and take that back
	Drafters    = auth.Of(auth.Admin, auth.Finance)                // write drafts of rates, and run them over the past
	Publishers  = auth.Of(auth.Admin)                              // rates and bounties
	Givers      = auth.Of(auth.Admin, auth.Reviewer)               // of coupons
	Bookkeepers = auth.Of(auth.Admin, auth.Finance, auth.Auditor)  // read margins and what-ifs
)

// The pages that the navigation leads to; others stand behind the tabs of one of them.
const (
	atRiver    = "/operator"
	atOrders   = "/operator/orders"
	atRates    = "/operator/rates"
	atReports  = "/operator/reports"
	atQueue    = "/operator/claims"
	atCreators = "/operator/creators"
)

var navigation = []ui.Item{
	{Label: "River", Href: atRiver, Icon: "river"},
	{Label: "Orders", Href: atOrders, Icon: "orders"},
	{Label: "Rates", Href: atRates, Icon: "rates"},
	{Label: "Reports", Href: atReports, Icon: "earnings"},
	{Label: "Queue", Href: atQueue, Icon: "queue"},
	{Label: "Creators", Href: atCreators, Icon: "creators"},
}

// navigationOf leaves out what somebody may not open.
func navigationOf(who auth.Principal) []ui.Item {
	return slices.DeleteFunc(slices.Clone(navigation), func(item ui.Item) bool {
		return item.Href == atReports && !Bookkeepers.Has(who.Role)
	})
}

// desk is what every page of the staff needs, read in the page's own transaction.
type desk struct {
	ui.Frame
	now     time.Time
	form    url.Values   // what the address or the form says
	refused *fault.Error // why a form was not taken; nil: it was, or there was none
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
	d := &desk{now: p.Clock.Now(), form: r.Form}
	d.Frame = ui.Frame{Title: title, Current: current, Nav: navigationOf(ui.Who(r)), Who: ui.Who(r), Markets: markets, Market: chosen,
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
	return p.show(w, r, "Why", atOrders, func(tx *db.Tx, d *desk) (templ.Component, error) {
		line, err := report.OneLine(tx, d.Market, r.PathValue("order"), r.PathValue("line"))
		if err != nil {
			return nil, err
		}
		e, err := explain.Line(tx, d.Market.No, line.Order, line.ID)
		if err != nil {
			return nil, err
		}
		why, owner, err := d.explain(tx, e, line.Name())
		if err != nil {
			return nil, err
		}
		d.Title = why.Title
		why.Facts = d.inMarket(r.URL.EscapedPath() + "/facts")
		decided, err := correctionsAbout(tx, d, []correction.LineKey{{Order: line.Order, Line: line.ID}})
		return linePage(d, line, why, owner, decided), err
	})
}

// explain tells a line's story with the names of the creators in it, and who is credited or spoken of.
func (d *desk) explain(tx *db.Tx, e *explain.Explanation, product string) (why ui.Why, owner string, err error) {
	names, err := readNames(tx, e)
	if err != nil {
		return why, "", err
	}
	for i := range e.Touches {
		if name, ok := names[e.Touches[i].Creator]; ok {
			e.Touches[i].Creator = name
		}
	}
	return ui.Explain(e, "", product, d.Format, d.now), names[e.Creator], nil
}

// LineFacts gives the same as JSON.
func (p *Pages) LineFacts(w http.ResponseWriter, r *http.Request) error {
	var e *explain.Explanation
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "", "")
		if err == nil {
			e, err = explain.Line(tx, d.Market.No, r.PathValue("order"), r.PathValue("line"))
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
