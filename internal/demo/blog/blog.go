// Package blog is the sites of the demo's people, each under a name of its own on this machine: blog.localhost stands for
// the site of a newcomer, the others are those of people who have come before. They are what a crawler meets outside: pages
// with articles, a feed, a sitemap, robots.txt, and a way to put a proof of ownership there, as the makers of sites have one.
//
// What must always hold: it knows nothing of the product, and the product reaches it like any other site; what is pasted is
// read for its proof and written anew, never given out as it came.
package blog

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Names of the sites, before `.localhost`. Newcomer is the one that is kept for whoever tries the demo.
const (
	Newcomer = "blog"
	Lamps    = "lampledge"
	Radio    = "tenminutes"
	Kitchen  = "tidytable"
	Deals    = "grabit"
	Knitting = "firstsock"
)

const localhost = ".localhost"

// Config is what a set of sites needs.
type Config struct {
	Path string           // of the file that keeps what was pasted; empty: it is kept in memory
	Now  func() time.Time // by which articles are dated: the newest is always days old
}

// Sites answers for all of them, each under its own host.
type Sites struct {
	config  Config
	byHost  map[string]*weblog
	hosts   []string
	handler http.Handler

	mu     sync.Mutex
	proofs map[string][]proof // by host, newest last
}

// weblog is one site as its file tells it.
type weblog struct {
	Host, Title, Tagline, Author, Disclosure, Style string
	Recordings                                      bool // what it publishes are recordings, with a few words each
	Articles                                        []article
}

type article struct {
	Slug, Title string
	Ago         int // days
	Paragraphs  []string
	Published   time.Time // as of the request
}

//go:embed sites/*.txt
var texts embed.FS

// New opens the sites, with what was pasted before.
func New(config Config) (*Sites, error) {
	s := &Sites{config: config, byHost: map[string]*weblog{}, proofs: map[string][]proof{}}
	files, err := fs.Glob(texts, "sites/*.txt")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := texts.ReadFile(file)
		if err != nil {
			return nil, err
		}
		one, err := readSite(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		one.Host = strings.TrimSuffix(path.Base(file), ".txt") + localhost
		s.byHost[one.Host] = one
		s.hosts = append(s.hosts, one.Host)
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// readSite reads a site's file: lines of `name: value`, then articles, each under `# days since | title`.
func readSite(text string) (*weblog, error) {
	head, rest, _ := strings.Cut(text, "\n# ")
	one := &weblog{}
	fields := map[string]*string{"title": &one.Title, "tagline": &one.Tagline, "author": &one.Author, "disclosure": &one.Disclosure, "style": &one.Style}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch field := fields[name]; {
		case field != nil:
			*field = value
		case name == "recordings":
			one.Recordings = value == "yes"
		case name != "":
			return nil, fmt.Errorf("%q is no field of a site", name)
		}
	}
	for part := range strings.SplitSeq(rest, "\n# ") {
		title, body, _ := strings.Cut(part, "\n")
		ago, title, _ := strings.Cut(title, " | ")
		days, err := strconv.Atoi(ago)
		if err != nil || title == "" {
			return nil, fmt.Errorf("%q begins no article", part[:min(len(part), 40)])
		}
		a := article{Slug: slugOf(title), Title: title, Ago: days}
		for paragraph := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
			a.Paragraphs = append(a.Paragraphs, strings.TrimSpace(paragraph))
		}
		one.Articles = append(one.Articles, a)
	}
	slices.SortFunc(one.Articles, func(a, b article) int { return a.Ago - b.Ago })
	return one, nil
}

// slugOf is an article's name in its address.
func slugOf(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words[:min(len(words), 6)], "-")
}

// Hosts names the hosts of all sites, without a port.
func (s *Sites) Hosts() []string { return slices.Clone(s.hosts) }

// Serves tells whether a request's host, with or without a port, is that of a site.
func (s *Sites) Serves(host string) bool { return s.byHost[bare(host)] != nil }

func bare(host string) string {
	if name, _, found := strings.Cut(host, ":"); found {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// Address is where a site is reached, for a listener on a port.
func Address(name, port string) string { return "http://" + name + localhost + ":" + port }

// ServeHTTP serves the site that the request names.
func (s *Sites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	if !s.Serves(r.Host) {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxPaste)
	s.handler.ServeHTTP(w, r)
}

// dated gives a site's articles with their dates as of now.
func (s *Sites) dated(one *weblog) []article {
	year, month, day := s.config.Now().UTC().Date()
	articles := slices.Clone(one.Articles)
	for i := range articles {
		a := &articles[i]
		a.Published = time.Date(year, month, day-a.Ago, 7, 30, 0, 0, time.UTC)
	}
	return articles
}
