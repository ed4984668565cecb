// Package journal is the audit log: who decided what about whom, when and why, and how it was before and after.
//
// What must always hold: entries are only ever added, numbered without gaps, each chained to the one before it by a hash
// over the ciphertext, so that erasure breaks no chain and a changed or missing entry is found; an entry is written in the
// transaction that makes its decision true; what is personal in it is sealed under the person's key.
//
// It decides nothing.
package journal

import (
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Entry is one decision.
type Entry struct {
	No      int64
	At      time.Time // business time
	Actor   string    // `us_…` of whoever decided, `system` for the clock and its jobs, `cli` for the command line
	Action  string    // a stable code, noun and verb: `enrolment.approved`, `session.revoked`, `token.made`
	Subject string    // what it is about: `cr_…`, `cr_…/us/associates`, `us_…`, `document/agreement/3`
	Person  id.ID     // whose personal data Reason, Before and After may hold: a creator or a principal; 0: nobody's
	Reason  string    // in words or codes; sealed with Before and After
	Before  any       // as JSON; nil: it was not there
	After   any       // as JSON; nil: it is gone
}

var notYet = fault.New(fault.Unavailable, "", "is being built", "come back soon")

// Add writes an entry. Everything in it is bounded: an oversized value is Invalid.
func Add(tx *db.Tx, ring *secret.Ring, e Entry) error { return notYet }
