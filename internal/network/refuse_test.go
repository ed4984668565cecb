package network_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/fault"
	"tributary/internal/network"
	"tributary/internal/network/standin"
)

// An answer that was not asked for here and now connects nothing, whatever is wrong with it.
func TestAnswersThatAreRefused(t *testing.T) {
	for _, k := range network.Kinds {
		t.Run(string(k), func(t *testing.T) {
			w := newWorld(t)
			ctx := context.Background()
			answer := w.agree(alice, k, big[k])
			state, code := answer.Get("state"), answer.Get("code")
			for name, try := range map[string]struct{ state, session string }{
				"no state": {"", session}, "a state of nobody": {"AAAAAAAAAAAAAAAAAAAAAAAAAA", session}, "no session": {state, ""},
				"another session": {state, "session-of-bob"}, "a state without end": {strings.Repeat("A", 5000), session},
			} {
				_, err := w.c.Finish(ctx, try.state, code, try.session, w.wall, w.now)
				w.refused(name, err, fault.Denied, "state")
			}
			a, err := w.finish(answer)
			w.must(err) // what others tried did not use it up
			_, err = w.finish(answer)
			w.refused("replayed", err, fault.Denied, "state")

			late := w.agree(alice, k, big[k])
			w.pass(11 * time.Minute)
			_, err = w.finish(late)
			w.refused("eleven minutes later", err, fault.Denied, "state")
			_, err = w.finish(late)
			w.refused("and again", err, fault.Denied, "state")

			address, err := w.c.Begin(ctx, alice, k, session, w.wall)
			w.must(err)
			denied := w.visit(address, url.Values{"decision": {"deny"}})
			if denied.Get("error") != "access_denied" || denied.Get("code") != "" {
				t.Errorf("denied: %v", denied)
			}
			_, err = w.finish(denied)
			w.refused("not agreed to", err, fault.Denied, "network")
			w.refused("told twice", w.c.Refused(ctx, denied.Get("state"), "access_denied", session, w.wall), fault.Denied, "state")

			foreign := w.agree(alice, k, big[k])
			foreign.Set("code", code) // one that has been used
			_, err = w.finish(foreign)
			w.refused("a code of another answer", err, fault.Denied, "network")
			long := w.agree(alice, k, big[k])
			long.Set("code", strings.Repeat("c", 5000))
			_, err = w.finish(long)
			w.refused("a code without end", err, fault.Invalid, "code")

			if all := w.of(alice); len(all) != 1 || told(all[0]) != told(a) || len(w.history(a.ID)) != 1 {
				t.Errorf("a refused answer left a trace: %+v", all)
			}
		})
	}
}

// A code of one network says nothing to another one, and one that was made for another installation's request says nothing here.
func TestForeignCodes(t *testing.T) {
	w := newWorld(t)
	code := w.agree(alice, network.YouTube, big[network.YouTube]).Get("code")
	for _, k := range network.Kinds {
		answer := w.agree(alice, k, big[k])
		answer.Set("code", code) // with YouTube, of another verifier
		_, err := w.finish(answer)
		w.refused(string(k), err, fault.Denied, "network")
	}
	if len(w.of(alice)) != 0 {
		t.Error("a foreign code connected something")
	}
}

func TestWithoutWhatIsNeeded(t *testing.T) {
	w := newWorld(t)
	for k, without := range map[network.Kind]string{network.YouTube: "youtube", network.Instagram: "basic", network.TikTok: "video.list",
		network.Facebook: "engagement"} {
		_, err := w.finish(w.agree(alice, k, big[k], without))
		w.refused(string(k), err, fault.Denied, "scope")
	}
	if len(w.of(alice)) != 0 {
		t.Error("connected without what is needed")
	}
	a, err := w.finish(w.agree(alice, network.Instagram, big[network.Instagram], "insights"))
	w.must(err)
	if len(a.Snapshot.Countries) != 0 || a.Snapshot.Followers != 12_400 {
		t.Errorf("without insights, which nothing rests on: %s", told(a))
	}
}

