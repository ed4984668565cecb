package web_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/browser"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/person"
)

// decide writes entries into the audit log.
func (w *world) decide(all ...journal.Entry) {
	w.t.Helper()
	for _, e := range all {
		w.write(func(tx *db.Tx) error { return journal.Add(tx, w.ring, e) })
	}
}

// staffID is how the log names one of the staff.
func (w *world) staffID(role auth.Role) (who string) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		p, _, err := auth.OfRole(tx, role)
		who = p.ID.Text(auth.Prefix)
		return err
	})
	return who
}

// logged lets a few decisions be made, the newest by the clock.
func (w *world) logged() {
	w.t.Helper()
	w.set(now)
	reviewer := w.staffID(auth.Reviewer)
	w.decide(
		journal.Entry{At: now.AddDate(0, 0, -3), Actor: reviewer, Action: "enrolment.approved", Subject: ada.Text(id.Creator) + "/us/associates", Person: ada,
			Reason: "Twelve good articles <b>", Before: map[string]any{"state": "under_review"}, After: map[string]any{"state": "active", "sales": 3}},
		journal.Entry{At: now.AddDate(0, 0, -2), Actor: reviewer, Action: "enrolment.declined", Subject: ben.Text(id.Creator) + "/us/associates", Person: ben,
			Reason: "=thin pages"},
		journal.Entry{At: now.AddDate(0, 0, -1), Actor: journal.Command, Action: "staff.added", Subject: w.staffID(auth.Support), Reason: "first of the desk"},
		journal.Entry{At: now.Add(-time.Hour), Actor: journal.System, Action: "enrolment.closed", Subject: ben.Text(id.Creator) + "/us/associates", Person: ben,
			Reason: "day_181"})
}

