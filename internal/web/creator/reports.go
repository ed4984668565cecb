package creator

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/market"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

// reportMonths is how many months the page looks back.
const reportMonths = 12

// reports shows a creator's year: what is paid beside what other models would have said, and what earned nothing, and why.
type reports struct {
	*desk
	models  []report.ModelRow // newest month first
	total   report.Models
	reasons []report.ReasonRow // of all months together, most lines first
	lines   int64

	calendar []report.MonthPart // months that are still open, oldest first
}

// Reports shows the page.
func (p *Pages) Reports(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Reports", "/creator/earnings", func(tx *db.Tx, d *desk) (templ.Component, error) {
		v := &reports{desk: d}
		span := report.MonthsUpTo(d.Market.Month(d.now), reportMonths)
		var err error
		if v.models, v.total, err = report.ModelsOf(tx, d.Market, report.ModelAsk{Span: span, By: report.ByMonth, Creator: d.me.Creator}); err != nil {
			return nil, err
		}
		slices.Reverse(v.models)
		rows, err := report.ReasonsOf(tx, d.Market, d.me.Creator, span)
		if err != nil {
			return nil, err
		}
		v.sum(rows)
		balances, err := report.BalancesOf(tx, d.me.Creator, d.Market, d.now)
		if err != nil {
			return nil, err
		}
		v.calendar = report.PayableCalendar(balances, d.Market, d.now)
		return reportsPage(v), nil
	})
}

// sum adds the months' reasons up.
func (v *reports) sum(rows []report.ReasonRow) {
	for _, row := range rows {
		i := slices.IndexFunc(v.reasons, func(r report.ReasonRow) bool { return r.Reason == row.Reason })
		if i < 0 {
			v.reasons = append(v.reasons, report.ReasonRow{Reason: row.Reason})
			i = len(v.reasons) - 1
		}
		v.reasons[i].Lines += row.Lines
		v.reasons[i].Revenue += row.Revenue
		v.lines += row.Lines
	}
	slices.SortFunc(v.reasons, func(a, b report.ReasonRow) int { return int(b.Lines - a.Lines) })
}

func (v *reports) monthLink(m market.Month) string {
	return v.inMarket("/creator/earnings", "month", string(m))
}

func (v *reports) reasonLink(reason string) string {
	return v.inMarket("/creator/earnings", "reason", reason)
}

// reasonText begins a row with a capital.
func reasonText(code string) string { return ui.Capital(ui.Reason(code)) }
