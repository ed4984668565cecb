package application_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/application"
	"tributary/internal/creator"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/fault"
	"tributary/internal/id"
	"tributary/internal/person"
	"tributary/internal/secret"
)

var (
	ring  = secret.FixedRing("application")
	start = time.Date(2026, 7, 1, 14, 0, 0, 0, time.UTC)
	ada   = id.ID(101)
)

func on(program enrolment.Program) enrolment.Key {
	return enrolment.Key{Market: 1, Creator: ada, Program: program}
}

// desk is a database with the few things that tests do to it.
type desk struct {
	t *testing.T
	*db.DB
}

func open(t *testing.T) desk {
	d := desk{t, dbtest.Open(t)}
	if err := d.write(func(tx *db.Tx) error {
		return creator.Create(tx, ring, creator.Creator{ID: ada, Name: "Ada", Handle: "ada", Created: start}, creator.Personal{})
	}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d desk) write(fn func(*db.Tx) error) error {
	return d.Write(context.Background(), db.Interactive, fn)
}

func (d desk) save(key enrolment.Key, f application.Form, at time.Time) error {
	return d.write(func(tx *db.Tx) error { return application.Save(tx, ring, key, f, at) })
}

func (d desk) send(key enrolment.Key, at time.Time) (a application.Application, err error) {
	return a, d.write(func(tx *db.Tx) (err error) { a, err = application.Send(tx, ring, key, at); return err })
}

// all reads every application of Ada's.
func (d desk) all() (all []application.Application) {
	d.t.Helper()
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) { all, err = application.All(tx, ring, ada); return err }); err != nil {
		d.t.Fatal(err)
	}
	return all
}

func (d desk) begin(key enrolment.Key) (f application.Form) {
	d.t.Helper()
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) { f, err = application.Begin(tx, ring, key); return err }); err != nil {
		d.t.Fatal(err)
	}
	return f
}

