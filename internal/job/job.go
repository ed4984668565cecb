// Package job is work that waits its turn: it exists if and only if the row that asked for it was committed, runs on one
// node at a time under a lease, and is tried again with growing pauses until it is done or given up.
//
// What must always hold: a job that was cut off runs again, so its work must bear that; two jobs of one kind and key are one;
// times are the wall clock's.
//
// It knows no kind of work: the wiring names what does what.
package job

import (
	"context"
	"time"

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

// Work does a job. An error is tried again later; one of kind Invalid, Denied or NotFound is given up at once.
type Work func(ctx context.Context, j Job) error

// Runner does what is due.
type Runner struct {
	DB    *db.DB
	Work  map[string]Work // by kind
	Width int             // at once; 0: 4
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Add asks for work in the transaction that makes it necessary. Where the same kind and key waits already, nothing is added.
func Add(tx *db.Tx, j Job) error { return notYet }

// Run does what is due until the context ends: it looks when it is told (Wake) and every few seconds.
func (r *Runner) Run(ctx context.Context) { <-ctx.Done() }

// Wake says that there may be something to do.
func (r *Runner) Wake() {}

// Drain does all that is due now and returns when nothing is: for tests, sandboxes whose clock is moved, and commands.
func (r *Runner) Drain(ctx context.Context) error { return notYet }
