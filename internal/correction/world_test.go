package correction_test

import (
	"context"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/correction"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/policy"
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
		return nil
	}))
	return w
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
