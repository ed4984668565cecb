package credential

import (
	"crypto/rand"
	"math/big"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"tributary/internal/auth"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Authenticator apps: six digits of a 30-second step (RFC 6238), as every app understands them.
const (
	stepSeconds   = 30
	secretBytes   = 20
	confirmWithin = 30 * time.Minute // of BeginTOTP
	maxLabel      = 100              // characters
)

// Recovery codes: ten characters of 32 are 50 bits each, far beyond what can be tried through the throttle.
const (
	recoveryCodes  = 10
	recoveryLength = 10
	recoveryAlpha  = "0123456789abcdefghjkmnpqrstvwxyz"
)

var (
	upsertPending = db.Statement(`INSERT INTO totp (principal, sealed, since, last_step, pending, pending_since)
		VALUES ($1, $2, 0, 0, $3, $4) ON CONFLICT (principal) DO UPDATE
		SET pending = excluded.pending, pending_since = excluded.pending_since`)
	selectTOTP  = db.Statement(`SELECT sealed, since, last_step, pending, pending_since FROM totp WHERE principal = $1`)
	confirmTOTP = db.Statement(`UPDATE totp SET sealed = $2, since = $3, last_step = $4, pending = $5, pending_since = 0
		WHERE principal = $1 AND pending = $6`)
	stepTOTP      = db.Statement(`UPDATE totp SET last_step = $2 WHERE principal = $1 AND last_step < $2 AND since > 0`)
	deleteTOTP    = db.Statement(`DELETE FROM totp WHERE principal = $1`)
	insertCode    = db.Bulk("BIGINT BYTEA", `INSERT INTO recovery_code (principal, hash) VALUES $ROWS`)
	deleteCode    = db.Statement(`DELETE FROM recovery_code WHERE principal = $1 AND hash = $2`)
	deleteCodesOf = db.Statement(`DELETE FROM recovery_code WHERE principal = $1`)
	countCodes    = db.Statement(`SELECT COUNT(*) FROM recovery_code WHERE principal = $1`)
)

// secondFactor is a row of the table: sealed is in use where since is set, pending waits for its first code.
type secondFactor struct {
	sealed, pending       []byte
	since, last, pending0 int64
}

func readTOTP(tx *db.Tx, principal id.ID) (f secondFactor, ok bool, err error) {
	ok, err = tx.One(selectTOTP, []any{&f.sealed, &f.since, &f.last, &f.pending, &f.pending0}, int64(principal))
	return f, ok, fault.Wrap(err, "reading a second factor")
}

func totpContext(principal id.ID) string { return "totp:" + principal.Text(auth.Prefix) }

// BeginTOTP makes a secret for an authenticator app: uri for a QR code, text to type. It counts once it is confirmed; one that is
// in use stays so until then. issuer is the installation's name, label the account's.
func BeginTOTP(tx *db.Tx, ring *secret.Ring, principal id.ID, issuer, label string, wall time.Time) (
	uri, text string, err error) {
	raw := make([]byte, secretBytes)
	rand.Read(raw)
	key, err := totp.Generate(totp.GenerateOpts{Issuer: labelOf(issuer, "Tributary"), AccountName: labelOf(label, "account"),
		Secret: raw})
	if err != nil {
		return "", "", fault.Wrap(err, "making a second factor")
	}
	sealed := ring.Seal("totp", totpContext(principal), []byte(key.Secret()))
	if _, err := tx.Exec(upsertPending, int64(principal), []byte{}, sealed, wall.UnixMicro()); err != nil {
		return "", "", fault.Wrap(err, "making a second factor")
	}
	return key.URL(), key.Secret(), nil
}

// labelOf makes a text that apps show whole: a colon would part it.
func labelOf(text, otherwise string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, ":", " ")), " ")
	if letters := []rune(text); len(letters) > maxLabel {
		text = string(letters[:maxLabel])
	}
	if text == "" {
		return otherwise
	}
	return text
}

// ConfirmTOTP takes the secret into use with a first code, and gives ten new recovery codes, this once. Invalid for a wrong code;
// Conflict where none was begun within half an hour.
func ConfirmTOTP(tx *db.Tx, ring *secret.Ring, principal id.ID, code string, wall time.Time) (recovery []string, err error) {
	f, ok, err := readTOTP(tx, principal)
	if err != nil {
		return nil, err
	}
	if !ok || len(f.pending) == 0 || wall.Sub(time.UnixMicro(f.pending0)) > confirmWithin {
		return nil, fault.New(fault.Conflict, "code", "no authenticator app is being set up", "begin again")
	}
	step, ok, err := matchStep(ring, principal, f.pending, code, wall)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.Invalidf("code", "is not the one that the app shows now", "check the time of the phone, and send six digits")
	}
	// The code that confirms is used up by it, like any other.
	confirmed, err := tx.Exec(confirmTOTP, int64(principal), f.pending, wall.UnixMicro(), step, []byte{}, f.pending)
	if err != nil {
		return nil, fault.Wrap(err, "confirming a second factor")
	}
	if confirmed == 0 {
		return nil, fault.New(fault.Conflict, "code", "another app was set up meanwhile", "begin again")
	}
	return newRecovery(tx, ring, principal)
}

