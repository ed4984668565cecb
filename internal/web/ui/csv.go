package ui

import (
	"encoding/csv"
	"io"
	"net/http"
	"strings"
)

// Table writes rows as CSV for spreadsheets.
type Table struct{ csv *csv.Writer }

// NewTable begins a file of that name.
func NewTable(w http.ResponseWriter, name string, columns ...string) *Table {
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	header.Set("Cache-Control", "no-store")
	t := &Table{csv.NewWriter(io.Writer(w))}
	t.csv.UseCRLF = true
	_ = t.csv.Write(columns) // an error stays in the writer and is given by Close
	return t
}

// Row writes one row. Text that a spreadsheet would take for a formula gets an apostrophe in front.
func (t *Table) Row(cells ...string) {
	for i, cell := range cells {
		cells[i] = neutral(cell)
	}
	_ = t.csv.Write(cells)
}

// Close ends the file.
func (t *Table) Close() error {
	t.csv.Flush()
	return t.csv.Error()
}

// neutral leaves numbers as they are: they are written by us, and a minus in front of digits is no formula.
func neutral(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if cell[0] == '-' && strings.Trim(cell[1:], "0123456789.") == "" && len(cell) > 1 {
		return cell
	}
	return "'" + cell
}