func TestBeginRefuses(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	delete(w.c.Apps, network.TikTok)
	if got := fmt.Sprint(w.c.Offers()); got != "[youtube instagram facebook]" {
		t.Errorf("offers %s", got)
	}
	_, err := w.c.Begin(ctx, alice, network.TikTok, session, w.wall)
	w.refused("not offered", err, fault.NotFound, "network")
	_, err = w.c.Begin(ctx, alice, "myspace", session, w.wall)
	w.refused("unknown", err, fault.NotFound, "network")
	_, err = w.c.Begin(ctx, alice, network.YouTube, "", w.wall)
	w.refused("no session", err, fault.Denied, "session")
	_, err = w.c.Begin(ctx, 0, network.YouTube, session, w.wall)
	w.refused("nobody", err, fault.Denied, "session")
	for range 20 {
		_, err = w.c.Begin(ctx, alice, network.YouTube, session, w.wall)
		w.must(err)
	}
	_, err = w.c.Begin(ctx, alice, network.YouTube, session, w.wall)
	w.refused("twenty-one at once", err, fault.Exhausted, "network")
	_, err = w.c.Begin(ctx, bob, network.YouTube, session, w.wall)
	w.must(err)
	w.pass(10 * time.Minute)
	_, err = w.c.Begin(ctx, alice, network.YouTube, session, w.wall)
	w.must(err)
}

// One account belongs to one creator, and whoever is second learns nothing about the first.
func TestOneAccountOneCreator(t *testing.T) {
	for _, k := range network.Kinds {
		w := newWorld(t)
		a := w.connected(alice, k, big[k])
		_, err := w.connect(bob, k, big[k])
		w.refused(string(k), err, fault.Conflict, "account")
		if err == nil || strings.Contains(err.Error(), alice.Text("")) || strings.Contains(err.Error(), a.Handle) {
			t.Errorf("%s: the conflict names somebody: %v", k, err)
		}
		w.stand.Revoke(k, big[k])
		expired, err := w.check(a)
		w.must(err)
		if expired.State != network.Expired {
			t.Fatalf("%s: %+v", k, expired)
		}
		_, err = w.connect(bob, k, big[k])
		w.refused(string(k)+", expired", err, fault.Conflict, "account")
		if back := w.connected(alice, k, big[k]); back.ID != a.ID || back.State != network.Connected {
			t.Errorf("%s: its owner's, again: %+v", k, back)
		}
		w.refused("of another", w.c.Disconnect(context.Background(), bob, a.ID, w.now), fault.NotFound, "account")
	}
}

// Of two answers at once one is taken; of two creators with one account one has it.
func TestRaces(t *testing.T) {
	w := newWorld(t)
	both := func(answers [2]url.Values) (errs []error) {
		var wait sync.WaitGroup
		var mu sync.Mutex
		for _, answer := range answers {
			wait.Go(func() {
				_, err := w.finish(answer)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					errs = append(errs, err)
				}
			})
		}
		wait.Wait()
		return errs
	}
	answer := w.agree(alice, network.YouTube, big[network.YouTube])
	errs := both([2]url.Values{answer, answer})
	if len(errs) != 1 || !fault.Is(errs[0], fault.Denied) || len(w.of(alice)) != 1 {
		t.Errorf("one answer twice: %v", errs)
	}
	const k = network.TikTok
	errs = both([2]url.Values{w.agree(alice, k, big[k]), w.agree(bob, k, big[k])})
	if len(errs) != 1 || !fault.Is(errs[0], fault.Conflict) || len(w.of(alice))+len(w.of(bob)) != 2 {
		t.Errorf("one account for two: %v", errs)
	}
	const own = network.Facebook
	errs = both([2]url.Values{w.agree(bob, own, big[own]), w.agree(bob, own, big[own])})
	if len(errs) != 0 || len(w.of(bob)) > 2 {
		t.Errorf("one's own account twice: %v, %+v", errs, w.of(bob))
	}
}

