package web_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/oidc"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/network"
	"tributary/internal/network/standin"
	"tributary/internal/web"
	"tributary/internal/web/staff"
)

// directory is an account elsewhere. Broken, it repeats all that it was told, as proxies and debuggers do.
type directory struct {
	*httptest.Server
	key    *rsa.PrivateKey
	nonce  string
	broken bool
	heard  string // what the token endpoint was sent
}

const directorySecret, directoryToken = "oidc-secret-bittern-61", "oidc-access-godwit-62"

func newDirectory(t testing.TB) *directory {
	d := &directory{}
	d.key, _ = rsa.GenerateKey(rand.Reader, 2048)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"issuer": d.URL, "authorization_endpoint": d.URL + "/authorize", "token_endpoint": d.URL + "/token",
			"jwks_uri": d.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		text := base64.RawURLEncoding.EncodeToString
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256",
			"n": text(d.key.N.Bytes()), "e": text(big.NewInt(int64(d.key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		user, pass, _ := r.BasicAuth()
		d.heard = user + " " + pass + " " + string(sent)
		if d.broken {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprintf(w, "could not forward %s %s", d.heard, directoryToken)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"access_token": directoryToken, "token_type": "Bearer", "id_token": d.sign()})
	})
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	return d
}

func (d *directory) sign() string {
	wall := clock.Wall()
	body, _ := json.Marshal(map[string]any{"iss": d.URL, "sub": "u-1", "aud": "trib", "exp": wall.Add(time.Hour).Unix(), "iat": wall.Unix(), "nonce": d.nonce,
		"email": "desk@staff.example", "email_verified": true, "name": "Dora Desk", "groups": []string{"support"}})
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"one"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, d.key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// story is one person's way through the whole product, with canaries on it. Her addresses end in zq.example.
type story struct {
	*joining
	*traces
	stand *standin.Networks
	away  *directory
	zara  *visitor
}

const (
	zaraMail, zaraNext  = "pipit@zq.example", "dunlin@zq.example"
	zaraWord, zaraWrong = "correct horse battery", "wrong ostrich battery"
	zaraPIN             = "739164"
)

func newStory(t *testing.T) *story {
	s := &story{joining: newJoining(t), traces: newTraces(t)}
	s.stand, s.away = s.connect(), newDirectory(t)
	s.pages.Close()
	s.pages = web.New(web.Config{DB: s.db, Clock: s.clock, Ring: s.ring, Hints: s.hints, Address: "http://go.example",
		Home:  strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1), // where passkeys work
		Works: staff.Works{Accrual: s.accrual, WhatIf: s.tries}, Admission: s.desk,
		Providers: []*oidc.Provider{oidc.New(oidc.Config{Name: "Desk", Issuer: s.away.URL, ClientID: "trib", For: oidc.ForStaff, GroupClaim: "groups",
			Roles: map[string]auth.Role{"support": auth.Support}}, directorySecret, s.away.Client(), s.server.URL)}})
	pages := s.pages
	t.Cleanup(pages.Close)
	// What the networks are sent and answer goes by here, too: their codes and tokens are canaries.
	inner := s.server.Config.Handler
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/networks/") {
			inner.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, r)
		s.learn(answer.Body.String())
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
	for name, text := range map[string]string{"the password": zaraWord, "a wrong password": zaraWrong, "the next password": "another " + zaraWord, "the phone PIN": zaraPIN,
		"the directory's secret": directorySecret, "the directory's token": directoryToken} {
		s.plant(name, text)
	}
	for _, k := range network.Kinds {
		s.plant("the app secret of "+k.Name(), "standin-secret-of-"+string(k))
	}
	return s
}

var networkToken = regexp.MustCompile(`"(access_token|refresh_token)" ?: ?"([^"]+)"`)

// learn plants the tokens that a network hands out.
func (s *story) learn(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, found := range networkToken.FindAllStringSubmatch(body, -1) {
		s.canaries = append(s.canaries, canary{name: "a network's " + found[1], text: found[2]})
	}
}

func (s *story) guestAs(who string) *visitor { return s.watch(s.guest(), who) }

// seen plants the cookie that a visitor's session has now.
func (s *story) seen(v *visitor, name string) {
	s.T().Helper()
	home, _ := url.Parse(s.server.URL)
	for _, cookie := range v.client.Jar.Cookies(home) {
		if cookie.Name == "tributary" {
			s.plant(name, cookie.Value)
		}
	}
}

func (s *story) T() testing.TB { return s.traces.t }

