package journal

import (
	"encoding/json"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
	"tributary/internal/secret"
)

// Stored is an entry as it is kept. Before and After are json.RawMessage, or nil.
type Stored struct {
	Entry
	Erased bool   // the person was erased: reason, before and after are gone
	Prev   []byte // hash of the entry before
	Hash   []byte
}

// Query asks for entries, newest first. Empty fields ask for nothing.
type Query struct {
	Text     string    // in actor, action, its words, subject or reason, whatever the case
	Actor    string    // the whole of it
	Action   string    // what it begins with: `enrolment.` or `enrolment.approved`
	Subject  string    // what it begins with
	From, To time.Time // At is not before From, and before To; zero: without end
	Before   int64     // entries of lower numbers only: the next page; 0: from the newest on
	Limit    int       // up to MaxPage; 0: that many
}

// Limits of one search. A search that stopped at one of them says where to go on (Found.Next).
const (
	MaxPage  = 200
	maxText  = 200     // bytes of Query.Text
	maxSpan  = 200_000 // numbers that are gone through
	maxOpen  = 4_000   // entries that are opened to look into their reasons
	spanStep = 2_000   // numbers that are read at once
)

// Found is a page of what was searched for.
type Found struct {
	Entries []Stored
	Next    int64 // ask again with Before: this; 0: there is nothing older
	Partial bool  // it was stopped before the page was full: there is more to look through
}

// Numbers have no gaps, so a span of them is a bounded stretch of the table, however rare what is looked for.
var (
	selectSpan = db.Statement(`SELECT ` + columns + ` FROM journal WHERE no < $1 AND no >= $2 AND at >= $3 AND at < $4
		AND actor >= $5 AND actor <= $6 AND action >= $7 AND action <= $8 AND subject >= $9 AND subject <= $10 ORDER BY no DESC`)
	selectAbout = db.Statement(`SELECT ` + columns + ` FROM journal WHERE subject >= $1 AND subject <= $2 AND no < $3
		ORDER BY no DESC LIMIT $4`)
	selectOfPerson = db.Statement(`SELECT ` + columns + ` FROM journal WHERE no > $1
		AND (person <> 0 AND person = $2 OR subject >= $3 AND subject <= $4 OR actor = $5) ORDER BY no LIMIT $6`)
)

// last is beyond every text that begins with another one, byte by byte.
const last = "\U0010FFFF"

// Search finds entries. Reasons are looked into by opening them one after the other, within a bound.
func Search(tx *db.Tx, ring *secret.Ring, q Query) (found Found, err error) {
	if len(q.Text) > maxText {
		return found, fault.Invalidf("q", "has more than %d bytes", "search for fewer words", maxText)
	}
	limit := q.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	before := q.Before
	if before <= 0 {
		var head row
		if _, err := tx.One(selectHead, []any{&head.no, &head.hash}); err != nil {
			return found, fault.Wrap(err, "reading the head of the journal")
		}
		before = head.no + 1
	}
	text, opened := strings.ToLower(strings.TrimSpace(q.Text)), 0
	for end := max(before-maxSpan, 1); before > end && len(found.Entries) < limit; {
		start := max(before-spanStep, end)
		rows, err := q.span(tx, before, start)
		if err != nil {
			return found, err
		}
		before = start
		for i := range rows {
			if len(found.Entries) == limit || opened == maxOpen {
				before = rows[i].no + 1
				break
			}
			opened++
			one, err := open(tx, ring, &rows[i])
			if err != nil {
				return found, err
			}
			if text == "" || one.holds(text) {
				found.Entries = append(found.Entries, one)
			}
		}
		if opened == maxOpen {
			break
		}
	}
	if before > 1 {
		found.Next, found.Partial = before, len(found.Entries) < limit
	}
	return found, nil
}

// span reads the entries of a span of numbers that a query's exact parts let through, newest first.
func (q Query) span(tx *db.Tx, before, start int64) (rows []row, err error) {
	from, to := int64(-1<<63), int64(1<<63-1)
	if !q.From.IsZero() {
		from = clock.Micro(q.From)
	}
	if !q.To.IsZero() {
		to = clock.Micro(q.To)
	}
	until := q.Actor
	if until == "" {
		until = last
	}
	err = tx.Each(selectSpan, func(scan func(...any) error) error {
		var r row
		err := r.scan(scan)
		rows = append(rows, r)
		return err
	}, before, start, from, to, q.Actor, until, q.Action, q.Action+last, q.Subject, q.Subject+last)
	return rows, fault.Wrap(err, "searching the journal")
}

