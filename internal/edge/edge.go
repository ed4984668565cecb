// Package edge is the door for shoppers: an address goes in, and one 302 to the store comes out, with the click token in
// it (docs/spec.md §3). It answers from memory and touches no database: what it knows is read at the start and kept up to
// date by the change feed (State).
//
// What must always hold: a click is in the click log, synced, before its token leaves, or the token says *unlogged*. A
// redirect leads to a marketplace's own hosts and nowhere else. Nothing that a visitor sends is an error of ours. Whoever
// only checks, fetches ahead or shows a card is redirected without a token, and is no click.
//
// It does not read addresses (package link), keep clicks (package click), or decide what they earn (package attribution).
package edge

import (
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/fault"
	"tributary/internal/link"
	"tributary/internal/market"
	"tributary/internal/secret"
)

// Config is what an edge is made of. Countries may be nil (nobody is routed but by a trusted proxy's header), and the
// name of the token's parameter may be empty (tclid).
type Config struct {
	State     *State
	Log       *click.Log
	Ring      *secret.Ring
	Clock     *clock.Business
	Countries *market.Countries
	Proxies   market.Proxies
	Parameter string
}

// Edge answers links. It is an http.Handler, safe for any number of requests.
type Edge struct {
	Config
	sealer     *click.Sealer
	sieve      *click.Sieve
	addressKey [secret.KeySize]byte
	work       sync.Pool
	refused    atomic.Bool // the last click was not taken by the log

	redirects, clicks, unlogged atomic.Int64
}

// DefaultParameter is the name of the query parameter in which the store gets the token.
const DefaultParameter = "tclid"

// New makes an edge.
func New(c Config) *Edge {
	if c.Parameter == "" {
		c.Parameter = DefaultParameter
	}
	e := &Edge{Config: c, sealer: click.NewSealer(c.Ring), sieve: click.NewSieve()}
	// The newest key: hashes of addresses are compared within a day, so a rotation costs one day's comparison.
	e.addressKey, _ = c.Ring.Derive(c.Ring.Newest(), "click-address")
	e.work.New = func() any { return &bench{to: make([]byte, 0, 1024), token: make([]byte, 0, click.TokenLength)} }
	return e
}

// bench is what one request needs to work; it is used again by the next.
type bench struct {
	click  click.Click
	wanted link.Wanted
	to     []byte
	token  []byte
}

// Stats are counts since the start.
type Stats struct {
	Redirects int64 // answered with a 302
	Clicks    int64 // of these, logged
	Unlogged  int64 // of these, the log could not take
}

// Stats gives the counts.
func (e *Edge) Stats() Stats {
	return Stats{Redirects: e.redirects.Load(), Clicks: e.clicks.Load(), Unlogged: e.unlogged.Load()}
}

// Wants tells whether a request is for the edge, for a door that shares its host: a path of links, the home page with a
// tag, or a short code that exists.
func (e *Edge) Wants(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false // POST /c is another door's
	}
	w, err := link.Parse(r.URL.EscapedPath(), r.URL.RawQuery)
	switch {
	case w.Kind == click.KindHome:
		return err == nil && w.TagText != ""
	case w.Kind == click.KindShort:
		_, known := e.State.short(w.Code)
		return err == nil && known
	}
	return w.Kind != 0 && !fault.Is(err, fault.NotFound) // a link that is not right gets the edge's answer
}

// stayCookie remembers that a visitor asked to stay, for as long as one looks around.
const (
	stayCookie  = "tributary_stay"
	stayCookied = stayCookie + "=1"
	staySet     = stayCookied + "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"
	stayUnset   = stayCookie + "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
)

