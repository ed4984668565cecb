package report

import (
	"cmp"
	"slices"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/product"
)

// Figures are what lines brought and cost, as of what is earned (docs/spec.md §7): revenue is the earned base, and the
// other amounts are what follows from it. Amounts are minor units.
type Figures struct {
	Units      int64 // as ordered and kept
	Revenue    int64
	Commission int64 // at the base rate
	Promotion  int64 // what promotions add to it
	Fee        int64 // what sellers pay
	// Of these, what belongs to lines that a seller other than the shop itself sold: only they carry a fee.
	SellerRevenue int64
	SellerCost    int64
}

// Cost is what creators get for the lines.
func (f Figures) Cost() int64 { return f.Commission + f.Promotion }

// Margin is what the fee leaves. What the shop sells itself brings it no fee: its trade margin is not known here.
func (f Figures) Margin() int64 { return f.Fee - f.Cost() }

// Excess is by how much commission and promotion of what sellers sold exceed their fee; 0 where they do not.
func (f Figures) Excess() int64 { return max(f.SellerCost-f.Fee, 0) }

// CostShare is the cost in the revenue, basis points: the rate that really held.
func (f Figures) CostShare() int64 { return Share(f.Cost(), f.Revenue) }

// FeeShare is the fee in the revenue of what sellers sold, basis points.
func (f Figures) FeeShare() int64 { return Share(f.Fee, f.SellerRevenue) }

// Add adds others to them.
func (f *Figures) Add(o Figures) {
	f.Units, f.Revenue = f.Units+o.Units, f.Revenue+o.Revenue
	f.Commission, f.Promotion, f.Fee = f.Commission+o.Commission, f.Promotion+o.Promotion, f.Fee+o.Fee
	f.SellerRevenue, f.SellerCost = f.SellerRevenue+o.SellerRevenue, f.SellerCost+o.SellerCost
}

// By says what the rows of a report stand for.
type By string

// The ways in which a report may be cut.
const (
	ByMonth    By = "month"
	ByCategory By = "category"
	ByCreator  By = "creator"
)

// MarginAsk says which margin is wanted. Zero values mean all.
type MarginAsk struct {
	Span
	By       By // ByMonth, ByCategory or ByCreator
	Creator  id.ID
	Category string // with all beneath it
}

// MarginRow is one row. Of a category it holds all beneath it, too.
type MarginRow struct {
	Month    market.Month // with ByMonth
	Category string       // with ByCategory; empty: of lines whose category is not known
	Level    int          // of the category in its tree, from 0
	Creator  id.ID        // with ByCreator; 0: lines that are credited to nobody
	Name     string       // of the creator
	Figures
	Share int64 // of all revenue, basis points
}

// Aside is what a creator gets beside lines: it belongs to a month and to no category.
type Aside struct {
	Kind    string // AsideVolume, AsideBounty
	Month   market.Month
	Creator id.ID  // with ByCreator
	Name    string // of the creator
	Count   int64  // creators with an extra, completed bounties
	Earned  int64
	Pending int64 // of bounties whose window is not over
}

// The kinds of what creators get beside lines.
const (
	AsideVolume = "volume" // volume tiers, of the month's earned base
	AsideBounty = "bounty" // by the month in which they were completed
)

// Margin is the whole report. Rows are in the order of months or categories; creators by revenue, the largest first.
type Margin struct {
	Rows   []MarginRow
	Asides []Aside // none where only a category was asked for
	Total  Figures
	Aside  int64 // earned beside lines
}

// Left is what the fees of all lines leave once everything that creators get is paid.
func (r Margin) Left() int64 { return r.Total.Margin() - r.Aside }

const marginSums = `CAST(SUM(units) AS BIGINT), CAST(SUM(revenue) AS BIGINT),
	CAST(SUM(commission) AS BIGINT), CAST(SUM(promotion) AS BIGINT), CAST(SUM(fee) AS BIGINT),
	CAST(SUM(sold * revenue) AS BIGINT), CAST(SUM(sold * (commission + promotion)) AS BIGINT)`

// The names beneath a category are those between `path > ` and the text after it in byte order.
const marginWhere = ` FROM margin_month WHERE market = $1 AND month >= $2 AND month <= $3
	AND ($4 = '' OR category = $4 OR (category >= $5 AND category < $6)) `

const marginOfOne = ` FROM margin_month WHERE market = $1 AND creator = $2
	AND ($3 = '' OR category = $3 OR (category >= $4 AND category < $5)) AND month IN ($LIST)`

var (
	marginByMonth    = db.Statement(`SELECT month, '', 0, ` + marginSums + marginWhere + `GROUP BY month ORDER BY month`)
	marginByCategory = db.Statement(`SELECT '', category, 0, ` + marginSums + marginWhere + `GROUP BY category
		ORDER BY category`)
	marginByCreator = db.Statement(`SELECT '', '', creator, ` + marginSums + marginWhere + `GROUP BY creator ORDER BY creator`)
	// One creator's rows are few, and each month is a place of its own in the table.
	creatorMonths     = db.In(`SELECT month, '', 0, ` + marginSums + marginOfOne + ` GROUP BY month`)
	creatorCategories = db.In(`SELECT '', category, 0, ` + marginSums + marginOfOne + ` GROUP BY category`)
	creatorAlone      = db.In(`SELECT '', '', creator, ` + marginSums + marginOfOne + ` GROUP BY creator`)
)

