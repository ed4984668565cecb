// Package commission says what a line is worth (docs/spec.md §6, §7): from what attribution found and what the rate card
// says, who is credited at which rate; and from that and the line's events, what is pending, what is earned, and in
// which months. Both are pure functions: the same ones run when an order comes in, in the audit and behind every
// explanation.
//
// What must always hold: pending and earned are never below zero; whatever happens, the ledger is brought from what was
// posted to these targets; what a closed month holds is never touched.
package commission

import (
	"maps"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// FactsForm is the version of the stored form of Facts.
const FactsForm = 2

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
	NewCustomer  bool                `json:"new_customer,omitempty"`
	House        bool                `json:"house,omitempty"`         // the seller is the shop itself
	FirstShipped int64               `json:"first_shipped,omitempty"` // microseconds; where the card of that instant applies
	Violation    *Violation          `json:"violation,omitempty"`     // an operator found the line in breach of the policy

	// What follows is priced by the book (Price): the card's entry and whatever else applies to the winner.
	Kind    ratecard.Kind `json:"kind,omitempty"`     // of the card
	RatedAt int64         `json:"rated_at,omitempty"` // microseconds: the instant whose card and contract apply
	ratecard.Quote
	Volume bool           `json:"volume,omitempty"` // counts for volume tiers
	Fee    *ratecard.Rate `json:"fee,omitempty"`    // what the seller pays; none: no seller, or no schedule in force
}

// Violation is an operator's finding against a line (§5.8, §9): it earns nothing until the finding is taken back.
type Violation struct {
	ID       id.ID    `json:"id"`
	Code     string   `json:"code"`
	Words    string   `json:"words,omitempty"`
	Evidence []string `json:"evidence,omitempty"`
	By       string   `json:"by"`
	At       int64    `json:"at"`
	// Month takes back what closed months hold, if it is open; fixed when the finding is made (§10).
	Month string `json:"month"`
}

// Basis is what the facts come to: who is credited, at which rate, until when. It is all that later events need.
type Basis struct {
	Creator   id.ID              `json:"c,omitempty"` // in whose report the line stands, also where it earns nothing
	Program   uint8              `json:"p,omitempty"`
	Tracking  id.ID              `json:"t,omitempty"`
	Link      id.ID              `json:"k,omitempty"`
	Direct    bool               `json:"d,omitempty"`
	Credited  bool               `json:"w,omitempty"`  // somebody won
	Reason    attribution.Reason `json:"r,omitempty"`  // why it earns nothing whatever happens to the goods
	BPS       int64              `json:"b,omitempty"`  // the final rate
	Boost     int64              `json:"bo,omitempty"` // how much of it a promotion adds
	Cap       int64              `json:"cap,omitempty"`
	Volume    bool               `json:"v,omitempty"` // its earned base counts for volume tiers
	Withdrawn string             `json:"x,omitempty"` // month that takes back what closed months hold
	Seller    string             `json:"s,omitempty"` // who pays a fee
	FeeBPS    int64              `json:"f,omitempty"`
	FeeLeast  int64              `json:"fl,omitempty"` // minor units per unit
	LapseDays int                `json:"l"`
	HoldDays  int                `json:"h"`
	Zone      string             `json:"z"`
}

// Price looks up what the book says about the winner of the facts: the only step that needs the book. Everything that it
// finds becomes a fact.
func Price(f *Facts, book *ratecard.Book) {
	ordered := instant(f.Line.OrderedAt)
	f.Quote, f.Kind, f.RatedAt, f.Volume, f.Fee = ratecard.Quote{}, "", 0, false, nil
	if f.Seller != "" && !f.House {
		f.Fee = book.Fee(f.Category, f.SKU, ordered)
	}
	v := attribution.Decide(f.Touches, f.Line, f.Ends, f.Policy)
	if v.Winner < 0 {
		return
	}
	t := f.Touches[v.Winner]
	f.Kind, f.RatedAt = ratecard.Offsite, f.Line.OrderedAt
	switch {
	case t.View && t.Boosted:
		f.Kind = ratecard.Boosted
	case t.View:
		f.Kind = ratecard.Onsite
	}
	switch {
	case f.Policy.RateAt == policy.AtClick:
		f.RatedAt = t.At
	case f.Policy.RateAt == policy.AtShipment && f.FirstShipped != 0:
		f.RatedAt = f.FirstShipped
	}
	f.Quote = book.Quote(ratecard.Ask{Kind: f.Kind, Creator: t.Creator, Category: f.Category, SKU: f.SKU,
		Rated: instant(f.RatedAt), Ordered: ordered, NewCustomer: f.NewCustomer})
	f.Volume = f.Kind == ratecard.Offsite && f.Contract == nil && len(book.Volumes) > 0
}

