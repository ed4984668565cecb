// Package commission says what a line is worth (docs/spec.md §6, §7): from what attribution found and what the rate card
// says, who is credited at which rate; and from that and the line's events, what is pending, what is earned, and in
// which months. Both are pure functions: the same ones run when an order comes in, in the audit and behind every
// explanation.
//
// What must always hold: pending and earned are never below zero; whatever happens, the ledger is brought from what was
// posted to these targets; what a closed month holds is never touched.
package commission

import (
	"time"

	"tributary/internal/attribution"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// FactsForm is the version of the stored form of Facts.
const FactsForm = 1

// Facts are everything that a decision about a line rests on. They are stored with it, and nothing else is asked when it
// is explained or recomputed. Amounts are minor units of Currency.
type Facts struct {
	Form         int                 `json:"v"`
	Market       string              `json:"marketplace"`
	Currency     string              `json:"currency"`
	Zone         string              `json:"zone"`
	SKU          string              `json:"sku"`
	Category     string              `json:"category"`
	Seller       string              `json:"seller,omitempty"`
	Quantity     int64               `json:"quantity"`
	Net          int64               `json:"net"`
	DigitalMonth string              `json:"digital_month,omitempty"`
	Line         attribution.Line    `json:"line"`
	Touches      []attribution.Touch `json:"touches,omitempty"`
	Ends         []int64             `json:"ends,omitempty"` // orders that may have ended a session
	Buyer        attribution.Buyer   `json:"buyer"`
	Policy       policy.Policy       `json:"policy"`
	Unpaid       bool                `json:"unpaid,omitempty"` // the marketplace awaits payment, and it has not come
	Rate         *ratecard.Rate      `json:"rate,omitempty"`   // none: no card was in force
}

// Basis is what the facts come to: who is credited, at which rate, until when. It is all that later events need.
type Basis struct {
	Creator   id.ID              `json:"c,omitempty"` // in whose report the line stands, also where it earns nothing
	Program   uint8              `json:"p,omitempty"`
	Tracking  id.ID              `json:"t,omitempty"`
	Link      id.ID              `json:"k,omitempty"`
	Direct    bool               `json:"d,omitempty"`
	Credited  bool               `json:"w,omitempty"` // somebody won
	Reason    attribution.Reason `json:"r,omitempty"` // why it earns nothing whatever happens to the goods
	BPS       int64              `json:"b,omitempty"`
	Cap       int64              `json:"cap,omitempty"`
	LapseDays int                `json:"l"`
	HoldDays  int                `json:"h"`
	Zone      string             `json:"z"`
}

// Credit judges the facts.
func Credit(f Facts) (Basis, attribution.Verdict) {
	b := Basis{LapseDays: f.Policy.LapseDays, HoldDays: f.Policy.HoldDays, Zone: f.Zone}
	v := attribution.Decide(f.Touches, f.Line, f.Ends, f.Policy)
	if v.About >= 0 {
		t := f.Touches[v.About]
		b.Creator, b.Program, b.Tracking, b.Link = t.Creator, t.Program, t.Tracking, t.Link
	}
	if v.Winner < 0 {
		b.Reason = v.Reason
		return b, v
	}
	if f.Unpaid {
		b.Reason = attribution.AwaitingPayment
		return b, v
	}
	b.Credited, b.Direct = true, v.Direct
	if b.Reason = attribution.Judge(f.Buyer, b.Creator, f.Policy); b.Reason != "" {
		return b, v
	}
	switch {
	case f.Rate == nil || f.Rate.BPS == 0:
		b.Reason = attribution.RateZero
	case f.Net == 0:
		b.Reason = attribution.ZeroPrice
	case order.AtRate(f.Rate.BPS, f.Rate.Cap)(f.Net, f.Quantity) == 0:
		b.Reason = attribution.RoundsToZero
	}
	if f.Rate != nil {
		b.BPS, b.Cap = f.Rate.BPS, f.Rate.Cap
	}
	return b, v
}

// Posted is what the ledger holds for a line: P + E, and E by month. Months that hold nothing are left out.
type Posted struct {
	Total  int64            `json:"total"`
	Months map[string]int64 `json:"months,omitempty"`
}

// Targets are what the ledger is brought to.
type Targets struct {
	Pending int64              `json:"pending"`
	Earned  int64              `json:"earned"`
	Months  map[string]int64   `json:"months,omitempty"`
	Reason  attribution.Reason `json:"reason,omitempty"` // why it is nothing, where it is
	Fold    order.Fold         `json:"fold"`
}

// Posted is what the ledger holds once it stands at the targets.
func (t Targets) Posted() Posted { return Posted{t.Pending + t.Earned, t.Months} }

// Settle gives the targets of a line as of an instant, and how its earned part lies in months; posted is what the line's
// present creator holds of it.
func Settle(b Basis, terms order.Terms, events []order.Applied, now time.Time, posted Posted) Targets {
	h := order.History{Terms: terms, Events: events, Now: now, Lapse: time.Duration(b.LapseDays) * 24 * time.Hour}
	t := Targets{Fold: h.Fold(), Reason: b.Reason}
	if b.Reason != "" {
		return t
	}
	c := order.AtRate(b.BPS, b.Cap)
	t.Earned = c(t.Fold.Base, t.Fold.KeptShipped())
	t.Pending = max(c(t.Fold.Total, t.Fold.Kept(terms.Quantity))-t.Earned, 0)
	t.Months = h.Months(c, posted.Months, b.Open(now), string(market.MonthOf(now, b.location())))
	for month, amount := range t.Months {
		if amount == 0 {
			delete(t.Months, month)
		}
	}
	if t.Fold.Total == 0 {
		t.Reason = whyNothingIsLeft(t.Fold)
	}
	return t
}

// whyNothingIsLeft names why a line that earned once earns nothing any more: the first that applies, as §5 lists them.
func whyNothingIsLeft(f order.Fold) attribution.Reason {
	switch {
	case f.Lapsed > 0:
		return attribution.NotFulfilled
	case f.Returned == 0 && f.ReturnedAmount+f.RefundedAmount == 0:
		return attribution.Cancelled
	}
	return attribution.Returned
}

// Open tells which months are open at an instant, by the clock alone (§10).
func (b Basis) Open(now time.Time) func(month string) bool {
	zone := b.location()
	return func(month string) bool { return now.Before(market.Month(month).Payable(zone, b.HoldDays)) }
}

// Frozen tells whether a closed month holds part of the line: then its facts stand, whatever is reported later (§6).
func (b Basis) Frozen(posted Posted, now time.Time) bool {
	open := b.Open(now)
	for month, amount := range posted.Months {
		if amount != 0 && !open(month) {
			return true
		}
	}
	return false
}

// Booking is the month in which an event is booked, fixed when it is first acknowledged (§10): that in which it happened
// where that is open, else that of the acknowledgement.
func Booking(happened, now time.Time, zone *time.Location, holdDays int) string {
	month := market.MonthOf(happened, zone)
	if now.Before(month.Payable(zone, holdDays)) {
		return string(month)
	}
	return string(market.MonthOf(now, zone))
}

func (b Basis) location() *time.Location { return market.Market{Zone: b.Zone}.Location() }
