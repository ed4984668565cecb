// Package network connects creators' social accounts: each network's sign-in (OAuth 2.0) and data API, snapshots of an
// account as it is, and what they come to as a score.
//
// What must always hold: tokens are stored sealed and are never logged; an answer that is expired, replayed or meant for
// somebody else connects nothing; one account of a network belongs to one creator; a snapshot is kept as evidence; what a
// network answers is bounded and is never followed as an address.
//
// It owns no enrolment: admission decides what a score leads to.
package network

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Kind is a network.
type Kind string

// The networks.
const (
	YouTube   Kind = "youtube"
	Instagram Kind = "instagram"
	TikTok    Kind = "tiktok"
	Facebook  Kind = "facebook"
)

// Kinds lists them all.
var Kinds = []Kind{YouTube, Instagram, TikTok, Facebook}

// Instant tells whether an account of that network is decided upon at once; the others wait for a person (docs/spec.md §9).
func (k Kind) Instant() bool { return k == YouTube || k == Facebook }

// Business tells whether the account must be a business account.
func (k Kind) Business() bool { return k == Instagram || k == Facebook }

// Name is how a network writes itself.
func (k Kind) Name() string {
	if d, ok := dialects[k]; ok {
		return d.name
	}
	return string(k)
}

// State is how a connection is.
type State string

// The states. Expired ones are connected again by their owner.
const (
	Connected State = "connected"
	Expired   State = "expired"
	Ended     State = "ended"
)

// Account is a connected account.
type Account struct {
	ID        id.ID
	Creator   id.ID
	Network   Kind
	Number    string // the network's own id of the account
	Handle    string
	Title     string
	Address   string
	State     State
	Connected time.Time
	Checked   time.Time
	Snapshot  Snapshot
	Score     Score
}

// Snapshot is an account as its network describes it.
type Snapshot struct {
	At         time.Time `json:"at"`
	Followers  int64     `json:"followers"`
	Hidden     bool      `json:"hidden,omitempty"` // the network does not tell the number
	Posts      int64     `json:"posts"`
	Recent     int64     `json:"recent"`             // in the last 30 days
	Last       time.Time `json:"last,omitzero"`      // the newest post
	Engagement int64     `json:"engagement"`         // basis points: reactions per post and follower
	Business   bool      `json:"business,omitempty"` // a business or creator account
	Public     bool      `json:"public"`
	Countries  []Share   `json:"countries,omitempty"` // of the audience, where the network tells
	Verified   bool      `json:"verified,omitempty"`
	Confusable bool      `json:"confusable,omitempty"` // handle or title mix letters that look alike
}

// Share is a part of an audience, in basis points.
type Share struct {
	Country string `json:"country"`
	BPS     int64  `json:"bps"`
}

// Connector speaks to the networks.
type Connector struct {
	DB      *db.DB
	Ring    *secret.Ring
	Client  *http.Client // made by egress
	Apps    map[Kind]App // networks without one are not offered
	Home    string       // under which people reach the installation: the redirect address begins with it
	Weights Weights

	mu      sync.Mutex
	lines   map[Kind]*line
	reading map[id.ID]bool // accounts that are being checked here
}

// Answer is the path under Home to which networks send people back: with `state` and `code`, or with `state` and `error`.
const Answer = "/join/networks/callback"

// Redirect is the address that an operator registers at each network, and that requests name.
func (c *Connector) Redirect() string { return strings.TrimSuffix(c.Home, "/") + Answer }

// Offers lists the networks that can be connected here.
func (c *Connector) Offers() []Kind {
	return slices.DeleteFunc(slices.Clone(Kinds), func(k Kind) bool { return c.Apps[k].ID == "" })
}

// line gives the way to a network, kept for its pace and its rest.
func (c *Connector) line(k Kind) (*line, error) {
	app := c.Apps[k]
	if app.ID == "" {
		return nil, fault.New(fault.NotFound, "network", "cannot be connected here", "choose one of those that are offered")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines == nil {
		c.lines = map[Kind]*line{}
	}
	if c.lines[k] == nil {
		c.lines[k] = newLine(k, app, c.Client)
	}
	return c.lines[k], nil
}
