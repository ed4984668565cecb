package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tributary/internal/accrual"
	"tributary/internal/bench"
	"tributary/internal/click"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/edge"
	"tributary/internal/ledger"
	"tributary/internal/order"
)

// killedCommand holds the command line with which this binary runs as the process that is killed.
const killedCommand = "TRIBUTARY_TEST_COMMAND"

// In an init function, before any test begins: the child is the product and nothing else.
func init() {
	if line := os.Getenv(killedCommand); line != "" {
		var args []string
		if err := json.Unmarshal([]byte(line), &args); err != nil {
			panic(err)
		}
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := run(ctx, args)
		stop()
		os.Exit(code)
	}
}

// Kills of the normal run: together with those of package click 200. TRIBUTARY_KILLS makes it more.
const (
	normalKills = 140
	shortKills  = 10
)

const (
	clickers  = 8
	stores    = 3
	maxSent   = 12 // orders of a request
	maxAcks   = 400
	siegeRows = 60_000
)

// siege is an installation that is killed again and again, and all that was ever acknowledged by it.
type siege struct {
	t      *testing.T
	home   place
	world  *bench.World
	client *http.Client
	random *rand.Rand
	file   string // that is imported

	mu       sync.Mutex
	clicks   map[int64]bool // acknowledged, by click id
	requests []*sent
	pending  []*sent // of these, not acknowledged
	resent   int
	imports  int // killed on their way
}

// sent is a request of the store: it sends it until it is acknowledged.
type sent struct {
	body   []byte
	orders int
	acked  bool
}

// life is one process between its start and its death.
type life struct {
	*siege
	process *exec.Cmd
	address string
	left    int  // acknowledgements until it is killed
	dead    bool // by our hand
	stderr  bytes.Buffer
}

func TestKilledWholeLosesNothingDoublesNothing(t *testing.T) {
	s := newSiege(t)
	kills := killCount(t)
	begin := clock.Wall()
	for n := range kills {
		s.live(n)
		if t.Failed() {
			t.Fatalf("in life %d", n+1)
		}
	}
	took := clock.Since(begin)
	s.settle()
	s.compare()
	t.Logf("%d kills, %s each: %d clicks and %d requests of the store acknowledged; %d requests sent once more; %d imports killed", kills,
		(took / time.Duration(kills)).Round(time.Millisecond), len(s.clicks), len(s.requests), s.resent, s.imports)
}

func killCount(t *testing.T) int {
	if text := os.Getenv("TRIBUTARY_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("TRIBUTARY_KILLS %q", text)
		}
		return n
	}
	if testing.Short() {
		return shortKills
	}
	return normalKills
}

func newSiege(t *testing.T) *siege {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := &siege{t: t, home: place{Data: filepath.Join(t.TempDir(), "data")}, clicks: map[int64]bool{}, random: rand.New(rand.NewPCG(seed, 0))}
	if os.Getenv("TEST_DB") != "" {
		s.home.Database = dbtest.Address(t)
	}
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clickers + stores},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	i, err := s.home.open(t.Context(), sandbox)
	if err != nil {
		t.Fatal(err)
	}
	if s.world, err = bench.Furnish(t.Context(), i.measured(), 20); err != nil {
		t.Fatal(err)
	}
	if err := i.db.Close(); err != nil {
		t.Fatal(err)
	}
	s.file = filepath.Join(t.TempDir(), "orders.csv")
	if err := os.WriteFile(s.file, []byte(orderFile(siegeRows)), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// orderFile is a file of that many rows, with some returns among them.
func orderFile(rows int) string {
	var text strings.Builder
	text.WriteString("invoice,sku,description,quantity,invoiced_at,unit_price_gbp,customer,country\n")
	at := time.Date(2010, 12, 1, 9, 0, 0, 0, time.UTC)
	for n := range rows {
		invoice, quantity, customer := strconv.Itoa(800000+n/5), 2+n%7, 50000+n/5%97
		if n/5%11 == 10 {
			invoice, quantity, customer = "C"+invoice, -1, 50000+(n/5-1)%97
		}
		fmt.Fprintf(&text, "%s,K%d,BLUE CERAMIC MUG,%d,%s,1.25,%d,United Kingdom\n", invoice, n%5, quantity, at.Format(time.RFC3339), customer)
		if n%5 == 4 {
			at = at.Add(3 * time.Minute)
		}
	}
	return text.String()
}

// command starts the product as a process of its own.
func (s *siege) command(args ...string) *exec.Cmd {
	args = append(args, "--data", s.home.Data)
	if s.home.Database != "" {
		args = append(args, "--database", s.home.Database)
	}
	line, err := json.Marshal(args)
	if err != nil {
		s.t.Fatal(err)
	}
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), killedCommand+"="+string(line))
	return process
}

