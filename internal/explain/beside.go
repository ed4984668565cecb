package explain

import (
	"encoding/json"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/bounty"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// BountyRow is a completed action of a creator's, as it stands. Amounts are minor units.
type BountyRow struct {
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
func Bounties(tx *db.Tx, creator id.ID, m market.Market, limit int) (found []BountyRow, err error) {
	err = tx.Each(selectBounties, func(scan func(...any) error) error {
		var b BountyRow
		var at, ripe int64
		var reason string
		if err := scan(&b.ID, &b.Action, &at, &reason, &b.Pending, &b.Earned, &ripe); err != nil {
			return err
		}
		b.At, b.Reason = clock.FromMicro(at), attribution.Reason(reason)
		if ripe > 0 {
			b.Ripe = clock.FromMicro(ripe)
		}
		found = append(found, b)
		return nil
	}, int64(creator), m.Lane(), int64(limit))
	return found, fault.Wrap(err, "reading bounties")
}

// Beside is what a month of a creator's earned beside its lines: what volume tiers pay on top, and bounties.
type Beside struct {
	Volume   *decision.Volume // nil: nothing counted for tiers
	Bounties int64            // how many
	Earned   int64            // by them, minor units
}

var (
	selectTier = db.Statement(`SELECT body FROM decision WHERE lane = $1 AND subject = $2 ORDER BY version DESC LIMIT 1`)
	// A bounty is earned when its window ends, and its row is touched then or later.
	selectEarnedBounties = db.Statement(`SELECT state FROM bounty_claim WHERE creator = $1 AND creator <> 0 AND market = $2 AND touched >= $3 AND earned <> 0`)
)

// BesideLines reads what a month earned beside its lines.
func BesideLines(tx *db.Tx, creator id.ID, m market.Market, month market.Month) (b Beside, err error) {
	var body string
	found, err := tx.One(selectTier, []any{&body}, m.Lane(), decision.VolumeSubject(creator, m.ID, string(month)))
	if err != nil {
		return b, fault.Wrap(err, "reading the month's tier")
	}
	if found {
		b.Volume = &decision.Volume{}
		if err := json.Unmarshal([]byte(body), b.Volume); err != nil {
			return b, fault.Wrap(err, "reading the month's tier")
		}
	}
	first, err := time.ParseInLocation("2006-01", string(month), m.Location())
	if err != nil {
		return b, fault.Wrap(err, "reading a month")
	}
	err = tx.Each(selectEarnedBounties, func(scan func(...any) error) error {
		var kept string
		if err := scan(&kept); err != nil {
			return err
		}
		var s bounty.State
		if err := json.Unmarshal([]byte(kept), &s); err != nil {
			return err
		}
		if amount := s.Held.Months[string(month)]; amount != 0 {
			b.Bounties, b.Earned = b.Bounties+1, b.Earned+amount
		}
		return nil
	}, int64(creator), m.Lane(), clock.Micro(first))
	return b, fault.Wrap(err, "reading earned bounties")
}
