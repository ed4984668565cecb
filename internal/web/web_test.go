package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSigningIn(t *testing.T) {
	w := newWorld(t)
	v := w.as("")
	if status, body := v.open("/creator"); status != http.StatusForbidden || !strings.Contains(body, "Were you given a login link") {
		t.Errorf("somebody outside: %d\n%s", status, body)
	}
	v.wants("/login", "Were you given a login link")
	if status, _ := v.post("/login", url.Values{"token": {"a guess"}}); status != http.StatusForbidden {
		t.Errorf("a guess: %d", status)
	}
	v = w.as("Ada Lindholm")
	v.wants("/", "Where your money is")
	if status, body := v.post("/logout", nil); status != http.StatusOK || !strings.Contains(body, "Were you given a login link") {
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
