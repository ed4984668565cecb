package admission_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/admission"
	"tributary/internal/application"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/site"
)

var ctx = context.Background()

// decides is the reviewer's decision about associates.
func (w *world) decides(v admission.Verdict) {
	w.t.Helper()
	w.must(w.desk.Decide(ctx, w.rosa, w.key(enrolment.Associates), v))
	w.tick()
}

// From nothing to a link: documents, application, proof, provisional, at once and in any order of application and proof.
func TestApplyAndProve(t *testing.T) {
	w := newWorld(t)
	if err := w.apply(enrolment.Associates); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "documents" {
		t.Errorf("without the documents: %v", err)
	}
	w.accept()
	if err := w.apply(enrolment.Associates); !fault.Is(err, fault.Conflict) {
		t.Errorf("without an application: %v", err)
	}
	w.fill(enrolment.Associates, func(f *application.Form) { f.Topics = nil })
	if err := w.apply(enrolment.Associates); !fault.Is(err, fault.Invalid) {
		t.Errorf("without topics: %v", err)
	}
	if s := w.stands(enrolment.Associates, ""); !s.Draft || s.NextSentence(w.m) == "" {
		t.Errorf("%+v", s)
	}
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	if s := w.stands(enrolment.Associates, enrolment.Applied); !slices.ContainsFunc(s.Steps, func(step admission.Step) bool { return step.Code == "site" && step.Now }) {
		t.Errorf("the proof is not next: %+v", s.Steps)
	}
	if err := w.apply(enrolment.Associates); !fault.Is(err, fault.Conflict) {
		t.Errorf("applied twice: %v", err)
	}
	w.proves()
	s := w.stands(enrolment.Associates, enrolment.Provisional)
	if want := time.Date(2026, 8, 29, 4, 0, 0, 0, time.UTC); !s.Until.Equal(want) || s.Wanted != 3 { // 00:00 of day 181 in New York
		t.Errorf("until %s, want %s", s.Until, want)
	}
	w.read(func(tx *db.Tx) error {
		all, err := link.TrackingOf(tx, []id.ID{w.ada.Creator})
		if len(all[w.ada.Creator]) != 1 || !strings.HasPrefix(all[w.ada.Creator][0].Tag, "ada-") {
			t.Errorf("tracking ids %+v", all)
		}
		return err
	})
	want := []string{"application.received", "site.proved", "enrolment.provisional"}
	slices.Sort(want)
	got := w.told()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("told %v", got)
	}
	if got := w.journaled(); !slices.Contains(got, "enrolment.applied") || !slices.Contains(got, "enrolment.provisional") || !slices.Contains(got, "site.proved") {
		t.Errorf("journal %v", got)
	}

	again := newWorld(t) // the proof first: the application begins at once
	again.accept()
	again.proves()
	again.fill(enrolment.Associates)
	again.must(again.apply(enrolment.Associates))
	again.stands(enrolment.Associates, enrolment.Provisional)
}

