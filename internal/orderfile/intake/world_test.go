package intake_test

import (
	"context"
	"os"
	"testing"
	"time"
	_ "time/tzdata"

	"tributary/internal/audit"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/ledger"
	"tributary/internal/market"
	"tributary/internal/orderfile"
	"tributary/internal/orderfile/intake"
	"tributary/internal/secret"
)

// today is long after the files' rows: without a replay all is booked in this month.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func mapping(t testing.TB, path string) *orderfile.Mapping {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := orderfile.ParseMapping(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// world is an installation that files are imported into.
type world struct {
	t     testing.TB
	db    *db.DB
	clock *clock.Business
}

func newWorld(t testing.TB) *world {
	return &world{t, dbtest.Open(t), clock.NewStopped(today)}
}

func (w *world) job(file, mapFile string, change ...func(*intake.Import)) *intake.Import {
	i := &intake.Import{DB: w.db, Ring: secret.FixedRing("test"), Clock: w.clock, Mapping: mapping(w.t, mapFile), Path: file}
	for _, c := range change {
		c(i)
	}
	return i
}

func (w *world) run(file, mapFile string, change ...func(*intake.Import)) *intake.Result {
	w.t.Helper()
	result, err := w.job(file, mapFile, change...).Run(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

func replay(i *intake.Import) { i.Replay = true }

// audit recomputes everything and wants no difference.
func (w *world) audit() {
	w.t.Helper()
	err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		differ := func(text string) { w.t.Error(text) }
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		markets, err := market.All(tx)
		if err != nil {
			return err
		}
		for _, m := range markets {
			if _, err := audit.Verify(tx, m.Lane(), differ); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// balances gives all balances.
func (w *world) balances() map[string]int64 {
	w.t.Helper()
	found := map[string]int64{}
	err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		for _, prefix := range []string{"creator/", "operator/"} {
			entries, err := ledger.Under(tx, prefix)
			if err != nil {
				return err
			}
			for _, e := range entries {
				found[string(e.Account)] = e.Balance
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}
