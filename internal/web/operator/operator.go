// Package operator holds the pages of the operator's staff: the river's health, orders with the explanation of every
// line, reports, the queue of what waits for a person, the creators with their coupons. Rates are package web/rates.
//
// What must always hold: every line can be explained, also one that earned nobody anything; every change is a form that
// was sent, by a role that may send it, through the function of the package that owns the rule; nobody decides about the
// own proposal.
//
// It owns no rule and no address: package web has the routes, and who may open them.
package operator

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/correction"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/report"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// Pages answers the staff's requests.
type Pages struct {
	staff.Pages
	Unshipped func() (count int64, oldest time.Time) // clicks in the log; nil: another process has it
}

// Line explains any line, also one that earned nobody anything.
func (p *Pages) Line(w http.ResponseWriter, r *http.Request) error {
	return p.Show(w, r, "Why", staff.AtOrders, func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		line, err := report.OneLine(tx, d.Market, r.PathValue("order"), r.PathValue("line"))
		if err != nil {
			return nil, err
		}
		e, err := explain.Line(tx, d.Market.No, line.Order, line.ID)
		if err != nil {
			return nil, err
		}
		why, owner, err := story(tx, d, e, line.Name())
		if err != nil {
			return nil, err
		}
		d.Title = why.Title
		why.Facts = d.InMarket(r.URL.EscapedPath() + "/facts")
		decided, err := correctionsAbout(tx, d, []correction.LineKey{{Order: line.Order, Line: line.ID}})
		return linePage(d, line, why, owner, decided), err
	})
}

// story tells a line's story with the names of the creators in it, and who is credited or spoken of.
func story(tx *db.Tx, d *staff.Desk, e *explain.Explanation, product string) (why ui.Why, owner string, err error) {
	names, err := readNames(tx, e)
	if err != nil {
		return why, "", err
	}
	for i := range e.Touches {
		if name, ok := names[e.Touches[i].Creator]; ok {
			e.Touches[i].Creator = name
		}
	}
	return ui.Explain(e, "", product, d.Format, d.Now), names[e.Creator], nil
}

// LineFacts gives the same as JSON.
func (p *Pages) LineFacts(w http.ResponseWriter, r *http.Request) error {
	var e *explain.Explanation
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, "", "")
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
