package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tributary/internal/auth"
)

// Who may open what: every route, every role, and somebody who has not signed in. A route that is not in this table
// fails the test, and so does a row without a route.
func TestRoutesAndRoles(t *testing.T) {
	w := newWorld(t)
	w.live()
	creators, staff, all, open, books := "creator", "staff", "all", "open", "admin finance auditor"
	table := map[string]string{
		"GET /{$}": open, "GET /assets/{name}": open, "GET /login": open, "POST /login": open, "POST /logout": open,
		"GET /rates": open, "GET /rates/{marketplace}": open,
		"GET /home":    all,
		"GET /creator": creators, "GET /creator/events": creators, "GET /creator/earnings": creators, "GET /creator/earnings.csv": creators,
		"GET /creator/lines/{order}/{line}": creators, "GET /creator/lines/{order}/{line}/facts": creators, "GET /creator/links": creators,
		"POST /creator/links": creators, "POST /creator/tracking": creators,
		"GET /creator/reports": creators, "GET /creator/rates": creators, "POST /creator/bounties": creators, "GET /creator/bounties/{bounty}": creators, "GET /creator/bounties/{bounty}/facts": creators,
		"GET /creator/ask": creators, "POST /creator/claims": creators, "GET /creator/claims/{claim}": creators, "POST /creator/claims/{claim}": creators,
		"GET /operator": staff, "GET /operator/events": staff, "GET /operator/orders": staff, "GET /operator/orders/{order}": staff,
		"GET /operator/lines/{order}/{line}": staff, "GET /operator/lines/{order}/{line}/facts": staff, "GET /operator/rates": staff,
		"GET /operator/creators": staff, "GET /operator/creators/{creator}": staff,
		"POST /operator/orders/{order}/disqualify": "admin reviewer",
		"GET /operator/claims":                     staff, "GET /operator/claims/{claim}": staff, "POST /operator/claims/{claim}": "admin reviewer support",
		"GET /operator/corrections": staff, "GET /operator/corrections/{correction}": staff, "POST /operator/corrections": "admin finance",
		"POST /operator/corrections/{correction}/decide": "admin finance", "POST /operator/corrections/{correction}/post": "admin finance",
		"POST /operator/corrections/{correction}/reverse":  "admin reviewer",
		"POST /operator/corrections/{correction}/withdraw": "admin finance reviewer support", "GET /operator/adjust": "admin finance",
		"GET /operator/reports": books, "GET /operator/reports/margin.csv": books, "GET /operator/reports/attribution": books,
		"GET /operator/reports/attribution.csv": books, "GET /operator/reports/reasons": books, "GET /operator/reports/reasons.csv": books,
		"GET /operator/reports/free": books,
		"GET /operator/rates/drafts": staff, "POST /operator/rates/drafts": "admin finance", "GET /operator/rates/drafts/{draft}": staff,
		"GET /operator/rates/drafts/{draft}/text": staff, "POST /operator/rates/drafts/{draft}/text": "admin finance",
		"GET /operator/rates/drafts/{draft}/form": staff, "POST /operator/rates/drafts/{draft}/form": "admin finance",
		"GET /operator/rates/drafts/{draft}/rates.yaml": staff, "POST /operator/rates/drafts/{draft}/discard": "admin finance",
		"POST /operator/rates/drafts/{draft}/publish": "admin",
		"GET /operator/whatif":                        books, "POST /operator/whatif": "admin finance", "GET /operator/whatif/{run}": books,
		"GET /operator/whatif/{run}/rows.csv": books, "POST /operator/whatif/{run}/cancel": "admin finance",
		"GET /operator/bounties": staff, "POST /operator/bounties": "admin", "POST /operator/bounties/{bounty}/end": "admin",
		"GET /operator/coupons": staff, "POST /operator/coupons": "admin reviewer", "POST /operator/coupons/{code}/end": "admin reviewer",
	}
	for _, pattern := range w.pages.Patterns() {
		if _, ok := table[pattern]; !ok {
			t.Errorf("%s has no row in this table", pattern)
		}
	}
	if len(w.pages.Patterns()) != len(table) {
		t.Errorf("%d routes, %d rows", len(w.pages.Patterns()), len(table))
	}
	fill := strings.NewReplacer("{$}", "", "{name}", "none", "{order}", "2001", "{line}", "1", "{creator}", ada.Text("cr_"), "{marketplace}", "us", "{claim}", "clm_0000000000001", "{bounty}", "b-1")
	names := map[auth.Role]string{"": "", auth.Creator: "Ada Lindholm"}
	for _, role := range auth.Everybody[1:] {
		names[role] = "The " + string(role)
	}
	for role, name := range names {
		v := w.as(name)
		for pattern, who := range table {
			method, path, _ := strings.Cut(pattern, " ")
			if who == open || strings.HasSuffix(path, "/events") && allowed(who, role) {
				continue // streams do not end; they have a test of their own
			}
			status, _ := v.open(fill.Replace(path))
			if method == http.MethodPost {
				status, _ = v.post(fill.Replace(path), url.Values{})
			}
			if in := status != http.StatusForbidden; in != allowed(who, role) {
				t.Errorf("%q at %s: status %d, allowed %v", role, pattern, status, allowed(who, role))
			}
		}
	}
}

