package edge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/product"
	"tributary/internal/secret"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is an installation with two marketplaces and a few creators, and the edge in front of it.
type world struct {
	t       testing.TB
	db      *db.DB
	clock   *clock.Business
	ring    *secret.Ring
	sealer  *click.Sealer
	state   *State
	log     *click.Log
	edge    *Edge
	ids     map[string]id.ID // creators by handle, trackings by tag
	last    click.Number
	made    int
	markets []market.Market
}

const (
	browser  = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	american = "8.8.8.8:443"
	british  = "81.2.69.142:443"
	unknown  = "127.0.0.1:443"
)

func marketplaces() []market.Market {
	return []market.Market{
		{No: 1, ID: "us", Name: "US", Currency: "USD", Zone: "America/New_York", Locale: "en-US", Countries: []string{"US"},
			Home: "https://us.example", ProductURL: "https://us.example/p/{sku}", SearchURL: "https://us.example/search?q={query}",
			CategoryURL: "https://us.example/c?path={category}", CartURL: "https://us.example/cart?items={items}",
			Hosts: []string{"us.example", "www.us.example"}, Policy: policy.Shipped()},
		{No: 2, ID: "uk", Name: "UK", Currency: "GBP", Zone: "Europe/London", Locale: "en-GB", Countries: []string{"GB"},
			Home: "https://uk.example", ProductURL: "https://uk.example/p/{sku}", SearchURL: "https://uk.example/search?q={query}",
			CategoryURL: "https://uk.example/c?path={category}", Hosts: []string{"uk.example"}, Policy: policy.Shipped()},
	}
}

// newWorld makes the installation that every test begins with.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, db: dbtest.Open(t), clock: clock.NewStopped(start), ring: secret.FixedRing("edge"),
		ids: map[string]id.ID{}, markets: marketplaces()}
	w.sealer = click.NewSealer(w.ring)
	w.write(func(tx *db.Tx) error {
		for _, m := range w.markets {
			if err := market.Save(tx, m); err != nil {
				return err
			}
		}
		return w.stock(tx)
	})
	for _, handle := range []string{"ada", "bob", "eve", "exact", "offy"} {
		w.account(handle)
	}
	w.tracking("ada", "ada-20", 1, click.Associates, enrolment.Active)
	w.tracking("ada", "ada-video-20", 1, click.Associates, "")
	w.tracking("ada", "ada-21", 2, click.Associates, enrolment.Provisional)
	w.tracking("ada", "ada-video-21", 2, click.Associates, "")
	w.tracking("bob", "bob-20", 1, click.Influencer, enrolment.Active)
	w.tracking("eve", "eve-20", 1, click.Associates, enrolment.Active)
	w.tracking("eve", "eve-21", 2, click.Associates, enrolment.Active)
	w.standing("eve", 2, click.Associates, enrolment.Closed, start.Add(-time.Hour))
	w.tracking("exact", "exact-20", 1, click.Associates, enrolment.Active)
	w.tracking("exact", "exact-21", 2, click.Associates, enrolment.Active)
	w.tracking("offy", "offy-20", 1, click.Associates, enrolment.Active)
	w.tracking("offy", "offy-21", 2, click.Associates, enrolment.Active)
	w.write(func(tx *db.Tx) error {
		if err := creator.SetRouting(tx, w.ids["exact"], market.Exact); err != nil {
			return err
		}
		return creator.SetRouting(tx, w.ids["offy"], market.Off)
	})
	w.open("")
	return w
}

