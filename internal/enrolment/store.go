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
	insertStanding = db.Statement(`INSERT INTO standing (market, creator, program, since, state, reason)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`)
	selectOne = db.Statement(`SELECT since, state, reason FROM standing
		WHERE market = $1 AND creator = $2 AND program = $3 ORDER BY since`)
	selectMany = db.In(`SELECT creator, program, since, state, reason FROM standing
		WHERE market = $1 AND creator IN ($LIST) ORDER BY creator, program, since`)
	selectAll = db.Statement(`SELECT market, creator, program, since, state, reason FROM standing
		ORDER BY market, creator, program, since`)
)

// Save adds a standing to the history of an enrolment and announces it to the edge. Saving the newest standing again
// changes nothing. A step that May refuses, and one that would act before the newest standing, is a Conflict.
func Save(tx *db.Tx, key Key, s Standing) error {
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
	history, err := One(tx, key)
	if err != nil {
		return err
	}
	var newest Standing
	if len(history) > 0 {
		newest = history[len(history)-1]
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
		string(s.State), s.Reason)
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
		var since int64
		err := scan(&since, &s.State, &s.Reason)
		s.Since = time.UnixMicro(since).UTC()
		history = append(history, s)
		return err
	}, int64(key.Market), int64(key.Creator), int64(key.Program))
	return history, fault.Wrap(err, "reading an enrolment")
}

// Standings reads the histories of all enrolments of those creators in a marketplace.
func Standings(tx *db.Tx, market uint16, creators []id.ID) (map[Key]History, error) {
	keys := make([]any, len(creators))
	for i, creator := range creators {
		keys[i] = int64(creator)
	}
	histories := map[Key]History{}
	err := tx.In(selectMany, keys, func(scan func(...any) error) error {
		var creator, program, since int64
		var s Standing
		err := scan(&creator, &program, &since, &s.State, &s.Reason)
		s.Since = time.UnixMicro(since).UTC()
		key := Key{market, id.ID(creator), Program(program)}
		histories[key] = append(histories[key], s)
		return err
	}, int64(market))
	return histories, fault.Wrap(err, "reading enrolments")
}

// All calls row with the history of every enrolment: how the edge learns them.
func All(tx *db.Tx, row func(Key, History) error) error {
	var key Key
	var history History
	err := tx.Each(selectAll, func(scan func(...any) error) error {
		var market, creator, program, since int64
		var s Standing
		if err := scan(&market, &creator, &program, &since, &s.State, &s.Reason); err != nil {
			return err
		}
		s.Since = time.UnixMicro(since).UTC()
		read := Key{uint16(market), id.ID(creator), Program(program)}
		if read != key && len(history) > 0 {
			if err := row(key, history); err != nil {
				return err
			}
			history = history[:0]
		}
		key, history = read, append(history, s)
		return nil
	})
	if err == nil && len(history) > 0 {
		err = row(key, history)
	}
	return fault.Wrap(err, "reading enrolments")
}
