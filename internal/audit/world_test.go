package audit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/audit"
	"tributary/internal/bounty"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/due"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/ledger"
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

// world is two marketplaces in which everything that earns or costs something happens, by the same dice every time.
type world struct {
	t       testing.TB
	db      *db.DB
	clock   *clock.Business
	sealer  *click.Sealer
	ring    *secret.Ring
	dice    *rand.Rand
	markets []market.Market
	links   map[string]id.ID // of bounties, by creator and action
	later   []order.Event    // what happens to goods on days to come
	count   int
	*accrual.Accrual
}

const day = 24 * time.Hour

var (
	begin    = time.Date(2026, 1, 5, 15, 0, 0, 0, time.UTC)
	long     = begin.AddDate(-2, 0, 0) // since when terms hold that were always there
	creators = []id.ID{11, 22, 33, 44}
	goods    = []product.Product{
		{SKU: "KETTLE-1", Parent: "KETTLE", Title: "Kettle", Category: "Home > Kitchen > Kettles", Seller: "hearth", Price: 3990, State: product.Available},
		{SKU: "KETTLE-2", Parent: "KETTLE", Title: "Kettle, blue", Category: "Home > Kitchen > Kettles", Seller: "hearth", Price: 4190, State: product.Available},
		{SKU: "LAMP-7", Title: "Lamp", Category: "Home > Lighting", Seller: "house", Price: 8900, State: product.Available},
		{SKU: "NOVEL-3", Title: "Novel", Category: "Media > Books", Price: 1290, State: product.Available},
		{SKU: "CARD-50", Title: "Gift card", Category: "Gift Cards", Price: 5000, State: product.Available},
	}
)

// newWorld furnishes both marketplaces: nothing has been ordered yet.
func newWorld(t testing.TB, d *db.DB) *world {
	w := &world{t: t, db: d, clock: clock.NewStopped(begin), ring: secret.FixedRing("test"), dice: rand.New(rand.NewPCG(1, 2)), links: map[string]id.ID{}}
	w.sealer = click.NewSealer(w.ring)
	us := market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example", Seller: "house", Policy: policy.Shipped()}
	us.Policy.ViewScope = policy.ScopeVariation
	de := market.Market{No: 2, ID: "de", Name: "DE", Currency: "EUR", Zone: "Europe/Berlin", Home: "http://laden.example", Policy: policy.Shipped()}
	de.Policy.AwaitPayment, de.Policy.RateAt, de.Policy.CouponsFirst, de.Policy.ResaleUnits = true, policy.AtShipment, true, 3
	w.markets = []market.Market{us, de}
	w.write(func(tx *db.Tx) error {
		for _, m := range w.markets {
			if err := market.Save(tx, m); err != nil {
				return err
			}
			if err := product.Save(tx, m.No, click.ProductPlace, goods); err != nil {
				return err
			}
			if err := w.terms(tx, m); err != nil {
				return err
			}
		}
		for _, c := range creators {
			if err := w.creator(tx, c); err != nil {
				return err
			}
		}
		return w.offers(tx)
	})
	w.Accrual = accrual.New(d, w.clock, w.ring, 0)
	t.Cleanup(w.Close)
	return w
}

// terms publishes what prices lines: cards with a change in time, a promotion, a contract, volume tiers, sellers' fees.
func (w *world) terms(tx *db.Tx, m market.Market) error {
	first := []ratecard.Entry{{Category: "Home > Kitchen", BPS: 450}, {Category: "Media", BPS: 500, Cap: 60}, {SKU: "LAMP-7", BPS: 800}, {Category: "Gift Cards", Excluded: true}}
	second := append([]ratecard.Entry{{SKU: "KETTLE-2", BPS: 700}}, first...)
	_, err := ratecard.PublishAll(tx, ratecard.Edition{
		Cards: []ratecard.Card{{Kind: ratecard.Offsite, Effective: long, Default: 300, Entries: first},
			{Kind: ratecard.Offsite, Effective: begin.Add(40 * day), Default: 300, Entries: second},
			{Kind: ratecard.Onsite, Effective: long, Default: 200},
			{Kind: ratecard.SellerFee, Effective: long, Default: 1500, Entries: []ratecard.Entry{{Category: "Media", BPS: 1800, Minimum: 50}}}},
		Promotions: []ratecard.Promotion{{Name: "Kettle weeks", From: begin.Add(20 * day), Until: begin.Add(50 * day), Categories: []string{"Home > Kitchen"},
			Change: ratecard.Add, Value: 150}},
		Contracts: []ratecard.Contract{{Creator: creators[3], Kind: ratecard.Offsite, BPS: 900, Cap: 400, From: begin.Add(10 * day)}},
		Volumes:   []ratecard.Volume{{From: "2026-01", Bands: []ratecard.Band{{Above: 5000, Extra: 100}, {Above: 20000, Extra: 200}}}},
	}, ratecard.Occasion{Market: m.No, Now: long, NoticeDays: 14, Zone: m.Location()})
	return err
}

