package claim

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Limits of a look around a date: enough for a person who searches, little enough for a busy creator.
const (
	lookClicks = 2000 // of the creator's, newest first
	lookLines  = 2000 // of the creator's, from the date on
	showClicks = 50
	showOrders = 20
)

// reachDays is how long before an order a click may lie that came with it: the longest that a policy lets carts have.
const reachDays = 366

// Day is a local date with the creator's clicks in the marketplace.
type Day struct {
	Date    string `json:"date"`
	Gross   int64  `json:"gross"`
	Counted int64  `json:"counted"`
}

// Click is a click on a link of the creator's.
type Click struct {
	Click    string    `json:"click"`
	At       time.Time `json:"at"`
	Tracking string    `json:"tracking"`
	Kind     string    `json:"kind"`
	Product  string    `json:"product,omitempty"` // sku landed on
	Counted  bool      `json:"counted"`
}

var (
	selectTitles = db.In(`SELECT sku, title FROM product WHERE market = $1 AND sku IN ($LIST)`)
	// An order is known under the clicks that it presented (package accrual).
	selectWith = db.In(`SELECT order_id, at FROM order_key WHERE market = $1 AND at >= $2 AND at < $3 AND key IN ($LIST)`)
	// Lines change after they are ordered, never before: those ordered around a date are among the first changed since.
	selectOwn = db.Statement(`SELECT order_id, at FROM (SELECT order_id, line_id, at, touched FROM line
		WHERE creator = $1 AND creator <> 0 AND market = $2 AND touched >= $3 ORDER BY touched LIMIT $5) l
		WHERE at >= $3 AND at < $4`)
	countOwn = db.Statement(`SELECT COUNT(*) FROM (SELECT order_id FROM line
		WHERE creator = $1 AND creator <> 0 AND market = $2 AND touched >= $3 LIMIT $4) l`)
)

// Look tells a creator what the system knows about a question. Whoever asks is told of the own touches only, so that
// numbers may be tried without learning what somebody bought.
func Look(tx *db.Tx, marketplace uint16, zone *time.Location, creator id.ID, q Question, now time.Time) (Known, error) {
	q, err := q.Check(now, zone)
	if err != nil {
		return Known{}, err
	}
	if q.Order != "" {
		return lookOrder(tx, marketplace, zone, creator, q.Order)
	}
	return lookDate(tx, marketplace, zone, creator, q)
}

// lookOrder looks for an order as it was written, then without the sign that people put before numbers.
func lookOrder(tx *db.Tx, marketplace uint16, zone *time.Location, creator id.ID, order string) (Known, error) {
	lines, waits, err := explain.Order(tx, marketplace, order)
	if err == nil && len(lines) == 0 && len(waits) == 0 && order != bare(order) {
		return lookOrder(tx, marketplace, zone, creator, bare(order))
	}
	if err != nil {
		return Known{}, fault.Wrap(err, "explaining an order")
	}
	k := Tell(lines, len(waits) > 0, creator, zone)
	k.Order = order
	return k, k.readTitles(tx, marketplace)
}

// readTitles names the products of lines that stand in the creator's report.
func (k *Known) readTitles(tx *db.Tx, marketplace uint16) error {
	var skus []any
	for _, l := range k.Lines {
		if l.Own != nil {
			skus = append(skus, l.Own.SKU)
		}
	}
	titles := map[string]string{}
	err := tx.In(selectTitles, skus, func(scan func(...any) error) error {
		var sku, title string
		err := scan(&sku, &title)
		titles[sku] = title
		return err
	}, int64(marketplace))
	for _, l := range k.Lines {
		if l.Own != nil {
			l.Own.Title = titles[l.Own.SKU]
		}
	}
	return fault.Wrap(err, "reading titles")
}

// lookDate tells what happened around a local date: the date itself, the one before and the one after.
func lookDate(tx *db.Tx, marketplace uint16, zone *time.Location, creator id.ID, q Question) (Known, error) {
	k := Known{Case: ByDate, Date: q.Date, Lines: []Line{}, Claimable: true}
	noon, err := time.ParseInLocation(dateForm, q.Date, time.UTC)
	if err != nil {
		return k, fault.Wrap(err, "reading a date")
	}
	// Where a change of the clocks skips midnight this lies an hour off, which a day to each side makes good.
	start := func(day int) time.Time { return time.Date(noon.Year(), noon.Month(), noon.Day()+day, 0, 0, 0, 0, zone) }
	from, until := start(-1), start(2)
	if k.Days, err = clickDays(tx, marketplace, creator, noon); err != nil {
		return k, err
	}
	clicks, partial, err := clicksBefore(tx, marketplace, creator, start(-reachDays), until)
	if err != nil {
		return k, err
	}
	k.Partial = partial
	for _, c := range clicks {
		if len(k.Clicks) < showClicks && !c.At.Before(from) {
			k.Clicks = append(k.Clicks, Click{Click: id.ID(c.Click).Text(id.Click), At: c.At, Tracking: c.Tracking.Text(id.Tracking),
				Kind: c.Kind.String(), Product: c.Product, Counted: c.Counted()})
		}
	}
	orders, partial, err := ordersWith(tx, marketplace, creator, clicks, from, until)
	if err != nil {
		return k, err
	}
	k.Partial = k.Partial || partial || len(orders) > showOrders
	for _, order := range orders[:min(len(orders), showOrders)] {
		one, err := lookOrder(tx, marketplace, zone, creator, order)
		if err != nil {
			return k, err
		}
		if one.Case == Credited || one.Case == Touched {
			one.fit(q)
			k.Orders = append(k.Orders, one)
		}
	}
	slices.SortStableFunc(k.Orders, func(a, b Known) int { return cmp.Compare(b.fits(), a.fits()) })
	k.Words = k.byDate()
	return k, nil
}

