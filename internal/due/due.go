// Package due runs what falls due by the clock: lapses, bounty windows, months and rate cards that take effect, at local
// midnights of each marketplace. The clock decides whether or not this has run; what runs here only posts it.
//
// What must always hold: what fell due while nothing ran is caught up with, and two nodes do it once, since the cursor of
// each marketplace is a row; a sandbox's clock moves from due job to due job and each runs to its end.
package due

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
)

// Schedule runs what is due on a database, by an accrual and its clock.
type Schedule struct {
	DB      *db.DB
	Clock   *clock.Business
	Accrual *accrual.Accrual
	// People, if set, does what falls due for people at the beginning of a local date, and tells what it did.
	People func(ctx context.Context, m market.Market) ([]string, error)
}

var (
	selectCursor = db.Statement(`SELECT value FROM setting WHERE name = $1`)
	insertCursor = db.Statement(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`)
	moveCursor   = db.Statement(`UPDATE setting SET value = $3 WHERE name = $1 AND value = $2`)
)

// Next is the next local midnight after an instant.
func Next(m market.Market, after time.Time) time.Time {
	local := after.In(m.Location())
	next := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, m.Location())
	if !next.After(after) { // a clock change made the date come twice
		next = next.Add(24 * time.Hour)
	}
	return next.UTC()
}

// CatchUp runs what has fallen due in a marketplace since it last ran, up to the business clock's now, and tells what it
// did. Where nothing was due it does nothing.
func (s Schedule) CatchUp(ctx context.Context, m market.Market) ([]string, error) {
	name := "due/" + m.ID
	now := s.Clock.Now()
	var text string
	err := s.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		if _, err := tx.Exec(insertCursor, name, strconv.FormatInt(clock.Micro(now), 10)); err != nil {
			return err
		}
		_, err := tx.One(selectCursor, []any{&text}, name)
		return err
	})
	if err != nil {
		return nil, fault.Wrap(err, "reading what is due")
	}
	micro, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fault.Wrap(err, "reading what is due")
	}
	if due := Next(m, clock.FromMicro(micro)); due.After(now) {
		return nil, nil
	}
	ran, err := s.runDue(ctx, m)
	if err != nil {
		return ran, err
	}
	cards, err := s.Accrual.TellEffective(ctx, m, clock.FromMicro(micro), now)
	if err != nil {
		return ran, err
	}
	ran = append(ran, cards...)
	if s.People != nil {
		told, err := s.People(ctx, m)
		if ran = append(ran, told...); err != nil {
			return ran, fault.Wrap(err, "doing what is due for people")
		}
	}
	// The cursor moves after the work: what is cut off runs again, and finds done what was done.
	return ran, fault.Wrap(s.DB.Write(ctx, db.Background, func(tx *db.Tx) error {
		_, err := tx.Exec(moveCursor, name, text, strconv.FormatInt(clock.Micro(now), 10))
		return err
	}), "noting what ran")
}

func (s Schedule) runDue(ctx context.Context, m market.Market) (ran []string, err error) {
	at := s.Clock.Now().In(m.Location()).Format("2006-01-02 15:04 MST")
	lapsed, err := s.Accrual.Lapse(ctx, m.No)
	if lapsed > 0 {
		ran = append(ran, fmt.Sprintf("%s %s: %d lines lapsed, not shipped in time", at, m.ID, lapsed))
	}
	if err != nil {
		return ran, fault.Wrap(err, "posting lapses")
	}
	ripe, err := s.Accrual.Ripen(ctx, m.No)
	if ripe > 0 {
		ran = append(ran, fmt.Sprintf("%s %s: %d bounties are earned, their window has passed", at, m.ID, ripe))
	}
	if err != nil {
		return ran, fault.Wrap(err, "posting bounties")
	}
	closed, err := s.Accrual.CloseMonths(ctx, m.No)
	if closed > 0 {
		ran = append(ran, fmt.Sprintf("%s %s: %d months of creators closed, now payable", at, m.ID, closed))
	}
	return ran, fault.Wrap(err, "closing months")
}

// Advance moves a sandbox's business clock to an instant, from due job to due job, each run to its end. It tells what
// ran. moved is called after each step, so that the clock is kept.
func (s Schedule) Advance(ctx context.Context, markets []market.Market, to time.Time, moved func() error) (ran []string, err error) {
	if now := s.Clock.Now(); to.Before(now) || !s.Clock.Sandbox() {
		return nil, s.Clock.Set(to) // says why not
	}
	for {
		next := to
		for _, m := range markets {
			if due := Next(m, s.Clock.Now()); due.Before(next) {
				next = due
			}
		}
		// Set may meet a running clock that has just passed the instant: then it is there already.
		if s.Clock.Now().Before(next) {
			if err := s.Clock.Set(next); err != nil && s.Clock.Now().Before(next) {
				return ran, err
			}
		}
		if err := moved(); err != nil {
			return ran, err
		}
		for _, m := range markets {
			did, err := s.CatchUp(ctx, m)
			ran = append(ran, did...)
			if err != nil {
				return ran, err
			}
		}
		if !next.Before(to) {
			return ran, nil
		}
	}
}
