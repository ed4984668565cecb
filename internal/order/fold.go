package order

import (
	"cmp"
	"slices"
	"time"

	"tributary/internal/money"
)

// Applied is an event of a line as the line keeps it: acknowledged, with its booking month.
type Applied struct {
	Type     Type   `json:"t"`
	Quantity int64  `json:"q,omitempty"`
	Amount   *int64 `json:"a,omitempty"` // minor units; refunds always, returns perhaps
	At       int64  `json:"o"`           // microseconds: when it happened
	Month    string `json:"m"`           // booking month (§10), fixed when it was first acknowledged
}

// Terms are what a line was ordered with.
type Terms struct {
	Quantity  int64
	Net       int64 // N: what was paid for all units
	Digital   bool
	OrderedAt int64 // microseconds
	// DigitalMonth is the booking month of a digital line, which ships when it is placed.
	DigitalMonth string
}

// History is a line with what happened to it, seen at an instant.
type History struct {
	Terms
	Events []Applied // in order of acknowledgement
	Now    time.Time
	Lapse  time.Duration // units still open this long after the order count as cancelled (§5.9)
}

func (h History) deadline() int64 { return h.OrderedAt + h.Lapse.Microseconds() }

// FirstShipped is the instant of the first shipment in time, in microseconds; 0 where nothing was shipped.
func (h History) FirstShipped() (first int64) {
	if h.Digital {
		return h.OrderedAt
	}
	for _, e := range h.Events {
		if e.Type == TypeShipped && e.At <= h.deadline() && (first == 0 || e.At < first) {
			first = e.At
		}
	}
	return first
}

// Fold is where a line stands: units, and amounts in minor units (§6).
type Fold struct {
	Shipped   int64 `json:"shipped"` // units shipped in time
	Late      int64 `json:"late,omitempty"`
	Cancelled int64 `json:"cancelled"`
	Lapsed    int64 `json:"lapsed,omitempty"`
	Returned  int64 `json:"returned"`
	Open      int64 `json:"open"`              // units neither shipped nor cancelled
	Waiting   int64 `json:"waiting,omitempty"` // returned units that are ahead of their shipment

	ShippedAmount  int64 `json:"shipped_amount"`
	Left           int64 `json:"left"` // N': what cancellation leaves
	ReturnedAmount int64 `json:"returned_amount"`
	RefundedAmount int64 `json:"refunded_amount"`
	Total          int64 `json:"total"`
	Base           int64 `json:"base"` // earned base
}

// KeptShipped and Kept are the units that a cap counts, for the earned base and for the total (§7).
func (f Fold) KeptShipped() int64 { return max(f.Shipped-f.Returned, 0) }

// Kept are the units ordered that neither cancellation nor return took.
func (f Fold) Kept(quantity int64) int64 { return max(quantity-f.Cancelled-f.Lapsed-f.Returned, 0) }

// Fold sums the events of a line. Units that are still open at the deadline count as cancelled; units shipped after it
// are recorded and earn nothing. The order of events does not matter, but for returns that are ahead of their shipment:
// they count as soon as it is there.
func (h History) Fold() Fold {
	var f Fold
	if h.Digital {
		f.Shipped = h.Quantity
	}
	for _, e := range h.Events {
		switch e.Type {
		case TypeShipped:
			if e.At > h.deadline() {
				f.Late += e.Quantity
			} else {
				f.Shipped += e.Quantity
			}
		case TypeCancelled:
			f.Cancelled += e.Quantity
		case TypeRefunded:
			f.RefundedAmount += *e.Amount
		}
	}
	f.Open = h.Quantity - f.Shipped - f.Late - f.Cancelled
	if h.Now.UnixMicro() > h.deadline() {
		f.Lapsed, f.Open = f.Open+f.Late, 0
	}
	h.addReturns(&f)
	f.ShippedAmount = money.MulDiv(h.Net, f.Shipped, h.Quantity)
	f.Left = money.MulDiv(h.Net, h.Quantity-f.Cancelled-f.Lapsed, h.Quantity)
	f.Total = max(f.Left-f.ReturnedAmount-f.RefundedAmount, 0)
	f.Base = min(max(f.ShippedAmount-f.ReturnedAmount-f.RefundedAmount, 0), f.Total)
	if f.Open == 0 && f.Returned >= f.Shipped {
		f.Total, f.Base = 0, 0 // every shipped unit is back, whatever was kept as a fee
	}
	return f
}

