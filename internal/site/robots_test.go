package site

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRobotsRules(t *testing.T) {
	for _, c := range []struct{ rules, allowed, refused string }{
		{"", "/ /a", ""},
		{"Disallow:", "/ /a", ""},
		{"Disallow: /", "/robots.txt", "/ /a /a/b?c"},
		{"Disallow: /a", "/ /b /A", "/a /a/ /ab /a?x"},
		{"Disallow: /a/", "/a /ab", "/a/ /a/b"},
		{"Disallow: /a$", "/ab /a/ /a?x", "/a"},
		{"Disallow: /*.php$", "/a.phpx /a.php?x /b", "/a.php /b/c.php"},
		{"Disallow: /*/private", "/private", "/a/private /a/b/private/c"},
		{"Disallow: /*?s=", "/?x=1 /s=", "/?s=1 /a?s="},
		{"Disallow: *", "/robots.txt", "/ /a"},
		{"Disallow: /a\nAllow: /a/b", "/a/b /a/bc", "/a /a/c"},
		{"Allow: /a/b\nDisallow: /a", "/a/b", "/a/c"},
		{"Disallow: /a\nAllow: /a", "/a", ""},
		{"Disallow: /\nAllow: /$", "/", "/a"},
		{"Disallow: /%7Eada", "/bob", "/~ada /%7eada/x"},
		{"Disallow: /ü", "/u", "/%C3%BC /%c3%bc/x"},
		{"Disallow: /a%2Fb", "/a/b", "/a%2fb"},
		{"disallow : /a # not this", "/b", "/a"},
		{"Disallow: /" + strings.Repeat("x", maxPattern), "/x", ""},
		{"Disallow: ***a***b", "/", "/xaxxb /ab"},
		{"Noindex: /a\nnonsense\n: :\n=", "/a", ""},
	} {
		found := readRobots("User-agent: *\n"+c.rules, agentName)
		for want, paths := range map[bool]string{true: c.allowed, false: c.refused} {
			for path := range strings.FieldsSeq(paths) {
				u, err := url.Parse("http://ada.example" + path)
				if err != nil {
					t.Fatal(err)
				}
				if got := found.allows(u); got != want {
					t.Errorf("%q at %s: %v", c.rules, path, got)
				}
			}
		}
	}
	if empty := readRobots("User-agent: *\nDisallow: /", agentName); empty.allows(&url.URL{Host: "ada.example"}) {
		t.Error("an empty path is not /")
	}
}

