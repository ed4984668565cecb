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

	// What came later means what is shipped where it is zero, so that a marketplace of before keeps its rules.
	ViewSeconds  int    `json:"view_seconds,omitempty"`  // §5.5: a video counts as seen after this long; 0: 5
	ViewScope    Scope  `json:"view_scope,omitempty"`    // §5.5: what a view competes for; empty: product
	CouponsFirst bool   `json:"coupons_first,omitempty"` // §5.6: a coupon comes before clicks and views
	RateAt       RateAt `json:"rate_at,omitempty"`       // §7: which instant's card applies; empty: that of the order
	NoticeDays   int    `json:"notice_days,omitempty"`   // §7: a cut is published this many × 24 h ahead; 0: 14
	BountyDays   int    `json:"bounty_days,omitempty"`   // §7: validation window of a bounty; 0: 14
	AdjustLimit  int64  `json:"adjust_limit,omitempty"`  // minor units; an adjustment beyond it takes a second person; 0: 100.00
}

// Scope is what a view of an onsite video competes for.
type Scope string

// The scopes: the product that was shown, its variations, its category.
const (
	ScopeProduct   Scope = "product"
	ScopeVariation Scope = "variation"
	ScopeCategory  Scope = "category"
)

// RateAt names the instant whose card applies.
type RateAt string

// The instants.
const (
	AtOrder    RateAt = "order"
	AtClick    RateAt = "click"
	AtShipment RateAt = "shipment" // the first shipment of the line; until then the order's card
)

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

// View is how many seconds of a video count as a view.
func (p Policy) View() int64 { return int64(orElse(p.ViewSeconds, 5)) }

// Notice is how many days ahead a cut is published.
func (p Policy) Notice() int { return orElse(p.NoticeDays, 14) }

// BountyWindow is how long a completed bounty is validated before it is earned.
func (p Policy) BountyWindow() time.Duration {
	return time.Duration(orElse(p.BountyDays, 14)) * 24 * time.Hour
}

// AdjustmentLimit is the amount, in minor units, up to which one person may adjust.
func (p Policy) AdjustmentLimit() int64 {
	if p.AdjustLimit == 0 {
		return 10_000
	}
	return p.AdjustLimit
}

func orElse(value, shipped int) int {
	if value == 0 {
		return shipped
	}
	return value
}

// Check refuses numbers with which the rules make no sense.
func (p Policy) Check() error {
	for _, bound := range []struct {
		field       string
		value, most int
		least       int
	}{
		{"session_hours", p.SessionHours, 24 * 30, 1}, {"cart_days", p.CartDays, 365, 1}, {"lapse_days", p.LapseDays, 3650, 1},
		{"resale_units", p.ResaleUnits, 1_000_000, 0}, {"resale_days", p.ResaleDays, 365, 1}, {"hold_days", p.HoldDays, 365, 1},
		{"view_seconds", p.ViewSeconds, 120, 0}, {"notice_days", p.NoticeDays, 365, 0}, {"bounty_days", p.BountyDays, 365, 0},
	} {
		if bound.value < bound.least || bound.value > bound.most {
			return fault.Invalidf("policy."+bound.field, "is %d, and may be %d to %d", "set a number within these", bound.value, bound.least, bound.most)
		}
	}
	switch p.ViewScope {
	case "", ScopeProduct, ScopeVariation, ScopeCategory:
	default:
		return fault.Invalidf("policy.view_scope", "is %q", "write product, variation or category", p.ViewScope)
	}
	switch p.RateAt {
	case "", AtOrder, AtClick, AtShipment:
	default:
		return fault.Invalidf("policy.rate_at", "is %q", "write order, click or shipment", p.RateAt)
	}
	if p.AdjustLimit < 0 {
		return fault.Invalidf("policy.adjust_limit", "is negative", "write minor units; 1 sends nearly every adjustment to a second person")
	}
	return nil
}
