package ui

import (
	"fmt"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/attribution"
	"tributary/internal/order"
)

// Why is a line's explanation as a person reads it: from the click to the cent, in the order in which it happened.
type Why struct {
	Title    string
	Steps    []Step
	Outcome  []Step // what it comes to: rate, months, what is still to come
	Changes  []string
	Postings []accrual.PostingExplained
	Versions []accrual.VersionExplained
	Currency string
	Format   Format
	Facts    string // address of the facts as JSON
}

// Step is one line of the explanation.
type Step struct {
	At     string
	ISO    string
	Text   string
	Sub    string
	Tag    string
	Amount string
	Kind   string // "", lost, total
}

// Explain writes an explanation in words. me is the creator who reads it, empty for staff; product is what was bought.
func Explain(e *accrual.Explanation, me, product string, f Format, now time.Time) Why {
	w := Why{Currency: e.Currency, Format: f, Postings: e.Postings, Versions: e.Versions}
	x := explainer{e, me, product, f, now}
	w.Title = x.title()
	for _, t := range e.Touches {
		w.Steps = append(w.Steps, x.touch(t))
	}
	if len(e.Touches) == 0 {
		w.Steps = append(w.Steps, Step{Text: "No click of a creator was known for this line",
			Sub: "neither sent with it nor remembered for this customer", Kind: "lost"})
	}
	w.Steps = append(w.Steps, x.purchase()...)
	for _, event := range e.Events {
		w.Steps = append(w.Steps, x.event(event))
	}
	w.Outcome = x.outcome()
	w.Changes = x.changes()
	return w
}

// explainer is an explanation with whom it is told to.
type explainer struct {
	e       *accrual.Explanation
	me      string
	product string
	f       Format
	now     time.Time
}

// money writes an amount of the line's marketplace.
func (x explainer) money(amount int64) string { return x.f.Money(amount, x.e.Currency) }

// title says what is explained, with the amount where there is one.
func (x explainer) title() string {
	total := x.e.Pending + x.e.Earned
	switch {
	case total == 0 && x.me != "":
		return "Why " + x.product + " earned nothing"
	case total == 0:
		return "Why " + x.product + " earned nobody anything"
	case x.me == "":
		return "Why " + x.money(total) + " for " + x.product
	case x.e.Earned == 0:
		return "Why you will earn " + x.money(total) + " on " + x.product
	}
	return "Why you earned " + x.money(total) + " on " + x.product
}

// step is something that happened at an instant.
func (x explainer) step(at time.Time, text string) Step {
	return Step{At: x.f.Stamp(at), ISO: x.f.ISO(at), Text: text}
}

// touch tells of a click and what became of it. A creator is not told whose the others are.
func (x explainer) touch(t accrual.TouchExplained) Step {
	text := "A shopper clicked your link"
	switch {
	case x.me == "" && t.Creator == "":
		text = "A click that could not be read was sent along"
	case x.me == "":
		text = "A shopper clicked a link of " + t.Creator
	case t.Creator != x.me:
		text = "A click on another link"
	}
	s := Step{Text: text, Kind: "lost"}
	if t.At != nil {
		s = x.step(*t.At, text)
		s.Kind = "lost"
	}
	if t.Won {
		s.Kind, s.Tag = "", "this click won the line"
		if x.e.SessionEnd != nil {
			s.Sub = "its session: until " + x.f.Stamp(*x.e.SessionEnd)
		}
		return s
	}
	s.Sub = "counted, and a later click won"
	if t.Reason != "" {
		s.Sub = Reason(string(t.Reason))
	}
	return s
}

// purchase tells of cart and order.
func (x explainer) purchase() (steps []Step) {
	if x.e.AddedAt != nil {
		s := x.step(*x.e.AddedAt, "Put into the cart")
		if x.e.Credited {
			s.Sub = fmt.Sprintf("within the session of that click; an order may follow up to %d days after it", x.e.Rules.CartDays)
		}
		steps = append(steps, s)
	}
	s := x.step(x.e.OrderedAt, "Ordered: "+x.f.Count(x.e.Quantity)+" × "+x.product)
	s.Sub, s.Amount = "what was paid for it, without tax and shipping", x.money(x.e.Net)
	if x.e.Digital {
		s.Sub = "digital: it counts as shipped when it is ordered"
	}
	return append(steps, s)
}

// event tells of what happened to the goods later.
func (x explainer) event(event accrual.EventExplained) Step {
	words := map[order.Type]string{order.TypeShipped: "Shipped", order.TypeCancelled: "Cancelled", order.TypeReturned: "Returned",
		order.TypeRefunded: "Refunded"}
	text := words[event.Type]
	if event.Quantity > 0 {
		text += ": " + x.f.Count(event.Quantity) + " of " + x.f.Count(x.e.Quantity)
	}
	s := x.step(event.At, text)
	if event.Amount != nil {
		s.Amount = x.money(-*event.Amount)
	}
	return s
}

