package accrual_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/bounty"
	"tributary/internal/db"
	"tributary/internal/id"
	"tributary/internal/link"
	"tributary/internal/order"
)

// tale is what a few customers did, as events in order of time.
func (w *bounties) tale(r *rapid.T, prefix string) []order.Event {
	actions := []string{"business_signup", "trial", "trade_in"}
	var tokens []string
	var clicked []time.Time
	for range rapid.IntRange(1, 4).Draw(r, "clicks") {
		at := begin.Add(time.Duration(rapid.IntRange(0, 40).Draw(r, "click hour")) * time.Hour)
		c := rapid.SampledFrom([]id.ID{alice, bob}).Draw(r, "creator")
		if rapid.IntRange(0, 4).Draw(r, "plain") == 0 {
			tokens = append(tokens, w.token(c, at))
		} else {
			tokens = append(tokens, w.own(c, rapid.SampledFrom(actions[:2]).Draw(r, "link of"), at))
		}
		clicked = append(clicked, at)
	}
	carried := func(at time.Time) (list []string) {
		for i := range tokens {
			if !clicked[i].After(at) && rapid.IntRange(0, 3).Draw(r, "carried") > 0 {
				list = append(list, tokens[i])
			}
		}
		return list
	}
	customer := func() string { return fmt.Sprintf("%s-c-%d", prefix, rapid.IntRange(1, 2).Draw(r, "customer")) }
	var events []order.Event
	for n := range rapid.IntRange(1, 5).Draw(r, "completions") {
		at := begin.Add(time.Duration(rapid.IntRange(0, 50*60).Draw(r, "minute")) * time.Minute)
		e := w.completed(fmt.Sprintf("%s-%d", prefix, n), rapid.SampledFrom(actions).Draw(r, "action"), customer(), at, carried(at)...)
		e.Shopper.NewCustomer = rapid.IntRange(0, 3).Draw(r, "new") > 0
		if rapid.Bool().Draw(r, "valued") {
			value := usd(rapid.Int64Range(0, 30000).Draw(r, "value"))
			e.Value = &value
		}
		events = append(events, e)
		if rapid.IntRange(0, 2).Draw(r, "reversed") == 0 {
			events = append(events, w.reversed(e.Bounty, at.Add(time.Hour)))
		}
	}
	for n := range rapid.IntRange(0, 2).Draw(r, "orders") {
		at := begin.Add(time.Duration(rapid.IntRange(0, 50*60).Draw(r, "order minute")) * time.Minute)
		e := w.placed(fmt.Sprintf("%s-%d", prefix, n), at, line(1, 2000, carried(at)...))
		e.Placed.Lines[0].Digital = rapid.IntRange(0, 4).Draw(r, "digital") == 0
		if rapid.Bool().Draw(r, "signed in") {
			e.Placed.Shopper = &order.Shopper{Customer: customer()}
		}
		events = append(events, e)
	}
	return events
}

var selectTale = db.Statement(`SELECT id, creator, reason, pending, earned, state FROM bounty_claim WHERE market = 1 AND id >= $1 AND id < $2 ORDER BY id`)

// claims gives what every bounty of a tale stands at, months included.
func (w *world) claimsOf(prefix string) map[string]string {
	w.t.Helper()
	found := map[string]string{}
	if err := w.db.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(selectTale, func(scan func(...any) error) error {
			var one, reason, kept string
			var c, pending, earned int64
			if err := scan(&one, &c, &reason, &pending, &earned, &kept); err != nil {
				return err
			}
			var s bounty.State
			err := json.Unmarshal([]byte(kept), &s)
			found[one] = fmt.Sprintf("creator %d, P %d, E %d %v, %s, behind %q", c, pending, earned, s.Held.Months, reason, s.Earlier)
			return err
		}, prefix+"-", prefix+".")
	}); err != nil {
		w.t.Fatal(err)
	}
	return found
}

// Any order of arrival, any grouping, each event once or twice, the window passing somewhere in between: the same amounts
// and reasons for each bounty and each line, and an audit that finds nothing.
func TestBountyArrival(t *testing.T) {
	first, second := newBounties(t), newBounties(t)
	second.links = maps.Clone(first.links)
	// The second world's rows of links are those of the first: tokens of one are read in both.
	second.write(func(tx *db.Tx) error { return copyLinks(first.world, tx) })
	now := begin.AddDate(0, 0, 10)
	tales := 0
	rapid.Check(t, func(r *rapid.T) {
		tales++
		prefix := fmt.Sprintf("tale%d", tales)
		now = now.Add(time.Duration(rapid.IntRange(0, 12).Draw(r, "hours passed")) * time.Hour)
		first.clock.Set(now)
		second.clock.Set(now)
		events := first.tale(r, prefix)
		slices.SortStableFunc(events, func(a, b order.Event) int { return a.OccurredAt.Compare(b.OccurredAt) })
		for _, e := range events {
			if fate := first.send(e); fate[0] != "accepted" {
				r.Fatalf("%s: %s", e.ID, fate)
			}
		}
		arrival := rapid.Permutation(slices.Concat(events, events[:len(events)/2])).Draw(r, "arrival")
		for len(arrival) > 0 {
			n := rapid.IntRange(1, len(arrival)).Draw(r, "group")
			second.send(arrival[:n]...)
			arrival = arrival[n:]
			if rapid.IntRange(0, 9).Draw(r, "job") == 0 {
				if _, err := second.Ripen(context.Background(), 1); err != nil {
					r.Fatal(err)
				}
			}
		}
		for _, w := range []*bounties{first, second} {
			if _, err := w.Ripen(context.Background(), 1); err != nil {
				r.Fatal(err)
			}
		}
		if a, b := first.claimsOf(prefix), second.claimsOf(prefix); !maps.Equal(a, b) {
			r.Fatalf("as it happened: %v\nas it came in:  %v", a, b)
		}
		if a, b := first.lines(prefix), second.lines(prefix); !maps.Equal(a, b) {
			r.Fatalf("as it happened: %v\nas it came in:  %v", a, b)
		}
	})
	first.audit()
	second.audit()
	if a, b := first.balances(), second.balances(); !maps.Equal(a, b) {
		t.Errorf("balances differ: %v, %v", a, b)
	}
}

var moveLink = db.Statement(`UPDATE link SET id = $1 WHERE creator = $2 AND body LIKE $3`)

func copyLinks(from *world, tx *db.Tx) error {
	var links []link.Link
	if err := from.db.Read(context.Background(), func(tx *db.Tx) error {
		return link.All(tx, func(l link.Link) error { links = append(links, l); return nil })
	}); err != nil {
		return err
	}
	for _, l := range links {
		if _, err := tx.Exec(moveLink, int64(l.ID), int64(l.Creator), `%"`+l.Action+`"%`); err != nil {
			return err
		}
	}
	return nil
}
