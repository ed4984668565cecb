package creator

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/attribution"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/enrolment"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

// pageLines is how many lines a page of earnings shows.
const pageLines = 40

// earnings is the list of a creator's lines, with the filter that the address holds.
type earnings struct {
	*desk
	query  url.Values
	filter report.Filter
	page   report.Page
	months []market.Month
	beside *explain.Beside // of the month that is looked at
	month  market.Month
}

// readFilter reads the filter from an address. What it does not know is refused, so that a mistyped address never shows
// the wrong lines.
func readFilter(query url.Values, m market.Market) (f report.Filter, err error) {
	f = report.Filter{Text: strings.TrimSpace(query.Get("q")), State: query.Get("state"), Reason: query.Get("reason"),
		Sort: query.Get("sort"), Limit: pageLines}
	if len(f.Text) > 200 {
		return f, fault.Invalidf("q", "is longer than 200 characters", "search for less")
	}
	states := []string{"", report.StateOrdered, report.StatePart, report.StateEarned, report.StateNothing}
	if !slices.Contains(states, f.State) {
		return f, fault.Invalidf("state", "is not a state", "choose one from the list")
	}
	if f.Reason != "" && !slices.Contains(ui.Reasons, attribution.Reason(f.Reason)) {
		return f, fault.Invalidf("reason", "is not a reason", "choose one from the list")
	}
	if !slices.Contains([]string{report.SortNewest, report.SortAmount, report.SortOrder}, f.Sort) {
		return f, fault.Invalidf("sort", "is not an order", "choose one from the list")
	}
	if text := query.Get("program"); text != "" {
		for _, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer, enrolment.Connections} {
			if text == program.String() {
				f.Program = uint8(program)
			}
		}
		if f.Program == 0 {
			return f, fault.Invalidf("program", "is not a program", "choose one from the list")
		}
	}
	if text := query.Get("month"); text != "" {
		month, err := market.ParseMonth("month", text)
		if err != nil {
			return f, err
		}
		f.From, f.To = monthStart(month, m), monthStart(month.Next(), m)
	}
	f.After = readCursor(query.Get("after"))
	if f.Sort != report.SortNewest {
		page, _ := strconv.Atoi(query.Get("page"))
		f.Offset = min(max(page, 0), report.Window/pageLines) * pageLines
	}
	return f, nil
}

// monthStart is the first instant of a month in a marketplace's zone.
func monthStart(month market.Month, m market.Market) time.Time {
	at, err := time.ParseInLocation("2006-01", string(month), m.Location())
	if err != nil {
		return time.Time{} // ParseMonth let it through: it is a month
	}
	return at
}

// A cursor in an address is `microseconds!order!line`, the ids escaped: QueryEscape leaves no exclamation mark in them.
func writeCursor(c report.Cursor) string {
	if c.Touched == 0 {
		return ""
	}
	return strconv.FormatInt(c.Touched, 10) + "!" + url.QueryEscape(c.Order) + "!" + url.QueryEscape(c.Line)
}

// readCursor reads one; anything else is the beginning.
func readCursor(text string) (c report.Cursor) {
	parts := strings.Split(text, "!")
	if len(parts) != 3 {
		return c
	}
	touched, err := strconv.ParseInt(parts[0], 10, 64)
	order, err2 := url.QueryUnescape(parts[1])
	line, err3 := url.QueryUnescape(parts[2])
	if err != nil || err2 != nil || err3 != nil || touched <= 0 {
		return c
	}
	return report.Cursor{Touched: touched, Order: order, Line: line}
}

