package credential_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/secret"
)

var now = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// door is a place with two people who can sign in.
type door struct {
	t        testing.TB
	db       *db.DB
	ring     *secret.Ring
	ada, bob id.ID
}

func newDoor(t testing.TB) *door {
	d := &door{t: t, db: dbtest.Open(t), ring: secret.FixedRing("credential")}
	d.do(func(tx *db.Tx) error {
		for who, name := range map[*id.ID]string{&d.ada: "Ada Wren", &d.bob: "Bob Stone"} {
			p, err := auth.OpenPerson(tx, name, now)
			if err != nil {
				return err
			}
			*who = p.ID
		}
		return nil
	})
	return d
}

func (d *door) write(step func(*db.Tx) error) error {
	return d.db.Write(context.Background(), db.Interactive, step)
}

// do runs steps, each in a transaction of its own, and ends the test on an error.
func (d *door) do(steps ...func(*db.Tx) error) {
	d.t.Helper()
	for _, step := range steps {
		if err := d.write(step); err != nil {
			d.t.Fatal(err)
		}
	}
}

// refused wants a step to fail with that kind, and gives the fault.
func (d *door) refused(kind fault.Kind, step func(*db.Tx) error) *fault.Error {
	d.t.Helper()
	err := d.write(step)
	if !fault.Is(err, kind) {
		d.t.Errorf("got %v, want %s", err, kind)
	}
	return fault.Of(err)
}

// live verifies an address for somebody.
func (d *door) live(who id.ID, email string) {
	d.t.Helper()
	d.do(func(tx *db.Tx) error { return credential.SetEmail(tx, d.ring, who, email, now) },
		func(tx *db.Tx) error { return credential.VerifyEmail(tx, d.ring, who, now) })
}

func (d *door) ways(who id.ID) (w credential.Ways) {
	d.t.Helper()
	d.do(func(tx *db.Tx) (err error) { w, err = credential.WaysOf(tx, d.ring, who); return err })
	return w
}

// atOnce runs fn n times at the same moment, and counts how often it was true.
func atOnce(n int, fn func(n int) bool) (won int) {
	var done sync.WaitGroup
	var lock sync.Mutex
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-start
			if fn(i) {
				lock.Lock()
				won++
				lock.Unlock()
			}
		})
	}
	close(start)
	done.Wait()
	return won
}
