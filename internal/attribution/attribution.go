// Package attribution decides to which creator an order line is credited, and where to nobody, why (docs/spec.md §5). It
// is a pure function from values and times to a verdict: it looks nothing up, and knows no rate and no account.
//
// What must always hold: at most one touch wins; a touch that does not count wins nothing and ends nobody's session; the
// rules on the line are judged for the winner alone, and no runner-up is ever credited.
package attribution

import (
	"slices"

	"tributary/internal/id"
	"tributary/internal/policy"
)

// Reason says why a line, or a part of it, earns nothing. The codes are stable: they stand in the API and in reports.
type Reason string

// Reasons of touches, in the order in which they are looked for.
const (
	BadToken           Reason = "bad_token"
	WrongMarketplace   Reason = "wrong_marketplace"
	InvalidTraffic     Reason = "invalid_traffic"
	PaidAd             Reason = "paid_ad"
	EnrolmentNotActive Reason = "enrolment_not_active"
	InCartBeforeClick  Reason = "in_cart_before_click"
	SessionEnded       Reason = "session_ended"
	Superseded         Reason = "superseded"
	Expired            Reason = "expired"
	NoTouch            Reason = "no_touch"
)

// Reasons of the line.
const (
	SelfPurchase    Reason = "self_purchase"
	RelatedBuyer    Reason = "related_buyer"
	Resale          Reason = "resale"
	ExcludedProduct Reason = "excluded_product"
	PolicyViolation Reason = "policy_violation"
	RateZero        Reason = "rate_zero"
	ZeroPrice       Reason = "zero_price"
	RoundsToZero    Reason = "rounds_to_zero"
	NotFulfilled    Reason = "not_fulfilled_in_time"
	Cancelled       Reason = "cancelled"
	Returned        Reason = "returned"
	AwaitingPayment Reason = "awaiting_payment"
)

// Source is how a touch came to be known for the line.
type Source string

const (
	FromToken    Source = "token"    // a click token sent with the line
	FromCustomer Source = "customer" // the last counting click of the same signed-in customer
	FromImport   Source = "imported" // a click recorded by another system
	FromCoupon   Source = "coupon"   // the owner of a coupon of the order, as of the order's instant
)

// Touch is a click, a view or a coupon that is known for a line, with what was found about it. Times are microseconds, UTC.
type Touch struct {
	Source   Source `json:"source"`
	Bound    bool   `json:"bound,omitempty"`  // sent with the line, and also bound to the signed-in customer
	Broken   Reason `json:"broken,omitempty"` // bad_token or wrong_marketplace: nothing else of it is known then
	Click    int64  `json:"click,omitempty"`
	Creator  id.ID  `json:"creator,omitempty"`
	Program  uint8  `json:"program,omitempty"`
	Tracking id.ID  `json:"tracking,omitempty"`
	Link     id.ID  `json:"link,omitempty"`
	At       int64  `json:"at,omitempty"`
	Landed   uint8  `json:"landed,omitempty"` // 0 another page, 1 product, 2 category
	Place    int64  `json:"place,omitempty"`  // of the category landed on, or of the category of the product landed on
	Kind     uint8  `json:"kind,omitempty"`
	Invalid  bool   `json:"invalid,omitempty"`
	Paid     bool   `json:"paid,omitempty"`
	Rule     string `json:"rule,omitempty"` // by which the click was found invalid after it was answered
	// A coupon stands from Since to before Until; 0: without end.
	Coupon string `json:"coupon,omitempty"`
	Since  int64  `json:"since,omitempty"`
	Until  int64  `json:"until,omitempty"`
	// A view of a video on a product page, of so many seconds. Product and Parent say what was shown.
	View    bool  `json:"view,omitempty"`
	Seconds int64 `json:"seconds,omitempty"`
	Boosted bool  `json:"boosted,omitempty"`
	Product int64 `json:"product,omitempty"`
	Parent  int64 `json:"parent,omitempty"`
	// Bounty is the bounty whose link was clicked.
	Bounty id.ID `json:"bounty,omitempty"`
	// The enrolment's standing at the touch and at the order: the state's name, and whether it counts as active.
	StandingThen string `json:"standing_then,omitempty"`
	StandingNow  string `json:"standing_now,omitempty"`
	ActiveThen   bool   `json:"active_then,omitempty"`
	ActiveNow    bool   `json:"active_now,omitempty"`
	absent       bool   // offered, and no touch of this line
}

