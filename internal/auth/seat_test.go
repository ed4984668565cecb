package auth_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// people is a small town: ada and bob are creators' owners, sam is an admin, eve acts for nobody yet.
type people struct {
	t                  *testing.T
	db                 *db.DB
	ada, bob, sam, eve auth.Principal
}

const adas, bobs = id.ID(7), id.ID(8) // the creators

func town(t *testing.T) *people {
	p := &people{t: t, db: dbtest.Open(t)}
	p.do(func(tx *db.Tx) (err error) {
		p.ada, err = auth.Open(tx, auth.Principal{Name: "Ada", Role: auth.Creator, Creator: adas}, now)
		return err
	}, func(tx *db.Tx) (err error) {
		p.bob, err = auth.Open(tx, auth.Principal{Name: "Bob", Role: auth.Creator, Creator: bobs}, now)
		return err
	}, func(tx *db.Tx) (err error) {
		p.sam, err = auth.Open(tx, auth.Principal{Name: "Sam", Role: auth.Admin}, now)
		return err
	}, func(tx *db.Tx) (err error) { p.eve, err = auth.OpenPerson(tx, "Eve", now); return err })
	return p
}

// do writes, each step in a transaction of its own, and fails on an error.
func (p *people) do(steps ...func(*db.Tx) error) {
	p.t.Helper()
	for _, step := range steps {
		if err := write(p.t, p.db, step); err != nil {
			p.t.Fatal(err)
		}
	}
}

// refused wants a step to fail with that kind.
func (p *people) refused(kind fault.Kind, step func(*db.Tx) error) {
	p.t.Helper()
	if err := write(p.t, p.db, step); !fault.Is(err, kind) {
		p.t.Errorf("got %v, want %s", err, kind)
	}
}

func (p *people) device(of auth.Principal) (device id.ID) {
	p.t.Helper()
	p.do(func(tx *db.Tx) (err error) {
		device, err = auth.OpenDevice(tx, of.ID, "Firefox", "passkey", now)
		return err
	})
	return device
}

// who asks as a request does.
func (p *people) who(principal, device, account id.ID) (one auth.Principal, ok bool) {
	p.t.Helper()
	if err := p.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		one, ok, err = auth.Who(tx, principal, device, account)
		return err
	}); err != nil {
		p.t.Fatal(err)
	}
	return one, ok
}

// invite offers a seat and gives its text.
func (p *people) invite(account id.ID, kind auth.Role, seat auth.Seat, by auth.Principal) (token string) {
	p.t.Helper()
	p.do(func(tx *db.Tx) (err error) {
		token, err = auth.Invite(tx, auth.Invitation{Account: account, Kind: kind, Seat: seat, Hint: "Eve"}, by.ID, now)
		return err
	})
	return token
}

func (p *people) join(account id.ID, kind auth.Role, seat auth.Seat, by, one auth.Principal) {
	p.t.Helper()
	token := p.invite(account, kind, seat, by)
	p.do(func(tx *db.Tx) error { return auth.TakeInvite(tx, token, one.ID, now) })
}

func TestSeatsAreOrdered(t *testing.T) {
	order := []auth.Seat{"", auth.Viewer, auth.Manager, auth.Owner}
	for i, has := range order {
		for j, needs := range order {
			// No seat is enough for nothing, and a row that asks for none asks for a viewer.
			if want := i > 0 && i >= j; has.AtLeast(needs) != want {
				t.Errorf("%q at least %q: %v", has, needs, !want)
			}
		}
		if auth.Seat("root").AtLeast(has) {
			t.Errorf("a seat that does not exist is at least %q", has)
		}
	}
}

