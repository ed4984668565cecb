package rights_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/internal/audit"
	"tributary/internal/auth"
	"tributary/internal/auth/credential"
	"tributary/internal/claim"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/ledger"
	"tributary/internal/link"
	"tributary/internal/person"
	"tributary/internal/rights"
)

// What a database holds, as its engine tells.
var columnsOf = map[db.Engine]*db.Stmt{
	db.SQLite: db.Statement(`SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' ORDER BY m.name, p.cid`),
	db.PostgreSQL: db.Statement(`SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = 'public'
		ORDER BY table_name, ordinal_position`),
}

// everything gives every value of every table as text: tables, by `table.column`.
func (w *world) everything() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	var names [][2]string
	w.read(func(tx *db.Tx) error {
		return tx.Each(columnsOf[tx.Engine()], func(scan func(...any) error) error {
			var table, column string
			err := scan(&table, &column)
			names = append(names, [2]string{table, column})
			return err
		})
	})
	for _, n := range names {
		var text strings.Builder
		statement := db.Statement(fmt.Sprintf(`SELECT "%s" FROM "%s"`, n[1], n[0]))
		w.read(func(tx *db.Tx) error {
			return tx.Each(statement, func(scan func(...any) error) error {
				var value any
				err := scan(&value)
				if raw, ok := value.([]byte); ok {
					value = string(raw)
				}
				fmt.Fprintf(&text, "%v\n", value)
				return err
			})
		})
		all[n[0]+"."+n[1]] = text.String()
	}
	return all
}

// holds gives the columns in which a text stands, whatever the case.
func (w *world) holds(mark string) (found []string) {
	for name, text := range w.everything() {
		if strings.Contains(strings.ToLower(text), mark) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func (w *world) erase(s *somebody, forgo bool) error {
	return rights.Erase(ctx, w.db, w.ring, s.id, personName(s.owner), forgo, w.clock.Now())
}

// verify holds the whole database against the audit.
func (w *world) verify() {
	w.t.Helper()
	differ := func(text string) { w.t.Error("differs:", text) }
	w.read(func(tx *db.Tx) error {
		if _, err := ledger.Verify(tx, differ); err != nil {
			return err
		}
		for _, m := range []int64{1, 2} {
			if _, err := audit.Verify(tx, m, differ); err != nil {
				return err
			}
		}
		if _, err := audit.Personal(tx, w.ring, differ); err != nil {
			return err
		}
		return nil
	})
}

// Marks that somebody left everywhere are nowhere after the erasure, and what was decided is as it was.
func TestErase(t *testing.T) {
	w := newWorld(t)
	w.buy(w.ada, "1001")
	w.buy(w.ben, "1002")
	planted, others := w.holds("zolquark"), w.holds("kolwjark")
	if len(planted) < 15 || !slices.Equal(planted, others) {
		t.Fatalf("marks stand in %v and %v", planted, others)
	}
	before := w.everything()
	w.set(begin.Add(time.Hour))
	if err := w.erase(w.ada, true); err != nil {
		t.Fatal(err)
	}
	if left := w.holds("zolquark"); len(left) != 0 {
		t.Errorf("marks are left in %v", left)
	}
	if left := w.holds("kolwjark"); !slices.Equal(left, others) {
		t.Errorf("somebody else's marks stood in %v, and stand in %v", others, left)
	}
	after := w.everything()
	for _, name := range []string{"decision.body", "transfer.amount", "account.credits", "line.creator", "orders.facts", "creator_day.commission", "document_acceptance.creator"} {
		if before[name] != after[name] || before[name] == "" {
			t.Errorf("%s was %q and is %q", name, before[name], after[name])
		}
	}
	w.verify()
	w.gone(w.ada)
	// Again: nothing changes but the clock.
	w.set(begin.Add(2 * time.Hour))
	if err := w.erase(w.ada, true); err != nil {
		t.Fatal(err)
	}
	if again := w.everything(); !maps.Equal(after, again) {
		for name := range after {
			if after[name] != again[name] && name != "lane.now" {
				t.Errorf("erased again, %s changed", name)
			}
		}
	}
	if err := rights.Export(ctx, w.db, w.ring, w.ada.id, begin, io.Discard); err != nil {
		t.Errorf("what is left cannot be exported: %v", err)
	}
}

func (w *world) set(at time.Time) {
	w.t.Helper()
	if err := w.clock.Set(at); err != nil {
		w.t.Fatal(err)
	}
}

// gone looks that nothing opens, earns or waits any more.
func (w *world) gone(s *somebody) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		if _, ok, err := auth.Who(tx, s.owner, s.device, s.id); ok || err != nil {
			w.t.Errorf("the device opens the account: %v", err)
		}
		if _, found, err := credential.FindByEmail(tx, w.ring, s.mark+"@mail.example"); found || err != nil {
			w.t.Errorf("the address leads to somebody: %v", err)
		}
		if tokens, err := auth.TokensOf(tx, s.id); len(tokens) != 0 || err != nil {
			w.t.Errorf("tokens: %v, %v", tokens, err)
		}
		for _, key := range []enrolment.Key{{Market: 1, Creator: s.id, Program: 1}, {Market: 2, Creator: s.id, Program: 2}} {
			history, err := enrolment.One(tx, key)
			last := history[len(history)-1]
			if err != nil || last.State != enrolment.Closed || last.Reason != rights.Reason || last.Since.After(w.clock.Now()) {
				w.t.Errorf("%+v: %+v, %v", key, last, err)
			}
		}
		coupons, err := link.CouponsOf(tx, s.id)
		if err != nil || len(coupons) != 1 || coupons[0].Until.IsZero() {
			w.t.Errorf("coupons: %+v, %v", coupons, err)
		}
		claims, err := claim.OfCreator(tx, person.Keys{Ring: w.ring}, s.id, 0, 0, 10)
		if err != nil || len(claims) != 1 || claims[0].State != claim.StateWithdrawn {
			w.t.Errorf("claims: %+v, %v", claims, err)
		}
		links, err := link.Of(tx, s.id, 1<<62, 10)
		if err != nil || len(links) != 1 || links[0].Target != "/dp/KETTLE" {
			w.t.Errorf("links: %+v, %v", links, err)
		}
		if c, err := creator.One(tx, s.id); err != nil || c.Name != creator.ErasedName {
			w.t.Errorf("%+v, %v", c, err)
		}
		for _, one := range []id.ID{s.id, s.owner} {
			if erased, err := person.Erased(tx, one); !erased || err != nil {
				w.t.Errorf("the key of %d is there: %v", one, err)
			}
		}
		about, err := journal.Of(tx, w.ring, s.id.Text(id.Creator))
		var actions []string
		for _, e := range about {
			actions = append(actions, e.Action)
		}
		if err != nil || strings.Join(actions, " ") != "person.erased person.erasure_begun creator.changed" || about[0].Actor != personName(s.owner) || !about[2].Erased {
			w.t.Errorf("the log says %v, %v", actions, err)
		}
		return err
	})
}