func (w *world) stock(tx *db.Tx) error {
	goods := map[uint16][]product.Product{
		1: {
			{SKU: "KETTLE-1", GTIN: "4006381333931", Title: "Copper Kettle", Brand: "Hearth", Category: "Home > Kitchen > Kettles"},
			{SKU: "POT-US", Title: "Tea Pot", Brand: "Hearth", Category: "Home > Kitchen"},
			{SKU: "SPOON-US", Title: "Wooden Spoon", Brand: "Oak", Category: "Home > Kitchen"},
			{SKU: "GONE-US", GTIN: "4006381333948", Title: "Gone", Brand: "Oak", Category: "Home"},
		},
		2: {
			{SKU: "KETTLE-UK", GTIN: "4006381333931", Title: "Kettle, Copper", Brand: "Hearth", Category: "Home > Kitchen > Kettles"},
			{SKU: "POT-UK", Title: "TEA  Pot", Brand: "hearth", Category: "Home > Kitchen"},
			{SKU: "GONE-UK", GTIN: "4006381333948", Title: "Gone for good", Brand: "Oak", Category: "Home", State: product.Withdrawn},
			{SKU: "UK-ONLY", Title: "Tea Cosy", Brand: "Oak", Category: "Home"},
		},
	}
	for no, products := range goods {
		if err := product.Save(tx, no, click.ProductPlace, products); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) write(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Interactive, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) next() id.ID {
	return id.New(w.later())
}

func (w *world) account(handle string) {
	w.ids[handle] = w.next()
	w.write(func(tx *db.Tx) error {
		return creator.Create(tx, w.ring, creator.Creator{ID: w.ids[handle], Name: handle, Handle: handle, Created: start},
			creator.Personal{})
	})
}

func (w *world) tracking(handle, tag string, no uint16, program click.Program, state enrolment.State) {
	w.ids[tag] = w.next()
	w.write(func(tx *db.Tx) error {
		return link.Open(tx, link.Tracking{ID: w.ids[tag], Tag: tag, Creator: w.ids[handle], Program: program, Market: no,
			Created: start})
	})
	if state != "" {
		w.standing(handle, no, program, state, start.AddDate(-1, 0, 0))
	}
}

func (w *world) standing(handle string, no uint16, program click.Program, state enrolment.State, since time.Time) {
	w.write(func(tx *db.Tx) error {
		key := enrolment.Key{Market: no, Creator: w.ids[handle], Program: enrolment.Program(program)}
		return enrolment.Save(tx, key, enrolment.Standing{Since: since, State: state})
	})
}

func (w *world) short(tag string, no int, draft link.Draft) link.Link {
	var made link.Link
	draft.Tracking = w.ids[tag]
	w.write(func(tx *db.Tx) (err error) {
		trackings, err := link.TrackingByID(tx, []id.ID{draft.Tracking})
		if err != nil {
			return err
		}
		made, err = link.Make(tx, w.later(), w.markets[no-1], trackings[draft.Tracking].Creator, draft)
		return err
	})
	return made
}

func (w *world) later() time.Time {
	w.made++
	return start.Add(time.Duration(w.made) * time.Second)
}

// open opens state, log and edge.
func (w *world) open(file string) {
	w.t.Helper()
	var err error
	if w.state, err = OpenState(context.Background(), w.db, file, nil); err != nil {
		w.t.Fatal(err)
	}
	w.state.merging.Wait()
	if w.log, err = click.OpenLog(w.t.TempDir(), 1, click.Options{}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.log.Close() })
	countries, err := market.ShippedCountries()
	if err != nil {
		w.t.Fatal(err)
	}
	w.edge = New(Config{State: w.state, Log: w.log, Ring: w.ring, Clock: w.clock, Countries: countries})
}

// know brings the edge up to date.
func (w *world) know() {
	w.t.Helper()
	if err := w.state.Know(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// ask sends a request as a browser from that address, with headers as `Name: value`.
func (w *world) ask(method, target, remote string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := &http.Request{Method: method, RequestURI: target, RemoteAddr: remote, Host: "go.example",
		Header: http.Header{"User-Agent": {browser}}}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		w.t.Fatal(target, err)
	}
	r.URL = u
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	answer := httptest.NewRecorder()
	w.edge.ServeHTTP(answer, r)
	return answer
}

// clicks gives the clicks that were logged since it was last asked.
func (w *world) clicks() []click.Click {
	w.t.Helper()
	var all []click.Click
	for logged, err := range w.log.ReadFrom(w.last) {
		if err != nil {
			w.t.Fatal(err)
		}
		c := *logged.Click
		c.AdIDs = slices.Clone(c.AdIDs)
		all, w.last = append(all, c), logged.Number
	}
	return all
}

// follow splits a redirect into its destination without token, and the token.
func (w *world) follow(answer *httptest.ResponseRecorder) (string, *click.Token) {
	w.t.Helper()
	location := answer.Header().Get("Location")
	u, err := url.Parse(location)
	if answer.Code != http.StatusFound || err != nil {
		w.t.Fatalf("answered %d %s: %v\n%s", answer.Code, location, err, answer.Body)
	}
	query := u.Query()
	text := query.Get(DefaultParameter)
	if text == "" {
		return location, nil
	}
	before, _, _ := strings.Cut(location, DefaultParameter+"=")
	token, err := w.sealer.Open(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimRight(before, "?&"), &token
}

// announceCatalog is what package product's importer does once a feed is in.
func (w *world) announceCatalog(no string) {
	w.write(func(tx *db.Tx) error { return event.Changed(tx, event.FeedCatalog, no) })
}
