package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/api"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/order"
)

// What the bench of orders does.
const (
	ordersPerRequest = 100
	orderClients     = 16   // requests under way at once: most of a group, as from a store's few servers
	ordersInFlight   = 1024 // single orders under way at once, for the time until they are acknowledged
	orderRound       = time.Second
	orderCreators    = 2000
	fewestRequests   = 4 // of a round: the first, which tells how many fill the next, and those of slow sides
)

// requestsText says what is under way.
var requestsText = fmt.Sprintf("%d orders of %d lines each, %d at once", ordersPerRequest, linesPerOrder, orderClients)

// orders compares taking orders in groups with the same code taking them one by one, through the API and below it; and with
// inserting the rows that are left.
func orders(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("orders", o)
	creators := orderCreators / o.scale()
	w, err := o.openWorld(ctx, creators, db.Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = joined(err, w.close()) }()
	if err := w.describe(ctx, &report); err != nil {
		return report, err
	}
	report.Settings["requests"] = requestsText
	grouped, single := w.taker(0), w.taker(1)
	defer grouped.close()
	defer single.close()
	if err := joined(grouped.listen(ctx), single.listen(ctx)); err != nil {
		return report, err
	}
	if _, err := grouped.direct(ctx, fewestRequests); err != nil {
		return report, err
	}
	if err := w.analyze(ctx); err != nil {
		return report, err
	}
	rates, err := report.inTurn(ctx, "lines/s", side{"API, groups", grouped.paced(grouped.overHTTP)},
		side{"API, one by one", single.paced(single.overHTTP)},
		side{"engine, groups", grouped.paced(grouped.direct)}, side{"engine, one by one", single.paced(single.direct)})
	if err != nil {
		return report, err
	}
	name := "vs_naive_sqlite"
	if o.Database != "" {
		name = "vs_naive_postgres"
	}
	report.ratio(name, rates["API, groups"], rates["API, one by one"])
	report.ratio("vs_naive_engine", rates["engine, groups"], rates["engine, one by one"])
	p50, p99, err := grouped.inFlight(ctx)
	report.Figures[fmt.Sprintf("acknowledged, %d in flight, p50", ordersInFlight)] = milliseconds(p50)
	report.Figures[fmt.Sprintf("acknowledged, %d in flight, p99", ordersInFlight)] = milliseconds(p99)
	if err != nil {
		return report, err
	}
	return report, o.againstBare(ctx, creators, &report)
}

// taker is an accrual with its API in front of it.
type taker struct {
	*World
	*accrual.Accrual
	address string
	stop    func() error
}

// openTaker makes a world with a taker of groups whose statements and plans are paid for.
func (o Options) openTaker(ctx context.Context, creators int, options db.Options) (*taker, error) {
	w, err := o.openWorld(ctx, creators, options)
	if err != nil {
		return nil, err
	}
	t := w.taker(0)
	if _, err = t.direct(ctx, fewestRequests); err == nil {
		err = w.analyze(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, t.leave())
	}
	return t, nil
}

// leave ends a taker and its world.
func (t *taker) leave() error {
	t.close()
	return t.World.close()
}

func (w *World) taker(group int) *taker {
	return &taker{World: w, Accrual: accrual.New(w.DB, w.Clock, w.Ring, group)}
}

func (t *taker) listen(ctx context.Context) (err error) {
	handler := api.New(api.Config{DB: t.DB, Clock: t.Clock, Ring: t.Ring, Accrual: t.Accrual, Home: "http://go.example"})
	t.address, t.stop, err = t.program.listen(ctx, handler)
	return err
}

func (t *taker) close() {
	if t.stop != nil {
		_ = t.stop() // what it served was measured; how it ends is not
	}
	t.Accrual.Close()
}

// paced gives rounds of about one length: each does as many requests as the speed of the round before it suggests.
func (t *taker) paced(round func(ctx context.Context, requests int) (time.Duration, error)) func(context.Context) (float64, error) {
	requests := fewestRequests
	return func(ctx context.Context) (float64, error) {
		took, err := round(ctx, requests)
		rate := float64(requests) / took.Seconds()
		requests = max(int(rate*orderRound.Seconds()), fewestRequests)
		return rate * ordersPerRequest * linesPerOrder, err
	}
}

