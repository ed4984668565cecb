package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/browser"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/journal"
	"tributary/internal/notice"
	"tributary/internal/web"
)

// newNotices is a world in which people have addresses, with its post.
func newNotices(t testing.TB) (*world, *job.Runner) {
	w := newWorld(t)
	w.set(now)
	w.write(func(tx *db.Tx) error {
		for name, role := range map[string]auth.Role{"The admin": auth.Admin, "The support": auth.Support} {
			p, _, err := auth.OfRole(tx, role)
			if err != nil || p.Name != name {
				return err
			}
			if err := credential.TrustEmail(tx, w.ring, p.ID, string(role)+"@staff.example", now); err != nil {
				return err
			}
		}
		p, _, err := auth.OfCreator(tx, ada)
		if err != nil {
			return err
		}
		return credential.TrustEmail(tx, w.ring, p.ID, "ada@people.example", now)
	})
	post := &notice.Post{DB: w.db, Ring: w.ring, Clock: w.clock, Home: w.home, Name: "Harbour programs"}
	return w, &job.Runner{DB: w.db, Work: map[string]job.Work{notice.JobMail: post.Deliver, notice.JobDigest: post.Digest}}
}

// notify lets somebody be told.
func (w *world) notify(all ...notice.Notice) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		for _, n := range all {
			w.count++
			n.At, n.Key = w.clock.Now(), id.New(clock.Wall()).Text("")
			if err := notice.Send(tx, w.ring, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) principal(creator id.ID) (p auth.Principal) {
	w.t.Helper()
	w.write(func(tx *db.Tx) (err error) { p, _, err = auth.OfCreator(tx, creator); return err })
	return p
}

// mailed is what lies in the mailbox, newest first.
func (w *world) mailed(r *job.Runner) (all []notice.Boxed) {
	w.t.Helper()
	if err := r.Drain(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = notice.Mailbox(tx, w.ring, 0, 100)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return all
}

func approved(one id.ID) notice.Notice {
	return notice.Notice{Event: "enrolment.approved", Creator: one, Market: "us", Facts: map[string]string{"program": "Associates"}}
}

func proved(one id.ID, site string) notice.Notice {
	return notice.Notice{Event: "site.proved", Creator: one, Facts: map[string]string{"site": site, "link": "/creator/links?q=kettle"}}
}

// form is where the form around a text leads.
func form(body, text string) string {
	before, _, _ := strings.Cut(body, text)
	address, _, _ := strings.Cut(before[strings.LastIndex(before, `action="`)+len(`action="`):], `"`)
	return address
}

func TestMessages(t *testing.T) {
	w, _ := newNotices(t)
	v := w.as("Ada Lindholm")
	v.wants("/messages", "Nothing here yet", "You have read them all", "!Mark all as read")
	w.notify(approved(ada), proved(ada, `ada.example <script>`), approved(ben),
		notice.Notice{Event: "account.signed_in", Principal: w.principal(ada).ID, Facts: map[string]string{"device": "Firefox on Linux"}})
	body := v.wants("/messages", "3 are new", "You are approved for Associates", "ada.example &lt;script&gt; is proved", "Firefox on Linux signed in", "New: ", "Mark all as read",
		"!Waiting reviews", `value="proofs">`)
	v.wants("/messages?group=proofs", "is proved", "!You are approved", `value="proofs" selected>Sites and networks`)
	v.wants("/messages?group=data", "Nothing here yet")
	v.wants("/creator", "Messages (3)")
	at := form(body, "is proved")
	if status, body := v.post(at, nil); status != http.StatusOK || !strings.Contains(body, "Gooseneck") {
		t.Errorf("%s leads to %d\n%s", at, status, body)
	}
	v.wants("/messages", "2 are new")
	upTo := field(body, "upto")
	w.notify(proved(ada, "late.example"))
	v.sends("/messages", url.Values{"upto": {upTo}}, "1 is new", "late.example")
	for _, path := range []string{"/messages?group=desk", "/messages?group=nothing"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	foreign := w.as("Ben Okri")
	theirs := form(foreign.wants("/messages", "1 is new"), "You are approved")
	for _, path := range []string{theirs, "/messages/msg_0000000000001", "/messages/none"} {
		if status, _ := v.post(path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	foreign.wants("/messages", "1 is new")
	for range 45 {
		w.notify(proved(cleo, "cleo.example"))
	}
	c := w.as("Cleo Day")
	if older := linkTo(c.wants("/messages", "45 are new", "Older messages"), "/messages?before="); older == "" {
		t.Error("no older messages")
	} else if page := c.wants(older, "cleo.example", "!Older messages"); strings.Count(page, "cleo.example is proved") != 5 {
		t.Errorf("the second page has %d", strings.Count(page, "cleo.example is proved"))
	}
	w.as("The reviewer").wants("/messages", "Nothing here yet", "Waiting reviews", "!Your team")
}

func TestWhatOneIsTold(t *testing.T) {
	w, r := newNotices(t)
	v := w.as("Ada Lindholm")
	v.wants("/messages/settings", "ada@people.example", "You would want to know", `name="proofs"`, "!name=\"account\"", "!name=\"desk\"", "eight in the morning")
	v.sends("/messages/settings", url.Values{"proofs": {"off"}, "rates": {"weekly"}, "account": {"off"}, "desk": {"off"}}, "Saved.", `value="off" selected`, `value="weekly" selected`)
	v.refused("/messages/settings", url.Values{"proofs": {"hourly"}}, http.StatusUnprocessableEntity, "is not a way to get mail")
	w.notify(proved(ada, "ada.example"), approved(ada))
	if all := w.mailed(r); len(all) != 1 || all[0].Subject != "Approved: Associates" {
		t.Errorf("%d letters", len(all))
	}
	w.write(func(tx *db.Tx) error { // three came back
		return credential.SetEmail(tx, w.ring, w.principalIn(tx, cleo), "cleo@people.example", now)
	})
	w.as("Cleo Day").wants("/messages/settings", "is not confirmed yet")
	w.as("Ben Okri").wants("/messages/settings", "No address of yours is known")
}

func (w *world) principalIn(tx *db.Tx, creator id.ID) id.ID {
	p, _, err := auth.OfCreator(tx, creator)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.ID
}

// The link of a mail switches its group off without signing in: by hand, or by the mail program itself.
func TestSwitchingOffByMail(t *testing.T) {
	w, r := newNotices(t)
	w.notify(proved(ada, "ada.example"))
	l := w.mailed(r)[0]
	at := strings.TrimPrefix(l.Unsubscribe, w.home)
	if !strings.HasPrefix(at, "/unsubscribe?t=us_") || !strings.Contains(l.Text, l.Unsubscribe) {
		t.Fatalf("the link is %q", l.Unsubscribe)
	}
	v := w.as("")
	body := v.wants(at, "Sites and networks", "No more mail", "Once a week")
	w.notify(proved(ada, "looked.example"))
	if all := w.mailed(r); len(all) != 2 {
		t.Errorf("looking at the page switched something off: %d letters", len(all))
	}
	v.sends("/unsubscribe", url.Values{"t": {field(body, "t")}, "mail": {"weekly"}}, "comes once a week")
	request, err := http.NewRequest(http.MethodPost, w.server.URL+at, strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if status, body := v.read(response, err); status != http.StatusOK || !strings.Contains(body, "Switched off") {
		t.Errorf("one click: %d\n%s", status, body)
	}
	w.as("Ada Lindholm").wants("/messages/settings", `value="off" selected`)
	w.notify(proved(ada, "after.example"))
	if all := w.mailed(r); len(all) != 2 {
		t.Errorf("%d letters after it", len(all))
	}
	for _, bad := range []string{"/unsubscribe", "/unsubscribe?t=x", at[:len(at)-2] + "xx", strings.Replace(at, ".proofs.", ".rates.", 1)} {
		if status, _ := v.open(bad); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", bad, status)
		}
		if status, _ := v.post(bad, url.Values{"mail": {"off"}}); status != http.StatusUnprocessableEntity {
			t.Errorf("posted to %s: %d", bad, status)
		}
	}
}

func TestMailbox(t *testing.T) {
	w, r := newNotices(t)
	v := w.as("")
	v.wants("/mailbox", "No mail yet", "it sends no mail")
	w.notify(notice.Notice{Event: "account.verify", Principal: w.principal(ada).ID, Facts: map[string]string{"code": "418 220", "minutes": "20", "link": "/verify?token=door"}},
		proved(ada, `<img src=x onerror=alert(1)>`))
	w.mailed(r)
	body := v.wants("/mailbox", "Confirm your address", "ada@people.example", "&lt;img")
	for rest := body; ; {
		at := linkTo(rest, "/mailbox/ml_")
		if at == "" {
			break
		}
		rest = rest[strings.Index(rest, at)+len(at):]
		page := v.wants(at, `src="`+at+`/html"`, "As plain text", `sandbox="allow-top-navigation-by-user-activation"`)
		if strings.Contains(page, "Confirm your address") {
			v.holds(at, page, "418 220", `href="/verify?token=door"`, "Confirm my address")
		}
		response, err := v.client.Get(w.server.URL + at + "/html")
		status, html := v.read(response, err)
		policy := response.Header.Get("Content-Security-Policy")
		if status != http.StatusOK || !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox allow-top") || strings.Contains(policy, "script-src") ||
			strings.Contains(html, "<img") || !strings.Contains(html, `<base target="_top">`) || !strings.Contains(html, w.home) {
			t.Errorf("%s: %d, %s\n%s", at, status, policy, html)
		}
	}
	for _, path := range []string{"/mailbox/none", "/mailbox/ml_0000000000001", "/mailbox/ml_0000000000001/html"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	// An installation that is none of a sandbox has no mailbox, whoever asks.
	real := web.New(web.Config{DB: w.db, Clock: &clock.Business{}, Ring: w.ring, Hints: w.hints, Address: "http://go.example", Home: w.home})
	t.Cleanup(real.Close)
	w.server.Config.Handler = real
	for _, path := range []string{"/mailbox", linkTo(body, "/mailbox/ml_"), linkTo(body, "/mailbox/ml_") + "/html"} {
		if status, body := w.as("The admin").open(path); status != http.StatusNotFound || strings.Contains(body, "418 220") {
			t.Errorf("%s outside a sandbox: %d", path, status)
		}
	}
}

func TestWording(t *testing.T) {
	w, r := newNotices(t)
	v := w.as("The admin")
	v.wants("/operator/templates", "An enrolment was closed", "enrolment.closed", "always sent", "!your wording", "Mail")
	at := "/operator/templates/site.proved"
	body := v.wants(at, "The wording that came with the product", "{{.site}} is yours", "ada.example is yours", "We now read a few of its pages", at+"/letter", "!Back to the wording")
	v.wants("/operator/templates/account.verify", "in the mail only")
	own := "subject: Well done\nline: We know {{.site}}\naction: Look\n\nDear {{.recipient}},\n\n<b>{{.site}}</b> is known.\n"
	changed := url.Values{"version": {field(body, "version")}, "body": {own}, "do": {"preview"}}
	v.sends(at, changed, "Preview, not saved", "We know ada.example", "&lt;b&gt;ada.example&lt;/b&gt; is known", "The wording that came")
	wrong := url.Values{"version": {"0"}, "body": {"subject: a\r\nline: b\r\n\r\none\r\ntwo {{.sight}}\r\n"}, "do": {"save"}}
	v.refused(at, wrong, http.StatusUnprocessableEntity, "Line 5", "{{.sight}}, which this message does not have", `class="here">5  two {{.sight}}`, "one\ntwo {{.sight}}")
	v.refused(at, url.Values{"version": {"0"}, "body": {"  "}, "do": {"save"}}, http.StatusUnprocessableEntity, "empty")
	changed.Set("do", "save")
	v.sends(at, changed, "Saved.", "Your wording, version 1", "Well done", "Back to the wording")
	v.refused(at, changed, http.StatusConflict, "was changed by somebody else", "Well done")
	v.wants("/operator/templates", "your wording")
	w.notify(proved(ada, "new.example"))
	if l := w.mailed(r)[0]; l.Subject != "Well done" || !strings.Contains(l.Text, "Dear Ada Lindholm,\n\n<b>new.example</b> is known.") {
		t.Errorf("the letter is %s\n%s", l.Subject, l.Text)
	}
	if _, html := v.open(at + "/letter"); !strings.Contains(html, "&lt;b&gt;ada.example&lt;/b&gt;") {
		t.Errorf("as it arrives:\n%s", html)
	}
	v.sends(at, url.Values{"version": {"1"}, "do": {"reset"}, "body": {own}}, "Saved.", "The wording that came with the product", "!Well done")
	for _, path := range []string{"/operator/templates/none", "/operator/templates/none/letter"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		found, err := journal.Search(tx, w.ring, journal.Query{Action: "template.saved", Limit: 10})
		if err != nil || len(found.Entries) != 2 || found.Entries[0].Subject != "template/site.proved" {
			t.Errorf("the log: %+v, %v", found.Entries, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.as("The reviewer").wants("/operator/mail", "Everything arrived", "!Wording")
}

// What did not arrive is told, without an address and without what it said; it can be sent again.
func TestMailThatDidNotArrive(t *testing.T) {
	w, r := newNotices(t)
	nowhere := notice.Notice{Event: "account.sign_in_link", Principal: 0, Facts: map[string]string{"minutes": "20", "code": "CANARY", "link": "/login?token=CANARY"}}
	w.write(func(tx *db.Tx) error {
		p, err := auth.OpenPerson(tx, "Nell Fox", now)
		nowhere.Principal = p.ID
		return err
	})
	w.notify(nowhere, proved(ada, "ada.example"))
	w.mailed(r)
	v := w.as("The support")
	body := v.wants("/operator/mail", "Nell Fox", "A link to sign in was asked for", "no confirmed address is known", "Send again", "!CANARY", "!ada@people.example", "sandbox's mailbox")
	w.as("The auditor").wants("/operator/mail", "Nell Fox", "!Send again")
	w.write(func(tx *db.Tx) error {
		return credential.TrustEmail(tx, w.ring, nowhere.Principal, "nell@people.example", now)
	})
	again := url.Values{"notice": {field(body, "notice")}, "principal": {field(body, "principal")}}
	v.sends("/operator/mail", again, "It is tried again", "Everything arrived")
	if all := w.mailed(r); len(all) != 2 || all[0].To != "nell@people.example" || !strings.Contains(all[0].Text, "CANARY") {
		t.Errorf("%d letters", len(all))
	}
	w.write(func(tx *db.Tx) error { return job.Add(tx, job.Job{Kind: "crawl", Key: "secret.example"}) })
	broken := &job.Runner{DB: w.db, Work: map[string]job.Work{"crawl": func(context.Context, job.Job) error {
		return fault.New(fault.Denied, "address", "is private", "")
	}}}
	if err := broken.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	body = v.wants("/operator/mail", "A look at a site", "address: is private", "Given up", "!secret.example")
	v.sends("/operator/mail", url.Values{"job": {field(body, "job")}}, "It is tried again", "Everything arrived")
	v.refused("/operator/mail", again, http.StatusNotFound, "did not arrive")
	v.refused("/operator/mail", url.Values{"job": {"job_0000000000001"}}, http.StatusNotFound, "no such job")
	v.refused("/operator/mail", url.Values{"notice": {"x"}}, http.StatusUnprocessableEntity, "is not an id")
}

// The pages of this room on every screen.
func TestMessagesOnEveryScreen(t *testing.T) {
	w, r := newNotices(t)
	w.notify(approved(ada), proved(ada, "a-site-with-a-long-name.of-ada.example"), notice.Notice{Event: "enrolment.closed", Creator: ada, Market: "us",
		Facts: map[string]string{"program": "Associates", "why": "Three sales were wanted by May 20, and one was counted."}},
		notice.Notice{Event: "account.verify", Principal: w.principal(ada).ID, Facts: map[string]string{"code": "418 220", "minutes": "20", "link": "/verify?token=door"}})
	w.mailed(r)
	w.write(func(tx *db.Tx) error { return job.Add(tx, job.Job{Kind: "crawl", Key: "1"}) })
	var token string
	for _, l := range w.mailed(r) {
		if l.Unsubscribe != "" {
			token = l.Unsubscribe
		}
	}
	nobody := w.as("")
	box := nobody.wants("/mailbox")
	letter := linkTo(box, "/mailbox/ml_")
	// A letter lets nothing run in it, the checker neither: it is checked where it may.
	var shown string
	letters := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(rw, shown)
	}))
	t.Cleanup(letters.Close)
	pages := []struct {
		name  string
		paths []string
	}{
		{"", []string{"/mailbox", letter, strings.TrimPrefix(token, w.home)}},
		{"Ada Lindholm", []string{"/messages", "/messages/settings", "/messages?group=data", letter}},
		{"The admin", []string{"/operator/templates", "/operator/templates/enrolment.closed", "/operator/mail"}},
	}
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		for _, l := range w.mailed(r) {
			shown = l.HTML
			p.Goto(letters.URL)
			browser.AXE(t, p)
		}
		for _, one := range pages {
			if one.name != "" {
				w.signIn(p, one.name)
			}
			for _, path := range one.paths {
				p.Goto(w.server.URL + path)
				browser.AXE(t, p)
				if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
					t.Errorf("%s is %d pixels wider than the screen", path, wide)
				}
			}
		}
	})
}

// A person reads, follows a letter out of its frame, and is counted right.
func TestMessagesWalk(t *testing.T) {
	w, r := newNotices(t)
	w.notify(proved(ada, "ada.example"))
	w.mailed(r)
	p := browser.Open(t)
	w.signIn(p, "Ada Lindholm")
	p.Goto(w.server.URL + "/messages")
	p.WaitText("main", "1 is new")
	p.Click(".messages button")
	p.WaitText("main", "Products for")
	p.Goto(w.server.URL + "/messages")
	p.WaitText("main", "You have read them all")
	p.Goto(w.server.URL + "/mailbox")
	p.Click(".messages a")
	p.WaitText("h1", "ada.example is yours")
	p.WaitFor(`document.querySelector('iframe.letter')`)
	p.Click(".button.main")
	p.WaitText("main", "Products for")
}