// outcome is the sum under the line.
func (x explainer) outcome() (steps []Step) {
	e := x.e
	if e.Credited && e.Rate != nil {
		text := e.Rate.Match
		if text == "default" {
			text = "All other products"
		}
		if e.Reason == "" && e.Goods.Total > 0 {
			text += ", " + x.f.Percent(e.Rate.BPS) + " of " + x.money(e.Goods.Total)
		} else {
			text += ", " + x.f.Percent(e.Rate.BPS)
		}
		since := x.f.Date(e.Rate.Effective, x.now)
		s := Step{Text: text, Sub: fmt.Sprintf("rate card version %d, in force since %s", e.Rate.Version, since)}
		if e.Rate.Cap > 0 {
			s.Sub += "; at most " + x.money(e.Rate.Cap) + " per unit"
		}
		if e.Direct {
			s.Sub += "; same category as the page that was clicked"
		} else {
			s.Sub += "; another category than the page that was clicked"
		}
		steps = append(steps, s)
	}
	if e.Reason != "" {
		return append(steps, Step{Text: "Earns nothing: " + Reason(string(e.Reason)), Sub: x.rule(),
			Amount: x.money(e.Pending + e.Earned), Kind: "total"})
	}
	if e.Pending > 0 {
		steps = append(steps, Step{Text: "To come, when it is shipped", Amount: x.money(e.Pending), Kind: "total"})
	}
	for _, m := range e.Months {
		text := "Earned in " + x.f.Month(marketMonth(m.Month), x.now) + ", payable " + x.f.Date(m.Payable, x.now)
		if !x.now.Before(m.Payable) {
			text = "Earned in " + x.f.Month(marketMonth(m.Month), x.now) + ", payable since " + x.f.Date(m.Payable, x.now)
		}
		steps = append(steps, Step{Text: text, Amount: x.money(m.Amount), Kind: "total"})
	}
	return steps
}

// rule says which rule stands behind a reason, with the numbers that it was decided with.
func (x explainer) rule() string {
	r := x.e.Rules
	ended := ""
	if x.e.SessionEnd != nil {
		ended = " (here until " + x.f.Stamp(*x.e.SessionEnd) + ")"
	}
	switch x.e.Reason {
	case attribution.NoTouch:
		return "a line is credited to a click; without one nobody earned it"
	case attribution.InCartBeforeClick:
		return "what already lies in the cart was not brought by the click"
	case attribution.SessionEnded:
		return "a click counts until the shopper's next order" + ended
	case attribution.Superseded:
		return "a click counts until the shopper clicks another creator's link" + ended
	case attribution.Expired:
		return fmt.Sprintf("a click counts for %d hours, and for what was put into the cart by then for %d days%s",
			r.SessionHours, r.CartDays, ended)
	case attribution.InvalidTraffic:
		return "clicks of machines count for nobody"
	case attribution.PaidAd:
		return "clicks that were bought as ads earn nothing in this marketplace"
	case attribution.EnrolmentNotActive:
		return "an enrolment must be active both at the click and at the order"
	case attribution.SelfPurchase, attribution.RelatedBuyer:
		return "purchases of one's own, or of one's household, earn nothing"
	case attribution.Resale:
		return fmt.Sprintf("more than %d of one product in a month are taken for resale; %d were bought", r.ResaleUnits, r.UnitsBought)
	case attribution.NotFulfilled:
		return fmt.Sprintf("what is not shipped within %d days counts as cancelled", r.LapseDays)
	case attribution.RateZero:
		return "the rate card gives this product 0 %"
	case attribution.RoundsToZero:
		return "the commission is rounded once, half up, and comes to 0"
	case attribution.Returned:
		return "what is given back takes off what it had earned, to the cent"
	case attribution.Cancelled:
		return "what is cancelled is never shipped"
	}
	return ""
}

// changes says what may still move the amount.
func (x explainer) changes() (changes []string) {
	e := x.e
	if e.Pending > 0 {
		changes = append(changes, fmt.Sprintf("Once it is shipped, what is to come is earned, in the month of the shipment. "+
			"What is not shipped within %d days counts as cancelled.", e.Rules.LapseDays))
	}
	if e.Pending+e.Earned > 0 {
		changes = append(changes, "A return or a refund takes off what it gives back, to the cent.")
	}
	if e.Earned > 0 {
		changes = append(changes, fmt.Sprintf("A month is payable %d days after its last day, so that returns come off before "+
			"anything is paid.", e.Rules.HoldDays))
	}
	return changes
}
