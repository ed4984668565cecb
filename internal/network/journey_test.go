package network_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/network"
	"tributary/internal/network/standin"
)

// told writes an account as a person would be told of it.
func told(a network.Account) string {
	s := a.Snapshot
	text := fmt.Sprintf("%s %s (%s) at %s: %d followers, %d posts, %d recent, last %s, engagement %d", a.Network, a.Handle, a.Title,
		a.Address, s.Followers, s.Posts, s.Recent, s.Last.Format("2006-01-02"), s.Engagement)
	for _, mark := range []struct {
		is   bool
		word string
	}{{s.Hidden, "hidden"}, {s.Business, "business"}, {s.Public, "public"}, {s.Verified, "verified"}, {a.Score.Pass, "passes"}} {
		if mark.is {
			text += ", " + mark.word
		}
	}
	for _, share := range s.Countries {
		text += fmt.Sprintf(", %s %d", share.Country, share.BPS)
	}
	return text + fmt.Sprintf(", %d points", a.Score.Points)
}

// From the consent page to the score, with each network, and on to its end.
func TestJourneys(t *testing.T) {
	for k, want := range map[network.Kind]string{
		network.YouTube: "youtube ada.bakes.example (Ada bakes) at https://www.youtube.com/@ada.bakes.example: 12400 followers, 140 posts, " +
			"8 recent, last 2026-03-08, engagement 330, business, public, passes, 1000 points",
		network.Instagram: "instagram ada.bakes.example (Ada bakes) at https://www.instagram.com/ada.bakes.example/: 12400 followers, 380 posts, " +
			"10 recent, last 2026-03-09, engagement 274, business, public, passes, US 7093, GB 1395, CA 1046, DE 465, 974 points",
		network.TikTok: "tiktok ada.bakes.example (Ada bakes) at https://www.tiktok.com/@ada.bakes.example: 48200 followers, 210 posts, " +
			"16 recent, last 2026-03-10, engagement 601, public, verified, passes, 1000 points",
		network.Facebook: "facebook adabakesexample (Ada bakes) at https://www.facebook.com/adabakesexample: 12400 followers, 50 posts, " +
			"8 recent, last 2026-03-08, engagement 104, business, public, passes, 1000 points",
	} {
		t.Run(string(k), func(t *testing.T) {
			w := newWorld(t)
			a := w.connected(alice, k, big[k])
			if got := told(a); got != want {
				t.Errorf("connected:\n%s\nwant\n%s", got, want)
			}
			if a.Creator != alice || a.Number != big[k] || a.State != network.Connected || !a.Connected.Equal(begin) || !a.Checked.Equal(begin) {
				t.Errorf("connected: %+v", a)
			}
			if stored := w.one(a.ID); told(stored) != want || len(stored.Score.Parts) != len(a.Score.Parts) {
				t.Errorf("stored: %s", told(stored))
			}

			w.pass(7 * 24 * time.Hour)
			w.stand.Change(k, big[k], func(s *standin.Sample) { s.Followers, s.Title = 15_000, "Ada bakes more" })
			later, err := w.check(a)
			w.must(err)
			if later.Snapshot.Followers != 15_000 || later.Title != "Ada bakes more" || !later.Checked.Equal(w.now) || later.State != network.Connected {
				t.Errorf("checked a week later: %s", told(later))
			}
			if looks := w.history(a.ID); len(looks) != 2 || looks[0].Followers != 15_000 || looks[1].Followers != a.Snapshot.Followers {
				t.Errorf("history: %+v", looks)
			}

			again := w.connected(alice, k, big[k])
			if all := w.of(alice); again.ID != a.ID || !again.Connected.Equal(begin) || len(all) != 1 || told(all[0]) != told(again) {
				t.Errorf("connected again: %+v, of %d", again, len(all))
			}
			w.must(w.c.Disconnect(context.Background(), alice, a.ID, w.now))
			if all := w.of(alice); len(all) != 0 || w.one(a.ID).State != network.Ended {
				t.Errorf("disconnected: %+v", all)
			}
			_, err = w.check(a)
			w.refused("checked after its end", err, fault.Denied, "account")
			w.refused("ended twice", w.c.Disconnect(context.Background(), alice, a.ID, w.now), fault.NotFound, "account")
			if fresh := w.connected(bob, k, big[k]); fresh.ID == a.ID || fresh.Creator != bob {
				t.Errorf("free again: %+v", fresh)
			}
		})
	}
}

// What is special about an account is seen.
func TestSamples(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		k            network.Kind
		number, want string
	}{
		{network.YouTube, "UCcam0000000000000000003", "private"},
		{network.YouTube, "UCdot0000000000000000004", "hidden passes"},
		{network.YouTube, "UCeli0000000000000000005", "of 291"},
		{network.Instagram, "17841400000000003", "business_account"},
		{network.Instagram, "17841400000000004", "no_posts"},
		{network.TikTok, "_000stand-in-ivy0000002", "passes"},
		{network.Facebook, "100000000000004", "private"},
	} {
		a := w.connected(alice, c.k, c.number)
		got := strings.Join(a.Score.Against, " ")
		switch {
		case a.Snapshot.Hidden && a.Score.Pass:
			got = "hidden passes"
		case a.Score.Pass:
			got = "passes"
		case got == "":
			got = fmt.Sprintf("of %d", a.Score.Points)
		}
		if got != c.want {
			t.Errorf("%s %s: %s, want %s; %+v", c.k, a.Handle, got, c.want, a.Score)
		}
	}
}

