package rates

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/replay"
	"tributary/internal/report"
	"tributary/internal/rerate"
	"tributary/internal/web/staff"
	"tributary/internal/web/ui"
	"tributary/internal/whatif"
)

const (
	pageRuns = 100
	pageRows = 50
	fileRows = 1000
	tryDays  = 90 // how far back a run goes where nobody says otherwise
)

// whatifs are the runs of a marketplace, with the form for another one.
type whatifs struct {
	*staff.Desk
	runs    []runRow
	drafts  []ratefile.Draft
	from    string
	until   string
	working bool // one of them goes on
}

// runRow is a run with who asked.
type runRow struct {
	whatif.Run
	author string
}

// WhatIfs lists the runs; one is started on the same page.
func (p *Pages) WhatIfs(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, whatifsView)
}

var whatifsView = staff.Page{Title: "What-if", Current: staff.AtRates,
	Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
		v := &whatifs{Desk: d, from: d.Sent("from"), until: d.Sent("until")}
		if v.from == "" && v.until == "" {
			v.from, v.until = d.DateOf(d.Now.AddDate(0, 0, -tryDays)), d.DateOf(d.Now)
		}
		runs, err := whatif.List(tx, d.Market.No, 0, pageRuns)
		if err != nil {
			return nil, err
		}
		if v.runs, err = runRows(tx, runs); err != nil {
			return nil, err
		}
		for _, run := range runs {
			v.working = v.working || run.State.Open()
		}
		v.drafts, err = ratefile.Drafts(tx, d.Market.No)
		return whatifsPage(v), err
	}}

func runRows(tx *db.Tx, runs []whatif.Run) ([]runRow, error) {
	whos := make([]string, len(runs))
	for i, run := range runs {
		whos[i] = staff.ID(run.Author)
	}
	found, err := staff.People(tx, whos)
	if err != nil {
		return nil, err
	}
	found[""] = "the command line"
	rows := make([]runRow, len(runs))
	for i, run := range runs {
		rows[i] = runRow{run, found[whos[i]]}
	}
	return rows, nil
}

func runAddress(d *staff.Desk, one id.ID, more ...string) string {
	return d.InMarket(staff.AtWhatIf+"/"+one.Text(id.WhatIf), more...)
}

// title is what a run is called.
func title(run whatif.Run) string {
	switch {
	case run.Name != "":
		return run.Name
	case run.Rates == "":
		return "Other rules"
	}
	return "Other rates"
}

// period is the time that a run looks at.
func period(d *staff.Desk, run whatif.Run) string { return span(d, run.From, run.Until) }

// StartWhatIf asks what a draft or other rules would have cost.
func (p *Pages) StartWhatIf(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, whatifsView, func(d *staff.Desk) (string, error) {
		q, err := p.readRequest(r, d)
		if err != nil {
			return "", err
		}
		run, err := p.WhatIf.Ask(r.Context(), q)
		return runAddress(d, run.ID, "said", "started"), err
	})
}

func (p *Pages) readRequest(r *http.Request, d *staff.Desk) (q whatif.Request, err error) {
	q = whatif.Request{Name: d.Sent("name"), Author: d.Who.ID}
	q.Market, q.Dated = d.Market.ID, d.Sent("dated") != ""
	if q.From, err = d.DayOf("from", 0); err != nil {
		return q, err
	}
	if q.Until, err = d.DayOf("until", 1); err != nil {
		return q, err
	}
	if q.Rules, err = readRules(d); err != nil {
		return q, err
	}
	text := d.Sent("draft")
	if text == "" {
		return q, nil
	}
	if q.Draft, err = id.Parse("draft", id.Draft, text); err != nil {
		return q, err
	}
	err = p.DB.Read(r.Context(), func(tx *db.Tx) error {
		draft, err := ratefile.FindDraft(tx, q.Draft)
		if err == nil && draft.Market != d.Market.No {
			err = fault.New(fault.NotFound, "draft", "is of another marketplace", "choose one of those listed")
		}
		if q.Rates = string(draft.Text); q.Name == "" {
			q.Name = draft.Name
		}
		return err
	})
	return q, err
}

// rule is a number or a choice of the policy that a run may try otherwise.
type rule struct {
	name, label string
	choices     []staff.Choice // none: a whole number
}

var yesNo = []staff.Choice{{Label: "as it was"}, {Value: "yes", Label: "yes"}, {Value: "no", Label: "no"}}

