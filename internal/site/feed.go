package site

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/mail"
	"net/url"
	"strings"
	"time"
)

// Limits of what is taken from one file.
const (
	maxEntries = 1000
	maxTitle   = 500
	maxDate    = 64
)

// entry is something that a feed or sitemap points to.
type entry struct {
	address   string // as it stands there
	title     string
	published time.Time // a feed's word for it
	changed   time.Time // a sitemap's, a hint only
	media     string    // address of a recording or film that is the item itself
}

// sitemap is a list of pages, and of further sitemaps.
type sitemap struct{ pages, more []entry }

// unpacked undoes the compression of a file that is compressed itself, such as sitemap.xml.gz. What is longer than the limit
// of a page is cut off there.
func unpacked(body []byte) []byte {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body
	}
	unpacker, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	plain, _ := io.ReadAll(io.LimitReader(unpacker, pageLimit)) // a torn file is read as far as it goes
	return plain
}

// decoder reads XML that is in UTF-8 already, whatever it says, and forgives what browsers forgive.
func decoder(text string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(text))
	// Entities that a file declares itself are never expanded, so none can grow.
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return d
}

// readSitemap reads a sitemap, an index of them, or a plain list of addresses. ok is false where it is neither; a file that
// is torn gives what came before.
func readSitemap(text string) (found sitemap, ok bool) {
	start := strings.TrimSpace(text[:min(len(text), 200)])
	if strings.HasPrefix(start, "http://") || strings.HasPrefix(start, "https://") {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && len(found.pages) < maxEntries {
				found.pages = append(found.pages, entry{address: line})
			}
		}
		return found, true
	}
	d := decoder(text)
	for {
		token, err := d.Token()
		if err != nil {
			return found, ok
		}
		start, isStart := token.(xml.StartElement)
		if !isStart {
			continue
		}
		var row struct {
			Loc     string `xml:"loc"`
			Lastmod string `xml:"lastmod"`
		}
		switch start.Name.Local {
		case "urlset", "sitemapindex":
			ok = true
		case "url", "sitemap":
			if !ok || d.DecodeElement(&row, &start) != nil || strings.TrimSpace(row.Loc) == "" {
				continue
			}
			one := entry{address: strings.TrimSpace(row.Loc), changed: readTime(row.Lastmod)}
			if start.Name.Local == "url" && len(found.pages) < maxEntries {
				found.pages = append(found.pages, one)
			} else if start.Name.Local == "sitemap" && len(found.more) < maxEntries {
				found.more = append(found.more, one)
			}
		}
	}
}

// feedItem is an item of RSS 0.9 to 2.0 or Atom, whichever of its parts are there.
type feedItem struct {
	Title string `xml:"title"`
	Links []struct {
		Href string `xml:"href,attr"`
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"link"`
	GUID struct {
		Text      string `xml:",chardata"`
		Permalink string `xml:"isPermaLink,attr"`
	} `xml:"guid"`
	PubDate    string `xml:"pubDate"`
	Published  string `xml:"published"`
	Date       string `xml:"date"` // Dublin Core
	Updated    string `xml:"updated"`
	Enclosures []struct {
		URL  string `xml:"url,attr"`
		Type string `xml:"type,attr"`
	} `xml:"enclosure"`
}

func (f feedItem) entry() (e entry) {
	e.title = cut(f.Title, maxTitle)
	for _, text := range []string{f.PubDate, f.Published, f.Date, f.Updated} {
		if e.published = readTime(text); !e.published.IsZero() {
			break
		}
	}
	// RSS writes the address as text, Atom as an attribute; either may hold links for other purposes.
	for _, link := range f.Links {
		address := strings.TrimSpace(link.Href + link.Text)
		switch {
		case link.Rel == "enclosure" && isRecording(link.Type):
			e.media = address
		case e.address == "" && (link.Rel == "" || link.Rel == "alternate"):
			e.address = address
		}
	}
	if guid := strings.TrimSpace(f.GUID.Text); e.address == "" && f.GUID.Permalink != "false" && strings.HasPrefix(guid, "http") {
		e.address = guid
	}
	for _, enclosure := range f.Enclosures {
		if isRecording(enclosure.Type) && e.media == "" {
			e.media = strings.TrimSpace(enclosure.URL)
		}
	}
	return e
}

func isRecording(media string) bool {
	return strings.HasPrefix(media, "audio/") || strings.HasPrefix(media, "video/")
}

// readFeed reads RSS, Atom or a JSON feed. ok is false where it is none of them; a file that is torn gives what came before.
func readFeed(text string) (entries []entry, ok bool) {
	if strings.HasPrefix(strings.TrimSpace(text[:min(len(text), 200)]), "{") {
		return readJSONFeed(text)
	}
	d := decoder(text)
	for len(entries) < maxEntries {
		token, err := d.Token()
		if err != nil {
			return entries, ok
		}
		start, isStart := token.(xml.StartElement)
		if !isStart {
			continue
		}
		switch name := strings.ToLower(start.Name.Local); name {
		case "rss", "rdf", "feed":
			ok = true
		case "item", "entry":
			var item feedItem
			if ok && d.DecodeElement(&item, &start) == nil {
				entries = append(entries, item.entry())
			}
		}
	}
	return entries, ok
}

func readJSONFeed(text string) (entries []entry, ok bool) {
	var feed struct {
		Version string `json:"version"`
		Items   []struct {
			URL         string `json:"url"`
			Title       string `json:"title"`
			Published   string `json:"date_published"`
			Attachments []struct {
				URL  string `json:"url"`
				Type string `json:"mime_type"`
			} `json:"attachments"`
		} `json:"items"`
	}
	if json.Unmarshal([]byte(text), &feed) != nil || !strings.Contains(feed.Version, "jsonfeed.org/version/") {
		return nil, false
	}
	for _, item := range feed.Items[:min(len(feed.Items), maxEntries)] {
		e := entry{address: strings.TrimSpace(item.URL), title: cut(item.Title, maxTitle), published: readTime(item.Published)}
		for _, attached := range item.Attachments {
			if isRecording(attached.Type) && e.media == "" {
				e.media = attached.URL
			}
		}
		entries = append(entries, e)
	}
	return entries, true
}

// timeForms are the ways in which sites write dates, beside those of mail (RFC 5322), which feeds use.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04",
	"2006-01-02", "20060102", "2006-01", "2006/01/02",
	"January 2, 2006", "2 January 2006", "Jan 2, 2006", "2 Jan 2006", time.RFC1123, time.RFC850, time.ANSIC}

// readTime reads a date; what is none is zero.
func readTime(text string) time.Time {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxDate {
		return time.Time{}
	}
	for _, form := range timeForms {
		if at, err := time.Parse(form, text); err == nil {
			return plausible(at)
		}
	}
	if at, err := mail.ParseDate(text); err == nil {
		return plausible(at)
	}
	return time.Time{}
}

// earliest is before the first of what creators publish; before it, a date is a mistake.
var earliest = time.Date(1993, 1, 1, 0, 0, 0, 0, time.UTC)

func plausible(at time.Time) time.Time {
	if at = at.UTC(); at.Before(earliest) || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}

// resolved gives an address that stands on a page, without what only tracks; nil where it is none to fetch.
func resolved(base *url.URL, text string) *url.URL {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxItemAddress {
		return nil
	}
	u, err := base.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	if u.RawQuery != "" {
		u.RawQuery = plainQuery(u.Query())
	}
	return u
}
