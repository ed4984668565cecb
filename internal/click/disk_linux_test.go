package click

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"
)

// appendWithoutRoom runs as a child whose files may not grow to a segment's size, as on a full disk; then they may.
func appendWithoutRoom() {
	signal.Ignore(unix.SIGXFSZ)
	limit := unix.Rlimit{Cur: 16 << 10, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fail(err)
	}
	l, err := OpenLog(os.Getenv(childDir), 7, small)
	if err != nil {
		fail(err)
	}
	if number, err := l.Append(context.Background(), someClick(1)); !errors.Is(err, ErrFull) || l.Accepting() {
		fail(errors.Join(errors.New("taken without room as "+number.String()), err))
	}
	limit.Cur = unix.RLIM_INFINITY
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fail(err)
	}
	for {
		number, err := l.Append(context.Background(), someClick(2))
		if err == nil {
			os.Stdout.WriteString(number.String() + "\n")
			os.Exit(0)
		}
		if !errors.Is(err, ErrFull) {
			fail(err)
		}
	}
}

func TestARealLimitOnFilesIsAnsweredAsFull(t *testing.T) {
	dir := t.TempDir()
	command, lines := child(t, "full", childDir+"="+dir)
	if !lines.Scan() || lines.Text() != "7/1/1" {
		t.Errorf("the child printed %q", lines.Text())
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, openLog(t, dir, small)); len(got) != 1 || got[Number{7, 1, 1}] != 2 {
		t.Errorf("kept %v", got)
	}
}
