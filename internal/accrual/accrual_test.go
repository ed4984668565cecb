package accrual_test

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/order"
)

func earned(c id.ID, month string) string {
	return "creator/" + c.Text(id.Creator) + "/us/earned/" + month
}
func payable(c id.ID) string { return "creator/" + c.Text(id.Creator) + "/us/payable" }

// docs/examples.md A, through the whole path, with the ledger after each step.
func TestExampleA(t *testing.T) {
	w := newWorld(t)
	at := begin.Add(time.Minute)
	w.clock.Set(at)
	w.send(w.placed("1001", at, line(3, 1999, w.token(alice, begin))))
	for _, step := range []struct {
		kind     order.Type
		quantity int64
		p, e     int64
	}{{"", 0, 90, 0}, {order.TypeShipped, 1, 60, 30}, {order.TypeShipped, 2, 0, 90}, {order.TypeReturned, 1, 0, 60}, {order.TypeReturned, 2, 0, 0}} {
		if step.kind != "" {
			w.send(w.event(step.kind, "1001", "1", step.quantity, at))
		}
		w.want(alice, step.p, step.e)
	}
	w.audit()
}

// docs/examples.md H: the same four events in any of the 24 orders, each delivered one to three times.
func TestExampleH(t *testing.T) {
	at := begin.Add(time.Minute)
	var orders [][]int
	permute([]int{0, 1, 2, 3}, 0, func(p []int) { orders = append(orders, append([]int(nil), p...)) })
	w := newWorld(t)
	w.clock.Set(at)
	for n, arrival := range orders {
		orderID := "order-" + strconv.Itoa(n)
		events := []order.Event{w.placed(orderID, at, line(3, 1999, w.token(alice, begin))), w.event(order.TypeShipped, orderID, "1", 1, at),
			w.event(order.TypeShipped, orderID, "1", 2, at), w.event(order.TypeReturned, orderID, "1", 1, at)}
		for i, which := range arrival {
			for range 1 + (n+i)%3 {
				w.send(events[which])
			}
		}
	}
	w.want(alice, 0, 60*int64(len(orders)))
	w.audit()
}

func permute(list []int, from int, use func([]int)) {
	if from == len(list) {
		use(list)
		return
	}
	for i := from; i < len(list); i++ {
		list[from], list[i] = list[i], list[from]
		permute(list, from+1, use)
		list[from], list[i] = list[i], list[from]
	}
}

// docs/examples.md K, and O: what a closed month holds stands.
func TestExampleK(t *testing.T) {
	story := func(lastReturn time.Time) map[string]int64 {
		w := newWorld(t)
		day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 15, 0, 0, 0, time.UTC) }
		step := func(at time.Time, e order.Event) { w.clock.Set(at); w.send(e) }
		step(day(3, 18), w.placed("1", day(3, 18), line(3, 1999, w.token(alice, day(3, 18).Add(-time.Hour)))))
		step(day(3, 20), w.event(order.TypeShipped, "1", "1", 1, day(3, 20)))
		step(day(4, 3), w.event(order.TypeShipped, "1", "1", 2, day(4, 3)))
		step(day(4, 12), w.event(order.TypeReturned, "1", "1", 1, day(4, 12)))
		if got := w.balances(); got[earned(alice, "2026-03")] != 30 || got[earned(alice, "2026-04")] != 30 {
			t.Errorf("after the first return: %v", got)
		}
		w.clock.Set(lastReturn)
		if _, err := w.CloseMonths(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		w.send(w.event(order.TypeReturned, "1", "1", 2, lastReturn))
		w.audit()
		return w.balances()
	}
	if got := story(time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)); len(got) != 0 {
		t.Errorf("returned in May: %v", got)
	}
	got := story(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
	want := map[string]int64{payable(alice): 30, earned(alice, "2026-06"): -30}
	if !maps.Equal(got, want) {
		t.Errorf("returned in June: %v, want %v", got, want)
	}
}

