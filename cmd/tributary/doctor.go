package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"text/tabwriter"
	"time"

	"tributary/internal/click"
	"tributary/internal/clock"
)

type doctorCmd struct{ place }

// syncs is how many writes measure the disk.
const syncs = 50

// Run shows what durability and time rest on, as they are, not as they were asked for. A setting that is not as it must
// be is a fault of the installation.
func (c *doctorCmd) Run(ctx context.Context) error {
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	bad := 0
	row := func(name, value, verdict string) { fmt.Fprintf(out, "%s\t%s\t%s\n", name, value, verdict) }
	row("version", version(), runtime.Version())
	row("engine", i.db.Engine().String(), "")
	settings, err := i.db.Settings(ctx)
	if err != nil {
		return err
	}
	for _, s := range settings {
		verdict := ""
		if s.Want != "" {
			if verdict = "as it must be"; s.Value != s.Want {
				verdict, bad = "must be "+s.Want, bad+1
			}
		}
		row("  "+s.Name, s.Value, verdict)
	}
	row("installation", kindOf(i.clock.Sandbox()), "")
	row("wall clock", clock.Wall().Format(time.RFC3339), "")
	row("business clock", i.clock.Now().Format(time.RFC3339), "")
	bad += c.disk(row)
	if err := c.clicks(ctx, i, row); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(c.Data, "keys")); err == nil {
		verdict := "readable by its owner alone"
		if info.Mode().Perm()&0o077 != 0 {
			verdict, bad = "must not be readable by others: chmod 600", bad+1
		}
		row("keys", info.Mode().Perm().String(), verdict)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d settings are not as they must be", bad)
	}
	return nil
}

// disk measures what a sync costs here, and how much room is left.
func (c *doctorCmd) disk(row func(name, value, verdict string)) (bad int) {
	var room syscall.Statfs_t
	if err := syscall.Statfs(c.Data, &room); err == nil {
		free := room.Bavail * uint64(room.Bsize)
		verdict := ""
		if free < 1<<30 {
			verdict, bad = "less than 1 GB is free", 1
		}
		row("disk free", fmt.Sprintf("%d MB", free>>20), verdict)
	}
	file, err := os.CreateTemp(c.Data, "doctor")
	if err != nil {
		row("disk sync", err.Error(), "the data folder cannot be written")
		return bad + 1
	}
	defer os.Remove(file.Name())
	defer file.Close()
	start := clock.Wall()
	for range syncs {
		if _, err = file.Write(make([]byte, 512)); err == nil {
			err = file.Sync()
		}
		if err != nil {
			row("disk sync", err.Error(), "syncing fails")
			return bad + 1
		}
	}
	each := clock.Since(start) / syncs
	verdict := ""
	if each < 20*time.Microsecond {
		verdict = "suspiciously fast: does this disk keep what it says it has written?"
	}
	row("disk sync", each.Round(time.Microsecond).String(), verdict)
	return bad
}

func (c *doctorCmd) clicks(ctx context.Context, i *installation, row func(name, value, verdict string)) error {
	shipped, err := click.Watermark(ctx, i.db, edgeNumber)
	if err != nil {
		return err
	}
	row("clicks shipped", shipped.String(), "")
	return nil
}

// version is the commit that the binary was built from, where the build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}
