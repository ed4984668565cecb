package click

import (
	"cmp"
	"time"

	"tributary/internal/id"
)

// tally counts clicks. What is not counted is filtered: gross is both, always.
type tally struct{ gross, counted int64 }

type hourKey struct {
	market   uint16
	creator  id.ID
	tracking id.ID
	hour     int64
}

type dayKey struct {
	creator id.ID
	market  uint16
	day     int64
	kind    LinkKind
}

type marketDayKey struct {
	market  uint16
	day     int64
	verdict Verdict
}

// tallies are the rollups of one batch.
type tallies struct {
	hours      map[hourKey]tally
	days       map[dayKey]tally
	marketDays map[marketDayKey]tally
	quarters   map[quarterKey]int64 // day of a quarter of an hour: every time zone's midnight begins one
}

type quarterKey struct {
	market  uint16
	quarter int64
}

const (
	hourMicros    = int64(time.Hour / time.Microsecond)
	quarterMicros = hourMicros / 4
)

func (t *tallies) reset() {
	if t.hours == nil {
		t.hours, t.days = map[hourKey]tally{}, map[dayKey]tally{}
		t.marketDays, t.quarters = map[marketDayKey]tally{}, map[quarterKey]int64{}
	}
	clear(t.hours)
	clear(t.days)
	clear(t.marketDays)
	clear(t.quarters)
}

func (t *tallies) add(c *Click, zone func(uint16) *time.Location) {
	one := c.tally()
	micro := c.At.UnixMicro()
	quarter := quarterKey{c.Market, floorDiv(micro, quarterMicros)}
	day, known := t.quarters[quarter]
	if !known {
		day = Day(c.At, zone(c.Market))
		t.quarters[quarter] = day
	}
	bump(t.hours, hourKey{c.Market, c.Creator, c.Tracking, floorDiv(micro, hourMicros)}, one)
	bump(t.days, dayKey{c.Creator, c.Market, day, c.Kind}, one)
	bump(t.marketDays, marketDayKey{c.Market, day, c.Verdict}, one)
}

func (c *Click) tally() tally {
	if c.Counted() {
		return tally{1, 1}
	}
	return tally{1, 0}
}

func bump[K comparable](sums map[K]tally, key K, one tally) {
	sum := sums[key]
	sums[key] = tally{sum.gross + one.gross, sum.counted + one.counted}
}

func floorDiv(n, by int64) int64 {
	quotient := n / by
	if n%by < 0 {
		quotient--
	}
	return quotient
}

// Day is the number of the local date that an instant has in a time zone: days since 1970-01-01.
func Day(at time.Time, zone *time.Location) int64 {
	year, month, day := at.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / int64(24*time.Hour/time.Second)
}

func (k hourKey) compare(o hourKey) int {
	return cmp.Or(cmp.Compare(k.market, o.market), cmp.Compare(k.creator, o.creator),
		cmp.Compare(k.tracking, o.tracking), cmp.Compare(k.hour, o.hour))
}

func (k dayKey) compare(o dayKey) int {
	return cmp.Or(cmp.Compare(k.creator, o.creator), cmp.Compare(k.market, o.market),
		cmp.Compare(k.day, o.day), cmp.Compare(k.kind, o.kind))
}

func (k marketDayKey) compare(o marketDayKey) int {
	return cmp.Or(cmp.Compare(k.market, o.market), cmp.Compare(k.day, o.day), cmp.Compare(k.verdict, o.verdict))
}
