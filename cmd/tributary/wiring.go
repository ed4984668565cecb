package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/admission"
	"tributary/internal/api"
	"tributary/internal/auth"
	"tributary/internal/auth/oidc"
	"tributary/internal/click"
	"tributary/internal/connect"
	"tributary/internal/correction"
	"tributary/internal/due"
	"tributary/internal/edge"
	"tributary/internal/event"
	"tributary/internal/job"
	"tributary/internal/market"
	"tributary/internal/notice"
	"tributary/internal/web"
	"tributary/internal/web/papers"
	"tributary/internal/whatif"
)

// edgeNumber is this process's edge in the click log: one machine has one.
const edgeNumber = 1

// Times of the process's own rhythm.
const (
	followEvery  = 2 * time.Second  // the edge looks at the feed, whether or not it was told
	minuteTicker = 20 * time.Second // what falls due is looked for
	stopWithin   = 10 * time.Second // requests under way are waited for
)

// node is one running process: everything connected to everything, in one place.
type node struct {
	*installation
	home    string
	accrual *accrual.Accrual
	tries   *whatif.Runs
	name    string // of the installation
	post    *notice.Post
	desk    *admission.Desk
	jobs    *job.Runner
	// providers are the accounts elsewhere with which people sign in.
	providers []*oidc.Provider
	// more, if set, answers what a demo has beside the product; false: it does not know the address.
	more    http.Handler
	log     *click.Log
	state   *edge.State
	edge    *edge.Edge
	shipper *click.Shipper
	hints   *event.Hints
	web     *web.Web
	handler http.Handler
	zones   atomic.Pointer[map[uint16]*time.Location]
	work    sync.WaitGroup
	stop    context.CancelFunc
}

// doors is how the process is reached, and what it may reach.
type doors struct {
	outside
	Listen        string   `help:"Address to listen on." default:"localhost:8080" env:"TRIBUTARY_LISTEN"`
	Home          string   `help:"Address under which people reach it." default:"http://localhost:8080" env:"TRIBUTARY_HOME"`
	Proxies       []string `help:"Networks of proxies whose headers are trusted." env:"TRIBUTARY_PROXIES" placeholder:"CIDR"`
	AddressHeader string   `help:"Header in which a trusted proxy names the visitor's address." default:"X-Forwarded-For"`
	CountryHeader string   `help:"Header in which a trusted proxy names the visitor's country." placeholder:"CF-IPCountry"`
	Countries     string   `help:"A country database (mmdb) in place of the embedded one." type:"existingfile" env:"TRIBUTARY_COUNTRIES"`
}

// start connects the rooms of an opened installation and sets its loops going.
func (n doors) start(ctx context.Context, i *installation) (*node, error) {
	var proxies market.Proxies
	if len(n.Proxies) > 0 {
		trusted, err := market.NewProxies(n.Proxies, n.AddressHeader, n.CountryHeader)
		if err != nil {
			return nil, err
		}
		proxies = trusted
	}
	open := market.ShippedCountries
	if n.Countries != "" {
		open = func() (*market.Countries, error) { return market.OpenCountries(n.Countries) }
	}
	countries, err := open()
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	t := &node{installation: i, home: strings.TrimSuffix(n.Home, "/"), hints: &event.Hints{}, stop: stop}
	shipped, err := click.Watermark(ctx, i.db, edgeNumber)
	if err == nil {
		t.log, err = click.OpenLog(i.clickFolder(), edgeNumber, click.Options{AfterEpoch: shipped.Epoch})
	}
	if err != nil {
		stop()
		return nil, err
	}
	if t.state, err = edge.OpenState(ctx, i.db, filepath.Join(i.Data, "edge.base"), nil); err != nil {
		stop()
		return nil, errors.Join(err, t.log.Close())
	}
	t.accrual = accrual.New(i.db, i.clock, i.ring, 0)
	t.accrual.Committed = t.hints.Orders
	t.tries = whatif.New(i.db, i.clock)
	t.edge = edge.New(edge.Config{State: t.state, Log: t.log, Ring: i.ring, Clock: i.clock, Countries: countries, Proxies: proxies})
	t.shipper = &click.Shipper{DB: i.db, Log: t.log, Zone: t.zone, Shipped: t.hints.Clicks}
	if err := t.people(ctx, n.outside); err != nil {
		stop()
		return nil, errors.Join(err, t.log.Close())
	}
	t.routes()
	t.work.Go(func() { t.jobs.Run(run) })
	t.work.Go(func() { t.followPeople(run) })
	t.work.Go(func() { t.resumeErasures(run) })
	t.work.Go(func() { t.state.Follow(run, followEvery) })
	t.work.Go(func() { t.shipper.Run(run) })
	t.work.Go(func() { t.keepTime(run) })
	t.work.Go(func() { t.tries.Work(run) })
	return t, nil
}

