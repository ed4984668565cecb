package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	standard "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

const (
	requestLife = 10 * time.Minute // from the button to the return
	knownFor    = time.Hour        // a discovery document is read again after it
	maxAnswer   = 1 << 20          // bytes of any answer of a provider
	maxOpen     = 100_000          // requests that have not come back: far more than people make in ten minutes
	freshLogin  = 10 * time.Minute // how old a login may be that proves who somebody is
)

// Provider is an account elsewhere with which people sign in.
type Provider struct {
	Config
	secret   string
	client   *http.Client
	redirect string // where the provider sends people back to

	mu    sync.Mutex
	known *standard.Provider
	read  time.Time
}

// New gives a provider. The client reaches the addresses of the configuration and nothing else; home is the address under
// which people reach this installation.
func New(c Config, clientSecret string, client *http.Client, home string) *Provider {
	limited := *client
	limited.Transport = bound{client.Transport}
	// An answer that leads elsewhere is no answer of the provider's.
	limited.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Provider{Config: c, secret: clientSecret, client: &limited, redirect: strings.TrimSuffix(home, "/") + "/login/with/" + c.Key() + "/return"}
}

// bound keeps answers short: the libraries read them whole.
type bound struct{ next http.RoundTripper }

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		return nil, errors.New("oidc: the client dials by itself")
	}
	response, err := next.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxAnswer), response.Body}
	}
	return response, err
}

// Purpose says what somebody was sent to the provider for.
type Purpose string

// The purposes.
const (
	SignIn Purpose = "sign_in" // or sign up
	Tie    Purpose = "tie"     // to use this account from now on
	Prove  Purpose = "prove"   // to prove once more who they are
)

// Request is what comes back with the answer.
type Request struct {
	Purpose   Purpose
	Principal id.ID  // who asked, for Tie and Prove
	Invite    string // an invitation that is joined
	Next      string // where to go afterwards: a path of ours
}

// sealedRequest is how a request is kept.
type sealedRequest struct {
	Request
	Nonce    string
	Verifier string
}

// Identity is who the provider says that somebody is.
type Identity struct {
	Issuer, Subject string
	Email           string // empty where the provider did not verify it
	Name            string
	Customer        string    // id of the store's customer, where the configuration names its claim
	Role            auth.Role // of staff; empty: none of their groups has one
}

const requestPurpose = "oidc-request"

var (
	insertRequest = db.Statement(`INSERT INTO oidc_request (state, provider, browser, sealed, expires) VALUES ($1, $2, $3, $4, $5)`)
	selectRequest = db.Statement(`SELECT provider, browser, sealed, expires FROM oidc_request WHERE state = $1`)
	deleteRequest = db.Statement(`DELETE FROM oidc_request WHERE state = $1`)
	sweepRequests = db.Statement(`DELETE FROM oidc_request WHERE expires <= $1`)
	countRequests = db.Statement(`SELECT COUNT(*) FROM oidc_request`)
)

func text32() string {
	var raw [32]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Begin gives the address at the provider to which somebody is sent. browser is a text that only the asking browser's
// session holds: who comes back without it is refused.
func (p *Provider) Begin(ctx context.Context, d *db.DB, ring *secret.Ring, asked Request, browser string, wall time.Time) (string, error) {
	flow, _, err := p.flow(ctx, wall)
	if err != nil {
		return "", err
	}
	state := text32()
	kept := sealedRequest{Request: asked, Nonce: text32(), Verifier: oauth2.GenerateVerifier()}
	text, err := json.Marshal(kept)
	if err != nil {
		return "", err
	}
	sealed := ring.Seal(requestPurpose, "oidc:"+state, text)
	err = d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if _, err := tx.Exec(sweepRequests, wall.UnixMicro()); err != nil {
			return fault.Wrap(err, "removing old sign-ins")
		}
		var open int64
		if _, err := tx.One(countRequests, []any{&open}); err != nil {
			return fault.Wrap(err, "counting sign-ins")
		}
		if open >= maxOpen {
			return fault.New(fault.Exhausted, "", "too many people are signing in right now", "try again in ten minutes")
		}
		_, err := tx.Exec(insertRequest, hashOf(state), p.Key(), hashOf(browser), sealed, wall.Add(requestLife).UnixMicro())
		return fault.Wrap(err, "keeping a sign-in")
	})
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{standard.Nonce(kept.Nonce), oauth2.S256ChallengeOption(kept.Verifier)}
	if asked.Purpose == Prove {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"), oauth2.SetAuthURLParam("prompt", "login"))
	}
	return flow.AuthCodeURL(state, options...), nil
}

