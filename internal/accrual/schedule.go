package accrual

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
)

// What the clock decides falls due at local midnights: lapses are looked at every day, and a month closes at 00:00 of its
// payable date. The cursor of each marketplace is a row, so that what fell due while nothing ran is caught up with, and
// two nodes do it once.

var (
	selectCursor = db.Statement(`SELECT value FROM setting WHERE name = $1`)
	insertCursor = db.Statement(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`)
	moveCursor   = db.Statement(`UPDATE setting SET value = $3 WHERE name = $1 AND value = $2`)
)

// NextDue is the next local midnight after an instant.
func NextDue(m market.Market, after time.Time) time.Time {
	local := after.In(m.Location())
	next := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, m.Location())
	if !next.After(after) { // a clock change made the date come twice
		next = next.Add(24 * time.Hour)
	}
	return next.UTC()
}

// CatchUp runs what has fallen due in a marketplace since it last ran, up to the business clock's now, and tells what it
// did. Where nothing was due it does nothing.
func (a *Accrual) CatchUp(ctx context.Context, m market.Market) ([]string, error) {
	name := "due/" + m.ID
	now := a.clock.Now()
	var text string
	err := a.db.Write(ctx, db.Background, func(tx *db.Tx) error {
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
	if due := NextDue(m, clock.FromMicro(micro)); due.After(now) {
		return nil, nil
	}
	ran, err := a.runDue(ctx, m)
	if err != nil {
		return ran, err
	}
	cards, err := a.tellEffective(ctx, m, clock.FromMicro(micro), now)
	if err != nil {
		return ran, err
	}
	ran = append(ran, cards...)
	// The cursor moves after the work: what is cut off runs again, and finds done what was done.
	return ran, fault.Wrap(a.db.Write(ctx, db.Background, func(tx *db.Tx) error {
		_, err := tx.Exec(moveCursor, name, text, strconv.FormatInt(clock.Micro(now), 10))
		return err
	}), "noting what ran")
}

// tellEffective announces the versions of rate cards that took effect after an instant and up to another.
func (a *Accrual) tellEffective(ctx context.Context, m market.Market, after, until time.Time) (said []string, err error) {
	err = a.internal(ctx, db.Background, m.No, func(g *group) error {
		said = nil
		for _, v := range g.book.rates.Cards {
			if !v.Effective.After(after) || v.Effective.After(until) {
				continue
			}
			g.notes = append(g.notes, note{topic: "rate_card.effective", body: map[string]any{"marketplace": m.ID, "kind": v.Kind,
				"version": v.Number, "effective": v.Effective}})
			said = append(said, fmt.Sprintf("%s %s: rate card %s version %d took effect", v.Effective.In(m.Location()).Format("2006-01-02 15:04 MST"),
				m.ID, v.Kind, v.Number))
		}
		return nil
	})
	return said, fault.Wrap(err, "announcing rate cards in force")
}

func (a *Accrual) runDue(ctx context.Context, m market.Market) (ran []string, err error) {
	at := a.clock.Now().In(m.Location()).Format("2006-01-02 15:04 MST")
	lapsed, err := a.Lapse(ctx, m.No)
	if lapsed > 0 {
		ran = append(ran, fmt.Sprintf("%s %s: %d lines lapsed, not shipped in time", at, m.ID, lapsed))
	}
	if err != nil {
		return ran, fault.Wrap(err, "posting lapses")
	}
	ripe, err := a.Ripen(ctx, m.No)
	if ripe > 0 {
		ran = append(ran, fmt.Sprintf("%s %s: %d bounties are earned, their window has passed", at, m.ID, ripe))
	}
	if err != nil {
		return ran, fault.Wrap(err, "posting bounties")
	}
	closed, err := a.CloseMonths(ctx, m.No)
	if closed > 0 {
		ran = append(ran, fmt.Sprintf("%s %s: %d months of creators closed, now payable", at, m.ID, closed))
	}
	return ran, fault.Wrap(err, "closing months")
}

// Advance moves a sandbox's business clock to an instant, from due job to due job, each run to its end. It tells what
// ran. moved is called after each step, so that the clock is kept.
func (a *Accrual) Advance(ctx context.Context, markets []market.Market, to time.Time, moved func() error) (ran []string, err error) {
	if now := a.clock.Now(); to.Before(now) || !a.clock.Sandbox() {
		return nil, a.clock.Set(to) // says why not
	}
	for {
		next := to
		for _, m := range markets {
			if due := NextDue(m, a.clock.Now()); due.Before(next) {
				next = due
			}
		}
		// Set may meet a running clock that has just passed the instant: then it is there already.
		if a.clock.Now().Before(next) {
			if err := a.clock.Set(next); err != nil && a.clock.Now().Before(next) {
				return ran, err
			}
		}
		if err := moved(); err != nil {
			return ran, err
		}
		for _, m := range markets {
			did, err := a.CatchUp(ctx, m)
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
