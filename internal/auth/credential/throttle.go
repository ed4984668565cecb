package credential

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/secret"
)

// What is kept of wrong guesses is one instant, the level: each guess moves it one step into the future, and time catches up
// with it by itself. So guesses are forgotten without any job, and two processes count together in one statement.

// A pace says how guesses of one kind are slowed down: so many are free, each is forgotten after a while, and every one above
// the free ones doubles the pause.
type pace struct {
	free   int
	forget time.Duration // for one wrong guess
}

// Many people share an address (an office, a phone network), so it has more tries and forgets them sooner.
var (
	paceOfAddress = pace{free: 30, forget: 2 * time.Minute}
	paceOfOthers  = pace{free: 5, forget: 10 * time.Minute}
)

// Pauses begin short, and never grow beyond what somebody who mistyped can wait: nobody is locked out for good.
const (
	firstPause    = 5 * time.Second
	longestPause  = 15 * time.Minute
	mostAbove     = 10      // wrong guesses above the free ones that are counted
	maxKeys       = 10      // of one call
	maxThrottled  = 100_000 // rows; the mildest make room
	sweptAtOnce   = 1000
	addressPrefix = "address:"
)

func paceOf(key string) pace {
	if strings.HasPrefix(key, addressPrefix) {
		return paceOfAddress
	}
	return paceOfOthers
}

// pause is how long after the last wrong guess the next may be made. level is when the last of them is forgotten.
func (p pace) pause(level, last time.Time) time.Duration {
	wrong := int((level.Sub(last) + p.forget - 1) / p.forget)
	above := wrong - p.free
	if above < 0 {
		return 0
	}
	return min(firstPause<<min(above, 20), longestPause)
}

var (
	selectThrottle = db.Statement(`SELECT level, last_failed FROM throttle WHERE hash = $1`)
	// Touching the row first makes guesses of the same moment wait for each other on PostgreSQL, too.
	touchThrottle = db.Statement(`INSERT INTO throttle (hash, level, last_failed) VALUES ($1, 0, 0)
		ON CONFLICT (hash) DO UPDATE SET level = throttle.level`)
	chargeThrottle = db.Statement(`INSERT INTO throttle (hash, level, last_failed) VALUES ($1, $2, $3) ON CONFLICT (hash) DO UPDATE
		SET level = CASE WHEN throttle.level < $3 THEN $2 WHEN throttle.level + $4 > $5 THEN $5
		ELSE throttle.level + $4 END, last_failed = $3`)
	// What an attempt added is taken off again; time has gone on, but the step is the same.
	refundThrottle = db.Statement(`UPDATE throttle SET level = level - $2 WHERE hash = $1`)
	clearThrottle  = db.Statement(`DELETE FROM throttle WHERE hash = $1`)
	sweepThrottle  = db.Statement(`DELETE FROM throttle WHERE level <= $1`)
	fullThrottle   = db.Statement(`SELECT level FROM throttle ORDER BY level, hash LIMIT 1 OFFSET $1`)
	makeRoom       = db.Statement(`DELETE FROM throttle WHERE hash IN
		(SELECT t.hash FROM throttle t ORDER BY t.level, t.hash LIMIT $1)`)
)

// throttled is one key as it is stored.
type throttled struct {
	hash []byte
	pace pace
	key  string
}

// throttledBy hashes keys and puts them into one order, so that two with the same keys do not block each other.
func throttledBy(ring *secret.Ring, keys []string) ([]throttled, error) {
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("credential: %d keys of a throttle; %d is the limit", len(keys), maxKeys)
	}
	all := make([]throttled, len(keys))
	for i, key := range keys {
		all[i] = throttled{ring.Hash("throttle", key), paceOf(key), key}
	}
	slices.SortFunc(all, func(a, b throttled) int { return bytes.Compare(a.hash, b.hash) })
	return all, nil
}

