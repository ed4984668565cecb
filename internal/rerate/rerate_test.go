package rerate

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tributary/internal/attribution"
	"tributary/internal/commission"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
)

const (
	alice = id.ID(11)
	bob   = id.ID(22)
)

func book(change ...func(*ratecard.Book)) *ratecard.Book {
	b := &ratecard.Book{Contracts: map[id.ID][]ratecard.Contract{}}
	card := ratecard.Version{ID: 1, Number: 1, Card: ratecard.Card{Kind: ratecard.Offsite, Effective: ordered.AddDate(-1, 0, 0), Default: 450}}
	b.Cards = ratecard.Cards{card.Indexed()}
	for _, one := range change {
		one(b)
	}
	return b
}

func card(kind ratecard.Kind, bps int64, entries ...ratecard.Entry) func(*ratecard.Book) {
	return func(b *ratecard.Book) {
		v := ratecard.Version{ID: 2, Number: 2, Card: ratecard.Card{Kind: kind, Effective: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), Default: bps, Entries: entries}}
		kept := ratecard.Cards{v.Indexed()}
		for _, other := range b.Cards {
			if other.Kind != kind {
				kept = append(kept, other)
			}
		}
		b.Cards = kept
	}
}

// click is alice's, that many hours before the order.
func click(hours int, change ...func(*attribution.Touch)) attribution.Touch {
	t := attribution.Touch{Source: attribution.FromToken, Click: int64(1000 - hours), Creator: alice, Program: 1, Tracking: 110,
		At: ordered.Add(-time.Duration(hours) * time.Hour).UnixMicro(), ActiveThen: true, ActiveNow: true}
	for _, one := range change {
		one(&t)
	}
	return t
}

// past is a line of 20.00, decided by the present book.
func past(present *ratecard.Book, change ...func(*commission.Facts)) Line {
	f := &commission.Facts{Form: commission.FactsForm, Market: "us", Currency: "USD", Zone: "America/New_York", SKU: "KETTLE", Category: "Home > Kitchen",
		Quantity: 2, Net: 2000, Line: attribution.Line{OrderedAt: ordered.UnixMicro(), Place: 7}, Policy: policy.Shipped(),
		Touches: []attribution.Touch{click(1)}}
	for _, one := range change {
		one(f)
	}
	commission.Price(f, present)
	basis, _ := commission.Credit(*f)
	o := settled(basis, termsOf(f), nil, ordered)
	return Line{Facts: f, Basis: basis, Held: commission.Posted{Total: o.Commission, Promo: o.Promotion, Fee: o.Fee, Bases: o.Bases}, Reason: o.Why}
}

