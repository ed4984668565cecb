// Package journal is the audit log: who decided what about whom, when and why, and how it was before and after.
//
// What must always hold: entries are only ever added, numbered without gaps, each chained to the one before it by a hash
// over the ciphertext, so that erasure breaks no chain and a changed or missing entry is found; an entry is written in the
// transaction that makes its decision true; what is personal in it is sealed under the person's key.
//
// It decides nothing.
package journal

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
	"tributary/internal/secret"
)

// Limits of one entry.
const (
	MaxActor   = 60       // bytes
	MaxAction  = 60       // bytes
	MaxSubject = 200      // bytes
	MaxReason  = 4000     // bytes: a reviewer's words, and codes with them
	MaxValue   = 16 << 10 // bytes of Before or After as JSON, each
)

// Actors that are no accounts.
const (
	System  = "system" // the clock and its jobs
	Command = "cli"    // the command line
)

// Entry is one decision.
type Entry struct {
	No      int64
	At      time.Time // business time
	Actor   string    // `us_…` of whoever decided, `system` for the clock and its jobs, `cli` for the command line
	Action  string    // a stable code, noun and verb: `enrolment.approved`, `session.revoked`, `token.made`
	Subject string    // what it is about: `cr_…`, `cr_…/us/associates`, `us_…`, `document/agreement/3`
	Person  id.ID     // whose personal data Reason, Before and After may hold: a creator or a principal; 0: nobody's
	Reason  string    // in words or codes; sealed with Before and After
	Before  any       // as JSON; nil: it was not there
	After   any       // as JSON; nil: it is gone
}

// body is what is sealed of an entry.
type body struct {
	Reason string          `json:"reason,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

var (
	takeHead   = db.Statement(`UPDATE journal_head SET no = no + 1 WHERE id = 1`)
	selectHead = db.Statement(`SELECT no, hash FROM journal_head WHERE id = 1`)
	moveHead   = db.Statement(`UPDATE journal_head SET hash = $2 WHERE id = 1 AND no = $1`)
	insertOne  = db.Statement(`INSERT INTO journal (no, at, actor, action, subject, person, body, prev, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
)

// Add writes an entry. Everything in it is bounded: an oversized value is Invalid, and so is one whose members are named
// like secrets. Of somebody who was erased it is kept that something was decided, and nothing that is personal.
// No is given to it here. Call it late: the chain is held until the commit.
func Add(tx *db.Tx, ring *secret.Ring, e Entry) error {
	text, err := e.check()
	if err != nil {
		return err
	}
	// The row of the head is changed first, and so is held: whoever comes at the same time waits, and goes on from here.
	if _, err := tx.Exec(takeHead); err != nil {
		return fault.Wrap(err, "taking the journal")
	}
	r := row{at: clock.Micro(e.At), actor: e.Actor, action: e.Action, subject: e.Subject, person: int64(e.Person)}
	if _, err := tx.One(selectHead, []any{&r.no, &r.prev}); err != nil {
		return fault.Wrap(err, "reading the head of the journal")
	}
	if r.prev == nil { // of the first entry; SQLite's driver gives empty bytes as none
		r.prev = []byte{}
	}
	if r.body, err = seal(tx, ring, e.Person, r.no, text); err != nil {
		return err
	}
	r.hash = r.sum()
	if _, err := tx.Exec(insertOne, r.no, r.at, r.actor, r.action, r.subject, r.person, r.body, r.prev, r.hash); err != nil {
		return fault.Wrap(err, "writing to the journal")
	}
	moved, err := tx.Exec(moveHead, r.no, r.hash)
	if err == nil && moved != 1 {
		err = fault.New(fault.Unavailable, "", "the journal was written to by somebody else", "try again in a moment")
	}
	return fault.Wrap(err, "moving the head of the journal")
}

// seal gives what is stored of an entry's body: as it is where it is nobody's, sealed where it is somebody's, and nothing
// where that person was erased.
func seal(tx *db.Tx, ring *secret.Ring, who id.ID, no int64, text []byte) ([]byte, error) {
	if who == 0 {
		return text, nil
	}
	sealed, err := person.Seal(tx, ring, who, place(no), text)
	if fault.Is(err, fault.Denied) {
		return []byte{}, nil
	}
	return sealed, fault.Wrap(err, "sealing an entry of the journal")
}

// place binds a sealed body to its entry.
func place(no int64) string { return "journal:" + strconv.FormatInt(no, 10) }

// actionForm is noun and verb in small letters: `enrolment.approved`.
var actionForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)

