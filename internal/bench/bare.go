package bench

import (
	"context"
	"errors"
	"fmt"

	"tributary/internal/clock"
	"tributary/internal/db"
)

const (
	// bareTransaction is how many orders one transaction takes where there is no logic.
	bareTransaction = 1000
	// bareOrders is how many orders a fresh installation takes in a round, at full scale; their rows fit into memory.
	bareOrders = 100_000
	// fewestBareOrders are enough that a round has several groups.
	fewestBareOrders = 8_000
)

// bareBench compares orders taken by a fresh installation with the insertion of the rows that they leave.
type bareBench struct {
	Options
	creators, orders int
	left             *left
}

// againstBare compares taking orders, below HTTP, with inserting the very rows that they leave in all tables, with no logic
// at all. Both begin with an installation that has no orders.
func (o Options) againstBare(ctx context.Context, creators int, report *Report) error {
	b := &bareBench{Options: o, creators: creators, orders: max(bareOrders/o.scale(), fewestBareOrders)}
	rates, err := report.inTurn(ctx, "lines/s", side{"engine, fresh installation", b.engine}, side{"bare insert of its rows", b.bare})
	if err != nil {
		return err
	}
	report.ratio("vs_bare_insert", rates["engine, fresh installation"], rates["bare insert of its rows"])
	orders := b.orders + fewestRequests*ordersPerRequest
	report.Settings["bare insert"] = fmt.Sprintf("%d orders, %.1f rows each, %d orders in a transaction", orders,
		float64(b.left.rows())/float64(orders), bareTransaction)
	return nil
}

// engine takes the orders of a round.
func (b *bareBench) engine(ctx context.Context) (rate float64, err error) {
	t, err := b.openTaker(ctx, b.creators, db.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, t.leave()) }()
	took, err := t.direct(ctx, b.orders/ordersPerRequest)
	if err == nil && b.left == nil {
		err = t.DB.Read(ctx, func(tx *db.Tx) (err error) { b.left, err = readLeft(tx); return err })
	}
	return float64(b.orders*linesPerOrder) / took.Seconds(), err
}

func (b *bareBench) bare(ctx context.Context) (rate float64, err error) {
	w, err := b.openWorld(ctx, b.creators, db.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	orders := b.orders + fewestRequests*ordersPerRequest // those that were not timed left rows, too
	begin := clock.Wall()
	err = w.insertBare(ctx, b.left, orders)
	return float64(orders*linesPerOrder) / clock.Since(begin).Seconds(), err
}

// insertBare inserts what so many orders left.
func (w *World) insertBare(ctx context.Context, l *left, orders int) error {
	parts := bareTransactions(orders)
	for part := range parts + 1 {
		if err := w.DB.Write(ctx, db.Money, func(tx *db.Tx) error { return l.insert(tx, part, parts) }); err != nil {
			return err
		}
	}
	return nil
}

func bareTransactions(orders int) int { return orders/bareTransaction + 1 }