// Line is what is asked about.
type Line struct {
	OrderedAt int64 `json:"ordered_at"`
	AddedAt   int64 `json:"added_at,omitempty"` // when the sku entered the present cart; 0 where it is not known
	Digital   bool  `json:"digital,omitempty"`
	Place     int64 `json:"place"` // of the line's category; 0: not known, and the same as no other
	Product   int64 `json:"product,omitempty"`
	Parent    int64 `json:"parent,omitempty"`
}

// Verdict is the answer. Winner is an index into the touches, −1 for nobody; Reason is empty where somebody won.
type Verdict struct {
	Winner int    `json:"winner"`
	Reason Reason `json:"reason,omitempty"`
	// About is the touch that the reason speaks of, −1 for none.
	About   int   `json:"about"`
	EndedAt int64 `json:"ended_at,omitempty"` // when the session of that touch ended
	Direct  bool  `json:"direct,omitempty"`
	InCart  bool  `json:"in_cart,omitempty"` // qualified by having been added within the session
}

// Decide credits a line to the latest qualifying click or view; where there is none (by policy: before them) to the first
// coupon with an active owner. ends are the instants of the shopper's orders that hold a non-digital product, other than
// the line's own order.
func Decide(touches []Touch, line Line, ends []int64, p policy.Policy) Verdict {
	touches = known(touches, line, p)
	owner := couponOf(touches)
	if owner >= 0 && p.CouponsFirst {
		return Verdict{Winner: owner, About: owner}
	}
	v := DecideAmong(touches, line, ends, p, func(t Touch) bool { return touchesLine(t, line, p) })
	if v.Winner < 0 && owner >= 0 {
		return Verdict{Winner: owner, About: owner}
	}
	return v
}

// DecideAmong credits a line to the latest qualifying touch among those that may win it; the others still end sessions.
// A reason speaks of the latest one that might have won.
func DecideAmong(touches []Touch, line Line, ends []int64, p policy.Policy, may func(Touch) bool) Verdict {
	touches = known(touches, line, p)
	best := -1
	for i := range touches {
		if may(touches[i]) && wins(touches, i, line, ends, p) && (best < 0 || later(touches[i], touches[best])) {
			best = i
		}
	}
	if best >= 0 {
		end, _ := sessionEnd(touches, best, line, ends, p)
		t := touches[best]
		return Verdict{Winner: best, About: best, EndedAt: end, Direct: t.Landed != 0 && t.Place != 0 && t.Place == line.Place,
			InCart: line.AddedAt != 0 && !line.Digital}
	}
	about := latest(touches, may)
	if about < 0 {
		return Verdict{Winner: -1, About: -1, Reason: NoTouch}
	}
	reason, ended := whyNot(touches, about, line, ends, p)
	return Verdict{Winner: -1, About: about, Reason: reason, EndedAt: ended}
}

// known leaves out what is offered and is no touch of this line: of the clicks that are bound to the signed-in customer the
// last counting one before the order is a touch (§5), the others are not.
func known(touches []Touch, line Line, p policy.Policy) []Touch {
	last, bound := -1, 0
	for i, t := range touches {
		if t.Source != FromCustomer && !t.Bound || t.absent {
			continue
		}
		bound++
		if t.At <= line.OrderedAt && counts(t, p) && (last < 0 || later(t, touches[last])) {
			last = i
		}
	}
	if bound == 0 || bound == 1 && last >= 0 {
		return touches
	}
	here := slices.Clone(touches)
	for i := range here {
		here[i].absent = here[i].absent || here[i].Source == FromCustomer && i != last
	}
	return here
}

// couponOf gives the first coupon whose owner is active (§5.6).
func couponOf(touches []Touch) int {
	for i, t := range touches {
		if t.Source == FromCoupon && t.ActiveNow && touchesLine(t, Line{}, policy.Policy{}) {
			return i
		}
	}
	return -1
}

