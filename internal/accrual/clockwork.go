package accrual

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/market"
)

// What the clock decides, whether or not a job has run: lapses and the closing of months (docs/spec.md §5.9, §10). The
// functions here only post it, in short transactions.

// stride is how many rows one transaction of a job takes.
const stride = 500

// waitingDays is how long an early event waits before it is dropped and reported (§11).
const waitingDays = 180

var (
	selectOpen = db.Statement(`SELECT order_id, line_id, at FROM line WHERE market = $1 AND open_units > 0 AND at < $2
		AND (at > $3 OR at = $3 AND (order_id > $4 OR order_id = $4 AND line_id > $5)) ORDER BY at, order_id, line_id LIMIT $6`)
	selectEarned = db.Statement(`SELECT path, credits - debits FROM account WHERE path > $1 AND path < 'creator0' ORDER BY path LIMIT $2`)
	selectStale  = db.Statement(`SELECT order_id, received, id FROM order_waiting WHERE market = $1 AND received < $2 ORDER BY order_id, received, id LIMIT $3`)
)

// Lapse posts the lapse of units that were not shipped in time, and drops events that waited too long. It gives how many
// lines it changed.
func (a *Accrual) Lapse(ctx context.Context, marketplace uint16) (lines int, err error) {
	var at int64
	var orderID, lineID string
	for more := true; more; {
		err := a.internal(ctx, db.Background, marketplace, func(g *group) error {
			more = false
			due := clock.Micro(g.now.Add(-g.book.market.Policy.Lapse()))
			var ids []string
			if err := g.tx.Each(selectOpen, func(scan func(...any) error) error {
				err := scan(&orderID, &lineID, &at)
				ids, more = append(ids, orderID), len(ids)+1 == stride
				return err
			}, g.lane(), due, at, orderID, lineID, int64(stride)); err != nil {
				return fault.Wrap(err, "reading open lines")
			}
			if err := g.readOrders(ids); err != nil {
				return err
			}
			if err := g.readLines(ids); err != nil {
				return err
			}
			seen := map[string]bool{}
			for _, one := range ids {
				if seen[one] {
					continue
				}
				seen[one] = true
				for _, l := range g.orders[one].inOrder() {
					if l.state.Basis.LapseDays > 0 && l.terms.OrderedAt < clock.Micro(g.now)-int64(l.state.Basis.LapseDays)*24*time.Hour.Microseconds() {
						g.mark(l)
						lines++
					}
				}
			}
			return g.decide()
		})
		if err != nil {
			return lines, err
		}
	}
	return lines, a.dropStale(ctx, marketplace)
}

func (a *Accrual) dropStale(ctx context.Context, marketplace uint16) error {
	for more := true; more; {
		err := a.internal(ctx, db.Background, marketplace, func(g *group) error {
			before := clock.Micro(g.now.Add(-waitingDays * 24 * time.Hour))
			err := g.tx.Each(selectStale, func(scan func(...any) error) error {
				var orderID, eventID string
				var received int64
				err := scan(&orderID, &received, &eventID)
				g.waitingGone = append(g.waitingGone, []any{g.lane(), orderID, received, eventID})
				of, name := "order", orderID
				if one, found := strings.CutPrefix(orderID, bountyMark); found {
					of, name = "bounty", one
				}
				g.notes = append(g.notes, note{topic: "order.dropped", body: map[string]string{"event": eventID, of: name, "reason": "waited_too_long"}})
				return err
			}, g.lane(), before, int64(stride))
			more = len(g.waitingGone) == stride
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// CloseMonths posts the due closes of all creators: one transfer per creator and month, effective at 00:00 of the payable
// date. It gives how many it posted.
func (a *Accrual) CloseMonths(ctx context.Context, marketplace uint16) (closed int, err error) {
	after := "creator/"
	for more := true; more; {
		err := a.internal(ctx, db.Background, marketplace, func(g *group) error {
			var entries []ledger.Entry
			err := g.tx.Each(selectEarned, func(scan func(...any) error) error {
				var path string
				var balance int64
				err := scan(&path, &balance)
				entries = append(entries, ledger.Entry{Account: ledger.Account(path), Balance: balance})
				return err
			}, after, int64(stride))
			if err != nil {
				return fault.Wrap(err, "reading earned accounts")
			}
			if more = len(entries) == stride; more {
				after = string(entries[len(entries)-1].Account)
			}
			count, err := g.close(entries)
			closed += count
			return err
		})
		if err != nil {
			return closed, err
		}
	}
	return closed, nil
}

// PostDue posts the due closes of some creators: whoever reads or moves payable, drafts a run or issues a statement calls
// it first.
func (a *Accrual) PostDue(ctx context.Context, marketplace uint16, creators []id.ID) error {
	return a.internal(ctx, db.Interactive, marketplace, func(g *group) error {
		for _, creator := range creators {
			prefix := "creator/" + creator.Text(id.Creator) + "/" + g.book.market.ID + "/earned/"
			entries, err := ledger.Under(g.tx, prefix)
			if err != nil {
				return err
			}
			if _, err := g.close(entries); err != nil {
				return err
			}
		}
		return nil
	})
}

// close moves what closed months hold to payable.
func (g *group) close(entries []ledger.Entry) (count int, err error) {
	m := g.book.market
	for _, e := range entries {
		parts := strings.Split(string(e.Account), "/") // creator/{id}/{marketplace}/earned/{month}
		if len(parts) != 5 || parts[2] != m.ID || parts[3] != "earned" || e.Balance == 0 {
			continue
		}
		month := market.Month(parts[4])
		if m.Open(month, g.now) {
			continue
		}
		at := month.Payable(m.Location(), m.Policy.HoldDays)
		payable := ledger.Account(strings.Join(parts[:3], "/") + "/payable")
		closed := decision.Close{Creator: parts[1], Month: month, Balance: e.Balance, At: clock.Micro(at)}
		legs := decision.Move(nil, decision.ComponentClose, e.Account, payable, e.Balance)
		if err := g.record("close/"+parts[1]+"/"+string(month), 1, closed, legs, at); err != nil {
			return count, err
		}
		if creator, err := id.Parse("creator", id.Creator, parts[1]); err == nil {
			g.notes = append(g.notes, note{topic: "month.closed", creator: int64(creator), body: map[string]any{"month": month, "amount": e.Balance}})
		}
		count++
	}
	return count, nil
}

// TellEffective announces the versions of rate cards that took effect after an instant and up to another.
func (a *Accrual) TellEffective(ctx context.Context, m market.Market, after, until time.Time) (said []string, err error) {
	err = a.internal(ctx, db.Background, m.No, func(g *group) error {
		said = nil
		for _, v := range g.book.rates.Cards {
			if !v.Effective.After(after) || v.Effective.After(until) {
				continue
			}
			g.notes = append(g.notes, note{topic: "rate_card.effective", body: map[string]any{"marketplace": m.ID, "kind": v.Kind,
				"version": v.Number, "effective": v.Effective}})
			said = append(said, fmt.Sprintf("%s %s: rate card %s version %d took effect", v.Effective.In(m.Location()).Format("2006-01-02 15:04 MST"),
				m.ID, v.Kind, v.Number))
		}
		return nil
	})
	return said, fault.Wrap(err, "announcing rate cards in force")
}
