package ui

import (
	"time"

	"tributary/internal/market"
	"tributary/internal/report"
)

// Reaches lays balances out as the places of the river: ordered, the open months, payable, in payment, held. The newest
// month stands first, since downstream is the past; the running month is there also while nothing is earned in it. href,
// if set, leads to the lines of a place: by `state` or by `month`.
func Reaches(b report.Balances, m market.Market, f Format, now time.Time, href func(name, value string) string) []Reach {
	if href == nil {
		href = func(string, string) string { return "" }
	}
	reach := func(label string, value int64, note, leadsTo string) Reach {
		return Reach{Label: label, Amount: f.Money(value, m.Currency), Value: value, Note: note, Href: leadsTo}
	}
	reaches := []Reach{reach("Ordered, not shipped", b.Pending, "earned when it ships", href("state", report.StateOrdered))}
	months := b.Months
	if this := m.Month(now); len(months) == 0 || months[len(months)-1].Month < this {
		empty := report.MonthPart{Month: this, Payable: this.Payable(m.Location(), m.Policy.HoldDays)}
		months = append(months[:len(months):len(months)], empty)
	}
	for i := len(months) - 1; i >= 0; i-- {
		reaches = append(reaches, reach("Earned, "+f.Month(months[i].Month, now), months[i].Amount,
			"payable "+f.Date(months[i].Payable, now), href("month", string(months[i].Month))))
	}
	due := reach("Payable now", b.Payable, nextPayment(b, m, f, now), "")
	due.Due = true
	reaches = append(reaches, due)
	if b.InPayment != 0 {
		paying := reach("In payment", b.InPayment, "on its way", "")
		paying.Due = true
		reaches = append(reaches, paying)
	}
	if b.Held != 0 {
		reaches = append(reaches, reach("Held", b.Held, "until the enrolment is approved", ""))
	}
	return reaches
}

// nextPayment says when more becomes payable.
func nextPayment(b report.Balances, m market.Market, f Format, now time.Time) string {
	for _, part := range b.Months {
		if part.Amount > 0 {
			return "next " + f.Money(part.Amount, m.Currency) + " on " + f.Date(part.Payable, now)
		}
	}
	return "nothing else is earned yet"
}
