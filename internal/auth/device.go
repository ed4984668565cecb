package auth

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Device is a browser in which somebody signed in.
type Device struct {
	ID     id.ID
	Name   string // what it calls itself, in short
	Method string // how they signed in there
	First  time.Time
	Last   time.Time // within seenStride
	Ended  time.Time // zero while it opens something
}

// Methods are the ways to sign in that a device remembers.
var Methods = []string{"passkey", "password", "link", "oidc"}

// Limits of devices.
const (
	maxDevices    = 30                  // of one person; the one not seen for the longest time makes room
	maxDeviceName = 100                 // characters
	keepDevice    = 90 * 24 * time.Hour // how long one that has ended, or was not seen, stands in the list
	seenStride    = 10 * time.Minute    // how exactly it is known when a device was seen
)

var (
	insertDevice = db.Statement(`INSERT INTO device (id, principal, name, method, first_seen, last_seen, ended)
		VALUES ($1, $2, $3, $4, $5, $5, 0)`)
	sweepDevices  = db.Statement(`DELETE FROM device WHERE principal = $1 AND last_seen < $2`)
	selectDevices = db.Statement(`SELECT id, name, method, first_seen, last_seen, ended FROM device WHERE principal = $1
		ORDER BY last_seen DESC, id DESC`)
	// A device whose row is gone is as good as ended: Who finds nothing to join.
	deleteDevice  = db.Statement(`DELETE FROM device WHERE id = $1`)
	seeDevice     = db.Statement(`UPDATE device SET last_seen = $2 WHERE id = $1 AND last_seen < $3 AND ended = 0`)
	endDevice     = db.Statement(`UPDATE device SET ended = $3 WHERE principal = $1 AND id = $2 AND ended = 0`)
	endDevices    = db.Statement(`UPDATE device SET ended = $3 WHERE principal = $1 AND id <> $2 AND ended = 0`)
	deleteDevices = db.Statement(`DELETE FROM device WHERE principal = $1`)

	// The two statements of Who. Each gives at least one row where somebody is signed in, whatever they may do, so that a person
	// without a seat is told so instead of being sent to sign in again and again.
	selectSelf = db.Statement(`SELECT p.name, p.role, COALESCE(s.account, 0), COALESCE(s.kind, ''), COALESCE(s.seat, ''), ''
		FROM principal p JOIN device d ON d.principal = p.id
		LEFT JOIN seat s ON s.principal = p.id AND s.account =
			(SELECT o.account FROM seat o WHERE o.principal = p.id ORDER BY o.since, o.account LIMIT 1)
		WHERE p.id = $1 AND d.id = $2 AND p.closed = 0 AND d.ended = 0`)
	// One row for a seat in the account itself, and one for each agency that has both: a grant of the creator's, and this person.
	selectActing = db.Statement(`SELECT p.name, p.role, COALESCE(s.account, 0), COALESCE(s.kind, ''), COALESCE(s.seat, ''),
		COALESCE(g.seat, '') FROM principal p JOIN device d ON d.principal = p.id
		LEFT JOIN seat s ON s.principal = p.id AND (s.account = $3 OR s.kind = 'agency' AND s.account IN
			(SELECT a.agency FROM agency_grant a WHERE a.creator = $3))
		LEFT JOIN agency_grant g ON g.creator = $3 AND g.agency = s.account
		WHERE p.id = $1 AND d.id = $2 AND p.closed = 0 AND d.ended = 0`)
)