// addReturns counts the returned units for which a shipment is known. Those that happened first count first, whatever came
// in first; of one instant the smaller ones.
func (h History) addReturns(f *Fold) {
	proportional := int64(0)
	shipped := f.Shipped + f.Late
	for _, e := range h.returns() {
		if f.Returned+e.Quantity > shipped {
			f.Waiting += e.Quantity
			continue
		}
		f.Returned += e.Quantity
		if e.Amount != nil {
			f.ReturnedAmount += *e.Amount
		} else {
			proportional += e.Quantity
		}
	}
	f.ReturnedAmount += money.MulDiv(h.Net, proportional, h.Quantity)
}

// returns gives the returns in the order in which they happened.
func (h History) returns() (returns []Applied) {
	for _, e := range h.Events {
		if e.Type == TypeReturned {
			returns = append(returns, e)
		}
	}
	amount := func(e Applied) int64 {
		if e.Amount == nil {
			return -1
		}
		return *e.Amount
	}
	slices.SortStableFunc(returns, func(a, b Applied) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Quantity, b.Quantity), cmp.Compare(amount(a), amount(b)))
	})
	return returns
}

// Answer is the fate of an event.
type Answer string

const (
	Accepted  Answer = "accepted"
	Duplicate Answer = "duplicate"
	Waiting   Answer = "waiting"
	Refused   Answer = "refused"
)

// Admit tells whether one more event fits what is acknowledged already, contradicting ones included: of these the first
// stands. Reason is empty where it is taken.
func (h History) Admit(next Applied) (Answer, string) {
	var shipped, cancelled, returned, refunded, returnedAmount, proportional int64
	if h.Digital {
		shipped = h.Quantity
	}
	for _, e := range append(h.Events[:len(h.Events):len(h.Events)], next) {
		switch e.Type {
		case TypeShipped:
			shipped += e.Quantity
		case TypeCancelled:
			cancelled += e.Quantity
		case TypeReturned:
			returned += e.Quantity
			if e.Amount != nil {
				returnedAmount += *e.Amount
			} else {
				proportional += e.Quantity
			}
		case TypeRefunded:
			refunded += *e.Amount
		}
	}
	switch {
	case shipped+cancelled > h.Quantity:
		return Refused, "more_than_ordered"
	case returned > h.Quantity-cancelled:
		return Refused, "more_returned_than_shipped"
	}
	if money.MulDiv(h.Net, proportional, h.Quantity)+returnedAmount+refunded > h.Net {
		return Refused, "more_given_back_than_paid"
	}
	if next.Type == TypeReturned && returned > shipped {
		return Waiting, "return_before_shipment"
	}
	return Accepted, ""
}

// Refusals say what to do about each reason for which an event is refused.
var Refusals = map[string]string{
	"order_changed":              "order.lines: a line that is known came again with other content; send added units as a new line, and changes as cancelled, returned or refunded",
	"more_than_ordered":          "quantity: more units would be shipped and cancelled than were ordered; check what was sent before",
	"more_returned_than_shipped": "quantity: more units would be returned than are shipped or open; check what was sent before",
	"bounty_changed":             "bounty: is known with another action, time, value or clicks; give every completion an id of its own",
	"customer_not_known":         "shopper: customer and email are empty once they are cleaned; send one of them",
	"more_given_back_than_paid":  "amount: more would be given back than was paid for the line; check what was sent before",
}
