package notice

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// A digest comes at eight in the morning, by the marketplace's clock: the next day's, or on the next Monday.
func TestWhenADigestIsDue(t *testing.T) {
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   string
		zone *time.Location
		mode Mode
		want string
	}{
		{"2026-11-22T23:03:11Z", york, Daily, "2026-11-23T13:00:00Z"},                        // a Sunday evening there
		{"2026-11-23T12:59:59Z", york, Daily, "2026-11-23T13:00:00Z"},                        // a second before
		{"2026-11-23T13:00:00Z", york, Daily, "2026-11-24T13:00:00Z"},                        // this morning's is gone
		{"2026-11-22T23:03:11Z", york, Weekly, "2026-11-23T13:00:00Z"},                       // Monday
		{"2026-11-23T13:00:00Z", york, Weekly, "2026-11-30T13:00:00Z"},                       // the next one
		{"2026-11-22T23:03:11Z", time.UTC, Daily, "2026-11-23T08:00:00Z"},                    // elsewhere
		{"2026-03-07T14:00:00Z", york, Daily, "2026-03-08T12:00:00Z"},                        // the clocks went forward that night
		{"2026-10-31T13:00:00Z", york, Daily, "2026-11-01T13:00:00Z"},                        // and back
		{"2026-11-22T23:30:00Z", time.FixedZone("", 14*3600), Daily, "2026-11-23T18:00:00Z"}, // where Monday is half over
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := nextDigest(at, c.zone, c.mode).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.at, c.mode, got, c.want)
		}
	}
}

