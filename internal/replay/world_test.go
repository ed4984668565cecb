package replay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/due"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

// world is a marketplace whose months hold everything that a line can meet: onsite and boosted views, coupons, contracts,
// promotions, tiers, sellers, own purchases, resale, paid clicks, carts, late shipments, returns after a close.
type world struct {
	t      testing.TB
	db     *db.DB
	clock  *clock.Business
	ring   *secret.Ring
	sealer *click.Sealer
	taker  *accrual.Accrual
	m      market.Market
	random *rand.Rand
	count  int
	later  []later // what is still to happen
	bent   func(policy.Policy) policy.Policy
	plain  bool // no views, no tiers
}

type later struct {
	at    time.Time
	event order.Event
}

const creators = 6

var begin = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

var paths = []string{"Home > Kitchen > Kettles", "Home > Kitchen", "Home > Bedding", "Garden", "Games > Consoles", "Gift Cards", ""}

// newWorld makes a world; bent, if set, says what is otherwise in its policy.
func newWorld(t testing.TB, seed uint64, bent func(policy.Policy) policy.Policy, change ...func(*world)) *world {
	w := &world{t: t, db: dbtest.Open(t), clock: clock.NewStopped(begin), ring: secret.FixedRing("replay"), random: rand.New(rand.NewPCG(seed, 7)), bent: bent}
	for _, one := range change {
		one(w)
	}
	if bent == nil {
		w.bent = func(p policy.Policy) policy.Policy { return p }
	}
	w.sealer = click.NewSealer(w.ring)
	w.m = market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example", Seller: "shop",
		Policy: policy.Shipped()}
	w.m.Policy.ResaleUnits = 4
	w.m.Policy = w.bent(w.m.Policy)
	w.write(func(tx *db.Tx) error {
		if err := market.Save(tx, w.m); err != nil {
			return err
		}
		for n := range creators {
			if err := w.enrol(tx, n); err != nil {
				return err
			}
		}
		products := []product.Product{}
		for n := range 20 {
			products = append(products, product.Product{SKU: sku(n), Parent: "P" + strconv.Itoa(n/3), Title: sku(n), Category: paths[n%len(paths)]})
		}
		if err := product.Save(tx, 1, click.ProductPlace, products); err != nil {
			return err
		}
		return w.publish(tx)
	})
	w.taker = accrual.New(w.db, w.clock, w.ring, 0)
	t.Cleanup(w.taker.Close)
	return w
}

func sku(n int) string { return "SKU-" + strconv.Itoa(n) }

func who(n int) id.ID { return id.ID(100 + n) }

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Money, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) enrol(tx *db.Tx, n int) error {
	long := begin.AddDate(-1, 0, 0)
	handle := "creator" + strconv.Itoa(n)
	one := creator.Creator{ID: who(n), Name: "Creator " + strconv.Itoa(n), Handle: handle, Created: long}
	if err := creator.Create(tx, w.ring, one, creator.Personal{Email: handle + "@creators.example"}); err != nil {
		return err
	}
	if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: who(n), Program: enrolment.Associates},
		enrolment.Standing{Since: long, State: enrolment.Active}); err != nil {
		return err
	}
	tracking := link.Tracking{ID: who(n) * 10, Tag: handle + "-20", Creator: who(n), Program: click.Associates, Market: 1, Name: "blog", Created: long}
	if err := link.Open(tx, tracking); err != nil {
		return err
	}
	return link.OpenCoupon(tx, link.Coupon{Market: 1, Code: "SAVE" + strconv.Itoa(n) + "NOW", Creator: who(n), Program: click.Associates,
		Tracking: tracking.ID, Since: begin})
}

