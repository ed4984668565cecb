// Package order takes the store's events and folds them into what a line is worth (docs/spec.md §6): units and amounts
// shipped, cancelled, returned, refunded, and the months in which a commission was earned.
//
// What must always hold: the fold depends on the set of events alone, not on the order in which they came; an event that
// breaks the arithmetic changes nothing; one that is merely early waits.
//
// It knows no creator, no rate and no account. Accrual loads and saves its rows.
package order

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"tributary/internal/fault"
	"tributary/internal/money"
)

// Type names an event.
type Type string

// The events of docs/spec.md §6 that this version takes.
const (
	TypePlaced    Type = "order.placed"
	TypePaid      Type = "order.paid"
	TypeShipped   Type = "line.shipped"
	TypeCancelled Type = "line.cancelled"
	TypeReturned  Type = "line.returned"
	TypeRefunded  Type = "line.refunded"

	TypeBountyCompleted Type = "bounty.completed"
	TypeBountyReversed  Type = "bounty.reversed"
)

// Limits of one event (docs/spec.md §11: documented and enforced).
const (
	MaxID       = 128       // characters of an id of event, order, line or sku
	MaxLines    = 500       // lines of one order.placed
	MaxClicks   = 10        // click tokens of one line, or of one bounty
	MaxCoupons  = 10        // coupons of one order
	MaxText     = 512       // characters of a category path or a shopper fact
	MaxQuantity = 1_000_000 // units of a line
	// MaxAhead is how far an event may lie in the future: clocks of honest stores differ by seconds.
	MaxAhead = 24 * time.Hour
)

// Event is one thing that happened to an order, or to a bounty. Amounts are of the whole line (§6), without tax and shipping.
type Event struct {
	ID         string       `json:"id"`
	Type       Type         `json:"type"`
	Market     string       `json:"marketplace"`
	OccurredAt time.Time    `json:"occurred_at"`
	Placed     *Placed      `json:"-"` // order.placed: the key `order` holds an object
	Order      string       `json:"-"` // every type: the store's id of the order
	Line       string       `json:"line,omitempty"`
	Quantity   int64        `json:"quantity,omitempty"`
	Amount     *money.Money `json:"amount,omitempty"`
	BountyPart
}

// Placed is what order.placed carries.
type Placed struct {
	ID       string   `json:"id"`
	Currency string   `json:"currency"`
	Coupons  []string `json:"coupons,omitempty"`
	Shopper  *Shopper `json:"shopper,omitempty"`
	Lines    []Line   `json:"lines"`
}

// Shopper holds facts of the shopper, plain or `sha256:<hex>`; they are keyed at the door and never stored plain.
type Shopper struct {
	Customer    string `json:"customer,omitempty"`
	Email       string `json:"email,omitempty"`
	Address     string `json:"address,omitempty"`
	Household   string `json:"household,omitempty"`
	Payment     string `json:"payment,omitempty"`
	Device      string `json:"device,omitempty"`
	Business    bool   `json:"business,omitempty"`
	NewCustomer bool   `json:"new_customer,omitempty"`
}

// Line is one line of order.placed.
type Line struct {
	ID       string      `json:"id"`
	SKU      string      `json:"sku"`
	Quantity int64       `json:"quantity"`
	Amount   money.Money `json:"amount"`
	Category string      `json:"category,omitempty"`
	Seller   string      `json:"seller,omitempty"`
	Digital  bool        `json:"digital,omitempty"`
	Clicks   []string    `json:"clicks,omitempty"`
	AddedAt  *time.Time  `json:"added_at,omitempty"`
	// Touches are clicks known from elsewhere, by tracking id and time: accepted from an operator only.
	Touches []Imported `json:"touches,omitempty"`
}

// Imported is a click that was recorded by another system.
type Imported struct {
	Tag       string    `json:"tag"`
	ClickedAt time.Time `json:"clicked_at"`
}

// UnmarshalJSON reads an event; unknown fields are refused, since a misspelt field would silently lose money.
func (e *Event) UnmarshalJSON(raw []byte) error {
	type plain Event
	var wire struct {
		plain
		Order json.RawMessage `json:"order"`
	}
	if err := strictly(raw, &wire); err != nil {
		return err
	}
	*e = Event(wire.plain)
	if len(wire.Order) == 0 {
		return nil // Check names the missing field
	}
	if wire.Order[0] == '{' {
		e.Placed = &Placed{}
		err := strictly(wire.Order, e.Placed)
		e.Order = e.Placed.ID
		return err
	}
	return json.Unmarshal(wire.Order, &e.Order)
}

// MarshalJSON writes the form that UnmarshalJSON reads.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	var order any = e.Order
	switch {
	case e.Placed != nil:
		order = e.Placed
	case e.Type.OfBounty() && e.Order == "":
		order = nil // it is of no order
	}
	return json.Marshal(struct {
		plain
		Order any `json:"order,omitempty"`
	}{plain(e), order})
}

func strictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// Parse reads one event and checks its form; what it returns as error may be shown.
func Parse(raw []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, unreadable(err)
	}
	return e, nil
}

func unreadable(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fault.Invalidf(wrongType.Field, "is %s where %s is expected", "send the type that the interface names", wrongType.Value, wrongType.Type).Because(err)
	}
	if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return fault.Invalidf(strings.Trim(clip(name), `"`), "is not a field of this event", "check the spelling, or leave it out").Because(err)
	}
	var wrongTime *time.ParseError
	if errors.As(err, &wrongTime) {
		return fault.Invalidf("", "%s is not a time", "write RFC 3339, such as 2026-11-22T14:03:11Z", clip(wrongTime.Value)).Because(err)
	}
	return fault.Invalidf("", "the event is not readable JSON", "send one JSON object for each event").Because(err)
}

// Hash tells whether two events of one id are the same: a hash of what was parsed, without shopper facts (§11).
func (e Event) Hash() []byte {
	if e.Placed != nil {
		bare := *e.Placed
		bare.Shopper = nil
		e.Placed = &bare
	}
	e.Shopper = nil
	raw, err := json.Marshal(e)
	if err != nil {
		panic(err) // every field marshals
	}
	sum := sha256.Sum256(raw)
	return sum[:16]
}

// Check refuses an event that could never be right: field, rule, fix. currency is the marketplace's; operator tells
// whether imported touches are allowed.
func (e Event) Check(now time.Time, currency string, operator bool) error {
	if err := checkID("id", e.ID); err != nil {
		return err
	}
	if err := checkTime("occurred_at", e.OccurredAt, now); err != nil {
		return err
	}
	if e.Type.OfBounty() {
		return e.checkBounty(currency)
	}
	if err := e.BountyPart.checkAbsent(); err != nil {
		return err
	}
	switch e.Type {
	case TypePlaced:
		return e.checkPlaced(now, currency, operator)
	case TypePaid, TypeShipped, TypeCancelled, TypeReturned, TypeRefunded:
	default:
		return fault.Invalidf("type", "%q is not an event that is taken here",
			"send order.placed, order.paid, line.shipped, line.cancelled, line.returned, line.refunded, bounty.completed or bounty.reversed",
			clip(string(e.Type)))
	}
	if e.Placed != nil {
		return fault.Invalidf("order", "is an object, and only order.placed carries one", "send the order's id")
	}
	if err := checkID("order", e.Order); err != nil {
		return err
	}
	if e.Type != TypePaid {
		return e.checkLineEvent(currency)
	}
	if e.Line != "" || e.Quantity != 0 || e.Amount != nil {
		return fault.Invalidf("line", "order.paid is of a whole order", "leave line, quantity and amount out")
	}
	return nil
}

func (e Event) checkLineEvent(currency string) error {
	if err := checkID("line", e.Line); err != nil {
		return err
	}
	if e.Amount != nil {
		if err := checkMoney("amount", *e.Amount, currency); err != nil {
			return err
		}
	}
	if e.Type == TypeRefunded {
		if e.Quantity != 0 {
			return fault.Invalidf("quantity", "a refund is money without goods", "leave it out, or send line.returned")
		}
		if e.Amount == nil || e.Amount.Amount == 0 {
			return fault.Invalidf("amount", "is missing or 0, and a refund always gives one", "send what was given back")
		}
		return nil
	}
	if e.Quantity < 1 || e.Quantity > MaxQuantity {
		return fault.Invalidf("quantity", "is %d, and must be 1 to %d", "send the number of units", e.Quantity, MaxQuantity)
	}
	if e.Amount != nil && e.Type != TypeReturned {
		return fault.Invalidf("amount", "shipped and cancelled amounts are always proportional", "leave it out")
	}
	return nil
}

func (e Event) checkPlaced(now time.Time, currency string, operator bool) error {
	p := e.Placed
	if p == nil {
		return fault.Invalidf("order", "is missing, and order.placed carries the order itself", "send an object with id, currency and lines")
	}
	if err := checkID("order.id", p.ID); err != nil {
		return err
	}
	if e.Line != "" || e.Quantity != 0 || e.Amount != nil {
		return fault.Invalidf("line", "order.placed names its lines inside the order", "leave line, quantity and amount out")
	}
	if p.Currency != currency {
		return fault.Invalidf("order.currency", "is %q, and this marketplace sells in %s", "send the order to the marketplace of its currency", clip(p.Currency), currency)
	}
	if len(p.Coupons) > MaxCoupons {
		return fault.Invalidf("order.coupons", "has %d entries, and may have %d", "send the first ones", len(p.Coupons), MaxCoupons)
	}
	if len(p.Lines) == 0 || len(p.Lines) > MaxLines {
		return fault.Invalidf("order.lines", "has %d lines, and must have 1 to %d", "send further lines as a second order.placed of the same order", len(p.Lines), MaxLines)
	}
	if err := p.Shopper.check("order.shopper"); err != nil {
		return err
	}
	seen := make(map[string]bool, len(p.Lines))
	for i := range p.Lines {
		field := fmt.Sprintf("order.lines[%d]", i)
		if err := p.Lines[i].check(field, e.OccurredAt, now, currency, operator); err != nil {
			return err
		}
		if seen[p.Lines[i].ID] {
			return fault.Invalidf(field+".id", "%q stands twice in this order", "give every line an id of its own", clip(p.Lines[i].ID))
		}
		seen[p.Lines[i].ID] = true
	}
	return nil
}

