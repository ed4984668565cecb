package bench

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/secret"
)

const testFile = "test.db"

// testOptions are those of a bench on the engine that TEST_DB names.
func testOptions(t *testing.T) Options {
	open := func(ctx context.Context, data, database string, options db.Options) (Installation, error) {
		ring, err := secret.Load(filepath.Join(data, "keys"))
		if err != nil {
			return Installation{}, err
		}
		address := database
		if address == "" {
			address = filepath.Join(data, testFile)
		}
		options.Unsynced = true
		d, err := db.Open(ctx, address, options)
		if err != nil {
			return Installation{}, err
		}
		if err := d.Migrate(ctx); err != nil {
			return Installation{}, errors.Join(err, d.Close())
		}
		return Installation{Data: data, Database: database, DB: d, Ring: ring, Clock: clock.NewSandbox(0)}, nil
	}
	return Options{Program: Program{Open: open}, Database: os.Getenv("TEST_DB"), folder: t.TempDir()}
}

// What is inserted barely is what the orders left, row by row, and an audit of it finds nothing.
func TestBareInsertIsWhatOrdersLeave(t *testing.T) {
	b := &bareBench{Options: testOptions(t), creators: 5, orders: 300}
	if _, err := b.engine(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := b.testWorld(t, b.creators)
	orders := b.orders + fewestRequests*ordersPerRequest
	if err := w.insertBare(t.Context(), b.left, orders); err != nil {
		t.Fatal(err)
	}
	var again *left
	if err := w.DB.Read(t.Context(), func(tx *db.Tx) (err error) { again, err = readLeft(tx); return err }); err != nil {
		t.Fatal(err)
	}
	for i, table := range leftTables {
		for j, row := range b.left.tables[i] {
			if got := fmt.Sprint(again.tables[i][j]); got != fmt.Sprint(row) {
				t.Fatalf("%s: inserted %s, want %v", table.name, got, row)
			}
		}
	}
	seen, err := w.audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if seen.Lines != orders*linesPerOrder {
		t.Errorf("%d lines, want %d", seen.Lines, orders*linesPerOrder)
	}
}

func (o Options) testWorld(t *testing.T, creators int) *World {
	t.Helper()
	w, err := o.openWorld(t.Context(), creators, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// Every table in which orders leave rows is among those that are inserted barely, with every column that the engine knows.
func TestLeftTablesAreAll(t *testing.T) {
	o := testOptions(t)
	w := o.testWorld(t, 3)
	catalog := openCatalog(t, w.Installation)
	before := catalog.counts(t)
	taker := w.taker(0)
	defer taker.close()
	if _, err := taker.placedAndShipped(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	known := map[string]leftTable{}
	for _, table := range leftTables {
		known[table.name] = table
	}
	for name, count := range catalog.counts(t) {
		table, listed := known[name]
		if count != before[name] && !listed {
			t.Errorf("orders leave rows in %s, which leftTables does not list", name)
		}
		if want := strings.Join(catalog.columns(t, name), ", "); listed && table.columns != want {
			t.Errorf("leftTables lists of %s: %s\nthe engine knows: %s", name, table.columns, want)
		}
	}
}

// catalog is a database as its engine describes it.
type catalog struct {
	*sql.DB
	tables []string
}

func openCatalog(t *testing.T, i Installation) *catalog {
	t.Helper()
	driver, address := "sqlite", filepath.Join(i.Data, testFile)
	list := "SELECT name FROM sqlite_schema WHERE type = 'table'"
	if i.Database != "" {
		driver, address = "pgx", i.Database
		list = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	c := &catalog{}
	var err error
	if c.DB, err = sql.Open(driver, address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	found, err := c.Query(list)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			t.Fatal(err)
		}
		c.tables = append(c.tables, name)
	}
	return c
}

func (c *catalog) counts(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, name := range c.tables {
		var count int
		if err := c.QueryRow("SELECT COUNT(*) FROM " + name).Scan(&count); err != nil {
			t.Fatal(err)
		}
		counts[name] = count
	}
	return counts
}

func (c *catalog) columns(t *testing.T, table string) []string {
	t.Helper()
	found, err := c.Query("SELECT * FROM " + table + " LIMIT 0")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

func TestReport(t *testing.T) {
	r := newReport("orders", Options{Full: true, Database: "postgres://secret"})
	rates, err := r.inTurn(t.Context(), "lines/s", testSide("ours", 1000, 20, 30, 10, 50, 40),
		testSide("theirs", 1, 10, 10, 10, 10, 10))
	if err != nil {
		t.Fatal(err)
	}
	r.ratio("vs_theirs", rates["ours"], rates["theirs"])
	var out bytes.Buffer
	r.Print(&out)
	for _, want := range []string{"ratio    vs_theirs ", " 3.00   (1.00 to 5.00)", "30 lines/s",
		"tributary bench orders --full --database …", "1/1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("the report names the database:\n%s", &out)
	}
}

// testSide gives a side with those rates; the first is that of the round that does not count.
func testSide(name string, rates ...float64) side {
	next := 0
	return side{name, func(context.Context) (float64, error) { next++; return rates[next-1], nil }}
}

func TestMedianAndPercentile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{4, 1, 3}, 3}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
	}
	var times []time.Duration
	for n := range 100 {
		times = append(times, time.Duration(100-n))
	}
	for share, want := range map[float64]time.Duration{0.5: 51, 0.99: 100, 1: 100, 0: 1} {
		if got := percentile(times, share); got != want {
			t.Errorf("the share %v is below %d, want %d", share, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("of no times: %s", got)
	}
}

// What is tried over past lines is said of every one of them, and looked at as far as it goes.
func TestWhatIf(t *testing.T) {
	w := testOptions(t).testWorld(t, 3)
	taker := w.taker(0)
	defer taker.close()
	if _, err := taker.direct(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	alive := uint64(0)
	lines, err := w.whatIf(t.Context(), w.Clock.Now().Add(time.Hour), func() { alive = heapAlive() })
	if err != nil {
		t.Fatal(err)
	}
	if lines != 2*ordersPerRequest*linesPerOrder || alive == 0 {
		t.Errorf("%d lines, %d bytes alive", lines, alive)
	}
}
