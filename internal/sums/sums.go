// Package sums keeps what pages read in place of lines: a creator's day, and what lines of a month brought and cost. Each
// line remembers what it added, so that a change is a difference.
//
// What must always hold: the sums are what all lines add up to, at every commit; Verify says where they are not. Money
// never follows them, and the models of attribution beside the last click stand here and nowhere else.
package sums

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/money"
)

// DayKey names a creator's day: a local date of the marketplace.
type DayKey struct {
	Creator id.ID
	Date    string
}

// Day is a creator's day by the time of order: what was credited, and what another model would have shared out.
type Day struct {
	Orders, Units, Revenue, Commission      int64
	FirstLines, FirstRevenue, LinearRevenue int64
}

type monthKey struct {
	month    string
	creator  id.ID
	category string
	sold     int64 // 1: by a seller other than the shop
}

// month is what lines of a month brought and cost, as of what is earned. Units and free ones are as ordered and kept.
type month struct{ units, free, revenue, commission, promotion, fee int64 }

// Counted is what a line adds to its creator's day.
type Counted struct {
	Creator    id.ID  `json:"c,omitempty"`
	Day        string `json:"d,omitempty"`
	Units      int64  `json:"u,omitempty"`
	Revenue    int64  `json:"v,omitempty"`
	Commission int64  `json:"m,omitempty"`
}

// Journey are the creators of the clicks and views that led to a line, oldest first, and the revenue that they share: for
// reports alone.
type Journey struct {
	Day      string  `json:"d,omitempty"`
	Creators []id.ID `json:"c,omitempty"`
	Revenue  int64   `json:"v,omitempty"`
}

// Margin is what a line adds to its month.
type Margin struct {
	Month      string `json:"t,omitempty"`
	Creator    id.ID  `json:"c,omitempty"`
	Category   string `json:"k,omitempty"`
	Sold       int64  `json:"s,omitempty"`
	Units      int64  `json:"u,omitempty"`
	Free       int64  `json:"f,omitempty"`
	Revenue    int64  `json:"v,omitempty"`
	Commission int64  `json:"m,omitempty"`
	Promotion  int64  `json:"p,omitempty"`
	Fee        int64  `json:"e,omitempty"`
}

// Nothing is a line that earns nothing: where it stands, why, and what was paid for it when it was ordered.
type Nothing struct {
	Month   string `json:"t,omitempty"`
	Creator id.ID  `json:"c,omitempty"` // 0: nobody
	Reason  string `json:"r,omitempty"`
	Revenue int64  `json:"v,omitempty"`
}

type reasonKey struct {
	creator       id.ID
	month, reason string
}

type reason struct{ lines, revenue int64 }

// Sums are differences that are still to be saved, or what all lines add up to.
type Sums struct {
	days    map[DayKey]*Day
	margins map[monthKey]*month
	reasons map[reasonKey]*reason
}

// Day gives the sum of a creator's day.
func (s *Sums) Day(key DayKey) *Day {
	if s.days == nil {
		s.days = map[DayKey]*Day{}
	}
	if s.days[key] == nil {
		s.days[key] = &Day{}
	}
	return s.days[key]
}

// AddDay adds what a line counts for its creator's day, sign times.
func (s *Sums) AddDay(c Counted, sign int64) {
	if c.Creator == 0 {
		return
	}
	day := s.Day(DayKey{c.Creator, c.Day})
	day.Units, day.Revenue, day.Commission = day.Units+sign*c.Units, day.Revenue+sign*c.Revenue, day.Commission+sign*c.Commission
}

// AddJourney shares a line among the creators of its journey, sign times: all of it to the first, and equal parts to each
// click, rounded cumulatively so that they add up.
func (s *Sums) AddJourney(j Journey, sign int64) {
	before, n := int64(0), int64(len(j.Creators))
	for i, creator := range j.Creators {
		sum := s.Day(DayKey{creator, j.Day})
		if i == 0 {
			sum.FirstLines, sum.FirstRevenue = sum.FirstLines+sign, sum.FirstRevenue+sign*j.Revenue
		}
		through := money.MulDiv(j.Revenue, int64(i)+1, n)
		sum.LinearRevenue += sign * (through - before)
		before = through
	}
}

