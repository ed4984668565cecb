package accrual_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/order"
)

const dana = id.ID(33) // on trial since the world began

func onTrial(t *testing.T, change ...func(*market.Market)) *world {
	w := newWorld(t, change...)
	w.stand(dana, enrolment.Standing{Since: begin.Add(-time.Hour), State: enrolment.Provisional,
		Until: enrolment.Window(begin, w.m.Location(), 180)})
	return w
}

func trialOf(c id.ID) enrolment.Key {
	return enrolment.Key{Market: 1, Creator: c, Program: enrolment.Associates}
}

func (w *world) stand(c id.ID, s enrolment.Standing) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error { return enrolment.Save(tx, trialOf(c), s) })
}

func (w *world) standing(c id.ID) (history enrolment.History) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		history, err = enrolment.One(tx, trialOf(c))
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return history
}

// stands tells a creator's balances, short: "held 90, payable 20".
func (w *world) stands(c id.ID) string {
	w.t.Helper()
	var said []string
	base := "creator/" + c.Text(id.Creator) + "/us/"
	for account, balance := range w.balances() {
		if name, found := strings.CutPrefix(account, base); found {
			said = append(said, fmt.Sprintf("%s %d", name, balance))
		}
	}
	slices.Sort(said)
	return strings.Join(said, ", ")
}

func (w *world) wantStands(c id.ID, want string) {
	w.t.Helper()
	if got := w.stands(c); got != want {
		w.t.Errorf("%q, want %q", got, want)
	}
	w.audit()
}

func (w *world) settle(c id.ID) int {
	w.t.Helper()
	changed, err := w.Settle(context.Background(), trialOf(c))
	if err != nil {
		w.t.Fatal(err)
	}
	return changed
}

// docs/examples.md S: earned in March and held; returned before the approval; approved in May instead, and in July.
func TestExampleS(t *testing.T) {
	for _, c := range []struct{ name, when, after string }{
		{"approved in May", "2026-05-10", "earned/2026-03 90"}, {"approved in July", "2026-07-01", "payable 90"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := onTrial(t)
			at := begin.Add(time.Minute)
			w.clock.Set(at)
			w.send(w.placed("1001", at, line(3, 1999, w.token(dana, begin))))
			w.wantStands(dana, "pending 90")
			w.send(w.event(order.TypeShipped, "1001", "1", 3, at))
			w.wantStands(dana, "held 90")
			when, _ := time.Parse("2006-01-02", c.when)
			w.clock.Set(when)
			w.stand(dana, enrolment.Standing{Since: when.Add(-time.Hour), State: enrolment.UnderReview})
			if w.settle(dana) != 0 {
				t.Error("given free under review")
			}
			w.stand(dana, enrolment.Standing{Since: when, State: enrolment.Active})
			if n := w.settle(dana); n != 1 {
				t.Errorf("%d lines were given free", n)
			}
			w.wantStands(dana, c.after)
			if w.settle(dana) != 0 {
				t.Error("given free twice")
			}
			// What comes afterwards is like anybody's.
			w.send(w.event(order.TypeReturned, "1001", "1", 1, when), w.placed("1002", when, line(1, 1000, w.token(dana, when.Add(-time.Minute)))),
				w.event(order.TypeShipped, "1002", "1", 1, when))
			w.audit()
			if strings.Contains(w.stands(dana), "held") {
				t.Errorf("after the approval: %s", w.stands(dana))
			}
		})
	}
	w := onTrial(t)
	at := begin.Add(time.Minute)
	w.clock.Set(at)
	w.send(w.placed("1001", at, line(3, 1999, w.token(dana, begin))), w.event(order.TypeShipped, "1001", "1", 3, at))
	w.send(w.event(order.TypeReturned, "1001", "1", 1, at))
	w.wantStands(dana, "held 60")
	w.clock.Set(at.AddDate(0, 3, 0)) // March is closed now: what comes back is taken off in June, out of what is held
	w.send(w.event(order.TypeReturned, "1001", "1", 1, at.AddDate(0, 3, 0)))
	w.wantStands(dana, "held 30")
	w.send(w.event(order.TypeReturned, "1001", "1", 1, at.AddDate(0, 3, 0)))
	w.wantStands(dana, "")
}

// What was earned before an end without approval, by what the policy says.
func TestUnapprovedEnd(t *testing.T) {
	for unapproved, want := range map[string]string{"": "held 135, pending 45", "pay": "earned/2026-03 135, pending 45", "forfeit": "pending 45"} {
		w := onTrial(t, func(m *market.Market) { m.Admission.Unapproved = unapproved })
		at := begin.Add(time.Minute)
		w.clock.Set(at)
		w.send(w.placed("1001", at, line(1, 2000, w.token(dana, begin))), w.event(order.TypeShipped, "1001", "1", 1, at),
			w.placed("1002", at, line(2, 2000, w.token(dana, begin))))
		w.stand(dana, enrolment.Standing{Since: at, State: enrolment.Closed})
		w.settle(dana)
		w.send(w.event(order.TypeShipped, "1002", "1", 1, at)) // it still matures
		if unapproved == "forfeit" {
			if got := w.balances()["operator/us/forfeited"]; got != 135 {
				t.Errorf("forfeited %d", got)
			}
		}
		w.wantStands(dana, want)
		w.stand(dana, enrolment.Standing{Since: at.Add(time.Second), State: enrolment.Applied})
		w.stand(dana, enrolment.Standing{Since: at.Add(2 * time.Second), State: enrolment.Active})
		w.clock.Set(at.Add(time.Minute))
		w.settle(dana)
		if unapproved == "" {
			want = "earned/2026-03 135, pending 45"
		}
		w.wantStands(dana, want)
	}
}

