package audit

import (
	"encoding/json"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
)

// sealed tells whether a row's values are those that were written, and says so where they are not. Rows of before have no
// seal; how many these may be was counted when seals began.
func (a *auditor) sealed(values []any, seal int64, what string) bool {
	if seal == 0 {
		a.seen.Unsealed++
		return true
	}
	if a.sealer.Seal(values) == seal {
		return true
	}
	a.tell("%s: its values are not those that were written", what)
	return false
}

// sealedTable is a table whose rows nothing else repeats, and that no decision stands for.
type sealedTable struct {
	name, types string
	rows        *db.Stmt
	loose       bool // without a seal it is enough that a row can be read: such rows are not counted
}

var sealedTables = []sealedTable{
	{"marketplace", "BIGINT TEXT TEXT", db.Statement(`SELECT no, id, body, seal FROM marketplace WHERE no = $1`), true},
	{"rate_card", "BIGINT BIGINT TEXT BIGINT BIGINT BIGINT TEXT", db.Statement(`SELECT id, market, kind, version, effective, published, body, seal
		FROM rate_card WHERE market = $1 ORDER BY id`), true},
	{"promotion", "BIGINT BIGINT BIGINT BIGINT BIGINT TEXT", db.Statement(`SELECT id, market, starts, ends, published, body, seal
		FROM promotion WHERE market = $1 ORDER BY id`), true},
	{"contract", "BIGINT BIGINT BIGINT BIGINT TEXT", db.Statement(`SELECT id, market, creator, published, body, seal
		FROM contract WHERE market = $1 ORDER BY id`), true},
	{"volume", "BIGINT BIGINT BIGINT BIGINT TEXT", db.Statement(`SELECT id, market, number, published, body, seal
		FROM volume WHERE market = $1 ORDER BY id`), true},
	{"bounty", "BIGINT BIGINT TEXT BIGINT TEXT", db.Statement(`SELECT id, market, action, published, body, seal
		FROM bounty WHERE market = $1 ORDER BY id`), true},
	{"order_event", "BIGINT TEXT BYTEA BIGINT", db.Statement(`SELECT market, id, hash, received, seal
		FROM order_event WHERE market = $1 ORDER BY id`), false},
	{"order_waiting", "BIGINT TEXT BIGINT TEXT TEXT", db.Statement(`SELECT market, order_id, received, id, body, seal
		FROM order_waiting WHERE market = $1 ORDER BY order_id, received, id`), false},
}

var (
	selectUnsealed = db.Statement(`SELECT value FROM setting WHERE name = 'unsealed'`)
	selectOrders   = db.Statement(`SELECT market, id, at, received, paid, facts, seal FROM orders WHERE market = $1 ORDER BY id`)
	selectKeys     = db.Statement(`SELECT key, at, order_id FROM order_key WHERE market = $1`)
)

// verifySealed holds every row of those tables against its seal.
func (a *auditor) verifySealed() error {
	for _, t := range sealedTables {
		if err := a.verifyTable(t); err != nil {
			return fault.Wrap(err, "reading "+t.name)
		}
	}
	if err := a.verifyOrders(); err != nil {
		return fault.Wrap(err, "reading orders")
	}
	var text string
	allowed := 0
	found, err := a.tx.One(selectUnsealed, []any{&text})
	if err == nil && found {
		allowed, err = strconv.Atoi(text)
	}
	if a.seen.Unsealed > allowed {
		a.tell("%d rows have no seal; %d were written before there were any", a.seen.Unsealed, allowed)
	}
	return fault.Wrap(err, "reading how many rows of before have no seal")
}

func (a *auditor) verifyTable(t sealedTable) error {
	kinds := strings.Fields(t.types)
	values := make([]any, len(kinds))
	for i, kind := range kinds {
		switch kind {
		case "BIGINT":
			values[i] = new(int64)
		case "TEXT":
			values[i] = new(string)
		default:
			values[i] = new([]byte)
		}
	}
	var seal int64
	dest := append(values, &seal)
	return a.tx.Each(t.rows, func(scan func(...any) error) error {
		if err := scan(dest...); err != nil {
			return err
		}
		if seal != 0 || !t.loose {
			a.sealed(values, seal, "a row of "+t.name)
		} else if body := values[len(values)-1].(*string); !json.Valid([]byte(*body)) {
			a.tell("a row of %s cannot be read", t.name)
		}
		return nil
	}, a.lane)
}

