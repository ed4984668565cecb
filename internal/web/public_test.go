package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tributary/internal/browser"
	"tributary/internal/db"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// offer changes a marketplace of the world.
func (w *world) offer(m market.Market, change func(*market.Market)) {
	w.t.Helper()
	change(&m)
	w.write(func(tx *db.Tx) error { return market.Save(tx, m) })
}

func TestLanding(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v := w.as("")
	v.wants("/", "Recommend what you like", "up to 4.5 % of the price", "Home &gt; Kitchen; 4 % where nothing else is said", "24 hours", "89 days", "60 days",
		"3 sales in 180 days", `href="/signup"`, `href="/login"`, "/programs?market=us", "not offered in this marketplace",
		"an order of today over $100.00", "$4.00", "payable on January 29, 2027", "earned, in November", "The next version takes effect on December 22")
	v.wants("/?market=uk", "Harbour Market UK", "over £100.00", "£4.00", "29 January 2027")
	w.offer(w.us, func(m *market.Market) {
		m.Policy.HoldDays, m.Policy.SessionHours, m.Admission.Connections, m.Admission.Sales, m.Admission.TrialDays = 30, 48, true, 5, 90
	})
	v.wants("/", "48 hours", "30 days", "payable on December 30", "5 sales in 90 days", "!not offered")
	if status, _ := v.open("/?market=fr"); status != http.StatusNotFound {
		t.Errorf("a marketplace that is not there: %d", status)
	}
	if body := v.wants("/"); len(body) > 50_000 {
		t.Errorf("the page has %d bytes before it is packed", len(body))
	}
	w.as("Ada Lindholm").wants("/", "No orders yet", "!Recommend what you like")
	w.as("The admin").wants("/", "!Recommend what you like")
}

// Without a card, and with one that pays the same for all or nothing by default, the page says only what is true.
func TestLandingSaysWhatIsPaid(t *testing.T) {
	w := newWorld(t)
	empty := w.us
	empty.No, empty.ID, empty.Name = 3, "new", "New Market"
	w.write(func(tx *db.Tx) error { return market.Save(tx, empty) })
	v := w.as("")
	v.wants("/?market=new", "by the rate card", "!One sale, from click to payment", "!up to")
	publish := func(c ratecard.Card) {
		w.write(func(tx *db.Tx) error { _, err := ratecard.Publish(tx, 3, c, w.clock.Now(), 0); return err })
	}
	publish(ratecard.Card{Kind: ratecard.Offsite, Effective: begin, Default: 350})
	v.wants("/?market=new", "sale that they bring: 3.5 % of the price", "$3.50", "!up to")
	w.set(begin.AddDate(0, 0, 30))
	publish(ratecard.Card{Kind: ratecard.Offsite, Effective: w.clock.Now(), Default: 0, Entries: []ratecard.Entry{{Category: "Books", BPS: 800}}})
	v.wants("/?market=new", "up to 8 %", "at the rate for Books", "$8.00")
}

func TestPrograms(t *testing.T) {
	w := newWorld(t)
	v := w.as("")
	v.wants("/programs", "Three programs, side by side", `id="gate"`, `id="sharing"`, "No minimum; 1,000 is a guide value", "3 sales within 180 days",
		"within 5 business days", "Up to 4.5 % of the price", "60 days after the month", "Not offered in this marketplace", "opens 24 hours",
		"signup?next=%2Fjoin%3Fmarket%3Dus%26program%3Dassociates", "What if I do not bring 3 sales in 180 days?", "and approval releases it.")
	w.offer(w.uk, func(m *market.Market) {
		m.Admission.Connections, m.Admission.NoSocial, m.Admission.ReviewDays, m.Admission.GateClicks, m.Admission.Unapproved = true, true, 2, 250, "pay"
		m.Countries = []string{"GB", "IE"}
	})
	v.wants("/programs?market=uk", "opens by itself", "250 clicks or £1.00 shipped", "!program%3Dinfluencer", "program%3Dassociates", "so does the end of the enrolment")
	w.as("Ada Lindholm").wants("/programs", `href="/join?market=us&amp;program=influencer"`, "Home", "!Sign up")
}

