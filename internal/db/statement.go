package db

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Stmt is a declared statement, in PostgreSQL's dialect as docs/decisions/one-sql-text.md restricts it, and in
// SQLite's, made from it by replacing words.
type Stmt struct {
	texts  [2]string
	sealed bool // the seal of its values is the last one
}

// BulkStmt writes many rows by a multi-row VALUES, whose place in the text is $ROWS.
type BulkStmt struct {
	width  int
	sealed bool // behind the columns of the width stands the row's seal
	sizes  [len(bulkSizes)]*Stmt
}

// InStmt reads by a list of keys, whose place in the text is $LIST. The list's placeholders follow the fixed ones.
type InStmt struct {
	fixed int
	sizes [len(inSizes)]*Stmt
}

// Fixed sizes keep the number of different texts, and so of prepared statements, small.
var (
	bulkSizes = [...]int{64, 8, 1}
	inSizes   = [...]int{256, 32, 4, 1}
)

var declared []*Stmt

// Declared lists every statement of the program, for the test that prepares them all.
func Declared() []*Stmt { return declared }

// Text gives the statement as an engine runs it.
func (s *Stmt) Text(engine Engine) string { return s.texts[engine] }

// Statement declares one statement. $SEAL behind its values is the seal of all of them: they are those of a whole row, but
// for what counts how often it changed, in the order of its columns (seal.go).
func Statement(text string) *Stmt {
	seals := strings.Contains(text, sealPlace)
	if seals {
		text = strings.Replace(text, sealPlace, "$"+strconv.Itoa(places(text)+1), 1)
	}
	checkText(text)
	s := &Stmt{texts: [2]string{SQLite: Translate(text), PostgreSQL: text}, sealed: seals}
	declared = append(declared, s)
	return s
}

// Bulk declares a multi-row statement: the columns' types in order ("BIGINT TEXT BYTEA"), and a text with $ROWS where
// the rows go, as in `INSERT INTO t (a, b, c) VALUES $ROWS` or `WITH v (a, b) AS (VALUES $ROWS) UPDATE …`. Where the last
// type is SEAL, that column is the seal of the others, and rows come without it.
func Bulk(types, text string) *BulkStmt {
	columns := strings.Fields(types)
	if strings.Count(text, "$ROWS") != 1 {
		panic("db.Bulk: exactly one $ROWS in " + text)
	}
	b := &BulkStmt{width: len(columns)}
	if last := len(columns) - 1; columns[last] == sealed {
		columns[last], b.width, b.sealed = "BIGINT", last, true
	}
	for i, size := range bulkSizes {
		b.sizes[i] = Statement(strings.Replace(text, "$ROWS", rows(columns, size), 1))
	}
	return b
}

func rows(columns []string, count int) string {
	var out strings.Builder
	for row := range count {
		for column, kind := range columns {
			switch {
			case row == 0 && column == 0:
				out.WriteString("(")
			case column == 0:
				out.WriteString("), (")
			default:
				out.WriteString(", ")
			}
			place := "$" + strconv.Itoa(row*len(columns)+column+1)
			if row == 0 { // PostgreSQL takes the types of all rows from the first
				place = "CAST(" + place + " AS " + kind + ")"
			}
			out.WriteString(place)
		}
	}
	out.WriteString(")")
	return out.String()
}

// In declares a statement with fixed placeholders $1…$n and a list of keys in place of $LIST, as in
// `SELECT … WHERE market = $1 AND id IN ($LIST)`.
func In(text string) *InStmt {
	if strings.Count(text, "$LIST") != 1 {
		panic("db.In: exactly one $LIST in " + text)
	}
	fixed := places(text)
	s := &InStmt{fixed: fixed}
	for i, size := range inSizes {
		places := make([]string, size)
		for j := range places {
			places[j] = "$" + strconv.Itoa(fixed+j+1)
		}
		s.sizes[i] = Statement(strings.Replace(text, "$LIST", strings.Join(places, ", "), 1))
	}
	return s
}

// places is the highest number among the placeholders of a text.
func places(text string) (highest int) {
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(found[1])
		highest = max(highest, n)
	}
	return highest
}

var (
	placeholder = regexp.MustCompile(`\$([0-9]+)`)
	words       = regexp.MustCompile(`\bBIGINT\b|\bBYTEA\b|COLLATE "C"`)
	// What the two engines do differently, or one does not have: refused where a statement is declared.
	forbidden      = regexp.MustCompile(`(?i)\bFOR UPDATE\b|\bFOR SHARE\b|\bSAVEPOINT\b|\bunnest\b|\bCOPY\b|->|\bBOOLEAN\b|\bNUMERIC\b|\bREAL\b|\bDOUBLE\b|\bILIKE\b|\bTIMESTAMP|\bROUND\s*\(|\?|[^/*]/[^/*]`)
	literal        = regexp.MustCompile(`'[^']*'`)
	sumWithoutCast = regexp.MustCompile(`(?i)\bSUM\s*\(`)
	castSum        = regexp.MustCompile(`(?i)\bCAST\s*\(\s*(COALESCE\s*\(\s*)?SUM\s*\(`)
)

// Translate turns PostgreSQL's words into SQLite's: numbered placeholders, column types, collation.
func Translate(text string) string {
	// A numbered placeholder is a name to SQLite, and the driver searches every name for every value: a multi-row
	// statement costs the square of its values. Where the numbers run in order, nameless ones mean the same.
	numbered := "?$1"
	if inOrder(text) {
		numbered = "?"
	}
	text = placeholder.ReplaceAllString(text, numbered)
	return words.ReplaceAllStringFunc(text, func(word string) string {
		switch word {
		case "BIGINT":
			return "INTEGER"
		case "BYTEA":
			return "BLOB"
		}
		return "COLLATE BINARY"
	})
}

// inOrder tells whether the placeholders are $1, $2, $3 … each once.
func inOrder(text string) bool {
	for i, found := range placeholder.FindAllStringSubmatch(text, -1) {
		if found[1] != strconv.Itoa(i+1) {
			return false
		}
	}
	return true
}

func checkText(text string) {
	bare := literal.ReplaceAllString(text, "''") // what stands in quotes is a value, not SQL
	if found := forbidden.FindString(bare); found != "" {
		panic(fmt.Sprintf("db: %q is outside the common dialect, in: %s", found, text))
	}
	if len(sumWithoutCast.FindAllString(text, -1)) != len(castSum.FindAllString(text, -1)) {
		panic("db: a SUM needs CAST(SUM(x) AS BIGINT), PostgreSQL's is NUMERIC, in: " + text)
	}
}
