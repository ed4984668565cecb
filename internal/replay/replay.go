// Package replay runs a draft of rates or rules over the past lines of a marketplace and adds up what would have been
// otherwise (docs/whatif.md): per creator, category and month, with the lines that would change most.
//
// What must always hold: nothing is written; the present side is what the ledger holds; a line about which nothing can be
// said stands on neither side and is counted with its reason; memory grows with creators and categories, never with lines.
//
// It decides nothing about a line: package rerate does.
package replay

import (
	"context"
	"errors"
	"time"

	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/rerate"
)

// Question is what is asked: a draft over the lines that were ordered from one instant until before another.
type Question struct {
	Market string       `json:"marketplace"`
	From   time.Time    `json:"from"`
	Until  time.Time    `json:"until"`
	Rates  string       `json:"rates,omitempty"` // a rates file (docs/rates.md); empty: the present rates
	Dated  bool         `json:"dated,omitempty"` // the file's instants hold; else it is as if its rates had been in force since ever
	Rules  rerate.Rules `json:"rules,omitzero"`  // changes of the policy
}

// pageLines is how many lines are read in one transaction: long enough that its cost is shared, short enough that nobody
// waits for it.
const pageLines = 1000

// Shown is told after every page how many lines are done, and of how many. Its error ends the run.
type Shown func(done, total int64) error

// Run answers a question as of a business instant.
func Run(ctx context.Context, d *db.DB, q Question, now time.Time, shown Shown) (*Difference, error) {
	r := &run{question: q, now: now}
	if err := d.Read(context.WithoutCancel(ctx), r.open); err != nil {
		return nil, err
	}
	return r.answer(ctx, d, shown)
}

// Check reads what a question names and refuses what cannot be asked; nothing is run. It gives the marketplace's number
// and how many lines there are.
func Check(tx *db.Tx, q Question, now time.Time) (market uint16, lines int64, err error) {
	r := &run{question: q, now: now}
	if err = r.open(tx); err != nil {
		return 0, 0, err
	}
	return r.past.Market.No, r.past.Lines, nil
}

// run is one answer while it is worked out.
type run struct {
	question Question
	now      time.Time
	past     *explain.Past
	draft    *rerate.Draft
	tally    *tally
}

func (r *run) open(tx *db.Tx) error {
	q := r.question
	if err := q.Rules.Check(); err != nil {
		return err
	}
	past, err := explain.OpenPast(tx, q.Market, q.From, q.Until)
	if err != nil {
		return err
	}
	m, tried := past.Market, past.Rates
	if q.Rates != "" {
		file, err := ratefile.Read(tx, []byte(q.Rates))
		if err != nil {
			return err
		}
		if file.Market.ID != m.ID {
			return fault.Invalidf("rates", "are those of the marketplace %s", "ask about that marketplace", file.Market.ID)
		}
		if tried, err = file.Book(past.Rates, r.now, q.Dated); err != nil {
			return err
		}
	}
	r.past, r.draft = past, rerate.New(past.Rates, tried, q.Rules)
	month := func(at int64) string { return string(m.Month(time.UnixMicro(at))) }
	r.tally = newTally(r.draft, month, Difference{Market: m.ID, Currency: m.Currency, From: q.From, Until: q.Until, At: r.now})
	return nil
}

// answer reads page by page, each on a view of its own: a long run holds up nobody. A page that is begun is read to its end.
func (r *run) answer(ctx context.Context, d *db.DB, shown Shown) (*Difference, error) {
	for done := int64(0); ; {
		read := 0
		if err := d.Read(context.WithoutCancel(ctx), func(tx *db.Tx) (err error) {
			read, err = r.page(tx)
			return err
		}); err != nil {
			return nil, err
		}
		done += int64(read)
		if err := errors.Join(shown(done, max(done, r.past.Lines)), ctx.Err()); err != nil {
			return nil, err
		}
		if read < pageLines {
			return r.tally.difference(), nil
		}
	}
}

// page counts a page of lines. Facts are read only of those whose rows do not say enough.
func (r *run) page(tx *db.Tx) (read int, err error) {
	page, err := r.past.Rows(tx, pageLines)
	if err != nil {
		return 0, err
	}
	var unknown []*explain.PastLine
	for i := range page {
		p := &page[i]
		was, would, known := r.draft.Row(rowOf(p), r.now)
		if known {
			r.tally.add(p, was, would, "")
		} else {
			unknown = append(unknown, p)
		}
	}
	if err := r.past.Facts(tx, unknown); err != nil {
		return 0, err
	}
	for _, p := range unknown {
		l := rerate.Line{Facts: p.Facts, Basis: p.Basis, Events: p.Events, Held: p.Held, Reason: p.Reason}
		was, would, unsaid := r.draft.Line(l, r.now)
		r.tally.add(p, was, would, unsaid)
	}
	return len(page), nil
}

func rowOf(p *explain.PastLine) rerate.Row {
	return rerate.Row{Basis: p.Basis, Events: p.Events, Held: p.Held, Reason: p.Reason, At: p.At, SKU: p.SKU,
		Category: p.Category(), Quantity: p.Quantity, Net: p.Net, Digital: p.Digital}
}
