package whatif_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/replay"
	"tributary/internal/rerate"
	"tributary/internal/secret"
	"tributary/internal/whatif"
)

var begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// world is a marketplace with a card of 4.5 % and orders of a few creators.
type world struct {
	t     testing.TB
	db    *db.DB
	clock *clock.Business
	m     market.Market
	runs  *whatif.Runs
}

func newWorld(t testing.TB, orders int) *world {
	w := &world{t: t, db: dbtest.Open(t), clock: clock.NewStopped(begin)}
	w.m = market.Market{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Home: "http://store.example", Policy: policy.Shipped()}
	ring := secret.FixedRing("whatif")
	w.write(func(tx *db.Tx) error {
		if err := market.Save(tx, w.m); err != nil {
			return err
		}
		for c := id.ID(1); c <= 3; c++ {
			one := creator.Creator{ID: c, Name: "Creator", Handle: "creator" + strconv.Itoa(int(c)), Created: begin}
			if err := creator.Create(tx, ring, one, creator.Personal{Email: one.Handle + "@creators.example"}); err != nil {
				return err
			}
			if err := enrolment.Save(tx, enrolment.Key{Market: 1, Creator: c, Program: enrolment.Associates},
				enrolment.Standing{Since: begin.AddDate(-2, 0, 0), State: enrolment.Active}); err != nil {
				return err
			}
		}
		_, err := ratecard.Publish(tx, 1, ratecard.Card{Kind: ratecard.Offsite, Effective: begin.AddDate(-2, 0, 0), Default: 450}, begin.AddDate(-2, 0, 0), 0)
		return err
	})
	taker := accrual.New(w.db, w.clock, ring, 0)
	defer taker.Close()
	sealer := click.NewSealer(ring)
	var in []accrual.Incoming
	for n := range orders {
		name := fmt.Sprintf("o%05d", n)
		at := begin.Add(time.Duration(n) * time.Second)
		token := sealer.Seal(click.Token{Click: click.NewID(), Creator: id.ID(1 + n%3), Program: click.Associates, Tracking: id.ID(10 + n%3), Market: 1,
			At: at.Add(-time.Duration(n%40) * time.Hour)})
		e := order.Event{ID: "evt-" + name, Type: order.TypePlaced, Market: "us", OccurredAt: at, Order: name, Placed: &order.Placed{ID: name, Currency: "USD",
			Lines: []order.Line{{ID: "1", SKU: "KETTLE", Quantity: 1, Amount: money.Money{Amount: 2000, Currency: "USD"},
				Category: []string{"Home > Kitchen", "=Garden"}[n%2], Clicks: []string{token}}}}}
		in = append(in, accrual.Incoming{Event: e, Hash: e.Hash()})
	}
	if _, err := taker.Take(context.Background(), 1, in); err != nil {
		t.Fatal(err)
	}
	w.runs = whatif.New(w.db, w.clock)
	return w
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Money, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) find(run id.ID) (found whatif.Run) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) { found, err = whatif.Find(tx, run); return err })
	return found
}

// rates doubles the rate of the kitchen.
const rates = `marketplace: us
currency: USD
offsite:
  default: 4.5
  rates: {Home > Kitchen: 9}
`

func (w *world) request(change ...func(*whatif.Request)) whatif.Request {
	q := whatif.Request{Question: replay.Question{Market: "us", From: begin.AddDate(0, -1, 0), Until: begin.AddDate(0, 1, 0), Rates: rates}, Name: "Double"}
	for _, one := range change {
		one(&q)
	}
	return q
}

func (w *world) ask(change ...func(*whatif.Request)) whatif.Run {
	w.t.Helper()
	run, err := w.runs.Ask(context.Background(), w.request(change...))
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// until works runs off until a condition holds.
func (w *world) until(holds func() bool) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.runs.Work(ctx) }()
	for start := clock.Wall(); !holds(); time.Sleep(5 * time.Millisecond) {
		if clock.Since(start) > time.Minute {
			w.t.Error("it does not come to that")
			break
		}
	}
	stop()
	<-done
}

