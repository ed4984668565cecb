package ui

import (
	"fmt"
	"strings"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/explain"
	"tributary/internal/order"
	"tributary/internal/policy"
)

// Why is a line's explanation as a person reads it: from the click to the cent, in the order in which it happened.
type Why struct {
	Title    string
	Steps    []Step
	Outcome  []Step // what it comes to: rate, months, what is still to come
	Changes  []string
	Postings []explain.Posting
	Versions []explain.Version
	Currency string
	Format   Format
	Facts    string // address of the facts as JSON
	Ask      string // address at which a creator asks about the order; empty for staff
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
func Explain(e *explain.Explanation, me, product string, f Format, now time.Time) Why {
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
	e       *explain.Explanation
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

// touch tells of a click, a view or a coupon and what became of it. A creator is not told whose the others are.
func (x explainer) touch(t explain.Touch) Step {
	s := Step{Text: x.touchText(t)}
	if t.At != nil {
		s = x.step(*t.At, s.Text)
	}
	s.Kind = "lost"
	if t.Won {
		s.Kind, s.Tag = "", "this "+touchNoun(t)+" won the line"
		if x.e.SessionEnd != nil {
			s.Sub = "its session: until " + x.f.Stamp(*x.e.SessionEnd)
		}
		if t.Source == attribution.FromCustomer {
			s.Sub = "known from when the customer was signed in; " + s.Sub
		}
		if t.Coupon != "" {
			s.Sub = "a coupon counts where no click or view does"
			if x.e.Rules.CouponsFirst {
				s.Sub = "a coupon comes before clicks and views in this marketplace"
			}
		}
		return s
	}
	s.Sub = "counted, and a later click won"
	switch {
	case t.View && t.Reason == attribution.NoTouch:
		s.Sub = fmt.Sprintf("not one for this line: a view counts from %d seconds, for %s", x.e.Rules.ViewSeconds, scopes[x.e.Rules.ViewScope])
	case t.Reason == attribution.NoTouch:
		s.Sub = "not valid on the day of the order"
	case t.Reason != "":
		s.Sub = Reason(string(t.Reason))
	}
	if t.Rule != "" {
		s.Sub += " (found afterwards, by the rule " + t.Rule + ")"
	}
	return s
}

var scopes = map[policy.Scope]string{policy.ScopeProduct: "the product that was shown", policy.ScopeVariation: "the product that was shown and its variations",
	policy.ScopeCategory: "products of the same category"}

func touchNoun(t explain.Touch) string {
	switch {
	case t.Coupon != "" || t.Source == attribution.FromCoupon:
		return "coupon"
	case t.View:
		return "view"
	}
	return "click"
}

func (x explainer) touchText(t explain.Touch) string {
	mine, noun := x.me != "" && t.Creator == x.me, touchNoun(t)
	switch {
	case x.me == "" && t.Creator == "":
		return "A " + noun + " that could not be read was sent along"
	case noun == "coupon" && mine:
		return "Your coupon " + t.Coupon + " was used"
	case noun == "coupon" && x.me == "":
		return "Coupon " + t.Coupon + " of " + t.Creator + " was used"
	case noun == "view" && mine:
		return fmt.Sprintf("A shopper watched your video for %d seconds", t.Seconds)
	case noun == "view" && x.me == "":
		return fmt.Sprintf("A shopper watched a video of %s for %d seconds", t.Creator, t.Seconds)
	case mine:
		return "A shopper clicked your link"
	case x.me == "":
		return "A shopper clicked a link of " + t.Creator
	case noun == "view":
		return "A view of another video"
	case noun == "coupon":
		return "Another creator's coupon"
	}
	return "A click on another link"
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
func (x explainer) event(event explain.Event) Step {
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
		text := "purchases of one's own, or of one's household, earn nothing"
		if len(r.Matches) > 0 {
			text += "; the same here: " + strings.Join(r.Matches, ", ")
		}
		return text
	case attribution.Resale:
		return fmt.Sprintf("more than %d of one product in %d days are taken for resale; %d were bought", r.ResaleUnits, r.ResaleDays, r.UnitsBought)
	case attribution.ExcludedProduct:
		if x.e.Rate != nil {
			return x.e.Rate.Match + " is excluded by the rate card, version " + x.f.Count(x.e.Rate.Version)
		}
	case attribution.PolicyViolation:
		return "a person found it in breach of the program's rules; it earns again if the finding is taken back"
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

// heldText says that what was earned waits, and for what; empty where it does not.
func heldText(w *explain.Withheld, money func(int64) string) string {
	switch {
	case w == nil:
		return ""
	case w.Fate == policy.Forfeited:
		return money(w.Amount) + " went back to the shop when the enrolment ended without approval."
	case w.Amount == 0:
		return "What it earns is withheld until the enrolment is approved, and is given free then."
	}
	return money(w.Amount) + " of it is withheld until the enrolment is approved, and is given free then."
}

// changes says what may still move the amount.
func (x explainer) changes() (changes []string) {
	e := x.e
	if text := heldText(e.Withheld, x.money); text != "" {
		changes = append(changes, text)
	}
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