func TestAdvisor(t *testing.T) {
	w := newWorld(t)
	v := w.as("")
	v.wants("/which", "Where is your audience?", "Tell me which", "!Your answers", "Making and mending")
	blog := "/which?ask=1&where=blog&topics=kitchen&topics=food&methods=reviews&reach=1k-10k&share=web&share=email&brands=later"
	v.wants(blog, "Begin with Associates", "Prove that it is yours, and your links earn at once", "within 180 days", "not open to you",
		`href="/programs?market=us#gate"`, `value="kitchen" checked`, `value="1k-10k" checked`, "Ask again",
		"signup?next=%2Fjoin%3Fmarket%3Dus%26methods%3Dreviews%26program%3Dassociates%26topics%3Dkitchen%252Cfood%26traffic%3Dsearch%252Cemail%26visits%3D1k-10k")
	w.as("Ada Lindholm").wants("/which?ask=1&where=youtube&methods=video&share=video", "Begin with Influencer", "decided at once",
		`href="/join?market=us&amp;methods=video&amp;networks=youtube&amp;program=influencer&amp;traffic=video"`)
	v.wants("/which?ask=1&where=newsletter", "Not yet, and here is what is missing", "!Apply with these answers")
	w.offer(w.us, func(m *market.Market) { m.Countries, m.Admission.Connections = []string{"US", "CA"}, true })
	w.offer(w.uk, func(m *market.Market) { m.Countries = []string{"GB", "IE"} })
	v.wants("/which", "Where do most of them live?", "Canada", "Ireland")
	v.wants("/which?ask=1&where=site&country=IE", "under the rules of Harbour Market UK", `value="IE" selected`, "market%3Duk")
	v.wants("/which?ask=1&where=site&country=us&brands=yes", "under the rules of Harbour Market.", "For connections later", "100 clicks, or $1.00 of shipped orders", "later")
	for want, query := range map[string]string{
		"Where: is not answered":         "ask=1",
		"Where: has an answer that is":   "ask=1&where=moon",
		"Topics: has an answer that is":  "where=site&topics=x",
		"Methods: has an answer that is": "where=site&methods=%3Cscript%3E",
		"Reach: has an answer that is":   "where=site&reach=9",
		"Share: has an answer that is":   "where=site&share=fax",
		"Brands: has an answer that is":  "where=site&brands=x",
		"Topics: has more than 30":       "where=site" + strings.Repeat("&topics=home", 31),
	} {
		if status, body := v.open("/which?" + query); status != http.StatusUnprocessableEntity || !strings.Contains(body, want) || strings.Contains(body, "Begin with") {
			t.Errorf("%s: %d, want %q\n%s", query, status, want, body)
		}
	}
	v.wants("/which?ask=1&where=site&country="+url.QueryEscape(`"><script>`), "Begin with Associates", "!<script>alert", "!><script>")
}

// The pages for everybody on every screen; and somebody who finds the way with the mouse and without a word typed.
func TestPublicPagesOnEveryScreen(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	w.offer(w.us, func(m *market.Market) { m.Countries, m.Admission.Connections = []string{"US", "CA"}, true })
	w.offer(w.uk, func(m *market.Market) { m.Countries = []string{"GB", "IE"} })
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		for _, path := range []string{"/", "/programs", "/programs?market=uk#sharing", "/which", "/which?ask=1&where=blog&where=instagram&methods=reviews&share=print&brands=yes",
			"/which?ask=1&where=in_person", "/rates/us"} {
			p.Goto(w.server.URL + path)
			browser.AXE(t, p)
			if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s is %d pixels wider than the screen", path, wide)
			}
			if moved := browser.Eval[float64](p, shifts); moved > 0.01 {
				t.Errorf("%s moves by %f while it loads", path, moved)
			}
		}
	})
	p := browser.Open(t)
	p.Goto(w.server.URL + "/")
	p.Click(`.hero a[href^="/which"]`)
	p.WaitText("h1", "Which program fits you?")
	p.Click(`input[value="youtube"]`)
	p.Click(`input[name="methods"][value="video"]`)
	p.Fill(`select[name="country"]`, "CA")
	p.Click(`form .button.main`)
	p.WaitText("h1", "Begin with Influencer")
	p.WaitFor(`document.querySelector('.head a.button.main').href.includes('networks%3Dyoutube')`)
	p.Click(`.fit a[href$="#gate"]`)
	p.WaitFor(`location.hash === '#gate' && document.querySelector('#gate')`)
	p.Click(`.asked summary`)
	p.WaitText(".asked", "There is no fee for joining")
}

// shifts adds up what moved on a page that has loaded.
const shifts = `new Promise(done => {
	let sum = 0;
	new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }).observe({type: 'layout-shift', buffered: true});
	setTimeout(() => done(sum), 60);
})`
