// Package job is work that waits its turn: it exists if and only if the row that asked for it was committed, runs on one
// node at a time under a lease, and is tried again with growing pauses until it is done or given up.
//
// What must always hold: a job that was cut off runs again, so its work must bear that; two jobs of one kind and key are one,
// and one that is asked for while it runs runs once more; times are the wall clock's.
//
// It knows no kind of work: the wiring names what does what.
package job

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Job is one piece of work.
type Job struct {
	ID    id.ID
	Kind  string // `mail`, `crawl`, `network`
	Key   string // two with the same kind and key, of which the first is not done, are one
	Body  []byte // JSON, read by whoever does the work; no secrets
	Due   time.Time
	Tries int // begun so far
}

// Prefix is how a job's id is written.
const Prefix = "job_"

// Work does a job. An error is tried again later; one of kind Invalid, Denied or NotFound is given up at once.
type Work func(ctx context.Context, j Job) error

// Limits of what is asked for. A body names rows and holds none.
const (
	maxKind = 40
	maxKey  = 300
	maxBody = 16 << 10
)

// How long what failed waits: a minute at first, twice as long each time, six hours at most.
const (
	firstPause = time.Minute
	maxPause   = 6 * time.Hour
)

// MaxTries is how often a job is begun before it is given up: that is about three days, long enough for a weekend without
// whatever it needs.
const MaxTries = 20

// kept is how long a row stays after its job was done; one that was given up stays until somebody deals with it.
const kept = 7 * 24 * time.Hour

// Check refuses what cannot be a job.
func (j Job) Check() error {
	switch {
	case j.Kind == "" || len(j.Kind) > maxKind || strings.Trim(j.Kind, "abcdefghijklmnopqrstuvwxyz-_.") != "":
		return fault.Invalidf("kind", "is not a kind of work", "write 1 to %d small letters", maxKind)
	case len(j.Key) > maxKey || strings.ContainsRune(j.Key, 0):
		return fault.Invalidf("key", "has %d bytes, and may have %d", "name the work by an id", len(j.Key), maxKey)
	case len(j.Body) > maxBody:
		return fault.Invalidf("body", "has %d bytes, and may have %d", "store it, and name its row", len(j.Body), maxBody)
	}
	return nil
}

// Pause is how long a job waits after so many tries, before the jitter.
func Pause(tries int) time.Duration {
	pause := firstPause
	for i := 1; i < tries && pause < maxPause; i++ {
		pause *= 2
	}
	return min(pause, maxPause)
}

// jitter spreads what failed together, by a fifth to either side, so that it does not come back together.
func jitter(pause time.Duration) time.Duration {
	fifth := int64(pause / 5)
	return pause + time.Duration(rand.Int64N(2*fifth+1)-fifth)
}

// hopeless tells whether trying again would not help.
func hopeless(err error) bool {
	return fault.Is(err, fault.Invalid) || fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound)
}

// States of a row.
const (
	open   = "open"
	done   = "done"
	failed = "failed"
)

var (
	// One that waits keeps its place, unless the new one is wanted sooner; one that runs is noted to run again.
	insertJob = db.Statement(`INSERT INTO job (id, kind, key, body, due, tries, state, lease_until, worker, last_error, again_due,
			again_body, made, done) VALUES ($1, $2, $3, $4, $5, 0, 'open', 0, '', '', 0, $6, $7, 0)
		ON CONFLICT (kind, key) WHERE state = 'open' DO UPDATE SET
			due = CASE WHEN job.worker = '' AND job.tries = 0 AND excluded.due < job.due THEN excluded.due ELSE job.due END,
			again_body = CASE WHEN job.worker <> '' THEN excluded.body ELSE job.again_body END,
			again_due = CASE WHEN job.worker <> '' AND (job.again_due = 0 OR excluded.due < job.again_due) THEN excluded.due
				ELSE job.again_due END`)
	selectFailed = db.Statement(`SELECT id, kind, key, due, tries, last_error, done FROM job
		WHERE state = 'failed' AND (CAST($1 AS TEXT) = '' OR kind = $1) ORDER BY done DESC, id DESC LIMIT $2`)
	selectCounts = db.Statement(`SELECT kind, state, COUNT(*), CAST(SUM(CASE WHEN lease_until > $1 THEN 1 ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN due <= $1 THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN tries > 0 THEN 1 ELSE 0 END) AS BIGINT),
			MIN(due)
		FROM job WHERE state <> 'done' GROUP BY kind, state ORDER BY kind, state`)
	dropFailed = db.Statement(`DELETE FROM job WHERE kind = $1 AND key = $2 AND state = 'failed'`)
	selectOne  = db.Statement(`SELECT kind, key FROM job WHERE id = $1 AND state = 'failed'`)
	hasOpen    = db.Statement(`SELECT COUNT(*) FROM job WHERE kind = $1 AND key = $2 AND state = 'open'`)
	retryOne   = db.Statement(`UPDATE job SET state = 'open', due = $2, tries = 0, done = 0 WHERE id = $1 AND state = 'failed'`)
)