// touchesLine tells whether a touch is one for this line at all: a view that was too short, or of something else than
// what its scope names, is none (§5.5), nor is a coupon outside its dates.
func touchesLine(t Touch, line Line, p policy.Policy) bool {
	if t.absent {
		return false
	}
	if t.Source == FromCoupon {
		return t.At >= t.Since && (t.Until == 0 || t.At < t.Until)
	}
	if !t.View || t.Broken != "" {
		return true
	}
	if t.Seconds < p.View() {
		return false
	}
	switch p.ViewScope {
	case policy.ScopeCategory:
		return t.Place != 0 && t.Place == line.Place
	case policy.ScopeVariation:
		return t.Product == line.Product || t.Parent != 0 && t.Parent == line.Parent
	}
	return t.Product == line.Product
}

// counts tells whether a touch is one at all (§5.1).
func counts(t Touch, p policy.Policy) bool {
	return !t.absent && t.Broken == "" && !t.Invalid && (!t.Paid || p.PaidEarns) && t.ActiveThen
}

// later orders touches: by time, at the same instant a click before a view and a view before a coupon, then the greater
// click id.
func later(a, b Touch) bool {
	if a.At != b.At {
		return a.At > b.At
	}
	if a.rank() != b.rank() {
		return a.rank() > b.rank()
	}
	return a.Click > b.Click
}

func (t Touch) rank() int {
	switch {
	case t.Source == FromCoupon:
		return 0
	case t.View:
		return 1
	}
	return clickRank
}

// clickRank is that of a click: it alone ends the sessions of others.
const clickRank = 2

// latest gives the touch that reasons speak of; one that cannot be read only if there is no other.
func latest(touches []Touch, may func(Touch) bool) int {
	found := -1
	for i, t := range touches {
		if t.absent || !may(t) {
			continue
		}
		if found < 0 || (t.Broken != BadToken) == (touches[found].Broken != BadToken) && later(t, touches[found]) ||
			t.Broken != BadToken && touches[found].Broken == BadToken {
			found = i
		}
	}
	return found
}

// sessionEnd gives the instant at which the session of a touch ended for this line, and by what (§5.2). The 24 h include
// their last instant; what an order or another click ended is over from its own instant on.
func sessionEnd(touches []Touch, i int, line Line, ends []int64, p policy.Policy) (int64, Reason) {
	t := touches[i]
	end, why := t.At+p.Session().Microseconds(), Expired
	for _, other := range touches {
		if other.rank() == clickRank && counts(other, p) && other.Creator != t.Creator && later(other, t) && other.At <= end {
			end, why = other.At, Superseded
		}
	}
	for _, order := range ends {
		// Orders of the same instant do not end each other, and later ones end nothing for this line.
		if order > t.At && order < line.OrderedAt && order <= end {
			end, why = order, SessionEnded
		}
	}
	return end, why
}

// within tells whether an instant lies in the session of touch i.
func within(at int64, touches []Touch, i int, line Line, ends []int64, p policy.Policy) bool {
	end, why := sessionEnd(touches, i, line, ends, p)
	return at >= touches[i].At && (at < end || at == end && why == Expired)
}

// wins tells whether touch i qualifies for the line (§5.3, §5.4, §5.11).
func wins(touches []Touch, i int, line Line, ends []int64, p policy.Policy) bool {
	t := touches[i]
	if t.Source == FromCoupon || !counts(t, p) || !t.ActiveNow {
		return false
	}
	if line.AddedAt == 0 || line.Digital {
		return within(line.OrderedAt, touches, i, line, ends, p)
	}
	return within(line.AddedAt, touches, i, line, ends, p) && line.OrderedAt <= t.At+p.Cart().Microseconds()
}

// whyNot names the first reason that applies to the touch.
func whyNot(touches []Touch, i int, line Line, ends []int64, p policy.Policy) (Reason, int64) {
	t := touches[i]
	switch {
	case t.Broken != "":
		return t.Broken, 0
	case t.Invalid:
		return InvalidTraffic, 0
	case t.Paid && !p.PaidEarns:
		return PaidAd, 0
	case !t.ActiveThen || !t.ActiveNow:
		return EnrolmentNotActive, 0
	}
	entered := line.AddedAt
	if entered == 0 || line.Digital {
		entered = line.OrderedAt
	}
	if entered < t.At {
		return InCartBeforeClick, 0
	}
	end, why := sessionEnd(touches, i, line, ends, p)
	if within(entered, touches, i, line, ends, p) {
		return Expired, t.At + p.Cart().Microseconds() // added in time, ordered too late
	}
	return why, end
}

