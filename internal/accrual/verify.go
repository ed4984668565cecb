package accrual

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/order"
)

var (
	selectDecisions = db.Statement(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject > $2 ORDER BY subject, version LIMIT $3`)
	selectTransfers = db.Statement(`SELECT subject, version, component, leg, debit, credit, amount, at FROM transfer
		WHERE lane = $1 AND subject >= $2 AND subject <= $3 ORDER BY subject, version, component, leg`)
	selectSpan = db.Statement(`SELECT order_id, line_id, at, sku, quantity, amount, digital, terms, version, whole_version, state, pending, earned, reason
		FROM line WHERE market = $1 AND (order_id > $2 OR order_id = $2 AND line_id > $3) ORDER BY order_id, line_id LIMIT $4`)
	selectDays     = db.Statement(`SELECT creator, day, orders, units, revenue, commission FROM creator_day WHERE market = $1`)
	countUndecided = db.Statement(`SELECT COUNT(*) FROM transfer WHERE lane = $1 AND NOT EXISTS (SELECT 1 FROM decision d
		WHERE d.lane = transfer.lane AND d.subject = transfer.subject AND d.version = transfer.version)`)
)

// verifyStride is how many decisions are recomputed at a time: the memory of an audit is flat.
const verifyStride = 2000

// stored is a decision as the audit reads it.
type stored struct {
	subject string
	version int64
	body    string
}

// Verified counts what an audit looked at.
type Verified struct{ Decisions, Transfers, Lines int }

// Verify recomputes every decision of a marketplace from its stored facts, and its transfers from the decision, and
// compares lines with their newest decision. It calls the same pure functions as accrual, on stored facts and nothing
// else. Differences are told in plain words.
func Verify(tx *db.Tx, lane int64, differ func(string)) (Verified, error) {
	var count Verified
	after := ""
	for {
		page, err := readDecisions(tx, lane, after)
		if err != nil {
			return count, err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].subject
		transfers, err := readTransfers(tx, lane, page[0].subject, after)
		if err != nil {
			return count, err
		}
		for start := 0; start < len(page); {
			end := start + 1
			for end < len(page) && page[end].subject == page[start].subject {
				end++
			}
			verifySubject(page[start:end], transfers[page[start].subject], differ)
			count.Transfers += len(transfers[page[start].subject])
			start = end
		}
		count.Decisions += len(page)
	}
	lines, err := verifyLines(tx, lane, differ)
	count.Lines = lines
	if err != nil {
		return count, err
	}
	var stray int64
	if _, err := tx.One(countUndecided, []any{&stray}, lane); err != nil {
		return count, err
	}
	if stray != 0 {
		differ(fmt.Sprintf("%d transfers have no decision", stray))
	}
	return count, nil
}

// readDecisions reads a page that ends with all versions of its last subject.
func readDecisions(tx *db.Tx, lane int64, after string) ([]stored, error) {
	for limit := int64(verifyStride); ; limit *= 4 {
		var page []stored
		err := tx.Each(selectDecisions, func(scan func(...any) error) error {
			var s stored
			err := scan(&s.subject, &s.version, &s.body)
			page = append(page, s)
			return err
		}, lane, after, limit)
		if err != nil {
			return nil, fault.Wrap(err, "reading decisions")
		}
		if int64(len(page)) < limit {
			return page, nil
		}
		last := page[len(page)-1].subject
		for len(page) > 0 && page[len(page)-1].subject == last {
			page = page[:len(page)-1]
		}
		if len(page) > 0 {
			return page, nil
		}
	}
}

func readTransfers(tx *db.Tx, lane int64, first, last string) (map[string][]ledger.Transfer, error) {
	found := map[string][]ledger.Transfer{}
	err := tx.Each(selectTransfers, func(scan func(...any) error) error {
		var t ledger.Transfer
		var debit, credit string
		var leg, at int64
		err := scan(&t.Subject, &t.Version, &t.Component, &leg, &debit, &credit, &t.Amount, &at)
		t.Leg, t.Debit, t.Credit, t.At = int(leg), ledger.Account(debit), ledger.Account(credit), clock.FromMicro(at)
		found[t.Subject] = append(found[t.Subject], t)
		return err
	}, lane, first, last)
	return found, fault.Wrap(err, "reading transfers")
}

func verifySubject(versions []stored, transfers []ledger.Transfer, differ func(string)) {
	if !strings.HasPrefix(versions[0].subject, "line/") {
		verifyClose(versions, transfers, differ)
		return
	}
	var facts *commission.Facts
	var basis commission.Basis
	var held commission.Posted
	whole := int64(0)
	byVersion := map[int64][]ledger.Transfer{}
	for _, t := range transfers {
		byVersion[t.Version] = append(byVersion[t.Version], t)
	}
	for i, v := range versions {
		name := fmt.Sprintf("%s v%d", v.subject, v.version)
		var d decision
		if err := json.Unmarshal([]byte(v.body), &d); err != nil {
			differ(name + ": the decision cannot be read: " + err.Error())
			return
		}
		if v.version != int64(i)+1 {
			differ(fmt.Sprintf("%s: version %d is missing", v.subject, i+1))
			return
		}
		before := basis
		if d.Facts != nil {
			facts, whole = d.Facts, v.version
			var verdict any
			basis, verdict = credit(*facts)
			if d.Basis == nil || *d.Basis != basis || !reflect.DeepEqual(verdict, *d.Verdict) {
				differ(name + ": its facts lead to another credit than was decided")
			}
		} else if facts == nil || d.Ref != whole {
			differ(fmt.Sprintf("%s: refers to version %d, and the facts in force are of version %d", name, d.Ref, whole))
			return
		}
		posted := held
		if basis.Creator != before.Creator {
			posted = commission.Posted{}
		}
		targets := commission.Settle(basis, termsOf(facts), d.Events, clock.FromMicro(d.Now), posted)
		if !sameTargets(targets, d.Targets) {
			differ(fmt.Sprintf("%s: recomputed pending %d, earned %d %v (%s); decided %d, %d %v (%s)", name, targets.Pending, targets.Earned,
				targets.Months, targets.Reason, d.Targets.Pending, d.Targets.Earned, d.Targets.Months, d.Targets.Reason))
		}
		verifyLegs(name, Transition(facts.Market, before, held, basis, d.Targets.Posted()), byVersion[v.version], differ)
		delete(byVersion, v.version)
		held = d.Targets.Posted()
	}
	for version := range byVersion {
		differ(fmt.Sprintf("%s: transfers of version %d have no decision", versions[0].subject, version))
	}
}

func credit(facts commission.Facts) (commission.Basis, any) {
	basis, verdict := commission.Credit(facts)
	return basis, verdict
}

func termsOf(f *commission.Facts) order.Terms {
	return order.Terms{Quantity: f.Quantity, Net: f.Net, Digital: f.Line.Digital, OrderedAt: f.Line.OrderedAt, DigitalMonth: f.DigitalMonth}
}

func sameTargets(a, b commission.Targets) bool {
	return a.Pending == b.Pending && a.Earned == b.Earned && a.Reason == b.Reason && a.Fold == b.Fold && maps.Equal(a.Months, b.Months)
}

func verifyLegs(name string, want []Leg, got []ledger.Transfer, differ func(string)) {
	if len(want) != len(got) {
		differ(fmt.Sprintf("%s: its decision makes %d transfers, and %d are posted", name, len(want), len(got)))
		return
	}
	for i, leg := range want {
		if got[i].Leg != i || got[i].Debit != leg.Debit || got[i].Credit != leg.Credit || got[i].Amount != leg.Amount {
			differ(fmt.Sprintf("%s leg %d: posted %d from %s to %s; its decision makes %d from %s to %s", name, i,
				got[i].Amount, got[i].Debit, got[i].Credit, leg.Amount, leg.Debit, leg.Credit))
		}
	}
}

// verifyClose compares a month's close with its transfer.
func verifyClose(versions []stored, transfers []ledger.Transfer, differ func(string)) {
	var c closing
	v := versions[0]
	if err := json.Unmarshal([]byte(v.body), &c); err != nil {
		differ(v.subject + ": the decision cannot be read: " + err.Error())
		return
	}
	sum := int64(0)
	for _, t := range transfers {
		if strings.HasSuffix(string(t.Credit), "/payable") {
			sum += t.Amount
		} else {
			sum -= t.Amount
		}
	}
	if len(versions) != 1 || sum != c.Balance {
		differ(fmt.Sprintf("%s: decided %d, posted %d, in %d versions", v.subject, c.Balance, sum, len(versions)))
	}
}

// verifyLines compares every line with its newest decision.
func verifyLines(tx *db.Tx, lane int64, differ func(string)) (count int, err error) {
	orderID, lineID := "", ""
	days := map[dayKey]*[4]int64{}
	credited := map[string]bool{} // order and creator and day: an order counts once
	for {
		page, err := readLinePage(tx, lane, &orderID, &lineID)
		if err != nil {
			return count, err
		}
		if len(page) == 0 {
			return count, verifyDays(tx, lane, days, differ)
		}
		for _, l := range page {
			l.state.Day.addTo(days, credited, l.order)
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

// addTo sums what lines add to their creators' days.
func (c counted) addTo(days map[dayKey]*[4]int64, credited map[string]bool, orderID string) {
	if c.Creator == 0 {
		return
	}
	key := dayKey{c.Creator, c.Day}
	if days[key] == nil {
		days[key] = new([4]int64)
	}
	once := fmt.Sprint(orderID, " ", key)
	if !credited[once] {
		credited[once] = true
		days[key][0]++
	}
	days[key][1] += c.Units
	days[key][2] += c.Revenue
	days[key][3] += c.Commission
}

// verifyDays compares the days that pages read with what the lines add up to.
func verifyDays(tx *db.Tx, lane int64, days map[dayKey]*[4]int64, differ func(string)) error {
	err := tx.Each(selectDays, func(scan func(...any) error) error {
		var creator int64
		var key dayKey
		var kept [4]int64
		if err := scan(&creator, &key.day, &kept[0], &kept[1], &kept[2], &kept[3]); err != nil {
			return err
		}
		key.creator = id.ID(creator)
		if sum := days[key]; sum != nil && kept != *sum || sum == nil && kept != [4]int64{} {
			differ(fmt.Sprintf("%s on %s: orders, units, revenue, commission are %v, and the lines add up to %v", key.creator.Text(id.Creator), key.day, kept, sum))
		}
		delete(days, key)
		return nil
	}, lane)
	for key, sum := range days {
		differ(fmt.Sprintf("%s on %s: no row, and the lines add up to %v", key.creator.Text(id.Creator), key.day, *sum))
	}
	return fault.Wrap(err, "reading creators' days")
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
	if l.pending != t.Pending || l.earned != t.Earned || l.reason != string(t.Reason) || l.state.Held.Total != t.Posted().Total || !maps.Equal(l.state.Held.Months, t.Months) {
		differ(fmt.Sprintf("%s: the line shows pending %d, earned %d (%s); decided %d, %d (%s)", subject, l.pending, l.earned, l.reason, t.Pending, t.Earned, t.Reason))
	}
}
