package edge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/enrolment"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/secret"
)

func TestRedirects(t *testing.T) {
	w := newWorld(t)
	short := w.short("ada-20", 1, link.Draft{Target: "/dp/KETTLE-1?sub1=baked&utm_source=mail", Channel: "youtube"})
	w.know()
	for _, c := range []struct {
		name, target, remote string
		want                 string // destination without token
		says                 string // of the token: creator/tag/marketplace/kind/landed; empty: no token
		verdict              string // of the click; empty: none
	}{
		{"product", "/dp/KETTLE-1?tag=ada-20&sub1=x", american, "https://us.example/p/KETTLE-1?sub1=x",
			"ada/ada-20/1/product/1", "counted"},
		{"case and stray marks", "/dp/KETTLE-1?tag=_ADA-20%20", american, "https://us.example/p/KETTLE-1",
			"ada/ada-20/1/product/1", "counted"},
		{"search", "/s?k=tea+pots&ref=ada-20", american, "https://us.example/search?q=tea%20pots", "ada/ada-20/1/search/0",
			"counted"},
		{"category", "/c/Home/Kitchen?tag=ada-20", american, "https://us.example/c?path=Home%20%3E%20Kitchen",
			"ada/ada-20/1/category/2", "counted"},
		{"home", "/?tag=ada-20", american, "https://us.example/", "ada/ada-20/1/home/0", "counted"},
		{"page", "/to?url=https://us.example/deals%3Fa=b%23c&tag=ada-20", american, "https://us.example/deals?a=b",
			"ada/ada-20/1/page/0", "counted"},
		{"page of a product", "/to?url=https://us.example/p/POT-US&tag=ada-20", american, "https://us.example/p/POT-US",
			"ada/ada-20/1/page/1", "counted"},
		{"cart", "/cart?add=POT-US:2&tag=ada-20", american, "https://us.example/cart?items=POT-US%3A2",
			"ada/ada-20/1/cart/0", "counted"},
		{"short", "/" + short.Code, american, "https://us.example/p/KETTLE-1?utm_source=mail&sub1=baked",
			"ada/ada-20/1/short/1", "counted"},
		{"short with a sub-id of its own", "/" + short.Code + "?sub1=mine", american,
			"https://us.example/p/KETTLE-1?utm_source=mail&sub1=mine", "ada/ada-20/1/short/1", "counted"},
		{"unknown tag", "/dp/KETTLE-1?tag=nobody-20", american, "https://us.example/p/KETTLE-1", "", "unknown_tag"},
		{"no tag", "/dp/KETTLE-1", american, "https://us.example/p/KETTLE-1", "", ""},
		{"a product that nobody knows", "/dp/NEW?tag=ada-20", american, "https://us.example/p/NEW", "ada/ada-20/1/product/1",
			"counted"},
		{"influencer's product link", "/dp/KETTLE-1?tag=bob-20", american, "https://us.example/p/KETTLE-1",
			"", "link_kind_not_allowed"},
		{"influencer's search link", "/s?k=a&tag=bob-20", american, "https://us.example/search?q=a", "bob/bob-20/1/search/0",
			"counted"},
		{"paid traffic", "/dp/KETTLE-1?tag=ada-20&gclid=Cj0", american, "https://us.example/p/KETTLE-1",
			"ada/ada-20/1/product/1", "paid_ad"},
		{"an id that proves nothing", "/dp/KETTLE-1?tag=ada-20&fbclid=Iw", american, "https://us.example/p/KETTLE-1",
			"ada/ada-20/1/product/1", "counted"},
		{"the same with a marker", "/dp/KETTLE-1?tag=ada-20&fbclid=Iw&utm_medium=CPC", american,
			"https://us.example/p/KETTLE-1?utm_medium=CPC", "ada/ada-20/1/product/1", "paid_ad"},

		{"geo: the same product", "/dp/KETTLE-1?tag=ada-20", british, "https://uk.example/p/KETTLE-UK",
			"ada/ada-21/2/product/1", "counted"},
		{"geo: by the stem of the tag", "/dp/KETTLE-1?tag=ada-video-20", british, "https://uk.example/p/KETTLE-UK",
			"ada/ada-video-21/2/product/1", "counted"},
		{"geo: a close match", "/dp/POT-US?tag=ada-20", british, "https://uk.example/p/POT-UK", "ada/ada-21/2/product/1",
			"counted"},
		{"geo: a search for the title", "/dp/SPOON-US?tag=ada-20", british, "https://uk.example/search?q=Wooden%20Spoon",
			"ada/ada-21/2/product/0", "counted"},
		{"geo: withdrawn there", "/dp/GONE-US?tag=ada-20", british, "https://uk.example/search?q=Gone",
			"ada/ada-21/2/product/0", "counted"},
		{"geo: nobody knows the product", "/dp/NEW?tag=ada-20", british, "https://us.example/p/NEW",
			"ada/ada-20/1/product/1", "counted"},
		{"geo: search", "/s?k=pots&tag=ada-20", british, "https://uk.example/search?q=pots", "ada/ada-21/2/search/0", "counted"},
		{"geo: home", "/?tag=ada-20", british, "https://uk.example/", "ada/ada-21/2/home/0", "counted"},
		{"geo: a short link", "/" + short.Code, british, "https://uk.example/p/KETTLE-UK?utm_source=mail&sub1=baked",
			"ada/ada-21/2/short/1", "counted"},
		{"geo: pages stay", "/to?url=https://us.example/deals&tag=ada-20", british, "https://us.example/deals",
			"ada/ada-20/1/page/0", "counted"},
		{"geo: the visitor stays", "/dp/KETTLE-1?tag=ada-20&stay=1", british, "https://us.example/p/KETTLE-1",
			"ada/ada-20/1/product/1", "counted"},
		{"geo: closed there", "/dp/KETTLE-1?tag=eve-20", british, "https://us.example/p/KETTLE-1", "eve/eve-20/1/product/1",
			"counted"},
		{"geo: influencers are not routed", "/s?k=a&tag=bob-20", british, "https://us.example/search?q=a",
			"bob/bob-20/1/search/0", "counted"},
		{"geo: exact, the same", "/dp/KETTLE-1?tag=exact-20", british, "https://uk.example/p/KETTLE-UK",
			"exact/exact-21/2/product/1", "counted"},
		{"geo: exact, only a close match", "/dp/POT-US?tag=exact-20", british, "https://us.example/p/POT-US",
			"exact/exact-20/1/product/1", "counted"},
		{"geo: off", "/dp/KETTLE-1?tag=offy-20", british, "https://us.example/p/KETTLE-1", "offy/offy-20/1/product/1", "counted"},
		{"geo: country unknown", "/dp/KETTLE-1?tag=ada-20", unknown, "https://us.example/p/KETTLE-1",
			"ada/ada-20/1/product/1", "counted"},
		{"geo: unknown tag goes home", "/dp/KETTLE-UK?tag=nobody-20", british, "https://uk.example/p/KETTLE-UK", "",
			"unknown_tag"},
		{"geo: unknown tag, where it is sold", "/dp/UK-ONLY", american, "https://uk.example/p/UK-ONLY", "", ""},
		{"closed", "/dp/KETTLE-UK?tag=eve-21", british, "https://uk.example/p/KETTLE-UK", "eve/eve-21/2/product/1",
			"enrolment_not_active"},
		{"a page of another marketplace", "/to?url=https://uk.example/x&tag=ada-20", american, "https://uk.example/x",
			"ada/ada-21/2/page/0", "counted"},
		{"where the creator has nothing", "/to?url=https://uk.example/x&tag=bob-20", american, "https://uk.example/x", "",
			"unknown_tag"},
	} {
		to, token := w.follow(w.ask("GET", c.target, c.remote))
		says := ""
		if token != nil {
			says = fmt.Sprintf("%s/%s/%d/%s/%d", w.name(int64(token.Creator), false), w.name(int64(token.Tracking), true),
				token.Market, token.Kind, token.Landed)
			// The token's own parameter stands last, but before a fragment.
			to, _, _ = strings.Cut(to, "#")
		}
		verdict := ""
		clicks := w.clicks()
		if len(clicks) == 1 {
			verdict = clicks[0].Verdict.String()
			if token != nil && !cmp.Equal(clicks[0].Token, *token) {
				t.Errorf("%s: the log says %+v, the token %+v", c.name, clicks[0].Token, *token)
			}
		}
		if to != c.want || says != c.says || verdict != c.verdict || len(clicks) > 1 {
			t.Errorf("%s: %s\n got %s, token %q, %q (%d clicks)\nwant %s, token %q, %q", c.name, c.target, to, says, verdict,
				len(clicks), c.want, c.says, c.verdict)
		}
	}
}

