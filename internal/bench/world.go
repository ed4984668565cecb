package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/shopper"
)

// World is an installation with one marketplace, creators who may earn, a card of 4.5 %, a few products, and a
// store's API token: what is measured, and what is killed, begins here.
type World struct {
	Installation
	Market   market.Market
	Tags     []string // of the creator at the same place
	Token    string   // with which the store reports
	Sealer   *click.Sealer
	creators []id.ID
	since    time.Time
	made     int // orders so far
	program  Program
	drop     func() error
}

const (
	Rate        = 450 // basis points, of every product
	Products    = 50
	worldMarket = 1
	edgeNumber  = 1 // one machine has one edge
)

// openWorld makes an installation in a folder of its own, on SQLite or in a fresh database of the server.
func (o Options) openWorld(ctx context.Context, creators int, options db.Options) (*World, error) {
	folder, err := os.MkdirTemp(o.folder, "world-")
	if err != nil {
		return nil, err
	}
	database, drop := "", func() error { return nil }
	if o.Database != "" {
		name := fmt.Sprintf("tributary_bench_%d_%d", os.Getpid(), clock.Wall().UnixNano())
		address, err := url.Parse(o.Database)
		if err != nil {
			return nil, err
		}
		address.Path = "/" + name
		database = address.String()
		if err := db.Admin(ctx, o.Database, "CREATE DATABASE "+name); err != nil {
			return nil, err
		}
		drop = func() error {
			return db.Admin(context.WithoutCancel(ctx), o.Database, "DROP DATABASE "+name+" WITH (FORCE)")
		}
	}
	i, err := o.Open(ctx, folder, database, options)
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	w, err := Furnish(ctx, i, creators)
	if err != nil {
		return nil, errors.Join(err, i.DB.Close(), drop())
	}
	w.program, w.drop = o.Program, drop
	return w, nil
}

func (w *World) close() error { return errors.Join(w.DB.Close(), w.drop()) }

// analyze lets PostgreSQL look at its tables once there are rows in them. Its own daemon does so within a minute; until
// then it plans as for empty tables, which is not what is measured.
func (w *World) analyze(ctx context.Context) error {
	if w.DB.Engine() != db.PostgreSQL {
		return nil
	}
	return db.Admin(ctx, w.Database, "ANALYZE")
}

// Furnish puts the marketplace and all that belongs to it into an installation.
func Furnish(ctx context.Context, i Installation, creators int) (*World, error) {
	now := i.Clock.Now()
	w := &World{Installation: i, Sealer: click.NewSealer(i.Ring), since: now.AddDate(-2, 0, 0)}
	w.Market = market.Market{No: worldMarket, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Locale: "en-US",
		Home: "http://store.example", ProductURL: "http://store.example/dp/{sku}", Hosts: []string{"store.example"}, Policy: policy.Shipped()}
	products := make([]product.Product, Products)
	for n := range products {
		products[n] = product.Product{SKU: SKU(n), Title: "Kettle number " + strconv.Itoa(n), Brand: "Hearth", Category: category(n)}
	}
	err := i.DB.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
		if err := market.Save(tx, w.Market); err != nil {
			return err
		}
		if err := product.Save(tx, worldMarket, click.ProductPlace, products); err != nil {
			return err
		}
		card := ratecard.Card{Kind: ratecard.Offsite, Effective: w.since, Default: Rate}
		if _, err := ratecard.Publish(tx, worldMarket, card, w.since, 0); err != nil {
			return err
		}
		w.Token, _, err = auth.MakeToken(tx, auth.Token{Name: "store", Scopes: []auth.Scope{auth.OrdersWrite, auth.OrdersRead}}, now)
		return err
	})
	for n := 0; n < creators && err == nil; n++ {
		err = w.join(ctx, n)
	}
	return w, err
}

// SKU names a product for any number.
func SKU(n int) string { return "KETTLE-" + strconv.Itoa(n%Products) }

func category(n int) string { return "Home > Kitchen > Shelf " + strconv.Itoa(n%7) }

