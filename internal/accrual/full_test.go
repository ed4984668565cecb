package accrual_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/attribution"
	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/explain"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
)

var (
	insertPromotion = db.Statement(`INSERT INTO promotion (id, market, starts, ends, published, body) VALUES ($1, 1, 0, 0, 0, $2)`)
	insertContract  = db.Statement(`INSERT INTO contract (id, market, creator, published, body) VALUES ($1, 1, $2, 0, $3)`)
	insertVolume    = db.Statement(`INSERT INTO volume (id, market, number, published, body) VALUES ($1, 1, 1, 0, $2)`)
	raiseMarket     = db.Statement(`UPDATE marketplace SET version = version + 1 WHERE no = 1`)
)

// rates puts what prices lines beside the card in force, as its publication does.
func (w *world) rates(all ...any) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		for _, one := range all {
			body, err := json.Marshal(one)
			if err != nil {
				return err
			}
			switch r := one.(type) {
			case ratecard.Promotion:
				_, err = tx.Exec(insertPromotion, int64(r.ID), string(body))
			case ratecard.Contract:
				_, err = tx.Exec(insertContract, int64(r.ID), int64(r.Creator), string(body))
			case ratecard.Volume:
				_, err = tx.Exec(insertVolume, int64(r.ID), string(body))
			case ratecard.Card:
				_, err = ratecard.Publish(tx, 1, r, begin.AddDate(-2, 0, 0), 0)
			}
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(raiseMarket)
		return err
	})
}

