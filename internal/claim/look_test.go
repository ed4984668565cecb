package claim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/accrual"
	"tributary/internal/attribution"
	"tributary/internal/claim"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/commission"
	"tributary/internal/db"
	"tributary/internal/decision"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/order"
)

// What a creator is told of an order, case by case: the reason, and the evidence for it.
func TestWhatIsKnown(t *testing.T) {
	at := begin.Add(10 * time.Hour) // of the order
	hours := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }
	added := func(l order.Line, when time.Time) order.Line { l.AddedAt = &when; return l }
	for _, c := range []struct {
		name  string
		book  func(w *world)
		who   id.ID
		kind  claim.Case
		asks  bool // a claim may be opened
		why   string
		ended string // by, at
		words string // of the line, or of the case where it shows none
	}{
		{"won", func(w *world) { w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin))) },
			alice, claim.Credited, false, "", "", "It is pending until it ships."},
		{"a stranger asks", func(w *world) { w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin))) },
			carol, claim.NoClick, true, "", "", "The store has reported this order. No click of yours came with it."},
		{"not reported", func(*world) {}, alice, claim.NotReported, true, "", "", "The store has not reported this order, or not yet."},
		{"waits", func(w *world) {
			w.send(order.Event{Type: order.TypeShipped, OccurredAt: at, Order: "1", Line: "1", Quantity: 1})
		}, alice, claim.Waiting, true, "", "", "not yet the order itself"},
		{"superseded", func(w *world) {
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin), w.click(bob, hours(3)), w.click(carol, hours(4))))
		}, alice, claim.Touched, true, "superseded", "other_click 2026-03-10T15:00:00Z",
			"Your click of 10 March 2026, 08:00: its session ended on 10 March 2026, 11:00, when the shopper clicked a link of another"},
		{"superseded by the own next click", func(w *world) {
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin), w.click(alice, hours(3))))
		}, alice, claim.Credited, false, "", "own_click 2026-03-10T15:00:00Z", "It is pending until it ships."},
		{"another ordered in between", func(w *world) {
			token := w.click(alice, begin)
			w.placed("0", hours(2), line("1", "MUG", 500, token))
			w.placed("1", at, line("1", "KETTLE", 1999, token))
		}, alice, claim.Touched, true, "session_ended", "order 2026-03-10T14:00:00Z", "when the shopper placed another order."},
		{"too late", func(w *world) { w.placed("1", hours(25), line("1", "KETTLE", 1999, w.click(alice, begin))) },
			alice, claim.Touched, true, "expired", "time 2026-03-11T12:00:00Z", "after 24 hours. The product was chosen later."},
		{"in the cart for too long", func(w *world) {
			w.placed("1", begin.AddDate(0, 0, 90), added(line("1", "KETTLE", 1999, w.click(alice, begin)), hours(1)))
		}, alice, claim.Touched, true, "expired", "cart_days 2026-06-07T12:00:00Z", "89 days for what was put in the cart in time."},
		{"in the cart before", func(w *world) {
			w.placed("1", at, added(line("1", "KETTLE", 1999, w.click(alice, hours(2))), hours(1)))
		}, alice, claim.Touched, true, "in_cart_before_click", "", "the product was in the cart since 10 March 2026, 09:00."},
		{"a paid ad", func(w *world) {
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin, func(k *click.Token) { k.Flags = click.FlagPaid })))
		}, alice, claim.Touched, true, "paid_ad", "", "came from a paid ad"},
		{"a machine", func(w *world) {
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin, func(k *click.Token) { k.Flags = click.FlagInvalid })))
		}, alice, claim.Touched, true, "invalid_traffic", "", "not to be made by a person"},
		{"suspended", func(w *world) {
			w.stand(alice, hours(-1), enrolment.Suspended)
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin)))
		}, alice, claim.Touched, true, "enrolment_not_active", "", "your enrolment was not active"},
		{"superseded by one who was active then and is not now", func(w *world) {
			w.stand(bob, hours(4), enrolment.Suspended)
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin), w.click(bob, hours(3))))
		}, alice, claim.Touched, true, "superseded", "other_click 2026-03-10T15:00:00Z", "a link of another creator"},
		{"superseded, but not by a machine before", func(w *world) {
			bot := w.click(bob, hours(1), func(k *click.Token) { k.Flags = click.FlagInvalid })
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin), bot, w.click(carol, hours(3))))
		}, alice, claim.Touched, true, "superseded", "other_click 2026-03-10T15:00:00Z", "a link of another creator"},
		{"a view that won", func(w *world) {
			owner := link.Tracking{ID: bob * 10, Creator: bob, Program: click.Associates, Market: 1}
			seen := link.NewView(owner, 0, "KETTLE", 20, false, hours(3))
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin), w.sealer.Seal(seen)))
		}, alice, claim.Touched, true, "superseded", "view 2026-03-10T15:00:00Z", "gave way to a video that was seen later."},
		{"a coupon that came behind", func(w *world) {
			w.coupon("ALICE10", alice)
			e := order.Event{Type: order.TypePlaced, OccurredAt: at, Order: "1", Placed: &order.Placed{ID: "1", Currency: "USD",
				Coupons: []string{"ALICE10"}, Lines: []order.Line{line("1", "KETTLE", 1999, w.click(bob, begin))}}}
			w.send(e)
		}, alice, claim.Touched, true, "superseded", "other_click 2026-03-10T12:00:00Z", "Your coupon gave way to a click or a view"},
		{"bought by oneself", func(w *world) {
			w.send(order.Event{Type: order.TypePlaced, OccurredAt: at, Order: "1", Placed: &order.Placed{ID: "1", Currency: "USD",
				Shopper: &order.Shopper{Email: "c11@creators.example"}, Lines: []order.Line{line("1", "KETTLE", 1999, w.click(alice, begin))}}})
		}, alice, claim.Credited, true, "self_purchase", "", "an account, e-mail, payment or device of your own"},
		{"all came back", func(w *world) {
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin)))
			w.send(order.Event{Type: order.TypeShipped, OccurredAt: at, Order: "1", Line: "1", Quantity: 1})
			w.send(order.Event{Type: order.TypeReturned, OccurredAt: at, Order: "1", Line: "1", Quantity: 1})
		}, alice, claim.Credited, true, "returned", "", "everything was given back"},
		{"found in breach", func(w *world) {
			w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin)))
			finding := accrual.Violation{ID: 7, Code: "cloaking", Words: "The link was hidden.", By: staff}
			_, err := w.a.Disqualify(context.Background(), 1, finding, []accrual.LineKey{{Order: "1", Line: "1"}})
			w.must(err)
		}, alice, claim.Credited, true, "policy_violation", "", "The link was hidden."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.book(w)
			if now := w.clock.Now(); now.Before(at) {
				w.must(w.clock.Set(at))
			}
			k := w.known(c.who, claim.Question{Order: "#1"})
			if k.Case != c.kind || k.Claimable != c.asks {
				t.Fatalf("%s, claimable %v: %+v", k.Case, k.Claimable, k)
			}
			said := strings.Join(k.Words, " ")
			if len(k.Lines) > 0 {
				l := k.Lines[0]
				said = l.Words
				if l.Reason != c.why {
					t.Errorf("reason %q, want %q", l.Reason, c.why)
				}
				ended := ""
				if first := l.Touches[0]; first.EndedAt != nil {
					ended = string(first.EndedBy) + " " + first.EndedAt.Format(time.RFC3339)
				}
				if ended != c.ended {
					t.Errorf("ended %q, want %q", ended, c.ended)
				}
			}
			if !strings.Contains(said, c.words) {
				t.Errorf("says %q, want %q", said, c.words)
			}
		})
	}
}

