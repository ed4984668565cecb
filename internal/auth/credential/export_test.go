package credential

import (
	"context"

	"tributary/internal/db"
	"tributary/internal/id"
)

// What the tests of passwords look at beside what everybody may.
var (
	Params = params
	Dummy  = dummy
)

// CheckText reads a password and says whether it is good, without the cost of hashing it.
func CheckText(text string) (string, error) {
	read, err := readPassword(text)
	if err == nil {
		err = checkPassword(read, nil)
	}
	return read, err
}

// ReadPIN reads a PIN.
func ReadPIN(text string) (string, error) { return readPIN(text) }

// Hashed is a password of other costs.
func Hashed(hash string) Password { return Password{hash} }

// InTurn is how hashes wait.
func InTurn(ctx context.Context, fn func() error) error { return inTurn(ctx, fn) }

// StoredHash gives what is stored of a password.
func StoredHash(tx *db.Tx, principal id.ID) (hash string, err error) {
	var number int64
	_, err = tx.One(selectOwn, []any{&number, &hash}, int64(principal))
	return hash, err
}

var selectRows = db.Statement(`SELECT hash FROM throttle ORDER BY hash`)

// ThrottleRows gives the keys as they are stored.
func ThrottleRows(tx *db.Tx) (all [][]byte, err error) {
	err = tx.Each(selectRows, func(scan func(...any) error) error {
		var hash []byte
		err := scan(&hash)
		all = append(all, hash)
		return err
	})
	return all, err
}

var countRows = db.Statement(`SELECT (SELECT COUNT(*) FROM email WHERE principal = $1)
	+ (SELECT COUNT(*) FROM mail_code WHERE principal = $1)
	+ (SELECT COUNT(*) FROM password WHERE principal = $1) + (SELECT COUNT(*) FROM totp WHERE principal = $1)
	+ (SELECT COUNT(*) FROM recovery_code WHERE principal = $1) + (SELECT COUNT(*) FROM passkey WHERE principal = $1)
	+ (SELECT COUNT(*) FROM passkey_handle WHERE principal = $1) + (SELECT COUNT(*) FROM ceremony WHERE principal = $1)`)

// RowsOf counts what is kept about a person.
func RowsOf(tx *db.Tx, principal id.ID) (count int64, err error) {
	_, err = tx.One(countRows, []any{&count}, int64(principal))
	return count, err
}
