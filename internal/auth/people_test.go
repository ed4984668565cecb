package auth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

func TestDevices(t *testing.T) {
	p := town(t)
	list := func() (all []auth.Device) {
		t.Helper()
		p.do(func(tx *db.Tx) (err error) { all, err = auth.Devices(tx, p.ada.ID); return err })
		return all
	}
	open := func(name, method string, at time.Time) (device id.ID) {
		t.Helper()
		p.do(func(tx *db.Tx) (err error) { device, err = auth.OpenDevice(tx, p.ada.ID, name, method, at); return err })
		return device
	}
	phone := open(" Safari\x00on\niPhone ", "passkey", now)
	laptop := open(strings.Repeat("ä", 500)+"\xff", "link", now.Add(time.Minute))
	all := list()
	if len(all) != 2 || all[1].Name != "Safari on iPhone" || all[1].Method != "passkey" || all[0].Name != strings.Repeat("ä", 100) ||
		!all[1].First.Equal(now) || !all[1].Ended.IsZero() {
		t.Errorf("devices: %+v", all)
	}
	p.refused(fault.Invalid, func(tx *db.Tx) error { _, err := auth.OpenDevice(tx, p.ada.ID, "x", "guess", now); return err })

	// It is known within ten minutes when a device was here, and no more is written.
	for _, c := range []struct {
		at   time.Duration
		want time.Duration
	}{{9 * time.Minute, 0}, {11 * time.Minute, 11 * time.Minute}, {12 * time.Minute, 11 * time.Minute}, {time.Hour, time.Hour}} {
		p.do(func(tx *db.Tx) error { return auth.SeenDevice(tx, phone, now.Add(c.at)) })
		if got := list(); !got[0].Last.Equal(now.Add(c.want)) && !got[1].Last.Equal(now.Add(c.want)) {
			t.Errorf("seen after %s: %+v", c.at, got)
		}
	}
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.EndDevice(tx, p.bob.ID, phone, now) })
	p.do(func(tx *db.Tx) error { return auth.EndDevices(tx, p.ada.ID, phone, now) })
	if _, ok := p.who(p.ada.ID, laptop, 0); ok {
		t.Error("the other device opens")
	}
	if _, ok := p.who(p.ada.ID, phone, 0); !ok {
		t.Error("this device was ended, too")
	}
	p.do(func(tx *db.Tx) error { return auth.EndDevices(tx, p.ada.ID, 0, now) })
	if _, ok := p.who(p.ada.ID, phone, 0); ok {
		t.Error("a device opens after all were ended")
	}
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.EndDevice(tx, p.ada.ID, phone, now) })

	// There are never more than 30, and what was not seen for 90 days is gone.
	for n := range 35 {
		open("Firefox", "password", now.Add(time.Duration(n+2)*time.Hour))
	}
	if got := list(); len(got) != 30 || got[29].First.Before(now.Add(7*time.Hour)) {
		t.Errorf("%d devices, the oldest of %s", len(got), got[len(got)-1].First)
	}
	open("Firefox", "oidc", now.AddDate(0, 0, 100))
	if got := list(); len(got) != 1 {
		t.Errorf("%d devices after 100 days", len(got))
	}
}

