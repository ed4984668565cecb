package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
)

// pageDecisions is how many decisions are read at a time: enough that what each page costs beside its rows is nothing, few
// enough that the memory of an audit stays at some ten megabytes, however long it runs.
const pageDecisions = 3000

var (
	selectDecisions = db.Statement(`SELECT subject, version, turn, at, body, seal FROM decision WHERE lane = $1 AND subject > $2
		ORDER BY subject, version LIMIT $3`)
	selectTransfers = db.Statement(`SELECT subject, version, component, leg, turn, debit, credit, amount, at FROM transfer
		WHERE lane = $1 AND subject > $2 AND subject <= $3 ORDER BY subject, version, component, leg`)
	selectStray = db.Statement(`SELECT subject, version, component, leg, turn, debit, credit, amount, at FROM transfer
		WHERE lane = $1 AND subject > $2 ORDER BY subject, version, component, leg LIMIT 100`)
)

// stored is a decision as the audit reads it.
type stored struct {
	subject           string
	version, turn, at int64
	body              string
	seal              int64
}

func (s *stored) name() string { return fmt.Sprintf("%s v%d", s.subject, s.version) }

// values are those of the row, in the order of its columns.
func (s *stored) values(into []any, lane *int64) []any {
	return append(into[:0], lane, &s.subject, &s.version, &s.turn, &s.at, &s.body)
}

// transfer is a transfer as the audit reads it.
type transfer struct {
	subject, component, debit, credit string
	version, leg, turn, amount, at    int64
}

// byVersion puts a subject's transfers into the order in which they were posted: they are read by component.
func byVersion(posts []transfer) {
	slices.SortFunc(posts, func(a, b transfer) int { return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(a.leg, b.leg)) })
}

// readPage reads the next decisions, up to all versions of the last subject, which it gives, and what belongs to them.
func (a *auditor) readPage(after string) (last string, err error) {
	if err := a.readDecisions(after); err != nil {
		return "", err
	}
	a.transfers, a.lines, a.claims = a.transfers[:0], a.lines[:0], nil
	if len(a.page) == 0 {
		return "", a.readTransfers(selectStray, after)
	}
	last = a.page[len(a.page)-1].subject
	for _, read := range []func() error{func() error { return a.readTransfers(selectTransfers, after, last) }, a.readLines, a.readClaims} {
		if err := read(); err != nil {
			return "", err
		}
	}
	return last, nil
}

func (a *auditor) readDecisions(after string) error {
	for limit := int64(pageDecisions); ; limit *= 4 {
		a.page = a.page[:0]
		if err := a.tx.Each(selectDecisions, func(scan func(...any) error) error {
			a.page = append(a.page, stored{})
			s := &a.page[len(a.page)-1]
			return scan(&s.subject, &s.version, &s.turn, &s.at, &s.body, &s.seal)
		}, a.lane, after, limit); err != nil {
			return fault.Wrap(err, "reading decisions")
		}
		if int64(len(a.page)) < limit {
			return nil
		}
		// The last subject may have more versions than were read: it is left to the next page.
		whole := len(a.page) - 1
		for whole > 0 && a.page[whole-1].subject == a.page[len(a.page)-1].subject {
			whole--
		}
		if whole > 0 {
			a.page = a.page[:whole]
			return nil
		}
	}
}

func (a *auditor) readTransfers(statement *db.Stmt, span ...any) error {
	return fault.Wrap(a.tx.Each(statement, func(scan func(...any) error) error {
		a.transfers = append(a.transfers, transfer{})
		t := &a.transfers[len(a.transfers)-1]
		return scan(&t.subject, &t.version, &t.component, &t.leg, &t.turn, &t.debit, &t.credit, &t.amount, &t.at)
	}, append([]any{a.lane}, span...)...), "reading transfers")
}

const lineColumns = `SELECT order_id, line_id, at, sku, quantity, amount, digital, terms, open_units, version, whole_version, creator, program,
	tracking, reason, pending, earned, state, touched, seal FROM line WHERE market = $1 `

var (
	walkLines = db.Statement(lineColumns + `AND order_id >= $2 AND order_id <= $3 ORDER BY order_id, line_id LIMIT $4`)
	seekLines = db.In(lineColumns + `AND order_id IN ($LIST)`)
)

// line is a line's row as the audit reads it.
type line struct {
	subject, order, id                                  string
	at, quantity, amount, digital, open                 int64
	sku, terms, reason, state                           string
	version, whole, creator, program, tracking, touched int64
	pending, earned, seal                               int64
}

func (l *line) values(into []any, lane *int64) []any {
	return append(into[:0], lane, &l.order, &l.id, &l.at, &l.sku, &l.quantity, &l.amount, &l.digital, &l.terms, &l.open, &l.version, &l.whole,
		&l.creator, &l.program, &l.tracking, &l.reason, &l.pending, &l.earned, &l.state, &l.touched)
}

// walked is how many lines a walk passes at most for each decision of the page.
const walked = 2

// readLines reads the rows of the lines of the page, with others of the same orders. Orders mostly lie side by side, in the
// order of their decisions: a walk over them is a third of the work of looking each one up. Where ids are such that it
// meets many others it is given up.
func (a *auditor) readLines() error {
	var orders []string
	for i := range a.page {
		if order, _, ok := lineOf(a.page[i].subject); ok && (len(orders) == 0 || orders[len(orders)-1] != order) {
			orders = append(orders, order)
		}
	}
	if len(orders) == 0 {
		return nil
	}
	limit := walked*len(a.page) + 1
	if err := a.tx.Each(walkLines, a.scanLine, a.lane, slices.Min(orders), slices.Max(orders), int64(limit)); err != nil {
		return fault.Wrap(err, "reading lines")
	}
	if len(a.lines) == limit {
		a.lines = a.lines[:0]
		keys := make([]any, len(orders))
		for i, order := range orders {
			keys[i] = order
		}
		if err := a.tx.In(seekLines, keys, a.scanLine, a.lane); err != nil {
			return fault.Wrap(err, "reading lines")
		}
	}
	slices.SortFunc(a.lines, func(x, y line) int { return strings.Compare(x.subject, y.subject) })
	return nil
}

func (a *auditor) scanLine(scan func(...any) error) error {
	a.lines = append(a.lines, line{})
	l := &a.lines[len(a.lines)-1]
	a.row = append(l.values(a.row, &a.lane), &l.seal)
	err := scan(a.row[1:]...)
	l.subject = decision.Subject(l.order, l.id)
	return err
}

// lineOf reads the name that decision.Subject gives.
func lineOf(subject string) (order, id string, ok bool) {
	rest, ok := strings.CutPrefix(subject, "line/")
	if !ok {
		return "", "", false
	}
	order, id, ok = strings.Cut(rest, "/")
	return subjectPart.Replace(order), subjectPart.Replace(id), ok
}

var subjectPart = strings.NewReplacer("%2F", "/", "%25", "%")
