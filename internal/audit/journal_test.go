package audit_test

import (
	"context"
	"strings"
	"testing"

	"tributary/internal/application"
	"tributary/internal/audit"
	"tributary/internal/clock"
	"tributary/internal/db"
	"tributary/internal/db/dbtest"
	"tributary/internal/enrolment"
	"tributary/internal/id"
	"tributary/internal/journal"
	"tributary/internal/market"
	"tributary/internal/person"
	"tributary/internal/policy"
	"tributary/internal/secret"
)

var (
	spoilActor  = db.Statement(`UPDATE journal SET actor = 'nobody' WHERE no = 2`)
	spoilBody   = db.Statement(`UPDATE application SET body = $1`)
	spoilWords  = db.Statement(`UPDATE claim SET body = '§'`)
	insertClaim = db.Statement(`INSERT INTO claim (id, market, creator, subject, state, outcome, reason, correction, opened, due, closed, sealed, body)
		VALUES (7, 1, 11, 'x', 'open', '', '', 0, 0, '', 0, 1, '')`)
	swapKeys = db.Statement(`UPDATE person_key SET key = (SELECT key FROM person_key WHERE person = 22) WHERE person = 11`)
)

// The audit reads the whole log, and opens whatever is sealed for somebody who was not erased.
func TestTheLogIsAudited(t *testing.T) {
	ctx, ring := context.Background(), secret.FixedRing("audit")
	for name, c := range map[string]struct {
		do   func(*db.Tx) error
		want string // the difference; empty: there is none
	}{
		"as it was written":   {func(*db.Tx) error { return nil }, ""},
		"erased":              {func(tx *db.Tx) error { return person.Erase(tx, 11, begin) }, ""},
		"an altered entry":    {func(tx *db.Tx) error { _, err := tx.Exec(spoilActor); return err }, "the log: entry 2 is not as it was written"},
		"an altered text":     {func(tx *db.Tx) error { _, err := tx.Exec(spoilBody, []byte("x")); return err }, "application:ap_"},
		"words that are none": {func(tx *db.Tx) error { _, err := tx.Exec(spoilWords); return err }, "claim:clm_0000000000007"},
		"another one's key":   {func(tx *db.Tx) error { _, err := tx.Exec(swapKeys); return err }, "the log: what entry journal:1 holds cannot be opened"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.Open(t)
			do := func(fn func(*db.Tx) error) {
				t.Helper()
				if err := d.Write(ctx, db.Interactive, fn); err != nil {
					t.Fatal(err)
				}
			}
			do(func(tx *db.Tx) error {
				m := market.Market{No: 1, ID: "us", Currency: "USD", Zone: "America/New_York", Home: "http://store.example", Policy: policy.Shipped()}
				return market.Save(tx, m)
			})
			for _, who := range []id.ID{11, 11, 22} {
				do(func(tx *db.Tx) error {
					return journal.Add(tx, ring, journal.Entry{At: begin, Actor: journal.System, Action: "creator.changed", Subject: who.Text(id.Creator), Person: who,
						Reason: "as asked"})
				})
			}
			do(func(tx *db.Tx) error {
				key := enrolment.Key{Market: 1, Creator: 11, Program: enrolment.Associates}
				return application.Save(tx, ring, key, application.Form{About: "kettles"}, clock.FromMicro(begin.UnixMicro()))
			})
			do(func(tx *db.Tx) error { _, err := tx.Exec(insertClaim); return err })
			do(c.do)
			var told []string
			err := d.Read(ctx, func(tx *db.Tx) error {
				differ := func(text string) { told = append(told, text) }
				seen, err := audit.Verify(tx, 1, differ)
				if err != nil {
					return err
				}
				opened, err := audit.Personal(tx, ring, differ)
				if seen.Entries != 3 || opened.Entries != 3 || opened.Texts != 2 {
					t.Errorf("seen %+v, opened %+v", seen, opened)
				}
				return err
			})
			if all := strings.Join(told, "\n"); err != nil || !strings.Contains(all, c.want) || (c.want == "") != (all == "") {
				t.Errorf("told %q, %v", all, err)
			}
		})
	}
}
