// Package orderfile turns a store's order file into events: rows become orders and shipments, and rows of money given
// back become returns of the purchases that they belong to (docs/spec.md §6).
//
// What must always hold: what a row becomes depends on the file's rows and the mapping alone, so that reading the file
// again gives the very same events with the same ids; a row that cannot be used is counted under a named reason and
// changes nothing; no more units are returned than were bought; the file is read as a stream, and what is kept in memory
// is one small entry for each invoice, each product and each purchase that could still come back.
//
// It knows no creator's rates, no account and no database: package intake sends what comes out of here.
package orderfile

import (
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/order"
)

// Row is one row of the file, read and checked.
type Row struct {
	Number      int64 // counts the rows after the header from 1
	Invoice     string
	SKU         string
	Description string
	Quantity    int64
	At          time.Time
	Price       string // as it is written: it may have more decimals than the currency
	Customer    string // empty: not known
	Country     string
	Tag         string
	ClickedAt   time.Time
}

// Reason says why a row was not used. The codes are stable.
type Reason string

// The reasons. Those of the mapping's excluded products (`postage`) come beside these.
const (
	RowUnreadable      Reason = "row_unreadable"      // not the number of columns of the header, or broken quotes
	InvoiceUnreadable  Reason = "invoice_unreadable"  // missing, too long, or not printable text
	SKUUnreadable      Reason = "sku_unreadable"      // the same of the product
	TextUnreadable     Reason = "text_unreadable"     // customer, description or tag too long or not text
	TimeUnreadable     Reason = "time_unreadable"     // not in the mapping's form
	TimeOutOfRange     Reason = "time_out_of_range"   // before 1990, or in the future
	QuantityUnreadable Reason = "quantity_unreadable" // not a whole number
	QuantityTooLarge   Reason = "quantity_too_large"  // beyond a million units
	PriceUnreadable    Reason = "price_unreadable"    // not a decimal number
	AmountTooLarge     Reason = "amount_too_large"    // beyond the limit of money
	NegativeQuantity   Reason = "negative_quantity"   // and the invoice is no return
	QuantityZero       Reason = "quantity_zero"
	PriceNotPositive   Reason = "price_not_positive"
	ReturnNotNegative  Reason = "return_not_negative" // a return that takes nothing back
	// ReturnUnmatched is told of units that came back and were bought nowhere in the file; their row counts as a return.
	ReturnUnmatched Reason = "return_unmatched"
)

// Unused is a row, or the part of a return, that became nothing.
type Unused struct {
	Row    Row // what could be read of it
	Reason Reason
	Units  int64 // of a return: those without a purchase
}

// Limits of a file's texts. Ids of events and lines are made from the invoice's, and must stay within order.MaxID.
const (
	maxInvoice = 80
	maxSKU     = 100
	maxRow     = 1 << 20 // bytes: a quote that is never closed must not swallow the file into memory
)

// earliest is what package order takes for the oldest order that can be imported.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// Totals are what the file says, as far as its rows were used. Amounts are in minor units.
type Totals struct {
	Rows    int64 // after the header
	Orders  int64
	Lines   int64
	Units   int64
	Gross   int64 // amount of all lines
	Returns Returns
	Touched int64 // lines with a click
	Refused map[Reason]int64
}

// Returns counts the rows of goods that came back. Every row is one of Matched, InPart and Unmatched.
type Returns struct {
	Rows      int64
	Matched   int64 // every unit found its purchase
	InPart    int64
	Unmatched int64
	Units     int64 // that found their purchase
	Missed    int64 // units that did not
	Events    int64 // a row is split over as many purchases as it takes
	Amount    int64 // of what was found, proportional to the purchases
}

// Net is what is left of the revenue.
func (t Totals) Net() int64 { return t.Gross - t.Returns.Amount }

// RefusedRows sums the rows that were not used.
func (t Totals) RefusedRows() (sum int64) {
	for _, count := range t.Refused {
		sum += count
	}
	return sum
}

// Product is a product as the file names it first: what a page shows where the catalog knows nothing better.
type Product struct {
	SKU      string
	Title    string
	Category string
	Price    int64 // minor units
}

// Group is what is sent in one go: whole orders, as far as they stand together in the file, and what came back.
type Group struct {
	Events   []order.Event
	Products []Product // named for the first time
	Rows     int64     // of the file that are done once this group is
	First    time.Time
	Last     time.Time // the latest instant of any row up to here: time never runs back
}

func clip(text string) string {
	const shown = 40
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return text
}

func unreadable(what string, cause error) error {
	return fault.New(fault.Invalid, "file", what, "send a CSV file in UTF-8, plain or as .gz, with a header row").Because(cause)
}
