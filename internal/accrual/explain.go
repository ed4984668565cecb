package accrual

import (
	"encoding/json"
	"sort"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
	"tributary/internal/order"
)

// Explanation says why a line earns what it earns, or why nothing: from its stored decision alone. A stranger can
// recompute every amount from it. Amounts are minor units of Currency.
type Explanation struct {
	Marketplace string             `json:"marketplace"`
	Currency    string             `json:"currency"`
	Order       string             `json:"order"`
	Line        string             `json:"line"`
	SKU         string             `json:"sku"`
	Category    string             `json:"category"`
	Seller      string             `json:"seller,omitempty"`
	Quantity    int64              `json:"quantity"`
	Net         int64              `json:"net"`
	Digital     bool               `json:"digital,omitempty"`
	OrderedAt   time.Time          `json:"ordered_at"`
	AddedAt     *time.Time         `json:"added_at,omitempty"`
	Creator     string             `json:"creator,omitempty"` // credited, or whose touch the reason speaks of
	Credited    bool               `json:"credited"`
	Program     string             `json:"program,omitempty"`
	Tracking    string             `json:"tracking,omitempty"`
	Direct      bool               `json:"direct"`
	Reason      attribution.Reason `json:"reason,omitempty"`
	Touches     []TouchExplained   `json:"touches"`
	SessionEnd  *time.Time         `json:"session_end,omitempty"`
	OtherOrders []time.Time        `json:"other_orders,omitempty"` // orders of the shopper that may have ended a session
	Rules       Rules              `json:"rules"`
	Rate        *RateExplained     `json:"rate,omitempty"`
	Goods       order.Fold         `json:"goods"`
	Pending     int64              `json:"pending"`
	Earned      int64              `json:"earned"`
	Months      []MonthExplained   `json:"months"`
	Events      []EventExplained   `json:"events"`
	Versions    []VersionExplained `json:"versions"`
	Postings    []PostingExplained `json:"postings"`
}

// TouchExplained is a click that was known for the line, and what became of it.
type TouchExplained struct {
	Click    string             `json:"click,omitempty"`
	Source   attribution.Source `json:"source"`
	At       *time.Time         `json:"at,omitempty"`
	Creator  string             `json:"creator,omitempty"`
	Program  string             `json:"program,omitempty"`
	Tracking string             `json:"tracking,omitempty"`
	Link     string             `json:"link,omitempty"`
	Kind     string             `json:"kind,omitempty"`
	Standing string             `json:"standing,omitempty"` // of the enrolment, at the click
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
	UnitsBought  int64 `json:"units_bought,omitempty"` // of this sku in the resale window
}

// RateExplained is the entry of the card that applied.
type RateExplained struct {
	Card      string    `json:"card"`
	Version   int64     `json:"version"`
	Effective time.Time `json:"effective"`
	Match     string    `json:"match"`
	BPS       int64     `json:"bps"`
	Cap       int64     `json:"cap,omitempty"`
	CapFrom   string    `json:"cap_from,omitempty"`
}

// MonthExplained is what a month holds of the line.
type MonthExplained struct {
	Month   string    `json:"month"`
	Amount  int64     `json:"amount"`
	Payable time.Time `json:"payable"`
}

// EventExplained is something that happened to the goods.
type EventExplained struct {
	Type     order.Type `json:"type"`
	At       time.Time  `json:"at"`
	Quantity int64      `json:"quantity,omitempty"`
	Amount   *int64     `json:"amount,omitempty"`
	Month    string     `json:"month"`
}

// VersionExplained is one decision in the line's history.
type VersionExplained struct {
	Version int64              `json:"version"`
	At      time.Time          `json:"at"`
	Pending int64              `json:"pending"`
	Earned  int64              `json:"earned"`
	Reason  attribution.Reason `json:"reason,omitempty"`
}

// PostingExplained is a transfer in the ledger.
type PostingExplained struct {
	Version int64          `json:"version"`
	At      time.Time      `json:"at"`
	Debit   ledger.Account `json:"debit"`
	Credit  ledger.Account `json:"credit"`
	Amount  int64          `json:"amount"`
}

var selectVersions = db.Statement(`SELECT version, body FROM decision WHERE lane = $1 AND subject = $2 ORDER BY version`)

