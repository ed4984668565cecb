package network

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// tokens is what a network gave for a consent. It is stored sealed, and leaves this package only towards its network.
type tokens struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh,omitempty"`
	Made    int64  `json:"made"`           // seconds of the wall clock
	Ends    int64  `json:"ends,omitempty"` // the same; 0: when the consent does
	Account string `json:"account,omitempty"`
	User    string `json:"user,omitempty"` // who consented, where that is not the account
}

// Limits of what is taken for a token, in bytes: the longest in use have some hundred.
const maxToken = 4096

// sealPurpose names the key that seals tokens and verifiers.
const sealPurpose = "network-token"

func (t tokens) seal(ring *secret.Ring, account id.ID) ([]byte, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return ring.Seal(sealPurpose, place(account), text), nil
}

func openTokens(ring *secret.Ring, account id.ID, sealed []byte) (t tokens, err error) {
	text, err := ring.Open(sealPurpose, place(account), sealed)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	return t, fault.Wrap(err, "opening the tokens of a connected account")
}

func place(account id.ID) string { return "network_account:" + account.Text("") + ":tokens" }

// sound refuses what cannot be a token.
func (t tokens) sound() bool {
	for _, text := range []string{t.Access, t.Refresh, t.Account, t.User} {
		if len(text) > maxToken || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return false
		}
	}
	return t.Access != ""
}

// granted is the answer of a token address, in the words that the networks share.
type granted struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn count  `json:"expires_in"`
	Scope     words  `json:"scope"`
	OpenID    word   `json:"open_id"`
	UserID    word   `json:"user_id"`
	Allowed   words  `json:"permissions"`
}

// tokens are what an answer comes to at an instant of the wall clock.
func (g granted) tokens(wall time.Time) tokens {
	t := tokens{Access: g.Access, Refresh: g.Refresh, Made: wall.Unix()}
	if g.ExpiresIn.known {
		t.Ends = wall.Unix() + min(g.ExpiresIn.n, maxLife)
	}
	return t
}

// maxLife bounds what a network says of a token's life, in seconds: ten years.
const maxLife = 10 * 365 * 24 * 3600

// code is what a sign-in is exchanged with.
type code struct {
	text, redirect, verifier string
}

// dialect is how one network speaks. Its functions know paths, fields and codes of that network and nothing else.
type dialect struct {
	name              string
	auth, token, data string
	scopes            []string // asked for
	needed            []string // of these, those without which an account cannot be read
	nothing           string   // said where there is nothing to connect
	something         string   // and what mends it

	// authorize gives path and parameters of the address where people sign in.
	authorize func(app App, redirect, state, verifier string) (path string, query url.Values)
	// exchange makes tokens of a code, and tells which scopes were granted.
	exchange func(ctx context.Context, l *line, c code, wall time.Time) (tokens, []string, error)
	// due tells whether tokens should be renewed before they are used; nil: they cannot be.
	due func(t tokens, wall time.Time) bool
	// refresh renews tokens; one that is gone is gone for good.
	refresh func(ctx context.Context, l *line, t tokens, wall time.Time) (tokens, error)
	// read reads the account.
	read func(ctx context.Context, l *line, t tokens, now time.Time) (profile, error)
	// revoke tells the network that the consent ends; nil: it cannot be told.
	revoke func(ctx context.Context, l *line, t tokens) error
	// refusal sorts an error answer further than its status does, and tells whether a 200 is one.
	refusal func(no *refused, body []byte) bool
}

var dialects map[Kind]*dialect

func init() { // they use each other's parts, which the compiler would call a loop
	dialects = map[Kind]*dialect{YouTube: youtube(), Instagram: instagram(), TikTok: tiktok(), Facebook: facebook()}
}

// soonEnds tells whether tokens end within minutes.
func soonEnds(t tokens, wall time.Time) bool {
	return t.Ends != 0 && t.Ends-wall.Unix() < 300
}

// lacks gives the first needed scope that was not granted.
func (d *dialect) lacks(scopes []string) string {
	for _, scope := range d.needed {
		if !slices.Contains(scopes, scope) {
			return scope
		}
	}
	return ""
}

// signIn exchanges a code for tokens with all that is needed.
func (l *line) signIn(ctx context.Context, c code, wall time.Time) (tokens, error) {
	t, scopes, err := l.speaks.exchange(ctx, l, c, wall)
	if err != nil {
		return t, err
	}
	if !t.sound() {
		return t, &refused{network: l.kind, path: "the token's address", status: 200, reason: odd}
	}
	if lacking := l.speaks.lacks(scopes); lacking != "" {
		return t, fault.New(fault.Denied, "scope", l.speaks.name+" was not allowed to tell what is needed ("+lacking+")",
			"connect again and leave every box ticked")
	}
	return t, nil
}

// renew refreshes tokens, keeping of the old ones what the answer leaves out.
func (l *line) renew(ctx context.Context, old tokens, wall time.Time) (tokens, error) {
	t, err := l.speaks.refresh(ctx, l, old, wall)
	if err != nil {
		return old, err
	}
	if t.Refresh == "" {
		t.Refresh = old.Refresh
	}
	t.Account, t.User = old.Account, old.User
	if !t.sound() {
		return old, &refused{network: l.kind, path: "the token's address", status: 200, reason: odd}
	}
	return t, nil
}

// look reads an account and measures it. What a network says of an account without an id is no answer.
func (l *line) look(ctx context.Context, t tokens, now time.Time) (profile, error) {
	p, err := l.speaks.read(ctx, l, t, now)
	if err != nil {
		return p, err
	}
	if p.number = tidyNumber(p.number); p.number == "" {
		return p, &refused{network: l.kind, path: "the account", status: 200, reason: odd}
	}
	p.measure(now)
	return p, nil
}
