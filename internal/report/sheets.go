package report

import (
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// Every report as a file. Amounts have the decimals of the marketplace's currency, shares are percent.

// Sheet gives the report with a column `kind`: lines, or volume and bounty for what is paid beside them. A category's row
// holds all beneath it. Without fees it is what a creator may see: those are between the shop and its sellers.
func (r Margin) Sheet(m market.Market, ask MarginAsk, fees bool) Sheet {
	s := Sheet{Name: "margin-" + m.ID + "-" + string(ask.From) + "-" + string(ask.To),
		Columns: []string{"kind", "month", "category", "level", "creator", "name", "units", "revenue", "share_percent", "commission", "promotion",
			"beside_earned", "beside_pending", "currency"}}
	if fees {
		s.Columns = append(s.Columns, "fee", "margin", "seller_revenue", "seller_cost", "exceeds_fee_by")
	}
	money := func(n int64) string { return ratecard.FormatAmount(n, m.Currency) }
	for _, row := range r.Rows {
		cells := []string{"lines", string(row.Month), row.Category, count(int64(row.Level)), creatorText(row.Creator), row.Name, count(row.Units),
			money(row.Revenue), ratecard.FormatPercent(row.Share), money(row.Commission), money(row.Promotion), "", "", m.Currency}
		if fees {
			cells = append(cells, money(row.Fee), money(row.Margin()), money(row.SellerRevenue), money(row.SellerCost), money(row.Excess()))
		}
		s.add(cells...)
	}
	for _, a := range r.Asides {
		cells := []string{a.Kind, string(a.Month), "", "", creatorText(a.Creator), a.Name, "", "", "", "", "", money(a.Earned),
			money(a.Pending), m.Currency}
		if fees {
			cells = append(cells, "", money(-a.Earned), "", "", "")
		}
		s.add(cells...)
	}
	return s
}

// OrderSheet gives the margin of an order's lines.
func OrderSheet(m market.Market, order string, lines []LineMargin, fees bool) Sheet {
	s := Sheet{Name: "margin-" + m.ID + "-order", Columns: []string{"order", "line", "sku", "title", "category", "month", "creator", "name", "units",
		"revenue", "commission", "promotion", "currency"}}
	if fees {
		s.Columns = append(s.Columns, "fee", "margin", "exceeds_fee_by")
	}
	money := func(n int64) string { return ratecard.FormatAmount(n, m.Currency) }
	for _, l := range lines {
		cells := []string{order, l.Line, l.SKU, l.Title, l.Category, string(l.Month), creatorText(l.Creator), l.Name, count(l.Units), money(l.Revenue),
			money(l.Commission), money(l.Promotion), m.Currency}
		if fees {
			cells = append(cells, money(l.Fee), money(l.Margin()), money(l.Excess()))
		}
		s.add(cells...)
	}
	return s
}

// ModelSheet gives the models beside each other. Only last_… is what is paid by.
func ModelSheet(m market.Market, ask ModelAsk, rows []ModelRow) Sheet {
	s := Sheet{Name: "attribution-" + m.ID + "-" + string(ask.From) + "-" + string(ask.To),
		Columns: []string{"month", "creator", "name", "last_orders", "last_revenue", "last_share_percent", "first_lines", "first_revenue",
			"first_share_percent", "linear_revenue", "linear_share_percent", "currency"}}
	money := func(n int64) string { return ratecard.FormatAmount(n, m.Currency) }
	for _, r := range rows {
		s.add(string(r.Month), creatorText(r.Creator), r.Name, count(r.LastOrders), money(r.LastRevenue), ratecard.FormatPercent(r.LastShare),
			count(r.FirstLines), money(r.FirstRevenue), ratecard.FormatPercent(r.FirstShare), money(r.LinearRevenue),
			ratecard.FormatPercent(r.LinearShare), m.Currency)
	}
	return s
}

// ReasonSheet gives the counts of reasons.
func ReasonSheet(m market.Market, span Span, rows []ReasonRow) Sheet {
	s := Sheet{Name: "reasons-" + m.ID + "-" + string(span.From) + "-" + string(span.To),
		Columns: []string{"month", "reason", "lines", "share_percent", "revenue", "currency"}}
	for _, r := range rows {
		s.add(string(r.Month), r.Reason, count(r.Lines), ratecard.FormatPercent(r.Share), ratecard.FormatAmount(r.Revenue, m.Currency), m.Currency)
	}
	return s
}

func creatorText(creator id.ID) string {
	if creator == 0 {
		return ""
	}
	return creator.Text(id.Creator)
}