func TestWhoActsForWhom(t *testing.T) {
	p := town(t)
	var harbour auth.Team
	p.do(func(tx *db.Tx) (err error) {
		harbour, err = auth.OpenTeam(tx, auth.Team{Kind: auth.Agency, Name: "Harbour"}, p.bob.ID, now)
		return err
	})
	p.join(harbour.ID, auth.Agency, auth.Viewer, p.bob, p.eve)
	adaOn, bobOn, samOn, eveOn := p.device(p.ada), p.device(p.bob), p.device(p.sam), p.device(p.eve)
	is := func(of auth.Principal, device, account id.ID, role auth.Role, in id.ID, seat auth.Seat) {
		t.Helper()
		want := auth.Principal{ID: of.ID, Name: of.Name, Role: role, Account: in, Seat: seat}
		if role == auth.Creator {
			want.Creator = in
		}
		if got, ok := p.who(of.ID, device, account); !ok || got != want {
			t.Errorf("got %+v, %v; want %+v", got, ok, want)
		}
	}
	is(p.ada, adaOn, 0, auth.Creator, adas, auth.Owner)
	is(p.ada, adaOn, adas, auth.Creator, adas, auth.Owner)
	is(p.ada, adaOn, bobs, "", 0, "") // never her own account in place of another's
	is(p.ada, adaOn, harbour.ID, "", 0, "")
	is(p.bob, bobOn, 0, auth.Creator, bobs, auth.Owner) // the oldest of his two
	is(p.bob, bobOn, harbour.ID, auth.Agency, harbour.ID, auth.Owner)
	is(p.sam, samOn, 0, auth.Admin, 0, auth.Owner)
	is(p.sam, samOn, adas, auth.Admin, 0, auth.Owner)
	is(p.eve, eveOn, 0, auth.Agency, harbour.ID, auth.Viewer)
	is(p.eve, eveOn, adas, "", 0, "")

	p.do(func(tx *db.Tx) error { return auth.Grant(tx, adas, harbour.ID, auth.Manager, now) })
	is(p.bob, bobOn, adas, auth.Creator, adas, auth.Manager) // an owner of the agency, granted manager
	is(p.eve, eveOn, adas, auth.Creator, adas, auth.Viewer)  // a viewer of the agency
	p.do(func(tx *db.Tx) error { return auth.Grant(tx, adas, harbour.ID, auth.Viewer, now) })
	is(p.bob, bobOn, adas, auth.Creator, adas, auth.Viewer)
	p.join(adas, auth.Creator, auth.Manager, p.ada, p.bob) // a seat of his own is greater
	is(p.bob, bobOn, adas, auth.Creator, adas, auth.Manager)

	var seats []auth.Seated
	p.do(func(tx *db.Tx) (err error) { seats, err = auth.Seats(tx, p.bob.ID); return err })
	want := []auth.Seated{{Account: adas, Kind: auth.Creator, Seat: auth.Manager}, {Account: bobs, Kind: auth.Creator, Seat: auth.Owner},
		{Account: harbour.ID, Kind: auth.Agency, Name: "Harbour", Seat: auth.Owner}}
	if !slices.Equal(seats, want) { // all of one instant, so by their ids
		t.Errorf("bob's seats: %+v", seats)
	}
	p.do(func(tx *db.Tx) (err error) { seats, err = auth.Seats(tx, p.eve.ID); return err })
	if len(seats) != 2 || seats[1] != (auth.Seated{Account: adas, Kind: auth.Creator, Seat: auth.Viewer, Through: harbour.ID}) {
		t.Errorf("eve's seats: %+v", seats)
	}

	p.do(func(tx *db.Tx) error { return auth.EndGrant(tx, adas, harbour.ID) })
	is(p.eve, eveOn, adas, "", 0, "")
	p.do(func(tx *db.Tx) error { return auth.EndSeat(tx, harbour.ID, p.eve.ID) })
	is(p.eve, eveOn, 0, "", 0, "")
	p.do(func(tx *db.Tx) error { return auth.EndDevice(tx, p.ada.ID, adaOn, now) })
	if _, ok := p.who(p.ada.ID, adaOn, 0); ok {
		t.Error("an ended device opens")
	}
	if _, ok := p.who(p.ada.ID, bobOn, 0); ok {
		t.Error("another's device opens")
	}
	p.do(func(tx *db.Tx) error { return auth.Close(tx, p.bob.ID, now) })
	if _, ok := p.who(p.bob.ID, bobOn, 0); ok {
		t.Error("a closed principal's device opens")
	}
}