// holds tells whether an entry holds a text in small letters.
func (s Stored) holds(text string) bool {
	for _, in := range []string{s.Action, Words(s.Action), s.Subject, s.Actor, s.Reason} {
		if strings.Contains(strings.ToLower(in), text) {
			return true
		}
	}
	return false
}

// open reads an entry's body.
func open(tx *db.Tx, ring *secret.Ring, r *row) (s Stored, err error) {
	s = Stored{Entry: Entry{No: r.no, At: clock.FromMicro(r.at), Actor: r.actor, Action: r.action, Subject: r.subject,
		Person: id.ID(r.person)}, Prev: r.prev, Hash: r.hash}
	text := r.body
	if r.person != 0 {
		if len(r.body) == 0 { // it was written after the erasure
			s.Erased = true
			return s, nil
		}
		var ok bool
		if text, ok, err = person.Open(tx, ring, s.Person, place(r.no), r.body); err != nil {
			return s, fault.Wrap(err, "opening entry "+place(r.no))
		}
		if !ok {
			s.Erased = true
			return s, nil
		}
	}
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return s, fault.Wrap(err, "reading entry "+place(r.no))
	}
	s.Reason = b.Reason
	if b.Before != nil {
		s.Before = b.Before
	}
	if b.After != nil {
		s.After = b.After
	}
	return s, nil
}

// One reads an entry.
func One(tx *db.Tx, ring *secret.Ring, no int64) (Stored, error) {
	var r row
	found, err := tx.One(selectRow, r.dest(), no)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "entry", "there is no such entry in the log", "check the number")
	}
	if err != nil {
		return Stored{}, fault.Wrap(err, "reading the journal")
	}
	return open(tx, ring, &r)
}

// Of gives the newest entries about what begins with subject, newest first, up to MaxPage.
func Of(tx *db.Tx, ring *secret.Ring, subject string) ([]Stored, error) {
	return list(tx, ring, selectAbout, subject, subject+last, int64(1<<63-1), int64(MaxPage))
}

// OfPerson gives a page of the entries about somebody (whose personal data they hold, or who is their subject) or by them,
// oldest first, behind entry number after. subject and actor are how the log names them: `cr_…`, `us_…`.
func OfPerson(tx *db.Tx, ring *secret.Ring, who id.ID, name string, after int64, limit int) ([]Stored, error) {
	return list(tx, ring, selectOfPerson, after, int64(who), name, name+last, name, int64(min(max(limit, 1), MaxPage)))
}

func list(tx *db.Tx, ring *secret.Ring, statement *db.Stmt, args ...any) ([]Stored, error) {
	var rows []row
	if err := tx.Each(statement, func(scan func(...any) error) error {
		var r row
		err := r.scan(scan)
		rows = append(rows, r)
		return err
	}, args...); err != nil {
		return nil, fault.Wrap(err, "reading the journal")
	}
	all := make([]Stored, len(rows))
	for i := range rows {
		var err error
		if all[i], err = open(tx, ring, &rows[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Readable opens every entry, page by page, and tells of those that do not open although their person was not erased.
func Readable(tx *db.Tx, ring *secret.Ring, problem func(Problem)) (entries int64, err error) {
	for after, count := int64(0), pageVerified; count == pageVerified; {
		rows := make([]row, 0, pageVerified)
		if err := tx.Each(selectRows, func(scan func(...any) error) error {
			var r row
			err := r.scan(scan)
			rows = append(rows, r)
			return err
		}, after, int64(pageVerified)); err != nil {
			return entries, fault.Wrap(err, "reading the journal")
		}
		count = len(rows)
		for i := range rows {
			after = rows[i].no
			entries++
			if _, err := open(tx, ring, &rows[i]); err != nil {
				problem(Problem{after, "what entry " + place(after) + " holds cannot be opened"})
			}
		}
	}
	return entries, nil
}
