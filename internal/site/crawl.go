package site

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Limits of a crawl. A site's owner should hardly notice it.
const (
	crawlTimeout  = 2 * time.Minute
	pace          = time.Second // between two requests, unless the site asks for more
	maxPages      = 25
	maxRequests   = 45  // pages, feeds, sitemaps and robots.txt together
	maxCandidates = 400 // addresses that are considered
	maxHosts      = 4   // whose robots.txt is read: the site's, with and without www, and those of its feeds
	minWords      = 150 // of an original item
	maxRecordings = 100 // of a feed that are counted
	ahead         = 48 * time.Hour
)

// candidate is an address that may be an item.
type candidate struct {
	entry
	at *url.URL
}

// crawl is one look at a site.
type crawl struct {
	*Prober
	ctx      context.Context
	home     place
	now      time.Time
	report   *Report
	robots   map[string]*robots
	requests int
	found    []candidate
	known    map[string]bool // addresses that were found
	counted  map[string]bool // those of items
	texts    []map[uint64]struct{}
	thin     int
	copies   int
	foreign  int
	over     bool // no request is to follow
	late     bool // since the time is up
}

// Crawl looks at a site politely: it keeps to robots.txt, asks once a second at most, and for no more than 25 pages in two
// minutes. It takes items from feed and sitemap, else from links, and counts those whose page on this site has 150 words of
// its own, and the recordings of a feed. What stands in the way is in the report, never an error of its own.
func (p *Prober) Crawl(ctx context.Context, s Site, now time.Time) Report {
	report := Report{At: now.UTC().Truncate(time.Microsecond)}
	ctx, cancel := context.WithTimeout(ctx, crawlTimeout)
	defer cancel()
	c := &crawl{Prober: p, ctx: ctx, home: split(s.Address), now: now, report: &report, robots: map[string]*robots{},
		known: map[string]bool{}, counted: map[string]bool{}}
	if c.home.host == "" {
		c.problem("address", s.Address, "the address cannot be read")
		return report
	}
	if words := Confusable(c.home.host, p.Protected...); words != "" {
		c.problem("confusable", "", words)
	}
	if home, ok := c.readHome(); ok {
		c.readDisclosure(home)
		c.readFeeds(home)
		c.readSitemaps()
		if len(c.found) < maxPages {
			c.takeLinks(home)
		}
		c.readItems()
		c.summarise()
	}
	if c.late {
		c.problem("timeout", "", fmt.Sprintf("the time for looking was over, with %d pages read", report.Pages))
	}
	report.bound()
	return report
}

// summaries is how many problems are kept free for those that sum up.
const summaries = 5

// problem notes what stood in the way, each thing once.
func (c *crawl) problem(code, address, words string) {
	one := Problem{Code: code, Address: address, Words: words}
	if (len(c.report.Problems) < maxProblems-summaries || address == "") && !slices.Contains(c.report.Problems, one) {
		c.report.Problems = append(c.report.Problems, one)
	}
}

// source notes where items were found.
func (c *crawl) source(name string) {
	if !slices.Contains(c.report.Sources, name) {
		c.report.Sources = append(c.report.Sources, name)
	}
}

// fetch asks for an address when it is time to, if the host's robots.txt lets it. Redirects may not leave the host.
func (c *crawl) fetch(u *url.URL, host place) (answer, *trouble) {
	rules, t := c.rules(u, host)
	if t != nil {
		return answer{}, t
	}
	// A redirect is a request that the site makes for us: it is judged as one of our own.
	may := func(next *url.URL) *trouble {
		if t := host.onHost(next); t != nil {
			return t
		}
		if !rules.allows(next) {
			return troubled("robots", "robots.txt does not let crawlers in there")
		}
		return nil
	}
	if t := may(u); t != nil {
		return answer{}, t
	}
	return c.send(u, pageLimit, max(pace, rules.delay), may)
}

// send waits and asks.
func (c *crawl) send(u *url.URL, limit int64, wait time.Duration, may func(*url.URL) *trouble) (answer, *trouble) {
	if c.over || c.requests >= maxRequests {
		return answer{}, troubled("limit", "no more is read of this site")
	}
	// The pause is whole, however long the last answer took: a slow site is not asked faster.
	if c.requests > 0 {
		if err := c.wait(wait); err != nil {
			return answer{}, c.outOfTime()
		}
	}
	c.requests++
	got, t := c.Prober.fetch(c.ctx, u, limit, may)
	if t != nil && c.ctx.Err() != nil {
		return got, c.outOfTime()
	}
	if got.status == http.StatusTooManyRequests { // it asks to be left alone
		c.over = true
	}
	return got, t
}

