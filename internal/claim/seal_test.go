package claim_test

import (
	"strings"
	"testing"
	"time"

	"tributary/internal/claim"
	"tributary/internal/db"
	"tributary/internal/person"
)

var (
	selectTexts = db.Statement(`SELECT subject || body FROM claim UNION ALL SELECT words FROM claim_step`)
	unseal      = db.Statement(`UPDATE claim SET sealed = 0, body = $2 WHERE id = $1`)
	unsealWords = db.Statement(`UPDATE claim_step SET sealed = 0, words = $2 WHERE claim = $1`)
	spoil       = db.Statement(`UPDATE claim SET body = 'AAAA' WHERE id = $1`)
)

func (w *world) texts() string {
	var all strings.Builder
	w.read(func(tx *db.Tx) error {
		return tx.Each(selectTexts, func(scan func(...any) error) error {
			var text string
			err := scan(&text)
			all.WriteString(text + "\n")
			return err
		})
	})
	return all.String()
}

// What is said is stored sealed, under the creator's key; rows of before are read as they are.
func TestWhatIsSaidIsSealed(t *testing.T) {
	w := newWorld(t)
	w.placed("1001", begin, line("1", "KETTLE", 1999, w.click(alice, begin.Add(-26*time.Hour))))
	c := w.opened(alice, "1001")
	w.must(w.lane(func(tx *db.Tx) error { return claim.Ask(tx, w.keys(), 1, c.ID, staff, "On which page was the link?") }))
	for _, words := range []string{"She told me", "which page", `"message"`} {
		if strings.Contains(w.texts(), words) {
			t.Errorf("%q is stored plainly", words)
		}
	}
	found, steps, err := w.mine(alice, c.ID)
	if err != nil || found.Message != about("1001").Message || len(steps) != 2 || steps[1].Words != "On which page was the link?" {
		t.Errorf("%+v, %+v, %v", found, steps, err)
	}
	w.must(w.lane(func(tx *db.Tx) error { _, err := tx.Exec(spoil, int64(c.ID)); return err }))
	if _, _, err := w.mine(alice, c.ID); err == nil {
		t.Error("a spoilt claim is read")
	}
	w.must(w.lane(func(tx *db.Tx) error {
		if _, err := tx.Exec(unsealWords, int64(c.ID), "as it was kept before"); err != nil {
			return err
		}
		_, err := tx.Exec(unseal, int64(c.ID), `{"request":{"order":"1001","message":"of before"},"known":{"case":"touched","words":[],"lines":[]}}`)
		return err
	}))
	if found, steps, err := w.mine(alice, c.ID); err != nil || found.Message != "of before" || steps[0].Words != "as it was kept before" {
		t.Errorf("a row of before: %+v, %+v, %v", found, steps, err)
	}
}

// Erased: what was open is withdrawn, and nothing that was said is left; the outcome stays.
func TestForgottenClaims(t *testing.T) {
	w := newWorld(t)
	w.placed("1001", begin, line("1", "KETTLE", 1999, w.click(alice, begin.Add(-26*time.Hour))))
	first, second, other := w.opened(alice, "1001"), w.opened(alice, "nowhere"), w.opened(bob, "nowhere")
	if _, err := w.answer(first.ID, claim.Verdict{Outcome: claim.Declined, Reason: "other", Words: "It was late."}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.must(w.lane(func(tx *db.Tx) error { return claim.Forget(tx, w.keys(), 1, alice, staff) }))
		w.must(w.lane(func(tx *db.Tx) error { return person.Erase(tx, alice, w.clock.Now()) }))
	}
	if found, steps, err := w.mine(alice, first.ID); err != nil || found.State != claim.StateAnswered || found.Reason != "other" ||
		found.Message != "(erased)" || found.Order != "" || len(steps) != 2 || steps[1].Words != "(erased)" {
		t.Errorf("%+v, %+v, %v", found, steps, err)
	}
	if found, _, err := w.mine(alice, second.ID); err != nil || found.State != claim.StateWithdrawn {
		t.Errorf("%+v, %v", found, err)
	}
	if found, _, err := w.mine(bob, other.ID); err != nil || found.State != claim.StateOpen || found.Message != about("x").Message {
		t.Errorf("somebody else's: %+v, %v", found, err)
	}
}
