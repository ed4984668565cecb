package credential_test

import (
	"strings"
	"testing"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

func TestParseEmail(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{" Ada@Example.ORG ", "ada@example.org"},
		{"ada+shop@example.org", "ada+shop@example.org"},
		{"o'neil@example.co.uk", "o'neil@example.co.uk"},
		{"ａｄａ@example.org", "ada@example.org"},                 // full-width letters
		{"ada@bücher.example", "ada@xn--bcher-kva.example"},    // a host as DNS writes it
		{"ada@BÜCHER.example", "ada@xn--bcher-kva.example"},    //
		{"jose\u0301@example.org", "jos\u00e9@example.org"},    // one form of é
		{"мария@пример.example", "мария@xn--e1afmkfd.example"}, // one script
		{"山田はなこ@example.jp", "山田はなこ@example.jp"},               // scripts that a language mixes
		{"аda@example.org", ""},                                // Cyrillic а among Latin letters
		{"adα@example.org", ""},                                // Greek α
		{"ada", ""}, {"@example.org", ""}, {"ada@", ""}, {"", ""}, {"ada@localhost", ""},
		{"ada@192.0.2.1", ""}, {"ada@[192.0.2.1]", ""}, {"ada@example..org", ""}, {"ada@-example.org", ""}, {"ada@example.org.", ""},
		{"ada wren@example.org", ""}, {"ada\x00@example.org", ""}, {"ada\n@example.org", ""}, {"\"ada\"@example.org", ""},
		{".ada@example.org", ""}, {"ada.@example.org", ""}, {"a..da@example.org", ""}, {"ada@b@example.org", ""}, {"<ada@example.org>", ""},
		{"ada@example.org, bob@example.org", ""}, {"ada@exa_mple.org", ""}, {"ada\u200b@example.org", ""}, {"ada\xff@example.org", ""},
		{strings.Repeat("a", 64) + "@example.org", strings.Repeat("a", 64) + "@example.org"},
		{strings.Repeat("a", 65) + "@example.org", ""},
		{"ada@" + strings.Repeat("a", 64) + ".org", ""},
		{"ada@" + strings.Repeat("a.", 126) + "org", ""},
	} {
		got, err := credential.ParseEmail(c.text)
		if got != c.want || (err != nil) != (c.want == "") ||
			err != nil && (!fault.Is(err, fault.Invalid) || fault.Of(err).Field != "email") {
			t.Errorf("%q: %q, %v; want %q", c.text, got, err, c.want)
		}
	}
}

// An address that was taken is taken again as it is, and says nothing else to whoever mails to it.
func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"Ada@Example.ORG", "ada@bücher.example", "İ@example.org",
		"ﬁ@example.org", "a@b@c.de", "ß@ß.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		email, err := credential.ParseEmail(text)
		if err != nil {
			if fault.Of(err).Field != "email" {
				t.Errorf("refused without a field: %v", err)
			}
			return
		}
		if again, err := credential.ParseEmail(email); again != email || err != nil {
			t.Errorf("%q becomes %q, and then %q, %v", text, email, again, err)
		}
		if len(email) > 254 || strings.ContainsAny(email, " \r\n\t\x00<>,;\"()") || strings.Count(email, "@") != 1 {
			t.Errorf("%q became %q", text, email)
		}
	})
}

func TestAddresses(t *testing.T) {
	d := newDoor(t)
	find := func(email string) (who id.ID) {
		t.Helper()
		d.do(func(tx *db.Tx) error {
			one, found, err := credential.FindByEmail(tx, d.ring, email)
			if found {
				who = one
			}
			return err
		})
		return who
	}
	set := func(who id.ID, email string) func(*db.Tx) error {
		return func(tx *db.Tx) error { return credential.SetEmail(tx, d.ring, who, email, now) }
	}
	verify := func(who id.ID) func(*db.Tx) error {
		return func(tx *db.Tx) error { return credential.VerifyEmail(tx, d.ring, who, now) }
	}
	d.refused(fault.Invalid, set(d.ada, "ada"))
	d.refused(fault.Conflict, verify(d.ada)) // nothing waits
	if w := d.ways(d.ada); w != (credential.Ways{}) {
		t.Errorf("what was refused left %+v", w)
	}
	d.do(set(d.ada, "Ada@Example.org"))
	if w := d.ways(d.ada); w.Email != "ada@example.org" || w.Verified || find("ada@example.org") != 0 {
		t.Errorf("an address that nobody verified: %+v, found %d", w, find("ada@example.org"))
	}
	d.do(verify(d.ada))
	if w := d.ways(d.ada); !w.Verified || w.Pending != "" || find("ADA@example.org") != d.ada {
		t.Errorf("verified: %+v", w)
	}
	d.refused(fault.Conflict, set(d.ada, "ada@EXAMPLE.org"))

	// A new address changes nothing until it is verified.
	d.do(set(d.ada, "ada@new.example"))
	if w := d.ways(d.ada); w.Email != "ada@example.org" || w.Pending != "ada@new.example" ||
		find("ada@new.example") != 0 || find("ada@example.org") != d.ada {
		t.Errorf("while it waits: %+v", w)
	}
	d.do(verify(d.ada))
	if w := d.ways(d.ada); w.Email != "ada@new.example" || w.Pending != "" || find("ada@example.org") != 0 {
		t.Errorf("after it: %+v", w)
	}

	// Two people may wait with the same address: the first who has the mailbox gets it.
	d.do(set(d.bob, "ada@new.example"))
	d.refused(fault.Conflict, verify(d.bob))
	if w := d.ways(d.bob); w.Verified || find("ada@new.example") != d.ada {
		t.Errorf("one address for two: %+v", w)
	}
	d.do(func(tx *db.Tx) error {
		both, err := credential.WithEmail(tx, d.ring, "ada@new.example")
		if len(both) != 2 {
			t.Errorf("with the address: %v", both)
		}
		return err
	})
	// Who has closed their account keeps it from nobody.
	d.do(func(tx *db.Tx) error { return auth.Close(tx, d.ada, now) })
	if find("ada@new.example") != 0 {
		t.Error("a closed person is found")
	}
	d.do(verify(d.bob))
	if find("ada@new.example") != d.bob {
		t.Error("an address that is free again cannot be verified")
	}
	d.do(func(tx *db.Tx) error { return credential.TrustEmail(tx, d.ring, d.bob, "bob@store.example", now) })
	if w := d.ways(d.bob); w.Email != "bob@store.example" || !w.Verified {
		t.Errorf("a trusted address: %+v", w)
	}
}

func TestOneAddressIsVerifiedOnce(t *testing.T) {
	d := newDoor(t)
	both := []id.ID{d.ada, d.bob}
	for _, who := range both {
		d.do(func(tx *db.Tx) error { return credential.SetEmail(tx, d.ring, who, "same@example.org", now) })
	}
	won := atOnce(2, func(n int) bool {
		err := d.write(func(tx *db.Tx) error { return credential.VerifyEmail(tx, d.ring, both[n], now) })
		if err != nil && !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		return err == nil
	})
	if won != 1 {
		t.Errorf("%d people verified the same address", won)
	}
}
