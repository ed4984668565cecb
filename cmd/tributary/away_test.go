package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/audit"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/ledger"
)

// gate stands between the product and PostgreSQL and can be shut: the database is away.
type gate struct {
	target   func() (net.Conn, error)
	listener net.Listener
	mu       sync.Mutex
	shut     bool
	open     map[net.Conn]bool
}

func newGate(t *testing.T, target func() (net.Conn, error)) *gate {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{target: target, listener: listener, open: map[net.Conn]bool{}}
	t.Cleanup(func() { listener.Close(); g.set(true) })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go g.pass(from)
		}
	}()
	return g
}

func (g *gate) pass(from net.Conn) {
	defer from.Close()
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return
	}
	to, err := g.target()
	if err != nil {
		g.mu.Unlock()
		return
	}
	g.open[from], g.open[to] = true, true
	g.mu.Unlock()
	go func() { io.Copy(to, from); to.Close() }()
	io.Copy(from, to)
	g.mu.Lock()
	delete(g.open, from)
	delete(g.open, to)
	g.mu.Unlock()
}

// set shuts or opens the gate; shutting ends what runs through it.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	if shut {
		for conn := range g.open {
			conn.Close()
		}
	}
}

// through gives the address with which a database is reached by way of the gate.
func (g *gate) through(t *testing.T, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Del("host")
	query.Del("port")
	u.RawQuery, u.Host = query.Encode(), g.listener.Addr().String()
	return u.String()
}

// dialer reaches the server that an address names, over its socket or by TCP.
func dialer(t *testing.T, address string) func() (net.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port := u.Port()
	if port == "" {
		if port = u.Query().Get("port"); port == "" {
			port = "5432"
		}
	}
	if folder := u.Query().Get("host"); strings.HasPrefix(folder, "/") {
		return func() (net.Conn, error) { return net.Dial("unix", filepath.Join(folder, ".s.PGSQL."+port)) }
	}
	return func() (net.Conn, error) { return net.Dial("tcp", net.JoinHostPort(u.Hostname(), port)) }
}

// While the database is away links still work and their clicks are kept, orders get an honest answer and none is
// acknowledged; when it is back everything goes on without a hand. SQLite lives in the process and is never away.
func TestDatabaseAway(t *testing.T) {
	server := os.Getenv("TEST_DB")
	if server == "" {
		t.Log("runs on PostgreSQL only: SQLite is part of the process")
		return
	}
	ctx := context.Background()
	address := dbtest.Address(t)
	g := newGate(t, dialer(t, server))
	i, err := place{Data: t.TempDir(), Database: g.through(t, address)}.open(ctx, production)
	if err != nil {
		t.Fatal(err)
	}
	var token string
	if err := i.db.Write(ctx, db.Money, func(tx *db.Tx) (err error) { token, err = settleStory(tx, i, clock.Wall()); return err }); err != nil {
		t.Fatal(err)
	}
	n, err := doors{Home: "http://localhost:8080"}.start(ctx, i)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	}()
	outside := httptest.NewServer(n.handler)
	defer outside.Close()

	if code, _ := orderVia(t, outside.URL, token, "before"); code != "accepted" {
		t.Fatalf("before: %s", code)
	}
	g.set(true)
	for range 3 {
		request, _ := http.NewRequest("GET", outside.URL+"/dp/KETTLE-1?tag=alice-20", nil)
		request.Header.Set("User-Agent", browserAgent)
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil || answer.StatusCode != http.StatusFound || !strings.Contains(answer.Header.Get("Location"), "tclid=") {
			t.Fatalf("a link while the database is away: %v %v", answer, err)
		}
		answer.Body.Close()
	}
	if fate, status := orderVia(t, outside.URL, token, "away"); fate == "accepted" || fate == "duplicate" || status == http.StatusOK && fate != "unavailable" {
		t.Errorf("an order while the database is away: %s, %d", fate, status)
	}
	waitUntil(t, "the health page knows of waiting clicks", func() bool { count, since := n.unshipped(); return count == 3 && !since.IsZero() })
	g.set(false)
	waitUntil(t, "an order is taken again", func() bool { fate, _ := orderVia(t, outside.URL, token, "away"); return fate == "accepted" })
	waitUntil(t, "the clicks are shipped", func() bool { count, _ := n.unshipped(); return count == 0 })
	if err := i.db.Read(ctx, func(tx *db.Tx) error {
		differ := func(text string) { t.Error(text) }
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		v, err := audit.Verify(tx, 1, differ)
		if v.Lines != 2 {
			t.Errorf("%d lines, want 2", v.Lines)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// back is how long full service may take after the database's return (a goal of the product).
const back = 10 * time.Second

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(back); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, back)
		}
	}
}

// orderVia reports an order and gives the event's fate, or the status where there was no list of fates.
func orderVia(t *testing.T, base, token, orderID string) (fate string, status int) {
	t.Helper()
	body := fmt.Sprintf(`[{"id":"e-%s","type":"order.placed","marketplace":"us","occurred_at":%q,"order":{"id":%q,"currency":"USD","lines":[
		{"id":"1","sku":"KETTLE-1","quantity":1,"amount":{"amount":4900,"currency":"USD"}}]}}]`, orderID, "2026-01-01T00:00:00Z", orderID)
	request, _ := http.NewRequest("POST", base+"/v1/orders/events", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body)
	for _, known := range []string{"accepted", "duplicate", "unavailable", "refused", "waiting"} {
		if strings.Contains(string(raw), `"status":"`+known+`"`) {
			return known, answer.StatusCode
		}
	}
	return strings.TrimSpace(string(raw)), answer.StatusCode
}
