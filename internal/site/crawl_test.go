package site_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"tributary/internal/egress"
	"tributary/internal/site"
)

// months gives a blog of so many good articles, one a week, the last a week before begin.
func (w *web) articles(n int) (paths []string) {
	for i := 1; i <= n; i++ {
		path := fmt.Sprintf("/2026/recipe-%d", i)
		at := begin.AddDate(0, 0, -7*(n-i+1))
		w.pages[path] = article(i, 200, `<meta property="article:published_time" content="`+at.Format(time.RFC3339)+`">`)
		paths = append(paths, path)
	}
	return paths
}

func feedOf(paths ...string) string {
	var items strings.Builder
	for i, path := range paths {
		fmt.Fprintf(&items, "<item><title>Article %d</title><link>http://blog.example%s</link><pubDate>%s</pubDate></item>", i+1, path,
			begin.AddDate(0, 0, i-len(paths)).Format(time.RFC1123Z))
	}
	return `<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>Ada</title>` + items.String() + `</channel></rss>`
}

func TestCrawlOfAGoodBlog(t *testing.T) {
	w := newWeb(t)
	paths := w.articles(12)
	w.pages["/"] = strings.Replace(home(append(paths[9:], "/about", "/tag/soup", "/photo.jpg", "http://away.example/x")...), "</ul>",
		"</ul><p>Some links here are affiliate links: we may earn a commission when you buy.</p>", 1)
	w.pages["/feed"] = feedOf(paths[4:]...)
	w.pages["/robots.txt"] = "User-agent: *\nDisallow: /private\nSitemap: http://blog.example/map.xml\n"
	w.pages["/map.xml"] = `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>http://blog.example/2026/recipe-1</loc><lastmod>2026-03-09</lastmod></url><url><loc>http://blog.example/2026/recipe-2</loc></url>
<url><loc>http://blog.example/2026/recipe-3/</loc></url><url><loc>http://www.blog.example/2026/recipe-4</loc></url>
<url><loc>http://blog.example/category/soup</loc></url><url><loc>http://away.example/elsewhere</loc></url></urlset>`
	w.pages["/2026/recipe-3/"] = w.pages["/2026/recipe-3"]
	w.pages["//www.blog.example/2026/recipe-4"] = redirect("http://blog.example/2026/recipe-4")
	r := w.crawl("http://blog.example")
	if r.Items != 12 || len(r.Listed) != 12 || len(r.Problems) != 0 || fmt.Sprint(r.Sources) != "[feed sitemap]" && fmt.Sprint(r.Sources) != "[feed pages sitemap]" {
		t.Errorf("%d items from %v, problems %+v", r.Items, r.Sources, r.Problems)
	}
	if want := begin.AddDate(0, 0, -7); !r.Newest.Equal(want) || !r.Listed[0].Published.Equal(want) || r.Listed[0].Title != "Article 12" ||
		r.Listed[0].Words < 200 || r.Listed[0].Address != "http://blog.example/2026/recipe-12" {
		t.Errorf("newest %v, %+v", r.Newest, r.Listed[0])
	}
	if r.Disclosure == nil || !strings.Contains(r.Disclosure.Text, "affiliate links: we may earn") || r.Disclosure.Address != "http://blog.example/" {
		t.Errorf("disclosure %+v", r.Disclosure)
	}
	if r.Children != nil || !r.At.Equal(begin) || r.Pages != 13 {
		t.Errorf("children %+v, at %v, %d pages", r.Children, r.At, r.Pages)
	}
	if w.asked[0] != "/robots.txt" || slices.ContainsFunc(w.asked, func(a string) bool {
		return strings.HasPrefix(a, "//away") || strings.HasPrefix(a, "/tag") || strings.HasPrefix(a, "/photo") || strings.HasPrefix(a, "/category")
	}) {
		t.Errorf("asked %v", w.asked)
	}
	if len(w.waited) < len(w.asked)-2 || slices.Min(w.waited) < time.Second {
		t.Errorf("%d requests, pauses %v", len(w.asked), w.waited)
	}
	if len(w.agents) != 1 {
		t.Errorf("asked as %v", w.agents)
	}
}