// name finds a creator's handle or a tag by its id.
func (w *world) name(number int64, tag bool) string {
	for name, one := range w.ids {
		if int64(one) == number && strings.ContainsAny(name, "0123456789") == tag {
			return name
		}
	}
	return "?"
}

func TestAnswerHasWhatItNeeds(t *testing.T) {
	w := newWorld(t)
	h := w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american).Header()
	if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") == "" || h.Get("Set-Cookie") != "" || len(h) != 4 {
		t.Errorf("headers %v", h)
	}
	answer := w.ask("GET", "/dp/KETTLE-1?tag=ada-20&stay=1", british)
	cookie := answer.Header().Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "tributary_stay=1;") || !strings.Contains(cookie, "HttpOnly") {
		t.Errorf("cookie %q", cookie)
	}
	to, _ := w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", british, "Cookie: a=b; tributary_stay=1"))
	if !strings.HasPrefix(to, "https://us.example/") {
		t.Errorf("whoever asked to stay went to %s", to)
	}
	answer = w.ask("GET", "/dp/KETTLE-1?tag=ada-20&stay=0", british, "Cookie: tributary_stay=1")
	if to, _ := w.follow(answer); !strings.HasPrefix(to, "https://uk.example/") ||
		!strings.Contains(answer.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("whoever switched went to %s, %v", to, answer.Header())
	}
}

