package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tributary/internal/clock"
	"tributary/internal/fault"
	"tributary/internal/orderfile"
	"tributary/internal/orderfile/intake"
)

type importCmd struct {
	Orders importOrdersCmd `cmd:"" help:"Import a CSV file of orders and returns, and hold the books against it."`
}

type importOrdersCmd struct {
	place
	File        string `arg:"" help:"The file, plain or as .gz." type:"existingfile"`
	Map         string `required:"" help:"The mapping: columns, categories, rate card, creators (JSON; see examples/)." type:"existingfile" placeholder:"FILE"`
	Marketplace string `help:"Import into this marketplace in place of the mapping's."`
	Replay      bool   `help:"Move the sandbox's business clock with the file: months close on the way."`
	Again       bool   `help:"Send everything once more. Nothing changes by it."`
	Unused      string `help:"Write every row that became nothing into this CSV file, with the reason." type:"path" placeholder:"FILE"`
	Sandbox     bool   `help:"Make a sandbox, where the data folder is new. --replay implies it."`
}

// progressEvery is how often a line of progress is written.
const progressEvery = time.Second

// Run imports and prints the reconciliation. It fails where file, lines and ledger do not agree.
func (c *importOrdersCmd) Run(ctx context.Context) error {
	raw, err := os.ReadFile(c.Map)
	if err != nil {
		return fault.New(fault.Invalid, "map", "cannot be read", "name a mapping file").Because(err)
	}
	mapping, err := orderfile.ParseMapping(raw)
	if err != nil {
		return err
	}
	if c.Marketplace != "" {
		mapping.Marketplace.ID = c.Marketplace
	}
	kind := production
	if c.Sandbox || c.Replay {
		kind = sandbox
	}
	i, err := c.open(ctx, kind)
	if err != nil {
		return err
	}
	job := intake.Import{DB: i.db, Ring: i.ring, Clock: i.clock, Mapping: mapping, Path: c.File, Replay: c.Replay, Again: c.Again,
		Moved: func() error { return i.keepClock(ctx) }, Progress: progressLine()}
	told := func() error { return nil }
	if c.Unused != "" {
		if job.Unused, told, err = orderfile.WriteUnused(c.Unused); err != nil {
			return errors.Join(err, i.db.Close())
		}
	}
	result, err := job.Run(ctx)
	err = errors.Join(err, told())
	fmt.Fprintln(os.Stderr)
	if ctx.Err() != nil {
		err = fault.New(fault.Unavailable, "", "the import was stopped", "the same command goes on where it was").Because(err)
	}
	if err != nil {
		return errors.Join(err, i.db.Close())
	}
	fmt.Fprintln(os.Stderr, result.Sent())
	fmt.Print(result.Text())
	if len(result.Differences) > 0 {
		err = fmt.Errorf("the books differ from the file: %d differences", len(result.Differences))
	}
	return errors.Join(err, i.db.Close())
}

// progressLine writes over one line of stderr: percent, rows, rows per second.
func progressLine() func(intake.Progress) {
	start := clock.Wall()
	var written time.Duration
	return func(p intake.Progress) {
		passed := clock.Since(start)
		if passed-written < progressEvery {
			return
		}
		written = passed
		percent := int64(100)
		if p.Size > 0 {
			percent = p.Bytes * 100 / p.Size
		}
		fmt.Fprintf(os.Stderr, "\r%3d %%  %d rows, %d rows/s ", percent, p.Rows, p.Sent*int64(time.Second)/int64(max(passed, 1)))
	}
}
