// Package policy holds the operator's numbers for one marketplace (docs/spec.md: everything marked policy) and judges
// facts that it is given. It looks nothing up. A policy is a value: it is stored with the marketplace, and a decision
// keeps the one that it was made under.
package policy

import (
	"time"

	"tributary/internal/fault"
)

// Policy is what an operator may set. Shipped gives the numbers that the product comes with.
type Policy struct {
	SessionHours int  `json:"session_hours"` // §5.2: a click opens a session of this length
	CartDays     int  `json:"cart_days"`     // §5.3: a line added in the session may be ordered this many × 24 h after the click
	LapseDays    int  `json:"lapse_days"`    // §5.9: units not shipped after this many × 24 h count as cancelled
	AwaitPayment bool `json:"await_payment"` // §5.9: an order counts from order.paid
	PaidEarns    bool `json:"paid_earns"`    // §5.10: whether paid traffic earns
	ResaleUnits  int  `json:"resale_units"`  // §5.8: more units of one sku in ResaleDays are resale; 0 turns the rule off
	ResaleDays   int  `json:"resale_days"`
	BusinessOut  bool `json:"business_out"` // §5.8: a business account's lines are resale
	HoldDays     int  `json:"hold_days"`    // §10: a month is payable this many days after its last day
}

// Shipped is the policy the product comes with.
func Shipped() Policy {
	return Policy{SessionHours: 24, CartDays: 89, LapseDays: 180, ResaleUnits: 10, ResaleDays: 30, HoldDays: 60}
}

// Session is the length of a session.
func (p Policy) Session() time.Duration { return time.Duration(p.SessionHours) * time.Hour }

// Cart is how long after its click a line that was added in the session may be ordered.
func (p Policy) Cart() time.Duration { return time.Duration(p.CartDays) * 24 * time.Hour }

// Lapse is how long after the order units may be shipped.
func (p Policy) Lapse() time.Duration { return time.Duration(p.LapseDays) * 24 * time.Hour }

// ResaleWindow is the span in which units of one sku are counted.
func (p Policy) ResaleWindow() time.Duration { return time.Duration(p.ResaleDays) * 24 * time.Hour }

// Check refuses numbers with which the rules make no sense.
func (p Policy) Check() error {
	for _, bound := range []struct {
		field       string
		value, most int
		least       int
	}{
		{"session_hours", p.SessionHours, 24 * 30, 1}, {"cart_days", p.CartDays, 365, 1}, {"lapse_days", p.LapseDays, 3650, 1},
		{"resale_units", p.ResaleUnits, 1_000_000, 0}, {"resale_days", p.ResaleDays, 365, 1}, {"hold_days", p.HoldDays, 365, 1},
	} {
		if bound.value < bound.least || bound.value > bound.most {
			return fault.Invalidf("policy."+bound.field, "is %d, and may be %d to %d", "set a number within these", bound.value, bound.least, bound.most)
		}
	}
	return nil
}
