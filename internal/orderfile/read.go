package orderfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tributary/internal/fault"
	"tributary/internal/order"
)

// Reader reads the rows of a file, one at a time.
type Reader struct {
	mapping *Mapping
	csv     *csv.Reader
	guard   *guard
	at      [columns]int // of each column; -1: the file has none
	number  int64
	latest  time.Time // orders may not lie beyond this instant
}

const (
	colInvoice = iota
	colSKU
	colDescription
	colQuantity
	colTime
	colPrice
	colCustomer
	colCountry
	colTag
	colClickedAt
	columns
)

// NewReader reads the header of a CSV file, plain or compressed with gzip, and finds the mapping's columns. latest bounds
// the times of rows.
func NewReader(file io.Reader, m *Mapping, latest time.Time) (*Reader, error) {
	text, err := unpacked(file)
	if err != nil {
		return nil, err
	}
	r := &Reader{mapping: m, guard: &guard{from: text, left: maxRow}, latest: latest}
	r.csv = csv.NewReader(r.guard)
	r.csv.Comma = rune(m.Separator[0])
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	if err != nil {
		return nil, unreadable("has no header row", err)
	}
	if len(header) > 0 {
		header[0] = strings.TrimPrefix(header[0], "\ufeff")
	}
	for i, name := range []string{m.Columns.Invoice, m.Columns.SKU, m.Columns.Description, m.Columns.Quantity, m.Columns.Time,
		m.Columns.Price, m.Columns.Customer, m.Columns.Country, m.Columns.Tag, m.Columns.ClickedAt} {
		r.at[i] = -1
		if name == "" {
			continue
		}
		if r.at[i] = slices.Index(header, name); r.at[i] < 0 {
			return nil, fault.Invalidf("columns", "the file has no column %q", "name one of: "+clip(strings.Join(header, ", ")), clip(name))
		}
	}
	return r, nil
}

// Next reads one row. A row that cannot be read is given by its number and the reason alone; io.EOF ends the file.
func (r *Reader) Next() (Row, Reason, error) {
	r.guard.left = maxRow
	record, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, "", io.EOF
	}
	r.number++
	row := Row{Number: r.number}
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		return row, RowUnreadable, nil
	case errors.Is(err, errRowTooLong):
		return row, "", fault.New(fault.Exhausted, "file", fmt.Sprintf("row %d is longer than %d bytes", r.number, maxRow),
			"look for a quote that is never closed")
	case err != nil:
		return row, "", unreadable(fmt.Sprintf("cannot be read beyond row %d", r.number-1), err)
	}
	return row, r.parse(record, &row), nil
}

// parse takes a record apart. The texts of a row stay valid: they are cut from the record's own new string.
func (r *Reader) parse(record []string, row *Row) Reason {
	field := func(column int) string {
		if r.at[column] < 0 {
			return ""
		}
		return strings.TrimSpace(record[r.at[column]])
	}
	row.Invoice, row.SKU, row.Description = field(colInvoice), field(colSKU), oneLine(field(colDescription))
	row.Customer, row.Country, row.Tag = field(colCustomer), field(colCountry), field(colTag)
	row.Price = field(colPrice)
	switch {
	case !printable(row.Invoice, 1, maxInvoice):
		row.Invoice = ""
		return InvoiceUnreadable
	case !printable(row.SKU, 1, maxSKU):
		return SKUUnreadable
	case !printable(row.Customer, 0, order.MaxText), !printable(row.Description, 0, order.MaxText),
		!printable(row.Tag, 0, order.MaxID), !printable(row.Country, 0, order.MaxText):
		return TextUnreadable
	}
	if r.mapping.DecimalMark == "," {
		row.Price = strings.Replace(row.Price, ",", ".", 1)
	}
	var err error
	if row.Quantity, err = strconv.ParseInt(field(colQuantity), 10, 64); err != nil {
		return QuantityUnreadable
	}
	if row.Quantity > order.MaxQuantity || row.Quantity < -order.MaxQuantity {
		return QuantityTooLarge
	}
	if row.At, err = r.time(field(colTime)); err != nil {
		return TimeUnreadable
	}
	if row.Tag != "" {
		if row.ClickedAt, err = r.time(field(colClickedAt)); err != nil {
			return TimeUnreadable
		}
		if row.ClickedAt.Before(earliest) || row.ClickedAt.After(r.latest) {
			return TimeOutOfRange
		}
	}
	if row.At.Before(earliest) || row.At.After(r.latest) {
		return TimeOutOfRange
	}
	return ""
}

func (r *Reader) time(text string) (time.Time, error) {
	form := r.mapping.TimeFormat
	if form == "" {
		form = time.RFC3339
	}
	at, err := time.ParseInLocation(form, text, r.mapping.zone)
	return at.UTC().Truncate(time.Microsecond), err
}

// oneLine leaves single spaces between the words of a text that people wrote.
func oneLine(text string) string {
	if !strings.Contains(text, "  ") && !strings.ContainsAny(text, "\t\r\n") {
		return text
	}
	return strings.Join(strings.Fields(text), " ")
}

// printable tells whether a text can be an id or a fact: of that length, UTF-8, no control characters.
func printable(text string, least, most int) bool {
	if len(text) < least || len(text) > most || !utf8.ValidString(text) {
		return false
	}
	for _, c := range text {
		if c < ' ' || c == 0x7f || c == utf8.RuneError || (c >= 0x80 && c < 0xa0) {
			return false
		}
	}
	return true
}

// guard bounds how much is read for one row beyond what is buffered.
type guard struct {
	from io.Reader
	left int
}

var errRowTooLong = errors.New("the row is too long")

func (g *guard) Read(into []byte) (int, error) {
	if g.left <= 0 {
		return 0, errRowTooLong
	}
	n, err := g.from.Read(into)
	g.left -= n
	return n, err
}

// Head writes the beginning of a file, unpacked: its header and that many lines of text.
func Head(out io.Writer, path string, lines int) error {
	file, err := os.Open(path)
	if err != nil {
		return fault.New(fault.Invalid, "file", "cannot be opened", "name a file that may be read").Because(err)
	}
	defer file.Close()
	text, err := unpacked(file)
	if err != nil {
		return err
	}
	from := bufio.NewReader(text)
	for range lines + 1 {
		line, err := from.ReadBytes('\n')
		if _, failed := out.Write(line); failed != nil {
			return fault.Wrap(failed, "writing the beginning of a file")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable("cannot be read", err)
		}
	}
	return nil
}

// unpacked reads through gzip where the file begins like it.
func unpacked(file io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(file, 1<<16)
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return buffered, nil
	}
	text, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, unreadable("is not a gzip file", err)
	}
	return text, nil
}
