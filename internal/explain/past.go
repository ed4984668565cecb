package explain

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/product"
	"tributary/internal/ratecard"
)

// PastLine is a decided line with the facts of its decision: all that deciding it anew under other rates or another
// policy takes. Nothing of it may be changed.
type PastLine struct {
	Order, Line string
	At          int64 // ordered, microseconds
	SKU         string
	Quantity    int64
	Net         int64
	Digital     bool
	Facts       *commission.Facts // nil until PastFacts has read them
	Events      []order.Applied   // of its goods, as acknowledged
	Basis       commission.Basis  // what was decided
	Held        commission.Posted // what the ledger holds of it
	Reason      string            // why it is nothing, where it is
	Pending     int64             // minor units, as Earned
	Earned      int64
	whole       int64  // the version that carries the facts
	subject     string // among decisions
	category    string
}

// Terms are what the line was ordered with.
func (p *PastLine) Terms() order.Terms { return decision.Terms(p.Facts) }

// Category is the path of the line's category, in its one form; empty where it is not known. Without facts it is known of
// lines that earn, and of those that a seller pays for.
func (p *PastLine) Category() string {
	if p.Facts == nil {
		return p.category
	}
	return product.CleanCategory(p.Facts.Category)
}

// PastCursor is where a reading of past lines stands.
type PastCursor struct {
	At          int64
	Order, Line string
}

// PastFrom is where a reading begins that starts at an instant.
func PastFrom(from time.Time) PastCursor {
	return PastCursor{At: clock.Micro(from) - 1, Order: lastText}
}

// lastText stands behind every id, in byte order.
const lastText = "\U0010FFFF"

var (
	selectWhole = db.In(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject IN ($LIST)`)
	// Only whole decisions, which begin with their facts, are of use.
	walkWhole = db.Statement(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject >= $2 AND subject <= $3
		AND substr(body, 1, 8) = '{"facts"' ORDER BY subject, version LIMIT $4`)
	// The first bound on `at` says no more than the second: it is the one by which an index is entered.
	selectPast = db.Statement(`SELECT order_id, line_id, at, sku, quantity, amount, digital, whole_version, state, pending, earned, reason FROM line
		WHERE market = $1 AND at < $2 AND at >= $3 AND (at > $3 OR order_id > $4 OR order_id = $4 AND line_id > $5)
		ORDER BY at, order_id, line_id LIMIT $6`)
	countPast = db.Statement(`SELECT COUNT(*) FROM line WHERE market = $1 AND at < $2 AND at >= $3`)
)

// PastCount counts the lines ordered from one instant until before another.
func PastCount(tx *db.Tx, marketplace uint16, from, until time.Time) (count int64, err error) {
	_, err = tx.One(countPast, []any{&count}, int64(marketplace), clock.Micro(until), clock.Micro(from))
	return count, fault.Wrap(err, "counting past lines")
}

// PastMarket gives a marketplace and what prices its lines.
func PastMarket(tx *db.Tx, marketplace string) (market.Market, *ratecard.Book, error) {
	all, err := market.All(tx)
	if err != nil {
		return market.Market{}, nil, err
	}
	for _, m := range all {
		if m.ID == marketplace {
			rates, err := ratecard.LoadBook(tx, m.No)
			return m, rates, err
		}
	}
	return market.Market{}, nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
}

// Past reads decided lines by the time of their order, up to before an instant: a page of at most limit after the cursor,
// which it moves. The memory of a long reading is that of one page.
func Past(tx *db.Tx, marketplace uint16, until time.Time, cursor *PastCursor, limit int) ([]PastLine, error) {
	page, err := PastRows(tx, marketplace, until, cursor, limit)
	if err != nil {
		return nil, err
	}
	lines := make([]*PastLine, len(page))
	for i := range page {
		lines[i] = &page[i]
	}
	return page, PastFacts(tx, marketplace, lines)
}

