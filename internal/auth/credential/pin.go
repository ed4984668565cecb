package credential

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Lengths of a PIN, in digits.
const (
	minPIN = 4
	maxPIN = 8
)

// PIN is a phone PIN that was found good, as it is stored.
type PIN struct {
	creator id.ID
	hash    string
}

var (
	upsertPIN = db.Statement(`INSERT INTO phone_pin (creator, hash, since) VALUES ($1, $2, $3)
		ON CONFLICT (creator) DO UPDATE SET hash = excluded.hash, since = excluded.since`)
	selectPIN = db.Statement(`SELECT hash FROM phone_pin WHERE creator = $1`)
	deletePIN = db.Statement(`DELETE FROM phone_pin WHERE creator = $1`)
)

// PreparePIN checks and hashes a PIN of 4 to 8 digits, outside any transaction. One digit repeated, and digits in a row, are
// Invalid: a caller who is not the creator tries them first.
func PreparePIN(ctx context.Context, ring *secret.Ring, creator id.ID, pin string) (PIN, error) {
	pin, err := readPIN(pin)
	if err != nil {
		return PIN{}, err
	}
	if len(once(pin)) <= 2 || strings.Contains(rows[1], pin) || strings.Contains(reversed(rows[1]), pin) {
		return PIN{}, fault.Invalidf("pin", "is one that everybody tries first", "send other digits")
	}
	p := PIN{creator: creator}
	err = inTurn(ctx, func() (err error) {
		p.hash, err = argon2id.CreateHash(peppered(ring, creator, pin), params)
		return err
	})
	return p, fault.Wrap(err, "hashing a PIN")
}

func readPIN(text string) (string, error) {
	pin := onlyDigits(text)
	if len(pin) < minPIN || len(pin) > maxPIN || strings.Trim(pin, "0123456789") != "" {
		return "", fault.Invalidf("pin", "is not %d to %d digits", "send digits only", minPIN, maxPIN)
	}
	return pin, nil
}

// peppered binds a PIN to the ring's key: a million PINs are soon tried by whoever has the table alone.
func peppered(ring *secret.Ring, creator id.ID, pin string) string {
	return hex.EncodeToString(ring.Hash("phone pin", creator.Text(id.Creator), pin))
}

// SetPIN stores it for its creator.
func SetPIN(tx *db.Tx, p PIN, wall time.Time) error {
	_, err := tx.Exec(upsertPIN, int64(p.creator), p.hash, wall.UnixMicro())
	return fault.Wrap(err, "setting a PIN")
}

// CheckPIN tells whether a caller said the creator's PIN; false where there is none. Exhausted after a few wrong ones, for a
// while.
func CheckPIN(ctx context.Context, d *db.DB, ring *secret.Ring, creator id.ID, pin string, wall time.Time) (bool, error) {
	pin, err := readPIN(pin)
	if err != nil {
		return false, err
	}
	key := "pin:" + creator.Text(id.Creator)
	// Limited here and not by the page, since a caller has no address and staff type what they hear.
	if err := Attempt(ctx, d, ring, wall, key); err != nil {
		return false, err
	}
	stored, found, match := dummy, false, false
	if err := d.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = tx.One(selectPIN, []any{&stored}, int64(creator))
		return err
	}); err != nil {
		return false, fault.Wrap(err, "reading a PIN")
	}
	if err := inTurn(ctx, func() (err error) {
		match, err = argon2id.ComparePasswordAndHash(peppered(ring, creator, pin), stored)
		return err
	}); err != nil || !match || !found {
		return false, fault.Wrap(err, "comparing a PIN")
	}
	return true, d.Write(ctx, db.Interactive, func(tx *db.Tx) error { return Succeeded(tx, ring, wall, key) })
}

// HasPIN tells whether a creator has one.
func HasPIN(tx *db.Tx, creator id.ID) (bool, error) {
	var hash string
	found, err := tx.One(selectPIN, []any{&hash}, int64(creator))
	return found, fault.Wrap(err, "reading a PIN")
}

// EndPIN takes it away; where there is none, nothing changes.
func EndPIN(tx *db.Tx, creator id.ID) error {
	_, err := tx.Exec(deletePIN, int64(creator))
	return fault.Wrap(err, "taking a PIN away")
}