// Explain reads the explanation of a line; NotFound where there is no such line.
func Explain(tx *db.Tx, marketplace uint16, orderID, lineID string) (*Explanation, error) {
	subject, lane := Subject(orderID, lineID), int64(marketplace)
	var e *Explanation
	var facts *commission.Facts
	var newest decision
	var versions []VersionExplained
	if err := tx.Each(selectVersions, func(scan func(...any) error) error {
		var version int64
		var body string
		if err := scan(&version, &body); err != nil {
			return err
		}
		newest = decision{}
		if err := json.Unmarshal([]byte(body), &newest); err != nil {
			return err
		}
		if newest.Facts != nil {
			facts = newest.Facts
		}
		t := newest.Targets
		versions = append(versions, VersionExplained{version, clock.FromMicro(newest.Now), t.Pending, t.Earned, t.Reason})
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
		e.Postings = append(e.Postings, PostingExplained{t.Version, t.At, t.Debit, t.Credit, t.Amount})
	}
	return e, err
}

// explain is pure: everything in it comes from the decision.
func explain(f *commission.Facts, d decision) *Explanation {
	basis, verdict := commission.Credit(*f)
	t := d.Targets
	e := &Explanation{Marketplace: f.Market, Currency: f.Currency, SKU: f.SKU, Category: f.Category, Seller: f.Seller, Quantity: f.Quantity,
		Net: f.Net, Digital: f.Line.Digital, OrderedAt: clock.FromMicro(f.Line.OrderedAt), AddedAt: instant(f.Line.AddedAt),
		Credited: basis.Credited, Direct: basis.Direct, Reason: t.Reason, SessionEnd: instant(verdict.EndedAt), Goods: t.Fold,
		Pending: t.Pending, Earned: t.Earned, Touches: []TouchExplained{}, Months: []MonthExplained{}, Events: []EventExplained{},
		Postings: []PostingExplained{}}
	if basis.Creator != 0 {
		e.Creator, e.Program = basis.Creator.Text(id.Creator), click.Program(basis.Program).String()
		e.Tracking = basis.Tracking.Text(id.Tracking)
	}
	e.Rules = Rules{f.Policy.SessionHours, f.Policy.CartDays, f.Policy.LapseDays, f.Policy.HoldDays, f.Policy.ResaleUnits, f.Buyer.Units}
	if f.Rate != nil {
		e.Rate = &RateExplained{f.Rate.Card.Text(id.RateCard), f.Rate.Version, f.Rate.Effective, f.Rate.Match, f.Rate.BPS, f.Rate.Cap, f.Rate.CapFrom}
	}
	for _, at := range f.Ends {
		e.OtherOrders = append(e.OtherOrders, clock.FromMicro(at))
	}
	fates := attribution.Fates(f.Touches, f.Line, f.Ends, f.Policy)
	for i, touch := range f.Touches {
		e.Touches = append(e.Touches, explainTouch(touch, fates[i], i == verdict.Winner))
	}
	sort.SliceStable(e.Touches, func(i, j int) bool { return before(e.Touches[i].At, e.Touches[j].At) })
	zone := market.Market{Zone: f.Zone}.Location()
	for month, amount := range t.Months {
		e.Months = append(e.Months, MonthExplained{month, amount, market.Month(month).Payable(zone, f.Policy.HoldDays)})
	}
	sort.Slice(e.Months, func(i, j int) bool { return e.Months[i].Month < e.Months[j].Month })
	for _, a := range d.Events {
		e.Events = append(e.Events, EventExplained{a.Type, clock.FromMicro(a.At), a.Quantity, a.Amount, a.Month})
	}
	return e
}

func explainTouch(t attribution.Touch, fate attribution.Reason, won bool) TouchExplained {
	e := TouchExplained{Source: t.Source, At: instant(t.At), Won: won, Reason: fate, Standing: t.StandingThen, Kind: click.LinkKind(t.Kind).String()}
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

// ExplainOrder explains every line of an order, and names the events that wait for it.
func ExplainOrder(tx *db.Tx, marketplace uint16, orderID string) (lines []*Explanation, waits []string, err error) {
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
		e, err := Explain(tx, marketplace, orderID, one)
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, e)
	}
	return lines, waits, nil
}

// For is the explanation as one creator may read it: other creators' touches keep their instant and their fate, and lose
// their names. What the shopper bought elsewhere stays an instant.
func (e *Explanation) For(creator id.ID) *Explanation {
	own := *e
	me := creator.Text(id.Creator)
	own.Touches = make([]TouchExplained, len(e.Touches))
	for i, t := range e.Touches {
		if t.Creator != me {
			t.Click, t.Creator, t.Tracking, t.Link, t.Program, t.Standing = "", "", "", "", "", ""
		}
		own.Touches[i] = t
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