// explain reads a line's explanation.
func (w *world) explain(orderID, lineID string) *explain.Explanation {
	w.t.Helper()
	var e *explain.Explanation
	if err := w.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		e, err = explain.Line(tx, 1, orderID, lineID)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// total gives the sum of all balances under a path.
func (w *world) total(path string) (sum int64) {
	for account, balance := range w.balances() {
		if account == path {
			sum += balance
		}
	}
	return sum
}

// docs/examples.md N: the promotion's part is posted apart, and both add up to what was computed once.
func TestPromotionSplit(t *testing.T) {
	w := newWorld(t)
	w.rates(ratecard.Promotion{ID: 1, Name: "Spring", From: begin.AddDate(0, 0, -1), Until: begin.AddDate(0, 0, 5), Change: ratecard.Add, Value: 100})
	w.send(w.placed("1", begin, line(1, 1990, w.token(alice, begin.Add(-time.Hour)))))
	w.want(alice, 109, 0)
	if c, p := w.total("operator/us/commission"), w.total("operator/us/promotion"); c != -90 || p != -19 {
		t.Errorf("commission %d, promotion %d", c, p)
	}
	w.send(w.event(order.TypeShipped, "1", "1", 1, begin))
	w.want(alice, 0, 109)
	w.clock.Set(begin.AddDate(0, 0, 6))
	w.send(w.placed("2", begin.AddDate(0, 0, 6), line(1, 1990, w.token(alice, begin.AddDate(0, 0, 6).Add(-time.Hour)))))
	w.want(alice, 90, 109) // after its end
	if e := w.explain("1", "1"); e.PromoEarned != 19 || len(e.Promotions) != 1 || !e.Promotions[0].Applied || e.Price.Final != 550 {
		t.Errorf("%+v", e)
	}
	w.audit()
}

// A contract stands before the card, a promotion comes on top of it, and the cap is the contract's own.
func TestContract(t *testing.T) {
	w := newWorld(t)
	w.rates(ratecard.Contract{ID: 1, Creator: alice, Kind: ratecard.Offsite, BPS: 700, Cap: 50, From: begin.AddDate(0, 0, -9)},
		ratecard.Promotion{ID: 2, Name: "Double", From: begin.AddDate(0, 0, -1), Until: begin.AddDate(0, 0, 5), Change: ratecard.Multiply, Value: 20000})
	w.send(w.placed("1", begin, line(1, 500, w.token(alice, begin.Add(-time.Hour)))), w.placed("2", begin, line(1, 1000, w.token(alice, begin.Add(-time.Hour)))),
		w.placed("3", begin, line(1, 1000, w.token(bob, begin.Add(-time.Hour)))))
	w.want(alice, 50+50, 0) // 14 % of 500 is 70, and of 1000 is 140
	w.want(bob, 90, 0)
	w.audit()
}

// A coupon's owner is credited where no click qualifies, or before clicks where the policy says so.
func TestCoupons(t *testing.T) {
	for _, first := range []bool{false, true} {
		w := newWorld(t, func(m *market.Market) { m.Policy.CouponsFirst = first })
		w.write(func(tx *db.Tx) error {
			if err := link.Open(tx, link.Tracking{ID: bob * 10, Tag: "bob-20", Creator: bob, Program: click.Associates, Market: 1, Name: "bob", Created: begin}); err != nil {
				return err
			}
			return link.OpenCoupon(tx, link.Coupon{Market: 1, Code: "KETTLE10", Creator: bob, Program: click.Associates, Tracking: bob * 10, Since: begin.AddDate(0, -1, 0)})
		})
		withCoupon := func(orderID string, clicks ...string) order.Event {
			e := w.placed(orderID, begin, line(1, 2000, clicks...))
			e.Placed.Coupons = []string{"nobody", " kettle10 "}
			return e
		}
		w.send(withCoupon("1"), withCoupon("2", w.token(alice, begin.Add(-time.Hour))), withCoupon("3", w.token(alice, begin.Add(-25*time.Hour))))
		got := w.lines("")
		if e := w.explain("1", "1"); e.Creator != bob.Text(id.Creator) || e.Pending != 90 || e.Touches[0].Source != attribution.FromCoupon {
			t.Errorf("first %v: %+v", first, e)
		}
		if e := w.explain("2", "1"); (e.Creator == bob.Text(id.Creator)) != first || e.Pending != 90 {
			t.Errorf("first %v: %+v %v", first, e, got)
		}
		if e := w.explain("3", "1"); e.Creator != bob.Text(id.Creator) {
			t.Errorf("first %v: %+v", first, e)
		}
		w.audit()
	}
}

// A view competes for its scope alone and earns by the onsite card; the later of click and view wins.
func TestViews(t *testing.T) {
	for scope, want := range map[policy.Scope][3]int64{ // kettle, its other colour, another kettle: what each earns
		policy.ScopeProduct: {100, 0, 0}, policy.ScopeVariation: {100, 100, 0}, policy.ScopeCategory: {100, 100, 100},
	} {
		w := newWorld(t, func(m *market.Market) { m.Policy.ViewScope = scope })
		w.rates(ratecard.Card{Kind: ratecard.Onsite, Effective: begin.AddDate(-1, 0, 0), Default: 1000})
		w.write(func(tx *db.Tx) error {
			return product.Save(tx, 1, click.ProductPlace, []product.Product{
				{SKU: "K-RED", Parent: "K", Title: "Kettle", Category: "Home > Kettles", State: product.Available},
				{SKU: "K-BLUE", Parent: "K", Title: "Kettle", Category: "Home > Kettles", State: product.Available},
				{SKU: "OTHER", Title: "Kettle", Category: "Home > Kettles", State: product.Available}})
		})
		view := w.view(alice, begin.Add(-time.Hour))
		short := w.sealer.Seal(link.NewView(link.Tracking{ID: bob * 10, Creator: bob, Program: click.Influencer, Market: 1}, 0, "K-RED", 4, false, begin.Add(-time.Minute)))
		w.enrol(alice, enrolment.Influencer)
		e := w.placed("1", begin)
		for i, sku := range []string{"K-RED", "K-BLUE", "OTHER"} {
			e.Placed.Lines = append(e.Placed.Lines, order.Line{ID: string(rune('1' + i)), SKU: sku, Quantity: 1, Amount: usd(1000), Clicks: []string{view, short}})
		}
		w.send(e)
		for i := range want {
			got := w.explain("1", string(rune('1'+i)))
			if got.Pending != want[i] || want[i] == 0 && got.Reason != attribution.NoTouch || want[i] != 0 && got.Rate.Kind != ratecard.Onsite {
				t.Errorf("%s, line %d: %d %q", scope, i+1, got.Pending, got.Reason)
			}
		}
		// A later click of another creator's takes it all back from the view; an earlier one does not.
		w.send(w.placed("2", begin.Add(time.Minute), order.Line{ID: "1", SKU: "K-RED", Quantity: 1, Amount: usd(1000),
			Clicks: []string{w.view(alice, begin.Add(-time.Hour)), w.token(bob, begin.Add(-time.Minute))}}))
		if got := w.explain("2", "1"); got.Creator != bob.Text(id.Creator) || got.Pending != 45 {
			t.Errorf("%+v", got)
		}
		w.audit()
	}
}

// view is a video of the red kettle, seen for six seconds.
func (w *world) view(c id.ID, at time.Time) string {
	t := link.Tracking{ID: c * 10, Creator: c, Program: click.Influencer, Market: 1}
	return w.sealer.Seal(link.NewView(t, 0, "K-RED", 6, false, at))
}

func (w *world) enrol(c id.ID, program enrolment.Program) {
	w.write(func(tx *db.Tx) error {
		return enrolment.Save(tx, enrolment.Key{Market: 1, Creator: c, Program: program}, enrolment.Standing{Since: begin.AddDate(-1, 0, 0), State: enrolment.Active})
	})
}

// A seller's fee is a target like E, whoever is credited; the shop's own lines carry none.
func TestSellerFee(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Seller = "house" })
	w.rates(ratecard.Card{Kind: ratecard.SellerFee, Effective: begin.AddDate(-1, 0, 0), Default: 1500,
		Entries: []ratecard.Entry{{Category: "Media", BPS: 2000, Minimum: 99}}})
	sold := func(orderID, seller, category string, quantity, net int64) order.Event {
		l := line(quantity, net)
		l.Seller, l.Category = seller, category
		return w.placed(orderID, begin, l)
	}
	w.send(sold("1", "s/9", "Home", 2, 3000), sold("2", "house", "Home", 1, 3000), sold("3", "s/9", "Media", 3, 600), sold("4", "", "Media", 3, 600))
	if fees := w.total("operator/us/fees"); fees != 0 {
		t.Errorf("%d before anything is shipped", fees)
	}
	w.send(w.event(order.TypeShipped, "1", "1", 1, begin), w.event(order.TypeShipped, "2", "1", 1, begin), w.event(order.TypeShipped, "3", "1", 2, begin))
	if fees := w.total("operator/us/fees"); fees != 225+198 { // 15 % of 1500; twice 0.99 is more than 20 % of 400
		t.Errorf("fees %d", fees)
	}
	w.send(w.event(order.TypeReturned, "3", "1", 1, begin))
	if fees, seller := w.total("operator/us/fees"), w.total("seller/s%2F9/us"); fees != 225+99 || seller != 0 {
		t.Errorf("fees %d, seller %d", fees, seller)
	}
	if e := w.explain("3", "1"); e.Fee == nil || e.Fee.Amount != 99 || e.Fee.Match != "Media" || e.For(alice).Fee != nil {
		t.Errorf("%+v", e.Fee)
	}
	w.audit()
}