// Where there is nothing to connect, it is said what mends that.
func TestNothingToConnect(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		k              network.Kind
		number, phrase string
	}{
		{network.YouTube, "", "no YouTube channel"},
		{network.Facebook, "", "no page that you manage"},
		{network.Facebook, "100000000000003", "no page that you manage"}, // may only see its figures
	} {
		_, err := w.connect(alice, c.k, c.number)
		w.refused(string(c.k), err, fault.Invalid, "account")
		if err == nil || !strings.Contains(err.Error(), c.phrase) {
			t.Errorf("%s: %v", c.k, err)
		}
	}
	if all := w.of(alice); len(all) != 0 {
		t.Errorf("connected: %+v", all)
	}
}

// Of several pages it is the one that most people follow.
func TestFacebookPages(t *testing.T) {
	w := newWorld(t)
	address, err := w.c.Begin(context.Background(), alice, network.Facebook, session, w.wall)
	w.must(err)
	a, err := w.finish(w.visit(address, map[string][]string{"decision": {"allow"}, "scope": {"pages_show_list", "pages_read_engagement"},
		"account": {"100000000000004", "100000000000003", "100000000000002"}}))
	w.must(err)
	if a.Number != "100000000000002" {
		t.Errorf("connected %s", told(a))
	}
}

func TestStaleAreListedOldestFirst(t *testing.T) {
	w := newWorld(t)
	var ids []id.ID
	for _, k := range network.Kinds {
		ids = append(ids, w.connected(alice, k, big[k]).ID)
		w.pass(time.Hour)
	}
	stale := func(before time.Time, limit int) (found []id.ID) {
		w.must(w.db.Read(context.Background(), func(tx *db.Tx) error {
			all, err := network.Stale(tx, before, limit)
			for _, a := range all {
				found = append(found, a.ID)
			}
			return err
		}))
		return found
	}
	if got := stale(w.now, 10); !slices.Equal(got, ids) {
		t.Errorf("stale: %v, want %v", got, ids)
	}
	if got := stale(begin.Add(time.Hour), 10); !slices.Equal(got, ids[:1]) {
		t.Errorf("before the second: %v", got)
	}
	if got := stale(w.now, 2); !slices.Equal(got, ids[:2]) {
		t.Errorf("two: %v", got)
	}
	_, err := w.c.Check(context.Background(), ids[0], w.wall, w.now)
	w.must(err)
	w.stand.Revoke(network.Instagram, big[network.Instagram])
	_, err = w.c.Check(context.Background(), ids[1], w.wall, w.now)
	w.must(err)
	if got := stale(w.now.Add(time.Second), 10); !slices.Equal(got, []id.ID{ids[2], ids[3], ids[0]}) {
		t.Errorf("after a check, without the one that expired: %v", got)
	}
}

func TestTwelveSnapshotsAreKept(t *testing.T) {
	w := newWorld(t)
	a := w.connected(alice, network.TikTok, big[network.TikTok])
	for i := range 14 {
		w.pass(time.Hour)
		w.stand.Change(network.TikTok, big[network.TikTok], func(s *standin.Sample) { s.Followers = int64(i) })
		_, err := w.check(a)
		w.must(err)
	}
	looks := w.history(a.ID)
	if len(looks) != 12 || looks[0].Followers != 13 || looks[11].Followers != 2 {
		t.Errorf("%d snapshots: %+v", len(looks), looks)
	}
}

// Erasure leaves nothing by which anybody is known, and may be done again.
func TestForget(t *testing.T) {
	w := newWorld(t)
	for _, k := range network.Kinds {
		w.connected(alice, k, big[k])
	}
	kept := w.connected(bob, network.TikTok, "_000stand-in-ivy0000002")
	accounts := w.of(alice)
	_, err := w.c.Begin(context.Background(), alice, network.YouTube, session, w.wall)
	w.must(err)
	for range 2 {
		w.must(w.db.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return network.Forget(tx, alice, w.now) }))
	}
	left := w.stored()
	for _, a := range accounts {
		for _, trace := range []string{a.Number, a.Handle, a.Title, a.Address, network.Grouped(a.Snapshot.Followers), fmt.Sprint(a.Snapshot.Followers)} {
			if strings.Contains(left, trace) {
				t.Errorf("%q is left in:\n%s", trace, left)
			}
		}
		gone := w.one(a.ID)
		if gone.State != network.Ended || gone.Score.Points != a.Score.Points || len(w.history(a.ID)) != 0 {
			t.Errorf("left: %+v", gone)
		}
	}
	if _, err := w.check(kept); err != nil || len(w.of(alice)) != 0 {
		t.Errorf("another's account: %v", err)
	}
	if again := w.connected(bob, network.YouTube, big[network.YouTube]); again.Creator != bob {
		t.Errorf("a forgotten account is free: %+v", again)
	}
}

// Whoever comes with an account that another had is seen by the reviewer.
func TestSharedAccounts(t *testing.T) {
	w := newWorld(t)
	first := w.connected(bob, network.YouTube, big[network.YouTube])
	w.must(w.c.Disconnect(context.Background(), bob, first.ID, w.now))
	w.connected(alice, network.YouTube, big[network.YouTube])
	w.must(w.db.Read(context.Background(), func(tx *db.Tx) error {
		others, err := network.Shared(tx, alice)
		if !slices.Equal(others, []id.ID{bob}) {
			t.Errorf("shared with %v", others)
		}
		return err
	}))
}
