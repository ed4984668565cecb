package bounty

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tributary/internal/id"
)

// midnight is the first local one after the notice.
var midnight = noon.AddDate(0, 0, 14).Add(12 * time.Hour)

// words write a revision as lines: what ends, what begins, what is missing, each with the place in the list.
func words(r Revision) (lines []string) {
	day := func(at time.Time) string {
		if at.IsZero() {
			return "never"
		}
		return fmt.Sprint(at.Sub(noon).Hours() / 24)
	}
	for i, end := range r.Ends {
		lines = append(lines, fmt.Sprintf("%d ends %s by %d", end.ID, day(end.Until), r.EndOf[i]))
	}
	for i, o := range r.Offers {
		lines = append(lines, fmt.Sprintf("%d pays %d from %s to %s", r.OfferOf[i], o.Amount, day(o.From), day(o.Until)))
	}
	for _, o := range r.Missing {
		lines = append(lines, fmt.Sprintf("%d is missing", o.ID))
	}
	for _, i := range r.Idle {
		lines = append(lines, fmt.Sprintf("%d is idle", i))
	}
	return lines
}

// A list that is meant as a whole, held against what is published.
func TestRevise(t *testing.T) {
	base, season, coming, over, replaced := signup(1500, -90, 0), signup(2500, -5, 30), signup(1800, 60, 90), signup(900, -200, -100), signup(1000, -120, 0)
	base.ID, season.ID, coming.ID, over.ID, replaced.ID = 1, 2, 3, 4, 5
	all := []Offer{over, replaced, base, season, coming}
	plain := []Offer{base}
	listed := func(offers ...Offer) []Offer {
		for i := range offers {
			offers[i] = offers[i].plain()
		}
		return offers
	}
	soon := func(amount int64, until int) Offer {
		o := signup(amount, 0, until)
		o.From = time.Time{}
		return o
	}
	for _, c := range []struct {
		name         string
		offers, list []Offer
		want         string
	}{
		{"the same", all, listed(base, season, coming), ""},
		{"the same, without a date", all, listed(soon(1500, 0), season, coming), ""},
		{"the season without a date", all, listed(base, soon(2500, 30), coming), ""},
		{"what is to come without a date", all, listed(base, season, soon(1800, 90)), ""},
		{"the same, with what is over", all, listed(over, base, season, coming), ""},
		{"what is over, without a date", all, listed(base, season, coming, soon(900, -100)), ""},
		{"what was replaced stands there", all, listed(replaced, base, season, coming), ""},
		{"a new action", nil, []Offer{signup(1500, -90, 0)}, "0 pays 1500 from -90 to never"},
		{"a new action, at once", nil, []Offer{soon(1500, 0)}, "0 pays 1500 from 0 to never"},
		{"a rise at once", plain, []Offer{soon(1600, 0)}, "0 pays 1600 from 0 to never"},
		{"a cut, with its notice", plain, []Offer{soon(1400, 0)}, "0 pays 1400 from 14.5 to never"},
		{"a rise with a date", plain, []Offer{signup(1600, 3, 0)}, "0 pays 1600 from 3 to never"},
		{"a season is longer", all, listed(base, signup(2500, -5, 40), coming), "2 ends 40 by 1"},
		{"a season is longer, without its date", all, listed(base, soon(2500, 40), coming), "2 ends 40 by 1"},
		{"a season without end", all, listed(base, signup(2500, -5, 0), coming), "2 ends never by 1"},
		{"an end for the base", plain, listed(signup(1500, -90, 20)), "1 ends 20 by 0"},
		{"what is to come is taken back", all, listed(base, season), "3 ends 60 by -1"},
		{"what is to come is another", all, listed(base, season, signup(1900, 60, 90)), "3 ends 60 by -1; 2 pays 1900 from 60 to 90"},
		{"a running season is gone", all, listed(base, coming), "2 is missing"},
		{"the base is gone, and a later offer follows it", plain, listed(signup(1400, 20, 0)), "0 pays 1400 from 20 to never"},
		{"the base is gone, and a season follows it", plain, listed(signup(2000, 20, 30)), "1 ends 20 by 0; 0 pays 2000 from 20 to 30"},
		{"the base is gone while the season runs", all, listed(season, coming), "1 ends 60 by 1; 5 ends 60 by 1"},
		{"an older one would hold again", []Offer{replaced, base}, listed(signup(2000, 20, 30)), "5 ends 20 by 0; 1 ends 20 by 0; 0 pays 2000 from 20 to 30"},
		{"everything is gone", all, nil, "3 ends 60 by -1; 2 is missing; 1 is missing"},
		{"replaced by what stands beside it", []Offer{replaced, base}, listed(soon(1000, 0), base), ""},
		{"one that was replaced comes again", []Offer{replaced, base}, []Offer{soon(1000, 0)}, "0 pays 1000 from 14.5 to never"},
		{"one that is never paid", plain, []Offer{soon(1600, 0), signup(1700, 0, 0)}, "0 pays 1600 from 0 to never; 1 pays 1700 from 0 to never; 0 is idle"},
		{"another name", plain, []Offer{{Action: "business_signup", Name: "Sign up", Amount: 1500, Page: "/business"}}, "0 pays 1500 from 0 to never"},
	} {
		got := words(Revise(c.offers, c.list, today, midnight))
		want := strings.Split(c.want, "; ")
		if c.want == "" {
			want = nil
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func drawOffer(t *rapid.T, from, until int) Offer {
	o := signup(rapid.SampledFrom([]int64{1000, 1500, 2000}).Draw(t, "amount"), rapid.IntRange(from, until).Draw(t, "from"), 0)
	if o.Action = rapid.SampledFrom([]string{"business_signup", "trade_in"}).Draw(t, "action"); o.Action == "trade_in" {
		o.Amount, o.ShareBPS, o.Max = 0, rapid.SampledFrom([]int64{100, 200}).Draw(t, "share"), rapid.SampledFrom([]int64{0, 5000}).Draw(t, "max")
	}
	if rapid.Bool().Draw(t, "ends") {
		o.Until = o.From.AddDate(0, 0, rapid.IntRange(1, 40).Draw(t, "days"))
	}
	return o
}

// drawOffers are some that were published in whatever order, and some of them taken back.
func drawOffers(t *rapid.T) (offers []Offer) {
	for n := range rapid.IntRange(0, 7).Draw(t, "offers") {
		o := drawOffer(t, -40, 40)
		if slices.ContainsFunc(offers, o.Same) {
			continue
		}
		o.ID, o.Published = id.ID(n+1), in(-50).Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "published"))*time.Hour)
		if rapid.IntRange(0, 5).Draw(t, "taken back") == 0 {
			o.Until = o.From
		}
		offers = append(offers, o)
	}
	return offers
}

