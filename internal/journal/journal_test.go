package journal_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/person"
	"tributary/internal/secret"
)

const (
	ada = id.ID(11)
	ben = id.ID(22)
)

var (
	now  = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	ring = secret.FixedRing("journal")
)

func write(t testing.TB, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, d *db.DB, all ...journal.Entry) {
	t.Helper()
	for _, e := range all {
		write(t, d, func(tx *db.Tx) error { return journal.Add(tx, ring, e) })
	}
}

// entry is one that is right; change makes another one of it.
func entry(change ...func(*journal.Entry)) journal.Entry {
	e := journal.Entry{At: now, Actor: "us_0000000000001", Action: "enrolment.approved", Subject: ada.Text("cr_") + "/us/associates",
		Person: ada, Reason: "Good articles", Before: map[string]any{"state": "under_review"}, After: map[string]any{"state": "active"}}
	for _, one := range change {
		one(&e)
	}
	return e
}

// verify gives what the chain's verification tells.
func verify(t testing.TB, d *db.DB, from int64) (v journal.Verified, told []string) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		v, err = journal.Verify(tx, from, func(p journal.Problem) { told = append(told, p.Text) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, told
}

func search(t testing.TB, d *db.DB, q journal.Query) (found journal.Found) {
	t.Helper()
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		found, err = journal.Search(tx, ring, q)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func numbers(all []journal.Stored) (out string) {
	for _, one := range all {
		out += strconv.FormatInt(one.No, 10) + " "
	}
	return strings.TrimSpace(out)
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	d := dbtest.Open(t)
	add(t, d, entry(), entry(func(e *journal.Entry) { e.Person, e.Before, e.After, e.Reason = 0, nil, []int{1, 2}, "" }))
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		one, err := journal.One(tx, ring, 1)
		if err != nil {
			return err
		}
		before, _ := json.Marshal(one.Before)
		if one.No != 1 || !one.At.Equal(now) || one.Actor != "us_0000000000001" || one.Action != "enrolment.approved" || one.Person != ada ||
			one.Reason != "Good articles" || string(before) != `{"state":"under_review"}` || one.Erased || len(one.Hash) != 32 || len(one.Prev) != 0 {
			t.Errorf("read %+v", one)
		}
		next, err := journal.One(tx, ring, 2)
		after, _ := json.Marshal(next.After)
		if next.Before != nil || string(after) != "[1,2]" || string(next.Prev) != string(one.Hash) {
			t.Errorf("read %+v", next)
		}
		if _, err := journal.One(tx, ring, 3); !fault.Is(err, fault.NotFound) {
			t.Errorf("an entry that is not there: %v", err)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// What cannot be an entry is refused with its field, and leaves nothing.
func TestEntriesThatCannotBe(t *testing.T) {
	d := dbtest.Open(t)
	long := strings.Repeat("x", journal.MaxValue)
	for _, c := range []struct {
		name, field string
		change      func(*journal.Entry)
	}{
		{"no time", "at", func(e *journal.Entry) { e.At = time.Time{} }}, {"nobody", "actor", func(e *journal.Entry) { e.Actor = "" }},
		{"an actor of two lines", "actor", func(e *journal.Entry) { e.Actor = "a\nb" }}, {"a long actor", "actor", func(e *journal.Entry) { e.Actor = long }},
		{"no action", "action", func(e *journal.Entry) { e.Action = "" }}, {"words as action", "action", func(e *journal.Entry) { e.Action = "Was approved" }},
		{"one word", "action", func(e *journal.Entry) { e.Action = "approved" }}, {"no subject", "subject", func(e *journal.Entry) { e.Subject = " " }},
		{"a long subject", "subject", func(e *journal.Entry) { e.Subject = long }}, {"a long reason", "reason", func(e *journal.Entry) { e.Reason = long }},
		{"another encoding", "reason", func(e *journal.Entry) { e.Reason = "\xff" }}, {"too much before", "before", func(e *journal.Entry) { e.Before = long }},
		{"too much after", "after", func(e *journal.Entry) { e.After = []string{long} }}, {"a function", "after", func(e *journal.Entry) { e.After = func() {} }},
		{"deep", "after", func(e *journal.Entry) { e.After = json.RawMessage(strings.Repeat("[", 40) + strings.Repeat("]", 40)) }},
	} {
		err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error { return journal.Add(tx, ring, entry(c.change)) })
		if !fault.Is(err, fault.Invalid) || fault.Of(err).Field != c.field {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if v, told := verify(t, d, 0); v.Entries != 0 || len(told) != 0 {
		t.Errorf("what was refused left %d entries, %v", v.Entries, told)
	}
}

// Nothing that is named like a secret gets into the log, and the refusal does not show its value.
func TestSecretsStayOut(t *testing.T) {
	d := dbtest.Open(t)
	const canary = "c4n4ry-value"
	for name, refused := range map[string]bool{"password": true, "Password": true, "new_password": true, "passwordHash": true, "api-token": true, "tokens": true,
		"clientSecret": true, "secret_key": true, "tin": true, "payee_tin": true, "IBAN": true, "pin": true, "phonePin": true, "ssn": true, "totp": true,
		"title": false, "spinning": false, "token_id": false, "password_set": false, "opinion": false, "destination": false, "state": false} {
		for depth, value := range []any{map[string]any{name: canary}, []any{map[string]any{"in": map[string]any{name: canary}}}} {
			err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
				return journal.Add(tx, ring, entry(func(e *journal.Entry) { e.After = value }))
			})
			if refused != fault.Is(err, fault.Invalid) || !refused && err != nil {
				t.Errorf("%s at depth %d: %v", name, depth, err)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the refusal shows the value: %v", err)
			}
		}
	}
}

// Erasure breaks no chain: the decision stays, what was personal in it is gone, and what is decided later is chained too.
func TestErasureBreaksNoChain(t *testing.T) {
	d := dbtest.Open(t)
	add(t, d, entry(), entry(func(e *journal.Entry) { e.Person = ben }))
	before, _ := verify(t, d, 0)
	write(t, d, func(tx *db.Tx) error { return person.Erase(tx, ada, now) })
	add(t, d, entry(func(e *journal.Entry) { e.Reason, e.Action = "late words", "enrolment.closed" }))
	after, told := verify(t, d, 0)
	if len(told) != 0 || before.No != 2 || after.No != 3 {
		t.Errorf("%d then %d entries, %v", before.No, after.No, told)
	}
	found := search(t, d, journal.Query{})
	if numbers(found.Entries) != "3 2 1" {
		t.Fatalf("found %s", numbers(found.Entries))
	}
	for _, one := range found.Entries {
		if gone := one.Person == ada; gone != one.Erased || gone && (one.Reason != "" || one.Before != nil || one.After != nil) || !gone && one.Reason == "" {
			t.Errorf("%d: %+v", one.No, one)
		}
	}
	if got := numbers(search(t, d, journal.Query{Text: "late"}).Entries); got != "" {
		t.Errorf("words about somebody who was erased are found in %s", got)
	}
}

var (
	alter   = db.Statement(`UPDATE journal SET subject = 'nobody' WHERE no = 3`)
	reseal  = db.Statement(`UPDATE journal SET body = $1 WHERE no = 3`)
	forge   = db.Statement(`UPDATE journal SET hash = $1 WHERE no = 3`)
	remove  = db.Statement(`DELETE FROM journal WHERE no = 3`)
	cut     = db.Statement(`DELETE FROM journal WHERE no > 3`)
	rewind  = db.Statement(`UPDATE journal_head SET no = 3, hash = (SELECT hash FROM journal WHERE no = 3) WHERE id = 1`)
	renamed = db.Statement(`UPDATE journal SET no = 9 WHERE no = 5`)
	beheads = db.Statement(`DELETE FROM journal_head`)
)

// Whatever is done to the rows behind the product's back is found.
func TestTamperingIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*db.Tx) error
		want string
	}{
		"nothing":          {func(*db.Tx) error { return nil }, ""},
		"an altered value": {func(tx *db.Tx) error { _, err := tx.Exec(alter); return err }, "entry 3 is not as it was written"},
		"an altered body":  {func(tx *db.Tx) error { _, err := tx.Exec(reseal, []byte("{}")); return err }, "entry 3 is not as it was written"},
		"an altered hash":  {func(tx *db.Tx) error { _, err := tx.Exec(forge, make([]byte, 32)); return err }, "entry 4 does not follow entry 3 as it is stored"},
		"a missing entry":  {func(tx *db.Tx) error { _, err := tx.Exec(remove); return err }, "entry 3 is missing"},
		"a cut end":        {func(tx *db.Tx) error { _, err := tx.Exec(cut); return err }, "the journal ends with entry 3, and its head says 5"},
		"another number":   {func(tx *db.Tx) error { _, err := tx.Exec(renamed); return err }, "entry 9 is not as it was written"},
		"no head":          {func(tx *db.Tx) error { _, err := tx.Exec(beheads); return err }, "the journal has no head"},
		"an end made again": {func(tx *db.Tx) error {
			if _, err := tx.Exec(cut); err != nil {
				return err
			}
			_, err := tx.Exec(rewind)
			return err
		}, "the journal was verified up to entry 5"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.Open(t)
			for range 5 {
				add(t, d, entry())
			}
			v, told := verify(t, d, 0)
			if len(told) > 0 {
				t.Fatal(told)
			}
			write(t, d, func(tx *db.Tx) error { return journal.Keep(tx, v, now) })
			write(t, d, c.do)
			v, told = verify(t, d, 0)
			if all := strings.Join(told, "\n"); !strings.Contains(all, c.want) || (c.want == "") != (all == "") || v.Problems != len(told) {
				t.Errorf("told %q", all)
			}
			// What was sound before stays what is compared with.
			write(t, d, func(tx *db.Tx) error { return journal.Keep(tx, v, now.Add(time.Hour)) })
			write(t, d, func(tx *db.Tx) error {
				kept, ok, err := journal.Kept(tx)
				if !ok || kept.No != 5 || kept.Problems != len(told) || !kept.At.Equal(now.Add(time.Hour)) {
					t.Errorf("kept %+v", kept)
				}
				return err
			})
		})
	}
}

