package credential_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

const home, site = "https://go.example.org", "go.example.org"

func passkeys(t testing.TB) *credential.Passkeys {
	t.Helper()
	p, err := credential.NewPasskeys("Harbour Market", home+"/")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (d *door) beginRegister(p *credential.Passkeys, who id.ID, at time.Time) (options []byte, ceremony string) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) { options, ceremony, err = p.BeginRegister(tx, who, at); return err })
	return options, ceremony
}

func (d *door) finishRegister(p *credential.Passkeys, who id.ID, ceremony string, body []byte, at time.Time) (
	key credential.Passkey, err error) {
	err = d.write(func(tx *db.Tx) (err error) {
		key, err = p.FinishRegister(tx, who, ceremony, "My phone", body, at)
		return err
	})
	return key, err
}

// register adds a device's passkey.
func (d *door) register(p *credential.Passkeys, who id.ID, a *authenticator) (key credential.Passkey) {
	d.t.Helper()
	options, ceremony := d.beginRegister(p, who, now)
	key, err := d.finishRegister(p, who, ceremony, a.create(options), now)
	if err != nil {
		d.t.Fatal(err, fault.Of(err).Unwrap())
	}
	return key
}

func (d *door) beginLogin(p *credential.Passkeys, at time.Time) (options []byte, ceremony string) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) { options, ceremony, err = p.BeginLogin(tx, at); return err })
	return options, ceremony
}

func (d *door) login(p *credential.Passkeys, a *authenticator, at time.Time) (id.ID, error) {
	d.t.Helper()
	options, ceremony := d.beginLogin(p, at)
	return p.FinishLogin(context.Background(), d.db, ceremony, a.get(options), at)
}

func TestHomesOfPasskeys(t *testing.T) {
	for home, ok := range map[string]bool{home: true,
		"https://go.example.org:8443": true, "http://localhost:8080": true,
		"http://go.localhost:8080": true,
		"http://go.example.org":    false, "https://192.0.2.1": false,
		"http://127.0.0.1:8080": false, "https://[2001:db8::1]": false, "": false, "go.example.org": false, "https://": false} {
		if _, err := credential.NewPasskeys("", home); (err == nil) != ok || err != nil && fault.Of(err).Field != "home" {
			t.Errorf("%q: %v", home, err)
		}
	}
}

func TestPasskeys(t *testing.T) {
	d, p := newDoor(t), passkeys(t)
	phone := newAuthenticator(t, home, site)
	phone.flags |= flagBackup | flagBackedUp
	options, _ := d.beginRegister(p, d.ada, now)
	q := phone.read(options).PublicKey
	if q.RP.ID != site || q.RP.Name != "Harbour Market" || q.User.Name != "Ada Wren" || len(q.User.ID) != 43 ||
		q.AuthenticatorSelection.ResidentKey != "required" || q.AuthenticatorSelection.UserVerification != "required" {
		t.Errorf("asked for: %s", options)
	}
	key := d.register(p, d.ada, phone)
	if key.Name != "My phone" || !key.Synced || key.ID == "" || d.ways(d.ada).Passkeys != 1 {
		t.Errorf("%+v", key)
	}
	options, _ = d.beginLogin(p, now)
	if q := phone.read(options).PublicKey; q.RPID != site || q.UserVerification != "required" || len(q.AllowCredentials) != 0 {
		t.Errorf("asked for: %s", options)
	}
	for range 3 {
		if who, err := d.login(p, phone, now.Add(time.Hour)); err != nil || who != d.ada {
			t.Fatalf("signing in: %v, %v", err, fault.Of(err).Unwrap())
		}
	}
	// A key without a counter always says 0, and is no copy.
	stick := newAuthenticator(t, home, site)
	stick.counter = false
	d.register(p, d.ada, stick)
	for range 2 {
		if _, err := d.login(p, stick, now); err != nil {
			t.Fatal(err)
		}
	}
	list := func() (all []credential.Passkey) {
		d.do(func(tx *db.Tx) (err error) { all, err = credential.PasskeysOf(tx, d.ada); return err })
		return all
	}
	all := list()
	if len(all) != 2 || all[0].ID != key.ID && all[1].ID != key.ID {
		t.Fatalf("%+v", all)
	}
	for _, one := range all {
		if phones := one.ID == key.ID; phones != one.Synced || phones != one.Used.Equal(now.Add(time.Hour)) || !one.Warned.IsZero() {
			t.Errorf("%+v", one)
		}
	}
	// The device is not asked to make a second one.
	options, ceremony := d.beginRegister(p, d.ada, now)
	if q := phone.read(options).PublicKey; len(q.ExcludeCredentials) != 2 {
		t.Errorf("excluded: %+v", q.ExcludeCredentials)
	}
	if _, err := d.finishRegister(p, d.ada, ceremony, phone.create(options), now); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same passkey twice: %v", err)
	}
	// Names, and the last way in.
	rename := func(who id.ID, passkey, name string) func(*db.Tx) error {
		return func(tx *db.Tx) error { return credential.RenamePasskey(tx, who, passkey, name) }
	}
	remove := func(who id.ID, passkey string) func(*db.Tx) error {
		return func(tx *db.Tx) error { return credential.RemovePasskey(tx, who, passkey) }
	}
	d.do(rename(d.ada, key.ID, " Old phone "))
	d.refused(fault.NotFound, rename(d.bob, key.ID, "Mine"))
	d.refused(fault.NotFound, rename(d.ada, "%", "Mine"))
	d.refused(fault.Invalid, rename(d.ada, key.ID, " "))
	d.refused(fault.Invalid, rename(d.ada, key.ID, strings.Repeat("x", 61)))
	d.refused(fault.NotFound, remove(d.bob, key.ID))
	d.refused(fault.NotFound, remove(d.ada, ""))
	d.do(remove(d.ada, text(stick.id)))
	if all := list(); len(all) != 1 || all[0].Name != "Old phone" {
		t.Errorf("%+v", all)
	}
	d.refused(fault.Conflict, remove(d.ada, key.ID))
	d.live(d.ada, "ada@example.org")
	d.do(remove(d.ada, key.ID))
	if _, err := d.login(p, phone, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a removed passkey: %v", err)
	}
}

