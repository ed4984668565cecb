package accrual

import (
	"encoding/json"
	"time"

	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/order"
)

// PastLine is a decided line with the facts of its decision: all that deciding it anew under other rates or another
// policy takes. Nothing of it may be changed.
type PastLine struct {
	Order, Line string
	Facts       *commission.Facts
	Events      []order.Applied
	Basis       commission.Basis
	Held        commission.Posted
	Reason      string
	Pending     int64
	Earned      int64
}

// Terms are what the line was ordered with.
func (p *PastLine) Terms() order.Terms { return termsOf(p.Facts) }

// PastCursor is where a reading of past lines stands.
type PastCursor struct {
	At          int64
	Order, Line string
}

var selectPast = db.Statement(`SELECT order_id, line_id, at, whole_version, state, pending, earned, reason FROM line
	WHERE market = $1 AND at < $2 AND (at > $3 OR at = $3 AND (order_id > $4 OR order_id = $4 AND line_id > $5))
	ORDER BY at, order_id, line_id LIMIT $6`)

// Past reads decided lines by the time of their order, up to before an instant: a page of at most limit after the cursor,
// which it moves. The memory of a long reading is that of one page.
func Past(tx *db.Tx, marketplace uint16, until time.Time, cursor *PastCursor, limit int) ([]PastLine, error) {
	lane := int64(marketplace)
	page := make([]PastLine, 0, limit)
	wholes := make([]int64, 0, limit)
	at := map[string]int{}
	subjects := make([]any, 0, limit)
	err := tx.Each(selectPast, func(scan func(...any) error) error {
		var p PastLine
		var whole int64
		var kept string
		if err := scan(&p.Order, &p.Line, &cursor.At, &whole, &kept, &p.Pending, &p.Earned, &p.Reason); err != nil {
			return err
		}
		var s state
		if err := json.Unmarshal([]byte(kept), &s); err != nil {
			return err
		}
		p.Events, p.Held, p.Basis = s.Events, s.Held, s.Basis
		subject := Subject(p.Order, p.Line)
		at[subject] = len(page)
		page, wholes, subjects = append(page, p), append(wholes, whole), append(subjects, subject)
		cursor.Order, cursor.Line = p.Order, p.Line
		return nil
	}, lane, clock.Micro(until), cursor.At, cursor.Order, cursor.Line, int64(limit))
	if err != nil {
		return nil, fault.Wrap(err, "reading past lines")
	}
	err = tx.In(selectWhole, subjects, func(scan func(...any) error) error {
		var subject, body string
		var version int64
		if err := scan(&subject, &version, &body); err != nil {
			return err
		}
		i := at[subject]
		if version != wholes[i] {
			return nil
		}
		var d decision
		err := json.Unmarshal([]byte(body), &d)
		page[i].Facts = d.Facts
		return err
	}, lane)
	return page, fault.Wrap(err, "reading facts of past lines")
}
