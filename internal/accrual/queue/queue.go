// Package queue makes groups of whatever waits: while one group is being booked, the next one gathers. There is one queue per
// marketplace, and each books one group at a time, in the order of arrival.
//
// What must always hold: an answer is given after its group was booked; what is turned away was not begun.
//
// It knows nothing of what is booked.
package queue

import (
	"sync"

	"tributary/internal/fault"
)

// maxWaiting bounds the requests that wait in one marketplace; beyond it a store is asked to come back.
const maxWaiting = 4096

// Queue gathers events of type E and gives a result of type R for each.
type Queue[E, R any] struct {
	Most int                                      // events of a group
	Book func(marketplace uint16, events []E) []R // books a group; one result per event, in order

	mu     sync.Mutex
	queues map[uint16]chan *request[E, R]
	closed bool
	work   sync.WaitGroup
}

type request[E, R any] struct {
	events  []E
	results []R
	done    chan struct{}
}

// Take books events of one marketplace and gives one result per event, in order.
func (q *Queue[E, R]) Take(marketplace uint16, events []E) (results []R, err error) {
	if len(events) == 0 {
		return nil, nil
	}
	queue, err := q.of(marketplace)
	if err != nil {
		return nil, err
	}
	for len(events) > 0 { // a request beyond a group is taken in parts, one after the other
		part := events[:min(len(events), q.Most)]
		events = events[len(part):]
		r := &request[E, R]{events: part, done: make(chan struct{})}
		select {
		case queue <- r:
		default:
			return results, fault.New(fault.Unavailable, "", "too many orders are waiting", "send them again in a few seconds")
		}
		<-r.done // the commit is near; leaving now would only lose the answer
		results = append(results, r.results...)
	}
	return results, nil
}

// Close ends the queues once what waits is booked.
func (q *Queue[E, R]) Close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		for _, queue := range q.queues {
			close(queue)
		}
	}
	q.mu.Unlock()
	q.work.Wait()
}

func (q *Queue[E, R]) of(marketplace uint16) (chan *request[E, R], error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, fault.New(fault.Unavailable, "", "the server is stopping", "send the events again")
	}
	queue, ok := q.queues[marketplace]
	if !ok {
		if q.queues == nil {
			q.queues = map[uint16]chan *request[E, R]{}
		}
		queue = make(chan *request[E, R], maxWaiting)
		q.queues[marketplace] = queue
		q.work.Go(func() { q.run(marketplace, queue) })
	}
	return queue, nil
}

// run takes whatever waits as one group.
func (q *Queue[E, R]) run(marketplace uint16, queue chan *request[E, R]) {
	var next *request[E, R]
	for {
		first := next
		if next = nil; first == nil {
			var ok bool
			if first, ok = <-queue; !ok {
				return
			}
		}
		group, events := []*request[E, R]{first}, append([]E(nil), first.events...)
	gather:
		for {
			select {
			case r, ok := <-queue:
				if !ok {
					break gather
				}
				if len(events)+len(r.events) > q.Most {
					next = r
					break gather
				}
				group, events = append(group, r), append(events, r.events...)
			default:
				break gather
			}
		}
		results := q.Book(marketplace, events)
		for _, r := range group {
			r.results, results = results[:len(r.events)], results[len(r.events):]
			close(r.done)
		}
	}
}
