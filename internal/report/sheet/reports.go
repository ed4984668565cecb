package sheet

import (
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/report"
)

// Margin gives the report with a column `kind`: lines, or volume and bounty for what is paid beside them. A category's row
// holds all beneath it. Without fees it is what a creator may see: those are between the shop and its sellers.
func Margin(m market.Market, ask report.MarginAsk, r report.Margin, fees bool) Sheet {
	s := Sheet{Name: "margin-" + m.ID + "-" + string(ask.From) + "-" + string(ask.To),
		Columns: []string{"kind", "month", "category", "level", "creator", "name", "units", "revenue", "share_percent",
			"commission", "promotion", "cost_percent", "beside_earned", "beside_pending", "currency"}}
	if fees {
		s.Columns = append(s.Columns, "fee", "fee_percent", "margin", "seller_revenue", "seller_cost", "exceeds_fee_by")
	}
	amount := amounts(m)
	for _, row := range r.Rows {
		cells := []string{"lines", string(row.Month), row.Category, count(int64(row.Level)), creatorText(row.Creator), row.Name,
			count(row.Units), amount(row.Revenue), percent(row.Share), amount(row.Commission), amount(row.Promotion),
			percent(row.CostShare()), "", "", m.Currency}
		if fees {
			cells = append(cells, amount(row.Fee), percent(row.FeeShare()), amount(row.Margin()),
				amount(row.SellerRevenue), amount(row.SellerCost), amount(row.Excess()))
		}
		s.add(cells...)
	}
	for _, a := range r.Asides {
		cells := []string{a.Kind, string(a.Month), "", "", creatorText(a.Creator), a.Name, "", "", "", "", "", "",
			amount(a.Earned), amount(a.Pending), m.Currency}
		if fees {
			cells = append(cells, "", "", amount(-a.Earned), "", "", "")
		}
		s.add(cells...)
	}
	return s
}

// Order gives the margin of an order's lines.
func Order(m market.Market, order string, lines []report.LineMargin, fees bool) Sheet {
	s := Sheet{Name: "margin-" + m.ID + "-order", Columns: []string{"order", "line", "sku", "title", "category", "month",
		"creator", "name", "units", "revenue", "commission", "promotion", "currency"}}
	if fees {
		s.Columns = append(s.Columns, "fee", "margin", "exceeds_fee_by")
	}
	amount := amounts(m)
	for _, l := range lines {
		cells := []string{order, l.Line, l.SKU, l.Title, l.Category, string(l.Month), creatorText(l.Creator), l.Name,
			count(l.Units), amount(l.Revenue), amount(l.Commission), amount(l.Promotion), m.Currency}
		if fees {
			cells = append(cells, amount(l.Fee), amount(l.Margin()), amount(l.Excess()))
		}
		s.add(cells...)
	}
	return s
}

// Models gives the models beside each other. Only last_… is what is paid by.
func Models(m market.Market, ask report.ModelAsk, rows []report.ModelRow) Sheet {
	s := Sheet{Name: "attribution-" + m.ID + "-" + string(ask.From) + "-" + string(ask.To),
		Columns: []string{"month", "creator", "name", "last_orders", "last_revenue", "last_share_percent",
			"first_lines", "first_revenue", "first_share_percent", "linear_revenue", "linear_share_percent", "currency"}}
	amount := amounts(m)
	for _, r := range rows {
		s.add(string(r.Month), creatorText(r.Creator), r.Name, count(r.LastOrders), amount(r.LastRevenue), percent(r.LastShare),
			count(r.FirstLines), amount(r.FirstRevenue), percent(r.FirstShare), amount(r.LinearRevenue),
			percent(r.LinearShare), m.Currency)
	}
	return s
}

// Reasons gives the counts of reasons.
func Reasons(m market.Market, span report.Span, rows []report.ReasonRow) Sheet {
	s := Sheet{Name: "reasons-" + m.ID + "-" + string(span.From) + "-" + string(span.To),
		Columns: []string{"month", "reason", "lines", "share_percent", "revenue", "currency"}}
	for _, r := range rows {
		s.add(string(r.Month), r.Reason, count(r.Lines), percent(r.Share), amounts(m)(r.Revenue), m.Currency)
	}
	return s
}

func creatorText(creator id.ID) string {
	if creator == 0 {
		return ""
	}
	return creator.Text(id.Creator)
}

// amounts writes minor units with the decimals of a marketplace's currency.
func amounts(m market.Market) func(int64) string {
	digits := money.Digits(m.Currency)
	return func(n int64) string { return money.Decimal(n, digits) }
}

func percent(bps int64) string { return money.Decimal(bps, 2) }
