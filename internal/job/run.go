package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Runner does what is due.
type Runner struct {
	DB    *db.DB
	Work  map[string]Work // by kind; other kinds are left to other runners
	Width int             // at once; 0: 4

	once   sync.Once
	name   string        // of this runner on its leases
	woken  chan struct{} // something may be due
	ended  chan struct{} // a place is free
	mu     sync.Mutex
	under  map[id.ID]context.CancelFunc // way
	lasted time.Duration                // of a lease; 0: lease
	grace  time.Duration                // 0: grace
}

const (
	width = 4
	// look is how often a runner looks without having been told.
	look = 2 * time.Second
	// A lease is renewed three times before it ends: a node that is gone is followed after two minutes.
	lease = 2 * time.Minute
	// grace is how long work under way is let run when the runner stops.
	grace = 5 * time.Second
	// glance is how often whoever waits for the end of jobs looks without having been told.
	glance = 50 * time.Millisecond
	// sweepEvery and sweepBatch keep the removal of old rows short.
	sweepEvery = time.Hour
	sweepBatch = 500
	// shownError bounds what is kept of an error.
	shownError = 500
)

var (
	selectDue = db.In(`SELECT id FROM job WHERE state = 'open' AND due <= $1 AND lease_until <= $1 AND kind IN ($LIST)
		ORDER BY due, id LIMIT $2`)
	// Of two runners that saw the same row only one changes it: the other finds the lease taken.
	claimOne = db.Statement(`UPDATE job SET worker = $2, lease_until = $3, tries = tries + 1
		WHERE id = $1 AND state = 'open' AND due <= $4 AND lease_until <= $4`)
	readOne  = db.Statement(`SELECT kind, key, body, due, tries FROM job WHERE id = $1`)
	renewOne = db.Statement(`UPDATE job SET lease_until = $3 WHERE id = $1 AND worker = $2 AND state = 'open'`)
	// However a job ends, one that was asked for meanwhile is open again.
	endOne = db.Statement(`UPDATE job SET state = CASE WHEN again_due = 0 THEN 'done' ELSE 'open' END,
			due = CASE WHEN again_due = 0 THEN due ELSE again_due END, body = again_body, again_body = $3, again_due = 0,
			tries = CASE WHEN again_due = 0 THEN tries ELSE 0 END, worker = '', lease_until = 0, last_error = '', done = $4
		WHERE id = $1 AND worker = $2 AND state = 'open'`)
	giveUpOne = db.Statement(`UPDATE job SET state = CASE WHEN again_due = 0 THEN 'failed' ELSE 'open' END,
			due = CASE WHEN again_due = 0 THEN due ELSE again_due END,
			body = CASE WHEN again_due = 0 THEN body ELSE again_body END, again_body = $3, again_due = 0,
			tries = CASE WHEN again_due = 0 THEN tries ELSE 0 END, worker = '', lease_until = 0, last_error = $4, done = $5
		WHERE id = $1 AND worker = $2 AND state = 'open'`)
	laterOne = db.Statement(`UPDATE job SET due = $3, worker = '', lease_until = 0, last_error = $4
		WHERE id = $1 AND worker = $2 AND state = 'open'`)
	// A runner that stops hands back what it had begun, as if it had not.
	releaseOne = db.Statement(`UPDATE job SET worker = '', lease_until = 0, tries = tries - 1
		WHERE id = $1 AND worker = $2 AND state = 'open'`)
	sweepDone = db.Statement(`DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state = 'done' AND done < $1
		ORDER BY done, id LIMIT $2)`)
)

// runners of this process that run, to be woken by Add.
var (
	runnersMu sync.Mutex
	runners   []*Runner
)

func wakeAll() {
	runnersMu.Lock()
	defer runnersMu.Unlock()
	for _, r := range runners {
		r.Wake()
	}
}

func (r *Runner) begin() {
	r.once.Do(func() {
		r.name = id.New(clock.Wall()).Text("run_")
		r.woken, r.ended = make(chan struct{}, 1), make(chan struct{}, 1)
		r.under = map[id.ID]context.CancelFunc{}
		if r.Width < 1 {
			r.Width = width
		}
		if r.lasted == 0 {
			r.lasted, r.grace = lease, grace
		}
	})
}

