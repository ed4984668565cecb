// Package auth knows who may do what: the people who sign in, the accounts that they act for (a creator, an agency, a
// brand) and with which seat, the operator's staff with their roles, their sessions and devices, the links with which they
// sign in, and the API tokens of programs with their scopes.
//
// What must always hold: nothing here that opens a door is stored as it is, only its hash; what no row allows is denied;
// role and seat are asked for anew with every request, so that a closed account, an ended device and a seat that was taken
// away are out at once; an account keeps an owner, and the installation an admin; staff hold no seats; all times are the
// wall clock's.
//
// It owns no page, no cookie and no HTTP: doors hold the table of routes and ask here. How somebody proves who they are is
// package credential's.
package auth

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Role says what a person is to the installation. Staff have one role each; everybody else has the kind of the account that
// they act for, and none (the empty role, which nothing allows) while they act for nobody.
type Role string

// The roles.
const (
	Creator  Role = "creator"
	Admin    Role = "admin"
	Reviewer Role = "reviewer"
	Finance  Role = "finance"
	Support  Role = "support"
	Auditor  Role = "auditor"
	Brand    Role = "brand"
	Agency   Role = "agency"
)

// Everybody lists the roles: creators first, then staff, then other accounts.
var Everybody = []Role{Creator, Admin, Reviewer, Finance, Support, Auditor, Brand, Agency}

// Roles is a set of roles: what a route's row holds. The zero value lets nobody in.
type Roles uint16

// Of makes a set.
func Of(roles ...Role) (set Roles) {
	for _, role := range roles {
		for bit, known := range Everybody {
			if role == known {
				set |= 1 << bit
			}
		}
	}
	return set
}

// Sets that many routes share.
var (
	Creators = Of(Creator)
	Staff    = Of(Admin, Reviewer, Finance, Support, Auditor)
	Accounts = Of(Creator, Brand, Agency) // what seats are held in
)

// Has tells whether a role is in the set; a role that does not exist never is.
func (s Roles) Has(role Role) bool { return Of(role)&s != 0 }

// Principal is somebody who may sign in, with the account that they act for.
type Principal struct {
	ID      id.ID
	Name    string
	Role    Role
	Creator id.ID // set for the role Creator, and for no other
	Account id.ID // the creator, agency or brand acted for; 0 for staff
	Seat    Seat  // what they may do there; staff are the owners of their own page
}

// Prefix is how a principal's id is written.
const Prefix = "us_"

const maxName = 100 // characters, as the name of a creator

// Check refuses what cannot be a principal.
func (p Principal) Check() error {
	if err := checkName(p.Name); err != nil {
		return err
	}
	switch {
	case Of(p.Role) == 0:
		return fault.Invalidf("role", "is not a role", "send creator, brand, agency, admin, reviewer, finance, support or auditor")
	case (p.Role == Creator) != (p.Creator != 0):
		return fault.Invalidf("creator", "goes with the role creator, and with no other", "send both or neither")
	}
	return nil
}

func checkName(name string) error {
	bad := name == "" || name != strings.TrimSpace(name) || !utf8.ValidString(name) ||
		utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, unicode.IsControl)
	if bad {
		return fault.Invalidf("name", "is not a name", "send 1 to 100 characters without line breaks, and no spaces around them")
	}
	return nil
}

var (
	insertPrincipal = db.Statement(`INSERT INTO principal (id, name, role, creator, created, closed)
		VALUES ($1, $2, $3, $4, $5, 0)`)
	selectPrincipal = db.Statement(`SELECT p.id, p.name, p.role, p.creator, COALESCE(s.seat, '') FROM principal p
		LEFT JOIN seat s ON s.account = p.creator AND s.principal = p.id WHERE p.id = $1 AND p.closed = 0`)
	selectOfCreator = db.Statement(`SELECT p.id, p.name, s.kind, s.account, s.seat FROM seat s
		JOIN principal p ON p.id = s.principal WHERE s.account = $1 AND s.kind = 'creator' AND p.closed = 0
		ORDER BY CASE s.seat WHEN 'owner' THEN 0 ELSE 1 END, s.since, p.id LIMIT 1`)
	selectOfRole = db.Statement(`SELECT p.id, p.name, p.role, p.creator, COALESCE(s.seat, '') FROM principal p
		LEFT JOIN seat s ON s.account = p.creator AND s.principal = p.id
		WHERE p.role = $1 AND p.closed = 0 ORDER BY p.id LIMIT 1`)
	closeOne  = db.Statement(`UPDATE principal SET closed = $2 WHERE id = $1 AND closed = 0`)
	renameOne = db.Statement(`UPDATE principal SET name = $2 WHERE id = $1 AND closed = 0`)
)