// A draft is kept unfinished, is sent once, and is then left as it is; the next one begins with a copy.
func TestLifeOfAnApplication(t *testing.T) {
	d, key := open(t), on(enrolment.Associates)
	if _, err := d.send(key, start); !fault.Is(err, fault.Conflict) {
		t.Errorf("nothing was sent: %v", err)
	}
	unfinished := application.Form{About: "I", Topics: []string{"not a topic yet"}}
	for i, f := range []application.Form{unfinished, unfinished} {
		if err := d.save(key, f, start.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.send(key, start); !fault.Is(err, fault.Invalid) || fault.Of(err).Field != "about" {
		t.Errorf("an unfinished one was sent: %v", err)
	}
	all := d.all()
	if len(all) != 1 || !same(all[0].Form, unfinished) || all[0].No != 1 || !all[0].Sent.IsZero() || !all[0].Saved.Equal(start.Add(time.Minute)) {
		t.Errorf("after two saves: %+v", all)
	}
	if err := d.save(key, full(), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	sent, err := d.send(key, start.Add(2*time.Hour))
	if err != nil || !sent.Sent.Equal(start.Add(2*time.Hour)) || sent.Key != key {
		t.Fatalf("%+v, %v", sent, err)
	}
	if _, err := d.send(key, start.Add(3*time.Hour)); !fault.Is(err, fault.Conflict) {
		t.Errorf("it was sent twice: %v", err)
	}
	if f := d.begin(key); !same(f, full()) {
		t.Errorf("the next one begins with %+v", f)
	}
	again := full()
	again.About += " And now about knives."
	if err := d.save(key, again, start.AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	}
	all = d.all()
	if len(all) != 2 || all[0].No != 2 || !same(all[0].Form, again) || !same(all[1].Form, full()) || !all[1].Sent.Equal(sent.Sent) {
		t.Errorf("applying again: %+v", all)
	}
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		newest, ok, err := application.Newest(tx, ring, key)
		if err != nil || !ok || newest.No != 2 {
			t.Errorf("newest %+v, %v, %v", newest, ok, err)
		}
		last, ok, err := application.NewestSent(tx, ring, key)
		if err != nil || !ok || last.No != 1 || !same(last.Form, full()) {
			t.Errorf("newest that was sent %+v, %v, %v", last, ok, err)
		}
		_, ok, err = application.Newest(tx, ring, on(enrolment.Influencer))
		if err != nil || ok {
			t.Errorf("another program has one: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Who is in one program tells another nothing twice; a draft of it is nobody's beginning.
func TestOtherProgramBeginsWithWhatWasTold(t *testing.T) {
	d := open(t)
	if err := d.save(on(enrolment.Associates), full(), start); err != nil {
		t.Fatal(err)
	}
	if f := d.begin(on(enrolment.Influencer)); !f.Empty() {
		t.Errorf("begins with a draft: %+v", f)
	}
	if _, err := d.send(on(enrolment.Associates), start); err != nil {
		t.Fatal(err)
	}
	if f := d.begin(on(enrolment.Influencer)); !same(f, full()) {
		t.Errorf("begins with %+v", f)
	}
	if err := d.save(on(enrolment.Connections), application.Form{}, start); err != nil {
		t.Fatal(err)
	}
	if _, err := d.send(on(enrolment.Connections), start); err != nil {
		t.Errorf("connections asks for its gate alone: %v", err)
	}
}

// What not even a draft may hold is refused, and leaves the draft of before.
func TestDraftsAreBounded(t *testing.T) {
	d, key := open(t), on(enrolment.Associates)
	if err := d.save(key, full(), start); err != nil {
		t.Fatal(err)
	}
	for field, f := range map[string]application.Form{
		"about":     {About: strings.Repeat("x", 8001)},
		"topics":    {Topics: make([]string, application.MaxList+1)},
		"traffic":   {Traffic: []string{strings.Repeat("x", 301)}},
		"methods":   {Methods: []string{"\xff"}},
		"interests": {Interests: []string{"a\nb"}},
		"networks":  {Networks: []string{"\x00"}},
		"visits":    {Visits: "\x00"},
	} {
		if err := d.save(key, f, start); err == nil || fault.Of(err).Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := d.save(key, application.Form{About: "a\x00b"}, start); !fault.Is(err, fault.Invalid) {
		t.Errorf("a zero byte: %v", err)
	}
	if err := d.save(enrolment.Key{Market: 1, Creator: ada}, full(), start); !fault.Is(err, fault.Invalid) {
		t.Errorf("no program: %v", err)
	}
	if all := d.all(); len(all) != 1 || !same(all[0].Form, full()) {
		t.Errorf("what was refused left %+v", all)
	}
}

var (
	selectBody = db.Statement(`SELECT id, body FROM application WHERE creator = $1 ORDER BY id`)
	swapBody   = db.Statement(`UPDATE application SET body = $2 WHERE id = $1`)
)

// What is told stands sealed in its own row, opens in no other, and is gone with its person.
func TestSealed(t *testing.T) {
	d := open(t)
	for i, program := range []enrolment.Program{enrolment.Associates, enrolment.Influencer} {
		if err := d.save(on(program), full(), start.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	type row struct {
		id   int64
		body []byte
	}
	var rows []row
	if err := d.write(func(tx *db.Tx) error {
		rows = nil
		return tx.Each(selectBody, func(scan func(...any) error) error {
			var r row
			err := scan(&r.id, &r.body)
			rows = append(rows, r)
			return err
		}, int64(ada))
	}); err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if bytes.Contains(rows[0].body, []byte("kettles")) || bytes.Contains(rows[0].body, []byte("kitchen")) {
		t.Error("a form is stored plain")
	}
	undone := errors.New("undone")
	if err := d.write(func(tx *db.Tx) error {
		if _, err := tx.Exec(swapBody, rows[0].id, rows[1].body); err != nil {
			return err
		}
		if _, err := application.All(tx, ring, ada); err == nil {
			t.Error("a form opens in another row")
		}
		return undone
	}); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if err := d.write(func(tx *db.Tx) error { return person.Erase(tx, ada, start) }); err != nil {
		t.Fatal(err)
	}
	for _, a := range d.all() {
		if !a.Empty() {
			t.Errorf("%+v can be read after the person was erased", a)
		}
	}
	if err := d.save(on(enrolment.Associates), full(), start); !fault.Is(err, fault.Denied) {
		t.Errorf("an erased person applies: %v", err)
	}
}

// Two windows of the same team begin and send at once: there is one draft, and it is sent once.
func TestAtOnce(t *testing.T) {
	d, key := open(t), on(enrolment.Associates)
	both := func(do func() error) (failed []error) {
		var group sync.WaitGroup
		results := make(chan error, 2)
		for range 2 {
			group.Go(func() { results <- do() })
		}
		group.Wait()
		close(results)
		for err := range results {
			if err != nil {
				failed = append(failed, err)
			}
		}
		return failed
	}
	for _, err := range both(func() error { return d.save(key, full(), start) }) {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("saving at once: %v", err)
		}
	}
	if all := d.all(); len(all) != 1 {
		t.Errorf("%d drafts", len(all))
	}
	failed := both(func() error { _, err := d.send(key, start); return err })
	if len(failed) != 1 || !fault.Is(failed[0], fault.Conflict) {
		t.Errorf("sending at once: %v", failed)
	}
}
