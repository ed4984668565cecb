package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/auth"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/event"
	"tributary/internal/id"
	"tributary/internal/order"
	"tributary/internal/web"
)

// The data behind the pages at full scale, spread over a year, and how often each page is looked at.
const (
	pageClicks   = 10_000_000
	pageOrders   = 1_000_000
	pageCreators = 10_000
	pageViewers  = 20 // creators who sign in: the largest one, and others
	pageViews    = 300
	fewestViews  = 30               // of a page that takes long,
	pageTime     = 10 * time.Second // which is asked for no longer than this
	pagesSeed    = 20261122
)

// pageList is every page that is measured, by name. {order} and {creator} stand for some of the viewer's own.
var pageList = map[string]string{
	"creator home": "/creator", "creator earnings": "/creator/earnings", "creator earnings, sorted": "/creator/earnings?sort=amount",
	"creator earnings, searched": "/creator/earnings?q=kettle", "creator line": "/creator/lines/{order}/1", "creator links": "/creator/links",
	"operator overview": "/operator", "operator orders": "/operator/orders", "operator order": "/operator/orders/{order}",
	"operator line": "/operator/lines/{order}/1", "operator rates": "/operator/rates", "operator creators": "/operator/creators",
	"operator creator": "/operator/creators/{creator}",
}

// pages makes a year of clicks and orders through log, shipper and accrual, and measures the time that the server
// takes for each page; and what a process with these data needs to start and to wait.
func pages(ctx context.Context, o Options) (report Report, err error) {
	report = newReport("pages", o)
	w, err := o.openWorld(ctx, pageCreators/o.scale(), db.Options{})
	if err != nil {
		return report, err
	}
	gone := false
	defer func() {
		if !gone {
			err = joined(err, w.DB.Close())
		}
		err = joined(err, w.drop())
	}()
	if err := w.describe(ctx, &report); err != nil {
		return report, err
	}
	year := &pageYear{World: w, random: rand.New(rand.NewPCG(pagesSeed, 0)), orderOf: map[id.ID]string{},
		began: w.Clock.Now().AddDate(-1, 0, 0)}
	if err := year.live(ctx, pageClicks/o.scale(), pageOrders/o.scale()); err != nil {
		return report, err
	}
	report.Settings["data"] = fmt.Sprintf("%d clicks, %d orders of %d lines, %d creators, one year, written creator by creator; "+
		"the largest has a tenth of all",
		pageClicks/o.scale(), pageOrders/o.scale(), linesPerOrder, len(w.creators))
	report.Settings["views"] = fmt.Sprintf("%d of each page, fewer of one that takes long, one at a time; the time is the server's alone",
		pageViews)
	if err := year.look(ctx, &report); err != nil {
		return report, err
	}
	gone = true
	if err := w.DB.Close(); err != nil {
		return report, err
	}
	return report, w.rest(ctx, &report)
}

// pageYear makes the data.
type pageYear struct {
	*World
	random  *rand.Rand
	began   time.Time
	orderOf map[id.ID]string // some order of a creator's
}

func (y *pageYear) live(ctx context.Context, clicks, orders int) error {
	if err := y.clicks(ctx, clicks); err != nil {
		return err
	}
	if err := y.orders(ctx, orders); err != nil {
		return err
	}
	return y.analyze(ctx)
}

// someone gives a creator's place: a tenth of everything is the first one's, the others share the rest unevenly.
func (y *pageYear) someone() int {
	if y.random.IntN(10) == 0 {
		return 0
	}
	share := y.random.Float64()
	return int(share * share * float64(len(y.creators)))
}

// at gives the n-th of all instants of the year.
func (y *pageYear) at(n, of int) time.Time {
	return y.began.Add(time.Duration(float64(y.Clock.Now().Sub(y.began)) * float64(n) / float64(of))).Truncate(time.Microsecond)
}

// shared gives for each of so many things, spread evenly over the year, whose it is; and the things creator by creator, each
// one's in order of time. In this order they are written: rows lie by creator, and a year that came in by the hour would
// touch another page for every row, which on a whole year's data takes many times as long and leaves the same rows.
func (y *pageYear) shared(count int) (byCreator []int, whose []int) {
	whose = make([]int, count)
	next := make([]int, len(y.creators)+1)
	for n := range whose {
		whose[n] = y.someone()
		next[whose[n]+1]++
	}
	for c := range y.creators {
		next[c+1] += next[c]
	}
	byCreator = make([]int, count)
	for n, c := range whose {
		byCreator[next[c]] = n
		next[c]++
	}
	return byCreator, whose
}

