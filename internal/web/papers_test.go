package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/browser"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/document"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/web"
	"tributary/internal/web/papers"
	"tributary/internal/web/staff"
)

// newPapers is a world whose pages have the keys with which the journal seals.
func newPapers(t testing.TB) *world {
	w := newWorld(t)
	w.pages = web.New(web.Config{DB: w.db, Clock: w.clock, Ring: w.ring, Hints: w.hints, Address: "http://go.example",
		Works: staff.Works{Accrual: w.accrual, WhatIf: w.tries}})
	t.Cleanup(w.pages.Close)
	w.server.Config.Handler = w.pages
	w.set(now)
	return w
}

// change is a form that publishes a version of the policies.
func change() url.Values {
	return url.Values{"do": {"publish"}, "title": {"Program policies"}, "summary": {"Section 2 is shorter."}, "effective": {"2026-12-07"},
		"body": {"## 1. Say that you earn\r\n\r\n1.1 Say it.\r\n\r\n## 2. New\r\n\r\n2.1 By {{.Operator}}.\r\n"}}
}

func TestDocuments(t *testing.T) {
	w := newPapers(t)
	v := w.as("")
	v.wants("/documents", "Operating agreement", "Program policies", "Rate statement", "Privacy notice", "version 1, in force since November 22",
		"!accepted", "Sign in", "/documents/agreement")
	v.wants("/documents/agreement", "between you, the creator, and Harbour Market, who runs", "Harbour Market and Harbour Market UK", `id="s-1-what-this-is-about"`,
		`href="#s-6-when-you-are-paid"`, "in force", "Version 1, published November 22", "!What changed", "!{{")
	v.wants("/documents/policies/1", "<table>", "only to people who opted in")
	for _, path := range []string{"/documents/terms", "/documents/agreement/2", "/documents/agreement/0", "/documents/agreement/x", "/documents/agreement/99999999999999999999"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := v.open("/documents/accept"); status != http.StatusForbidden {
		t.Errorf("somebody outside is asked to accept: %d", status)
	}
}

func TestAcceptDocuments(t *testing.T) {
	w := newPapers(t)
	v := w.as("Ada Lindholm")
	v.wants("/documents/accept?next=/join/associates", "Operating agreement", "Program policies", "Privacy notice", "!Rate statement", `value="agreement/1"`,
		`name="next" value="/join/associates"`)
	names := url.Values{"agreed": {"yes"}, "version": {"agreement/1", "policies/1", "privacy/1"}}
	for want, form := range map[string]url.Values{
		"is not ticked":                 {"version": {"agreement/1"}},
		"Version: names no document":    {"agreed": {"yes"}},
		"Open the page and send it":     {"agreed": {"yes"}, "version": {"agreement"}},
		"it is told":                    {"agreed": {"yes"}, "version": {"agreement/1", "rates/1"}},
		"names no document, or more th": {"agreed": {"yes"}, "version": strings.Split(strings.Repeat("agreement/1 ", 21), " ")[:21]},
	} {
		if status, body := v.post("/documents/accept", form); status != http.StatusUnprocessableEntity ||
			!strings.Contains(strings.ToLower(body), strings.ToLower(want)) || !strings.Contains(body, "Operating agreement") {
			t.Errorf("%v: %d, want %q\n%s", form, status, want, body)
		}
	}
	if status, _ := v.post("/documents/accept", url.Values{"agreed": {"yes"}, "version": {"agreement/7"}}); status != http.StatusNotFound {
		t.Errorf("a version that is not there: %d", status)
	}
	v.wants("/documents/accept", `value="agreement/1"`) // what was refused left no trace
	_, body := v.post("/documents/accept", names)
	v.holds("accepted", body, "Accepted. The date is kept", "Nothing waits")
	_, body = v.post("/documents/accept", names) // again: nothing changes
	v.holds("again", body, "Nothing waits")
	v.wants("/documents", "accepted November 22", "!waits", "!not accepted")
	w.as("Ben Okri").wants("/documents", "3 documents wait for you", "not accepted")
	w.as("The auditor").wants("/operator/documents", "1 creator", "told, not accepted", "!0 creators")
	w.write(func(tx *db.Tx) error {
		found, err := journal.Search(tx, w.ring, journal.Query{Action: "document.accepted", Limit: 10})
		if len(found.Entries) != 3 {
			t.Errorf("%d lines in the journal", len(found.Entries))
		}
		return err
	})
	for _, next := range []string{"//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "evil", "/a\r\nSet-Cookie: x"} {
		v.wants("/documents/accept?next="+url.QueryEscape(next), "!evil", "!javascript:x", "!Set-Cookie")
	}
}

func TestPublishDocument(t *testing.T) {
	w := newPapers(t)
	v := w.as("The admin")
	v.wants("/operator/documents", "Program policies", "nothing", "version 1")
	v.wants("/operator/documents/policies", "at least 14 days before", `value="2026-12-07"`, "{{.Operator}}", "The newest version is 1", "## 2. Where links may be shared")
	for field, spoil := range map[string]func(url.Values){
		"Title: is empty":                       func(f url.Values) { f.Set("title", " ") },
		"Summary: is empty":                     func(f url.Values) { f.Set("summary", "") },
		"Effective: is too soon":                func(f url.Values) { f.Set("effective", "2026-12-06") },
		"Effective: is not a date":              func(f url.Values) { f.Set("effective", "soon") },
		"Effective: lies in the past":           func(f url.Values) { f.Set("effective", "2020-01-01") },
		"Body: line 3 holds HTML":               func(f url.Values) { f.Set("body", "a\n\n<b>x</b>") },
		"Body: line 1 holds a blank that does ": func(f url.Values) { f.Set("body", "{{.Owner}}") },
		"Body: is empty":                        func(f url.Values) { f.Set("body", "") },
	} {
		for _, do := range []string{"publish", "preview"} {
			form := change()
			form.Set("do", do)
			spoil(form)
			if status, body := v.post("/operator/documents/policies", form); status != http.StatusUnprocessableEntity || !strings.Contains(body, field) {
				t.Errorf("%s: %d, want %q\n%s", do, status, field, body)
			}
		}
	}
	form := change()
	form.Set("do", "preview")
	status, body := v.post("/operator/documents/policies", form)
	v.holds("preview", body, "Preview", "By Harbour Market.", "<ins>", "<del>", "By {{.Operator}}.")
	v.wants("/operator/documents", "!version 2")
	if status != http.StatusOK {
		t.Errorf("preview: %d", status)
	}
	_, body = v.post("/operator/documents/policies", change())
	v.holds("published", body, "Published.", "version 2", "from December 7")
	if status, body := v.post("/operator/documents/policies", change()); status != http.StatusConflict || !strings.Contains(body, "says the same as version 2") {
		t.Errorf("the same again: %d\n%s", status, body)
	}
	outside := w.as("")
	outside.wants("/documents", "To come", "Section 2 is shorter.", "from December 7", "version 1, in force")
	outside.wants("/documents/policies", "Version 1", "A new version takes effect on December 7", "In force until December 7", "2 versions")
	outside.wants("/documents/policies/2", "from December 7", "2.1 By Harbour Market.", "What changed", "!1.2 On a site")
	outside.wants("/documents/policies/2?show=changes", "Section 2 is shorter.", "<ins>", "<del>", "1 paragraph unchanged", "Version 2 against version 1")
	w.as("Ada Lindholm").wants("/documents/accept", "Section 2 is shorter.", `value="policies/2"`, `value="policies/1"`, "from December 7")
	w.set(now.AddDate(0, 0, 15))
	outside.wants("/documents/policies", "2.1 By Harbour Market.", "in force", "!takes effect on")
	outside.wants("/documents/policies/1", "replaced", "1.2 On a site")
	_, body = w.as("Ada Lindholm").post("/documents/accept", url.Values{"agreed": {"yes"}, "version": {"policies/1"}})
	outside.holds("a version that is replaced", body, "program policies has a later version")
	for _, name := range []string{"The auditor", "The finance"} {
		w.as(name).wants("/operator/documents/policies", "Only an admin publishes", "!name=\"do\"")
		if status, _ := w.as(name).post("/operator/documents/policies", change()); status != http.StatusForbidden {
			t.Errorf("%s publishes: %d", name, status)
		}
	}
	if status, _ := v.post("/operator/documents/terms", change()); status != http.StatusNotFound {
		t.Errorf("another kind: %d", status)
	}
}

// The pages about documents on every screen, and a creator who accepts with the mouse.
func TestPapersOnEveryScreen(t *testing.T) {
	w := newPapers(t)
	w.as("The admin").post("/operator/documents/policies", change())
	pages := map[string][]string{
		"":             {"/documents", "/documents/agreement", "/documents/policies", "/documents/policies/2?show=changes"},
		"Ada Lindholm": {"/documents", "/documents/privacy", "/documents/accept"},
		"The admin":    {"/operator/documents", "/operator/documents/agreement"},
	}
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		for _, name := range []string{"", "Ada Lindholm", "The admin"} {
			if name != "" {
				w.signIn(p, name)
			}
			for _, path := range pages[name] {
				p.Goto(w.server.URL + path)
				browser.AXE(t, p)
				if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
					t.Errorf("%s is %d pixels wider than the screen", path, wide)
				}
			}
		}
	})
	p := browser.Open(t)
	w.signIn(p, "Ada Lindholm")
	p.Goto(w.server.URL + "/documents/accept")
	p.Click(`input[name="agreed"]`)
	p.Click(`main .button.main`)
	p.WaitText("main", "Nothing waits")
	w.write(func(tx *db.Tx) error {
		missing, err := document.Missing(tx, ada, now)
		if len(missing) > 0 {
			t.Errorf("still to accept: %v", missing)
		}
		return err
	})
}

