package main

import (
	"context"
	"fmt"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/admission"
	"tributary/internal/clock"
	"tributary/internal/due"
	"tributary/internal/fault"
)

type clockCmd struct {
	place
	To string `help:"Move the business clock to an instant (2026-12-01T00:00:00Z), or forward by a span (36h, 180d)." placeholder:"INSTANT|SPAN"`
}

// Run shows the clocks, or lives up to an instant: from due job to due job, each run to its end.
func (c *clockCmd) Run(ctx context.Context) error {
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	if c.To != "" {
		to, err := parseInstant(c.To, i.clock.Now())
		if err != nil {
			return err
		}
		a := accrual.New(i.db, i.clock, i.ring, 0)
		defer a.Close()
		markets, err := i.markets(ctx)
		if err != nil {
			return err
		}
		// What the outside is asked for waits as jobs until the installation serves.
		desk := &admission.Desk{DB: i.db, Clock: i.clock, Ring: i.ring, Accrual: a}
		ran, err := due.Schedule{DB: i.db, Clock: i.clock, Accrual: a, People: desk.Midnight}.Advance(ctx, markets, to, func() error { return i.keepClock(ctx) })
		for _, line := range ran {
			fmt.Println(line)
		}
		if err != nil {
			return err
		}
	}
	fmt.Printf("wall      %s\nbusiness  %s (%s)\n", clock.Wall().Format(time.RFC3339), i.clock.Now().Format(time.RFC3339), kindOf(i.clock.Sandbox()))
	return nil
}

// parseInstant reads an RFC 3339 instant, or a span from now: hours and minutes as Go writes them, or days.
func parseInstant(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && days > 0 && fmt.Sprintf("%dd", days) == text {
		return now.Add(time.Duration(days) * 24 * time.Hour), nil
	}
	if span, err := time.ParseDuration(text); err == nil && span > 0 {
		return now.Add(span), nil
	}
	return now, fault.Invalidf("to", "%q is neither an instant nor a span", "write 2026-12-01T00:00:00Z, 36h or 180d", text)
}
