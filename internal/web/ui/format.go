package ui

import (
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// Format writes numbers and dates for one viewer: numbers as the viewer's locale has them, dates in the marketplace's
// time zone, since that is where days and months begin. Pages are in English; the order of day and month is the locale's.
type Format struct {
	money    *currency.Formatter
	numbers  *message.Printer
	american bool
	zone     *time.Location
}

// NewFormat makes a format from a browser's Accept-Language header; fallback is the marketplace's own locale.
func NewFormat(accept, fallback string, zone *time.Location) Format {
	locale := fallback
	if tags, _, err := language.ParseAcceptLanguage(accept); err == nil && len(tags) > 0 {
		base, _ := tags[0].Base()
		if region, confidence := tags[0].Region(); confidence >= language.High || locale == "" {
			locale = base.String() + "-" + region.String()
		} else if base.String() != "en" {
			locale = base.String()
		}
	}
	formatter := currency.NewFormatter(currency.NewLocale(locale))
	return Format{money: formatter, numbers: message.NewPrinter(language.Make(locale)), zone: zone,
		american: strings.HasSuffix(locale, "-US")}
}

// Money writes minor units with their currency: $1,206.40.
func (f Format) Money(amount int64, code string) string {
	value, err := currency.NewAmountFromInt64(amount, code)
	if err != nil {
		return strconv.FormatInt(amount, 10) + " " + code // a currency that the marketplace's own check let through
	}
	return strings.Replace(f.money.Format(value), "-", "−", 1)
}

// Count writes a whole number with the viewer's marks between thousands.
func (f Format) Count(n int64) string { return f.numbers.Sprintf("%d", n) }

// Percent writes basis points: 450 is "4.5 %".
func (f Format) Percent(bps int64) string { return ratecard.FormatPercent(bps) + " %" }

// Date writes a date with its year where it is not that of now: "29 January".
func (f Format) Date(at, now time.Time) string {
	local := at.In(f.zone)
	form := "2 January"
	if f.american {
		form = "January 2"
	}
	if local.Year() != now.In(f.zone).Year() {
		form += " 2006"
		if f.american {
			form = "January 2, 2006"
		}
	}
	return local.Format(form)
}

// Stamp writes day and time of day: "Sun 22 Nov 14:03".
func (f Format) Stamp(at time.Time) string {
	if f.american {
		return at.In(f.zone).Format("Mon Jan 2, 3:04 PM")
	}
	return at.In(f.zone).Format("Mon 2 Jan 15:04")
}

// Clock writes the time of day: "14:03".
func (f Format) Clock(at time.Time) string {
	if f.american {
		return at.In(f.zone).Format("3:04 PM")
	}
	return at.In(f.zone).Format("15:04")
}

// Recent writes the time of day for what happened today, and the day for what did not.
func (f Format) Recent(at, now time.Time) string {
	if market.Day(at, f.zone) == market.Day(now, f.zone) {
		return f.Clock(at)
	}
	if f.american {
		return at.In(f.zone).Format("Jan 2")
	}
	return at.In(f.zone).Format("2 Jan")
}

// Month writes a month by name, with its year where it is not that of now: "November".
func (f Format) Month(month market.Month, now time.Time) string {
	at, err := time.Parse("2006-01", string(month))
	if err != nil {
		return string(month)
	}
	if at.Year() != now.In(f.zone).Year() {
		return at.Format("January 2006")
	}
	return at.Format("January")
}

// ISO writes an instant for machines, in a <time> element.
func (f Format) ISO(at time.Time) string { return at.In(f.zone).Format(time.RFC3339) }

// DayName writes a date of a chart, given as 2026-11-22: "Sun 22 Nov".
func DayName(date string) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return at.Format("Mon 2 Jan")
}

// Age writes how long something has waited, in its largest unit: "4 min".
func Age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// Plural writes a count with its noun: "1 line", "3 lines".
func Plural(f Format, n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return f.Count(n) + " " + many
}