// refusal is the one answer to whatever does not come back as it was sent: a guesser learns nothing from it.
func refusal(cause error) *fault.Error {
	return fault.New(fault.Denied, "", "this sign-in is not valid, was used already, or took longer than ten minutes",
		"begin again").Because(cause)
}

// Finish takes what the provider sent back and gives who it is. Whatever is wrong with it is Denied; a provider that does
// not answer is Unavailable.
func (p *Provider) Finish(ctx context.Context, d *db.DB, ring *secret.Ring, query url.Values, browser string, wall time.Time) (Identity, Request, error) {
	kept, err := p.take(ctx, d, ring, query.Get("state"), browser, wall)
	if err != nil {
		return Identity{}, Request{}, err
	}
	if code := query.Get("error"); code != "" {
		if code == "access_denied" {
			return Identity{}, kept.Request, fault.New(fault.Denied, "", "the sign-in was refused at "+p.Name, "begin again, or sign in another way")
		}
		return Identity{}, kept.Request, fault.New(fault.Denied, "", p.Name+" could not sign you in", "try again, or sign in another way").
			Because(errors.New("oidc: error " + clip(code, 100)))
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != p.Issuer { // RFC 9207: an answer of somebody else's
		return Identity{}, kept.Request, refusal(errors.New("oidc: the answer names another issuer"))
	}
	who, err := p.redeem(ctx, query.Get("code"), kept, wall)
	return who, kept.Request, err
}

// take spends a request: two answers with the same state find one row.
func (p *Provider) take(ctx context.Context, d *db.DB, ring *secret.Ring, state, browser string, wall time.Time) (kept sealedRequest, err error) {
	var provider string
	var hash, sealed []byte
	var expires int64
	var found bool
	err = d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		found, err = tx.One(selectRequest, []any{&provider, &hash, &sealed, &expires}, hashOf(state))
		if err != nil || !found {
			return fault.Wrap(err, "reading a sign-in")
		}
		// Another browser must not spend what is somebody else's.
		if !secret.Equal(hash, hashOf(browser)) || provider != p.Key() {
			found = false
			return nil
		}
		used, err := tx.Exec(deleteRequest, hashOf(state))
		found = used == 1
		return fault.Wrap(err, "using a sign-in")
	})
	if err != nil {
		return kept, err
	}
	if !found || browser == "" || clock.Micro(wall) >= expires {
		return kept, refusal(errors.New("oidc: no such request of this browser"))
	}
	text, err := ring.Open(requestPurpose, "oidc:"+state, sealed)
	if err != nil {
		return kept, refusal(err)
	}
	return kept, json.Unmarshal(text, &kept)
}

