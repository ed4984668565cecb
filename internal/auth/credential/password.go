package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// params are what a hash costs: 64 MB and one pass (RFC 9106 §4, where memory is short). One lane, so that the cost does not
// depend on the machine. Hashes of other costs are made anew when their password is next right.
var params = &argon2id.Params{Memory: 64 * 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// dummy is a hash that no password has, for whom there is none: an unknown address takes as long as a known one.
var dummy = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", params.Memory, params.Iterations, params.Parallelism,
	strings.Repeat("A", 22), strings.Repeat("A", 43))

// Limits of passwords, in characters after NFKC. The longest keeps hashing cheap to ask for.
const (
	minPassword = 10
	maxPassword = 200
	minDistinct = 5
	minAbout    = 4 // a shorter name may stand in a password by chance
)

// Limits of hashing: two at once hold 128 MB, and who waits does so for a while.
const (
	hashesAtOnce = 2
	maxWaiting   = 64
	longestWait  = 10 * time.Second
)

var (
	hashing = make(chan struct{}, hashesAtOnce)
	waiting atomic.Int64
)

// inTurn runs fn when a place is free. Exhausted when too many wait, or for too long.
func inTurn(ctx context.Context, fn func() error) error {
	busy := fault.New(fault.Exhausted, "", "too many people sign in at this moment", "try again in a few seconds")
	if waiting.Add(1) > maxWaiting {
		waiting.Add(-1)
		return busy
	}
	defer waiting.Add(-1)
	// Somebody who waits longer has closed the page, or thinks that it is broken.
	patient, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		return fn()
	case <-patient.Done():
		if err := ctx.Err(); err != nil {
			return err
		}
		return busy
	}
}

// Password is a password that was found good, as it is stored.
type Password struct{ hash string }

// PreparePassword checks and hashes a password, outside any transaction. about are the person's name and addresses, which it must
// not contain. Invalid names the rule; Exhausted: too many at once.
func PreparePassword(ctx context.Context, password string, about ...string) (p Password, err error) {
	password, err = readPassword(password)
	if err != nil {
		return p, err
	}
	if err := checkPassword(password, about); err != nil {
		return p, err
	}
	err = inTurn(ctx, func() (err error) {
		p.hash, err = argon2id.CreateHash(password, params)
		return err
	})
	return p, fault.Wrap(err, "hashing a password")
}

// readPassword gives a password in the one form in which keyboards may differ.
func readPassword(password string) (string, error) {
	bad := len(password) > 4*maxPassword || !utf8.ValidString(password)
	if !bad {
		password = norm.NFKC.String(password)
		bad = utf8.RuneCountInString(password) > maxPassword || strings.ContainsFunc(password, unicode.IsControl)
	}
	if bad {
		return "", fault.Invalidf("password", "has more than %d characters, or some that keyboards do not make",
			"choose another one", maxPassword)
	}
	return password, nil
}

// checkPassword refuses what is soon guessed. There are no rules about digits and signs: they make passwords worse.
func checkPassword(password string, about []string) error {
	if utf8.RuneCountInString(password) < minPassword {
		return fault.Invalidf("password", "has fewer than %d characters", "choose a longer one: a few words, for example", minPassword)
	}
	small := strings.ToLower(password)
	// Letters repeated make a password long without making it hard to guess.
	distinct := map[rune]bool{}
	for _, r := range small {
		distinct[r] = true
	}
	if len(distinct) < minDistinct || common(small) {
		return fault.Invalidf("password", "is one that many people choose", "choose a few words that do not belong together")
	}
	for _, text := range about {
		text = strings.ToLower(norm.NFKC.String(strings.TrimSpace(text)))
		local, _, _ := strings.Cut(text, "@")
		for _, part := range append(strings.Fields(text), text, local, strings.ReplaceAll(text, " ", "")) {
			if utf8.RuneCountInString(part) >= minAbout && strings.Contains(small, part) {
				return fault.Invalidf("password", "contains your name or address", "choose one that does not")
			}
		}
	}
	return nil
}

