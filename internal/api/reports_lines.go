package api

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/report"
	"tributary/internal/report/sheet"
)

// Attribution, reasons and free items: what is read from lines and days, without money but for what was paid by shoppers.

type attributionInput struct {
	ReportQuery
	SpanQuery
	By    string `query:"by" enum:"month,creator" default:"month"`
	After int    `query:"after" minimum:"0" maximum:"10000000" doc:"next of the page before"`
	Limit int    `query:"limit" default:"1000" minimum:"1" maximum:"10000"`
}

type modelFigures struct {
	Orders  *int64 `json:"orders,omitempty"`
	Lines   *int64 `json:"lines,omitempty"`
	Revenue int64  `json:"revenue" doc:"what was ordered, less what was cancelled, returned or refunded"`
	Share   int64  `json:"share_bps" doc:"of the revenue of all rows under this model"`
}

type modelRow struct {
	Month   string       `json:"month,omitempty"`
	Creator string       `json:"creator,omitempty"`
	Name    string       `json:"name,omitempty"`
	Last    modelFigures `json:"last" doc:"the last click: what is paid"`
	First   modelFigures `json:"first"`
	Linear  modelFigures `json:"linear" doc:"all clicks alike"`
}

type attributionBody struct {
	Marketplace string     `json:"marketplace"`
	Currency    string     `json:"currency"`
	From        string     `json:"from"`
	To          string     `json:"to"`
	By          string     `json:"by"`
	Note        string     `json:"note"`
	Rows        []modelRow `json:"rows"`
	Total       modelRow   `json:"total" doc:"of all rows, also those on other pages"`
	Next        int        `json:"next,omitempty" doc:"send as after for the next page; left out at the end"`
}

// modelsNote stands with every comparison of models.
const modelsNote = "Creators are paid by the last click alone. First click and linear show how the same purchases would be " +
	"shared; no amount of money follows from them."

func modelRowOf(r report.ModelRow) modelRow {
	return modelRow{Month: string(r.Month), Creator: creatorText(r.Creator), Name: r.Name,
		Last:   modelFigures{Orders: &r.LastOrders, Revenue: r.LastRevenue, Share: r.LastShare},
		First:  modelFigures{Lines: &r.FirstLines, Revenue: r.FirstRevenue, Share: r.FirstShare},
		Linear: modelFigures{Revenue: r.LinearRevenue, Share: r.LinearShare}}
}

func (s *server) reportAttribution(ctx context.Context, in *attributionInput) (answer, error) {
	m, who, err := s.place(ctx, in.ReportQuery)
	if err != nil {
		return answer{}, err
	}
	ask := report.ModelAsk{By: report.By(in.By), Creator: who}
	if ask.Span, err = s.span(m, in.SpanQuery); err != nil {
		return answer{}, err
	}
	var rows []report.ModelRow
	var total report.Models
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, total, err = report.ModelsOf(tx, m, ask)
		return err
	}); err != nil {
		return answer{}, err
	}
	all := report.ModelRow{Models: total, LastShare: report.Share(total.LastRevenue, total.LastRevenue),
		FirstShare:  report.Share(total.FirstRevenue, total.FirstRevenue),
		LinearShare: report.Share(total.LinearRevenue, total.LinearRevenue)}
	body := attributionBody{Marketplace: m.ID, Currency: m.Currency, From: string(ask.From), To: string(ask.To), By: in.By,
		Note: modelsNote, Rows: []modelRow{}, Total: modelRowOf(all)}
	shown, next := page(rows, in.After, in.Limit)
	body.Next = next
	for _, r := range shown {
		body.Rows = append(body.Rows, modelRowOf(r))
	}
	return answer{body, sheet.Models(m, ask, rows)}, nil
}

type reasonsInput struct {
	ReportQuery
	SpanQuery
}

type reasonRow struct {
	Month   string `json:"month"`
	Reason  string `json:"reason"`
	Lines   int64  `json:"lines"`
	Share   int64  `json:"share_bps" doc:"of the month's lines that earned nothing"`
	Revenue int64  `json:"revenue" doc:"what was paid for all their units"`
	Open    string `json:"open" doc:"the address of the lines"`
}

type reasonsBody struct {
	Marketplace string      `json:"marketplace"`
	Currency    string      `json:"currency"`
	From        string      `json:"from"`
	To          string      `json:"to"`
	Rows        []reasonRow `json:"rows"`
}