// An earlier order that is reported late ends the session of a later one (§6); after the month has closed nothing moves.
func TestExampleO(t *testing.T) {
	for name, c := range map[string]struct {
		reported time.Time
		earned   int64
	}{"in time": {time.Date(2026, 5, 29, 12, 0, 0, 0, time.UTC), 0}, "too late": {time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC), 90}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			clicked := time.Date(2026, 3, 12, 10, 0, 0, 0, time.UTC)
			token := w.token(alice, clicked)
			w.clock.Set(clicked.Add(5 * time.Hour))
			added := clicked.Add(3 * time.Hour)
			late := line(3, 1999, token)
			late.AddedAt = &added
			w.send(w.placed("second", clicked.Add(4*time.Hour), late), w.event(order.TypeShipped, "second", "1", 3, clicked.Add(5*time.Hour)))
			w.want(alice, 0, 90)
			w.clock.Set(c.reported)
			if _, err := w.CloseMonths(context.Background(), 1); err != nil {
				t.Fatal(err)
			}
			w.send(w.placed("first", clicked.Add(2*time.Hour), line(1, 0, token)))
			total := int64(0)
			for account, balance := range w.balances() {
				if strings.HasPrefix(account, "creator/") {
					total += balance
				}
			}
			if total != c.earned {
				t.Errorf("the creator holds %d, want %d: %v", total, c.earned, w.balances())
			}
			w.audit()
		})
	}
}

func TestCreditMovesBetweenCreators(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(begin.Add(10 * time.Hour))
	a, b := w.token(alice, begin), w.token(bob, begin.Add(3*time.Hour))
	w.send(w.placed("1", begin.Add(4*time.Hour), line(3, 1999, a, b)))
	w.want(bob, 90, 0)
	// Bob's session is ended by an order between; Alice's had ended with Bob's click.
	w.send(w.placed("0", begin.Add(3*time.Hour+time.Minute), line(1, 100, b)))
	w.want(alice, 0, 0)
	w.want(bob, 5, 0)
	w.audit()
}

func TestFates(t *testing.T) {
	w := newWorld(t)
	at := begin.Add(time.Minute)
	w.clock.Set(at)
	first := w.placed("1", at, line(3, 1999))
	changed := w.placed("1", at, line(3, 1998))
	reused := first
	reused.Order, reused.Placed = "2", &order.Placed{ID: "2", Currency: "USD", Lines: []order.Line{line(1, 1)}}
	again := w.placed("1", at, line(3, 1999))
	more := w.placed("1", at, order.Line{ID: "2", SKU: "MUG", Quantity: 1, Amount: usd(500)})
	for i, c := range []struct {
		event order.Event
		want  string
	}{
		{first, "accepted"}, {first, "duplicate"}, {reused, "refused id_reused"}, {changed, "refused order_changed"}, {again, "duplicate"}, {more, "accepted"},
		{w.event(order.TypeReturned, "1", "1", 1, at), "waiting return_before_shipment"},
		{w.event(order.TypeShipped, "1", "1", 4, at), "refused more_than_ordered"},
		{w.event(order.TypeShipped, "9", "1", 1, at), "waiting order_not_known"},
		{w.event(order.TypeShipped, "1", "7", 1, at), "waiting order_not_known"},
		{w.event(order.TypeShipped, "1", "1", 3, at), "accepted"},
		{w.event(order.TypeReturned, "1", "1", 3, at), "refused more_returned_than_shipped"},
	} {
		if got := w.send(c.event); got[0] != c.want {
			t.Errorf("event %d: %q, want %q", i, got[0], c.want)
		}
	}
	w.audit()
}

