package site_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestDisclosures(t *testing.T) {
	for text, want := range map[string]bool{
		"As an associate I earn from qualifying purchases.":                                  true,
		"This post contains affiliate links.":                                                true,
		"If you click and buy, I may earn a small commission at no extra cost to you.":       true,
		"We receive compensation for some links.":                                            true,
		"Paid partnership with a maker of pans.":                                             true,
		"Mit * markierte Links sind Affiliate-Links.":                                        true,
		"Kaufst du darüber ein, erhalte ich eine kleine Provision.":                          true,
		"Dieser Beitrag enthält Werbung.":                                                    true,
		"Als Partner verdiene ich an qualifizierten Verkäufen.":                              true,
		"Algunos enlaces son enlaces de afiliados.":                                          true,
		"Si compras a través de ellos, recibo una pequeña comisión.":                         true,
		"Cet article contient des liens affiliés.":                                           true,
		"Je touche une petite commission sur chaque vente.":                                  true,
		"当サイトはアフィリエイトプログラムに参加しています。":                                                         true,
		"リンクから購入すると紹介料を得ています。":                                                               true,
		"本ページはプロモーションが含まれています。":                                                              true,
		"The commission decided to earn our trust.":                                          false,
		"Buy my book about soup.":                                                            false,
		"Die Kommission tagt. Der Partner kocht.":                                            false,
		"Der Koch verdient mehr als der Bäcker.":                                             false,
		"La comisión europea se reunió.":                                                     false,
		"今日は天気がいいですね。":                                                                       false,
		"Our affiliate in Spain " + strings.Repeat("is a very long way from here ", 3) + ".": false,
	} {
		w := newWeb(t)
		w.pages["/"] = "<html><body><p>Hello there.</p><p>" + text + "</p><footer>Bye</footer></body></html>"
		r := w.crawl("http://blog.example")
		if (r.Disclosure != nil) != want {
			t.Errorf("%q: %+v", text, r.Disclosure)
		}
		if want && !strings.Contains(r.Disclosure.Text, strings.Fields(text)[0]) {
			t.Errorf("%q: found %q", text, r.Disclosure.Text)
		}
	}
}

// The disclosure may stand on a page of its own, or below an article.
func TestDisclosureElsewhere(t *testing.T) {
	w := newWeb(t)
	w.pages["/"] = home("/a", "/contact", "/legal/affiliate-disclosure")
	w.pages["/legal/affiliate-disclosure"] = "<html><body>" + strings.Repeat("Words. ", 300) + "This site contains affiliate links.</body></html>"
	w.pages["/a"] = article(1, 200, "")
	r := w.crawl("http://blog.example")
	if r.Disclosure == nil || r.Disclosure.Address != "http://blog.example/legal/affiliate-disclosure" || len([]rune(r.Disclosure.Text)) > 300 || r.Items != 1 {
		t.Errorf("%+v, %d items", r.Disclosure, r.Items)
	}
	w.pages["/legal/affiliate-disclosure"] = nil
	w.pages["/a"] = strings.Replace(article(1, 200, ""), "<footer>", "<footer>Contains affiliate links. ", 1)
	if r := w.crawl("http://blog.example"); r.Disclosure == nil || r.Disclosure.Address != "http://blog.example/a" {
		t.Errorf("%+v", r.Disclosure)
	}
}

func TestSignsOfChildren(t *testing.T) {
	for page, want := range map[string]bool{
		"<title>Games for kids</title>": true,
		"<title>Ada</title><meta name=description content='Fun videos for children aged 3 to 6'>": true,
		"<title>Spiele für Kinder</title>":       true,
		"<title>Juegos para niños</title>":       true,
		"<title>Coloriages pour enfants</title>": true,
		"<title>子ども向けの歌</title>":                 true,
		"<title>x</title><body>Ages 4-8":         true,
		`<script type="application/ld+json">{"audience":{"@type":"PeopleAudience","suggestedMaxAge":8}}</script>`:  true,
		`<script type="application/ld+json">{"audience":{"@type":"PeopleAudience","suggestedMaxAge":99}}</script>`: false,
		"<title>Ada's kitchen</title><body>This is not a site for children.":                                       false,
		"<title>Ada</title><body>Our website is not directed to children under the age of 13.":                     false,
		"<title>Activities for kids that parents love</title>":                                                     false,
		"<title>A game of chess</title>":          false,
		"<title>Cooking with my children</title>": false,
	} {
		w := newWeb(t)
		w.pages["/"] = "<!doctype html>" + page
		r := w.crawl("http://blog.example")
		if (r.Children != nil) != want {
			t.Errorf("%s: %+v", page, r.Children)
		}
		if want && (r.Children.Address != "http://blog.example/" || r.Children.Text == "") {
			t.Errorf("%s: %+v", page, r.Children)
		}
	}
}

// Dates of a page come from what it says of itself; those of a sitemap are a hint, those of tomorrow a mistake.
func TestDatesOfItems(t *testing.T) {
	for head, want := range map[string]string{
		`<meta property="article:published_time" content="2026-02-01T10:00:00+01:00">`:                                                  "2026-02-01T09:00:00Z",
		`<meta itemprop="datePublished" content="2026-02-01">`:                                                                          "2026-02-01T00:00:00Z",
		`<script type="application/ld+json">{"@graph":[{"@type":"WebSite"},{"@type":"Article","datePublished":"2026-02-02"}]}</script>`: "2026-02-02T00:00:00Z",
		`<script type="application/ld+json">[{"datePublished":"2026-02-03T00:00:00Z"}]</script>`:                                        "2026-02-03T00:00:00Z",
		`<script type="application/ld+json">{not json</script>`:                                                                         "",
		`<meta property="article:published_time" content="2030-01-01T00:00:00Z">`:                                                       "",
		`<meta property="article:published_time" content="soon">`:                                                                       "",
		`<meta property="article:published_time" content="0001-01-01">`:                                                                 "",
		"": "",
	} {
		w := newWeb(t)
		w.pages["/"], w.pages["/a"] = home("/a"), article(1, 200, head)
		w.pages["/sitemap.xml"] = `<urlset><url><loc>http://blog.example/a</loc><lastmod>2026-03-01</lastmod></url></urlset>`
		r := w.crawl("http://blog.example")
		if r.Items != 1 {
			t.Fatalf("%s: %+v", head, r.Problems)
		}
		got := ""
		if at := r.Listed[0].Published; !at.IsZero() {
			got = at.Format(time.RFC3339)
		}
		if got != want || !r.Newest.Equal(r.Listed[0].Published) {
			t.Errorf("%s: %s, want %s (newest %v)", head, got, want, r.Newest)
		}
	}
	w := newWeb(t)
	w.pages["/"], w.pages["/feed"] = home("/a", "/b"), feedOf("/a")
	w.pages["/a"] = article(1, 200, "")
	w.pages["/b"] = strings.Replace(article(2, 200, ""), "<h1>", `<time datetime="2026-01-05 10:00">January</time><h1>`, 1)
	r := w.crawl("http://blog.example")
	if got := fmt.Sprint(r.Listed[0].Published, r.Listed[1].Published); got != fmt.Sprint(begin.AddDate(0, 0, -1), time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("by feed and by time: %s", got)
	}
}

func TestConfusableNamesAreTold(t *testing.T) {
	w := newWeb(t)
	w.prober.Protected = []string{"www.b1og.example"}
	w.pages["/"] = home()
	if r := w.crawl("http://blog.example"); codes(r) != "confusable no_items" || !strings.Contains(r.Problems[0].Words, `looks like "b1og"`) {
		t.Errorf("%+v", r.Problems)
	}
}
