package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/browser"
	"tributary/internal/id"
)

// worked is a world in which staff have worked: pages in every state.
func worked(t *testing.T) (w *world, pages map[string][]string) {
	w = newWorld(t)
	w.live()
	asked, answered := w.asks(ada, "2005", 441), w.asks(ada, "2006", 0)
	w.set(now.AddDate(0, 0, 9))
	admin, finance := w.as("The admin"), w.as("The finance")
	admin.sends("/operator/claims/"+answered.ID.Text(id.Claim), url.Values{"do": {"decline"}, "reason": {"other"}, "words": {"It came from an ad."}}, "Answered.")
	key := func() string { return field(finance.wants("/operator/adjust?creator="+ada.Text("cr_")), "key") }
	waits := finance.lands("/operator/corrections", url.Values{"creator": {ada.Text("cr_")}, "key": {key()}, "amount": {"500"}, "reason": {"bonus"}, "words": {"A good year."}})
	found := admin.lands("/operator/orders/1003/disqualify", url.Values{"key": {field(admin.wants("/operator/orders/1003"), "key")}, "line": {"1", "2"},
		"reason": {"undisclosed"}, "words": {"No disclosure."}, "evidence": {"https://example.com/post"}})
	admin.sends("/operator/coupons", url.Values{"code": {"ada10"}, "tag": {"ada-20"}}, "in force")
	admin.sends("/operator/bounties", url.Values{"action": {"trade_in"}, "name": {"A device"}, "share": {"2"}, "page": {"/trade"}, "from": {"2026-12-02"}}, "trade_in")

	published := admin.draft("Before the holidays")
	text := admin.text(published) + "seller_fee: {default: 4}\npromotions: [{name: Sale, from: 2026-12-05, until: 2026-12-24, add: 1}]\n" +
		"contracts: [{creator: ada, rate: 7, from: 2026-12-10}]\nvolume: {bands: [{above: 100.00, extra: 2}]}\n"
	admin.sends(published+"/text", url.Values{"text": {text}}, "Saved.")
	admin.sends(published+"/publish", fields(admin.wants(published), published+"/publish"), "Published.")
	w.set(w.clock.Now().Add(time.Minute))
	draft := admin.draft("Kitchen in spring")
	sent := fields(admin.wants(draft+"/form"), draft+"/form")
	sent["crate"][1] = "3"
	admin.sends(draft+"/form", sent, "Saved.")
	w.set(w.clock.Now().Add(time.Minute))
	broken := admin.draft("Rough")
	admin.sends(broken+"/text", url.Values{"text": {strings.Replace(admin.text(broken), "default: 4", "default: four", 1)}}, "Saved.")

	w.works()
	answer := finance.lands("/operator/whatif", fields(finance.wants(draft), "/operator/whatif"))
	finance.becomes(answer, "What creators would have got")
	cancelled := finance.lands("/operator/whatif", url.Values{"from": {"2026-08-01"}, "until": {"2026-11-22"}, "session_hours": {"30"}})
	finance.post(cancelled+"/cancel", nil) // it may be done by then
	return w, map[string][]string{
		"The admin": {"/operator/claims", "/operator/claims/" + asked.ID.Text(id.Claim), "/operator/claims?show=past", "/operator/claims/" + answered.ID.Text(id.Claim),
			"/operator/corrections", waits, found, "/operator/adjust?creator=" + ada.Text("cr_"), "/operator/adjust?q=a", "/operator/orders/1002",
			"/operator/creators/" + ada.Text("cr_"), "/operator/rates", "/operator/rates/drafts", published, draft, broken, broken + "/text", broken + "/form",
			draft + "/form", draft + "/form?part=seller_fee", draft + "/form?part=promotions", draft + "/form?part=contracts", draft + "/form?part=volume",
			"/operator/whatif", answer, answer + "?by=category", cancelled, "/operator/bounties", "/operator/coupons", "/operator/reports",
			"/operator/reports?by=category", "/operator/reports/attribution", "/operator/reports/reasons", "/operator/reports/reasons?month=2026-11&reason=paid_ad",
			"/operator/reports/free"},
		"The finance": {waits},
		"The auditor": {draft, "/operator/whatif", "/operator/coupons"},
	}
}

// Every page of the staff, as TestPagesOnEveryScreen looks at the others. They are many: two screens see both widths and
// both themes.
func TestStaffPagesOnScreens(t *testing.T) {
	w, pages := worked(t)
	for _, view := range []browser.View{browser.Desktop, browser.PhoneDark} {
		t.Run(view.Name, func(t *testing.T) {
			p := browser.Open(t)
			p.View(view)
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
}

// A person works the queue by keys alone: next, accept, with the form where the keys lead; typing is never taken for a key.
func TestQueueByKeys(t *testing.T) {
	w := newWorld(t)
	w.live()
	w.asks(ada, "2005", 441)
	w.set(now.Add(time.Hour))
	w.asks(ada, "2006", 0)
	p := browser.Open(t)
	w.signIn(p, "The support")
	p.Goto(w.server.URL + "/operator/claims")
	shows := func(order string) { // and its script listens
		t.Helper()
		p.WaitFor(`document.querySelector('h1').innerText === '` + order + `' && !document.querySelector('[data-keys]').hidden`)
	}
	p.Press("j")
	shows("Order 2005")
	p.Press("j")
	shows("Order 2006")
	p.Press("k")
	shows("Order 2005")
	p.Press("d")
	p.WaitFor(`document.activeElement.name === 'reason'`)
	p.Fill(`details[open] textarea`, "j and k are letters here. ")
	p.Press("jkad")
	p.WaitFor(`document.querySelector('details[open] textarea').value.endsWith('jkad')`)
	p.Click(`details[open] .button`)
	p.WaitText("main", "Answered. The creator reads it.")
	shows("Order 2006")
	p.Click("[data-keys]")
	p.WaitText("[data-keys]", "Turn keys on")
	p.Press("a")
	if browser.Eval[bool](p, `!!document.querySelector('details.card[open]')`) {
		t.Error("a key that was turned off opens the form")
	}
	// What is refused comes back in its form, with what was typed.
	p.Click("[data-keys]")
	p.Press("a")
	p.WaitFor(`document.querySelector('details[open] textarea')`)
	p.Fill(`details[open] input[name="amount"]`, "4.411")
	p.Fill(`details[open] textarea`, "We mend it.")
	p.Expect("422")
	p.Click(`details[open] .button`)
	p.WaitText("[role=alert]", "more than 2 decimals")
	p.WaitFor(`document.querySelector('details[open] textarea').value === 'We mend it.'`)
	browser.AXE(t, p)
}

// A run's page follows it to its answer by itself.
func TestRunIsFollowed(t *testing.T) {
	w := newWorld(t)
	w.live()
	p := browser.Open(t)
	w.signIn(p, "The finance")
	p.Goto(w.server.URL + "/operator/whatif")
	p.Click(".fields details summary")
	p.Fill(`input[name="session_hours"]`, "200")
	p.Click(`form[action="/operator/whatif"] .main`)
	p.WaitText("main", "Waiting until the runs before it are done")
	w.works()
	p.WaitText("main", "What creators would have got")
	p.WaitText("main", "change hands")
}
