package correction_test

import (
	"context"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/audit"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/correction"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
)

const (
	alice = id.ID(11)
	bob   = id.ID(22)
	limit = 10_000
)

var begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// world is a marketplace with two creators and the operator's people.
type world struct {
	t     testing.TB
	db    *db.DB
	clock *clock.Business
	ring  *secret.Ring
	m     market.Market
	a     *accrual.Accrual

	admin, finance, other, reviewer, support, auditor, creator auth.Principal
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, db: dbtest.Open(t), clock: clock.NewStopped(begin), ring: secret.FixedRing("test")}
	w.m = market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example",
		Policy: policy.Shipped()}
	uk := market.Market{No: 2, ID: "uk", Name: "UK", Currency: "GBP", Zone: "Europe/London", Home: "http://uk.example", Policy: policy.Shipped()}
	w.must(w.db.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		for _, m := range []market.Market{w.m, uk} {
			if err := market.Save(tx, m); err != nil {
				return err
			}
		}
		for _, c := range []id.ID{alice, bob} {
			one := creator.Creator{ID: c, Name: "Creator " + strconv.Itoa(int(c)), Handle: "creator" + strconv.Itoa(int(c)), Created: begin}
			if err := creator.Create(tx, w.ring, one, creator.Personal{}); err != nil {
				return err
			}
			if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: c, Program: enrolment.Associates},
				enrolment.Standing{Since: begin.AddDate(-2, 0, 0), State: enrolment.Active}); err != nil {
				return err
			}
		}
		for who, role := range map[*auth.Principal]auth.Role{&w.admin: auth.Admin, &w.finance: auth.Finance, &w.other: auth.Finance,
			&w.reviewer: auth.Reviewer, &w.support: auth.Support, &w.auditor: auth.Auditor, &w.creator: auth.Creator} {
			p := auth.Principal{Name: string(role), Role: role}
			if role == auth.Creator {
				p.Creator = alice
			}
			var err error
			if *who, err = auth.Open(tx, p, begin); err != nil {
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

// order books an order whose lines, of 100.00 each, were won by these creators (0: by nobody), at 10 %. They are shipped.
func (w *world) order(name string, winners ...id.ID) (lines []correction.LineKey) {
	w.t.Helper()
	touches := make([][]click.Token, len(winners))
	for i, winner := range winners {
		if winner != 0 {
			touches[i] = []click.Token{w.click(winner, time.Minute)}
		}
	}
	return w.orderOf(name, touches...)
}

// click is a click of a creator's, so long ago.
func (w *world) click(c id.ID, ago time.Duration) click.Token {
	return click.Token{Click: click.NewID(), Creator: c, Program: click.Associates, Tracking: c * 10, Market: 1, At: w.clock.Now().Add(-ago)}
}

// orderOf books an order with one line for each list of clicks.
func (w *world) orderOf(name string, touches ...[]click.Token) (lines []correction.LineKey) {
	w.t.Helper()
	at := w.clock.Now()
	sealer := click.NewSealer(w.ring)
	placed := order.Event{ID: "placed-" + name, Type: order.TypePlaced, Market: "us", OccurredAt: at, Order: name,
		Placed: &order.Placed{ID: name, Currency: "USD"}}
	var shipped []order.Event
	for i, clicks := range touches {
		key := correction.LineKey{Order: name, Line: strconv.Itoa(i + 1)}
		line := order.Line{ID: key.Line, SKU: "KETTLE", Quantity: 1, Amount: money.Money{Amount: 10_000, Currency: "USD"}}
		for _, one := range clicks {
			line.Clicks = append(line.Clicks, sealer.Seal(one))
		}
		placed.Placed.Lines = append(placed.Placed.Lines, line)
		shipped = append(shipped, order.Event{ID: "shipped-" + name + key.Line, Type: order.TypeShipped, Market: "us", OccurredAt: at,
			Order: name, Line: key.Line, Quantity: 1})
		lines = append(lines, key)
	}
	var incoming []accrual.Incoming
	for _, e := range append([]order.Event{placed}, shipped...) {
		incoming = append(incoming, accrual.Incoming{Event: e, Hash: e.Hash()})
	}
	results, err := w.a.Take(context.Background(), 1, incoming)
	w.must(err)
	for _, r := range results {
		if r.Status != order.Accepted {
			w.t.Fatalf("%+v", r)
		}
	}
	return lines
}

// balance is what a creator holds over all accounts.
func (w *world) balance(c id.ID) (sum int64) {
	w.t.Helper()
	w.must(w.read(func(tx *db.Tx) error {
		entries, err := ledger.Under(tx, "creator/"+c.Text(id.Creator)+"/us/")
		for _, e := range entries {
			sum += e.Balance
		}
		return err
	}))
	return sum
}

// audit recomputes everything and wants no difference.
func (w *world) audit() {
	w.t.Helper()
	w.must(w.read(func(tx *db.Tx) error {
		differ := func(text string) { w.t.Error(text) }
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		_, err := audit.Verify(tx, 1, differ)
		return err
	}))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// lane runs fn as a door does: in the marketplace's lane.
func (w *world) lane(market int64, fn func(*db.Tx) error) error {
	return w.db.Lane(context.Background(), db.Interactive, w.clock.Now(), []int64{market}, fn)
}

func (w *world) propose(by auth.Principal, p correction.Proposal) (c correction.Correction, err error) {
	err = w.lane(1, func(tx *db.Tx) error { c, err = correction.Propose(tx, 1, by, limit, p); return err })
	return c, err
}

type verb func(*db.Tx, uint16, id.ID, auth.Principal, string) (correction.Correction, error)

func (w *world) decide(do verb, one id.ID, by auth.Principal, words string) (c correction.Correction, err error) {
	err = w.lane(1, func(tx *db.Tx) error { c, err = do(tx, 1, one, by, words); return err })
	return c, err
}

func (w *world) find(one id.ID) (c correction.Correction, steps []correction.Step) {
	w.t.Helper()
	w.must(w.db.Read(context.Background(), func(tx *db.Tx) (err error) { c, steps, err = correction.Find(tx, one); return err }))
	return c, steps
}

var countRows = db.Statement(`SELECT (SELECT COUNT(*) FROM correction) + (SELECT COUNT(*) FROM correction_line) +
	(SELECT COUNT(*) FROM correction_step) + (SELECT COUNT(*) FROM transfer) + (SELECT COUNT(*) FROM decision)`)

// rows counts everything that a correction may leave behind.
func (w *world) rows() (count int64) {
	w.t.Helper()
	w.must(w.db.Read(context.Background(), func(tx *db.Tx) error {
		_, err := tx.One(countRows, []any{&count})
		return err
	}))
	return count
}

// refused wants a fault of that kind at that field, and that it left nothing.
func (w *world) refused(name string, kind fault.Kind, field string, do func() error) {
	w.t.Helper()
	before := w.rows()
	err := do()
	if !fault.Is(err, kind) || fault.Of(err).Field != field {
		w.t.Errorf("%s: %v, want %s at %q", name, err, kind, field)
	}
	if after := w.rows(); after != before {
		w.t.Errorf("%s: left %d rows", name, after-before)
	}
}

func (w *world) read(fn func(*db.Tx) error) error { return w.db.Read(context.Background(), fn) }
