package accrual

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"tributary/internal/bounty"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/order"
)

// group is one transaction's work: what it read, what it changed.
type group struct {
	a    *Accrual
	tx   *db.Tx
	book *book
	now  time.Time
	no   uint16

	known   map[string][]byte // hash by event id, of earlier groups and of this one
	orders  map[string]*purchase
	fresh   []*purchase // orders that are new, moved in time or paid: their lines' facts are gathered
	dirty   []*line     // lines that are decided in this group, in order of arrival
	shipped []*line     // lines whose first shipment changed, where that decides the card
	waiting map[string][]waiting
	claims  map[string]*claim // completed bounties, by the store's id
	decided []*claim          // those that are decided in this group
	nearby  []nearby          // bounties of shoppers of whom an order came in

	standings map[enrolment.Key]enrolment.History // as far as they were asked for
	// What is withheld from now on, and no more.
	withheldRows, withheldGone [][]any
	sold                       map[enrolment.Key]bool // enrolments on trial that a line of this group is credited to

	eventRows   [][]any
	waitingRows [][]any
	waitingGone [][]any
	keyRows     [][]any
	keysGone    [][]any
	unlogged    []click.Token // clicks that the log could not take: presented, they enter it
	notes       []note
	out         posting
}

// waiting is an early event as it is kept. Its booking month was fixed when it was first acknowledged.
type waiting struct {
	Event    order.Event `json:"event"`
	Month    string      `json:"month"`
	Turn     int64       `json:"turn,omitempty"` // with Index: in which order events of one instant were acknowledged
	Index    int         `json:"index,omitempty"`
	received int64
}

// acknowledged orders what waits as it was acknowledged.
func acknowledged(a, b waiting) int {
	return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.Turn, b.Turn), cmp.Compare(a.Index, b.Index))
}

// note is a row of the outbox.
type note struct {
	topic   string
	creator int64
	body    any
}

func (a *Accrual) open(tx *db.Tx, marketplace uint16) (*group, error) {
	b, err := a.readBook(tx, marketplace)
	if err != nil {
		return nil, err
	}
	return &group{a: a, tx: tx, book: b, now: tx.Now(), no: marketplace, known: map[string][]byte{},
		orders: map[string]*purchase{}, waiting: map[string][]waiting{}, claims: map[string]*claim{},
		standings: map[enrolment.Key]enrolment.History{}, sold: map[enrolment.Key]bool{}}, nil
}

func (g *group) lane() int64 { return int64(g.no) }

// take folds events in order of arrival, gathers the facts of what is new, and decides.
func (g *group) take(events []Incoming) ([]Result, error) {
	if err := g.read(events); err != nil {
		return nil, err
	}
	results := make([]Result, len(events))
	for i := range events {
		results[i] = g.apply(&events[i])
	}
	if err := g.gather(); err != nil {
		return nil, err
	}
	if err := g.decide(); err != nil {
		return nil, err
	}
	return results, g.decideBounties()
}

// read brings what the events speak of: their ids, their orders with lines, and what waits for these.
func (g *group) read(events []Incoming) error {
	ids := make([]any, len(events))
	orders := make([]string, 0, len(events))
	var placed []any
	var bounties []string
	for i, e := range events {
		ids[i] = e.Event.ID
		switch e.Event.Type {
		case order.TypeBountyCompleted:
			placed, bounties = append(placed, bountyMark+e.Event.Bounty), append(bounties, e.Event.Bounty)
			continue
		case order.TypeBountyReversed:
			bounties = append(bounties, e.Event.Bounty)
			continue
		case order.TypePlaced:
			placed = append(placed, e.Event.Order)
		}
		orders = append(orders, e.Event.Order)
	}
	if err := g.tx.In(selectEvents, ids, func(scan func(...any) error) error {
		var one string
		var hash []byte
		err := scan(&one, &hash)
		g.known[one] = hash
		return err
	}, g.lane()); err != nil {
		return fault.Wrap(err, "reading event ids")
	}
	if err := g.readOrders(orders); err != nil {
		return err
	}
	if err := g.readLines(orders); err != nil {
		return err
	}
	if err := g.keep(bounty.ClaimsByID(g.tx, g.no, bounties)); err != nil {
		return err
	}
	return fault.Wrap(g.tx.In(selectWaiting, placed, func(scan func(...any) error) error {
		var w waiting
		var orderID, eventID, body string
		if err := scan(&orderID, &w.received, &eventID, &body); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &w); err != nil {
			return err
		}
		g.waiting[orderID] = append(g.waiting[orderID], w)
		return nil
	}, g.lane()), "reading waiting events")
}

