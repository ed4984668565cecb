package accrual

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"tributary/internal/attribution"
	"tributary/internal/bounty"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/order"
	"tributary/internal/shopper"
)

// Bounties (docs/spec.md §7) come in the same groups as orders and are posted by the same hand. Lines know nothing of
// them; they know of orders what may have ended a session.

// bountyMark begins the name of a bounty where names of orders stand else: among the keys of shoppers, and among events
// that wait. An order's id holds no control character.
const bountyMark = "\x1f"

// claim is a completed bounty as the group holds it.
type claim struct {
	*bounty.Claim
	event   *order.Event  // a new one, as the store sent it
	shopper shopper.Facts // of a new one
	changed bool          // decided in this group
	judge   bool          // its facts are new or changed
	settle  bool          // the fate of what is withheld of it is decided anew
}

func (c *claim) subject() string { return decision.BountySubject(c.ID) }

// keep brings claims into the group; one that is in it stays as it is.
func (g *group) keep(found []*bounty.Claim, err error) error {
	for _, one := range found {
		if g.claims[one.ID] == nil {
			g.claims[one.ID] = &claim{Claim: one}
		}
	}
	return err
}

// markClaim puts a claim among those that are decided.
func (g *group) markClaim(c *claim, judge bool) {
	c.judge = c.judge || judge
	if !c.changed {
		c.changed = true
		g.decided = append(g.decided, c)
	}
}

// complete takes a bounty.completed.
func (g *group) complete(in *Incoming) (order.Answer, string) {
	e := &in.Event
	content := e.BountyContent()
	if known := g.claims[e.Bounty]; known != nil {
		if bytes.Equal(known.Content, content) {
			return order.Duplicate, ""
		}
		return order.Refused, "bounty_changed"
	}
	who := in.Facts
	if who.Known == nil {
		who = shopper.Keyed(g.a.ring, e.Shopper)
	}
	customer := who.Identity()
	if customer == nil {
		return order.Refused, "customer_not_known"
	}
	c := &claim{Claim: &bounty.Claim{ID: e.Bounty, Action: e.Action, Customer: customer, At: clock.Micro(e.OccurredAt)}, event: e, shopper: who}
	c.Content = content
	g.claims[c.ID] = c
	g.markClaim(c, true)
	// A reversal that came before. Of several the first acknowledged stands.
	waits := g.waiting[bountyMark+c.ID]
	slices.SortStableFunc(waits, acknowledged)
	for _, w := range waits {
		if c.Reversed == nil {
			c.Reversed = &bounty.Reversal{At: clock.Micro(w.Event.OccurredAt), Month: w.Month}
		}
		g.waitingGone = append(g.waitingGone, []any{g.lane(), bountyMark + c.ID, w.received, w.Event.ID})
	}
	delete(g.waiting, bountyMark+c.ID)
	return order.Accepted, ""
}

// reverse takes a bounty.reversed. What closed months hold is taken back in its booking month.
func (g *group) reverse(e *order.Event) (order.Answer, string) {
	c := g.claims[e.Bounty]
	switch {
	case c == nil:
		g.wait(bountyMark+e.Bounty, e)
		return order.Waiting, "bounty_not_known"
	case c.Reversed != nil:
		return order.Duplicate, ""
	}
	c.Reversed = &bounty.Reversal{At: clock.Micro(e.OccurredAt), Month: g.booking(e.OccurredAt)}
	g.markClaim(c, true)
	return order.Accepted, ""
}

// fixed tells whether a closed month holds part of a claim.
func (g *group) fixed(c *claim) bool {
	open, _ := decision.MonthsAt(c.Basis.Zone, c.Basis.HoldDays, g.now)
	return c.Held.Fixed(open)
}