// Only links lead to items: from the home page over a list.
func TestCrawlWithoutFeedOrSitemap(t *testing.T) {
	w := newWeb(t)
	paths := w.articles(4)
	w.pages["/"] = home("/blog", paths[0], "/imprint")
	w.pages["/blog"] = home(paths[1:]...)
	w.pages["/imprint"] = article(90, 300, "")
	r := w.crawl("http://blog.example")
	if r.Items != 4 || fmt.Sprint(r.Sources) != "[pages]" || r.Disclosure != nil {
		t.Errorf("%d items from %v: %+v", r.Items, r.Sources, r)
	}
	if !slices.Contains(w.asked, "/feed") || !slices.Contains(w.asked, "/sitemap.xml") {
		t.Errorf("did not look for feed and sitemap: %v", w.asked)
	}
}

// What is thin, copied, a list, or another's, is not an original item.
func TestWhatIsNotCounted(t *testing.T) {
	w := newWeb(t)
	canonical := func(to string) string { return `<link rel="canonical" href="` + to + `">` }
	good := article(1, 200, "")
	w.pages["/good"] = good
	w.pages["/good-again"] = good
	w.pages["/good-changed"] = strings.Replace(good, "w1x7 ", "another ", 1)
	w.pages["/amp/good"] = article(7, 400, canonical("/good"))
	w.pages["/thin"] = article(2, 147, "")
	w.pages["/enough"] = article(3, 148, "")
	w.pages["/copied"] = article(4, 300, canonical("https://away.example/original"))
	w.pages["/wrong-canonical"] = article(5, 300, canonical("/"))
	w.pages["/list"] = `<html><body><main><article><h2><a href="/good">A</a></h2>` + strings.Repeat("word ", 200) + `</article><article><h2><a href="/enough">B</a></h2>` +
		strings.Repeat("other ", 200) + `</article></main></body></html>`
	w.pages["/boilerplate"] = `<html><body><main><p>Short.</p><aside>` + strings.Repeat("side ", 300) + `</aside><script>` + strings.Repeat("var a; ", 300) +
		`</script></main><footer>` + strings.Repeat("foot ", 300) + `</footer></body></html>`
	w.pages["/home-again"] = redirect("/")
	w.pages["/gone"] = status(410)
	w.pages["/"] = home("/good", "/good-again", "/good-changed", "/amp/good", "/thin", "/enough", "/copied", "/wrong-canonical", "/list",
		"/boilerplate", "/home-again", "/gone", "/good#part", "/good?utm_source=x", "/good/")
	r := w.crawl("http://blog.example")
	var counted []string
	for _, one := range r.Listed {
		counted = append(counted, strings.TrimPrefix(one.Address, "http://blog.example"))
	}
	slices.Sort(counted)
	if fmt.Sprint(counted) != "[/enough /good /wrong-canonical]" || r.Items != 3 || !r.Newest.IsZero() {
		t.Errorf("counted %v of %d", counted, r.Items)
	}
	for code, words := range map[string]string{"thin": "2 pages have fewer", "copies": "2 pages hold nearly", "foreign": "1 pages say", "status": "status 410"} {
		if !slices.ContainsFunc(r.Problems, func(p site.Problem) bool { return p.Code == code && strings.Contains(p.Words, words) }) {
			t.Errorf("no %s in %+v", code, r.Problems)
		}
	}
}

