package db_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
)

var (
	putSealed = db.Bulk("BIGINT TEXT BYTEA BIGINT SEAL", `INSERT INTO order_event (market, id, hash, received, seal) VALUES $ROWS`)
	putVolume = db.Statement(`INSERT INTO volume (id, market, number, published, body, seal) VALUES ($1, $2, $3, $4, $5, $SEAL)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body, seal = excluded.seal`)
	readSealed = db.Statement(`SELECT market, id, hash, received, seal FROM order_event ORDER BY market, id`)
	readVolume = db.Statement(`SELECT id, market, number, published, body, seal FROM volume ORDER BY id`)
)

// What is read back has the seal that was written with it, by many rows and by one, on either engine.
func TestSealsAreKept(t *testing.T) {
	d := dbtest.Open(t)
	rows := make([][]any, 75)
	for i := range rows {
		rows[i] = []any{int64(1), "evt-" + string(rune('A'+i)) + "é", []byte{byte(i), 0, 1}, int64(i) - 40}
	}
	if err := d.Write(context.Background(), db.Money, func(tx *db.Tx) error {
		if _, err := tx.Bulk(putSealed, rows); err != nil {
			return err
		}
		for _, body := range []string{"{}", `{"bands":[]}`} {
			if _, err := tx.Exec(putVolume, int64(1), int64(1), int64(2), int64(3), body); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	check := func(values ...any) func(func(...any) error) error {
		return func(scan func(...any) error) error {
			var seal int64
			if err := scan(append(values, &seal)...); err != nil {
				return err
			}
			if got := db.Seal(values); got != seal || seal == 0 {
				t.Errorf("the seal is %d, and what was read has %d", seal, got)
			}
			return nil
		}
	}
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		if err := tx.Each(readSealed, check(new(int64), new(string), new([]byte), new(int64))); err != nil {
			return err
		}
		return tx.Each(readVolume, check(new(int64), new(int64), new(int64), new(int64), new(string)))
	}); err != nil {
		t.Fatal(err)
	}
}

// Whatever bit is turned, and wherever one value ends and the next begins, the seal is another one.
func TestSealsDiffer(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		number, text, raw := rapid.Int64().Draw(r, "number"), rapid.String().Draw(r, "text"), rapid.SliceOf(rapid.Byte()).Draw(r, "bytes")
		seal := db.Seal([]any{number, text, raw})
		if seal == 0 || seal != db.Seal([]any{&number, &text, &raw}) {
			r.Fatalf("the seal is %d", seal)
		}
		bit := rapid.IntRange(0, 63).Draw(r, "bit")
		others := [][]any{{number ^ 1<<bit, text, raw}, {number, text, raw, ""}, {text, number, raw}, {number, text, string(raw)}}
		if len(text) > 0 {
			others = append(others, []any{number, text[:len(text)-1], append([]byte{text[len(text)-1]}, raw...)})
		}
		if len(raw) > 0 {
			turned := append([]byte(nil), raw...)
			turned[bit%len(raw)] ^= 1 << (bit % 8)
			others = append(others, []any{number, text, turned})
		}
		for _, other := range others {
			if db.Seal(other) == seal {
				r.Fatalf("%v has the seal of %v", other, []any{number, text, raw})
			}
		}
	})
}

// A file that its engine wrote is sound; one in which a page is missing is not, and says so.
func TestCheck(t *testing.T) {
	ctx := context.Background()
	d := dbtest.Open(t)
	if err := d.Check(ctx); err != nil {
		t.Error(err)
	}
	if d.Engine() != db.SQLite {
		return
	}
	raw, err := os.ReadFile(dbtest.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	clear(raw[len(raw)-4096:])
	path := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged, err := db.Open(ctx, path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	if err := damaged.Check(ctx); !errors.Is(err, db.ErrDamaged) {
		t.Errorf("the check of a damaged file says %v", err)
	}
}
