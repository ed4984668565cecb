package web_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/oidc"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/web"
)

// idp is a place where people have an account: it agrees at once, and says of them what the test wants.
type idp struct {
	*httptest.Server
	key    *rsa.PrivateKey
	mu     sync.Mutex
	says   map[string]any
	nonces map[string]string // by code
}

func newIDP(t *testing.T) *idp {
	p := &idp{says: map[string]any{}, nonces: map[string]string{}}
	p.key, _ = rsa.GenerateKey(rand.Reader, 2048)
	mux := http.NewServeMux()
	encode := base64.RawURLEncoding.EncodeToString
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256",
			"n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes())}}})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		code := rand.Text()
		p.nonces[code] = r.FormValue("nonce")
		http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+url.Values{"code": {code}, "state": {r.FormValue("state")}}.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		now := clock.Wall()
		claims := map[string]any{"iss": p.URL, "aud": "trib", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "auth_time": now.Unix(), "nonce": p.nonces[r.FormValue("code")]}
		for name, value := range p.says {
			claims[name] = value
		}
		body, _ := json.Marshal(claims)
		text := encode([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + encode(body)
		sum := sha256.Sum256([]byte(text))
		signature, _ := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": text + "." + encode(signature)})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// say is who signs in there from now on.
func (p *idp) say(pairs ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.says = map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		p.says[pairs[i].(string)] = pairs[i+1]
	}
}

// elsewhere is the world with a store and a directory that people sign in with.
func elsewhere(t *testing.T) (w *world, store, directory *idp) {
	w, store, directory = newWorld(t), newIDP(t), newIDP(t)
	shop := oidc.Config{Name: "Harbour Store", Issuer: store.URL, ClientID: "trib", For: oidc.ForCreators, Customer: "customer", GroupClaim: "groups"}
	staff := oidc.Config{Name: "Directory", Issuer: directory.URL, ClientID: "trib", For: oidc.ForStaff, GroupClaim: "groups",
		Roles: map[string]auth.Role{"books": auth.Finance, "desk": auth.Support}}
	w.pages = web.New(web.Config{DB: w.db, Clock: w.clock, Ring: w.ring, Hints: w.hints, Address: "http://go.example", Home: w.server.URL,
		Providers: []*oidc.Provider{oidc.New(shop, "hush", store.Client(), w.server.URL), oidc.New(staff, "hush", directory.Client(), w.server.URL)}})
	t.Cleanup(w.pages.Close)
	w.server.Config.Handler = w.pages
	return w, store, directory
}

// with goes to an account elsewhere, as the page leads on, and comes back.
func (v *visitor) with(provider string, form url.Values) (int, string) {
	v.t.Helper()
	request, err := http.NewRequest(http.MethodPost, v.server.URL+"/login/with/"+provider, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	response.Body.Close()
	_, to, found := strings.Cut(response.Header.Get("Refresh"), "url=")
	if !found {
		v.t.Fatalf("nothing leads on: %d at %s", response.StatusCode, response.Request.URL)
	}
	response, err = v.client.Get(to)
	return v.read(response, err)
}

func TestStoreAccount(t *testing.T) {
	w, store, _ := elsewhere(t)
	v := w.guest()
	v.wants("/signup", "Continue with Harbour Store", "!Continue with Directory")
	store.say("sub", "c-77", "name", "Ida Holm", "customer", "c-77")
	if status, body := v.with("harbour-store", nil); status != http.StatusForbidden || !strings.Contains(body, "no address that it has verified") {
		t.Errorf("an address that nobody verified: %d\n%s", status, body)
	}
	store.say("sub", "c-77", "name", "Ida Holm", "email", "ida@new.example", "email_verified", true, "customer", "c-77")
	if status, body := v.with("harbour-store", nil); status != http.StatusOK || !strings.Contains(body, "Welcome, Ida Holm") {
		t.Errorf("somebody new: %d\n%s", status, body)
	}
	v.wants("/account", "ida@new.example")
	var personal creator.Personal
	w.write(func(tx *db.Tx) error {
		one, err := creator.ByHandle(tx, "ida-holm")
		if err == nil {
			personal, err = creator.FindPersonal(tx, w.ring, one.ID)
		}
		return err
	})
	if personal.Customer != "c-77" || personal.Email != "ida@new.example" {
		t.Errorf("%+v", personal)
	}
	if _, body := w.guest().with("harbour-store", url.Values{"next": {"/account/team"}}); !strings.Contains(body, "Who acts for Ida Holm") {
		t.Errorf("again:\n%s", body)
	}
	// Somebody with the address of an account here is not taken for its owner; who is signed in ties the two.
	jon := w.joins("Jon Berg", "jon@new.example")
	store.say("sub", "c-88", "email", "jon@new.example", "email_verified", true, "customer", "c-88")
	if status, body := w.guest().with("harbour-store", nil); status != http.StatusConflict || strings.Contains(body, "Welcome") {
		t.Errorf("the address of an account: %d\n%s", status, body)
	}
	w.age()
	jon.puts("/login/with/harbour-store", url.Values{"for": {"tie"}}, "Is it you?")
	jon.puts("/account/prove/mail", url.Values{"next": {"/account/security"}}, "Check your mail")
	jon.puts("/verify", url.Values{"code": {w.code(w.letter("jon@new.example: Your link to sign in"))}}, "not connected")
	if _, body := jon.with("harbour-store", url.Values{"for": {"tie"}}); !strings.Contains(body, "You can sign in with it from now on") {
		t.Errorf("tying:\n%s", body)
	}
	w.age()
	if _, body := jon.with("harbour-store", url.Values{"for": {"prove"}, "next": {"/account/security"}}); !strings.Contains(body, "Harbour Store") {
		t.Errorf("proving:\n%s", body)
	}
	jon.puts("/account/password", url.Values{"password": {password}}, "The password was set")
	jon.puts("/account/ties/end", url.Values{"issuer": {store.URL}}, "signs you in no more")
}

// A member of the staff has the role of their groups at every sign-in, and is out everywhere once none has one.
func TestDirectory(t *testing.T) {
	w, _, directory := elsewhere(t)
	directory.say("sub", "rosa", "name", "Rosa Field", "groups", []string{"books"})
	v := w.guest()
	if _, body := v.with("directory", url.Values{"next": {"/operator/reports"}}); !strings.Contains(body, "Rosa Field") {
		t.Fatalf("signing in:\n%s", body)
	}
	v.wants("/operator/reports", "Rosa Field")
	directory.say("sub", "rosa", "name", "Rosa Field", "groups", []string{"desk"})
	w.guest().with("directory", nil)
	if status, _ := v.open("/operator/reports"); status != http.StatusForbidden {
		t.Errorf("another group: %d", status)
	}
	directory.say("sub", "rosa", "name", "Rosa Field", "groups", []string{"football"})
	if status, body := w.guest().with("directory", nil); status != http.StatusForbidden || !strings.Contains(body, "one of your groups") {
		t.Errorf("no group: %d\n%s", status, body)
	}
	if status, _ := v.open("/operator"); status != http.StatusForbidden {
		t.Errorf("a device from before: %d", status)
	}
	directory.say("sub", "stranger", "name", "Somebody")
	w.guest().with("directory", nil)
	var staff []auth.StaffMember
	if err := w.db.Read(context.Background(), func(tx *db.Tx) (err error) { staff, err = auth.StaffMembers(tx); return err }); err != nil {
		t.Fatal(err)
	}
	for _, one := range staff {
		if one.Name == "Somebody" {
			t.Error("a stranger got an account")
		}
	}
}