func TestAgenciesActAsLittleAsGranted(t *testing.T) {
	p := town(t)
	var harbour, kettles auth.Team
	p.do(func(tx *db.Tx) (err error) {
		harbour, err = auth.OpenTeam(tx, auth.Team{Kind: auth.Agency, Name: "Harbour"}, p.bob.ID, now)
		return err
	}, func(tx *db.Tx) (err error) {
		kettles, err = auth.OpenTeam(tx, auth.Team{Kind: auth.Brand, Name: "Kettles"}, p.bob.ID, now)
		return err
	})
	p.refused(fault.Invalid, func(tx *db.Tx) error { return auth.Grant(tx, adas, harbour.ID, auth.Owner, now) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.Grant(tx, adas, kettles.ID, auth.Viewer, now) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.Grant(tx, adas, bobs, auth.Viewer, now) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.EndGrant(tx, adas, harbour.ID) })
	for _, bad := range []auth.Team{{Kind: auth.Creator, Name: "x"}, {Kind: auth.Agency, Name: " "}, {Name: "x"}} {
		p.refused(fault.Invalid, func(tx *db.Tx) error { _, err := auth.OpenTeam(tx, bad, p.bob.ID, now); return err })
	}
	p.refused(fault.Conflict, func(tx *db.Tx) error {
		_, err := auth.OpenTeam(tx, auth.Team{Kind: auth.Agency, Name: "Inside"}, p.sam.ID, now)
		return err
	})
	p.do(func(tx *db.Tx) error { return auth.Grant(tx, adas, harbour.ID, auth.Viewer, now) }, func(tx *db.Tx) error {
		granted, err := auth.Grants(tx, adas)
		if len(granted) != 1 || granted[0].Name != "Harbour" || granted[0].Seat != auth.Viewer || !granted[0].Since.Equal(now) {
			t.Errorf("granted: %+v", granted)
		}
		if team, ok, err := auth.FindTeam(tx, kettles.ID); !ok || err != nil || team != kettles {
			t.Errorf("found %+v, %v, %v", team, ok, err)
		}
		return err
	})
}

func TestInvitations(t *testing.T) {
	p := town(t)
	token := p.invite(adas, auth.Creator, auth.Manager, p.ada)
	look := func(text string, at time.Time) (i auth.Invitation, err error) {
		err = write(t, p.db, func(tx *db.Tx) (err error) { i, err = auth.LookInvite(tx, text, at); return err })
		return i, err
	}
	i, err := look(token, now)
	if err != nil || i.Account != adas || i.Seat != auth.Manager || i.Hint != "Eve" ||
		i.By != p.ada.ID || !i.Expires.Equal(now.Add(7*24*time.Hour)) {
		t.Errorf("%+v, %v", i, err)
	}
	for name, try := range map[string]func() error{
		"too late": func() error { _, err := look(token, i.Expires); return err },
		"nothing":  func() error { _, err := look("", now); return err },
		"a guess":  func() error { _, err := look(token[1:]+"x", now); return err },
	} {
		if err := try(); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.refused(fault.Denied, func(tx *db.Tx) error { return auth.TakeInvite(tx, token, p.eve.ID, i.Expires) })
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.TakeInvite(tx, token, p.sam.ID, now) })
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.TakeInvite(tx, token, p.ada.ID, now) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.TakeInvite(tx, token, 1, now) })
	// What was refused left the offer open.
	p.do(func(tx *db.Tx) error { return auth.TakeInvite(tx, token, p.eve.ID, now) })
	p.refused(fault.Denied, func(tx *db.Tx) error { return auth.TakeInvite(tx, token, p.bob.ID, now) })

	// Only owners invite, and staff; what somebody offered is gone with their seat.
	offer := func(by auth.Principal, i auth.Invitation) func(*db.Tx) error {
		return func(tx *db.Tx) error { _, err := auth.Invite(tx, i, by.ID, now); return err }
	}
	good := auth.Invitation{Account: adas, Kind: auth.Creator, Seat: auth.Viewer}
	p.refused(fault.Denied, offer(p.eve, good))
	p.refused(fault.Denied, offer(p.bob, good))
	p.refused(fault.Denied, offer(p.ada, auth.Invitation{Account: adas, Kind: auth.Brand, Seat: auth.Viewer}))
	p.refused(fault.Invalid, offer(p.ada, auth.Invitation{Account: adas, Kind: auth.Creator, Seat: "root"}))
	p.refused(fault.Invalid, offer(p.ada, auth.Invitation{Account: adas, Kind: auth.Admin, Seat: auth.Viewer}))
	long := good
	long.Hint = strings.Repeat("é", 101)
	p.refused(fault.Invalid, offer(p.ada, long))
	p.do(offer(p.sam, good))
	p.do(func(tx *db.Tx) error { return auth.SetSeat(tx, adas, p.eve.ID, auth.Owner) })
	byEve := p.invite(adas, auth.Creator, auth.Owner, p.eve)
	p.do(func(tx *db.Tx) error { return auth.SetSeat(tx, adas, p.eve.ID, auth.Manager) })
	if _, err := look(byEve, now); !fault.Is(err, fault.Denied) {
		t.Errorf("an offer outlives the seat of who made it: %v", err)
	}
	p.do(func(tx *db.Tx) error {
		open, err := auth.Invitations(tx, adas, now)
		if err != nil || len(open) != 1 || open[0].By != p.sam.ID {
			t.Fatalf("open: %+v, %v", open, err)
		}
		if err := auth.CancelInvite(tx, bobs, open[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another's invitation was cancelled: %v", err)
		}
		return auth.CancelInvite(tx, adas, open[0].ID)
	})
	for range 50 {
		p.do(offer(p.ada, good))
	}
	p.refused(fault.Exhausted, offer(p.ada, good))
}

