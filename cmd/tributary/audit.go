package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tributary/internal/audit"
	"tributary/internal/click"
	"tributary/internal/db"
	"tributary/internal/ledger"
)

type auditCmd struct {
	place
	First int `help:"How many differences to print." default:"20"`
}

// Run has the engine look at its file, and recomputes balances from transfers, transfers from decisions, decisions from
// their facts, the chain of the audit log, click rollups from clicks, and the click log's numbers and seals.
func (c *auditCmd) Run(ctx context.Context) error {
	i, err := c.open(ctx, production)
	if err != nil {
		return err
	}
	defer i.db.Close()
	found := 0
	differ := func(text string) {
		if found++; found <= c.First {
			fmt.Println("differs:", text)
		}
	}
	// A damaged file is audited all the same, as far as it can be read: it may say which figures are concerned.
	if err := i.db.Check(ctx); errors.Is(err, db.ErrDamaged) {
		differ(err.Error())
	} else if err != nil {
		return err
	}
	markets, err := i.markets(ctx)
	if err != nil {
		return err
	}
	err = i.db.Read(ctx, func(tx *db.Tx) error {
		accounts, err := ledger.Verify(tx, differ)
		if err != nil {
			return err
		}
		fmt.Printf("ledger     %d accounts are the sums of their transfers\n", accounts)
		for _, m := range markets {
			v, err := audit.Verify(tx, m.Lane(), differ)
			if err != nil {
				return err
			}
			fmt.Printf("%-10s %d lines, %d decisions and %d transfers recomputed\n", m.ID, v.Lines, v.Decisions, v.Transfers)
			if v.Unsealed > 0 {
				fmt.Printf("%-10s %d rows are of before rows were sealed: what nothing else repeats of them is taken as it is\n", m.ID, v.Unsealed)
			}
		}
		opened, err := audit.Personal(tx, i.ring, differ)
		if err != nil {
			return err
		}
		fmt.Printf("log        %d entries in one chain; they open, and %d sealed texts, or their person was erased\n", opened.Entries, opened.Texts)
		clicks, err := click.VerifyRows(tx, differ)
		fmt.Printf("clicks     %d rows without a gap, rollups recounted\n", clicks)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.auditLog(i, differ); err != nil {
		return err
	}
	if found > 0 {
		return fmt.Errorf("%d differences", found)
	}
	fmt.Println("everything agrees")
	return nil
}

func (c *auditCmd) auditLog(i *installation, differ func(string)) error {
	v, err := click.VerifyLog(i.clickFolder())
	switch {
	case errors.Is(err, os.ErrNotExist):
		fmt.Println("click log  none in this data folder")
		return nil
	case errors.Is(err, click.ErrDamaged):
		differ(err.Error())
		return nil
	case err != nil:
		return err
	}
	fmt.Printf("click log  %d segments, %d records from %s to %s, seals and numbers hold\n", v.Segments, v.Records, v.First, v.Last)
	return nil
}
