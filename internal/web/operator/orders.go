package operator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/correction"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/report"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

const pageOrders = 30

// orders is the list of orders, found by id or newest first.
type orders struct {
	*staff.Desk
	text   string
	orders []report.Order
	more   bool
}

// Orders lists orders.
func (p *Pages) Orders(w http.ResponseWriter, r *http.Request) error {
	return p.Show(w, r, "Orders", staff.AtOrders, func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &orders{Desk: d, text: strings.TrimSpace(r.FormValue("q"))}
		if len(v.text) > 200 {
			return nil, fault.Invalidf("q", "is longer than 200 characters", "search for the beginning of an order's id")
		}
		var before time.Time
		at, order, _ := strings.Cut(r.FormValue("before"), "~")
		if micro, err := strconv.ParseInt(at, 10, 64); err == nil {
			before = time.UnixMicro(micro)
		}
		var err error
		v.orders, err = report.Orders(tx, d.Market, v.text, before, order, pageOrders+1)
		if len(v.orders) > pageOrders {
			v.orders, v.more = v.orders[:pageOrders], true
		}
		return ordersPage(v), err
	})
}

// next is the address of the page that follows; a search shows its first page alone, and is made narrower instead.
func (v *orders) next() string {
	if !v.more || v.text != "" {
		return ""
	}
	last := v.orders[len(v.orders)-1]
	return v.InMarket("/operator/orders", "before", strconv.FormatInt(last.At.UnixMicro(), 10)+"~"+last.ID)
}

// lineView is how staff list lines: by the time of the order, since they come from one.
func lineView(d *staff.Desk, caption string) ui.LineView {
	return ui.LineView{Format: d.Format, Currency: d.Market.Currency, Now: d.Now, Href: d.LineAddress, Caption: caption,
		Earns: "Earns", Ordered: true}
}

// oneOrder is an order with its lines, what waits for it, and what people decided about it.
type oneOrder struct {
	*staff.Desk
	report.Order
	waiting     []string
	corrections []correctionRow
	margin      []report.LineMargin // for those who may read it
}

// Order shows one order with its lines and the events that wait for it.
func (p *Pages) Order(w http.ResponseWriter, r *http.Request) error { return p.See(w, r, orderView(r)) }

func orderView(r *http.Request) staff.Page {
	return staff.Page{Title: "Order", Current: staff.AtOrders,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v := &oneOrder{Desk: d}
			var err error
			if v.Order, v.waiting, err = report.OneOrder(tx, d.Market, r.PathValue("order")); err != nil {
				return nil, err
			}
			d.Title = "Order " + v.Order.ID
			keys := make([]correction.LineKey, len(v.Lines))
			for i, l := range v.Lines {
				keys[i] = correction.LineKey{Order: l.Order, Line: l.ID}
			}
			if v.corrections, err = correctionsAbout(tx, d, keys); err != nil {
				return nil, err
			}
			// An order of which only early events are known has no lines, and nothing to reckon with.
			if d.May(staff.Bookkeepers) && len(v.Lines) > 0 {
				v.margin, err = report.OrderMargin(tx, d.Market, v.Order.ID)
			}
			return orderPage(v), err
		}}
}

// correctionsAbout are the corrections that name one of the lines, each once, oldest first.
func correctionsAbout(tx *db.Tx, d *staff.Desk, keys []correction.LineKey) ([]correctionRow, error) {
	var all []correction.Correction
	for _, key := range keys {
		found, err := correction.OfLine(tx, d.Market.No, key)
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			if !slices.ContainsFunc(all, func(other correction.Correction) bool { return other.ID == c.ID }) {
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b correction.Correction) int { return a.Proposed.Compare(b.Proposed) })
	return correctionRows(tx, all)
}

// credited are the lines that somebody earns something with: only they have something to lose.
func (v *oneOrder) credited() (lines []report.Line) {
	for _, l := range v.Lines {
		if l.Pending+l.Earned != 0 {
			lines = append(lines, l)
		}
	}
	return lines
}

func (v *oneOrder) disqualifyAddress() string {
	return "/operator/orders/" + url.PathEscape(v.Order.ID) + "/disqualify"
}

// lineKeyAddress leads to the explanation of a line that a correction names.
func lineKeyAddress(d *staff.Desk, key correction.LineKey) string {
	return d.LineAddress(report.Line{Order: key.Order, ID: key.Line})
}

// readNames gives the names of the creators whom an explanation speaks of, by the id it has for them.
func readNames(tx *db.Tx, e *explain.Explanation) (map[string]string, error) {
	var ids []id.ID
	for _, text := range append([]string{e.Creator}, touched(e)...) {
		if one, err := id.Parse("creator", id.Creator, text); err == nil {
			ids = append(ids, one)
		}
	}
	found, err := creator.Find(tx, ids)
	names := map[string]string{}
	for one, c := range found {
		names[one.Text(id.Creator)] = c.Name
	}
	return names, err
}

// touched are the creators of all clicks that were known for a line.
func touched(e *explain.Explanation) (creators []string) {
	for _, t := range e.Touches {
		creators = append(creators, t.Creator)
	}
	return creators
}
