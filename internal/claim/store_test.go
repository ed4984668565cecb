package claim_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/internal/auth"
	"tributary/internal/claim"
	"tributary/internal/correction"
	"tributary/internal/db"
	"tributary/internal/fault"
	"tributary/internal/id"
)

var selectOutbox = db.Statement(`SELECT topic, creator, body FROM outbox WHERE topic LIKE 'claim.%' ORDER BY lane, turn, idx`)

func (w *world) told() (rows []string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		return tx.Each(selectOutbox, func(scan func(...any) error) error {
			var topic, body string
			var c int64
			err := scan(&topic, &c, &body)
			rows = append(rows, fmt.Sprintf("%s %d %s", topic, c, body))
			return err
		})
	})
	return rows
}

func (w *world) mine(c, one id.ID) (found claim.Claim, steps []claim.Step, err error) {
	w.db.Read(context.Background(), func(tx *db.Tx) error { found, steps, err = claim.Mine(tx, w.keys(), c, one); return nil })
	return found, steps, err
}

// From the question to the answer: what everybody sees, and what stays.
func TestClaimIsAnswered(t *testing.T) {
	w := newWorld(t)
	w.placed("1001", begin, line("1", "KETTLE", 1999, w.click(alice, begin.Add(-26*time.Hour))))
	r := about("#1001")
	r.Expected, r.Evidence = 90, []string{"https://alice.example/chat.png"}
	c, opened, err := w.open(alice, r)
	w.must(err)
	if !opened || c.State != claim.StateOpen || c.Due != "2026-03-17" || c.Known.Case != claim.Touched {
		t.Errorf("opened: %+v", c)
	}
	w.must(w.clock.Set(begin.AddDate(0, 0, 1)))
	again, opened, err := w.open(alice, about(" 1001"))
	w.must(err)
	if opened || again.ID != c.ID || again.Message != r.Message || again.Expected != 90 {
		t.Errorf("asked twice: %+v", again)
	}
	w.must(w.lane(func(tx *db.Tx) error { return claim.Ask(tx, w.keys(), 1, c.ID, staff, "On which page was the link?") }))
	w.must(w.lane(func(tx *db.Tx) error {
		return claim.Say(tx, w.keys(), 1, alice, c.ID, alice.Text(id.Creator), "On /tea.")
	}))

	adjusted := w.adjusted(alice, 90)
	w.must(w.clock.Set(begin.AddDate(0, 0, 2)))
	verdict := claim.Verdict{Outcome: claim.Accepted, Reason: "goodwill", Words: "It was two hours late. We pay it.", Correction: adjusted}
	done, err := w.answer(c.ID, verdict)
	w.must(err)
	if done.State != claim.StateAnswered || done.Outcome != claim.Accepted || done.Correction != adjusted {
		t.Errorf("answered: %+v", done)
	}
	w.refused("answered twice", fault.Conflict, "", func() error { _, err := w.answer(c.ID, verdict); return err })
	w.refused("withdrawn after the answer", fault.Conflict, "", func() error { return w.withdraw(alice, c.ID) })
	w.refused("said after the answer", fault.Conflict, "", func() error {
		return w.lane(func(tx *db.Tx) error { return claim.Say(tx, w.keys(), 1, alice, c.ID, "cr_", "But.") })
	})

	found, steps, err := w.mine(alice, c.ID)
	w.must(err)
	if found.Order != "#1001" || found.Reason != "goodwill" || !found.Closed.Equal(begin.AddDate(0, 0, 2)) || len(found.Known.Lines) != 1 ||
		found.Evidence[0] != "https://alice.example/chat.png" {
		t.Errorf("stored: %+v", found)
	}
	var story []string
	for _, s := range steps {
		story = append(story, s.At.Format("02 ")+s.Who+" "+s.Action+": "+s.Words)
	}
	want := "10 cr_000000000000b opened: She told me that she bought it through my page.\n" + // its creator reads no names of staff
		"11  asked: On which page was the link?\n11 cr_000000000000b said: On /tea.\n12  answered: It was two hours late. We pay it."
	if got := strings.Join(story, "\n"); got != want {
		t.Errorf("the story:\n%s\nwant\n%s", got, want)
	}
	w.read(func(tx *db.Tx) error {
		_, steps, err := claim.Find(tx, w.keys(), c.ID)
		if len(steps) != 4 || steps[3].Who != staff {
			t.Errorf("for staff: %+v", steps)
		}
		return err
	})
	number, moved := c.ID.Text(id.Claim), adjusted.Text(id.Correction)
	body := `{"claim":"` + number + `","order":"#1001","due":"2026-03-17"`
	told := "claim.opened 11 " + body + "}\n" +
		"claim.answered 11 " + body + `,"outcome":"accepted","reason":"goodwill","correction":"` + moved + `"}`
	if got := w.told(); strings.Join(got, "\n") != told {
		t.Errorf("told:\n%s", strings.Join(got, "\n"))
	}
	if _, opened, err := w.open(alice, about("1001")); err != nil || !opened {
		t.Errorf("what was answered may be asked again: %v, %v", opened, err)
	}
}

