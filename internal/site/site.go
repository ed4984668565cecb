// Package site holds the sites, apps and channels of creators: which they say are theirs, how that was proved, and what a
// polite crawler saw there.
//
// What must always hold: every request to a site goes through a client made by egress.Public; what a site answers is
// bounded in size, time, redirects and pages; a finding is kept as evidence and decides nothing by itself.
//
// It owns no enrolment: admission decides what a proof or a report leads to.
package site

import (
	"context"
	"encoding/base32"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Kind is what an address is.
type Kind string

// The kinds.
const (
	Web     Kind = "web"
	App     Kind = "app"
	Social  Kind = "social"
	Video   Kind = "video"
	Podcast Kind = "podcast"
)

// State is where a site stands.
type State string

// The states.
const (
	Pending  State = "pending"
	Proved   State = "proved"
	Rejected State = "rejected"
)

// Method is a way to prove that a site is one's own.
type Method string

// The methods. Connected is for channels whose network has said so (package network).
const (
	File      Method = "file"
	Meta      Method = "meta"
	DNS       Method = "dns"
	Connected Method = "oauth"
)

// MaxSites is how many sites a creator may name.
const MaxSites = 50

// Site is one address of a creator's.
type Site struct {
	ID      id.ID
	Creator id.ID
	Address string // normal form: scheme, host, path without a trailing slash
	Kind    Kind
	State   State
	Method  Method // by which it was proved
	Token   string // what the file, tag or record must hold
	Added   time.Time
	Proved  time.Time
	Report  *Report // of the newest crawl; nil: none yet
	Removed time.Time
}

// Report is what the crawler saw, kept as evidence.
type Report struct {
	At         time.Time `json:"at"`
	Items      int       `json:"items"` // original items that were counted
	Newest     time.Time `json:"newest,omitzero"`
	Listed     []Item    `json:"listed,omitempty"` // the newest of them
	Disclosure *Passage  `json:"disclosure,omitempty"`
	Children   *Passage  `json:"children,omitempty"` // why it seems to be directed at children
	Pages      int       `json:"pages"`              // fetched
	Sources    []string  `json:"sources,omitempty"`  // `sitemap`, `feed`, `pages`
	Problems   []Problem `json:"problems,omitempty"`
}

// Item is one thing that was published.
type Item struct {
	Title     string    `json:"title,omitempty"`
	Address   string    `json:"address"`
	Published time.Time `json:"published,omitzero"`
	Words     int       `json:"words,omitempty"`
}

// Passage is text that was found, and where.
type Passage struct {
	Address string `json:"address"`
	Text    string `json:"text"`
}

// Problem is what stood in the way: a code of the list in Fix, with words, and the address where it was met (empty: it is
// about the whole site).
type Problem struct {
	Code    string `json:"code"`
	Address string `json:"address,omitempty"`
	Words   string `json:"words"`
}

// Prober asks sites for proofs and looks at them. TXT looks up a host's text records.
type Prober struct {
	Client *http.Client
	TXT    func(ctx context.Context, host string) ([]string, error)

	// What follows may be left empty.

	Contact   string                                           // address of a page about the crawler, for its User-Agent
	Protected []string                                         // hosts or names that no site's name should look like
	Timeout   time.Duration                                    // of one request; 30 seconds
	Wait      func(ctx context.Context, d time.Duration) error // pauses between requests; by the wall clock
}

// Limits of a report.
const (
	maxListed   = 30
	maxProblems = 20
	maxText     = 300 // characters of a title or passage
)

// bound keeps a report small, whatever a site says.
func (r *Report) bound() {
	r.Listed = r.Listed[:min(len(r.Listed), maxListed)]
	r.Problems = r.Problems[:min(len(r.Problems), maxProblems)]
	for i := range r.Listed {
		r.Listed[i].Title, r.Listed[i].Address = clip(r.Listed[i].Title), clipAddress(r.Listed[i].Address)
	}
	for i := range r.Problems {
		r.Problems[i].Words, r.Problems[i].Address = clip(r.Problems[i].Words), clipAddress(r.Problems[i].Address)
	}
	for _, p := range []*Passage{r.Disclosure, r.Children} {
		if p != nil {
			p.Text, p.Address = clip(p.Text), clipAddress(p.Address)
		}
	}
}

// clip makes text of a site's fit to be shown: one line, no control characters, not long.
func clip(text string) string { return cut(text, maxText) }

// maxItemAddress bounds addresses in reports.
const maxItemAddress = 1000

func clipAddress(text string) string { return cut(text, maxItemAddress) }

func cut(text string, limit int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, text)
	if short := []rune(text); len(short) > limit {
		return string(short[:limit-1]) + "…"
	}
	return text
}

// Token is what a creator shows on a host to prove that it is theirs: always the same for both, known to nobody else.
func Token(ring *secret.Ring, creator id.ID, root string) string {
	return tokenText.EncodeToString(ring.Hash("site/token", creator.Text(id.Creator), root)[:16])
}

// tokenText has no letters that are mistaken for digits; 16 bytes make 26 characters.
var tokenText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// channels are hosts of networks that say themselves whose a channel is (package network).
var channels = []string{"youtube.com", "youtu.be", "instagram.com", "tiktok.com", "facebook.com", "fb.com"}

func (p place) isChannel() bool {
	return slices.ContainsFunc(channels, func(host string) bool { return p.root() == host || strings.HasSuffix(p.root(), "."+host) })
}

func checkKind(p place, kind Kind) error {
	if !slices.Contains([]Kind{Web, App, Social, Video, Podcast}, kind) {
		return fault.Invalidf("kind", "is not a kind of site", "choose web, app, social, video or podcast")
	}
	if p.isChannel() && kind != Social && kind != Video {
		return fault.Invalidf("kind", "does not fit the address: it is a channel of a network", "choose social or video")
	}
	return nil
}

// Methods gives the ways in which a site can be proved.
func (s Site) Methods() []Method {
	switch p := split(s.Address); {
	case p.isChannel():
		return []Method{Connected}
	case p.path != "":
		return []Method{File, Meta}
	}
	return []Method{File, Meta, DNS}
}