// A place on a shared host is only what stands under it.
func TestCrawlUnderAPath(t *testing.T) {
	w := newWeb(t)
	w.pages["/author/ada"] = redirect("/author/ada/")
	w.pages["/author/ada/"] = home("/author/ada/first", "/author/adam/other", "/author/bob/third", "second", "/author/ada/../bob/up")
	w.pages["/author/ada/first"] = article(1, 200, "")
	w.pages["/author/ada/second"] = article(2, 200, "")
	w.pages["/author/bob/third"] = article(3, 200, "")
	w.pages["/author/adam/other"] = article(4, 200, "")
	w.pages["/author/ada/feed"] = feedOf("/author/ada/second", "/author/bob/third")
	r := w.crawl("http://blog.example/author/ada")
	if r.Items != 2 || slices.Contains(w.asked, "/author/bob/third") || slices.Contains(w.asked, "/author/bob/up") {
		t.Errorf("%d items: %+v, asked %v", r.Items, r.Listed, w.asked)
	}
}

func TestPodcastFeed(t *testing.T) {
	w := newWeb(t)
	w.pages["/"] = strings.Replace(home(), "</head>", `<link rel="alternate" type="application/rss+xml" href="http://feeds.example/ada.rss"></head>`, 1)
	var items strings.Builder
	for i := range 40 {
		fmt.Fprintf(&items, `<item><title>Episode %d</title><guid isPermaLink="false">e%d</guid><pubDate>%s</pubDate>
<enclosure url="https://cdn.example/e%d.mp3" type="audio/mpeg" length="1"/></item>`, i, i, begin.AddDate(0, 0, -i).Format(time.RFC1123Z), i/2*2)
	}
	items.WriteString(`<item><title>Picture</title><enclosure url="https://cdn.example/p.jpg" type="image/jpeg"/></item>`)
	items.WriteString(`<item><title>Tomorrow's</title><pubDate>Fri, 01 Jan 2027 00:00:00 +0000</pubDate><enclosure url="https://cdn.example/t.mp4" type="video/mp4"/></item>`)
	w.pages["//feeds.example/ada.rss"] = `<rss><channel>` + items.String() + `</channel></rss>`
	r := w.crawl("http://blog.example")
	if r.Items != 21 || !r.Newest.Equal(begin) || fmt.Sprint(r.Sources) != "[feed]" || r.Listed[0].Title != "Episode 0" {
		t.Errorf("%d items, newest %v, %v %+v", r.Items, r.Newest, r.Sources, r.Problems)
	}
	if !slices.Contains(w.asked, "//feeds.example/robots.txt") {
		t.Errorf("did not ask the feed's host what crawlers may: %v", w.asked)
	}
	w.asked, w.pages["//feeds.example/robots.txt"] = nil, "User-agent: *\nDisallow: /"
	if r := w.crawl("http://blog.example"); r.Items != 0 || slices.Contains(w.asked, "//feeds.example/ada.rss") || codes(r) != "robots no_items" {
		t.Errorf("%d items, asked %v, %+v", r.Items, w.asked, r.Problems)
	}
}

// An index of sitemaps, packed and nested, where the one of posts stands last.
func TestSitemapIndex(t *testing.T) {
	w := newWeb(t)
	paths := w.articles(3)
	w.pages["/"] = home()
	w.pages["/sitemap.xml"] = `<?xml version="1.0"?><sitemapindex><sitemap><loc>/broken.xml</loc></sitemap>
<sitemap><loc>http://away.example/other.xml</loc></sitemap><sitemap><loc>http://blog.example/sitemap.xml</loc></sitemap>
<sitemap><loc>http://blog.example/post-sitemap.xml.gz</loc></sitemap></sitemapindex>`
	var packed bytes.Buffer
	packer := gzip.NewWriter(&packed)
	fmt.Fprintf(packer, `<urlset><url><loc>http://blog.example%s</loc></url><url><loc>%s</loc></url><url><loc>http://blog.example%s</loc></url></urlset>`,
		paths[0], paths[1], paths[2])
	packer.Close()
	w.pages["/post-sitemap.xml.gz"] = raw("application/x-gzip", packed.Bytes())
	w.pages["/broken.xml"] = "<html>not a sitemap</html>"
	r := w.crawl("http://blog.example")
	if r.Items != 3 || codes(r) != "sitemap" || fmt.Sprint(r.Sources) != "[sitemap]" {
		t.Errorf("%d items from %v, %+v", r.Items, r.Sources, r.Problems)
	}
	if slices.Index(w.asked, "/post-sitemap.xml.gz") > slices.Index(w.asked, "/broken.xml") || slices.Contains(w.asked, "//away.example/other.xml") ||
		slices.Contains(w.asked, "/sitemap_index.xml") {
		t.Errorf("asked %v", w.asked)
	}
}