// adjusted is a correction in a creator's favour.
func (w *world) adjusted(c id.ID, amount int64) id.ID {
	w.t.Helper()
	var made correction.Correction
	w.must(w.lane(func(tx *db.Tx) (err error) {
		by, err := auth.Open(tx, auth.Principal{Name: "Finance", Role: auth.Finance}, begin)
		if err != nil {
			return err
		}
		made, err = correction.Propose(tx, 1, by, 10_000, correction.Proposal{Kind: correction.Adjustment, Creator: c, Amount: amount,
			Reason: "claim", Words: "A claim that was right."})
		return err
	}))
	return made.ID
}

func (w *world) withdraw(c, one id.ID) error {
	return w.lane(func(tx *db.Tx) error {
		_, err := claim.Withdraw(tx, w.keys(), 1, c, one, c.Text(id.Creator))
		return err
	})
}

// What is credited and worth something leaves nothing to claim.
func TestNothingToClaim(t *testing.T) {
	w := newWorld(t)
	w.placed("1001", begin, line("1", "KETTLE", 1999, w.click(alice, begin.Add(-time.Hour))))
	w.refused("credited", fault.Conflict, "order", func() error { _, _, err := w.open(alice, about("1001")); return err })
	if c := w.opened(bob, "1001"); c.Known.Case != claim.NoClick {
		t.Errorf("a stranger may ask: %+v", c.Known)
	}
	if c := w.opened(bob, "unknown"); c.Known.Case != claim.NotReported {
		t.Errorf("what is not reported may be asked about: %+v", c.Known)
	}
}

// Claims of others do not exist: not to read, not to answer to, not to withdraw, not in lists.
func TestClaimsOfOthers(t *testing.T) {
	w := newWorld(t)
	c := w.opened(alice, "1001")
	if _, _, err := w.mine(bob, c.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("read: %v", err)
	}
	w.refused("withdrawn", fault.NotFound, "claim", func() error { return w.withdraw(bob, c.ID) })
	w.refused("said", fault.NotFound, "claim", func() error {
		return w.lane(func(tx *db.Tx) error { return claim.Say(tx, w.keys(), 1, bob, c.ID, "cr_", "Mine.") })
	})
	w.refused("answered from another marketplace", fault.NotFound, "claim", func() error {
		return w.db.Lane(context.Background(), db.Interactive, w.clock.Now(), []int64{2}, func(tx *db.Tx) error {
			_, err := claim.Answer(tx, w.keys(), 2, c.ID, staff, claim.Verdict{Outcome: claim.Declined, Reason: "other", Words: "No."})
			return err
		})
	})
	w.refused("no such claim", fault.NotFound, "claim", func() error { return w.withdraw(alice, c.ID+1) })
	mine := w.opened(bob, "1001") // the same order, asked about by somebody else
	w.read(func(tx *db.Tx) error {
		list, err := claim.OfCreator(tx, w.keys(), bob, 0, 0, 100)
		if len(list) != 1 || list[0].ID != mine.ID {
			t.Errorf("listed: %+v", list)
		}
		return err
	})
	w.must(w.withdraw(alice, c.ID))
	found, steps, err := w.mine(alice, c.ID)
	w.must(err)
	if found.State != claim.StateWithdrawn || steps[1].Action != "withdrawn" || steps[1].Who != alice.Text(id.Creator) {
		t.Errorf("withdrawn: %+v %+v", found, steps)
	}
}

