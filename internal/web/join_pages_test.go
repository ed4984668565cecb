package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/application"
	"tributary/internal/browser"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/egress"
	"tributary/internal/enrolment"
	"tributary/internal/network"
	"tributary/internal/network/standin"
	"tributary/internal/site"
)

// A draft is kept as it is, unfinished, over signing out; a page of the advisor's fills in what is empty.
func TestDraftsAreKept(t *testing.T) {
	j := newJoining(t)
	v := j.as("Cleo Day")
	v.wants("/join?program=associates&topics=pets,guns&traffic=video&visits=1m%2B&market=us", "is filled in below", `value="pets" checked`,
		`value="video" checked`, `value="1m+" checked`, "!guns")
	j.write(func(tx *db.Tx) error {
		_, begun, err := application.Newest(tx, j.ring, enrolment.Key{Market: 1, Creator: cleo, Program: enrolment.Associates})
		if begun {
			t.Error("looking at a page begins an application")
		}
		return err
	})
	_, body := v.post("/join/associates", url.Values{"market": {"us"}, "in": {"about", "topics"}, "about": {"Kettles <3"}, "topics": {"kitchen"}, "do": {"save"}})
	v.holds("saved", body, "Saved. You can leave", "Kettles &lt;3", `value="kitchen" checked`)
	v.post("/logout", nil)
	v = j.as("Cleo Day")
	v.wants("/creator/programs?market=us", "Go on with your application", "not sent yet", "Finish your application")
	v.wants("/join/associates?market=us&topics=pets", "Kettles &lt;3", `value="kitchen" checked`, `!value="pets" checked`, "!is filled in below")
	v.wants("/join/associates?market=uk", "!Kettles")
	for name, c := range map[string]struct {
		form   url.Values
		status int
		says   string
	}{
		"kept":       {url.Values{"in": {"about"}, "about": {"Kettles and pans"}, "do": {"save"}}, http.StatusNoContent, ""},
		"impossible": {url.Values{"in": {"about"}, "about": {"a\x00b"}, "do": {"save"}}, http.StatusUnprocessableEntity, "What you publish holds a control character"},
	} {
		c.form.Set("market", "us")
		request, err := http.NewRequest(http.MethodPost, j.server.URL+"/join/associates", strings.NewReader(c.form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		request.Header.Set("Sec-Fetch-Dest", "empty")
		response, err := v.client.Do(request)
		if status, body := v.read(response, err); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
	v.wants("/join/associates?market=us", "Kettles and pans")
}

// Who is in one program tells another nothing twice.
func TestNothingIsAskedTwice(t *testing.T) {
	j := newJoining(t)
	j.begun()
	v := j.as("Cleo Day")
	body := v.wants("/join/influencer?market=us", "Cleo Day", "1 Quay, Harbour Town, United States", "I test kettles", `value="kitchen" checked`, "You have accepted the",
		`!name="full_name"`, `!name="accept"`)
	if strings.Contains(body, `name="traffic"`) {
		t.Error("an influencer is asked for the traffic of a site")
	}
	if _, body := v.post("/join/influencer", url.Values{"market": {"us"}, "in": {"networks"}, "networks": {"youtube"}, "do": {"send"}}); !strings.Contains(body, "Your application is sent") {
		t.Errorf("not sent:\n%s", body)
	}
	v.wants("/join/connections?market=us", "What lets you in", "not yet", "!Send the application")
	if status, body := v.post("/join/connections", url.Values{"market": {"us"}, "do": {"send"}}); status != http.StatusForbidden || !strings.Contains(body, "asks for more") {
		t.Errorf("connections without their gate: %d\n%s", status, body)
	}
	v.wants("/creator/programs?market=us", "It opens by itself once all of this is there", "applied")
}

// A site belongs to who named it: nobody else opens it, proves it, has its file or takes it away.
func TestSitesOfOthers(t *testing.T) {
	j := newJoining(t)
	s := j.begun()
	page := "/join/sites/" + s.ID.Text("si_")
	v := j.as("Ada Lindholm")
	for _, path := range []string{page, page + "/file"} {
		if status, body := v.open(path); status != http.StatusNotFound || strings.Contains(body, s.Token) {
			t.Errorf("%s of somebody else: %d", path, status)
		}
	}
	for _, do := range []string{"prove", "look", "remove"} {
		if status, _ := v.post(page, url.Values{"do": {do}, "method": {"meta"}}); status != http.StatusNotFound {
			t.Errorf("%s of somebody else's: %d", do, status)
		}
	}
	if status, body := v.post("/join/sites", url.Values{"site": {blogHome}, "kind": {"web"}}); status != http.StatusConflict || strings.Contains(body, "Cleo") {
		t.Errorf("a site that somebody else has proved: %d\n%s", status, body)
	}
	if status, _ := j.as("The admin").open(page); status != http.StatusForbidden {
		t.Errorf("staff open a creator's page: %d", status)
	}
	if all := j.sites(cleo); len(all) != 1 || all[0].State != site.Proved {
		t.Errorf("Cleo's sites are %v", all)
	}
}

func TestSites(t *testing.T) {
	j := newJoining(t)
	s := j.begun()
	v := j.as("Cleo Day")
	j.as("Ada Lindholm").wants("/join/sites", "No site yet")
	for name, form := range map[string]url.Values{
		"nothing":         {"kind": {"web"}},
		"a kind":          {"site": {blogHome}, "kind": {"castle"}},
		"numbers":         {"site": {"http://127.0.0.1/"}, "kind": {"web"}},
		"a script":        {"site": {"javascript:alert(1)"}, "kind": {"web"}},
		"a name and word": {"site": {"http://me:secret@blog.example"}, "kind": {"web"}},
	} {
		if status, body := v.post("/join/sites", form); status != http.StatusUnprocessableEntity || !strings.Contains(body, `id="site-fault"`) && name != "a kind" {
			t.Errorf("%s: %d\n%s", name, status, body)
		}
	}
	_, body := v.post("/join/sites", url.Values{"site": {"https://youtube.com/@cleo"}, "kind": {"video"}})
	v.holds("a channel", body, "This is a channel of a network", "Connect the account", "!Look now")
	_, body = v.post("/join/sites", url.Values{"site": {"BLOG.example/kettles/"}, "kind": {"web"}})
	v.holds("a part of a site", body, "https://blog.example/kettles", "A file on the site", "!A record of the domain")
	page := "/join/sites/" + s.ID.Text("si_")
	for what, form := range map[string]url.Values{"a method": {"do": {"prove"}, "method": {"magic"}}, "nothing": {}} {
		if status, _ := v.post(page, form); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", what, status)
		}
	}
	_, body = v.post(page, url.Values{"do": {"look"}})
	v.holds("another look", body, "We are looking at your site")
	j.write(func(tx *db.Tx) error {
		return site.SaveReport(tx, s.ID, site.Report{At: j.clock.Now(), Items: 12, Newest: j.clock.Now()})
	})
	v.wants(page, "12 of 10 items", "that is what reviewers look for")
	if status, body := v.post(page, url.Values{"do": {"look"}}); status != http.StatusTooManyRequests || !strings.Contains(body, "a moment ago") {
		t.Errorf("a look at once again: %d", status)
	}
	_, body = v.post(page, url.Values{"do": {"remove"}})
	v.holds("removed", body, "It is gone from your list", "!"+blogHome+"<")
	if status, _ := v.open(page); status != http.StatusNotFound {
		t.Errorf("a site that was taken off: %d", status)
	}
}

// Taking back asks whether one is sure; what was told stays.
func TestTakingBack(t *testing.T) {
	j := newJoining(t)
	v := j.as("Cleo Day")
	v.post("/join/associates", filled())
	const path = "/creator/programs/associates/withdraw"
	if status, _ := v.post(path, url.Values{"market": {"us"}, "do": {"withdraw"}}); status != http.StatusUnprocessableEntity ||
		j.stateOf(cleo, enrolment.Associates) != enrolment.Applied {
		t.Errorf("taken back without a tick: %d", status)
	}
	_, body := v.post(path, url.Values{"market": {"us"}, "do": {"withdraw"}, "sure": {"yes"}})
	v.holds("taken back", body, "Taken back.")
	j.later()
	v.wants("/creator/programs?market=us", "closed", "You ended it", "Apply again")
	v.wants("/join/associates?market=us", "Apply again: Associates", "I test kettles")
	if status, _ := v.post(path, url.Values{"market": {"us"}, "sure": {"yes"}}); status != http.StatusConflict {
		t.Errorf("taken back twice: %d", status)
	}
	if status, _ := v.post("/creator/programs/winners/withdraw", url.Values{"sure": {"yes"}}); status != http.StatusNotFound {
		t.Errorf("a fourth program: %d", status)
	}
}

// connect puts the four networks beside the pages, under one address.
func (j *joining) connect() *standin.Networks {
	var stand *standin.Networks
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/networks/"):
			stand.ServeHTTP(w, r)
		case r.URL.Path == "/favicon.ico": // browsers ask for it on pages that name none
			w.WriteHeader(http.StatusNoContent)
		default:
			j.pages.ServeHTTP(w, r)
		}
	}))
	j.t.Cleanup(front.Close)
	stand = standin.New("/networks", front.URL)
	stand.Business = j.clock.Now
	apps := stand.Apps(front.URL)
	client, err := egress.Operator(network.Addresses(apps)...)
	if err != nil {
		j.t.Fatal(err)
	}
	j.desk.Networks = &network.Connector{DB: j.db, Ring: j.ring, Client: client, Apps: apps, Home: front.URL, Weights: network.Shipped()}
	j.serve()
	j.server.Close()
	j.server = front
	return stand
}

