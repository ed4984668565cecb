package accrual_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/attribution"
	"tributary/internal/audit"
	"tributary/internal/bounty"
	"tributary/internal/click"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/order"
)

// bounties is a world with offers, and each creator's links of them.
type bounties struct {
	*world
	links map[string]id.ID // by creator and action
}

func newBounties(t testing.TB, change ...func(*market.Market)) *bounties {
	w := &bounties{newWorld(t, change...), map[string]id.ID{}}
	w.write(func(tx *db.Tx) error {
		long := begin.AddDate(-1, 0, 0)
		for _, o := range []bounty.Offer{
			{Action: "business_signup", Name: "Sign-up", Amount: 1500, From: long, Page: "/business"},
			{Action: "trial", Name: "Trial", Amount: 300, From: long, NewCustomers: true, Page: "/trial"},
			{Action: "trade_in", Name: "Trade-in", ShareBPS: 200, From: long, Page: "/trade-in"},
		} {
			o, err := bounty.Publish(tx, 1, o, long, 0)
			if err != nil {
				return err
			}
			for _, c := range []id.ID{alice, bob, dana} {
				tracking := link.Tracking{ID: c * 10, Tag: fmt.Sprintf("creator%d-20", c), Creator: c, Program: click.Associates, Market: 1, Name: "x", Created: long}
				if o.Action == "business_signup" {
					if err := link.Open(tx, tracking); err != nil {
						return err
					}
				}
				made, err := link.MakeBounty(tx, long, w.m, c, link.Draft{Tracking: tracking.ID}, link.Bounty{ID: o.ID, Action: o.Action, Page: o.Page})
				if err != nil {
					return err
				}
				w.links[fmt.Sprint(c, o.Action)] = made.ID
			}
		}
		return nil
	})
	return w
}

// own is a click on a creator's link of a bounty.
func (w *bounties) own(c id.ID, action string, at time.Time) string {
	return w.token(c, at, func(k *click.Token) { k.Link, k.Kind = w.links[fmt.Sprint(c, action)], click.KindShort })
}

func (w *world) completed(bountyID, action, customer string, at time.Time, clicks ...string) order.Event {
	return order.Event{ID: w.next(), Type: order.TypeBountyCompleted, Market: "us", OccurredAt: at,
		BountyPart: order.BountyPart{Bounty: bountyID, Action: action, Shopper: &order.Shopper{Customer: customer, NewCustomer: true}, Clicks: clicks}}
}

func (w *world) reversed(bountyID string, at time.Time) order.Event {
	return order.Event{ID: w.next(), Type: order.TypeBountyReversed, Market: "us", OccurredAt: at, BountyPart: order.BountyPart{Bounty: bountyID}}
}

func (w *world) ripen(want int) {
	w.t.Helper()
	if got, err := w.Ripen(context.Background(), 1); err != nil || got != want {
		w.t.Errorf("%d bounties ripened, want %d, %v", got, want, err)
	}
}

