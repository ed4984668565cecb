package creator_test

import (
	"context"
	"testing"
	"time"

	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/secret"
)

// Erased: the account stays without the person, and the handle is given to nobody else.
func TestForget(t *testing.T) {
	d, ring := dbtest.Open(t), secret.FixedRing("forget")
	now := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	personal := creator.Personal{FullName: "Ada Canary", Email: "ada@canary.example", Address: "1 Canary Street"}
	write := func(fn func(*db.Tx) error) {
		t.Helper()
		if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *db.Tx) error {
		return creator.Create(tx, ring, creator.Creator{ID: 11, Name: "Ada Canary", Handle: "adacanary", Created: now, Routing: "exact"}, personal)
	})
	for range 2 {
		write(func(tx *db.Tx) error { return creator.Forget(tx, ring, 11) })
	}
	write(func(tx *db.Tx) error {
		c, err := creator.One(tx, 11)
		if err != nil || c.Name != creator.ErasedName || c.Handle != "erased-000000000000b" || c.Routing != "" || !c.Created.Equal(now) || c.Check() != nil {
			t.Errorf("what is left: %+v, %v", c, err)
		}
		if left, err := creator.FindPersonal(tx, ring, 11); left != (creator.Personal{}) || err != nil {
			t.Errorf("what is left: %+v, %v", left, err)
		}
		if _, err := creator.ByHandle(tx, "adacanary"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the handle leads to somebody: %v", err)
		}
		owners, err := creator.Owners(tx, creator.FactEmail, [][]byte{creator.Fact(ring, creator.FactEmail, "ada@canary.example")})
		if len(owners) != 0 || err != nil {
			t.Errorf("facts are left: %v, %v", owners, err)
		}
		err = creator.Create(tx, ring, creator.Creator{ID: 12, Name: "Somebody", Handle: "adacanary", Created: now}, creator.Personal{})
		if !fault.Is(err, fault.Conflict) || fault.Of(err).Field != "handle" {
			t.Errorf("the handle is given to somebody else: %v", err)
		}
		return creator.Create(tx, ring, creator.Creator{ID: 13, Name: "Somebody", Handle: "adacanary2", Created: now}, creator.Personal{})
	})
}