// A proof that is not there changes nothing, and somebody else's site is not there at all.
func TestProofsThatFail(t *testing.T) {
	w := newWorld(t)
	w.accept()
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	var s site.Site
	w.write(func(tx *db.Tx) (err error) {
		s, err = site.Add(tx, w.ring, w.ada.Creator, "https://ada.example", site.Web, w.clock.Now())
		return err
	})
	w.pages[s.FileAddress()] = "something else"
	if err := w.desk.Prove(ctx, w.ada, s.ID, site.File); !fault.Is(err, fault.Invalid) {
		t.Errorf("a wrong file: %v", err)
	}
	other := w.ada
	other.Creator++
	if err := w.desk.Prove(ctx, other, s.ID, site.File); !fault.Is(err, fault.NotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	w.stands(enrolment.Associates, enrolment.Applied)
}

// docs/examples.md J: the third sale on day 179, a review, an approval; what was withheld is given free.
func TestThreeSalesAndReview(t *testing.T) {
	w := newWorld(t)
	w.joins()
	w.sell("1", begin.Add(time.Hour), w.happens(order.TypeShipped, "1", begin.Add(time.Hour)))
	if w.balance("held") != 90 {
		t.Errorf("held %d", w.balance("held"))
	}
	day179 := begin.AddDate(0, 0, 179)
	w.pass(day179)
	w.sell("2", day179.Add(-time.Hour))
	w.stands(enrolment.Associates, enrolment.Provisional)
	w.sell("3", day179)
	s := w.stands(enrolment.Associates, enrolment.UnderReview)
	if s.Sales != 3 || s.Due.IsZero() || s.Held != 90 {
		t.Errorf("%+v", s)
	}
	w.pass(begin.AddDate(0, 0, 190)) // day 181 closes nobody who is under review
	w.stands(enrolment.Associates, enrolment.UnderReview)
	if !slices.Contains(w.toldTo(w.rosa), "staff.review_due") {
		t.Error("the reviewers were not told of what is due")
	}
	var queue []admission.Entry
	var evidence admission.Case
	w.read(func(tx *db.Tx) (err error) {
		if queue, err = w.desk.Queue(tx, w.m); err != nil {
			return err
		}
		evidence, err = w.desk.CaseOf(tx, w.m, w.key(enrolment.Associates))
		return err
	})
	if len(queue) != 1 || queue[0].Name != "Ada Lindholm" || queue[0].Sales != 3 || len(evidence.Orders) != 3 || len(evidence.Sites) != 1 {
		t.Errorf("%+v\n%+v", queue, evidence)
	}
	for _, bad := range []admission.Verdict{{}, {Approve: true, Reasons: []string{"thin"}}, {Reasons: []string{"because"}}, {Reasons: []string{"other"}},
		{Reasons: []string{"thin", "thin"}}, {Approve: true, Words: strings.Repeat("x", 3000)}} {
		if err := w.desk.Decide(ctx, w.rosa, w.key(enrolment.Associates), bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v is taken: %v", bad, err)
		}
	}
	w.decides(admission.Verdict{Approve: true, Words: "Lovely kettles."})
	w.stands(enrolment.Associates, enrolment.Active)
	if w.balance("held") != 0 || w.balance("payable")+w.balance("earned") != 90 {
		t.Errorf("held %d, payable %d", w.balance("held"), w.balance("payable"))
	}
	if err := w.desk.Decide(ctx, w.rosa, w.key(enrolment.Associates), admission.Verdict{Approve: true}); !fault.Is(err, fault.Conflict) {
		t.Errorf("decided twice: %v", err)
	}
	for _, code := range []string{"enrolment.under_review", "enrolment.approved", "hold.released"} {
		if !slices.Contains(w.told(), code) {
			t.Errorf("%s was not told: %v", code, w.told())
		}
	}
	w.audit()
}

// Nobody buys: reminders on days 90, 150 and 170, the end at 00:00 of day 181, what was earned stays, and a new beginning counts
// from zero with the old tags.
func TestTrialEnds(t *testing.T) {
	w := newWorld(t)
	w.joins()
	first := w.status(enrolment.Associates).Until
	w.sell("1", begin.Add(time.Hour), w.happens(order.TypeShipped, "1", begin.Add(time.Hour)))
	reminded := map[string]int{}
	for _, day := range []int{89, 90, 149, 150, 169, 170, 180} {
		w.pass(begin.AddDate(0, 0, day))
		count := 0
		for _, code := range w.told() {
			if code == "enrolment.reminder" {
				count++
			}
		}
		reminded[begin.AddDate(0, 0, day).Format("01-02")] = count
		if day == 180 {
			w.stands(enrolment.Associates, enrolment.Provisional)
		}
	}
	if want := map[string]int{"05-29": 0, "05-30": 1, "07-28": 1, "07-29": 2, "08-17": 2, "08-18": 3, "08-28": 3}; !equal(reminded, want) {
		t.Errorf("reminded %v, want %v", reminded, want)
	}
	w.pass(first.Add(time.Second))
	s := w.stands(enrolment.Associates, enrolment.Closed)
	if !slices.Equal(s.Reasons, []string{enrolment.ReasonOver}) || s.Held != 90 {
		t.Errorf("%+v", s)
	}
	if !slices.Contains(w.told(), "enrolment.closed") || !slices.Contains(w.journaled(), "enrolment.closed") {
		t.Errorf("told %v, journal %v", w.told(), w.journaled())
	}
	w.sell("2", first.Add(time.Second)) // the link leads on and earns nothing
	if w.balance("pending") != 0 {
		t.Error("a closed enrolment earns")
	}
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	s = w.stands(enrolment.Associates, enrolment.Provisional)
	if s.Sales != 0 || !s.Until.After(first.AddDate(0, 0, 170)) {
		t.Errorf("the new window: %+v", s)
	}
	w.sell("3", w.clock.Now())
	if w.balance("pending") != 90 {
		t.Error("the old tag earns nothing again")
	}
	w.audit()
}

func equal(a, b map[string]int) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if b[key] != value {
			return false
		}
	}
	return true
}