// join adds a creator with one tracking id, whose enrolment runs.
func (w *World) join(ctx context.Context, n int) error {
	one := creator.Creator{ID: id.New(w.since.Add(time.Duration(n) * time.Millisecond)), Name: "Creator " + strconv.Itoa(n),
		Handle: "creator" + strconv.Itoa(n), Created: w.since}
	tag := fmt.Sprintf("bench%d-20", n)
	err := w.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if err := creator.Create(tx, w.Ring, one, creator.Personal{Email: one.Handle + "@creators.example"}); err != nil {
			return err
		}
		key := enrolment.Key{Market: worldMarket, Creator: one.ID, Program: enrolment.Associates}
		if err := enrolment.SaveTold(tx, key, enrolment.Standing{Since: w.since, State: enrolment.Active}); err != nil {
			return err
		}
		return link.Open(tx, link.Tracking{ID: w.tracking(one.ID), Tag: tag, Creator: one.ID, Program: click.Associates, Market: worldMarket,
			Name: "blog", Created: w.since})
	})
	w.creators, w.Tags = append(w.creators, one.ID), append(w.Tags, tag)
	return err
}

// tracking is the one tracking id of a creator: any number that is never another's.
func (w *World) tracking(creator id.ID) id.ID { return creator ^ 1<<40 }

// clickOf is a click of a creator's, at an instant.
func (w *World) clickOf(creator id.ID, at time.Time) click.Token {
	return click.Token{Click: click.NewID(), Creator: creator, Program: click.Associates, Tracking: w.tracking(creator), Market: worldMarket,
		Kind: click.KindProduct, Landed: click.LandedProduct, Place: click.ProductPlace(SKU(0)), At: at}
}

// linesPerOrder is what stores of this kind see: somewhat more than one and a half.
const linesPerOrder = 2

// LineAmount is what each line of an order costs, in minor units.
const LineAmount = 2000

// Order makes an order of two lines, each with its click, by a shopper of its own, for each creator in turn.
func (w *World) Order(at time.Time) order.Event {
	return w.orderOfCreator(w.creators[w.made%len(w.creators)], at)
}

func (w *World) orderOfCreator(creator id.ID, at time.Time) order.Event {
	w.made++
	number := strconv.Itoa(w.made)
	e := order.Event{ID: "evt-" + number, Type: order.TypePlaced, Market: w.Market.ID, OccurredAt: at, Order: "order-" + number}
	e.Placed = &order.Placed{ID: e.Order, Currency: w.Market.Currency, Shopper: &order.Shopper{Customer: "customer-" + number}}
	token := w.Sealer.Seal(w.clickOf(creator, at.Add(-time.Hour)))
	for n := range linesPerOrder {
		e.Placed.Lines = append(e.Placed.Lines, order.Line{ID: strconv.Itoa(n + 1), SKU: SKU(w.made + n), Quantity: 1,
			Amount: money.Money{Amount: LineAmount, Currency: w.Market.Currency}, Category: category(w.made + n), Clicks: []string{token}})
	}
	return e
}

// shipment is the event that the first line of an order has shipped, as soon as it was placed.
func shipment(placed order.Event) order.Event {
	return order.Event{ID: placed.ID + "-shipped", Type: order.TypeShipped, Market: placed.Market, OccurredAt: placed.OccurredAt,
		Order: placed.Order, Line: "1", Quantity: 1}
}

// incoming is what the API's door makes of events before accrual takes them.
func (w *World) incoming(events []order.Event) ([]accrual.Incoming, error) {
	in := make([]accrual.Incoming, len(events))
	for i, e := range events {
		if err := e.Check(w.Clock.Now(), w.Market.Currency, true); err != nil {
			return nil, err
		}
		in[i] = accrual.Incoming{Event: e, Hash: e.Hash()}
		if e.Placed != nil {
			in[i].Facts = shopper.Keyed(w.Ring, e.Placed.Shopper)
		}
	}
	return in, nil
}

// describe notes the engine and its settings.
func (w *World) describe(ctx context.Context, r *Report) error {
	r.Settings["engine"] = w.DB.Engine().String()
	settings, err := w.DB.Settings(ctx)
	for _, s := range settings {
		r.Settings[s.Name] = s.Value
	}
	return err
}

func (w *World) clickFolder() string { return filepath.Join(w.Data, "clicks") }

// listen serves a handler on loopback as `tributary serve` does, until stop.
func (p Program) listen(ctx context.Context, handler http.Handler) (address string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	serving, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(serving, listener, handler) }()
	return listener.Addr().String(), func() error { cancel(); return <-ended }, nil
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// memoryOf is the resident memory of a process in bytes, where the system tells (Linux).
func memoryOf(process int) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(process), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
