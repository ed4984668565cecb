package auth

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// StaffMember is one of the operator's people.
type StaffMember struct {
	ID      id.ID
	Name    string
	Role    Role
	Created time.Time
	Last    time.Time // when they were last here, within ten minutes; zero where they never were
	Closed  time.Time // zero for one who may sign in
}

var (
	selectStaff = db.Statement(`SELECT p.id, p.name, p.role, p.created, p.closed,
			COALESCE((SELECT MAX(d.last_seen) FROM device d WHERE d.principal = p.id), 0)
		FROM principal p WHERE p.role IN ('admin', 'reviewer', 'finance', 'support', 'auditor') ORDER BY p.closed, p.id`)
	// Roles are read with every request, so nobody has to be signed out for a change to count.
	updateRole = db.Statement(`UPDATE principal SET role = $2 WHERE id = $1 AND closed = 0`)
	// Touching the admins' rows makes two who close each other at the same moment wait: the second one counts anew.
	touchAdmins = db.Statement(`UPDATE principal SET role = role WHERE role = 'admin' AND closed = 0`)
	countAdmins = db.Statement(`SELECT COUNT(*) FROM principal WHERE role = 'admin' AND closed = 0 AND id <> $1`)

	// The row stays, because decisions name it: the journal, corrections and claims say who decided, and then say "erased".
	erasePrincipal = db.Statement(`UPDATE principal SET name = 'erased', creator = 0,
		closed = CASE WHEN closed = 0 THEN $2 ELSE closed END WHERE id = $1`)
	deleteSeats   = db.Statement(`DELETE FROM seat WHERE principal = $1`)
	deleteInvites = db.Statement(`DELETE FROM invitation WHERE inviter = $1`)
	deleteLinks   = db.Statement(`DELETE FROM login_link WHERE principal = $1`)
)

// StaffMembers lists the operator's people: those who may sign in, the oldest first, then those who left.
func StaffMembers(tx *db.Tx) (all []StaffMember, err error) {
	err = tx.Each(selectStaff, func(scan func(...any) error) error {
		var m StaffMember
		var number, created, closed, last int64
		if err := scan(&number, &m.Name, &m.Role, &created, &closed, &last); err != nil {
			return err
		}
		m.ID, m.Created, m.Closed, m.Last = id.ID(number), instant(created), instant(closed), instant(last)
		all = append(all, m)
		return nil
	})
	return all, fault.Wrap(err, "reading the staff")
}

// SetRole gives one of the staff another role of the staff. The last admin stays one: Conflict. Nobody becomes staff by it:
// somebody who acts for creators or brands needs an account of their own for that. It counts from the next request on.
func SetRole(tx *db.Tx, principal id.ID, role Role) error {
	if !Staff.Has(role) {
		return fault.Invalidf("role", "is not a role of the staff", "send admin, reviewer, finance, support or auditor")
	}
	p, ok, err := Find(tx, principal)
	if err != nil {
		return err
	}
	if !ok || !Staff.Has(p.Role) {
		return fault.New(fault.NotFound, "principal", "is not one of the staff, or has left", "look at the list anew")
	}
	// An admin who becomes one again leaves nobody behind.
	if role != Admin {
		if err := keepAdmin(tx, principal); err != nil {
			return err
		}
	}
	return affected(tx, updateRole, "changing a role", int64(principal), string(role))
}

// keepAdmin refuses what would leave the installation without an admin.
func keepAdmin(tx *db.Tx, leaving id.ID) error {
	if _, err := tx.Exec(touchAdmins); err != nil {
		return fault.Wrap(err, "looking for admins")
	}
	p, ok, err := Find(tx, leaving)
	if err != nil || !ok || p.Role != Admin {
		return err
	}
	var others int64
	if _, err := tx.One(countAdmins, []any{&others}, int64(leaving)); err != nil {
		return fault.Wrap(err, "counting admins")
	}
	if others == 0 {
		return fault.New(fault.Conflict, "principal", "is the last admin", "make somebody else an admin first")
	}
	return nil
}

// Forget takes a person's name out of their account and closes it, with their seats, devices, invitations and login links.
// Whether an account that they leave keeps an owner is for the caller to decide before. Doing it again changes nothing.
func Forget(tx *db.Tx, principal id.ID, now time.Time) error {
	if err := keepAdmin(tx, principal); err != nil {
		return err
	}
	if _, err := tx.Exec(erasePrincipal, int64(principal), now.UnixMicro()); err != nil {
		return fault.Wrap(err, "erasing a person")
	}
	for _, statement := range []*db.Stmt{deleteSeats, deleteInvites, deleteLinks, deleteDevices} {
		if _, err := tx.Exec(statement, int64(principal)); err != nil {
			return fault.Wrap(err, "erasing a person")
		}
	}
	return nil
}
