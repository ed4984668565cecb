package order

import (
	"sort"

	"tributary/internal/money"
)

// Worth gives the commission of an amount (minor units) and a number of units: the rate with its cap, and whatever else
// a line's target is made of. It never falls when both rise.
type Worth func(amount, units int64) int64

// AtRate is C(a) of §6: the amount at a rate in basis points, rounded once, under a cap per unit where it is not 0.
func AtRate(bps, limit int64) Worth {
	return func(amount, units int64) int64 {
		c := money.Share(amount, bps)
		if limit > 0 {
			c = min(c, limit*units)
		}
		return c
	}
}

// Months lays out the earned commission of a line over months (§10). posted is what the line's months hold now, open
// tells which of them are open. What closed months hold stands; the rest is spread over open months by booking month,
// reductions off the newest first, rounded cumulatively so that the months add up to worth(earned base). A remainder
// below zero is split over the reductions that caused it, oldest first, each in its booking month. current is the month
// of the decision, for what no open month can take.
func (h History) Months(worth Worth, posted map[string]int64, open func(string) bool, current string) map[string]int64 {
	f := h.Fold()
	earned := worth(f.Base, f.KeptShipped())
	layout := h.shippedByMonth(f, worth, earned)
	result := map[string]int64{}
	left := earned
	for month, amount := range posted {
		if !open(month) {
			result[month] = amount
			left -= amount
		}
	}
	if left < 0 {
		h.splitRemainder(worth, earned-left, left, result, open, current)
		return result
	}
	spread(layout, left, result, open, current)
	return result
}

// bucket is what one month's shipments still hold after reductions.
type bucket struct {
	month         string
	amount, units int64
	earned        int64
}

// shippedByMonth gives the months of shipment, oldest first, each with its part of the earned commission. Reductions come
// off the newest first.
func (h History) shippedByMonth(f Fold, worth Worth, earned int64) []bucket {
	units := map[string]int64{}
	if h.Digital { // shipped in full when placed
		units[h.DigitalMonth] += h.Quantity
	}
	for _, e := range h.Events {
		if e.Type == TypeShipped && e.At <= h.deadline() {
			units[e.Month] += e.Quantity
		}
	}
	buckets := make([]bucket, 0, len(units))
	for month, count := range units {
		buckets = append(buckets, bucket{month: month, units: count})
	}
	sort.Slice(buckets, func(i, j int) bool { return buckets[i].month < buckets[j].month })
	count, before := int64(0), int64(0)
	for i := range buckets {
		count += buckets[i].units
		through := money.MulDiv(h.Net, count, h.Quantity)
		buckets[i].amount, before = through-before, through
	}
	takeOff(buckets, before-f.Base, count-f.KeptShipped())
	var amount, kept, cut int64
	for i := range buckets {
		amount += buckets[i].amount
		kept += buckets[i].units
		through := worth(amount, kept)
		buckets[i].earned, cut = through-cut, through
	}
	if n := len(buckets); n > 0 {
		buckets[n-1].earned += earned - cut
	}
	return buckets
}

// takeOff lowers amounts and units, newest month first.
func takeOff(buckets []bucket, amount, units int64) {
	for i := len(buckets) - 1; i >= 0; i-- {
		a, u := min(amount, buckets[i].amount), min(units, buckets[i].units)
		buckets[i].amount -= a
		buckets[i].units -= u
		amount -= a
		units -= u
	}
}

// spread puts what is left (not below zero) into open months by their layout. Where closed months hold more than their
// layout the open ones give way, newest first; where they hold less, the oldest open one takes it.
func spread(layout []bucket, left int64, result map[string]int64, open func(string) bool, current string) {
	var months []bucket
	sum := int64(0)
	for _, b := range layout {
		if open(b.month) {
			months = append(months, b)
			sum += b.earned
		}
	}
	if len(months) == 0 {
		if left != 0 {
			result[current] += left
		}
		return
	}
	for i := len(months) - 1; i >= 0 && sum > left; i-- {
		less := min(sum-left, max(months[i].earned, 0))
		months[i].earned -= less
		sum -= less
	}
	months[0].earned += left - sum
	for _, b := range months {
		if b.earned != 0 {
			result[b.month] += b.earned
		}
	}
}

// splitRemainder books a remainder below zero on the reductions that caused it, oldest first, each in its booking month;
// stands is what closed months hold.
func (h History) splitRemainder(worth Worth, stands, left int64, result map[string]int64, open func(string) bool, current string) {
	reductions := h.reductions()
	booked := int64(0) // what the reductions so far have caused, not above zero
	for i := range reductions {
		after := h.worthAfter(reductions[:i+1], worth)
		if i == len(reductions)-1 {
			after = stands + left
		}
		caused := min(after-stands, 0)
		part := caused - booked
		if part >= 0 || !open(reductions[i].Month) {
			continue
		}
		result[reductions[i].Month] += part
		booked += part
	}
	if booked != left {
		result[current] += left - booked
	}
}

// reductions gives returns and refunds by booking month, then by acknowledgement.
func (h History) reductions() []Applied {
	var reductions []Applied
	for _, e := range h.Events {
		if e.Type == TypeReturned || e.Type == TypeRefunded {
			reductions = append(reductions, e)
		}
	}
	sort.SliceStable(reductions, func(i, j int) bool { return reductions[i].Month < reductions[j].Month })
	return reductions
}

// worthAfter is what the line would have earned with these reductions alone.
func (h History) worthAfter(reductions []Applied, worth Worth) int64 {
	kept := make([]Applied, 0, len(h.Events))
	for _, e := range h.Events {
		if e.Type == TypeShipped || e.Type == TypeCancelled {
			kept = append(kept, e)
		}
	}
	kept = append(kept, reductions...)
	h.Events = kept
	partial := h.Fold()
	return worth(partial.Base, partial.KeptShipped())
}