func TestTwentyAccountsAtMost(t *testing.T) {
	w := newWorld(t)
	for i := range 21 {
		w.stand.Add(standin.Sample{Network: network.TikTok, Number: fmt.Sprintf("n%d", i), Handle: fmt.Sprintf("many%d.example", i)})
	}
	var first network.Account
	for i := range 20 {
		first = w.connected(alice, network.TikTok, fmt.Sprintf("n%d", i))
	}
	_, err := w.connect(alice, network.TikTok, "n20")
	w.refused("the twenty-first", err, fault.Exhausted, "account")
	w.connected(alice, network.TikTok, "n0") // renewing one is not a further one
	w.must(w.c.Disconnect(context.Background(), alice, first.ID, w.now))
	w.connected(alice, network.TikTok, "n20")
}

// Handles and titles come as people write them: tidied, bounded, and flagged where letters are not what they seem.
func TestNames(t *testing.T) {
	w := newWorld(t)
	for i, c := range []struct {
		handle, title, wantHandle, wantTitle string
		flagged                              bool
	}{
		{"plain.example", "Plain", "plain.example", "Plain", false},
		{"@at.example", "  two   spaces\n", "at.example", "two spaces", false},
		{"cafe\u0301.example", "Cafe\u0301", "café.example", "Café", false},
		{"p\u0430ypal.example", "Shop", "p\u0430ypal.example", "Shop", true},           // one Cyrillic letter
		{"shop.example", "Αmazing finds", "shop.example", "Αmazing finds", true},       // a Greek capital
		{"пекарня.дом", "Пекарня Baker", "пекарня.дом", "Пекарня Baker", false},        // words of two languages
		{"東京tokyo", "東京 Tokyo カフェ", "東京tokyo", "東京 Tokyo カフェ", false},                  // written so every day
		{"𝐛𝐨𝐥𝐝.example", "𝐁𝐨𝐥𝐝", "𝐛𝐨𝐥𝐝.example", "𝐁𝐨𝐥𝐝", true},                         // signs as letters
		{"evil\u202egnp.example", "a\u202eb\u0000c", "evilgnp.example", "ab c", false}, // what turns the text around it
		{"", "", "n8", "n8", false},
		{strings.Repeat("h", 300), strings.Repeat("ü", 300), strings.Repeat("h", 100), strings.Repeat("ü", 200), false},
	} {
		number := fmt.Sprintf("n%d", i)
		if c.handle == "" {
			c.wantHandle, c.wantTitle = number, number
		}
		w.stand.Add(standin.Sample{Network: network.TikTok, Number: number, Handle: c.handle, Title: c.title, Followers: 900, Posts: 30,
			Every: 3, Reactions: 60})
		a := w.connected(alice, network.TikTok, number)
		if a.Handle != c.wantHandle || a.Title != c.wantTitle || a.Score.Doubtful() != c.flagged {
			t.Errorf("%q %q: %q %q, flagged %v", c.handle, c.title, a.Handle, a.Title, a.Score.Doubtful())
		}
		if !a.Score.Pass {
			t.Errorf("%q is refused for its name: %+v", c.handle, a.Score)
		}
		if address, err := url.Parse(a.Address); err != nil || address.Host != "www.tiktok.com" || address.RawQuery != "" {
			t.Errorf("%q: address %q", c.handle, a.Address)
		}
	}
}

// What stands in is not open to everybody.
func TestStandinSendsNobodyAway(t *testing.T) {
	w := newWorld(t)
	address, err := w.c.Begin(context.Background(), alice, network.YouTube, session, w.wall)
	w.must(err)
	for _, elsewhere := range []string{"https://evil.example/", w.c.Home + ".evil.example/"} {
		at, _ := url.Parse(address)
		query := at.Query()
		query.Set("redirect_uri", elsewhere)
		at.RawQuery = query.Encode()
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			request, _ := http.NewRequest(method, at.String(), nil)
			answer, err := http.DefaultTransport.RoundTrip(request)
			w.must(err)
			answer.Body.Close()
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s with %s: %d", method, elsewhere, answer.StatusCode)
			}
		}
	}
}
