package credential

import (
	"context"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// ParseEmail gives an address as it is compared: NFKC, small letters, the host in ASCII. Invalid names the rule.
func ParseEmail(text string) (string, error) { return "", notYet }

// SetEmail notes an address that is still to be verified; a verified one stays in use until then. Codes of purposes verify and
// change that were mailed to an earlier one work no more. An address that is none is Invalid.
func SetEmail(tx *db.Tx, ring *secret.Ring, principal id.ID, email string, wall time.Time) error {
	return notYet
}

// VerifiedEmail gives somebody's verified address, or else the one that waits for it; ok is false where there is none.
func VerifiedEmail(tx *db.Tx, ring *secret.Ring, principal id.ID) (email string, verified, ok bool, err error) {
	return "", false, false, notYet
}

// PendingEmail gives the address that waits to be verified; ok is false where none does.
func PendingEmail(tx *db.Tx, ring *secret.Ring, principal id.ID) (email string, ok bool, err error) {
	return "", false, notYet
}

// FindByEmail gives the person whose verified address it is and who is not closed.
func FindByEmail(tx *db.Tx, ring *secret.Ring, email string) (principal id.ID, found bool, err error) {
	return 0, false, notYet
}

// VerifyEmail makes the waiting address the verified one: after UseCode or UseDigits with purpose verify or change, in the same
// transaction. Conflict where it is verified for another person: it is told to whoever holds the mailbox, and to nobody else.
func VerifyEmail(tx *db.Tx, ring *secret.Ring, principal id.ID, wall time.Time) error { return notYet }

// TrustEmail sets and verifies an address that somebody else has verified: a store's or a directory's sign-in.
func TrustEmail(tx *db.Tx, ring *secret.Ring, principal id.ID, email string, wall time.Time) error {
	return notYet
}

// Purpose is what a mailed code is for.
type Purpose string

// The purposes.
const (
	Verify Purpose = "verify" // a first address is theirs
	Reset  Purpose = "reset"  // a new password
	SignIn Purpose = "signin"
	Change Purpose = "change" // another address is theirs
)

// Code is what is mailed: Link for an address to follow, Digits (six) to type where it was asked for.
type Code struct{ Link, Digits string }

// MakeCode makes a code, good for 20 minutes; an earlier one of that purpose works no more. binding is a text that only the
// asking browser's session keeps (20 characters or more); empty where digits are not to be typed. verify and change go to the
// waiting address (PendingEmail), reset and signin to the verified one; without it they are a Conflict.
func MakeCode(tx *db.Tx, ring *secret.Ring, principal id.ID, purpose Purpose, binding string, wall time.Time) (Code, error) {
	return Code{}, notYet
}

// UseCode spends a link's code and gives whose it is. Denied where it is not valid: two who use it at once, one wins.
func UseCode(tx *db.Tx, ring *secret.Ring, purpose Purpose, link string, wall time.Time) (principal id.ID, err error) {
	return 0, notYet
}

// UseDigits spends the digits of a code in the browser that asked for it. ok is false for wrong ones: the try is counted, and so
// the transaction must be committed. After five tries the code's digits work no more, its link does.
func UseDigits(tx *db.Tx, ring *secret.Ring, purpose Purpose, binding, digits string, wall time.Time) (principal id.ID, ok bool, err error) {
	return 0, false, notYet
}

// Password is a password that was found good, as it is stored.
type Password struct{ hash string }

// PreparePassword checks and hashes a password, outside any transaction. about are the person's name and addresses, which it must
// not contain. Invalid names the rule; Exhausted: too many at once.
func PreparePassword(ctx context.Context, password string, about ...string) (Password, error) {
	return Password{}, notYet
}

// SetPassword stores a prepared password in place of the one there was.
func SetPassword(tx *db.Tx, principal id.ID, p Password, wall time.Time) error { return notYet }

// EndPassword takes the password away. Where it was the last way in, it is a Conflict.
func EndPassword(tx *db.Tx, principal id.ID) error { return notYet }

// CheckPassword gives who has that verified address and password. Denied, in the same words and about the same time, for an
// unknown address, a person without a password and a wrong one. The second factor is still to be asked for (Ways.TOTP).
func CheckPassword(ctx context.Context, d *db.DB, ring *secret.Ring, email, password string, wall time.Time) (id.ID, error) {
	return 0, notYet
}

// CheckOwnPassword asks somebody who is signed in once more. Denied where it is wrong or there is none.
func CheckOwnPassword(ctx context.Context, d *db.DB, principal id.ID, password string, wall time.Time) error {
	return notYet
}

// BeginTOTP makes a secret for an authenticator app: uri for a QR code, text to type. It counts once it is confirmed; one that is
// in use stays so until then. issuer is the installation's name, label the account's.
func BeginTOTP(tx *db.Tx, ring *secret.Ring, principal id.ID, issuer, label string, wall time.Time) (uri, text string, err error) {
	return "", "", notYet
}

// ConfirmTOTP takes the secret into use with a first code, and gives ten new recovery codes, this once. Invalid for a wrong code.
func ConfirmTOTP(tx *db.Tx, ring *secret.Ring, principal id.ID, code string, wall time.Time) (recovery []string, err error) {
	return nil, notYet
}

// CheckTOTP tells whether a code is right; each works once, up to half a minute early or late. Count failures (Throttle).
func CheckTOTP(tx *db.Tx, ring *secret.Ring, principal id.ID, code string, wall time.Time) (ok bool, err error) {
	return false, notYet
}

// EndTOTP takes the second factor away, with its recovery codes.
func EndTOTP(tx *db.Tx, principal id.ID) error { return notYet }

// NewRecovery makes ten recovery codes in place of those there were, and gives them this once. Conflict without a second factor.
func NewRecovery(tx *db.Tx, ring *secret.Ring, principal id.ID) ([]string, error) { return nil, notYet }

// UseRecovery spends a recovery code in place of an app's code; ok is false for one that is not valid.
func UseRecovery(tx *db.Tx, ring *secret.Ring, principal id.ID, code string) (ok bool, err error) {
	return false, notYet
}

// RecoveryLeft counts the codes that are left.
func RecoveryLeft(tx *db.Tx, principal id.ID) (int, error) { return 0, notYet }

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID      string
	Name    string
	Created time.Time
	Used    time.Time // zero where it never was
	Synced  bool      // it is kept by an account of the device's maker, and so survives the device
	Warned  time.Time // when it behaved like a copy; zero where it never did
}

