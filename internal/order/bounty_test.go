package order

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tributary/internal/fault"
	"tributary/internal/money"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func completed(change ...func(*Event)) Event {
	e := Event{ID: "evt-7", Type: TypeBountyCompleted, Market: "us", OccurredAt: noon, BountyPart: BountyPart{Bounty: "b-1", Action: "trade_in",
		Value: &money.Money{Amount: 12000, Currency: "USD"}, Shopper: &Shopper{Customer: "c-78", NewCustomer: true}, Clicks: []string{"token"}}}
	for _, one := range change {
		one(&e)
	}
	return e
}

func reversed(change ...func(*Event)) Event {
	e := Event{ID: "evt-8", Type: TypeBountyReversed, Market: "us", OccurredAt: noon, BountyPart: BountyPart{Bounty: "b-1"}}
	for _, one := range change {
		one(&e)
	}
	return e
}

// The events are read as the interface writes them, and written without an order.
func TestBountyEventsOnTheWire(t *testing.T) {
	for _, text := range []string{
		`{"id":"evt-7","type":"bounty.completed","marketplace":"us","occurred_at":"2026-11-22T12:00:00Z","bounty":"b-1","action":"trade_in",` +
			`"value":{"amount":12000,"currency":"USD"},"shopper":{"customer":"c-78","new_customer":true},"clicks":["token"]}`,
		`{"id":"evt-8","type":"bounty.reversed","marketplace":"us","occurred_at":"2026-11-22T12:00:00Z","bounty":"b-1"}`,
	} {
		e, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Check(noon, "USD", false); err != nil {
			t.Errorf("%s: %v", e.Type, err)
		}
		if again, err := json.Marshal(e); err != nil || string(again) != text {
			t.Errorf("written as %s, %v\nread as    %s", again, err, text)
		}
	}
}

func TestBadBountyEvents(t *testing.T) {
	for want, e := range map[string]Event{
		"bounty: is missing": completed(func(e *Event) { e.Bounty = "" }),
		"action: is missing": completed(func(e *Event) { e.Action = "" }),
		`action: "Trade-in" is not the name of an action of 64 characters at most; use small letters, digits and _`: completed(func(e *Event) { e.Action = "Trade-in" }),
		"action: \"aaaa":                      completed(func(e *Event) { e.Action = strings.Repeat("a", MaxAction+1) }),
		"occurred_at: is missing":             completed(func(e *Event) { e.OccurredAt = time.Time{} }),
		"value.currency: is EUR":              completed(func(e *Event) { e.Value = &money.Money{Amount: 1, Currency: "EUR"} }),
		"value.amount: is -1":                 completed(func(e *Event) { e.Value = &money.Money{Amount: -1, Currency: "USD"} }),
		"shopper: names neither":              completed(func(e *Event) { e.Shopper = nil }),
		"shopper: names neither customer":     completed(func(e *Event) { e.Shopper = &Shopper{Customer: " ", Address: "x"} }),
		"shopper: holds a fact of more":       completed(func(e *Event) { e.Shopper.Email = strings.Repeat("a", MaxText+1) }),
		"clicks: has 11 tokens":               completed(func(e *Event) { e.Clicks = make([]string, MaxClicks+1) }),
		"order: a bounty is of no order":      completed(func(e *Event) { e.Order = "1001" }),
		"line: a bounty is of no line":        completed(func(e *Event) { e.Quantity = 1 }),
		"bounty: has 129 characters":          reversed(func(e *Event) { e.Bounty = strings.Repeat("b", MaxID+1) }),
		"action: a reversal names its bounty": reversed(func(e *Event) { e.Action = "trade_in" }),
		"action: a reversal names":            reversed(func(e *Event) { e.Shopper = &Shopper{} }),
		"shopper: stands beside the order": {ID: "e", Type: TypePaid, Market: "us", OccurredAt: noon, Order: "1",
			BountyPart: BountyPart{Shopper: &Shopper{}}},
		"clicks: stand beside the order":  {ID: "e", Type: TypePaid, Market: "us", OccurredAt: noon, Order: "1", BountyPart: BountyPart{Clicks: []string{"x"}}},
		"bounty: only events of bounties": {ID: "e", Type: TypePaid, Market: "us", OccurredAt: noon, Order: "1", BountyPart: BountyPart{Bounty: "x"}},
		"action: only events of bounties": {ID: "e", Type: TypePaid, Market: "us", OccurredAt: noon, Order: "1", BountyPart: BountyPart{Action: "x"}},
		"value: only events of bounties": {ID: "e", Type: TypePaid, Market: "us", OccurredAt: noon, Order: "1",
			BountyPart: BountyPart{Value: &money.Money{}}},
	} {
		err := e.Check(noon, "USD", false)
		if err == nil || !strings.HasPrefix(err.Error(), want) || !fault.Is(err, fault.Invalid) || fault.Of(err).Fix == "" {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for name, e := range map[string]Event{
		"by e-mail":     completed(func(e *Event) { e.Shopper = &Shopper{Email: "x@y.example"} }),
		"without value": completed(func(e *Event) { e.Value = nil }),
		"without click": completed(func(e *Event) { e.Clicks = nil }),
		"reversed":      reversed(),
	} {
		if err := e.Check(noon, "USD", false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Shopper facts are no part of what makes an event the same; everything else is.
func TestHashOfBountyEvents(t *testing.T) {
	base := completed()
	if other := completed(func(e *Event) { e.Shopper = &Shopper{Email: "x@y.example"} }); !bytes.Equal(base.Hash(), other.Hash()) {
		t.Error("the shopper's facts change the hash")
	}
	for name, other := range map[string]Event{
		"bounty": completed(func(e *Event) { e.Bounty = "b-2" }),
		"action": completed(func(e *Event) { e.Action = "trial" }),
		"value":  completed(func(e *Event) { e.Value.Amount++ }),
		"clicks": completed(func(e *Event) { e.Clicks = nil }),
		"type":   reversed(),
	} {
		if bytes.Equal(base.Hash(), other.Hash()) {
			t.Errorf("%s is no part of the hash", name)
		}
	}
}
