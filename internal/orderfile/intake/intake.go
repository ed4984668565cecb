// Package intake brings an order file into an installation: it makes the marketplace, the creators and the rate card that
// the mapping names, sends the file's events through accrual like any store's, and holds the books against the file.
//
// What must always hold: events reach the books through accrual alone; an import that was killed goes on where it was
// and doubles nothing; the same file again changes nothing; what is reported as agreeing was read back from lines and
// ledger.
//
// It does not decide what a row means (package orderfile) nor what a line earns.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/due"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/order"
	"tributary/internal/orderfile"
	"tributary/internal/secret"
	"tributary/internal/shopper"
)

// groupSize leaves room for one more order of the largest size within accrual's own group, so that an order and its
// shipments are decided in one go.
const groupSize = accrual.MaxGroup - order.MaxLines - 1

// ahead is how many groups are read and hashed while one is booked.
const ahead = 3

// Import is one file on its way in.
type Import struct {
	DB      *db.DB
	Ring    *secret.Ring
	Clock   *clock.Business
	Mapping *orderfile.Mapping
	Path    string
	// Replay moves the business clock with the file, from due job to due job: months close on the way. A sandbox in which
	// nothing has happened yet begins at the file's first row.
	Replay bool
	// Again sends everything once more, also what is known to be done: nothing may change.
	Again bool
	// Group is about how many events are booked and noted as done in one go; 0 is the best. Tests set it small.
	Group int
	// Moved is called whenever Replay has moved the clock, so that it is kept.
	Moved func() error
	// Unused is called with every row that became nothing, also those that an earlier run had read.
	Unused func(orderfile.Unused)
	// Progress is called after every group.
	Progress func(Progress)

	accrual *accrual.Accrual
	clock   *clock.Business // of this run: it stands still between steps of a replay
	market  market.Market
	name    string // of the cursor
	at      cursor
}

// Progress is how far an import is.
type Progress struct {
	Rows  int64 // done, those of an earlier run included
	Sent  int64 // rows of this run
	Bytes int64 // of the file read ahead
	Size  int64
}

// Run imports the file and holds the books against it. Where they differ, Result.Differences says so; that is no error.
func (i *Import) Run(ctx context.Context) (*Result, error) {
	if i.Mapping.Touches != nil && !i.Clock.Sandbox() {
		return nil, fault.New(fault.Denied, "touches", "a production installation takes no clicks that a rule made up",
			"use a sandbox, or a file with the columns tag and clicked_at")
	}
	file, err := os.Open(i.Path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "file", "cannot be opened", "name a file that may be read").Because(err)
	}
	defer file.Close()
	if err := i.identify(file); err != nil {
		return nil, err
	}
	if err := i.begin(ctx, file); err != nil {
		return nil, err
	}
	i.accrual = accrual.New(i.DB, i.clock, i.Ring, 0)
	defer i.accrual.Close()
	builder, err := i.send(ctx, file)
	if err != nil {
		return nil, err
	}
	i.at.Done = true
	if err := i.keep(ctx); err != nil {
		return nil, err
	}
	result := &Result{Market: i.market, Totals: builder.Totals(), Answers: i.at.Answers, Ran: i.at.Ran, At: i.clock.Now()}
	result.Purchases, result.Names = builder.Kept()
	return result, i.reconcile(ctx, builder, result)
}

// identify names the import by what is imported, not by where the file lies.
func (i *Import) identify(file *os.File) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return fault.New(fault.Invalid, "file", "cannot be read", "check it").Because(err)
	}
	sum.Write(i.Mapping.Hash())
	io.WriteString(sum, i.Mapping.Marketplace.ID)
	i.name = "import/" + hex.EncodeToString(sum.Sum(nil)[:16])
	return rewind(file)
}

func rewind(file *os.File) error {
	_, err := file.Seek(0, io.SeekStart)
	return fault.Wrap(err, "going back to the beginning of the file")
}

// begin makes the world, reads how far an earlier run came, and sets the clock of a replay.
func (i *Import) begin(ctx context.Context, file *os.File) error {
	known, err := i.readCursor(ctx)
	if err != nil {
		return err
	}
	if known && i.at.Replay != i.Replay && !i.at.Done {
		return fault.New(fault.Conflict, "replay", "the import of this file was begun the other way", "go on as it was begun")
	}
	i.clock = i.Clock
	latest := i.Clock.Now().Add(order.MaxAhead)
	if i.Replay {
		latest = clock.Wall() // the clock will be where the file is
	}
	if i.Replay && !(known && i.at.Done) {
		if err := i.startClock(ctx, file, known); err != nil {
			return err
		}
	}
	i.market, err = i.makeWorld(ctx)
	if err != nil {
		return err
	}
	if i.Again {
		i.at = cursor{Replay: i.Replay, Latest: i.at.Latest, Ran: i.at.Ran}
	}
	if !known {
		i.at = cursor{Replay: i.Replay, Latest: clock.Micro(latest)}
	}
	return i.keep(ctx)
}