// Whatever does not hold adds nothing, and says nothing about why.
func TestRegistrationsThatDoNotHold(t *testing.T) {
	d, p := newDoor(t), passkeys(t)
	for name, c := range map[string]struct {
		bend func(*authenticator)
		who  id.ID
		at   time.Duration
		body func([]byte) []byte
		kind fault.Kind
	}{
		"from another page":     {bend: func(a *authenticator) { a.origin = "https://evil.example" }, kind: fault.Invalid},
		"from another port":     {bend: func(a *authenticator) { a.origin = home + ":8443" }, kind: fault.Invalid},
		"for another site":      {bend: func(a *authenticator) { a.site = "example.org" }, kind: fault.Invalid},
		"an assertion":          {bend: func(a *authenticator) { a.kind = "webauthn.get" }, kind: fault.Invalid},
		"nobody was recognised": {bend: func(a *authenticator) { a.flags = flagPresent }, kind: fault.Invalid},
		"nobody was there":      {bend: func(a *authenticator) { a.flags = flagVerified }, kind: fault.Invalid},
		"for somebody else":     {who: d.bob, kind: fault.Denied},
		"too late":              {at: 5 * time.Minute, kind: fault.Denied},
		"nothing":               {body: func([]byte) []byte { return nil }, kind: fault.Invalid},
		"not JSON":              {body: func([]byte) []byte { return []byte("<xml>") }, kind: fault.Invalid},
		"cut short":             {body: func(b []byte) []byte { return b[:len(b)/2] }, kind: fault.Invalid},
		"another object's content": {
			body: func([]byte) []byte { return []byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`) }, kind: fault.Invalid},
		"too much": {
			body: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 70_000)...) }, kind: fault.Invalid},
	} {
		a := newAuthenticator(t, home, site)
		if c.bend != nil {
			c.bend(a)
		}
		options, ceremony := d.beginRegister(p, d.ada, now)
		body, who := a.create(options), d.ada
		if c.body != nil {
			body = c.body(body)
		}
		if c.who != 0 {
			who = c.who
		}
		if _, err := d.finishRegister(p, who, ceremony, body, now.Add(c.at)); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w := d.ways(d.ada); w.Passkeys != 0 || d.ways(d.bob).Passkeys != 0 {
		t.Errorf("what was refused left %+v", w)
	}
	// An answer to one challenge is none to another; a ceremony is finished once, and not as one of the other kind.
	a := newAuthenticator(t, home, site)
	first, _ := d.beginRegister(p, d.ada, now)
	second, ceremony := d.beginRegister(p, d.ada, now)
	if _, err := d.finishRegister(p, d.ada, ceremony, a.create(first), now); !fault.Is(err, fault.Invalid) {
		t.Errorf("another challenge: %v", err)
	}
	body := a.create(second)
	if _, err := d.finishRegister(p, d.ada, ceremony, body, now); err != nil {
		t.Error(err)
	}
	if _, err := d.finishRegister(p, d.ada, ceremony, body, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a second time: %v", err)
	}
	_, login := d.beginLogin(p, now)
	if _, err := d.finishRegister(p, d.ada, login, body, now); !fault.Is(err, fault.Denied) {
		t.Errorf("the other kind: %v", err)
	}
	d.refused(fault.NotFound, func(tx *db.Tx) error { _, _, err := p.BeginRegister(tx, 5, now); return err })
	for n := range 19 {
		if d.register(p, d.ada, newAuthenticator(t, home, site)); n == 18 {
			d.refused(fault.Exhausted, func(tx *db.Tx) error { _, _, err := p.BeginRegister(tx, d.ada, now); return err })
		}
	}
}

func TestSignInsThatDoNotHold(t *testing.T) {
	d, p := newDoor(t), passkeys(t)
	real, bobs := newAuthenticator(t, home, site), newAuthenticator(t, home, site)
	d.register(p, d.ada, real)
	d.register(p, d.bob, bobs)
	for name, bend := range map[string]func(*authenticator){
		"from another page":        func(a *authenticator) { a.origin = "https://evil.example" },
		"for another site":         func(a *authenticator) { a.site = "evil.example" },
		"a registration":           func(a *authenticator) { a.kind = "webauthn.create" },
		"nobody was recognised":    func(a *authenticator) { a.flags = flagPresent },
		"an unknown passkey":       func(a *authenticator) { a.id = []byte("unknown passkey.") },
		"another's key":            func(a *authenticator) { a.key = bobs.key },
		"another's passkey":        func(a *authenticator) { a.id = bobs.id },
		"another's handle":         func(a *authenticator) { a.handle = bobs.handle },
		"no handle":                func(a *authenticator) { a.handle = nil },
		"it can be copied now":     func(a *authenticator) { a.flags |= flagBackup },
		"backed up, and cannot be": func(a *authenticator) { a.flags |= flagBackedUp },
	} {
		bent := *real
		bend(&bent)
		if who, err := d.login(p, &bent, now); !fault.Is(err, fault.Denied) || who != 0 {
			t.Errorf("%s: %d, %v", name, who, err)
		}
	}
	ctx := context.Background()
	// A ceremony is spent with its first use, whatever came of it; and it is over after five minutes.
	options, ceremony := d.beginLogin(p, now)
	if _, err := p.FinishLogin(ctx, d.db, ceremony, []byte("{}"), now); !fault.Is(err, fault.Denied) {
		t.Errorf("no answer: %v", err)
	}
	if _, err := p.FinishLogin(ctx, d.db, ceremony, real.get(options), now); !fault.Is(err, fault.Denied) {
		t.Errorf("the right answer afterwards: %v", err)
	}
	options, ceremony = d.beginLogin(p, now)
	if _, err := p.FinishLogin(ctx, d.db, ceremony, real.get(options), now.Add(5*time.Minute)); !fault.Is(err, fault.Denied) {
		t.Errorf("too late: %v", err)
	}
	options, ceremony = d.beginLogin(p, now)
	answer := real.get(options)
	if won := atOnce(6, func(int) bool { _, err := p.FinishLogin(ctx, d.db, ceremony, answer, now); return err == nil }); won != 1 {
		t.Errorf("one answer signed in %d times", won)
	}
	_, register := d.beginRegister(p, d.ada, now)
	options, _ = d.beginLogin(p, now)
	if _, err := p.FinishLogin(ctx, d.db, register, real.get(options), now); !fault.Is(err, fault.Denied) {
		t.Errorf("a ceremony of the other kind: %v", err)
	}
	d.do(func(tx *db.Tx) error { return auth.Close(tx, d.bob, now) })
	if _, err := d.login(p, bobs, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a closed person: %v", err)
	}
}

// A counter that does not grow is that of a copy: it is refused, and the person is told.
func TestCopiedPasskeys(t *testing.T) {
	d, p := newDoor(t), passkeys(t)
	phone := newAuthenticator(t, home, site)
	key := d.register(p, d.ada, phone)
	copied := *phone
	for range 3 {
		if _, err := d.login(p, phone, now); err != nil {
			t.Fatal(err)
		}
	}
	at := now.Add(time.Hour)
	if who, err := d.login(p, &copied, at); !fault.Is(err, fault.Denied) || who != d.ada ||
		!strings.Contains(err.Error(), "two places") {
		t.Errorf("a copy: %d, %v", who, err)
	}
	d.do(func(tx *db.Tx) error {
		all, err := credential.PasskeysOf(tx, d.ada)
		if len(all) != 1 || all[0].ID != key.ID || !all[0].Warned.Equal(at) || !all[0].Used.Equal(now) {
			t.Errorf("%+v", all)
		}
		return err
	})
	// The same count twice at the same moment is one sign-in.
	twin := *phone
	mine, one := d.beginLogin(p, now)
	his, two := d.beginLogin(p, now)
	answers := [][2]any{{one, phone.get(mine)}, {two, twin.get(his)}}
	if won := atOnce(2, func(n int) bool {
		_, err := p.FinishLogin(context.Background(), d.db, answers[n][0].(string), answers[n][1].([]byte), now)
		return err == nil
	}); won != 1 {
		t.Errorf("one count signed in %d times", won)
	}
}

func TestForget(t *testing.T) {
	d, p := newDoor(t), passkeys(t)
	phone := newAuthenticator(t, home, site)
	for _, who := range []id.ID{d.bob, d.ada} {
		phone = newAuthenticator(t, home, site)
		d.register(p, who, phone)
		d.live(who, []string{"ada@example.org", "bob@example.org"}[map[id.ID]int{d.ada: 0, d.bob: 1}[who]])
		d.password(who, good)
		secret := d.begin(who, now)
		d.confirm(who, d.shows(secret, now), now)
		d.do(func(tx *db.Tx) error { return credential.SetEmail(tx, d.ring, who, "next@example.org", now) })
	}
	code := d.code(d.ada, credential.SignIn, here, now)
	_, ceremony := d.beginRegister(p, d.ada, now)
	before := d.ways(d.bob)
	for range 2 {
		d.do(func(tx *db.Tx) error { return credential.Forget(tx, d.ada) })
	}
	if w := d.ways(d.ada); w != (credential.Ways{}) {
		t.Errorf("left of a forgotten person: %+v", w)
	}
	if after := d.ways(d.bob); after != before || after.Passkeys != 1 || !after.TOTP || after.Pending == "" {
		t.Errorf("of another: %+v", after)
	}
	if _, err := d.useLink(credential.SignIn, code.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a mailed code: %v", err)
	}
	if _, err := d.check("ada@example.org", good); !fault.Is(err, fault.Denied) {
		t.Errorf("the password: %v", err)
	}
	if _, err := d.login(p, phone, now); !fault.Is(err, fault.Denied) {
		t.Errorf("the passkey: %v", err)
	}
	if _, err := d.finishRegister(p, d.ada, ceremony, []byte("{}"), now); !fault.Is(err, fault.Denied) {
		t.Errorf("a ceremony: %v", err)
	}
	d.do(func(tx *db.Tx) error {
		rows, err := credential.RowsOf(tx, d.ada)
		if rows != 0 {
			t.Errorf("%d rows of a forgotten person", rows)
		}
		return err
	})
}

// Two ways in that are removed at the same moment: one of them stays.
func TestTheLastWayInStays(t *testing.T) {
	d, p := newDoor(t), passkeys(t)
	keys := []credential.Passkey{d.register(p, d.ada, newAuthenticator(t, home, site)),
		d.register(p, d.ada, newAuthenticator(t, home, site))}
	d.password(d.ada, good) // no way in: it has no address
	won := atOnce(2, func(n int) bool {
		err := d.write(func(tx *db.Tx) error { return credential.RemovePasskey(tx, d.ada, keys[n].ID) })
		if err != nil && !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		return err == nil
	})
	if w := d.ways(d.ada); won != 1 || w.Passkeys != 1 || !w.Password {
		t.Errorf("%d were removed; left: %+v", won, w)
	}
	d.do(func(tx *db.Tx) error { return credential.EndPassword(tx, d.ada) })
	d.password(d.bob, good)
	d.refused(fault.Conflict, func(tx *db.Tx) error { return credential.EndPassword(tx, d.bob) })
}
