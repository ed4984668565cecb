package auth

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// An account is a creator, an agency or a brand (docs/spec.md §1), and belongs to no single person: people hold seats in it.
// Whoever leaves loses the row; that they were there is told by the journal, so that no rule here ever asks for "still".

// Seat says what somebody may do for an account: an owner everything, a manager the daily work, a viewer nothing but read.
type Seat string

// The seats.
const (
	Owner   Seat = "owner"
	Manager Seat = "manager"
	Viewer  Seat = "viewer"
)

// rank orders seats; one that does not exist ranks below all.
var rank = map[Seat]int{Viewer: 1, Manager: 2, Owner: 3}

// AtLeast tells whether a seat allows what another one does. No seat allows nothing, and asking for none is asking for a viewer.
func (s Seat) AtLeast(o Seat) bool { return rank[s] >= max(rank[o], rank[Viewer]) }

// lesser is the smaller of two seats.
func lesser(a, b Seat) Seat {
	if rank[a] < rank[b] {
		return a
	}
	return b
}

func (s Seat) check() error {
	if rank[s] == 0 {
		return fault.Invalidf("seat", "is not a seat", "send owner, manager or viewer")
	}
	return nil
}

// Limits on what one account or person holds: far beyond any team, and short enough to be read with every request.
const (
	maxMembers = 100 // people with a seat in one account
	maxHeld    = 100 // seats of one person
)

// Seated is an account that somebody may act for.
type Seated struct {
	Account id.ID
	Kind    Role // Creator, Agency or Brand
	Name    string
	Seat    Seat
	Through id.ID // the agency by which they may; 0 for a seat of their own
}

// Member is somebody with a seat in an account.
type Member struct {
	Principal id.ID
	Name      string
	Seat      Seat
	Since     time.Time
}

var (
	// A seat that is there stays: taking a viewer's invitation must not make less of an owner.
	insertSeat = db.Statement(`INSERT INTO seat (account, principal, kind, seat, since) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, principal) DO NOTHING`)
	countHeld   = db.Statement(`SELECT COUNT(*) FROM seat WHERE principal = $1`)
	selectSeats = db.Statement(`SELECT s.account, s.kind, COALESCE(t.name, c.name, ''), s.seat, '', 0 FROM seat s
		LEFT JOIN team t ON t.id = s.account LEFT JOIN creator c ON c.id = s.account
		WHERE s.principal = $1 ORDER BY s.since, s.account`)
	// The people of an agency reach its creators through two seats: theirs in the agency, and the agency's grant.
	selectThrough = db.Statement(`SELECT g.creator, 'creator', COALESCE(c.name, ''), s.seat, g.seat, g.agency FROM seat s
		JOIN agency_grant g ON g.agency = s.account LEFT JOIN creator c ON c.id = g.creator
		WHERE s.principal = $1 AND s.kind = 'agency' ORDER BY g.since, g.creator, g.agency LIMIT 500`)
	selectMembers = db.Statement(`SELECT s.principal, p.name, s.seat, s.since FROM seat s JOIN principal p ON p.id = s.principal
		WHERE s.account = $1 AND p.closed = 0 ORDER BY s.since, s.principal`)
	selectSeat = db.Statement(`SELECT kind, seat FROM seat WHERE account = $1 AND principal = $2`)
	updateSeat = db.Statement(`UPDATE seat SET seat = $3 WHERE account = $1 AND principal = $2`)
	deleteSeat = db.Statement(`DELETE FROM seat WHERE account = $1 AND principal = $2`)
	// Whoever opened a creator's account and leaves it is not that creator any more, wherever they are looked up.
	loseCreator = db.Statement(`UPDATE principal SET creator = 0, role = '' WHERE id = $1 AND creator = $2`)
	// Touching the owners' rows makes two who leave at the same moment wait for each other: the second one counts anew.
	touchOwners = db.Statement(`UPDATE seat SET seat = seat WHERE account = $1 AND seat = 'owner'`)
	countOwners = db.Statement(`SELECT COUNT(*) FROM seat s JOIN principal p ON p.id = s.principal
		WHERE s.account = $1 AND s.seat = 'owner' AND p.closed = 0 AND s.principal <> $2`)
)