func TestStaff(t *testing.T) {
	p := town(t)
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.Close(tx, p.sam.ID, now) })
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.SetRole(tx, p.sam.ID, auth.Auditor) })
	p.refused(fault.Conflict, func(tx *db.Tx) error { return auth.Forget(tx, p.sam.ID, now) })
	p.refused(fault.Invalid, func(tx *db.Tx) error { return auth.SetRole(tx, p.sam.ID, auth.Creator) })
	p.refused(fault.Invalid, func(tx *db.Tx) error { return auth.SetRole(tx, p.sam.ID, "root") })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.SetRole(tx, p.ada.ID, auth.Admin) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.SetRole(tx, 5, auth.Admin) })
	p.do(func(tx *db.Tx) error { return auth.SetRole(tx, p.sam.ID, auth.Admin) }) // what they are already

	var kim auth.Principal
	p.do(func(tx *db.Tx) (err error) {
		kim, err = auth.Open(tx, auth.Principal{Name: "Kim", Role: auth.Support}, now)
		return err
	}, func(tx *db.Tx) error { return auth.SetRole(tx, kim.ID, auth.Admin) })
	on := p.device(kim)
	if one, ok := p.who(kim.ID, on, 0); !ok || one.Role != auth.Admin {
		t.Errorf("a new role counts at once: %+v", one)
	}

	// Two admins close each other at the same moment: one of them stays.
	both := []id.ID{p.sam.ID, kim.ID}
	errs := atOnce(2, func(n int) error {
		return write(t, p.db, func(tx *db.Tx) error { return auth.Close(tx, both[n], now) })
	})
	if (errs[0] == nil) == (errs[1] == nil) || !fault.Is(errs[0], fault.Conflict) && !fault.Is(errs[1], fault.Conflict) {
		t.Errorf("two admins closed each other: %v", errs)
	}
	p.do(func(tx *db.Tx) error {
		all, err := auth.StaffMembers(tx)
		if len(all) != 2 || !all[0].Closed.IsZero() || !all[1].Closed.Equal(now) || all[0].Role != auth.Admin {
			t.Errorf("staff: %+v", all)
		}
		for _, m := range all {
			if seen := m.ID == kim.ID; seen != m.Last.Equal(now) {
				t.Errorf("last seen: %+v", m)
			}
		}
		return err
	})
}

func TestNamesAreChangedAndForgotten(t *testing.T) {
	p := town(t)
	on := p.device(p.ada)
	p.join(bobs, auth.Creator, auth.Owner, p.bob, p.ada)
	byAda := p.invite(bobs, auth.Creator, auth.Viewer, p.ada)
	var link string
	p.do(func(tx *db.Tx) (err error) {
		link, err = auth.OpenLogin(tx, p.ada.ID, now, now.Add(time.Hour), true)
		return err
	}, func(tx *db.Tx) error { return auth.Rename(tx, p.ada.ID, "Ada Wren") })
	if one, _ := p.who(p.ada.ID, on, 0); one.Name != "Ada Wren" {
		t.Errorf("renamed: %+v", one)
	}
	p.refused(fault.Invalid, func(tx *db.Tx) error { return auth.Rename(tx, p.ada.ID, "a\nb") })
	p.refused(fault.Invalid, func(tx *db.Tx) error { _, err := auth.OpenPerson(tx, "", now); return err })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.Rename(tx, 5, "Nobody") })

	for range 2 { // again, it changes nothing
		p.do(func(tx *db.Tx) error { return auth.Forget(tx, p.ada.ID, now) })
	}
	if _, ok := p.who(p.ada.ID, on, 0); ok {
		t.Error("a forgotten person is signed in")
	}
	p.refused(fault.Denied, func(tx *db.Tx) error { _, err := auth.Login(tx, link, now); return err })
	p.refused(fault.Denied, func(tx *db.Tx) error { _, err := auth.LookInvite(tx, byAda, now); return err })
	p.do(func(tx *db.Tx) error {
		if _, ok, err := auth.OfCreator(tx, adas); ok || err != nil {
			t.Errorf("a forgotten person still owns an account: %v", err)
		}
		members, err := auth.Members(tx, bobs)
		if len(members) != 1 || members[0].Principal != p.bob.ID {
			t.Errorf("members: %+v", members)
		}
		devices, err2 := auth.Devices(tx, p.ada.ID)
		if len(devices) != 0 || err2 != nil {
			t.Errorf("devices: %+v, %v", devices, err2)
		}
		return err
	})
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.Rename(tx, p.ada.ID, "Ada") })
}

