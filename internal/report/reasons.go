package report

import (
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// ReasonRow counts the lines of a month's orders that earn nothing, or nothing any more, for one reason
// (docs/spec.md §5).
type ReasonRow struct {
	Month   market.Month
	Reason  string
	Lines   int64
	Revenue int64 // what was paid for all their units when they were ordered
	Share   int64 // of all such lines of the month, basis points
}

// A line that changed last before the span began was ordered before it, too, but for this much: orders may lie this far in
// the future when they come in (order.MaxAhead).
const ahead = 24 * 60 * 60 * 1_000_000 // microseconds

var (
	// One creator's lines since the beginning, by the index that lists are read from: + keeps the one by time out of it.
	reasonsOfCreator = db.Statement(`SELECT at, reason, amount FROM line WHERE creator = $1 AND creator <> 0 AND market = $2
		AND touched >= $3 AND +at >= $4 AND +at < $5 AND reason <> ''`)
	// A month of all lines, by the time of their order.
	reasonsOfAll = db.Statement(`SELECT reason, COUNT(*), CAST(SUM(amount) AS BIGINT) FROM line
		WHERE market = $1 AND at >= $2 AND at < $3 AND reason <> '' GROUP BY reason ORDER BY reason`)
)

// ReasonsOf counts, month by month, oldest first, the lines that earn nothing: those of a creator, or all of them (0).
// Within a month the reason with the most lines comes first. What is awaited (awaiting_payment) is counted while it earns
// nothing. It reads the lines themselves, since no sum of them is kept: a creator's by the index of their lists, all of
// them by the time of order.
func ReasonsOf(tx *db.Tx, m market.Market, creator id.ID, span Span) ([]ReasonRow, error) {
	if err := span.Check(); err != nil {
		return nil, err
	}
	c := span.calendar(m)
	sums := make([]map[string]*ReasonRow, len(c.months))
	for i := range sums {
		sums[i] = map[string]*ReasonRow{}
	}
	add := func(month int, reason string, lines, revenue int64) {
		row := sums[month][reason]
		if row == nil {
			row = &ReasonRow{Month: c.months[month], Reason: reason}
			sums[month][reason] = row
		}
		row.Lines, row.Revenue = row.Lines+lines, row.Revenue+revenue
	}
	read := func() error { return readReasons(tx, m, c, add) }
	if creator != 0 {
		read = func() error {
			return tx.Each(reasonsOfCreator, func(scan func(...any) error) error {
				var at, amount int64
				var reason string
				err := scan(&at, &reason, &amount)
				add(c.at(at), reason, 1, amount)
				return err
			}, int64(creator), int64(m.No), c.first()-ahead, c.first(), c.end())
		}
	}
	if err := read(); err != nil {
		return nil, fault.Wrap(err, "counting reasons")
	}
	var rows []ReasonRow
	for _, month := range sums {
		rows = append(rows, inOrder(month)...)
	}
	return rows, nil
}

func readReasons(tx *db.Tx, m market.Market, c calendar, add func(int, string, int64, int64)) error {
	for i := range c.months {
		if err := tx.Each(reasonsOfAll, func(scan func(...any) error) error {
			var reason string
			var lines, revenue int64
			err := scan(&reason, &lines, &revenue)
			add(i, reason, lines, revenue)
			return err
		}, int64(m.No), c.starts[i], c.starts[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func inOrder(month map[string]*ReasonRow) []ReasonRow {
	var rows []ReasonRow
	all := int64(0)
	for _, row := range month {
		rows, all = append(rows, *row), all+row.Lines
	}
	for i := range rows {
		rows[i].Share = Share(rows[i].Lines, all)
	}
	slices.SortFunc(rows, func(a, b ReasonRow) int {
		if a.Lines != b.Lines {
			return int(b.Lines - a.Lines)
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return rows
}

var linesByReason = db.Statement(`SELECT ` + lineColumns + ` FROM (SELECT market, order_id, line_id, at, sku, quantity, amount,
		terms, creator, program, tracking, reason, pending, earned, state, touched FROM line WHERE market = $1 AND at >= $2 AND at < $3
		AND (at > $2 OR order_id > $4 OR (order_id = $4 AND line_id > $5)) AND reason = $6
		ORDER BY at, order_id, line_id LIMIT $7) l` + lineJoins + ` ORDER BY l.at, l.order_id, l.line_id`)

// ReasonLines opens a row of all creators' reasons to its lines, in the order in which they were ordered. A creator's own
// are in Lines, with a Filter. after is the last line of the page before; its zero value is the beginning.
func ReasonLines(tx *db.Tx, m market.Market, month market.Month, reason string, after Line, limit int) ([]Line, error) {
	if err := (Span{month, month}).Check(); err != nil {
		return nil, err
	}
	from, to := monthStart(month, m), monthStart(month.Next(), m)
	if !after.At.IsZero() {
		from = max(from, after.At.UnixMicro())
	}
	return list(tx, linesByReason, int64(m.No), from, to, after.Order, after.ID, reason, int64(min(max(limit, 1), maxPage)))
}
