package whatif

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/replay"
)

// The rhythm of runs, by the wall clock.
const (
	lookEvery  = 5 * time.Second        // what another process asked for is found so soon
	saveEvery  = 500 * time.Millisecond // progress, and whether the run still is this process's
	goneAfter  = time.Minute            // a run that nobody has kept since is taken over
	mostTries  = 3                      // a run that stopped its process as often is not begun again
	rowsAtOnce = 1000                   // rows written or deleted in one transaction
)

// Runs takes requests and works them off, one at a time.
type Runs struct {
	db     *db.DB
	clock  *clock.Business
	worker id.ID // tells this process from others on the same database
	wake   chan struct{}
}

// New gives the runs of a process. Work works them off.
func New(d *db.DB, business *clock.Business) *Runs {
	return &Runs{db: d, clock: business, worker: id.New(clock.Wall()), wake: make(chan struct{}, 1)}
}

// errTaken says that a run is no longer this process's: it was cancelled, or taken over.
var errTaken = errors.New("the run is no longer ours")

// Ask takes a request; its answer is worked out as soon as the runs before it are done.
func (r *Runs) Ask(ctx context.Context, q Request) (Run, error) {
	run, err := r.admit(ctx, q, false)
	if err == nil {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	return run, err
}

// admit keeps a request, for whoever is free, or claimed for this process at once.
func (r *Runs) admit(ctx context.Context, q Request, claimed bool) (run Run, err error) {
	if err := q.check(); err != nil {
		return run, err
	}
	now := r.clock.Now()
	worker, beat := id.ID(0), int64(0)
	run = Run{ID: id.New(now), Request: q, State: Waiting, Asked: now.Truncate(time.Microsecond)}
	if claimed {
		run.State, run.Began, worker, beat = Running, run.Asked, r.worker, clock.Micro(clock.Wall())
	}
	if err := r.db.Read(ctx, func(tx *db.Tx) (err error) {
		run.No, run.Total, err = q.look(tx, now)
		return err
	}); err != nil {
		return run, err
	}
	return run, r.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		var open int64
		if _, err := tx.One(countOpen, []any{&open}, int64(run.No)); err != nil {
			return fault.Wrap(err, "counting what-ifs")
		}
		if open >= maxOpen {
			return fault.New(fault.Exhausted, "", "too many what-ifs wait already", "cancel one, or come back when some are done")
		}
		return save(tx, run, worker, beat)
	})
}

// Cancel ends a run that waits or runs. One that has ended stays as it is: Conflict.
func (r *Runs) Cancel(ctx context.Context, run id.ID) error {
	return r.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if changed, err := tx.Exec(cancelRun, int64(run), clock.Micro(r.clock.Now())); err != nil || changed > 0 {
			return fault.Wrap(err, "cancelling a what-if")
		}
		if _, err := Find(tx, run); err != nil {
			return err
		}
		return fault.New(fault.Conflict, "", "the what-if has ended already", "ask again, with another draft")
	})
}

// Work works runs off until the context ends. A run under way then waits again, and is begun anew by the next process.
func (r *Runs) Work(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		worked, err := r.next(ctx)
		if err != nil && ctx.Err() == nil {
			slog.Error("what-ifs could not be worked off", "err", err)
		}
		if worked {
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-ticker.C:
		}
	}
}

// next works the oldest free run off, and throws old answers away where there is none.
func (r *Runs) next(leave context.Context) (worked bool, err error) {
	ctx := context.WithoutCancel(leave) // each look and each note is short, and is not left half-way
	var run, tries int64
	found := false
	gone := clock.Micro(clock.Wall().Add(-goneAfter))
	if err := r.db.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = tx.One(selectFree, []any{&run, &tries}, gone)
		return err
	}); err != nil {
		return false, fault.Wrap(err, "looking for what-ifs")
	}
	if !found {
		return false, r.sweep(ctx)
	}
	if err := r.claim(ctx, id.ID(run), gone); err != nil {
		return errors.Is(err, errTaken), ignored(err)
	}
	if tries >= mostTries {
		return true, r.end(ctx, id.ID(run), Failed,
			"it stopped the process that worked on it several times; ask for a shorter period", "")
	}
	return true, ignored(r.work(leave, id.ID(run), func(int64, int64) {}))
}

func ignored(err error) error {
	if errors.Is(err, errTaken) {
		return nil
	}
	return err
}

// claim takes a run for this process, unless another was quicker.
func (r *Runs) claim(ctx context.Context, run id.ID, gone int64) error {
	return r.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		changed, err := tx.Exec(claimRun, int64(run), int64(r.worker), clock.Micro(clock.Wall()), clock.Micro(r.clock.Now()), gone)
		if err == nil && changed == 0 {
			err = errTaken
		}
		return fault.Wrap(err, "claiming a what-if")
	})
}

// Do answers a request in this call: for the command line. An interrupt cancels it.
func (r *Runs) Do(ctx context.Context, q Request, shown func(done, total int64)) (run Run, err error) {
	if run, err = r.admit(ctx, q, true); err != nil {
		return run, err
	}
	err = r.work(ctx, run.ID, shown)
	if errors.Is(err, errTaken) || err != nil && ctx.Err() != nil {
		_ = r.Cancel(context.WithoutCancel(ctx), run.ID) // another process has it, or nobody waits for it
		return run, fault.New(fault.Unavailable, "", "the what-if was stopped", "ask again").Because(err)
	}
	if err != nil {
		return run, err
	}
	err = r.db.Read(context.WithoutCancel(ctx), func(tx *db.Tx) (err error) { run, err = Find(tx, run.ID); return err })
	if err == nil && run.State == Failed {
		err = fault.New(fault.Invalid, "", run.Failure, "")
	}
	return run, err
}

