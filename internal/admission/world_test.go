package admission_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/admission"
	"tributary/internal/application"
	"tributary/internal/audit"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/document"
	"tributary/internal/due"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/ledger"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
	"tributary/internal/site"
)

// world is a marketplace with somebody who wants to join, a site of theirs, and a clock that stands still until it is set.
type world struct {
	t      testing.TB
	db     *db.DB
	ring   *secret.Ring
	clock  *clock.Business
	m      market.Market
	desk   *admission.Desk
	river  *accrual.Accrual
	sealer *click.Sealer
	ada    auth.Principal
	rosa   auth.Principal // a reviewer
	pages  map[string]string
	count  int
}

// begin is the first of March, as in docs/examples.md J.
var begin = time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, change ...func(*market.Market)) *world {
	w := &world{t: t, db: dbtest.Open(t), ring: secret.FixedRing("admission"), clock: clock.NewStopped(begin), pages: map[string]string{}}
	w.sealer = click.NewSealer(w.ring)
	w.m = market.Market{No: 1, ID: "us", Name: "Harbour Market", Currency: "USD", Zone: "America/New_York", Home: "http://store.example", Policy: policy.Shipped()}
	w.m.Policy.ResaleUnits = 0
	w.m.Admission.Connections = true
	for _, c := range change {
		c(&w.m)
	}
	w.write(func(tx *db.Tx) error {
		if err := market.Save(tx, w.m); err != nil {
			return err
		}
		if err := document.Install(tx, begin.AddDate(0, 0, -1)); err != nil {
			return err
		}
		if _, err := ratecard.Publish(tx, 1, ratecard.Card{Kind: ratecard.Offsite, Effective: begin.AddDate(-1, 0, 0), Default: 450}, begin.AddDate(-1, 0, 0), 0); err != nil {
			return err
		}
		var err error
		if w.ada, err = w.person(tx, "Ada Lindholm", "ada"); err != nil {
			return err
		}
		w.rosa, err = auth.Open(tx, auth.Principal{Name: "Ned Quist", Role: auth.Reviewer}, begin)
		return err
	})
	w.river = accrual.New(w.db, w.clock, w.ring, 0)
	t.Cleanup(w.river.Close)
	w.desk = &admission.Desk{DB: w.db, Clock: w.clock, Ring: w.ring, Accrual: w.river,
		Sites: &site.Prober{Client: &http.Client{Transport: outside{w}}, TXT: func(context.Context, string) ([]string, error) { return nil, nil }}}
	return w
}

func (w *world) person(tx *db.Tx, name, handle string) (auth.Principal, error) {
	c := creator.Creator{ID: id.New(begin), Name: name, Handle: handle, Created: begin}
	if err := creator.Create(tx, w.ring, c, creator.Personal{Email: handle + "@creators.example"}); err != nil {
		return auth.Principal{}, err
	}
	p, err := auth.Open(tx, auth.Principal{Name: name, Role: auth.Creator, Creator: c.ID}, begin)
	p.Seat = auth.Owner
	return p, err
}

// outside is what the product sees of the world: pages by their address.
type outside struct{ w *world }

func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	if text, ok := o.w.pages[r.URL.String()]; ok {
		answer.Header().Set("Content-Type", "text/html; charset=utf-8")
		if strings.HasSuffix(r.URL.Path, ".txt") {
			answer.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		fmt.Fprint(answer, text)
	} else {
		answer.WriteHeader(http.StatusNotFound)
	}
	response := answer.Result()
	response.Request = r
	return response, nil
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Interactive, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) key(program enrolment.Program) enrolment.Key {
	return enrolment.Key{Market: 1, Creator: w.ada.Creator, Program: program}
}