func TestAuditLog(t *testing.T) {
	w := newWorld(t)
	v := w.as("The admin")
	w.set(now)
	v.wants("/operator/journal", "The log is empty", "Not verified yet")
	w.logged()
	v.wants("/operator/journal", "An enrolment was approved", "Twelve good articles &lt;b&gt;", "Ada Lindholm · us · associates", "The reviewer", "the system",
		"the command line", "November 19, 2:03", "!Older entries", ">Log<")
	for query, want := range map[string][]string{
		"q=good+ARTICLES":                    {"was approved", "!thin pages"},
		"q=nothing+of+the+kind":              {"No entry is like that"},
		"who=system":                         {"day_181", "!Twelve"},
		"who=the+reviewer":                   {"Twelve", "thin pages", "!day_181"},
		"who=Nobody":                         {"Who: is nobody of the staff", `value="Nobody"`},
		"action=enrolment.declined":          {"thin pages", "!Twelve"},
		"action=enrolment.":                  {"Twelve", "thin pages", "!first of the desk"},
		"subject=" + ben.Text(id.Creator):    {"thin pages", "day_181", "!Twelve"},
		"from=2026-11-20&to=2026-11-20":      {"thin pages", "!Twelve", "!day_181"},
		"from=2026-13-20":                    {"From: is not a date"},
		"before=x":                           {"is not the number of an entry"},
		"before=2":                           {"Twelve", "!thin pages"},
		"q=" + strings.Repeat("x", 300):      {"more than 200 bytes"},
		"q=%27+OR+1%3D1":                     {"No entry is like that"},
		"subject=" + url.QueryEscape("%"):    {"No entry is like that"},
		"market=uk&who=" + "cli":             {"first of the desk", "!Twelve"},
		"action=enrolment.&q=day&who=system": {"day_181", "!Twelve"},
	} {
		v.wants("/operator/journal?"+query, want...)
	}
	v.wants("/operator/journal/1", "Twelve good articles &lt;b&gt;", "under_review", "active", "not there", "enrolment.approved", `rel="next"`, "!rel=\"prev\"",
		"none: it is the first", ada.Text(id.Creator)+"/us/associates")
	v.wants("/operator/journal/4", "day_181", "the system", `rel="prev"`, "!rel=\"next\"", "!Before and after")
	for _, path := range []string{"/operator/journal/5", "/operator/journal/none", "/operator/journal/0"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	// Erased: the decision stays, the words go.
	w.write(func(tx *db.Tx) error { return person.Erase(tx, ada, now) })
	v.wants("/operator/journal", "was approved", "the person was erased", "!Twelve")
	v.wants("/operator/journal/1", "The person was erased, and the words with them", "!under_review")
}

// Only the admin and the auditor read the log, and the navigation shows it to no one else.
func TestWhoReadsTheLog(t *testing.T) {
	w := newWorld(t)
	w.logged()
	for _, name := range []string{"", "Ada Lindholm", "The reviewer", "The finance", "The support"} {
		v := w.as(name)
		for _, path := range []string{"/operator/journal", "/operator/journal/1", "/operator/journal/file.csv"} {
			if status, body := v.open(path); status != http.StatusForbidden || strings.Contains(body, "Twelve") {
				t.Errorf("%q opens %s: %d", name, path, status)
			}
		}
		if status, _ := v.post("/operator/journal/verify", nil); status != http.StatusForbidden {
			t.Errorf("%q verifies: %d", name, status)
		}
	}
	w.as("The support").wants("/operator", "!>Log<")
	w.as("The auditor").wants("/operator/journal", "Twelve good articles")
}

var spoilEntry = db.Statement(`UPDATE journal SET actor = 'system' WHERE no = 2`)

// The chain is verified by a button, which says how far and when; what is wrong is said in words.
func TestTheChainIsVerified(t *testing.T) {
	w := newWorld(t)
	w.logged()
	v := w.as("The auditor")
	v.sends("/operator/journal/verify", nil, "Verified up to no 4", "November 22, 2:03", "!added since")
	w.decide(journal.Entry{At: now, Actor: journal.System, Action: "enrolment.closed", Subject: "x"})
	v.wants("/operator/journal", "Verified up to no 4", "1 entry was added since")
	v.wants("/operator/journal/4", "verified</span>")
	v.wants("/operator/journal/5", "!verified</span>")
	w.write(func(tx *db.Tx) error { _, err := tx.Exec(spoilEntry); return err })
	v.sends("/operator/journal/verify", nil, "1 problem was found", "entry 2 is not as it was written", "The chain was sound up to no 4 before")
	v.wants("/operator/journal/4", "!verified</span>")
}

// The file holds what the address asks for, all pages of it, and no formulas.
func TestTheLogAsAFile(t *testing.T) {
	w := newWorld(t)
	w.logged()
	for range journal.MaxPage {
		w.decide(journal.Entry{At: now, Actor: journal.System, Action: "enrolment.closed", Subject: "document/x", Reason: "many"})
	}
	v := w.as("The admin")
	read := func(path string) [][]string {
		t.Helper()
		status, body := v.open(path)
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if status != http.StatusOK || err != nil {
			t.Fatalf("%s: %d, %v", path, status, err)
		}
		return rows
	}
	all := read("/operator/journal/file.csv")
	if len(all) != 1+4+journal.MaxPage || all[1][0] != "204" || all[len(all)-1][0] != "1" {
		t.Errorf("%d rows, first %v", len(all), all[1])
	}
	some := read("/operator/journal/file.csv?action=enrolment.declined")
	if len(some) != 2 || some[1][7] != "'=thin pages" || some[1][3] != "The reviewer" || len(some[1][11]) != 64 {
		t.Errorf("%v", some)
	}
	if status, _ := v.open("/operator/journal/file.csv?from=never"); status != http.StatusUnprocessableEntity {
		t.Errorf("a date that is none: %d", status)
	}
	v.wants("/operator/journal?q=many", "Older entries")
}

func TestAuditLogOnEveryScreen(t *testing.T) {
	w := newWorld(t)
	w.logged()
	w.as("The auditor").sends("/operator/journal/verify", nil, "Verified up to")
	browser.EachView(t, func(t *testing.T, p *browser.Page) {
		w.signIn(p, "The admin")
		for _, path := range []string{"/operator/journal", "/operator/journal?q=nothing", "/operator/journal/1", "/operator/journal?who=Nobody"} {
			p.Goto(w.server.URL + path)
			browser.AXE(t, p)
			if wide := browser.Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s is %d pixels wider than the screen", path, wide)
			}
		}
	})
}
