// Package report reads what pages and files show: balances, days, lines, the state of the river. It is a window: it
// changes nothing and decides nothing, and every figure is a sum that the money path itself keeps.
//
// What must always hold: a creator's figures are read from rollups, from one range of accounts or from a bounded stretch
// of one index, never from all lines, so that a page costs the same whatever the installation's size; what the clock has
// closed counts as payable, whether or not a job has posted it (docs/spec.md §10).
//
// It owns no table, no rule and no page.
package report

import (
	"sort"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// MonthPart is what a month holds that is not payable yet.
type MonthPart struct {
	Month   market.Month
	Amount  int64
	Payable time.Time // 00:00 of the date on which it becomes payable
}

// Balances say where a creator's money is in one marketplace. Amounts are minor units of its currency.
type Balances struct {
	Pending   int64       // ordered, not shipped
	Months    []MonthPart // earned, oldest first
	Payable   int64
	InPayment int64
	Held      int64
	Paid      int64 // all that has left a payment under way
}

// Earned is what all open months hold together.
func (b Balances) Earned() (sum int64) {
	for _, part := range b.Months {
		sum += part.Amount
	}
	return sum
}

var selectAccounts = db.Statement(`SELECT path, debits, credits FROM account WHERE path >= $1 AND path < $2 ORDER BY path`)

// BalancesOf reads where a creator's money is.
func BalancesOf(tx *db.Tx, creator id.ID, m market.Market, now time.Time) (Balances, error) {
	var b Balances
	front := "creator/" + creator.Text(id.Creator) + "/" + m.ID + "/"
	err := tx.Each(selectAccounts, func(scan func(...any) error) error {
		var path string
		var debits, credits int64
		if err := scan(&path, &debits, &credits); err != nil {
			return err
		}
		b.add(strings.TrimPrefix(path, front), debits, credits, m, now)
		return nil
	}, front, front[:len(front)-1]+"0")
	return b, fault.Wrap(err, "reading balances")
}

// add sorts one account into its place, by what its path says behind creator and marketplace.
func (b *Balances) add(name string, debits, credits int64, m market.Market, now time.Time) {
	balance := credits - debits
	switch name {
	case "pending":
		b.Pending += balance
	case "payable":
		b.Payable += balance
	case "held":
		b.Held += balance
	case "in_payment":
		b.InPayment += balance
		b.Paid += debits
	}
	text, isMonth := strings.CutPrefix(name, "earned/")
	if !isMonth || balance == 0 {
		return
	}
	month := market.Month(text)
	payable := month.Payable(m.Location(), m.Policy.HoldDays)
	if !now.Before(payable) { // closed by the clock; the transfer only follows
		b.Payable += balance
		return
	}
	b.Months = append(b.Months, MonthPart{month, balance, payable})
}

// Day is what was ordered on one local date, as it stands now.
type Day struct {
	Date       string // 2026-11-22
	Orders     int64
	Units      int64
	Revenue    int64
	Commission int64
	Clicks     int64 // counted ones
}

var (
	selectDays = db.Statement(`SELECT day, orders, units, revenue, commission FROM creator_day
		WHERE market = $1 AND creator = $2 AND day >= $3 AND day <= $4 ORDER BY day`)
	selectClickDays = db.Statement(`SELECT day, CAST(SUM(counted) AS BIGINT) FROM click_day
		WHERE creator = $1 AND market = $2 AND day >= $3 AND day <= $4 GROUP BY day ORDER BY day`)
)

// dateForm is how the rollups of orders write a local date.
const dateForm = "2006-01-02"

const secondsPerDay = 24 * 60 * 60

// Days gives a creator's local dates from one to another, both included, each one present.
func Days(tx *db.Tx, creator id.ID, m market.Market, from, to time.Time) ([]Day, error) {
	first, last := noonOf(from, m), noonOf(to, m)
	var days []Day
	for at := first; !at.After(last); at = at.AddDate(0, 0, 1) {
		days = append(days, Day{Date: at.Format(dateForm)})
	}
	if len(days) == 0 {
		return nil, nil
	}
	place := func(date string) int {
		return sort.Search(len(days), func(i int) bool { return days[i].Date >= date })
	}
	err := tx.Each(selectDays, func(scan func(...any) error) error {
		var d Day
		err := scan(&d.Date, &d.Orders, &d.Units, &d.Revenue, &d.Commission)
		if i := place(d.Date); i < len(days) {
			days[i] = d
		}
		return err
	}, int64(m.No), int64(creator), days[0].Date, days[len(days)-1].Date)
	if err != nil {
		return nil, fault.Wrap(err, "reading days")
	}
	err = tx.Each(selectClickDays, func(scan func(...any) error) error {
		var day, counted int64
		err := scan(&day, &counted)
		if i := place(time.Unix(day*secondsPerDay, 0).UTC().Format(dateForm)); i < len(days) {
			days[i].Clicks = counted
		}
		return err
	}, int64(creator), int64(m.No), dayNumber(first), dayNumber(last))
	return days, fault.Wrap(err, "reading days of clicks")
}

var selectMarketDays = db.Statement(`SELECT day, CAST(SUM(counted) AS BIGINT) FROM click_market_day
	WHERE market = $1 AND day >= $2 AND day <= $3 GROUP BY day ORDER BY day`)

// MarketClicks gives a marketplace's local dates from one to another, both included, with their counted clicks.
func MarketClicks(tx *db.Tx, m market.Market, from, to time.Time) ([]Day, error) {
	first, last := noonOf(from, m), noonOf(to, m)
	var days []Day
	for at := first; !at.After(last); at = at.AddDate(0, 0, 1) {
		days = append(days, Day{Date: at.Format(dateForm)})
	}
	err := tx.Each(selectMarketDays, func(scan func(...any) error) error {
		var day, counted int64
		err := scan(&day, &counted)
		if i := int(day - dayNumber(first)); i < len(days) {
			days[i].Clicks = counted
		}
		return err
	}, int64(m.No), dayNumber(first), dayNumber(last))
	return days, fault.Wrap(err, "reading a marketplace's days of clicks")
}

// noonOf is noon of the local date of an instant, as a time without a zone: dates are stepped through without meeting a
// change of the clocks.
func noonOf(at time.Time, m market.Market) time.Time {
	year, month, day := at.In(m.Location()).Date()
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

// dayNumber counts days since 1970, as package click numbers its rollups.
func dayNumber(noon time.Time) int64 { return noon.Unix() / secondsPerDay }

// Sum adds days up; its Date is empty.
func Sum(days []Day) (sum Day) {
	for _, d := range days {
		sum.Orders += d.Orders
		sum.Units += d.Units
		sum.Revenue += d.Revenue
		sum.Commission += d.Commission
		sum.Clicks += d.Clicks
	}
	return sum
}

var selectMarketsOf = db.Statement(`SELECT DISTINCT market FROM tracking WHERE creator = $1 ORDER BY market`)

// MarketsOf gives the numbers of the marketplaces in which a creator has tracking ids.
func MarketsOf(tx *db.Tx, creator id.ID) (numbers []uint16, err error) {
	err = tx.Each(selectMarketsOf, func(scan func(...any) error) error {
		var number int64
		err := scan(&number)
		numbers = append(numbers, uint16(number))
		return err
	}, int64(creator))
	return numbers, fault.Wrap(err, "reading a creator's marketplaces")
}

var selectTrackingClicks = db.In(`SELECT tracking, CAST(SUM(counted) AS BIGINT) FROM click_hour
	WHERE market = $1 AND creator = $2 AND hour >= $3 AND tracking IN ($LIST) GROUP BY tracking`)

// TrackingClicks counts the clicks of a creator's tracking ids since an instant, cut to its hour.
func TrackingClicks(tx *db.Tx, creator id.ID, m market.Market, tracking []id.ID, since time.Time) (map[id.ID]int64, error) {
	keys := make([]any, len(tracking))
	for i, one := range tracking {
		keys[i] = int64(one)
	}
	counts := map[id.ID]int64{}
	err := tx.In(selectTrackingClicks, keys, func(scan func(...any) error) error {
		var one, counted int64
		err := scan(&one, &counted)
		counts[id.ID(one)] = counted
		return err
	}, int64(m.No), int64(creator), since.Unix()/(60*60))
	return counts, fault.Wrap(err, "counting clicks of tracking ids")
}