// An influencer connects an account: decided at once, by a person, or refused; and ends the connection.
func TestConnecting(t *testing.T) {
	j := newJoining(t)
	j.connect()
	v := j.as("Cleo Day")
	form := with(filled(), "site", "", "kind", "")
	form["in"], form["networks"] = append(form["in"], "networks"), []string{"youtube"}
	_, body := v.post("/join/influencer", form)
	v.holds("sent", body, "Your application is sent", "Connect an account", "decided at once", "within 5 business days")

	p := browser.Open(t)
	p.Expect("403")
	j.signIn(p, "Cleo Day")
	p.Goto(j.server.URL + "/join/networks?market=us")
	p.Click(`form[action="/join/networks/tiktok"] button`)
	p.WaitText("h1", "Connect TikTok") // the page in between leads on by itself
	p.Click("button[value=deny]")
	p.WaitText("[role=alert]", "You did not agree at TikTok")
	p.Click(`form[action="/join/networks/tiktok"] button`)
	p.WaitText("h1", "Connect TikTok")
	p.Click("label:nth-of-type(1)")
	p.Click("button[value=allow]")
	p.WaitText(".note.good", "Connected.")
	p.WaitText("main", "Ada bakes")
	j.later()
	if s := j.stateOf(cleo, enrolment.Influencer); s != enrolment.UnderReview {
		t.Errorf("TikTok waits for a person: %q", s)
	}
	v.wants("/join/networks?market=us", "48,200", "points", "Posts in 30 days")
	v.wants("/creator/programs?market=us", "by July 8")
	j.as("The reviewer").wants("/operator/reviews/"+cleo.Text("cr_")+"/influencer?market=us", "TikTok: ada.bakes.example", "snapshot", "Where the audience is")
	accounts := []network.Account{}
	j.write(func(tx *db.Tx) (err error) { accounts, err = network.Of(tx, cleo); return err })
	page := "/join/networks/" + accounts[0].ID.Text("na_") + "/end"
	if status, _ := j.as("Ada Lindholm").post(page, url.Values{"sure": {"yes"}}); status != http.StatusNotFound {
		t.Errorf("somebody else ends the connection: %d", status)
	}
	if status, _ := v.post(page, url.Values{}); status != http.StatusUnprocessableEntity {
		t.Errorf("ended without a tick: %d", status)
	}
	_, body = v.post(page, url.Values{"sure": {"yes"}})
	v.holds("ended", body, "The connection is ended", "!48,200")
}

