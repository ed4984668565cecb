package report

import (
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// River is the state of a marketplace's river: what came in today, where the money is, and since when the oldest thing
// at each step has waited. Times are zero where nothing waits.
type River struct {
	Clicks, Filtered int64 // today: counted, and taken out by the sieve or for an unknown tag
	Orders           int64 // today, by time of the order
	Lines, Credited  int64 // of the newest Sample orders
	NewestOrder      time.Time
	Waiting          int64 // events that are ahead of their order or shipment
	OldestWaiting    time.Time
	OpenSince        time.Time // the oldest line with units not yet shipped
	Balances                   // of all creators together
	Overdue          int64     // earned in months that the clock has closed and no transfer has moved yet; part of Payable
	OverdueSince     time.Time
}

// Sample is of how many newest orders the share of credited lines is told: enough to see that something is wrong, and as
// cheap in a large marketplace as in a small one.
const Sample = 200

var (
	selectMarketClicks = db.Statement(`SELECT CAST(COALESCE(SUM(gross), 0) AS BIGINT), CAST(COALESCE(SUM(counted), 0) AS BIGINT)
		FROM click_market_day WHERE market = $1 AND day = $2`)
	selectOrdersSince = db.Statement(`SELECT COUNT(*), COALESCE(MAX(at), 0) FROM orders WHERE market = $1 AND at >= $2`)
	selectNewestLines = db.Statement(`SELECT COUNT(*),
		CAST(COALESCE(SUM(CASE WHEN l.pending + l.earned > 0 THEN 1 ELSE 0 END), 0) AS BIGINT)
		FROM (SELECT market, id FROM orders WHERE market = $1 ORDER BY at DESC, id DESC LIMIT $2) o
		JOIN line l ON l.market = o.market AND l.order_id = o.id`)
	selectWaiting = db.Statement(`SELECT COUNT(*), COALESCE(MIN(received), 0) FROM order_waiting WHERE market = $1`)
	selectOpen    = db.Statement(`SELECT COALESCE(MIN(at), 0) FROM line WHERE market = $1 AND open_units > 0`)
	// All creators' accounts of one marketplace, summed by what stands behind it in their paths. A creator's id has one
	// length, so that the marketplace always begins at the same place.
	selectSums = db.Statement(`SELECT substr(path, $3), CAST(SUM(credits - debits) AS BIGINT) FROM account
		WHERE path >= $1 AND path < $2 AND substr(path, $3, $4) = $5 GROUP BY substr(path, $3) ORDER BY 1`)
)

// RiverOf reads the state of a marketplace's river.
func RiverOf(tx *db.Tx, m market.Market, now time.Time) (River, error) {
	var r River
	var gross, newest, oldest, open int64
	// Rollups of clicks are numbered by day; orders are counted from the day's first instant.
	noon := noonOf(now, m)
	today := time.Date(noon.Year(), noon.Month(), noon.Day(), 0, 0, 0, 0, m.Location()).UnixMicro()
	number := int64(m.No)
	for _, one := range []struct {
		statement *db.Stmt
		dest      []any
		args      []any
	}{
		{selectMarketClicks, []any{&gross, &r.Clicks}, []any{number, dayNumber(noon)}},
		{selectOrdersSince, []any{&r.Orders, &newest}, []any{number, today}},
		{selectNewestLines, []any{&r.Lines, &r.Credited}, []any{number, int64(Sample)}},
		{selectWaiting, []any{&r.Waiting, &oldest}, []any{number}},
		{selectOpen, []any{&open}, []any{number}},
	} {
		if _, err := tx.One(one.statement, one.dest, one.args...); err != nil {
			return r, fault.Wrap(err, "reading the river")
		}
	}
	r.Filtered = gross - r.Clicks
	r.NewestOrder, r.OldestWaiting, r.OpenSince = instant(newest), instant(oldest), instant(open)
	return r, r.readSums(tx, m, now)
}

// readSums sums the accounts of all creators.
func (r *River) readSums(tx *db.Tx, m market.Market, now time.Time) error {
	const front = "creator/"
	begin := int64(len(front+id.ID(0).Text(id.Creator)+"/") + 1) // as SQL counts characters
	err := tx.Each(selectSums, func(scan func(...any) error) error {
		var name string
		var balance int64
		if err := scan(&name, &balance); err != nil {
			return err
		}
		name = strings.TrimPrefix(name, m.ID+"/")
		before := r.Payable
		r.add(name, 0, balance, m, now)
		if month, isMonth := strings.CutPrefix(name, "earned/"); isMonth && r.Payable != before {
			r.Overdue += r.Payable - before
			if r.OverdueSince.IsZero() {
				r.OverdueSince = market.Month(month).Payable(m.Location(), m.Policy.HoldDays)
			}
		}
		return nil
	}, front, front[:len(front)-1]+"0", begin, int64(len(m.ID)+1), m.ID+"/")
	return fault.Wrap(err, "summing creators' accounts")
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
