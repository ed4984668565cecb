package credential_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

const good = "violet otter ladder 7"

func (d *door) password(who id.ID, text string) {
	d.t.Helper()
	p, err := credential.PreparePassword(context.Background(), text)
	if err != nil {
		d.t.Fatal(err)
	}
	d.do(func(tx *db.Tx) error { return credential.SetPassword(tx, who, p, now) })
}

func (d *door) check(email, text string) (id.ID, error) {
	return credential.CheckPassword(context.Background(), d.db, d.ring, email, text, now)
}

func TestPasswordsThatAreSoonGuessed(t *testing.T) {
	about := []string{"Ada Lovelace", "countess@example.org"}
	longest := strings.Repeat("abcdefghij0123456789", 10)
	for _, text := range []string{good, "надёжный пароль из слов", "correct otter battery", longest, "schöner alter Turm",
		"a day in spring" /* the name Ada is too short to matter */} {
		if _, err := credential.PreparePassword(context.Background(), text, about...); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "ninechars", strings.Repeat("äö", 4) + "x" /* nine characters, seventeen bytes */, longest + "x",
		"aaaaaaaaaaaa", "abababababab", "1234567890", "0987654321", "qwertyuiop", "QWERTYUIOP", "zyxwvutsrq", "1q2w3e4r5t",
		"Password123!", "P@ssw0rd2026", "passwordpassword", "!!welcome!!1", "iloveyou1234", "Letmein-2026", "Winter-2026!",
		"pass\x00word otter", "violet\xffotter ladder", "the lovelace road", "COUNTESS of the sea", "xxadalovelacexx",
	} {
		_, err := credential.PreparePassword(context.Background(), text, about...)
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "password" {
			t.Errorf("%q: %v", text, err)
		}
		if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("a refused password is shown: %v", err)
		}
	}
}

// Whatever is sent as a password is taken or refused by name, in a form that does not change when it is sent again.
func FuzzPassword(f *testing.F) {
	for _, seed := range []string{good, "P@ssw0rd2026", "ﬁﬁﬁﬁﬁﬁ", "\u0301\u0301", "12345678"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := credential.CheckText(text)
		if err != nil {
			if fault.Of(err).Field != "password" {
				t.Errorf("refused without a field: %v", err)
			}
			return
		}
		if again, err := credential.CheckText(read); err != nil || again != read {
			t.Errorf("%q becomes %q, and then %q, %v", text, read, again, err)
		}
	})
}

func TestPasswords(t *testing.T) {
	d := newDoor(t)
	d.live(d.ada, "ada@example.org")
	d.live(d.bob, "bob@example.org")
	d.password(d.ada, good)
	if who, err := d.check("ADA@example.org", good); err != nil || who != d.ada {
		t.Errorf("the right one: %v", err)
	}
	// One answer for all that does not fit: it tells nobody which addresses are known.
	var words []string
	for _, c := range [][2]string{{"ada@example.org", good + " "}, {"bob@example.org", good}, {"eve@example.org", good}, {"eve", good},
		{"ada@example.org", ""}, {"ada@example.org", strings.Repeat("x", 5000)}, {"", ""}} {
		who, err := d.check(c[0], c[1])
		if !fault.Is(err, fault.Denied) || who != 0 {
			t.Errorf("%q: %v", c, err)
		}
		words = append(words, fault.Of(err).Error())
	}
	for _, other := range words {
		if other != words[0] {
			t.Errorf("answers differ: %q and %q", words[0], other)
		}
	}
	own := func(who id.ID, text string) error {
		return credential.CheckOwnPassword(context.Background(), d.db, who, text, now)
	}
	if err := own(d.ada, good); err != nil {
		t.Error(err)
	}
	for who, text := range map[id.ID]string{d.ada: "violet otter ladder", d.bob: good} {
		if err := own(who, text); !fault.Is(err, fault.Denied) {
			t.Errorf("own: %v", err)
		}
	}
	// A new one ends the old one, and a mailed code for another.
	reset := d.code(d.ada, credential.Reset, "", now)
	d.password(d.ada, "grey heron candle 8")
	if _, err := d.check("ada@example.org", good); !fault.Is(err, fault.Denied) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := d.useLink(credential.Reset, reset.Link, now); !fault.Is(err, fault.Denied) {
		t.Errorf("a code of before: %v", err)
	}
	d.do(func(tx *db.Tx) error { return credential.EndPassword(tx, d.ada) })
	if _, err := d.check("ada@example.org", "grey heron candle 8"); !fault.Is(err, fault.Denied) || d.ways(d.ada).Password {
		t.Errorf("after its end: %v", err)
	}
	d.password(d.ada, good)
	d.do(func(tx *db.Tx) error { return auth.Close(tx, d.ada, now) })
	if _, err := d.check("ada@example.org", good); !fault.Is(err, fault.Denied) {
		t.Errorf("a closed person: %v", err)
	}
	if err := d.write(func(tx *db.Tx) error { return credential.SetPassword(tx, d.bob, credential.Password{}, now) }); err == nil {
		t.Error("a password that nobody prepared is stored")
	}
}

