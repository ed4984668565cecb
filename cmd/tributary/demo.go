package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tributary/internal/auth"
	"tributary/internal/click"
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

// stage is a demo that runs: where to look, and how it ends.
type stage struct {
	*node
	home, store, product        string
	creator, operator, reviewer string // one-click logins
	world                       *demoWorld
	end                         func() error
	ended                       chan error
}

// Run starts everything in one process and prints where to look.
func (c *demoCmd) Run(ctx context.Context) error {
	s, err := c.start(ctx)
	if err != nil {
		return err
	}
	fmt.Printf(`
  Join as a newcomer   %s/
    mail goes to       %s/mailbox
    your own site is   %s (its settings: %s/admin)
  Reviewer, signed in  %s

  The store            %s
  Creator, signed in   %s
  Operator, signed in  %s

  Open the creator's page, then this link of theirs in another tab, and buy something:
  %s

  Ctrl-C stops it; the next start finds everything again. --fresh starts over.
`, s.home, s.home, s.world.own(), s.world.own(), s.reviewer, s.store, s.creator, s.operator, s.product)
	select {
	case <-ctx.Done():
	case err = <-s.ended:
	}
	return errors.Join(err, s.end())
}

// start opens the installation, makes its history where there is none, and serves platform and store.
func (c *demoCmd) start(ctx context.Context) (*stage, error) {
	if err := c.clean(); err != nil {
		return nil, err
	}
	// Listen before history is made: a port that is taken is said at once.
	doors := make([]net.Listener, 0, 2)
	for _, address := range []string{c.Listen, c.StoreListen} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fault.New(fault.Unavailable, "listen", "the address "+address+" is taken", "stop what runs there, or name another with --listen and --store-listen").Because(err)
		}
		doors = append(doors, listener)
	}
	s := &stage{home: baseOf(doors[0].Addr(), "localhost"), store: baseOf(doors[1].Addr(), "store.localhost"), ended: make(chan error, 3)}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	begin := func(part func() error) {
		work.Go(func() {
			if err := part(); err != nil && run.Err() == nil {
				s.ended <- err
			}
		})
	}
	s.end = func() error {
		stop()
		work.Wait()
		if s.node == nil {
			return nil
		}
		return s.node.close()
	}
	// Whoever is outside is reached from the beginning: the history asks sites and networks.
	var front, counter door
	begin(func() error { return serve(run, doors[0], &front, s.leave) })
	begin(func() error { return serve(run, doors[1], &counter, nil) })
	shop, err := c.open(ctx, s, &front, &counter)
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	begin(func() error { return shop.Run(run) })
	return s, nil
}

// open makes the installation ready and opens the doors: front of the platform, counter of the store.
func (c *demoCmd) open(ctx context.Context, s *stage, front, counter *door) (*store.Store, error) {
	i, err := place{Data: c.Data, Database: c.Database}.open(ctx, sandbox)
	if err != nil {
		return nil, err
	}
	if s.world, err = newDemoWorld(c.Data, s, i.clock.Now); err != nil {
		return nil, errors.Join(err, i.db.Close())
	}
	front.open(s.world.early())
	counter.open(s.world.beside(http.HandlerFunc(notYetOpen)))
	goods := catalog.New(s.store)
	if s.node, err = c.prepare(ctx, i, goods, s); err != nil {
		return nil, err
	}
	s.node.more = s.world.networks()
	shop, err := c.shop(ctx, s.node, goods, s.home)
	if err == nil {
		err = s.greet(ctx, goods)
	}
	if err != nil {
		return nil, err
	}
	front.open(s.node.handler)
	counter.open(s.world.beside(shop))
	return shop, nil
}

