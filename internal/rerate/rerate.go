// Package rerate says what a past line would have come to under other rates or another policy (docs/spec.md §7,
// What-if), from the facts of its decision, by the very functions that decided it. It gets values, never a store.
//
// What must always hold: facts are copied and never changed; a draft that changes nothing gives what the line holds;
// where the facts lack what a draft asks for, the answer is that it cannot be said, and why, never a guess.
//
// It lays out targets, not postings: no month is closed for it, since nothing is posted.
package rerate

import (
	"slices"
	"time"

	"tributary/internal/commission"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// Line is a past line: the facts of its decision, what was decided, what happened to its goods, and what the ledger holds.
type Line struct {
	Facts  *commission.Facts
	Basis  commission.Basis
	Events []order.Applied
	Held   commission.Posted
	Reason string // why it comes to nothing, where it does
}

// Outcome is what a line comes to. Amounts are minor units of its marketplace's currency.
type Outcome struct {
	commission.Basis
	Commission int64            // pending and earned together, promotions included
	Promotion  int64            // the promotion's part of it
	Fee        int64            // what the seller pays
	Bases      map[string]int64 // earned base by month, for volume tiers
	Why        string           // the reason why it comes to nothing, where it does
}

// Same tells whether two outcomes pay the same amounts to the same creator.
func (o Outcome) Same(other Outcome) bool {
	return o.Commission == other.Commission && o.Promotion == other.Promotion && o.Fee == other.Fee &&
		o.Winner() == other.Winner()
}

// Winner is the creator who is credited; 0 for nobody.
func (o Outcome) Winner() (creator int64) {
	if o.Credited {
		creator = int64(o.Creator)
	}
	return creator
}

// Draft is what is tried: rates, rules, or both.
type Draft struct {
	rules   Rules
	present *ratecard.Book
	book    *ratecard.Book
	changes differences
	rows    byRow
	tiered  bool
	applied map[policy.Policy]policy.Policy // policies with the rules, so that each is worked out once
}

// New gives a draft. present is what prices lines now, book what would (nil: the same), rules what would be changed in the
// policy that each line was decided under. It is for one goroutine.
func New(present, book *ratecard.Book, rules Rules) *Draft {
	if book == nil {
		book = present
	}
	d := &Draft{rules: rules, present: present, book: book, changes: compare(present, book),
		applied: map[policy.Policy]policy.Policy{}}
	d.rows, d.tiered = d.lookAtRows(), len(present.Volumes)+len(book.Volumes) > 0
	return d
}

// Volume gives the tiers that hold in a month (2026-12) at present and under the draft; nil: none.
func (d *Draft) Volume(month string) (was, would *ratecard.Volume) {
	return d.present.VolumeOf(month), d.book.VolumeOf(month)
}

// Line gives what a line comes to at present and under the draft, as of an instant, or why that cannot be said.
func (d *Draft) Line(l Line, now time.Time) (was, would Outcome, unsaid Unsaid) {
	was = held(l)
	basis, unsaid := d.credit(l)
	if unsaid != "" || basis == l.Basis {
		return was, was, unsaid
	}
	return d.settle(was, basis, termsOf(l.Facts), l.Events, now)
}

// Anew decides a line once more, as if nothing were known but its facts and the draft's book: the proof that facts and
// present book lead to what the line holds.
func (d *Draft) Anew(l Line, now time.Time) Outcome {
	f := *l.Facts
	commission.Price(&f, d.book)
	basis, _ := commission.Credit(f)
	return settled(basis, termsOf(&f), l.Events, now)
}

// held is what the line comes to as it stands.
func held(l Line) Outcome {
	return Outcome{Basis: l.Basis, Commission: l.Held.Total, Promotion: l.Held.Promo, Fee: l.Held.Fee, Bases: l.Held.Bases,
		Why: l.Reason}
}

func termsOf(f *commission.Facts) order.Terms {
	return order.Terms{Quantity: f.Quantity, Net: f.Net, Digital: f.Line.Digital, OrderedAt: f.Line.OrderedAt,
		DigitalMonth: f.DigitalMonth}
}

// settle gives what a line comes to at present and under another basis. What the ledger holds is the present side, unless
// units have lapsed since, or months are asked for.
func (d *Draft) settle(was Outcome, would commission.Basis, terms order.Terms, events []order.Applied,
	now time.Time) (Outcome, Outcome, Unsaid) {
	if d.tiered {
		return settled(was.Basis, terms, events, now), settled(would, terms, events, now), ""
	}
	if now.UnixMicro() > terms.OrderedAt+int64(was.LapseDays)*24*time.Hour.Microseconds() {
		was = amounts(was.Basis, terms, events, now)
	}
	return was, amounts(would, terms, events, now), ""
}

// noMonthCloses keeps all months open: a draft's targets lie in the months in which things happened.
const noMonthCloses = 200 * 366 // days

// settled gives the targets of a line with their months.
func settled(b commission.Basis, terms order.Terms, events []order.Applied, now time.Time) Outcome {
	asDecided := b
	b.HoldDays = noMonthCloses
	t := commission.Settle(b, terms, events, now, commission.Posted{})
	p := t.Posted()
	return Outcome{Basis: asDecided, Commission: p.Total, Promotion: p.Promo, Fee: p.Fee, Bases: p.Bases, Why: string(t.Reason)}
}

// amounts gives the same without months, in a fifth of the time. A test holds the two together.
func amounts(b commission.Basis, terms order.Terms, events []order.Applied, now time.Time) Outcome {
	o := Outcome{Basis: b, Why: string(b.Reason)}
	f := order.History{Terms: terms, Events: events, Now: now, Lapse: time.Duration(b.LapseDays) * 24 * time.Hour}.Fold()
	shipped, kept := f.KeptShipped(), f.Kept(terms.Quantity)
	if b.Seller != "" {
		o.Fee = max(order.AtRate(b.FeeBPS, 0)(f.Base, 0), b.FeeLeast*shipped)
	}
	if b.Reason != "" {
		return o
	}
	// What is pending is never below zero, so that both together are the greater of the two.
	whole := func(c order.Worth) int64 { return max(c(f.Total, kept), c(f.Base, shipped)) }
	o.Commission = whole(order.AtRate(b.BPS, b.Cap))
	if b.Boost != 0 {
		// The base rate's pending part is not kept above zero by itself (docs/spec.md §7): only the line's is.
		o.Promotion = o.Commission - order.AtRate(b.BPS-b.Boost, b.Cap)(f.Total, kept)
	}
	if o.Commission == 0 {
		o.Why = string(commission.Settle(b, terms, events, now, commission.Posted{}).Reason)
	}
	return o
}

// credit judges a line's facts under the draft.
func (d *Draft) credit(l Line) (commission.Basis, Unsaid) {
	f := *l.Facts
	f.Policy = d.policyOf(l.Facts.Policy)
	judged := f.Policy != l.Facts.Policy
	if !judged && !d.changes.any() {
		return l.Basis, ""
	}
	if judged {
		if unsaid := lacking(l.Facts, f.Policy, d.changes.fees); unsaid != "" {
			return l.Basis, unsaid
		}
		f.Unpaid = f.Unpaid && f.Policy.AwaitPayment
		f.FirstShipped = 0
		if f.Policy.RateAt == policy.AtShipment {
			f.FirstShipped = order.History{Terms: termsOf(&f), Events: l.Events, Lapse: f.Policy.Lapse()}.FirstShipped()
		}
	}
	if unsaid := d.tooOld(&f); unsaid != "" {
		return l.Basis, unsaid
	}
	d.price(&f, l.Facts, judged)
	basis, _ := commission.Credit(f)
	if judged {
		return resale(&f, l.Facts, basis)
	}
	return basis, ""
}

func (d *Draft) policyOf(own policy.Policy) policy.Policy {
	if d.rules == (Rules{}) {
		return own
	}
	changed, known := d.applied[own]
	if !known {
		changed = d.rules.Apply(own)
		d.applied[own] = changed
	}
	return changed
}

// price asks the draft's book, and keeps what the draft does not touch as it was decided: what the present book says
// now may be younger than the decision (tiers that came since, a first card that reaches back).
func (d *Draft) price(f, decided *commission.Facts, judged bool) {
	commission.Price(f, d.book)
	if !d.changes.fees {
		f.Fee = decided.Fee
	}
	if f.Kind != decided.Kind || f.Kind == "" {
		return
	}
	kept := !d.changes.prices && f.RatedAt == decided.RatedAt && (!judged || sameWinner(f, decided))
	if kept {
		f.Quote = decided.Quote
	}
	if !d.changes.volumes && (kept || f.Contract == nil && decided.Contract == nil) {
		f.Volume = decided.Volume
	}
}

func sameWinner(f, decided *commission.Facts) bool {
	_, now := commission.Credit(*f)
	_, then := commission.Credit(*decided)
	return now.Winner == then.Winner
}

// differences say what a draft's book changes.
type differences struct {
	prices, fees, volumes bool
	newCustomers          bool // promotions for new customers, which are not there at present
	newcomers             bool // there are such promotions at all
}

func (c differences) any() bool { return c.prices || c.fees || c.volumes }

func compare(present, book *ratecard.Book) (c differences) {
	if present == book {
		return c // newcomers are of no matter then
	}
	c.fees = !sameCards(cardsFor(present, ratecard.SellerFee), cardsFor(book, ratecard.SellerFee))
	c.prices = !slices.EqualFunc(present.Promotions, book.Promotions, samePromotion) || !sameContracts(present, book)
	for _, kind := range []ratecard.Kind{ratecard.Offsite, ratecard.Onsite, ratecard.Boosted} {
		c.prices = c.prices || !sameCards(cardsFor(present, kind), cardsFor(book, kind))
	}
	c.volumes = !slices.EqualFunc(present.Volumes, book.Volumes, func(a, b ratecard.Volume) bool {
		return a.From == b.From && a.Number == b.Number && slices.Equal(a.Bands, b.Bands)
	})
	for _, p := range book.Promotions {
		known := slices.ContainsFunc(present.Promotions, func(other ratecard.Promotion) bool { return samePromotion(p, other) })
		c.newcomers = c.newcomers || p.NewCustomers
		c.newCustomers = c.newCustomers || p.NewCustomers && !known
	}
	return c
}

// cardsFor are a book's cards of a kind.
func cardsFor(b *ratecard.Book, kind ratecard.Kind) (list []*ratecard.Version) {
	for _, v := range b.Cards {
		if v.Kind == kind {
			list = append(list, v)
		}
	}
	return list
}

func sameCards(a, b []*ratecard.Version) bool {
	return slices.EqualFunc(a, b, func(a, b *ratecard.Version) bool {
		return a == b || a.ID == b.ID && a.Effective.Equal(b.Effective) && a.Default == b.Default &&
			slices.Equal(a.Entries, b.Entries)
	})
}

func samePromotion(a, b ratecard.Promotion) bool {
	return a.ID == b.ID && a.From.Equal(b.From) && a.Until.Equal(b.Until) && a.Change == b.Change && a.Value == b.Value &&
		a.NewCustomers == b.NewCustomers && slices.Equal(a.Kinds, b.Kinds) && slices.Equal(a.Categories, b.Categories) &&
		slices.Equal(a.SKUs, b.SKUs)
}

func sameContracts(present, book *ratecard.Book) bool {
	count := func(b *ratecard.Book) (sum int) {
		for _, list := range b.Contracts {
			sum += len(list)
		}
		return sum
	}
	if count(present) != count(book) {
		return false
	}
	for creator, list := range present.Contracts {
		if !slices.EqualFunc(list, book.Contracts[creator], func(a, b ratecard.Contract) bool {
			return a.ID == b.ID && a.Kind == b.Kind && a.BPS == b.BPS && a.Cap == b.Cap && a.From.Equal(b.From) &&
				a.Until.Equal(b.Until) && a.NoPromotions == b.NoPromotions
		}) {
			return false
		}
	}
	return true
}
