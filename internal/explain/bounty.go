package explain

import (
	"encoding/json"
	"sort"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/bounty"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
)

// Bounty says why a completed action earns what it earns, or why nothing: from its stored decisions alone.
// Amounts are minor units of Currency.
type Bounty struct {
	Marketplace string             `json:"marketplace"`
	Currency    string             `json:"currency"`
	Bounty      string             `json:"bounty"`
	Action      string             `json:"action"`
	CompletedAt time.Time          `json:"completed_at"`
	Value       *int64             `json:"value,omitempty"`
	NewCustomer bool               `json:"new_customer"`
	Offer       *BountyOffer       `json:"offer,omitempty"` // in force at that instant
	Creator     string             `json:"creator,omitempty"`
	Credited    bool               `json:"credited"`
	Program     string             `json:"program,omitempty"`
	Tracking    string             `json:"tracking,omitempty"`
	Link        string             `json:"link,omitempty"`
	Reason      attribution.Reason `json:"reason,omitempty"`
	Touches     []Touch            `json:"touches"`
	SessionEnd  *time.Time         `json:"session_end,omitempty"`
	OtherOrders []time.Time        `json:"other_orders,omitempty"` // orders of the shopper that may have ended a session
	Matches     []string           `json:"matches,omitempty"`      // kinds of the customer's facts that are also the creator's
	Earlier     string             `json:"earlier,omitempty"`      // the completion that stands before this one
	ReversedAt  *time.Time         `json:"reversed_at,omitempty"`
	Amount      int64              `json:"amount"`     // what it pays where nothing stands against it
	WindowEnd   time.Time          `json:"window_end"` // last instant at which it is pending
	Month       string             `json:"month"`      // booked in: that in which the window ends, where it was open then
	Rules       BountyRules        `json:"rules"`
	Pending     int64              `json:"pending"`
	Earned      int64              `json:"earned"`
	Months      []Month            `json:"months"`
	Versions    []Version          `json:"versions"`
	Withheld    *Withheld          `json:"withheld,omitempty"` // what was earned waits for the enrolment's approval
	Postings    []Posting          `json:"postings"`
}

// BountyOffer is the version of the offer that applied.
type BountyOffer struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Amount       int64      `json:"amount,omitempty"`
	ShareBPS     int64      `json:"share_bps,omitempty"`
	Max          int64      `json:"max,omitempty"`
	From         time.Time  `json:"from"`
	Until        *time.Time `json:"until,omitempty"` // first instant after it
	NewCustomers bool       `json:"new_customers,omitempty"`
}

// BountyRules are the policy's numbers that the decision was made under.
type BountyRules struct {
	SessionHours int `json:"session_hours"`
	WindowDays   int `json:"window_days"`
	HoldDays     int `json:"hold_days"`
}

// OneBounty reads the explanation of a completed bounty; NotFound where there is none of that id.
func OneBounty(tx *db.Tx, marketplace uint16, bountyID string) (*Bounty, error) {
	subject, lane := decision.BountySubject(bountyID), int64(marketplace)
	var facts *bounty.Facts
	var newest bounty.Decision
	var versions []Version
	if err := tx.Each(selectVersions, func(scan func(...any) error) error {
		var version int64
		var body string
		if err := scan(&version, &body); err != nil {
			return err
		}
		newest = bounty.Decision{}
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
		return nil, fault.New(fault.NotFound, "bounty", "there is no such completed bounty in this marketplace", "check its id")
	}
	e := explainBounty(*facts, newest.Targets)
	e.Versions = versions
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

// explainBounty is pure: everything in it comes from the decision.
func explainBounty(f bounty.Facts, t bounty.Targets) *Bounty {
	b, verdict := bounty.Decide(f)
	e := &Bounty{Marketplace: f.Market, Currency: f.Currency, Bounty: f.Bounty, Action: f.Action, CompletedAt: clock.FromMicro(f.At),
		Value: f.Value, NewCustomer: f.New, Credited: b.Credited, Reason: t.Reason, SessionEnd: instant(verdict.EndedAt), Earlier: f.Earlier,
		Amount: b.Amount, WindowEnd: clock.FromMicro(b.WindowEnd), Month: f.Month, Pending: t.Pending, Earned: t.Earned, Touches: []Touch{},
		Months: []Month{}, Postings: []Posting{}}
	e.Rules = BountyRules{f.Policy.SessionHours, int((b.WindowEnd - f.At) / (24 * time.Hour).Microseconds()), f.Policy.HoldDays}
	if b.Creator != 0 {
		e.Creator, e.Tracking = b.Creator.Text(id.Creator), b.Tracking.Text(id.Tracking)
		e.Program = click.Program(b.Program).String()
	}
	if b.Link != 0 {
		e.Link = b.Link.Text(id.Link)
	}
	if o := f.Offer; o != nil {
		e.Offer = &BountyOffer{ID: o.ID.Text(id.Bounty), Name: o.Name, Amount: o.Amount, ShareBPS: o.ShareBPS, Max: o.Max,
			From: o.From, NewCustomers: o.NewCustomers}
		if !o.Until.IsZero() {
			e.Offer.Until = &o.Until
		}
	}
	if f.Reversed != nil {
		e.ReversedAt = instant(f.Reversed.At)
	}
	for _, at := range f.Ends {
		e.OtherOrders = append(e.OtherOrders, clock.FromMicro(at))
	}
	for _, match := range f.Buyer.Matches {
		if match.Creator == b.Creator {
			e.Matches = append(e.Matches, match.Kind)
		}
	}
	fates := bounty.Fates(f)
	for i, touch := range f.Touches {
		e.Touches = append(e.Touches, explainTouch(touch, fates[i], i == verdict.Winner))
	}
	sort.SliceStable(e.Touches, func(i, j int) bool { return before(e.Touches[i].At, e.Touches[j].At) })
	zone := market.Market{Zone: f.Zone}.Location()
	for month, amount := range t.Months {
		e.Months = append(e.Months, Month{month, amount, market.Month(month).Payable(zone, f.Policy.HoldDays)})
	}
	sort.Slice(e.Months, func(i, j int) bool { return e.Months[i].Month < e.Months[j].Month })
	return e
}

// For is the explanation as one creator may read it: other creators' touches lose their names, and another completion of
// the customer loses its id, since it may have been another creator's.
func (e *Bounty) For(creator id.ID) *Bounty {
	own := *e
	whole := &Explanation{Touches: e.Touches, Postings: e.Postings}
	mine := whole.For(creator)
	own.Touches, own.Postings, own.Earlier = mine.Touches, mine.Postings, ""
	if e.Creator != creator.Text(id.Creator) {
		own.Withheld = nil
	}
	return &own
}
