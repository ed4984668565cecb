package market

import (
	"fmt"
	"time"

	"tributary/internal/fault"
)

// Month is a calendar month of a marketplace's time zone, written `2026-01`. It sorts as text.
type Month string

// MonthOf gives the month in which an instant falls, in that zone.
func MonthOf(at time.Time, zone *time.Location) Month { return Month(at.In(zone).Format("2006-01")) }

// ParseMonth reads `2026-01`.
func ParseMonth(field, text string) (Month, error) {
	if _, err := time.Parse("2006-01", text); err != nil || len(text) != 7 {
		return "", fault.Invalidf(field, "%q is not a month", "write it as 2026-01", text[:min(len(text), 12)])
	}
	return Month(text), nil
}

// Payable is the date on which a month becomes payable: holdDays days after its last day (docs/spec.md §10), as an
// instant: 00:00 of that day in the zone. From it on the month is closed.
func (m Month) Payable(zone *time.Location, holdDays int) time.Time {
	var year int
	var month time.Month
	if _, err := fmt.Sscanf(string(m), "%d-%d", &year, &month); err != nil {
		panic("market: bad month " + string(m))
	}
	// Day 0 of the next month is the last day of this one. time.Date normalises the day, and gives the first instant
	// of the date also where a clock change skips midnight (it is asked for noon, and cut back below).
	noon := time.Date(year, month+1, holdDays, 12, 0, 0, 0, zone)
	return startOfDay(noon, zone)
}

// Next is the month after m.
func (m Month) Next() Month {
	at, _ := time.Parse("2006-01", string(m))
	return Month(at.AddDate(0, 1, 0).Format("2006-01"))
}

// Day is a date of a marketplace's time zone, `2026-01-31`.
func Day(at time.Time, zone *time.Location) string { return at.In(zone).Format("2006-01-02") }

// startOfDay is the first instant of the date on which `at` falls. Where clocks jump over midnight that is the instant
// after the jump.
func startOfDay(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	start := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	for start.Day() != local.Day() { // midnight does not exist: time.Date fell back to the day before
		start = start.Add(15 * time.Minute)
	}
	// Where midnight comes twice, time.Date gives the first; step back over an earlier 00:xx of the same date.
	for earlier := start.Add(-15 * time.Minute); earlier.Day() == local.Day(); earlier = start.Add(-15 * time.Minute) {
		start = earlier
	}
	return start
}
