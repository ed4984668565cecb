package claim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
)

// maxPage bounds one page of a list.
const maxPage = 200

const columns = `id, market, creator, state, outcome, reason, correction, opened, due, closed, sealed, body`

var (
	insertOne = db.Statement(`INSERT INTO claim (id, market, creator, subject, state, outcome, reason, correction, opened, due,
		closed, sealed, body) VALUES ($1, $2, $3, $4, 'open', '', '', 0, $5, $6, 0, 1, $7)`)
	insertStep = db.Statement(`INSERT INTO claim_step (claim, no, at, who, action, sealed, words)
		VALUES ($1, $2, $3, $4, $5, 1, $6)`)
	// Only what is open can end: of two who answer at once only one does.
	endOne = db.Statement(`UPDATE claim SET state = $2, outcome = $3, reason = $4, correction = $5, closed = $6
		WHERE id = $1 AND state = 'open'`)
	// The outbox is numbered in the lane's turn, behind whatever else this transaction tells.
	tell = db.Statement(`INSERT INTO outbox (lane, turn, idx, topic, creator, body) VALUES ($1, $2,
		(SELECT COALESCE(MAX(idx), -1) + 1 FROM outbox WHERE lane = $1 AND turn = $2), $3, $4, $5)`)

	selectOne     = db.Statement(`SELECT ` + columns + ` FROM claim WHERE id = $1`)
	selectSubject = db.Statement(`SELECT ` + columns + ` FROM claim WHERE creator = $1 AND market = $2 AND subject = $3
		AND state = 'open'`)
	selectSteps = db.Statement(`SELECT no, at, who, action, sealed, words FROM claim_step
		WHERE claim = $1 ORDER BY no`)
	countSteps      = db.Statement(`SELECT COUNT(*) FROM claim_step WHERE claim = $1`)
	countOpen       = db.Statement(`SELECT COUNT(*) FROM claim WHERE creator = $1 AND state = 'open'`)
	selectOfCreator = db.Statement(`SELECT ` + columns + ` FROM claim WHERE creator = $1 AND id < $2
		AND (CAST($3 AS BIGINT) = 0 OR market = $3) ORDER BY id DESC LIMIT $4`)
	selectQueue = db.Statement(`SELECT ` + columns + ` FROM claim WHERE state = 'open' AND due >= $1 AND (due > $1 OR id > $2)
		AND (CAST($3 AS BIGINT) = 0 OR market = $3) ORDER BY due, id LIMIT $4`)
	selectPast = db.Statement(`SELECT ` + columns + ` FROM claim WHERE state <> 'open' AND id < $1
		AND (CAST($2 AS BIGINT) = 0 OR market = $2) ORDER BY id DESC LIMIT $3`)
	countQueue = db.Statement(`SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN due < $1 THEN 1 ELSE 0 END), 0) AS BIGINT)
		FROM claim WHERE state = 'open' AND (CAST($2 AS BIGINT) = 0 OR market = $2)`)

	// What an accepted claim names must have been made for this creator, and nobody may stop it any more.
	correctionState = db.Statement(`SELECT state FROM correction WHERE id = $1 AND market = $2 AND creator = $3
		AND kind <> 'disqualification'`)
)

// kept is what a claim was opened with.
type kept struct {
	Request Request `json:"request"`
	Known   Known   `json:"known"`
}