// Wake says that there may be something to do. It never waits.
func (r *Runner) Wake() {
	r.begin()
	signal(r.woken)
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default: // it was told already
	}
}

// Run does what is due until the context ends: it looks when it is told (Wake) and every few seconds. It returns when all that
// it began has ended or was handed back.
func (r *Runner) Run(ctx context.Context) {
	r.begin()
	runnersMu.Lock()
	runners = append(runners, r)
	runnersMu.Unlock()
	defer func() {
		runnersMu.Lock()
		defer runnersMu.Unlock()
		runners = slices.DeleteFunc(runners, func(other *Runner) bool { return other == r })
	}()
	works, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ticker, renew, sweep := time.NewTicker(look), time.NewTicker(r.lasted/4), time.NewTicker(sweepEvery)
	defer ticker.Stop()
	defer renew.Stop()
	defer sweep.Stop()
	r.sweep(ctx)
	for {
		if _, err := r.take(ctx, works); err != nil && ctx.Err() == nil {
			slog.Error("jobs could not be taken", "err", err)
		}
		select {
		case <-ctx.Done():
			r.leave(stop)
			return
		case <-r.woken:
		case <-r.ended:
		case <-ticker.C:
		case <-renew.C:
			r.renew(works)
		case <-sweep.C:
			r.sweep(ctx)
		}
	}
}

// leave waits for what is under way, and ends it when the grace is over.
func (r *Runner) leave(stop context.CancelFunc) {
	timer := time.AfterFunc(r.grace, stop)
	defer timer.Stop()
	r.rest()
}

// rest returns when nothing of this runner is under way any more. Somebody else may have heard the end of a job first, so it
// looks by itself, too.
func (r *Runner) rest() {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for r.busy() > 0 {
		select {
		case <-r.ended:
		case <-ticker.C:
		}
	}
}

// Drain does all that is due now and returns when nothing is: for tests, sandboxes whose clock is moved, and commands. What
// fails waits for its next turn, and is no error here.
func (r *Runner) Drain(ctx context.Context) error {
	r.begin()
	renew, again := time.NewTicker(r.lasted/4), time.NewTicker(glance)
	defer renew.Stop()
	defer again.Stop()
	for {
		idle := r.busy() == 0 // asked first: a job that ends after the look may have asked for the next one
		taken, err := r.take(ctx, ctx)
		if err != nil || ctx.Err() != nil {
			r.rest()
			return errors.Join(err, ctx.Err())
		}
		if taken == 0 && idle {
			r.sweep(ctx)
			return nil
		}
		select {
		case <-r.ended:
		case <-again.C:
		case <-renew.C:
			r.renew(ctx)
		}
	}
}

func (r *Runner) busy() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.under)
}

// take claims as much as there are free places, and begins it.
func (r *Runner) take(ctx, works context.Context) (int, error) {
	free := r.Width - r.busy()
	if free < 1 || len(r.Work) == 0 || ctx.Err() != nil {
		return 0, nil
	}
	kinds := make([]any, 0, len(r.Work))
	for kind := range r.Work {
		kinds = append(kinds, kind)
	}
	now := clock.Wall()
	var due []id.ID
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		due = due[:0]
		return tx.In(selectDue, kinds, func(scan func(...any) error) error {
			var number int64
			err := scan(&number)
			due = append(due, id.ID(number))
			return err
		}, clock.Micro(now), int64(free))
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	var mine []Job
	err = r.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		mine = mine[:0]
		for _, one := range due {
			changed, err := tx.Exec(claimOne, int64(one), r.name, clock.Micro(now.Add(r.lasted)), clock.Micro(now))
			if err != nil {
				return err
			}
			if changed == 0 {
				continue
			}
			j := Job{ID: one}
			var due, tries int64
			if _, err := tx.One(readOne, []any{&j.Kind, &j.Key, &j.Body, &due, &tries}, int64(one)); err != nil {
				return err
			}
			j.Due, j.Tries = clock.FromMicro(due), int(tries)
			mine = append(mine, j)
		}
		return nil
	})
	if err != nil {
		return 0, fault.Wrap(err, "claiming jobs")
	}
	for _, j := range mine {
		ctx, cancel := context.WithCancel(works)
		r.mu.Lock()
		r.under[j.ID] = cancel
		r.mu.Unlock()
		go r.do(ctx, cancel, j)
	}
	return len(mine), nil
}

