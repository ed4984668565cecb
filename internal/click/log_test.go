package click

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/clock"
)

// small makes segments that hold some two hundred clicks.
var small = Options{Segment: 40 << 10, Retry: time.Millisecond}

func openLog(t testing.TB, dir string, opts Options) *Log {
	t.Helper()
	l, err := OpenLog(dir, 7, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func appendOne(t testing.TB, l *Log, click int64) Number {
	t.Helper()
	number, err := l.Append(context.Background(), someClick(click))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// kept gives the click ids that a log holds, by number.
func kept(t testing.TB, l *Log) map[Number]int64 {
	t.Helper()
	found := map[Number]int64{}
	var before Number
	for logged, err := range l.ReadFrom(Number{}) {
		if err != nil {
			t.Fatal(err)
		}
		if logged.Number.Compare(before) <= 0 {
			t.Fatalf("%s after %s", logged.Number, before)
		}
		before = logged.Number
		found[logged.Number] = logged.Click.Click
	}
	return found
}

func TestLogGivesBackWhatItTook(t *testing.T) {
	dir := t.TempDir()
	want := map[Number]int64{}
	for epoch := range 4 {
		l := openLog(t, dir, small)
		if l.Synced().Epoch != uint32(epoch+1) {
			t.Fatalf("epoch %d at opening %d", l.Synced().Epoch, epoch+1)
		}
		for i := range 700 {
			click := int64(epoch*1000 + i)
			number := appendOne(t, l, click)
			if number != (Number{7, uint32(epoch + 1), uint64(i + 1)}) {
				t.Fatalf("click %d of epoch %d got %s", i, epoch, number)
			}
			want[number] = click
		}
		if diff := cmp.Diff(want, kept(t, l)); diff != "" {
			t.Fatal(diff)
		}
		verified, err := l.Verify()
		if err != nil || verified.Records != int64(len(want)) || verified.Last != l.Synced() {
			t.Fatalf("verified %+v, %v", verified, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(context.Background(), someClick(1)); !errors.Is(err, ErrClosed) {
			t.Fatalf("append to a closed log: %v", err)
		}
	}
	if verified, err := VerifyLog(dir); err != nil || verified.Records != int64(len(want)) {
		t.Fatalf("verified from outside %+v, %v", verified, err)
	}
}

func TestManyAppendAtOnceAndShareSyncs(t *testing.T) {
	d, syncs := countingDisk()
	opts := small
	opts.Segment, opts.disk = 1<<20, &d
	l := openLog(t, t.TempDir(), opts)
	const workers, each = 64, 50
	var wait sync.WaitGroup
	numbers := make([][]Number, workers)
	for worker := range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range each {
				number, err := l.Append(context.Background(), someClick(int64(worker*each+i)))
				if err != nil {
					t.Error(err)
					return
				}
				numbers[worker] = append(numbers[worker], number)
			}
		}()
	}
	wait.Wait()
	found := kept(t, l)
	for worker := range workers {
		for i, number := range numbers[worker] {
			if found[number] != int64(worker*each+i) {
				t.Fatalf("number %s holds click %d, not %d", number, found[number], worker*each+i)
			}
		}
	}
	if len(found) != workers*each || l.Synced().Sequence != workers*each {
		t.Fatalf("%d clicks kept, synced to %s", len(found), l.Synced())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if syncs.Load() >= workers*each/2 {
		t.Errorf("%d syncs for %d clicks: groups are not shared", syncs.Load(), workers*each)
	}
}

func countingDisk() (disk, *atomic.Int64) {
	d, syncs := realDisk(), new(atomic.Int64)
	real := d.sync
	d.sync = func(file *os.File) error {
		syncs.Add(1)
		return real(file)
	}
	return d, syncs
}

func TestACallerThatHasGoneIsNotLogged(t *testing.T) {
	l := openLog(t, t.TempDir(), small)
	gone, leave := context.WithCancel(context.Background())
	leave()
	if _, err := l.Append(gone, someClick(1)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if number := appendOne(t, l, 2); number.Sequence != 1 {
		t.Errorf("first click got %s", number)
	}
}

func TestTwoProcessesCannotWriteOneLog(t *testing.T) {
	dir := t.TempDir()
	openLog(t, dir, small)
	if second, err := OpenLog(dir, 7, small); err == nil {
		second.Close()
		t.Fatal("the log was opened twice")
	}
}

func TestALogOfAnotherEdgeIsRefused(t *testing.T) {
	dir := t.TempDir()
	openLog(t, dir, small).Close()
	if other, err := OpenLog(dir, 8, small); err == nil {
		other.Close()
		t.Fatal("edge 8 opened the log of edge 7")
	}
}

func TestALostFolderGivesNoNumberTwice(t *testing.T) {
	opts := small
	opts.AfterEpoch = 12
	l := openLog(t, t.TempDir(), opts)
	if number := appendOne(t, l, 1); number != (Number{7, 13, 1}) {
		t.Errorf("got %s", number)
	}
}

func TestReaderFollowsWhatGrows(t *testing.T) {
	l := openLog(t, t.TempDir(), small)
	reader := l.Reader(Number{})
	defer reader.Close()
	if _, err := reader.Next(); err != io.EOF {
		t.Fatalf("an empty log gave %v", err)
	}
	var last Number
	for i := range 900 { // several segments
		waited := make(chan error, 1)
		go func() { waited <- l.Wait(context.Background(), last) }()
		number := appendOne(t, l, int64(i))
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		entry, err := reader.Next()
		var c Click
		if err != nil || entry.Number != number || entry.Click(&c) != nil || c.Click != int64(i) {
			t.Fatalf("click %d: read %s, %v", i, entry.Number, err)
		}
		if _, err := reader.Next(); err != io.EOF {
			t.Fatalf("behind the newest click: %v", err)
		}
		last = number
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if err := l.Wait(ended, last); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with an ended context: %v", err)
	}
}

func TestReadingBeginsBehindAnyNumber(t *testing.T) {
	dir := t.TempDir()
	var numbers []Number
	for range 3 {
		l := openLog(t, dir, small)
		for i := range 450 {
			numbers = append(numbers, appendOne(t, l, int64(i)))
		}
		l.Close()
	}
	l := openLog(t, dir, small)
	for at := 0; at < len(numbers); at += 37 {
		next := at + 1
		for logged, err := range l.ReadFrom(numbers[at]) {
			if err != nil || logged.Number != numbers[next] {
				t.Fatalf("behind %s: %s, %v; want %s", numbers[at], logged.Number, err, numbers[next])
			}
			next++
		}
		if next != len(numbers) {
			t.Fatalf("behind %s: stopped before %s", numbers[at], numbers[next])
		}
	}
}

func TestShippedSegmentsAreReleased(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, small)
	var numbers []Number
	for i := range 1000 {
		numbers = append(numbers, appendOne(t, l, int64(i)))
	}
	paths, _ := segmentPaths(dir)
	if err := l.Release(numbers[600]); err != nil {
		t.Fatal(err)
	}
	left, _ := segmentPaths(dir)
	if len(left) >= len(paths) || len(left) < 2 {
		t.Fatalf("%d of %d segments left", len(left), len(paths))
	}
	next := 601
	for logged, err := range l.ReadFrom(numbers[600]) {
		if err != nil || logged.Number != numbers[next] {
			t.Fatalf("after the release: %s, %v", logged.Number, err)
		}
		next++
	}
	if next != 1000 {
		t.Fatalf("read up to %d", next)
	}
	for _, err := range l.ReadFrom(numbers[10]) {
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("reading what was released: %v", err)
		}
	}
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	// All of it: the newest segment stays, and with it epoch and seal.
	if err := l.Release(numbers[999]); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if left, _ = segmentPaths(dir); len(left) != 1 {
		t.Fatalf("%d segments left", len(left))
	}
	if l = openLog(t, dir, small); l.Synced().Epoch != 2 {
		t.Errorf("epoch %d", l.Synced().Epoch)
	}
	if number := appendOne(t, l, 1); number != (Number{7, 2, 1}) {
		t.Errorf("got %s", number)
	}
	for logged, err := range l.ReadFrom(numbers[999]) {
		if err != nil || logged.Number != (Number{7, 2, 1}) {
			t.Fatalf("after the next opening: %s, %v", logged.Number, err)
		}
	}
}

func TestNumbersAreOrderedByTimeOfWriting(t *testing.T) {
	for _, row := range [][2]Number{
		{{1, 1, 1}, {1, 1, 2}}, {{1, 1, 9}, {1, 2, 1}}, {{1, 9, 9}, {2, 1, 1}}, {{}, {0, 0, 1}},
	} {
		if row[0].Compare(row[1]) != -1 || row[1].Compare(row[0]) != 1 || row[0].Compare(row[0]) != 0 {
			t.Errorf("%s and %s", row[0], row[1])
		}
	}
	if text := fmt.Sprint(Number{1, 2, 3}); text != "1/2/3" {
		t.Error(text)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, goroutines := range []int{1, 256} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			d, syncs := countingDisk()
			l := openLog(b, b.TempDir(), Options{disk: &d})
			var wait sync.WaitGroup
			before := syncs.Load()
			b.ResetTimer()
			for worker := range goroutines {
				wait.Add(1)
				go func() {
					defer wait.Done()
					c := someClick(int64(worker))
					for i := worker; i < b.N; i += goroutines {
						if _, err := l.Append(context.Background(), c); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			wait.Wait()
			b.StopTimer()
			l.Close()
			b.ReportMetric(float64(b.N)/float64(syncs.Load()-before), "clicks/sync")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "clicks/s")
		})
	}
}

// BenchmarkRecover opens a log with 1 GB of unshipped clicks whose process was killed, up to the first acknowledgement,
// and then reads all of it, as a shipper does.
func BenchmarkRecover(b *testing.B) {
	const size = 1 << 30
	dir := b.TempDir()
	l := openLog(b, dir, Options{})
	record := len(someClick(1).AppendRecord(nil)) + frameHead
	clicks := size / record
	fillLog(b, l, clicks, 2000)
	newest := l.current.path
	l.Close()
	var opened, read time.Duration
	for b.Loop() {
		if err := os.Truncate(newest, defaultSegment); err != nil { // as a kill leaves it: zeros behind the last record
			b.Fatal(err)
		}
		began := clock.Wall()
		l, err := OpenLog(dir, 7, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.Append(context.Background(), someClick(1)); err != nil {
			b.Fatal(err)
		}
		opened += clock.Since(began)
		began = clock.Wall()
		reader := l.Reader(Number{})
		for err = nil; err == nil; {
			_, err = reader.Next()
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		read += clock.Since(began)
		reader.Close()
		newest = l.current.path
		l.Close()
	}
	b.ReportMetric(float64(opened.Milliseconds())/float64(b.N), "ms/open")
	b.ReportMetric(float64(read.Milliseconds())/float64(b.N), "ms/read")
	b.ReportMetric(float64(clicks), "clicks")
}
