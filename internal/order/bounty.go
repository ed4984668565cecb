package order

import (
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/money"
)

// The events of a bounty (docs/spec.md §6, §7): a shopper did what a bounty is paid for, and the store took that back.

// MaxAction is how long the name of an action may be.
const MaxAction = 64

// BountyPart is what the events of bounties carry beside id, type, marketplace and time.
type BountyPart struct {
	Bounty  string       `json:"bounty,omitempty"` // the store's own id of it
	Action  string       `json:"action,omitempty"` // such as business_signup
	Value   *money.Money `json:"value,omitempty"`  // what a share is paid of
	Shopper *Shopper     `json:"shopper,omitempty"`
	Clicks  []string     `json:"clicks,omitempty"`
}

// OfBounty tells whether an event of this type is of a bounty, and of no order.
func (t Type) OfBounty() bool { return t == TypeBountyCompleted || t == TypeBountyReversed }

// checkAction refuses a text that cannot name an action: a bounty and the events of it are matched letter by letter.
func checkAction(field, action string) error {
	if action == "" {
		return fault.Invalidf(field, "is missing", "send the name of the action, such as business_signup")
	}
	if len(action) > MaxAction || strings.Trim(action, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return fault.Invalidf(field, "%q is not the name of an action of %d characters at most", "use small letters, digits and _",
			clip(action), MaxAction)
	}
	return nil
}

func (e Event) checkBounty(currency string) error {
	if e.Placed != nil || e.Order != "" {
		return fault.Invalidf("order", "a bounty is of no order", "leave it out")
	}
	if e.Line != "" || e.Quantity != 0 || e.Amount != nil {
		return fault.Invalidf("line", "a bounty is of no line", "leave line, quantity and amount out")
	}
	if err := checkID("bounty", e.Bounty); err != nil {
		return err
	}
	if e.Type == TypeBountyReversed {
		if e.Action != "" || e.Value != nil || e.Shopper != nil || len(e.Clicks) > 0 {
			return fault.Invalidf("action", "a reversal names its bounty and nothing else",
				"leave action, value, shopper and clicks out")
		}
		return nil
	}
	if err := checkAction("action", e.Action); err != nil {
		return err
	}
	if e.Value != nil {
		if err := checkMoney("value", *e.Value, currency); err != nil {
			return err
		}
	}
	if e.Shopper == nil || strings.TrimSpace(e.Shopper.Customer) == "" && strings.TrimSpace(e.Shopper.Email) == "" {
		return fault.Invalidf("shopper", "names neither customer nor email, and a bounty is paid once for each customer",
			"send one of them")
	}
	if err := e.Shopper.check("shopper"); err != nil {
		return err
	}
	if len(e.Clicks) > MaxClicks {
		return fault.Invalidf("clicks", "has %d tokens, and may have %d", "send the newest ones", len(e.Clicks), MaxClicks)
	}
	return nil
}

// checkAbsent refuses what only a bounty's event carries.
func (b BountyPart) checkAbsent() error {
	switch {
	case b.Bounty != "":
		return fault.Invalidf("bounty", "only events of bounties carry it", "leave it out")
	case b.Action != "":
		return fault.Invalidf("action", "only events of bounties carry it", "leave it out")
	case b.Value != nil:
		return fault.Invalidf("value", "only events of bounties carry it", "leave it out")
	case b.Shopper != nil:
		return fault.Invalidf("shopper", "stands beside the order", "send it as order.shopper")
	case len(b.Clicks) > 0:
		return fault.Invalidf("clicks", "stand beside the order", "send them with each line of the order")
	}
	return nil
}

// BountyContent tells a completed bounty that is sent again from one that was changed; the shopper's facts are left out.
func (e Event) BountyContent() []byte {
	return contentOf(BountyPart{Action: e.Action, Value: e.Value, Clicks: e.Clicks}, e.OccurredAt.UTC().Format(time.RFC3339Nano))
}
