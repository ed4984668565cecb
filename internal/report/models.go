package report

import (
	"cmp"
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// ModelRow shows the same purchases under three models of attribution: the last qualifying click, which is what is paid,
// beside the first click and all clicks alike. The other two are views and nothing else: no amount of money is ever
// derived from them (docs/spec.md §5.1), and so none stands here. A purchase that nobody is paid for, such as one that
// came too late, has a first click all the same: the models do not add up to one another.
type ModelRow struct {
	Month   market.Month // with ByMonth
	Creator id.ID        // with ByCreator
	Name    string       // of the creator
	Models
	LastShare   int64 // of the revenue of all rows under the same model, basis points
	FirstShare  int64
	LinearShare int64
}

// Models are the sums under each model, by the day of order. Revenue is what was ordered, less what was cancelled,
// returned or refunded since.
type Models struct {
	LastOrders    int64 // orders with a line that is paid
	LastRevenue   int64
	FirstLines    int64
	FirstRevenue  int64
	LinearRevenue int64
}

func (s *Models) add(o Models) {
	s.LastOrders, s.LastRevenue = s.LastOrders+o.LastOrders, s.LastRevenue+o.LastRevenue
	s.FirstLines, s.FirstRevenue = s.FirstLines+o.FirstLines, s.FirstRevenue+o.FirstRevenue
	s.LinearRevenue += o.LinearRevenue
}

// ModelAsk says which rows are wanted: ByMonth, of one creator or of all (0) together, or ByCreator.
type ModelAsk struct {
	Span
	By      By
	Creator id.ID
}

// Check refuses what is no question.
func (a ModelAsk) Check() error {
	if a.By != ByMonth && a.By != ByCreator {
		return fault.Invalidf("by", "is not a way to cut a comparison of models", "send month or creator")
	}
	return a.Span.Check()
}

const modelSums = `CAST(SUM(orders) AS BIGINT), CAST(SUM(revenue) AS BIGINT), CAST(SUM(first_lines) AS BIGINT),
	CAST(SUM(first_revenue) AS BIGINT), CAST(SUM(linear_revenue) AS BIGINT) FROM creator_day
	WHERE market = $1 AND creator >= $2 AND creator <= $3 AND day >= $4 AND day < $5`

var (
	modelsByMonth   = db.Statement(`SELECT substr(day, 1, 7), 0, ` + modelSums + ` GROUP BY substr(day, 1, 7) ORDER BY 1`)
	modelsByCreator = db.Statement(`SELECT '', creator, ` + modelSums + ` GROUP BY creator ORDER BY creator`)
)

// ModelsOf reads the three models: months oldest first, creators by what is paid, the largest first. Rows without
// anything are left out.
func ModelsOf(tx *db.Tx, m market.Market, ask ModelAsk) (rows []ModelRow, total Models, err error) {
	if err := ask.Check(); err != nil {
		return nil, total, err
	}
	least, most, statement := int64(0), int64(never), modelsByMonth
	if ask.Creator != 0 {
		least, most = int64(ask.Creator), int64(ask.Creator)
	}
	if ask.By == ByCreator {
		statement = modelsByCreator
	}
	err = tx.Each(statement, func(scan func(...any) error) error {
		var r ModelRow
		var creator int64
		err := scan(&r.Month, &creator, &r.LastOrders, &r.LastRevenue, &r.FirstLines, &r.FirstRevenue, &r.LinearRevenue)
		r.Creator = id.ID(creator)
		if r.Models != (Models{}) {
			rows = append(rows, r)
			total.add(r.Models)
		}
		return err
		// Days are written 2026-11-22: those of a span lie from its first month to before the month after it.
	}, int64(m.No), least, most, string(ask.From), string(ask.To.Next()))
	if err != nil {
		return nil, total, fault.Wrap(err, "reading models of attribution")
	}
	ids, into := make([]id.ID, len(rows)), make([]*string, len(rows))
	slices.SortFunc(rows, func(a, b ModelRow) int {
		return cmp.Or(strings.Compare(string(a.Month), string(b.Month)), cmp.Compare(b.LastRevenue, a.LastRevenue),
			cmp.Compare(b.FirstRevenue, a.FirstRevenue), cmp.Compare(a.Creator, b.Creator))
	})
	for i := range rows {
		r := &rows[i]
		r.LastShare, r.FirstShare = Share(r.LastRevenue, total.LastRevenue), Share(r.FirstRevenue, total.FirstRevenue)
		r.LinearShare = Share(r.LinearRevenue, total.LinearRevenue)
		ids[i], into[i] = r.Creator, &r.Name
	}
	return rows, total, names(tx, ids, into)
}
