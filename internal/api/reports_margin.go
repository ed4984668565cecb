package api

import (
	"context"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/report"
	"tributary/internal/report/rates"
	"tributary/internal/report/sheet"
)

// A margin's rows stand for months, categories, creators, or the lines of one order. What is known for operators alone is
// left out of a creator's answer, not set to 0: nobody should take it for a figure.

type marginInput struct {
	ReportQuery
	SpanQuery
	By       string `query:"by" enum:"month,category,creator" default:"month"`
	Category string `query:"category" maxLength:"300" doc:"with all beneath it"`
	Order    string `query:"order" maxLength:"128" doc:"the lines of this order, in place of months"`
	After    int    `query:"after" minimum:"0" maximum:"10000000" doc:"next of the page before"`
	Limit    int    `query:"limit" default:"1000" minimum:"1" maximum:"10000"`
}

// Figures are what lines brought and cost, minor units, as of what is earned. A creator gets no fee: that is between the
// shop and its sellers.
type Figures struct {
	Units      int64       `json:"units"`
	Revenue    int64       `json:"revenue" doc:"the earned base"`
	Commission int64       `json:"commission" doc:"at the base rate"`
	Promotion  int64       `json:"promotion" doc:"what promotions add"`
	CostShare  int64       `json:"cost_bps" doc:"commission and promotion in the revenue, basis points"`
	Fees       *feeFigures `json:"fees,omitempty" doc:"for operators"`
}

type feeFigures struct {
	Fee           int64 `json:"fee"`
	Share         int64 `json:"fee_bps" doc:"in seller_revenue, basis points"`
	Margin        int64 `json:"margin" doc:"the fee less commission and promotion"`
	SellerRevenue int64 `json:"seller_revenue" doc:"of what sellers other than the shop sold"`
	SellerCost    int64 `json:"seller_cost" doc:"commission and promotion of that"`
	Excess        int64 `json:"exceeds_fee_by" doc:"above 0: a warning that seller_cost is more than the fee"`
}

type marginRow struct {
	Month    string `json:"month,omitempty"`
	Category string `json:"category,omitempty" doc:"its figures hold all beneath it"`
	Level    int    `json:"level,omitempty" doc:"of the category in its tree"`
	Creator  string `json:"creator,omitempty"`
	Name     string `json:"name,omitempty"`
	Line     string `json:"line,omitempty" doc:"of the order"`
	SKU      string `json:"sku,omitempty"`
	Title    string `json:"title,omitempty"`
	Share    int64  `json:"share_bps" doc:"of all revenue, basis points"`
	Figures
}

type beside struct {
	Kind    string `json:"kind" enum:"volume,bounty"`
	Month   string `json:"month,omitempty"`
	Creator string `json:"creator,omitempty"`
	Name    string `json:"name,omitempty"`
	Count   int64  `json:"count" doc:"creators with an extra, or completed bounties"`
	Earned  int64  `json:"earned"`
	Pending int64  `json:"pending"`
}

type marginBody struct {
	Marketplace string      `json:"marketplace"`
	Currency    string      `json:"currency"`
	From        string      `json:"from,omitempty"`
	To          string      `json:"to,omitempty"`
	By          string      `json:"by" enum:"month,category,creator,line"`
	Order       string      `json:"order,omitempty"`
	Rows        []marginRow `json:"rows"`
	Beside      []beside    `json:"beside" doc:"what is paid beside lines; none where one category or order is asked for"`
	Total       Figures     `json:"total" doc:"of all rows, also those on other pages"`
	BesideTotal int64       `json:"beside_earned"`
	Left        *int64      `json:"left,omitempty" doc:"what the fees leave once everything is paid; for operators"`
	Next        int         `json:"next,omitempty" doc:"send as after for the next page; left out at the end"`
}

func figuresOf(f report.Figures, fees bool) Figures {
	shown := Figures{Units: f.Units, Revenue: f.Revenue, Commission: f.Commission, Promotion: f.Promotion,
		CostShare: f.CostShare()}
	if fees {
		shown.Fees = &feeFigures{f.Fee, f.FeeShare(), f.Margin(), f.SellerRevenue, f.SellerCost, f.Excess()}
	}
	return shown
}

func creatorText(creator id.ID) string {
	if creator == 0 {
		return ""
	}
	return creator.Text(id.Creator)
}

