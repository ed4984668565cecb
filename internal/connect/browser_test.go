package connect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tributary/internal/browser"
	"tributary/internal/click"
	"tributary/internal/link"
)

// visit opens a page whose browser says what people's browsers say: a headless one is a bot to the sieve.
func visit(t *testing.T) *browser.Page {
	t.Helper()
	p := browser.Open(t)
	override := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent})
		return err
	})
	if err := chromedp.Do(p.Context(), override); err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) tokens(p *browser.Page) (opened []click.Token) {
	w.t.Helper()
	for _, text := range browser.Eval[[]string](p, "tributary.ready.then(() => tributary.tokens())") {
		token, err := w.sealer.Open(text)
		if err != nil {
			w.t.Fatal(err)
		}
		opened = append(opened, token)
	}
	return opened
}

// A person follows a link: the store's page has the token, its address bar does not, and the click is logged.
func TestBrowserFollowsALink(t *testing.T) {
	w := newWorld(t)
	p := visit(t)
	p.Goto(w.tributary + "/dp/KETTLE%2F1?tag=ada-20&sub1=a%20b&utm_source=yt")
	tokens := w.tokens(p)
	if len(tokens) != 1 || tokens[0].Creator != w.ada || tokens[0].Flags.Has(click.FlagInvalid) {
		t.Fatalf("tokens %+v", tokens)
	}
	if want := w.store + "/p/KETTLE%2F1?utm_source=yt&sub1=a%20b"; p.Address() != want {
		t.Errorf("the address bar shows %s, want %s", p.Address(), want)
	}
	clicks := w.clicks()
	if len(clicks) != 1 || clicks[0].Token != tokens[0] {
		t.Errorf("logged %+v", clicks)
	}
	p.Goto(w.store + "/another?a=1#b")
	if again := w.tokens(p); len(again) != 1 || again[0] != tokens[0] {
		t.Errorf("on the next page: %+v", again)
	}
	if p.Address() != w.store+"/another?a=1#b" {
		t.Errorf("an address without a token was touched: %s", p.Address())
	}
}

// A link straight to the store counts without a redirect, once: not again on reload or on the way back.
func TestBrowserDirectLink(t *testing.T) {
	w := newWorld(t)
	p := visit(t)
	p.Goto(w.store + "/p/POT?ref=ADA-20")
	tokens := w.tokens(p)
	if len(tokens) != 1 || !tokens[0].Flags.Has(click.FlagDirect) || tokens[0].Place != click.ProductPlace("POT") {
		t.Fatalf("tokens %+v", tokens)
	}
	if err := chromedp.Do(p.Context(), chromedp.Reload()); err != nil {
		t.Fatal(err)
	}
	w.tokens(p)
	p.Goto(w.store + "/elsewhere")
	browser.Eval[bool](p, "history.back(), true")
	p.WaitFor("location.pathname === '/p/POT' && typeof tributary === 'object'")
	if again := w.tokens(p); len(again) != 1 || len(w.clicks()) != 1 {
		t.Errorf("%d tokens, %d clicks", len(again), len(w.clicks()))
	}
	p.Goto(w.store + "/?tag=ada-21") // the other marketplace's
	if again := w.tokens(p); len(again) != 1 || len(w.clicks()) != 2 {
		t.Errorf("%d tokens, %d clicks", len(again), len(w.clicks()))
	}
}

// The newest five stay, newest first, each once; what is no token never enters.
func TestBrowserKeepsTheNewestFive(t *testing.T) {
	w := newWorld(t)
	p := visit(t)
	var sealed []string
	for i := range 7 {
		sealed = append(sealed, w.sealer.Seal(click.Token{Click: int64(i + 1), Market: 1, At: start}))
	}
	for _, arrival := range append(sealed, sealed[4], "short", "<script>", strings.Repeat("x", 500), "a;b=c") {
		p.Goto(w.store + "/?a=%20x&tclid=" + strings.NewReplacer("<", "%3C", ">", "%3E", ";", "%3B").Replace(arrival) + "&b#c")
		if want := w.store + "/?a=%20x&b#c"; p.Address() != want {
			t.Errorf("after %.20s the address bar shows %s, want %s", arrival, p.Address(), want)
		}
	}
	var got []int64
	for _, token := range w.tokens(p) {
		got = append(got, token.Click)
	}
	if fmt.Sprint(got) != "[5 7 6 4 3]" {
		t.Errorf("kept %v", got)
	}
	if cookie := browser.Eval[string](p, "document.cookie"); strings.Count(cookie, "=") != 1 || len(cookie) > 700 {
		t.Errorf("cookie %q", cookie)
	}
}