// A request is asked, waits, is worked off, and is there to come back to, with rows and as a file.
func TestRun(t *testing.T) {
	w := newWorld(t, 60)
	hours := 48
	first, second := w.ask(), w.ask(func(q *whatif.Request) { q.Rates, q.Rules, q.Name = "", rerate.Rules{SessionHours: &hours}, "Longer" })
	if first.State != whatif.Waiting || first.Total != 60 || w.find(first.ID).Name != "Double" {
		t.Errorf("asked: %+v", first)
	}
	w.until(func() bool { return w.find(first.ID).State == whatif.Done && w.find(second.ID).State == whatif.Done })
	got := w.find(first.ID)
	r := got.Result
	// 60 orders, clicked 0 to 39 hours before: those of n%40 > 24 earn nothing. 45 are credited; 4.5 % of 20.00 is 90.
	if got.State != whatif.Done || got.Percent() != 100 || got.Done != 60 || r == nil || r.Total.Present.Commission != 45*90 {
		t.Fatalf("%+v", got)
	}
	kitchen := r.Total.Changed
	if kitchen != 23 || r.Total.Draft.Commission != 45*90+kitchen*90 || r.Total.Moved != 0 || len(r.Rises) != 10 || r.Rises[0].Change() != 90 {
		t.Errorf("%+v", r.Total)
	}
	if longer := w.find(second.ID).Result; longer.Total.Moved != 15 || longer.Total.Draft.Commission != 60*90 || len(longer.Unsaid) != 0 {
		t.Errorf("%+v", longer.Total)
	}
	var creators, categories []whatif.Line
	w.read(func(tx *db.Tx) (err error) {
		if creators, err = whatif.Lines(tx, first.ID, whatif.ByCreator, 0, 2); err != nil {
			return err
		}
		more, err := whatif.Lines(tx, first.ID, whatif.ByCreator, creators[1].No, 2)
		creators = append(creators, more...)
		if err != nil {
			return err
		}
		categories, err = whatif.Lines(tx, first.ID, whatif.ByCategory, 0, 10)
		return err
	})
	if len(creators) != 3 || creators[0].Change()+creators[1].Change()+creators[2].Change() != r.Total.Change() || categories[0].Key != "Home > Kitchen" {
		t.Errorf("%+v %+v", creators, categories)
	}
	w.export(got)
}