func TestClickIsDescribed(t *testing.T) {
	w := newWorld(t)
	w.ask("GET", "/dp/KETTLE-1?tag=ada-20&sub1=a&sub5=e&utm_campaign=c&msclkid=AbC", american,
		"Referer: https://Blog.Example/post?x=1",
		"User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1")
	got := w.clicks()[0]
	if got.Sub != [5]string{"a", "", "", "", "e"} || got.UTM[2] != "c" || got.Product != "KETTLE-1" ||
		got.Country != [2]byte{'U', 'S'} ||
		got.Device != click.DevicePhone || got.RefererHost != "blog.example" || !cmp.Equal(got.AdIDs,
		[]click.AdID{{Name: click.Msclkid, Value: "AbC"}}) ||
		!got.Flags.Has(click.FlagPaid|click.FlagSandbox) || got.Place != click.ProductPlace("KETTLE-1") ||
		!got.At.Equal(start) || got.Counted() {
		t.Errorf("logged %+v", got)
	}
	hash := func(remote string) [8]byte {
		w.ask("GET", "/dp/KETTLE-1?tag=ada-20", remote)
		return w.clicks()[0].AddressHash
	}
	first := hash(american)
	if first != got.AddressHash || first == hash("8.8.8.9:1") || first == [8]byte{} {
		t.Error("one address has one hash a day, another one has another")
	}
	if hash("[2a02:c7c::1]:5") != hash("[2a02:c7c::2]:5") || hash("[2a02:c7c::1]:5") == hash("[2a02:c7c:0:1::1]:5") {
		t.Error("IPv6 addresses count by their network")
	}
	if err := w.clock.Set(start.Add(24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if hash(american) == first {
		t.Error("an address can be followed from day to day")
	}
	other := New(Config{State: w.state, Log: w.log, Ring: secret.FixedRing("other"), Clock: w.clock})
	if other.hashAddress(mustAddr("8.8.8.8"), start) == first {
		t.Error("an address's hash can be compared between installations")
	}
}

// Whoever only checks, fetches ahead or shows a card is redirected, gets no token, and is no click.
func TestNoClicks(t *testing.T) {
	w := newWorld(t)
	for name, ask := range map[string]func() (string, *click.Token){
		"HEAD": func() (string, *click.Token) { return w.follow(w.ask("HEAD", "/dp/KETTLE-1?tag=ada-20", american)) },
		"prefetch": func() (string, *click.Token) {
			return w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american, "Sec-Purpose: prefetch"))
		},
		"prerender": func() (string, *click.Token) {
			return w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american, "Sec-Purpose: prefetch;prerender"))
		},
		"card": func() (string, *click.Token) {
			return w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american, "User-Agent: facebookexternalhit/1.1"))
		},
	} {
		to, token := ask()
		if to != "https://us.example/p/KETTLE-1" || token != nil || len(w.clicks()) != 0 {
			t.Errorf("%s: %s, token %v", name, to, token)
		}
	}
	_, token := w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american,
		"User-Agent: Googlebot/2.1 (+http://www.google.com/bot.html)"))
	clicks := w.clicks()
	if token == nil || !token.Flags.Has(click.FlagInvalid) || len(clicks) != 1 ||
		clicks[0].Verdict != click.VerdictDeclaredBot {
		t.Errorf("a bot: %+v, %v", token, clicks)
	}
}