// Wherever an erasure is cut off, it is gone on with, and ends as if it had not been.
func TestErasureIsResumed(t *testing.T) {
	for upto := range rights.Steps() {
		t.Run(fmt.Sprint("after step ", upto), func(t *testing.T) {
			w := newWorld(t)
			w.buy(w.ada, "1001")
			w.set(begin.Add(time.Hour))
			if err := rights.Cut(w.db, w.ring, w.ada.id, personName(w.ada.owner), w.clock.Now(), upto); err != nil {
				t.Fatal(err)
			}
			w.set(begin.Add(2 * time.Hour))
			done, err := rights.Resume(ctx, w.db, w.ring, w.clock.Now())
			if done != 1 || err != nil {
				t.Fatalf("%d resumed, %v", done, err)
			}
			if left := w.holds("zolquark"); len(left) != 0 {
				t.Errorf("marks are left in %v", left)
			}
			w.gone(w.ada)
			w.verify()
			if done, err := rights.Resume(ctx, w.db, w.ring, w.clock.Now()); done != 0 || err != nil {
				t.Errorf("resumed again: %d, %v", done, err)
			}
		})
	}
}

// Money that is due is said first; who is owed nothing, or forgoes it, is erased.
func TestMoneyIsSaidFirst(t *testing.T) {
	w := newWorld(t)
	w.buy(w.ada, "1001")
	w.read(func(tx *db.Tx) error {
		due, err := rights.DueOf(tx, w.ada.id)
		if len(due) != 1 || due[0].Market.ID != "us" || due[0].Total() != 490 || due[0].Payable != 0 {
			t.Errorf("due: %+v", due)
		}
		return err
	})
	before := w.everything()
	if err := w.erase(w.ada, false); !fault.Is(err, fault.Conflict) || fault.Of(err).Field != "forgo" {
		t.Errorf("erased with money due: %v", err)
	}
	if after := w.everything(); !maps.Equal(before, after) {
		t.Error("what was refused left something")
	}
	if err := w.erase(w.ben, false); err != nil {
		t.Errorf("who is owed nothing: %v", err)
	}
}

// Nothing is left between the rows either: the file's free space holds no mark once the log beside it was folded back.
func TestNothingIsLeftInTheFile(t *testing.T) {
	address := dbtest.Address(t)
	d, err := db.Open(ctx, address, db.Options{Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOn(t, d)
	w.set(begin.Add(time.Hour))
	err = w.erase(w.ada, true)
	if closing := d.Close(); err != nil || closing != nil {
		t.Fatal(err, closing)
	}
	if d.Engine() != db.SQLite {
		return // rows of before go with PostgreSQL's own vacuum
	}
	raw, err := os.ReadFile(address)
	if err != nil || !bytes.Contains(raw, []byte(w.ben.mark)) {
		t.Fatalf("%d bytes, %v: the file does not hold what was written", len(raw), err)
	}
	if count := bytes.Count(raw, []byte(w.ada.mark)); count > 0 {
		t.Errorf("marks are left in %d places of the file", count)
	}
}
