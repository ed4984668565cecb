package claim_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/claim"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/person"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

const (
	alice = id.ID(11)
	bob   = id.ID(22)
	carol = id.ID(33)
)

// begin is a Tuesday, 08:00 in New York.
var begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// world is a marketplace with three creators, a card of 10 % and the real path from an order to its decision.
type world struct {
	t      testing.TB
	db     *db.DB
	clock  *clock.Business
	ring   *secret.Ring
	sealer *click.Sealer
	a      *accrual.Accrual
	m      market.Market
	count  int
}

func newWorld(t testing.TB, change ...func(*market.Market)) *world {
	w := &world{t: t, db: dbtest.Open(t), clock: clock.NewStopped(begin), ring: secret.FixedRing("test")}
	w.sealer = click.NewSealer(w.ring)
	w.m = market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example",
		Policy: policy.Shipped()}
	for _, one := range change {
		one(&w.m)
	}
	uk := market.Market{No: 2, ID: "uk", Name: "UK", Currency: "GBP", Zone: "Europe/London", Home: "http://uk.example", Policy: policy.Shipped()}
	w.must(w.db.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		for _, m := range []market.Market{w.m, uk} {
			if err := market.Save(tx, m); err != nil {
				return err
			}
		}
		for _, c := range []id.ID{alice, bob, carol} {
			one := creator.Creator{ID: c, Name: "Creator " + strconv.Itoa(int(c)), Handle: "creator" + strconv.Itoa(int(c)), Created: begin}
			if err := creator.Create(tx, w.ring, one, creator.Personal{Email: fmt.Sprintf("c%d@creators.example", c)}); err != nil {
				return err
			}
			if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: c, Program: enrolment.Associates},
				enrolment.Standing{Since: begin.AddDate(-2, 0, 0), State: enrolment.Active}); err != nil {
				return err
			}
		}
		card := ratecard.Card{Kind: ratecard.Offsite, Effective: begin.AddDate(-2, 0, 0), Default: 1000}
		_, err := ratecard.Publish(tx, 1, card, begin.AddDate(-2, 0, 0), 0)
		return err
	}))
	w.a = accrual.New(w.db, w.clock, w.ring, 0)
	t.Cleanup(w.a.Close)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(*db.Tx) error) {
	w.t.Helper()
	w.must(w.db.Read(context.Background(), fn))
}

// lane runs fn as a door does: in the marketplace's lane.
func (w *world) lane(fn func(*db.Tx) error) error {
	return w.db.Lane(context.Background(), db.Interactive, w.clock.Now(), []int64{1}, fn)
}

// click is a token of a creator's at that instant.
func (w *world) click(c id.ID, at time.Time, change ...func(*click.Token)) string {
	t := click.Token{Click: click.NewID(), Creator: c, Program: click.Associates, Tracking: c * 10, Market: 1, At: at}
	for _, one := range change {
		one(&t)
	}
	return w.sealer.Seal(t)
}

func line(number, sku string, net int64, clicks ...string) order.Line {
	return order.Line{ID: number, SKU: sku, Quantity: 1, Amount: money.Money{Amount: net, Currency: "USD"}, Clicks: clicks}
}

// placed books an order at an instant.
func (w *world) placed(name string, at time.Time, lines ...order.Line) {
	w.t.Helper()
	w.send(order.Event{Type: order.TypePlaced, OccurredAt: at, Order: name,
		Placed: &order.Placed{ID: name, Currency: "USD", Lines: lines}})
}

func (w *world) send(e order.Event) {
	w.t.Helper()
	w.count++
	e.ID, e.Market = "event-"+strconv.Itoa(w.count), "us"
	if now := w.clock.Now(); e.OccurredAt.After(now) {
		w.must(w.clock.Set(e.OccurredAt))
	}
	w.must(e.Check(w.clock.Now(), "USD", true))
	in := accrual.Incoming{Event: e, Hash: e.Hash()}
	if e.Placed != nil {
		in.Facts = shopper.Keyed(w.ring, e.Placed.Shopper)
	}
	results, err := w.a.Take(context.Background(), 1, []accrual.Incoming{in})
	w.must(err)
	if results[0].Status == order.Refused || results[0].Status == "unavailable" {
		w.t.Fatalf("%+v", results[0])
	}
}

// known is what a creator is told.
func (w *world) known(c id.ID, q claim.Question) (k claim.Known) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) {
		k, err = claim.Look(tx, 1, w.m.Location(), c, q, w.clock.Now())
		return err
	})
	return k
}

func (w *world) open(c id.ID, r claim.Request) (one claim.Claim, opened bool, err error) {
	err = w.lane(func(tx *db.Tx) error {
		one, opened, err = claim.Open(tx, w.keys(), 1, w.m.Location(), c, c.Text(id.Creator), r)
		return err
	})
	return one, opened, err
}

func (w *world) opened(c id.ID, name string) claim.Claim {
	w.t.Helper()
	one, opened, err := w.open(c, about(name))
	w.must(err)
	if !opened {
		w.t.Fatalf("claim about %s was open already", name)
	}
	return one
}

func about(name string) claim.Request {
	return claim.Request{Question: claim.Question{Order: name}, Message: "She told me that she bought it through my page."}
}

const staff = "us_0000000000001"

func (w *world) answer(one id.ID, v claim.Verdict) (c claim.Claim, err error) {
	err = w.lane(func(tx *db.Tx) error { c, err = claim.Answer(tx, w.keys(), 1, one, staff, v); return err })
	return c, err
}

func (w *world) titles(named map[string]string) {
	w.t.Helper()
	var products []product.Product
	for sku, title := range named {
		products = append(products, product.Product{SKU: sku, Title: title, Category: "Home", Price: 100, State: product.Available})
	}
	w.must(w.db.Write(context.Background(), db.Background, func(tx *db.Tx) error {
		return product.Save(tx, 1, click.ProductPlace, products)
	}))
}

var countRows = db.Statement(`SELECT (SELECT COUNT(*) FROM claim) + (SELECT COUNT(*) FROM claim_step) + (SELECT COUNT(*) FROM outbox)`)

// refused wants a fault of that kind at that field, and that it left nothing.
func (w *world) refused(name string, kind fault.Kind, field string, do func() error) {
	w.t.Helper()
	rows := func() (count int64) {
		w.read(func(tx *db.Tx) error { _, err := tx.One(countRows, []any{&count}); return err })
		return count
	}
	before := rows()
	err := do()
	if !fault.Is(err, kind) || fault.Of(err).Field != field {
		w.t.Errorf("%s: %v, want %s at %q", name, err, kind, field)
	}
	if after := rows(); after != before {
		w.t.Errorf("%s: left %d rows", name, after-before)
	}
}

func (w *world) keys() person.Keys { return person.Keys{Ring: w.ring} }
