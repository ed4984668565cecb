package accrual_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/order"
)

// story is a life while it is told. The same random numbers tell the same life under another name: the same instants,
// amounts and creators, with ids of its own in the same order.
type story struct {
	*stage
	*life
	clicks  int64 // the next click's id
	touches []touch
}

// touch is a click or a view that lines may carry.
type touch struct {
	token string
	at    time.Time
}

// tell tells a life of some clicks and orders. None of its events contradicts another.
func (s *stage) tell(name string, clicks int64, random *rand.Rand) *life {
	t := &story{stage: s, life: &life{name: name, random: random}, clicks: clicks}
	for range 1 + random.IntN(5) {
		t.touch()
	}
	if random.IntN(6) == 0 {
		t.touches = append(t.touches, touch{token: "no-token-at-all"})
	}
	for n := range 1 + random.IntN(4) {
		t.order(fmt.Sprintf("%s-%d", name, n+1))
	}
	for n := range random.IntN(7) - 3 {
		t.bounty(fmt.Sprintf("%s-b%d", name, n+1))
	}
	slices.SortStableFunc(t.events, func(a, b order.Event) int { return a.OccurredAt.Compare(b.OccurredAt) })
	for i := range t.events {
		t.events[i].ID = fmt.Sprintf("%s-e%02d", name, i+1)
	}
	return t.life
}

// touch adds a click or a view; now and then it is of a signed-in customer, or will be found invalid.
func (t *story) touch() {
	r := t.random
	// Few instants, so that many things happen at the same one.
	at := begin.Add(time.Duration(r.IntN(60)) * time.Hour)
	t.clicks++
	one := click.Token{Click: t.clicks, Creator: []id.ID{alice, bob, carol}[r.IntN(3)], Program: click.Associates, Market: 1,
		Kind: click.KindProduct, Landed: click.LandedProduct, At: at}
	one.Place = click.ProductPlace([]string{"K-RED", "MUG"}[r.IntN(2)])
	one.Tracking = one.Creator * 10
	if r.IntN(3) == 0 {
		one.Kind, one.Landed, one.Place, one.Link = click.KindShort, 0, 0, t.links[one.Creator]
	}
	switch r.IntN(12) {
	case 0:
		one.Flags = click.FlagInvalid
	case 1:
		one.Flags = click.FlagPaid
	case 2:
		one.Market = 2
	case 3, 4, 5:
		owner := link.Tracking{ID: alice * 10, Creator: alice, Program: click.Influencer, Market: 1}
		view := link.NewView(owner, 0, "K-RED", int64(3+r.IntN(6)), false, at)
		view.Click, one = t.clicks, view
	case 6:
		t.invalid = one.Click
	}
	token := t.sealer.Seal(one)
	t.touches = append(t.touches, touch{token, at})
	if r.IntN(4) == 0 && one.Market == 1 && one.Flags == 0 && one.Kind != click.KindView {
		customer := creator.Fact(t.ring, creator.FactCustomer, t.customer(1))
		t.write(func(tx *db.Tx) error { return link.Bind(tx, 1, customer, one, token, at) })
	}
}

func (t *story) customer(n int) string { return fmt.Sprintf("%s-c%d", t.name, n) }

// order adds an order, in one or two parts, with all that happens to its lines.
func (t *story) order(orderID string) {
	r := t.random
	at := begin.Add(time.Duration(r.IntN(90*4)) * 15 * time.Minute)
	if r.IntN(3) == 0 {
		at = at.Truncate(time.Hour)
	}
	var shopper *order.Shopper
	switch n := r.IntN(4); n {
	case 1, 2:
		shopper = &order.Shopper{Customer: t.customer(n)}
	case 3:
		shopper = &order.Shopper{Customer: t.customer(1), Email: t.customer(3) + "@shop.example", Business: r.IntN(8) == 0}
	}
	var coupons []string
	if r.IntN(5) == 0 {
		coupons = []string{"nobody", " kettle10 "}
	}
	parts := 1 + r.IntN(5)/4
	number := 0
	for part := range parts {
		// A later part adds lines; the order's time stays that of the first.
		partAt := at.Add(time.Duration(part*r.IntN(8)) * time.Hour)
		e := order.Event{Type: order.TypePlaced, Market: "us", OccurredAt: partAt, Order: orderID,
			Placed: &order.Placed{ID: orderID, Currency: "USD", Shopper: shopper, Coupons: coupons}}
		for range 1 + r.IntN(2) {
			number++
			l := t.line(fmt.Sprint(number), partAt)
			e.Placed.Lines = append(e.Placed.Lines, l)
			if !l.Digital {
				t.deliver(orderID, l, partAt)
			} else if r.IntN(3) == 0 {
				t.happens(order.TypeReturned, orderID, l.ID, 1, partAt.Add(72*time.Hour))
			}
		}
		t.events = append(t.events, e)
	}
	if t.m.Policy.AwaitPayment && r.IntN(5) > 0 {
		paid := at.Add(time.Duration(r.IntN(50)) * time.Hour)
		t.events = append(t.events, order.Event{Type: order.TypePaid, Market: "us", Order: orderID, OccurredAt: paid})
	}
}