func parsed(t *testing.T, text string) Rules {
	t.Helper()
	r, err := ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a draft would pay for one line, or why that cannot be said.
func TestLine(t *testing.T) {
	views := func(b *ratecard.Book) { card(ratecard.Onsite, 200)(b) }
	view := func(seconds int64) func(*commission.Facts) {
		return func(f *commission.Facts) {
			f.Line.Product, f.Touches = 5, []attribution.Touch{click(1, func(t *attribution.Touch) { t.View, t.Seconds, t.Product = true, seconds, 5 })}
		}
	}
	units := func(counted int64, p func(*policy.Policy)) func(*commission.Facts) {
		return func(f *commission.Facts) {
			f.Buyer = attribution.Buyer{Known: true, Units: counted}
			p(&f.Policy)
		}
	}
	resold := func(limit, days int) func(*policy.Policy) {
		return func(p *policy.Policy) { p.ResaleUnits, p.ResaleDays = limit, days }
	}
	for name, c := range map[string]struct {
		facts      func(*commission.Facts)
		book       func(*ratecard.Book)
		rules      string
		was, would int64
		why        string
		unsaid     Unsaid
	}{
		"another card":                  {book: card(ratecard.Offsite, 600), was: 90, would: 120},
		"another category":              {book: card(ratecard.Offsite, 450, ratecard.Entry{Category: "Garden", BPS: 900}), was: 90, would: 90},
		"excluded":                      {book: card(ratecard.Offsite, 450, ratecard.Entry{Category: "Home", Excluded: true}), was: 90, why: "excluded_product"},
		"under a cap":                   {book: card(ratecard.Offsite, 900, ratecard.Entry{SKU: "KETTLE", BPS: 900, Cap: 40}), was: 90, would: 80},
		"a card for views":              {book: card(ratecard.Onsite, 900), was: 90, would: 90},
		"a view":                        {facts: view(6), book: card(ratecard.Onsite, 900), was: 40, would: 180},
		"nobody's":                      {facts: func(f *commission.Facts) { f.Touches = nil }, book: card(ratecard.Offsite, 600), why: "no_touch"},
		"too late":                      {facts: func(f *commission.Facts) { f.Touches[0] = click(30) }, why: "expired", rules: "session_hours=12"},
		"no longer too late":            {facts: func(f *commission.Facts) { f.Touches[0] = click(30) }, rules: "session_hours=48", would: 90},
		"to another creator":            {facts: func(f *commission.Facts) { f.Touches = append(f.Touches, click(40, bobs)) }, rules: "session_hours=48", was: 90, would: 90},
		"a paid click":                  {facts: func(f *commission.Facts) { f.Touches[0].Paid = true }, rules: "paid_earns=yes", would: 90},
		"a business":                    {facts: func(f *commission.Facts) { f.Buyer.Business = true }, rules: "business_out=yes", was: 90, why: "resale"},
		"a short view":                  {facts: view(6), rules: "view_seconds=9", was: 40, why: "no_touch"},
		"views that nobody kept":        {facts: view(6), rules: "view_seconds=4", was: 40, would: 40, unsaid: ViewsNotKnown},
		"views of unknown products":     {facts: func(f *commission.Facts) { view(6)(f); f.Line.Product = 0 }, rules: "view_scope=variation", unsaid: VariationUnknown},
		"payment":                       {rules: "await_payment=yes", was: 90, would: 90, unsaid: PaymentNotKnown},
		"payment of nobody's":           {facts: func(f *commission.Facts) { f.Touches = nil }, rules: "await_payment=yes", why: "no_touch"},
		"within any window":             {facts: units(4, resold(10, 30)), rules: "resale_days=5, resale_units=4", was: 90, would: 90},
		"perhaps within another window": {facts: units(4, resold(10, 30)), rules: "resale_days=5, resale_units=3", was: 90, would: 90, unsaid: UnitsNotCounted},
		"beyond any longer window":      {facts: units(4, resold(10, 5)), rules: "resale_days=30, resale_units=3", was: 90, why: "resale"},
		"units that nobody counted":     {facts: units(0, resold(0, 30)), rules: "resale_units=3", was: 90, would: 90, unsaid: UnitsNotCounted},
		"more than all by itself":       {facts: units(0, resold(0, 30)), rules: "resale_units=1", was: 90, why: "resale"},
		"of a shopper nobody knows":     {rules: "resale_units=1, resale_days=2", was: 90, would: 90},
		"no resale at all":              {facts: units(11, resold(10, 30)), rules: "resale_units=0", would: 90},
		"facts of before sellers": {facts: func(f *commission.Facts) { f.Form = 1 }, book: card(ratecard.SellerFee, 1500), was: 90, would: 90,
			unsaid: FactsTooOld},
	} {
		present := book(views)
		draft := present
		if c.book != nil {
			draft = book(views, c.book)
		}
		l := past(present, func(f *commission.Facts) {
			if c.facts != nil {
				c.facts(f)
			}
		})
		before := *l.Facts
		was, would, unsaid := New(present, draft, parsed(t, c.rules)).Line(l, ordered)
		if was.Commission != c.was || would.Commission != c.would || would.Why != c.why && c.why != "" || unsaid != c.unsaid {
			t.Errorf("%s: %d, then %d (%s) %s; want %d, then %d (%s) %s", name, was.Commission, would.Commission, would.Why, unsaid, c.was, c.would, c.why, c.unsaid)
		}
		if !reflect.DeepEqual(before, *l.Facts) {
			t.Errorf("%s: the facts were changed", name)
		}
	}
	for unsaid, words := range Words {
		if unsaid == "" || words == "" {
			t.Errorf("%q has the words %q", unsaid, words)
		}
	}
}

func bobs(t *attribution.Touch) { t.Creator = bob }

// A line goes to somebody else where other touches would win it.
func TestChangeOfHands(t *testing.T) {
	present := book()
	l := past(present, func(f *commission.Facts) {
		f.Touches = []attribution.Touch{click(30), {Source: attribution.FromCoupon, Coupon: "SAVE", Creator: bob, At: ordered.UnixMicro(), ActiveNow: true}}
	})
	was, would, unsaid := New(present, nil, parsed(t, "session_hours=36")).Line(l, ordered)
	if was.Winner() != int64(bob) || would.Winner() != int64(alice) || unsaid != "" || was.Same(would) {
		t.Errorf("from %d to %d %s", was.Winner(), would.Winner(), unsaid)
	}
}

// Volume tiers ask for the months: these lie as things happened, whatever has closed since.
func TestBases(t *testing.T) {
	tiers := func(b *ratecard.Book) {
		b.Volumes = []ratecard.Volume{{Number: 1, From: "1990-01", Bands: []ratecard.Band{{Above: 0, Extra: 100}}}}
	}
	present := book()
	l := past(present)
	l.Events = []order.Applied{{Type: order.TypeShipped, Quantity: 2, At: ordered.UnixMicro(), Month: "2026-03"}}
	l.Held.Months = map[string]int64{"2026-03": 90}
	d := New(present, book(tiers), Rules{})
	was, would, unsaid := d.Line(l, ordered.AddDate(0, 5, 0))
	if unsaid != "" || len(was.Bases) != 0 || !reflect.DeepEqual(would.Bases, map[string]int64{"2026-03": 2000}) || would.Commission != 90 {
		t.Errorf("%+v, then %+v", was, would)
	}
	if was, would := d.Volume("2026-03"); was != nil || would.Extra(2000) != 20 {
		t.Errorf("%+v, then %+v", was, would)
	}
}

// Rules are read as people and programs write them, and written as they are read.
func TestParseRules(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " ": "", "{}": "", "session_hours=48": `{"session_hours":48}`,
		" cart_days = 30 , paid_earns=yes,view_scope=category ": `{"cart_days":30,"paid_earns":true,"view_scope":"category"}`,
		`{"rate_at":"click","coupons_first":false}`:             `{"coupons_first":false,"rate_at":"click"}`,
		"resale_units=0": `{"resale_units":0}`,
	} {
		r, err := ParseRules(text)
		if err != nil || r.Text() != want {
			t.Errorf("%q: %s, %v", text, r.Text(), err)
		}
	}
	for text, field := range map[string]string{
		"session_hours": "policy", "session_hours=": "policy", "session_hours=two": "policy.session_hours", "session_hours=0": "policy.session_hours",
		"hold_days=30": "policy", "paid_earns=7": "policy.paid_earns", "view_scope=shop": "policy.view_scope", "cart_days=1,cart_days=2": "policy.cart_days",
		`{"cart_days":1} {}`: "policy", "{": "policy", strings.Repeat("x", 5000): "policy", "lapse_days=007": "policy.lapse_days",
	} {
		_, err := ParseRules(text)
		if f := fault.Of(err); err == nil || f.Kind != fault.Invalid || f.Field != field || f.Fix == "" {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	for _, text := range []string{"session_hours=48, paid_earns=yes", `{"rate_at":"click"}`, "view_scope=category,=,", `{"cart_days":1e3}`, "resale_units=999999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRules(text)
		if err != nil {
			return
		}
		again, err := ParseRules(r.Text())
		if err != nil || again.Text() != r.Text() {
			t.Errorf("%q is read as %s, and that as %s, %v", text, r.Text(), again.Text(), err)
		}
		if r.Apply(policy.Shipped()).Check() != nil {
			t.Errorf("%q makes a policy that cannot be", text)
		}
	})
}
