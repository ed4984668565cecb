package admission

import (
	"context"
	"fmt"
	"time"

	"tributary/internal/application"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
	"tributary/internal/money"
)

type choice = application.Choice

var (
	selectClicks  = db.Statement(`SELECT COALESCE(CAST(SUM(counted) AS BIGINT), 0) FROM click_day WHERE creator = $1 AND market = $2 AND day >= $3 AND day < $4`)
	selectRevenue = db.Statement(`SELECT COALESCE(CAST(SUM(revenue) AS BIGINT), 0) FROM margin_month WHERE market = $1 AND creator = $2 AND month >= $3 AND month < $4`)

	selectClicking = db.Statement(`SELECT creator FROM click_day WHERE market = $1 AND day >= $2 AND creator > $3 GROUP BY creator
		HAVING CAST(SUM(counted) AS BIGINT) >= $4 ORDER BY creator LIMIT $5`)
	selectSelling = db.Statement(`SELECT creator FROM margin_month WHERE market = $1 AND month >= $2 AND creator > $3 GROUP BY creator
		HAVING CAST(SUM(revenue) AS BIGINT) >= $4 ORDER BY creator LIMIT $5`)
)

// quarters gives where the quarter of an instant begins, where the one before began, and where it ends, in local time.
func quarters(m market.Market, now time.Time) (last, this, next time.Time) {
	local := now.In(m.Location())
	first := local.Month() - (local.Month()-1)%3
	this = time.Date(local.Year(), first, 1, 0, 0, 0, 0, m.Location())
	return this.AddDate(0, -3, 0), this, this.AddDate(0, 3, 0)
}

// dayNumber is how rollups of clicks number a local date: days since 1970.
func dayNumber(local time.Time) int64 {
	year, month, day := local.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// GateOf tells what is missing for connections: active in another program here, and bronze in the running quarter or the last
// one (docs/spec.md §1, §8). Revenue counts by the month of the order.
func (d *Desk) GateOf(tx *db.Tx, creator id.ID, m market.Market) (g Gate, err error) {
	histories, err := enrolment.Standings(tx, m.No, []id.ID{creator})
	if err != nil {
		return g, err
	}
	now := d.Clock.Now()
	for _, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer} {
		g.Active = g.Active || histories[enrolment.Key{Market: m.No, Creator: creator, Program: program}].At(now) == enrolment.Active
	}
	last, this, next := quarters(m, now)
	bronze := false
	clicks, revenue := m.Admission.Bronze()
	for _, q := range [][2]time.Time{{this, next}, {last, this}} {
		var counted, shipped int64
		if _, err := tx.One(selectClicks, []any{&counted}, int64(creator), int64(m.No), dayNumber(q[0]), dayNumber(q[1])); err != nil {
			return g, fault.Wrap(err, "counting a quarter's clicks")
		}
		if _, err := tx.One(selectRevenue, []any{&shipped}, int64(m.No), int64(creator), q[0].Format("2006-01"), q[1].Format("2006-01")); err != nil {
			return g, fault.Wrap(err, "adding up a quarter's revenue")
		}
		bronze = bronze || counted >= clicks || shipped >= revenue
		g.Clicks, g.Revenue = max(g.Clicks, counted), max(g.Revenue, shipped)
	}
	if !m.Admission.Connections {
		g.Missing = append(g.Missing, "it is not offered in "+m.Name)
	}
	if !g.Active {
		g.Missing = append(g.Missing, "be approved in Associates or Influencer here")
	}
	if !bronze {
		g.Missing = append(g.Missing, fmt.Sprintf("%d clicks, or %s of shipped sales, in a quarter: you have %d and %s", clicks,
			amountText(revenue, m.Currency), g.Clicks, amountText(g.Revenue, m.Currency)))
	}
	g.Open = len(g.Missing) == 0
	return g, nil
}

// openGates lets those into connections who have come to meet its gate. It goes over those with enough clicks or sales.
func (d *Desk) openGates(ctx context.Context, m market.Market) (opened int, err error) {
	if !m.Admission.Connections {
		return 0, nil
	}
	last, _, _ := quarters(m, d.Clock.Now())
	clicks, revenue := m.Admission.Bronze()
	for _, list := range []struct {
		statement *db.Stmt
		from      any
		least     int64
	}{{selectClicking, dayNumber(last), clicks}, {selectSelling, last.Format("2006-01"), revenue}} {
		for after, more := int64(0), true; more; {
			var ids []id.ID
			if err := d.DB.Read(ctx, func(tx *db.Tx) error {
				return tx.Each(list.statement, func(scan func(...any) error) error {
					err := scan(&after)
					ids = append(ids, id.ID(after))
					return err
				}, int64(m.No), list.from, after, list.least, int64(page))
			}); err != nil {
				return opened, fault.Wrap(err, "looking for those who may join connections")
			}
			more = len(ids) == page
			count, err := d.openGatesOf(ctx, m, ids)
			if opened += count; err != nil {
				return opened, err
			}
		}
	}
	return opened, nil
}

func (d *Desk) openGatesOf(ctx context.Context, m market.Market, ids []id.ID) (opened int, err error) {
	var ready []enrolment.Key
	if err := d.DB.Read(ctx, func(tx *db.Tx) error {
		histories, err := enrolment.Standings(tx, m.No, ids)
		if err != nil {
			return err
		}
		for _, one := range ids {
			key := enrolment.Key{Market: m.No, Creator: one, Program: enrolment.Connections}
			if len(histories[key]) > 0 { // joined already, or left: who left joins again by applying
				continue
			}
			gate, err := d.GateOf(tx, one, m)
			if err != nil {
				return err
			}
			if gate.Open {
				ready = append(ready, key)
			}
		}
		return nil
	}); err != nil {
		return 0, err
	}
	for _, key := range ready {
		if err := d.lane(ctx, m, func(tx *db.Tx) error {
			_, err := d.advance(tx, m, key)
			return err
		}); err != nil {
			return opened, err
		}
		opened++
	}
	return opened, nil
}

// heldOf is what is withheld of a creator in a marketplace, over all programs.
func (d *Desk) heldOf(ctx context.Context, creator id.ID, m market.Market) (amount int64, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		amount, err = held(tx, creator, m)
		return err
	})
	return amount, err
}

func held(tx *db.Tx, creator id.ID, m market.Market) (int64, error) {
	account := decision.CreatorAccount(creator, m.ID, "held")
	balances, err := ledger.Balances(tx, []ledger.Account{account})
	return balances[account], err
}

// amountText writes an amount for messages.
func amountText(amount int64, currency string) string {
	return money.Money{Amount: amount, Currency: currency}.String()
}
