package credential_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

const (
	here  = "the session of this browser"
	there = "the session of that browser"
)

func (d *door) code(who id.ID, purpose credential.Purpose, binding string, at time.Time) (code credential.Code) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) {
		code, err = credential.MakeCode(tx, d.ring, who, purpose, binding, at)
		return err
	})
	return code
}

func (d *door) useLink(purpose credential.Purpose, link string, at time.Time) (who id.ID, err error) {
	err = d.write(func(tx *db.Tx) (err error) { who, err = credential.UseCode(tx, d.ring, purpose, link, at); return err })
	return who, err
}

func (d *door) useDigits(purpose credential.Purpose, binding, digits string, at time.Time) (who id.ID, ok bool) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) {
		who, ok, err = credential.UseDigits(tx, d.ring, purpose, binding, digits, at)
		return err
	})
	return who, ok
}

// wrongOf gives digits that are not these.
func wrongOf(digits string, n int) string {
	var value int
	fmt.Sscanf(digits, "%d", &value)
	return fmt.Sprintf("%06d", (value+n+1)%1_000_000)
}

func TestCodes(t *testing.T) {
	d := newDoor(t)
	d.live(d.ada, "ada@example.org")
	one := d.code(d.ada, credential.SignIn, here, now)
	if !regexp.MustCompile(`^\d{6}$`).MatchString(one.Digits) || len(one.Link) != 43 {
		t.Errorf("%+v", one)
	}
	for name, try := range map[string]func() error{
		"too late": func() error {
			_, err := d.useLink(credential.SignIn, one.Link, now.Add(credential.CodeFor))
			return err
		},
		"another purpose": func() error { _, err := d.useLink(credential.Reset, one.Link, now); return err },
		"a guess":         func() error { _, err := d.useLink(credential.SignIn, one.Link[1:]+"x", now); return err },
		"nothing":         func() error { _, err := d.useLink(credential.SignIn, "", now); return err },
		"the digits":      func() error { _, err := d.useLink(credential.SignIn, one.Digits, now); return err },
	} {
		if err := try(); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if who, err := d.useLink(credential.SignIn, one.Link, now.Add(credential.CodeFor-1)); err != nil || who != d.ada {
		t.Errorf("in time: %v", err)
	}
	if _, err := d.useLink(credential.SignIn, one.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a second time: %v", err)
	}
	if _, ok := d.useDigits(credential.SignIn, here, one.Digits, now); ok {
		t.Error("the digits of a spent code work")
	}

	// Digits work in the browser that asked, spaces or not, and spend the link.
	two := d.code(d.ada, credential.SignIn, here, now)
	if _, ok := d.useDigits(credential.SignIn, there, two.Digits, now); ok {
		t.Error("digits work in another browser")
	}
	if who, ok := d.useDigits(credential.SignIn, here, " "+two.Digits[:3]+" "+two.Digits[3:], now); !ok || who != d.ada {
		t.Error("the digits do not work where they were asked for")
	}
	if _, err := d.useLink(credential.SignIn, two.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("the link of a spent code: %v", err)
	}

	// A newer code ends an older one of its purpose, and no other.
	older, reset := d.code(d.ada, credential.SignIn, here, now), d.code(d.ada, credential.Reset, "", now)
	newer := d.code(d.ada, credential.SignIn, there, now)
	if _, err := d.useLink(credential.SignIn, older.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("the older one: %v", err)
	}
	if reset.Digits != "" {
		t.Error("digits without a browser to type them in")
	}
	for purpose, code := range map[credential.Purpose]credential.Code{credential.SignIn: newer, credential.Reset: reset} {
		if _, err := d.useLink(purpose, code.Link, now); err != nil {
			t.Errorf("%s: %v", purpose, err)
		}
	}
}

func TestCodesNeedAnAddress(t *testing.T) {
	d := newDoor(t)
	mail := func(purpose credential.Purpose, binding string) func(*db.Tx) error {
		return func(tx *db.Tx) error {
			_, err := credential.MakeCode(tx, d.ring, d.ada, purpose, binding, now)
			return err
		}
	}
	for _, purpose := range credential.Purposes {
		d.refused(fault.Conflict, mail(purpose, ""))
	}
	d.do(func(tx *db.Tx) error { return credential.SetEmail(tx, d.ring, d.ada, "ada@example.org", now) })
	d.refused(fault.Conflict, mail(credential.SignIn, ""))
	d.refused(fault.Conflict, mail(credential.Reset, ""))
	d.refused(fault.Invalid, mail("root", ""))
	d.refused(fault.Invalid, mail(credential.Verify, "short"))

	// What was mailed to one address verifies no other.
	mailed := d.code(d.ada, credential.Verify, here, now)
	d.do(func(tx *db.Tx) error { return credential.SetEmail(tx, d.ring, d.ada, "ada@other.example", now) })
	if _, err := d.useLink(credential.Verify, mailed.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("the code of an earlier address: %v", err)
	}
	// Nor does it open the account once there is another.
	d.do(func(tx *db.Tx) error { return credential.VerifyEmail(tx, d.ring, d.ada, now) })
	signin := d.code(d.ada, credential.SignIn, here, now)
	d.do(func(tx *db.Tx) error { return credential.TrustEmail(tx, d.ring, d.ada, "ada@third.example", now) })
	if _, err := d.useLink(credential.SignIn, signin.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a link that was mailed to an address of before: %v", err)
	}
	// A closed person's code opens nothing.
	last := d.code(d.ada, credential.SignIn, here, now)
	d.do(func(tx *db.Tx) error { return auth.Close(tx, d.ada, now) })
	if _, err := d.useLink(credential.SignIn, last.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a closed person: %v", err)
	}
	if _, ok := d.useDigits(credential.SignIn, here, last.Digits, now); ok {
		t.Error("a closed person's digits work")
	}
}

func TestDigitsAreNotGuessed(t *testing.T) {
	d := newDoor(t)
	d.live(d.ada, "ada@example.org")
	for round := range 4 {
		code := d.code(d.ada, credential.SignIn, here, now)
		for n := range 5 {
			if _, ok := d.useDigits(credential.SignIn, here, wrongOf(code.Digits, n), now); ok {
				t.Fatal("wrong digits work")
			}
		}
		if _, ok := d.useDigits(credential.SignIn, here, code.Digits, now); ok {
			t.Errorf("round %d: the sixth try counts", round)
		}
	}
	// After twenty wrong ones in a day no digits work at all; the link does, so that nobody is locked out.
	code := d.code(d.ada, credential.SignIn, here, now.Add(time.Hour))
	if _, ok := d.useDigits(credential.SignIn, here, code.Digits, now.Add(time.Hour)); ok {
		t.Error("digits work after twenty wrong ones")
	}
	if who, err := d.useLink(credential.SignIn, code.Link, now.Add(time.Hour)); err != nil || who != d.ada {
		t.Errorf("the link: %v", err)
	}
	next := now.Add(25 * time.Hour)
	code = d.code(d.ada, credential.SignIn, here, next)
	if _, ok := d.useDigits(credential.SignIn, here, code.Digits, next); !ok {
		t.Error("digits do not work on the next day")
	}

	// One guess is one at one person's code, also where a browser asked for many people's.
	d.live(d.bob, "bob@example.org")
	adas, bobs := d.code(d.ada, credential.SignIn, here, next), d.code(d.bob, credential.SignIn, here, next)
	if adas.Digits != bobs.Digits {
		if _, ok := d.useDigits(credential.SignIn, here, adas.Digits, next); ok {
			t.Error("digits of an earlier request work")
		}
	}
	if who, ok := d.useDigits(credential.SignIn, here, bobs.Digits, next); !ok || who != d.bob {
		t.Error("digits of the last request do not work")
	}
}

func TestACodeIsUsedOnce(t *testing.T) {
	d := newDoor(t)
	d.live(d.ada, "ada@example.org")
	for range 3 {
		code := d.code(d.ada, credential.SignIn, here, now)
		won := atOnce(8, func(n int) (ok bool) {
			if n%2 == 0 {
				_, err := d.useLink(credential.SignIn, code.Link, now)
				return err == nil
			}
			err := d.write(func(tx *db.Tx) (err error) {
				_, ok, err = credential.UseDigits(tx, d.ring, credential.SignIn, here, code.Digits, now)
				return err
			})
			return err == nil && ok
		})
		if won != 1 {
			t.Errorf("%d uses of one code", won)
		}
	}
	// Many guesses at the same moment are many.
	code := d.code(d.ada, credential.SignIn, there, now)
	atOnce(8, func(n int) bool {
		_, ok := d.useDigits(credential.SignIn, there, wrongOf(code.Digits, n), now)
		return ok
	})
	if _, ok := d.useDigits(credential.SignIn, there, code.Digits, now); ok {
		t.Error("more than five tries at once")
	}
}