// The credit of a line moves from somebody on trial to somebody approved and the other way: each holds what is theirs.
func TestHoldMovesWithTheCredit(t *testing.T) {
	for _, c := range []struct {
		first, second id.ID
		before, after string
	}{{dana, alice, "held 90", "earned/2026-03 90"}, {alice, dana, "earned/2026-03 90", "held 90"}} {
		w := onTrial(t)
		at := begin.Add(3 * time.Hour)
		w.clock.Set(at)
		early, late := w.token(c.second, begin), w.token(c.first, begin.Add(time.Hour))
		w.send(w.placed("1001", at, line(1, 2000, early, late)), w.event(order.TypeShipped, "1001", "1", 1, at))
		w.wantStands(c.first, c.before)
		t1, err := w.sealer.Open(late)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Invalidate(context.Background(), 1, []accrual.ClickVerdict{{Click: t1.Click, Rule: "click_farm", Evidence: "ticket 12"}}); err != nil {
			t.Fatal(err)
		}
		w.wantStands(c.first, "")
		w.wantStands(c.second, c.after)
	}
}

// The third qualifying sale brings an enrolment under review in the very group that books it; what does not qualify does not.
func TestSalesOfATrial(t *testing.T) {
	end := enrolment.Window(begin, newWorld(t).m.Location(), 180)
	sell := func(w *world, orderID string, at time.Time) {
		w.send(w.placed(orderID, at, line(1, 2000, w.token(dana, at.Add(-time.Minute)))))
	}
	for _, c := range []struct {
		name string
		do   func(w *world)
		want enrolment.State
	}{
		{"two", func(w *world) { sell(w, "1", begin); sell(w, "2", begin) }, enrolment.Provisional},
		{"three", func(w *world) { sell(w, "1", begin); sell(w, "2", begin); sell(w, "3", begin) }, enrolment.UnderReview},
		{"three lines of one order", func(w *world) {
			a, b, c := line(1, 100, w.token(dana, begin)), line(1, 100, w.token(dana, begin)), line(1, 100, w.token(dana, begin))
			b.ID, c.ID = "2", "3"
			w.send(w.placed("1", begin, a, b, c))
		}, enrolment.Provisional},
		{"one cancelled", func(w *world) {
			sell(w, "1", begin)
			sell(w, "2", begin)
			w.send(w.event(order.TypeCancelled, "2", "1", 1, begin))
			sell(w, "3", begin)
		}, enrolment.Provisional},
		{"the third on day 180", func(w *world) {
			sell(w, "1", begin)
			sell(w, "2", begin)
			w.clock.Set(end.Add(-time.Second))
			sell(w, "3", end.Add(-time.Second))
		}, enrolment.UnderReview},
		{"the third on day 181", func(w *world) {
			sell(w, "1", begin)
			sell(w, "2", begin)
			w.clock.Set(end.Add(time.Minute))
			sell(w, "3", end.Add(time.Second))
		}, enrolment.Closed},
		{"the third received 14 days late", func(w *world) {
			sell(w, "1", begin)
			sell(w, "2", begin)
			w.clock.Set(end.Add(14 * 24 * time.Hour))
			if w.standing(dana).At(w.clock.Now()) != enrolment.Closed {
				t.Error("it is open after its end")
			}
			sell(w, "3", end.Add(-time.Second))
		}, enrolment.UnderReview},
		{"the third received later still", func(w *world) {
			sell(w, "1", begin)
			sell(w, "2", begin)
			w.clock.Set(end.Add(14*24*time.Hour + time.Second))
			sell(w, "3", end.Add(-time.Second))
		}, enrolment.Closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := onTrial(t)
			c.do(w)
			if got := w.standing(dana).At(w.clock.Now()); got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, w.standing(dana))
			}
			w.audit()
		})
	}
}

// Bounties are withheld like lines.
func TestHeldBounty(t *testing.T) {
	w := newBounties(t)
	w.stand(dana, enrolment.Standing{Since: begin.Add(-2 * time.Hour), State: enrolment.Provisional})
	w.send(w.completed("b-1", "business_signup", "c-1", begin, w.own(dana, "business_signup", begin.Add(-time.Hour))))
	w.wantStands(dana, "pending 1500")
	w.clock.Set(begin.Add(window + time.Hour))
	w.ripen(1)
	w.wantStands(dana, "held 1500")
	w.stand(dana, enrolment.Standing{Since: w.clock.Now(), State: enrolment.UnderReview})
	w.stand(dana, enrolment.Standing{Since: w.clock.Now().Add(time.Microsecond), State: enrolment.Active})
	w.clock.Set(w.clock.Now().Add(time.Second))
	if n := w.settle(dana); n != 1 {
		t.Errorf("%d given free", n)
	}
	w.wantStands(dana, "earned/2026-03 1500")
}

// An order that is paid later is withheld from then on: until it is, nobody is credited.
func TestHeldOncePaid(t *testing.T) {
	w := onTrial(t, func(m *market.Market) { m.Policy.AwaitPayment = true })
	at := begin.Add(time.Minute)
	w.clock.Set(at)
	w.send(w.placed("1001", at, line(1, 2000, w.token(dana, begin))))
	w.wantStands(dana, "")
	paid := order.Event{ID: w.next(), Type: order.TypePaid, Market: "us", OccurredAt: at, Order: "1001"}
	w.send(paid, w.event(order.TypeShipped, "1001", "1", 1, at))
	w.wantStands(dana, "held 90")
}
