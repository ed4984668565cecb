package audit

import (
	"encoding/base64"
	"strconv"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/person"
	"tributary/internal/secret"
)

// verifyJournal recomputes the chain of the audit log. There is one log, whatever the number of marketplaces: the audit of the
// first one reads it. It needs no key.
func (a *auditor) verifyJournal() error {
	if !a.first {
		return nil
	}
	v, err := journal.Verify(a.tx, 0, func(p journal.Problem) { a.tell("the log: %s", p.Text) })
	a.seen.Entries = int(v.Entries)
	return err
}

// personal is a table with a column that is sealed under the key of whoever the row is about.
type personal struct {
	name string
	// rows gives three numbers that order rows, whose they are, and what is sealed, behind $1, $2 and $3.
	rows *db.Stmt
	text bool // the column holds text: base64
	// place is what the owner of the table binds a row to.
	place func(key [3]int64) string
}

var personalTables = []personal{
	{"claim", db.Statement(`SELECT id, 0, 0, creator, body FROM claim WHERE sealed = 1 AND (id, 0, 0) > ($1, $2, $3) ORDER BY id LIMIT $4`), true,
		func(key [3]int64) string { return "claim:" + id.ID(key[0]).Text(id.Claim) }},
	{"claim_step", db.Statement(`SELECT s.claim, s.no, 0, c.creator, s.words FROM claim_step s JOIN claim c ON c.id = s.claim
		WHERE s.sealed = 1 AND (s.claim, s.no, 0) > ($1, $2, $3) ORDER BY s.claim, s.no LIMIT $4`), true,
		func(key [3]int64) string {
			return "claim:" + id.ID(key[0]).Text(id.Claim) + ":" + strconv.FormatInt(key[1], 10)
		}},
	{"application", db.Statement(`SELECT id, 0, 0, creator, body FROM application WHERE (id, 0, 0) > ($1, $2, $3) ORDER BY id LIMIT $4`), false,
		func(key [3]int64) string { return "application:" + id.ID(key[0]).Text("ap_") }},
	// The last message to somebody is sealed for its mail alone.
	{"notice", db.Statement(`SELECT id, 0, 0, creator + principal, facts FROM notice WHERE event <> 'data.erased' AND (id, 0, 0) > ($1, $2, $3)
		ORDER BY id LIMIT $4`), false,
		func(key [3]int64) string { return "notice:" + id.ID(key[0]).Text("msg_") }},
	{"review_verdict", db.Statement(`SELECT at, creator, market * 256 + program, creator, words FROM review_verdict
		WHERE (at, creator, market * 256 + program) > ($1, $2, $3) ORDER BY at, creator, market * 256 + program LIMIT $4`), false,
		func(key [3]int64) string { return "review_verdict:" + strconv.FormatInt(key[0], 10) }},
}

// pagePersonal is how many rows are opened at once.
const pagePersonal = 500

// Opened counts what Personal looked at.
type Opened struct{ Entries, Texts int64 }

// Personal opens what is sealed under the keys of persons, every row of it: each opens, or belongs to somebody who was erased.
// It needs the installation's keys, as Verify does not.
func Personal(tx *db.Tx, ring *secret.Ring, differ func(string)) (o Opened, err error) {
	if o.Entries, err = journal.Readable(tx, ring, func(p journal.Problem) { differ("the log: " + p.Text) }); err != nil {
		return o, err
	}
	for _, t := range personalTables {
		count, err := t.open(tx, ring, differ)
		if o.Texts += count; err != nil {
			return o, fault.Wrap(err, "reading "+t.name)
		}
	}
	return o, nil
}

// sealedText is a row's.
type sealedText struct {
	key    [3]int64
	owner  int64
	sealed []byte
	broken bool
}

func (t personal) open(tx *db.Tx, ring *secret.Ring, differ func(string)) (count int64, err error) {
	for after, more := ([3]int64{-1, -1, -1}), true; more; { // no key is below zero
		page, err := t.page(tx, after)
		if err != nil {
			return count, err
		}
		more = len(page) == pagePersonal
		for _, r := range page {
			after = r.key
			count++
			if !r.broken && len(r.sealed) == 0 { // emptied by the erasure
				continue
			}
			if !r.broken {
				_, _, err = person.Open(tx, ring, id.ID(r.owner), t.place(r.key), r.sealed)
			}
			if r.broken || err != nil {
				differ(t.place(r.key) + ": what is sealed there does not open, and its person was not erased")
			}
		}
	}
	return count, nil
}

// page reads rows before any is opened: a connection answers one question at a time.
func (t personal) page(tx *db.Tx, after [3]int64) (page []sealedText, err error) {
	err = tx.Each(t.rows, func(scan func(...any) error) error {
		var r sealedText
		if !t.text {
			err := scan(&r.key[0], &r.key[1], &r.key[2], &r.owner, &r.sealed)
			page = append(page, r)
			return err
		}
		var text string
		if err := scan(&r.key[0], &r.key[1], &r.key[2], &r.owner, &text); err != nil {
			return err
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		r.sealed, r.broken = raw, err != nil
		page = append(page, r)
		return nil
	}, after[0], after[1], after[2], int64(pagePersonal))
	return page, err
}
