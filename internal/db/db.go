// Package db is the one door to the database: SQLite in the process (the default) or PostgreSQL, behind one SQL text
// (docs/decisions/one-sql-text.md). It decides how transactions run, which wait for which, and what a statement may
// hold; it knows nothing of what is stored.
//
// What must always hold:
//   - A transaction that touches lines, ledger, campaigns or the outbox begins with its lanes (Lane). The lane's row is
//     the only lock: one group per marketplace at a time over all nodes, and its time never runs back.
//   - Every statement is declared once, at package level, with Statement, Bulk or In; a test prepares them all on both
//     engines.
//   - A write body may run twice (PostgreSQL serialisation or deadlock), so it touches nothing but its transaction.
package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"

	"tributary/internal/fault"
)

// Engine is the database behind.
type Engine uint8

const (
	SQLite Engine = iota
	PostgreSQL
)

func (e Engine) String() string { return [...]string{"sqlite", "postgresql"}[e] }

// Class orders who writes next where there is one writer: lower goes first.
type Class uint8

const (
	Money Class = iota
	Interactive
	Ship
	Background
)

const classes = 4

// readers is how many connections read beside the writer: reads are short, so a few times the cores is enough.
const readers = 8

// pgConnections bounds the pool of one process on PostgreSQL.
const pgConnections = 24

// attempts is how often a transaction without a lane is tried when PostgreSQL asks for it (40001, 40P01).
const attempts = 6

// DB is an open database. It is safe for any number of goroutines.
type DB struct {
	engine Engine
	url    string
	pool   *sql.DB       // PostgreSQL, and the owner of SQLite's connections
	writer *session      // SQLite: the one writer
	idle   chan *session // SQLite: readers
	gate   *gate
	late   time.Duration // Options.SyncDelay
}

// Options are for tests and benchmarks; the zero value is right for production.
type Options struct {
	// Unsynced gives up durability on SQLite (synchronous=OFF): only for tests that prove something else.
	Unsynced bool
	// SyncDelay makes every commit of a write take that much longer: only for benchmarks (slow.go).
	SyncDelay time.Duration
}

// Open opens a database: `postgres://…`, or the path of a SQLite file, which is made where there is none.
func Open(ctx context.Context, address string, options Options) (d *DB, err error) {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		d, err = openPostgres(ctx, address)
	} else {
		d, err = openSQLite(ctx, strings.TrimPrefix(address, "sqlite:"), options)
	}
	if err == nil {
		d.late = options.SyncDelay
	}
	return d, err
}

func openPostgres(ctx context.Context, address string) (*DB, error) {
	pool, err := sql.Open("pgx", planned(address))
	if err != nil {
		return nil, fault.New(fault.Invalid, "database", "the address cannot be read", "write postgres://user:password@host:5432/name").Because(err)
	}
	pool.SetMaxOpenConns(pgConnections)
	pool.SetMaxIdleConns(pgConnections)
	d := &DB{engine: PostgreSQL, url: address, pool: pool, gate: newGate(pgConnections / 2)}
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fault.New(fault.Unavailable, "database", "PostgreSQL cannot be reached", "check the address, the user and whether it runs").Because(err)
	}
	return d, nil
}

// planned asks for a plan with every execution. A plan that was kept from when a table was empty reads all of it later:
// a fresh installation took three times as long until the statistics came. Planning our short statements costs little.
func planned(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Query().Has("plan_cache_mode") {
		return address
	}
	query := u.Query()
	query.Set("plan_cache_mode", "force_custom_plan")
	u.RawQuery = query.Encode()
	return u.String()
}

func openSQLite(ctx context.Context, path string, options Options) (*DB, error) {
	pragmas := []string{
		"busy_timeout(10000)", "journal_mode(WAL)", "cache_size(-32768)", "temp_store(MEMORY)", "foreign_keys(OFF)",
		// The log is folded back in larger strides than the default: each stride syncs twice.
		"wal_autocheckpoint(8000)", "journal_size_limit(268435456)",
		// What is deleted or changed is written over with zeros: an erased person must not be readable in the file's free space.
		"secure_delete(ON)",
	}
	if options.Unsynced {
		pragmas = append(pragmas, "synchronous(OFF)")
	} else {
		pragmas = append(pragmas, "synchronous(FULL)")
	}
	query := url.Values{"_pragma": pragmas}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	d := &DB{engine: SQLite, url: path, pool: pool, gate: newGate(1), idle: make(chan *session, readers)}
	for i := range readers + 1 {
		conn, err := pool.Conn(ctx)
		if err != nil {
			pool.Close()
			return nil, fault.New(fault.Unavailable, "database", "the SQLite file cannot be opened", "check that its folder exists and may be written").Because(err)
		}
		s := &session{conn: conn, prepared: map[string]*sql.Stmt{}}
		if i == 0 {
			d.writer = s
		} else {
			d.idle <- s
		}
	}
	return d, nil
}

// Engine tells which database is behind.
func (d *DB) Engine() Engine { return d.engine }

// Close ends all connections. Transactions under way on SQLite are waited for.
func (d *DB) Close() error {
	if d.engine == SQLite {
		if err := d.gate.enter(context.Background(), Money); err == nil {
			d.writer.close()
			for range readers {
				(<-d.idle).close()
			}
		}
	}
	return d.pool.Close()
}

// Write runs fn in a transaction that has no lane: it relies on unique keys and conditional updates.
func (d *DB) Write(ctx context.Context, class Class, fn func(*Tx) error) error {
	return d.write(ctx, class, nil, fn)
}

