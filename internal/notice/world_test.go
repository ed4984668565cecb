package notice

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/policy"
	"tributary/internal/secret"
)

var update = flag.Bool("update", false, "write golden files anew")

const (
	ada = id.ID(1101) // an account of three people
	ben = id.ID(1102) // an account that nobody signs in for
)

// now is a Sunday evening in New York.
var now = time.Date(2026, 11, 22, 23, 3, 11, 0, time.UTC)

// world is an installation whose letters land in its mailbox, or on a mail server.
type world struct {
	t     testing.TB
	db    *db.DB
	ring  *secret.Ring
	clock *clock.Business
	post  *Post
	run   *job.Runner

	owner, manager, viewer, admin id.ID
	count                         int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, db: dbtest.Open(t), ring: secret.FixedRing("notice"), clock: clock.NewStopped(now)}
	w.post = &Post{DB: w.db, Ring: w.ring, Clock: w.clock, Home: "https://programs.example/", Name: "Harbour programs"}
	w.run = &job.Runner{DB: w.db, Work: map[string]job.Work{JobMail: w.post.Deliver, JobDigest: w.post.Digest}}
	w.write(func(tx *db.Tx) error {
		for i, zone := range []string{"America/New_York", "Asia/Tokyo"} {
			m := market.Market{No: uint16(i + 1), ID: []string{"us", "jp"}[i], Name: []string{"Harbour Market", "Minato Market"}[i], Currency: "USD", Zone: zone,
				Locale: "en-US", Home: "https://store.example", Policy: policy.Shipped()}
			if err := market.Save(tx, m); err != nil {
				return err
			}
		}
		for _, one := range []struct {
			id   id.ID
			name string
		}{{ada, "Ada Lindholm"}, {ben, "Ben Okri"}} {
			handle := strings.ToLower(strings.Fields(one.name)[0])
			if err := creator.Create(tx, w.ring, creator.Creator{ID: one.id, Name: one.name, Handle: handle, Created: now},
				creator.Personal{Email: handle + "@account.example"}); err != nil {
				return err
			}
		}
		return w.people(tx)
	})
	return w
}

// people opens an owner, a manager and a viewer of one account, and an admin.
func (w *world) people(tx *db.Tx) error {
	p, err := auth.Open(tx, auth.Principal{Name: "Ada Lindholm", Role: auth.Creator, Creator: ada}, now)
	if err != nil {
		return err
	}
	w.owner = p.ID
	if p, err = auth.Open(tx, auth.Principal{Name: "The admin", Role: auth.Admin}, now); err != nil {
		return err
	}
	w.admin = p.ID
	for _, one := range []struct {
		into *id.ID
		name string
		seat auth.Seat
	}{{&w.manager, "Mia Manager", auth.Manager}, {&w.viewer, "Vic Viewer", auth.Viewer}} {
		token, err := auth.Invite(tx, auth.Invitation{Account: ada, Kind: auth.Creator, Seat: one.seat, Name: one.name}, w.owner, now)
		if err != nil {
			return err
		}
		if p, err = auth.OpenPerson(tx, one.name, now); err != nil {
			return err
		}
		if err := auth.TakeInvite(tx, token, p.ID, now); err != nil {
			return err
		}
		*one.into = p.ID
	}
	for who, address := range map[id.ID]string{w.owner: "ada@people.example", w.manager: "mia@people.example", w.viewer: "vic@people.example",
		w.admin: "admin@people.example"} {
		if err := credential.TrustEmail(tx, w.ring, who, address, now); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), db.Interactive, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// send tells somebody about an event with its sample facts; change may alter the notice.
func (w *world) send(event string, change func(*Notice)) {
	w.t.Helper()
	if err := w.try(event, change); err != nil {
		w.t.Fatalf("%s: %v", event, err)
	}
}

func (w *world) try(event string, change func(*Notice)) error {
	e, _ := EventOf(event)
	w.count++
	n := Notice{Event: event, Market: "us", At: w.clock.Now(), Key: fmt.Sprint(w.count), Facts: e.samples()}
	change(&n)
	return w.db.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return Send(tx, w.ring, n) })
}

func toAda(n *Notice) { n.Creator = ada }

func (w *world) toOwner(n *Notice) { n.Principal = w.owner }

func (w *world) drain() {
	w.t.Helper()
	if err := w.run.Drain(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// box is what the mailbox holds, oldest first.
func (w *world) box() (all []Boxed) {
	w.t.Helper()
	w.drain()
	w.read(func(tx *db.Tx) (err error) {
		all, err = Mailbox(tx, w.ring, 0, 200)
		return err
	})
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// got is the mailbox as `address: subject`, sorted by nothing but the order of arrival of each address.
func (w *world) got() string {
	var lines []string
	for _, b := range w.box() {
		lines = append(lines, b.To+": "+b.Subject)
	}
	return strings.Join(lines, "\n")
}

func (w *world) list(creatorID, principal id.ID) (all []Message) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) {
		all, err = List(tx, w.ring, Query{Creator: creatorID, Principal: principal, Limit: 50})
		return err
	})
	return all
}

func (w *world) unread(creatorID, principal id.ID) (count int) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) {
		count, err = Unread(tx, creatorID, principal)
		return err
	})
	return count
}

// golden compares with a file that people review.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at what changed. Now:\n%s", path, got)
	}
}

func invalid(t *testing.T, err error, field string) {
	t.Helper()
	if !fault.Is(err, fault.Invalid) || !strings.HasPrefix(fault.Of(err).Field, field) {
		t.Errorf("got %v, want Invalid of %q", err, field)
	}
}