// AddMargin adds what a line brings and costs, sign times.
func (s *Sums) AddMargin(m Margin, sign int64) {
	if m.Month == "" {
		return
	}
	if s.margins == nil {
		s.margins = map[monthKey]*month{}
	}
	key := monthKey{m.Month, m.Creator, m.Category, m.Sold}
	if s.margins[key] == nil {
		s.margins[key] = &month{}
	}
	sum := s.margins[key]
	sum.units, sum.free, sum.revenue = sum.units+sign*m.Units, sum.free+sign*m.Free, sum.revenue+sign*m.Revenue
	sum.commission, sum.promotion, sum.fee = sum.commission+sign*m.Commission, sum.promotion+sign*m.Promotion, sum.fee+sign*m.Fee
}

// AddNothing adds a line that earns nothing, sign times.
func (s *Sums) AddNothing(n Nothing, sign int64) {
	if n.Reason == "" {
		return
	}
	if s.reasons == nil {
		s.reasons = map[reasonKey]*reason{}
	}
	key := reasonKey{n.Creator, n.Month, n.Reason}
	if s.reasons[key] == nil {
		s.reasons[key] = &reason{}
	}
	s.reasons[key].lines += sign
	s.reasons[key].revenue += sign * n.Revenue
}

var (
	upsertDays = db.Bulk("BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO creator_day (market, creator, day, orders, units, revenue, commission, first_lines, first_revenue, linear_revenue)
		VALUES $ROWS ON CONFLICT (market, creator, day) DO UPDATE SET orders = creator_day.orders + excluded.orders,
			units = creator_day.units + excluded.units, revenue = creator_day.revenue + excluded.revenue,
			commission = creator_day.commission + excluded.commission, first_lines = creator_day.first_lines + excluded.first_lines,
			first_revenue = creator_day.first_revenue + excluded.first_revenue,
			linear_revenue = creator_day.linear_revenue + excluded.linear_revenue`)
	upsertMargins = db.Bulk("BIGINT TEXT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT",
		`INSERT INTO margin_month (market, month, creator, category, sold, units, free, revenue, commission, promotion, fee)
		VALUES $ROWS ON CONFLICT (market, month, creator, category, sold) DO UPDATE SET units = margin_month.units + excluded.units,
			free = margin_month.free + excluded.free, revenue = margin_month.revenue + excluded.revenue,
			commission = margin_month.commission + excluded.commission, promotion = margin_month.promotion + excluded.promotion,
			fee = margin_month.fee + excluded.fee`)
	upsertReasons = db.Bulk("BIGINT BIGINT TEXT TEXT BIGINT BIGINT",
		`INSERT INTO reason_month (market, creator, month, reason, lines, revenue)
		VALUES $ROWS ON CONFLICT (market, creator, month, reason) DO UPDATE SET lines = reason_month.lines + excluded.lines,
			revenue = reason_month.revenue + excluded.revenue`)
	selectReasons = db.Statement(`SELECT creator, month, reason, lines, revenue FROM reason_month WHERE market = $1`)
	selectDays    = db.Statement(`SELECT creator, day, orders, units, revenue, commission, first_lines, first_revenue, linear_revenue
		FROM creator_day WHERE market = $1`)
	selectMargins = db.Statement(`SELECT month, creator, category, sold, units, free, revenue, commission, promotion, fee
		FROM margin_month WHERE market = $1`)
)

// Save adds the differences to the rows of a marketplace.
func (s *Sums) Save(tx *db.Tx, lane int64) error {
	days := make([][]any, 0, len(s.days))
	for key, d := range s.days {
		if *d != (Day{}) {
			days = append(days, []any{lane, int64(key.Creator), key.Date, d.Orders, d.Units, d.Revenue, d.Commission,
				d.FirstLines, d.FirstRevenue, d.LinearRevenue})
		}
	}
	margins := make([][]any, 0, len(s.margins))
	for key, m := range s.margins {
		if *m != (month{}) {
			margins = append(margins, []any{lane, key.month, int64(key.creator), key.category, key.sold, m.units, m.free, m.revenue,
				m.commission, m.promotion, m.fee})
		}
	}
	// Sorted, so that two transactions on rows of one creator wait for each other and never in a ring.
	slices.SortFunc(days, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[1].(int64), b[1].(int64)), strings.Compare(a[2].(string), b[2].(string)))
	})
	slices.SortFunc(margins, func(a, b []any) int {
		return cmp.Or(strings.Compare(a[1].(string), b[1].(string)), cmp.Compare(a[2].(int64), b[2].(int64)),
			strings.Compare(a[3].(string), b[3].(string)), cmp.Compare(a[4].(int64), b[4].(int64)))
	})
	if _, err := tx.Bulk(upsertDays, days); err != nil {
		return fault.Wrap(err, "bringing creators' days along")
	}
	if _, err := tx.Bulk(upsertMargins, margins); err != nil {
		return fault.Wrap(err, "bringing margins along")
	}
	reasons := make([][]any, 0, len(s.reasons))
	for key, r := range s.reasons {
		if *r != (reason{}) {
			reasons = append(reasons, []any{lane, int64(key.creator), key.month, key.reason, r.lines, r.revenue})
		}
	}
	slices.SortFunc(reasons, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[1].(int64), b[1].(int64)), strings.Compare(a[2].(string), b[2].(string)), strings.Compare(a[3].(string), b[3].(string)))
	})
	_, err := tx.Bulk(upsertReasons, reasons)
	return fault.Wrap(err, "bringing reasons along")
}

// Verify compares the rows of a marketplace with what its lines add up to. It uses the sums up.
func (s *Sums) Verify(tx *db.Tx, lane int64, differ func(string)) error {
	if err := tx.Each(selectDays, func(scan func(...any) error) error {
		var key DayKey
		var creator int64
		var d Day
		if err := scan(&creator, &key.Date, &d.Orders, &d.Units, &d.Revenue, &d.Commission, &d.FirstLines, &d.FirstRevenue, &d.LinearRevenue); err != nil {
			return err
		}
		key.Creator = id.ID(creator)
		compare(key.text(), d, take(s.days, key), differ)
		return nil
	}, lane); err != nil {
		return fault.Wrap(err, "reading creators' days")
	}
	if err := tx.Each(selectMargins, func(scan func(...any) error) error {
		var key monthKey
		var creator int64
		var m month
		if err := scan(&key.month, &creator, &key.category, &key.sold, &m.units, &m.free, &m.revenue, &m.commission, &m.promotion, &m.fee); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		compare(key.text(), m, take(s.margins, key), differ)
		return nil
	}, lane); err != nil {
		return fault.Wrap(err, "reading margins")
	}
	if err := tx.Each(selectReasons, func(scan func(...any) error) error {
		var key reasonKey
		var creator int64
		var r reason
		if err := scan(&creator, &key.month, &key.reason, &r.lines, &r.revenue); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		compare(key.text(), r, take(s.reasons, key), differ)
		return nil
	}, lane); err != nil {
		return fault.Wrap(err, "reading reasons")
	}
	for key, sum := range s.reasons {
		compare(key.text(), reason{}, *sum, differ)
	}
	for key, sum := range s.days {
		compare(key.text(), Day{}, *sum, differ)
	}
	for key, sum := range s.margins {
		compare(key.text(), month{}, *sum, differ)
	}
	return nil
}

func (k DayKey) text() string { return k.Creator.Text(id.Creator) + " on " + k.Date }

func (k reasonKey) text() string {
	return fmt.Sprintf("%s of %s in %s", k.reason, k.creator.Text(id.Creator), k.month)
}

func (k monthKey) text() string {
	return fmt.Sprintf("margin of %s in %s, %s", k.category, k.month, k.creator.Text(id.Creator))
}

// take gives a sum and forgets it; zero where there is none.
func take[K comparable, V any](sums map[K]*V, key K) (sum V) {
	if kept := sums[key]; kept != nil {
		sum = *kept
	}
	delete(sums, key)
	return sum
}

func compare[V comparable](what string, kept, lines V, differ func(string)) {
	if kept != lines {
		differ(fmt.Sprintf("%s: the row says %v, and the lines add up to %v", what, kept, lines))
	}
}
