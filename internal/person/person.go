// Package person keeps one key per person. What is sealed under it can be kept for ever, in rows that are never changed and
// under seals and chains, and is gone for good once the key is destroyed (erasure).
//
// What must always hold: a key is stored sealed under the installation's own keys; a destroyed key never comes back, and no
// new one is made for that person; what is sealed for one place opens in no other. A key is read for every use and kept
// nowhere, so that one that was destroyed on another node seals and opens nothing here either.
//
// It owns nothing that is sealed.
package person

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// purpose names the installation's key under which keys of persons are sealed.
const purpose = "person-key"

// form is the first byte of whatever is sealed: AES-256-GCM with a random nonce of 96 bits behind it.
const form = 1

// MaxText bounds what is sealed at once: longer things are files.
const MaxText = 1 << 20

var (
	selectKey = db.Statement(`SELECT key, erased FROM person_key WHERE person = $1`)
	insertKey = db.Statement(`INSERT INTO person_key (person, key, erased) VALUES ($1, $2, 0) ON CONFLICT (person) DO NOTHING`)
	// The zeros are as long as the key was: SQLite writes them over it, in its place.
	eraseKey = db.Statement(`INSERT INTO person_key (person, key, erased) VALUES ($1, $2, $3)
		ON CONFLICT (person) DO UPDATE SET key = excluded.key, erased = excluded.erased WHERE person_key.erased = 0`)
	selectPage = db.Statement(`SELECT person, key FROM person_key WHERE erased = 0 AND person > $1 ORDER BY person LIMIT $2`)
	updateKey  = db.Statement(`UPDATE person_key SET key = $2 WHERE person = $1 AND erased = 0`)
)

// Seal seals text that is personal to somebody (a creator's or a principal's id). The key is made with the first use.
// context binds it to its place, such as "journal:123". A person who was erased is Denied.
func Seal(tx *db.Tx, ring *secret.Ring, who id.ID, context string, text []byte) ([]byte, error) {
	if who == 0 {
		panic("person.Seal: nobody's")
	}
	if len(text) > MaxText {
		return nil, fault.Invalidf("text", "is larger than %d bytes", "send less at once", MaxText)
	}
	key, found, erased, err := read(tx, ring, who)
	if err == nil && !found {
		if err := add(tx, ring, who); err != nil {
			return nil, err
		}
		// Of two who make the first key at once one's is kept: it is read as it is stored.
		key, found, erased, err = read(tx, ring, who)
	}
	switch {
	case err != nil:
		return nil, err
	case erased:
		return nil, fault.New(fault.Denied, "", "this person was erased: nothing personal is kept about them any more", "")
	case !found:
		return nil, fault.New(fault.Unavailable, "", "the key of a person could not be made", "try again in a moment")
	}
	box := sealer(key)
	out := make([]byte, 1+box.NonceSize(), 1+box.NonceSize()+len(text)+box.Overhead())
	out[0] = form
	rand.Read(out[1:])
	return box.Seal(out, out[1:], text, bound(who, context)), nil
}

// Open opens what Seal sealed; ok is false where the person was erased. What was sealed for somebody else or elsewhere, or
// was altered, is an error.
func Open(tx *db.Tx, ring *secret.Ring, who id.ID, context string, sealed []byte) (text []byte, ok bool, err error) {
	key, found, erased, err := read(tx, ring, who)
	switch {
	case err != nil:
		return nil, false, err
	case erased:
		return nil, false, nil
	case !found:
		return nil, false, fault.Wrap(secret.ErrSealed, "opening what is personal: there is no such key")
	}
	box := sealer(key)
	if len(sealed) < 1+box.NonceSize() || sealed[0] != form {
		return nil, false, fault.Wrap(secret.ErrSealed, "opening what is personal")
	}
	text, err = box.Open(nil, sealed[1:1+box.NonceSize()], sealed[1+box.NonceSize():], bound(who, context))
	if err != nil {
		return nil, false, fault.Wrap(secret.ErrSealed, "opening what is personal")
	}
	return text, true, nil
}

