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
	"time"

	"tributary/internal/accrual"
	"tributary/internal/db"
	"tributary/internal/ratecard"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/rerate"
)

// Question is what is asked: a draft over the lines that were ordered from one instant until before another.
type Question struct {
	Market      string
	From, Until time.Time
	Rates       string       // a rates file (docs/rates.md); empty: the present rates
	Dated       bool         // the file's instants hold; else it is as if its rates had been in force since ever
	Rules       rerate.Rules // changes of the policy
}

// pageLines is how many lines are read in one transaction: long enough that its cost is shared, short enough that nobody
// waits for it.
const pageLines = 1000

// Run answers a question as of a business instant. shown is called after every page with the lines done and all there are.
func Run(ctx context.Context, d *db.DB, q Question, now time.Time, shown func(done, total int64) error) (*Difference, error) {
	r := &run{question: q, now: now}
	if err := d.Read(ctx, r.open); err != nil {
		return nil, err
	}
	return r.answer(ctx, d, shown)
}

// Under answers for a book that is at hand in place of a file's text.
func Under(ctx context.Context, d *db.DB, q Question, book *ratecard.Book, now time.Time, shown func(done, total int64) error) (*Difference, error) {
	r := &run{question: q, now: now, book: book}
	if err := d.Read(ctx, r.open); err != nil {
		return nil, err
	}
	return r.answer(ctx, d, shown)
}

// run is one answer while it is worked out.
type run struct {
	question Question
	now      time.Time
	no       uint16
	book     *ratecard.Book
	draft    *rerate.Draft
	tally    *tally
	total    int64
}

// Check reads what a question names and refuses what cannot be asked; nothing is run.
func Check(tx *db.Tx, q Question, now time.Time) error { return (&run{question: q, now: now}).open(tx) }

func (r *run) open(tx *db.Tx) error {
	if err := r.question.Rules.Check(); err != nil {
		return err
	}
	m, present, err := accrual.PastMarket(tx, r.question.Market)
	if err != nil {
		return err
	}
	if r.question.Rates != "" {
		file, err := ratefile.Read(tx, []byte(r.question.Rates))
		if err != nil {
			return err
		}
		if r.book, err = file.Book(present, r.now, r.question.Dated); err != nil {
			return err
		}
	}
	r.no, r.draft = m.No, rerate.New(present, r.book, r.question.Rules)
	month := func(at int64) string { return string(m.Month(time.UnixMicro(at))) }
	r.tally = newTally(r.draft, month, Difference{Market: m.ID, Currency: m.Currency, From: r.question.From, Until: r.question.Until, At: r.now})
	r.total, err = accrual.PastCount(tx, m.No, r.question.From, r.question.Until)
	return err
}

// answer reads page by page, each on a view of its own: a long run holds up nobody.
func (r *run) answer(ctx context.Context, d *db.DB, shown func(done, total int64) error) (*Difference, error) {
	cursor := accrual.PastFrom(r.question.From)
	for done := int64(0); ; {
		read := 0
		if err := d.Read(ctx, func(tx *db.Tx) error {
			page, err := accrual.Past(tx, r.no, r.question.Until, &cursor, pageLines)
			read = len(page)
			for i := range page {
				r.line(&page[i])
			}
			return err
		}); err != nil {
			return nil, err
		}
		done += int64(read)
		if err := shown(done, max(done, r.total)); err != nil {
			return nil, err
		}
		if read < pageLines {
			return r.tally.difference(), ctx.Err()
		}
	}
}

func (r *run) line(p *accrual.PastLine) {
	was, would, unsaid := r.draft.Line(rerate.Line{Facts: p.Facts, Basis: p.Basis, Events: p.Events, Held: p.Held, Reason: p.Reason}, r.now)
	r.tally.add(p, was, would, unsaid)
}
