package correction

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// maxPage bounds one page of a list.
const maxPage = 200

const columns = `id, market, kind, creator, amount, reason, reverses, state, proposer, second, proposed, decided, posted,
	body`

var (
	insertOne = db.Statement(`INSERT INTO correction (id, market, kind, creator, amount, reason, reverses, state, proposer,
		second, proposed, decided, posted, content, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (id) DO NOTHING`)
	insertLines = db.Bulk("BIGINT BIGINT TEXT TEXT BIGINT",
		`INSERT INTO correction_line (correction, market, order_id, line_id, amount) VALUES $ROWS`)
	insertStep = db.Statement(`INSERT INTO correction_step (correction, no, at, who, action, words) VALUES ($1,
		(SELECT COALESCE(MAX(no), 0) + 1 FROM correction_step WHERE correction = $1), $2, $3, $4, $5)`)
	decideOne = db.Statement(`UPDATE correction SET state = $2, second = $3, decided = $4 WHERE id = $1 AND state = 'proposed'`)
	postOne   = db.Statement(`UPDATE correction SET state = 'posted', posted = $2 WHERE id = $1 AND state = 'approved'`)

	selectOne     = db.Statement(`SELECT ` + columns + ` FROM correction WHERE id = $1`)
	selectContent = db.Statement(`SELECT content FROM correction WHERE id = $1`)
	selectSteps   = db.Statement(`SELECT at, who, action, words FROM correction_step WHERE correction = $1 ORDER BY no`)
	selectOwn     = db.Statement(`SELECT order_id, line_id, amount FROM correction_line WHERE correction = $1
		ORDER BY order_id, line_id`)

	selectWaiting = db.Statement(`SELECT ` + columns + ` FROM correction WHERE state = 'proposed' AND id > $1
		AND (CAST($2 AS BIGINT) = 0 OR market = $2) ORDER BY id LIMIT $3`)
	selectApproved  = db.Statement(`SELECT id FROM correction WHERE state = 'approved' AND id > $1 ORDER BY id LIMIT $2`)
	selectOfCreator = db.Statement(`SELECT ` + columns + ` FROM correction WHERE creator = $1 AND market = $2 AND id < $3
		AND (CAST($4 AS BIGINT) = 0 OR state = 'posted') ORDER BY id DESC LIMIT $5`)
	selectOfLine = db.Statement(`SELECT ` + columns + ` FROM correction WHERE id IN (SELECT correction FROM correction_line
		WHERE market = $1 AND order_id = $2 AND line_id = $3) ORDER BY proposed, id`)

	selectReversed = db.Statement(`SELECT l.order_id, l.line_id FROM correction c JOIN correction_line l ON l.correction = c.id
		WHERE c.creator = $1 AND c.market = $2 AND c.reverses = $3 AND (c.state = 'approved' OR c.state = 'posted')
		ORDER BY l.order_id, l.line_id`)

	// What stands against lines, found by their orders: a line stands under a disqualification until a reversal is posted.
	selectAgainst = db.In(`SELECT l.order_id, l.line_id, c.id, c.kind, c.reverses, c.state FROM correction_line l
		JOIN correction c ON c.id = l.correction WHERE l.market = $1 AND l.order_id IN ($LIST)
		AND c.state <> 'declined' AND c.state <> 'withdrawn'`)
	selectWorth = db.In(`SELECT order_id, line_id, creator, pending + earned FROM line
		WHERE market = $1 AND order_id IN ($LIST)`)

	hasCreator = db.Statement(`SELECT id FROM creator WHERE id = $1`)
	hasOrder   = db.Statement(`SELECT id FROM orders WHERE market = $1 AND id = $2`)
	hasClaim   = db.Statement(`SELECT id FROM claim WHERE id = $1 AND market = $2 AND creator = $3`)
)

// kept is the part of a correction that only people read.
type kept struct {
	Words    string   `json:"words"`
	Evidence []string `json:"evidence,omitempty"`
	Ref      Ref      `json:"ref"`
}

// Find reads a correction with its lines and all that was done with it; NotFound where there is none.
func Find(tx *db.Tx, correction id.ID) (Correction, []Step, error) {
	c, err := one(tx, correction)
	if err != nil {
		return c, nil, err
	}
	var steps []Step
	err = tx.Each(selectSteps, func(scan func(...any) error) error {
		var s Step
		var at int64
		err := scan(&at, &s.Who, &s.Action, &s.Words)
		s.At = clock.FromMicro(at)
		steps = append(steps, s)
		return err
	}, int64(correction))
	return c, steps, fault.Wrap(err, "reading a correction's history")
}

// one reads a correction with its lines.
func one(tx *db.Tx, correction id.ID) (Correction, error) {
	found, err := list(tx, selectOne, int64(correction))
	if err != nil {
		return Correction{}, err
	}
	if len(found) == 0 {
		return Correction{}, notFound()
	}
	c := found[0]
	c.Lines, _, err = linesOf(tx, correction)
	return c, err
}

func notFound() error {
	return fault.New(fault.NotFound, "correction", "there is no such correction", "check the id")
}

