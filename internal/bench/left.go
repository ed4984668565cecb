package bench

import (
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
)

// left are the rows that orders leave in a database, in the order in which they were committed. What the money path costs
// is measured against inserting them with no logic at all.
type left struct {
	tables [][][]any // as leftTables
}

// leftTable is a table with rows that orders leave.
type leftTable struct {
	name, columns string
	read          *db.Stmt
	write         *db.BulkStmt
	width         int
	shared        bool // rows that every group brings along: written once, at the end
}

// leftTables are all of them, with every column; a test holds this list against the engine's own.
var leftTables = []leftTable{
	leftIn("order_event", "market BIGINT, id TEXT, hash BYTEA, received BIGINT, seal BIGINT", "ORDER BY received, id"),
	leftIn("orders", "market BIGINT, id TEXT, at BIGINT, received BIGINT, paid BIGINT, facts TEXT, seal BIGINT", "ORDER BY received, id"),
	leftIn("order_key", "market BIGINT, key BYTEA, at BIGINT, order_id TEXT", "ORDER BY at, key, order_id"),
	leftIn("line", `market BIGINT, order_id TEXT, line_id TEXT, at BIGINT, sku TEXT, quantity BIGINT, amount BIGINT, digital BIGINT,
		terms TEXT, open_units BIGINT, version BIGINT, whole_version BIGINT, creator BIGINT, program BIGINT, tracking BIGINT,
		reason TEXT, pending BIGINT, earned BIGINT, state TEXT, touched BIGINT, seal BIGINT`, "ORDER BY touched, order_id, line_id"),
	leftIn("decision", "lane BIGINT, subject TEXT, version BIGINT, turn BIGINT, at BIGINT, body TEXT, seal BIGINT", "ORDER BY turn, subject, version"),
	leftIn("outbox", "lane BIGINT, turn BIGINT, idx BIGINT, topic TEXT, creator BIGINT, body TEXT", "ORDER BY turn, idx"),
	leftIn("transfer", `lane BIGINT, subject TEXT, version BIGINT, component TEXT, leg BIGINT, turn BIGINT, idx BIGINT, debit TEXT,
		credit TEXT, amount BIGINT, at BIGINT`, "ORDER BY turn, idx"),
	// The world's own products are there already; those of other marketplaces came with a file.
	leftIn("product", `market BIGINT, sku TEXT, place BIGINT, parent TEXT, gtin TEXT, title TEXT, category TEXT, brand TEXT, seller TEXT,
		price BIGINT, image TEXT, digital BIGINT, state TEXT`, "WHERE market > 1 ORDER BY market, sku"),
	leftIn("creator_day", `market BIGINT, creator BIGINT, day TEXT, orders BIGINT, units BIGINT, revenue BIGINT, commission BIGINT,
		first_lines BIGINT, first_revenue BIGINT, linear_revenue BIGINT`, "ORDER BY market, creator, day").byAll(),
	leftIn("margin_month", `market BIGINT, month TEXT, creator BIGINT, category TEXT, sold BIGINT, units BIGINT, free BIGINT, revenue BIGINT,
		commission BIGINT, promotion BIGINT, fee BIGINT`, "ORDER BY market, month, creator, category, sold").byAll(),
	leftIn("volume_month", "market BIGINT, creator BIGINT, month TEXT, base BIGINT, extra BIGINT, version BIGINT",
		"ORDER BY market, creator, month").byAll(),
	leftIn("account", "path TEXT, debits BIGINT, credits BIGINT", "ORDER BY path").byAll(),
}

// leftIn declares the statements of a table: its columns with their types, and which rows in which order.
func leftIn(table, columns, which string) leftTable {
	var names, types []string
	for column := range strings.SplitSeq(columns, ",") {
		words := strings.Fields(column)
		names, types = append(names, words[0]), append(types, words[1])
	}
	list := strings.Join(names, ", ")
	return leftTable{name: table, columns: list, width: len(names),
		read:  db.Statement("SELECT " + list + " FROM " + table + " " + which),
		write: db.Bulk(strings.Join(types, " "), "INSERT INTO "+table+" ("+list+") VALUES $ROWS")}
}

// byAll marks a table whose rows belong to all groups.
func (t leftTable) byAll() leftTable {
	t.shared = true
	return t
}

// readLeft reads the rows into memory.
func readLeft(tx *db.Tx) (*left, error) {
	l := &left{}
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
			return nil, fault.Wrap(err, "reading what orders left")
		}
		l.tables = append(l.tables, rows)
	}
	return l, nil
}

// rows counts them.
func (l *left) rows() (count int) {
	for _, rows := range l.tables {
		count += len(rows)
	}
	return count
}

// insert writes one of so many parts of every table's rows; the part after the last one is what all groups share.
func (l *left) insert(tx *db.Tx, part, parts int) error {
	for i, table := range leftTables {
		rows := l.tables[i]
		switch last := part == parts; {
		case table.shared != last:
			continue
		case !last:
			rows = rows[len(rows)*part/parts : len(rows)*(part+1)/parts]
		}
		if _, err := tx.Bulk(table.write, rows); err != nil {
			return fault.Wrap(err, "inserting what orders left")
		}
	}
	return nil
}