// letterOf reads the newest letter, and plants its code and its link.
func (s *story) letterOf(subject string) (code, token string) {
	s.T().Helper()
	text := s.letter(subject)
	code, token = s.code(text), s.joining.link(text)
	s.mailed("the code of "+subject, strings.ReplaceAll(code, " ", ""))
	s.mailed("the link of "+subject, token, "GET /verify", "GET /login", "GET /recover")
	return code, token
}

// signUp is from the first form to the profile.
func (s *story) signUp() {
	v := s.guestAs("Zara")
	s.zara = v
	for name, text := range map[string]string{"the address": zaraMail, "the next address": zaraNext, "the full name": "Zebulon Quillfeather",
		"the postal address": "77 Wrenhollow Lane", "the phone": "+15550177234", "the payee": "Ossifrage Holdings"} {
		s.personal("Zara", name, text, "GET /operator/reviews", "POST /operator/reviews", "GET /operator/journal")
	}
	v.puts("/signup", url.Values{"name": {"Zara Pipit"}, "email": {zaraMail}}, "Check your mail")
	s.seen(v, "the cookie before signing in")
	code, _ := s.letterOf("Confirm your address")
	v.puts("/verify", url.Values{"code": {"000 001"}}, "is not right")
	v.puts("/verify", url.Values{"code": {code}}, "Welcome, Zara Pipit")
	s.seen(v, "the cookie")
	profile := url.Values{"full_name": {"Zebulon Quillfeather"}, "address": {"77 Wrenhollow Lane\r\nHarbour Town"}, "country": {"US"}, "phone": {"+15550177234"},
		"payee": {"Ossifrage Holdings"}, "language": {"en"}}
	v.puts("/account/profile", with(profile, "country", "Sweden"), "is not")
	v.puts("/account/profile", with(profile, "country", "US"), "Saved.")
	v.puts("/account/pin", url.Values{"pin": {"1234"}}, "everybody tries first")
	v.puts("/account/pin", url.Values{"pin": {zaraPIN}}, "The phone PIN was set")
}

var inFours = regexp.MustCompile(`.{4}`)

// secure sets up a password and an app, and tries every way in.
func (s *story) secure() {
	v := s.zara
	a, recovery := v.setUp()
	s.plant("the key of the app", a.key, "POST /account/app")
	s.plant("the key of the app, as it is read", strings.TrimSpace(inFours.ReplaceAllString(a.key, "$0 ")), "POST /account/app")
	for i, code := range recovery {
		s.plant(fmt.Sprint("recovery code ", i), code, "POST /account/app/confirm")
	}
	g := s.guestAs("Zara")
	g.puts("/login", url.Values{"email": {zaraMail}, "password": {zaraWrong}}, `role="alert"`)
	g.puts("/login", url.Values{"email": {zaraMail}, "password": {zaraWord}}, "One more step")
	g.puts("/login/second", url.Values{"code": {"123456"}}, "is not right")
	g.puts("/login/second", url.Values{"code": {recovery[0]}}, "Zara Pipit")
	g = s.guestAs("Zara")
	g.puts("/login/mail", url.Values{"email": {zaraMail}}, "Check your mail")
	_, token := s.letterOf("Your link to sign in")
	g.wants("/login?token="+token, "Continue")
	g.puts("/login", url.Values{"token": {token}}, "One more step")
	g.puts("/login", url.Values{"token": {token}}, "!One more step")
	g.puts("/login/second", url.Values{"code": {recovery[1]}}, "Zara Pipit")
	g = s.guestAs("Zara")
	g.puts("/recover", url.Values{"email": {zaraMail}}, "Check your mail")
	_, token = s.letterOf("sign in")
	g.wants("/recover?token=" + token)
	g.puts("/recover/link", url.Values{"token": {token}}, "One more step")
	g.puts("/login/second", url.Values{"code": {recovery[2]}}, "A new way to sign in")
	g.puts("/recover/new", url.Values{"password": {"another " + zaraWord}}, "You are in again")
	s.zara, v = g, g
	body := v.puts("/account/recovery", nil, "recovery codes")
	for i, part := range strings.Split(cutOut(body, `<ul class="secrets">`, "</ul>"), "<li>")[1:] {
		code, _, _ := strings.Cut(part, "</li>")
		s.plant(fmt.Sprint("later recovery code ", i), code, "POST /account/recovery")
	}
	v.puts("/account/email", url.Values{"email": {zaraNext}}, "Check your mail")
	code, _ := s.letterOf("Confirm your address")
	v.puts("/verify", url.Values{"code": {code}}, "The new address is confirmed")
	_, answer := s.guestAs("somebody").post("/login/passkey/begin", nil)
	s.plant("a challenge", cutOut(answer, `"challenge":"`, `"`), "POST /login/passkey/begin")
	s.guestAs("somebody").post("/login/passkey", url.Values{"x": {zaraWord}})
}