func (s *server) reportMargin(ctx context.Context, in *marginInput) (answer, error) {
	m, who, err := s.place(ctx, in.ReportQuery)
	if err != nil {
		return answer{}, err
	}
	fees := tokenOf(ctx).Creator == 0
	body := marginBody{Marketplace: m.ID, Currency: m.Currency, By: in.By, Rows: []marginRow{}, Beside: []beside{}}
	if in.Order != "" {
		return s.orderMargin(ctx, in, body, who, fees)
	}
	ask := report.MarginAsk{By: report.By(in.By), Creator: who, Category: product.CleanCategory(in.Category)}
	if ask.Span, err = s.span(m, in.SpanQuery); err != nil {
		return answer{}, err
	}
	if err := product.CheckCategory("category", ask.Category); err != nil {
		return answer{}, err
	}
	var r report.Margin
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = report.MarginOf(tx, m, ask)
		return err
	}); err != nil {
		return answer{}, err
	}
	// Totals are of everything that fits, whichever page is shown, so that pages can be held against each other.
	body.From, body.To, body.Total, body.BesideTotal = string(ask.From), string(ask.To), figuresOf(r.Total, fees), r.Aside
	if left := r.Left(); fees {
		body.Left = &left
	}
	shown, next := page(r.Rows, in.After, in.Limit)
	body.Next = next
	for _, row := range shown {
		body.Rows = append(body.Rows, marginRow{Month: string(row.Month), Category: row.Category, Level: row.Level,
			Creator: creatorText(row.Creator), Name: row.Name, Share: row.Share, Figures: figuresOf(row.Figures, fees)})
	}
	// They come with every page: there is one for each creator or month at most, and of creators the page shows some only.
	for _, a := range r.Asides[:min(len(r.Asides), maxPageRows)] {
		body.Beside = append(body.Beside, beside{a.Kind, string(a.Month), creatorText(a.Creator), a.Name, a.Count, a.Earned,
			a.Pending})
	}
	return answer{body, sheet.Margin(m, ask, r, fees)}, nil
}

// orderMargin answers for one order's lines; to a creator, for those that are credited to them.
func (s *server) orderMargin(ctx context.Context, in *marginInput, body marginBody, who id.ID, fees bool) (answer, error) {
	unknown := fault.New(fault.NotFound, "order", "there is no such order in this marketplace", "check its id")
	// To a creator, another's order is one that is not there: whether it exists is not theirs to know.
	if !storable(in.Order) {
		return answer{}, unknown
	}
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return answer{}, err
	}
	var lines []report.LineMargin
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		lines, err = report.OrderMargin(tx, m, in.Order)
		return err
	}); err != nil {
		return answer{}, err
	}
	var total report.Figures
	var own []report.LineMargin
	for _, l := range lines {
		if who == 0 || l.Creator == who {
			own = append(own, l)
			total.Add(l.Figures)
		}
	}
	if len(own) == 0 {
		return answer{}, unknown
	}
	for _, l := range own {
		body.Rows = append(body.Rows, marginRow{Month: string(l.Month), Category: l.Category, Creator: creatorText(l.Creator),
			Name: l.Name, Line: l.Line, SKU: l.SKU, Title: l.Title, Share: report.Share(l.Revenue, total.Revenue),
			Figures: figuresOf(l.Figures, fees)})
	}
	body.By, body.Order, body.Total = "line", in.Order, figuresOf(total, fees)
	return answer{body, sheet.Order(m, in.Order, own, fees)}, nil
}

type ratesInput struct {
	Marketplace string `query:"marketplace" required:"true" maxLength:"16"`
}

type rateWarning struct {
	Kind      string  `json:"kind" doc:"of the commission"`
	What      string  `json:"what" doc:"a category, a product, or default"`
	From      string  `json:"from"`
	Until     *string `json:"until,omitempty" doc:"first instant after it; left out: without end"`
	Base      int64   `json:"base_bps" doc:"the card's rate"`
	Final     int64   `json:"final_bps" doc:"with the promotion"`
	Fee       int64   `json:"fee_bps"`
	Promotion string  `json:"promotion,omitempty"`
	Match     string  `json:"match" doc:"the entry that the rate is from"`
	FeeMatch  string  `json:"fee_match" doc:"the entry that the fee is from"`
}

type ratesBody struct {
	Marketplace string        `json:"marketplace"`
	At          string        `json:"at"`
	Warnings    []rateWarning `json:"warnings" doc:"rates alone are compared, neither caps nor minimum fees"`
}

func (s *server) reportRates(ctx context.Context, in *ratesInput) (answer, error) {
	if err := operators(ctx); err != nil {
		return answer{}, err
	}
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return answer{}, err
	}
	now := s.Clock.Now()
	var warnings []rates.Warning
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		warnings, err = rates.Stored(tx, m, now)
		return err
	}); err != nil {
		return answer{}, err
	}
	body := ratesBody{Marketplace: m.ID, At: instantText(now), Warnings: []rateWarning{}}
	file := sheet.Sheet{Name: "rates-above-fee-" + m.ID, Columns: []string{"kind", "what", "from", "until", "base_percent",
		"final_percent", "fee_percent", "promotion", "match", "fee_match"}}
	for _, w := range warnings {
		shown := rateWarning{Kind: string(w.Kind), What: w.What, From: instantText(w.From), Base: w.Base, Final: w.Final,
			Fee: w.Fee, Match: w.Match, FeeMatch: w.FeeMatch}
		until := ""
		if !w.Until.IsZero() {
			until = instantText(w.Until)
			shown.Until = &until
		}
		if w.Promotion != nil {
			shown.Promotion = w.Promotion.Name
		}
		body.Warnings = append(body.Warnings, shown)
		file.Rows = append(file.Rows, []string{shown.Kind, shown.What, shown.From, until, ratecard.FormatPercent(w.Base),
			ratecard.FormatPercent(w.Final), ratecard.FormatPercent(w.Fee), shown.Promotion, shown.Match, shown.FeeMatch})
	}
	return answer{body, file}, nil
}
