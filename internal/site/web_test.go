package site_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/egress"
	"tributary/internal/id"
	"tributary/internal/secret"
	"tributary/internal/site"
)

// web is a site on this machine that is found under blog.example: a page or handler for each path.
type web struct {
	*testing.T
	prober *site.Prober
	pages  map[string]any // string: a page of HTML; http.HandlerFunc
	mu     sync.Mutex
	asked  []string // in order
	agents map[string]bool
	waited []time.Duration
	txt    map[string][]string
}

func newWeb(t *testing.T) *web {
	w := &web{T: t, pages: map[string]any{}, agents: map[string]bool{}, txt: map[string][]string{}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	at := strings.TrimPrefix(server.URL, "http://")
	w.prober = &site.Prober{
		Client: egress.PublicFor("blog.example:80="+at, "www.blog.example:80="+at, "feeds.example:80="+at, "away.example:80="+at),
		TXT: func(_ context.Context, host string) ([]string, error) {
			if found, ok := w.txt[host]; ok {
				return found, nil
			}
			return nil, nil
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			w.waited = append(w.waited, d)
			return ctx.Err()
		},
	}
	return w
}

func (w *web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	address := r.URL.RequestURI()
	if host := r.Host; host != "blog.example" {
		address = "//" + host + address
	}
	w.mu.Lock()
	w.asked = append(w.asked, address)
	w.agents[r.UserAgent()] = true
	page := w.pages[address]
	w.mu.Unlock()
	switch page := page.(type) {
	case string:
		if strings.HasPrefix(page, "<?xml") || strings.HasPrefix(page, "<rss") {
			out.Header().Set("Content-Type", "application/xml; charset=utf-8")
		} else if strings.HasPrefix(page, "<") {
			out.Header().Set("Content-Type", "text/html; charset=utf-8")
		} else {
			out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		io.WriteString(out, page)
	case func(http.ResponseWriter, *http.Request):
		page(out, r)
	default:
		http.NotFound(out, r)
	}
}

func redirect(to string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

func raw(media string, body []byte) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{media}
		w.Write(body)
	}
}

func (w *web) site(address string) site.Site {
	w.Helper()
	normal, err := site.Address(address)
	if err != nil {
		w.Fatal(err)
	}
	return site.Site{ID: 1, Creator: ada, Address: normal, Kind: site.Web, State: site.Pending,
		Token: site.Token(secret.FixedRing("sites"), id.ID(ada), "blog.example")}
}

func (w *web) crawl(address string) site.Report {
	w.Helper()
	return w.prober.Crawl(w.Context(), w.site(address), begin)
}

// codes lists the codes of a report's problems.
func codes(r site.Report) string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, p.Code)
	}
	return strings.Join(all, " ")
}

// article is a page of so many words that no other number has.
func article(number, words int, head string) string {
	var text strings.Builder
	for i := range words {
		fmt.Fprintf(&text, "w%dx%d ", number, i)
		if i%40 == 39 {
			text.WriteString("</p><p>")
		}
	}
	return fmt.Sprintf(`<!doctype html><html><head><title>Article %d</title>%s</head><body><nav><a href="/">Home</a> <a href="/tag/a">A</a></nav>
<main><article><h1>Article %d</h1><p>%s</p></article></main><footer>Blog, the one with a long footer of many words</footer></body></html>`,
		number, head, number, text.String())
}

func home(links ...string) string {
	var list strings.Builder
	for _, to := range links {
		fmt.Fprintf(&list, `<li><a href="%s">Read %s</a></li>`, to, to)
	}
	return `<!doctype html><html><head><title>Ada's kitchen</title></head><body><ul>` + list.String() + `</ul></body></html>`
}
