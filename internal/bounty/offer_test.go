package bounty

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
)

// in gives an instant so many days after noon.
func in(days int) time.Time { return noon.AddDate(0, 0, days) }

func signup(amount int64, from, until int) Offer {
	o := Offer{Action: "business_signup", Name: "Sign-up", Amount: amount, From: in(from), Page: "/business"}
	if until != 0 {
		o.Until = in(until)
	}
	return o
}

func TestTheOfferInForce(t *testing.T) {
	base, season, later := signup(1500, 0, 0), signup(2500, 10, 20), signup(1800, 30, 40)
	base.ID, season.ID, later.ID = 1, 2, 3
	offers := []Offer{season, base, later, {ID: 4, Action: "trade_in", From: in(-90)}}
	for day, want := range map[int]id.ID{-1: 0, 0: 1, 9: 1, 10: 2, 19: 2, 20: 1, 30: 3, 40: 1} {
		got := id.ID(0)
		if o := At(offers, "business_signup", in(day)); o != nil {
			got = o.ID
		}
		if got != want {
			t.Errorf("day %d: offer %d, want %d", day, got, want)
		}
	}
	if current := Current(offers, in(12)); len(current) != 2 || current[0].ID != 2 || current[1].ID != 4 {
		t.Errorf("current: %+v", current)
	}
}

// What is over, taken back or replaced for good is not ahead; what holds again later is.
func TestAhead(t *testing.T) {
	offers := []Offer{signup(1500, -90, 0), signup(1600, -60, 0), signup(2500, -5, 20), signup(900, -80, -70), signup(3000, 30, 40), signup(3100, 30, 40),
		signup(4000, 50, 50), {Action: "trade_in", From: in(-400), Until: in(1)}}
	for i := range offers {
		offers[i].ID = id.ID(i + 1)
	}
	var got []id.ID
	for _, o := range Ahead(offers, noon) {
		got = append(got, o.ID)
	}
	if want := []id.ID{2, 3, 6, 8}; !slices.Equal(got, want) {
		t.Errorf("ahead: %v, want %v", got, want)
	}
}

func TestWorth(t *testing.T) {
	value := int64(12000)
	small := int64(25)
	for _, c := range []struct {
		offer Offer
		value *int64
		want  int64
	}{
		{Offer{Amount: 1500}, nil, 1500}, {Offer{Amount: 1500}, &value, 1500}, {Offer{ShareBPS: 200}, &value, 240}, {Offer{ShareBPS: 200, Max: 100}, &value, 100},
		{Offer{ShareBPS: 200}, &small, 1}, {Offer{ShareBPS: 200}, nil, 0},
	} {
		if got := c.offer.Worth(c.value); got != c.want {
			t.Errorf("%+v: %d, want %d", c.offer, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	bad := func(change func(*Offer)) Offer {
		o := signup(1500, 0, 0)
		change(&o)
		return o
	}
	for want, o := range map[string]Offer{
		"action: is not the name":    bad(func(o *Offer) { o.Action = "Business" }),
		"action: is not":             bad(func(o *Offer) { o.Action = "" }),
		"name: is missing":           bad(func(o *Offer) { o.Name = "" }),
		"name: is missing, or":       bad(func(o *Offer) { o.Name = "two\nlines" }),
		"amount: an offer pays":      bad(func(o *Offer) { o.Amount = 0 }),
		"amount: an offer":           bad(func(o *Offer) { o.ShareBPS = 200 }),
		"amount: is negative":        bad(func(o *Offer) { o.Amount = -1 }),
		"share: is not between":      bad(func(o *Offer) { o.Amount, o.ShareBPS = 0, 10_001 }),
		"max: is negative":           bad(func(o *Offer) { o.Amount, o.ShareBPS, o.Max = 0, 200, -1 }),
		"max: is negative, or":       bad(func(o *Offer) { o.Max = 5 }),
		"amount: ":                   bad(func(o *Offer) { o.Amount = 2_000_000_000_000_000 }),
		"page: is not the address":   bad(func(o *Offer) { o.Page = "" }),
		"page: is not":               bad(func(o *Offer) { o.Page = "business" }),
		"window_days: is 366":        bad(func(o *Offer) { o.WindowDays = 366 }),
		"from: is missing":           bad(func(o *Offer) { o.From = time.Time{} }),
		"until: is not after":        bad(func(o *Offer) { o.Until = o.From }),
		"until: is not after its be": bad(func(o *Offer) { o.Until = in(-5) }),
		"from: is in the year":       bad(func(o *Offer) { o.From = o.From.AddDate(900, 0, 0) }),
		"until: is in the year":      bad(func(o *Offer) { o.Until = o.From.AddDate(900, 0, 0) }),
	} {
		if err := o.Check(); err == nil || !strings.HasPrefix(err.Error(), want) || fault.Of(err).Fix == "" {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, marketplace := range []string{"us", "uk"} {
		for _, o := range Shipped(marketplace, noon) {
			if err := o.Check(); err != nil {
				t.Errorf("shipped %s: %v", o.Action, err)
			}
			if marketplace != "us" && o.Action == "trade_in" {
				t.Error("trade-ins are taken in one region only")
			}
		}
	}
}

func TestDays(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	from, until, err := Days("2026-03-01", "2026-03-31", zone)
	if err != nil || from.Format(time.RFC3339) != "2026-03-01T05:00:00Z" || until.Format(time.RFC3339) != "2026-04-01T04:00:00Z" {
		t.Errorf("%v to %v, %v", from, until, err)
	}
	if first, last := (Offer{From: from, Until: until}).Dates(zone); first != "2026-03-01" || last != "2026-03-31" {
		t.Errorf("%s to %s", first, last)
	}
	if _, until, err := Days("2026-03-01", "", zone); err != nil || !until.IsZero() {
		t.Errorf("without end: %v, %v", until, err)
	}
	if first, last := (Offer{From: from}).Dates(zone); first != "2026-03-01" || last != "" {
		t.Errorf("%s to %q", first, last)
	}
	cairo, err := time.LoadLocation("Africa/Cairo") // there is no midnight on 2026-04-24
	if err != nil {
		t.Fatal(err)
	}
	if from, _, err := Days("2026-04-24", "", cairo); err != nil || from.In(cairo).Format("2006-01-02 15:04") != "2026-04-24 01:00" {
		t.Errorf("%v, %v", from.In(cairo), err)
	}
	for _, bad := range []string{"", "1 March", "2026-02-30"} {
		if _, _, err := Days(bad, "", zone); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
