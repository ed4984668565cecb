package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/ratecard/ratefile"
	"tributary/internal/web/rates"
)

// What a marketplace pays, as a file (docs/rates.md):
//
//	tributary rates export us --out rates.yaml   the present state, and what is to come
//	tributary rates import rates.yaml --dry-run  what publishing it would change
//	tributary rates import rates.yaml            the same, then asks, and publishes all of it or nothing
//	tributary rates draft rates.yaml             keeps it as a draft, for others to look at
//	tributary rates drafts us                    lists drafts, published and effective ones too
//	tributary rates publish dr_…                 publishes a draft
type ratesCmd struct {
	Export  ratesExportCmd  `cmd:"" help:"Write what a marketplace pays, and what is to come, as a file to edit."`
	Import  ratesImportCmd  `cmd:"" help:"Show what an edited file would change, and publish it: all of it or nothing."`
	Draft   ratesDraftCmd   `cmd:"" help:"Keep a file as a draft. Nothing changes by it."`
	Drafts  ratesDraftsCmd  `cmd:"" help:"List the drafts of a marketplace."`
	Publish ratesPublishCmd `cmd:"" help:"Show what a draft would change, and publish it."`
}

type ratesExportCmd struct {
	place
	Marketplace string `arg:"" help:"Whose rates, such as us."`
	Out         string `help:"Write into this file in place of the screen." type:"path" placeholder:"FILE"`
}

// Run writes the file.
func (c *ratesExportCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout) }

func (c *ratesExportCmd) run(ctx context.Context, out io.Writer) error {
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	m, err := i.market(ctx, c.Marketplace)
	if err != nil {
		return err
	}
	var text []byte
	if err := i.db.Read(ctx, func(tx *db.Tx) (err error) {
		text, err = ratefile.Export(tx, m, i.clock.Now())
		return err
	}); err != nil {
		return err
	}
	if c.Out == "" {
		_, err := out.Write(text)
		return err
	}
	if err := os.WriteFile(c.Out, text, 0o644); err != nil {
		return fault.New(fault.Invalid, "out", "cannot be written", "name a file in a folder that may be written").Because(err)
	}
	return nil
}

// market gives the marketplace of an id.
func (i *installation) market(ctx context.Context, name string) (market.Market, error) {
	all, err := i.markets(ctx)
	if err != nil {
		return market.Market{}, err
	}
	var known []string
	for _, m := range all {
		if m.ID == name {
			return m, nil
		}
		known = append(known, m.ID)
	}
	return market.Market{}, fault.New(fault.NotFound, "marketplace", "there is no marketplace "+name,
		"name one of "+strings.Join(known, ", "))
}

// confirm are the flags of what publishes.
type confirm struct {
	DryRun bool `help:"Only show what would change."`
	Yes    bool `help:"Publish without asking."`
}

type ratesImportCmd struct {
	place
	confirm
	File string `arg:"" help:"The edited file (YAML)." type:"existingfile"`
}

// Run shows the plan of the file, asks, and publishes it.
func (c *ratesImportCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdin, os.Stdout) }

func (c *ratesImportCmd) run(ctx context.Context, in io.Reader, out io.Writer) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	return c.publish(ctx, i, raw, in, out, func(tx *db.Tx, seen int64) (ratefile.Plan, error) {
		return ratefile.Publish(tx, raw, seen)
	})
}

// publish shows what a text would change, asks, and does it in the marketplace's lane, unless others were quicker.
func (c confirm) publish(ctx context.Context, i *installation, raw []byte, in io.Reader, out io.Writer,
	do func(tx *db.Tx, seen int64) (ratefile.Plan, error)) error {
	m, plan, err := i.plan(ctx, raw)
	if err != nil {
		return err
	}
	fmt.Fprint(out, plan.Text(m))
	if plan.Empty() || c.DryRun {
		return nil
	}
	if !c.Yes {
		fmt.Fprint(out, "Publish this? Type yes: ")
		answer, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if strings.TrimSpace(answer) != "yes" {
			fmt.Fprintln(out, "nothing was published")
			return nil
		}
	}
	if err := i.db.Lane(ctx, db.Interactive, i.clock.Now(), []int64{m.Lane()}, func(tx *db.Tx) error {
		done, err := do(tx, plan.Version)
		if err != nil {
			return err
		}
		if err := rates.Tell(tx, m, done); err != nil {
			return err
		}
		return journal.Add(tx, i.ring, journal.Entry{At: i.clock.Now(), Actor: journal.Command, Action: "rates.published", Subject: "rates/" + m.ID,
			After: map[string]any{"plan": rates.Short(done.Text(m))}})
	}); err != nil {
		return err
	}
	fmt.Fprintln(out, "published")
	return nil
}