// Declined with reasons; apply again; the approval of the later application gives free what was withheld before.
func TestDeclinedAndAgain(t *testing.T) {
	w := newWorld(t)
	w.joins()
	for _, orderID := range []string{"1", "2", "3"} {
		w.sell(orderID, begin.Add(time.Hour), w.happens(order.TypeShipped, orderID, begin.Add(time.Hour)))
	}
	w.decides(admission.Verdict{Reasons: []string{"no_disclosure", "other"}, Words: "Write to us."})
	s := w.stands(enrolment.Associates, enrolment.Declined)
	if !slices.Equal(s.Reasons, []string{"no_disclosure", "other"}) || s.Words != "Write to us." || s.Held != 270 {
		t.Errorf("%+v", s)
	}
	w.pass(begin.AddDate(0, 0, 2))
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	w.must(w.clock.Set(w.clock.Now().Add(time.Hour))) // clicks of before the new beginning earn nothing
	for _, orderID := range []string{"4", "5", "6"} {
		w.sell(orderID, w.clock.Now())
	}
	w.stands(enrolment.Associates, enrolment.UnderReview)
	w.decides(admission.Verdict{Approve: true})
	if w.balance("held") != 0 || w.balance("earned") != 270 {
		t.Errorf("held %d, earned %d", w.balance("held"), w.balance("earned"))
	}
	w.audit()
}

// A site for children is refused at once, whatever else is right.
func TestChildren(t *testing.T) {
	w := newWorld(t)
	w.accept()
	w.fill(enrolment.Associates, func(f *application.Form) { f.Children = true })
	w.must(w.apply(enrolment.Associates))
	if s := w.stands(enrolment.Associates, enrolment.Declined); !slices.Equal(s.Reasons, []string{"children"}) {
		t.Errorf("%+v", s)
	}
}

// Connections opens by itself when its gate is met, and says what is missing while it is not.
func TestConnections(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Admission.GateRevenue = 5000 })
	w.accept()
	if err := w.apply(enrolment.Connections); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "be approved in Associates or Influencer") {
		t.Errorf("%v", err)
	}
	w.joins()
	for _, orderID := range []string{"1", "2", "3"} {
		w.sell(orderID, begin.Add(time.Hour), w.happens(order.TypeShipped, orderID, begin.Add(time.Hour)))
	}
	w.decides(admission.Verdict{Approve: true})
	w.stands(enrolment.Connections, "")
	w.pass(begin.AddDate(0, 0, 1))
	w.stands(enrolment.Connections, enrolment.Active)
	if !slices.Contains(w.told(), "connections.open") {
		t.Errorf("told %v", w.told())
	}
	w.must(w.desk.Withdraw(ctx, w.ada, w.key(enrolment.Connections)))
	w.tick()
	w.pass(begin.AddDate(0, 0, 3)) // who left is not brought back
	w.stands(enrolment.Connections, enrolment.Closed)
	w.must(w.apply(enrolment.Connections))
	w.stands(enrolment.Connections, enrolment.Active)
}

// Whoever takes an application back, or ends an enrolment, may come again; what is not open cannot be ended.
func TestWithdraw(t *testing.T) {
	w := newWorld(t)
	if err := w.desk.Withdraw(ctx, w.ada, w.key(enrolment.Associates)); !fault.Is(err, fault.Conflict) {
		t.Errorf("nothing was open: %v", err)
	}
	w.joins()
	w.must(w.desk.Withdraw(ctx, w.ada, w.key(enrolment.Associates)))
	w.tick()
	w.stands(enrolment.Associates, enrolment.Closed)
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	w.stands(enrolment.Associates, enrolment.Provisional)
}