func TestTokensOfCreators(t *testing.T) {
	p := town(t)
	wall := clock.Wall()
	mint := func(token auth.Token) (text string, made auth.Token) {
		t.Helper()
		p.do(func(tx *db.Tx) (err error) { text, made, err = auth.MakeToken(tx, token, wall); return err })
		return text, made
	}
	find := func(text string) (token auth.Token, err error) {
		err = p.db.Read(context.Background(), func(tx *db.Tx) (err error) { token, err = auth.FindToken(tx, text); return err })
		return token, err
	}
	list := func(creator id.ID) (all []auth.Token) {
		t.Helper()
		p.do(func(tx *db.Tx) (err error) { all, err = auth.TokensOf(tx, creator); return err })
		return all
	}
	text, app := mint(auth.Token{Name: "app", Creator: adas, MadeBy: p.ada.ID, Expires: wall.Add(time.Hour), Scopes: auth.CreatorScopes})
	got, err := find(text)
	if err != nil || got.MadeBy != p.ada.ID || got.Creator != adas ||
		!got.Expires.Equal(wall.Add(time.Hour).Truncate(time.Microsecond)) ||
		!got.May(auth.NoticesRead) || got.May(auth.CreatorsRead) || !got.LastUsed.IsZero() {
		t.Errorf("found %+v, %v", got, err)
	}
	_, store := mint(auth.Token{Name: "store", Scopes: auth.Scopes})
	if all := list(adas); len(all) != 1 || all[0].ID != app.ID || len(list(0)) != 1 || len(list(bobs)) != 0 {
		t.Errorf("lists: %+v", all)
	}

	// A door notes a use by its day; who is refused leaves no note.
	if _, err := auth.Present(context.Background(), p.db, text+"x"); !fault.Is(err, fault.Denied) {
		t.Errorf("a guess: %v", err)
	}
	if all := list(adas); !all[0].LastUsed.IsZero() {
		t.Errorf("it was not used: %+v", all)
	}
	for range 2 {
		if used, err := auth.Present(context.Background(), p.db, text); err != nil || used.ID != app.ID {
			t.Errorf("presented: %+v, %v", used, err)
		}
	}
	if all := list(adas); all[0].LastUsed.Before(wall.Add(-24*time.Hour)) || all[0].LastUsed != all[0].LastUsed.Truncate(24*time.Hour) {
		t.Errorf("used: %+v", all)
	}

	// One that is over opens nothing; it stands in the list until it is revoked.
	over, _ := mint(auth.Token{Name: "short", Creator: adas, Expires: wall.Add(time.Nanosecond), Scopes: []auth.Scope{auth.LinksRead}})
	if _, err := find(over); !fault.Is(err, fault.Denied) {
		t.Errorf("a token that is over is let in: %v", err)
	}
	p.refused(fault.Invalid, func(tx *db.Tx) error {
		_, _, err := auth.MakeToken(tx, auth.Token{Name: "past", Expires: wall, Scopes: []auth.Scope{auth.LinksRead}}, wall)
		return err
	})
	for _, scope := range []auth.Scope{auth.CreatorsRead, auth.CreatorsWrite, auth.JournalRead, auth.RatesWrite,
		auth.OrdersWrite, auth.AdminScope} {
		p.refused(fault.Denied, func(tx *db.Tx) error {
			_, _, err := auth.MakeToken(tx, auth.Token{Name: "x", Creator: adas, Scopes: []auth.Scope{scope}}, wall)
			return err
		})
	}
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.RevokeOf(tx, bobs, app.ID, wall) })
	p.refused(fault.NotFound, func(tx *db.Tx) error { return auth.RevokeOf(tx, adas, store.ID, wall) })
	p.do(func(tx *db.Tx) error { return auth.RevokeOf(tx, adas, app.ID, wall) })
	if _, err := find(text); !fault.Is(err, fault.Denied) {
		t.Errorf("a revoked token is let in: %v", err)
	}
	p.do(func(tx *db.Tx) error { return auth.RevokeAll(tx, adas, wall) }, func(tx *db.Tx) error { return auth.RevokeAll(tx, 0, wall) })
	if len(list(adas)) != 0 || len(list(0)) != 1 {
		t.Error("all of one creator's tokens are revoked, and no others")
	}
	for range 100 {
		mint(auth.Token{Name: "many", Creator: bobs, Scopes: []auth.Scope{auth.LinksRead}})
	}
	p.refused(fault.Exhausted, func(tx *db.Tx) error {
		_, _, err := auth.MakeToken(tx, auth.Token{Name: "x", Creator: bobs, Scopes: []auth.Scope{auth.LinksRead}}, wall)
		return err
	})
}
