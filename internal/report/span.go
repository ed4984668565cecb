package report

import (
	"sort"
	"time"

	"tributary/internal/fault"
	"tributary/internal/market"
)

// Span is a range of months, both ends included.
type Span struct{ From, To market.Month }

// MaxMonths bounds a span: three years beside each other are what a table can show.
const MaxMonths = 36

// Months beyond these years are typing errors.
const (
	firstYear = 1990
	lastYear  = 2199
)

// MonthsUpTo is the span of so many months that ends with one.
func MonthsUpTo(to market.Month, count int) Span {
	from := to
	for range count - 1 {
		from = monthBefore(from)
	}
	return Span{from, to}
}

// Check refuses a span that no report can be made of.
func (s Span) Check() error {
	first, last := number(s.From), number(s.To)
	switch {
	case first < firstYear*12 || last >= (lastYear+1)*12:
		return fault.Invalidf("from", "is not within the years %d to %d", "send months such as 2026-01", firstYear, lastYear)
	case last < first:
		return fault.Invalidf("to", "is before from", "send the later month as to")
	case last-first >= MaxMonths:
		return fault.Invalidf("to", "is more than %d months after from", "ask for a shorter time", MaxMonths)
	}
	return nil
}

// Months lists them, oldest first.
func (s Span) Months() []market.Month {
	var months []market.Month
	for month := s.From; month <= s.To && len(months) < MaxMonths; month = month.Next() {
		months = append(months, month)
	}
	return months
}

// number counts months since the year 0; negative for what is no month.
func number(month market.Month) int {
	at, err := time.Parse(monthForm, string(month))
	if err != nil {
		return -1
	}
	return at.Year()*12 + int(at.Month()) - 1
}

const monthForm = "2006-01"

func monthBefore(month market.Month) market.Month {
	at, _ := time.Parse(monthForm, string(month)) // what is no month becomes one that Check refuses
	return market.Month(at.AddDate(0, -1, 0).Format(monthForm))
}

// Bounds are the first instant of the span and the first one after it, as Filter takes them.
func (s Span) Bounds(m market.Market) (from, to time.Time) {
	return time.UnixMicro(monthStart(s.From, m)).UTC(), time.UnixMicro(monthStart(s.To.Next(), m)).UTC()
}

// calendar knows where the months of a span begin.
type calendar struct {
	months []market.Month
	starts []int64 // microseconds; one more than months, the last is where the span ends
}

func (s Span) calendar(m market.Market) calendar {
	c := calendar{months: s.Months()}
	for _, month := range c.months {
		c.starts = append(c.starts, monthStart(month, m))
	}
	c.starts = append(c.starts, monthStart(s.To.Next(), m))
	return c
}

// monthStart is the first instant of a month, microseconds: the day after the last one of the month before, which exists
// also where the clocks jump over midnight.
func monthStart(month market.Month, m market.Market) int64 {
	return monthBefore(month).Payable(m.Location(), 1).UnixMicro()
}

// at gives the month of an instant; −1 where it lies outside the span.
func (c calendar) at(micro int64) int {
	i := sort.Search(len(c.starts), func(i int) bool { return c.starts[i] > micro }) - 1
	if i == len(c.months) {
		return -1
	}
	return i
}

func (c calendar) first() int64 { return c.starts[0] }
func (c calendar) end() int64   { return c.starts[len(c.starts)-1] }

// Share is part of whole in basis points, rounded half up; 0 where there is no whole. Amounts end at 10^15
// (docs/spec.md §2), so that the product fits.
func Share(part, whole int64) int64 {
	if whole <= 0 || part <= 0 {
		return 0
	}
	return int64((uint64(part)*fullShare + uint64(whole)/2) / uint64(whole))
}

const fullShare = 10_000
