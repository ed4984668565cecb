package correction_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tributary/internal/accrual"
	"tributary/internal/click"
	"tributary/internal/correction"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

func found(lines ...correction.LineKey) correction.Proposal {
	return correction.Proposal{Kind: correction.Disqualification, Reason: "incentivised_traffic", Words: "Points were paid for clicks.",
		Evidence: []string{"https://evidence.example/points"}, Lines: lines}
}

func back(of id.ID, lines ...correction.LineKey) correction.Proposal {
	return correction.Proposal{Kind: correction.Reversal, Reason: "appeal_won", Words: "No points were paid.", Reverses: of, Lines: lines}
}

// posted proposes, lets a second person approve where that is needed, and posts.
func (w *world) posted(p correction.Proposal) correction.Correction {
	w.t.Helper()
	w.must(w.clock.Set(w.clock.Now().Add(time.Second)))
	c, err := w.propose(w.finance, p)
	w.must(err)
	if c.State == correction.Proposed {
		c, err = w.decide(correction.Approve, c.ID, w.admin, "Seen.")
		w.must(err)
	}
	c, err = correction.Post(context.Background(), w.db, w.a, c.ID)
	w.must(err)
	if c.State != correction.Posted {
		w.t.Fatalf("posted: %+v", c)
	}
	return c
}

func (w *world) wantBalance(c id.ID, want int64) {
	w.t.Helper()
	if got := w.balance(c); got != want {
		w.t.Errorf("holds %d, want %d", got, want)
	}
}

// An adjustment reaches the creator's balance once, at once up to the limit and after a second person beyond it.
func TestAdjustmentIsPostedOnce(t *testing.T) {
	w := newWorld(t)
	small := w.posted(adjust(2500))
	w.wantBalance(alice, 2500)
	if _, err := correction.Post(context.Background(), w.db, w.a, small.ID); err != nil {
		t.Error(err)
	}
	w.wantBalance(alice, 2500)
	big, err := w.propose(w.finance, adjust(-limit-1))
	w.must(err)
	w.refused("posted before a second person", fault.Conflict, "", func() error {
		_, err := correction.Post(context.Background(), w.db, w.a, big.ID)
		return err
	})
	w.wantBalance(alice, 2500)
	_, err = w.decide(correction.Approve, big.ID, w.other, "")
	w.must(err)
	_, err = correction.Post(context.Background(), w.db, w.a, big.ID)
	w.must(err)
	w.wantBalance(alice, 2500-limit-1)
	_, steps := w.find(big.ID)
	if len(steps) != 3 || steps[2].Action != "posted" || steps[2].Who != "" {
		t.Errorf("history: %+v", steps)
	}
	w.audit()
}

