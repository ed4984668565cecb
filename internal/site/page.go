package site

import (
	"encoding/json"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// Limits of what is taken from one page.
const (
	maxLinks    = 500
	maxFeeds    = 10
	maxWords    = 8000      // that are compared with other pages
	maxPageText = 200 << 10 // bytes that are searched for phrases
	maxLinked   = 8         // nesting of what a page says of itself in JSON-LD
)

// page is what a page of HTML says.
type page struct {
	at          *url.URL
	canonical   *url.URL // where it says its original is; nil: it says nothing
	title       string
	description string
	published   time.Time
	words       int                 // of its main text
	linked      int                 // of these, in links
	teasers     int                 // parts that lead to pages of their own
	prints      map[uint64]struct{} // of every three words in a row
	visible     string              // all text that it shows, bounded
	links       []link
	feeds       []*url.URL
	youngest    bool // says in its data that it is for children below 13
}

type link struct {
	to   *url.URL
	text string
}

// readPage reads HTML in UTF-8. ok is false where it cannot be read.
func readPage(text string, at *url.URL) (p page, ok bool) {
	document, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		return page{}, false
	}
	p.at = at
	// The first base counts, as in browsers; one that leads elsewhere only makes the links lead elsewhere.
	base := at
	if href, found := document.Find("base[href]").First().Attr("href"); found {
		if u := resolved(at, href); u != nil {
			base = u
		}
	}
	p.readHead(document, base)
	p.readData(document)
	body := document.Find("body")
	p.visible = visible(body)
	p.readLinks(body, base)
	p.readMain(body, base)
	return p, true
}

func (p *page) readHead(document *goquery.Document, base *url.URL) {
	meta := func(names ...string) string {
		for _, name := range names {
			found := document.Find(`meta[property="` + name + `"], meta[name="` + name + `"], meta[itemprop="` + name + `"]`).First()
			if content := strings.TrimSpace(found.AttrOr("content", "")); content != "" {
				return content
			}
		}
		return ""
	}
	p.title = firstOf(meta("og:title"), document.Find("article h1, main h1").First().Text(), document.Find("h1").First().Text(),
		document.Find("title").First().Text())
	p.title = cut(p.title, maxTitle)
	p.description = cut(meta("description", "og:description"), maxTitle)
	p.published = readTime(meta("article:published_time", "datePublished", "date", "dc.date", "DC.date.issued", "parsely-pub-date"))
	if href, found := document.Find(`link[rel="canonical"]`).First().Attr("href"); found {
		p.canonical = resolved(base, href)
	}
	document.Find("link[rel][href]").Each(func(_ int, one *goquery.Selection) {
		rel := strings.Fields(strings.ToLower(one.AttrOr("rel", "")))
		media, _, _ := strings.Cut(strings.ToLower(one.AttrOr("type", "")), ";")
		if slices.Contains(rel, "alternate") && slices.Contains(feedTypes, strings.TrimSpace(media)) && len(p.feeds) < maxFeeds {
			if u := resolved(base, one.AttrOr("href", "")); u != nil {
				p.feeds = append(p.feeds, u)
			}
		}
	})
	if p.published.IsZero() {
		times := document.Find(`time[itemprop="datePublished"], time[pubdate], time.published, time.entry-date, ` +
			`article time[datetime], main time[datetime]`)
		p.published = readTime(times.First().AttrOr("datetime", ""))
	}
}

