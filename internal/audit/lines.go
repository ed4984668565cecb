package audit

import (
	"encoding/json"
	"fmt"

	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/sums"
)

var (
	selectSpan = db.Statement(`SELECT order_id, line_id, at, sku, quantity, amount, digital, terms, version, whole_version, state, pending, earned, reason
		FROM line WHERE market = $1 AND (order_id > $2 OR order_id = $2 AND line_id > $3) ORDER BY order_id, line_id LIMIT $4`)
	selectAllVolumes = db.Statement(`SELECT creator, month, base FROM volume_month WHERE market = $1`)
)

// verifyLines compares every line with its newest decision.
func verifyLines(tx *db.Tx, lane int64, differ func(string)) (count int, err error) {
	orderID, lineID := "", ""
	added := added{credited: map[string]bool{}, bases: map[monthKey]int64{}}
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
	sums.Sums
	credited map[string]bool
	bases    map[monthKey]int64
}

type monthKey struct {
	creator id.ID
	month   string
}

func (a *added) line(l auditLine) {
	a.AddDay(l.state.Day, 1)
	a.AddJourney(l.state.Journey, 1)
	a.AddMargin(l.state.Margin, 1)
	a.AddNothing(l.state.Nothing, 1)
	if c := l.state.Day; c.Creator != 0 {
		key := sums.DayKey{Creator: c.Creator, Date: c.Day}
		if once := fmt.Sprint(l.order, " ", key); !a.credited[once] {
			a.credited[once] = true
			a.Day(key).Orders++
		}
	}
	for month, base := range l.state.Held.Bases {
		a.bases[monthKey{l.state.Basis.Creator, month}] += base
	}
}

// verify compares what pages read, and the bases of volume tiers, with what the lines add up to.
func (a *added) verify(tx *db.Tx, lane int64, differ func(string)) error {
	if err := a.Verify(tx, lane, differ); err != nil {
		return err
	}
	compare := func(key monthKey, kept, lines int64) {
		if kept != lines {
			differ(fmt.Sprintf("volume of %s in %s: the row says %d, and the lines add up to %d", key.creator.Text(id.Creator), key.month, kept, lines))
		}
	}
	if err := tx.Each(selectAllVolumes, func(scan func(...any) error) error {
		var key monthKey
		var creator, base int64
		if err := scan(&creator, &key.month, &base); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		compare(key, base, a.bases[key])
		delete(a.bases, key)
		return nil
	}, lane); err != nil {
		return fault.Wrap(err, "reading volume months")
	}
	for key, base := range a.bases {
		compare(key, 0, base)
	}
	return nil
}

// auditLine is a line's row as the audit compares it.
type auditLine struct {
	order           string
	terms           order.Terms
	version         int64
	state           decision.State
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
		var o decision.Ordered
		if err := json.Unmarshal([]byte(terms), &o); err != nil {
			return err
		}
		l.order, l.terms.Digital, l.terms.DigitalMonth = *orderID, digital == 1, o.Digital
		err := json.Unmarshal([]byte(kept), &l.state)
		page[decision.Subject(*orderID, *lineID)] = l
		return err
	}, lane, *orderID, *lineID, int64(verifyStride))
	return page, fault.Wrap(err, "reading lines")
}

func compareLine(subject string, l auditLine, newest stored, differ func(string)) {
	if newest.version != l.version {
		differ(fmt.Sprintf("%s: the line stands at version %d, its newest decision is %d", subject, l.version, newest.version))
		return
	}
	var d decision.Line
	if err := json.Unmarshal([]byte(newest.body), &d); err != nil {
		differ(subject + ": the decision cannot be read: " + err.Error())
		return
	}
	t := d.Targets
	if l.pending != t.Pending || l.earned != t.Earned || l.reason != string(t.Reason) || !l.state.Held.Equal(t.Posted()) {
		differ(fmt.Sprintf("%s: the line shows pending %d, earned %d (%s); decided %d, %d (%s)", subject, l.pending, l.earned, l.reason, t.Pending, t.Earned, t.Reason))
	}
}