func allowed(who string, role auth.Role) bool {
	switch who {
	case "creator":
		return role == auth.Creator
	case "staff":
		return role != auth.Creator && role != ""
	case "all":
		return role != ""
	}
	return role != "" && slices.Contains(strings.Fields(who), string(role)) // the roles by name
}

func TestSigningIn(t *testing.T) {
	w := newWorld(t)
	v := w.as("")
	if status, body := v.open("/creator"); status != http.StatusForbidden || !strings.Contains(body, "Sign in with your link") {
		t.Errorf("somebody outside: %d\n%s", status, body)
	}
	v.wants("/login", "Sign in with your link")
	if status, _ := v.post("/login", url.Values{"token": {"a guess"}}); status != http.StatusForbidden {
		t.Errorf("a guess: %d", status)
	}
	v = w.as("Ada Lindholm")
	v.wants("/", "Where your money is")
	if status, body := v.post("/logout", nil); status != http.StatusOK || !strings.Contains(body, "Sign in with your link") {
		t.Errorf("signing out: %d", status)
	}
	if status, _ := v.open("/creator"); status != http.StatusForbidden {
		t.Errorf("after signing out: %d", status)
	}
}

// A link that is good once is not spent by looking at it.
func TestOneTimeLink(t *testing.T) {
	w := newWorld(t)
	token := w.oneTime("Ada Lindholm")
	v := w.as("")
	v.wants("/login?token="+token, "Continue", "!Where your money is")
	if _, body := v.post("/login", url.Values{"token": {token}}); !strings.Contains(body, "Where your money is") {
		t.Errorf("the link does not sign in:\n%s", body)
	}
	if status, _ := w.as("").post("/login", url.Values{"token": {token}}); status != http.StatusForbidden {
		t.Errorf("the link signs in twice: %d", status)
	}
}

func TestAnotherSiteSendsAForm(t *testing.T) {
	w := newWorld(t)
	v := w.as("Ada Lindholm")
	request, err := http.NewRequest(http.MethodPost, w.server.URL+"/creator/tracking", strings.NewReader("name=stolen"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := v.client.Do(request)
	if status, body := v.read(response, err); status != http.StatusForbidden || !strings.Contains(body, "another site") {
		t.Errorf("%d\n%s", status, body)
	}
}

func TestHeadersAndAssets(t *testing.T) {
	w := newWorld(t)
	v := w.as("Ada Lindholm")
	request, err := http.NewRequest(http.MethodGet, w.server.URL+"/creator", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "gzip") // named, so that the client does not unpack it
	response, err := v.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for name, want := range map[string]string{"Content-Encoding": "gzip", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := response.Header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("policy %q", got)
	}
	packed, err := io.ReadAll(response.Body)
	if err != nil || len(packed) > 50_000 {
		t.Errorf("home is %d bytes, %v", len(packed), err)
	}
	reader, err := gzip.NewReader(strings.NewReader(string(packed)))
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, attribute := range []string{`rel="stylesheet" href="`, `script src="`} {
		_, rest, found := strings.Cut(string(html), attribute)
		address, _, _ := strings.Cut(rest, `"`)
		if !found || !strings.HasPrefix(address, "/assets/") {
			t.Fatalf("%s leads to %q", attribute, address)
		}
		response, err := v.client.Get(w.server.URL + address)
		if status, body := v.read(response, err); status != http.StatusOK || len(body) < 500 || !strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %d bytes", address, status, len(body))
		}
	}
	if strings.Contains(string(html), "style=") || strings.Contains(string(html), "onclick") {
		t.Error("the page holds what its policy refuses")
	}
}

func TestNothingThere(t *testing.T) {
	v := newWorld(t).as("Ada Lindholm")
	for _, path := range []string{"/nowhere", "/assets/none", "/creator/lines/none/1", "/creator?market=fr", "/creator/links?made=none", "/creator?market=../x"} {
		if status, body := v.open(path); status != http.StatusNotFound || !strings.Contains(body, "There is nothing here") {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
	}
}
