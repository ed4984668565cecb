package main

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"tributary/internal/audit"
	"tributary/internal/browser"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/ledger"
	"tributary/internal/market"
)

// What a person does in three minutes: a page takes some six seconds to be understood, a field eight to be typed, and a
// click two. Longer ways than this one lose people, so the test fails on them.
const (
	mostPages  = 14
	mostFields = 12
	mostClicks = 32
)

// walker is somebody who walks through pages, and whose steps are counted.
type walker struct {
	*browser.Page
	t                     *testing.T
	pages, fields, clicks int
	way                   []string
}

// arrives waits for a page by its heading, or another text.
func (w *walker) arrives(selector, text string) {
	w.t.Helper()
	w.WaitText(selector, text)
	w.pages++
	w.way = append(w.way, text)
	shoot(w.Page, text)
}

func (w *walker) press(selector string) {
	w.t.Helper()
	w.Click(selector)
	w.clicks++
}

func (w *walker) types(selector, text string) {
	w.t.Helper()
	w.Fill(selector, text)
	w.fields++
}

// tick chooses answers: their labels are what one sees.
func (w *walker) tick(form, name string, values ...string) {
	w.t.Helper()
	for _, value := range values {
		box := `input[name="` + name + `"][value="` + value + `"]`
		if !browser.Eval[bool](w.Page, "document.querySelector('"+form+" "+box+"').checked") { // what was told before stands there
			w.press(form + ` label:has(` + box + `)`)
		}
	}
}

// shots, if set, is a folder for pictures of the stations.
var shots = os.Getenv("TRIBUTARY_SHOTS")

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

func shoot(p *browser.Page, name string) {
	if shots == "" {
		return
	}
	name = notInNames.ReplaceAllString(strings.ToLower(name), "-")
	p.Screenshot(shots+"/demo-"+name+"-phone-dark.png", 390, 844, true)
	p.Screenshot(shots+"/demo-"+name+"-desktop.png", 1280, 900, false)
}

// keeper gives a page's browser an authenticator, as a phone has one.
func keeper(t *testing.T, p *browser.Page) {
	t.Helper()
	if err := chromedp.Do(p.Context(), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
			HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
		return err
	})); err != nil {
		t.Fatal(err)
	}
}