// apply gives one event its fate. What is refused changes nothing.
func (g *group) apply(in *Incoming) Result {
	e := &in.Event
	result := Result{ID: e.ID, Order: e.Order, Bounty: e.Bounty}
	if hash, again := g.known[e.ID]; again {
		if bytes.Equal(hash, in.Hash) {
			result.Status = order.Duplicate
			return result
		}
		result.Status, result.Reason = order.Refused, "id_reused"
		result.Detail = "id: was used for an event with other content; give every event an id of its own"
		return result
	}
	switch e.Type {
	case order.TypePlaced:
		result.Status, result.Reason = g.place(in)
	case order.TypePaid:
		result.Status, result.Reason = g.pay(e)
	case order.TypeBountyCompleted:
		result.Status, result.Reason = g.complete(in)
	case order.TypeBountyReversed:
		result.Status, result.Reason = g.reverse(e)
	default:
		result.Status, result.Reason = g.happen(e, g.booking(e.OccurredAt))
	}
	if result.Status == order.Refused {
		result.Detail = order.Refusals[result.Reason]
		return result
	}
	g.known[e.ID] = in.Hash
	g.eventRows = append(g.eventRows, []any{g.lane(), e.ID, in.Hash, clock.Micro(g.now)})
	return result
}

func (g *group) booking(happened time.Time) string {
	m := g.book.market
	return commission.Booking(happened, g.now, m.Location(), m.Policy.HoldDays)
}

// place takes an order.placed: a new order, or further lines of a known one.
func (g *group) place(in *Incoming) (order.Answer, string) {
	e := &in.Event
	at := clock.Micro(e.OccurredAt)
	p := g.orders[e.Order]
	if p != nil {
		added := 0
		for i := range e.Placed.Lines {
			known := p.lines[e.Placed.Lines[i].ID]
			if known == nil {
				added++
			} else if !bytes.Equal(known.ordered.Content, e.Placed.Lines[i].Content()) {
				return order.Refused, "order_changed"
			}
		}
		if added == 0 && at >= p.at {
			return order.Duplicate, ""
		}
	} else {
		p = &purchase{id: e.Order, at: at, received: clock.Micro(g.now), isNew: true, loaded: true, lines: map[string]*line{}}
		g.orders[p.id] = p
	}
	if at < p.at {
		if p.wasAt == 0 {
			p.wasAt = p.at
		}
		p.at = at
	}
	if p.facts.Shopper.Known == nil {
		p.facts.Shopper = in.Facts
	}
	if !g.book.market.Policy.AwaitPayment {
		p.paid = p.at
	}
	for i := range e.Placed.Lines {
		if sent := &e.Placed.Lines[i]; p.lines[sent.ID] == nil {
			g.addLine(p, sent, e.OccurredAt).coupons = e.Placed.Coupons
		}
	}
	g.refresh(p)
	g.takeWaiting(p)
	return order.Accepted, ""
}