// What an answer names was made for this creator here, and stands.
func TestAnswerNamesACorrection(t *testing.T) {
	w := newWorld(t)
	c := w.opened(alice, "1001")
	foreign := w.adjusted(bob, 90)
	paid := func(one id.ID) func() error {
		return func() error {
			_, err := w.answer(c.ID, claim.Verdict{Outcome: claim.Accepted, Reason: "goodwill", Words: "Paid.", Correction: one})
			return err
		}
	}
	w.refused("another creator's", fault.NotFound, "correction", paid(foreign))
	w.refused("none", fault.NotFound, "correction", paid(77))
	w.refused("one that waits for a second person", fault.Conflict, "correction", paid(w.adjusted(alice, 10_001)))
	w.refused("no words", fault.Invalid, "words", func() error {
		_, err := w.answer(c.ID, claim.Verdict{Outcome: claim.Declined, Reason: "no_click"})
		return err
	})
	done, err := w.answer(c.ID, claim.Verdict{Outcome: claim.Accepted, Reason: "other", Words: "It is there now."})
	if err != nil || done.Correction != 0 {
		t.Errorf("nothing moved: %+v, %v", done, err)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	var last claim.Claim
	for i := range claim.MaxOpen {
		last = w.opened(alice, fmt.Sprintf("order-%d", i))
	}
	w.refused("one more", fault.Exhausted, "", func() error { _, _, err := w.open(alice, about("one more")); return err })
	if _, opened, err := w.open(alice, about("order-3")); opened || err != nil {
		t.Errorf("what is open is given at the limit, too: %v, %v", opened, err)
	}
	w.opened(bob, "one more") // the limit is of one creator
	w.must(w.withdraw(alice, last.ID))
	c := w.opened(alice, "one more")
	for i := range claim.MaxSteps - 2 {
		w.must(w.lane(func(tx *db.Tx) error { return claim.Say(tx, w.keys(), 1, alice, c.ID, "cr_", fmt.Sprint("and ", i)) }))
	}
	w.refused("one step more", fault.Exhausted, "words", func() error {
		return w.lane(func(tx *db.Tx) error { return claim.Ask(tx, w.keys(), 1, c.ID, staff, "Why?") })
	})
	if _, err := w.answer(c.ID, claim.Verdict{Outcome: claim.Declined, Reason: "other", Words: "Enough."}); err != nil {
		t.Errorf("a full claim can be answered: %v", err)
	}
	w.refused("empty", fault.Invalid, "message", func() error {
		_, _, err := w.open(bob, claim.Request{Question: claim.Question{Order: "7"}})
		return err
	})
}

// Dates without a number are told apart by what was bought.
func TestClaimsByDate(t *testing.T) {
	w := newWorld(t)
	ask := func(date, product string) claim.Request {
		return claim.Request{Question: claim.Question{Date: date, Product: product}, Message: "It is missing."}
	}
	first, opened, err := w.open(alice, ask("2026-03-09", "Kettle"))
	if err != nil || !opened || first.Known.Case != claim.ByDate {
		t.Errorf("%+v, %v", first, err)
	}
	for _, c := range []struct {
		r    claim.Request
		same bool
	}{{ask("2026-03-09", "kettle "), true}, {ask("2026-03-09", "mug"), false}, {ask("2026-03-08", "kettle"), false}} {
		if one, opened, err := w.open(alice, c.r); err != nil || opened == c.same || c.same != (one.ID == first.ID) {
			t.Errorf("%+v: %v, %v", c.r, opened, err)
		}
	}
}

// The queue begins with what is due first, says what is overdue by the marketplace's dates, and loses what is answered.
func TestQueue(t *testing.T) {
	w := newWorld(t)
	late := w.opened(alice, "1") // due 17 March
	w.must(w.clock.Set(begin.AddDate(0, 0, 3)))
	second, third := w.opened(alice, "2"), w.opened(bob, "3") // due 20 March
	queue := func(due string, after id.ID, limit int) (ids []id.ID) {
		w.read(func(tx *db.Tx) error {
			list, err := claim.Queue(tx, w.keys(), 1, due, after, limit)
			for _, c := range list {
				ids = append(ids, c.ID)
			}
			return err
		})
		return ids
	}
	if got := queue("", 0, 10); len(got) != 3 || got[0] != late.ID {
		t.Errorf("queue %v", got)
	}
	var turned []id.ID
	for due, after := "", id.ID(0); ; {
		page := queue(due, after, 1)
		if len(page) == 0 {
			break
		}
		turned, after = append(turned, page...), page[0]
		if due = third.Due; after == late.ID {
			due = late.Due
		}
	}
	if len(turned) != 3 || turned[1] == turned[2] {
		t.Errorf("page by page: %v", turned)
	}
	counts := func(today string) string {
		var open, overdue int
		w.read(func(tx *db.Tx) (err error) { open, overdue, err = claim.Counts(tx, 0, today); return err })
		return fmt.Sprint(open, " ", overdue)
	}
	if a, b, c := counts("2026-03-17"), counts("2026-03-18"), counts("2026-03-21"); a != "3 0" || b != "3 1" || c != "3 3" {
		t.Errorf("counts %q %q %q", a, b, c)
	}
	_, err := w.answer(second.ID, claim.Verdict{Outcome: claim.Declined, Reason: "no_such_order", Words: "The store knows of none."})
	w.must(err)
	if got := queue("", 0, 10); len(got) != 2 || counts("2026-03-21") != "2 2" {
		t.Errorf("after an answer: %v, %s", got, counts("2026-03-21"))
	}
	w.read(func(tx *db.Tx) error {
		past, err := claim.Past(tx, w.keys(), 1, 0, 10)
		if len(past) != 1 || past[0].ID != second.ID {
			t.Errorf("past: %+v", past)
		}
		return err
	})
}

// One creator who asks from several places at once has one claim.
func TestOpenedAtOnce(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	fresh, ids := 0, map[id.ID]bool{}
	for range 8 {
		all.Go(func() {
			c, opened, err := w.open(alice, about("1001"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if ids[c.ID] = true; opened {
				fresh++
			}
		})
	}
	all.Wait()
	if fresh != 1 || len(ids) != 1 || len(w.told()) != 1 {
		t.Errorf("%d opened, %d claims, %d told", fresh, len(ids), len(w.told()))
	}
}

// A question that is sent twice stands there once; the same words of somebody else, or after an answer, are another one.
func TestAskedTwice(t *testing.T) {
	w := newWorld(t)
	c := w.opened(alice, "1001")
	ask := func(who string) {
		t.Helper()
		w.must(w.lane(func(tx *db.Tx) error { return claim.Ask(tx, w.keys(), 1, c.ID, who, "Which page?") }))
	}
	wants := func(steps int) {
		t.Helper()
		w.read(func(tx *db.Tx) error {
			_, got, err := claim.Find(tx, w.keys(), c.ID)
			if len(got) != steps {
				t.Errorf("%d steps, want %d", len(got), steps)
			}
			return err
		})
	}
	ask(staff)
	ask(staff)
	wants(2)
	ask("us_0000000000002")
	wants(3)
	w.must(w.lane(func(tx *db.Tx) error {
		return claim.Say(tx, w.keys(), 1, alice, c.ID, alice.Text(id.Creator), "The one about kettles.")
	}))
	ask("us_0000000000002")
	wants(5)
	if _, err := w.answer(c.ID, claim.Verdict{Outcome: claim.Declined, Reason: "other", Words: "No."}); err != nil {
		t.Fatal(err)
	}
	if err := w.lane(func(tx *db.Tx) error { return claim.Ask(tx, w.keys(), 1, c.ID, staff, "Which page?") }); !fault.Is(err, fault.Conflict) {
		t.Errorf("asked after the answer: %v", err)
	}
}
