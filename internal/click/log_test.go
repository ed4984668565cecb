package click

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/fault"
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
		if l.Epoch() != uint32(epoch+1) {
			t.Fatalf("epoch %d at opening %d", l.Epoch(), epoch+1)
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
	if l = openLog(t, dir, small); l.Epoch() != 2 {
		t.Errorf("epoch %d", l.Epoch())
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

// broken makes single verbs of the disk fail while on is set.
type broken struct {
	disk
	mu          sync.Mutex
	write, sync error
	prepare     error
	half        bool // a failing write leaves half of its bytes
}

func breakable() *broken {
	b := &broken{disk: realDisk()}
	real := b.disk
	b.disk.write = func(file *os.File, raw []byte, at int64) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.write == nil {
			return real.write(file, raw, at)
		}
		if b.half {
			real.write(file, raw[:len(raw)/2], at)
		}
		return b.write
	}
	b.disk.sync = func(file *os.File) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.sync != nil {
			return b.sync
		}
		return real.sync(file)
	}
	b.disk.allocate = func(file *os.File, size int64) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.prepare != nil {
			return b.prepare
		}
		return real.allocate(file, size)
	}
	return b
}

func (b *broken) set(alter func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	alter()
}

var errInjected = errors.New("injected")

func TestAFailedDiskIsAnsweredHonestlyAndLeft(t *testing.T) {
	for _, row := range []struct {
		name  string
		fail  func(*broken)
		wants error
	}{
		{"sync fails", func(b *broken) { b.sync = errInjected }, ErrDisk},
		{"write fails", func(b *broken) { b.write = errInjected }, ErrDisk},
		{"write fails half-way", func(b *broken) { b.write, b.half = errInjected, true }, ErrDisk},
		{"disk full at a write", func(b *broken) { b.write, b.half = errFullDisk, true }, ErrFull},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir, b := t.TempDir(), breakable()
			opts := small
			opts.disk = &b.disk
			l := openLog(t, dir, opts)
			want := map[Number]int64{}
			for i := range 10 {
				want[appendOne(t, l, int64(i))] = int64(i)
			}
			b.set(func() { row.fail(b) })
			_, err := l.Append(context.Background(), someClick(666))
			if !errors.Is(err, row.wants) || !fault.Is(err, fault.Unavailable) {
				t.Fatalf("append on the failing disk: %v", err)
			}
			if _, err := l.Append(context.Background(), someClick(667)); !errors.Is(err, row.wants) {
				t.Fatalf("the next append: %v", err)
			}
			if l.Accepting() {
				t.Error("the log says that it accepts")
			}
			b.set(func() { b.write, b.sync = nil, nil })
			want[appendWhenAccepting(t, l, 11)] = 11
			if diff := cmp.Diff(want, kept(t, l)); diff != "" {
				t.Fatal(diff)
			}
			if _, err := l.Verify(); err != nil {
				t.Fatal(err)
			}
			l.Close()
			l = openLog(t, dir, small)
			if diff := cmp.Diff(want, kept(t, l)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

// appendWhenAccepting tries until the log has found its disk well again.
func appendWhenAccepting(t *testing.T, l *Log, click int64) Number {
	t.Helper()
	for {
		number, err := l.Append(context.Background(), someClick(click))
		if err == nil {
			return number
		}
		if !errors.Is(err, ErrDisk) && !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
	}
}

func TestNoRoomForAnotherSegment(t *testing.T) {
	dir, b := t.TempDir(), breakable()
	opts := small
	opts.disk = &b.disk
	l := openLog(t, dir, opts)
	want := map[Number]int64{}
	b.set(func() { b.prepare = errFullDisk })
	var refused error
	taken := int64(0)
	for ; refused == nil; taken++ {
		if taken > 2000 {
			t.Fatal("a full disk took 2,000 clicks")
		}
		number, err := l.Append(context.Background(), someClick(taken))
		if refused = err; err == nil {
			want[number] = taken
		}
	}
	if !errors.Is(refused, ErrFull) {
		t.Fatalf("answer of a full disk: %v", refused)
	}
	if diff := cmp.Diff(want, kept(t, l)); diff != "" {
		t.Fatal(diff)
	}
	b.set(func() { b.prepare = nil })
	number := appendWhenAccepting(t, l, 5000)
	if int(number.Sequence) != len(want)+1 {
		t.Errorf("after %d clicks came number %s", len(want), number)
	}
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
}

func TestALogOpensOnAFullDiskAndRefuses(t *testing.T) {
	dir, b := t.TempDir(), breakable()
	b.prepare = errFullDisk
	opts := small
	opts.disk = &b.disk
	l := openLog(t, dir, opts)
	if _, err := l.Append(context.Background(), someClick(1)); !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	b.set(func() { b.prepare = nil })
	if number := appendWhenAccepting(t, l, 2); number.Sequence != 1 {
		t.Errorf("got %s", number)
	}
}

// A group whose sync failed stays on the disk whole, and the process dies before it could cut it. Its successor's
// header does not vouch for it, so it must not come back; the numbers were given again.
func TestWhatWasRefusedDoesNotComeBack(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, small)
	for i := range 5 {
		appendOne(t, l, int64(i))
	}
	l.Close()
	paths, _ := segmentPaths(dir)
	ghost := appendFrame(nil, frameSeed(7, 1), frame{6, 0, someClick(666).AppendRecord(nil)})
	l = openLog(t, dir, small) // its header vouches for five records
	l.Close()
	file, err := os.OpenFile(paths[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(ghost); err != nil {
		t.Fatal(err)
	}
	file.Close()
	l = openLog(t, dir, small)
	if got := kept(t, l); len(got) != 5 {
		t.Errorf("kept %v", got)
	}
	if _, err := l.Verify(); err != nil {
		t.Error(err)
	}
}

// tail makes a log whose newest segment holds one group of three clicks after two groups of one, and gives its path
// and the offsets at which the groups begin.
func tail(t *testing.T, dir string) (path string, starts []int64) {
	t.Helper()
	l := openLog(t, dir, small)
	appendOne(t, l, 1)
	starts = append(starts, headerSize, l.current.length)
	appendOne(t, l, 2)
	starts = append(starts, l.current.length)
	var group []byte
	for i := range 3 {
		group = appendFrame(group, l.seed, frame{uint64(3 + i), uint32(i), someClick(int64(3 + i)).AppendRecord(nil)})
	}
	path = l.current.path
	l.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, group...)
	if err := os.WriteFile(path, append(raw, make([]byte, 2000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, append(starts, int64(len(raw)))
}

// copied gives a folder with the segment's bytes altered.
func copied(t *testing.T, path string, raw []byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func recovered(dir string) ([]int64, error) {
	l, err := OpenLog(dir, 7, small)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var clicks []int64
	for logged, err := range l.ReadFrom(Number{}) {
		if err != nil {
			return nil, err
		}
		clicks = append(clicks, logged.Click.Click)
	}
	return clicks, nil
}

// Wherever a write is torn, the whole records before it are kept and nothing else.
func TestTornAtEveryByte(t *testing.T) {
	path, starts := tail(t, t.TempDir())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := (starts[3] - starts[2]) / 3
	for at := starts[0]; at <= starts[3]; at++ {
		want := 0
		for want < 5 && at >= headerSize+int64(want+1)*size {
			want++
		}
		for _, rest := range []int{0, 100} { // the file ends there, or zeros follow
			clicks, err := recovered(copied(t, path, append(whole[:at:at], make([]byte, rest)...)))
			if err != nil || len(clicks) != want {
				t.Fatalf("cut at %d with %d zeros behind: %v, %v; want %d clicks", at, rest, clicks, err, want)
			}
		}
	}
}

// A flipped bit in the last group may be a torn write: the records before it are kept. In an earlier group it is
// damage to what was acknowledged, and is never passed over.
func TestFlippedAtEveryByte(t *testing.T) {
	path, starts := tail(t, t.TempDir())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := (starts[3] - starts[2]) / 3
	for at := int64(0); at < starts[3]; at++ {
		flipped := append([]byte{}, whole...)
		flipped[at] ^= 1 << (at % 8)
		clicks, err := recovered(copied(t, path, flipped))
		switch {
		case at < starts[2]:
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("header or acknowledged record flipped at %d: %v, %v", at, clicks, err)
			}
		default:
			if want := int((at - headerSize) / size); err != nil || len(clicks) != want {
				t.Fatalf("last group flipped at %d: %v, %v; want %d clicks", at, clicks, err, want)
			}
		}
	}
}

func TestVerifyFindsEveryFlippedByte(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		l := openLog(t, dir, small)
		for i := range 3 {
			appendOne(t, l, int64(i))
		}
		l.Close()
	}
	openLog(t, dir, small).Close()
	paths, _ := segmentPaths(dir)
	for _, path := range paths[:2] { // the newest holds nothing yet
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range whole {
			flipped := append([]byte{}, whole...)
			flipped[at] ^= 0x10
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			if verified, err := VerifyLog(dir); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s flipped at %d: %+v, %v", filepath.Base(path), at, verified, err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := VerifyLog(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(paths[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyLog(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("a missing segment: %v", err)
	}
	if _, err := OpenLog(dir, 7, small); !errors.Is(err, ErrDamaged) {
		t.Errorf("opening with a missing segment: %v", err)
	}
}

// A record that is whole by its checksum and stands in a chain that was forged as a whole is what the seal is for.
func TestAReplacedSegmentBreaksTheSeal(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, small)
	for i := range 3 {
		appendOne(t, l, int64(i))
	}
	path := l.current.path
	l.Close()
	openLog(t, dir, small).Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := raw[:headerSize:headerSize]
	for i := range 3 {
		forged = appendFrame(forged, frameSeed(7, 1), frame{uint64(i + 1), 0, someClick(int64(90 + i)).AppendRecord(nil)})
	}
	if len(forged) != len(raw) {
		t.Fatal("the forgery has another length")
	}
	if err := os.WriteFile(path, forged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyLog(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
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
