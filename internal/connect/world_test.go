package connect_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tributary/internal/browser"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/connect"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/edge"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/secret"
)

func TestMain(m *testing.M) { browser.Main(m) }

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// world is an installation on one host, and a store with two plain pages on another, as in life.
type world struct {
	t         testing.TB
	db        *db.DB
	ring      *secret.Ring
	sealer    *click.Sealer
	log       *click.Log
	doors     http.Handler
	tributary string // origin of the installation
	store     string // origin of the store
	ada       id.ID
}

const storePage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Store</title><link rel="icon" href="data:,">
<script src="$TRIBUTARY/t.js" defer data-market="us"></script><h1>A page of the store</h1></html>`

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, db: dbtest.Open(t), ring: secret.FixedRing("connect")}
	w.sealer = click.NewSealer(w.ring)
	storeListener, edgeListener := listen(t), listen(t)
	w.store = "http://store.localhost:" + port(storeListener)
	w.tributary = "http://localhost:" + port(edgeListener)
	w.fill()
	state, err := edge.OpenState(context.Background(), w.db, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.log, err = click.OpenLog(t.TempDir(), 1, click.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.log.Close() })
	now := clock.NewStopped(start)
	links := edge.New(edge.Config{State: state, Log: w.log, Ring: w.ring, Clock: now})
	w.doors = connect.New(connect.Config{
		DB: w.db, Ring: w.ring, Clock: now, Direct: links.Direct, View: links.View, Origin: links.Origin,
		Authorized: func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer store-token" },
	})
	serve(t, edgeListener, http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if links.Wants(r) {
			links.ServeHTTP(answer, r)
			return
		}
		w.doors.ServeHTTP(answer, r)
	}))
	serve(t, storeListener, http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		answer.Header().Set("Content-Type", "text/html")
		_, _ = answer.Write([]byte(strings.ReplaceAll(storePage, "$TRIBUTARY", w.tributary)))
	}))
	return w
}

func listen(t testing.TB) net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func port(listener net.Listener) string {
	_, number, _ := net.SplitHostPort(listener.Addr().String())
	return number
}

func serve(t testing.TB, listener net.Listener, handler http.Handler) {
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
}

// fill makes a creator who is active in both marketplaces of the store; the second one is closed to eve.
func (w *world) fill() {
	host := strings.TrimPrefix(w.store, "http://")
	w.ada = id.New(start)
	if err := w.db.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		for no, name := range []string{"us", "uk"} {
			m := market.Market{No: uint16(no + 1), ID: name, Currency: "USD", Zone: "UTC", Home: w.store, ProductURL: w.store +
				"/p/{sku}", Hosts: []string{host}, Policy: policy.Shipped()}
			if err := market.Save(tx, m); err != nil {
				return err
			}
		}
		if err := creator.Create(tx, w.ring, creator.Creator{ID: w.ada, Name: "Ada", Handle: "ada", Created: start},
			creator.Personal{}); err != nil {
			return err
		}
		for no, tag := range []string{"ada-20", "ada-21"} {
			tracking := link.Tracking{ID: id.New(start), Tag: tag, Creator: w.ada, Program: click.Associates,
				Market: uint16(no + 1), Created: start}
			if err := link.Open(tx, tracking); err != nil {
				return err
			}
			key := enrolment.Key{Market: uint16(no + 1), Creator: w.ada, Program: enrolment.Associates}
			if err := enrolment.Save(tx, key, enrolment.Standing{Since: start, State: enrolment.Active}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// ask sends a request to the doors; headers are written `Name: value`.
func (w *world) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("User-Agent", agent)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	w.doors.ServeHTTP(answer, r)
	return answer
}

// clicks gives everything that was logged.
func (w *world) clicks() (all []click.Click) {
	w.t.Helper()
	for logged, err := range w.log.ReadFrom(click.Number{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, *logged.Click)
	}
	return all
}
