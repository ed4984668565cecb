package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
)

// A late commit is late for a write, and for nothing else.
func TestSyncDelay(t *testing.T) {
	const late = 30 * time.Millisecond
	d, err := db.Open(context.Background(), dbtest.Address(t), db.Options{SyncDelay: late})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	nothing := func(*db.Tx) error { return nil }
	if err := d.Write(context.Background(), db.Money, nothing); err != nil { // pays for the connection
		t.Fatal(err)
	}
	begin := clock.Wall()
	if err := d.Write(context.Background(), db.Money, nothing); err != nil {
		t.Fatal(err)
	}
	if took := clock.Since(begin); took < late {
		t.Errorf("a write took %s, want at least %s", took, late)
	}
	refused := errors.New("refused")
	for name, run := range map[string]func() error{
		"a read":               func() error { return d.Read(context.Background(), nothing) },
		"a write that is none": func() error { return d.Write(context.Background(), db.Money, func(*db.Tx) error { return refused }) },
	} {
		// The shortest of several: a machine may be late by itself.
		shortest := time.Hour
		for range 20 {
			begin := clock.Wall()
			if err := run(); err != nil && !errors.Is(err, refused) {
				t.Fatal(err)
			}
			shortest = min(shortest, clock.Since(begin))
		}
		if shortest >= late {
			t.Errorf("%s took %s", name, shortest)
		}
	}
}