// Lane runs fn in a transaction that holds those lanes (marketplace numbers, each once, in rising order). The
// transaction's Now is the later of now and every lane's own.
func (d *DB) Lane(ctx context.Context, class Class, now time.Time, lanes []int64, fn func(*Tx) error) error {
	for i := 1; i < len(lanes); i++ {
		if lanes[i] <= lanes[i-1] {
			panic("db.Lane: lanes are not in rising order")
		}
	}
	return d.write(ctx, class, func(tx *Tx) error { return tx.enter(now, lanes) }, fn)
}

func (d *DB) write(ctx context.Context, class Class, begin, fn func(*Tx) error) error {
	if err := d.gate.enter(ctx, class); err != nil {
		return err
	}
	defer d.gate.leave()
	for attempt := 1; ; attempt++ {
		hooks, err := d.once(ctx, "BEGIN IMMEDIATE", "BEGIN", func(tx *Tx) error {
			if begin != nil {
				if err := begin(tx); err != nil {
					return err
				}
			}
			if err := fn(tx); err != nil {
				return err
			}
			d.beLate()
			return nil
		})
		if err == nil {
			for _, hook := range hooks {
				hook()
			}
			return nil
		}
		if attempt == attempts || !retryable(err) || ctx.Err() != nil {
			return err
		}
	}
}

// Read runs fn on one unchanging view of the database; fn cannot write.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	_, err := d.once(ctx, "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", fn)
	return err
}

func (d *DB) once(ctx context.Context, sqliteBegin, postgresBegin string, fn func(*Tx) error) (hooks []func(), err error) {
	tx, release, err := d.begin(ctx, sqliteBegin, postgresBegin)
	if err != nil {
		return nil, err
	}
	defer release()
	s := tx.session
	done := false
	defer func() {
		if !done {
			s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	if err := fn(tx); err != nil {
		return nil, err
	}
	if _, err := s.conn.ExecContext(tx.ctx, "COMMIT"); err != nil {
		return nil, fault.Wrap(err, "commit")
	}
	done = true
	return tx.hooks, nil
}

// begin opens a transaction. Connections that broke while they were idle (the server was away) are passed over: each is
// found broken once, and must not cost a request.
func (d *DB) begin(ctx context.Context, sqliteBegin, postgresBegin string) (tx *Tx, release func(), err error) {
	for range pgConnections {
		s, begin, done, err := d.session(ctx, sqliteBegin, postgresBegin)
		if err != nil {
			return nil, nil, err
		}
		tx := &Tx{db: d, session: s, ctx: ctx}
		if d.engine == SQLite && sqliteBegin != "BEGIN" {
			// Cancelling half-way would cost a watcher per statement and gain nothing: a write is short.
			tx.ctx = context.WithoutCancel(ctx)
		}
		if _, err = s.conn.ExecContext(tx.ctx, begin); err == nil {
			return tx, done, nil
		}
		// A request that left during BEGIN may have begun all the same: whoever comes next must not stand in its transaction.
		s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		done()
		if !errors.Is(err, driver.ErrBadConn) {
			return nil, nil, fault.Wrap(err, "begin")
		}
	}
	return nil, nil, fault.New(fault.Unavailable, "", "the database cannot be reached", "try again in a moment").Because(driver.ErrBadConn)
}

func (d *DB) session(ctx context.Context, sqliteBegin, postgresBegin string) (s *session, begin string, release func(), err error) {
	if d.engine == PostgreSQL {
		conn, err := d.pool.Conn(ctx)
		if err != nil {
			return nil, "", nil, fault.New(fault.Unavailable, "", "the database cannot be reached", "try again in a moment").Because(err)
		}
		return &session{conn: conn}, postgresBegin, func() { conn.Close() }, nil
	}
	if sqliteBegin != "BEGIN" {
		return d.writer, sqliteBegin, func() {}, nil
	}
	select {
	case s = <-d.idle:
		return s, sqliteBegin, func() { d.idle <- s }, nil
	case <-ctx.Done():
		return nil, "", nil, ctx.Err()
	}
}

// retryable tells whether PostgreSQL asks for the transaction to be run again.
func retryable(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && (state.SQLState() == "40001" || state.SQLState() == "40P01")
}

// Setting is one property of engine or disk, read back from it.
type Setting struct{ Name, Value, Want string }

// Settings reads back what durability rests on. Want is empty where any value is right.
func (d *DB) Settings(ctx context.Context) ([]Setting, error) {
	names := []Setting{{Name: "journal_mode", Want: "wal"}, {Name: "synchronous", Want: "2"}, {Name: "page_size"}, {Name: "wal_autocheckpoint"}}
	ask := "PRAGMA %s"
	if d.engine == PostgreSQL {
		names = []Setting{{Name: "server_version"}, {Name: "fsync", Want: "on"}, {Name: "synchronous_commit", Want: "on"},
			{Name: "full_page_writes", Want: "on"}, {Name: "server_encoding", Want: "UTF8"}, {Name: "max_connections"}}
		ask = "SHOW %s"
	}
	conn := d.pool.QueryRowContext
	if d.engine == SQLite {
		if err := d.gate.enter(ctx, Interactive); err != nil {
			return nil, err
		}
		defer d.gate.leave()
		conn = d.writer.conn.QueryRowContext
	}
	for i := range names {
		if err := conn(ctx, fmt.Sprintf(ask, names[i].Name)).Scan(&names[i].Value); err != nil {
			return nil, fault.Wrap(err, "reading setting "+names[i].Name)
		}
	}
	return names, nil
}
