// Package bounty pays for actions: a flat amount, or a share of a value, for something that a shopper does in the session
// of a click on the bounty's own link (docs/spec.md §7). It keeps the offers, and decides what a completed action is worth
// and in which month: pure functions, the same ones when an event comes in, in the audit and behind every explanation.
//
// What must always hold: one customer is paid for once per action; pending and earned are never below zero but for what a
// closed month holds; an offer that runs gets worse only with notice; any order of arrival gives the same amounts.
//
// It posts nothing, it knows no order and no ledger, and it looks up no click: whoever calls it brings the touches. Which
// months are open it is told.
package bounty

import (
	"maps"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/id"
	"tributary/internal/policy"
)

// Reasons for which a bounty earns nothing, beside those of touches and buyers. The codes are stable.
const (
	NotOffered       attribution.Reason = "not_offered"       // no offer for this action was in force
	NotNewCustomer   attribution.Reason = "not_new_customer"  // the offer is for new customers
	AlreadyCompleted attribution.Reason = "already_completed" // by the same customer, and that completion stands
	ValueMissing     attribution.Reason = "value_missing"     // the offer pays a share, and the event names no value
	Reversed         attribution.Reason = "reversed"          // the store took it back
)

// FactsForm is the version of the stored form of Facts.
const FactsForm = 1

// Facts are everything that the decision about a completed action rests on. They are stored with it, and nothing else is
// asked when it is explained or recomputed. Times are microseconds, amounts minor units of Currency.
type Facts struct {
	Form     int                 `json:"v"`
	Market   string              `json:"marketplace"`
	Currency string              `json:"currency"`
	Zone     string              `json:"zone"`
	Bounty   string              `json:"bounty"` // the store's id of it
	Action   string              `json:"action"`
	At       int64               `json:"at"`
	Value    *int64              `json:"value,omitempty"`   // nil: the store named none
	Offer    *Offer              `json:"offer,omitempty"`   // in force at that instant; nil: none
	Touches  []attribution.Touch `json:"touches,omitempty"` // Bounty is set on clicks on a link of this action
	Ends     []int64             `json:"ends,omitempty"`    // orders that may have ended a session
	Buyer    attribution.Buyer   `json:"buyer"`
	New      bool                `json:"new_customer,omitempty"`
	Earlier  string              `json:"earlier,omitempty"` // the completion that stands before this one
	Reversed *Reversal           `json:"reversed,omitempty"`
	Policy   policy.Policy       `json:"policy"`
	// Month is that in which the window ends, as fixed when the completion was first acknowledged (§10).
	Month string `json:"month"`
}

// Reversal says that the store took a completion back. Month is its booking month, fixed when it was acknowledged.
type Reversal struct {
	At    int64  `json:"at"`
	Month string `json:"month"`
}

// WindowEnd is the last instant of the validation window: N × 24 h after the completion (docs/spec.md §2, §7).
func (f Facts) WindowEnd() int64 {
	window := f.Policy.BountyWindow()
	if f.Offer != nil && f.Offer.WindowDays != 0 {
		window = time.Duration(f.Offer.WindowDays) * 24 * time.Hour
	}
	return f.At + window.Microseconds()
}

// Basis is what the facts come to: who is credited, with how much, from when. The clock needs nothing else.
type Basis struct {
	Creator   id.ID              `json:"c,omitempty"` // in whose report it stands, also where it earns nothing
	Program   uint8              `json:"p,omitempty"`
	Tracking  id.ID              `json:"t,omitempty"`
	Link      id.ID              `json:"k,omitempty"`
	Offer     id.ID              `json:"o,omitempty"`
	Credited  bool               `json:"w,omitempty"` // somebody won
	Reason    attribution.Reason `json:"r,omitempty"` // why it earns nothing, whatever the clock says
	Amount    int64              `json:"a,omitempty"`
	WindowEnd int64              `json:"e"`
	Month     string             `json:"m"`
	Reversed  bool               `json:"x,omitempty"`
	TakenBack string             `json:"xm,omitempty"` // month that takes back what closed months hold
	HoldDays  int                `json:"h"`
	Zone      string             `json:"z"`
}

// Decide judges the facts. The first reason that applies is told: those of touches, then of the buyer, then of the offer.
func Decide(f Facts) (Basis, attribution.Verdict) {
	b := Basis{WindowEnd: f.WindowEnd(), Month: f.Month, HoldDays: f.Policy.HoldDays, Zone: f.Zone}
	if f.Offer != nil {
		b.Offer = f.Offer.ID
	}
	if f.Reversed != nil {
		b.Reversed, b.TakenBack = true, f.Reversed.Month
	}
	v := attribution.DecideAmong(f.Touches, f.moment(), f.Ends, f.Policy, f.may())
	if v.About >= 0 {
		t := f.Touches[v.About]
		b.Creator, b.Program, b.Tracking, b.Link = t.Creator, t.Program, t.Tracking, t.Link
	}
	if v.Winner < 0 {
		b.Reason = v.Reason
		return b, v
	}
	b.Credited = true
	if b.Reason = f.against(b.Creator); b.Reason != "" {
		return b, v
	}
	if b.Amount = f.Offer.Worth(f.Value); b.Amount == 0 {
		b.Reason = attribution.RoundsToZero
	}
	return b, v
}

// moment is the completion as attribution sees it: it has no cart, so it must lie within the session.
func (f Facts) moment() attribution.Line { return attribution.Line{OrderedAt: f.At} }