// Check refuses what is no question.
func (a MarginAsk) Check() error {
	if a.By != ByMonth && a.By != ByCategory && a.By != ByCreator {
		return fault.Invalidf("by", "is not a way to cut a margin", "send month, category or creator")
	}
	return a.Span.Check()
}

// MarginOf reads what the lines of months brought and cost, by the month of their order.
func MarginOf(tx *db.Tx, m market.Market, ask MarginAsk) (Margin, error) {
	var r Margin
	if err := ask.Check(); err != nil {
		return r, err
	}
	rows := map[marginKey]*Figures{}
	read := func(scan func(...any) error) error {
		var key marginKey
		var f Figures
		err := scan(&key.month, &key.category, &key.creator, &f.Units, &f.Revenue, &f.Commission, &f.Promotion, &f.Fee,
			&f.SellerRevenue, &f.SellerCost)
		r.Total.Add(f)
		for _, key := range ask.rowsOf(key) {
			if rows[key] == nil {
				rows[key] = &Figures{}
			}
			rows[key].Add(f)
		}
		return err
	}
	if err := ask.each(tx, m, read); err != nil {
		return r, fault.Wrap(err, "reading margins")
	}
	for key, f := range rows {
		r.Rows = append(r.Rows, MarginRow{Month: market.Month(key.month), Category: key.category,
			Level: strings.Count(key.category, product.Separator), Creator: id.ID(key.creator), Figures: *f,
			Share: Share(f.Revenue, r.Total.Revenue)})
	}
	slices.SortFunc(r.Rows, compareMargins)
	if ask.Category == "" {
		if err := r.readAsides(tx, m, ask); err != nil {
			return r, err
		}
	}
	return r, r.name(tx)
}

func (a MarginAsk) each(tx *db.Tx, m market.Market, read func(scan func(...any) error) error) error {
	beneath := a.Category + product.Separator
	args := []any{a.Category, beneath, beneath[:len(beneath)-1] + "!"}
	if a.Creator != 0 {
		months := a.Months()
		keys := make([]any, len(months))
		for i, month := range months {
			keys[i] = string(month)
		}
		statement := map[By]*db.InStmt{ByMonth: creatorMonths, ByCategory: creatorCategories, ByCreator: creatorAlone}[a.By]
		return tx.In(statement, keys, read, append([]any{int64(m.No), int64(a.Creator)}, args...)...)
	}
	statement := map[By]*db.Stmt{ByMonth: marginByMonth, ByCategory: marginByCategory, ByCreator: marginByCreator}[a.By]
	return tx.Each(statement, read, append([]any{int64(m.No), string(a.From), string(a.To)}, args...)...)
}

// marginKey is what a row stands for.
type marginKey struct {
	month, category string
	creator         int64
}

// rowsOf are the rows to which what was read belongs: a category's figures are also those of every one above it.
func (a MarginAsk) rowsOf(read marginKey) []marginKey {
	rows := []marginKey{read}
	for path, ok := product.Parent(read.category); ok; path, ok = product.Parent(path) {
		if a.Category == "" || product.Under(path, a.Category) {
			rows = append(rows, marginKey{category: path})
		}
	}
	return rows
}

// compareMargins puts every category right behind the one above it: in byte order `A > B` could stand behind `A B`.
func compareMargins(a, b MarginRow) int {
	tree := slices.Compare(strings.Split(a.Category, product.Separator), strings.Split(b.Category, product.Separator))
	if a.Creator != 0 || b.Creator != 0 { // months and categories have none
		tree = cmp.Compare(b.Revenue, a.Revenue)
	}
	return cmp.Or(strings.Compare(string(a.Month), string(b.Month)), tree, cmp.Compare(a.Creator, b.Creator))
}

// name looks up the names of the creators that rows stand for.
func (r *Margin) name(tx *db.Tx) error {
	wanted := make([]*string, 0, len(r.Rows)+len(r.Asides))
	ids := make([]id.ID, 0, len(r.Rows)+len(r.Asides))
	for i := range r.Rows {
		ids, wanted = append(ids, r.Rows[i].Creator), append(wanted, &r.Rows[i].Name)
	}
	for i := range r.Asides {
		ids, wanted = append(ids, r.Asides[i].Creator), append(wanted, &r.Asides[i].Name)
	}
	return names(tx, ids, wanted)
}

var selectNames = db.In(`SELECT id, name FROM creator WHERE id IN ($LIST)`)

// names fills in the names of creators.
func names(tx *db.Tx, ids []id.ID, into []*string) error {
	var keys []any
	places := make(map[id.ID][]*string, len(ids))
	for i, one := range ids {
		if one == 0 {
			continue
		}
		if places[one] == nil {
			keys = append(keys, int64(one))
		}
		places[one] = append(places[one], into[i])
	}
	return fault.Wrap(tx.In(selectNames, keys, func(scan func(...any) error) error {
		var one int64
		var name string
		err := scan(&one, &name)
		for _, place := range places[id.ID(one)] {
			*place = name
		}
		return err
	}), "reading creators' names")
}