func (w *world) creator(tx *db.Tx, c id.ID) error {
	one := creator.Creator{ID: c, Name: fmt.Sprintf("Creator %d", c), Handle: fmt.Sprintf("creator%d", c), Created: long}
	if err := creator.Create(tx, w.ring, one, creator.Personal{Email: fmt.Sprintf("c%d@creators.example", c)}); err != nil {
		return err
	}
	for _, m := range w.markets {
		for _, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer} {
			if err := enrolment.Save(tx, enrolment.Key{Market: m.No, Creator: c, Program: program}, enrolment.Standing{Since: long, State: enrolment.Active}); err != nil {
				return err
			}
		}
		t := w.tracking(m, c)
		if err := link.Open(tx, t); err != nil {
			return err
		}
		if err := link.OpenCoupon(tx, link.Coupon{Market: m.No, Code: fmt.Sprintf("save%d", c), Creator: c, Program: click.Associates, Tracking: t.ID, Since: long}); err != nil {
			return err
		}
	}
	return nil
}

// offers publishes bounties in the first marketplace, with each creator's link of them.
func (w *world) offers(tx *db.Tx) error {
	for _, o := range []bounty.Offer{{Action: "signup", Name: "Sign-up", Amount: 1500, From: long, Page: "/business"},
		{Action: "trade_in", Name: "Trade-in", ShareBPS: 250, Max: 2000, From: long, Page: "/trade-in"}} {
		o, err := bounty.Publish(tx, 1, o, long, 0)
		if err != nil {
			return err
		}
		for _, c := range creators {
			made, err := link.MakeBounty(tx, long, w.markets[0], c, link.Draft{Tracking: w.tracking(w.markets[0], c).ID}, link.Bounty{ID: o.ID, Action: o.Action, Page: o.Page})
			if err != nil {
				return err
			}
			w.links[fmt.Sprint(c, o.Action)] = made.ID
		}
	}
	return nil
}

func (w *world) tracking(m market.Market, c id.ID) link.Tracking {
	return link.Tracking{ID: c*10 + id.ID(m.No), Tag: fmt.Sprintf("creator%d-%d0", c, m.No), Creator: c, Program: click.Associates, Market: m.No, Name: "x", Created: long}
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Money, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) next() string { w.count++; return fmt.Sprintf("evt-%06d", w.count) }

// roll is true once in n times.
func (w *world) roll(n int) bool { return w.dice.IntN(n) == 0 }

// live lets days pass: every day some orders and bounties come in, what is due happens to earlier ones, and the clock's own
// work is done.
func (w *world) live(days, orders int) {
	w.t.Helper()
	for range days {
		now := w.clock.Now().Add(day)
		if err := w.clock.Set(now); err != nil {
			w.t.Fatal(err)
		}
		groups := map[string][]order.Event{}
		for range orders {
			e := w.ordered(now)
			groups[e.Market] = append(groups[e.Market], e)
		}
		if w.roll(3) {
			groups["us"] = append(groups["us"], w.completed(now)...)
		}
		kept := w.later[:0]
		for _, e := range w.later {
			if e.OccurredAt.After(now) {
				kept = append(kept, e)
			} else {
				groups[e.Market] = append(groups[e.Market], e)
			}
		}
		w.later = kept
		for _, m := range w.markets {
			w.send(m, groups[m.ID]...)
		}
	}
}

