package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/report"
	"tributary/internal/report/sheet"
)

// Reports are answered as JSON, or as a file for spreadsheets where the address ends in .csv or the request accepts
// text/csv. An operator's token sees everything, a creator's own figures alone.

// Limits of one answer.
const (
	pageRows    = 1_000   // of JSON, where nothing is said
	maxPageRows = 10_000  // of JSON
	maxFileRows = 100_000 // of a file
	someMonths  = 12      // where no span is named
)

const csvType = "text/csv"

func (s *server) describeReports(d huma.API) {
	addReport(d, "/v1/reports/margin", "report-margin", s.reportMargin, marginBody{},
		"What sellers' fees leave once creators are paid, by month, category or creator, or for the lines of one order")
	addReport(d, "/v1/reports/rates", "report-rates", s.reportRates, ratesBody{},
		"Where a rate with its promotions exceeds the seller's fee, now and to come; for operators")
	addReport(d, "/v1/reports/attribution", "report-attribution", s.reportAttribution, attributionBody{},
		"The last click, which is paid, beside the first click and all clicks alike")
	addReport(d, "/v1/reports/reasons", "report-reasons", s.reportReasons, reasonsBody{},
		"How many lines earned nothing, by month and reason")
	addReport(d, "/v1/reports/reasons/lines", "report-reason-lines", s.reportReasonLines, reasonLinesBody{},
		"The lines of one month and reason")
	addReport(d, "/v1/reports/free-items", "report-free-items", s.reportFreeItems, freeBody{},
		"Creators whose month was mostly units given away: something to look at; for operators")
}

// answer is a report in both forms.
type answer struct {
	body any
	file sheet.Sheet
}

// addReport describes a report under both its addresses.
func addReport[I any](d huma.API, path, name string, read func(context.Context, *I) (answer, error), body any,
	summary string) {
	// The stream below writes the body, so its form is told here.
	form := d.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(body), true, name)
	file := &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
	for _, one := range []struct {
		path, name string
		content    map[string]*huma.MediaType
	}{
		{path, name, map[string]*huma.MediaType{"application/json": {Schema: form}, csvType: file}},
		{path + ".csv", name + "-file", map[string]*huma.MediaType{csvType: file}},
	} {
		huma.Register(d, huma.Operation{Method: http.MethodGet, Path: one.path, OperationID: one.name, Summary: summary,
			Security:  []map[string][]string{{"token": {}}},
			Responses: map[string]*huma.Response{"200": {Description: "The report", Content: one.content}},
		}, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
			made, err := read(ctx, in)
			if err != nil {
				return nil, problem(err)
			}
			return &huma.StreamResponse{Body: made.write}, nil
		})
	}
}

// write gives the form that was asked for. A caller that is gone half-way sees for itself that the answer is not whole.
func (a answer) write(ctx huma.Context) {
	ctx.SetHeader("Vary", "Accept")
	ctx.SetHeader("Cache-Control", "no-store")
	if !wantsFile(ctx) {
		ctx.SetHeader("Content-Type", "application/json")
		if err := json.NewEncoder(ctx.BodyWriter()).Encode(a.body); err != nil {
			slog.Warn("a report was not taken whole", "err", err)
		}
		return
	}
	ctx.SetHeader("Content-Type", csvType+"; charset=utf-8")
	file := map[string]string{"filename": a.file.Name + ".csv"}
	ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", file))
	a.file.Rows = a.file.Rows[:min(len(a.file.Rows), maxFileRows)]
	if err := a.file.WriteCSV(ctx.BodyWriter()); err != nil {
		slog.Warn("a file of a report was not taken whole", "err", err)
	}
}

func wantsFile(ctx huma.Context) bool {
	return strings.HasSuffix(ctx.Operation().Path, ".csv") ||
		negotiation.SelectQValue(ctx.Header("Accept"), []string{"application/json", csvType}) == csvType
}

// ReportQuery is what every report may be asked.
type ReportQuery struct {
	Marketplace string `query:"marketplace" required:"true" maxLength:"16"`
	Creator     string `query:"creator" maxLength:"40" doc:"one creator's figures; a creator's token sees its own alone"`
}

// SpanQuery are the months of a report.
type SpanQuery struct {
	From string `query:"from" maxLength:"7" doc:"first month, such as 2026-01; left out: eleven months before the last"`
	To   string `query:"to" maxLength:"7" doc:"last month; left out: the present one"`
}

// place finds the marketplace, and whose figures are asked for: 0 is everybody's, which a creator never gets.
func (s *server) place(ctx context.Context, in ReportQuery) (m market.Market, who id.ID, err error) {
	if m, err = s.marketplace(ctx, in.Marketplace); err != nil {
		return m, 0, err
	}
	if in.Creator != "" {
		if who, err = id.Parse("creator", id.Creator, in.Creator); err != nil {
			return m, 0, err
		}
	}
	if me := tokenOf(ctx).Creator; me != 0 {
		if who != 0 && who != me {
			return m, 0, fault.New(fault.Denied, "creator", "a creator's token sees its own figures alone", "leave it out")
		}
		who = me
	}
	return m, who, nil
}

// operators lets through who is no creator.
func operators(ctx context.Context) error {
	if tokenOf(ctx).Creator != 0 {
		return fault.New(fault.Denied, "", "this report is the operator's", "use a token of the operator")
	}
	return nil
}

func (s *server) span(m market.Market, in SpanQuery) (report.Span, error) {
	to := m.Month(s.Clock.Now())
	if in.To != "" {
		var err error
		if to, err = market.ParseMonth("to", in.To); err != nil {
			return report.Span{}, err
		}
	}
	span := report.MonthsUpTo(to, someMonths)
	if in.From != "" {
		var err error
		if span.From, err = market.ParseMonth("from", in.From); err != nil {
			return span, err
		}
	}
	return span, span.Check()
}

// page cuts rows out of a sorted list, and says where the next begin; 0 is the end.
func page[T any](rows []T, after, limit int) (some []T, next int) {
	some = rows[min(after, len(rows)):]
	if len(some) > limit {
		return some[:limit], after + limit
	}
	return some, 0
}

// address is a path of this API with its query.
func address(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return path + "?" + query.Encode()
}