// docs/examples.md Q, through the money path, with a line that has a contract and one that is not of the month.
func TestVolumeTier(t *testing.T) {
	w := newWorld(t)
	w.rates(ratecard.Volume{ID: 1, Number: 1, From: "2026-03", Bands: []ratecard.Band{{Above: 100000, Extra: 200}}},
		ratecard.Contract{ID: 2, Creator: bob, Kind: ratecard.Offsite, BPS: 700, From: begin.AddDate(0, 0, -9)})
	for i, c := range []id.ID{alice, alice, bob} {
		orderID := string(rune('1' + i))
		w.send(w.placed(orderID, begin, line(1, 80000, w.token(c, begin.Add(-time.Hour)))), w.event(order.TypeShipped, orderID, "1", 1, begin))
	}
	if extra := w.total("operator/us/promotion"); extra != -1200 {
		t.Errorf("extra %d", extra)
	}
	w.want(alice, 0, 7200+1200)
	w.want(bob, 0, 5600)
	w.audit()
	w.send(w.event(order.TypeReturned, "2", "1", 1, begin))
	w.want(alice, 0, 3600)
	if extra := w.total("operator/us/promotion"); extra != 0 {
		t.Errorf("extra %d", extra)
	}
	// Fixed at its close: what comes back afterwards lowers the month in which it comes.
	w.send(w.placed("5", begin, line(1, 80000, w.token(alice, begin.Add(-time.Hour)))), w.event(order.TypeShipped, "5", "1", 1, begin))
	w.clock.Set(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC))
	w.CloseMonths(context.Background(), 1)
	w.send(w.event(order.TypeReturned, "5", "1", 1, w.clock.Now()))
	if extra := w.total("operator/us/promotion"); extra != -1200 {
		t.Errorf("extra after the close %d", extra)
	}
	w.audit()
}

// The card of the click, or of the first shipment, where the policy says so.
func TestRateAt(t *testing.T) {
	for at, want := range map[policy.RateAt][2]int64{"": {180, 180}, policy.AtOrder: {180, 180}, policy.AtClick: {90, 90}, policy.AtShipment: {180, 360}} {
		w := newWorld(t, func(m *market.Market) { m.Policy.RateAt = at })
		w.rates(ratecard.Card{Kind: ratecard.Offsite, Effective: begin.Add(-80 * time.Minute), Default: 225},
			ratecard.Card{Kind: ratecard.Offsite, Effective: begin.Add(-time.Minute), Default: 450},
			ratecard.Card{Kind: ratecard.Offsite, Effective: begin.Add(time.Hour), Default: 900})
		w.send(w.placed("1", begin, line(2, 4000, w.token(alice, begin.Add(-time.Hour)))))
		w.want(alice, want[0], 0)
		w.clock.Set(begin.Add(3 * time.Hour))
		w.send(w.event(order.TypeShipped, "1", "1", 1, begin.Add(3*time.Hour)))
		w.want(alice, want[1]/2, want[1]/2)
		w.send(w.event(order.TypeShipped, "1", "1", 1, begin.Add(time.Minute))) // reported late, and the first after all
		if at == policy.AtShipment {
			w.want(alice, 0, 180)
		}
		w.audit()
	}
}