// bounty adds a completed bounty, now and then one that is taken back.
func (t *story) bounty(bountyID string) {
	r := t.random
	at := t.touches[r.IntN(len(t.touches))].at.Add(time.Duration(r.IntN(30)) * time.Hour)
	if at.Before(begin) {
		at = begin
	}
	t.events = append(t.events, order.Event{Type: order.TypeBountyCompleted, Market: "us", OccurredAt: at,
		BountyPart: order.BountyPart{Bounty: bountyID, Action: "signup", Clicks: t.carried(at),
			Shopper: &order.Shopper{Customer: t.customer(1 + r.IntN(2)), NewCustomer: true}}})
	if r.IntN(3) == 0 {
		back := at.Add(time.Duration(r.IntN(20*24)) * time.Hour)
		t.events = append(t.events, order.Event{Type: order.TypeBountyReversed, Market: "us", OccurredAt: back,
			BountyPart: order.BountyPart{Bounty: bountyID}})
	}
}

// carried are tokens that the shopper has by an instant.
func (t *story) carried(at time.Time) (tokens []string) {
	for _, one := range t.touches {
		if !one.at.After(at) && t.random.IntN(3) > 0 {
			tokens = append(tokens, one.token)
		}
	}
	return tokens
}

func (t *story) line(lineID string, at time.Time) order.Line {
	r := t.random
	sku := []string{"K-RED", "K-BLUE", "MUG", "UNKNOWN"}[r.IntN(4)]
	categories := map[string]string{"K-RED": "Home > Kettles", "K-BLUE": "Home > Kettles", "MUG": "Home > Mugs", "UNKNOWN": "Books"}
	l := order.Line{ID: lineID, SKU: sku, Quantity: 1 + r.Int64N(5), Amount: usd(r.Int64N(4000)), Digital: r.IntN(7) == 0,
		Category: categories[sku], Seller: []string{"", "house", "s9"}[r.IntN(3)]}
	l.Clicks = t.carried(at)
	if r.IntN(3) == 0 {
		added := at.Add(-time.Duration(r.IntN(30)) * time.Hour)
		l.AddedAt = &added
	}
	return l
}

// deliver lets units be shipped in one or two parcels, cancelled, returned and refunded: never more than there are.
func (t *story) deliver(orderID string, l order.Line, at time.Time) {
	r := t.random
	later := func(days int) time.Time { return at.Add(time.Duration(r.IntN(days*8)) * 3 * time.Hour) }
	shipped := r.Int64N(l.Quantity + 1)
	parcel := int64(0)
	if shipped > 1 {
		parcel = r.Int64N(shipped)
	}
	for _, units := range []int64{parcel, shipped - parcel} {
		if units > 0 {
			t.happens(order.TypeShipped, orderID, l.ID, units, later(20))
		}
	}
	if shipped < l.Quantity && r.IntN(2) == 0 {
		t.happens(order.TypeCancelled, orderID, l.ID, 1+r.Int64N(l.Quantity-shipped), later(20))
	}
	returned := int64(0)
	if shipped > 0 && r.IntN(2) == 0 {
		returned = 1 + r.Int64N(shipped)
		t.happens(order.TypeReturned, orderID, l.ID, returned, later(22))
	}
	// What is refunded beside the returns is of the units that stay.
	if rest := l.Amount.Amount * max(shipped-returned-1, 0) / l.Quantity; rest > 0 && r.IntN(3) == 0 {
		t.happens(order.TypeRefunded, orderID, l.ID, 0, later(22))
		t.events[len(t.events)-1].Amount = usdOf(1 + r.Int64N(rest))
	}
}

func (t *story) happens(kind order.Type, orderID, lineID string, quantity int64, at time.Time) {
	t.events = append(t.events, order.Event{Type: kind, Market: "us", OccurredAt: at, Order: orderID, Line: lineID,
		Quantity: quantity})
}
