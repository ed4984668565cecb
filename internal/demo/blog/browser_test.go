package blog

import (
	"testing"

	"tributary/internal/browser"
)

func TestMain(m *testing.M) { browser.Main(m) }

// Every kind of page on every screen: no violation of WCAG 2.2 A and AA, and nothing wider than the screen.
func TestPagesOnEveryScreen(t *testing.T) {
	s, port := open(t, "")
	if err := s.Put(Newcomer, `<meta name="tributary-site" content="0123456789abcdefghijklmnopqrstuvwxyz">`); err != nil {
		t.Fatal(err)
	}
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		look := func(address string) {
			t.Helper()
			p.Goto(address)
			browser.AXE(t, p)
			if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s is %d pixels wider than the screen", address, wide)
			}
		}
		for _, name := range []string{Newcomer, Lamps, Radio, Kitchen, Deals} {
			one := s.byHost[name+localhost]
			look(Address(name, port) + "/")
			look(Address(name, port) + "/" + one.Articles[0].Slug)
		}
		look(Address(Newcomer, port) + "/about")
		look(Address(Newcomer, port) + "/admin")
		p.Fill("#paste", "this is no tag")
		p.Expect("422")
		p.Click("main form button")
		p.WaitText("#wrong", "neither a meta tag")
		browser.AXE(t, p)
	})
}
