package click

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// Limits of shipping.
const (
	shipRows  = 2000                  // rows of a transaction: about 10 ms of the one writer
	shipPace  = 25 * time.Millisecond // between transactions that are not full, so that a trickle does not sync each click
	shipRetry = time.Second           // after the database failed
	shipIdle  = time.Second           // between looks for unlogged clicks that were presented
)

// Shipper moves one log into the database: rows, rollups and watermark in one transaction, so that whatever is killed
// or repeated, a click is there once and counted once. It belongs to one goroutine; State may be asked by others.
type Shipper struct {
	DB  *db.DB
	Log *Log
	// Zone gives a marketplace's time zone, in which days are counted. Days of clicks that are shipped do not move when
	// it changes.
	Zone func(market uint16) *time.Location
	// Shipped, if set, hears after each commit which creators of a marketplace have new clicks.
	Shipped func(market uint16, creators []id.ID)

	reader *Reader
	batch  batch

	mu    sync.Mutex
	state ShipState
}

// ShipState is how far a shipper is.
type ShipState struct {
	Shipped Number // newest click in the database
	Err     error  // why it stands; nil while it runs
	// Well is when shipping last went well, by the wall clock: what waits in the log waits since then at most.
	Well time.Time
}

// State tells how far the shipper is. What is synced and not shipped is Log.Synced less this.
func (s *Shipper) State() ShipState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Run ships until the context ends. While the database is away it tries again every second; the log keeps what it has
// not shipped.
func (s *Shipper) Run(ctx context.Context) {
	defer s.forget()
	for ctx.Err() == nil {
		shipped, err := s.Step(ctx)
		if err == nil && shipped == 0 {
			_, err = Admit(ctx, s.DB, s.zone, s.Shipped)
		}
		if err != nil && ctx.Err() == nil && s.State().Err == nil {
			slog.Error("clicks are not shipped", "edge", s.Log.edge, "error", err, "cause", fault.Of(err).Unwrap())
		}
		s.note(func(state *ShipState) {
			if state.Err = err; err == nil {
				state.Well = clock.Wall()
			}
		})
		switch {
		case err != nil:
			pause(ctx, shipRetry)
		case shipped == 0:
			s.idle(ctx)
		case shipped < shipRows:
			pause(ctx, shipPace)
		}
	}
}

// idle waits for the next click, and after it for those that come right behind, but not longer than shipIdle.
func (s *Shipper) idle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, shipIdle)
	defer cancel()
	if s.Log.Wait(ctx, s.State().Shipped) == nil {
		pause(ctx, shipPace)
	}
}

func pause(ctx context.Context, how time.Duration) {
	timer := time.NewTimer(how)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *Shipper) note(alter func(*ShipState)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	alter(&s.state)
}

// Step ships one batch of what is synced and gives the number of clicks; 0 where nothing waits. After an error the next
// step begins anew from the watermark, since the commit may have come through all the same.
func (s *Shipper) Step(ctx context.Context) (shipped int, err error) {
	defer func() {
		if err != nil {
			s.forget()
		}
	}()
	if s.reader == nil {
		after, err := Watermark(ctx, s.DB, s.Log.edge)
		if err != nil {
			return 0, err
		}
		s.reader = s.Log.Reader(after)
		s.batch.reset(after)
		s.note(func(state *ShipState) { state.Shipped = after })
		// A process that died between its commit and here left segments that nobody needs.
		if err := s.Log.Release(after); err != nil {
			return 0, err
		}
	}
	b := &s.batch
	b.reset(b.upto)
	if err := b.fill(s.reader, s.zone); err != nil || len(b.rows) == 0 {
		return 0, err
	}
	err = s.DB.Write(ctx, db.Ship, func(tx *db.Tx) error { return b.write(tx) })
	if err != nil {
		return 0, fault.Wrap(err, "ship clicks")
	}
	s.note(func(state *ShipState) { state.Shipped = b.upto })
	if s.Shipped != nil {
		b.announce(s.Shipped)
	}
	return len(b.rows), s.Log.Release(b.upto)
}

func (s *Shipper) forget() {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
}

func (s *Shipper) zone(market uint16) *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return cmp.Or(s.Zone(market), time.UTC)
}

// batch is what one transaction will write. Its buffers are used again.
type batch struct {
	from    Number // newest click before it
	upto    Number
	records []byte
	rows    []shipRow
	tallies tallies
	args    [][]any
	flat    []any
}

// shipRow is one click of a batch; record is the place of its bytes in batch.records.
type shipRow struct {
	number     Number
	click      Click // the fixed fields alone
	start, end int
}

func (b *batch) reset(after Number) {
	b.from, b.upto = after, after
	b.records, b.rows = b.records[:0], b.rows[:0]
	b.tallies.reset()
}

// fill reads what is synced into the batch: up to its limit, and no further than the end of an epoch.
func (b *batch) fill(reader *Reader, zone func(uint16) *time.Location) error {
	for len(b.rows) < shipRows {
		entry, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		row := shipRow{number: entry.Number}
		if err == nil {
			err = fault.Wrap(row.click.readFixed(entry.Record), "read click "+entry.Number.String())
		}
		if err != nil && len(b.rows) > 0 {
			return nil // what is whole before it is shipped first; the next step meets the error again
		}
		if err != nil {
			return err
		}
		if len(b.rows) > 0 && entry.Number.Epoch != b.upto.Epoch {
			reader.back()
			return nil
		}
		b.add(row, entry.Record, zone)
	}
	return nil
}

func (b *batch) add(row shipRow, record []byte, zone func(uint16) *time.Location) {
	row.start = len(b.records)
	b.records = append(b.records, record...)
	row.end = len(b.records)
	b.rows = append(b.rows, row)
	b.upto = row.number
	b.tallies.add(&row.click, zone)
}

// announce tells who has new clicks, marketplace by marketplace.
func (b *batch) announce(shipped func(uint16, []id.ID)) {
	creators := map[uint16][]id.ID{}
	for key := range b.tallies.days {
		if key.creator != 0 {
			creators[key.market] = append(creators[key.market], key.creator)
		}
	}
	for market, list := range creators {
		slices.Sort(list)
		shipped(market, slices.Compact(list))
	}
}
