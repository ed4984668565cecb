package claim

import (
	"time"

	"tributary/internal/explain"
	"tributary/internal/id"
)

// Case says in one word what the system knows.
type Case string

// The cases.
const (
	Credited    Case = "credited"     // one line at least is credited to the creator
	Touched     Case = "touched"      // none is, and a touch of the creator's came with one
	NoClick     Case = "no_click"     // the order is known, and no touch of the creator's came with it
	Waiting     Case = "waiting"      // events wait for the order, which the store has not reported
	NotReported Case = "not_reported" // nothing is known of it
	ByDate      Case = "by_date"      // what happened around a date
)

// Known is what the system knows about a question, as its creator may read it. Amounts are minor units of Currency.
type Known struct {
	Case     Case     `json:"case"`
	Words    []string `json:"words"`
	Order    string   `json:"order,omitempty"`
	Currency string   `json:"currency,omitempty"` // where a line shows amounts
	Lines    []Line   `json:"lines"`
	// Claimable: a person may be asked. It is not where every line is credited and worth something, or waits for its payment.
	Claimable bool `json:"claimable"`

	// By date only.
	Date    string  `json:"date,omitempty"`
	Days    []Day   `json:"days,omitempty"`
	Clicks  []Click `json:"clicks,omitempty"` // the newest ones
	Orders  []Known `json:"orders,omitempty"` // in which a touch of the creator's took part
	Partial bool    `json:"partial,omitempty"`
}

// Line is what a creator may know of a line. What was bought is told only of lines that stand in the creator's own report.
type Line struct {
	Line      string     `json:"line"`
	Credited  bool       `json:"credited"`
	Reason    string     `json:"reason,omitempty"` // why it earns this creator nothing
	Words     string     `json:"words"`
	OrderedAt *time.Time `json:"ordered_at,omitempty"`
	Touches   []Touch    `json:"touches,omitempty"` // the creator's own, oldest first
	Own       *Own       `json:"own,omitempty"`
}

// Own is what stands in the creator's report about a line.
type Own struct {
	SKU      string `json:"sku"`
	Title    string `json:"title,omitempty"`
	Quantity int64  `json:"quantity"`
	Net      int64  `json:"net"`
	Pending  int64  `json:"pending"`
	Earned   int64  `json:"earned"`
	// Fits: it is what a question by date describes.
	Fits bool `json:"fits,omitempty"`
}

// End says what ended the session of a touch, or took the line from it.
type End string

// What can end a session.
const (
	EndOtherClick End = "other_click" // a click on another creator's link
	EndOwnClick   End = "own_click"   // a later click of the same creator's won
	EndOrder      End = "order"       // the shopper ordered something else
	EndTime       End = "time"        // its hours were over
	EndCart       End = "cart_days"   // added in time, ordered after the days that a cart has
	EndView       End = "view"        // a later view of a video won
	EndCoupon     End = "coupon"      // a coupon won
)

// Touch is a touch of the creator's and what became of it, with the evidence.
type Touch struct {
	Click    string     `json:"click,omitempty"`
	Source   string     `json:"source"`
	At       *time.Time `json:"at,omitempty"`
	Program  string     `json:"program,omitempty"`
	Tracking string     `json:"tracking,omitempty"`
	Coupon   string     `json:"coupon,omitempty"`
	View     bool       `json:"view,omitempty"` // of a video on a product page
	Won      bool       `json:"won"`
	Reason   string     `json:"reason,omitempty"`
	EndedAt  *time.Time `json:"ended_at,omitempty"`
	EndedBy  End        `json:"ended_by,omitempty"`
	Standing string     `json:"standing,omitempty"` // of the enrolment at the touch, where that is the reason
	Rule     string     `json:"rule,omitempty"`     // by which it was found invalid traffic
	Words    string     `json:"words"`
}

// Tell answers from the explanations of an order's lines, as far as this creator may know. waiting says that events wait
// for the order. It is pure, and what it gives holds nothing of anybody else's.
func Tell(lines []*explain.Explanation, waiting bool, creator id.ID, zone *time.Location) Known {
	k := Known{Case: NoClick, Lines: []Line{}, Claimable: true}
	switch {
	case len(lines) == 0 && waiting:
		k.Case = Waiting
	case len(lines) == 0:
		k.Case = NotReported
	}
	settled := true
	for _, e := range lines {
		l := tellLine(e, creator, zone)
		switch {
		case l.Credited:
			k.Case = Credited
		case len(l.Touches) > 0 && k.Case != Credited:
			k.Case = Touched
		}
		if l.Own != nil {
			k.Currency = e.Currency
		}
		settled = settled && l.settled()
		k.Lines = append(k.Lines, l)
	}
	if k.Case == NoClick {
		k.Lines = []Line{} // not even how many there are
	}
	k.Claimable = k.Case != Credited && k.Case != Touched || !settled
	k.Words = k.sentences()
	return k
}

