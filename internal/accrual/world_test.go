package accrual_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/audit"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/due"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

// world is a marketplace with two creators, a card of 4.5 % and a clock that stands still until it is set.
type world struct {
	t      testing.TB
	db     *db.DB
	clock  *clock.Business
	ring   *secret.Ring
	sealer *click.Sealer
	*accrual.Accrual
	m     market.Market
	count int
}

const (
	alice = id.ID(11)
	bob   = id.ID(22)
)

var begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, change ...func(*market.Market)) *world {
	return worldOn(t, dbtest.Open(t), change...)
}

func worldOn(t testing.TB, d *db.DB, change ...func(*market.Market)) *world {
	w := &world{t: t, db: d, clock: clock.NewStopped(begin), ring: secret.FixedRing("test")}
	w.sealer = click.NewSealer(w.ring)
	w.m = market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example", Policy: policy.Shipped()}
	w.m.Policy.ResaleUnits = 0
	for _, c := range change {
		c(&w.m)
	}
	w.write(func(tx *db.Tx) error {
		if err := market.Save(tx, w.m); err != nil {
			return err
		}
		for _, c := range []id.ID{alice, bob} {
			one := creator.Creator{ID: c, Name: "Creator " + strconv.Itoa(int(c)), Handle: "creator" + strconv.Itoa(int(c)), Created: begin}
			if err := creator.Create(tx, w.ring, one, creator.Personal{Email: fmt.Sprintf("c%d@creators.example", c)}); err != nil {
				return err
			}
			if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: c, Program: enrolment.Associates},
				enrolment.Standing{Since: begin.AddDate(-2, 0, 0), State: enrolment.Active}); err != nil {
				return err
			}
		}
		_, err := ratecard.Publish(tx, 1, ratecard.Card{Kind: ratecard.Offsite, Effective: begin.AddDate(-2, 0, 0), Default: 450}, begin.AddDate(-2, 0, 0), 0)
		return err
	})
	w.Accrual = accrual.New(d, w.clock, w.ring, 0)
	t.Cleanup(w.Close)
	return w
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Money, fn); err != nil {
		w.t.Fatal(err)
	}
}

// token is a click of a creator's at that instant.
func (w *world) token(c id.ID, at time.Time, change ...func(*click.Token)) string {
	t := click.Token{Click: click.NewID(), Creator: c, Program: click.Associates, Tracking: c * 10, Market: 1, At: at}
	for _, one := range change {
		one(&t)
	}
	return w.sealer.Seal(t)
}

func (w *world) due() due.Schedule { return due.Schedule{DB: w.db, Clock: w.clock, Accrual: w.Accrual} }

func (w *world) next() string { w.count++; return "evt-" + strconv.Itoa(w.count) }

func usd(amount int64) money.Money { return money.Money{Amount: amount, Currency: "USD"} }

func (w *world) placed(orderID string, at time.Time, lines ...order.Line) order.Event {
	return order.Event{ID: w.next(), Type: order.TypePlaced, Market: "us", OccurredAt: at, Order: orderID,
		Placed: &order.Placed{ID: orderID, Currency: "USD", Lines: lines}}
}

func (w *world) event(kind order.Type, orderID, lineID string, quantity int64, at time.Time) order.Event {
	return order.Event{ID: w.next(), Type: kind, Market: "us", OccurredAt: at, Order: orderID, Line: lineID, Quantity: quantity}
}

func line(quantity, net int64, clicks ...string) order.Line {
	return order.Line{ID: "1", SKU: "KETTLE-1", Quantity: quantity, Amount: usd(net), Category: "Home > Kitchen > Kettles", Clicks: clicks}
}

func (w *world) incoming(events ...order.Event) []accrual.Incoming {
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
	return in
}

// send books events and gives their fates as text: "accepted", "refused order_changed".
func (w *world) send(events ...order.Event) []string {
	w.t.Helper()
	results, err := w.Take(context.Background(), 1, w.incoming(events...))
	if err != nil {
		w.t.Fatal(err)
	}
	fates := make([]string, len(results))
	for i, r := range results {
		fates[i] = string(r.Status)
		if r.Reason != "" {
			fates[i] += " " + r.Reason
		}
	}
	return fates
}

// balances gives all balances that are not zero.
func (w *world) balances() map[string]int64 {
	w.t.Helper()
	found := map[string]int64{}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		for _, prefix := range []string{"creator/", "operator/"} {
			entries, err := ledger.Under(tx, prefix)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.Balance != 0 {
					found[string(e.Account)] = e.Balance
				}
			}
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return found
}

// of gives P and E over all months of a creator.
func (w *world) of(c id.ID) (pending, earned int64) {
	for account, balance := range w.balances() {
		base := "creator/" + c.Text(id.Creator) + "/us/"
		if account == base+"pending" {
			pending = balance
		}
		if len(account) > len(base)+7 && account[:len(base)+7] == base+"earned/" {
			earned += balance
		}
	}
	return pending, earned
}

func (w *world) want(c id.ID, pending, earned int64) {
	w.t.Helper()
	if p, e := w.of(c); p != pending || e != earned {
		w.t.Errorf("P %d, E %d, want %d, %d", p, e, pending, earned)
	}
}

// audit recomputes everything and wants no difference.
func (w *world) audit() {
	w.t.Helper()
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		differ := func(text string) { w.t.Error(text) }
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		_, err := audit.Verify(tx, 1, differ)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

var selectLines = db.Statement(`SELECT order_id, line_id, creator, reason, pending, earned FROM line WHERE market = 1 AND order_id >= $1 AND order_id < $2 ORDER BY order_id, line_id`)

// lines gives what every line of orders with that prefix stands at.
func (w *world) lines(prefix string) map[string]string {
	w.t.Helper()
	found := map[string]string{}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(selectLines, func(scan func(...any) error) error {
			var orderID, lineID, reason string
			var c, pending, earned int64
			err := scan(&orderID, &lineID, &c, &reason, &pending, &earned)
			found[orderID+"/"+lineID] = fmt.Sprintf("creator %d, P %d, E %d, %s", c, pending, earned, reason)
			return err
		}, prefix+"-", prefix+".")
	}); err != nil {
		w.t.Fatal(err)
	}
	return found
}
