package bounty

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/policy"
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

// What creators are promised gets worse with notice only; what is better takes effect at once.
func TestNotice(t *testing.T) {
	running, season := signup(1500, -30, 0), signup(2500, -2, 5)
	running.ID, season.ID = 1, 2
	share := Offer{ID: 3, Action: "trade_in", Name: "Trade-in", ShareBPS: 200, Max: 5000, From: in(-30), Page: "/"}
	next := func(change func(*Offer), like Offer) Offer { change(&like); return like }
	for _, c := range []struct {
		name   string
		offers []Offer
		next   Offer
		want   string
	}{
		{"the first one may lie in the past", nil, signup(1500, -30, 0), ""},
		{"a later one may not", []Offer{running}, signup(1600, -1, 0), "from: is in the past"},
		{"more, at once", []Offer{running}, signup(1600, 0, 0), ""},
		{"less, too soon", []Offer{running}, signup(1400, 13, 0), "from: creators would get less, which takes effect no sooner than 14 days after it is published: business_signup from 1500 to 1400"},
		{"less, with notice", []Offer{running}, signup(1400, 14, 0), ""},
		{"more than ever, but less than this season", []Offer{running, season}, signup(2000, 3, 0), "from: creators would get less"},
		{"more than ever, from the end of the season", []Offer{running, season}, signup(2000, 5, 0), ""},
		{"less than what has not begun yet", []Offer{signup(9900, 3, 0)}, signup(1500, 3, 0), ""},
		{"new customers only", []Offer{running}, next(func(o *Offer) { o.NewCustomers = true }, signup(1500, 1, 0)), "from: creators would get less"},
		{"a share instead of an amount", []Offer{running}, next(func(o *Offer) { o.Amount, o.ShareBPS = 0, 10_000 }, signup(0, 1, 0)), "from: creators"},
		{"a smaller share", []Offer{share}, next(func(o *Offer) { o.ShareBPS, o.From = 150, in(1) }, share), "from: creators would get less, which takes effect no sooner than 14 days after it is published: trade_in from 2.00 %, at most 5000 to 1.50 %, at most 5000"},
		{"a smaller most", []Offer{share}, next(func(o *Offer) { o.Max, o.From = 4000, in(1) }, share), "from: creators"},
		{"no most any more", []Offer{share}, next(func(o *Offer) { o.Max, o.From = 0, in(1) }, share), ""},
		{"an amount that no share reached", []Offer{share}, next(func(o *Offer) { o.Amount, o.ShareBPS, o.Max, o.From = 5000, 0, 0, in(1) }, share), ""},
		{"an amount that shares passed", []Offer{share}, next(func(o *Offer) { o.Amount, o.ShareBPS, o.Max, o.From = 4999, 0, 0, in(1) }, share), "from: creators"},
		{"a season in between", []Offer{running}, signup(2500, 2, 4), ""},
	} {
		err := Admit(c.offers, c.next, noon, 14)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestEnded(t *testing.T) {
	running, over, coming := signup(1500, -30, 60), signup(1500, -30, -10), signup(1600, 3, 0)
	running.ID, over.ID, coming.ID = 1, 2, 3
	for _, c := range []struct {
		name  string
		which id.ID
		until time.Time
		want  string
	}{
		{"too soon", 1, in(5), "until: creators would get less, which takes effect no sooner than 14 days after it is published: business_signup ends"},
		{"with notice", 1, in(14), ""},
		{"later", 1, in(90), ""},
		{"never", 1, time.Time{}, ""},
		{"in the past", 1, in(-1), "until: is in the past"},
		{"over already", 2, in(20), "until: the offer is over already"},
		{"withdrawn before it begins", 3, noon, ""},
		{"unknown", 9, noon, "bounty: there is no such offer"},
	} {
		offers := []Offer{running, over, coming}
		if c.which == 1 {
			offers = offers[:2]
		}
		got, err := Ended(offers, c.which, c.until, noon, 14)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if c.which == 3 && At([]Offer{got}, "business_signup", in(3)) != nil {
			t.Error("withdrawn, and in force all the same")
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

func TestRows(t *testing.T) {
	d := dbtest.Open(t)
	write := func(fn func(*db.Tx) error) error { return d.Write(context.Background(), db.Interactive, fn) }
	if err := write(func(tx *db.Tx) error {
		return market.Save(tx, market.Market{No: 1, ID: "us", Currency: "USD", Zone: "America/New_York", Policy: policy.Shipped()})
	}); err != nil {
		t.Fatal(err)
	}
	var first, season Offer
	if err := write(func(tx *db.Tx) (err error) {
		if first, err = Publish(tx, 1, signup(1500, -30, 0), noon, 14); err != nil {
			return err
		}
		season, err = Publish(tx, 1, signup(2500, 1, 9), noon, 14)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := write(func(tx *db.Tx) error { _, err := Publish(tx, 1, signup(1400, 2, 0), noon, 14); return err }); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cut without notice: %v", err)
	}
	if err := write(func(tx *db.Tx) error { _, err := Publish(tx, 7, signup(1400, 2, 0), noon, 14); return err }); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown marketplace: %v", err)
	}
	if err := write(func(tx *db.Tx) (err error) { first, err = End(tx, 1, first.ID, in(20), noon, 14); return err }); err != nil {
		t.Fatal(err)
	}
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		offers, err := Load(tx, 1)
		if diff := cmp.Diff([]Offer{first, season}, offers, cmp.Transformer("set", func(list []Offer) map[id.ID]Offer {
			byID := map[id.ID]Offer{}
			for _, o := range list {
				byID[o.ID] = o
			}
			return byID
		})); diff != "" {
			t.Error(diff)
		}
		markets, _ := market.All(tx)
		if markets[0].Version < 3 {
			t.Errorf("the marketplace's version is %d: caches would not reload", markets[0].Version)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