// leave ends live pages.
func (s *stage) leave() {
	if s.node != nil {
		s.web.Close()
	}
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
func (c *demoCmd) prepare(ctx context.Context, i *installation, goods *catalog.Catalog, s *stage) (*node, error) {
	mark := filepath.Join(c.Data, readyMark)
	_, missing := os.Stat(mark)
	end := clock.Wall()
	opening := end.Add(-time.Duration(c.Days) * 24 * time.Hour).Truncate(24 * time.Hour)
	begin := end.Add(-time.Duration(max(c.Days, demo.Prelude)) * 24 * time.Hour).Truncate(24 * time.Hour)
	var world *demo.World
	if missing != nil {
		fmt.Printf("Making %d days of history in %s; this happens once.\n", c.Days, c.Data)
		i.clock.Start(begin)
		var err error
		if world, err = demo.Settle(ctx, i.db, i.ring, goods, s.store, begin, end); err != nil {
			return nil, errors.Join(err, i.db.Close())
		}
		if err := i.keepClock(ctx); err != nil {
			return nil, errors.Join(err, i.db.Close())
		}
	}
	if missing == nil {
		if err := demo.Readdress(ctx, i.db, s.store); err != nil {
			return nil, errors.Join(err, i.db.Close())
		}
	}
	t, err := doors{Home: s.home, outside: s.world.outside()}.start(ctx, i)
	if err != nil {
		return nil, errors.Join(err, i.db.Close())
	}
	if missing == nil {
		return t, nil
	}
	t.desk.Sites.Wait = s.world.pause
	clicks := 0
	h := demo.History{World: world, DB: t.db, Due: t.schedule(), Accrual: t.accrual, Clock: t.clock, Ring: t.ring, Log: t.log,
		Desk: t.desk, Networks: s.world.Networks, Sites: s.world.Sites, Port: s.world.port, Drain: t.jobs.Drain,
		Keep: func() error { return t.keepClock(ctx) },
		Shown: func(day, days, clicked, orders int) {
			clicks += clicked
			fmt.Printf("\r  day %d of %d · %d clicks · %d orders ", day, days, clicks, orders)
		}}
	err = h.Live(ctx, begin, opening, end)
	s.world.patient.Store(true)
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
		SnapshotPath: filepath.Join(c.Data, "store.json"), Now: t.clock.Now, Log: slog.Default()})
}

// greet makes the logins, and chooses the link to begin with.
func (s *stage) greet(ctx context.Context, goods *catalog.Catalog) error {
	world := demo.World{Catalog: goods, Creators: demo.Cast()[:1]}
	err := s.db.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		first, err := creator.ByHandle(tx, demo.FirstHandle)
		if err != nil {
			return err
		}
		tracking, err := link.TrackingOf(tx, []id.ID{first.ID})
		if err != nil {
			return err
		}
		world.Creators[0].Tracking = map[string][]link.Tracking{}
		for _, one := range tracking[first.ID] {
			if one.Market == 1 && one.Program == click.Associates { // a link to a product is an associate's
				world.Creators[0].Tracking[catalog.US] = append(world.Creators[0].Tracking[catalog.US], one)
			}
		}
		own, _, err := auth.OfCreator(tx, first.ID)
		if err != nil {
			return err
		}
		staff, _, err := auth.OfRole(tx, auth.Admin)
		if err != nil {
			return err
		}
		reviewer, _, err := auth.OfRole(tx, auth.Reviewer)
		if err != nil {
			return err
		}
		for to, who := range map[*string]id.ID{&s.creator: own.ID, &s.operator: staff.ID, &s.reviewer: reviewer.ID} {
			token, err := auth.OpenLogin(tx, who, clock.Wall(), clock.Wall().Add(loginFor), true)
			if err != nil {
				return err
			}
			*to = s.home + "/login?token=" + token
		}
		return nil
	})
	if err == nil {
		s.product, _ = world.First(s.home)
	}
	return err
}

// baseOf is the address under which a browser on this machine reaches a listener.
func baseOf(listen net.Addr, host string) string {
	_, port, err := net.SplitHostPort(listen.String())
	if err != nil {
		panic(err) // the network's own form
	}
	return "http://" + host + ":" + port
}