// What is ahead says all that there is; and once a list is published it is what there is, whatever there was before.
func TestRevised(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offers := drawOffers(t)
		now := today
		now.NoticeDays = rapid.SampledFrom([]int{0, 14}).Draw(t, "notice")
		ahead := Ahead(offers, noon)
		if r := Revise(offers, ahead, now, midnight); !r.Empty() || len(r.Missing) > 0 {
			t.Fatalf("what there is changes something: %v", words(r))
		}
		var list []Offer
		for _, o := range slices.Concat(ahead, []Offer{drawOffer(t, -3, 40), drawOffer(t, -3, 40)}) {
			switch rapid.IntRange(0, 5).Draw(t, "edit") {
			case 0:
				continue
			case 1:
				o.Until = time.Time{}
			case 2:
				o.Until = o.From.AddDate(0, 0, rapid.IntRange(1, 60).Draw(t, "later"))
			case 3:
				alike := 0 // of several that differ in their beginning alone any one may be meant
				for _, one := range offers {
					if one.Same(since(o, one.From)) {
						alike++
					}
				}
				if alike < 2 && !slices.ContainsFunc(list, func(one Offer) bool { return one.Action == o.Action && one.From.IsZero() }) {
					o.From = time.Time{}
				}
			}
			if !slices.ContainsFunc(list, o.Same) {
				list = append(list, o.plain())
			}
		}
		r := Revise(offers, list, now, midnight)
		if len(r.Missing)+len(r.Idle) > 0 || len(r.OfferOf) != len(r.Offers) || len(r.EndOf) != len(r.Ends) {
			return
		}
		after, _, err := With(offers, r.Edition, now)
		if err != nil {
			return
		}
		if again := Revise(after, list, now, midnight); !again.Empty() || len(again.Missing) > 0 {
			t.Fatalf("the same list again: %v of\n%s", words(again), cmp.Diff(offers, after))
		}
		later := now
		later.Now = in(rapid.IntRange(1, 100).Draw(t, "days pass"))
		if again := Revise(after, list, later, midnight); !again.Empty() || len(again.Missing) > 0 {
			t.Fatalf("the same list %s: %v of\n%s", later.Now, words(again), cmp.Diff(offers, after))
		}
		// The list alone, as if nothing had been published before it, pays the same from its first offer to come on.
		checkListed(t, offers, after, list, r, now)
	})
}

