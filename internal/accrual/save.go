package accrual

import (
	"sort"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/ledger"
	"tributary/internal/sums"
)

// save writes what the group changed: multi-row, keys sorted where rows are shared, the rows that everyone shares last.
func (g *group) save() error {
	volumes := func() error { return sums.SaveVolumes(g.tx, g.lane(), g.out.volumeKeys, g.out.volumeMonths) }
	for _, step := range []func() error{g.saveEvents, g.saveOrders, g.saveLines, g.saveBounties, g.saveNotes, volumes, g.saveHolds, func() error { return g.out.sums.Save(g.tx, g.lane()) }} {
		if err := step(); err != nil {
			return err
		}
	}
	return ledger.Post(g.tx, g.lane(), 0, g.out.transfers)
}

func (g *group) saveEvents() error {
	if _, err := g.tx.Bulk(insertEvents, g.eventRows); err != nil {
		return fault.Wrap(err, "saving event ids")
	}
	if _, err := g.tx.Bulk(insertWaiting, g.waitingRows); err != nil {
		return fault.Wrap(err, "saving waiting events")
	}
	if len(g.unlogged) > 0 {
		if err := click.Present(g.tx, g.unlogged); err != nil {
			return err
		}
	}
	for _, row := range g.waitingGone {
		if _, err := g.tx.Exec(deleteWaiting, row...); err != nil {
			return fault.Wrap(err, "taking waiting events")
		}
	}
	return nil
}

func (g *group) saveOrders() error {
	rows := make([][]any, 0, len(g.fresh))
	for _, p := range g.fresh {
		facts, err := decision.Encode(p.facts)
		if err != nil {
			return err
		}
		rows = append(rows, []any{g.lane(), p.id, p.at, p.received, p.paid, facts})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][1].(string) < rows[j][1].(string) })
	if _, err := g.tx.Bulk(upsertOrders, rows); err != nil {
		return fault.Wrap(err, "saving orders")
	}
	for _, row := range g.keysGone {
		if _, err := g.tx.Exec(deleteKey, row...); err != nil {
			return fault.Wrap(err, "moving shopper keys")
		}
	}
	sort.Slice(g.keyRows, func(i, j int) bool { return string(g.keyRows[i][1].([]byte)) < string(g.keyRows[j][1].([]byte)) })
	_, err := g.tx.Bulk(insertKeys, g.keyRows)
	return fault.Wrap(err, "saving shopper keys")
}

func (g *group) saveLines() error {
	lines := append([]*line(nil), g.dirty...)
	sort.Slice(lines, func(i, j int) bool {
		if lines[i].order.id != lines[j].order.id {
			return lines[i].order.id < lines[j].order.id
		}
		return lines[i].id < lines[j].id
	})
	rows := make([][]any, len(lines))
	for i, l := range lines {
		terms, err := decision.Encode(l.ordered)
		if err != nil {
			return err
		}
		kept, err := decision.Encode(l.state)
		if err != nil {
			return err
		}
		digital := int64(0)
		if l.terms.Digital {
			digital = 1
		}
		b := l.state.Basis
		rows[i] = []any{g.lane(), l.order.id, l.id, l.terms.OrderedAt, l.sku, l.terms.Quantity, l.terms.Net, digital, terms,
			l.targets.Fold.Open, l.version, l.whole, int64(b.Creator), int64(b.Program), int64(b.Tracking), string(l.targets.Reason),
			l.targets.Pending, l.targets.Earned, kept, clock.Micro(g.now)}
	}
	if _, err := g.tx.Bulk(upsertLines, rows); err != nil {
		return fault.Wrap(err, "saving lines")
	}
	sort.SliceStable(g.out.decisions, func(i, j int) bool { return g.out.decisions[i][1].(string) < g.out.decisions[j][1].(string) })
	_, err := g.tx.Bulk(insertDecisions, g.out.decisions)
	return fault.Wrap(err, "saving decisions")
}

func (g *group) saveNotes() error {
	rows := make([][]any, len(g.notes))
	for i, n := range g.notes {
		body, err := decision.Encode(n.body)
		if err != nil {
			return err
		}
		rows[i] = []any{g.lane(), g.tx.Turn(g.lane()), int64(i), n.topic, n.creator, body}
	}
	_, err := g.tx.Bulk(insertOutbox, rows)
	return fault.Wrap(err, "announcing")
}
