package oidc

import (
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

var (
	selectIdentity = db.Statement(`SELECT principal FROM identity WHERE hash = $1`)
	insertIdentity = db.Statement(`INSERT INTO identity (hash, issuer, principal, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`)
	selectTies     = db.Statement(`SELECT issuer, created FROM identity WHERE principal = $1 ORDER BY issuer`)
	deleteTie      = db.Statement(`DELETE FROM identity WHERE principal = $1 AND issuer = $2`)
	deleteTies     = db.Statement(`DELETE FROM identity WHERE principal = $1`)
)

const identityPurpose = "oidc-identity"

func (i Identity) hash(ring *secret.Ring) []byte {
	return ring.Hash(identityPurpose, i.Issuer, i.Subject)
}

// Tied is an account elsewhere with which somebody signs in.
type Tied struct {
	Issuer string
	Since  time.Time
}

// Find gives who signs in with an account elsewhere; ok is false for one that nobody tied. A closed account is found, too:
// whoever asks looks whether it is open.
func Find(tx *db.Tx, ring *secret.Ring, who Identity) (principal id.ID, ok bool, err error) {
	var number int64
	ok, err = tx.One(selectIdentity, []any{&number}, who.hash(ring))
	return id.ID(number), ok, fault.Wrap(err, "reading an account elsewhere")
}

// Bind lets a principal sign in with an account elsewhere. Doing it again changes nothing; one that is somebody else's, or
// a second one of the same issuer, is a Conflict.
func Bind(tx *db.Tx, ring *secret.Ring, who Identity, principal id.ID, wall time.Time) error {
	added, err := tx.Exec(insertIdentity, who.hash(ring), who.Issuer, int64(principal), wall.UnixMicro())
	if err != nil || added == 1 {
		return fault.Wrap(err, "tying an account elsewhere")
	}
	owner, found, err := Find(tx, ring, who)
	switch {
	case err != nil:
		return err
	case !found:
		return fault.New(fault.Conflict, "", "you sign in with another account of the same kind", "remove that one first")
	case owner != principal:
		return fault.New(fault.Conflict, "", "this account is used by somebody else here", "sign in with it, or use another one")
	}
	return nil
}

// Ties lists the accounts elsewhere of a principal.
func Ties(tx *db.Tx, principal id.ID) (ties []Tied, err error) {
	err = tx.Each(selectTies, func(scan func(...any) error) error {
		var one Tied
		var created int64
		err := scan(&one.Issuer, &created)
		one.Since = clock.FromMicro(created)
		ties = append(ties, one)
		return err
	}, int64(principal))
	return ties, fault.Wrap(err, "reading accounts elsewhere")
}

// Release ends one.
func Release(tx *db.Tx, principal id.ID, issuer string) error {
	gone, err := tx.Exec(deleteTie, int64(principal), issuer)
	if err == nil && gone == 0 {
		return fault.New(fault.NotFound, "issuer", "is not one of yours", "open the page again")
	}
	return fault.Wrap(err, "removing an account elsewhere")
}

// Forget removes all of a principal's (erasure).
func Forget(tx *db.Tx, principal id.ID) error {
	_, err := tx.Exec(deleteTies, int64(principal))
	return fault.Wrap(err, "removing accounts elsewhere")
}

// Staff gives the account of a member of staff as the directory says it is now. Somebody new gets one; a changed group
// changes the role; who is in no group that has a role is Denied, and what was open for them is to be closed: was is
// their account, where they had one. A account that was closed here stays closed.
func Staff(tx *db.Tx, ring *secret.Ring, who Identity, wall time.Time) (p auth.Principal, was id.ID, err error) {
	principal, tied, err := Find(tx, ring, who)
	if err != nil {
		return p, 0, err
	}
	if who.Role == "" {
		return p, principal, fault.New(fault.Denied, "", "none of your groups has a role here", "ask whoever runs the directory")
	}
	if tied {
		p, open, err := auth.Find(tx, principal)
		if err != nil {
			return p, 0, err
		}
		if !open || !auth.Staff.Has(p.Role) {
			return p, principal, fault.New(fault.Denied, "", "this account is closed", "ask whoever runs the installation")
		}
		if p.Role != who.Role {
			err = auth.SetRole(tx, principal, who.Role)
			p.Role = who.Role
		}
		return p, principal, err
	}
	name := who.Name
	if name == "" {
		name = "Staff"
	}
	if p, err = auth.Open(tx, auth.Principal{Name: name, Role: who.Role}, wall); err != nil {
		return p, 0, err
	}
	return p, 0, Bind(tx, ring, who, p.ID, wall)
}
