package site

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Limits of the files that lead to items.
const (
	maxFeedFiles    = 2
	maxGuesses      = 4 // usual addresses that are tried
	maxSitemapFiles = 6
	maxSitemapDepth = 2
	maxExtraPages   = 3 // that are read for the disclosure
)

// usualFeeds are addresses under which feeds are found where the page names none.
var usualFeeds = []string{"/feed", "/rss.xml", "/atom.xml", "/index.xml", "/feed.xml", "/feed.json"}

// readFeeds takes items from the feeds that the home page names, else from the first that stands where feeds usually do.
func (c *crawl) readFeeds(home page) {
	for _, at := range home.feeds[:min(len(home.feeds), maxFeedFiles)] {
		if strings.Contains(strings.ToLower(at.Path), "comments") {
			continue
		}
		c.readFeed(at, true)
	}
	for _, usual := range usualFeeds[:maxGuesses] {
		if len(home.feeds) > 0 || c.over {
			return
		}
		if at, err := url.Parse(c.home.String() + usual); err == nil && c.readFeed(at, false) {
			return
		}
	}
}

// readFeed reads one feed. One that the site names may be on another host, as those of podcasts are; then that host's
// robots.txt counts, and redirects stay there.
func (c *crawl) readFeed(at *url.URL, named bool) bool {
	host := c.home
	if !host.holds(at) {
		host = split(at.Scheme + "://" + at.Host)
		if host.host == "" {
			return false
		}
	}
	got, t := c.fetch(at, host)
	if t != nil {
		if named && t.code != "limit" {
			c.problem(t.code, at.String(), t.words)
		}
		return false
	}
	text, t := got.text()
	entries, ok := readFeed(text)
	if !ok {
		if named {
			c.problem("feed", at.String(), "it cannot be read as RSS, Atom or JSON feed")
		}
		return false
	}
	if t != nil {
		c.problem(t.code, at.String(), t.words)
	}
	recordings := 0
	for _, e := range entries {
		if e.media != "" && recordings < maxRecordings && c.takeRecording(got.at, e) {
			recordings++
		}
		if e.media != "" || c.add(got.at, e) {
			c.source("feed")
		}
	}
	return len(entries) > 0
}

// takeRecording counts an episode or film of a feed: the file is the item, wherever it is kept.
func (c *crawl) takeRecording(base *url.URL, e entry) bool {
	// Two entries with one file are one episode; where the file is kept does not matter, hosts of sound are seldom one's own.
	file := resolved(base, e.media)
	if file == nil || e.title == "" {
		return false
	}
	key := plainKey(file)
	shown := resolved(base, e.address)
	if shown == nil {
		shown = file
	}
	if c.counted[key] || c.counted[plainKey(shown)] {
		return false
	}
	c.known[plainKey(shown)] = true
	c.counted[plainKey(shown)] = true
	c.item(key, Item{Title: e.title, Address: shown.String(), Published: e.published})
	return true
}

// readSitemaps takes addresses from the sitemaps that robots.txt names, else from where they usually are.
func (c *crawl) readSitemaps() {
	type file struct {
		at    *url.URL
		depth int
		named bool
	}
	var waiting []file
	for _, rules := range c.robots {
		for _, text := range rules.sitemaps {
			if at, err := url.Parse(text); err == nil && c.home.holds(at) {
				waiting = append(waiting, file{at, 0, true})
			}
		}
	}
	if len(waiting) == 0 {
		for _, usual := range []string{c.home.String() + "/sitemap.xml", c.home.String() + "/sitemap_index.xml"} {
			if at, err := url.Parse(usual); err == nil {
				waiting = append(waiting, file{at, 0, false})
			}
		}
	}
	read, guessed := 0, false
	for i := 0; i < len(waiting) && read < maxSitemapFiles && !c.over; i++ {
		one := waiting[i]
		again := slices.ContainsFunc(waiting[:i], func(before file) bool { return plainKey(before.at) == plainKey(one.at) })
		if again || guessed && !one.named {
			continue
		}
		read++
		found, ok := c.readSitemap(one.at, one.named)
		if !ok {
			continue
		}
		for _, e := range found.pages {
			if c.add(one.at, e) {
				c.source("sitemap")
			}
		}
		// Few of the files of an index are read: those that are named after items first, then those that changed last.
		slices.SortStableFunc(found.more, func(a, b entry) int {
			if x, y := isPosts(a.address), isPosts(b.address); x != y {
				return map[bool]int{true: -1, false: 1}[x]
			}
			return b.changed.Compare(a.changed)
		})
		for _, e := range found.more[:min(len(found.more), maxSitemapFiles)] {
			if at := resolved(one.at, e.address); at != nil && c.home.holds(at) && one.depth < maxSitemapDepth {
				waiting = append(waiting, file{at, one.depth + 1, true})
			}
		}
		guessed = true
	}
}

var postsName = regexp.MustCompile(`post|article|blog|news|story|beitrag`)

// isPosts tells that a sitemap of an index is the one of items, by its name.
func isPosts(address string) bool { return postsName.MatchString(strings.ToLower(address)) }

func (c *crawl) readSitemap(at *url.URL, named bool) (sitemap, bool) {
	got, t := c.fetch(at, c.home)
	if t != nil && t.code != "too_large" { // what came is read
		if named && t.code != "limit" {
			c.problem(t.code, at.String(), t.words)
		}
		return sitemap{}, false
	}
	got.body = unpacked(got.body)
	text, _ := got.text()
	found, ok := readSitemap(text)
	if !ok && named {
		c.problem("sitemap", at.String(), "it cannot be read as a sitemap")
	}
	return found, ok
}

// takeLinks considers what a page links to.
func (c *crawl) takeLinks(p page) {
	for _, one := range p.links {
		if !c.home.holds(one.to) {
			continue
		}
		if c.add(p.at, entry{address: one.to.String(), title: one.text}) {
			c.source("pages")
		}
	}
}

// disclosureLink fits addresses and texts of links to pages that say who earns what.
var disclosureLink = regexp.MustCompile(`disclos|affili|transparen|werbung|impressum|imprint|legal|aviso|afiliad|mentions|about|` +
	`über|ueber|acerca|propos|アフィリエイト|プライバシー|広告|免責|運営者`)

// readDisclosure looks at the pages that usually hold the disclosure, where the home page does not.
func (c *crawl) readDisclosure(home page) {
	read := 0
	for _, one := range home.links {
		if c.report.Disclosure != nil || read >= maxExtraPages || c.over {
			return
		}
		said := strings.ToLower(one.to.Path + " " + one.text)
		known := c.known[plainKey(one.to)]
		if known || !c.home.holds(one.to) || !disclosureLink.MatchString(said) || isFile(one.to) {
			continue
		}
		c.known[plainKey(one.to)] = true
		read++
		c.read(one.to)
	}
}