func clickDays(tx *db.Tx, marketplace uint16, creator id.ID, date time.Time) ([]Day, error) {
	number := click.Day(date, time.UTC)
	found, err := click.CreatorDays(tx, creator, marketplace, number-1, number+1)
	if err != nil {
		return nil, err
	}
	days := make([]Day, 3)
	for i := range days {
		days[i].Date = date.AddDate(0, 0, i-1).Format(dateForm)
	}
	for _, one := range found { // one row for each kind of link
		day := &days[one.Day-number+1]
		day.Gross, day.Counted = day.Gross+one.Gross, day.Counted+one.Counted
	}
	return days, nil
}

// clicksBefore gives the creator's newest clicks in the marketplace that orders of the date may have come with; partial says
// that there are older ones.
func clicksBefore(tx *db.Tx, marketplace uint16, creator id.ID, from, until time.Time) (
	clicks []click.Click, partial bool, err error) {
	found, err := click.Recent(tx, creator, until, lookClicks)
	if err != nil {
		return nil, false, err
	}
	partial = len(found) == lookClicks && !found[len(found)-1].At.Before(from)
	for _, c := range found {
		if c.Market == marketplace && !c.At.Before(from) {
			clicks = append(clicks, c)
		}
	}
	return clicks, partial, nil
}

// ordersWith finds the orders between two instants with which one of the clicks came, or which stand in the creator's
// report for another touch (a signed-in customer, a coupon); the oldest first.
func ordersWith(tx *db.Tx, marketplace uint16, creator id.ID, clicks []click.Click, from, until time.Time) (
	orders []string, partial bool, err error) {
	keys := make([]any, len(clicks))
	for i, c := range clicks {
		keys[i] = binary.BigEndian.AppendUint64([]byte{'k'}, uint64(c.Click))
	}
	placed := map[string]int64{}
	row := func(scan func(...any) error) error {
		var order string
		var at int64
		err := scan(&order, &at)
		placed[order] = at
		return err
	}
	if err := tx.In(selectWith, keys, row, int64(marketplace), from.UnixMicro(), until.UnixMicro()); err != nil {
		return nil, false, fault.Wrap(err, "reading orders with clicks")
	}
	if err := tx.Each(selectOwn, row, int64(creator), int64(marketplace), from.UnixMicro(), until.UnixMicro(),
		int64(lookLines)); err != nil {
		return nil, false, fault.Wrap(err, "reading a creator's lines")
	}
	var lines int64
	if _, err := tx.One(countOwn, []any{&lines}, int64(creator), int64(marketplace), from.UnixMicro(),
		int64(lookLines)); err != nil {
		return nil, false, fault.Wrap(err, "counting a creator's lines")
	}
	for order := range placed {
		orders = append(orders, order)
	}
	slices.SortFunc(orders, func(a, b string) int {
		return cmp.Or(cmp.Compare(placed[a], placed[b]), cmp.Compare(a, b))
	})
	return orders, lines == lookLines, nil
}

// fit marks what the question describes: the sku or words of the title, and an amount within a tenth. Only lines in the
// creator's own report are compared, so that nobody can guess what others bought.
func (k *Known) fit(q Question) {
	if q.Product == "" && q.Amount == 0 {
		return
	}
	for _, l := range k.Lines {
		if l.Own != nil {
			l.Own.Fits = l.Own.describes(q)
		}
	}
}

func (o *Own) describes(q Question) bool {
	if q.Amount != 0 && max(o.Net-q.Amount, q.Amount-o.Net) > q.Amount/10 {
		return false
	}
	if strings.EqualFold(o.SKU, q.Product) {
		return true
	}
	title := strings.ToLower(o.Title)
	for _, word := range strings.Fields(strings.ToLower(q.Product)) {
		if !strings.Contains(title, word) {
			return false
		}
	}
	return true
}

// fits counts the lines that are described.
func (k Known) fits() (count int) {
	for _, l := range k.Lines {
		if l.Own != nil && l.Own.Fits {
			count++
		}
	}
	return count
}