// clicks go through the log, many at once so that they share its syncs; what is logged is shipped while the next come in.
func (y *pageYear) clicks(ctx context.Context, count int) (err error) {
	log, err := click.OpenLog(y.clickFolder(), edgeNumber, click.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	shipper := &click.Shipper{DB: y.DB, Log: log, Zone: func(uint16) *time.Location { return y.Market.Location() }}
	ship := func() error { _, _, _, err := ShipAll(ctx, shipper); return err }
	const atOnce, stretch = 2048, 100_000
	byCreator, whose := y.shared(count)
	for some := range slices.Chunk(byCreator, stretch) {
		queue := make(chan *click.Click, len(some))
		for _, n := range some {
			queue <- &click.Click{Token: y.clickOf(y.creators[whose[n]], y.at(n, count)), Product: SKU(n), Country: [2]byte{'U', 'S'},
				RefererHost: "blog.example", Sub: [5]string{"video"}}
		}
		close(queue)
		if err := beside(ship, func() error {
			return together(atOnce, func() error {
				for c := range queue {
					if _, err := log.Append(ctx, c); err != nil {
						return err
					}
				}
				return nil
			})
		}); err != nil {
			return err
		}
	}
	return ship()
}

// orders go through accrual, one line of each shipped; the next ones are made while it takes those before.
func (y *pageYear) orders(ctx context.Context, count int) error {
	a := accrual.New(y.DB, y.Clock, y.Ring, 0)
	defer a.Close()
	byCreator, whose := y.shared(count)
	batches := make(chan []accrual.Incoming, 2)
	taken, stop := context.WithCancel(ctx)
	defer stop()
	return beside(func() error {
		defer close(batches)
		for some := range slices.Chunk(byCreator, accrual.MaxGroup/2) { // two events each
			var events []order.Event
			for _, n := range some {
				creator := y.creators[whose[n]]
				placed := y.orderOfCreator(creator, y.at(n, count))
				y.orderOf[creator] = placed.Order
				events = append(events, placed, shipment(placed))
			}
			in, err := y.incoming(events)
			if err != nil {
				return err
			}
			select {
			case batches <- in:
			case <-taken.Done():
				return taken.Err()
			}
		}
		return nil
	}, func() error {
		defer stop()
		for in := range batches {
			if _, err := a.Take(ctx, worldMarket, in); err != nil {
				return err
			}
		}
		return nil
	})
}

// look asks for every page, as creators and as the operator, and notes the server's time.
func (y *pageYear) look(ctx context.Context, report *Report) error {
	pages := web.New(web.Config{DB: y.DB, Clock: y.Clock, Ring: y.Ring, Hints: &event.Hints{}, Address: "http://go.example"})
	defer pages.Close()
	watch := &stopwatch{next: pages}
	address, stop, err := y.program.listen(ctx, watch)
	if err != nil {
		return err
	}
	defer stop()
	operator, err := y.signIn(ctx, address, auth.Principal{Name: "Operator", Role: auth.Admin})
	if err != nil {
		return err
	}
	viewers := []id.ID{y.creators[0]}
	for n := 1; n < pageViewers; n++ {
		viewers = append(viewers, y.creators[n*len(y.creators)/pageViewers])
	}
	sessions := map[id.ID]*http.Client{}
	for _, c := range viewers {
		if sessions[c], err = y.signIn(ctx, address, auth.Principal{Name: "Creator", Role: auth.Creator, Creator: c}); err != nil {
			return err
		}
	}
	worst := map[string]time.Duration{}
	for _, name := range slices.Sorted(maps.Keys(pageList)) {
		watch.take()
		begin := clock.Wall()
		for n := range pageViews {
			if n >= fewestViews && clock.Since(begin) > pageTime {
				break
			}
			viewer := viewers[n%len(viewers)]
			client := sessions[viewer]
			if strings.HasPrefix(name, "operator") {
				client = operator
			}
			path := strings.NewReplacer("{order}", y.orderOf[viewer], "{creator}", viewer.Text(id.Creator)).Replace(pageList[name])
			if err := view(ctx, client, "http://"+address+path); err != nil {
				return err
			}
		}
		times := watch.take()
		p99 := percentile(times, 0.99)
		report.Figures[name+", p50, p99"] = milliseconds(percentile(times, 0.5)) + ", " + milliseconds(p99)
		role, _, _ := strings.Cut(name, " ")
		worst[role] = max(worst[role], p99)
	}
	report.Figures["any creator page, p99"] = milliseconds(worst["creator"])
	report.Figures["any operator page, p99"] = milliseconds(worst["operator"])
	return nil
}

// signIn opens an account and gives a client that carries its session.
func (y *pageYear) signIn(ctx context.Context, address string, p auth.Principal) (*http.Client, error) {
	var token string
	err := y.DB.Write(ctx, db.Interactive, func(tx *db.Tx) error {
		opened, err := auth.Open(tx, p, clock.Wall())
		if err == nil {
			token, err = auth.OpenLogin(tx, opened.ID, clock.Wall(), clock.Wall().Add(time.Hour), true)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := y.program.Client(1)
	client.Jar = jar
	return client, view(ctx, client, "http://"+address+"/login?token="+token)
}

func view(ctx context.Context, client *http.Client, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was answered %s", request.URL.Path, answer.Status)
	}
	return nil
}

// stopwatch takes the time of a handler.
type stopwatch struct {
	next  http.Handler
	mu    sync.Mutex
	times []time.Duration
}

func (s *stopwatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := clock.Wall()
	s.next.ServeHTTP(w, r)
	took := clock.Since(begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, took)
}

// take gives the times so far and begins anew.
func (s *stopwatch) take() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := s.times
	s.times = nil
	return times
}

// rest notes what a process on these data needs to start and to wait, and the size of the binary.
func (w *World) rest(ctx context.Context, report *Report) error {
	var starts []time.Duration
	var idle int64
	for range rounds {
		s, err := w.startServer(ctx)
		if err != nil {
			return err
		}
		starts = append(starts, s.answered)
		time.Sleep(time.Second) // until what a start leaves behind is done
		idle = max(idle, memoryOf(s.process.Process.Pid))
		if err := s.kill(); err != nil {
			return err
		}
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	size, err := os.Stat(binary)
	if err != nil {
		return err
	}
	report.Figures["start to first answer"] = milliseconds(percentile(starts, 0.5))
	report.Figures["idle memory"] = fmt.Sprintf("%.0f MB", float64(idle)/1e6)
	report.Figures["binary"] = fmt.Sprintf("%.0f MB", float64(size.Size())/1e6)
	return nil
}

// server is `tributary serve` as a process of its own.
type server struct {
	process  *exec.Cmd
	address  string
	answered time.Duration // from the start of the process to its first redirect
}

// startServer starts one on the world's data, which nobody else has open, and waits for its first redirect.
func (w *World) startServer(ctx context.Context) (*server, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", w.Data, "--listen", "127.0.0.1:0"}
	if w.Database != "" {
		args = append(args, "--database", w.Database)
	}
	s := &server{process: exec.CommandContext(ctx, binary, args...)}
	s.process.Stderr = os.Stderr
	begin := clock.Wall()
	if s.address, err = StartListening(s.process); err != nil {
		return nil, err
	}
	job := load{Address: s.address, Paths: []string{"/dp/" + SKU(0) + "?tag=" + w.Tags[0]}, Connections: 1, For: time.Millisecond}
	if _, err := job.run(w.program); err != nil {
		return nil, errors.Join(err, s.kill())
	}
	s.answered = clock.Since(begin)
	return s, nil
}

func (s *server) kill() error {
	if err := s.process.Process.Kill(); err != nil {
		return err
	}
	_ = s.process.Wait() // its error is the kill
	return nil
}

// StartListening starts a server and gives the address that it says it listens on.
func StartListening(process *exec.Cmd) (string, error) {
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !found {
		_ = process.Process.Kill()
		return "", errors.Join(fmt.Errorf("the server did not start: it said %q", line), err, process.Wait())
	}
	return address, nil
}
