package audit_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/explain"
	"tributary/internal/market"
	"tributary/internal/ratecard"
)

// The claim of these tests: whatever a disk does to a page of the database, either the file does not open, or the audit
// tells a difference, or every figure that leaves the product is what it was.

// shortFlips is how often a file is damaged in the normal run; FLIPS sets another number, FLIPS_SEED other dice.
const shortFlips = 60

func fromEnv(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// TestFlips damages pages of every table in turn: a bit, a run of zeroes, noise, or two pages that change places.
func TestFlips(t *testing.T) {
	sound := newSound(t)
	seed, count := fromEnv("FLIPS_SEED", 1), fromEnv("FLIPS", shortFlips)
	fates := map[string]map[fate]int{}
	for i := range count {
		dice := rand.New(rand.NewPCG(seed, i))
		table := aimed[i%uint64(len(aimed))]
		if i%5 == 4 {
			table = sound.names[dice.IntN(len(sound.names))]
		}
		h := sound.harm(dice, table)
		became := sound.try(t, h)
		if fates[table] == nil {
			fates[table] = map[fate]int{}
		}
		fates[table][became]++
		if t.Failed() && os.Getenv("KEEP") == "" {
			t.Fatalf("FLIPS_SEED=%d, flip %d", seed, i)
		}
	}
	t.Logf("%d flips with FLIPS_SEED=%d over %d pages", count, seed, sound.count)
	for _, table := range sound.names {
		if fates[table] != nil {
			t.Logf("%-30s %v", table, fates[table])
		}
	}
}

// aimed are the tables that figures come from: four of five damages are theirs, by turns, the rest falls anywhere.
var aimed = []string{"line", "decision", "transfer", "account", "orders", "order_event", "order_waiting", "order_key", "creator_day", "margin_month",
	"reason_month", "volume_month", "bounty_claim", "rate_card", "promotion", "contract", "volume", "bounty", "marketplace"}

// fate is what became of a damage.
type fate string

const (
	unopened fate = "does not open"
	told     fate = "told"
	harmless fate = "harmless" // no figure is another one
)

// sound is a database file in order, with the figures that leave it.
type sound struct {
	folder  string
	raw     []byte
	size    int              // of a page
	count   int              // of pages
	names   []string         // of tables and indexes
	pages   map[string][]int // of each, from 0
	figures []string
}

// newSound always makes a file of SQLite's: PostgreSQL has checksums of its own pages.
func newSound(t *testing.T) *sound {
	path := filepath.Join(t.TempDir(), "sound.db")
	d, err := db.Open(context.Background(), path, db.Options{Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, d)
	w.history(150, 1)
	w.Close()
	if _, err := verify(d, func(text string) { t.Error(text) }); err != nil || t.Failed() {
		t.Fatal(err)
	}
	s := &sound{folder: t.TempDir(), pages: map[string][]int{}}
	if s.figures, err = figures(d); err != nil {
		t.Fatal(err)
	}
	// Closing folds the log back into the file.
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if s.raw, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	s.readPages(t, path)
	return s
}

// readPages asks the engine which page belongs to what.
func (s *sound) readPages(t *testing.T, path string) {
	d, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rows, err := d.Query("SELECT name, pageno, pgsize FROM dbstat")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var page, size int
		if err := rows.Scan(&name, &page, &size); err != nil {
			t.Fatal(err)
		}
		s.pages[name] = append(s.pages[name], page-1)
		s.size = size
		s.count++
	}
	s.names = slices.Sorted(maps.Keys(s.pages))
	if err := rows.Err(); err != nil || s.count == 0 || s.size*s.count > len(s.raw) {
		t.Fatalf("%d pages of %d bytes, %v", s.count, s.size, err)
	}
}

// harm is a damage with words for it.
type harm struct {
	text string
	do   func(raw []byte)
}

// harm rolls a damage to a page of that table.
func (s *sound) harm(dice *rand.Rand, table string) harm {
	pages := s.pages[table]
	page := pages[dice.IntN(len(pages))]
	at := page*s.size + dice.IntN(s.size)
	for range 20 { // mostly where something stands
		if s.raw[at] == 0 && dice.IntN(8) != 0 {
			at = page*s.size + dice.IntN(s.size)
		}
	}
	where := fmt.Sprintf("%s, page %d, byte %d", table, page+1, at-page*s.size)
	length := min(1+dice.IntN(64), (page+1)*s.size-at)
	switch kind := dice.IntN(10); {
	case kind < 6:
		bit := dice.IntN(8)
		return harm{fmt.Sprintf("%s: bit %d turned", where, bit), func(raw []byte) { raw[at] ^= 1 << bit }}
	case kind < 8:
		return harm{fmt.Sprintf("%s: %d bytes zeroed", where, length), func(raw []byte) { clear(raw[at : at+length]) }}
	case kind < 9:
		noise := make([]byte, length)
		for i := range noise {
			noise[i] = byte(dice.Uint32())
		}
		return harm{fmt.Sprintf("%s: %d bytes of noise", where, length), func(raw []byte) { copy(raw[at:], noise) }}
	}
	other := dice.IntN(s.count)
	if same := pages[dice.IntN(len(pages))]; dice.IntN(2) == 0 {
		other = same
	}
	return harm{fmt.Sprintf("%s, page %d in place of page %d", table, page+1, other+1), func(raw []byte) {
		kept := slices.Clone(raw[page*s.size : (page+1)*s.size])
		copy(raw[page*s.size:(page+1)*s.size], raw[other*s.size:(other+1)*s.size])
		copy(raw[other*s.size:], kept)
	}}
}

// try damages a copy of the file and opens it as the product does.
func (s *sound) try(t *testing.T, h harm) (became fate) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s: panic: %v\n%s", h.text, p, debug.Stack())
		}
	}()
	raw := slices.Clone(s.raw)
	h.do(raw)
	path := filepath.Join(s.folder, "flipped.db")
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	d, err := db.Open(ctx, path, db.Options{Unsynced: true})
	if err != nil {
		return unopened
	}
	defer d.Close()
	if err := d.Migrate(ctx); err != nil {
		return unopened
	}
	found := d.Check(ctx) != nil
	if _, err := verify(d, func(string) { found = true }); err != nil || found {
		return told
	}
	now, err := figures(d)
	if err != nil {
		t.Errorf("%s: the audit found nothing, and a figure cannot be read: %v", h.text, err)
		return told
	}
	for i := range max(len(now), len(s.figures)) {
		was, is := "nothing", "nothing"
		if i < len(s.figures) {
			was = s.figures[i]
		}
		if i < len(now) {
			is = now[i]
		}
		if was != is {
			t.Errorf("%s: the audit found nothing, and a figure is another one:\n%s\nwas\n%s", h.text, is, was)
			return told
		}
	}
	return harmless
}