// A hash of other costs is made anew when its password is next right, and only then.
func TestHashesAreRenewed(t *testing.T) {
	d := newDoor(t)
	d.live(d.ada, "ada@example.org")
	cheap, err := argon2id.CreateHash(good, &argon2id.Params{Memory: 8 * 1024,
		Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	d.do(func(tx *db.Tx) error { return credential.SetPassword(tx, d.ada, credential.Hashed(cheap), now) })
	for _, c := range []struct {
		text  string
		cheap bool
	}{{"wrong otter ladder", true}, {good, false}, {good, false}} {
		_, err := d.check("ada@example.org", c.text)
		if (err == nil) != (c.text == good) {
			t.Errorf("%q: %v", c.text, err)
		}
		var stored string
		d.do(func(tx *db.Tx) (err error) { stored, err = credential.StoredHash(tx, d.ada); return err })
		if strings.Contains(stored, "m=8192") != c.cheap || !c.cheap && !strings.Contains(stored, "$m=65536,t=1,p=1$") {
			t.Errorf("after %q: %s", c.text, stored)
		}
	}
}

// Nobody learns by the time it takes whether an address is known: both ways hash once.
func TestUnknownAddressesTakeAsLong(t *testing.T) {
	if used, _, _, err := argon2id.DecodeHash(credential.Dummy); err != nil || *used != *credential.Params {
		t.Errorf("the dummy costs %+v, %v", used, err)
	}
}

// Two hashes are made at once, however many ask, and who asks for too long is told to come back.
func TestHashesWaitInTurn(t *testing.T) {
	var now, most atomic.Int64
	free := make(chan struct{})
	var busy atomic.Int64
	go func() {
		for busy.Load() < 6 { // 70 ask: 64 may wait or be at it
			time.Sleep(time.Millisecond)
		}
		close(free)
	}()
	done := atOnce(70, func(int) bool {
		err := credential.InTurn(context.Background(), func() error {
			most.Store(max(most.Load(), now.Add(1)))
			<-free
			now.Add(-1)
			return nil
		})
		if err != nil {
			if !fault.Is(err, fault.Exhausted) {
				t.Error(err)
			}
			busy.Add(1)
		}
		return err == nil
	})
	if most.Load() > 2 || done != 64 || busy.Load() != 6 {
		t.Errorf("%d at once, %d done, %d told to come back", most.Load(), done, busy.Load())
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	hold := make(chan struct{})
	var held [2]chan struct{}
	for i := range held {
		held[i] = make(chan struct{})
		go credential.InTurn(context.Background(), func() error { close(held[i]); <-hold; return nil })
	}
	<-held[0]
	<-held[1]
	if err := credential.InTurn(gone, func() error { return nil }); err != context.Canceled {
		t.Errorf("somebody who left: %v", err)
	}
	close(hold)
}