// From the landing page to the first link and the first sale, by hand, as somebody does who has a site and three minutes;
// then a reviewer answers somebody of the queue by keys, and the newcomer joins the second program through a network.
func TestNewcomer(t *testing.T) {
	c := demoCmd{Data: t.TempDir() + "/demo", Listen: "localhost:0", StoreListen: "localhost:0", Days: 3}
	if address := dbtest.Address(t); strings.HasPrefix(address, "postgres") {
		c.Database = address
	}
	s := startDemo(t, c)
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			if err := s.end(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	me := &walker{Page: person(t), t: t}
	other := person(t) // the mailbox, the settings of the site, the shopper: another tab
	keeper(t, me.Page)

	stand(t, s)
	me.applies(s, other)
	me.proves(s, other)
	me.sells(s, other)
	t.Logf("%d pages, %d fields, %d clicks: %s", me.pages, me.fields, me.clicks, strings.Join(me.way, " → "))
	if me.pages > mostPages || me.fields > mostFields || me.clicks > mostClicks {
		t.Errorf("it takes %d pages, %d fields and %d clicks to the first link; %d, %d and %d are what three minutes hold", me.pages, me.fields,
			me.clicks, mostPages, mostFields, mostClicks)
	}
	reviews(t, s, other)
	me.connects(s)
	for _, p := range []*browser.Page{me.Page, other} {
		p.Goto("about:blank")
		p.Expect("ERR_CONNECTION_REFUSED")
	}
	audited(t, s)
	stop()
}

// stand compares where the demo's people stand in the first marketplace with what their history is told to be.
func stand(t *testing.T, s *stage) {
	t.Helper()
	const want = `ana associates: not applied, a draft
ben associates: applied, shares address, site with Mina Sato
kofi influencer: under_review
lena influencer: active
mina associates: under_review, 3 sales, withheld, late
otto associates: under_review, 3 sales, withheld
paul associates: declined thin no_disclosure, 3 sales, withheld
ruth associates: closed trial_over, 1 sales, withheld
suki influencer: under_review
wanda associates: provisional, 2 sales, withheld`
	var got []string
	if err := s.db.Read(context.Background(), func(tx *db.Tx) error {
		markets, err := market.All(tx)
		if err != nil {
			return err
		}
		for _, handle := range []string{"ana", "ben", "kofi", "lena", "mina", "otto", "paul", "ruth", "suki", "wanda"} {
			one, err := creator.ByHandle(tx, handle)
			if err != nil {
				return err
			}
			lines, err := tell(tx, s, markets[0], one.ID, handle)
			if err != nil {
				return err
			}
			got = append(got, lines...)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("they stand\n%s\nwant\n%s", text, want)
	}
}

// tell says where somebody stands, in a line for each program that they have to do with.
func tell(tx *db.Tx, s *stage, m market.Market, who id.ID, handle string) (lines []string, err error) {
	all, err := s.desk.Statuses(tx, who, m)
	if err != nil {
		return nil, err
	}
	for _, status := range all {
		if status.State == "" && !status.Draft {
			continue
		}
		line := handle + " " + status.Key.Program.String() + ": " + string(status.State)
		if status.State == "" {
			lines = append(lines, line+"not applied, a draft")
			continue
		}
		c, err := s.desk.CaseOf(tx, m, status.Key)
		if err != nil {
			return nil, err
		}
		if len(status.Reasons) > 0 {
			line += " " + strings.Join(status.Reasons, " ")
		}
		for _, twin := range c.Others {
			if status.State == enrolment.Applied {
				line += ", shares " + twin.Shares + " with " + twin.Name
			}
		}
		if status.Sales > 0 {
			line += ", " + strconv.Itoa(status.Sales) + " sales"
		}
		if status.Held > 0 {
			line += ", withheld"
		}
		if c.Late {
			line += ", late"
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// audited recomputes everything that the demo's people and the newcomer have led to.
func audited(t *testing.T, s *stage) {
	t.Helper()
	differ := func(text string) { t.Error(text) }
	if err := s.db.Read(context.Background(), func(tx *db.Tx) error {
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		markets, err := market.All(tx)
		if err != nil {
			return err
		}
		for _, m := range markets {
			if _, err := audit.Verify(tx, m.Lane(), differ); err != nil {
				return err
			}
		}
		_, err = journal.Verify(tx, 0, func(p journal.Problem) { differ(p.Text) })
		return err
	}); err != nil {
		t.Error(err)
	}
}

// applies goes from the landing page through the advisor and the mail to an application that is sent.
func (w *walker) applies(s *stage, other *browser.Page) {
	w.t.Helper()
	w.Goto(s.home + "/")
	w.arrives("h1", "")
	w.press(`main a[href^="/which"]`)
	w.arrives("h1", "Which program fits you?")
	w.tick("form", "where", "blog")
	w.tick("form", "topics", "kitchen", "home")
	w.tick("form", "methods", "reviews")
	w.tick("form", "reach", "1k-10k")
	w.tick("form", "share", "web")
	w.press(`form[action="/which"] button.main`)
	w.arrives("h1", "Begin with Associates")
	w.press(`.head a.main`)
	w.arrives("h1", "Sign up")
	w.types(`input[name="name"]`, "Nia Calder")
	w.types(`input[name="email"]`, "nia@useful-shelf.example")
	w.press(`form[action="/signup"] button.main`)
	w.arrives("h1", "Check your mail")
	other.Goto(s.home + "/mailbox")
	w.clicks++ // to look into the mailbox
	other.WaitText(".messages", "nia@useful-shelf.example")
	other.Click(`.messages li:has(.soft) a`)
	other.WaitText("h1", "Confirm")
	w.pages++
	code := regexp.MustCompile(`\b\d{3} ?\d{3}\b`).FindString(browser.Eval[string](other, "document.querySelector('details pre').textContent"))
	w.types(`input[name="code"]`, code)
	w.press(`form[action="/verify"] button.main`)
	w.arrives("h1", "Welcome, Nia Calder")
	w.press(`[data-passkey] button`)
	w.arrives("h1", "Associates")
	if name := browser.Eval[string](w.Page, "document.querySelector('#full_name').value"); name != "Nia Calder" {
		w.t.Errorf("the name is asked for twice: it stands there as %q", name)
	}
	w.types(`#country`, "US")
	w.types(`#address`, "4 Quay Street, Portland, ME 04101")
	w.types(`#about`, "The Useful Shelf: things for the house, used for months before I write about them, for people who keep what they buy.")
	w.tick("#application", "traffic", "search")
	w.types(`#site`, s.world.own())
	w.press(`label:has(#accept)`)
	w.press(`button[value="send"]`)
}

// proves copies the tag into the settings of the site and has it looked for.
func (w *walker) proves(s *stage, other *browser.Page) {
	w.t.Helper()
	w.arrives("h1", "blog.localhost")
	if browser.Eval[bool](w.Page, `document.querySelector('details#meta') && !document.querySelector('details#meta').open`) {
		w.press(`details#meta summary`)
	}
	tag := browser.Eval[string](w.Page, `document.querySelector('details#meta input.code').value`)
	w.clicks++ // it is copied
	other.Goto(s.world.own() + "/admin")
	other.Fill("#paste", tag)
	w.pages, w.fields = w.pages+1, w.fields+1
	other.Click("main form button")
	other.WaitText(".done", "in the head of every page now")
	w.clicks++
	shoot(other, "settings of the site")
	w.press(`details#meta button[value="prove"]`)
	w.arrives("#first", "Your links earn")
}

// sells makes the first link, follows it as a shopper, buys, and finds the sale on the home page.
func (w *walker) sells(s *stage, other *browser.Page) {
	w.t.Helper()
	w.press(`a.main[href*="/creator/links"]`)
	w.WaitFor("location.pathname === '/creator/links'")
	w.types(`form.make input[name="q"]`, s.store+"/dp/KET-1001-SA")
	w.press(`form.make button.main`)
	w.WaitFor("document.querySelector('#short')?.value.length > 0")
	w.pages++
	shoot(w.Page, "first link")
	short := browser.Eval[string](w.Page, "document.querySelector('#short').value")

	w.Goto(s.home + "/home")
	w.WaitFor("location.pathname.startsWith('/creator')")
	other.Goto(short)
	if !strings.HasPrefix(other.Address(), s.store+"/dp/KET-1001-SA") {
		w.t.Fatalf("the link %s led to %s", short, other.Address())
	}
	other.Click(`form[action*="cart/add"] button`)
	other.WaitFor("location.pathname === '/cart'")
	other.Goto(s.store + "/checkout")
	other.Click(`main form[action*="checkout"] button`)
	other.WaitFor("location.pathname.startsWith('/orders/')")
	w.WaitFor(`document.querySelectorAll('a[href*="/creator/lines/HM-"]').length > 0`)
	shoot(w.Page, "home with a sale")
	w.Click(`a[href*="/creator/lines/HM-"]`)
	w.WaitText("main", "withheld")
	shoot(w.Page, "why it is withheld")
}

// reviews has a reviewer take the queue's first by keys, and approve somebody.
func reviews(t *testing.T, s *stage, p *browser.Page) {
	t.Helper()
	p.Goto(s.reviewer)
	p.Goto(s.home + "/operator/reviews")
	p.WaitText("main", "Mina Sato")
	for _, name := range []string{"Otto Brandl", "Kofi Mensah", "Suki Tan"} {
		if text := p.Text("main"); !strings.Contains(text, name) {
			t.Errorf("%s is not in the queue: %s", name, text)
		}
	}
	shoot(p, "queue")
	p.Press("j")
	p.WaitText("h1", "Mina Sato")
	shoot(p, "case of Mina Sato")
	for before := p.Text("h1"); !strings.Contains(before, "Otto Brandl"); before = p.Text("h1") { // the next one of the queue, and the next
		p.Press("j")
		p.WaitFor("document.querySelector('h1').textContent !== " + strconv.Quote(before))
	}
	shoot(p, "case of Otto Brandl")
	p.Press("a")
	p.Click(`form:has(input[value="approve"]) button.main`)
	p.WaitFor("!document.querySelector('h1').textContent.includes('Otto Brandl')") // the next one comes by itself
	shoot(p, "approved")
	p.Goto(s.home + "/operator/reviews")
	p.WaitText("main", "Mina Sato")
	if strings.Contains(p.Text("main"), "Otto Brandl") {
		t.Error("who was approved is in the queue still")
	}
}

// connects joins influencer: nothing is given twice, and an account of YouTube decides at once.
func (w *walker) connects(s *stage) {
	w.t.Helper()
	w.Goto(s.home + "/join/influencer")
	w.WaitText("h1", "Influencer")
	w.tick("#application", "networks", "youtube")
	w.Click(`button[value="send"]`)
	w.WaitFor("location.pathname === '/join/networks'")
	shoot(w.Page, "networks")
	w.Click(`form[action="/join/networks/youtube"] button`)
	// The page between goes on by itself.
	w.WaitText("h1", "Connect YouTube")
	shoot(w.Page, "consent")
	w.Click(`button[value="allow"]`)
	w.WaitFor("location.pathname === '/join/networks' || location.pathname === '/creator/programs'")
	shoot(w.Page, "connected")
	w.Goto(s.home + "/creator/programs")
	w.WaitText("main", "Influencer")
	shoot(w.Page, "programs")
	if text := w.Text("main"); !strings.Contains(strings.ToLower(text), "active") {
		w.t.Errorf("the second program is not active: %s", text)
	}
}
