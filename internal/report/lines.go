package report

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/policy"
)

// Line is an order line as lists show it.
type Line struct {
	Order, ID string
	At        time.Time // ordered
	Touched   time.Time // last changed
	SKU       string
	Title     string // empty where the catalog does not know the sku
	Category  string
	Quantity  int64
	Amount    int64 // what was paid for all its units
	Creator   id.ID
	Program   uint8
	Tag       string
	Reason    string // why it earns nothing, or nothing any more
	Pending   int64
	Earned    int64
	BPS       int64 // the rate, where somebody won the line
	Direct    bool
	Withheld  bool // what it earns waits for the enrolment's approval
}

// Name is what people call the line's product.
func (l Line) Name() string {
	if l.Title != "" {
		return l.Title
	}
	return l.SKU
}

// State sorts a line into one of four by where its money is.
func (l Line) State() string {
	switch {
	case l.Pending == 0 && l.Earned == 0:
		return StateNothing
	case l.Pending == 0:
		return StateEarned
	case l.Earned == 0:
		return StateOrdered
	}
	return StatePart
}

// The states of a line.
const (
	StateOrdered = "ordered" // nothing shipped yet
	StatePart    = "part"    // some of it shipped
	StateEarned  = "earned"
	StateNothing = "nothing"
)

// Filter says which of a creator's lines are wanted. Zero values mean all.
type Filter struct {
	Text     string // of an order id, a sku, or a product's title
	State    string
	Reason   string
	Program  uint8
	From, To time.Time // ordered within [From, To)
	Sort     string
	After    Cursor
	Offset   int // pages of a sorted list; the newest first go by After
	Limit    int
}

// How a list may be sorted.
const (
	SortNewest = ""       // last changed first
	SortAmount = "amount" // most earned first, among the newest Window lines
	SortOrder  = "order"  // last ordered first, among the newest Window lines
)

// Window is how many of a creator's lines one look at them reads at most: some milliseconds' worth, since each is a row of
// its own place in the table. What lies further back is looked at from the cursor on.
const Window = 1000

// maxPage bounds one page of a list.
const maxPage = 1000

// Cursor is a place in a creator's lines, newest first.
type Cursor struct {
	Touched     int64 // microseconds; 0 is the beginning
	Order, Line string
}

// Page is a stretch of a list.
type Page struct {
	Lines []Line
	// Next is where the list goes on; its zero value is the end. Further says that the lines up to there were looked
	// through without filling the page.
	Next    Cursor
	Further bool
	More    bool // a sorted list has another page
}

// The window: a creator's lines behind a cursor, newest first, bounded. Filters are applied to it, so that a filter that
// fits nothing costs no more than one window.
const windowText = `(SELECT market, order_id, line_id, at, sku, quantity, amount, terms, creator, program, tracking, reason,
		pending, earned, state, touched FROM line WHERE creator = $1 AND creator <> 0 AND market = $2 AND touched <= $3
		AND (touched < $3 OR order_id < $4 OR (order_id = $4 AND line_id < $5))
		ORDER BY touched DESC, order_id DESC, line_id DESC LIMIT $6) l`

const lineColumns = `l.order_id, l.line_id, l.at, l.touched, l.sku, COALESCE(p.title, ''), l.terms, l.quantity, l.amount, l.creator,
	l.program, COALESCE(t.tag, ''), l.reason, l.pending, l.earned, l.state`

const lineJoins = ` LEFT JOIN product p ON p.market = l.market AND p.sku = l.sku LEFT JOIN tracking t ON t.id = l.tracking`

const filterText = ` WHERE l.at >= $7 AND l.at < $8 AND (CAST($9 AS BIGINT) = 0 OR l.program = $9)
	AND ($10 = '' OR l.reason = $10)
	AND (CAST($11 AS BIGINT) < 0 OR CASE WHEN l.pending > 0 THEN 1 ELSE 0 END + CASE WHEN l.earned <> 0 THEN 2 ELSE 0 END = $11)
	AND ($12 = '' OR l.order_id = $12 OR l.sku = $12 OR lower(p.title) LIKE $13 ESCAPE '!')`

var (
	linesNewest = db.Statement(`SELECT ` + lineColumns + ` FROM ` + windowText + lineJoins + filterText +
		` ORDER BY l.touched DESC, l.order_id DESC, l.line_id DESC LIMIT $14 OFFSET $15`)
	linesByAmount = db.Statement(`SELECT ` + lineColumns + ` FROM ` + windowText + lineJoins + filterText +
		` ORDER BY l.pending + l.earned DESC, l.touched DESC, l.order_id DESC, l.line_id DESC LIMIT $14 OFFSET $15`)
	linesByOrder = db.Statement(`SELECT ` + lineColumns + ` FROM ` + windowText + lineJoins + filterText +
		` ORDER BY l.at DESC, l.order_id DESC, l.line_id DESC LIMIT $14 OFFSET $15`)
	windowEnd = db.Statement(`SELECT l.touched, l.order_id, l.line_id FROM ` + windowText +
		` ORDER BY l.touched, l.order_id, l.line_id LIMIT 1 OFFSET $7`)
	lineByKey = db.Statement(`SELECT ` + lineColumns + ` FROM line l` + lineJoins + `
		WHERE l.market = $1 AND l.order_id = $2 AND l.line_id = $3`)
	linesOf = db.In(`SELECT ` + lineColumns + ` FROM line l` + lineJoins + ` WHERE l.market = $1 AND l.order_id IN ($LIST)
		ORDER BY l.order_id, l.line_id`)
)

