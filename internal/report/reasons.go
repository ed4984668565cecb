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

var (
	reasonsOfCreator = db.Statement(`SELECT month, reason, lines, revenue FROM reason_month
		WHERE market = $1 AND creator = $2 AND month >= $3 AND month <= $4 AND lines <> 0`)
	reasonsOfAll = db.Statement(`SELECT month, reason, CAST(SUM(lines) AS BIGINT), CAST(SUM(revenue) AS BIGINT) FROM reason_month
		WHERE market = $1 AND creator >= $2 AND month >= $3 AND month <= $4 AND lines <> 0 GROUP BY month, reason ORDER BY month, reason`)
)

// ReasonsOf counts, month by month, oldest first, the lines that earn nothing: those of a creator, or all of them (0).
// Within a month the reason with the most lines comes first. What is awaited (awaiting_payment) is counted while it earns
// nothing.
func ReasonsOf(tx *db.Tx, m market.Market, creator id.ID, span Span) ([]ReasonRow, error) {
	if err := span.Check(); err != nil {
		return nil, err
	}
	statement := reasonsOfAll
	if creator != 0 {
		statement = reasonsOfCreator
	}
	months := map[market.Month]map[string]*ReasonRow{}
	if err := tx.Each(statement, func(scan func(...any) error) error {
		var month string
		r := &ReasonRow{}
		err := scan(&month, &r.Reason, &r.Lines, &r.Revenue)
		r.Month = market.Month(month)
		if months[r.Month] == nil {
			months[r.Month] = map[string]*ReasonRow{}
		}
		months[r.Month][r.Reason] = r
		return err
	}, m.Lane(), int64(creator), string(span.From), string(span.To)); err != nil {
		return nil, fault.Wrap(err, "counting reasons")
	}
	var rows []ReasonRow
	for _, month := range span.Months() {
		rows = append(rows, inOrder(months[month])...)
	}
	return rows, nil
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
