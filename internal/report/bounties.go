package report

import (
	"time"

	"tributary/internal/attribution"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// Bounty is a completed action of a creator's, as it stands. Amounts are minor units.
type Bounty struct {
	ID      string
	Action  string
	At      time.Time
	Reason  attribution.Reason
	Pending int64
	Earned  int64
	Ripe    time.Time // after which what is pending is earned; zero: nothing is
}

var selectBounties = db.Statement(`SELECT id, action, at, reason, pending, earned, ripe FROM bounty_claim
	WHERE creator = $1 AND creator <> 0 AND market = $2 ORDER BY touched DESC, id DESC LIMIT $3`)

// Bounties gives a creator's completed actions, newest change first.
func Bounties(tx *db.Tx, creator id.ID, m market.Market, limit int) (found []Bounty, err error) {
	err = tx.Each(selectBounties, func(scan func(...any) error) error {
		var b Bounty
		var at, ripe int64
		var reason string
		if err := scan(&b.ID, &b.Action, &at, &reason, &b.Pending, &b.Earned, &ripe); err != nil {
			return err
		}
		b.At, b.Ripe, b.Reason = instant(at), instant(ripe), attribution.Reason(reason)
		found = append(found, b)
		return nil
	}, int64(creator), m.Lane(), int64(limit))
	return found, fault.Wrap(err, "reading bounties")
}