// Whoever has an open enrolment is told, once, however often the work is done; nobody else is.
func TestPublishIsAnnounced(t *testing.T) {
	w := newPapers(t)
	w.write(func(tx *db.Tx) error { // more than one stretch of creators, and one whose enrolment is over
		for i := range 60 {
			one := creator.Creator{ID: id.ID(5000 + i), Name: fmt.Sprintf("Creator %02d", i), Handle: fmt.Sprintf("creator-%02d", i), Created: begin}
			if err := creator.Create(tx, w.ring, one, creator.Personal{}); err != nil {
				return err
			}
			key := enrolment.Key{Market: w.uk.No, Creator: one.ID, Program: enrolment.Influencer}
			for j, state := range []enrolment.State{enrolment.Active, enrolment.Closed}[:1+i%2] {
				if err := enrolment.Save(tx, key, enrolment.Standing{Since: begin.Add(time.Duration(j) * time.Hour), State: state}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	_, body := w.as("The admin").post("/operator/documents/policies", change())
	if !strings.Contains(body, "Published.") {
		t.Fatal(body)
	}
	pages := &papers.Pages{DB: w.db, Clock: w.clock, Ring: w.ring}
	runner := &job.Runner{DB: w.db, Work: map[string]job.Work{papers.AnnounceJob: pages.Announce, "mail": func(context.Context, job.Job) error { return nil }}}
	told := func() (count int) {
		for range 4 { // each stretch asks for the next one
			if err := runner.Drain(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		w.write(func(tx *db.Tx) error {
			count = 0
			for one := id.ID(1); one < 6000; one++ {
				if one == 1200 {
					one = 5000
				}
				all, err := notice.List(tx, w.ring, notice.Query{Creator: one, Limit: 10})
				if err != nil {
					return err
				}
				for _, m := range all {
					if count++; one == ada && (m.Event != "document.published" || !strings.Contains(m.Text, "Program policies changes from December 7") ||
						m.Link != "/documents/policies/2?show=changes") {
						t.Errorf("%+v", m)
					}
				}
			}
			return nil
		})
		return count
	}
	if got := told(); got != 2+30 {
		t.Errorf("%d were told, want Ada, Ben and the 30 whose enrolment is open", got)
	}
	w.write(func(tx *db.Tx) error {
		return job.Add(tx, job.Job{Kind: papers.AnnounceJob, Key: "again", Body: []byte(`{"document":"policies/2"}`)})
	})
	if got := told(); got != 2+30 {
		t.Errorf("told again: %d messages", got)
	}
	// Three days ahead of it those are reminded who have not accepted it: Ada has.
	w.as("Ada Lindholm").post("/documents/accept", url.Values{"agreed": {"yes"}, "version": {"policies/2"}})
	for _, day := range []int{1, 11, 12, 13} {
		w.set(now.AddDate(0, 0, day))
		for _, m := range []market.Market{w.us, w.uk} {
			ran, err := pages.Remind(context.Background(), m)
			if err != nil || (len(ran) == 1) != (m.No == 1 && day >= 12) {
				t.Errorf("day %d, %s: %v, %v", day, m.ID, ran, err)
			}
		}
		want := 2 + 30
		if day >= 12 {
			want += 1 + 30
		}
		if got := told(); got != want {
			t.Errorf("day %d: %d messages, want %d", day, got, want)
		}
	}
	for _, bad := range []string{"", "{", `{"document":"policies"}`, `{"document":"policies/9"}`, `{"document":"x/1"}`} {
		if err := pages.Announce(context.Background(), job.Job{Body: []byte(bad)}); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", bad, err) // anything else would be tried for days
		}
	}
}