// An answer of a network is taken where it was asked for: not in another session, not twice, not made up.
func TestForeignAnswers(t *testing.T) {
	j := newJoining(t)
	j.connect()
	v, other := j.as("Cleo Day"), j.as("Ada Lindholm")
	_, body := v.post("/join/networks/youtube", nil)
	address, err := url.Parse(strings.ReplaceAll(cutOut(body, `class="button main" href="`, `"`), "&amp;", "&"))
	state := address.Query().Get("state")
	if err != nil || state == "" {
		t.Fatalf("no way to the network: %v\n%s", err, body)
	}
	for name, c := range map[string]struct {
		who   *visitor
		query string
	}{
		"another person": {other, "state=" + state + "&code=x"}, "another session": {j.as("Cleo Day"), "state=" + state + "&code=x"},
		"made up": {v, "state=made-up&code=x"}, "nothing": {v, ""},
	} {
		if status, body := c.who.open("/join/networks/callback?" + c.query); status != http.StatusForbidden || !strings.Contains(body, "was not asked for here") {
			t.Errorf("%s: %d\n%s", name, status, body)
		}
	}
	if status, _ := v.open("/join/networks/callback?error=access_denied&state=" + state); status != http.StatusForbidden {
		t.Errorf("a refusal: %d", status)
	}
	if status, _ := v.post("/join/networks/myspace", nil); status != http.StatusNotFound {
		t.Errorf("a fifth network: %d", status)
	}
	j.write(func(tx *db.Tx) error {
		all, err := network.Of(tx, cleo)
		if len(all) > 0 {
			t.Errorf("something was connected: %v", all)
		}
		return err
	})
}