// figureRows are the figures that stand in rows, in the order of their keys. Sums of nothing are none.
var figureRows = []*db.Stmt{
	db.Statement(`SELECT path, debits, credits FROM account ORDER BY path`),
	db.Statement(`SELECT market, order_id, line_id, at, sku, quantity, amount, digital, creator, program, tracking, reason, pending, earned, open_units, touched
		FROM line ORDER BY market, order_id, line_id`),
	db.Statement(`SELECT market, id, action, at, offer, creator, program, tracking, reason, pending, earned, reversed, ripe, touched FROM bounty_claim ORDER BY market, id`),
	db.Statement(`SELECT market, creator, day, orders, units, revenue, commission, first_lines, first_revenue, linear_revenue
		FROM creator_day WHERE orders <> 0 OR units <> 0 OR revenue <> 0 OR commission <> 0 OR first_lines <> 0 OR first_revenue <> 0 OR linear_revenue <> 0 ORDER BY market, creator, day`),
	db.Statement(`SELECT market, month, creator, category, sold, units, free, revenue, commission, promotion, fee
		FROM margin_month WHERE units <> 0 OR free <> 0 OR revenue <> 0 OR commission <> 0 OR promotion <> 0 OR fee <> 0 ORDER BY market, month, creator, category, sold`),
	db.Statement(`SELECT market, creator, month, reason, lines, revenue FROM reason_month WHERE lines <> 0 OR revenue <> 0 ORDER BY market, creator, month, reason`),
	db.Statement(`SELECT market, creator, month, base, extra, version FROM volume_month ORDER BY market, creator, month`),
	db.Statement(`SELECT lane, subject, version, component, leg, debit, credit, amount, at FROM transfer ORDER BY lane, subject, version, component, leg`),
	db.Statement(`SELECT lane, subject, version, at, body FROM decision ORDER BY lane, subject, version`),
	db.Statement(`SELECT market, id, at, received, paid, facts FROM orders ORDER BY market, id`),
	db.Statement(`SELECT market, id, hash, received FROM order_event ORDER BY market, id`),
	db.Statement(`SELECT market, order_id, received, id, body FROM order_waiting ORDER BY market, order_id, received, id`),
	db.Statement(`SELECT market, key, at, order_id FROM order_key ORDER BY market, key, at, order_id`),
}

// columnsOf counts what a statement selects: none of them calls a function of several values.
func columnsOf(s *db.Stmt) int {
	list, _, _ := strings.Cut(strings.Join(strings.Fields(s.Text(db.SQLite)), " "), " FROM ")
	return strings.Count(list, ",") + 1
}

// figures is everything that pages, files and the next decision read, as text.
func figures(d *db.DB) (all []string, err error) {
	err = d.Read(context.Background(), func(tx *db.Tx) error {
		var lines, bounties [][]any
		for i, statement := range figureRows {
			width := columnsOf(statement)
			if err := tx.Each(statement, func(scan func(...any) error) error {
				row, dest := make([]any, width), make([]any, width)
				for c := range row {
					dest[c] = &row[c]
				}
				err := scan(dest...)
				all = append(all, fmt.Sprintf("%d %v", i, row))
				switch i {
				case 1:
					lines = append(lines, row)
				case 2:
					bounties = append(bounties, row)
				}
				return err
			}); err != nil {
				return err
			}
		}
		if err := explanations(tx, &all, lines, bounties); err != nil {
			return err
		}
		return books(tx, &all)
	})
	return all, err
}

// explanations adds what is told of every line and bounty.
func explanations(tx *db.Tx, all *[]string, lines, bounties [][]any) error {
	add := func(one any, err error) error {
		if err != nil {
			return err
		}
		raw, err := json.Marshal(one)
		*all = append(*all, string(raw))
		return err
	}
	for _, row := range lines {
		if err := add(explain.Line(tx, uint16(row[0].(int64)), row[1].(string), row[2].(string))); err != nil {
			return err
		}
	}
	for _, row := range bounties {
		if err := add(explain.OneBounty(tx, uint16(row[0].(int64)), row[1].(string))); err != nil {
			return err
		}
	}
	return nil
}

// books adds what the next decisions are made with.
func books(tx *db.Tx, all *[]string) error {
	markets, err := market.All(tx)
	if err != nil {
		return err
	}
	for _, m := range markets {
		book, err := ratecard.LoadBook(tx, m.No)
		if err != nil {
			return err
		}
		offers, err := bounty.Load(tx, m.No)
		if err != nil {
			return err
		}
		raw, err := json.Marshal([]any{m.No, m.ID, m, book, offers})
		if err != nil {
			return err
		}
		*all = append(*all, string(raw))
	}
	return nil
}
