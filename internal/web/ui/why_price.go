package ui

import (
	"fmt"
	"strings"

	"tributary/internal/explain"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

// outcome is the sum under the line: at which rate, by which promotion, in which months.
func (x explainer) outcome() (steps []Step) {
	e := x.e
	if e.Credited && (e.Rate != nil || e.Contract != nil) {
		steps = append(steps, x.rates()...)
	}
	if f := e.Finding; f != nil {
		s := Step{Text: "Found in breach of the rules: " + f.Words, Sub: strings.Join(f.Evidence, "; "), Kind: "lost"}
		if f.By != "" {
			s.Sub = strings.TrimPrefix(s.Sub+"; found by "+f.By, "; ")
		}
		steps = append(steps, s)
	}
	if e.Fee != nil && e.Fee.Amount != 0 {
		steps = append(steps, Step{Text: "Seller " + e.Fee.Seller + " pays a fee of " + x.f.Percent(e.Fee.BPS), Sub: "by " + entryName(e.Fee.Match) +
			fmt.Sprintf(", schedule version %d; the commission is paid out of it", e.Fee.Version), Amount: x.money(e.Fee.Amount)})
	}
	if e.Reason != "" {
		return append(steps, Step{Text: "Earns nothing: " + Reason(string(e.Reason)), Sub: x.rule(),
			Amount: x.money(e.Pending + e.Earned), Kind: "total"})
	}
	for _, m := range e.Volume {
		steps = append(steps, Step{Text: "Counts for volume tiers in " + x.f.Month(marketMonth(m.Month), x.now),
			Sub: "what a month earns on top depends on all of its lines", Amount: x.money(m.Amount)})
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

func entryName(match string) string {
	if match == "default" {
		return "All other products"
	}
	return match
}

// rates tells of the rate: the card's entry or the contract, then the promotion, each with its own part of the amount.
func (x explainer) rates() (steps []Step) {
	e := x.e
	earns := e.Reason == "" && e.Goods.Total > 0
	s := x.baseRate()
	if earns {
		s.Text += " of " + x.money(e.Goods.Total)
		s.Amount = x.money(e.Pending + e.Earned - e.PromoPending - e.PromoEarned)
	}
	steps = append(steps, s)
	for _, o := range e.Promotions {
		s := Step{Text: o.Name + ": " + x.change(o)}
		switch {
		case o.Applied && earns:
			s.Sub, s.Amount = "the best promotion that fitted; all in all "+x.f.Percent(o.BPS), x.money(e.PromoPending+e.PromoEarned)
		case o.Applied:
			s.Sub = "the best promotion that fitted; all in all " + x.f.Percent(o.BPS)
		default:
			s.Sub, s.Kind = "fitted too, and pays no more: "+x.f.Percent(o.BPS)+" in all", "lost"
		}
		steps = append(steps, s)
	}
	return steps
}

// baseRate is the rate before any promotion, and why it is that one.
func (x explainer) baseRate() Step {
	e := x.e
	var sub []string
	limit := int64(0)
	s := Step{}
	if c := e.Contract; c != nil {
		s.Text, limit = "Your contract, "+x.f.Percent(c.BPS), c.Cap
		if x.me == "" {
			s.Text = "The creator's contract, " + x.f.Percent(c.BPS)
		}
		sub = append(sub, "in force since "+x.f.Date(c.From, x.now))
		if e.Rate != nil {
			sub = append(sub, "the rate card gives "+entryName(e.Rate.Match)+" "+x.f.Percent(e.Rate.BPS))
		}
		if c.NoPromotions {
			sub = append(sub, "promotions do not raise it")
		}
	} else {
		s.Text, limit = entryName(e.Rate.Match)+", "+x.f.Percent(e.Rate.BPS), e.Rate.Cap
		card := "rate card"
		switch e.Rate.Kind {
		case ratecard.Onsite:
			card = "card for views on product pages"
		case ratecard.Boosted:
			card = "card for boosted views"
		}
		sub = append(sub, fmt.Sprintf("%s version %d, in force since %s", card, e.Rate.Version, x.f.Date(e.Rate.Effective, x.now)))
	}
	switch e.Rules.RateAt {
	case policy.AtClick:
		sub = append(sub, "the card of the click applies")
	case policy.AtShipment:
		sub = append(sub, "the card of the first shipment applies")
	}
	if limit > 0 {
		sub = append(sub, "at most "+x.money(limit)+" per unit")
	}
	if e.Direct {
		sub = append(sub, "same category as the page that was clicked")
	} else {
		sub = append(sub, "another category than the page that was clicked")
	}
	s.Sub = strings.Join(sub, "; ")
	return s
}

func (x explainer) change(o explain.Offer) string {
	switch o.Change {
	case ratecard.Set:
		return "sets the rate to " + x.f.Percent(o.Value)
	case ratecard.Add:
		return "adds " + x.f.Percent(o.Value)
	}
	return "multiplies the rate by " + ratecard.FormatFactor(o.Value)
}