func (g *group) addLine(p *purchase, sent *order.Line, placed time.Time) *line {
	l := &line{order: p, id: sent.ID, sku: sent.SKU, isNew: true, judge: true}
	l.ordered = decision.Ordered{Category: sent.Category, Seller: sent.Seller, Content: sent.Content()}
	l.terms = order.Terms{Quantity: sent.Quantity, Net: sent.Amount.Amount, Digital: sent.Digital, OrderedAt: p.at}
	if sent.AddedAt != nil {
		l.ordered.Added = clock.Micro(*sent.AddedAt)
	}
	if sent.Digital {
		l.ordered.Digital = g.booking(placed)
		l.terms.DigitalMonth = l.ordered.Digital
	}
	l.sent = sent
	p.lines[l.id] = l
	p.sequence = append(p.sequence, l)
	p.facts.Physical = p.facts.Physical || !sent.Digital
	return l
}

// refresh marks an order whose lines' facts are to be gathered.
func (g *group) refresh(p *purchase) {
	if !p.changed {
		p.changed = true
		g.fresh = append(g.fresh, p)
	}
}

// takeWaiting applies what waited for an order, oldest acknowledgement first. What contradicts the order after all is
// dropped and reported: it was acknowledged as waiting, and the first stands.
func (g *group) takeWaiting(p *purchase) {
	var still []waiting
	slices.SortStableFunc(g.waiting[p.id], acknowledged)
	for _, w := range g.waiting[p.id] {
		var answer order.Answer
		var reason string
		if w.Event.Type == order.TypePaid {
			p.paid, answer = clock.Micro(w.Event.OccurredAt), order.Accepted
		} else if p.lines[w.Event.Line] == nil {
			still = append(still, w)
			continue
		} else {
			answer, reason = g.happen(&w.Event, w.Month)
		}
		if answer == order.Refused {
			g.notes = append(g.notes, note{topic: "order.dropped", body: map[string]string{"event": w.Event.ID, "order": p.id, "reason": reason}})
		}
		g.waitingGone = append(g.waitingGone, []any{g.lane(), p.id, w.received, w.Event.ID})
	}
	g.waiting[p.id] = still
}

// wait keeps an event until what it speaks of, named by key, is known.
func (g *group) wait(key string, e *order.Event) {
	w := waiting{Event: *e, Month: g.booking(e.OccurredAt), Turn: g.tx.Turn(g.lane()), Index: len(g.waitingRows), received: clock.Micro(g.now)}
	body, err := json.Marshal(w)
	if err != nil {
		panic(err)
	}
	g.waiting[key] = append(g.waiting[key], w)
	g.waitingRows = append(g.waitingRows, []any{g.lane(), key, w.received, e.ID, string(body)})
}

func (g *group) pay(e *order.Event) (order.Answer, string) {
	p := g.orders[e.Order]
	if p == nil {
		g.wait(e.Order, e)
		return order.Waiting, "order_not_known"
	}
	if p.paid == 0 {
		p.paid = clock.Micro(e.OccurredAt)
		g.refresh(p)
	}
	return order.Accepted, ""
}

// happen takes a line's event with its booking month.
func (g *group) happen(e *order.Event, month string) (order.Answer, string) {
	p := g.orders[e.Order]
	if p == nil || p.lines[e.Line] == nil {
		g.wait(e.Order, e)
		return order.Waiting, "order_not_known"
	}
	l := p.lines[e.Line]
	next := order.Applied{Type: e.Type, Quantity: e.Quantity, At: clock.Micro(e.OccurredAt), Month: month}
	if e.Amount != nil {
		amount := e.Amount.Amount
		next.Amount = &amount
	}
	h := order.History{Terms: l.terms, Events: l.state.Events, Now: g.now, Lapse: time.Duration(l.state.Basis.LapseDays) * 24 * time.Hour}
	answer, reason := h.Admit(next)
	if answer == order.Refused {
		return answer, reason
	}
	l.state.Events = append(l.state.Events, next)
	if l.state.Later && next.Type == order.TypeShipped {
		g.shipped = append(g.shipped, l)
	}
	g.mark(l)
	return answer, reason
}

// mark puts a line among those that are decided.
func (g *group) mark(l *line) {
	if !l.changed {
		l.changed = true
		g.dirty = append(g.dirty, l)
	}
}