// accept takes the documents that are in force.
func (w *world) accept() {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		missing, err := document.Missing(tx, w.ada.Creator, w.clock.Now())
		if err != nil {
			return err
		}
		for _, v := range missing {
			if err := document.Accept(tx, document.Accepted{Version: v.ID, Creator: w.ada.Creator, Principal: w.ada.ID, At: w.clock.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
}

var form = application.Form{About: "I take kettles apart and say how well they were made, for people who drink tea all day.", Topics: []string{"kitchen", "home"},
	Traffic: []string{"search"}, Methods: []string{"reviews"}, Visits: "1k-10k", Networks: []string{"youtube"}}

// fill keeps a draft that can be sent.
func (w *world) fill(program enrolment.Program, change ...func(*application.Form)) {
	w.t.Helper()
	f := form
	for _, c := range change {
		c(&f)
	}
	w.write(func(tx *db.Tx) error { return application.Save(tx, w.ring, w.key(program), f, w.clock.Now()) })
}

func (w *world) apply(program enrolment.Program) error {
	defer w.tick()
	return w.desk.Apply(context.Background(), w.ada, w.key(program))
}

// tick lets a second pass, so that one decision does not act from the instant of another.
func (w *world) tick() { w.must(w.clock.Set(w.clock.Now().Add(time.Second))) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// proves adds the site and puts the proof there.
func (w *world) proves() id.ID {
	w.t.Helper()
	var s site.Site
	w.write(func(tx *db.Tx) (err error) {
		s, err = site.Add(tx, w.ring, w.ada.Creator, "https://ada.example", site.Web, w.clock.Now())
		return err
	})
	w.pages[s.FileAddress()] = s.FileText()
	w.must(w.desk.Prove(context.Background(), w.ada, s.ID, site.File))
	w.tick()
	return s.ID
}

// joins is the whole way to a provisional enrolment.
func (w *world) joins() {
	w.t.Helper()
	w.accept()
	w.fill(enrolment.Associates)
	w.must(w.apply(enrolment.Associates))
	w.proves()
	w.stands(enrolment.Associates, enrolment.Provisional)
}

// stands wants the state of an enrolment now.
func (w *world) stands(program enrolment.Program, want enrolment.State) admission.Status {
	w.t.Helper()
	s := w.status(program)
	if s.State != want {
		w.t.Errorf("%s is %q, want %q", program, s.State, want)
	}
	return s
}

func (w *world) status(program enrolment.Program) (s admission.Status) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		all, err := w.desk.Statuses(tx, w.ada.Creator, w.m)
		if err == nil {
			s = all[program-1]
		}
		return err
	})
	return s
}

// sell is an order of one kettle through Ada's link, of 20.00.
func (w *world) sell(orderID string, at time.Time, more ...order.Event) {
	w.t.Helper()
	w.count++
	var tag link.Tracking
	w.read(func(tx *db.Tx) error {
		all, err := link.TrackingOf(tx, []id.ID{w.ada.Creator})
		tag = all[w.ada.Creator][0]
		return err
	})
	token := w.sealer.Seal(click.Token{Click: click.NewID(), Creator: w.ada.Creator, Program: click.Associates, Tracking: tag.ID, Market: 1, At: at.Add(-time.Minute)})
	placed := order.Event{ID: fmt.Sprintf("e-%d", w.count), Type: order.TypePlaced, Market: "us", OccurredAt: at, Order: orderID,
		Placed: &order.Placed{ID: orderID, Currency: "USD", Lines: []order.Line{{ID: "1", SKU: "KETTLE-1", Quantity: 1,
			Amount: money.Money{Amount: 2000, Currency: "USD"}, Category: "Home > Kitchen", Clicks: []string{token}}}}}
	w.send(append([]order.Event{placed}, more...)...)
}

func (w *world) happens(kind order.Type, orderID string, at time.Time) order.Event {
	w.count++
	return order.Event{ID: fmt.Sprintf("e-%d", w.count), Type: kind, Market: "us", OccurredAt: at, Order: orderID, Line: "1", Quantity: 1}
}

func (w *world) send(events ...order.Event) {
	w.t.Helper()
	in := make([]accrual.Incoming, len(events))
	for i, e := range events {
		in[i] = accrual.Incoming{Event: e, Hash: e.Hash()}
	}
	results, err := w.river.Take(context.Background(), 1, in)
	w.must(err)
	for _, r := range results {
		if r.Status != order.Accepted {
			w.t.Errorf("%s: %s %s", r.ID, r.Status, r.Detail)
		}
	}
	_, err = w.desk.Follow(context.Background())
	w.must(err)
	w.tick()
}

// pass moves the clock, and all that falls due on the way is done.
func (w *world) pass(to time.Time) (ran []string) {
	w.t.Helper()
	s := due.Schedule{DB: w.db, Clock: w.clock, Accrual: w.river, People: w.desk.Midnight}
	for {
		_, err := s.CatchUp(context.Background(), w.m) // the first look sets the cursor
		w.must(err)
		next := due.Next(w.m, w.clock.Now())
		if next.After(to) {
			break
		}
		w.must(w.clock.Set(next))
		did, err := s.CatchUp(context.Background(), w.m)
		w.must(err)
		ran = append(ran, did...)
	}
	if to.After(w.clock.Now()) {
		w.must(w.clock.Set(to))
	}
	return ran
}

// balances of Ada, by the name of the account.
func (w *world) balance(name string) (sum int64) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		entries, err := ledger.Under(tx, "creator/"+w.ada.Creator.Text(id.Creator)+"/us/")
		for _, e := range entries {
			if strings.Contains(string(e.Account), "/us/"+name) {
				sum += e.Balance
			}
		}
		return err
	})
	return sum
}

var selectTold = db.Statement(`SELECT event FROM notice WHERE creator = $1 ORDER BY at, id`)

// told lists the messages that Ada got, oldest first.
func (w *world) told() (codes []string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		return tx.Each(selectTold, func(scan func(...any) error) error {
			var code string
			err := scan(&code)
			codes = append(codes, code)
			return err
		}, int64(w.ada.Creator))
	})
	return codes
}

var selectToldTo = db.Statement(`SELECT event FROM notice WHERE principal = $1 ORDER BY at, id`)

// toldTo lists the messages of one person, oldest first.
func (w *world) toldTo(p auth.Principal) (codes []string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		return tx.Each(selectToldTo, func(scan func(...any) error) error {
			var code string
			err := scan(&code)
			codes = append(codes, code)
			return err
		}, int64(p.ID))
	})
	return codes
}

// journaled lists what the journal says of Ada, oldest first.
func (w *world) journaled() (actions []string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		found, err := journal.Of(tx, w.ring, w.ada.Creator.Text(id.Creator))
		for _, e := range slices.Backward(found) {
			actions = append(actions, e.Action)
		}
		return err
	})
	return actions
}

func (w *world) audit() {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		_, err := audit.Verify(tx, 1, func(text string) { w.t.Error(text) })
		return err
	})
}
