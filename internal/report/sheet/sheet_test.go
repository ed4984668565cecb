package sheet_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/report"
	"tributary/internal/report/sheet"
)

var (
	us   = market.Market{No: 1, ID: "us", Currency: "USD"}
	jp   = market.Market{No: 2, ID: "jp", Currency: "JPY"}
	ada  = id.ID(7)
	year = report.Span{From: "2026-01", To: "2026-12"}
)

func text(t *testing.T, s sheet.Sheet) string {
	t.Helper()
	var out strings.Builder
	if err := s.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	for i, row := range s.Rows {
		if len(row) != len(s.Columns) {
			t.Errorf("%s: row %d has %d cells for %d columns", s.Name, i, len(row), len(s.Columns))
		}
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

func TestFiles(t *testing.T) {
	row := report.MarginRow{Category: "A, B > C", Level: 1, Share: 2512, Figures: report.Figures{Units: 3, Revenue: 123456, Commission: 4000,
		Promotion: -1, Fee: 3000, SellerRevenue: 100000, SellerCost: 3500}}
	ask := report.MarginAsk{Span: year, By: report.ByCategory}
	aside := report.Aside{Kind: report.AsideBounty, Month: "2026-03", Count: 2, Earned: 1500, Pending: 700}
	for name, c := range map[string]struct {
		sheet sheet.Sheet
		want  string
	}{
		"margin": {sheet.Margin(us, ask, report.Margin{Rows: []report.MarginRow{row}, Asides: []report.Aside{aside}}, true),
			"kind,month,category,level,creator,name,units,revenue,share_percent,commission,promotion,cost_percent,beside_earned,beside_pending,currency," +
				"fee,fee_percent,margin,seller_revenue,seller_cost,exceeds_fee_by\n" +
				"lines,,\"A, B > C\",1,,,3,1234.56,25.12,40.00,-0.01,3.24,,,USD,30.00,3.00,-9.99,1000.00,35.00,5.00\n" +
				"bounty,2026-03,,,,,,,,,,,15.00,7.00,USD,,,-15.00,,,\n"},
		"a creator's margin has no fee": {sheet.Margin(jp, ask, report.Margin{Rows: []report.MarginRow{row}}, false),
			"kind,month,category,level,creator,name,units,revenue,share_percent,commission,promotion,cost_percent,beside_earned,beside_pending,currency\n" +
				"lines,,\"A, B > C\",1,,,3,123456,25.12,4000,-1,3.24,,,JPY\n"},
		"order": {sheet.Order(us, "=1001", []report.LineMargin{{Line: "1", SKU: "@SKU", Month: "2026-03", Creator: ada, Name: "+Ada", Figures: row.Figures}}, true),
			"order,line,sku,title,category,month,creator,name,units,revenue,commission,promotion,currency,fee,margin,exceeds_fee_by\n" +
				"'=1001,1,'@SKU,,,2026-03," + ada.Text(id.Creator) + ",'+Ada,3,1234.56,40.00,-0.01,USD,30.00,-9.99,5.00\n"},
		"models": {sheet.Models(us, report.ModelAsk{Span: year, By: report.ByMonth}, []report.ModelRow{{Month: "2026-03",
			Models: report.Models{LastOrders: 1, LastRevenue: 2, FirstLines: 3, FirstRevenue: 4, LinearRevenue: 5}, LastShare: 10000, FirstShare: 1, LinearShare: 50}}),
			"month,creator,name,last_orders,last_revenue,last_share_percent,first_lines,first_revenue,first_share_percent,linear_revenue,linear_share_percent,currency\n" +
				"2026-03,,,1,0.02,100.00,3,0.04,0.01,0.05,0.50,USD\n"},
		"reasons": {sheet.Reasons(us, year, []report.ReasonRow{{Month: "2026-03", Reason: "expired", Lines: 4, Revenue: 1999, Share: 3333}}),
			"month,reason,lines,share_percent,revenue,currency\n2026-03,expired,4,33.33,19.99,USD\n"},
	} {
		if got := text(t, c.sheet); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// Whatever stands in a cell, it is no formula, and a program reads it back.
func FuzzCells(f *testing.F) {
	for _, seed := range []string{"=1+1", "-1", "-1+2", "--1", "+1", "@x", "\tx", "\rx", "-", "", "a,b\n\"c\"", "'=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		s := sheet.Sheet{Columns: []string{"a", "b"}, Rows: [][]string{{cell, "end"}}}
		var out strings.Builder
		if err := s.WriteCSV(&out); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][1] != "end" {
			t.Fatalf("%q gives %q, %v", cell, out.String(), err)
		}
		got := rows[1][0]
		if got != "" && strings.ContainsRune("=+@\t\r", rune(got[0])) || strings.HasPrefix(got, "-") && strings.Trim(got[1:], "0123456789.") != "" {
			t.Fatalf("%q is a formula: %q", cell, got)
		}
	})
}
