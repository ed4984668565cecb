package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/browser"
	"tributary/internal/db"
)

// signIn opens a page of somebody's in a real browser.
func (w *world) signIn(p *browser.Page, name string) {
	p.Goto(w.server.URL + "/login?token=" + url.QueryEscape(w.logins[name]))
}

// Every page on every screen: no violation of WCAG 2.2 A and AA, nothing on the console, nothing wider than the screen.
func TestPagesOnEveryScreen(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("Ada Lindholm")
	_, made := v.post("/creator/links", url.Values{"q": {"/dp/" + kettle}})
	v.holds("made", made, "Short link")
	code := cutOut(made, `value="http://go.example/`, `"`)
	pages := map[string][]string{
		"Ada Lindholm": {"/creator", "/creator/earnings", "/creator/earnings?state=nothing", "/creator/lines/2001/1", "/creator/lines/2005/1",
			"/creator/lines/1000/1", "/creator/links", "/creator/links?q=kettle", "/creator/links?made=" + code, "/creator/earnings?q=none"},
		"Ben Okri": {"/creator"},
		"Cleo Day": {"/creator", "/creator/links", "/creator/earnings"},
		"The admin": {"/operator", "/operator/orders", "/operator/orders/2001", "/operator/lines/2007/1", "/operator/lines/2001/1", "/operator/rates",
			"/operator/creators", "/operator/creators/" + ada.Text("cr_")},
	}
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		p.Goto(w.server.URL + "/login")
		p.Expect("403") // who has not signed in is told so
		browser.AXE(t, p)
		for name, paths := range pages {
			w.signIn(p, name)
			for _, path := range paths {
				p.Goto(w.server.URL + path)
				browser.AXE(t, p)
				if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
					t.Errorf("%s is %d pixels wider than the screen", path, wide)
				}
			}
		}
	})
}

func cutOut(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	out, _, _ := strings.Cut(rest, after)
	return out
}

// A sale appears on the open page, without reload, and lights up; so do clicks.
func TestHomeIsLive(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	p := browser.Open(t)
	w.signIn(p, "Ada Lindholm")
	p.WaitText(`[data-part="lines"]`, "No orders yet")
	p.WaitFor(`document.querySelector('.pulse.on')`)
	browser.Eval[bool](p, "window.mine = true")
	w.buy("5001", now, w.token(ada, now.Add(-time.Hour)), kettle)
	p.WaitText(`[data-part="lines"]`, "Gooseneck kettle")
	p.WaitText(`[data-part="now"]`, "$4.41")
	p.WaitText(`[data-part="river"]`, "$4.41")
	p.WaitFor(`document.querySelector('tr.fresh')`)
	w.write(func(tx *db.Tx) error {
		_, err := tx.Exec(countClicks, int64(ada), int64(1), now.Unix()/86400, int64(12))
		return err
	})
	p.WaitText(`[data-count="clicks"]`, "12 clicks")
	if !browser.Eval[bool](p, "window.mine") {
		t.Error("the page was loaded anew")
	}
}

// A person makes a link, copies it, and follows a line to its reason; filters act at once.
func TestWalk(t *testing.T) {
	w := newWorld(t)
	w.live()
	p := browser.Open(t)
	w.signIn(p, "Ada Lindholm")
	p.Fill(`.make input[name="q"]`, "gooseneck")
	p.Press("\r")
	p.WaitText("main", "Products for")
	p.Click(".picks button")
	p.WaitText("main", "Short link")
	p.WaitFor(`document.querySelector('.qr path').getBBox().width > 20`)
	p.WaitFor(`!document.querySelector('[data-copy]').hidden`)
	p.Click(`.nav a[href^="/creator/earnings"]`)
	p.WaitText("h1", "Earnings")
	p.Fill(`select[name="reason"]`, "paid_ad")
	p.WaitText("main", "the click came from a paid ad")
	p.Click(".what a")
	p.WaitText("h1", "earned nothing")
	p.WaitText("main", "clicks that were bought as ads earn nothing")
}