// Erase destroys a person's key, also that of somebody who never had one: none will be made. Doing it again changes nothing.
func Erase(tx *db.Tx, who id.ID, now time.Time) error {
	if who == 0 {
		panic("person.Erase: nobody")
	}
	var key []byte
	var erased int64
	if _, err := tx.One(selectKey, []any{&key, &erased}, int64(who)); err != nil {
		return fault.Wrap(err, "reading the key of a person")
	}
	_, err := tx.Exec(eraseKey, int64(who), make([]byte, len(key)), now.UnixMicro())
	return fault.Wrap(err, "destroying the key of a person")
}

// Erased tells whether a person's key was destroyed.
func Erased(tx *db.Tx, who id.ID) (bool, error) {
	var key []byte
	var erased int64
	_, err := tx.One(selectKey, []any{&key, &erased}, int64(who))
	return erased != 0, fault.Wrap(err, "reading the key of a person")
}

// Rotate seals keys of persons under the newest key of the ring, a page of them behind after: what they seal stays as it is.
// It gives the last person looked at, 0 behind the last page. Without it, too, all keys open as long as the ring has theirs.
func Rotate(tx *db.Tx, ring *secret.Ring, after id.ID, limit int) (last id.ID, err error) {
	type row struct {
		who id.ID
		key []byte
	}
	var page []row
	if err := tx.Each(selectPage, func(scan func(...any) error) error {
		var r row
		var number int64
		err := scan(&number, &r.key)
		r.who = id.ID(number)
		page = append(page, r)
		return err
	}, int64(after), int64(limit)); err != nil {
		return 0, fault.Wrap(err, "reading keys of persons")
	}
	for _, r := range page {
		last = r.who
		if len(r.key) > 0 && r.key[0] == ring.Newest() {
			continue
		}
		key, err := ring.Open(purpose, place(r.who), r.key)
		if err != nil {
			return 0, fault.Wrap(err, "opening the key of a person")
		}
		if _, err := tx.Exec(updateKey, int64(r.who), ring.Seal(purpose, place(r.who), key)); err != nil {
			return 0, fault.Wrap(err, "sealing the key of a person anew")
		}
	}
	return last, nil
}

// read opens a person's key.
func read(tx *db.Tx, ring *secret.Ring, who id.ID) (key []byte, found, erased bool, err error) {
	var sealed []byte
	var since int64
	found, err = tx.One(selectKey, []any{&sealed, &since}, int64(who))
	switch {
	case err != nil:
		return nil, false, false, fault.Wrap(err, "reading the key of a person")
	case !found || since != 0:
		return nil, found, since != 0, nil
	}
	key, err = ring.Open(purpose, place(who), sealed)
	if err == nil && len(key) != secret.KeySize {
		err = secret.ErrSealed
	}
	return key, true, false, fault.Wrap(err, "opening the key of a person")
}

func add(tx *db.Tx, ring *secret.Ring, who id.ID) error {
	var key [secret.KeySize]byte
	rand.Read(key[:])
	_, err := tx.Exec(insertKey, int64(who), ring.Seal(purpose, place(who), key[:]))
	return fault.Wrap(err, "making the key of a person")
}

// place binds a key to its row. Ids are written alike, whatever kind of thing they name.
func place(who id.ID) string { return "person_key:" + who.Text("") + ":key" }

// bound is what a sealed text is bound to: whose it is, and where it stands. An id always has the same length.
func bound(who id.ID, context string) []byte { return []byte(who.Text("") + ":" + context) }

func sealer(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for a wrong key size, which read refuses
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return box
}

// Keys seals and opens for rooms that have no other use of the ring.
type Keys struct{ Ring *secret.Ring }

// Seal is the function of that name.
func (k Keys) Seal(tx *db.Tx, who id.ID, context string, text []byte) ([]byte, error) {
	return Seal(tx, k.Ring, who, context, text)
}

// Open is the function of that name.
func (k Keys) Open(tx *db.Tx, who id.ID, context string, sealed []byte) (text []byte, ok bool, err error) {
	return Open(tx, k.Ring, who, context, sealed)
}