func TestRobotsAreObeyed(t *testing.T) {
	w := newWeb(t)
	paths := w.articles(3)
	w.pages["/"] = home(paths...)
	for name, c := range map[string]struct {
		robots any
		items  int
		codes  string
	}{
		"all refused":          {"User-agent: *\nDisallow: /\n", 0, "robots"},
		"others refused":       {"User-agent: Other\nDisallow: /\n", 3, ""},
		"we refused":           {"User-agent: *\nAllow: /\n\nUser-agent: tributarybot\nDisallow: /\n", 0, "robots"},
		"we allowed":           {"User-agent: TributaryBot\nAllow: /\n\nUser-agent: *\nDisallow: /\n", 3, ""},
		"one refused":          {"User-agent: *\nDisallow: /2026/recipe-2$\n", 2, "robots"},
		"none":                 {nil, 3, ""},
		"refused itself":       {status(403), 3, ""},
		"down":                 {status(503), 0, "robots"},
		"busy":                 {status(429), 0, "robots"},
		"a page in its place":  {"<html>User-agent: *\nDisallow: /</html>", 3, ""},
		"on another host":      {redirect("http://away.example/robots.txt"), 3, ""},
		"larger than is read":  {"User-agent: *\nDisallow: /\n" + strings.Repeat("# filler\n", 100_000), 0, "robots"},
		"refused where it led": {"User-agent: *\nDisallow: /hidden\n", 3, ""},
	} {
		w.asked, w.pages["/robots.txt"] = nil, c.robots
		r := w.crawl("http://blog.example")
		if r.Items != c.items || codes(r) != c.codes {
			t.Errorf("%s: %d items, %+v", name, r.Items, r.Problems)
		}
		if c.items == 0 && len(w.asked) != 1 {
			t.Errorf("%s: asked %v", name, w.asked)
		}
	}
	w.asked, w.pages["/robots.txt"] = nil, "User-agent: *\nDisallow: /hidden\nCrawl-delay: 7\n"
	w.waited, w.pages[paths[0]] = nil, redirect("/hidden/there")
	w.pages["/hidden/there"] = article(50, 200, "")
	if r := w.crawl("http://blog.example"); r.Items != 2 || codes(r) != "robots" || slices.Contains(w.asked, "/hidden/there") {
		t.Errorf("%d items, asked %v: %+v", r.Items, w.asked, r.Problems)
	}
	if slices.Max(w.waited) != 7*time.Second {
		t.Errorf("waited %v", w.waited)
	}
}

