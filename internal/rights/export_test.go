package rights

import (
	"context"
	"time"

	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/secret"
)

// Steps is how many steps an erasure has.
func Steps() int { return len(steps) }

// Cut does the first so many steps of an erasure and stops there, as a process does that is ended.
func Cut(d *db.DB, ring *secret.Ring, one id.ID, by string, now time.Time, upto int) error {
	e := &erasing{ctx: context.Background(), db: d, ring: ring, by: by, now: now}
	if begun, err := e.begin(one, true); err != nil || !begun {
		return err
	}
	return e.run(upto)
}
