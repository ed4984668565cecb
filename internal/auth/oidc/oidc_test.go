package oidc_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/oidc"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

var now = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

const home = "https://tributary.example"

// provider is an OpenID provider on this machine. Its token endpoint holds clients to PKCE and to their secret.
type provider struct {
	*httptest.Server
	key    crypto.Signer
	kid    string
	claims map[string]any // over those that are always sent
	alg    string         // written into the token in place of the key's own
	broken bool           // the token endpoint answers 503
	codes  map[string]url.Values
}

func newProvider(t *testing.T) *provider {
	p := &provider{claims: map[string]any{}, codes: map[string]url.Values{}, kid: "one"}
	p.key, _ = rsa.GenerateKey(rand.Reader, 2048)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{p.public()}})
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func number(n *big.Int, size int) string {
	return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, size)))
}

func (p *provider) public() map[string]any {
	switch key := p.key.Public().(type) {
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "kid": p.kid, "use": "sig", "alg": "RS256", "n": number(key.N, 256), "e": number(big.NewInt(int64(key.E)), 3)}
	case *ecdsa.PublicKey:
		point, _ := key.Bytes() // 4, x, y
		return map[string]any{"kty": "EC", "kid": p.kid, "use": "sig", "alg": "ES256", "crv": "P-256",
			"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:])}
	}
	panic("a key of no kind")
}

// sign writes a token. A signature of ES256 is both numbers behind each other.
func (p *provider) sign(claims map[string]any) string {
	_, elliptical := p.key.(*ecdsa.PrivateKey)
	alg := map[bool]string{false: "RS256", true: "ES256"}[elliptical]
	if p.alg != "" {
		alg = p.alg
	}
	head, _ := json.Marshal(map[string]any{"alg": alg, "kid": p.kid})
	body, _ := json.Marshal(claims)
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	switch key := p.key.(type) {
	case *rsa.PrivateKey:
		signature, _ = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:])
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	if alg == "none" {
		signature = nil
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	asked, known := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	user, pass, _ := r.BasicAuth()
	if user == "" {
		user, pass = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case p.broken:
		w.WriteHeader(http.StatusServiceUnavailable)
	case !known || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") || user != "trib" || pass != "hush" ||
		r.FormValue("redirect_uri") != asked.Get("redirect_uri"):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
	default:
		claims := map[string]any{"iss": p.URL, "sub": "u-1", "aud": "trib", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(),
			"nonce": asked.Get("nonce"), "email": "ada@store.example", "email_verified": true, "name": "Ada  Lindholm"}
		for name, value := range p.claims {
			claims[name] = value
		}
		json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": p.sign(claims)})
	}
}

// allow is somebody who agrees at the provider: what their browser then brings back.
func (p *provider) allow(t *testing.T, address string) url.Values {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, p.URL+"/authorize?") {
		t.Fatalf("sent to %q: %v", address, err)
	}
	asked := target.Query()
	if asked.Get("code_challenge_method") != "S256" || asked.Get("redirect_uri") != home+"/login/with/harbour/return" ||
		!strings.Contains(asked.Get("scope"), "openid") {
		t.Fatalf("asked %v", asked)
	}
	code := rand.Text()
	p.codes[code] = asked
	return url.Values{"state": {asked.Get("state")}, "code": {code}}
}

// shop is an installation that knows the provider.
type shop struct {
	t    *testing.T
	db   *db.DB
	ring *secret.Ring
	at   *provider
	us   *oidc.Provider
}

func newShop(t *testing.T, change ...func(*oidc.Config)) *shop {
	s := &shop{t: t, db: dbtest.Open(t), ring: secret.FixedRing("oidc"), at: newProvider(t)}
	c := oidc.Config{Name: "Harbour", Issuer: s.at.URL, ClientID: "trib", For: oidc.ForCreators, Customer: "customer", GroupClaim: "groups"}
	for _, one := range change {
		one(&c)
	}
	s.us = oidc.New(c, "hush", s.at.Client(), home)
	return s
}

func (s *shop) begin(asked oidc.Request) string {
	s.t.Helper()
	address, err := s.us.Begin(context.Background(), s.db, s.ring, asked, "this browser", now)
	if err != nil {
		s.t.Fatal(err)
	}
	return address
}