// Whatever a home page does, it ends as a problem in words.
func TestSitesThatMisbehave(t *testing.T) {
	var bomb bytes.Buffer
	packer := gzip.NewWriter(&bomb)
	packer.Write(make([]byte, 200<<20))
	packer.Close()
	stop := make(chan struct{})
	defer close(stop)
	for name, c := range map[string]struct {
		page any
		code string
	}{
		"loop":           {redirect("/"), "redirects"},
		"two in a loop":  {redirect("/b"), "redirects"},
		"another host":   {redirect("http://away.example/"), "redirects"},
		"private":        {redirect("http://10.0.0.1/"), "private_address"},
		"itself":         {redirect("http://127.0.0.1/"), "private_address"},
		"metadata":       {redirect("http://169.254.169.254/latest/"), "private_address"},
		"another port":   {redirect("http://blog.example:22/"), "address"},
		"another scheme": {redirect("file:///etc/passwd"), "address"},
		"bomb": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		}, "too_large"},
		"large": {raw("text/html", make([]byte, 3<<20)), "too_large"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, "too_large"},
		"announces more": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "2000")
			w.Write([]byte("<html>"))
		}, "short"},
		"odd coding": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "br")
			w.Write([]byte("x"))
		}, "encoding"},
		"stalls": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<html>"))
			w.(http.Flusher).Flush()
			<-stop
		}, "timeout"},
		"says nothing": {func(http.ResponseWriter, *http.Request) { <-stop }, "timeout"},
		"hangs up":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unreachable"},
		"down":         {status(500), "status"},
		"forbidden":    {status(403), "status"},
		"a picture":    {raw("image/png", []byte("x")), "not_html"},
		"json":         {raw("application/json", []byte("{}")), "not_html"},
		"nested":       {raw("text/html", []byte(strings.Repeat("<div>", 100_000))), "not_html"},
		"unknown text": {raw("text/html; charset=klingon", []byte("<html>x")), "encoding no_items"},
		"not its text": {raw("text/html; charset=utf-8", bytes.Repeat([]byte("\xfc\xe4 x"), 50)), "encoding no_items"},
		"empty":        {raw("text/html", nil), "no_items"},
	} {
		w := newWeb(t)
		w.pages["/"], w.pages["/b"], w.pages["//away.example/"] = c.page, redirect("/"), home()
		w.prober.Timeout = 5 * time.Second
		if c.code == "timeout" {
			w.prober.Timeout = 100 * time.Millisecond
		}
		r := w.crawl("http://blog.example")
		if slices.ContainsFunc(r.Problems, func(p site.Problem) bool { return p.Fix() == "" }) {
			t.Errorf("%s: no fix in %+v", name, r.Problems)
		}
		if codes(r) != c.code || r.Items != 0 || r.Problems[0].Words == "" || slices.Contains(w.asked, "//away.example/") {
			t.Errorf("%s: %+v, asked %v", name, r.Problems, w.asked)
		}
		if strings.Contains(c.code, "no_items") == (r.Pages == 0) && c.code != "not_html" {
			t.Errorf("%s: %d pages", name, r.Pages)
		}
	}
}

func TestSitesThatCannotBeReached(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	p := &site.Prober{Client: egress.PublicFor("blog.example:443="+secure.Listener.Addr().String(), "plain.example:443="+plain.Listener.Addr().String(),
		"nobody.example:80=127.0.0.1:1")}
	for address, want := range map[string]string{
		"https://blog.example": "tls", "https://plain.example": "tls", "http://nobody.example": "unreachable",
		"https://ada.localhost": "private_address", "": "address",
	} {
		r := p.Crawl(t.Context(), site.Site{Address: address}, begin)
		if codes(r) != want || r.Pages != 0 {
			t.Errorf("%s: %+v", address, r.Problems)
		}
	}
}

