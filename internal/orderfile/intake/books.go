package intake

import (
	"context"
	"encoding/json"
	"strings"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/ledger"
	"tributary/internal/order"
	"tributary/internal/orderfile"
)

// Books are what lines and ledger say about the orders of a file. Amounts are in minor units.
type Books struct {
	Orders   int64
	Lines    int64
	Units    int64
	Gross    int64
	Shipped  int64 // amount of what shipped
	Back     int64 // units returned
	Returned int64 // amount of what came back
	Pending  int64 // by the lines
	Earned   int64
	Ledger   Ledger
	Reasons  map[string]int64 // lines that earn nothing, by reason
	Creators map[id.ID]*Credit
}

// Credit is what one creator has of the file.
type Credit struct {
	Lines, Pending, Earned int64
}

// Ledger sums the transfers of the file's lines.
type Ledger struct {
	Pending  int64 // what went to creators' pending accounts, less what left them
	Earned   int64
	Operator int64 // what the operator's commission account gave
}

var (
	selectBooked = db.In(`SELECT order_id, line_id, at, quantity, amount, creator, reason, pending, earned, state FROM line
		WHERE market = $1 AND order_id IN ($LIST)`)
	selectPosted = db.In(`SELECT debit, credit, amount FROM transfer WHERE lane = $1 AND subject IN ($LIST)`)
)

// stride is how many orders are read back at a time: the memory of it is flat.
const stride = 256

// readBooks reads back what the books hold of the file's orders.
func (i *Import) readBooks(tx *db.Tx, builder *orderfile.Builder) (*Books, error) {
	b := &Books{Reasons: map[string]int64{}, Creators: map[id.ID]*Credit{}}
	orders := make([]any, 0, stride)
	read := func() error {
		subjects, err := b.readLines(tx, i, orders)
		if err != nil {
			return err
		}
		orders = orders[:0]
		return b.readLedger(tx, i.market.Lane(), subjects)
	}
	err := builder.Invoices(func(invoice string) error {
		if orders = append(orders, invoice); len(orders) == stride {
			return read()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b, read()
}

func (b *Books) readLines(tx *db.Tx, i *Import, orders []any) (subjects []any, err error) {
	seen := map[string]bool{}
	err = tx.In(selectBooked, orders, func(scan func(...any) error) error {
		var orderID, lineID, reason, state string
		var at, who, pending, earned int64
		var terms order.Terms
		if err := scan(&orderID, &lineID, &at, &terms.Quantity, &terms.Net, &who, &reason, &pending, &earned, &state); err != nil {
			return err
		}
		var kept struct {
			Events []order.Applied `json:"e"`
		}
		if err := json.Unmarshal([]byte(state), &kept); err != nil {
			return err
		}
		terms.OrderedAt = at
		f := order.History{Terms: terms, Events: kept.Events, Now: clock.FromMicro(at), Lapse: i.market.Policy.Lapse()}.Fold()
		if !seen[orderID] {
			seen[orderID] = true
			b.Orders++
		}
		b.Lines++
		b.Units += terms.Quantity
		b.Gross += terms.Net
		b.Shipped += f.ShippedAmount
		b.Back += f.Returned
		b.Returned += f.ReturnedAmount
		b.Pending += pending
		b.Earned += earned
		if reason != "" {
			b.Reasons[reason]++
		} else if who != 0 {
			b.credit(id.ID(who), pending, earned)
		}
		subjects = append(subjects, decision.Subject(orderID, lineID))
		return nil
	}, i.market.Lane())
	return subjects, fault.Wrap(err, "reading lines back")
}

func (b *Books) credit(who id.ID, pending, earned int64) {
	c := b.Creators[who]
	if c == nil {
		c = &Credit{}
		b.Creators[who] = c
	}
	c.Lines++
	c.Pending += pending
	c.Earned += earned
}

func (b *Books) readLedger(tx *db.Tx, lane int64, subjects []any) error {
	return fault.Wrap(tx.In(selectPosted, subjects, func(scan func(...any) error) error {
		var debit, credit string
		var amount int64
		err := scan(&debit, &credit, &amount)
		b.Ledger.move(debit, -amount)
		b.Ledger.move(credit, amount)
		return err
	}, lane), "reading transfers back")
}

func (l *Ledger) move(account string, amount int64) {
	switch {
	case strings.HasPrefix(account, "operator/") && strings.HasSuffix(account, "/commission"):
		l.Operator -= amount
	case strings.HasPrefix(account, "creator/") && strings.HasSuffix(account, "/pending"):
		l.Pending += amount
	case strings.HasPrefix(account, "creator/"):
		l.Earned += amount
	}
}

// reconcile reads the books back and notes every difference to the file.
func (i *Import) reconcile(ctx context.Context, builder *orderfile.Builder, r *Result) error {
	return i.DB.Read(ctx, func(tx *db.Tx) error {
		r.Differences = nil
		if _, err := ledger.Verify(tx, func(text string) { r.Differences = append(r.Differences, text) }); err != nil {
			return err
		}
		var err error
		if r.Books, err = i.readBooks(tx, builder); err != nil {
			return err
		}
		if err := r.nameCreators(tx); err != nil {
			return err
		}
		r.compare()
		return nil
	})
}
