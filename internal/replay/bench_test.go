package replay_test

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/replay"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

const benchCreators = 500

// processor is the processor's time that this process has used: on a busy machine it says more than the wall's.
func processor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// benchWorld is a marketplace with many creators, and orders of two lines each; of every order one line has shipped. It
// gives what taking the orders took of the processor.
func benchWorld(b *testing.B, orders int, more ...ratecard.Card) (d *db.DB, now *clock.Business, took time.Duration) {
	ctx := context.Background()
	d, err := db.Open(ctx, dbtest.Address(b), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	now = clock.NewStopped(begin.AddDate(0, 0, 3))
	ring := secret.FixedRing("bench")
	m := market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example", Policy: policy.Shipped()}
	long := begin.AddDate(-1, 0, 0)
	if err := d.Write(ctx, db.Money, func(tx *db.Tx) error {
		if err := market.Save(tx, m); err != nil {
			return err
		}
		for n := range benchCreators {
			one := creator.Creator{ID: who(n), Name: "Creator", Handle: fmt.Sprint("creator", n), Created: long}
			if err := creator.Create(tx, ring, one, creator.Personal{Email: one.Handle + "@creators.example"}); err != nil {
				return err
			}
			if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: who(n), Program: enrolment.Associates},
				enrolment.Standing{Since: long, State: enrolment.Active}); err != nil {
				return err
			}
		}
		for _, card := range append(more, ratecard.Card{Kind: ratecard.Offsite, Effective: long, Default: 450}) {
			card.Effective = long
			if _, err := ratecard.Publish(tx, 1, card, long, 0); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	taker := accrual.New(d, now, ring, 0)
	defer taker.Close()
	sealer := click.NewSealer(ring)
	for start := 0; start < orders; start += 500 {
		var placed, shipped []accrual.Incoming
		for n := start; n < min(start+500, orders); n++ {
			e, then := benchOrder(sealer, n)
			placed = append(placed, accrual.Incoming{Event: e, Hash: e.Hash(), Facts: shopper.Keyed(ring, e.Placed.Shopper)})
			shipped = append(shipped, accrual.Incoming{Event: then, Hash: then.Hash()})
		}
		begun := processor()
		if _, err := taker.Take(ctx, 1, placed); err != nil {
			b.Fatal(err)
		}
		took += processor() - begun
		if _, err := taker.Take(ctx, 1, shipped); err != nil {
			b.Fatal(err)
		}
	}
	return d, now, took
}

func benchOrder(sealer *click.Sealer, n int) (placed, shipped order.Event) {
	name := fmt.Sprintf("order-%08d", n)
	at := begin.Add(time.Duration(n) * time.Millisecond)
	token := sealer.Seal(click.Token{Click: click.NewID(), Creator: who(n % benchCreators), Program: click.Associates, Tracking: id.ID(9000 + n%benchCreators),
		Market: 1, Kind: click.KindProduct, Landed: click.LandedProduct, Place: click.ProductPlace(sku(n % 50)), At: at.Add(-time.Duration(1+n%30) * time.Hour)})
	placed = order.Event{ID: "evt-" + name, Type: order.TypePlaced, Market: "us", OccurredAt: at, Order: name, Placed: &order.Placed{ID: name, Currency: "USD",
		Shopper: &order.Shopper{Customer: "c-" + name}}}
	for l := range 2 {
		placed.Placed.Lines = append(placed.Placed.Lines, order.Line{ID: fmt.Sprint(l + 1), SKU: sku((n + l) % 50), Quantity: 1,
			Amount: money.Money{Amount: 2000, Currency: "USD"}, Category: fmt.Sprint("Home > Kitchen > Shelf ", n%7), Clicks: []string{token}})
	}
	return placed, order.Event{ID: "evt-" + name + "-s", Type: order.TypeShipped, Market: "us", OccurredAt: at.Add(time.Hour), Order: name, Line: "1", Quantity: 1}
}

// BenchmarkReplay compares what-ifs with taking the same orders, in one process on one core, and shows the memory that
// they need at one and at four times the lines.
func BenchmarkReplay(b *testing.B) {
	onsite := ratecard.Card{Kind: ratecard.Onsite, Default: 200}
	for _, c := range []struct {
		name   string
		orders int
		more   []ratecard.Card
		q      replay.Question
	}{
		{"rates", 10_000, nil, replay.Question{Rates: benchRates}},
		{"rates, four times the lines", 40_000, nil, replay.Question{Rates: benchRates}},
		{"rates beside onsite ones", 10_000, []ratecard.Card{onsite}, replay.Question{Rates: benchRates}},
		{"rules", 10_000, nil, replay.Question{Rules: rules(b, "session_hours=12")}},
	} {
		b.Run(c.name, func(b *testing.B) {
			d, now, took := benchWorld(b, c.orders, c.more...)
			c.q.Market, c.q.From, c.q.Until = "us", begin.AddDate(0, 0, -1), begin.AddDate(0, 1, 0)
			peak := uint64(0)
			begun := processor()
			b.ResetTimer()
			for range b.N {
				got, err := replay.Run(context.Background(), d, c.q, now.Now(), func(done, _ int64) error {
					if done%10_000 == 0 {
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						peak = max(peak, m.HeapAlloc)
					}
					return nil
				})
				if err != nil || got.Total.Changed == 0 {
					b.Fatal(got, err)
				}
			}
			lines, used := float64(2*c.orders), (processor()-begun).Seconds()/float64(b.N)
			b.ReportMetric(took.Seconds()*1e6/lines, "µs/taken")
			b.ReportMetric(used*1e6/lines, "µs/replayed")
			b.ReportMetric(took.Seconds()/used, "ratio")
			b.ReportMetric(float64(peak)/(1<<20), "MB")
		})
	}
}

const benchRates = `marketplace: us
currency: USD
offsite:
  default: 4
  rates: {Home: 5, Home > Kitchen > Shelf 3: 6}
  products: {SKU-7: 12}
`