// Fates tells for every touch what became of it: empty for the winner, a reason for each other. A touch that would have
// qualified and lost to a later one is superseded; one that is none for this line is no touch.
func Fates(touches []Touch, line Line, ends []int64, p policy.Policy) []Reason {
	touches = known(touches, line, p)
	winner := Decide(touches, line, ends, p).Winner
	fates := make([]Reason, len(touches))
	for i, t := range touches {
		switch {
		case i == winner:
		case !touchesLine(t, line, p):
			fates[i] = NoTouch
		case t.Source == FromCoupon && t.ActiveNow || wins(touches, i, line, ends, p):
			fates[i] = Superseded
		default:
			fates[i], _ = whyNot(touches, i, line, ends, p)
		}
	}
	return fates
}

// Journey gives the clicks and views that led to a line, oldest first: those that count, since the shopper's last order
// and not older than a cart may be, up to the moment at which the line was chosen. Reports share a line among them
// (first click, or all alike); money never follows them.
func Journey(touches []Touch, line Line, ends []int64, p policy.Policy) []int {
	touches = known(touches, line, p)
	chosen := line.OrderedAt
	if line.AddedAt != 0 && !line.Digital {
		chosen = line.AddedAt
	}
	from := line.OrderedAt - p.Cart().Microseconds()
	for _, end := range ends {
		if end < chosen && end < line.OrderedAt {
			from = max(from, end)
		}
	}
	var journey []int
	for i, t := range touches {
		if t.Source != FromCoupon && counts(t, p) && touchesLine(t, line, p) && t.At >= from && t.At <= chosen {
			journey = append(journey, i)
		}
	}
	slices.SortFunc(journey, func(a, b int) int {
		if later(touches[a], touches[b]) {
			return 1
		}
		return -1
	})
	return journey
}

// Buyer is what is known of the shopper of the line, found by comparing keyed hashes with the winner's own facts.
type Buyer struct {
	Known    bool    `json:"known,omitempty"`    // the order carries a customer or an e-mail
	Business bool    `json:"business,omitempty"` // the store says: a business account
	Matches  []Match `json:"matches,omitempty"`  // facts equal to those of a creator whose touch is known
	Units    int64   `json:"units,omitempty"`    // units of this sku in the resale window, this order's included
}

// Match says that a fact of the shopper's is also the creator's: customer, email, payment, device, address, household.
type Match struct {
	Creator id.ID  `json:"creator"`
	Kind    string `json:"kind"`
}

// Judge applies the rules on the line to its winner (§5.8). Empty: nothing stands against it.
func Judge(b Buyer, winner id.ID, p policy.Policy) Reason {
	related := false
	for _, match := range b.Matches {
		if match.Creator != winner {
			continue
		}
		switch match.Kind {
		case "customer", "email", "payment", "device":
			return SelfPurchase
		case "address", "household":
			related = true
		}
	}
	switch {
	case related:
		return RelatedBuyer
	case p.BusinessOut && b.Business:
		return Resale
	case p.ResaleUnits > 0 && b.Known && b.Units > int64(p.ResaleUnits):
		return Resale
	}
	return ""
}

// Distinct leaves one touch of each click: the same token may come by several ways.
func Distinct(touches []Touch) []Touch {
	bound := map[int64]bool{}
	for _, t := range touches {
		if t.Source == FromCustomer {
			bound[t.Click] = true
		}
	}
	seen := map[int64]bool{}
	touches = slices.DeleteFunc(touches, func(t Touch) bool {
		if t.Click == 0 || t.Source == FromImport {
			return false
		}
		again := seen[t.Click]
		seen[t.Click] = true
		return again
	})
	for i := range touches {
		touches[i].Bound = touches[i].Source == FromToken && bound[touches[i].Click]
	}
	return touches
}
