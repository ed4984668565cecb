package bounty

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/attribution"
	"tributary/internal/id"
	"tributary/internal/policy"
)

const (
	alice = id.ID(1)
	bob   = id.ID(2)
	offer = id.ID(77)
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func hours(n int) int64 { return noon.Add(time.Duration(n) * time.Hour).UnixMicro() }

// own is a click on a link of the bounty, plain one on any other link.
func own(c id.ID, hour int) attribution.Touch {
	t := plain(c, hour)
	t.Bounty, t.Link = offer, 5
	return t
}

func plain(c id.ID, hour int) attribution.Touch {
	return attribution.Touch{Source: attribution.FromToken, Click: int64(c)*1000 + int64(hour), Creator: c, Program: 1, Tracking: c * 10,
		At: hours(hour), ActiveThen: true, ActiveNow: true}
}

// facts are those of a completion four hours after noon, for 15.00, of a new customer.
func facts(touches ...attribution.Touch) Facts {
	return Facts{Form: FactsForm, Market: "us", Currency: "USD", Zone: "UTC", Bounty: "b-1", Action: "business_signup", At: hours(4), New: true,
		Offer: &Offer{ID: offer, Amount: 1500, From: noon}, Touches: touches, Policy: policy.Shipped(), Month: "2026-03"}
}

func changed(f Facts, change func(*Facts)) Facts { change(&f); return f }

func TestReasons(t *testing.T) {
	value := int64(20)
	match := func(c id.ID, kind string) func(*Facts) {
		return func(f *Facts) { f.Buyer.Matches = []attribution.Match{{Creator: c, Kind: kind}} }
	}
	for _, c := range []struct {
		name    string
		facts   Facts
		creator id.ID
		amount  int64
		reason  attribution.Reason
	}{
		{"a click on its link", facts(own(alice, 0)), alice, 1500, ""},
		{"the later of two", facts(own(alice, 0), own(bob, 1)), bob, 1500, ""},
		{"a day has passed", changed(facts(own(alice, 0)), func(f *Facts) { f.At = hours(24) + 1 }), alice, 0, attribution.Expired},
		{"the last instant of the day", changed(facts(own(alice, 0)), func(f *Facts) { f.At = hours(24) }), alice, 1500, ""},
		{"another creator's link in between ends the session", facts(own(alice, 0), plain(bob, 2)), alice, 0, attribution.Superseded},
		{"the creator's own other link ends nothing", facts(own(alice, 0), plain(alice, 2)), alice, 1500, ""},
		{"an order in between ends the session", changed(facts(own(alice, 0)), func(f *Facts) { f.Ends = []int64{hours(2)} }), alice, 0,
			attribution.SessionEnded},
		{"another link of the creator is not its own", facts(plain(alice, 0)), 0, 0, attribution.NoTouch},
		{"no click", facts(), 0, 0, attribution.NoTouch},
		{"a token that cannot be read", facts(attribution.Touch{Broken: attribution.BadToken}), 0, 0, attribution.BadToken},
		{"a broken token beside its own link", facts(own(alice, 0), attribution.Touch{Broken: attribution.WrongMarketplace, At: hours(3)}), alice, 1500, ""},
		{"the reason speaks of its own link", changed(facts(own(alice, 0), attribution.Touch{Broken: attribution.WrongMarketplace, At: hours(3)}),
			func(f *Facts) { f.Touches[0].Paid = true }), alice, 0, attribution.PaidAd},
		{"invalid traffic", changed(facts(own(alice, 0)), func(f *Facts) { f.Touches[0].Invalid = true }), alice, 0, attribution.InvalidTraffic},
		{"not enrolled any more", changed(facts(own(alice, 0)), func(f *Facts) { f.Touches[0].ActiveNow = false }), alice, 0,
			attribution.EnrolmentNotActive},
		{"clicked after it was done", facts(own(alice, 5)), alice, 0, attribution.InCartBeforeClick},
		{"the creator's own account", changed(facts(own(alice, 0)), match(alice, "customer")), alice, 0, attribution.SelfPurchase},
		{"the creator's own household", changed(facts(own(alice, 0)), match(alice, "household")), alice, 0, attribution.RelatedBuyer},
		{"another creator's account", changed(facts(own(alice, 0)), match(bob, "customer")), alice, 1500, ""},
		{"a business account is no resale", changed(facts(own(alice, 0)), func(f *Facts) { f.Buyer.Business, f.Policy.BusinessOut = true, true }), alice, 1500, ""},
		{"not offered", changed(facts(own(alice, 0)), func(f *Facts) { f.Offer = nil }), alice, 0, NotOffered},
		{"new customers only", changed(facts(own(alice, 0)), func(f *Facts) { f.New, f.Offer.NewCustomers = false, true }), alice, 0, NotNewCustomer},
		{"a new customer", changed(facts(own(alice, 0)), func(f *Facts) { f.Offer.NewCustomers = true }), alice, 1500, ""},
		{"done before", changed(facts(own(alice, 0)), func(f *Facts) { f.Earlier = "b-0" }), alice, 0, AlreadyCompleted},
		{"a share without a value", changed(facts(own(alice, 0)), func(f *Facts) { f.Offer = &Offer{ShareBPS: 200} }), alice, 0, ValueMissing},
		{"a share of hardly anything", changed(facts(own(alice, 0)), func(f *Facts) { f.Value, f.Offer = &value, &Offer{ShareBPS: 200} }), alice, 0,
			attribution.RoundsToZero},
		{"the buyer's reason before the offer's", changed(changed(facts(own(alice, 0)), match(alice, "email")), func(f *Facts) { f.Offer = nil }), alice, 0,
			attribution.SelfPurchase},
	} {
		b, _ := Decide(c.facts)
		if b.Creator != c.creator || b.Amount != c.amount || b.Reason != c.reason {
			t.Errorf("%s: creator %d, %d, %q; want %d, %d, %q", c.name, b.Creator, b.Amount, b.Reason, c.creator, c.amount, c.reason)
		}
	}
}

func TestFates(t *testing.T) {
	f := facts(own(alice, 0), plain(bob, 1), own(alice, 2), own(bob, 3), attribution.Touch{Broken: attribution.BadToken})
	want := []attribution.Reason{attribution.Superseded, attribution.NoTouch, attribution.Superseded, "", attribution.BadToken}
	if got := Fates(f); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Pending until the window has passed, its last instant included.
func TestWindow(t *testing.T) {
	b, _ := Decide(facts(own(alice, 0)))
	end := noon.Add(4*time.Hour + 14*24*time.Hour)
	if b.WindowEnd != end.UnixMicro() {
		t.Errorf("ends at %v", time.UnixMicro(b.WindowEnd).UTC())
	}
	for _, c := range []struct {
		now             time.Time
		pending, earned int64
	}{{noon, 1500, 0}, {end, 1500, 0}, {end.Add(time.Microsecond), 0, 1500}} {
		if got := Settle(b, c.now, always, "2026-03", Posted{}); got.Pending != c.pending || got.Earned != c.earned {
			t.Errorf("%v: %+v", c.now, got)
		}
	}
	longer := facts(own(alice, 0))
	longer.Offer.WindowDays = 30
	if b, _ := Decide(longer); b.WindowEnd != noon.Add(4*time.Hour+30*24*time.Hour).UnixMicro() {
		t.Error("the offer's own window is not kept")
	}
}

func always(string) bool              { return true }
func from(m string) func(string) bool { return func(month string) bool { return month >= m } }

// What closed months hold stands; the rest goes where it is booked.
func TestMonths(t *testing.T) {
	earned := Basis{Amount: 1500, WindowEnd: noon.UnixMicro(), Month: "2026-03"}
	lost, reversed := earned, earned
	lost.Reason, lost.Amount = attribution.SessionEnded, 0
	reversed.Reversed, reversed.TakenBack = true, "2026-06"
	now := noon.AddDate(0, 6, 0)
	type months = map[string]int64
	for _, c := range []struct {
		name    string
		basis   Basis
		open    func(string) bool
		current string
		posted  months
		want    months
	}{
		{"earned", earned, always, "2026-03", nil, months{"2026-03": 1500}},
		{"its month has closed since", earned, from("2026-05"), "2026-06", nil, months{"2026-06": 1500}},
		{"and time goes on", earned, from("2026-05"), "2026-07", months{"2026-06": 1500}, months{"2026-06": 1500}},
		{"held by a closed month", earned, from("2026-04"), "2026-06", months{"2026-03": 1500}, months{"2026-03": 1500}},
		{"reversed in time", reversed, always, "2026-06", months{"2026-03": 1500}, nil},
		{"reversed after the close", reversed, from("2026-04"), "2026-06", months{"2026-03": 1500}, months{"2026-03": 1500, "2026-06": -1500}},
		{"and settled again", reversed, from("2026-04"), "2026-07", months{"2026-03": 1500, "2026-06": -1500}, months{"2026-03": 1500, "2026-06": -1500}},
		{"both closed", reversed, from("2026-07"), "2026-09", months{"2026-03": 1500, "2026-06": -1500}, months{"2026-03": 1500, "2026-06": -1500}},
		{"its own month has closed since", reversed, from("2026-07"), "2026-08", months{"2026-03": 1500}, months{"2026-03": 1500, "2026-08": -1500}},
		{"reversed before it was posted", reversed, from("2026-04"), "2026-06", nil, nil},
		{"lost in time", lost, always, "2026-06", months{"2026-03": 1500}, nil},
	} {
		got := Settle(c.basis, now, c.open, c.current, Posted{Months: c.posted})
		if !maps.Equal(got.Months, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got.Months, c.want)
		}
	}
	if got := Settle(reversed, now, always, "2026-06", Posted{}); got.Reason != Reversed || got.Earned != 0 {
		t.Errorf("%+v", got)
	}
	if got := Settle(lost, now, always, "2026-06", Posted{}); got.Reason != attribution.SessionEnded {
		t.Errorf("%+v", got)
	}
	if (Posted{Months: months{"2026-03": 1}}).Fixed(always) || !(Posted{Months: months{"2026-03": 1}}).Fixed(from("2026-04")) {
		t.Error("fixed by open months, or not by closed ones")
	}
}

// Months always add up to what is earned, but for what a lost one leaves in closed months and takes back.
func TestMonthsAddUp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := Basis{Amount: rapid.Int64Range(1, 5000).Draw(r, "amount"), WindowEnd: noon.UnixMicro(), Month: month(r, "booked")}
		if rapid.Bool().Draw(r, "reversed") {
			b.Reversed, b.TakenBack = true, month(r, "taken back")
		}
		posted := Posted{}
		for step := range 4 {
			first := fmt.Sprintf("2026-%02d", 2+2*step)
			got := Settle(b, noon.Add(time.Hour), from(first), fmt.Sprintf("2026-%02d", 4+2*step), posted)
			sum := int64(0)
			for m, amount := range got.Months {
				sum += amount
				if m < first && amount != posted.Months[m] {
					r.Fatalf("closed month %s: %v after %v", m, got.Months, posted.Months)
				}
			}
			if sum != got.Earned || got.Pending < 0 || got.Earned < 0 {
				r.Fatalf("%+v adds up to %d", got, sum)
			}
			again := Settle(b, noon.Add(time.Hour), from(first), "2026-12", got.Posted())
			if !again.Posted().Equal(got.Posted()) {
				r.Fatalf("settled again: %v, then %v", got.Months, again.Months)
			}
			posted = got.Posted()
		}
	})
}