// do runs one job and notes how it ended.
func (r *Runner) do(ctx context.Context, cancel context.CancelFunc, j Job) {
	err := r.attempt(ctx, j)
	stopped := ctx.Err() != nil
	cancel()
	// The note is made also when the runner stops: what is not noted runs again.
	noted := r.DB.Write(context.WithoutCancel(ctx), db.Background, func(tx *db.Tx) error { return r.note(tx, j, err, stopped) })
	if noted != nil {
		slog.Error("the end of a job could not be noted; it runs again", "kind", j.Kind, "job", j.ID.Text(Prefix), "err", noted)
	}
	r.mu.Lock()
	delete(r.under, j.ID)
	r.mu.Unlock()
	signal(r.ended)
}

// errTooOften ends a job that takes its node down each time it runs.
var errTooOften = fault.New(fault.Unavailable, "", "it was begun too often and never ended", "look at the log, then try again")

// attempt does the work; a panic is an error like any other.
func (r *Runner) attempt(ctx context.Context, j Job) (err error) {
	if j.Tries > MaxTries {
		return errTooOften
	}
	defer func() {
		if what := recover(); what != nil {
			slog.Error("a job panicked", "kind", j.Kind, "job", j.ID.Text(Prefix), "panic", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
			err = fault.New(fault.Unavailable, "", "it ended unexpectedly", "look at the log, then try again")
		}
	}()
	return r.Work[j.Kind](ctx, j)
}

// note writes down how a job ended. A job that was taken over meanwhile is no longer ours, and is left alone.
func (r *Runner) note(tx *db.Tx, j Job, err error, stopped bool) error {
	now := clock.Wall()
	if err == nil {
		_, err := tx.Exec(endOne, int64(j.ID), r.name, []byte{}, clock.Micro(now))
		return fault.Wrap(err, "ending a job")
	}
	if stopped && errors.Is(err, context.Canceled) {
		_, err := tx.Exec(releaseOne, int64(j.ID), r.name)
		return fault.Wrap(err, "handing a job back")
	}
	shown := fault.Of(err).Error()
	if len(shown) > shownError {
		shown = shown[:shownError]
	}
	if hopeless(err) || j.Tries >= MaxTries {
		slog.Warn("a job was given up", "kind", j.Kind, "job", j.ID.Text(Prefix), "tries", j.Tries, "err", err)
		_, err := tx.Exec(giveUpOne, int64(j.ID), r.name, []byte{}, shown, clock.Micro(now))
		return fault.Wrap(err, "giving a job up")
	}
	slog.Info("a job is tried again later", "kind", j.Kind, "job", j.ID.Text(Prefix), "tries", j.Tries, "err", err)
	_, err = tx.Exec(laterOne, int64(j.ID), r.name, clock.Micro(now.Add(jitter(Pause(j.Tries)))), shown)
	return fault.Wrap(err, "putting a job off")
}

// renew keeps the leases of what is under way. What was lost to another runner is ended here.
func (r *Runner) renew(ctx context.Context) {
	r.mu.Lock()
	ids := make([]id.ID, 0, len(r.under))
	for one := range r.under {
		ids = append(ids, one)
	}
	r.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	var lost []id.ID
	err := r.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		lost = lost[:0]
		until := clock.Micro(clock.Wall().Add(r.lasted))
		for _, one := range ids {
			kept, err := tx.Exec(renewOne, int64(one), r.name, until)
			if err != nil {
				return err
			}
			if kept == 0 {
				lost = append(lost, one)
			}
		}
		return nil
	})
	if err != nil {
		slog.Error("leases of jobs could not be renewed", "err", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range lost {
		if end, ok := r.under[one]; ok {
			end()
		}
	}
}

// sweep removes rows of work that was done long ago.
func (r *Runner) sweep(ctx context.Context) {
	err := r.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		_, err := tx.Exec(sweepDone, clock.Micro(clock.Wall().Add(-kept)), int64(sweepBatch))
		return err
	})
	if err != nil && ctx.Err() == nil {
		slog.Error("old jobs could not be removed", "err", err)
	}
}
