package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/replay"
	"tributary/internal/rerate"
	"tributary/internal/whatif"
)

// A draft over past lines, before it is published (docs/whatif.md); nothing is posted:
//
//	tributary whatif --market us --from 2026-09-01 --until 2026-11-01 --rates rates.yaml
//	tributary whatif --market us --from 2026-09-01 --until 2026-11-01 --policy 'session_hours=48, paid_earns=yes' --json
type whatifCmd struct {
	place
	Market string `required:"" help:"The marketplace, such as us." placeholder:"ID"`
	From   string `required:"" help:"The period's first date, or its first instant." placeholder:"DATE"`
	Until  string `required:"" help:"The date, or the instant, up to before which it lasts." placeholder:"DATE"`
	Rates  string `help:"A rates file (YAML, see tributary rates)." type:"existingfile" placeholder:"FILE"`
	Draft  string `help:"A draft that is kept, in place of a file." placeholder:"dr_…"`
	Dated  bool   `help:"The draft's dates hold; else it is tried as if it had been in force since ever."`
	Policy string `help:"Numbers of the policy to try: 'session_hours=48, paid_earns=yes'." placeholder:"NAME=VALUE,…"`
	Name   string `help:"What people will know it by."`
	CSV    string `name:"csv" help:"Write the rows into this file." type:"path" placeholder:"FILE"`
	By     string `help:"What the rows of the file are about: creator or category." enum:"creator,category" default:"creator"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// shownRows is how many rows of a kind the tables hold: the largest differences.
const shownRows = 10

// Run runs the what-if and prints the difference.
func (c *whatifCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout, os.Stderr) }

func (c *whatifCmd) run(ctx context.Context, out, progress io.Writer) error {
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	q, m, err := c.request(ctx, i)
	if err != nil {
		return err
	}
	run, err := whatif.New(i.db, i.clock).Do(ctx, q, percentLine(progress))
	fmt.Fprintln(progress)
	if err != nil {
		return err
	}
	a, err := readAnswer(ctx, i.db, run)
	if err != nil {
		return err
	}
	if c.CSV != "" {
		if err := a.export(ctx, i.db, c.CSV, c.By); err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(out).Encode(a)
	}
	a.print(out, m)
	return nil
}

// request reads what the flags name.
func (c *whatifCmd) request(ctx context.Context, i *installation) (q whatif.Request, m market.Market, err error) {
	if m, err = i.market(ctx, c.Market); err != nil {
		return q, m, err
	}
	if c.Rates != "" && c.Draft != "" {
		return q, m, fault.Invalidf("draft", "stands beside a file", "name one of the two")
	}
	q = whatif.Request{Question: replay.Question{Market: m.ID, Dated: c.Dated}, Name: c.Name}
	if q.Rules, err = rerate.ParseRules(c.Policy); err != nil {
		return q, m, err
	}
	if q.From, err = instantOf("from", c.From, m); err != nil {
		return q, m, err
	}
	if q.Until, err = instantOf("until", c.Until, m); err != nil {
		return q, m, err
	}
	if c.Rates != "" {
		raw, err := os.ReadFile(c.Rates)
		if err != nil {
			return q, m, fault.New(fault.Invalid, "rates", "cannot be read", "name a rates file").Because(err)
		}
		q.Rates = string(raw)
	}
	if c.Draft == "" {
		return q, m, nil
	}
	if q.Draft, err = id.Parse("draft", id.Draft, c.Draft); err != nil {
		return q, m, err
	}
	return q, m, i.db.Read(ctx, func(tx *db.Tx) error {
		d, err := ratefile.FindDraft(tx, q.Draft)
		q.Rates = string(d.Text)
		return err
	})
}

// instantOf reads a date of the marketplace, as its first instant, or an instant.
func instantOf(field, text string, m market.Market) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, m.Location())
	if err != nil {
		return day, fault.Invalidf(field, "%q is neither a date nor an instant", "write 2026-09-01 or 2026-09-01T00:00:00Z", text)
	}
	return day.UTC(), nil
}

// percentLine writes over one line: percent and lines.
func percentLine(out io.Writer) func(done, total int64) {
	start := clock.Wall()
	var written time.Duration
	return func(done, total int64) {
		if passed := clock.Since(start); passed-written >= progressEvery || done == total {
			written = passed
			fmt.Fprintf(out, "\r%3d %%  %d of %d lines ", done*100/max(total, 1), done, total)
		}
	}
}

// answer is a run as it is printed.
type answer struct {
	ID         string             `json:"id"`
	Name       string             `json:"name,omitempty"`
	Rules      rerate.Rules       `json:"policy,omitzero"`
	Result     *replay.Difference `json:"result"`
	Creators   []replay.Keyed     `json:"creators"`
	Categories []replay.Keyed     `json:"categories"`
	run        whatif.Run
	names      map[string]string // creators' names by id
}

func readAnswer(ctx context.Context, d *db.DB, run whatif.Run) (*answer, error) {
	a := &answer{ID: run.ID.Text(id.WhatIf), Name: run.Name, Rules: run.Rules, Result: run.Result, run: run,
		names: map[string]string{}}
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if a.Categories, err = allRows(tx, run.ID, whatif.ByCategory); err != nil {
			return err
		}
		if a.Creators, err = allRows(tx, run.ID, whatif.ByCreator); err != nil {
			return err
		}
		ids := make([]id.ID, len(a.Creators))
		for n, row := range a.Creators {
			if ids[n], err = id.Parse("creator", id.Creator, row.Key); err != nil {
				return err
			}
		}
		people, err := creator.Find(tx, ids)
		for who, one := range people {
			a.names[who.Text(id.Creator)] = one.Name
		}
		return err
	})
	return a, err
}

func allRows(tx *db.Tx, run id.ID, kind string) (rows []replay.Keyed, err error) {
	for after := int64(0); ; {
		page, err := whatif.Lines(tx, run, kind, after, shownRows*100)
		if err != nil || len(page) == 0 {
			return rows, err
		}
		for _, l := range page {
			rows, after = append(rows, l.Keyed), l.No
		}
	}
}

func (a *answer) called(key string) string {
	if name, known := a.names[key]; known {
		return name
	}
	return key
}

func (a *answer) export(ctx context.Context, d *db.DB, path, by string) error {
	file, err := os.Create(path)
	if err != nil {
		return fault.New(fault.Invalid, "csv", "cannot be written", "name a file in a folder that may be written").Because(err)
	}
	return errors.Join(whatif.Export(ctx, d, file, a.run, by, a.called), file.Close())
}

// print writes the difference as tables.
func (a *answer) print(out io.Writer, m market.Market) {
	r := a.Result
	form := time.RFC1123
	fmt.Fprintf(out, "%s  %s, ordered from %s until before %s; amounts in %s\n", a.ID, r.Market,
		r.From.In(m.Location()).Format(form), r.Until.In(m.Location()).Format(form), r.Currency)
	fmt.Fprintf(out, "%d lines: %d would come to something else, %d of them to somebody else; of %d it cannot be said\n",
		r.Total.Lines, r.Total.Changed, r.Total.Moved, r.Total.Unsaid)
	reasons := make([]rerate.Unsaid, 0, len(r.Unsaid))
	for reason := range r.Unsaid {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		fmt.Fprintf(out, "  cannot be said of %d (%s): %s\n", r.Unsaid[reason], reason, rerate.Words[reason])
	}
	if r.Total.Unsaid > 0 {
		fmt.Fprintf(out, "  these hold %s now and stand on neither side below\n", a.amount(r.Total.UnsaidHeld))
	}
	was, would := r.Total.Present, r.Total.Draft
	fmt.Fprintf(out, "\n"+tableForm, "", "present", "draft", "difference")
	a.line(out, "creators get", was.Paid(), would.Paid())
	a.line(out, "  commission", was.Commission, would.Commission)
	a.line(out, "    of it promotions", was.Promotion, would.Promotion)
	a.line(out, "  volume tiers", was.Volume, would.Volume)
	a.line(out, "seller fees", was.Fee, would.Fee)
	for _, part := range []struct {
		title string
		rows  []replay.Keyed
	}{{"by month of order", r.Months}, {"by category", r.Tops}, {"by creator", a.Creators}} {
		fmt.Fprintf(out, "\n%s\n", part.title)
		for n, row := range part.rows {
			if n == shownRows {
				fmt.Fprintf(out, "  and %d more\n", len(part.rows)-n)
				break
			}
			a.line(out, "  "+a.called(row.Key), row.Present.Paid(), row.Draft.Paid())
		}
	}
	a.examples(out, "most more", r.Rises)
	a.examples(out, "most less", r.Falls)
}

// tableForm is a row of the tables: what it is about, and three amounts.
const tableForm = "%-34s %14s %14s %14s\n"

func (a *answer) line(out io.Writer, title string, was, would int64) {
	if strings.TrimSpace(title) == "" {
		title = "  without a category"
	}
	sign := ""
	if would > was {
		sign = "+"
	}
	fmt.Fprintf(out, tableForm, title, a.amount(was), a.amount(would), sign+a.amount(would-was))
}

func (a *answer) amount(n int64) string { return money.Decimal(n, money.Digits(a.Result.Currency)) }

func (a *answer) examples(out io.Writer, title string, list []replay.Example) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\nlines that would pay %s\n", title)
	for _, e := range list {
		fmt.Fprintf(out, "  order %s, line %s, %s: %s %s, would be %s %s\n", e.Order, e.Line, e.SKU,
			a.amount(e.Was.Commission), a.side(e.Was), a.amount(e.Would.Commission), a.side(e.Would))
	}
}

// side says at which rate and to whom, or why nothing.
func (a *answer) side(s replay.Side) string {
	switch {
	case s.Reason != "":
		return "(" + s.Reason + ")"
	case s.Creator == "":
		return "(nobody)"
	}
	return fmt.Sprintf("(%s %%, %s)", money.Decimal(s.BPS, 2), a.called(s.Creator))
}