// Events that came before their order are applied when it comes; those that contradict it are dropped and reported.
func TestEarlyEvents(t *testing.T) {
	w := newWorld(t)
	at := begin.Add(time.Minute)
	w.clock.Set(at)
	w.send(w.event(order.TypeShipped, "1", "1", 2, at), w.event(order.TypeShipped, "1", "1", 5, at), w.event(order.TypeCancelled, "1", "1", 1, at))
	w.send(w.placed("1", at, line(3, 1999, w.token(alice, begin))))
	w.want(alice, 0, 60)
	w.audit()
}

func TestReasons(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Policy.ResaleUnits = 10 })
	at := begin.Add(2 * time.Hour)
	w.clock.Set(at)
	if err := w.db.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		return enrolment.Save(tx, enrolment.Key{Market: 1, Creator: bob, Program: enrolment.Associates}, enrolment.Standing{Since: begin.Add(time.Hour), State: enrolment.Suspended})
	}); err != nil {
		t.Fatal(err)
	}
	with := func(l order.Line, shopper *order.Shopper) order.Event {
		e := w.placed(w.next(), at, l)
		e.Placed.Shopper = shopper
		return e
	}
	soon := func(c id.ID) string { return w.token(c, begin.Add(time.Hour+time.Minute)) }
	for want, e := range map[string]order.Event{
		"no_touch":             with(line(1, 100), nil),
		"bad_token":            with(line(1, 100, "nonsense"), nil),
		"wrong_marketplace":    with(line(1, 100, w.token(alice, begin, func(k *click.Token) { k.Market = 2 })), nil),
		"invalid_traffic":      with(line(1, 100, w.token(alice, begin, func(k *click.Token) { k.Flags = click.FlagInvalid })), nil),
		"paid_ad":              with(line(1, 100, w.token(alice, begin, func(k *click.Token) { k.Flags = click.FlagPaid })), nil),
		"enrolment_not_active": with(line(1, 100, soon(bob)), nil),
		"expired":              with(line(1, 100, w.token(alice, begin.Add(-48*time.Hour))), nil),
		"self_purchase":        with(line(1, 100, soon(alice)), &order.Shopper{Email: " C11@Creators.example"}),
		"resale":               with(line(11, 100, soon(alice)), &order.Shopper{Customer: "c-1"}),
		"zero_price":           with(line(1, 0, soon(alice)), nil),
		"rounds_to_zero":       with(line(1, 5, soon(alice)), nil),
		"":                     with(line(10, 1000, soon(alice)), &order.Shopper{Customer: "c-2"}),
	} {
		w.send(e)
		got, err := w.reason(e.Order)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", want, got, err)
		}
	}
	w.audit()
}

var selectReason = db.Statement(`SELECT reason FROM line WHERE market = 1 AND order_id = $1`)

func (w *world) reason(orderID string) (reason string, err error) {
	err = w.db.Read(context.Background(), func(tx *db.Tx) error {
		_, err := tx.One(selectReason, []any{&reason}, orderID)
		return err
	})
	return reason, err
}

// docs/examples.md R: 6 units on days 1, 10 and 20; the first earns, the second and third are resale. An order that comes
// in late counts where it belongs.
func TestExampleR(t *testing.T) {
	for _, arrival := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		w := newWorld(t, func(m *market.Market) { m.Policy.ResaleUnits = 10 })
		w.clock.Set(begin.AddDate(0, 0, 25))
		var events []order.Event
		for i, day := range []int{1, 10, 20} {
			at := begin.AddDate(0, 0, day)
			e := w.placed("day-"+strconv.Itoa(i), at, line(6, 1000, w.token(alice, at.Add(-time.Hour))))
			e.Placed.Shopper = &order.Shopper{Customer: "c-1"}
			events = append(events, e)
		}
		for _, which := range arrival {
			w.send(events[which])
		}
		for i, want := range []string{"", "resale", "resale"} {
			if got, _ := w.reason("day-" + strconv.Itoa(i)); got != want {
				t.Errorf("arrival %v, order %d: %q, want %q", arrival, i, got, want)
			}
		}
		w.want(alice, 45, 0)
		w.audit()
	}
}

