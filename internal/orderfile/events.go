package orderfile

import (
	"errors"
	"io"
	"strconv"
	"time"

	"tributary/internal/fault"
	"tributary/internal/money"
	"tributary/internal/order"
)

// Builder turns rows into events. It reads the same file to the same events every time, so an import that was
// interrupted rebuilds its state by reading again, without sending.
type Builder struct {
	// Tell is called with every row that became nothing, in the order of the file; it may be nil.
	Tell func(Unused)

	reader  *Reader
	mapping *Mapping
	size    int // events of one group, as far as one order allows
	apart   func(before, next time.Time) bool
	shelf   *shelf
	rows    []int32 // rows so far of each invoice, by its index
	orders  []bool  // invoices with a line
	digits  int
	totals  Totals

	group  Group
	placed *order.Event // the order.placed that still gathers lines
	ship   []order.Event
	parts  []part
	held   *Row // read ahead: it did not fit the group before
	ended  bool
}

// NewBuilder reads rows from a file's reader into groups of about that many events. apart tells where a group must end
// between two instants, because something falls due between them; nil: nowhere.
func NewBuilder(r *Reader, size int, apart func(before, next time.Time) bool) *Builder {
	if apart == nil {
		apart = func(time.Time, time.Time) bool { return false }
	}
	return &Builder{reader: r, mapping: r.mapping, size: size, apart: apart, shelf: newShelf(),
		digits: money.Digits(r.mapping.Marketplace.Currency), totals: Totals{Refused: map[Reason]int64{}}}
}

// Totals are those of all groups that were given.
func (b *Builder) Totals() Totals { return b.totals }

