package orderfile

import (
	"strings"

	"tributary/internal/money"
)

// bought is what is left of one line that a customer could still send back. It is the only thing kept of a line: 32 bytes.
type bought struct {
	net      int64 // amount of the whole line
	quantity int32 // units of the line
	back     int32 // units that came back already
	invoice  int32 // index of its name
	line     int32 // its number within the invoice
	before   int32 // the purchase before it of the same customer and product; -1: none
}

// key is a customer and a product, by their indexes.
type key struct{ customer, product int32 }

// shelf holds the purchases that returns are matched with. Its size follows the distinct purchases that are not wholly
// returned, and the distinct names; those of rows are not kept.
type shelf struct {
	customers names
	products  names
	invoices  names
	newest    map[key]int32 // index of the newest purchase
	lines     []bought
	free      []int32 // places of lines that came back whole
}

func newShelf() *shelf { return &shelf{newest: map[key]int32{}} }

// names gives every distinct text a small number.
type names struct {
	number map[string]int32
	texts  []string
}

func (n *names) of(text string) (number int32, isNew bool) {
	if known, ok := n.number[text]; ok {
		return known, false
	}
	if n.number == nil {
		n.number = map[string]int32{}
	}
	kept := strings.Clone(text) // the text is a part of its whole row
	number = int32(len(n.texts))
	n.number[kept] = number
	n.texts = append(n.texts, kept)
	return number, true
}

// add notes a purchase.
func (s *shelf) add(k key, b bought) {
	b.before = -1
	if last, ok := s.newest[k]; ok {
		b.before = last
	}
	at := int32(len(s.lines))
	if last := len(s.free) - 1; last >= 0 {
		at, s.free = s.free[last], s.free[:last]
		s.lines[at] = b
	} else {
		s.lines = append(s.lines, b)
	}
	s.newest[k] = at
}

// part is what a return takes back of one purchase.
type part struct {
	invoice  int32
	line     int32
	quantity int64
	amount   int64 // proportional to the purchase, after what came back before: the parts of a line sum to its amount
}

// take gives back so many units of a customer's purchases of a product, newest first, split over several. What it could
// not match is left.
func (s *shelf) take(k key, quantity int64, parts []part) (found []part, left int64) {
	left = quantity
	at, ok := s.newest[k]
	for ok && left > 0 {
		b := &s.lines[at]
		units := min(left, int64(b.quantity-b.back))
		before := money.MulDiv(b.net, int64(b.back), int64(b.quantity))
		b.back += int32(units)
		amount := money.MulDiv(b.net, int64(b.back), int64(b.quantity)) - before
		parts = append(parts, part{b.invoice, b.line, units, amount})
		left -= units
		if b.back < b.quantity {
			break
		}
		s.free = append(s.free, at)
		if at = b.before; at < 0 {
			delete(s.newest, k)
			ok = false
		} else {
			s.newest[k] = at
		}
	}
	return parts, left
}
