package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tributary/internal/auth"
	"tributary/internal/clock"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/demo"
	"tributary/internal/demo/catalog"
	"tributary/internal/demo/store"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/link"
)

type demoCmd struct {
	Data        string `help:"Folder of the demo's data." default:"data/demo" env:"TRIBUTARY_DEMO_DATA" type:"path"`
	Database    string `help:"A PostgreSQL address in place of SQLite in the data folder."`
	Fresh       bool   `help:"Start over: delete the demo's data first."`
	Listen      string `help:"Address of the platform." default:"localhost:8080"`
	StoreListen string `help:"Address of the demo store." default:"localhost:8081"`
	Days        int    `help:"Days of history to make." default:"150"`
}

// readyMark in the demo's folder says that its history was made to the end.
const readyMark = "ready"

// loginFor is how long the printed logins work; the next demo prints new ones.
const loginFor = 30 * 24 * time.Hour

// Run starts everything in one process and prints where to look.
func (c *demoCmd) Run(ctx context.Context) error {
	if err := c.clean(); err != nil {
		return err
	}
	home, storeBase := baseOf(c.Listen, "localhost"), baseOf(c.StoreListen, "store.localhost")
	p := place{Data: c.Data, Database: c.Database}
	i, err := p.open(ctx, sandbox)
	if err != nil {
		return err
	}
	// Listen before history is made: a port that is taken is said at once.
	doors := make([]net.Listener, 0, 2)
	for _, address := range []string{c.Listen, c.StoreListen} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return errors.Join(fault.New(fault.Unavailable, "listen", "the address "+address+" is taken", "stop what runs there, or name another with --listen and --store-listen").Because(err), i.db.Close())
		}
		doors = append(doors, listener)
	}
	goods := catalog.New(storeBase)
	t, err := c.prepare(ctx, i, goods, home, storeBase)
	if err != nil {
		return err
	}
	shop, err := c.shop(ctx, t, goods, home)
	if err != nil {
		return errors.Join(err, t.close())
	}
	if err := c.greet(ctx, t, goods, home, storeBase); err != nil {
		return errors.Join(err, t.close())
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 3)
	go func() { ended <- serve(run, doors[0], t.handler) }()
	go func() { ended <- serve(run, doors[1], shop) }()
	go func() { ended <- shop.Run(run) }()
	err = <-ended
	stop()
	err = errors.Join(err, <-ended, <-ended)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, t.close())
}

// clean removes what --fresh or an unfinished history leaves.
func (c *demoCmd) clean() error {
	_, err := os.Stat(filepath.Join(c.Data, readyMark))
	made := err == nil
	if made && !c.Fresh {
		return nil
	}
	if _, err := os.Stat(filepath.Join(c.Data, "keys")); err == nil { // a data folder of ours, and nothing else's
		if c.Database != "" && made {
			return fault.New(fault.Invalid, "fresh", "a demo on PostgreSQL is started over by giving it an empty database", "make one and name it with --database")
		}
		return os.RemoveAll(c.Data)
	}
	return nil
}

// prepare starts the node, and on the first start makes the world and lives its history.
func (c *demoCmd) prepare(ctx context.Context, i *installation, goods *catalog.Catalog, home, storeBase string) (*node, error) {
	mark := filepath.Join(c.Data, readyMark)
	_, missing := os.Stat(mark)
	end := clock.Wall()
	begin := end.Add(-time.Duration(c.Days) * 24 * time.Hour).Truncate(24 * time.Hour)
	var world *demo.World
	if missing != nil {
		fmt.Printf("Making %d days of history in %s; this happens once.\n", c.Days, c.Data)
		i.clock.Start(begin)
		var err error
		if world, err = demo.Settle(ctx, i.db, i.ring, goods, storeBase, begin); err != nil {
			return nil, errors.Join(err, i.db.Close())
		}
		if err := i.keepClock(ctx); err != nil {
			return nil, errors.Join(err, i.db.Close())
		}
	}
	t, err := network{Home: home}.start(ctx, i)
	if err != nil {
		return nil, errors.Join(err, i.db.Close())
	}
	if missing == nil {
		return t, nil
	}
	clicks := 0
	h := demo.History{World: world, Accrual: t.accrual, Clock: t.clock, Ring: t.ring, Log: t.log,
		Keep: func() error { return t.keepClock(ctx) },
		Shown: func(day, days, clicked, orders int) {
			clicks += clicked
			fmt.Printf("\r  day %d of %d · %d clicks · %d orders ", day, days, clicks, orders)
		}}
	err = h.Live(ctx, begin, end)
	fmt.Println()
	if err == nil {
		t.clock.Start(clock.Wall()) // the history ends now: from here the business clock runs with the wall clock
		err = t.keepClock(ctx)
	}
	if err == nil {
		err = os.WriteFile(mark, []byte(end.Format(time.RFC3339)+"\n"), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// shop opens the demo store with a token of its own.
func (c *demoCmd) shop(ctx context.Context, t *node, goods *catalog.Catalog, home string) (*store.Store, error) {
	path := filepath.Join(c.Data, "store-token")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		var text string
		err = t.db.Write(ctx, db.Interactive, func(tx *db.Tx) (err error) {
			text, _, err = auth.MakeToken(tx, auth.Token{Name: "demo store", Scopes: []auth.Scope{auth.OrdersWrite, auth.OrdersRead}}, clock.Wall())
			return err
		})
		if err == nil {
			raw, err = []byte(text), os.WriteFile(path, []byte(text), 0o600)
		}
	}
	if err != nil {
		return nil, err
	}
	return store.New(store.Config{Catalog: goods, Regions: store.Regions, TributaryURL: home, Token: strings.TrimSpace(string(raw)),
		SnapshotPath: filepath.Join(c.Data, "store.json"), Now: t.clock.Now})
}

// greet prints what to open.
func (c *demoCmd) greet(ctx context.Context, t *node, goods *catalog.Catalog, home, storeBase string) error {
	world := demo.World{Catalog: goods, Creators: demo.Cast()[:1]}
	var logins [2]string
	err := t.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		maya, err := creator.ByHandle(tx, demo.FirstHandle)
		if err != nil {
			return err
		}
		tracking, err := link.TrackingOf(tx, []id.ID{maya.ID})
		if err != nil {
			return err
		}
		world.Creators[0].Tracking = map[string][]link.Tracking{}
		for _, one := range tracking[maya.ID] {
			if one.Market == 1 {
				world.Creators[0].Tracking[catalog.US] = append(world.Creators[0].Tracking[catalog.US], one)
			}
		}
		own, _, err := auth.OfCreator(tx, maya.ID)
		if err != nil {
			return err
		}
		staff, _, err := auth.OfRole(tx, auth.Admin)
		if err != nil {
			return err
		}
		for n, who := range []id.ID{own.ID, staff.ID} {
			if logins[n], err = auth.OpenLogin(tx, who, clock.Wall(), clock.Wall().Add(loginFor), true); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	product, _ := world.First(home)
	fmt.Printf(`
  The store            %s
  Creator, signed in   %s/login?token=%s
  Operator, signed in  %s/login?token=%s

  Open the creator's page, then this link of theirs in another tab, and buy something:
  %s

  Ctrl-C stops it; the next start finds everything again. --fresh starts over.
`, storeBase, home, logins[0], home, logins[1], product)
	return nil
}

// baseOf is the address under which a browser on this machine reaches a listener.
func baseOf(listen, host string) string {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		port = listen
	}
	return "http://" + host + ":" + port
}