// Invoices calls use with every invoice that became an order, in the order of the file.
func (b *Builder) Invoices(use func(invoice string) error) error {
	for i, isOrder := range b.orders {
		if isOrder {
			if err := use(b.shelf.invoices.texts[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Kept counts what is held in memory for matching: purchases that could still come back, and distinct names.
func (b *Builder) Kept() (purchases, names int) {
	s := b.shelf
	return len(s.lines) - len(s.free), len(s.customers.texts) + len(s.products.texts) + len(s.invoices.texts)
}

// Next gives the next group; io.EOF ends the file.
func (b *Builder) Next() (Group, error) {
	if b.ended {
		return Group{}, io.EOF
	}
	b.group = Group{Last: b.group.Last}
	for {
		row, fits, err := b.row()
		if errors.Is(err, io.EOF) {
			b.ended = true
			b.flush()
			b.group.Rows = b.totals.Rows
			return b.group, nil
		}
		if err != nil {
			return Group{}, err
		}
		if !fits {
			b.group.Rows = b.totals.Rows - 1 // the one that is held is still to come
			return b.group, nil
		}
		if row != nil {
			if err := b.take(row); err != nil {
				return Group{}, err
			}
		}
	}
}

// row reads the next usable row, ending the order.placed that it does not belong to, and tells whether it still fits the
// group. One that does not is held for the next.
func (b *Builder) row() (row *Row, fits bool, err error) {
	row, b.held = b.held, nil
	if row == nil {
		read, reason, err := b.reader.Next()
		if err != nil {
			return nil, true, err
		}
		b.totals.Rows++
		if reason != "" {
			b.refuse(&read, reason)
			if read.Invoice != "" { // it still counts within its invoice
				b.count(read.Invoice)
			}
			return nil, true, nil
		}
		row = &read
	}
	if p := b.placed; p != nil && (p.Order != row.Invoice || !p.OccurredAt.Equal(row.At) || len(p.Placed.Lines) == order.MaxLines) {
		b.flush()
	}
	if b.placed == nil {
		full := len(b.group.Events) >= b.size
		started := !b.group.First.IsZero()
		if full || !b.group.Last.IsZero() && b.apart(b.group.Last, row.At) && started {
			b.held = row
			return nil, false, nil
		}
	}
	if b.group.First.IsZero() {
		b.group.First = row.At
	}
	if row.At.After(b.group.Last) {
		b.group.Last = row.At
	}
	return row, true, nil
}

// flush ends the order.placed at hand: its lines ship at the instant at which they were ordered.
func (b *Builder) flush() {
	if b.placed != nil {
		b.group.Events = append(append(b.group.Events, *b.placed), b.ship...)
		b.placed, b.ship = nil, b.ship[:0]
	}
}

func (b *Builder) refuse(row *Row, reason Reason) {
	b.totals.Refused[reason]++
	if b.Tell != nil {
		b.Tell(Unused{Row: *row, Reason: reason})
	}
}

// count numbers a row within its invoice, from 1.
func (b *Builder) count(invoice string) (number, line int32) {
	number, isNew := b.shelf.invoices.of(invoice)
	if isNew {
		b.rows, b.orders = append(b.rows, 0), append(b.orders, false)
	}
	b.rows[number]++
	return number, b.rows[number]
}

// take turns one row into what it means.
func (b *Builder) take(row *Row) error {
	invoice, line := b.count(row.Invoice)
	isReturn := len(row.Invoice) >= len(b.mapping.ReturnPrefix) && row.Invoice[:len(b.mapping.ReturnPrefix)] == b.mapping.ReturnPrefix
	var err error
	reason, excluded := b.mapping.excluded[row.SKU]
	switch {
	case excluded:
		b.refuse(row, reason)
	case isReturn && row.Quantity >= 0:
		b.refuse(row, ReturnNotNegative)
	case isReturn:
		b.giveBack(row, line)
	case row.Quantity < 0:
		b.refuse(row, NegativeQuantity)
	case row.Quantity == 0:
		b.refuse(row, QuantityZero)
	default:
		err = b.sell(row, invoice, line)
	}
	return err
}

// sell adds a line to the order.placed at hand.
func (b *Builder) sell(row *Row, invoice, line int32) error {
	price, err := money.Parse("price", row.Price)
	if err != nil {
		b.refuse(row, PriceUnreadable)
		return nil
	}
	if price.Sign() <= 0 {
		b.refuse(row, PriceNotPositive)
		return nil
	}
	net, err := money.ParseTimes("price", row.Price, row.Quantity, b.digits)
	if err != nil {
		b.refuse(row, AmountTooLarge)
		return nil
	}
	product, isNew := b.shelf.products.of(row.SKU)
	category := b.mapping.category(row.Description)
	if isNew {
		if err := b.name(row, category); err != nil {
			return err
		}
	}
	if row.Customer != "" {
		customer, _ := b.shelf.customers.of(row.Customer)
		b.shelf.add(key{customer, product}, bought{net: net, quantity: int32(row.Quantity), invoice: invoice, line: line})
	}
	id := strconv.Itoa(int(line))
	currency := b.mapping.Marketplace.Currency
	sold := order.Line{ID: id, SKU: row.SKU, Quantity: row.Quantity, Category: category,
		Amount: money.Money{Amount: net, Currency: currency}}
	if row.Tag != "" {
		sold.Touches = []order.Imported{{Tag: row.Tag, ClickedAt: row.ClickedAt}}
	} else if tag := b.mapping.touch(row.Customer); tag != "" {
		before := time.Duration(b.mapping.Touches.MinutesBefore) * time.Minute
		sold.Touches = []order.Imported{{Tag: tag, ClickedAt: row.At.Add(-before)}}
	}
	if len(sold.Touches) > 0 {
		b.totals.Touched++
	}
	if b.placed == nil {
		b.placed = &order.Event{ID: row.Invoice + ":" + id + ":placed", Type: order.TypePlaced, Market: b.mapping.Marketplace.ID,
			OccurredAt: row.At, Order: row.Invoice, Placed: &order.Placed{ID: row.Invoice, Currency: currency}}
		if row.Customer != "" {
			b.placed.Placed.Shopper = &order.Shopper{Customer: row.Customer}
		}
	}
	b.placed.Placed.Lines = append(b.placed.Placed.Lines, sold)
	b.ship = append(b.ship, order.Event{ID: row.Invoice + ":" + id + ":shipped", Type: order.TypeShipped,
		Market: b.mapping.Marketplace.ID, OccurredAt: row.At, Order: row.Invoice, Line: id, Quantity: row.Quantity})
	if !b.orders[invoice] {
		b.orders[invoice] = true
		b.totals.Orders++
	}
	b.totals.Lines++
	b.totals.Units += row.Quantity
	b.totals.Gross += net
	return money.CheckAmount("file", b.totals.Gross)
}

// name notes a product that the file names for the first time.
func (b *Builder) name(row *Row, category string) error {
	price, err := money.ParseTimes("price", row.Price, 1, b.digits)
	if err != nil {
		return fault.Wrap(err, "reading a price")
	}
	title := row.Description
	if title == "" {
		title = row.SKU
	}
	b.group.Products = append(b.group.Products, Product{SKU: row.SKU, Title: title, Category: category, Price: price})
	return nil
}

// giveBack finds the purchases that a return belongs to: same customer, same product, newest first.
func (b *Builder) giveBack(row *Row, line int32) {
	r := &b.totals.Returns
	r.Rows++
	units, left := -row.Quantity, -row.Quantity
	b.parts = b.parts[:0]
	if row.Customer != "" { // nobody knows whose goods came back otherwise
		customer, known := b.shelf.customers.number[row.Customer]
		product, sold := b.shelf.products.number[row.SKU]
		if known && sold {
			b.parts, left = b.shelf.take(key{customer, product}, units, b.parts)
		}
	}
	switch left {
	case 0:
		r.Matched++
	case units:
		r.Unmatched++
	default:
		r.InPart++
	}
	if r.Missed += left; left > 0 && b.Tell != nil {
		b.Tell(Unused{Row: *row, Reason: ReturnUnmatched, Units: left})
	}
	prefix := row.Invoice + ":" + strconv.Itoa(int(line)) + ":returned:"
	for i, p := range b.parts {
		r.Units += p.quantity
		r.Amount += p.amount
		r.Events++
		b.group.Events = append(b.group.Events, order.Event{ID: prefix + strconv.Itoa(i+1), Type: order.TypeReturned,
			Market: b.mapping.Marketplace.ID, OccurredAt: row.At, Order: b.shelf.invoices.texts[p.invoice],
			Line: strconv.Itoa(int(p.line)), Quantity: p.quantity})
	}
}
