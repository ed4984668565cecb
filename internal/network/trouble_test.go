package network_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/fault"
	"tributary/internal/network"
	"tributary/internal/network/standin"
)

// reads is a part of the path at which each network tells of an account.
var reads = map[network.Kind]string{network.YouTube: "/channels", network.Instagram: "/me", network.TikTok: "/user/info",
	network.Facebook: "/published_posts"}

// Whatever a network answers, an account that could not be read stays as it was, and is read again later.
func TestTroubles(t *testing.T) {
	quota := `{"error":{"code":403,"message":"canary","errors":[{"reason":"quotaExceeded"}]}}`
	graph := func(code string) string {
		return `{"error":{"message":"canary","type":"OAuthException","code":` + code + `}}`
	}
	html := "<html>canary</html>"
	for _, c := range []struct {
		name  string
		k     network.Kind // empty: all
		make  standin.Trouble
		after time.Duration
	}{
		{"out of order", "", standin.Trouble{Status: 500}, 0},
		{"no gateway", "", standin.Trouble{Status: 503, Body: html}, 0},
		{"out of order for ten minutes", "", standin.Trouble{Status: 503, Header: map[string]string{"Retry-After": "600"}}, 10 * time.Minute},
		{"too many", "", standin.Trouble{Status: 429}, time.Minute},
		{"too many for two minutes", "", standin.Trouble{Status: 429, Header: map[string]string{"Retry-After": "120"}}, 2 * time.Minute},
		{"too many until later", "", standin.Trouble{Status: 429, Header: map[string]string{"Retry-After": "99999999999"}}, 24 * time.Hour},
		{"a page", "", standin.Trouble{Body: html}, 0},
		{"nothing", "", standin.Trouble{}, 0},
		{"null", "", standin.Trouble{Body: "null", Status: 204}, 0},
		{"another shape", "", standin.Trouble{Body: `{"items":7,"data":7,"followers_count":"many","username":{}}`}, 0},
		{"a list", "", standin.Trouble{Body: `[]`}, 0},
		{"too large", "", standin.Trouble{Body: `{"x":"` + strings.Repeat("x", 2<<20) + `"}`}, 0},
		{"cut off", "", standin.Trouble{Body: `{"items":[{`, Header: map[string]string{"Content-Length": "500"}}, 0},
		{"elsewhere", "", standin.Trouble{Status: 302, Header: map[string]string{"Location": "http://127.0.0.1:9/?canary"}}, 0},
		{"not found", "", standin.Trouble{Status: 404, Body: html}, 0},
		{"quota", network.YouTube, standin.Trouble{Status: 403, Body: quota}, time.Hour},
		{"the app's limit", network.Facebook, standin.Trouble{Status: 400, Body: graph("4")}, time.Minute},
		{"the page's limit", network.Facebook, standin.Trouble{Status: 400, Body: graph("32")}, 0},
		{"a passing fault", network.Instagram, standin.Trouble{Status: 400, Body: graph("2")}, 0},
		{"unheard of", network.Instagram, standin.Trouble{Status: 400, Body: graph("987")}, 0},
		{"its limit", network.TikTok, standin.Trouble{Status: 429, Body: `{"error":{"code":"rate_limit_exceeded","message":"canary"}}`}, time.Minute},
		{"a fault with 200", network.TikTok, standin.Trouble{Body: `{"data":{},"error":{"code":"internal_error","message":"canary"}}`}, 0},
	} {
		for _, k := range network.Kinds {
			if c.k != "" && c.k != k {
				continue
			}
			w := newWorld(t)
			a := w.connected(alice, k, big[k])
			before := w.stored()
			c.make.Network, c.make.Path = k, reads[k]
			w.stand.Have(c.make)
			w.pass(30 * time.Minute) // while the tokens are good
			_, err := w.check(a)
			what := string(k) + ", " + c.name
			w.refused(what, err, fault.Unavailable, "network")
			if err != nil && strings.Contains(fault.Of(err).Unwrap().Error(), "canary") {
				t.Errorf("%s: what the network wrote is repeated: %v", what, fault.Of(err).Unwrap())
			}
			if w.stored() != before || len(w.history(a.ID)) != 1 {
				t.Errorf("%s changed what is stored", what)
			}
			if got := network.RetryAfter(err).Round(time.Minute); got != c.after {
				t.Errorf("%s: again after %s, want %s", what, got, c.after)
			}
			w.stand.Calm()
			w.stand.Asked()
			_, err = w.check(a)
			if resting := c.after > 0; resting != (err != nil) || resting != (len(w.stand.Asked()) == 0) {
				t.Errorf("%s, at once again: %v", what, err)
			}
		}
	}
}

