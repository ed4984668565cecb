package web_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/whatif"
)

// uploads sends a form with a file in it.
func (v *visitor) uploads(path string, fields map[string]string, file string) (int, string) {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			v.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "rates.yaml")
	if err != nil {
		v.t.Fatal(err)
	}
	_, _ = part.Write([]byte(file))
	_ = form.Close()
	request, err := http.NewRequest(http.MethodPost, v.server.URL+path, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := v.client.Do(request)
	return v.read(response, err)
}

// draft begins a draft and gives its address.
func (v *visitor) draft(name string) string {
	v.t.Helper()
	v.sends("/operator/rates/drafts", url.Values{"name": {name}}, name, "What publishing it would change", "Nothing changes")
	body := v.wants("/operator/rates/drafts", name)
	_, rest, _ := strings.Cut(body, `aria-label="Drafts"`)
	at, _, _ := strings.Cut(linkTo(rest, "/operator/rates/drafts/dr_"), "?")
	return at
}

// text is what a draft says.
func (v *visitor) text(at string) string {
	v.t.Helper()
	status, body := v.open(at + "/rates.yaml")
	if status != http.StatusOK {
		v.t.Fatalf("%s: %d", at, status)
	}
	return body
}

// fields are those of a page's form, as a browser would send them.
func fields(body, form string) url.Values {
	_, rest, _ := strings.Cut(body, `action="`+form+`"`)
	rest, _, _ = strings.Cut(rest, "</form>")
	all := url.Values{}
	for _, part := range strings.Split(rest, "<input ")[1:] {
		tag, _, _ := strings.Cut(part, ">")
		name, value := html.UnescapeString(cutOut(tag, `name="`, `"`)), html.UnescapeString(cutOut(tag, `value="`, `"`))
		if strings.Contains(tag, `type="checkbox"`) && !strings.Contains(tag, "checked") || strings.Contains(tag, `type="file"`) {
			continue
		}
		all.Add(name, value)
	}
	for _, part := range strings.Split(rest, "<textarea ")[1:] {
		_, text, _ := strings.Cut(part, ">")
		text, _, _ = strings.Cut(text, "</textarea>")
		all.Add(cutOut(part, `name="`, `"`), html.UnescapeString(strings.TrimPrefix(text, "\n")))
	}
	for _, part := range strings.Split(rest, "<select ")[1:] {
		options, _, _ := strings.Cut(part, "</select>")
		value := cutOut(options, `<option value="`, `"`)
		for _, option := range strings.Split(options, "<option ")[1:] {
			if tag, _, _ := strings.Cut(option, ">"); strings.Contains(tag, "selected") {
				value = cutOut(tag, `value="`, `"`)
			}
		}
		all.Add(cutOut(part, `name="`, `"`), html.UnescapeString(value))
	}
	return all
}

func TestRatesInForce(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v := w.as("The auditor")
	v.wants("/operator/rates", "In force since June 1", "From December 22", "product KETTLE-1", "cut", "rise", "Everything else", "2 versions, with what each changed",
		"product KETTLE-1 from 4 % to 9 %", "None runs, and none is to come.", "No creator has a rate of the own.", "!Change rates", "!Above the seller")
	v.wants("/operator/rates?kind=onsite", "No card of this kind yet")
	v.wants("/operator/rates/drafts", "No draft yet", "!New draft")
	admin := w.as("The admin")
	at := admin.draft("Everything")
	text := strings.Replace(admin.text(at), "marketplace: us\n", "marketplace: us\n", 1) + `
seller_fee: {default: 8}
promotions:
  - {name: Winter sale, from: 2026-11-25, until: 2026-11-30, categories: [Home], add: 1}
  - {name: Whole year, from: 2027-01-01, until: 2027-12-31, multiply: 1.5, kinds: [offsite], new_customers: true}
contracts:
  - {creator: ada, rate: 12, cap: 10.00, from: 2026-12-01}
volume: {from: 2027-01, bands: [{above: 1000.00, extra: 2}]}
`
	admin.sends(at+"/text", url.Values{"text": {text}, "seen": {field(admin.wants(at+"/text"), "seen")}}, "Saved.")
	body := admin.wants(at, "seller_fee card, version 1", "promotion Winter sale", "contract of ada", "volume tiers, version 1", "Allowed, and probably not meant",
		"is above the seller&#39;s fee of 8 %", "Publish this plan")
	admin.sends(at+"/publish", fields(body, at+"/publish"), "Published.", "What it changed", "contract of Ada Lindholm", "seller_fee card, version 1", `aria-current="step"`)
	v.wants("/operator/rates", "Winter sale", "Home: 1 % more", "to come", "Whole year", "Ada Lindholm", "12 % on everything, at most 10.00 USD per unit",
		"2 % more above 1000.00 USD a month", "Above the seller's fee", "product KETTLE-1")
	w.set(now.AddDate(0, 0, 20))
	v.wants("/operator/rates", "1 promotion that is over", "since December 1")
	v.wants("/operator/rates?kind=seller_fee", "8 %")
}

