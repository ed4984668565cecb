package bounty

import (
	"time"

	"tributary/internal/fault"
)

// Shipped gives the offers that the product comes with (docs/spec.md §7), for a marketplace and from an instant on. Their
// links lead to the store's first page until the operator names a better one. Trade-ins are taken in one region.
func Shipped(marketplace string, from time.Time) []Offer {
	offers := []Offer{
		{Action: "business_signup", Name: "A company opens a business account", Amount: 1500, NewCustomers: true},
		{Action: "trial_music", Name: "A music trial is begun", Amount: 300, NewCustomers: true},
		{Action: "trial_audiobooks", Name: "An audiobook trial is begun", Amount: 500, NewCustomers: true},
		{Action: "trial_delivery", Name: "A trial of free delivery is begun", Amount: 1000, NewCustomers: true},
	}
	if marketplace == "us" {
		offers = append(offers, Offer{Action: "trade_in", Name: "A used device is traded in", ShareBPS: 200})
	}
	for i := range offers {
		offers[i].From, offers[i].Page = from, "/"
	}
	return offers
}

const day = "2006-01-02"

// Days reads an offer's dates as forms and files show them: local dates, the last day included. An empty last day is
// without end.
func Days(first, last string, zone *time.Location) (from, until time.Time, err error) {
	if from, err = startOf("from", first, 0, zone); err != nil || last == "" {
		return from, until, err
	}
	until, err = startOf("until", last, 1, zone)
	return from, until, err
}

// Dates writes them: the local dates of its first and its last day, the latter empty where it has no end.
func (o Offer) Dates(zone *time.Location) (first, last string) {
	first = o.From.In(zone).Format(day)
	if !o.Until.IsZero() {
		last = o.Until.Add(-time.Microsecond).In(zone).Format(day)
	}
	return first, last
}

func startOf(field, text string, daysAfter int, zone *time.Location) (time.Time, error) {
	date, err := time.Parse(day, text)
	if err != nil {
		return date, fault.Invalidf(field, "is not a date", "write it as 2026-01-31").Because(err)
	}
	date = date.AddDate(0, 0, daysAfter)
	start := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, zone)
	for start.Day() != date.Day() { // clocks jump over this midnight, and the day begins after the jump
		start = start.Add(15 * time.Minute)
	}
	return start.UTC(), nil
}