// startClock takes a clock that stands still, at the file's first row or where the earlier run was.
func (i *Import) startClock(ctx context.Context, file *os.File, known bool) error {
	if !i.Clock.Sandbox() {
		return fault.New(fault.Denied, "replay", "the clock of a production installation cannot be set", "use a sandbox installation")
	}
	seen, err := i.latest(ctx)
	if err != nil {
		return err
	}
	first, err := firstInstant(file, i.Mapping, clock.Wall())
	if err != nil {
		return err
	}
	start := first
	switch {
	case known && seen.After(first):
		start = seen
	case !known && !seen.IsZero() && i.Clock.Now().After(first):
		return fault.New(fault.Conflict, "replay", "something has happened here after the file begins, and the clock never goes back",
			"replay into a sandbox of its own, or import without --replay")
	}
	i.clock = clock.NewStopped(start)
	return i.moved(ctx, !known)
}

// moved hands the clock of a replay to the installation.
func (i *Import) moved(ctx context.Context, begins bool) error {
	if i.clock == i.Clock {
		return nil
	}
	i.Clock.Start(i.clock.Now())
	if begins {
		if err := i.forgetDue(ctx); err != nil {
			return err
		}
	}
	if i.Moved == nil {
		return nil
	}
	return i.Moved()
}

// firstInstant reads the time of the first usable row.
func firstInstant(file *os.File, m *orderfile.Mapping, now time.Time) (time.Time, error) {
	defer rewind(file)
	rows, err := orderfile.NewReader(file, m, now)
	if err != nil {
		return time.Time{}, err
	}
	for {
		row, reason, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return time.Time{}, fault.New(fault.Invalid, "file", "holds no row that can be read",
				"check the mapping's columns and time_format")
		}
		if err != nil || reason == "" {
			return row.At, err
		}
	}
}

// ready is a group that is checked and hashed.
type ready struct {
	orderfile.Group
	incoming []accrual.Incoming
	bytes    int64
}

// send reads the file and books its groups, one after the other, while the next ones are made ready.
func (i *Import) send(ctx context.Context, file *os.File) (*orderfile.Builder, error) {
	if err := rewind(file); err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	counted := &counter{from: file}
	rows, err := orderfile.NewReader(counted, i.Mapping, clock.FromMicro(i.at.Latest))
	if err != nil {
		return nil, err
	}
	size := i.Group
	if size == 0 {
		size = groupSize
	}
	builder := orderfile.NewBuilder(rows, size, i.apart())
	builder.Tell = i.Unused
	ctx, stop := context.WithCancel(ctx)
	groups := make(chan ready, ahead)
	failed := make(chan error, 1)
	skip := i.at.Rows
	if i.at.Done {
		skip = 1 << 62
	}
	go func() {
		defer close(groups)
		failed <- i.prepare(ctx, builder, counted, skip, groups)
	}()
	sent := int64(0)
	for g := range groups {
		if err == nil {
			from := i.at.Rows
			err = i.book(ctx, g)
			sent += i.at.Rows - from
			if i.Progress != nil {
				i.Progress(Progress{Rows: i.at.Rows, Sent: sent, Bytes: g.bytes, Size: info.Size()})
			}
			if err != nil {
				stop()
			}
		}
	}
	stop()
	if err != nil {
		return nil, err
	}
	return builder, <-failed
}

// apart ends groups where a replay has something due.
func (i *Import) apart() func(before, next time.Time) bool {
	if !i.at.Replay {
		return nil
	}
	return func(before, next time.Time) bool { return !due.Next(i.market, before).After(next) }
}

// prepare reads groups and makes them ready. Those of an earlier run are read, because what comes after rests on them,
// and not sent.
func (i *Import) prepare(ctx context.Context, builder *orderfile.Builder, counted *counter, skip int64, groups chan<- ready) error {
	for {
		g, err := builder.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if g.Rows <= skip {
			continue
		}
		made, err := i.check(g)
		if err != nil {
			return err
		}
		made.bytes = counted.read.Load()
		select {
		case groups <- made:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (i *Import) check(g orderfile.Group) (ready, error) {
	now := i.Clock.Now()
	if i.at.Replay {
		now = g.Last
	}
	made := ready{Group: g, incoming: make([]accrual.Incoming, len(g.Events))}
	for n, e := range g.Events {
		if err := e.Check(now, i.market.Currency, true); err != nil {
			return made, fault.Wrap(err, "event "+e.ID)
		}
		made.incoming[n] = accrual.Incoming{Event: e, Hash: e.Hash()}
		if e.Placed != nil {
			made.incoming[n].Facts = shopper.Keyed(i.Ring, e.Placed.Shopper)
		}
	}
	return made, nil
}

// book moves the clock, saves new products, has the group's events booked, and notes that it is done.
func (i *Import) book(ctx context.Context, g ready) error {
	if i.at.Replay && g.Last.After(i.clock.Now()) {
		ran, err := due.Schedule{DB: i.DB, Clock: i.clock, Accrual: i.accrual}.Advance(ctx, []market.Market{i.market}, g.Last, func() error { return i.moved(ctx, false) })
		i.at.Ran = append(i.at.Ran, ran...)
		if err != nil {
			return err
		}
	}
	if err := i.saveProducts(ctx, g.Products); err != nil {
		return err
	}
	results, err := i.accrual.Take(ctx, i.market.No, g.incoming)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Status == "unavailable" {
			return fmt.Errorf("event %s could not be booked: run the import again", r.ID)
		}
		i.at.Answers.add(r)
	}
	i.at.Rows = g.Rows
	return i.keep(ctx)
}