// rules are in the order of docs/spec.md §5.
var rules = []rule{
	{name: "session_hours", label: "Hours of a session"}, {name: "cart_days", label: "Days of a cart"},
	{name: "lapse_days", label: "Days to ship"}, {name: "view_seconds", label: "Seconds of a view"},
	{name: "view_scope", label: "A view counts for", choices: []staff.Choice{{Label: "as it was"},
		{Value: "product", Label: "the product"}, {Value: "variation", Label: "its variations"},
		{Value: "category", Label: "its category"}}},
	{name: "coupons_first", label: "Coupons come first", choices: yesNo},
	{name: "resale_units", label: "Units before resale"}, {name: "resale_days", label: "Days of resale"},
	{name: "business_out", label: "Business accounts are resale", choices: yesNo},
	{name: "paid_earns", label: "Paid traffic earns", choices: yesNo},
	{name: "await_payment", label: "Await payment", choices: yesNo},
	{name: "rate_at", label: "The card of", choices: []staff.Choice{{Label: "as it was"}, {Value: "order", Label: "the order"},
		{Value: "click", Label: "the click"}, {Value: "shipment", Label: "the first shipment"}}},
}

// readRules reads the rules that the form changes.
func readRules(d *staff.Desk) (rerate.Rules, error) {
	// The package that knows the rules reads them, so that a refusal names them as everywhere else.
	var said []string
	for _, one := range rules {
		if value := d.Sent(one.name); value != "" {
			said = append(said, one.name+"="+value)
		}
	}
	return rerate.ParseRules(strings.Join(said, ", "))
}

// ruleTexts say which rules a run changes.
func ruleTexts(run whatif.Run) (texts []string) {
	said := strings.Trim(run.Rules.Text(), "{}")
	if said == "" {
		return nil
	}
	for part := range strings.SplitSeq(said, ",") {
		name, value, _ := strings.Cut(part, ":")
		name = strings.Trim(name, `"`)
		for _, one := range rules {
			if one.name == name {
				texts = append(texts, one.label+": "+strings.Trim(value, `"`))
			}
		}
	}
	return texts
}

// oneRun is a run with its answer, as far as it has one.
type oneRun struct {
	*staff.Desk
	runRow
	draft string // name of the draft that it tries
	by    string
	rows  []whatif.Line
	names map[string]string // of the creators that it speaks of, by id
	next  string
}

// WhatIfRun shows a run: how far it is, or its answer.
func (p *Pages) WhatIfRun(w http.ResponseWriter, r *http.Request) error {
	return p.See(w, r, runView(r))
}

func runView(r *http.Request) staff.Page {
	return staff.Page{Title: "What-if", Current: staff.AtRates,
		Read: func(tx *db.Tx, d *staff.Desk) (templ.Component, error) {
			run, err := findRun(tx, d, r)
			if err != nil {
				return nil, err
			}
			rows, err := runRows(tx, []whatif.Run{run})
			if err != nil {
				return nil, err
			}
			v := &oneRun{Desk: d, runRow: rows[0], by: whatif.ByCreator}
			d.Title = title(run)
			if run.Draft != 0 {
				draft, err := ratefile.FindDraft(tx, run.Draft)
				if err != nil && !fault.Is(err, fault.NotFound) { // one that is gone was discarded since
					return nil, err
				}
				v.draft = draft.Name
			}
			if run.Result == nil {
				return runPage(v), nil
			}
			return runPage(v), v.readRows(tx)
		}}
}

func findRun(tx *db.Tx, d *staff.Desk, r *http.Request) (whatif.Run, error) {
	which, err := id.Parse("run", id.WhatIf, r.PathValue("run"))
	if err != nil {
		return whatif.Run{}, ui.NotFound
	}
	run, err := whatif.Find(tx, which)
	if err == nil && run.No != d.Market.No {
		err = ui.NotFound
	}
	return run, err
}

// readRows reads a page of the answer, by creator or by category, and names whom it speaks of.
func (v *oneRun) readRows(tx *db.Tx) (err error) {
	if v.Sent("by") == whatif.ByCategory {
		v.by = whatif.ByCategory
	}
	after, _ := strconv.ParseInt(v.Sent("after"), 10, 64)
	if v.rows, err = whatif.Lines(tx, v.ID, v.by, max(after, 0), pageRows+1); err != nil {
		return err
	}
	if len(v.rows) > pageRows {
		v.rows = v.rows[:pageRows]
		v.next = runAddress(v.Desk, v.ID, "by", v.by, "after", strconv.FormatInt(v.rows[pageRows-1].No, 10))
	}
	keys := make([]string, 0, len(v.rows))
	if v.by == whatif.ByCreator {
		for _, row := range v.rows {
			keys = append(keys, row.Key)
		}
	}
	for _, e := range v.examples() {
		keys = append(keys, e.Was.Creator, e.Would.Creator)
	}
	v.names, err = creatorNames(tx, keys)
	return err
}

