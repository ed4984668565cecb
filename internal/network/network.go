// Package network connects creators' social accounts: each network's sign-in (OAuth 2.0) and data API, snapshots of an
// account as it is, and what they come to as a score.
//
// What must always hold: tokens are stored sealed and are never logged; an answer that is expired, replayed or meant for
// somebody else connects nothing; one account of a network belongs to one creator; a snapshot is kept as evidence.
//
// It owns no enrolment: admission decides what a score leads to.
package network

import (
	"context"
	"net/http"
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
}

// Share is a part of an audience, in basis points.
type Share struct {
	Country string `json:"country"`
	BPS     int64  `json:"bps"`
}

// Score is what a snapshot comes to, with its parts.
type Score struct {
	Points int64  `json:"points"` // 0 to 1,000
	Needed int64  `json:"needed"`
	Pass   bool   `json:"pass"`
	Parts  []Part `json:"parts"`
	// Against are rules that no number of points outweighs: `business_account`, `private`, `no_posts`.
	Against []string `json:"against,omitempty"`
}

// Part is one part of a score.
type Part struct {
	Code   string `json:"code"` // `followers`, `engagement`, `rhythm`, `last_post`, `countries`
	Points int64  `json:"points"`
	Most   int64  `json:"most"`
	Words  string `json:"words"` // in figures: "2,310 followers; full points from 10,000"
}

// Weights are an operator's numbers for the score.
type Weights struct {
	Followers, Engagement, Rhythm, LastPost int64 // points that each part can give; together at most 1,000
	Guide                                   int64 // followers at which half of that part's points are given: 1,000
	Needed                                  int64
}

// Shipped are the weights that the product comes with.
func Shipped() Weights { return Weights{400, 300, 200, 100, 1000, 350} }

// App is how an installation is known to a network. Base addresses are those of the network where they are empty.
type App struct {
	ID, Secret string
	Auth       string // where people sign in
	Token      string // where codes become tokens
	Data       string // the data API
}

// Connector speaks to the networks.
type Connector struct {
	DB      *db.DB
	Ring    *secret.Ring
	Client  *http.Client // made by egress
	Apps    map[Kind]App // networks without one are not offered
	Home    string       // under which people reach the installation: the redirect address begins with it
	Weights Weights
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Offers lists the networks that can be connected here.
func (c *Connector) Offers() []Kind { return nil }

// Begin gives the address at which a creator signs in to a network. session binds the answer to whoever asked. now is wall time.
func (c *Connector) Begin(ctx context.Context, creator id.ID, k Kind, session string, now time.Time) (address string, err error) {
	return "", notYet
}

// Finish takes the network's answer: exchanges the code, reads the account, stores and scores it. An answer that is expired,
// replayed, or for another session is Denied. wall is for tokens, now is business time.
func (c *Connector) Finish(ctx context.Context, state, code, session string, wall, now time.Time) (Account, error) {
	return Account{}, notYet
}

// Check reads a connected account again; one whose consent is gone becomes Expired.
func (c *Connector) Check(ctx context.Context, account id.ID, wall, now time.Time) (Account, error) {
	return Account{}, notYet
}

// Disconnect ends a connection at its owner's wish, and tells the network where it can be told.
func (c *Connector) Disconnect(ctx context.Context, creator, account id.ID, now time.Time) error {
	return notYet
}

// Of gives a creator's accounts, newest first, ended ones left out.
func Of(tx *db.Tx, creator id.ID) ([]Account, error) { return nil, notYet }

// One reads an account.
func One(tx *db.Tx, account id.ID) (Account, error) { return Account{}, notYet }

// Stale gives connected accounts that were last checked before an instant, oldest first.
func Stale(tx *db.Tx, before time.Time, limit int) ([]Account, error) { return nil, notYet }

// Judge scores a snapshot. It knows no database and no clock: now is given.
func Judge(k Kind, s Snapshot, w Weights, now time.Time) Score { return Score{} }