// check refuses what cannot be an entry, and gives its body as JSON.
func (e Entry) check() ([]byte, error) {
	switch {
	case e.At.IsZero() || e.At.Year() < 1990 || e.At.Year() > 2199:
		return nil, fault.Invalidf("at", "is not a time of ours", "send business time")
	case !plain(e.Actor) || len(e.Actor) > MaxActor:
		return nil, fault.Invalidf("actor", "is empty, longer than %d bytes or not plain text", "send `us_…`, `system` or `cli`", MaxActor)
	case len(e.Action) > MaxAction || !actionForm.MatchString(e.Action):
		return nil, fault.Invalidf("action", "is not a code of up to %d letters", "send noun and verb, as in `enrolment.approved`", MaxAction)
	case !plain(e.Subject) || len(e.Subject) > MaxSubject:
		return nil, fault.Invalidf("subject", "is empty, longer than %d bytes or not plain text", "send the id of what it is about", MaxSubject)
	case len(e.Reason) > MaxReason || !utf8.ValidString(e.Reason):
		return nil, fault.Invalidf("reason", "is longer than %d bytes or not in UTF-8", "say it shorter", MaxReason)
	}
	var b body
	var err error
	b.Reason = e.Reason
	if b.Before, err = value("before", e.Before); err != nil {
		return nil, err
	}
	if b.After, err = value("after", e.After); err != nil {
		return nil, err
	}
	return json.Marshal(b)
}

func plain(text string) bool {
	return strings.TrimSpace(text) != "" && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// value writes a value as JSON, within its bound and without secrets.
func value(field string, v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Invalidf(field, "cannot be written as JSON", "send a plain value").Because(err)
	}
	if string(text) == "null" {
		return nil, nil
	}
	if len(text) > MaxValue {
		return nil, fault.Invalidf(field, "has %d bytes as JSON, and may have %d", "send what changed, not all of it", len(text), MaxValue)
	}
	tree, err := parse(text)
	if err != nil {
		return nil, fault.Invalidf(field, "cannot be read as JSON", "send a plain value").Because(err)
	}
	if name := secretIn(tree, 0); name != "" {
		return nil, fault.Invalidf(field, "holds a member named like a secret (%s)", "leave it out: say that it changed, not what it is", name)
	}
	return text, nil
}

// secretWords name what must never be in the log, as words of a member's name.
var secretWords = map[string]bool{"password": true, "passwd": true, "passphrase": true, "secret": true, "token": true, "pin": true, "tin": true,
	"ssn": true, "itin": true, "ein": true, "iban": true, "totp": true, "otp": true, "cookie": true, "credential": true, "verifier": true}

// harmless are last words that make a name one about a secret: `token_id`, `password_set`.
var harmless = map[string]bool{"id": true, "ids": true, "name": true, "names": true, "count": true, "kind": true, "state": true, "at": true,
	"set": true, "changed": true, "expires": true, "scopes": true}

// deepest bounds how far a value may be nested: what is deeper is not looked into, and so is refused.
const deepest = 20

// secretIn gives the first member's name that looks like a secret's; empty where there is none.
func secretIn(tree any, depth int) string {
	if depth > deepest {
		return fmt.Sprintf("nested deeper than %d", deepest)
	}
	switch v := tree.(type) {
	case map[string]any:
		for _, name := range keys(v) {
			if named(name) {
				return name
			}
			if found := secretIn(v[name], depth+1); found != "" {
				return found
			}
		}
	case []any:
		for _, one := range v {
			if found := secretIn(one, depth+1); found != "" {
				return found
			}
		}
	}
	return ""
}

// named tells whether a member's name is that of a secret. It is read word by word, however words are put together.
func named(name string) bool {
	words := wordsOf(name)
	if len(words) == 0 || len(words) > 1 && harmless[words[len(words)-1]] {
		return false
	}
	for _, word := range words {
		if secretWords[word] || secretWords[strings.TrimSuffix(word, "s")] {
			return true
		}
	}
	return false
}

func wordsOf(name string) (words []string) {
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	before := ' '
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && unicode.IsLower(before):
			end()
			fallthrough
		default:
			word.WriteRune(unicode.ToLower(r))
		}
		before = r
	}
	end()
	return words
}
