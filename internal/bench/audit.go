package bench

import (
	"context"
	"fmt"
	"time"

	"tributary/internal/audit"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/ledger"
	"tributary/internal/order"
)

// audits compares the audit of everything (balances from transfers, transfers from decisions, decisions from their facts)
// with taking the orders. What is audited grows from round to round; of every order one line has shipped.
func audits(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("audit", o)
	t, err := o.openTaker(ctx, orderCreators/o.scale(), db.Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = joined(err, t.leave()) }()
	if err := t.describe(ctx, &report); err != nil {
		return report, err
	}
	var seen audit.Verified
	rates, err := report.inTurn(ctx, "lines/s", side{"taking orders", t.paced(t.placedAndShipped)},
		side{"audit of everything", func(ctx context.Context) (rate float64, err error) {
			begin := clock.Wall()
			seen, err = t.audit(ctx)
			return float64(seen.Lines) / clock.Since(begin).Seconds(), err
		}})
	if err != nil {
		return report, err
	}
	report.ratio("vs_taking_orders", rates["audit of everything"], rates["taking orders"])
	report.Settings["requests"] = requestsText
	report.Settings["audited at the end"] = fmt.Sprintf("%d lines, %d decisions, %d transfers",
		seen.Lines, seen.Decisions, seen.Transfers)
	return report, nil
}

// placedAndShipped takes requests of orders, and then, outside the time, ships the first line of each.
func (t *taker) placedAndShipped(ctx context.Context, requests int) (took time.Duration, err error) {
	placed, shipped := make([][]order.Event, requests), make([][]order.Event, requests)
	for i := range placed {
		placed[i] = t.batch(ordersPerRequest)
		for _, e := range placed[i] {
			shipped[i] = append(shipped[i], shipment(e))
		}
	}
	if took, err = t.takeAll(ctx, placed); err == nil {
		_, err = t.takeAll(ctx, shipped)
	}
	return took, err
}

// audit recomputes everything; a difference is an error.
func (w *World) audit(ctx context.Context) (seen audit.Verified, err error) {
	found := 0
	first := ""
	differ := func(text string) {
		if found++; found == 1 {
			first = text
		}
	}
	err = w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if _, err = ledger.Verify(tx, differ); err == nil {
			seen, err = audit.Verify(tx, w.Market.Lane(), differ)
		}
		return err
	})
	if err == nil && found > 0 {
		err = fmt.Errorf("the audit finds %d differences, the first: %s", found, first)
	}
	return seen, err
}