// note is what the outbox says of a claim.
type note struct {
	Claim      string  `json:"claim"`
	Order      string  `json:"order,omitempty"`
	Date       string  `json:"date,omitempty"`
	Due        string  `json:"due"`
	Outcome    Outcome `json:"outcome,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Correction string  `json:"correction,omitempty"`
}

// Open opens a claim for a person, in a transaction that holds the marketplace's lane; who is the account or creator that
// asks. One that is open already about the same thing is given instead, and opened is false. Where the system's own answer
// leaves nothing to claim, it is a Conflict.
func Open(tx *db.Tx, keys person.Keys, marketplace uint16, zone *time.Location, creator id.ID, who string, r Request) (
	c Claim, opened bool, err error) {
	now, turn := tx.Now(), tx.Turn(int64(marketplace))
	if r, err = r.Check(now, zone); err != nil {
		return c, false, err
	}
	before, err := list(tx, keys, selectSubject, int64(creator), int64(marketplace), r.subject())
	if err != nil || len(before) > 0 {
		return first(before), false, err
	}
	var open int64
	if _, err := tx.One(countOpen, []any{&open}, int64(creator)); err != nil {
		return c, false, fault.Wrap(err, "counting open claims")
	}
	if open >= MaxOpen {
		return c, false, fault.New(fault.Exhausted, "", fmt.Sprintf("%d claims of yours are open", open),
			"wait for their answers, or withdraw one")
	}
	known, err := Look(tx, marketplace, zone, creator, r.Question, now)
	if err != nil {
		return c, false, err
	}
	if !known.Claimable {
		said := known.Words[0]
		return c, false, fault.New(fault.Conflict, "order", strings.ToLower(said[:1])+said[1:], "look at its lines")
	}
	c = Claim{ID: id.New(now), Market: marketplace, Creator: creator, Request: r, Known: known, State: StateOpen, Opened: now,
		Due: Due(now, zone, nil)}
	body, err := json.Marshal(kept{r, known})
	if err != nil {
		return c, false, err
	}
	sealed, err := seal(tx, keys, creator, place(c.ID), body)
	if err != nil {
		return c, false, err
	}
	if _, err := tx.Exec(insertOne, int64(c.ID), int64(marketplace), int64(creator), r.subject(), now.UnixMicro(), c.Due,
		sealed); err != nil {
		return c, false, fault.Wrap(err, "opening a claim")
	}
	if err := step(tx, keys, c, now, who, "opened", r.Message); err != nil {
		return c, false, err
	}
	return c, true, c.announce(tx, turn, "claim.opened")
}

func first(claims []Claim) Claim {
	if len(claims) == 0 {
		return Claim{}
	}
	return claims[0]
}

// Answer ends a claim with a person's answer, in a transaction that holds the marketplace's lane; who is the account that
// answers.
func Answer(tx *db.Tx, keys person.Keys, marketplace uint16, claim id.ID, who string, v Verdict) (Claim, error) {
	turn := tx.Turn(int64(marketplace))
	c, err := one(tx, keys, claim, func(c Claim) bool { return c.Market == marketplace })
	if err != nil {
		return c, err
	}
	if err := v.Check(); err != nil {
		return c, err
	}
	if err := c.checkCorrection(tx, v.Correction); err != nil {
		return c, err
	}
	c.State, c.Outcome, c.Reason, c.Correction = StateAnswered, v.Outcome, v.Reason, v.Correction
	if err := c.end(tx, keys, who, v.Words); err != nil {
		return c, err
	}
	return c, c.announce(tx, turn, "claim.answered")
}

// checkCorrection wants what an answer names to be settled: a promise that a second person may still refuse is none.
func (c Claim) checkCorrection(tx *db.Tx, correction id.ID) error {
	if correction == 0 {
		return nil
	}
	var state string
	found, err := tx.One(correctionState, []any{&state}, int64(correction), int64(c.Market), int64(c.Creator))
	switch {
	case err != nil:
		return fault.Wrap(err, "looking for a correction")
	case !found:
		return fault.New(fault.NotFound, "correction", "was not made for this creator in this marketplace", "check the id")
	case state != "approved" && state != "posted":
		return fault.New(fault.Conflict, "correction", "is "+state, "answer when it is approved")
	}
	return nil
}

// Withdraw lets a creator take an open claim back.
func Withdraw(tx *db.Tx, keys person.Keys, marketplace uint16, creator, claim id.ID, who string) (Claim, error) {
	c, err := one(tx, keys, claim, func(c Claim) bool { return c.Market == marketplace && c.Creator == creator })
	if err != nil {
		return c, err
	}
	c.State = StateWithdrawn
	return c, c.end(tx, keys, who, "")
}

// end closes an open claim.
func (c *Claim) end(tx *db.Tx, keys person.Keys, who, words string) error {
	c.Closed = tx.Now()
	changed, err := tx.Exec(endOne, int64(c.ID), string(c.State), string(c.Outcome), c.Reason, int64(c.Correction),
		c.Closed.UnixMicro())
	if err != nil {
		return fault.Wrap(err, "ending a claim")
	}
	if changed == 0 {
		return over()
	}
	return step(tx, keys, *c, c.Closed, who, string(c.State), words)
}

func over() error {
	return fault.New(fault.Conflict, "", "this claim is answered or withdrawn", "look at its history")
}

// Say adds the creator's words to an open claim; creator is whose it must be.
func Say(tx *db.Tx, keys person.Keys, marketplace uint16, creator, claim id.ID, who, words string) error {
	return add(tx, keys, claim, who, "said", words, func(c Claim) bool { return c.Market == marketplace && c.Creator == creator })
}

// Ask adds a person's question to an open claim, which the creator reads. The deadline stays. The same question asked again
// before anything else was said is the form sent twice, and changes nothing.
func Ask(tx *db.Tx, keys person.Keys, marketplace uint16, claim id.ID, who, words string) error {
	c, err := one(tx, keys, claim, func(c Claim) bool { return c.Market == marketplace })
	if err != nil {
		return err
	}
	steps, err := stepsOf(tx, keys, c)
	if err != nil {
		return err
	}
	if last := len(steps) - 1; c.State == StateOpen && last >= 0 && steps[last].Action == "asked" && steps[last].Who == who &&
		steps[last].Words == words {
		return nil
	}
	return add(tx, keys, claim, who, "asked", words, func(c Claim) bool { return c.Market == marketplace })
}

func add(tx *db.Tx, keys person.Keys, claim id.ID, who, action, words string, mine func(Claim) bool) error {
	c, err := one(tx, keys, claim, mine)
	if err != nil {
		return err
	}
	if err := checkText("words", words, MaxMessage); err != nil {
		return err
	}
	if c.State != StateOpen {
		return over()
	}
	return step(tx, keys, c, tx.Now(), who, action, words)
}

// step notes what was done. The last place is kept for the claim's end.
func step(tx *db.Tx, keys person.Keys, c Claim, at time.Time, who, action, words string) error {
	var count int64
	if _, err := tx.One(countSteps, []any{&count}, int64(c.ID)); err != nil {
		return fault.Wrap(err, "counting a claim's steps")
	}
	if talk := action == "said" || action == "asked"; talk && count >= MaxSteps-1 {
		return fault.New(fault.Exhausted, "words", fmt.Sprintf("this claim has %d steps, and may have no more", count),
			"answer it, or withdraw it")
	}
	sealed, err := seal(tx, keys, c.Creator, placeOfStep(c.ID, count+1), []byte(words))
	if err != nil {
		return err
	}
	_, err = tx.Exec(insertStep, int64(c.ID), count+1, at.UnixMicro(), who, action, sealed)
	return fault.Wrap(err, "noting what was done with a claim")
}

// announce tells those who watch.
func (c Claim) announce(tx *db.Tx, turn int64, topic string) error {
	n := note{Claim: c.ID.Text(id.Claim), Order: c.Order, Date: c.Date, Due: c.Due, Outcome: c.Outcome, Reason: c.Reason}
	if c.Correction != 0 {
		n.Correction = c.Correction.Text(id.Correction)
	}
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	_, err = tx.Exec(tell, int64(c.Market), turn, topic, int64(c.Creator), string(body))
	return fault.Wrap(err, "announcing a claim")
}

// Find reads a claim for the operator's people, with all that was done with it.
func Find(tx *db.Tx, keys person.Keys, claim id.ID) (Claim, []Step, error) {
	c, err := one(tx, keys, claim, func(Claim) bool { return true })
	if err != nil {
		return c, nil, err
	}
	steps, err := stepsOf(tx, keys, c)
	return c, steps, err
}

// Mine reads a claim for its creator: those of others do not exist, and the operator's people have no names.
func Mine(tx *db.Tx, keys person.Keys, creator, claim id.ID) (Claim, []Step, error) {
	c, err := one(tx, keys, claim, func(c Claim) bool { return c.Creator == creator })
	if err != nil {
		return c, nil, err
	}
	steps, err := stepsOf(tx, keys, c)
	for i := range steps {
		if steps[i].Action == "asked" || steps[i].Action == string(StateAnswered) {
			steps[i].Who = ""
		}
	}
	return c, steps, err
}

// one reads a claim that the reader may know of.
func one(tx *db.Tx, keys person.Keys, claim id.ID, mine func(Claim) bool) (Claim, error) {
	found, err := list(tx, keys, selectOne, int64(claim))
	if err == nil && (len(found) == 0 || !mine(found[0])) {
		err = fault.New(fault.NotFound, "claim", "there is no such claim", "check the id")
	}
	if err != nil {
		return Claim{}, err
	}
	return found[0], nil
}

func stepsOf(tx *db.Tx, keys person.Keys, c Claim) (steps []Step, err error) {
	var places []string
	var sealed []bool
	if err := tx.Each(selectSteps, func(scan func(...any) error) error {
		var s Step
		var no, at, is int64
		err := scan(&no, &at, &s.Who, &s.Action, &is, &s.Words)
		s.At = time.UnixMicro(at).UTC()
		steps, places, sealed = append(steps, s), append(places, placeOfStep(c.ID, no)), append(sealed, is != 0)
		return err
	}, int64(c.ID)); err != nil {
		return nil, fault.Wrap(err, "reading a claim's history")
	}
	for i := range steps {
		if !sealed[i] {
			continue
		}
		words, ok, err := open(tx, keys, c.Creator, places[i], steps[i].Words)
		if err != nil {
			return nil, err
		}
		if steps[i].Words = gone; ok {
			steps[i].Words = string(words)
		}
	}
	return steps, nil
}

// OfCreator gives a creator's claims, newest first, before an id (zero: the newest); marketplace 0 means all.
func OfCreator(tx *db.Tx, keys person.Keys, creator id.ID, marketplace uint16, before id.ID, limit int) ([]Claim, error) {
	return list(tx, keys, selectOfCreator, int64(creator), newest(before), int64(marketplace), page(limit))
}

// Queue gives the open claims, those due first in front, behind (due, id); marketplace 0 means all.
func Queue(tx *db.Tx, keys person.Keys, marketplace uint16, due string, after id.ID, limit int) ([]Claim, error) {
	return list(tx, keys, selectQueue, due, int64(after), int64(marketplace), page(limit))
}

// Past gives the claims that are answered or withdrawn, newest first, before an id (zero: the newest).
func Past(tx *db.Tx, keys person.Keys, marketplace uint16, before id.ID, limit int) ([]Claim, error) {
	return list(tx, keys, selectPast, newest(before), int64(marketplace), page(limit))
}

// Counts tells how many claims are open, and how many of these are overdue on a local date; marketplace 0 means all.
func Counts(tx *db.Tx, marketplace uint16, today string) (open, overdue int, err error) {
	var all, late int64
	_, err = tx.One(countQueue, []any{&all, &late}, today, int64(marketplace))
	return int(all), int(late), fault.Wrap(err, "counting claims")
}

func page(limit int) int64 { return int64(min(max(limit, 1), maxPage)) }

func newest(before id.ID) int64 {
	if before == 0 {
		return 1<<63 - 1
	}
	return int64(before)
}

func list(tx *db.Tx, keys person.Keys, statement *db.Stmt, args ...any) ([]Claim, error) {
	var all []Claim
	var bodies []string
	var sealed []bool
	if err := tx.Each(statement, func(scan func(...any) error) error {
		var c Claim
		var number, market, creator, correction, opened, closed, is int64
		var body string
		if err := scan(&number, &market, &creator, &c.State, &c.Outcome, &c.Reason, &correction, &opened, &c.Due, &closed,
			&is, &body); err != nil {
			return err
		}
		c.ID, c.Market, c.Creator, c.Correction = id.ID(number), uint16(market), id.ID(creator), id.ID(correction)
		c.Opened = time.UnixMicro(opened).UTC()
		if closed != 0 {
			c.Closed = time.UnixMicro(closed).UTC()
		}
		all, bodies, sealed = append(all, c), append(bodies, body), append(sealed, is != 0)
		return nil
	}, args...); err != nil {
		return nil, fault.Wrap(err, "reading claims")
	}
	for i := range all {
		if err := all[i].read(tx, keys, bodies[i], sealed[i]); err != nil {
			return nil, fault.Wrap(err, "reading claims")
		}
	}
	return all, nil
}
