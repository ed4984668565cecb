package accrual

import (
	"encoding/json"
	"time"

	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/order"
	"tributary/internal/shopper"
)

// purchase is an order as the group holds it.
type purchase struct {
	id       string
	at       int64 // of its earliest order.placed, microseconds
	received int64
	paid     int64 // 0: not yet
	facts    purchaseFacts
	isNew    bool
	changed  bool
	wasAt    int64 // where an earlier order.placed came in later: the instant it had before
	lines    map[string]*line
	sequence []*line // new lines, in order of arrival
	loaded   bool    // lines are in memory
}

// isPaid tells whether an order counts: unpaid for 180 days it is dropped, and what is paid later changes nothing (§5.9).
func (p *purchase) isPaid() bool {
	return p.paid != 0 && p.paid-p.at <= waitingDays*24*time.Hour.Microseconds()
}

type purchaseFacts struct {
	Shopper  shopper.Facts `json:"shopper"`
	Physical bool          `json:"physical,omitempty"` // holds a non-digital product
	Keys     [][]byte      `json:"keys,omitempty"`     // under which it is known
}

// line is a line as the group holds it.
type line struct {
	order   *purchase
	id      string
	sku     string
	terms   order.Terms
	ordered decision.Ordered
	version int64
	whole   int64 // the newest version that carries whole facts
	state   decision.State
	targets commission.Targets
	isNew   bool
	changed bool // events came
	judge   bool // facts are new or changed: attribution is decided again
	settle  bool // the fate of what is withheld of it is decided anew
	facts   *commission.Facts
	sent    *order.Line // a new line as the store sent it
	coupons []string    // of the order.placed that brought it
}