// sit gives somebody a seat that they do not have yet.
func sit(tx *db.Tx, account, principal id.ID, kind Role, seat Seat, now time.Time) error {
	made, err := tx.Exec(insertSeat, int64(account), int64(principal), string(kind), string(seat), now.UnixMicro())
	if err == nil && made == 0 {
		return fault.New(fault.Conflict, "principal", "has a seat in this account already", "change the seat that there is")
	}
	return fault.Wrap(err, "giving a seat")
}

// Seats lists the accounts that somebody may act for: first their own seats by age, then those through agencies. Each account
// once, with the greatest seat. Names are as they are now.
func Seats(tx *db.Tx, principal id.ID) ([]Seated, error) {
	var all []Seated
	at := map[id.ID]int{}
	for _, statement := range []*db.Stmt{selectSeats, selectThrough} {
		err := tx.Each(statement, func(scan func(...any) error) error {
			var s Seated
			var account, through int64
			var granted Seat
			if err := scan(&account, &s.Kind, &s.Name, &s.Seat, &granted, &through); err != nil {
				return err
			}
			s.Account, s.Through = id.ID(account), id.ID(through)
			if through != 0 {
				s.Seat = lesser(s.Seat, granted)
			}
			known, again := at[s.Account]
			switch {
			case !again:
				at[s.Account] = len(all)
				all = append(all, s)
			case rank[s.Seat] > rank[all[known].Seat]:
				all[known] = s
			}
			return nil
		}, int64(principal))
		if err != nil {
			return nil, fault.Wrap(err, "reading seats")
		}
	}
	return all, nil
}

// Members lists who has a seat in an account, the oldest first. People of agencies are not among them.
func Members(tx *db.Tx, account id.ID) ([]Member, error) {
	var all []Member
	err := tx.Each(selectMembers, func(scan func(...any) error) error {
		var m Member
		var principal, since int64
		if err := scan(&principal, &m.Name, &m.Seat, &since); err != nil {
			return err
		}
		m.Principal, m.Since = id.ID(principal), time.UnixMicro(since).UTC()
		all = append(all, m)
		return nil
	}, int64(account))
	return all, fault.Wrap(err, "reading members")
}

// SetSeat changes a member's seat. An account keeps an owner: taking it from the last one is a Conflict.
func SetSeat(tx *db.Tx, account, principal id.ID, seat Seat) error {
	if err := seat.check(); err != nil {
		return err
	}
	// Less than an owner: somebody else must be one, and the offers made as an owner are void.
	if seat != Owner {
		if err := keepOwner(tx, account, principal); err != nil {
			return err
		}
		if err := dropInvites(tx, account, principal); err != nil {
			return err
		}
	}
	changed, err := tx.Exec(updateSeat, int64(account), int64(principal), string(seat))
	if err == nil && changed == 0 {
		return noMember
	}
	return fault.Wrap(err, "changing a seat")
}

// EndSeat takes a member out of an account, with the invitations that they made. The last owner stays: Conflict.
func EndSeat(tx *db.Tx, account, principal id.ID) error {
	if err := keepOwner(tx, account, principal); err != nil {
		return err
	}
	if err := dropInvites(tx, account, principal); err != nil {
		return err
	}
	ended, err := tx.Exec(deleteSeat, int64(account), int64(principal))
	if err == nil && ended == 0 {
		return noMember
	}
	if err == nil {
		_, err = tx.Exec(loseCreator, int64(principal), int64(account))
	}
	return fault.Wrap(err, "ending a seat")
}

var noMember = fault.New(fault.NotFound, "principal", "has no seat in this account", "check who is meant")

// keepOwner refuses what would leave an account without an owner who can sign in.
func keepOwner(tx *db.Tx, account, leaving id.ID) error {
	// First the rows are held, then they are read: a count from before the wait would let both of two owners go.
	if _, err := tx.Exec(touchOwners, int64(account)); err != nil {
		return fault.Wrap(err, "looking for owners")
	}
	var kind Role
	var seat Seat
	if _, err := tx.One(selectSeat, []any{&kind, &seat}, int64(account), int64(leaving)); err != nil || seat != Owner {
		return fault.Wrap(err, "reading a seat")
	}
	var others int64
	if _, err := tx.One(countOwners, []any{&others}, int64(account), int64(leaving)); err != nil {
		return fault.Wrap(err, "counting owners")
	}
	if others == 0 {
		return fault.New(fault.Conflict, "principal", "is the last owner of this account", "make somebody else an owner first")
	}
	return nil
}