func TestRobotsGroups(t *testing.T) {
	for text, want := range map[string]bool{
		"User-agent: *\nDisallow: /":                                                                    false,
		"USER-AGENT:*\r\nDISALLOW:/\r\n":                                                                false,
		"\ufeffUser-agent: *\rDisallow: /":                                                              false,
		"User-agent: Other\nDisallow: /":                                                                true,
		"User-agent: Other\nUser-agent: *\nDisallow: /":                                                 false,
		"User-agent: TributaryBot/2.0\nDisallow: /":                                                     false,
		"User-agent: tributarybot\nDisallow: /x\n\nUser-agent: *\nDisallow: /":                          true,
		"User-agent: TributaryBotter\nDisallow: /":                                                      true,
		"User-agent: TributaryBot\nAllow: /\nUser-agent: Other\nDisallow: /":                            true,
		"User-agent: TributaryBot\nAllow: /b\nUser-agent: Other\nUser-agent: TributaryBot\nDisallow: /": false,
		"Disallow: /\nUser-agent: *\nAllow: /":                                                          true,
		"User-agent: *\nSitemap: http://ada.example/s.xml\nDisallow: /":                                 false,
		"User-agent: *\nCrawl-delay: 5\nDisallow: /":                                                    false,
	} {
		found := readRobots(text, agentName)
		if got := found.allows(&url.URL{Path: "/a"}); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	found := readRobots("Sitemap: http://a.example/1\nUser-agent: *\ncrawl-delay: 2.5\nsitemap: http://a.example/2\n", agentName)
	if found.delay != 2500*time.Millisecond || strings.Join(found.sitemaps, " ") != "http://a.example/1 http://a.example/2" {
		t.Errorf("%+v", found)
	}
	for text, want := range map[string]time.Duration{"1e9": maxDelay, "-1": 0, "NaN": 0, "soon": 0, "+Inf": maxDelay} {
		if got := readRobots("User-agent: *\nCrawl-delay: "+text, agentName).delay; got != want {
			t.Errorf("delay %s: %v", text, got)
		}
	}
	long := readRobots("User-agent: *\n"+strings.Repeat("Disallow: /a\nSitemap: http://a.example/1\n", 5000), agentName)
	if len(long.rules) != maxRules || len(long.sitemaps) != maxSitemaps {
		t.Errorf("%d rules, %d sitemaps", len(long.rules), len(long.sitemaps))
	}
}

// A pattern made to take long takes no long.
func TestRobotsPatternsAreQuick(t *testing.T) {
	pattern, path := strings.Repeat("*a", 400)+"$", strings.Repeat("a", 20_000)+"b"
	if fits(pattern, path) || !fits(pattern, path[:20_000]) {
		t.Error("the pattern is not understood")
	}
}

func TestReadFeeds(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"rss": {`<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"><channel>
<atom:link href="http://a.example/feed" rel="self"/><item><title><![CDATA[Soup & bread]]></title><link> http://a.example/1 </link>
<pubDate>Tue, 3 Feb 2026 10:00:00 GMT</pubDate><media:content url="x.jpg"/></item></channel></rss>`, "http://a.example/1|Soup & bread|2026-02-03|"},
		"rss by guid": {`<rss><channel><item><guid isPermaLink="true">http://a.example/2</guid><pubDate>03 Feb 26 10:00 +0100</pubDate></item></channel></rss>`,
			"http://a.example/2||2026-02-03|"},
		"rss 1": {`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<item><title>T</title><link>/3</link><dc:date>2026-02-03T10:00:00+01:00</dc:date></item></rdf:RDF>`, "/3|T|2026-02-03|"},
		"atom": {`<feed xmlns="http://www.w3.org/2005/Atom"><link rel="self" href="x"/><entry><title type="html">T&amp;C</title><link rel="edit" href="/e"/>
<link rel="alternate" type="text/html" href="/4"/><link rel="enclosure" type="video/mp4" href="/4.mp4"/><updated>2026-02-04T00:00:00Z</updated>
<published>2026-02-03T00:00:00Z</published></entry></feed>`, "/4|T&C|2026-02-03|/4.mp4"},
		"podcast": {`<rss><channel><item><title>E</title><enclosure url="http://c.example/5.mp3" type="audio/mpeg"/><guid>not an address</guid></item></channel></rss>`,
			"|E|0001-01-01|http://c.example/5.mp3"},
		"json": {`{"version":"https://jsonfeed.org/version/1.1","items":[{"url":"http://a.example/6","title":"J","date_published":"2026-02-03T00:00:00Z",
"attachments":[{"url":"/6.mp3","mime_type":"audio/mpeg"}]}]}`, "http://a.example/6|J|2026-02-03|/6.mp3"},
		"torn":            {`<rss><channel><item><title>A</title><link>/7</link></item><item><title>B`, "/7|A|0001-01-01|"},
		"html entities":   {`<rss><channel><item><title>A&nbsp;&eacute;</title><link>/8</link></item>`, "/8|A é|0001-01-01|"},
		"no feed":         {`<html><body><item><title>A</title></item></body></html>`, "not a feed"},
		"other json":      {`{"version":"1","items":[]}`, "not a feed"},
		"items elsewhere": {`<item><title>A</title></item>`, "not a feed"},
		"empty":           {``, "not a feed"},
	} {
		entries, ok := readFeed(c.text)
		got := "not a feed"
		if ok && len(entries) == 1 {
			e := entries[0]
			got = strings.Join([]string{e.address, e.title, e.published.Format(time.DateOnly), e.media}, "|")
		} else if ok {
			got = "not one entry"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	many, ok := readFeed("<rss>" + strings.Repeat("<item><link>/x</link></item>", maxEntries+5) + "</rss>")
	if !ok || len(many) != maxEntries {
		t.Errorf("%d entries", len(many))
	}
}

func TestReadSitemaps(t *testing.T) {
	for name, c := range map[string]struct {
		text        string
		pages, more int
		ok          bool
	}{
		"set":         {`<urlset><url><loc> http://a.example/1 </loc><lastmod>2026-01-01</lastmod></url><url><loc/></url><url/></urlset>`, 1, 0, true},
		"with images": {`<urlset xmlns:image="x"><url><loc>http://a.example/1</loc><image:image><image:loc>http://a.example/1.jpg</image:loc></image:image></url></urlset>`, 1, 0, true},
		"index":       {`<sitemapindex><sitemap><loc>/a.xml</loc></sitemap><sitemap><loc>/b.xml</loc></sitemap></sitemapindex>`, 0, 2, true},
		"plain":       {"http://a.example/1\n\nhttp://a.example/2\r\n", 2, 0, true},
		"torn":        {`<urlset><url><loc>/1</loc></url><url><loc>/2`, 1, 0, true},
		"page":        {`<html><body><url><loc>/1</loc></url></body></html>`, 0, 0, false},
		"nothing":     {"", 0, 0, false},
		"huge":        {"<urlset>" + strings.Repeat("<url><loc>/1</loc></url>", maxEntries+9), maxEntries, 0, true},
	} {
		found, ok := readSitemap(c.text)
		if ok != c.ok || len(found.pages) != c.pages || len(found.more) != c.more {
			t.Errorf("%s: %v, %d pages, %d more", name, ok, len(found.pages), len(found.more))
		}
	}
	if found, _ := readSitemap(`<urlset><url><loc>/1</loc><lastmod>2026-02-03T04:05:06Z</lastmod></url></urlset>`); found.pages[0].changed.Day() != 3 {
		t.Errorf("changed %v", found.pages[0].changed)
	}
}

func TestReadTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-02-03": "2026-02-03T00:00:00Z", "2026-02-03T04:05:06.789+02:00": "2026-02-03T02:05:06Z", "2026-02-03T04:05+0000": "",
		"Tue, 03 Feb 2026 04:05:06 -0500": "2026-02-03T09:05:06Z", "3 Feb 2026 04:05 GMT": "2026-02-03T04:05:00Z", "February 3, 2026": "2026-02-03T00:00:00Z",
		"": "", "yesterday": "", "2026-13-01": "", "1970-01-01": "", "0000-00-00 00:00:00": "", strings.Repeat("2", 100): "",
	} {
		got := ""
		if at := readTime(text); !at.IsZero() {
			got = at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