func (s *shop) finish(back url.Values, browser string, at time.Time) (oidc.Identity, oidc.Request, error) {
	return s.us.Finish(context.Background(), s.db, s.ring, back, browser, at)
}

func (s *shop) write(fn func(*db.Tx) error) error {
	return s.db.Write(context.Background(), db.Interactive, fn)
}

func TestSignIn(t *testing.T) {
	s := newShop(t)
	s.at.claims["customer"] = "c-77"
	asked := oidc.Request{Purpose: oidc.SignIn, Next: "/creator/links"}
	who, back, err := s.finish(s.at.allow(t, s.begin(asked)), "this browser", now.Add(time.Minute))
	want := oidc.Identity{Issuer: s.at.URL, Subject: "u-1", Email: "ada@store.example", Name: "Ada Lindholm", Customer: "c-77"}
	if err != nil || who != want || back != asked {
		t.Errorf("%+v, %+v, %v", who, back, err)
	}
	// The provider changes its key, and its kind: the new one is read.
	s.at.kid = "two"
	s.at.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if who, _, err := s.finish(s.at.allow(t, s.begin(asked)), "this browser", now); err != nil || who != want {
		t.Errorf("after a rotation: %+v, %v", who, err)
	}
	// An address that the provider did not verify is none.
	for _, unsure := range []any{false, "false", nil, 1} {
		s.at.claims["email_verified"] = unsure
		if who, _, err := s.finish(s.at.allow(t, s.begin(asked)), "this browser", now); err != nil || who.Email != "" {
			t.Errorf("%v: %+v, %v", unsure, who, err)
		}
	}
}

func TestRefused(t *testing.T) {
	foreign, _ := rsa.GenerateKey(rand.Reader, 2048)
	for name, c := range map[string]struct {
		before  func(*provider)
		change  func(url.Values)
		browser string
		later   time.Duration
	}{
		"another nonce":         {before: func(p *provider) { p.claims["nonce"] = "theirs" }},
		"no nonce":              {before: func(p *provider) { p.claims["nonce"] = nil }},
		"another audience":      {before: func(p *provider) { p.claims["aud"] = "somebody" }},
		"one of many audiences": {before: func(p *provider) { p.claims["aud"] = []string{"trib", "somebody"} }},
		"another party":         {before: func(p *provider) { p.claims["azp"] = "somebody" }},
		"another issuer":        {before: func(p *provider) { p.claims["iss"] = "https://elsewhere.example" }},
		"expired token":         {before: func(p *provider) { p.claims["exp"] = now.Add(-time.Minute).Unix() }},
		"no subject":            {before: func(p *provider) { p.claims["sub"] = "" }},
		"unsigned":              {before: func(p *provider) { p.alg = "none" }},
		"signed by a secret":    {before: func(p *provider) { p.alg = "HS256" }},
		"a foreign browser":     {browser: "another browser"},
		"no browser":            {browser: "-"},
		"too late":              {later: 10 * time.Minute},
		"another state":         {change: func(v url.Values) { v.Set("state", "guessed") }},
		"no state":              {change: func(v url.Values) { v.Del("state") }},
		"no code":               {change: func(v url.Values) { v.Del("code") }},
		"another code":          {change: func(v url.Values) { v.Set("code", "guessed") }},
		"somebody else's word":  {change: func(v url.Values) { v.Set("iss", "https://elsewhere.example") }},
		"it was not allowed":    {change: func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") }},
		"it went wrong there":   {change: func(v url.Values) { v.Set("error", "server_error") }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			if c.before != nil {
				c.before(s.at)
			}
			back := s.at.allow(t, s.begin(oidc.Request{Purpose: oidc.SignIn}))
			if c.change != nil {
				c.change(back)
			}
			if c.browser == "" {
				c.browser = "this browser"
			}
			if who, _, err := s.finish(back, strings.TrimPrefix(c.browser, "-"), now.Add(c.later)); !fault.Is(err, fault.Denied) || who != (oidc.Identity{}) {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}
	t.Run("signed by somebody else", func(t *testing.T) {
		s := newShop(t)
		if _, _, err := s.finish(s.at.allow(t, s.begin(oidc.Request{})), "this browser", now); err != nil {
			t.Fatal(err) // the key is known now
		}
		back := s.at.allow(t, s.begin(oidc.Request{}))
		own := s.at.key
		s.at.key = foreign
		code := back.Get("code")
		asked := s.at.codes[code]
		forged := s.at.sign(map[string]any{"iss": s.at.URL, "sub": "u-1", "aud": "trib", "exp": now.Add(time.Hour).Unix(), "nonce": asked.Get("nonce")})
		s.at.key = own
		s.at.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/token" {
				w.Header().Set("Content-Type", "application/json")
				json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": forged})
				return
			}
			json.NewEncoder(w).Encode(map[string]any{"keys": []any{s.at.public()}})
		})
		if who, _, err := s.finish(back, "this browser", now); !fault.Is(err, fault.Denied) {
			t.Errorf("%+v, %v", who, err)
		}
	})
}

