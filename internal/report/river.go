package report

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
)

// River is the state of a marketplace's river: what came in today, where the money is, and since when the oldest thing
// at each step has waited. Times are zero where nothing waits.
type River struct {
	Clicks, Filtered int64 // today: counted, and taken out by the sieve or for an unknown tag
	Orders           int64 // today, by time of the order
	Lines, Credited  int64 // of these orders
	NewestOrder      time.Time
	Waiting          int64 // events that are ahead of their order or shipment
	OldestWaiting    time.Time
	OpenSince        time.Time // the oldest line with units not yet shipped
	Pending          int64
	Months           []MonthPart
	Payable          int64
	InPayment        int64
	Held             int64
	Overdue          int64 // earned in months that the clock has closed and no transfer has moved yet; part of Payable
	OverdueSince     time.Time
}

var (
	selectMarketClicks = db.Statement(`SELECT CAST(COALESCE(SUM(gross), 0) AS BIGINT), CAST(COALESCE(SUM(counted), 0) AS BIGINT)
		FROM click_market_day WHERE market = $1 AND day = $2`)
	selectOrdersSince = db.Statement(`SELECT COUNT(*), COALESCE(MAX(at), 0) FROM orders WHERE market = $1 AND at >= $2`)
	selectLinesSince  = db.Statement(`SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN l.pending + l.earned > 0 THEN 1 ELSE 0 END), 0) AS BIGINT)
		FROM orders o JOIN line l ON l.market = o.market AND l.order_id = o.id WHERE o.market = $1 AND o.at >= $2`)
	selectWaiting = db.Statement(`SELECT COUNT(*), COALESCE(MIN(received), 0) FROM order_waiting WHERE market = $1`)
	selectOpen    = db.Statement(`SELECT COALESCE(MIN(at), 0) FROM line WHERE market = $1 AND open_units > 0`)
	// All creators' accounts of one name in one marketplace.
	selectNamed = db.Statement(`SELECT CAST(COALESCE(SUM(credits - debits), 0) AS BIGINT) FROM account
		WHERE path >= $1 AND path < $2 AND path LIKE $3`)
	selectMonths = db.Statement(`SELECT substr(path, length(path) - 6, 7) AS month, CAST(SUM(credits - debits) AS BIGINT) FROM account
		WHERE path >= $1 AND path < $2 AND path LIKE $3 AND credits <> debits GROUP BY substr(path, length(path) - 6, 7) ORDER BY 1`)
)

// RiverOf reads the state of a marketplace's river.
func RiverOf(tx *db.Tx, m market.Market, now time.Time) (River, error) {
	var r River
	var gross, newest, oldest, open int64
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
		{selectLinesSince, []any{&r.Lines, &r.Credited}, []any{number, today}},
		{selectWaiting, []any{&r.Waiting, &oldest}, []any{number}},
		{selectOpen, []any{&open}, []any{number}},
		{selectNamed, []any{&r.Pending}, accountsNamed(m, "pending")},
		{selectNamed, []any{&r.Payable}, accountsNamed(m, "payable")},
		{selectNamed, []any{&r.InPayment}, accountsNamed(m, "in_payment")},
		{selectNamed, []any{&r.Held}, accountsNamed(m, "held")},
	} {
		if _, err := tx.One(one.statement, one.dest, one.args...); err != nil {
			return r, fault.Wrap(err, "reading the river")
		}
	}
	r.Filtered = gross - r.Clicks
	r.NewestOrder, r.OldestWaiting, r.OpenSince = instant(newest), instant(oldest), instant(open)
	err := tx.Each(selectMonths, func(scan func(...any) error) error {
		var part MonthPart
		if err := scan(&part.Month, &part.Amount); err != nil {
			return err
		}
		part.Payable = part.Month.Payable(m.Location(), m.Policy.HoldDays)
		if now.Before(part.Payable) {
			r.Months = append(r.Months, part)
			return nil
		}
		r.Payable, r.Overdue = r.Payable+part.Amount, r.Overdue+part.Amount
		if r.OverdueSince.IsZero() {
			r.OverdueSince = part.Payable
		}
		return nil
	}, accountsNamed(m, "earned/%")...)
	return r, fault.Wrap(err, "reading the river's months")
}

// accountsNamed are the bounds of all creators' accounts, and the pattern of those of one name in a marketplace.
func accountsNamed(m market.Market, name string) []any {
	return []any{"creator/", "creator0", "creator/%/" + m.ID + "/" + name}
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
