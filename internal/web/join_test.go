package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"tributary/internal/admission"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/egress"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/site"
	"tributary/internal/web"
	"tributary/internal/web/staff"
)

// joining is the world with a desk that moves enrolments, documents to accept, and a blog on the outside.
type joining struct {
	*world
	desk *admission.Desk
	blog *blog
}

// blog is somebody's site: what stands in its head can be changed.
type blog struct {
	mu     sync.Mutex
	head   string
	file   string
	served *httptest.Server
}

func (b *blog) put(head, file string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.head, b.file = head, file
}

func (b *blog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.URL.Path == "/":
		fmt.Fprintf(w, "<!doctype html><html><head>%s</head><body><h1>Kettles</h1></body></html>", b.head)
	case r.URL.Path == site.FilePath && b.file != "":
		fmt.Fprint(w, b.file)
	default:
		http.NotFound(w, r)
	}
}

// blogHome is where the blog is found by the world's prober, and by nobody else.
const blogHome = "http://blog.example"

func newJoining(t testing.TB) *joining {
	j := &joining{world: newWorld(t), blog: &blog{}}
	j.blog.served = httptest.NewServer(j.blog)
	t.Cleanup(j.blog.served.Close)
	reach := egress.PublicFor("blog.example:80=" + strings.TrimPrefix(j.blog.served.URL, "http://"))
	j.desk = &admission.Desk{DB: j.db, Clock: j.clock, Ring: j.ring, Accrual: j.accrual, Sites: &site.Prober{Client: reach, TXT: egress.TXT}}
	j.write(func(tx *db.Tx) error {
		for _, m := range []*market.Market{&j.us, &j.uk} {
			m.Admission.Connections = true
			if err := market.Save(tx, *m); err != nil {
				return err
			}
		}
		return document.Install(tx, begin)
	})
	j.serve()
	return j
}

// serve opens the pages anew, with the desk behind them.
func (j *joining) serve() {
	j.pages.Close()
	j.server.Close()
	j.pages = web.New(web.Config{DB: j.db, Clock: j.clock, Ring: j.ring, Hints: j.hints, Address: "http://go.example",
		Works: staff.Works{Accrual: j.accrual, WhatIf: j.tries}, Admission: j.desk})
	j.server = httptest.NewServer(j.pages)
	j.t.Cleanup(func() { j.pages.Close(); j.server.Close() })
}

// filled is an application with all that associates ask for.
func filled() url.Values {
	return url.Values{"market": {"us"}, "in": {"personal", "about", "topics", "traffic", "methods", "visits", "children", "interests"},
		"full_name": {"Cleo Day"}, "address": {"1 Quay\r\nHarbour Town"}, "country": {"US"},
		"about":  {"I test kettles in my own kitchen and write about each of them."},
		"topics": {"kitchen", "home"}, "traffic": {"search"}, "methods": {"reviews"}, "visits": {"1k-10k"},
		"site": {blogHome}, "kind": {"web"}, "accept": {"yes"}, "do": {"send"}}
}