// publish makes the rates: all of before the first order.
func (w *world) publish(tx *db.Tx) error {
	long := begin.AddDate(-1, 0, 0)
	cards := []ratecard.Card{
		{Kind: ratecard.Offsite, Effective: long, Default: 400, Entries: []ratecard.Entry{{Category: "Home", BPS: 300}, {Category: "Home > Kitchen", BPS: 450},
			{Category: "Gift Cards", Excluded: true}, {Category: "Games", BPS: 2000, Cap: 250}, {SKU: sku(3), BPS: 1200}, {SKU: sku(4)}}},
		{Kind: ratecard.Onsite, Effective: long, Default: 200},
		{Kind: ratecard.SellerFee, Effective: long, Default: 1500, Entries: []ratecard.Entry{{Category: "Games", BPS: 800, Minimum: 30}}},
	}
	for _, card := range cards {
		if w.plain && card.Kind == ratecard.Onsite {
			continue
		}
		if _, err := ratecard.Publish(tx, 1, card, long, 14); err != nil {
			return err
		}
	}
	for n := range int64(6) { // it rises every few days
		next := cards[0]
		next.Effective, next.Default = begin.AddDate(0, 0, int(14+4*n)), 420+20*n
		next.Entries = append([]ratecard.Entry{{Category: "Home", BPS: 310 + 10*n}, {Category: "Home > Kitchen", BPS: 460 + 10*n}}, next.Entries[2:]...)
		if _, err := ratecard.Publish(tx, 1, next, begin, 14); err != nil {
			return err
		}
	}
	if _, err := ratecard.PublishPromotion(tx, 1, ratecard.Promotion{Name: "Spring", From: begin.AddDate(0, 1, 0), Until: begin.AddDate(0, 2, 0),
		Categories: []string{"Home"}, Change: ratecard.Multiply, Value: 15000}, begin, 14); err != nil {
		return err
	}
	if _, err := ratecard.PublishPromotion(tx, 1, ratecard.Promotion{Name: "Newcomers", From: begin, Until: begin.AddDate(0, 6, 0),
		Change: ratecard.Add, Value: 75, NewCustomers: true}, begin, 14); err != nil {
		return err
	}
	if _, err := ratecard.PublishContract(tx, 1, ratecard.Contract{Creator: who(0), Kind: ratecard.Offsite, BPS: 700, From: begin}, begin, 14); err != nil {
		return err
	}
	if w.plain {
		return nil
	}
	_, err := ratecard.PublishVolume(tx, 1, w.m.Location(), ratecard.Volume{From: "2026-02", Bands: []ratecard.Band{{Above: 0}, {Above: 20000, Extra: 200}}}, begin, 14)
	return err
}

// live makes days of orders, and lets happen what follows from them.
func (w *world) live(days, orders int) {
	w.t.Helper()
	ctx := context.Background()
	for day := range days {
		to := w.clock.Now().Add(24 * time.Hour)
		if _, err := (due.Schedule{DB: w.db, Clock: w.clock, Accrual: w.taker}).Advance(ctx, []market.Market{w.m}, to, func() error { return nil }); err != nil {
			w.t.Fatal(err)
		}
		var events []order.Event
		for range orders {
			events = append(events, w.order(to))
		}
		var still []later
		for _, l := range w.later {
			if l.at.After(to) {
				still = append(still, l)
				continue
			}
			events = append(events, l.event)
		}
		w.later = still
		w.send(events)
		if day == days/2 { // from here on other rules hold
			w.m.Policy.SessionHours, w.m.Policy.CouponsFirst = 36, true
			w.m.Policy = w.bent(w.m.Policy)
			w.write(func(tx *db.Tx) error { return market.Save(tx, w.m) })
		}
	}
}

func (w *world) send(events []order.Event) {
	w.t.Helper()
	in := make([]accrual.Incoming, len(events))
	for i, e := range events {
		if err := e.Check(w.clock.Now(), "USD", true); err != nil {
			w.t.Fatalf("%s: %v", e.ID, err)
		}
		in[i] = accrual.Incoming{Event: e, Hash: e.Hash()}
		if e.Placed != nil {
			in[i].Facts = shopper.Keyed(w.ring, e.Placed.Shopper)
		}
	}
	if _, err := w.taker.Take(context.Background(), 1, in); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) one(of int) bool { return w.random.IntN(of) == 0 }

func (w *world) hours(most int) time.Duration {
	return time.Duration(w.random.IntN(most*3600)+1) * time.Second
}