// Open makes somebody who can sign in and gives them with their id. One with the role Creator owns that creator's account.
func Open(tx *db.Tx, p Principal, now time.Time) (Principal, error) {
	if err := p.Check(); err != nil {
		return p, err
	}
	p.ID, p.Account, p.Seat = id.New(now), p.Creator, ""
	if _, err := tx.Exec(insertPrincipal, int64(p.ID), p.Name, string(p.Role), int64(p.Creator), now.UnixMicro()); err != nil {
		return p, fault.Wrap(err, "opening an account")
	}
	switch {
	case p.Role == Creator:
		p.Seat = Owner
		return p, sit(tx, p.Creator, p.ID, Creator, Owner, now)
	case Staff.Has(p.Role):
		p.Seat = Owner
	}
	return p, nil
}

// OpenPerson makes somebody who can sign in and acts for nobody yet: whoever comes by an invitation.
func OpenPerson(tx *db.Tx, name string, now time.Time) (Principal, error) {
	if err := checkName(name); err != nil {
		return Principal{}, err
	}
	p := Principal{ID: id.New(now), Name: name}
	_, err := tx.Exec(insertPrincipal, int64(p.ID), name, "", int64(0), now.UnixMicro())
	return p, fault.Wrap(err, "opening an account")
}

// Rename changes how somebody is called. A name that is none is Invalid.
func Rename(tx *db.Tx, principal id.ID, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return affected(tx, renameOne, "renaming an account", int64(principal), name)
}

// affected runs a change of one account that must be there.
func affected(tx *db.Tx, statement *db.Stmt, doing string, args ...any) error {
	changed, err := tx.Exec(statement, args...)
	if err == nil && changed == 0 {
		return fault.New(fault.NotFound, "principal", "there is no such account, or it is closed", "check the id")
	}
	return fault.Wrap(err, doing)
}

// Close ends an account: its sessions, links and all open no door any more. Closing the last admin is a Conflict.
func Close(tx *db.Tx, principal id.ID, now time.Time) error {
	if err := keepAdmin(tx, principal); err != nil {
		return err
	}
	return affected(tx, closeOne, "closing an account", int64(principal), now.UnixMicro())
}

// Find reads somebody who is not closed, with what they are by themselves: a creator's owner, or staff. ok is false where
// there is none. Whom a request acts for is told by Who.
func Find(tx *db.Tx, principal id.ID) (p Principal, ok bool, err error) {
	return one(tx, selectPrincipal, int64(principal))
}

// OfCreator gives who acts for a creator: the oldest owner where there are several.
func OfCreator(tx *db.Tx, creator id.ID) (p Principal, ok bool, err error) {
	return one(tx, selectOfCreator, int64(creator))
}

// OfRole gives the oldest account of a role.
func OfRole(tx *db.Tx, role Role) (p Principal, ok bool, err error) {
	return one(tx, selectOfRole, string(role))
}

// one reads the first account that a statement finds.
func one(tx *db.Tx, statement *db.Stmt, key any) (p Principal, ok bool, err error) {
	var number, creator int64
	ok, err = tx.One(statement, []any{&number, &p.Name, &p.Role, &creator, &p.Seat}, key)
	p.ID, p.Creator, p.Account = id.ID(number), id.ID(creator), id.ID(creator)
	if Staff.Has(p.Role) {
		p.Seat = Owner
	}
	return p, ok, fault.Wrap(err, "reading an account")
}
