// Package staff is the desk at which the operator's people work: the marketplace that is being looked at, who may do what,
// and forms, as all of their pages share them.
//
// What must always hold: what is opened by GET reads and changes nothing; every change is a form that was sent; what is
// refused comes back on the form's own page, with the field, the rule, the fix and what was typed; a page offers nothing
// that the table of routes would refuse.
//
// It owns no page and no rule.
package staff

import (
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
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/person"
	"tributary/internal/report"
	"tributary/internal/secret"
	"tributary/internal/web/ui"
	"tributary/internal/whatif"
)

// Pages answers requests of the staff: packages with pages of theirs build on it.
type Pages struct {
	DB    *db.DB
	Clock *clock.Business
	Ring  *secret.Ring
	Works
}

// Works are what staff set going from their pages.
type Works struct {
	Accrual *accrual.Accrual // posts what people decide
	WhatIf  *whatif.Runs     // tries drafts over past lines
}

// Who may change what, and who may read what money is made of. The table of routes names these sets, and pages offer
// nothing that would be refused.
var (
	Proposers   = correction.Proposers                             // of corrections of some kind; they may take their own back
	Answerers   = auth.Of(auth.Admin, auth.Reviewer, auth.Support) // of claims
	Adjusters   = auth.Of(auth.Admin, auth.Finance)                // propose adjustments, decide about corrections
	Finders     = auth.Of(auth.Admin, auth.Reviewer)               // disqualify lines, and take that back
	Drafters    = auth.Of(auth.Admin, auth.Finance)                // write drafts of rates, and run them over the past
	Publishers  = auth.Of(auth.Admin)                              // rates and bounties
	Givers      = auth.Of(auth.Admin, auth.Reviewer)               // of coupons
	Bookkeepers = auth.Of(auth.Admin, auth.Finance, auth.Auditor)  // read margins and what-ifs
	LogReaders  = auth.Of(auth.Admin, auth.Auditor)                // read the audit log, reasons and all
)

// The pages that the navigation leads to; others stand behind the tabs of one of them.
const (
	AtRiver    = "/operator"
	AtOrders   = "/operator/orders"
	AtRates    = "/operator/rates"
	AtReports  = "/operator/reports"
	AtQueue    = "/operator/claims"
	AtCreators = "/operator/creators"
	AtLog      = "/operator/journal"
)

// The pages behind the tabs of Rates.
const (
	AtDrafts   = "/operator/rates/drafts"
	AtWhatIf   = "/operator/whatif"
	AtBounties = "/operator/bounties"
	AtCoupons  = "/operator/coupons"
)

var navigation = []ui.Item{
	{Label: "River", Href: AtRiver, Icon: "river"},
	{Label: "Orders", Href: AtOrders, Icon: "orders"},
	{Label: "Rates", Href: AtRates, Icon: "rates"},
	{Label: "Reports", Href: AtReports, Icon: "earnings"},
	{Label: "Queue", Href: AtQueue, Icon: "queue"},
	{Label: "Creators", Href: AtCreators, Icon: "creators"},
	{Label: "Log", Href: AtLog, Icon: "links"},
}

// navigationOf leaves out what somebody may not open.
func navigationOf(who auth.Principal) []ui.Item {
	return slices.DeleteFunc(slices.Clone(navigation), func(item ui.Item) bool {
		return item.Href == AtReports && !Bookkeepers.Has(who.Role) || item.Href == AtLog && !LogReaders.Has(who.Role)
	})
}

// Desk is what every page of the staff needs, read in the page's own transaction.
type Desk struct {
	ui.Frame
	Now     time.Time
	Keys    person.Keys  // opens what is personal, for who may read it
	Form    url.Values   // what the address or the form says
	Refused *fault.Error // why a form was not taken; nil: it was, or there was none
}

// Open reads the marketplaces and the one that the address names; without a name it is the first. Staff see them all.
func (p *Pages) Open(tx *db.Tx, r *http.Request, title, current string) (*Desk, error) {
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
	d := &Desk{Now: p.Clock.Now(), Keys: person.Keys{Ring: p.Ring}, Form: r.Form}
	d.Frame = ui.Frame{Title: title, Current: current, Nav: navigationOf(ui.Who(r)), Who: ui.Who(r), Markets: markets,
		Market: chosen,
		Path:   r.URL.Path, Format: ui.NewFormat(r.Header.Get("Accept-Language"), chosen.Locale, chosen.Location())}
	if p.Clock.Sandbox() {
		d.Sandbox = d.Now
	}
	return d, nil
}

// Money writes an amount of the marketplace that is being looked at.
func (d *Desk) Money(amount int64) string { return d.Format.Money(amount, d.Market.Currency) }

// InMarket is an address of ours in the marketplace that is being looked at.
func (d *Desk) InMarket(path string, more ...string) string {
	return ui.Link(path, nil, append([]string{"market", d.Market.ID}, more...)...)
}

// CreatorAddress leads to a creator's page.
func (d *Desk) CreatorAddress(one id.ID) string {
	return d.InMarket(AtCreators + "/" + one.Text(id.Creator))
}

// OrderAddress leads to an order. Ids are the store's: they are escaped.
func (d *Desk) OrderAddress(order string) string {
	return d.InMarket(AtOrders + "/" + url.PathEscape(order))
}

// LineAddress leads to the explanation of a line.
func (d *Desk) LineAddress(l report.Line) string {
	return d.InMarket("/operator/lines/" + url.PathEscape(l.Order) + "/" + url.PathEscape(l.ID))
}

// Show reads and sends a page.
func (p *Pages) Show(w http.ResponseWriter, r *http.Request, title, current string,
	read func(*db.Tx, *Desk) (templ.Component, error)) error {
	var page templ.Component
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, title, current)
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

// Marketplace is the number of the marketplace that a request looks at.
func (p *Pages) Marketplace(r *http.Request) (number uint16, err error) {
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, "", "")
		if err == nil {
			number = d.Market.No
		}
		return err
	})
	return number, err
}