// Every page of an applicant's, in each state, on every screen.
func TestJoiningOnEveryScreen(t *testing.T) {
	j := newJoining(t)
	j.connect()
	j.set(now.Add(-time.Hour))
	s := j.begun()
	j.write(func(tx *db.Tx) error {
		if err := site.SaveReport(tx, s.ID, site.Report{At: j.clock.Now(), Items: 7, Listed: []site.Item{{Title: "Kettles", Address: blogHome + "/k"}},
			Disclosure: &site.Passage{Address: blogHome, Text: "I earn a commission."}, Children: &site.Passage{Text: "For kids"}, Problems: []site.Problem{{Code: "robots", Words: "robots.txt asks not to"}}}); err != nil {
			return err
		}
		_, err := site.Add(tx, j.ring, cleo, "https://"+strings.Repeat("kettle", 10)+".example/"+strings.Repeat("a", 90), site.Web, j.clock.Now())
		return err
	})
	pending := "/join/sites/" + j.sites(cleo)[1].ID.Text("si_")
	pages := map[string][]string{
		"Cleo Day": {"/creator/programs?market=us", "/creator/programs?market=uk", "/join/associates?market=uk", "/join/associates?market=us",
			"/join/influencer?market=us", "/join/connections?market=us", "/join/sites", "/join/sites/" + s.ID.Text("si_"), pending, "/join/networks"},
		"Ada Lindholm": {"/creator/programs?market=us", "/join/influencer?market=us&topics=pets", "/join/sites"},
	}
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		for name, paths := range pages {
			j.signIn(p, name)
			for _, path := range paths {
				p.Goto(j.server.URL + path)
				browser.AXE(t, p)
				if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
					t.Errorf("%s is %d pixels wider than the screen", path, wide)
				}
			}
		}
		p.Expect("422")
		j.signIn(p, "Ada Lindholm")
		p.Goto(j.server.URL + "/join/influencer?market=us")
		p.Click(`button[value="send"]`)
		p.WaitFor(`document.activeElement?.getAttribute('role') === 'alert'`) // who cannot see it is told first
		browser.AXE(t, p)
	})
}

