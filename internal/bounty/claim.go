package bounty

import (
	"encoding/json"
	"sort"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/policy"
)

// Claim is a completed action as it stands: a row, by the store's own id of it.
type Claim struct {
	ID       string
	Action   string
	Customer []byte // the customer's key: one is paid for once per action
	At       int64  // microseconds
	Version  int64  // of its newest decision
	Whole    int64  // the newest one that carries whole facts
	State
	Facts   *Facts // only where it is decided
	Targets Targets
}

// State is what the row keeps beside its columns, so that the clock needs no other row.
type State struct {
	Basis    Basis              `json:"b"`
	Held     Posted             `json:"h"`
	Reason   attribution.Reason `json:"r,omitempty"`
	Reversed *Reversal          `json:"x,omitempty"`
	Earlier  string             `json:"y,omitempty"` // the completion that stands before it, as in its facts
	Keys     [][]byte           `json:"k,omitempty"` // of the shopper: under which orders know them
	Content  []byte             `json:"n"`           // tells whether it is sent again with other content
	Kept     policy.Kept        `json:"w,omitzero"`  // what is kept apart of what it has earned
}

// Decision is the stored form of what was decided: whole, or a reference to the version whose facts still hold.
type Decision struct {
	Facts   *Facts               `json:"facts,omitempty"`
	Ref     int64                `json:"ref,omitempty"`
	Verdict *attribution.Verdict `json:"verdict,omitempty"`
	Basis   *Basis               `json:"basis,omitempty"`
	Now     int64                `json:"now"`
	Targets Targets              `json:"targets"`
}

// Step is a new version of a claim: its decision, and from where to where the ledger goes.
type Step struct {
	Decision
	Before, After Basis
	From, To      Posted
}

// Decide brings the claim to its targets as of an instant: whole where its facts are new or changed. Nil where nothing
// is different. The audit runs the same function over what is stored.
func (c *Claim) Decide(now time.Time, whole bool, open func(month string) bool, current string) *Step {
	s := Step{Before: c.Basis, From: c.Held, Decision: Decision{Now: now.UnixMicro(), Ref: c.Whole}}
	was := c.Reason
	if whole {
		basis, verdict := Decide(*c.Facts)
		c.Basis = basis
		s.Facts, s.Basis, s.Verdict, s.Ref = c.Facts, &basis, &verdict, 0
	}
	held := c.Held
	if c.Basis.Creator != s.Before.Creator {
		held = Posted{} // the credit has moved: the present creator holds nothing of it yet
	}
	c.Targets = Settle(c.Basis, now, open, current, held)
	c.Held, c.Reason = c.Targets.Posted(), c.Targets.Reason
	s.After, s.To, s.Targets = c.Basis, c.Held, c.Targets
	if c.Version > 0 && !whole && s.From.Equal(s.To) && was == c.Reason {
		return nil
	}
	c.Version++
	if whole {
		c.Whole = c.Version
	}
	return &s
}

// Completion is what Earlier asks about it.
func (c *Claim) Completion(fixed bool) Completion {
	return Completion{ID: c.ID, At: c.At, Reversed: c.Reversed != nil, Fixed: fixed}
}

// waits is the instant after which the clock decides about it; 0: it does not.
func (c *Claim) waits() int64 {
	if c.Targets.Pending == 0 {
		return 0
	}
	return c.Basis.WindowEnd
}

const claimColumns = `SELECT id, action, customer, at, version, whole_version, pending, earned, state FROM bounty_claim `

var (
	claimsByID       = db.In(claimColumns + `WHERE market = $1 AND id IN ($LIST)`)
	claimsByCustomer = db.In(claimColumns + `WHERE market = $1 AND customer IN ($LIST)`)
	claimsRipe       = db.Statement(claimColumns + `WHERE market = $1 AND ripe > 0 AND ripe < $2 ORDER BY ripe, id LIMIT $3`)
	claimsAfter      = db.Statement(claimColumns + `WHERE market = $1 AND id > $2 ORDER BY id LIMIT $3`)
	upsertClaims     = db.Bulk("BIGINT TEXT TEXT BYTEA BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT TEXT BIGINT SEAL",
		`INSERT INTO bounty_claim (market, id, action, customer, at, version, whole_version, offer, creator, program, tracking,
			reason, pending, earned, reversed, ripe, state, touched, seal) VALUES $ROWS
		ON CONFLICT (market, id) DO UPDATE SET version = excluded.version, whole_version = excluded.whole_version, offer = excluded.offer,
			creator = excluded.creator, program = excluded.program, tracking = excluded.tracking, reason = excluded.reason,
			pending = excluded.pending, earned = excluded.earned, reversed = excluded.reversed, ripe = excluded.ripe,
			state = excluded.state, touched = excluded.touched, seal = excluded.seal`)
	selectPaidTwice = db.Statement(`SELECT action, customer, COUNT(*) FROM bounty_claim WHERE market = $1 AND pending + earned > 0
		GROUP BY action, customer HAVING COUNT(*) > 1`)
)

