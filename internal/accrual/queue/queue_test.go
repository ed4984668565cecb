package queue_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"tributary/internal/accrual/queue"
	"tributary/internal/fault"
)

// What waits while a group is booked becomes the next group, no larger than the limit; each gets its own answers.
func TestGroups(t *testing.T) {
	var groups atomic.Int64
	hold := make(chan struct{})
	q := &queue.Queue[int, int]{Most: 10, Book: func(_ uint16, events []int) []int {
		if len(events) > 10 {
			t.Errorf("a group of %d", len(events))
		}
		if groups.Add(1) == 1 {
			<-hold // the others gather meanwhile
		}
		results := make([]int, len(events))
		for i, event := range events {
			results[i] = -event
		}
		return results
	}}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			events := []int{4 * i, 4*i + 1, 4*i + 2, 4*i + 3}
			results, err := q.Take(1, events)
			if err != nil || len(results) != 4 {
				t.Errorf("%v, %v", results, err)
			}
			for j, result := range results {
				if result != -events[j] {
					t.Errorf("%d was answered %d", events[j], result)
				}
			}
		})
	}
	close(hold)
	wait.Wait()
	if long, err := q.Take(1, make([]int, 35)); err != nil || len(long) != 35 {
		t.Errorf("a long request: %d answers, %v", len(long), err)
	}
	if none, err := q.Take(1, nil); none != nil || err != nil {
		t.Errorf("nothing: %v, %v", none, err)
	}
	q.Close()
	if _, err := q.Take(1, []int{1}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("after the end: %v", err)
	}
}