// One fault is waited out.
func TestPassingFaultsAreTriedAgain(t *testing.T) {
	for _, k := range network.Kinds {
		w := newWorld(t)
		a := w.connected(alice, k, big[k])
		w.stand.Have(standin.Trouble{Network: k, Path: reads[k], Status: 502, Times: 2})
		if _, err := w.check(a); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
	w := newWorld(t)
	a := w.connected(alice, network.YouTube, big[network.YouTube])
	w.stand.Have(standin.Trouble{Network: network.YouTube, Status: 429, Times: 1, Header: map[string]string{"Retry-After": "1"}})
	if _, err := w.check(a); err != nil {
		t.Errorf("a pause of one second: %v", err)
	}
}

// A network that hangs costs nobody more than they have time.
func TestNetworkHangs(t *testing.T) {
	w := newWorld(t)
	a := w.connected(alice, network.YouTube, big[network.YouTube])
	w.stand.Have(standin.Trouble{Network: network.YouTube, Stall: time.Minute})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err := w.c.Check(ctx, a.ID, w.wall, w.now)
	w.refused("hanging", err, fault.Unavailable, "network")
}

// A fault while signing in spends the answer and connects nothing; the app's own mistakes are not the person's.
func TestTroubleWhileSigningIn(t *testing.T) {
	for _, k := range network.Kinds {
		w := newWorld(t)
		w.stand.Have(standin.Trouble{Network: k, Path: "token", Status: 500})
		answer := w.agree(alice, k, big[k])
		_, err := w.finish(answer)
		w.refused(string(k), err, fault.Unavailable, "network")
		w.stand.Calm()
		_, err = w.finish(answer)
		w.refused(string(k)+", again", err, fault.Denied, "state")
		answer = w.agree(alice, k, big[k])
		w.stand.Have(standin.Trouble{Network: k, Path: reads[k], Status: 503})
		_, err = w.finish(answer)
		w.refused(string(k)+", the data", err, fault.Unavailable, "network")
		if len(w.of(alice)) != 0 {
			t.Errorf("%s: half of a connection is stored", k)
		}
	}
	w := newWorld(t)
	app := w.c.Apps[network.TikTok]
	app.Secret = "canary-of-a-wrong-secret"
	w.c.Apps[network.TikTok] = app
	_, err := w.connect(alice, network.TikTok, big[network.TikTok])
	w.refused("a wrong secret", err, fault.Unavailable, "network")
	if err == nil || !strings.Contains(err.Error(), "registration") {
		t.Errorf("a wrong secret: %v", err)
	}
}

// Consent that is withdrawn at the network ends in an expired account without tokens.
func TestConsentIsWithdrawn(t *testing.T) {
	for _, k := range network.Kinds {
		w := newWorld(t)
		a := w.connected(alice, k, big[k])
		w.stand.Revoke(k, big[k])
		w.pass(time.Hour)
		gone, err := w.check(a)
		w.must(err)
		stored := w.one(a.ID)
		if gone.State != network.Expired || stored.State != network.Expired || !stored.Checked.Equal(w.now) {
			t.Errorf("%s: %+v, stored %+v", k, gone, stored)
		}
		if told(stored) != told(a) || len(w.history(a.ID)) != 1 {
			t.Errorf("%s: the evidence changed: %s", k, told(stored))
		}
		_, err = w.check(a)
		w.refused(string(k)+", again", err, fault.Denied, "account")
	}
}

// Tokens end before their time, and after it: they are renewed where the network renews them.
func TestTokensAreRenewed(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		k      network.Kind
		after  time.Duration
		early  bool // before their time
		asked  string
		expect network.State
	}{
		{network.YouTube, 30 * time.Minute, false, "", network.Connected},
		{network.YouTube, 2 * time.Hour, false, "POST /youtube/token", network.Connected},
		{network.YouTube, time.Minute, true, "POST /youtube/token", network.Connected},
		{network.TikTok, 25 * time.Hour, false, "POST /tiktok/v2/oauth/token/", network.Connected},
		{network.TikTok, time.Minute, true, "POST /tiktok/v2/oauth/token/", network.Connected},
		{network.TikTok, 400 * day, false, "POST /tiktok/v2/oauth/token/", network.Expired},
		{network.Instagram, 20 * day, false, "", network.Connected},
		{network.Instagram, 31 * day, false, "GET /instagram/refresh_access_token", network.Connected},
		{network.Instagram, 61 * day, false, "GET /instagram/refresh_access_token", network.Expired},
		{network.Instagram, time.Minute, true, "", network.Expired},
		{network.Facebook, 300 * day, false, "", network.Connected}, // a page's token has no end
	} {
		w := newWorld(t)
		w.stand.Rotate = true
		a := w.connected(alice, c.k, big[c.k])
		if c.early {
			w.stand.EndTokens()
		}
		for range 2 { // the second time with the tokens that the first one left
			w.pass(c.after)
			w.stand.Asked()
			got, err := w.check(a)
			w.must(err)
			asked := strings.Join(w.stand.Asked(), "\n")
			if got.State != c.expect || c.asked != "" && !strings.Contains(asked, c.asked) || c.asked == "" && strings.Contains(asked, "token") {
				t.Errorf("%s after %s: %s, asked:\n%s", c.k, c.after, got.State, asked)
			}
			if c.expect == network.Expired || c.early || c.asked == "" {
				break
			}
		}
	}
}