// A finding takes back what a line earned, also what a closed month holds, in the present month; taken back itself it
// leaves everything as it was.
func TestDisqualify(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.send(w.placed("1", begin, line(3, 1999, w.token(alice, begin.Add(-time.Hour)))), w.event(order.TypeShipped, "1", "1", 2, begin))
	w.want(alice, 30, 60)
	finding := accrual.Violation{ID: 7, Code: "incentivised_traffic", Words: "Cash back was promised", By: "Sam"}
	line1 := []accrual.LineKey{{Order: "1", Line: "1"}}
	if changed, err := w.Disqualify(ctx, 1, finding, line1); changed != 1 || err != nil {
		t.Fatal(changed, err)
	}
	w.want(alice, 0, 0)
	if e := w.explain("1", "1"); e.Reason != attribution.PolicyViolation || e.Finding.Code != finding.Code || e.For(alice).Finding.By != "" {
		t.Errorf("%+v", e)
	}
	if changed, _ := w.Disqualify(ctx, 1, finding, line1); changed != 0 {
		t.Error("the same finding changed something")
	}
	if changed, err := w.Reinstate(ctx, 1, 7, line1); changed != 1 || err != nil {
		t.Fatal(changed, err)
	}
	w.want(alice, 30, 60)
	w.clock.Set(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)) // March closed on 30 May
	w.CloseMonths(ctx, 1)
	finding.ID = 8
	if _, err := w.Disqualify(ctx, 1, finding, line1); err != nil {
		t.Fatal(err)
	}
	balances := w.balances()
	base := "creator/" + alice.Text(id.Creator) + "/us/"
	if balances[base+"payable"] != 60 || balances[base+"earned/2026-06"] != -60 || balances[base+"pending"] != 0 {
		t.Errorf("%v", balances)
	}
	w.send(w.event(order.TypeShipped, "1", "1", 1, w.clock.Now())) // goods move on, money does not
	w.audit()
	if _, err := w.Reinstate(ctx, 1, 8, line1); err != nil {
		t.Fatal(err)
	}
	if balances = w.balances(); balances[base+"payable"] != 60 || balances[base+"earned/2026-06"] != 30 {
		t.Errorf("%v", balances)
	}
	if _, err := w.Disqualify(ctx, 1, finding, []accrual.LineKey{{Order: "1", Line: "9"}}); err == nil {
		t.Error("a line that is not there was disqualified")
	}
	w.audit()
}

// An adjustment is posted once, after the closes that are due.
func TestAdjust(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.send(w.placed("1", begin, line(1, 2000, w.token(alice, begin.Add(-time.Hour)))), w.event(order.TypeShipped, "1", "1", 1, begin))
	w.clock.Set(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC))
	for range 2 {
		if err := w.Adjust(ctx, 1, accrual.Adjustment{ID: 5, Creator: alice, Amount: -100, Reason: "error", By: "Sam", Second: "Kim"}); err != nil {
			t.Fatal(err)
		}
	}
	balances := w.balances()
	if balances["creator/"+alice.Text(id.Creator)+"/us/payable"] != -10 || balances["operator/us/adjustment"] != 100 {
		t.Errorf("%v", balances)
	}
	if err := w.Adjust(ctx, 1, accrual.Adjustment{ID: 6, Creator: alice}); err == nil {
		t.Error("an adjustment of nothing was posted")
	}
	w.audit()
}