// batch makes the events of one request.
func (w *World) batch(size int) []order.Event {
	events := make([]order.Event, size)
	for i := range events {
		events[i] = w.Order(w.Clock.Now())
	}
	return events
}

// overHTTP sends requests of many events from several clients, and gives how long it took until all were acknowledged.
func (t *taker) overHTTP(ctx context.Context, requests int) (time.Duration, error) {
	bodies := make(chan []byte, requests)
	for range requests {
		body, err := json.Marshal(t.batch(ordersPerRequest))
		if err != nil {
			return 0, err
		}
		bodies <- body
	}
	close(bodies)
	client := t.program.Client(orderClients)
	defer client.CloseIdleConnections()
	begin := clock.Wall()
	err := together(orderClients, func() error {
		for body := range bodies {
			if err := t.send(ctx, client, body, ordersPerRequest); err != nil {
				return err
			}
		}
		return nil
	})
	return clock.Since(begin), err
}

var acceptedStatus = []byte(`"status":"accepted"`)

// send posts events and wants every one accepted.
func (t *taker) send(ctx context.Context, client *http.Client, body []byte, events int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.address+"/v1/orders/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+t.Token)
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && bytes.Count(text, acceptedStatus) != events {
		err = fmt.Errorf("answered %s: %.200s", answer.Status, text)
	}
	return err
}

// direct hands requests to accrual itself.
func (t *taker) direct(ctx context.Context, requests int) (time.Duration, error) {
	batches := make([][]order.Event, requests)
	for i := range batches {
		batches[i] = t.batch(ordersPerRequest)
	}
	return t.takeAll(ctx, batches)
}

// takeAll hands over batches of events from several clients, wants every one accepted, and gives how long that took.
func (t *taker) takeAll(ctx context.Context, batches [][]order.Event) (time.Duration, error) {
	requests := make(chan []accrual.Incoming, len(batches))
	for _, events := range batches {
		in, err := t.incoming(events)
		if err != nil {
			return 0, err
		}
		requests <- in
	}
	close(requests)
	begin := clock.Wall()
	err := together(orderClients, func() error {
		for in := range requests {
			results, err := t.Take(ctx, worldMarket, in)
			if err != nil {
				return err
			}
			for _, r := range results {
				if r.Status != order.Accepted {
					return fmt.Errorf("event %s: %s %s", r.ID, r.Status, r.Detail)
				}
			}
		}
		return nil
	})
	return clock.Since(begin), err
}

// inFlight keeps a thousand single orders under way and gives how long they wait for their acknowledgement.
func (t *taker) inFlight(ctx context.Context) (p50, p99 time.Duration, err error) {
	const each = 10
	bodies := make([][]byte, ordersInFlight*each)
	for i := range bodies {
		if bodies[i], err = json.Marshal(t.batch(1)); err != nil {
			return 0, 0, err
		}
	}
	client := t.program.Client(ordersInFlight)
	defer client.CloseIdleConnections()
	times := make([]time.Duration, len(bodies))
	var next atomic.Int64
	upto := func(end int) error {
		return together(ordersInFlight, func() error {
			for i := next.Add(1) - 1; i < int64(end); i = next.Add(1) - 1 {
				begin := clock.Wall()
				if err := t.send(ctx, client, bodies[i], 1); err != nil {
					return err
				}
				times[i] = clock.Since(begin)
			}
			return nil
		})
	}
	if err := upto(ordersInFlight); err != nil { // these pay for the connections
		return 0, 0, err
	}
	next.Store(ordersInFlight)
	err = upto(len(bodies))
	connected := times[ordersInFlight:]
	return percentile(connected, 0.5), percentile(connected, 0.99), err
}

// together runs a number of workers and gives the first error.
func together(workers int, work func() error) error {
	var all sync.WaitGroup
	errs := make([]error, workers)
	for i := range workers {
		all.Go(func() { errs[i] = work() })
	}
	all.Wait()
	return joined(errs...)
}

// beside runs two things at once, and gives the first error.
func beside(one, other func() error) error {
	var first error
	var both sync.WaitGroup
	both.Go(func() { first = one() })
	second := other()
	both.Wait()
	return joined(second, first)
}

// joined is the first of several errors: that of a worker says what the others only repeat.
func joined(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
