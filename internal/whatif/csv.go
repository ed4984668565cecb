package whatif

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/money"
)

// columns of an export. Amounts are decimals of the currency.
var columns = []string{"marketplace", "from", "until", "by", "key", "name", "currency", "lines", "changed",
	"change_hands", "cannot_say", "cannot_say_amount", "present_commission", "draft_commission", "present_promotion",
	"draft_promotion", "present_volume", "draft_volume",
	"present_seller_fee", "draft_seller_fee", "difference"}

// Export writes an answer's rows of a kind as CSV for spreadsheets, page by page. name says what people call a key; nil:
// its own text.
func Export(ctx context.Context, d *db.DB, w io.Writer, run Run, kind string, name func(key string) string) error {
	if run.Result == nil {
		return fault.New(fault.Conflict, "", "the what-if has no answer yet", "come back when it is done")
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(columns) // an error stays in the writer and is asked for at the end
	for after := int64(0); ; {
		var page []Line
		if err := d.Read(ctx, func(tx *db.Tx) (err error) {
			page, err = Lines(tx, run.ID, kind, after, maxPage)
			return err
		}); err != nil {
			return err
		}
		for _, l := range page {
			title := l.Key
			if name != nil {
				title = name(l.Key)
			}
			_ = out.Write(cells(run, kind, title, l))
			after = l.No
		}
		if len(page) < maxPage {
			out.Flush()
			return out.Error()
		}
	}
}

func cells(run Run, kind, title string, l Line) []string {
	digits := money.Digits(run.Result.Currency)
	amount := func(n int64) string { return money.Decimal(n, digits) }
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	date := "2006-01-02T15:04:05Z"
	was, would := l.Present, l.Row.Draft
	return []string{neutral(run.Market), run.From.UTC().Format(date), run.Until.UTC().Format(date), kind, neutral(l.Key),
		neutral(title), run.Result.Currency, count(l.Row.Lines), count(l.Changed), count(l.Moved), count(l.Unsaid), amount(l.UnsaidHeld),
		amount(was.Commission), amount(would.Commission), amount(was.Promotion), amount(would.Promotion), amount(was.Volume),
		amount(would.Volume), amount(was.Fee), amount(would.Fee), amount(l.Change())}
}

// neutral keeps a spreadsheet from taking a text for a formula, by an apostrophe in front. Numbers are written by us.
func neutral(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
