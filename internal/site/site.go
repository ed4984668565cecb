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
	"net/http"
	"time"

	"tributary/internal/db"
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

// Problem is what stood in the way: a code (`redirects`, `too_large`, `timeout`, `private_address`, `robots`, …) with words.
type Problem struct {
	Code    string `json:"code"`
	Address string `json:"address,omitempty"`
	Words   string `json:"words"`
}

// Prober asks sites for proofs and looks at them. TXT looks up a host's text records.
type Prober struct {
	Client *http.Client
	TXT    func(ctx context.Context, host string) ([]string, error)
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Add names a site. An address that another creator has proved is a Conflict.
func Add(tx *db.Tx, ring *secret.Ring, creator id.ID, address string, kind Kind, now time.Time) (Site, error) {
	return Site{}, notYet
}

// Remove takes a site away from a creator's list; its history stays.
func Remove(tx *db.Tx, creator, one id.ID, now time.Time) error { return notYet }

// Of gives the sites of a creator that were not removed, oldest first.
func Of(tx *db.Tx, creator id.ID) ([]Site, error) { return nil, notYet }

// One reads a site.
func One(tx *db.Tx, one id.ID) (Site, error) { return Site{}, notYet }

// Owners gives the creators who name a site on the same host: for seeing duplicate people.
func Owners(tx *db.Tx, address string) ([]Site, error) { return nil, notYet }

// SaveProof notes that a site is its creator's own.
func SaveProof(tx *db.Tx, one id.ID, method Method, now time.Time) error { return notYet }

// SaveReport keeps what the crawler saw.
func SaveReport(tx *db.Tx, one id.ID, r Report) error { return notYet }

// Prove asks the site for its proof. A proof that is not there is Invalid, with what was looked for and what was found.
func (p *Prober) Prove(ctx context.Context, s Site, method Method) error { return notYet }

// Crawl looks at a site politely. What stands in the way is in the report, never an error of its own.
func (p *Prober) Crawl(ctx context.Context, s Site, now time.Time) Report { return Report{At: now} }
