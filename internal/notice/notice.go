// Package notice tells people what concerns them: in the product at once, and by mail as each of them wishes.
//
// What must always hold: a message exists if and only if what it tells was committed; the same occasion is told once; mail
// that cannot be delivered is tried again and never lost silently; what somebody switched off is not sent, save what they
// must know (security, money, ends of enrolments and changes of documents); addresses and contents are sealed, and what opens
// a door (a code, a link) is gone once its mail was sent.
//
// Mail is sent at least once: a process that is cut off between the server's word and its own note sends again, under the
// same Message-ID.
//
// It decides nothing about what it tells.
package notice

import (
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/person"
	"tributary/internal/secret"
)

// Notice is one message before it is written out. Exactly one of Creator and Principal is set: a creator's goes to the
// people of the account, a principal's to that person alone.
type Notice struct {
	Event     string // a code of Events: `enrolment.approved`, `account.signed_in`, `document.published`, …
	Creator   id.ID
	Principal id.ID
	Market    string            // id of the marketplace; empty: none
	At        time.Time         // business time
	Key       string            // the occasion: the same event, recipient and key is told once
	Facts     map[string]string // of the event (Events): already formatted text, addresses beginning with a slash
	// To is the mail address where it is another one than the recipient's verified one: that which is to be confirmed, or the
	// old one after a change. Sealed with the facts.
	To string
}

// Prefix is how a message's id is written.
const Prefix = "msg_"

// The kinds of work that mail makes (Post does them).
const (
	JobMail   = "mail"
	JobDigest = "digest"
)

// States of the mail of a notice to one person.
const (
	waiting  = "waiting"
	inDigest = "digest"
	sent     = "sent"
	dropped  = "dropped"
	failed   = "failed"
)

// content is what is sealed of a notice.
type content struct {
	Facts map[string]string `json:"facts"`
	To    string            `json:"to,omitempty"`
	Name  string            `json:"name,omitempty"` // of somebody who will not be known any more
}

var (
	insertNotice = db.Statement(`INSERT INTO notice (id, event, grp, creator, principal, market, at, key, facts)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`)
	selectSame = db.Statement(`SELECT id FROM notice WHERE event = $1 AND creator = $2 AND principal = $3 AND key = $4`)
	insertMail = db.Statement(`INSERT INTO notice_mail (notice, principal, state, at, code, hash) VALUES ($1, $2, $3, $4, '', $5)`)
	// Who adds to a digest holds its row, so that the digest cannot be sent and forgotten in the same moment.
	insertDigest = db.Statement(`INSERT INTO notice_digest (principal, due) VALUES ($1, $2)
		ON CONFLICT (principal) DO UPDATE SET due = CASE WHEN excluded.due < notice_digest.due THEN excluded.due ELSE notice_digest.due END`)
)

// attempts is how many ids are tried for a notice: two that are made in the same millisecond may draw the same.
const attempts = 5

// Send tells somebody, in the transaction that makes it true. An event that does not exist, a fact that is missing or too
// long, and a notice to nobody or to both are Invalid. Somebody who was erased is told nothing, and that is no error.
func Send(tx *db.Tx, ring *secret.Ring, n Notice) error {
	e, err := EventOf(n.Event)
	if err != nil {
		return err
	}
	facts, err := e.check(n.Facts)
	switch {
	case err != nil:
		return err
	case (n.Creator == 0) == (n.Principal == 0):
		return fault.Invalidf("recipient", "is a creator or a principal, and exactly one of them", "name one")
	case len(n.Key) > maxKey:
		return fault.Invalidf("key", "has %d bytes, and may have %d", "name the occasion by an id", len(n.Key), maxKey)
	case n.To != "" && !isAddress(n.To):
		return fault.Invalidf("to", "is not a mail address", "give one as name@host")
	}
	who := n.Creator + n.Principal
	if gone, err := person.Erased(tx, who); err != nil || gone && !e.Parting {
		return err
	}
	number, told, err := insert(tx, ring, e, n, content{Facts: facts, To: n.To})
	if err != nil || told {
		return err
	}
	people, err := recipients(tx, n)
	if err != nil {
		return err
	}
	for _, one := range people {
		if err := post(tx, e, n, number, one); err != nil {
			return err
		}
	}
	return nil
}

