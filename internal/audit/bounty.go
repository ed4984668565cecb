package audit

import (
	"encoding/json"
	"fmt"

	"tributary/internal/bounty"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/ledger"
)

// verifyBounty takes the steps of a bounty again, from its stored facts, and compares them with what was decided and
// posted.
func verifyBounty(versions []stored, transfers []ledger.Transfer, differ func(string)) {
	c := &bounty.Claim{}
	posts := byVersion(transfers)
	for i, v := range versions {
		name := fmt.Sprintf("%s v%d", v.subject, v.version)
		var d bounty.Decision
		if err := json.Unmarshal([]byte(v.body), &d); err != nil || v.version != int64(i)+1 || d.Facts == nil && c.Facts == nil {
			differ(name + ": the decision cannot be read, or one before it is missing")
			return
		}
		if d.Facts != nil {
			c.Facts = d.Facts
		}
		if decision.BountySubject(c.Facts.Bounty) != v.subject {
			differ(name + ": its facts are of another bounty")
			return
		}
		now := clock.FromMicro(d.Now)
		open, current := decision.MonthsAt(c.Facts.Zone, c.Facts.Policy.HoldDays, now)
		step := c.Decide(now, d.Facts != nil, open, current)
		if step == nil {
			differ(name + ": nothing had changed")
			return
		}
		again, errAgain := decision.Encode(step.Decision)
		decided, errDecided := decision.Encode(d)
		if errAgain != nil || errDecided != nil || again != decided {
			got, was := step.Targets, d.Targets
			differ(fmt.Sprintf("%s: recomputed pending %d, earned %d %v (%s); decided %d, %d %v (%s)", name,
				got.Pending, got.Earned, got.Months, got.Reason, was.Pending, was.Earned, was.Months, was.Reason))
		}
		verifyLegs(name, decision.BountyLegs(c.Facts.Market, step), posts[v.version], differ)
		delete(posts, v.version)
	}
	for version := range posts {
		differ(fmt.Sprintf("%s: transfers of version %d have no decision", versions[0].subject, version))
	}
}

var selectClaims = db.Statement(`SELECT id, version, whole_version, offer, creator, program, tracking, reason, pending, earned,
	reversed, ripe, state FROM bounty_claim WHERE market = $1 AND id > $2 ORDER BY id LIMIT $3`)

// auditClaim is a claim's row as the audit compares it.
type auditClaim struct {
	id                                string
	version, whole, pending, earned   int64
	offer, creator, program, tracking int64
	reversed, ripe                    int64
	reason                            string
	state                             bounty.State
}

// verifyClaims compares every completed bounty with its newest decision, and looks for customers who are paid for twice.
func verifyClaims(tx *db.Tx, lane int64, differ func(string)) (count int, err error) {
	after := ""
	for {
		var page []auditClaim
		var subjects []any
		if err := tx.Each(selectClaims, func(scan func(...any) error) error {
			var c auditClaim
			var kept string
			if err := scan(&c.id, &c.version, &c.whole, &c.offer, &c.creator, &c.program, &c.tracking, &c.reason, &c.pending, &c.earned,
				&c.reversed, &c.ripe, &kept); err != nil {
				return err
			}
			after = c.id
			page, subjects = append(page, c), append(subjects, decision.BountySubject(c.id))
			return json.Unmarshal([]byte(kept), &page[len(page)-1].state)
		}, lane, after, int64(verifyStride)); err != nil {
			return count, fault.Wrap(err, "reading completed bounties")
		}
		if len(page) == 0 {
			return count, bounty.PaidTwice(tx, uint16(lane), func(action string, times int64) {
				differ(fmt.Sprintf("a customer is paid for %d times for %s", times, action))
			})
		}
		bodies := map[string]map[int64]bounty.Decision{}
		if err := tx.In(selectWhole, subjects, func(scan func(...any) error) error {
			var s stored
			if err := scan(&s.subject, &s.version, &s.body); err != nil {
				return err
			}
			if bodies[s.subject] == nil {
				bodies[s.subject] = map[int64]bounty.Decision{}
			}
			var d bounty.Decision
			if err := json.Unmarshal([]byte(s.body), &d); err != nil {
				return nil // said where decisions are read
			}
			bodies[s.subject][s.version] = d
			return nil
		}, lane); err != nil {
			return count, fault.Wrap(err, "reading decisions on bounties")
		}
		for _, c := range page {
			c.compare(bodies[decision.BountySubject(c.id)], differ)
		}
		count += len(page)
	}
}

func (c auditClaim) compare(decisions map[int64]bounty.Decision, differ func(string)) {
	name := decision.BountySubject(c.id)
	newest, known := decisions[c.version]
	whole := decisions[c.whole]
	if !known || len(decisions) != int(c.version) || whole.Basis == nil || whole.Facts == nil {
		differ(fmt.Sprintf("%s: the row stands at version %d of %d, and refers to version %d", name, c.version, len(decisions), c.whole))
		return
	}
	t, b, s := newest.Targets, *whole.Basis, c.state
	if c.pending != t.Pending || c.earned != t.Earned || c.reason != string(t.Reason) || s.Reason != t.Reason ||
		!s.Held.Equal(t.Posted()) {
		differ(fmt.Sprintf("%s: the row shows pending %d, earned %d (%s); decided %d, %d (%s)", name, c.pending, c.earned, c.reason,
			t.Pending, t.Earned, t.Reason))
	}
	if s.Basis != b || c.offer != int64(b.Offer) || c.creator != int64(b.Creator) || c.program != int64(b.Program) ||
		c.tracking != int64(b.Tracking) || s.Earlier != whole.Facts.Earlier || (s.Reversed == nil) != (whole.Facts.Reversed == nil) {
		differ(name + ": the row speaks of another credit than was decided")
	}
	reversed, ripe := int64(0), int64(0)
	if whole.Facts.Reversed != nil {
		reversed = whole.Facts.Reversed.At
	}
	if t.Pending != 0 {
		ripe = b.WindowEnd
	}
	if c.reversed != reversed || c.ripe != ripe {
		differ(fmt.Sprintf("%s: the row waits for %d and was reversed at %d; decided %d and %d", name, c.ripe, c.reversed, ripe, reversed))
	}
}