func (w *world) stand(c id.ID, since time.Time, state enrolment.State) {
	w.t.Helper()
	w.must(w.db.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		return enrolment.Save(tx, enrolment.Key{Market: 1, Creator: c, Program: enrolment.Associates},
			enrolment.Standing{Since: since, State: state})
	}))
}

func (w *world) coupon(code string, owner id.ID) {
	w.t.Helper()
	w.must(w.db.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		t := link.Tracking{ID: owner * 10, Tag: strings.ToLower(code) + "-20", Creator: owner, Program: click.Associates, Market: 1,
			Created: begin}
		if err := link.Open(tx, t); err != nil {
			return err
		}
		return link.OpenCoupon(tx, link.Coupon{Market: 1, Code: code, Creator: owner, Program: click.Associates, Tracking: t.ID,
			Since: begin.AddDate(-1, 0, 0)})
	}))
}

// An order that waits for its payment is decided later: nothing to ask for yet.
func TestAwaitingPayment(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Policy.AwaitPayment = true })
	w.placed("1", begin, line("1", "KETTLE", 1999, w.click(alice, begin.Add(-time.Hour))))
	k := w.known(alice, claim.Question{Order: "1"})
	l := k.Lines[0]
	if k.Case != claim.Touched || k.Claimable || l.Reason != "awaiting_payment" || !strings.Contains(l.Words, "once it is paid") {
		t.Errorf("%+v", k)
	}
}