var (
	upsertPassword = db.Statement(`INSERT INTO password (principal, hash, since) VALUES ($1, $2, $3)
		ON CONFLICT (principal) DO UPDATE SET hash = excluded.hash, since = excluded.since`)
	deletePassword = db.Statement(`DELETE FROM password WHERE principal = $1`)
	// Only the hash that was compared is replaced: a password changed in between stays the new one.
	rehashPassword = db.Statement(`UPDATE password SET hash = $3 WHERE principal = $1 AND hash = $2`)
	selectByEmail  = db.Statement(`SELECT w.principal, w.hash FROM email e JOIN principal p ON p.id = e.principal
		JOIN password w ON w.principal = e.principal WHERE e.hash = $1 AND e.state = 'verified' AND p.closed = 0`)
	selectOwn = db.Statement(`SELECT w.principal, w.hash FROM password w JOIN principal p ON p.id = w.principal
		WHERE w.principal = $1 AND p.closed = 0`)
)

// SetPassword stores a prepared password in place of the one there was. Mailed codes for a new one work no more.
func SetPassword(tx *db.Tx, principal id.ID, p Password, wall time.Time) error {
	if p.hash == "" {
		return errors.New("credential: SetPassword of a password that was not prepared")
	}
	if _, err := tx.Exec(upsertPassword, int64(principal), p.hash, wall.UnixMicro()); err != nil {
		return fault.Wrap(err, "setting a password")
	}
	return endCodes(tx, principal, Reset)
}

// EndPassword takes the password away; where there is none, nothing changes. Where it was the last way in, it is a Conflict.
func EndPassword(tx *db.Tx, principal id.ID) error {
	if _, err := tx.Exec(deletePassword, int64(principal)); err != nil {
		return fault.Wrap(err, "taking a password away")
	}
	return keepWay(tx, principal)
}

// wrongPassword is one answer for an unknown address, a person without a password, and a wrong one.
var wrongPassword = fault.New(fault.Denied, "password", "this address and password do not belong together",
	"check both, or have a link mailed to you")

// CheckPassword gives who has that verified address and password. Denied, in the same words and about the same time, for an
// unknown address, a person without a password and a wrong one. The second factor is still to be asked for (Ways.TOTP).
func CheckPassword(ctx context.Context, d *db.DB, ring *secret.Ring, email, password string, wall time.Time) (id.ID, error) {
	key := []byte{} // no address has this hash
	if address, err := ParseEmail(email); err == nil {
		key = hashEmail(ring, address)
	}
	return check(ctx, d, selectByEmail, key, password)
}

// CheckOwnPassword asks somebody who is signed in once more. Denied where it is wrong or there is none.
func CheckOwnPassword(ctx context.Context, d *db.DB, principal id.ID, password string, wall time.Time) error {
	_, err := check(ctx, d, selectOwn, int64(principal), password)
	return err
}

// check compares a password with the one that a statement finds, or with the dummy.
func check(ctx context.Context, d *db.DB, statement *db.Stmt, key any, password string) (id.ID, error) {
	var principal int64
	var found bool
	stored := dummy
	if err := d.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = tx.One(statement, []any{&principal, &stored}, key)
		return err
	}); err != nil {
		return 0, fault.Wrap(err, "reading a password")
	}
	// Even what cannot be a password is compared with something: the answer to it takes as long.
	password, unreadable := readPassword(password)
	var match bool
	var used *argon2id.Params
	if err := inTurn(ctx, func() (err error) {
		match, used, err = argon2id.CheckHash(password, stored)
		return err
	}); err != nil {
		return 0, fault.Wrap(err, "comparing a password")
	}
	if !match || !found || unreadable != nil {
		return 0, wrongPassword
	}
	if *used == *params {
		return id.ID(principal), nil
	}
	return id.ID(principal), rehash(ctx, d, principal, stored, password)
}

// rehash stores a right password at today's cost; one that was changed meanwhile stays.
func rehash(ctx context.Context, d *db.DB, principal int64, stored, password string) error {
	var hash string
	if err := inTurn(ctx, func() (err error) {
		hash, err = argon2id.CreateHash(password, params)
		return err
	}); err != nil {
		return fault.Wrap(err, "hashing a password")
	}
	return fault.Wrap(d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		_, err := tx.Exec(rehashPassword, principal, stored, hash)
		return err
	}), "hashing a password")
}