func (s *server) reportReasons(ctx context.Context, in *reasonsInput) (answer, error) {
	m, who, err := s.place(ctx, in.ReportQuery)
	if err != nil {
		return answer{}, err
	}
	span, err := s.span(m, in.SpanQuery)
	if err != nil {
		return answer{}, err
	}
	var rows []report.ReasonRow
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = report.ReasonsOf(tx, m, who, span)
		return err
	}); err != nil {
		return answer{}, err
	}
	body := reasonsBody{Marketplace: m.ID, Currency: m.Currency, From: string(span.From), To: string(span.To),
		Rows: []reasonRow{}}
	for _, r := range rows {
		open := address("/v1/reports/reasons/lines", "marketplace", m.ID, "creator", in.Creator,
			"month", string(r.Month), "reason", r.Reason)
		body.Rows = append(body.Rows, reasonRow{string(r.Month), r.Reason, r.Lines, r.Share, r.Revenue, open})
	}
	return answer{body, sheet.Reasons(m, span, rows)}, nil
}

type reasonLinesInput struct {
	ReportQuery
	Month  string `query:"month" required:"true" maxLength:"7" doc:"of the orders, such as 2026-01"`
	Reason string `query:"reason" required:"true" maxLength:"40" pattern:"^[a-z][a-z_]*$"`
	After  string `query:"after" maxLength:"900" doc:"next of the page before"`
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type reasonLine struct {
	Order    string `json:"order"`
	Line     string `json:"line"`
	Ordered  string `json:"ordered_at"`
	SKU      string `json:"sku"`
	Title    string `json:"title,omitempty"`
	Category string `json:"category,omitempty"`
	Quantity int64  `json:"quantity"`
	Amount   int64  `json:"amount" doc:"what was paid for all units, minor units"`
	Creator  string `json:"creator,omitempty"`
	Program  string `json:"program,omitempty"`
	Tag      string `json:"tag,omitempty"`
	Open     string `json:"open" doc:"the address of the order with its explanation"`
}

type reasonLinesBody struct {
	Marketplace string       `json:"marketplace"`
	Currency    string       `json:"currency"`
	Month       string       `json:"month"`
	Reason      string       `json:"reason"`
	Lines       []reasonLine `json:"lines" doc:"a page may hold fewer than asked for and not be the last"`
	Next        string       `json:"next,omitempty" doc:"send as after for the next page; left out at the end"`
}

// reportReasonLines opens a count to its lines, page by page: all creators' in the order of their orders, one creator's
// last changed first.
func (s *server) reportReasonLines(ctx context.Context, in *reasonLinesInput) (answer, error) {
	m, who, err := s.place(ctx, in.ReportQuery)
	if err != nil {
		return answer{}, err
	}
	month, err := market.ParseMonth("month", in.Month)
	if err != nil {
		return answer{}, err
	}
	span := report.Span{From: month, To: month}
	if err := span.Check(); err != nil {
		return answer{}, err
	}
	after, err := readPlace(in.After)
	if err != nil {
		return answer{}, err
	}
	var lines []report.Line
	var next string
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if who != 0 { // their own list, which has its index and its cursor
			f := report.Filter{Reason: in.Reason, Limit: in.Limit, After: after}
			f.From, f.To = span.Bounds(m)
			page, err := report.Lines(tx, who, m, f)
			lines, next = page.Lines, writePlace(page.Next)
			return err
		}
		from := report.Line{Order: after.Order, ID: after.Line}
		if after.Touched != 0 {
			from.At = time.UnixMicro(after.Touched)
		}
		lines, err = report.ReasonLines(tx, m, month, in.Reason, from, in.Limit)
		if next = ""; len(lines) == in.Limit {
			last := lines[len(lines)-1]
			next = writePlace(report.Cursor{Touched: last.At.UnixMicro(), Order: last.Order, Line: last.ID})
		}
		return err
	})
	if err != nil {
		return answer{}, err
	}
	body := reasonLinesBody{Marketplace: m.ID, Currency: m.Currency, Month: in.Month, Reason: in.Reason,
		Lines: []reasonLine{}, Next: next}
	for _, l := range lines {
		body.Lines = append(body.Lines, reasonLineOf(m, l))
	}
	return answer{body, lineSheet(m, in, body.Lines)}, nil
}

func reasonLineOf(m market.Market, l report.Line) reasonLine {
	shown := reasonLine{Order: l.Order, Line: l.ID, Ordered: instantText(l.At), SKU: l.SKU, Title: l.Title,
		Category: l.Category, Quantity: l.Quantity, Amount: l.Amount, Creator: creatorText(l.Creator), Tag: l.Tag,
		Open: "/v1/orders/" + m.ID + "/" + url.PathEscape(l.Order)}
	if l.Program != 0 {
		shown.Program = enrolment.Program(l.Program).String()
	}
	return shown
}