func instant(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

// Credit judges the facts.
func Credit(f Facts) (Basis, attribution.Verdict) {
	b := Basis{LapseDays: f.Policy.LapseDays, HoldDays: f.Policy.HoldDays, Zone: f.Zone}
	v := attribution.Decide(f.Touches, f.Line, f.Ends, f.Policy)
	if v.About >= 0 {
		t := f.Touches[v.About]
		b.Creator, b.Program, b.Tracking, b.Link = t.Creator, t.Program, t.Tracking, t.Link
	}
	if f.Fee != nil && !f.Unpaid && (f.Fee.BPS != 0 || f.Fee.Minimum != 0) {
		b.Seller, b.FeeBPS, b.FeeLeast = f.Seller, f.Fee.BPS, f.Fee.Minimum
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
	price := f.Price()
	if b.Reason = attribution.Judge(f.Buyer, b.Creator, f.Policy); b.Reason != "" {
		return b, v
	}
	switch {
	case price.Excluded:
		b.Reason = attribution.ExcludedProduct
	case f.Violation != nil:
		b.Reason, b.Withdrawn = attribution.PolicyViolation, f.Violation.Month
	case price.Final == 0:
		b.Reason = attribution.RateZero
	case f.Net == 0:
		b.Reason = attribution.ZeroPrice
	case order.AtRate(price.Final, price.Cap)(f.Net, f.Quantity) == 0:
		b.Reason = attribution.RoundsToZero
	}
	b.BPS, b.Boost, b.Cap = price.Final, price.Final-price.Base, price.Cap
	b.Volume = f.Volume && b.Reason == ""
	return b, v
}

// Posted is what the ledger holds for a line: P + E and the promotion's part of it, E by month, the seller's fee; and, for
// volume tiers, the earned base by month. Months that hold nothing are left out.
type Posted struct {
	Total  int64            `json:"total"`
	Promo  int64            `json:"promo,omitempty"`
	Months map[string]int64 `json:"months,omitempty"`
	Fee    int64            `json:"fee,omitempty"`
	Bases  map[string]int64 `json:"bases,omitempty"`
}

// Equal compares what is held.
func (p Posted) Equal(o Posted) bool {
	return p.Total == o.Total && p.Promo == o.Promo && p.Fee == o.Fee && maps.Equal(p.Months, o.Months) && maps.Equal(p.Bases, o.Bases)
}

// Targets are what the ledger is brought to.
type Targets struct {
	Pending int64            `json:"pending"`
	Earned  int64            `json:"earned"`
	Months  map[string]int64 `json:"months,omitempty"`
	// The promotion's part of pending and earned: the part at the base rate is the rest. Pending's may be −1 (§7).
	PromoPending int64              `json:"promo_pending,omitempty"`
	PromoEarned  int64              `json:"promo_earned,omitempty"`
	Fee          int64              `json:"fee,omitempty"`
	Bases        map[string]int64   `json:"bases,omitempty"`  // earned base by month, for volume tiers
	Reason       attribution.Reason `json:"reason,omitempty"` // why it is nothing, where it is
	Fold         order.Fold         `json:"fold"`
}

// Posted is what the ledger holds once it stands at the targets.
func (t Targets) Posted() Posted {
	return Posted{t.Pending + t.Earned, t.PromoPending + t.PromoEarned, t.Months, t.Fee, t.Bases}
}

// Settle gives the targets of a line as of an instant, and how its earned part lies in months; posted is what the line's
// present creator holds of it.
func Settle(b Basis, terms order.Terms, events []order.Applied, now time.Time, posted Posted) Targets {
	h := order.History{Terms: terms, Events: events, Now: now, Lapse: time.Duration(b.LapseDays) * 24 * time.Hour}
	t := Targets{Fold: h.Fold(), Reason: b.Reason}
	if b.Seller != "" {
		t.Fee = max(order.AtRate(b.FeeBPS, 0)(t.Fold.Base, 0), b.FeeLeast*t.Fold.KeptShipped())
	}
	open, current := b.Open(now), string(market.MonthOf(now, b.location()))
	if b.Reason != "" {
		t.Months, t.Bases = takeBack(posted.Months, b.Withdrawn, open, current), takeBack(posted.Bases, b.Withdrawn, open, current)
		return t
	}
	c := order.AtRate(b.BPS, b.Cap)
	shipped, kept := t.Fold.KeptShipped(), t.Fold.Kept(terms.Quantity)
	t.Earned = c(t.Fold.Base, shipped)
	t.Pending = max(c(t.Fold.Total, kept)-t.Earned, 0)
	if b.Boost != 0 {
		base := order.AtRate(b.BPS-b.Boost, b.Cap)
		earned := base(t.Fold.Base, shipped)
		t.PromoEarned = t.Earned - earned
		t.PromoPending = t.Pending - (base(t.Fold.Total, kept) - earned)
	}
	t.Months = h.Months(c, posted.Months, open, current)
	if b.Volume {
		t.Bases = h.Months(func(amount, _ int64) int64 { return amount }, posted.Bases, open, current)
		dropZero(t.Bases)
	}
	dropZero(t.Months)
	switch {
	case t.Fold.Total == 0:
		t.Reason = whyNothingIsLeft(t.Fold)
	case t.Pending+t.Earned == 0:
		t.Reason = attribution.RoundsToZero // so little is left that half a cent is not reached
	}
	return t
}

// takeBack lays out nothing over months: what closed ones hold stands, and is taken back in the month of the finding
// where that is open, else in the present one.
func takeBack(posted map[string]int64, month string, open func(string) bool, current string) map[string]int64 {
	var months map[string]int64
	sum := int64(0)
	for closed, amount := range posted {
		if amount != 0 && !open(closed) {
			if months == nil {
				months = map[string]int64{}
			}
			months[closed], sum = amount, sum+amount
		}
	}
	if sum == 0 {
		return months
	}
	if month == "" || !open(month) {
		month = current
	}
	months[month] -= sum
	return months
}

func dropZero(months map[string]int64) {
	for month, amount := range months {
		if amount == 0 {
			delete(months, month)
		}
	}
}

// whyNothingIsLeft names why a line that earned once earns nothing any more: the first that applies, as §5 lists them.
func whyNothingIsLeft(f order.Fold) attribution.Reason {
	switch {
	case f.Lapsed > 0:
		return attribution.NotFulfilled
	case f.Cancelled > 0:
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