// An answer is good once; a foreign browser does not spend it, and of two at the same moment one is let in.
func TestReplay(t *testing.T) {
	s := newShop(t)
	back := s.at.allow(t, s.begin(oidc.Request{Purpose: oidc.SignIn}))
	if _, _, err := s.finish(back, "another browser", now); !fault.Is(err, fault.Denied) {
		t.Errorf("a foreign browser: %v", err)
	}
	ends := make(chan error, 2)
	for range 2 {
		go func() { _, _, err := s.finish(back, "this browser", now); ends <- err }()
	}
	first, second := <-ends, <-ends
	if (first == nil) == (second == nil) {
		t.Errorf("two at once: %v, %v", first, second)
	}
	if _, _, err := s.finish(back, "this browser", now); !fault.Is(err, fault.Denied) {
		t.Errorf("replayed: %v", err)
	}
}

func TestProof(t *testing.T) {
	s := newShop(t)
	address := s.begin(oidc.Request{Purpose: oidc.Prove, Principal: 7})
	if !strings.Contains(address, "max_age=0") || !strings.Contains(address, "prompt=login") {
		t.Errorf("a login is not asked for: %s", address)
	}
	for at, good := range map[any]bool{now.Unix(): true, now.Add(-time.Hour).Unix(): false, nil: false} {
		s.at.claims["auth_time"] = at
		if _, _, err := s.finish(s.at.allow(t, s.begin(oidc.Request{Purpose: oidc.Prove})), "this browser", now); (err == nil) != good {
			t.Errorf("login at %v: %v", at, err)
		}
	}
}

func TestAway(t *testing.T) {
	s := newShop(t)
	back := s.at.allow(t, s.begin(oidc.Request{}))
	s.at.broken = true
	if _, _, err := s.finish(back, "this browser", now); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the token endpoint is broken: %v", err)
	}
	s.at.Close()
	if _, err := s.us.Begin(context.Background(), s.db, s.ring, oidc.Request{}, "b", now.Add(2*time.Hour)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the provider is away: %v", err)
	}
}

