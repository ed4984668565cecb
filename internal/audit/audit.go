// Package audit recomputes everything that was decided from what is stored, and says in plain words what does not agree:
// every decision from its facts, every transfer from its decision, every line from its newest decision, and every sum that
// pages read from the lines.
//
// It calls the same pure functions as accrual, on stored facts and nothing else, and changes nothing.
package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/ratecard"
)

var (
	selectDecisions = db.Statement(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject > $2 ORDER BY subject, version LIMIT $3`)
	selectWhole     = db.In(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject IN ($LIST)`)
	selectTransfers = db.Statement(`SELECT subject, version, component, leg, debit, credit, amount, at FROM transfer
		WHERE lane = $1 AND subject >= $2 AND subject <= $3 ORDER BY subject, version, component, leg`)
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
type Verified struct{ Decisions, Transfers, Lines, Bounties int }

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
	if count.Bounties, err = verifyClaims(tx, lane, differ); err != nil {
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
	kind, _, _ := strings.Cut(versions[0].subject, "/")
	switch kind {
	case "line":
		verifyLine(versions, transfers, differ)
	case "tier":
		verifyVolume(versions, transfers, differ)
	case "bounty":
		verifyBounty(versions, transfers, differ)
	case "adjustment":
		verifyAdjustment(versions, transfers, differ)
	default:
		verifyClose(versions, transfers, differ)
	}
}

// byVersion sorts a subject's transfers by the version that made them, each in the order of its legs.
func byVersion(transfers []ledger.Transfer) map[int64][]ledger.Transfer {
	sorted := map[int64][]ledger.Transfer{}
	for _, t := range transfers {
		sorted[t.Version] = append(sorted[t.Version], t)
	}
	for _, one := range sorted {
		slices.SortFunc(one, func(a, b ledger.Transfer) int { return a.Leg - b.Leg })
	}
	return sorted
}

func verifyLine(versions []stored, transfers []ledger.Transfer, differ func(string)) {
	var facts *commission.Facts
	var basis commission.Basis
	var held commission.Posted
	whole := int64(0)
	posts := byVersion(transfers)
	for i, v := range versions {
		name := fmt.Sprintf("%s v%d", v.subject, v.version)
		var d decision.Line
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
		targets := commission.Settle(basis, decision.Terms(facts), d.Events, clock.FromMicro(d.Now), posted)
		if !sameTargets(targets, d.Targets) {
			differ(fmt.Sprintf("%s: recomputed pending %d, earned %d %v (%s); decided %d, %d %v (%s)", name, targets.Pending, targets.Earned,
				targets.Months, targets.Reason, d.Targets.Pending, d.Targets.Earned, d.Targets.Months, d.Targets.Reason))
		}
		verifyLegs(name, decision.Transition(facts.Market, before, held, basis, d.Targets.Posted()), posts[v.version], differ)
		delete(posts, v.version)
		held = d.Targets.Posted()
	}
	for version := range posts {
		differ(fmt.Sprintf("%s: transfers of version %d have no decision", versions[0].subject, version))
	}
}

func credit(facts commission.Facts) (commission.Basis, any) {
	basis, verdict := commission.Credit(facts)
	return basis, verdict
}

func sameTargets(a, b commission.Targets) bool {
	return a.Pending == b.Pending && a.Earned == b.Earned && a.Reason == b.Reason && a.Fold == b.Fold && a.Posted().Equal(b.Posted()) &&
		a.PromoPending == b.PromoPending
}

func verifyLegs(name string, want []decision.Leg, got []ledger.Transfer, differ func(string)) {
	if len(want) != len(got) {
		differ(fmt.Sprintf("%s: its decision makes %d transfers, and %d are posted", name, len(want), len(got)))
		return
	}
	for i, leg := range want {
		if got[i].Leg != i || got[i].Component != leg.Component || got[i].Debit != leg.Debit || got[i].Credit != leg.Credit || got[i].Amount != leg.Amount {
			differ(fmt.Sprintf("%s leg %d: posted %d from %s to %s; its decision makes %d from %s to %s", name, i,
				got[i].Amount, got[i].Debit, got[i].Credit, leg.Amount, leg.Debit, leg.Credit))
		}
	}
}

// verifyVolume recomputes what a month earned on top from its base and its bands.
func verifyVolume(versions []stored, transfers []ledger.Transfer, differ func(string)) {
	posts, held := byVersion(transfers), int64(0)
	for i, v := range versions {
		name := fmt.Sprintf("%s v%d", v.subject, v.version)
		var d decision.Volume
		if err := json.Unmarshal([]byte(v.body), &d); err != nil || v.version != int64(i)+1 {
			differ(name + ": the decision cannot be read, or one before it is missing")
			return
		}
		parts := strings.Split(v.subject, "/") // tier/{creator}/{marketplace}/{month}
		creator, err := id.Parse("creator", id.Creator, d.Creator)
		if err != nil || len(parts) != 4 || parts[1] != d.Creator || parts[3] != d.Month {
			differ(name + ": the decision speaks of another month")
			return
		}
		if extra := (ratecard.Volume{Bands: d.Bands}).Extra(d.Base); len(d.Bands) > 0 && extra != d.Extra {
			differ(fmt.Sprintf("%s: its bands give %d, decided %d", name, extra, d.Extra))
		}
		verifyLegs(name, decision.VolumeLegs(creator, parts[2], d.Month, d.Extra-held), posts[v.version], differ)
		delete(posts, v.version)
		held = d.Extra
	}
	for version := range posts {
		differ(fmt.Sprintf("%s: transfers of version %d have no decision", versions[0].subject, version))
	}
}

func verifyAdjustment(versions []stored, transfers []ledger.Transfer, differ func(string)) {
	v := versions[0]
	var adj decision.Adjustment
	if err := json.Unmarshal([]byte(v.body), &adj); err != nil || len(versions) != 1 || v.subject != decision.AdjustmentSubject(adj.ID) {
		differ(v.subject + ": the decision cannot be read, or there are several")
		return
	}
	if len(transfers) == 0 {
		differ(v.subject + ": nothing is posted")
		return
	}
	// The marketplace is not among the facts: the account that was posted names it.
	parts := strings.Split(string(transfers[0].Debit)+"/"+string(transfers[0].Credit), "/")
	marketplace := ""
	for i, part := range parts {
		if part == "operator" && i+1 < len(parts) {
			marketplace = parts[i+1]
		}
	}
	verifyLegs(v.subject, adj.Legs(marketplace), transfers, differ)
}

// verifyClose compares a month's close with its transfer.
func verifyClose(versions []stored, transfers []ledger.Transfer, differ func(string)) {
	var c decision.Close
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
