package credential_test

import (
	"context"
	"testing"
	"time"

	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

func TestPIN(t *testing.T) {
	d, ctx, creator := newDoor(t), context.Background(), id.ID(7)
	check := func(who id.ID, pin string, at time.Time) (bool, error) {
		return credential.CheckPIN(ctx, d.db, d.ring, who, pin, at)
	}
	for text, ok := range map[string]bool{"4071": true, "40 71-93": true, "40719326": true,
		"407": false, "407193265": false, "40a1": false,
		"": false, "٤٠٧١": false, "0000": false, "1234": false, "4321": false, "7890": false, "121212": false, "\x004071": false} {
		_, err := credential.PreparePIN(ctx, d.ring, creator, text)
		if (err == nil) != ok || err != nil && fault.Of(err).Field != "pin" {
			t.Errorf("%q: %v", text, err)
		}
	}
	if ok, err := check(creator, "4071", now); ok || err != nil {
		t.Errorf("nobody's PIN: %v, %v", ok, err)
	}
	p, err := credential.PreparePIN(ctx, d.ring, creator, "4071")
	if err != nil {
		t.Fatal(err)
	}
	d.do(func(tx *db.Tx) error { return credential.SetPIN(tx, p, now) })
	if ok, err := check(creator, "40 71", now); !ok || err != nil {
		t.Errorf("the right one: %v, %v", ok, err)
	}
	if ok, _ := check(8, "4071", now); ok {
		t.Error("it is another's, too")
	}
	if _, err := check(creator, "40x1", now); !fault.Is(err, fault.Invalid) {
		t.Errorf("no PIN at all: %v", err)
	}
	// Support may mistype a few; then even the right one waits.
	for range 5 {
		if ok, err := check(creator, "4072", now); ok || err != nil {
			t.Errorf("a wrong one: %v, %v", ok, err)
		}
	}
	if _, err := check(creator, "4071", now); !fault.Is(err, fault.Exhausted) {
		t.Errorf("the sixth try: %v", err)
	}
	if ok, err := check(creator, "4071", now.Add(10*time.Second)); !ok || err != nil {
		t.Errorf("after a pause: %v, %v", ok, err)
	}
	has := func() (has bool) {
		d.do(func(tx *db.Tx) (err error) { has, err = credential.HasPIN(tx, creator); return err })
		return has
	}
	if !has() {
		t.Error("it is not there")
	}
	d.do(func(tx *db.Tx) error { return credential.EndPIN(tx, creator) })
	if has() {
		t.Error("it is still there")
	}
}

// Whatever is said on the phone is a PIN of digits, or refused by name.
func FuzzPIN(f *testing.F) {
	for _, seed := range []string{"4071", "40 71", "４０７１", "-- 4071 --", "123456789"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pin, err := credential.ReadPIN(text)
		if err != nil {
			if fault.Of(err).Field != "pin" {
				t.Errorf("refused without a field: %v", err)
			}
			return
		}
		if again, err := credential.ReadPIN(pin); err != nil || again != pin || len(pin) < 4 || len(pin) > 8 {
			t.Errorf("%q becomes %q, and then %q, %v", text, pin, again, err)
		}
	})
}
