package credential

import (
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Ways is how somebody can sign in. Accounts elsewhere (package oidc) are not among them: whoever runs those may take them away,
// and so nobody is left with nothing else.
type Ways struct {
	Passkeys int
	Password bool // usable only beside a verified address
	TOTP     bool // asked for after a password, and after a mailed link
	Recovery int  // codes left
	Email    string
	Verified bool
	Pending  string // another address that waits to be verified
}

var (
	countPasskeys = db.Statement(`SELECT COUNT(*) FROM passkey WHERE principal = $1`)
	hasEmail      = db.Statement(`SELECT COUNT(*) FROM email WHERE principal = $1 AND state = 'verified'`)
	// Touching the person's row makes two who remove a way at the same moment wait: the second one counts anew.
	touchPerson = db.Statement(`UPDATE principal SET name = name WHERE id = $1`)
)

// WaysOf gives somebody's ways in.
func WaysOf(tx *db.Tx, ring *secret.Ring, principal id.ID) (w Ways, err error) {
	var passkeys, own int64
	var hash string
	if _, err := tx.One(countPasskeys, []any{&passkeys}, int64(principal)); err != nil {
		return w, fault.Wrap(err, "reading ways to sign in")
	}
	if w.Password, err = tx.One(selectOwn, []any{&own, &hash}, int64(principal)); err != nil {
		return w, fault.Wrap(err, "reading ways to sign in")
	}
	f, ok, err := readTOTP(tx, principal)
	if err != nil {
		return w, err
	}
	w.Passkeys, w.TOTP = int(passkeys), ok && f.since > 0
	if w.Recovery, err = RecoveryLeft(tx, principal); err != nil {
		return w, err
	}
	if w.Email, w.Verified, _, err = VerifiedEmail(tx, ring, principal); err == nil && w.Verified {
		w.Pending, _, err = PendingEmail(tx, ring, principal)
	}
	return w, err
}

// keepWay refuses a change, when it was made, that left somebody no way to sign in: there must be a passkey, or a verified
// address, to which a link can be mailed.
func keepWay(tx *db.Tx, principal id.ID) error {
	if _, err := tx.Exec(touchPerson, int64(principal)); err != nil {
		return fault.Wrap(err, "reading ways to sign in")
	}
	var passkeys, addresses int64
	if _, err := tx.One(countPasskeys, []any{&passkeys}, int64(principal)); err != nil {
		return fault.Wrap(err, "reading ways to sign in")
	}
	if _, err := tx.One(hasEmail, []any{&addresses}, int64(principal)); err != nil {
		return fault.Wrap(err, "reading ways to sign in")
	}
	if passkeys+addresses == 0 {
		return fault.New(fault.Conflict, "", "this is your last way to sign in", "add another passkey or verify an address first")
	}
	return nil
}

// forget lists all that is kept here about a person.
var forget = []*db.Stmt{deleteEmails, deleteCodes, deletePassword, deleteTOTP, deleteCodesOf, deletePasskeys, deleteHandle,
	deleteCeremonies}

// Forget removes every way in of a person, and what is sealed of them here. Doing it again changes nothing.
func Forget(tx *db.Tx, principal id.ID) error {
	for _, statement := range forget {
		if _, err := tx.Exec(statement, int64(principal)); err != nil {
			return fault.Wrap(err, "forgetting a person's ways to sign in")
		}
	}
	return nil
}