// Lines of one order with different fates are told apart; those without a touch of the creator's stay dark.
func TestPartOfAnOrder(t *testing.T) {
	w := newWorld(t)
	at := begin.Add(time.Hour)
	w.titles(map[string]string{"KETTLE": "A kettle of steel"})
	w.placed("1", at, line("1", "KETTLE", 1999, w.click(alice, begin)), line("2", "MUG", 500, w.click(bob, begin)), line("3", "PAN", 700))
	k := w.known(alice, claim.Question{Order: "1"})
	if k.Case != claim.Credited || !k.Claimable || k.Currency != "USD" || len(k.Lines) != 3 {
		t.Fatalf("%+v", k)
	}
	if own := k.Lines[0].Own; own == nil || own.SKU != "KETTLE" || own.Title != "A kettle of steel" || own.Pending != 200 {
		t.Errorf("the own line: %+v", k.Lines[0])
	}
	for _, l := range k.Lines[1:] {
		if l.Own != nil || l.OrderedAt != nil || l.Reason != "no_touch" || l.Words != "No click of yours came with this line." {
			t.Errorf("another's line: %+v", l)
		}
	}
}

// Whatever the order, its touches and whoever asks: nothing of what is not the asker's is told, in words or data; and what
// is told of the own touches agrees with the rule of attribution.
func TestNothingOfOthers(t *testing.T) {
	w := newWorld(t)
	people, number := []id.ID{alice, bob, carol}, 0
	w.stand(carol, begin.Add(30*time.Hour), enrolment.Suspended)
	w.must(w.clock.Set(begin.AddDate(0, 6, 0)))
	rapid.Check(t, func(r *rapid.T) {
		number++
		name := fmt.Sprintf("order-%d", number)
		at := begin.Add(time.Duration(rapid.IntRange(1, 60).Draw(r, "ordered")) * time.Hour)
		lines := make([]order.Line, rapid.IntRange(1, 3).Draw(r, "lines"))
		var shared []string // one shopper has one cookie
		for range rapid.IntRange(0, 4).Draw(r, "touches") {
			clicked := begin.Add(time.Duration(rapid.IntRange(0, 50).Draw(r, "clicked")) * time.Hour)
			shared = append(shared, w.click(rapid.SampledFrom(people).Draw(r, "creator"), clicked, func(k *click.Token) {
				k.Flags = rapid.SampledFrom([]click.Flags{0, 0, 0, click.FlagPaid, click.FlagInvalid}).Draw(r, "flags")
			}))
		}
		for i := range lines {
			lines[i] = line(fmt.Sprintf("%d", i+1), fmt.Sprintf("SKU-%d-%d", number, i), int64(7_000_000+number*10+i))
			lines[i].Clicks = shared[:rapid.IntRange(0, len(shared)).Draw(r, "of them")]
			if rapid.Bool().Draw(r, "cart") {
				added := at.Add(-time.Duration(rapid.IntRange(0, 30).Draw(r, "added")) * time.Hour)
				lines[i].AddedAt = &added
			}
		}
		w.placed(name, at, lines...)
		who := rapid.SampledFrom(people).Draw(r, "who")
		k := w.known(who, claim.Question{Order: name})
		raw, err := json.Marshal(k)
		if err != nil {
			r.Fatal(err)
		}
		own := map[string]bool{}
		for _, l := range k.Lines {
			own[l.Line] = l.Own != nil
		}
		for _, other := range people {
			for _, name := range []string{other.Text(id.Creator), (other * 10).Text(id.Tracking)} {
				if other != who && strings.Contains(string(raw), name) {
					r.Fatalf("names another creator: %s", raw)
				}
			}
		}
		for _, l := range lines {
			if told := strings.Contains(string(raw), l.SKU) || strings.Contains(string(raw), fmt.Sprint(l.Amount.Amount)); told != own[l.ID] {
				r.Fatalf("line %s, own %v: %s", l.ID, own[l.ID], raw)
			}
		}
		dark := claim.Known{Case: claim.NoClick, Words: k.Words, Order: name, Lines: []claim.Line{}, Claimable: true}
		if k.Case == claim.NoClick && !reflect.DeepEqual(k, dark) {
			r.Fatalf("tells a stranger more than that the order is known: %s", raw)
		}
		w.agrees(r, name, who, k)
	})
}

