// Package audit recomputes everything that was decided from what is stored, and says in plain words what does not agree:
// every decision from its facts, every transfer from its decision, every row from its newest decision, and every sum that
// pages read from the lines. What nothing else repeats it holds against its seal (docs/decisions/sealed-rows.md).
//
// What must always hold: a value that became another one is told before it is believed; whatever stands in a row, the audit
// goes on with the next one; its memory is that of a page, of the sums that pages read, and of
// what was ever withheld.
//
// It calls the same pure functions as accrual, on stored facts and nothing else, and changes nothing. It knows what a
// sound database holds, not how a file is kept: that is for db.Check.
package audit

import (
	"fmt"
	"strings"

	"tributary/internal/attribution"
	"tributary/internal/bounty"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/decision/form"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// Verified counts what an audit looked at. Unsealed are rows of before seals were kept: nobody can say whether their
// values are those that were written. Entries are those of the audit log, which the first marketplace counts.
type Verified struct{ Decisions, Transfers, Lines, Bounties, Unsealed, Entries int }

// auditor is an audit of one marketplace.
type auditor struct {
	tx     *db.Tx
	lane   int64
	market string         // its id, as accounts name it
	known  map[int64]bool // the lanes of all marketplaces
	first  bool           // it is the first of them
	differ func(string)
	seen   Verified

	sealer  db.Sealer
	row     []any // of whatever row is looked at
	forms   *form.Reader[decision.Line]
	states  *form.Reader[decision.State]
	ordered *form.Reader[decision.Ordered]
	added   added
	keys    keyCount

	page      []stored   // decisions, by subject and version
	transfers []transfer // of the page's subjects, in the same order
	lines     []line     // rows of lines of the page, by subject
	claims    map[string]*claim

	decided, kept map[string]apart // what is kept apart, by the line or bounty: as decided, and as rows say
}

// Verify audits a marketplace, and tells each difference in plain words.
func Verify(tx *db.Tx, lane int64, differ func(string)) (Verified, error) {
	a := &auditor{tx: tx, lane: lane, differ: differ, added: newAdded(), decided: map[string]apart{}, kept: map[string]apart{},
		forms: form.New[decision.Line](policy.Policy{}, attribution.Buyer{}, (*ratecard.Rate)(nil), (*ratecard.Contract)(nil), []ratecard.Offer(nil),
			(*commission.Basis)(nil)),
		states: form.New[decision.State](commission.Basis{}), ordered: form.New[decision.Ordered]()}
	for _, step := range []func() error{a.readMarket, a.verifyDecisions, a.verifyCounts, a.verifyHolds, a.verifySealed, a.verifyKeys, a.verifySums,
		a.verifyStrays, a.verifyJournal} {
		if err := step(); err != nil {
			return a.seen, err
		}
	}
	return a.seen, nil
}

// tell tells a difference.
func (a *auditor) tell(text string, args ...any) { a.differ(fmt.Sprintf(text, args...)) }

func (a *auditor) readMarket() error {
	all, err := market.All(a.tx)
	if err != nil {
		return err
	}
	a.known = make(map[int64]bool, len(all))
	for i, m := range all {
		a.known[m.Lane()] = true
		if m.Lane() == a.lane {
			a.market, a.first = m.ID, i == 0
		}
	}
	if !a.known[a.lane] {
		return fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
	}
	return nil
}

// verifyDecisions walks over all decisions with their transfers and the rows that stand for the newest of them.
func (a *auditor) verifyDecisions() error {
	for after := ""; ; {
		last, err := a.readPage(after)
		if err != nil {
			return err
		}
		transfers, lines := a.transfers, a.lines
		for start, end := 0, 0; start < len(a.page); start = end {
			subject := a.page[start].subject
			for end = start + 1; end < len(a.page) && a.page[end].subject == subject; end++ {
			}
			own := 0
			for own < len(transfers) && transfers[own].subject <= subject {
				own++
			}
			var row *line
			for len(lines) > 0 && lines[0].subject <= subject {
				if lines[0].subject == subject {
					row = &lines[0]
				}
				lines = lines[1:]
			}
			a.verifySubject(a.page[start:end], a.ofSubject(transfers[:own], subject), row)
			transfers = transfers[own:]
		}
		a.ofSubject(transfers, "")
		if a.seen.Decisions += len(a.page); len(a.page) == 0 {
			return nil
		}
		after = last
	}
}

// ofSubject gives the transfers of a subject, which stand last, and tells of those before them, which have no decision.
func (a *auditor) ofSubject(transfers []transfer, subject string) []transfer {
	a.seen.Transfers += len(transfers)
	first := 0
	for ; first < len(transfers) && transfers[first].subject != subject; first++ {
		a.tell("%s: a transfer has no decision", transfers[first].subject)
	}
	return transfers[first:]
}

// verifySubject audits all versions of one subject. Facts with which the rules cannot be run at all are a difference like
// any other: no row may keep the audit from the next one.
func (a *auditor) verifySubject(versions []stored, posts []transfer, row *line) {
	defer func() {
		if p := recover(); p != nil {
			a.tell("%s: no rule can be run on it: %v", versions[0].subject, p)
		}
	}()
	sound := true
	for i := range versions {
		v := &versions[i]
		if v.version != int64(i)+1 {
			a.tell("%s: version %d is missing", v.subject, i+1)
			return
		}
		a.row = v.values(a.row, &a.lane)
		sound = a.sealed(a.row, v.seal, v.subject) && sound
	}
	if !sound {
		return // what is not what was written is not judged
	}
	byVersion(posts)
	kind, _, _ := strings.Cut(versions[0].subject, "/")
	switch kind {
	case "line":
		a.verifyLine(versions, posts, row)
	case "tier":
		a.verifyVolume(versions, posts)
	case "bounty":
		a.verifyBounty(versions, posts)
	case "hold":
		a.verifyHold(versions, posts)
	case "adjustment":
		a.verifyAdjustment(versions, posts)
	case "close":
		a.verifyClose(versions, posts)
	default:
		a.tell("%s: nothing of that kind is decided", versions[0].subject)
	}
}

// take gives the transfers of a version and those that are left. They come in the order of versions.
func (a *auditor) take(v *stored, posts []transfer) (own, left []transfer) {
	for len(posts) > 0 && posts[0].version < v.version {
		a.tell("%s: transfers of version %d have no decision", v.subject, posts[0].version)
		posts = posts[1:]
	}
	n := 0
	for n < len(posts) && posts[n].version == v.version {
		n++
	}
	return posts[:n], posts[n:]
}

// none tells of transfers beyond the newest version.
func (a *auditor) none(left []transfer) {
	for _, t := range left {
		a.tell("%s: transfers of version %d have no decision", t.subject, t.version)
	}
}

// verifyLegs compares the transfers of a version with those that its decision makes, effective at an instant.
func (a *auditor) verifyLegs(v *stored, at int64, want []decision.Leg, got []transfer) {
	if len(want) != len(got) {
		a.tell("%s: its decision makes %d transfers, and %d are posted", v.name(), len(want), len(got))
		return
	}
	for i, leg := range want {
		t := &got[i]
		if t.leg != int64(i) || t.component != leg.Component || t.debit != string(leg.Debit) || t.credit != string(leg.Credit) || t.amount != leg.Amount ||
			t.at != at || t.turn != v.turn {
			a.tell("%s leg %d: posted %d from %s to %s for %s, at %d in turn %d; its decision makes %d from %s to %s for %s, at %d in turn %d", v.name(), i,
				t.amount, t.debit, t.credit, t.component, t.at, t.turn, leg.Amount, leg.Debit, leg.Credit, leg.Component, at, v.turn)
		}
	}
}

var (
	countLines  = db.Statement(`SELECT COUNT(*) FROM line WHERE market = $1`)
	countClaims = db.Statement(`SELECT COUNT(*) FROM bounty_claim WHERE market = $1`)
)

// verifyCounts finds rows that no decision speaks of, and customers who are paid for twice.
func (a *auditor) verifyCounts() error {
	for _, c := range []struct {
		count *db.Stmt
		seen  int
		what  string
	}{{countLines, a.seen.Lines, "lines"}, {countClaims, a.seen.Bounties, "bounties"}} {
		var rows int64
		if _, err := a.tx.One(c.count, []any{&rows}, a.lane); err != nil {
			return fault.Wrap(err, "counting "+c.what)
		}
		if rows != int64(c.seen) {
			a.tell("there are %d rows of %s, and decisions on %d of them", rows, c.what, c.seen)
		}
	}
	return bounty.PaidTwice(a.tx, uint16(a.lane), func(action string, times int64) {
		a.tell("a customer is paid for %d times for %s", times, action)
	})
}