func lineSheet(m market.Market, in *reasonLinesInput, lines []reasonLine) sheet.Sheet {
	file := sheet.Sheet{Name: "reason-" + in.Reason + "-" + m.ID + "-" + in.Month,
		Columns: []string{"order", "line", "ordered_at",
			"sku", "title", "category", "quantity", "amount", "currency", "creator", "program", "tag", "reason"}}
	digits := money.Digits(m.Currency)
	for _, l := range lines {
		file.Rows = append(file.Rows, []string{l.Order, l.Line, l.Ordered, l.SKU, l.Title, l.Category,
			strconv.FormatInt(l.Quantity, 10), money.Decimal(l.Amount, digits), m.Currency, l.Creator, l.Program, l.Tag, in.Reason})
	}
	return file
}

// A place in a list of lines is `microseconds!order!line`, the ids escaped: QueryEscape leaves no exclamation mark in them.
func writePlace(c report.Cursor) string {
	if c.Touched == 0 {
		return ""
	}
	return strconv.FormatInt(c.Touched, 10) + "!" + url.QueryEscape(c.Order) + "!" + url.QueryEscape(c.Line)
}

func readPlace(text string) (c report.Cursor, err error) {
	if text == "" {
		return c, nil
	}
	refused := fault.Invalidf("after", "is no place in this list", "send next as it was answered, or leave it out")
	parts := strings.Split(text, "!")
	if len(parts) != 3 {
		return c, refused
	}
	if c.Touched, err = strconv.ParseInt(parts[0], 10, 64); err != nil || c.Touched <= 0 {
		return report.Cursor{}, refused
	}
	for i, into := range []*string{&c.Order, &c.Line} {
		if *into, err = url.QueryUnescape(parts[i+1]); err != nil || !storable(*into) {
			return report.Cursor{}, refused
		}
	}
	return c, nil
}

// storable tells whether a text may be an id of the store's: anything else is no row's, and PostgreSQL does not take it.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

type freeInput struct {
	Marketplace string `query:"marketplace" required:"true" maxLength:"16"`
	Month       string `query:"month" maxLength:"7" doc:"left out: the present one"`
}

type freeFinding struct {
	Creator string `json:"creator"`
	Name    string `json:"name"`
	Units   int64  `json:"units"`
	Free    int64  `json:"free" doc:"units of lines without a price"`
	Share   int64  `json:"share_bps"`
	Revenue int64  `json:"revenue"`
}

type freeBody struct {
	Marketplace string        `json:"marketplace"`
	Currency    string        `json:"currency"`
	Month       string        `json:"month"`
	Units       int64         `json:"from_units" doc:"both limits must be reached"`
	Share       int64         `json:"from_share_bps"`
	Findings    []freeFinding `json:"findings" doc:"something to look at: nothing follows from it by itself"`
}

func (s *server) reportFreeItems(ctx context.Context, in *freeInput) (answer, error) {
	if err := operators(ctx); err != nil {
		return answer{}, err
	}
	m, err := s.marketplace(ctx, in.Marketplace)
	if err != nil {
		return answer{}, err
	}
	month := m.Month(s.Clock.Now())
	if in.Month != "" {
		if month, err = market.ParseMonth("month", in.Month); err != nil {
			return answer{}, err
		}
	}
	limits := report.ShippedFreeLimits // told with the answer, so that a finding can be judged from it alone
	var found []report.FreeFinding
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = report.FreeWatch(tx, m, month, limits)
		return err
	}); err != nil {
		return answer{}, err
	}
	body := freeBody{m.ID, m.Currency, string(month), limits.Units, limits.Share, []freeFinding{}}
	file := sheet.Sheet{Name: "free-items-" + m.ID + "-" + string(month), Columns: []string{"creator", "name", "units", "free",
		"share_percent", "revenue", "currency"}}
	for _, f := range found {
		body.Findings = append(body.Findings, freeFinding{f.Creator.Text(id.Creator), f.Name, f.Units, f.Free, f.Share, f.Revenue})
		file.Rows = append(file.Rows, []string{f.Creator.Text(id.Creator), f.Name, strconv.FormatInt(f.Units, 10),
			strconv.FormatInt(f.Free, 10), money.Decimal(f.Share, 2), money.Decimal(f.Revenue, money.Digits(m.Currency)), m.Currency})
	}
	return answer{body, file}, nil
}

func instantText(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }
