package standin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"tributary/internal/browser"
	"tributary/internal/db/dbtest"
	"tributary/internal/id"
	"tributary/internal/network"
	"tributary/internal/network/standin"
	"tributary/internal/secret"
)

func TestMain(m *testing.M) { browser.Main(m) }

// The consent page of each network on every screen, under the rules for content that the product's pages have; then one takes an
// account there and is sent back.
func TestConsentInABrowser(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; img-src 'self'")
		mux.ServeHTTP(w, r)
	}))
	defer server.Close()
	stand := standin.New("/demo/networks", server.URL)
	mux.Handle("/demo/networks/", stand)
	mux.HandleFunc("GET "+network.Answer, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<!doctype html><html lang=en><title>Back</title><h1>" + map[bool]string{true: "agreed", false: "denied"}[r.URL.Query().Has("code")]))
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	c := &network.Connector{DB: dbtest.Open(t), Ring: secret.FixedRing("test"), Client: server.Client(), Apps: stand.Apps(server.URL), Home: server.URL,
		Weights: network.Shipped()}
	session := 0
	begin := func(k network.Kind) string {
		session++
		address, err := c.Begin(context.Background(), id.ID(session), k, "session", stand.Wall())
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		for _, k := range network.Kinds {
			p.Goto(begin(k))
			p.WaitText("h1", "Connect "+k.Name())
			browser.AXE(t, p)
			if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s is %d pixels wider than the screen", k, wide)
			}
			if font := browser.Eval[string](p, "getComputedStyle(document.querySelector('button')).minHeight"); font != "44px" {
				t.Errorf("%s is shown without its style: %s", k, font)
			}
			p.Click("label:nth-of-type(2)")
			p.Click("button[value=allow]")
			p.WaitText("h1", "agreed")
			p.Goto(begin(k))
			p.Click("button[value=deny]")
			p.WaitText("h1", "denied")
		}
		p.Expect("400")
		p.Goto(server.URL + "/demo/networks/youtube/o/oauth2/v2/auth?client_id=nobody")
		p.WaitText("main", "No app is registered")
		browser.AXE(t, p)
	})
}