// A draft's life: begun from what is there, written by form and as text, planned, published.
func TestDraft(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	finance, admin := w.as("The finance"), w.as("The admin")
	finance.refused("/operator/rates/drafts", url.Values{"name": {""}}, http.StatusUnprocessableEntity, "Name: is not a name")
	at := finance.draft("Kitchen in spring")
	finance.wants("/operator/rates", "Kitchen in spring")
	form := at + "/form"
	body := finance.wants(form, "Home &gt; Kitchen", "4.5", "20.00", "Gift Cards", "+ a later one", "from 2026-12-22")
	sent := fields(body, form)
	if got := sent["cwhat"]; len(got) != 2+4 || got[1] != "Home > Kitchen" {
		t.Fatalf("the form holds %q", got)
	}
	// Only what differs is written, and notes in the text stay.
	text := strings.Replace(finance.text(at), "  rates:\n", "  rates: # as agreed with Kim\n", 1)
	finance.sends(at+"/text", url.Values{"text": {strings.ReplaceAll(text, "\n", "\r\n")}, "seen": sent["seen"]}, "Saved.", "as agreed with Kim")
	finance.refused(form, sent, http.StatusConflict, "somebody else has changed it meanwhile")
	sent = fields(finance.wants(form), form)
	sent["crate"][1], sent["cwhat"][2], sent["crate"][2] = "5", "Home > Garden", "101"
	finance.refused(form, sent, http.StatusUnprocessableEntity, "Home &gt; Garden: 101 % is not between 0 and 100 %", `value="101"`, `aria-invalid="true"`)
	sent["crate"][2] = "3.5"
	finance.sends(form, sent, "Saved.", "Home &gt; Garden")
	if got := finance.text(at); !strings.Contains(got, "rates: # as agreed with Kim") || !strings.Contains(got, `"Home > Garden": 3.5`) ||
		!strings.Contains(got, `"Home > Kitchen": {rate: 5, cap: 20.00}`) {
		t.Errorf("the form wrote\n%s", got)
	}
	finance.wants(at, "offsite card, version 3", "Home &gt; Kitchen from 4.5 % to 5 %", "Home &gt; Garden from 4 % to 3.5 %", "from December 7", "An admin publishes it.", "!Publish this plan")
	// Somebody else works on the text: the plan that was shown is not published.
	shown := admin.wants(at, "Publish this plan")
	seen := fields(shown, at+"/publish")
	sent = fields(finance.wants(form), form)
	sent.Set("default", "4.25")
	finance.sends(form, sent, "Saved.")
	admin.refused(at+"/publish", seen, http.StatusConflict, "somebody has changed it since its plan was shown")
	body = admin.wants(at, "default from 4 % to 4.25 %")
	admin.sends(at+"/publish", fields(body, at+"/publish"), "Published.", "in force December 7", "What it changed")
	admin.refused(at+"/discard", nil, http.StatusConflict, "it was published")
	finance.wants(at+"/form", "!Save</button>")
	finance.wants(at+"/text", "!<textarea")
	w.set(now.AddDate(0, 0, 20))
	finance.wants("/operator/rates/drafts", "effective")
	finance.wants("/operator/rates", "In force since December 7", "4.25 %")
	if status, _ := finance.open(at + "?market=uk"); status != http.StatusNotFound {
		t.Errorf("the draft is in another marketplace, too: %d", status)
	}
}