// Earnings lists the creator's lines.
func (p *Pages) Earnings(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Earnings", "/creator/earnings", func(tx *db.Tx, d *desk) (templ.Component, error) {
		e := earnings{desk: d, query: r.URL.Query()}
		var err error
		if e.filter, err = readFilter(e.query, d.Market); err != nil {
			return nil, err
		}
		if e.page, err = report.Lines(tx, d.me.Creator, d.Market, e.filter); err != nil {
			return nil, err
		}
		month := d.Market.Month(d.now)
		for range 12 {
			e.months = append(e.months, month)
			month = market.MonthOf(monthStart(month, d.Market).Add(-time.Hour), d.Market.Location())
		}
		if text := e.query.Get("month"); text != "" {
			e.month = market.Month(text) // readFilter let it through
			beside, err := explain.BesideLines(tx, d.me.Creator, d.Market, e.month)
			if err != nil {
				return nil, err
			}
			e.beside = &beside
		}
		return earningsPage(&e), nil
	})
}

// EarningsFile gives the same lines, all of them, as a file. It is read page by page, each in a transaction of its own,
// so that a long list holds nobody up.
func (p *Pages) EarningsFile(w http.ResponseWriter, r *http.Request) error {
	var d *desk
	var f report.Filter
	err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if d, err = p.open(tx, r, "", ""); err == nil {
			f, err = readFilter(r.URL.Query(), d.Market)
		}
		return err
	})
	if err != nil {
		return err
	}
	f.Sort, f.Offset, f.After, f.Limit = report.SortNewest, 0, report.Cursor{}, 1000
	table := ui.NewTable(w, "earnings-"+d.Market.ID+".csv", "ordered_at", "order", "line", "sku", "product", "category", "program",
		"tracking_id", "quantity", "paid", "rate_percent", "pending", "earned", "currency", "state", "reason")
	digits := money.Digits(d.Market.Currency)
	for {
		var page report.Page
		if err := p.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
			page, err = report.Lines(tx, d.me.Creator, d.Market, f)
			return err
		}); err != nil {
			// The file has begun: whoever takes it must see that it is not whole.
			slog.Error("a file of earnings broke off", "err", err)
			panic(http.ErrAbortHandler)
		}
		for _, l := range page.Lines {
			table.Row(d.Format.ISO(l.At), l.Order, l.ID, l.SKU, l.Title, l.Category, enrolment.Program(l.Program).String(), l.Tag,
				strconv.FormatInt(l.Quantity, 10), money.Decimal(l.Amount, digits), money.Decimal(l.BPS, 2),
				money.Decimal(l.Pending, digits), money.Decimal(l.Earned, digits), d.Market.Currency, l.State(), l.Reason)
		}
		if page.Next == (report.Cursor{}) {
			return table.Close()
		}
		f.After = page.Next
	}
}

func (e *earnings) view() ui.LineView {
	view := e.lineView("Your order lines")
	view.Ordered = e.filter.Sort == report.SortOrder
	return view
}

// link is this list with something changed; a change begins it anew.
func (e *earnings) link(path string, changes ...string) string {
	return ui.Link(path, e.query, append([]string{"after", "", "page", ""}, changes...)...)
}

// next is the address of the page that follows; empty at the end.
func (e *earnings) next() string {
	switch {
	case e.filter.Sort != report.SortNewest && e.page.More:
		return e.link("/creator/earnings", "page", strconv.Itoa(e.filter.Offset/pageLines+1))
	case e.filter.Sort == report.SortNewest:
		if cursor := writeCursor(e.page.Next); cursor != "" {
			return e.link("/creator/earnings", "after", cursor)
		}
	}
	return ""
}

// filtered tells whether the list shows less than everything.
func (e *earnings) filtered() bool {
	f := e.filter
	return f.Text != "" || f.State != "" || f.Reason != "" || f.Program != 0 || !f.From.IsZero()
}

// tierText says how the extra of a month follows from what it earned on: each band by itself.
func (d *desk) tierText(v *decision.Volume) string {
	text := d.money(v.Base) + " of shipped goods count, less what came back"
	for i, band := range v.Bands {
		top := v.Base
		if i+1 < len(v.Bands) {
			top = min(top, v.Bands[i+1].Above)
		}
		if top > band.Above {
			text += "; " + d.Format.Percent(band.Extra) + " of the " + d.money(top-band.Above) + " above " + d.money(band.Above)
		}
	}
	return text
}