// routes says which door answers what. All share one host: the edge takes what is a link, connect and the API their own
// paths, the pages the rest.
func (t *node) routes() {
	store := connect.New(connect.Config{DB: t.db, Ring: t.ring, Clock: t.clock, Direct: t.edge.Direct, View: t.edge.View,
		Origin: t.edge.Origin, Authorized: t.mayReport})
	config := api.Config{DB: t.db, Clock: t.clock, Ring: t.ring, Accrual: t.accrual, Known: t.state.Know, Home: t.home}
	if t.clock.Sandbox() {
		config.Advance = t.advance
	}
	programs := api.New(config)
	pages := t.pages()
	t.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/t.js" || path == "/v1/touches" || path == "/v1/views",
			path == "/c" && r.Method != http.MethodGet,
			path == "/view" && (r.Method == http.MethodPost || r.Method == http.MethodOptions):
			store.ServeHTTP(w, r)
		case t.more != nil && strings.HasPrefix(path, "/demo/"):
			t.more.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/v1/"):
			programs.ServeHTTP(w, r)
		case t.edge.Wants(r):
			t.edge.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// mayReport tells whether a request carries a token that may write orders.
func (t *node) mayReport(r *http.Request) bool {
	token, err := auth.Present(r.Context(), t.db, auth.Bearer(r.Header.Get("Authorization")))
	return err == nil && token.May(auth.OrdersWrite)
}

// zone gives the time zone in which a marketplace's clicks are counted. The shipper asks with every batch.
func (t *node) zone(no uint16) *time.Location {
	if zones := t.zones.Load(); zones != nil && (*zones)[no] != nil {
		return (*zones)[no]
	}
	markets, err := t.markets(context.Background())
	if err != nil {
		return time.UTC // the database is away, and so is what would be counted
	}
	zones := map[uint16]*time.Location{no: time.UTC}
	for _, m := range markets {
		zones[m.No] = m.Location()
	}
	t.zones.Store(&zones)
	return zones[no]
}

func (t *node) schedule() due.Schedule {
	return due.Schedule{DB: t.db, Clock: t.clock, Accrual: t.accrual, People: t.midnight}
}

// midnight does what falls due for people at the beginning of a local date.
func (t *node) midnight(ctx context.Context, m market.Market) ([]string, error) {
	ran, err := t.desk.Midnight(ctx, m)
	if err != nil {
		return ran, err
	}
	documents := &papers.Pages{DB: t.db, Clock: t.clock, Ring: t.ring}
	reminded, err := documents.Remind(ctx, m)
	return append(ran, reminded...), err
}

func (t *node) advance(ctx context.Context, to time.Time) ([]string, error) {
	markets, err := t.markets(ctx)
	if err != nil {
		return nil, err
	}
	ran, err := t.schedule().Advance(ctx, markets, to, func() error { return t.keepClock(ctx) })
	if err != nil {
		return ran, err
	}
	// Whoever moves a clock looks at what it led to: people are told, and what they wait for is done, before the answer.
	if _, err := t.desk.Follow(ctx); err != nil {
		return ran, err
	}
	if err := t.post.DueDigests(ctx); err != nil {
		return ran, err
	}
	t.jobs.Wake()
	return ran, nil
}

// keepTime follows a clock that another process moved, and runs what has fallen due.
func (t *node) keepTime(ctx context.Context) {
	ticker := time.NewTicker(minuteTicker)
	defer ticker.Stop()
	for {
		if err := t.catchUp(ctx); err != nil && ctx.Err() == nil {
			slog.Error("what fell due could not be run", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (t *node) catchUp(ctx context.Context) error {
	if t.clock.Sandbox() {
		if err := t.readClock(ctx); err != nil {
			return err
		}
	}
	t.zones.Store(nil) // marketplaces may have changed
	markets, err := t.markets(ctx)
	if err != nil {
		return err
	}
	for _, m := range markets {
		ran, err := t.schedule().CatchUp(ctx, m)
		for _, line := range ran {
			slog.Info("ran", "what", line)
		}
		if err != nil {
			return err
		}
	}
	// What was approved and not posted yet, since a process ended in between.
	_, err = correction.Resume(ctx, t.db, t.accrual)
	return err
}

// serve answers on a listener until the context ends, then lets what is under way finish; leaving, if set, is told first,
// so that live pages end.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, leaving func()) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug)}
	if leaving != nil {
		server.RegisterOnShutdown(leaving)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		return server.Close()
	}
	return nil
}

// close ends the loops, then the queues, then the log and the database: nothing that was acknowledged is lost.
func (t *node) close() error {
	t.accrual.Close()
	t.stop()
	t.web.Close()
	t.work.Wait()
	return errors.Join(t.log.Close(), t.db.Close())
}