var selectFacts = db.Statement(`SELECT body FROM decision WHERE lane = 1 AND subject = $1 ORDER BY version DESC LIMIT 1`)

// agrees compares the evidence with what the rule says of each touch alone.
func (w *world) agrees(r *rapid.T, name string, who id.ID, k claim.Known) {
	for _, l := range k.Lines {
		var body string
		w.read(func(tx *db.Tx) error {
			_, err := tx.One(selectFacts, []any{&body}, decision.Subject(name, l.Line))
			return err
		})
		var decision struct{ Facts commission.Facts }
		if err := json.Unmarshal([]byte(body), &decision); err != nil {
			r.Fatal(err)
		}
		f := decision.Facts
		told := map[string]claim.Touch{}
		for _, t := range l.Touches {
			told[t.Click] = t
		}
		fates := attribution.Fates(f.Touches, f.Line, f.Ends, f.Policy)
		winner := attribution.Decide(f.Touches, f.Line, f.Ends, f.Policy).Winner
		for i, touch := range f.Touches {
			got, is := told[id.ID(touch.Click).Text(id.Click)]
			if is != (touch.Creator == who) {
				r.Fatalf("touch %d of %d, told %v", i, touch.Creator, is)
			}
			if !is {
				continue
			}
			itself := func(t attribution.Touch) bool { return t.Click == touch.Click }
			alone := attribution.DecideAmong(f.Touches, f.Line, f.Ends, f.Policy, itself)
			want := alone.EndedAt
			switch {
			case i == winner:
				want = 0
			case alone.Winner >= 0: // it would have won, and gave way to the winner
				want = f.Touches[winner].At
			}
			if got.Reason != string(fates[i]) || got.Won != (i == winner) || (got.EndedAt == nil) != (want == 0) ||
				got.EndedAt != nil && clock.Micro(*got.EndedAt) != want {
				r.Fatalf("line %s, touch %d: told %+v, want %s at %s", l.Line, i, got, fates[i], clock.FromMicro(want))
			}
		}
	}
}