// Text in other encodings is text.
func TestEncodings(t *testing.T) {
	german, japanesetext := "Diese Seite enthält Werbung für schöne Bücher.", "当サイトはアフィリエイト広告を利用しています。"
	encode := func(e encoding.Encoding, text string) []byte {
		raw, err := e.NewEncoder().Bytes([]byte("<html><head>%META%</head><body><p>" + text + "</p></body></html>"))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	meta := func(raw []byte, charset string) []byte {
		return bytes.Replace(raw, []byte("%META%"), []byte(`<meta charset="`+charset+`">`), 1)
	}
	marked := unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	for name, c := range map[string]struct {
		media string
		body  []byte
		want  string
	}{
		"latin-1 by header":   {"text/html; charset=iso-8859-1", encode(charmap.ISO8859_1, german), "enthält Werbung für schöne"},
		"latin-1 by page":     {"text/html", meta(encode(charmap.ISO8859_1, german), "latin1"), "enthält Werbung für schöne"},
		"latin-1 by nothing":  {"text/html", encode(charmap.ISO8859_1, german), "enthält Werbung für schöne"},
		"utf-8 by nothing":    {"text/html", encode(unicode.UTF8, german), "enthält Werbung für schöne"},
		"utf-8 with mark":     {"text/html", append([]byte("\ufeff"), encode(unicode.UTF8, german)...), "enthält Werbung"},
		"utf-16 with mark":    {"text/html", encode(marked, german), "enthält Werbung für schöne"},
		"utf-16 by header":    {"text/html; charset=utf-16le", encode(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), german), "enthält Werbung"},
		"shift-jis by header": {"text/html; charset=Shift_JIS", encode(japanese.ShiftJIS, japanesetext), "アフィリエイト広告"},
		"shift-jis by page":   {"text/html", meta(encode(japanese.ShiftJIS, japanesetext), "shift_jis"), "アフィリエイト広告"},
		"euc-jp by page":      {"text/html", meta(encode(japanese.EUCJP, japanesetext), "euc-jp"), "アフィリエイト広告"},
		"xhtml":               {"application/xhtml+xml", append([]byte(`<?xml version="1.0" encoding="iso-8859-1"?>`), encode(charmap.ISO8859_1, german)...), "enthält Werbung"},
	} {
		w := newWeb(t)
		w.pages["/"] = raw(c.media, c.body)
		r := w.crawl("http://blog.example")
		if r.Disclosure == nil || !strings.Contains(r.Disclosure.Text, c.want) || codes(r) != "no_items" {
			t.Errorf("%s: %+v %+v", name, r.Disclosure, r.Problems)
		}
	}
}

// However large a site is, the look at it is small, and ends.
func TestCrawlIsBounded(t *testing.T) {
	w := newWeb(t)
	var links []string
	for i := range 900 {
		links = append(links, fmt.Sprintf("/p/%d-x", i))
		w.pages[links[i]] = article(i, 160, "")
	}
	w.pages["/"] = home(links...)
	r := w.crawl("http://blog.example")
	if r.Pages != 25 || r.Items != 24 || len(w.asked) > 45 {
		t.Errorf("%d pages, %d items, %d requests", r.Pages, r.Items, len(w.asked))
	}
	// The time is up in the middle: what was seen until then is told.
	w.asked = nil
	ctx, stop := context.WithCancel(t.Context())
	w.prober.Wait = func(ctx context.Context, _ time.Duration) error {
		if len(w.asked) == 2 {
			stop()
		}
		return ctx.Err()
	}
	r = w.prober.Crawl(ctx, w.site("http://blog.example"), begin)
	if last := r.Problems[len(r.Problems)-1]; len(w.asked) != 2 || r.Pages != 1 || last.Code != "timeout" {
		t.Errorf("asked %v, %d pages, %+v", w.asked, r.Pages, r.Problems)
	}
	// Without a hook, a second passes between two requests.
	w.prober.Wait, w.pages["/"] = nil, status(404)
	start := time.Now()
	if r := w.crawl("http://blog.example"); codes(r) != "status" || time.Since(start) < time.Second {
		t.Errorf("%+v after %v", r.Problems, time.Since(start))
	}
}

// A site that asks for a pause gets one.
func TestCrawlStopsWhenAsked(t *testing.T) {
	w := newWeb(t)
	paths := w.articles(5)
	w.pages["/"] = home(paths...)
	w.pages[paths[1]] = status(429)
	r := w.crawl("http://blog.example")
	if r.Items != 1 || codes(r) != "status" || w.asked[len(w.asked)-1] != paths[1] {
		t.Errorf("%d items, asked %v: %+v", r.Items, w.asked, r.Problems)
	}
}
