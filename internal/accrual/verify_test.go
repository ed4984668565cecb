package accrual_test

import (
	"context"
	"testing"
	"time"

	"tributary/internal/audit"
	"tributary/internal/db"
	"tributary/internal/order"
)

// An order whose earlier order.placed comes in later moves to its day, with all that counts there.
func TestAnOrderMovesToItsDay(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(begin.Add(72 * time.Hour))
	token := w.token(alice, begin)
	w.send(w.placed("1", begin.Add(20*time.Hour), line(3, 1999, token)))
	w.want(alice, 90, 0)
	second := order.Line{ID: "2", SKU: "MUG", Quantity: 1, Amount: usd(1000), Clicks: []string{token}}
	if fate := w.send(w.placed("1", begin.Add(2*time.Hour), second)); fate[0] != "accepted" {
		t.Fatal(fate)
	}
	w.want(alice, 135, 0)
	w.audit()
}

// Whatever is changed behind the product's back is told.
func TestVerifyFindsWhatWasSpoiled(t *testing.T) {
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.clock.Set(begin.Add(time.Hour))
			w.send(w.placed("1", begin.Add(time.Hour), line(3, 1999, w.token(alice, begin))), w.event(order.TypeShipped, "1", "1", 1, begin.Add(time.Hour)))
			w.audit()
			w.write(func(tx *db.Tx) error {
				changed, err := tx.Exec(spoil)
				if changed == 0 {
					t.Error("nothing was spoiled")
				}
				return err
			})
			found := 0
			if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
				_, err := audit.Verify(tx, 1, func(string) { found++ })
				return err
			}); err != nil || found == 0 {
				t.Errorf("%d differences, %v", found, err)
			}
		})
	}
}

var spoils = map[string]*db.Stmt{
	"a fact":              db.Statement(`UPDATE decision SET body = REPLACE(body, '"bps":450', '"bps":900')`),
	"a target":            db.Statement(`UPDATE decision SET body = REPLACE(body, '"earned":30', '"earned":31')`),
	"a decision gone":     db.Statement(`DELETE FROM decision WHERE lane = 1`),
	"a transfer's amount": db.Statement(`UPDATE transfer SET amount = amount + 1 WHERE lane = 1`),
	"a transfer gone":     db.Statement(`DELETE FROM transfer WHERE leg = 1`),
	"a transfer's goal":   db.Statement(`UPDATE transfer SET credit = 'operator/us/forfeited' WHERE leg = 0`),
	"a line":              db.Statement(`UPDATE line SET pending = pending + 1 WHERE market = 1`),
	"a line's version":    db.Statement(`UPDATE line SET version = version - 1 WHERE market = 1`),
	"a day":               db.Statement(`UPDATE creator_day SET commission = commission + 1 WHERE market = 1`),
	"a day gone":          db.Statement(`DELETE FROM creator_day WHERE market = 1`),
}