func (w *world) closeMonths() {
	w.t.Helper()
	if _, err := w.CloseMonths(context.Background(), 1); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) why(bountyID string) *explain.Bounty {
	w.t.Helper()
	var e *explain.Bounty
	if err := w.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		e, err = explain.OneBounty(tx, 1, bountyID)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// wantWhy compares what a bounty earns and why nothing.
func (w *world) wantWhy(bountyID string, pending, earned int64, reason attribution.Reason) {
	w.t.Helper()
	if e := w.why(bountyID); e.Pending != pending || e.Earned != earned || e.Reason != reason {
		w.t.Errorf("%s: pending %d, earned %d, %q; want %d, %d, %q", bountyID, e.Pending, e.Earned, e.Reason, pending, earned, reason)
	}
}

const window = 14 * 24 * time.Hour

// A bounty is pending through the last instant of its window, then earned in the month in which that ends.
func TestBountyRipens(t *testing.T) {
	w := newBounties(t)
	at := begin.AddDate(0, 0, 15).Add(time.Hour) // 25 March: the window ends in April
	w.clock.Set(at)
	token := w.own(alice, "business_signup", at.Add(-time.Hour))
	if fate := w.send(w.completed("b-1", "business_signup", "c-1", at, token), w.placed("1", at, line(3, 1999, token))); fate[0] != "accepted" {
		t.Fatal(fate)
	}
	w.want(alice, 1500+90, 0) // on top of the line's commission, which knows nothing of it
	w.clock.Set(at.Add(window))
	w.ripen(0)
	w.want(alice, 1590, 0)
	w.clock.Set(at.Add(window + time.Microsecond))
	w.ripen(1)
	w.ripen(0)
	w.want(alice, 90, 1500)
	if got := w.balances(); got[earned(alice, "2026-04")] != 1500 || got["operator/us/bounty"] != -1500 || got["operator/us/commission"] != -90 {
		t.Errorf("%v", got)
	}
	w.audit()
}

// The clock's walk posts it at the next midnight, before months close.
func TestAdvanceRipens(t *testing.T) {
	w := newBounties(t)
	if _, err := w.due().CatchUp(context.Background(), w.m); err != nil {
		t.Fatal(err)
	}
	w.send(w.completed("b-1", "business_signup", "c-1", begin, w.own(alice, "business_signup", begin)))
	ran, err := w.due().Advance(context.Background(), []market.Market{w.m}, begin.AddDate(0, 0, 16), func() error { return nil })
	if err != nil || len(ran) != 1 || !strings.Contains(ran[0], "1 bounties are earned") {
		t.Errorf("%q, %v", ran, err)
	}
	w.want(alice, 0, 1500)
	w.audit()
}

func TestBountyReasons(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(4 * time.Hour)
	w.clock.Set(at)
	signup := func(c id.ID) string { return w.own(c, "business_signup", begin) }
	value := func(e order.Event, amount int64) order.Event {
		worth := usd(amount)
		e.Value = &worth
		return e
	}
	old := w.completed("old", "trial", "c-old", at, w.own(alice, "trial", begin))
	old.Shopper.NewCustomer = false
	self := w.completed("self", "business_signup", "", at, signup(alice))
	self.Shopper.Email = fmt.Sprintf(" C%d@creators.example", alice)
	for _, c := range []struct {
		event   order.Event
		pending int64
		reason  attribution.Reason
	}{
		{w.completed("plain", "business_signup", "c-1", at, w.token(alice, begin)), 0, attribution.NoTouch},
		{w.completed("other", "business_signup", "c-2", at, w.own(alice, "trial", begin)), 0, attribution.NoTouch},
		{w.completed("after", "business_signup", "c-3", at, signup(alice), w.token(bob, begin.Add(time.Hour))), 0, attribution.Superseded},
		{w.completed("late", "business_signup", "c-4", at, w.own(alice, "business_signup", begin.Add(-21*time.Hour))), 0, attribution.Expired},
		{w.completed("forged", "business_signup", "c-5", at, "nonsense"), 0, attribution.BadToken},
		{w.completed("later", "business_signup", "c-6", at, signup(alice), w.own(bob, "business_signup", begin.Add(time.Hour))), 1500, ""},
		{w.completed("unknown", "newsletter", "c-7", at, signup(alice)), 0, attribution.NoTouch},
		{old, 0, bounty.NotNewCustomer},
		{w.completed("new", "trial", "c-8", at, w.own(alice, "trial", begin)), 300, ""},
		{self, 0, attribution.SelfPurchase},
		{value(w.completed("traded", "trade_in", "c-9", at, w.own(alice, "trade_in", begin)), 12000), 240, ""},
		{w.completed("valueless", "trade_in", "c-10", at, w.own(alice, "trade_in", begin)), 0, bounty.ValueMissing},
		{value(w.completed("tiny", "trade_in", "c-11", at, w.own(alice, "trade_in", begin)), 24), 0, attribution.RoundsToZero},
		{w.completed("too/early%", "business_signup", "c-12", begin.AddDate(-1, 0, -1), w.own(alice, "business_signup", begin.AddDate(-1, 0, -1))), 0,
			bounty.NotOffered},
	} {
		if fate := w.send(c.event); fate[0] != "accepted" {
			t.Errorf("%s: %s", c.event.Bounty, fate)
		}
		w.wantWhy(c.event.Bounty, c.pending, 0, c.reason)
	}
	if e := w.why("later"); e.Creator != bob.Text(id.Creator) || !e.Credited {
		t.Errorf("%+v", e)
	}
	w.audit()
}

// The same id again changes nothing; with other content it is refused; a bounty that is known is not changed.
func TestBountyAgain(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(time.Hour)
	w.clock.Set(at)
	token := w.own(alice, "business_signup", begin)
	first := w.completed("b-1", "business_signup", "c-1", at, token)
	again, reused := first, first
	reused.Action = "trial"
	again.ID = w.next()
	other := w.completed("b-1", "business_signup", "c-1", at.Add(-time.Minute), token)
	back := w.reversed("b-1", at)
	backAgain := w.reversed("b-1", at)
	got := w.send(first, first, reused, again, other, back, back, backAgain)
	want := []string{"accepted", "duplicate", "refused id_reused", "duplicate", "refused bounty_changed", "accepted", "duplicate", "duplicate"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	w.want(alice, 0, 0)
	w.wantWhy("b-1", 0, 0, bounty.Reversed)
	w.audit()
}

// A reversal may come first: it waits, is listed while it does, and is dropped after 180 days.
func TestReversalComesFirst(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(time.Hour)
	w.clock.Set(at)
	got := w.send(w.reversed("b-1", at), w.reversed("b-2", at), w.reversed("b-1", at))
	if got[0] != "waiting bounty_not_known" {
		t.Errorf("%q", got)
	}
	if waits := w.waitingEvents(); waits != 3 {
		t.Errorf("%d events wait", waits)
	}
	w.send(w.completed("b-1", "business_signup", "c-1", at, w.own(alice, "business_signup", begin)))
	w.wantWhy("b-1", 0, 0, bounty.Reversed)
	if waits := w.waitingEvents(); waits != 1 {
		t.Errorf("%d events wait", waits)
	}
	w.clock.Set(at.AddDate(0, 0, 181))
	if _, err := w.Lapse(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	if waits, notes := w.waitingEvents(), w.told("order.dropped"); waits != 0 || len(notes) != 1 || !strings.Contains(notes[0], `"bounty":"b-2"`) {
		t.Errorf("%d events wait, told %q", waits, notes)
	}
	w.audit()
}

var (
	countWaiting = db.Statement(`SELECT COUNT(*) FROM order_waiting WHERE market = 1`)
	selectTold   = db.Statement(`SELECT body FROM outbox WHERE lane = 1 AND topic = $1 ORDER BY turn, idx`)
)

func (w *world) waitingEvents() (count int64) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		_, err := tx.One(countWaiting, []any{&count})
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return count
}

// told gives what the outbox says under a topic.
func (w *world) told(topic string) (bodies []string) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(selectTold, func(scan func(...any) error) error {
			var body string
			err := scan(&body)
			bodies = append(bodies, body)
			return err
		}, topic)
	}); err != nil {
		w.t.Fatal(err)
	}
	return bodies
}

