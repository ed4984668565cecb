package report

import (
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
)

// Order is an order as the operator's list shows it.
type Order struct {
	ID       string
	At       time.Time
	Received time.Time
	Lines    []Line
}

// Commission is what its lines come to now, over all creators.
func (o Order) Commission() (sum int64) {
	for _, l := range o.Lines {
		sum += l.Pending + l.Earned
	}
	return sum
}

// Amount is what was paid for its lines.
func (o Order) Amount() (sum int64) {
	for _, l := range o.Lines {
		sum += l.Amount
	}
	return sum
}

var (
	ordersNewest = db.Statement(`SELECT id, at, received FROM orders WHERE market = $1 AND at <= $2 AND (at < $2 OR id < $3)
		ORDER BY at DESC, id DESC LIMIT $4`)
	ordersNamed = db.Statement(`SELECT id, at, received FROM orders WHERE market = $1 AND id >= $2 AND id < $3
		ORDER BY id LIMIT $4`)
	waitingOf = db.Statement(`SELECT id FROM order_waiting WHERE market = $1 AND order_id = $2 ORDER BY received, id`)
)

// Orders gives a page of orders with their lines: those whose id begins with a text, or else the newest behind (at, id).
// A zero time is the beginning.
func Orders(tx *db.Tx, m market.Market, text string, before time.Time, beforeID string, limit int) ([]Order, error) {
	var orders []Order
	row := func(scan func(...any) error) error {
		var o Order
		var at, received int64
		err := scan(&o.ID, &at, &received)
		o.At, o.Received = instant(at), instant(received)
		orders = append(orders, o)
		return err
	}
	limit = min(max(limit, 1), maxPage)
	var err error
	if text = strings.TrimSpace(text); text != "" {
		// In byte order every id that begins with the text stands before the text with the highest character behind it.
		err = tx.Each(ordersNamed, row, int64(m.No), text, text+"\U0010FFFF", int64(limit))
	} else {
		at := int64(never)
		if !before.IsZero() {
			at = before.UnixMicro()
		}
		err = tx.Each(ordersNewest, row, int64(m.No), at, beforeID, int64(limit))
	}
	if err != nil {
		return nil, fault.Wrap(err, "reading orders")
	}
	ids := make([]string, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	lines, err := LinesOf(tx, m, ids)
	for i := range orders {
		orders[i].Lines = lines[orders[i].ID]
	}
	return orders, err
}

// OneOrder reads an order by its whole id, with the ids of the events that wait for it. An order of which only such
// events are known has no time yet.
func OneOrder(tx *db.Tx, m market.Market, order string) (o Order, waiting []string, err error) {
	found, err := Orders(tx, m, order, time.Time{}, "", 1)
	if err != nil {
		return o, nil, err
	}
	if err := tx.Each(waitingOf, func(scan func(...any) error) error {
		var one string
		err := scan(&one)
		waiting = append(waiting, one)
		return err
	}, int64(m.No), order); err != nil {
		return o, nil, fault.Wrap(err, "reading waiting events")
	}
	if len(found) == 1 && found[0].ID == order {
		return found[0], waiting, nil
	}
	if len(waiting) == 0 {
		return o, nil, fault.New(fault.NotFound, "order", "there is no such order in this marketplace", "check its id")
	}
	return Order{ID: order}, waiting, nil
}
