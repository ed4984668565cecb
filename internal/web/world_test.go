package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/accrual"
	"tributary/internal/admission"
	"tributary/internal/auth"
	"tributary/internal/browser"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/egress"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/money"
	"tributary/internal/network"
	"tributary/internal/order"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/ratecard"
	"tributary/internal/secret"
	"tributary/internal/shopper"
	"tributary/internal/site"
	"tributary/internal/web"
	"tributary/internal/web/staff"
	"tributary/internal/whatif"
)

func TestMain(m *testing.M) { browser.Main(m) }

// world is an installation with two marketplaces, three creators and some orders, behind its real pages.
type world struct {
	t       testing.TB
	db      *db.DB
	clock   *clock.Business
	ring    *secret.Ring
	hints   *event.Hints
	accrual *accrual.Accrual
	tries   *whatif.Runs
	sealer  *click.Sealer
	server  *httptest.Server
	home    string // the same server under a name that passkeys work at
	pages   *web.Web
	us, uk  market.Market
	logins  map[string]string // of people, by name: tokens that may be used again
	tags    map[id.ID]link.Tracking
	count   int
}

// staffRoles are the roles of the operator's people.
var staffRoles = []auth.Role{auth.Admin, auth.Reviewer, auth.Finance, auth.Support, auth.Auditor}

const (
	ada  = id.ID(1101) // earns in both marketplaces
	ben  = id.ID(1102) // earns in the first one, provisionally
	cleo = id.ID(1103) // has nothing yet
)

var begin = time.Date(2026, 7, 1, 14, 0, 0, 0, time.UTC)

// now is when the world is looked at: a Sunday in New York.
var now = time.Date(2026, 11, 22, 19, 3, 11, 0, time.UTC)

const kettle, lamp, card = "KETTLE-1", "LAMP-1", "GIFT-CARD"

func newWorld(t testing.TB) *world {
	w := &world{t: t, db: dbtest.Open(t), clock: clock.NewStopped(begin), ring: secret.FixedRing("pages"), hints: &event.Hints{},
		logins: map[string]string{}, tags: map[id.ID]link.Tracking{}}
	w.sealer = click.NewSealer(w.ring)
	home := "http://store.example"
	w.us = market.Market{No: 1, ID: "us", Name: "Harbour Market", Currency: "USD", Zone: "America/New_York", Locale: "en-US", Home: home,
		ProductURL: home + "/product/{sku}", SearchURL: home + "/search?q={query}", CategoryURL: home + "/category?path={category}",
		Hosts: []string{"store.example"}, Policy: policy.Shipped()}
	w.uk = w.us
	w.uk.No, w.uk.ID, w.uk.Name, w.uk.Currency, w.uk.Zone, w.uk.Locale = 2, "uk", "Harbour Market UK", "GBP", "Europe/London", "en-GB"
	w.write(w.settle)
	w.accrual = accrual.New(w.db, w.clock, w.ring, 0)
	w.accrual.Committed = w.hints.Orders
	t.Cleanup(w.accrual.Close)
	w.tries = whatif.New(w.db, w.clock)
	w.server = httptest.NewUnstartedServer(nil)
	w.home = fmt.Sprintf("http://localhost:%d", w.server.Listener.Addr().(*net.TCPAddr).Port)
	w.pages = web.New(web.Config{DB: w.db, Clock: w.clock, Ring: w.ring, Hints: w.hints, Address: "http://go.example", Home: w.home,
		Admission: &admission.Desk{DB: w.db, Clock: w.clock, Ring: w.ring, Accrual: w.accrual,
			Sites: &site.Prober{Client: egress.PublicFor(), TXT: egress.TXT}, Networks: &network.Connector{DB: w.db, Ring: w.ring, Home: w.home}},
		Works: staff.Works{Accrual: w.accrual, WhatIf: w.tries}, Unshipped: func() (int64, time.Time) { return 3, clock.Wall().Add(-time.Minute) }})
	w.server.Config.Handler = w.pages
	w.server.Start()
	t.Cleanup(func() { w.pages.Close(); w.server.Close() })
	return w
}