// One per customer and action: the earliest that is not reversed, decided again when an earlier one is reported or
// reversed. Another action, another customer, are another matter.
func TestOnePerCustomer(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(4 * time.Hour)
	w.clock.Set(at)
	a, b := w.own(alice, "business_signup", begin), w.own(bob, "business_signup", begin)
	w.send(w.completed("b-2", "business_signup", "c-1", begin.Add(2*time.Hour), a))
	w.send(w.completed("b-3", "business_signup", "c-1", begin.Add(2*time.Hour), b), w.completed("t-1", "trial", "c-1", begin.Add(3*time.Hour), w.own(alice, "trial", begin)),
		w.completed("b-9", "business_signup", "c-2", begin.Add(3*time.Hour), b))
	w.wantWhy("b-3", 0, 0, bounty.AlreadyCompleted)
	w.want(alice, 1800, 0)
	w.want(bob, 1500, 0)
	w.send(w.completed("b-1", "business_signup", "c-1", begin.Add(time.Hour), b)) // reported late, and earlier
	w.wantWhy("b-1", 1500, 0, "")
	w.wantWhy("b-2", 0, 0, bounty.AlreadyCompleted)
	w.want(alice, 300, 0)
	w.want(bob, 3000, 0)
	if e := w.why("b-2"); e.Earlier != "b-1" || e.For(alice).Earlier != "" {
		t.Errorf("%+v", e)
	}
	w.send(w.reversed("b-1", at))
	w.wantWhy("b-2", 1500, 0, "")
	w.wantWhy("b-3", 0, 0, bounty.AlreadyCompleted)
	w.send(w.reversed("b-2", at))
	w.wantWhy("b-3", 1500, 0, "")
	w.want(alice, 300, 0)
	w.want(bob, 3000, 0)
	w.audit()
}

