package notice

import (
	"slices"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/secret"
)

// maxPage bounds one page of a list, maxUnread what is counted: nobody needs to know more than that there are many.
const (
	maxPage   = 200
	maxUnread = 100
	readBatch = 500
)

const unreadOf = ` AND NOT EXISTS (SELECT 1 FROM notice_read r WHERE r.principal = $2 AND r.notice = n.id)`

var (
	selectOfCreator = db.Statement(`SELECT n.id, n.event, n.creator, n.principal, n.market, n.at, n.facts, COALESCE(r.at, 0)
		FROM notice n LEFT JOIN notice_read r ON r.principal = $2 AND r.notice = n.id
		WHERE n.creator = $1 AND n.creator <> 0 AND n.id < $3 AND (CAST($4 AS TEXT) = '' OR n.grp = $4) ORDER BY n.id DESC LIMIT $5`)
	selectOfPrincipal = db.Statement(`SELECT n.id, n.event, n.creator, n.principal, n.market, n.at, n.facts, COALESCE(r.at, 0)
		FROM notice n LEFT JOIN notice_read r ON r.principal = $2 AND r.notice = n.id
		WHERE n.principal = $1 AND n.principal <> 0 AND n.id < $3 AND (CAST($4 AS TEXT) = '' OR n.grp = $4) ORDER BY n.id DESC LIMIT $5`)
	selectOneOf = db.Statement(`SELECT n.id, n.event, n.creator, n.principal, n.market, n.at, n.facts, COALESCE(r.at, 0)
		FROM notice n LEFT JOIN notice_read r ON r.principal = $2 AND r.notice = n.id
		WHERE n.id = $3 AND (n.creator = $1 AND n.creator <> 0 OR n.principal = $2 AND n.principal <> 0)`)
	countOfCreator = db.Statement(`SELECT COUNT(*) FROM (SELECT n.id FROM notice n WHERE n.creator = $1 AND n.creator <> 0` + unreadOf +
		` LIMIT $3) AS unread`)
	countOfPrincipal = db.Statement(`SELECT COUNT(*) FROM (SELECT n.id FROM notice n WHERE n.principal = $1 AND n.principal <> 0` + unreadOf +
		` LIMIT $3) AS unread`)
	readOne = db.Statement(`INSERT INTO notice_read (principal, notice, at) SELECT CAST($2 AS BIGINT), n.id, CAST($4 AS BIGINT) FROM notice n
		WHERE n.id = $3 AND (n.creator = $1 AND n.creator <> 0 OR n.principal = $2 AND n.principal <> 0) ON CONFLICT DO NOTHING`)
	readOfCreator = db.Statement(`INSERT INTO notice_read (principal, notice, at) SELECT CAST($2 AS BIGINT), n.id, CAST($3 AS BIGINT) FROM notice n
		WHERE n.creator = $1 AND n.creator <> 0 AND n.id <= $4` + unreadOf + ` ORDER BY n.id LIMIT $5 ON CONFLICT DO NOTHING`)
	readOfPrincipal = db.Statement(`INSERT INTO notice_read (principal, notice, at) SELECT CAST($2 AS BIGINT), n.id, CAST($3 AS BIGINT) FROM notice n
		WHERE n.principal = $1 AND n.principal <> 0 AND n.id <= $4` + unreadOf + ` ORDER BY n.id LIMIT $5 ON CONFLICT DO NOTHING`)
)

// Message is a notice as it is read in the product.
type Message struct {
	ID    id.ID
	Event string
	Group string
	Text  string // one line
	Link  string // where it leads: an address of ours that begins with a slash
	At    time.Time
	Read  bool
}

// Query asks for messages: those of the account that is acted for (zero: none) and those of the person.
type Query struct {
	Creator, Principal id.ID
	Group              string // empty: all
	Before             id.ID  // zero: the newest
	Limit              int
}

// Unread counts what somebody has not read, up to a hundred.
func Unread(tx *db.Tx, creator, principal id.ID) (int, error) {
	var total int64
	for _, one := range []struct {
		of        id.ID
		statement *db.Stmt
	}{{creator, countOfCreator}, {principal, countOfPrincipal}} {
		if one.of == 0 {
			continue
		}
		var count int64
		if _, err := tx.One(one.statement, []any{&count}, int64(one.of), int64(principal), int64(maxUnread)); err != nil {
			return 0, fault.Wrap(err, "counting messages")
		}
		total += count
	}
	return int(min(total, maxUnread)), nil
}