// What cannot be read names its line, in the text as in the form; an unfinished text is kept.
func TestUnfinishedDraft(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v := w.as("The admin")
	at := v.draft("Rough")
	text := strings.Replace(v.text(at), "Gift Cards: 0", "Gift Cards: all", 1)
	number := strings.Count(text[:strings.Index(text, "Gift Cards: all")], "\n") + 1
	seen := field(v.wants(at+"/text"), "seen")
	v.sends(at+"/text", url.Values{"text": {text}, "seen": {seen}}, "Saved.", "(line "+id2(number)+")", "Gift Cards: all", `aria-invalid="true"`)
	v.wants(at, "(line "+id2(number)+")", "Mend it in the text", "!Publish this plan", "!Run it over")
	v.wants(at+"/form", "The form shows a text that can be read", "!Save</button>")
	v.refused(at+"/text", url.Values{"text": {"x"}, "seen": {seen}}, http.StatusConflict, "somebody else has changed it meanwhile", ">\nx</textarea>")
	v.refused(at+"/publish", url.Values{"plan": {"7"}, "seen": {field(v.wants(at+"/text"), "seen")}}, http.StatusUnprocessableEntity, "(line ")
	v.refused(at+"/publish", nil, http.StatusUnprocessableEntity, "look at the plan")
	if status, body := v.uploads(at+"/text", map[string]string{"name": "Rough", "text": "ignored"}, "marketplace: us\ncurrency: USD\n"); status != http.StatusOK ||
		!strings.Contains(body, "Saved.") || v.text(at) != "marketplace: us\ncurrency: USD\n" {
		t.Errorf("upload: %d\n%s", status, body)
	}
	if status, body := v.uploads("/operator/rates/drafts", map[string]string{"name": "Sent"}, "marketplace: us\ncurrency: USD\nvolume: {bands: [{above: 10.00, extra: 1}]}\n"); status != http.StatusOK ||
		!strings.Contains(body, "volume tiers, version 1") {
		t.Errorf("upload of a new draft: %d\n%s", status, body)
	}
	if status, _ := v.uploads(at+"/text", nil, strings.Repeat("x", ratefile.MaxFile+200_000)); status != http.StatusTooManyRequests {
		t.Errorf("a file that is too large: %d", status)
	}
	if status, body := v.post("/operator/corrections", url.Values{"words": {strings.Repeat("x", 3<<20)}}); status != http.StatusTooManyRequests ||
		!strings.Contains(body, "larger than") {
		t.Errorf("a form that is too large: %d\n%s", status, body)
	}
	v.sends(at+"/discard", nil, "The draft is gone.", "!Rough")
	for _, path := range []string{at, at + "/text", at + "/form", at + "/rates.yaml", "/operator/rates/drafts/none"} {
		if status, _ := v.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func id2(n int) string {
	return strings.TrimSpace(time.Duration(n).String()[:len(time.Duration(n).String())-2])
}

// Every section of a draft has a form, and what the form writes is what was typed.
func TestFormsOfADraft(t *testing.T) {
	w := newWorld(t)
	w.set(now)
	v := w.as("The admin")
	at := v.draft("All parts")
	form := at + "/form"
	part := func(name string) url.Values { return fields(v.wants(form+"?part="+name), form) }
	fees := part("seller_fee")
	fees.Set("default", "15")
	fees["cwhat"][0], fees["crate"][0], fees["climit"][0] = "Media", "20", "0.30"
	v.sends(form, fees, "Saved.", "0.30")

	sale := part("promotions")
	for name, value := range map[string]string{"promo": "Summer & sun", "from": "2027-06-01", "until": "2027-06-30", "change": "multiply", "value": "1.5", "categories": "Home\nGift Cards", "kinds0": "offsite", "new": "0"} {
		sale.Set(name, value)
	}
	wrong := url.Values{}
	for name, values := range sale {
		wrong[name] = append([]string{}, values...)
	}
	wrong.Set("until", "2027-05-01")
	v.refused(form, wrong, http.StatusUnprocessableEntity, "Summer &amp; sun: until: is not after its beginning", "2027-05-01", "Home\nGift Cards")
	v.sends(form, sale, "Saved.", "Summer &amp; sun")

	own := part("contracts")
	own["creator"][0], own["rate"][0], own["limit"][0], own["from"][0], own["until"][0] = "ada", "7", "10", "2026-12-24T18:00:00Z", "2027-01-31"
	own.Set("plain", "0")
	v.sends(form, own, "Saved.", "ada")

	tiers := part("volume")
	tiers["above"][0], tiers["extra"][0] = "1000", "2"
	v.sends(form, tiers, "Saved.")

	later := fields(v.wants(form+"?part=offsite&version=2"), form)
	later.Set("effective", "2027-03-01")
	later["crate"][1] = "6"
	v.sends(form, later, "Saved.", "from 2027-03-01")

	for _, want := range []string{"Media: {rate: 20, minimum: 0.30}", `name: "Summer & sun"`, "multiply: 1.5", "categories: [Gift Cards, Home]", "new_customers: true",
		"creator: ada", `from: 2026-12-24T18:00:00Z`, "until: 2027-01-31", "promotions: false", "{above: 1000.00, extra: 2}", "- effective: 2027-03-01"} {
		if !strings.Contains(v.text(at), want) {
			t.Errorf("the text does not hold %q:\n%s", want, v.text(at))
		}
	}
	body := v.wants(at, "seller_fee card, version 1", "promotion Summer", "contract of ada", "volume tiers, version 1", "offsite card, version 3")
	v.sends(at+"/publish", fields(body, at+"/publish"), "Published.")

	// What is there is taken back by emptying its name: a section that was there is meant as a whole.
	w.set(now.Add(time.Minute)) // the newest draft stands first
	at = v.draft("Without the sale")
	form = at + "/form"
	sale = part("promotions")
	sale["promo"][0], sale["value"][0] = "", ""
	v.sends(form, sale, "Saved.")
	if got := v.text(at); !strings.Contains(got, "promotions: []") {
		t.Errorf("the text says\n%s", got)
	}
	v.wants(at, "promotion Summer &amp; sun", "ends")
	for _, name := range []string{"onsite", "boosted"} {
		empty := part(name)
		v.refused(form, empty, http.StatusUnprocessableEntity, "Default:")
	}
	v.refused(form, url.Values{"part": {"nonsense"}, "seen": sale["seen"]}, http.StatusConflict, "somebody else")
	v.refused(form, url.Values{"part": {"nonsense"}}, http.StatusUnprocessableEntity, "is no part of a draft")
}

// What a draft would have cost: asked, worked off, read, exported; nothing is posted.
func TestWhatIf(t *testing.T) {
	w := newWorld(t)
	w.live()
	before := w.balance(ada)
	finance := w.as("The finance")
	finance.wants("/operator/whatif", "Nothing was tried yet", "Try something", "2026-08-24")
	at := finance.draft("Twice as much")
	form := at + "/form"
	sent := fields(finance.wants(form), form)
	sent["crate"][1] = "9"
	finance.sends(form, sent, "Saved.")
	try := fields(finance.wants(at, "Run it over the last 90 days", "It was not run over past orders yet"), "/operator/whatif")
	body := finance.sends("/operator/whatif", try, "The run has begun.", "Twice as much", "Waiting until", "data-again", "Look again")
	run := "/operator/whatif/" + cutOut(body, `action="/operator/whatif/`, `/cancel"`)
	finance.wants("/operator/whatif", "waits", "The finance", "data-again")
	if status, _ := finance.open(run + "/rows.csv"); status != http.StatusConflict {
		t.Errorf("a file without an answer: %d", status)
	}
	w.works()
	finance.becomes(run, "What creators would have got")
	// Six lines of kettles earn 4.41 more each: the ones of the last ninety days that are neither returned nor lost.
	body = finance.wants(run, "done", "Ada Lindholm", "KETTLE-1", "4.5 %", "9 %", "What creators would have got", "By creator", "September 2026", "!data-again")
	finance.wants(run+"?by=category", "Home &gt; Kitchen &gt; Kettles")
	finance.wants(linkTo(body, "/operator/lines/"), "Why $")
	status, file := finance.open(run + "/rows.csv?by=creator")
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if status != http.StatusOK || err != nil || len(rows) < 3 || !strings.Contains(file, "Ada Lindholm") {
		t.Errorf("the file: %d, %v\n%s", status, err, file)
	}
	finance.wants(at, "done", "Twice as much")
	w.as("The auditor").wants(run, "done", "!Cancel")
	if status, _ := w.as("The support").open(run); status != http.StatusForbidden {
		t.Errorf("support reads it: %d", status)
	}
	if after := w.balance(ada); after.Pending != before.Pending || after.Payable != before.Payable || after.Earned() != before.Earned() {
		t.Errorf("balances moved: %+v, then %+v", before, after)
	}

	rules := url.Values{"from": {"2026-08-01"}, "until": {"2026-11-22"}, "session_hours": {"100"}, "paid_earns": {"yes"}, "name": {"Longer sessions"}}
	longer := finance.lands("/operator/whatif", rules)
	finance.wants(longer, "Longer sessions", "Hours of a session: 100", "Paid traffic earns: true")
	finance.becomes(longer, "What creators would have got")
	for name, c := range map[string]struct{ field, value, want string }{
		"nothing":  {"session_hours", "", "changes nothing"},
		"a number": {"session_hours", "9999", "may be 1 to 720"},
		"a date":   {"from", "x", "is not a date"},
		"an order": {"until", "2026-07-01", "is not after the beginning"},
		"a draft":  {"draft", "dr_0000000000001", "there is no such draft"},
	} {
		form := url.Values{"from": {"2026-08-01"}, "until": {"2026-11-22"}, "session_hours": {"100"}}
		form.Set(c.field, c.value)
		status, body := finance.post("/operator/whatif", form)
		if status < 400 || !strings.Contains(body, c.want) || !strings.Contains(body, "Try something") {
			t.Errorf("%s: %d\n%s", name, status, body)
		}
	}
	for _, path := range []string{"/operator/whatif/none", "/operator/whatif/wi_0000000000001", run + "?market=uk"} {
		if status, _ := finance.open(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	finance.refused(run+"/cancel", nil, http.StatusConflict, "has ended already")
}

// lands posts a form and gives the path of the page that it leads to.
func (v *visitor) lands(path string, form url.Values) string {
	v.t.Helper()
	response, err := v.client.PostForm(v.server.URL+path, form)
	if status, body := v.read(response, err); status != http.StatusOK {
		v.t.Fatalf("%s: %d\n%s", path, status, body)
	}
	return response.Request.URL.Path
}

func TestWhatIfIsCancelled(t *testing.T) {
	w := newWorld(t)
	w.live()
	v := w.as("The admin")
	body := v.sends("/operator/whatif", url.Values{"from": {"2026-08-01"}, "until": {"2026-11-22"}, "session_hours": {"100"}}, "Other rules")
	run := "/operator/whatif/" + cutOut(body, `action="/operator/whatif/`, `/cancel"`)
	v.sends(run+"/cancel", nil, "The run is cancelled.", "It was cancelled", "!data-again")
	v.wants("/operator/whatif", "cancelled")
}

// works works runs off until the test ends.
func (w *world) works() {
	ctx, stop := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.tries.Work(ctx) }()
	w.t.Cleanup(func() { stop(); <-done })
}

// becomes waits until a run has its answer.
func (v *visitor) becomes(run, text string) {
	v.t.Helper()
	which, err := id.Parse("run", id.WhatIf, strings.TrimPrefix(run, "/operator/whatif/"))
	if err != nil {
		v.t.Fatal(err)
	}
	patience := time.After(30 * time.Second)
	for open := true; open; {
		select {
		case <-patience:
			v.t.Fatal("the run does not end")
		case <-time.After(20 * time.Millisecond):
		}
		if err := v.db.Read(v.t.Context(), func(tx *db.Tx) error {
			found, err := whatif.Find(tx, which)
			open = found.State.Open()
			return err
		}); err != nil {
			v.t.Fatal(err)
		}
	}
	v.wants(run, text)
}
