package operator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/product"
	"tributary/internal/report"
	"tributary/internal/report/sheet"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
)

// The pages behind the tabs of Reports.
const (
	atModels  = staff.AtReports + "/attribution"
	atReasons = staff.AtReports + "/reasons"
	atFree    = staff.AtReports + "/free"
)

const (
	monthsShown = 6   // where nobody says otherwise
	monthsAsked = 24  // that a form offers
	rowsShown   = 200 // on a page; the file holds all
	pageLines   = 50
)

// months is what every report has: the months that it is about, and how it is cut.
type months struct {
	*staff.Desk
	span report.Span
	by   report.By
}

// readMonths reads the months of an address; without them they are the last ones.
func readMonths(d *staff.Desk, ways ...report.By) (months, error) {
	v := months{Desk: d, span: report.MonthsUpTo(d.Market.Month(d.Now), monthsShown)}
	if len(ways) > 0 {
		v.by = ways[0]
	}
	if by := report.By(d.Sent("by")); slices.Contains(ways, by) {
		v.by = by
	}
	if text := d.Sent("from"); text != "" {
		v.span.From = market.Month(text)
	}
	if text := d.Sent("to"); text != "" {
		v.span.To = market.Month(text)
	}
	return v, v.span.Check()
}

// choices are the months that a report may begin or end with, newest first.
func (v *months) choices() (all []staff.Choice) {
	recent := report.MonthsUpTo(v.Market.Month(v.Now), monthsAsked).Months()
	// An address may name months further back than the list goes: they stay chosen.
	for _, month := range []market.Month{v.span.From, v.span.To} {
		if !slices.Contains(recent, month) {
			recent = append(recent, month)
		}
	}
	slices.Sort(recent)
	slices.Reverse(recent)
	for _, month := range slices.Compact(recent) {
		all = append(all, staff.Choice{Value: string(month), Label: v.Format.Month(month, v.Now)})
	}
	return all
}

// at is an address of a report about the same months, with some things otherwise.
func (v *months) at(path string, changes ...string) string {
	return ui.Link(path, v.Form, append([]string{"market", v.Market.ID, "said", ""}, changes...)...)
}

// margin is what lines brought and cost.
type margin struct {
	months
	report.Margin
	category string
	one      creator.Creator // its zero value: all
}

// Margin shows what lines brought and cost, by month, category or creator.
func (p *Pages) Margin(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, staff.Page{Title: "Margin", Current: staff.AtReports,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v, _, err := readMargin(tx, d)
			return marginPage(v), err
		}})
}

func readMargin(tx *db.Tx, d *staff.Desk) (v *margin, ask report.MarginAsk, err error) {
	v = &margin{category: d.Sent("category")}
	if v.months, err = readMonths(d, report.ByMonth, report.ByCategory, report.ByCreator); err != nil {
		return v, ask, err
	}
	if text := d.Sent("creator"); text != "" {
		number, err := id.Parse("creator", id.Creator, text)
		if err == nil {
			v.one, err = creator.One(tx, number)
		}
		if err != nil {
			return v, ask, err
		}
	}
	ask = report.MarginAsk{Span: v.span, By: v.by, Creator: v.one.ID, Category: v.category}
	v.Margin, err = report.MarginOf(tx, d.Market, ask)
	return v, ask, err
}

// rowAddress opens a row to what it is made of: a month to its categories, a category to its creators, a creator to the
// own page.
func (v *margin) rowAddress(row report.MarginRow) string {
	switch v.by {
	case report.ByMonth:
		return v.at(staff.AtReports, "by", string(report.ByCategory), "from", string(row.Month), "to", string(row.Month))
	case report.ByCategory:
		return v.at(staff.AtReports, "by", string(report.ByCreator), "category", row.Category)
	}
	if row.Creator == 0 {
		return ""
	}
	return v.CreatorAddress(row.Creator)
}

// rowName is what a row stands for.
func (v *margin) rowName(row report.MarginRow) string {
	switch {
	case v.by == report.ByMonth:
		return v.Format.Month(row.Month, v.Now)
	case v.by == report.ByCategory && row.Category == "":
		return "Category not known"
	case v.by == report.ByCategory: // it stands beneath the category that it is part of
		levels := strings.Split(row.Category, product.Separator)
		return levels[len(levels)-1]
	case row.Creator == 0:
		return "Credited to nobody"
	}
	return row.Name
}

// asideName is what is paid beside lines.
func (v *margin) asideName(a report.Aside) string {
	text := "Volume tiers"
	if a.Kind == report.AsideBounty {
		text = "Bounties"
	}
	switch {
	case a.Name != "":
		text += ", " + a.Name
	case a.Month != "":
		text += ", " + v.Format.Month(a.Month, v.Now)
	}
	return text
}

// warned counts the rows in which creators get more than sellers pay.
func (v *margin) warned() (count int64) {
	for _, row := range v.Rows {
		if row.Excess() > 0 {
			count++
		}
	}
	return count
}