// linesOf reads the lines of a correction, and what each came to when it was disqualified.
func linesOf(tx *db.Tx, correction id.ID) (lines []LineKey, worth map[LineKey]int64, err error) {
	worth = map[LineKey]int64{}
	err = tx.Each(selectOwn, func(scan func(...any) error) error {
		var key LineKey
		var amount int64
		err := scan(&key.Order, &key.Line, &amount)
		lines, worth[key] = append(lines, key), amount
		return err
	}, int64(correction))
	return lines, worth, fault.Wrap(err, "reading the lines of a correction")
}

// Waiting gives what waits for a second person, oldest first, behind an id; marketplace 0 means all. Lines are left out.
func Waiting(tx *db.Tx, marketplace uint16, after id.ID, limit int) ([]Correction, error) {
	return list(tx, selectWaiting, int64(after), int64(marketplace), page(limit))
}

// OfCreator gives a creator's corrections in a marketplace, newest first, before an id (zero: the newest). told leaves
// out what was never posted: a creator reads what moved the balance, and no names of staff. Lines are left out.
func OfCreator(tx *db.Tx, creator id.ID, marketplace uint16, told bool, before id.ID, limit int) ([]Correction, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	only := int64(0)
	if told {
		only = 1
	}
	found, err := list(tx, selectOfCreator, int64(creator), int64(marketplace), int64(before), only, page(limit))
	if told {
		for i := range found {
			found[i].Proposer, found[i].Second = 0, 0
		}
	}
	return found, err
}

// OfLine gives every correction that names a line, oldest first. Lines are left out.
func OfLine(tx *db.Tx, marketplace uint16, line LineKey) ([]Correction, error) {
	return list(tx, selectOfLine, int64(marketplace), line.Order, line.Line)
}

func page(limit int) int64 { return int64(min(max(limit, 1), maxPage)) }

func list(tx *db.Tx, statement *db.Stmt, args ...any) ([]Correction, error) {
	var all []Correction
	err := tx.Each(statement, func(scan func(...any) error) error {
		var c Correction
		var number, market, creator, reverses, proposer, second, proposed, decided, posted int64
		var body string
		if err := scan(&number, &market, &c.Kind, &creator, &c.Amount, &c.Reason, &reverses, &c.State, &proposer, &second,
			&proposed, &decided, &posted, &body); err != nil {
			return err
		}
		var k kept
		if err := json.Unmarshal([]byte(body), &k); err != nil {
			return err
		}
		c.Words, c.Evidence, c.Ref = k.Words, k.Evidence, k.Ref
		c.ID, c.Market, c.Creator, c.Reverses = id.ID(number), uint16(market), id.ID(creator), id.ID(reverses)
		c.Proposer, c.Second = id.ID(proposer), id.ID(second)
		c.Proposed, c.Decided, c.Posted = instant(proposed), instant(decided), instant(posted)
		all = append(all, c)
		return nil
	}, args...)
	return all, fault.Wrap(err, "reading corrections")
}

// save writes a new correction with its lines and first step. worth holds what each line comes to.
func save(tx *db.Tx, c Correction, content []byte, worth map[LineKey]int64) error {
	body, err := json.Marshal(kept{c.Words, c.Evidence, c.Ref})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(insertOne, int64(c.ID), int64(c.Market), string(c.Kind), int64(c.Creator), c.Amount, c.Reason,
		int64(c.Reverses), string(c.State), int64(c.Proposer), int64(c.Second), clock.Micro(c.Proposed), micro(c.Decided),
		micro(c.Posted), content, string(body)); err != nil {
		return fault.Wrap(err, "saving a correction")
	}
	rows := make([][]any, len(c.Lines))
	for i, key := range c.Lines {
		rows[i] = []any{int64(c.ID), int64(c.Market), key.Order, key.Line, worth[key]}
	}
	if _, err := tx.Bulk(insertLines, rows); err != nil {
		return fault.Wrap(err, "saving the lines of a correction")
	}
	return step(tx, c.ID, c.Proposed, who(c.Proposer), "proposed", c.Words)
}

func step(tx *db.Tx, correction id.ID, at time.Time, who, action, words string) error {
	_, err := tx.Exec(insertStep, int64(correction), clock.Micro(at), who, action, words)
	return fault.Wrap(err, "noting what was done with a correction")
}

// again finds the correction that the same proposal made before. The same id with other content is a Conflict.
func again(tx *db.Tx, correction id.ID, content []byte) (c Correction, found bool, err error) {
	var before []byte
	if found, err = tx.One(selectContent, []any{&before}, int64(correction)); err != nil || !found {
		return c, false, fault.Wrap(err, "looking for a correction")
	}
	if !bytes.Equal(before, content) {
		return c, true, fault.New(fault.Conflict, "id", "was used for another correction", "open the form again")
	}
	c, err = one(tx, correction)
	return c, true, err
}

// contentOf tells the same proposal sent twice from another one: who proposes it, where, and all of it.
func contentOf(marketplace uint16, by id.ID, p Proposal) []byte {
	raw, err := json.Marshal(struct {
		Market   uint16
		By       id.ID
		Proposal Proposal
	}{marketplace, by, p})
	if err != nil {
		panic(err) // every field marshals
	}
	sum := sha256.Sum256(raw)
	return sum[:16]
}

// who writes a principal as steps and the ledger name it.
func who(principal id.ID) string {
	if principal == 0 {
		return ""
	}
	return principal.Text(auth.Prefix)
}

// micro and instant keep the zero time as 0: something that has not happened.
func micro(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return clock.Micro(at)
}

func instant(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return clock.FromMicro(micro)
}
