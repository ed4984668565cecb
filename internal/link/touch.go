package link

import (
	"time"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/fault"
)

// touchesKept is how many clicks of one signed-in customer are remembered: the last counting one decides, and the ones
// before it are for orders that come in late.
const touchesKept = 10

var (
	insertTouch = db.Statement(`INSERT INTO customer_touch (market, customer, at, click, bound, token)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	touchTimes = db.Statement(`SELECT at, click FROM customer_touch WHERE market = $1 AND customer = $2
		ORDER BY at DESC, click DESC LIMIT $3`)
	dropTouches = db.Statement(`DELETE FROM customer_touch
		WHERE market = $1 AND customer = $2 AND (at < $3 OR (at = $3 AND click < $4))`)
	selectTouches = db.In(`SELECT customer, token FROM customer_touch WHERE market = $1 AND customer IN ($LIST)
		ORDER BY customer, at DESC, click DESC`)
)

// ErrNoTouch says why a click was not bound: it counts for nobody.
var ErrNoTouch error = fault.New(fault.Conflict, "click", "counts for nobody",
	"nothing needs to be done: no commission follows from it")

// Bind remembers that a signed-in customer (a keyed hash) came by a click, so that an order on another device can be
// credited (docs/spec.md §5). Only a click that counts is kept: ErrNoTouch otherwise. The same click again changes
// nothing.
func Bind(tx *db.Tx, market uint16, customer []byte, t click.Token, sealed string, now time.Time) error {
	if t.Market != market {
		return fault.Invalidf("click", "is a click of another marketplace", "send the customer's clicks of this one")
	}
	if len(customer) == 0 {
		return fault.Invalidf("customer", "is empty", "send the store's own id of the customer")
	}
	if t.Creator == 0 || t.Flags&(click.FlagInvalid|click.FlagClosed) != 0 {
		return ErrNoTouch
	}
	added, err := tx.Exec(insertTouch, int64(market), customer, t.At.UnixMicro(), t.Click, now.UnixMicro(), sealed)
	if err != nil || added == 0 {
		return fault.Wrap(err, "binding a click to a customer")
	}
	var count, at, last int64
	if err := tx.Each(touchTimes, func(scan func(...any) error) error {
		count++
		return scan(&at, &last)
	}, int64(market), customer, int64(touchesKept)); err != nil {
		return fault.Wrap(err, "reading a customer's clicks")
	}
	if count == touchesKept {
		_, err = tx.Exec(dropTouches, int64(market), customer, at, last)
	}
	return fault.Wrap(err, "dropping a customer's old clicks")
}

// CustomerTouches gives the sealed tokens of customers' clicks, newest first, by the text of the customer's hash.
func CustomerTouches(tx *db.Tx, market uint16, customers [][]byte) (map[string][]string, error) {
	keys := make([]any, len(customers))
	for i, customer := range customers {
		keys[i] = customer
	}
	found := map[string][]string{}
	err := tx.In(selectTouches, keys, func(scan func(...any) error) error {
		var customer []byte
		var token string
		err := scan(&customer, &token)
		found[string(customer)] = append(found[string(customer)], token)
		return err
	}, int64(market))
	return found, fault.Wrap(err, "reading customers' clicks")
}
