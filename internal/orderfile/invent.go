package orderfile

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"tributary/internal/fault"
	"tributary/internal/money"
)

// The shape of an invented file: that of a wholesaler of gifts, so that a bench means something where no real file is.
const (
	inventedLines     = 25    // of an order, on average
	inventedCustomers = 2_700 // of 200,000 rows
	inventedProducts  = 3_400
	returnsInThousand = 18
	badInThousand     = 6
	anonymousPercent  = 30 // rows without a customer
	invoiceEvery      = 20 * time.Minute
)

var inventedWords = []string{"BLUE", "SMALL", "METAL", "MUG", "CUSHION", "TEA", "TIN", "GARDEN", "LANTERN", "BAG", "CARD", "PARTY",
	"FRAME", "CHRISTMAS", "BAKING", "RING", "SIGN", "CLOCK", "WRAP", "TOY"}

type inventor struct {
	*rand.Rand
	out     *csv.Writer
	at      time.Time
	invoice int
	sold    [][3]string // customer, sku, price: what may come back
}

// Invent writes a file of that many rows in the columns of examples/online-retail.json. The same seed gives the same file.
func Invent(out io.Writer, rows int, seed uint64) error {
	v := &inventor{Rand: rand.New(rand.NewPCG(seed, 0)), out: csv.NewWriter(out), invoice: 600_000,
		at: time.Date(2010, 12, 1, 8, 0, 0, 0, time.UTC)}
	v.write("invoice", "sku", "description", "quantity", "invoiced_at", "unit_price_gbp", "customer", "country")
	for written := 0; written < rows; {
		v.at = v.at.Add(time.Duration(v.Int64N(2 * int64(invoiceEvery)))).Truncate(time.Minute)
		v.invoice++
		if written > 0 && v.IntN(1000) < returnsInThousand*inventedLines {
			v.giveBack()
			written++
			continue
		}
		written += v.order(min(1+v.IntN(2*inventedLines-1), rows-written))
	}
	v.out.Flush()
	return fault.Wrap(v.out.Error(), "writing an invented file")
}

func (v *inventor) write(fields ...string) { _ = v.out.Write(fields) } // Error is asked once, at the end

func (v *inventor) order(lines int) int {
	customer := strconv.Itoa(10_000 + v.IntN(inventedCustomers))
	if v.IntN(100) < anonymousPercent {
		customer = ""
	}
	for range lines {
		n := v.IntN(inventedProducts)
		sku, quantity := fmt.Sprintf("P%05d", n), strconv.Itoa(1+v.IntN(24))
		price := money.Decimal(int64(25+n*7%1500), 2)
		if v.IntN(1000) < badInThousand {
			quantity = "-" + quantity
		} else if customer != "" {
			v.sold = append(v.sold, [3]string{customer, sku, price})
		}
		v.row(strconv.Itoa(v.invoice), sku, quantity, price, customer)
	}
	return lines
}

func (v *inventor) giveBack() {
	if len(v.sold) == 0 {
		v.row("C"+strconv.Itoa(v.invoice), "P00001", "-1", "1.00", "")
		return
	}
	one := v.sold[v.IntN(len(v.sold))]
	v.row("C"+strconv.Itoa(v.invoice), one[1], strconv.Itoa(-1-v.IntN(12)), one[2], one[0])
}

func (v *inventor) row(invoice, sku, quantity, price, customer string) {
	n, _ := strconv.Atoi(sku[1:])
	words := len(inventedWords)
	title := inventedWords[n%words] + " " + inventedWords[(n/words+3)%words] + " " + sku
	v.write(invoice, sku, title, quantity, v.at.Format(time.RFC3339), price, customer, "United Kingdom")
}
