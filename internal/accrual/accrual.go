// Package accrual is the one page on which the river can be read, and the only poster for lines (docs/spec.md §5–§7,
// §10): whatever waits in a marketplace is one group and one transaction.
//
//	Take(group) → load its facts → decide, by pure functions → save
//
// What must always hold: the answer is given after the commit; the same event twice posts once; a decision is a row that
// is never changed, with all its facts; the transfers of a decision are the difference between what was posted and its
// targets; what a client can cause is decided in memory and is never an error of the database.
//
// It owns no rule: order folds, attribution credits, ratecard and commission price, ledger keeps the sums.
package accrual

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tributary/internal/accrual/queue"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/order"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

// MaxGroup is how many events one transaction takes at most: enough that its cost is shared, few enough that it ends
// within some 100 ms.
const MaxGroup = 2000

// Incoming is an event that has passed its own Check.
type Incoming struct {
	Event order.Event
	Hash  []byte // of the parsed event without shopper facts
	Facts shopper.Facts
}

// Result is the fate of one event. Detail is for people; Reason is a stable code.
type Result struct {
	ID     string       `json:"id"`
	Status order.Answer `json:"status"`
	Reason string       `json:"reason,omitempty"`
	Detail string       `json:"detail,omitempty"`
	Order  string       `json:"order,omitempty"`
	Bounty string       `json:"bounty,omitempty"`
}

// Accrual takes events, group by group, one queue per marketplace.
type Accrual struct {
	db     *db.DB
	clock  *clock.Business
	ring   *secret.Ring
	sealer *click.Sealer
	queue  queue.Queue[Incoming, Result]

	mu    sync.Mutex
	books map[uint16]*book
	// Committed is called after every commit with the marketplace and its turn; a hint, never data.
	Committed func(market uint16, turn int64)
}

// New gives an accrual on a database. group is the largest group; 0 is MaxGroup (benchmarks set it to 1).
func New(d *db.DB, business *clock.Business, ring *secret.Ring, group int) *Accrual {
	if group == 0 {
		group = MaxGroup
	}
	a := &Accrual{db: d, clock: business, ring: ring, sealer: click.NewSealer(ring), books: map[uint16]*book{},
		Committed: func(uint16, int64) {}}
	a.queue = queue.Queue[Incoming, Result]{Most: group, Book: a.split}
	return a
}

// Take books events of one marketplace and gives one result per event, in order, after the commit.
func (a *Accrual) Take(_ context.Context, marketplace uint16, events []Incoming) ([]Result, error) {
	return a.queue.Take(marketplace, events)
}

// Close ends the queues once what waits is booked.
func (a *Accrual) Close() { a.queue.Close() }

// split books a group. An unexpected error splits it until the culprit stands alone; that one is answered unavailable.
func (a *Accrual) split(marketplace uint16, events []Incoming) []Result {
	results, err := a.once(marketplace, events)
	if err == nil {
		return results
	}
	if len(events) > 1 && !fault.Is(err, fault.NotFound) {
		half := len(events) / 2
		return append(a.split(marketplace, events[:half]), a.split(marketplace, events[half:])...)
	}
	results = make([]Result, len(events))
	for i, e := range events {
		slog.Error("an event could not be booked", "event", e.Event.ID, "order", e.Event.Order, "err", err)
		results[i] = Result{ID: e.Event.ID, Status: "unavailable", Reason: "unavailable", Detail: "send the event again later", Order: e.Event.Order}
	}
	return results
}

// once is one group: one lane, one transaction.
func (a *Accrual) once(marketplace uint16, events []Incoming) (results []Result, err error) {
	var turn int64
	err = a.db.Lane(context.Background(), db.Money, a.clock.Now(), []int64{int64(marketplace)}, func(tx *db.Tx) error {
		g, err := a.open(tx, marketplace)
		if err != nil {
			return err
		}
		if results, err = g.take(events); err != nil {
			return err
		}
		turn = tx.Turn(int64(marketplace))
		return g.save()
	})
	if err != nil {
		a.forget(marketplace) // what was read in a transaction that failed is not trusted
		return nil, err
	}
	a.Committed(marketplace, turn)
	return results, nil
}

// Internal is work that no store sends: lapses and month closes, decided by the clock and only posted by jobs.
func (a *Accrual) internal(ctx context.Context, class db.Class, marketplace uint16, fn func(*group) error) error {
	var turn int64
	err := a.db.Lane(ctx, class, a.clock.Now(), []int64{int64(marketplace)}, func(tx *db.Tx) error {
		g, err := a.open(tx, marketplace)
		if err != nil {
			return err
		}
		turn = tx.Turn(int64(marketplace))
		if err := fn(g); err != nil {
			return err
		}
		return g.save()
	})
	if err == nil {
		a.Committed(marketplace, turn)
	}
	return err
}

// Now is the business time at the door; the lane's may be later.
func (a *Accrual) Now() time.Time { return a.clock.Now() }