// ClaimsByID finds claims; those that do not exist are left out.
func ClaimsByID(tx *db.Tx, market uint16, ids []string) ([]*Claim, error) {
	keys := make([]any, len(ids))
	for i, one := range ids {
		keys[i] = one
	}
	return readClaims(func(row func(scan func(...any) error) error) error {
		return tx.In(claimsByID, keys, row, int64(market))
	})
}

// ClaimsOf finds all claims of customers, whatever the action.
func ClaimsOf(tx *db.Tx, market uint16, customers [][]byte) ([]*Claim, error) {
	keys := make([]any, len(customers))
	for i, one := range customers {
		keys[i] = one
	}
	return readClaims(func(row func(scan func(...any) error) error) error {
		return tx.In(claimsByCustomer, keys, row, int64(market))
	})
}

// Ripe finds pending claims whose window is over at an instant.
func Ripe(tx *db.Tx, market uint16, now time.Time, limit int) ([]*Claim, error) {
	return readClaims(func(row func(scan func(...any) error) error) error {
		return tx.Each(claimsRipe, row, int64(market), now.UnixMicro(), int64(limit))
	})
}

// ClaimsAfter reads a page of all claims, by id.
func ClaimsAfter(tx *db.Tx, market uint16, after string, limit int) ([]*Claim, error) {
	return readClaims(func(row func(scan func(...any) error) error) error {
		return tx.Each(claimsAfter, row, int64(market), after, int64(limit))
	})
}

func readClaims(each func(row func(scan func(...any) error) error) error) (claims []*Claim, err error) {
	err = each(func(scan func(...any) error) error {
		c := &Claim{}
		var state string
		if err := scan(&c.ID, &c.Action, &c.Customer, &c.At, &c.Version, &c.Whole, &c.Targets.Pending, &c.Targets.Earned,
			&state); err != nil {
			return err
		}
		claims = append(claims, c)
		err := json.Unmarshal([]byte(state), &c.State)
		c.Targets.Months, c.Targets.Reason = c.Held.Months, c.State.Reason
		return err
	})
	return claims, fault.Wrap(err, "reading completed bounties")
}

// SaveClaims writes claims that were decided.
func SaveClaims(tx *db.Tx, market uint16, claims []*Claim, now time.Time) error {
	rows := make([][]any, len(claims))
	for i, c := range claims {
		state, err := json.Marshal(c.State)
		if err != nil {
			return err
		}
		reversed := int64(0)
		if c.Reversed != nil {
			reversed = c.Reversed.At
		}
		b := c.Basis
		rows[i] = []any{int64(market), c.ID, c.Action, c.Customer, c.At, c.Version, c.Whole, int64(b.Offer), int64(b.Creator),
			int64(b.Program), int64(b.Tracking), string(c.State.Reason), c.Targets.Pending, c.Targets.Earned, reversed, c.waits(), string(state), now.UnixMicro()}
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][1].(string) < rows[j][1].(string) })
	_, err := tx.Bulk(upsertClaims, rows)
	return fault.Wrap(err, "saving completed bounties")
}

// PaidTwice tells of customers who are paid for twice for one action: none, whatever happens.
func PaidTwice(tx *db.Tx, market uint16, found func(action string, times int64)) error {
	err := tx.Each(selectPaidTwice, func(scan func(...any) error) error {
		var action string
		var customer []byte
		var times int64
		err := scan(&action, &customer, &times)
		found(action, times)
		return err
	}, int64(market))
	return fault.Wrap(err, "looking for customers paid for twice")
}
