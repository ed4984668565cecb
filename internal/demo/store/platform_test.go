package store

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"tributary/internal/clock"
	"tributary/internal/demo/catalog"
)

// platform is the other side of the wire, as the guide for integrators describes it: it keeps what it acknowledged.
type platform struct {
	*httptest.Server
	mu     sync.Mutex
	down   bool
	status map[string]string // by type of event: what is answered instead of accepted
	seen   map[string]int    // how often each event came
	kept   []event           // acknowledged, each once
	bodies []map[string]any
	token  string
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{status: map[string]string{}, seen: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /t.js", func(w http.ResponseWriter, r *http.Request) {
		script, err := os.ReadFile("../../../client/js/t.js")
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/javascript")
		w.Write(script)
	})
	mux.HandleFunc("POST /v1/orders/events", p.take)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *platform) take(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = r.Header.Get("Authorization")
	raw, _ := io.ReadAll(r.Body)
	if p.down {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var events []event
	var bodies []map[string]any
	if json.Unmarshal(raw, &events) != nil || json.Unmarshal(raw, &bodies) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	results := make([]answer, len(events))
	for i, e := range events {
		results[i] = answer{ID: e.ID, Status: "accepted"}
		p.seen[e.ID]++
		if other := p.status[e.Type]; other != "" {
			results[i].Status, results[i].Reason = other, other+"_for_a_reason"
			continue
		}
		if p.seen[e.ID] > 1 {
			results[i].Status = "duplicate"
			continue
		}
		p.kept, p.bodies = append(p.kept, e), append(p.bodies, bodies[i])
	}
	json.NewEncoder(w).Encode(results)
}

func (p *platform) set(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
}

// types lists what was acknowledged, in order.
func (p *platform) types() (types []string) {
	p.set(func() {
		for _, e := range p.kept {
			types = append(types, e.Type)
		}
	})
	return types
}

var now = time.Date(2026, 11, 22, 14, 3, 11, 0, time.UTC)

// stock is the same for every test of this package.
var stock = sync.OnceValue(func() *catalog.Catalog { return catalog.New("http://store.localhost:8081") })

func openStore(t *testing.T, p *platform, snapshot string) *Store {
	t.Helper()
	s, err := New(Config{Catalog: stock(), Regions: Regions, TributaryURL: p.URL, Token: "tk_shop", SnapshotPath: snapshot,
		Now: clock.NewStopped(now).Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