// A video that was seen long enough travels with the order, and pushes no click out.
func TestBrowserView(t *testing.T) {
	w := newWorld(t)
	p := visit(t)
	p.Goto(w.tributary + "/dp/KETTLE-1?tag=ada-20")
	if got := browser.Eval[string](p, "tributary.view('KETTLE-1', 'ada-20', 4.9).then(String)"); got != "false" {
		t.Errorf("4.9 seconds: %s", got)
	}
	for range 2 { // the same page tells twice of one view
		if got := browser.Eval[string](p, "tributary.view('KETTLE-1', 'Ada-20', 6.7).then(String)"); got != "true" {
			t.Errorf("6.7 seconds: %s", got)
		}
	}
	if got := browser.Eval[string](p, "tributary.view('KETTLE-1', 'nobody-20', 60).then(String)"); got != "false" {
		t.Errorf("nobody's video: %s", got)
	}
	p.Goto(w.store + "/next")
	tokens := w.tokens(p)
	if len(tokens) != 2 || tokens[0].Kind != click.KindProduct {
		t.Fatalf("tokens %+v", tokens)
	}
	if seconds, _, ok := link.View(tokens[1]); !ok || seconds != 6 || tokens[1].Place != click.ProductPlace("KETTLE-1") {
		t.Errorf("view %+v", tokens[1])
	}
	browser.Eval[string](p, "Promise.all([...Array(8).keys()].map(i => tributary.view('S' + i, 'ada-20', 30))).then(String)")
	if after := w.tokens(p); len(after) != 6 || after[0] != tokens[0] {
		t.Errorf("after many videos: %+v", after)
	}
	if len(w.clicks()) != 1 {
		t.Error("a view is no click")
	}
}

// The first time that a sku entered the present cart is kept over pages, until it leaves or the order is made.
func TestBrowserCartTimes(t *testing.T) {
	w := newWorld(t)
	p := visit(t)
	p.Goto(w.store)
	first := browser.Eval[string](p, "tributary.cart('KETTLE')")
	if at, err := time.Parse(time.RFC3339, first); err != nil || at.IsZero() {
		t.Fatalf("%q is no time: %v", first, err)
	}
	p.WaitFor("new Date().toISOString() > " + fmt.Sprintf("%q", first))
	p.Goto(w.store + "/next")
	for script, want := range map[string]string{
		"tributary.cart('KETTLE')": first, "tributary.added('KETTLE')": first, "String(tributary.added('POT'))": "null",
		"String(tributary.added('__proto__'))": "null", "String(tributary.added('toString'))": "null",
	} {
		if got := browser.Eval[string](p, script); got != want {
			t.Errorf("%s is %q, want %q", script, got, want)
		}
	}
	if again := browser.Eval[string](p, "tributary.removed('KETTLE'), tributary.cart('KETTLE')"); again <= first {
		t.Errorf("what left the cart and came again has the time %s, not later than %s", again, first)
	}
	browser.Eval[string](p, "tributary.cart('POT')")
	if left := browser.Eval[string](p,
		"tributary.ordered(), String([tributary.added('POT'), tributary.added('KETTLE')])"); left != "," {
		t.Errorf("after the order: %s", left)
	}
	// Storage that somebody else wrote into, and a cart without end.
	if got := browser.Eval[string](p,
		"localStorage.setItem('tributary.cart', '[1'), tributary.cart('A'), "+
			"localStorage.setItem('tributary.cart', '7'), tributary.cart('B')"); got == "" {
		t.Error("broken storage stops the script")
	}
	if count := browser.Eval[int](p,
		"[...Array(300).keys()].forEach(i => tributary.cart('S' + i)), "+
			"Object.keys(JSON.parse(localStorage.getItem('tributary.cart'))).length"); count > 200 {
		t.Errorf("%d skus are kept", count)
	}
}

// Another site's page can neither make a click nor read a token.
func TestBrowserForeignPage(t *testing.T) {
	w := newWorld(t)
	p := visit(t)
	foreign := strings.Replace(w.store, "store.localhost", "evil.localhost", 1)
	p.Expect("/c")
	p.Expect("/view")
	p.Goto(foreign + "/?tag=ada-20")
	outcome := browser.Eval[string](p, fmt.Sprintf(`fetch('%s/c', {method: 'POST',
			body: JSON.stringify({market: 'us', address: '%s/?tag=ada-20'})})
		.then(a => a.text(), e => 'blocked')`, w.tributary, w.store))
	if got := browser.Eval[string](p, "tributary.view('KETTLE-1', 'ada-20', 60).then(String)"); got != "false" {
		t.Errorf("a foreign page's view: %s", got)
	}
	if tokens := w.tokens(p); outcome != "blocked" || len(tokens) != 0 || len(w.clicks()) != 0 {
		t.Errorf("%s, %d tokens, %d clicks", outcome, len(tokens), len(w.clicks()))
	}
}
