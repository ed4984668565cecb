package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tributary/internal/clock"
	"tributary/internal/fault"
)

// Tx is a transaction. It belongs to one goroutine.
type Tx struct {
	db      *DB
	session *session
	ctx     context.Context
	now     time.Time
	turns   map[int64]int64
	hooks   []func()
	sealer  Sealer
}

// session is one connection with its prepared statements (SQLite; pgx keeps PostgreSQL's itself).
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func (s *session) close() {
	for _, prepared := range s.prepared {
		prepared.Close()
	}
	s.conn.Close()
}

var takeLane = Statement(`UPDATE lane SET turn = turn + 1, now = CASE WHEN now > $2 THEN now ELSE $2 END WHERE id = $1 RETURNING turn, now`)

func (tx *Tx) enter(now time.Time, lanes []int64) error {
	tx.now, tx.turns = now, make(map[int64]int64, len(lanes))
	for _, lane := range lanes {
		var turn, micro int64
		found, err := tx.One(takeLane, []any{&turn, &micro}, lane, clock.Micro(now))
		if err != nil {
			return fault.Wrap(err, fmt.Sprintf("taking lane %d", lane))
		}
		if !found {
			return fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
		}
		tx.turns[lane] = turn
		if at := clock.FromMicro(micro); at.After(tx.now) {
			tx.now = at
		}
	}
	return nil
}

// Now is the business time of the transaction: taken once, never before what its lanes have seen. Only in Lane.
func (tx *Tx) Now() time.Time {
	if tx.turns == nil {
		panic("db: Now of a transaction without a lane")
	}
	return tx.now
}

// Turn numbers the transaction in its lane: gap-free, in order of commit.
func (tx *Tx) Turn(lane int64) int64 {
	turn, ok := tx.turns[lane]
	if !ok {
		panic("db: Turn of a lane that was not taken")
	}
	return turn
}

// AfterCommit runs fn once the transaction is committed; never when it is not.
func (tx *Tx) AfterCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

// Engine tells which database is behind.
func (tx *Tx) Engine() Engine { return tx.db.engine }

// Exec runs a statement and gives the number of rows that it changed.
func (tx *Tx) Exec(s *Stmt, args ...any) (int64, error) {
	text := s.texts[tx.db.engine]
	if s.sealed {
		args = append(args[:len(args):len(args)], tx.sealer.Seal(args))
	}
	prepared, err := tx.prepare(text)
	if err != nil {
		return 0, err
	}
	var result sql.Result
	if prepared != nil {
		result, err = prepared.ExecContext(tx.ctx, args...)
	} else {
		result, err = tx.session.conn.ExecContext(tx.ctx, text, args...)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", head(text), err)
	}
	return result.RowsAffected()
}

// Each runs a query and calls row for every row, with the function that scans it.
func (tx *Tx) Each(s *Stmt, row func(scan func(...any) error) error, args ...any) (err error) {
	text := s.texts[tx.db.engine]
	prepared, err := tx.prepare(text)
	if err != nil {
		return err
	}
	var found *sql.Rows
	if prepared != nil {
		found, err = prepared.QueryContext(tx.ctx, args...)
	} else {
		found, err = tx.session.conn.QueryContext(tx.ctx, text, args...)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", head(text), err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		if err := row(found.Scan); err != nil {
			return err
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("%s: %w", head(text), err)
	}
	return nil
}

// One runs a query for at most one row and scans it into dest.
func (tx *Tx) One(s *Stmt, dest []any, args ...any) (found bool, err error) {
	err = tx.Each(s, func(scan func(...any) error) error {
		if found {
			return fmt.Errorf("%s: more than one row", head(s.texts[tx.db.engine]))
		}
		found = true
		return scan(dest...)
	}, args...)
	return found, err
}

// Bulk writes rows in multi-row statements and gives the number of rows changed. Every row has the declared width.
func (tx *Tx) Bulk(b *BulkStmt, rows [][]any) (changed int64, err error) {
	args := make([]any, 0, bulkSizes[0]*(b.width+1))
	for i, size := range bulkSizes {
		for len(rows) >= size {
			args = args[:0]
			for _, row := range rows[:size] {
				if len(row) != b.width {
					panic(fmt.Sprintf("db.Bulk: a row of %d values for %d columns", len(row), b.width))
				}
				if args = append(args, row...); b.sealed {
					args = append(args, tx.sealer.Seal(row))
				}
			}
			n, err := tx.Exec(b.sizes[i], args...)
			if err != nil {
				return changed, err
			}
			changed += n
			rows = rows[size:]
		}
	}
	return changed, nil
}

// In runs a query for lists of keys, padded to fixed sizes by repeating the last one, and calls row for every row
// found, once, also where a key is named twice. fixed are the values of $1…$n. No keys, no query. Rows come in no order
// across lists.
func (tx *Tx) In(s *InStmt, keys []any, row func(scan func(...any) error) error, fixed ...any) error {
	if len(fixed) != s.fixed {
		panic(fmt.Sprintf("db.In: %d fixed values for %d places", len(fixed), s.fixed))
	}
	keys = distinct(keys)
	for len(keys) > 0 {
		size := 0
		for i := range inSizes { // the smallest list that holds the rest, else the largest
			if len(keys) <= inSizes[i] {
				size = i
			}
		}
		take := min(inSizes[size], len(keys))
		args := make([]any, 0, len(fixed)+inSizes[size])
		args = append(append(args, fixed...), keys[:take]...)
		for len(args) < len(fixed)+inSizes[size] {
			args = append(args, keys[take-1])
		}
		if err := tx.Each(s.sizes[size], row, args...); err != nil {
			return err
		}
		keys = keys[take:]
	}
	return nil
}

// distinct leaves each key once: a key in two lists would give its rows twice. The caller's list stays as it is.
func distinct(keys []any) []any {
	if len(keys) <= inSizes[0] {
		return keys // one list, and an engine finds a row of it once
	}
	seen := make(map[any]struct{}, len(keys))
	once := make([]any, 0, len(keys))
	for _, key := range keys {
		name := key
		if raw, ok := key.([]byte); ok {
			name = string(raw)
		}
		if _, again := seen[name]; !again {
			seen[name] = struct{}{}
			once = append(once, key)
		}
	}
	return once
}

func (tx *Tx) prepare(text string) (*sql.Stmt, error) {
	if tx.session.prepared == nil {
		return nil, nil
	}
	if prepared, ok := tx.session.prepared[text]; ok {
		return prepared, nil
	}
	prepared, err := tx.session.conn.PrepareContext(tx.ctx, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", head(text), err)
	}
	tx.session.prepared[text] = prepared
	return prepared, nil
}

// headLength is how much of a statement an error shows: enough to find it, never its values.
const headLength = 90

func head(text string) string {
	if len(text) > headLength {
		return text[:headLength] + "…"
	}
	return text
}
