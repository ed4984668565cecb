package accrual

import (
	"encoding/json"
	"fmt"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/order"
)

var (
	selectSpan = db.Statement(`SELECT order_id, line_id, at, sku, quantity, amount, digital, terms, version, whole_version, state, pending, earned, reason
		FROM line WHERE market = $1 AND (order_id > $2 OR order_id = $2 AND line_id > $3) ORDER BY order_id, line_id LIMIT $4`)
	selectDays = db.Statement(`SELECT creator, day, orders, units, revenue, commission, first_lines, first_revenue, linear_revenue
		FROM creator_day WHERE market = $1`)
	selectMargins = db.Statement(`SELECT month, creator, category, sold, units, free, revenue, commission, promotion, fee
		FROM margin_month WHERE market = $1`)
	selectAllVolumes = db.Statement(`SELECT creator, month, base, extra, version FROM volume_month WHERE market = $1`)
)

// verifyLines compares every line with its newest decision.
func verifyLines(tx *db.Tx, lane int64, differ func(string)) (count int, err error) {
	orderID, lineID := "", ""
	added := added{credited: map[string]bool{}, bases: map[volumeKey]int64{}}
	added.open()
	for {
		page, err := readLinePage(tx, lane, &orderID, &lineID)
		if err != nil {
			return count, err
		}
		if len(page) == 0 {
			return count, added.verify(tx, lane, differ)
		}
		for _, l := range page {
			added.line(l)
		}
		count += len(page)
		subjects := make([]any, 0, len(page))
		for subject := range page {
			subjects = append(subjects, subject)
		}
		newest := map[string]stored{}
		if err := tx.In(selectWhole, subjects, func(scan func(...any) error) error {
			var s stored
			err := scan(&s.subject, &s.version, &s.body)
			if s.version > newest[s.subject].version {
				newest[s.subject] = s
			}
			return err
		}, lane); err != nil {
			return count, fault.Wrap(err, "reading newest decisions")
		}
		for subject, l := range page {
			compareLine(subject, l, newest[subject], differ)
		}
	}
}

// added is what all lines add up to; credited notes order, creator and day: an order counts once.
type added struct {
	sums
	credited map[string]bool
	bases    map[volumeKey]int64
}

func (a *added) line(l auditLine) {
	a.addDay(l.state.Day, 1)
	a.addJourney(l.state.Journey, 1)
	a.addMargin(l.state.Margin, 1)
	if c := l.state.Day; c.Creator != 0 {
		key := dayKey{c.Creator, c.Day}
		if once := fmt.Sprint(l.order, " ", key); !a.credited[once] {
			a.credited[once] = true
			a.day(key).orders++
		}
	}
	for month, base := range l.state.Held.Bases {
		a.bases[volumeKey{l.state.Basis.Creator, month}] += base
	}
}

// verify compares what pages read with what the lines add up to.
func (a *added) verify(tx *db.Tx, lane int64, differ func(string)) error {
	if err := tx.Each(selectDays, func(scan func(...any) error) error {
		var key dayKey
		var creator int64
		var d daySum
		if err := scan(&creator, &key.day, &d.orders, &d.units, &d.revenue, &d.commission, &d.firstLines, &d.firstRevenue, &d.linearRevenue); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		compareSum(key.creator.Text(id.Creator)+" on "+key.day, d, take(a.days, key), differ)
		return nil
	}, lane); err != nil {
		return fault.Wrap(err, "reading creators' days")
	}
	if err := tx.Each(selectMargins, func(scan func(...any) error) error {
		var key marginKey
		var creator int64
		var m marginSum
		if err := scan(&key.month, &creator, &key.category, &key.sold, &m.units, &m.free, &m.revenue, &m.commission, &m.promotion, &m.fee); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		compareSum(fmt.Sprintf("margin of %s in %s, %s", key.category, key.month, key.creator.Text(id.Creator)), m, take(a.margins, key), differ)
		return nil
	}, lane); err != nil {
		return fault.Wrap(err, "reading margins")
	}
	if err := tx.Each(selectAllVolumes, func(scan func(...any) error) error {
		var key volumeKey
		var creator int64
		var m volumeMonth
		if err := scan(&creator, &key.month, &m.base, &m.extra, &m.version); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		compareSum("volume of "+key.creator.Text(id.Creator)+" in "+key.month, m.base, a.bases[key], differ)
		delete(a.bases, key)
		return nil
	}, lane); err != nil {
		return fault.Wrap(err, "reading volume months")
	}
	for key, sum := range a.days {
		compareSum(key.creator.Text(id.Creator)+" on "+key.day, daySum{}, *sum, differ)
	}
	for key, sum := range a.margins {
		compareSum("margin of "+key.category+" in "+key.month, marginSum{}, *sum, differ)
	}
	for key, base := range a.bases {
		compareSum("volume of "+key.creator.Text(id.Creator)+" in "+key.month, 0, base, differ)
	}
	return nil
}

// take gives a sum and forgets it; zero where there is none.
func take[K comparable, V any](sums map[K]*V, key K) (sum V) {
	if kept := sums[key]; kept != nil {
		sum = *kept
	}
	delete(sums, key)
	return sum
}

func compareSum[V comparable](what string, kept, lines V, differ func(string)) {
	if kept != lines {
		differ(fmt.Sprintf("%s: the row says %v, and the lines add up to %v", what, kept, lines))
	}
}

// auditLine is a line's row as the audit compares it.
type auditLine struct {
	order           string
	terms           order.Terms
	version         int64
	state           state
	pending, earned int64
	reason          string
}

func readLinePage(tx *db.Tx, lane int64, orderID, lineID *string) (map[string]auditLine, error) {
	page := map[string]auditLine{}
	err := tx.Each(selectSpan, func(scan func(...any) error) error {
		var l auditLine
		var sku, terms, kept string
		var digital, whole int64
		if err := scan(orderID, lineID, &l.terms.OrderedAt, &sku, &l.terms.Quantity, &l.terms.Net, &digital, &terms, &l.version, &whole, &kept,
			&l.pending, &l.earned, &l.reason); err != nil {
			return err
		}
		var o ordered
		if err := json.Unmarshal([]byte(terms), &o); err != nil {
			return err
		}
		l.order, l.terms.Digital, l.terms.DigitalMonth = *orderID, digital == 1, o.Digital
		err := json.Unmarshal([]byte(kept), &l.state)
		page[Subject(*orderID, *lineID)] = l
		return err
	}, lane, *orderID, *lineID, int64(verifyStride))
	return page, fault.Wrap(err, "reading lines")
}

func compareLine(subject string, l auditLine, newest stored, differ func(string)) {
	if newest.version != l.version {
		differ(fmt.Sprintf("%s: the line stands at version %d, its newest decision is %d", subject, l.version, newest.version))
		return
	}
	var d decision
	if err := json.Unmarshal([]byte(newest.body), &d); err != nil {
		differ(subject + ": the decision cannot be read: " + err.Error())
		return
	}
	t := d.Targets
	if l.pending != t.Pending || l.earned != t.Earned || l.reason != string(t.Reason) || !l.state.Held.Equal(t.Posted()) {
		differ(fmt.Sprintf("%s: the line shows pending %d, earned %d (%s); decided %d, %d (%s)", subject, l.pending, l.earned, l.reason, t.Pending, t.Earned, t.Reason))
	}
}
