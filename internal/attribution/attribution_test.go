package attribution

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/id"
	"tributary/internal/policy"
)

const hour = int64(time.Hour / time.Microsecond)

const start = int64(1_000_000_000_000_000)

func at(hours int64) int64 { return start + hours*hour }

func click(creator id.ID, hours int64) Touch {
	return Touch{Source: FromToken, Click: int64(creator)*1000 + hours, Creator: creator, Program: 1, At: at(hours), ActiveThen: true, ActiveNow: true}
}

// docs/examples.md G.
func TestExampleG(t *testing.T) {
	const a, b = id.ID(1), id.ID(2)
	for name, c := range map[string]struct {
		touches        []Touch
		added, ordered int64 // hours; 0 for no add-to-cart time
		ends           []int64
		want           id.ID
		reason         Reason
	}{
		"later click":                  {[]Touch{click(a, 0), click(b, 5)}, 6, 7, nil, b, ""},
		"added in the first session":   {[]Touch{click(a, 0), click(b, 5)}, 2, 6, nil, a, ""},
		"after a day":                  {[]Touch{click(a, 0)}, 0, 25, nil, 0, Expired},
		"in the cart for 60 days":      {[]Touch{click(a, 0)}, 23, 60 * 24, nil, a, ""},
		"in the cart for 90 days":      {[]Touch{click(a, 0)}, 23, 90 * 24, nil, 0, Expired},
		"a kettle between":             {[]Touch{click(a, 0)}, 3, 4, []int64{at(2)}, 0, SessionEnded},
		"last instant of the day":      {[]Touch{click(a, 0)}, 0, 24, nil, a, ""},
		"last instant of the cart":     {[]Touch{click(a, 0)}, 1, 89 * 24, nil, a, ""},
		"order of the same instant":    {[]Touch{click(a, 0)}, 3, 4, []int64{at(4)}, a, ""},
		"in the cart before the click": {[]Touch{click(a, 5)}, 2, 6, nil, 0, InCartBeforeClick},
		"nothing known":                {nil, 2, 6, nil, 0, NoTouch},
		"order before the click":       {[]Touch{click(a, 3)}, 0, 4, []int64{at(2)}, a, ""},
	} {
		line := Line{OrderedAt: at(c.ordered)}
		if c.added != 0 {
			line.AddedAt = at(c.added)
		}
		v := Decide(c.touches, line, c.ends, policy.Shipped())
		got := id.ID(0)
		if v.Winner >= 0 {
			got = c.touches[v.Winner].Creator
		}
		if got != c.want || v.Reason != c.reason {
			t.Errorf("%s: credited %d, %q; want %d, %q", name, got, v.Reason, c.want, c.reason)
		}
	}
}

// A touch that does not count is as if it had not happened (§5.1), and its reason is told when it is the latest.
func TestTouchesThatDoNotCount(t *testing.T) {
	for reason, spoil := range map[Reason]func(*Touch){
		BadToken:           func(t *Touch) { *t = Touch{Broken: BadToken, Source: FromToken} },
		WrongMarketplace:   func(t *Touch) { t.Broken = WrongMarketplace },
		InvalidTraffic:     func(t *Touch) { t.Invalid = true },
		PaidAd:             func(t *Touch) { t.Paid = true },
		EnrolmentNotActive: func(t *Touch) { t.ActiveThen = false },
	} {
		bad := click(2, 5)
		spoil(&bad)
		line := Line{OrderedAt: at(7), AddedAt: at(6)}
		if v := Decide([]Touch{click(1, 0), bad}, line, nil, policy.Shipped()); v.Winner != 0 {
			t.Errorf("%s: ended another's session: %+v", reason, v)
		}
		if v := Decide([]Touch{bad}, line, nil, policy.Shipped()); v.Winner != -1 || v.Reason != reason {
			t.Errorf("%s: %+v", reason, v)
		}
	}
}

func TestAClosedEnrolmentStillEndsSessions(t *testing.T) {
	closed := click(2, 5)
	closed.ActiveNow = false
	v := Decide([]Touch{click(1, 0), closed}, Line{OrderedAt: at(7), AddedAt: at(6)}, nil, policy.Shipped())
	if v.Winner != -1 || v.Reason != EnrolmentNotActive {
		t.Errorf("%+v", v)
	}
}