// Allowed tells whether another guess may be made now: Exhausted says when to come back. A key names what is guessed at or where
// from: "account:…", "address:…", or any other word before the colon; it is stored hashed. It counts nothing.
func Allowed(tx *db.Tx, ring *secret.Ring, wall time.Time, keys ...string) error {
	all, err := throttledBy(ring, keys)
	if err != nil {
		return err
	}
	// The longest of the pauses counts: an address that behaves gives an account no more tries, nor the other way round.
	var wait time.Duration
	for _, t := range all {
		var level, last int64
		found, err := tx.One(selectThrottle, []any{&level, &last}, t.hash)
		if err != nil {
			return fault.Wrap(err, "reading wrong guesses")
		}
		if found && level > wall.UnixMicro() {
			at := time.UnixMicro(last)
			wait = max(wait, at.Add(t.pace.pause(time.UnixMicro(level), at)).Sub(wall))
		}
	}
	if wait <= 0 {
		return nil
	}
	return fault.New(fault.Exhausted, "", "too many attempts were wrong", "come back in "+spoken(wait))
}

// spoken is a time to wait in words, rounded up.
func spoken(wait time.Duration) string {
	seconds := int((wait + time.Second - 1) / time.Second)
	switch {
	case seconds == 1:
		return "a second"
	case seconds <= 90:
		return fmt.Sprintf("%d seconds", seconds)
	}
	return fmt.Sprintf("%d minutes", (seconds+59)/60)
}

// Failed counts a guess that was wrong. It must be committed.
func Failed(tx *db.Tx, ring *secret.Ring, wall time.Time, keys ...string) error {
	all, err := throttledBy(ring, keys)
	if err != nil {
		return err
	}
	// Rows are made by failing alone, so it is enough to clear up here.
	if err := sweep(tx, wall); err != nil {
		return err
	}
	for _, t := range all {
		most := wall.Add(time.Duration(t.pace.free+mostAbove) * t.pace.forget)
		_, err := tx.Exec(chargeThrottle, t.hash, wall.Add(t.pace.forget).UnixMicro(), wall.UnixMicro(),
			t.pace.forget.Microseconds(), most.UnixMicro())
		if err != nil {
			return fault.Wrap(err, "counting a wrong guess")
		}
	}
	return nil
}

// sweep takes away what is forgotten, and the mildest rows where there are too many.
func sweep(tx *db.Tx, wall time.Time) error {
	if _, err := tx.Exec(sweepThrottle, wall.UnixMicro()); err != nil {
		return fault.Wrap(err, "forgetting wrong guesses")
	}
	var level int64
	full, err := tx.One(fullThrottle, []any{&level}, maxThrottled)
	if err == nil && full {
		_, err = tx.Exec(makeRoom, sweptAtOnce)
	}
	return fault.Wrap(err, "forgetting wrong guesses")
}

// Passed forgets the wrong guesses at an account, not those from an address: whoever has an account of their own must not get
// new tries at others by it.
func Passed(tx *db.Tx, ring *secret.Ring, wall time.Time, keys ...string) error {
	return passed(tx, ring, keys, false)
}

// Attempt is Allowed and Failed in a transaction of its own, before the guess is looked at: many at the same moment count as
// many. Where the guess was right, Succeeded with the same keys takes back what it counted.
func Attempt(ctx context.Context, d *db.DB, ring *secret.Ring, wall time.Time, keys ...string) error {
	return d.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		all, err := throttledBy(ring, keys)
		if err != nil {
			return err
		}
		for _, t := range all {
			if _, err := tx.Exec(touchThrottle, t.hash); err != nil {
				return fault.Wrap(err, "reading wrong guesses")
			}
		}
		if err := Allowed(tx, ring, wall, keys...); err != nil {
			return err
		}
		return Failed(tx, ring, wall, keys...)
	})
}

// Succeeded is Passed after Attempt: what Attempt counted for an address is taken back.
func Succeeded(tx *db.Tx, ring *secret.Ring, wall time.Time, keys ...string) error {
	return passed(tx, ring, keys, true)
}

func passed(tx *db.Tx, ring *secret.Ring, keys []string, refund bool) error {
	all, err := throttledBy(ring, keys)
	if err != nil {
		return err
	}
	for _, t := range all {
		switch {
		case !strings.HasPrefix(t.key, addressPrefix):
			_, err = tx.Exec(clearThrottle, t.hash)
		case refund:
			_, err = tx.Exec(refundThrottle, t.hash, t.pace.forget.Microseconds())
		}
		if err != nil {
			return fault.Wrap(err, "forgetting wrong guesses")
		}
	}
	return nil
}