// decideBounties brings every bounty that the group touched to its targets.
func (g *group) decideBounties() error {
	if len(g.decided) == 0 && len(g.nearby) == 0 {
		return nil
	}
	if err := g.gatherBounties(); err != nil {
		return err
	}
	if err := g.readStandings(); err != nil {
		return err
	}
	slices.SortFunc(g.decided, func(a, b *claim) int { return strings.Compare(a.ID, b.ID) })
	for _, c := range g.decided {
		if err := g.decideClaim(c); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) decideClaim(c *claim) error {
	zone, holdDays := c.Basis.Zone, c.Basis.HoldDays
	if c.judge {
		zone, holdDays = c.Facts.Zone, c.Facts.Policy.HoldDays
	}
	open, current := decision.MonthsAt(zone, holdDays, g.now)
	before, held := c.Basis, c.Held
	step := c.Decide(g.now, c.judge, open, current)
	if err := g.holdClaim(c, before, held); err != nil {
		return err
	}
	if step == nil {
		return nil
	}
	if err := g.record(c.subject(), c.Version, step.Decision, decision.BountyLegs(g.book.market.ID, step), g.now); err != nil {
		return err
	}
	g.tellBounty(c, step)
	return nil
}

// tellBounty announces what changed, to the creator and, where the credit moved, to the one who had it.
func (g *group) tellBounty(c *claim, s *bounty.Step) {
	had, has := s.From.Total, s.To.Total
	if s.Before.Creator != s.After.Creator {
		if had != 0 {
			g.notes = append(g.notes, note{"commission.reversed", int64(s.Before.Creator), decision.BountyNote{Bounty: c.ID, Action: c.Action, Version: c.Version, Reason: s.Targets.Reason}})
		}
		had = 0
	}
	topic := ""
	switch {
	case has == 0 && had != 0:
		topic = "commission.reversed"
	case s.Targets.Earned != 0:
		topic = "commission.earned"
	case has != had:
		topic = "commission.pending"
	default:
		return // it earns nothing, as before
	}
	g.notes = append(g.notes, note{topic, int64(s.After.Creator), decision.BountyNote{Bounty: c.ID, Action: c.Action, Version: c.Version,
		Pending: s.Targets.Pending, Earned: s.Targets.Earned, Reason: s.Targets.Reason}})
}

// saveBounties writes the claims that the group decided.
func (g *group) saveBounties() error {
	claims := make([]*bounty.Claim, len(g.decided))
	for i, c := range g.decided {
		claims[i] = c.Claim
	}
	return bounty.SaveClaims(g.tx, g.no, claims, g.now)
}

// Ripen posts bounties whose window has passed: the clock decides it, whether or not this has run. It gives how many.
func (a *Accrual) Ripen(ctx context.Context, marketplace uint16) (earned int, err error) {
	for posted := stride; posted == stride; earned += posted {
		if err := a.internal(ctx, db.Background, marketplace, func(g *group) error {
			ripe, err := bounty.Ripe(g.tx, g.no, g.now, stride)
			if err := g.keep(ripe, err); err != nil {
				return err
			}
			for _, one := range ripe {
				g.markClaim(g.claims[one.ID], false)
			}
			posted = len(ripe)
			return g.decideBounties()
		}); err != nil {
			return earned, err
		}
	}
	return earned, nil
}

// spoilClaims marks the touches of bounties whose clicks were found invalid, and decides these again.
func (g *group) spoilClaims(ids []string, rules map[int64]string) (changed int, err error) {
	if err := g.keep(bounty.ClaimsByID(g.tx, g.no, ids)); err != nil {
		return 0, err
	}
	var open []*claim
	for _, one := range ids {
		if c := g.claims[one]; c != nil && !g.fixed(c) {
			open = append(open, c)
		}
	}
	if err := g.readClaimFacts(open); err != nil {
		return 0, err
	}
	for _, c := range open {
		if attribution.Spoil(c.Facts.Touches, rules) {
			changed++
			g.markClaim(c, true)
		}
	}
	return changed, g.decideBounties()
}

// readClaimFacts brings the facts of decided claims, for deciding them again.
func (g *group) readClaimFacts(claims []*claim) error {
	wanted := map[string]*claim{}
	var keys []any
	for _, c := range claims {
		if c.Facts == nil && c.Whole > 0 {
			wanted[c.subject()] = c
			keys = append(keys, c.subject())
		}
	}
	return fault.Wrap(g.tx.In(selectWhole, keys, func(scan func(...any) error) error {
		var subject, body string
		var version int64
		if err := scan(&subject, &version, &body); err != nil {
			return err
		}
		c := wanted[subject]
		if c == nil || version != c.Whole {
			return nil
		}
		var d bounty.Decision
		err := json.Unmarshal([]byte(body), &d)
		c.Facts = d.Facts
		return err
	}, g.lane()), "reading decisions on bounties")
}
