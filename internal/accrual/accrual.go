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

// maxQueue bounds the requests that wait in one marketplace; beyond it a store is asked to come back.
const maxQueue = 4096

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
	group  int

	mu     sync.Mutex
	queues map[uint16]chan *request
	books  map[uint16]*book
	closed bool
	work   sync.WaitGroup
	// Committed is called after every commit with the marketplace and its turn; a hint, never data.
	Committed func(market uint16, turn int64)
}

type request struct {
	ctx     context.Context
	events  []Incoming
	results []Result
	err     error
	done    chan struct{}
}

// New gives an accrual on a database. group is the largest group; 0 is MaxGroup (benchmarks set it to 1).
func New(d *db.DB, business *clock.Business, ring *secret.Ring, group int) *Accrual {
	if group == 0 {
		group = MaxGroup
	}
	return &Accrual{db: d, clock: business, ring: ring, sealer: click.NewSealer(ring), group: group,
		queues: map[uint16]chan *request{}, books: map[uint16]*book{}, Committed: func(uint16, int64) {}}
}

// Take books events of one marketplace and gives one result per event, in order, after the commit.
func (a *Accrual) Take(ctx context.Context, marketplace uint16, events []Incoming) ([]Result, error) {
	if len(events) == 0 {
		return nil, nil
	}
	queue, err := a.queue(marketplace)
	if err != nil {
		return nil, err
	}
	var results []Result
	for len(events) > 0 { // a request beyond a group is taken in parts, one after the other
		part := events[:min(len(events), a.group)]
		events = events[len(part):]
		r := &request{ctx: ctx, events: part, done: make(chan struct{})}
		select {
		case queue <- r:
		default:
			return results, fault.New(fault.Unavailable, "", "too many orders are waiting", "send them again in a few seconds")
		}
		<-r.done // the commit is near; leaving now would only lose the answer
		if r.err != nil {
			return results, r.err
		}
		results = append(results, r.results...)
	}
	return results, nil
}

// Close ends the queues once what waits is booked.
func (a *Accrual) Close() {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		for _, queue := range a.queues {
			close(queue)
		}
	}
	a.mu.Unlock()
	a.work.Wait()
}

func (a *Accrual) queue(marketplace uint16) (chan *request, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, fault.New(fault.Unavailable, "", "the server is stopping", "send the events again")
	}
	queue, ok := a.queues[marketplace]
	if !ok {
		queue = make(chan *request, maxQueue)
		a.queues[marketplace] = queue
		a.work.Go(func() { a.run(marketplace, queue) })
	}
	return queue, nil
}

// run takes whatever waits as one group. While one group commits, the next one gathers.
func (a *Accrual) run(marketplace uint16, queue chan *request) {
	var next *request
	for {
		first := next
		if next = nil; first == nil {
			var ok bool
			if first, ok = <-queue; !ok {
				return
			}
		}
		group, size := []*request{first}, len(first.events)
	gather:
		for {
			select {
			case r, ok := <-queue:
				if !ok {
					break gather
				}
				if size+len(r.events) > a.group {
					next = r
					break gather
				}
				group, size = append(group, r), size+len(r.events)
			default:
				break gather
			}
		}
		a.book(marketplace, group)
		for _, r := range group {
			close(r.done)
		}
	}
}

// book books a group. An unexpected error splits it until the culprit stands alone; that one is answered unavailable.
func (a *Accrual) book(marketplace uint16, group []*request) {
	var events []Incoming
	for _, r := range group {
		events = append(events, r.events...)
	}
	results := a.split(marketplace, events)
	for _, r := range group {
		r.results, results = results[:len(r.events)], results[len(r.events):]
	}
}

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
