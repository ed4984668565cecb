// Package sheet writes reports as files for spreadsheets: which columns each has, and how a cell is written. It reads
// nothing; doors give it what package report has read.
//
// What must always hold: no cell is a formula; amounts have the decimals of their currency, shares are percent, and both
// are plain numbers that a program reads; what a creator may not see is not in a file for creators.
package sheet

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// Sheet is a table with a name.
type Sheet struct {
	Name    string // of the file, without its ending
	Columns []string
	Rows    [][]string
}

func (s *Sheet) add(cells ...string) { s.Rows = append(s.Rows, cells) }

// WriteCSV writes the file (RFC 4180, UTF-8). Text that a spreadsheet would take for a formula gets an apostrophe in
// front.
func (s *Sheet) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(s.Columns); err != nil {
		return err
	}
	cells := make([]string, len(s.Columns))
	for _, row := range s.Rows {
		for i, cell := range row {
			cells[i] = harmless(cell)
		}
		if err := out.Write(cells[:len(row)]); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless leaves numbers as they are: a minus in front of digits is no formula.
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if cell[0] == '-' && len(cell) > 1 && strings.Trim(cell[1:], "0123456789.") == "" {
		return cell
	}
	return "'" + cell
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