// Renewed tokens are kept, also where the account cannot be read with them: the old ones may be worth nothing any more.
func TestRenewedTokensAreKept(t *testing.T) {
	w := newWorld(t)
	w.stand.Rotate = true
	a := w.connected(alice, network.TikTok, big[network.TikTok])
	w.pass(25 * time.Hour)
	w.stand.Have(standin.Trouble{Network: network.TikTok, Path: "/user/info", Status: 500})
	_, err := w.check(a)
	w.refused("not read", err, fault.Unavailable, "network")
	w.stand.Calm()
	if got, err := w.check(a); err != nil || got.State != network.Connected {
		t.Errorf("with the renewed tokens: %+v, %v", got.State, err)
	}
}

// A renewal that fails for the network's own reasons ends nothing.
func TestRenewalFails(t *testing.T) {
	for _, status := range []int{500, 429} {
		w := newWorld(t)
		a := w.connected(alice, network.YouTube, big[network.YouTube])
		w.pass(2 * time.Hour)
		w.stand.Have(standin.Trouble{Network: network.YouTube, Path: "/token", Status: status})
		before := w.stored()
		_, err := w.check(a)
		w.refused("renewal", err, fault.Unavailable, "network")
		if w.stored() != before {
			t.Errorf("%d changed what is stored", status)
		}
	}
}

// A sign-in that has come to mean another account is no consent to this one.
func TestAnotherAccountAnswers(t *testing.T) {
	w := newWorld(t)
	a := w.connected(alice, network.YouTube, big[network.YouTube])
	w.stand.Have(standin.Trouble{Network: network.YouTube, Path: "/channels", Times: 1,
		Body: `{"items":[{"id":"UCother","snippet":{"title":"Other"},"status":{"privacyStatus":"public"}}]}`})
	got, err := w.check(a)
	w.must(err)
	if got.State != network.Expired || got.Title != a.Title {
		t.Errorf("%+v", got)
	}
}

// The network is told of an end, unless the same sign-in is still needed; where it cannot be told, it ends all the same.
func TestDisconnectTellsTheNetwork(t *testing.T) {
	for k, want := range map[network.Kind]string{network.YouTube: "POST /youtube/revoke", network.TikTok: "POST /tiktok/v2/oauth/revoke/",
		network.Facebook: "DELETE /facebook/v24.0/person-100000000000001/permissions", network.Instagram: ""} {
		w := newWorld(t)
		a := w.connected(alice, k, big[k])
		w.stand.Asked()
		w.must(w.c.Disconnect(context.Background(), alice, a.ID, w.now))
		if got := strings.Join(w.stand.Asked(), "\n"); got != want {
			t.Errorf("%s asked %q", k, got)
		}
		if stored := w.stored(); strings.Contains(stored, "connected{") {
			t.Errorf("%s: %s", k, stored)
		}
		down := w.connected(alice, k, big[k])
		w.stand.Have(standin.Trouble{Network: k, Status: http.StatusServiceUnavailable})
		w.must(w.c.Disconnect(context.Background(), alice, down.ID, w.now))
	}
	w := newWorld(t)
	first := w.connected(alice, network.YouTube, big[network.YouTube])
	second := w.connected(alice, network.YouTube, "UCben0000000000000000002")
	w.stand.Asked()
	w.must(w.c.Disconnect(context.Background(), alice, first.ID, w.now))
	if got := w.stand.Asked(); len(got) != 0 {
		t.Errorf("the other channel's consent was ended, too: %v", got)
	}
	if got, err := w.check(second); err != nil || got.State != network.Connected {
		t.Errorf("the other channel: %v, %v", got.State, err)
	}
}

// Nothing that is secret is stored in the open.
func TestSecretsAreSealed(t *testing.T) {
	w := newWorld(t)
	for _, k := range network.Kinds {
		w.connected(alice, k, big[k])
		_, err := w.c.Begin(context.Background(), alice, k, session, w.wall)
		w.must(err)
	}
	stored := w.stored()
	w.heard.mu.Lock()
	defer w.heard.mu.Unlock()
	if len(w.heard.secrets) < 20 {
		t.Fatalf("only %d secrets were heard", len(w.heard.secrets))
	}
	for _, one := range append(w.heard.secrets, session) {
		if strings.Contains(stored, one) {
			t.Errorf("%q is stored in the open", one)
		}
	}
}