// What a visitor sends is never an error of ours, and never leads elsewhere.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 10_000)
	for target, want := range map[string]int{
		"/dp/": 400, "/dp/a%00b?tag=ada-20": 400, "/dp/a%0d%0aSet-Cookie:x?tag=ada-20": 400, "/dp/%ff": 400, "/dp/" +
			long: 414, "/dp/X?tag=" + long: 414,
		"/to?url=https://evil.example&tag=ada-20": 400, "/to?url=//evil.example": 400, "/to?url=%5C%5Cevil.example": 400,
		"/to?url=javascript:alert(1)": 400,
		"/to":                         400, "/s?tag=ada-20": 400, "/cart?add=:": 400, "/Unknown1": 404, "/a": 404, "/a/b/c": 404,
		"/favicon.ico": 404,
	} {
		answer := w.ask("GET", target, american)
		if answer.Code != want || answer.Header().Get("Location") != "" || !strings.Contains(answer.Body.String(),
			"This link does not work") {
			t.Errorf("%.60s: %d %v", target, answer.Code, answer.Header())
		}
		if strings.Contains(answer.Body.String(), "evil") || strings.Contains(answer.Body.String(), long) {
			t.Errorf("%.60s: the answer repeats what was sent", target)
		}
	}
	for target, want := range map[string]string{ // what is only carried along never keeps a shopper from the shop
		"/dp/X?tag=%zz": "https://us.example/p/X", "/dp/X?tag=%00": "https://us.example/p/X",
		"/dp/X?sub1=%0d%0a%00a":   "https://us.example/p/X?sub1=a",
		"/dp/X?utm_source=%ff%fe": "https://us.example/p/X", "/dp/X?tag=" + long[:4000]: "https://us.example/p/X",
		"/dp/X?&&==&%=&": "https://us.example/p/X",
	} {
		if to, _ := w.follow(w.ask("GET", target, american)); to != want {
			t.Errorf("%.60s leads to %s, want %s", target, to, want)
		}
	}
	for _, c := range w.clicks() {
		if strings.ContainsFunc(c.TagText, func(r rune) bool { return r < ' ' || r == 0xfffd }) {
			t.Errorf("logged the tag %q", c.TagText)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"} {
		if answer := w.ask(method, "/dp/KETTLE-1?tag=ada-20", american); answer.Code != http.StatusMethodNotAllowed ||
			len(w.clicks()) != 0 {
			t.Errorf("%s: %d", method, answer.Code)
		}
	}
}

func FuzzServe(f *testing.F) {
	for _, seed := range []string{"/dp/X?tag=ada-20", "/to?url=/%5cx", "//evil.example", "/c/a/b?sub1=%zz", "/+",
		"/?stay=1&tag="} {
		f.Add(seed, "tributary_stay=1", "https://x@y/z")
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, target, cookie, referer string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" {
			return // net/http answers these itself
		}
		w.t = t
		answer := w.ask("GET", target, british, "Cookie: "+cookie, "Referer: "+referer)
		location := answer.Header().Get("Location")
		switch answer.Code {
		case 302:
			if !strings.HasPrefix(location, "https://us.example/") && !strings.HasPrefix(location, "https://uk.example/") &&
				!strings.HasPrefix(location, "https://www.us.example/") {
				t.Errorf("%q leads to %q", target, location)
			}
			if strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
				t.Errorf("%q leads to %q", target, location)
			}
		case 400, 404, 414, 200:
		default:
			t.Errorf("%q is answered %d", target, answer.Code)
		}
	})
}

func TestShow(t *testing.T) {
	w := newWorld(t)
	short := w.short("ada-20", 1, link.Draft{Target: "/to?url=https://us.example/x%3Fa=%3Cb%3E", Code: "my-link"})
	w.know()
	answer := w.ask("GET", "/My-Link+", american)
	body := answer.Body.String()
	if answer.Code != 200 || !strings.Contains(body, "leads to us.example") || !strings.Contains(body,
		`href="https://us.example/x?a=%3Cb%3E"`) ||
		!strings.Contains(answer.Header().Get("Content-Security-Policy"), "default-src 'none'") || len(w.clicks()) != 0 {
		t.Errorf("%s: %d %v %s", short.Code, answer.Code, answer.Header(), body)
	}
	if answer := w.ask("GET", "/nothing+", american); answer.Code != 404 {
		t.Errorf("a code that does not exist: %d", answer.Code)
	}
}

