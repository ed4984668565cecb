package blog

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tributary/internal/egress"
	"tributary/internal/site"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) (*Sites, string) {
	t.Helper()
	s, err := New(Config{Path: path, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, at.Port()
}

// The real crawler sees on each site what a reviewer of the demo is meant to see there.
func TestSitesAsTheCrawlerSeesThem(t *testing.T) {
	s, port := open(t, "")
	for _, c := range []struct {
		name      string
		items     int
		newest    int // days
		discloses bool
	}{{Newcomer, 14, 3, true}, {Lamps, 10, 5, true}, {Radio, 11, 6, true}, {Kitchen, 4, 71, false}, {Deals, 2, 66, false}, {Knitting, 2, 96, true}} {
		t.Run(c.name, func(t *testing.T) {
			p := site.Prober{Client: egress.PublicFor(c.name + localhost + ":" + port), Wait: func(context.Context, time.Duration) error { return nil }}
			one := site.Site{Address: Address(c.name, port), Kind: site.Web}
			r := p.Crawl(context.Background(), one, now)
			if r.Items != c.items || (r.Disclosure != nil) != c.discloses || len(r.Problems) > 0 {
				t.Errorf("%d items, disclosure %v, problems %v; want %d, %v, none", r.Items, r.Disclosure, r.Problems, c.items, c.discloses)
			}
			if want := now.AddDate(0, 0, -c.newest).Format(time.DateOnly); r.Newest.Format(time.DateOnly) != want {
				t.Errorf("the newest is of %s, want %s", r.Newest.Format(time.DateOnly), want)
			}
		})
	}
	if len(s.Hosts()) != 6 {
		t.Errorf("%d sites", len(s.Hosts()))
	}
}

// What is pasted on the admin page is found by the product's own proof, stays over a restart, and is the only thing that
// comes through.
func TestAProofIsPasted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blog.json")
	_, port := open(t, path)
	client := egress.PublicFor(Newcomer + localhost + ":" + port)
	paste := func(text string) (int, string) {
		t.Helper()
		answer, err := client.PostForm(Address(Newcomer, port)+"/admin", url.Values{"paste": {text}})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := egress.Body(answer, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	one := site.Site{Address: Address(Newcomer, port), Kind: site.Web, Token: "tok-4f2c9a"}
	prober := site.Prober{Client: client}
	if err := prober.Prove(t.Context(), one, site.Meta); err == nil {
		t.Fatal("proved before anything was pasted")
	}
	for _, text := range []string{"", "<script>alert(1)</script>", one.MetaTag() + "<script>", `<meta name="refresh" content="0; url=http://x.example">`,
		`<meta http-equiv="refresh" content="0">`, "two\nlines", strings.Repeat("x", 9000)} {
		if status, body := paste(text); status != http.StatusUnprocessableEntity || strings.Contains(body, "<script>") {
			t.Errorf("%.40q: status %d", text, status)
		}
	}
	for method, text := range map[site.Method]string{site.Meta: one.MetaTag(), site.File: one.FileText()} {
		if status, _ := paste(text); status != http.StatusOK {
			t.Errorf("%s: status %d", method, status)
		}
		if err := prober.Prove(t.Context(), one, method); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	for range 9 {
		paste(one.MetaTag())
	}
	again, _ := open(t, path)
	tags, lines := again.proofsOf(Newcomer + localhost)
	if len(tags) != 1 || len(lines) != 1 {
		t.Errorf("after a restart %v, %v", tags, lines)
	}
	if err := again.Put("elsewhere", one.MetaTag()); err == nil {
		t.Error("put on a site that does not exist")
	}
}

// Another host than those of the sites is nobody's, and links between the pages lead somewhere.
func TestHosts(t *testing.T) {
	s, _ := open(t, "")
	for host, want := range map[string]int{"blog.localhost:8081": 200, "BLOG.localhost": 200, "store.localhost:8081": 404, "": 404} {
		answer := httptest.NewRecorder()
		request := httptest.NewRequest("GET", "/", nil)
		request.Host = host
		s.ServeHTTP(answer, request)
		if answer.Code != want {
			t.Errorf("%q: status %d, want %d", host, answer.Code, want)
		}
	}
	for host, one := range s.byHost {
		for _, path := range []string{"/about", "/feed.xml", "/robots.txt", "/sitemap.xml", "/style.css", "/admin", "/" + one.Articles[0].Slug} {
			answer := httptest.NewRecorder()
			request := httptest.NewRequest("GET", path, nil)
			request.Host = host
			s.ServeHTTP(answer, request)
			if answer.Code != 200 {
				t.Errorf("%s%s: status %d", host, path, answer.Code)
			}
		}
	}
	if len(wave(10)) != 54 {
		t.Errorf("a recording of ten samples has %d bytes", len(wave(10)))
	}
}
