package journal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/fault"
	"tributary/internal/journal"
)

// library is a log of nine entries that differ in everything one searches by.
func library(t testing.TB) *db.DB {
	d := dbtest.Open(t)
	add(t, d, entry(),
		entry(func(e *journal.Entry) {
			e.Action, e.Reason, e.At = "enrolment.declined", "Thin pages", now.AddDate(0, 0, 1)
		}),
		entry(func(e *journal.Entry) { e.Subject, e.Person = ben.Text("cr_")+"/us/associates", ben }),
		entry(func(e *journal.Entry) { e.Subject, e.Person = ben.Text("cr_")+"/uk/influencer", ben }),
		entry(func(e *journal.Entry) {
			e.Actor, e.Action, e.Subject, e.Person, e.Reason = "system", "enrolment.closed", ben.Text("cr_")+"/uk/influencer", 0, "day_181"
		}),
		entry(func(e *journal.Entry) {
			e.Actor, e.Action, e.Subject, e.Person = "cli", "staff.added", "us_0000000000009", 0
		}),
		entry(func(e *journal.Entry) {
			e.Subject, e.Reason, e.At = "document/agreement/3", "ÄRGER über 100 %", now.AddDate(0, 1, 0)
		}),
		entry(func(e *journal.Entry) { e.Subject, e.At = "document/agreement/30", now.AddDate(0, 1, 0) }),
		entry(func(e *journal.Entry) { e.Actor, e.Action = "us_0000000000002", "token.made" }))
	return d
}

func TestSearch(t *testing.T) {
	d := library(t)
	for _, c := range []struct {
		name string
		q    journal.Query
		want string
	}{
		{"everything", journal.Query{}, "9 8 7 6 5 4 3 2 1"},
		{"an actor", journal.Query{Actor: "system"}, "5"}, {"part of an actor", journal.Query{Actor: "sys"}, ""},
		{"an action", journal.Query{Action: "enrolment.declined"}, "2"}, {"actions", journal.Query{Action: "enrolment."}, "8 7 5 4 3 2 1"},
		{"a subject", journal.Query{Subject: ben.Text("cr_")}, "5 4 3"}, {"a path", journal.Query{Subject: ben.Text("cr_") + "/uk"}, "5 4"},
		{"two that begin alike", journal.Query{Subject: "document/agreement/3"}, "8 7"},
		{"from", journal.Query{From: now.AddDate(0, 0, 1)}, "8 7 2"}, {"to", journal.Query{To: now.AddDate(0, 0, 1)}, "9 6 5 4 3 1"},
		{"between", journal.Query{From: now.AddDate(0, 0, 1), To: now.AddDate(0, 0, 2)}, "2"},
		{"words of a reason", journal.Query{Text: "thin PAGES"}, "2"}, {"other letters", journal.Query{Text: "ärger ÜBER"}, "7"},
		{"signs that patterns have", journal.Query{Text: "100 %"}, "7"}, {"words of an action", journal.Query{Text: "an API token was"}, "9"},
		{"in an actor", journal.Query{Text: "00002"}, "9"}, {"in a subject", journal.Query{Text: "influencer"}, "5 4"},
		{"both", journal.Query{Text: "good", Subject: "document/"}, "8"}, {"nothing", journal.Query{Text: "no such words"}, ""},
		{"signs of SQL", journal.Query{Text: "' OR 1=1 --", Actor: "'"}, ""},
		{"older ones", journal.Query{Before: 4}, "3 2 1"}, {"a few", journal.Query{Limit: 2}, "9 8"},
	} {
		if got := numbers(search(t, d, c.q).Entries); got != c.want {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		_, err := journal.Search(tx, ring, journal.Query{Text: strings.Repeat("x", 300)})
		return err
	})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("a long text: %v", err)
	}
}

// Pages hold every entry once, in order, whatever their size.
func TestPages(t *testing.T) {
	d := library(t)
	for _, size := range []int{1, 2, 3, 4, 9, 10} {
		var all []journal.Stored
		for q := (journal.Query{Limit: size, Action: "enrolment."}); ; {
			found := search(t, d, q)
			all = append(all, found.Entries...)
			if q.Before = found.Next; q.Before == 0 {
				break
			}
		}
		if got := numbers(all); got != "8 7 5 4 3 2 1" {
			t.Errorf("in pages of %d: %s", size, got)
		}
	}
}

