package person_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
	"tributary/internal/secret"
)

const (
	ada = id.ID(11)
	ben = id.ID(22)
)

var now = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

func write(t *testing.T, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

func seal(t *testing.T, d *db.DB, ring *secret.Ring, who id.ID, place, text string) (sealed []byte) {
	t.Helper()
	write(t, d, func(tx *db.Tx) (err error) {
		sealed, err = person.Seal(tx, ring, who, place, []byte(text))
		return err
	})
	return sealed
}

func open(t *testing.T, d *db.DB, ring *secret.Ring, who id.ID, place string, sealed []byte) (text string, ok bool, err error) {
	t.Helper()
	err = d.Read(context.Background(), func(tx *db.Tx) error {
		raw, found, err := person.Open(tx, ring, who, place, sealed)
		text, ok = string(raw), found
		return err
	})
	return text, ok, err
}

// What is sealed opens in its own place, and nowhere else, in no other hands and not when it was altered.
func TestSealedTextIsBound(t *testing.T) {
	d, ring := dbtest.Open(t), secret.FixedRing("person")
	sealed := seal(t, d, ring, ada, "journal:7", "born in Lund")
	again := seal(t, d, ring, ada, "journal:7", "born in Lund")
	other := seal(t, d, ring, ben, "journal:7", "born in Lagos")
	if bytes.Equal(sealed, again) || bytes.Contains(sealed, []byte("Lund")) {
		t.Error("sealing the same text twice gives the same bytes, or shows the text")
	}
	altered := bytes.Clone(sealed)
	altered[len(altered)-1] ^= 1
	form := bytes.Clone(sealed)
	form[0]++
	for _, c := range []struct {
		name   string
		ring   *secret.Ring
		who    id.ID
		place  string
		sealed []byte
		want   string
	}{
		{"in its place", ring, ada, "journal:7", sealed, "born in Lund"}, {"another one's", ring, ben, "journal:7", other, "born in Lagos"},
		{"in another place", ring, ada, "journal:8", sealed, ""}, {"as somebody else's", ring, ben, "journal:7", sealed, ""},
		{"altered", ring, ada, "journal:7", altered, ""}, {"another form", ring, ada, "journal:7", form, ""},
		{"cut", ring, ada, "journal:7", sealed[:9], ""}, {"empty", ring, ada, "journal:7", nil, ""},
		{"of nobody known", ring, 33, "journal:7", sealed, ""}, {"under other keys", secret.FixedRing("thief"), ada, "journal:7", sealed, ""},
	} {
		text, ok, err := open(t, d, c.ring, c.who, c.place, c.sealed)
		if text != c.want || ok != (c.want != "") || (err == nil) != ok {
			t.Errorf("%s: %q, %v, %v", c.name, text, ok, err)
		}
		if !ok && !errors.Is(err, secret.ErrSealed) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// An erased person's text is gone, no new key is made, and erasing again changes nothing.
func TestErasure(t *testing.T) {
	d, ring := dbtest.Open(t), secret.FixedRing("person")
	sealed, others := seal(t, d, ring, ada, "x", "a secret of hers"), seal(t, d, ring, ben, "x", "his")
	for range 2 {
		write(t, d, func(tx *db.Tx) error { return person.Erase(tx, ada, now) })
		if text, ok, err := open(t, d, ring, ada, "x", sealed); text != "" || ok || err != nil {
			t.Errorf("opened %q, %v, %v after the erasure", text, ok, err)
		}
	}
	write(t, d, func(tx *db.Tx) error { return person.Erase(tx, 33, now) }) // who never had a key gets none either
	for _, who := range []id.ID{ada, 33} {
		write(t, d, func(tx *db.Tx) error {
			if _, err := person.Seal(tx, ring, who, "x", []byte("more")); !fault.Is(err, fault.Denied) {
				t.Errorf("%d: sealed for somebody who was erased: %v", who, err)
			}
			gone, err := person.Erased(tx, who)
			if !gone {
				t.Errorf("%d is not known to be erased", who)
			}
			return err
		})
	}
	var key []byte
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.One(selectKey, []any{&key}, int64(ada))
		return err
	})
	if len(key) < secret.KeySize || len(bytes.Trim(key, "\x00")) != 0 {
		t.Errorf("what is left of the key is %x", key)
	}
	if text, ok, err := open(t, d, ring, ben, "x", others); text != "his" || !ok || err != nil {
		t.Errorf("somebody else's: %q, %v, %v", text, ok, err)
	}
}

var selectKey = db.Statement(`SELECT key FROM person_key WHERE person = $1`)

// Two nodes that make the first key of a person at once end up with one.
func TestTheFirstKeyIsMadeOnce(t *testing.T) {
	d, ring := dbtest.Open(t), secret.FixedRing("person")
	sealed := make([][]byte, 12)
	var group sync.WaitGroup
	for i := range sealed {
		group.Go(func() {
			err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) (err error) {
				sealed[i], err = person.Seal(tx, ring, ada, fmt.Sprint(i), []byte("same"))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i := range sealed {
		if text, ok, err := open(t, d, ring, ada, fmt.Sprint(i), sealed[i]); text != "same" || !ok || err != nil {
			t.Errorf("%d: %q, %v, %v", i, text, ok, err)
		}
	}
}

// Keys open under a ring that has grown, and can be moved to its newest key; erased ones stay erased.
func TestRotation(t *testing.T) {
	d, ring := dbtest.Open(t), secret.FixedRing("person")
	sealed := map[id.ID][]byte{}
	for who := id.ID(1); who <= 5; who++ {
		sealed[who] = seal(t, d, ring, who, "x", who.Text(id.Creator))
	}
	write(t, d, func(tx *db.Tx) error { return person.Erase(tx, 3, now) })
	grown, err := ring.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for who, raw := range sealed {
			text, ok, err := open(t, d, grown, who, "x", raw)
			if err != nil || ok == (who == 3) || ok && text != who.Text(id.Creator) {
				t.Errorf("%s: %d: %q, %v, %v", when, who, text, ok, err)
			}
		}
	}
	check("before")
	pages := 0
	for after := id.ID(0); ; pages++ {
		write(t, d, func(tx *db.Tx) (err error) {
			after, err = person.Rotate(tx, grown, after, 2)
			return err
		})
		if after == 0 {
			break
		}
	}
	check("after")
	var key []byte
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.One(selectKey, []any{&key}, int64(4))
		return err
	})
	if pages != 2 || key[0] != grown.Newest() {
		t.Errorf("%d pages, sealed under key %d", pages, key[0])
	}
}

func TestTooMuch(t *testing.T) {
	d, ring := dbtest.Open(t), secret.FixedRing("person")
	write(t, d, func(tx *db.Tx) error {
		if _, err := person.Seal(tx, ring, ada, "x", make([]byte, person.MaxText+1)); !fault.Is(err, fault.Invalid) {
			t.Errorf("sealed: %v", err)
		}
		return nil
	})
}