func TestStaff(t *testing.T) {
	s := newShop(t, func(c *oidc.Config) {
		c.For, c.Customer, c.Roles = oidc.ForStaff, "", map[string]auth.Role{"bosses": auth.Admin, "books": auth.Finance, "desk": auth.Support}
	})
	enter := func(subject string, groups any) (p auth.Principal, was id.ID, err error) {
		s.at.claims["sub"], s.at.claims["groups"] = subject, groups
		who, _, err := s.finish(s.at.allow(t, s.begin(oidc.Request{})), "this browser", now)
		if err != nil {
			t.Fatal(err)
		}
		err = s.write(func(tx *db.Tx) (err error) { p, was, err = oidc.Staff(tx, s.ring, who, now); return err })
		return p, was, err
	}
	boss, _, err := enter("boss", []string{"desk", "bosses"})
	if err != nil || boss.Role != auth.Admin || boss.Name != "Ada Lindholm" {
		t.Errorf("%+v, %v", boss, err)
	}
	clerk, _, err := enter("clerk", "books")
	if err != nil || clerk.Role != auth.Finance || clerk.ID == boss.ID {
		t.Errorf("%+v, %v", clerk, err)
	}
	if again, _, err := enter("clerk", []string{"desk", "unknown"}); err != nil || again.ID != clerk.ID || again.Role != auth.Support {
		t.Errorf("another group: %+v, %v", again, err)
	}
	for _, groups := range []any{nil, "", []string{}, []any{1, "unknown"}, map[string]any{"books": true}} {
		if _, was, err := enter("clerk", groups); !fault.Is(err, fault.Denied) || was != clerk.ID {
			t.Errorf("groups %v: %v, %v", groups, was, err)
		}
	}
	if err := s.write(func(tx *db.Tx) error { return auth.Close(tx, clerk.ID, now) }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := enter("clerk", "books"); !fault.Is(err, fault.Denied) {
		t.Errorf("a closed account: %v", err)
	}
	if _, was, err := enter("nobody", "unknown"); !fault.Is(err, fault.Denied) || was != 0 {
		t.Errorf("a stranger: %v, %v", was, err)
	}
}

func TestTies(t *testing.T) {
	s := newShop(t)
	mine, other := oidc.Identity{Issuer: "https://a.example", Subject: "1"}, oidc.Identity{Issuer: "https://a.example", Subject: "2"}
	bind := func(who oidc.Identity, principal id.ID) error {
		return s.write(func(tx *db.Tx) error { return oidc.Bind(tx, s.ring, who, principal, now) })
	}
	for range 2 {
		if err := bind(mine, 7); err != nil {
			t.Errorf("it is not tied: %v", err)
		}
	}
	if err := bind(mine, 8); !fault.Is(err, fault.Conflict) {
		t.Errorf("somebody else's: %v", err)
	}
	if err := bind(other, 7); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second one: %v", err)
	}
	if err := s.write(func(tx *db.Tx) error {
		ties, err := oidc.Ties(tx, 7)
		if len(ties) != 1 || ties[0].Issuer != mine.Issuer || !ties[0].Since.Equal(clock.FromMicro(now.UnixMicro())) {
			t.Errorf("%+v, %v", ties, err)
		}
		if err := oidc.Release(tx, 7, mine.Issuer); err != nil {
			t.Error(err)
		}
		if err := oidc.Release(tx, 7, mine.Issuer); !fault.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}
		_, found, err := oidc.Find(tx, s.ring, mine)
		if found {
			t.Error("a removed one signs in")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	folder := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(folder, "providers.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.WriteFile(filepath.Join(folder, "staff.secret"), []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := oidc.Read(write(`[{"name": "The Directory", "issuer": "https://login.example", "client_id": "trib", "client_secret_file": "staff.secret",
		"for": "staff", "roles": {"bosses": "admin"}}, {"name": "Shop", "issuer": "http://store.localhost:9", "client_id": "c",
		"client_secret_file": "/none", "for": "creators", "customer_claim": "customer_id"}]`))
	if err != nil || len(all) != 2 || all[0].Key() != "the-directory" || all[0].GroupClaim != "groups" {
		t.Fatalf("%+v, %v", all, err)
	}
	if text, err := all[0].Secret(); err != nil || text != "hush" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := all[1].Secret(); !fault.Is(err, fault.Invalid) {
		t.Errorf("a secret that is not there: %v", err)
	}
	one := `{"name": "A", "issuer": "https://a.example", "client_id": "c", "client_secret_file": "f", "for": "creators"}`
	for text, field := range map[string]string{
		`{}`: "providers", `[] []`: "providers", "[" + one + "," + one + "]": "providers[1].name",
		strings.Replace("["+one+"]", "https://a", "http://a", 1):                             "providers[0].issuer",
		strings.Replace("["+one+"]", "creators", "everybody", 1):                             "providers[0].for",
		strings.Replace("["+one+"]", "creators", "staff", 1):                                 "providers[0].roles",
		strings.Replace("["+one+"]", `"c"`, `""`, 1):                                         "providers[0].client_id",
		strings.Replace("["+one+"]", `"A"`, `"!"`, 1):                                        "providers[0].name",
		strings.Replace("["+one+"]", `"for"`, `"four"`, 1):                                   "providers",
		strings.Replace("["+one+"]", `"creators"`, `"staff", "roles": {"g": "creator"}`, 1):  "providers[0].roles",
		strings.Replace("["+one+"]", `"creators"`, `"creators", "hosts": ["ftp://x.ex"]`, 1): "providers[0].hosts[0]",
	} {
		if _, err := oidc.Read(write(text)); fault.Of(err).Field != field || !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want field %s", text, err, field)
		}
	}
}
