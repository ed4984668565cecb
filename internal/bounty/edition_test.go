package bounty

import (
	"context"
	"encoding/json"
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

// today is noon in marketplace us, with the usual notice.
var today = Occasion{Market: 1, Marketplace: "us", Now: noon, NoticeDays: 14}

// What creators are promised gets worse with notice only; what is better takes effect at once.
func TestNotice(t *testing.T) {
	running, season, coming := signup(1500, -30, 0), signup(2500, -2, 5), signup(1200, 3, 0)
	running.ID, season.ID, coming.ID = 1, 2, 3
	coming.Published = in(-20)
	share := Offer{ID: 3, Action: "trade_in", Name: "Trade-in", ShareBPS: 200, Max: 5000, From: in(-30), Page: "/"}
	next := func(change func(*Offer), like Offer) Offer { change(&like); return like }
	for _, c := range []struct {
		name   string
		offers []Offer
		next   Offer
		want   string
	}{
		{"the first one may lie in the past", nil, signup(1500, -30, 0), ""},
		{"a later one may not", []Offer{running}, signup(1600, -1, 0), "bounties[0].from: is in the past"},
		{"more, at once", []Offer{running}, signup(1600, 0, 0), ""},
		{"less, too soon", []Offer{running}, signup(1400, 13, 0), "bounties[0].from: creators would get less, which takes effect no sooner than 14 days after it is published: business_signup from 1500 to 1400"},
		{"less, with notice", []Offer{running}, signup(1400, 14, 0), ""},
		{"more than ever, but less than this season", []Offer{running, season}, signup(2000, 3, 0), "bounties[0].from: creators would get less"},
		{"more than ever, from the end of the season", []Offer{running, season}, signup(2000, 5, 0), ""},
		{"less than what has not begun yet", []Offer{signup(9900, 3, 0)}, signup(1500, 3, 0), ""},
		{"new customers only", []Offer{running}, next(func(o *Offer) { o.NewCustomers = true }, signup(1500, 1, 0)), "bounties[0].from: creators would get less"},
		{"a share instead of an amount", []Offer{running}, next(func(o *Offer) { o.Amount, o.ShareBPS = 0, 10_000 }, signup(0, 1, 0)), "bounties[0].from: creators"},
		{"a smaller share", []Offer{share}, next(func(o *Offer) { o.ShareBPS, o.From = 150, in(1) }, share), "bounties[0].from: creators would get less, which takes effect no sooner than 14 days after it is published: trade_in from 2 % of the value, at most 5000 to 1.5 % of the value, at most 5000"},
		{"a smaller most", []Offer{share}, next(func(o *Offer) { o.Max, o.From = 4000, in(1) }, share), "bounties[0].from: creators"},
		{"no most any more", []Offer{share}, next(func(o *Offer) { o.Max, o.From = 0, in(1) }, share), ""},
		{"an amount that no share reached", []Offer{share}, next(func(o *Offer) { o.Amount, o.ShareBPS, o.Max, o.From = 5000, 0, 0, in(1) }, share), ""},
		{"an amount that shares passed", []Offer{share}, next(func(o *Offer) { o.Amount, o.ShareBPS, o.Max, o.From = 4999, 0, 0, in(1) }, share), "bounties[0].from: creators"},
		{"a season in between", []Offer{running}, signup(2500, 2, 4), ""},
		{"a season, while a cut is to come that was announced in time", []Offer{running, coming}, signup(2500, 20, 30), ""},
		{"less than that cut", []Offer{running, coming}, signup(1100, 4, 0), "bounties[0].from: creators would get less"},
		{"that cut, sooner", []Offer{running, coming}, signup(1200, 2, 0), "bounties[0].from: creators would get less"},
		{"the very same again", []Offer{running, coming}, signup(1200, 3, 0), "bounties[0]: the very same offer is published already"},
		{"another action for the first time", []Offer{running}, next(func(o *Offer) { o.Action = "trial" }, signup(100, -3, 0)), ""},
	} {
		_, _, err := With(c.offers, Edition{Offers: []Offer{c.next}}, today)
		if (err == nil) != (c.want == "") || err != nil && (!strings.HasPrefix(err.Error(), c.want) || fault.Of(err).Fix == "") {
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
		{"too soon", 1, in(5), "bounty_ends[0].until: creators would get less, which takes effect no sooner than 14 days after it is published: business_signup ends"},
		{"with notice", 1, in(14), ""},
		{"later", 1, in(90), ""},
		{"never", 1, time.Time{}, ""},
		{"as it is", 1, in(60), "bounty_ends[0].until: is what it was"},
		{"in the past", 1, in(-1), "bounty_ends[0].until: is in the past"},
		{"beyond all years", 1, in(365 * 900), "bounty_ends[0].until: is in the year"},
		{"over already", 2, in(20), "bounty_ends[0].until: the offer is over already"},
		{"withdrawn before it begins", 3, noon, ""},
		{"unknown", 9, noon, "bounty_ends[0].bounty: there is no such offer"},
	} {
		offers := []Offer{running, over, coming}
		if c.which == 1 {
			offers = offers[:2]
		}
		after, said, err := With(offers, Edition{Ends: []EndAt{{c.which, c.until}}}, today)
		if (err == nil) != (c.want == "") || err != nil && (!strings.HasPrefix(err.Error(), c.want) || fault.Of(err).Fix == "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err == nil && !said[0].Ended {
			t.Errorf("%s: %+v", c.name, said)
		}
		if c.which == 3 && (At(after[2:], "business_signup", in(3)) != nil || !said[0].TakenBack) {
			t.Error("withdrawn, and in force all the same")
		}
	}
}

// A publication tells what it changes, and a refusal names the part that does it.
func TestWith(t *testing.T) {
	running, season, coming := signup(1500, -30, 0), signup(2500, -2, 30), signup(1600, 40, 0)
	running.ID, season.ID, coming.ID = 1, 2, 3
	offers := []Offer{running, season, coming}
	other := signup(1500, 50, 0)
	other.Page, other.WindowDays = "/new", 30
	usd := today
	usd.Currency = "USD"
	for _, c := range []struct {
		name string
		e    Edition
		want []Publication
		err  string
	}{
		{"a first one", Edition{Offers: []Offer{{Action: "trial", Name: "Trial", ShareBPS: 250, Max: 4000, From: in(1), Page: "/"}}},
			[]Publication{{Action: "trial", From: in(1), Rises: []string{"2.5 % of the value, at most 40.00 USD"}}}, ""},
		{"a better one", Edition{Offers: []Offer{signup(3000, 5, 6)}},
			[]Publication{{From: in(5), Until: in(6), Rises: []string{"from 25.00 USD to 30.00 USD"}}}, ""},
		{"a worse one", Edition{Offers: []Offer{signup(1400, 35, 0)}},
			[]Publication{{From: in(35), Cuts: []string{"from 15.00 USD to 14.00 USD"}, Changes: nil}}, ""},
		{"another page", Edition{Ends: []EndAt{{3, in(40)}}, Offers: []Offer{other}},
			[]Publication{{From: in(40), Until: in(40), Ended: true, TakenBack: true, Cuts: []string{"from 16.00 USD to 15.00 USD"}},
				{From: in(50), Changes: []string{"page", "window_days"}}}, ""},
		{"a season is longer", Edition{Ends: []EndAt{{2, in(60)}}},
			[]Publication{{From: in(30), Until: in(60), WasUntil: in(30), Ended: true, Rises: []string{"from 15.00 USD to 25.00 USD"}}}, ""},
		{"a season without end", Edition{Ends: []EndAt{{2, time.Time{}}}},
			[]Publication{{From: in(30), WasUntil: in(30), Ended: true, Rises: []string{"from 15.00 USD to 25.00 USD"}}}, ""},
		{"a season ends where another one begins", Edition{Ends: []EndAt{{2, in(20)}}, Offers: []Offer{signup(2600, 20, 0)}},
			[]Publication{{From: in(20), Until: in(20), WasUntil: in(30), Ended: true}, {From: in(20), Rises: []string{"from 25.00 USD to 26.00 USD"}}}, ""},
		{"two, and one of them is a cut", Edition{Offers: []Offer{signup(2600, 3, 4), signup(2400, 4, 5)}}, nil,
			"bounties[1].from: creators would get less, which takes effect no sooner than 14 days after it is published: business_signup from 25.00 USD to 24.00 USD"},
		{"the base holds again", Edition{Ends: []EndAt{{3, in(40)}, {2, in(3)}}}, nil, "bounty_ends[1].until: creators would get less"},
		{"a bad one", Edition{Offers: []Offer{signup(3000, 5, 6), {}}}, nil, "bounties[1].action: is not the name"},
	} {
		after, said, err := With(offers, c.e, usd)
		if err != nil || c.err != "" {
			if c.err == "" || err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
			continue
		}
		for i := range said {
			p := &said[i]
			part, at := p.Part()
			if p.Bounty == "" || p.Marketplace != "us" || p.Name != p.Offer.Name || p.Currency != "USD" || find(after, p.Offer.ID) == nil ||
				part != map[bool]string{false: "bounties", true: "bounty_ends"}[p.Ended] || at != 0 {
				t.Errorf("%s: %+v", c.name, p)
			}
			*p = Publication{Action: p.Action, From: p.From, Until: p.Until, Ended: p.Ended, WasUntil: p.WasUntil, TakenBack: p.TakenBack,
				Rises: p.Rises, Cuts: p.Cuts, Changes: p.Changes}
			if c.want[i].Action == "" {
				c.want[i].Action = "business_signup"
			}
		}
		if diff := cmp.Diff(c.want, said, cmp.AllowUnexported(Publication{})); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if !offers[1].Until.Equal(in(30)) {
		t.Error("what was published is changed by asking")
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

var selectOutbox = db.Statement(`SELECT idx, topic, creator, body FROM outbox WHERE lane = $1 AND turn = $2 ORDER BY idx`)

// What is published is told in the outbox, behind whatever else the transaction tells, or not at all.
func TestAnnounce(t *testing.T) {
	d := dbtest.Open(t)
	ctx := context.Background()
	if err := d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		return market.Save(tx, market.Market{No: 1, ID: "us", Currency: "USD", Zone: "America/New_York", Policy: policy.Shipped()})
	}); err != nil {
		t.Fatal(err)
	}
	usd := today
	usd.Currency = "USD"
	publish := func(e Edition) error {
		return d.Lane(ctx, db.Interactive, noon, []int64{1}, func(tx *db.Tx) error {
			for range 2 { // nothing is told of nothing; and what is told twice is numbered on
				said, err := PublishAll(tx, e, usd)
				if err != nil {
					return err
				}
				if err := Announce(tx, 1, said); err != nil {
					return err
				}
				e = Edition{}
			}
			return nil
		})
	}
	if err := publish(Edition{Offers: []Offer{signup(1500, -30, 0), signup(2500, 1, 9)}}); err != nil {
		t.Fatal(err)
	}
	if err := publish(Edition{Offers: []Offer{signup(3500, 1, 9), signup(100, 1, 9)}}); !fault.Is(err, fault.Invalid) {
		t.Fatalf("a cut: %v", err)
	}
	if err := d.Read(ctx, func(tx *db.Tx) error {
		var got []string
		err := tx.Each(selectOutbox, func(scan func(...any) error) error {
			var idx, creator int64
			var topic, body string
			err := scan(&idx, &topic, &creator, &body)
			var p Publication
			if bad := json.Unmarshal([]byte(body), &p); bad != nil || topic != "bounty.published" || creator != 0 || idx != int64(len(got)) ||
				p.Marketplace != "us" || p.Currency != "USD" || p.NewCustomers || p.Name != "Sign-up" {
				t.Errorf("%d %s: %s", idx, topic, body)
			}
			got = append(got, p.Rises...)
			return err
		}, int64(1), int64(1))
		if diff := cmp.Diff([]string{"15.00 USD", "from 15.00 USD to 25.00 USD"}, got); diff != "" {
			t.Error(diff)
		}
		offers, _ := Load(tx, 1)
		if len(offers) != 2 {
			t.Errorf("a refused edition left %d offers", len(offers)-2)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
