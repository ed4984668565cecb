package enrolment_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/event"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func at(days int) time.Time { return day.AddDate(0, 0, days) }

// The roads of docs/spec.md §9, and the turns that do not exist.
func TestMay(t *testing.T) {
	for _, road := range [][]enrolment.State{
		{"", enrolment.Draft, enrolment.Applied, enrolment.Provisional, enrolment.UnderReview, enrolment.Active},
		{enrolment.Provisional, enrolment.Closed, enrolment.Applied, enrolment.Provisional},
		{enrolment.Provisional, enrolment.Closed, enrolment.UnderReview, enrolment.Declined, enrolment.Applied},
		{enrolment.Active, enrolment.Warned, enrolment.Limited, enrolment.Suspended, enrolment.Active, enrolment.Closed},
		{enrolment.Suspended, enrolment.Provisional},
	} {
		for i := 1; i < len(road); i++ {
			if !enrolment.May(road[i-1], road[i]) {
				t.Errorf("%q must be able to become %q", road[i-1], road[i])
			}
		}
	}
	for _, turn := range [][2]enrolment.State{
		{"", enrolment.Closed}, {"", enrolment.Declined}, {enrolment.Active, enrolment.Draft}, {enrolment.Active,
			enrolment.Active},
		{enrolment.Declined, enrolment.Active}, {enrolment.Provisional, enrolment.Active}, {enrolment.Draft, enrolment.Active},
		{enrolment.Active, "vanished"}, {"vanished", enrolment.Active},
	} {
		if enrolment.May(turn[0], turn[1]) {
			t.Errorf("%q must not become %q", turn[0], turn[1])
		}
	}
}

func TestActiveAt(t *testing.T) {
	history := enrolment.History{
		{Since: at(0), State: enrolment.Applied}, {Since: at(1), State: enrolment.Provisional},
		{Since: at(181), State: enrolment.Closed, Reason: "three_sales"}, {Since: at(190), State: enrolment.UnderReview},
		{Since: at(200), State: enrolment.Active}, {Since: at(300), State: enrolment.Suspended},
	}
	for _, c := range []struct {
		at     time.Time
		state  enrolment.State
		active bool
	}{
		{at(0).Add(-1), "", false},
		{at(0), enrolment.Applied, false},
		{at(1).Add(-time.Microsecond), enrolment.Applied, false},
		{at(1), enrolment.Provisional, true},
		{at(181).Add(-time.Microsecond), enrolment.Provisional, true},
		{at(181), enrolment.Closed, false},
		{at(195), enrolment.UnderReview, true},
		{at(299), enrolment.Active, true},
		{at(9000), enrolment.Suspended, false},
	} {
		if history.At(c.at) != c.state || enrolment.ActiveAt(history, c.at) != c.active {
			t.Errorf("at %s: %q, active %v; want %q, %v", c.at, history.At(c.at), enrolment.ActiveAt(history, c.at), c.state,
				c.active)
		}
	}
	if !history.Approved(history[len(history)-1].Since) || history[:4].Approved(history[len(history)-1].Since) {
		t.Error("only the standing active is an approval")
	}
}

// What the edge keeps says the same as the history, at every instant.
func TestSpansSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := []enrolment.State{enrolment.Draft, enrolment.Applied, enrolment.Provisional, enrolment.UnderReview,
			enrolment.Active,
			enrolment.Warned, enrolment.Limited, enrolment.Suspended, enrolment.Declined, enrolment.Closed}
		var history enrolment.History
		for i := range rapid.IntRange(0, 12).Draw(t, "length") {
			history = append(history, enrolment.Standing{Since: at(3 * i), State: rapid.SampledFrom(states).Draw(t, "state")})
		}
		spans := history.Spans()
		for i := 1; i < len(spans); i++ {
			if spans[i].Active == spans[i-1].Active || !spans[i].Since.After(spans[i-1].Since) {
				t.Fatalf("spans do not alternate: %v", spans)
			}
		}
		for days := -1; days < 40; days++ {
			active := false
			for _, span := range spans {
				if !span.Since.After(at(days)) {
					active = span.Active
				}
			}
			if active != enrolment.ActiveAt(history, at(days)) {
				t.Fatalf("day %d: spans say %v: %v", days, active, history)
			}
		}
	})
}

func TestHistoryIsOnlyAddedTo(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	key := enrolment.Key{Market: 1, Creator: id.New(day), Program: enrolment.Associates}
	save := func(s enrolment.Standing) error {
		return d.Write(ctx, db.Interactive, func(tx *db.Tx) error { return enrolment.Save(tx, key, s) })
	}
	first := enrolment.Standing{Since: at(0), State: enrolment.Active}
	for range 2 { // the second time is a repetition, and changes nothing
		if err := save(first); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		standing enrolment.Standing
		kind     fault.Kind
	}{
		{enrolment.Standing{Since: at(-1), State: enrolment.Warned}, fault.Conflict},
		{enrolment.Standing{Since: at(0), State: enrolment.Warned}, fault.Conflict},
		{enrolment.Standing{Since: at(1), State: enrolment.Draft}, fault.Conflict},
		{enrolment.Standing{Since: at(1), State: "great"}, fault.Invalid},
		{enrolment.Standing{Since: at(1), State: enrolment.Warned, Reason: string(make([]byte, 501))}, fault.Invalid},
	} {
		if err := save(c.standing); !fault.Is(err, c.kind) {
			t.Errorf("%v: %v, want %v", c.standing, err, c.kind)
		}
	}
	last := enrolment.Standing{Since: at(2).Add(1500), State: enrolment.Closed, Reason: "dormant"}
	if err := save(last); err != nil {
		t.Fatal(err)
	}
	want := enrolment.History{first, {Since: at(2).Add(time.Microsecond), State: enrolment.Closed, Reason: "dormant"}}
	if err := d.Read(ctx, func(tx *db.Tx) error {
		all, err := enrolment.Standings(tx, 1, []id.ID{key.Creator, 7})
		if err != nil || len(all) != 1 || !slices.Equal(all[key], want) {
			t.Errorf("standings %v, %v", all, err)
		}
		changes, err := event.Changes(tx, 0, 10)
		if err != nil || len(changes) != 2 || changes[1].Key != key.Text() || changes[1].Kind != event.FeedStanding {
			t.Errorf("the feed says %v, %v", changes, err)
		}
		count := 0
		err = enrolment.All(tx, func(found enrolment.Key, history enrolment.History) error {
			count++
			if found != key || !slices.Equal(history, want) {
				t.Errorf("all: %v %v", found, history)
			}
			return nil
		})
		if count != 1 {
			t.Errorf("%d enrolments, want 1", count)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestKeyText(t *testing.T) {
	key := enrolment.Key{Market: 65535, Creator: id.New(day), Program: enrolment.Connections}
	if read, err := enrolment.ParseKey(key.Text()); err != nil || read != key {
		t.Errorf("%q is read as %v, %v", key.Text(), read, err)
	}
	for _, text := range []string{"", "1/2", "1/cr_0000000000000/x", "70000/cr_0000000000000/1", "1/cr_/1",
		"1/cr_0000000000000/1/1"} {
		if _, err := enrolment.ParseKey(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
}
