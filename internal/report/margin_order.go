package report

import (
	"encoding/json"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
)

// LineMargin is what one order line brought and cost. Of a line that nobody is credited with and no seller pays for,
// nothing is known.
type LineMargin struct {
	Line     string
	SKU      string
	Title    string // empty where the catalog does not know the sku
	Category string
	Month    market.Month // of the order
	Creator  id.ID        // 0: credited to nobody
	Name     string       // of the creator
	Figures
}

var selectLineMargins = db.Statement(`SELECT l.line_id, l.sku, COALESCE(p.title, ''), l.state FROM line l
	LEFT JOIN product p ON p.market = l.market AND p.sku = l.sku
	WHERE l.market = $1 AND l.order_id = $2 ORDER BY l.line_id`)

// OrderMargin reads what the lines of one order brought and cost. Bounties and volume tiers belong to no order.
func OrderMargin(tx *db.Tx, m market.Market, order string) (lines []LineMargin, err error) {
	err = tx.Each(selectLineMargins, func(scan func(...any) error) error {
		var l LineMargin
		var state string
		if err := scan(&l.Line, &l.SKU, &l.Title, &state); err != nil {
			return err
		}
		// What package accrual keeps in the row: the part that it adds to the table of margins.
		var kept struct {
			Margin struct {
				Month      market.Month `json:"t"`
				Creator    id.ID        `json:"c"`
				Category   string       `json:"k"`
				Sold       int64        `json:"s"`
				Units      int64        `json:"u"`
				Revenue    int64        `json:"v"`
				Commission int64        `json:"m"`
				Promotion  int64        `json:"p"`
				Fee        int64        `json:"e"`
			} `json:"m"`
		}
		if err := json.Unmarshal([]byte(state), &kept); err != nil {
			return err
		}
		k := kept.Margin
		l.Category, l.Month, l.Creator = k.Category, k.Month, k.Creator
		l.Figures = Figures{Units: k.Units, Revenue: k.Revenue, Commission: k.Commission, Promotion: k.Promotion, Fee: k.Fee,
			SellerRevenue: k.Sold * k.Revenue, SellerCost: k.Sold * (k.Commission + k.Promotion)}
		lines = append(lines, l)
		return nil
	}, int64(m.No), order)
	if err == nil && len(lines) == 0 {
		err = fault.New(fault.NotFound, "order", "there is no such order in this marketplace", "check its id")
	}
	if err != nil {
		return nil, fault.Wrap(err, "reading margins of an order")
	}
	ids, into := make([]id.ID, len(lines)), make([]*string, len(lines))
	for i := range lines {
		ids[i], into[i] = lines[i].Creator, &lines[i].Name
	}
	return lines, names(tx, ids, into)
}