func month(r *rapid.T, name string) string {
	return fmt.Sprintf("2026-%02d", rapid.IntRange(1, 9).Draw(r, name))
}

func TestEarlier(t *testing.T) {
	for _, c := range []struct {
		name string
		all  []Completion
		want []string
	}{
		{"one", []Completion{{ID: "a", At: 1}}, []string{""}},
		{"the earliest", []Completion{{ID: "c", At: 3}, {ID: "a", At: 1}, {ID: "b", At: 2}}, []string{"a", "", "a"}},
		{"the smaller id", []Completion{{ID: "b", At: 1}, {ID: "a", At: 1}}, []string{"a", ""}},
		{"not a reversed one", []Completion{{ID: "a", At: 1, Reversed: true}, {ID: "b", At: 2}, {ID: "c", At: 3}}, []string{"", "", "b"}},
		{"a reversed one behind another", []Completion{{ID: "a", At: 1}, {ID: "b", At: 2, Reversed: true}}, []string{"", "a"}},
		{"one that a closed month holds keeps its place", []Completion{{ID: "a", At: 1}, {ID: "b", At: 2, Fixed: true}}, []string{"b", ""}},
		{"until it is reversed", []Completion{{ID: "a", At: 1}, {ID: "b", At: 2, Fixed: true, Reversed: true}}, []string{"", ""}},
	} {
		if got := Earlier(c.all); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever the order in which they are listed, exactly one of those that are not reversed stands, unless all are.
func TestOneStands(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var all []Completion
		fixed := rapid.IntRange(-3, 5).Draw(r, "fixed") // at most one: a second one earned nothing
		for i := range rapid.IntRange(1, 6).Draw(r, "count") {
			all = append(all, Completion{ID: fmt.Sprint(i), At: rapid.Int64Range(1, 4).Draw(r, "at"), Reversed: rapid.Bool().Draw(r, "reversed"), Fixed: i == fixed})
		}
		stand := func(list []Completion) (ids []string) {
			for i, earlier := range Earlier(list) {
				if earlier == "" && !list[i].Reversed {
					ids = append(ids, list[i].ID)
				}
			}
			return ids
		}
		want := stand(all)
		left := slices.ContainsFunc(all, func(c Completion) bool { return !c.Reversed })
		if len(want) != map[bool]int{true: 1}[left] {
			r.Fatalf("%v stand of %+v", want, all)
		}
		if got := stand(rapid.Permutation(all).Draw(r, "order")); !slices.Equal(got, want) {
			r.Fatalf("%v and %v stand of %+v", want, got, all)
		}
	})
}