var inviteOf = regexp.MustCompile(`invite=([A-Za-z0-9_-]+)`)

// team invites somebody, and makes tokens.
func (s *story) team() {
	v := s.zara
	body := v.puts("/account/team/invite", url.Values{"seat": {"viewer"}, "hint": {"Mara"}}, "The invitation is ready")
	token := inviteOf.FindStringSubmatch(body)[1]
	s.plant("an invitation", token, "POST /account/team/invite", "GET /signup", "POST /signup", "POST /account/team/take")
	mara := s.guestAs("Mara")
	mara.wants("/signup?invite="+token, "Zara Pipit invites you")
	mara.puts("/signup", url.Values{"name": {"Mara Lind"}, "email": {"mara@new.example"}, "invite": {token}}, "Check your mail")
	code, _ := s.letterOf("Confirm your address")
	mara.puts("/verify", url.Values{"code": {code}}, "Welcome, Mara Lind")
	for _, path := range []string{"/account", "/account/team", "/account/data", "/account/security", "/creator", "/creator/programs", "/messages"} {
		mara.wants(path)
	}
	body = v.puts("/account/tokens", url.Values{"name": {"my site"}, "scope": {"links.read"}}, "shown this once")
	s.plant("an API token", v.secret(body), "POST /account/tokens")
	v.wants("/account/tokens", "my site")
	admin := s.watch(s.as("The admin"), "The admin")
	body = admin.puts("/operator/staff", url.Values{"name": {"Rosa Field"}, "role": {"finance"}}, "A login link for Rosa Field")
	login := regexp.MustCompile(`token=([A-Za-z0-9_-]+)`).FindStringSubmatch(body)[1]
	s.plant("a login link", login, "POST /operator/staff", "GET /login")
	rosa := s.guestAs("Rosa")
	rosa.wants("/login?token="+login, "Continue")
	rosa.puts("/login", url.Values{"token": {login}}, "Rosa Field")
	rosa.puts("/login", url.Values{"token": {login}}, "!Rosa Field")
}

// apply is an application, its proof, sales, a decision about it, and a question.
func (s *story) apply() {
	v := s.zara
	at := []string{"GET /operator/reviews", "POST /operator/reviews"}
	about := s.personal("Zara", "the application's text", "I review kettles in my shearwater kitchen, every week.", at...)
	form := with(filled(), "about", about, "full_name", "Zebulon Quillfeather", "address", "77 Wrenhollow Lane", "phone", "+15550177234")
	v.post("/join/associates", with(form, "visits", "many"))
	v.post("/join/associates", with(form, "visits", "1k-10k"))
	who := s.byMail(zaraNext)
	sites := s.sites(who)
	if len(sites) != 1 {
		s.T().Fatalf("sites: %v", sites)
	}
	page := "/join/sites/" + sites[0].ID.Text("si_")
	s.personal("Zara", "the proof of the site", sites[0].Token)
	v.post(page, url.Values{"do": {"prove"}, "method": {"meta"}, "market": {"us"}})
	s.blog.put(sites[0].MetaTag(), "")
	v.post(page, url.Values{"do": {"prove"}, "method": {"meta"}, "market": {"us"}})
	s.write(func(tx *db.Tx) error {
		all, err := link.TrackingOf(tx, []id.ID{who})
		if err == nil && len(all[who]) > 0 {
			s.tags[who] = all[who][0]
		}
		return err
	})
	for i := range 3 {
		at := s.clock.Now().Add(time.Duration(i+1) * 24 * time.Hour)
		s.set(at)
		s.buy(fmt.Sprintf("z-%d", i), at, s.world.token(who, at.Add(-time.Hour)), kettle)
	}
	if _, err := s.desk.Follow(context.Background()); err != nil {
		s.T().Fatal(err)
	}
	s.later()
	reviewer := s.watch(s.as("The reviewer"), "The reviewer")
	caseAt := "/operator/reviews/" + who.Text("cr_") + "/associates"
	reviewer.wants(caseAt+"?market=us", "shearwater kitchen")
	words := s.personal("Zara", "the reviewer's words", "Your turnstone corner needs a disclosure.", append(at, "GET /operator/journal")...)
	reviewer.puts(caseAt, url.Values{"market": {"us"}, "do": {"decline"}, "reasons": {"no_disclosure"}, "words": {words}}, "Declined")
	message := s.personal("Zara", "the question", "My whimbrel order is not there.", "GET /operator/claims", "POST /operator/claims")
	v.puts("/creator/claims?market=us", url.Values{"order": {"nothing-1"}, "message": {message}})
	desk := s.watch(s.as("The support"), "The support")
	claimAt := cutOut(desk.wants("/operator/claims?market=us"), `href="/operator/claims/`, `"`)
	desk.wants("/operator/claims/"+strings.ReplaceAll(claimAt, "&amp;", "&"), "whimbrel")
}

