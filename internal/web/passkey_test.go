package web_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"tributary/internal/browser"
)

// authenticator gives a page's browser an authenticator of its own, as a phone or a laptop has one: it keeps passkeys, and
// its owner is always there and recognised.
func authenticator(t *testing.T, p *browser.Page) {
	err := chromedp.Do(p.Context(), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
			HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// Sign up, make a passkey, sign out, sign in with it, prove oneself with it, and remove it.
func TestPasskeys(t *testing.T) {
	w := newWorld(t)
	p := browser.Open(t)
	authenticator(t, p)
	p.Goto(w.home + "/signup?next=/creator/links")
	p.Fill(`input[name="name"]`, "Ida Holm")
	p.Fill(`input[name="email"]`, "ida@new.example")
	p.Press("\r")
	p.WaitText("h1", "Check your mail")
	p.Fill(`input[name="code"]`, w.code(w.letter("Confirm your address")))
	p.Press("\r")
	p.WaitText("h1", "Welcome, Ida Holm")
	p.Click(`[data-passkey] button`)
	p.WaitFor("location.pathname === '/creator/links'") // where the way began
	w.letter("A passkey was added")

	p.Goto(w.home + "/account")
	p.Click(".who summary")
	p.Click(`form[action="/logout"] button`)
	p.WaitText("h1", "Sign in")
	p.Goto(w.home + "/login?next=/account/team")
	p.Click(`[data-passkey] button`)
	p.WaitText("main", "Who acts for Ida Holm")

	// Another passkey of the same authenticator is refused by it; a proof takes the one that is there.
	w.age()
	p.Goto(w.home + "/account/security")
	p.Click(`[data-finish="/account/passkeys"] button`)
	p.WaitText("h1", "Is it you?")
	p.Click(`[data-passkey] button`)
	p.WaitText("h1", "Security")
	p.Click(`[data-finish="/account/passkeys"] button`)
	p.WaitText(`[data-finish="/account/passkeys"] [role="alert"]`, "has a passkey for your account already")
	p.Click(`button[formaction*="/account/passkeys/"]`)
	p.WaitText(".note", "The passkey was removed")
	w.letter("A passkey was removed")
	p.Goto(w.home + "/account/security")
	if text := p.Text("main"); strings.Contains(text, "last used") {
		t.Errorf("a removed passkey is listed: %s", text)
	}
}

// Every page about accounts on every screen: no violation of WCAG 2.2 A and AA, and nothing wider than the screen.
func TestAccountPagesOnEveryScreen(t *testing.T) {
	w := newWorld(t)
	w.teams()
	ada := w.as("Ada Lindholm")
	link := ada.secret(ada.puts("/account/team/invite", url.Values{"seat": {"viewer"}, "hint": {"Mara"}}, "The invitation is ready"))
	ada.puts("/account/tokens", url.Values{"name": {"my site"}, "scope": {"links.read"}, "days": {"30"}}, "shown this once")
	look := func(t *testing.T, p *browser.Page, path string) {
		t.Helper()
		p.Goto(path)
		browser.AXE(t, p)
		if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			t.Errorf("%s is %d pixels wider than the screen", path, wide)
		}
	}
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		for _, path := range []string{"/login", "/signup", "/recover", strings.TrimPrefix(link, w.home), "/login?token=none", "/verify?token=none",
			"/recover?token=none"} {
			look(t, p, w.home+path)
		}
		for name, paths := range map[string][]string{
			"Ada Lindholm": {"/account", "/account/security", "/account/team", "/account/tokens", "/account/prove", "/welcome"},
			"Vito Sand":    {"/account", "/account/team", "/account/tokens"},
			"Nell Fox":     {"/account", "/account/team"},
			"The admin":    {"/account", "/account/security", "/account/tokens", "/operator/staff"},
		} {
			p.Goto(w.home + "/login?token=" + url.QueryEscape(w.logins[name]))
			for _, path := range paths {
				look(t, p, w.home+path)
			}
		}
	})
}
