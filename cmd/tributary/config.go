package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/market"
	"tributary/internal/secret"
)

// place is where an installation lives. Every command that works on one has these flags.
type place struct {
	Data     string `help:"Folder of keys, click log and, with SQLite, the database." default:"data" env:"TRIBUTARY_DATA" type:"path"`
	Database string `help:"postgres://user:password@host:5432/name, or the path of a SQLite file; default: tributary.db in the data folder." env:"TRIBUTARY_DATABASE"`
}

// installation is an opened place: its keys, its database, its clock.
type installation struct {
	place
	db    *db.DB
	ring  *secret.Ring
	clock *clock.Business
}

// Kinds of installation, fixed when it is made: a production clock can never be set.
const (
	production = "production"
	sandbox    = "sandbox"
)

func kindOf(isSandbox bool) string {
	if isSandbox {
		return sandbox
	}
	return production
}

var (
	insertSetting = db.Statement(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`)
	upsertSetting = db.Statement(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
	selectSetting = db.Statement(`SELECT value FROM setting WHERE name = $1`)
)

// open opens the installation, makes it where there is none, and brings its schema up to date. kind counts only when it is
// made.
func (p place) open(ctx context.Context, kind string) (*installation, error) {
	return p.openWith(ctx, kind, db.Options{})
}

func (p place) openWith(ctx context.Context, kind string, options db.Options) (*installation, error) {
	if err := os.MkdirAll(p.Data, 0o700); err != nil {
		return nil, fault.New(fault.Invalid, "data", "the folder cannot be made", "name one that may be written").Because(err)
	}
	ring, err := secret.Load(filepath.Join(p.Data, "keys"))
	if err != nil {
		return nil, err
	}
	address := p.Database
	if address == "" {
		address = filepath.Join(p.Data, "tributary.db")
	}
	d, err := db.Open(ctx, address, options)
	if err != nil {
		return nil, err
	}
	i := &installation{place: p, db: d, ring: ring}
	if err := i.begin(ctx, kind); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return i, nil
}

func (i *installation) begin(ctx context.Context, kind string) error {
	if err := i.db.Migrate(ctx); err != nil {
		return err
	}
	err := i.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		if _, err := tx.Exec(insertSetting, "kind", kind); err != nil {
			return err
		}
		_, err := tx.One(selectSetting, []any{&kind}, "kind")
		return err
	})
	if err != nil {
		return fault.Wrap(err, "reading the kind of installation")
	}
	if kind != sandbox {
		i.clock = &clock.Business{}
		return nil
	}
	i.clock = clock.NewSandbox(0)
	return i.readClock(ctx)
}

// readClock takes the business clock as it is kept: another process may have moved it.
func (i *installation) readClock(ctx context.Context) error {
	var text string
	var found bool
	err := i.db.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = tx.One(selectSetting, []any{&text}, "clock")
		return err
	})
	if err != nil || !found {
		return err
	}
	ahead, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fault.Wrap(err, "reading the sandbox clock")
	}
	if time.Duration(ahead) != i.clock.Offset() {
		i.clock.Start(clock.Wall().Add(time.Duration(ahead)))
	}
	return nil
}

// keepClock stores how far the sandbox's clock is from the wall clock.
func (i *installation) keepClock(ctx context.Context) error {
	return i.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		_, err := tx.Exec(upsertSetting, "clock", strconv.FormatInt(int64(i.clock.Offset()), 10))
		return err
	})
}

func (i *installation) markets(ctx context.Context) (all []market.Market, err error) {
	err = i.db.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = market.All(tx)
		return err
	})
	return all, err
}

func (i *installation) clickFolder() string { return filepath.Join(i.Data, "clicks") }

type migrateCmd struct {
	place
	Sandbox bool `help:"Make a sandbox, whose business clock can be set. Counts only when the installation is made."`
}

func (c *migrateCmd) Run(ctx context.Context) error {
	i, err := c.open(ctx, kindOf(c.Sandbox))
	if err != nil {
		return err
	}
	fmt.Println("the schema is up to date:", i.db.Engine())
	return i.db.Close()
}