// examples are the lines with the largest differences, rises first.
func (v *oneRun) examples() []replay.Example {
	return append(v.Result.Rises[:len(v.Result.Rises):len(v.Result.Rises)], v.Result.Falls...)
}

// creatorNames gives names by ids as text; what is no id of a creator stays out.
func creatorNames(tx *db.Tx, keys []string) (map[string]string, error) {
	var ids []id.ID
	for _, key := range keys {
		if one, err := id.Parse("creator", id.Creator, key); err == nil {
			ids = append(ids, one)
		}
	}
	found, err := staff.Names(tx, ids)
	names := make(map[string]string, len(found))
	for one, c := range found {
		names[one.Text(id.Creator)] = c.Name
	}
	return names, err
}

// label is what a row is about, in words.
func (v *oneRun) label(key string) string {
	switch {
	case key == "" && v.by == whatif.ByCategory:
		return "Category not known"
	case v.by == whatif.ByCategory:
		return key
	case v.names[key] != "":
		return v.names[key]
	}
	return "Nobody"
}

// rowAddress opens a row to its creator.
func (v *oneRun) rowAddress(key string) string {
	one, err := id.Parse("creator", id.Creator, key)
	if v.by != whatif.ByCreator || err != nil || v.names[key] == "" {
		return ""
	}
	return v.CreatorAddress(one)
}

// exampleAddress opens an example to its explanation.
func (v *oneRun) exampleAddress(e replay.Example) string {
	return v.LineAddress(report.Line{Order: e.Order, ID: e.Line})
}

// side says what a line comes to on one side, and for whom.
func (v *oneRun) side(s replay.Side) string {
	if s.Reason != "" || s.Creator == "" {
		return ui.Reason(s.Reason)
	}
	text := v.Format.Percent(s.BPS)
	if s.Boost > 0 {
		text += ", " + v.Format.Percent(s.Boost) + " of it by promotion"
	}
	if name := v.names[s.Creator]; name != "" {
		text += ", " + name
	}
	return text
}

// signed writes a difference with its sign.
func signed(d *staff.Desk, amount int64) string {
	if amount > 0 {
		return "+" + d.Money(amount)
	}
	return d.Money(amount)
}

// WhatIfFile gives the answer by creator or by category, for spreadsheets.
func (p *Pages) WhatIfFile(w http.ResponseWriter, r *http.Request) error {
	var run whatif.Run
	var names map[string]string
	by := whatif.ByCreator
	if r.FormValue("by") == whatif.ByCategory {
		by = whatif.ByCategory
	}
	if err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.Open(tx, r, "", "")
		if err != nil {
			return err
		}
		if run, err = findRun(tx, d, r); err != nil || by != whatif.ByCreator {
			return err
		}
		names, err = namesOfRun(tx, run.ID)
		return err
	}); err != nil {
		return err
	}
	if run.Result == nil {
		return fault.New(fault.Conflict, "", "the run has no answer yet", "come back when it is done")
	}
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	name := fmt.Sprintf("what-if-%s-%s.csv", by, run.Asked.Format(time.DateOnly))
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	header.Set("Cache-Control", "no-store")
	return whatif.Export(r.Context(), p.DB, w, run, by, func(key string) string {
		if name := names[key]; name != "" {
			return name
		}
		return key
	})
}

// namesOfRun names every creator of an answer.
func namesOfRun(tx *db.Tx, run id.ID) (map[string]string, error) {
	var keys []string
	for after := int64(0); ; {
		page, err := whatif.Lines(tx, run, whatif.ByCreator, after, fileRows)
		for _, row := range page {
			keys, after = append(keys, row.Key), row.No
		}
		if err != nil || len(page) < fileRows {
			names, nameErr := creatorNames(tx, keys)
			return names, errors.Join(err, nameErr)
		}
	}
}

// CancelWhatIf ends a run that waits or runs.
func (p *Pages) CancelWhatIf(w http.ResponseWriter, r *http.Request) error {
	return p.Take(w, r, runView(r), func(d *staff.Desk) (string, error) {
		which, err := id.Parse("run", id.WhatIf, r.PathValue("run"))
		if err != nil {
			return "", ui.NotFound
		}
		if err := p.DB.Read(r.Context(), func(tx *db.Tx) error { _, err := findRun(tx, d, r); return err }); err != nil {
			return "", err
		}
		return runAddress(d, which, "said", "cancelled"), p.WhatIf.Cancel(r.Context(), which)
	})
}

// unsaidCodes are the reasons of an answer, the most frequent first.
func unsaidCodes(counts map[rerate.Unsaid]int64) []rerate.Unsaid {
	codes := slices.Collect(maps.Keys(counts))
	slices.SortFunc(codes, func(a, b rerate.Unsaid) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return codes
}