// verifyOrders also counts the keys under which shoppers are known.
func (a *auditor) verifyOrders() error {
	var market, at, received, paid, seal int64
	var id, text string
	values := []any{&market, &id, &at, &received, &paid, &text}
	dest := append(values, &seal)
	return a.tx.Each(selectOrders, func(scan func(...any) error) error {
		if err := scan(dest...); err != nil {
			return err
		}
		if !a.sealed(values, seal, "order "+id) {
			return nil
		}
		var facts struct {
			Keys [][]byte `json:"keys"`
		}
		if err := json.Unmarshal([]byte(text), &facts); err != nil {
			a.tell("order %s: its facts cannot be read: %v", id, err)
			return nil
		}
		for _, key := range facts.Keys {
			a.keys.expect(key, at, id)
		}
		return nil
	}, a.lane)
}

// ofMarket is how the next marketplace that has rows in a table is found: a few looks into an index.
type ofMarket struct {
	table string
	next  *db.Stmt
}

func nextOf(table, column string) ofMarket {
	return ofMarket{table, db.Statement("SELECT " + column + " FROM " + table + " WHERE " + column + " > $1 ORDER BY " + column + " LIMIT 1")}
}

var ofMarkets = []ofMarket{nextOf("decision", "lane"), nextOf("transfer", "lane"), nextOf("line", "market"), nextOf("bounty_claim", "market"),
	nextOf("orders", "market"), nextOf("order_event", "market"), nextOf("order_waiting", "market"), nextOf("order_key", "market"),
	nextOf("creator_day", "market"), nextOf("margin_month", "market"), nextOf("reason_month", "market"), nextOf("volume_month", "market"),
	nextOf("rate_card", "market"), nextOf("promotion", "market"), nextOf("contract", "market"), nextOf("volume", "market"), nextOf("bounty", "market")}

// verifyStrays finds rows of no marketplace: the audit of none would meet them. That of the first one tells.
func (a *auditor) verifyStrays() error {
	if !a.first {
		return nil
	}
	for _, t := range ofMarkets {
		for lane := int64(math.MinInt64); ; {
			found, err := a.tx.One(t.next, []any{&lane}, lane)
			if err != nil {
				return fault.Wrap(err, "looking for rows of no marketplace")
			}
			if !found {
				break
			}
			if !a.known[lane] {
				a.tell("%s has rows of marketplace %d, which does not exist", t.table, lane)
			}
		}
	}
	return nil
}

// bountyMark begins the name of a bounty where names of orders stand else.
const bountyMark = "\x1f"

// keyCount compares two sets of keys that lie in different orders, without keeping either: by how many there are, and by
// the sum of their seals, each scattered so that two differences do not make up for each other.
type keyCount struct {
	sealer         db.Sealer
	expected, kept int64
	sum            uint64
}

// expect counts a key that an order or a bounty says it is known under.
func (k *keyCount) expect(key []byte, at int64, name string) {
	k.expected++
	k.sum += k.scattered(key, at, name)
}

// meet counts a key that stands in a row.
func (k *keyCount) meet(key []byte, at int64, name string) {
	k.kept++
	k.sum -= k.scattered(key, at, name)
}

func (k *keyCount) scattered(key []byte, at int64, name string) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio: spreads neighbours far apart
	high, low := bits.Mul64(uint64(k.sealer.Seal([]any{&key, &at, &name})), odd)
	return high ^ low
}

// verifyKeys compares the keys of shoppers with those that orders and bounties name.
func (a *auditor) verifyKeys() error {
	var key []byte
	var at int64
	var name string
	if err := a.tx.Each(selectKeys, func(scan func(...any) error) error {
		err := scan(&key, &at, &name)
		a.keys.meet(key, at, name)
		return err
	}, a.lane); err != nil {
		return fault.Wrap(err, "reading keys of shoppers")
	}
	if k := &a.keys; k.expected != k.kept || k.sum != 0 {
		a.tell("orders and bounties name %d keys of shoppers, and %d are kept, or some are others", k.expected, k.kept)
	}
	return nil
}