// Around a date: the own clicks, and the orders with which one of them came, whoever won them.
func TestByDate(t *testing.T) {
	w := newWorld(t)
	w.titles(map[string]string{"KETTLE": "A kettle of steel", "MUG": "A blue mug"})
	shared := click.Token{Click: click.NewID(), Creator: alice, Program: click.Associates, Tracking: 110, Market: 1, At: begin,
		Kind: click.KindHome}
	early := shared
	early.Click, early.At = click.NewID(), begin.AddDate(0, 0, -30)
	abroad := shared
	abroad.Click, abroad.Market = click.NewID(), 2
	w.clicks(shared, early, abroad)
	cart := begin.AddDate(0, 0, -30).Add(time.Hour)
	kept := line("1", "PAN", 4000, w.sealer.Seal(early))
	kept.AddedAt = &cart
	w.placed("kept", begin.Add(time.Hour), kept)                                          // put in the cart a month before
	w.placed("mug", begin.Add(2*time.Hour), line("1", "MUG", 500, w.sealer.Seal(shared))) // the order before ended nothing: another shopper
	w.placed("lost", begin.Add(3*time.Hour), line("1", "SECRET", 900, w.sealer.Seal(shared), w.click(bob, begin.Add(time.Hour))))
	w.placed("bobs", begin.Add(4*time.Hour), line("1", "SECRET2", 901, w.click(bob, begin)))
	w.send(order.Event{Type: order.TypePlaced, OccurredAt: begin.Add(5 * time.Hour), Order: "far", Placed: &order.Placed{ID: "far", Currency: "USD",
		Lines: []order.Line{line("1", "KETTLE", 1999, w.click(alice, begin.Add(4*time.Hour)))}}}) // its click is in no log
	w.must(w.clock.Set(begin.AddDate(0, 0, 5)))
	w.placed("later", begin.AddDate(0, 0, 5), line("1", "KETTLE", 1999, w.click(alice, begin.AddDate(0, 0, 5))))

	k := w.known(alice, claim.Question{Date: "2026-03-10", Product: "blue MUG", Amount: 520})
	var orders []string
	for _, one := range k.Orders {
		orders = append(orders, one.Order+" "+string(one.Case))
	}
	if got, want := strings.Join(orders, ", "), "mug credited, kept credited, lost touched, far credited"; got != want {
		t.Errorf("orders %s, want %s", got, want)
	}
	day := claim.Day{Date: "2026-03-10", Gross: 1, Counted: 1}
	if k.Case != claim.ByDate || !k.Claimable || k.Partial || len(k.Days) != 3 || k.Days[1] != day {
		t.Errorf("%+v", k)
	}
	if len(k.Clicks) != 1 || k.Clicks[0].Click != id.ID(shared.Click).Text(id.Click) || !k.Clicks[0].Counted {
		t.Errorf("clicks %+v", k.Clicks)
	}
	if raw, _ := json.Marshal(k); strings.Contains(string(raw), "SECRET") {
		t.Errorf("tells what others bought: %s", raw)
	}
	if own := k.Orders[0].Lines[0].Own; !own.Fits || k.Orders[1].Lines[0].Own.Fits {
		t.Errorf("what is described is not in front: %+v", own)
	}
	if k := w.known(carol, claim.Question{Date: "2026-03-10"}); len(k.Orders) != 0 || len(k.Clicks) != 0 || k.Days[1].Gross != 0 {
		t.Errorf("a stranger learns %+v", k)
	}
	if k := w.known(alice, claim.Question{Date: "2026-03-12"}); len(k.Orders) != 0 || k.Days[0].Date != "2026-03-11" {
		t.Errorf("two days later: %+v", k)
	}
}

// clicks puts clicks into a log and ships it, as an edge does.
func (w *world) clicks(tokens ...click.Token) {
	w.t.Helper()
	log, err := click.OpenLog(w.t.TempDir(), 1, click.Options{Segment: 1 << 20})
	w.must(err)
	defer log.Close()
	for _, one := range tokens {
		_, err := log.Append(context.Background(), &click.Click{Token: one})
		w.must(err)
	}
	shipper := &click.Shipper{DB: w.db, Log: log, Zone: func(uint16) *time.Location { return w.m.Location() }}
	for shipped := 0; shipped < len(tokens); {
		n, err := shipper.Step(context.Background())
		w.must(err)
		shipped += n
	}
}

// More than is shown is said to be there.
func TestByDateIsBounded(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.placed(fmt.Sprintf("order-%02d", i), begin, line("1", "KETTLE", 1999, w.click(alice, begin.Add(-time.Minute))))
	}
	k := w.known(alice, claim.Question{Date: "2026-03-10"})
	if len(k.Orders) != 20 || !k.Partial || !strings.Contains(strings.Join(k.Words, " "), "There is more") {
		t.Errorf("%d orders, partial %v: %v", len(k.Orders), k.Partial, k.Words)
	}
}