// Whatever was approved when a process ended is posted by the next look, once; what cannot be posted keeps nothing else.
func TestResume(t *testing.T) {
	w := newWorld(t)
	lines := w.order("1001", alice, alice)
	for _, p := range []correction.Proposal{adjust(100), found(lines[0]), adjust(200)} {
		_, err := w.propose(w.finance, p)
		w.must(err)
	}
	_, err := w.propose(w.finance, adjust(limit+1)) // waits for somebody
	w.must(err)
	var all sync.WaitGroup
	for range 4 { // several nodes start at once
		all.Go(func() {
			if _, err := correction.Resume(context.Background(), w.db, w.a); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.wantBalance(alice, 1000+300)
	if n, err := correction.Resume(context.Background(), w.db, w.a); n != 0 || err != nil {
		t.Errorf("once more: %d, %v", n, err)
	}
	w.wantBalance(alice, 1000+300)
	w.audit()
}

// The process ends between posting and marking: what was booked is not booked again.
func TestPostedButNotMarked(t *testing.T) {
	w := newWorld(t)
	lines := w.order("1001", alice)
	for _, p := range []correction.Proposal{adjust(100), found(lines[0])} {
		c, err := w.propose(w.finance, p)
		w.must(err)
		_, err = correction.Book(c, context.Background(), w.db, w.a)
		w.must(err)
		if c, _ := w.find(c.ID); c.State != correction.Approved {
			t.Errorf("left %s", c.State)
		}
	}
	w.wantBalance(alice, 100)
	if n, err := correction.Resume(context.Background(), w.db, w.a); n != 2 || err != nil {
		t.Errorf("resumed %d, %v", n, err)
	}
	w.wantBalance(alice, 100)
	w.audit()
}

// Lines found in breach earn nothing; a reversal, whole or in part, gives back what they earn.
func TestDisqualification(t *testing.T) {
	w := newWorld(t)
	lines := w.order("1001", alice, alice, alice, bob)
	w.wantBalance(alice, 3000)
	first := w.posted(found(lines[0], lines[1]))
	if first.Creator != alice || first.Amount != -2000 {
		t.Errorf("taken: %+v", first)
	}
	w.wantBalance(alice, 1000)
	w.wantBalance(bob, 1000)
	part := w.posted(back(first.ID, lines[0]))
	if part.Creator != alice || part.Amount != 1000 || part.Reverses != first.ID {
		t.Errorf("given back: %+v", part)
	}
	w.wantBalance(alice, 2000)
	again := w.posted(found(lines[0])) // what stands no more may be found again
	w.wantBalance(alice, 1000)
	rest := w.posted(back(first.ID))
	if len(rest.Lines) != 1 || rest.Lines[0] != lines[1] {
		t.Errorf("the rest: %+v", rest)
	}
	w.wantBalance(alice, 2000)
	w.posted(back(again.ID))
	w.wantBalance(alice, 3000)
	_, steps := w.find(first.ID)
	if last := steps[len(steps)-1]; last.Words != "2 of 2 lines changed" {
		t.Errorf("history: %+v", steps)
	}
	w.must(w.read(func(tx *db.Tx) error {
		all, err := correction.OfLine(tx, 1, lines[0])
		if len(all) != 4 || all[0].ID != first.ID {
			t.Errorf("of the line: %+v", all)
		}
		return err
	}))
	w.audit()
}

func TestLinesThatCannotBeTaken(t *testing.T) {
	w := newWorld(t)
	lines := w.order("1001", alice, alice, bob, 0)
	first := w.posted(found(lines[0]))
	many := w.order("1002", alice, alice)
	waits, err := w.propose(w.finance, adjust(limit+1))
	w.must(err)
	for name, c := range map[string]struct {
		p     correction.Proposal
		kind  fault.Kind
		field string
	}{
		"taken already":            {found(lines[1], lines[0]), fault.Conflict, "lines[1]"},
		"of two creators":          {found(lines[1], lines[2]), fault.Invalid, "lines[1]"},
		"of nobody":                {found(lines[3]), fault.Conflict, "lines[0]"},
		"unknown":                  {found(correction.LineKey{Order: "1001", Line: "9"}), fault.NotFound, "lines[0]"},
		"given back, never taken":  {back(first.ID, many[0]), fault.Conflict, "lines[0]"},
		"reversal of what waits":   {back(waits.ID), fault.NotFound, "reverses"},
		"reversal of nothing":      {back(99), fault.NotFound, "correction"},
		"reversal of another's id": {back(first.ID + 1), fault.NotFound, "correction"},
	} {
		w.refused(name, c.kind, c.field, func() error { _, err := w.propose(w.finance, c.p); return err })
	}
	approved, err := w.propose(w.finance, found(many[0])) // not posted yet
	w.must(err)
	w.refused("a second finding beside one that is approved", fault.Conflict, "lines[0]", func() error {
		_, err := w.propose(w.other, found(many[0]))
		return err
	})
	w.refused("a reversal before it is posted", fault.Conflict, "reverses", func() error {
		_, err := w.propose(w.finance, back(approved.ID))
		return err
	})
	reversal, err := w.propose(w.finance, back(first.ID))
	w.must(err)
	w.refused("reversed twice", fault.Conflict, "reverses", func() error { _, err := w.propose(w.other, back(first.ID)); return err })
	w.refused("found while it is being reversed", fault.Conflict, "lines[0]", func() error {
		_, err := w.propose(w.other, found(lines[0]))
		return err
	})
	_, err = correction.Post(context.Background(), w.db, w.a, reversal.ID)
	w.must(err)
	w.refused("reversed once more", fault.Conflict, "reverses", func() error { _, err := w.propose(w.other, back(first.ID)); return err })
	w.wantBalance(bob, 1000)
	w.audit()
}

// A proposal that was declined frees its lines.
func TestDeclinedFrees(t *testing.T) {
	w := newWorld(t)
	var lines []correction.LineKey
	for _, name := range strings.Fields("a b c d e f g h i j k") {
		lines = append(lines, w.order(name, alice)...)
	}
	big, err := w.propose(w.reviewer, found(lines...))
	w.must(err)
	if big.State != correction.Proposed || big.Amount != -11_000 {
		t.Errorf("11 lines of 10.00: %+v", big)
	}
	w.refused("beside one that waits", fault.Conflict, "lines[0]", func() error { _, err := w.propose(w.finance, found(lines[3])); return err })
	_, err = w.decide(correction.Decline, big.ID, w.admin, "That is not proven.")
	w.must(err)
	w.wantBalance(alice, 11_000)
	w.posted(found(lines[3]))
	w.wantBalance(alice, 10_000)
	w.audit()
}

// Somebody read an approved finding, slept, and posts it after it was posted and reversed: the reversal stands.
func TestPostedTooLate(t *testing.T) {
	w := newWorld(t)
	lines := w.order("1001", alice, alice)
	c, err := w.propose(w.finance, found(lines...))
	w.must(err)
	stale := c
	w.posted(adjust(1))
	_, err = correction.Post(context.Background(), w.db, w.a, c.ID)
	w.must(err)
	w.wantBalance(alice, 1)
	w.posted(back(c.ID, lines[0]))
	w.wantBalance(alice, 1001)
	w.must(correction.PostRead(context.Background(), w.db, w.a, stale))
	w.wantBalance(alice, 1001)
	w.audit()
}

// Credit that moved to somebody else after the proposal is not taken from them.
func TestCreditMoved(t *testing.T) {
	w := newWorld(t)
	winning := w.click(bob, time.Minute)
	lines := w.orderOf("1001", []click.Token{w.click(alice, time.Hour), winning})
	lines = append(lines, w.order("1002", bob)...)
	c, err := w.propose(w.finance, found(lines...))
	w.must(err)
	if c.Creator != bob {
		t.Fatalf("about %d", c.Creator)
	}
	_, err = w.a.Invalidate(context.Background(), 1, []accrual.ClickVerdict{{Click: winning.Click, Rule: "datacentre"}})
	w.must(err)
	w.wantBalance(alice, 1000) // her click ended before, and wins now
	_, err = correction.Post(context.Background(), w.db, w.a, c.ID)
	w.must(err)
	w.wantBalance(alice, 1000)
	w.wantBalance(bob, 0)
	if _, steps := w.find(c.ID); steps[len(steps)-1].Words != "1 of 2 lines changed" {
		t.Errorf("history: %+v", steps)
	}
	w.audit()
}

// Whatever is proposed, decided and posted in whatever order, by several at once: a creator holds what the lines earn that
// no finding stands against, and what was adjusted.
func TestBalancesFollow(t *testing.T) {
	w := newWorld(t)
	lines := w.order("1001", alice, alice, alice, alice)
	stands, adjusted := map[correction.LineKey]id.ID{}, int64(0)
	rapid.Check(t, func(r *rapid.T) {
		line := rapid.SampledFrom(lines).Draw(r, "line")
		p := adjust(rapid.SampledFrom([]int64{-700, 500, limit + 5}).Draw(r, "amount"))
		switch rapid.IntRange(0, 2).Draw(r, "kind") {
		case 1:
			p = found(line)
		case 2:
			p = back(stands[line], line)
		}
		c, err := w.propose(w.finance, p)
		if err != nil {
			if p.Kind == correction.Adjustment || p.Kind == correction.Disqualification && stands[line] == 0 {
				r.Fatal(err)
			}
			return
		}
		if c.State == correction.Proposed {
			verdict := rapid.SampledFrom([]verb{correction.Approve, correction.Decline}).Draw(r, "verdict")
			if c, err = w.decide(verdict, c.ID, w.admin, "Seen."); err != nil {
				r.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 2).Draw(r, "posted") {
			if _, err := correction.Post(context.Background(), w.db, w.a, c.ID); (err == nil) != (c.State == correction.Approved) {
				r.Fatalf("%s: %v", c.State, err)
			}
		}
		switch {
		case c.State == correction.Declined:
		case p.Kind == correction.Adjustment:
			adjusted += p.Amount
		case p.Kind == correction.Disqualification:
			stands[line] = c.ID
		default:
			delete(stands, line)
		}
		if got, want := w.balance(alice), adjusted+int64(len(lines)-len(stands))*1000; got != want {
			r.Fatalf("holds %d, want %d", got, want)
		}
	})
	w.audit()
}

// A creator reads what moved the balance, without the names of staff; the operator reads all of it.
func TestOfCreator(t *testing.T) {
	w := newWorld(t)
	first := w.posted(adjust(100))
	second := w.posted(adjust(limit + 1))
	w.must(w.clock.Set(w.clock.Now().Add(time.Second))) // ids of one instant sort by chance
	waits, err := w.propose(w.finance, adjust(limit+2))
	w.must(err)
	list := func(c id.ID, told bool, before id.ID, size int) (all []correction.Correction) {
		w.must(w.read(func(tx *db.Tx) (err error) { all, err = correction.OfCreator(tx, c, 1, told, before, size); return err }))
		return all
	}
	if all := list(alice, false, 0, 10); len(all) != 3 || all[0].ID != waits.ID || all[1].Second != w.admin.ID {
		t.Errorf("for staff: %+v", all)
	}
	told := list(alice, true, 0, 10)
	if len(told) != 2 || told[0].ID != second.ID || told[1].ID != first.ID || told[1].Words != "A click that we lost." {
		t.Errorf("for the creator: %+v", told)
	}
	for _, c := range told {
		if c.Proposer != 0 || c.Second != 0 {
			t.Errorf("names of staff: %+v", c)
		}
	}
	if next := list(alice, true, second.ID, 10); len(next) != 1 || next[0].ID != first.ID {
		t.Errorf("the next page: %+v", next)
	}
	if all := list(bob, false, 0, 10); len(all) != 0 {
		t.Errorf("another creator's: %+v", all)
	}
}