// What a closed month holds stands; a reversal takes it back in its own month.
func TestBountyAfterTheClose(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(time.Hour)
	w.clock.Set(at)
	w.send(w.completed("b-2", "business_signup", "c-1", at, w.own(alice, "business_signup", begin)))
	w.clock.Set(at.Add(window + time.Hour))
	w.ripen(1)
	june := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	w.clock.Set(june)
	w.closeMonths()
	// An earlier completion that is reported now does not take what was paid, and is not paid beside it.
	w.send(w.completed("b-1", "business_signup", "c-1", begin.Add(time.Minute), w.own(bob, "business_signup", begin)))
	w.wantWhy("b-1", 0, 0, bounty.AlreadyCompleted)
	w.wantWhy("b-2", 0, 1500, "")
	// Nor does an order that ended the session.
	e := w.placed("1", begin.Add(30*time.Minute), line(1, 1000))
	e.Placed.Shopper = &order.Shopper{Customer: "c-1"}
	w.send(e)
	w.wantWhy("b-2", 0, 1500, "")
	if got, want := w.balances(), map[string]int64{payable(alice): 1500, "operator/us/bounty": -1500}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.send(w.reversed("b-2", june))
	w.wantWhy("b-2", 0, 0, bounty.Reversed)
	w.wantWhy("b-1", 0, 1500, "") // its window ended in March, which has closed: booked now
	want := map[string]int64{payable(alice): 1500, earned(alice, "2026-06"): -1500, earned(bob, "2026-06"): 1500, "operator/us/bounty": -1500}
	if got := w.balances(); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.clock.Set(june.AddDate(0, 3, 0))
	w.closeMonths()
	if got, want := w.balances(), map[string]int64{payable(bob): 1500, "operator/us/bounty": -1500}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	w.audit()
}

