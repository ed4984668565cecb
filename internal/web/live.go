package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/a-h/templ"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/web/ui"
)

const (
	// look is how often the outbox is read although no hint came: hints may be lost, and other processes give none.
	look = 2 * time.Second
	// breath is the least time between two pages on one stream: under load a page shows the newest of many changes.
	breath = 150 * time.Millisecond
	// beat keeps a stream open through proxies, and is when its account is looked at again.
	beat = 15 * time.Second
	// outboxRead is how many rows are read at once; what is beyond is read right after.
	outboxRead = 10_000
)

// feed follows the outbox for all open pages of this process: one reader per marketplace, however many look on.
type feed struct {
	db    *db.DB
	hints *event.Hints // of the process
	own   event.Hints  // from the readers to the streams: one topic per creator

	mu      sync.Mutex
	readers map[uint16]int // followers
	ends    map[uint16]context.CancelFunc
	done    context.Context
	stop    context.CancelFunc
}

// newFeed gives a feed; readers begin with the first page that looks.
func newFeed(d *db.DB, hints *event.Hints) *feed {
	if hints == nil {
		hints = &event.Hints{} // nobody hints: pages look every two seconds
	}
	f := &feed{db: d, hints: hints, readers: map[uint16]int{}, ends: map[uint16]context.CancelFunc{}}
	f.done, f.stop = context.WithCancel(context.Background())
	return f
}

// close ends all readers and streams.
func (f *feed) close() { f.stop() }

// creatorTopic is hinted, within this feed, when something of a creator was booked.
func creatorTopic(market uint16, creator id.ID) string {
	return "creator/" + strconv.Itoa(int(market)) + "/" + creator.Text(id.Creator)
}

// marketTopic is hinted when anything was booked in a marketplace.
func marketTopic(market uint16) string { return "market/" + strconv.Itoa(int(market)) }

// follow keeps the marketplace's reader running until the returned function is called.
func (f *feed) follow(market uint16) (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers[market]++
	if f.readers[market] == 1 {
		ctx, end := context.WithCancel(f.done)
		f.ends[market] = end
		go f.read(ctx, market)
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.readers[market]--; f.readers[market] == 0 {
			f.ends[market]()
			delete(f.ends, market)
		}
	}
}

// read follows one marketplace's outbox and wakes the streams of the creators it speaks of.
func (f *feed) read(ctx context.Context, market uint16) {
	woken, end := f.hints.Subscribe(event.OrdersTopic(market))
	defer end()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	last := int64(-1)
	for {
		before := last
		var touched map[id.ID]int64
		err := f.db.Read(ctx, func(tx *db.Tx) (err error) {
			if last < 0 { // pages that open now show all that is committed now
				last, err = event.Turn(tx, int64(market))
				return err
			}
			touched, last, err = event.Touched(tx, int64(market), last, outboxRead)
			return err
		})
		if err != nil {
			last = before // the database is away: the next look goes on from here
		}
		for creator := range touched {
			f.own.Publish(creatorTopic(market, creator))
		}
		if len(touched) > 0 || last != before {
			f.own.Publish(marketTopic(market))
		}
		select {
		case <-ctx.Done():
			return
		case <-woken:
		case <-ticker.C:
		}
	}
}

// creatorEvents is the live stream of a creator's home.
func (w *Web) creatorEvents(rw http.ResponseWriter, r *http.Request) error {
	market, err := w.creator.Market(r)
	if err != nil {
		return err
	}
	creator := ui.Who(r).Creator
	orders, clicks := creatorTopic(market, creator), event.ClicksTopic(market, creator)
	return w.stream(rw, r, market, orders, clicks, w.creator.Live)
}

// operatorEvents is the live stream of the river's health.
func (w *Web) operatorEvents(rw http.ResponseWriter, r *http.Request) error {
	market, err := w.operator.Marketplace(r)
	if err != nil {
		return err
	}
	return w.stream(rw, r, market, marketTopic(market), event.MarketClicksTopic(market), w.operator.Live)
}

// stream sends the parts of a page whenever they have changed. Each message is the whole of them with the turn that they
// show, so that a stream that was cut resumes with one message, whatever it missed.
func (w *Web) stream(rw http.ResponseWriter, r *http.Request, market uint16, orders, clicks string,
	live func(*http.Request) (templ.Component, int64, error)) error {
	if r.Method != http.MethodGet { // who asks for the head alone would wait for ever
		return ui.NotFound
	}
	if err := extend(rw); err != nil {
		return fault.Wrap(err, "opening a stream")
	}
	leave := w.feed.follow(market)
	defer leave()
	byOrders, endOrders := w.feed.own.Subscribe(orders)
	defer endOrders()
	byClicks, endClicks := w.feed.hints.Subscribe(clicks)
	defer endClicks()

	header := rw.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // proxies that collect would hold a change back
	fmt.Fprint(rw, "retry: 1000\n\n")

	poll, heart := time.NewTicker(look), time.NewTicker(beat)
	defer poll.Stop()
	defer heart.Stop()
	var shown []byte
	for {
		page, turn, err := live(r)
		if err != nil {
			return nil // the browser comes back by itself, and finds out more
		}
		var fresh bytes.Buffer
		if err := page.Render(r.Context(), &fresh); err != nil {
			return nil
		}
		if !bytes.Equal(fresh.Bytes(), shown) {
			shown = fresh.Bytes()
			writeEvent(rw, turn, shown)
			if flush(rw) != nil {
				return nil
			}
		}
		select { // changes in quick succession become one message
		case <-time.After(breath):
		case <-r.Context().Done():
			return nil
		}
		if !w.await(rw, r, byOrders, byClicks, poll.C, heart.C) {
			return nil
		}
	}
}

// await returns true when there may be something to show, and false when the stream is over.
func (w *Web) await(rw http.ResponseWriter, r *http.Request, orders, clicks <-chan struct{},
	poll, heart <-chan time.Time) bool {
	for {
		select {
		case <-orders:
			return true
		case <-clicks:
			return true
		case <-poll:
			return true
		case <-heart:
			now, open, err := w.sessions.Who(r)
			if err != nil || !open || now != ui.Who(r) {
				return false
			}
			fmt.Fprint(rw, ": still here\n\n")
			if flush(rw) != nil {
				return false
			}
		case <-r.Context().Done():
			return false
		case <-w.feed.done.Done():
			return false
		}
	}
}

// extend gives the stream time until two beats from now. The server's own limit is for answers that end; a reader who
// takes nothing for so long is gone.
func extend(w http.ResponseWriter) error {
	return http.NewResponseController(w).SetWriteDeadline(clock.Wall().Add(2 * beat))
}

// flush sends what was written, and lets the stream live on.
func flush(w http.ResponseWriter) error {
	return errors.Join(http.NewResponseController(w).Flush(), extend(w))
}

// writeEvent writes one message; a line break within it begins a new data line, as the format wants it.
func writeEvent(w http.ResponseWriter, turn int64, html []byte) {
	fmt.Fprintf(w, "id: %d\nevent: page\n", turn)
	for line := range bytes.Lines(html) {
		fmt.Fprintf(w, "data: %s\n", bytes.TrimRight(line, "\r\n"))
	}
	fmt.Fprint(w, "\n")
}
