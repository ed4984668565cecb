package intake

import (
	"tributary/internal/db"
	"tributary/internal/fault"
)

// Left are the rows that imports leave in a database, in the order in which they were committed. What an import costs is
// measured against inserting them with no logic at all (`tributary bench import`).
type Left struct {
	tables [][][]any // as leftTables
}

// leftTable is a table with rows that an import leaves, in the order in which they were committed.
type leftTable struct {
	read   *db.Stmt
	write  *db.BulkStmt
	width  int
	shared bool // rows that every group brings along: written once, at the end
}

var leftTables = []leftTable{
	{db.Statement(`SELECT market, id, hash, received FROM order_event ORDER BY received, id`),
		db.Bulk("BIGINT TEXT BYTEA BIGINT", `INSERT INTO order_event (market, id, hash, received) VALUES $ROWS`), 4, false},
	{db.Statement(`SELECT market, id, at, received, paid, facts FROM orders ORDER BY received, id`),
		db.Bulk("BIGINT TEXT BIGINT BIGINT BIGINT TEXT", `INSERT INTO orders (market, id, at, received, paid, facts) VALUES $ROWS`), 6, false},
	{db.Statement(`SELECT market, key, at, order_id FROM order_key ORDER BY at, key, order_id`),
		db.Bulk("BIGINT BYTEA BIGINT TEXT", `INSERT INTO order_key (market, key, at, order_id) VALUES $ROWS`), 4, false},
	{db.Statement(`SELECT market, order_id, line_id, at, sku, quantity, amount, digital, terms, open_units, version, whole_version,
			creator, program, tracking, reason, pending, earned, state, touched FROM line ORDER BY touched, order_id, line_id`),
		db.Bulk("BIGINT TEXT TEXT BIGINT TEXT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT BIGINT BIGINT TEXT BIGINT BIGINT TEXT BIGINT",
			`INSERT INTO line (market, order_id, line_id, at, sku, quantity, amount, digital, terms, open_units, version, whole_version,
			creator, program, tracking, reason, pending, earned, state, touched) VALUES $ROWS`), 20, false},
	{db.Statement(`SELECT lane, subject, version, turn, at, body FROM decision ORDER BY turn, subject, version`),
		db.Bulk("BIGINT TEXT BIGINT BIGINT BIGINT TEXT", `INSERT INTO decision (lane, subject, version, turn, at, body) VALUES $ROWS`), 6, false},
	{db.Statement(`SELECT lane, turn, idx, topic, creator, body FROM outbox ORDER BY turn, idx`),
		db.Bulk("BIGINT BIGINT BIGINT TEXT BIGINT TEXT", `INSERT INTO outbox (lane, turn, idx, topic, creator, body) VALUES $ROWS`), 6, false},
	{db.Statement(`SELECT lane, subject, version, component, leg, turn, idx, debit, credit, amount, at FROM transfer ORDER BY turn, idx`),
		db.Bulk("BIGINT TEXT BIGINT TEXT BIGINT BIGINT BIGINT TEXT TEXT BIGINT BIGINT",
			`INSERT INTO transfer (lane, subject, version, component, leg, turn, idx, debit, credit, amount, at) VALUES $ROWS`), 11, false},
	{db.Statement(`SELECT market, sku, place, parent, gtin, title, category, brand, seller, price, image, digital, state FROM product
			WHERE market > 1 ORDER BY sku`),
		db.Bulk("BIGINT TEXT BIGINT TEXT TEXT TEXT TEXT TEXT TEXT BIGINT TEXT BIGINT TEXT",
			`INSERT INTO product (market, sku, place, parent, gtin, title, category, brand, seller, price, image, digital, state)
			VALUES $ROWS`), 13, false},
	{db.Statement(`SELECT market, creator, day, orders, units, revenue, commission FROM creator_day ORDER BY market, creator, day`),
		db.Bulk("BIGINT BIGINT TEXT BIGINT BIGINT BIGINT BIGINT",
			`INSERT INTO creator_day (market, creator, day, orders, units, revenue, commission) VALUES $ROWS`), 7, true},
	{db.Statement(`SELECT path, debits, credits FROM account ORDER BY path`),
		db.Bulk("TEXT BIGINT BIGINT", `INSERT INTO account (path, debits, credits) VALUES $ROWS`), 3, true},
}

// ReadLeft reads the rows into memory.
func ReadLeft(tx *db.Tx) (*Left, error) {
	l := &Left{}
	for _, table := range leftTables {
		var rows [][]any
		if err := tx.Each(table.read, func(scan func(...any) error) error {
			row, places := make([]any, table.width), make([]any, table.width)
			for i := range row {
				places[i] = &row[i]
			}
			rows = append(rows, row)
			return scan(places...)
		}); err != nil {
			return nil, fault.Wrap(err, "reading what an import left")
		}
		l.tables = append(l.tables, rows)
	}
	return l, nil
}

// Rows counts them.
func (l *Left) Rows() (count int) {
	for _, rows := range l.tables {
		count += len(rows)
	}
	return count
}

// Insert writes one of so many parts of every table's rows; the part after the last one is what all groups share.
func (l *Left) Insert(tx *db.Tx, part, parts int) error {
	for i, table := range leftTables {
		rows := l.tables[i]
		switch last := part == parts; {
		case table.shared != last:
			continue
		case !last:
			rows = rows[len(rows)*part/parts : len(rows)*(part+1)/parts]
		}
		if _, err := tx.Bulk(table.write, rows); err != nil {
			return fault.Wrap(err, "inserting what an import left")
		}
	}
	return nil
}
