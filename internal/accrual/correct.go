package accrual

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"tributary/internal/attribution"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
)

// What people decide about money enters here, as everything does: findings against lines and their taking back,
// adjustments, clicks found invalid. Who may decide it, and with whom, is settled before (package correction).

// MaxCorrected is how many lines or clicks one correction names.
const MaxCorrected = 500

// LineKey names a line of a marketplace.
type LineKey struct {
	Order string `json:"order"`
	Line  string `json:"line"`
}

// Subject names the line among decisions and transfers.
func (k LineKey) Subject() string { return decision.Subject(k.Order, k.Line) }

// Violation is an operator's finding. At and Month are set here.
type Violation = commission.Violation

// Adjustment is money that a person gives or takes.
type Adjustment = decision.Adjustment

// ClickVerdict says by which rule a click was found invalid after it was answered.
type ClickVerdict struct {
	Click    int64
	Rule     string
	Evidence string
}

var (
	selectDecided  = db.Statement(`SELECT version FROM decision WHERE lane = $1 AND subject = $2 AND version = 1`)
	insertVerdicts = db.Bulk("BIGINT BIGINT TEXT TEXT BIGINT",
		`INSERT INTO click_verdict (market, click, rule, evidence, at) VALUES $ROWS ON CONFLICT DO NOTHING`)
	bumpMarket     = db.Statement(`UPDATE marketplace SET version = version + 1 WHERE no = $1`)
	selectBoundFor = db.In(`SELECT DISTINCT customer FROM customer_touch WHERE market = $1 AND click IN ($LIST)`)
)

// Disqualify makes lines earn nothing, with evidence, also where closed months hold part of them: that is taken back in
// the present month (docs/spec.md §6). It gives how many lines it changed; the same finding again changes none.
func (a *Accrual) Disqualify(ctx context.Context, marketplace uint16, v Violation, lines []LineKey) (changed int, err error) {
	err = a.correct(ctx, marketplace, lines, func(g *group, l *line) bool {
		if l.facts.Violation != nil {
			return false // the first finding stands until it is taken back
		}
		found := v
		found.At, found.Month = clock.Micro(g.now), string(g.book.market.Month(g.now))
		l.facts.Violation = &found
		changed++
		return true
	})
	return changed, err
}

// Reinstate takes a finding back: the lines earn again what their facts say.
func (a *Accrual) Reinstate(ctx context.Context, marketplace uint16, finding id.ID, lines []LineKey) (changed int, err error) {
	err = a.correct(ctx, marketplace, lines, func(_ *group, l *line) bool {
		if l.facts.Violation == nil || l.facts.Violation.ID != finding {
			return false
		}
		l.facts.Violation = nil
		changed++
		return true
	})
	return changed, err
}

// correct changes the facts of lines and decides them again.
func (a *Accrual) correct(ctx context.Context, marketplace uint16, keys []LineKey, change func(*group, *line) bool) error {
	if len(keys) == 0 || len(keys) > MaxCorrected {
		return fault.Invalidf("lines", "are %d, and may be 1 to %d", "name them in several corrections", len(keys), MaxCorrected)
	}
	orders := make([]string, len(keys))
	for i, key := range keys {
		orders[i] = key.Order
	}
	return a.internal(ctx, db.Money, marketplace, func(g *group) error {
		if err := g.readOrders(orders); err != nil {
			return err
		}
		if err := g.readLines(orders); err != nil {
			return err
		}
		lines := make([]*line, 0, len(keys))
		for _, key := range keys {
			p := g.orders[key.Order]
			if p == nil || p.lines[key.Line] == nil {
				return fault.New(fault.NotFound, "lines", "order "+key.Order+" has no line "+key.Line+" here", "check order, line and marketplace")
			}
			if l := p.lines[key.Line]; !slices.Contains(lines, l) {
				lines = append(lines, l)
			}
		}
		if err := g.readFacts(lines); err != nil {
			return err
		}
		for _, l := range lines {
			if change(g, l) {
				l.judge = true
				g.mark(l)
			}
		}
		return g.decide()
	})
}