// kept is what is read of a line's row beside its columns: decision.State without what only sums ask for.
type kept struct {
	Basis  commission.Basis  `json:"b"`
	Events []order.Applied   `json:"e"`
	Held   commission.Posted `json:"h"`
	Margin struct {
		Category string `json:"k"`
	} `json:"m"`
}

// PastRows reads the same lines without their facts: their rows alone say what was decided and what it came to.
func PastRows(tx *db.Tx, marketplace uint16, until time.Time, cursor *PastCursor, limit int) ([]PastLine, error) {
	page := make([]PastLine, 0, limit)
	err := tx.Each(selectPast, func(scan func(...any) error) error {
		page = append(page, PastLine{})
		p := &page[len(page)-1]
		var text []byte
		var digital int64
		if err := scan(&p.Order, &p.Line, &p.At, &p.SKU, &p.Quantity, &p.Net, &digital, &p.whole, &text, &p.Pending, &p.Earned, &p.Reason); err != nil {
			return err
		}
		var k kept
		if err := json.Unmarshal(text, &k); err != nil {
			return err
		}
		p.Events, p.Held, p.Basis, p.category, p.Digital = k.Events, k.Held, k.Basis, k.Margin.Category, digital == 1
		cursor.At, cursor.Order, cursor.Line = p.At, p.Order, p.Line
		return nil
	}, int64(marketplace), clock.Micro(until), cursor.At, cursor.Order, cursor.Line, int64(limit))
	return page, fault.Wrap(err, "reading past lines")
}

// PastFacts reads the facts of past lines. Ids mostly rise with time, so that lines of a page lie side by side among the
// decisions: a walk over these takes a third of looking each one up. Where the walk meets many others it is given up.
func PastFacts(tx *db.Tx, marketplace uint16, lines []*PastLine) error {
	if len(lines) == 0 {
		return nil
	}
	for _, p := range lines {
		p.subject = decision.Subject(p.Order, p.Line)
	}
	wanted := slices.Clone(lines)
	slices.SortFunc(wanted, func(a, b *PastLine) int { return strings.Compare(a.subject, b.subject) })
	left := wanted
	first, last := wanted[0].subject, wanted[len(wanted)-1].subject
	err := tx.Each(walkWhole, func(scan func(...any) error) error {
		var subject string
		var version int64
		var body []byte
		if err := scan(&subject, &version, &body); err != nil {
			return err
		}
		for len(left) > 0 && left[0].subject < subject {
			left = left[1:]
		}
		if len(left) == 0 || left[0].subject != subject || left[0].whole != version {
			return nil
		}
		return left[0].read(body)
	}, int64(marketplace), first, last, int64(len(lines)*walked))
	if err != nil {
		return fault.Wrap(err, "reading facts of past lines")
	}
	missed := slices.DeleteFunc(wanted, func(p *PastLine) bool { return p.Facts != nil })
	return seekFacts(tx, marketplace, missed)
}

// walked is how many whole decisions a walk passes at most for each line that is looked for.
const walked = 3

// seekFacts looks each decision up.
func seekFacts(tx *db.Tx, marketplace uint16, lines []*PastLine) error {
	at := make(map[string]*PastLine, len(lines))
	subjects := make([]any, len(lines))
	for i, p := range lines {
		at[p.subject], subjects[i] = p, p.subject
	}
	return fault.Wrap(tx.In(selectWhole, subjects, func(scan func(...any) error) error {
		var subject string
		var version int64
		var body []byte
		err := scan(&subject, &version, &body)
		if err == nil && version == at[subject].whole {
			err = at[subject].read(body)
		}
		return err
	}, int64(marketplace)), "reading facts of past lines")
}

// read takes the facts out of a whole decision, which begins with them; what was made of them is not looked at.
func (p *PastLine) read(body []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body))
	for range 2 { // the object and its first name
		if _, err := decoder.ReadToken(); err != nil {
			return err
		}
	}
	p.Facts = &commission.Facts{}
	return json.UnmarshalDecode(decoder, p.Facts)
}
