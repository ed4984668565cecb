// Package auth knows who may do what: the people who sign in with their roles, their sessions, the links with which they
// sign in, and the API tokens of programs with their scopes.
//
// What must always hold: nothing here that opens a door is stored as it is, only its hash; what no row allows is denied;
// a role is asked for anew with every request, so that a closed account is out at once; all times are the wall clock's.
//
// It owns no page, no cookie and no HTTP: doors hold the table of routes and ask here.
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

// Role says what a person is to the installation. Staff have one role each.
type Role string

// The roles.
const (
	Creator  Role = "creator"
	Admin    Role = "admin"
	Reviewer Role = "reviewer"
	Finance  Role = "finance"
	Support  Role = "support"
	Auditor  Role = "auditor"
)

// Everybody lists the roles, creators first.
var Everybody = []Role{Creator, Admin, Reviewer, Finance, Support, Auditor}

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
)

// Has tells whether a role is in the set; a role that does not exist never is.
func (s Roles) Has(role Role) bool { return Of(role)&s != 0 }

// Principal is somebody who may sign in.
type Principal struct {
	ID      id.ID
	Name    string
	Role    Role
	Creator id.ID // set for the role Creator, and for no other
}

// Prefix is how a principal's id is written.
const Prefix = "us_"

const maxName = 100 // characters, as the name of a creator

// Check refuses what cannot be a principal.
func (p Principal) Check() error {
	bad := p.Name == "" || p.Name != strings.TrimSpace(p.Name) || !utf8.ValidString(p.Name) ||
		utf8.RuneCountInString(p.Name) > maxName || strings.ContainsFunc(p.Name, unicode.IsControl)
	switch {
	case bad:
		return fault.Invalidf("name", "is not a name", "send 1 to 100 characters without line breaks, and no spaces around them")
	case Of(p.Role) == 0:
		return fault.Invalidf("role", "is not a role", "send creator, admin, reviewer, finance, support or auditor")
	case (p.Role == Creator) != (p.Creator != 0):
		return fault.Invalidf("creator", "goes with the role creator, and with no other", "send both or neither")
	}
	return nil
}

var (
	insertPrincipal = db.Statement(`INSERT INTO principal (id, name, role, creator, created, closed)
		VALUES ($1, $2, $3, $4, $5, 0)`)
	selectPrincipal = db.Statement(`SELECT id, name, role, creator FROM principal WHERE id = $1 AND closed = 0`)
	selectOfCreator = db.Statement(`SELECT id, name, role, creator FROM principal
		WHERE creator = $1 AND creator <> 0 AND closed = 0 ORDER BY id LIMIT 1`)
	selectOfRole = db.Statement(`SELECT id, name, role, creator FROM principal WHERE role = $1 AND closed = 0 ORDER BY id LIMIT 1`)
	closeOne     = db.Statement(`UPDATE principal SET closed = $2 WHERE id = $1 AND closed = 0`)
)

// Open makes an account that can sign in and gives it with its id.
func Open(tx *db.Tx, p Principal, now time.Time) (Principal, error) {
	if err := p.Check(); err != nil {
		return p, err
	}
	p.ID = id.New(now)
	_, err := tx.Exec(insertPrincipal, int64(p.ID), p.Name, string(p.Role), int64(p.Creator), now.UnixMicro())
	return p, fault.Wrap(err, "opening an account")
}

// Close ends an account: its sessions, links and all open no door any more.
func Close(tx *db.Tx, principal id.ID, now time.Time) error {
	closed, err := tx.Exec(closeOne, int64(principal), now.UnixMicro())
	if err == nil && closed == 0 {
		return fault.New(fault.NotFound, "principal", "there is no such account, or it is closed", "check the id")
	}
	return fault.Wrap(err, "closing an account")
}

// Find reads an account that is not closed; ok is false where there is none.
func Find(tx *db.Tx, principal id.ID) (p Principal, ok bool, err error) {
	return one(tx, selectPrincipal, int64(principal))
}

// OfCreator gives the account of a creator; the oldest where there are several.
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
	ok, err = tx.One(statement, []any{&number, &p.Name, &p.Role, &creator}, key)
	p.ID, p.Creator = id.ID(number), id.ID(creator)
	return p, ok, fault.Wrap(err, "reading an account")
}