// Add asks for work in the transaction that makes it necessary. Where the same kind and key waits already, nothing is added;
// the earlier of the two times counts. Where it runs just now, it runs once more with this body at this time: that is also how
// a job asks for its own next turn. A zero Due is now.
func Add(tx *db.Tx, j Job) error {
	if err := j.Check(); err != nil {
		return err
	}
	now := clock.Wall()
	if j.Due.IsZero() {
		j.Due = now
	}
	body := j.Body
	if body == nil {
		body = []byte{}
	}
	if _, err := tx.Exec(insertJob, int64(id.New(now)), j.Kind, j.Key, body, clock.Micro(j.Due), []byte{},
		clock.Micro(now)); err != nil {
		return fault.Wrap(err, "asking for work")
	}
	tx.AfterCommit(wakeAll)
	return nil
}

// Again asks anew for work that may have been given up: what was given up of its kind and key is gone with that.
func Again(tx *db.Tx, j Job) error {
	if _, err := tx.Exec(dropFailed, j.Kind, j.Key); err != nil {
		return fault.Wrap(err, "asking anew for work")
	}
	return Add(tx, j)
}

// Failure is a job that was given up.
type Failure struct {
	Job
	Error string    // safe to show
	At    time.Time // when it was given up
}

// maxPage bounds a list.
const maxPage = 500

// Failed lists what was given up, newest first; an empty kind means all.
func Failed(tx *db.Tx, kind string, limit int) (all []Failure, err error) {
	err = tx.Each(selectFailed, func(scan func(...any) error) error {
		var f Failure
		var number, due, tries, at int64
		err := scan(&number, &f.Kind, &f.Key, &due, &tries, &f.Error, &at)
		f.ID, f.Tries, f.Due, f.At = id.ID(number), int(tries), clock.FromMicro(due), clock.FromMicro(at)
		all = append(all, f)
		return err
	}, kind, int64(min(max(limit, 1), maxPage)))
	return all, fault.Wrap(err, "reading jobs that were given up")
}

// Count is how the work of one kind stands.
type Count struct {
	Kind    string
	Waiting int           // open: due now, later, or running
	Due     int           // of these: due now, those that run included
	Running int           // of these: under a lease
	Tried   int           // of these: failed at least once, or running
	Failed  int           // given up
	Behind  time.Duration // how long the oldest that is due has waited
}

// Counts tells how all work stands, by kind.
func Counts(tx *db.Tx) (all []Count, err error) {
	now := clock.Wall()
	err = tx.Each(selectCounts, func(scan func(...any) error) error {
		var kind, state string
		var count, running, due, tried, oldest int64
		if err := scan(&kind, &state, &count, &running, &due, &tried, &oldest); err != nil {
			return err
		}
		if len(all) == 0 || all[len(all)-1].Kind != kind {
			all = append(all, Count{Kind: kind})
		}
		c := &all[len(all)-1]
		if state == failed {
			c.Failed = int(count)
			return nil
		}
		c.Waiting, c.Due, c.Running, c.Tried = int(count), int(due), int(running), int(tried)
		if behind := now.Sub(clock.FromMicro(oldest)); behind > 0 {
			c.Behind = behind
		}
		return nil
	}, clock.Micro(now))
	return all, fault.Wrap(err, "counting jobs")
}

// Retry lets a job that was given up begin anew. One that was not given up is NotFound; where the same work was asked for
// again meanwhile, it is a Conflict.
func Retry(tx *db.Tx, job id.ID) error {
	var kind, key string
	found, err := tx.One(selectOne, []any{&kind, &key}, int64(job))
	if err != nil {
		return fault.Wrap(err, "reading a job")
	}
	if !found {
		return fault.New(fault.NotFound, "job", "there is no such job that was given up", "look at the list again")
	}
	var waiting int64
	if _, err := tx.One(hasOpen, []any{&waiting}, kind, key); err != nil {
		return fault.Wrap(err, "reading a job")
	}
	if waiting > 0 {
		return fault.New(fault.Conflict, "job", "the same work waits already", "look at the list again")
	}
	if _, err := tx.Exec(retryOne, int64(job), clock.Micro(clock.Wall())); err != nil {
		return fault.Wrap(err, "beginning a job anew")
	}
	tx.AfterCommit(wakeAll)
	return nil
}