// What is rare is found far back, and a search that stops says where to go on.
func TestALongLog(t *testing.T) {
	if testing.Short() {
		t.Skip("writes some thousand entries")
	}
	d := dbtest.Open(t)
	add(t, d, entry(func(e *journal.Entry) { e.Actor, e.Reason = "cli", "the needle" }))
	for range 46 {
		write(t, d, func(tx *db.Tx) error {
			for range 100 {
				if err := journal.Add(tx, ring, entry(func(e *journal.Entry) { e.Person = 0 })); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if got := numbers(search(t, d, journal.Query{Actor: "cli"}).Entries); got != "1" {
		t.Errorf("found %q", got)
	}
	first := search(t, d, journal.Query{Text: "the needle"})
	if len(first.Entries) != 0 || !first.Partial || first.Next == 0 {
		t.Fatalf("found %s, next %d", numbers(first.Entries), first.Next)
	}
	second := search(t, d, journal.Query{Text: "the needle", Before: first.Next})
	if numbers(second.Entries) != "1" || second.Next != 0 {
		t.Errorf("found %s, next %d", numbers(second.Entries), second.Next)
	}
	if v, told := verify(t, d, 0); v.Entries != 4601 || len(told) != 0 {
		t.Errorf("%+v %v", v, told)
	}
}

func TestOf(t *testing.T) {
	d := library(t)
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		about, err := journal.Of(tx, ring, ben.Text("cr_")+"/")
		if got := numbers(about); got != "5 4 3" {
			t.Errorf("about ben: %s", got)
		}
		if err != nil {
			return err
		}
		own, err := journal.OfPerson(tx, ring, ben, ben.Text("cr_"), 0, 2)
		if got := numbers(own); got != "3 4" {
			t.Errorf("ben's: %s", got)
		}
		if err != nil {
			return err
		}
		own, err = journal.OfPerson(tx, ring, ben, ben.Text("cr_"), 4, 2)
		if got := numbers(own); got != "5" {
			t.Errorf("ben's, next page: %s", got)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestChanges(t *testing.T) {
	type site struct {
		Address string `json:"address"`
		Items   int    `json:"items,omitempty"`
	}
	type account struct {
		State string    `json:"state"`
		Sites []site    `json:"sites,omitempty"`
		Until time.Time `json:"until,omitzero"`
		Note  *string   `json:"note"`
	}
	note := "hello"
	for _, c := range []struct {
		name          string
		before, after any
		want          string
	}{
		{"nothing", nil, nil, ""}, {"the same", account{State: "a"}, account{State: "a"}, ""},
		{"a value", account{State: "a"}, account{State: "b"}, "state: a → b"},
		{"made", nil, map[string]any{"b": 2, "a": "x"}, "+a:  → x\n+b:  → 2"},
		{"gone", map[string]any{"a": true}, nil, "-a: true → "},
		{"null is a value", account{}, account{Note: &note}, "note: null → hello"},
		{"in a list", account{Sites: []site{{"x", 1}, {"y", 2}}}, account{Sites: []site{{"x", 1}, {"z", 2}, {"w", 3}}},
			"sites[1].address: y → z\n+sites[2].address:  → w\n+sites[2].items:  → 3"},
		{"a shorter list", []int{1, 2, 3}, []int{1}, "-[1]: 2 → \n-[2]: 3 → "},
		{"ten and more", []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []int{0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, "[2]: 0 → 1\n[10]: 0 → 1"},
		{"a plain value", "old", "new", ": old → new"}, {"another kind", []int{1}, "x", ": [1] → x"},
		{"a large number", map[string]any{"n": int64(9007199254740993)}, map[string]any{"n": 1}, "n: 9007199254740993 → 1"},
	} {
		var lines []string
		for _, one := range journal.Changes(c.before, c.after) {
			mark := map[bool]string{true: "+"}[one.Added] + map[bool]string{true: "-"}[one.Gone]
			lines = append(lines, fmt.Sprintf("%s%s: %s → %s", mark, one.Path, one.Before, one.After))
		}
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
