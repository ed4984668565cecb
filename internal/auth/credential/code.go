package credential

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"time"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Purpose is what a mailed code is for.
type Purpose string

// The purposes.
const (
	Verify Purpose = "verify" // a first address is theirs
	Reset  Purpose = "reset"  // a new password
	SignIn Purpose = "signin"
	Change Purpose = "change" // another address is theirs
)

// Purposes lists them all.
var Purposes = []Purpose{Verify, Reset, SignIn, Change}

// Code is what is mailed: Link for an address to follow, Digits (six) to type where it was asked for.
type Code struct{ Link, Digits string }

// Limits of codes. Six digits are few: five tries at each code, and twenty at all codes of a person and purpose in a day, leave
// a guesser one chance in fifty thousand a day. The link works all the same.
const (
	CodeFor    = 20 * time.Minute
	maxTries   = 5
	maxWrong   = 20
	wrongIn    = 24 * time.Hour
	minBinding = 20 // characters
	digitForm  = "%06d"
)

var digitCount = big.NewInt(1_000_000)

// newText makes a text that nobody guesses: 32 random bytes.
func newText() string {
	var raw [32]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

var (
	// wrong and wrong_since stay: asking for another code gives no more guesses in a day.
	upsertCode = db.Statement(`INSERT INTO mail_code (principal, purpose, link, digits, binding, expires, tries, wrong, wrong_since)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0) ON CONFLICT (principal, purpose) DO UPDATE
		SET link = excluded.link, digits = excluded.digits, binding = excluded.binding, expires = excluded.expires, tries = 0`)
	// One browser's digits are those of the code that it asked for last: a guess is never one at many people's codes.
	unbindCodes = db.Statement(`UPDATE mail_code SET binding = digits WHERE binding = $1 AND principal <> $2`)
	selectLink  = db.Statement(`SELECT principal FROM mail_code WHERE link = $1 AND purpose = $2 AND expires > $3`)
	tryDigits   = db.Statement(`UPDATE mail_code SET tries = tries + 1,
		wrong = CASE WHEN wrong_since <= $4 THEN 1 ELSE wrong + 1 END,
		wrong_since = CASE WHEN wrong_since <= $4 THEN $3 ELSE wrong_since END
		WHERE binding = $1 AND purpose = $2 AND expires > $3 AND tries < 5 AND (wrong < 20 OR wrong_since <= $4)`)
	selectDigits = db.Statement(`SELECT principal, digits FROM mail_code WHERE binding = $1 AND purpose = $2 AND expires > $3`)
	spendCode    = db.Statement(`UPDATE mail_code SET expires = 0 WHERE principal = $1 AND purpose = $2 AND expires > $3`)
	forgiveTry   = db.Statement(`UPDATE mail_code SET wrong = wrong - 1 WHERE principal = $1 AND purpose = $2 AND wrong > 0`)
	endCode      = db.Statement(`UPDATE mail_code SET expires = 0 WHERE principal = $1 AND purpose = $2`)
	deleteCodes  = db.Statement(`DELETE FROM mail_code WHERE principal = $1`)
)

// MakeCode makes a code, good for 20 minutes; an earlier one of that purpose works no more. binding is a text that only the
// asking browser's session keeps, made anew for each code (20 characters or more); empty where digits are not to be typed.
// verify and change go to the waiting address (PendingEmail), reset and signin to the verified one; without it they are a
// Conflict. How often somebody is mailed is for the caller to limit (Allowed), alike for addresses that nobody has.
func MakeCode(tx *db.Tx, ring *secret.Ring, principal id.ID, purpose Purpose, binding string, wall time.Time) (Code, error) {
	if !slices.Contains(Purposes, purpose) {
		return Code{}, fault.Invalidf("purpose", "is not one of a code's", "send verify, reset, signin or change")
	}
	if binding != "" && len(binding) < minBinding {
		return Code{}, fault.Invalidf("binding", "has fewer than %d characters", "make it of random ones", minBinding)
	}
	// A code proves the mailbox that it was sent to, and so it must be known which one that is.
	state := verified
	if purpose == Verify || purpose == Change {
		state = pending
	}
	if _, ok, err := readEmail(tx, ring, principal, state); err != nil || !ok {
		if err == nil {
			err = fault.New(fault.Conflict, "email", "there is no address for this code", "send an address first")
		}
		return Code{}, err
	}
	number, err := rand.Int(rand.Reader, digitCount)
	if err != nil {
		return Code{}, fault.Wrap(err, "making a code")
	}
	code := Code{Link: newText()}
	// Without a browser to type digits in, these two are hashes of what nobody sends.
	bound, digits := ring.Hash("mail code", "unbound", code.Link), ring.Hash("mail code", "none", code.Link)
	if binding != "" {
		code.Digits = fmt.Sprintf(digitForm, number)
		bound, digits = hashBinding(ring, purpose, binding), hashDigits(ring, principal, binding, code.Digits)
		if _, err := tx.Exec(unbindCodes, bound, int64(principal)); err != nil {
			return Code{}, fault.Wrap(err, "making a code")
		}
	}
	_, err = tx.Exec(upsertCode, int64(principal), string(purpose), hashLink(ring, purpose, code.Link), digits, bound,
		wall.Add(CodeFor).UnixMicro())
	return code, fault.Wrap(err, "making a code")
}

// Digits are hashed with the binding: who reads the table cannot try a million of them without the ring.
func hashDigits(ring *secret.Ring, principal id.ID, binding, digits string) []byte {
	return ring.Hash("mail code", "digits", principal.Text(auth.Prefix), binding, digits)
}

func hashBinding(ring *secret.Ring, purpose Purpose, binding string) []byte {
	return ring.Hash("mail code", "binding", string(purpose), binding)
}

func hashLink(ring *secret.Ring, purpose Purpose, link string) []byte {
	return ring.Hash("mail code", "link", string(purpose), link)
}

// noCode is one answer for every code that does not work: a guesser learns nothing from it.
var noCode = fault.New(fault.Denied, "code", "this code is not valid, is too old, or was used already", "ask for a new one")

// UseCode spends a link's code and gives whose it is. Denied where it is not valid: two who use it at once, one wins.
func UseCode(tx *db.Tx, ring *secret.Ring, purpose Purpose, link string, wall time.Time) (principal id.ID, err error) {
	var number int64
	found, err := tx.One(selectLink, []any{&number}, hashLink(ring, purpose, link), string(purpose), wall.UnixMicro())
	if err != nil {
		return 0, fault.Wrap(err, "reading a code")
	}
	if !found {
		return 0, noCode
	}
	return id.ID(number), spend(tx, id.ID(number), purpose, wall)
}

// spend makes a code worthless; Denied where another was quicker, or the person is closed.
func spend(tx *db.Tx, principal id.ID, purpose Purpose, wall time.Time) error {
	spent, err := tx.Exec(spendCode, int64(principal), string(purpose), wall.UnixMicro())
	if err != nil {
		return fault.Wrap(err, "using a code")
	}
	_, open, err := auth.Find(tx, principal)
	if err == nil && (spent == 0 || !open) {
		err = noCode
	}
	return err
}

// UseDigits spends the digits of a code in the browser that asked for it. ok is false for wrong ones: the try is counted, and so
// the transaction must be committed. After five tries the code's digits work no more, its link does.
func UseDigits(tx *db.Tx, ring *secret.Ring, purpose Purpose, binding, digits string, wall time.Time) (
	principal id.ID, ok bool, err error) {
	if binding == "" {
		return 0, false, nil
	}
	bound := hashBinding(ring, purpose, binding)
	// The try is counted before it is looked at: many at the same moment are many.
	tried, err := tx.Exec(tryDigits, bound, string(purpose), wall.UnixMicro(), wall.Add(-wrongIn).UnixMicro())
	if err != nil || tried != 1 {
		return 0, false, fault.Wrap(err, "trying a code")
	}
	var number int64
	var stored []byte
	found, err := tx.One(selectDigits, []any{&number, &stored}, bound, string(purpose), wall.UnixMicro())
	if err != nil {
		return 0, false, fault.Wrap(err, "reading a code")
	}
	principal = id.ID(number)
	if !found || !secret.Equal(stored, hashDigits(ring, principal, binding, onlyDigits(digits))) {
		return 0, false, nil
	}
	// A link of the same code may have been followed meanwhile: then these digits are as good as wrong.
	if err := spend(tx, principal, purpose, wall); err != nil {
		if fault.Is(err, fault.Denied) {
			err = nil
		}
		return 0, false, err
	}
	_, err = tx.Exec(forgiveTry, number, string(purpose))
	return principal, err == nil, fault.Wrap(err, "using a code")
}

// onlyDigits takes out the spaces that people type between digits; anything else stays, and makes them wrong.
func onlyDigits(text string) string {
	const longest = 20
	out := make([]rune, 0, longest)
	for _, r := range text {
		if r != ' ' && r != '\u00a0' && r != '-' && len(out) < longest {
			out = append(out, r)
		}
	}
	return string(out)
}

// endCodes makes codes of these purposes worthless.
func endCodes(tx *db.Tx, principal id.ID, purposes ...Purpose) error {
	for _, purpose := range purposes {
		if _, err := tx.Exec(endCode, int64(principal), string(purpose)); err != nil {
			return fault.Wrap(err, "ending a code")
		}
	}
	return nil
}
