package egress

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tributary/internal/fault"
)

func TestOperatorDialsOnlyWhatIsConfigured(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:9")
	t.Setenv("http_proxy", "http://192.0.2.1:9")
	secret := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request came through")
	}))
	defer secret.Close()
	configured := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, secret.URL, http.StatusFound)
			return
		}
		io.WriteString(w, "hello")
	}))
	defer configured.Close()
	client, err := Operator(configured.URL + "/v1/anything")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get(configured.URL + "/other/path")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	for _, address := range []string{
		secret.URL, configured.URL + "/away", "http://127.0.0.1:1/", "http://[::1]:80/", "https://example.com/",
	} {
		if answer, err := client.Get(address); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v %v", address, answer, err)
		}
	}
}

func TestOperatorKnowsLocalhostNames(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Host)
	}))
	server.Start()
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	name := "http://Store.localhost:" + address.Port()
	client, err := Operator(name)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); !strings.EqualFold(string(body), strings.TrimPrefix(name, "http://")) {
		t.Errorf("answered as %s", body)
	}
}

func TestOperatorRefusesWhatIsNoAddress(t *testing.T) {
	for _, text := range []string{"", "localhost:8080", "ftp://host/", "http://", "http://[::1"} {
		if _, err := Operator(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