// order is somebody's purchase, and what will become of it.
func (w *world) order(at time.Time) order.Event {
	w.count++
	name := fmt.Sprintf("o%05d", w.count)
	at = at.Add(-w.hours(20)).Truncate(time.Microsecond)
	e := order.Event{ID: "evt-" + name, Type: order.TypePlaced, Market: "us", OccurredAt: at, Order: name, Placed: &order.Placed{ID: name, Currency: "USD"}}
	shopper := order.Shopper{Customer: "c" + strconv.Itoa(w.random.IntN(40)), NewCustomer: w.one(4), Business: w.one(15)}
	if w.one(12) {
		shopper.Email = "creator" + strconv.Itoa(w.random.IntN(creators)) + "@creators.example"
	}
	if !w.one(6) {
		e.Placed.Shopper = &shopper
	}
	if w.one(5) {
		e.Placed.Coupons = []string{"SAVE" + strconv.Itoa(w.random.IntN(creators)) + "NOW"}
	}
	var tokens []string
	for range w.random.IntN(4) {
		tokens = append(tokens, w.sealer.Seal(w.touch(at)))
	}
	for n := range 1 + w.random.IntN(2) {
		item := w.random.IntN(20)
		l := order.Line{ID: strconv.Itoa(n + 1), SKU: sku(item), Quantity: 1 + w.random.Int64N(3)*w.random.Int64N(3), Category: paths[item%len(paths)], Clicks: tokens,
			Digital: w.one(10)}
		l.Amount = money.Money{Amount: l.Quantity * w.random.Int64N(9000), Currency: "USD"}
		if w.one(3) {
			l.Seller = []string{"shop", "acme", "globex"}[w.random.IntN(3)]
		}
		if w.one(3) {
			added := at.Add(-w.hours(60)).Truncate(time.Microsecond)
			l.AddedAt = &added
		}
		e.Placed.Lines = append(e.Placed.Lines, l)
		w.follow(e, l)
	}
	return e
}

func (w *world) touch(at time.Time) click.Token {
	n := w.random.IntN(creators)
	when := at.Add(-w.hours([]int{30, 50, 90}[w.random.IntN(3)])).Truncate(time.Microsecond)
	if w.one(5) && !w.plain {
		owner := link.Tracking{ID: who(n) * 10, Creator: who(n), Program: click.Associates, Market: 1}
		return link.NewView(owner, 0, sku(w.random.IntN(20)), 5+w.random.Int64N(30), w.one(3), when)
	}
	token := click.Token{Click: click.NewID(), Creator: who(n), Program: click.Associates, Tracking: who(n) * 10, Market: 1, Kind: click.KindProduct,
		Landed: click.LandedProduct, Place: click.ProductPlace(sku(w.random.IntN(20))), At: when}
	if w.one(8) {
		token.Flags |= click.FlagPaid
	}
	return token
}

// follow plans what becomes of a line.
func (w *world) follow(placed order.Event, l order.Line) {
	event := func(kind order.Type, quantity int64, days int) {
		w.count++
		e := order.Event{ID: "evt-" + strconv.Itoa(w.count), Type: kind, Market: "us", Order: placed.Order, Line: l.ID, Quantity: quantity,
			OccurredAt: placed.OccurredAt.Add(time.Duration(days)*24*time.Hour + time.Hour)}
		if kind == order.TypeRefunded {
			e.Quantity, e.Amount = 0, &money.Money{Amount: l.Amount.Amount / 5, Currency: "USD"}
		}
		w.later = append(w.later, later{e.OccurredAt.Add(time.Hour), e})
	}
	if l.Digital {
		return
	}
	switch w.random.IntN(10) {
	case 0:
		event(order.TypeCancelled, 1, 1)
	case 1: // never shipped: it lapses
	default:
		event(order.TypeShipped, l.Quantity, w.random.IntN(20)+1)
		if w.one(5) {
			event(order.TypeReturned, 1, 21+w.random.IntN(80))
		}
		if w.one(9) && l.Amount.Amount >= 5 {
			event(order.TypeRefunded, 0, 21+w.random.IntN(30))
		}
	}
}

func (w *world) book() (b *ratecard.Book) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) { b, err = ratecard.LoadBook(tx, 1); return err })
	return b
}
