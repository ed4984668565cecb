package click

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
)

// BenchmarkShip moves 100,000 clicks of 2,000 creators into a synced database.
func BenchmarkShip(b *testing.B) {
	const clicks, creators = 100_000, 2_000
	ctx := context.Background()
	for b.Loop() {
		b.StopTimer()
		d, err := db.Open(ctx, dbtest.Address(b), db.Options{})
		if err != nil {
			b.Fatal(err)
		}
		l := openLog(b, b.TempDir(), Options{})
		fillLog(b, l, clicks, creators)
		shipper := &Shipper{DB: d, Log: l}
		b.StartTimer()
		for left := clicks; left > 0; {
			n, err := shipper.Step(ctx)
			if err != nil || n == 0 {
				b.Fatal(n, err)
			}
			left -= n
		}
		b.StopTimer()
		shipper.forget()
		d.Close()
		l.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/clicks, "ns/click")
	b.ReportMetric(float64(b.N)*clicks/b.Elapsed().Seconds(), "clicks/s")
}

// fillLog appends clicks of many creators, as many at a time as a busy edge has.
func fillLog(t testing.TB, l *Log, clicks, creators int) {
	t.Helper()
	const workers = 64
	failed := make(chan error, workers)
	for worker := range workers {
		go func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for i := worker; i < clicks; i += workers {
				c := someClick(int64(random.Uint64() >> 1))
				c.Creator = id.ID(1 + random.IntN(creators))
				c.Tracking = id.ID(int64(c.Creator)*10 + int64(random.IntN(3)))
				c.At = time.UnixMicro(1_800_000_000_000_000 + int64(i)*100).UTC()
				if _, err := l.Append(context.Background(), c); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range workers {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}

// totals gives gross and counted as every table has them, which must agree.
func totals(t *testing.T, d *db.DB) (gross, counted int64) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		var sums [3][2]int64
		for i, statement := range sumStatements {
			if _, err := tx.One(statement, []any{&sums[i][0], &sums[i][1]}); err != nil {
				return err
			}
		}
		var rows int64
		if _, err := tx.One(countRows, []any{&rows}); err != nil {
			return err
		}
		if sums[0] != sums[1] || sums[1] != sums[2] || sums[0][0] != rows {
			t.Errorf("rollups disagree: hours %v, days %v, marketplaces %v, rows %d", sums[0], sums[1], sums[2], rows)
		}
		gross, counted = sums[0][0], sums[0][1]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return gross, counted
}

var (
	sumStatements = []*db.Stmt{
		db.Statement(`SELECT CAST(COALESCE(SUM(gross), 0) AS BIGINT), CAST(COALESCE(SUM(counted), 0) AS BIGINT) FROM click_hour`),
		db.Statement(`SELECT CAST(COALESCE(SUM(gross), 0) AS BIGINT), CAST(COALESCE(SUM(counted), 0) AS BIGINT) FROM click_day`),
		db.Statement(`SELECT CAST(COALESCE(SUM(gross), 0) AS BIGINT), CAST(COALESCE(SUM(counted), 0) AS BIGINT) FROM click_market_day`),
	}
	countRows = db.Statement(`SELECT COUNT(*) FROM click`)
)

// shipAll steps until nothing waits.
func shipAll(t *testing.T, s *Shipper) (shipped int) {
	t.Helper()
	for {
		n, err := s.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return shipped
		}
		shipped += n
	}
}

func TestShippedOnceWithRollups(t *testing.T) {
	d, dir := dbtest.Open(t), t.TempDir()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	zone := func(market uint16) *time.Location {
		if market == 2 {
			return berlin
		}
		return nil
	}
	at := time.Date(2026, 6, 30, 22, 30, 0, 0, time.UTC) // the first of July in Berlin
	announced := map[uint16][]id.ID{}
	for epoch := range 3 {
		l := openLog(t, dir, small)
		for i := range 300 {
			c := someClick(int64(epoch*1000 + i))
			c.Market, c.Creator, c.Tracking = uint16(1+i%2), id.ID(10+i%3), id.ID(100+i%3)
			c.At = at.Add(time.Duration(i) * time.Second)
			if i%10 == 0 {
				c.Verdict = VerdictDeclaredBot
			}
			if _, err := l.Append(context.Background(), c); err != nil {
				t.Fatal(err)
			}
		}
		shipper := &Shipper{DB: d, Log: l, Zone: zone, Shipped: func(market uint16, creators []id.ID) {
			announced[market] = creators
		}}
		if n := shipAll(t, shipper); n != 300 {
			t.Fatalf("shipped %d", n)
		}
		if shipper.State().Shipped != l.Synced() {
			t.Errorf("state %+v, synced %s", shipper.State(), l.Synced())
		}
		// Another shipper, as after a crash, finds nothing to do.
		if n := shipAll(t, &Shipper{DB: d, Log: l}); n != 0 {
			t.Fatalf("shipped %d a second time", n)
		}
		l.Close()
	}
	if gross, counted := totals(t, d); gross != 900 || counted != 810 {
		t.Errorf("gross %d, counted %d", gross, counted)
	}
	if diff := cmp.Diff(map[uint16][]id.ID{1: {10, 11, 12}, 2: {10, 11, 12}}, announced); diff != "" {
		t.Error(diff)
	}
	// The last append may just have filled a segment, with the next one begun behind the shipper's back: the first step of
	// the next process lets go of all but the newest.
	l := openLog(t, dir, small)
	shipAll(t, &Shipper{DB: d, Log: l})
	if left, _ := segmentPaths(dir); len(left) != 1 {
		t.Errorf("%d segments left after shipping", len(left))
	}
	l.Close()
	err = d.Read(context.Background(), func(tx *db.Tx) error {
		june := Day(time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC), time.UTC)
		us, err := CreatorDays(tx, 10, 1, june, june+1)
		if err != nil {
			return err
		}
		uk, err := CreatorDays(tx, 10, 2, june, june+1)
		if err != nil {
			return err
		}
		want := []DayCount{{june, KindProduct, 0, Count{150, 120}}}
		if diff := cmp.Diff(want, us); diff != "" {
			t.Error(diff)
		}
		want = []DayCount{{june + 1, KindProduct, 0, Count{150, 150}}}
		if diff := cmp.Diff(want, uk); diff != "" {
			t.Error(diff)
		}
		days, err := MarketDays(tx, 1, june, june)
		if err != nil {
			return err
		}
		want = []DayCount{{june, 0, VerdictCounted, Count{360, 360}}, {june, 0, VerdictDeclaredBot, Count{90, 0}}}
		if diff := cmp.Diff(want, days); diff != "" {
			t.Error(diff)
		}
		byTracking, err := TrackingCounts(tx, 10, 1, at.Truncate(time.Hour), at.Add(time.Hour))
		if err != nil {
			return err
		}
		if diff := cmp.Diff(map[id.ID]Count{100: {150, 120}}, byTracking); diff != "" {
			t.Error(diff)
		}
		if byTracking[100].Filtered() != 30 {
			t.Error("filtered is not gross less counted")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestShippedClicksAreFound(t *testing.T) {
	d := dbtest.Open(t)
	l := openLog(t, t.TempDir(), small)
	for i := range 50 {
		appendOne(t, l, int64(i))
	}
	shipAll(t, &Shipper{DB: d, Log: l})
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		recent, err := Recent(tx, 40, someClick(45).At, 3)
		if err != nil {
			return err
		}
		if len(recent) != 3 || recent[0].Click != 44 || recent[2].Click != 42 || recent[0].Sub[0] != "newsletter-12" {
			t.Errorf("recent %+v", recent)
		}
		number, c, ok, err := Find(tx, someClick(17).Token)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(someClick(17), &c); !ok || number != (Number{7, 1, 18}) || diff != "" {
			t.Errorf("found %s %v: %s", number, ok, diff)
		}
		_, _, ok, err = Find(tx, someClick(99).Token)
		if ok {
			t.Error("a click that never was is found")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A batch is killed before its commit, after it, or is shipped by two at once: the watermark decides.
func TestKilledHalfWayShipsOnce(t *testing.T) {
	d := dbtest.Open(t)
	l := openLog(t, t.TempDir(), small)
	for i := range 100 {
		appendOne(t, l, int64(i))
	}
	ctx := context.Background()
	killed := errors.New("killed")
	// Before the commit: everything of the batch is undone.
	b := filled(t, l, Number{})
	if err := d.Write(ctx, db.Ship, func(tx *db.Tx) error { return errors.Join(b.write(tx), killed) }); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	if gross, _ := totals(t, d); gross != 0 {
		t.Fatalf("%d clicks of a transaction that was killed", gross)
	}
	// After the commit, before anyone knew: the same batch again is refused whole.
	b = filled(t, l, Number{})
	if err := d.Write(ctx, db.Ship, b.write); err != nil {
		t.Fatal(err)
	}
	again := filled(t, l, Number{})
	if err := d.Write(ctx, db.Ship, again.write); !fault.Is(err, fault.Conflict) {
		t.Fatalf("shipping twice: %v", err)
	}
	if n := shipAll(t, &Shipper{DB: d, Log: l}); n != 0 {
		t.Errorf("%d more after all was shipped", n)
	}
	if gross, counted := totals(t, d); gross != 100 || counted != 100 {
		t.Errorf("gross %d, counted %d", gross, counted)
	}
}

// The process dies after its commit and before the release: nothing is left to ship, and the segments still go.
func TestSegmentsOfADeadShipperAreReleased(t *testing.T) {
	d, dir := dbtest.Open(t), t.TempDir()
	l := openLog(t, dir, small)
	for i := range 600 {
		appendOne(t, l, int64(i))
	}
	if err := d.Write(context.Background(), db.Ship, filled(t, l, Number{}).write); err != nil {
		t.Fatal(err)
	}
	if n := shipAll(t, &Shipper{DB: d, Log: l}); n != 0 {
		t.Fatalf("%d clicks shipped again", n)
	}
	if left, _ := segmentPaths(dir); len(left) != 1 {
		t.Errorf("%d segments left", len(left))
	}
}

func filled(t *testing.T, l *Log, after Number) *batch {
	t.Helper()
	var b batch
	b.reset(after)
	reader := l.Reader(after)
	defer reader.Close()
	if err := b.fill(reader, func(uint16) *time.Location { return time.UTC }); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestUnloggedClicksAreCountedOnceWhenPresented(t *testing.T) {
	d := dbtest.Open(t)
	l := openLog(t, t.TempDir(), small)
	appendOne(t, l, 5)
	shipAll(t, &Shipper{DB: d, Log: l})
	token := func(click int64, flags Flags) Token {
		made := someClick(click).Token
		made.Flags = flags
		return made
	}
	ctx := context.Background()
	presented := [][]Token{
		{token(1, FlagUnlogged), token(1, FlagUnlogged), token(2, 0)},
		{token(3, FlagUnlogged|FlagPaid), token(1, FlagUnlogged)},
		{token(5, FlagUnlogged)}, // refused, and in the log all the same
		nil,
	}
	for _, tokens := range presented {
		if err := d.Write(ctx, db.Money, func(tx *db.Tx) error { return Present(tx, tokens) }); err != nil {
			t.Fatal(err)
		}
	}
	admitted := 0
	for {
		n, err := Admit(ctx, d, func(uint16) *time.Location { return time.UTC }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		admitted += n
	}
	if gross, counted := totals(t, d); admitted != 2 || gross != 3 || counted != 2 {
		t.Errorf("admitted %d; gross %d, counted %d", admitted, gross, counted)
	}
	if err := d.Write(ctx, db.Money, func(tx *db.Tx) error { return Present(tx, presented[0]) }); err != nil {
		t.Fatal(err)
	}
	if n, err := Admit(ctx, d, nil, nil); n != 0 || err != nil {
		t.Errorf("presented again: admitted %d, %v", n, err)
	}
}

func TestDaysAreLocal(t *testing.T) {
	for _, row := range []struct {
		zone, at, day string
	}{
		{"UTC", "2026-03-01T00:00:00Z", "2026-03-01"},
		{"Asia/Kathmandu", "2026-03-01T18:14:59Z", "2026-03-01"},
		{"Asia/Kathmandu", "2026-03-01T18:15:00Z", "2026-03-02"},
		{"America/New_York", "2026-03-02T04:59:59Z", "2026-03-01"},
		{"America/New_York", "1969-12-31T12:00:00Z", "1969-12-31"},
	} {
		zone, err := time.LoadLocation(row.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(Day(at, zone)*86400, 0).UTC().Format(time.DateOnly); got != row.day {
			t.Errorf("%s in %s is %s, not %s", row.at, row.zone, got, row.day)
		}
	}
}

func TestVerifyRowsFindsWhatWasSpoiled(t *testing.T) {
	spoil := map[string]*db.Stmt{
		"":                 nil,
		"those between":    db.Statement(`DELETE FROM click WHERE sequence = 5`),
		"shipped up to 9":  db.Statement(`UPDATE click_watermark SET sequence = 9`),
		"not a click":      db.Statement(`UPDATE click SET record = CAST('x' AS BYTEA) WHERE sequence = 3`),
		"click_hour of":    db.Statement(`UPDATE click_hour SET gross = gross + 1`),
		"click_day of":     db.Statement(`UPDATE click_day SET counted = counted + 1`),
		"click_market_day": db.Statement(`DELETE FROM click_market_day`),
	}
	l := openLog(t, t.TempDir(), small)
	for i := range 10 {
		appendOne(t, l, int64(i))
	}
	for wanted, statement := range spoil {
		d := dbtest.Open(t)
		b := filled(t, l, Number{})
		var told []string
		err := d.Write(context.Background(), db.Ship, func(tx *db.Tx) error {
			if err := b.write(tx); err != nil {
				return err
			}
			if statement != nil {
				if _, err := tx.Exec(statement); err != nil {
					return err
				}
			}
			_, err := VerifyRows(tx, func(difference string) { told = append(told, difference) })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(told, "; ")
		if !strings.Contains(all, wanted) || wanted == "" && all != "" {
			t.Errorf("told %q; want %q", all, wanted)
		}
	}
}