func (s *Shopper) check(field string) error {
	if s == nil {
		return nil
	}
	for _, fact := range []string{s.Customer, s.Email, s.Address, s.Household, s.Payment, s.Device} {
		if len(fact) > MaxText || !utf8.ValidString(fact) {
			return fault.Invalidf(field, "holds a fact of more than %d characters or not in UTF-8", "send it as sha256:<hex>", MaxText)
		}
	}
	return nil
}

func (l Line) check(field string, placed, now time.Time, currency string, operator bool) error {
	if err := checkID(field+".id", l.ID); err != nil {
		return err
	}
	if err := checkID(field+".sku", l.SKU); err != nil {
		return err
	}
	if l.Quantity < 1 || l.Quantity > MaxQuantity {
		return fault.Invalidf(field+".quantity", "is %d, and must be 1 to %d", "send the number of units that were ordered", l.Quantity, MaxQuantity)
	}
	if err := checkMoney(field+".amount", l.Amount, currency); err != nil {
		return err
	}
	if len(l.Category) > MaxText || len(l.Seller) > MaxID || !utf8.ValidString(l.Category) || !utf8.ValidString(l.Seller) {
		return fault.Invalidf(field+".category", "category or seller is too long or not in UTF-8", "send a path such as Home > Kitchen")
	}
	if len(l.Clicks) > MaxClicks {
		return fault.Invalidf(field+".clicks", "has %d tokens, and may have %d", "send the newest ones", len(l.Clicks), MaxClicks)
	}
	if l.AddedAt != nil && l.AddedAt.After(placed) {
		return fault.Invalidf(field+".added_at", "is after the order", "send when this sku first entered the cart, or leave it out")
	}
	if len(l.Touches) > 0 && !operator {
		return fault.New(fault.Denied, field+".touches", "clicks of another system are taken from an operator only", "send click tokens in clicks")
	}
	if len(l.Touches) > MaxClicks {
		return fault.Invalidf(field+".touches", "has %d entries, and may have %d", "send the newest ones", len(l.Touches), MaxClicks)
	}
	for i, touch := range l.Touches {
		if err := checkTime(fmt.Sprintf("%s.touches[%d].clicked_at", field, i), touch.ClickedAt, now); err != nil {
			return err
		}
	}
	return nil
}

// earliest is before any order that can be imported, and keeps microseconds far from where they would wrap.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

func checkTime(field string, at, now time.Time) error {
	switch {
	case at.IsZero():
		return fault.Invalidf(field, "is missing", "send an RFC 3339 time such as 2026-11-22T14:03:11Z")
	case at.Before(earliest):
		return fault.Invalidf(field, "is before 1990", "send the time at which it happened")
	case at.After(now.Add(MaxAhead)):
		return fault.Invalidf(field, "lies more than 24 hours in the future", "send it when it has happened; the business time here is "+now.UTC().Format(time.RFC3339))
	}
	return nil
}

func checkMoney(field string, m money.Money, currency string) error {
	if err := m.Check(field); err != nil {
		return err
	}
	if m.Currency != currency {
		return fault.Invalidf(field+".currency", "is %s, and this marketplace sells in %s", "send the amount in the order's currency", m.Currency, currency)
	}
	if m.Amount < 0 {
		return fault.Invalidf(field+".amount", "is %d, and may not be negative", "send a return as line.returned", m.Amount)
	}
	return nil
}

func checkID(field, id string) error {
	if id == "" {
		return fault.Invalidf(field, "is missing", "send your own id of it")
	}
	if len(id) > MaxID {
		return fault.Invalidf(field, "has %d characters, and may have %d", "send a shorter id", len(id), MaxID)
	}
	for _, c := range id {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return fault.Invalidf(field, "holds a control character or is not in UTF-8", "send printable text")
		}
	}
	return nil
}

func clip(text string) string {
	const shown = 40
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return text
}

// Content tells a line that is sent again from one that was changed.
func (l Line) Content() []byte { return contentOf(l, "") }

// contentOf is a short hash of what a form says.
func contentOf(form any, more string) []byte {
	raw, err := json.Marshal(form)
	if err != nil {
		panic(err) // every field marshals
	}
	sum := sha256.Sum256(append(raw, more...))
	return sum[:8]
}
