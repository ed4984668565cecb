package commission

import (
	"maps"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/attribution"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

const alice = id.ID(11)

var ordered = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func facts(change func(*Facts)) Facts {
	f := Facts{Form: FactsForm, Market: "us", Currency: "USD", Zone: "America/New_York", SKU: "KETTLE-1", Quantity: 3, Net: 1999,
		Line: attribution.Line{OrderedAt: ordered.UnixMicro(), Place: 7}, Policy: policy.Shipped(), Quote: ratecard.Quote{Rate: &ratecard.Rate{BPS: 450, Match: "Home > Kitchen"}},
		Touches: []attribution.Touch{{Click: 1, Creator: alice, Program: 1, At: ordered.Add(-time.Hour).UnixMicro(), Landed: 1, Place: 7, ActiveThen: true, ActiveNow: true}}}
	change(&f)
	return f
}

// What the facts come to: who is credited, and which reason is told where nothing can be earned.
func TestCredit(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*Facts)
		credited bool
		reason   attribution.Reason
	}{
		"credited":          {func(*Facts) {}, true, ""},
		"no touch":          {func(f *Facts) { f.Touches = nil }, false, attribution.NoTouch},
		"not paid for":      {func(f *Facts) { f.Unpaid = true }, false, attribution.AwaitingPayment},
		"own purchase":      {func(f *Facts) { f.Buyer.Matches = []attribution.Match{{Creator: alice, Kind: "email"}} }, true, attribution.SelfPurchase},
		"another's e-mail":  {func(f *Facts) { f.Buyer.Matches = []attribution.Match{{Creator: 99, Kind: "email"}} }, true, ""},
		"no card":           {func(f *Facts) { f.Rate = nil }, true, attribution.RateZero},
		"rate of nothing":   {func(f *Facts) { f.Rate.BPS = 0 }, true, attribution.RateZero},
		"given away":        {func(f *Facts) { f.Net = 0 }, true, attribution.ZeroPrice},
		"a few cents":       {func(f *Facts) { f.Net = 11 }, true, attribution.RoundsToZero},
		"rate before price": {func(f *Facts) { f.Rate.BPS, f.Net = 0, 0 }, true, attribution.RateZero},
	} {
		b, _ := Credit(facts(c.change))
		if b.Credited != c.credited || b.Reason != c.reason {
			t.Errorf("%s: credited %v, %q; want %v, %q", name, b.Credited, b.Reason, c.credited, c.reason)
		}
		if (b.Creator == alice) != (name != "no touch") {
			t.Errorf("%s: it stands in the report of %d", name, b.Creator)
		}
	}
	if b, _ := Credit(facts(func(*Facts) {})); !b.Direct || b.BPS != 450 || b.Zone != "America/New_York" || b.LapseDays != 180 {
		t.Errorf("%+v", b)
	}
}

// Why a line that earned once earns nothing any more.
func TestReasonsOfWhatIsLeft(t *testing.T) {
	b, _ := Credit(facts(func(*Facts) {}))
	terms := order.Terms{Quantity: 3, Net: 1999, OrderedAt: ordered.UnixMicro()}
	whole := int64(1999)
	soon, late := ordered.Add(48*time.Hour), ordered.Add(181*24*time.Hour)
	shipped := order.Applied{Type: order.TypeShipped, Quantity: 3, At: soon.UnixMicro(), Month: "2026-03"}
	for name, c := range map[string]struct {
		events []order.Applied
		now    time.Time
		want   attribution.Reason
	}{
		"open":      {nil, soon, ""},
		"shipped":   {[]order.Applied{shipped}, soon, ""},
		"cancelled": {[]order.Applied{{Type: order.TypeCancelled, Quantity: 3}}, soon, attribution.Cancelled},
		"returned":  {[]order.Applied{shipped, {Type: order.TypeReturned, Quantity: 3}}, soon, attribution.Returned},
		"refunded":  {[]order.Applied{shipped, {Type: order.TypeRefunded, Amount: &whole}}, soon, attribution.Returned},
		"lapsed":    {nil, late, attribution.NotFulfilled},
		"in part":   {[]order.Applied{{Type: order.TypeShipped, Quantity: 1, At: soon.UnixMicro(), Month: "2026-03"}}, late, ""},
	} {
		if got := Settle(b, terms, c.events, c.now, Posted{}); got.Reason != c.want || got.Pending < 0 || got.Earned < 0 {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}

// A month holds what it holds from 00:00 of its payable date on, in the marketplace's zone, whether or not a job has run.
func TestFrozen(t *testing.T) {
	b, _ := Credit(facts(func(*Facts) {}))
	posted := Posted{Total: 30, Months: map[string]int64{"2026-03": 30}}
	payable := time.Date(2026, 5, 30, 4, 0, 0, 0, time.UTC) // midnight in New York
	if b.Frozen(posted, payable.Add(-time.Microsecond)) || !b.Frozen(posted, payable) || b.Frozen(Posted{}, payable) {
		t.Error("a line is frozen at another instant than 00:00 of the payable date")
	}
	zone, _ := time.LoadLocation("America/New_York")
	march := time.Date(2026, 3, 31, 23, 30, 0, 0, zone)
	if got := Booking(march, payable.Add(-time.Second), zone, 60); got != "2026-03" {
		t.Errorf("an open month: booked in %s", got)
	}
	if got := Booking(march, payable, zone, 60); got != "2026-05" {
		t.Errorf("a closed month: booked in %s", got)
	}
}

// What is settled again from where it stands moves nothing.
func TestSettleIsStable(t *testing.T) {
	b, _ := Credit(facts(func(*Facts) {}))
	terms := order.Terms{Quantity: 3, Net: 1999, OrderedAt: ordered.UnixMicro()}
	events := []order.Applied{{Type: order.TypeShipped, Quantity: 1, At: ordered.UnixMicro(), Month: "2026-03"}, {Type: order.TypeShipped, Quantity: 2, At: ordered.UnixMicro(), Month: "2026-04"}}
	first := Settle(b, terms, events, ordered.AddDate(0, 1, 0), Posted{})
	again := Settle(b, terms, events, ordered.AddDate(0, 3, 0), first.Posted()) // March has closed meanwhile
	if again.Pending != first.Pending || again.Earned != 90 || !maps.Equal(again.Months, map[string]int64{"2026-03": 30, "2026-04": 60}) {
		t.Errorf("%+v, then %+v", first, again)
	}
}