var feedTypes = []string{"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}

// readData takes dates and the audience out of JSON-LD (schema.org).
func (p *page) readData(document *goquery.Document) {
	document.Find(`script[type="application/ld+json"]`).EachWithBreak(func(i int, script *goquery.Selection) bool {
		var data any
		if json.Unmarshal([]byte(script.Text()), &data) == nil {
			p.readLinked(data, 0)
		}
		return i < maxFeeds
	})
}

func (p *page) readLinked(data any, depth int) {
	if depth > maxLinked {
		return
	}
	switch value := data.(type) {
	case []any:
		for _, one := range value {
			p.readLinked(one, depth+1)
		}
	case map[string]any:
		// Only the page's own parts are followed: an article that it merely mentions has another date.
		if text, _ := value["datePublished"].(string); text != "" && p.published.IsZero() {
			p.published = readTime(text)
		}
		if age, isNumber := value["suggestedMaxAge"].(float64); isNumber && age < 13 {
			p.youngest = true
		}
		for _, name := range []string{"@graph", "mainEntity", "mainEntityOfPage", "audience"} {
			if inner, found := value[name]; found {
				p.readLinked(inner, depth+1)
			}
		}
	}
}

// Elements that hold nothing a reader came for, and those whose text is not shown at all.
const (
	besides = "nav, footer, aside, form, select, button, dialog, [role=navigation], [role=complementary], [role=contentinfo], " +
		"[role=search], [aria-hidden=true], [hidden], .sidebar, .comments, .comments-area, .comment-list, .related-posts, " +
		".widget-area, .cookie-notice"
)

var unseen = map[string]bool{"script": true, "style": true, "noscript": true, "template": true, "iframe": true, "svg": true,
	"object": true, "canvas": true, "textarea": true}

// visible gives the text of a part of the page, with spaces where elements meet.
func visible(part *goquery.Selection) string {
	var out strings.Builder
	for _, node := range part.Nodes {
		collect(node, &out, nil)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// collect goes down no deeper than the parser does, which gives up at 512 elements.
func collect(node *html.Node, out *strings.Builder, skip map[*html.Node]bool) {
	if node.Type == html.TextNode && out.Len() < maxPageText {
		out.WriteString(node.Data)
	}
	if node.Type == html.ElementNode && unseen[node.Data] || skip[node] {
		return
	}
	for child := node.FirstChild; child != nil; child = child.NextSibling {
		collect(child, out, skip)
	}
	if node.Type == html.ElementNode && !inline[node.Data] {
		out.WriteByte(' ')
	}
}

// inline elements do not end a word: <b>w</b>ord is one.
var inline = map[string]bool{"a": true, "abbr": true, "b": true, "bdi": true, "cite": true, "code": true, "em": true, "font": true,
	"i": true, "mark": true, "q": true, "ruby": true, "s": true, "small": true, "span": true, "strong": true, "sub": true,
	"sup": true, "u": true, "wbr": true}

func (p *page) readLinks(body *goquery.Selection, base *url.URL) {
	body.Find("a[href]").EachWithBreak(func(_ int, anchor *goquery.Selection) bool {
		if u := resolved(base, anchor.AttrOr("href", "")); u != nil {
			p.links = append(p.links, link{u, cut(anchor.Text(), maxTitle)})
		}
		return len(p.links) < maxLinks
	})
}

// readMain counts the words of the main text: of the article, of main, or of the body, without what stands besides.
func (p *page) readMain(body *goquery.Selection, base *url.URL) {
	root := body
	if main := body.Find("main, [role=main]").First(); main.Length() > 0 {
		root = main
	}
	skip := map[*html.Node]bool{}
	for _, node := range root.Find(besides).Nodes {
		skip[node] = true
	}
	// What leads to a page of its own is a teaser. The longest of the others is the text, if it is one at all: what stands
	// around it leads away, or is what visitors wrote.
	longest := 0
	for _, node := range root.Find("article").Nodes {
		one := goquery.NewDocumentFromNode(node).Selection
		if within(node, skip) || one.ParentsFiltered("article").Length() > 0 {
			continue
		}
		if p.leadsAway(one, base) {
			p.teasers++
		} else if words := count(tokens(mainText(one, skip))); words > longest {
			longest = words
			if words >= minWords/2 {
				root = one
			}
		}
	}
	if longest >= minWords/2 {
		p.teasers = 0
	}
	var inLinks strings.Builder
	for _, anchor := range root.Find("a").Nodes {
		if !within(anchor, skip) {
			collect(anchor, &inLinks, skip)
			inLinks.WriteByte(' ')
		}
	}
	all := tokens(mainText(root, skip))
	p.words, p.linked = count(all), count(tokens(inLinks.String()))
	p.prints = prints(all)
}

// leadsAway tells whether the first heading of an article is a link to another page of the site. Links to elsewhere do not
// count: people review products under headings that are links to them.
func (p *page) leadsAway(article *goquery.Selection, base *url.URL) bool {
	heading := article.Find("h1, h2, h3, h4").First()
	anchor := heading.Find("a[href]").First()
	if anchor.Length() == 0 {
		anchor = heading.Closest("a[href]")
	}
	to := resolved(base, anchor.AttrOr("href", ""))
	return to != nil && rootOf(to.Hostname(), to.Port()) == rootOf(p.at.Hostname(), p.at.Port()) && plainKey(to) != plainKey(p.at)
}

func mainText(part *goquery.Selection, skip map[*html.Node]bool) string {
	var out strings.Builder
	for _, node := range part.Nodes {
		collect(node, &out, skip)
	}
	return out.String()
}

func within(node *html.Node, skip map[*html.Node]bool) bool {
	for ; node != nil; node = node.Parent {
		if skip[node] {
			return true
		}
	}
	return false
}

// tokens splits text into words in lower case. Scripts without spaces give one token for each letter.
func tokens(text string) (all []string) {
	isBreak := func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) }
	for _, word := range strings.FieldsFunc(strings.ToLower(text), isBreak) {
		begin := 0
		for i, r := range word {
			if spaceless(r) {
				if i > begin {
					all = append(all, word[begin:i])
				}
				all = append(all, string(r))
				begin = i + len(string(r))
			}
		}
		if begin < len(word) {
			all = append(all, word[begin:])
		}
	}
	return all
}

func spaceless(r rune) bool {
	return r > 0xE00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer,
		unicode.Myanmar)
}

// count gives the number of words: two letters of a script without spaces are taken for one.
func count(tokens []string) int {
	words, letters := 0, 0
	for _, token := range tokens {
		if r := []rune(token); len(r) == 1 && spaceless(r[0]) {
			letters++
		} else {
			words++
		}
	}
	return words + letters/2
}

// prints gives a number for every three words in a row: texts that share most of them are the same text.
func prints(tokens []string) map[uint64]struct{} {
	tokens = tokens[:min(len(tokens), maxWords)]
	all := make(map[uint64]struct{}, len(tokens))
	for i := range max(len(tokens)-2, 0) {
		sum := fnv.New64a()
		for _, token := range tokens[i : i+3] {
			sum.Write([]byte(token))
			sum.Write([]byte{0})
		}
		all[sum.Sum64()] = struct{}{}
	}
	return all
}

// alike tells whether two texts share at least half of what either holds.
func alike(a, b map[uint64]struct{}) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	shared := 0
	for one := range a {
		if _, ok := b[one]; ok {
			shared++
		}
	}
	return shared > 0 && 2*shared >= len(a)+len(b)-shared
}

// isList tells whether a page only leads to others.
func (p *page) isList() bool { return p.teasers > 1 || p.words > 0 && 2*p.linked > p.words }
