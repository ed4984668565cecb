package click

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/internal/fault"
)

// errFullDisk is what a full disk answers.
var errFullDisk error = syscall.ENOSPC

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
