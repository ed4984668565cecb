package accrual

import (
	"context"
	"maps"
	"slices"

	"tributary/internal/attribution"
	"tributary/internal/bounty"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/policy"
	"tributary/internal/sums"
)

// What an enrolment that was never approved earns is withheld line by line (docs/spec.md §9, §10): the line is decided as if
// it were approved, and a subject of its own, `hold/…`, moves what the line has earned out of its months and back.

var (
	insertWithheld = db.Bulk("BIGINT BIGINT BIGINT TEXT",
		`INSERT INTO withheld (market, creator, program, subject) VALUES $ROWS ON CONFLICT DO NOTHING`)
	deleteWithheld = db.Statement(`DELETE FROM withheld WHERE market = $1 AND creator = $2 AND program = $3 AND subject = $4`)
	selectWithheld = db.Statement(`SELECT subject FROM withheld WHERE market = $1 AND creator = $2 AND program = $3 AND subject > $4
		ORDER BY subject LIMIT $5`)
)

// readStandings brings the standings of all whom the lines and bounties that are judged may be credited to.
func (g *group) readStandings() error {
	wanted := map[id.ID]bool{}
	want := func(creator id.ID, program uint8) {
		if _, known := g.standings[enrolment.Key{Market: g.no, Creator: creator, Program: enrolment.Program(program)}]; !known && creator != 0 {
			wanted[creator] = true
		}
	}
	var touches []attribution.Touch
	for _, l := range g.dirty {
		if l.judge {
			touches = append(touches, l.facts.Touches...)
		}
		if l.settle {
			want(l.state.Basis.Creator, l.state.Basis.Program)
		}
	}
	for _, c := range g.decided {
		if c.judge && c.Facts != nil {
			touches = append(touches, c.Facts.Touches...)
		}
		if c.settle {
			want(c.Basis.Creator, c.Basis.Program)
		}
	}
	for _, t := range touches {
		want(t.Creator, t.Program)
	}
	if len(wanted) == 0 {
		return nil
	}
	found, err := enrolment.Standings(g.tx, g.no, slices.Sorted(maps.Keys(wanted)))
	maps.Copy(g.standings, found)
	return err
}

// fateOf says what becomes of what is earned in an enrolment, as it stands now.
func (g *group) fateOf(creator id.ID, program uint8) policy.Fate {
	history := g.standings[enrolment.Key{Market: g.no, Creator: creator, Program: enrolment.Program(program)}]
	state := history.At(g.now)
	return g.book.market.Admission.FateOf(history.Approved(g.now), state == enrolment.Closed || state == enrolment.Declined)
}

// hold brings what is kept apart of a line or bounty from one holding to another.
func (g *group) hold(subject string, kept *policy.Kept, before, after decision.Holding, zone string, holdDays int) error {
	kept.Fate = after.Fate
	if before.Same(after) {
		return nil
	}
	row := func(h decision.Holding) []any { return []any{g.lane(), int64(h.Creator), int64(h.Program), subject} }
	moved := before.Fate != after.Fate || before.Creator != after.Creator || before.Program != after.Program
	if moved && before.Fate == policy.Withheld {
		g.withheldGone = append(g.withheldGone, row(before))
	}
	if moved && after.Fate == policy.Withheld {
		g.withheldRows = append(g.withheldRows, row(after))
	}
	kept.Version++
	open, _ := decision.MonthsAt(zone, holdDays, g.now)
	return g.record(decision.HoldSubject(subject), kept.Version, decision.HoldOf(after, zone, holdDays, clock.Micro(g.now)),
		decision.HoldLegs(g.book.market.ID, before, after, open), g.now)
}

// holdLine follows a line that was just decided, and notes a sale of an enrolment on trial.
func (g *group) holdLine(l *line, before commission.Basis, held commission.Posted) error {
	b, was := l.state.Basis, decision.Holding{Creator: before.Creator, Program: before.Program, Fate: l.state.Kept.Fate, Months: held.Months}
	now := decision.Holding{Creator: b.Creator, Program: b.Program, Fate: was.Fate, Months: l.state.Held.Months}
	moved := b.Creator != before.Creator || b.Program != before.Program
	switch {
	case !b.Credited && len(now.Months) == 0:
		now.Fate = policy.Paid
	case moved || l.settle || !before.Credited:
		now.Fate = g.fateOf(b.Creator, b.Program)
	}
	if now.Fate == policy.Withheld && l.judge {
		g.sold[enrolment.Key{Market: g.no, Creator: b.Creator, Program: enrolment.Program(b.Program)}] = true
	}
	return g.hold(l.subject(), &l.state.Kept, was, now, b.Zone, b.HoldDays)
}