// live starts the server, lets clicks, orders and now and then an import come, and kills it all.
func (s *siege) live(n int) {
	if s.random.IntN(12) == 0 {
		s.killWhileStarting()
		return
	}
	l := s.start()
	var importing *exec.Cmd
	var said bytes.Buffer
	if n%4 == 0 {
		importing = s.command("import", "orders", s.file, "--map", "../../examples/online-retail.json")
		importing.Stderr = &said
		if err := importing.Start(); err != nil {
			s.t.Fatal(err)
		}
	}
	l.left = 1 + s.random.IntN(maxAcks)
	seeds := make([]uint64, clickers+stores)
	for i := range seeds {
		seeds[i] = s.random.Uint64()
	}
	var all sync.WaitGroup
	for i, seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 0))
		all.Go(func() {
			if i < clickers {
				l.click(random)
			} else {
				l.sell(random)
			}
		})
	}
	all.Wait()
	if importing != nil {
		_ = importing.Process.Kill() // or it is done already
		if err := importing.Wait(); wasKilled(err) {
			s.imports++
		} else if err != nil {
			s.t.Errorf("the import ended by itself: %v\n%s", err, &said)
		}
	}
	l.bury()
}

// killWhileStarting kills at any moment of the recovery.
func (s *siege) killWhileStarting() {
	process := s.command("serve", "--listen", "127.0.0.1:0")
	if err := process.Start(); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(time.Duration(s.random.IntN(100)) * time.Millisecond)
	if err := process.Process.Kill(); err != nil {
		s.t.Error("the server ended by itself:", err)
	}
	_ = process.Wait() // its error is the kill
}

func (s *siege) start() *life {
	l := &life{siege: s, process: s.command("serve", "--listen", "127.0.0.1:0")}
	l.process.Stderr = &l.stderr
	address, err := bench.StartListening(l.process)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, &l.stderr)
	}
	l.address = address
	return l
}

// acknowledged notes what was answered, and kills when it was enough. Noting comes first: the answer is out.
func (l *life) acknowledged(note func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	note()
	if l.left--; l.left == 0 {
		l.dead = true
		if err := l.process.Process.Kill(); err != nil {
			l.t.Error("the server ended by itself:", err)
		}
	}
}

