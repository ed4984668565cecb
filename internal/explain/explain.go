// Package explain says why a line or a bounty earns what it earns, or why nothing, from stored decisions alone; and it reads
// past lines with their facts for whoever decides them anew under other rates. A stranger can recompute every amount from
// an explanation.
//
// What must always hold: nothing is asked but the decision; what one creator reads names no other creator, no seller's fee
// and nobody of the staff.
package explain

import (
	"cmp"
	"encoding/json"
	"slices"
	"sort"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// Explanation says why a line earns what it earns, or why nothing: from its stored decision alone. A stranger can
// recompute every amount from it. Amounts are minor units of Currency.
type Explanation struct {
	Marketplace string                `json:"marketplace"`
	Currency    string                `json:"currency"`
	Order       string                `json:"order"`
	Line        string                `json:"line"`
	SKU         string                `json:"sku"`
	Category    string                `json:"category"`
	Seller      string                `json:"seller,omitempty"`
	Quantity    int64                 `json:"quantity"`
	Net         int64                 `json:"net"`
	Digital     bool                  `json:"digital,omitempty"`
	OrderedAt   time.Time             `json:"ordered_at"`
	AddedAt     *time.Time            `json:"added_at,omitempty"`
	Creator     string                `json:"creator,omitempty"` // credited, or whose touch the reason speaks of
	Credited    bool                  `json:"credited"`
	Program     string                `json:"program,omitempty"`
	Tracking    string                `json:"tracking,omitempty"`
	Direct      bool                  `json:"direct"`
	Reason      attribution.Reason    `json:"reason,omitempty"`
	Touches     []Touch               `json:"touches"`
	SessionEnd  *time.Time            `json:"session_end,omitempty"`
	OtherOrders []time.Time           `json:"other_orders,omitempty"` // orders of the shopper that may have ended a session
	Rules       Rules                 `json:"rules"`
	Rate        *Rate                 `json:"rate,omitempty"`       // the card's entry
	Contract    *Contract             `json:"contract,omitempty"`   // stands before it
	Promotions  []Offer               `json:"promotions,omitempty"` // those that fit
	Price       *Price                `json:"price,omitempty"`      // what they come to
	Finding     *commission.Violation `json:"finding,omitempty"`    // an operator's, against the line
	Fee         *Fee                  `json:"fee,omitempty"`        // what the seller pays
	Goods       order.Fold            `json:"goods"`
	Pending     int64                 `json:"pending"`
	Earned      int64                 `json:"earned"`
	// The promotion's part of pending and earned; the rest is at the base rate.
	PromoPending int64     `json:"promotion_pending,omitempty"`
	PromoEarned  int64     `json:"promotion_earned,omitempty"`
	Volume       []Month   `json:"volume,omitempty"` // earned base by month, which counts for volume tiers
	Months       []Month   `json:"months"`
	Withheld     *Withheld `json:"withheld,omitempty"` // what was earned waits for the enrolment's approval
	Events       []Event   `json:"events"`
	Versions     []Version `json:"versions"`
	Postings     []Posting `json:"postings"`
}

// Touch is a click that was known for the line, and what became of it.
type Touch struct {
	Click    string             `json:"click,omitempty"`
	Source   attribution.Source `json:"source"`
	At       *time.Time         `json:"at,omitempty"`
	Creator  string             `json:"creator,omitempty"`
	Program  string             `json:"program,omitempty"`
	Tracking string             `json:"tracking,omitempty"`
	Link     string             `json:"link,omitempty"`
	Kind     string             `json:"kind,omitempty"`
	Standing string             `json:"standing,omitempty"` // of the enrolment, at the click
	View     bool               `json:"view,omitempty"`     // a video on a product page, seen for so many seconds
	Seconds  int64              `json:"seconds,omitempty"`
	Coupon   string             `json:"coupon,omitempty"`
	Rule     string             `json:"rule,omitempty"` // by which it was found invalid traffic
	Won      bool               `json:"won"`
	Reason   attribution.Reason `json:"reason,omitempty"`
}

// Rules are the policy's numbers that the decision was made under, and what was found about the buyer.
type Rules struct {
	SessionHours int   `json:"session_hours"`
	CartDays     int   `json:"cart_days"`
	LapseDays    int   `json:"lapse_days"`
	HoldDays     int   `json:"hold_days"`
	ResaleUnits  int   `json:"resale_units"`
	ResaleDays   int   `json:"resale_days"`
	UnitsBought  int64 `json:"units_bought,omitempty"` // of this sku in the resale window
	// Matches are the kinds of the shopper's facts that are also those of the creator named here.
	Matches      []string      `json:"matches,omitempty"`
	CouponsFirst bool          `json:"coupons_first,omitempty"`
	ViewSeconds  int64         `json:"view_seconds,omitempty"`
	ViewScope    policy.Scope  `json:"view_scope,omitempty"`
	RateAt       policy.RateAt `json:"rate_at,omitempty"`
}

// Rate is the entry of the card that applied.
type Rate struct {
	Kind      ratecard.Kind `json:"kind,omitempty"`
	At        time.Time     `json:"at"` // the instant whose card applies
	Card      string        `json:"card"`
	Version   int64         `json:"version"`
	Effective time.Time     `json:"effective"`
	Match     string        `json:"match"`
	BPS       int64         `json:"bps"`
	Cap       int64         `json:"cap,omitempty"`
	CapFrom   string        `json:"cap_from,omitempty"`
	Excluded  bool          `json:"excluded,omitempty"`
}

// Contract is the creator's own rate.
type Contract struct {
	Contract     string     `json:"contract"`
	BPS          int64      `json:"bps"`
	Cap          int64      `json:"cap,omitempty"`
	From         time.Time  `json:"from"`
	Until        *time.Time `json:"until,omitempty"`
	NoPromotions bool       `json:"no_promotions,omitempty"`
}

// Offer is a promotion that fits the line, and the rate that it would make of the base rate.
type Offer struct {
	Promotion string          `json:"promotion"`
	Name      string          `json:"name"`
	Change    ratecard.Change `json:"change"`
	Value     int64           `json:"value"`
	BPS       int64           `json:"bps"`
	Applied   bool            `json:"applied"`
}

// Price is the rate that the amounts are computed at: Final, of which Base would have been paid without a
// promotion; Cap in minor units per unit.
type Price struct {
	Base  int64 `json:"base"`
	Final int64 `json:"final"`
	Cap   int64 `json:"cap,omitempty"`
}

// Fee is what the seller of the line pays the operator.
type Fee struct {
	Seller  string `json:"seller"`
	Card    string `json:"card"`
	Version int64  `json:"version"`
	Match   string `json:"match"`
	BPS     int64  `json:"bps"`
	Minimum int64  `json:"minimum,omitempty"` // minor units per unit
	Amount  int64  `json:"amount"`
}

// Month is what a month holds of the line.
type Month struct {
	Month   string    `json:"month"`
	Amount  int64     `json:"amount"`
	Payable time.Time `json:"payable"`
}

// Event is something that happened to the goods.
type Event struct {
	Type     order.Type `json:"type"`
	At       time.Time  `json:"at"`
	Quantity int64      `json:"quantity,omitempty"`
	Amount   *int64     `json:"amount,omitempty"`
	Month    string     `json:"month"`
}

// Version is one decision in the line's history.
type Version struct {
	Version int64              `json:"version"`
	At      time.Time          `json:"at"`
	Pending int64              `json:"pending"`
	Earned  int64              `json:"earned"`
	Reason  attribution.Reason `json:"reason,omitempty"`
}

// Posting is a transfer in the ledger.
type Posting struct {
	Version   int64          `json:"version"`
	Component string         `json:"component"`
	At        time.Time      `json:"at"`
	Debit     ledger.Account `json:"debit"`
	Credit    ledger.Account `json:"credit"`
	Amount    int64          `json:"amount"`
}

var selectVersions = db.Statement(`SELECT version, body FROM decision WHERE lane = $1 AND subject = $2 ORDER BY version`)

// Line reads the explanation of a line; NotFound where there is no such line.
func Line(tx *db.Tx, marketplace uint16, orderID, lineID string) (*Explanation, error) {
	subject, lane := decision.Subject(orderID, lineID), int64(marketplace)
	var e *Explanation
	var facts *commission.Facts
	var newest decision.Line
	var versions []Version
	if err := tx.Each(selectVersions, func(scan func(...any) error) error {
		var version int64
		var body string
		if err := scan(&version, &body); err != nil {
			return err
		}
		newest = decision.Line{}
		if err := json.Unmarshal([]byte(body), &newest); err != nil {
			return err
		}
		if newest.Facts != nil {
			facts = newest.Facts
		}
		t := newest.Targets
		versions = append(versions, Version{version, clock.FromMicro(newest.Now), t.Pending, t.Earned, t.Reason})
		return nil
	}, lane, subject); err != nil {
		return nil, fault.Wrap(err, "reading decisions of "+subject)
	}
	if facts == nil {
		return nil, fault.New(fault.NotFound, "line", "there is no such line in this marketplace", "check order and line")
	}
	e = explain(facts, newest)
	e.Order, e.Line, e.Versions = orderID, lineID, versions
	transfers, err := ledger.Of(tx, lane, subject)
	for _, t := range transfers {
		e.Postings = append(e.Postings, Posting{t.Version, t.Component, t.At, t.Debit, t.Credit, t.Amount})
	}
	if err != nil {
		return nil, err
	}
	kept, postings, err := withheld(tx, lane, subject)
	e.Withheld, e.Postings = kept, append(e.Postings, postings...)
	return e, err
}

// explain is pure: everything in it comes from the decision.
func explain(f *commission.Facts, d decision.Line) *Explanation {
	basis, verdict := commission.Credit(*f)
	t := d.Targets
	e := &Explanation{Marketplace: f.Market, Currency: f.Currency, SKU: f.SKU, Category: f.Category, Seller: f.Seller, Quantity: f.Quantity,
		Net: f.Net, Digital: f.Line.Digital, OrderedAt: clock.FromMicro(f.Line.OrderedAt), AddedAt: instant(f.Line.AddedAt),
		Credited: basis.Credited, Direct: basis.Direct, Reason: t.Reason, SessionEnd: instant(verdict.EndedAt), Goods: t.Fold,
		Pending: t.Pending, Earned: t.Earned, PromoPending: t.PromoPending, PromoEarned: t.PromoEarned, Finding: f.Violation, Touches: []Touch{}, Months: []Month{}, Events: []Event{},
		Postings: []Posting{}}
	if basis.Creator != 0 {
		e.Creator, e.Program = basis.Creator.Text(id.Creator), click.Program(basis.Program).String()
		e.Tracking = basis.Tracking.Text(id.Tracking)
	}
	e.explainRules(f, basis.Creator)
	e.explainPrice(f, t)
	for _, at := range f.Ends {
		e.OtherOrders = append(e.OtherOrders, clock.FromMicro(at))
	}
	fates := attribution.Fates(f.Touches, f.Line, f.Ends, f.Policy)
	for i, touch := range f.Touches {
		e.Touches = append(e.Touches, explainTouch(touch, fates[i], i == verdict.Winner))
	}
	sort.SliceStable(e.Touches, func(i, j int) bool { return before(e.Touches[i].At, e.Touches[j].At) })
	e.Months, e.Volume = explainMonths(f, t.Months), explainMonths(f, t.Bases)
	for _, a := range d.Events {
		e.Events = append(e.Events, Event{a.Type, clock.FromMicro(a.At), a.Quantity, a.Amount, a.Month})
	}
	return e
}

func explainMonths(f *commission.Facts, amounts map[string]int64) []Month {
	zone := market.Market{Zone: f.Zone}.Location()
	months := []Month{}
	for month, amount := range amounts {
		months = append(months, Month{month, amount, market.Month(month).Payable(zone, f.Policy.HoldDays)})
	}
	sort.Slice(months, func(i, j int) bool { return months[i].Month < months[j].Month })
	return months
}

func (e *Explanation) explainRules(f *commission.Facts, creator id.ID) {
	p := f.Policy
	e.Rules = Rules{SessionHours: p.SessionHours, CartDays: p.CartDays, LapseDays: p.LapseDays, HoldDays: p.HoldDays, ResaleUnits: p.ResaleUnits,
		ResaleDays: p.ResaleDays, UnitsBought: f.Buyer.Units, CouponsFirst: p.CouponsFirst, RateAt: p.RateAt}
	for _, match := range f.Buyer.Matches {
		if match.Creator == creator {
			e.Rules.Matches = append(e.Rules.Matches, match.Kind)
		}
	}
	if viewed(f.Touches) {
		e.Rules.ViewSeconds, e.Rules.ViewScope = p.View(), cmp.Or(p.ViewScope, policy.ScopeProduct)
	}
}

// explainPrice says how the rate came about, and what the seller pays.
func (e *Explanation) explainPrice(f *commission.Facts, t commission.Targets) {
	at := clock.FromMicro(cmp.Or(f.RatedAt, f.Line.OrderedAt))
	if r := f.Rate; r != nil {
		e.Rate = &Rate{f.Kind, at, r.Card.Text(id.RateCard), r.Version, r.Effective, r.Match, r.BPS, r.Cap, r.CapFrom, r.Excluded}
	}
	if c := f.Contract; c != nil {
		e.Contract = &Contract{c.ID.Text(id.Contract), c.BPS, c.Cap, c.From, nil, c.NoPromotions}
		if !c.Until.IsZero() {
			e.Contract.Until = &c.Until
		}
	}
	price := f.Price()
	for _, o := range f.Offers {
		e.Promotions = append(e.Promotions, Offer{o.ID.Text(id.Promotion), o.Name, o.Change, o.Value, o.Rate(price.Base),
			price.Offer != nil && price.Offer.ID == o.ID})
	}
	if e.Rate != nil || e.Contract != nil {
		e.Price = &Price{price.Base, price.Final, price.Cap}
	}
	if r := f.Fee; r != nil {
		e.Fee = &Fee{f.Seller, r.Card.Text(id.RateCard), r.Version, r.Match, r.BPS, r.Minimum, t.Fee}
	}
}

// viewed tells whether a view is among the touches: then its rules are part of the explanation.
func viewed(touches []attribution.Touch) bool {
	return slices.ContainsFunc(touches, func(t attribution.Touch) bool { return t.View })
}

func explainTouch(t attribution.Touch, fate attribution.Reason, won bool) Touch {
	e := Touch{Source: t.Source, At: instant(t.At), Won: won, Reason: fate, Standing: t.StandingThen, Kind: click.LinkKind(t.Kind).String(),
		View: t.View, Seconds: t.Seconds, Coupon: t.Coupon, Rule: t.Rule}
	if t.Click != 0 {
		e.Click = id.ID(t.Click).Text(id.Click)
	}
	if t.Creator != 0 {
		e.Creator, e.Program, e.Tracking = t.Creator.Text(id.Creator), click.Program(t.Program).String(), t.Tracking.Text(id.Tracking)
	}
	if t.Link != 0 {
		e.Link = t.Link.Text(id.Link)
	}
	return e
}

func instant(micro int64) *time.Time {
	if micro == 0 {
		return nil
	}
	at := clock.FromMicro(micro)
	return &at
}

func before(a, b *time.Time) bool {
	return a != nil && (b == nil || a.Before(*b))
}

var (
	selectLineIDs    = db.Statement(`SELECT line_id FROM line WHERE market = $1 AND order_id = $2 ORDER BY line_id`)
	selectWaitingIDs = db.Statement(`SELECT id FROM order_waiting WHERE market = $1 AND order_id = $2 ORDER BY received, id`)
)

// Order explains every line of an order, and names the events that wait for it.
func Order(tx *db.Tx, marketplace uint16, orderID string) (lines []*Explanation, waits []string, err error) {
	var ids []string
	waits = []string{}
	for into, statement := range map[*[]string]*db.Stmt{&ids: selectLineIDs, &waits: selectWaitingIDs} {
		if err := tx.Each(statement, func(scan func(...any) error) error {
			var one string
			err := scan(&one)
			*into = append(*into, one)
			return err
		}, int64(marketplace), orderID); err != nil {
			return nil, nil, fault.Wrap(err, "reading order "+orderID)
		}
	}
	for _, one := range ids {
		e, err := Line(tx, marketplace, orderID, one)
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, e)
	}
	return lines, waits, nil
}

// For is the explanation as one creator may read it: other creators' touches keep their instant and their fate, and lose
// their names; what the seller pays and
// who of the staff found something are left out. What the shopper bought elsewhere stays an instant.
func (e *Explanation) For(creator id.ID) *Explanation {
	own := *e
	me := creator.Text(id.Creator)
	own.Touches = make([]Touch, len(e.Touches))
	for i, t := range e.Touches {
		if t.Creator != me {
			t.Click, t.Creator, t.Tracking, t.Link, t.Program, t.Standing, t.Coupon, t.Rule = "", "", "", "", "", "", "", ""
		}
		own.Touches[i] = t
	}
	own.Fee = nil // between the shop and its seller
	if e.Creator != me {
		own.Withheld = nil
	}
	if e.Finding != nil {
		found := *e.Finding
		found.By = ""
		own.Finding = &found
	}
	own.Postings = nil
	for _, p := range e.Postings {
		prefix := ledger.Account("creator/" + me + "/")
		if len(p.Debit) > len(prefix) && p.Debit[:len(prefix)] == prefix || len(p.Credit) > len(prefix) && p.Credit[:len(prefix)] == prefix {
			own.Postings = append(own.Postings, p)
		}
	}
	return &own
}