// A chain that was written anew from some entry on agrees with itself, and not with what was verified before.
func TestAChainWrittenAnewIsFound(t *testing.T) {
	d := dbtest.Open(t)
	for range 4 {
		add(t, d, entry())
	}
	v, _ := verify(t, d, 0)
	write(t, d, func(tx *db.Tx) error { return journal.Keep(tx, v, now) })
	write(t, d, func(tx *db.Tx) error {
		if _, err := tx.Exec(cut); err != nil {
			return err
		}
		if _, err := tx.Exec(rewind); err != nil {
			return err
		}
		return journal.Add(tx, ring, entry(func(e *journal.Entry) { e.Reason = "another story" }))
	})
	if _, told := verify(t, d, 0); len(told) != 1 || !strings.Contains(told[0], "entry 4 is not the one that was verified on 2026-11-22") {
		t.Errorf("told %q", told)
	}
	if v, told := verify(t, d, 2); v.Entries != 2 || v.No != 4 || len(told) != 1 {
		t.Errorf("from entry 2 on: %+v, %q", v, told)
	}
}

// Many writers at once: no number is given twice, none is missing, and the chain holds; what is rolled back leaves no gap.
func TestManyWritersKeepOneChain(t *testing.T) {
	d := dbtest.Open(t)
	const writers, each = 8, 25
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				err := d.Write(context.Background(), db.Interactive, func(tx *db.Tx) error {
					if err := journal.Add(tx, ring, entry(func(e *journal.Entry) { e.Person = id.ID(w + 1) })); err != nil {
						return err
					}
					if i%5 == 4 {
						return fault.New(fault.Conflict, "", "changed its mind", "")
					}
					return nil
				})
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	v, told := verify(t, d, 0)
	if len(told) != 0 || v.Entries != writers*each*4/5 || v.No != v.Entries {
		t.Errorf("%+v, %v", v, told)
	}
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		entries, err := journal.Readable(tx, ring, func(p journal.Problem) { t.Error(p.Text) })
		if entries != v.Entries {
			t.Errorf("%d of %d entries were opened", entries, v.Entries)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Every code that the product writes into the log is listed with its words.
func TestEveryActionHasItsWords(t *testing.T) {
	for code, words := range journal.Actions {
		if words == "" || strings.ToLower(words[:1]) != words[:1] || journal.Words(code) != words {
			t.Errorf("%s: %q", code, words)
		}
	}
	if journal.Words("thing.was_done") != "thing was done" {
		t.Error("a code without words is not said at all")
	}
	for code, at := range written(t, "../..") {
		if journal.Actions[code] == "" {
			t.Errorf("%s: %s has no words in Actions", at, code)
		}
	}
}