// With script, what is typed is kept without a press.
func TestKeptAsItIsTyped(t *testing.T) {
	j := newJoining(t)
	p := browser.Open(t)
	j.signIn(p, "Cleo Day")
	p.Goto(j.server.URL + "/join/associates?market=us")
	p.Fill(`[name="about"]`, "Kettles, mostly")
	p.Click(`label:has([value="pets"])`)
	p.WaitText("[data-kept]", "Saved at")
	p.WaitFor(`fetch(location.href).then((answer) => answer.text()).then((text) => text.includes('Kettles, mostly') && /value="pets" checked/.test(text))`)
	if missing := j.missing(); missing == 0 {
		t.Error("keeping a draft accepts the documents")
	}
}

func (j *joining) missing() (count int) {
	j.write(func(tx *db.Tx) error {
		all, err := document.Missing(tx, cleo, j.clock.Now())
		count = len(all)
		return err
	})
	return count
}

// A viewer of the team sees where the account stands, and is offered nothing that would be refused.
func TestViewersOnlyLook(t *testing.T) {
	j := newJoining(t)
	j.teams()
	v := j.as("Vito Sand")
	v.wants("/join/influencer?market=us", "You may look here", "!Send the application", "!data-keep", `!value="save"`)
	v.wants("/creator/programs?market=us", "active", "!Leave this program", "!>Apply<")
	v.wants("/join/sites", "!Add<", "No site yet")
	if status, _ := v.post("/join/influencer", url.Values{"market": {"us"}, "in": {"about"}, "about": {"mine now"}}); status != http.StatusForbidden {
		t.Errorf("a viewer writes an application: %d", status)
	}
	j.as("Mara Lind").wants("/join/influencer?market=us", "Send the application", "data-keep", "!mine now")
}

// Somebody with a site at hand fills in what is asked, in a browser: nine answers, one line in a head, and the first link.
func TestWalkIntoAssociates(t *testing.T) {
	j := newJoining(t)
	p := browser.Open(t)
	p.Expect("422")
	j.signIn(p, "Cleo Day")
	p.Goto(j.server.URL + "/creator/programs?market=us")
	p.Click(`#associates a.button`)
	p.WaitText("h1", "Apply: Associates")
	p.Fill(`[name="address"]`, "1 Quay, Harbour Town")
	p.Fill(`[name="about"]`, "I test kettles in my own kitchen and write about each.")
	for _, chip := range []string{"kitchen", "search", "reviews", "1k-10k"} {
		p.Click(`label:has([value="` + chip + `"])`)
	}
	p.Fill(`[name="site"]`, blogHome)
	p.Click(`button[value="send"]`)
	p.WaitFor(`document.activeElement?.getAttribute('role') === 'alert'`)
	p.WaitText("#accept-fault", "Needs a tick")
	p.Click(`#accept`)
	p.Click(`button[value="send"]`)
	p.WaitText("h2", "Show that it is yours")
	j.blog.put(browser.Eval[string](p, `document.querySelector('.copy input').value`), "")
	p.Click(`#meta button[value="prove"]`)
	p.WaitText(".note.good", "you are in")
	p.Click(`.invite a`)
	p.Fill(`.make input[name="q"]`, "/dp/"+kettle)
	p.Press("\r")
	p.WaitText("main", "Short link")
}
