// Package person keeps one key per person. What is sealed under it can be kept for ever, in rows that are never changed and
// under seals and chains, and is gone for good once the key is destroyed (erasure).
//
// What must always hold: a key is stored sealed under the installation's own keys; a destroyed key never comes back, and no
// new one is made for that person; what is sealed for one place opens in no other.
//
// It owns nothing that is sealed.
package person

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Seal seals text that is personal to somebody (a creator's or a principal's id). The key is made with the first use.
// context binds it to its place, such as "journal:123". A person who was erased is Denied.
func Seal(tx *db.Tx, ring *secret.Ring, who id.ID, context string, text []byte) ([]byte, error) {
	return nil, notYet
}

// Open opens what Seal sealed; ok is false where the person was erased.
func Open(tx *db.Tx, ring *secret.Ring, who id.ID, context string, sealed []byte) (text []byte, ok bool, err error) {
	return nil, false, notYet
}

// Erase destroys a person's key. Doing it again changes nothing.
func Erase(tx *db.Tx, who id.ID, now time.Time) error { return notYet }

// Erased tells whether a person's key was destroyed.
func Erased(tx *db.Tx, who id.ID) (bool, error) { return false, notYet }
