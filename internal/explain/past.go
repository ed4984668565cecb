package explain

import (
	"encoding/json"
	"time"

	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/product"
	"tributary/internal/ratecard"
)

// PastLine is a decided line with the facts of its decision: all that deciding it anew under other rates or another
// policy takes. Nothing of it may be changed.
type PastLine struct {
	Order, Line string
	At          int64             // ordered, microseconds
	Facts       *commission.Facts // nil until PastFacts has read them
	Events      []order.Applied   // of its goods, as acknowledged
	Basis       commission.Basis  // what was decided
	Held        commission.Posted // what the ledger holds of it
	Reason      string            // why it is nothing, where it is
	Pending     int64             // minor units, as Earned
	Earned      int64
	whole       int64 // the version that carries the facts
}

// Terms are what the line was ordered with.
func (p *PastLine) Terms() order.Terms { return decision.Terms(p.Facts) }

// Category is the path of the line's category, in its one form; empty where it is not known.
func (p *PastLine) Category() string { return product.CleanCategory(p.Facts.Category) }

// PastCursor is where a reading of past lines stands.
type PastCursor struct {
	At          int64
	Order, Line string
}

// PastFrom is where a reading begins that starts at an instant.
func PastFrom(from time.Time) PastCursor {
	return PastCursor{At: clock.Micro(from) - 1, Order: lastText}
}

// lastText stands behind every id, in byte order.
const lastText = "\U0010FFFF"

var (
	selectWhole = db.In(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject IN ($LIST)`)
	// The first bound on `at` says no more than the second: it is the one by which an index is entered.
	selectPast = db.Statement(`SELECT order_id, line_id, at, whole_version, state, pending, earned, reason FROM line
		WHERE market = $1 AND at < $2 AND at >= $3 AND (at > $3 OR order_id > $4 OR order_id = $4 AND line_id > $5)
		ORDER BY at, order_id, line_id LIMIT $6`)
	countPast = db.Statement(`SELECT COUNT(*) FROM line WHERE market = $1 AND at < $2 AND at >= $3`)
)

// PastCount counts the lines ordered from one instant until before another.
func PastCount(tx *db.Tx, marketplace uint16, from, until time.Time) (count int64, err error) {
	_, err = tx.One(countPast, []any{&count}, int64(marketplace), clock.Micro(until), clock.Micro(from))
	return count, fault.Wrap(err, "counting past lines")
}

// PastMarket gives a marketplace and what prices its lines.
func PastMarket(tx *db.Tx, marketplace string) (market.Market, *ratecard.Book, error) {
	all, err := market.All(tx)
	if err != nil {
		return market.Market{}, nil, err
	}
	for _, m := range all {
		if m.ID == marketplace {
			rates, err := ratecard.LoadBook(tx, m.No)
			return m, rates, err
		}
	}
	return market.Market{}, nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
}

// Past reads decided lines by the time of their order, up to before an instant: a page of at most limit after the cursor,
// which it moves. The memory of a long reading is that of one page.
func Past(tx *db.Tx, marketplace uint16, until time.Time, cursor *PastCursor, limit int) ([]PastLine, error) {
	page, err := PastRows(tx, marketplace, until, cursor, limit)
	if err != nil {
		return nil, err
	}
	lines := make([]*PastLine, len(page))
	for i := range page {
		lines[i] = &page[i]
	}
	return page, PastFacts(tx, marketplace, lines)
}

// PastRows reads the same lines without their facts: their rows alone say what was decided and what it came to.
func PastRows(tx *db.Tx, marketplace uint16, until time.Time, cursor *PastCursor, limit int) ([]PastLine, error) {
	page := make([]PastLine, 0, limit)
	err := tx.Each(selectPast, func(scan func(...any) error) error {
		var p PastLine
		var kept string
		if err := scan(&p.Order, &p.Line, &p.At, &p.whole, &kept, &p.Pending, &p.Earned, &p.Reason); err != nil {
			return err
		}
		var s decision.State
		if err := json.Unmarshal([]byte(kept), &s); err != nil {
			return err
		}
		p.Events, p.Held, p.Basis = s.Events, s.Held, s.Basis
		page = append(page, p)
		cursor.At, cursor.Order, cursor.Line = p.At, p.Order, p.Line
		return nil
	}, int64(marketplace), clock.Micro(until), cursor.At, cursor.Order, cursor.Line, int64(limit))
	return page, fault.Wrap(err, "reading past lines")
}

// PastFacts reads the facts of past lines.
func PastFacts(tx *db.Tx, marketplace uint16, lines []*PastLine) error {
	at := make(map[string]*PastLine, len(lines))
	subjects := make([]any, len(lines))
	for i, p := range lines {
		subject := decision.Subject(p.Order, p.Line)
		at[subject], subjects[i] = p, subject
	}
	err := tx.In(selectWhole, subjects, func(scan func(...any) error) error {
		var subject, body string
		var version int64
		if err := scan(&subject, &version, &body); err != nil {
			return err
		}
		p := at[subject]
		if version != p.whole {
			return nil
		}
		var d decision.Line
		err := json.Unmarshal([]byte(body), &d)
		p.Facts = d.Facts
		return err
	}, int64(marketplace))
	return fault.Wrap(err, "reading facts of past lines")
}