// redeem exchanges the code and verifies the token that comes for it.
func (p *Provider) redeem(ctx context.Context, code string, kept sealedRequest, wall time.Time) (Identity, error) {
	flow, known, err := p.flow(ctx, wall)
	if err != nil {
		return Identity{}, err
	}
	if code == "" || len(code) > maxText*8 {
		return Identity{}, refusal(errors.New("oidc: no code"))
	}
	tokens, err := flow.Exchange(standard.ClientContext(ctx, p.client), code, oauth2.VerifierOption(kept.Verifier))
	if err != nil {
		var answered *oauth2.RetrieveError
		if errors.As(err, &answered) && answered.Response != nil && answered.Response.StatusCode < http.StatusInternalServerError {
			return Identity{}, refusal(errors.New("oidc: the code was not taken: " + clip(answered.ErrorCode, 100)))
		}
		return Identity{}, p.away(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	verifier := known.VerifierContext(standard.ClientContext(ctx, p.client), &standard.Config{ClientID: p.ClientID, Now: func() time.Time { return wall }})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return Identity{}, refusal(err)
	}
	if !secret.Equal([]byte(token.Nonce), []byte(kept.Nonce)) {
		return Identity{}, refusal(errors.New("oidc: another nonce"))
	}
	return p.identity(token, kept.Purpose, wall)
}

// claims are those that we read. Providers write email_verified as a word, too.
type claims struct {
	Email    string `json:"email"`
	Verified any    `json:"email_verified"`
	Name     string `json:"name"`
	Party    string `json:"azp"`
	At       int64  `json:"auth_time"`
}

func (p *Provider) identity(token *standard.IDToken, purpose Purpose, wall time.Time) (Identity, error) {
	var c claims
	all := map[string]any{}
	if err := errors.Join(token.Claims(&c), token.Claims(&all)); err != nil {
		return Identity{}, refusal(err)
	}
	if c.Party != "" && c.Party != p.ClientID || len(token.Audience) > 1 && c.Party == "" {
		return Identity{}, refusal(errors.New("oidc: the token was made for somebody else"))
	}
	if token.Subject == "" || len(token.Subject) > maxText {
		return Identity{}, refusal(errors.New("oidc: no subject"))
	}
	if age := wall.Sub(time.Unix(c.At, 0)); purpose == Prove && age > freshLogin {
		return Identity{}, fault.New(fault.Denied, "", p.Name+" did not ask you to sign in anew", "sign out there, and try again")
	}
	who := Identity{Issuer: p.Issuer, Subject: token.Subject, Name: nameOf(c.Name)}
	if c.Verified == true || c.Verified == "true" {
		who.Email = c.Email
	}
	switch p.For {
	case ForStaff:
		who.Role = p.roleOf(all[p.GroupClaim])
	case ForCreators:
		if text, ok := all[p.Customer].(string); ok && p.Customer != "" && len(text) <= maxText {
			who.Customer = text
		}
	}
	return who, nil
}

// roleOf gives the role of somebody's groups; empty where none has one.
func (p *Provider) roleOf(groups any) auth.Role {
	has := map[auth.Role]bool{}
	switch groups := groups.(type) {
	case string:
		has[p.Roles[groups]] = true
	case []any:
		for _, group := range groups {
			if name, ok := group.(string); ok {
				has[p.Roles[name]] = true
			}
		}
	}
	for _, role := range auth.Everybody {
		if auth.Staff.Has(role) && has[role] {
			return role
		}
	}
	return ""
}

// nameOf makes a name of what a provider calls somebody: one line, at most as long as a name is.
func nameOf(text string) string {
	if !utf8.ValidString(text) {
		return ""
	}
	return clip(strings.Join(strings.Fields(text), " "), 100)
}

func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return strings.TrimSpace(string(runes[:most]))
	}
	return text
}

// flow gives the provider as its discovery document describes it.
func (p *Provider) flow(ctx context.Context, wall time.Time) (*oauth2.Config, *standard.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || wall.Sub(p.read) > knownFor || wall.Before(p.read) {
		// The keys are read with this context for as long as the document is known: it must not end with the request.
		known, err := standard.NewProvider(standard.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
		if err != nil {
			return nil, nil, p.away(err)
		}
		p.known, p.read = known, wall
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.secret, Endpoint: p.known.Endpoint(), RedirectURL: p.redirect,
		Scopes: append([]string{standard.ScopeOpenID, "email", "profile"}, p.Scopes...)}, p.known, nil
}

// away is a provider that does not answer, or not as it should.
func (p *Provider) away(err error) error {
	return fault.New(fault.Unavailable, "", p.Name+" cannot be reached right now", "try again in a moment, or sign in another way").
		Because(wordless(err))
}

// wordless is what may be logged of a provider's failure. What it wrote is not repeated: whoever is broken, or stands before it,
// may echo what was sent, and our secret and the person's code are in that.
func wordless(err error) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) && answered.Response != nil {
		return fmt.Errorf("oidc: the token endpoint answered %d", answered.Response.StatusCode)
	}
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err // the connection's own error, without the address
	}
	return fmt.Errorf("oidc: the answer cannot be used (%T)", err)
}