// catchUp runs what the clock decides: lapses, bounties that ripen, months that close.
func (w *world) catchUp() {
	w.t.Helper()
	for _, m := range w.markets {
		if _, err := (due.Schedule{DB: w.db, Clock: w.clock, Accrual: w.Accrual}).CatchUp(context.Background(), m); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) send(m market.Market, events ...order.Event) {
	w.t.Helper()
	in := make([]accrual.Incoming, len(events))
	for i, e := range events {
		in[i] = w.incoming(m, e)
	}
	results, err := w.Take(context.Background(), m.No, in)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, r := range results {
		if r.Status == "unavailable" {
			w.t.Fatalf("%s: %+v", events[i].Type, r)
		}
	}
}

// incoming is an event as a door hands it on.
func (w *world) incoming(m market.Market, e order.Event) accrual.Incoming {
	w.t.Helper()
	if err := e.Check(w.clock.Now(), m.Currency, true); err != nil {
		w.t.Fatalf("%s: %v", e.ID, err)
	}
	in := accrual.Incoming{Event: e, Hash: e.Hash()}
	if e.Placed != nil {
		in.Facts = shopper.Keyed(w.ring, e.Placed.Shopper)
	}
	return in
}

// ordered is an order of that day; what becomes of its goods is put down for later.
func (w *world) ordered(now time.Time) order.Event {
	m := w.markets[min(w.dice.IntN(3), 2)%2]
	at := now.Add(-time.Duration(w.dice.IntN(600)) * time.Minute)
	p := &order.Placed{ID: fmt.Sprintf("o/%05d", w.count), Currency: m.Currency}
	e := order.Event{ID: w.next(), Type: order.TypePlaced, Market: m.ID, OccurredAt: at, Order: p.ID, Placed: p}
	if !w.roll(4) {
		customer := w.dice.IntN(25)
		p.Shopper = &order.Shopper{Customer: fmt.Sprintf("c-%d", customer), Email: fmt.Sprintf("c%d@shop.example", customer), NewCustomer: w.roll(5)}
		if w.roll(9) {
			p.Shopper.Email = "c11@creators.example" // a creator's own
		}
	}
	if w.roll(4) {
		p.Coupons = []string{fmt.Sprintf("SAVE%d", creators[w.dice.IntN(len(creators))])}
	}
	var clicks []string
	for range w.dice.IntN(3) {
		clicks = append(clicks, w.token(m, at.Add(-time.Duration(w.dice.IntN(30*60))*time.Minute), w.dice.IntN(4) == 0))
	}
	for i := range 1 + w.dice.IntN(3) {
		g := goods[w.dice.IntN(len(goods))]
		quantity := int64(1 + w.dice.IntN(3))
		l := order.Line{ID: fmt.Sprint(i + 1), SKU: g.SKU, Quantity: quantity, Amount: money.Money{Amount: g.Price * quantity, Currency: m.Currency}, Clicks: clicks,
			Digital: g.SKU == "CARD-50"}
		if w.roll(5) {
			l.Category, l.Seller = "Home > Kitchen > Tools", "tool shed"
		}
		if w.roll(6) {
			added := at.Add(-time.Duration(w.dice.IntN(40)) * time.Hour)
			l.AddedAt = &added
		}
		p.Lines = append(p.Lines, l)
		w.destiny(m, e, l, at)
	}
	if m.Policy.AwaitPayment && !w.roll(8) {
		w.later = append(w.later, order.Event{ID: w.next(), Type: order.TypePaid, Market: m.ID, OccurredAt: at.Add(time.Hour), Order: p.ID})
	}
	return e
}

// token is a click on a creator's link, or a view of a creator's video.
func (w *world) token(m market.Market, at time.Time, view bool) string {
	t := w.tracking(m, creators[w.dice.IntN(len(creators))])
	if view {
		t.Program = click.Influencer
		return w.sealer.Seal(link.NewView(t, 7, goods[w.dice.IntN(2)].SKU, int64(3+w.dice.IntN(9)), w.roll(6), at))
	}
	k := click.Token{Click: w.dice.Int64N(1 << 62), Creator: t.Creator, Program: t.Program, Tracking: t.ID, Market: m.No, At: at}
	if w.roll(3) {
		k.Landed, k.Place = click.LandedProduct, click.ProductPlace(goods[w.dice.IntN(len(goods))].SKU)
	}
	if w.roll(12) {
		k.Flags |= click.FlagInvalid
	}
	return w.sealer.Seal(k)
}

// destiny puts down what happens to a line: shipped in one or two parts, cancelled, returned, refunded, or nothing.
func (w *world) destiny(m market.Market, placed order.Event, l order.Line, at time.Time) {
	happen := func(kind order.Type, quantity int64, after time.Duration) {
		e := order.Event{ID: w.next(), Type: kind, Market: m.ID, OccurredAt: at.Add(after), Order: placed.Order, Line: l.ID, Quantity: quantity}
		if kind == order.TypeRefunded {
			e.Quantity, e.Amount = 0, &money.Money{Amount: 150, Currency: m.Currency}
		}
		w.later = append(w.later, e)
	}
	left := l.Quantity
	if w.roll(10) {
		happen(order.TypeCancelled, 1, 5*time.Hour)
		left--
	}
	if l.Digital || left == 0 || w.roll(8) {
		return
	}
	shipped := left
	if left > 1 && w.roll(3) {
		shipped = 1
		happen(order.TypeShipped, left-1, 12*day)
	}
	happen(order.TypeShipped, shipped, time.Duration(1+w.dice.IntN(4))*day)
	switch w.dice.IntN(7) {
	case 0:
		happen(order.TypeReturned, 1, time.Duration(8+w.dice.IntN(90))*day)
	case 1:
		happen(order.TypeRefunded, 0, time.Duration(6+w.dice.IntN(20))*day)
	}
}

// completed is a bounty of that day, perhaps one that is taken back later.
func (w *world) completed(now time.Time) []order.Event {
	action := []string{"signup", "trade_in"}[w.dice.IntN(2)]
	c := creators[w.dice.IntN(len(creators))]
	at := now.Add(-time.Hour)
	k := click.Token{Click: w.dice.Int64N(1 << 62), Creator: c, Program: click.Associates, Tracking: w.tracking(w.markets[0], c).ID, Market: 1, At: at.Add(-time.Hour),
		Link: w.links[fmt.Sprint(c, action)], Kind: click.KindShort}
	e := order.Event{ID: w.next(), Type: order.TypeBountyCompleted, Market: "us", OccurredAt: at, BountyPart: order.BountyPart{Bounty: fmt.Sprintf("b-%05d", w.count), Action: action,
		Shopper: &order.Shopper{Customer: fmt.Sprintf("c-%d", w.dice.IntN(40))}, Clicks: []string{w.sealer.Seal(k)}}}
	if action == "trade_in" && !w.roll(4) {
		e.Value = &money.Money{Amount: int64(1000 + w.dice.IntN(90000)), Currency: "USD"}
	}
	if w.roll(4) {
		w.later = append(w.later, order.Event{ID: w.next(), Type: order.TypeBountyReversed, Market: "us", OccurredAt: at.Add(time.Duration(w.dice.IntN(100)) * day),
			BountyPart: order.BountyPart{Bounty: e.Bounty}})
	}
	return []order.Event{e}
}

// decide does what people do: adjustments, a finding that stands and one that is taken back, a click found invalid.
func (w *world) decide(lines []accrual.LineKey, clicks []int64) {
	w.t.Helper()
	ctx := context.Background()
	for i, c := range creators[:2] {
		if err := w.Adjust(ctx, 1, accrual.Adjustment{ID: id.ID(500 + i), Creator: c, Amount: int64(700 - 900*i), Reason: "error", Words: "as agreed", By: "Sam", Second: "Kim"}); err != nil {
			w.t.Fatal(err)
		}
	}
	for i, key := range lines {
		finding := accrual.Violation{ID: id.ID(600 + i), Code: "incentivised_traffic", Words: "Cash back was promised", Evidence: []string{"ticket 12"}, By: "Sam"}
		if _, err := w.Disqualify(ctx, 1, finding, []accrual.LineKey{key}); err != nil {
			w.t.Fatal(err)
		}
		if i == 0 {
			if _, err := w.Reinstate(ctx, 1, finding.ID, []accrual.LineKey{key}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for _, one := range clicks {
		if _, err := w.Invalidate(ctx, 1, []accrual.ClickVerdict{{Click: one, Rule: "click_farm", Evidence: "ticket 13"}}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// verify is what the audit says of a database; an error where it cannot be read.
func verify(d *db.DB, differ func(string)) (seen []audit.Verified, err error) {
	err = d.Read(context.Background(), func(tx *db.Tx) error {
		markets, err := market.All(tx)
		if err != nil {
			return err
		}
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		for _, m := range markets {
			one, err := audit.Verify(tx, m.Lane(), differ)
			if err != nil {
				return err
			}
			seen = append(seen, one)
		}
		return nil
	})
	return seen, err
}

var (
	selectCredited = db.Statement(`SELECT order_id, line_id FROM line WHERE market = 1 AND earned > 0 ORDER BY order_id, line_id LIMIT 3`)
)

// history lets months pass in which everything happens: two closed months and more at the end.
func (w *world) history(days, orders int) {
	w.t.Helper()
	w.catchUp()
	w.live(days/2, orders)
	w.catchUp()
	w.live(days-days/2, orders)
	// One event that comes before its order, and stays.
	w.send(w.markets[0], order.Event{ID: w.next(), Type: order.TypeShipped, Market: "us", OccurredAt: w.clock.Now(), Order: "not yet", Line: "1", Quantity: 1})
	w.catchUp()
	var keys []accrual.LineKey
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(selectCredited, func(scan func(...any) error) error {
			var key accrual.LineKey
			err := scan(&key.Order, &key.Line)
			keys = append(keys, key)
			return err
		})
	}); err != nil || len(keys) == 0 {
		w.t.Fatalf("%d lines earn, %v", len(keys), err)
	}
	// A click that credits the last of them is found invalid after all.
	token := w.token(w.markets[0], w.clock.Now().Add(-time.Hour), false)
	opened, err := w.sealer.Open(token)
	if err != nil {
		w.t.Fatal(err)
	}
	w.send(w.markets[0], order.Event{ID: w.next(), Type: order.TypePlaced, Market: "us", OccurredAt: w.clock.Now(), Order: "spoilt", Placed: &order.Placed{ID: "spoilt",
		Currency: "USD", Lines: []order.Line{{ID: "1", SKU: "LAMP-7", Quantity: 1, Amount: money.Money{Amount: 8900, Currency: "USD"}, Clicks: []string{token}}}}})
	w.decide(keys, []int64{opened.Click})
}