// settled: there is nothing to ask for.
func (l Line) settled() bool {
	return l.Credited && l.Own != nil && l.Own.Pending+l.Own.Earned > 0 || l.Reason == "awaiting_payment"
}

func tellLine(e *explain.Explanation, creator id.ID, zone *time.Location) Line {
	me := creator.Text(id.Creator)
	l := Line{Line: e.Line, Reason: "no_touch"}
	for i := range e.Touches {
		if e.Touches[i].Creator == me {
			t := tellTouch(e, i, zone)
			l.Touches, l.Reason = append(l.Touches, t), t.Reason
		}
	}
	if e.Creator == me { // it stands in this creator's report, where sku and amounts are shown
		l.Credited, l.Reason = e.Credited, string(e.Reason)
		l.Own = &Own{SKU: e.SKU, Quantity: e.Quantity, Net: e.Net, Pending: e.Pending, Earned: e.Earned}
	}
	if l.Own != nil || len(l.Touches) > 0 {
		l.OrderedAt = &e.OrderedAt
	}
	l.Words = lineWords(e, l)
	return l
}

// tellTouch is the fate of a touch of the creator's own.
func tellTouch(e *explain.Explanation, i int, zone *time.Location) Touch {
	from := e.Touches[i]
	t := Touch{Click: from.Click, Source: string(from.Source), At: from.At, Program: from.Program, Tracking: from.Tracking,
		Coupon: from.Coupon, View: from.View, Won: from.Won, Reason: string(from.Reason), Rule: from.Rule}
	if t.Reason == "enrolment_not_active" {
		t.Standing = from.Standing
	}
	if !t.Won {
		t.EndedAt, t.EndedBy = ending(e, i)
	}
	t.Words = touchWords(e, t, zone)
	return t
}

// ending finds when, and by what, the session of a touch ended for its line (docs/spec.md §5.2), from the explanation: the
// evidence for the reason that attribution gave.
func ending(e *explain.Explanation, i int) (*time.Time, End) {
	t := e.Touches[i]
	if t.Reason == "superseded" {
		return taker(e, i)
	}
	if !hasSession(t) {
		return nil, ""
	}
	hours := t.At.Add(time.Duration(e.Rules.SessionHours) * time.Hour)
	switch t.Reason {
	case "session_ended":
		for _, at := range e.OtherOrders { // oldest first
			if at.After(*t.At) {
				return &at, EndOrder
			}
		}
	case "expired":
		if entered(e).After(hours) {
			return &hours, EndTime
		}
		days := t.At.Add(time.Duration(e.Rules.CartDays) * 24 * time.Hour)
		return &days, EndCart
	}
	return nil, ""
}

// taker finds what superseded a touch: the first click of another creator behind it that counts, if it came before the
// line was chosen; else whatever won the line.
func taker(e *explain.Explanation, i int) (*time.Time, End) {
	t := e.Touches[i]
	for j, other := range e.Touches { // oldest first
		if j == i || !hasSession(t) || !endsSessions(other) || other.Creator == t.Creator || !behind(other, t) {
			continue
		}
		if !other.At.After(entered(e)) {
			return other.At, EndOtherClick
		}
	}
	for _, winner := range e.Touches {
		switch {
		case !winner.Won:
		case winner.Source == "coupon":
			return nil, EndCoupon
		case winner.View:
			return winner.At, EndView
		case winner.Creator == t.Creator:
			return winner.At, EndOwnClick
		default:
			return winner.At, EndOtherClick
		}
	}
	return nil, ""
}

// behind tells whether a click came after a touch: at the same instant it is behind a view, and behind a smaller click id.
func behind(click, touch explain.Touch) bool {
	if !click.At.Equal(*touch.At) {
		return click.At.After(*touch.At)
	}
	return touch.View || click.Click > touch.Click // ids are written so that they sort
}

// hasSession tells a click or a view from a coupon, and from what could not be read.
func hasSession(t explain.Touch) bool { return t.At != nil && t.Source != "coupon" }

// endsSessions tells whether a touch is a click that counts: views and coupons end nobody's session, and what does not
// count is as if it had not happened. A click of an enrolment that was active then and has closed since did end others.
func endsSessions(t explain.Touch) bool {
	if !hasSession(t) || t.View {
		return false
	}
	switch t.Reason {
	case "bad_token", "wrong_marketplace", "invalid_traffic", "paid_ad":
		return false
	case "enrolment_not_active":
		return t.StoodActive()
	}
	return true
}

// entered is when the line was chosen: put in the cart, where that is known, else ordered.
func entered(e *explain.Explanation) time.Time {
	if e.AddedAt != nil && !e.Digital {
		return *e.AddedAt
	}
	return e.OrderedAt
}