func (s *story) byMail(email string) (who id.ID) {
	s.T().Helper()
	s.write(func(tx *db.Tx) (err error) { who, err = creatorOf(tx, s.ring, email); return err })
	return who
}

// networks connects accounts: refused, made up, in trouble, taken, replayed.
func (s *story) networks() {
	v := s.zara
	lead := func(kind string) *url.URL {
		_, body := v.post("/join/networks/"+kind, nil)
		address, err := url.Parse(strings.ReplaceAll(cutOut(body, `class="button main" href="`, `"`), "&amp;", "&"))
		if err != nil || address.Path == "" {
			s.T().Fatalf("no way to %s: %v\n%s", kind, err, body)
		}
		return address
	}
	for i, one := range []struct {
		kind, number, decision string
		trouble                standin.Trouble
	}{
		{"youtube", "", "deny", standin.Trouble{}},
		{"youtube", "", "allow", standin.Trouble{Network: network.YouTube, Path: "token", Times: 1, Status: 502, Body: "echo standin-secret-of-youtube"}},
		{"facebook", "", "allow", standin.Trouble{Network: network.Facebook, Path: "me", Times: 1, Status: 500, Body: `{"error":{"message":"standin-secret-of-facebook"}}`}},
		{"tiktok", "", "allow", standin.Trouble{Network: network.TikTok, Path: "token", Times: 1, Body: `{"access_token": 7, "standin-secret-of-tiktok`}},
		{"instagram", "", "allow", standin.Trouble{}}, {"tiktok", "", "allow", standin.Trouble{}}, {"facebook", "", "allow", standin.Trouble{}},
	} {
		at := lead(one.kind)
		form := url.Values{"decision": {one.decision}, "scope": strings.FieldsFunc(at.Query().Get("scope"), func(r rune) bool { return r == ' ' || r == ',' })}
		for _, sample := range standin.Samples() {
			if string(sample.Network) == one.kind {
				form["account"] = []string{sample.Number}
				break
			}
		}
		if one.trouble.Network != "" {
			s.stand.Have(one.trouble)
		}
		status, location := v.knock(http.MethodPost, at.RequestURI(), form.Encode())
		back, err := url.Parse(location)
		if err != nil || status != http.StatusFound {
			s.T().Fatalf("%d %s: %d %q", i, one.kind, status, location)
		}
		if code := back.Query().Get("code"); code != "" {
			s.plant("the code of "+one.kind, code)
		}
		v.open(back.RequestURI())
		v.open(back.RequestURI()) // replayed
	}
	s.server.Config.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/join/networks/callback?code=x", nil))
}

// elsewhere signs the staff in by their directory, also while it is broken.
func (s *story) elsewhere() {
	for _, broken := range []bool{true, false} {
		s.away.broken = broken
		g := s.guestAs("Dora")
		_, body := g.post("/login/with/desk", url.Values{"next": {"/operator"}})
		asked, err := url.Parse(html64(cutOut(body, `href="`+s.away.URL, `"`)))
		if err != nil || asked.Query().Get("state") == "" {
			s.T().Fatalf("no way to the directory:\n%s", body)
		}
		s.away.nonce = asked.Query().Get("nonce")
		code := s.plant("the directory's code", "oidc-code-"+rand.Text())
		status, page := g.open("/login/with/desk/return?" + url.Values{"state": {asked.Query().Get("state")}, "code": {code}}.Encode())
		if !strings.Contains(s.away.heard, directorySecret) && !strings.Contains(s.away.heard, url.QueryEscape(directorySecret)) {
			s.T().Errorf("the directory was sent %q", s.away.heard)
		}
		if ok := status == http.StatusOK && strings.Contains(page, "Dora Desk"); ok == broken {
			s.T().Errorf("broken %v: %d\n%s", broken, status, page)
		}
	}
}

func html64(text string) string { return strings.ReplaceAll(text, "&amp;", "&") }