// Who gives who a request is from: the principal, in the device that a session names, acting for an account (0: the oldest of
// their own). It reads once. ok is false for a closed principal and an ended or foreign device: nobody is signed in.
// Staff act for no account, whatever is asked. Somebody without a seat in the account has the empty role, which nothing
// allows: never another account than the one that was asked for, lest a form meant for one changes another.
func Who(tx *db.Tx, principal, device, account id.ID) (p Principal, ok bool, err error) {
	statement, args := selectSelf, []any{int64(principal), int64(device)}
	if account != 0 {
		statement, args = selectActing, append(args, int64(account))
	}
	p.ID = principal
	err = tx.Each(statement, func(scan func(...any) error) error {
		var role, kind Role
		var seat, granted Seat
		var in int64
		if err := scan(&p.Name, &role, &in, &kind, &seat, &granted); err != nil {
			return err
		}
		ok = true
		switch {
		case Staff.Has(role):
			p.Role, p.Seat = role, Owner
			return nil
		case in == 0: // no seat there, and so no role
			return nil
		case granted != "": // through an agency, for a creator
			kind, seat = Creator, lesser(seat, granted)
		case account == 0:
			account = id.ID(in)
		}
		// Several ways to one account: the greatest seat counts, in whatever order the rows come.
		if rank[seat] > rank[p.Seat] {
			p.Role, p.Seat, p.Account = kind, seat, account
		}
		return nil
	}, args...)
	if p.Role == Creator {
		p.Creator = p.Account
	}
	return p, ok, fault.Wrap(err, "reading who is signed in")
}

// OpenDevice notes that somebody signed in: name is what the browser is, in a few words, method one of Methods. Its id goes
// into the session. It makes room where there are too many: 30 of a person, none unseen for 90 days.
func OpenDevice(tx *db.Tx, principal id.ID, name, method string, wall time.Time) (id.ID, error) {
	if !slices.Contains(Methods, method) {
		return 0, fault.Invalidf("method", "is not a way to sign in", "send passkey, password, link or oidc")
	}
	if _, err := tx.Exec(sweepDevices, int64(principal), wall.Add(-keepDevice).UnixMicro()); err != nil {
		return 0, fault.Wrap(err, "removing old devices")
	}
	known, err := Devices(tx, principal)
	if err != nil {
		return 0, err
	}
	// The list is sorted by when they were seen: the ones at its end make room.
	for i := maxDevices - 1; i < len(known); i++ {
		if _, err := tx.Exec(deleteDevice, int64(known[i].ID)); err != nil {
			return 0, fault.Wrap(err, "removing old devices")
		}
	}
	device := id.New(wall)
	_, err = tx.Exec(insertDevice, int64(device), int64(principal), deviceName(name), method, wall.UnixMicro())
	return device, fault.Wrap(err, "noting a device")
}

// deviceName makes a line out of what a browser says about itself, which may be anything.
func deviceName(name string) string {
	name = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name), "")
	name = strings.Join(strings.Fields(name), " ")
	if utf8.RuneCountInString(name) > maxDeviceName {
		name = strings.TrimSpace(string([]rune(name)[:maxDeviceName]))
	}
	if name == "" {
		return "a browser"
	}
	return name
}

// Devices lists where somebody signed in, the last seen first; those that have ended are among them for 90 days.
func Devices(tx *db.Tx, principal id.ID) (all []Device, err error) {
	err = tx.Each(selectDevices, func(scan func(...any) error) error {
		var d Device
		var number, first, last, ended int64
		if err := scan(&number, &d.Name, &d.Method, &first, &last, &ended); err != nil {
			return err
		}
		d.ID, d.First, d.Last, d.Ended = id.ID(number), instant(first), instant(last), instant(ended)
		all = append(all, d)
		return nil
	}, int64(principal))
	return all, fault.Wrap(err, "reading devices")
}

// SeenDevice notes that a device was here; it writes nothing where it was within the last ten minutes.
func SeenDevice(tx *db.Tx, device id.ID, wall time.Time) error {
	_, err := tx.Exec(seeDevice, int64(device), wall.UnixMicro(), wall.Add(-seenStride).UnixMicro())
	return fault.Wrap(err, "noting that a device was here")
}

// EndDevice signs somebody out of one device. One that is another's, or has ended, is NotFound.
func EndDevice(tx *db.Tx, principal, device id.ID, wall time.Time) error {
	ended, err := tx.Exec(endDevice, int64(principal), int64(device), wall.UnixMicro())
	if err == nil && ended == 0 {
		return fault.New(fault.NotFound, "device", "there is no such device, or it is signed out", "look at the list anew")
	}
	return fault.Wrap(err, "ending a device")
}

// EndDevices signs somebody out everywhere but in one device (0: everywhere).
func EndDevices(tx *db.Tx, principal, except id.ID, wall time.Time) error {
	_, err := tx.Exec(endDevices, int64(principal), int64(except), wall.UnixMicro())
	return fault.Wrap(err, "ending devices")
}