// List gives messages, newest first. Those whose recipient was erased are left out.
func List(tx *db.Tx, ring *secret.Ring, q Query) ([]Message, error) {
	limit := page(q.Limit)
	ofCreator, err := stored(tx, selectOfCreator, int64(q.Creator), int64(q.Principal), newest(q.Before), q.Group, limit)
	if err != nil {
		return nil, err
	}
	own, err := stored(tx, selectOfPrincipal, int64(q.Principal), int64(q.Principal), newest(q.Before), q.Group, limit)
	if err != nil {
		return nil, err
	}
	all := append(ofCreator, own...)
	slices.SortFunc(all, func(a, b listed) int { return int(min(max(b.id-a.id, -1), 1)) })
	return written(tx, ring, q.Principal, all[:min(len(all), int(limit))])
}

// One reads a message of somebody's; those of others do not exist.
func One(tx *db.Tx, ring *secret.Ring, creator, principal, number id.ID) (Message, error) {
	found, err := stored(tx, selectOneOf, int64(creator), int64(principal), int64(number))
	if err != nil {
		return Message{}, err
	}
	all, err := written(tx, ring, principal, found)
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, "message", "there is no such message", "look at the list")
	}
	if err != nil {
		return Message{}, err
	}
	return all[0], nil
}

// listed is a stored notice with whether it was read.
type listed struct {
	kept
	read bool
}

func stored(tx *db.Tx, statement *db.Stmt, args ...any) (all []listed, err error) {
	err = tx.Each(statement, func(scan func(...any) error) error {
		var k listed
		var number, creator, principal, at, read int64
		if err := scan(&number, &k.Event, &creator, &principal, &k.Market, &at, &k.sealed, &read); err != nil {
			return err
		}
		k.id, k.Creator, k.Principal, k.At, k.read = id.ID(number), id.ID(creator), id.ID(principal), clock.FromMicro(at), read != 0
		// An event of another version of the product is let be; a farewell is for the mail alone.
		if e, err := EventOf(k.Event); err == nil && !e.Parting {
			k.event = e
			all = append(all, k)
		}
		return nil
	}, args...)
	return all, fault.Wrap(err, "reading messages")
}

// written opens messages and writes their lines.
func written(tx *db.Tx, ring *secret.Ring, principal id.ID, found []listed) ([]Message, error) {
	w, err := newWriter(tx)
	if err != nil {
		return nil, err
	}
	markets, err := market.All(tx)
	if err != nil {
		return nil, err
	}
	reader, _, err := auth.Find(tx, principal)
	if err != nil {
		return nil, err
	}
	var all []Message
	for _, k := range found {
		c, ok, err := unseal(tx, ring, k.event, k.who(), k.id, k.sealed)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		given := map[string]string{"recipient": reader.Name}
		for _, m := range markets {
			if m.ID == k.Market {
				given["market"] = m.Name
			}
		}
		m := Message{ID: k.id, Event: k.Event, Group: k.event.Group, At: k.At, Read: k.read, Link: leads(k.event, c.Facts)}
		if k.event.secrets() {
			m.Link = k.event.Link // what opens a door stands in the mail only
		}
		m.Text = w.write(k.event, c.Facts, given).Line
		all = append(all, m)
	}
	return all, nil
}

// MarkRead notes that somebody has read a message; those of others stay as they are.
func MarkRead(tx *db.Tx, creator, principal, number id.ID, wall time.Time) error {
	_, err := tx.Exec(readOne, int64(creator), int64(principal), int64(number), clock.Micro(wall))
	return fault.Wrap(err, "noting that a message was read")
}

// MarkAllRead notes that somebody has read all messages up to that one; what came after it, while the page was open, stays.
func MarkAllRead(tx *db.Tx, creator, principal, upTo id.ID, wall time.Time) error {
	for _, one := range []struct {
		of        id.ID
		statement *db.Stmt
	}{{creator, readOfCreator}, {principal, readOfPrincipal}} {
		for one.of != 0 {
			noted, err := tx.Exec(one.statement, int64(one.of), int64(principal), clock.Micro(wall), int64(upTo), int64(readBatch))
			if err != nil {
				return fault.Wrap(err, "noting that messages were read")
			}
			if noted < readBatch {
				break
			}
		}
	}
	return nil
}

func page(limit int) int64 { return int64(min(max(limit, 1), maxPage)) }

func newest(before id.ID) int64 {
	if before == 0 {
		return 1<<63 - 1
	}
	return int64(before)
}