// may tells which touches may win: clicks on the bounty's own link. Where there is none, the reason speaks of a touch that
// could not be read, which might have been one.
func (f Facts) may() func(attribution.Touch) bool {
	for _, t := range f.Touches {
		if t.Bounty != 0 {
			return func(t attribution.Touch) bool { return t.Bounty != 0 }
		}
	}
	return func(t attribution.Touch) bool { return t.Broken != "" }
}

// against finds what stands against a completion that somebody is credited with. Resale is no matter of bounties: a
// business may well be whom the offer is for.
func (f Facts) against(winner id.ID) attribution.Reason {
	if reason := attribution.Judge(attribution.Buyer{Matches: f.Buyer.Matches}, winner, f.Policy); reason != "" {
		return reason
	}
	switch {
	case f.Offer == nil:
		return NotOffered
	case f.Offer.NewCustomers && !f.New:
		return NotNewCustomer
	case f.Earlier != "":
		return AlreadyCompleted
	case f.Offer.ShareBPS != 0 && f.Value == nil:
		return ValueMissing
	}
	return ""
}

// Fates tells for every touch what became of it: empty for the winner, a reason for each other. One that is no click on
// the bounty's link is no touch for it, though it may have ended the session of another.
func Fates(f Facts) []attribution.Reason {
	_, v := Decide(f)
	fates := make([]attribution.Reason, len(f.Touches))
	for i, t := range f.Touches {
		switch {
		case i == v.Winner:
		case t.Bounty == 0 && t.Broken == "":
			fates[i] = attribution.NoTouch
		default:
			only := func(other attribution.Touch) bool { return other == t }
			alone := attribution.DecideAmong(f.Touches, f.moment(), f.Ends, f.Policy, only)
			if fates[i] = alone.Reason; alone.Winner >= 0 {
				fates[i] = attribution.Superseded // it would have qualified, and a later one did
			}
		}
	}
	return fates
}

// Posted is what the ledger holds for a bounty: pending and earned, and the earned part by month.
type Posted struct {
	Total  int64            `json:"total"`
	Months map[string]int64 `json:"months,omitempty"`
}

// Equal compares what is held.
func (p Posted) Equal(o Posted) bool { return p.Total == o.Total && maps.Equal(p.Months, o.Months) }

// Fixed tells whether a closed month holds part of it: then its facts stand, and only a reversal moves money (§6).
func (p Posted) Fixed(open func(month string) bool) bool {
	for month, amount := range p.Months {
		if amount != 0 && !open(month) {
			return true
		}
	}
	return false
}

// Targets are what the ledger is brought to.
type Targets struct {
	Pending int64              `json:"pending"`
	Earned  int64              `json:"earned"`
	Months  map[string]int64   `json:"months,omitempty"`
	Reason  attribution.Reason `json:"reason,omitempty"`
}

// Posted is what the ledger holds once it stands at the targets.
func (t Targets) Posted() Posted { return Posted{t.Pending + t.Earned, t.Months} }

// Settle gives the targets as of an instant: pending until the window has passed, its last instant included, then earned
// in the month in which it ends. What closed months hold stands, and a reversal takes it back in its own month. open tells
// which months are open at now, current is the present one; posted is what the present creator holds.
func Settle(b Basis, now time.Time, open func(month string) bool, current string, posted Posted) Targets {
	t := Targets{Reason: b.Reason}
	if b.Reason == "" && b.Reversed {
		t.Reason = Reversed
	}
	if t.Reason == "" {
		if now.UnixMicro() > b.WindowEnd {
			t.Earned = b.Amount
		} else {
			t.Pending = b.Amount
		}
	}
	left := t.Earned
	for month, amount := range posted.Months {
		if amount != 0 && !open(month) {
			t.book(month, amount)
			left -= amount
		}
	}
	month := b.Month
	if left < 0 {
		month = b.TakenBack
	}
	if left != 0 {
		t.book(firstOpen(month, posted, open, current), left)
	}
	return t
}

func (t *Targets) book(month string, amount int64) {
	if t.Months == nil {
		t.Months = map[string]int64{}
	}
	if t.Months[month] += amount; t.Months[month] == 0 {
		delete(t.Months, month)
	}
}

// firstOpen is the booking month where that is open; else the open month that holds something already, so that nothing
// moves from month to month while time goes on; else the present one.
func firstOpen(booking string, posted Posted, open func(string) bool, current string) string {
	if booking != "" && open(booking) {
		return booking
	}
	held := ""
	for month, amount := range posted.Months {
		if amount != 0 && open(month) && (held == "" || month < held) {
			held = month
		}
	}
	if held != "" {
		return held
	}
	return current
}

// Completion is one of a customer's completions of one action.
type Completion struct {
	ID       string
	At       int64
	Reversed bool
	Fixed    bool // a closed month holds part of it
}

func (c Completion) before(o Completion) bool { return c.At < o.At || c.At == o.At && c.ID < o.ID }

// Earlier tells for each of a customer's completions of one action which other one stands before it; empty: none. It is
// the earliest that is not reversed, of the same instant the smaller id. One that a closed month holds keeps its place
// against an earlier one that is reported late: what was paid is not paid twice.
func Earlier(all []Completion) []string {
	earlier := make([]string, len(all))
	for i, c := range all {
		var first *Completion
		for j, o := range all {
			stands := !o.Reversed && (o.Fixed && !c.Fixed || o.before(c) && !c.Fixed)
			if i != j && stands && (first == nil || o.Fixed && !first.Fixed || o.Fixed == first.Fixed && o.before(*first)) {
				first = &all[j]
			}
		}
		if first != nil {
			earlier[i] = first.ID
		}
	}
	return earlier
}
