package notice

import (
	"encoding/json"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// The mailbox stands for everybody's in a sandbox, which sends nothing: what would have been sent lies there, the newest 500.

// mailboxKept is how many letters stay.
const mailboxKept = 500

const mailboxPurpose = "mailbox"

// LetterPrefix is how the id of a letter in the mailbox is written.
const LetterPrefix = "ml_"

var (
	insertLetter = db.Statement(`INSERT INTO mailbox (id, creator, principal, at, sealed) VALUES ($1, $2, $3, $4, $5)`)
	sweepLetters = db.Statement(`DELETE FROM mailbox WHERE id <= (SELECT id FROM mailbox ORDER BY id DESC LIMIT 1 OFFSET $1)`)
	selectLetter = db.Statement(`SELECT id, at, sealed FROM mailbox WHERE id = $1`)
	selectBox    = db.Statement(`SELECT id, at, sealed FROM mailbox WHERE id < $1 ORDER BY id DESC LIMIT $2`)
)

// Boxed is a letter in the mailbox.
type Boxed struct {
	ID id.ID
	At time.Time // business time
	Letter
}

func letterContext(number id.ID) string { return "mailbox:" + number.Text(LetterPrefix) }

func keepInMailbox(tx *db.Tx, ring *secret.Ring, creator, principal id.ID, now time.Time, l Letter) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	number := nextID()
	if _, err := tx.Exec(insertLetter, int64(number), int64(creator), int64(principal), clock.Micro(now),
		ring.Seal(mailboxPurpose, letterContext(number), text)); err != nil {
		return fault.Wrap(err, "putting a letter into the mailbox")
	}
	_, err = tx.Exec(sweepLetters, int64(mailboxKept))
	return fault.Wrap(err, "removing old letters from the mailbox")
}

// Mailbox lists letters, newest first, before an id (zero: the newest).
func Mailbox(tx *db.Tx, ring *secret.Ring, before id.ID, limit int) (all []Boxed, err error) {
	err = tx.Each(selectBox, func(scan func(...any) error) error {
		b, err := readLetter(ring, scan)
		all = append(all, b)
		return err
	}, newest(before), page(limit))
	return all, fault.Wrap(err, "reading the mailbox")
}

// MailboxLetter reads one letter of the mailbox.
func MailboxLetter(tx *db.Tx, ring *secret.Ring, number id.ID) (b Boxed, err error) {
	found := false
	err = tx.Each(selectLetter, func(scan func(...any) error) error {
		found = true
		b, err = readLetter(ring, scan)
		return err
	}, int64(number))
	if err == nil && !found {
		err = fault.New(fault.NotFound, "letter", "there is no such letter in the mailbox", "look at the list: old ones go")
	}
	return b, err
}

func readLetter(ring *secret.Ring, scan func(...any) error) (b Boxed, err error) {
	var number, at int64
	var sealed []byte
	if err := scan(&number, &at, &sealed); err != nil {
		return b, err
	}
	b.ID, b.At = id.ID(number), clock.FromMicro(at)
	text, err := ring.Open(mailboxPurpose, letterContext(b.ID), sealed)
	if err != nil {
		return b, fault.Wrap(err, "opening a letter of the mailbox")
	}
	return b, json.Unmarshal(text, &b.Letter)
}