func TestAwaitPayment(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Policy.AwaitPayment = true })
	at := begin.Add(time.Hour)
	w.clock.Set(at)
	token := w.token(alice, begin)
	w.send(w.placed("1", at, line(3, 1999, token)), w.placed("2", at.Add(time.Minute), line(1, 1000, token)))
	if reason, _ := w.reason("1"); reason != "awaiting_payment" {
		t.Errorf("reason %q", reason)
	}
	w.send(w.event(order.TypePaid, "2", "", 0, at.Add(2*time.Minute)))
	w.want(alice, 45, 0)
	w.send(w.event(order.TypePaid, "1", "", 0, at.Add(3*time.Minute))) // decided as of the time it was placed: it ends the session of the other
	w.want(alice, 90, 0)
	w.audit()
}

func TestLapse(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(begin.Add(time.Hour))
	w.send(w.placed("1", begin.Add(time.Hour), line(3, 1999, w.token(alice, begin))), w.event(order.TypeShipped, "1", "1", 1, begin.Add(time.Hour)))
	w.clock.Set(begin.Add(time.Hour + 180*24*time.Hour))
	if n, err := w.Lapse(context.Background(), 1); n != 0 || err != nil {
		t.Errorf("%d lines lapsed on the last instant, %v", n, err)
	}
	w.clock.Set(begin.Add(time.Hour + 180*24*time.Hour + time.Second))
	if n, err := w.Lapse(context.Background(), 1); n != 1 || err != nil {
		t.Errorf("%d lines lapsed, %v", n, err)
	}
	w.want(alice, 0, 30)
	late := w.event(order.TypeShipped, "1", "1", 1, begin.Add(24*time.Hour)) // happened in time, reported late
	w.send(late)
	w.want(alice, 0, 60)
	w.audit()
}

func TestDigital(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(begin.Add(time.Hour))
	l := line(1, 1000, w.token(alice, begin))
	l.Digital = true
	token := l.Clicks[0]
	w.send(w.placed("1", begin.Add(time.Hour), l))
	w.want(alice, 0, 45)
	w.send(w.placed("2", begin.Add(time.Hour+time.Minute), line(1, 1000, token))) // a digital order ends no session
	w.want(alice, 45, 45)
	w.audit()
}

// A creator's payment and device are learned from orders of the store account that is theirs.
func TestLearnedFacts(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(begin.Add(time.Hour))
	w.write(func(tx *db.Tx) error {
		return creator.AddFacts(tx, alice, map[string][]byte{creator.FactCustomer: creator.Fact(w.ring, creator.FactCustomer, "c-9")})
	})
	own := w.placed("1", begin.Add(time.Hour), line(1, 1000))
	own.Placed.Shopper = &order.Shopper{Customer: "c-9", Payment: "card-77"}
	w.send(own)
	guest := w.placed("2", begin.Add(time.Hour), line(1, 1000, w.token(alice, begin)))
	guest.Placed.Shopper = &order.Shopper{Email: "someone@else.example", Payment: "card-77"}
	w.send(guest)
	if reason, _ := w.reason("2"); reason != "self_purchase" {
		t.Errorf("reason %q", reason)
	}
}

// Many at once, in groups as they fall, leave what one after the other leaves.
func TestConcurrentTakes(t *testing.T) {
	w := newWorld(t)
	at := begin.Add(time.Minute)
	w.clock.Set(at)
	var batches [][]accrual.Incoming
	for i := range 60 {
		orderID := fmt.Sprintf("order-%02d", i)
		batches = append(batches, w.incoming(w.placed(orderID, at, line(3, 1999, w.token(alice, begin))), w.event(order.TypeShipped, orderID, "1", 1, at)))
	}
	var all sync.WaitGroup
	for _, batch := range batches {
		for range 2 {
			all.Go(func() {
				if _, err := w.Take(context.Background(), 1, batch); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	w.want(alice, 60*60, 30*60)
	w.audit()
}
