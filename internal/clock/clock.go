// Package clock is the only place that reads the time. There are two clocks (docs/spec.md §2):
//
//   - Wall: sessions, leases, timeouts, signatures, retries.
//   - Business: everything the rules name. In a sandbox it can be set forward, so that 180 days can be lived through in
//     a second; in production it is the wall clock and refuses to be set.
//
// The business clock never goes back. Between nodes the lane's time decides (package db): a transaction's Now is the
// later of this clock and what the lane has already seen.
package clock

import (
	"sync/atomic"
	"time"

	"tributary/internal/fault"
)

// Wall gives the machine's time, UTC.
func Wall() time.Time { return time.Now().UTC() }

// Since is the wall time that has passed since start, by the monotonic reading.
func Since(start time.Time) time.Duration { return time.Since(start) }

// Business is the clock of the rules. The zero value runs with the wall clock and cannot be set.
type Business struct {
	sandbox bool
	offset  atomic.Int64 // nanoseconds ahead of the wall clock
	stopped atomic.Int64 // unix nanoseconds at which a test stopped it; 0 when it runs
}

// NewSandbox gives a business clock that is offset from the wall clock and can be set forward.
func NewSandbox(offset time.Duration) *Business {
	b := &Business{sandbox: true}
	b.offset.Store(int64(offset))
	return b
}

// NewStopped gives a sandbox clock that stands still at that instant until it is set: for tests and simulation.
func NewStopped(at time.Time) *Business {
	b := &Business{sandbox: true}
	b.stopped.Store(at.UnixNano())
	return b
}

// Sandbox tells whether the clock can be set.
func (b *Business) Sandbox() bool { return b.sandbox }

// Offset is how far the clock is ahead of the wall clock.
func (b *Business) Offset() time.Duration { return time.Duration(b.offset.Load()) }

// Now gives the business time, UTC, cut to the microsecond that is stored.
func (b *Business) Now() time.Time {
	if at := b.stopped.Load(); at != 0 {
		return time.Unix(0, at).UTC().Truncate(time.Microsecond)
	}
	return time.Now().UTC().Add(time.Duration(b.offset.Load())).Truncate(time.Microsecond)
}

// Set moves the clock forward to that instant. It is Denied in production and Invalid for a time before Now.
func (b *Business) Set(at time.Time) error {
	if !b.sandbox {
		return fault.New(fault.Denied, "clock", "the clock of a production installation cannot be set", "use a sandbox installation")
	}
	if now := b.Now(); at.Before(now) {
		return fault.Invalidf("clock", "%s is before the present business time %s, and the clock never goes back",
			"name a later time", at.UTC().Format(time.RFC3339), now.Format(time.RFC3339))
	}
	b.Start(at)
	return nil
}

// Start sets a sandbox clock to any instant, also an earlier one. Only an installation in which nothing has happened yet
// may call it (package db's lanes refuse time that runs back).
func (b *Business) Start(at time.Time) {
	if b.stopped.Load() != 0 {
		b.stopped.Store(at.UnixNano())
		return
	}
	b.offset.Store(int64(time.Until(at)))
}

// Micro is the stored form of an instant: microseconds since 1970, UTC.
func Micro(at time.Time) int64 { return at.UnixMicro() }

// FromMicro reads the stored form.
func FromMicro(micro int64) time.Time { return time.UnixMicro(micro).UTC() }
