package auth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var now = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

func write(t *testing.T, d *db.DB, fn func(*db.Tx) error) error {
	t.Helper()
	return d.Write(context.Background(), db.Interactive, fn)
}

func TestRoles(t *testing.T) {
	for _, role := range auth.Everybody {
		seats := role == auth.Creator || role == auth.Brand || role == auth.Agency
		if auth.Staff.Has(role) == seats || auth.Accounts.Has(role) != seats || auth.Creators.Has(role) != (role == auth.Creator) {
			t.Errorf("%s is in the wrong set", role)
		}
		if auth.Roles(0).Has(role) {
			t.Errorf("the empty set lets %s in", role)
		}
	}
	if (auth.Staff | auth.Creators).Has("root") || auth.Of("root") != 0 || auth.Of("") != 0 {
		t.Error("a role that does not exist is let in")
	}
}

func TestPrincipalsThatCannotBe(t *testing.T) {
	for name, p := range map[string]auth.Principal{
		"no name": {Role: auth.Admin}, "two lines": {Name: "a\nb", Role: auth.Admin}, "no role": {Name: "Ada"},
		"unknown role": {Name: "Ada", Role: "root"}, "creator without one": {Name: "Ada", Role: auth.Creator},
		"staff that is a creator": {Name: "Ada", Role: auth.Admin, Creator: 7}, "long": {Name: strings.Repeat("ä", 101), Role: auth.Admin},
	} {
		if err := p.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s is taken: %v", name, err)
		}
	}
}

func TestLogin(t *testing.T) {
	d := dbtest.Open(t)
	var once, always string
	var ada auth.Principal
	if err := write(t, d, func(tx *db.Tx) (err error) {
		if ada, err = auth.Open(tx, auth.Principal{Name: "Ada", Role: auth.Creator, Creator: 7}, now); err != nil {
			return err
		}
		if once, err = auth.OpenLogin(tx, ada.ID, now, now.Add(time.Hour), false); err != nil {
			return err
		}
		always, err = auth.OpenLogin(tx, ada.ID, now, now.Add(time.Hour), true)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	login := func(token string, at time.Time) (p auth.Principal, err error) {
		err = write(t, d, func(tx *db.Tx) (err error) { p, err = auth.Login(tx, token, at); return err })
		return p, err
	}
	for _, c := range []struct {
		name, token string
		at          time.Time
		in          bool
	}{
		{"too late", once, now.Add(time.Hour), false}, {"first use", once, now, true}, {"second use", once, now, false},
		{"reusable", always, now, true}, {"reusable again", always, now, true}, {"nothing", "", now, false}, {"a guess", "abc", now, false},
	} {
		p, err := login(c.token, c.at)
		if (err == nil) != c.in || c.in && p != ada {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
		if !c.in && !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v, want denied", c.name, err)
		}
	}
	if err := write(t, d, func(tx *db.Tx) error { return auth.Close(tx, ada.ID, now) }); err != nil {
		t.Fatal(err)
	}
	if _, err := login(always, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a closed account signs in: %v", err)
	}
	if err := write(t, d, func(tx *db.Tx) error { return auth.Close(tx, ada.ID, now) }); !fault.Is(err, fault.NotFound) {
		t.Errorf("closed twice: %v", err)
	}
}

func TestWho(t *testing.T) {
	d := dbtest.Open(t)
	if err := write(t, d, func(tx *db.Tx) error {
		ada, err := auth.Open(tx, auth.Principal{Name: "Ada", Role: auth.Creator, Creator: 7}, now)
		if err != nil {
			return err
		}
		if found, ok, err := auth.OfCreator(tx, 7); err != nil || !ok || found != ada {
			t.Errorf("of creator: %v %v %v", found, ok, err)
		}
		if _, ok, err := auth.OfCreator(tx, 0); ok || err != nil {
			t.Errorf("of nobody: %v %v", ok, err)
		}
		if found, ok, err := auth.OfRole(tx, auth.Creator); err != nil || !ok || found != ada {
			t.Errorf("of role: %v %v %v", found, ok, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTokens(t *testing.T) {
	d := dbtest.Open(t)
	var store string
	var made auth.Token
	if err := write(t, d, func(tx *db.Tx) (err error) {
		store, made, err = auth.MakeToken(tx, auth.Token{Name: "store", Scopes: []auth.Scope{auth.OrdersWrite}}, now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	find := func(text string) (token auth.Token, err error) {
		err = d.Read(context.Background(), func(tx *db.Tx) (err error) { token, err = auth.FindToken(tx, text); return err })
		return token, err
	}
	got, err := find(auth.Bearer("Bearer " + store))
	if err != nil || got.ID != made.ID || !got.May(auth.OrdersWrite) || got.May(auth.OrdersRead) || !strings.HasPrefix(store, "trib_") {
		t.Errorf("%q: %+v, %v", store, got, err)
	}
	for _, bad := range []string{"", "Basic " + store, "Bearer", "Bearer trib_", "Bearer " + store + "x", "Bearer " + store[5:]} {
		if _, err := find(auth.Bearer(bad)); !fault.Is(err, fault.Denied) {
			t.Errorf("%q is let in: %v", bad, err)
		}
	}
	for name, bad := range map[string]auth.Token{
		"no scope": {Name: "x"}, "no name": {Scopes: []auth.Scope{auth.OrdersRead}}, "unknown": {Name: "x", Scopes: []auth.Scope{"all"}},
		"a creator as the store": {Name: "x", Creator: id.ID(7), Scopes: []auth.Scope{auth.OrdersWrite}},
		"a creator as admin":     {Name: "x", Creator: id.ID(7), Scopes: []auth.Scope{auth.AdminScope}},
	} {
		if err := write(t, d, func(tx *db.Tx) error { _, _, err := auth.MakeToken(tx, bad, now); return err }); err == nil {
			t.Errorf("%s: was made", name)
		}
	}
	if err := write(t, d, func(tx *db.Tx) error { return auth.Revoke(tx, made.ID, now) }); err != nil {
		t.Fatal(err)
	}
	if _, err := find(store); !fault.Is(err, fault.Denied) {
		t.Errorf("a revoked token is let in: %v", err)
	}
	if !(auth.Token{Scopes: []auth.Scope{auth.AdminScope}}).May(auth.RatesWrite) {
		t.Error("admin does not hold the other scopes")
	}
}

func TestSessions(t *testing.T) {
	s := auth.Sessions{DB: dbtest.Open(t)}
	later := clock.Wall().Add(time.Hour)
	if err := s.Commit("a", []byte("one"), later); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit("over", []byte("x"), clock.Wall().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit("a", []byte("two"), later); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]string{"a": "two", "over": "", "b": ""} {
		data, found, err := s.Find(token)
		if err != nil || string(data) != want || found != (want != "") {
			t.Errorf("%s: %q, %v, %v", token, data, found, err)
		}
	}
	if err := s.Delete("a"); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.Find("a"); found {
		t.Error("an ended session is found")
	}
}

func FuzzBearer(f *testing.F) {
	f.Add("Bearer trib_abc")
	f.Fuzz(func(t *testing.T, header string) {
		if text := auth.Bearer(header); strings.TrimSpace(text) != text {
			t.Errorf("%q gives %q", header, text)
		}
	})
}
