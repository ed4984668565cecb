package audit

import (
	"encoding/json"
	"strings"

	"tributary/internal/bounty"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
)

var selectClaims = db.In(`SELECT market, id, action, customer, at, version, whole_version, offer, creator, program, tracking, reason, pending, earned,
	reversed, ripe, state, touched, seal FROM bounty_claim WHERE market = $1 AND id IN ($LIST)`)

// claim is a completed bounty's row as the audit reads it.
type claim struct {
	market, at, version, whole        int64
	id, action, reason, state         string
	customer                          []byte
	offer, creator, program, tracking int64
	pending, earned, reversed, ripe   int64
	touched, seal                     int64
}

func (c *claim) values(into []any) []any {
	return append(into[:0], &c.market, &c.id, &c.action, &c.customer, &c.at, &c.version, &c.whole, &c.offer, &c.creator, &c.program, &c.tracking,
		&c.reason, &c.pending, &c.earned, &c.reversed, &c.ripe, &c.state, &c.touched)
}

// readClaims reads the rows of the bounties of the page.
func (a *auditor) readClaims() error {
	var ids []any
	for i := range a.page {
		if v := &a.page[i]; v.version == 1 && strings.HasPrefix(v.subject, "bounty/") {
			ids = append(ids, subjectPart.Replace(strings.TrimPrefix(v.subject, "bounty/")))
		}
	}
	a.claims = map[string]*claim{}
	return fault.Wrap(a.tx.In(selectClaims, ids, func(scan func(...any) error) error {
		c := &claim{}
		a.row = append(c.values(a.row), &c.seal)
		err := scan(a.row...)
		a.claims[decision.BountySubject(c.id)] = c
		return err
	}, a.lane), "reading completed bounties")
}

// verifyBounty takes the steps of a bounty again, from its stored facts, and compares them with what was decided, with what
// was posted, and with its row.
func (a *auditor) verifyBounty(versions []stored, posts []transfer) {
	c := &bounty.Claim{}
	for i := range versions {
		v := &versions[i]
		var d bounty.Decision
		if err := json.Unmarshal([]byte(v.body), &d); err != nil || d.Facts == nil && c.Facts == nil || d.Now != v.at {
			a.tell("%s: the decision cannot be read, or one before it is missing", v.name())
			return
		}
		if d.Facts != nil {
			c.Facts = d.Facts
		}
		if decision.BountySubject(c.Facts.Bounty) != v.subject || c.Facts.Market != a.market {
			a.tell("%s: its facts are of another bounty", v.name())
			return
		}
		now := clock.FromMicro(d.Now)
		open, current := decision.MonthsAt(c.Facts.Zone, c.Facts.Policy.HoldDays, now)
		step := c.Decide(now, d.Facts != nil, open, current)
		if step == nil {
			a.tell("%s: nothing had changed", v.name())
			return
		}
		again, errAgain := decision.Encode(step.Decision)
		decided, errDecided := decision.Encode(d)
		if errAgain != nil || errDecided != nil || again != decided {
			got, was := step.Targets, d.Targets
			a.tell("%s: recomputed pending %d, earned %d %v (%s); decided %d, %d %v (%s)", v.name(),
				got.Pending, got.Earned, got.Months, got.Reason, was.Pending, was.Earned, was.Months, was.Reason)
		}
		var own []transfer
		own, posts = a.take(v, posts)
		a.verifyLegs(v, v.at, decision.BountyLegs(a.market, step), own)
	}
	a.none(posts)
	row := a.claims[versions[0].subject]
	if row == nil {
		a.tell("%s: its row is missing", versions[0].subject)
		return
	}
	a.seen.Bounties++
	if a.row = row.values(a.row); a.sealed(a.row, row.seal, "the row of "+versions[0].subject) {
		a.compareClaim(row, c)
	}
}

// compareClaim compares a bounty's row with its facts and its newest decision.
func (a *auditor) compareClaim(row *claim, c *bounty.Claim) {
	name := decision.BountySubject(row.id)
	var s bounty.State
	if err := json.Unmarshal([]byte(row.state), &s); err != nil {
		a.tell("%s: the row's state cannot be read: %v", name, err)
		return
	}
	a.rowKeeps(name, s.Kept, s.Basis.Creator, s.Basis.Program, s.Held.Months)
	for _, key := range s.Keys {
		a.keys.expect(key, row.at, bountyMark+row.id)
	}
	if row.version != c.Version || row.whole != c.Whole {
		a.tell("%s: the row stands at versions %d and %d; decided are %d and %d", name, row.version, row.whole, c.Version, c.Whole)
		return
	}
	f, b, t := c.Facts, &c.Basis, &c.Targets
	if row.action != f.Action || row.at != f.At {
		a.tell("%s: the row was completed otherwise than its facts", name)
	}
	if row.pending != t.Pending || row.earned != t.Earned || row.reason != string(t.Reason) || s.Reason != t.Reason || !s.Held.Equal(t.Posted()) {
		a.tell("%s: the row shows pending %d, earned %d (%s); decided %d, %d (%s)", name, row.pending, row.earned, row.reason,
			t.Pending, t.Earned, t.Reason)
	}
	if s.Basis != *b || row.offer != int64(b.Offer) || row.creator != int64(b.Creator) || row.program != int64(b.Program) ||
		row.tracking != int64(b.Tracking) || s.Earlier != f.Earlier || (s.Reversed == nil) != (f.Reversed == nil) {
		a.tell("%s: the row speaks of another credit than was decided", name)
	}
	reversed, ripe := int64(0), int64(0)
	if f.Reversed != nil {
		reversed = f.Reversed.At
	}
	if t.Pending != 0 {
		ripe = b.WindowEnd
	}
	if row.reversed != reversed || row.ripe != ripe {
		a.tell("%s: the row waits for %d and was reversed at %d; decided %d and %d", name, row.ripe, row.reversed, ripe, reversed)
	}
}
