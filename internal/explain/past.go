package explain

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

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

// PastLine is a decided line, and once they are read the facts of its decision: all that deciding it anew under other
// rates or another policy takes. Nothing of it may be changed, and it holds until the next page is read.
type PastLine struct {
	Order, Line string
	At          int64 // ordered, microseconds
	SKU         string
	Quantity    int64
	Net         int64
	Digital     bool
	Facts       *commission.Facts // nil until Facts has read them
	Events      []order.Applied   // of its goods, as acknowledged
	Basis       commission.Basis  // what was decided
	Held        commission.Posted // what the ledger holds of it
	Reason      string            // why it is nothing, where it is
	whole       int64             // the version that carries the facts
	subject     string            // among decisions
	category    string
}

// Terms are what the line was ordered with; its facts have been read.
func (p *PastLine) Terms() order.Terms { return decision.Terms(p.Facts) }

// Category is the path of the line's category, in its one form; empty where it is not known. Without facts it is known of
// lines that earn, and of those that a seller pays for.
func (p *PastLine) Category() string {
	if p.Facts == nil {
		return p.category
	}
	return product.CleanCategory(p.Facts.Category)
}

// Past is a reading of a marketplace's decided lines by the time of their order, page by page, each in whatever
// transaction it is asked for. Its memory is that of one page.
type Past struct {
	Market market.Market
	Rates  *ratecard.Book // what prices its lines now
	Lines  int64          // how many there were when the reading began

	until       int64
	at          int64 // where it stands, with order and line
	order, line string
	page        []PastLine
	facts       []commission.Facts
	forms       *forms
}

// lastText stands behind every id, in byte order.
const lastText = "\U0010FFFF"

var (
	// The first bound on `at` says no more than the second: it is the one by which an index is entered.
	selectPast = db.Statement(`SELECT order_id, line_id, at, sku, quantity, amount, digital, whole_version, state, reason FROM line
		WHERE market = $1 AND at < $2 AND at >= $3 AND (at > $3 OR order_id > $4 OR order_id = $4 AND line_id > $5)
		ORDER BY at, order_id, line_id LIMIT $6`)
	countPast = db.Statement(`SELECT COUNT(*) FROM line WHERE market = $1 AND at < $2 AND at >= $3`)
	// Only whole decisions, which begin with their facts, are of use.
	walkWhole = db.Statement(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject >= $2 AND subject <= $3
		AND substr(body, 1, 8) = '{"facts"' ORDER BY subject, version LIMIT $4`)
	selectWhole = db.In(`SELECT subject, version, body FROM decision WHERE lane = $1 AND subject IN ($LIST)`)
)

// OpenPast begins a reading of the lines ordered from one instant until before another.
func OpenPast(tx *db.Tx, marketplace string, from, until time.Time) (*Past, error) {
	all, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(m market.Market) bool { return m.ID == marketplace })
	if at < 0 {
		return nil, fault.New(fault.NotFound, "marketplace", "there is no such marketplace", "name one that exists")
	}
	p := &Past{Market: all[at], until: clock.Micro(until), at: clock.Micro(from) - 1, order: lastText, forms: newForms()}
	if p.Rates, err = ratecard.LoadBook(tx, p.Market.No); err != nil {
		return nil, err
	}
	_, err = tx.One(countPast, []any{&p.Lines}, p.Market.Lane(), p.until, clock.Micro(from))
	return p, fault.Wrap(err, "counting past lines")
}

// Rows reads the next page without facts: rows alone say what was decided and what it came to. A page that is not full is
// the last.
func (p *Past) Rows(tx *db.Tx, limit int) ([]PastLine, error) {
	p.page = slices.Grow(p.page[:0], limit)
	err := tx.Each(selectPast, func(scan func(...any) error) error {
		p.page = append(p.page, PastLine{})
		return p.row(scan, &p.page[len(p.page)-1])
	}, p.Market.Lane(), p.until, p.at, p.order, p.line, int64(limit))
	if n := len(p.page); n > 0 {
		p.at, p.order, p.line = p.page[n-1].At, p.page[n-1].Order, p.page[n-1].Line
	}
	return p.page, fault.Wrap(err, "reading past lines")
}

func (p *Past) row(scan func(...any) error, l *PastLine) error {
	var digital int64
	var state string
	if err := scan(&l.Order, &l.Line, &l.At, &l.SKU, &l.Quantity, &l.Net, &digital, &l.whole, &state, &l.Reason); err != nil {
		return err
	}
	l.Digital = digital == 1
	if p.forms.row(state, l) {
		return nil
	}
	var s decision.State
	err := json.Unmarshal([]byte(state), &s)
	l.Events, l.Held, l.Basis, l.category = s.Events, s.Held, s.Basis, s.Margin.Category
	return err
}

// walked is how many whole decisions a walk passes at most for each line that is looked for.
const walked = 3

// Facts reads the facts of lines of the page. Ids mostly rise with time, so that lines of a page lie side by side among
// the decisions: a walk over these takes a third of looking each one up. Where it meets many others it is given up.
func (p *Past) Facts(tx *db.Tx, lines []*PastLine) error {
	if len(lines) == 0 {
		return nil
	}
	p.facts = slices.Grow(p.facts[:0], len(lines))
	for _, l := range lines {
		l.subject = decision.Subject(l.Order, l.Line)
	}
	wanted := slices.Clone(lines)
	slices.SortFunc(wanted, func(a, b *PastLine) int { return strings.Compare(a.subject, b.subject) })
	left := wanted
	err := tx.Each(walkWhole, func(scan func(...any) error) error {
		var subject string
		var version int64
		var body string
		if err := scan(&subject, &version, &body); err != nil {
			return err
		}
		for len(left) > 0 && left[0].subject < subject {
			left = left[1:]
		}
		if len(left) == 0 || left[0].subject != subject || left[0].whole != version {
			return nil
		}
		return p.read(body, left[0])
	}, p.Market.Lane(), wanted[0].subject, wanted[len(wanted)-1].subject, int64(len(lines)*walked))
	if err != nil {
		return fault.Wrap(err, "reading facts of past lines")
	}
	return p.seek(tx, slices.DeleteFunc(wanted, func(l *PastLine) bool { return l.Facts != nil }))
}

// seek looks each decision up.
func (p *Past) seek(tx *db.Tx, lines []*PastLine) error {
	at := make(map[string]*PastLine, len(lines))
	subjects := make([]any, len(lines))
	for i, l := range lines {
		at[l.subject], subjects[i] = l, l.subject
	}
	return fault.Wrap(tx.In(selectWhole, subjects, func(scan func(...any) error) error {
		var subject string
		var version int64
		var body string
		err := scan(&subject, &version, &body)
		if err == nil && version == at[subject].whole {
			err = p.read(body, at[subject])
		}
		return err
	}, p.Market.Lane()), "reading facts of past lines")
}

// read takes the facts out of a whole decision.
func (p *Past) read(body string, l *PastLine) error {
	p.facts = append(p.facts, commission.Facts{})
	l.Facts = &p.facts[len(p.facts)-1]
	if p.forms.facts(body, l.Facts) {
		return nil
	}
	var d decision.Line
	err := json.Unmarshal([]byte(body), &d)
	l.Facts = d.Facts
	return err
}