func TestDigitalNeedsTheSession(t *testing.T) {
	v := Decide([]Touch{click(1, 0)}, Line{OrderedAt: at(30), AddedAt: at(2), Digital: true}, nil, policy.Shipped())
	if v.Winner != -1 || v.Reason != Expired {
		t.Errorf("%+v", v)
	}
}

func TestSameInstantTheGreaterClickWins(t *testing.T) {
	a, b := click(1, 0), click(2, 0)
	a.Click, b.Click = 9, 8
	if v := Decide([]Touch{a, b}, Line{OrderedAt: at(1)}, nil, policy.Shipped()); v.Winner != 0 {
		t.Errorf("%+v", v)
	}
}

func TestPaidTrafficMayEarnByPolicy(t *testing.T) {
	paid, p := click(1, 0), policy.Shipped()
	paid.Paid, p.PaidEarns = true, true
	if v := Decide([]Touch{paid}, Line{OrderedAt: at(1)}, nil, p); v.Winner != 0 {
		t.Errorf("%+v", v)
	}
}

// docs/examples.md R is judged by units in the window; here the limit itself.
func TestJudge(t *testing.T) {
	p := policy.Shipped()
	business := p
	business.BusinessOut = true
	for _, c := range []struct {
		b    Buyer
		p    policy.Policy
		want Reason
	}{
		{Buyer{}, p, ""}, {Buyer{Known: true, Units: 10}, p, ""}, {Buyer{Known: true, Units: 11}, p, Resale}, {Buyer{Units: 99}, p, ""},
		{Buyer{Business: true}, p, ""}, {Buyer{Business: true}, business, Resale},
		{Buyer{Matches: []Match{{8, "email"}}}, p, ""},
		{Buyer{Matches: []Match{{7, "address"}}}, p, RelatedBuyer}, {Buyer{Matches: []Match{{7, "address"}, {7, "email"}}}, p, SelfPurchase},
		{Buyer{Matches: []Match{{7, "device"}}, Known: true, Units: 50}, p, SelfPurchase},
	} {
		if got := Judge(c.b, 7, c.p); got != c.want {
			t.Errorf("%+v: %q, want %q", c.b, got, c.want)
		}
	}
}

// The verdict depends on the set of touches, not on their order; shifting all times shifts nothing else.
func TestVerdictIsStable(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var touches []Touch
		for i := range rapid.IntRange(0, 5).Draw(r, "touches") {
			touch := click(id.ID(rapid.IntRange(1, 3).Draw(r, "creator")), rapid.Int64Range(0, 60).Draw(r, "hour"))
			touch.Click = int64(i)
			touch.Invalid = rapid.IntRange(0, 5).Draw(r, "invalid") == 0
			touch.ActiveNow = rapid.IntRange(0, 5).Draw(r, "active") != 0
			touches = append(touches, touch)
		}
		line := Line{OrderedAt: at(rapid.Int64Range(0, 80).Draw(r, "ordered"))}
		if rapid.Bool().Draw(r, "added") {
			line.AddedAt = at(rapid.Int64Range(0, 80).Draw(r, "cart"))
		}
		var ends []int64
		if rapid.Bool().Draw(r, "end") {
			ends = append(ends, at(rapid.Int64Range(0, 80).Draw(r, "other order")))
		}
		winner := func(v Verdict, among []Touch) (int64, Reason) {
			if v.Winner < 0 {
				return -1, v.Reason
			}
			return among[v.Winner].Click, v.Reason
		}
		wantClick, wantReason := winner(Decide(touches, line, ends, policy.Shipped()), touches)
		mixed := rapid.Permutation(touches).Draw(r, "arrival")
		if c, reason := winner(Decide(mixed, line, ends, policy.Shipped()), mixed); c != wantClick || reason != wantReason {
			r.Fatalf("%d %s, want %d %s", c, reason, wantClick, wantReason)
		}
		shift := rapid.Int64Range(-500, 500).Draw(r, "shift") * hour
		moved := slices.Clone(touches)
		for i := range moved {
			moved[i].At += shift
		}
		line.OrderedAt += shift
		if line.AddedAt != 0 {
			line.AddedAt += shift
		}
		for i := range ends {
			ends[i] += shift
		}
		if c, reason := winner(Decide(moved, line, ends, policy.Shipped()), moved); c != wantClick || reason != wantReason {
			r.Fatalf("shifted: %d %s, want %d %s", c, reason, wantClick, wantReason)
		}
	})
}