// A reversal of what an open month holds leaves nothing of it; a completion that is acknowledged after its month has
// closed is booked in the month of acknowledgement.
func TestBountyMonths(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(time.Hour)
	june := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	w.clock.Set(june)
	w.send(w.completed("b-1", "business_signup", "c-1", at, w.own(alice, "business_signup", begin)))
	if got := w.balances(); got[earned(alice, "2026-06")] != 1500 {
		t.Errorf("%v", got)
	}
	if e := w.why("b-1"); e.Month != "2026-06" || len(e.Months) != 1 || e.Months[0].Month != "2026-06" {
		t.Errorf("%+v", e)
	}
	w.send(w.reversed("b-1", june))
	if got := w.balances(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	w.audit()
}

// Orders that are reported late, paid late or moved end sessions of bounties, too; clicks found invalid win nothing.
func TestWhatChangesABounty(t *testing.T) {
	shopper := &order.Shopper{Customer: "c-1"}
	at := begin.Add(4 * time.Hour)
	for name, c := range map[string]struct {
		await  bool
		happen func(w *bounties, token string)
		reason attribution.Reason
	}{
		"an order in between, reported late": {false, func(w *bounties, _ string) {
			e := w.placed("1", begin.Add(time.Hour), line(1, 1000))
			e.Placed.Shopper = shopper
			w.send(e)
		}, attribution.SessionEnded},
		"an order that shows the same click": {false, func(w *bounties, token string) {
			w.send(w.placed("1", begin.Add(time.Hour), line(1, 1000, token)))
		}, attribution.SessionEnded},
		"a digital order": {false, func(w *bounties, token string) {
			l := line(1, 1000, token)
			l.Digital = true
			w.send(w.placed("1", begin.Add(time.Hour), l))
		}, ""},
		"an order afterwards": {false, func(w *bounties, token string) { w.send(w.placed("1", at.Add(time.Minute), line(1, 1000, token))) }, ""},
		"an order that is not paid": {true, func(w *bounties, token string) {
			w.send(w.placed("1", begin.Add(time.Hour), line(1, 1000, token)))
		}, ""},
		"an order that is paid later": {true, func(w *bounties, token string) {
			w.send(w.placed("1", begin.Add(time.Hour), line(1, 1000, token)))
			w.send(w.event(order.TypePaid, "1", "", 0, at))
		}, attribution.SessionEnded},
		"an order that moves before it": {false, func(w *bounties, token string) {
			w.send(w.placed("1", at.Add(time.Minute), line(1, 1000, token)))
			second := line(1, 500)
			second.ID = "2"
			w.send(w.placed("1", begin.Add(time.Hour), second))
		}, attribution.SessionEnded},
		"an order that moves away from it": {false, func(w *bounties, token string) {
			w.send(w.placed("1", begin.Add(time.Hour), line(1, 1000, token)))
			second := line(1, 500)
			second.ID = "2"
			w.send(w.placed("1", begin.Add(-time.Hour), second))
		}, ""},
		"its click found invalid": {false, func(w *bounties, token string) {
			opened, err := w.sealer.Open(token)
			if err != nil {
				t.Fatal(err)
			}
			verdicts := []accrual.ClickVerdict{{Click: opened.Click, Rule: "burst", Evidence: "{}"}}
			for want := range slices.Values([]int{1, 0}) {
				if changed, err := w.Invalidate(context.Background(), 1, verdicts); err != nil || changed != want {
					t.Errorf("%d changed, want %d, %v", changed, want, err)
				}
			}
		}, attribution.InvalidTraffic},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBounties(t, func(m *market.Market) { m.Policy.AwaitPayment = c.await })
			w.clock.Set(at)
			token := w.own(alice, "business_signup", begin)
			w.send(w.completed("b-1", "business_signup", "c-1", at, token))
			w.wantWhy("b-1", 1500, 0, "")
			c.happen(w, token)
			pending := map[bool]int64{true: 1500}[c.reason == ""]
			w.wantWhy("b-1", pending, 0, c.reason)
			w.audit()
		})
	}
}

func TestExplainBounty(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(4 * time.Hour)
	w.clock.Set(at)
	w.send(w.completed("b-1", "business_signup", "c-1", at, w.own(alice, "business_signup", begin), w.own(bob, "business_signup", begin.Add(time.Hour)),
		w.token(bob, begin.Add(-time.Hour))))
	w.clock.Set(at.Add(window + time.Second))
	w.ripen(1)
	w.send(w.reversed("b-1", at.Add(window)))
	e := w.why("b-1")
	if e.Offer == nil || e.Offer.Amount != 1500 || e.Rules.WindowDays != 14 || !e.WindowEnd.Equal(at.Add(window)) || e.Amount != 1500 || e.ReversedAt == nil ||
		len(e.Versions) != 3 || len(e.Postings) != 4 || e.Link == "" || e.Program != "associates" || e.Action != "business_signup" {
		t.Errorf("%+v", e)
	}
	var fates []attribution.Reason
	for _, touch := range e.Touches {
		fates = append(fates, touch.Reason)
	}
	if want := []attribution.Reason{attribution.NoTouch, attribution.Superseded, ""}; !slices.Equal(fates, want) || !e.Touches[2].Won {
		t.Errorf("%q, want %q", fates, want)
	}
	if own := e.For(alice); own.Touches[2].Creator != "" || own.Touches[1].Creator == "" || len(own.Postings) != 0 {
		t.Errorf("as alice reads it: %+v", own)
	}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		_, err := explain.OneBounty(tx, 1, "b-2")
		return err
	}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown one: %v", err)
	}
	told := []int{len(w.told("commission.pending")), len(w.told("commission.earned")), len(w.told("commission.reversed"))}
	if !slices.Equal(told, []int{1, 1, 1}) || !strings.Contains(w.told("commission.earned")[0], `"bounty":"b-1"`) {
		t.Errorf("told %v: %s", told, w.told("commission.earned"))
	}
}