// work answers a run that is this process's.
func (r *Runs) work(leave context.Context, run id.ID, shown func(done, total int64)) error {
	ctx := context.WithoutCancel(leave)
	var asked Run
	if err := r.db.Read(ctx, func(tx *db.Tx) (err error) { asked, err = Find(tx, run); return err }); err != nil {
		return err
	}
	if err := r.clear(ctx, run); err != nil { // of an earlier try
		return err
	}
	saved := clock.Wall()
	answer, err := replay.Run(leave, r.db, asked.Question, r.clock.Now(), func(done, total int64) error {
		shown(done, total)
		if now := clock.Wall(); now.Sub(saved) >= saveEvery {
			saved = now
			return r.beat(ctx, run, done, total)
		}
		return nil
	})
	switch {
	case errors.Is(err, errTaken):
		return err
	case err != nil && leave.Err() != nil:
		return errors.Join(leave.Err(), r.free(ctx, run))
	case err != nil:
		slog.Error("a what-if failed", "run", run.Text(id.WhatIf), "err", err)
		return r.end(ctx, run, Failed, fault.Of(err).Error(), "")
	}
	return r.keep(ctx, run, answer)
}

// beat notes how far a run is, and that its process is there.
func (r *Runs) beat(ctx context.Context, run id.ID, done, total int64) error {
	return r.db.Write(ctx, db.Background, func(tx *db.Tx) error {
		changed, err := tx.Exec(beatRun, int64(run), int64(r.worker), done, total, clock.Micro(clock.Wall()))
		if err == nil && changed == 0 {
			err = errTaken
		}
		return fault.Wrap(err, "noting the progress of a what-if")
	})
}

// free lets a run wait for the next process, as if it had never been tried here.
func (r *Runs) free(ctx context.Context, run id.ID) error {
	return r.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		_, err := tx.Exec(freeRun, int64(run), int64(r.worker))
		return fault.Wrap(err, "leaving a what-if to the next process")
	})
}

// keep writes the answer: its rows in short transactions, the whole of it with the last.
func (r *Runs) keep(ctx context.Context, run id.ID, answer *replay.Difference) error {
	for _, part := range []struct {
		kind string
		list []replay.Keyed
	}{{ByCreator, answer.Creators}, {ByCategory, answer.Categories}} {
		for start := 0; start < len(part.list); start += rowsAtOnce {
			rows := make([][]any, 0, rowsAtOnce)
			for i, k := range part.list[start:min(start+rowsAtOnce, len(part.list))] {
				rows = append(rows, values(run, part.kind, int64(start+i+1), k))
			}
			if err := r.db.Write(ctx, db.Background, func(tx *db.Tx) error {
				_, err := tx.Bulk(insertRows, rows)
				return err
			}); err != nil {
				return fault.Wrap(err, "writing rows of a what-if")
			}
			if err := r.beat(ctx, run, answer.Total.Lines, answer.Total.Lines); err != nil {
				return err
			}
		}
	}
	if err := r.beat(ctx, run, answer.Total.Lines, answer.Total.Lines); err != nil {
		return err
	}
	result, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return r.end(ctx, run, Done, "", string(result))
}

// end writes the last of a run. One that was cancelled meanwhile stays so.
func (r *Runs) end(ctx context.Context, run id.ID, state State, failure, result string) error {
	return r.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		changed, err := tx.Exec(endRun, int64(run), int64(r.worker), string(state), clock.Micro(r.clock.Now()), failure, result)
		if err == nil && changed == 0 {
			err = errTaken
		}
		return fault.Wrap(err, "ending a what-if")
	})
}

// clear deletes the rows of a run, in short transactions.
func (r *Runs) clear(ctx context.Context, run id.ID) error {
	for _, kind := range []string{ByCreator, ByCategory} {
		for after := int64(0); ; after += rowsAtOnce {
			deleted := int64(0)
			if err := r.db.Write(ctx, db.Background, func(tx *db.Tx) (err error) {
				deleted, err = tx.Exec(deleteRows, int64(run), kind, after, after+rowsAtOnce)
				return err
			}); err != nil {
				return fault.Wrap(err, "deleting rows of a what-if")
			}
			if deleted < rowsAtOnce {
				break
			}
		}
	}
	return nil
}

// sweep throws away one answer that is older than it is kept.
func (r *Runs) sweep(ctx context.Context) error {
	var old int64
	found := false
	if err := r.db.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = tx.One(selectOld, []any{&old}, clock.Micro(r.clock.Now().AddDate(0, 0, -keepDays)))
		return err
	}); err != nil || !found {
		return fault.Wrap(err, "looking for old what-ifs")
	}
	if err := r.clear(ctx, id.ID(old)); err != nil {
		return err
	}
	return r.db.Write(ctx, db.Background, func(tx *db.Tx) error {
		_, err := tx.Exec(deleteRun, old)
		return fault.Wrap(err, "deleting an old what-if")
	})
}
