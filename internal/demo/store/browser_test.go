package store

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/browser"
)

func TestMain(m *testing.M) { browser.Main(m) }

// street opens a shop under a host name of its own, as in the demo, with its reports running.
func street(t *testing.T) (*platform, string) {
	t.Helper()
	p := newPlatform(t)
	s := openStore(t, p, filepath.Join(t.TempDir(), "shop.json"))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return p, strings.Replace(server.URL, "127.0.0.1", "store.localhost", 1)
}

// A person comes by a creator's link, buys, and plays the merchant; on every screen, with every page on the way judged
// for accessibility.
func TestPersonBuysAndShips(t *testing.T) {
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		platform, shop := street(t)
		look := func() {
			t.Helper()
			browser.AXE(t, p)
			if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s is %d px wider than the screen", p.Address(), wide)
			}
		}
		p.Goto(shop + "/")
		look()
		p.Fill("#k", "electric kettle")
		p.Click(".find button")
		p.WaitText("h1", "electric kettle")
		look()
		p.Click(".card a")
		p.WaitText(".buy button", "Add to cart")
		look()
		p.Goto(p.Address() + "?tclid=" + token)
		p.WaitFor("tributary.tokens().length === 1")
		p.Fill("#quantity", "2")
		p.Click(".buy button")
		p.WaitText("h1", "Your cart")
		p.WaitFor("Object.keys(localStorage).length === 1")
		look()
		p.Click(".sum .button")
		p.WaitText("h1", "Checkout")
		look()
		p.Fill("#email", "nonsense@")
		p.Click(".fields .button")
		p.WaitFor("document.querySelector('#email:invalid') !== null")
		p.Fill("#email", "ada@example.com")
		p.Click(".fields .button")
		p.WaitText("h1", "Thank you, Sam Porter")
		p.WaitText(".answer", "accepted")
		p.WaitFor("localStorage.getItem('tributary.cart') === '{}'")
		look()
		p.Click("button[aria-label^='Ship one']")
		p.WaitText(".lines .note", "1 shipped")
		p.Click("button[aria-label^='Return one']")
		p.WaitText(".lines .note", "1 returned")
		p.Click("button[aria-label^='Cancel one']")
		p.WaitText(".lines .note", "1 cancelled")
		p.WaitFor("document.querySelector('[data-waiting]').dataset.waiting === '0'")
		p.Goto(shop + "/orders")
		look()
		want := []string{"order.placed", "line.shipped", "line.returned", "line.cancelled"}
		if diff := cmp.Diff(want, platform.types()); diff != "" {
			t.Error(diff)
		}
		line := platform.bodies[0]["order"].(map[string]any)["lines"].([]any)[0].(map[string]any)
		if diff := cmp.Diff([]any{token}, line["clicks"]); diff != "" {
			t.Error(diff)
		}
	})
}

// Categories, the other country, and lists that are chosen from.
func TestPersonLooksAround(t *testing.T) {
	p := browser.Open(t)
	p.View(browser.Desktop)
	_, shop := street(t)
	p.Goto(shop + "/c/Home")
	p.Fill("#sort", "low")
	p.WaitFor("location.search === '?sort=low'")
	browser.AXE(t, p)
	p.Click(".pages a")
	p.WaitText(".pages span", "Page 2")
	p.Click(".foot nav a")
	p.WaitText(".price", "£")
	p.Goto(shop + "/uk/cart?add=GB-KET-1002-MU:2")
	browser.AXE(t, p)
	p.Goto(shop + "/cart?add=" + sampleSKU(t, false) + ":2")
	p.WaitText(".offer", "suggests")
	browser.AXE(t, p)
	p.Click(".offer .button")
	p.WaitText(".lines", "Remove")
	p.Fill(".lines select", "5")
	p.WaitText(".count", "5")
	p.Click("button[aria-label^='Remove']")
	p.WaitText(".empty", "nothing in it yet")
	p.Expect("404")
	p.Goto(shop + "/dp/none")
	browser.AXE(t, p)
}