// insert keeps a notice; told is true where the same occasion was told before.
func insert(tx *db.Tx, ring *secret.Ring, e Event, n Notice, c content) (number id.ID, told bool, err error) {
	if e.Parting {
		if c.Name, err = nameOf(tx, n); err != nil {
			return 0, false, err
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		return 0, false, err
	}
	for range attempts {
		var same int64
		told, err := tx.One(selectSame, []any{&same}, e.Code, int64(n.Creator), int64(n.Principal), n.Key)
		if err != nil || told {
			return 0, told, fault.Wrap(err, "looking for a message")
		}
		number := nextID()
		sealed, err := seal(tx, ring, e, n.Creator+n.Principal, number, text)
		if err != nil {
			return 0, false, err
		}
		added, err := tx.Exec(insertNotice, int64(number), e.Code, e.Group, int64(n.Creator), int64(n.Principal), n.Market,
			clock.Micro(n.At), n.Key, sealed)
		if err != nil || added == 1 {
			return number, false, fault.Wrap(err, "keeping a message")
		}
	}
	return 0, false, fault.New(fault.Unavailable, "", "a message could not be numbered", "try again in a moment")
}

// lastID is the newest id that this process gave to a message.
var lastID atomic.Int64

// nextID gives ids in the order in which messages are sent, also within a millisecond.
func nextID() id.ID {
	for {
		last := lastID.Load()
		next := max(int64(id.New(clock.Wall())), last+1)
		if lastID.CompareAndSwap(last, next) {
			return id.ID(next)
		}
	}
}

const partingPurpose = "notice-parting"

// sealContext binds what is sealed to its row.
func sealContext(number id.ID) string { return "notice:" + number.Text(Prefix) }

func seal(tx *db.Tx, ring *secret.Ring, e Event, who, number id.ID, text []byte) ([]byte, error) {
	if e.Parting {
		return ring.Seal(partingPurpose, sealContext(number), text), nil
	}
	sealed, err := person.Seal(tx, ring, who, sealContext(number), text)
	return sealed, fault.Wrap(err, "sealing a message")
}

// unseal opens a notice; ok is false where its recipient was erased.
func unseal(tx *db.Tx, ring *secret.Ring, e Event, who, number id.ID, sealed []byte) (c content, ok bool, err error) {
	var text []byte
	if e.Parting {
		text, err = ring.Open(partingPurpose, sealContext(number), sealed)
		ok = err == nil
	} else {
		text, ok, err = person.Open(tx, ring, who, sealContext(number), sealed)
	}
	if err != nil || !ok {
		return c, false, fault.Wrap(err, "opening a message")
	}
	return c, true, json.Unmarshal(text, &c)
}

// nameOf is how the recipient is called.
func nameOf(tx *db.Tx, n Notice) (string, error) {
	one := n.Principal
	if one == 0 {
		people, err := recipients(tx, n)
		if err != nil || len(people) == 0 {
			return "", err
		}
		one = people[0]
	}
	p, _, err := auth.Find(tx, one)
	return p.Name, err
}

// recipients are the people who get the mail of a notice: those who manage the account. An account that nobody signs in for
// has one without a number: its mail goes to the address that the account has.
func recipients(tx *db.Tx, n Notice) ([]id.ID, error) {
	if n.Principal != 0 {
		return []id.ID{n.Principal}, nil
	}
	people, err := managers(tx, n.Creator)
	if len(people) == 0 && err == nil {
		people = []id.ID{0}
	}
	return people, err
}

// managers are those who manage an account, its owners first.
func managers(tx *db.Tx, account id.ID) (people []id.ID, err error) {
	members, err := auth.Members(tx, account)
	slices.SortStableFunc(members, func(a, b auth.Member) int {
		switch owns := a.Seat.AtLeast(auth.Owner); {
		case owns == b.Seat.AtLeast(auth.Owner):
			return 0
		case owns:
			return -1
		}
		return 1
	})
	for _, m := range members {
		if m.Seat.AtLeast(auth.Manager) {
			people = append(people, m.Principal)
		}
	}
	return people, err
}

// place names the mail of a notice to one person.
type place struct {
	Notice    int64 `json:"notice"`
	Principal int64 `json:"principal"`
}

func (p place) key() string {
	return id.ID(p.Notice).Text(Prefix) + "/" + id.ID(p.Principal).Text(auth.Prefix)
}

func (p place) body() ([]byte, error) { return json.Marshal(p) }

// post lets the mail of a notice go to one person as that one wishes.
func post(tx *db.Tx, e Event, n Notice, number, principal id.ID) error {
	mode, err := modeOf(tx, e, principal)
	if err != nil || mode == Off {
		return err
	}
	if mode != Now {
		zone, err := zoneOf(tx, n.Market)
		if err != nil {
			return err
		}
		due := nextDigest(n.At, zone, mode)
		if _, err := tx.Exec(insertMail, int64(number), int64(principal), inDigest, clock.Micro(due), []byte{}); err != nil {
			return fault.Wrap(err, "posting a message")
		}
		return plan(tx, principal, n.At, due)
	}
	if _, err := tx.Exec(insertMail, int64(number), int64(principal), waiting, clock.Micro(n.At), []byte{}); err != nil {
		return fault.Wrap(err, "posting a message")
	}
	at := place{int64(number), int64(principal)}
	body, err := at.body()
	if err != nil {
		return err
	}
	return job.Add(tx, job.Job{Kind: JobMail, Key: at.key(), Body: body})
}

// plan lets a digest be sent at an instant of business time; now is what that clock says.
func plan(tx *db.Tx, principal id.ID, now, due time.Time) error {
	if _, err := tx.Exec(insertDigest, int64(principal), clock.Micro(due)); err != nil {
		return fault.Wrap(err, "planning a digest")
	}
	return job.Add(tx, digestJob(principal, clock.Wall().Add(due.Sub(now))))
}

func digestJob(principal id.ID, due time.Time) job.Job {
	return job.Job{Kind: JobDigest, Key: principal.Text(auth.Prefix), Due: due}
}

// digestHour is when digests arrive, by the marketplace's clock; those of a week do so on its first day.
const digestHour = 8

// nextDigest is the first instant behind now at which a digest is due.
func nextDigest(now time.Time, zone *time.Location, mode Mode) time.Time {
	local := now.In(zone)
	due := time.Date(local.Year(), local.Month(), local.Day(), digestHour, 0, 0, 0, zone)
	for !due.After(now) || mode == Weekly && due.Weekday() != time.Monday {
		due = time.Date(due.Year(), due.Month(), due.Day()+1, digestHour, 0, 0, 0, zone)
	}
	return due
}

// zoneOf is the time zone of a marketplace; of the first one where none is named.
func zoneOf(tx *db.Tx, name string) (*time.Location, error) {
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	zone := time.UTC
	for i, m := range markets {
		if i == 0 || m.ID == name {
			zone = m.Location()
		}
	}
	return zone, nil
}

// SendStaff tells every member of the staff with one of those roles the same. Recipients in n are ignored.
func SendStaff(tx *db.Tx, ring *secret.Ring, roles auth.Roles, n Notice) error {
	members, err := auth.StaffMembers(tx)
	if err != nil {
		return err
	}
	for _, m := range members {
		if !m.Closed.IsZero() || !roles.Has(m.Role) {
			continue
		}
		n.Creator, n.Principal = 0, m.ID
		if err := Send(tx, ring, n); err != nil {
			return err
		}
	}
	return nil
}

// isAddress tells whether a text is a mail address and nothing else: no name, no second address, no line break.
func isAddress(text string) bool {
	local, host, found := strings.Cut(text, "@")
	return found && local != "" && host != "" && len(text) <= maxAddress && !strings.Contains(host, "@") &&
		!strings.ContainsAny(text, " \t\r\n<>\"(),:;[]\\") && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// maxAddress is the longest address that a mail server takes (RFC 5321 §4.5.3.1.3).
const maxAddress = 254
