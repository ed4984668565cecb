package event

import (
	"strconv"
	"sync"

	"tributary/internal/id"
)

// Hints tell those who watch, within this process, that something has changed. A hint carries no data and may be lost:
// whoever gets one reads the rows, and looks every few seconds anyway. The zero value is ready.
type Hints struct {
	mu       sync.Mutex
	watchers map[string]map[chan struct{}]bool
}

// OrdersTopic is hinted after every commit on a marketplace's money.
func OrdersTopic(market uint16) string { return "orders/" + strconv.Itoa(int(market)) }

// ClicksTopic is hinted after clicks of a creator were counted.
func ClicksTopic(market uint16, creator id.ID) string {
	return "clicks/" + strconv.Itoa(int(market)) + "/" + creator.Text(id.Creator)
}

// MarketClicksTopic is hinted after any clicks of a marketplace were counted.
func MarketClicksTopic(market uint16) string { return "clicks/" + strconv.Itoa(int(market)) }

// Publish wakes who watches a topic. It never waits.
func (h *Hints) Publish(topics ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range topics {
		for watcher := range h.watchers[topic] {
			select {
			case watcher <- struct{}{}:
			default: // it has not answered the last hint yet, and will see this change with it
			}
		}
	}
}

// Clicks hints that clicks of these creators were counted (the click shipper's Shipped).
func (h *Hints) Clicks(market uint16, creators []id.ID) {
	for _, creator := range creators {
		h.Publish(ClicksTopic(market, creator))
	}
	h.Publish(MarketClicksTopic(market))
}

// Orders hints that something was booked (accrual's Committed). The turn is not passed on: readers know their own.
func (h *Hints) Orders(market uint16, _ int64) { h.Publish(OrdersTopic(market)) }

// Subscribe gives a channel that is woken by any of the topics, and the function that ends it.
func (h *Hints) Subscribe(topics ...string) (woken <-chan struct{}, end func()) {
	watcher := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = map[string]map[chan struct{}]bool{}
	}
	for _, topic := range topics {
		if h.watchers[topic] == nil {
			h.watchers[topic] = map[chan struct{}]bool{}
		}
		h.watchers[topic][watcher] = true
	}
	return watcher, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, topic := range topics {
			delete(h.watchers[topic], watcher)
			if len(h.watchers[topic]) == 0 {
				delete(h.watchers, topic)
			}
		}
	}
}