// matchStep gives the time step whose code it is: now, or one before or after.
func matchStep(ring *secret.Ring, principal id.ID, sealed []byte, code string, wall time.Time) (step int64, ok bool, err error) {
	text, err := ring.Open("totp", totpContext(principal), sealed)
	if err != nil {
		return 0, false, fault.Wrap(err, "opening a second factor")
	}
	code = onlyDigits(code)
	now := wall.Unix() / stepSeconds
	// Phones are up to half a minute off. All three are computed and compared, so that the time tells nothing.
	for _, at := range []int64{now, now - 1, now + 1} {
		want, err := hotp.GenerateCodeCustom(string(text), uint64(at), hotp.ValidateOpts{Digits: otp.DigitsSix,
			Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, fault.Wrap(err, "computing a second factor")
		}
		if secret.Equal([]byte(want), []byte(code)) {
			step, ok = at, true
		}
	}
	return step, ok, nil
}

// CheckTOTP tells whether a code is right; each works once, up to half a minute early or late. Count failures (Attempt).
func CheckTOTP(tx *db.Tx, ring *secret.Ring, principal id.ID, code string, wall time.Time) (ok bool, err error) {
	f, ok, err := readTOTP(tx, principal)
	if err != nil || !ok || f.since == 0 {
		return false, err
	}
	step, ok, err := matchStep(ring, principal, f.sealed, code, wall)
	if err != nil || !ok {
		return false, err
	}
	// Whoever saw the code over a shoulder, or took it from a false page, comes too late: the step is used up.
	taken, err := tx.Exec(stepTOTP, int64(principal), step)
	return taken == 1, fault.Wrap(err, "noting a second factor")
}

// EndTOTP takes the second factor away, with its recovery codes.
func EndTOTP(tx *db.Tx, principal id.ID) error {
	for _, statement := range []*db.Stmt{deleteTOTP, deleteCodesOf} {
		if _, err := tx.Exec(statement, int64(principal)); err != nil {
			return fault.Wrap(err, "taking a second factor away")
		}
	}
	return nil
}

// NewRecovery makes ten recovery codes in place of those there were, and gives them this once. Conflict without a second factor.
func NewRecovery(tx *db.Tx, ring *secret.Ring, principal id.ID) ([]string, error) {
	f, ok, err := readTOTP(tx, principal)
	if err != nil {
		return nil, err
	}
	if !ok || f.since == 0 {
		return nil, fault.New(fault.Conflict, "", "recovery codes stand in for an authenticator app, and there is none",
			"set one up first")
	}
	return newRecovery(tx, ring, principal)
}

func newRecovery(tx *db.Tx, ring *secret.Ring, principal id.ID) ([]string, error) {
	if _, err := tx.Exec(deleteCodesOf, int64(principal)); err != nil {
		return nil, fault.Wrap(err, "making recovery codes")
	}
	codes, rows := make([]string, recoveryCodes), make([][]any, recoveryCodes)
	for i := range codes {
		raw := make([]byte, recoveryLength)
		for j := range raw {
			at, err := rand.Int(rand.Reader, big.NewInt(int64(len(recoveryAlpha))))
			if err != nil {
				return nil, fault.Wrap(err, "making recovery codes")
			}
			raw[j] = recoveryAlpha[at.Int64()]
		}
		rows[i] = []any{int64(principal), hashRecovery(ring, principal, string(raw))}
		codes[i] = string(raw[:recoveryLength/2]) + "-" + string(raw[recoveryLength/2:])
	}
	_, err := tx.Bulk(insertCode, rows)
	return codes, fault.Wrap(err, "making recovery codes")
}

// hashRecovery is keyed and bound to the person: a code that leaked from elsewhere fits nobody.
func hashRecovery(ring *secret.Ring, principal id.ID, code string) []byte {
	return ring.Hash("recovery code", principal.Text(auth.Prefix), code)
}

// misread are letters that the alphabet does not have, as people write its digits.
var misread = strings.NewReplacer("o", "0", "i", "1", "l", "1", "-", "", " ", "", "\u00a0", "")

// UseRecovery spends a recovery code in place of an app's code; ok is false for one that is not valid. Count failures (Attempt).
func UseRecovery(tx *db.Tx, ring *secret.Ring, principal id.ID, code string) (ok bool, err error) {
	const longest = 40 // as it is typed
	if len(code) > longest {
		return false, nil
	}
	code = misread.Replace(strings.ToLower(code))
	spent, err := tx.Exec(deleteCode, int64(principal), hashRecovery(ring, principal, code))
	return spent == 1, fault.Wrap(err, "using a recovery code")
}

// RecoveryLeft counts the codes that are left.
func RecoveryLeft(tx *db.Tx, principal id.ID) (int, error) {
	var left int64
	_, err := tx.One(countCodes, []any{&left}, int64(principal))
	return int(left), fault.Wrap(err, "counting recovery codes")
}
