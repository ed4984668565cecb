package db

import "regexp"

// The end of a table in a migration: `);` alone on a line, with the mark `-- clustered` where the rows should lie in
// the order of their primary key (SQLite then keeps one tree in place of two).
var tableEnd = regexp.MustCompile(`(?m)^\);( -- clustered)?$`)

// strict makes every table of a migration STRICT on SQLite, so that a column holds what its type says.
func strict(text string) string {
	return tableEnd.ReplaceAllStringFunc(text, func(end string) string {
		if len(end) > len(");") {
			return ") STRICT, WITHOUT ROWID;"
		}
		return ") STRICT;"
	})
}