// Adjust posts an adjustment to the creator's payable balance, after the closes that are due. The same adjustment again
// changes nothing.
func (a *Accrual) Adjust(ctx context.Context, marketplace uint16, adj Adjustment) error {
	if adj.Amount == 0 {
		return fault.Invalidf("amount", "is 0", "give minor units, below zero to take money back")
	}
	return a.internal(ctx, db.Money, marketplace, func(g *group) error {
		subject := decision.AdjustmentSubject(adj.ID)
		var version int64
		if known, err := g.tx.One(selectDecided, []any{&version}, g.lane(), subject); err != nil || known {
			return fault.Wrap(err, "looking for "+subject)
		}
		entries, err := ledger.Under(g.tx, string(decision.CreatorAccount(adj.Creator, g.book.market.ID, "earned/")))
		if err != nil {
			return err
		}
		if _, err := g.close(entries); err != nil {
			return err
		}
		if err := g.record(subject, 1, adj, adj.Legs(g.book.market.ID), g.now); err != nil {
			return err
		}
		g.notes = append(g.notes, note{topic: "commission.adjusted", creator: int64(adj.Creator), body: adj})
		return nil
	})
}

// Invalidate notes that clicks were invalid traffic after all, and decides again what rested on them, as far as no closed
// month holds part of it. It gives how many lines and bounties were decided again.
func (a *Accrual) Invalidate(ctx context.Context, marketplace uint16, verdicts []ClickVerdict) (changed int, err error) {
	if len(verdicts) == 0 || len(verdicts) > MaxCorrected {
		return 0, fault.Invalidf("clicks", "are %d, and may be 1 to %d", "name them in several requests", len(verdicts), MaxCorrected)
	}
	rules := map[int64]string{}
	for _, v := range verdicts {
		rules[v.Click] = v.Rule
	}
	err = a.internal(ctx, db.Money, marketplace, func(g *group) error {
		rows := make([][]any, len(verdicts))
		for i, v := range verdicts {
			rows[i] = []any{g.lane(), v.Click, v.Rule, v.Evidence, clock.Micro(g.now)}
		}
		if _, err := g.tx.Bulk(insertVerdicts, rows); err != nil {
			return fault.Wrap(err, "noting verdicts on clicks")
		}
		if _, err := g.tx.Exec(bumpMarket, g.lane()); err != nil { // books that knew of no verdict look again
			return err
		}
		orders, bounties, err := g.knownWith(verdicts)
		if err != nil {
			return err
		}
		if changed, err = g.spoil(orders, rules); err != nil {
			return err
		}
		more, err := g.spoilClaims(bounties, rules)
		changed += more
		return err
	})
	return changed, err
}

// knownWith finds the orders and bounties for which one of the clicks was known: presented by them, or bound to their
// customer.
func (g *group) knownWith(verdicts []ClickVerdict) (orders, bounties []string, err error) {
	clicks := make([]any, len(verdicts))
	keys := make([]any, len(verdicts))
	for i, v := range verdicts {
		clicks[i], keys[i] = v.Click, binary.BigEndian.AppendUint64([]byte{'k'}, uint64(v.Click))
	}
	if err := g.tx.In(selectBoundFor, clicks, func(scan func(...any) error) error {
		var customer []byte
		err := scan(&customer)
		keys = append(keys, append([]byte{'c'}, customer...))
		return err
	}, g.lane()); err != nil {
		return nil, nil, fault.Wrap(err, "reading customers of clicks")
	}
	err = g.tx.In(selectNear, keys, func(scan func(...any) error) error {
		var key []byte
		var n neighbour
		err := scan(&key, &n.at, &n.order)
		if one, found := strings.CutPrefix(n.order, bountyMark); found {
			bounties = append(bounties, one)
		} else {
			orders = append(orders, n.order)
		}
		return err
	}, g.lane(), int64(math.MinInt64), int64(math.MaxInt64))
	slices.Sort(orders)
	slices.Sort(bounties)
	return slices.Compact(orders), slices.Compact(bounties), fault.Wrap(err, "reading orders with clicks")
}

// spoil marks the touches of lines and decides these again.
func (g *group) spoil(orders []string, rules map[int64]string) (changed int, err error) {
	if err := g.readOrders(orders); err != nil {
		return 0, err
	}
	if err := g.readLines(orders); err != nil {
		return 0, err
	}
	var lines []*line
	for _, one := range orders {
		for _, l := range g.orders[one].inOrder() {
			if !l.state.Basis.Frozen(l.state.Held, g.now) {
				lines = append(lines, l)
			}
		}
	}
	if err := g.readFacts(lines); err != nil {
		return 0, err
	}
	for _, l := range lines {
		if attribution.Spoil(l.facts.Touches, rules) {
			l.judge = true
			changed++
			g.mark(l)
		}
	}
	return changed, g.decide()
}
