// Package standin is the four networks as the tests and the demo meet them: consent pages on which one takes a sample
// account, token addresses and data APIs that speak the shapes each network documents, and troubles on demand (errors,
// limits, ended tokens, withdrawn consent, answers of any kind).
//
// What must always hold: it asks nobody and keeps nothing; it sends people back only to the installation it was made for;
// a page says that it stands in for a network. It is no place for secrets: its tokens are readable.
package standin

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tributary/internal/clock"
	"tributary/internal/network"
)

// Networks stands in for all four. It is an http.Handler for everything under its prefix.
type Networks struct {
	// Wall tells when tokens end, Business when posts were made; both are the wall clock unless they are set.
	Wall, Business func() time.Time
	// Rotate has TikTok's refresh tokens work once, as they may.
	Rotate bool

	prefix, home string
	mux          *http.ServeMux

	mu       sync.Mutex
	samples  []Sample
	troubles []*Trouble
	asked    []string
	used     map[string]bool  // codes and rotated tokens
	revoked  map[string]int64 // account: consents up to this one are withdrawn
	serial   int64
	ended    int64 // access tokens up to this one have ended
}

// Trouble is what the next requests to a network meet in place of an answer.
type Trouble struct {
	Network network.Kind
	Path    string // a part of the path; empty: any of them
	Times   int    // how often; 0: until Calm
	Status  int    // 0: 200
	Header  map[string]string
	Body    string
	Stall   time.Duration
}

// New stands in under a prefix such as "/demo/networks" for whoever comes from, and goes back to, home.
func New(prefix, home string) *Networks {
	s := &Networks{Wall: clock.Wall, Business: clock.Wall, prefix: strings.TrimSuffix(prefix, "/"), home: strings.TrimSuffix(home, "/"),
		mux: http.NewServeMux(), samples: Samples(), used: map[string]bool{}, revoked: map[string]int64{}}
	s.handleConsent()
	s.handleYouTube()
	s.handleTikTok()
	s.handleInstagram()
	s.handleFacebook()
	return s
}

// Apps are the networks as a connector is told of them; base is where the prefix can be reached: for a process that asks
// itself, its own address.
func (s *Networks) Apps(base string) map[network.Kind]network.App {
	base = strings.TrimSuffix(base, "/") + s.prefix + "/"
	apps := map[network.Kind]network.App{}
	for _, k := range network.Kinds {
		at := base + string(k)
		apps[k] = network.App{ID: appID(k), Secret: appSecret(k), Auth: strings.TrimSuffix(s.home, "/") + s.prefix + "/" + string(k),
			Token: at, Data: at}
	}
	youtube := apps[network.YouTube]
	youtube.Data += "/v3" // as the network's own base ends
	apps[network.YouTube] = youtube
	return apps
}

func appID(k network.Kind) string     { return "standin-" + string(k) }
func appSecret(k network.Kind) string { return "standin-secret-of-" + string(k) }

// Add offers a further sample account.
func (s *Networks) Add(samples ...Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = append(s.samples, samples...)
}

// Change alters a sample account: what is read of it from now on is different.
func (s *Networks) Change(k network.Kind, number string, change func(*Sample)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.samples {
		if s.samples[i].Network == k && s.samples[i].Number == number {
			change(&s.samples[i])
		}
	}
}

// Have makes trouble.
func (s *Networks) Have(t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = append(s.troubles, &t)
}

// Calm ends all troubles.
func (s *Networks) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = nil
}

// Revoke withdraws all consents to an account that were given so far, as its owner can in the network's settings.
func (s *Networks) Revoke(k network.Kind, number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[string(k)+"/"+number] = s.serial
}

// EndTokens ends all access tokens that were given so far, before their time; they can be refreshed.
func (s *Networks) EndTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = s.serial
}

// Asked gives what was asked so far, as "POST /youtube/token", and forgets it.
func (s *Networks) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// maxAsked bounds the list of a demo that runs for months.
const maxAsked = 1000