var (
	// The farewell is on its way, and goes by itself.
	forgetMails = db.Statement(`DELETE FROM notice_mail WHERE notice IN (SELECT id FROM notice
		WHERE (creator = $1 OR principal = $1) AND event <> 'data.erased')`)
	forgetReads      = db.Statement(`DELETE FROM notice_read WHERE notice IN (SELECT id FROM notice WHERE creator = $1 OR principal = $1)`)
	forgetOf         = db.Statement(`DELETE FROM notice WHERE creator = $1 AND creator <> 0 AND event <> 'data.erased'`)
	forgetOwn        = db.Statement(`DELETE FROM notice WHERE principal = $1 AND principal <> 0 AND event <> 'data.erased'`)
	forgetOwnReads   = db.Statement(`DELETE FROM notice_read WHERE principal = $1`)
	forgetOwnMails   = db.Statement(`DELETE FROM notice_mail WHERE principal = $1 AND state = 'digest'`)
	forgetSwitches   = db.Statement(`DELETE FROM notice_switch WHERE principal = $1`)
	forgetDigest     = db.Statement(`DELETE FROM notice_digest WHERE principal = $1`)
	forgetLetters    = db.Statement(`DELETE FROM mailbox WHERE creator = $1 AND creator <> 0`)
	forgetOwnLetters = db.Statement(`DELETE FROM mailbox WHERE principal = $1 AND principal <> 0`)
)

// Forget removes all messages to a creator or a principal, and what they wished to be told. Doing it again changes nothing. The
// message that says so (data.erased) is sent before, and goes by itself once its mail has left.
func Forget(tx *db.Tx, who id.ID) error {
	for _, statement := range []*db.Stmt{forgetMails, forgetReads, forgetOf, forgetOwn, forgetOwnReads, forgetOwnMails, forgetSwitches,
		forgetDigest, forgetLetters, forgetOwnLetters} {
		if _, err := tx.Exec(statement, int64(who)); err != nil {
			return fault.Wrap(err, "forgetting somebody's messages")
		}
	}
	return nil
}

var (
	selectFailed = db.Statement(`SELECT m.notice, m.principal, m.at, m.code, n.event, n.creator FROM notice_mail m
		JOIN notice n ON n.id = m.notice WHERE m.state = 'failed' ORDER BY m.at DESC, m.notice DESC, m.principal DESC LIMIT $1`)
	countMails = db.Statement(`SELECT state, COUNT(*) FROM notice_mail GROUP BY state ORDER BY state`)
	selectBack = db.Statement(`SELECT hash FROM notice_mail WHERE notice = $1 AND principal = $2 AND state = 'failed'`)
	backAgain  = db.Statement(`UPDATE notice_mail SET state = 'waiting', code = '' WHERE notice = $1 AND principal = $2 AND state = 'failed'`)
)

// Undelivered is a letter that did not arrive. It names nobody's address and none of its content.
type Undelivered struct {
	Notice, Principal, Creator id.ID
	Event                      string
	At                         time.Time // business time
	Code                       string    // what the server said: `address 550 5.1.1`; `stopped` for an address that came back too often
}

// UndeliveredMail lists letters that did not arrive, newest first.
func UndeliveredMail(tx *db.Tx, limit int) (all []Undelivered, err error) {
	err = tx.Each(selectFailed, func(scan func(...any) error) error {
		var u Undelivered
		var number, principal, creator, at int64
		err := scan(&number, &principal, &at, &u.Code, &u.Event, &creator)
		u.Notice, u.Principal, u.Creator, u.At = id.ID(number), id.ID(principal), id.ID(creator), clock.FromMicro(at)
		all = append(all, u)
		return err
	}, page(limit))
	return all, fault.Wrap(err, "reading letters that did not arrive")
}

// MailCounts tells how many letters there are by state: waiting, digest, sent, dropped, failed.
func MailCounts(tx *db.Tx) (map[string]int, error) {
	counts := map[string]int{}
	err := tx.Each(countMails, func(scan func(...any) error) error {
		var state string
		var count int64
		err := scan(&state, &count)
		counts[state] = int(count)
		return err
	})
	return counts, fault.Wrap(err, "counting letters")
}

// Resend tries a letter that did not arrive once more. Its address is believed again.
func Resend(tx *db.Tx, number, principal id.ID) error {
	var hash []byte
	found, err := tx.One(selectBack, []any{&hash}, int64(number), int64(principal))
	if err != nil {
		return fault.Wrap(err, "reading a letter that did not arrive")
	}
	if !found {
		return fault.New(fault.NotFound, "letter", "there is no such letter that did not arrive", "look at the list again")
	}
	if _, err := tx.Exec(dropBounce, hash); err != nil {
		return fault.Wrap(err, "believing an address again")
	}
	if _, err := tx.Exec(backAgain, int64(number), int64(principal)); err != nil {
		return fault.Wrap(err, "sending a letter again")
	}
	at := place{int64(number), int64(principal)}
	body, err := at.body()
	if err != nil {
		return err
	}
	return job.Again(tx, job.Job{Kind: JobMail, Key: at.key(), Body: body})
}
