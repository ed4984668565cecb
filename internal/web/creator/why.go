package creator

import (
	"encoding/json"
	"net/http"

	"github.com/a-h/templ"

	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/report"
	"tributary/internal/web/ui"
)

// own reads the explanation of one of the creator's lines. Somebody else's line is as if it did not exist.
func own(tx *db.Tx, d *desk, r *http.Request) (report.Line, *explain.Explanation, error) {
	line, err := report.OneLine(tx, d.Market, r.PathValue("order"), r.PathValue("line"))
	if err == nil && line.Creator != d.me.Creator {
		err = fault.New(fault.NotFound, "line", "there is no such line of yours", "look for it among your earnings")
	}
	if err != nil {
		return line, nil, err
	}
	e, err := explain.Line(tx, d.Market.No, line.Order, line.ID)
	if err != nil {
		return line, nil, err
	}
	return line, e.For(d.me.Creator), nil
}

// Line explains a line: why it earned what it earned, or why nothing.
func (p *Pages) Line(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, "Why", "/creator/earnings", func(tx *db.Tx, d *desk) (templ.Component, error) {
		line, e, err := own(tx, d, r)
		if err != nil {
			return nil, err
		}
		why := ui.Explain(e, d.me.Creator.Text(id.Creator), line.Name(), d.Format, d.now)
		d.Title = why.Title
		why.Facts = d.inMarket(r.URL.EscapedPath() + "/facts")
		why.Ask = d.inMarket("/creator/ask", "order", line.Order)
		return linePage(d, line, why), nil
	})
}

// LineFacts gives the same as JSON: whoever wants to recompute the amount needs nothing else.
func (p *Pages) LineFacts(w http.ResponseWriter, r *http.Request) error {
	var e *explain.Explanation
	err := p.DB.Read(r.Context(), func(tx *db.Tx) error {
		d, err := p.open(tx, r, "", "")
		if err == nil {
			_, e, err = own(tx, d, r)
		}
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(e)
}
