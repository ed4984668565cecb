package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/orderfile"
	"tributary/internal/orderfile/intake"
)

// importRows is the length of the file at full scale: that of half a year of a real shop.
const importRows = 209_029

// onlineRetail names a real file to measure with; without it one of the same shape is invented.
const onlineRetail = "TRIBUTARY_ONLINE_RETAIL"

// bareTransaction is how many orders one transaction takes where there is no logic.
const bareTransaction = 1000

//go:embed bench_import.json
var benchMapping []byte

// left is a table with rows that an import leaves, in the order in which they were committed.
type left struct {
	read   *db.Stmt
	write  *db.BulkStmt
	width  int
	shared bool // rows that every group brings along: written once, at the end
}

var leftTables = []left{
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

// benchImport compares the import of a file, attribution and ledger and reconciliation included, with reading the file and
// inserting the very rows that the import leaves, with no logic at all. The ratio is of times: how many times as long.
func benchImport(ctx context.Context, o benchOptions) (report benchReport, err error) {
	report = newReport("import", o)
	file := filepath.Join(o.Folder, "orders.csv")
	rows := importRows / o.scale()
	if report.Settings["file"], err = benchFile(file, rows); err != nil {
		return report, err
	}
	b := &importBench{benchOptions: o, file: file, rows: rows}
	if err := b.load(ctx, &report); err != nil {
		return report, err
	}
	rates, err := report.inTurn(ctx, "rows/s", side{"import", b.whole}, side{"bare", b.bare})
	if err != nil {
		return report, err
	}
	report.ratio("vs_bare_import", rates["bare"], rates["import"])
	return report, nil
}

type importBench struct {
	benchOptions
	file   string
	rows   int
	orders int64
	tables [][][]any // the rows of leftTables
}

// benchFile writes the file: the beginning of the real one where it is named, an invented one otherwise.
func benchFile(path string, rows int) (what string, err error) {
	out, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if realFile := os.Getenv(onlineRetail); realFile != "" {
		return fmt.Sprintf("the first %d rows of %s", rows, filepath.Base(realFile)), orderfile.Head(out, realFile, rows)
	}
	return fmt.Sprintf("%d invented rows (name a real file in %s)", rows, onlineRetail), orderfile.Invent(out, rows, 1)
}

func (b *importBench) run(ctx context.Context, w *benchWorld) (*intake.Result, time.Duration, error) {
	mapping, err := orderfile.ParseMapping(benchMapping)
	if err != nil {
		return nil, 0, err
	}
	begin := clock.Wall()
	job := intake.Import{DB: w.db, Ring: w.ring, Clock: w.clock, Mapping: mapping, Path: b.file}
	result, err := job.Run(ctx)
	took := clock.Since(begin)
	if err == nil && len(result.Differences) > 0 {
		err = fmt.Errorf("the books differ from the file: %v", result.Differences)
	}
	return result, took, err
}

// load imports once and keeps the rows that are left.
func (b *importBench) load(ctx context.Context, report *benchReport) error {
	w, err := b.openWorld(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.describe(ctx, report); err != nil {
		return err
	}
	result, _, err := b.run(ctx, w)
	if err != nil {
		return err
	}
	b.orders = result.Totals.Orders
	count := 0
	err = w.db.Read(ctx, func(tx *db.Tx) error {
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
				return err
			}
			count += len(rows)
			b.tables = append(b.tables, rows)
		}
		return nil
	})
	report.Settings["rows left"] = strconv.Itoa(count)
	report.Settings["transactions of bare"] = strconv.Itoa(b.transactions() + 1)
	return err
}

func (b *importBench) transactions() int { return int(b.orders/bareTransaction) + 1 }

// whole is the import as the command runs it.
func (b *importBench) whole(ctx context.Context) (float64, error) {
	w, err := b.openWorld(ctx, 0)
	if err != nil {
		return 0, err
	}
	_, took, err := b.run(ctx, w)
	return float64(b.rows) / took.Seconds(), errors.Join(err, w.close())
}

// bare reads the file and inserts the rows, thousand orders in one transaction.
func (b *importBench) bare(ctx context.Context) (float64, error) {
	w, err := b.openWorld(ctx, 0)
	if err != nil {
		return 0, err
	}
	begin := clock.Wall()
	err = b.parse()
	parts := b.transactions()
	for part := 0; part <= parts && err == nil; part++ {
		err = w.db.Write(ctx, db.Money, func(tx *db.Tx) error { return b.insert(tx, part, parts) })
	}
	took := clock.Since(begin)
	return float64(b.rows) / took.Seconds(), errors.Join(err, w.close())
}

// insert writes one part of every table's rows; the last one writes what all groups share.
func (b *importBench) insert(tx *db.Tx, part, parts int) error {
	for i, table := range leftTables {
		rows := b.tables[i]
		switch last := part == parts; {
		case table.shared != last:
			continue
		case !last:
			rows = rows[len(rows)*part/parts : len(rows)*(part+1)/parts]
		}
		if _, err := tx.Bulk(table.write, rows); err != nil {
			return err
		}
	}
	return nil
}

func (b *importBench) parse() error {
	mapping, err := orderfile.ParseMapping(benchMapping)
	if err != nil {
		return err
	}
	file, err := os.Open(b.file)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := orderfile.NewReader(file, mapping, clock.Wall())
	for err == nil {
		_, _, err = rows.Next()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