// Passkeys runs the ceremonies with authenticators.
type Passkeys struct{}

// NewPasskeys gives them for an installation of that name at its home address (https, or http on localhost). Invalid where no browser
// would do it there: at an IP address, or without TLS.
func NewPasskeys(name, home string) (*Passkeys, error) { return nil, notYet }

// BeginRegister begins to add a passkey: options are the JSON for navigator.credentials.create, and ceremony is what the browser's
// session keeps until FinishRegister, up to 5 minutes.
func (p *Passkeys) BeginRegister(tx *db.Tx, principal id.ID, wall time.Time) (options []byte, ceremony string, err error) {
	return nil, "", notYet
}

// FinishRegister adds the passkey that an authenticator made. body is the credential's JSON as the browser gives it; name is what its
// owner calls it. Denied for a ceremony that is over, was finished, or is another's; Invalid for an answer that does not hold.
func (p *Passkeys) FinishRegister(tx *db.Tx, principal id.ID, ceremony, name string, body []byte, wall time.Time) (Passkey, error) {
	return Passkey{}, notYet
}

// BeginLogin begins a sign-in with whichever passkey the person has: options are the JSON for navigator.credentials.get.
func (p *Passkeys) BeginLogin(tx *db.Tx, wall time.Time) (options []byte, ceremony string, err error) {
	return nil, "", notYet
}

// FinishLogin gives who signed in with a passkey. Denied for anything that does not hold; where the passkey behaved like a copy, the
// person is given beside the error, to be told. It runs transactions of its own: a ceremony is spent, whatever comes of it.
func (p *Passkeys) FinishLogin(ctx context.Context, d *db.DB, ceremony string, body []byte, wall time.Time) (id.ID, error) {
	return 0, notYet
}

// PasskeysOf lists somebody's passkeys, the oldest first.
func PasskeysOf(tx *db.Tx, principal id.ID) ([]Passkey, error) { return nil, notYet }

// RenamePasskey changes what its owner calls it. NotFound where it is not theirs.
func RenamePasskey(tx *db.Tx, principal id.ID, passkey, name string) error { return notYet }

// RemovePasskey takes one away. NotFound where it is not theirs; Conflict where it is the last way in.
func RemovePasskey(tx *db.Tx, principal id.ID, passkey string) error { return notYet }

// Ways is how somebody can sign in.
type Ways struct {
	Passkeys int
	Password bool // usable only beside a verified address
	TOTP     bool // asked for after a password, and after a mailed link
	Recovery int  // codes left
	Email    string
	Verified bool
	Pending  string // another address that waits to be verified
}

// WaysOf gives somebody's ways in.
func WaysOf(tx *db.Tx, ring *secret.Ring, principal id.ID) (Ways, error) { return Ways{}, notYet }

// Allowed tells whether another guess may be made now: Exhausted says when to come back. Keys are "account:…", "address:…", and any
// other word before a colon; they are stored hashed.
func Allowed(tx *db.Tx, ring *secret.Ring, wall time.Time, keys ...string) error { return notYet }

// Failed counts a guess that was wrong. It must be committed.
func Failed(tx *db.Tx, ring *secret.Ring, wall time.Time, keys ...string) error { return notYet }

// Passed forgets the wrong guesses at an account, not those from an address: whoever has an account of their own must not get
// new tries at others by it.
func Passed(tx *db.Tx, ring *secret.Ring, wall time.Time, keys ...string) error { return notYet }

// Attempt is Allowed and Failed in a transaction of its own, before the guess is looked at: many at the same moment count as many.
// Passed afterwards takes back what it counted where the guess was right.
func Attempt(ctx context.Context, d *db.DB, ring *secret.Ring, wall time.Time, keys ...string) error {
	return notYet
}

// PIN is a phone PIN that was found good, as it is stored.
type PIN struct {
	creator id.ID
	hash    string
}

// PreparePIN checks and hashes a PIN of 4 to 8 digits, outside any transaction.
func PreparePIN(ctx context.Context, ring *secret.Ring, creator id.ID, pin string) (PIN, error) {
	return PIN{}, notYet
}

// SetPIN stores it for its creator.
func SetPIN(tx *db.Tx, p PIN, wall time.Time) error { return notYet }

// CheckPIN tells whether a caller said the creator's PIN. Exhausted after a few wrong ones, for a while.
func CheckPIN(ctx context.Context, d *db.DB, ring *secret.Ring, creator id.ID, pin string, wall time.Time) (bool, error) {
	return false, notYet
}

// HasPIN tells whether a creator has one.
func HasPIN(tx *db.Tx, creator id.ID) (bool, error) { return false, notYet }

// EndPIN takes it away.
func EndPIN(tx *db.Tx, creator id.ID) error { return notYet }

// Forget removes every way in of a person, and what is sealed of them here.
func Forget(tx *db.Tx, principal id.ID) error { return notYet }
