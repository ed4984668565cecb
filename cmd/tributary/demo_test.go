package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tributary/internal/browser"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/ledger"
)

func TestMain(m *testing.M) { browser.Main(m) }

// person opens a page as a person's browser does: a headless one is a bot to the sieve.
func person(t *testing.T) *browser.Page {
	t.Helper()
	p := browser.Open(t)
	if err := chromedp.Do(p.Context(), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: browserAgent})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	return p
}

func startDemo(t *testing.T, c demoCmd) *stage {
	t.Helper()
	s, err := c.start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The main promise: a person opens a creator's link, lands on the store, buys, and click, order and commission stand on
// the creator's page without a reload. A second demo finds its data again.
func TestDemo(t *testing.T) {
	c := demoCmd{Data: t.TempDir() + "/demo", Listen: "localhost:0", StoreListen: "localhost:0", Days: 5}
	if address := dbtest.Address(t); strings.HasPrefix(address, "postgres") {
		c.Database = address
	}
	s := startDemo(t, c)
	creator, shopper := person(t), person(t)
	creator.Goto(s.creator)
	creator.WaitText("h2", "Where your money is")
	// A mark that a reload would wipe out.
	browser.Eval[bool](creator, "window.sameDocument = true")
	const clicksToday = "Number((/([0-9,]+) clicks? and/.exec(document.body.innerText) || [0, '0'])[1].replace(',', ''))"
	clicks := browser.Eval[int](creator, clicksToday)
	before := browser.Eval[int](creator, "document.querySelectorAll('a[href*=\"/creator/lines/HM-\"]').length")

	shopper.Goto(s.product)
	if !strings.HasPrefix(shopper.Address(), s.store+"/dp/") {
		t.Fatalf("landed on %s", shopper.Address())
	}
	creator.WaitFor(fmt.Sprintf("%s === %d", clicksToday, clicks+1))
	shopper.Click(`form[action*="cart/add"] button`)
	shopper.WaitFor("location.pathname === '/cart'")
	shopper.Goto(s.store + "/checkout")
	shopper.Click(`main form[action*="checkout"] button`)
	shopper.WaitFor("location.pathname.startsWith('/orders/')")
	creator.WaitFor("document.querySelectorAll('a[href*=\"/creator/lines/HM-\"]').length > 0")
	if before != 0 || !browser.Eval[bool](creator, "window.sameDocument === true") {
		t.Error("the page was loaded again")
	}
	creator.Click(`a[href*="/creator/lines/HM-"]`)
	creator.WaitText("h1", "Why you will earn")
	browser.AXE(t, creator)
	for _, p := range []*browser.Page{creator, shopper} {
		p.Goto("about:blank")
		p.Expect("ERR_CONNECTION_REFUSED") // of what a page still asks for, an icon perhaps, while the demo stops
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}

	again := startDemo(t, c)
	defer func() {
		creator.Goto("about:blank")
		if err := again.end(); err != nil {
			t.Error(err)
		}
	}()
	creator.Goto(again.creator)
	creator.WaitFor("document.querySelectorAll('a[href*=\"/creator/lines/HM-\"]').length > 0")
	if err := again.db.Read(context.Background(), func(tx *db.Tx) error {
		_, err := ledger.Verify(tx, func(text string) { t.Error(text) })
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