func TestUnknownAccount(t *testing.T) {
	w := newWorld(t)
	_, err := w.c.Check(context.Background(), 404, w.wall, w.now)
	w.refused("unknown", err, fault.NotFound, "account")
	w.refused("unknown", w.c.Disconnect(context.Background(), alice, 404, w.now), fault.NotFound, "account")
}

// A list that never ends is read to its third page.
func TestPagesAreBounded(t *testing.T) {
	for k, c := range map[network.Kind]struct{ path, body string }{
		network.YouTube: {"/playlistItems", `{"nextPageToken":"again","items":[{"contentDetails":{"videoId":"v"}}]}`},
		network.Instagram: {"/media", `{"data":[{"timestamp":"2026-03-09T00:00:00+0000","like_count":1}],"paging":{"cursors":{"after":"again"},` +
			`"next":"http://127.0.0.1:9/canary"}}`},
		network.TikTok: {"/video/list", `{"data":{"videos":[{"id":"1","create_time":1773100000,"like_count":1}],"cursor":7,"has_more":true},"error":{"code":"ok"}}`},
		network.Facebook: {"/published_posts", `{"data":[{"created_time":"2026-03-09T00:00:00+0000"}],"paging":{"cursors":{"after":"again"},` +
			`"next":"http://127.0.0.1:9/canary"}}`},
	} {
		w := newWorld(t)
		a := w.connected(alice, k, big[k])
		w.stand.Have(standin.Trouble{Network: k, Path: c.path, Body: c.body})
		w.stand.Asked()
		_, err := w.check(a)
		w.must(err)
		pages := 0
		for _, asked := range w.stand.Asked() {
			if strings.Contains(asked, c.path) {
				pages++
			}
		}
		if pages != 3 {
			t.Errorf("%s: %d pages were read", k, pages)
		}
	}
}

// Two checks at once, with tokens that can be renewed only once, do not take each other's for a consent that is gone.
func TestChecksAtOnce(t *testing.T) {
	w := newWorld(t)
	w.stand.Rotate = true
	a := w.connected(alice, network.TikTok, big[network.TikTok])
	w.pass(25 * time.Hour)
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if got, err := w.check(a); err != nil && !fault.Is(err, fault.Unavailable) || err == nil && got.State != network.Connected {
				t.Errorf("%v, %v", got.State, err)
			}
		})
	}
	wait.Wait()
	if got := w.one(a.ID); got.State != network.Connected || !got.Checked.Equal(w.now) {
		t.Errorf("in the end: %+v", got)
	}
}

// While an account is read, its owner ends it: what was read is not written over that.
func TestEndedWhileChecked(t *testing.T) {
	w := newWorld(t)
	a := w.connected(alice, network.YouTube, big[network.YouTube])
	w.stand.Have(standin.Trouble{Network: network.YouTube, Path: "/channels", Times: 1, Status: 502, Stall: 100 * time.Millisecond})
	w.stand.Asked()
	var wait sync.WaitGroup
	wait.Go(func() {
		got, err := w.check(a)
		if err != nil || got.State != network.Ended {
			t.Errorf("checked: %v, %v", got.State, err)
		}
	})
	for len(w.stand.Asked()) == 0 {
		time.Sleep(time.Millisecond)
	}
	w.must(w.c.Disconnect(context.Background(), alice, a.ID, w.now))
	wait.Wait()
	if got := w.one(a.ID); got.State != network.Ended || len(w.history(a.ID)) != 1 {
		t.Errorf("in the end: %+v", got)
	}
}

// An error that comes back in place of a code is told apart: the person's no, the network's trouble, the operator's mistake.
func TestErrorsInPlaceOfACode(t *testing.T) {
	w := newWorld(t)
	for reason, kind := range map[string]fault.Kind{"access_denied": fault.Denied, "user_cancelled_authorize": fault.Denied, "": fault.Denied,
		"temporarily_unavailable": fault.Unavailable, "server_error": fault.Unavailable, "invalid_scope": fault.Unavailable,
		"<script>canary</script>": fault.Denied} {
		state := w.agree(alice, network.Facebook, big[network.Facebook]).Get("state")
		err := w.c.Refused(context.Background(), state, reason, session, w.wall)
		w.refused(reason, err, kind, "network")
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("what came is repeated: %v", err)
		}
		_, err = w.c.Finish(context.Background(), state, "code", session, w.wall, w.now)
		w.refused(reason+", then a code", err, fault.Denied, "state")
	}
}