// visitor finds where a visitor comes from and whether he asked to stay.
func (e *Edge) visitor(r *http.Request, stay link.Stay, at time.Time) (netip.Addr, guest) {
	address, country := e.Proxies.Visitor(r.RemoteAddr, r.Header)
	if country == (market.Country{}) && e.Countries != nil {
		country = e.Countries.Of(address)
	}
	g := guest{country: country, stay: stay == link.StayHere, at: at}
	if stay == link.StayUnsaid {
		for _, line := range r.Header["Cookie"] {
			g.stay = g.stay || strings.Contains(line, stayCookied)
		}
	}
	return address, g
}

// hashAddress stands for an address for one day. Key, day and address have fixed sizes, so plain SHA-256 behind the key
// is as good as HMAC here, at half the price. IPv6 addresses count by their 64 bits: the rest changes by the hour.
func (e *Edge) hashAddress(address netip.Addr, at time.Time) (hash [8]byte) {
	var text [secret.KeySize + 8 + 16]byte
	copy(text[:], e.addressKey[:])
	binary.LittleEndian.PutUint64(text[secret.KeySize:], uint64(at.Unix()/(24*3600)))
	raw := address.As16()
	if address.Is6() {
		clear(raw[8:])
	}
	copy(text[secret.KeySize+8:], raw[:])
	sum := sha256.Sum256(text[:])
	copy(hash[:], sum[:])
	return hash
}

// describe fills the click of a visitor at a resolved link, who came from the address that referer names.
func (e *Edge) describe(c *click.Click, referer string, res *resolved, g guest, address netip.Addr,
	verdict click.Verdict, device click.Device) {
	w := res.wanted
	*c = click.Click{
		Token: click.Token{
			Click: click.NewID(), Creator: res.creator, Program: res.program, Tracking: res.tracking, Link: res.link,
			Market: res.market.No, Landed: res.landed, Place: res.place, Kind: res.kind, At: g.at,
		},
		Product: w.SKU, Sub: w.Sub, UTM: w.UTM, Country: g.country, Device: device,
		RefererHost: refererHost(referer),
		AdIDs:       w.Ads, AddressHash: e.hashAddress(address, g.at), Channel: res.channel, Verdict: verdict,
	}
	if !res.known() {
		c.TagText = w.TagText
	}
	switch w.Kind {
	case click.KindPage:
		c.Page = w.Page
	case click.KindCategory:
		c.Page = w.Category
	case click.KindSearch:
		c.Page = w.Query
	}
	if e.Clock.Sandbox() {
		c.Flags |= click.FlagSandbox
	}
	paid := res.market.paid(w, referer)
	if paid {
		c.Flags |= click.FlagPaid
	}
	switch {
	case verdict != click.VerdictCounted:
		c.Flags |= click.FlagInvalid
	case res.verdict != click.VerdictCounted:
		c.Verdict = res.verdict
		c.Flags |= click.FlagClosed
	case paid && !res.market.Policy.PaidEarns:
		c.Verdict = click.VerdictPaidAd
	}
}

// record logs the click, and marks it where the log cannot take it. It is false where the visitor has gone.
func (e *Edge) record(r *http.Request, c *click.Click) bool {
	_, err := e.Log.Append(r.Context(), c)
	if err == nil {
		e.clicks.Add(1)
		if e.refused.Load() && e.refused.CompareAndSwap(true, false) {
			slog.Info("clicks are logged again")
		}
		return true
	}
	if r.Context().Err() != nil {
		return false
	}
	c.Flags |= click.FlagUnlogged
	e.unlogged.Add(1)
	if e.refused.CompareAndSwap(false, true) { // once per outage: thousands of these say no more than the first
		slog.Error("clicks are not logged; shoppers are redirected with tokens that say so", "cause", err)
	}
	return true
}

// refererHost takes the host out of a Referer, in small letters; what does not look like one is left out.
func refererHost(referer string) string {
	_, rest, found := strings.Cut(referer, "://")
	if !found {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#\\"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if len(rest) > 253 {
		return ""
	}
	for i := range len(rest) {
		switch c := rest[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == ':', c == '[', c == ']':
		default:
			return ""
		}
	}
	return strings.ToLower(rest)
}