var (
	selectEvents = db.In(`SELECT id, hash FROM order_event WHERE market = $1 AND id IN ($LIST)`)
	insertEvents = db.Bulk("BIGINT TEXT BYTEA BIGINT SEAL", `INSERT INTO order_event (market, id, hash, received, seal) VALUES $ROWS`)
	selectOrders = db.In(`SELECT id, at, received, paid, facts FROM orders WHERE market = $1 AND id IN ($LIST)`)
	upsertOrders = db.Bulk("BIGINT TEXT BIGINT BIGINT BIGINT TEXT SEAL", `INSERT INTO orders (market, id, at, received, paid, facts, seal) VALUES $ROWS
		ON CONFLICT (market, id) DO UPDATE SET at = excluded.at, paid = excluded.paid, facts = excluded.facts, seal = excluded.seal`)
	insertKeys = db.Bulk("BIGINT BYTEA BIGINT TEXT", `INSERT INTO order_key (market, key, at, order_id) VALUES $ROWS ON CONFLICT DO NOTHING`)
	deleteKey  = db.Statement(`DELETE FROM order_key WHERE market = $1 AND key = $2 AND at = $3 AND order_id = $4`)
	selectNear = db.In(`SELECT key, at, order_id FROM order_key WHERE market = $1 AND at >= $2 AND at <= $3 AND key IN ($LIST)`)

	selectLines = db.In(`SELECT order_id, line_id, at, sku, quantity, amount, digital, terms, version, whole_version, state FROM line
		WHERE market = $1 AND order_id IN ($LIST)`)
	upsertLines = db.Bulk("BIGINT TEXT TEXT BIGINT TEXT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT TEXT BIGINT SEAL",
		`INSERT INTO line (market, order_id, line_id, at, sku, quantity, amount, digital, terms, open_units, version, whole_version,
			creator, program, tracking, reason, pending, earned, state, touched, seal) VALUES $ROWS
		ON CONFLICT (market, order_id, line_id) DO UPDATE SET at = excluded.at, open_units = excluded.open_units, version = excluded.version,
			whole_version = excluded.whole_version, creator = excluded.creator, program = excluded.program, tracking = excluded.tracking,
			reason = excluded.reason, pending = excluded.pending, earned = excluded.earned, state = excluded.state, touched = excluded.touched,
			seal = excluded.seal`)

	selectWaiting = db.In(`SELECT order_id, received, id, body FROM order_waiting WHERE market = $1 AND order_id IN ($LIST)`)
	insertWaiting = db.Bulk("BIGINT TEXT BIGINT TEXT TEXT SEAL", `INSERT INTO order_waiting (market, order_id, received, id, body, seal) VALUES $ROWS`)
	deleteWaiting = db.Statement(`DELETE FROM order_waiting WHERE market = $1 AND order_id = $2 AND received = $3 AND id = $4`)

	insertDecisions = db.Bulk("BIGINT TEXT BIGINT BIGINT BIGINT TEXT SEAL", `INSERT INTO decision (lane, subject, version, turn, at, body, seal) VALUES $ROWS`)
	selectWhole     = db.In(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject IN ($LIST)`)

	insertOutbox = db.Bulk("BIGINT BIGINT BIGINT TEXT BIGINT TEXT", `INSERT INTO outbox (lane, turn, idx, topic, creator, body) VALUES $ROWS`)
)

// readOrders brings orders into the group, without their lines.
func (g *group) readOrders(ids []string) error {
	keys := g.missing(ids)
	return fault.Wrap(g.tx.In(selectOrders, keys, func(scan func(...any) error) error {
		p := &purchase{lines: map[string]*line{}}
		var facts string
		if err := scan(&p.id, &p.at, &p.received, &p.paid, &facts); err != nil {
			return err
		}
		g.orders[p.id] = p
		return json.Unmarshal([]byte(facts), &p.facts)
	}, g.lane()), "reading orders")
}

func (g *group) missing(ids []string) []any {
	seen := make(map[string]bool, len(ids))
	var keys []any
	for _, one := range ids {
		if _, known := g.orders[one]; !known && !seen[one] {
			seen[one] = true
			keys = append(keys, one)
		}
	}
	return keys
}

// readLines brings the lines of orders that are in the group.
func (g *group) readLines(ids []string) error {
	var keys []any
	for _, one := range ids {
		if p := g.orders[one]; p != nil && !p.loaded && !p.isNew {
			p.loaded = true
			keys = append(keys, one)
		}
	}
	return fault.Wrap(g.tx.In(selectLines, keys, func(scan func(...any) error) error {
		l := &line{}
		var orderID, terms, kept string
		var digital int64
		if err := scan(&orderID, &l.id, &l.terms.OrderedAt, &l.sku, &l.terms.Quantity, &l.terms.Net, &digital, &terms, &l.version, &l.whole, &kept); err != nil {
			return err
		}
		l.order = g.orders[orderID]
		l.order.lines[l.id] = l
		if err := json.Unmarshal([]byte(terms), &l.ordered); err != nil {
			return err
		}
		l.terms.Digital, l.terms.DigitalMonth = digital == 1, l.ordered.Digital
		return json.Unmarshal([]byte(kept), &l.state)
	}, g.lane()), "reading lines")
}

// readFacts brings the facts of decided lines, for deciding them again.
func (g *group) readFacts(lines []*line) error {
	wanted := map[string]*line{}
	var keys []any
	for _, l := range lines {
		if l.facts == nil && l.whole > 0 {
			wanted[l.subject()] = l
			keys = append(keys, l.subject())
		}
	}
	return fault.Wrap(g.tx.In(selectWhole, keys, func(scan func(...any) error) error {
		var subject, body string
		var version int64
		if err := scan(&subject, &version, &body); err != nil {
			return err
		}
		l := wanted[subject]
		if l == nil || version != l.whole {
			return nil
		}
		var d decision.Line
		err := json.Unmarshal([]byte(body), &d)
		l.facts = d.Facts
		return err
	}, g.lane()), "reading decisions")
}

func (l *line) subject() string { return decision.Subject(l.order.id, l.id) }
