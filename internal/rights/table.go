package rights

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// pageRows is how many rows are read at once: what an export holds in memory.
const pageRows = 500

// table is a flat kind of data: rows of one query, read behind the key of the last one, written as CSV. It reads other rooms'
// columns, since what is kept is what is exported, whether or not a page shows it.
type table struct {
	columns  []column
	keys     []column // which order the rows, behind the columns; the first of them of whoever the rows belong to
	page     *db.Stmt
	counting *db.Stmt
	ofPeople bool // rows belong to the people of an account, one after the other
}

// column is a value and how it is written.
type column struct{ name, kind string }

// rows declares a table. from is what stands behind FROM, with a WHERE in which $1 is whoever the rows belong to. columns are
// `expression[:kind]`, or `expression:kind:name` where the name is another one; keys are columns that order the rows and tell
// each from the others. Kinds: s text (the default), n number, t time, d day, m marketplace, p program, and prefixes of ids.
func rows(from string, columns, keys []string) *table {
	t := &table{columns: columnsOf(columns), keys: columnsOf(keys)}
	var names, places []string
	for i, k := range keys {
		name, _, _ := strings.Cut(k, ":")
		names, places = append(names, name), append(places, "$"+strconv.Itoa(i+2))
	}
	var selected []string
	for _, c := range append(append([]string{}, columns...), keys...) {
		expression, _, _ := strings.Cut(c, ":")
		selected = append(selected, expression)
	}
	order := strings.Join(names, ", ")
	t.page = db.Statement(fmt.Sprintf(`SELECT %s FROM %s AND (%s) > (%s) ORDER BY %s LIMIT $%d`, strings.Join(selected, ", "), from, order,
		strings.Join(places, ", "), order, len(keys)+2))
	t.counting = db.Statement(`SELECT COUNT(*) FROM ` + from)
	return t
}

// people makes the table one of the people of an account.
func (t *table) people() *table {
	t.ofPeople = true
	return t
}

func columnsOf(specs []string) []column {
	all := make([]column, len(specs))
	for i, spec := range specs {
		parts := append(strings.SplitN(spec, ":", 3), "", "")
		c := column{name: parts[0], kind: parts[1]}
		if _, bare, qualified := strings.Cut(c.name, "."); qualified {
			c.name = bare
		}
		if parts[2] != "" {
			c.name = parts[2]
		}
		all[i] = c
	}
	return all
}

func (t *table) owners(who subject) []id.ID {
	if t.ofPeople {
		return who.people
	}
	return []id.ID{who.creator}
}

func (t *table) count(tx *db.Tx, who subject) (total int64, err error) {
	for _, owner := range t.owners(who) {
		var count int64
		if _, err := tx.One(t.counting, []any{&count}, int64(owner)); err != nil {
			return 0, fault.Wrap(err, "counting what is kept")
		}
		total += count
	}
	return total, nil
}

// write writes the table, each page from a look of its own: however long somebody takes to receive it, nothing waits for them.
func (t *table) write(x *export, w io.Writer) (count int64, err error) {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := make([]string, 0, len(t.columns)+1)
	if t.ofPeople {
		head = append(head, "person")
	}
	for _, c := range t.columns {
		head = append(head, c.name)
	}
	if err := out.Write(head); err != nil {
		return 0, err
	}
	for _, owner := range t.owners(x.who) {
		for key := t.first(); key != nil; {
			var page [][]string
			if page, key, err = t.read(x, owner, key); err != nil {
				return count, err
			}
			count += int64(len(page))
			if err := out.WriteAll(page); err != nil { // it flushes
				return count, err
			}
		}
	}
	out.Flush()
	return count, out.Error()
}

// first is a key before every row's.
func (t *table) first() []any {
	key := make([]any, len(t.keys))
	for i, k := range t.keys {
		if k.kind == "" || k.kind == "s" {
			key[i] = ""
		} else {
			key[i] = int64(-1 << 63)
		}
	}
	return key
}

// read reads a page behind a key, and gives the key of its last row; nil where there are no more.
func (t *table) read(x *export, owner id.ID, after []any) (page [][]string, last []any, err error) {
	args := append(append([]any{int64(owner)}, after...), int64(pageRows))
	err = x.read(func(tx *db.Tx) error {
		page = page[:0]
		return tx.Each(t.page, func(scan func(...any) error) error {
			dest := make([]any, 0, len(t.columns)+len(t.keys))
			for _, c := range append(append([]column{}, t.columns...), t.keys...) {
				if c.kind == "" || c.kind == "s" {
					dest = append(dest, new(string))
				} else {
					dest = append(dest, new(int64))
				}
			}
			if err := scan(dest...); err != nil {
				return err
			}
			cells := make([]string, 0, len(t.columns)+1)
			if t.ofPeople {
				cells = append(cells, personName(owner))
			}
			for i, c := range t.columns {
				cells = append(cells, x.cell(c.kind, dest[i]))
			}
			page, last = append(page, cells), last[:0]
			for _, value := range dest[len(t.columns):] {
				last = append(last, plain(value))
			}
			return nil
		}, args...)
	})
	if len(page) < pageRows {
		last = nil
	}
	return page, last, fault.Wrap(err, "reading what is kept")
}

func plain(value any) any {
	if text, ok := value.(*string); ok {
		return *text
	}
	return *value.(*int64)
}

// cell writes a value. Text that a spreadsheet would take for a formula gets an apostrophe in front.
func (x *export) cell(kind string, value any) string {
	if text, ok := value.(*string); ok {
		return harmless(*text)
	}
	n := *value.(*int64)
	switch kind {
	case "n":
		return strconv.FormatInt(n, 10)
	case "t":
		return instant(n)
	case "d":
		return time.Unix(n*secondsPerDay, 0).UTC().Format(time.DateOnly)
	case "m":
		return x.marketName(n)
	case "p":
		return enrolment.Program(n).String()
	case "k":
		return click.LinkKind(n).String()
	}
	if n == 0 {
		return ""
	}
	return id.ID(n).Text(kind)
}

const secondsPerDay = 24 * 60 * 60

func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return cell
	}
	return "'" + cell
}