// failed ends a life in which something was answered that must not be.
func (l *life) failed(format string, args ...any) {
	l.t.Errorf(format, args...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	_ = l.process.Process.Kill()
}

func (l *life) bury() {
	l.client.CloseIdleConnections()
	err := l.process.Wait()
	if !l.dead || !wasKilled(err) {
		l.t.Errorf("the server ended by itself: %v\n%s", err, &l.stderr)
	}
	if strings.Contains(l.stderr.String(), "panic") {
		l.t.Errorf("%s", &l.stderr)
	}
}

// wasKilled tells whether a process ended by our signal.
func wasKilled(err error) bool {
	var ended *exec.ExitError
	return errors.As(err, &ended) && ended.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// click follows links until the server is dead.
func (l *life) click(random *rand.Rand) {
	for {
		path := "/dp/" + bench.SKU(random.IntN(bench.Products)) + "?tag=" + l.world.Tags[random.IntN(len(l.world.Tags))] + "&sub1=siege"
		request, err := http.NewRequest(http.MethodGet, "http://"+l.address+path, nil)
		if err != nil {
			l.failed("%v", err)
			return
		}
		request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		answer, err := l.client.Do(request)
		if err != nil {
			return // dead, or dying
		}
		answer.Body.Close()
		to, err := url.Parse(answer.Header.Get("Location"))
		if answer.StatusCode != http.StatusFound || err != nil {
			l.failed("%s was answered %s", path, answer.Status)
			return
		}
		token, err := l.world.Sealer.Open(to.Query().Get(edge.DefaultParameter))
		if err != nil || token.Flags.Has(click.FlagUnlogged) {
			l.failed("%s led to %s: %v", path, to, err)
			return
		}
		l.acknowledged(func() { l.clicks[token.Click] = true })
	}
}

// sell sends orders until the server is dead: first what was not acknowledged, now and then what was.
func (l *life) sell(random *rand.Rand) {
	for {
		request, known := l.request(random)
		results, err := l.post(request)
		if err != nil {
			l.mu.Lock()
			if !known {
				l.pending = append(l.pending, request)
			}
			l.mu.Unlock()
			return
		}
		for _, r := range results {
			if r.Status != order.Duplicate && (known || r.Status != order.Accepted) {
				l.failed("event %s, acknowledged before: %v, is %s: %s", r.ID, known, r.Status, r.Detail)
				return
			}
		}
		l.acknowledged(func() { request.acked = true })
	}
}

// request gives the next one to send, and whether it was acknowledged before.
func (l *life) request(random *rand.Rand) (next *sent, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.pending); n > 0 {
		again := l.pending[n-1]
		l.pending = l.pending[:n-1]
		l.resent++
		return again, false
	}
	if n := len(l.requests); n > 0 && random.IntN(10) == 0 {
		if again := l.requests[random.IntN(n)]; again.acked {
			l.resent++
			return again, true
		}
	}
	fresh := &sent{orders: 1 + random.IntN(maxSent)}
	var events []order.Event
	for range fresh.orders {
		placed := l.world.Order(clock.Wall())
		events = append(events, placed, order.Event{ID: placed.ID + "-shipped", Type: order.TypeShipped, Market: placed.Market,
			OccurredAt: placed.OccurredAt, Order: placed.Order, Line: "1", Quantity: 1})
	}
	raw, err := json.Marshal(events)
	if err != nil {
		l.t.Error(err)
	}
	fresh.body = raw
	l.requests = append(l.requests, fresh)
	return fresh, false
}

func (l *life) post(s *sent) ([]accrual.Result, error) {
	request, err := http.NewRequest(http.MethodPost, "http://"+l.address+"/v1/orders/events", bytes.NewReader(s.body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+l.world.Token)
	answer, err := l.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var results []accrual.Result
	if err := json.Unmarshal(raw, &results); err != nil || len(results) != 2*s.orders {
		l.failed("orders were answered %s %.300s", answer.Status, raw)
		return nil, errors.New("not an answer to that")
	}
	return results, nil
}

// settle lets the last life end by itself: it takes what is not acknowledged yet, answers everything else as a
// duplicate, and lets the import reach its end.
func (s *siege) settle() {
	l := s.start()
	for _, request := range s.requests {
		results, err := l.post(request)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range results {
			if r.Status != order.Duplicate && (request.acked || r.Status != order.Accepted) {
				s.t.Fatalf("event %s, acknowledged before: %v, is %s: %s", r.ID, request.acked, r.Status, r.Detail)
			}
		}
	}
	s.client.CloseIdleConnections()
	if err := l.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := l.process.Wait(); err != nil {
		s.t.Fatalf("the server did not end well: %v\n%s", err, &l.stderr)
	}
	text, err := s.command("import", "orders", s.file, "--map", "../../examples/online-retail.json").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "to the last unit") {
		s.t.Fatalf("the import: %v\n%s", err, text)
	}
}

// compare holds what is stored against what was acknowledged, and recomputes everything.
func (s *siege) compare() {
	ctx := s.t.Context()
	i, err := s.home.open(ctx, sandbox)
	if err != nil {
		s.t.Fatal(err)
	}
	s.shipRest(ctx, i)
	found := map[int64]int{}
	orders := 0
	for _, request := range s.requests {
		orders += request.orders
	}
	var pending, earned int64
	err = i.db.Read(ctx, func(tx *db.Tx) error {
		err := tx.Each(clickIDs, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			found[id]++
			return err
		})
		if err != nil {
			return err
		}
		entries, err := ledger.Under(tx, "creator/")
		for _, e := range entries {
			switch parts := strings.Split(string(e.Account), "/"); {
			case parts[2] != s.world.Market.ID:
			case parts[3] == "pending":
				pending += e.Balance
			case parts[3] == "earned":
				earned += e.Balance
			}
		}
		return err
	})
	if err == nil {
		err = i.db.Close()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for id := range s.clicks {
		if found[id] != 1 {
			s.t.Errorf("click %d was acknowledged, and is there %d times", id, found[id])
		}
	}
	// Each order ships one of its two lines.
	if want := int64(orders) * bench.LineAmount * bench.Rate / 10_000; pending != want || earned != want {
		s.t.Errorf("%d orders: pending %d, earned %d, want %d of each", orders, pending, earned, want)
	}
	if err := (&auditCmd{place: s.home, First: 20}).Run(ctx); err != nil {
		s.t.Error("audit:", err)
	}
}

// shipRest ships what the last life had not.
func (s *siege) shipRest(ctx context.Context, i *installation) {
	shipped, err := click.Watermark(ctx, i.db, edgeNumber)
	if err != nil {
		s.t.Fatal(err)
	}
	log, err := click.OpenLog(i.clickFolder(), edgeNumber, click.Options{AfterEpoch: shipped.Epoch})
	if err != nil {
		s.t.Fatal(err)
	}
	shipper := &click.Shipper{DB: i.db, Log: log, Zone: func(uint16) *time.Location { return s.world.Market.Location() }}
	if _, _, _, err := bench.ShipAll(ctx, shipper); err != nil {
		s.t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		s.t.Fatal(err)
	}
}

var clickIDs = db.Statement(`SELECT id FROM click ORDER BY edge, epoch, sequence NULLS LAST`)
