package ui

import (
	"fmt"
	"strings"
	"time"

	"tributary/internal/bounty"
	"tributary/internal/explain"
)

// ExplainBounty writes the explanation of a completed action in words, as Explain does for a line.
func ExplainBounty(e *explain.Bounty, me string, f Format, now time.Time) Why {
	name := e.Action
	if e.Offer != nil && e.Offer.Name != "" {
		name = e.Offer.Name
	}
	// Touches read the same as those of a line; what they ask of it is its session and its marketplace.
	of := &explain.Explanation{Currency: e.Currency, SessionEnd: e.SessionEnd, Rules: explain.Rules{SessionHours: e.Rules.SessionHours}}
	x := explainer{of, me, name, f, now}
	w := Why{Currency: e.Currency, Format: f, Postings: e.Postings, Versions: e.Versions}
	total := e.Pending + e.Earned
	switch {
	case total == 0:
		w.Title = "Why " + name + " earned nothing"
	case e.Earned == 0:
		w.Title = "Why you will earn " + x.money(total) + " for " + name
	default:
		w.Title = "Why you earned " + x.money(total) + " for " + name
	}
	for _, t := range e.Touches {
		w.Steps = append(w.Steps, x.touch(t))
	}
	if len(e.Touches) == 0 {
		w.Steps = append(w.Steps, Step{Text: "No click on this bounty's link was known", Kind: "lost"})
	}
	done := x.step(e.CompletedAt, "Done: "+name)
	if e.Value != nil {
		done.Amount = x.money(*e.Value)
	}
	w.Steps = append(w.Steps, done)
	if e.ReversedAt != nil {
		w.Steps = append(w.Steps, x.step(*e.ReversedAt, "Taken back by the store"))
	}
	w.Outcome = x.bountyOutcome(e)
	if e.Pending > 0 {
		w.Changes = []string{fmt.Sprintf("It is earned %d days after it was done, unless the store takes it back before.", e.Rules.WindowDays)}
	}
	if text := heldText(e.Withheld, x.money); text != "" {
		w.Changes = append(w.Changes, text)
	}
	return w
}

func (x explainer) bountyOutcome(e *explain.Bounty) (steps []Step) {
	if o := e.Offer; o != nil {
		s := Step{Text: o.Name + ": " + x.money(o.Amount), Sub: "offered since " + x.f.Date(o.From, x.now)}
		if o.ShareBPS != 0 {
			s.Text = o.Name + ": " + x.f.Percent(o.ShareBPS) + " of the value"
			if o.Max > 0 {
				s.Text += ", at most " + x.money(o.Max)
			}
		}
		if o.NewCustomers {
			s.Sub += "; for new customers"
		}
		if e.Credited && e.Reason == "" {
			s.Amount = x.money(e.Amount)
		}
		steps = append(steps, s)
	}
	if e.Reason != "" {
		s := Step{Text: "Earns nothing: " + Reason(string(e.Reason)), Amount: x.money(e.Pending + e.Earned), Kind: "total"}
		switch {
		case e.Reason == bounty.AlreadyCompleted:
			s.Sub = "an action is paid once per customer: the earliest completion stands"
		case len(e.Matches) > 0:
			s.Sub = "the same here: " + strings.Join(e.Matches, ", ")
		}
		steps = append(steps, s)
	}
	if e.Pending > 0 {
		steps = append(steps, Step{Text: "To come, after " + x.f.Date(e.WindowEnd, x.now), Sub: "the store validates it until then",
			Amount: x.money(e.Pending), Kind: "total"})
	}
	for _, m := range e.Months {
		steps = append(steps, Step{Text: "Earned in " + x.f.Month(marketMonth(m.Month), x.now) + ", payable " + x.f.Date(m.Payable, x.now),
			Amount: x.money(m.Amount), Kind: "total"})
	}
	return steps
}