func (c *crawl) wait(d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(c.ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// outOfTime ends the crawl; Crawl says so.
func (c *crawl) outOfTime() *trouble {
	c.over, c.late = true, true
	return troubled("limit", "no more is read of this site")
}

// rules reads a host's robots.txt once. One that is not there allows everything; one that cannot be read now, nothing.
func (c *crawl) rules(u *url.URL, host place) (*robots, *trouble) {
	key := u.Scheme + "://" + u.Host
	if known := c.robots[key]; known != nil {
		return known, nil
	}
	if len(c.robots) >= maxHosts {
		return nil, troubled("limit", "its feeds are on too many hosts")
	}
	at := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}
	got, t := c.send(at, robotsLimit, pace, host.onHost)
	found := &robots{}
	switch {
	case t == nil || t.code == "too_large":
		text, _ := got.text()
		if !got.isPage() { // a page in its place says nothing to crawlers
			*found = readRobots(text, agentName)
		}
	// RFC 9309: what answers 5xx has rules that nobody can read now; what answers 4xx has none.
	case t.code == "status" && t.passing:
		return nil, troubled("robots", "robots.txt cannot be read now: %s; until it can, nothing else is", t.words)
	case t.code != "status" && t.code != "redirects":
		return nil, t
	}
	c.robots[key] = found
	return found, nil
}

// read fetches a page of the site's and reads it. What stands in the way is noted.
func (c *crawl) read(u *url.URL) (page, bool) {
	if c.over || c.report.Pages >= maxPages {
		return page{}, false
	}
	got, t := c.fetch(u, c.home)
	if t != nil {
		if t.code != "limit" {
			c.problem(t.code, u.String(), t.words)
		}
		return page{}, false
	}
	c.report.Pages++
	if !got.isPage() {
		c.problem("not_html", u.String(), fmt.Sprintf("it is no page of HTML but %q", clip(got.media)))
		return page{}, false
	}
	text, t := got.text()
	if t != nil {
		c.problem(t.code, u.String(), t.words)
	}
	p, ok := readPage(text, got.at)
	if !ok {
		c.problem("not_html", u.String(), "it cannot be read as HTML")
		return page{}, false
	}
	// Every page that is read may hold the disclosure: many write it under each article.
	if c.report.Disclosure == nil {
		if said, ok := find(p.visible, disclosures, nil); ok {
			c.report.Disclosure = &Passage{Address: got.at.String(), Text: said}
		}
	}
	return p, true
}

// readHome reads the page that the site's address names. Without it there is nothing to go by.
func (c *crawl) readHome() (page, bool) {
	u, err := url.Parse(c.home.String() + homeSlash(c.home))
	if err != nil {
		return page{}, false
	}
	c.known[plainKey(u)] = true
	p, ok := c.read(u)
	if !ok {
		return p, false
	}
	c.known[plainKey(p.at)] = true
	// Only the front page speaks for whom a site is made; an article may speak of children to anybody.
	about := p.title + ". " + p.description + ". " + p.visible
	if said, found := find(about, young, grown); found {
		c.report.Children = &Passage{Address: p.at.String(), Text: said}
	} else if p.youngest {
		c.report.Children = &Passage{Address: p.at.String(), Text: "its data names an audience below 13 years (suggestedMaxAge)"}
	}
	return p, true
}

// add considers an address; one that was found before keeps what was said first, and gets what was not said.
func (c *crawl) add(base *url.URL, e entry) bool {
	u := resolved(base, e.address)
	if u == nil || !c.home.covers(u) || c.home.isBeside(u) {
		return false
	}
	key := plainKey(u)
	if c.known[key] {
		for i := range c.found {
			if one := &c.found[i]; plainKey(one.at) == key {
				if one.changed.IsZero() {
					one.changed = e.changed
				}
				return true
			}
		}
		return false
	}
	if len(c.found) >= maxCandidates {
		return false
	}
	c.known[key] = true
	c.found = append(c.found, candidate{e, u})
	return true
}

// plainKey makes two ways to write an address one: scheme, www, the slash at the end do not count.
func plainKey(u *url.URL) string {
	key := rootOf(u.Hostname(), u.Port()) + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	return key
}

// Parts of an address that lead to lists of pages; names of pages that are about the site; ends of what is no page.
var (
	lists = []string{"tag", "tags", "category", "categories", "author", "search", "feed", "wp-admin", "wp-login.php", "wp-json",
		"login", "cart", "checkout", "kategorie", "schlagwort", "etiqueta", "categoria", "etiquette", "categorie", "attachment"}
	besideNames = []string{"about", "about-me", "about-us", "contact", "privacy", "privacy-policy", "terms", "terms-of-service",
		"terms-and-conditions", "imprint", "impressum", "datenschutz", "datenschutzerklaerung", "disclosure",
		"affiliate-disclosure", "disclaimer", "legal", "legal-notice", "cookies", "cookie-policy", "sitemap", "newsletter",
		"ueber-mich", "kontakt", "aviso-legal", "contacto", "mentions-legales", "a-propos", "politique-de-confidentialite", "faq"}
	files = []string{".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg", ".ico", ".css", ".js", ".json", ".xml", ".rss",
		".atom", ".gz", ".zip", ".pdf", ".mp3", ".m4a", ".mp4", ".webm", ".mov", ".ogg", ".woff", ".woff2", ".txt", ".epub",
		".doc", ".docx", ".xls", ".xlsx"}
)

// isFile tells by its address that something is no page.
func isFile(u *url.URL) bool { return slices.Contains(files, strings.ToLower(path.Ext(u.Path))) }

// isBeside tells by what stands behind the site's own path that a page is no item: a list, a page about the site, a file.
func (p place) isBeside(u *url.URL) bool {
	behind, query := strings.TrimPrefix(strings.ToLower(u.EscapedPath()), strings.ToLower(p.path)), u.Query()
	parts := strings.Split(strings.Trim(behind, "/"), "/")
	last := parts[len(parts)-1]
	if isFile(u) || slices.Contains(besideNames, strings.TrimSuffix(last, path.Ext(last))) {
		return true
	}
	digits := 0
	for i, part := range parts {
		number := part != "" && strings.Trim(part, "0123456789") == ""
		if slices.Contains(lists, part) || number && i > 0 && parts[i-1] == "page" {
			return true
		}
		if number {
			digits++
		}
	}
	if digits == len(parts) && len(parts[0]) == 4 { // an archive by year, month and day
		return true
	}
	return slices.ContainsFunc([]string{"s", "paged", "cat", "tag", "replytocom", "author"}, query.Has)
}

// readItems reads candidates, those that promise to be newest first, and counts.
func (c *crawl) readItems() {
	slices.SortStableFunc(c.found, func(a, b candidate) int {
		return cmp.Or(rank(a)-rank(b), b.when().Compare(a.when()))
	})
	// Lists among them lead to more, which come behind.
	for i := 0; i < len(c.found) && !c.over && c.report.Pages < maxPages; i++ {
		one := c.found[i]
		p, ok := c.read(one.at)
		if !ok {
			continue
		}
		if p.isList() {
			c.takeLinks(p)
			continue
		}
		c.count(one, p)
	}
}

// rank: what feeds name are items; what sitemaps and links name may be.
func rank(one candidate) int {
	switch {
	case !one.published.IsZero():
		return 0
	case !one.changed.IsZero():
		return 1
	}
	return 2
}

func (one candidate) when() time.Time {
	if !one.published.IsZero() {
		return one.published
	}
	return one.changed
}

// count counts a page that is an original item.
func (c *crawl) count(one candidate, p page) {
	if c.isHome(p.at) || !c.home.covers(p.at) {
		return
	}
	at := p.at
	if p.canonical != nil && !c.isHome(p.canonical) { // a page that names the home page as its original is set up wrongly
		if !c.home.holds(p.canonical) {
			c.foreign++
			return
		}
		at = p.canonical
	}
	if !c.home.covers(at) || c.counted[plainKey(at)] {
		return
	}
	if p.words < minWords {
		c.thin++
		return
	}
	// The first of several that are alike counts: it is the one that feed or sitemap put in front.
	if slices.ContainsFunc(c.texts, func(text map[uint64]struct{}) bool { return alike(text, p.prints) }) {
		c.copies++
		return
	}
	c.texts = append(c.texts, p.prints)
	// A page knows its date best; a sitemap only knows when something changed, be it the footer.
	published := p.published
	if published.IsZero() || c.isAhead(published) {
		published = one.published
	}
	c.item(plainKey(at), Item{Title: firstOf(p.title, one.title), Address: at.String(), Published: published, Words: p.words})
}

func (c *crawl) isHome(u *url.URL) bool {
	return c.home.holds(u) && strings.TrimSuffix(u.EscapedPath(), "/") == c.home.path && u.RawQuery == ""
}

func (c *crawl) isAhead(at time.Time) bool { return at.After(c.now.Add(ahead)) }

func (c *crawl) item(key string, one Item) {
	if c.isAhead(one.Published) {
		one.Published = time.Time{} // what is dated tomorrow is dated wrongly
	}
	c.counted[key] = true
	c.report.Items++
	c.report.Listed = append(c.report.Listed, one)
	if one.Published.After(c.report.Newest) {
		c.report.Newest = one.Published
	}
}

// summarise says what was not counted, and puts the newest items in front.
func (c *crawl) summarise() {
	slices.SortStableFunc(c.report.Listed, func(a, b Item) int { return b.Published.Compare(a.Published) })
	slices.Sort(c.report.Sources)
	for _, one := range []struct {
		count       int
		code, words string
	}{
		{c.thin, "thin", "%d pages have fewer than 150 words of their own and are not counted"},
		{c.copies, "copies", "%d pages hold nearly the same text as another one and are not counted"},
		{c.foreign, "foreign", "%d pages say that their original is on another host and are not counted"},
	} {
		if one.count > 0 {
			c.problem(one.code, "", fmt.Sprintf(one.words, one.count))
		}
	}
	if c.report.Items == 0 {
		c.problem("no_items", "", "no original item was found: a sitemap or feed helps, and pages that can be read without script")
	}
}
