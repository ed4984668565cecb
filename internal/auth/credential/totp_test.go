package credential_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

func (d *door) begin(who id.ID, at time.Time) (text string) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) {
		_, text, err = credential.BeginTOTP(tx, d.ring, who, "Harbour: Market", "ada@example.org", at)
		return err
	})
	return text
}

// shows is what the app shows.
func (d *door) shows(text string, at time.Time) string {
	d.t.Helper()
	code, err := totp.GenerateCode(text, at)
	if err != nil {
		d.t.Fatal(err)
	}
	return code
}

func (d *door) confirm(who id.ID, code string, at time.Time) (recovery []string) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) {
		recovery, err = credential.ConfirmTOTP(tx, d.ring, who, code, at)
		return err
	})
	return recovery
}

func (d *door) totp(who id.ID, code string, at time.Time) (ok bool) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) { ok, err = credential.CheckTOTP(tx, d.ring, who, code, at); return err })
	return ok
}

func TestSecondFactor(t *testing.T) {
	d := newDoor(t)
	d.do(func(tx *db.Tx) error {
		uri, text, err := credential.BeginTOTP(tx, d.ring, d.ada, "Harbour: Market", "ada@example.org", now)
		at, parseErr := url.Parse(uri)
		if parseErr != nil || at.Scheme != "otpauth" || at.Host != "totp" ||
			at.Path != "/Harbour Market:ada@example.org" || at.Query().Get("secret") != text {
			t.Errorf("%s, %v", uri, parseErr)
		}
		return err
	})
	text := d.begin(d.ada, now) // begun anew, the first secret is nothing any more
	if d.totp(d.ada, d.shows(text, now), now) || d.ways(d.ada).TOTP {
		t.Error("a secret that was not confirmed counts")
	}
	confirm := func(code string, at time.Time) func(*db.Tx) error {
		return func(tx *db.Tx) error { _, err := credential.ConfirmTOTP(tx, d.ring, d.ada, code, at); return err }
	}
	d.refused(fault.Invalid, confirm(wrongOf(d.shows(text, now), 1), now))
	d.refused(fault.Conflict, confirm(d.shows(text, now.Add(31*time.Minute)), now.Add(31*time.Minute)))
	recovery := d.confirm(d.ada, d.shows(text, now), now)
	if w := d.ways(d.ada); !w.TOTP || w.Recovery != 10 || len(recovery) != 10 {
		t.Errorf("confirmed: %+v", w)
	}
	d.refused(fault.Conflict, confirm(d.shows(text, now), now)) // it was

	// Each step counts once, half a minute early or late, and none before the last one used.
	step := func(n int) time.Time { return now.Add(time.Duration(n) * 30 * time.Second) }
	for _, c := range []struct {
		name      string
		shown, at int
		want      bool
	}{
		{"the code that confirmed it", 0, 0, false}, {"two steps early", 6, 4, false}, {"two steps late", 2, 4, false},
		{"in time", 4, 4, true}, {"again", 4, 4, false}, {"again, a step later", 4, 5, false}, {"an older one", 3, 4, false},
		{"early", 6, 5, true}, {"the one between", 5, 5, false}, {"late", 7, 8, true},
	} {
		if got := d.totp(d.ada, d.shows(text, step(c.shown)), step(c.at)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if d.totp(d.bob, d.shows(text, step(20)), step(20)) || d.totp(d.ada, "", step(20)) ||
		d.totp(d.ada, "12345678901234567890123", step(20)) {
		t.Error("another's code, or none, counts")
	}
	if won := atOnce(6, func(int) bool {
		var ok bool
		err := d.write(func(tx *db.Tx) (err error) {
			ok, err = credential.CheckTOTP(tx, d.ring, d.ada, d.shows(text, step(30)), step(30))
			return err
		})
		return err == nil && ok
	}); won != 1 {
		t.Errorf("one code counted %d times", won)
	}

	// A second app replaces the first only once it is confirmed.
	second := d.begin(d.ada, step(40))
	if !d.totp(d.ada, d.shows(text, step(40)), step(40)) {
		t.Error("the app in use stopped before the new one was confirmed")
	}
	d.confirm(d.ada, d.shows(second, step(41)), step(41))
	if d.totp(d.ada, d.shows(text, step(43)), step(43)) || !d.totp(d.ada, d.shows(second, step(43)), step(43)) {
		t.Error("the new app is not the one")
	}
	d.do(func(tx *db.Tx) error { return credential.EndTOTP(tx, d.ada) })
	if w := d.ways(d.ada); w.TOTP || w.Recovery != 0 || d.totp(d.ada, d.shows(second, step(50)), step(50)) {
		t.Errorf("after its end: %+v", w)
	}
	d.refused(fault.Conflict, func(tx *db.Tx) error { _, err := credential.NewRecovery(tx, d.ring, d.ada); return err })
}

func TestRecoveryCodes(t *testing.T) {
	d := newDoor(t)
	text := d.begin(d.ada, now)
	codes := d.confirm(d.ada, d.shows(text, now), now)
	use := func(who id.ID, code string) (ok bool) {
		d.do(func(tx *db.Tx) (err error) { ok, err = credential.UseRecovery(tx, d.ring, who, code); return err })
		return ok
	}
	form := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$`)
	seen := map[string]bool{}
	for _, code := range codes {
		if !form.MatchString(code) || seen[code] {
			t.Errorf("code %q", code)
		}
		seen[code] = true
	}
	if use(d.bob, codes[0]) || use(d.ada, "") || use(d.ada, "aaaaa-aaaaa") || use(d.ada, strings.Repeat("a", 1000)) {
		t.Error("a code that is not hers counts")
	}
	// As people type it: in capitals, without the dash, with letters in place of digits that look like them.
	typed := strings.ToUpper(strings.NewReplacer("-", " ", "0", "o", "1", "l").Replace(codes[0]))
	if !use(d.ada, typed) || use(d.ada, codes[0]) {
		t.Errorf("%q counts once", typed)
	}
	if won := atOnce(6, func(int) (ok bool) {
		err := d.write(func(tx *db.Tx) (err error) { ok, err = credential.UseRecovery(tx, d.ring, d.ada, codes[1]); return err })
		return err == nil && ok
	}); won != 1 || d.ways(d.ada).Recovery != 8 {
		t.Errorf("one code counted %d times, %d left", won, d.ways(d.ada).Recovery)
	}
	var anew []string
	d.do(func(tx *db.Tx) (err error) { anew, err = credential.NewRecovery(tx, d.ring, d.ada); return err })
	if use(d.ada, codes[2]) || !use(d.ada, anew[0]) || d.ways(d.ada).Recovery != 9 {
		t.Error("new codes do not replace the old ones")
	}
}
