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

// Prefixes of the ids of this package.
const (
	TeamPrefix       = "tm_"
	InvitationPrefix = "in_"
	DevicePrefix     = "dv_"
)

// Team is an agency or a brand.
type Team struct {
	ID      id.ID
	Kind    Role // Agency or Brand
	Name    string
	Created time.Time
}

// Invitation is an offer of a seat, without the text that takes it: that is given once, to whoever made the offer, and stored
// as a hash. It names no address, because it is passed on by people, in whatever way they talk to each other.
type Invitation struct {
	ID      id.ID
	Account id.ID
	Kind    Role   // what the account is
	Name    string // what the account is called, when it is read
	Seat    Seat
	Hint    string // the name of whom it is meant for, up to 100 characters; may be empty
	By      id.ID
	Created time.Time
	Expires time.Time
}

// AgencyGrant lets an agency's members act for a creator.
type AgencyGrant struct {
	Agency id.ID
	Name   string
	Seat   Seat // the most that its members may be
	Since  time.Time
}

// Limits of accounts with others.
const (
	// A week: long enough to be away, too short for a link that was forgotten in an old chat.
	inviteFor  = 7 * 24 * time.Hour
	maxInvites = 50 // open ones of an account
	maxGrants  = 20 // agencies of a creator
)

var (
	insertTeam   = db.Statement(`INSERT INTO team (id, kind, name, created) VALUES ($1, $2, $3, $4)`)
	selectTeam   = db.Statement(`SELECT kind, name, created FROM team WHERE id = $1`)
	insertInvite = db.Statement(`INSERT INTO invitation (id, hash, account, kind, seat, hint, inviter, created, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
	sweepInvites  = db.Statement(`DELETE FROM invitation WHERE account = $1 AND expires <= $2`)
	countInvites  = db.Statement(`SELECT COUNT(*) FROM invitation WHERE account = $1`)
	countMembers  = db.Statement(`SELECT COUNT(*) FROM seat WHERE account = $1`)
	selectInvites = db.Statement(`SELECT i.id, i.account, i.kind, COALESCE(t.name, c.name, ''), i.seat, i.hint,
			i.inviter, i.created, i.expires
		FROM invitation i LEFT JOIN team t ON t.id = i.account LEFT JOIN creator c ON c.id = i.account
		WHERE i.account = $1 AND i.expires > $2 ORDER BY i.id`)
	selectInvite = db.Statement(`SELECT i.id, i.account, i.kind, COALESCE(t.name, c.name, ''), i.seat, i.hint,
			i.inviter, i.created, i.expires
		FROM invitation i LEFT JOIN team t ON t.id = i.account LEFT JOIN creator c ON c.id = i.account
		WHERE i.hash = $1 AND i.expires > $2`)
	cancelInvite    = db.Statement(`DELETE FROM invitation WHERE account = $1 AND id = $2`)
	useInvite       = db.Statement(`DELETE FROM invitation WHERE hash = $1 AND expires > $2`)
	deleteInvitesBy = db.Statement(`DELETE FROM invitation WHERE account = $1 AND inviter = $2`)
	upsertGrant     = db.Statement(`INSERT INTO agency_grant (creator, agency, seat, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (creator, agency) DO UPDATE SET seat = excluded.seat`)
	deleteGrant  = db.Statement(`DELETE FROM agency_grant WHERE creator = $1 AND agency = $2`)
	selectGrants = db.Statement(`SELECT g.agency, t.name, g.seat, g.since FROM agency_grant g JOIN team t ON t.id = g.agency
		WHERE g.creator = $1 ORDER BY g.since, g.agency`)
)

// OpenTeam makes an agency or a brand, whose first owner is somebody who is there.
func OpenTeam(tx *db.Tx, t Team, owner id.ID, now time.Time) (Team, error) {
	// Creators have a row of their own kind (package creator), and staff have no team at all.
	if t.Kind != Agency && t.Kind != Brand {
		return t, fault.Invalidf("kind", "is not a kind of team", "send agency or brand")
	}
	if err := checkName(t.Name); err != nil {
		return t, err
	}
	t.ID, t.Created = id.New(now), now
	if _, err := tx.Exec(insertTeam, int64(t.ID), string(t.Kind), t.Name, now.UnixMicro()); err != nil {
		return t, fault.Wrap(err, "making a team")
	}
	if err := maySit(tx, owner); err != nil {
		return t, err
	}
	return t, sit(tx, t.ID, owner, t.Kind, Owner, now)
}

// FindTeam reads an agency or a brand; ok is false where there is none.
func FindTeam(tx *db.Tx, team id.ID) (t Team, ok bool, err error) {
	var created int64
	ok, err = tx.One(selectTeam, []any{&t.Kind, &t.Name, &created}, int64(team))
	t.ID, t.Created = team, time.UnixMicro(created).UTC()
	return t, ok, fault.Wrap(err, "reading a team")
}

// maySit refuses a seat to whom it cannot be given.
func maySit(tx *db.Tx, principal id.ID) error {
	p, ok, err := Find(tx, principal)
	switch {
	case err != nil:
		return err
	case !ok:
		return fault.New(fault.NotFound, "principal", "there is no such account, or it is closed", "check the id")
	case Staff.Has(p.Role):
		// A decision about a creator must never be made by who acts for one.
		return fault.New(fault.Conflict, "principal", "is one of the operator's staff, who act for nobody else",
			"use an account of your own for that")
	}
	var held int64
	if _, err := tx.One(countHeld, []any{&held}, int64(principal)); err != nil {
		return fault.Wrap(err, "counting seats")
	}
	if held >= maxHeld {
		return fault.New(fault.Exhausted, "principal", "has a seat in 100 accounts, the most there can be", "leave one first")
	}
	return nil
}

// Invite offers a seat and gives the text that takes it, this once: it works for 7 days, for one person. by is an owner of the
// account, or one of the staff; anybody else is Denied.
func Invite(tx *db.Tx, i Invitation, by id.ID, now time.Time) (token string, err error) {
	if err := i.Seat.check(); err != nil {
		return "", err
	}
	if i.Account == 0 || !Accounts.Has(i.Kind) {
		return "", fault.Invalidf("account", "is not one that has seats", "name a creator, an agency or a brand")
	}
	if utf8.RuneCountInString(i.Hint) > maxName || !utf8.ValidString(i.Hint) || strings.ContainsFunc(i.Hint, unicode.IsControl) {
		return "", fault.Invalidf("hint", "is not a name", "send up to 100 characters without line breaks, or leave it out")
	}
	// Asked here, and not by the door alone: a seat is the one thing that gives others access to somebody's money.
	if err := mayInvite(tx, i, by); err != nil {
		return "", err
	}
	if _, err := tx.Exec(sweepInvites, int64(i.Account), now.UnixMicro()); err != nil {
		return "", fault.Wrap(err, "removing old invitations")
	}
	var open, members int64
	if _, err := tx.One(countInvites, []any{&open}, int64(i.Account)); err != nil {
		return "", fault.Wrap(err, "counting invitations")
	}
	if _, err := tx.One(countMembers, []any{&members}, int64(i.Account)); err != nil {
		return "", fault.Wrap(err, "counting members")
	}
	if open >= maxInvites || members >= maxMembers {
		return "", fault.New(fault.Exhausted, "account", "has 50 open invitations or 100 members, the most there can be",
			"cancel one first")
	}
	token = newSecret()
	_, err = tx.Exec(insertInvite, int64(id.New(now)), hashOf(token), int64(i.Account), string(i.Kind), string(i.Seat), i.Hint,
		int64(by), now.UnixMicro(), now.Add(inviteFor).UnixMicro())
	return token, fault.Wrap(err, "making an invitation")
}

func mayInvite(tx *db.Tx, i Invitation, by id.ID) error {
	p, ok, err := Find(tx, by)
	if err != nil || ok && Staff.Has(p.Role) {
		return err
	}
	var kind Role
	var seat Seat
	if _, err := tx.One(selectSeat, []any{&kind, &seat}, int64(i.Account), int64(by)); err != nil {
		return fault.Wrap(err, "reading a seat")
	}
	if !ok || seat != Owner || kind != i.Kind {
		return fault.New(fault.Denied, "account", "only an owner invites others", "ask an owner of the account")
	}
	return nil
}

// Invitations lists the open ones of an account.
func Invitations(tx *db.Tx, account id.ID, now time.Time) (all []Invitation, err error) {
	err = tx.Each(selectInvites, func(scan func(...any) error) error {
		i, err := scanInvite(scan)
		all = append(all, i)
		return err
	}, int64(account), now.UnixMicro())
	return all, fault.Wrap(err, "reading invitations")
}

func scanInvite(scan func(...any) error) (i Invitation, err error) {
	var number, account, by, created, expires int64
	err = scan(&number, &account, &i.Kind, &i.Name, &i.Seat, &i.Hint, &by, &created, &expires)
	i.ID, i.Account, i.By = id.ID(number), id.ID(account), id.ID(by)
	i.Created, i.Expires = time.UnixMicro(created).UTC(), time.UnixMicro(expires).UTC()
	return i, err
}

// CancelInvite takes an offer back. One that is not there any more is NotFound.
func CancelInvite(tx *db.Tx, account, invitation id.ID) error {
	cancelled, err := tx.Exec(cancelInvite, int64(account), int64(invitation))
	if err == nil && cancelled == 0 {
		return fault.New(fault.NotFound, "invitation", "is not open any more", "look at the list anew")
	}
	return fault.Wrap(err, "cancelling an invitation")
}

// notInvited is one answer for every text that takes no seat: a guesser learns nothing from it.
var notInvited = fault.New(fault.Denied, "invite", "this invitation is not valid, was used already or was taken back",
	"ask for a new one")

// LookInvite tells what a text offers, and takes nothing. Denied where it offers nothing.
func LookInvite(tx *db.Tx, token string, now time.Time) (i Invitation, err error) {
	found := false
	err = tx.Each(selectInvite, func(scan func(...any) error) (err error) {
		found = true
		i, err = scanInvite(scan)
		return err
	}, hashOf(token), now.UnixMicro())
	if err == nil && !found {
		return i, notInvited
	}
	return i, fault.Wrap(err, "reading an invitation")
}

// TakeInvite gives somebody the seat that a text offers. Of two who take it at the same moment, one gets it; the other is
// Denied. Somebody who sits there already, or is one of the staff, gets a Conflict, and the offer stays open.
func TakeInvite(tx *db.Tx, token string, principal id.ID, now time.Time) error {
	i, err := LookInvite(tx, token, now)
	if err != nil {
		return err
	}
	if err := maySit(tx, principal); err != nil {
		return err
	}
	// The row that goes is the one lock: of two at the same moment one deletes it, and the other one finds nothing.
	used, err := tx.Exec(useInvite, hashOf(token), now.UnixMicro())
	if err != nil {
		return fault.Wrap(err, "taking an invitation")
	}
	if used == 0 {
		return notInvited
	}
	return sit(tx, i.Account, principal, i.Kind, i.Seat, now)
}

// dropInvites takes back what somebody offered for an account: who may not invite any more must not have done so.
func dropInvites(tx *db.Tx, account, by id.ID) error {
	_, err := tx.Exec(deleteInvitesBy, int64(account), int64(by))
	return fault.Wrap(err, "taking invitations back")
}

// Grant lets an agency's members act for a creator, each with at most that seat; again, it changes the seat. An agency is
// never an owner: who may end the creator's own access must be the creator.
func Grant(tx *db.Tx, creator, agency id.ID, seat Seat, now time.Time) error {
	if seat != Manager && seat != Viewer {
		return fault.Invalidf("seat", "is not a seat for an agency", "send manager or viewer")
	}
	t, ok, err := FindTeam(tx, agency)
	if err != nil {
		return err
	}
	if !ok || t.Kind != Agency {
		return fault.New(fault.NotFound, "agency", "there is no such agency", "ask the agency for its id")
	}
	granted, err := Grants(tx, creator)
	if err != nil {
		return err
	}
	// A change of a grant that is there is not one more.
	again := slices.ContainsFunc(granted, func(g AgencyGrant) bool { return g.Agency == agency })
	if len(granted) >= maxGrants && !again {
		return fault.New(fault.Exhausted, "agency", "20 agencies act for this creator, the most there can be", "end one first")
	}
	_, err = tx.Exec(upsertGrant, int64(creator), int64(agency), string(seat), now.UnixMicro())
	return fault.Wrap(err, "letting an agency act")
}

// EndGrant ends what Grant allowed.
func EndGrant(tx *db.Tx, creator, agency id.ID) error {
	ended, err := tx.Exec(deleteGrant, int64(creator), int64(agency))
	if err == nil && ended == 0 {
		return fault.New(fault.NotFound, "agency", "does not act for this creator", "look at the list anew")
	}
	return fault.Wrap(err, "ending an agency's access")
}

// Grants lists the agencies that may act for a creator.
func Grants(tx *db.Tx, creator id.ID) (all []AgencyGrant, err error) {
	err = tx.Each(selectGrants, func(scan func(...any) error) error {
		var g AgencyGrant
		var agency, since int64
		if err := scan(&agency, &g.Name, &g.Seat, &since); err != nil {
			return err
		}
		g.Agency, g.Since = id.ID(agency), time.UnixMicro(since).UTC()
		all = append(all, g)
		return nil
	}, int64(creator))
	return all, fault.Wrap(err, "reading agencies")
}
