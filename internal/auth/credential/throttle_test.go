package credential_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
)

func (d *door) allowed(at time.Time, keys ...string) error {
	return d.write(func(tx *db.Tx) error { return credential.Allowed(tx, d.ring, at, keys...) })
}

func (d *door) failed(at time.Time, keys ...string) {
	d.t.Helper()
	d.do(func(tx *db.Tx) error { return credential.Failed(tx, d.ring, at, keys...) })
}

// waits is how long nothing is allowed after an instant, to the second.
func (d *door) waits(at time.Time, keys ...string) time.Duration {
	d.t.Helper()
	for wait := time.Duration(0); wait <= time.Hour; wait += time.Second {
		if err := d.allowed(at.Add(wait), keys...); err == nil {
			return wait
		} else if !fault.Is(err, fault.Exhausted) {
			d.t.Fatal(err)
		}
	}
	d.t.Fatal("locked out for more than an hour")
	return 0
}

func TestPausesGrow(t *testing.T) {
	d := newDoor(t)
	at := now
	for n, want := range []time.Duration{0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 320} /* ten minutes have passed */ {
		d.failed(at, "account:ada")
		got := d.waits(at, "account:ada", "address:192.0.2.1")
		if got != want*time.Second {
			t.Errorf("after %d wrong guesses: %s, want %ds", n+1, got, want)
		}
		at = at.Add(got)
	}
	// It never locks out for good, whatever is tried: a quarter of an hour at most.
	for range 40 {
		d.failed(at, "account:ada")
	}
	if got := d.waits(at, "account:ada"); got != 15*time.Minute {
		t.Errorf("the longest pause is %s", got)
	}
	if err := d.allowed(at, "account:bob"); err != nil {
		t.Errorf("another account: %v", err)
	}
	if err := fault.Of(d.allowed(at, "account:ada")); err.Fix != "come back in 15 minutes" {
		t.Errorf("%v", err)
	}
	// Wrong guesses are forgotten, one in ten minutes.
	if err := d.allowed(at.Add(150*time.Minute), "account:ada"); err != nil {
		t.Errorf("after hours: %v", err)
	}
	d.failed(at.Add(151*time.Minute), "account:ada")
	if got := d.waits(at.Add(151*time.Minute), "account:ada"); got != 0 {
		t.Errorf("after hours the first one costs %s", got)
	}
}

func TestPassing(t *testing.T) {
	d := newDoor(t)
	keys := []string{"account:ada", "address:192.0.2.1"}
	for range 40 {
		d.failed(now, keys...)
	}
	d.do(func(tx *db.Tx) error { return credential.Passed(tx, d.ring, now, keys...) })
	if err := d.allowed(now, "account:ada"); err != nil {
		t.Errorf("after the right password: %v", err)
	}
	// Who has an account of their own gets no new tries at others from the same address.
	if err := d.allowed(now, "address:192.0.2.1"); !fault.Is(err, fault.Exhausted) {
		t.Errorf("from the address: %v", err)
	}
	// Many who sign in from one address, each with one right try, are not slowed down.
	for n := range 200 {
		mine := []string{fmt.Sprintf("account:%d", n), "address:198.51.100.7"}
		if err := credential.Attempt(context.Background(), d.db, d.ring, now, mine...); err != nil {
			t.Fatalf("the %dth person of an office: %v", n, err)
		}
		d.do(func(tx *db.Tx) error { return credential.Succeeded(tx, d.ring, now, mine...) })
	}
	if err := d.allowed(now); err != nil {
		t.Errorf("no key at all: %v", err)
	}
	if err := d.allowed(now, make([]string, 11)...); err == nil {
		t.Error("any number of keys")
	}
}

// Guesses of the same moment are counted before they are looked at: many are many.
func TestAttemptsAtOnce(t *testing.T) {
	d := newDoor(t)
	for _, c := range []struct {
		key  string
		most int
	}{{"account:ada", 5}, {"address:192.0.2.1", 30}} {
		won := atOnce(c.most+10, func(int) bool {
			err := credential.Attempt(context.Background(), d.db, d.ring, now, c.key, "other:"+c.key)
			if err != nil && !fault.Is(err, fault.Exhausted) {
				t.Error(err)
			}
			return err == nil
		})
		if want := min(c.most, 5); won != want { // the other key slows them down, too
			t.Errorf("%s: %d guesses at once", c.key, won)
		}
	}
	if won := atOnce(40, func(int) bool {
		return credential.Attempt(context.Background(), d.db, d.ring, now, "address:203.0.113.9") == nil
	}); won != 30 {
		t.Errorf("%d guesses at once from one address", won)
	}
}

func TestKeysAreStoredHashed(t *testing.T) {
	d := newDoor(t)
	d.failed(now, "account:ada@example.org")
	d.do(func(tx *db.Tx) error {
		all, err := credential.ThrottleRows(tx)
		if len(all) != 1 || strings.Contains(string(all[0]), "ada") {
			t.Errorf("rows %q", all)
		}
		return err
	})
	d.failed(now.Add(11*time.Minute), "account:bob@example.org") // the first is forgotten, and gone
	d.do(func(tx *db.Tx) error {
		all, err := credential.ThrottleRows(tx)
		if len(all) != 1 {
			t.Errorf("%d rows", len(all))
		}
		return err
	})
}
