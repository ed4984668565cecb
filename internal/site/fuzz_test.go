package site

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"tributary/internal/fault"
)

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"https://ada.example/~ada/", "Bücher.example", "http://127.0.0.1", "//x.example/a/../b?utm_source=1#x", "http://a.localhost:80",
		"https://xn--bcher-kva.example/%C3%9F", "javascript:alert(1)", "https://u@x.example:443", "https://ａ。example", "http://x.example/%2e%2e/%25"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Address(text)
		if err != nil {
			if got != "" || !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %q %v", text, got, err)
			}
			return
		}
		if again, err := Address(got); err != nil || again != got {
			t.Fatalf("%q is %q, and then %q (%v)", text, got, again, err)
		}
		u, err := url.Parse(got)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(got, "/") || len(got) > MaxAddress {
			t.Fatalf("%q gave %q", text, got)
		}
		p := split(got)
		if !p.covers(u) || !p.holds(u) || p.String() != got {
			t.Fatalf("%q does not hold itself: %+v", got, p)
		}
		Confusable(p.host, "market.example")
	})
}

func FuzzRobots(f *testing.F) {
	for _, seed := range []string{"User-agent: *\nDisallow: /a*b$\nAllow: /", "User-agent: tributarybot\nCrawl-delay: 1\nSitemap: /s", "\ufeffuser-agent:*\rdisallow:%2F%zz"} {
		f.Add(seed, "/a/b?c=d")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		found := readRobots(text, agentName)
		if found.delay < 0 || found.delay > maxDelay || len(found.rules) > maxRules || len(found.sitemaps) > maxSitemaps {
			t.Fatalf("%q: %+v", text, found)
		}
		u := &url.URL{Path: "/" + path}
		found.allows(u)
		if !found.allows(&url.URL{Path: "/robots.txt"}) {
			t.Fatalf("%q at %q", text, path)
		}
		if once := escaped(path); escaped(once) != once {
			t.Fatalf("%q is escaped to %q, and then to %q", path, once, escaped(once))
		}
	})
}

func FuzzFeed(f *testing.F) {
	for _, seed := range []string{
		`<rss><channel><item><title>A</title><link>/1</link><pubDate>Tue, 3 Feb 2026 10:00:00 GMT</pubDate></item></channel></rss>`,
		`<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/1"/></entry></feed>`, `{"version":"https://jsonfeed.org/version/1","items":[{"url":"/1"}]}`,
		`<urlset><url><loc>/1</loc><lastmod>2026-02-03</lastmod></url></urlset>`, `<sitemapindex><sitemap><loc>/1</loc></sitemap></sitemapindex>`,
		"http://a.example/1\n", "\x1f\x8b\x08\x00", `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rss><item><title>&b;</title></item></rss>`,
	} {
		f.Add([]byte(seed))
	}
	base := &url.URL{Scheme: "http", Host: "a.example"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		plain := unpacked(raw)
		text, _ := answer{body: plain}.text()
		if len(plain) > pageLimit && len(raw) <= pageLimit || !utf8.ValidString(text) {
			t.Fatalf("%d bytes out of %d", len(plain), len(raw))
		}
		entries, _ := readFeed(text)
		found, _ := readSitemap(text)
		if len(entries) > maxEntries || len(found.pages) > maxEntries || len(found.more) > maxEntries {
			t.Fatal("more entries than may be")
		}
		for _, e := range append(append(entries, found.pages...), found.more...) {
			if u := resolved(base, e.address); u != nil && (u.User != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
				t.Fatalf("%q leads to %s", e.address, u)
			}
			if len([]rune(e.title)) > maxTitle || e.published.Year() > 9999 {
				t.Fatalf("%+v", e)
			}
		}
	})
}

func FuzzPage(f *testing.F) {
	for _, seed := range []string{
		"<!doctype html><title>A</title><base href=/b/><link rel=canonical href=c><main><article><h1>A</h1><p>Some words<a href=x>link</a></article></main>",
		`<script type="application/ld+json">{"@graph":[{"datePublished":"2026-02-03","audience":{"suggestedMaxAge":8}}]}</script>`,
		"\xff\xfe<\x00p\x00>\x00", "<meta charset=shift_jis><p>\x82\xa0", "<svg><a href=javascript:x><table><td><form><select>", strings.Repeat("<b>", 600),
		"<p>この記事はアフィリエイト広告を利用しています。İ affiliate links ẞ",
	} {
		f.Add([]byte(seed), "text/html")
	}
	at := &url.URL{Scheme: "http", Host: "a.example", Path: "/x"}
	f.Fuzz(func(t *testing.T, raw []byte, label string) {
		got := answer{media: "text/html", params: map[string]string{"charset": label}, body: raw}
		text, _ := got.text()
		p, ok := readPage(text, at)
		if !ok {
			return
		}
		if p.words < 0 || p.linked < 0 || len(p.links) > maxLinks || len(p.feeds) > maxFeeds || len([]rune(p.title)) > maxTitle {
			t.Fatalf("%+v", p)
		}
		for _, phrases := range [][]phrase{disclosures, young} {
			if said, found := find(p.visible, phrases, grown); found && said == "" {
				t.Fatal("found nothing")
			}
		}
		if !alike(p.prints, p.prints) && len(p.prints) > 0 {
			t.Fatal("a text is not like itself")
		}
		home := place{scheme: "http", host: "a.example"}
		for _, one := range p.links {
			home.isBeside(one.to)
			if one.to.User != nil || one.to.Host == "" {
				t.Fatalf("a link to %s", one.to)
			}
		}
	})
}
