package network_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/egress"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/network"
	"tributary/internal/network/standin"
	"tributary/internal/secret"
)

const (
	alice = id.ID(11)
	bob   = id.ID(22)
)

const session = "session-of-alice"

// begin is both clocks' time at the start of every test.
var begin = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// big is the number of a sample account of each network that passes with ease.
var big = map[network.Kind]string{network.YouTube: "UCada0000000000000000001", network.Instagram: "17841400000000001",
	network.TikTok: "_000stand-in-ada0000001", network.Facebook: "100000000000001"}

// world is an installation whose networks are stood in for.
type world struct {
	t         testing.TB
	db        *db.DB
	c         *network.Connector
	stand     *standin.Networks
	wall, now time.Time
	heard     *heard
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, db: dbtest.Open(t), wall: begin, now: begin, heard: &heard{}}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.stand = standin.New("/networks", server.URL)
	w.stand.Wall, w.stand.Business = func() time.Time { return w.wall }, func() time.Time { return w.now }
	handler = w.stand
	apps := w.stand.Apps(server.URL)
	client, err := egress.Operator(network.Addresses(apps)...)
	if err != nil {
		t.Fatal(err)
	}
	w.heard.inner = client.Transport
	client.Transport = w.heard
	w.c = &network.Connector{DB: w.db, Ring: secret.FixedRing("test"), Client: client, Apps: apps, Home: server.URL, Weights: network.Shipped()}
	return w
}

// heard listens to what is said to and by the networks, and keeps every secret of it.
type heard struct {
	inner   http.RoundTripper
	mu      sync.Mutex
	secrets []string
}

var secretField = regexp.MustCompile(`"(?:access_token|refresh_token)":"([^"]+)"`)

func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	said := r.URL.Query()
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if form, err := url.ParseQuery(string(body)); err == nil {
			for name, values := range form {
				said[name] = append(said[name], values...)
			}
		}
	}
	var found []string
	for _, name := range []string{"client_secret", "code", "code_verifier", "access_token", "refresh_token", "fb_exchange_token", "token"} {
		found = append(found, said[name]...)
	}
	found = append(found, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	response, err := h.inner.RoundTrip(r)
	if err == nil {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 4<<20))
		response.Body.Close()
		response.Body = io.NopCloser(strings.NewReader(string(body)))
		for _, match := range secretField.FindAllStringSubmatch(string(body), -1) {
			found = append(found, match[1])
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range found {
		if one != "" {
			h.secrets = append(h.secrets, one)
		}
	}
	return response, err
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused wants an error of that kind and field, which shows no secret.
func (w *world) refused(what string, err error, kind fault.Kind, field string) {
	w.t.Helper()
	if !fault.Is(err, kind) || err != nil && fault.Of(err).Field != field {
		w.t.Errorf("%s: %v, want %v of %q", what, err, kind, field)
	}
	w.quiet(what, err)
}

// quiet wants no secret anywhere in an error, however deep it is looked into.
func (w *world) quiet(what string, err error) {
	w.t.Helper()
	var text strings.Builder
	for at := err; at != nil; at = errors.Unwrap(at) {
		text.WriteString(at.Error() + "\n")
	}
	w.heard.mu.Lock()
	defer w.heard.mu.Unlock()
	for _, one := range w.heard.secrets {
		if strings.Contains(text.String(), one) {
			w.t.Errorf("%s: the error tells %q: %s", what, one, text.String())
		}
	}
}

// visit goes to a consent page and sends its form: what the browser is sent back with.
func (w *world) visit(address string, form url.Values) url.Values {
	w.t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	shown, err := browser.Get(address)
	w.must(err)
	text, _ := io.ReadAll(shown.Body)
	shown.Body.Close()
	if shown.StatusCode != http.StatusOK || !strings.Contains(string(text), "stands in for") {
		w.t.Fatalf("the consent page: %d %s", shown.StatusCode, text)
	}
	sent, err := browser.PostForm(address, form)
	w.must(err)
	sent.Body.Close()
	back, err := url.Parse(sent.Header.Get("Location"))
	w.must(err)
	if !strings.HasPrefix(back.String(), w.c.Redirect()+"?") {
		w.t.Fatalf("sent back to %q (%d)", back, sent.StatusCode)
	}
	return back.Query()
}

// agree begins and consents with everything that is asked for, except the scopes named.
func (w *world) agree(who id.ID, k network.Kind, number string, except ...string) url.Values {
	w.t.Helper()
	address, err := w.c.Begin(context.Background(), who, k, session, w.wall)
	w.must(err)
	at, err := url.Parse(address)
	w.must(err)
	form := url.Values{"decision": {"allow"}, "account": {number}}
	for scope := range strings.FieldsFuncSeq(at.Query().Get("scope"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if len(except) == 0 || !strings.Contains(scope, except[0]) {
			form.Add("scope", scope)
		}
	}
	return w.visit(address, form)
}

func (w *world) finish(answer url.Values) (network.Account, error) {
	return w.c.Finish(context.Background(), answer.Get("state"), answer.Get("code"), session, w.wall, w.now)
}

// connect is the whole way.
func (w *world) connect(who id.ID, k network.Kind, number string) (network.Account, error) {
	w.t.Helper()
	return w.finish(w.agree(who, k, number))
}

func (w *world) connected(who id.ID, k network.Kind, number string) network.Account {
	w.t.Helper()
	a, err := w.connect(who, k, number)
	w.must(err)
	return a
}

func (w *world) check(a network.Account) (network.Account, error) {
	return w.c.Check(context.Background(), a.ID, w.wall, w.now)
}

// pass lets both clocks run.
func (w *world) pass(d time.Duration) { w.wall, w.now = w.wall.Add(d), w.now.Add(d) }

func (w *world) one(account id.ID) (a network.Account) {
	w.t.Helper()
	w.must(w.db.Read(context.Background(), func(tx *db.Tx) (err error) { a, err = network.One(tx, account); return err }))
	return a
}

func (w *world) of(who id.ID) (all []network.Account) {
	w.t.Helper()
	w.must(w.db.Read(context.Background(), func(tx *db.Tx) (err error) { all, err = network.Of(tx, who); return err }))
	return all
}

func (w *world) history(account id.ID) (looks []network.Snapshot) {
	w.t.Helper()
	w.must(w.db.Read(context.Background(), func(tx *db.Tx) (err error) { looks, err = network.History(tx, account); return err }))
	return looks
}

var dumps = []*db.Stmt{
	db.Statement(`SELECT network || number || handle || title || address || state || snapshot || score, tokens FROM network_account ORDER BY id`),
	db.Statement(`SELECT network, verifier FROM network_attempt ORDER BY state`),
}

// stored is everything that these tables hold, as text.
func (w *world) stored() string {
	w.t.Helper()
	var text strings.Builder
	w.must(w.db.Read(context.Background(), func(tx *db.Tx) error {
		for _, dump := range dumps {
			if err := tx.Each(dump, func(scan func(...any) error) error {
				var plain string
				var raw []byte
				err := scan(&plain, &raw)
				text.WriteString(plain + " " + string(raw) + "\n")
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	return text.String()
}