const never = 1<<63 - 1

// bounds are the instants between which a line was ordered; without a filter, all of time.
func (f Filter) bounds() (from, to int64) {
	from, to = -never, never
	if !f.From.IsZero() {
		from = f.From.UnixMicro()
	}
	if !f.To.IsZero() {
		to = f.To.UnixMicro()
	}
	return from, to
}

// shape is a state as the query tells it: 1 where something is pending, 2 where something is earned, their sum; −1 all.
func (f Filter) shape() int64 {
	switch f.State {
	case StateNothing:
		return 0
	case StateOrdered:
		return 1
	case StateEarned:
		return 2
	case StatePart:
		return 3
	}
	return -1
}

// plain reports that every line fits: then a page that is not full is the last.
func (f Filter) plain() bool {
	from, to := f.bounds()
	return f.Text == "" && f.shape() < 0 && f.Reason == "" && f.Program == 0 && from == -never && to == never
}

// Lines gives a page of a creator's lines in a marketplace.
func Lines(tx *db.Tx, creator id.ID, m market.Market, f Filter) (Page, error) {
	limit := min(max(f.Limit, 1), maxPage)
	after := f.After
	if after.Touched == 0 {
		after = Cursor{Touched: never}
	}
	from, to := f.bounds()
	text := strings.TrimSpace(f.Text)
	pattern := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
	window := []any{int64(creator), int64(m.No), after.Touched, after.Order, after.Line, int64(Window)}
	args := append(window[:len(window):len(window)], from, to, int64(f.Program), f.Reason, f.shape(), text, pattern,
		int64(limit+1), int64(max(f.Offset, 0)))
	statement := linesNewest
	switch f.Sort {
	case SortAmount:
		statement = linesByAmount
	case SortOrder:
		statement = linesByOrder
	}
	lines, err := list(tx, statement, args...)
	if err != nil {
		return Page{}, err
	}
	page := Page{Lines: lines}
	if len(lines) > limit {
		page.Lines, page.More = lines[:limit], true
		// One line more than asked for was read: there is a next page, and it begins behind this one's last line.
		last := page.Lines[limit-1]
		page.Next = Cursor{last.Touched.UnixMicro(), last.Order, last.ID}
		return page, nil
	}
	// The page is not full. Where nothing was filtered out, the list is over; else it is only known when the window was not.
	if f.Sort != SortNewest || f.plain() {
		return page, nil
	}
	end := []any{&page.Next.Touched, &page.Next.Order, &page.Next.Line}
	page.Further, err = tx.One(windowEnd, end, append(window, int64(0))...)
	if err == nil && page.Further {
		page.Further, err = tx.One(windowEnd, []any{new(int64), new(string), new(string)}, append(window, int64(Window-1))...)
	}
	if !page.Further {
		page.Next = Cursor{}
	}
	return page, fault.Wrap(err, "reading lines")
}

// OneLine reads a line by its key.
func OneLine(tx *db.Tx, m market.Market, order, line string) (Line, error) {
	lines, err := list(tx, lineByKey, int64(m.No), order, line)
	if err == nil && len(lines) == 0 {
		err = fault.New(fault.NotFound, "line", "there is no such order line", "check the order's and the line's id")
	}
	if err != nil {
		return Line{}, err
	}
	return lines[0], nil
}

// LinesOf reads the lines of orders, by order id.
func LinesOf(tx *db.Tx, m market.Market, orders []string) (map[string][]Line, error) {
	keys := make([]any, len(orders))
	for i, order := range orders {
		keys[i] = order
	}
	found := make(map[string][]Line, len(orders))
	err := tx.In(linesOf, keys, func(scan func(...any) error) error {
		l, err := readLine(scan)
		found[l.Order] = append(found[l.Order], l)
		return err
	}, int64(m.No))
	return found, fault.Wrap(err, "reading lines of orders")
}

// list reads lines of one statement.
func list(tx *db.Tx, statement *db.Stmt, args ...any) ([]Line, error) {
	var lines []Line
	err := tx.Each(statement, func(scan func(...any) error) error {
		l, err := readLine(scan)
		lines = append(lines, l)
		return err
	}, args...)
	return lines, fault.Wrap(err, "reading lines")
}

// readLine scans what lineColumns name.
func readLine(scan func(...any) error) (Line, error) {
	var l Line
	var at, touched, creator, program int64
	var terms, state string
	err := scan(&l.Order, &l.ID, &at, &touched, &l.SKU, &l.Title, &terms, &l.Quantity, &l.Amount, &creator, &program, &l.Tag,
		&l.Reason, &l.Pending, &l.Earned, &state)
	if err != nil {
		return l, err
	}
	l.At, l.Touched = time.UnixMicro(at).UTC(), time.UnixMicro(touched).UTC()
	l.Creator, l.Program = id.ID(creator), uint8(program)
	// What package accrual keeps in the row beside its columns; only what lists show of it is read.
	var ordered struct {
		Category string `json:"category"`
	}
	var kept struct {
		Basis struct {
			BPS    int64 `json:"b"`
			Direct bool  `json:"d"`
		} `json:"b"`
		Kept policy.Kept `json:"w"`
	}
	err = errors.Join(json.Unmarshal([]byte(terms), &ordered), json.Unmarshal([]byte(state), &kept))
	l.Category, l.BPS, l.Direct = ordered.Category, kept.Basis.BPS, kept.Basis.Direct
	l.Withheld = kept.Kept.Fate == policy.Withheld
	return l, err
}