// plan compares a text with what its marketplace has.
func (i *installation) plan(ctx context.Context, raw []byte) (m market.Market, plan ratefile.Plan, err error) {
	err = i.db.Read(ctx, func(tx *db.Tx) error {
		file, err := ratefile.Read(tx, raw)
		if err != nil {
			return err
		}
		m = file.Market
		plan, err = ratefile.Draw(tx, file, i.clock.Now())
		return err
	})
	return m, plan, err
}

type ratesDraftCmd struct {
	place
	File string `arg:"" help:"The file (YAML)." type:"existingfile"`
	Name string `help:"Name of the draft, in place of the file's."`
}

// Run keeps the draft, and says what it would change, or why it could not be published as it is.
func (c *ratesDraftCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout) }

func (c *ratesDraftCmd) run(ctx context.Context, out io.Writer) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	name, err := ratefile.Marketplace(raw)
	if err != nil {
		return err
	}
	m, err := i.market(ctx, name)
	if err != nil {
		return err
	}
	draft := ratefile.Draft{Market: m.No, Name: c.Name, Text: raw}
	if draft.Name == "" {
		draft.Name = strings.TrimSuffix(filepath.Base(c.File), filepath.Ext(c.File))
	}
	if err := i.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		_, err := ratefile.SaveDraft(tx, draft, i.clock.Now())
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintf(out, "kept as draft %q\n", draft.Name)
	if _, plan, err := i.plan(ctx, raw); err != nil {
		fmt.Fprintf(out, "as it is, it cannot be published: %s\n", explain(err))
	} else {
		fmt.Fprint(out, plan.Text(m))
	}
	return nil
}

type ratesDraftsCmd struct {
	place
	Marketplace string `arg:"" help:"Whose drafts, such as us."`
}

// Run lists drafts, newest first.
func (c *ratesDraftsCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout) }

func (c *ratesDraftsCmd) run(ctx context.Context, out io.Writer) error {
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	m, err := i.market(ctx, c.Marketplace)
	if err != nil {
		return err
	}
	var drafts []ratefile.Draft
	if err := i.db.Read(ctx, func(tx *db.Tx) (err error) {
		drafts, err = ratefile.Drafts(tx, m.No)
		return err
	}); err != nil {
		return err
	}
	for _, d := range drafts {
		fmt.Fprintf(out, "%s  %-9s  %s  %s\n", d.ID.Text(id.Draft), d.State(i.clock.Now()),
			d.Changed.In(m.Location()).Format(time.DateOnly), d.Name)
	}
	return nil
}

type ratesPublishCmd struct {
	place
	confirm
	Draft string `arg:"" help:"The draft's id, as tributary rates drafts shows it."`
}

// Run shows the plan of the draft, asks, and publishes it.
func (c *ratesPublishCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdin, os.Stdout) }

func (c *ratesPublishCmd) run(ctx context.Context, in io.Reader, out io.Writer) error {
	one, err := id.Parse("draft", id.Draft, c.Draft)
	if err != nil {
		return err
	}
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	var draft ratefile.Draft
	if err := i.db.Read(ctx, func(tx *db.Tx) (err error) {
		draft, err = ratefile.FindDraft(tx, one)
		return err
	}); err != nil {
		return err
	}
	return c.publish(ctx, i, draft.Text, in, out, func(tx *db.Tx, seen int64) (ratefile.Plan, error) {
		return ratefile.PublishDraft(tx, one, seen)
	})
}