func TestAnInvitationIsTakenOnce(t *testing.T) {
	p := town(t)
	token := p.invite(adas, auth.Creator, auth.Viewer, p.ada)
	errs := atOnce(8, func(n int) error {
		one := []id.ID{p.bob.ID, p.eve.ID}[n%2]
		return write(t, p.db, func(tx *db.Tx) error { return auth.TakeInvite(tx, token, one, now) })
	})
	won := slices.DeleteFunc(errs, func(err error) bool { return err != nil })
	p.do(func(tx *db.Tx) error {
		members, err := auth.Members(tx, adas)
		if len(won) != 1 || len(members) != 2 {
			t.Errorf("%d won, members %+v", len(won), members)
		}
		return err
	})
}

// atOnce runs fn n times at the same moment.
func atOnce(n int, fn func(n int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			errs[i] = fn(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return errs
}

func TestTheLastOwnerStays(t *testing.T) {
	p := town(t)
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.EndSeat(tx, adas, p.ada.ID) })
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.SetSeat(tx, adas, p.ada.ID, auth.Manager) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.EndSeat(tx, adas, p.bob.ID) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.SetSeat(tx, adas, p.bob.ID, auth.Owner) })
	p.refused(fault.Invalid, func(tx *db.Tx) error { return auth.SetSeat(tx, adas, p.ada.ID, "root") })
	p.join(adas, auth.Creator, auth.Owner, p.ada, p.eve)

	// Both leave at the same moment: one of them stays.
	both := []auth.Principal{p.ada, p.eve}
	errs := atOnce(2, func(n int) error {
		return write(t, p.db, func(tx *db.Tx) error { return auth.EndSeat(tx, adas, both[n].ID) })
	})
	if (errs[0] == nil) == (errs[1] == nil) || !fault.Is(errs[0], fault.Conflict) && !fault.Is(errs[1], fault.Conflict) {
		t.Errorf("two owners left at once: %v", errs)
	}
	left, stayed := p.ada, p.eve
	if errs[0] != nil {
		left, stayed = p.eve, p.ada
	}
	p.do(func(tx *db.Tx) error {
		found, ok, err := auth.OfCreator(tx, adas)
		if !ok || found.ID != stayed.ID || found.Creator != adas {
			t.Errorf("of the creator: %+v", found)
		}
		if gone, ok, _ := auth.Find(tx, left.ID); !ok || gone.Creator != 0 || gone.Role != "" {
			t.Errorf("who left is still %+v", gone)
		}
		return err
	})

	// An owner who cannot sign in any more is none.
	p.join(adas, auth.Creator, auth.Owner, stayed, p.bob)
	p.do(func(tx *db.Tx) error { return auth.Close(tx, p.bob.ID, now) })
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.EndSeat(tx, adas, stayed.ID) })
}
