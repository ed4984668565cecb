package enrolment

import (
	"fmt"
	"time"

	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// maxReason is the longest reason in bytes; what needs more is evidence and belongs to a case.
const maxReason = 500

var (
	insertStanding = db.Statement(`INSERT INTO standing (market, creator, program, since, state, reason, until, told, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`)
	selectOne = db.Statement(`SELECT since, state, reason, until FROM standing
		WHERE market = $1 AND creator = $2 AND program = $3 ORDER BY since`)
	selectMany = db.In(`SELECT creator, program, since, state, reason, until FROM standing
		WHERE market = $1 AND creator IN ($LIST) ORDER BY creator, program, since`)
	selectAll = db.Statement(`SELECT market, creator, program, since, state, reason, until FROM standing
		ORDER BY market, creator, program, since`)
	selectOf = db.Statement(`SELECT market, program, since, state, reason, until FROM standing WHERE creator = $1
		ORDER BY market, program, since`)
	selectUntold = db.Statement(`SELECT market, creator, program, since, state, reason, until FROM standing WHERE told = 0
		AND since <= $1 ORDER BY since, market, creator, program LIMIT $2`)
	markTold = db.Statement(`UPDATE standing SET told = 1 WHERE market = $1 AND creator = $2 AND program = $3 AND since = $4
		AND told = 0`)
	selectEnds = db.Statement(`SELECT market, creator, program, since, state, reason, until FROM standing WHERE ended = 0
		AND until > $1 AND until <= $2 AND market = $3 ORDER BY until, market, creator, program LIMIT $4`)
	markEnded = db.Statement(`UPDATE standing SET ended = 1 WHERE market = $1 AND creator = $2 AND program = $3 AND since = $4
		AND ended = 0`)
)

// Stood is a standing of an enrolment, by itself.
type Stood struct {
	Key
	Standing
}

// Save adds a standing to the history of an enrolment and announces it to the edge; it is told to people later (Untold).
// Saving the newest standing again changes nothing. A step that May refuses, and one that would act before the newest
// standing, is a Conflict.
func Save(tx *db.Tx, key Key, s Standing) error { return save(tx, key, s, 0) }

// SaveTold is Save for whoever tells people of the standing in this very transaction.
func SaveTold(tx *db.Tx, key Key, s Standing) error { return save(tx, key, s, 1) }

func save(tx *db.Tx, key Key, s Standing, told int64) error {
	if err := key.Program.Check(); err != nil {
		return err
	}
	if !s.State.Known() {
		return fault.Invalidf("state", "is not a state of an enrolment", "send one of the documented states")
	}
	if len(s.Reason) > maxReason {
		return fault.Invalidf("reason", "is longer than %d bytes", "write the details into the case", maxReason)
	}
	s.Since = s.Since.UTC().Truncate(time.Microsecond)
	until, ended := int64(0), int64(1)
	if !s.Until.IsZero() {
		s.Until = s.Until.UTC().Truncate(time.Microsecond)
		if until, ended = s.Until.UnixMicro(), 0; !s.Until.After(s.Since) {
			return fault.Invalidf("until", "is not after the beginning", "give a later end, or none")
		}
	}
	history, err := One(tx, key)
	if err != nil {
		return err
	}
	var newest Standing
	if len(history) > 0 {
		newest = history[len(history)-1]
	}
	if newest.Reason == ReasonOver && newest.Since.After(s.Since) { // its end is forestalled
		newest = history[len(history)-2]
	}
	if newest == s {
		return nil
	}
	if len(history) > 0 && !s.Since.After(newest.Since) {
		return fault.New(fault.Conflict, "since", fmt.Sprintf("is not after %s, since when the enrolment is %s",
			newest.Since.Format(time.RFC3339), newest.State), "a decision acts from its own instant on")
	}
	if !May(newest.State, s.State) {
		return fault.New(fault.Conflict, "state", fmt.Sprintf("an enrolment that is %s cannot become %s",
			shown(newest.State), s.State),
			"look at its present state first")
	}
	added, err := tx.Exec(insertStanding, int64(key.Market), int64(key.Creator), int64(key.Program), s.Since.UnixMicro(),
		string(s.State), s.Reason, until, told, ended)
	if err != nil {
		return fault.Wrap(err, "saving a standing")
	}
	if added == 0 { // somebody decided at the same instant on another node
		return fault.New(fault.Conflict, "since", "another decision acts from the same instant", "look at its present state first")
	}
	return event.Changed(tx, event.FeedStanding, key.Text())
}

func shown(s State) string {
	if s == "" {
		return "not there"
	}
	return string(s)
}

// One reads the history of one enrolment; empty where there is none.
func One(tx *db.Tx, key Key) (History, error) {
	var history History
	err := tx.Each(selectOne, func(scan func(...any) error) error {
		var s Standing
		err := s.read(scan)
		history = append(history, s)
		return err
	}, int64(key.Market), int64(key.Creator), int64(key.Program))
	return history.ends(), fault.Wrap(err, "reading an enrolment")
}

// read scans the columns of a standing, behind those of its key.
func (s *Standing) read(scan func(...any) error, before ...any) error {
	var since, until int64
	err := scan(append(before, &since, &s.State, &s.Reason, &until)...)
	if s.Since = time.UnixMicro(since).UTC(); until != 0 {
		s.Until = time.UnixMicro(until).UTC()
	}
	return err
}

// Standings reads the histories of all enrolments of those creators in a marketplace.
func Standings(tx *db.Tx, market uint16, creators []id.ID) (map[Key]History, error) {
	keys := make([]any, len(creators))
	for i, creator := range creators {
		keys[i] = int64(creator)
	}
	histories := map[Key]History{}
	err := tx.In(selectMany, keys, func(scan func(...any) error) error {
		var creator, program int64
		var s Standing
		err := s.read(scan, &creator, &program)
		key := Key{market, id.ID(creator), Program(program)}
		histories[key] = append(histories[key], s)
		return err
	}, int64(market))
	for key, history := range histories {
		histories[key] = history.ends()
	}
	return histories, fault.Wrap(err, "reading enrolments")
}

// Of reads the histories of all enrolments of a creator, in every marketplace.
func Of(tx *db.Tx, creator id.ID) (map[Key]History, error) {
	histories := map[Key]History{}
	err := tx.Each(selectOf, func(scan func(...any) error) error {
		var market, program int64
		var s Standing
		err := s.read(scan, &market, &program)
		key := Key{uint16(market), creator, Program(program)}
		histories[key] = append(histories[key], s)
		return err
	}, int64(creator))
	for key, history := range histories {
		histories[key] = history.ends()
	}
	return histories, fault.Wrap(err, "reading a creator's enrolments")
}

// All calls row with the history of every enrolment: how the edge learns them.
func All(tx *db.Tx, row func(Key, History) error) error {
	var key Key
	var history History
	err := tx.Each(selectAll, func(scan func(...any) error) error {
		s, err := stood(scan)
		if err != nil {
			return err
		}
		if s.Key != key && len(history) > 0 {
			if err := row(key, history.ends()); err != nil {
				return err
			}
			history = nil
		}
		key, history = s.Key, append(history, s.Standing)
		return nil
	})
	if err == nil && len(history) > 0 {
		err = row(key, history.ends())
	}
	return fault.Wrap(err, "reading enrolments")
}

func stood(scan func(...any) error) (s Stood, err error) {
	var market, creator, program int64
	err = s.Standing.read(scan, &market, &creator, &program)
	s.Key = Key{uint16(market), id.ID(creator), Program(program)}
	return s, err
}

// Untold gives standings up to an instant of which nobody was told yet, oldest first.
func Untold(tx *db.Tx, upto time.Time, limit int) ([]Stood, error) {
	return many(tx, selectUntold, upto.UnixMicro(), int64(limit))
}

// Tell marks a standing as told; done is false where somebody else has told it.
func Tell(tx *db.Tx, key Key, since time.Time) (done bool, err error) {
	return mark(tx, markTold, key, since)
}

// Ending gives the standings of a marketplace whose end lies after an instant and not after another, the first end first.
// Those whose end was told already are left out, those whose end was forestalled are not.
func Ending(tx *db.Tx, market uint16, after, upto time.Time, limit int) ([]Stood, error) {
	return many(tx, selectEnds, after.UnixMicro(), upto.UnixMicro(), int64(market), int64(limit))
}

// End marks the end of a standing as told; done is false where somebody else has told it.
func End(tx *db.Tx, key Key, since time.Time) (done bool, err error) {
	return mark(tx, markEnded, key, since)
}

func many(tx *db.Tx, statement *db.Stmt, args ...any) (all []Stood, err error) {
	err = tx.Each(statement, func(scan func(...any) error) error {
		s, err := stood(scan)
		all = append(all, s)
		return err
	}, args...)
	return all, fault.Wrap(err, "reading standings")
}

func mark(tx *db.Tx, statement *db.Stmt, key Key, since time.Time) (bool, error) {
	changed, err := tx.Exec(statement, int64(key.Market), int64(key.Creator), int64(key.Program), since.UnixMicro())
	return changed > 0, fault.Wrap(err, "marking a standing")
}