func checkListed(t *rapid.T, offers, after, list []Offer, r Revision, o Occasion) {
	dated, taken := slices.Clone(list), map[id.ID]bool{}
	for i, at := range r.OfferOf {
		dated[at].From = r.Offers[i].From
	}
	slices.SortStableFunc(dated, func(a, b Offer) int { return b.From.Compare(a.From) }) // dated ones first
	// Each stands for whatever was published for it: of two that begin at once it counts who was published later.
	for i := range dated {
		for _, one := range slices.Concat(Ahead(after, o.Now), after) {
			undated := dated[i].From.IsZero()
			if dated[i].ID == 0 && !taken[one.ID] && !one.withdrawn() && one.Same(since(dated[i], one.From)) && (undated || one.From.Equal(dated[i].From)) {
				dated[i], taken[one.ID] = one, true
			}
		}
	}
	for _, action := range []string{"business_signup", "trade_in"} {
		for _, at := range bends(slices.Concat(offers, after), action, o.Now) {
			got, want := At(after, action, at), At(dated, action, at)
			if want == nil && got != nil {
				going := find(offers, got.ID)
				begun := slices.ContainsFunc(dated, func(one Offer) bool {
					return one.Action == action && !one.From.Before(o.Now) && !one.From.After(at)
				})
				if going == nil || going.From.After(o.Now) || begun {
					t.Fatalf("%s on %s: pays %+v, which is not in the list", action, at, got)
				}
				continue
			}
			if want != nil && (got == nil || !since(*got, want.From).Same(*want)) { // an undated one may stand for several that pay the same
				t.Fatalf("%s on %s: pays %+v, and the list says %+v", action, at, got, want)
			}
		}
	}
}

// Nothing that was promised gets less before its notice, whatever is published, and nothing of the past changes.
func TestPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offers := drawOffers(t)
		var e Edition
		for range rapid.IntRange(0, 3).Draw(t, "new") {
			e.Offers = append(e.Offers, drawOffer(t, -1, 40))
		}
		for _, o := range offers {
			if rapid.IntRange(0, 3).Draw(t, "end") == 0 {
				e.Ends = append(e.Ends, EndAt{o.ID, in(rapid.IntRange(-2, 60).Draw(t, "until"))})
			}
		}
		after, said, err := With(offers, e, today)
		if err != nil {
			return
		}
		if len(said) != len(e.Offers)+len(e.Ends) {
			t.Fatalf("%d parts, and %d are told of", len(e.Offers)+len(e.Ends), len(said))
		}
		value := int64(100_000)
		var running []Offer
		for _, o := range offers {
			if !o.From.After(noon) {
				running = append(running, o)
			}
		}
		for _, action := range actions(offers) {
			for day := -60; day < 14; day++ {
				had, was, gets := At(running, action, in(day)), At(offers, action, in(day)), At(after, action, in(day))
				if day < 0 && (was == nil) != (gets == nil) || day < 0 && was != nil && was.ID != gets.ID {
					t.Fatalf("%s, day %d: the past is %+v and was %+v", action, day, gets, was)
				}
				worth := func(o *Offer) int64 {
					if o == nil {
						return 0
					}
					return o.Worth(&value)
				}
				if day >= 0 && worth(gets) < min(worth(had), worth(was)) {
					t.Fatalf("%s, day %d: %d is paid, and %d was promised", action, day, worth(gets), worth(had))
				}
			}
		}
	})
}
