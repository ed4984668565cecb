package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
)

func add(t testing.TB, d *db.DB, jobs ...Job) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
		for _, j := range jobs {
			if err := Add(tx, j); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

var selectRow = db.Statement(`SELECT id, state, due, tries, worker, last_error FROM job WHERE kind = $1 AND key = $2 ORDER BY id DESC LIMIT 1`)

type row struct {
	id            id.ID
	state         string
	due           time.Time
	tries         int
	worker, error string
}

func rowOf(t testing.TB, d *db.DB, kind, key string) (r row) {
	t.Helper()
	read(t, d, func(tx *db.Tx) error {
		var number, due, tries int64
		found, err := tx.One(selectRow, []any{&number, &r.state, &due, &tries, &r.worker, &r.error}, kind, key)
		if err == nil && !found {
			return fmt.Errorf("no job %s %s", kind, key)
		}
		r.id, r.due, r.tries = id.ID(number), clock.FromMicro(due), int(tries)
		return err
	})
	return r
}

func drain(t testing.TB, r *Runner) {
	t.Helper()
	if err := r.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Two runners on one database: each job is done once, whoever takes it.
func TestTwoRunners(t *testing.T) {
	d := dbtest.Open(t)
	const count = 120
	var jobs []Job
	for i := range count {
		jobs = append(jobs, Job{Kind: "mail", Key: fmt.Sprint(i), Body: []byte(fmt.Sprint(i))})
	}
	add(t, d, jobs...)
	var mu sync.Mutex
	times := map[string]int{}
	all := make(chan struct{})
	work := func(_ context.Context, j Job) error {
		mu.Lock()
		defer mu.Unlock()
		if j.Key != string(j.Body) || j.Tries != 1 {
			t.Errorf("job %+v", j)
		}
		if times[j.Key]++; len(times) == count {
			close(all)
		}
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	for range 2 {
		runs.Go(func() { (&Runner{DB: d, Work: map[string]Work{"mail": work}, Width: 3}).Run(ctx) })
	}
	<-all
	stop()
	runs.Wait()
	for key, n := range times {
		if n != 1 {
			t.Errorf("job %s ran %d times", key, n)
		}
	}
	read(t, d, func(tx *db.Tx) error {
		if counts, err := Counts(tx); err != nil || len(counts) != 0 {
			t.Errorf("counts %+v, %v", counts, err)
		}
		return nil
	})
}

// A job that is added wakes a runner of this process at once.
func TestAddedIsDoneAtOnce(t *testing.T) {
	d := dbtest.Open(t)
	done := make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	r := &Runner{DB: d, Work: map[string]Work{"mail": func(context.Context, Job) error { close(done); return nil }}}
	go r.Run(ctx)
	add(t, d, Job{Kind: "mail", Key: "1"})
	<-done
}

func TestSameKeyIsOneJob(t *testing.T) {
	d := dbtest.Open(t)
	var ran []string
	r := &Runner{DB: d, Width: 1}
	r.Work = map[string]Work{"digest": func(_ context.Context, j Job) error {
		ran = append(ran, string(j.Body))
		if string(j.Body) == "first" { // asked for while it runs: it may have read what is now old
			add(t, d, Job{Kind: "digest", Key: "ada", Body: []byte("again")}, Job{Kind: "digest", Key: "ada", Body: []byte("again")})
		}
		if string(j.Body) == "again" { // its own next turn
			add(t, d, Job{Kind: "digest", Key: "ada", Body: []byte("tomorrow"), Due: clock.Wall().Add(24 * time.Hour)})
		}
		return nil
	}}
	later := clock.Wall().Add(time.Hour)
	add(t, d, Job{Kind: "digest", Key: "ada", Body: []byte("first"), Due: later})
	drain(t, r)
	if len(ran) != 0 {
		t.Fatalf("a job that is not due ran: %v", ran)
	}
	add(t, d, Job{Kind: "digest", Key: "ada", Body: []byte("second"), Due: later.Add(time.Hour)})
	if got := rowOf(t, d, "digest", "ada").due; got.Sub(later).Abs() > time.Millisecond {
		t.Errorf("a later time counts: %v", got)
	}
	add(t, d, Job{Kind: "digest", Key: "ada", Body: []byte("second")}, Job{Kind: "digest", Key: "ben", Body: []byte("other")})
	drain(t, r)
	if got := strings.Join(ran, " "); got != "first other again" && got != "first again other" {
		t.Errorf("ran %s", got)
	}
	if got := rowOf(t, d, "digest", "ada"); got.state != open || got.tries != 0 || clock.Wall().Add(23*time.Hour).After(got.due) {
		t.Errorf("the next turn is %+v", got)
	}
	add(t, d, Job{Kind: "digest", Key: "ben", Body: []byte("after")}) // the first is done: this is another
	drain(t, r)
	if ran[len(ran)-1] != "after" {
		t.Errorf("ran %v", ran)
	}
}

// A runner that was cut off loses its job once the lease is over; another one does it then, and not before.
func TestCutOff(t *testing.T) {
	d := dbtest.Open(t)
	add(t, d, Job{Kind: "crawl", Key: "site"})
	job := rowOf(t, d, "crawl", "site").id
	now := clock.Wall()
	claim := func(at, until time.Time) {
		if err := d.Write(context.Background(), db.Background, func(tx *db.Tx) error {
			changed, err := tx.Exec(claimOne, int64(job), "gone", clock.Micro(until), clock.Micro(at))
			if err == nil && changed != 1 {
				err = errors.New("not claimed")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var ran []int
	r := &Runner{DB: d, Work: map[string]Work{"crawl": func(_ context.Context, j Job) error { ran = append(ran, j.Tries); return nil }}}
	claim(now, now.Add(time.Hour))
	drain(t, r)
	if len(ran) != 0 {
		t.Fatal("a job ran under somebody else's lease")
	}
	claim(now.Add(2*time.Hour), now.Add(-time.Second))
	drain(t, r)
	if len(ran) != 1 || ran[0] != 3 {
		t.Errorf("ran with tries %v", ran)
	}
}

var steal = db.Statement(`UPDATE job SET worker = 'thief' WHERE kind = $1`)

// Work whose lease went to somebody else is told to stop, and its end changes nothing; one that keeps its lease is let be.
func TestLeases(t *testing.T) {
	d := dbtest.Open(t)
	add(t, d, Job{Kind: "crawl", Key: "site"})
	r := &Runner{DB: d, lasted: 80 * time.Millisecond, grace: time.Second}
	begun := make(chan struct{})
	r.Work = map[string]Work{"crawl": func(ctx context.Context, j Job) error {
		close(begun)
		<-ctx.Done()
		return nil
	}}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	over := make(chan struct{})
	go func() { r.Run(ctx); close(over) }()
	<-begun
	first := leaseOf(t, d)
	for leaseOf(t, d) <= first { // renewed
		time.Sleep(5 * time.Millisecond)
	}
	if err := d.Write(ctx, db.Background, func(tx *db.Tx) error { _, err := tx.Exec(steal, "crawl"); return err }); err != nil {
		t.Fatal(err)
	}
	for r.busy() > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	if got := rowOf(t, d, "crawl", "site"); got.state != open || got.worker != "thief" {
		t.Errorf("somebody else's job was changed: %+v", got)
	}
	stop()
	<-over
}

var selectLease = db.Statement(`SELECT MAX(lease_until) FROM job`)

func leaseOf(t *testing.T, d *db.DB) (until int64) {
	read(t, d, func(tx *db.Tx) error { _, err := tx.One(selectLease, []any{&until}); return err })
	return until
}

var setTries = db.Statement(`UPDATE job SET tries = $2, due = 0 WHERE key = $1 AND state = 'open'`)

func TestTriedAgainAndGivenUp(t *testing.T) {
	d := dbtest.Open(t)
	keys := []string{"refused", "nowhere", "denied", "down", "panic", "tired", "deadly"}
	for _, key := range keys {
		add(t, d, Job{Kind: "mail", Key: key, Body: []byte(`{"notice":7}`)})
	}
	errs := map[string]error{"refused": fault.Invalidf("to", "is refused", "mend it"), "nowhere": fault.New(fault.NotFound, "", "is gone", ""),
		"denied": fmt.Errorf("sending: %w", fault.New(fault.Denied, "", "may not", "")), "down": errors.New("dial tcp 10.0.0.9: secret-canary"),
		"tired": errors.New("still down")}
	var ran atomic.Int64
	r := &Runner{DB: d, Work: map[string]Work{"mail": func(_ context.Context, j Job) error {
		ran.Add(1)
		if j.Key == "panic" {
			panic("secret-canary")
		}
		return errs[j.Key]
	}}}
	tries := func(key string, n int) {
		if err := d.Write(context.Background(), db.Background, func(tx *db.Tx) error {
			_, err := tx.Exec(setTries, key, int64(n))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	tries("tired", MaxTries-1)
	tries("deadly", MaxTries)
	begun := clock.Wall()
	drain(t, r)
	if ran.Load() != int64(len(keys)-1) { // the deadly one is not begun again
		t.Errorf("%d ran", ran.Load())
	}
	for key, want := range map[string]string{"refused": failed, "nowhere": failed, "denied": failed, "tired": failed, "deadly": failed,
		"down": open, "panic": open} {
		got := rowOf(t, d, "mail", key)
		if got.state != want || got.worker != "" || strings.Contains(got.error, "canary") {
			t.Errorf("%s: %+v, want %s", key, got, want)
		}
		if pause := got.due.Sub(begun); want == open && (pause < 47*time.Second || pause > 75*time.Second) {
			t.Errorf("%s waits %v", key, pause)
		}
	}
	read(t, d, func(tx *db.Tx) error {
		list, err := Failed(tx, "mail", 10)
		if err != nil || len(list) != 5 {
			t.Errorf("given up: %+v, %v", list, err)
		}
		if none, err := Failed(tx, "crawl", 10); err != nil || len(none) != 0 {
			t.Errorf("of another kind: %+v, %v", none, err)
		}
		counts, err := Counts(tx)
		if err != nil || len(counts) != 1 || counts[0].Failed != 5 || counts[0].Waiting != 2 || counts[0].Tried != 2 || counts[0].Due != 0 {
			t.Errorf("counts: %+v, %v", counts, err)
		}
		return nil
	})
	begins(t, d, r, errs)
}

// begins lets somebody begin anew what was given up.
func begins(t *testing.T, d *db.DB, r *Runner, errs map[string]error) {
	refused := rowOf(t, d, "mail", "refused").id
	retry := func(job id.ID) error {
		return d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return Retry(tx, job) })
	}
	errs["refused"] = nil
	if err := retry(refused); err != nil {
		t.Fatal(err)
	}
	if err := retry(refused); !fault.Is(err, fault.NotFound) {
		t.Errorf("one that waits begins anew: %v", err)
	}
	drain(t, r)
	if got := rowOf(t, d, "mail", "refused"); got.state != done || got.error != "" || got.id != refused {
		t.Errorf("begun anew: %+v", got)
	}
	nowhere := rowOf(t, d, "mail", "nowhere").id
	add(t, d, Job{Kind: "mail", Key: "nowhere", Due: clock.Wall().Add(time.Hour)})
	if err := retry(nowhere); !fault.Is(err, fault.Conflict) {
		t.Errorf("two open jobs of one key: %v", err)
	}
	if err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return Again(tx, Job{Kind: "mail", Key: "denied"}) }); err != nil {
		t.Fatal(err)
	}
	read(t, d, func(tx *db.Tx) error {
		list, err := Failed(tx, "", 10)
		for _, f := range list {
			if f.Key == "denied" {
				t.Error("what was asked for anew is still given up")
			}
		}
		return err
	})
	if got := rowOf(t, d, "mail", "denied"); got.state != open || got.tries != 0 {
		t.Errorf("asked for anew: %+v", got)
	}
}

// A runner that stops waits a little, and hands back what does not end: it counts as not begun.
func TestStop(t *testing.T) {
	d := dbtest.Open(t)
	add(t, d, Job{Kind: "crawl", Key: "slow"})
	begun := make(chan struct{})
	r := &Runner{DB: d, lasted: time.Minute, grace: 20 * time.Millisecond}
	r.Work = map[string]Work{"crawl": func(ctx context.Context, _ Job) error { close(begun); <-ctx.Done(); return ctx.Err() }}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { r.Run(ctx); close(over) }()
	<-begun
	stop()
	<-over
	if got := rowOf(t, d, "crawl", "slow"); got.state != open || got.tries != 0 || got.worker != "" {
		t.Errorf("handed back as %+v", got)
	}
	again := &Runner{DB: d, Work: map[string]Work{"crawl": func(context.Context, Job) error { return nil }}}
	drain(t, again)
	if got := rowOf(t, d, "crawl", "slow"); got.state != done {
		t.Errorf("left as %+v", got)
	}
}

var age = db.Statement(`UPDATE job SET done = done - $1`)

func TestOldOnesGo(t *testing.T) {
	d := dbtest.Open(t)
	add(t, d, Job{Kind: "mail", Key: "done"}, Job{Kind: "mail", Key: "failed"}, Job{Kind: "other", Key: "nobody does it"})
	r := &Runner{DB: d, Work: map[string]Work{"mail": func(_ context.Context, j Job) error {
		if j.Key == "failed" {
			return fault.Invalidf("", "cannot be done", "")
		}
		return nil
	}}}
	drain(t, r)
	for _, days := range []int{6, 2} {
		if err := d.Write(context.Background(), db.Background, func(tx *db.Tx) error {
			_, err := tx.Exec(age, int64(days)*24*time.Hour.Microseconds())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		drain(t, r)
		read(t, d, func(tx *db.Tx) error {
			var number, due, tries int64
			var state, worker, text string
			found, err := tx.One(selectRow, []any{&number, &state, &due, &tries, &worker, &text}, "mail", "done")
			if found != (days == 6) {
				t.Errorf("after %d more days it is there: %v", days, found)
			}
			return err
		})
	}
	if rowOf(t, d, "mail", "failed").state != failed || rowOf(t, d, "other", "nobody does it").state != open {
		t.Error("what is not done was removed")
	}
}

func TestWhatCannotBeAJob(t *testing.T) {
	d := dbtest.Open(t)
	for _, j := range []Job{{Key: "1"}, {Kind: "Mail"}, {Kind: "a b"}, {Kind: strings.Repeat("a", maxKind+1)}, {Kind: "mail", Key: strings.Repeat("k", maxKey+1)},
		{Kind: "mail", Key: "a\x00"}, {Kind: "mail", Body: make([]byte, maxBody+1)}} {
		err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return Add(tx, j) })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%.60v is taken: %v", j, err)
		}
	}
}

// What fails is tried for about three days.
func TestPauses(t *testing.T) {
	var total time.Duration
	for tries, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute, 5: 16 * time.Minute, 9: 256 * time.Minute, 10: 6 * time.Hour, 40: 6 * time.Hour} {
		if got := Pause(tries); got != want {
			t.Errorf("after %d tries %v, want %v", tries, got, want)
		}
	}
	for tries := 1; tries < MaxTries; tries++ {
		total += Pause(tries)
	}
	if total < 60*time.Hour || total > 80*time.Hour {
		t.Errorf("given up after %v", total)
	}
	for range 1000 {
		if got := jitter(time.Minute); got < 48*time.Second || got > 72*time.Second {
			t.Fatalf("jitter %v", got)
		}
	}
}