func with(form url.Values, changes ...string) url.Values {
	for i := 0; i+1 < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

func (j *joining) sites(of id.ID) (all []site.Site) {
	j.t.Helper()
	j.write(func(tx *db.Tx) (err error) { all, err = site.Of(tx, of); return err })
	return all
}

func (j *joining) stateOf(of id.ID, program enrolment.Program) (s enrolment.State) {
	j.t.Helper()
	j.write(func(tx *db.Tx) error {
		h, err := enrolment.One(tx, enrolment.Key{Market: 1, Creator: of, Program: program})
		s = h.At(j.clock.Now())
		return err
	})
	return s
}

// begun takes Cleo into associates: applied, proved, provisional.
func (j *joining) begun() site.Site {
	j.t.Helper()
	v := j.as("Cleo Day")
	v.post("/join/associates", filled())
	sites := j.sites(cleo)
	if len(sites) != 1 {
		j.t.Fatalf("sites: %v", sites)
	}
	j.blog.put(sites[0].MetaTag(), "")
	v.post("/join/sites/"+sites[0].ID.Text("si_"), url.Values{"do": {"prove"}, "method": {"meta"}, "market": {"us"}})
	if s := j.stateOf(cleo, enrolment.Associates); s != enrolment.Provisional {
		j.t.Fatalf("Cleo is %q", s)
	}
	j.write(func(tx *db.Tx) error {
		all, err := link.TrackingOf(tx, []id.ID{cleo})
		j.tags[cleo] = all[cleo][0]
		return err
	})
	return j.sites(cleo)[0]
}

// From nothing to the first link: one form, one line in a head, one press.
func TestFromApplicationToFirstLink(t *testing.T) {
	j := newJoining(t)
	v := j.as("Cleo Day")
	v.wants("/creator/programs", "Associates", "Influencer", "Connections", "Apply in a few minutes", "not applied", "Apply</a>")
	v.wants("/join/associates?market=us", "About you", "What you publish", "Operating agreement", "Send the application", "data-keep")
	status, body := v.post("/join/associates", filled())
	sites := j.sites(cleo)
	if status != http.StatusOK || len(sites) != 1 || j.stateOf(cleo, enrolment.Associates) != enrolment.Applied {
		t.Fatalf("%d, %v, %q\n%s", status, sites, j.stateOf(cleo, enrolment.Associates), body)
	}
	s := sites[0]
	v.holds("after sending", body, "Your application is sent", "Show that it is yours", "Look now", blogHome, html.EscapeString(s.MetaTag()))
	page := "/join/sites/" + s.ID.Text("si_")
	if status, body = v.post(page, url.Values{"do": {"prove"}, "method": {"meta"}, "market": {"us"}}); status != http.StatusUnprocessableEntity ||
		!strings.Contains(body, "Looked for") || j.stateOf(cleo, enrolment.Associates) != enrolment.Applied {
		t.Errorf("a proof that is not there: %d\n%s", status, body)
	}
	if _, file := v.open(page + "/file"); file != s.FileText() {
		t.Errorf("the file holds %q", file)
	}
	j.blog.put(s.MetaTag(), "")
	_, body = v.post(page, url.Values{"do": {"prove"}, "method": {"meta"}, "market": {"us"}})
	v.holds("after the proof", body, "you are in", "Make a link", "yours, proved", "We look at your site")
	v.wants("/creator/programs", "provisional, and earning", "0 of 3 · 180 days left", "Make your first link", "What has happened",
		"3 more qualifying sales through your links are wanted, by December 28")
	_, body = v.post("/creator/links", url.Values{"q": {"/dp/" + kettle}, "market": {"us"}})
	v.holds("the first link", body, "Short link", "cleo-20")
	v.wants("/join/associates?market=us", "What you told us for Associates", "I test kettles", "Kitchen, Home", "!Send the application")
}

// Each field that is wrong is named beside it, with its rule and fix; nothing is sent, and what was typed is kept.
func TestApplicationThatIsWrong(t *testing.T) {
	j := newJoining(t)
	v := j.as("Cleo Day")
	for field, c := range map[string]struct {
		form url.Values
		says string
	}{
		"full_name": {with(filled(), "full_name", " "), "Your full name is empty"},
		"address":   {with(filled(), "address", ""), "Your postal address is empty"},
		"country":   {with(filled(), "country", "Sweden"), "The country is not a country"},
		"phone":     {with(filled(), "phone", "call me"), "The phone number is not a phone number"},
		"about":     {with(filled(), "about", "Kettles."), "What you publish has 8 characters and needs 40"},
		"topics":    {with(filled(), "topics", ""), "Topics needs one at least"},
		"traffic":   {with(filled(), "traffic", "spam"), "How people come holds what is not on the list"},
		"methods":   {with(filled(), "methods", ""), "Where you place links needs one at least"},
		"visits":    {with(filled(), "visits", "many"), "Visits a month is not one of the brackets"},
		"site":      {with(filled(), "site", "http://10.0.0.1/"), "The address of your site"},
		"accept":    {with(filled(), "accept", ""), "The box of the documents needs a tick"},
	} {
		status, body := v.post("/join/associates", c.form)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", field, status)
		}
		v.holds(field, body, c.says, `id="`+field+`-fault"`, `aria-describedby="`+field+`-fault"`)
		if field != "about" {
			v.holds(field, body, "I test kettles")
		}
		named := j.sites(cleo)
		j.write(func(tx *db.Tx) error {
			for _, s := range named {
				if err := site.Remove(tx, cleo, s.ID, j.clock.Now()); err != nil {
					return err
				}
			}
			return creator.SavePersonal(tx, j.ring, cleo, creator.Personal{})
		})
	}
	if s := j.stateOf(cleo, enrolment.Associates); s != "" {
		t.Errorf("something was sent: %q", s)
	}
	if status, body := v.post("/join/associates", url.Values{"in": {"about", "topics", "personal"}, "do": {"send"}}); status != http.StatusUnprocessableEntity {
		t.Errorf("nothing at all: %d", status)
	} else {
		v.holds("nothing at all", body, "things are missing or wrong. What you typed is kept.", `href="#full_name"`, `href="#topics"`, `role="alert"`, "autofocus")
	}
	for _, path := range []string{"/join/winners", "/join/sites/si_0000000000001", "/join/sites/none"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := v.post("/join/associates", with(filled(), "about", strings.Repeat("x", 70<<10))); status != http.StatusTooManyRequests {
		t.Errorf("a form that is too large: %d", status)
	}
	if status, _ := v.post("/join/associates", with(filled(), "market", "moon")); status != http.StatusNotFound {
		t.Errorf("a marketplace that is not there: %d", status)
	}
}