func (w *world) export(run whatif.Run) {
	w.t.Helper()
	var out bytes.Buffer
	if err := whatif.Export(context.Background(), w.db, &out, run, whatif.ByCategory, nil); err != nil {
		w.t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 3 {
		w.t.Fatal(rows, err)
	}
	if got := strings.Join(rows[1], "|"); got != "us|2026-02-10T12:00:00Z|2026-04-10T12:00:00Z|category|Home > Kitchen|Home > Kitchen|USD|23|23|0|0|0.00|20.70|41.40|0.00|0.00|0.00|0.00|0.00|0.00|20.70" {
		w.t.Error(got)
	}
	if rows[2][4] != "'=Garden" {
		w.t.Errorf("a formula gets through: %q", rows[2][4])
	}
}

// The line of one request at a time: others wait, and each may be cancelled.
func TestCancel(t *testing.T) {
	w := newWorld(t, 5)
	run := w.ask()
	ctx := context.Background()
	if err := w.runs.Cancel(ctx, run.ID); err != nil || w.find(run.ID).State != whatif.Cancelled {
		t.Error(err, w.find(run.ID))
	}
	if err := w.runs.Cancel(ctx, run.ID); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if err := w.runs.Cancel(ctx, 99); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	next := w.ask()
	w.until(func() bool { return w.find(next.ID).State == whatif.Done })
	if w.find(run.ID).Result != nil {
		t.Error("a cancelled run has an answer")
	}
}

// While it runs, a run that is cancelled ends, and one whose process stops waits for the next.
func TestInterrupted(t *testing.T) {
	w := newWorld(t, 5)
	for _, c := range []struct {
		name string
		stop func(run id.ID, leave context.CancelFunc)
		want whatif.State
	}{
		{"cancelled", func(run id.ID, _ context.CancelFunc) {
			if err := w.runs.Cancel(context.Background(), run); err != nil {
				t.Error(err)
			}
		}, whatif.Cancelled},
		{"left", func(_ id.ID, leave context.CancelFunc) { leave() }, whatif.Cancelled},
	} {
		ctx, leave := context.WithCancel(context.Background())
		var stopped atomic.Bool
		_, err := w.runs.Do(ctx, w.request(), func(int64, int64) {
			if stopped.CompareAndSwap(false, true) {
				var runs []whatif.Run
				w.read(func(tx *db.Tx) (err error) { runs, err = whatif.List(tx, 1, 0, 1); return err })
				c.stop(runs[0].ID, leave)
			}
		})
		leave()
		var runs []whatif.Run
		w.read(func(tx *db.Tx) (err error) { runs, err = whatif.List(tx, 1, 0, 1); return err })
		if err == nil || runs[0].State != c.want {
			t.Errorf("%s: %v, %s", c.name, err, runs[0].State)
		}
	}
}

// What cannot be asked is refused before anything is kept.
func TestRefused(t *testing.T) {
	w := newWorld(t, 1)
	hours := 0
	for name, c := range map[string]struct {
		change func(*whatif.Request)
		field  string
	}{
		"nothing":             {func(q *whatif.Request) { q.Rates = " " }, "draft"},
		"no period":           {func(q *whatif.Request) { q.From = q.Until }, "until"},
		"an age":              {func(q *whatif.Request) { q.From = q.Until.AddDate(-11, 0, 0) }, "from"},
		"a long name":         {func(q *whatif.Request) { q.Name = strings.Repeat("x", 121) }, "name"},
		"another marketplace": {func(q *whatif.Request) { q.Market = "uk" }, "marketplace"},
		"no hours":            {func(q *whatif.Request) { q.Rules.SessionHours = &hours }, "policy.session_hours"},
	} {
		_, err := w.runs.Ask(context.Background(), w.request(c.change))
		if f := fault.Of(err); err == nil || f.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 20 {
		w.ask()
	}
	if _, err := w.runs.Ask(context.Background(), w.request()); !fault.Is(err, fault.Exhausted) {
		t.Error(err)
	}
	var runs []whatif.Run
	w.read(func(tx *db.Tx) (err error) { runs, err = whatif.List(tx, 1, 0, 100); return err })
	if len(runs) != 20 {
		t.Errorf("%d runs are kept", len(runs))
	}
}

// Answers are thrown away when they are old by the business clock, with their rows.
func TestKept(t *testing.T) {
	w := newWorld(t, 5)
	run := w.ask()
	w.until(func() bool { return w.find(run.ID).State == whatif.Done })
	if err := w.clock.Set(begin.AddDate(0, 0, 89)); err != nil {
		t.Fatal(err)
	}
	young := w.ask()
	w.until(func() bool { return w.find(young.ID).State == whatif.Done })
	w.find(run.ID)
	if err := w.clock.Set(begin.AddDate(0, 0, 91)); err != nil {
		t.Fatal(err)
	}
	gone := func() bool {
		err := w.db.Read(context.Background(), func(tx *db.Tx) error { _, err := whatif.Find(tx, run.ID); return err })
		return fault.Is(err, fault.NotFound)
	}
	w.until(gone)
	w.find(young.ID)
	w.read(func(tx *db.Tx) error {
		rows, err := whatif.Lines(tx, run.ID, whatif.ByCreator, 0, 10)
		if len(rows) != 0 {
			t.Errorf("%d rows are left", len(rows))
		}
		return err
	})
}

var leaveRunning = db.Statement(`UPDATE whatif_run SET state = 'running', worker = 5, beat = 1, tries = $2 WHERE id = $1`)

// A run whose process has gone without a word is begun again, but not for ever.
func TestTakenOver(t *testing.T) {
	w := newWorld(t, 5)
	once, often := w.ask(), w.ask()
	w.write(func(tx *db.Tx) error {
		if _, err := tx.Exec(leaveRunning, int64(often.ID), int64(3)); err != nil {
			return err
		}
		_, err := tx.Exec(leaveRunning, int64(once.ID), int64(1))
		return err
	})
	w.until(func() bool { return !w.find(once.ID).State.Open() && !w.find(often.ID).State.Open() })
	if got := w.find(once.ID); got.State != whatif.Done || got.Result == nil {
		t.Errorf("%+v", got)
	}
	if got := w.find(often.ID); got.State != whatif.Failed || got.Failure == "" {
		t.Errorf("%+v", got)
	}
}

// Everything that is booked, decided or told, as text.
var everything = []*db.Stmt{
	db.Statement(`SELECT path || ' ' || CAST(debits AS TEXT) || ' ' || CAST(credits AS TEXT) FROM account ORDER BY path`),
	db.Statement(`SELECT subject || ' ' || CAST(version AS TEXT) || component || CAST(leg AS TEXT) || debit || credit || CAST(amount AS TEXT) || CAST(at AS TEXT)
		FROM transfer ORDER BY lane, subject, version, component, leg`),
	db.Statement(`SELECT subject || ' ' || CAST(version AS TEXT) || ' ' || CAST(turn AS TEXT) || body FROM decision ORDER BY lane, subject, version`),
	db.Statement(`SELECT order_id || ' ' || line_id || ' ' || CAST(version AS TEXT) || ' ' || CAST(creator AS TEXT) || reason || CAST(pending AS TEXT) || ' ' ||
		CAST(earned AS TEXT) || state || terms || CAST(touched AS TEXT) FROM line ORDER BY market, order_id, line_id`),
	db.Statement(`SELECT id || ' ' || CAST(paid AS TEXT) || facts FROM orders ORDER BY market, id`),
	db.Statement(`SELECT topic || ' ' || CAST(turn AS TEXT) || body FROM outbox ORDER BY lane, turn, idx`),
	db.Statement(`SELECT CAST(id AS TEXT) || ' ' || CAST(turn AS TEXT) || ' ' || CAST(now AS TEXT) FROM lane ORDER BY id`),
	db.Statement(`SELECT day || ' ' || CAST(creator AS TEXT) || ' ' || CAST(commission AS TEXT) FROM creator_day ORDER BY market, creator, day`),
	db.Statement(`SELECT month || ' ' || CAST(creator AS TEXT) || category || CAST(commission AS TEXT) FROM margin_month ORDER BY month, creator, category, sold`),
	db.Statement(`SELECT id || ' ' || CAST(version AS TEXT) || body FROM marketplace ORDER BY no`),
	db.Statement(`SELECT CAST(id AS TEXT) || ' ' || kind || CAST(version AS TEXT) || body FROM rate_card ORDER BY id`),
}

func (w *world) dump() string {
	w.t.Helper()
	var out strings.Builder
	w.read(func(tx *db.Tx) error {
		for _, table := range everything {
			if err := tx.Each(table, func(scan func(...any) error) error {
				var text string
				err := scan(&text)
				out.WriteString(text + "\n")
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return out.String()
}

// Whatever is tried: ledger, lines, decisions, rates and what is told to others are afterwards what they were, to the byte.
func TestNothingIsPosted(t *testing.T) {
	w := newWorld(t, 40)
	before := w.dump()
	if len(before) < 40*500 {
		t.Fatalf("only %d bytes are compared", len(before))
	}
	for _, rules := range []string{"session_hours=48", "session_hours=1, paid_earns=yes, lapse_days=1", "await_payment=yes", "resale_units=1, resale_days=2"} {
		tried, err := rerate.ParseRules(rules)
		if err != nil {
			t.Fatal(err)
		}
		run := w.ask(func(q *whatif.Request) { q.Rules = tried })
		w.until(func() bool { return w.find(run.ID).State == whatif.Done })
		if _, err := w.runs.Do(context.Background(), w.request(func(q *whatif.Request) { q.Rules, q.Dated = tried, true }), func(int64, int64) {}); err != nil {
			t.Fatal(err)
		}
	}
	if w.dump() != before {
		t.Error("a what-if left something behind")
	}
}