// holdClaim follows a bounty in the same way.
func (g *group) holdClaim(c *claim, before bounty.Basis, held bounty.Posted) error {
	b, was := c.Basis, decision.Holding{Creator: before.Creator, Program: before.Program, Fate: c.Kept.Fate, Months: held.Months}
	now := decision.Holding{Creator: b.Creator, Program: b.Program, Fate: was.Fate, Months: c.Held.Months}
	switch {
	case b.Creator == 0:
		now.Fate = policy.Paid
	case c.settle || b.Creator != before.Creator || b.Program != before.Program:
		now.Fate = g.fateOf(b.Creator, b.Program)
	}
	return g.hold(c.subject(), &c.Kept, was, now, b.Zone, b.HoldDays)
}

// saveHolds writes which lines and bounties are withheld, and tells enrolments on trial of their sales: whoever has enough of
// them comes under review with the order that makes it so (§9).
func (g *group) saveHolds() error {
	for _, row := range g.withheldGone {
		if _, err := g.tx.Exec(deleteWithheld, row...); err != nil {
			return fault.Wrap(err, "giving free what was withheld")
		}
	}
	if _, err := g.tx.Bulk(insertWithheld, g.withheldRows); err != nil {
		return fault.Wrap(err, "noting what is withheld")
	}
	rules := g.book.market.Admission
	for key := range g.sold {
		trial, ok := g.standings[key].Trial()
		if !ok || !trial.Open || g.now.After(trial.Until.Add(rules.Late())) {
			continue
		}
		count, err := sums.Sales(g.tx, g.lane(), key.Creator, uint8(key.Program), clock.Micro(trial.Since), clock.Micro(trial.Until), rules.Wanted())
		if err != nil {
			return err
		}
		if count >= rules.Wanted() {
			next := enrolment.Standing{Since: g.standings[key].Next(g.now), State: enrolment.UnderReview, Reason: enrolment.ReasonSales}
			if err := enrolment.Save(g.tx, key, next); err != nil {
				return err
			}
		}
	}
	return nil
}

// Settle decides anew what becomes of what an enrolment has earned and was withheld: after its approval, and after its end
// where the policy says so. It gives how many lines and bounties it changed; run again, it changes nothing.
func (a *Accrual) Settle(ctx context.Context, key enrolment.Key) (changed int, err error) {
	last := ""
	for more := true; more; {
		var count int
		next := last
		err := a.internal(ctx, db.Background, key.Market, func(g *group) error {
			var subjects []string
			if err := g.tx.Each(selectWithheld, func(scan func(...any) error) error {
				err := scan(&next)
				subjects = append(subjects, next)
				return err
			}, g.lane(), int64(key.Creator), int64(key.Program), last, int64(stride)); err != nil {
				return fault.Wrap(err, "reading what is withheld")
			}
			more = len(subjects) == stride
			if err := g.settle(subjects); err != nil {
				return err
			}
			count = len(g.withheldGone)
			return nil
		})
		if err != nil {
			return changed, err
		}
		last, changed = next, changed+count
	}
	return changed, nil
}

func (g *group) settle(subjects []string) error {
	var orders, bounties []string
	for _, subject := range subjects {
		if kind, first, _ := decision.Parts(subject); kind == "bounty" {
			bounties = append(bounties, first)
		} else {
			orders = append(orders, first)
		}
	}
	if err := g.readOrders(orders); err != nil {
		return err
	}
	if err := g.readLines(orders); err != nil {
		return err
	}
	for _, one := range orders {
		for _, l := range g.orders[one].inOrder() {
			if l.settle = slices.Contains(subjects, l.subject()); l.settle {
				g.mark(l)
			}
		}
	}
	if err := g.keep(bounty.ClaimsByID(g.tx, g.no, bounties)); err != nil {
		return err
	}
	for _, one := range bounties {
		g.claims[one].settle = true
		g.markClaim(g.claims[one], false)
	}
	if err := g.decide(); err != nil {
		return err
	}
	return g.decideBounties()
}
