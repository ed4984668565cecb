package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tributary/internal/fault"
)

// ErrDamaged says that a database file is not as its engine wrote it. The text of the error that Check returns tells what
// was found.
var ErrDamaged = errors.New("the database file is damaged")

// checkFile stops after so many findings: one damaged page brings a finding for each of its rows. It is no declared
// statement, because PostgreSQL has none like it.
const checkFile = "PRAGMA integrity_check(20)"

// Check has SQLite look at its whole file: pages that are lost or used twice, rows out of order, indexes that do not
// agree with their tables, values of another type than their column's. What no such rule can notice, a value that has
// become another one, is for the audit. PostgreSQL has checksums of its own (`data_checksums`): nothing is asked there.
func (d *DB) Check(ctx context.Context) error {
	if d.engine != SQLite {
		return nil
	}
	var found []string
	err := d.Read(ctx, func(tx *Tx) (err error) {
		rows, err := tx.session.conn.QueryContext(ctx, checkFile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			if text != "ok" {
				found = append(found, text)
			}
		}
		return rows.Err()
	})
	switch {
	case err == nil && len(found) > 0:
		err = fmt.Errorf("%w: %s", ErrDamaged, strings.Join(found, "; "))
	case unreadable(err):
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fault.Wrap(err, "checking the database file")
}

// SQLite's codes of a file that it cannot make sense of.
const (
	codeCorrupt = 11
	codeNotADB  = 26
	codeMain    = 0xff // what is above says more of it
)

func unreadable(err error) bool {
	var said interface{ Code() int }
	return errors.As(err, &said) && (said.Code()&codeMain == codeCorrupt || said.Code()&codeMain == codeNotADB)
}