// ServeHTTP answers as the network would that the path names.
func (s *Networks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ours := strings.CutPrefix(r.URL.Path, s.prefix)
	if !ours {
		http.NotFound(w, r)
		return
	}
	if s.inTrouble(w, r, path) {
		return
	}
	inner, at := *r, *r.URL
	at.Path, at.RawPath = path, ""
	inner.URL, inner.Body = &at, http.MaxBytesReader(w, r.Body, 64<<10)
	s.mux.ServeHTTP(w, &inner)
}

// inTrouble answers with the first trouble that fits.
func (s *Networks) inTrouble(w http.ResponseWriter, r *http.Request, path string) bool {
	s.mu.Lock()
	if len(s.asked) < maxAsked {
		s.asked = append(s.asked, r.Method+" "+path)
	}
	at := slices.IndexFunc(s.troubles, func(t *Trouble) bool {
		return strings.HasPrefix(path, "/"+string(t.Network)+"/") && strings.Contains(path, t.Path)
	})
	if at < 0 {
		s.mu.Unlock()
		return false
	}
	trouble := *s.troubles[at]
	if s.troubles[at].Times--; s.troubles[at].Times == 0 {
		s.troubles = slices.Delete(s.troubles, at, at+1)
	}
	s.mu.Unlock()
	if trouble.Stall > 0 {
		select {
		case <-time.After(trouble.Stall):
		case <-r.Context().Done():
			return true
		}
	}
	for name, value := range trouble.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(max(trouble.Status, http.StatusOK))
	w.Write([]byte(trouble.Body))
	return true
}

// The kinds of what is handed out.
const (
	asCode    = "code"
	asAccess  = "access"
	asRefresh = "refresh"
	asShort   = "short" // a token that must be exchanged for a long one
	asPage    = "page"
)

// pass is a code or token. It says in itself what it is for, so that a demo that was started anew still knows it.
type pass struct {
	As        string       `json:"as"`
	Network   network.Kind `json:"network"`
	Accounts  []string     `json:"accounts"`
	Scopes    []string     `json:"scopes"`
	Ends      int64        `json:"ends,omitempty"` // seconds
	Serial    int64        `json:"serial"`
	Consent   int64        `json:"consent"` // the serial of the code
	Redirect  string       `json:"redirect,omitempty"`
	Challenge string       `json:"challenge,omitempty"`
	Salt      string       `json:"salt"`
}

// issue writes a pass; life 0 means that it does not end by itself.
func (s *Networks) issue(p pass, as string, life time.Duration) string {
	s.mu.Lock()
	s.serial = max(s.serial+1, s.Wall().UnixMicro())
	p.As, p.Serial, p.Ends, p.Salt = as, s.serial, 0, rand.Text()[:8]
	s.mu.Unlock()
	if p.Consent == 0 {
		p.Consent = p.Serial
	}
	if life > 0 {
		p.Ends = s.Wall().Add(life).Unix()
	}
	if as != asCode {
		p.Redirect, p.Challenge = "", ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// admits reads a pass of one of these kinds, if it is good for that network now.
func (s *Networks) admits(k network.Kind, text string, as ...string) (p pass, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &p) != nil || p.Network != k || !slices.Contains(as, p.As) {
		return p, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Ends != 0 && s.Wall().Unix() >= p.Ends || s.used[text] {
		return p, false
	}
	if (p.As == asAccess || p.As == asShort) && p.Serial <= s.ended {
		return p, false
	}
	for _, number := range p.Accounts {
		if p.Consent <= s.revoked[string(k)+"/"+number] {
			return p, false
		}
	}
	return p, true
}

// spend has a code or token work no more.
func (s *Networks) spend(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[text] = true
}

// sample finds an account; one that was never offered is not found.
func (s *Networks) sample(k network.Kind, number string) (Sample, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.samples, func(one Sample) bool { return one.Network == k && one.Number == number })
	if at < 0 {
		return Sample{}, false
	}
	return s.samples[at], true
}

// of is the account that a pass is for.
func (s *Networks) of(p pass) Sample {
	if len(p.Accounts) == 0 {
		return Sample{Network: p.Network}
	}
	found, _ := s.sample(p.Network, p.Accounts[0])
	return found
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// object keeps the answers below as short as the ones that are documented.
type object = map[string]any

// bearer is the token of an Authorization header.
func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
