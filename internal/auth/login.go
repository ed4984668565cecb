package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// secretSize is the size in bytes of what opens a door by itself: nobody guesses it, and so its plain SHA-256 is enough.
const secretSize = 32

// newSecret makes the text that opens a door; it is given out once.
func newSecret() string {
	var raw [secretSize]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// hashOf is what is stored of it.
func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

var (
	insertLink = db.Statement(`INSERT INTO login_link (hash, principal, expires, reusable) VALUES ($1, $2, $3, $4)`)
	selectLink = db.Statement(`SELECT principal, reusable FROM login_link WHERE hash = $1 AND expires > $2`)
	useLink    = db.Statement(`DELETE FROM login_link WHERE hash = $1 AND reusable = 0`)
	sweepLinks = db.Statement(`DELETE FROM login_link WHERE expires <= $1`)
)

// OpenLogin makes a one-click login for an account, good until that wall time. A reusable one is for the installation on
// a person's own machine; all others are gone with their first use.
func OpenLogin(tx *db.Tx, principal id.ID, now, until time.Time, reusable bool) (token string, err error) {
	if _, err := tx.Exec(sweepLinks, now.UnixMicro()); err != nil {
		return "", fault.Wrap(err, "removing old login links")
	}
	token = newSecret()
	again := int64(0)
	if reusable {
		again = 1
	}
	_, err = tx.Exec(insertLink, hashOf(token), int64(principal), until.UnixMicro(), again)
	return token, fault.Wrap(err, "making a login link")
}

// Login exchanges a token for the account that it opens. Two who use a link at the same moment: one is let in.
func Login(tx *db.Tx, token string, now time.Time) (Principal, error) {
	// One answer for every link that does not work: a guesser learns nothing from it.
	refused := fault.New(fault.Denied, "token", "this login link is not valid, or was used already", "ask for a new one")
	var principal, reusable int64
	found, err := tx.One(selectLink, []any{&principal, &reusable}, hashOf(token), now.UnixMicro())
	if err != nil {
		return Principal{}, fault.Wrap(err, "reading a login link")
	}
	if !found {
		return Principal{}, refused
	}
	if reusable == 0 {
		used, err := tx.Exec(useLink, hashOf(token))
		if err != nil {
			return Principal{}, fault.Wrap(err, "using a login link")
		}
		if used == 0 {
			return Principal{}, refused
		}
	}
	p, ok, err := Find(tx, id.ID(principal))
	if err == nil && !ok {
		err = refused
	}
	return p, err
}

// Reusable tells whether a token is a login link that may be used again: such a one signs in at once, the others ask a
// person to press a button first.
func Reusable(tx *db.Tx, token string, now time.Time) (bool, error) {
	var principal, reusable int64
	found, err := tx.One(selectLink, []any{&principal, &reusable}, hashOf(token), now.UnixMicro())
	return found && reusable == 1, fault.Wrap(err, "reading a login link")
}