// When the log cannot take clicks, shoppers are redirected with a token that says so, and the log takes them again.
func TestLogCannotAccept(t *testing.T) {
	w := newWorld(t)
	if err := w.log.Close(); err != nil {
		t.Fatal(err)
	}
	to, token := w.follow(w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american))
	if to != "https://us.example/p/KETTLE-1" || token == nil || !token.Flags.Has(click.FlagUnlogged) {
		t.Errorf("%s %+v", to, token)
	}
	if stats := w.edge.Stats(); stats != (Stats{Redirects: 1, Unlogged: 1}) {
		t.Errorf("counted %+v", stats)
	}
}

func TestVisitorWhoHasGone(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", "/dp/KETTLE-1?tag=ada-20", nil)
	r.RemoteAddr, r.Header = american, http.Header{"User-Agent": {browser}}
	var c click.Click
	if w.edge.record(r, &c) || w.edge.Stats().Unlogged != 0 {
		t.Error("a visitor who has gone is taken for a log that does not work")
	}
}

// A decision that acts later acts at its instant, without a word of the database.
func TestStandingTurnsAtItsInstant(t *testing.T) {
	w := newWorld(t)
	w.standing("ada", 1, click.Associates, enrolment.Closed, start.Add(time.Hour))
	w.know()
	verdict := func() click.Verdict {
		w.ask("GET", "/dp/KETTLE-1?tag=ada-20", american)
		return w.clicks()[0].Verdict
	}
	if got := verdict(); got != click.VerdictCounted {
		t.Errorf("before: %s", got)
	}
	if err := w.clock.Set(start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := verdict(); got != click.VerdictNotActive {
		t.Errorf("from that instant on: %s", got)
	}
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ address, country, want string }{
		{"https://go.example/dp/KETTLE-1?tag=ada-20#x", "US", "product us https://us.example/p/KETTLE-1 counted"},
		{"/dp/KETTLE-1?tag=ada-20", "GB", "product uk https://uk.example/p/KETTLE-UK counted"},
		{"/dp/KETTLE-1?tag=adda-20", "", "product us https://us.example/p/KETTLE-1 unknown_tag"},
		{"/dp/X?tag=eve-21", "GB", "product uk https://uk.example/p/X enrolment_not_active"},
		{"https://us.example/p/KETTLE-1?tag=ada-20", "GB", "direct us https://us.example/p/KETTLE-1?tag=ada-20 counted"},
		{"https://us.example/p/KETTLE-1?tag=ada-21", "GB", "direct us https://us.example/p/KETTLE-1?tag=ada-21 unknown_tag"},
	} {
		got, err := w.edge.Check(c.address, market.ParseCountry(c.country))
		if text := fmt.Sprint(got.Kind, " ", got.Market, " ", got.Destination, " ", got.Reason); err != nil || text != c.want {
			t.Errorf("%s from %s: %s, %v; want %s", c.address, c.country, text, err, c.want)
		}
	}
	if _, err := w.edge.Check("https://go.example/none", market.Country{}); err == nil {
		t.Error("an unknown code is fine")
	}
	if len(w.clicks()) != 0 {
		t.Error("checking is clicking")
	}
}

func TestWants(t *testing.T) {
	w := newWorld(t)
	w.short("ada-20", 1, link.Draft{Target: "/", Code: "mine"})
	w.know()
	for target, want := range map[string]bool{
		"/": false, "/?tag=ada-20": true, "/?ref=x": true, "/?utm_source=x": false, "/dp/X": true, "/dp/": true,
		"/mine": true, "/Mine+": true, "/operator": false,
		"/creator/links": false, "/to?url=https://evil.example": true, "/t.js": false, "/v1/orders": false,
	} {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.edge.Wants(&http.Request{Method: "GET", URL: u}); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	if w.edge.Wants(&http.Request{Method: "POST", URL: &url.URL{Path: "/c"}}) {
		t.Error("the edge takes what is posted")
	}
}

// An installation without any marketplace says so.
func TestNothingIsSetUp(t *testing.T) {
	w := newWorld(t)
	w.state.markets.Store(layOut(nil, nil))
	if answer := w.ask("GET", "/dp/X", american); answer.Code != 404 {
		t.Errorf("answered %d", answer.Code)
	}
}

func mustHave(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}