// The creator's own account at the store is known from the account's facts; a customer on another device from clicks that
// were bound to them.
func TestBountyShopper(t *testing.T) {
	w := newBounties(t)
	at := begin.Add(time.Hour)
	w.clock.Set(at)
	token := w.own(alice, "business_signup", begin)
	opened, err := w.sealer.Open(token)
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(tx *db.Tx) error {
		return link.Bind(tx, 1, creator.Fact(w.ring, creator.FactCustomer, "c-1"), opened, token, begin)
	})
	w.send(w.completed("b-1", "business_signup", "c-1", at))
	w.want(alice, 1500, 0)
	if e := w.why("b-1"); len(e.Touches) != 1 || e.Touches[0].Source != attribution.FromCustomer {
		t.Errorf("%+v", e)
	}
	w.audit()
}

// Whatever is changed behind the product's back is told.
func TestVerifyFindsSpoiledBounties(t *testing.T) {
	for name, spoil := range map[string]*db.Stmt{
		"a fact":              spoilFact,
		"a target":            spoilTarget,
		"a decision gone":     spoilDecision,
		"a transfer's amount": spoilTransfer,
		"a row":               spoilRow,
		"a row's creator":     spoilCreator,
		"a row's window":      spoilRipe,
		"a row's version":     spoilVersion,
	} {
		t.Run(name, func(t *testing.T) {
			w := newBounties(t)
			w.clock.Set(begin.Add(time.Hour))
			w.send(w.completed("b-1", "business_signup", "c-1", begin.Add(time.Hour), w.own(alice, "business_signup", begin)))
			w.send(w.completed("b-2", "business_signup", "c-1", begin.Add(time.Minute), w.own(alice, "business_signup", begin)))
			w.audit()
			w.write(func(tx *db.Tx) error {
				changed, err := tx.Exec(spoil)
				if changed == 0 {
					t.Error("nothing was spoiled")
				}
				return err
			})
			found := 0
			if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
				_, err := audit.Verify(tx, 1, func(string) { found++ })
				return err
			}); err != nil || found == 0 {
				t.Errorf("%d differences, %v", found, err)
			}
		})
	}
}

var (
	spoilFact     = db.Statement(`UPDATE decision SET body = REPLACE(body, '"amount":1500', '"amount":9900')`)
	spoilTarget   = db.Statement(`UPDATE decision SET body = REPLACE(body, '"pending":1500', '"pending":1501')`)
	spoilDecision = db.Statement(`DELETE FROM decision WHERE version = 2`)
	spoilTransfer = db.Statement(`UPDATE transfer SET amount = amount + 1 WHERE component = 'bounty'`)
	spoilRow      = db.Statement(`UPDATE bounty_claim SET pending = pending + 1 WHERE market = 1`)
	spoilCreator  = db.Statement(`UPDATE bounty_claim SET creator = 22 WHERE market = 1`)
	spoilRipe     = db.Statement(`UPDATE bounty_claim SET ripe = 0 WHERE ripe > 0`)
	spoilVersion  = db.Statement(`UPDATE bounty_claim SET version = version + 1 WHERE market = 1`)
)