// settle makes marketplaces, cards, products, people.
func (w *world) settle(tx *db.Tx) error {
	for _, m := range []market.Market{w.us, w.uk} {
		if err := market.Save(tx, m); err != nil {
			return err
		}
		first := ratecard.Card{Kind: ratecard.Offsite, Effective: begin.AddDate(0, -1, 0), Default: 400,
			Entries: []ratecard.Entry{{Category: "Home > Kitchen", BPS: 450, Cap: 2000}, {Category: "Gift Cards"}}}
		next := ratecard.Card{Kind: ratecard.Offsite, Effective: now.AddDate(0, 1, 0), Default: 400,
			Entries: []ratecard.Entry{{Category: "Home > Kitchen", BPS: 400}, {SKU: kettle, BPS: 900}, {Category: "Gift Cards"}}}
		for _, c := range []ratecard.Card{first, next} {
			if _, err := ratecard.Publish(tx, m.No, c, begin.AddDate(0, -1, 0), 14); err != nil {
				return err
			}
		}
		if err := product.Save(tx, m.No, click.ProductPlace, []product.Product{
			{SKU: kettle, Title: "Gooseneck kettle, matte black", Category: "Home > Kitchen > Kettles", Price: 4900},
			{SKU: lamp, Title: `Desk lamp <script>alert("x")</script>`, Category: "Home > Lighting", Price: 3900},
			{SKU: card, Title: "Gift card", Category: "Gift Cards", Price: 10000, Digital: true}}); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		id     id.ID
		name   string
		state  enrolment.State
		market []market.Market
	}{
		{ada, "Ada Lindholm", enrolment.Active, []market.Market{w.us, w.uk}}, {ben, "Ben Okri", enrolment.Provisional, []market.Market{w.us}},
		{cleo, "Cleo Day", enrolment.Active, nil},
	} {
		if err := w.enrol(tx, one.id, one.name, one.state, one.market); err != nil {
			return err
		}
	}
	for _, role := range staffRoles {
		if err := w.account(tx, auth.Principal{Name: "The " + string(role), Role: role}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) enrol(tx *db.Tx, one id.ID, name string, state enrolment.State, markets []market.Market) error {
	handle := strings.ToLower(strings.Fields(name)[0])
	if err := creator.Create(tx, w.ring, creator.Creator{ID: one, Name: name, Handle: handle, Created: begin},
		creator.Personal{Email: handle + "@creators.example"}); err != nil {
		return err
	}
	for _, m := range markets {
		key := enrolment.Key{Market: m.No, Creator: one, Program: enrolment.Associates}
		standing := enrolment.Standing{Since: begin, State: state}
		if state == enrolment.Provisional { // day 181 begins, at local midnight
			standing.Until = time.Date(begin.Year(), begin.Month(), begin.Day()+181, 0, 0, 0, 0, m.Location())
		}
		if err := enrolment.Save(tx, key, standing); err != nil {
			return err
		}
		t, err := link.OpenNext(tx, link.Tracking{ID: id.New(begin), Creator: one, Program: click.Associates, Market: m.No, Name: "blog",
			Created: begin}, handle)
		if err != nil {
			return err
		}
		if m.No == w.us.No {
			w.tags[one] = t
		}
	}
	return w.account(tx, auth.Principal{Name: name, Role: auth.Creator, Creator: one})
}

func (w *world) account(tx *db.Tx, p auth.Principal) error {
	opened, err := auth.Open(tx, p, begin)
	if err != nil {
		return err
	}
	w.logins[p.Name], err = auth.OpenLogin(tx, opened.ID, clock.Wall(), clock.Wall().Add(time.Hour), true)
	return err
}

// oneTime gives a login link that is good once.
func (w *world) oneTime(name string) (token string) {
	w.write(func(tx *db.Tx) error {
		p, err := auth.Login(tx, w.logins[name], clock.Wall())
		if err == nil {
			token, err = auth.OpenLogin(tx, p.ID, clock.Wall(), clock.Wall().Add(time.Hour), false)
		}
		return err
	})
	return token
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Interactive, fn); err != nil {
		w.t.Fatal(err)
	}
}

// token is a click of a creator's at an instant.
func (w *world) token(c id.ID, at time.Time, change ...func(*click.Token)) string {
	t := click.Token{Click: click.NewID(), Creator: c, Program: click.Associates, Tracking: w.tags[c].ID, Market: 1, At: at,
		Landed: click.LandedProduct, Place: click.CategoryPlace("Home > Kitchen > Kettles"), Kind: click.KindProduct}
	for _, one := range change {
		one(&t)
	}
	return w.sealer.Seal(t)
}

func (w *world) next() string { w.count++; return fmt.Sprintf("evt-%d", w.count) }

// buy books an order of one line for each sku, placed at that instant.
func (w *world) buy(number string, at time.Time, token string, skus ...string) {
	w.t.Helper()
	var lines []order.Line
	for i, sku := range skus {
		l := order.Line{ID: fmt.Sprint(i + 1), SKU: sku, Quantity: 2, Amount: money.Money{Amount: 9800, Currency: "USD"}, Digital: sku == card}
		if token != "" {
			l.Clicks = []string{token}
		}
		lines = append(lines, l)
	}
	w.send(order.Event{ID: w.next(), Type: order.TypePlaced, Market: "us", OccurredAt: at, Order: number,
		Placed: &order.Placed{ID: number, Currency: "USD", Lines: lines}})
}

// happen books an event of the first line of an order.
func (w *world) happen(kind order.Type, number string, quantity int64, at time.Time) {
	w.t.Helper()
	w.send(order.Event{ID: w.next(), Type: kind, Market: "us", OccurredAt: at, Order: number, Line: "1", Quantity: quantity})
}

func (w *world) send(e order.Event) {
	w.t.Helper()
	if err := e.Check(w.clock.Now(), "USD", true); err != nil {
		w.t.Fatalf("%s: %v", e.ID, err)
	}
	in := accrual.Incoming{Event: e, Hash: e.Hash()}
	if e.Placed != nil {
		in.Facts = shopper.Keyed(w.ring, e.Placed.Shopper)
	}
	results, err := w.accrual.Take(context.Background(), 1, []accrual.Incoming{in})
	if err != nil || results[0].Status == order.Refused {
		w.t.Fatalf("%s: %+v, %v", e.ID, results, err)
	}
}

// live lets months go by: lines in every state, months closed on the way, and ends at now.
func (w *world) live() {
	w.t.Helper()
	for i, month := range []time.Time{begin.AddDate(0, 0, 10), begin.AddDate(0, 2, 3), begin.AddDate(0, 3, 5), begin.AddDate(0, 4, 2)} {
		w.set(month)
		name := fmt.Sprintf("1%03d", i)
		w.buy(name, month, w.token(ada, month.Add(-time.Hour)), kettle, lamp)
		w.happen(order.TypeShipped, name, 2, month)
	}
	w.set(now.Add(-50 * time.Minute))
	at := w.clock.Now()
	fresh := func(c id.ID) string { return w.token(c, at.Add(-30*time.Minute)) }
	w.buy("2001", at, fresh(ada), kettle)
	w.buy("2002", at, fresh(ada), kettle)
	w.happen(order.TypeShipped, "2002", 1, at)
	w.buy("2003", at, fresh(ada), card)
	w.buy("2004", at, fresh(ada), kettle)
	w.happen(order.TypeShipped, "2004", 2, at)
	w.happen(order.TypeReturned, "2004", 2, at)
	w.buy("2005", at, w.token(ada, at.AddDate(0, 0, -3)), kettle)
	w.buy("2006", at, w.token(ada, at.Add(-time.Hour), func(t *click.Token) { t.Flags |= click.FlagPaid }), kettle)
	w.buy("2007", at, "", lamp)
	w.buy("2008", at, "no token at all", lamp)
	w.buy("2009/a b", at, fresh(ben), kettle)
	w.happen(order.TypeShipped, "3000", 1, at) // early: it waits for its order
	w.set(now)
	if _, err := w.accrual.CloseMonths(context.Background(), 1); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(at time.Time) {
	w.t.Helper()
	if err := w.clock.Set(at); err != nil {
		w.t.Fatal(err)
	}
}

// visitor is a browser without a screen.
type visitor struct {
	*world
	client *http.Client
}

// as signs somebody in; an empty name stays outside.
func (w *world) as(name string) *visitor {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	v := &visitor{w, &http.Client{Jar: jar}}
	if name != "" {
		if status, _ := v.open("/login?token=" + url.QueryEscape(w.logins[name])); status != http.StatusOK {
			w.t.Fatalf("%s cannot sign in: %d", name, status)
		}
	}
	return v
}

// open gives the status and the text of a page.
func (v *visitor) open(path string) (int, string) {
	v.t.Helper()
	response, err := v.client.Get(v.server.URL + path)
	return v.read(response, err)
}

// post sends a form, as a browser does from our own page.
func (v *visitor) post(path string, form url.Values) (int, string) {
	v.t.Helper()
	request, err := http.NewRequest(http.MethodPost, v.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := v.client.Do(request)
	return v.read(response, err)
}

func (v *visitor) read(response *http.Response, err error) (int, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// wants opens a page and looks for texts in it; one that begins with `!` must not be there.
func (v *visitor) wants(path string, texts ...string) string {
	v.t.Helper()
	status, body := v.open(path)
	if status != http.StatusOK {
		v.t.Fatalf("%s: %d\n%s", path, status, body)
	}
	v.holds(path, body, texts...)
	return body
}

func (v *visitor) holds(path, body string, texts ...string) {
	v.t.Helper()
	for _, text := range texts {
		if not, absent := strings.CutPrefix(text, "!"); absent && strings.Contains(body, not) {
			v.t.Errorf("%s holds %q", path, not)
		} else if !absent && !strings.Contains(body, text) {
			v.t.Errorf("%s does not hold %q:\n%s", path, text, body)
		}
	}
}