// Associates whose links nobody follows are closed where the operator wants it so.
func TestDormant(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Admission.DormantDays = 30 })
	w.joins()
	for _, orderID := range []string{"1", "2", "3"} {
		w.sell(orderID, begin.Add(time.Hour))
	}
	w.decides(admission.Verdict{Approve: true})
	w.pass(begin.AddDate(0, 0, 30))
	w.stands(enrolment.Associates, enrolment.Active)
	w.pass(begin.AddDate(0, 0, 33))
	if s := w.stands(enrolment.Associates, enrolment.Closed); !slices.Equal(s.Reasons, []string{admission.ReasonDormant}) {
		t.Errorf("%+v", s)
	}
}

// People warn, limit, suspend, give back and close, with a reason and words; what is approved stays approved.
func TestStand(t *testing.T) {
	w := newWorld(t)
	w.joins()
	key := w.key(enrolment.Associates)
	stand := func(state enrolment.State, reason string) error {
		defer w.tick()
		return w.desk.Stand(ctx, w.rosa, key, state, reason, "We looked at it on Tuesday.")
	}
	until := w.status(enrolment.Associates).Until
	w.must(stand(enrolment.Warned, "cloaking"))
	w.stands(enrolment.Associates, enrolment.Warned)
	if err := stand(enrolment.Active, "cloaking"); !fault.Is(err, fault.Conflict) {
		t.Errorf("what was provisional is approved in passing: %v", err)
	}
	w.must(stand(enrolment.Suspended, "cloaking"))
	w.sell("1", w.clock.Now())
	if w.balance("pending") != 0 {
		t.Error("a suspended enrolment earns")
	}
	w.must(stand(enrolment.Provisional, "other"))
	if s := w.stands(enrolment.Associates, enrolment.Provisional); !s.Until.Equal(until) {
		t.Errorf("the window ends %s, and ended %s before", s.Until, until)
	}
	for _, bad := range []struct {
		state         enrolment.State
		reason, words string
	}{{enrolment.Applied, "thin", "x"}, {enrolment.Warned, "because", "x"}, {enrolment.Warned, "thin", " "}} {
		if err := w.desk.Stand(ctx, w.rosa, key, bad.state, bad.reason, bad.words); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v is taken: %v", bad, err)
		}
	}
	w.must(stand(enrolment.Closed, admission.ReasonBanned))
	w.fill(enrolment.Associates)
	if err := w.apply(enrolment.Associates); !fault.Is(err, fault.Denied) {
		t.Errorf("closed for good: %v", err)
	}
}

// A refused application waits where the operator wants it to.
func TestCooldown(t *testing.T) {
	w := newWorld(t, func(m *market.Market) { m.Admission.CooldownDays = 10 })
	w.accept()
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	w.decides(admission.Verdict{Reasons: []string{"thin"}})
	w.fill(enrolment.Associates)
	if err := w.apply(enrolment.Associates); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "11 March 2026") {
		t.Errorf("%v", err)
	}
	w.pass(begin.AddDate(0, 0, 11))
	w.must(w.apply(enrolment.Associates))
}

// An approval whose process ended before what was withheld was given free: the next midnight does it, and until there is one it
// stays.
func TestSettledAtMidnight(t *testing.T) {
	w := newWorld(t)
	w.joins()
	w.sell("1", begin.Add(time.Hour), w.happens(order.TypeShipped, "1", begin.Add(time.Hour)))
	w.pass(begin.AddDate(0, 0, 2))
	if w.balance("held") != 90 {
		t.Errorf("held %d before any approval", w.balance("held"))
	}
	for _, state := range []enrolment.State{enrolment.UnderReview, enrolment.Active} {
		w.write(func(tx *db.Tx) error {
			return enrolment.Save(tx, w.key(enrolment.Associates), enrolment.Standing{Since: w.clock.Now(), State: state})
		})
		w.tick()
	}
	if w.balance("held") != 90 {
		t.Errorf("held %d", w.balance("held"))
	}
	w.pass(begin.AddDate(0, 0, 4))
	if w.balance("held") != 0 || w.balance("earned") != 90 {
		t.Errorf("held %d, earned %d", w.balance("held"), w.balance("earned"))
	}
	w.audit()
}