// MarginFile gives the same for spreadsheets.
func (p *Pages) MarginFile(w http.ResponseWriter, r *http.Request) error {
	return p.file(w, r, func(tx *db.Tx, d *staff.Desk) (sheet.Sheet, error) {
		v, ask, err := readMargin(tx, d)
		if err != nil {
			return sheet.Sheet{}, err
		}
		return sheet.Margin(d.Market, ask, v.Margin, true), nil
	})
}

// file reads and sends a report as a file.
func (p *Pages) file(w http.ResponseWriter, r *http.Request, read func(*db.Tx, *staff.Desk) (sheet.Sheet, error)) error {
	var s sheet.Sheet
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, "", "")
		if err == nil {
			s, err = read(tx, d)
		}
		return err
	})
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="`+s.Name+`.csv"`)
	header.Set("Cache-Control", "no-store")
	return s.WriteCSV(w)
}

// models are the models of attribution beside each other.
type models struct {
	months
	rows  []report.ModelRow
	total report.Models
}

// Models shows what other models of attribution would say. No money follows from them.
func (p *Pages) Models(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, staff.Page{Title: "Attribution", Current: staff.AtReports,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v, _, err := readModels(tx, d)
			return modelsPage(v), err
		}})
}

func readModels(tx *db.Tx, d *staff.Desk) (v *models, ask report.ModelAsk, err error) {
	v = &models{}
	if v.months, err = readMonths(d, report.ByMonth, report.ByCreator); err != nil {
		return v, ask, err
	}
	ask = report.ModelAsk{Span: v.span, By: v.by}
	v.rows, v.total, err = report.ModelsOf(tx, d.Market, ask)
	return v, ask, err
}

// ModelsFile gives the same for spreadsheets.
func (p *Pages) ModelsFile(w http.ResponseWriter, r *http.Request) error {
	return p.file(w, r, func(tx *db.Tx, d *staff.Desk) (sheet.Sheet, error) {
		v, ask, err := readModels(tx, d)
		if err != nil {
			return sheet.Sheet{}, err
		}
		return sheet.Models(d.Market, ask, v.rows), nil
	})
}

// reasonReport counts why lines earn nothing, and opens a count to its lines.
type reasonReport struct {
	months
	rows   []report.ReasonRow
	month  market.Month // of the lines that are shown; empty: none are
	reason string
	lines  []report.Line
	next   string
}

// Reasons shows why lines earn nothing.
func (p *Pages) Reasons(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, staff.Page{Title: "Reasons", Current: staff.AtReports,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v := &reasonReport{month: market.Month(d.Sent("month")), reason: d.Sent("reason")}
			var err error
			if v.months, err = readMonths(d); err != nil {
				return nil, err
			}
			if v.month != "" {
				return reasonsPage(v), v.readLines(tx)
			}
			v.rows, err = report.ReasonsOf(tx, d.Market, 0, v.span)
			return reasonsPage(v), err
		}})
}

// readLines reads a page of the lines behind one count. Where it goes on is the last line of the page before.
func (v *reasonReport) readLines(tx *db.Tx) (err error) {
	var after report.Line
	if parts := strings.SplitN(v.Sent("after"), "\t", 3); len(parts) == 3 {
		micro, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil {
			return fault.Invalidf("after", "is no place in the list", "begin with its first page")
		}
		after = report.Line{At: clock.FromMicro(micro), Order: parts[1], ID: parts[2]}
	}
	if v.lines, err = report.ReasonLines(tx, v.Market, v.month, v.reason, after, pageLines+1); err != nil {
		return err
	}
	if len(v.lines) > pageLines {
		v.lines = v.lines[:pageLines]
		last := v.lines[pageLines-1]
		v.next = v.at(atReasons, "after", strconv.FormatInt(last.At.UnixMicro(), 10)+"\t"+last.Order+"\t"+last.ID)
	}
	return nil
}

// ReasonsFile gives the counts for spreadsheets.
func (p *Pages) ReasonsFile(w http.ResponseWriter, r *http.Request) error {
	return p.file(w, r, func(tx *db.Tx, d *staff.Desk) (sheet.Sheet, error) {
		v, err := readMonths(d)
		if err != nil {
			return sheet.Sheet{}, err
		}
		rows, err := report.ReasonsOf(tx, d.Market, 0, v.span)
		return sheet.Reasons(d.Market, v.span, rows), err
	})
}

// free are the creators whose month was mostly free items.
type free struct {
	months
	month market.Month
	found []report.FreeFinding
}

// Free shows where an unusual share was given away: something to look at, from which nothing follows by itself.
func (p *Pages) Free(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, staff.Page{Title: "Free items", Current: staff.AtReports,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			v := &free{month: market.Month(d.Sent("month"))}
			var err error
			if v.months, err = readMonths(d); err != nil {
				return nil, err
			}
			if v.month == "" {
				v.month = d.Market.Month(d.Now)
			}
			v.found, err = report.FreeWatch(tx, d.Market, v.month, report.ShippedFreeLimits)
			return freePage(v), err
		}})
}