// A click found invalid is as if it had not happened, for lines that were decided and for those to come; closed months
// stand.
func TestInvalidate(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	good, bad := w.token(alice, begin.Add(-2*time.Hour)), w.token(bob, begin.Add(-time.Hour))
	w.send(w.placed("1", begin, line(1, 2000, good, bad)))
	w.want(bob, 90, 0)
	opened, err := w.sealer.Open(bad)
	if err != nil {
		t.Fatal(err)
	}
	verdict := []accrual.ClickVerdict{{Click: opened.Click, Rule: "click_farm", Evidence: "ticket 12"}}
	if changed, err := w.Invalidate(ctx, 1, verdict); changed != 1 || err != nil {
		t.Fatal(changed, err)
	}
	w.want(bob, 0, 0)
	w.want(alice, 90, 0)
	w.send(w.placed("2", begin.Add(time.Minute), line(1, 2000, bad)))
	e := w.explain("2", "1")
	if e.Reason != attribution.InvalidTraffic || e.Touches[0].Rule != "click_farm" || e.For(alice).Touches[0].Rule != "" {
		t.Errorf("%+v", e)
	}
	if changed, _ := w.Invalidate(ctx, 1, verdict); changed != 0 {
		t.Error("the same verdict changed something")
	}
	w.audit()
}

// Reports share lines by other models; money never follows them.
func TestJourney(t *testing.T) {
	w := newWorld(t)
	w.send(w.placed("1", begin, line(1, 1001, w.token(alice, begin.Add(-3*time.Hour)), w.token(bob, begin.Add(-2*time.Hour)), w.token(bob, begin.Add(-time.Hour)))))
	days := map[id.ID][3]int64{}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(selectJourneys, func(scan func(...any) error) error {
			var c int64
			var d [3]int64
			err := scan(&c, &d[0], &d[1], &d[2])
			days[id.ID(c)] = d
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
	if days[alice] != [3]int64{1, 1001, 334} || days[bob] != [3]int64{0, 0, 667} {
		t.Errorf("%v", days)
	}
	w.want(bob, 45, 0)
	w.audit()
}

var selectJourneys = db.Statement(`SELECT creator, first_lines, first_revenue, linear_revenue FROM creator_day ORDER BY creator`)

// Everything that was added depends on the set of events alone.
func TestFullPermutations(t *testing.T) {
	setup := func() *world {
		w := newWorld(t, func(m *market.Market) { m.Policy.RateAt = policy.AtShipment })
		w.clock.Set(begin.AddDate(0, 0, 9))
		w.rates(ratecard.Volume{ID: 1, Number: 1, From: "2026-03", Bands: []ratecard.Band{{Above: 1000, Extra: 200}}},
			ratecard.Promotion{ID: 2, Name: "Half more", From: begin, Until: begin.AddDate(0, 0, 5), Change: ratecard.Multiply, Value: 15000},
			ratecard.Card{Kind: ratecard.Offsite, Effective: begin.Add(time.Hour), Default: 700},
			ratecard.Card{Kind: ratecard.SellerFee, Effective: begin.AddDate(-1, 0, 0), Default: 1500})
		return w
	}
	first := setup()
	l := line(3, 1999, first.token(alice, begin.Add(-time.Hour)))
	l.Seller = "s9"
	events := []order.Event{first.placed("1", begin, l), first.event(order.TypeShipped, "1", "1", 1, begin.Add(2*time.Hour)),
		first.event(order.TypeShipped, "1", "1", 1, begin.Add(time.Minute)), first.event(order.TypeReturned, "1", "1", 1, begin.Add(5*time.Hour))}
	var want map[string]int64
	permute([]int{0, 1, 2, 3}, 0, func(arrival []int) {
		w := setup()
		for _, i := range arrival {
			w.send(events[i], events[i])
		}
		if got := w.balances(); want == nil {
			want = got
		} else if !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		w.audit()
	})
}

// Lines that earn nothing are counted by reason, and what is given away by who gave it.
func TestNothingIsCounted(t *testing.T) {
	w := newWorld(t)
	w.send(w.placed("1", begin, line(1, 2000)), w.placed("2", begin, line(3, 0, w.token(alice, begin.Add(-time.Hour)))),
		w.placed("3", begin, line(1, 2000, w.token(bob, begin.Add(-time.Hour)))), w.event(order.TypeCancelled, "3", "1", 1, begin))
	want := map[string][2]int64{"no_touch": {0, 2000}, "zero_price": {int64(alice), 0}, "cancelled": {int64(bob), 2000}}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(selectNothing, func(scan func(...any) error) error {
			var reason string
			var creator, lines, revenue int64
			err := scan(&reason, &creator, &lines, &revenue)
			if want[reason] != [2]int64{creator, revenue} || lines != 1 {
				t.Errorf("%s: creator %d, %d lines, %d", reason, creator, lines, revenue)
			}
			delete(want, reason)
			return err
		})
	}); err != nil || len(want) != 0 {
		t.Error(err, want)
	}
	w.audit()
}

var selectNothing = db.Statement(`SELECT reason, creator, lines, revenue FROM reason_month WHERE market = 1 AND lines <> 0`)