func (w *world) toThe(at time.Time) {
	w.t.Helper()
	if err := w.clock.Set(at); err != nil {
		w.t.Fatal(err)
	}
	if err := w.post.DueDigests(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// Each gets mail as that one wishes; what must be known comes at once, and everything is in the product.
func TestSwitchesAndDigests(t *testing.T) {
	w := newWorld(t)
	w.write(func(tx *db.Tx) error {
		for group, mode := range map[string]Mode{"proofs": Daily, "rates": Weekly, "team": Off, "account": Off, "money": Off} {
			if err := Switch(tx, w.owner, group, mode); err != nil {
				return err
			}
		}
		return nil
	})
	w.toThe(time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)) // a Tuesday
	for _, event := range []string{"site.proved", "rates.published", "team.invited", "account.signed_in", "hold.released", "network.expired"} {
		w.send(event, w.toOwner)
	}
	at := strings.Split(w.got(), "\n")
	slices.Sort(at)
	if want := []string{"ada@people.example: $12.40 was released", "ada@people.example: A new device signed in"}; !slices.Equal(at, want) {
		t.Errorf("at once: %v", at)
	}
	if got := len(w.list(0, w.owner)); got != 6 {
		t.Errorf("%d in the product", got)
	}
	w.toThe(time.Date(2026, 11, 25, 12, 59, 0, 0, time.UTC))
	if got := len(w.box()); got != 2 {
		t.Errorf("a digest came too soon: %d letters", got)
	}
	w.toThe(time.Date(2026, 11, 25, 13, 0, 0, 0, time.UTC))
	box := w.box()
	if len(box) != 3 || box[2].Subject != "2 new messages" {
		t.Fatalf("%d letters, %s", len(box), w.got())
	}
	for _, want := range []string{"ada.example is proved to be yours (Tue 24 Nov)\n  https://programs.example/creator/programs",
		"YouTube must be connected again", "Read them all:\nhttps://programs.example/messages\n", "Settings: https://programs.example/messages/settings"} {
		if !strings.Contains(box[2].Text, want) {
			t.Errorf("the digest lacks %q:\n%s", want, box[2].Text)
		}
	}
	w.toThe(time.Date(2026, 11, 29, 13, 0, 0, 0, time.UTC))
	if got := len(w.box()); got != 3 {
		t.Errorf("the digest of the week came on a Sunday: %d letters", got)
	}
	w.toThe(time.Date(2026, 11, 30, 13, 0, 0, 0, time.UTC))
	if box = w.box(); len(box) != 4 || box[3].Subject != "1 new message" || !strings.Contains(box[3].Text, "Rates change from December 6") {
		t.Errorf("on Monday: %s", w.got())
	}
	w.send("site.proved", w.toOwner)
	_, token, _ := strings.Cut(box[3].Unsubscribe, "?t=")
	principal, group, err := ReadToken(w.ring, token)
	if err != nil || principal != w.owner {
		t.Fatalf("the link of a digest: %v", err)
	}
	w.write(func(tx *db.Tx) error { return SwitchByMail(tx, principal, group, Off) })
	w.read(func(tx *db.Tx) error {
		all, err := Switches(tx, w.owner)
		if all["proofs"] != Off || all["rates"] != Off || all["programs"] != Now {
			t.Errorf("switched off by a digest: %v", all)
		}
		return err
	})
	w.toThe(time.Date(2026, 12, 9, 13, 0, 0, 0, time.UTC))
	if got := len(w.box()); got != 4 {
		t.Errorf("what was switched off meanwhile was sent: %s", w.got())
	}
	if got := w.states(); got[inDigest] != 0 || got[waiting] != 0 || got[dropped] != 1 || got[failed] != 0 {
		t.Errorf("states %v", got)
	}
}

// More than a digest holds goes in several; one that is asked for before its time waits; who left gets none.
func TestDigestsOfMany(t *testing.T) {
	w := newWorld(t)
	w.write(func(tx *db.Tx) error {
		for _, who := range []id.ID{w.owner, w.manager} {
			if err := Switch(tx, who, "proofs", Daily); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range maxDigest + 20 {
		w.send("site.proved", func(n *Notice) { n.Creator, n.Market = ada, "jp"; n.Facts["site"] = fmt.Sprintf("site%d.example", i) })
	}
	w.again() // the jobs come early: the business clock decides
	if got := len(w.box()); got != 0 {
		t.Fatalf("%d letters came early", got)
	}
	w.write(func(tx *db.Tx) error { return auth.EndSeat(tx, ada, w.manager) })
	w.toThe(time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)) // eight in the morning in Tokyo
	box := w.box()
	if len(box) != 2 || box[0].Subject != "100 new messages" || box[1].Subject != "20 new messages" || box[0].To != "ada@people.example" {
		t.Fatalf("letters %s", w.got())
	}
	if got := w.states(); got[inDigest] != 0 || got[dropped] != maxDigest+20 || got[sent] != maxDigest+20 {
		t.Errorf("states %v", got)
	}
}

func TestSwitchesThatCannotBe(t *testing.T) {
	w := newWorld(t)
	try := func(group string, mode Mode) error {
		return w.db.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return Switch(tx, w.owner, group, mode) })
	}
	invalid(t, try("weather", Off), "group")
	invalid(t, try("rates", "hourly"), "mail")
	w.write(func(tx *db.Tx) error {
		if err := Switch(tx, w.owner, "rates", Off); err != nil {
			return err
		}
		return Switch(tx, w.owner, "rates", Weekly)
	})
	w.read(func(tx *db.Tx) error {
		all, err := Switches(tx, w.owner)
		if err != nil || all["rates"] != Weekly || all["proofs"] != Now || len(all) != len(Groups) {
			t.Errorf("%v, %v", all, err)
		}
		return nil
	})
	for _, g := range Groups {
		if want := g.Code != "account" && g.Code != "documents" && g.Code != "data" && g.Code != "money"; g.Quiet() != want {
			t.Errorf("%s may be switched off: %v", g.Code, g.Quiet())
		}
	}
}

// The link of a mail switches off its group for its reader, and opens nothing else.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	token := Token(w.ring, w.owner, "rates")
	principal, group, err := ReadToken(w.ring, token)
	if err != nil || principal != w.owner || group.Code != "rates" {
		t.Errorf("%v %v %v", principal, group, err)
	}
	name, rest, _ := strings.Cut(token, ".")
	for _, bad := range []string{"", token[:len(token)-1], token + "A", strings.Replace(token, "rates", "team", 1), strings.Replace(token, name, w.manager.Text(auth.Prefix), 1),
		name + "..", "." + rest, "us_x." + rest, strings.Repeat(".", 50)} {
		if _, _, err := ReadToken(w.ring, bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", bad, err)
		}
	}
}
